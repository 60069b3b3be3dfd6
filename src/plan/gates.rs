//! Exclusive scopes and limits: what else may go, and how much at once.

use std::collections::BTreeMap;

use super::replace::View;
use super::{Action, Plan, Refusal};
use crate::kind::{Fate, Is, Kind};
use crate::ledger::Record;
use crate::live::Object;
use crate::model::{Address, Exclusive, Limits, Pointer, Value};

/// What the key of an object begins with that no manifest declares. No key of a manifest may.
const UNDECLARED: char = '@';

/// Whether an address is one of an object that goes because its scope is exclusive.
pub(super) fn is_undeclared(address: &Address) -> bool {
    address.key.starts_with(UNDECLARED)
}

impl View<'_> {
    /// Takes in the objects that nobody declares in scopes where nobody else may have any: from
    /// here on they are like recorded ones whose entries are gone.
    pub(super) fn take_in(&mut self, exclusive: &[Exclusive]) {
        let (ledger, live) = (self.ledger.to_mut(), self.live.to_mut());
        for (kind, objects) in &mut live.unowned {
            let Some(kind) = self.side.system.kind(kind) else {
                continue;
            };
            let mut kept = Vec::new();
            for object in std::mem::take(objects) {
                let within = exclusive
                    .iter()
                    .any(|one| means(one, kind) && is_within(kind, &object, one));
                let stays = kind
                    .server_made(&object.fields)
                    .or_else(|| kind.kept_elsewhere(&object.fields));
                let is_open = kind.fate(&object.fields) == Fate::Open;
                if !within || stays.is_some() || !is_open {
                    kept.push(object);
                    continue;
                }
                let name = object.ident.slug.as_deref().or(object.ident.id.as_deref());
                let key = format!("{UNDECLARED}{}", name.unwrap_or_default());
                let address = Address::new(kind.system, kind.name, key);
                let scope = kind.place().filter_map(|field| {
                    Some((field.to_owned(), object.fields.get(field)?.clone()))
                });
                let record = Record {
                    ident: object.ident.clone(),
                    scope: scope.collect(),
                    ..Record::default()
                };
                ledger.records.insert(address.clone(), record);
                live.objects.insert(address, object);
            }
            *objects = kept;
        }
    }
}

/// Whether an exclusive scope is about a kind.
fn means(exclusive: &Exclusive, kind: &Kind) -> bool {
    let system = exclusive.system.as_deref();
    exclusive.kind == kind.name && system.is_none_or(|system| system == kind.system)
}

/// Whether an object is where an exclusive scope is. What lives in something that is not declared
/// is somebody else's matter.
fn is_within(kind: &Kind, object: &Object, exclusive: &Exclusive) -> bool {
    // What tells objects apart is not always something to live in: a sort or an address is none.
    let names = |field: &str| {
        let at = Pointer::root().child(field);
        kind.has(&at, |is| {
            matches!(is, Is::Reference { .. } | Is::ReferenceBy { .. })
        })
    };
    let outer = kind.scope.iter().find(|field| names(field));
    let lives_in = outer.and_then(|field| object.fields.get(*field));
    match (lives_in, &exclusive.within) {
        (None | Some(Value::Null), within) => within.is_none(),
        (Some(Value::Reference(reference)), None) => !is_undeclared(&reference.address),
        (Some(Value::Reference(reference)), Some(within)) => within.contains(&reference.address),
        _ => false,
    }
}

/// Refuses plans that delete more of a kind than is allowed.
pub(super) fn limit(plan: &mut Plan, view: &View<'_>, limits: &Limits) {
    let mut doomed: BTreeMap<&str, usize> = BTreeMap::new();
    let own = |address: &Address| address.system == view.side.system.name;
    for change in plan.changes.iter().filter(|change| own(&change.address)) {
        if matches!(change.action, Action::Delete | Action::Replace) {
            *doomed.entry(change.address.kind.as_str()).or_default() += 1;
        }
    }
    let mut refusals = Vec::new();
    for (kind, doomed) in doomed {
        let recorded = view
            .ledger
            .records
            .keys()
            .filter(|address| address.kind == kind && view.live.objects.contains_key(*address));
        let (all, limit) = (recorded.count(), limits.of(kind));
        if limit.is_exceeded(doomed, all) {
            refusals.push(Refusal {
                address: None,
                code: "limit".to_owned(),
                message: format!("this deletes {doomed} of {all} {kind}, and the limit is {limit}"),
                help: "look whether a file is missing; if it is meant, run again with \
                       `--allow-deletes`, or raise `limits` in gatewright.yaml"
                    .to_owned(),
                pointer: Pointer::root(),
                source: None,
            });
        }
    }
    plan.refusals.extend(refusals);
}
