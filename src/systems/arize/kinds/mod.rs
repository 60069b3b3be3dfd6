//! What Arize holds: one file per kind.

pub mod ai_integrations;
pub mod annotation_configs;
pub mod integrations;
pub mod organizations;
pub mod projects;
pub mod role_bindings;
pub mod roles;
pub mod spaces;
pub mod tags;
pub mod webhooks;

use crate::kind::{List, Paging};

/// A list of everything of one kind that the key may see.
const fn list(path: &'static str, items: &'static str) -> List {
    List {
        path,
        items,
        // The API gives no more at once.
        paging: Paging::Cursor { size: 100 },
        ..List::NONE
    }
}
