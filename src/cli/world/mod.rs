//! What commands that look at both sides share: the repository, the connections, the ledgers.

mod compare;
mod connect;
mod connected;
mod explain;
mod open;
mod settle;
mod writing;

use std::collections::BTreeSet;
use std::sync::Mutex;

use gatewright_mock::MockPortkey;

pub(in crate::cli) use compare::Lives;
pub(in crate::cli) use connect::secrets;
pub(in crate::cli) use connected::Connected;
use connected::LockedOut;
pub(in crate::cli) use explain::{api_error, interruption, ledger_error, unless_interrupted};
pub(in crate::cli) use open::{Opening, load, organisation_of, variables};
pub(in crate::cli) use settle::Patience;
pub(in crate::cli) use writing::Writing;

use super::args::OnceArgs;
use super::exit::Exit;
use super::once::Once;
use crate::client::Waits;
use crate::diagnostic::{Diagnostic, Sources};
use crate::ledger::Holder;
use crate::manifest::{Entry, Repository};
use crate::model::{Address, FingerprintKey, Gates, Limits};
use crate::plan::Plan;

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
    waits: Waits,
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

impl World {
    /// Takes note of what the command line asks for once.
    ///
    /// # Errors
    /// Where it names what is not there.
    pub(in crate::cli) fn ask(&mut self, args: &OnceArgs) -> Result<(), Failure> {
        self.once = Mutex::new(Once::read(self, args)?);
        Ok(())
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
        self.gates.limits = Limits::none();
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

    /// How long to wait before something is looked for again.
    pub(in crate::cli) fn waits(&self) -> Waits {
        self.waits
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
