//! Exit codes and the one JSON document.

use serde_json::Value;

use crate::support::{Cli, Project, Server};

/// Everything that a run can meet, with the exit code that it has to end with.
fn cases(server: &Server) -> Vec<(&'static str, i32, Cli)> {
    let url = server.url();
    let keep = |project: Project| -> &'static Project { Box::leak(Box::new(project)) };
    let fresh = keep(Project::small());
    let broken = keep(Project::of("workspaces:\n  w: { nmae: W }\n"));
    let applied = keep(Project::of("workspaces:\n  applied: { name: Applied }\n"));
    applied.apply(&url);
    let guarded = keep(Project::of(
        "workspaces:\n  guarded: { name: Guarded, lifecycle: { protect: true } }\n",
    ));
    guarded.apply(&url);
    guarded.file("org/all.yaml", "workspaces:\n  fresh: { name: Fresh }\n");
    let drifted = keep(Project::of(
        "workspaces:\n  drifted: { name: Drifted, description: Mine }\n",
    ));
    drifted.apply(&url);
    server.put(
        &server.workspace_path("Drifted"),
        serde_json::json!({ "description": "Theirs" }),
    );
    let nowhere = "http://127.0.0.1:1/v1";
    vec![
        ("validate", 0, fresh.cli(["validate"])),
        ("validate broken", 1, broken.cli(["validate"])),
        ("plan", 0, fresh.at(&url, ["plan"])),
        (
            "plan with changes",
            2,
            fresh.at(&url, ["plan", "--detailed-exitcode"]),
        ),
        (
            "plan without changes",
            0,
            applied.at(&url, ["plan", "--detailed-exitcode"]),
        ),
        (
            "plan broken",
            1,
            broken.at(&url, ["plan", "--detailed-exitcode"]),
        ),
        (
            "plan refused",
            3,
            guarded.at(&url, ["plan", "--detailed-exitcode"]),
        ),
        (
            "plan without a key",
            6,
            fresh.at(&url, ["plan"]).env("PORTKEY_API_KEY", "wrong"),
        ),
        ("plan nowhere", 1, fresh.at(nowhere, ["plan"])),
        ("plan against the mock", 0, fresh.cli(["plan", "--mock"])),
        ("drift without drift", 0, applied.at(&url, ["drift"])),
        ("drift", 2, drifted.at(&url, ["drift"])),
        ("drift broken", 1, broken.at(&url, ["drift"])),
        (
            "drift without a key",
            6,
            applied.at(&url, ["drift"]).env("PORTKEY_API_KEY", "wrong"),
        ),
        ("apply unconfirmed", 3, fresh.at(&url, ["apply"])),
        ("apply refused", 3, guarded.at(&url, ["apply", "--yes"])),
        ("apply of nothing", 0, applied.at(&url, ["apply"])),
        ("apply broken", 1, broken.at(&url, ["apply", "--yes"])),
        (
            "apply without a key",
            6,
            fresh
                .at(&url, ["apply", "--yes"])
                .env("PORTKEY_API_KEY", "wrong"),
        ),
        (
            "apply to the mock",
            0,
            fresh.cli(["apply", "--mock", "--yes"]),
        ),
        ("no project", 1, Cli::new(["validate", "-C", "/"])),
        (
            "no such folder",
            1,
            Cli::new(["plan", "-C", "/no/such/folder"]),
        ),
        (
            "no such env file",
            1,
            fresh.cli(["plan", "--env-file", "no.env"]),
        ),
        (
            "no such environment",
            1,
            fresh.at(&url, ["plan", "--env", "nowhere"]),
        ),
        ("schemas", 0, Cli::new(["schema"])),
        ("no such schema", 1, Cli::new(["schema", "nonsense"])),
        (
            "mock on an address in use",
            1,
            Cli::new(["mock", "--listen", &server.address().to_string()]),
        ),
        ("an unknown command", 1, Cli::new(["paln"])),
        (
            "an unknown option",
            1,
            Cli::new(["plan", "--detailed-exit"]),
        ),
        ("an unknown value", 1, Cli::new(["plan", "--color", "blue"])),
        ("a missing value", 1, Cli::new(["plan", "--env"])),
        (
            "options against each other",
            1,
            Cli::new(["plan", "--mock", "--base-url", "http://h"]),
        ),
        (
            "a number that is none",
            1,
            Cli::new(["plan", "--parallelism", "many"]),
        ),
        ("no command", 1, Cli::new([])),
    ]
}

/// Runs all of them at the same time.
fn run_all(
    cases: Vec<(&'static str, i32, Cli)>,
    format: &str,
) -> Vec<(&'static str, i32, crate::support::Run)> {
    let started = cases.into_iter().map(|(name, code, cli)| {
        let process = cli.arg("--format").arg(format).start();
        (name, code, process)
    });
    let started: Vec<_> = started.collect();
    started
        .into_iter()
        .map(|(name, code, process)| (name, code, process.wait()))
        .collect()
}

#[test]
fn exit_codes_are_the_same_in_every_format_and_json_is_one_document() {
    let server = Server::start();
    // What takes long is waiting for servers that are not there.
    let (for_people, for_programs) = (cases(&server), cases(&server));
    let (human, json) = std::thread::scope(|scope| {
        let human = scope.spawn(|| run_all(for_people, "human"));
        let json = run_all(for_programs, "json");
        (human.join().unwrap(), json)
    });
    for (name, code, run) in &human {
        assert_eq!(run.code, *code, "{name}: {run}");
        if *code == 1 || *code == 3 || *code == 6 {
            assert!(
                !run.stderr.is_empty(),
                "{name}: an error without a word: {run}"
            );
        }
    }
    for (name, code, run) in json {
        assert_eq!(run.code, code, "{name}: {run}");
        let document = run.json();
        assert!(document["gatewright"].is_string(), "{name}: {run}");
        assert_eq!(
            run.stderr, "",
            "{name}: what there is to say is in the document\n{run}"
        );
        if [1, 3, 6].contains(&code) {
            let diagnostics = document["diagnostics"].as_array().unwrap();
            let errors = diagnostics
                .iter()
                .filter(|d| d["severity"] == "error")
                .count();
            assert!(errors > 0, "{name}: no error in the document\n{run}");
        }
    }
    // The same with the option before the command and as one word.
    for arguments in [
        ["--format", "json", "paln"],
        ["--format=json", "plan", "--nonsense"],
        ["plan", "--nonsense", "--format=json"],
    ] {
        let run = Cli::new(arguments).run().expect(1);
        run.json();
    }
}

#[test]
fn a_usage_error_as_json_says_what_the_human_one_says() {
    let human = Cli::new(["plna"]).run().expect(1);
    assert_eq!(human.stdout, "", "{human}");
    assert!(
        human.stderr.contains("plna") && human.stderr.contains("'plan'"),
        "{human}"
    );
    let json = Cli::new(["plna", "--format", "json"])
        .run()
        .expect(1)
        .json();
    let problem = json["diagnostics"][0].to_string();
    assert!(problem.contains("plna"), "{problem}");
    assert!(
        problem.contains("plan'") || problem.contains("`plan`"),
        "no suggestion: {problem}"
    );
    let json = Cli::new(["destroy", "--yes", "--format", "json"]).run();
    let problem = &json.expect(1).json()["diagnostics"][0]["message"];
    assert_eq!(
        problem,
        "the following required arguments were not provided: --confirm <NAME>"
    );
}

#[test]
fn without_a_confirmation_nothing_happens() {
    let (server, project) = (Server::start(), Project::small());
    let run = project.at(&server.url(), ["apply"]).run().expect(3);
    assert!(run.stderr.contains("nobody is there to confirm"), "{run}");
    assert!(run.stderr.contains("--yes"), "{run}");
    assert_eq!(run.changes().len(), 8, "the plan is shown before\n{run}");
    assert_eq!(server.writes(), [""; 0]);
    assert!(project.state_files("").is_empty());
}

/// The schema that `gatewright schema` prints for documents, found by its title.
fn published_schema() -> (String, Value) {
    let names = Cli::new(["schema"]).run().expect(0).stdout;
    for name in names.lines() {
        let schema: Value =
            serde_json::from_str(&Cli::new(["schema", name]).run().expect(0).stdout).unwrap();
        let properties = &schema["properties"];
        if properties["exit_code"].is_object() && properties["plan"].is_object() {
            return (name.to_owned(), schema);
        }
    }
    panic!("no schema of the JSON document among\n{names}");
}

#[test]
fn every_document_fits_the_published_schema() {
    let (name, schema) = published_schema();
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("schemas/{name}.schema.json"));
    let published: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(
        published, schema,
        "what is published and what is printed differ"
    );
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let server = Server::start();
    for (name, _, run) in run_all(cases(&server), "json") {
        if name == "schemas" {
            continue;
        }
        let document = run.json();
        let problems: Vec<String> = validator
            .iter_errors(&document)
            .map(|error| format!("{} {error}", error.instance_path()))
            .collect();
        assert_eq!(problems, [""; 0], "{name}: {run}");
    }
    // A schema that takes everything shows nothing.
    assert!(!validator.is_valid(&serde_json::json!({ "exit_code": "zero" })));
    assert!(!validator.is_valid(&serde_json::json!({})));
}

#[test]
fn the_human_plan_and_the_json_plan_show_the_same_changes() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    // One of each: created, updated, deleted.
    project.file(
        "org/new.yaml",
        "workspaces:\n  new: { name: New, description: Fresh }\n",
    );
    project.edit("attempts: 3", "attempts: 4");
    project.edit("credit_limit: 50,", "credit_limit: 60,");
    project.edit(
        "    description: The account of the company\n",
        "    description: null\n",
    );
    project.remove_entry("rate_limits_policies", "per-minute");
    let human = project.at(&server.url(), ["plan"]).run().expect(0);
    let plan = project.plan(&server.url());
    let changes = plan["changes"].as_array().unwrap();
    let sign = |change: &Value| match change["action"].as_str().unwrap() {
        "create" => '+',
        "update" => '~',
        "delete" => '-',
        other => panic!("{other}"),
    };
    let listed: Vec<String> = changes
        .iter()
        .map(|change| format!("{} {}", sign(change), change["address"].as_str().unwrap()))
        .collect();
    assert_eq!(human.changes(), listed, "{human}");
    assert_eq!(listed.len(), 5, "{human}");
    for change in changes.iter().filter(|change| change["action"] == "update") {
        for field in change["fields"].as_array().unwrap() {
            let pointer = field["pointer"].as_str().unwrap();
            let line = human
                .stdout
                .lines()
                .find(|line| line.contains(&format!(" {pointer}: ")));
            let line = line.unwrap_or_else(|| panic!("{pointer} is not in\n{human}"));
            for side in ["old", "new"] {
                if !field[side].is_null() {
                    assert!(
                        line.contains(&field[side].to_string()),
                        "{side} of {pointer}: {line}"
                    );
                }
            }
        }
    }
    let summary = &plan["summary"];
    let text = format!(
        "Plan: {} to create, {} to update, {} to delete; {} unchanged.",
        summary["create"], summary["update"], summary["delete"], summary["unchanged"]
    );
    assert!(human.stdout.ends_with(&format!("{text}\n")), "{human}");
}

#[test]
fn two_plans_of_the_same_are_the_same() {
    let (server, project) = (Server::start(), Project::small());
    assert_eq!(project.plan(&server.url()), project.plan(&server.url()));
    let human = || {
        project
            .at(&server.url(), ["plan", "--full"])
            .run()
            .expect(0)
            .stdout
    };
    assert_eq!(human(), human());
}

#[test]
fn the_whole_human_output_of_a_first_apply() {
    let (server, project) = (Server::start(), Project::small());
    let run = project
        .at(&server.url(), ["apply", "--yes"])
        .env("GATEWRIGHT_FINGERPRINT_KEY", "fp")
        .run()
        .expect(0);
    let mut text = run.stdout.clone();
    let at = text.find(" requests in ").unwrap();
    let begin = text[..at].rfind(' ').unwrap() + 1;
    let end = at + text[at..].find(" s.").unwrap();
    text.replace_range(begin..end, "N requests in T");
    assert_eq!(run.stderr, "", "{run}");
    insta::assert_snapshot!(text, @r#"
    + workspaces.payments "Payments"  org/all.yaml:2:3
    + secret_references.vault "Vault"  org/all.yaml:11:3
    + integrations.openai-prod "OpenAI production"  org/all.yaml:18:3
    + providers.openai-payments "OpenAI for payments"  org/all.yaml:29:3
    + guardrails.no-pii "No PII"  org/all.yaml:36:3
    + configs.standard "Standard"  org/all.yaml:42:3
    + usage_limits_policies.monthly "Monthly cost"  org/all.yaml:50:3
    + rate_limits_policies.per-minute "Requests a minute"  org/all.yaml:59:3

    Left alone, because every organisation has one that cannot be deleted: 1 workspaces.

    Plan: 8 to create, 0 to update, 0 to delete; 0 unchanged.
    Applied: 8 created, 0 updated, 0 deleted. N requests in T s.
    Verified: a second plan finds nothing to do.
    "#);
}

#[test]
fn the_whole_human_output_of_a_plan_with_all_kinds_of_changes() {
    let (server, project) = (Server::start(), Project::small());
    let fingerprints = |cli: Cli| cli.env("GATEWRIGHT_FINGERPRINT_KEY", "fp");
    fingerprints(project.at(&server.url(), ["apply", "--yes"]))
        .run()
        .expect(0);
    project.file("org/new.yaml", "workspaces:\n  new: { name: Brand new }\n");
    project.edit("attempts: 3", "attempts: 4");
    project.edit(
        "    note: Ask before raising the budget\n",
        "    note: null\n",
    );
    project.remove_entry("rate_limits_policies", "per-minute");
    let plan = fingerprints(project.at(&server.url(), ["plan"]))
        .env("OPENAI_API_KEY", "sk-another")
        .run()
        .expect(0);
    insta::assert_snapshot!(plan.stdout, @r#"
    + workspaces.new "Brand new"  org/new.yaml:2:3
    ~ integrations.openai-prod "OpenAI production"  org/all.yaml:18:3
        ~ /key: (secret) → (secret) (its value changed)  org/all.yaml:22:5
    ~ providers.openai-payments "OpenAI for payments"  org/all.yaml:29:3
        - /note: "Ask before raising the budget"  org/all.yaml:33:5
    ~ configs.standard "Standard"  org/all.yaml:42:3
        ~ /config/retry/attempts: 3 → 4  org/all.yaml:47:16
    - rate_limits_policies.per-minute "Requests a minute"  because it is no longer declared

    Left alone, because every organisation has one that cannot be deleted: 1 workspaces.

    Plan: 1 to create, 3 to update, 1 to delete; 4 unchanged.
    "#);
    assert_eq!(plan.stderr, "", "{plan}");
}

#[test]
fn colours_are_for_terminals_and_for_those_who_ask() {
    let project = Project::small();
    let plain = project
        .cli(["plan", "--mock"])
        .without("NO_COLOR")
        .run()
        .expect(0);
    assert!(!plain.output().contains('\u{1b}'), "{plain}");
    let coloured = project
        .cli(["plan", "--mock", "--color", "always"])
        .without("NO_COLOR")
        .run()
        .expect(0);
    assert!(coloured.stdout.contains('\u{1b}'), "{coloured}");
    let json = project
        .cli(["plan", "--mock", "--color", "always", "--format", "json"])
        .run()
        .expect(0);
    assert!(!json.stdout.contains('\u{1b}'), "{json}");
}

#[test]
fn an_env_file_stands_in_where_the_environment_says_nothing() {
    let (server, project) = (Server::start(), Project::small());
    project.file(
        "ci.env",
        &format!(
            "# for CI\nexport OPENAI_API_KEY='sk-from-file'\nPORTKEY_API_KEY=\"{}\"\n",
            crate::support::KEY
        ),
    );
    let cli = |arguments: [&str; 4]| {
        project
            .at(&server.url(), arguments)
            .without("OPENAI_API_KEY")
            .without("PORTKEY_API_KEY")
    };
    cli(["apply", "--yes", "--env-file", "ci.env"])
        .run()
        .expect(0);
    assert_eq!(server.inventory().len(), 9);
    let wrong = cli(["plan", "--detailed-exitcode", "--env-file", "ci.env"])
        .env("PORTKEY_API_KEY", "wrong")
        .run();
    assert_eq!(wrong.code, 6, "the environment goes first\n{wrong}");
}

#[test]
fn the_server_is_found_by_flag_then_project_then_environment() {
    let (one, two, three) = (Server::start(), Server::start(), Server::start());
    let project = Project::of("workspaces:\n  w: { name: W }\n");
    let with_url = format!(
        "gatewright: 1\nmanifests: [\"org/**/*.yaml\"]\nsystems: {{ portkey: {{ base_url: \"{}\" }} }}\n",
        two.url()
    );
    let environment = three.url();
    let run = |arguments: &[&str]| {
        let mut cli = project.cli(["plan"]).env("PORTKEY_BASE_URL", &environment);
        for argument in arguments {
            cli = cli.arg(argument);
        }
        cli.run().expect(0);
        let asked = [one.total() > 0, two.total() > 0, three.total() > 0];
        [&one, &two, &three].into_iter().for_each(Server::clear);
        asked
    };
    assert_eq!(run(&[]), [false, false, true]);
    project.file("gatewright.yaml", &with_url);
    assert_eq!(run(&[]), [false, true, false]);
    assert_eq!(run(&["--base-url", &one.url()]), [true, false, false]);
    // A slash at the end is no other server.
    assert_eq!(
        run(&["--base-url", &format!("{}/", one.url())]),
        [true, false, false]
    );
}
