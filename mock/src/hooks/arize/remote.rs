//! The configuration of an integration with a remote endpoint: an agent or an evaluator.

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use super::{check_address, header_names};
use crate::engine::error::ApiError;
use crate::engine::work::Work;

/// How long the schema of an evaluator's input can be, written as JSON.
const SCHEMA: usize = 64 * 1024;

/// The configuration after a request: a new one, or `former` with what the request gives.
pub(crate) fn config(
    work: &mut Work<'_>,
    kind: &str,
    former: Option<&Map<String, Value>>,
    mut given: Map<String, Value>,
) -> Result<Map<String, Value>, ApiError> {
    let mut config = former.cloned().unwrap_or_else(|| {
        Map::from_iter([
            ("has_headers".to_owned(), json!(false)),
            ("request_presets".to_owned(), json!([])),
        ])
    });
    if let Some(endpoint) = given.get("endpoint") {
        check_address("config.endpoint", endpoint)?;
    }
    if let Some(headers) = given.remove("headers") {
        let names = header_names(&headers)?;
        config.insert("has_headers".to_owned(), json!(!names.is_empty()));
    }
    let presets = given.remove("request_presets");
    config.append(&mut given);
    let schema = config.get("input_schema").cloned().unwrap_or_default();
    if kind == "EVALUATOR" {
        check_evaluator(&schema)?;
    }
    let validator = compile(&schema)?;
    let kept = config.remove("request_presets").unwrap_or_default();
    let presets = match presets {
        Some(presets) => merged(work, &kept, presets)?,
        None => kept,
    };
    for preset in presets.as_array().into_iter().flatten() {
        let body = preset.get("config").unwrap_or(&Value::Null);
        if !validator.is_valid(body) {
            return Err(ApiError::unprocessable(
                "the config of a request preset does not fit input_schema",
            ));
        }
    }
    config.insert("request_presets".to_owned(), presets);
    Ok(config)
}

fn check_evaluator(schema: &Value) -> Result<(), ApiError> {
    let problem = if schema.get("type") != Some(&json!("object")) {
        "must be an object's at its root"
    } else if schema.pointer("/properties/arize_metadata").is_some() {
        "cannot define arize_metadata"
    } else if schema.to_string().len() > SCHEMA {
        "is longer than 64 KiB"
    } else {
        return Ok(());
    };
    Err(ApiError::unprocessable(format!(
        "config.input_schema {problem}"
    )))
}

/// Compiles a schema for presets, which can leave out what a whole request has to have.
fn compile(schema: &Value) -> Result<Validator, ApiError> {
    fn relax(schema: &mut Value) {
        match schema {
            Value::Object(members) => {
                if members.get("required").is_some_and(Value::is_array) {
                    members.remove("required");
                }
                members.values_mut().for_each(relax);
            }
            Value::Array(items) => items.iter_mut().for_each(relax),
            _ => {}
        }
    }
    let mut schema = schema.clone();
    relax(&mut schema);
    jsonschema::options()
        .with_draft(Draft::Draft7)
        .build(&schema)
        .map_err(|_| ApiError::unprocessable("config.input_schema is not a JSON Schema"))
}

/// The presets after a request: those with a name that was there before keep what the server gave them.
fn merged(work: &mut Work<'_>, kept: &Value, given: Value) -> Result<Value, ApiError> {
    let Value::Array(given) = given else {
        return Ok(json!([]));
    };
    let mut presets: Vec<Value> = Vec::new();
    for preset in given {
        let Value::Object(mut preset) = preset else {
            continue;
        };
        let name = preset.get("name").cloned().unwrap_or_default();
        if presets.iter().any(|other| other.get("name") == Some(&name)) {
            return Err(ApiError::unprocessable(
                "two request presets have the same name",
            ));
        }
        preset.entry("description").or_insert(Value::Null);
        preset.entry("config").or_insert_with(|| json!({}));
        let mut all = kept.as_array().into_iter().flatten();
        let former = all.find(|former| former.get("name") == Some(&name));
        let now = Value::from(work.state.clock.now());
        match former {
            Some(former) => {
                let same = preset
                    .iter()
                    .all(|(field, value)| former.get(field) == Some(value));
                for field in ["id", "created_at"] {
                    let value = former.get(field).cloned().unwrap_or_default();
                    preset.insert(field.to_owned(), value);
                }
                let updated = former.get("updated_at").filter(|_| same).cloned();
                preset.insert("updated_at".to_owned(), updated.unwrap_or(now));
            }
            None => {
                preset.insert("id".to_owned(), Value::from(work.state.ids.id()));
                preset.insert("created_at".to_owned(), now.clone());
                preset.insert("updated_at".to_owned(), now);
            }
        }
        presets.push(Value::Object(preset));
    }
    Ok(Value::Array(presets))
}
