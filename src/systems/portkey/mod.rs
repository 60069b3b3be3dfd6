//! Portkey: the classic admin API at `https://api.portkey.ai/v1`.

pub mod kinds;
pub mod limits;
mod mappings;
mod wire;

use super::{forms, spec};

use crate::kind::{Errors, Ids, Place, System};

/// The system as data.
pub static SYSTEM: System = System {
    name: "portkey",
    default_base_url: "https://api.portkey.ai/v1",
    regional_base_url: None,
    places: &[Place::BaseUrl("PORTKEY_BASE_URL")],
    api_key_variable: "PORTKEY_API_KEY",
    auth_header: "x-portkey-api-key",
    auth_prefix: "",
    // Five envelopes of the live API: `{success, data: {message, errorCode}}`,
    // `{error: {message, code, type}}`, `{status: "failure", message}`, `{success, data: {message}}`
    // and a bare `{message}`; and the flat `{errorCode, message}` that the official Terraform
    // provider's tests show.
    errors: Errors {
        message: &["/data/message", "/error/message", "/message", "/error"],
        code: &[
            "/data/errorCode",
            "/data/code",
            "/error/errorCode",
            "/error/code",
            "/errorCode",
            "/code",
        ],
        details: &[],
        request_id: &[],
        request_id_headers: &["x-portkey-trace-id", "x-request-id"],
    },
    ids: Ids {
        noun: "UUID",
        is: is_uuid,
    },
    kinds: &[
        &kinds::users::KIND,
        &kinds::workspaces::KIND,
        &kinds::invites::KIND,
        &kinds::scim_workspace_mappings::KIND,
        &kinds::secret_references::KIND,
        &kinds::integrations::KIND,
        &kinds::providers::KIND,
        &kinds::virtual_keys::KIND,
        &kinds::guardrails::KIND,
        &kinds::configs::KIND,
        &kinds::api_keys::KIND,
        &kinds::collections::KIND,
        &kinds::labels::KIND,
        &kinds::partials::KIND,
        &kinds::prompts::KIND,
        &kinds::mcp_integrations::KIND,
        &kinds::mcp_servers::KIND,
        &kinds::usage_limits_policies::KIND,
        &kinds::rate_limits_policies::KIND,
    ],
};

/// Whether a text is a hyphenated UUID.
fn is_uuid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}
