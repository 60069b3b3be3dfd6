//! Users, invites, members of workspaces and SCIM mappings.

use serde_json::{Value, json};

use crate::support::{Project, Server, text};

const MANIFEST: &str = "users:
  mary: { email: member@example.com, role: member }
  adam: { email: admin@example.com }
workspaces:
  w:
    name: W
    users:
      mary: { role: manager }
invites:
  new:
    email: new@example.com
    role: member
    workspaces: [{ id: w, role: member }]
    workspace_api_key_details: { scopes: [logs.list] }
scim_workspace_mappings:
  engineers: { workspace_id: w, role: member, scim_group_name: engineers }
";

fn members(server: &Server) -> Vec<(String, String)> {
    let path = format!("{}/users", server.workspace_path("W"));
    let members = server.list(&path);
    let mut all: Vec<_> = members
        .iter()
        .map(|member| (text(&member["email"]), text(&member["role"])))
        .filter(|(email, _)| email != "owner@example.com")
        .collect();
    all.sort();
    all
}

fn invites(server: &Server) -> Vec<Value> {
    let all = server.get("/admin/users/invites?pageSize=100");
    all["data"].as_array().cloned().unwrap_or_default()
}

#[test]
fn people_get_roles_and_places_and_nobody_is_removed() {
    let (server, project) = (Server::start(), Project::of(MANIFEST));
    let url = server.url();
    project.apply(&url);
    project.assert_converged(&server, &url);
    assert_eq!(
        members(&server),
        [("member@example.com".into(), "ws-manager".into())]
    );

    // A role changes, somebody joins, somebody leaves: by one request each.
    project.edit("role: member }\n  adam", "role: admin }\n  adam");
    project.edit("mary: { role: manager }", "adam: { role: admin }");
    project.apply(&url);
    assert_eq!(
        members(&server),
        [("admin@example.com".into(), "ws-admin".into())]
    );
    let users = server.get("/admin/users?email=member@example.com");
    assert_eq!(users["data"][0]["role"], "admin");
    project.assert_converged(&server, &url);

    // An entry that goes takes nobody away.
    project.remove_entry("users", "mary");
    server.clear();
    let run = project.apply(&url);
    assert_eq!(server.writes(), [""; 0], "{run}");
    project.assert_converged(&server, &url);
}

#[test]
fn nobody_is_made_by_an_entry() {
    let server = Server::start();
    let project = Project::of("users:\n  x: { email: nobody@example.com, role: member }\n");
    let run = project.at(&server.url(), ["plan"]).run().expect(3);
    assert!(run.stderr.contains("there is no such user"), "{run}");
    assert!(run.stderr.contains("under `invites`"), "{run}");
}

#[test]
fn an_invite_is_sent_once_and_again_where_it_changes_or_is_gone() {
    let (server, project) = (Server::start(), Project::of(MANIFEST));
    let url = server.url();
    let run = project.apply(&url);
    assert!(!run.output().contains("invite_link"), "{run}");
    let first = invites(&server);
    assert_eq!(first.len(), 1, "{first:?}");
    project.assert_converged(&server, &url);
    // There are no updates: a change withdraws it and sends another.
    project.edit("scopes: [logs.list]", "scopes: [logs.view]");
    project.apply(&url);
    let second = invites(&server);
    let pending: Vec<_> = second.iter().filter(|i| i["status"] == "pending").collect();
    assert_eq!(pending.len(), 1, "{second:?}");
    assert_ne!(pending[0]["id"], first[0]["id"]);
    project.assert_converged(&server, &url);
    // Withdrawn by somebody else: it is sent again.
    server.delete(&format!("/admin/users/invites/{}", text(&pending[0]["id"])));
    project.apply(&url);
    project.assert_converged(&server, &url);
}

#[test]
fn an_accepted_invite_has_done_what_it_was_for() {
    let server = Server::start();
    let accepted = json!({ "object": "list", "total": 2, "data": [
        { "object": "invite", "id": "old", "email": "new@example.com", "role": "admin",
          "status": "expired" },
        { "object": "invite", "id": "a", "email": "new@example.com", "role": "admin",
          "status": "accepted", "accepted_at": "2026-01-01T00:00:00Z" },
    ] })
    .to_string();
    let proxy = crate::support::Proxy::start(&server, move |request| {
        if request.path.starts_with("/admin/users/invites") {
            crate::support::Fate::answer("200 OK", "content-type: application/json\r\n", &accepted)
        } else {
            crate::support::Fate::Forward
        }
    });
    let project = Project::of("invites:\n  new: { email: new@example.com, role: member }\n");
    project.apply(&proxy.url());
    server.clear();
    let run = project
        .at(&proxy.url(), ["plan", "--detailed-exitcode"])
        .run();
    assert_eq!(run.code, 0, "{run}");
    // Its entry may go.
    project.file("org/all.yaml", "workspaces:\n  w: { name: W }\n");
    let run = project.apply(&proxy.url());
    assert_eq!(server.writes(), ["POST /v1/admin/workspaces 200"], "{run}");
}

#[test]
fn mappings_are_found_by_their_groups_and_made_anew() {
    // Of an invite, what it promises cannot be read back: without a ledger it cannot be adopted.
    let promises = "    workspaces: [{ id: w, role: member }]\n    workspace_api_key_details: { scopes: [logs.list] }\n";
    let manifest = MANIFEST.replace(promises, "");
    let (server, project) = (Server::start(), Project::of(&manifest));
    let url = server.url();
    project.apply(&url);
    project.forget();
    project.apply(&url);
    project.assert_converged(&server, &url);
    project.edit(
        "role: member, scim_group_name: engineers",
        "role: admin, scim_group_name: engineers",
    );
    project.apply(&url);
    let all = server.get("/scim/workspaces")["mappings"].clone();
    assert_eq!(
        (all.as_array().map(Vec::len), &all[0]["role"]),
        (Some(1), &json!("admin"))
    );
    project.assert_converged(&server, &url);
    project.remove_entry("scim_workspace_mappings", "engineers");
    project.apply(&url);
    assert_eq!(server.get("/scim/workspaces")["total_count"], 0);
}

#[test]
fn invites_that_nobody_declares_are_withdrawn_where_they_are_exclusive() {
    let (server, project) = (Server::start(), Project::of(MANIFEST));
    let url = server.url();
    project.apply(&url);
    let by_hand = json!({ "email": "other@example.com", "role": "member", "workspaces": [] });
    server.post("/admin/users/invites", by_hand);
    project.assert_converged(&server, &url);
    let exclusive = "gatewright: 1\nmanifests: [\"org/**/*.yaml\"]\nexclusive: [invites]\n";
    project.file("gatewright.yaml", exclusive);
    project.apply(&url);
    let left = invites(&server).into_iter();
    let left = left.filter(|it| it["status"] == "pending");
    let left: Vec<String> = left.map(|it| text(&it["email"])).collect();
    assert_eq!(left, ["new@example.com"]);
    project.assert_converged(&server, &url);
}
