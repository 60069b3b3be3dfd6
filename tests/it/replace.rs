//! Replacement: what happens when something changes that cannot change.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::support::{Fate, Gate, Project, Proxy, Server, at_once, text, wait_for};

const TWO_WORKSPACES: &str = r#"workspaces:
  a:
    name: A
    defaults: { input_guardrails: [no-pii] }
  b: { name: B }
guardrails:
  no-pii:
    workspace_id: a
    name: No PII
    checks: [{ id: portkey.pii, parameters: { redact: true, categories: [EMAIL_ADDRESS] } }]
    actions: { deny: true, async: false }
configs:
  standard:
    workspace_id: a
    name: Standard
    config: { input_guardrails: ["${ref:guardrails.no-pii.slug}"], retry: { attempts: 2 } }
usage_limits_policies:
  monthly:
    workspace_id: a
    conditions: [{ key: api_key, value: "*" }]
    group_by: [{ key: api_key }]
    type: cost
    credit_limit: 10
"#;

/// The writes without the ids in them.
fn writes(server: &Server) -> Vec<String> {
    let verb = |write: &String| {
        let mut words = write.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let path = path.trim_start_matches("/v1/");
        let kind = path.split('/').next().unwrap();
        format!("{method} {kind}")
    };
    server.writes().iter().map(verb).collect()
}

#[test]
fn what_cannot_change_is_replaced_together_with_what_hangs_on_it() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    let before = server.inventory();
    project.edit("ai_provider_id: openai", "ai_provider_id: azure-openai");
    server.clear();
    let plan = project.at(&server.url(), ["plan"]).run().expect(0);
    assert_eq!(
        plan.changes(),
        ["± integrations.openai-prod", "± providers.openai-payments"],
        "{plan}"
    );
    for said in [
        "~ /ai_provider_id: \"openai\" → \"azure-openai\" (cannot change)",
        "the old one is deleted first, because both have one name there",
        "changed with it, because they use it: providers.openai-payments",
        "Plan: 0 to create, 0 to update, 2 to replace, 0 to delete; 6 unchanged.",
    ] {
        assert!(plan.stdout.contains(said), "no `{said}`\n{plan}");
    }
    assert_eq!(server.writes(), [""; 0]);
    let apply = project.apply(&server.url());
    assert!(apply.stdout.contains("2 replaced"), "{apply}");
    // Two who have one slug cannot be there at once, and what hangs on the old one goes before it.
    assert_eq!(
        writes(&server),
        [
            "DELETE providers",
            "DELETE integrations",
            "POST integrations",
            "PUT integrations",
            "PUT integrations",
            "POST providers",
        ]
    );
    assert_eq!(server.inventory(), before);
    let live = server.get("/integrations/openai-prod");
    assert_eq!(live["ai_provider_id"], "azure-openai");
    project.assert_converged(&server, &server.url());
}

#[test]
fn a_new_one_is_made_first_and_what_uses_the_old_one_is_moved_over() {
    let (server, project) = (Server::start(), Project::of(TWO_WORKSPACES));
    project.apply(&server.url());
    let old = text(&server.list_in("/guardrails", &server.workspace("A"))[0]["slug"]);
    project.edit(
        "no-pii:\n    workspace_id: a",
        "no-pii:\n    workspace_id: b",
    );
    server.clear();
    let plan = project.plan(&server.url());
    let change = plan["changes"].as_array().unwrap();
    let change = change.iter().find(|c| c["action"] == "replace").unwrap();
    assert_eq!(change["replacement"]["order"], "create_first", "{change:#}");
    assert_eq!(
        change["replacement"]["dependants"],
        json!(["configs.standard", "workspaces.a"]),
        "{change:#}"
    );
    let human = project.at(&server.url(), ["plan"]).run().expect(0);
    let said = "- /defaults/input_guardrails/-: the old guardrails.no-pii ";
    assert!(human.stdout.contains(said), "{human}");
    let moved = &change["fields"][0];
    assert_eq!(moved["pointer"], "/workspace_id");
    assert_eq!(moved["forces_replacement"], true);
    assert_eq!(plan["summary"]["replace"], 1);
    project.apply(&server.url());
    let order = writes(&server);
    assert_eq!(order.first().unwrap(), "POST guardrails", "{order:?}");
    assert_eq!(order.last().unwrap(), "DELETE guardrails", "{order:?}");
    assert_eq!(order.len(), 4, "{order:?}");
    assert!(
        server
            .list_in("/guardrails", &server.workspace("A"))
            .is_empty()
    );
    let new = text(&server.list_in("/guardrails", &server.workspace("B"))[0]["slug"]);
    assert_ne!(old, new);
    let workspace = server.get(&server.workspace_path("A"));
    assert_eq!(workspace["defaults"]["input_guardrails"], json!([new]));
    assert!(!project.ledger().contains('~'), "{}", project.ledger());
    project.assert_converged(&server, &server.url());
}

#[test]
fn what_is_not_declared_and_goes_with_the_old_object_is_named() {
    let manifest = TWO_WORKSPACES.replace(
        "credit_limit: 10\n",
        "credit_limit: 10\n    name: Monthly\n",
    );
    let (server, project) = (Server::start(), Project::of(&manifest));
    project.apply(&server.url());
    let policy = text(&server.named("/policies/usage-limits", "Monthly")["id"]);
    server.put(
        &format!("/policies/usage-limits/{policy}"),
        json!({ "alert_threshold": 5 }),
    );
    project.edit("type: cost", "type: tokens");
    let plan = project.at(&server.url(), ["plan"]).run().expect(0);
    assert!(
        plan.stdout
            .contains("not declared, so the new one will not have it: /alert_threshold"),
        "{plan}"
    );
    project.apply(&server.url());
    project.assert_converged(&server, &server.url());
}

#[test]
fn another_key_of_a_kind_whose_keys_are_slugs_is_a_replacement() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    let before = server.inventory();
    project.edit(
        "  openai-payments:\n",
        "  openai-pay:\n    lifecycle: { moved_from: openai-payments }\n",
    );
    project.edit(
        "provider: \"@openai-payments\"",
        "provider: \"@openai-pay\"",
    );
    server.clear();
    let plan = project.at(&server.url(), ["plan"]).run().expect(0);
    assert_eq!(
        plan.changes(),
        ["± providers.openai-pay", "~ configs.standard"],
        "{plan}"
    );
    assert!(
        plan.stdout
            .contains("~ /slug: \"openai-payments\" → \"openai-pay\" (cannot change)"),
        "{plan}"
    );
    project.apply(&server.url());
    // No moment without the provider that the config names.
    assert_eq!(
        writes(&server),
        ["POST providers", "PUT configs", "DELETE providers"]
    );
    assert_eq!(server.inventory(), before);
    project.assert_converged(&server, &server.url());
}

#[test]
fn replacement_is_refused_where_it_must_not_happen() {
    let cases = [
        ("lifecycle: { protect: true }", "protected"),
        (
            "lifecycle: { replace: false }",
            "`lifecycle.replace` is false",
        ),
    ];
    at_once(cases, |(lifecycle, said)| {
        let manifest =
            TWO_WORKSPACES.replace("  monthly:\n", &format!("  monthly:\n    {lifecycle}\n"));
        let (server, project) = (Server::start(), Project::of(&manifest));
        project.apply(&server.url());
        project.edit("type: cost", "type: tokens");
        server.clear();
        let run = project
            .at(&server.url(), ["apply", "--yes"])
            .run()
            .expect(3);
        assert!(run.stderr.contains(said), "{run}");
        assert!(run.stderr.contains("type: tokens"), "no snippet: {run}");
        assert_eq!(server.writes(), [""; 0]);
    });
}

#[test]
fn what_gatewright_did_not_make_is_not_replaced() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    project.forget();
    project.edit("ai_provider_id: openai", "ai_provider_id: azure-openai");
    server.clear();
    let run = project
        .at(&server.url(), ["apply", "--yes"])
        .run()
        .expect(3);
    assert!(
        run.stderr.contains("gatewright did not make this one"),
        "{run}"
    );
    assert_eq!(server.writes(), [""; 0]);
}

#[test]
fn what_would_have_to_let_go_first_stands_in_the_way() {
    let manifest = "secret_references:\n  vault:\n    name: Vault\n    manager_type: aws_sm\n    \
         auth_config: { aws_auth_type: serviceRole, aws_region: us-east-1 }\n    secret_path: p\n    \
         allow_all_workspaces: true\nintegrations:\n  i:\n    name: I\n    ai_provider_id: openai\n    \
         secret_mappings: [{ target_field: key, secret_reference_id: vault }]\n";
    let (server, project) = (Server::start(), Project::of(manifest));
    project.apply(&server.url());
    let text_now = project
        .read("org/all.yaml")
        .replace("aws_sm", "azure_kv")
        .replace(
            "{ aws_auth_type: serviceRole, aws_region: us-east-1 }",
            "{ azure_auth_mode: managed, azure_vault_url: \"https://v.vault.azure.net\" }",
        );
    project.file("org/all.yaml", &text_now);
    server.clear();
    let run = project
        .at(&server.url(), ["apply", "--yes"])
        .run()
        .expect(3);
    assert!(
        run.stderr
            .contains("integrations.i: this integration uses secret_references.vault"),
        "{run}"
    );
    assert_eq!(server.writes(), [""; 0]);
}

#[test]
fn a_replacement_that_is_cut_short_anywhere_converges_without_duplicates() {
    let cases = [
        (
            TWO_WORKSPACES,
            "no-pii:\n    workspace_id: a",
            "no-pii:\n    workspace_id: b",
        ),
        (TWO_WORKSPACES, "type: cost", "type: tokens"),
    ];
    let cases = cases
        .into_iter()
        .flat_map(|case| [(case, true), (case, false)]);
    at_once(cases, |((manifest, old, new), reaches_server)| {
        for at in 0.. {
            let (server, project) = (Server::start(), Project::of(manifest));
            // The proxy has another address in every run: the ledger must not depend on it.
            let fixed = Proxy::start(&server, |_| Fate::Forward);
            project.apply(&fixed.url());
            let before: Vec<String> = names(&server);
            project.edit(old, new);
            let ledger = project.state_files(".ledger").remove(0);
            let died = {
                let count = AtomicUsize::new(0);
                let gate = Gate::closed();
                let hold = gate.clone();
                fixed.clear();
                fixed.rule(move |request| {
                    if !request.is_write() || count.fetch_add(1, Ordering::SeqCst) != at {
                        return Fate::Forward;
                    }
                    match reaches_server {
                        true => Fate::HoldAnswer(hold.clone()),
                        false => Fate::Wait(Gate::closed()),
                    }
                });
                server.clear();
                let mut process = project
                    .at(&fixed.url(), ["apply", "--yes", "--parallelism", "1"])
                    .start();
                let arrived = || {
                    let sent = fixed.seen().iter().filter(|seen| seen.is_write()).count();
                    let reached = server.writes().len();
                    (if reaches_server { reached } else { sent } > at).then_some(())
                };
                wait_for("the write or the end", || {
                    arrived().or_else(|| process.has_ended().then_some(()))
                });
                let died = !process.has_ended();
                if died {
                    process.crash();
                } else {
                    process.wait().expect(0);
                }
                gate.open();
                died
            };
            fixed.heal();
            assert!(ledger.exists());
            project.apply(&fixed.url());
            assert_eq!(names(&server), before, "cut at write {at}");
            assert!(!project.ledger().contains('~'), "{}", project.ledger());
            project.assert_converged(&server, &fixed.url());
            if !died {
                assert!(at > 1, "a replacement of {at} writes");
                break;
            }
        }
    });
}

/// Everything by kind and name, wherever it lives.
fn names(server: &Server) -> Vec<String> {
    let last = |item: &String| {
        let mut words: Vec<&str> = item.split(' ').collect();
        if words[0] == "/guardrails" {
            words.remove(1);
        }
        words.join(" ")
    };
    let mut all: Vec<String> = server.inventory().iter().map(last).collect();
    all.sort();
    all
}

#[test]
fn a_replacement_that_the_server_refuses_leaves_the_old_object_and_can_be_taken_back() {
    let (server, project) = (Server::start(), Project::of(TWO_WORKSPACES));
    let proxy = Proxy::start(&server, |_| Fate::Forward);
    project.apply(&proxy.url());
    let before = server.inventory();
    let ledger = project.ledger();
    project.edit("type: cost", "type: tokens");
    proxy.rule(|seen| match seen.method == "POST" {
        true => Fate::answer("400 Bad Request", "", "{\"message\":\"no\"}"),
        false => Fate::Forward,
    });
    let run = project.at(&proxy.url(), ["apply", "--yes"]).run().expect(1);
    assert!(run.stderr.contains("waited for it"), "{run}");
    assert_eq!(server.inventory(), before);
    // It is still a replacement, and without the change nothing at all.
    let plan = project.at(&proxy.url(), ["plan"]).run().expect(0);
    assert_eq!(
        plan.changes(),
        ["± usage_limits_policies.monthly"],
        "{plan}"
    );
    project.edit("type: tokens", "type: cost");
    proxy.heal();
    let apply = project.apply(&proxy.url());
    assert_eq!(apply.changes(), [""; 0], "{apply}");
    assert_eq!(server.inventory(), before);
    assert_eq!(project.ledger(), ledger);
    project.assert_converged(&server, &proxy.url());
}
