//! What the cache of unchanged objects saves, and that it never hides anything.

use std::time::Duration;

use serde_json::json;

use crate::support::{Fate, Project, Proxy, Seen, Server, assert_no_leak, text};

/// How long a stamp needs to be old enough to be believed.
const SETTLING: Duration = Duration::from_millis(3_200);

const ORG: &str = r#"workspaces:
  one: { name: One }
  two: { name: Two }
guardrails:
  a:
    workspace_id: one
    checks: [{ id: default.regexMatch, parameters: { rule: "a+" } }]
    actions: { deny: true, async: false }
  b:
    workspace_id: two
    checks: [{ id: default.regexMatch, parameters: { rule: "b+" } }]
    actions: { deny: true, async: false }
configs:
  a: { workspace_id: one, config: { retry: { attempts: 3 } } }
  b: { workspace_id: two, config: { retry: { attempts: 4 } } }
"#;

/// An applied project whose stamps have settled.
fn settled(manifest: &str) -> (Server, Project) {
    let (server, project) = (Server::start(), Project::of(manifest));
    project.apply(&server.url());
    std::thread::sleep(SETTLING);
    (server, project)
}

/// The reads of single configs and guardrails since the last clear.
fn reads(server: &Server) -> usize {
    let traffic = server.traffic();
    ["GET /configs/*", "GET /guardrails/*"]
        .iter()
        .filter_map(|what| traffic.get(*what))
        .sum()
}

#[test]
fn what_has_not_changed_is_read_once_and_what_has_is_read_again() {
    let (server, project) = settled(ORG);
    server.clear();
    project
        .at(&server.url(), ["plan", "--detailed-exitcode"])
        .run()
        .expect(0);
    assert_eq!(reads(&server), 4, "a cold cache");
    server.clear();
    project
        .at(&server.url(), ["plan", "--detailed-exitcode"])
        .run()
        .expect(0);
    assert_eq!(reads(&server), 0, "a warm cache");
    assert_eq!(
        server.traffic().get("GET /guardrails"),
        Some(&1),
        "all workspaces at once"
    );

    let config = text(&server.named("/configs", "a")["slug"]);
    server.put(
        &format!("/configs/{config}"),
        json!({ "config": { "retry": { "attempts": 5 } } }),
    );
    server.clear();
    let drift = project.at(&server.url(), ["drift"]).run().expect(2);
    assert!(drift.stdout.contains("configs.a"), "{drift}");
    assert_eq!(reads(&server), 1, "only what changed is read");
    // It changed just now, so it may change again under the same stamp: it is not kept yet.
    server.clear();
    project.at(&server.url(), ["drift"]).run().expect(2);
    assert_eq!(reads(&server), 1);

    server.clear();
    project
        .at(&server.url(), ["drift", "--no-cache"])
        .run()
        .expect(2);
    assert_eq!(reads(&server), 4, "without a cache everything is read");
}

#[test]
fn a_damaged_cache_is_as_good_as_none() {
    let (server, project) = settled(ORG);
    project
        .at(&server.url(), ["plan", "--detailed-exitcode"])
        .run()
        .expect(0);
    let files = project.state_files(".json");
    assert_eq!(files.len(), 1, "{files:?}");
    for damage in ["", "{", "[]", "{\"gatewright_cache\":9}", "\u{fffd}"] {
        std::fs::write(&files[0], damage).unwrap();
        server.clear();
        project
            .at(&server.url(), ["plan", "--detailed-exitcode"])
            .run()
            .expect(0);
        assert_eq!(reads(&server), 4, "{damage:?}");
    }
    let ignored = std::fs::read_to_string(project.path().join(".gatewright/cache/.gitignore"));
    assert_eq!(
        ignored.unwrap(),
        "*\n",
        "the cache stays out of version control"
    );
}

#[test]
fn an_object_with_a_secret_in_it_is_not_kept() {
    let secret = "sk-webhook-7Qv/Z+w==";
    let manifest = r#"workspaces: { one: { name: One } }
guardrails:
  hook:
    workspace_id: one
    checks:
      - id: default.webhook
        parameters:
          webhookURL: https://hook.example
          headers: { Authorization: "${env:HOOK}" }
    actions: { deny: true, async: false }
"#;
    let (server, project) = (Server::start(), Project::of(manifest));
    let run = |arguments: [&str; 2]| {
        project
            .at(&server.url(), arguments)
            .env("HOOK", secret)
            .run()
    };
    run(["apply", "--yes"]).expect(0);
    std::thread::sleep(SETTLING);
    for _ in 0..2 {
        server.clear();
        run(["plan", "--detailed-exitcode"]).expect(0);
        assert_eq!(reads(&server), 1, "it is read every time");
    }
    assert_no_leak("the state", &project.state(), secret);
}

#[test]
fn a_list_across_workspaces_is_never_taken_as_complete() {
    let (server, project) = (Server::start(), Project::of(ORG));
    project.apply(&server.url());
    let across = |seen: &Seen| seen.path.starts_with("/guardrails?organisation_id=");
    // One server shows only what belongs to no workspace, another wants to hear of one.
    for (status, body) in [
        ("200 OK", r#"{"data":[],"total":0}"#),
        (
            "400 Bad Request",
            r#"{"success":false,"data":{"message":"workspace_id"}}"#,
        ),
        (
            "403 Forbidden",
            r#"{"success":false,"data":{"message":"no"}}"#,
        ),
    ] {
        let proxy = Proxy::start(&server, move |seen| match across(seen) {
            true => Fate::answer(status, "content-type: application/json\r\n", body),
            false => Fate::Forward,
        });
        // Another address has a ledger of its own, which adopts and then knows everything.
        project.apply(&proxy.url());
        proxy.clear();
        project
            .at(&proxy.url(), ["plan", "--detailed-exitcode"])
            .run()
            .expect(0);
        assert!(
            proxy.seen().iter().any(across),
            "{status}: it was not asked"
        );
        let own = proxy
            .seen()
            .iter()
            .filter(|seen| seen.path.starts_with("/guardrails?workspace_id="))
            .count();
        assert_eq!(own, 2, "{status}: each workspace was asked");
    }
}
