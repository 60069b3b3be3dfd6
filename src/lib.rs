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
//! What there is to know about an API is data in [`kind`]; each system ([`portkey`]) fills it in.

pub mod diagnostic;
pub mod kind;
pub mod manifest;
pub mod model;
pub mod portkey;
pub mod schema;
pub mod yaml;

/// Every system that manifests can speak of, the default one first.
pub static SYSTEMS: &[&kind::System] = &[&portkey::SYSTEM];
