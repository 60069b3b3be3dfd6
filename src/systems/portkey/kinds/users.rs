//! Users: the people of the organisation, and what they may do in all of it.
//!
//! Sources: the API's document. People come by accepting an invite, so that there is nothing to
//! create; and an entry that goes says nothing about the person, so that nobody is removed. That
//! sending the role that somebody has already is an error, and how lists of people are paged, was
//! observed by the official Terraform provider.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::spec::NotNull;
use crate::kind::{Detail, Endpoints, Identity, Is, Kind, List, Paging, Rule, Update};

/// A person of the organisation. Entries give people roles; they neither make nor remove anybody.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserSpec {
    /// The address with which the person signs in.
    #[schemars(length(min = 3))]
    pub email: String,
    /// What the person may do in the whole organisation. An owner's cannot be changed.
    #[serde(default)]
    pub role: NotNull<OrganisationRole>,
}

/// What a person may do in the whole organisation.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum OrganisationRole {
    /// Everything.
    Admin,
    /// What the workspaces allow.
    Member,
}

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "portkey",
    name: "users",
    noun: "user",
    schema: |generator| generator.subschema_for::<UserSpec>(),
    identity: Identity::Place,
    scope: &["email"],
    endpoints: Endpoints {
        list: List {
            path: "/admin/users",
            items: "data",
            paging: Paging::CamelPage { size: 100 },
            ..List::NONE
        },
        create: "",
        item: "/admin/users/{id}",
        detail: Detail::Listed,
        update: Update::PUT,
        ..Endpoints::PLAIN
    },
    rules: &[
        Rule::new(
            "",
            Is::Found {
                how: "invite the person with an entry under `invites`",
            },
        ),
        Rule::new("/email", Is::Immutable),
    ],
    parts: &[],
    check: None,
    decode: None,
    encode: None,
};

#[cfg(test)]
mod tests {
    use super::super::super::spec::testing::accepts;
    use super::*;
    use serde_json::json;

    #[test]
    fn the_schema_knows_two_roles() {
        assert!(accepts::<UserSpec>(
            &KIND,
            &json!({ "email": "a@x.example" })
        ));
        let entry = json!({ "email": "a@x.example", "role": "admin" });
        assert!(accepts::<UserSpec>(&KIND, &entry));
        for entry in [
            json!({ "role": "admin" }),
            json!({ "email": "a@x.example", "role": "owner" }),
            json!({ "email": "a@x.example", "role": null }),
        ] {
            assert!(!accepts::<UserSpec>(&KIND, &entry), "{entry}");
        }
    }
}
