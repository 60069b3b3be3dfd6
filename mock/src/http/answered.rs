//! An answer, and the HTTP response that it becomes.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, DATE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use crate::description::api::HeaderNames;
use crate::engine::error::ApiError;
use crate::gateway::sse;
use crate::store::clock::Time;

use super::Head;

/// How long half an answer takes to reach the client before the connection is cut.
const FLUSH: Duration = Duration::from_millis(20);

/// An answer before it becomes an HTTP response.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) allow: Option<HeaderValue>,
    pub(crate) retry_after: Option<u64>,
    /// Other headers; for a relayed answer, all of them.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
    /// Whether the connection is cut in the middle of the body.
    pub(crate) cut: bool,
}

impl Answered {
    pub(crate) fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Answered {
            status,
            content_type: Some(HeaderValue::from_static("application/json")),
            allow: None,
            retry_after: None,
            headers: Vec::new(),
            body: body.into(),
            cut: false,
        }
    }

    /// An answer of the mock's own surface that refuses something.
    pub(crate) fn outside(status: u16, message: &str) -> Self {
        let body = json!({ "message": message, "ok": false }).to_string();
        Answered::json(status, body)
    }

    /// A refusal in the words of the API that was meant.
    pub(super) fn refusal(error: &ApiError, media_type: &str, body: &Value) -> Self {
        Answered {
            content_type: HeaderValue::from_str(media_type).ok(),
            ..Answered::json(error.status, body.to_string())
        }
    }

    /// The HTTP response, with the headers that go by these names.
    pub(super) fn respond(
        self,
        time: &Time,
        names: Option<&HeaderNames>,
        head: &Head<'_>,
        request_id: &str,
    ) -> Response {
        let length = self.body.len();
        let body = match self.cut {
            false => pour(&self),
            true => {
                let half = self.body.slice(..length / 2);
                let begin = futures_util::stream::iter([Ok(half)]);
                let end = futures_util::stream::once(async {
                    // What was written until now would be lost with the connection.
                    tokio::time::sleep(FLUSH).await;
                    Err(std::io::Error::other("cut on purpose"))
                });
                Body::from_stream(futures_util::StreamExt::chain(begin, end))
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.headers {
            response.headers_mut().append(name, value);
        }
        let mut set = |name: HeaderName, value: Option<HeaderValue>| {
            if let Some(value) = value {
                response.headers_mut().insert(name, value);
            }
        };
        set(CONTENT_TYPE, self.content_type);
        set(CONTENT_LENGTH, self.cut.then(|| HeaderValue::from(length)));
        set(ALLOW, self.allow);
        set(RETRY_AFTER, self.retry_after.map(HeaderValue::from));
        set(DATE, date(time));
        if let Some(names) = names {
            let own = HeaderValue::from_str(request_id).ok();
            if let Some(name) = names.trace_id.clone() {
                // A caller's trace id is kept, so that the caller finds its own request again.
                let trace = head.headers.get(&name).cloned().or_else(|| own.clone());
                set(name, trace);
            }
            if let Some(name) = names.request_id.clone() {
                set(name, own);
            }
        }
        response
    }
}

/// Headers that the mock chose itself.
pub(crate) fn headers(chosen: Vec<(&'static str, String)>) -> Vec<(HeaderName, HeaderValue)> {
    let headers = chosen.into_iter().filter_map(|(name, value)| {
        Some((
            HeaderName::from_static(name),
            HeaderValue::from_str(&value).ok()?,
        ))
    });
    headers.collect()
}

/// A body in one piece or, if it is a stream, event by event.
fn pour(answered: &Answered) -> Body {
    let relayed = || {
        answered
            .headers
            .iter()
            .find(|(name, _)| *name == CONTENT_TYPE)
    };
    let media_type = answered.content_type.as_ref();
    let media_type = media_type.or_else(|| relayed().map(|(_, value)| value));
    if media_type.is_none_or(|name| name != sse::MEDIA_TYPE) {
        return Body::from(answered.body.clone());
    }
    let events = futures_util::stream::unfold(answered.body.clone(), async |mut rest| {
        if rest.is_empty() {
            return None;
        }
        let event = rest.split_to(sse::first(&rest));
        // Lets the connection send one event before it sees the next.
        tokio::task::yield_now().await;
        Some((Ok::<_, Infallible>(event), rest))
    });
    Body::from_stream(events)
}

/// The date of an answer, where it is another than the system's.
fn date(time: &Time) -> Option<HeaderValue> {
    if time.is_the_systems() {
        return None;
    }
    let date = jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&time.timestamp())
        .ok()?;
    HeaderValue::from_str(&date).ok()
}
