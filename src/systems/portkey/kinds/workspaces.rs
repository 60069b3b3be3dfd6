//! Workspaces: the tenants of an organisation.
//!
//! Sources: the API's document for paths and fields. That `icon` exists and is put before the name
//! when it is read, that deletion wants the name in its body, and that null clears limits was
//! observed by the official Terraform provider; live recordings for `scim_source_id` and for the
//! default workspace, which cannot be deleted. The list leaves out the guardrails and the config
//! of the defaults.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::limits::{self, RateLimit, UsageLimit};
use super::super::spec::NotNull;
use super::super::wire;
use super::members::{self, Member};
use crate::kind::{
    Detail, Endpoints, Identity, Is, Kind, List, Members, Operation, Paging, Part, Problems, Rule,
    Update,
};
use crate::model::{Attribute, Map, Pointer, Value};

/// A workspace: a team's part of the organisation, with its own keys, providers, configs and
/// budget.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkspaceSpec {
    /// The name that people see; the entry's key if left out. Without emoji at its beginning: that
    /// is what `icon` is for.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    pub name: NotNull<String>,
    /// What the workspace is for.
    pub description: Option<String>,
    /// An emoji, shown before the name.
    pub icon: Option<String>,
    /// What keys and requests of the workspace start from.
    #[serde(default)]
    pub defaults: NotNull<WorkspaceDefaults>,
    /// The people in the workspace, by the keys of their entries under `users` or by their ids.
    #[serde(default)]
    pub users: NotNull<IndexMap<String, Option<Member>>>,
    /// The budget of the whole workspace: a list of at most one.
    #[schemars(length(max = 1))]
    pub usage_limits: Option<Vec<UsageLimit>>,
    /// How much the whole workspace may ask for at once: a list of at most one.
    #[schemars(length(max = 1))]
    pub rate_limits: Option<Vec<RateLimit>>,
}

/// What keys and requests of a workspace start from. Members that are left out are not managed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkspaceDefaults {
    /// Metadata that every request carries; texts by name. Compared as a whole.
    pub metadata: Option<IndexMap<String, String>>,
    /// Guardrails on every request, by key.
    #[serde(default)]
    #[schemars(schema_with = "super::super::spec::nullable_references")]
    pub input_guardrails: Option<Vec<String>>,
    /// Guardrails on every answer, by key.
    #[serde(default)]
    #[schemars(schema_with = "super::super::spec::nullable_references")]
    pub output_guardrails: Option<Vec<String>>,
    /// The config that new user keys get, by key.
    #[schemars(length(min = 1))]
    pub user_api_key_config: Option<String>,
}

const LIMITS: &[&str] = &["usage_limits", "rate_limits"];

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "portkey",
    name: "workspaces",
    noun: "workspace",
    schema: |generator| generator.subschema_for::<WorkspaceSpec>(),
    identity: Identity::Name,
    scope: &[],
    endpoints: Endpoints {
        list: List {
            path: "/admin/workspaces",
            items: "data",
            paging: Paging::CurrentPage { size: 100 },
            ..List::NONE
        },
        create: "/admin/workspaces",
        item: "/admin/workspaces/{id}",
        detail: Detail::ReadFor(&[
            "/defaults/input_guardrails",
            "/defaults/output_guardrails",
            "/defaults/user_api_key_config",
        ]),
        update: Update::PUT,
        delete_body: &["name"],
        ..Endpoints::PLAIN
    },
    rules: &[
        Rule::new(
            "/is_default",
            Is::KeptElsewhere {
                because: "every organisation has one that cannot be deleted",
            },
        ),
        Rule::new(
            "/made_by_scim",
            Is::KeptElsewhere {
                because: "SCIM makes and removes them",
            },
        ),
        Rule::new("/defaults", Is::Merge),
        Rule::new("/defaults/input_guardrails", Is::Set),
        Rule::new("/defaults/input_guardrails", Is::Deferred),
        Rule::new(
            "/defaults/input_guardrails/*",
            Is::Reference {
                kind: "guardrails",
                attribute: Attribute::Slug,
            },
        ),
        Rule::new("/defaults/output_guardrails", Is::Set),
        Rule::new("/defaults/output_guardrails", Is::Deferred),
        Rule::new(
            "/defaults/output_guardrails/*",
            Is::Reference {
                kind: "guardrails",
                attribute: Attribute::Slug,
            },
        ),
        Rule::new("/defaults/user_api_key_config", Is::Deferred),
        Rule::new(
            "/defaults/user_api_key_config",
            Is::Reference {
                kind: "configs",
                attribute: Attribute::Slug,
            },
        ),
        Rule::new(
            "/users",
            Is::ReferenceKeys {
                kind: "users",
                attribute: Attribute::Id,
            },
        ),
        Rule::new("/usage_limits/*/type", Is::Stays),
        Rule::new("/usage_limits/*/next_usage_reset_at", Is::ServerOwned),
        Rule::new("/usage_limits/*/next_usage_reset_at", Is::Instant),
    ],
    parts: &[Part {
        field: "users",
        path: "/admin/workspaces/{id}/users",
        read: None,
        items: "data",
        paging: Paging::CurrentPage { size: 100 },
        members: Members::Written,
        decode: members::decode,
        encode: members::encode,
        is_absent: |_| false,
    }],
    check: Some(check),
    decode: Some(decode),
    encode: Some(encode),
};

fn check(entry: &Map, problems: &mut Problems) {
    let at = Pointer::root();
    limits::check(
        entry.get("usage_limits"),
        &at.child("usage_limits"),
        problems,
    );
    if let Some(name) = entry.get("name").and_then(Value::as_str)
        && let Some((icon, rest)) = split_icon(name)
    {
        problems
            .error(
                "invalid-value",
                &at.child("name"),
                "a name cannot begin with an emoji: the server would take it for the icon",
            )
            .help(format!("write `icon: {icon}` and `name: {rest}`"));
    }
}

/// The emoji at the beginning of a name and what follows it, as the server splits them.
fn split_icon(name: &str) -> Option<(&str, &str)> {
    let (icon, rest) = name.split_once(' ')?;
    let first = icon.chars().next()? as u32;
    let emoji = matches!(first, 0x203C..=0x3299 | 0x1F000..=0x1FAFF);
    (emoji && !icon.chars().any(char::is_alphanumeric)).then_some((icon, rest))
}

fn decode(live: &mut Map) {
    wire::read_flags(live, &["is_default"]);
    wire::drop_empty(live, &["scim_source_id"]);
    if wire::has(live, "scim_source_id") {
        live.insert("made_by_scim".to_owned(), Value::Bool(true));
    }
    let icon = live.get("icon").and_then(Value::as_str).unwrap_or_default();
    if !icon.is_empty()
        && let Some(name) = live.get("name").and_then(Value::as_str)
        && let Some(name) = name.strip_prefix(icon)
    {
        let name = Value::text(name.trim_start());
        live.insert("name".to_owned(), name);
    }
    limits::tidy(live, LIMITS);
    wire::drop_empty(live, &["description", "icon", "defaults"]);
    if let Some(Value::Map(defaults)) = live.get_mut("defaults") {
        wire::drop_nulls(defaults);
    }
}

fn encode(body: &mut Map, operation: Operation) {
    wire::clear_as_text(body, operation, &["description", "icon"]);
    wire::clear_empty_lists(body, operation, LIMITS);
    if let Some(Value::Map(defaults)) = body.get_mut("defaults") {
        wire::clear_as_map(defaults, operation, &["metadata"]);
        wire::clear_as_list(
            defaults,
            operation,
            &["input_guardrails", "output_guardrails"],
        );
        if operation == Operation::Create {
            wire::drop_nulls(defaults);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::spec::testing::{accepts, decoded, encoded, problems};
    use super::*;
    use serde_json::json;

    #[test]
    fn the_schema_knows_the_three_states() {
        let good = [
            json!({}),
            json!({ "description": null, "icon": null, "usage_limits": null }),
            json!({ "defaults": { "metadata": { "a": "b" }, "user_api_key_config": null,
                                  "input_guardrails": ["no-pii"] } }),
            json!({ "usage_limits": [{ "type": "cost", "credit_limit": 5, "periodic_reset": null }],
                    "rate_limits": [{ "type": "requests", "unit": "rpd", "value": 1 }] }),
        ];
        for entry in &good {
            assert!(accepts::<WorkspaceSpec>(&KIND, entry), "{entry}");
        }
        let bad = [
            json!({ "name": null }),
            json!({ "slug": "x" }),
            json!({ "defaults": { "metadata": { "a": 1 } } }),
            json!({ "usage_limits": { "credit_limit": 5 } }),
            json!({ "usage_limits": [{ "credit_limit": 5 }, { "credit_limit": 6 }] }),
            json!({ "usage_limits": [{ "credit_limit": 5, "periodic_reset": "daily" }] }),
            json!({ "rate_limits": [{ "type": "requests", "unit": "rpw", "value": 1 }] }),
        ];
        for entry in &bad {
            assert!(!accepts::<WorkspaceSpec>(&KIND, entry), "{entry}");
        }
    }

    #[test]
    fn an_icon_in_the_name_is_pointed_out() {
        assert_eq!(
            problems(&KIND, json!({ "name": "🚀 Production" })),
            [
                "error /name invalid-value: a name cannot begin with an emoji: the server would \
                 take it for the icon (write `icon: 🚀` and `name: Production`)"
            ]
        );
        for name in ["Zahlungen (neu)", "中国 team", "§ 12"] {
            assert!(
                problems(&KIND, json!({ "name": name })).is_empty(),
                "{name}"
            );
        }
    }

    #[test]
    fn a_live_workspace_reads_like_its_manifest() {
        let live = json!({
            "id": "0f6c", "slug": "ws-produc-1a2b3c", "name": "🚀 Production", "icon": "🚀",
            "description": "", "is_default": 0, "status": "active",
            "scim_source_id": "g",
            "defaults": { "metadata": { "team": "a" }, "user_api_key_config": null },
            "usage_limits": [{ "type": "cost", "credit_limit": 10, "alert_threshold": null,
                               "periodic_reset": "", "next_usage_reset_at": null }],
            "rate_limits": [],
        });
        assert_eq!(
            decoded(&KIND, live),
            json!({
                "id": "0f6c", "slug": "ws-produc-1a2b3c", "name": "Production", "icon": "🚀",
                "is_default": false, "status": "active", "scim_source_id": "g", "made_by_scim": true,
                "defaults": { "metadata": { "team": "a" } },
                "usage_limits": [{ "type": "cost", "credit_limit": 10 }],
            })
        );
    }

    #[test]
    fn clearing_is_said_in_the_ways_the_api_understands() {
        let body = json!({
            "description": null, "icon": null, "usage_limits": null, "rate_limits": [],
            "defaults": { "metadata": null, "input_guardrails": null, "user_api_key_config": null },
        });
        assert_eq!(
            encoded(&KIND, body, Operation::Update),
            json!({
                "description": "", "icon": "", "usage_limits": null, "rate_limits": null,
                "defaults": { "metadata": {}, "input_guardrails": [], "user_api_key_config": null },
            })
        );
    }
}
