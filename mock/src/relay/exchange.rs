//! One recorded request and its answer, as a file.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use base64::Engine as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::redact::Redactor;

/// A request and its answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Exchange {
    pub(crate) request: Asked,
    pub(crate) response: Answered,
}

/// What decides which recording answers a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The parameters in the order of their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) query: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(crate) body: Value,
}

/// The answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) headers: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(crate) body: Value,
}

impl Asked {
    /// A request as it is recorded and compared.
    pub(crate) fn new(
        redactor: &mut Redactor,
        method: &str,
        path: &str,
        query: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Asked {
        redactor.learn_headers(headers);
        // A form has another boundary every time, so that its body says nothing.
        let media_type = headers
            .get(CONTENT_TYPE)
            .and_then(|name| name.to_str().ok());
        let is_form = media_type.is_some_and(|name| name.starts_with("multipart/"));
        let body = match is_form {
            true => Value::from("[form]"),
            false => redactor.body(body),
        };
        let decode = |text: &str| {
            let text = text.replace('+', " ");
            percent_encoding::percent_decode_str(&text)
                .decode_utf8_lossy()
                .into_owned()
        };
        let mut query: Vec<(String, String)> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                let name = decode(name);
                let value = redactor.member(&name, &decode(value));
                (redactor.text(&name), value)
            })
            .collect();
        query.sort_unstable();
        Asked {
            method: method.to_owned(),
            path: redactor.text(path),
            query,
            body,
        }
    }

    /// What differs from another request, by JSON pointers into the body, never by values.
    pub(crate) fn differences(&self, other: &Asked) -> Vec<String> {
        let mut found = Vec::new();
        if self.method != other.method {
            found.push("method".to_owned());
        }
        if self.path != other.path {
            found.push("path".to_owned());
        }
        let names = |asked: &Asked| asked.query.iter().map(|(name, _)| name.clone()).collect();
        let mut parameters: Vec<String> = names(self);
        parameters.append(&mut names(other));
        parameters.sort_unstable();
        parameters.dedup();
        let values = |asked: &Asked, name: &str| -> Vec<String> {
            let pairs = asked.query.iter();
            let pairs = pairs.filter(|(known, _)| known == name);
            pairs.map(|(_, value)| value.clone()).collect()
        };
        parameters.retain(|name| values(self, name) != values(other, name));
        found.extend(
            parameters
                .iter()
                .map(|name| format!("query parameter {name}")),
        );
        compare("", &self.body, &other.body, &mut found);
        found
    }
}

fn compare(at: &str, one: &Value, other: &Value, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(ones), Value::Object(others)) => {
            let mut names: Vec<&String> = ones.keys().chain(others.keys()).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                let of =
                    |members: &Map<String, Value>| members.get(name).cloned().unwrap_or_default();
                compare(&format!("{at}/{name}"), &of(ones), &of(others), found);
            }
        }
        _ if one == other => {}
        _ => found.push(match at {
            "" => "body".to_owned(),
            at => format!("body {at}"),
        }),
    }
}

impl Answered {
    /// An answer as it is recorded.
    pub(crate) fn new(
        redactor: &mut Redactor,
        status: u16,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Answered {
        let body = redactor.body(body);
        let headers = headers
            .iter()
            .filter(|(name, _)| {
                name == "content-type" || name == "retry-after" || name.starts_with("x-portkey-")
            })
            .map(|(name, value)| (name.clone(), Value::from(redactor.member(name, value))));
        Answered {
            status,
            headers: headers.collect(),
            body,
        }
    }

    /// The body's bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match &self.body {
            Value::Null => Vec::new(),
            Value::Object(members) if members.len() == 1 => {
                match (members.get(TEXT), members.get(BASE64)) {
                    (Some(Value::String(text)), _) => text.clone().into_bytes(),
                    (_, Some(Value::String(text))) => base64::engine::general_purpose::STANDARD
                        .decode(text)
                        .unwrap_or_default(),
                    _ => self.body.to_string().into_bytes(),
                }
            }
            body => body.to_string().into_bytes(),
        }
    }
}

/// The names under which a body that is no JSON stands in a recording.
const TEXT: &str = "$text";
const BASE64: &str = "$base64";

/// A body as a value: JSON as it is, text and other bytes under a name of their own.
pub(super) fn value(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    if let Ok(value) = serde_json::from_slice(body) {
        return value;
    }
    match std::str::from_utf8(body) {
        Ok(text) => json!({ TEXT: text }),
        Err(_) => json!({ BASE64: base64::engine::general_purpose::STANDARD.encode(body) }),
    }
}
