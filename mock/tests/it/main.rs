//! The mock's integration tests, in one binary.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers outside of test functions fail a test in the same ways"
)]

mod api_keys;
mod collections;
mod credentials;
mod description;
mod harness;
mod integrations;
mod logs;
mod mcp;
mod oracle;
mod policies_and_content;
mod prompts;
mod protocol;
mod real_clients;
mod usage;
mod users;
mod walk;
mod workspaces;
