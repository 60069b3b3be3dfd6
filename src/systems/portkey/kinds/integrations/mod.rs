//! Integrations: accounts with model providers, who may use which of their models, and for how
//! much.
//!
//! Sources: the API's document for paths and fields. That the key comes back as `masked_key`,
//! secrets in `configurations` masked in place, and descriptions as empty texts was observed by the
//! official Terraform provider.

mod catalogue;
mod check;
mod configurations;
pub(super) mod grants;
mod models;
mod pricing;

pub use configurations::{AzureDeployment, Configurations};
pub use grants::Grant;
pub use models::{Model, ModelConfigurations, ModelPricing, Models, PayAsYouGo, TokenPrice};
pub use pricing::{ImageMultiplier, PricingAdjustments, PricingMultiplier};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::spec::NotNull;
use super::super::wire;
use crate::kind::{
    Detail, Endpoints, Identity, Impulse, Is, Kind, List, Members, Operation, Paging, Part, Rule,
    Update,
};
use crate::model::{Attribute, Map, Value};

/// An account with a model provider. The key is the slug.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IntegrationSpec {
    /// The name that people see; the entry's key if left out.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    pub name: NotNull<String>,
    /// What the account is for.
    pub description: Option<String>,
    /// The model provider, for example `openai`, `azure-openai`, `bedrock` or `vertex-ai`. Cannot
    /// be changed.
    #[schemars(length(min = 1))]
    pub ai_provider_id: String,
    /// The workspace that owns the integration, by key; left out, it belongs to the organisation.
    /// Cannot be changed.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub workspace_id: NotNull<String>,
    /// The provider's API key. A secret; it is never read back. `secret_mappings` can take it from
    /// a secret reference instead.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub key: NotNull<String>,
    /// What the provider needs besides the key. Members that are left out are not managed.
    #[serde(default)]
    pub configurations: NotNull<Configurations>,
    /// Fields that are taken from secret references when they are needed.
    pub secret_mappings: Option<Vec<SecretMapping>>,
    /// Factors on the list prices by which costs are counted.
    pub pricing_adjustments: Option<PricingAdjustments>,
    /// Whether making the integration also makes a provider for it. gatewright says no unless this
    /// says yes, so that everything there is stands in the repository. Means nothing later.
    #[serde(default)]
    pub create_default_provider: NotNull<bool>,
    /// The slug of that provider. Means nothing later.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255), regex(pattern = r"^[a-zA-Z0-9_-]+$"))]
    pub default_provider_slug: NotNull<String>,
    /// Which models may be used. Models that are left out are not managed.
    #[serde(default)]
    pub models: NotNull<Models>,
    /// What every workspace may do with the integration that is there without access of its own, or
    /// will be made.
    #[serde(default)]
    pub global_workspace_access: NotNull<Grant>,
    /// Which workspaces may use the integration, by key. Workspaces that are left out are not
    /// managed; null takes the access away.
    #[serde(default)]
    pub workspaces: NotNull<IndexMap<String, Option<Grant>>>,
}

/// A field that is taken from a secret reference when it is needed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretMapping {
    /// The field: `key`, or `configurations.` and a name. Each at most once.
    #[schemars(regex(pattern = r"^(key|configurations\.[A-Za-z0-9_]+)$"))]
    pub target_field: String,
    /// The secret reference, by key.
    #[schemars(length(min = 1))]
    pub secret_reference_id: String,
    /// Which member of the secret to take; what the reference says if left out.
    pub secret_key: Option<String>,
    /// Whether the secret is a text or a JSON document.
    pub value_format: Option<ValueFormat>,
}

/// How the text of a secret is to be understood.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum ValueFormat {
    /// A text.
    String,
    /// A JSON document.
    Json,
}

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "portkey",
    name: "integrations",
    noun: "integration",
    schema: |generator| generator.subschema_for::<IntegrationSpec>(),
    identity: Identity::Slug,
    scope: &[],
    endpoints: Endpoints {
        list: List {
            path: "/integrations",
            items: "data",
            paging: Paging::CurrentPage { size: 100 },
            ..List::NONE
        },
        create: "/integrations",
        item: "/integrations/{slug}",
        detail: Detail::Read,
        update: Update::PUT,
        ..Endpoints::PLAIN
    },
    rules: &[
        Rule::new("/ai_provider_id", Is::Immutable),
        Rule::new("/workspace_id", Is::Immutable),
        Rule::new(
            "/workspace_id",
            Is::Reference {
                kind: "workspaces",
                attribute: Attribute::Id,
            },
        ),
        Rule::new("/key", Is::Secret),
        Rule::new("/configurations", Is::Merge),
        Rule::new("/configurations/aws_access_key_id", Is::Secret),
        Rule::new("/configurations/aws_secret_access_key", Is::Secret),
        Rule::new("/configurations/azure_entra_client_secret", Is::Secret),
        Rule::new(
            "/configurations/vertex_service_account_json",
            Is::SecretJson,
        ),
        Rule::new("/configurations/custom_headers/*", Is::Sensitive),
        Rule::new(
            "/configurations/azure_deployment_config/*/is_default",
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
        Rule::new("/create_default_provider", Is::CreateOnly),
        Rule::new("/default_provider_slug", Is::CreateOnly),
        // The API never returns where a model is, only what it costs.
        Rule::new("/models/*/configurations", Is::WriteOnly),
        Rule::new("/models/*/configurations/custom_headers/*", Is::Sensitive),
        Rule::new(
            "/models/allow_all_models",
            Is::Default(|| Value::Bool(true)),
        ),
        Rule::new("/models/*/is_custom", Is::Default(|| Value::Bool(false))),
        Rule::new("/models/*/is_finetune", Is::Default(|| Value::Bool(false))),
        Rule::new("/models/*/pricing_config/**", Is::Merge),
        Rule::new(
            "/workspaces",
            Is::ReferenceKeys {
                kind: "workspaces",
                attribute: Attribute::Id,
            },
        ),
        Rule::new(
            "/global_workspace_access/enabled",
            Is::Default(|| Value::Bool(false)),
        ),
        Rule::new("/global_workspace_access/usage_limits/*/type", Is::Stays),
        Rule::new(
            "/global_workspace_access/usage_limits/*/next_usage_reset_at",
            Is::ServerOwned,
        ),
        Rule::new(
            "/global_workspace_access/usage_limits/*/next_usage_reset_at",
            Is::Instant,
        ),
        Rule::new("/workspaces/*/reset_usage", Is::Impulse(Impulse::Flag)),
        Rule::new("/workspaces/*/usage_limits/*/type", Is::Stays),
        Rule::new(
            "/workspaces/*/usage_limits/*/next_usage_reset_at",
            Is::ServerOwned,
        ),
        Rule::new(
            "/workspaces/*/usage_limits/*/next_usage_reset_at",
            Is::Instant,
        ),
    ],
    parts: &[
        Part {
            field: "models",
            path: "/integrations/{slug}/models",
            read: None,
            items: "models",
            paging: Paging::Whole,
            members: Members::Written,
            decode: models::decode,
            encode: models::encode,
            is_absent: models::is_absent,
        },
        // First, so that what is said of one workspace has the last word.
        Part {
            field: "global_workspace_access",
            path: "/integrations/{slug}/workspaces",
            read: Some("/integrations/{slug}"),
            items: "",
            paging: Paging::Whole,
            members: Members::Written,
            decode: |answer| grants::decode_global(answer, "global_workspace_access_settings"),
            encode: |changed, live| {
                let no = ("create_default_provider", Value::Bool(false));
                grants::encode_global(changed, live, Some(no))
            },
            is_absent: |_| false,
        },
        Part {
            field: "workspaces",
            path: "/integrations/{slug}/workspaces",
            read: None,
            items: "workspaces",
            paging: Paging::Whole,
            members: Members::Written,
            decode: grants::decode,
            encode: grants::encode,
            is_absent: grants::is_absent,
        },
    ],
    check: Some(check::check),
    decode: Some(decode),
    encode: Some(encode),
};

fn decode(live: &mut Map) {
    wire::unmask(live);
    if let Some(Value::Map(configurations)) = live.get_mut("configurations") {
        wire::unmask(configurations);
        wire::drop_nulls(configurations);
    }
    if let Some(Value::List(mappings)) = live.get_mut("secret_mappings") {
        let mappings = mappings.iter_mut().filter_map(Value::as_map_mut);
        mappings.for_each(wire::drop_nulls);
    }
    wire::drop_empty(
        live,
        &[
            "key",
            "description",
            "configurations",
            "secret_mappings",
            "pricing_adjustments",
        ],
    );
}

fn encode(body: &mut Map, operation: Operation) {
    wire::clear_as_text(body, operation, &["description"]);
    wire::clear_as_list(body, operation, &["secret_mappings"]);
    if operation == Operation::Create && !wire::has(body, "create_default_provider") {
        body.insert("create_default_provider".to_owned(), Value::Bool(false));
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::spec::testing::{accepts, decoded, encoded};
    use super::*;
    use serde_json::json;

    #[test]
    fn the_schema_describes_the_entry_and_its_parts() {
        let good = [
            json!({ "ai_provider_id": "openai", "key": "sk" }),
            json!({ "ai_provider_id": "my-own", "description": null, "secret_mappings": null,
                    "pricing_adjustments": null }),
            json!({ "ai_provider_id": "openai",
                    "secret_mappings": [{ "target_field": "configurations.openai_project",
                                          "secret_reference_id": "s", "value_format": "json" }],
                    "pricing_adjustments": { "multiplier": { "default": 0.9, "image": null,
                        "additional_units": { "web_search": 1 } } } }),
            json!({ "ai_provider_id": "openai",
                    "models": { "allow_all_models": false, "gpt-5": { "enabled": true },
                                "gone": null,
                                "ft:x/y": { "enabled": true, "is_custom": true,
                                    "pricing_config": { "type": "static", "pay_as_you_go": {
                                        "request_token": { "price": 0.1 } } } } },
                    "workspaces": { "payments": { "enabled": true, "usage_limits": null },
                                    "old": null } }),
            json!({ "ai_provider_id": "azure-openai",
                    "configurations": { "azure_auth_mode": "workload", "openai_project": null,
                        "unheard_of": [1], "custom_headers": { "x": "y" },
                        "azure_deployment_config": [{ "azure_deployment_name": "d",
                            "azure_api_version": "v", "azure_model_slug": "m" }] } }),
        ];
        for entry in &good {
            assert!(accepts::<IntegrationSpec>(&KIND, entry), "{entry}");
        }
        let bad = [
            json!({ "key": "sk" }),
            json!({ "ai_provider_id": "openai", "key": null }),
            json!({ "ai_provider_id": "openai", "slug": "x" }),
            json!({ "ai_provider_id": "openai", "models": null }),
            json!({ "ai_provider_id": "openai", "models": { "gpt-5": {} } }),
            json!({ "ai_provider_id": "openai", "models": { "gpt-5": { "enabled": "yes" } } }),
            json!({ "ai_provider_id": "openai", "models": { "allow_all_models": null } }),
            json!({ "ai_provider_id": "openai", "workspaces": { "a": { "enabled": null } } }),
            json!({ "ai_provider_id": "openai", "workspaces": [{ "id": "a" }] }),
            json!({ "ai_provider_id": "openai",
                    "secret_mappings": [{ "target_field": "model", "secret_reference_id": "s" }] }),
            json!({ "ai_provider_id": "openai",
                    "pricing_adjustments": { "multiplier": { "defualt": 1 } } }),
            json!({ "ai_provider_id": "openai", "configurations": { "openai_project": 5 } }),
            json!({ "ai_provider_id": "openai", "default_provider_slug": "a b" }),
        ];
        for entry in &bad {
            assert!(!accepts::<IntegrationSpec>(&KIND, entry), "{entry}");
        }
    }

    #[test]
    fn a_live_integration_reads_like_its_manifest() {
        let live = json!({
            "id": "u", "slug": "openai-prod", "ai_provider_id": "openai", "status": "active",
            "description": "", "masked_key": "sk-*****abc", "secret_mappings": [],
            "configurations": { "openai_project": "p", "openai_organization": null },
            "pricing_adjustments": null,
        });
        assert_eq!(
            decoded(&KIND, live),
            json!({
                "id": "u", "slug": "openai-prod", "ai_provider_id": "openai", "status": "active",
                "key": "sk-*****abc", "configurations": { "openai_project": "p" },
            })
        );
    }

    #[test]
    fn no_provider_is_made_unless_it_is_asked_for() {
        let body = json!({ "description": null, "secret_mappings": null });
        assert_eq!(
            encoded(&KIND, body.clone(), Operation::Create),
            json!({ "create_default_provider": false })
        );
        assert_eq!(
            encoded(&KIND, body, Operation::Update),
            json!({ "description": "", "secret_mappings": [] })
        );
        let asked = json!({ "create_default_provider": true });
        assert_eq!(encoded(&KIND, asked.clone(), Operation::Create), asked);
    }
}
