//! What `config` may hold: one form for each type and provider.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::systems::forms::{Form, Mode, Modes};
use crate::systems::spec::NotNull;

/// How to reach what an integration gives access to. Which fields there are depends on the type
/// and the provider.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Of `LLM`: whose models they are. Cannot be changed.
    #[serde(default)]
    pub provider: NotNull<Provider>,
    /// The provider's key. It cannot be read back, only that there is one.
    pub api_key: Option<String>,
    /// Whether the models can call functions.
    #[serde(default)]
    pub is_function_calling_enabled: NotNull<bool>,
    /// Whether to offer the provider's usual models.
    #[serde(default)]
    pub is_default_models_enabled: NotNull<bool>,
    /// The models to offer.
    #[serde(default)]
    pub model_names: NotNull<Vec<String>>,
    /// Where the provider is; an `https://` URL with a public address.
    pub base_url: Option<String>,
    /// Headers for requests, replaced as a whole. Their values cannot be read back.
    pub headers: Option<IndexMap<String, String>>,
    /// Of `AWS_BEDROCK` and `CUSTOM`: how to sign in, replaced as a whole.
    #[serde(default)]
    pub auth: NotNull<Auth>,
    /// Of `VERTEX_AI`: the project.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub project_id: NotNull<String>,
    /// Of `VERTEX_AI`: the region.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub location: NotNull<String>,
    /// Of `VERTEX_AI`: the label by which the project grants access.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub project_access_label: NotNull<String>,
    /// Of `AGENT` and `EVALUATOR`: where it is; an `https://` URL with a public address.
    #[serde(default)]
    #[schemars(length(min = 1, max = 2048))]
    pub endpoint: NotNull<String>,
    /// Of `AGENT` and `EVALUATOR`: the JSON Schema, draft 7, of what it takes.
    #[serde(default)]
    #[schemars(schema_with = "crate::systems::spec::object")]
    pub input_schema: NotNull<serde_json::Value>,
    /// Of `AGENT`: requests that people can choose from. They are matched by their names; `[]`
    /// removes all.
    #[serde(default)]
    pub request_presets: NotNull<Vec<Preset>>,
}

/// Whose models an integration reaches.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)]
pub enum Provider {
    OpenAi,
    Anthropic,
    Gemini,
    AwsBedrock,
    VertexAi,
    Custom,
    NvidiaNim,
    #[serde(rename = "LITELLM")]
    LiteLlm,
    Fireworks,
    TogetherAi,
}

/// How to sign in at a provider.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// Which way; the other fields depend on it.
    pub auth_type: AuthType,
    /// A key. It cannot be read back, only that there is one.
    pub api_key: Option<String>,
    /// The role to take on.
    pub role_arn: Option<String>,
    /// The external id that the role asks for.
    pub external_id: Option<String>,
    /// Where requests go, if not to the usual place.
    pub base_url: Option<String>,
    /// Headers that a proxy understands. Their values cannot be read back.
    pub headers: Option<IndexMap<String, String>>,
    /// Where tokens come from; an `https://` URL with a public address.
    pub token_url: Option<String>,
    /// The client's id, without a colon.
    #[schemars(regex(pattern = "^[^:]+$"))]
    pub client_id: Option<String>,
    /// The client's secret. It cannot be read back, only that there is one.
    pub client_secret: Option<String>,
    /// The scopes to ask for.
    pub scopes: Option<String>,
    /// Whom the token is for.
    pub audience: Option<String>,
}

/// Ways to sign in at a provider.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AuthType {
    /// Of `AWS_BEDROCK` by a role, of `CUSTOM` by a key.
    Default,
    /// Of `AWS_BEDROCK`: with a key as bearer token.
    BearerToken,
    /// Of `AWS_BEDROCK`: by headers that a proxy understands.
    ProxyWithHeaders,
    /// Of `CUSTOM`: with tokens of OAuth 2.
    #[serde(rename = "OAUTH2_CLIENT_CREDENTIALS")]
    ClientCredentials,
}

/// A request to an agent that people can choose.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// Its name, which no other preset of the integration may have.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// What it is for.
    #[schemars(length(max = 1024))]
    pub description: Option<String>,
    /// The request, which `input_schema` must accept but for members that are missing.
    #[schemars(schema_with = "crate::systems::spec::object")]
    pub config: serde_json::Value,
}

/// The form of `config` for one provider or type.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) name: &'static str,
    pub(super) form: Form,
    /// The form of `auth`.
    pub(super) auth: Option<Form>,
    /// Whether models have to come from somewhere: the usual ones or some that are named.
    pub(super) names_models: bool,
    /// The fields that cannot be cleared.
    pub(super) kept: &'static [&'static str],
}

const fn shape(
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
) -> Shape {
    Shape {
        name,
        form: Form {
            required,
            optional,
            modes: None,
        },
        auth: None,
        names_models: false,
        kept: &[],
    }
}

/// The providers of `LLM`.
pub(super) static PROVIDERS: &[Shape] = &[
    shape(
        "OPEN_AI",
        &["provider", "api_key"],
        &["is_function_calling_enabled"],
    ),
    shape(
        "ANTHROPIC",
        &["provider", "api_key"],
        &["is_function_calling_enabled", "base_url"],
    ),
    shape(
        "GEMINI",
        &["provider", "api_key"],
        &["is_function_calling_enabled"],
    ),
    Shape {
        auth: Some(BEDROCK_AUTH),
        names_models: true,
        ..shape(
            "AWS_BEDROCK",
            &["provider", "auth"],
            &["is_default_models_enabled", "model_names"],
        )
    },
    shape(
        "VERTEX_AI",
        &["provider", "project_id", "location", "project_access_label"],
        &[],
    ),
    Shape {
        auth: Some(CUSTOM_AUTH),
        names_models: true,
        kept: &["base_url"],
        ..shape(
            "CUSTOM",
            &["provider", "base_url"],
            &[
                "api_key",
                "headers",
                "auth",
                "is_function_calling_enabled",
                "is_default_models_enabled",
                "model_names",
            ],
        )
    },
    Shape {
        names_models: true,
        ..shape(
            "NVIDIA_NIM",
            &["provider"],
            &[
                "base_url",
                "api_key",
                "headers",
                "is_function_calling_enabled",
                "is_default_models_enabled",
                "model_names",
            ],
        )
    },
    Shape {
        kept: &["base_url"],
        ..shape(
            "LITELLM",
            &["provider", "base_url", "api_key"],
            &["headers", "is_function_calling_enabled", "model_names"],
        )
    },
    shape("FIREWORKS", &["provider", "api_key"], FULL),
    shape("TOGETHER_AI", &["provider", "api_key"], FULL),
];

const FULL: &[&str] = &[
    "is_function_calling_enabled",
    "is_default_models_enabled",
    "model_names",
];

/// The types that are no `LLM`.
pub(super) static TYPES: &[Shape] = &[
    shape(
        "AGENT",
        &["endpoint", "input_schema"],
        &["headers", "request_presets"],
    ),
    shape("EVALUATOR", &["endpoint", "input_schema"], &["headers"]),
];

const BEDROCK_AUTH: Form = Form {
    required: &[],
    optional: &[],
    modes: Some(&Modes {
        field: "auth_type",
        modes: &[
            Mode {
                name: "DEFAULT",
                required: &["role_arn"],
                optional: &["external_id", "base_url"],
            },
            Mode {
                name: "BEARER_TOKEN",
                required: &["api_key"],
                optional: &["base_url"],
            },
            Mode {
                name: "PROXY_WITH_HEADERS",
                required: &["base_url"],
                optional: &["headers"],
            },
        ],
    }),
};

const CUSTOM_AUTH: Form = Form {
    required: &[],
    optional: &[],
    modes: Some(&Modes {
        field: "auth_type",
        modes: &[
            Mode {
                name: "DEFAULT",
                required: &[],
                optional: &["api_key"],
            },
            Mode {
                name: "OAUTH2_CLIENT_CREDENTIALS",
                required: &["token_url", "client_id", "client_secret"],
                optional: &["scopes", "audience"],
            },
        ],
    }),
};
