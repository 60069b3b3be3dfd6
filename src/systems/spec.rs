//! Building blocks of the typed specs: what an optional field may hold, and schema fragments that
//! Rust types cannot say.
//!
//! In a manifest a missing field means "leave it alone", `null` means "clear it" and anything else
//! means "make it so". A spec field that the API can clear is an `Option`; one that may be left out
//! but not cleared is a [`NotNull`]. The specs are read and described but never written: a missing
//! field and a null would look alike.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

/// A field that may be left out but not be null, for what the API cannot clear. Goes together with
/// `#[serde(default)]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotNull<T>(pub Option<T>);

impl<T> Default for NotNull<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for NotNull<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(|value| Self(Some(value)))
    }
}

impl<T: JsonSchema> JsonSchema for NotNull<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// What editors are told and validation is not: the kinds' own checks say it in better words.
/// [`crate::schema::kind_schema`] drops everything that is said under a condition.
pub fn for_editors(schema: serde_json::Value) -> Schema {
    json_schema!({ "allOf": [{ "if": {}, "then": schema }] })
}

/// Any JSON object.
pub fn object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object" })
}

/// The slug or the key of another resource.
pub fn reference(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "minLength": 1 })
}

/// A list of keys of other resources, or null.
pub fn nullable_references(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["array", "null"],
        "items": { "type": "string", "minLength": 1 },
    })
}

/// A UUID.
pub fn uuid(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "uuid" })
}

/// A moment as RFC 3339 writes it.
pub fn instant(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "date-time" })
}

/// A moment as RFC 3339 writes it, or null.
pub fn nullable_instant(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "null"], "format": "date-time" })
}

/// One text or a list of them.
pub fn text_or_texts(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "array"],
        "items": { "type": "string" },
    })
}

#[cfg(test)]
pub(super) mod testing {
    //! What the tests of all kinds share.

    use serde::de::DeserializeOwned;
    use serde_json::Value as Json;

    use crate::diagnostic::Severity;
    use crate::kind::{Kind, Operation, Problems};
    use crate::model::{Map, Value};

    /// A JSON object as a map of values.
    pub(in crate::systems) fn map(json: Json) -> Map {
        match Value::from(json) {
            Value::Map(map) => map,
            other => panic!("not an object: {other:?}"),
        }
    }

    /// A map of values as JSON.
    pub(in crate::systems) fn json(map: &Map) -> Json {
        serde_json::to_value(Value::Map(map.clone())).unwrap()
    }

    /// Whether the kind's schema accepts an entry, which its typed spec must agree with.
    pub(in crate::systems) fn accepts<S: DeserializeOwned>(kind: &Kind, entry: &Json) -> bool {
        let schema = crate::schema::kind_schema(kind);
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let accepted = validator.is_valid(entry);
        if accepted && let Err(error) = serde_json::from_value::<S>(entry.clone()) {
            panic!("the schema accepts what the spec refuses ({error}): {entry}");
        }
        accepted
    }

    /// The problems of an entry, one line each: `error /pointer code: message (help)`.
    pub(in crate::systems) fn problems(kind: &Kind, entry: Json) -> Vec<String> {
        let mut problems = Problems::default();
        if let Some(check) = kind.check {
            check(&map(entry), &mut problems);
        }
        let line = |problem: &crate::kind::Problem| {
            let severity = match problem.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            let help = problem.help.as_ref();
            let help = help.map_or(String::new(), |help| format!(" ({help})"));
            format!(
                "{severity} {} {}: {}{help}",
                problem.pointer, problem.code, problem.message
            )
        };
        problems.0.iter().map(line).collect()
    }

    /// What the kind makes of a live object.
    pub(in crate::systems) fn decoded(kind: &Kind, live: Json) -> Json {
        let mut live = map(live);
        if let Some(decode) = kind.decode {
            decode(&mut live);
        }
        json(&live)
    }

    /// What the kind makes of a request body.
    pub(in crate::systems) fn encoded(kind: &Kind, body: Json, operation: Operation) -> Json {
        let mut body = map(body);
        if let Some(encode) = kind.encode {
            encode(&mut body, operation);
        }
        json(&body)
    }
}
