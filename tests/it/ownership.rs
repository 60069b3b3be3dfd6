//! What is gatewright's own, and what is not.

use serde_json::json;

use crate::support::{OPENAI_KEY, Project, Server, text};

/// Objects of every kind made by hand, in a workspace of their own and in the declared one.
fn make_by_hand(server: &Server) {
    let own = server.make_workspace("By hand");
    let payments = server.workspace("Payments");
    server.post(
        "/integrations",
        json!({ "name": "By hand", "slug": "by-hand", "ai_provider_id": "openai", "key": "k" }),
    );
    server.post(
        "/secret-references",
        json!({ "name": "By hand", "slug": "by-hand", "manager_type": "aws_sm", "secret_path": "p",
                "auth_config": { "aws_auth_type": "serviceRole", "aws_region": "us-east-1" }, "allow_all_workspaces": true }),
    );
    for (at, workspace) in [own, payments].iter().enumerate() {
        let id = &workspace["id"];
        let grant = json!({ "workspaces": [{ "id": id, "enabled": true }] });
        server.put("/integrations/by-hand/workspaces", grant);
        server.post(
            "/providers",
            json!({ "name": "By hand", "slug": format!("by-hand-{at}"),
            "workspace_id": id, "integration_id": "by-hand" }),
        );
        server.post(
            "/guardrails",
            json!({ "name": "By hand", "workspace_id": id,
            "checks": [{ "id": "default.jwt" }], "actions": { "deny": false, "async": false } }),
        );
        server.post(
            "/configs",
            json!({ "name": "By hand", "workspace_id": id, "config": {} }),
        );
        let policy = json!({ "name": "By hand", "workspace_id": id, "type": "requests",
            "conditions": [{ "key": "api_key", "value": "*" }], "group_by": [{ "key": "api_key" }] });
        let with = |more: serde_json::Value| {
            let mut policy = policy.clone();
            policy
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            policy
        };
        server.post("/policies/usage-limits", with(json!({ "credit_limit": 5 })));
        server.post(
            "/policies/rate-limits",
            with(json!({ "unit": "rpm", "value": 5 })),
        );
    }
}

#[test]
fn objects_made_by_hand_survive_every_apply() {
    let (server, project) = (Server::start(), Project::small());
    project.file(
        "org/anchor.yaml",
        "workspaces:\n  anchor: { name: Anchor }\n",
    );
    project.apply(&server.url());
    make_by_hand(&server);
    let by_hand = |server: &Server| {
        let mut all = server.inventory();
        all.retain(|item| item.contains("By hand"));
        all
    };
    let before = by_hand(&server);
    assert_eq!(before.len(), 15, "{before:#?}");
    project.assert_converged(&server, &server.url());

    // A change, a removal, a lost ledger: none of it is a reason to touch them.
    project.edit("description: Checkout", "description: Changed");
    project.apply(&server.url());
    assert_eq!(by_hand(&server), before);
    project.remove_entry("rate_limits_policies", "per-minute");
    project.remove_entry("usage_limits_policies", "monthly");
    project.apply(&server.url());
    assert_eq!(by_hand(&server), before);
    project.forget();
    project.apply(&server.url());
    assert_eq!(by_hand(&server), before);
    project.assert_converged(&server, &server.url());
    let plan = project.at(&server.url(), ["plan"]).run().expect(0);
    assert!(
        plan.stdout
            .contains("Left alone, neither created nor adopted by gatewright:"),
        "{plan}"
    );
}

#[test]
fn removing_an_entry_deletes_exactly_that_object() {
    // What nothing else needs, so that each can go by itself.
    for (kind, key, gone, path) in [
        (
            "rate_limits_policies",
            "per-minute",
            "/policies/rate-limits Requests a minute",
            "/policies/rate-limits/",
        ),
        (
            "usage_limits_policies",
            "monthly",
            "/policies/usage-limits Monthly cost",
            "/policies/usage-limits/",
        ),
        (
            "secret_references",
            "vault",
            "/secret-references Vault",
            "/secret-references/",
        ),
    ] {
        let (server, project) = (Server::start(), Project::small());
        project.apply(&server.url());
        let mut expected = server.inventory();
        expected.retain(|item| item != gone);
        project.remove_entry(kind, key);
        server.clear();
        let plan = project.at(&server.url(), ["plan"]).run().expect(0);
        assert_eq!(plan.changes(), [format!("- {kind}.{key}")], "{plan}");
        assert_eq!(server.writes(), [""; 0]);
        let apply = project.apply(&server.url());
        assert!(
            apply.stdout.contains("0 created, 0 updated, 1 deleted."),
            "{apply}"
        );
        let writes = server.writes();
        assert_eq!(writes.len(), 1, "{writes:?}");
        assert!(
            writes[0].starts_with(&format!("DELETE /v1{path}")),
            "{writes:?}"
        );
        assert_eq!(server.inventory(), expected);
        assert!(!project.ledger().contains(&format!("{kind}.{key}")));
        project.assert_converged(&server, &server.url());
    }
}

#[test]
fn removing_a_member_of_a_part_takes_that_away_and_leaves_foreign_members() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    let foreign = server.make_workspace("Foreign");
    let grant = json!({ "workspaces": [{ "id": foreign["id"], "enabled": true }] });
    server.put("/integrations/openai-prod/workspaces", grant);
    project.assert_converged(&server, &server.url());

    // The provider needs the grant, so it goes first.
    project.remove_entry("configs", "standard");
    project.remove_entry("providers", "openai-payments");
    project.edit(
        "      user_api_key_config: standard\n",
        "      user_api_key_config: null\n",
    );
    let text_now = project.read("org/all.yaml");
    let start = text_now
        .find("    workspaces:\n      payments: { enabled")
        .unwrap();
    let end = start + text_now[start..].find("monthly }] }\n").unwrap() + "monthly }] }\n".len();
    project.file(
        "org/all.yaml",
        // An empty map takes away what was granted; a field that is left out would not be managed.
        &format!(
            "{}    workspaces: {{}}\n{}",
            &text_now[..start],
            &text_now[end..]
        ),
    );
    project.apply(&server.url());
    let grants = server.get("/integrations/openai-prod/workspaces");
    let enabled: Vec<String> = grants["workspaces"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|grant| grant["enabled"] != false)
        .map(|grant| text(&grant["id"]))
        .collect();
    assert_eq!(enabled, [text(&foreign["slug"])], "{grants:#}");
    project.assert_converged(&server, &server.url());
}

#[test]
fn a_lost_ledger_means_adoption_and_no_duplicates() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    let before = server.inventory();
    let ledger = project.ledger();
    project.forget();
    server.clear();
    let plan = project
        .at(&server.url(), ["plan", "--detailed-exitcode"])
        .run()
        .expect(0);
    assert!(
        plan.stdout.contains("Adopting: 8 objects exist already"),
        "{plan}"
    );
    let apply = project.apply(&server.url());
    assert!(apply.stdout.contains("Nothing to apply."), "{apply}");
    assert_eq!(server.writes(), [""; 0], "adoption wrote to the server");
    assert_eq!(server.inventory(), before);
    let addresses = |text: &str| {
        let lines = text.lines().skip(1);
        let found = lines.map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["address"].clone()
        });
        found.collect::<Vec<_>>()
    };
    assert_eq!(addresses(&project.ledger()), addresses(&ledger));
    // What was adopted is owned: its removal deletes it.
    project.remove_entry("rate_limits_policies", "per-minute");
    project.apply(&server.url());
    assert!(server.list("/policies/rate-limits").is_empty());
    project.assert_converged(&server, &server.url());
}

#[test]
fn a_plan_of_adoption_alone_owns_nothing() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    project.forget();
    project.at(&server.url(), ["plan"]).run().expect(0);
    project.at(&server.url(), ["drift"]).run().expect(0);
    assert!(
        project.state_files("").is_empty(),
        "a reading command wrote into the repository"
    );
}

#[test]
fn two_live_objects_of_one_name_are_an_error_that_lists_them() {
    let (server, project) = (
        Server::start(),
        Project::of("workspaces:\n  twin: { name: Twin }\n"),
    );
    for _ in 0..2 {
        server.post("/admin/workspaces", json!({ "name": "Twin" }));
    }
    server.clear();
    let twins: Vec<_> = server
        .list("/admin/workspaces")
        .into_iter()
        .filter(|w| w["name"] == "Twin")
        .collect();
    for command in ["plan", "apply", "drift"] {
        let run = project.at(&server.url(), [command]).run().expect(1);
        assert!(
            run.stderr.contains("2 live objects are called `Twin`"),
            "{run}"
        );
        assert!(run.stderr.contains("org/all.yaml:2:3"), "{run}");
        for twin in &twins {
            assert!(
                run.stderr.contains(&text(&twin["id"]))
                    || run.stderr.contains(&text(&twin["slug"])),
                "{run}"
            );
        }
    }
    assert_eq!(server.writes(), [""; 0]);
}

#[test]
fn the_recorded_id_decides_and_not_the_name() {
    let (server, project) = (
        Server::start(),
        Project::of("workspaces:\n  a: { name: A }\n"),
    );
    project.apply(&server.url());
    let id = server.workspace("A")["id"].clone();
    // Renamed behind its back, and another one took the name.
    server.put(&server.workspace_path("A"), json!({ "name": "Moved" }));
    server.make_workspace("A");
    let plan = project.at(&server.url(), ["plan"]).run().expect(0);
    assert_eq!(plan.changes(), ["~ workspaces.a"], "{plan}");
    assert!(plan.stdout.contains("~ /name: \"Moved\" → \"A\""), "{plan}");
    project.apply(&server.url());
    let named: Vec<_> = server
        .list("/admin/workspaces")
        .into_iter()
        .filter(|w| w["name"] == "A")
        .collect();
    assert_eq!(named.len(), 2);
    assert!(named.iter().any(|workspace| workspace["id"] == id));
    project.assert_converged(&server, &server.url());
}

#[test]
fn the_ledger_has_ids_and_fingerprints_and_belongs_to_one_server() {
    let (server, project) = (Server::start(), Project::small());
    project
        .at(&server.url(), ["apply", "--yes"])
        .env("GATEWRIGHT_FINGERPRINT_KEY", "fp-key-1")
        .run()
        .expect(0);
    let ledger = project.ledger();
    assert!(
        ledger.contains(&text(&server.workspace("Payments")["id"])),
        "{ledger}"
    );
    assert!(
        ledger.contains("\"/key\""),
        "no fingerprint of the integration's key\n{ledger}"
    );
    assert_eq!(
        ledger.lines().count(),
        9,
        "a header and a line for each\n{ledger}"
    );
    crate::support::assert_no_leak("the ledger", &ledger, OPENAI_KEY);
    crate::support::assert_no_leak("the ledger", &ledger, "fp-key-1");
    let mut sorted: Vec<&str> = ledger.lines().skip(1).collect();
    sorted.sort_unstable();
    assert_eq!(
        ledger.lines().skip(1).collect::<Vec<_>>(),
        sorted,
        "merges need an order"
    );

    // Another server knows nothing of it.
    let other = Server::start();
    let plan = project.at(&other.url(), ["plan"]).run().expect(0);
    assert_eq!(plan.changes().len(), 8, "{plan}");
    assert!(
        plan.changes().iter().all(|change| change.starts_with('+')),
        "{plan}"
    );
}

#[test]
fn a_ledger_with_a_merge_conflict_stops_the_run_with_its_line() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    let path = project.state_files(".ledger").remove(0);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen('\n', "\n<<<<<<< HEAD\n", 1)).unwrap();
    server.clear();
    for command in ["plan", "apply", "drift"] {
        let run = project.at(&server.url(), [command]).run().expect(1);
        assert!(run.stderr.contains(".ledger:2"), "{run}");
        assert!(run.stderr.contains("merge conflict"), "{run}");
    }
    assert_eq!(server.total(), 0);
}
