//! Integrations: their type, the models they start with, and the workspace they may belong to.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Hook, is_wanted};
use crate::description::Description;
use crate::description::node::Node;
use crate::engine::error::ApiError;
use crate::engine::work::Work;
use crate::store::record::Record;

#[derive(Debug)]
pub(crate) struct Integration;

impl Hook for Integration {
    fn before_create(
        &self,
        work: &mut Work<'_>,
        input: &mut Map<String, Value>,
        _owner: Option<&Arc<Record>>,
    ) -> Result<(), ApiError> {
        let workspace = input.get("workspace_id").and_then(Value::as_str);
        let level = if workspace.is_some() {
            "workspace"
        } else {
            "organisation"
        };
        input.insert("type".to_owned(), Value::from(level));
        let provider = input.get("ai_provider_id").and_then(Value::as_str);
        check_configurations(work.description, provider, input)?;
        check_mappings(input)
    }

    fn before_update(
        &self,
        work: &mut Work<'_>,
        record: &Record,
        input: &mut Map<String, Value>,
    ) -> Result<(), ApiError> {
        check_configurations(work.description, record.text("ai_provider_id"), input)?;
        check_mappings(input)
    }

    /// A new integration lists the models of its provider, all enabled; one that belongs to a
    /// workspace can be used there at once.
    fn after_write(
        &self,
        work: &mut Work<'_>,
        former: Option<&Record>,
        record: &Record,
        steering: &Map<String, Value>,
    ) -> Result<(), ApiError> {
        if former.is_some() {
            return Ok(());
        }
        let Some(owner) = work.find("integration", &record.id, None) else {
            return Ok(());
        };
        let catalogue = work.description.document.get("x-model-catalogue");
        let provider = record.text("ai_provider_id").unwrap_or_default();
        let models = catalogue.and_then(|catalogue| catalogue.get(provider)?.as_array());
        let resource = work.resource("integration-model")?;
        for slug in models.into_iter().flatten() {
            let mut input = Map::new();
            input.insert("slug".to_owned(), slug.into());
            input.insert("enabled".to_owned(), Value::Bool(true));
            work.create(resource, input, Some(&owner))?;
        }
        if let Some(workspace) = record.target("workspace_id").cloned() {
            let resource = work.resource("integration-workspace")?;
            let mut input = Map::new();
            input.insert("id".to_owned(), Value::from(&*workspace));
            input.insert("enabled".to_owned(), Value::Bool(true));
            let provide = is_wanted(steering, "create_default_provider");
            input.insert("create_default_provider".to_owned(), Value::Bool(provide));
            if let Some(slug) = steering.get("default_provider_slug") {
                input.insert("default_provider_slug".to_owned(), slug.clone());
            }
            work.create(resource, input, Some(&owner))?;
        }
        Ok(())
    }
}

/// Configurations of some providers have members that they cannot do without.
fn check_configurations(
    description: &'static Description,
    provider: Option<&str>,
    input: &Map<String, Value>,
) -> Result<(), ApiError> {
    let required = description.document.get("x-required-configurations");
    let required = required.and_then(|required| required.get(provider?)?.as_array());
    let (Some(required), Some(Value::Object(given))) = (required, input.get("configurations"))
    else {
        return Ok(());
    };
    let mut required = required.iter().filter_map(Node::as_str);
    match required.find(|name| !given.contains_key(*name)) {
        Some(name) => Err(ApiError::invalid(format!(
            "/configurations: {name} is required for this provider"
        ))),
        None => Ok(()),
    }
}

/// Each target field takes its value from one secret at most.
pub(crate) fn check_mappings(input: &Map<String, Value>) -> Result<(), ApiError> {
    let mappings = input.get("secret_mappings").and_then(Value::as_array);
    let mut targets = HashSet::new();
    for mapping in mappings.into_iter().flatten() {
        let target = mapping
            .get("target_field")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !targets.insert(target) {
            return Err(ApiError::invalid(format!(
                "secret_mappings: {target} is mapped more than once"
            )));
        }
    }
    Ok(())
}
