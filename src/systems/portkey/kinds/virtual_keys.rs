//! Virtual keys: providers under their older name, which bring their credentials themselves.
//!
//! Sources: the API's document for paths, fields and what an update takes; live recordings for the
//! mask of the key, the members of `model_config` and the two names of the model provider. They are
//! the same objects as providers, and under their older name nothing says which workspace they are
//! in, so that they are listed as providers. The server has moved them to integrations and kept
//! their slugs: what has an integration is taken for a provider unless an entry says otherwise.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::limits::{self, RateLimit, UsageLimit};
use super::super::mappings;
use super::super::spec::NotNull;
use super::super::wire;
use super::integrations::ValueFormat;
use crate::kind::{
    Detail, Endpoints, Identity, Is, Kind, List, Operation, Paging, Problems, Rule, Update,
};
use crate::model::{Attribute, Map, Pointer, Value};

/// A provider of the older sort, with credentials of its own. For what exists already: new ones are
/// better an integration and a provider, which many workspaces can share. Its slug is the server's
/// choice: `${ref:virtual_keys.KEY.slug}`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VirtualKeySpec {
    /// The name that people see; the entry's key if left out.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    pub name: NotNull<String>,
    /// The model provider, for example `openai`. Cannot be changed.
    #[schemars(length(min = 1))]
    pub provider: String,
    /// The model provider's API key. A secret; only a mask of it is read back.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub key: NotNull<String>,
    /// The workspace that it belongs to, by key. Only an API key of a workspace may leave it out.
    /// Cannot be changed.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub workspace_id: NotNull<String>,
    /// A remark for people.
    pub note: Option<String>,
    /// For Azure OpenAI: the version of its API. Cannot be changed.
    #[serde(default, rename = "apiVersion")]
    pub api_version: NotNull<String>,
    /// For Azure OpenAI: the resource. Cannot be changed.
    #[serde(default, rename = "resourceName")]
    pub resource_name: NotNull<String>,
    /// For Azure OpenAI: the deployment, where there is one. Cannot be changed.
    #[serde(default, rename = "deploymentName")]
    pub deployment_name: NotNull<String>,
    /// For Azure OpenAI: the deployments, where there are several.
    #[serde(default, rename = "deploymentConfig")]
    pub deployment_config: Option<Vec<VirtualKeyDeployment>>,
    /// Fields that are taken from secret references when they are needed.
    pub secret_mappings: Option<Vec<VirtualKeySecretMapping>>,
    /// The budget of this virtual key.
    pub usage_limits: Option<UsageLimit<f64>>,
    /// How much may be asked of it at once: a list of at most one.
    #[schemars(length(max = 1))]
    pub rate_limits: Option<Vec<RateLimit>>,
    /// When it stops working; RFC 3339. Cannot be changed.
    #[serde(default)]
    #[schemars(schema_with = "super::super::spec::instant")]
    pub expires_at: NotNull<String>,
}

/// A deployment of Azure OpenAI.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VirtualKeyDeployment {
    /// The version of its API.
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    /// The name of the deployment in Azure.
    #[serde(rename = "deploymentName")]
    pub deployment_name: String,
    /// The name that requests use for it.
    pub alias: Option<String>,
    /// Whether requests that name no deployment go here.
    #[serde(default)]
    pub is_default: NotNull<bool>,
}

/// A field that is taken from a secret reference when it is needed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VirtualKeySecretMapping {
    /// The field: `key`, or `model_config.` and a name. Each at most once.
    #[schemars(regex(pattern = r"^(key|model_config\.[A-Za-z0-9_]+)$"))]
    pub target_field: String,
    /// The secret reference, by key.
    #[schemars(length(min = 1))]
    pub secret_reference_id: String,
    /// Which member of the secret to take; what the reference says if left out.
    pub secret_key: Option<String>,
    /// Whether the secret is a text or a JSON document.
    pub value_format: Option<ValueFormat>,
}

/// What is written beside the other fields and read in `model_config`.
const MODEL_CONFIG: &[&str] = &[
    "apiVersion",
    "resourceName",
    "deploymentName",
    "deploymentConfig",
];

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "portkey",
    name: "virtual_keys",
    noun: "virtual key",
    schema: |generator| generator.subschema_for::<VirtualKeySpec>(),
    identity: Identity::Name,
    scope: &["workspace_id"],
    endpoints: Endpoints {
        list: List {
            path: "/providers",
            items: "data",
            paging: Paging::CurrentPage { size: 50 },
            per_scope: true,
            ..List::NONE
        },
        create: "/virtual-keys",
        item: "/virtual-keys/{slug}",
        detail: Detail::Read,
        update: Update::PUT,
        ..Endpoints::PLAIN
    },
    rules: &[
        Rule::new(
            "",
            Is::ListedWith {
                kind: "providers",
                with: "integration_id",
            },
        ),
        Rule::new("/provider", Is::Immutable),
        Rule::new("/key", Is::Secret),
        Rule::new("/workspace_id", Is::Immutable),
        Rule::new(
            "/workspace_id",
            Is::Reference {
                kind: "workspaces",
                attribute: Attribute::Id,
            },
        ),
        Rule::new("/apiVersion", Is::Immutable),
        Rule::new("/resourceName", Is::Immutable),
        Rule::new("/deploymentName", Is::Immutable),
        Rule::new(
            "/deploymentConfig/*/is_default",
            Is::Default(|| Value::Bool(false)),
        ),
        Rule::new("/secret_mappings", Is::Set),
        Rule::new(
            "/secret_mappings/*/secret_reference_id",
            Is::Reference {
                kind: "secret_references",
                attribute: Attribute::Slug,
            },
        ),
        Rule::new("/usage_limits/type", Is::Stays),
        Rule::new("/usage_limits/next_usage_reset_at", Is::ServerOwned),
        Rule::new("/usage_limits/next_usage_reset_at", Is::Instant),
        Rule::new("/expires_at", Is::Immutable),
        Rule::new("/expires_at", Is::Instant),
    ],
    parts: &[],
    check: Some(check),
    decode: Some(decode),
    encode: Some(encode),
};

fn check(entry: &Map, problems: &mut Problems) {
    let root = Pointer::root();
    problems
        .warning(
            "legacy-kind",
            &root,
            "virtual keys are the older name of providers",
        )
        .help(
            "declare the account under `integrations` and a provider of it under `providers`: the \
             server shows this one there as well",
        );
    let at = root.child("usage_limits");
    limits::check(entry.get("usage_limits"), &at, problems);
    let declared = |target: &str| entry.get(target.trim_start_matches("model_config."));
    mappings::check(entry, declared, problems);
}

fn decode(live: &mut Map) {
    wire::drop_empty(live, &["key"]);
    wire::rename(live, "masked_api_key", "key");
    // Lists call it by one name, single reads by the other.
    if !wire::has(live, "provider") {
        wire::rename(live, "ai_provider_name", "provider");
    }
    if let Some(Value::Map(mut config)) = live.shift_remove("model_config") {
        for field in MODEL_CONFIG {
            if let Some(value) = config.shift_remove(*field) {
                live.insert((*field).to_owned(), value);
            }
        }
    }
    if let Some(Value::List(mappings)) = live.get_mut("secret_mappings") {
        let mappings = mappings.iter_mut().filter_map(Value::as_map_mut);
        mappings.for_each(wire::drop_nulls);
    }
    limits::tidy(live, &["usage_limits", "rate_limits"]);
    wire::drop_empty(live, MODEL_CONFIG);
    wire::drop_empty(live, &["key", "note", "expires_at", "secret_mappings"]);
}

fn encode(body: &mut Map, operation: Operation) {
    wire::clear_as_list(body, operation, &["deploymentConfig", "secret_mappings"]);
    wire::clear_empty_lists(body, operation, &["rate_limits"]);
}

#[cfg(test)]
mod tests {
    use super::super::super::spec::testing::{accepts, decoded, encoded, problems};
    use super::*;
    use serde_json::json;

    #[test]
    fn the_schema_wants_a_provider() {
        let good = [
            json!({ "provider": "openai", "key": "sk", "workspace_id": "w" }),
            json!({ "provider": "azure-openai", "apiVersion": "v", "resourceName": "r",
                    "deploymentConfig": [{ "apiVersion": "v", "deploymentName": "d",
                                           "alias": null, "is_default": true }],
                    "note": null, "usage_limits": null, "rate_limits": null,
                    "expires_at": "2031-01-01T00:00:00Z" }),
            json!({ "provider": "openai",
                    "secret_mappings": [{ "target_field": "model_config.apiVersion",
                                          "secret_reference_id": "s" }] }),
        ];
        for entry in &good {
            assert!(accepts::<VirtualKeySpec>(&KIND, entry), "{entry}");
        }
        let bad = [
            json!({ "key": "sk" }),
            json!({ "provider": "openai", "key": null }),
            json!({ "provider": "openai", "slug": "x" }),
            json!({ "provider": "openai", "expires_at": null }),
            json!({ "provider": "openai", "api_version": "v" }),
            json!({ "provider": "openai",
                    "secret_mappings": [{ "target_field": "model", "secret_reference_id": "s" }] }),
        ];
        for entry in &bad {
            assert!(!accepts::<VirtualKeySpec>(&KIND, entry), "{entry}");
        }
    }

    #[test]
    fn every_entry_is_told_what_there_is_today() {
        let all = problems(&KIND, json!({ "provider": "openai" }));
        assert_eq!(all.len(), 1);
        assert!(
            all[0].starts_with("warning  legacy-kind: virtual keys are the older name"),
            "{all:?}"
        );
    }

    #[test]
    fn a_field_is_mapped_once_and_not_declared_as_well() {
        let mapping = |target: &str| json!({ "target_field": target, "secret_reference_id": "s" });
        let entry = json!({
            "provider": "openai", "resourceName": "r",
            "secret_mappings": [mapping("key"), mapping("model_config.resourceName"), mapping("key")],
        });
        assert_eq!(
            problems(&KIND, entry)[1..],
            [
                "warning /secret_mappings/1/target_field conflicting-fields: \
                 `model_config.resourceName` is both declared and mapped (leave one of them out)",
                "error /secret_mappings/2/target_field duplicate-value: `key` is mapped twice",
            ]
        );
    }

    #[test]
    fn live_virtual_keys_read_like_their_manifest_from_either_place() {
        let listed = json!({ "slug": "openai-1a2b3c", "name": "O", "provider": "openai",
                             "usage_limits": { "credit_limit": 5.0, "periodic_reset": "" } });
        assert_eq!(
            decoded(&KIND, listed),
            json!({ "slug": "openai-1a2b3c", "name": "O", "provider": "openai",
                    "usage_limits": { "credit_limit": 5 } })
        );
        let read = json!({ "slug": "az-1a2b3c", "ai_provider_name": "azure-openai", "key": "",
                           "masked_api_key": "ab*****f", "note": "", "rate_limits": [],
                           "model_config": { "apiVersion": "v", "deploymentConfig": [] } });
        assert_eq!(
            decoded(&KIND, read),
            json!({ "slug": "az-1a2b3c", "provider": "azure-openai", "key": "ab*****f",
                    "apiVersion": "v" })
        );
    }

    #[test]
    fn lists_are_cleared_as_lists_and_limits_with_null() {
        let body = json!({ "deploymentConfig": null, "rate_limits": [], "note": null });
        assert_eq!(
            encoded(&KIND, body, Operation::Update),
            json!({ "deploymentConfig": [], "rate_limits": null, "note": null })
        );
    }
}
