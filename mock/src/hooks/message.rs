//! Messages of a thread: text given as it is, or as a part, is kept as a list of parts.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Hook;
use crate::engine::error::ApiError;
use crate::engine::work::Work;
use crate::store::record::Record;

#[derive(Debug)]
pub(crate) struct Message;

impl Hook for Message {
    fn before_create(
        &self,
        _work: &mut Work<'_>,
        input: &mut Map<String, Value>,
        _owner: Option<&Arc<Record>>,
    ) -> Result<(), ApiError> {
        let parts = match input.get_mut("content") {
            Some(text @ Value::String(_)) => vec![part(text.take())],
            Some(Value::Array(parts)) => parts.drain(..).map(whole).collect(),
            _ => return Ok(()),
        };
        input.insert("content".to_owned(), Value::Array(parts));
        Ok(())
    }
}

/// A part as answers show it: its text has room for annotations.
fn whole(mut given: Value) -> Value {
    match given.get_mut("text") {
        Some(text @ Value::String(_)) => part(text.take()),
        _ => given,
    }
}

fn part(text: Value) -> Value {
    json!({ "type": "text", "text": { "value": text, "annotations": [] } })
}
