//! Providers, also known as virtual keys: they need an integration that their workspace may use.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Hook;
use super::integration::check_mappings;
use crate::description::Description;
use crate::engine::error::ApiError;
use crate::engine::work::Work;
use crate::gateway::limits;
use crate::store::State;
use crate::store::record::Record;

/// The camelCase credentials of a virtual key, which are shown together as `model_config`.
const MODEL_CONFIG: [&str; 4] = [
    "apiVersion",
    "resourceName",
    "deploymentName",
    "deploymentConfig",
];

#[derive(Debug)]
pub(crate) struct Provider;

impl Hook for Provider {
    fn before_create(
        &self,
        work: &mut Work<'_>,
        input: &mut Map<String, Value>,
        _owner: Option<&Arc<Record>>,
    ) -> Result<(), ApiError> {
        check_mappings(input)?;
        gather_model_config(input);
        let text = |field: &str| input.get(field).and_then(Value::as_str);
        let Some(integration) = text("integration_id") else {
            // A virtual key brings its provider and credentials itself.
            if let Some(provider) = text("provider").map(Value::from) {
                input.insert("ai_provider_name".to_owned(), provider.clone());
                input.insert("ai_provider_id".to_owned(), provider);
            }
            return Ok(());
        };
        let integration = work.find("integration", integration, None);
        let workspace = text("workspace_id").and_then(|name| work.find("workspace", name, None));
        if let (Some(integration), Some(workspace)) = (integration, workspace) {
            let key = workspace.slug.as_deref().unwrap_or(&workspace.id);
            let grant = work.find("integration-workspace", key, Some(&integration.id));
            if !grant.is_some_and(|grant| grant.is_true("enabled")) {
                return Err(ApiError::forbidden(
                    "The integration is not enabled for this workspace",
                ));
            }
        }
        Ok(())
    }

    fn before_update(
        &self,
        work: &mut Work<'_>,
        record: &Record,
        input: &mut Map<String, Value>,
    ) -> Result<(), ApiError> {
        if input.get("reset_usage") == Some(&Value::Bool(true)) {
            work.state.usage.forget(&record.id, Some(limits::ALL));
        }
        gather_model_config(input);
        check_mappings(input)
    }

    /// A provider whose budget is used up says so.
    fn present(
        &self,
        _description: &'static Description,
        state: &State,
        fields: &mut Map<String, Value>,
    ) {
        limits::present(state, fields);
    }
}

fn gather_model_config(input: &mut Map<String, Value>) {
    let config: Map<String, Value> = MODEL_CONFIG
        .iter()
        .filter_map(|field| input.remove_entry(*field))
        .filter(|(_, value)| !value.is_null())
        .collect();
    if !config.is_empty() {
        input.insert("model_config".to_owned(), Value::Object(config));
    }
}
