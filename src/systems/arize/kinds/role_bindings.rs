//! Role bindings: which user has which role where.
//!
//! A binding has no name: a user has at most one in a space or project, and a second one is a
//! conflict. The list shows one type of resource at a time.

use schemars::JsonSchema;
use serde::Deserialize;

use super::list;
use crate::kind::{Detail, Endpoints, Identity, Is, Kind, List, Rule, Update};
use crate::model::Attribute;

/// Gives a user a role in a space or a project. There is at most one for each user and place.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleBindingSpec {
    /// The role: the key of an entry of `roles`, or the id of a predefined one.
    #[schemars(length(min = 1))]
    pub role_id: String,
    /// The id of the user, or of the bot user of a service key. Cannot be changed.
    #[schemars(length(min = 1))]
    pub user_id: String,
    /// What `resource_id` is. Cannot be changed.
    pub resource_type: ResourceType,
    /// The space or the project, by key. Cannot be changed.
    #[schemars(length(min = 1))]
    pub resource_id: String,
}

/// What a role can be given in.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ResourceType {
    /// A space.
    Space,
    /// A project.
    Project,
}

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "arize",
    name: "role_bindings",
    noun: "role binding",
    schema: |generator| generator.subschema_for::<RoleBindingSpec>(),
    identity: Identity::Place,
    scope: &["resource_type", "resource_id", "user_id"],
    endpoints: Endpoints {
        list: List {
            per_scope: true,
            scopes: &["SPACE", "PROJECT"],
            ..list("/v2/role-bindings", "role_bindings")
        },
        create: "/v2/role-bindings",
        item: "/v2/role-bindings/{id}",
        update: Update::PATCH,
        detail: Detail::Listed,
        ..Endpoints::PLAIN
    },
    rules: &[
        Rule::new(
            "/role_id",
            Is::Reference {
                kind: "roles",
                attribute: Attribute::Id,
            },
        ),
        Rule::new("/user_id", Is::Immutable),
        Rule::new("/resource_type", Is::Immutable),
        Rule::new("/resource_id", Is::Immutable),
        Rule::new(
            "/resource_id",
            Is::ReferenceBy {
                field: "resource_type",
                kinds: &[("SPACE", "spaces"), ("PROJECT", "projects")],
                attribute: Attribute::Id,
            },
        ),
    ],
    parts: &[],
    check: None,
    decode: None,
    encode: None,
};
