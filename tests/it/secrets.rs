//! Secrets: their changes are seen, they themselves never.

use serde_json::json;

use crate::support::{
    Fate, KEY, OPENAI_KEY, Project, Proxy, Run, Server, assert_no_leak, at_once, base64_of,
    response,
};

const NEW_KEY: &str = "sk-rotated-4tY+/\u{e9}\"\\ 100%&more==";

/// Asserts that neither a run nor what it left in the repository says any of the secrets.
#[track_caller]
fn assert_quiet(project: &Project, runs: &[&Run]) {
    for secret in [OPENAI_KEY, NEW_KEY, KEY, "the-fingerprint-key"] {
        for run in runs {
            assert_no_leak("standard output", &run.stdout, secret);
            assert_no_leak("standard error", &run.stderr, secret);
        }
        assert_no_leak("the ledger or a journal", &project.state(), secret);
    }
}

fn run(project: &Project, url: &str, key: &str, arguments: [&str; 2]) -> Run {
    project
        .at(url, arguments)
        .env("GATEWRIGHT_FINGERPRINT_KEY", "the-fingerprint-key")
        .env("OPENAI_API_KEY", key)
        .run()
}

#[test]
fn a_changed_secret_is_seen_applied_and_not_shown() {
    let (server, project) = (Server::start(), Project::small());
    let url = server.url();
    let first = run(&project, &url, OPENAI_KEY, ["apply", "--yes"]).expect(0);
    let masked = server.get("/integrations/openai-prod")["masked_key"].clone();
    run(&project, &url, OPENAI_KEY, ["plan", "--detailed-exitcode"]).expect(0);

    let human = run(&project, &url, NEW_KEY, ["plan", "--detailed-exitcode"]).expect(2);
    assert_eq!(human.changes(), ["~ integrations.openai-prod"], "{human}");
    assert!(
        human
            .stdout
            .contains("/key: (secret) → (secret) ${env:OPENAI_API_KEY}")
            || human.stdout.contains("/key: (secret)"),
        "{human}"
    );
    let full = run(&project, &url, NEW_KEY, ["plan", "--full"]).expect(0);
    let json = run(&project, &url, NEW_KEY, ["plan", "--format=json"]).expect(0);
    let field = &json.json()["plan"]["changes"][0]["fields"][0];
    assert_eq!(field["pointer"], "/key", "{field:#}");
    assert_eq!(field["because"], "fingerprint", "{field:#}");
    assert_eq!(
        field["new"],
        json!({ "$secret": ["${env:OPENAI_API_KEY}"] })
    );

    server.clear();
    let second = run(&project, &url, NEW_KEY, ["apply", "--yes"]).expect(0);
    assert_eq!(server.writes(), ["PUT /v1/integrations/openai-prod 200"]);
    assert_ne!(
        server.get("/integrations/openai-prod")["masked_key"],
        masked
    );
    let third = run(&project, &url, NEW_KEY, ["plan", "--detailed-exitcode"]).expect(0);
    assert_quiet(&project, &[&first, &human, &full, &json, &second, &third]);
}

#[test]
fn secrets_that_only_differ_inside_are_told_apart_by_their_fingerprints_alone() {
    let (server, project) = (Server::start(), Project::small());
    let url = server.url();
    // Both fit the same mask.
    let (one, two) = (
        "sk-same-begin-AAAA-same-end-9999",
        "sk-same-begin-BBBB-same-end-9999",
    );
    run(&project, &url, one, ["apply", "--yes"]).expect(0);
    run(&project, &url, two, ["plan", "--detailed-exitcode"]).expect(2);
    // Without the key of the fingerprints there is nothing to tell them apart by; it is said.
    let blind = project
        .at(&url, ["plan", "--detailed-exitcode"])
        .env("OPENAI_API_KEY", two)
        .run()
        .expect(0);
    assert!(blind.stderr.contains("no-fingerprint-key"), "{blind}");
    assert!(
        blind.stderr.contains("GATEWRIGHT_FINGERPRINT_KEY"),
        "{blind}"
    );
    for text in [blind.output(), project.state()] {
        assert_no_leak("anywhere", &text, one);
        assert_no_leak("anywhere", &text, two);
    }
    // A run without the key must not make the next one with it forget.
    project
        .at(&url, ["apply", "--yes"])
        .env("OPENAI_API_KEY", one)
        .run()
        .expect(0);
    run(&project, &url, one, ["plan", "--detailed-exitcode"]).expect(0);
    run(&project, &url, two, ["plan", "--detailed-exitcode"]).expect(2);
}

#[test]
fn another_fingerprint_key_is_no_change_of_all_secrets_in_silence() {
    let (server, project) = (Server::start(), Project::small());
    let url = server.url();
    run(&project, &url, OPENAI_KEY, ["apply", "--yes"]).expect(0);
    let before = project.ledger();
    let other = |arguments: [&str; 2]| {
        project
            .at(&url, arguments)
            .env("GATEWRIGHT_FINGERPRINT_KEY", "another-key")
            .run()
    };
    other(["apply", "--yes"]).expect(0);
    assert_ne!(project.ledger(), before);
    other(["plan", "--detailed-exitcode"]).expect(0);
    assert_quiet(&project, &[]);
}

#[test]
fn a_server_that_repeats_the_key_in_its_answer_does_not_make_gatewright_repeat_it() {
    let quoted = serde_json::to_string(&format!("bad key {KEY} and {OPENAI_KEY}")).unwrap();
    let envelope =
        format!(r#"{{"success":false,"data":{{"message":{quoted},"errorCode":"AB01"}}}}"#);
    let cases = [
        ("JSON", "400 Bad Request", envelope.clone()),
        ("JSON, refused key", "401 Unauthorized", envelope.clone()),
        ("JSON, server error", "500 Internal Server Error", envelope),
        (
            "text",
            "400 Bad Request",
            format!("bad key {KEY} and {OPENAI_KEY}"),
        ),
        (
            "a code",
            "400 Bad Request",
            json!({ "message": "m", "code": KEY, "errorCode": OPENAI_KEY }).to_string(),
        ),
        (
            "a web page",
            "200 OK",
            format!("<p>{KEY}</p><p>{OPENAI_KEY}</p>"),
        ),
        // The end of the excerpt must not cut a secret into an unknown one.
        (
            "far inside",
            "400 Bad Request",
            format!("{}{KEY}", "x".repeat(190)),
        ),
    ];
    at_once(cases, |(name, status, body)| {
        let (server, project) = (Server::start(), Project::small());
        let proxy = Proxy::start(&server, {
            let body = body.clone();
            move |seen| match seen.is_write() {
                true => Fate::answer(status, "content-type: application/json\r\n", &body),
                false => Fate::Forward,
            }
        });
        let human = run(&project, &proxy.url(), OPENAI_KEY, ["apply", "--yes"]);
        assert_ne!(human.code, 0, "{name}: {human}");
        let json = project
            .at(&proxy.url(), ["apply", "--yes", "--format", "json"])
            .run();
        assert_quiet(&project, &[&human, &json]);
        proxy.rule(move |_| Fate::answer(status, "content-type: application/json\r\n", &body));
        let human = run(&project, &proxy.url(), OPENAI_KEY, ["plan", "--full"]);
        let json = run(
            &project,
            &proxy.url(),
            OPENAI_KEY,
            ["plan", "--format=json"],
        );
        assert_quiet(&project, &[&human, &json]);
        assert!(
            !human.output().contains(&KEY[..12]),
            "{name}: the beginning of the key\n{human}"
        );
    });
}

#[test]
fn a_server_that_spells_the_key_in_other_ways_does_not_get_it_repeated() {
    let hex = KEY
        .bytes()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    let url =
        percent_encoding::utf8_percent_encode(KEY, percent_encoding::NON_ALPHANUMERIC).to_string();
    for (name, spelling) in [
        ("base64", base64_of(KEY)),
        ("basic authentication", base64_of(&format!("user:{KEY}"))),
        ("hex", hex),
        ("URL", url),
        ("HTML", KEY.replace('&', "&amp;")),
    ] {
        let (server, project) = (Server::start(), Project::small());
        let body = json!({ "message": format!("no such key: {spelling}") }).to_string();
        let proxy = Proxy::start(&server, move |_| {
            Fate::answer(
                "400 Bad Request",
                "content-type: application/json\r\n",
                &body,
            )
        });
        let human = project.at(&proxy.url(), ["plan"]).run().expect(1);
        assert!(human.stderr.contains("no such key"), "{human}");
        assert!(!human.output().contains(&spelling), "{name}: {human}");
        let json = project
            .at(&proxy.url(), ["plan", "--format", "json"])
            .run()
            .expect(1);
        assert!(!json.output().contains(&spelling), "{name}: {json}");
    }
}

#[test]
fn a_server_that_repeats_the_key_in_a_header_does_not_get_it_repeated() {
    let (server, project) = (Server::start(), Project::small());
    let proxy = Proxy::start(&server, |_| {
        let headers = format!(
            "x-portkey-trace-id: {KEY}\r\nx-request-id: {KEY}\r\ncontent-type: application/json\r\n"
        );
        Fate::Answer(response("400 Bad Request", &headers, r#"{"message":"no"}"#))
    });
    let human = project.at(&proxy.url(), ["plan"]).run().expect(1);
    let json = project
        .at(&proxy.url(), ["plan", "--format", "json"])
        .run()
        .expect(1);
    assert_quiet(&project, &[&human, &json]);
}

#[test]
fn a_secret_that_somebody_put_into_an_open_field_is_not_printed() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    server.put(
        "/integrations/openai-prod",
        json!({ "description": format!("key: {OPENAI_KEY}") }),
    );
    let human = project.at(&server.url(), ["plan"]).run().expect(0);
    assert!(human.stdout.contains("/description"), "{human}");
    let json = project
        .at(&server.url(), ["plan", "--format", "json"])
        .run()
        .expect(0);
    let drift = project.at(&server.url(), ["drift"]).run().expect(2);
    assert_quiet(&project, &[&human, &json, &drift]);
}

#[test]
fn a_secret_that_reads_like_a_number_leaves_json_what_it_is() {
    let (server, project) = (Server::start(), Project::small());
    project.file(
        "org/counted.yaml",
        "configs:\n  counted: { config: { cache: { mode: simple, max_age: 98765432 } } }\n",
    );
    let plan = run(
        &project,
        &server.url(),
        "98765432",
        ["plan", "--format=json"],
    )
    .expect(0);
    let document = plan.json();
    assert_eq!(document["command"], "plan", "{plan}");
    assert!(plan.stdout.contains("\"max_age\": \"(secret)\""), "{plan}");
    assert_no_leak("standard output", &plan.stdout, "98765432");
}

#[test]
fn secrets_inside_of_documents_and_texts_are_secrets() {
    let pem = "-----BEGIN PRIVATE KEY-----\nMIIpem+/body==\n-----END PRIVATE KEY-----\n";
    let document =
        json!({ "type": "service_account", "private_key": pem, "client_email": "a@b.example" })
            .to_string();
    let manifest = "integrations:\n  vertex:\n    name: Vertex\n    ai_provider_id: vertex-ai\n    configurations:\n      \
        vertex_auth_type: serviceAccount\n      vertex_region: europe-west4\n      vertex_project_id: p\n      \
        vertex_service_account_json: ${env:VERTEX}\n  bedrock:\n    name: Bedrock\n    ai_provider_id: bedrock\n    \
        configurations:\n      aws_auth_type: accessKey\n      aws_access_key_id: ${env:AWS_ID}\n      \
        aws_secret_access_key: ${file:../aws.key}\n      aws_region: eu-central-1\n";
    let (server, project) = (Server::start(), Project::of(manifest));
    project.file("aws.key", "aws/Secret+key==\n");
    let run = |arguments: &[&str]| {
        let mut cli = project
            .at(&server.url(), [])
            .env("VERTEX", &document)
            .env("AWS_ID", "AKIASECRETID7");
        for argument in arguments {
            cli = cli.arg(argument);
        }
        cli.env("GATEWRIGHT_FINGERPRINT_KEY", "fp").run()
    };
    let runs = [
        run(&["plan", "--full"]).expect(0),
        run(&["plan", "--full", "--format", "json"]).expect(0),
        run(&["apply", "--yes", "--full"]).expect(0),
        run(&["plan", "--detailed-exitcode"]).expect(0),
    ];
    for secret in [pem, "MIIpem+/body==", "AKIASECRETID7", "aws/Secret+key=="] {
        for run in &runs {
            assert_no_leak("the output", &run.output(), secret);
        }
        assert_no_leak("the ledger", &project.state(), secret);
    }
}

/// What the server shows may repeat a key, and a line may end in the middle of it.
#[test]
fn a_text_that_is_cut_in_the_middle_of_a_key_shows_no_part_of_it() {
    let (server, project) = (Server::start(), Project::small());
    let url = server.url();
    run(&project, &url, OPENAI_KEY, ["apply", "--yes"]).expect(0);
    let workspace = server.workspace_path("Payments");
    server.make_workspace("Theirs");
    let theirs = server.workspace_path("Theirs");
    server.put(
        &theirs,
        json!({ "description": format!("use {OPENAI_KEY}") }),
    );
    let part = &OPENAI_KEY[..6];
    let cut = format!("{}{OPENAI_KEY}", "x".repeat(50));
    server.put(&workspace, json!({ "description": cut }));
    for arguments in [
        ["plan", "--full"],
        ["plan", "--format=json"],
        ["drift", "--full"],
        ["adopt", "--drift"],
        ["import", "--dry-run"],
        ["import", "--format=json"],
        ["apply", "--yes"],
    ] {
        let run = run(&project, &url, OPENAI_KEY, arguments);
        assert!(!run.output().contains(part), "{arguments:?}: {run}");
        for file in walkdir::WalkDir::new(project.path()).into_iter().flatten() {
            let text = std::fs::read_to_string(file.path()).unwrap_or_default();
            assert!(!text.contains(part), "{arguments:?}: {file:?}\n{text}");
        }
    }
}

#[test]
fn a_secret_that_is_repeated_where_the_api_has_none_is_in_no_ledger() {
    let (server, project) = (Server::start(), Project::small());
    project.edit(
        "description: Checkout",
        "description: \"use ${env:OPENAI_API_KEY}\"",
    );
    let url = server.url();
    let apply = run(&project, &url, OPENAI_KEY, ["apply", "--yes"]).expect(0);
    let same = run(&project, &url, OPENAI_KEY, ["plan", "--detailed-exitcode"]).expect(0);
    let description = server.workspace("Payments")["description"].clone();
    assert_eq!(description, format!("use {OPENAI_KEY}"));
    // The old one is nobody's secret any more, and is not shown either.
    let other = run(&project, &url, NEW_KEY, ["plan", "--full"]).expect(0);
    let changes = ["~ workspaces.payments", "~ integrations.openai-prod"];
    assert_eq!(other.changes(), changes, "{other}");
    assert_quiet(&project, &[&apply, &same, &other]);
}

#[test]
fn the_token_behind_the_word_bearer_is_hidden_alone() {
    let (server, project) = (Server::start(), Project::small());
    project.edit(
        "    key: ${env:OPENAI_API_KEY}\n",
        "    key: ${env:OPENAI_API_KEY}\n    configurations: { custom_host: \"https://h.example/v1\", \
         custom_headers: { authorization: \"Bearer ${env:TOKEN}\" } }\n",
    );
    const TOKEN: &str = "tok-alone-31337";
    let body = json!({ "message": format!("no such token: {TOKEN}") }).to_string();
    let proxy = Proxy::start(&server, move |seen| match seen.is_write() {
        true => Fate::answer("400 Bad Request", "", &body),
        false => Fate::Forward,
    });
    let apply = project
        .at(&proxy.url(), ["apply", "--yes"])
        .env("TOKEN", TOKEN);
    let apply = apply.run();
    assert!(apply.stderr.contains("no such token: (secret)"), "{apply}");
    assert_no_leak("the output", &apply.output(), TOKEN);
}

#[test]
fn a_crash_leaves_no_secret_in_the_journal() {
    let (server, project) = (Server::start(), Project::small());
    let gate = crate::support::Gate::closed();
    let hold = gate.clone();
    let proxy = Proxy::start(&server, move |seen| match seen.creates("/configs") {
        true => Fate::Wait(hold.clone()),
        false => Fate::Forward,
    });
    let process = project
        .at(&proxy.url(), ["apply", "--yes"])
        .env("GATEWRIGHT_FINGERPRINT_KEY", "the-fingerprint-key")
        .start();
    proxy.wait_for("the config", |seen| seen.creates("/configs"));
    process.crash();
    assert_eq!(project.state_files(".journal").len(), 1);
    assert!(project.state().contains("integrations.openai-prod"));
    assert_quiet(&project, &[]);
}

#[test]
fn the_key_travels_in_the_header_and_nowhere_else() {
    let (server, project) = (Server::start(), Project::small());
    let proxy = Proxy::start(&server, |_| Fate::Forward);
    project.apply(&proxy.url());
    for seen in proxy.seen() {
        assert!(
            seen.headers.contains(&format!("x-portkey-api-key: {KEY}")),
            "{}",
            seen.headers
        );
        assert_no_leak("a path", &seen.path, KEY);
        assert_no_leak("a body", &seen.body, KEY);
    }
    let bodies: Vec<_> = proxy
        .seen()
        .into_iter()
        .filter(|seen| seen.body.contains("sk-small"))
        .collect();
    assert!(
        bodies
            .iter()
            .all(|seen| seen.path.starts_with("/integrations")),
        "{bodies:#?}"
    );
}
