//! Refusals, in the shapes the API gives them.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::description::Description;
use crate::description::behaviour::ErrorSpec;
use crate::description::document::Located;
use crate::description::operation::Operation;
use crate::description::schema::{self, Types};

/// An answer that refuses a request.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    /// The API's own error code, where it is not the one that goes with the status.
    pub(crate) code: Option<Cow<'static, str>>,
    pub(crate) message: String,
}

/// What an error answer says about the request that it answers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked<'r> {
    pub(crate) path: &'r str,
    pub(crate) request_id: &'r str,
}

impl ApiError {
    /// A refusal with the code that goes with its status.
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        ApiError {
            status,
            code: None,
            message: message.into(),
        }
    }

    /// The request is malformed or breaks the description.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        ApiError::new(400, message)
    }

    /// The request is well formed and breaks a rule.
    pub(crate) fn broken(
        description: &Description,
        operation: &Operation,
        message: impl Into<String>,
    ) -> Self {
        let status = description.api.errors.validation;
        let documented = operation
            .responses
            .iter()
            .any(|response| response.status == Some(status));
        ApiError::new(if documented { status } else { 400 }, message)
    }

    /// The key is missing or unknown.
    pub(crate) fn unauthorised() -> Self {
        ApiError::new(401, "Unauthorised Request")
    }

    /// The key lacks a scope, or what it asks for is out of its sight.
    pub(crate) fn not_permitted() -> Self {
        ApiError::forbidden("You do not have enough permissions to execute this request")
    }

    /// The live API breaks down.
    pub(crate) fn bad_gateway() -> Self {
        ApiError::new(502, "Bad Gateway")
    }

    /// What is asked for is not allowed.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        ApiError::new(403, message)
    }

    /// The request is well formed and cannot be carried out.
    pub(crate) fn unprocessable(message: impl Into<String>) -> Self {
        ApiError::new(422, message)
    }

    /// The request contradicts what exists.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        ApiError::new(409, message)
    }

    /// There is no such thing.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        ApiError::new(404, message)
    }

    /// The body is larger than the mock accepts.
    pub(crate) fn too_large() -> Self {
        ApiError::new(413, "Request body is too large")
    }

    /// The body takes longer than the mock waits.
    pub(crate) fn too_slow() -> Self {
        ApiError::new(408, "The request body took too long")
    }

    /// The body's media type is not one the operation takes.
    pub(crate) fn media_type(message: impl Into<String>) -> Self {
        ApiError::new(415, message)
    }

    /// The operation needs a protocol that the mock does not speak over plain HTTP.
    pub(crate) fn upgrade_required() -> Self {
        ApiError::new(426, "This operation needs a WebSocket")
    }

    /// The answer that an annotation prescribes.
    pub(crate) fn annotated(spec: &ErrorSpec, message: impl FnOnce() -> String) -> Self {
        ApiError {
            status: spec.status,
            code: spec.code.clone().map(Cow::Owned),
            message: spec.message.clone().unwrap_or_else(message),
        }
    }

    /// The media type and the body of the answer to a request that reached an operation.
    ///
    /// The API has an envelope for errors. Where the operation documents another shape for the
    /// status, the answer takes that shape instead.
    pub(crate) fn body<'d>(
        &self,
        description: &'d Description,
        operation: Option<&'d Operation>,
        asked: Asked<'_>,
    ) -> (&'d str, Value) {
        let errors = &description.api.errors;
        let facts = self.facts(description, asked);
        let envelope = filled_in(&errors.body, &facts);
        let documented = operation.and_then(|operation| operation.response(self.status)?.json());
        let Some(content) = documented else {
            return (&errors.media_type, envelope);
        };
        let validator = content
            .validator
            .get_or_init(|| description.validator(content.schema.as_ref()?));
        let body = match (validator, &content.schema) {
            (Some(validator), Some(schema)) if !validator.is_valid(&envelope) => {
                fill(description, schema, &facts, 0)
            }
            _ => envelope,
        };
        (&content.media_type, body)
    }

    /// The media type and the body of the answer to a request that reached no operation.
    pub(crate) fn unrouted<'d>(
        &self,
        description: &'d Description,
        asked: Asked<'_>,
    ) -> (&'d str, Value) {
        let errors = &description.api.errors;
        let body = errors.unrouted.as_ref().unwrap_or(&errors.body);
        let body = filled_in(body, &self.facts(description, asked));
        (&errors.media_type, body)
    }

    /// What an envelope can name: the error's own facts and those that go with its status.
    fn facts(&self, description: &Description, asked: Asked<'_>) -> Map<String, Value> {
        let title = axum::http::StatusCode::from_u16(self.status)
            .ok()
            .and_then(|status| status.canonical_reason());
        let mut facts = Map::new();
        for (name, value) in [
            ("title", Value::from(title.unwrap_or("Error"))),
            ("status", Value::from(self.status)),
            ("message", Value::from(self.message.as_str())),
            ("path", Value::from(asked.path)),
            ("request_id", Value::from(asked.request_id)),
        ] {
            facts.insert(name.to_owned(), value);
        }
        let statuses = &description.api.errors.statuses;
        let class = format!("{}xx", self.status / 100);
        let more = statuses.get(&self.status.to_string());
        if let Some(more) = more.or_else(|| statuses.get(&class)) {
            facts.extend(more.clone());
        }
        if let Some(code) = &self.code {
            facts.insert("code".to_owned(), Value::from(code.as_ref()));
        }
        facts
    }
}

/// Puts facts in place of the `{names}` in an envelope; a text that is a name and nothing else
/// becomes the fact itself, with its type.
fn filled_in(template: &Value, facts: &Map<String, Value>) -> Value {
    match template {
        Value::String(text) => {
            let alone = text
                .strip_prefix('{')
                .and_then(|text| text.strip_suffix('}'));
            if let Some(fact) = alone.and_then(|name| facts.get(name)) {
                return fact.clone();
            }
            let mut text = text.clone();
            for (name, fact) in facts {
                let fact = fact
                    .as_str()
                    .map_or_else(|| fact.to_string(), str::to_owned);
                text = text.replace(&format!("{{{name}}}"), &fact);
            }
            Value::from(text)
        }
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (name.clone(), filled_in(member, facts)))
            .collect(),
        Value::Array(items) => items.iter().map(|item| filled_in(item, facts)).collect(),
        plain => plain.clone(),
    }
}

/// Builds the error in whatever shape a schema asks for, by the names of its properties.
fn fill(
    description: &Description,
    schema: &Located,
    facts: &Map<String, Value>,
    depth: usize,
) -> Value {
    let status = facts.get("status").and_then(Value::as_u64).unwrap_or(500);
    let mut filled = Map::new();
    for property in schema::properties(description.document, schema) {
        let types = schema::types(description.document, &property.schema);
        let fact = |name: &str| facts.get(name).cloned().unwrap_or_default();
        let value = match property.name.as_str() {
            "success" => Value::Bool(false),
            "status" | "code" if types.has(Types::INTEGER) && !types.has(Types::STRING) => {
                fact("status")
            }
            "status" if types.has(Types::STRING) => Value::from("failure"),
            "code" | "errorCode" if facts.contains_key("code") => fact("code"),
            "code" => fact("status").to_string().into(),
            "type" => Value::from(if status < 500 {
                "invalid_request_error"
            } else {
                "api_error"
            }),
            _ if types.has(Types::OBJECT) && !types.has(Types::STRING) && depth < 4 => {
                fill(description, &property.schema, facts, depth + 1)
            }
            "title" => fact("title"),
            "message" | "error" | "detail" => fact("message"),
            _ if types.has(Types::NULL) => Value::Null,
            _ => continue,
        };
        filled.insert(property.name, value);
    }
    Value::Object(filled)
}
