//! Collections: the folders of a workspace's prompts.
//!
//! Sources: the API's document for paths and fields. An update takes the name and nothing else; the
//! official Terraform provider makes a new collection where the parent changes. Every workspace has
//! a default collection that the server makes: it is not touched unless an entry has its name.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::spec::NotNull;
use super::super::wire;
use crate::kind::{Detail, Endpoints, Identity, Is, Kind, List, Paging, Rule, Update};
use crate::model::{Attribute, Map};

/// A folder for prompts. Its name is its own within the workspace and the collection that it lies
/// in.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectionSpec {
    /// The name that people see; the entry's key if left out.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    pub name: NotNull<String>,
    /// The workspace that it belongs to, by key. Only an API key of a workspace may leave it out.
    /// Cannot be changed.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub workspace_id: NotNull<String>,
    /// The collection that it lies in, by key; none if left out. Cannot be changed.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub parent_collection_id: NotNull<String>,
}

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "portkey",
    name: "collections",
    noun: "collection",
    schema: |generator| generator.subschema_for::<CollectionSpec>(),
    identity: Identity::Name,
    scope: &["workspace_id", "parent_collection_id"],
    endpoints: Endpoints {
        list: List {
            path: "/collections",
            items: "data",
            paging: Paging::CurrentPage { size: 100 },
            per_scope: true,
            ..List::NONE
        },
        create: "/collections",
        item: "/collections/{id}",
        detail: Detail::Listed,
        update: Update::PUT,
        ..Endpoints::PLAIN
    },
    rules: &[
        // Every workspace comes with one.
        Rule::new(
            "/is_default",
            Is::ServerMade {
                because: "every workspace has one from the start",
            },
        ),
        Rule::new("/workspace_id", Is::Immutable),
        Rule::new(
            "/workspace_id",
            Is::Reference {
                kind: "workspaces",
                attribute: Attribute::Id,
            },
        ),
        Rule::new("/parent_collection_id", Is::Immutable),
        Rule::new(
            "/parent_collection_id",
            Is::Reference {
                kind: "collections",
                attribute: Attribute::Id,
            },
        ),
    ],
    parts: &[],
    check: None,
    decode: Some(decode),
    encode: None,
};

fn decode(live: &mut Map) {
    // A number on the live API, as the official Terraform provider found.
    wire::read_flags(live, &["is_default"]);
    wire::drop_empty(live, &["parent_collection_id"]);
}

#[cfg(test)]
mod tests {
    use super::super::super::spec::testing::{accepts, decoded};
    use super::*;
    use serde_json::json;

    #[test]
    fn the_schema_knows_three_fields() {
        let good = [
            json!({}),
            json!({ "name": "Replies", "workspace_id": "support",
                    "parent_collection_id": "support-prompts" }),
        ];
        for entry in &good {
            assert!(accepts::<CollectionSpec>(&KIND, entry), "{entry}");
        }
        let bad = [
            json!({ "name": null }),
            json!({ "name": "" }),
            json!({ "parent_collection_id": null }),
            json!({ "is_default": true }),
        ];
        for entry in &bad {
            assert!(!accepts::<CollectionSpec>(&KIND, entry), "{entry}");
        }
    }

    #[test]
    fn a_live_collection_reads_like_its_manifest() {
        let live = json!({ "id": "u", "name": "Replies", "workspace_id": "w", "is_default": 0,
                           "parent_collection_id": null, "status": "active" });
        assert_eq!(
            decoded(&KIND, live),
            json!({ "id": "u", "name": "Replies", "workspace_id": "w", "is_default": false,
                    "status": "active" })
        );
    }
}
