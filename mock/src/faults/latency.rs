//! How long an answer waits.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use fastrand::Rng;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// The longest wait, whatever a distribution draws.
const LONGEST: Duration = Duration::from_secs(300);

/// How long answers wait.
///
/// As text: `50ms`; `10ms..200ms`, anything between the two alike; `lognormal:50ms:0.5`, half of
/// the answers faster than the median and a few of them much slower, with the spread of the
/// logarithm at the end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Latency {
    /// Always as long.
    Fixed(Duration),
    /// Anything between the two.
    Uniform(Duration, Duration),
    /// Log-normally distributed.
    LogNormal {
        /// Half of the answers are faster.
        median: Duration,
        /// The standard deviation of the logarithm.
        sigma: f64,
    },
}

impl Latency {
    /// Draws a wait.
    pub(crate) fn draw(&self, random: &mut Rng) -> Duration {
        let drawn = match self {
            Latency::Fixed(duration) => *duration,
            Latency::Uniform(least, most) => {
                *least + most.saturating_sub(*least).mul_f64(random.f64())
            }
            Latency::LogNormal { median, sigma } => {
                // Box and Muller: two even draws make a normal one.
                let radius = (-2.0 * (1.0 - random.f64()).ln()).sqrt();
                let normal = radius * (std::f64::consts::TAU * random.f64()).cos();
                let seconds = median.as_secs_f64() * (sigma * normal).exp();
                Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST)
            }
        };
        drawn.min(LONGEST)
    }
}

/// Reads a length of time: `200ms`, `1m 30s`, `2h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let parsed = text.trim().parse::<SignedDuration>();
    parsed
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or_else(|| format!("`{text}` is no length of time; write 200ms, 1m 30s or 2h"))
}

impl FromStr for Latency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(rest) = text.strip_prefix("lognormal:") {
            let (median, sigma) = rest
                .split_once(':')
                .ok_or("a lognormal latency is `lognormal:MEDIAN:SIGMA`")?;
            let sigma = sigma.trim().parse::<f64>().ok();
            return Ok(Latency::LogNormal {
                median: duration(median)?,
                sigma: sigma
                    .filter(|sigma| (0.0..=10.0).contains(sigma))
                    .ok_or("the sigma of a lognormal latency is a number from 0 to 10")?,
            });
        }
        let text = text.strip_prefix("uniform:").unwrap_or(text);
        match text.split_once("..") {
            None => Ok(Latency::Fixed(duration(text)?)),
            Some((least, most)) => {
                let (least, most) = (duration(least)?, duration(most)?);
                match least <= most {
                    true => Ok(Latency::Uniform(least, most)),
                    false => Err(format!("`{text}` ends before it begins")),
                }
            }
        }
    }
}

impl TryFrom<String> for Latency {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Latency> for String {
    fn from(latency: Latency) -> String {
        latency.to_string()
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |duration: &Duration| match SignedDuration::try_from(*duration) {
            Ok(duration) => format!("{duration:#}"),
            Err(_) => format!("{duration:?}"),
        };
        match self {
            Latency::Fixed(duration) => f.write_str(&text(duration)),
            Latency::Uniform(least, most) => write!(f, "{}..{}", text(least), text(most)),
            Latency::LogNormal { median, sigma } => {
                write!(f, "lognormal:{}:{sigma}", text(median))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fastrand::Rng;

    use super::Latency;

    #[test]
    fn texts_and_latencies_say_the_same() {
        for (text, again) in [
            ("200ms", "200ms"),
            ("uniform:10ms..1s", "10ms..1s"),
            ("lognormal:50ms:0.5", "lognormal:50ms:0.5"),
        ] {
            let latency: Latency = text.parse().unwrap();
            assert_eq!(latency.to_string(), again);
            assert_eq!(again.parse::<Latency>(), Ok(latency));
        }
        for text in [
            "",
            "fast",
            "-5ms",
            "2s..1s",
            "lognormal:50ms",
            "lognormal:50ms:x",
        ] {
            assert!(text.parse::<Latency>().is_err(), "{text}");
        }
    }

    #[test]
    fn draws_follow_their_distribution_and_their_seed() {
        let draws = |text: &str, seed| {
            let latency: Latency = text.parse().unwrap();
            let mut random = Rng::with_seed(seed);
            let mut draws: Vec<Duration> = (0..2001).map(|_| latency.draw(&mut random)).collect();
            draws.sort();
            draws
        };
        let uniform = draws("10ms..20ms", 1);
        assert!(
            uniform[0] >= Duration::from_millis(10) && uniform[2000] <= Duration::from_millis(20)
        );
        assert!(
            uniform[0] < Duration::from_millis(11) && uniform[2000] > Duration::from_millis(19)
        );
        let lognormal = draws("lognormal:50ms:0.5", 1);
        let milliseconds = |at: usize| lognormal[at].as_secs_f64() * 1000.0;
        assert!(
            (45.0..55.0).contains(&milliseconds(1000)),
            "{}",
            milliseconds(1000)
        );
        // 84 % of a log-normal distribution lie below the median times e^sigma, here 82 ms.
        assert!(
            (75.0..90.0).contains(&milliseconds(1682)),
            "{}",
            milliseconds(1682)
        );
        assert_eq!(lognormal, draws("lognormal:50ms:0.5", 1));
        assert_ne!(lognormal, draws("lognormal:50ms:0.5", 2));
    }
}
