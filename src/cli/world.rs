//! What commands that look at both sides share: the repository, the connections, the ledgers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;
use gatewright_mock::MockPortkey;

use super::args::Global;
use super::exit::Exit;
use super::output::{Finish, Printer};
use super::variables::Variables;
use crate::apply::Session;
use crate::client::{ApiError, ApiErrorKind, Client, Target};
use crate::diagnostic::{Diagnostic, Sources};
use crate::kind::System;
use crate::ledger::{self, Journal, Ledger, LedgerError, Lock};
use crate::live::{self, Live, Problem, Reason, Wanted};
use crate::manifest::{self, Entry, Repository};
use crate::model::{Address, FingerprintKey, Pointer, Secret, SecretSet};
use crate::plan::{self, Declared, Plan, Side};

/// The variable with the key of the ledger's fingerprints.
const FINGERPRINT_KEY: &str = "GATEWRIGHT_FINGERPRINT_KEY";

/// Both sides, ready to be compared.
pub(super) struct World {
    pub(super) sources: Sources,
    pub(super) repository: Repository,
    pub(super) systems: Vec<Connected>,
    /// Warnings of loading.
    pub(super) diagnostics: Vec<Diagnostic>,
    parallelism: usize,
    fingerprint_key: Option<FingerprintKey>,
    mock: Option<MockPortkey>,
}

/// One system that is connected.
pub(super) struct Connected {
    pub(super) system: &'static System,
    pub(super) client: Client,
    ledger: Mutex<Ledger>,
    /// Where the ledger is; nowhere for the embedded mock, which forgets everything as well.
    path: Option<PathBuf>,
    /// Journals of runs that ended abruptly; what they say is in the ledger already.
    recovered: Vec<PathBuf>,
}

/// The variables of this run.
pub(super) fn variables(global: &Global) -> Result<Variables, Box<Finish>> {
    Variables::load(global.env_file.as_deref()).map_err(|problem| {
        Box::new(Finish::failed(
            Exit::Error,
            Sources::default(),
            vec![*problem],
        ))
    })
}

/// What one system needs while it is written to.
pub(super) struct Writing {
    journal: Journal,
    /// Keeps other applies away for as long as it is open.
    _lock: Option<Lock>,
}

/// Loads the repository alone.
pub(super) fn load(
    global: &Global,
    variables: &Variables,
) -> Result<(Repository, Sources, Vec<Diagnostic>), Box<Finish>> {
    let loaded = manifest::load(&manifest::Options {
        root: &global.directory,
        environment: global.environment.as_deref(),
        variables: &|name| variables.get(name),
        placeholders: global.mock,
        systems: crate::SYSTEMS,
    });
    match loaded.repository {
        Some(repository) => Ok((repository, loaded.sources, loaded.diagnostics)),
        None => Err(Box::new(Finish::failed(
            Exit::Error,
            loaded.sources,
            loaded.diagnostics,
        ))),
    }
}

impl World {
    /// Loads the repository and connects to the systems that it speaks of.
    pub(super) async fn open(global: &Global, printer: &Printer) -> Result<Self, Box<Finish>> {
        let variables = variables(global)?;
        let (repository, sources, mut diagnostics) = load(global, &variables)?;
        printer.hide(secrets(&repository, &variables));
        let mut problems = Vec::new();
        let mock = match start_mock(global.mock).await {
            Ok(mock) => mock,
            Err(problem) => {
                return Err(Box::new(Finish::failed(
                    Exit::Error,
                    sources,
                    vec![*problem],
                )));
            }
        };
        let fingerprint_key = match &repository.project.fingerprint_key {
            Some(key) => FingerprintKey::new(key.reveal()),
            None => variables
                .get(FINGERPRINT_KEY)
                .as_deref()
                .and_then(FingerprintKey::new),
        };
        let mut systems = Vec::new();
        for system in crate::SYSTEMS {
            let declared = repository
                .entries
                .iter()
                .any(|e| e.address.system == system.name);
            let settings = repository.project.systems.contains_key(system.name);
            if !declared && !settings {
                continue;
            }
            let target = match &mock {
                Some(mock) => Ok(Target {
                    system,
                    base_url: mock.base_url(),
                    api_key: Secret::declared(mock.api_key(), Vec::new()),
                }),
                None => target(system, &repository, global, &variables),
            };
            match target.and_then(|target| connect(target, &repository, global)) {
                Ok(connected) => {
                    diagnostics.extend(insecure(&connected.client.target().base_url));
                    systems.push(connected);
                }
                Err(problem) => problems.push(*problem),
            }
        }
        if !problems.is_empty() {
            problems.extend(diagnostics);
            return Err(Box::new(Finish::failed(Exit::Error, sources, problems)));
        }
        let parallelism = global.parallelism.get();
        Ok(Self {
            sources,
            repository,
            systems,
            diagnostics,
            parallelism,
            fingerprint_key,
            mock,
        })
    }

    /// Reads what is live, and compares.
    pub(super) async fn plan(&self) -> Result<Plan, (Exit, Vec<Diagnostic>)> {
        let ledgers: Vec<Ledger> = self.systems.iter().map(Connected::ledger).collect();
        let reads = self
            .systems
            .iter()
            .zip(&ledgers)
            .map(|(connected, ledger)| {
                let wanted = self.wanted(connected, ledger);
                async move { live::read(&connected.client, connected.system, &wanted).await }
            });
        let mut lives = Vec::new();
        let mut problems = Vec::new();
        let results = tokio::select! {
            results = join_all(reads) => results,
            () = super::interrupted() => return Err((Exit::Interrupted, vec![interruption()])),
        };
        for result in results {
            match result {
                Ok(live) => lives.push(live),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() {
            Ok(self.compare(&ledgers, &lives))
        } else {
            Err(self.explain(problems))
        }
    }

    fn wanted<'a>(&'a self, connected: &Connected, ledger: &'a Ledger) -> Vec<Wanted<'a>> {
        let system = connected.system.name;
        let entries = self
            .repository
            .entries
            .iter()
            .filter(|e| e.address.system == system);
        let mut wanted: Vec<Wanted<'a>> = entries
            .map(|entry| Wanted {
                address: &entry.address,
                kind: entry.kind,
                fields: Some(&entry.fields),
                record: ledger.records.get(&entry.address),
            })
            .collect();
        let declared: BTreeSet<&Address> = wanted.iter().map(|want| want.address).collect();
        let removed = ledger
            .records
            .iter()
            .filter(|(address, _)| !declared.contains(address));
        let removed = removed.filter_map(|(address, record)| {
            let kind = connected.system.kind(&address.kind)?;
            Some(Wanted {
                address,
                kind,
                fields: None,
                record: Some(record),
            })
        });
        let removed: Vec<_> = removed.collect();
        wanted.extend(removed);
        wanted
    }

    fn compare(&self, ledgers: &[Ledger], lives: &[Live]) -> Plan {
        let locators: Vec<_> = self
            .repository
            .entries
            .iter()
            .map(|entry| |at: &Pointer| self.sources.position(&entry.locate(at)))
            .collect();
        let sides: Vec<Side<'_>> = self
            .systems
            .iter()
            .zip(ledgers)
            .zip(lives)
            .map(|((connected, ledger), live)| Side {
                system: connected.system,
                base_url: &connected.client.target().base_url,
                declared: self
                    .repository
                    .entries
                    .iter()
                    .zip(&locators)
                    .filter(|(entry, _)| entry.address.system == connected.system.name)
                    .map(|(entry, locate)| declared(entry, locate))
                    .collect(),
                ledger,
                live,
                fingerprint_key: self.fingerprint_key.as_ref(),
            })
            .collect();
        plan::build(self.repository.environment.as_deref(), &sides)
    }

    /// Problems of reading as diagnostics, the same cause once.
    fn explain(&self, problems: Vec<Problem>) -> (Exit, Vec<Diagnostic>) {
        let mut exit = Exit::Error;
        // One refused key, dead server or wrong URL fails every list alike: it is said once.
        let mut causes: BTreeMap<(ApiErrorKind, Option<u16>, String), (usize, usize)> =
            BTreeMap::new();
        let mut diagnostics: Vec<Diagnostic> = Vec::new();
        for problem in problems {
            let entry = problem
                .address
                .as_ref()
                .and_then(|address| self.entry(address));
            let diagnostic = match &problem.reason {
                Reason::Api(error) => {
                    let denied = [ApiErrorKind::Unauthorised, ApiErrorKind::Forbidden];
                    if denied.contains(&error.kind) {
                        exit = Exit::NotAuthorised;
                    }
                    let everywhere = [ApiErrorKind::Unauthorised, ApiErrorKind::Unreachable];
                    let cause = match everywhere.contains(&error.kind) {
                        true => (error.kind, None, String::new()),
                        false => (error.kind, error.status, error.message.to_string()),
                    };
                    if let Some((_, more)) = causes.get_mut(&cause).filter(|_| entry.is_none()) {
                        *more += 1;
                        continue;
                    }
                    causes.entry(cause).or_insert((diagnostics.len(), 0));
                    api_error(error)
                }
                Reason::Ambiguous { name, candidates } => Diagnostic::error(
                    "ambiguous",
                    format!(
                        "{} live objects are called `{name}`, and nothing says which one is meant",
                        candidates.len()
                    ),
                )
                .note(format!("candidates: {}", candidates.join("; ")))
                .help("rename all but one of them on the server, or give the entry another `name`"),
            };
            diagnostics.push(match entry {
                Some(entry) => diagnostic.at(entry.locate(&Pointer::root()), "for this entry"),
                None => diagnostic,
            });
        }
        for (at, more) in causes.into_values().filter(|(_, more)| *more > 0) {
            let noun = if more == 1 { "request" } else { "requests" };
            diagnostics[at]
                .notes
                .push(format!("{more} more {noun} failed alike"));
        }
        (exit, diagnostics)
    }

    pub(super) fn entry(&self, address: &Address) -> Option<&Entry> {
        self.repository
            .entries
            .iter()
            .find(|entry| entry.address == *address)
    }

    /// Takes the locks and opens the journals for a plan.
    ///
    /// # Errors
    /// Where another run is writing, has written since the plan was made, or the file system
    /// refuses.
    pub(super) fn begin(&self, plan: &Plan) -> Result<Vec<Writing>, LedgerError> {
        let begin = |connected: &Connected| {
            let Some(path) = &connected.path else {
                return Ok(Writing {
                    journal: Journal::in_memory(),
                    _lock: None,
                });
            };
            let lock = Lock::take(path)?;
            let mut now = Ledger::load(path, &connected.client.target().base_url)?;
            ledger::recover(path, &mut now)?;
            rename(&mut now, &self.repository);
            if now != connected.ledger() {
                return Err(LedgerError::Changed { path: path.clone() });
            }
            Ok(Writing {
                journal: Journal::begin(path, &plan.digest)?,
                _lock: Some(lock),
            })
        };
        self.systems.iter().map(begin).collect()
    }

    pub(super) fn sessions<'a>(&'a self, writing: &'a [Writing]) -> BTreeMap<String, Session<'a>> {
        let pairs = self
            .systems
            .iter()
            .zip(writing)
            .map(|(connected, writing)| {
                let session = Session {
                    system: connected.system,
                    client: &connected.client,
                    ledger: &connected.ledger,
                    journal: &writing.journal,
                };
                (connected.system.name.to_owned(), session)
            });
        pairs.collect()
    }

    /// Saves the ledgers; only then are the journals of this and earlier runs done with.
    pub(super) fn save(&self, writing: Vec<Writing>) -> Result<(), LedgerError> {
        for connected in &self.systems {
            let Some(path) = &connected.path else {
                continue;
            };
            connected
                .ledger()
                .save(path, &connected.client.target().base_url)?;
            for journal in &connected.recovered {
                // One that stays is folded in again next time, to the same effect.
                let _ = std::fs::remove_file(journal);
            }
        }
        writing
            .into_iter()
            .for_each(|writing| writing.journal.finish());
        Ok(())
    }

    /// Every address that is in a ledger.
    pub(super) fn recorded(&self) -> BTreeSet<Address> {
        self.systems
            .iter()
            .flat_map(|c| c.ledger().records.into_keys())
            .collect()
    }

    pub(super) fn parallelism(&self) -> usize {
        self.parallelism
    }

    pub(super) fn requests_sent(&self) -> usize {
        self.systems
            .iter()
            .map(|connected| connected.client.requests_sent())
            .sum()
    }

    pub(super) fn is_mock(&self) -> bool {
        self.mock.is_some()
    }

    /// Whether secrets can only be compared with what the API shows of them.
    pub(super) fn lacks_fingerprint_key(&self) -> bool {
        let mut secrets = false;
        for entry in &self.repository.entries {
            for value in entry.fields.values() {
                value.for_each_secret(&mut |_| secrets = true);
            }
        }
        secrets && self.fingerprint_key.is_none()
    }

    pub(super) async fn close(self) -> (Sources, Vec<Diagnostic>) {
        if let Some(mock) = self.mock {
            mock.shutdown().await;
        }
        (self.sources, self.diagnostics)
    }
}

impl Connected {
    fn ledger(&self) -> Ledger {
        self.ledger
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn declared<'a>(
    entry: &'a Entry,
    locate: &'a dyn Fn(&Pointer) -> crate::diagnostic::Position,
) -> Declared<'a> {
    Declared {
        address: &entry.address,
        kind: entry.kind,
        fields: &entry.fields,
        protect: entry.lifecycle.protect,
        adopt: entry.lifecycle.adopt,
        ignore: &entry.lifecycle.ignore,
        mentions: entry
            .links()
            .iter()
            .filter(|link| !link.deferred)
            .map(|link| link.to.clone())
            .collect(),
        locate,
    }
}

async fn start_mock(wanted: bool) -> Result<Option<MockPortkey>, Box<Diagnostic>> {
    if !wanted {
        return Ok(None);
    }
    let mock = MockPortkey::start().await;
    mock.map(Some).map_err(|error| {
        Box::new(Diagnostic::error(
            "mock",
            format!("cannot start the mock: {error}"),
        ))
    })
}

/// Where a system is and with what key: flag, project file, environment, public service.
fn target(
    system: &'static System,
    repository: &Repository,
    global: &Global,
    variables: &Variables,
) -> Result<Target, Box<Diagnostic>> {
    let settings = repository.project.systems.get(system.name);
    let flag = global
        .base_url
        .clone()
        .filter(|_| system.name == crate::SYSTEMS[0].name);
    let base_url = flag
        .or_else(|| settings.and_then(|settings| settings.base_url.clone()))
        .or_else(|| variables.get(system.base_url_variable))
        .unwrap_or_else(|| system.default_base_url.to_owned());
    let from_environment = || {
        let text = variables
            .get(system.api_key_variable)
            .filter(|text| !text.is_empty())?;
        let source = format!("${{env:{}}}", system.api_key_variable);
        Some(Secret::declared(text, vec![source]))
    };
    let api_key = match settings.and_then(|settings| settings.api_key.as_ref()) {
        Some(Ok(key)) if !key.reveal().is_empty() => key.clone(),
        Some(Err(problem)) => return Err(problem.clone()),
        _ => from_environment().ok_or_else(|| {
            let message = format!("there is no API key for {}", system.name);
            Diagnostic::error("no-api-key", message).help(format!(
                "set {}, or `systems.{}.api_key` in gatewright.yaml; `--mock` needs none",
                system.api_key_variable, system.name
            ))
        })?,
    };
    let base_url = base_url.trim_end_matches('/').to_owned();
    Ok(Target {
        system,
        base_url,
        api_key,
    })
}

/// Every secret of a run, with the keys that the environment has for the systems.
fn secrets(repository: &Repository, variables: &Variables) -> SecretSet {
    let mut secrets = repository.secrets.clone();
    for system in crate::SYSTEMS {
        if let Some(key) = variables.get(system.api_key_variable) {
            secrets.insert(&Secret::declared(key, Vec::new()));
        }
    }
    secrets
}

/// A warning where the API key would cross a network in the clear.
fn insecure(base_url: &str) -> Option<Diagnostic> {
    let host = base_url.strip_prefix("http://")?;
    let host = host.split('/').next().unwrap_or_default();
    let local = ["127.", "localhost", "[::1]"]
        .iter()
        .any(|prefix| host.starts_with(prefix));
    let message = format!("the API key goes to {host} unencrypted");
    (!local).then(|| Diagnostic::warning("insecure", message).help("use https"))
}

/// A connection and its ledger.
fn connect(
    target: Target,
    repository: &Repository,
    global: &Global,
) -> Result<Connected, Box<Diagnostic>> {
    let system = target.system;
    let environment = repository.environment.as_deref();
    let path = (!global.mock)
        .then(|| ledger::path(&repository.root, environment, system.name, &target.base_url));
    let base_url = &target.base_url.clone();
    let secrets: SecretSet = repository.secrets.clone();
    let client = Client::new(target, secrets, global.parallelism.get()).map_err(|error| {
        let help = "check `--base-url` and `systems` in gatewright.yaml";
        Diagnostic::error("client", error.to_string()).help(help)
    })?;
    let (mut ledger, mut recovered) = (Ledger::default(), Vec::new());
    if let Some(path) = &path {
        ledger = Ledger::load(path, base_url).map_err(|error| ledger_error(&error))?;
        recovered = ledger::recover(path, &mut ledger).map_err(|error| ledger_error(&error))?;
    }
    rename(&mut ledger, repository);
    Ok(Connected {
        system,
        client,
        ledger: Mutex::new(ledger),
        path,
        recovered,
    })
}

/// Follows entries that moved to another key: the record moves with them, so that the live object
/// is kept.
fn rename(ledger: &mut Ledger, repository: &Repository) {
    let declared: BTreeSet<&Address> = repository.entries.iter().map(|e| &e.address).collect();
    for entry in &repository.entries {
        let Some(from) = &entry.lifecycle.moved_from else {
            continue;
        };
        if declared.contains(from) || ledger.records.contains_key(&entry.address) {
            continue;
        }
        if let Some(mut record) = ledger.records.remove(from) {
            // Fingerprints are bound to the address: these say nothing any more.
            for fingerprint in record.fingerprints.values_mut() {
                *fingerprint = plan::UNKNOWN.to_owned();
            }
            ledger.records.insert(entry.address.clone(), record);
            for record in ledger.records.values_mut() {
                let values = record.scope.values_mut().chain(record.written.values_mut());
                values.for_each(|value| value.rename(from, &entry.address));
            }
        }
    }
}

/// That the user ended the run before it wrote anything.
pub(super) fn interruption() -> Diagnostic {
    Diagnostic::error("interrupted", "interrupted").note("nothing was changed")
}

/// A problem of a ledger or journal as a diagnostic.
pub(super) fn ledger_error(error: &LedgerError) -> Diagnostic {
    let problem = Diagnostic::error("ledger", error.to_string());
    match error {
        LedgerError::Locked { .. } => problem
            .note("two applies at once would create everything twice")
            .help("wait for the other one; a lock ends with the process that holds it"),
        LedgerError::Changed { .. } => problem.note("nothing was changed").help("run it again"),
        _ => problem
            .note("without its ledger gatewright does not know what is its own, so it stops here"),
    }
}

/// An error of the API as a diagnostic.
pub(super) fn api_error(error: &ApiError) -> Diagnostic {
    let code = match error.kind {
        ApiErrorKind::Unreachable | ApiErrorKind::Lost => "unreachable",
        ApiErrorKind::Unauthorised => "unauthorised",
        ApiErrorKind::Forbidden => "forbidden",
        ApiErrorKind::NotTheApi => "not-the-api",
        _ => "api-error",
    };
    Diagnostic::error(code, error.to_string()).maybe_help(error.help())
}
