//! One system of a run: its client, its ledger, and what is known of earlier runs; or why there is none.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::client::Client;
use crate::diagnostic::Diagnostic;
use crate::kind::System;
use crate::ledger::{Home, Ledger, Record, Unanswered};
use crate::live::Cache;
use crate::model::Address;
use crate::plan::Move;

/// One system that is connected.
pub(in crate::cli) struct Connected {
    pub(in crate::cli) system: &'static System,
    pub(in crate::cli) client: Client,
    pub(super) ledger: Mutex<Ledger>,
    /// Where the ledger is; nowhere for the embedded mock, which forgets everything as well.
    pub(super) home: Option<Home>,
    /// Whether the ledger has more in it than was saved: from journals, and by `moved_from`.
    pub(super) unsaved: bool,
    /// What runs that ended abruptly may have created.
    pub(super) unanswered: BTreeMap<Address, Unanswered>,
    /// What of it was found.
    pub(super) found: Mutex<BTreeMap<Address, Record>>,
    pub(in crate::cli) cache: Cache,
    /// Which records have another address than the saved ones.
    pub(super) moved: Vec<Move>,
    /// What the manifests ask of the ledger in vain.
    pub(super) warnings: Vec<Diagnostic>,
}

/// One system that cannot be connected, and why.
pub(super) struct LockedOut {
    pub(super) system: &'static System,
    pub(super) base_url: String,
    pub(super) problem: Diagnostic,
}

impl Connected {
    /// Takes note of something that an earlier run created.
    pub(super) fn note_found(&self, address: Address, record: Record) {
        self.locked()
            .records
            .insert(address.clone(), record.clone());
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.insert(address, record);
    }

    /// What was found of what earlier runs may have created.
    pub(super) fn found(&self) -> BTreeMap<Address, Record> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.clone()
    }

    pub(in crate::cli) fn ledger(&self) -> Ledger {
        self.locked().clone()
    }

    pub(super) fn locked(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
