//! Texts that somebody chose to encrypt where the API has no secrets, such as a description: they are
//! compared as what they are, and a plan and a ledger have secrets in their places.

use std::collections::BTreeMap;

use super::Declared;
use super::remember::{at, replace};
use super::write::Requests;
use crate::diff::FieldChange;
use crate::ledger::Record;
use crate::model::{Map, Pointer, Secret, Value, visit};

/// What is declared, as a ledger may have it. It does have what tells which object is meant.
pub(super) fn in_ledger(entry: &Declared<'_>, fields: Map) -> Map {
    let mut fields = Value::Map(fields);
    for (place, source) in entry.sealed {
        let identifies = |field| field == "name" || entry.kind.place().any(|one| one == field);
        let left = entry.ignore.iter().any(|ignored| ignored.contains(place));
        if left || place.field().is_some_and(identifies) {
            continue;
        }
        if let Some(Value::String(text)) = fields.at(place.segments()) {
            let secret = Secret::declared(text, vec![source.clone()]);
            replace(&mut fields, place.segments(), Some(Value::Secret(secret)));
        }
    }
    match fields {
        Value::Map(fields) => fields,
        _ => Map::new(),
    }
}

/// Has requests send them as secrets.
pub(super) fn in_requests(entry: &Declared<'_>, requests: &mut Requests) {
    let texts = texts(entry);
    if texts.is_empty() {
        return;
    }
    for request in requests.first.iter_mut().chain(&mut requests.second) {
        if let Some(body) = &mut request.body {
            conceal(body, &texts);
        }
    }
}

/// Hides them in what a plan shows, and what is live in their places: that may be the text of
/// yesterday.
pub(super) fn in_changes(
    entry: &Declared<'_>,
    record: Option<&Record>,
    changes: &mut [FieldChange],
) {
    let texts = texts(entry);
    let mut places: Vec<Pointer> = entry.sealed.keys().cloned().collect();
    if let Some(record) = record {
        visit(&record.applied, &mut |at, value| {
            if matches!(value, Value::Secret(_)) {
                places.push(at.clone());
            }
        });
    }
    for change in changes {
        conceal(&mut change.new, &texts);
        let depth = change.pointer.segments().len();
        for place in &places {
            if change.pointer.contains(place) {
                hide(&mut change.old, &place.segments()[depth..]);
            }
        }
    }
}

/// The texts and the names of their sources.
fn texts<'a>(entry: &Declared<'a>) -> BTreeMap<&'a str, &'a str> {
    let found = entry.sealed.iter().filter_map(|(place, source)| {
        let text = at(entry.fields, place)?.as_str()?;
        (!text.is_empty()).then_some((text, source.as_str()))
    });
    found.collect()
}

fn conceal(value: &mut Value, texts: &BTreeMap<&str, &str>) {
    match value {
        Value::String(text) => {
            if let Some(source) = texts.get(text.as_str()) {
                let secret = Secret::declared(text.as_str(), vec![(*source).to_owned()]);
                *value = Value::Secret(secret);
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| conceal(item, texts)),
        Value::Map(map) => map.values_mut().for_each(|member| conceal(member, texts)),
        _ => {}
    }
}

fn hide(value: &mut Value, path: &[String]) {
    if let Some(Value::String(_)) = value.at(path) {
        let hidden = Value::Secret(Secret::live(""));
        match path {
            [] => *value = hidden,
            path => replace(value, path, Some(hidden)),
        }
    }
}
