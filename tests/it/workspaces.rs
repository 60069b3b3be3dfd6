//! Workspaces: defaults that name what lives inside, and deletion with everything inside.

use serde_json::json;

use crate::support::{Project, Server, text};

#[test]
fn defaults_that_name_what_lives_in_the_workspace_take_one_apply() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    let workspace = server.get(&server.workspace_path("Payments"));
    let guardrail = server.list_in("/guardrails", &workspace);
    let config = server.named("/configs", "Standard");
    assert_eq!(
        workspace["defaults"]["input_guardrails"],
        json!([guardrail[0]["slug"]])
    );
    assert_eq!(workspace["defaults"]["user_api_key_config"], config["slug"]);
    assert_eq!(workspace["defaults"]["metadata"], json!({ "team": "pay" }));
    project.assert_converged(&server, &server.url());
}

#[test]
fn defaults_that_are_added_later_together_with_what_they_name_take_one_apply() {
    let (server, project) = (
        Server::start(),
        Project::of("workspaces:\n  payments: { name: Payments }\n"),
    );
    project.apply(&server.url());
    let id = server.workspace("Payments")["id"].clone();
    let all = Project::small().read("org/all.yaml");
    project.file("org/all.yaml", &all);
    project.apply(&server.url());
    assert_eq!(server.workspace("Payments")["id"], id);
    let workspace = server.get(&server.workspace_path("Payments"));
    assert_eq!(
        workspace["defaults"]["user_api_key_config"],
        server.named("/configs", "Standard")["slug"]
    );
    project.assert_converged(&server, &server.url());
}

#[test]
fn a_default_that_is_replaced_goes_between_the_new_and_the_old_one() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    project.edit("  standard:\n", "  better:\n");
    project.edit("name: Standard", "name: Better");
    project.edit(
        "user_api_key_config: standard",
        "user_api_key_config: better",
    );
    let apply = project.apply(&server.url());
    assert_eq!(
        apply.changes(),
        [
            "~ workspaces.payments",
            "+ configs.better",
            "- configs.standard"
        ],
        "{apply}"
    );
    let workspace = server.get(&server.workspace_path("Payments"));
    assert_eq!(
        workspace["defaults"]["user_api_key_config"],
        server.named("/configs", "Better")["slug"]
    );
    project.assert_converged(&server, &server.url());
}

#[test]
fn a_default_that_is_cleared_or_moved_goes_before_what_it_named() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    // The config is removed in the same run in which nothing names it any more.
    project.edit(
        "      user_api_key_config: standard\n",
        "      user_api_key_config: null\n",
    );
    project.remove_entry("configs", "standard");
    let apply = project.apply(&server.url());
    assert_eq!(
        apply.changes(),
        ["~ workspaces.payments", "- configs.standard"],
        "{apply}"
    );
    assert!(server.list("/configs").is_empty());
    project.assert_converged(&server, &server.url());
}

#[test]
fn a_workspace_goes_with_everything_inside_in_one_apply() {
    let (server, project) = (Server::start(), Project::small());
    project.file("org/kept.yaml", "workspaces:\n  kept: { name: Kept }\n");
    project.apply(&server.url());
    std::fs::remove_file(project.path().join("org/all.yaml")).unwrap();
    server.clear();
    let apply = project.apply(&server.url());
    assert!(
        apply.stdout.contains("0 created, 0 updated, 8 deleted."),
        "{apply}"
    );
    let writes = server.writes();
    assert!(
        writes.iter().all(|write| write.ends_with(" 200")),
        "in the wrong order: {writes:#?}"
    );
    assert_eq!(
        server.inventory(),
        ["/workspaces Kept", "/workspaces Shared Team Workspace"]
    );
    project.assert_converged(&server, &server.url());
}

#[test]
fn a_workspace_with_something_foreign_inside_stays_and_says_why() {
    let (server, project) = (Server::start(), Project::small());
    project.file("org/kept.yaml", "workspaces:\n  kept: { name: Kept }\n");
    project.apply(&server.url());
    let workspace = server.workspace("Payments");
    let by_hand = json!({ "name": "By hand", "workspace_id": workspace["id"], "config": { "retry": { "attempts": 2 } } });
    server.post("/configs", by_hand);
    let before = server.named("/configs", "By hand");

    std::fs::remove_file(project.path().join("org/all.yaml")).unwrap();
    server.clear();
    let apply = project
        .at(&server.url(), ["apply", "--yes"])
        .run()
        .expect(5);
    assert!(apply.stderr.contains("workspaces.payments"), "{apply}");
    assert!(apply.stderr.contains("409"), "{apply}");
    assert!(
        apply.stderr.contains("it still has something inside"),
        "{apply}"
    );
    assert_eq!(server.named("/configs", "By hand"), before);
    assert_eq!(
        server.inventory(),
        [
            "/configs By hand",
            "/workspaces Kept",
            "/workspaces Payments",
            "/workspaces Shared Team Workspace"
        ]
    );
    let forced = server
        .writes()
        .into_iter()
        .filter(|write| write.contains(&text(&before["slug"])));
    assert_eq!(forced.count(), 0);

    // With only the workspace left to do, nothing is done: an error and not a part.
    let again = project
        .at(&server.url(), ["apply", "--yes"])
        .run()
        .expect(1);
    assert!(again.stderr.contains("409"), "{again}");
    server.delete(&format!("/configs/{}", text(&before["slug"])));
    project.apply(&server.url());
    assert_eq!(
        server.inventory(),
        ["/workspaces Kept", "/workspaces Shared Team Workspace"]
    );
    project.assert_converged(&server, &server.url());
}

#[test]
fn defaults_from_another_workspace_are_pointed_out() {
    let project = Project::of(
        "workspaces:
  a: { defaults: { input_guardrails: [g] } }
  b: {}
guardrails:
  g: { workspace_id: b, checks: [{ id: portkey.gibberish }], actions: { deny: true, async: false } }
",
    );
    let run = project.cli(["validate"]).run().expect(0);
    for said in [
        "warning[out-of-reach]: `guardrails.g` lives in workspaces.b, and this workspace in workspaces.a",
        "org/all.yaml:2:39",
    ] {
        assert!(run.stderr.contains(said), "{said}: {run}");
    }
}
