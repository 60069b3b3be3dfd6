//! The new texts, tried until nothing in them is wrong.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Candidate, Reading, Work};
use crate::cli::args::Global;
use crate::cli::exit::Exit;
use crate::cli::output::Finish;
use crate::cli::world::{self, Failure, Opening, World};
use crate::diagnostic::{Diagnostic, Sources};
use crate::import::{self, Context, Layout, Placed, Spelled, Variables};
use crate::manifest::{self, PROJECT_FILE, Texts};
use crate::model::{Address, Pointer, Value};
use crate::schema;
use crate::systems::SYSTEMS;
use crate::yaml;

/// The entries as they are to be written.
#[derive(Default)]
pub(super) struct Draft {
    entries: Vec<Placed>,
    pub(super) spelled: BTreeMap<Address, Spelled>,
    /// What turned out to be nothing that a manifest can say, and why.
    pub(super) wrong: BTreeMap<Address, String>,
    /// Whose defaults are needed after all.
    full: BTreeSet<Address>,
}

impl Draft {
    /// Spells everything, without what is known to be wrong. What refers to that has to name it
    /// by its id, so it is all spelled again until nothing more turns out to be wrong.
    fn spell(&mut self, readings: &[Reading], taken: &[String]) {
        loop {
            let before = self.wrong.len();
            self.entries.clear();
            self.spelled.clear();
            let mut variables = Variables::new(taken.iter().cloned());
            for reading in readings {
                self.spell_system(reading, &mut variables);
            }
            if self.wrong.len() == before {
                break;
            }
        }
        let rank = |it: &Placed| {
            let mut kinds = SYSTEMS.iter().flat_map(|system| system.kinds);
            kinds.position(|kind| std::ptr::eq(*kind, it.kind))
        };
        self.entries
            .sort_by_key(|it| (rank(it), it.address.clone()));
    }

    fn spell_system(&mut self, reading: &Reading, variables: &mut Variables) {
        let asked: Vec<&Candidate> = reading
            .candidates
            .iter()
            .filter(|it| it.asks.is_some() && !self.wrong.contains_key(&it.address))
            .collect();
        let mut known = reading.declared.clone();
        known.extend(asked.iter().map(|it| it.address.clone()));
        let mut schemas = HashMap::new();
        for candidate in asked {
            let (kind, address) = (candidate.found.kind, &candidate.address);
            let Some(object) = reading.live.objects.get(address) else {
                let because = "it went while it was read".to_owned();
                self.wrong.insert(address.clone(), because);
                continue;
            };
            let schema = schemas
                .entry(kind.name)
                .or_insert_with(|| schema::kind_schema(kind));
            let context = Context {
                system: reading.system,
                address,
                kind,
                schema,
                known: &known,
                idents: &reading.idents,
                listed: &candidate.found.fields,
                full: self.full.contains(address),
                marks: &reading.marks,
            };
            match import::spell(&context, &object.fields, variables) {
                Ok(spelled) => {
                    let scope = match candidate.record.scope.values().next() {
                        Some(Value::Reference(it)) => Some(it.address.key.clone()),
                        _ => reading.system.is_scope(kind).then(|| address.key.clone()),
                    };
                    self.entries.push(Placed {
                        address: address.clone(),
                        kind,
                        node: spelled.node.clone(),
                        scope,
                    });
                    self.spelled.insert(address.clone(), spelled);
                }
                Err(because) => drop(self.wrong.insert(address.clone(), because)),
            }
        }
    }

    /// Takes note of what reading the entries found wrong. The first time, leaving defaults out
    /// may have been the mistake. Tells whether there was anything to learn.
    fn learn(&mut self, finish: &Finish) -> bool {
        let mut problems: BTreeMap<Address, &str> = BTreeMap::new();
        for problem in &finish.diagnostics {
            // Unset variables are reported where something else is wrong.
            if !problem.is_error() || problem.code == "unset-variable" {
                continue;
            }
            let owner = owner(problem, &finish.sources);
            if let Some(address) = owner.filter(|it| self.spelled.contains_key(it)) {
                problems.entry(address).or_insert(&problem.message);
            }
        }
        for (address, message) in &problems {
            if !self.full.insert(address.clone()) {
                self.wrong.insert(address.clone(), (*message).to_owned());
            }
        }
        !problems.is_empty()
    }
}

/// Puts entries into texts and reads those as a repository, until nothing in them is wrong. What
/// cannot be declared is left out. Returns where the entries are.
pub(super) fn stage(
    world: &mut World,
    global: &Global,
    layout: &Layout,
    texts: &mut Texts,
    work: &mut Work,
) -> Result<(Draft, BTreeMap<Address, String>), Failure> {
    let fail = |problem: Diagnostic| (Exit::Error, vec![problem]);
    let variables = world::variables(global).map_err(|it| (it.exit, it.diagnostics))?;
    let taken = variables_in_use(world, global);
    let folder = import::folder(&world.repository.project.manifests);
    let base = texts.clone();
    let mut draft = Draft::default();
    loop {
        draft.spell(&work.readings, &taken);
        texts.clone_from(&base);
        if draft.entries.is_empty() {
            // A project file alone would be a repository without anything in it.
            texts.clear();
            return Ok((draft, BTreeMap::new()));
        }
        let now = |name: &str| std::fs::read_to_string(global.directory.join(name)).ok();
        let placed = import::place(&draft.entries, layout, &folder, SYSTEMS, &now);
        let (new, homes) = placed.map_err(|(file, error)| {
            let message = format!("cannot add to {file}: {error}");
            let help = "import into another file with `--into FILE`";
            fail(Diagnostic::error("cannot-edit", message).help(help))
        })?;
        let sealed = |name: &&String| now(name).is_some_and(|text| manifest::is_encrypted(&text));
        if let Some(file) = new.keys().find(sealed) {
            let message = format!("cannot add to {file}: it is encrypted with sops");
            let help = "import into another file with `--into FILE`";
            return Err(fail(Diagnostic::error("cannot-edit", message).help(help)));
        }
        texts.extend(new);
        let opening = Opening {
            texts: texts.clone(),
            allow_empty: true,
            defer_secrets: true,
            ..Opening::default()
        };
        let (mut repository, sources, warnings) = match world::load(global, &variables, &opening) {
            Ok(loaded) => loaded,
            Err(finish) if draft.learn(&finish) => continue,
            Err(finish) => return Err(unplaced(*finish)),
        };
        let unread = |it: &&Placed| repository.entry(&it.address).is_none();
        if let Some(lost) = draft.entries.iter().find(unread) {
            let message = format!("{} would not be read as a manifest", homes[&lost.address]);
            let help = "choose a file that `manifests` in gatewright.yaml names";
            return Err(fail(Diagnostic::error("no-manifests", message).help(help)));
        }
        let before = world.repository.entries.iter();
        let unset: BTreeSet<(&Address, &Pointer)> = before
            .flat_map(|it| it.unset.iter().map(|unset| (&it.address, &unset.at)))
            .collect();
        let covered = |address: &Address, at: &Pointer| {
            draft.spelled.contains_key(address) || unset.contains(&(address, at))
        };
        let left = repository.leave_unset(&covered);
        left.map_err(|problems| (Exit::Error, problems))?;
        let known = |it: &Diagnostic| {
            world
                .diagnostics
                .iter()
                .any(|old| old.message == it.message)
        };
        let new = warnings.into_iter().filter(|it| !known(it));
        work.warnings.extend(new.map(|mut warning| {
            // The place is in a text that may never be a file.
            warning.primary = None;
            warning.related.clear();
            warning
        }));
        world.take(repository, sources);
        return Ok((draft, homes));
    }
}

/// The environment variables that the project file and entries use already.
fn variables_in_use(world: &World, global: &Global) -> Vec<String> {
    let project = std::fs::read_to_string(global.directory.join(PROJECT_FILE));
    let project = project.unwrap_or_default();
    let named = project.split("${env:").skip(1);
    let named = named.filter_map(|rest| Some(rest.split_once('}')?.0.to_owned()));
    let mut names: Vec<String> = named.collect();
    let entries = world.repository.entries.iter();
    for value in entries.flat_map(|entry| entry.fields.values()) {
        value.for_each_secret(&mut |secret| {
            let sources = secret.sources().iter();
            let variable = |source: &String| {
                let name = source.strip_prefix("${env:")?.strip_suffix('}')?;
                Some(name.to_owned())
            };
            names.extend(sources.filter_map(variable));
        });
    }
    names
}

/// What is wrong with texts that are no files yet: the places are told in words, for nobody can look
/// there.
pub(in crate::cli) fn unplaced(finish: Finish) -> Failure {
    let sources = finish.sources;
    let tell = |mut problem: Diagnostic| {
        if let Some((location, _)) = problem.primary.take() {
            let place = sources.position(&location);
            let note = format!("it would stand at {place}; nothing was written");
            problem.notes.push(note);
        }
        problem.related.clear();
        problem
    };
    let problems = finish.diagnostics.into_iter().map(tell).collect();
    (finish.exit, problems)
}

/// The entry that a problem is in.
pub(in crate::cli) fn owner(problem: &Diagnostic, sources: &Sources) -> Option<Address> {
    let (location, _) = problem.primary.as_ref()?;
    let root = yaml::parse(location.file, sources.text(location.file)).root?;
    let system = import::system_of(&root)
        .unwrap_or(SYSTEMS[0].name)
        .to_owned();
    let at = location.span.start;
    let holds = |member: &&yaml::Member| {
        let end = member.value.span.end.max(member.key_span.end);
        (member.key_span.start..=end).contains(&at)
    };
    let kind = root.members()?.iter().find(holds)?;
    let entry = kind.value.members()?.iter().find(holds)?;
    Some(Address::new(system, &kind.key, &entry.key))
}
