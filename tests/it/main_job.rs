//! The main job: what is declared becomes what is there, and what others change is noticed.

use serde_json::{Value, json};

use crate::support::{Project, Server, text};

#[test]
fn apply_makes_it_so_and_a_second_run_has_nothing_to_do() {
    let (server, project) = (Server::start(), Project::small());
    let plan = project
        .at(&server.url(), ["plan", "--detailed-exitcode"])
        .run()
        .expect(2);
    assert_eq!(plan.changes().len(), 8, "{plan}");
    assert_eq!(server.writes(), [""; 0], "a plan wrote");

    let apply = project.apply(&server.url());
    assert!(
        apply
            .stdout
            .contains("Applied: 8 created, 0 updated, 0 deleted."),
        "{apply}"
    );
    assert!(
        apply.stdout.contains("a second plan finds nothing to do"),
        "{apply}"
    );
    assert_eq!(
        server.inventory(),
        [
            "/configs Standard",
            "/guardrails Payments No PII",
            "/integrations OpenAI production",
            "/policies/rate-limits Requests a minute",
            "/policies/usage-limits Monthly cost",
            "/providers Payments OpenAI for payments",
            "/secret-references Vault",
            "/workspaces Payments",
            "/workspaces Shared Team Workspace",
        ]
    );
    project.assert_converged(&server, &server.url());

    server.clear();
    let again = project.apply(&server.url());
    assert!(again.stdout.contains("Nothing to apply."), "{again}");
    assert_eq!(server.writes(), [""; 0]);
}

/// A field of an object that somebody changes behind gatewright's back.
struct Tampering {
    address: &'static str,
    path: fn(&Server) -> String,
    body: fn(&Server) -> Value,
    pointer: &'static str,
    old: Value,
    new: Value,
    /// How the human plan says it.
    line: &'static str,
}

fn payments(server: &Server) -> String {
    text(&server.workspace("Payments")["id"])
}

#[test]
fn what_somebody_else_changes_is_named_with_old_and_new() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    let cases = [
        Tampering {
            address: "workspaces.payments",
            path: |server| server.workspace_path("Payments"),
            body: |_| json!({ "description": "Mine now" }),
            pointer: "/description",
            old: json!("Mine now"),
            new: json!("Checkout"),
            line: "~ /description: \"Mine now\" → \"Checkout\"",
        },
        Tampering {
            address: "integrations.openai-prod",
            path: |_| "/integrations/openai-prod".to_owned(),
            body: |_| json!({ "name": "Renamed" }),
            pointer: "/name",
            old: json!("Renamed"),
            new: json!("OpenAI production"),
            line: "~ /name: \"Renamed\" → \"OpenAI production\"",
        },
        Tampering {
            address: "integrations.openai-prod",
            path: |_| "/integrations/openai-prod/models".to_owned(),
            body: |_| json!({ "models": [{ "slug": "gpt-5", "enabled": false }] }),
            pointer: "/models/gpt-5/enabled",
            old: json!(false),
            new: json!(true),
            line: "~ /models/gpt-5/enabled: false → true",
        },
        Tampering {
            address: "integrations.openai-prod",
            path: |_| "/integrations/openai-prod/workspaces".to_owned(),
            body: |server| {
                json!({ "workspaces": [{ "id": payments(server), "enabled": true,
                "usage_limits": [{ "type": "cost", "credit_limit": 9000, "periodic_reset": "monthly" }] }] })
            },
            pointer: "/workspaces/payments/usage_limits/0/credit_limit",
            old: json!(9000),
            new: json!(500),
            line: "~ /workspaces/payments/usage_limits/0/credit_limit: 9000 → 500",
        },
        Tampering {
            address: "providers.openai-payments",
            path: |server| {
                format!(
                    "/providers/openai-payments?workspace_id={}",
                    payments(server)
                )
            },
            body: |_| json!({ "usage_limits": { "credit_limit": 51, "periodic_reset": "monthly" } }),
            pointer: "/usage_limits/credit_limit",
            old: json!(51),
            new: json!(50),
            line: "~ /usage_limits/credit_limit: 51 → 50",
        },
        Tampering {
            address: "configs.standard",
            path: |server| {
                format!(
                    "/configs/{}",
                    text(&server.named("/configs", "Standard")["slug"])
                )
            },
            body: |_| json!({ "config": { "provider": "@openai-payments", "retry": { "attempts": 1 } } }),
            pointer: "/config/retry/attempts",
            old: json!(1),
            new: json!(3),
            line: "~ /config/retry/attempts: 1 → 3",
        },
        Tampering {
            address: "guardrails.no-pii",
            path: |server| {
                let guardrails = server.list_in("/guardrails", &server.workspace("Payments"));
                format!("/guardrails/{}", text(&guardrails[0]["slug"]))
            },
            body: |_| json!({ "actions": { "deny": false, "async": false } }),
            pointer: "/actions/deny",
            old: json!(false),
            new: json!(true),
            line: "~ /actions/deny: false → true",
        },
        Tampering {
            address: "usage_limits_policies.monthly",
            path: |server| {
                format!(
                    "/policies/usage-limits/{}",
                    text(&server.named("/policies/usage-limits", "Monthly cost")["id"])
                )
            },
            body: |_| json!({ "credit_limit": 11 }),
            pointer: "/credit_limit",
            old: json!(11),
            new: json!(10),
            line: "~ /credit_limit: 11 → 10",
        },
        Tampering {
            address: "rate_limits_policies.per-minute",
            path: |server| {
                format!(
                    "/policies/rate-limits/{}",
                    text(&server.named("/policies/rate-limits", "Requests a minute")["id"])
                )
            },
            body: |_| json!({ "value": 61 }),
            pointer: "/value",
            old: json!(61),
            new: json!(60),
            line: "~ /value: 61 → 60",
        },
        Tampering {
            address: "secret_references.vault",
            path: |_| "/secret-references/vault".to_owned(),
            body: |_| json!({ "secret_path": "elsewhere" }),
            pointer: "/secret_path",
            old: json!("elsewhere"),
            new: json!("ai/openai"),
            line: "~ /secret_path: \"elsewhere\" → \"ai/openai\"",
        },
    ];
    for case in cases {
        let path = (case.path)(&server);
        server.put(&path, (case.body)(&server));
        server.clear();

        let drift = project.at(&server.url(), ["drift"]).run().expect(2);
        assert_eq!(drift.changes(), [format!("~ {}", case.address)], "{drift}");
        assert!(
            drift.stdout.contains(case.line),
            "{}: {drift}",
            case.address
        );
        let plan = project.at(&server.url(), ["plan"]).run().expect(0);
        assert_eq!(plan.changes(), [format!("~ {}", case.address)], "{plan}");
        assert!(plan.stdout.contains(case.line), "{}: {plan}", case.address);
        let changes = project.plan(&server.url())["changes"].clone();
        let field = changes[0]["fields"]
            .as_array()
            .unwrap()
            .iter()
            .find(|f| f["pointer"] == case.pointer);
        let field = field.unwrap_or_else(|| panic!("{}: {changes:#}", case.pointer));
        assert_eq!(
            (&field["old"], &field["new"]),
            (&case.old, &case.new),
            "{}",
            case.address
        );
        assert!(field["source"]["line"].is_u64(), "{field:#}");
        assert_eq!(server.writes(), [""; 0], "reading commands wrote");

        let apply = project.apply(&server.url());
        assert!(
            apply
                .stdout
                .contains("Applied: 0 created, 1 updated, 0 deleted."),
            "{apply}"
        );
        project.assert_converged(&server, &server.url());
    }
}

#[test]
fn what_somebody_else_deleted_is_drift_and_is_made_again() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    let policy = server.named("/policies/usage-limits", "Monthly cost");
    server.delete(&format!("/policies/usage-limits/{}", text(&policy["id"])));
    let drift = project.at(&server.url(), ["drift"]).run().expect(2);
    assert_eq!(
        drift.changes(),
        ["+ usage_limits_policies.monthly"],
        "{drift}"
    );
    assert!(drift.stdout.contains("is gone"), "{drift}");
    project.apply(&server.url());
    assert_ne!(
        server.named("/policies/usage-limits", "Monthly cost")["id"],
        policy["id"]
    );
    project.assert_converged(&server, &server.url());
}

#[test]
fn drift_is_about_others_and_not_about_what_is_not_applied_yet() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    project.file("org/more.yaml", "workspaces:\n  search: { name: Search }\n");
    let drift = project.at(&server.url(), ["drift"]).run().expect(0);
    assert_eq!(drift.changes(), [""; 0], "{drift}");
    project
        .at(&server.url(), ["plan", "--detailed-exitcode"])
        .run()
        .expect(2);
}

#[test]
fn an_edit_in_the_repository_changes_that_field_and_nothing_else() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    let before = server.inventory();
    project.edit("description: Checkout", "description: Checkout and refunds");
    server.clear();
    let apply = project.apply(&server.url());
    assert_eq!(apply.changes(), ["~ workspaces.payments"], "{apply}");
    assert_eq!(server.writes().len(), 1, "{:?}", server.writes());
    assert_eq!(
        server.workspace("Payments")["description"],
        "Checkout and refunds"
    );
    assert_eq!(server.inventory(), before);
    project.assert_converged(&server, &server.url());
}

#[test]
fn changes_point_at_their_lines() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    project.edit("credit_limit: 50,", "credit_limit: 75,");
    let plan = project.at(&server.url(), ["plan"]).run().expect(0);
    // `providers:` is on line 28 of the small organisation; its limits are six lines below.
    let text = project.read("org/all.yaml");
    let line = text
        .lines()
        .position(|line| line.contains("credit_limit: 75"))
        .unwrap()
        + 1;
    let column = text.lines().nth(line - 1).unwrap().find("75").unwrap() + 1;
    let place = format!("org/all.yaml:{line}:");
    assert!(plan.stdout.contains(&place), "{place}\n{plan}");
    let change = project.plan(&server.url())["changes"][0].clone();
    let source = &change["fields"][0]["source"];
    assert_eq!(source["file"], "org/all.yaml");
    assert_eq!(source["line"], line);
    let columns = [
        column,
        text.lines()
            .nth(line - 1)
            .unwrap()
            .find("credit_limit")
            .unwrap()
            + 1,
    ];
    let found = usize::try_from(source["column"].as_u64().unwrap()).unwrap();
    assert!(
        columns.contains(&found),
        "the column of the value or its key: {source}"
    );
}

#[test]
fn two_environments_overlay_variables_and_systems() {
    let (main, staging) = (Server::start(), Server::start());
    let project = Project::of(
        "workspaces:\n  w: { name: W, description: \"in ${var:region}, ${var:tier}\" }\n",
    );
    let project_file = format!(
        "gatewright: 1\n\
         manifests: [\"org/**/*.yaml\"]\n\
         systems: {{ portkey: {{ base_url: \"{}\", api_key: \"${{env:MAIN_KEY}}\" }} }}\n\
         vars: {{ region: us-east-1, tier: gold }}\n\
         environments:\n  \
           staging:\n    \
             systems: {{ portkey: {{ base_url: \"{}\", api_key: \"${{env:STAGING_KEY}}\" }} }}\n    \
             vars: {{ region: us-west-2 }}\n",
        main.url(),
        staging.url()
    );
    project.file("gatewright.yaml", &project_file);
    let run = |arguments: [&str; 4]| {
        project
            .cli(arguments)
            .without("PORTKEY_API_KEY")
            .env("STAGING_KEY", crate::support::KEY)
            .run()
    };
    run(["apply", "--yes", "--env", "staging"]).expect(0);
    assert_eq!(staging.workspace("W")["description"], "in us-west-2, gold");
    assert_eq!(main.total(), 0, "the other server was asked");
    run(["plan", "--detailed-exitcode", "--env", "staging"]).expect(0);

    // The key of the other environment is needed only there.
    let main_run = |arguments: [&str; 2]| {
        project
            .cli(arguments)
            .without("PORTKEY_API_KEY")
            .env("MAIN_KEY", crate::support::KEY)
            .run()
    };
    main_run(["plan", "--detailed-exitcode"]).expect(2);
    main_run(["apply", "--yes"]).expect(0);
    assert_eq!(main.workspace("W")["description"], "in us-east-1, gold");
    assert_eq!(
        project.state_files(".ledger").len(),
        2,
        "one ledger for each"
    );
}

#[test]
fn an_unknown_environment_is_an_error_with_the_near_one() {
    let project = Project::small();
    project.file(
        "gatewright.yaml",
        "gatewright: 1\nmanifests: [\"org/**/*.yaml\"]\nenvironments:\n  staging: {}\n  prod: {}\n",
    );
    let server = Server::start();
    for command in ["plan", "apply", "drift", "validate"] {
        let run = project
            .at(&server.url(), [command, "--env", "stagin"])
            .run()
            .expect(1);
        assert!(run.stderr.contains("unknown environment `stagin`"), "{run}");
        assert!(run.stderr.contains("did you mean `staging`?"), "{run}");
    }
    assert_eq!(server.total(), 0);
}
