//! What is held while a plan is carried out: locks, journals, and the ledgers at the end.

use std::collections::BTreeMap;

use super::connect::rename;
use super::{Connected, World};
use crate::apply::{Delivery, Session};
use crate::ledger::{self, Journal, Ledger, LedgerError, Lock, Record};
use crate::model::Address;
use crate::plan::{Move, Plan};

/// What one system needs while it is written to.
pub(in crate::cli) struct Writing {
    journal: Journal,
    delivery: Delivery,
    /// Keeps other applies away for as long as it is open.
    _lock: Option<Lock>,
}

impl World {
    /// Takes the locks and opens the journals for a plan.
    ///
    /// # Errors
    /// Where another run is writing, has written since the plan was made, or the file system
    /// refuses.
    pub(in crate::cli) fn begin(&self, plan: &Plan) -> Result<Vec<Writing>, LedgerError> {
        let begin = |connected: &Connected| {
            let delivery = Delivery {
                root: self.repository.root.clone(),
                discard: self.is_mock(),
                secrets: connected.client.secrets().clone(),
            };
            let Some(path) = &connected.path else {
                return Ok(Writing {
                    journal: Journal::in_memory(),
                    delivery,
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
                delivery,
                _lock: Some(lock),
            })
        };
        let writing: Vec<Writing> = self.systems.iter().map(begin).collect::<Result<_, _>>()?;
        for (connected, writing) in self.systems.iter().zip(&writing) {
            let own = |one: &&Move| one.from.system == connected.system.name;
            for Move { from, to } in plan.moves.iter().filter(own) {
                writing.journal.moved(from, to)?;
                connected.locked().rename(from, to);
            }
        }
        Ok(writing)
    }

    pub(in crate::cli) fn sessions<'a>(
        &'a self,
        writing: &'a [Writing],
    ) -> BTreeMap<String, Session<'a>> {
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
                    delivery: &writing.delivery,
                };
                (connected.system.name.to_owned(), session)
            });
        pairs.collect()
    }

    /// Takes objects over that are as declared: records them, in the journals first.
    ///
    /// # Errors
    /// As for [`Self::begin`], and where a journal cannot be written.
    pub(in crate::cli) fn record(
        &self,
        plan: &Plan,
        records: BTreeMap<Address, Record>,
    ) -> Result<(), LedgerError> {
        let writing = self.begin(plan)?;
        for (connected, writing) in self.systems.iter().zip(&writing) {
            for (address, record) in &records {
                if address.system != connected.system.name {
                    continue;
                }
                let written = writing.journal.record(address, Some(record));
                written.map_err(|error| LedgerError::Io {
                    action: "write the journal of",
                    path: connected.path.clone().unwrap_or_default(),
                    source: error.0,
                })?;
                let mut ledger = connected.locked();
                ledger.records.insert(address.clone(), record.clone());
            }
        }
        self.save(writing)
    }

    /// Saves the ledgers; only then are the journals of this and earlier runs done with.
    pub(in crate::cli) fn save(&self, writing: Vec<Writing>) -> Result<(), LedgerError> {
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
}
