//! Grants: which workspaces may use an integration, and the provider that a grant brings along.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Hook, is_wanted};
use crate::description::resource::OWNER;
use crate::engine::error::ApiError;
use crate::engine::find;
use crate::engine::work::Work;
use crate::gateway::limits;
use crate::store::record::Record;

/// Where an integration keeps the access it gives to all workspaces.
pub(crate) const GLOBAL_ACCESS: &str = "global_workspace_access_settings";

/// The note that the live API leaves on a provider it made on its own.
const NOTE: &str = "Created automatically on integration access grant";

#[derive(Debug)]
pub(crate) struct Grant;

impl Hook for Grant {
    /// A workspace that newly gets access also gets a provider, unless the request declines it.
    fn after_write(
        &self,
        work: &mut Work<'_>,
        former: Option<&Record>,
        record: &Record,
        steering: &Map<String, Value>,
    ) -> Result<(), ApiError> {
        if steering.get("reset_usage") == Some(&Value::Bool(true)) {
            work.state.usage.forget(&record.id, Some(limits::ALL));
        }
        let newly =
            record.is_true("enabled") && !former.is_some_and(|former| former.is_true("enabled"));
        if !newly || !is_wanted(steering, "create_default_provider") {
            return Ok(());
        }
        let (Some(integration), Some(workspace)) = (record.target(OWNER), record.target("id"))
        else {
            return Ok(());
        };
        let slug = steering
            .get("default_provider_slug")
            .and_then(Value::as_str);
        create_default_provider(work, integration, workspace, slug)
    }

    /// Access for everyone: a grant for each workspace there is, and for each one to come.
    fn after_merge(
        &self,
        work: &mut Work<'_>,
        owner: &Record,
        body: &Map<String, Value>,
    ) -> Result<(), ApiError> {
        let Some(access) = body.get("global_workspace_access").cloned() else {
            return Ok(());
        };
        if access.get("enabled") != Some(&Value::Bool(true)) {
            return Ok(());
        }
        // The document and the SDKs spell this differently.
        let replace = [
            "override_existing_workspace_access",
            "override_existing_workspaces_access",
        ]
        .iter()
        .any(|field| body.get(*field) == Some(&Value::Bool(true)));
        let provide = is_wanted(body, "create_default_provider");
        let workspaces: Vec<Arc<Record>> = match work.state.collection("workspace") {
            None => return Ok(()),
            Some(workspaces) => {
                let numbers = workspaces.active().iter();
                numbers
                    .filter_map(|number| workspaces.at(*number).cloned())
                    .collect()
            }
        };
        for workspace in workspaces {
            let key = workspace.slug.as_deref().unwrap_or(&workspace.id);
            let granted = work
                .find("integration-workspace", key, Some(&owner.id))
                .is_some();
            if !granted || replace {
                give_access(work, owner, &workspace.id, &access, provide)?;
            }
        }
        Ok(())
    }
}

/// Grants a workspace the access that an integration gives to all.
pub(crate) fn give_access(
    work: &mut Work<'_>,
    integration: &Record,
    workspace: &str,
    access: &Value,
    provide: bool,
) -> Result<(), ApiError> {
    let resource = work.resource("integration-workspace")?;
    let Some(workspace) = work.find("workspace", workspace, None) else {
        return Ok(());
    };
    let Some(integration) = work.find("integration", &integration.id, None) else {
        return Ok(());
    };
    let key = workspace
        .slug
        .as_deref()
        .unwrap_or(&workspace.id)
        .to_owned();
    let mut input = Map::new();
    input.insert("id".to_owned(), Value::from(key.clone()));
    input.insert("create_default_provider".to_owned(), Value::Bool(provide));
    for field in ["enabled", "usage_limits", "rate_limits"] {
        if let Some(value) = access.get(field) {
            input.insert(field.to_owned(), value.clone());
        }
    }
    match work.find("integration-workspace", &key, Some(&integration.id)) {
        Some(record) => work.update(resource, &record, input)?,
        None => work.create(resource, input, Some(&integration))?,
    };
    Ok(())
}

/// Gives a workspace a provider for an integration, unless it has one.
fn create_default_provider(
    work: &mut Work<'_>,
    integration: &str,
    workspace: &str,
    chosen: Option<&str>,
) -> Result<(), ApiError> {
    let resource = work.resource("provider")?;
    let Some(integration) = work.find("integration", integration, None) else {
        return Ok(());
    };
    let link = crate::store::record::Link {
        field: Arc::from("integration_id"),
        target: Arc::clone(&integration.id),
    };
    let existing = find::linked(work.state, "provider", &link);
    if existing
        .iter()
        .any(|p| p.target("workspace_id").is_some_and(|w| &**w == workspace))
    {
        return Ok(());
    }
    let own = integration.slug.as_deref().unwrap_or_default();
    let mut input = json!({
        "name": integration.text("name").unwrap_or(own),
        "note": NOTE,
        "integration_id": &*integration.id,
        "workspace_id": workspace,
    });
    let taken = |slug: &str| work.find("provider", slug, Some(workspace)).is_some();
    match chosen {
        Some(slug) if taken(slug) => {
            return Err(ApiError::conflict(format!(
                "default_provider_slug {slug} is taken"
            )));
        }
        Some(slug) => input["slug"] = Value::from(slug),
        // Otherwise the provider is named like its integration, or gets a slug of its own.
        None if !taken(own) => input["slug"] = Value::from(own),
        None => {}
    }
    if let Value::Object(input) = input {
        work.create(resource, input, None)?;
    }
    Ok(())
}
