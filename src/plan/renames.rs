//! Guesses which entry is another one under a new key. A guess is said and never acted upon.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, Declared, Plan};
use crate::kind::Identity;
use crate::live::Object;
use crate::model::{Address, Map, Pointer, Value};

/// A scope as a text that no other scope has.
fn spelt<'m>(scope: impl Iterator<Item = (&'m str, &'m Value)>) -> String {
    let set: BTreeMap<&str, &Value> = scope.filter(|(_, value)| !value.is_null()).collect();
    serde_json::to_string(&set).unwrap_or_default()
}

/// How much of what either says has to be the same.
const ALIKE: f64 = 0.5;

/// How many pairs of one kind in one place are compared at most: where more has changed at once, a
/// guess would say little and take long.
const MOST: usize = 40_000;

/// A system, a kind, and the scope in which objects live, spelt out.
type Place<'a> = (&'a str, &'a str, String);

/// What is gone from a place, and what is new there.
#[derive(Default)]
struct Sides<'a> {
    gone: Vec<(&'a Address, &'a Gone<'a>)>,
    new: Vec<&'a Declared<'a>>,
}

/// An entry that is probably another one under a new key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rename {
    /// The address that is gone.
    pub from: Address,
    /// The address that is new.
    pub to: Address,
    /// How much of the two is the same, in percent.
    pub alike: u8,
    /// What to write under `lifecycle` of the new entry, so that it keeps the object; nothing helps
    /// where the key is the object's slug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<String>,
}

/// What is known of an object that is about to be deleted.
pub(super) struct Gone<'a> {
    pub(super) scope: &'a Map,
    pub(super) applied: &'a Map,
    pub(super) object: &'a Object,
}

/// The renames that a plan's deletions and creations look like, the most alike first.
pub(super) fn guess(
    plan: &Plan,
    declared: &[&Declared<'_>],
    gone: &BTreeMap<&Address, Gone<'_>>,
) -> Vec<Rename> {
    let changed = |action| {
        let changes = plan.changes.iter();
        changes.filter(move |change| change.action == action)
    };
    // Only what is of one kind and lives in one place can be the same.
    let mut places: BTreeMap<Place<'_>, Sides<'_>> = BTreeMap::new();
    for deleted in changed(Action::Delete) {
        let address = &deleted.address;
        let Some(gone) = gone.get(address) else {
            continue;
        };
        let scope = spelt(gone.scope.iter().map(|(field, value)| (&**field, value)));
        let place = (&*address.system, &*address.kind, scope);
        places.entry(place).or_default().gone.push((address, gone));
    }
    let declared: BTreeMap<&Address, &Declared<'_>> = declared
        .iter()
        .map(|entry| (entry.address, *entry))
        .collect();
    for created in changed(Action::Create).filter(|change| !change.recreates) {
        let Some(entry) = declared.get(&created.address) else {
            continue;
        };
        let scope = entry.kind.place();
        let scope = spelt(scope.filter_map(|field| Some((field, entry.fields.get(field)?))));
        let (system, kind) = (&*entry.address.system, &*entry.address.kind);
        if let Some(sides) = places.get_mut(&(system, kind, scope)) {
            sides.new.push(entry);
        }
    }
    let mut pairs = Vec::new();
    for Sides { gone, new } in places.values() {
        if gone.len() * new.len() > MOST {
            continue;
        }
        for entry in new {
            let alike = gone
                .iter()
                .map(|(from, gone)| (likeness(entry, gone), *from, entry.address));
            let alike = alike.filter(|(alike, _, _)| *alike >= ALIKE);
            let keeps = entry.kind.identity != Identity::Slug;
            pairs.extend(alike.map(|(alike, from, to)| (alike, from, to, keeps)));
        }
    }
    pairs.sort_by(|a, b| {
        b.0.total_cmp(&a.0)
            .then_with(|| (a.1, a.2).cmp(&(b.1, b.2)))
    });
    let mut renames: Vec<Rename> = Vec::new();
    let (mut left, mut found) = (BTreeSet::new(), BTreeSet::new());
    for (alike, from, to, keeps) in pairs {
        if !left.contains(from) && !found.contains(to) {
            left.insert(from);
            found.insert(to);
            renames.push(Rename {
                from: from.clone(),
                to: to.clone(),
                alike: (alike * 100.0).round() as u8,
                moved_from: keeps.then(|| from.key.clone()),
            });
        }
    }
    renames
}

/// How much of what either says of its object is the same, from 0 to 1.
fn likeness(entry: &Declared<'_>, gone: &Gone<'_>) -> f64 {
    let scope = |at: &Pointer| {
        at.field()
            .is_some_and(|f| entry.kind.place().any(|one| one == f))
    };
    let (mut new, mut old) = (BTreeMap::new(), BTreeMap::new());
    leaves(entry.fields, &mut new);
    if gone.applied.is_empty() {
        // Only what the entry speaks of can be compared with what is live.
        leaves(&gone.object.fields, &mut old);
        old.retain(|at, _| new.contains_key(at));
    } else {
        leaves(gone.applied, &mut old);
    }
    // What both have because they live in the same place says nothing.
    new.retain(|at, _| !scope(at));
    old.retain(|at, _| !scope(at));
    let same = new
        .iter()
        .filter(|(at, value)| old.get(*at) == Some(*value));
    let same = same.count();
    let all = new.len() + old.keys().filter(|at| !new.contains_key(*at)).count();
    if all == 0 {
        0.0
    } else {
        same as f64 / all as f64
    }
}

fn leaves<'m>(map: &'m Map, found: &mut BTreeMap<Pointer, &'m Value>) {
    fn go<'m>(value: &'m Value, at: Pointer, found: &mut BTreeMap<Pointer, &'m Value>) {
        match value {
            Value::Map(members) => {
                for (key, member) in members {
                    go(member, at.child(key), found);
                }
            }
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    go(item, at.child(index), found);
                }
            }
            leaf => drop(found.insert(at, leaf)),
        }
    }
    for (field, value) in map {
        go(value, Pointer::root().child(field), found);
    }
}
