//! Integrations in their older, flat form.
//!
//! The API serves it beside `integrations`, and very likely the objects behind both are the same:
//! the ids of both have one form. It is the only one that knows Azure OpenAI. Here the provider can
//! change, and headers are read back.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::wire::{self, Scoping};
use super::list;
use crate::kind::{Detail, Endpoints, Identity, Is, Kind, Operation, Problems, Rule, Update};
use crate::model::{Attribute, Map, Pointer, Value};
use crate::systems::forms::has;
use crate::systems::spec::NotNull;

/// Access to the models of a provider, in the older form of the API. Do not declare one under
/// `integrations` as well: both would be the same object.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AiIntegrationSpec {
    /// The name, which no other one may have; the entry's key if left out.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub name: NotNull<String>,
    /// Whose models they are.
    pub provider: Provider,
    /// The provider's key. It cannot be read back, only that there is one.
    pub api_key: Option<String>,
    /// Where the provider is, if not at its usual place; an `https://` URL.
    #[schemars(extend("format" = "uri"))]
    pub base_url: Option<String>,
    /// The models to offer.
    #[serde(default)]
    pub model_names: NotNull<Vec<String>>,
    /// Headers for requests to the provider.
    pub headers: Option<IndexMap<String, String>>,
    /// Whether to offer the provider's usual models.
    #[serde(default)]
    pub enable_default_models: NotNull<bool>,
    /// Whether the models can call functions.
    #[serde(default)]
    pub function_calling_enabled: NotNull<bool>,
    /// How to sign in at the provider.
    #[serde(default)]
    pub auth_type: NotNull<AuthType>,
    /// What some providers want to know beside a key.
    pub provider_metadata: Option<ProviderMetadata>,
    /// Who sees it; `[]` for the whole account.
    #[serde(default)]
    pub scopings: NotNull<Vec<Scoping>>,
}

/// Whose models an integration reaches.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)]
pub enum Provider {
    OpenAi,
    AzureOpenAi,
    AwsBedrock,
    VertexAi,
    Anthropic,
    Custom,
    NvidiaNim,
    Gemini,
    #[serde(rename = "LITELLM")]
    LiteLlm,
    Fireworks,
    TogetherAi,
}

/// How to sign in at a provider.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AuthType {
    /// As the provider's own clients do.
    Default,
    /// By headers that a proxy understands.
    ProxyWithHeaders,
    /// With the key as a bearer token.
    BearerToken,
}

/// What a cloud wants to know beside a key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderMetadata {
    /// Which cloud.
    pub kind: Cloud,
    /// Of `AWS`: the role to take on.
    pub role_arn: Option<String>,
    /// Of `AWS`: the external id that the role asks for.
    pub external_id: Option<String>,
    /// Of `GCP`: the project.
    pub project_id: Option<String>,
    /// Of `GCP`: the region.
    pub location: Option<String>,
    /// Of `GCP`: the label by which the project grants access.
    pub project_access_label: Option<String>,
}

/// A cloud.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Cloud {
    /// Amazon's.
    Aws,
    /// Google's.
    Gcp,
}

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "arize",
    name: "ai_integrations",
    noun: "AI integration",
    schema: |generator| generator.subschema_for::<AiIntegrationSpec>(),
    identity: Identity::UniqueName,
    scope: &[],
    endpoints: Endpoints {
        list: list("/v2/ai-integrations", "ai_integrations"),
        create: "/v2/ai-integrations",
        item: "/v2/ai-integrations/{id}",
        update: Update::PATCH,
        detail: Detail::Listed,
        ..Endpoints::PLAIN
    },
    rules: &[
        Rule::new("/api_key", Is::Secret),
        Rule::new("/api_key", Is::Presence),
        Rule::new("/headers/*", Is::Sensitive),
        Rule::new("/model_names", Is::Set),
        Rule::new("/scopings", Is::Set),
        Rule::new(
            "/scopings/*/organization_id",
            Is::Reference {
                kind: "organizations",
                attribute: Attribute::Id,
            },
        ),
        Rule::new(
            "/scopings/*/space_id",
            Is::Reference {
                kind: "spaces",
                attribute: Attribute::Id,
            },
        ),
    ],
    parts: &[],
    check: Some(check),
    decode: Some(decode),
    encode: Some(encode),
};

fn check(entry: &Map, problems: &mut Problems) {
    let root = Pointer::root();
    wire::check_https(entry, &root, "base_url", problems);
    wire::check_headers(entry, &root, problems);
    wire::check_scopings(entry, false, problems);
    let Some(metadata) = entry.get("provider_metadata").and_then(Value::as_map) else {
        return;
    };
    let at = root.child("provider_metadata");
    let aws: &[&str] = &["role_arn"];
    let gcp: &[&str] = &["project_id", "location", "project_access_label"];
    let (needed, foreign) = match metadata.get("kind").and_then(Value::as_str) {
        Some("AWS") => (aws, gcp),
        Some("GCP") => (gcp, &["role_arn", "external_id"][..]),
        _ => return,
    };
    for field in needed.iter().filter(|field| !has(metadata, field)) {
        let message = format!("`provider_metadata` of this kind needs `{field}`");
        problems.error("missing-field", &at, message);
    }
    for field in foreign.iter().filter(|field| has(metadata, field)) {
        let message = format!("`{field}` is not a field of `provider_metadata` of this kind");
        problems.error("unknown-field", &at.child(field), message);
    }
}

fn decode(live: &mut Map) {
    wire::read_presence(live, "has_api_key", "api_key");
    wire::read_scopings(live);
}

fn encode(body: &mut Map, operation: Operation) {
    if operation == Operation::Create {
        wire::drop_nulls(body);
    }
}
