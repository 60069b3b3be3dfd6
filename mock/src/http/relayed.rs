//! Answers that come from another server, or from a recording of one.

use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::json;

use super::{App, body};
use crate::journal::redact;
use crate::journal::{Entry, Who};
use crate::relay::{Relay, Relayed};

/// Has a request answered by another server or a recording of one.
pub(super) async fn relayed(
    app: &App,
    relay: &Relay,
    parts: &Parts,
    body: Body,
    request_id: &str,
    begun: Instant,
) -> Response {
    let body = body::read(app, &parts.headers, body).await;
    let request_bytes = body.as_ref().map_or(0, Bytes::len);
    let answered = match body {
        Ok(body) => relay.answer(parts, body).await,
        Err(error) => Relayed::own(error.status, &json!({ "message": error.message })),
    };
    app.journal.record(Entry {
        number: 0,
        millisecond: app.time.millisecond(),
        method: parts.method.clone(),
        path: Entry::cut(parts.uri.path()),
        query: Entry::cut(&redact::query(parts.uri.query().unwrap_or_default())),
        operation: None,
        status: answered.status,
        request_id: Box::from(request_id),
        who: Who::Nobody,
        snapshot: None,
        duration: begun.elapsed(),
        request_bytes,
        response_bytes: answered.body.len(),
        fault: None,
        notes: Box::default(),
        body: None,
    });
    let mut response = Response::new(Body::from(answered.body));
    *response.status_mut() =
        StatusCode::from_u16(answered.status).unwrap_or(StatusCode::BAD_GATEWAY);
    for (name, value) in answered.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
