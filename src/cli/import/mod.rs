//! `gatewright import`: manifests for what is live.
//!
//! Nothing is written before it is known to be right: the new texts are read as a repository, with
//! every check, and compared with what is live. Files come first and the ledger last, for a record
//! without its entry would look like something to delete.

mod choose;
mod draft;

use std::collections::{BTreeMap, BTreeSet};

use choose::{Candidate, asks_for, candidates, read};
use draft::Draft;
pub(super) use draft::{owner, unplaced};

use super::args::{Global, ImportArgs, Spread};
use super::exit::Exit;
use super::output::{
    Document, Finish, Imported, ImportedEntry, ImportedVariable, LeftOut, Printer, Unseen,
};
use super::world::{Failure, Opening, Outlook, World, api_error, ledger_error, unless_interrupted};
use crate::client::ApiErrorKind;
use crate::diagnostic::{Diagnostic, Sources, did_you_mean};
use crate::import::{self, Found, Layout, label};
use crate::kind::{Identity, Kind, System};
use crate::ledger::Record;
use crate::live::{self, Live, Which};
use crate::manifest::{PROJECT_FILE, Texts};
use crate::model::{Address, Ident};
use crate::plan::Plan;
use crate::schema;
use crate::systems::SYSTEMS;

/// The project file of a folder that has none.
const PROJECT: &str = "gatewright: 1\nmanifests: [\"org/**/*.yaml\"]\n";

/// The candidates of a system, read.
struct Reading {
    system: &'static System,
    candidates: Vec<Candidate>,
    live: Live,
    /// Every address of the repository.
    declared: BTreeSet<Address>,
    /// What the server calls everything that has an address.
    idents: BTreeMap<Address, Ident>,
    /// Texts that the server made up, and whose they are.
    marks: import::Marks,
}

/// What is being put together.
#[derive(Default)]
struct Work {
    readings: Vec<Reading>,
    left_out: Vec<LeftOut>,
    /// What is still in a ledger and has no entry any more.
    removed: BTreeSet<Address>,
    warnings: Vec<Diagnostic>,
    /// What workspaces, and whatever else others live in, are called.
    scopes: BTreeSet<String>,
}

impl Work {
    fn note_scope(&mut self, address: &Address, ident: &Ident, name: Option<&str>) {
        let texts = [ident.id.as_deref(), ident.slug.as_deref(), name];
        let texts = texts.into_iter().flatten().chain([address.key.as_str()]);
        self.scopes.extend(texts.map(str::to_owned));
    }
}

pub(super) async fn run(global: &Global, args: &ImportArgs, printer: &Printer) -> Finish {
    let mut texts = Texts::new();
    if !global.directory.join(PROJECT_FILE).exists() {
        texts.insert(PROJECT_FILE.to_owned(), PROJECT.to_owned());
    }
    let problems = misnamed(args);
    if !problems.is_empty() {
        return Finish::failed(Exit::Error, Sources::default(), problems);
    }
    let opening = Opening {
        texts: texts.clone(),
        allow_empty: true,
        ..Opening::default()
    };
    let mut world = match World::open_as(global, printer, opening).await {
        Ok(world) => world,
        Err(finish) => return *finish,
    };
    let end = in_world(&mut world, global, args, texts, printer).await;
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

/// Kinds that no system has, and a file that can be no manifest.
fn misnamed(args: &ImportArgs) -> Vec<Diagnostic> {
    let kinds = || SYSTEMS.iter().flat_map(|system| system.kinds);
    let known = |name: &str| kinds().any(|kind| kind.name == name);
    let unknown = args.kind.iter().filter(|name| !known(name));
    let mut problems: Vec<Diagnostic> = unknown
        .map(|name| {
            let help = did_you_mean(name, kinds().map(|kind| kind.name));
            Diagnostic::error("unknown-kind", format!("unknown kind `{name}`")).maybe_help(help)
        })
        .collect();
    let into = args
        .into
        .as_deref()
        .map(|file| file.trim_start_matches("./"));
    if into == Some(PROJECT_FILE) {
        let message = format!("{PROJECT_FILE} is the project file and no manifest");
        let help = "choose a file that `manifests` in it names";
        problems.push(Diagnostic::error("no-manifests", message).help(help));
    }
    problems
}

async fn in_world(
    world: &mut World,
    global: &Global,
    args: &ImportArgs,
    mut texts: Texts,
    printer: &Printer,
) -> Result<Finish, Failure> {
    let lives = world.read().await?;
    let mut failure = lives.failure;
    let mut work = Work::default();
    for connected in &world.systems {
        let Some(live) = lives.by_system.get(connected.system.name) else {
            continue;
        };
        let inventory = live::inventory(&connected.client, connected.system, &needs_scope);
        let inventory = match unless_interrupted(inventory).await? {
            Ok(inventory) => inventory,
            Err(problems) => {
                let (exit, problems) = world.explain(vec![problems]);
                let all = failure.get_or_insert((exit, Vec::new()));
                all.1.extend(problems);
                continue;
            }
        };
        for gap in inventory.gaps.iter().filter(|gap| asks_for(args, gap.kind)) {
            let which = match &gap.which {
                Which::All => String::new(),
                Which::Outside => " outside of workspaces".to_owned(),
                Which::Inside(scope) => format!(" of {scope}"),
            };
            let message = format!("{}{which} cannot be listed", gap.kind.name);
            // Somebody who names a kind wants to have it.
            let asked = gap.error.kind == ApiErrorKind::Forbidden && !args.kind.is_empty();
            if asked && matches!(gap.which, Which::All) {
                let problem = api_error(&gap.error).note(message);
                let all = failure.get_or_insert((Exit::NotAuthorised, Vec::new()));
                all.1.push(problem);
            } else {
                let problem = Diagnostic::warning("not-listed", message);
                work.warnings
                    .push(problem.note(api_error(&gap.error).message));
            }
        }
        let system = connected.system;
        let (candidates, names) =
            candidates(args, system, inventory.objects, live, world, &mut work);
        let reading = read(world, connected, candidates, names);
        let reading = unless_interrupted(reading).await??;
        work.readings.push(reading);
    }
    if let (Some(failure), true) = (&failure, work.readings.is_empty()) {
        return Err(failure.clone());
    }
    let nowhere = choose::nowhere(args, &work);
    if !nowhere.is_empty() {
        return Err(match failure {
            // It may be where nothing could be read.
            Some(failure) => failure,
            None => (Exit::Error, nowhere),
        });
    }
    let layout = match (&args.into, args.layout) {
        (Some(file), _) => Layout::Into(file.trim_start_matches("./").to_owned()),
        (None, Spread::Kind) => Layout::Kind,
        (None, Spread::Workspace) => Layout::Scope,
    };
    let (draft, homes) = draft::stage(world, global, &layout, &mut texts, &mut work)?;
    // What was found is what the entries mean, whatever else has the same name.
    let mut records: BTreeMap<Address, Record> = work
        .readings
        .iter()
        .flat_map(|reading| &reading.candidates)
        .filter(|it| draft.spelled.contains_key(&it.address))
        .map(|it| (it.address.clone(), it.record.clone()))
        .collect();
    let Outlook {
        mut plan,
        failure: unread,
    } = world.plan_with(&records).await?;
    // What was read a moment ago has to be compared before anything is written.
    let mut readings = work.readings.iter();
    let lost = readings.any(|reading| plan.unread.contains_key(reading.system.name));
    if let (Some(failure), true) = (unread, lost) {
        return Err(failure);
    }
    work.warnings.extend(warnings(&draft, &plan));
    let imported = imported(&draft, args, &work, &homes, &texts);
    if args.dry_run {
        for (name, text) in &texts {
            printer.verbatim(&format!("# {name}\n{text}\n"));
        }
    } else {
        write(global, &texts).map_err(|problem| (Exit::Error, vec![*problem]))?;
        for (address, record) in &mut records {
            if let Some(more) = plan.records.get(address) {
                record.clone_from(more);
            }
        }
        // What else the plan is about has not happened.
        plan.moves.clear();
        let recorded = world.record(&plan, records).await;
        recorded.map_err(|error| (Exit::Error, vec![ledger_error(&error)]))?;
    }
    let gaps = work.warnings.iter().any(|it| it.code == "not-listed");
    let finish = Finish {
        text: said(&imported, failure.is_some() || gaps),
        document: Document {
            imported: Some(imported),
            ..Document::default()
        },
        ..Finish::failed(Exit::Done, Sources::default(), work.warnings)
    };
    Ok(finish.but(failure))
}

/// Whether there are no objects of a kind outside of scopes.
fn needs_scope(kind: &Kind) -> bool {
    let field = kind.outer_scope().unwrap_or_default();
    let schema = schema::kind_schema(kind);
    let required = schema.get("required").and_then(|names| names.as_array());
    required.is_some_and(|names| names.iter().any(|name| name == field))
}

fn left_out(found: &Found, is_id: fn(&str) -> bool, because: String) -> LeftOut {
    LeftOut {
        kind: found.kind.name.to_owned(),
        ident: found.ident.clone(),
        name: label(found, is_id).map(str::to_owned),
        because,
    }
}

/// What people should look at.
fn warnings(draft: &Draft, plan: &Plan) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    for (address, spelled) in &draft.spelled {
        for at in &spelled.dropped {
            let message = format!("{address}: `{at}` names what is not imported");
            warnings.push(Diagnostic::warning("left-out", message));
        }
        for at in &spelled.hidden {
            let message = format!("{address}: the API says that `{at}` is there, and no more");
            warnings.push(Diagnostic::warning("left-out", message).note("it stays as it is"));
        }
        for (at, text) in &spelled.unsaid {
            let message = format!("{address}: `{at}` is `{text}`, which no entry can say");
            warnings.push(Diagnostic::warning("left-out", message).note("it stays as it is"));
        }
    }
    let changes = plan.changes.iter();
    for change in changes.filter(|it| draft.spelled.contains_key(&it.address)) {
        let message = format!("{} does not read back as it was imported", change.address);
        let places = change.fields.iter().map(|it| format!("`{}`", it.pointer));
        let places: Vec<_> = places.collect();
        warnings.push(
            Diagnostic::warning("import-differs", message)
                .note(format!("a plan would change {}", places.join(", ")))
                .help("correct the entry by hand before the next apply"),
        );
    }
    warnings
}

fn imported(
    draft: &Draft,
    args: &ImportArgs,
    work: &Work,
    homes: &BTreeMap<Address, String>,
    texts: &Texts,
) -> Imported {
    let file =
        |(name, text): (&String, &String)| (name.clone(), args.dry_run.then(|| text.clone()));
    let mut imported = Imported {
        dry_run: args.dry_run,
        left_out: work.left_out.clone(),
        files: texts.iter().map(file).collect(),
        ..Imported::default()
    };
    let mut unseen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let readings = work.readings.iter();
    let candidates = readings.flat_map(|it| it.candidates.iter().map(move |one| (it, one)));
    for (reading, candidate) in candidates {
        let address = &candidate.address;
        if let Some(because) = draft.wrong.get(address) {
            let is_id = reading.system.ids.is;
            let left_out = left_out(&candidate.found, is_id, because.clone());
            imported.left_out.push(left_out);
        }
        let (Some(spelled), Some(file)) = (draft.spelled.get(address), homes.get(address)) else {
            continue;
        };
        imported.entries.push(ImportedEntry {
            address: address.clone(),
            ident: candidate.found.ident.clone(),
            file: file.clone(),
        });
        let variables = spelled.variables.iter();
        let variables = variables.map(|(name, pointer)| ImportedVariable {
            name: name.clone(),
            address: address.clone(),
            pointer: pointer.clone(),
        });
        imported.variables.extend(variables);
        let kind = candidate.found.kind;
        let object = reading.live.objects.get(address);
        for place in object
            .map(|it| import::unseen(kind, &it.fields))
            .unwrap_or_default()
        {
            *unseen.entry((kind.name, place)).or_default() += 1;
        }
    }
    imported.unseen = unseen
        .into_iter()
        .map(|((kind, place), entries)| Unseen {
            kind: kind.to_owned(),
            place: Some(place.to_owned()),
            entries,
        })
        .collect();
    // Of these, not even that they are there is known.
    let systems = work.readings.iter().map(|reading| reading.system);
    let kinds = systems.flat_map(|system| system.kinds);
    let unlisted = kinds.filter(|kind| kind.identity == Identity::Recorded && asks_for(args, kind));
    imported.unseen.extend(unlisted.map(|kind| Unseen {
        kind: kind.name.to_owned(),
        place: None,
        entries: 0,
    }));
    imported.entries.sort_by(|a, b| a.address.cmp(&b.address));
    imported.variables.sort_by(|a, b| a.name.cmp(&b.name));
    imported
}

/// Writes files, each whole or not at all.
pub(super) fn write(global: &Global, texts: &Texts) -> Result<(), Box<Diagnostic>> {
    for (name, text) in texts {
        let path = global.directory.join(name);
        let fail = |error: std::io::Error| {
            let message = format!("cannot write {}: {error}", path.display());
            Box::new(Diagnostic::error("cannot-write", message))
        };
        let folder = path.parent().unwrap_or(&global.directory);
        std::fs::create_dir_all(folder).map_err(fail)?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(fail)?;
        std::io::Write::write_all(&mut file, text.as_bytes()).map_err(fail)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let now = std::fs::metadata(&path).map(|it| it.permissions());
            let mode = now.unwrap_or_else(|_| std::fs::Permissions::from_mode(0o644));
            file.as_file().set_permissions(mode).map_err(fail)?;
        }
        file.persist(&path).map_err(|error| fail(error.error))?;
    }
    Ok(())
}

/// The last words for people.
fn said(imported: &Imported, partly: bool) -> String {
    let mut lines = Vec::new();
    let mut files: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in &imported.entries {
        *files.entry(&entry.file).or_default() += 1;
    }
    let verb = match imported.dry_run {
        true => "Would import",
        false => "Imported",
    };
    lines.push(match imported.entries.len() {
        0 if partly => "Nothing to import of what can be read.".to_owned(),
        0 => "Nothing to import: everything has an entry, or is left out.".to_owned(),
        1 => format!("{verb} 1 object:"),
        count => format!("{verb} {count} objects:"),
    });
    for (file, count) in files {
        lines.push(format!("  {file} ({count})"));
    }
    if !imported.left_out.is_empty() {
        lines.push("\nLeft out:".to_owned());
        let mut groups: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
        for it in &imported.left_out {
            let name = it.name.as_ref().or(it.ident.slug.as_ref());
            let name = name.or(it.ident.id.as_ref()).map_or("", String::as_str);
            let group = groups.entry((&it.kind, &it.because)).or_default();
            group.push(format!("`{name}`"));
        }
        for ((kind, because), names) in groups {
            let shown = names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
            let more = match names.len().saturating_sub(3) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            lines.push(format!("  {kind} {shown}{more}: {because}"));
        }
    }
    if !imported.unseen.is_empty() {
        lines.push(
            "\nThe API does not show these, so no entry has them; they stay as they are:"
                .to_owned(),
        );
        let mut kinds: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for it in &imported.unseen {
            let places = kinds.entry(&it.kind).or_default();
            places.extend(
                it.place
                    .as_ref()
                    .map(|place| format!(" {place} ({})", it.entries)),
            );
        }
        let line = |(kind, places): (&str, Vec<String>)| format!("  {kind}{}", places.join(","));
        lines.extend(kinds.into_iter().map(line));
    }
    if !imported.variables.is_empty() {
        lines.push("\nSet these variables; until then, their secrets stay as they are:".to_owned());
        for it in &imported.variables {
            lines.push(format!("  {}  {}{}", it.name, it.address, it.pointer));
        }
    }
    lines.join("\n") + "\n"
}
