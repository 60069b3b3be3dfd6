//! MCP integrations: what is discovered behind one, and which workspaces may use it.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::integration::check_mappings;
use super::{Hook, Target};
use crate::description::Description;
use crate::description::node::Node;
use crate::description::resource::OWNER;
use crate::engine::error::ApiError;
use crate::engine::find;
use crate::engine::list::page_of;
use crate::engine::shape::Outcome;
use crate::engine::work::Work;
use crate::store::State;
use crate::store::record::{Fields, Link, Object, Record};

/// Where an integration keeps the access it gives to all workspaces.
const GLOBAL_ACCESS: &str = "global_workspace_access";

/// What a server behind an integration says of itself.
pub(crate) const DISCOVERED: [&str; 4] = [
    "server_name",
    "server_version",
    "protocol_version",
    "capability_flags",
];

#[derive(Debug)]
pub(crate) struct McpIntegration;

impl Hook for McpIntegration {
    /// Discovery finds something at once, so that there are capabilities and metadata to see.
    fn before_create(
        &self,
        work: &mut Work<'_>,
        input: &mut Map<String, Value>,
        _owner: Option<&Arc<Record>>,
    ) -> Result<(), ApiError> {
        check_mappings(input)?;
        let level = match input.get("workspace_id").and_then(Value::as_str) {
            Some(_) => "workspace",
            None => "organisation",
        };
        let discovered = json!({
            "type": level,
            "server_name": input.get("name"),
            "server_version": "1.0.0",
            "protocol_version": "2025-06-18",
            "capability_flags": { "tools": true, "prompts": true, "resources": true },
            "sync_status": "success",
            "last_synced_at": work.state.clock.now(),
            "sync_error": null,
        });
        if let Value::Object(mut discovered) = discovered {
            input.append(&mut discovered);
        }
        Ok(())
    }

    fn before_update(
        &self,
        _work: &mut Work<'_>,
        _record: &Record,
        input: &mut Map<String, Value>,
    ) -> Result<(), ApiError> {
        check_mappings(input)
    }

    fn after_write(
        &self,
        work: &mut Work<'_>,
        former: Option<&Record>,
        record: &Record,
        _steering: &Map<String, Value>,
    ) -> Result<(), ApiError> {
        let Some(owner) = work.find("mcp-integration", &record.id, None) else {
            return Ok(());
        };
        if former.is_some() {
            return Ok(());
        }
        let resource = work.resource("mcp-capability")?;
        let discovered = work.description.document.get("x-mcp-capabilities");
        for capability in discovered.and_then(Node::as_array).into_iter().flatten() {
            if let Value::Object(capability) = capability.into() {
                work.create(resource, capability, Some(&owner))?;
            }
        }
        Ok(())
    }

    fn present(
        &self,
        _description: &'static Description,
        state: &State,
        fields: &mut Map<String, Value>,
    ) {
        let id = fields.get("id").and_then(Value::as_str).unwrap_or_default();
        let grants = held(state, "mcp-integration-workspace", id);
        let enabled = grants.iter().filter(|grant| grant.is_true("enabled"));
        let count = Value::from(enabled.count());
        fields.insert("workspaces_count".to_owned(), count);
    }

    fn view(
        &self,
        description: &'static Description,
        state: &State,
        step: &str,
        target: &Target<'_>,
    ) -> Result<Outcome, ApiError> {
        let record = target.record(description, state)?;
        if step == "test" {
            return Ok(reachable(record.get("url"), record.get("name")));
        }
        if step == "capabilities" {
            let all = held(state, "mcp-capability", &record.id);
            let all = all.iter().map(|capability| Arc::clone(&capability.fields));
            return capabilities(all.collect(), target);
        }
        // A version in the query asks for the newer of two shapes.
        let grants = held(state, "mcp-integration-workspace", &record.id);
        let grants: Vec<Value> = grants
            .iter()
            .map(|grant| Value::Object(Map::clone(&grant.fields)))
            .collect();
        let mut body = Map::new();
        let access = record.get(GLOBAL_ACCESS).cloned().unwrap_or_default();
        body.insert(GLOBAL_ACCESS.to_owned(), access);
        match target.request.query_text("version") {
            Some(_) => {
                body.insert("total".to_owned(), Value::from(grants.len()));
                body.insert("data".to_owned(), Value::Array(grants));
            }
            None => {
                body.insert("workspaces".to_owned(), Value::Array(grants));
            }
        }
        Ok(Outcome::Whole(Object::new(body)))
    }
}

/// What a test of a connection says; nobody connects to anything.
pub(crate) fn reachable(url: Option<&Value>, name: Option<&Value>) -> Outcome {
    let body = json!({
        "success": true, "status_code": 200, "response_time_ms": 1, "error": null,
        "url": url, "server_name": name,
    });
    Outcome::Object(Object::new(body.as_object().cloned().unwrap_or_default()))
}

#[derive(Debug)]
pub(crate) struct McpCapability;

impl Hook for McpCapability {
    /// Who says what was discovered may say something of the server, too.
    fn after_merge(
        &self,
        work: &mut Work<'_>,
        owner: &Record,
        body: &Map<String, Value>,
    ) -> Result<(), ApiError> {
        if let Some(Value::Object(server)) = body.get("server_info") {
            let now = Value::from(work.state.clock.now());
            work.amend("mcp-integration", &owner.id, |fields| {
                let told = |name: &&str| Some(((*name).to_owned(), server.get(*name)?.clone()));
                fields.extend(DISCOVERED.iter().filter_map(told));
                fields.insert("last_synced_at".to_owned(), now);
            });
        }
        Ok(())
    }
}

#[derive(Debug)]
pub(crate) struct McpAccess;

impl Hook for McpAccess {
    /// Access for everyone replaces what single workspaces have only if that is asked for.
    fn after_merge(
        &self,
        work: &mut Work<'_>,
        owner: &Record,
        body: &Map<String, Value>,
    ) -> Result<(), ApiError> {
        let enabled = body
            .get(GLOBAL_ACCESS)
            .and_then(|access| access.get("enabled"))
            .cloned();
        let replace = body.get("override_existing_workspace_access") == Some(&Value::Bool(true));
        let (Some(enabled), true) = (enabled, replace) else {
            return Ok(());
        };
        let resource = work.resource("mcp-integration-workspace")?;
        for grant in held(work.state, "mcp-integration-workspace", &owner.id) {
            let mut input = Map::new();
            input.insert("enabled".to_owned(), enabled.clone());
            work.update(resource, &grant, input)?;
        }
        Ok(())
    }
}

/// Whether a workspace may use an MCP integration: its own grant decides, else what holds for all.
pub(crate) fn may_use(state: &State, integration: &Record, workspace: &str) -> bool {
    if let Some(own) = integration.target("workspace_id") {
        return **own == *workspace;
    }
    let grants = held(state, "mcp-integration-workspace", &integration.id);
    let own = grants
        .iter()
        .find(|grant| grant.target("id").is_some_and(|id| **id == *workspace));
    match own {
        Some(grant) => grant.is_true("enabled"),
        None => {
            let access = integration.get(GLOBAL_ACCESS);
            access.and_then(|access| access.get("enabled")) == Some(&Value::Bool(true))
        }
    }
}

/// The members that an object has of a kind.
pub(crate) fn held(state: &State, kind: &str, owner: &str) -> Vec<Arc<Record>> {
    let link = Link {
        field: Arc::from(OWNER),
        target: Arc::from(owner),
    };
    find::linked(state, kind, &link)
}

/// A page of capabilities of the type that is asked for, with the counts of all of them.
pub(crate) fn capabilities(all: Vec<Fields>, target: &Target<'_>) -> Result<Outcome, ApiError> {
    let mut counts = Map::new();
    for kind in ["tool", "prompt", "resource", "resource_template"] {
        let of_kind = || {
            all.iter()
                .filter(|one| one.get("type").is_some_and(|t| t == kind))
        };
        let enabled = of_kind().filter(|one| one.get("enabled") == Some(&Value::Bool(true)));
        let count = json!({ "total": of_kind().count(), "enabled": enabled.count() });
        counts.insert(format!("{kind}s"), count);
    }
    let wanted = target.request.query_text("type");
    let items = all
        .into_iter()
        .filter(|one| wanted.is_none_or(|wanted| one.get("type").is_some_and(|t| t == wanted)))
        .collect();
    let mut owner = Map::new();
    owner.insert("counts".to_owned(), Value::Object(counts));
    list(items, owner, target)
}

/// A page of objects and what stands beside them.
pub(crate) fn list(
    items: Vec<Fields>,
    beside: Map<String, Value>,
    target: &Target<'_>,
) -> Result<Outcome, ApiError> {
    let mut outcome = page_of(items, target.operation, target.behaviour, target.request)?;
    if let Outcome::List { owner, .. } = &mut outcome {
        *owner = Some(Object::new(beside));
    }
    Ok(outcome)
}
