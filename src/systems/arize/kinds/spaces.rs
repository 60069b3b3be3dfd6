//! Spaces: what projects, annotation configs and tags live in.
//!
//! A new space takes four fields; the others are for updates alone. Its default integration may be
//! one that is scoped to this very space, so that is written in a second step too.

use schemars::JsonSchema;
use serde::Deserialize;

use super::list;
use crate::kind::{Detail, Endpoints, Identity, Is, Kind, Rule, Update};
use crate::model::Attribute;
use crate::systems::spec::NotNull;

/// A part of an organization that has projects, annotation configs and tags. Deleting it deletes
/// all of them, so `lifecycle.protect` is true unless the entry says otherwise.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpaceSpec {
    /// The name, which no other space of the organization may have; the entry's key if left out.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    pub name: NotNull<String>,
    /// The organization that it is in, by key. Cannot be changed.
    #[schemars(length(min = 1))]
    pub organization_id: String,
    /// What it is for.
    #[schemars(length(max = 1000))]
    pub description: Option<String>,
    /// Whether only its members see it.
    #[serde(default)]
    pub is_private: NotNull<bool>,
    /// Whether it shows models of classical machine learning.
    #[serde(default)]
    pub ml_models_enabled: NotNull<bool>,
    /// Where the gradient of its picture begins.
    #[serde(default)]
    pub gradient_start_color: NotNull<String>,
    /// Where the gradient of its picture ends.
    #[serde(default)]
    pub gradient_end_color: NotNull<String>,
    /// The model that the space uses where nobody names another one.
    pub default_llm_integration: Option<DefaultLlmIntegration>,
    /// The agent that the space runs where nobody names another one.
    pub default_agent_runtime: Option<DefaultAgentRuntime>,
}

/// A model and the integration that reaches it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefaultLlmIntegration {
    /// The integration, by key.
    #[schemars(length(min = 1))]
    pub integration_id: String,
    /// The model, as the integration's provider calls it.
    #[schemars(length(min = 1))]
    pub model_name: String,
}

/// The integration that reaches an agent.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefaultAgentRuntime {
    /// The integration, by key.
    #[schemars(length(min = 1))]
    pub integration_id: String,
}

const INTEGRATION: Is = Is::Reference {
    kind: "integrations",
    attribute: Attribute::Id,
};

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "arize",
    name: "spaces",
    noun: "space",
    schema: |generator| generator.subschema_for::<SpaceSpec>(),
    identity: Identity::UniqueName,
    scope: &["organization_id"],
    endpoints: Endpoints {
        list: list("/v2/spaces", "spaces"),
        create: "/v2/spaces",
        item: "/v2/spaces/{id}",
        update: Update::PATCH,
        detail: Detail::Listed,
        ..Endpoints::PLAIN
    },
    rules: &[
        Rule::new("", Is::Precious),
        Rule::new("/organization_id", Is::Immutable),
        Rule::new(
            "/organization_id",
            Is::Reference {
                kind: "organizations",
                attribute: Attribute::Id,
            },
        ),
        Rule::new("/ml_models_enabled", Is::UpdateOnly),
        Rule::new("/gradient_start_color", Is::UpdateOnly),
        Rule::new("/gradient_end_color", Is::UpdateOnly),
        Rule::new("/default_llm_integration", Is::Deferred),
        Rule::new("/default_llm_integration/integration_id", INTEGRATION),
        Rule::new("/default_agent_runtime", Is::Deferred),
        Rule::new("/default_agent_runtime/integration_id", INTEGRATION),
    ],
    parts: &[],
    check: None,
    decode: None,
    encode: None,
};
