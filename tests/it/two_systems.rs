//! One repository for two systems: what one of them suffers does not stop the other one.

use std::path::Path;

use serde_json::json;

use crate::support::{Cli, Fate, KEY, OPENAI_KEY, Project, Proxy, Server, assert_no_leak};

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:9";

const BOTH: &str = "gatewright: 1
manifests: [\"org/**/*.yaml\"]
vars: { key: \"${env:OPENAI_API_KEY}\" }
";

/// A provider's key, named once and used on both systems.
fn project() -> Project {
    let project = Project::of(
        "integrations:\n  openai: { name: OpenAI, ai_provider_id: openai, key: \"${var:key}\" }\n",
    );
    project.file("gatewright.yaml", BOTH).file(
        "org/arize.yaml",
        "system: arize\nintegrations:\n  openai: { type: LLM, config: { provider: OPEN_AI, \
         api_key: \"${var:key}\" } }\n",
    );
    project
}

fn run<const N: usize>(project: &Project, portkey: &str, arguments: [&str; N]) -> Cli {
    let cli = project.at(portkey, arguments);
    cli.env("ARIZE_API_KEY", "az-secret-4Tq")
        .arg("--base-url")
        .arg(&format!("arize={NOWHERE}"))
}

#[test]
fn a_system_that_cannot_be_reached_does_not_stop_the_other() {
    let (server, project) = (Server::start(), project());
    let plan = run(&project, &server.url(), ["plan"]).run().expect(1);
    assert!(plan.stdout.contains("+ integrations.openai"), "{plan}");
    assert!(!plan.stdout.contains("arize:integrations"), "{plan}");
    let said = format!("! arize at {NOWHERE} could not be read");
    assert!(plan.stdout.contains(&said), "{plan}");
    assert!(plan.stderr.contains("error[unreachable]"), "{plan}");

    let apply = run(
        &project,
        &server.url(),
        ["apply", "--yes", "--format", "json"],
    );
    let apply = apply.run().expect(5);
    for secret in [OPENAI_KEY, "az-secret-4Tq"] {
        assert_no_leak("the document", &apply.stdout, secret);
    }
    let document = apply.json();
    assert_eq!(document["plan"]["unread"], json!({ "arize": NOWHERE }));
    assert_eq!(document["applied"]["verified"], json!(true));
    assert_eq!(document["applied"]["steps"]["done"], json!(1));
    assert_eq!(document["diagnostics"][0]["code"], json!("unreachable"));

    let again = run(&project, &server.url(), ["plan", "--detailed-exitcode"]);
    let again = again.run().expect(1);
    assert!(again.stdout.contains("No changes. 1 object is"), "{again}");
    let drift = run(&project, &server.url(), ["drift"]).run().expect(1);
    assert!(drift.stdout.contains(&said), "{drift}");
}

#[test]
fn a_system_without_a_key_does_not_stop_the_other() {
    let (server, project) = (Server::start(), project());
    // Nothing is sent there, so what it alone needs may be unset.
    project.edit_file("org/arize.yaml", "${var:key}", "${env:UNSET_SECRET}");
    let said = "! arize at https://api.arize.com could not be read";
    let named = format!("{BOTH}systems: {{ arize: {{ api_key: \"${{env:UNSET_KEY}}\" }} }}\n");
    for (file, problem) in [
        (BOTH, "error[no-api-key]: there is no API key for arize"),
        (&named, "UNSET_KEY"),
    ] {
        project.file("gatewright.yaml", file);
        let plan = project.at(&server.url(), ["plan"]).run().expect(1);
        assert!(plan.stdout.contains("+ integrations.openai"), "{plan}");
        assert!(plan.stdout.contains(said), "{plan}");
        assert!(plan.stderr.contains(problem), "{plan}");
        assert!(!plan.stderr.contains("UNSET_SECRET"), "{plan}");
    }
    let apply = project.at(&server.url(), ["apply", "--yes"]);
    let apply = apply.run().expect(5);
    assert!(apply.stdout.contains("Applied: 1 created"), "{apply}");
    let again = project.at(&server.url(), ["plan", "--format", "json"]);
    let again = again.run().expect(1).json();
    assert_eq!(again["plan"]["changes"], json!([]));
    assert_eq!(
        again["plan"]["unread"],
        json!({ "arize": "https://api.arize.com" })
    );

    project.file("gatewright.yaml", BOTH);
    let none = project.cli(["plan", "--format", "json"]);
    let none = none.env("PORTKEY_API_KEY", "").run().expect(1);
    let none = none.json();
    assert!(none.get("plan").is_none(), "{none}");
    let said = none["diagnostics"].as_array().unwrap();
    let keys = said.iter().filter(|one| one["code"] == "no-api-key");
    assert_eq!(keys.count(), 2, "each system is named: {none}");
}

#[test]
fn where_no_system_can_be_reached_there_is_no_plan() {
    let project = project();
    let plan = run(&project, NOWHERE, ["plan", "--format", "json"]);
    let document = plan.run().expect(1).json();
    assert!(document.get("plan").is_none(), "{document}");
    let said = document["diagnostics"].as_array().unwrap();
    let unreachable = said.iter().filter(|one| one["code"] == "unreachable");
    assert_eq!(unreachable.count(), 2, "each system is named: {document}");
}

#[test]
fn a_key_that_is_named_once_reaches_both_systems() {
    let (server, project) = (Server::of_all(), project());
    let proxy = Proxy::start(&server, |_| Fate::Forward);
    let plan = project.on(proxy.address(), ["plan"]).run().expect(0);
    assert!(plan.stdout.contains("+ integrations.openai"), "{plan}");
    assert!(
        plan.stdout.contains("+ arize:integrations.openai"),
        "{plan}"
    );
    project
        .on(proxy.address(), ["apply", "--yes"])
        .run()
        .expect(0);
    for path in ["/integrations", "/v2/integrations"] {
        let made = proxy.wait_for(path, |seen| seen.creates(path));
        let body: serde_json::Value = serde_json::from_str(&made.body).unwrap();
        let key = body.get("key").or_else(|| body.pointer("/config/api_key"));
        assert_eq!(key, Some(&json!(OPENAI_KEY)), "{path}");
    }
    let plan = project.on(proxy.address(), ["plan", "--detailed-exitcode"]);
    plan.run().expect(0);
}

/// A server with something on both systems, and a folder with nothing but a project file.
fn live_on_both() -> (Server, Project) {
    let (server, project) = (Server::of_all(), project());
    let cli = project.on(server.address(), ["apply", "--yes"]);
    cli.run().expect(0);
    let project = Project::new();
    project.file("gatewright.yaml", BOTH);
    (server, project)
}

#[test]
fn an_import_puts_each_system_into_a_file_of_its_own() {
    let (server, project) = live_on_both();
    let import = ["import", "--into", "org/all.yaml"];
    let import = project.on(server.address(), import).run().expect(0);
    for said in ["  org/all.yaml (", "  org/all.arize.yaml ("] {
        assert!(import.stdout.contains(said), "{import}");
    }
    let beside = project.read("org/all.arize.yaml");
    assert!(beside.starts_with("system: arize\n"), "{beside}");
    assert!(!project.read("org/all.yaml").contains("system:"));
    let plan = project.on(server.address(), ["plan", "--detailed-exitcode"]);
    plan.run().expect(0);

    // A file that is about the second system stays so.
    let project = Project::new();
    project.file("org/all.yaml", "# Ours.\nsystem: arize\n");
    let import = [
        "import",
        "--into",
        "org/all.yaml",
        "--kind",
        "integrations",
        "--kind",
        "ai_integrations",
    ];
    project.on(server.address(), import).run().expect(0);
    let text = project.read("org/all.yaml");
    assert!(
        text.starts_with("# Ours.\nsystem: arize\n") && text.contains("OPEN_AI"),
        "{text}"
    );
    let beside = project.read("org/all.portkey.yaml");
    assert!(beside.contains("ai_provider_id: openai"), "{beside}");
    let plan = project.on(server.address(), ["plan", "--detailed-exitcode"]);
    plan.run().expect(0);
}

#[test]
fn what_is_only_said_to_be_there_is_left_as_it_is() {
    let (server, project) = (Server::of_all(), Project::new());
    project.file("gatewright.yaml", BOTH).file(
        "org/arize.yaml",
        "system: arize\nintegrations:\n  agent: { type: AGENT, config: { endpoint: \"https://a.example/run\", \
         headers: { Authorization: \"${env:OPENAI_API_KEY}\" }, input_schema: { type: object } } }\n",
    );
    project
        .on(server.address(), ["apply", "--yes"])
        .run()
        .expect(0);
    let other = Project::new();
    other.file("gatewright.yaml", BOTH);
    let import = other.on(server.address(), ["import", "--kind", "integrations"]);
    let import = import.run().expect(0);
    let said = "the API says that `/config/headers` is there, and no more";
    assert!(import.stderr.contains(said), "{import}");
    let text = other.read("org/arize/integrations.yaml");
    assert!(
        text.contains("type: AGENT") && !text.contains("headers"),
        "{text}"
    );
    let plan = other.on(server.address(), ["plan", "--detailed-exitcode"]);
    plan.run().expect(0);
}

#[test]
fn a_system_without_a_key_does_not_stop_the_import_of_the_other() {
    let (server, project) = live_on_both();
    project.file(
        "gatewright.yaml",
        &format!(
            "{BOTH}systems: {{ portkey: {{}}, arize: {{ api_key: \"${{env:UNSET_KEY}}\" }} }}\n"
        ),
    );
    let import = project.on(server.address(), ["import", "--format", "json"]);
    let import = import.run().expect(1);
    assert_eq!(import.codes(), ["unset-variable"], "{import}");
    let document = import.json();
    let entries = document["imported"]["entries"].as_array().unwrap();
    let ours = entries
        .iter()
        .filter(|it| it["address"] == "integrations.openai");
    assert_eq!(ours.count(), 1, "{import}");
    // With the key, the rest follows.
    let rest = project.on(server.address(), ["import"]);
    let rest = rest.env("UNSET_KEY", KEY).run().expect(0);
    assert!(rest.stdout.contains("org/arize/"), "{rest}");
    assert!(!rest.stdout.contains("org/integrations.yaml"), "{rest}");
    let plan = project.on(server.address(), ["plan", "--detailed-exitcode"]);
    plan.env("UNSET_KEY", KEY).run().expect(0);

    // Where nothing can be read there is nothing to say.
    let none = project.on(server.address(), ["import", "--format", "json"]);
    let none = none.env("PORTKEY_API_KEY", "").run().expect(1).json();
    assert!(none.get("imported").is_none(), "{none}");
}

#[test]
fn a_repository_about_nothing_imports_from_where_there_is_a_key() {
    let (server, _) = live_on_both();
    let project = Project::new();
    std::fs::remove_file(project.path().join("gatewright.yaml")).unwrap();
    let import = project.on(server.address(), ["import", "--dry-run"]);
    let both = import.run().expect(0);
    assert!(both.stdout.contains("# org/integrations.yaml\n"), "{both}");
    assert!(both.stdout.contains("system: arize"), "{both}");
    let import = project.on(server.address(), ["import", "--dry-run"]);
    let second = import.without("PORTKEY_API_KEY").run().expect(0);
    assert!(
        !second.stdout.contains("# org/integrations.yaml\n"),
        "{second}"
    );
    assert!(second.stdout.contains("system: arize"), "{second}");
}

#[test]
fn base_urls_are_said_for_each_system() {
    let project = project();
    let plan = project
        .cli(["plan", "--base-url", "arise=http://h"])
        .run()
        .expect(1);
    let said = "there is no system `arise`: there are portkey, arize";
    assert!(plan.stderr.contains(said), "{plan}");
    // A query is no name of a system.
    let odd = project.cli(["plan", "--base-url", "http://h/v1?a=b"]);
    let odd = odd.env("ARIZE_API_KEY", "k").run().expect(1);
    assert!(odd.stderr.contains("is not an http(s) URL"), "{odd}");
}

#[test]
fn regions_and_hosts_say_where_a_system_is() {
    let region = "systems: { arize: { region: nowhere-1 } }\n";
    let project = project();
    project
        .file("gatewright.yaml", &format!("{BOTH}{region}"))
        .file("org/all.yaml", "{}");
    let place = |cli: Cli| {
        let run = cli.env("ARIZE_API_KEY", "k").run().expect(1);
        run.stderr.to_owned()
    };
    let said = place(project.cli(["plan"]));
    assert!(said.contains("https://api.nowhere-1.arize.com"), "{said}");
    project.file("gatewright.yaml", BOTH);
    let host = |cli: Cli| {
        cli.env("ARIZE_API_HOST", "127.0.0.1:9")
            .env("ARIZE_API_SCHEME", "http")
    };
    let said = place(host(project.cli(["plan"])));
    assert!(said.contains("cannot reach http://127.0.0.1:9:"), "{said}");
    project.file(
        "gatewright.yaml",
        &format!("{BOTH}systems: {{ portkey: {{ region: eu }} }}\n"),
    );
    let said = project.cli(["validate"]).run().expect(1);
    assert!(said.stderr.contains("portkey has no regions"), "{said}");
}

/// Files below a folder of this repository that name a text, in any mixture of cases.
fn naming(folder: &str, text: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = walkdir::WalkDir::new(root.join(folder)).sort_by_file_name();
    let files = files.into_iter().map(Result::unwrap);
    let files = files.filter(|file| file.file_type().is_file());
    let naming = files.filter(|file| {
        let content = std::fs::read_to_string(file.path()).unwrap();
        content.to_lowercase().contains(text)
    });
    let path = |file: walkdir::DirEntry| file.path().strip_prefix(root).unwrap().to_owned();
    naming
        .map(|file| path(file).display().to_string())
        .collect()
}

/// A system is data: nothing outside its own folder knows it, but for the registries.
#[test]
fn no_code_knows_the_second_system_by_name() {
    let outside = |folder: &str, own: &str| {
        let mut files = naming(folder, "arize");
        files.retain(|file| !file.starts_with(own));
        files
    };
    let registry = ["src/systems/mod.rs"];
    assert_eq!(outside("src", "src/systems/arize/"), registry);
    // What the mock serves, and what is special there; the engine knows no API.
    let registries = [
        "mock/src/apis.rs",
        "mock/src/bin/describe/main.rs",
        "mock/src/bin/describe/upstream.rs",
        "mock/src/description/mod.rs",
        "mock/src/hooks/mod.rs",
        "mock/src/lib.rs",
    ];
    assert_eq!(outside("mock/src", "mock/src/hooks/arize/"), registries);
}
