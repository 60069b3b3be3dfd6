//! Refuses two entries that mean one object: names are how objects without a chosen slug are
//! found, so within a scope they must be unique.

use std::collections::HashMap;

use super::Entry;
use crate::diagnostic::Diagnostic;
use crate::kind::Identity;
use crate::model::{Pointer, Value};

/// Reports every entry whose name another entry of its kind and scope has already. The API would
/// allow it, but the next run could not tell the two objects apart.
pub(super) fn check(entries: &[Entry], diagnostics: &mut Vec<Diagnostic>) {
    let mut seen: HashMap<(&str, &str, Vec<String>, &str), &Entry> = HashMap::new();
    for entry in entries
        .iter()
        .filter(|entry| entry.kind.identity != Identity::Slug)
    {
        let named = entry.kind.identity.has_name();
        let name = entry.fields.get("name").and_then(Value::as_str);
        let name = match named {
            true => name.unwrap_or(&entry.address.key),
            false => "-",
        };
        // What could not be read has been reported and stands here as an empty text.
        if name.is_empty() {
            continue;
        }
        let scope = entry
            .kind
            .scope
            .iter()
            .map(|field| match entry.fields.get(*field) {
                Some(Value::Reference(reference)) => reference.address.to_string(),
                Some(Value::String(id)) => id.clone(),
                _ => String::new(),
            });
        let key = (
            entry.address.system.as_str(),
            entry.kind.name,
            scope.collect(),
            name,
        );
        let Some(first) = seen.get(&key) else {
            seen.insert(key, entry);
            continue;
        };
        let noun = entry.kind.noun;
        let (called, reason, help) = match named {
            true => (
                format!(" called `{name}`"),
                "the {noun} of an entry is found by its name, so both would mean one",
                "give one of them another `name`; without one, the key is the name",
            ),
            false => (
                String::new(),
                "there can be no more than one {noun} there, so both would mean it",
                "remove one of them",
            ),
        };
        let message = format!("two entries declare a {noun}{called} in one place");
        let at = |entry: &Entry| {
            let name = Pointer::root().child("name");
            let at = if entry.fields.contains_key("name") {
                name
            } else {
                Pointer::root()
            };
            entry.locate(&at)
        };
        diagnostics.push(
            Diagnostic::error("same-name", message)
                .at(at(entry), "declared again here")
                .related(at(first), "declared here")
                .note(reason.replace("{noun}", noun))
                .help(help),
        );
    }
}
