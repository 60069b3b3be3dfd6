//! `gatewright mock --state`: what survives the process.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Cli, Project, Standalone, wait_for};

#[test]
fn nothing_that_was_acknowledged_is_lost_in_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mock.state");
    let file = file.to_str().unwrap();
    // What was acknowledged in any of the lives of the mock: slugs of configs, and what each is to be.
    let mut kept: Vec<(String, Value)> = Vec::new();
    let mut gone: BTreeSet<String> = BTreeSet::new();
    // All of their writes find room in the audit log, which keeps the last 1,000.
    for life in 0..4 {
        let mock = Standalone::start(&["--state", file]);
        let made = Mutex::new(Vec::new());
        let deleted = Mutex::new(Vec::new());
        let count = AtomicUsize::new(0);
        let (made_by_all, deleted_by_all, counted, served) = (&made, &deleted, &count, &mock);
        std::thread::scope(|scope| {
            for writer in 0..8 {
                scope.spawn(move || {
                    for number in 0..18 {
                        let body = json!({ "name": format!("{life}-{writer}-{number}"),
                            "config": { "retry": { "attempts": 1 } } });
                        let made = served.ask(Method::POST, "/configs", Some(&body));
                        let Some((200, config)) = made else {
                            return;
                        };
                        let slug = config["slug"].as_str().unwrap().to_owned();
                        counted.fetch_add(1, Ordering::SeqCst);
                        let path = format!("/configs/{slug}");
                        // One in three is changed, and one in three deleted; an unknown outcome is no promise.
                        match number % 3 {
                            1 => {
                                let body = json!({ "config": { "retry": { "attempts": 5 } } });
                                let changed = served.ask(Method::PUT, &path, Some(&body));
                                let Some((200, version)) = changed else {
                                    return;
                                };
                                let version = version["version_id"].clone();
                                made_by_all.lock().unwrap().push((slug, version));
                            }
                            2 => {
                                let Some((200, _)) = served.ask(Method::DELETE, &path, None) else {
                                    return;
                                };
                                deleted_by_all.lock().unwrap().push(slug);
                            }
                            _ => {
                                let version = config["version_id"].clone();
                                made_by_all.lock().unwrap().push((slug, version));
                            }
                        }
                    }
                });
            }
            // Killed in the middle of it, when enough has come together.
            wait_for("enough objects", || {
                (count.load(Ordering::SeqCst) >= 100).then_some(())
            });
            mock.kill();
        });
        kept.extend(made.into_inner().unwrap());
        gone.extend(deleted.into_inner().unwrap());
        let mock = Standalone::start(&["--state", file]);
        for (slug, version) in &kept {
            let config = mock.get(&format!("/configs/{slug}"));
            assert_eq!(&config["version_id"], version, "{slug}");
        }
        let all = mock.get("/configs");
        let all = all["data"].as_array().unwrap();
        let slugs: BTreeSet<&str> = all.iter().filter_map(|one| one["slug"].as_str()).collect();
        assert!(gone.iter().all(|slug| !slugs.contains(slug.as_str())));
        assert_eq!(slugs.len(), all.len(), "no slug twice");
        // Each acknowledged write is in the audit log, too.
        let config = mock.get(&format!("/configs/{}", kept[0].0));
        let audit = mock.get(&format!(
            "/audit-logs?start_time=2020-01-01T00:00:00Z&end_time=2100-01-01T00:00:00Z&method=DELETE&organisation_id={}",
            config["organisation_id"].as_str().unwrap()
        ));
        assert!(
            audit["total"].as_u64().unwrap() >= gone.len() as u64,
            "{}",
            audit["total"]
        );
        mock.kill();
    }
    assert!(
        kept.len() > 100 && gone.len() > 50,
        "{} {}",
        kept.len(),
        gone.len()
    );
}

#[test]
fn a_seed_grows_once_and_the_file_is_for_one_mock() {
    let project = Project::small();
    let folder = project.path().to_str().unwrap().to_owned();
    let file = project
        .path()
        .join("mock.state")
        .to_str()
        .unwrap()
        .to_owned();
    let flags = ["--state", &file, "--seed-from", &folder, "--seed", "1"];
    let mock = Standalone::start(&flags);
    let second = Cli::new(["mock", "--listen", "127.0.0.1:0", "--state", &file])
        .run()
        .expect(1);
    assert!(
        second.stderr.contains("another mock has it open"),
        "{second}"
    );
    let total = |mock: &Standalone| mock.get("/admin/workspaces")["total"].as_u64().unwrap();
    let seeded = total(&mock);
    mock.post("/admin/workspaces", json!({ "name": "of a test" }));
    mock.kill();

    // A write that was not finished.
    let mut torn = std::fs::File::options().append(true).open(&file).unwrap();
    std::io::Write::write_all(&mut torn, b"{\"event\":").unwrap();
    let mock = Standalone::start(&flags);
    assert_eq!(total(&mock), seeded + 1);
    mock.post("/_mock/reset", json!({}));
    assert_eq!(total(&mock), seeded, "a reset goes back to the seed");
    let run = mock.stop();
    for says in [
        "Goes on with the state of",
        "is not seeded again",
        "was not finished",
    ] {
        assert!(run.stderr.contains(says), "{says}: {run}");
    }

    std::fs::write(
        &file,
        "{\"gatewright_mock_state\":1,\"api\":\"portkey\"}\n{}\n",
    )
    .unwrap();
    let damaged = Cli::new(["mock", "--listen", "127.0.0.1:0", "--state", &file])
        .run()
        .expect(1);
    assert!(damaged.stderr.contains("mock.state:2: "), "{damaged}");
}
