//! Decoding and validation of what comes with a request: parameters, media type and body.

use serde_json::Value;

use super::error::ApiError;
use super::request::Request;
use crate::description::Description;
use crate::description::operation::{Content, Operation, Parameter, ParameterIn};
use crate::description::router;
use crate::description::schema::{self, Types};

/// How many problems of a body one answer reports.
const REPORTED: usize = 5;

/// What a request brings, before it is decoded.
#[derive(Debug)]
pub(crate) struct Raw<'r> {
    pub(crate) path: &'r [(&'r str, &'r str)],
    pub(crate) query: &'r str,
    pub(crate) headers: &'r axum::http::HeaderMap,
    pub(crate) body: &'r [u8],
}

/// What a request may do wrong.
#[derive(Debug, Default)]
pub(crate) struct Leeway {
    lenient: bool,
    /// What it did wrong and was forgiven for.
    pub(crate) notes: Vec<String>,
}

impl Leeway {
    /// Whatever can be read is taken.
    pub(crate) fn lenient() -> Leeway {
        Leeway {
            lenient: true,
            notes: Vec::new(),
        }
    }

    /// Refuses a request for a mistake, unless it is forgiven.
    fn refuse(&mut self, error: ApiError) -> Result<(), ApiError> {
        match self.lenient {
            true => self.notes.push(error.message),
            false => return Err(error),
        }
        Ok(())
    }
}

/// Decodes a request and checks it against the description.
pub(crate) fn decode(
    description: &Description,
    operation: &Operation,
    raw: &Raw<'_>,
    leeway: &mut Leeway,
) -> Result<Request, ApiError> {
    let mut request = Request::default();
    let query = pairs(raw.query)?;
    for (name, encoded) in raw.path {
        if let Some(decoded) = router::decode(encoded) {
            let name = (*name).to_owned();
            request.names.push((name, decoded.into_owned()));
        }
    }
    for parameter in &operation.parameters {
        let name = parameter.name.as_str();
        let texts: Vec<String> = match parameter.place {
            ParameterIn::Path => {
                let found = raw.path.iter().find(|(known, _)| *known == name);
                let Some((_, encoded)) = found else { continue };
                let decoded = router::decode(encoded)
                    .ok_or_else(|| ApiError::invalid(format!("{name} is not valid UTF-8")))?;
                vec![decoded.into_owned()]
            }
            ParameterIn::Query => query
                .iter()
                .filter(|(known, _)| known == name)
                .map(|(_, v)| v.clone())
                .collect(),
            ParameterIn::Header => raw
                .headers
                .get_all(name)
                .iter()
                .filter_map(|value| value.to_str().ok().map(str::to_owned))
                .collect(),
        };
        if texts.is_empty() {
            if parameter.required {
                leeway.refuse(ApiError::invalid(format!("{name} is required")))?;
            }
            continue;
        }
        let value = typed(description, parameter, texts);
        if let Err(error) = check(description, parameter, &value) {
            leeway.refuse(error)?;
            if parameter.place == ParameterIn::Query {
                // What makes no sense is as good as not there.
                continue;
            }
        }
        match parameter.place {
            ParameterIn::Query => request.query.insert(name.to_owned(), value),
            ParameterIn::Path | ParameterIn::Header => None,
        };
    }
    request.body = body(description, operation, raw, leeway)?;
    Ok(request)
}

/// Splits a query string; a part that is not UTF-8 after decoding is refused.
pub(crate) fn pairs(query: &str) -> Result<Vec<(String, String)>, ApiError> {
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced)
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| ApiError::invalid("The query string is not valid UTF-8"))
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

/// A parameter's text as a value of the type its schema names; text that does not read as that
/// type stays text, and the schema refuses it, as it refuses the list that a repeated one makes.
fn typed(description: &Description, parameter: &Parameter, texts: Vec<String>) -> Value {
    if parameter.types != Types::ANY && parameter.types.has(Types::ARRAY) {
        let types = parameter
            .schema
            .as_ref()
            .and_then(|schema| schema::items(description.document, schema))
            .map_or(Types::ANY, |items| {
                schema::types(description.document, &items)
            });
        let items = texts.iter().flat_map(|text| text.split(','));
        return Value::Array(items.map(|text| scalar(types, text.to_owned())).collect());
    }
    let mut values = texts
        .into_iter()
        .map(|text| scalar(parameter.types, text))
        .collect::<Vec<_>>();
    match values.len() {
        1 => values.remove(0),
        _ => Value::Array(values),
    }
}

fn scalar(types: Types, text: String) -> Value {
    if types.has(Types::STRING) {
        return Value::String(text);
    }
    let parsed = if types.has(Types::INTEGER) || types.has(Types::NUMBER) {
        text.parse::<i64>().ok().map(Value::from).or_else(|| {
            let number = text.parse::<f64>().ok()?;
            serde_json::Number::from_f64(number).map(Value::Number)
        })
    } else if types.has(Types::BOOLEAN) {
        text.parse::<bool>().ok().map(Value::Bool)
    } else if types.has(Types::OBJECT) {
        serde_json::from_str(&text).ok()
    } else {
        None
    };
    parsed.unwrap_or(Value::String(text))
}

fn check(description: &Description, parameter: &Parameter, value: &Value) -> Result<(), ApiError> {
    let validator = parameter
        .validator
        .get_or_init(|| description.validator(parameter.schema.as_ref()?));
    match validator
        .as_ref()
        .map(|validator| validator.validate(value))
    {
        Some(Err(error)) => Err(ApiError::invalid(format!(
            "{}: {}",
            parameter.name,
            error.masked()
        ))),
        _ => Ok(()),
    }
}

/// The media type of a body, without its parameters.
pub(crate) fn essence(raw: &Raw<'_>) -> String {
    let essence = media_type(raw).split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// The body of a request, if it can be read, whether or not it is what the description wants.
pub(crate) fn readable(
    description: &Description,
    operation: &Operation,
    raw: &Raw<'_>,
) -> Option<Value> {
    body(description, operation, raw, &mut Leeway::lenient()).ok()?
}

fn media_type<'r>(raw: &Raw<'r>) -> &'r str {
    let header = raw.headers.get(axum::http::header::CONTENT_TYPE);
    header
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

fn body(
    description: &Description,
    operation: &Operation,
    raw: &Raw<'_>,
    leeway: &mut Leeway,
) -> Result<Option<Value>, ApiError> {
    let Some(expected) = &operation.body else {
        // Clients send `{}` with requests that take no body. One that parses may mean something
        // to the behaviour (the confirmation of a deletion); one that does not is ignored.
        return Ok(serde_json::from_slice(raw.body).ok());
    };
    if raw.body.is_empty() {
        if expected.required {
            leeway.refuse(ApiError::invalid("A request body is required"))?;
        }
        return Ok(None);
    }
    let json = |body: &[u8]| {
        serde_json::from_slice::<Value>(body)
            .map_err(|error| ApiError::invalid(format!("Malformed JSON: {error}")))
    };
    let essence = essence(raw);
    let Some(content) = expected.contents.iter().find(|c| c.media_type == essence) else {
        let known: Vec<&str> = expected
            .contents
            .iter()
            .map(|c| c.media_type.as_str())
            .collect();
        leeway.refuse(ApiError::media_type(format!(
            "Content-Type must be {}",
            known.join(" or ")
        )))?;
        return json(raw.body).map(Some);
    };
    let value = match essence.as_str() {
        "multipart/form-data" => {
            super::form::parse(description, content, media_type(raw), raw.body)?
        }
        _ => json(raw.body)?,
    };
    if let Err(error) = check_body(description, operation, content, &value) {
        leeway.refuse(error)?;
    }
    Ok(Some(value))
}

fn check_body(
    description: &Description,
    operation: &Operation,
    content: &Content,
    value: &Value,
) -> Result<(), ApiError> {
    let validator = content
        .validator
        .get_or_init(|| description.validator(content.schema.as_ref()?));
    let Some(validator) = validator else {
        return Ok(());
    };
    if validator.is_valid(value) {
        return Ok(());
    }
    // Messages name the place and the rule, never the value: it may be a secret.
    let problems: Vec<String> = validator
        .iter_errors(value)
        .take(REPORTED)
        .map(|error| match error.instance_path().as_str() {
            "" => error.masked().to_string(),
            path => format!("{path}: {}", error.masked()),
        })
        .collect();
    Err(ApiError::broken(
        description,
        operation,
        problems.join("; "),
    ))
}
