//! `lifecycle`: protect, ignore, adopt and moved_from.

use serde_json::json;

use crate::support::{Project, Server, text};

const PROTECTED: &str =
    "workspaces:\n  w: { name: W, lifecycle: { protect: true } }\n  other: { name: Other }\n";

#[test]
fn protect_refuses_deletion_also_after_the_entry_is_gone() {
    let (server, project) = (Server::start(), Project::of(PROTECTED));
    project.apply(&server.url());
    project.file(
        "org/all.yaml",
        "workspaces:\n  other: { name: Other changed }\n",
    );
    server.clear();
    for arguments in [
        ["apply", "--yes"],
        ["plan", "--full"],
        ["plan", "--detailed-exitcode"],
    ] {
        let run = project.at(&server.url(), arguments).run().expect(3);
        assert!(run.stderr.contains("workspaces.w"), "{run}");
        assert!(run.stderr.contains("protected"), "{run}");
        assert!(run.stderr.contains("help: "), "{run}");
    }
    let json = project
        .at(&server.url(), ["apply", "--yes", "--format", "json"])
        .run()
        .expect(3);
    assert_eq!(
        json.json()["plan"]["refusals"][0]["code"],
        "protected",
        "{json}"
    );
    assert_eq!(server.writes(), [""; 0], "a refused run wrote");
    assert_eq!(server.list("/admin/workspaces").len(), 3);

    // Also once more: the refusal does not wear off.
    project
        .at(&server.url(), ["apply", "--yes"])
        .run()
        .expect(3);

    // The way out that the help names.
    project.file(
        "org/all.yaml",
        &PROTECTED.replace("protect: true", "protect: false"),
    );
    project.apply(&server.url());
    project.file("org/all.yaml", "workspaces:\n  other: { name: Other }\n");
    project.apply(&server.url());
    assert_eq!(
        server.inventory(),
        ["/workspaces Other", "/workspaces Shared Team Workspace"]
    );
    project.assert_converged(&server, &server.url());
}

#[test]
fn protect_is_remembered_when_it_is_added_later() {
    let (server, project) = (
        Server::start(),
        Project::of(&PROTECTED.replace("protect: true", "protect: false")),
    );
    project.apply(&server.url());
    project.file("org/all.yaml", PROTECTED);
    let apply = project.apply(&server.url());
    assert_eq!(apply.changes(), [""; 0], "{apply}");
    project.file("org/all.yaml", "workspaces:\n  other: { name: Other }\n");
    project
        .at(&server.url(), ["apply", "--yes"])
        .run()
        .expect(3);
}

#[test]
fn ignored_places_stay_as_they_are() {
    let manifest = "workspaces:\n  w:\n    name: W\n    description: Declared\n    \
                    usage_limits: [{ type: cost, credit_limit: 5 }]\n    \
                    lifecycle: { ignore: [/description] }\n";
    let (server, project) = (Server::start(), Project::of(manifest));
    project.apply(&server.url());
    let path = server.workspace_path("W");
    server.put(
        &path,
        json!({ "description": "Theirs", "usage_limits": [{ "type": "cost", "credit_limit": 6 }] }),
    );
    let apply = project.apply(&server.url());
    assert_eq!(apply.changes(), ["~ workspaces.w"], "{apply}");
    assert!(!apply.stdout.contains("~ /description"), "{apply}");
    let left = "Left alone, because `lifecycle.ignore` says so: workspaces.w /description.";
    assert!(apply.stdout.contains(left), "{apply}");
    let workspace = server.get(&path);
    assert_eq!(workspace["description"], "Theirs");
    assert_eq!(workspace["usage_limits"][0]["credit_limit"], 5);
    project.assert_converged(&server, &server.url());
}

#[test]
fn ignored_places_deep_inside_stay_as_they_are_while_others_change() {
    let manifest = "workspaces:\n  w: { name: W }\nconfigs:\n  c:\n    workspace_id: w\n    name: C\n    \
                    config: { retry: { attempts: 3 }, request_timeout: 1000 }\n    \
                    lifecycle: { ignore: [/config/retry/attempts] }\n";
    let (server, project) = (Server::start(), Project::of(manifest));
    project.apply(&server.url());
    let path = format!("/configs/{}", text(&server.named("/configs", "C")["slug"]));
    server.put(
        &path,
        json!({ "config": { "retry": { "attempts": 5 }, "request_timeout": 1000 } }),
    );
    project.assert_converged(&server, &server.url());
    project.edit("request_timeout: 1000", "request_timeout: 2000");
    project.apply(&server.url());
    let config: serde_json::Value =
        serde_json::from_str(&text(&server.get(&path)["config"])).unwrap();
    assert_eq!(
        config,
        json!({ "retry": { "attempts": 5 }, "request_timeout": 2000 })
    );
    project.assert_converged(&server, &server.url());
}

#[test]
fn adopt_false_refuses_what_exists_already() {
    let manifest =
        "workspaces:\n  w: { name: W, description: Mine, lifecycle: { adopt: false } }\n";
    let (server, project) = (Server::start(), Project::of(manifest));
    let by_hand = server.make_workspace("W");
    server.clear();
    let run = project
        .at(&server.url(), ["apply", "--yes"])
        .run()
        .expect(3);
    assert!(run.stderr.contains("exists already"), "{run}");
    assert!(run.stderr.contains("org/all.yaml:2:3"), "{run}");
    assert_eq!(server.writes(), [""; 0]);
    assert_eq!(server.workspace("W"), by_hand);
    assert_eq!(project.ledger(), "", "a refused run records nothing");
    project.edit("adopt: false", "adopt: true");
    let apply = project.apply(&server.url());
    assert_eq!(apply.changes(), ["~ workspaces.w"], "{apply}");
    assert_eq!(server.workspace("W")["id"], by_hand["id"]);
    project.assert_converged(&server, &server.url());
}

#[test]
fn adopt_false_is_no_obstacle_for_what_gatewright_made() {
    let manifest = "workspaces:\n  w: { name: W, lifecycle: { adopt: false } }\n";
    let (server, project) = (Server::start(), Project::of(manifest));
    project.apply(&server.url());
    project.assert_converged(&server, &server.url());
    project.edit("name: W", "name: V");
    project.apply(&server.url());
    project.assert_converged(&server, &server.url());
}

#[test]
fn moved_from_keeps_the_live_object() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    let ids = |server: &Server| {
        [
            server.workspace("Payments")["id"].clone(),
            server.named("/policies/usage-limits", "Monthly cost")["id"].clone(),
            server.named("/configs", "Standard")["slug"].clone(),
        ]
    };
    let before = ids(&server);
    project.edit(
        "workspaces:\n  payments:\n    name",
        "workspaces:\n  pay:\n    lifecycle: { moved_from: payments }\n    name",
    );
    project.edit(
        "  monthly:\n",
        "  per-month:\n    lifecycle: { moved_from: usage_limits_policies.monthly }\n",
    );
    project.edit(
        "  standard:\n",
        "  usual:\n    lifecycle: { moved_from: standard }\n",
    );
    project.edit(
        "user_api_key_config: standard",
        "user_api_key_config: usual",
    );
    let text_now = project.read("org/all.yaml");
    let text_now = text_now
        .replace("workspace_id: payments", "workspace_id: pay")
        .replace("      payments: { enabled", "      pay: { enabled");
    project.file("org/all.yaml", &text_now);
    server.clear();
    let plan = project
        .at(&server.url(), ["plan", "--detailed-exitcode"])
        .run()
        .expect(0);
    assert_eq!(plan.changes(), [""; 0], "{plan}");
    for said in [
        "= workspaces.pay, which was workspaces.payments",
        "= configs.usual, which was configs.standard",
    ] {
        assert!(plan.stdout.contains(said), "no `{said}`\n{plan}");
    }
    project.apply(&server.url());
    assert_eq!(server.writes(), [""; 0]);
    assert_eq!(ids(&server), before);
    assert!(
        project.ledger().contains("workspaces.pay\""),
        "{}",
        project.ledger()
    );
    assert!(
        !project.ledger().contains("workspaces.payments\""),
        "{}",
        project.ledger()
    );
    project.assert_converged(&server, &server.url());
    // Once everyone has it, the note can go.
    let cleaned: Vec<String> = project
        .read("org/all.yaml")
        .lines()
        .filter(|line| !line.contains("moved_from"))
        .map(str::to_owned)
        .collect();
    project.file("org/all.yaml", &(cleaned.join("\n") + "\n"));
    project.assert_converged(&server, &server.url());
}
