//! gatewright keeps an AI-gateway account in the state that a Git repository declares.
//!
//! Data flows through the rooms of this crate from left to right and never back:
//!
//! ```text
//! YAML files → manifest ─────────→ desired ┐
//!                                          ├→ diff → plan → apply → journal, ledger
//! API → client ──────────────────→ live ───┘           └→ render
//! ```
//!
//! What there is to know about an API is data in [`kind`]; each of the [`systems`] fills it in.

pub mod apply;
pub mod cli;
pub mod client;
pub mod diagnostic;
pub mod diff;
pub mod import;
pub mod kind;
pub mod ledger;
pub mod live;
pub mod manifest;
pub mod model;
pub mod plan;
pub mod render;
pub mod schema;
pub mod systems;
pub mod yaml;
