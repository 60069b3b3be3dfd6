//! SCIM mappings: which group of the identity provider joins which workspace in which role.
//!
//! Sources: the API's document for paths and fields. There are neither updates nor single reads; the
//! official Terraform provider pages through the list, counting from zero, and makes a new mapping
//! for every change.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::spec::NotNull;
use super::super::wire;
use super::invites::WorkspaceRole;
use crate::kind::{Detail, Endpoints, Identity, Is, Kind, List, Paging, Problems, Rule, Update};
use crate::model::{Attribute, Map, Pointer};

/// A group of the identity provider that joins a workspace. Nothing of it can be changed: a change
/// takes it away and makes another.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScimWorkspaceMappingSpec {
    /// The workspace, by key.
    #[schemars(schema_with = "super::super::spec::reference")]
    pub workspace_id: String,
    /// What the people of the group are allowed there.
    pub role: WorkspaceRole,
    /// The group, by its id. Excludes `scim_group_name`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub scim_group_id: NotNull<String>,
    /// The group, by its name; the server expects it if it is not there yet. Excludes
    /// `scim_group_id`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub scim_group_name: NotNull<String>,
}

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "portkey",
    name: "scim_workspace_mappings",
    noun: "SCIM mapping",
    schema: |generator| generator.subschema_for::<ScimWorkspaceMappingSpec>(),
    identity: Identity::Place,
    scope: &["workspace_id", "scim_group_id", "scim_group_name"],
    endpoints: Endpoints {
        list: List {
            path: "/scim/workspaces",
            items: "mappings",
            paging: Paging::PageFromZero { size: 100 },
            ..List::NONE
        },
        create: "/scim/workspaces",
        item: "/scim/workspaces/{id}",
        detail: Detail::Listed,
        update: Update::PUT,
        ..Endpoints::PLAIN
    },
    rules: &[
        Rule::new("/workspace_id", Is::Immutable),
        Rule::new(
            "/workspace_id",
            Is::Reference {
                kind: "workspaces",
                attribute: Attribute::Id,
            },
        ),
        Rule::new("/role", Is::Immutable),
        Rule::new("/scim_group_id", Is::Immutable),
        Rule::new(
            "/scim_group_id",
            Is::Alternative {
                to: "scim_group_name",
            },
        ),
        Rule::new("/scim_group_name", Is::Immutable),
    ],
    parts: &[],
    check: Some(check),
    decode: Some(decode),
    encode: None,
};

fn check(entry: &Map, problems: &mut Problems) {
    let named = ["scim_group_id", "scim_group_name"].map(|field| wire::has(entry, field));
    match named {
        [true, true] => {
            problems.error(
                "conflicting-fields",
                &Pointer::from("/scim_group_name"),
                "`scim_group_name` and `scim_group_id` exclude each other",
            );
        }
        [false, false] => {
            problems
                .error(
                    "missing-field",
                    &Pointer::root(),
                    "a SCIM mapping needs a group",
                )
                .help("write `scim_group_name` or `scim_group_id`");
        }
        _ => {}
    }
}

fn decode(live: &mut Map) {
    wire::rename(live, "scim_group", "scim_group_name");
    wire::drop_empty(live, &["scim_group_id", "scim_group_name"]);
}

#[cfg(test)]
mod tests {
    use super::super::super::spec::testing::{accepts, decoded, problems};
    use super::*;
    use serde_json::json;

    #[test]
    fn a_mapping_has_one_group() {
        let entry = |group: serde_json::Value| {
            let mut entry = json!({ "workspace_id": "w", "role": "member" });
            entry
                .as_object_mut()
                .unwrap()
                .extend(group.as_object().unwrap().clone());
            entry
        };
        let one = entry(json!({ "scim_group_name": "engineers" }));
        assert!(accepts::<ScimWorkspaceMappingSpec>(&KIND, &one));
        assert_eq!(problems(&KIND, one), Vec::<String>::new());
        let both = entry(json!({ "scim_group_name": "a", "scim_group_id": "b" }));
        assert_eq!(problems(&KIND, both).len(), 1);
        assert_eq!(problems(&KIND, entry(json!({}))).len(), 1);
        assert!(!accepts::<ScimWorkspaceMappingSpec>(
            &KIND,
            &json!({ "workspace_id": "w", "role": "owner", "scim_group_name": "a" })
        ));
    }

    #[test]
    fn a_live_mapping_names_its_group_as_requests_do() {
        let live = json!({ "id": "m", "workspace_id": "w", "scim_group": "engineers",
                           "scim_group_id": "g", "role": "member" });
        assert_eq!(
            decoded(&KIND, live),
            json!({ "id": "m", "workspace_id": "w", "scim_group_name": "engineers",
                    "scim_group_id": "g", "role": "member" })
        );
    }
}
