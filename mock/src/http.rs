//! The one handler behind every request.

use std::convert::Infallible;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, DATE, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use crate::description::Description;
use crate::description::api::{ApiSpec, HeaderNames};
use crate::description::operation::Operation;
use crate::description::router::Route;
use crate::engine::caller::Caller;
use crate::engine::error::{ApiError, Asked};
use crate::engine::identity::Ids;
use crate::engine::parameters::{self, Raw};
use crate::engine::request::Request;
use crate::engine::{self, Reply, audit};
use crate::faults::Faults;
use crate::faults::rule::{Dropping, Fault, Incoming};
use crate::gateway::{self, call, sse};
use crate::journal::redact::{self, Secrets};
use crate::journal::{Entry, Journal, KeptBody, Who};
use crate::relay::{Relay, Relayed};
use crate::serve::Timeouts;
use crate::server::{Served, Settings};
use crate::store::clock::Time;
use crate::worlds::{Place, Worlds};
use crate::{control, seed};

/// The largest body that is read. The API's own limits are not documented; this one keeps a
/// runaway client from filling the memory.
const MAX_BODY: usize = 32 * 1024 * 1024;

/// How long half an answer takes to reach the client before the connection is cut.
const FLUSH: Duration = Duration::from_millis(20);

/// Chooses the state that a request works on.
pub(crate) const SNAPSHOT: HeaderName = HeaderName::from_static("x-mock-snapshot");

/// Everything a request needs.
#[derive(Debug)]
pub(crate) struct App {
    /// The APIs that are served, the one that is meant in case of doubt first.
    pub(crate) apis: Vec<Served>,
    pub(crate) worlds: Worlds,
    pub(crate) journal: Journal,
    pub(crate) faults: Faults,
    pub(crate) time: Arc<Time>,
    pub(crate) api_key: String,
    pub(crate) timeouts: Timeouts,
    /// Whether pages that a cursor leads to may be shorter than they could be, or empty.
    pub(crate) uneven_pages: bool,
    /// Where answers come from instead, if the mock records or replays.
    pub(crate) relay: Option<Relay>,
    /// What the mock was started with, for going back to it.
    pub(crate) settings: Settings,
    /// Where request ids come from.
    pub(crate) request_ids: Mutex<Ids>,
    /// Makes fingerprints of unknown keys that say nothing outside of this process.
    pub(crate) salt: RandomState,
}

impl App {
    /// Puts everything back to what it was at the start.
    pub(crate) fn reset(&self) -> Result<(), ApiError> {
        self.worlds.reset()?;
        self.time.restart(self.settings.clock);
        self.begin();
        Ok(())
    }

    /// Begins the journal and the faults anew.
    pub(crate) fn begin(&self) {
        self.journal.clear();
        let Settings {
            faults,
            latency,
            seed,
            ..
        } = &self.settings;
        self.faults.reset(faults, *latency, *seed);
    }

    /// Finds the API and the operation that a request is for: the first API that has the
    /// operation, else one that has the path, else the one that is mounted closest to it.
    fn route<'r>(&self, method: &str, path: &'r str) -> Result<Routed<'r>, String> {
        let mut best: Option<Routed<'r>> = None;
        for api in &self.apis {
            let description = api.description()?;
            for base in &description.api.base_paths {
                let Some(rest) = path.strip_prefix(base.as_str()) else {
                    continue;
                };
                if !rest.starts_with('/') {
                    continue;
                }
                let found = Routed {
                    description,
                    route: description.router.find(method, rest),
                    base: base.len(),
                };
                let rank = |routed: &Routed<'_>| match &routed.route {
                    Route::Unknown => (0, routed.base),
                    Route::WrongMethod { .. } => (1, routed.base),
                    Route::Found { .. } => (2, routed.base),
                };
                if rank(&found).0 == 2 {
                    return Ok(found);
                }
                if best.as_ref().is_none_or(|best| rank(&found) > rank(best)) {
                    best = Some(found);
                }
            }
        }
        match (best, self.apis.first()) {
            (Some(best), _) => Ok(best),
            (None, Some(api)) => Ok(Routed {
                description: api.description()?,
                route: Route::Unknown,
                base: 0,
            }),
            (None, None) => Err("the mock serves no API".to_owned()),
        }
    }

    /// The description of the API that is meant in case of doubt.
    pub(crate) fn first(&self) -> Result<&'static Description, String> {
        let first = self.apis.first().ok_or("the mock serves no API")?;
        first.description()
    }

    fn request_id(&self) -> String {
        let ids = self.request_ids.lock();
        ids.unwrap_or_else(PoisonError::into_inner).id()
    }

    /// Finds out who sends a request, from the first of the places for keys that the request uses,
    /// and which state it is for.
    pub(crate) fn place(
        &self,
        api: &'static ApiSpec,
        headers: &HeaderMap,
    ) -> Result<Place, (ApiError, Who)> {
        let secret = api.keys.iter().find_map(|place| {
            let value = headers.get(&place.header)?.to_str().ok();
            Some(match &place.scheme {
                None => value,
                Some(scheme) => value
                    .and_then(|value| value.split_once(' '))
                    .filter(|(given, _)| given.eq_ignore_ascii_case(scheme))
                    .map(|(_, key)| key.trim()),
            })
        });
        match secret.flatten() {
            None if api.keys.is_empty() => self.own_place(api, headers, Who::Nobody),
            None => Err((ApiError::unauthorised(), Who::Nobody)),
            Some(secret) if secret == self.api_key => self.own_place(api, headers, Who::Admin),
            Some(secret) => {
                // Enough to tell keys apart, too little to tell what they are.
                let fingerprint =
                    || u32::try_from(self.salt.hash_one(secret) & 0x00ff_ffff).unwrap_or_default();
                match api.any_key && !self.worlds.is_open() {
                    true => self.own_place(api, headers, Who::Unknown(fingerprint())),
                    false => self
                        .worlds
                        .place(api, secret, snapshot(headers), fingerprint),
                }
            }
        }
    }

    /// The state of the built-in key's organisation that a request is for.
    pub(crate) fn own_place(
        &self,
        api: &'static ApiSpec,
        headers: &HeaderMap,
        who: Who,
    ) -> Result<Place, (ApiError, Who)> {
        let tenant = Arc::clone(&self.worlds.main);
        match tenant.store(snapshot(headers)) {
            Ok(store) => Ok(Place {
                tenant,
                store,
                caller: Caller::of(api),
                who,
            }),
            Err(error) => Err((error, who)),
        }
    }
}

/// What a request's method and path lead to.
#[derive(Debug)]
struct Routed<'r> {
    description: &'static Description,
    route: Route<'r>,
    /// How much of the path is the API's base path.
    base: usize,
}

impl Routed<'_> {
    fn operation(&self) -> Option<&'static Operation> {
        match &self.route {
            Route::Found { operation, .. } => self.description.operations.get(*operation),
            _ => None,
        }
    }
}

/// The state that a request chooses.
pub(crate) fn snapshot(headers: &HeaderMap) -> Option<&str> {
    // What is no text names no snapshot that there is.
    headers
        .get(SNAPSHOT)
        .map(|name| name.to_str().unwrap_or("?"))
}

/// A request before its body is read.
#[derive(Debug)]
pub(crate) struct Head<'r> {
    pub(crate) method: &'r Method,
    pub(crate) path: &'r str,
    pub(crate) query: &'r str,
    pub(crate) headers: &'r HeaderMap,
}

/// An answer before it becomes an HTTP response.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) allow: Option<HeaderValue>,
    pub(crate) retry_after: Option<u64>,
    /// Other headers, by their names.
    pub(crate) headers: Vec<(&'static str, String)>,
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
    fn refusal(error: &ApiError, media_type: &str, body: &Value) -> Self {
        Answered {
            content_type: HeaderValue::from_str(media_type).ok(),
            ..Answered::json(error.status, body.to_string())
        }
    }
}

/// What the journal learns while a request is answered.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    who: Who,
    request_bytes: usize,
    body: Option<Value>,
    notes: Vec<String>,
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
        let answered = match read(app, head.headers, body).await {
            Ok(body) => control::answer(app, &head, path, &body).await,
            Err(error) => Answered::outside(error.status, &error.message),
        };
        return Ok(respond(app, answered, None, &head, &request_id));
    }
    if let Some(relay) = &app.relay {
        return Ok(relayed(app, relay, &parts, body, &request_id, begun).await);
    }
    let routed = match app.route(head.method.as_str(), head.path) {
        Ok(routed) => routed,
        Err(problem) => {
            return Ok(respond(
                app,
                Answered::outside(500, &problem),
                None,
                &head,
                &request_id,
            ));
        }
    };
    let operation = routed.operation();
    let asked = Asked {
        path: head.path,
        request_id: &request_id,
    };
    let mut trace = Trace::default();
    let answered = struck(app, &head, &routed, asked, body, &mut trace).await;
    if let (Some(coverage), Some(operation), Ok(answered)) =
        (routed.description.coverage(), operation, &answered)
    {
        coverage.answered(operation, answered.status);
    }
    let secrets = Secrets::of(routed.description, operation);
    let body = match app.journal.body(trace.body, &secrets) {
        KeptBody::Text(text) => Some(text),
        KeptBody::Nothing => None,
        KeptBody::TooLarge => {
            trace
                .notes
                .push("the body is too large to be kept".to_owned());
            None
        }
    };
    app.journal.record(Entry {
        number: 0,
        millisecond: app.time.millisecond(),
        method: head.method.clone(),
        path: Entry::cut(head.path),
        query: Entry::cut(&redact::query(head.query)),
        operation: operation.map(|operation| &*operation.id),
        status: answered.as_ref().map_or(0, |answered| answered.status),
        request_id: Box::from(request_id.as_str()),
        who: trace.who,
        snapshot: snapshot(head.headers).map(Arc::from),
        duration: begun.elapsed(),
        request_bytes: trace.request_bytes,
        response_bytes: answered.as_ref().map_or(0, |answered| answered.body.len()),
        fault: trace.fault,
        notes: trace.notes.into_boxed_slice(),
        body,
    });
    let names = &routed.description.api.headers;
    Ok(respond(app, answered?, Some(names), &head, &request_id))
}

/// Answers a request of the mock's own, such as a seed: no fault strikes it, and the journal does not
/// have it.
pub(crate) async fn direct(
    app: &App,
    method: &Method,
    target: &str,
    headers: &HeaderMap,
    body: Option<&Value>,
) -> Answered {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    // A path is written as clients write it after their base URL.
    let description = app.first().ok();
    let base = description.map_or("", |description| {
        description
            .api
            .base_paths
            .first()
            .map_or("", String::as_str)
    });
    let path = match path.starts_with(base) {
        true => path.to_owned(),
        false => format!("{base}{path}"),
    };
    let mut headers = headers.clone();
    if let Some(description) = description
        && let Some(place) = description.api.keys.first()
        && let (Ok(name), Ok(key)) = (
            place.header.parse::<HeaderName>(),
            HeaderValue::from_str(&app.api_key),
        )
    {
        headers.entry(name).or_insert(key);
    }
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let head = Head {
        method,
        path: &path,
        query,
        headers: &headers,
    };
    let routed = match app.route(method.as_str(), &path) {
        Ok(routed) => routed,
        Err(problem) => return Answered::outside(500, &problem),
    };
    let request_id = app.request_id();
    let asked = Asked {
        path: &path,
        request_id: &request_id,
    };
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    reached(app, &head, &routed, asked, body, &mut Trace::default()).await
}

/// Answers a request, with the faults that strike it.
async fn struck(
    app: &App,
    head: &Head<'_>,
    routed: &Routed<'_>,
    asked: Asked<'_>,
    body: Body,
    trace: &mut Trace,
) -> Result<Answered, Dropped> {
    let operation = routed.operation();
    let strike = app.faults.strike(&Incoming {
        operation: operation.map(|operation| &*operation.id),
        method: head.method.as_str(),
        path: head.path,
        query: head.query,
        snapshot: snapshot(head.headers),
    });
    if !strike.wait.is_zero() {
        tokio::time::sleep(strike.wait).await;
    }
    let Some((number, fault)) = strike.fault else {
        return Ok(reached(app, head, routed, asked, body, trace).await);
    };
    trace.fault = Some(number);
    let error = fault
        .status
        .map(|status| failure(&fault, status, routed, asked));
    match (fault.drop, error) {
        (Some(Dropping::Before), _) => Err(Dropped),
        (_, Some(error)) if !fault.after => Ok(error),
        (drop, error) => {
            let mut answered = reached(app, head, routed, asked, body, trace).await;
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
fn failure(fault: &Fault, status: u16, routed: &Routed<'_>, asked: Asked<'_>) -> Answered {
    let message = fault.message.as_deref().unwrap_or_else(|| reason(status));
    let error = ApiError::new(status, message);
    let answered = match &fault.body {
        Some(body) => Answered::json(status, body.to_string()),
        None => {
            let (media_type, body) = error.body(routed.description, routed.operation(), asked);
            Answered::refusal(&error, media_type, &body)
        }
    };
    Answered {
        retry_after: fault.retry_after,
        ..answered
    }
}

/// The words for a status.
fn reason(status: u16) -> &'static str {
    let status = StatusCode::from_u16(status).ok();
    status
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Failure")
}

/// Answers a request by what its path leads to.
async fn reached(
    app: &App,
    head: &Head<'_>,
    routed: &Routed<'_>,
    asked: Asked<'_>,
    body: Body,
    trace: &mut Trace,
) -> Answered {
    let description = routed.description;
    let refused = |status: u16| {
        let error = ApiError::new(status, reason(status));
        let (media_type, body) = error.unrouted(description, asked);
        Answered::refusal(&error, media_type, &body)
    };
    match (&routed.route, routed.operation()) {
        _ if is_passed_on(routed, head.headers) => {
            let answer = pass_on(app, routed, head, asked, body, trace).await;
            finish(description, None, answer, asked)
        }
        (Route::WrongMethod { allow }, _) => Answered {
            allow: HeaderValue::from_str(allow).ok(),
            ..refused(405)
        },
        (Route::Found { parameters, .. }, Some(operation)) => {
            let answer = operate(app, routed, operation, parameters, head, asked, body, trace);
            finish(description, Some(operation), answer.await, asked)
        }
        _ => refused(404),
    }
}

/// Reads a body, within the bounds of size and time.
async fn read(app: &App, headers: &HeaderMap, body: Body) -> Result<Bytes, ApiError> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced == Some(0) {
        return Ok(Bytes::new());
    }
    if announced.is_some_and(|length| length > MAX_BODY) {
        return Err(ApiError::too_large());
    }
    let reading = axum::body::to_bytes(body, MAX_BODY);
    match tokio::time::timeout(app.timeouts.body, reading).await {
        Ok(read) => read.map_err(|_| ApiError::too_large()),
        Err(_) => Err(ApiError::too_slow()),
    }
}

/// Takes a request through its checks, from the key to the body, and on to the engine.
#[expect(
    clippy::too_many_arguments,
    reason = "they are what a request is made of"
)]
async fn operate(
    app: &App,
    routed: &Routed<'_>,
    operation: &'static Operation,
    path: &[(&str, &str)],
    head: &Head<'_>,
    asked: Asked<'_>,
    body: Body,
    trace: &mut Trace,
) -> Result<Reply, ApiError> {
    let description = routed.description;
    let place = match operation.public {
        true => app.own_place(&description.api, head.headers, Who::Nobody),
        false => app.place(&description.api, head.headers),
    };
    let place = place.map_err(|(error, who)| {
        trace.who = who;
        error
    })?;
    trace.who = place.who;
    seed::ensure(&place.store, description)?;
    place.caller.may(description, operation, path)?;
    let came = place.store.read().clock.millisecond();
    let body = read(app, head.headers, body).await?;
    trace.request_bytes = body.len();
    let raw = Raw {
        path,
        query: head.query,
        headers: head.headers,
        body: &body,
    };
    let mut request = match parameters::decode(description, operation, &raw) {
        Ok(request) => request,
        Err(error) => {
            trace.body = serde_json::from_slice(&body).ok();
            return Err(error);
        }
    };
    if let Some(coverage) = description.coverage() {
        coverage.accepted(description, operation, &request, &raw);
    }
    request.caller = place.caller;
    request.uneven_pages = app.uneven_pages;
    if let Some(answer) = operation.gateway {
        let asked = gateway::Asked {
            operation: Some((operation, answer)),
            method: head.method.as_str(),
            path: head.path.get(routed.base..).unwrap_or_default(),
            query: head.query,
            headers: head.headers,
            request_id: asked.request_id,
            came,
        };
        let answer = gateway::serve(description, &place.store, &asked, &request);
        trace.body = request.body;
        return answer;
    }
    let answer = engine::answer(description, &place.store, operation, &request);
    audit::record(
        &description.api,
        &place.store,
        operation,
        &request,
        &audit::Sent {
            uri: head.path,
            query: head.query,
            request_id: asked.request_id,
        },
        &answer,
    );
    trace.body = request.body;
    answer
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

/// Takes a request for a provider's own API through its checks.
async fn pass_on(
    app: &App,
    routed: &Routed<'_>,
    head: &Head<'_>,
    asked: Asked<'_>,
    body: Body,
    trace: &mut Trace,
) -> Result<Reply, ApiError> {
    let description = routed.description;
    let place = app.place(&description.api, head.headers);
    let place = place.map_err(|(error, who)| {
        trace.who = who;
        error
    })?;
    trace.who = place.who;
    seed::ensure(&place.store, description)?;
    let came = place.store.read().clock.millisecond();
    let gateway = description.api.gateway.as_ref();
    let scope = gateway.map(|gateway| gateway.scope.clone());
    place.caller.holds_one(description, scope)?;
    let body = read(app, head.headers, body).await?;
    trace.request_bytes = body.len();
    let path = head.path.get(routed.base..).unwrap_or_default();
    let asked = gateway::Asked {
        operation: None,
        method: head.method.as_str(),
        path: path.strip_prefix("/proxy").unwrap_or(path),
        query: head.query,
        headers: head.headers,
        request_id: asked.request_id,
        came,
    };
    let request = Request {
        body: serde_json::from_slice(&body).ok(),
        caller: place.caller,
        ..Request::default()
    };
    let answer = gateway::serve(description, &place.store, &asked, &request);
    trace.body = request.body;
    answer
}

/// Has a request answered by another server or a recording of one.
async fn relayed(
    app: &App,
    relay: &Relay,
    parts: &Parts,
    body: Body,
    request_id: &str,
    begun: Instant,
) -> Response {
    let body = read(app, &parts.headers, body).await;
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

fn finish(
    description: &'static Description,
    operation: Option<&'static Operation>,
    answer: Result<Reply, ApiError>,
    asked: Asked<'_>,
) -> Answered {
    match answer {
        Ok(reply) => Answered {
            content_type: reply
                .media_type
                .and_then(|name| HeaderValue::from_str(&name).ok()),
            headers: reply.headers,
            ..Answered::json(reply.status, reply.body)
        },
        Err(error) => {
            let (media_type, body) = error.body(description, operation, asked);
            Answered::refusal(&error, media_type, &body)
        }
    }
}

/// A body in one piece or, if it is a stream, event by event.
fn pour(answered: &Answered) -> Body {
    let media_type = answered.content_type.as_ref();
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

fn respond(
    app: &App,
    answered: Answered,
    names: Option<&HeaderNames>,
    head: &Head<'_>,
    request_id: &str,
) -> Response {
    let length = answered.body.len();
    let body = match answered.cut {
        false => pour(&answered),
        true => {
            let half = answered.body.slice(..length / 2);
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
        StatusCode::from_u16(answered.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answered.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    let mut set = |name: HeaderName, value: Option<HeaderValue>| {
        if let Some(value) = value {
            response.headers_mut().insert(name, value);
        }
    };
    set(CONTENT_TYPE, answered.content_type);
    set(
        CONTENT_LENGTH,
        answered.cut.then(|| HeaderValue::from(length)),
    );
    set(ALLOW, answered.allow);
    set(RETRY_AFTER, answered.retry_after.map(HeaderValue::from));
    set(DATE, date(&app.time));
    if let Some(names) = names {
        let own = HeaderValue::from_str(request_id).ok();
        let name = |name: &Option<String>| name.as_deref()?.parse::<HeaderName>().ok();
        if let Some(name) = name(&names.trace_id) {
            // A caller's trace id is kept, so that the caller finds its own request again.
            let trace = head.headers.get(&name).cloned().or_else(|| own.clone());
            set(name, trace);
        }
        if let Some(name) = name(&names.request_id) {
            set(name, own);
        }
    }
    response
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
