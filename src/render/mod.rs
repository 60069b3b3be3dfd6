//! Turning plans into text. Renderers know the plan and nothing else.

mod human;
mod text;

pub use human::{Detail, drift, plan};
pub use text::value;
