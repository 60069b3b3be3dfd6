//! What the providers need besides a key: the fields and which of them belong together.
//!
//! Sources: the API's document for the ten forms. The authentication modes `entraFederated` and
//! `workload`, and the fields that go with them, are accepted by the live API and were observed by
//! the official Terraform provider.

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::systems::portkey::forms::{Form, Mode, Modes};
use crate::systems::portkey::spec::NotNull;

/// A JSON document: an object, or the text of one as `${file:...}` and `${env:...}` give it.
fn json_document(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "object"] })
}

/// What a provider needs besides the key. Which fields belong together is decided by
/// `ai_provider_id`; `custom_host` and `custom_headers` go with any.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Configurations {
    /// openai: the organisation.
    pub openai_organization: Option<String>,
    /// openai: the project.
    pub openai_project: Option<String>,
    /// azure-openai, azure-ai: `default` (with `key`), `entra`, `managed`, `entraFederated` or
    /// `workload`.
    #[serde(default)]
    pub azure_auth_mode: NotNull<String>,
    /// azure-openai: the resource.
    #[serde(default)]
    pub azure_resource_name: NotNull<String>,
    /// azure-openai: the deployments; at least one.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub azure_deployment_config: NotNull<Vec<AzureDeployment>>,
    /// azure-ai: the URL of the Foundry project.
    #[serde(default)]
    pub azure_foundry_url: NotNull<String>,
    /// azure-ai: the version of the API.
    #[schemars(length(max = 30))]
    pub azure_api_version: Option<String>,
    /// azure-ai: the deployment.
    pub azure_deployment_name: Option<String>,
    /// Azure with `entra`: the tenant.
    #[serde(default)]
    pub azure_entra_tenant_id: NotNull<String>,
    /// Azure with `entra`: the application.
    #[serde(default)]
    pub azure_entra_client_id: NotNull<String>,
    /// Azure with `entra`: the application's secret. A secret.
    #[serde(default)]
    pub azure_entra_client_secret: NotNull<String>,
    /// Azure with `managed`: the managed identity, where there are several.
    pub azure_managed_client_id: Option<String>,
    /// bedrock, sagemaker: `accessKey` or `assumedRole`.
    #[serde(default)]
    pub aws_auth_type: NotNull<String>,
    /// bedrock, sagemaker: the region.
    #[serde(default)]
    pub aws_region: NotNull<String>,
    /// AWS with `accessKey`: the id of the key. A secret.
    #[serde(default)]
    pub aws_access_key_id: NotNull<String>,
    /// AWS with `accessKey`: the key. A secret.
    #[serde(default)]
    pub aws_secret_access_key: NotNull<String>,
    /// AWS with `assumedRole`: the ARN of the role.
    #[serde(default)]
    pub aws_role_arn: NotNull<String>,
    /// AWS with `assumedRole`: the external id that the role asks for.
    pub aws_external_id: Option<String>,
    /// vertex-ai: `basic` (with `key`), `serviceAccount` or `workload`.
    #[serde(default)]
    pub vertex_auth_type: NotNull<String>,
    /// vertex-ai: the region.
    #[serde(default)]
    pub vertex_region: NotNull<String>,
    /// vertex-ai: the project.
    #[serde(default)]
    pub vertex_project_id: NotNull<String>,
    /// vertex-ai with `serviceAccount`: the account's JSON document, usually
    /// `${file:account.json}`. A secret.
    #[serde(default)]
    #[schemars(schema_with = "json_document")]
    pub vertex_service_account_json: NotNull<serde_json::Value>,
    /// workers-ai: the account.
    #[serde(default)]
    pub workers_ai_account_id: NotNull<String>,
    /// sagemaker: the header of that name.
    pub amzn_sagemaker_custom_attributes: Option<String>,
    /// sagemaker: the header of that name.
    pub amzn_sagemaker_target_model: Option<String>,
    /// sagemaker: the header of that name.
    pub amzn_sagemaker_target_variant: Option<String>,
    /// sagemaker: the header of that name.
    pub amzn_sagemaker_target_container_hostname: Option<String>,
    /// sagemaker: the header of that name.
    pub amzn_sagemaker_inference_id: Option<String>,
    /// sagemaker: the header of that name.
    pub amzn_sagemaker_enable_explanations: Option<String>,
    /// sagemaker: the header of that name.
    pub amzn_sagemaker_inference_component: Option<String>,
    /// sagemaker: the header of that name.
    pub amzn_sagemaker_session_id: Option<String>,
    /// sagemaker: the header of that name.
    pub amzn_sagemaker_model_name: Option<String>,
    /// huggingface: the URL of a dedicated endpoint.
    pub huggingface_base_url: Option<String>,
    /// cortex: the Snowflake account.
    #[serde(default)]
    pub snowflake_account: NotNull<String>,
    /// Any provider: the base URL of a server of your own that speaks the provider's dialect.
    pub custom_host: Option<String>,
    /// Any provider: headers for that server, by name.
    pub custom_headers: Option<IndexMap<String, String>>,
}

/// A deployment of Azure OpenAI.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AzureDeployment {
    /// The name that requests may use for it; each at most once.
    #[serde(default)]
    pub alias: NotNull<String>,
    /// The version of the API, for example `2024-10-21`.
    #[schemars(length(min = 1, max = 30))]
    pub azure_api_version: String,
    /// The name of the deployment in Azure.
    #[schemars(length(min = 1))]
    pub azure_deployment_name: String,
    /// The model that it deploys.
    #[schemars(length(min = 1))]
    pub azure_model_slug: String,
    /// Whether requests that name no deployment go here; at most one.
    #[serde(default)]
    pub is_default: NotNull<bool>,
}

/// Fields that go with any provider.
pub(super) const ANYWHERE: &[&str] = &["custom_host", "custom_headers", "is_key_required"];

/// Fields whose values are secrets.
pub(super) const SECRETS: &[&str] = &[
    "aws_access_key_id",
    "aws_secret_access_key",
    "azure_entra_client_secret",
    "vertex_service_account_json",
];

/// Names that belong to other places of the API, and what to write instead.
pub(super) const AZURE_OPENAI_OLD: &[(&str, &str)] = &[
    ("resource_name", "write `azure_resource_name`"),
    (
        "deployment_id",
        "write `azure_deployment_config: [{ azure_deployment_name: ... }]`",
    ),
    (
        "api_version",
        "write `azure_deployment_config: [{ azure_api_version: ... }]`",
    ),
    ("deployments", "write `azure_deployment_config`"),
];

/// The fields of `configurations` by `ai_provider_id`. Every other provider has only those of
/// [`ANYWHERE`].
pub(super) static FORMS: &[(&str, Form)] = &[
    (
        "openai",
        Form {
            required: &[],
            optional: &["openai_organization", "openai_project"],
            modes: None,
        },
    ),
    (
        "azure-openai",
        Form {
            required: &["azure_resource_name", "azure_deployment_config"],
            optional: &[],
            modes: Some(&AZURE),
        },
    ),
    (
        "azure-ai",
        Form {
            required: &["azure_foundry_url"],
            optional: &["azure_api_version", "azure_deployment_name"],
            modes: Some(&AZURE),
        },
    ),
    (
        "bedrock",
        Form {
            required: &["aws_region"],
            optional: &[],
            modes: Some(&AWS),
        },
    ),
    (
        "sagemaker",
        Form {
            required: &["aws_region"],
            optional: &["amzn_sagemaker_*"],
            modes: Some(&AWS),
        },
    ),
    (
        "vertex-ai",
        Form {
            required: &["vertex_region"],
            optional: &[
                "vertex_project_id",
                "vertex_skip_ptu_cost_attribution",
                "vertex_map_metadata",
            ],
            modes: Some(&Modes {
                field: "vertex_auth_type",
                modes: &[
                    Mode {
                        name: "basic",
                        required: &["vertex_project_id"],
                        optional: &[],
                    },
                    Mode {
                        name: "serviceAccount",
                        required: &["vertex_service_account_json"],
                        optional: &[],
                    },
                    Mode {
                        name: "workload",
                        required: &[],
                        optional: &["vertex_workload_*"],
                    },
                ],
            }),
        },
    ),
    (
        "workers-ai",
        Form {
            required: &["workers_ai_account_id"],
            optional: &[],
            modes: None,
        },
    ),
    (
        "huggingface",
        Form {
            required: &[],
            optional: &["huggingface_base_url"],
            modes: None,
        },
    ),
    (
        "cortex",
        Form {
            required: &["snowflake_account"],
            optional: &[],
            modes: None,
        },
    ),
];

static AZURE: Modes = Modes {
    field: "azure_auth_mode",
    modes: &[
        Mode {
            name: "default",
            required: &[],
            optional: &[],
        },
        Mode {
            name: "entra",
            required: &[
                "azure_entra_tenant_id",
                "azure_entra_client_id",
                "azure_entra_client_secret",
            ],
            optional: &[],
        },
        Mode {
            name: "managed",
            required: &[],
            optional: &["azure_managed_client_id"],
        },
        Mode {
            name: "entraFederated",
            required: &[],
            optional: &[
                "azure_entra_tenant_id",
                "azure_entra_client_id",
                "azure_workload_*",
            ],
        },
        Mode {
            name: "workload",
            required: &[],
            optional: &[
                "azure_entra_tenant_id",
                "azure_entra_client_id",
                "azure_workload_*",
            ],
        },
    ],
};

static AWS: Modes = Modes {
    field: "aws_auth_type",
    modes: &[
        Mode {
            name: "accessKey",
            required: &["aws_access_key_id", "aws_secret_access_key"],
            optional: &[],
        },
        Mode {
            name: "assumedRole",
            required: &["aws_role_arn"],
            optional: &["aws_external_id"],
        },
    ],
};
