//! A request as the journal keeps it, and what is shown of it.
//!
//! Most requests are never looked at. So a request is kept as it came, secrets and all, and what takes work is left
//! until somebody looks: reading the body, masking what is secret, and comparing it all with what the vendor has
//! published.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;

use super::redact::{self, Secrets};
use super::{RequestRecord, Who};
use crate::apis::Served;
use crate::description::operation::{Operation, ParameterIn};
use crate::engine::departure;
use crate::engine::parameters::{self, Raw};
use crate::store::clock;

/// How much of a path and of a query is remembered, in bytes.
const LONGEST: usize = 2_048;

/// The largest body that is remembered, in bytes.
const LARGEST_BODY: usize = 16 * 1024;

/// What a request costs beside its texts, in bytes: an estimate that only has to be proportional.
const OVERHEAD: usize = 300;

/// A request as it is kept.
pub(crate) struct Entry {
    pub(crate) number: u64,
    pub(crate) millisecond: i64,
    pub(crate) method: Method,
    pub(crate) path: Box<str>,
    pub(crate) status: u16,
    pub(crate) request_id: Box<str>,
    pub(crate) who: Who,
    pub(crate) snapshot: Option<Arc<str>>,
    pub(crate) duration: Duration,
    pub(crate) request_bytes: usize,
    pub(crate) response_bytes: usize,
    pub(crate) fault: Option<u64>,
    pub(crate) brought: Brought,
}

/// What a request was for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purpose {
    pub(crate) served: Served,
    pub(crate) operation: Option<&'static Operation>,
    /// How much of the path is the API's base path.
    pub(crate) base: usize,
}

/// A request as it came, while it is there.
#[derive(Debug)]
pub(crate) struct Arrived<'r> {
    pub(crate) purpose: Purpose,
    pub(crate) method: &'r Method,
    pub(crate) path: &'r str,
    pub(crate) query: &'r str,
    pub(crate) headers: &'r HeaderMap,
    /// The body, if it was read.
    pub(crate) body: Option<&'r Bytes>,
    /// What it was forgiven for, if it was accepted.
    pub(crate) forgiven: Option<Vec<String>>,
}

/// What is kept of a request as it came. It has secrets, which [`Entry`] masks when it shows any of it.
pub(crate) struct Brought {
    purpose: Purpose,
    query: Box<str>,
    body: Body,
    departures: Departures,
}

/// What is kept of a body.
enum Body {
    Nothing,
    /// JSON as it came.
    Text(Box<[u8]>),
    TooLarge,
}

/// Where a request that was accepted departs from what is published.
enum Departures {
    /// That is found out when somebody looks.
    Open,
    Found(Box<[String]>),
}

impl Purpose {
    /// Where a request departs from what the vendor of the API has published.
    fn departures(&self, method: &Method, path: &str, raw: &Raw<'_>) -> Vec<String> {
        let (Some(operation), Ok(description)) = (self.operation, self.served.description()) else {
            return Vec::new();
        };
        // What models take goes beyond any document, and most reads bring nothing that could.
        if operation.gateway.is_some() || (raw.query.is_empty() && raw.body.is_empty()) {
            return Vec::new();
        }
        let path = path.get(self.base..).unwrap_or_default();
        let published = operation.departs.then(|| self.served.published());
        match published {
            Some(Ok(published)) => departure::departures(published, method.as_str(), path, raw),
            _ => {
                let body = parameters::readable(description, operation, raw);
                departure::unknown(description, operation, raw, body.as_ref())
            }
        }
    }

    fn secrets(&self) -> Option<Secrets<'static>> {
        let description = self.served.description().ok()?;
        Some(Secrets::of(description, self.operation))
    }
}

impl Arrived<'_> {
    /// What is kept of it.
    pub(crate) fn keep(self, bodies: bool) -> Brought {
        let raw = Raw {
            path: &[],
            query: self.query,
            headers: self.headers,
            body: self.body.map_or(&[], |body| body),
        };
        let body = match self.body.filter(|body| bodies && !body.is_empty()) {
            None => Body::Nothing,
            Some(body) => self.body_of(&raw, body),
        };
        let departures = match self.forgiven {
            None => Departures::Found(Box::default()),
            Some(forgiven) if forgiven.is_empty() && self.is_whole(&raw, &body) => Departures::Open,
            Some(mut found) => {
                found.extend(self.purpose.departures(self.method, self.path, &raw));
                found.sort();
                found.dedup();
                Departures::Found(found.into_boxed_slice())
            }
        };
        Brought {
            purpose: self.purpose,
            query: cut(self.query),
            body,
            departures,
        }
    }

    fn body_of(&self, raw: &Raw<'_>, body: &[u8]) -> Body {
        let text = match is_form(raw) {
            false => Cow::Borrowed(body),
            // A form is kept as what it says; the files are not.
            true => {
                let operation = self
                    .purpose
                    .operation
                    .zip(self.purpose.served.description().ok());
                let read = operation.and_then(|(operation, description)| {
                    parameters::readable(description, operation, raw)
                });
                match read {
                    None => return Body::Nothing,
                    Some(form) => Cow::Owned(form.to_string().into_bytes()),
                }
            }
        };
        match text.len() <= LARGEST_BODY {
            true => Body::Text(text.into()),
            false => Body::TooLarge,
        }
    }

    /// Whether what is kept is enough to find out later where the request departs from what is published.
    fn is_whole(&self, raw: &Raw<'_>, body: &Body) -> bool {
        let parameters = self
            .purpose
            .operation
            .map(|operation| &operation.parameters);
        let mut parameters = parameters.into_iter().flatten();
        self.path.len().max(self.query.len()) <= LONGEST
            && (raw.body.is_empty() || (matches!(body, Body::Text(_)) && is_json(raw)))
            && !parameters.any(|parameter| parameter.place == ParameterIn::Header)
    }
}

fn is_json(raw: &Raw<'_>) -> bool {
    parameters::essence(raw) == "application/json"
}

fn is_form(raw: &Raw<'_>) -> bool {
    parameters::essence(raw).starts_with("multipart/")
}

impl Entry {
    /// About how many bytes it takes.
    pub(super) fn size(&self) -> usize {
        let notes = match &self.brought.departures {
            Departures::Open => 0,
            Departures::Found(notes) => notes.iter().map(String::len).sum(),
        };
        let body = match &self.brought.body {
            Body::Text(body) => body.len(),
            Body::Nothing | Body::TooLarge => 0,
        };
        let query = self.brought.query.len();
        OVERHEAD + self.path.len() + query + self.request_id.len() + notes + body
    }

    /// The `operationId` of the operation that was reached.
    pub(super) fn operation(&self) -> Option<&'static str> {
        self.brought
            .purpose
            .operation
            .map(|operation| &*operation.id)
    }

    /// The query, with the values masked that are secret.
    pub(super) fn query(&self) -> Cow<'_, str> {
        redact::query(&self.brought.query)
    }

    /// The body, if it was JSON and is kept, with its secrets masked.
    pub(super) fn body(&self) -> Option<Value> {
        let Body::Text(text) = &self.brought.body else {
            return None;
        };
        let mut body = serde_json::from_slice(text).ok()?;
        redact::redact(&mut body, &self.brought.purpose.secrets()?);
        Some(body)
    }

    fn notes(&self) -> Vec<String> {
        let departures = match &self.brought.departures {
            Departures::Found(notes) => Cow::Borrowed(&**notes),
            Departures::Open => Cow::Owned(self.departures()),
        };
        let departures = departures.iter();
        let mut notes: Vec<String> = departures
            .map(|note| format!("not in the published document: {note}"))
            .collect();
        if matches!(self.brought.body, Body::TooLarge) {
            notes.push("the body is too large to be kept".to_owned());
        }
        notes
    }

    fn departures(&self) -> Vec<String> {
        let Brought {
            purpose,
            query,
            body,
            ..
        } = &self.brought;
        let json = HeaderValue::from_static("application/json");
        let raw = Raw {
            path: &[],
            query,
            headers: &HeaderMap::from_iter([(CONTENT_TYPE, json)]),
            body: match body {
                Body::Text(text) => text,
                Body::Nothing | Body::TooLarge => &[],
            },
        };
        let mut found = purpose.departures(&self.method, &self.path, &raw);
        found.sort();
        found.dedup();
        found
    }

    /// What is shown of it.
    pub(crate) fn record(&self) -> RequestRecord {
        RequestRecord {
            number: self.number,
            time: clock::text(self.millisecond),
            method: self.method.to_string(),
            path: self.path.to_string(),
            query: self.query().into_owned(),
            operation: self.operation().map(str::to_owned),
            status: self.status,
            request_id: self.request_id.to_string(),
            key: self.who.label(),
            snapshot: self.snapshot.as_deref().map(str::to_owned),
            duration_us: u64::try_from(self.duration.as_micros()).unwrap_or(u64::MAX),
            request_bytes: self.request_bytes,
            response_bytes: self.response_bytes,
            fault: self.fault,
            notes: self.notes(),
            body: self.body(),
        }
    }
}

/// What is kept of a path or a query.
pub(crate) fn cut(text: &str) -> Box<str> {
    Box::from(
        text.get(..text.floor_char_boundary(LONGEST))
            .unwrap_or(text),
    )
}

impl fmt::Debug for Entry {
    /// Shows nothing of what the request brought.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} → {}",
            self.number, self.method, self.path, self.status
        )
    }
}
