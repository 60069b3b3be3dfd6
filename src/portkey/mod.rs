//! Portkey: the classic admin API at `https://api.portkey.ai/v1`.

mod forms;
pub mod kinds;
pub mod limits;
pub mod spec;
mod wire;

use crate::kind::System;

/// The system as data.
pub static SYSTEM: System = System {
    name: "portkey",
    default_base_url: "https://api.portkey.ai/v1",
    base_url_variable: "PORTKEY_BASE_URL",
    api_key_variable: "PORTKEY_API_KEY",
    auth_header: "x-portkey-api-key",
    auth_prefix: "",
    kinds: &[
        &kinds::workspaces::KIND,
        &kinds::secret_references::KIND,
        &kinds::integrations::KIND,
        &kinds::providers::KIND,
        &kinds::guardrails::KIND,
        &kinds::configs::KIND,
        &kinds::usage_limits_policies::KIND,
        &kinds::rate_limits_policies::KIND,
    ],
};
