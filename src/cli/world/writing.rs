//! What is held while a plan is carried out: locks, journals, and the ledgers at the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::connect::rename;
use super::{Connected, World};
use crate::apply::{Delivery, Session};
use crate::diagnostic::Diagnostic;
use crate::ledger::{Hold, Home, Journal, Kept, LedgerError, Record};
use crate::model::Address;
use crate::plan::{Move, Plan};

/// What one system needs while it is written to.
pub(in crate::cli) struct Writing {
    journal: Journal,
    delivery: Delivery,
    held: Option<Held>,
}

/// What keeps other applies away, and what the ledger said when they were.
struct Held {
    hold: Hold,
    kept: Kept,
}

impl Writing {
    /// That somebody else's lease was taken over, because it had ended.
    pub(in crate::cli) fn took_over(&self) -> Option<Diagnostic> {
        let ticket = self.held.as_ref()?.hold.taken_from()?;
        let message = format!(
            "took over the lease of {}, which ended at {} without being given back",
            ticket.holder, ticket.until
        );
        let problem = Diagnostic::warning("lease-taken-over", message);
        Some(problem.note("what that run did is in its journal, which is in the ledger now"))
    }

    /// Why what was done is not all in the journal.
    pub(in crate::cli) fn failure(&self) -> Option<&str> {
        self.journal.failure()
    }

    /// Saves the ledger; only then are the journals of this and earlier runs done with. In any
    /// case others can go on.
    async fn end(self, connected: &Connected) -> Result<(), LedgerError> {
        let (Some(home), Some(Held { hold, kept })) = (&connected.home, self.held) else {
            return Ok(());
        };
        let saved = home.save(&connected.ledger(), &hold, &kept).await;
        match saved {
            Ok(()) => self.journal.finish().await,
            Err(_) => drop(self.journal),
        }
        release(connected, hold).await;
        saved
    }
}

async fn release(connected: &Connected, hold: Hold) {
    connected.client.set_fence(None);
    hold.release().await;
}

impl World {
    /// Takes the locks and opens the journals for a plan.
    ///
    /// # Errors
    /// Where another run is writing, has written since the plan was made, or the file system or
    /// the store refuses.
    pub(in crate::cli) async fn begin(&self, plan: &Plan) -> Result<Vec<Writing>, LedgerError> {
        let mut all: Vec<Writing> = Vec::new();
        for connected in &self.systems {
            match self.begin_one(connected, plan).await {
                Ok(writing) => all.push(writing),
                Err(error) => {
                    for (connected, writing) in self.systems.iter().zip(all) {
                        writing.journal.finish().await;
                        if let Some(held) = writing.held {
                            release(connected, held.hold).await;
                        }
                    }
                    return Err(error);
                }
            }
        }
        for (connected, writing) in self.systems.iter().zip(&all) {
            let own = |one: &&Move| one.from.system == connected.system.name;
            // What moved because its entry did has moved in this ledger, and not in the saved one.
            let moved = connected.moved.iter();
            for Move { from, to } in moved.chain(plan.moves.iter().filter(own)) {
                writing.journal.moved(from, to).await;
                connected.locked().rename(from, to);
            }
        }
        Ok(all)
    }

    async fn begin_one(&self, connected: &Connected, plan: &Plan) -> Result<Writing, LedgerError> {
        let delivery = Delivery {
            root: self.repository.root.clone(),
            discard: self.is_mock(),
            secrets: connected.client.secrets().clone(),
        };
        let Some(home) = &connected.home else {
            return Ok(Writing {
                journal: Journal::in_memory(),
                delivery,
                held: None,
            });
        };
        let hold = home.hold(&self.holder).await?;
        match self.begin_held(connected, home, &hold, plan).await {
            Ok((kept, journal)) => {
                if let Hold::Lease(lease) = &hold {
                    let lease = Arc::downgrade(lease);
                    let may = move || lease.upgrade().is_some_and(|it| it.check().is_ok());
                    connected.client.set_fence(Some(Arc::new(may)));
                }
                let held = Some(Held { hold, kept });
                Ok(Writing {
                    journal,
                    delivery,
                    held,
                })
            }
            Err(error) => {
                release(connected, hold).await;
                Err(error)
            }
        }
    }

    async fn begin_held(
        &self,
        connected: &Connected,
        home: &Home,
        hold: &Hold,
        plan: &Plan,
    ) -> Result<(Kept, Journal), LedgerError> {
        let kept = home.read().await?;
        let mut now = kept.ledger.clone();
        now.records.extend(connected.found());
        rename(&mut now, &self.repository);
        if now != connected.ledger() {
            return Err(LedgerError::Changed { name: home.name() });
        }
        let journal = home.journal(hold, &plan.digest).await?;
        Ok((kept, journal))
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
    /// As for [`Self::begin`], and where a ledger cannot be written.
    pub(in crate::cli) async fn record(
        &self,
        plan: &Plan,
        records: BTreeMap<Address, Record>,
    ) -> Result<(), LedgerError> {
        let writing = self.begin(plan).await?;
        for (connected, writing) in self.systems.iter().zip(&writing) {
            for (address, record) in &records {
                if address.system != connected.system.name {
                    continue;
                }
                writing.journal.record(address, Some(record)).await;
                let mut ledger = connected.locked();
                ledger.records.insert(address.clone(), record.clone());
            }
        }
        self.save(writing).await
    }

    /// Saves the ledgers and lets others go on.
    ///
    /// # Errors
    /// The first one, where some cannot be saved.
    pub(in crate::cli) async fn save(&self, writing: Vec<Writing>) -> Result<(), LedgerError> {
        let mut saved = Ok(());
        for (connected, writing) in self.systems.iter().zip(writing) {
            saved = saved.and(writing.end(connected).await);
        }
        saved
    }
}
