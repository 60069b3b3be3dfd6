//! `gatewright adopt --drift`: what others changed live, written into the manifests.
//!
//! Nothing is written before it is known to be right: the new texts are read as a repository, with
//! every check, and compared with what is live. Files come first and the ledger last: an entry of
//! which nothing differs any more counts as applied, so that the next difference is told from this.

use std::collections::{BTreeMap, BTreeSet};

use super::apply::answered;
use super::args::{AdoptArgs, Global};
use super::exit::Exit;
use super::import::{owner, unplaced, write};
use super::output::{Adopted, AdoptedEntry, Document, Finish, LeftPlace, Printer};
use super::world::{self, Connected, Failure, Opening, Outlook, World, ledger_error};
use crate::diagnostic::{Diagnostic, Sources, did_you_mean};
use crate::import::{self, Change, Context, Resource, What, write_back};
use crate::ledger::Record;
use crate::live::Live;
use crate::manifest::{self, Entry, Texts};
use crate::model::{Address, Ident, Map, Pointer};
use crate::plan::{self, Action, Plan};
use crate::schema;
use crate::yaml::edit::{self, EditError};

/// What one entry is to say.
struct Adoption {
    address: Address,
    file: String,
    changes: Vec<Change>,
}

pub(super) async fn run(global: &Global, args: &AdoptArgs, printer: &Printer) -> Finish {
    let mut world = match World::open(global, printer).await {
        Ok(world) => world,
        Err(finish) => return *finish,
    };
    let end = in_world(&mut world, global, args, printer).await;
    let (sources, mut diagnostics) = world.close().await;
    let mut finish = match end {
        Ok(finish) => finish,
        Err((exit, problems)) => Finish::failed(exit, Sources::default(), problems),
    };
    diagnostics.append(&mut finish.diagnostics);
    Finish {
        sources,
        diagnostics,
        ..finish
    }
}

async fn in_world(
    world: &mut World,
    global: &Global,
    args: &AdoptArgs,
    printer: &Printer,
) -> Result<Finish, Failure> {
    let unknown = unknown(world, args);
    if !unknown.is_empty() {
        return Err((Exit::Error, unknown));
    }
    let lives = world.read().await?;
    let Outlook { plan, failure } = world.plan().await?;
    let mut left = Vec::new();
    let mut adoptions = Vec::new();
    for connected in &world.systems {
        let Some(live) = lives.by_system.get(connected.system.name) else {
            continue;
        };
        adoptions.extend(adopt(world, connected, live, &plan, args, &mut left));
    }
    let before = stage(world, global, &mut adoptions, &mut left)?;
    let texts: Texts = before
        .iter()
        .map(|(name, it)| (name.clone(), it.1.clone()))
        .collect();
    let mut warnings = Vec::new();
    let mut next = plan;
    if !adoptions.is_empty() {
        next = world.plan().await?.plan;
        warnings = differing(&next, &adoptions, &left);
    }
    let records = settled(&next, &adoptions);
    for (name, (old, new)) in &before {
        printer.verbatim(&difference(name, old, new));
    }
    let mut adopted = Adopted {
        dry_run: args.dry_run,
        entries: adoptions.into_iter().map(entry).collect(),
        left,
        files: texts
            .iter()
            .map(|(name, text)| (name.clone(), args.dry_run.then(|| text.clone())))
            .collect(),
    };
    adopted.left.sort();
    adopted.left.dedup();
    if !args.dry_run && !texts.is_empty() {
        if !args.yes {
            consent(printer, texts.len()).await?;
        }
        write(global, &texts).map_err(|problem| (Exit::Error, vec![*problem]))?;
        // What else the plan is about has not happened.
        next.moves.clear();
        let recorded = world.record(&next, records).await;
        recorded.map_err(|error| (Exit::Error, vec![ledger_error(&error)]))?;
    }
    let finish = Finish {
        text: said(&adopted),
        document: Document {
            adopted: Some(adopted),
            ..Document::default()
        },
        ..Finish::failed(Exit::Done, Sources::default(), warnings)
    };
    Ok(finish.but(failure))
}

/// What the ledger is to know of entries that are as they are live.
fn settled(plan: &Plan, adoptions: &[Adoption]) -> BTreeMap<Address, Record> {
    let open = |address: &Address| plan.changes.iter().any(|it| it.address == *address);
    let adopted = adoptions.iter().map(|it| &it.address);
    let settled = adopted.filter(|address| !open(address));
    let records = settled.filter_map(|it| Some((it.clone(), plan.records.get(it)?.clone())));
    records.collect()
}

/// The entries that are not there.
fn unknown(world: &World, args: &AdoptArgs) -> Vec<Diagnostic> {
    let entries = world.repository.entries.iter();
    let known: Vec<String> = entries.map(|entry| entry.address.to_string()).collect();
    let unknown = args.entries.iter();
    let unknown = unknown.filter(|address| world.entry(address).is_none());
    unknown
        .map(|address| {
            let help = did_you_mean(&address.to_string(), known.iter().map(String::as_str));
            let message = format!("there is no entry {address}");
            Diagnostic::error("unknown-entry", message).maybe_help(help)
        })
        .collect()
}

/// What the entries of a system are to say.
fn adopt(
    world: &World,
    connected: &Connected,
    live: &Live,
    plan: &Plan,
    args: &AdoptArgs,
    left: &mut Vec<LeftPlace>,
) -> Vec<Adoption> {
    let recorded = world.recorded();
    let asked = |address: &Address| match args.entries.is_empty() {
        true => recorded.contains(address),
        false => args.entries.contains(address),
    };
    let changes = plan.changes.iter().filter(|it| {
        it.address.system == connected.system.name
            && it.action != Action::Delete
            && asked(&it.address)
    });
    let changes: Vec<&plan::Change> = changes.collect();
    let gone: BTreeSet<&Address> = changes
        .iter()
        .filter(|change| change.recreates)
        .map(|change| &change.address)
        .collect();
    let entries = world.repository.entries.iter();
    let known: BTreeSet<Address> = entries.map(|entry| entry.address.clone()).collect();
    let idents: BTreeMap<Address, Ident> = live
        .objects
        .iter()
        .map(|(address, object)| (address.clone(), object.ident.clone()))
        .collect();
    let marks = import::marks_of(connected.system, live);
    let mut adoptions = Vec::new();
    for change in changes {
        let Some(entry) = world.entry(&change.address) else {
            continue;
        };
        let mut leave =
            |place: &Pointer, because: String| left.push(left_place(world, entry, place, because));
        let edits = match live.objects.get(&change.address) {
            Some(object) => {
                let schema = schema::kind_schema(entry.kind);
                let resource = Resource {
                    entry,
                    live: &object.fields,
                    context: Context {
                        system: connected.system,
                        address: &entry.address,
                        kind: entry.kind,
                        schema: &schema,
                        known: &known,
                        idents: &idents,
                        listed: &Map::new(),
                        full: true,
                        marks: &marks,
                    },
                    resolve: &|reference| live.resolve(reference),
                };
                let (edits, stays) =
                    write_back(&resource, &change.fields, !args.entries.is_empty());
                for it in stays {
                    leave(&it.at, it.because);
                }
                edits
            }
            None if change.recreates => {
                let names = |other: &&Entry| {
                    !gone.contains(&other.address)
                        && other.links().iter().any(|link| link.to == entry.address)
                };
                match world.repository.entries.iter().find(names) {
                    Some(other) => {
                        let because = format!("it is gone, and {} refers to it", other.address);
                        leave(&Pointer::root(), because);
                        Vec::new()
                    }
                    None => vec![Change {
                        at: Pointer::root(),
                        what: What::Remove,
                    }],
                }
            }
            None => Vec::new(),
        };
        if !edits.is_empty() {
            adoptions.push(Adoption {
                address: entry.address.clone(),
                file: world.sources.name(entry.file()).to_owned(),
                changes: edits,
            });
        }
    }
    adoptions
}

fn left_place(world: &World, entry: &Entry, place: &Pointer, because: String) -> LeftPlace {
    let stands = entry.taken_from(place).map(|(_, location)| location);
    let location = stands.unwrap_or_else(|| entry.locate(place));
    LeftPlace {
        address: entry.address.clone(),
        place: place.clone(),
        source: world.sources.position(&location).to_string(),
        because,
    }
}

/// Edits the files and reads them as the repository, until nothing in them is wrong. What cannot be
/// written is left. Returns the old and the new texts.
fn stage(
    world: &mut World,
    global: &Global,
    adoptions: &mut Vec<Adoption>,
    left: &mut Vec<LeftPlace>,
) -> Result<BTreeMap<String, (String, String)>, Failure> {
    let variables = world::variables(global).map_err(|it| (it.exit, it.diagnostics))?;
    loop {
        let files = edited(world, global, adoptions, left)?;
        if adoptions.is_empty() {
            return Ok(BTreeMap::new());
        }
        let opening = Opening {
            texts: files
                .iter()
                .map(|(name, it)| (name.clone(), it.1.clone()))
                .collect(),
            allow_empty: true,
            defer_secrets: true,
            ..Opening::default()
        };
        match world::load(global, &variables, &opening) {
            Ok((mut repository, sources, _)) => {
                let before = world.repository.entries.iter();
                let unset: BTreeSet<(Address, Pointer)> = before
                    .flat_map(|it| {
                        it.unset
                            .iter()
                            .map(|unset| (it.address.clone(), unset.at.clone()))
                    })
                    .collect();
                let covered = |address: &Address, at: &Pointer| {
                    unset.contains(&(address.clone(), at.clone()))
                };
                let kept = repository.leave_unset(&covered);
                kept.map_err(|problems| (Exit::Error, problems))?;
                world.take(repository, sources);
                return Ok(files);
            }
            Err(finish) => {
                let errors = finish.diagnostics.iter();
                let errors = errors.filter(|it| it.is_error() && it.code != "unset-variable");
                let wrong: BTreeMap<Address, String> = errors
                    .filter_map(|it| Some((owner(it, &finish.sources)?, it.message.clone())))
                    .collect();
                let before = adoptions.len();
                adoptions.retain(|it| !wrong.contains_key(&it.address));
                if adoptions.len() == before {
                    return Err(unplaced(*finish));
                }
                for (address, message) in wrong {
                    if let Some(entry) = world.entry(&address) {
                        left.push(left_place(world, entry, &Pointer::root(), message));
                    }
                }
            }
        }
    }
}

/// The files with the edits that can be made; the others are left.
fn edited(
    world: &World,
    global: &Global,
    adoptions: &mut Vec<Adoption>,
    left: &mut Vec<LeftPlace>,
) -> Result<BTreeMap<String, (String, String)>, Failure> {
    let mut files: BTreeMap<String, (String, String)> = BTreeMap::new();
    for adoption in adoptions.iter_mut() {
        if !files.contains_key(&adoption.file) {
            let path = global.directory.join(&adoption.file);
            let text = std::fs::read_to_string(&path).map_err(|error| {
                let message = format!("cannot read {}: {error}", path.display());
                (Exit::Error, vec![Diagnostic::error("cannot-read", message)])
            })?;
            files.insert(adoption.file.clone(), (text.clone(), text));
        }
        let Some((_, text)) = files.get_mut(&adoption.file) else {
            continue;
        };
        if manifest::is_encrypted(text) {
            if let Some(entry) = world.entry(&adoption.address) {
                let because = "its file is encrypted: edit it with `sops`".to_owned();
                left.push(left_place(world, entry, &Pointer::root(), because));
            }
            adoption.changes.clear();
            continue;
        }
        let address = adoption.address.clone();
        adoption
            .changes
            .retain(|change| match apply(text, &address, change) {
                Ok(new) => {
                    *text = new;
                    true
                }
                Err(error) => {
                    if let Some(entry) = world.entry(&address) {
                        left.push(left_place(world, entry, &change.at, error.to_string()));
                    }
                    false
                }
            });
    }
    adoptions.retain(|it| !it.changes.is_empty());
    files.retain(|_, (old, new)| old != new);
    Ok(files)
}

fn apply(text: &str, address: &Address, change: &Change) -> Result<String, EditError> {
    let mut path = vec![address.kind.clone(), address.key.clone()];
    path.extend(change.at.segments().iter().cloned());
    match &change.what {
        What::Set(node) => edit::set(text, &path, node, 0),
        What::Remove => edit::remove(text, &path),
        What::Append(node) => edit::append(text, &path, node),
    }
}

/// Warnings about what was adopted and differs nevertheless, other than by what was left.
fn differing(plan: &Plan, adoptions: &[Adoption], left: &[LeftPlace]) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    for adoption in adoptions {
        let change = plan
            .changes
            .iter()
            .find(|it| it.address == adoption.address);
        let fields = change.iter().flat_map(|change| &change.fields);
        let about = |at: &Pointer| {
            let mut changes = adoption.changes.iter();
            let is_adopted = changes.any(|it| it.at.contains(at) || at.contains(&it.at));
            let mut left = left.iter().filter(|it| it.address == adoption.address);
            is_adopted && !left.any(|it| it.place.contains(at) || at.contains(&it.place))
        };
        let places: Vec<String> = fields
            .filter(|field| about(&field.pointer))
            .map(|field| format!("`{}`", field.pointer))
            .collect();
        if !places.is_empty() {
            let message = format!("{} does not read back as it was adopted", adoption.address);
            warnings.push(
                Diagnostic::warning("adopt-differs", message)
                    .note(format!("a plan would change {}", places.join(", ")))
                    .help("correct the entry by hand before the next apply"),
            );
        }
    }
    warnings
}

/// A file's change, as people know it from version control.
fn difference(name: &str, old: &str, new: &str) -> String {
    let name = name.trim_start_matches("./");
    similar::TextDiff::from_lines(old, new)
        .unified_diff()
        .context_radius(2)
        .header(&format!("a/{name}"), &format!("b/{name}"))
        .to_string()
        + "\n"
}

async fn consent(printer: &Printer, files: usize) -> Result<(), Failure> {
    if !printer.can_ask() {
        let problem =
            Diagnostic::error("not-confirmed", "nobody is there to confirm these changes")
                .note("nothing was changed")
                .help("look at them with `--dry-run` and run again with `--yes`");
        return Err((Exit::Refused, vec![problem]));
    }
    let files = match files {
        1 => "this file".to_owned(),
        files => format!("these {files} files"),
    };
    printer.message(&format!("Write {files}? Only `yes` is taken as a yes: "));
    let answer = answered("yes", printer).await;
    answer.map_err(|(exit, problem)| (exit, vec![problem]))
}

fn entry(adoption: Adoption) -> AdoptedEntry {
    let mut places: Vec<Pointer> = adoption.changes.into_iter().map(|it| it.at).collect();
    places.sort();
    places.dedup();
    AdoptedEntry {
        address: adoption.address,
        file: adoption.file,
        places,
    }
}

/// The last words for people.
fn said(adopted: &Adopted) -> String {
    let mut lines = Vec::new();
    let verb = match adopted.dry_run {
        true => "Would adopt",
        false => "Adopted",
    };
    let places: usize = adopted.entries.iter().map(|it| it.places.len()).sum();
    lines.push(match (places, adopted.entries.len()) {
        (0, _) => "Nothing to adopt.".to_owned(),
        (1, _) => format!("{verb} 1 change."),
        (places, 1) => format!("{verb} {places} changes of 1 entry."),
        (places, entries) => format!("{verb} {places} changes of {entries} entries."),
    });
    if !adopted.left.is_empty() {
        lines.push("\nLeft as it is:".to_owned());
        for it in &adopted.left {
            lines.push(format!("  {}{}  {}", it.address, it.place, it.source));
            lines.push(format!("      {}", it.because));
        }
    }
    lines.join("\n") + "\n"
}
