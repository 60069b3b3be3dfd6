//! API keys: the server makes them and shows them once, and they go where their user says.

use serde_json::{Value, json};

use crate::support::{Fate, Project, Proxy, Run, Server, assert_no_leak, text};

const MANIFEST: &str = "workspaces:
  pay: { name: Pay }
configs:
  standard: { workspace_id: pay, name: Standard, config: { provider: openai } }
api_keys:
  reports:
    name: Reports
    type: workspace
    sub_type: service
    workspace_id: pay
    scopes: [logs.list, completions.write]
    defaults: { config_id: standard, metadata: { team: pay }, allow_config_override: false }
    usage_limits: { type: cost, credit_limit: 5, periodic_reset: monthly }
    rate_limits: [{ type: requests, unit: rps, value: 5 }]
    expires_at: \"2031-05-01T00:00:00Z\"
    rotation_policy: { rotation_period: monthly, key_transition_period_ms: 3600000 }
    lifecycle: { sink: SINK }
";

fn project(sink: &str) -> Project {
    let project = Project::of(&MANIFEST.replace("SINK", sink));
    project.file(
        "gatewright.yaml",
        "gatewright: 1\nmanifests: [\"org/**/*.yaml\"]\nallow_exec: true\n",
    );
    project
}

fn key(server: &Server) -> Value {
    server.named("/api-keys", "Reports")
}

/// Asserts that a text is the key that the server has now.
#[track_caller]
fn assert_is_key(server: &Server, secret: &str) {
    let mask = text(&key(server)["key"]);
    let (head, tail) = (mask.split('*').next(), mask.rsplit('*').next());
    assert!(
        secret.len() > 10 && secret.starts_with(head.unwrap()) && secret.ends_with(tail.unwrap()),
        "not behind {mask}"
    );
}

/// Asserts that a secret is in nothing that the run or the repository shows.
#[track_caller]
fn assert_hidden(project: &Project, run: &Run, secret: &str) {
    assert_no_leak("the output", &run.output(), secret);
    assert_no_leak("the state", &project.state(), secret);
}

#[test]
fn a_new_key_goes_to_its_file_and_nowhere_else() {
    let (server, project) = (Server::start(), project("{ file: \"keys/{key}.txt\" }"));
    let url = server.url();
    let plan = project.at(&url, ["plan"]).run().expect(0);
    let says = "+ /key: made by the server, goes to the file keys/reports.txt";
    assert!(plan.stdout.contains(says), "{plan}");
    let run = project.apply(&url);
    let secret = project.read("keys/reports.txt");
    assert_is_key(&server, &secret);
    assert_hidden(&project, &run, &secret);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let file = std::fs::metadata(project.path().join("keys/reports.txt")).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }
    project.assert_converged(&server, &url);
    // As declared, in the API's own forms.
    let live = key(&server);
    assert_eq!(live["type"], "workspace-service");
    assert_eq!(live["allow_config_override"], 0);
    // An update changes the key's settings and not the key.
    project.edit("credit_limit: 5", "credit_limit: 6");
    project.edit(
        "    expires_at: \"2031-05-01T00:00:00Z\"\n",
        "    expires_at: null\n",
    );
    project.edit(
        "rotation_policy: { rotation_period: monthly, key_transition_period_ms: 3600000 }",
        "rotation_policy: null",
    );
    project.apply(&url);
    let live = key(&server);
    assert_eq!(live["usage_limits"]["credit_limit"], 6);
    assert_eq!(
        (&live["expires_at"], &live["rotation_policy"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(project.read("keys/reports.txt"), secret);
    project.assert_converged(&server, &url);
}

#[test]
fn a_key_that_goes_nowhere_is_not_made() {
    let server = Server::start();
    let project = Project::of(&MANIFEST.replace("    lifecycle: { sink: SINK }\n", ""));
    let plan = project.at(&server.url(), ["plan"]).run().expect(3);
    assert!(plan.stderr.contains("nothing says where it goes"), "{plan}");
    assert!(plan.stderr.contains("org/all.yaml:6:3"), "{plan}");
    project
        .at(&server.url(), ["apply", "--yes"])
        .run()
        .expect(3);
    assert_eq!(server.list("/api-keys"), Vec::<Value>::new());
    // The project file may say it for all of them.
    project.file(
        "gatewright.yaml",
        "gatewright: 1\nmanifests: [\"org/**/*.yaml\"]\nsink: { file: \"{kind}/{key}\" }\n",
    );
    project.apply(&server.url());
    assert_is_key(&server, &project.read("api_keys/reports"));
}

#[test]
fn two_keys_do_not_go_to_one_place() {
    let two = |first: &str, second: &str| {
        let key = |key: &str, sink: &str| {
            format!(
                "  {key}:\n    type: workspace\n    sub_type: service\n    workspace_id: pay\n    \
                 scopes: [logs.list]\n    lifecycle: {{ sink: {sink} }}\n"
            )
        };
        let (a, b) = (key("a", first), key("b", second));
        Project::of(&format!(
            "workspaces:\n  pay: {{ name: Pay }}\napi_keys:\n{a}{b}"
        ))
    };
    for (first, second, said) in [
        ("{ file: keys/x }", "{ file: ./keys//x }", "the file keys/x"),
        ("{ file: keys/a }", "{ file: \"keys/{key}\" }", ""),
        (
            "{ github_env: KEY }",
            "{ github_env: KEY }",
            "the variable KEY of later steps",
        ),
        ("{ github_env: KEY }", "{ github_output: KEY }", ""),
    ] {
        let run = two(first, second).cli(["validate"]).run();
        if said.is_empty() {
            run.expect(0);
            continue;
        }
        let run = run.expect(1);
        let said = format!("the secrets of api_keys.a and api_keys.b both go to {said}");
        assert!(run.stderr.contains(&said), "{run}");
        assert!(run.stderr.contains("org/all.yaml:15:18"), "{run}");
        assert!(run.stderr.contains("put `{key}` into `sink`"), "{run}");
    }
    // Programs are told whose it is.
    let project = two("{ command: [cat] }", "{ command: [cat] }");
    project.file(
        "gatewright.yaml",
        "gatewright: 1\nmanifests: [\"org/**/*.yaml\"]\nallow_exec: true\n",
    );
    project.cli(["validate"]).run().expect(0);
}

#[test]
fn keys_of_two_environments_do_not_go_to_one_place() {
    let project = project("SINK");
    let with = |of_project: &str, of_prod: &str, of_entry: &str| {
        project.file(
            "gatewright.yaml",
            &format!(
                "gatewright: 1\nmanifests: [\"org/**/*.yaml\"]\nallow_exec: true\n\
                 sink: {of_project}\nenvironments:\n  staging: {{}}\n  prod: {{ {of_prod} }}\n"
            ),
        );
        let entry = match of_entry {
            "" => String::new(),
            sink => format!("    lifecycle: {{ sink: {sink} }}\n"),
        };
        let manifest = MANIFEST.replace("    lifecycle: { sink: SINK }\n", &entry);
        project.file("org/all.yaml", &manifest);
    };
    let file = "{ file: \"keys/{key}\" }";
    let apart = "{ file: \"keys/{env}/{key}\" }";
    let own = format!("sink: {file}");
    for (of_project, of_prod, of_entry, at) in [
        (file, "", "", "gatewright.yaml:4:1"),
        ("{ github_output: KEY }", "", "", "gatewright.yaml:4:1"),
        (apart, "", file, "org/all.yaml:17:18"),
        (apart, "", "", ""),
        (file, "", apart, ""),
        (file, own.as_str(), "", ""),
        ("{ command: [cat] }", "", "", ""),
    ] {
        with(of_project, of_prod, of_entry);
        let run = project.cli(["validate", "--env", "all"]).run();
        if at.is_empty() {
            run.expect(0);
            continue;
        }
        let run = run.expect(1);
        let said = "secrets of several environments would go to one place";
        assert!(run.stderr.contains(said), "{run}");
        assert!(run.stderr.contains(at), "{run}");
        assert!(run.stderr.contains("put `{env}` into it"), "{run}");
    }
    let (staging, prod) = (Server::start(), Server::start());
    with(apart, "", "");
    for (name, server) in [("staging", &staging), ("prod", &prod)] {
        let url = server.url();
        let apply = ["apply", "--yes", "--env", name];
        project.at(&url, apply).run().expect(0);
        assert_is_key(server, &project.read(&format!("keys/{name}/reports")));
    }
}

#[test]
fn a_place_that_cannot_be_one_is_said_before_anything_is_made() {
    for (sink, said) in [
        ("{ file: \"keys/{kye}\" }", "`{kye}` stands for nothing"),
        (
            "{ github_output: \"a {key}\" }",
            "cannot be the name of an output or a variable",
        ),
    ] {
        let run = project(sink).cli(["validate"]).run().expect(1);
        assert!(run.stderr.contains(said), "{run}");
    }
    let server = Server::start();
    for (sink, said) in [
        (
            "{ command: [./deliver.sh] }",
            "cannot run ./deliver.sh: permission denied",
        ),
        (
            "{ command: [./nope.sh] }",
            "cannot run ./nope.sh: there is no such file",
        ),
        ("{ command: [no-such-program] }", "no folder of PATH has it"),
        (
            "{ file: deliver.sh/key }",
            "deliver.sh/key: not a directory",
        ),
        ("{ github_output: KEY }", "GITHUB_OUTPUT is not set"),
    ] {
        let project = project(sink);
        project.file("deliver.sh", "#!/bin/sh\ncat > key.txt\n");
        let apply = project.at(&server.url(), ["apply", "--yes"]);
        let run = apply.env("GITHUB_OUTPUT", "").run();
        assert!(run.stderr.contains(said), "{run}");
        assert!(run.stderr.contains("nothing was sent"), "{run}");
        assert_eq!(server.list("/api-keys"), Vec::<Value>::new());
    }
}

#[test]
fn a_program_gets_the_key_on_its_standard_input() {
    let server = Server::start();
    let sink = "{ command: [sh, -c, 'cat > got.txt; echo \"$GATEWRIGHT_ADDRESS $1\" > who.txt', x, \"{KEY}\"] }";
    let project = project(sink);
    let run = project.apply(&server.url());
    let secret = project.read("got.txt");
    assert_is_key(&server, &secret);
    assert_hidden(&project, &run, &secret);
    assert_eq!(project.read("who.txt"), "api_keys.reports REPORTS\n");
    // Only where the project file allows programs.
    project.file(
        "gatewright.yaml",
        "gatewright: 1\nmanifests: [\"org/**/*.yaml\"]\n",
    );
    let run = project.cli(["validate"]).run().expect(1);
    assert!(run.stderr.contains("may not name programs"), "{run}");
}

#[test]
fn a_workflow_gets_the_key_as_an_output() {
    let server = Server::start();
    let project = project("{ github_output: \"key-{key}\" }");
    let none = project.at(&server.url(), ["apply", "--yes"]).run();
    assert!(none.stderr.contains("GITHUB_OUTPUT is not set"), "{none}");
    assert_eq!(
        server.list("/api-keys"),
        Vec::<Value>::new(),
        "made all the same"
    );
    let output = project.path().join("output.txt");
    let run = project
        .at(&server.url(), ["apply", "--yes"])
        .env("GITHUB_OUTPUT", output.to_str().unwrap())
        .run()
        .expect(0);
    let written = project.read("output.txt");
    let lines: Vec<&str> = written.lines().collect();
    assert_eq!(lines.len(), 3, "{written}");
    assert_eq!(lines[0], format!("key-reports<<{}", lines[2]));
    assert_is_key(&server, lines[1]);
    assert_hidden(&project, &run, lines[1]);
}

#[test]
fn a_key_that_was_not_delivered_is_replaced_by_the_next_run() {
    let server = Server::start();
    let url = server.url();
    // The program repeats what it gets, as programs with debugging switched on do.
    let project = project("{ command: [sh, -c, 'cat >&2; exit 3'] }");
    let run = project.at(&url, ["apply", "--yes"]).run().expect(5);
    assert!(run.stderr.contains("it was not delivered"), "{run}");
    assert!(run.stderr.contains("(secret)"), "{run}");
    assert!(
        run.stderr.contains("the next apply makes a new one"),
        "{run}"
    );
    assert!(!run.stderr.contains("keys/"), "{run}");
    let made = key(&server);
    // Nobody has it: that is a change of its own until somebody does.
    let plan = project
        .at(&url, ["plan", "--detailed-exitcode"])
        .run()
        .expect(2);
    assert!(
        plan.stdout.contains("because the last was not delivered"),
        "{plan}"
    );
    project.edit(
        "{ command: [sh, -c, 'cat >&2; exit 3'] }",
        "{ file: key.txt }",
    );
    let run = project.apply(&url);
    assert_eq!(key(&server)["id"], made["id"], "another object was made");
    let secret = project.read("key.txt");
    assert_is_key(&server, &secret);
    assert_hidden(&project, &run, &secret);
    project.assert_converged(&server, &url);
}

#[test]
fn a_key_that_the_server_does_not_replace_yet_says_so() {
    let server = Server::start();
    let url = server.url();
    let project = project("{ command: [sh, -c, 'cat >/dev/null; exit 3'] }");
    project.at(&url, ["apply", "--yes"]).run().expect(5);
    let again = project.at(&url, ["apply", "--yes"]).run().expect(1);
    assert!(again.stderr.contains("it was not delivered"), "{again}");
    assert!(
        again.stdout.contains("Not applied: 0 steps done, 1 failed"),
        "{again}"
    );
    let refused = project.at(&url, ["apply", "--yes"]).run().expect(1);
    let said = "the server makes no other secret while the last one takes over";
    assert!(refused.stderr.contains(said), "{refused}");
    // As the help says.
    let id = text(&key(&server)["id"]);
    server.delete(&format!("/api-keys/{id}"));
    project.edit("exit 3", "exit 0");
    project.apply(&url);
    project.assert_converged(&server, &url);
}

#[test]
fn a_key_whose_answer_was_lost_is_replaced_as_well() {
    let server = Server::start();
    let proxy = Proxy::start(&server, |request| {
        if request.creates("/api-keys/workspace/service") {
            Fate::LoseAnswer
        } else {
            Fate::Forward
        }
    });
    let project = project("{ file: key.txt }");
    let run = project.at(&proxy.url(), ["apply", "--yes"]).run();
    assert_eq!(run.code, 5, "{run}");
    assert_eq!(server.list("/api-keys").len(), 1, "{run}");
    let run = project.apply(&proxy.url());
    assert_is_key(&server, &project.read("key.txt"));
    assert!(
        run.stdout.contains("because the last was not delivered"),
        "{run}"
    );
    project.assert_converged(&server, &proxy.url());
}

#[test]
fn an_answer_that_cannot_be_read_is_not_shown() {
    let server = Server::start();
    let body = "<key>pk-made-just-now-8812</key>";
    let proxy = Proxy::start(&server, move |request| {
        if request.creates("/api-keys/workspace/service") {
            Fate::answer("200 OK", "", body)
        } else {
            Fate::Forward
        }
    });
    let project = project("{ file: key.txt }");
    let run = project.at(&proxy.url(), ["apply", "--yes"]).run();
    assert_ne!(run.code, 0, "{run}");
    assert_hidden(&project, &run, "pk-made-just-now-8812");
}

#[test]
fn rotation_happens_once_and_when_asked() {
    let (server, project) = (Server::start(), project("{ file: key.txt }"));
    let url = server.url();
    project.apply(&url);
    let first = project.read("key.txt");
    server.clear();
    let plan = project
        .at(&url, ["plan", "--rotate", "api_keys/reports"])
        .run();
    let says = "~ /key: a new one as asked, goes to the file key.txt";
    assert!(plan.stdout.contains(says), "{plan}");
    assert_eq!(server.writes(), [""; 0]);
    let run = project
        .at(&url, ["apply", "--yes", "--rotate", "api_keys.reports#key"])
        .run()
        .expect(0);
    let second = project.read("key.txt");
    assert_ne!(first, second);
    assert_is_key(&server, &second);
    assert_hidden(&project, &run, &second);
    project.assert_converged(&server, &url);

    for (arguments, says) in [
        (
            ["--rotate", "api_keys/report"],
            "did you mean `api_keys.reports`?",
        ),
        (
            ["--rotate", "api_keys/reports#name"],
            "its secrets are `/key`",
        ),
        (["--rotate", "workspaces/pay"], "has no secrets"),
        (["--rotate", "nonsense"], "write KIND/KEY"),
    ] {
        let [flag, value] = arguments;
        let run = project.at(&url, ["plan", flag, value]).run().expect(1);
        assert!(run.stderr.contains(says), "{says}: {run}");
    }
}

#[test]
fn a_declared_secret_is_sent_again_when_asked() {
    let (server, project) = (Server::start(), Project::small());
    let url = server.url();
    project.apply(&url);
    server.clear();
    let run = project
        .at(
            &url,
            ["apply", "--yes", "--rotate", "integrations/openai-prod#key"],
        )
        .run()
        .expect(0);
    assert!(run.stdout.contains("(sent again, as asked)"), "{run}");
    assert_eq!(server.writes(), ["PUT /v1/integrations/openai-prod 200"]);
    project.assert_converged(&server, &url);
}

#[test]
fn the_embedded_mock_writes_nowhere() {
    let project = project("{ file: key.txt }");
    project.cli(["apply", "--mock", "--yes"]).run().expect(0);
    assert!(!project.path().join("key.txt").exists());
}

#[test]
fn keys_of_other_scopes_and_names_are_left_alone() {
    let (server, project) = (Server::start(), project("{ file: key.txt }"));
    let scopes = json!({ "name": "Reports", "scopes": ["logs.list"] });
    let organisation = server.post("/api-keys/organisation/service", scopes);
    let run = project.apply(&server.url());
    assert!(run.stdout.contains("1 api_keys"), "{run}");
    assert_eq!(server.list("/api-keys").len(), 2);
    project.remove_entry("api_keys", "reports");
    project.remove_entry("configs", "standard");
    project.apply(&server.url());
    let rest = server.list("/api-keys");
    assert_eq!((rest.len(), &rest[0]["id"]), (1, &organisation["id"]));
}
