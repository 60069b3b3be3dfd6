//! Connecting to a system: where it is, with what key, and what its ledger says.

use std::collections::BTreeSet;
use std::sync::Mutex;

use gatewright_mock::MockPortkey;

use super::connected::{Connected, LockedOut};
use super::ledger_error;
use crate::cli::args::Global;
use crate::cli::variables::Variables;
use crate::client::{Client, Target, Waits};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::kind::{Place, System};
use crate::ledger::{self, Keeper, Kept, Ledger};
use crate::live::Cache;
use crate::manifest::Repository;
use crate::model::{Address, Secret, SecretSet};
use crate::plan::Move;

/// Where a system is and with what key, or why it cannot be said.
pub(super) fn target(
    system: &'static System,
    mock: Option<&MockPortkey>,
    repository: &Repository,
    global: &Global,
    variables: &Variables,
) -> Result<Target, Box<LockedOut>> {
    if let Some(mock) = mock {
        return Ok(mocked(system, mock));
    }
    let base_url = place(system, repository, global, variables);
    match api_key(system, repository, variables) {
        Ok(api_key) => Ok(Target {
            system,
            base_url,
            api_key,
        }),
        Err(problem) => Err(Box::new(LockedOut {
            system,
            base_url,
            problem: *problem,
        })),
    }
}

/// Where a system is: flag, project file, environment, public service.
fn place(
    system: &System,
    repository: &Repository,
    global: &Global,
    variables: &Variables,
) -> String {
    let settings = repository.project.systems.get(system.name);
    let flags = global.base_urls.iter();
    let flag = flags.rev().find(|flag| flag.system == system.name);
    let base_url = flag
        .map(|flag| flag.url.clone())
        .or_else(|| settings.and_then(|settings| settings.base_url.clone()))
        .or_else(|| settings.and_then(|settings| system.region(settings.region.as_deref()?)))
        .or_else(|| {
            system
                .places
                .iter()
                .find_map(|place| named(system, place, variables))
        })
        .unwrap_or_else(|| system.default_base_url.to_owned());
    base_url.trim_end_matches('/').to_owned()
}

/// The key for a system: project file, environment.
fn api_key(
    system: &System,
    repository: &Repository,
    variables: &Variables,
) -> Result<Secret, Box<Diagnostic>> {
    let settings = repository.project.systems.get(system.name);
    let from_environment = || {
        let text = variables
            .get(system.api_key_variable)
            .filter(|text| !text.is_empty())?;
        let source = format!("${{env:{}}}", system.api_key_variable);
        Some(Secret::declared(text, vec![source]))
    };
    match settings.and_then(|settings| settings.api_key.as_ref()) {
        Some(Ok(key)) if !key.reveal().is_empty() => Ok(key.clone()),
        Some(Err(problem)) => Err(problem.clone()),
        _ => from_environment().ok_or_else(|| {
            let message = format!("there is no API key for {}", system.name);
            Diagnostic::error("no-api-key", message)
                .help(format!(
                    "set {}, or `systems.{}.api_key` in gatewright.yaml; `--mock` needs none",
                    system.api_key_variable, system.name
                ))
                .into()
        }),
    }
}

/// The embedded mock, which serves each system at the path that its public service has.
fn mocked(system: &'static System, mock: &MockPortkey) -> Target {
    let public = reqwest::Url::parse(system.default_base_url);
    let path = public.map(|url| url.path().trim_end_matches('/').to_owned());
    Target {
        system,
        base_url: format!("http://{}{}", mock.address(), path.unwrap_or_default()),
        api_key: Secret::declared(mock.api_key(), Vec::new()),
    }
}

/// Where the environment says that a system is.
fn named(system: &System, place: &Place, variables: &Variables) -> Option<String> {
    let get = |name: &str| variables.get(name).filter(|text| !text.is_empty());
    match place {
        Place::BaseUrl(variable) => get(variable),
        Place::Host { host, scheme } => {
            let scheme = get(scheme).unwrap_or_else(|| "https".to_owned());
            Some(format!("{scheme}://{}", get(host)?))
        }
        Place::Region(variable) => system.region(&get(variable)?),
    }
}

/// Every secret of a run, with the keys that the environment has for the systems.
pub(in crate::cli) fn secrets(repository: &Repository, variables: &Variables) -> SecretSet {
    let secrets = repository.secrets.clone();
    for system in crate::systems::SYSTEMS {
        if let Some(key) = variables.get(system.api_key_variable) {
            secrets.insert(&Secret::declared(key, Vec::new()));
        }
    }
    // The credentials of a store for ledgers.
    for (name, text) in variables.beginning(&ledger::STORE_VARIABLES) {
        let secret = ["SECRET", "TOKEN", "SAS", "ACCOUNT_KEY", "ACCESS_KEY"];
        let harmless = ["_FILE", "_URI", "_ID", "_ENDPOINT"];
        if secret.iter().any(|word| name.contains(word))
            && !harmless.iter().any(|end| name.ends_with(end))
        {
            secrets.insert(&Secret::declared(text, Vec::new()));
        }
    }
    secrets
}

/// Where the ledgers are.
pub(super) fn keeper(
    repository: &Repository,
    variables: &Variables,
    is_mock: bool,
) -> Result<Keeper, Box<Diagnostic>> {
    // A mock forgets everything, and needs no store to do so.
    let setting = repository.project.ledger.as_deref().filter(|_| !is_mock);
    let variables = variables.beginning(&ledger::STORE_VARIABLES);
    Keeper::open(&repository.root, setting, &variables).map_err(|error| {
        Box::new(Diagnostic::error("ledger", error.to_string()).help(
            "check `ledger` in gatewright.yaml, and the variables with the credentials of the store",
        ))
    })
}

/// A warning where the API key would cross a network in the clear.
pub(super) fn insecure(base_url: &str) -> Option<Diagnostic> {
    let host = base_url.strip_prefix("http://")?;
    let host = host.split('/').next().unwrap_or_default();
    let local = ["127.", "localhost", "[::1]"]
        .iter()
        .any(|prefix| host.starts_with(prefix));
    let message = format!("the API key goes to {host} unencrypted");
    (!local).then(|| Diagnostic::warning("insecure", message).help("use https"))
}

/// A connection and its ledger.
pub(super) async fn connect(
    target: Target,
    repository: &Repository,
    global: &Global,
    keeper: &Keeper,
) -> Result<Connected, Box<Diagnostic>> {
    let system = target.system;
    let environment = repository.environment.as_deref();
    let base_url = &target.base_url.clone();
    let home = (!global.mock).then(|| keeper.home(environment, system.name, base_url));
    let client = Client::new(target, repository.secrets.clone(), global.parallelism.get())
        .map_err(|error| {
            let help = "check `--base-url` and `systems` in gatewright.yaml";
            Diagnostic::error("client", error.to_string()).help(help)
        })?
        .with_waits(Waits::beginning_with(global.retry_wait));
    let kept = match &home {
        Some(home) => home.read().await.map_err(|error| ledger_error(&error))?,
        None => Kept::default(),
    };
    let unsaved = kept.has_journals();
    let mut ledger = kept.ledger;
    let before = ledger.clone();
    let (moved, warnings) = rename(&mut ledger, repository);
    let cache = match &home {
        Some(_) if !global.no_cache => {
            let path = ledger::cache_path(&repository.root, environment, system.name, base_url);
            Cache::load(path, base_url)
        }
        _ => Cache::none(),
    };
    Ok(Connected {
        cache,
        system,
        client,
        unsaved: unsaved || ledger != before,
        ledger: Mutex::new(ledger),
        home,
        unanswered: kept.unanswered,
        found: Mutex::default(),
        moved,
        warnings,
    })
}

/// Follows entries that moved to another key: the record moves with them, so that the live object
/// is kept. Returns which did, and what was asked for and could not be done.
pub(super) fn rename(ledger: &mut Ledger, repository: &Repository) -> (Vec<Move>, Vec<Diagnostic>) {
    let declared: BTreeSet<&Address> = repository.entries.iter().map(|e| &e.address).collect();
    let (mut moved, mut problems) = (Vec::new(), Vec::new());
    let fresh = ledger.records.is_empty();
    for entry in &repository.entries {
        let Some(from) = &entry.lifecycle.moved_from else {
            continue;
        };
        let at = |problem: Diagnostic| problem.at(entry.locate_lifecycle("moved_from"), "");
        if declared.contains(from) {
            let message = format!("`moved_from` names {from}, which is still declared");
            let problem = Diagnostic::warning("moved-from-declared", message);
            problems.push(at(problem.help("remove the old entry, or the `moved_from`")));
            continue;
        }
        if ledger.records.contains_key(&entry.address) {
            continue;
        }
        if ledger.records.contains_key(from) {
            ledger.rename(from, &entry.address);
            moved.push(Move {
                from: from.clone(),
                to: entry.address.clone(),
            });
        } else if !fresh && from.system == entry.address.system {
            let message = format!("`moved_from` names {from}, which the ledger does not know");
            let known = ledger
                .records
                .keys()
                .filter(|known| known.kind == from.kind);
            let meant = did_you_mean(&from.key, known.map(|known| known.key.as_str()));
            let problem = Diagnostic::warning("moved-from-unknown", message)
                .note("so nothing moves: the entry is looked up by its own name, or created");
            problems.push(at(problem.maybe_help(meant)));
        }
    }
    (moved, problems)
}
