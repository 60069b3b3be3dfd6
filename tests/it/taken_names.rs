//! Names that are taken while a plan is carried out: by somebody else, or by this very run when
//! the answer to a creation was lost.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::support::{Cli, Fate, Gate, HTTP, KEY, Project, Proxy, RUNTIME, Server};

/// Names of organizations are unique, so that a second one is a conflict.
const RETAIL: &str =
    "system: arize\norganizations:\n  retail: { name: Retail, description: Ours }\n";
const PATH: &str = "/v2/organizations";

fn run<const N: usize>(project: &Project, proxy: &Proxy, arguments: [&str; N]) -> Cli {
    project.on(proxy.address(), arguments)
}

/// The descriptions of the organizations that there are.
fn descriptions(server: &Server) -> Vec<String> {
    let url = format!("http://{}{PATH}", server.address());
    let list: serde_json::Value = RUNTIME.block_on(async {
        let answer = HTTP.get(url).bearer_auth(KEY).send().await.unwrap();
        answer.json().await.unwrap()
    });
    let items = list["organizations"].as_array().unwrap().iter();
    items
        .map(|item| crate::support::text(&item["description"]))
        .collect()
}

#[test]
fn what_somebody_else_made_meanwhile_is_said_and_taken_over_by_the_next_run() {
    let (server, project) = (Server::of_all(), Project::of(RETAIL));
    let gate = Gate::closed();
    let hold = gate.clone();
    let proxy = Proxy::start(&server, move |seen| match seen.creates(PATH) {
        true => Fate::Wait(hold.clone()),
        false => Fate::Forward,
    });
    let process = run(&project, &proxy, ["apply", "--yes"]).start();
    proxy.wait_for("the creation", |seen| seen.creates(PATH));
    let url = format!("http://{}{PATH}", server.address());
    let theirs = json!({ "name": "Retail", "description": "Theirs" });
    let request = HTTP.post(url).bearer_auth(KEY).json(&theirs);
    RUNTIME.block_on(async { request.send().await.unwrap() });
    gate.open();
    let apply = process.wait().expect(1);
    assert!(apply.stderr.contains("409"), "{apply}");
    assert!(
        apply.stderr.contains("somebody made it after the plan"),
        "{apply}"
    );
    // Nothing of theirs was touched without a plan that shows it.
    assert_eq!(descriptions(&server), ["Theirs"]);
    let plan = run(&project, &proxy, ["plan"]).run().expect(0);
    assert!(
        plan.stdout.contains("~ arize:organizations.retail"),
        "{plan}"
    );
    run(&project, &proxy, ["apply", "--yes"]).run().expect(0);
    assert_eq!(descriptions(&server), ["Ours"]);
    run(&project, &proxy, ["plan", "--detailed-exitcode"])
        .run()
        .expect(0);
}

#[test]
fn what_an_earlier_attempt_made_after_all_is_this_runs_own() {
    let (server, project) = (Server::of_all(), Project::of(RETAIL));
    let posts = AtomicUsize::new(0);
    // The answer is lost, and lists show the new object only after the second attempt.
    let proxy = Proxy::start(&server, move |seen| {
        let creation = seen.creates(PATH);
        let before = posts.fetch_add(usize::from(creation), Ordering::SeqCst);
        let empty = r#"{"organizations":[],"pagination":{"has_more":false}}"#;
        match (creation, before) {
            (true, 0) => Fate::LoseAnswer,
            (false, 1) if seen.path.starts_with(PATH) => {
                Fate::answer("200 OK", "content-type: application/json\r\n", empty)
            }
            _ => Fate::Forward,
        }
    });
    run(&project, &proxy, ["apply", "--yes"]).run().expect(0);
    let sent = proxy.seen();
    assert_eq!(sent.iter().filter(|seen| seen.creates(PATH)).count(), 2);
    assert_eq!(descriptions(&server), ["Ours"]);
    run(&project, &proxy, ["plan", "--detailed-exitcode"])
        .run()
        .expect(0);
}
