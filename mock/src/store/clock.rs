//! What time it is for the mock, and the time that goes into stored objects.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::engine::error::ApiError;
use crate::statefile::Book;
use crate::statefile::event::Event;

/// Stands in [`Time::stopped`] for a clock that runs.
const RUNNING: i64 = i64::MIN;

/// The time of a mock, which everything in it goes by: the system's own, that with a distance, or
/// one that stands still. It is read on every request, and so it is made of numbers without a lock.
#[derive(Debug)]
pub(crate) struct Time {
    /// The millisecond at which the clock stands still.
    stopped: AtomicI64,
    /// How far a clock that runs is ahead of the system's.
    ahead: AtomicI64,
    /// How often the clock was set.
    settings: AtomicU64,
    /// How often it was when the mock began.
    start: AtomicU64,
    /// Where its being set is written down.
    book: Book,
}

/// How the clock is set, as data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Setting {
    /// None for a clock that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stopped: Option<i64>,
    ahead: i64,
    settings: u64,
    start: u64,
}

impl Default for Time {
    fn default() -> Self {
        Time::new(Book::default())
    }
}

impl Time {
    /// The system's time. Its being set is written down in the book.
    pub(crate) fn new(book: Book) -> Time {
        Time {
            stopped: AtomicI64::new(RUNNING),
            ahead: AtomicI64::new(0),
            settings: AtomicU64::new(0),
            start: AtomicU64::new(0),
            book,
        }
    }

    /// How the clock is set.
    pub(crate) fn setting(&self) -> Setting {
        let stopped = self.stopped.load(Ordering::Relaxed);
        Setting {
            stopped: (stopped != RUNNING).then_some(stopped),
            ahead: self.ahead.load(Ordering::Relaxed),
            settings: self.settings.load(Ordering::Relaxed),
            start: self.start.load(Ordering::Relaxed),
        }
    }

    /// Sets the clock as one was set that was written down.
    pub(crate) fn put(&self, setting: Setting) {
        let stopped = setting.stopped.unwrap_or(RUNNING);
        self.stopped.store(stopped, Ordering::Relaxed);
        self.ahead.store(setting.ahead, Ordering::Relaxed);
        self.settings.store(setting.settings, Ordering::Relaxed);
        self.start.store(setting.start, Ordering::Relaxed);
    }

    /// Writes a new setting down and then makes it.
    fn set(&self, change: impl FnOnce(&mut Setting)) -> Result<(), ApiError> {
        let _changing = self.book.changing();
        let mut setting = self.setting();
        change(&mut setting);
        self.book.note(|| Event::Clock(setting))?;
        self.put(setting);
        Ok(())
    }

    /// How often the clock was set: what was read under another setting is no order in time.
    pub(crate) fn settings(&self) -> u64 {
        self.settings.load(Ordering::Relaxed)
    }

    /// The millisecond that it is now.
    pub(crate) fn millisecond(&self) -> i64 {
        match self.stopped.load(Ordering::Relaxed) {
            RUNNING => {
                let now = Timestamp::now().as_millisecond();
                now.saturating_add(self.ahead.load(Ordering::Relaxed))
            }
            stopped => stopped,
        }
    }

    /// The time that it is now.
    pub(crate) fn timestamp(&self) -> Timestamp {
        timestamp(self.millisecond())
    }

    /// Whether the clock runs.
    pub(crate) fn runs(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) == RUNNING
    }

    /// Whether this is the system's time.
    pub(crate) fn is_the_systems(&self) -> bool {
        self.runs() && self.ahead.load(Ordering::Relaxed) == 0
    }

    /// Makes the clock stand still at a time.
    ///
    /// # Errors
    /// As all that sets the clock: if that cannot be written to the state file.
    pub(crate) fn stop_at(&self, time: Timestamp) -> Result<(), ApiError> {
        self.set(|setting| {
            setting.stopped = Some(time.as_millisecond());
            setting.settings += 1;
        })
    }

    /// Moves the clock, whether it runs or stands still.
    pub(crate) fn advance(&self, milliseconds: i64) -> Result<(), ApiError> {
        self.set(|setting| {
            let place = setting.stopped.as_mut().unwrap_or(&mut setting.ahead);
            *place = place.saturating_add(milliseconds);
            if milliseconds < 0 {
                setting.settings += 1;
            }
        })
    }

    /// Lets the clock run on from where it stands.
    pub(crate) fn resume(&self) -> Result<(), ApiError> {
        self.set(|setting| {
            if let Some(stopped) = setting.stopped.take() {
                setting.ahead = stopped - Timestamp::now().as_millisecond();
            }
        })
    }

    /// Goes back to the system's time.
    pub(crate) fn reset(&self) -> Result<(), ApiError> {
        self.set(|setting| {
            setting.stopped = None;
            setting.ahead = 0;
            setting.settings += 1;
        })
    }

    /// Makes this the moment that `restart` goes back to.
    pub(crate) fn mark_start(&self) -> Result<(), ApiError> {
        self.set(|setting| setting.start = setting.settings)
    }

    /// Goes back to how the mock began. Clocks of the states of then go on as if nothing had been.
    pub(crate) fn restart(&self, clock: Option<Timestamp>) -> Result<(), ApiError> {
        self.set(|setting| {
            setting.stopped = clock.map(Timestamp::as_millisecond);
            setting.ahead = 0;
            setting.settings = setting.start;
        })
    }
}

/// The clock of a state. It never tells the same millisecond twice, so that `last_updated_at` moves
/// on every write and objects can be ordered by it; a clock that stands still is read as one
/// millisecond later each time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    time: Arc<Time>,
    pub(super) last: i64,
    /// The setting of the clock that `last` belongs to: a clock that was set back goes back.
    pub(super) setting: u64,
}

impl Clock {
    /// A clock that goes by this time.
    pub(crate) fn new(time: Arc<Time>) -> Clock {
        Clock {
            time,
            last: 0,
            setting: 0,
        }
    }

    /// The time in the form the live API uses: RFC 3339 in UTC with milliseconds.
    pub(crate) fn now(&mut self) -> String {
        let setting = self.time.settings();
        let now = self.time.millisecond();
        self.last = match self.setting == setting {
            true => now.max(self.last + 1),
            false => now,
        };
        self.setting = setting;
        text(self.last)
    }

    /// The millisecond that it is now, which may have been read before.
    pub(crate) fn millisecond(&self) -> i64 {
        let now = self.time.millisecond();
        match self.setting == self.time.settings() {
            true => now.max(self.last),
            false => now,
        }
    }

    /// The time in so many milliseconds.
    pub(crate) fn later(&self, milliseconds: i64) -> String {
        text(self.millisecond().saturating_add(milliseconds))
    }

    /// The time that it is.
    pub(crate) fn time(&self) -> &Time {
        &self.time
    }
}

/// A millisecond in the form the live API uses.
pub(crate) fn text(millisecond: i64) -> String {
    format!("{:.3}", timestamp(millisecond))
}

fn timestamp(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(millisecond).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Clock, Time};

    #[test]
    fn no_two_readings_are_equal() {
        let mut clock = Clock::default();
        let readings: Vec<String> = (0..1000).map(|_| clock.now()).collect();
        assert!(readings.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(
            readings
                .iter()
                .all(|reading| reading.len() == "2026-01-01T00:00:00.000Z".len())
        );
    }

    #[test]
    fn a_clock_that_stands_still_moves_when_it_is_told_to() {
        let time = Arc::new(Time::default());
        let mut clock = Clock::new(Arc::clone(&time));
        time.stop_at("2026-01-01T00:00:00Z".parse().unwrap())
            .unwrap();
        assert_eq!(clock.now(), "2026-01-01T00:00:00.000Z");
        assert_eq!(clock.now(), "2026-01-01T00:00:00.001Z");
        time.advance(60_000).unwrap();
        assert_eq!(clock.now(), "2026-01-01T00:01:00.000Z");
        assert_eq!(clock.later(1_000), "2026-01-01T00:01:01.000Z");
        time.stop_at("2025-01-01T00:00:00Z".parse().unwrap())
            .unwrap();
        assert_eq!(clock.now(), "2025-01-01T00:00:00.000Z", "set back");
        time.resume().unwrap();
        assert!(clock.now().starts_with("2025-01-01T00:00:"));
        time.advance(3_600_000).unwrap();
        assert!(clock.now().starts_with("2025-01-01T01:00:"), "running");
        time.reset().unwrap();
        assert!(!clock.now().starts_with("2025-01-01T0"));
    }
}
