//! What to import: every object without an entry that the user asked for, under a key of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Reading, Work, left_out};
use crate::cli::args::ImportArgs;
use crate::cli::world::{Connected, Failure, World};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::import::{self, Found};
use crate::kind::{Is, Kind, System};
use crate::ledger::Record;
use crate::live::{self, Live, Wanted};
use crate::model::{Address, Ident, Map, Reference, Value};

/// An object without an entry.
pub(super) struct Candidate {
    pub(super) address: Address,
    pub(super) found: Found,
    pub(super) record: Record,
    /// What is asked for when it is read; `None` for what is only looked at to name it.
    pub(super) asks: Option<Map>,
}

/// Whose ids and slugs are whose, by kind.
pub(super) type Names = BTreeMap<(&'static str, String), Address>;

fn names_of(found: &Found) -> Vec<(&'static str, String)> {
    let texts = [&found.ident.id, &found.ident.slug];
    let name = |text: &String| (found.kind.name, text.clone());
    texts.into_iter().flatten().map(name).collect()
}

/// The candidates, and everything that has a name by which others may refer to it.
pub(super) fn candidates(
    args: &ImportArgs,
    system: &System,
    objects: Vec<Found>,
    live: &Live,
    world: &World,
    work: &mut Work,
) -> (Vec<Candidate>, Names) {
    let is_id = system.ids.is;
    let mut names = Names::new();
    let mut taken: BTreeSet<Address> = live.objects.keys().cloned().collect();
    let mut declared: HashMap<(&str, &str), &Address> = HashMap::new();
    for (address, object) in &live.objects {
        for text in [&object.ident.id, &object.ident.slug].into_iter().flatten() {
            declared.insert((&address.kind, text), address);
        }
    }
    let mut open = Vec::new();
    for found in objects {
        let own = names_of(&found);
        let address = own
            .iter()
            .find_map(|(kind, text)| declared.get(&(*kind, text.as_str())));
        let address = address.map(|address| (*address).clone());
        match (address, found.kind.server_made(&found.fields)) {
            (Some(address), _) => {
                // Somebody wants it gone, and may have forgotten that.
                let asked = asks_for_all(args) || args.only.contains(&address);
                let doomed = world.entry(&address).is_none()
                    && found.kind.kept_elsewhere(&found.fields).is_none();
                if doomed && asked && asks_for(args, found.kind) {
                    let because = format!(
                        "the entry of {address} was removed: the next apply deletes it unless the \
                         entry comes back"
                    );
                    work.left_out.push(left_out(&found, is_id, because));
                    work.removed.insert(address.clone());
                }
                names.extend(own.into_iter().map(|name| (name, address.clone())));
            }
            (None, Some(because)) if asks_for(args, found.kind) && asks_for_all(args) => {
                work.left_out
                    .push(left_out(&found, is_id, because.to_owned()));
            }
            (None, Some(_)) => {}
            (None, None) => open.push(found),
        }
    }
    let mut candidates: Vec<Candidate> = Vec::new();
    // What others live in gets its key first: it tells them apart. What joins others comes last.
    let turn = |kind: &Kind| match (kind.outer_scope(), joins(kind)) {
        (None, _) => 0,
        (Some(_), false) => 1,
        (Some(_), true) => 2,
    };
    for now in 0..3 {
        let now: Vec<&Found> = open
            .iter()
            .filter(|found| turn(found.kind) == now)
            .collect();
        let scope_key = |found: &Found| match joins(found.kind) {
            true => joined(found, &names),
            false => Some(outer(found, &names)?.key),
        };
        let addresses = import::assign(&now, &taken, &scope_key, is_id);
        for (found, address) in now.into_iter().zip(addresses) {
            let Some(address) = address else {
                let because = "its slug cannot be a key".to_owned();
                work.left_out.push(left_out(found, is_id, because));
                continue;
            };
            let own = names_of(found).into_iter();
            names.extend(own.map(|name| (name, address.clone())));
            taken.insert(address.clone());
            candidates.push(Candidate {
                address,
                record: record(found, &names),
                found: found.clone(),
                asks: None,
            });
        }
    }
    for it in candidates
        .iter()
        .filter(|it| system.is_scope(it.found.kind))
    {
        work.note_scope(&it.address, &it.found.ident, it.found.name.as_deref());
    }
    for (address, object) in &live.objects {
        if system
            .kind(&address.kind)
            .is_some_and(|kind| system.is_scope(kind))
        {
            work.note_scope(address, &object.ident, object.name.as_deref());
        }
    }
    // The scopes that were asked for, by their addresses.
    let is_asked = |it: &Candidate, wanted: &String| {
        it.address.key == *wanted
            || it.found.ident.is(wanted)
            || it.found.name.as_ref() == Some(wanted)
    };
    let mut scopes: BTreeSet<Address> = candidates
        .iter()
        .filter(|it| args.workspace.iter().any(|wanted| is_asked(it, wanted)))
        .map(|it| it.address.clone())
        .collect();
    for (address, object) in &live.objects {
        let asked = |wanted: &String| {
            address.key == *wanted
                || object.ident.is(wanted)
                || object.name.as_ref() == Some(wanted)
        };
        if args.workspace.iter().any(asked) {
            scopes.insert(address.clone());
        }
    }
    for it in &mut candidates {
        let own = it.found.kind.outer_scope().is_none() && scopes.contains(&it.address);
        let inside = outer(&it.found, &names).is_some_and(|scope| scopes.contains(&scope));
        let chosen = asks_for(args, it.found.kind)
            && (args.only.is_empty() && args.workspace.is_empty()
                || args.only.contains(&it.address)
                || own
                || inside);
        if chosen {
            let mut asks = import::everything(it.found.kind);
            asks.extend(it.record.scope.clone());
            it.asks = Some(asks);
        }
    }
    (candidates, names)
}

/// Whether nothing but kinds limits what is asked for.
fn asks_for_all(args: &ImportArgs) -> bool {
    args.only.is_empty() && args.workspace.is_empty()
}

/// What was asked for by name and is nowhere.
pub(super) fn nowhere(args: &ImportArgs, work: &Work) -> Vec<Diagnostic> {
    let readings = work.readings.iter();
    let known: BTreeSet<&Address> = readings
        .flat_map(|it| {
            let candidates = it.candidates.iter().map(|one| &one.address);
            candidates.chain(&it.declared)
        })
        .chain(&work.removed)
        .collect();
    let names: Vec<String> = known.iter().map(ToString::to_string).collect();
    let entry = |address: &Address| {
        let help = did_you_mean(&address.to_string(), names.iter().map(String::as_str));
        let message = format!("nothing there would be called {address}");
        Diagnostic::error("unknown-entry", message).maybe_help(help)
    };
    let workspace = |wanted: &String| {
        let help = did_you_mean(wanted, work.scopes.iter().map(String::as_str));
        let message = format!("there is no workspace `{wanted}`");
        let problem = Diagnostic::error("unknown-workspace", message);
        let problem = problem.note("no workspace has that for its name, slug, id or key");
        problem.maybe_help(help)
    };
    let entries = args.only.iter().filter(|it| !known.contains(it));
    let workspaces = args.workspace.iter();
    let workspaces = workspaces.filter(|it| !work.scopes.contains(*it));
    entries
        .map(entry)
        .chain(workspaces.map(workspace))
        .collect()
}

/// Whether objects of a kind are asked for.
pub(super) fn asks_for(args: &ImportArgs, kind: &Kind) -> bool {
    args.kind.is_empty() || args.kind.iter().any(|name| name == kind.name)
}

/// Whether objects of a kind have neither a name nor a place of their own, but give one thing to
/// another.
fn joins(kind: &Kind) -> bool {
    !kind.endpoints.list.scopes.is_empty()
}

/// The keys of what an object joins.
fn joined(found: &Found, names: &Names) -> Option<String> {
    let text = |field: &str| found.fields.get(field)?.as_str();
    let keys = found.kind.rules.iter().filter_map(|rule| {
        let of = match rule.is {
            Is::Reference { kind, .. } => kind,
            Is::ReferenceBy { field, kinds, .. } => {
                let said = text(field)?;
                kinds.iter().find(|(value, _)| *value == said)?.1
            }
            _ => return None,
        };
        let id = text(rule.at.0.strip_prefix('/')?)?;
        Some(names.get(&(of, id.to_owned()))?.key.as_str())
    });
    let keys: Vec<&str> = keys.collect();
    (!keys.is_empty()).then(|| keys.join("-"))
}

/// What an object lives in.
fn outer(found: &Found, names: &Names) -> Option<Address> {
    let (kind, _) = found.kind.lives_in()?;
    names.get(&(kind, found.scope()?.to_owned())).cloned()
}

/// What a ledger would know of an object, by which it is found again.
fn record(found: &Found, names: &Names) -> Record {
    let mut record = Record {
        ident: found.ident.clone(),
        ..Record::default()
    };
    if let (Some(field), Some(scope)) = (found.kind.outer_scope(), found.scope()) {
        let value = match (outer(found, names), found.kind.lives_in()) {
            (Some(address), Some((_, attribute))) => {
                Value::Reference(Reference { address, attribute })
            }
            _ => Value::text(scope),
        };
        record.scope.insert(field.to_owned(), value);
    }
    if let Some(field) = found.kind.instead_of_scope()
        && let Some(value) = found.fields.get(field)
    {
        record.scope.insert(field.to_owned(), value.clone());
    }
    record
}

/// Reads the candidates.
pub(super) async fn read(
    world: &World,
    connected: &Connected,
    candidates: Vec<Candidate>,
    names: Names,
) -> Result<Reading, Failure> {
    let ledger = connected.ledger();
    let mut wanted = world.wanted(connected, &ledger);
    // An old record of the same address is about something that is gone.
    let fresh: BTreeSet<&Address> = candidates.iter().map(|it| &it.address).collect();
    wanted.retain(|want| !fresh.contains(want.address));
    let declared: BTreeSet<Address> = wanted
        .iter()
        .filter(|want| want.fields.is_some())
        .map(|want| want.address.clone())
        .collect();
    wanted.extend(candidates.iter().map(|it| Wanted {
        address: &it.address,
        kind: it.found.kind,
        fields: it.asks.as_ref(),
        record: Some(&it.record),
    }));
    let live = live::read(
        &connected.client,
        connected.system,
        &wanted,
        &[],
        &connected.cache,
    )
    .await;
    let mut live = live.map_err(|problems| world.explain(vec![problems]))?;
    // No file is to repeat what is a secret elsewhere.
    let objects = live.objects.values_mut();
    for value in objects.flat_map(|object| object.fields.values_mut()) {
        connected.client.secrets().hide_in(value);
    }
    let ident =
        |(address, object): (&Address, &live::Object)| (address.clone(), object.ident.clone());
    let idents: BTreeMap<Address, Ident> = live.objects.iter().map(ident).collect();
    let names = names.iter();
    let names = names.map(|((kind, text), address)| (*kind, text.as_str(), address));
    let marks = import::marks(connected.system, names, &idents);
    Ok(Reading {
        system: connected.system,
        candidates,
        live,
        declared,
        idents,
        marks,
    })
}
