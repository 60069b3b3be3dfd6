//! Tests of the whole program: the built binary against the mock of the API, over HTTP.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers outside of test functions fail a test in the same ways"
)]

mod support;

mod adopt;
mod api_keys;
mod arize;
mod bad_input;
mod cache;
mod canary;
mod collections;
mod complaints;
mod environments;
mod examples;
mod faults;
mod forms;
mod gates;
mod gone;
mod grants;
mod guardrails;
mod help;
mod import;
mod interrupts;
mod lag;
mod laws;
mod ledger_files;
mod lifecycle;
mod main_job;
mod mcp;
mod mistakes;
mod mock_command;
mod mock_flags;
mod mock_state;
mod moves;
mod organisation;
mod output;
mod outside;
mod ownership;
mod paging;
mod people;
mod prompts;
mod readme;
mod remote_ledger;
mod replace;
mod requests;
mod resets;
mod secrets;
mod sops;
mod sources;
mod states;
mod taken_names;
mod terminal;
mod terraform_bugs;
mod terraform_fields;
mod terraform_resources;
mod three_ways;
mod two_systems;
mod virtual_keys;
mod workspaces;
