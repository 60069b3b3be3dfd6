//! Several environments in one run, and what differs between two.

use serde_json::{Value, json};

use crate::support::{Fate, Project, Proxy, Server, assert_no_leak};

const STAGING_KEY: &str = "sk-staging-5gT/w+q==";
const PROD_KEY: &str = "sk-prod-8hU/r+e==";

/// A repository for two organisations.
fn project(staging: &str, prod: &str) -> Project {
    let project = Project::new();
    project.file(
        "gatewright.yaml",
        &format!(
            r#"gatewright: 1
manifests: ["org/**/*.yaml"]
environments:
  staging:
    systems: {{ portkey: {{ base_url: "{staging}" }} }}
    vars: {{ tier: small, budget: 10, key: "${{env:STAGING_KEY}}" }}
  prod:
    systems: {{ portkey: {{ base_url: "{prod}" }} }}
    vars: {{ tier: large, budget: 500, key: "${{env:PROD_KEY}}" }}
    manifests: ["org/**/*.yaml", "prod/**/*.yaml"]
"#
        ),
    );
    project.file(
        "org/all.yaml",
        "workspaces:\n  payments: { name: Payments, description: \"${var:tier}\" }\n  \
         shared: { name: Shared }\n\
         integrations:\n  openai: { name: OpenAI, ai_provider_id: openai, key: \"${var:key}\" }\n",
    );
    project.file("prod/more.yaml", "workspaces:\n  audit: { name: Audit }\n");
    project
}

fn two() -> (Server, Server, Project) {
    let (staging, prod) = (Server::start(), Server::start());
    let project = project(&staging.url(), &prod.url());
    (staging, prod, project)
}

fn run<const N: usize>(project: &Project, arguments: [&str; N]) -> crate::support::Run {
    let cli = project.cli(arguments);
    cli.env("STAGING_KEY", STAGING_KEY)
        .env("PROD_KEY", PROD_KEY)
        .run()
}

/// The environments of a document, by name and exit code.
fn ends(document: &Value) -> Vec<(String, u64)> {
    let all = document["environments"].as_array().unwrap().iter();
    let end = |one: &Value| {
        let name = one["environment"].as_str().unwrap().to_owned();
        (name, one["exit_code"].as_u64().unwrap())
    };
    all.map(end).collect()
}

#[test]
fn a_plan_of_several_is_one_output_with_one_summary() {
    let (staging, prod, project) = two();
    for environments in ["all", "staging,prod", " staging, prod,staging"] {
        let plan = run(&project, ["plan", "--env", environments]).expect(0);
        let order: Vec<usize> = [
            "── staging",
            "── prod",
            "staging  Plan: 3",
            "prod     Plan: 4",
        ]
        .iter()
        .map(|words| {
            plan.stdout
                .find(words)
                .unwrap_or_else(|| panic!("{words}: {plan}"))
        })
        .collect();
        assert!(order.is_sorted(), "{plan}");
    }
    let other_way = run(
        &project,
        ["plan", "--env", "prod,staging", "--format", "json"],
    );
    let document = other_way.expect(0).json();
    assert_eq!(ends(&document), [("prod".into(), 0), ("staging".into(), 0)]);
    let creates = |at: usize| document["environments"][at]["plan"]["summary"]["create"].clone();
    assert_eq!((creates(0), creates(1)), (json!(4), json!(3)));
    // Of one alone nothing changes.
    let one = run(&project, ["plan", "--env", "prod", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(one["plan"]["summary"]["create"], 4);
    assert!(one.get("environments").is_none(), "{one:#}");
    // The worst exit code is that of the run.
    run(&project, ["apply", "--env", "staging", "--yes"]).expect(0);
    let plan = [
        "plan",
        "--env",
        "all",
        "--detailed-exitcode",
        "--format",
        "json",
    ];
    let document = run(&project, plan).expect(2).json();
    assert_eq!(ends(&document), [("staging".into(), 0), ("prod".into(), 2)]);
    let declared = run(&project, ["validate", "--env", "all", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(declared["environments"][1]["declared"], 4, "{declared:#}");
    assert_eq!((staging.writes().len(), prod.writes().len()), (3, 0));
}

#[test]
fn an_apply_of_several_asks_once_and_does_one_after_the_other() {
    let (staging, prod, project) = two();
    // Nobody is there to say yes.
    let refused = run(&project, ["apply", "--env", "all"]).expect(3);
    assert_eq!(
        refused.stderr.matches("nobody is there to confirm").count(),
        1,
        "{refused}"
    );
    assert_eq!((staging.writes().len(), prod.writes().len()), (0, 0));
    let apply = run(&project, ["apply", "--env", "all", "--yes"]).expect(0);
    for words in ["staging  Applied: 3 created", "prod     Applied: 4 created"] {
        assert!(apply.stdout.contains(words), "{words}: {apply}");
    }
    let drift = run(&project, ["drift", "--env", "all", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(ends(&drift), [("staging".into(), 0), ("prod".into(), 0)]);
    let again = run(
        &project,
        ["apply", "--env", "all", "--yes", "--format", "json"],
    );
    let document = again.expect(0).json();
    for one in document["environments"].as_array().unwrap() {
        assert_eq!(one["applied"]["verified"], true, "{document:#}");
    }
    let path = prod.workspace_path("Payments");
    prod.put(&path, json!({ "description": "by hand" }));
    let drift = run(&project, ["drift", "--env", "all"]).expect(2);
    assert!(drift.stdout.contains("staging  No drift."), "{drift}");
    assert!(
        drift.stdout.contains("prod     Drift: 1 object differs"),
        "{drift}"
    );
}

#[test]
fn the_first_environment_that_fails_is_the_last_one_that_is_tried() {
    let (server, prod) = (Server::start(), Server::start());
    let staging = Proxy::start(&server, |seen| match seen.creates("/integrations") {
        true => Fate::answer("400 Bad Request", "", r#"{"message":"no"}"#),
        false => Fate::Forward,
    });
    let project = project(&staging.url(), &prod.url());
    let apply = run(&project, ["apply", "--env", "all", "--yes"]).expect(5);
    assert!(apply.stderr.contains("prod was not applied"), "{apply}");
    assert!(
        apply.stderr.contains("staging has to succeed first"),
        "{apply}"
    );
    assert!(apply.stdout.contains("(exit code 5)"), "{apply}");
    assert_eq!(prod.writes(), [""; 0]);
    let json = ["apply", "--env", "all", "--yes", "--format", "json"];
    let document = run(&project, json).json();
    assert_eq!(ends(&document)[1], ("prod".to_owned(), 3), "{document:#}");
    assert!(
        document["environments"][1].get("applied").is_none(),
        "{document:#}"
    );
    staging.heal();
    let apply = run(&project, ["apply", "--env", "all", "--yes"]).expect(0);
    assert!(
        apply.stdout.contains("prod     Applied: 4 created"),
        "{apply}"
    );
}

#[test]
fn an_environment_that_cannot_be_planned_stops_all_of_them_before_anything_is_sent() {
    let (staging, server) = (Server::start(), Server::start());
    let prod = Proxy::start(&server, |_| Fate::answer("401 Unauthorized", "", "{}"));
    let project = project(&staging.url(), &prod.url());
    let apply = run(&project, ["apply", "--env", "all", "--yes"]).expect(6);
    assert!(apply.stderr.contains("staging was not applied"), "{apply}");
    assert_eq!(staging.writes(), [""; 0]);
    let misspelt = run(&project, ["plan", "--env", "staging,prdo"]).expect(1);
    assert!(
        misspelt.stderr.contains("unknown environment `prdo`"),
        "{misspelt}"
    );
    let shared = "environments share their manifests";
    for (refused, because) in [
        (run(&project, ["import", "--env", "all"]), shared),
        (run(&project, ["adopt", "--drift", "--env", "all"]), shared),
        (
            run(&project, ["destroy", "--env", "all"]),
            "this command is about one environment",
        ),
    ] {
        let refused = refused.expect(1);
        assert!(refused.stderr.contains(because), "{refused}");
        let how = "run it with `--env staging`, then with `--env prod`";
        assert!(refused.stderr.contains(how), "{refused}");
    }
    project.file("gatewright.yaml", "gatewright: 1\n");
    let none = run(&project, ["plan", "--env", "all"]).expect(1);
    assert!(none.stderr.contains("there are no environments"), "{none}");
}

#[test]
fn the_secrets_of_one_environment_are_hidden_in_the_output_about_another() {
    let (staging, prod, project) = two();
    staging.make_workspace("Payments");
    prod.make_workspace("Payments");
    // Somebody wrote each key where the other environment's output shows it.
    let (at_staging, at_prod) = (
        staging.workspace_path("Payments"),
        prod.workspace_path("Payments"),
    );
    staging.put(&at_staging, json!({ "description": PROD_KEY }));
    prod.put(&at_prod, json!({ "description": STAGING_KEY }));
    for format in ["human", "json"] {
        for environments in ["staging,prod", "prod,staging"] {
            let plan = ["plan", "--env", environments, "--format", format, "--full"];
            let plan = run(&project, plan).expect(0);
            assert!(plan.stdout.contains("/description"), "{plan}");
            for key in [STAGING_KEY, PROD_KEY] {
                assert_no_leak("a plan of two", &plan.output(), key);
            }
        }
    }
}

#[test]
fn all_stands_for_every_environment_among_others_too() {
    let (_staging, _prod, project) = two();
    for names in ["all", "prod,all", "all,staging", "all,all"] {
        let run = run(&project, ["validate", "--env", names]).expect(0);
        for name in ["staging", "prod"] {
            let heading = format!("── {name}\n");
            assert_eq!(run.stdout.matches(&heading).count(), 1, "{names}: {run}");
        }
    }
}

#[test]
fn a_diff_shows_what_two_environments_declare_differently() {
    let (_, _, project) = two();
    // No variable has to be set for it, and no server asked.
    let diff = |more: &[&str]| {
        let cli = project.cli(["diff", "--from", "staging", "--to", "prod"]);
        more.iter()
            .fold(cli, |cli, argument| cli.arg(argument))
            .run()
    };
    let shown = diff(&[]).expect(0);
    for words in [
        "+ workspaces.audit  only in prod",
        "~ integrations.openai",
        "/key: secret ${env:STAGING_KEY} → secret ${env:PROD_KEY}",
        "~ workspaces.payments",
        "/description: \"small\" → \"large\"",
        "From staging to prod: 2 differ, 0 only in staging, 1 only in prod; 1 alike.",
    ] {
        assert!(shown.stdout.contains(words), "{words}: {shown}");
    }
    let document = diff(&["--format", "json", "--detailed-exitcode"])
        .expect(2)
        .json();
    let found = &document["differences"];
    assert_eq!(found["only_to"], json!(["workspaces.audit"]));
    assert_eq!(
        found["changed"][1]["fields"][0]["from"], "small",
        "{found:#}"
    );
    let same = project.cli([
        "diff",
        "--from",
        "prod",
        "--to",
        "prod",
        "--detailed-exitcode",
    ]);
    let same = same.run().expect(0);
    assert!(same.stdout.contains("0 differ"), "{same}");
    let misspelt = project
        .cli(["diff", "--from", "staging", "--to", "prdo"])
        .run()
        .expect(1);
    assert!(
        misspelt.stderr.contains("unknown environment `prdo`"),
        "{misspelt}"
    );
    let both = diff(&["--env", "prod"]).expect(1);
    assert!(both.stderr.contains("--from and --to"), "{both}");
}

#[test]
fn a_diff_of_what_is_live_asks_both_servers() {
    let (_staging, prod, project) = two();
    project.file(
        "org/configs.yaml",
        "guardrails:\n  jwt:\n    workspace_id: shared\n    checks: [{ id: portkey.pii, parameters: { categories: [EMAIL_ADDRESS] } }]\n    \
         actions: { deny: true, async: false }\n\
         configs:\n  std:\n    workspace_id: shared\n    \
         config: { input_guardrails: [\"${ref:guardrails.jwt.slug}\"] }\n",
    );
    run(&project, ["apply", "--env", "all", "--yes"]).expect(0);
    let path = prod.workspace_path("Shared");
    prod.put(&path, json!({ "description": "by hand" }));
    let diff = ["diff", "--from", "staging", "--to", "prod", "--live"];
    let diff = run(&project, diff).expect(0);
    // What a server made up is no difference: ids, slugs and times. Keys cannot be compared.
    assert_eq!(
        diff.stdout,
        "+ workspaces.audit  only in prod\n\
         ~ workspaces.payments\n    /description: \"small\" → \"large\"\n\
         ~ workspaces.shared\n    /description: (nothing) → \"by hand\"\n\n\
         From staging to prod: 2 differ, 0 only in staging, 1 only in prod; 3 alike.\n"
    );
    for key in [STAGING_KEY, PROD_KEY] {
        assert_no_leak("a diff", &diff.output(), key);
    }
}
