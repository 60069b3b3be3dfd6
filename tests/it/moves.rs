//! Secrets of entries that move: whether a value changed is known across the move.

use crate::support::{
    Cli, Fate, Gate, Project, Proxy, Run, Seen, Server, assert_no_leak, text, wait_for,
};

const MANIFEST: &str = "workspaces:
  w: { name: W }
virtual_keys:
  one: { name: One, provider: openai, workspace_id: w, key: \"${env:K_ONE}\" }
  two: { name: Two, provider: openai, workspace_id: w, key: \"${env:K_TWO}\" }
";

// All fit one mask.
const OLD: &str = "sk-begin-AAAAAAAA-end-9999";
const NEW: &str = "sk-begin-BBBBBBBB-end-9999";

/// Runs a command with the values of both keys.
fn run(project: &Project, url: &str, keys: [&str; 2], arguments: &[&str]) -> Run {
    let cli = project
        .at(url, [])
        .env("GATEWRIGHT_FINGERPRINT_KEY", "the-fingerprint-key");
    with(cli, keys, arguments)
}

/// The same without a key for fingerprints.
fn blind(project: &Project, url: &str, keys: [&str; 2], arguments: &[&str]) -> Run {
    with(project.at(url, []), keys, arguments)
}

fn with(cli: Cli, [one, two]: [&str; 2], arguments: &[&str]) -> Run {
    let cli = cli.env("K_ONE", one).env("K_TWO", two);
    arguments.iter().fold(cli, |cli, it| cli.arg(it)).run()
}

fn applied(server: &Server, url: &str) -> Project {
    let project = Project::of(MANIFEST);
    run(&project, url, [OLD, OLD], &["apply", "--yes"]).expect(0);
    server.clear();
    project
}

fn move_entry(project: &Project, from: &str, to: &str) {
    let moved = format!("  {to}: {{ lifecycle: {{ moved_from: {from} }}, name");
    project.edit(&format!("  {from}: {{ name"), &moved);
}

/// Asserts that a plan with these keys has these changes.
#[track_caller]
fn assert_plan(project: &Project, url: &str, keys: [&str; 2], changes: &[&str]) {
    let code = if changes.is_empty() { 0 } else { 2 };
    let plan = ["plan", "--detailed-exitcode"];
    let plan = run(project, url, keys, &plan).expect(code);
    assert_eq!(plan.changes(), changes, "{plan}");
}

#[test]
fn a_secret_that_changes_in_the_commit_of_a_move_is_written() {
    let server = Server::start();
    let url = server.url();
    let project = applied(&server, &url);
    move_entry(&project, "one", "uno");
    move_entry(&project, "two", "due");
    let keys = [NEW, OLD];
    let plan = run(&project, &url, keys, &["plan", "--format", "json"]).expect(0);
    let field = &plan.json()["plan"]["changes"][0]["fields"][0];
    assert_eq!(field["because"], "fingerprint", "{field:#}");
    assert_eq!(field["origin"], "intended", "{field:#}");
    assert_plan(&project, &url, keys, &["~ virtual_keys.uno"]);
    run(&project, &url, keys, &["apply", "--yes"]).expect(0);
    let slug = text(&server.named("/virtual-keys", "One")["slug"]);
    assert_eq!(
        server.writes(),
        [format!("PUT /v1/virtual-keys/{slug} 200")]
    );
    // From now on they are bound to where they are, moved or not.
    let ledger = project.ledger();
    assert!(!ledger.contains("bound_to"), "{ledger}");
    assert_plan(&project, &url, keys, &[]);
    assert_plan(&project, &url, [OLD, OLD], &["~ virtual_keys.uno"]);
    assert_plan(&project, &url, [NEW, NEW], &["~ virtual_keys.due"]);
    for secret in [OLD, NEW] {
        assert_no_leak("the ledger", &ledger, secret);
    }
}

#[test]
fn a_move_alone_writes_no_secret_unless_that_is_asked_for() {
    let server = Server::start();
    let url = server.url();
    let project = applied(&server, &url);
    move_entry(&project, "one", "uno");
    assert_plan(&project, &url, [OLD, OLD], &[]);
    let rotate = ["plan", "--rotate", "virtual_keys/uno"];
    let rotate = run(&project, &url, [OLD, OLD], &rotate).expect(0);
    assert_eq!(rotate.changes(), ["~ virtual_keys.uno"], "{rotate}");
    run(&project, &url, [OLD, OLD], &["apply", "--yes"]).expect(0);
    assert_eq!(server.writes(), [""; 0]);
    assert_plan(&project, &url, [NEW, OLD], &["~ virtual_keys.uno"]);
}

#[test]
fn a_move_is_remembered_until_the_fingerprints_are_made_anew() {
    let server = Server::start();
    let url = server.url();
    let project = applied(&server, &url);
    // Without their key they cannot be, and stay bound to the first address through two moves.
    for (from, to) in [("one", "uno"), ("uno", "eins")] {
        project.file(
            "org/all.yaml",
            &MANIFEST.replace("  one: {", &format!("  {from}: {{")),
        );
        move_entry(&project, from, to);
        blind(&project, &url, [OLD, OLD], &["apply", "--yes"]).expect(0);
        let ledger = project.ledger();
        let line = ledger.lines().find(|line| line.contains(to)).unwrap();
        assert!(line.contains("\"bound_to\":\"virtual_keys.one\""), "{line}");
        assert_eq!(ledger.matches("bound_to").count(), 1, "{ledger}");
    }
    assert_plan(&project, &url, [OLD, OLD], &[]);
    assert_plan(&project, &url, [NEW, OLD], &["~ virtual_keys.eins"]);
    assert_eq!(server.writes(), [""; 0]);
    // Back to where they are bound to.
    let back = "  one: { lifecycle: { moved_from: eins }, name";
    project.file("org/all.yaml", &MANIFEST.replace("  one: { name", back));
    blind(&project, &url, [OLD, OLD], &["apply", "--yes"]).expect(0);
    let ledger = project.ledger();
    assert!(!ledger.contains("bound_to"), "{ledger}");
    assert_plan(&project, &url, [NEW, OLD], &["~ virtual_keys.one"]);
}

#[test]
fn a_crash_in_the_middle_of_a_move_forgets_neither_the_move_nor_the_secrets() {
    let server = Server::start();
    let proxy = Proxy::start(&server, |_| Fate::Forward);
    let url = proxy.url();
    let project = applied(&server, &url);
    let two = text(&server.named("/virtual-keys", "Two")["slug"]);
    let is_second = move |seen: &Seen| seen.is_write() && seen.path.ends_with(&two);
    let (stop, gate) = (is_second.clone(), Gate::closed());
    proxy.rule(move |seen| match stop(seen) {
        true => Fate::Wait(gate.clone()),
        false => Fate::Forward,
    });
    move_entry(&project, "one", "uno");
    move_entry(&project, "two", "due");
    let process = project
        .at(&url, ["apply", "--yes"])
        .env("GATEWRIGHT_FINGERPRINT_KEY", "the-fingerprint-key")
        .env("K_ONE", NEW)
        .env("K_TWO", NEW)
        .start();
    proxy.wait_for("the second key", is_second);
    let recorded = || {
        let journal = project.state_files(".journal").pop()?;
        let text = std::fs::read_to_string(journal).ok()?;
        let is_record = |line: &&str| line.contains("\"record\"") && line.contains("keys.uno");
        text.lines().find(is_record).map(drop)
    };
    wait_for("the first key to be recorded", recorded);
    process.crash();
    proxy.heal();
    assert_plan(&project, &url, [NEW, NEW], &["~ virtual_keys.due"]);
    run(&project, &url, [NEW, NEW], &["apply", "--yes"]).expect(0);
    let ledger = project.ledger();
    for gone in ["bound_to", "virtual_keys.one", "virtual_keys.two"] {
        assert!(!ledger.contains(gone), "{ledger}");
    }
    assert!(server.writes().iter().all(|write| write.starts_with("PUT")));
    assert_eq!(server.list("/virtual-keys").len(), 2);
    assert_plan(&project, &url, [NEW, NEW], &[]);
}
