//! What the gateway needs to know of an MCP server besides its address.
//!
//! Sources: the API's document for `custom_headers` and `passthrough_header`; the vendor's
//! documentation for the others, of which it shows examples and no complete form. They are sent as
//! they are declared.

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::systems::portkey::kinds::integrations::ValueFormat;

fn nullable_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["object", "null"] })
}

fn nullable_object_or_list(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["object", "array", "null"] })
}

/// What the gateway needs to know of an MCP server besides its address. Each member is compared as
/// a whole.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct McpConfigurations {
    /// Headers for the MCP server, by name. Credentials belong into `${env:...}` or
    /// `secret_mappings`. The API masks them at best, so that not every change that is made
    /// elsewhere can be seen.
    pub custom_headers: Option<IndexMap<String, String>>,
    /// Which header of a request carries the credential for the MCP server.
    #[serde(default)]
    #[schemars(schema_with = "nullable_object")]
    pub passthrough_header: Option<Json>,
    /// Which headers of a request reach the MCP server.
    #[serde(default)]
    #[schemars(schema_with = "nullable_object_or_list")]
    pub forward_headers: Option<Json>,
    /// With `oauth_auto`: what the gateway says of itself, and what discovery does not find.
    #[serde(default)]
    #[schemars(schema_with = "nullable_object")]
    pub oauth_metadata: Option<Json>,
    /// How the MCP server learns which user is asking.
    #[serde(default)]
    #[schemars(schema_with = "nullable_object")]
    pub user_identity_forwarding: Option<Json>,
    /// How the gateway checks the tokens of users.
    #[serde(default)]
    #[schemars(schema_with = "nullable_object")]
    pub jwt_validation: Option<Json>,
    /// The identity provider that users sign in with instead of Portkey.
    #[serde(default)]
    #[schemars(schema_with = "nullable_object")]
    pub external_auth_config: Option<Json>,
}

/// The members of `configurations`.
pub(super) const FIELDS: &[&str] = &[
    "custom_headers",
    "passthrough_header",
    "forward_headers",
    "oauth_metadata",
    "user_identity_forwarding",
    "jwt_validation",
    "external_auth_config",
];

/// A field that is taken from a secret reference when it is needed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct McpSecretMapping {
    /// The field: `configurations.` and the way to it. Each at most once.
    #[schemars(regex(pattern = r"^configurations\..+$"))]
    pub target_field: String,
    /// The secret reference, by key.
    #[schemars(length(min = 1))]
    pub secret_reference_id: String,
    /// Which member of the secret to take; what the reference says if left out.
    pub secret_key: Option<String>,
    /// Whether the secret is a text or a JSON document.
    pub value_format: Option<ValueFormat>,
}
