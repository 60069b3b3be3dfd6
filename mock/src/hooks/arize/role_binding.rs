//! Role bindings: what they are on decides which kind of object has to be there.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::word;
use crate::engine::error::ApiError;
use crate::engine::work::Work;
use crate::hooks::Hook;
use crate::store::record::Record;

#[derive(Debug)]
pub(crate) struct RoleBinding;

impl Hook for RoleBinding {
    fn before_create(
        &self,
        work: &mut Work<'_>,
        input: &mut Map<String, Value>,
        _owner: Option<&Arc<Record>>,
    ) -> Result<(), ApiError> {
        // The binding goes with what it is on: a reference of its own for each kind.
        let (kind, reference) = match word(input.get("resource_type")).as_str() {
            "SPACE" => ("arize-space", "^space"),
            _ => ("arize-project", "^project"),
        };
        let on = input.get("resource_id").and_then(Value::as_str);
        let Some(on) = on.and_then(|on| work.find(kind, on, None)) else {
            // Nobody is told whether it is there.
            return Err(ApiError::forbidden("there is no access to this resource"));
        };
        input.insert(reference.to_owned(), Value::from(&*on.id));
        Ok(())
    }
}
