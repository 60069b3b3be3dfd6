//! The mock's integration tests, in one binary.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers outside of test functions fail a test in the same ways"
)]

mod api_keys;
mod arize;
mod collections;
mod console;
mod credentials;
mod defects;
mod description;
mod faults;
mod gateway;
mod harness;
mod integrations;
mod journal;
mod kept;
mod lag;
mod logs;
mod mcp;
mod oracle;
mod policies_and_content;
mod prompts;
mod protocol;
mod real_clients;
mod relay;
mod resets;
mod snapshots;
mod spec;
mod state;
mod time;
mod usage;
mod users;
mod validation;
mod walk;
mod workspaces;
