//! Building a plan from what is declared, what is recorded and what is live. No I/O.

use std::collections::{BTreeMap, BTreeSet};

use super::issue::{issue, resent};
use super::remember::{remembered, wanted};
use super::renames::{self, Gone};
use super::replace::{View, retired_from};
use super::steps::{Draft, Node, Pair, uses};
use super::{
    Action, Change, FORMAT, Impulse, LeftAlone, Order, Plan, Refusal, Replacement, Step, Summary,
    WhyLeft, gates, sealed, write,
};
use crate::diagnostic::Position;
use crate::diff::{self, Because, Context, FieldChange, Origin};
use crate::kind::{Fate, Kind, System};
use crate::ledger::Ledger;
use crate::live::{Live, Object};
use crate::model::{Address, FingerprintKey, Gates, Map, Pointer, Secret, Sink, Value};

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
    /// Whether another object may take its place.
    pub replace: bool,
    /// Whether an existing object may be taken over.
    pub adopt: bool,
    /// Places that are left as they are.
    pub ignore: &'a [Pointer],
    /// Those among them that are secrets whose variables are not set.
    pub unset: Vec<Pointer>,
    /// Texts that the ledger is not to have in the clear, though the API shows them, and the names of
    /// their sources.
    pub sealed: &'a BTreeMap<Pointer, String>,
    /// Where a secret goes that the server makes for it.
    pub sink: Option<Sink>,
    /// Secrets that are to be sent or made once more, by place.
    pub rotate: BTreeSet<Pointer>,
    /// What is sent once for what it does.
    pub impulses: Vec<Impulse>,
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
pub fn build(environment: Option<&str>, sides: &[Side<'_>], allowed: &Gates) -> Plan {
    let mut plan = Plan {
        format: FORMAT,
        gatewright: env!("CARGO_PKG_VERSION").to_owned(),
        environment: environment.map(str::to_owned),
        systems: BTreeMap::new(),
        unread: BTreeMap::new(),
        changes: Vec::new(),
        steps: Vec::new(),
        refusals: Vec::new(),
        adopted: Vec::new(),
        forgotten: Vec::new(),
        left_alone: Vec::new(),
        renames: Vec::new(),
        moved: Vec::new(),
        moves: Vec::new(),
        summary: Summary::default(),
        known: BTreeMap::new(),
        records: BTreeMap::new(),
        digest: String::new(),
    };
    let mut draft = Draft::default();
    let mut views = Vec::new();
    for side in sides {
        plan.systems
            .insert(side.system.name.to_owned(), side.base_url.to_owned());
        let mut declared: Vec<&Declared<'_>> = side.declared.iter().collect();
        let rank = |kind: &Kind| side.system.kinds.iter().position(|k| k.name == kind.name);
        declared.sort_by_key(|entry| (rank(entry.kind), entry.address));
        let mut view = View::new(side);
        if !allowed.exclusive.is_empty() {
            view.take_in(&allowed.exclusive);
        }
        for entry in &declared {
            draft.declared(&mut plan, &view, entry);
        }
        draft.removed(&mut plan, &view, allowed.destroys);
        plan.refusals.append(&mut view.refusals);
        plan.moves.append(&mut view.moves);
        plan.left_alone.extend(left_alone(&view));
        views.push(view);
    }
    for address in draft.mentioned() {
        let live = views
            .iter()
            .find_map(|view| view.live.objects.get(&address));
        if let Some(object) = live {
            plan.known.insert(address, object.ident.clone());
        }
    }
    for view in &views {
        draft.dependants(&mut plan, view);
        gates::limit(&mut plan, view, &allowed.limits);
        let declared: Vec<&Declared<'_>> = view.side.declared.iter().collect();
        let gone = view.ledger.records.iter().filter_map(|(address, record)| {
            let gone = Gone {
                scope: &record.scope,
                applied: &record.applied,
                object: view.live.objects.get(address)?,
            };
            Some((address, gone))
        });
        let renames = renames::guess(&plan, &declared, &gone.collect());
        plan.renames.extend(renames);
    }
    match draft.steps() {
        Ok(steps) => plan.steps = steps,
        Err(refusal) => plan.refusals.push(*refusal),
    }
    plan.digest = plan.compute_digest();
    plan
}

impl Draft {
    fn declared(&mut self, plan: &mut Plan, view: &View<'_>, entry: &Declared<'_>) {
        let record = view.ledger.records.get(entry.address);
        let live = view.live.objects.get(entry.address);
        let replaced = view.replaced.get(entry.address);
        let old = replaced.and_then(|replaced| view.live.objects.get(&replaced.retired));
        let desired = wanted(entry, record, live.or(old));
        let refuse = |plan: &mut Plan, code: &str, at: &Pointer, message: String, help: &str| {
            plan.refusals.push(Refusal {
                address: Some(entry.address.clone()),
                code: code.to_owned(),
                message,
                help: help.to_owned(),
                pointer: at.clone(),
                source: Some((entry.locate)(at)),
            });
        };
        let (action, mut fields, mut requests, because) = match live {
            None => {
                let requests = write::create(entry.kind, &entry.address.key, &desired);
                match (replaced, record) {
                    (Some(replaced), _) => {
                        let because = "something changes that cannot change";
                        (Action::Replace, replaced.fields.clone(), requests, because)
                    }
                    (None, Some(_)) => {
                        let because = "it was deleted outside gatewright";
                        (Action::Create, created(&desired), requests, because)
                    }
                    (None, None) => {
                        let because = "it is declared and does not exist";
                        (Action::Create, created(&desired), requests, because)
                    }
                }
            }
            Some(object) => {
                let context = Context {
                    address: entry.address,
                    record,
                    fingerprint_key: view.side.fingerprint_key,
                    resolve: &|reference| view.live.resolve(reference),
                };
                let mut fields = diff::diff(entry.kind, &desired, &object.fields, context);
                for (place, secret) in resent(entry, &desired) {
                    if !fields.iter().any(|change| change.pointer.contains(place)) {
                        fields.push(FieldChange {
                            pointer: place.clone(),
                            old: Value::Secret(Secret::live("")),
                            new: secret.clone(),
                            because: Some(Because::Asked),
                            forces_replacement: false,
                            origin: Some(Origin::Intended),
                            last_applied: None,
                            source: None,
                        });
                    }
                }
                if record.is_none() {
                    plan.adopted.push(entry.address.clone());
                    // A run that was interrupted while it replaced this may have made it.
                    let own = view.is_succeeded_by(entry.address);
                    if !entry.adopt && !own {
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
        if let (None, Some(how)) = (live, entry.kind.found()) {
            let message = format!(
                "there is no such {}, and an entry makes none",
                entry.kind.noun
            );
            refuse(plan, "not-found", &Pointer::root(), message, how);
            return;
        }
        let issues = match issue(entry, record, live, &desired) {
            Ok(None) => None,
            Ok(Some((issue, rotation))) => {
                requests.first.extend(rotation);
                Some(issue)
            }
            Err((obstacle, field)) => {
                let message = obstacle.message(entry.kind, &field);
                refuse(
                    plan,
                    obstacle.code(),
                    &Pointer::root(),
                    message,
                    obstacle.help(),
                );
                None
            }
        };
        // There is nothing to reset of an object that is only made now.
        let impulses = live.map_or(&[][..], |_| &entry.impulses);
        if let Some(live) = live {
            for impulse in impulses {
                write::add_impulse(&mut requests, entry.kind, &desired, live, impulse);
            }
        }
        sealed::in_requests(entry, &mut requests);
        let mut next = remembered(view.side, entry, &desired, record, live, &fields);
        // Until it is delivered, a secret counts as one that nobody has.
        next.undelivered = issues.is_some() || record.is_some_and(|record| record.undelivered);
        if !record.is_some_and(|record| record.reads_as(&next)) {
            plan.records.insert(entry.address.clone(), next);
        }
        if let Some(object) = live {
            self.live_uses
                .insert(entry.address.clone(), uses(entry.kind, &object.fields));
        }
        let once = issues.is_some() || !impulses.is_empty();
        if fields.is_empty() && action == Action::Update && !once {
            plan.summary.unchanged += 1;
            return;
        }
        match action {
            Action::Create => plan.summary.create += 1,
            Action::Replace => plan.summary.replace += 1,
            _ => plan.summary.update += 1,
        }
        let because = match (&issues, impulses) {
            (Some(_), _) if live.is_some() && fields.is_empty() => "its secret is replaced",
            (_, [_, ..]) if fields.is_empty() => "it was asked for",
            _ => because,
        };
        let step = match action {
            Action::Replace => Action::Create,
            action => action,
        };
        self.push(entry, step, requests, issues.as_ref());
        sealed::in_changes(entry, record, &mut fields);
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
            ident: live
                .or(old)
                .map(|object| object.ident.clone())
                .unwrap_or_default(),
            fields,
            source: Some((entry.locate)(&Pointer::root())),
            recreates: live.is_none() && record.is_some(),
            exclusive: false,
            replacement: replaced.map(|replaced| Replacement {
                old: replaced.retired.clone(),
                order: replaced.order,
                dependants: Vec::new(),
                loses: replaced.loses.clone(),
            }),
            impulses: impulses.to_vec(),
            issues,
            because: because.to_owned(),
        });
    }

    /// What the ledger knows and no manifest declares any more, or all of it.
    fn removed(&mut self, plan: &mut Plan, view: &View<'_>, destroys: bool) {
        let side = view.side;
        let declared: BTreeSet<&Address> = side.declared.iter().map(|d| d.address).collect();
        let replaced: BTreeMap<&Address, (&Address, Order)> = view
            .replaced
            .iter()
            .map(|(address, replaced)| (&replaced.retired, (address, replaced.order)))
            .collect();
        let mut removed: Vec<_> = view
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
            let object = view.live.objects.get(address);
            // What is not ours to take away, or has done what it was for, is only forgotten.
            let stays = |object: &&Object| {
                kind.kept_elsewhere(&object.fields).is_some()
                    || kind.fate(&object.fields) == Fate::Done
            };
            let Some(object) = object.filter(|object| !stays(object)) else {
                plan.forgotten.push(address.clone());
                continue;
            };
            let successor = replaced.get(address);
            // A run that was interrupted may have left it after its successor was made.
            let succeeded = retired_from(address).filter(|by| declared.contains(by));
            if record.protect && succeeded.is_none() {
                plan.refusals.push(Refusal {
                    address: Some(address.clone()),
                    code: "protected".to_owned(),
                    message: format!("this {} is protected and would be deleted", kind.noun),
                    help: match destroys {
                        true => "apply it once with `protect: false`, and destroy again",
                        false => {
                            "put the entry back, or apply it once with `protect: false` before \
                             removing it"
                        }
                    }
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
                issues: None,
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
            if let Some((successor, order)) = successor {
                let pair = Pair {
                    new: (*successor).clone(),
                    old: address.clone(),
                    order: *order,
                };
                self.pairs.push(pair);
                continue;
            }
            if let Some(new) = &succeeded {
                let (new, old) = (new.clone(), address.clone());
                let order = Order::CreateFirst;
                self.pairs.push(Pair { new, old, order });
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
                exclusive: gates::is_undeclared(address),
                replacement: None,
                impulses: Vec::new(),
                issues: None,
                because: match succeeded {
                    Some(by) => format!("{} took its place", by.key),
                    None if gates::is_undeclared(address) => {
                        "nothing declares it, and this scope is exclusive".to_owned()
                    }
                    None if destroys => "everything goes".to_owned(),
                    None => "it is no longer declared".to_owned(),
                },
            });
        }
    }

    /// Says in every replacement what else it concerns.
    fn dependants(&self, plan: &mut Plan, view: &View<'_>) {
        for pair in &self.pairs {
            let Some(at) = plan.changes.iter().position(|c| c.address == pair.new) else {
                continue;
            };
            let existed = |address: &Address| {
                view.live.objects.contains_key(address) || view.replaced.contains_key(address)
            };
            let dependants: BTreeSet<&Address> = self
                .users(&pair.new)
                .filter(|address| **address != pair.new && existed(address))
                .collect();
            let dependants = dependants.into_iter().cloned().collect();
            if let Some(replacement) = &mut plan.changes[at].replacement {
                replacement.dependants = dependants;
            }
        }
    }
}

/// What stays as it is, and why.
fn left_alone(view: &View<'_>) -> Vec<LeftAlone> {
    let mut left = Vec::new();
    for (kind, objects) in &view.live.unowned {
        let known = view.side.system.kind(kind);
        let why = |object: &Object| {
            let of = |ask: fn(&Kind, &Map) -> Option<&'static str>| ask(known?, &object.fields);
            match (of(Kind::server_made), of(Kind::kept_elsewhere)) {
                (Some(reason), _) => (WhyLeft::ServerMade, Some(reason)),
                (None, Some(reason)) => (WhyLeft::KeptElsewhere, Some(reason)),
                (None, None) => (WhyLeft::NotOurs, None),
            }
        };
        let mut counts: BTreeMap<(WhyLeft, Option<&str>), usize> = BTreeMap::new();
        for object in objects {
            *counts.entry(why(object)).or_default() += 1;
        }
        for ((because, reason), count) in counts {
            left.push(LeftAlone {
                because,
                reason: reason.map(str::to_owned),
                kind: (*kind).to_owned(),
                count,
                address: None,
                places: Vec::new(),
            });
        }
    }
    for entry in view.side.declared.iter().filter(|e| !e.ignore.is_empty()) {
        let Some(object) = view.live.objects.get(entry.address) else {
            continue;
        };
        if !entry.unset.is_empty() {
            left.push(LeftAlone {
                because: WhyLeft::Unset,
                kind: entry.kind.name.to_owned(),
                count: entry.unset.len(),
                address: Some(entry.address.clone()),
                places: entry.unset.clone(),
                reason: None,
            });
        }
        let context = Context {
            address: entry.address,
            record: view.ledger.records.get(entry.address),
            fingerprint_key: view.side.fingerprint_key,
            resolve: &|reference| view.live.resolve(reference),
        };
        let changes = diff::diff(entry.kind, entry.fields, &object.fields, context);
        let places: Vec<Pointer> = changes
            .into_iter()
            .map(|change| change.pointer)
            .filter(|place| entry.ignore.iter().any(|ignored| ignored.contains(place)))
            .filter(|place| !entry.unset.contains(place))
            .collect();
        if !places.is_empty() {
            left.push(LeftAlone {
                because: WhyLeft::Ignored,
                reason: None,
                kind: entry.kind.name.to_owned(),
                count: places.len(),
                address: Some(entry.address.clone()),
                places,
            });
        }
    }
    left
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
            forces_replacement: false,
            origin: None,
            last_applied: None,
            source: None,
        })
        .collect()
}
