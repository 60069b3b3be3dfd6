//! Carrying out a plan, and nothing but the plan.
//!
//! Steps run as soon as the steps that they need have succeeded, several at a time. A failed step
//! blocks those that need it and no others. Every write is in the journal before it is sent, and
//! the ledger is told of every object as soon as the server has it.

mod deliver;
mod step;
mod version;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde::Serialize;
use tokio::sync::watch;

pub use deliver::{Delivery, DeliveryError};

use crate::client::{ApiError, Client};
use crate::kind::System;
use crate::ledger::{Journal, JournalError, Ledger};
use crate::model::{Address, Ident, WireError};
use crate::plan::{Plan, Step};

/// What is needed to write to one system.
#[derive(Debug)]
pub struct Session<'a> {
    /// The system.
    pub system: &'static System,
    /// The connection.
    pub client: &'a Client,
    /// The ledger, which is kept up to date; saving it is the caller's.
    pub ledger: &'a Mutex<Ledger>,
    /// The journal.
    pub journal: &'a Journal,
    /// How secrets that the server makes are delivered.
    pub delivery: &'a Delivery,
}

/// What became of a step.
#[derive(Debug)]
pub enum Fate {
    /// It succeeded.
    Done,
    /// It failed.
    Failed(StepError),
    /// A step that it needs did not succeed.
    Blocked {
        /// The resource of that step.
        by: Address,
    },
    /// The run was interrupted, or had to stop, before it began.
    NotStarted,
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The API did not do it.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The request could not be put together.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The journal could not be written, or the lease is lost, so nothing was sent.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The server made the object and does not say what it is called.
    #[error("the server created it and then did not list it, so that its {0} is not known")]
    Unnamed(&'static str),
    /// The server made a version and then did not list it.
    #[error("the server does not say which version of it this is about")]
    NoVersion,
    /// What is to receive a secret cannot, so that none was made.
    #[error("nothing was sent, for its `{field}` could not be delivered: {source}")]
    Undeliverable {
        /// The field of the secret.
        field: String,
        /// The reason.
        source: DeliveryError,
    },
    /// A secret was made, and what was to receive it did not.
    #[error("the server made its `{field}`, and it was not delivered: {reason}")]
    Undelivered {
        /// The field of the secret.
        field: String,
        /// The reason.
        reason: String,
    },
    /// The plan speaks of a system or kind that this program does not know.
    #[error("the plan names `{0}`, which this version does not know")]
    Unknown(String),
}

/// What happens while a plan is carried out.
#[derive(Clone, Copy, Debug)]
pub enum Event<'p> {
    /// A step begins.
    Started(&'p Step),
    /// A step succeeded.
    Done(&'p Step),
    /// A step failed.
    Failed(&'p Step),
}

/// What became of a plan.
#[derive(Debug)]
pub struct Report {
    /// The fate of each of the plan's steps, in their order.
    pub fates: Vec<Fate>,
    /// Whether the run was interrupted.
    pub interrupted: bool,
}

/// How many steps ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Tally {
    /// Steps that succeeded.
    pub done: usize,
    /// Steps that failed.
    pub failed: usize,
    /// Steps that were not tried because one that they need did not succeed.
    pub blocked: usize,
    /// Steps that were not begun because the run was interrupted.
    pub not_started: usize,
}

impl Report {
    /// How many steps ended how.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for fate in &self.fates {
            match fate {
                Fate::Done => tally.done += 1,
                Fate::Failed(_) => tally.failed += 1,
                Fate::Blocked { .. } => tally.blocked += 1,
                Fate::NotStarted => tally.not_started += 1,
            }
        }
        tally
    }

    /// Whether every step succeeded.
    pub fn is_complete(&self) -> bool {
        self.fates.iter().all(|fate| matches!(fate, Fate::Done))
    }
}

/// Carries out a plan. Once `stop` turns true, no further step begins and those under way are
/// awaited.
pub async fn apply(
    plan: &Plan,
    sessions: &BTreeMap<String, Session<'_>>,
    parallelism: usize,
    stop: watch::Receiver<bool>,
    on_event: &dyn Fn(Event<'_>),
) -> Report {
    let run = Run {
        plan,
        sessions,
        known: Mutex::new(plan.known.clone()),
    };
    let mut fates: Vec<Option<Fate>> = plan.steps.iter().map(|_| None).collect();
    let mut begun = vec![false; plan.steps.len()];
    let mut under_way = FuturesUnordered::new();
    let mut stop_changed = stop.clone();
    // Without a journal nothing may be sent, so that the first step that hears of it is the last.
    let mut halted = false;
    loop {
        // Steps are in an order in which needs come first, so one pass settles all blocked ones.
        for (index, step) in plan.steps.iter().enumerate() {
            if begun[index] || fates[index].is_some() {
                continue;
            }
            let failed = step
                .after
                .iter()
                .find(|need| matches!(&fates[**need], Some(fate) if !matches!(fate, Fate::Done)));
            if let Some(need) = failed {
                let by = plan.steps[*need].address.clone();
                fates[index] = Some(Fate::Blocked { by });
                continue;
            }
            let ready = step
                .after
                .iter()
                .all(|need| matches!(fates[*need], Some(Fate::Done)));
            if ready && under_way.len() < parallelism && !halted && !*stop.borrow() {
                begun[index] = true;
                on_event(Event::Started(step));
                let run = &run;
                under_way.push(async move { (index, run.step(step).await) });
            }
        }
        let interrupted = async {
            // The sender lives as long as the run; without one there is nothing to wait for.
            if stop_changed.wait_for(|stop| *stop).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        if under_way.is_empty() {
            break;
        }
        let finished = if *stop.borrow() {
            under_way.next().await
        } else {
            tokio::select! {
                finished = under_way.next() => finished,
                () = interrupted => None,
            }
        };
        let Some((index, result)) = finished else {
            continue;
        };
        let step = &plan.steps[index];
        fates[index] = Some(match result {
            Ok(()) => {
                on_event(Event::Done(step));
                Fate::Done
            }
            Err(error) => {
                halted |= matches!(error, StepError::Journal(_));
                on_event(Event::Failed(step));
                Fate::Failed(error)
            }
        });
    }
    let interrupted = *stop.borrow();
    run.settle();
    let fates = fates
        .into_iter()
        .map(|fate| fate.unwrap_or(Fate::NotStarted))
        .collect();
    Report { fates, interrupted }
}

struct Run<'a> {
    plan: &'a Plan,
    sessions: &'a BTreeMap<String, Session<'a>>,
    /// What the server calls which resource; grows as objects are made.
    known: Mutex<BTreeMap<Address, Ident>>,
}

impl Run<'_> {
    /// Tells the ledgers of what needed no request: adoptions, and objects that are gone.
    fn settle(&self) {
        let changing: std::collections::BTreeSet<&Address> = self
            .plan
            .changes
            .iter()
            .map(|change| &change.address)
            .collect();
        for (address, record) in &self.plan.records {
            if let (false, Some(session)) = (
                changing.contains(address),
                self.sessions.get(&address.system),
            ) {
                lock(session.ledger)
                    .records
                    .insert(address.clone(), record.clone());
            }
        }
        for address in &self.plan.forgotten {
            if let Some(session) = self.sessions.get(&address.system) {
                lock(session.ledger).records.remove(address);
            }
        }
    }
}

/// A poisoned lock means that a panic is already on its way; what is behind it is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
