//! What may be deleted: exclusive scopes, limits, and `destroy`.

use serde_json::json;

use crate::support::{Fate, Project, Proxy, Server, at_once, text};

const PROJECT: &str = "gatewright: 1\nmanifests: [\"org/**/*.yaml\"]\n";

/// A guardrail made by hand in a workspace.
fn guardrail(server: &Server, name: &str, workspace: &str) {
    let id = &server.workspace(workspace)["id"];
    server.post(
        "/guardrails",
        json!({ "name": name, "workspace_id": id, "checks": [{ "id": "default.jwt" }],
                "actions": { "deny": false, "async": false } }),
    );
}

fn guardrails(server: &Server, workspace: &str) -> Vec<String> {
    let found = server.list_in("/guardrails", &server.workspace(workspace));
    let mut names: Vec<String> = found.iter().map(|g| text(&g["name"])).collect();
    names.sort();
    names
}

#[test]
fn what_nobody_declares_in_an_exclusive_scope_goes_and_the_rest_stays() {
    let (server, project) = (Server::start(), Project::small());
    let anchor = "workspaces:\n  anchor: { name: Anchor }\n";
    project.file("org/anchor.yaml", anchor);
    project.apply(&server.url());
    server.make_workspace("Foreign");
    for workspace in ["Payments", "Anchor", "Foreign"] {
        guardrail(&server, "By hand", workspace);
    }
    project.assert_converged(&server, &server.url());

    // One workspace alone: where something is declared, and where nothing is.
    let within = "exclusive: [{ kind: guardrails, workspaces: [anchor] }]\n";
    project.file("gatewright.yaml", &format!("{PROJECT}{within}"));
    let plan = project.at(&server.url(), ["plan"]).run().expect(0);
    assert_eq!(plan.changes().len(), 1, "{plan}");
    assert!(
        plan.stdout
            .contains("because nothing declares it, and this scope is exclusive"),
        "{plan}"
    );
    assert!(plan.stdout.contains("\"By hand\""), "{plan}");
    let json = project.plan(&server.url());
    assert_eq!(json["changes"][0]["exclusive"], true, "{json:#}");
    project.apply(&server.url());
    assert_eq!(guardrails(&server, "Anchor"), [""; 0]);
    assert_eq!(guardrails(&server, "Payments"), ["By hand", "No PII"]);
    project.assert_converged(&server, &server.url());

    // Everywhere means in what is declared: a foreign workspace is somebody else's.
    project.file(
        "gatewright.yaml",
        &format!("{PROJECT}exclusive: [guardrails]\n"),
    );
    project.apply(&server.url());
    assert_eq!(guardrails(&server, "Payments"), ["No PII"]);
    assert_eq!(guardrails(&server, "Foreign"), ["By hand"]);
    assert!(!project.ledger().contains(".@"), "{}", project.ledger());
    project.assert_converged(&server, &server.url());
}

#[test]
fn what_the_server_makes_by_itself_is_left_alone_even_in_an_exclusive_scope() {
    let (server, project) = (
        Server::start(),
        Project::of("workspaces:\n  w: { name: W }\ncollections:\n  c: { workspace_id: w }\n"),
    );
    project.file(
        "gatewright.yaml",
        &format!("{PROJECT}exclusive: [collections]\n"),
    );
    project.apply(&server.url());
    let id = text(&server.workspace("W")["id"]);
    server.post(
        "/collections",
        json!({ "name": "By hand", "workspace_id": id }),
    );
    let plan = project.plan(&server.url());
    assert_eq!(plan["summary"]["delete"], 1, "{plan:#}");
    let left = plan["left_alone"].as_array().unwrap();
    let made = left
        .iter()
        .any(|left| left["because"] == "server_made" && left["kind"] == "collections");
    assert!(made, "{left:#?}");
    project.apply(&server.url());
    project.assert_converged(&server, &server.url());
}

#[test]
fn a_provider_that_came_with_access_is_the_servers_until_somebody_declares_it() {
    let manifest = "workspaces:\n  w: { name: W }\nintegrations:\n  i:\n    name: I\n    ai_provider_id: openai\n    \
                    key: ${env:OPENAI_API_KEY}\n    workspaces: { w: { enabled: true } }\n  o: { name: O, ai_provider_id: openai, key: \"${env:OPENAI_API_KEY}\" }\nproviders:\n  \
                    p: { workspace_id: w, integration_id: i }\n";
    let (server, project) = (Server::start(), Project::of(manifest));
    project.file(
        "gatewright.yaml",
        &format!("{PROJECT}exclusive: [providers]\n"),
    );
    project.apply(&server.url());
    let id = text(&server.workspace("W")["id"]);
    let grant = json!({ "id": id, "enabled": true });
    server.put(
        "/integrations/o/workspaces",
        json!({ "workspaces": [grant] }),
    );
    let plan = project.plan(&server.url());
    assert_eq!(plan["summary"]["delete"], 0, "{plan:#}");
    let left = plan["left_alone"].as_array().unwrap();
    let made = |left: &&serde_json::Value| left["kind"] == "providers";
    let made: Vec<_> = left.iter().filter(made).collect();
    assert_eq!(made.len(), 1, "{left:#?}");
    assert_eq!(made[0]["because"], "server_made");

    let providers = server.list(&format!("/providers?workspace_id={id}"));
    let theirs = |it: &&serde_json::Value| it["slug"] != "p";
    let slug = text(&providers.iter().find(theirs).unwrap()["slug"]);
    let declared =
        format!("{manifest}  {slug}: {{ workspace_id: w, integration_id: o, note: Ours }}\n");
    project.file("org/all.yaml", &declared);
    project.apply(&server.url());
    project.assert_converged(&server, &server.url());
}

#[test]
fn what_scim_the_server_and_the_organisation_keep_says_why_it_is_left() {
    let (server, project) = (
        Server::start(),
        Project::of("workspaces:\n  w: { name: W }\n"),
    );
    let exclusive = "exclusive: [workspaces, api_keys]\n";
    project.file("gatewright.yaml", &format!("{PROJECT}{exclusive}"));
    project.apply(&server.url());
    server.make_workspace("Of the directory");
    server.make_workspace("By hand");
    let key = json!({ "name": "Automatic", "scopes": ["logs.list"] });
    server.post("/api-keys/organisation/service", key);
    // What the mock does not make: a workspace of SCIM, a key of the server.
    let mut workspaces = server.get("/admin/workspaces?current_page=0&page_size=100");
    for one in workspaces["data"].as_array_mut().unwrap() {
        if one["name"] == "Of the directory" {
            one["scim_source_id"] = json!("5f9c");
        }
    }
    let mut keys = server.get("/api-keys?current_page=0&page_size=100");
    for one in keys["data"].as_array_mut().unwrap() {
        one["creation_mode"] = json!("auto");
    }
    let json = "content-type: application/json\r\n";
    let proxy = Proxy::start(&server, move |seen| match &seen.path {
        path if path.starts_with("/admin/workspaces?") => {
            Fate::answer("200 OK", json, &workspaces.to_string())
        }
        path if path.starts_with("/api-keys?") => Fate::answer("200 OK", json, &keys.to_string()),
        _ => Fate::Forward,
    });
    let run = project.at(&proxy.url(), ["plan", "--format", "json"]).run();
    let plan = run.expect(0).json()["plan"].clone();
    let doomed: Vec<&str> = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|change| change["name"].as_str())
        .collect();
    assert_eq!(doomed, ["By hand"], "{plan:#}");
    let mut left: Vec<String> = plan["left_alone"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            format!(
                "{} {} {}",
                text(&it["because"]),
                text(&it["kind"]),
                it["count"]
            )
        })
        .collect();
    left.sort();
    assert_eq!(
        left,
        [
            "kept_elsewhere workspaces 1",
            "kept_elsewhere workspaces 1",
            "server_made api_keys 1"
        ],
        "{plan:#}"
    );
    let plan = project.at(&proxy.url(), ["plan"]).run().expect(0);
    for line in [
        "Left alone, because SCIM makes and removes them: 1 workspaces.",
        "Left alone, because every organisation has one that cannot be deleted: 1 workspaces.",
        "Left alone, because the server made them by itself: 1 api_keys.",
    ] {
        assert!(plan.stdout.contains(line), "{line}: {plan}");
    }

    // An entry changes what SCIM keeps, and is forgotten without a trace.
    let all = "workspaces:\n  w: { name: W }\n  d: { name: Of the directory, lifecycle: { protect: false } }\n";
    project.file("org/all.yaml", all);
    project.file("gatewright.yaml", PROJECT);
    project.at(&proxy.url(), ["apply", "--yes"]).run().expect(0);
    project.remove_entry("workspaces", "d");
    server.clear();
    let run = project.at(&proxy.url(), ["apply", "--yes"]).run().expect(0);
    assert!(run.stdout.contains("not ours to delete"), "{run}");
    assert_eq!(server.writes(), [""; 0]);

    // An import has an entry for the one and none for the other.
    let empty = Project::new();
    let import = empty.at(&proxy.url(), ["import", "--format", "json"]);
    let imported = import.run().expect(0).json()["imported"].clone();
    let entries = imported["entries"].as_array().unwrap();
    let has = |address: &str| entries.iter().any(|it| it["address"] == address);
    assert!(has("workspaces.of-the-directory"), "{imported:#}");
    assert!(!has("api_keys.automatic"), "{imported:#}");
    let left = imported["left_out"].as_array().unwrap();
    let of_key = left.iter().find(|it| it["kind"] == "api_keys");
    assert_eq!(
        of_key.unwrap()["because"],
        "the server made them by itself",
        "{imported:#}"
    );
}

#[test]
fn a_mistake_in_the_gates_is_named() {
    for (gates, said) in [
        ("exclusive: [guardrail]", "unknown kind `guardrail`"),
        (
            "exclusive: [users]",
            "users cannot be exclusive: entries neither make nor remove them",
        ),
        (
            "exclusive: [tags]",
            "tags cannot be exclusive: the API does not list them",
        ),
        (
            "exclusive: [{ kind: integrations, workspaces: [a] }]",
            "workspaces",
        ),
        (
            "exclusive: [configs, { kind: guardrails, workspaces: [w, v] }]",
            "no workspace `v` in this repository",
        ),
        ("limits: { delete: many }", "a share such as `20%`"),
        ("limits: { delete: 120% }", "a share such as `20%`"),
        ("limits: { delete: \"1.5\" }", "a share such as `20%`"),
        (
            "limits: { delete: 99999999999999999999 }",
            "a share such as `20%`",
        ),
        (
            "limits: { kinds: { workspace: 1 } }",
            "unknown kind `workspace`",
        ),
    ] {
        let project = Project::of("workspaces:\n  w: { name: W }\n");
        project.file("gatewright.yaml", &format!("{PROJECT}{gates}\n"));
        let run = project.cli(["validate"]).run().expect(1);
        assert!(run.stderr.contains(said), "{gates}: {run}");
        assert!(run.stderr.contains("gatewright.yaml:3"), "{run}");
    }
}

#[test]
fn too_many_deletions_are_refused_until_they_are_allowed() {
    let declare = |count: usize| {
        let entry = |at: usize| format!("  w{at}: {{ name: W {at} }}\n");
        format!("workspaces:\n{}", (0..count).map(entry).collect::<String>())
    };
    let cases = [
        // What is declared first and then, the limits, and whether it is too much.
        (10, 6, "", true),
        (10, 7, "", false),
        (5, 2, "", false),
        (10, 6, "limits: { delete: 40% }\n", false),
        (10, 9, "limits: { kinds: { workspaces: 0 } }\n", true),
        (10, 9, "limits: { delete: 1 }\n", false),
        (10, 9, "limits: { delete: 0% }\n", true),
        (
            10,
            4,
            "limits: { delete: 1e1, kinds: { configs: null } }\n",
            false,
        ),
    ];
    at_once(cases, |(before, after, limits, refused)| {
        let (server, project) = (Server::start(), Project::of(&declare(before)));
        project.file("gatewright.yaml", &format!("{PROJECT}{limits}"));
        project.apply(&server.url());
        project.file("org/all.yaml", &declare(after));
        server.clear();
        if refused {
            let run = project
                .at(&server.url(), ["apply", "--yes"])
                .run()
                .expect(3);
            let gone = before - after;
            assert!(
                run.stderr
                    .contains(&format!("this deletes {gone} of {before} workspaces")),
                "{run}"
            );
            assert!(run.stderr.contains("--allow-deletes"), "{run}");
            assert_eq!(server.writes(), [""; 0]);
            project.at(&server.url(), ["plan"]).run().expect(3);
            project
                .at(&server.url(), ["plan", "--allow-deletes"])
                .run()
                .expect(0);
            project
                .at(&server.url(), ["apply", "--yes", "--allow-deletes"])
                .run()
                .expect(0);
        } else {
            project.apply(&server.url());
        }
        project.assert_converged(&server, &server.url());
    });
}

#[test]
fn what_is_ignored_and_differs_is_said() {
    let manifest = "workspaces:\n  w:\n    name: W\n    description: Declared\n    \
                    lifecycle: { ignore: [/description] }\n";
    let (server, project) = (Server::start(), Project::of(manifest));
    project.apply(&server.url());
    server.put(
        &server.workspace_path("W"),
        json!({ "description": "Theirs" }),
    );
    let plan = project.at(&server.url(), ["plan"]).run().expect(0);
    let said = "Left alone, because `lifecycle.ignore` says so: workspaces.w /description.";
    assert!(plan.stdout.contains(said), "{plan}");
}

#[test]
fn destroy_deletes_what_gatewright_made_and_nothing_else() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    server.make_workspace("By hand");
    let host = server.address().to_string();
    server.clear();
    // A yes alone is not enough, and neither is another name.
    let run = project.at(&server.url(), ["destroy"]).run().expect(3);
    assert!(
        run.stderr.contains(&format!("--yes --confirm {host}")),
        "{run}"
    );
    project
        .at(&server.url(), ["destroy", "--yes"])
        .run()
        .expect(1);
    let run = project
        .at(&server.url(), ["destroy", "--yes", "--confirm", "prod"])
        .run()
        .expect(3);
    assert!(
        run.stderr.contains("does not name what would be destroyed"),
        "{run}"
    );
    assert_eq!(server.writes(), [""; 0]);
    let run = project
        .at(&server.url(), ["destroy", "--yes", "--confirm", &host])
        .run()
        .expect(0);
    assert!(run.stdout.contains("0 updated, 8 deleted."), "{run}");
    assert!(!run.stdout.contains("no longer declared"), "{run}");
    assert_eq!(
        server.inventory(),
        ["/workspaces By hand", "/workspaces Shared Team Workspace"]
    );
    assert_eq!(project.ledger().lines().count(), 1, "{}", project.ledger());
    assert!(project.state_files(".journal").is_empty());
    // Once more there is nothing to do.
    server.clear();
    project
        .at(&server.url(), ["destroy", "--yes", "--confirm", &host])
        .run()
        .expect(0);
    assert_eq!(server.writes(), [""; 0]);
}

#[test]
fn destroy_works_without_any_manifest_and_keeps_what_is_protected() {
    let (server, project) = (
        Server::start(),
        Project::of("workspaces:\n  w: { name: W }\n  v: { name: V }\n"),
    );
    project.apply(&server.url());
    let host = server.address().to_string();
    let destroy = ["destroy", "--yes", "--confirm", &host];
    // Protection that no apply has seen yet holds as well.
    project.edit("name: V", "name: V, lifecycle: { protect: true }");
    let run = project.at(&server.url(), destroy).run().expect(3);
    assert!(
        run.stderr
            .contains("workspaces.v: this workspace is protected"),
        "{run}"
    );
    assert!(run.stderr.contains("and destroy again"), "{run}");
    project.edit(", lifecycle: { protect: true }", "");
    std::fs::remove_dir_all(project.path().join("org")).unwrap();
    let refused = project
        .at(&server.url(), ["apply", "--yes"])
        .run()
        .expect(1);
    assert!(refused.stderr.contains("matches nothing"), "{refused}");
    project.at(&server.url(), destroy).run().expect(0);
    assert_eq!(server.inventory(), ["/workspaces Shared Team Workspace"]);
}
