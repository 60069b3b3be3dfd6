//! The data plane: requests to models, as far as they show in the control plane.
//!
//! No model is behind the mock. What one would say is made up, always the same way; what the gateway does around it is
//! real: it finds the provider, the model and the config, refuses what is over a limit, remembers what it has
//! answered before, and logs what it served. Logs, analytics and limits are figures about these requests.

pub(crate) mod call;
mod content;
pub(crate) mod limits;
mod openai;
mod responses;
pub(crate) mod sse;

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::call::Call;
use self::limits::Subject;
use crate::description::Description;
use crate::description::operation::Operation;
use crate::engine::error::ApiError;
use crate::engine::find;
use crate::engine::request::Request;
use crate::engine::work::Work;
use crate::engine::{Reply, analytics, generated};
use crate::hooks::log::{self, Entry};
use crate::hooks::prompt;
use crate::store::{State, Store};

/// How many answers the cache remembers having given.
const REMEMBERED: usize = 10_000;

/// The largest body that is logged, as JSON text.
const LOGGED: usize = 32 * 1024;

/// How an operation of the data plane is answered, as `x-gateway` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    Chat,
    Completion,
    Embedding,
    Response,
    /// What the stored prompt, filled in, is a request for.
    Prompt,
    /// An instance of the response's schema.
    Instance,
}

/// A request to a model.
#[derive(Debug)]
pub(crate) struct Asked<'r> {
    /// The operation and how to answer it; none for what is passed on to a provider's own API.
    pub(crate) operation: Option<(&'static Operation, Answer)>,
    pub(crate) method: &'r str,
    pub(crate) path: &'r str,
    pub(crate) query: &'r str,
    pub(crate) headers: &'r HeaderMap,
    pub(crate) request_id: &'r str,
    /// When the request came, in milliseconds.
    pub(crate) came: i64,
}

/// What goes into every answer: when it was made, and an id.
#[derive(Debug)]
struct Stamp {
    id: String,
    second: i64,
}

/// An answer of a model, and the tokens that were sent and received for it.
#[derive(Debug)]
struct Made {
    media_type: Option<&'static str>,
    status: u16,
    body: Vec<u8>,
    sent: usize,
    received: usize,
}

impl Made {
    fn json(body: &Value, sent: usize, received: usize) -> Made {
        Made {
            media_type: Some("application/json"),
            status: 200,
            body: body.to_string().into_bytes(),
            sent,
            received,
        }
    }

    fn stream(events: String, sent: usize, received: usize) -> Made {
        Made {
            media_type: Some(sse::MEDIA_TYPE),
            body: events.into_bytes(),
            ..Made::json(&Value::Null, sent, received)
        }
    }

    /// The gateway's own errors.
    fn failure(status: u16, message: &str) -> Made {
        Made {
            status,
            ..Made::json(&json!({ "status": "failure", "message": message }), 0, 0)
        }
    }
}

/// Answers a request to a model and logs it.
pub(crate) fn serve(
    description: &'static Description,
    store: &Store,
    asked: &Asked<'_>,
    request: &Request,
) -> Result<Reply, ApiError> {
    let nothing = Value::Null;
    let sent = request.body.as_ref().unwrap_or(&nothing);
    store.write(|state| {
        let mut call = Call::read(
            state,
            &request.caller,
            asked.headers,
            sent,
            asked.request_id,
        );
        let (prompt, body) = rendered(description, state, asked, request, &mut call)?;
        let body = body.as_ref().unwrap_or(sent);
        let mut metrics = metrics(&call, asked, prompt);
        let refused = limits::exceeded(state, subject(&call, &metrics));
        let cached = match refused {
            None => cached(state, &call, asked, body),
            Some(_) => "DISABLED",
        };
        let made = match &refused {
            Some(refusal) => Made::failure(refusal.status, &refusal.message),
            None => made(description, state, asked, &call, body)?,
        };
        let saved = price(
            description,
            state,
            &mut metrics,
            &call,
            &made,
            cached,
            asked.came,
        );
        let mut work = Work {
            description,
            state,
            caller: &request.caller,
        };
        log::keep(&mut work, entry(&call, asked, metrics, saved, sent, &made))?;
        Ok(reply(&call, made, cached))
    })
}

fn subject<'c>(call: &'c Call, metrics: &'c Map<String, Value>) -> Subject<'c> {
    Subject {
        metrics,
        metadata: &call.metadata,
        key: call.key.as_ref(),
        provider: call.provider.as_ref(),
        workspace: call.workspace.as_ref(),
    }
}

/// The request that a stored prompt stands for, and what the log says of the prompt.
fn rendered(
    description: &'static Description,
    state: &State,
    asked: &Asked<'_>,
    request: &Request,
    call: &mut Call,
) -> Result<(Map<String, Value>, Option<Value>), ApiError> {
    let mut about = Map::new();
    let Some((operation, Answer::Prompt)) = asked.operation else {
        return Ok((about, None));
    };
    let reference = request.subject(operation, None);
    let stored = prompt::render(description, state, reference, &request.members())?;
    let kind = find::resource(description, "prompt")?;
    request.caller.may_see(state, kind, &stored.prompt)?;
    about.insert("prompt_id".to_owned(), Value::from(&*stored.prompt.id));
    if let Some(slug) = &stored.prompt.slug {
        about.insert("prompt_slug".to_owned(), Value::from(&**slug));
    }
    about.insert(
        "prompt_version_id".to_owned(),
        Value::from(&*stored.edition.id),
    );
    let mut body = Value::Object(stored.body);
    if let Some(stream) = request.body.as_ref().and_then(|body| body.get("stream")) {
        body["stream"] = stream.clone();
    }
    call.prompt(state, &stored.edition, &body);
    Ok((about, Some(body)))
}

/// Whether an answer comes from the cache, in the words of `x-portkey-cache-status`.
fn cached(state: &mut State, call: &Call, asked: &Asked<'_>, body: &Value) -> &'static str {
    let wanted = call.cache.as_ref();
    let kept = !matches!(asked.operation, None | Some((_, Answer::Instance)));
    let Some(cache) = wanted.filter(|_| kept) else {
        return "DISABLED";
    };
    let mut hasher = DefaultHasher::new();
    let place = call.workspace.as_ref().map(|workspace| &workspace.id);
    let question = (
        asked.path,
        &call.slug,
        &call.ai_org,
        &call.model,
        &cache.namespace,
    );
    (place, question, body.to_string()).hash(&mut hasher);
    let key = hasher.finish();
    let now = state.clock.millisecond();
    let known = state.answered.get(&key).is_some_and(|then| {
        cache
            .max_age
            .is_none_or(|age| now - then <= age.saturating_mul(1000))
    });
    if !known || cache.refresh {
        if state.answered.len() >= REMEMBERED {
            state.answered = imbl::OrdMap::new();
        }
        state.answered.insert(key, now);
    }
    match (cache.refresh, known, cache.semantic) {
        (true, ..) => "REFRESH",
        (false, true, false) => "HIT",
        (false, true, true) => "SEMANTIC HIT",
        (false, false, false) => "MISS",
        (false, false, true) => "SEMANTIC MISS",
    }
}

fn made(
    description: &'static Description,
    state: &mut State,
    asked: &Asked<'_>,
    call: &Call,
    body: &Value,
) -> Result<Made, ApiError> {
    let stamp = Stamp {
        id: state.ids.id().replace('-', ""),
        second: state.clock.millisecond() / 1000,
    };
    let model = call.model.as_deref().unwrap_or("mock");
    let Some((operation, answer)) = asked.operation else {
        return Ok(echo(asked, call, body));
    };
    Ok(match answer {
        Answer::Chat => openai::chat(&stamp, model, body),
        Answer::Completion => openai::completion(&stamp, model, body),
        Answer::Embedding => openai::embeddings(model, body),
        Answer::Response => responses::create(&stamp, model, body),
        Answer::Prompt if body.get("messages").is_some() => openai::chat(&stamp, model, body),
        Answer::Prompt => openai::completion(&stamp, model, body),
        Answer::Instance => {
            let reply = generated(description, operation)?;
            Made {
                media_type: reply.media_type,
                status: reply.status,
                body: reply.body,
                sent: 0,
                received: 0,
            }
        }
    })
}

/// What a provider's own API answers: what it was asked, for nothing is known of it.
fn echo(asked: &Asked<'_>, call: &Call, body: &Value) -> Made {
    let body = json!({
        "provider": call.ai_org, "method": asked.method, "path": asked.path, "query": asked.query, "body": body,
    });
    Made::json(&body, 0, 0)
}

/// What a log says of a request before it is answered.
fn metrics(call: &Call, asked: &Asked<'_>, about: Map<String, Value>) -> Map<String, Value> {
    let mut metrics = about;
    metrics.extend(call.spans.clone());
    let fields = json!({
        "request_url": format!("https://api.portkey.ai/v1{}", asked.path),
        "request_method": asked.method,
        "is_proxy_call": asked.operation.is_none(),
        "trace_id": call.trace_id,
        "mode": call.mode,
        "source": "api",
        "retry_success_count": 0,
    });
    if let Value::Object(mut fields) = fields {
        metrics.append(&mut fields);
    }
    let config = call.config.as_ref();
    let optional = [
        ("ai_model", call.model.as_deref()),
        ("ai_org", call.ai_org.as_deref()),
        ("api_key_id", call.key.as_ref().map(|key| &*key.id)),
        ("config", config.and_then(|config| config.slug.as_deref())),
        ("config_id", config.map(|config| &*config.id)),
        (
            "config_version_id",
            config.and_then(|config| config.text("version_id")),
        ),
        ("virtual_key", call.slug.as_deref()),
        (
            "workspace_slug",
            call.workspace
                .as_ref()
                .and_then(|place| place.slug.as_deref()),
        ),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            metrics.insert(name.to_owned(), Value::from(value));
        }
    }
    metrics
}

/// Adds what a log says of the answer, and says what it saves: one from the cache costs nothing, as no provider was
/// asked.
fn price(
    description: &Description,
    state: &State,
    metrics: &mut Map<String, Value>,
    call: &Call,
    made: &Made,
    cached: &str,
    came: i64,
) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "bodies are far smaller than that"
    )]
    let (sent, received) = (made.sent as f64, made.received as f64);
    let model = call.model.as_deref().unwrap_or_default();
    let full = analytics::cost(description, model, sent, received);
    let hit = cached.ends_with("HIT");
    let stream = made.media_type == Some(sse::MEDIA_TYPE);
    let fields = json!({
        "is_success": made.status < 400, "response_status_code": made.status,
        "req_units": sent, "res_units": received, "total_units": sent + received,
        "cost": if hit { 0.0 } else { full }, "cost_currency": "USD",
        "response_time": state.clock.millisecond().saturating_sub(came).max(0),
        "cache_status": cached, "stream_mode": u8::from(stream),
        "cache_type": call.cache.as_ref().map(|cache| if cache.semantic { "semantic" } else { "simple" }),
    });
    if let Value::Object(mut fields) = fields {
        metrics.append(&mut fields);
    }
    if hit { full } else { 0.0 }
}

/// What is logged: everything but credentials and what is too large.
fn entry(
    call: &Call,
    asked: &Asked<'_>,
    metrics: Map<String, Value>,
    saved: f64,
    body: &Value,
    made: &Made,
) -> Entry {
    let shown = |body: Value| match call.discreet || body.to_string().len() > LOGGED {
        true => json!({}),
        false => body,
    };
    let answered =
        serde_json::from_slice(&made.body).unwrap_or_else(|_| {
            match std::str::from_utf8(&made.body) {
                Ok(text) if made.media_type == Some(sse::MEDIA_TYPE) => {
                    json!({ "stream": text })
                }
                _ => json!({}),
            }
        });
    let url = metrics.get("request_url").cloned().unwrap_or_default();
    let time = metrics.get("response_time").cloned().unwrap_or_default();
    // An inline config holds keys of providers, and so do most other headers.
    let mut told = Map::new();
    for (name, value) in [
        ("trace-id", Some(&call.trace_id)),
        ("provider", call.slug.as_ref()),
    ] {
        if let Some(value) = value {
            told.insert(format!("x-portkey-{name}"), Value::from(value.as_str()));
        }
    }
    Entry {
        request: json!({
            "url": url, "method": asked.method, "headers": {}, "body": shown(object(body)), "portkeyHeaders": told,
        }),
        response: json!({
            "status": made.status, "headers": { "content-type": made.media_type }, "body": shown(object(&answered)),
            "responseTime": time, "lastUsedOptionJsonPath": call.option,
        }),
        metrics,
        saved,
        metadata: call.metadata.clone(),
        workspace: call.workspace.clone(),
        key: call.key.clone(),
        provider: call.provider.clone(),
    }
}

/// A body as an object, which is what a log has room for.
fn object(body: &Value) -> Value {
    match body {
        Value::Object(_) => body.clone(),
        Value::Null => json!({}),
        other => json!({ "body": other }),
    }
}

fn reply(call: &Call, made: Made, cached: &'static str) -> Reply {
    let mut headers = vec![
        ("x-portkey-cache-status", cached.to_owned()),
        ("x-portkey-retry-attempt-count", "0".to_owned()),
        ("x-portkey-last-used-option-index", call.option.clone()),
    ];
    if let Some(provider) = &call.ai_org {
        headers.push(("x-portkey-provider", provider.clone()));
    }
    Reply {
        status: made.status,
        media_type: made.media_type,
        body: made.body,
        headers,
    }
}
