//! Tests of the whole program: the built binary against the mock of the API, over HTTP.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers outside of test functions fail a test in the same ways"
)]

mod support;

mod bad_input;
mod examples;
mod faults;
mod help;
mod interrupts;
mod lifecycle;
mod main_job;
mod mistakes;
mod mock_command;
mod output;
mod ownership;
mod paging;
mod readme;
mod requests;
mod secrets;
mod states;
mod workspaces;
