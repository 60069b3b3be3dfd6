//! Reads one entry after the other and checks each against its kind.

use std::collections::HashMap;

use super::document::Raw;
use super::entry::Entry;
use super::index::with_article;
use super::lifecycle::{Lifecycle, LifecycleForm};
use super::locate::Locator;
use super::read::{Origin, Origins, Reader};
use super::rules::Rules;
use super::schema::{Compiled, Subject, plain};
use crate::diagnostic::{Diagnostic, Severity, did_you_mean};
use crate::kind::{Identity, Kind, Problems};
use crate::model::{Pointer, Value};

/// What is prepared once for each kind.
struct Known {
    rules: Rules,
    /// `None` where the schema itself is broken, which has been reported.
    schema: Option<Compiled>,
}

/// What is prepared once for a run.
pub(super) struct Kinds {
    known: HashMap<(&'static str, &'static str), Known>,
    lifecycle: Option<Compiled>,
}

impl Default for Kinds {
    fn default() -> Self {
        Self {
            known: HashMap::new(),
            lifecycle: Compiled::new("lifecycle", schemars::schema_for!(LifecycleForm).to_value())
                .ok(),
        }
    }
}

fn key(kind: &Kind) -> (&'static str, &'static str) {
    (kind.system, kind.name)
}

impl Kinds {
    /// The rules of a kind of which an entry has been read.
    pub(super) fn rules(&self, kind: &Kind) -> Option<&Rules> {
        self.known.get(&key(kind)).map(|known| &known.rules)
    }

    /// Reads and checks one entry, references aside.
    pub(super) fn entry(&mut self, raw: Raw, reader: &mut Reader<'_>) -> Option<(Entry, Origins)> {
        let kind = raw.kind;
        let known = self.known.entry(key(kind)).or_insert_with(|| Known {
            rules: Rules::new(kind.rules),
            schema: Compiled::of_kind(kind)
                .map_err(|problem| reader.diagnostics.push(*problem))
                .ok(),
        });
        let members = raw.locator.node.members()?;
        let own = members.iter().filter(|member| member.key != "lifecycle");
        let (fields, origins, sealed) = reader.members(own, &raw.scope, kind.system, &known.rules);
        let unset = reader.take_unset_secrets();
        let lifecycle = match raw.locator.node.member("lifecycle") {
            Some(member) => {
                let locator = Locator {
                    file: raw.locator.file,
                    key: member.key_span.clone(),
                    node: member.value.clone().into(),
                };
                self.lifecycle
                    .as_ref()
                    .and_then(|schema| lifecycle(&raw, &locator, schema, reader))
                    .unwrap_or_else(|| LifecycleForm::default().read(&raw.address, kind))
            }
            None => LifecycleForm::default().read(&raw.address, kind),
        };
        let json = plain(&fields);
        let subject = Subject {
            noun: kind.noun,
            locator: &raw.locator,
            origins: &origins,
            json: &json,
        };
        let schema = known.schema.as_ref();
        let right = schema
            .is_none_or(|schema| schema.check(&subject, reader.sources, &mut reader.diagnostics));
        let readable = !origins.values().any(|at| *at == Origin::Failed);
        let mut entry = Entry {
            address: raw.address,
            kind,
            fields,
            lifecycle,
            unset,
            sealed,
            links: Vec::new(),
            locator: raw.locator,
        };
        if right && readable {
            own_check(&mut entry, &origins, &mut reader.diagnostics);
        }
        Some((entry, origins))
    }
}

/// What only the kind itself can say of an entry, with the name and the slug that it will have.
fn own_check(entry: &mut Entry, origins: &Origins, diagnostics: &mut Vec<Diagnostic>) {
    let Some(check) = entry.kind.check else {
        return;
    };
    let key = &entry.address.key;
    let chosen = entry.kind.identity == Identity::Slug;
    let mut added = Vec::new();
    for field in ["name", "slug"] {
        let has = match field {
            "name" => entry.kind.identity.has_name(),
            _ => chosen,
        };
        if has && !entry.fields.contains_key(field) {
            entry.fields.insert(field.to_owned(), Value::text(key));
            added.push(field);
        }
    }
    let mut problems = Problems::default();
    check(&entry.fields, &mut problems);
    for field in added {
        entry.fields.shift_remove(field);
    }
    // What stands for a value in a run against the mock need not be a right one.
    let stands_in = |at: &Pointer| {
        let (field, below) = at.segments().split_first()?;
        let value = entry.fields.get(field)?.at(below)?.as_str();
        value.filter(|_| origins.get(&at.to_string()) == Some(&Origin::Opaque))
    };
    for problem in problems.0 {
        if stands_in(&problem.pointer).is_some() {
            continue;
        }
        let diagnostic = match problem.severity {
            Severity::Error => Diagnostic::error(problem.code, problem.message),
            Severity::Warning => Diagnostic::warning(problem.code, problem.message),
        };
        diagnostics.push(
            diagnostic
                .at(entry.locate(&problem.pointer), "")
                .maybe_help(problem.help),
        );
    }
}

fn lifecycle(
    raw: &Raw,
    locator: &Locator,
    schema: &Compiled,
    reader: &mut Reader<'_>,
) -> Option<Lifecycle> {
    let value = reader.value(&locator.node, &raw.scope)?;
    let json = value.to_wire(&|_| None).ok()?;
    let origins = Origins::new();
    let subject = Subject {
        noun: "lifecycle",
        locator,
        origins: &origins,
        json: &json,
    };
    if !schema.check(&subject, reader.sources, &mut reader.diagnostics) {
        return None;
    }
    let form: LifecycleForm = serde_json::from_value(json).ok()?;
    let lifecycle = form.read(&raw.address, raw.kind);
    ignored(raw.kind, &lifecycle, locator, &mut reader.diagnostics);
    if let Some(sink) = &lifecycle.sink {
        let place = locator.key(&Pointer::from("/sink"));
        reader.permit(sink, place.clone());
        if raw.kind.issued().is_none() {
            let message = format!(
                "the server makes no secret for {}",
                with_article(raw.kind.noun)
            );
            let problem = Diagnostic::warning("unused-sink", message);
            reader
                .diagnostics
                .push(problem.at(place, "nothing goes here"));
        }
    }
    Some(lifecycle)
}

/// Warns of places that are to be left alone and do not exist.
fn ignored(
    kind: &Kind,
    lifecycle: &Lifecycle,
    locator: &Locator,
    diagnostics: &mut Vec<Diagnostic>,
) {
    if lifecycle.ignore.is_empty() {
        return;
    }
    let fields = crate::schema::fields(kind);
    for (index, place) in lifecycle.ignore.iter().enumerate() {
        let field = place.field().unwrap_or_default();
        if fields.contains(field) {
            continue;
        }
        let message = format!("`ignore` names `{place}`, and no {} has that", kind.noun);
        let at = locator.value(&Pointer::root().child("ignore").child(index));
        let meant = did_you_mean(field, fields.iter().map(String::as_str));
        diagnostics.push(
            Diagnostic::warning("unknown-ignore", message)
                .at(at, "")
                .maybe_help(meant),
        );
    }
}
