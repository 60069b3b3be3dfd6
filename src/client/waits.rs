//! How long to wait before something is tried or looked for again.

use std::time::Duration;

/// How often a request is repeated.
const RETRIES: usize = 4;
/// The longest wait that the client chooses by itself, in first waits.
const LONGEST: u32 = 20;

/// Waits that double from the first one on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    first: Duration,
}

impl Waits {
    /// What the first wait is unless the user says otherwise.
    pub const DEFAULT: Duration = Duration::from_millis(250);
    /// The first waits that a user may ask for: none at all would flood a server that is busy.
    pub const ALLOWED: std::ops::RangeInclusive<Duration> =
        Duration::from_millis(1)..=Duration::from_mins(1);

    /// Waits that begin with this one.
    pub const fn beginning_with(first: Duration) -> Self {
        Self { first }
    }

    /// One wait after the other, each twice as long as the one before it, up to twenty times the first.
    pub fn doubling(self) -> impl Iterator<Item = Duration> {
        let longest = self.first.saturating_mul(LONGEST);
        std::iter::successors(Some(self.first), |wait| Some(wait.saturating_mul(2)))
            .map(move |wait| wait.min(longest))
    }

    /// The waits between the attempts of one request: each is longer by a random part of the first
    /// one, so that requests that failed together do not come back together.
    pub(super) fn of_a_request(self) -> backon::ExponentialBuilder {
        backon::ExponentialBuilder::default()
            .with_min_delay(self.first)
            .with_max_delay(self.first.saturating_mul(LONGEST))
            .with_factor(2.0)
            .with_max_times(RETRIES)
            .with_jitter()
    }
}

impl Default for Waits {
    fn default() -> Self {
        Self::beginning_with(Self::DEFAULT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_do_not_grow_for_ever() {
        let waits = Waits::beginning_with(Duration::from_millis(10)).doubling();
        let waits: Vec<u128> = waits.take(7).map(|wait| wait.as_millis()).collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 200, 200]);
    }
}
