//! What Portkey holds, one file a kind.

pub mod api_keys;
pub mod capabilities;
pub mod collections;
pub mod configs;
pub mod guardrails;
pub mod integrations;
pub mod invites;
pub mod labels;
pub mod mcp_integrations;
pub mod mcp_servers;
pub mod members;
pub mod partials;
pub mod policies;
pub mod prompts;
pub mod providers;
pub mod rate_limits_policies;
pub mod scim_workspace_mappings;
pub mod secret_references;
pub mod usage_limits_policies;
pub mod users;
pub mod virtual_keys;
pub mod workspaces;
