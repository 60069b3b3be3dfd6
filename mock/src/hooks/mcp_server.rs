//! MCP servers: an MCP integration in a workspace, and who may do what with it.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::mcp_integration::{DISCOVERED, capabilities, held, list, may_use, reachable};
use super::{Hook, Target};
use crate::description::Description;
use crate::engine::error::ApiError;
use crate::engine::find;
use crate::engine::secrets;
use crate::engine::shape::Outcome;
use crate::engine::work::Work;
use crate::store::State;
use crate::store::record::{Fields, Object, Record};

/// Where a server keeps what was told of it.
const METADATA: &str = "^metadata";

/// Where a server keeps the masks of its tokens.
const TOKENS: &str = "^tokens";

#[derive(Debug)]
pub(crate) struct McpServer;

impl Hook for McpServer {
    /// As a provider needs an integration that its workspace may use.
    fn before_create(
        &self,
        work: &mut Work<'_>,
        input: &mut Map<String, Value>,
        _owner: Option<&Arc<Record>>,
    ) -> Result<(), ApiError> {
        let text = |field: &str| input.get(field).and_then(Value::as_str);
        let integration =
            text("mcp_integration_id").and_then(|id| work.find("mcp-integration", id, None));
        let usable = match (integration, text("workspace_id")) {
            (Some(integration), Some(workspace)) => may_use(work.state, &integration, workspace),
            _ => false,
        };
        match usable {
            true => Ok(()),
            false => Err(ApiError::forbidden(
                "The MCP integration is not enabled for this workspace",
            )),
        }
    }

    fn present(
        &self,
        _description: &'static Description,
        state: &State,
        fields: &mut Map<String, Value>,
    ) {
        let named = |kind: &str, field: &str| {
            let id = fields.get(field).and_then(Value::as_str)?;
            find::named(state, kind, id, None)
        };
        let mut shown = Map::new();
        if let Some(integration) = named("mcp-integration", "mcp_integration_id") {
            let field = |name: &str| integration.get(name).cloned().unwrap_or_default();
            shown.insert("mcp_integration_slug".to_owned(), field("slug"));
            shown.insert("mcp_integration_url".to_owned(), field("url"));
            shown.insert("auth_type".to_owned(), field("auth_type"));
            let details = json!({
                "id": &*integration.id, "slug": field("slug"), "status": field("status"),
                "configurations": field("configurations"), "url": field("url"),
                "transport": field("transport"), "auth_type": field("auth_type"),
            });
            shown.insert("mcp_integration_details".to_owned(), details);
        }
        if let Some(workspace) = named("workspace", "workspace_id") {
            let field = |name: &str| workspace.get(name).cloned().unwrap_or_default();
            shown.insert("workspace_name".to_owned(), field("name"));
            shown.insert("workspace_slug".to_owned(), field("slug"));
        }
        if let Some(slug) = fields.get("slug").and_then(Value::as_str) {
            let url = format!("https://mcp.portkey.ai/{slug}/mcp");
            shown.insert("url".to_owned(), Value::from(url));
        }
        fields.append(&mut shown);
    }

    fn call(
        &self,
        work: &mut Work<'_>,
        step: &str,
        target: &Target<'_>,
    ) -> Result<Outcome, ApiError> {
        let record = target.record(work.description, work.state)?;
        let mut given = target.request.members();
        match step {
            // What is discovered through a server is behind its integration.
            "sync-capabilities" => {
                let found = given.remove("capabilities");
                if let (Some(integration), Some(Value::Array(found))) =
                    (behind(work.state, &record), found)
                {
                    discover(work, &integration, found)?;
                }
            }
            "sync-metadata" => {
                let mut known = own(&record, METADATA);
                known.extend(given);
                keep(work, &record, METADATA, Value::Object(known));
            }
            "set-tokens" => {
                for token in ["access_token", "refresh_token"] {
                    if let Some(Value::String(secret)) = given.get_mut(token) {
                        *secret = secrets::mask(secret);
                    }
                }
                keep(work, &record, TOKENS, Value::Object(given));
            }
            _ => keep(work, &record, TOKENS, Value::Null),
        }
        Ok(Outcome::Empty)
    }

    fn view(
        &self,
        description: &'static Description,
        state: &State,
        step: &str,
        target: &Target<'_>,
    ) -> Result<Outcome, ApiError> {
        let record = target.record(description, state)?;
        Ok(match step {
            "capabilities" => capabilities(own_capabilities(state, &record), target)?,
            "user-access" => {
                let mut beside = Map::new();
                let default = record.get("default_user_access").cloned();
                beside.insert(
                    "default_user_access".to_owned(),
                    default.unwrap_or_default(),
                );
                list(user_access(state, &record, target), beside, target)?
            }
            "test" => {
                let integration = behind(state, &record);
                let url = integration.as_ref().and_then(|one| one.get("url"));
                reachable(url, record.get("name"))
            }
            "metadata" => {
                let integration = behind(state, &record);
                let told = |name: &&str| {
                    let value = integration.as_ref()?.get(name)?;
                    Some(((*name).to_owned(), value.clone()))
                };
                let mut fields: Map<String, Value> = DISCOVERED.iter().filter_map(told).collect();
                fields.extend(own(&record, METADATA));
                Outcome::Object(Object::new(fields))
            }
            "tokens" => Outcome::Object(Object::new(own(&record, TOKENS))),
            "client-info" => {
                let mut fields = Map::new();
                fields.insert("client_id".to_owned(), Value::from(&*record.id));
                Outcome::Object(Object::new(fields))
            }
            "check-access" => {
                let user = target.request.caller.user(state);
                let own = find::named(state, "mcp-user-access", user, Some(&record.id));
                let default = record.text("default_user_access") != Some("deny");
                let access = own.map_or(default, |own| own.is_true("enabled"));
                let mut fields = Map::new();
                fields.insert("has_access".to_owned(), Value::Bool(access));
                Outcome::Object(Object::new(fields))
            }
            // Nobody connects to a mock, so that nobody has to be disconnected either.
            _ if target.behaviour.lists => list(Vec::new(), Map::new(), target)?,
            _ => Outcome::Empty,
        })
    }
}

/// The integration behind a server.
fn behind(state: &State, server: &Record) -> Option<Arc<Record>> {
    let id = server.target("mcp_integration_id")?;
    find::named(state, "mcp-integration", id, None)
}

/// What a server keeps in a field of its own.
fn own(server: &Record, field: &str) -> Map<String, Value> {
    let kept = server.get(field).and_then(Value::as_object);
    kept.cloned().unwrap_or_default()
}

fn keep(work: &mut Work<'_>, server: &Record, field: &str, value: Value) {
    work.amend("mcp-server", &server.id, |fields| {
        fields.insert(field.to_owned(), value);
    });
}

/// Adds the capabilities that an integration does not have yet.
fn discover(
    work: &mut Work<'_>,
    integration: &Arc<Record>,
    found: Vec<Value>,
) -> Result<(), ApiError> {
    let resource = work.resource("mcp-capability")?;
    for capability in found {
        let Value::Object(capability) = capability else {
            continue;
        };
        let known = held(work.state, "mcp-capability", &integration.id);
        let is_known = known.iter().any(|one| {
            ["type", "name"]
                .iter()
                .all(|field| one.get(field) == capability.get(*field))
        });
        if !is_known {
            work.create(resource, capability, Some(integration))?;
        }
    }
    Ok(())
}

/// The capabilities of the integration; the server can only switch off what is on there.
fn own_capabilities(state: &State, server: &Record) -> Vec<Fields> {
    let Some(integration) = server.target("mcp_integration_id") else {
        return Vec::new();
    };
    held(state, "mcp-capability", integration)
        .iter()
        .map(|capability| {
            let key = capability.slug.as_deref().unwrap_or_default();
            let own = find::named(state, "mcp-server-capability", key, Some(&server.id));
            let above = capability.is_true("enabled");
            let enabled = above && own.is_none_or(|own| own.is_true("enabled"));
            let mut fields = Map::clone(&capability.fields);
            fields.insert("enabled".to_owned(), Value::Bool(enabled));
            fields.insert("integration_enabled".to_owned(), Value::Bool(above));
            Object::new(fields)
        })
        .collect()
}

/// Who may use a server: the members of its workspace, and whoever has a setting of their own.
fn user_access(state: &State, server: &Record, target: &Target<'_>) -> Vec<Fields> {
    let allowed = server.text("default_user_access") != Some("deny");
    let search = target.request.query_text("search").unwrap_or_default();
    let search = search.to_lowercase();
    let own = held(state, "mcp-user-access", &server.id);
    let members = server.target("workspace_id");
    let members = members.map(|id| held(state, "workspace-user", id));
    let mut ids: Vec<&str> = Vec::new();
    let of_members = members.iter().flatten().filter_map(|m| m.text("id"));
    for id in of_members.chain(own.iter().filter_map(|access| access.text("user_id"))) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids.into_iter()
        .filter_map(|id| find::named(state, "user", id, None))
        .filter(|user| {
            ["first_name", "last_name", "email"].iter().any(|field| {
                user.text(field)
                    .is_some_and(|text| text.to_lowercase().contains(&search))
            })
        })
        .map(|user| {
            let own = find::named(state, "mcp-user-access", &user.id, Some(&server.id));
            let fields = json!({
                "user_id": &*user.id,
                "first_name": user.get("first_name"),
                "last_name": user.get("last_name"),
                "enabled": own.as_ref().map_or(allowed, |own| own.is_true("enabled")),
                "has_override": own.is_some(),
                "connection_status": "not_connected",
            });
            Object::new(fields.as_object().cloned().unwrap_or_default())
        })
        .collect()
}
