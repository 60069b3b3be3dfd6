//! Projects: what traces are sent to.
//!
//! An update takes the name and nothing else. Deleting one deletes its traces for good.

use schemars::JsonSchema;
use serde::Deserialize;

use super::list;
use crate::kind::{Detail, Endpoints, Identity, Is, Kind, Rule, Update};
use crate::model::Attribute;
use crate::systems::spec::NotNull;

/// What the traces of an application are collected in. Deleting it deletes the traces, so
/// `lifecycle.protect` is true unless the entry says otherwise.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectSpec {
    /// The name, which no other project of the space may have; the entry's key if left out.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub name: NotNull<String>,
    /// The space that it is in, by key. Cannot be changed.
    #[schemars(length(min = 1))]
    pub space_id: String,
}

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "arize",
    name: "projects",
    noun: "project",
    schema: |generator| generator.subschema_for::<ProjectSpec>(),
    identity: Identity::UniqueName,
    scope: &["space_id"],
    endpoints: Endpoints {
        list: list("/v2/projects", "projects"),
        create: "/v2/projects",
        item: "/v2/projects/{id}",
        update: Update::PATCH,
        detail: Detail::Listed,
        ..Endpoints::PLAIN
    },
    rules: &[
        Rule::new("", Is::Precious),
        Rule::new("/space_id", Is::Immutable),
        Rule::new(
            "/space_id",
            Is::Reference {
                kind: "spaces",
                attribute: Attribute::Id,
            },
        ),
    ],
    parts: &[],
    check: None,
    decode: None,
    encode: None,
};
