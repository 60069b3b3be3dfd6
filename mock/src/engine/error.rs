//! Refusals, in the shapes the API gives them.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::description::Description;
use crate::description::behaviour::ErrorSpec;
use crate::description::document::Located;
use crate::description::operation::Operation;
use crate::description::schema::{self, Types};

/// An answer that refuses a request.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    /// The API's own error code, `AB01` to `AB09`.
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
}

impl ApiError {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        ApiError {
            status,
            code: Cow::Borrowed(code),
            message: message.into(),
        }
    }

    /// The request is malformed or breaks the description.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        ApiError::new(400, "AB01", message)
    }

    /// The key is missing or unknown.
    pub(crate) fn unauthorised() -> Self {
        ApiError::new(401, "AB05", "Unauthorised Request")
    }

    /// The key lacks a scope, or what it asks for is out of its sight.
    pub(crate) fn not_permitted() -> Self {
        ApiError::forbidden("You do not have enough permissions to execute this request")
    }

    /// The live API breaks down.
    pub(crate) fn bad_gateway() -> Self {
        ApiError::new(502, "AB04", "Bad Gateway")
    }

    /// What is asked for is not allowed.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        ApiError::new(403, "AB03", message)
    }

    /// The request contradicts what exists.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        ApiError::new(409, "AB07", message)
    }

    /// There is no such thing.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        ApiError::new(404, "AB08", message)
    }

    /// The body is larger than the mock accepts.
    pub(crate) fn too_large() -> Self {
        ApiError::new(413, "AB01", "Request body is too large")
    }

    /// The body's media type is not one the operation takes.
    pub(crate) fn media_type(message: impl Into<String>) -> Self {
        ApiError::new(415, "AB01", message)
    }

    /// The operation needs a protocol that the mock does not speak over plain HTTP.
    pub(crate) fn upgrade_required() -> Self {
        ApiError::new(426, "AB01", "This operation needs a WebSocket")
    }

    /// The answer that an annotation prescribes.
    pub(crate) fn annotated(spec: &ErrorSpec, message: impl FnOnce() -> String) -> Self {
        ApiError {
            status: spec.status,
            code: Cow::Owned(spec.code.clone()),
            message: spec.message.clone().unwrap_or_else(message),
        }
    }

    /// The body of the answer.
    ///
    /// The live API wraps errors in `{success, data}` with an `errorCode`. Where an operation
    /// documents another shape for the status, the answer takes that shape instead.
    pub(crate) fn body(&self, description: &Description, operation: Option<&Operation>) -> Value {
        let envelope = json!({
            "success": false,
            "data": { "message": self.message, "errorCode": self.code },
        });
        let documented = operation.and_then(|operation| operation.response(self.status)?.json());
        let Some(content) = documented else {
            return envelope;
        };
        let validator = content
            .validator
            .get_or_init(|| description.validator(content.schema.as_ref()?));
        match (validator, &content.schema) {
            (Some(validator), Some(schema)) if !validator.is_valid(&envelope) => {
                self.fill(description, schema, 0)
            }
            _ => envelope,
        }
    }

    /// Builds the error in whatever shape a schema asks for, by the names of its properties.
    fn fill(&self, description: &Description, schema: &Located, depth: usize) -> Value {
        let mut filled = Map::new();
        for property in schema::properties(description.document, schema) {
            let types = schema::types(description.document, &property.schema);
            let value = match property.name.as_str() {
                "success" => Value::Bool(false),
                "status" if types.has(Types::STRING) => Value::from("failure"),
                "code" | "errorCode" => Value::from(self.code.as_ref()),
                "type" => Value::from(if self.status < 500 {
                    "invalid_request_error"
                } else {
                    "api_error"
                }),
                _ if types.has(Types::OBJECT) && !types.has(Types::STRING) && depth < 4 => {
                    self.fill(description, &property.schema, depth + 1)
                }
                "message" | "error" => Value::from(self.message.as_str()),
                _ if types.has(Types::NULL) => Value::Null,
                _ => continue,
            };
            filled.insert(property.name, value);
        }
        Value::Object(filled)
    }
}
