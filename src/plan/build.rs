//! Building a plan from what is declared, what is recorded and what is live. No I/O.

use std::collections::{BTreeMap, BTreeSet};

use super::remember::{remembered, wanted};
use super::steps::{Draft, Node, uses};
use super::{Action, Change, FORMAT, Plan, Refusal, Step, Summary, write};
use crate::diagnostic::Position;
use crate::diff::{self, Context, FieldChange};
use crate::kind::{Identity, Is, Kind, System};
use crate::ledger::Ledger;
use crate::live::Live;
use crate::model::{Address, FingerprintKey, Map, Pointer, Value};

/// A declared resource.
pub struct Declared<'a> {
    /// Its address.
    pub address: &'a Address,
    /// Its kind.
    pub kind: &'static Kind,
    /// What the manifest says.
    pub fields: &'a Map,
    /// Whether deleting it is to be refused.
    pub protect: bool,
    /// Whether an existing object may be taken over.
    pub adopt: bool,
    /// Places that are left as they are.
    pub ignore: &'a [Pointer],
    /// Resources that it names without referring to them, for the order of changes.
    pub mentions: BTreeSet<Address>,
    /// Where a place is declared.
    pub locate: &'a dyn Fn(&Pointer) -> Position,
}

impl std::fmt::Debug for Declared<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Declared")
            .field("address", self.address)
            .finish_non_exhaustive()
    }
}

/// One system as a plan sees it.
#[derive(Debug)]
pub struct Side<'a> {
    /// The system.
    pub system: &'static System,
    /// Where it is.
    pub base_url: &'a str,
    /// What is declared of it.
    pub declared: Vec<Declared<'a>>,
    /// What is recorded of it.
    pub ledger: &'a Ledger,
    /// What is live of it.
    pub live: &'a Live,
    /// The key of the ledger's fingerprints.
    pub fingerprint_key: Option<&'a FingerprintKey>,
}

/// The plan that brings every side to what is declared.
pub fn build(environment: Option<&str>, sides: &[Side<'_>]) -> Plan {
    let mut plan = Plan {
        format: FORMAT,
        gatewright: env!("CARGO_PKG_VERSION").to_owned(),
        environment: environment.map(str::to_owned),
        systems: BTreeMap::new(),
        changes: Vec::new(),
        steps: Vec::new(),
        refusals: Vec::new(),
        adopted: Vec::new(),
        forgotten: Vec::new(),
        left_alone: BTreeMap::new(),
        summary: Summary::default(),
        known: BTreeMap::new(),
        records: BTreeMap::new(),
        digest: String::new(),
    };
    let mut draft = Draft::default();
    for side in sides {
        plan.systems
            .insert(side.system.name.to_owned(), side.base_url.to_owned());
        let mut declared: Vec<&Declared<'_>> = side.declared.iter().collect();
        let rank = |kind: &Kind| side.system.kinds.iter().position(|k| k.name == kind.name);
        declared.sort_by_key(|entry| (rank(entry.kind), entry.address));
        for entry in &declared {
            draft.declared(&mut plan, side, entry);
        }
        draft.removed(&mut plan, side);
        for (kind, objects) in &side.live.unowned {
            if !objects.is_empty() {
                plan.left_alone.insert((*kind).to_owned(), objects.len());
            }
        }
    }
    for address in draft.mentioned() {
        let live = sides
            .iter()
            .find_map(|side| side.live.objects.get(&address));
        if let Some(object) = live {
            plan.known.insert(address, object.ident.clone());
        }
    }
    match draft.steps() {
        Ok(steps) => plan.steps = steps,
        Err(refusal) => plan.refusals.push(*refusal),
    }
    plan.digest = plan.compute_digest();
    plan
}

impl Draft {
    fn declared(&mut self, plan: &mut Plan, side: &Side<'_>, entry: &Declared<'_>) {
        let record = side.ledger.records.get(entry.address);
        let live = side.live.objects.get(entry.address);
        let desired = wanted(entry, record, live);
        let refuse = |plan: &mut Plan, code: &str, at: &Pointer, message: String, help: &str| {
            plan.refusals.push(Refusal {
                address: entry.address.clone(),
                code: code.to_owned(),
                message,
                help: help.to_owned(),
                pointer: at.clone(),
                source: Some((entry.locate)(at)),
            });
        };
        let (action, mut fields, requests, because) = match live {
            None => {
                let because = match record {
                    Some(_) => "it was deleted outside gatewright",
                    None => "it is declared and does not exist",
                };
                let requests = write::create(entry.kind, &entry.address.key, &desired);
                (Action::Create, created(&desired), requests, because)
            }
            Some(object) => {
                let context = Context {
                    address: entry.address,
                    record,
                    fingerprint_key: side.fingerprint_key,
                    resolve: &|reference| side.live.resolve(reference),
                };
                let fields = diff::diff(entry.kind, &desired, &object.fields, context);
                if record.is_none() {
                    plan.adopted.push(entry.address.clone());
                    if !entry.adopt {
                        let noun = entry.kind.noun;
                        refuse(
                            plan,
                            "exists",
                            &Pointer::root(),
                            format!("this {noun} exists already, and `lifecycle.adopt` is false"),
                            "remove `adopt: false` to take it over, or give the entry another key",
                        );
                    }
                }
                for change in fields
                    .iter()
                    .filter(|change| is_immutable(entry.kind, change))
                {
                    refuse(
                        plan,
                        "immutable",
                        &change.pointer,
                        format!(
                            "`{}` cannot change once the {} exists",
                            change.pointer, entry.kind.noun
                        ),
                        "declare the new value under a new key, move what refers to it, and \
                         remove the old entry",
                    );
                }
                let slug = object.ident.slug.as_deref();
                let key = entry.address.key.as_str();
                if entry.kind.identity == Identity::Slug && slug.is_some_and(|slug| slug != key) {
                    let slug = slug.unwrap_or_default();
                    refuse(
                        plan,
                        "immutable",
                        &Pointer::root(),
                        format!("the slug `{slug}` cannot change to `{key}`"),
                        "keep the old key, or declare a new object, move what refers to the old \
                         one, and remove that",
                    );
                }
                let mut changed: Vec<&str> =
                    fields.iter().filter_map(|c| c.pointer.field()).collect();
                changed.dedup();
                for field in changed {
                    for lost in write::unrepeatable(entry.kind, &desired, object, field) {
                        refuse(
                            plan,
                            "would-lose-secret",
                            &Pointer::root().child(field),
                            format!(
                                "changing `/{field}` may lose `{lost}`, which is not declared and \
                                 cannot be read back to be sent again"
                            ),
                            "declare it as well, or as `null` to let it go",
                        );
                    }
                }
                let requests = write::update(entry.kind, &desired, object, &fields);
                (Action::Update, fields, requests, "it is not as declared")
            }
        };
        let next = remembered(side, entry, &desired, record, live, &fields);
        if record != Some(&next) {
            plan.records.insert(entry.address.clone(), next);
        }
        if let Some(object) = live {
            self.live_uses
                .insert(entry.address.clone(), uses(entry.kind, &object.fields));
        }
        if fields.is_empty() && action == Action::Update {
            plan.summary.unchanged += 1;
            return;
        }
        match action {
            Action::Create => plan.summary.create += 1,
            _ => plan.summary.update += 1,
        }
        self.push(entry, action, requests);
        for change in &mut fields {
            change.source = Some((entry.locate)(&change.pointer));
        }
        let name = desired
            .get("name")
            .and_then(Value::as_str)
            .map(str::to_owned);
        plan.changes.push(Change {
            address: entry.address.clone(),
            action,
            name: name.or_else(|| live.and_then(|object| object.name.clone())),
            ident: live.map(|object| object.ident.clone()).unwrap_or_default(),
            fields,
            source: Some((entry.locate)(&Pointer::root())),
            recreates: live.is_none() && record.is_some(),
            because: because.to_owned(),
        });
    }

    /// What the ledger knows and no manifest declares any more.
    fn removed(&mut self, plan: &mut Plan, side: &Side<'_>) {
        let declared: BTreeSet<&Address> = side.declared.iter().map(|d| d.address).collect();
        let mut removed: Vec<_> = side
            .ledger
            .records
            .iter()
            .filter(|(a, _)| !declared.contains(a))
            .collect();
        // Where nothing else decides, what was made last goes first.
        let rank = |address: &Address| {
            side.system
                .kinds
                .iter()
                .position(|kind| kind.name == address.kind)
        };
        removed.sort_by_key(|(address, _)| (std::cmp::Reverse(rank(address)), *address));
        for (address, record) in removed {
            let Some(kind) = side.system.kind(&address.kind) else {
                continue;
            };
            let Some(object) = side.live.objects.get(address) else {
                plan.forgotten.push(address.clone());
                continue;
            };
            if record.protect {
                plan.refusals.push(Refusal {
                    address: address.clone(),
                    code: "protected".to_owned(),
                    message: format!("this {} is protected and no longer declared", kind.noun),
                    help: "put the entry back, or apply it once with `protect: false` before \
                           removing it"
                        .to_owned(),
                    pointer: Pointer::root(),
                    source: None,
                });
            }
            let mut used = uses(kind, &object.fields);
            used.firm
                .extend(record.scope.values().flat_map(Value::references));
            self.live_uses.insert(address.clone(), used);
            let step = |action, second, request| Step {
                address: address.clone(),
                action,
                second,
                after: Vec::new(),
                requests: vec![request],
            };
            // What it refers to may not go while it does, and may itself have to go first.
            let clearing = write::clear_deferred(kind, &record.scope, object);
            let delete = write::delete(kind, &record.scope, object);
            let second = clearing.is_some();
            let clearing = clearing.map(|request| step(Action::Update, false, request));
            for step in clearing
                .into_iter()
                .chain([step(Action::Delete, second, delete)])
            {
                self.nodes.push(Node {
                    step,
                    uses: BTreeSet::new(),
                });
            }
            plan.summary.delete += 1;
            plan.changes.push(Change {
                address: address.clone(),
                action: Action::Delete,
                name: object.name.clone(),
                ident: object.ident.clone(),
                fields: Vec::new(),
                source: None,
                recreates: false,
                because: "it is no longer declared".to_owned(),
            });
        }
    }
}

/// The fields of a new object as changes from nothing.
fn created(desired: &Map) -> Vec<FieldChange> {
    desired
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(field, value)| FieldChange {
            pointer: Pointer::root().child(field),
            old: Value::Null,
            new: value.clone(),
            because: None,
            source: None,
        })
        .collect()
}

fn is_immutable(kind: &Kind, change: &FieldChange) -> bool {
    let mut above = Pointer::root();
    change.pointer.segments().iter().any(|segment| {
        above.push(segment);
        kind.has(&above, |rule| matches!(rule, Is::Immutable))
    })
}
