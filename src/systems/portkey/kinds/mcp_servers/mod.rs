//! MCP servers: what a workspace offers of an MCP integration, and to whom.
//!
//! Sources: the API's document for paths, fields and limits, and that a list wants a workspace
//! where the API key belongs to an organisation. The official Terraform provider met answers of 403
//! at these endpoints for keys that could read everything else, and has no such resource.

mod user_access;

pub use user_access::{UserAccess, UserSwitch};

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::spec::NotNull;
use super::super::wire;
use super::capabilities::{self, Capabilities};
use crate::kind::{
    Detail, Endpoints, Identity, Is, Kind, List, Members, Paging, Part, Problems, Rule, Update,
};
use crate::model::{Attribute, Map, Pointer, Value};

/// What a workspace offers of an MCP integration that it has access to. The key is the slug, which
/// is part of the address that clients use: 3 to 50 letters, digits, hyphens and underscores.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct McpServerSpec {
    /// The name that people see; the entry's key if left out.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    pub name: NotNull<String>,
    /// What it is for.
    #[schemars(length(max = 500))]
    pub description: Option<String>,
    /// The MCP integration that it offers, by key. Cannot be changed.
    #[schemars(schema_with = "super::super::spec::reference")]
    pub mcp_integration_id: String,
    /// The workspace that it belongs to, by key. Only an API key of a workspace may leave it out.
    /// Cannot be changed.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub workspace_id: NotNull<String>,
    /// What of the MCP server may be used, as far as the integration allows it.
    #[serde(default)]
    pub capabilities: NotNull<Capabilities>,
    /// Who may use it.
    #[serde(default)]
    pub user_access: NotNull<UserAccess>,
}

/// How long a slug may be, in characters.
const SLUG: std::ops::RangeInclusive<usize> = 3..=50;

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "portkey",
    name: "mcp_servers",
    noun: "MCP server",
    schema: |generator| generator.subschema_for::<McpServerSpec>(),
    identity: Identity::Slug,
    scope: &["workspace_id"],
    endpoints: Endpoints {
        list: List {
            path: "/mcp-servers",
            items: "data",
            paging: Paging::CurrentPage { size: 100 },
            per_scope: true,
            ..List::NONE
        },
        create: "/mcp-servers",
        item: "/mcp-servers/{id}",
        detail: Detail::Listed,
        update: Update::PUT,
        ..Endpoints::PLAIN
    },
    rules: &[
        Rule::new("/mcp_integration_id", Is::Immutable),
        Rule::new(
            "/mcp_integration_id",
            Is::Reference {
                kind: "mcp_integrations",
                attribute: Attribute::Id,
            },
        ),
        Rule::new("/workspace_id", Is::Immutable),
        Rule::new(
            "/workspace_id",
            Is::Reference {
                kind: "workspaces",
                attribute: Attribute::Id,
            },
        ),
    ],
    parts: &[
        capabilities::part("/mcp-servers/{id}/capabilities"),
        Part {
            field: "user_access",
            path: "/mcp-servers/{id}/user-access",
            read: None,
            items: "data",
            paging: Paging::Page { size: 500 },
            members: Members::Written,
            decode: user_access::decode,
            encode: user_access::encode,
            is_absent: user_access::is_absent,
        },
    ],
    check: Some(check),
    decode: Some(decode),
    encode: None,
};

fn check(entry: &Map, problems: &mut Problems) {
    let slug = entry.get("slug").and_then(Value::as_str);
    if let Some(slug) = slug.filter(|slug| !SLUG.contains(&slug.chars().count())) {
        let message = format!(
            "`{slug}` cannot be the slug of an MCP server, which has {} to {} characters",
            SLUG.start(),
            SLUG.end()
        );
        problems
            .error("invalid-value", &Pointer::root().child("slug"), message)
            .help("the key is the slug: give the entry another one");
    }
    user_access::check(entry, problems);
}

fn decode(live: &mut Map) {
    // Lists of one workspace need not say which.
    wire::drop_empty(live, &["description", "workspace_id"]);
}

#[cfg(test)]
mod tests {
    use super::super::super::spec::testing::{accepts, decoded, problems};
    use super::*;
    use serde_json::json;

    #[test]
    fn the_schema_describes_the_entry_and_its_parts() {
        let good = [
            json!({ "mcp_integration_id": "github" }),
            json!({ "mcp_integration_id": "github", "workspace_id": "devtools",
                    "description": null,
                    "capabilities": { "tool/search_issues": { "enabled": true },
                                      "resource/file:///a": { "enabled": false } },
                    "user_access": { "default_user_access": "deny", "u-1": { "enabled": true },
                                     "u-2": null } }),
        ];
        for entry in &good {
            assert!(accepts::<McpServerSpec>(&KIND, entry), "{entry}");
        }
        let bad = [
            json!({ "workspace_id": "devtools" }),
            json!({ "mcp_integration_id": null }),
            json!({ "mcp_integration_id": "github", "slug": "x" }),
            json!({ "mcp_integration_id": "github", "description": "x".repeat(501) }),
            json!({ "mcp_integration_id": "github", "capabilities": { "search": {} } }),
            json!({ "mcp_integration_id": "github", "capabilities": { "tool/": { "enabled": true } } }),
            json!({ "mcp_integration_id": "github",
                    "capabilities": { "resource_template/x": { "enabled": true } } }),
            json!({ "mcp_integration_id": "github", "capabilities": { "tool/x": null } }),
            json!({ "mcp_integration_id": "github", "user_access": { "default_user_access": "no" } }),
            json!({ "mcp_integration_id": "github", "user_access": { "u-1": true } }),
        ];
        for entry in &bad {
            assert!(!accepts::<McpServerSpec>(&KIND, entry), "{entry}");
        }
    }

    #[test]
    fn slugs_have_a_length_and_users_an_id() {
        assert!(problems(&KIND, json!({ "slug": "git" })).is_empty());
        assert_eq!(
            problems(&KIND, json!({ "slug": "ai" })),
            [
                "error /slug invalid-value: `ai` cannot be the slug of an MCP server, which has 3 \
                 to 50 characters (the key is the slug: give the entry another one)"
            ]
        );
        let access = json!({ "user_access": { "default_user_access": "deny",
                                              "a@acme.example": { "enabled": true } } });
        assert_eq!(
            problems(&KIND, access),
            [
                "error /user_access/a@acme.example invalid-value: `a@acme.example` is an e-mail \
                 address (users are named by their ids here)"
            ]
        );
    }

    #[test]
    fn a_live_server_reads_like_its_manifest() {
        let live = json!({ "id": "u", "slug": "github-devtools", "name": "GitHub",
                           "description": "", "workspace_id": null, "mcp_integration_id": "i" });
        assert_eq!(
            decoded(&KIND, live),
            json!({ "id": "u", "slug": "github-devtools", "name": "GitHub",
                    "mcp_integration_id": "i" })
        );
    }
}
