//! Models of an integration: the built-in ones can only be switched off, the custom ones removed.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Hook;
use crate::engine::error::ApiError;
use crate::engine::work::Work;
use crate::store::record::Record;

#[derive(Debug)]
pub(crate) struct IntegrationModel;

impl Hook for IntegrationModel {
    /// Flags come as null from clients that leave them open, and a model without a name is known
    /// by its slug.
    fn before_create(
        &self,
        _work: &mut Work<'_>,
        input: &mut Map<String, Value>,
        _owner: Option<&Arc<Record>>,
    ) -> Result<(), ApiError> {
        for flag in ["is_custom", "is_finetune"] {
            if input.get(flag) == Some(&Value::Null) {
                input.remove(flag);
            }
        }
        let slug = input.get("slug").cloned().unwrap_or_default();
        // `slug` is the key of a member here and not a slug to choose.
        input.entry("name".to_owned()).or_insert(slug);
        Ok(())
    }

    fn removable(&self, record: &Record) -> bool {
        record.is_true("is_custom")
    }
}
