//! Ctrl-C.

use crate::support::{Fate, Gate, Project, Proxy, Server, wait_for};

/// A run that is stopped at its first creation of a workspace.
fn held(server: &Server, gate: &Gate) -> Proxy {
    let hold = gate.clone();
    Proxy::start(server, move |seen| {
        match seen.creates("/admin/workspaces") {
            true => Fate::Wait(hold.clone()),
            false => Fate::Forward,
        }
    })
}

#[test]
fn the_first_one_lets_what_is_under_way_end_and_starts_nothing_new() {
    for format in ["human", "json"] {
        let (server, project) = (Server::start(), Project::small());
        let gate = Gate::closed();
        let proxy = held(&server, &gate);
        let process = project
            .at(&proxy.url(), ["apply", "--yes", "--format", format])
            .start();
        proxy.wait_for("the workspace", |seen| seen.creates("/admin/workspaces"));
        // What does not need the workspace ends by itself, so that only one request is under way.
        wait_for("the others", || (server.writes().len() == 1).then_some(()));
        process.signal("INT");
        match format {
            "human" => process.wait_until_it_says("stopping"),
            // A document says nothing before its end, so there is nothing to wait for but time.
            _ => std::thread::sleep(std::time::Duration::from_millis(500)),
        }
        gate.open();
        let run = process.wait().expect(130);
        assert!(run.exited, "the signal ended the process: {run}");
        let document = if format == "json" {
            let document = run.json();
            assert!(
                document["applied"]["steps"]["not_started"]
                    .as_u64()
                    .unwrap()
                    > 0,
                "{document:#}"
            );
            Some(document)
        } else {
            assert!(run.stderr.contains("stopping"), "{run}");
            assert!(run.stdout.contains("not started"), "{run}");
            None
        };
        let ledger = project.ledger();
        assert!(
            ledger.contains("workspaces.payments"),
            "{ledger}\n{document:?}"
        );
        assert!(
            project.state_files(".journal").is_empty(),
            "the ledger has it all"
        );
        assert!(server.list("/configs").is_empty(), "something new began");
        proxy.heal();
        project.apply(&proxy.url());
        assert_eq!(server.inventory().len(), 9, "{:#?}", server.inventory());
        project.assert_converged(&server, &proxy.url());
    }
}

#[test]
fn the_second_one_ends_the_run_at_once_and_the_next_run_repairs_it() {
    let (server, project) = (Server::start(), Project::small());
    let gate = Gate::closed();
    let hold = gate.clone();
    let proxy = Proxy::start(&server, move |seen| {
        match seen.creates("/admin/workspaces") {
            true => Fate::HoldAnswer(hold.clone()),
            false => Fate::Forward,
        }
    });
    let mut process = project
        .at(&proxy.url(), ["apply", "--yes", "--format", "json"])
        .start();
    proxy.wait_for("the workspace", |seen| seen.creates("/admin/workspaces"));
    let made = || {
        server
            .writes()
            .contains(&"POST /v1/admin/workspaces 200".to_owned())
            .then_some(())
    };
    wait_for("the server to have it", made);
    // One that is sent while the program still handles the first one may count as the same.
    while !process.has_ended() {
        process.signal("INT");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let run = process.wait().expect(130);
    assert!(run.exited, "{run}");
    assert_eq!(run.codes(), ["interrupted"], "{run}");
    gate.open();
    proxy.heal();
    project.apply(&proxy.url());
    assert_eq!(server.inventory().len(), 9, "{:#?}", server.inventory());
    project.assert_converged(&server, &proxy.url());
}

#[test]
fn a_run_that_is_interrupted_while_it_reads_writes_nothing_and_exits_alike() {
    for (command, format) in [
        ("apply", "human"),
        ("plan", "human"),
        ("drift", "human"),
        ("plan", "json"),
        ("apply", "json"),
    ] {
        let (server, project) = (Server::start(), Project::small());
        let gate = Gate::closed();
        let hold = gate.clone();
        let proxy = Proxy::start(&server, move |_| Fate::Wait(hold.clone()));
        let process = project
            .at(&proxy.url(), [command, "--format", format])
            .start();
        proxy.wait_for("the first read", |_| true);
        process.signal("INT");
        let run = process.wait();
        // A shell reports 130 in both cases; a caller that looks closer sees the difference.
        assert_eq!(run.code, 130, "{command} {format}: {run}");
        if format == "json" {
            run.json();
        }
        assert_eq!(server.writes(), [""; 0]);
        gate.open();
    }
}

#[test]
fn an_import_is_interrupted_wherever_it_reads() {
    let server = Server::start();
    Project::small().apply(&server.url());
    server.clear();
    // A list that says what there is, and an object of it.
    for path in ["/admin/users", "/configs/"] {
        let project = Project::new();
        let gate = Gate::closed();
        let hold = gate.clone();
        let proxy = Proxy::start(&server, move |seen| match seen.path.starts_with(path) {
            true => Fate::Wait(hold.clone()),
            false => Fate::Forward,
        });
        let process = project.at(&proxy.url(), ["import"]).start();
        proxy.wait_for(path, |seen| seen.path.starts_with(path));
        process.signal("INT");
        let run = process.wait();
        assert_eq!(run.code, 130, "{path}: {run}");
        assert!(
            run.exited && run.stderr.contains("nothing was changed"),
            "{path}: {run}"
        );
        assert!(!project.path().join("org").exists(), "{path}: {run}");
        gate.open();
    }
    assert_eq!(server.writes(), [""; 0]);
}
