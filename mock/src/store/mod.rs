//! Everything the mock remembers.
//!
//! The state is made of persistent (structure-sharing) maps. A write works on a fork of the state
//! and replaces the state only when it succeeds, so a refused request leaves no trace, a reader
//! never waits for a writer, and a snapshot is one `Arc`.

pub(crate) mod clock;
pub(crate) mod collection;
pub(crate) mod record;

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use imbl::HashMap;

use self::clock::Clock;
use self::collection::Collection;

/// The state at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    collections: HashMap<String, Arc<Collection>>,
    /// The next insertion number, shared by all collections.
    next: u64,
    pub(crate) clock: Clock,
    pub(crate) account: Account,
}

/// What the account is made of before anyone writes to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    pub(crate) organisation_id: Arc<str>,
    /// The user behind the built-in key.
    pub(crate) user_id: Arc<str>,
    /// The workspace that a request means when it names none.
    pub(crate) default_workspace: Arc<str>,
}

impl State {
    /// The collection of a resource; `None` while nothing was ever put into it.
    pub(crate) fn collection(&self, resource: &str) -> Option<&Collection> {
        self.collections.get(resource).map(Arc::as_ref)
    }

    /// The collection of a resource, for writing.
    pub(crate) fn collection_mut(&mut self, resource: &str) -> &mut Collection {
        Arc::make_mut(self.collections.entry(resource.to_owned()).or_default())
    }

    /// Takes the next insertion number.
    pub(crate) fn next_sequence(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

/// The state shared by all requests.
#[derive(Debug)]
pub(crate) struct Store {
    current: RwLock<Arc<State>>,
    /// Held for the length of one write; writes are short and never wait for anything.
    writing: Mutex<()>,
}

impl Store {
    pub(crate) fn new(state: State) -> Self {
        Store {
            current: RwLock::new(Arc::new(state)),
            writing: Mutex::new(()),
        }
    }

    /// The state as it is now. It does not change afterwards.
    pub(crate) fn read(&self) -> Arc<State> {
        // A panicking writer cannot leave a half-written state behind, so poison means nothing.
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs a write against a fork of the state and keeps the fork if the write succeeds.
    pub(crate) fn write<T, E>(
        &self,
        write: impl FnOnce(&mut State) -> Result<T, E>,
    ) -> Result<T, E> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut fork = State::clone(&self.read());
        let outcome = write(&mut fork)?;
        drop(self.replace(fork));
        Ok(outcome)
    }

    /// Puts another state in place of the current one, and hands that back: dropping a large one
    /// takes long.
    pub(crate) fn replace(&self, state: State) -> Arc<State> {
        let state = Arc::new(state);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *current, state)
    }
}
