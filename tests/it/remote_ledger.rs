//! Ledgers in object storage and in shared folders.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::support::{
    Bucket, CLOUDS, Cli, Cloud, Fate, Gate, Project, Proxy, STORE_SECRET, Server, assert_no_leak,
    at_once, wait_for,
};

/// A repository whose ledgers are somewhere else.
fn project_with(place: &str) -> Project {
    let project = Project::small();
    let text = project.read("gatewright.yaml");
    project.file("gatewright.yaml", &format!("{text}ledger: {place}\n"));
    project
}

/// A folder that several clones share.
struct Shared(tempfile::TempDir);

impl Shared {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn project(&self) -> Project {
        project_with(&self.path().display().to_string())
    }

    fn files(&self, part: &str) -> Vec<PathBuf> {
        let files = walkdir::WalkDir::new(self.path()).sort_by_file_name();
        let files = files.into_iter().filter_map(Result::ok);
        let files = files.filter(|file| file.file_type().is_file());
        let files = files.map(walkdir::DirEntry::into_path);
        files
            .filter(|path| path.to_string_lossy().contains(part))
            .collect()
    }
}

/// A proxy that keeps the answer to the creation of the workspace until the gate opens.
fn held(server: &Server, gate: &Gate) -> Proxy {
    let hold = gate.clone();
    Proxy::start(server, move |seen| {
        match seen.creates("/admin/workspaces") {
            true => Fate::HoldAnswer(hold.clone()),
            false => Fate::Forward,
        }
    })
}

#[test]
fn clones_that_share_a_folder_share_what_they_own() {
    let (server, shared) = (Server::start(), Shared::new());
    let (one, other) = (shared.project(), shared.project());
    one.apply(&server.url());
    assert!(
        one.state_files(".ledger").is_empty(),
        "a ledger is in the repository as well"
    );
    let [ledger] = shared.files(".ledger").try_into().unwrap();
    let text = std::fs::read_to_string(ledger).unwrap();
    assert!(text.contains("\"workspaces.payments\""), "{text}");
    let folders = std::fs::read_dir(shared.path()).unwrap();
    let folders = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(
        !folders.into_iter().any(|name| name.ends_with(".journal")),
        "a journal is left"
    );
    let plan = other
        .at(&server.url(), ["plan", "--detailed-exitcode"])
        .run();
    assert_eq!(plan.code, 0, "{plan}");
    // What one made, the other one may delete.
    other.remove_entry("rate_limits_policies", "per-minute");
    let apply = other.apply(&server.url());
    assert!(apply.stdout.contains("1 deleted"), "{apply}");
    one.remove_entry("rate_limits_policies", "per-minute");
    one.assert_converged(&server, &server.url());
}

#[test]
fn a_bucket_does_it_as_well_and_sees_no_secret() {
    at_once(CLOUDS, owned_in_a_bucket);
}

fn owned_in_a_bucket(cloud: Cloud) {
    let (server, bucket) = (Server::start(), Bucket::start(cloud));
    let project = project_with(&bucket.place("/team/gatewright"));
    let run = |arguments: [&str; 2]| bucket.variables(project.at(&server.url(), arguments)).run();
    run(["apply", "--yes"]).expect(0);
    let objects = bucket.objects("");
    let keys: Vec<&str> = objects.iter().map(|(key, _)| key.as_str()).collect();
    let host = server.address().to_string().replace(':', "_");
    let stem = format!("team/gatewright/portkey@{host}");
    let [lease, ledger] = keys.try_into().unwrap();
    assert_eq!(ledger, format!("{stem}.ledger"));
    assert!(lease.starts_with(&format!("{stem}.lease/")), "{lease}");
    for (key, text) in &objects {
        assert_no_leak(key, text, crate::support::OPENAI_KEY);
        assert_no_leak(key, text, STORE_SECRET);
    }
    // Every write was in the journal first, and the ledger was created and not overwritten.
    let puts: Vec<_> = bucket
        .asked()
        .into_iter()
        .filter(|(method, ..)| method == "PUT")
        .collect();
    let journaled = puts.iter().filter(|(_, key, _)| key.contains(".journal/"));
    assert!(journaled.count() >= 8, "{puts:#?}");
    let before = bucket.asked().len();
    run(["plan", "--detailed-exitcode"]).expect(0);
    let looked: Vec<_> = bucket.asked()[before..].to_vec();
    assert!(
        looked
            .iter()
            .all(|(method, key, _)| method == "GET" && !key.contains(".lease")),
        "a plan only reads, and takes no lease: {looked:#?}"
    );
    project.edit("description: Checkout", "description: Changed");
    run(["apply", "--yes"]).expect(0);
    run(["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn the_second_of_two_applies_hears_who_where_and_until_when() {
    let (server, shared, gate) = (Server::start(), Shared::new(), Gate::closed());
    let (one, other) = (shared.project(), shared.project());
    let proxy = held(&server, &gate);
    let first = one
        .at(&proxy.url(), ["apply", "--yes"])
        .env("USER", "ann")
        .env("HOSTNAME", "ci-7");
    let first = first.start();
    proxy.wait_for("the workspace", |seen| seen.creates("/admin/workspaces"));
    // Reading is allowed all the time.
    other.at(&proxy.url(), ["plan"]).run().expect(0);
    let second = other
        .at(&proxy.url(), ["apply", "--yes", "--format", "json"])
        .run()
        .expect(3);
    let text = second.json()["diagnostics"].to_string();
    let [lease] = shared.files(".lease/").try_into().unwrap();
    let ticket: Value = serde_json::from_str(&std::fs::read_to_string(lease).unwrap()).unwrap();
    let (process, until) = (&ticket["pid"], ticket["until"].as_str().unwrap());
    for words in [
        format!("ann on ci-7 (process {process})"),
        format!("until {}", &until[..15]),
    ] {
        assert!(text.contains(&words), "`{words}` is not in {text}");
    }
    gate.open();
    first.wait().expect(0);
    other.at(&proxy.url(), ["apply", "--yes"]).run().expect(0);
    assert_eq!(server.inventory().len(), 9, "{:#?}", server.inventory());
}

/// Makes the lease of a run that died end now, as if its time had passed.
fn let_it_end(bucket: &Bucket) {
    let (key, text) = bucket.objects(".lease/").pop().unwrap();
    let mut ticket: Value = serde_json::from_str(&text).unwrap();
    ticket["until"] = json!("2026-01-01T00:00:00Z");
    bucket.put(&key, &ticket.to_string());
}

#[test]
fn a_killed_run_blocks_for_its_lease_and_the_next_machine_knows_what_it_did() {
    at_once(CLOUDS, killed);
}

fn killed(cloud: Cloud) {
    let (server, bucket, gate) = (Server::start(), Bucket::start(cloud), Gate::closed());
    let project = || project_with(&bucket.place(""));
    let (one, other) = (project(), project());
    let proxy = held(&server, &gate);
    let run = |cli: Cli| bucket.variables(cli);
    let first = run(one.at(&proxy.url(), ["apply", "--yes"]))
        .env("USER", "ann")
        .start();
    proxy.wait_for("the workspace", |seen| seen.creates("/admin/workspaces"));
    wait_for("the others", || (server.writes().len() == 2).then_some(()));
    first.crash();
    gate.open();
    proxy.heal();
    for (key, text) in bucket.objects("") {
        assert_no_leak(&key, &text, crate::support::OPENAI_KEY);
    }
    let refused = run(other.at(&proxy.url(), ["apply", "--yes"]))
        .run()
        .expect(3);
    assert!(
        refused.stderr.contains("its lease ends by itself"),
        "{refused}"
    );
    let_it_end(&bucket);
    let next = run(other.at(&proxy.url(), ["apply", "--yes"]))
        .run()
        .expect(0);
    assert!(
        next.stderr.contains("took over the lease of ann on "),
        "{next}"
    );
    assert_eq!(server.inventory().len(), 9, "{:#?}", server.inventory());
    assert!(bucket.objects(".journal/").is_empty(), "journals are left");
    // All of it is ours, also what nobody heard an answer about.
    let ledger = bucket.objects(".ledger").pop().unwrap().1;
    assert_eq!(ledger.lines().count(), 9, "{ledger}");
    run(other.at(&proxy.url(), ["plan", "--detailed-exitcode"]))
        .run()
        .expect(0);
}

#[test]
fn a_run_that_lost_its_lease_sends_nothing_more_and_says_whom_to() {
    at_once(CLOUDS, lost_its_lease);
}

fn lost_its_lease(cloud: Cloud) {
    let (server, bucket, gate) = (Server::start(), Bucket::start(cloud), Gate::closed());
    let project = project_with(&bucket.place(""));
    let proxy = held(&server, &gate);
    let run = bucket
        .variables(project.at(&proxy.url(), ["apply", "--yes"]))
        .start();
    proxy.wait_for("the workspace", |seen| seen.creates("/admin/workspaces"));
    wait_for("the others", || (server.writes().len() == 2).then_some(()));
    let (key, text) = bucket.objects(".lease/").pop().unwrap();
    let mut ticket: Value = serde_json::from_str(&text).unwrap();
    for (field, value) in [("run", "other"), ("owner", "eve"), ("host", "laptop")] {
        ticket[field] = json!(value);
    }
    let (folder, number) = key.rsplit_once('/').unwrap();
    let next = format!("{folder}/{:012}", number.parse::<u64>().unwrap() + 1);
    bucket.put(&next, &ticket.to_string());
    let before = server.writes().len();
    let tried = || {
        bucket
            .asked()
            .iter()
            .any(|(_, key, status)| *key == next && *status == 200)
    };
    // It reads what is in the way of its renewal.
    wait_for("the run to miss its lease", || tried().then_some(()));
    gate.open();
    let run = run.wait().expect(5);
    assert!(
        run.stderr
            .contains("this run lost its lease: eve on laptop"),
        "{run}"
    );
    assert!(run.stderr.contains("nothing more is sent"), "{run}");
    assert_eq!(server.writes().len(), before, "{:#?}", server.writes());
    assert!(
        bucket.objects(".ledger").is_empty(),
        "the ledger is the other one's"
    );
    assert!(
        !bucket.objects(".journal/").is_empty(),
        "what was done is in the journal"
    );
}

#[test]
fn a_ledger_that_somebody_else_wrote_meanwhile_is_not_overwritten() {
    at_once(CLOUDS, overtaken);
}

fn overtaken(cloud: Cloud) {
    let (server, bucket, gate) = (Server::start(), Bucket::start(cloud), Gate::closed());
    let project = project_with(&bucket.place("/p"));
    let (hold, armed) = (gate.clone(), Arc::new(AtomicBool::new(false)));
    let holds = Arc::clone(&armed);
    let proxy = Proxy::start(&server, move |seen| {
        match seen.method == "PUT" && holds.load(Ordering::SeqCst) {
            true => Fate::HoldAnswer(hold.clone()),
            false => Fate::Forward,
        }
    });
    let apply = || bucket.variables(project.at(&proxy.url(), ["apply", "--yes"]));
    apply().run().expect(0);
    project.edit("description: Checkout", "description: Changed");
    armed.store(true, Ordering::SeqCst);
    let run = apply().start();
    proxy.wait_for("the change", |seen| seen.body.contains("Changed"));
    let (key, text) = bucket.objects(".ledger").pop().unwrap();
    bucket.put(&key, &text);
    gate.open();
    let run = run.wait().expect(1);
    assert!(run.stderr.contains("somebody else wrote"), "{run}");
    assert!(
        run.stderr.contains("what this run did is in its journal"),
        "{run}"
    );
    assert_eq!(bucket.objects(".ledger"), [(key, text)]);
    // The next run reads the journal.
    apply().run().expect(0);
    assert!(bucket.objects(".journal/").is_empty(), "journals are left");
    let ledger = bucket.objects(".ledger").pop().unwrap().1;
    assert!(ledger.contains("\"Changed\""), "{ledger}");
}

#[test]
fn a_store_that_cannot_be_used_is_named_before_anything_is_sent() {
    at_once(CLOUDS, unusable);
}

fn unusable(cloud: Cloud) {
    let server = Server::start();
    let bucket = Bucket::start(cloud);
    let project = project_with(&bucket.place("/p"));
    // Nobody is signed in.
    let wrong = bucket.variables_of_a_stranger(project.at(&server.url(), ["plan"]));
    let wrong = wrong.run().expect(1);
    assert!(wrong.stderr.contains(&bucket.place("/p")), "{wrong}");
    assert!(wrong.stderr.contains("credentials"), "{wrong}");
    assert_no_leak("a refusal", &wrong.output(), STORE_SECRET);
    // It can be read and not written.
    bucket.refuse(true);
    let refused = bucket
        .variables(project.at(&server.url(), ["apply", "--yes"]))
        .run()
        .expect(1);
    assert!(refused.stderr.contains("permission denied"), "{refused}");
    assert_eq!(server.writes(), [""; 0]);
    // It becomes unwritable while the run is on.
    bucket.refuse(false);
    let gate = Gate::closed();
    let proxy = held(&server, &gate);
    let run = bucket
        .variables(project.at(&proxy.url(), ["apply", "--yes"]))
        .start();
    proxy.wait_for("the workspace", |seen| seen.creates("/admin/workspaces"));
    wait_for("the others", || (server.writes().len() == 2).then_some(()));
    bucket.refuse(true);
    gate.open();
    let run = run.wait().expect(5);
    assert!(run.stderr.contains("what was done was done"), "{run}");
    assert!(
        !run.stderr.contains("creating workspaces.payments"),
        "it was created: {run}"
    );
    assert_eq!(server.writes().len(), 2, "{:#?}", server.writes());
}

#[test]
fn the_embedded_mock_needs_no_store() {
    let project = project_with("az://container/p");
    let plan = project.cli(["plan"]).run().expect(1);
    assert!(
        plan.stderr
            .contains("`az://container/p` is no place for a ledger"),
        "{plan}"
    );
    let apply = project.cli(["apply", "--mock"]).run().expect(0);
    assert!(apply.stdout.contains("8 created"), "{apply}");
}

#[test]
fn a_place_that_is_none_is_refused_with_its_line() {
    for (place, words) in [
        ("ftp://host/x", "none of s3://"),
        (
            "s3://key:secret@bucket",
            "credentials and options come from the environment",
        ),
    ] {
        let project = project_with(place);
        let run = project.cli(["validate"]).run().expect(1);
        assert!(run.stderr.contains(words), "{run}");
        assert!(run.stderr.contains("gatewright.yaml:3"), "{run}");
    }
}
