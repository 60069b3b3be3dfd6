//! The one handler behind every request.

mod answered;
mod app;
mod body;
mod direct;
mod reached;
mod relayed;
mod route;
mod struck;

use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, Method};
use axum::response::Response;

pub(crate) use self::answered::{Answered, headers};
pub(crate) use self::app::App;
pub(crate) use self::direct::direct;
use self::route::Routed;
use crate::control;
use crate::engine::error::Asked;
use crate::journal::{self, Arrived, Entry, Who};

/// Chooses the state that a request works on.
pub(crate) const SNAPSHOT: HeaderName = HeaderName::from_static("x-mock-snapshot");

/// The state that a request chooses.
pub(crate) fn snapshot(headers: &HeaderMap) -> Option<&str> {
    // What is no text names no snapshot that there is.
    headers
        .get(SNAPSHOT)
        .map(|name| name.to_str().unwrap_or("?"))
}

/// A request before its body is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'r> {
    pub(crate) method: &'r Method,
    pub(crate) path: &'r str,
    pub(crate) query: &'r str,
    pub(crate) headers: &'r HeaderMap,
}

/// A request for an API, and where it leads.
#[derive(Debug)]
struct Arrival<'r> {
    app: &'r App,
    head: Head<'r>,
    routed: Routed<'r>,
    request_id: &'r str,
}

impl Arrival<'_> {
    /// What error answers say about the request.
    fn asked(&self) -> Asked<'_> {
        Asked {
            path: self.head.path,
            request_id: self.request_id,
        }
    }
}

/// What the journal learns while a request is answered.
#[derive(Debug, Default)]
struct Trace {
    who: Who,
    /// The body, if it was read.
    body: Option<Bytes>,
    /// What the request was forgiven for, if it was accepted.
    forgiven: Option<Vec<String>>,
    fault: Option<u64>,
}

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed on purpose")]
pub(crate) struct Dropped;

/// Answers any request.
pub(crate) async fn handle<B>(
    app: &App,
    request: axum::http::Request<B>,
) -> Result<Response, Dropped>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    let begun = Instant::now();
    let (parts, body) = request.into_parts();
    let body = Body::new(body);
    let request_id = app.request_id();
    let head = Head {
        method: &parts.method,
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: &parts.headers,
    };
    if let Some(path) = head.path.strip_prefix("/_mock") {
        let answered = match body::read(app, head.headers, body).await {
            Ok(body) => control::answer(app, &head, path, &body).await,
            Err(error) => Answered::outside(error.status, &error.message),
        };
        return Ok(answered.respond(&app.time, None, &head, &request_id));
    }
    let routed = match app.route(head.method.as_str(), head.path) {
        Ok(routed) => routed,
        Err(problem) => {
            let answered = Answered::outside(500, &problem);
            return Ok(answered.respond(&app.time, None, &head, &request_id));
        }
    };
    let arrival = Arrival {
        app,
        head,
        routed,
        request_id: &request_id,
    };
    let mut trace = Trace::default();
    let answered = arrival.struck(body, &mut trace).await;
    let (description, operation) = (arrival.routed.description, arrival.routed.operation());
    if let (Some(coverage), Some(operation), Ok(answered)) =
        (description.coverage(), operation, &answered)
    {
        coverage.answered(operation, answered.status);
    }
    arrival.remember(trace, &answered, begun);
    // What another server answers has its ids, or none.
    let names = app.relay.is_none().then_some(&description.api.headers);
    Ok(answered?.respond(&app.time, names, &head, &request_id))
}

impl Arrival<'_> {
    /// Puts the request into the journal.
    fn remember(&self, trace: Trace, answered: &Result<Answered, Dropped>, begun: Instant) {
        let (app, head) = (self.app, &self.head);
        let arrived = Arrived {
            purpose: self.routed.purpose(),
            method: head.method,
            path: head.path,
            query: head.query,
            headers: head.headers,
            body: trace.body.as_ref(),
            forgiven: trace.forgiven,
        };
        app.journal.record(Entry {
            number: 0,
            millisecond: app.time.millisecond(),
            method: head.method.clone(),
            path: journal::cut(head.path),
            status: answered.as_ref().map_or(0, |answered| answered.status),
            request_id: Box::from(self.request_id),
            who: trace.who,
            snapshot: snapshot(head.headers).map(Arc::from),
            request_bytes: trace.body.as_ref().map_or(0, Bytes::len),
            response_bytes: answered.as_ref().map_or(0, |answered| answered.body.len()),
            fault: trace.fault,
            brought: arrived.keep(app.journal.keeps_bodies()),
            duration: begun.elapsed(),
        });
    }
}
