//! From the API's answers to the form in which manifests declare things.

use serde_json::Value as Json;

use super::Directory;
use crate::kind::{Is, Kind};
use crate::model::{Map, Pointer, Reference, Secret, Value};

/// The members of an answer, through the kind's own decoding.
pub(super) fn decode(kind: &Kind, json: Json) -> Map {
    let mut fields = match Value::from(json) {
        Value::Map(map) => map,
        _ => Map::new(),
    };
    if let Some(decode) = kind.decode {
        decode(&mut fields);
    }
    fields
}

/// Fills in where an object is, which not all lists of one scope repeat in their objects (the live
/// list of providers does not). What is in a scope says nothing else instead of it.
pub(super) fn place<'q>(
    kind: &Kind,
    fields: &mut Map,
    query: impl Iterator<Item = &'q (String, String)>,
) {
    let has = |fields: &Map, field| fields.get(field).is_some_and(|value| !value.is_null());
    let inside = |fields: &Map| kind.outer_scope().is_some_and(|field| has(fields, field));
    let instead = kind.instead_of_scope();
    for (field, text) in query {
        if instead != Some(&**field) || !inside(fields) {
            fields
                .entry(field.clone())
                .or_insert_with(|| Value::text(text));
        }
    }
    if let Some(field) = instead.filter(|_| inside(fields)) {
        fields.shift_remove(field);
    }
}

/// Recognises the references and secrets among the members of an object.
pub(super) fn members(kind: &Kind, at: &Pointer, map: &mut Map, directory: &Directory) {
    for (key, member) in map.iter_mut() {
        value(kind, &at.child(key), member, directory);
    }
}

/// Recognises references and secrets in a value and below it.
pub(super) fn value(kind: &Kind, at: &Pointer, value: &mut Value, directory: &Directory) {
    for rule in kind.rules_at(at) {
        match rule {
            Is::Secret | Is::SecretJson | Is::Sensitive => {
                if !matches!(value, Value::Null | Value::Secret(_)) {
                    let text = value.as_str().unwrap_or_default().to_owned();
                    *value = Value::Secret(Secret::live(text));
                }
                return;
            }
            Is::Reference { kind, attribute } => {
                let address = value
                    .as_str()
                    .and_then(|text| directory.address(kind, text));
                if let Some(address) = address {
                    *value = Value::Reference(Reference {
                        address: address.clone(),
                        attribute: *attribute,
                    });
                    return;
                }
            }
            // No two objects of a system have one id.
            Is::ReferenceBy {
                kinds, attribute, ..
            } => {
                let address = value
                    .as_str()
                    .and_then(|text| kinds.iter().find_map(|(_, k)| directory.address(k, text)));
                if let Some(address) = address {
                    *value = Value::Reference(Reference {
                        address: address.clone(),
                        attribute: *attribute,
                    });
                    return;
                }
            }
            Is::ReferenceKeys { kind, .. } => {
                if let Value::Map(map) = value {
                    let named = std::mem::take(map).into_iter().map(|(key, member)| {
                        let known = directory.address(kind, &key).map(|a| a.key.clone());
                        (known.unwrap_or(key), member)
                    });
                    *map = named.collect();
                }
            }
            _ => {}
        }
    }
    match value {
        Value::Map(map) => members(kind, at, map, directory),
        Value::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                self::value(kind, &at.child(index), item, directory);
            }
        }
        _ => {}
    }
}
