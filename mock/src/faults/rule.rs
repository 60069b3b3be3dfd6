//! One fault: which requests it strikes, which of them, and what it does to them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::latency::Latency;
use crate::journal::pattern::{RequestPattern, pairs, path_matches};

/// A fault that strikes requests. Without a limit it strikes every request that it is meant for.
///
/// ```
/// use gatewright_mock::{Fault, operation};
///
/// let overloaded = Fault::on(operation("createConfig")).status(503).nth(2);
/// let limited = Fault::on(operation("listConfigs")).status(429).retry_after(1).times(3);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[must_use]
pub struct Fault {
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    query: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nth: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skip: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delay: Option<Latency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) after: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) drop: Option<Dropping>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) malformed: bool,
}

/// When a fault closes the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dropping {
    /// Before the request has any effect.
    Before,
    /// After its effect, without an answer.
    After,
    /// After its effect, in the middle of the answer.
    During,
}

/// A request as far as it is known when faults are looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming<'r> {
    pub(crate) operation: Option<&'r str>,
    pub(crate) method: &'r str,
    pub(crate) path: &'r str,
    pub(crate) query: &'r str,
    pub(crate) snapshot: Option<&'r str>,
}

impl Fault {
    /// The operation that it is meant for.
    pub(crate) fn operation(&self) -> Option<&str> {
        self.operation.as_deref()
    }

    /// A fault that strikes these requests. It strikes before the answer is known, so a pattern that
    /// speaks of the answer, the body or the sender is refused when the fault is added.
    pub fn on(pattern: RequestPattern) -> Fault {
        let known =
            pattern.status.is_some() || pattern.body_contains.is_some() || pattern.key.is_some();
        Fault {
            operation: pattern.operation,
            method: pattern.method,
            path: pattern.path,
            query: pattern.query,
            snapshot: pattern.snapshot,
            // No probability: `check` says what is wrong.
            probability: known.then_some(f64::NAN),
            ..Fault::default()
        }
    }

    /// Answers with this status and the API's own error body, without any effect.
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// The text of that error body.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Another body than the API's own error body.
    pub fn body(mut self, body: impl Into<Value>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// A `Retry-After` header with so many seconds.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The request has its effect before the status of the fault is answered.
    pub fn after(mut self) -> Self {
        self.after = true;
        self
    }

    /// Closes the connection.
    pub fn drop_connection(mut self, when: Dropping) -> Self {
        self.drop = Some(when);
        self
    }

    /// Answers as usual, but with half of the body.
    pub fn malformed(mut self) -> Self {
        self.malformed = true;
        self
    }

    /// Waits before anything else.
    pub fn delay(mut self, delay: impl Into<Latency>) -> Self {
        self.delay = Some(delay.into());
        self
    }

    /// Strikes only the nth request that it is meant for, counted from 1.
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = Some(nth);
        self
    }

    /// Leaves the first so many requests alone.
    pub fn skip(mut self, requests: u64) -> Self {
        self.skip = Some(requests);
        self
    }

    /// Strikes so many times and then no more.
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Strikes with this probability, from 0 to 1, drawn from the mock's seed.
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = Some(probability);
        self
    }

    /// Reads a fault from JSON.
    pub(crate) fn parse(value: Value) -> Result<Fault, String> {
        let fault: Fault = serde_json::from_value(value).map_err(|error| error.to_string())?;
        fault.check()?;
        Ok(fault)
    }

    /// Refuses what contradicts itself or would do nothing.
    pub(crate) fn check(&self) -> Result<(), String> {
        let effects = [self.status.is_some(), self.drop.is_some(), self.malformed];
        let effects = effects.iter().filter(|effect| **effect).count();
        let answers = self.message.is_some()
            || self.body.is_some()
            || self.retry_after.is_some()
            || self.after;
        let refusal = if self.probability.is_some_and(f64::is_nan) {
            "a fault strikes before status, body and sender are known: name operation, method, path, query or snapshot"
        } else if effects > 1 {
            "a fault has one effect: a status, a dropped connection or a malformed body"
        } else if effects == 0 && self.delay.is_none() {
            "a fault needs an effect: `status`, `drop`, `malformed` or `delay`"
        } else if answers && self.status.is_none() {
            "`message`, `body`, `retry_after` and `after` belong to a `status`"
        } else if self
            .status
            .is_some_and(|status| !(200..=599).contains(&status))
        {
            "the status of a fault is from 200 to 599"
        } else if self.nth.is_some() && (self.skip.is_some() || self.times.is_some()) {
            "`nth` says which request alone: leave out `skip` and `times`"
        } else if self.nth == Some(0) {
            "`nth` counts from 1"
        } else if self
            .probability
            .is_some_and(|probability| !(0.0..=1.0).contains(&probability))
        {
            "a probability is from 0 to 1"
        } else {
            return Ok(());
        };
        Err(refusal.to_owned())
    }

    /// Whether the fault is meant for a request.
    pub(crate) fn is_for(&self, request: &Incoming<'_>) -> bool {
        let same =
            |wanted: &Option<String>, is: Option<&str>| wanted.is_none() || wanted.as_deref() == is;
        let method = |wanted: &str| wanted.eq_ignore_ascii_case(request.method);
        let path = |wanted: &str| path_matches(wanted, request.path);
        let has = |(name, value): (&String, &String)| {
            pairs(request.query).any(|(own, is)| own == *name && is == *value)
        };
        same(&self.operation, request.operation)
            && same(&self.snapshot, request.snapshot)
            && self.method.as_deref().is_none_or(method)
            && self.path.as_deref().is_none_or(path)
            && self.query.iter().all(has)
    }

    /// Whether the fault strikes the request that comes after `seen` others that it was meant for,
    /// of which it has struck some.
    pub(crate) fn is_due(&self, seen: u64, struck: u64, draw: impl FnOnce() -> f64) -> bool {
        let skip = self.nth.map(|nth| nth.saturating_sub(1)).or(self.skip);
        let times = self.nth.map(|_| 1).or(self.times);
        seen >= skip.unwrap_or(0)
            && times.is_none_or(|times| struck < times)
            && self
                .probability
                .is_none_or(|probability| draw() < probability)
    }
}

impl std::str::FromStr for Fault {
    type Err = String;

    /// Reads `operation=createConfig,status=503,times=2`, or the JSON that the control surface takes.
    fn from_str(text: &str) -> Result<Fault, String> {
        if text.trim_start().starts_with('{') {
            let value = serde_json::from_str(text).map_err(|error| error.to_string())?;
            return Fault::parse(value);
        }
        let texts = [
            "operation",
            "method",
            "path",
            "snapshot",
            "message",
            "delay",
            "drop",
        ];
        let mut members = Map::new();
        for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
            let (name, value) = pair.split_once('=').ok_or_else(|| {
                format!("`{pair}` is no NAME=VALUE; a fault is written like operation=createConfig,status=503,times=2")
            })?;
            let (name, value) = (name.trim(), value.trim());
            let value = match texts.contains(&name) {
                true => Value::from(value),
                false => serde_json::from_str(value).unwrap_or_else(|_| Value::from(value)),
            };
            members.insert(name.to_owned(), value);
        }
        Fault::parse(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Dropping, Fault};
    use crate::journal::pattern::{operation, request};

    #[test]
    fn flags_and_json_say_the_same() {
        let flag: Fault =
            "operation=createConfig, status=429,retry_after=2,times=3,message=Too many"
                .parse()
                .unwrap();
        let built = Fault::on(operation("createConfig"))
            .status(429)
            .retry_after(2)
            .times(3)
            .message("Too many");
        assert_eq!(flag, built);
        let value = serde_json::to_value(&flag).unwrap();
        assert_eq!(
            value,
            json!({ "operation": "createConfig", "status": 429, "retry_after": 2, "times": 3, "message": "Too many" })
        );
        assert_eq!(Fault::parse(value).unwrap(), flag);
        let drop: Fault = r#"{ "path": "/configs/*", "drop": "after" }"#.parse().unwrap();
        assert_eq!(drop.drop, Some(Dropping::After));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_a_reason() {
        for (fault, says) in [
            ("", "needs an effect"),
            ("operation=x", "needs an effect"),
            ("status=503,drop=after", "one effect"),
            ("drop=sometime", "unknown variant"),
            ("status=99", "from 200 to 599"),
            ("status=503,nth=0", "counts from 1"),
            ("status=503,nth=1,times=2", "leave out"),
            ("status=503,probability=2", "from 0 to 1"),
            ("delay=1s,after=true", "belong to a `status`"),
            ("delay=soon", "no length of time"),
            ("stauts=503", "unknown field `stauts`"),
            ("503", "NAME=VALUE"),
            ("{", "EOF"),
        ] {
            let refused = fault.parse::<Fault>().unwrap_err();
            assert!(refused.contains(says), "{fault}: {refused}");
        }
        let late = Fault::on(operation("x").body_contains(Value::Null)).status(500);
        assert!(late.check().unwrap_err().contains("before status"));
        assert!(Fault::on(request("GET", "*")).malformed().check().is_ok());
    }
}
