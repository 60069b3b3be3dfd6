//! Collections: how much is in one, and which collections it holds.

use crate::engine::find;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Hook;
use crate::description::Description;
use crate::store::State;
use crate::store::record::{Link, Record};

#[derive(Debug)]
pub(crate) struct Collection;

impl Hook for Collection {
    fn present(
        &self,
        _description: &'static Description,
        state: &State,
        fields: &mut Map<String, Value>,
    ) {
        let id = fields.get("id").and_then(Value::as_str).unwrap_or_default();
        let inside = inside(state, id);
        let children: Vec<Value> = inside
            .children
            .iter()
            .map(|child| {
                json!({
                    "id": &*child.id,
                    "name": child.get("name"),
                    "last_updated_at": child.get("last_updated_at"),
                    "collection_details": self::inside(state, &child.id).details(),
                })
            })
            .collect();
        fields.insert("collection_details".to_owned(), inside.details());
        fields.insert("child_collections".to_owned(), Value::Array(children));
    }
}

/// What a collection holds.
struct Inside {
    children: Vec<Arc<Record>>,
    prompts: Vec<Arc<Record>>,
}

fn inside(state: &State, id: &str) -> Inside {
    let held = |kind: &str, field: &str| {
        let link = Link {
            field: Arc::from(field),
            target: Arc::from(id),
        };
        find::linked(state, kind, &link)
    };
    Inside {
        children: held("collection", "parent_collection_id"),
        prompts: held("prompt", "collection_id"),
    }
}

impl Inside {
    fn details(&self) -> Value {
        let latest = |records: &[Arc<Record>]| {
            let times = records
                .iter()
                .filter_map(|held| held.text("last_updated_at"));
            times.max().map(str::to_owned)
        };
        json!({
            "child_collections_count": self.children.len(),
            "prompts_count": self.prompts.len(),
            "child_collections_last_updated_at": latest(&self.children),
            "prompts_last_updated_at": latest(&self.prompts),
        })
    }
}
