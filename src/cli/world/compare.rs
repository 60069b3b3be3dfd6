//! Looking at both sides: what is declared, what is live and what the ledgers say become a plan.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use super::connected::Connected;
use super::{Aim, Failure, Outlook, World, unless_interrupted};
use crate::cli::exit::Exit;
use crate::cli::once::Once;
use crate::diagnostic::{Diagnostic, Position};
use crate::kind::System;
use crate::ledger::{Ledger, Record};
use crate::live::{self, Live, Wanted};
use crate::manifest::{self, Entry};
use crate::model::{Address, Pointer};
use crate::plan::{self, Action, Declared, Plan, Side};

/// What is live in the systems that could be read.
pub(in crate::cli) struct Lives {
    pub(in crate::cli) by_system: BTreeMap<&'static str, Live>,
    /// Where the others are.
    unread: BTreeMap<String, String>,
    /// Why the others could not be read.
    pub(in crate::cli) failure: Option<Failure>,
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
        let results = unless_interrupted(join_all(reads)).await?;
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
        let moved = read.iter().flat_map(|(connected, ..)| &connected.moved);
        plan::build(environment, &sides, &self.gates)
            .without(unread)
            .after(moved.cloned().collect())
            .hiding(&self.repository.secrets)
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
            sealed: &entry.sealed,
            unset: entry.unset.iter().map(|unset| unset.at.clone()).collect(),
            sink: sink.map(|sink| sink.of(&entry.address, self.repository.environment.as_deref())),
            rotate: once.rotate(&entry.address),
            impulses: once.impulses(&entry.address),
            mentions: entry
                .links()
                .iter()
                .filter(|link| !link.deferred)
                .map(|link| link.to.clone())
                .collect(),
            locate,
        }
    }
}
