//! Networks and servers that fail, at every place where it hurts.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use crate::support::{Fate, Gate, Project, Proxy, Seen, Server, at_once, response, text};

/// What creates an object of the small organisation.
const CREATIONS: [&str; 8] = [
    "/admin/workspaces",
    "/secret-references",
    "/integrations",
    "/providers",
    "/guardrails",
    "/configs",
    "/policies/usage-limits",
    "/policies/rate-limits",
];

/// A rule that does something to the first request that is meant, and lets the rest through.
fn once(
    meant: impl Fn(&Seen) -> bool + Send + Sync + 'static,
    fate: impl Fn() -> Fate + Send + Sync + 'static,
) -> impl Fn(&Seen) -> Fate + Send + Sync + 'static {
    let count = AtomicUsize::new(0);
    move |seen| match meant(seen) && count.fetch_add(1, Ordering::SeqCst) == 0 {
        true => fate(),
        false => Fate::Forward,
    }
}

/// The inventory after an apply without faults.
fn undisturbed() -> Vec<String> {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    server.inventory()
}

#[test]
fn a_creation_whose_answer_is_lost_makes_one_object_and_the_apply_goes_on() {
    let expected = undisturbed();
    at_once(CREATIONS, |path| {
        let (server, project) = (Server::start(), Project::small());
        let proxy = Proxy::start(
            &server,
            once(move |seen| seen.creates(path), || Fate::LoseAnswer),
        );
        let apply = project.at(&proxy.url(), ["apply", "--yes"]).run().expect(0);
        assert!(
            apply.stdout.contains("Applied: 8 created"),
            "{path}: {apply}"
        );
        assert_eq!(server.inventory(), expected, "{path}");
        let sent = proxy
            .seen()
            .iter()
            .filter(|seen| seen.creates(path))
            .count();
        assert_eq!(
            sent, 1,
            "{path}: it was not looked for before it was sent again"
        );
        project.assert_converged(&server, &proxy.url());
    });
}

#[test]
fn a_creation_that_is_done_and_answered_with_an_error_makes_one_object() {
    let expected = undisturbed();
    at_once(CREATIONS, |path| {
        let (server, project) = (Server::start(), Project::small());
        let gateway = || {
            Fate::ForwardAndAnswer(response(
                "502 Bad Gateway",
                "content-type: text/html\r\n",
                "<h1>502</h1>",
            ))
        };
        let proxy = Proxy::start(&server, once(move |seen| seen.creates(path), gateway));
        project.at(&proxy.url(), ["apply", "--yes"]).run().expect(0);
        assert_eq!(server.inventory(), expected, "{path}");
        project.assert_converged(&server, &proxy.url());
    });
}

#[test]
fn a_creation_that_did_not_arrive_is_tried_again() {
    let expected = undisturbed();
    let unavailable = || Fate::answer("503 Service Unavailable", "", "try later");
    for (name, fate) in [("503", unavailable as fn() -> Fate), ("cut", || Fate::Cut)] {
        at_once(CREATIONS, |path| {
            let (server, project) = (Server::start(), Project::small());
            let proxy = Proxy::start(&server, once(move |seen| seen.creates(path), fate));
            project.at(&proxy.url(), ["apply", "--yes"]).run().expect(0);
            assert_eq!(server.inventory(), expected, "{name} {path}");
            let sent = proxy
                .seen()
                .iter()
                .filter(|seen| seen.creates(path))
                .count();
            assert_eq!(sent, 2, "{name} {path}");
            project.assert_converged(&server, &proxy.url());
        });
    }
}

#[test]
fn reads_updates_and_deletions_whose_answers_are_lost_are_repeated() {
    for method in ["GET", "PUT", "DELETE"] {
        let (server, project) = (Server::start(), Project::small());
        project.file("org/kept.yaml", "workspaces:\n  kept: { name: Kept }\n");
        let seen = Arc::new(Mutex::new(BTreeSet::new()));
        // Every path loses its first answer.
        let proxy = Proxy::start(&server, |_| Fate::Forward);
        if method == "DELETE" {
            project.apply(&proxy.url());
            std::fs::remove_file(project.path().join("org/all.yaml")).unwrap();
        }
        proxy.rule(move |request| {
            let first =
                request.method == method && seen.lock().unwrap().insert(request.path.clone());
            if first {
                Fate::LoseAnswer
            } else {
                Fate::Forward
            }
        });
        let apply = project.at(&proxy.url(), ["apply", "--yes"]).run();
        assert_eq!(apply.code, 0, "{method}: {apply}");
        if method == "DELETE" {
            assert_eq!(
                server.inventory(),
                ["/workspaces Kept", "/workspaces Shared Team Workspace"]
            );
        }
        proxy.heal();
        project.assert_converged(&server, &proxy.url());
    }
}

#[test]
fn too_many_requests_waits_as_long_as_the_server_says() {
    let cases = [
        ("POST", "/admin/workspaces"),
        ("GET", "/admin/workspaces"),
        ("PUT", "/integrations/openai-prod/models"),
    ];
    at_once(cases, |(method, path)| {
        let (server, project) = (Server::start(), Project::small());
        let meant =
            move |seen: &Seen| seen.method == method && seen.path.split('?').next() == Some(path);
        let slow_down = || {
            Fate::answer(
                "429 Too Many Requests",
                "retry-after: 2\r\n",
                r#"{"message":"slow down"}"#,
            )
        };
        let proxy = Proxy::start(&server, once(meant, slow_down));
        project.at(&proxy.url(), ["apply", "--yes"]).run().expect(0);
        let times: Vec<_> = proxy
            .seen()
            .into_iter()
            .filter(meant)
            .map(|seen| seen.at)
            .collect();
        let waited = times[1] - times[0];
        assert!(
            waited >= Duration::from_secs(2),
            "{method} {path}: {waited:?}"
        );
        assert!(
            waited < Duration::from_secs(10),
            "{method} {path}: {waited:?}"
        );
        project.assert_converged(&server, &proxy.url());
    });
}

#[test]
fn every_write_is_in_the_journal_before_it_is_sent() {
    let (server, project) = (Server::start(), Project::small());
    let folder = project.path().join(".gatewright");
    let unrecorded = Arc::new(Mutex::new(Vec::new()));
    let report = Arc::clone(&unrecorded);
    let proxy = Proxy::start(&server, move |seen| {
        if seen.is_write() {
            let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            let journals =
                entries.filter(|entry| entry.path().extension().is_some_and(|e| e == "journal"));
            let text: String = journals
                .map(|entry| std::fs::read_to_string(entry.path()).unwrap())
                .collect();
            let path = seen.path.split('?').next().unwrap();
            let recorded = text.lines().any(|line| {
                // The last line may be half written at this moment.
                let line: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
                line["event"] == "intent"
                    && line["method"] == seen.method.as_str()
                    && line["path"] == path
            });
            if !recorded {
                report
                    .lock()
                    .unwrap()
                    .push(format!("{} {}", seen.method, seen.path));
            }
        }
        Fate::Forward
    });
    project.apply(&proxy.url());
    project.edit("description: Checkout", "description: Changed");
    project.remove_entry("rate_limits_policies", "per-minute");
    project.apply(&proxy.url());
    let writes = proxy.seen().iter().filter(|seen| seen.is_write()).count();
    assert!(writes >= 13, "only {writes} writes were looked at");
    assert_eq!(*unrecorded.lock().unwrap(), [""; 0]);
}

#[test]
fn a_journal_that_cannot_be_written_stops_the_run_before_the_first_write() {
    let (server, project) = (Server::start(), Project::small());
    // A file stands where the folder should be.
    project.file(".gatewright", "in the way");
    let run = project
        .at(&server.url(), ["apply", "--yes"])
        .run()
        .expect(1);
    assert!(run.stderr.contains(".gatewright"), "{run}");
    assert_eq!(server.writes(), [""; 0]);
}

/// Crashes the program in the middle of every creation, once before the server has it and once
/// after, and wants the next run to end as an undisturbed one.
#[test]
fn a_crash_at_any_creation_is_repaired_by_the_next_run() {
    let expected = undisturbed();
    at_once(CREATIONS, |path| {
        for arrived in [true, false] {
            let (server, project) = (Server::start(), Project::small());
            let gate = Gate::closed();
            let hold = gate.clone();
            let fate = move || match arrived {
                true => Fate::HoldAnswer(hold.clone()),
                false => Fate::Wait(hold.clone()),
            };
            let proxy = Proxy::start(&server, once(move |seen| seen.creates(path), fate));
            let process = project.at(&proxy.url(), ["apply", "--yes"]).start();
            proxy.wait_for("the creation", |seen| seen.creates(path));
            if arrived {
                let done = format!("POST /v1{path} 200");
                crate::support::wait_for("the server to have it", || {
                    server.writes().contains(&done).then_some(())
                });
            }
            process.crash();
            proxy.heal();
            // What had not arrived never does: the connection is gone with the process.
            let apply = project.at(&proxy.url(), ["apply", "--yes"]).run().expect(0);
            assert_eq!(
                server.inventory(),
                expected,
                "{path} arrived: {arrived}\n{apply}"
            );
            project.assert_converged(&server, &proxy.url());
            let ledger = project.ledger();
            assert_eq!(
                ledger.lines().count(),
                9,
                "{path} arrived: {arrived}\n{ledger}"
            );
            gate.open();
        }
    });
}

#[test]
fn a_repeated_request_is_said_once_and_the_document_stays_one() {
    for format in ["human", "json"] {
        let (server, project) = (Server::start(), Project::small());
        let count = AtomicUsize::new(0);
        let proxy = Proxy::start(&server, move |seen| {
            let meant = seen.method == "GET" && seen.path.starts_with("/admin/workspaces");
            match meant && count.fetch_add(1, Ordering::SeqCst) < 2 {
                true => Fate::answer("503 Service Unavailable", "", "busy"),
                false => Fate::Forward,
            }
        });
        let plan = project
            .at(&proxy.url(), ["plan", "--format", format])
            .run()
            .expect(0);
        let said = plan.stderr.matches("retrying in ").count();
        if format == "human" {
            assert_eq!(said, 1, "{plan}");
            assert!(
                plan.stderr.contains("GET /admin/workspaces: 503: busy"),
                "{plan}"
            );
        } else {
            assert_eq!(said, 0, "{plan}");
            plan.json();
        }
    }
}

#[test]
fn https_where_nobody_speaks_it_is_called_that() {
    let (server, project) = (Server::start(), Project::small());
    let url = server.url().replace("http://", "https://");
    let plan = project.at(&url, ["plan"]).run().expect(1);
    assert!(plan.stderr.contains("does not speak TLS"), "{plan}");
    assert!(plan.stderr.contains("write http://"), "{plan}");
    assert_eq!(plan.stderr.matches("retrying in ").count(), 1, "{plan}");
}

/// The creation takes effect only after the next run has looked for it.
#[test]
fn a_creation_under_way_when_its_run_is_killed_is_waited_for_and_taken_over() {
    let expected = undisturbed();
    at_once(CREATIONS, |path| {
        let (server, project) = (Server::start(), Project::small());
        // Nothing may be taken over here that is not ours.
        let manifest = project.read("org/all.yaml");
        let strict: String = manifest
            .lines()
            .map(|line| match line.starts_with("    name:") {
                true => format!("{line}\n    lifecycle: {{ adopt: false }}\n"),
                false => format!("{line}\n"),
            })
            .collect();
        project.file("org/all.yaml", &strict);
        let gate = Gate::closed();
        let hold = gate.clone();
        let wait = move || Fate::Wait(hold.clone());
        let proxy = Proxy::start(&server, once(move |seen| seen.creates(path), wait));
        let process = project.at(&proxy.url(), ["apply", "--yes"]).start();
        proxy.wait_for("the creation", |seen| seen.creates(path));
        process.crash();
        let next = project.at(&proxy.url(), ["apply", "--yes"]).start();
        next.wait_until_it_says("an earlier run ended a moment ago while it created");
        gate.open();
        let next = next.wait().expect(0);
        assert!(
            next.stderr.contains("is there: an earlier run ended"),
            "{path}: {next}"
        );
        let sent = proxy
            .seen()
            .iter()
            .filter(|seen| seen.creates(path))
            .count();
        assert_eq!(sent, 1, "{path} was sent again\n{next}");
        assert_eq!(server.inventory(), expected, "{path}\n{next}");
        project.assert_converged(&server, &proxy.url());
        assert_eq!(project.ledger().lines().count(), 9, "{path}");
    });
}

#[test]
fn a_creation_whose_effect_shows_late_is_looked_for_more_than_once() {
    let expected = undisturbed();
    at_once(CREATIONS, |path| {
        let (server, project) = (Server::start(), Project::small());
        let gate = Gate::closed();
        let hold = gate.clone();
        let lost = response("504 Gateway Timeout", "", "too late");
        let late = move || Fate::AnswerFirst(lost.clone(), hold.clone());
        let proxy = Proxy::start(&server, once(move |seen| seen.creates(path), late));
        let process = project.at(&proxy.url(), ["apply", "--yes"]).start();
        // A first look finds nothing, and only then the object appears.
        crate::support::wait_for("a look", || {
            let seen = proxy.seen();
            let sent = seen.iter().position(|seen| seen.creates(path))?;
            let list = |seen: &Seen| seen.method == "GET" && seen.path.starts_with(path);
            seen[sent..].iter().any(list).then_some(())
        });
        gate.open();
        let run = process.wait().expect(0);
        let sent = proxy
            .seen()
            .iter()
            .filter(|seen| seen.creates(path))
            .count();
        assert_eq!(sent, 1, "{path} was sent again\n{run}");
        assert_eq!(server.inventory(), expected, "{path}\n{run}");
        project.assert_converged(&server, &proxy.url());
    });
}

#[test]
fn a_crash_between_updates_and_deletions_is_repaired_by_the_next_run() {
    for stage in ["PUT", "DELETE"] {
        let (server, project) = (Server::start(), Project::small());
        project.file("org/kept.yaml", "workspaces:\n  kept: { name: Kept }\n");
        let gate = Gate::closed();
        let hold = gate.clone();
        let proxy = Proxy::start(&server, |_| Fate::Forward);
        if stage == "DELETE" {
            project.apply(&proxy.url());
            std::fs::remove_file(project.path().join("org/all.yaml")).unwrap();
        }
        let count = AtomicUsize::new(0);
        proxy.clear();
        proxy.rule(move |seen| {
            match seen.method == stage && count.fetch_add(1, Ordering::SeqCst) == 1 {
                true => Fate::HoldAnswer(hold.clone()),
                false => Fate::Forward,
            }
        });
        let process = project.at(&proxy.url(), ["apply", "--yes"]).start();
        let meant = |seen: &Seen| seen.method == stage;
        crate::support::wait_for("the second request", || {
            (proxy.seen().into_iter().filter(meant).count() >= 2).then_some(())
        });
        process.crash();
        gate.open();
        proxy.heal();
        project.at(&proxy.url(), ["apply", "--yes"]).run().expect(0);
        if stage == "DELETE" {
            assert_eq!(
                server.inventory(),
                ["/workspaces Kept", "/workspaces Shared Team Workspace"]
            );
        } else {
            assert_eq!(server.inventory().len(), 10);
        }
        project.assert_converged(&server, &proxy.url());
    }
}

#[test]
fn what_a_crashed_run_made_is_owned_even_if_its_entry_goes_before_the_next_run() {
    let (server, project) = (Server::start(), Project::small());
    let gate = Gate::closed();
    let hold = gate.clone();
    // Both policies come after the workspace; the crash is during the config.
    let proxy = Proxy::start(
        &server,
        once(
            |seen| seen.creates("/configs"),
            move || Fate::Wait(hold.clone()),
        ),
    );
    let process = project.at(&proxy.url(), ["apply", "--yes"]).start();
    proxy.wait_for("the config", |seen| seen.creates("/configs"));
    crate::support::wait_for("the policy in the journal", || {
        project
            .state()
            .contains("\"event\":\"record\",\"address\":\"rate_limits_policies.per-minute\"")
            .then_some(())
    });
    process.crash();
    proxy.heal();
    project.remove_entry("rate_limits_policies", "per-minute");
    project.at(&proxy.url(), ["apply", "--yes"]).run().expect(0);
    assert!(
        server.list("/policies/rate-limits").is_empty(),
        "an orphan of the crashed run is left"
    );
    project.assert_converged(&server, &proxy.url());
}

#[test]
fn a_step_that_is_refused_blocks_what_needs_it_and_nothing_else() {
    let (server, project) = (Server::start(), Project::small());
    let proxy = Proxy::start(&server, |seen| match seen.creates("/guardrails") {
        true => Fate::answer(
            "400 Bad Request",
            "content-type: application/json\r\n",
            r#"{"success":false,"data":{"message":"checks are wrong","errorCode":"AB01"}}"#,
        ),
        false => Fate::Forward,
    });
    let run = project.at(&proxy.url(), ["apply", "--yes"]).run().expect(5);
    assert!(run.stderr.contains("guardrails.no-pii"), "{run}");
    assert!(run.stderr.contains("checks are wrong"), "{run}");
    assert!(run.stderr.contains("AB01"), "{run}");
    assert!(run.stderr.contains("org/all.yaml:36:3"), "{run}");
    assert!(run.stderr.contains("further steps waited for it"), "{run}");
    assert!(run.stdout.contains("Applied in part:"), "{run}");
    // The config names the guardrail; the policies do not.
    assert!(server.list("/configs").is_empty());
    assert_eq!(server.list("/policies/usage-limits").len(), 1);
    let document = {
        let again = project
            .at(&proxy.url(), ["apply", "--yes", "--format", "json"])
            .run();
        again.json()
    };
    assert_eq!(document["applied"]["steps"]["failed"], 1, "{document:#}");
    proxy.heal();
    project.apply(&proxy.url());
    assert_eq!(server.inventory(), undisturbed());
    project.assert_converged(&server, &proxy.url());
}

#[test]
fn a_server_that_ignores_what_is_written_is_noticed() {
    let (server, project) = (
        Server::start(),
        Project::of("workspaces:\n  w: { name: W, description: Wanted }\n"),
    );
    let proxy = Proxy::start(&server, |_| Fate::Forward);
    project.apply(&proxy.url());
    project.edit("description: Wanted", "description: Other");
    proxy.rule(|seen| match seen.method.as_str() {
        "PUT" => Fate::answer("200 OK", "content-type: application/json\r\n", "{}"),
        _ => Fate::Forward,
    });
    let run = project.at(&proxy.url(), ["apply", "--yes"]).run().expect(1);
    assert!(run.stderr.contains("after the apply"), "{run}");
    assert!(run.stderr.contains("/description"), "{run}");
    assert!(run.stderr.contains("org/all.yaml:2"), "{run}");
    assert!(!run.stdout.contains("a second plan finds nothing"), "{run}");
}

/// What a run says and does when the server cannot be used at all.
struct Broken {
    name: &'static str,
    fate: fn() -> Fate,
    code: i32,
    says: &'static [&'static str],
}

#[test]
fn servers_that_cannot_be_used_are_said_to_be_so_and_nothing_is_written() {
    let cases = [
        Broken {
            name: "a refused key",
            fate: || {
                Fate::answer(
                    "401 Unauthorized",
                    "content-type: application/json\r\n",
                    r#"{"success":false,"data":{"message":"Unauthorized Request","errorCode":"AB02"}}"#,
                )
            },
            code: 6,
            says: &[
                "error[unauthorised]",
                "401",
                "Unauthorized Request",
                "the API key was not accepted",
            ],
        },
        Broken {
            name: "a key without the scope",
            fate: || {
                Fate::answer(
                    "403 Forbidden",
                    "content-type: application/json\r\n",
                    r#"{"success":false,"data":{"message":"no permission","errorCode":"AB03"}}"#,
                )
            },
            code: 6,
            says: &["error[forbidden]", "403", "no permission", "scope"],
        },
        Broken {
            name: "a web page",
            fate: || {
                Fate::answer(
                    "200 OK",
                    "content-type: text/html\r\n",
                    "<!doctype html><title>Portkey</title><p>Sign in",
                )
            },
            code: 1,
            says: &[
                "error[not-the-api]",
                "not the API's JSON",
                "Sign in",
                "that of the public service is https://api.portkey.ai/v1",
            ],
        },
        Broken {
            name: "another path's page",
            fate: || {
                Fate::answer(
                    "404 Not Found",
                    "content-type: text/html\r\n",
                    "<h1>nginx</h1>",
                )
            },
            code: 1,
            says: &[
                "error[not-the-api]",
                "404",
                "nginx",
                "that of the public service is https://api.portkey.ai/v1",
            ],
        },
        Broken {
            name: "a redirect",
            fate: || Fate::answer("302 Found", "location: https://app.example/login\r\n", ""),
            code: 1,
            says: &["error[not-the-api]", "302"],
        },
        Broken {
            name: "JSON without a list",
            fate: || {
                Fate::answer(
                    "200 OK",
                    "content-type: application/json\r\n",
                    r#"{"hello":"world"}"#,
                )
            },
            code: 1,
            says: &["error[not-the-api]", "no list"],
        },
    ];
    for case in cases {
        let (server, project) = (Server::start(), Project::small());
        let proxy = Proxy::start(&server, move |_| (case.fate)());
        for command in ["plan", "apply", "drift"] {
            let run = project.at(&proxy.url(), [command]).run();
            assert_eq!(run.code, case.code, "{}: {run}", case.name);
            for words in case.says {
                assert!(
                    run.stderr.contains(words),
                    "{}: `{words}`\n{run}",
                    case.name
                );
            }
            assert_eq!(run.changes(), [""; 0], "{}: {run}", case.name);
            let json = project
                .at(&proxy.url(), [command, "--format", "json"])
                .run()
                .expect(case.code);
            json.json();
        }
        assert_eq!(server.total(), 0, "{}", case.name);
        assert!(project.state_files("").is_empty(), "{}", case.name);
    }
}

#[test]
fn one_cause_is_said_once() {
    let (server, project) = (Server::start(), Project::small());
    let run = project
        .at(&server.url(), ["plan"])
        .env("PORTKEY_API_KEY", "pk-wrong")
        .run()
        .expect(6);
    assert_eq!(run.stderr.matches("error[").count(), 1, "{run}");
    let run = project
        .at("http://127.0.0.1:1/v1", ["plan"])
        .run()
        .expect(1);
    assert_eq!(run.stderr.matches("error[").count(), 1, "{run}");
    assert!(
        run.stderr.contains("cannot reach http://127.0.0.1:1/v1"),
        "{run}"
    );
    assert!(run.stderr.contains("--mock"), "{run}");
}

#[test]
fn a_key_that_may_read_and_not_write_is_not_authorised() {
    let (server, project) = (
        Server::start(),
        Project::of("workspaces:\n  w: { name: W }\n"),
    );
    let proxy = Proxy::start(&server, |seen| match seen.is_write() {
        true => Fate::answer(
            "403 Forbidden",
            "content-type: application/json\r\n",
            r#"{"success":false,"data":{"message":"no permission to create","errorCode":"AB03"}}"#,
        ),
        false => Fate::Forward,
    });
    let run = project.at(&proxy.url(), ["apply", "--yes"]).run().expect(6);
    assert!(run.stderr.contains("no permission to create"), "{run}");
    let run = project
        .at(&proxy.url(), ["apply", "--yes", "--format", "json"])
        .run()
        .expect(6);
    assert_eq!(run.json()["applied"]["verified"], false);
}

#[test]
fn a_key_that_cannot_be_a_header_and_a_url_that_is_none_are_said_so() {
    let (server, project) = (Server::start(), Project::small());
    let run = project
        .at(&server.url(), ["plan"])
        .env("PORTKEY_API_KEY", "pk-line\nbreak")
        .run()
        .expect(1);
    assert!(
        run.stderr.contains("cannot stand in an HTTP header"),
        "{run}"
    );
    assert!(!run.output().contains("pk-line"), "{run}");
    for url in ["localhost:8787", "ftp://h/v1", "http://", "nonsense"] {
        let run = project.at(url, ["plan"]).run().expect(1);
        assert!(run.stderr.contains("is not an http(s) URL"), "{url}: {run}");
    }
    let run = project
        .at(&server.url(), ["plan"])
        .without("PORTKEY_API_KEY")
        .run()
        .expect(1);
    assert!(
        run.stderr.contains("there is no API key for portkey"),
        "{run}"
    );
    assert!(run.stderr.contains("PORTKEY_API_KEY"), "{run}");
    assert_eq!(server.total(), 0);
}

#[test]
fn a_list_that_contradicts_itself_is_not_an_empty_list() {
    let (server, project) = (
        Server::start(),
        Project::of("workspaces:\n  w: { name: W }\n"),
    );
    project.apply(&server.url());
    project.forget();
    for data in [json!(null), json!([])] {
        let proxy = Proxy::start(&server, move |seen| match seen.method == "GET" {
            true => Fate::answer(
                "200 OK",
                "content-type: application/json\r\n",
                &json!({ "data": data, "total": 2 }).to_string(),
            ),
            false => Fate::Forward,
        });
        server.clear();
        let run = project.at(&proxy.url(), ["apply", "--yes"]).run();
        assert_eq!(
            run.code, 1,
            "two objects are said to be there and none is shown\n{run}"
        );
        assert_eq!(
            server.writes(),
            [""; 0],
            "a list that contradicts itself was taken for empty\n{run}"
        );
        assert_eq!(text(&server.workspace("W")["name"]), "W");
    }
}
