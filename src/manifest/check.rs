//! Reads one entry after the other and checks each against its kind.

use std::collections::HashMap;

use super::document::Raw;
use super::entry::Entry;
use super::lifecycle::{Lifecycle, LifecycleForm};
use super::locate::Locator;
use super::read::{Origin, Origins, Reader};
use super::rules::Rules;
use super::schema::{Compiled, Subject, plain};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kind::{Identity, Kind, Problems};
use crate::model::Value;

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
        let (fields, origins) = reader.members(own, &raw.scope, kind.system, &known.rules);
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
                    .unwrap_or_default()
            }
            None => Lifecycle::default(),
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
            links: Vec::new(),
            locator: raw.locator,
        };
        if right && readable {
            own_check(&mut entry, &mut reader.diagnostics);
        }
        Some((entry, origins))
    }
}

/// What only the kind itself can say of an entry, with the name and the slug that it will have.
fn own_check(entry: &mut Entry, diagnostics: &mut Vec<Diagnostic>) {
    let Some(check) = entry.kind.check else {
        return;
    };
    let key = &entry.address.key;
    let chosen = entry.kind.identity == Identity::Slug;
    let mut added = Vec::new();
    for field in ["name", "slug"] {
        if (field == "name" || chosen) && !entry.fields.contains_key(field) {
            entry.fields.insert(field.to_owned(), Value::text(key));
            added.push(field);
        }
    }
    let mut problems = Problems::default();
    check(&entry.fields, &mut problems);
    for field in added {
        entry.fields.shift_remove(field);
    }
    for problem in problems.0 {
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
    Some(form.read(&raw.address))
}
