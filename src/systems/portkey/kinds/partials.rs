//! Partials: pieces of text that prompts include, in numbered versions of which one is published.
//!
//! Sources: the API's document for paths and fields. That the workspace can be asked for in the list
//! and is not shown by reads, that a change of the text makes a version which is not published by
//! itself, and that updates describe it as creations do was observed by the official Terraform
//! provider. The list has summaries.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::spec::NotNull;
use super::super::wire;
use crate::kind::{
    Detail, Endpoints, Identity, Is, Kind, List, Operation, Paging, Rule, Update, Versions,
};
use crate::model::{Attribute, Map};

/// A piece of text that prompts include. A change of its text makes a new version and publishes it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartialSpec {
    /// The name that people see; the entry's key if left out.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    pub name: NotNull<String>,
    /// The workspace that it belongs to, by key. Only an API key of a workspace may leave it out.
    /// Cannot be changed.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub workspace_id: NotNull<String>,
    /// The text.
    pub string: String,
    /// What is said of the published version.
    pub version_description: Option<String>,
}

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "portkey",
    name: "partials",
    noun: "partial",
    schema: |generator| generator.subschema_for::<PartialSpec>(),
    identity: Identity::Name,
    scope: &["workspace_id"],
    endpoints: Endpoints {
        list: List {
            path: "/prompts/partials",
            items: "data",
            paging: Paging::Whole,
            per_scope: true,
            ..List::NONE
        },
        create: "/prompts/partials",
        item: "/prompts/partials/{slug}",
        detail: Detail::Read,
        update: Update::PUT,
        ..Endpoints::PLAIN
    },
    rules: &[
        Rule::new(
            "",
            Is::Versioned(Versions {
                content: &["string", "version_description"],
                list: "/prompts/partials/{slug}/versions",
                ids: &["prompt_partial_version_id"],
                number: "version",
                publish: "/prompts/partials/{slug}/makeDefault",
                label: None,
            }),
        ),
        Rule::new("/workspace_id", Is::Immutable),
        Rule::new(
            "/workspace_id",
            Is::Reference {
                kind: "workspaces",
                attribute: Attribute::Id,
            },
        ),
    ],
    parts: &[],
    check: None,
    decode: Some(decode),
    encode: Some(encode),
};

fn decode(live: &mut Map) {
    wire::drop_empty(live, &["version_description", "workspace_id"]);
}

fn encode(body: &mut Map, operation: Operation) {
    wire::clear_as_text(body, operation, &["version_description"]);
}

#[cfg(test)]
mod tests {
    use super::super::super::spec::testing::{accepts, decoded, encoded};
    use super::*;
    use serde_json::json;

    #[test]
    fn the_schema_wants_a_text() {
        let good = [
            json!({ "string": "Be kind." }),
            json!({ "name": "Tone", "workspace_id": "w", "string": "", "version_description": null }),
        ];
        for entry in &good {
            assert!(accepts::<PartialSpec>(&KIND, entry), "{entry}");
        }
        for entry in [
            json!({}),
            json!({ "string": null }),
            json!({ "string": "x", "collection_id": "c" }),
        ] {
            assert!(!accepts::<PartialSpec>(&KIND, &entry), "{entry}");
        }
    }

    #[test]
    fn descriptions_are_empty_texts_where_there_are_none() {
        let live = json!({ "slug": "pp-1", "string": "x", "version_description": "" });
        assert_eq!(
            decoded(&KIND, live),
            json!({ "slug": "pp-1", "string": "x" })
        );
        let body = json!({ "string": "x", "version_description": null });
        assert_eq!(
            encoded(&KIND, body, Operation::Update),
            json!({ "string": "x", "version_description": "" })
        );
    }
}
