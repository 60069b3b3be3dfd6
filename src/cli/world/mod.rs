//! What commands that look at both sides share: the repository, the connections, the ledgers.

mod connect;
mod explain;
mod settle;
mod writing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;
use gatewright_mock::{Api, MockPortkey};

pub(in crate::cli) use connect::secrets;
use connect::{api_key, connect, insecure, keeper, mocked, place};
pub(in crate::cli) use explain::{api_error, interruption, ledger_error};
pub(in crate::cli) use settle::Patience;
pub(in crate::cli) use writing::Writing;

use super::args::{Global, OnceArgs};
use super::exit::Exit;
use super::once::Once;
use super::output::{Finish, Printer};
use super::variables::Variables;
use crate::client::{ApiErrorKind, Client, OnRetry, Target};
use crate::diagnostic::{Diagnostic, Position, Sources};
use crate::kind::System;
use crate::ledger::{Holder, Home, Ledger, Record, Unanswered};
use crate::live::{self, Cache, Live, Wanted};
use crate::manifest::{self, Entry, Repository, Texts};
use crate::model::{Address, FingerprintKey, Gates, Pointer};
use crate::plan::{self, Action, Declared, Plan, Side};

/// The variable with the key of the ledger's fingerprints.
const FINGERPRINT_KEY: &str = "GATEWRIGHT_FINGERPRINT_KEY";

/// Both sides, ready to be compared.
pub(in crate::cli) struct World {
    pub(in crate::cli) sources: Sources,
    pub(in crate::cli) repository: Repository,
    pub(in crate::cli) systems: Vec<Connected>,
    /// Systems that there is no key for.
    locked_out: Vec<LockedOut>,
    /// Warnings of loading.
    pub(in crate::cli) diagnostics: Vec<Diagnostic>,
    aim: Aim,
    gates: Gates,
    parallelism: usize,
    /// What the next plan does besides; no other one does it again.
    once: Mutex<Once>,
    fingerprint_key: Option<FingerprintKey>,
    /// What other runs are told of this one.
    holder: Holder,
    mock: Option<MockPortkey>,
}

/// What plans lead to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) enum Aim {
    /// What the repository declares.
    #[default]
    Declared,
    /// Nothing of what gatewright made.
    Nothing,
}

/// What went wrong, and how a run ends that has nothing else to say.
pub(in crate::cli) type Failure = (Exit, Vec<Diagnostic>);

/// A plan for what could be read.
pub(in crate::cli) struct Outlook {
    pub(in crate::cli) plan: Plan,
    /// Why some systems are not in it.
    pub(in crate::cli) failure: Option<Failure>,
}

/// What is live in the systems that could be read.
pub(in crate::cli) struct Lives {
    pub(in crate::cli) by_system: BTreeMap<&'static str, Live>,
    /// Where the others are.
    unread: BTreeMap<String, String>,
    /// Why the others could not be read.
    pub(in crate::cli) failure: Option<Failure>,
}

/// One system that is connected.
pub(in crate::cli) struct Connected {
    pub(in crate::cli) system: &'static System,
    pub(in crate::cli) client: Client,
    ledger: Mutex<Ledger>,
    /// Where the ledger is; nowhere for the embedded mock, which forgets everything as well.
    home: Option<Home>,
    /// Whether the ledger has more in it than was saved: from journals, and by `moved_from`.
    unsaved: bool,
    /// What runs that ended abruptly may have created.
    unanswered: BTreeMap<Address, Unanswered>,
    /// What of it was found.
    found: Mutex<BTreeMap<Address, Record>>,
    pub(in crate::cli) cache: Cache,
    /// What the manifests ask of the ledger in vain.
    warnings: Vec<Diagnostic>,
}

/// One system that cannot be connected, and why.
struct LockedOut {
    system: &'static System,
    base_url: String,
    problem: Diagnostic,
}

/// The variables of this run.
pub(in crate::cli) fn variables(global: &Global) -> Result<Variables, Box<Finish>> {
    Variables::load(global.env_file.as_deref()).map_err(|problem| {
        Box::new(Finish::failed(
            Exit::Error,
            Sources::default(),
            vec![*problem],
        ))
    })
}

/// How a repository is opened.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Opening {
    /// What plans lead to.
    pub(in crate::cli) aim: Aim,
    /// Texts that take the place of files.
    pub(in crate::cli) texts: Texts,
    /// Whether an empty repository is all right. One that speaks of no system is about those that
    /// there is a key for, or else about the first one.
    pub(in crate::cli) allow_empty: bool,
    /// Whether secrets may be unset until somebody says which of them are needed.
    pub(in crate::cli) defer_secrets: bool,
}

/// Loads the repository alone.
pub(in crate::cli) fn load(
    global: &Global,
    variables: &Variables,
    opening: &Opening,
) -> Result<(Repository, Sources, Vec<Diagnostic>), Box<Finish>> {
    let loaded = manifest::load(&manifest::Options {
        root: &global.directory,
        environment: global.environment.as_deref(),
        variables: &|name| variables.get(name),
        placeholders: global.mock,
        may_be_empty: opening.allow_empty || opening.aim == Aim::Nothing,
        systems: crate::systems::SYSTEMS,
        texts: &opening.texts,
        defer_secrets: opening.defer_secrets,
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

impl Lives {
    /// What is live in all systems.
    ///
    /// # Errors
    /// Where some of them could not be read.
    pub(in crate::cli) fn all(self) -> Result<BTreeMap<&'static str, Live>, Failure> {
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok(self.by_system),
        }
    }
}

impl World {
    /// Loads the repository and connects to the systems that it speaks of.
    pub(in crate::cli) async fn open(
        global: &Global,
        printer: &Printer,
    ) -> Result<Self, Box<Finish>> {
        Self::open_with(global, printer, Opening::default(), None).await
    }

    /// [`Self::open`], for plans with another aim.
    pub(in crate::cli) async fn open_for(
        global: &Global,
        printer: &Printer,
        aim: Aim,
    ) -> Result<Self, Box<Finish>> {
        let opening = Opening {
            aim,
            ..Opening::default()
        };
        Self::open_with(global, printer, opening, None).await
    }

    /// [`Self::open`], with files that are not there yet.
    pub(in crate::cli) async fn open_as(
        global: &Global,
        printer: &Printer,
        opening: Opening,
    ) -> Result<Self, Box<Finish>> {
        Self::open_with(global, printer, opening, None).await
    }

    /// [`Self::open`], with a mock that runs already.
    pub(in crate::cli) async fn open_on(
        mock: MockPortkey,
        global: &Global,
        printer: &Printer,
    ) -> Result<Self, Box<Finish>> {
        Self::open_with(global, printer, Opening::default(), Some(mock)).await
    }

    async fn open_with(
        global: &Global,
        printer: &Printer,
        opening: Opening,
        running: Option<MockPortkey>,
    ) -> Result<Self, Box<Finish>> {
        let variables = variables(global)?;
        let opening = Opening {
            defer_secrets: true,
            ..opening
        };
        let aim = opening.aim;
        let (mut repository, sources, mut diagnostics) = load(global, &variables, &opening)?;
        printer.hide(secrets(&repository, &variables));
        let mut problems = Vec::new();
        let started = match running {
            Some(mock) => Ok(Some(mock)),
            None => start_mock(global.mock).await,
        };
        let mock = match started {
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
        let keeper = match keeper(&repository, &variables, mock.is_some()) {
            Ok(keeper) => keeper,
            Err(problem) => {
                let problems = vec![*problem];
                return Err(Box::new(Finish::failed(Exit::Error, sources, problems)));
            }
        };
        let mut systems: Vec<Connected> = Vec::new();
        let mut locked_out: Vec<LockedOut> = Vec::new();
        let unsaid: Vec<&str> = match opening.allow_empty {
            true => of_nobody(&repository, &variables, global.mock),
            false => Vec::new(),
        };
        for system in crate::systems::SYSTEMS {
            // What no manifest speaks of any more may still be in a ledger.
            let left = match aim {
                Aim::Nothing if mock.is_none() => keeper.has(system.name).await,
                _ => Ok(false),
            };
            let left = match left {
                Ok(left) => left,
                Err(error) => {
                    problems.push(ledger_error(&error.into()));
                    continue;
                }
            };
            if !speaks_of(&repository, system) && !left && !unsaid.contains(&system.name) {
                continue;
            }
            let target = match &mock {
                Some(mock) => mocked(system, mock),
                None => {
                    let base_url = place(system, &repository, global, &variables);
                    match api_key(system, &repository, &variables) {
                        Ok(api_key) => Target {
                            system,
                            base_url,
                            api_key,
                        },
                        Err(problem) => {
                            locked_out.push(LockedOut {
                                system,
                                base_url,
                                problem: *problem,
                            });
                            continue;
                        }
                    }
                }
            };
            match connect(target, &repository, global, &keeper).await {
                Ok(mut connected) => {
                    diagnostics.append(&mut connected.warnings);
                    diagnostics.extend(insecure(&connected.client.target().base_url));
                    connected.client.set_on_retry(said_by(printer));
                    systems.push(connected);
                }
                Err(problem) => problems.push(*problem),
            }
        }
        // Nothing is sent to a system without a key, its entries' secrets least of all.
        let left_alone = |address: &Address, at: &Pointer| {
            let mut out = locked_out.iter().map(|out| out.system.name);
            out.any(|name| name == address.system) || imported(&systems, address, at)
        };
        if let Err(unset) = repository.leave_unset(&left_alone) {
            problems.extend(unset);
        }
        if systems.is_empty() || !problems.is_empty() {
            problems.extend(locked_out.iter().map(|out| out.problem.clone()));
        }
        if !problems.is_empty() {
            problems.extend(diagnostics);
            return Err(Box::new(Finish::failed(Exit::Error, sources, problems)));
        }
        let parallelism = global.parallelism.get();
        let gates = match aim {
            Aim::Declared => repository.project.gates.clone(),
            Aim::Nothing => Gates::lifted(),
        };
        Ok(Self {
            aim,
            gates,
            sources,
            repository,
            systems,
            locked_out,
            diagnostics,
            parallelism,
            once: Mutex::default(),
            fingerprint_key,
            holder: Holder::this(&|name| variables.get(name)),
            mock,
        })
    }

    /// Takes note of what the command line asks for once.
    ///
    /// # Errors
    /// Where it names what is not there.
    pub(in crate::cli) fn ask(&mut self, args: &OnceArgs) -> Result<(), Failure> {
        self.once = Mutex::new(Once::read(self, args)?);
        Ok(())
    }

    /// Reads what is live, and compares. A system that cannot be read does not stop the others: the
    /// plan says that it is not in it, and why is told beside the plan.
    ///
    /// # Errors
    /// Where no system can be read.
    pub(in crate::cli) async fn plan(&self) -> Result<Outlook, Failure> {
        self.plan_for(|_| true).await
    }

    /// [`Self::plan`], as if these records were in the ledgers.
    pub(in crate::cli) async fn plan_with(
        &self,
        records: &BTreeMap<Address, Record>,
    ) -> Result<Outlook, Failure> {
        let before: Vec<Ledger> = self.systems.iter().map(Connected::ledger).collect();
        for connected in &self.systems {
            let own = records
                .iter()
                .filter(|(it, _)| it.system == connected.system.name);
            let own = own.map(|(address, record)| (address.clone(), record.clone()));
            connected.locked().records.extend(own);
        }
        let outlook = self.plan().await;
        for (connected, before) in self.systems.iter().zip(before) {
            *connected.locked() = before;
        }
        outlook
    }

    /// The variables without which a plan cannot be carried out: those of secrets that were left
    /// alone as imported, where the object has to be made again.
    fn lacking(&self, plan: &Plan) -> Vec<Diagnostic> {
        let made =
            |change: &&plan::Change| matches!(change.action, Action::Create | Action::Replace);
        let made = plan.changes.iter().filter(made);
        let entries = made.filter_map(|change| self.entry(&change.address));
        manifest::unset_secrets(entries.flat_map(|entry| &entry.unset))
    }

    /// Reads what is live. A system that cannot be read does not stop the others.
    ///
    /// # Errors
    /// Where no system can be read.
    pub(in crate::cli) async fn read(&self) -> Result<Lives, Failure> {
        let systems: Vec<&Connected> = self.systems.iter().collect();
        let ledgers: Vec<Ledger> = systems.iter().map(|c| self.ledger(c)).collect();
        self.look(&systems, &ledgers, &[], |_| true).await
    }

    /// Reads what is live in some systems, with all there is of the kinds in `whole`.
    async fn look(
        &self,
        systems: &[&Connected],
        ledgers: &[Ledger],
        whole: &[&str],
        wanted: impl Fn(&System) -> bool,
    ) -> Result<Lives, Failure> {
        let reads = systems.iter().zip(ledgers).map(|(connected, ledger)| {
            let wanted = self.wanted(connected, ledger);
            async move {
                let (client, cache) = (&connected.client, &connected.cache);
                let live = live::read(client, connected.system, &wanted, whole, cache).await;
                if live.is_ok() {
                    cache.save();
                }
                live
            }
        });
        let results = tokio::select! {
            // First of all somebody listens for the signal: then nothing that is sent goes without.
            biased;
            () = super::interrupted() => return Err((Exit::Interrupted, vec![interruption()])),
            results = join_all(reads) => results,
        };
        let mut by_system = BTreeMap::new();
        let mut unread = BTreeMap::new();
        let mut problems = Vec::new();
        for (connected, result) in systems.iter().zip(results) {
            match result {
                Ok(live) => drop(by_system.insert(connected.system.name, live)),
                Err(found) => {
                    let base_url = connected.client.target().base_url.clone();
                    unread.insert(connected.system.name.to_owned(), base_url);
                    problems.push(found);
                }
            }
        }
        let out = self.locked_out.iter().filter(|out| wanted(out.system));
        unread.extend(out.map(|out| (out.system.name.to_owned(), out.base_url.clone())));
        let failure = (!unread.is_empty()).then(|| {
            let (exit, mut diagnostics) = self.explain(problems);
            diagnostics.extend(self.locked_out_of(wanted));
            (exit, diagnostics)
        });
        match failure {
            Some(failure) if by_system.is_empty() => Err(failure),
            failure => Ok(Lives {
                by_system,
                unread,
                failure,
            }),
        }
    }

    /// Why some of the systems are not connected.
    fn locked_out_of(&self, wanted: impl Fn(&System) -> bool) -> Vec<Diagnostic> {
        let out = self.locked_out.iter().filter(|out| wanted(out.system));
        out.map(|out| out.problem.clone()).collect()
    }

    /// [`Self::plan`] for some of the systems.
    pub(in crate::cli) async fn plan_for(
        &self,
        wanted: impl Fn(&System) -> bool,
    ) -> Result<Outlook, Failure> {
        // Asked for once: a second look asks for nothing.
        let once = self
            .once
            .lock()
            .map_or_else(|_| Once::default(), |mut once| std::mem::take(&mut *once));
        let systems: Vec<&Connected> = self.systems.iter().filter(|c| wanted(c.system)).collect();
        let ledgers: Vec<Ledger> = systems.iter().map(|c| self.ledger(c)).collect();
        let exclusive = self.gates.exclusive.iter();
        let whole: Vec<&str> = exclusive.map(|one| one.kind.as_str()).collect();
        let whole = whole.as_slice();
        let mut lives = self.look(&systems, &ledgers, whole, wanted).await?;
        let mut sides = Vec::new();
        for (connected, ledger) in systems.iter().zip(&ledgers) {
            if let Some(live) = lives.by_system.remove(connected.system.name) {
                sides.push((*connected, ledger, live));
            }
        }
        let plan = self.compare(&sides, lives.unread, &once);
        match self.lacking(&plan) {
            lacking if lacking.is_empty() => Ok(Outlook {
                plan,
                failure: lives.failure,
            }),
            lacking => Err((Exit::Error, lacking)),
        }
    }

    pub(in crate::cli) fn wanted<'a>(
        &'a self,
        connected: &Connected,
        ledger: &'a Ledger,
    ) -> Vec<Wanted<'a>> {
        let system = connected.system.name;
        let entries = self.entries().iter().filter(|e| e.address.system == system);
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

    fn compare(
        &self,
        read: &[(&Connected, &Ledger, Live)],
        unread: BTreeMap<String, String>,
        once: &Once,
    ) -> Plan {
        let locators: Vec<_> = self
            .repository
            .entries
            .iter()
            .map(|entry| |at: &Pointer| self.sources.position(&entry.locate(at)))
            .collect();
        let sides: Vec<Side<'_>> = read
            .iter()
            .map(|(connected, ledger, live)| Side {
                system: connected.system,
                base_url: &connected.client.target().base_url,
                declared: self
                    .entries()
                    .iter()
                    .zip(&locators)
                    .filter(|(entry, _)| entry.address.system == connected.system.name)
                    .map(|(entry, locate)| self.declared(entry, locate, once))
                    .collect(),
                ledger,
                live,
                fingerprint_key: self.fingerprint_key.as_ref(),
            })
            .collect();
        let environment = self.repository.environment.as_deref();
        plan::build(environment, &sides, &self.gates).without(unread)
    }

    /// A ledger as a plan has to see it.
    fn ledger(&self, connected: &Connected) -> Ledger {
        let mut ledger = connected.ledger();
        if self.aim == Aim::Nothing {
            // Protection that was declared since the last apply holds as well.
            for entry in self
                .repository
                .entries
                .iter()
                .filter(|e| e.lifecycle.protect)
            {
                if let Some(record) = ledger.records.get_mut(&entry.address) {
                    record.protect = true;
                }
            }
        }
        ledger
    }

    /// What is to be there in the end.
    fn entries(&self) -> &[Entry] {
        match self.aim {
            Aim::Declared => &self.repository.entries,
            Aim::Nothing => &[],
        }
    }

    /// What people call the place that is written to: the environment, or else the host.
    pub(in crate::cli) fn place(&self) -> String {
        let url = self
            .systems
            .first()
            .map(|c| c.client.target().base_url.as_str());
        let host = || {
            let (_, rest) = url?.split_once("://")?;
            rest.split('/').next().map(str::to_owned)
        };
        let environment = self.repository.environment.clone();
        environment.or_else(host).unwrap_or_default()
    }

    /// Lets plans delete as much as they like.
    pub(in crate::cli) fn lift_limits(&mut self) {
        self.gates.limits = Gates::lifted().limits;
    }

    fn declared<'a>(
        &self,
        entry: &'a Entry,
        locate: &'a dyn Fn(&Pointer) -> Position,
        once: &Once,
    ) -> Declared<'a> {
        let sink = entry.lifecycle.sink.as_ref();
        let sink = sink.or(self.repository.project.sink.as_ref());
        Declared {
            address: &entry.address,
            kind: entry.kind,
            fields: &entry.fields,
            protect: entry.lifecycle.protect,
            replace: entry.lifecycle.replace,
            adopt: entry.lifecycle.adopt,
            ignore: &entry.lifecycle.ignore,
            unset: entry.unset.iter().map(|unset| unset.at.clone()).collect(),
            sink: sink.map(|sink| sink.of(&entry.address)),
            rotate: once.rotate(&entry.address),
            impulse: once.impulse(&entry.address),
            mentions: entry
                .links()
                .iter()
                .filter(|link| !link.deferred)
                .map(|link| link.to.clone())
                .collect(),
            locate,
        }
    }

    pub(in crate::cli) fn entry(&self, address: &Address) -> Option<&Entry> {
        self.repository
            .entries
            .iter()
            .find(|entry| entry.address == *address)
    }

    /// Every address that is in a ledger.
    pub(in crate::cli) fn recorded(&self) -> BTreeSet<Address> {
        self.systems
            .iter()
            .flat_map(|c| c.ledger().records.into_keys())
            .collect()
    }

    /// Takes another reading of the repository.
    pub(in crate::cli) fn take(&mut self, repository: Repository, sources: Sources) {
        self.repository = repository;
        self.sources = sources;
    }

    /// Whether carrying out a plan would leave anything to be written into a ledger.
    pub(in crate::cli) fn has_to_write(&self, plan: &Plan) -> bool {
        let news = self.systems.iter().any(|it| {
            let ledger = it.locked();
            let own = |address: &Address| address.system == it.system.name;
            let mut records = plan.records.iter().filter(|(address, _)| own(address));
            let mut forgotten = plan.forgotten.iter().filter(|address| own(address));
            let known = |address| ledger.records.get(address);
            records.any(|(address, new)| !known(address).is_some_and(|old| old.reads_as(new)))
                || forgotten.any(|address| ledger.records.contains_key(address))
        });
        let unsaved = |it: &Connected| it.unsaved || !it.found().is_empty();
        !plan.is_empty() || !plan.moves.is_empty() || news || self.systems.iter().any(unsaved)
    }

    pub(in crate::cli) fn parallelism(&self) -> usize {
        self.parallelism
    }

    pub(in crate::cli) fn requests_sent(&self) -> usize {
        self.systems
            .iter()
            .map(|connected| connected.client.requests_sent())
            .sum()
    }

    pub(in crate::cli) fn is_mock(&self) -> bool {
        self.mock.is_some()
    }

    /// Hands the mock over, so that it outlives the world.
    pub(in crate::cli) fn take_mock(&mut self) -> Option<MockPortkey> {
        self.mock.take()
    }

    /// Whether secrets can only be compared with what the API shows of them.
    pub(in crate::cli) fn lacks_fingerprint_key(&self) -> bool {
        let mut secrets = false;
        for entry in &self.repository.entries {
            for value in entry.fields.values() {
                value.for_each_secret(&mut |_| secrets = true);
            }
        }
        secrets && self.fingerprint_key.is_none()
    }

    pub(in crate::cli) async fn close(self) -> (Sources, Vec<Diagnostic>) {
        if let Some(mock) = self.mock {
            mock.shutdown().await;
        }
        (self.sources, self.diagnostics)
    }
}

/// Whether a repository is about a system.
fn speaks_of(repository: &Repository, system: &System) -> bool {
    let mut entries = repository.entries.iter();
    entries.any(|entry| entry.address.system == system.name)
        || repository.project.systems.contains_key(system.name)
}

/// What a repository is about that speaks of no system.
fn of_nobody(repository: &Repository, variables: &Variables, is_mock: bool) -> Vec<&'static str> {
    let all = || crate::systems::SYSTEMS.iter();
    if all().any(|system| speaks_of(repository, system)) {
        return Vec::new();
    }
    let has_key = |system: &System| {
        let key = variables.get(system.api_key_variable);
        !is_mock && key.is_some_and(|key| !key.is_empty())
    };
    let with_key: Vec<&str> = all().filter(|it| has_key(it)).map(|it| it.name).collect();
    match with_key.is_empty() {
        true => all().take(1).map(|system| system.name).collect(),
        false => with_key,
    }
}

/// Tells people of requests that are repeated.
fn said_by(printer: &Printer) -> OnRetry {
    let printer = printer.clone();
    let unreachable = AtomicBool::new(false);
    Arc::new(move |error, wait| {
        // A server that is not there is not there for every request.
        let dead = error.kind == ApiErrorKind::Unreachable;
        if dead && unreachable.swap(true, Ordering::Relaxed) {
            return;
        }
        let clear = match printer.has_live_line() {
            true => "\r\x1b[2K",
            false => "",
        };
        let seconds = wait.as_secs_f64();
        printer.message(&format!("{clear}retrying in {seconds:.1} s: {error}\n"));
    })
}

/// Whether a secret was there when its resource was imported and has not been set since: its
/// variable is not needed yet.
fn imported(systems: &[Connected], address: &Address, at: &Pointer) -> bool {
    let mut systems = systems.iter();
    let connected = systems.find(|connected| connected.system.name == address.system);
    connected.is_some_and(|connected| {
        let ledger = connected.locked();
        let record = ledger.records.get(address);
        record.is_some_and(|it| it.fingerprints.get(at).map(String::as_str) == Some(plan::IMPORTED))
    })
}

impl Connected {
    /// Takes note of something that an earlier run created.
    fn note_found(&self, address: Address, record: Record) {
        self.locked()
            .records
            .insert(address.clone(), record.clone());
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.insert(address, record);
    }

    /// What was found of what earlier runs may have created.
    fn found(&self) -> BTreeMap<Address, Record> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.clone()
    }

    pub(in crate::cli) fn ledger(&self) -> Ledger {
        self.locked().clone()
    }

    fn locked(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn start_mock(wanted: bool) -> Result<Option<MockPortkey>, Box<Diagnostic>> {
    if !wanted {
        return Ok(None);
    }
    let builder = MockPortkey::builder();
    let builder = Api::BESIDE
        .iter()
        .fold(builder, |builder, api| builder.api(*api));
    let mock = builder.start().await;
    mock.map(Some).map_err(|error| {
        Box::new(Diagnostic::error(
            "mock",
            format!("cannot start the mock: {error}"),
        ))
    })
}
