//! Invites: who is asked to join the organisation.
//!
//! Sources: the API's document for paths, fields and states. That there are no updates, that the
//! workspaces may be missing from what is read and that the scopes always are was observed by the
//! official Terraform provider. An invite that was accepted has done what it was for: it is not sent
//! again, whatever becomes of the person's role. One that was cancelled or has expired is as good as
//! none.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::spec::NotNull;
use super::super::wire;
use super::users::OrganisationRole;
use crate::kind::{Detail, Endpoints, Identity, Is, Kind, List, Paging, Rule, Update};
use crate::model::{Attribute, Map};

/// An invitation to join the organisation. Once it is accepted the entry says nothing more; it may
/// stay or go.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteSpec {
    /// Who is invited. Another address is another invitation.
    #[schemars(length(min = 3))]
    pub email: String,
    /// What the person will be allowed in the whole organisation. A change sends a new invitation.
    pub role: OrganisationRole,
    /// The workspaces that the person joins. A change sends a new invitation.
    #[serde(default)]
    pub workspaces: NotNull<Vec<InviteWorkspace>>,
    /// The API key that the person gets in those workspaces. A change sends a new invitation.
    #[serde(default)]
    pub workspace_api_key_details: NotNull<InviteKey>,
}

/// A workspace that an invited person joins.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteWorkspace {
    /// The workspace, by key.
    #[schemars(schema_with = "super::super::spec::reference")]
    pub id: String,
    /// What the person will be allowed there.
    pub role: WorkspaceRole,
}

/// What a person may do in a workspace.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum WorkspaceRole {
    /// Everything, people included.
    Admin,
    /// Everything but who is in it.
    Manager,
    /// Use it.
    Member,
}

/// The API key that an invited person gets.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteKey {
    /// What it may do.
    #[schemars(length(min = 1))]
    pub scopes: Vec<String>,
}

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "portkey",
    name: "invites",
    noun: "invite",
    schema: |generator| generator.subschema_for::<InviteSpec>(),
    identity: Identity::Place,
    scope: &["email"],
    endpoints: Endpoints {
        list: List {
            path: "/admin/users/invites",
            items: "data",
            paging: Paging::CamelPage { size: 100 },
            ..List::NONE
        },
        create: "/admin/users/invites",
        item: "/admin/users/invites/{id}",
        detail: Detail::Listed,
        update: Update::PUT,
        ..Endpoints::PLAIN
    },
    rules: &[
        Rule::new(
            "/status",
            Is::Status {
                over: &["cancelled", "expired"],
                done: &["accepted"],
            },
        ),
        Rule::new("/email", Is::Immutable),
        Rule::new("/role", Is::Immutable),
        Rule::new("/workspaces", Is::Immutable),
        Rule::new("/workspaces", Is::WriteOnly),
        Rule::new(
            "/workspaces/*/id",
            Is::Reference {
                kind: "workspaces",
                attribute: Attribute::Id,
            },
        ),
        Rule::new("/workspace_api_key_details", Is::Immutable),
        Rule::new("/workspace_api_key_details", Is::WriteOnly),
    ],
    parts: &[],
    check: None,
    decode: Some(decode),
    encode: None,
};

fn decode(live: &mut Map) {
    // Where they are shown, they are not always shown in full: what was written decides.
    live.shift_remove("workspaces");
    wire::drop_empty(live, &["accepted_at"]);
}

#[cfg(test)]
mod tests {
    use super::super::super::spec::testing::accepts;
    use super::*;
    use serde_json::json;

    #[test]
    fn the_schema_wants_an_address_and_a_role() {
        let good = [
            json!({ "email": "a@x.example", "role": "member" }),
            json!({ "email": "a@x.example", "role": "admin",
                    "workspaces": [{ "id": "payments", "role": "manager" }],
                    "workspace_api_key_details": { "scopes": ["logs.list"] } }),
        ];
        for entry in &good {
            assert!(accepts::<InviteSpec>(&KIND, entry), "{entry}");
        }
        let bad = [
            json!({ "email": "a@x.example" }),
            json!({ "email": "a@x.example", "role": "manager" }),
            json!({ "email": "a@x.example", "role": "member", "workspaces": ["payments"] }),
            json!({ "email": "a@x.example", "role": "member", "status": "pending" }),
        ];
        for entry in &bad {
            assert!(!accepts::<InviteSpec>(&KIND, entry), "{entry}");
        }
    }
}
