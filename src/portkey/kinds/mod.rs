//! What Portkey holds, one file a kind.

pub mod capabilities;
pub mod collections;
pub mod configs;
pub mod guardrails;
pub mod integrations;
pub mod labels;
pub mod mcp_integrations;
pub mod mcp_servers;
pub mod policies;
pub mod providers;
pub mod rate_limits_policies;
pub mod secret_references;
pub mod usage_limits_policies;
pub mod workspaces;
