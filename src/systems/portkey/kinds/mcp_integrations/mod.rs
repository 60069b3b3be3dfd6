//! MCP integrations: MCP servers elsewhere, how the gateway reaches them, and who may use what they
//! can do.
//!
//! Sources: the API's document for paths, fields and what an update takes; the vendor's
//! documentation for the members of `configurations`. That headers are not to be relied on in
//! answers, that grants are taken away with `enabled: false` and that ids work in paths was observed
//! by the official Terraform provider. `oauth_client_credentials` and `interactive` come back for
//! integrations that the console made; they cannot be written.

mod check;
mod configurations;

pub use configurations::{McpConfigurations, McpSecretMapping};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::spec::NotNull;
use super::super::wire;
use super::capabilities::{self, Capabilities};
use super::integrations::grants;
use crate::kind::{
    Detail, Endpoints, Identity, Is, Kind, List, Members, Operation, Paging, Part, Rule, Update,
};
use crate::model::{Attribute, Map, Value};

/// An MCP server and how the gateway reaches it. Workspaces that it is open to offer it as
/// `mcp_servers`. The key is the slug.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct McpIntegrationSpec {
    /// The name that people see; the entry's key if left out.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    pub name: NotNull<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The workspace that owns the integration, by key; left out, it belongs to the organisation.
    /// Cannot be changed.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub workspace_id: NotNull<String>,
    /// The organisation that it belongs to, by its UUID. Only an API key that does not say whose it
    /// is needs it, to make one without `workspace_id`. Means nothing later.
    #[serde(default)]
    #[schemars(schema_with = "super::super::spec::uuid")]
    pub organisation_id: NotNull<String>,
    /// Where the MCP server is.
    #[schemars(regex(pattern = "^https?://."), extend("format" = "uri"))]
    pub url: String,
    /// How it is spoken to.
    pub transport: Transport,
    /// How the gateway authenticates with it.
    pub auth_type: AuthType,
    /// What the gateway needs to know besides. Members that are left out are not managed.
    #[serde(default)]
    pub configurations: NotNull<McpConfigurations>,
    /// Fields that are taken from secret references when they are needed.
    pub secret_mappings: Option<Vec<McpSecretMapping>>,
    /// Whether every workspace may use the integration that is there without access of its own, or
    /// will be made.
    #[serde(default)]
    pub global_workspace_access: NotNull<McpGrant>,
    /// Which workspaces may use the integration, by key. Workspaces that are left out are not
    /// managed; null takes the access away.
    #[serde(default)]
    pub workspaces: NotNull<IndexMap<String, Option<McpGrant>>>,
    /// What of the MCP server may be used.
    #[serde(default)]
    pub capabilities: NotNull<Capabilities>,
}

/// How an MCP server is spoken to.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Transport {
    /// Streamable HTTP.
    Http,
    /// Server-sent events, which older servers speak.
    Sse,
}

/// How the gateway authenticates with an MCP server.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum AuthType {
    /// Each user signs in with OAuth; the gateway registers itself.
    OauthAuto,
    /// By the headers in `configurations`.
    Headers,
    /// Not at all.
    None,
}

/// The access of one workspace.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct McpGrant {
    /// Whether the workspace may use the integration.
    pub enabled: bool,
}

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "portkey",
    name: "mcp_integrations",
    noun: "MCP integration",
    schema: |generator| generator.subschema_for::<McpIntegrationSpec>(),
    identity: Identity::Slug,
    scope: &[],
    endpoints: Endpoints {
        list: List {
            // Which ones the list shows without `type` is not documented.
            path: "/mcp-integrations?type=all",
            items: "data",
            paging: Paging::CurrentPage { size: 100 },
            ..List::NONE
        },
        create: "/mcp-integrations",
        item: "/mcp-integrations/{id}",
        detail: Detail::Listed,
        update: Update::PUT,
        ..Endpoints::PLAIN
    },
    rules: &[
        Rule::new("/workspace_id", Is::Immutable),
        Rule::new(
            "/workspace_id",
            Is::Reference {
                kind: "workspaces",
                attribute: Attribute::Id,
            },
        ),
        Rule::new("/organisation_id", Is::CreateOnly),
        Rule::new("/configurations", Is::Merge),
        Rule::new("/configurations/custom_headers", Is::WriteOnly),
        Rule::new("/configurations/custom_headers/*", Is::Sensitive),
        Rule::new("/configurations/**/client_secret", Is::Secret),
        Rule::new("/configurations/**/clientSecret", Is::Secret),
        Rule::new("/secret_mappings", Is::Set),
        Rule::new(
            "/secret_mappings/*/secret_reference_id",
            Is::Reference {
                kind: "secret_references",
                attribute: Attribute::Slug,
            },
        ),
        Rule::new(
            "/global_workspace_access/enabled",
            Is::Default(|| Value::Bool(false)),
        ),
        Rule::new(
            "/workspaces",
            Is::ReferenceKeys {
                kind: "workspaces",
                attribute: Attribute::Id,
            },
        ),
    ],
    parts: &[
        // First, so that what is said of one workspace has the last word.
        Part {
            field: "global_workspace_access",
            path: "/mcp-integrations/{id}/workspaces",
            read: None,
            items: "",
            paging: Paging::Whole,
            members: Members::Written,
            decode: |answer| grants::decode_global(answer, "global_workspace_access"),
            encode: |changed, live| grants::encode_global(changed, live, None),
            is_absent: |_| false,
        },
        Part {
            field: "workspaces",
            path: "/mcp-integrations/{id}/workspaces",
            read: None,
            items: "workspaces",
            paging: Paging::Whole,
            members: Members::Written,
            decode: grants::decode,
            encode: |changed, live| grants::put(grants::changed_grants(changed, live), None),
            is_absent: grants::is_absent,
        },
        capabilities::part("/mcp-integrations/{id}/capabilities"),
    ],
    check: Some(check::check),
    decode: Some(decode),
    encode: Some(encode),
};

fn decode(live: &mut Map) {
    if let Some(Value::Map(configurations)) = live.get_mut("configurations") {
        wire::unmask(configurations);
        wire::drop_nulls(configurations);
    }
    if let Some(Value::List(mappings)) = live.get_mut("secret_mappings") {
        let mappings = mappings.iter_mut().filter_map(Value::as_map_mut);
        mappings.for_each(wire::drop_nulls);
    }
    wire::drop_empty(live, &["description", "configurations", "secret_mappings"]);
}

fn encode(body: &mut Map, operation: Operation) {
    wire::clear_as_list(body, operation, &["secret_mappings"]);
    if let Some(Value::Map(configurations)) = body.get_mut("configurations") {
        // The document has no null for these two.
        wire::clear_as_map(
            configurations,
            operation,
            &["custom_headers", "passthrough_header"],
        );
        if operation == Operation::Create {
            wire::drop_nulls(configurations);
        }
    }
}

#[cfg(test)]
mod tests;
