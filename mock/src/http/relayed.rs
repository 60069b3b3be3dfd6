//! Answers that come from another server, or from a recording of one.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue};
use serde_json::json;

use super::{Answered, Arrival, Trace, body};
use crate::relay::{Relay, Relayed};

impl Arrival<'_> {
    /// Has the request answered by another server or a recording of one.
    pub(super) async fn relayed(&self, relay: &Relay, body: Body, trace: &mut Trace) -> Answered {
        let body = body::read(self.app, self.head.headers, body).await;
        trace.body = body.as_ref().ok().cloned();
        let relayed = match body {
            Ok(body) => relay.answer(&self.head, body).await,
            Err(error) => Relayed::own(error.status, &json!({ "message": error.message })),
        };
        let headers = relayed.headers.into_iter();
        let headers = headers.filter_map(|(name, value)| {
            let name = name.parse::<HeaderName>().ok()?;
            Some((name, HeaderValue::from_str(&value).ok()?))
        });
        Answered {
            content_type: None,
            headers: headers.collect(),
            ..Answered::json(relayed.status, relayed.body)
        }
    }
}
