//! The way of a request from its path through its checks to the engine or the gateway.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue};

use super::struck::reason;
use super::{Answered, Arrival, Routed, Trace, body};
use crate::description::operation::Operation;
use crate::description::router::Route;
use crate::engine::caller::Caller;
use crate::engine::departure::{Validation, departures};
use crate::engine::error::ApiError;
use crate::engine::parameters::{self, Leeway, Raw};
use crate::engine::request::Request;
use crate::engine::{self, Reply, audit};
use crate::gateway::{self, Answer, call};
use crate::journal::Who;
use crate::store::Store;
use crate::worlds::Place;

/// A request that was let in, with its body.
struct Admitted {
    place: Place,
    body: Bytes,
}

impl Arrival<'_> {
    /// Answers the request by what its path leads to.
    pub(super) async fn reached(&self, body: Body, trace: &mut Trace) -> Answered {
        if let Some(relay) = &self.app.relay {
            return self.relayed(relay, body, trace).await;
        }
        let refused = |status: u16| {
            let error = ApiError::new(status, reason(status));
            let (media_type, body) = error.unrouted(self.routed.description, self.asked());
            Answered::refusal(&error, media_type, &body)
        };
        match (&self.routed.route, self.routed.operation()) {
            _ if is_passed_on(&self.routed, self.head.headers) => {
                self.finish(None, self.pass_on(body, trace).await)
            }
            (Route::WrongMethod { allow }, _) => Answered {
                allow: HeaderValue::from_str(allow).ok(),
                ..refused(405)
            },
            (Route::Found { parameters, .. }, Some(operation)) => {
                let answer = self.operate(operation, parameters, body, trace).await;
                self.finish(Some(operation), answer)
            }
            _ => {
                let errors = &self.routed.description.api.errors;
                refused(errors.unknown(self.below_base()))
            }
        }
    }

    fn finish(
        &self,
        operation: Option<&'static Operation>,
        answer: Result<Reply, ApiError>,
    ) -> Answered {
        match answer {
            Ok(reply) => Answered {
                content_type: reply.media_type.and_then(|name| match name {
                    "application/json" => Some(HeaderValue::from_static("application/json")),
                    other => HeaderValue::from_str(other).ok(),
                }),
                headers: super::headers(reply.headers),
                ..Answered::json(reply.status, reply.body)
            },
            Err(error) => {
                let description = self.routed.description;
                let (media_type, body) = error.body(description, operation, self.asked());
                Answered::refusal(&error, media_type, &body)
            }
        }
    }

    /// Finds out who sends the request and for which state, and reads the body of one who `may`.
    async fn admit(
        &self,
        public: bool,
        may: impl FnOnce(&Caller) -> Result<(), ApiError>,
        body: Body,
        trace: &mut Trace,
    ) -> Result<Admitted, ApiError> {
        let (app, headers) = (self.app, self.head.headers);
        let description = self.routed.description;
        let place = match public {
            true => app.own_place(&description.api, headers, Who::Nobody),
            false => app.place(&description.api, headers),
        };
        let place = place.map_err(|(error, who)| {
            trace.who = who;
            error
        })?;
        trace.who = place.who.clone();
        app.worlds.open(&place.store, description)?;
        may(&place.caller)?;
        let body = body::read(app, headers, body).await?;
        trace.body = Some(body.clone());
        Ok(Admitted { place, body })
    }

    /// Takes the request through its checks, from the key to the body, and on to the engine or the
    /// gateway.
    async fn operate(
        &self,
        operation: &'static Operation,
        path: &[(&str, &str)],
        body: Body,
        trace: &mut Trace,
    ) -> Result<Reply, ApiError> {
        let (description, head) = (self.routed.description, &self.head);
        let may = |caller: &Caller| caller.may(description, operation, path);
        let Admitted { place, body } = self.admit(operation.public, may, body, trace).await?;
        let raw = Raw {
            path,
            query: head.query,
            headers: head.headers,
            body: &body,
        };
        let mut request = self.decode(operation, &raw, trace)?;
        if let Some(coverage) = description.coverage() {
            coverage.accepted(description, operation, &request, &raw);
        }
        request.caller = place.caller;
        request.uneven_pages = self.app.uneven_pages;
        match operation.gateway {
            Some(how) => {
                let path = self.below_base();
                let asked = self.of_gateway(Some((operation, how)), path, &place.store);
                gateway::serve(description, &place.store, &asked, &request)
            }
            None => {
                let sent = audit::Sent {
                    uri: head.path,
                    query: head.query,
                    request_id: self.request_id,
                };
                engine::answer(description, &place.store, operation, &mut request, &sent).await
            }
        }
    }

    /// Decodes and judges the request, as strictly as the mock does.
    fn decode(
        &self,
        operation: &'static Operation,
        raw: &Raw<'_>,
        trace: &mut Trace,
    ) -> Result<Request, ApiError> {
        let description = self.routed.description;
        let mut leeway = match self.app.validation {
            Validation::Lenient => Leeway::lenient(),
            Validation::Normal | Validation::Strict => Leeway::default(),
        };
        if self.app.validation == Validation::Strict {
            let method = self.head.method.as_str();
            let found = departures(description, method, self.below_base(), raw);
            if !found.is_empty() {
                return Err(ApiError::broken(description, operation, found.join("; ")));
            }
        }
        let request = parameters::decode(description, operation, raw, &mut leeway)?;
        trace.forgiven = Some(leeway.notes);
        Ok(request)
    }

    /// Takes a request for a provider's own API through its checks.
    async fn pass_on(&self, body: Body, trace: &mut Trace) -> Result<Reply, ApiError> {
        let description = self.routed.description;
        let gateway = description.api.gateway.as_ref();
        let scope = gateway.map(|gateway| gateway.scope.clone());
        let may = |caller: &Caller| caller.holds_one(description, scope);
        let Admitted { place, body } = self.admit(false, may, body, trace).await?;
        let path = self.below_base();
        let asked = self.of_gateway(
            None,
            path.strip_prefix("/proxy").unwrap_or(path),
            &place.store,
        );
        let request = Request {
            body: serde_json::from_slice(&body).ok(),
            caller: place.caller,
            ..Request::default()
        };
        gateway::serve(description, &place.store, &asked, &request)
    }

    /// The path without the API's base path.
    fn below_base(&self) -> &str {
        self.head.path.get(self.routed.base..).unwrap_or_default()
    }

    fn of_gateway<'a>(
        &'a self,
        operation: Option<(&'static Operation, Answer)>,
        path: &'a str,
        store: &Store,
    ) -> gateway::Asked<'a> {
        gateway::Asked {
            operation,
            method: self.head.method.as_str(),
            path,
            query: self.head.query,
            headers: self.head.headers,
            request_id: self.request_id,
            came: store.read().clock.millisecond(),
        }
    }
}

/// Whether a request is for the API of the provider that its headers name: any path that is not the gateway's own
/// (<https://portkey.ai/docs/api-reference/inference-api/gateway-for-other-apis>). The vendor's guides to vector databases
/// ask providers for `/collections` as well, which is a path of both.
fn is_passed_on(routed: &Routed<'_>, headers: &HeaderMap) -> bool {
    match &routed.route {
        _ if routed.description.api.gateway.is_none() => false,
        Route::Unknown | Route::WrongMethod { .. } => {
            call::selects_provider(headers) || call::brings_config(headers)
        }
        Route::Found { operation, .. } => {
            let operation = routed.description.operations.get(*operation);
            operation.is_some_and(|operation| operation.passed_on)
                && call::selects_provider(headers)
        }
    }
}
