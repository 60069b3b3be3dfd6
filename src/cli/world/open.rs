//! Opening the world: the repository is loaded, and the systems that it speaks of are connected.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use gatewright_mock::{Api, MockPortkey};

use super::connect::{connect, insecure, keeper, secrets, target};
use super::connected::{Connected, LockedOut};
use super::{Aim, World, ledger_error};
use crate::cli::args::Global;
use crate::cli::exit::Exit;
use crate::cli::output::{Finish, Printer};
use crate::cli::variables::Variables;
use crate::client::{ApiErrorKind, OnRetry, Waits};
use crate::diagnostic::{Diagnostic, Sources};
use crate::kind::System;
use crate::ledger::Holder;
use crate::manifest::{self, Repository, Texts};
use crate::model::{Address, FingerprintKey, Gates, Pointer};
use crate::plan;

/// The variable with the key of the ledger's fingerprints.
const FINGERPRINT_KEY: &str = "GATEWRIGHT_FINGERPRINT_KEY";

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
        let failed = |sources, problems| Box::new(Finish::failed(Exit::Error, sources, problems));
        let started = match running {
            Some(mock) => Ok(Some(mock)),
            None => start_mock(global.mock, organisation(&repository)).await,
        };
        let mock = match started {
            Ok(mock) => mock,
            Err(problem) => return Err(failed(sources, vec![*problem])),
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
            Err(problem) => return Err(failed(sources, vec![*problem])),
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
            let target = match target(system, mock.as_ref(), &repository, global, &variables) {
                Ok(target) => target,
                Err(out) => {
                    locked_out.push(*out);
                    continue;
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
            return Err(failed(sources, problems));
        }
        let gates = match aim {
            Aim::Declared => repository.project.gates.clone(),
            Aim::Nothing => Gates::destroying(),
        };
        Ok(Self {
            aim,
            gates,
            sources,
            repository,
            systems,
            locked_out,
            diagnostics,
            parallelism: global.parallelism.get(),
            waits: Waits::beginning_with(global.retry_wait),
            once: Mutex::default(),
            fingerprint_key,
            holder: Holder::this(&|name| variables.get(name)),
            mock,
        })
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

/// The id that a repository knows the organisation by, if it says it anywhere.
fn organisation(repository: &Repository) -> Option<String> {
    let mut said = repository.entries.iter().filter_map(|entry| {
        let field = entry.kind.instead_of_scope()?;
        entry.fields.get(field)?.as_str()
    });
    said.next().map(str::to_owned)
}

/// What [`organisation`] says of the repository that is to be opened; what is wrong with it is said
/// when it is.
pub(in crate::cli) fn organisation_of(global: &Global) -> Option<String> {
    let variables = variables(global).ok()?;
    let (repository, ..) = load(global, &variables, &Opening::default()).ok()?;
    organisation(&repository)
}

async fn start_mock(
    wanted: bool,
    organisation: Option<String>,
) -> Result<Option<MockPortkey>, Box<Diagnostic>> {
    if !wanted {
        return Ok(None);
    }
    let builder = MockPortkey::builder();
    let builder = match organisation {
        Some(id) => builder.organisation(id),
        None => builder,
    };
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
