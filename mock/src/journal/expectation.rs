//! Expectations: how often a request should have come, and what came instead.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::pattern::RequestPattern;
use super::{Entry, Journal};

/// How many near misses a message shows.
const SHOWN: usize = 3;

/// How often a kind of request is expected; at least once, unless something else is said.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct Expectation {
    pub(crate) pattern: RequestPattern,
    least: Option<u64>,
    most: Option<u64>,
}

impl From<RequestPattern> for Expectation {
    fn from(pattern: RequestPattern) -> Self {
        Expectation {
            pattern,
            ..Expectation::default()
        }
    }
}

impl RequestPattern {
    /// Exactly so many times.
    pub fn times(self, times: u64) -> Expectation {
        self.at_least(times).at_most(times)
    }

    /// So many times or more.
    pub fn at_least(self, times: u64) -> Expectation {
        Expectation::from(self).at_least(times)
    }

    /// So many times or fewer.
    pub fn at_most(self, times: u64) -> Expectation {
        Expectation::from(self).at_most(times)
    }

    /// Not at all.
    pub fn never(self) -> Expectation {
        self.times(0)
    }
}

/// How an expectation is written in JSON, beside the members of the pattern.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Counts {
    times: Option<u64>,
    at_least: Option<u64>,
    at_most: Option<u64>,
}

impl Expectation {
    /// So many times or more.
    pub fn at_least(mut self, times: u64) -> Self {
        self.least = Some(times);
        self
    }

    /// So many times or fewer.
    pub fn at_most(mut self, times: u64) -> Self {
        self.most = Some(times);
        self
    }

    /// Reads an expectation: a pattern with `times`, `at_least` or `at_most` beside it.
    pub(crate) fn parse(value: &Value) -> Result<Expectation, String> {
        let Value::Object(members) = value else {
            return Err("an expectation is an object".to_owned());
        };
        let counting = ["times", "at_least", "at_most"];
        let (counts, pattern): (Map<_, _>, Map<_, _>) = members
            .clone()
            .into_iter()
            .partition(|(name, _)| counting.contains(&name.as_str()));
        let read = |error: serde_json::Error| error.to_string();
        let counts: Counts = serde_json::from_value(Value::Object(counts)).map_err(read)?;
        let pattern: RequestPattern =
            serde_json::from_value(Value::Object(pattern)).map_err(read)?;
        Ok(Expectation {
            pattern,
            least: counts.times.or(counts.at_least),
            most: counts.times.or(counts.at_most),
        })
    }

    fn holds(&self, count: u64) -> bool {
        let least = match (self.least, self.most) {
            (None, None) => 1,
            (least, _) => least.unwrap_or(0),
        };
        count >= least && self.most.is_none_or(|most| count <= most)
    }

    fn wanted(&self) -> String {
        let times = |count: u64| match count {
            1 => "once".to_owned(),
            count => format!("{count} times"),
        };
        match (self.least, self.most) {
            (Some(0), Some(0)) | (None, Some(0)) => "never".to_owned(),
            (Some(least), Some(most)) if least == most => times(least),
            (Some(least), Some(most)) => format!("{least} to {most} times"),
            (Some(least), None) => format!("at least {}", times(least)),
            (None, Some(most)) => format!("at most {}", times(most)),
            (None, None) => "at least once".to_owned(),
        }
    }

    /// Compares the expectation with what the journal has after a request.
    pub(crate) fn check(&self, journal: &Journal, since: u64) -> Finding {
        let mut matched = 0;
        let mut near: Vec<(usize, u64, String)> = Vec::new();
        let weight = self.pattern.weight();
        let (_, forgotten) = journal.count();
        for entry in journal.entries() {
            if entry.number <= since {
                continue;
            }
            let differences = self.pattern.differences(&entry);
            if differences.is_empty() {
                matched += 1;
            } else if differences.len() < weight {
                near.push((differences.len(), entry.number, shown(&entry, &differences)));
                near.sort();
                near.truncate(SHOWN);
            }
        }
        let holds = self.holds(matched);
        let mut message = String::new();
        if !holds {
            message = format!(
                "expected {} {}, and it came {}",
                self.pattern,
                self.wanted(),
                match matched {
                    0 => "never".to_owned(),
                    1 => "once".to_owned(),
                    count => format!("{count} times"),
                }
            );
            let near = near.into_iter().map(|(_, _, text)| text);
            let lost = (forgotten > since).then(|| {
                "the journal has forgotten requests since: it needs larger limits".to_owned()
            });
            for line in near.chain(lost) {
                message.push_str("\n  ");
                message.push_str(&line);
            }
        }
        Finding {
            holds,
            matched,
            message,
        }
    }
}

fn shown(entry: &Entry, differences: &[String]) -> String {
    let query = match &*entry.query() {
        "" => String::new(),
        query => format!("?{query}"),
    };
    format!(
        "near miss: request {}, {} {}{query} → {}: {}",
        entry.number,
        entry.method,
        entry.path,
        entry.status,
        differences.join(", ")
    )
}

/// How an expectation compares with the journal.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) holds: bool,
    matched: u64,
    pub(crate) message: String,
}

impl Finding {
    /// The finding as the control surface answers it.
    pub(crate) fn json(&self) -> Value {
        match self.holds {
            true => json!({ "ok": true, "matched": self.matched }),
            false => json!({ "ok": false, "matched": self.matched, "message": self.message }),
        }
    }
}

/// Expectations that do not hold, each with the requests that came nearest to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    pub(crate) messages: Vec<String>,
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.messages.join("\n"))
    }
}

impl std::error::Error for Unmet {}
