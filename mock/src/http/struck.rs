//! What faults make of an answer.

use axum::body::Body;
use axum::http::StatusCode;

use super::{Answered, Arrival, Dropped, Trace, snapshot};
use crate::engine::error::ApiError;
use crate::faults::rule::{Dropping, Fault, Incoming};

impl Arrival<'_> {
    /// Answers the request, with the faults that strike it.
    pub(super) async fn struck(&self, body: Body, trace: &mut Trace) -> Result<Answered, Dropped> {
        let head = &self.head;
        let strike = self.app.faults.strike(&Incoming {
            operation: self.routed.operation().map(|operation| &*operation.id),
            method: head.method.as_str(),
            path: head.path,
            query: head.query,
            snapshot: snapshot(head.headers),
        });
        if !strike.wait.is_zero() {
            tokio::time::sleep(strike.wait).await;
        }
        let Some((number, fault)) = strike.fault else {
            return Ok(self.reached(body, trace).await);
        };
        trace.fault = Some(number);
        let error = fault.status.map(|status| self.failure(&fault, status));
        match (fault.drop, error) {
            (Some(Dropping::Before), _) => Err(Dropped),
            (_, Some(error)) if !fault.after => Ok(error),
            (drop, error) => {
                let mut answered = self.reached(body, trace).await;
                if drop == Some(Dropping::After) {
                    return Err(Dropped);
                }
                answered.cut = drop == Some(Dropping::During);
                if fault.malformed {
                    answered.body.truncate(answered.body.len() / 2);
                }
                Ok(error.unwrap_or(answered))
            }
        }
    }

    /// The answer that a fault gives.
    fn failure(&self, fault: &Fault, status: u16) -> Answered {
        let message = fault.message.as_deref().unwrap_or_else(|| reason(status));
        let error = ApiError::new(status, message);
        let answered = match &fault.body {
            Some(body) => Answered::json(status, body.to_string()),
            None => {
                let routed = &self.routed;
                let (media_type, body) =
                    error.body(routed.description, routed.operation(), self.asked());
                Answered::refusal(&error, media_type, &body)
            }
        };
        Answered {
            retry_after: fault.retry_after,
            ..answered
        }
    }
}

/// The words for a status.
pub(super) fn reason(status: u16) -> &'static str {
    let status = StatusCode::from_u16(status).ok();
    status
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Failure")
}
