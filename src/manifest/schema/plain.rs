//! Values as the plain JSON that schemas speak of.

use crate::model::{Exposure, Map, Value};

/// The members of a resource as JSON. Stand-ins take the place of what is not known or not to be
/// seen; they have the right type and nothing else.
pub(in crate::manifest) fn plain(map: &Map) -> serde_json::Value {
    let members = map.iter().map(|(key, value)| (key.clone(), json(value)));
    serde_json::Value::Object(members.collect())
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(flag) => (*flag).into(),
        Value::Number(number) => number.clone().into(),
        Value::String(text) => text.as_str().into(),
        Value::Secret(secret) => match secret.exposure() {
            Exposure::Declared { json: true, .. } => serde_json::json!({}),
            _ => "secret".into(),
        },
        Value::Reference(_) | Value::Template(_) => "reference".into(),
        Value::List(list) => list.iter().map(json).collect(),
        Value::Map(map) => plain(map),
    }
}
