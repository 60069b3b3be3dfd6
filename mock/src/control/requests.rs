//! `/_mock/requests` and `/_mock/verify`: what was asked, and whether it was what was expected.

use axum::body::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Refused, parse};
use crate::apis::check_operation;
use crate::http::App;
use crate::journal::RequestRecord;
use crate::journal::expectation::{Expectation, Finding};
use crate::journal::pattern::{RequestPattern, pairs};

/// The requests that the query asks for, the oldest first.
pub(super) fn list(app: &App, query: &str) -> Result<Value, Refused> {
    let mut pattern = RequestPattern::default();
    let mut since = None;
    let mut after = 0;
    let mut limit = usize::MAX;
    for (name, value) in pairs(query) {
        let refused = |what: &str| Refused::new(format!("`{name}` is no {what}"));
        match name.as_str() {
            "operation" => pattern.operation = Some(value),
            "method" => pattern.method = Some(value),
            "path" => pattern.path = Some(value),
            "snapshot" => pattern.snapshot = Some(value),
            "key" => pattern.key = Some(value),
            "status" => pattern.status = Some(value.parse().map_err(|_| refused("status"))?),
            "body" => pattern.body_contains = Some(Value::from(value)),
            "since" => match (value.parse::<u64>(), value.parse::<Timestamp>()) {
                (Ok(number), _) => after = number,
                (_, Ok(time)) => since = Some(time.as_millisecond()),
                _ => return Err(refused("time and no number of a request")),
            },
            "limit" => limit = value.parse().map_err(|_| refused("number"))?,
            _ => {
                return Err(Refused::new(format!(
                    "there is no filter `{name}`; known: operation, method, path, snapshot, key, \
                     status, body, since, limit"
                )));
            }
        }
    }
    let mut found = app.journal.entries();
    found.retain(|entry| {
        entry.number > after
            && since.is_none_or(|since| entry.millisecond >= since)
            && pattern.matches(entry)
    });
    let total = found.len();
    // The last ones are what somebody wants who wants some.
    found.drain(..total.saturating_sub(limit));
    let found: Vec<RequestRecord> = found.iter().map(|entry| entry.record()).collect();
    let (count, forgotten) = app.journal.count();
    Ok(json!({
        "object": "list", "total": total, "data": found,
        "count": count, "forgotten": forgotten,
    }))
}

/// Checks one expectation or several: 200 if all of them hold, else 409.
pub(super) fn verify(app: &App, body: &Bytes) -> Result<(u16, Value), Refused> {
    let body = parse(body)?;
    let expected: Result<Vec<Expectation>, _> = match &body {
        Value::Array(several) => several.iter().map(Expectation::parse).collect(),
        one => Expectation::parse(one).map(|one| vec![one]),
    };
    let expected = expected.map_err(Refused::new)?;
    for expectation in &expected {
        let operation = expectation.pattern.operation.as_deref();
        check_operation(&app.apis, operation).map_err(Refused::new)?;
    }
    let findings: Vec<Finding> = expected
        .iter()
        .map(|expectation| expectation.check(&app.journal, 0))
        .collect();
    let holds = findings.iter().all(|finding| finding.holds);
    let shown: Vec<Value> = findings.iter().map(Finding::json).collect();
    let status = if holds { 200 } else { 409 };
    Ok((status, json!({ "ok": holds, "expectations": shown })))
}
