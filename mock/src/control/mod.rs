//! The mock's own paths under `/_mock`, which need no key.
//!
//! What is asked here acts on the state that the same headers would choose for any other request:
//! the branch that `x-mock-snapshot` names, and with open keys the organisation of the key.

mod clock;
mod faults;
mod lag;
mod requests;
pub(crate) mod seed;
mod snapshots;
mod store;

use axum::body::Bytes;
use axum::http::HeaderValue;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::description::{Description, spec};
use crate::engine::error::ApiError;
use crate::http::{self, Answered, App, Head};
use crate::journal::Who;
use crate::worlds::Place;

/// What is wrong in the vendor's document, and how it is read; `defects.yaml` as JSON.
const SPEC_DEFECTS: &str = include_str!(concat!(env!("OUT_DIR"), "/defects.json"));

/// Why a request for the control surface is refused.
#[derive(Debug)]
pub(crate) struct Refused {
    status: u16,
    message: String,
}

impl Refused {
    fn new(message: impl Into<String>) -> Refused {
        Refused {
            status: 400,
            message: message.into(),
        }
    }
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Refused {
        Refused {
            status: error.status,
            message: error.message,
        }
    }
}

/// The paths and their methods.
const PATHS: [(&str, &str); 19] = [
    ("/", "GET"),
    ("/store", "GET"),
    ("/store/{kind}", "GET"),
    ("/health", "GET"),
    ("/openapi.json", "GET"),
    ("/resources", "GET"),
    ("/spec-defects", "GET"),
    ("/requests", "GET, DELETE"),
    ("/verify", "POST"),
    ("/faults", "GET, POST, DELETE"),
    ("/faults/{number}", "DELETE"),
    ("/latency", "GET, POST, DELETE"),
    ("/lag", "GET, POST, DELETE"),
    ("/clock", "GET, POST"),
    ("/snapshots", "GET"),
    ("/snapshots/{name}", "POST, DELETE"),
    ("/snapshots/{name}/restore", "POST"),
    ("/seed", "POST"),
    ("/reset", "POST"),
];

/// Answers a request for the path after `/_mock`.
pub(crate) async fn answer(app: &App, head: &Head<'_>, path: &str, body: &Bytes) -> Answered {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let answered = match (head.method.as_str(), segments.as_slice()) {
        ("GET", [] | [""]) => return page(),
        ("GET", ["store"]) => place(app, head).map(|place| store::kinds(app, &place)),
        ("GET", ["store", kind]) => {
            place(app, head).and_then(|place| store::objects(app, &place, kind, head.query))
        }
        ("GET", ["health"]) => first(app).map(health),
        ("GET", ["openapi.json"]) => match first(app) {
            Ok(description) => return Answered::json(200, description.text),
            Err(refused) => Err(refused),
        },
        ("GET", ["resources"]) => first(app).map(spec::summary),
        ("GET", ["spec-defects"]) => return Answered::json(200, SPEC_DEFECTS),
        // The document of an API that is served beside the first.
        ("GET", [name, "openapi.json"]) => {
            let descriptions = app.apis.iter().filter_map(|api| api.description().ok());
            let mut named = descriptions.filter(|description| description.api.name == *name);
            return match named.next() {
                Some(description) => Answered::json(200, description.text),
                None => Answered::outside(404, "Not Found"),
            };
        }
        ("GET", ["requests"]) => requests::list(app, head.query),
        ("DELETE", ["requests"]) => {
            app.journal.clear();
            Ok(json!({}))
        }
        ("POST", ["verify"]) => match requests::verify(app, body) {
            Ok((status, body)) => return Answered::json(status, body.to_string()),
            Err(refused) => Err(refused),
        },
        ("GET", ["faults"]) => Ok(faults::list(app)),
        ("POST", ["faults"]) => faults::add(app, body),
        ("DELETE", ["faults"]) => {
            app.faults.clear();
            Ok(json!({}))
        }
        ("DELETE", ["faults", number]) => faults::remove(app, number),
        ("GET", ["latency"]) => Ok(faults::latency(app)),
        ("POST", ["latency"]) => faults::set_latency(app, body),
        ("DELETE", ["latency"]) => {
            app.faults.set_latency(None);
            Ok(faults::latency(app))
        }
        ("GET", ["lag"]) => Ok(lag::show(app)),
        ("POST", ["lag"]) => lag::set(app, body),
        ("DELETE", ["lag"]) => {
            app.worlds.lag.set(None);
            Ok(lag::show(app))
        }
        ("GET", ["clock"]) => Ok(clock::show(app)),
        ("POST", ["clock"]) => clock::set(app, body),
        ("GET", ["snapshots"]) => place(app, head).map(|place| snapshots::list(&place)),
        ("POST", ["snapshots", name]) => {
            place(app, head).and_then(|place| snapshots::take(&place, name))
        }
        ("DELETE", ["snapshots", name]) => {
            place(app, head).and_then(|place| snapshots::forget(&place, name))
        }
        ("POST", ["snapshots", name, "restore"]) => {
            place(app, head).and_then(|place| snapshots::restore(&place, name))
        }
        ("POST", ["seed"]) => seed::seed(app, head, body).await,
        ("POST", ["reset"]) => reset(app, head),
        _ => return outside(&segments),
    };
    match answered {
        Ok(body) => Answered::json(200, body.to_string()),
        Err(refused) => Answered::outside(refused.status, &refused.message),
    }
}

/// The console page.
fn page() -> Answered {
    // Whatever hostile markup might ever get into the page does not know the word that admits it.
    let (page, policy) = store::console(&Uuid::new_v4().simple().to_string());
    Answered {
        content_type: Some(HeaderValue::from_static("text/html; charset=utf-8")),
        headers: http::headers(vec![
            ("content-security-policy", policy),
            ("cache-control", "no-store".to_owned()),
        ]),
        ..Answered::json(200, page)
    }
}

/// The answer for a path or a method that is not there.
fn outside(segments: &[&str]) -> Answered {
    let is = |known: &str| {
        let known: Vec<&str> = known.split('/').skip(1).collect();
        let alike = |(known, is): (&&str, &&str)| known.starts_with('{') || known == is;
        known.len() == segments.len() && known.iter().zip(segments).all(alike)
    };
    match PATHS.iter().find(|(path, _)| is(path)) {
        Some((_, allow)) => Answered {
            allow: HeaderValue::from_str(allow).ok(),
            ..Answered::outside(405, "Method Not Allowed")
        },
        None => Answered::outside(404, "Not Found"),
    }
}

/// The state that a request acts on. A key is only looked at where unknown ones have a state.
fn place(app: &App, head: &Head<'_>) -> Result<Place, Refused> {
    let api = &first(app)?.api;
    let place = match app.place(api, head.headers) {
        Ok(place) => Ok(place),
        Err(_) => app.own_place(api, head.headers, Who::Nobody),
    };
    place.map_err(|(error, _)| error.into())
}

/// The API that the surface speaks of.
fn first(app: &App) -> Result<&'static Description, Refused> {
    app.first().map_err(Refused::new)
}

fn health(description: &Description) -> Value {
    json!({ "status": "ok", "operations": description.operations.len() })
}

/// Puts everything back to what it was at the start, or the one branch that the request chooses.
fn reset(app: &App, head: &Head<'_>) -> Result<Value, Refused> {
    match http::snapshot(head.headers) {
        Some(branch) => place(app, head)?.tenant.end_branch(branch)?,
        None => app.reset()?,
    }
    Ok(json!({}))
}

/// The body of a request as JSON; none is an empty object.
fn parse(body: &Bytes) -> Result<Value, Refused> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(body).map_err(|error| Refused::new(format!("malformed JSON: {error}")))
}

/// The text of a member; other members are refused, so that a misspelt one does not do nothing.
fn texts<'b, const N: usize>(
    body: &'b Value,
    names: [&str; N],
) -> Result<[Option<&'b str>; N], Refused> {
    let Some(members) = body.as_object() else {
        return Err(Refused::new("the body is no object"));
    };
    if let Some(unknown) = members.keys().find(|name| !names.contains(&name.as_str())) {
        let names = names.join(", ");
        return Err(Refused::new(format!(
            "there is no `{unknown}` here; known: {names}"
        )));
    }
    let mut found = [None; N];
    for (place, name) in found.iter_mut().zip(names) {
        *place = match members.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.as_str()),
            Some(_) => return Err(Refused::new(format!("`{name}` is no text"))),
        };
    }
    Ok(found)
}
