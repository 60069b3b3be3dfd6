//! One writer at a time, where machines share a ledger.
//!
//! A lease is a numbered object: who made the highest number has the lease, for as long as the
//! object says. To take it, to hold on to it and to give it back are all the same: to create the
//! next number, which a store lets only one of several do. The highest number is never deleted, so
//! that numbers are never used twice.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::store::{Store, StoreError};

/// How long a lease lasts unless it is renewed: the longest time for which a run that died keeps
/// others away.
pub const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// How often it is renewed.
const RENEWAL: std::time::Duration = std::time::Duration::from_secs(10);
/// How long before its end nothing is sent any more: as long as a request may be under way.
const MARGIN: SignedDuration = SignedDuration::from_secs(30);
/// How often taking a lease is tried while others take and release it.
const ATTEMPTS: usize = 5;

/// What tells the time.
pub(super) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Who has a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The run, different from every other one.
    pub run: String,
    /// The user, or who started the job.
    pub owner: String,
    /// The machine.
    pub host: String,
    /// The process.
    pub pid: u32,
}

impl Holder {
    /// This process. `variable` gives environment variables.
    pub fn this(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let first = |names: &[&str]| {
            let mut values = names.iter().filter_map(|name| variable(name));
            values.find(|value| !value.is_empty())
        };
        let owner = [
            "GITHUB_ACTOR",
            "GITLAB_USER_LOGIN",
            "USER",
            "LOGNAME",
            "USERNAME",
        ];
        let host = || {
            let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
            Some(name.trim().to_owned())
        };
        Self {
            run: uuid::Uuid::now_v7().simple().to_string(),
            owner: first(&owner).unwrap_or_else(|| "somebody".to_owned()),
            host: first(&["HOSTNAME", "COMPUTERNAME"])
                .or_else(host)
                .unwrap_or_else(|| "an unnamed machine".to_owned()),
            pid: std::process::id(),
        }
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            owner, host, pid, ..
        } = self;
        write!(f, "{owner} on {host} (process {pid})")
    }
}

/// What a numbered object says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Who has the lease.
    #[serde(flatten)]
    pub holder: Holder,
    /// Until when.
    pub until: Timestamp,
    /// Whether it was given back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub released: bool,
}

/// A lease that is held.
#[derive(Debug)]
pub struct Lease {
    inner: Arc<Inner>,
    renewal: Option<tokio::task::JoinHandle<()>>,
    /// Whose lease had ended without being given back.
    taken_from: Option<Ticket>,
}

struct Inner {
    store: Store,
    /// The folder of the numbers.
    folder: String,
    holder: Holder,
    clock: Clock,
    state: Mutex<State>,
    /// Ends the renewals.
    enough: tokio::sync::Notify,
}

#[derive(Clone, Debug)]
struct State {
    number: u64,
    until: Timestamp,
    lost: Option<LeaseLost>,
}

/// A lease that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Somebody else has it.
    #[error("another apply is under way: {} has the lease until {}", .0.holder, .0.until)]
    Held(Box<Ticket>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The object is not what it should be.
    #[error("{0} is not a lease; delete it if no apply is under way")]
    Damaged(String),
}

/// A lease that is not held any more.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LeaseLost {
    /// Somebody else took it.
    #[error("this run lost its lease: {0} took it over, so nothing more is sent")]
    Taken(Box<Holder>),
    /// It could not be renewed in time.
    #[error(
        "this run could not renew its lease in time, so nothing more is sent: another apply may \
         begin at {0}"
    )]
    Ending(Timestamp),
}

impl Lease {
    /// Takes the lease whose numbers are in `folder`, and renews it until it is released or
    /// dropped.
    ///
    /// # Errors
    /// [`LeaseError::Held`] where somebody else has it.
    pub async fn take(
        store: &Store,
        folder: &str,
        holder: &Holder,
        clock: &Clock,
    ) -> Result<Self, LeaseError> {
        let mut lease = Self::take_once(store, folder, holder, clock).await?;
        let inner = Arc::clone(&lease.inner);
        lease.renewal = Some(tokio::spawn(async move {
            while inner.state().lost.is_none() {
                tokio::select! {
                    () = tokio::time::sleep(RENEWAL) => {}
                    () = inner.enough.notified() => return,
                }
                // A store that does not answer may do so next time; `check` knows how long that
                // may go on.
                let _ = inner.renew().await;
            }
        }));
        Ok(lease)
    }

    /// [`Self::take`] without renewal.
    async fn take_once(
        store: &Store,
        folder: &str,
        holder: &Holder,
        clock: &Clock,
    ) -> Result<Self, LeaseError> {
        let mut found = None;
        for _ in 0..ATTEMPTS {
            let numbers = numbers(store, folder).await?;
            let last = numbers.last().copied().unwrap_or(0);
            let before = match last {
                0 => None,
                last => read(store, folder, last).await?,
            };
            let now = clock();
            let until = now + LEASE;
            let before = before.filter(|ticket| !ticket.released);
            if let Some(ticket) = before.clone().filter(|ticket| ticket.until > now) {
                return Err(LeaseError::Held(Box::new(ticket)));
            }
            let inner = Inner {
                store: store.clone(),
                folder: folder.to_owned(),
                holder: holder.clone(),
                clock: Arc::clone(clock),
                state: Mutex::new(State {
                    number: last + 1,
                    until,
                    lost: None,
                }),
                enough: tokio::sync::Notify::new(),
            };
            match inner.create(last + 1, until, false).await? {
                None => {
                    let below = numbers.into_iter().map(|number| name(folder, number));
                    store.delete(below.collect()).await;
                    return Ok(Self {
                        inner: Arc::new(inner),
                        renewal: None,
                        taken_from: before,
                    });
                }
                // Somebody was faster: look at what they made of it.
                Some(ticket) => found = Some(ticket),
            }
        }
        match found {
            Some(ticket) => Err(LeaseError::Held(Box::new(ticket))),
            None => Err(LeaseError::Damaged(store.name(folder))),
        }
    }

    /// Whose lease this one took over, which had ended without being given back.
    pub fn taken_from(&self) -> Option<&Ticket> {
        self.taken_from.as_ref()
    }

    /// Who has it.
    pub fn holder(&self) -> &Holder {
        &self.inner.holder
    }

    /// Whether something may still be sent.
    ///
    /// # Errors
    /// Where the lease is lost, or ends before a request would.
    pub fn check(&self) -> Result<(), LeaseLost> {
        self.inner.check()
    }

    /// Gives it back, so that nobody has to wait for its end.
    pub async fn release(mut self) {
        if let Some(renewal) = self.renewal.take() {
            // One that is under way has to end, so that its number is known.
            self.inner.enough.notify_one();
            let _ = renewal.await;
        }
        let State { number, lost, .. } = self.inner.state();
        if lost.is_none() {
            let until = (self.inner.clock)();
            // One that cannot be given back ends by itself.
            if let Ok(None) = self.inner.create(number + 1, until, true).await {
                let old = name(&self.inner.folder, number);
                self.inner.store.delete(vec![old]).await;
            }
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(renewal) = &self.renewal {
            renewal.abort();
        }
    }
}

impl Inner {
    fn state(&self) -> State {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.clone()
    }

    fn check(&self) -> Result<(), LeaseLost> {
        let State { until, lost, .. } = self.state();
        match lost {
            Some(lost) => Err(lost),
            None if (self.clock)() + MARGIN >= until => Err(LeaseLost::Ending(until)),
            None => Ok(()),
        }
    }

    /// Makes the next number. Finds out as well whether somebody else has made it.
    async fn renew(&self) -> Result<(), LeaseError> {
        let State { number, lost, .. } = self.state();
        if lost.is_some() {
            return Ok(());
        }
        let until = (self.clock)() + LEASE;
        let other = self.create(number + 1, until, false).await?;
        let renewed = other.is_none();
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            match other {
                Some(other) => state.lost = Some(LeaseLost::Taken(Box::new(other.holder))),
                None => (state.number, state.until) = (number + 1, until),
            }
        }
        if renewed {
            self.store.delete(vec![name(&self.folder, number)]).await;
        }
        Ok(())
    }

    /// Creates a number. Returns what is in the way: this number of somebody else, or a higher
    /// one, where this number was free only because it was used and deleted.
    async fn create(
        &self,
        number: u64,
        until: Timestamp,
        released: bool,
    ) -> Result<Option<Ticket>, LeaseError> {
        let ticket = Ticket {
            holder: self.holder.clone(),
            until,
            released,
        };
        // A ticket has nothing that could not be written.
        let text = serde_json::to_string(&ticket).unwrap_or_default();
        match self.store.create(&name(&self.folder, number), text).await {
            Ok(()) => {}
            Err(StoreError::Taken(_)) => {
                let there = read(&self.store, &self.folder, number).await?;
                // The answer to an earlier attempt may have been lost.
                let own = |it: &Ticket| it.holder.run == self.holder.run;
                if let Some(other) = there.filter(|it| !own(it)) {
                    return Ok(Some(other));
                }
            }
            Err(error) => return Err(error.into()),
        }
        let last = numbers(&self.store, &self.folder).await?.pop();
        match last.filter(|last| *last > number) {
            Some(last) => {
                self.store.delete(vec![name(&self.folder, number)]).await;
                read(&self.store, &self.folder, last).await
            }
            None => Ok(None),
        }
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state();
        f.debug_tuple("Inner")
            .field(&self.folder)
            .field(&state)
            .finish()
    }
}

/// Numbers have as many digits as it takes to sort them as text.
fn name(folder: &str, number: u64) -> String {
    format!("{folder}/{number:012}")
}

async fn numbers(store: &Store, folder: &str) -> Result<Vec<u64>, StoreError> {
    let names = store.list(folder).await?;
    let numbers = names.iter().filter_map(|name| {
        let number = name.strip_prefix(folder)?.strip_prefix('/')?;
        number.parse().ok()
    });
    Ok(numbers.collect())
}

async fn read(store: &Store, folder: &str, number: u64) -> Result<Option<Ticket>, LeaseError> {
    let name = name(folder, number);
    let Some((text, _)) = store.read(&name).await? else {
        // It was given back or renewed a moment ago.
        return Ok(None);
    };
    let ticket = serde_json::from_str(&text);
    ticket
        .map(Some)
        .map_err(|_| LeaseError::Damaged(store.name(&name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Journal;
    use std::sync::atomic::{AtomicI64, Ordering};

    fn holder(name: &str) -> Holder {
        Holder {
            run: name.to_owned(),
            owner: name.to_owned(),
            host: "ci-7".to_owned(),
            pid: 4711,
        }
    }

    /// A clock that goes when it is told to.
    fn clock() -> (Arc<AtomicI64>, Clock) {
        let seconds = Arc::new(AtomicI64::new(1_800_000_000));
        let shared = Arc::clone(&seconds);
        let clock = move || Timestamp::from_second(shared.load(Ordering::SeqCst)).unwrap();
        (seconds, Arc::new(clock))
    }

    fn stores() -> (tempfile::TempDir, [Store; 2]) {
        let folder = tempfile::tempdir().unwrap();
        let shared = Store::open("shared", folder.path(), &[]).unwrap();
        (folder, [Store::in_memory(), shared])
    }

    #[tokio::test]
    async fn the_second_one_is_refused_until_the_first_gives_it_back() {
        for store in stores().1 {
            let (_, clock) = clock();
            let first = Lease::take(&store, "x.lease", &holder("ann"), &clock)
                .await
                .unwrap();
            first.check().unwrap();
            let second = Lease::take(&store, "x.lease", &holder("bob"), &clock).await;
            assert_eq!(
                second.unwrap_err().to_string(),
                "another apply is under way: ann on ci-7 (process 4711) has the lease until \
                 2027-01-15T08:01:00Z"
            );
            // Another environment is another lease.
            let other = Lease::take(&store, "y.lease", &holder("bob"), &clock).await;
            other.unwrap().release().await;
            first.release().await;
            let second = Lease::take(&store, "x.lease", &holder("bob"), &clock)
                .await
                .unwrap();
            assert!(second.taken_from().is_none());
            second.release().await;
            let left = store.list("").await.unwrap();
            assert_eq!(left.len(), 2, "one number of each stays: {left:?}");
        }
    }

    #[tokio::test]
    async fn a_dead_one_blocks_for_its_lease_and_is_told_of_when_it_comes_back() {
        for store in stores().1 {
            let (seconds, clock) = clock();
            let take =
                async |name: &str| Lease::take_once(&store, "x.lease", &holder(name), &clock).await;
            let dead = take("ann").await.unwrap();
            seconds.fetch_add(LEASE.as_secs() - 1, Ordering::SeqCst);
            assert!(matches!(take("bob").await, Err(LeaseError::Held(_))));
            // It must not send anything that would still be under way when the lease ends.
            assert!(matches!(dead.check(), Err(LeaseLost::Ending(_))));
            seconds.fetch_add(1, Ordering::SeqCst);
            let next = take("bob").await.unwrap();
            assert_eq!(next.taken_from().unwrap().holder.owner, "ann");
            next.check().unwrap();
            dead.inner.renew().await.unwrap();
            let lost = dead.check().unwrap_err().to_string();
            assert!(
                lost.contains("bob on ci-7 (process 4711) took it over"),
                "{lost}"
            );
            // What the dead one does does not disturb the living.
            dead.release().await;
            next.inner.renew().await.unwrap();
            next.check().unwrap();
        }
    }

    #[tokio::test]
    async fn without_its_lease_a_journal_takes_no_intent() {
        let store = Store::in_memory();
        let (seconds, clock) = clock();
        let lease = Lease::take_once(&store, "x.lease", &holder("ann"), &clock).await;
        let lease = Arc::new(lease.unwrap());
        let journal = Journal::in_store(&store, "x.1.journal".to_owned(), Arc::clone(&lease), "d");
        let journal = journal.await.unwrap();
        let address = "workspaces.a".parse().unwrap();
        journal.intent(&address, "POST", "/x", None).await.unwrap();
        let before = store.list("").await.unwrap();
        seconds.fetch_add(40, Ordering::SeqCst);
        let refused = journal
            .intent(&address, "POST", "/x", None)
            .await
            .unwrap_err();
        assert!(
            refused
                .to_string()
                .contains("could not renew its lease in time"),
            "{refused}"
        );
        assert_eq!(store.list("").await.unwrap(), before);
        lease.inner.renew().await.unwrap();
        journal.intent(&address, "POST", "/x", None).await.unwrap();
    }

    #[tokio::test]
    async fn a_renewed_lease_lasts_and_numbers_are_not_used_twice() {
        let store = Store::in_memory();
        let (seconds, clock) = clock();
        let take =
            async |name: &str| Lease::take_once(&store, "x.lease", &holder(name), &clock).await;
        let sleeper = take("ann").await.unwrap();
        seconds.fetch_add(LEASE.as_secs(), Ordering::SeqCst);
        let awake = take("bob").await.unwrap();
        for _ in 0..10 {
            seconds.fetch_add(20, Ordering::SeqCst);
            awake.inner.renew().await.unwrap();
            awake.check().unwrap();
        }
        // The next number of the sleeper was used, and deleted, long ago.
        sleeper.inner.renew().await.unwrap();
        assert!(matches!(sleeper.check(), Err(LeaseLost::Taken(_))));
        awake.inner.renew().await.unwrap();
        awake.check().unwrap();
        assert_eq!(store.list("").await.unwrap(), ["x.lease/000000000013"]);
    }

    #[tokio::test]
    async fn of_many_at_once_one_gets_it() {
        let store = Store::in_memory();
        let (_, clock) = clock();
        let takes = (0..20).map(|at| {
            let (store, clock) = (store.clone(), Arc::clone(&clock));
            let take = async move {
                Lease::take_once(&store, "x.lease", &holder(&at.to_string()), &clock).await
            };
            tokio::spawn(take)
        });
        let takes = futures_util::future::join_all(takes.collect::<Vec<_>>()).await;
        let held = takes.into_iter().filter_map(|take| take.unwrap().ok());
        assert_eq!(held.count(), 1);
    }
}
