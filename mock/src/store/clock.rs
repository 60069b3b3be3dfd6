//! What time it is for the mock, and the time that goes into stored objects.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::Timestamp;

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
}

impl Default for Time {
    fn default() -> Self {
        Time {
            stopped: AtomicI64::new(RUNNING),
            ahead: AtomicI64::new(0),
            settings: AtomicU64::new(0),
            start: AtomicU64::new(0),
        }
    }
}

impl Time {
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
    pub(crate) fn stop_at(&self, time: Timestamp) {
        self.stopped.store(time.as_millisecond(), Ordering::Relaxed);
        self.settings.fetch_add(1, Ordering::Relaxed);
    }

    /// Moves the clock, whether it runs or stands still.
    pub(crate) fn advance(&self, milliseconds: i64) {
        let place = match self.runs() {
            true => &self.ahead,
            false => &self.stopped,
        };
        let now = place.load(Ordering::Relaxed);
        place.store(now.saturating_add(milliseconds), Ordering::Relaxed);
        if milliseconds < 0 {
            self.settings.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lets the clock run on from where it stands.
    pub(crate) fn resume(&self) {
        if !self.runs() {
            let ahead = self.millisecond() - Timestamp::now().as_millisecond();
            self.ahead.store(ahead, Ordering::Relaxed);
            self.stopped.store(RUNNING, Ordering::Relaxed);
        }
    }

    /// Makes this the moment that `restart` goes back to.
    pub(crate) fn mark_start(&self) {
        let settings = self.settings.load(Ordering::Relaxed);
        self.start.store(settings, Ordering::Relaxed);
    }

    /// Goes back to how the mock began. Clocks of the states of then go on as if nothing had been.
    pub(crate) fn restart(&self, clock: Option<Timestamp>) {
        match clock {
            Some(time) => self.stop_at(time),
            None => self.reset(),
        }
        let start = self.start.load(Ordering::Relaxed);
        self.settings.store(start, Ordering::Relaxed);
    }

    /// Goes back to the system's time.
    pub(crate) fn reset(&self) {
        self.ahead.store(0, Ordering::Relaxed);
        self.stopped.store(RUNNING, Ordering::Relaxed);
        self.settings.fetch_add(1, Ordering::Relaxed);
    }
}

/// The clock of a state. It never tells the same millisecond twice, so that `last_updated_at` moves
/// on every write and objects can be ordered by it; a clock that stands still is read as one
/// millisecond later each time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    time: Arc<Time>,
    last: i64,
    /// The setting of the clock that `last` belongs to: a clock that was set back goes back.
    setting: u64,
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
        let setting = self.time.settings.load(Ordering::Relaxed);
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
        match self.setting == self.time.settings.load(Ordering::Relaxed) {
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
        time.stop_at("2026-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(clock.now(), "2026-01-01T00:00:00.000Z");
        assert_eq!(clock.now(), "2026-01-01T00:00:00.001Z");
        time.advance(60_000);
        assert_eq!(clock.now(), "2026-01-01T00:01:00.000Z");
        assert_eq!(clock.later(1_000), "2026-01-01T00:01:01.000Z");
        time.stop_at("2025-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(clock.now(), "2025-01-01T00:00:00.000Z", "set back");
        time.resume();
        assert!(clock.now().starts_with("2025-01-01T00:00:"));
        time.advance(3_600_000);
        assert!(clock.now().starts_with("2025-01-01T01:00:"), "running");
        time.reset();
        assert!(!clock.now().starts_with("2025-01-01T0"));
    }
}
