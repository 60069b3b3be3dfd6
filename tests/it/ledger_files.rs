//! The ledger as a file: in version control, on a full disk, and where nothing has to be written.

use std::path::Path;
use std::process::Command;

use crate::support::{Project, Server};

/// Runs git in a folder, with nobody's configuration.
#[track_caller]
fn git<const N: usize>(folder: &Path, arguments: [&str; N]) {
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
}

#[test]
fn two_branches_that_applied_merge_in_git_without_a_conflict() {
    let (server, project) = (Server::start(), Project::small());
    let folder = project.path();
    git(folder, ["init", "-q", "-b", "main"]);
    project.apply(&server.url());
    let commit = || {
        git(folder, ["add", "-A"]);
        git(folder, ["commit", "-qm", "x"]);
    };
    commit();
    // Both add next to each other, where a merge by lines alone would be a conflict.
    for (branch, names) in [("one", ["aa", "payments2"]), ("two", ["ab", "payments3"])] {
        git(folder, ["switch", "-q", "-c", branch, "main"]);
        for name in names {
            let manifest = format!("workspaces:\n  {name}: {{ name: {name} }}\n");
            project.file(&format!("org/{name}.yaml"), &manifest);
        }
        project.apply(&server.url());
        commit();
    }
    git(folder, ["merge", "-q", "one"]);
    let ledger = project.ledger();
    let lines: std::collections::BTreeSet<&str> = ledger.lines().collect();
    assert_eq!(lines.len(), 13, "{ledger}");
    project.assert_converged(&server, &server.url());
    assert!(project.state_files(".lock").len() == 1, "the lock is there");
    let tracked = Command::new("git")
        .args(["ls-files"])
        .current_dir(folder)
        .output()
        .unwrap();
    let tracked = String::from_utf8(tracked.stdout).unwrap();
    assert!(tracked.contains(".ledger"), "{tracked}");
    for ignored in [".lock", ".journal", "cache/portkey"] {
        assert!(
            !tracked.contains(ignored),
            "{ignored} is in version control: {tracked}"
        );
    }
}

#[test]
fn an_apply_with_nothing_to_do_writes_nothing() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    let lock = project.state_files(".lock").remove(0);
    std::fs::remove_file(&lock).unwrap();
    // Whoever writes here makes a file, and a lock first of all.
    let state = || {
        let files = project.state_files("").into_iter();
        let stamps = files.map(|path| (path.metadata().unwrap().modified().unwrap(), path));
        stamps.collect::<Vec<_>>()
    };
    let before = state();
    let apply = project
        .at(&server.url(), ["apply", "--yes", "--no-cache"])
        .run()
        .expect(0);
    assert!(apply.stdout.contains("Nothing to apply."), "{apply}");
    assert_eq!(state(), before);
    let apply = project.at(
        &server.url(),
        ["apply", "--yes", "--no-cache", "--format", "json"],
    );
    let document = apply.run().expect(0).json();
    assert_eq!(document["applied"]["verified"], true, "{document:#}");
    assert_eq!(state(), before);
}

#[test]
fn on_a_full_disk_what_was_created_is_not_reported_as_failed_and_the_next_run_has_it() {
    // Each file may have so many blocks of 512 bytes: it is full in the journal, or only in the
    // ledger.
    for blocks in [2, 4, 8] {
        let (server, project) = (Server::start(), Project::small());
        let run = project
            .at(&server.url(), ["apply", "--yes", "--parallelism", "1"])
            .with_small_files(blocks)
            .run();
        assert_ne!(run.code, 0, "{run}");
        assert!(run.stderr.contains("make room"), "{blocks}: {run}");
        assert!(run.stderr.contains("run it again"), "{blocks}: {run}");
        let made = server
            .writes()
            .iter()
            .filter(|write| write.ends_with(" 200"))
            .count();
        assert!(
            made > 0,
            "{blocks}: it was full before the first write: {run}"
        );
        let done = run
            .stdout
            .split(" steps done")
            .next()
            .unwrap()
            .rsplit(' ')
            .next();
        let done: usize = done.unwrap().parse().unwrap_or(usize::MAX);
        assert!(
            done > 0 && run.stdout.contains("Applied"),
            "{blocks}: {run}"
        );
        let failed = run
            .stderr
            .lines()
            .filter(|line| line.starts_with("error: creating"));
        for line in failed {
            assert!(line.contains("journal"), "{blocks}: {line}\n{run}");
        }
        project.apply(&server.url());
        assert_eq!(
            server.inventory().len(),
            9,
            "{blocks}: {:#?}",
            server.inventory()
        );
        project.assert_converged(&server, &server.url());
        assert_eq!(project.ledger().lines().count(), 9);
    }
}
