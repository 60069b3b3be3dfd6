//! What a plan takes over from the ledger, and what the ledger takes over from a plan.

use std::collections::BTreeSet;

use super::{Declared, Side, sealed};
use crate::diff::{self, FieldChange};
use crate::kind::Members;
use crate::ledger::Record;
use crate::live::Object;
use crate::model::{Exposure, Map, Pointer, Value, visit};

/// What stands in a ledger for a secret that was written without a key for fingerprints.
const UNKNOWN: &str = "-";

/// What stands in a ledger for a secret that was there when its resource was imported. Until its
/// variable is set for the first time, it is left as it is.
pub(crate) const IMPORTED: &str = "?";

/// What is desired of an entry: the manifest, with the places that are to be left alone as they
/// are live, and with members of parts that were written once and are gone as null.
pub(super) fn wanted(entry: &Declared<'_>, record: Option<&Record>, live: Option<&Object>) -> Map {
    let mut desired = Value::Map(entry.fields.clone());
    for pointer in entry.ignore {
        let now = live.and_then(|object| at(&object.fields, pointer)).cloned();
        replace(&mut desired, pointer.segments(), now);
    }
    let mut desired = match desired {
        Value::Map(map) => map,
        _ => Map::new(),
    };
    for (field, members) in record.iter().flat_map(|record| &record.parts) {
        let whole = entry
            .ignore
            .iter()
            .any(|at| at.to_string() == format!("/{field}"));
        if whole {
            continue;
        }
        // A field that is left out is not managed, and neither are its members any more.
        if let Some(part) = desired.get_mut(field).and_then(Value::as_map_mut) {
            for member in members {
                part.entry(member.clone()).or_insert(Value::Null);
            }
        }
    }
    desired
}

pub(super) fn at<'m>(map: &'m Map, pointer: &Pointer) -> Option<&'m Value> {
    let (first, rest) = pointer.segments().split_first()?;
    map.get(first)?.at(rest)
}

/// Puts `now` at a place, or removes the place.
pub(super) fn replace(value: &mut Value, path: &[String], now: Option<Value>) {
    match (value, path) {
        (Value::Map(map), [last]) => match now {
            Some(now) => drop(map.insert(last.clone(), now)),
            None => drop(map.shift_remove(last)),
        },
        (Value::List(items), [last]) => {
            let index = last.parse::<usize>().ok();
            if let (Some(slot), Some(now)) = (index.and_then(|i| items.get_mut(i)), now) {
                *slot = now;
            }
        }
        (Value::Map(map), [next, rest @ ..]) => {
            if let Some(below) = map.get_mut(next) {
                replace(below, rest, now);
            }
        }
        (Value::List(items), [next, rest @ ..]) => {
            if let Some(below) = next.parse::<usize>().ok().and_then(|i| items.get_mut(i)) {
                replace(below, rest, now);
            }
        }
        _ => {}
    }
}

/// What the ledger will know of a declared resource once it is as declared.
pub(super) fn remembered(
    side: &Side<'_>,
    entry: &Declared<'_>,
    desired: &Map,
    record: Option<&Record>,
    live: Option<&Object>,
    changes: &[FieldChange],
) -> Record {
    let mut next = Record {
        ident: live.map(|object| object.ident.clone()).unwrap_or_default(),
        protect: entry.protect,
        applied: applied(entry),
        ..Record::default()
    };
    for field in entry.kind.place() {
        if let Some(value) = desired.get(field).filter(|value| !value.is_null()) {
            next.scope.insert(field.to_owned(), value.clone());
        }
    }
    for part in entry.kind.parts {
        let Some(Value::Map(members)) = desired.get(part.field) else {
            continue;
        };
        if part.members == Members::Found {
            continue;
        }
        // Only members with members of their own are things that can be taken away again.
        let kept = members
            .iter()
            .filter(|(_, value)| matches!(value, Value::Map(_)));
        let kept: BTreeSet<String> = kept.map(|(key, _)| key.clone()).collect();
        if !kept.is_empty() {
            next.parts.insert(part.field.to_owned(), kept);
        }
    }
    let desired = sealed::in_ledger(entry, desired.clone());
    let mut written = Vec::new();
    visit(&desired, &mut |at, value| {
        let sent = live.is_none() || changes.iter().any(|change| change.pointer.contains(at));
        if let Value::Secret(secret) = value {
            let before = record.and_then(|record| record.fingerprints.get(at));
            let shown = live.and_then(|object| self::at(&object.fields, at));
            // Only what was sent, or what is there already, may count as written.
            if sent || before.is_some() || shown.is_some_and(|value| !value.is_null()) {
                // What is left as it is live was not written, and is a mask at most.
                let left = *secret.exposure() == Exposure::Live;
                let key = side.fingerprint_key.filter(|_| !left);
                let kept = before.filter(|text| left || (!sent && *text != IMPORTED));
                let unknown = if left { IMPORTED } else { UNKNOWN };
                let kept = kept.map_or(unknown, String::as_str);
                written.push((at.clone(), secret.clone(), key, kept));
            }
        }
    });
    // All are bound to one address: to the one they had, as long as one of then is needed.
    let bound = |key: Option<_>, kept: &str| key.is_none() && ![UNKNOWN, IMPORTED].contains(&kept);
    if written.iter().any(|(_, _, key, kept)| bound(*key, kept)) {
        next.bound_to = record.and_then(|record| record.bound_to.clone());
    }
    let address = next.bound_to.as_ref().unwrap_or(entry.address);
    for (at, secret, key, kept) in written {
        let made = key.map(|key| diff::fingerprint(key, address, &at, &secret));
        let fingerprint = made.as_ref().map_or(kept, |made| made.as_str());
        next.fingerprints.insert(at, fingerprint.to_owned());
    }
    next
}

/// What the manifest manages of an entry.
fn applied(entry: &Declared<'_>) -> Map {
    let mut applied = Value::Map(entry.fields.clone());
    for pointer in entry.ignore {
        replace(&mut applied, pointer.segments(), None);
    }
    match applied {
        Value::Map(applied) => {
            let mut applied = sealed::in_ledger(entry, applied);
            // The order of keys in a manifest is nobody's business.
            applied.sort_unstable_keys();
            applied
        }
        _ => Map::new(),
    }
}
