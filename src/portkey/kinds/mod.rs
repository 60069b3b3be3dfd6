//! What Portkey holds, one file a kind.

pub mod collections;
pub mod configs;
pub mod guardrails;
pub mod integrations;
pub mod labels;
pub mod policies;
pub mod providers;
pub mod rate_limits_policies;
pub mod secret_references;
pub mod usage_limits_policies;
pub mod workspaces;
