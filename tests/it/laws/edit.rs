//! Edits of entries.

use std::collections::BTreeSet;
use std::fmt;

use gatewright::kind::{Is, Kind};
use gatewright::model::Pointer;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;

use super::generate::Places;
use super::repository::{self, Sample};
use crate::support::Project;

/// How often another edit is drawn where one is not valid.
const DRAWS: usize = 12;

/// One field of one entry, and its new value.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    pub(super) kind: String,
    pub(super) key: String,
    pub(super) path: Vec<String>,
    /// `None` takes it away.
    pub(super) value: Option<Value>,
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = format!("{}.{} /{}", self.kind, self.key, self.path.join("/"));
        match &self.value {
            Some(value) => write!(f, "{place} = {value}"),
            None => write!(f, "{place} is left out"),
        }
    }
}

impl Edit {
    pub(super) fn apply(&self, entry: &mut Value) {
        let (last, path) = self.path.split_last().unwrap();
        let parent = path
            .iter()
            .try_fold(entry, |value, name| value.get_mut(name));
        if let Some(Value::Object(members)) = parent {
            match &self.value {
                Some(value) => drop(members.insert(last.clone(), value.clone())),
                None => drop(members.remove(last)),
            }
        }
    }
}

/// Draws edits.
pub(super) struct Editor {
    runner: TestRunner,
    folder: Project,
    open: BTreeSet<(String, String)>,
}

impl Editor {
    pub(super) fn new(sample: &Sample, seed: u64) -> Self {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let fields = sample.system.kinds.iter().flat_map(|kind| {
            let schema = gatewright::schema::kind_schema(kind);
            let names: Vec<String> = fields(kind, &schema).into_iter().collect();
            names.into_iter().map(|name| (kind.name.to_owned(), name))
        });
        Self {
            runner: TestRunner::new_with_rng(Config::default(), rng),
            folder: sample.project(),
            open: fields.collect(),
        }
    }

    /// The fields that no edit was about so far.
    pub(super) fn untouched(&self) -> Vec<String> {
        self.open
            .iter()
            .map(|(kind, field)| format!("{kind}/{field}"))
            .collect()
    }

    /// An edit of an entry of every kind, valid together.
    pub(super) fn draw(&mut self, sample: &Sample) -> Vec<Edit> {
        let mut edits: Vec<Edit> = Vec::new();
        for kind in sample.system.kinds {
            let schema = gatewright::schema::kind_schema(kind);
            for _ in 0..DRAWS {
                let Some(edit) = self.edit(sample, kind, &schema) else {
                    continue;
                };
                edits.push(edit);
                sample.with(&edits).write(&self.folder);
                if repository::is_sound(self.folder.path()) {
                    break;
                }
                edits.pop();
            }
        }
        for edit in &edits {
            self.open.remove(&(edit.kind.clone(), edit.path[0].clone()));
        }
        edits
    }

    fn below(&mut self, end: usize) -> usize {
        (0..end).new_tree(&mut self.runner).unwrap().current()
    }

    fn edit(&mut self, sample: &Sample, kind: &'static Kind, schema: &Value) -> Option<Edit> {
        let entries: Vec<(&String, &Value)> = sample.of(kind.name).collect();
        let (key, entry) = entries[self.below(entries.len())];
        let fields: Vec<String> = fields(kind, schema).into_iter().collect();
        // What nobody has edited yet comes first.
        let open: Vec<&String> = fields
            .iter()
            .filter(|field| {
                self.open
                    .contains(&(kind.name.to_owned(), (*field).clone()))
            })
            .collect();
        let field = match open.is_empty() {
            true => fields[self.below(fields.len())].clone(),
            false => open[self.below(open.len())].clone(),
        };
        let keys = |name: &str| {
            let keys = sample.of(name).map(|(key, _)| key.clone());
            // Not the entry itself: it cannot lie in itself.
            keys.filter(|other| name != kind.name || other != key)
                .collect()
        };
        let places = Places {
            kind,
            schema,
            keys: &keys,
        };
        let mut path = vec![field.clone()];
        let mut at = Pointer::root().child(&field);
        let mut place = places.resolve(&schema["properties"][&field]);
        let mut value = entry.get(&field);
        // Half of the time the edit is about something inside.
        while let Some(Value::Object(members)) = value {
            // Access is needed by what lives elsewhere: it is edited, not taken away.
            if kind.has(&at, |is| matches!(is, Is::ReferenceKeys { .. })) {
                let keys: Vec<&String> = members.keys().collect();
                let key = *keys.get(self.below(keys.len().max(1)))?;
                path.push(key.clone());
                at = at.child(key);
                place = places.resolve(place.get("additionalProperties")?);
                value = members.get(key);
                let Some(Value::Object(members)) = value else {
                    return None;
                };
                let inner: Vec<_> = place["properties"].as_object()?.iter().collect();
                let inner: Vec<_> = inner
                    .into_iter()
                    .filter(|(name, _)| *name != "enabled")
                    .collect();
                if inner.is_empty() {
                    return None;
                }
                let (name, schema) = inner[self.below(inner.len())];
                path.push(name.clone());
                at = at.child(name);
                place = places.resolve(schema);
                value = members.get(name);
                break;
            }
            let inner: Vec<(&String, &Value)> = place
                .get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .collect();
            if inner.is_empty() || self.below(2) == 0 {
                break;
            }
            let (name, schema) = inner[self.below(inner.len())];
            path.push(name.clone());
            at = at.child(name);
            place = places.resolve(schema);
            value = members.get(name);
        }
        let fixed = |is: &Is| {
            matches!(
                is,
                Is::Immutable | Is::ServerOwned | Is::ReferenceKeys { .. }
            )
        };
        if kind.has(&at, fixed) {
            return None;
        }
        let nullable = place["type"]
            .as_array()
            .is_some_and(|types| types.contains(&"null".into()));
        let new = match self.below(8) {
            0 => None,
            1 if nullable => Some(Value::Null),
            _ => Some(
                places
                    .values(place, &at)?
                    .new_tree(&mut self.runner)
                    .ok()?
                    .current(),
            ),
        };
        (new.as_ref() != value).then(|| Edit {
            kind: kind.name.to_owned(),
            key: key.clone(),
            path,
            value: new,
        })
    }
}

/// The fields of a kind that can be edited.
fn fields(kind: &Kind, schema: &Value) -> BTreeSet<String> {
    let names = schema["properties"].as_object().unwrap().keys();
    let names = names.filter(|name| {
        let at = Pointer::root().child(name);
        let drawn = |is: &Is| !matches!(is, Is::ServerOwned | Is::InsteadOfScope);
        *name != "lifecycle" && kind.rules_at(&at).all(drawn)
    });
    names.cloned().collect()
}
