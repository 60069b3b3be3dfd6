//! `/_mock/seed`: objects made by plain requests, several at a time.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::{Refused, parse, place};
use crate::http::{self, App, Head};

/// Why a seed did not grow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{request} was answered with {status}: {answer}")]
pub struct SeedError {
    /// The method and the path.
    pub request: String,
    /// The status of the answer.
    pub status: u16,
    /// The body of the answer.
    pub answer: String,
}

/// Sends one request, `PATH` (a POST) or `METHOD PATH`, with a body unless that is null.
pub(crate) async fn sow(
    app: &App,
    request: &str,
    headers: &HeaderMap,
    body: &Value,
) -> Result<Value, SeedError> {
    let (method, path) = request.split_once(' ').unwrap_or(("POST", request));
    let answered = match method.parse::<Method>() {
        Ok(method) => {
            let body = (!body.is_null()).then_some(body);
            http::direct(app, &method, path, headers, body).await
        }
        Err(_) => http::Answered::outside(400, "this is no method"),
    };
    match (200..300).contains(&answered.status) {
        true => Ok(serde_json::from_slice(&answered.body).unwrap_or_default()),
        false => Err(SeedError {
            request: format!("{method} {path}"),
            status: answered.status,
            answer: String::from_utf8_lossy(&answered.body).into_owned(),
        }),
    }
}

/// Sends the requests in `requests` one after the other, until one is refused.
pub(super) async fn seed(app: &App, head: &Head<'_>, body: &Bytes) -> Result<Value, Refused> {
    let body = parse(body)?;
    let needed = "`requests` is needed: a list of objects with `request` (`PATH` or `METHOD PATH`) and `body`";
    let requests = body.get("requests").and_then(Value::as_array);
    let requests = requests.ok_or_else(|| Refused::new(needed))?;
    let mut answers = Vec::new();
    for request in requests {
        let line = request.get("request").and_then(Value::as_str);
        let line = line.ok_or_else(|| Refused::new(needed))?;
        let body = request.get("body").unwrap_or(&Value::Null);
        let answer = sow(app, line, head.headers, body).await;
        answers.push(answer.map_err(|error| Refused::new(error.to_string()))?);
    }
    // What a test begins with was always there.
    place(app, head)?.store.settle();
    Ok(json!({ "object": "list", "total": answers.len(), "data": answers }))
}
