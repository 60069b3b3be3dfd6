//! Integrations: which names they share, whom they are for, and what is kept of their configuration.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{llm, remote, take_object, word};
use crate::engine::error::ApiError;
use crate::engine::work::Work;
use crate::hooks::Hook;
use crate::store::record::Record;

/// The field with what names are unique in: LLM integrations, and all others together.
const NAMESPACE: &str = "^namespace";

#[derive(Debug)]
pub(crate) struct Integration;

impl Hook for Integration {
    fn before_create(
        &self,
        work: &mut Work<'_>,
        input: &mut Map<String, Value>,
        _owner: Option<&Arc<Record>>,
    ) -> Result<(), ApiError> {
        let kind = word(input.get("type"));
        let namespace = if kind == "LLM" { "llm" } else { "remote" };
        input.insert(NAMESPACE.to_owned(), Value::from(namespace));
        input.entry("scopings").or_insert_with(|| json!([]));
        scopings(work, &kind, input)?;
        let given = take_object(input, "config").unwrap_or_default();
        let config = match kind.as_str() {
            "LLM" => llm::config(work, None, given)?,
            _ => remote::config(work, &kind, None, given)?,
        };
        input.insert("config".to_owned(), Value::Object(config));
        Ok(())
    }

    fn before_update(
        &self,
        work: &mut Work<'_>,
        record: &Record,
        input: &mut Map<String, Value>,
    ) -> Result<(), ApiError> {
        let kind = word(record.get("type"));
        if input.keys().all(|field| field == "type") {
            return Err(ApiError::unprocessable("there is nothing to update"));
        }
        scopings(work, &kind, input)?;
        if let Some(given) = take_object(input, "config") {
            let former = record.get("config").and_then(Value::as_object);
            let config = match kind.as_str() {
                "LLM" => llm::config(work, former, given)?,
                _ => remote::config(work, &kind, former, given)?,
            };
            input.insert("config".to_owned(), Value::Object(config));
        }
        Ok(())
    }
}

/// Puts scopings into the form in which they are read: both names, and one item without any for
/// the whole account. The references in them are resolved by now.
fn scopings(work: &Work<'_>, kind: &str, input: &mut Map<String, Value>) -> Result<(), ApiError> {
    let Some(Value::Array(items)) = input.get_mut("scopings") else {
        return Ok(());
    };
    if items.is_empty() {
        items.push(json!({}));
    }
    for item in items {
        let Value::Object(item) = item else { continue };
        for field in ["organization_id", "space_id"] {
            item.entry(field).or_insert(Value::Null);
        }
        let space = item.get("space_id").and_then(Value::as_str);
        let Some(space) = space.and_then(|space| work.find("arize-space", space, None)) else {
            continue;
        };
        match item.get("organization_id").and_then(Value::as_str) {
            None if kind == "LLM" => {}
            Some(own) if space.text("organization_id") == Some(own) => {}
            None => {
                return Err(ApiError::unprocessable(
                    "a scoping with space_id needs organization_id",
                ));
            }
            Some(_) => {
                return Err(ApiError::unprocessable(
                    "the space of a scoping is not in its organization",
                ));
            }
        }
    }
    Ok(())
}
