//! What runs that ended abruptly may have created: looked for before anything is planned.
//!
//! A POST that was under way when its run ended may take effect a moment later, and a list may lag
//! behind. Planning at once could create everything twice, so what was begun a moment ago is waited
//! for. What is found is ours: the journal says that we asked for it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Connected, Failure, World, interruption};
use crate::cli::exit::Exit;
use crate::cli::output::Printer;
use crate::kind::Identity;
use crate::ledger::{Record, Unanswered};
use crate::live::{self, Wanted};
use crate::model::Address;

/// For how long after it was sent a creation is waited for.
const SETTLED: SignedDuration = SignedDuration::from_secs(10);

/// Whether to wait for what is not there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Patience {
    /// Look once: nothing will be written.
    LookOnce,
    /// Look until what was begun must have ended.
    Wait,
}

impl World {
    /// Looks for what earlier runs may have created, and takes note of what is there.
    ///
    /// # Errors
    /// Where it is interrupted.
    pub(in crate::cli) async fn settle(
        &self,
        patience: Patience,
        printer: &Printer,
    ) -> Result<(), Failure> {
        for connected in &self.systems {
            // Whoever listens for a signal has to say that it came.
            if connected.unanswered.is_empty() {
                continue;
            }
            tokio::select! {
                biased;
                () = crate::cli::interrupted() => {
                    return Err((Exit::Interrupted, vec![interruption()]));
                }
                () = self.settle_one(connected, patience, printer) => {}
            }
        }
        Ok(())
    }

    async fn settle_one(&self, connected: &Connected, patience: Patience, printer: &Printer) {
        let ledger = connected.ledger();
        let mut open = connected.unanswered.clone();
        open.retain(|address, _| {
            let kind = connected.system.kind(&address.kind);
            let listed = kind.is_some_and(|kind| kind.identity != Identity::Recorded);
            if !listed {
                printer.message(&format!(
                    "an earlier run ended while it created {address}, and the API has no list in \
                     which to look for it\n"
                ));
            }
            listed && !ledger.records.contains_key(address)
        });
        let mut waits = connected.client.waits().doubling();
        let mut said = false;
        while !open.is_empty() {
            let Some(found) = self.look_for(connected, &open).await else {
                // What cannot be read now fails the plan, in its own words.
                return;
            };
            for (address, record) in found {
                open.remove(&address);
                printer.message(&format!(
                    "{address} is there: an earlier run ended while it created it\n"
                ));
                connected.note_found(address, record);
            }
            let begun = open.values().map(|one| one.at).max();
            let left = begun.map(|at| (at + SETTLED).duration_since(Timestamp::now()));
            let left = left.and_then(|left| Duration::try_from(left).ok());
            let Some(left) = left.filter(|_| patience == Patience::Wait) else {
                return;
            };
            if !said {
                let names: Vec<String> = open.keys().map(Address::to_string).collect();
                printer.message(&format!(
                    "an earlier run ended a moment ago while it created {}: waiting up to {} s for \
                     it to appear\n",
                    names.join(", "),
                    SETTLED.as_secs()
                ));
                said = true;
            }
            tokio::time::sleep(waits.next().unwrap_or(left).min(left)).await;
        }
    }

    /// Those of the creations that are there, as the ledger has to know them.
    async fn look_for(
        &self,
        connected: &Connected,
        open: &BTreeMap<Address, Unanswered>,
    ) -> Option<BTreeMap<Address, Record>> {
        let ledger = connected.ledger();
        let entries = self.repository.entries.iter();
        let mut wanted: Vec<Wanted<'_>> = entries
            .filter(|entry| entry.address.system == connected.system.name)
            .map(|entry| Wanted {
                address: &entry.address,
                kind: entry.kind,
                fields: Some(&entry.fields),
                record: ledger.records.get(&entry.address),
            })
            .collect();
        // What is no longer declared, or declared at another address, is looked for as it was sent.
        for (address, one) in open {
            if wanted.iter().all(|want| want.address != address)
                && let Some(kind) = connected.system.kind(&address.kind)
            {
                wanted.push(Wanted {
                    address,
                    kind,
                    fields: Some(&one.record.applied),
                    record: None,
                });
            }
        }
        let (client, cache) = (&connected.client, &connected.cache);
        let live = live::read(client, connected.system, &wanted, &[], cache).await;
        let live = live.ok()?;
        let found = open.iter().filter_map(|(address, one)| {
            let ident = live.objects.get(address)?.ident.clone();
            let record = one.record.clone();
            Some((address.clone(), Record { ident, ..record }))
        });
        Some(found.collect())
    }
}
