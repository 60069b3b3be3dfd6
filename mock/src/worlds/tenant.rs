//! An organisation in all its states: the current one, snapshots of it, and branches of those.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::engine::error::ApiError;
use crate::statefile::Book;
use crate::statefile::event::Event;
use crate::store::lag::Lag;
use crate::store::{State, Store};

use super::MOST;

/// The name of the snapshot that every tenant has from the beginning.
pub(crate) const INITIAL: &str = "initial";

/// The longest name of a snapshot or a branch, in bytes.
const LONGEST_NAME: usize = 200;

/// An organisation in all its states.
#[derive(Debug)]
pub(crate) struct Tenant {
    store: Arc<Store>,
    named: RwLock<Named>,
    pub(super) book: Book,
    lag: Lag,
}

#[derive(Debug, Default)]
struct Named {
    snapshots: BTreeMap<Arc<str>, Arc<State>>,
    branches: BTreeMap<Arc<str>, Arc<Store>>,
}

impl Tenant {
    /// An organisation that begins with this state.
    pub(super) fn new(state: State, book: Book, lag: &Lag) -> Tenant {
        let store = Store::new(State::default(), book.clone(), lag);
        let tenant = Tenant {
            store: Arc::new(store),
            named: RwLock::default(),
            book,
            lag: lag.clone(),
        };
        tenant.begin(state);
        tenant
    }

    /// Begins with this state.
    pub(super) fn begin(&self, state: State) {
        drop(self.store.put_back(state));
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        *named = Named::default();
        named
            .snapshots
            .insert(Arc::from(INITIAL), self.store.read());
    }

    /// The current state, or the branch that a header names: `snapshot` or `snapshot/branch`. A
    /// branch begins when it is named for the first time.
    pub(crate) fn store(&self, branch: Option<&str>) -> Result<Arc<Store>, ApiError> {
        let Some(branch) = branch else {
            return Ok(Arc::clone(&self.store));
        };
        let named = self.named.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = named.branches.get(branch) {
            return Ok(Arc::clone(store));
        }
        drop(named);
        let _changing = self.book.changing();
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        let state = named.snapshot(origin(branch))?;
        if let Some(store) = named.branches.get(branch) {
            return Ok(Arc::clone(store));
        }
        check_room(branch, named.branches.len())?;
        let book = self.book.branch(branch);
        book.note(|| Event::Begin)?;
        let store = Arc::new(Store::new(State::clone(&state), book, &self.lag));
        named.branches.insert(Arc::from(branch), Arc::clone(&store));
        Ok(store)
    }

    /// Keeps a state under a name.
    pub(crate) fn take(&self, name: &str, store: &Store) -> Result<(), ApiError> {
        if name == INITIAL {
            return Err(ApiError::invalid(format!(
                "{INITIAL} is the state at the start; choose another name"
            )));
        }
        if name.is_empty() || name.contains('/') {
            return Err(ApiError::invalid("A snapshot has a name without /"));
        }
        let _changing = self.book.changing();
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        if !named.snapshots.contains_key(name) {
            check_room(name, named.snapshots.len())?;
        }
        let name = Arc::<str>::from(name);
        let state = store.hold(|| Event::Take(Arc::clone(&name)))?;
        named.snapshots.insert(name, state);
        Ok(())
    }

    /// Puts the state that was kept under a name in place of another.
    pub(crate) fn restore(&self, name: &str, store: &Store) -> Result<(), ApiError> {
        let _changing = self.book.changing();
        let named = self.named.read().unwrap_or_else(PoisonError::into_inner);
        let state = named.snapshot(name)?;
        drop(named);
        later(store.replace(|| Event::Restore(Arc::from(name)), State::clone(&state))?);
        Ok(())
    }

    /// Forgets a snapshot and the branches that began with it.
    pub(crate) fn forget(&self, name: &str) -> Result<(), ApiError> {
        if name == INITIAL {
            return Err(ApiError::invalid(format!(
                "{INITIAL} is the state at the start and stays"
            )));
        }
        let _changing = self.book.changing();
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        named.snapshot(name)?;
        self.book.note(|| Event::Forget(Arc::from(name)))?;
        let kept = named.snapshots.remove(name);
        let (gone, stays) = std::mem::take(&mut named.branches)
            .into_iter()
            .partition(|(branch, _)| origin(branch) == name);
        let gone: BTreeMap<_, _> = gone;
        named.branches = stays;
        later((kept, gone));
        Ok(())
    }

    /// The names of the snapshots, each with the branches that began with it.
    pub(crate) fn names(&self) -> Vec<(String, Vec<String>)> {
        let named = self.named.read().unwrap_or_else(PoisonError::into_inner);
        let names = named.snapshots.keys().map(|name| {
            let of = |branch: &&Arc<str>| origin(branch) == &**name;
            let branches = named.branches.keys().filter(of).map(ToString::to_string);
            (name.to_string(), branches.collect())
        });
        names.collect()
    }

    /// Ends a branch: the next request that names it begins it anew.
    pub(crate) fn end_branch(&self, branch: &str) -> Result<(), ApiError> {
        let _changing = self.book.changing();
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        if named.branches.contains_key(branch) {
            self.book.branch(branch).note(|| Event::End)?;
            later(named.branches.remove(branch));
        }
        Ok(())
    }

    /// Lets all reads of the current state see what there is now.
    pub(crate) fn settle(&self) {
        self.store.settle();
    }

    /// Makes the current state the one at the start.
    pub(super) fn start_here(&self) -> Result<(), ApiError> {
        let _changing = self.book.changing();
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        self.store.settle();
        let state = self.store.hold(|| Event::Start)?;
        named.snapshots.insert(Arc::from(INITIAL), state);
        Ok(())
    }

    /// Goes back to the state at the start and forgets all others; whoever calls writes that down.
    pub(super) fn reset(&self) -> Result<(), ApiError> {
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        let state = named.snapshot(INITIAL)?;
        later(self.store.put_back(State::clone(&state)));
        named.snapshots.retain(|name, _| &**name == INITIAL);
        later(std::mem::take(&mut named.branches));
        Ok(())
    }

    /// All its states, for writing them down; nothing changes meanwhile.
    pub(super) fn states(&self) -> States {
        let named = self.named.read().unwrap_or_else(PoisonError::into_inner);
        let branches = named.branches.iter();
        States {
            book: self.book.clone(),
            current: self.store.read(),
            snapshots: named.snapshots.clone(),
            branches: branches
                .map(|(name, store)| (Arc::clone(name), store.read()))
                .collect(),
        }
    }
}

/// All states of an organisation at one moment.
#[derive(Debug)]
pub(super) struct States {
    pub(super) book: Book,
    pub(super) current: Arc<State>,
    pub(super) snapshots: BTreeMap<Arc<str>, Arc<State>>,
    pub(super) branches: BTreeMap<Arc<str>, Arc<State>>,
}

/// The snapshot that a branch began as.
pub(super) fn origin(branch: &str) -> &str {
    branch.split_once('/').map_or(branch, |(name, _)| name)
}

impl Named {
    fn snapshot(&self, name: &str) -> Result<Arc<State>, ApiError> {
        self.snapshots.get(name).cloned().ok_or_else(|| {
            let known: Vec<&str> = self.snapshots.keys().map(AsRef::as_ref).collect();
            ApiError::not_found(format!(
                "There is no snapshot of that name; there are: {}",
                known.join(", ")
            ))
        })
    }
}

fn check_room(name: &str, count: usize) -> Result<(), ApiError> {
    if name.len() > LONGEST_NAME {
        return Err(ApiError::invalid(format!(
            "A name has at most {LONGEST_NAME} bytes"
        )));
    }
    if count >= MOST {
        return Err(ApiError::invalid(format!(
            "The mock keeps at most {MOST} of them; delete some first"
        )));
    }
    Ok(())
}

/// Dropping a large state takes long; the answer need not wait for it.
pub(super) fn later(former: impl Send + 'static) {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(move || drop(former))),
        Err(_) => drop(former),
    }
}
