//! Everything the mock remembers.
//!
//! The state is made of persistent (structure-sharing) maps, so that a snapshot is one `Arc`, and what a reader has does
//! not change. A write changes the current state in place; what others still hold is copied as far as it changes. A
//! write that is refused takes its changes back.

mod attempt;
pub(crate) mod clock;
pub(crate) mod collection;
pub(crate) mod delta;
pub(crate) mod lag;
pub(crate) mod record;
pub(crate) mod usage;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock, RwLockWriteGuard};

use imbl::{HashMap, OrdMap};
use serde::{Deserialize, Serialize};

use self::attempt::{Attempt, Change, Changes};
use self::clock::{Clock, Time};
use self::collection::Collection;
use self::delta::Delta;
use self::lag::{Lag, Past};
use self::record::Record;
use self::usage::Usage;
use crate::engine::error::ApiError;
use crate::engine::identity::Ids;
use crate::statefile::Book;
use crate::statefile::event::Event;

/// The state at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    collections: BTreeMap<Arc<str>, Arc<Collection>>,
    /// What the write in progress has changed so far; none between writes.
    changes: Option<Changes>,
    /// The next insertion number, shared by all collections.
    next: u64,
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    /// The account of each API, by the API's name.
    accounts: HashMap<String, Account>,
    /// What was used of budgets and rates.
    pub(crate) usage: Usage,
    /// When the gateway's cache was filled, by a hash of the question.
    pub(crate) answered: OrdMap<u64, i64>,
}

/// What an account is made of before anyone writes to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) organisation_id: Arc<str>,
    /// The user behind the built-in key.
    pub(crate) user_id: Arc<str>,
    /// The workspace that a request means when it names none.
    pub(crate) default_workspace: Arc<str>,
}

/// The account of an API that nobody has used so far.
static NOBODY: LazyLock<Account> = LazyLock::new(|| Account {
    organisation_id: Arc::default(),
    user_id: Arc::default(),
    default_workspace: Arc::default(),
});

impl State {
    /// An empty state that goes by this time and these ids.
    pub(crate) fn new(time: Arc<Time>, ids: Ids) -> State {
        State {
            clock: Clock::new(time),
            ids,
            ..State::default()
        }
    }

    /// The account of an API.
    pub(crate) fn account(&self, api: &str) -> &Account {
        self.accounts.get(api).unwrap_or(&NOBODY)
    }

    /// The account of an API, for writing.
    pub(crate) fn account_mut(&mut self, api: &str) -> &mut Account {
        let account = self.accounts.entry(api.to_owned());
        account.or_insert_with(|| NOBODY.clone())
    }

    /// Whether an API has an account already.
    pub(crate) fn has_account(&self, api: &str) -> bool {
        self.accounts.contains_key(api)
    }

    /// The collection of a resource; `None` while nothing is in it.
    pub(crate) fn collection(&self, resource: &str) -> Option<&Collection> {
        self.collections.get(resource).map(Arc::as_ref)
    }

    /// All collections, by the names of their resources.
    pub(crate) fn collections(&self) -> impl Iterator<Item = (&str, &Collection)> {
        let collections = self.collections.iter();
        collections.map(|(resource, collection)| (&**resource, collection.as_ref()))
    }

    fn collection_mut(&mut self, resource: &str) -> &mut Collection {
        let name = self.shared(resource);
        Arc::make_mut(self.collections.entry(name).or_default())
    }

    /// The name of a resource, as its collection has it if there is one.
    fn shared(&self, resource: &str) -> Arc<str> {
        let known = self.collections.get_key_value(resource);
        known.map_or_else(|| Arc::from(resource), |(name, _)| Arc::clone(name))
    }

    /// Remembers what there is in a place before a write changes it.
    fn note(&mut self, resource: &str, sequence: u64) {
        if self.changes.is_none() {
            return;
        }
        let change = Change {
            resource: self.shared(resource),
            sequence,
            former: self
                .collection(resource)
                .and_then(|collection| collection.at(sequence).cloned()),
        };
        self.changes.get_or_insert_default().push(change);
    }

    /// Puts an object into the collection of a resource, in place of the one with the same number if there is one.
    pub(crate) fn put(&mut self, resource: &str, record: Record) {
        self.note(resource, record.sequence);
        self.collection_mut(resource).put(record);
    }

    /// Takes an object out of the collection of a resource.
    pub(crate) fn remove(&mut self, resource: &str, sequence: u64) -> Option<Arc<Record>> {
        self.note(resource, sequence);
        let collection = self.collection_mut(resource);
        let gone = collection.remove(sequence);
        if collection.records().is_empty() {
            self.collections.remove(resource);
        }
        gone
    }

    /// How many objects were ever made.
    pub(crate) fn count(&self) -> u64 {
        self.next
    }

    /// Takes the next insertion number.
    pub(crate) fn next_sequence(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

/// How often a request looks whether it can write before it waits for that.
const PATIENCE: usize = 100;

/// The state shared by all requests.
#[derive(Debug)]
pub(crate) struct Store {
    /// Locked for the length of one write; writes are short and wait for nothing but the state file.
    current: RwLock<Arc<State>>,
    /// Where changes are written down.
    book: Book,
    /// What reads that lag behind still see.
    past: Past,
}

impl Store {
    pub(crate) fn new(state: State, book: Book, lag: &Lag) -> Self {
        Store {
            current: RwLock::new(Arc::new(state)),
            book,
            past: Past::new(lag),
        }
    }

    /// Waits while somebody else writes, for requests, which come many at a time: one that waits here lets its thread
    /// serve others. A thread that waits for the lock of the state sleeps, which takes longer than most writes.
    pub(crate) async fn turn(&self) {
        for _ in 0..PATIENCE {
            if self.current.try_write().is_ok() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// The state as it is now. It does not change afterwards.
    pub(crate) fn read(&self) -> Arc<State> {
        // A panicking writer leaves no half-written state behind, so poison means nothing.
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn writing(&self) -> RwLockWriteGuard<'_, Arc<State>> {
        self.current.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads from the state as it was before the lag. What was not there yet then (an object that a request names) is
    /// read from the first state that has it.
    pub(crate) fn read_late<T>(
        &self,
        read: impl Fn(&State) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let current = self.read();
        let earlier = self.past.seen(&current);
        let found = earlier.iter().find_map(|state| read(state).ok());
        found.map_or_else(|| read(&current), Ok)
    }

    /// Lets all reads see what there is now.
    pub(crate) fn settle(&self) {
        self.past.clear();
    }

    /// Runs a write, and keeps what it changed if it succeeds and can be written down.
    pub(crate) fn write<T>(
        &self,
        write: impl FnOnce(&mut State) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let _changing = self.book.changing();
        let mut current = self.writing();
        // Keeping the former state makes the write copy what it changes, so only who compares does.
        let compared = self.book.is_kept() || self.past.is_kept();
        let former = compared.then(|| Arc::clone(&current));
        let attempt = Attempt::on(Arc::make_mut(&mut current));
        let outcome = write(attempt.state)?;
        if let Some(former) = former {
            self.book
                .note(|| Event::Change(Delta::between(&former, attempt.state)))?;
            self.past.keep(former);
        }
        attempt.keep();
        Ok(outcome)
    }

    /// The state as it is, which an event is about, while nobody writes to it. Whoever calls holds [`Book::changing`].
    pub(crate) fn hold(&self, event: impl FnOnce() -> Event) -> Result<Arc<State>, ApiError> {
        let current = self.writing();
        self.book.note(event)?;
        Ok(Arc::clone(&current))
    }

    /// Puts another state in place of the current one, and hands that back: dropping a large one takes long. Whoever
    /// calls holds [`Book::changing`].
    pub(crate) fn replace(
        &self,
        event: impl FnOnce() -> Event,
        state: State,
    ) -> Result<Arc<State>, ApiError> {
        let mut current = self.writing();
        self.book.note(event)?;
        self.past.clear();
        Ok(std::mem::replace(&mut *current, Arc::new(state)))
    }

    /// Puts another state in place of the current one without writing that down.
    pub(crate) fn put_back(&self, state: State) -> Arc<State> {
        let mut current = self.writing();
        self.past.clear();
        std::mem::replace(&mut *current, Arc::new(state))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Map, Value};

    use super::lag::Lag;
    use super::record::{Link, Object, Record};
    use super::{State, Store};
    use crate::engine::error::ApiError;
    use crate::statefile::Book;

    fn put(state: &mut State, id: &str, slug: &str, target: &str) -> u64 {
        let sequence = state.next_sequence();
        let mut fields = Map::new();
        fields.insert("id".to_owned(), Value::from(id));
        let link = Link {
            field: Arc::from("workspace_id"),
            target: Arc::from(target),
        };
        let record = Record {
            sequence,
            id: Arc::from(id),
            slug: Some(Arc::from(slug)),
            within: Arc::from(target),
            archived: false,
            fields: Object::new(fields),
            links: vec![link],
            history: imbl::Vector::new(),
        };
        state.put("thing", record);
        sequence
    }

    #[test]
    fn a_refused_write_leaves_no_trace() {
        let store = Store::new(State::default(), Book::default(), &Lag::default());
        let refused = store.write(|state| {
            put(state, "1", "a", "w");
            Err::<(), _>(ApiError::invalid("no"))
        });
        assert_eq!(refused.unwrap_err().message, "no");
        assert!(store.read().collection("thing").is_none());
    }

    #[test]
    fn a_panic_in_a_write_does_not_lock_the_store() {
        let store = Store::new(State::default(), Book::default(), &Lag::default());
        let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _ = store.write(|state| -> Result<(), ApiError> {
                put(state, "1", "a", "w");
                panic!("in the middle of a write")
            });
        }));
        assert!(broken.is_err());
        assert!(store.read().collection("thing").is_none());
        store.write(|state| Ok(put(state, "2", "b", "w"))).unwrap();
        assert!(
            store
                .read()
                .collection("thing")
                .unwrap()
                .by_id("2")
                .is_some()
        );
    }

    #[test]
    fn a_snapshot_does_not_see_later_writes() {
        let store = Store::new(State::default(), Book::default(), &Lag::default());
        store.write(|state| Ok(put(state, "1", "a", "w"))).unwrap();
        let before = store.read();
        store.write(|state| Ok(put(state, "2", "b", "w"))).unwrap();
        assert_eq!(before.collection("thing").unwrap().active().len(), 1);
        assert_eq!(store.read().collection("thing").unwrap().active().len(), 2);
    }

    #[test]
    fn indexes_follow_every_change() {
        let mut state = State::default();
        let numbers: Vec<u64> = (0..1000)
            .map(|i| put(&mut state, &i.to_string(), "same", &format!("w{i}")))
            .collect();
        let things = state.collection_mut("thing");
        let link = |target: &str| Link {
            field: Arc::from("workspace_id"),
            target: Arc::from(target),
        };
        assert_eq!(&*things.by_slug("same", "w7").unwrap().id, "7");
        assert_eq!(&*things.by_slug_anywhere("same").unwrap().id, "0");
        things.remove(numbers[0]);
        assert_eq!(&*things.by_slug_anywhere("same").unwrap().id, "1");
        assert!(things.by_slug("same", "w0").is_none() && things.by_id("0").is_none());
        assert!(things.linked(&link("w0")).is_none());

        // Moving an object changes where it is found.
        let mut moved = Record::clone(things.by_id("7").unwrap());
        moved.slug = Some(Arc::from("other"));
        moved.links = vec![link("w8")];
        things.put(moved);
        assert!(things.by_slug("same", "w7").is_none() && things.linked(&link("w7")).is_none());
        assert_eq!(&*things.by_slug_anywhere("other").unwrap().id, "7");
        let both: Vec<u64> = things
            .linked(&link("w8"))
            .unwrap()
            .iter()
            .copied()
            .collect();
        assert_eq!(
            both,
            [numbers[7], numbers[8]],
            "still in the order of creation"
        );

        // An archived object is only found by its id and in the archive.
        let mut archived = Record::clone(things.by_id("8").unwrap());
        archived.archived = true;
        things.put(archived);
        assert_eq!(things.archived().len(), 1);
        assert_eq!(things.active().len(), 998);
        assert!(things.by_slug("same", "w8").is_none());
        assert!(things.by_id("8").unwrap().archived);
    }
}
