//! Replacement: what happens when something changes that cannot change.
//!
//! The object that is to go is given an address of its own, in ledger and live alike. From there
//! on nothing is special: its old address is declared and has no object, so one is created; the
//! retired address is recorded and not declared, so it is deleted; and whatever referred to the
//! old object differs from what it declares, so it is updated, or replaced in its turn. A run that
//! ends in between leaves a ledger that says the same.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::remember::wanted;
use super::steps::uses;
use super::{Declared, Move, Order, Refusal, Side};
use crate::diff::{self, Context, FieldChange};
use crate::kind::{Identity, Is, Kind};
use crate::ledger::{Ledger, Record};
use crate::live::{Live, Object};
use crate::model::{Address, Map, Pointer, Value};

/// What stands between the key of an entry and the id of the object that had its address. No key
/// of a manifest may have it.
const RETIRED: char = '~';

/// A side, with the objects that are to be replaced at addresses of their own.
pub(super) struct View<'a> {
    pub(super) side: &'a Side<'a>,
    pub(super) ledger: Cow<'a, Ledger>,
    pub(super) live: Cow<'a, Live>,
    /// How the ledger has to change before anything is sent.
    pub(super) moves: Vec<Move>,
    /// What is replaced, by the address of its entry.
    pub(super) replaced: BTreeMap<Address, Replaced>,
    /// Replacements that must not happen.
    pub(super) refusals: Vec<Refusal>,
}

/// An object that is replaced.
pub(super) struct Replaced {
    /// Its address from now on.
    pub(super) retired: Address,
    /// How it differs from what is declared; some of it cannot change.
    pub(super) fields: Vec<FieldChange>,
    pub(super) order: Order,
    /// What is set on the old object, and on the new one will not be.
    pub(super) loses: Vec<Pointer>,
}

/// The address that an object gets when another one takes its place.
fn retired(address: &Address, object: &Object) -> Address {
    let ident = &object.ident;
    let name = ident.id.as_deref().or(ident.slug.as_deref());
    Address {
        key: format!("{}{RETIRED}{}", address.key, name.unwrap_or("replaced")),
        ..address.clone()
    }
}

/// The entry whose object had this address, if it is one of a retired object.
pub(crate) fn retired_from(address: &Address) -> Option<Address> {
    let (key, _) = address.key.split_once(RETIRED)?;
    Some(Address {
        key: key.to_owned(),
        ..address.clone()
    })
}

impl<'a> View<'a> {
    /// Decides what has to be replaced.
    pub(super) fn new(side: &'a Side<'a>) -> Self {
        let mut view = Self {
            side,
            ledger: Cow::Borrowed(side.ledger),
            live: Cow::Borrowed(side.live),
            moves: Vec::new(),
            replaced: BTreeMap::new(),
            refusals: Vec::new(),
        };
        view.bring_back();
        let mut settled: BTreeSet<&Address> = BTreeSet::new();
        loop {
            // What refers to something that is replaced may itself have to be.
            let before = view.replaced.len();
            for entry in &side.declared {
                if !settled.contains(entry.address) && view.settle(entry) {
                    settled.insert(entry.address);
                }
            }
            if view.replaced.len() == before {
                break;
            }
        }
        view.order();
        view
    }

    /// An interrupted run retired objects and may not have come to replacing them. Where nothing
    /// took their place they are looked at afresh: the manifest may have changed since.
    fn bring_back(&mut self) {
        let declared: BTreeSet<&Address> = self.side.declared.iter().map(|d| d.address).collect();
        let back: Vec<(Address, Address)> = self
            .ledger
            .records
            .keys()
            .filter_map(|from| Some((from.clone(), retired_from(from)?)))
            .filter(|(from, to)| {
                declared.contains(to)
                    && !self.ledger.records.contains_key(to)
                    && !self.live.objects.contains_key(to)
                    && self.live.objects.contains_key(from)
            })
            .collect();
        for (from, to) in back {
            self.rename(&from, &to);
        }
    }

    /// Whether an earlier run retired an object in favour of one at this address.
    pub(super) fn is_succeeded_by(&self, address: &Address) -> bool {
        let mut records = self.ledger.records.keys();
        records.any(|old| retired_from(old).as_ref() == Some(address))
    }

    fn rename(&mut self, from: &Address, to: &Address) {
        let back = Move {
            from: to.clone(),
            to: from.clone(),
        };
        self.ledger.to_mut().rename(from, to);
        self.live.to_mut().rename(from, to);
        if self.moves.contains(&back) {
            self.moves.retain(|one| *one != back);
        } else {
            self.moves.push(Move {
                from: from.clone(),
                to: to.clone(),
            });
        }
    }

    /// Retires the object of an entry if it has to be replaced; whether that is decided for good.
    fn settle(&mut self, entry: &Declared<'_>) -> bool {
        let Some(object) = self.live.objects.get(entry.address) else {
            return true;
        };
        let record = self.ledger.records.get(entry.address);
        let desired = wanted(entry, record, Some(object));
        let slug = other_slug(entry, object);
        if slug.is_none() && self.forced(entry, &desired, object).is_empty() {
            return false;
        }
        let mut fields = self.differences(entry, &desired, object);
        fields.splice(0..0, slug);
        for field in &mut fields {
            field.forces_replacement = is_immutable(entry.kind, &field.pointer)
                || (field.pointer == Pointer::from("/slug"));
        }
        let forced: Vec<&FieldChange> = fields.iter().filter(|f| f.forces_replacement).collect();
        let refusal = refusal(entry, record, &forced);
        if let Some(refusal) = refusal {
            self.refusals.push(refusal);
            return true;
        }
        let (from, to) = (entry.address, retired(entry.address, object));
        let moves = |change: &&FieldChange| {
            let field = change.pointer.field();
            field.is_some_and(|field| entry.kind.place().any(|one| one == field))
        };
        let clashes = match entry.kind.identity {
            Identity::Slug => object.ident.slug.as_deref() == Some(&entry.address.key),
            // The server takes no second object of that name, unless it is to live elsewhere.
            Identity::UniqueName => {
                let name = desired.get("name").and_then(Value::as_str);
                object.name.as_deref() == Some(name.unwrap_or(&entry.address.key))
                    && !forced.iter().any(moves)
            }
            Identity::Place => !forced.iter().any(moves),
            Identity::Name | Identity::Recorded => false,
        };
        let order = if clashes {
            Order::DeleteFirst
        } else {
            Order::CreateFirst
        };
        let replaced = Replaced {
            retired: to.clone(),
            order,
            loses: loses(entry.kind, &desired, object),
            fields,
        };
        self.rename(from, &to);
        self.replaced.insert(from.clone(), replaced);
        true
    }

    /// The differences in the fields that cannot change.
    fn forced(&self, entry: &Declared<'_>, desired: &Map, object: &Object) -> Vec<FieldChange> {
        let fixed = entry.kind.rules.iter();
        let fixed = fixed.filter(|rule| matches!(rule.is, Is::Immutable));
        let fixed: BTreeSet<String> = fixed
            .filter_map(|rule| Pointer::from(rule.at.0).field().map(str::to_owned))
            .collect();
        let fixed: Map = desired
            .iter()
            .filter(|(field, _)| fixed.contains(*field))
            .map(|(field, value)| (field.clone(), value.clone()))
            .collect();
        let mut found = self.differences(entry, &fixed, object);
        found.retain(|change| is_immutable(entry.kind, &change.pointer));
        found
    }

    fn differences(
        &self,
        entry: &Declared<'_>,
        desired: &Map,
        object: &Object,
    ) -> Vec<FieldChange> {
        let context = Context {
            address: entry.address,
            record: self.ledger.records.get(entry.address),
            fingerprint_key: self.side.fingerprint_key,
            resolve: &|reference| self.live.resolve(reference),
        };
        diff::diff(entry.kind, desired, &object.fields, context)
    }

    /// Where the old object has to go first, so have those that live in it or hang on it; and what
    /// cannot be replaced together with it stands in the way.
    fn order(&mut self) {
        loop {
            let first: BTreeSet<Address> = self
                .replaced
                .values()
                .filter(|replaced| replaced.order == Order::DeleteFirst)
                .map(|replaced| replaced.retired.clone())
                .collect();
            let mut more = false;
            for (address, replaced) in &mut self.replaced {
                let kind = self.side.system.kind(&address.kind);
                let (Some(kind), Some(object)) = (kind, self.live.objects.get(&replaced.retired))
                else {
                    continue;
                };
                if replaced.order == Order::CreateFirst
                    && !uses(kind, &object.fields).firm.is_disjoint(&first)
                {
                    replaced.order = Order::DeleteFirst;
                    more = true;
                }
            }
            if !more {
                break;
            }
        }
        for entry in &self.side.declared {
            let Some(object) = self.live.objects.get(entry.address) else {
                continue;
            };
            let used = uses(entry.kind, &object.fields).firm;
            for (address, replaced) in &self.replaced {
                if replaced.order == Order::DeleteFirst && used.contains(&replaced.retired) {
                    self.refusals.push(in_use(entry, address));
                }
            }
        }
    }
}

/// The slug as a change, where it is another one than the entry's key asks for.
fn other_slug(entry: &Declared<'_>, object: &Object) -> Option<FieldChange> {
    let slug = object.ident.slug.as_deref()?;
    let key = entry.address.key.as_str();
    (entry.kind.identity == Identity::Slug && slug != key).then(|| FieldChange {
        pointer: Pointer::from("/slug"),
        old: Value::text(slug),
        new: Value::text(key),
        because: None,
        forces_replacement: true,
        origin: None,
        last_applied: None,
        source: None,
    })
}

fn is_immutable(kind: &Kind, pointer: &Pointer) -> bool {
    let mut above = Pointer::root();
    pointer.segments().iter().any(|segment| {
        above.push(segment);
        kind.has(&above, |rule| matches!(rule, Is::Immutable))
    })
}

/// Why a replacement must not happen.
fn refusal(
    entry: &Declared<'_>,
    record: Option<&Record>,
    forced: &[&FieldChange],
) -> Option<Refusal> {
    let noun = entry.kind.noun;
    let names: Vec<String> = forced.iter().map(|f| format!("`{}`", f.pointer)).collect();
    let places = names.join(" and ");
    let pointer = forced.first().map(|f| f.pointer.clone());
    let pointer = pointer.unwrap_or_default();
    let (code, message, help) = match record {
        None => (
            "immutable",
            format!(
                "{places} cannot change once the {noun} exists, and gatewright did not make this \
                 one"
            ),
            "declare it as it is, or declare a new one under another key",
        ),
        Some(record) if record.protect || entry.protect => (
            "protected",
            format!("this {noun} is protected, and a change of {places} would replace it"),
            "declare the new one under a new key and move what refers to it, or apply once with \
             `protect: false` first",
        ),
        Some(_) if !entry.replace => (
            "immutable",
            format!(
                "{places} cannot change once the {noun} exists, and `lifecycle.replace` is false"
            ),
            "remove `replace: false` to have it replaced, or declare the new value under a new \
             key, move what refers to it, and remove the old entry",
        ),
        Some(_) => return None,
    };
    Some(Refusal {
        address: Some(entry.address.clone()),
        code: code.to_owned(),
        message,
        help: help.to_owned(),
        source: Some((entry.locate)(&pointer)),
        pointer,
    })
}

/// A resource that would have to let go of another one before that can be replaced.
fn in_use(entry: &Declared<'_>, replaced: &Address) -> Refusal {
    Refusal {
        address: Some(entry.address.clone()),
        code: "in-use".to_owned(),
        message: format!(
            "this {} uses {replaced}, which has to be deleted before its successor of the same \
             slug can be made",
            entry.kind.noun
        ),
        help: format!(
            "declare the successor of {replaced} under a new key, refer to that here, and apply; \
             the old one goes in the same run once its entry is gone"
        ),
        pointer: Pointer::root(),
        source: Some((entry.locate)(&Pointer::root())),
    }
}

/// What is set on an object and not declared, so that its successor will not have it.
fn loses(kind: &Kind, desired: &Map, object: &Object) -> Vec<Pointer> {
    let known = crate::schema::fields(kind);
    let set = object.fields.iter().filter(|(field, value)| {
        let at = Pointer::root().child(field);
        let managed = desired.contains_key(*field) || *field == "name";
        let owned = kind.rules_at(&at).any(|rule| match rule {
            Is::ServerOwned => true,
            Is::Default(default) => default() == **value,
            _ => false,
        });
        let owned = owned || kind.has_another_name(field);
        known.contains(*field) && !managed && !owned && !diff::is_blank(value)
    });
    set.map(|(field, _)| Pointer::root().child(field)).collect()
}
