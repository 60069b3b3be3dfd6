//! The time that goes into stored objects.

use jiff::Timestamp;

/// A clock that never tells the same millisecond twice, so that `last_updated_at` moves on every
/// write and objects can be ordered by it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    last: i64,
}

impl Clock {
    /// The time in the form the live API uses: RFC 3339 in UTC with milliseconds.
    pub(crate) fn now(&mut self) -> String {
        self.last = Timestamp::now().as_millisecond().max(self.last + 1);
        text(self.last)
    }

    /// The time in so many milliseconds.
    pub(crate) fn later(&self, milliseconds: i64) -> String {
        let now = Timestamp::now().as_millisecond().max(self.last);
        text(now.saturating_add(milliseconds))
    }
}

fn text(millisecond: i64) -> String {
    let time = Timestamp::from_millisecond(millisecond).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use super::Clock;

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
}
