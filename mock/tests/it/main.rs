//! The mock's integration tests, in one binary.

mod description;
mod harness;
mod oracle;
mod walk;
