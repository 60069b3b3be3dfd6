//! Problems as people and programs read them.

mod excerpt;
mod json;
mod order;
mod text;

pub use json::{JsonDiagnostic, JsonLabel, JsonLocation, json};
pub use text::{Style, text};
