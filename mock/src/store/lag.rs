//! Reads that lag behind writes, as those of an API do that answers reads from copies.
//!
//! While there is no lag, all of this costs a read one relaxed load, and a write another.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::State;

/// How many former states are kept, in case a clock that stands still makes none of them too old.
const MOST: usize = 10_000;

/// How many milliseconds it takes until reads see a write; by the mock's clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lag(Arc<AtomicI64>);

impl Lag {
    pub(crate) fn new(lag: Option<Duration>) -> Lag {
        let made = Lag::default();
        made.set(lag);
        made
    }

    pub(crate) fn set(&self, lag: Option<Duration>) {
        let lag = lag.unwrap_or_default().as_millis();
        let lag = i64::try_from(lag).unwrap_or(i64::MAX);
        self.0.store(lag, Ordering::Relaxed);
    }

    pub(crate) fn milliseconds(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The states before the current one, as far as reads still see them, the oldest first.
#[derive(Debug)]
pub(crate) struct Past {
    lag: Lag,
    states: Mutex<VecDeque<Former>>,
}

/// A state that was the current one until a millisecond, under a setting of the clock.
#[derive(Debug)]
struct Former {
    until: i64,
    setting: u64,
    state: Arc<State>,
}

impl Past {
    pub(crate) fn new(lag: &Lag) -> Past {
        Past {
            lag: lag.clone(),
            states: Mutex::default(),
        }
    }

    fn states(&self) -> MutexGuard<'_, VecDeque<Former>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether former states are kept.
    pub(crate) fn is_kept(&self) -> bool {
        self.lag.milliseconds() != 0
    }

    /// Keeps a state whose time is over, if any is kept.
    pub(crate) fn keep(&self, state: Arc<State>) {
        let lag = self.lag.milliseconds();
        if lag == 0 {
            return;
        }
        let time = state.clock.time();
        let (now, setting) = (time.millisecond(), time.settings());
        let mut states = self.states();
        let over =
            |former: &Former| former.setting != setting || former.until <= now.saturating_sub(lag);
        while states.front().is_some_and(over) || states.len() >= MOST {
            states.pop_front();
        }
        states.push_back(Former {
            until: now,
            setting,
            state,
        });
    }

    /// The states that were current since the lag began, the oldest first.
    pub(crate) fn seen(&self, current: &State) -> Vec<Arc<State>> {
        let lag = self.lag.milliseconds();
        if lag == 0 {
            return Vec::new();
        }
        let time = current.clock.time();
        let (then, setting) = (time.millisecond().saturating_sub(lag), time.settings());
        let states = self.states();
        let seen = states.iter();
        seen.filter(|former| former.setting == setting && former.until > then)
            .map(|former| Arc::clone(&former.state))
            .collect()
    }

    /// Forgets all former states.
    pub(crate) fn clear(&self) {
        self.states().clear();
    }
}
