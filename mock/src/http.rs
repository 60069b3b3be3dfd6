//! The one handler behind every request.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request as HttpRequest, State};
use axum::http::header::{ALLOW, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use crate::description::Description;
use crate::description::operation::Operation;
use crate::description::router::Route;
use crate::engine::caller::Caller;
use crate::engine::error::ApiError;
use crate::engine::parameters::{self, Raw};
use crate::engine::{self, Reply, audit, identity};
use crate::journal::{Journal, RequestRecord};
use crate::store::Store;
use crate::{control, seed};

/// The largest body that is read. The API's own limits are not documented; this one keeps a
/// runaway client from filling the memory.
const MAX_BODY: usize = 32 * 1024 * 1024;

const TRACE_ID: HeaderName = HeaderName::from_static("x-portkey-trace-id");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-portkey-request-id");

/// Everything a request needs.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) description: &'static Description,
    pub(crate) store: Store,
    pub(crate) journal: Journal,
    pub(crate) api_key: String,
}

impl App {
    /// Puts the account back to what it was at the start.
    pub(crate) fn reset(&self) -> Result<(), ApiError> {
        let former = self.store.replace(seed::state(self.description)?);
        // A large state takes long to drop; the answer need not wait for it.
        tokio::task::spawn_blocking(move || drop(former));
        Ok(())
    }
}

/// An answer before it becomes an HTTP response.
struct Answered {
    operation: Option<&'static Operation>,
    status: u16,
    content_type: Option<HeaderValue>,
    allow: Option<HeaderValue>,
    body: Bytes,
}

impl Answered {
    fn json(status: u16, body: Vec<u8>) -> Self {
        Answered {
            operation: None,
            status,
            content_type: Some(HeaderValue::from_static("application/json")),
            allow: None,
            body: Bytes::from(body),
        }
    }
}

/// Answers any request.
pub(crate) async fn handle(State(app): State<Arc<App>>, request: HttpRequest) -> Response {
    let (parts, body) = request.into_parts();
    let request_id = identity::id();
    let path = parts.uri.path();
    let query = parts.uri.query().unwrap_or_default();
    if let Some(rest) = path.strip_prefix("/_mock") {
        let answered = control::answer(&app, parts.method.as_str(), rest);
        return respond(
            Answered::json(answered.status, answered.body),
            &parts.headers,
            &request_id,
        );
    }
    let description = app.description;
    let answered = match description.router.find(parts.method.as_str(), path) {
        Route::Unknown => {
            // The shape of the live API for a path it does not know.
            Answered::json(
                404,
                json!({ "message": "Not Found", "ok": false })
                    .to_string()
                    .into(),
            )
        }
        Route::WrongMethod { allow } => Answered {
            allow: HeaderValue::from_str(allow).ok(),
            ..Answered::json(
                405,
                json!({ "message": "Method Not Allowed", "ok": false })
                    .to_string()
                    .into(),
            )
        },
        Route::Found {
            operation,
            parameters,
        } => match description.operations.get(operation) {
            Some(operation) => {
                let answer = operate(
                    &app,
                    operation,
                    &parameters,
                    (path, query),
                    &request_id,
                    &parts.headers,
                    body,
                );
                finish(description, operation, answer.await)
            }
            None => Answered::json(404, Vec::new()),
        },
    };
    app.journal.record(RequestRecord {
        method: parts.method.to_string(),
        path: path.to_owned(),
        query: query.to_owned(),
        operation: answered.operation.map(|operation| operation.id.clone()),
        status: answered.status,
    });
    respond(answered, &parts.headers, &request_id)
}

/// Takes a request through its checks, from the key to the body, and on to the engine.
async fn operate(
    app: &App,
    operation: &'static Operation,
    path: &[(&str, &str)],
    (uri, query): (&str, &str),
    request_id: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Reply, ApiError> {
    let caller = match operation.public {
        true => Caller::default(),
        false => {
            let caller = caller(app, headers)?;
            caller.may(app.description, operation, path)?;
            caller
        }
    };
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > MAX_BODY) {
        return Err(ApiError::too_large());
    }
    let body = axum::body::to_bytes(body, MAX_BODY)
        .await
        .map_err(|_| ApiError::too_large())?;
    let raw = Raw {
        path,
        query,
        headers,
        body: &body,
    };
    let mut request = parameters::decode(app.description, operation, &raw)?;
    request.caller = caller;
    let answer = engine::answer(app.description, &app.store, operation, &request);
    audit::record(
        &app.store,
        operation,
        &request,
        &audit::Sent {
            uri,
            query,
            request_id,
        },
        &answer,
    );
    answer
}

fn finish(
    description: &'static Description,
    operation: &'static Operation,
    answer: Result<Reply, ApiError>,
) -> Answered {
    match answer {
        Ok(reply) => Answered {
            operation: Some(operation),
            status: reply.status,
            content_type: reply
                .media_type
                .and_then(|name| HeaderValue::from_str(&name).ok()),
            allow: None,
            body: Bytes::from(reply.body),
        },
        Err(error) => {
            let body: Value = error.body(description, Some(operation));
            Answered {
                operation: Some(operation),
                ..Answered::json(error.status, body.to_string().into_bytes())
            }
        }
    }
}

/// Finds out who sends a request.
///
/// A key travels in `x-portkey-api-key`, or as a bearer token when that header is absent: next to
/// it, a bearer token is the credential of an upstream provider.
fn caller(app: &App, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let secret = match headers.get("x-portkey-api-key") {
        Some(key) => key.to_str().ok(),
        None => headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim()),
    };
    match secret {
        None => Err(ApiError::unauthorised()),
        Some(secret) if secret == app.api_key => Ok(Caller::default()),
        Some(secret) => Caller::with_secret(&app.store.read(), secret),
    }
}

fn respond(answered: Answered, headers: &HeaderMap, request_id: &str) -> Response {
    let mut response = Response::new(Body::from(answered.body));
    *response.status_mut() =
        StatusCode::from_u16(answered.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let own = HeaderValue::from_str(request_id).ok();
    // A caller's trace id is kept, so that the caller finds its own request again.
    let trace = headers.get(&TRACE_ID).cloned().or_else(|| own.clone());
    let set = [
        (CONTENT_TYPE, answered.content_type),
        (ALLOW, answered.allow),
        (TRACE_ID, trace),
        (REQUEST_ID, own),
    ];
    for (name, value) in set {
        if let Some(value) = value {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
