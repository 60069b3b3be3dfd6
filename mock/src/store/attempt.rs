//! A write that may yet be refused: it changes the state in place, and all of it is taken back unless it is kept.
//!
//! A copy to work on would be simpler. But persistent maps copy what they share with another state, which costs a
//! creation more than everything else that it does.

use std::sync::Arc;

use imbl::{HashMap, OrdMap};

use super::clock::Clock;
use super::record::Record;
use super::usage::Usage;
use super::{Account, State};
use crate::engine::identity::Ids;

/// What has to be done to take a write back, in the order in which it was done.
pub(super) type Changes = Vec<Change>;

/// The place of an object in a collection, and what was there before.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) resource: Arc<str>,
    pub(super) sequence: u64,
    pub(super) former: Option<Arc<Record>>,
}

/// A write in progress.
#[derive(Debug)]
pub(super) struct Attempt<'s> {
    pub(super) state: &'s mut State,
    before: Before,
}

/// All of a state but its objects: it is small, or shared until it changes.
#[derive(Debug)]
struct Before {
    next: u64,
    clock: Clock,
    ids: Ids,
    accounts: HashMap<String, Account>,
    usage: Usage,
    answered: OrdMap<u64, i64>,
}

impl Attempt<'_> {
    pub(super) fn on(state: &mut State) -> Attempt<'_> {
        state.changes = Some(Changes::new());
        let before = Before {
            next: state.next,
            clock: state.clock.clone(),
            ids: state.ids.clone(),
            accounts: state.accounts.clone(),
            usage: state.usage.clone(),
            answered: state.answered.clone(),
        };
        Attempt { state, before }
    }

    /// Keeps what was written.
    pub(super) fn keep(self) {
        self.state.changes = None;
    }
}

impl Drop for Attempt<'_> {
    /// Takes back what is not kept; after a panic, too.
    fn drop(&mut self) {
        let Some(changes) = self.state.changes.take() else {
            return;
        };
        for Change {
            resource,
            sequence,
            former,
        } in changes.into_iter().rev()
        {
            match former {
                Some(former) => self.state.collection_mut(&resource).put_back(former),
                None => drop(self.state.remove(&resource, sequence)),
            }
        }
        let before = &mut self.before;
        self.state.next = before.next;
        std::mem::swap(&mut self.state.clock, &mut before.clock);
        std::mem::swap(&mut self.state.ids, &mut before.ids);
        std::mem::swap(&mut self.state.accounts, &mut before.accounts);
        std::mem::swap(&mut self.state.usage, &mut before.usage);
        std::mem::swap(&mut self.state.answered, &mut before.answered);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use fastrand::Rng;
    use serde_json::Map;

    use super::Attempt;
    use crate::store::State;
    use crate::store::record::{Link, Object, Record};

    /// Does something to a state.
    fn change(state: &mut State, random: &mut Rng) {
        let resource = ["one", "two", "three"][random.usize(..3)];
        let there: Vec<Arc<Record>> = state
            .collection(resource)
            .map(|collection| collection.records().values().cloned().collect())
            .unwrap_or_default();
        let known = random.choice(&there).cloned();
        let name = |random: &mut Rng| Arc::<str>::from(format!("name-{}", random.u8(..40)));
        match (random.u8(..4), known) {
            (0, Some(known)) => drop(state.remove(resource, known.sequence)),
            (1, Some(known)) => {
                let mut updated = Record::clone(&known);
                updated.fields = Object::new(Map::new());
                state.put(resource, updated);
            }
            (2, Some(known)) => {
                let mut moved = Record::clone(&known);
                // Slugs are unique, as whoever writes sees to.
                let slug = format!("{}-{}", name(random), known.sequence);
                (moved.slug, moved.archived) = (Some(Arc::from(slug)), random.bool());
                moved.links.clear();
                state.put(resource, moved);
            }
            _ => {
                let sequence = state.next_sequence();
                let record = Record {
                    sequence,
                    id: Arc::from(state.ids.id()),
                    slug: Some(Arc::from(format!("{}-{sequence}", name(random)))),
                    within: name(random),
                    archived: random.bool(),
                    fields: Object::new(Map::new()),
                    links: vec![Link {
                        field: Arc::from("to"),
                        target: name(random),
                    }],
                    history: imbl::Vector::new(),
                };
                state.put(resource, record);
            }
        }
        let user = &mut state.account_mut("api").user_id;
        *user = name(random);
        state.usage.add(&name(random), &name(random), 1, 1.0);
        state.answered.insert(random.u64(..), 1);
    }

    /// Everything in a state.
    fn content(state: &State) -> impl PartialEq + std::fmt::Debug + use<> {
        let collections = state.collections();
        let collections: BTreeMap<String, _> = collections
            .map(|(resource, collection)| (resource.to_owned(), collection.content()))
            .collect();
        let rest = format!("{:?} {:?} {:?}", state.usage, state.answered, state.clock);
        (
            collections,
            state.count(),
            state.ids.seed(),
            state.accounts.clone(),
            rest,
        )
    }

    #[test]
    fn what_is_not_kept_is_taken_back() {
        let mut random = Rng::with_seed(7);
        for round in 0..200 {
            let mut state = State::default();
            for _ in 0..round {
                change(&mut state, &mut random);
            }
            let before = content(&state);
            // Somebody else may hold the state, too.
            let held = random.bool().then(|| state.clone());
            let attempt = Attempt::on(&mut state);
            for _ in 0..random.u8(1..30) {
                change(attempt.state, &mut random);
            }
            drop(attempt);
            assert_eq!(content(&state), before, "round {round}");
            assert!(held.is_none_or(|held| content(&held) == before));

            let attempt = Attempt::on(&mut state);
            change(attempt.state, &mut random);
            let after = content(attempt.state);
            attempt.keep();
            assert_eq!(content(&state), after);
            assert_ne!(content(&state), before);
        }
    }
}
