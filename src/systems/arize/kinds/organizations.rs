//! Organizations: what spaces live in.
//!
//! Deleting one deletes its spaces and everything in them, its integrations and its keys.

use schemars::JsonSchema;
use serde::Deserialize;

use super::list;
use crate::kind::{Detail, Endpoints, Identity, Is, Kind, Rule, Update};
use crate::systems::spec::NotNull;

/// A part of the account that has spaces, members and webhooks of its own. Deleting it deletes all
/// of them, so `lifecycle.protect` is true unless the entry says otherwise.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganizationSpec {
    /// The name, which no other organization may have; the entry's key if left out.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    pub name: NotNull<String>,
    /// What it is for.
    #[schemars(length(max = 1000))]
    pub description: Option<String>,
}

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "arize",
    name: "organizations",
    noun: "organization",
    schema: |generator| generator.subschema_for::<OrganizationSpec>(),
    identity: Identity::UniqueName,
    scope: &[],
    endpoints: Endpoints {
        list: list("/v2/organizations", "organizations"),
        create: "/v2/organizations",
        item: "/v2/organizations/{id}",
        update: Update::PATCH,
        detail: Detail::Listed,
        ..Endpoints::PLAIN
    },
    rules: &[Rule::new("", Is::Precious)],
    parts: &[],
    check: None,
    decode: None,
    encode: None,
};
