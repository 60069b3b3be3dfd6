//! A server whose reads lag behind its writes.

use std::time::Duration;

use serde_json::json;

use crate::examples::variables;
use crate::support::{Project, Run, Server, Standalone};

const LAG: Option<Duration> = Some(Duration::from_millis(300));

/// Applies with the patience that the program has unless it is told otherwise.
fn apply(project: &Project, server: &Server) -> Run {
    let patient = ["apply", "--yes", "--retry-wait", "250ms"];
    variables(project.at(&server.url(), patient)).run()
}

#[test]
fn an_apply_against_a_server_that_lags_behind_converges_and_makes_nothing_twice() {
    for project in [Project::small(), Project::acme()] {
        let server = Server::start();
        server.lag(LAG);
        apply(&project, &server).expect(0);
        server.lag(None);
        let plan = project.at(&server.url(), ["plan", "--detailed-exitcode"]);
        variables(plan).run().expect(0);
        let before = server.inventory();
        // Another one right after it, as soon as a person could.
        server.lag(LAG);
        apply(&project, &server).expect(0);
        assert_eq!(server.inventory(), before);
    }
}

#[test]
fn changes_and_deletions_too() {
    let project = Project::small();
    let server = Server::start();
    project.apply(&server.url()).expect(0);
    server.lag(LAG);
    project.edit("Payments", "Payments of all");
    apply(&project, &server).expect(0);
    // Right behind each other: the second reads what was before the first.
    project.edit("Payments of all", "Payments");
    apply(&project, &server).expect(0);
    server.lag(None);
    project.assert_converged(&server, &server.url());
}

#[test]
fn the_flag_sets_the_lag() {
    let mock = Standalone::start(&["--lag", "90s"]);
    assert_eq!(mock.get("/_mock/lag"), json!({ "lag": "1m 30s" }));
    mock.post("/configs", json!({ "name": "x", "config": {} }));
    assert_eq!(mock.get("/configs")["total"], 0);
    mock.post("/_mock/clock", json!({ "advance": "90s" }));
    assert_eq!(mock.get("/configs")["total"], 1);
    mock.stop();
}

#[test]
fn what_no_list_shows_yet_is_not_made_again() {
    let project = Project::small();
    let control = Server::start();
    project.apply(&control.url());

    let server = Server::start();
    server.lag(Some(Duration::from_secs(600)));
    // Each look finds the objects as they were first made, and says so.
    for _ in 0..3 {
        let run = project
            .at(&server.url(), ["apply", "--yes"])
            .run()
            .expect(1);
        assert!(run.stderr.contains("error[not-converged]"), "{run}");
    }
    server.lag(None);
    assert_eq!(server.inventory(), control.inventory());
    project.apply(&server.url()).expect(0);
    project.assert_converged(&server, &server.url());
}
