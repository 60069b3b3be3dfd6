//! What each flag of `gatewright mock` does, on the program.

use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Cli, Standalone};

const DOCUMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/mock/tests/documents");

fn config(name: &str) -> Value {
    json!({ "name": name, "config": { "retry": { "attempts": 1 } } })
}

/// A new mock that never saw a flag would not do; a flag that no test of these files gives has none.
#[test]
fn every_flag_is_tried_by_a_test() {
    let help = Cli::new(["mock", "--help"]).run().expect(0).stdout;
    let own = help.split_once("\nGlobal options:\n").unwrap().0;
    let flags = own.lines().filter_map(|line| {
        let flag = line.trim_start().strip_prefix("--")?;
        Some(format!("--{}", flag.split([' ', '=']).next().unwrap()))
    });
    let flags: Vec<String> = flags.filter(|flag| flag != "--help").collect();
    assert!(flags.len() > 15, "{flags:?}");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let tests: String = [
        "mock_command.rs",
        "mock_flags.rs",
        "mock_state.rs",
        "lag.rs",
        "support/standalone.rs",
    ]
    .iter()
    .map(|file| std::fs::read_to_string(folder.join(file)).unwrap())
    .collect();
    for flag in flags {
        assert!(
            tests.contains(&format!("\"{flag}\"")),
            "{flag} is tried by no test"
        );
    }
}

#[test]
fn what_was_recorded_through_it_is_answered_without_the_other_server() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let upstream = Standalone::start(&[]);
    let recorder = Standalone::start(&["--proxy", &upstream.url, "--record", folder]);
    let made = recorder.post("/configs", config("a"));
    let list = recorder.get("/configs");
    assert_eq!(list["total"], 1);
    assert_eq!(upstream.get("/configs"), list);
    recorder.stop();
    upstream.stop();
    let fault = "operation=listConfigs,status=503,times=1";
    let player = Standalone::start(&["--replay", folder, "--fault", fault]);
    let (status, _) = player.ask(Method::GET, "/configs", None).unwrap();
    assert_eq!(status, 503, "a recording has faults, too");
    assert_eq!(player.get("/configs"), list);
    assert_eq!(player.post("/configs", config("a")), made);
    player.stop();
    for (flags, says) in [
        (["--proxy", "http://127.0.0.1:1/v1"], "--record"),
        (["--record", folder], "--proxy"),
        (["--replay", "/nowhere"], "/nowhere"),
    ] {
        let run = Cli::new(["mock", "--listen", "127.0.0.1:0"])
            .arg(flags[0])
            .arg(flags[1])
            .run()
            .expect(1);
        assert!(run.stderr.contains(says), "{run}");
    }
}

#[test]
fn another_document_is_served_with_state() {
    let garden = format!("{DOCUMENTS}/garden.yaml");
    let mock = Standalone::start(&["--spec", &garden]);
    assert!(mock.url.ends_with("/api/v3"), "{}", mock.url);
    let resources = mock.get("/_mock/resources");
    let first = resources["resources"][0]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    let run = mock.stop();
    assert!(run.stdout.contains(&format!("Keeps {first} by ")), "{run}");
    let run = Cli::new(["mock", "--listen", "127.0.0.1:0", "--spec", "/nowhere.yaml"])
        .run()
        .expect(1);
    assert!(run.stderr.contains("/nowhere.yaml"), "{run}");
}

#[test]
fn profiles_and_revisions_choose_the_description() {
    let wrapped = |mock: &Standalone| mock.post("/configs", config("a"))["data"].is_object();
    let live = Standalone::start(&[]);
    let documented = Standalone::start(&["--profile", "documented"]);
    assert!(!wrapped(&live) && wrapped(&documented));
    documented.stop();
    let earlier = Standalone::start(&["--revision", "arize=2026-07-02"]);
    let description = |mock: &Standalone| mock.get("/_mock/arize/openapi.json");
    assert_ne!(description(&live), description(&earlier));
    live.stop();
    earlier.stop();
    let run = Cli::new(["mock", "--revision", "arize=1999-01-01"])
        .run()
        .expect(1);
    assert!(run.stderr.contains("1999-01-01"), "{run}");
}

#[test]
fn requests_are_judged_as_strictly_as_is_asked() {
    let beyond = json!({ "name": "W", "icon": "x" });
    let wrong = json!({ "name": "W", "description": 5 });
    let outcome = |flags: &[&str]| {
        let mock = Standalone::start(flags);
        let status = |body: &Value| {
            mock.ask(Method::POST, "/admin/workspaces", Some(body))
                .unwrap()
                .0
        };
        let statuses = (status(&beyond), status(&wrong));
        let noted = mock.get("/_mock/requests")["data"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|record| {
                record["notes"]
                    .as_array()
                    .is_some_and(|notes| !notes.is_empty())
            })
            .count();
        mock.stop();
        (statuses, noted)
    };
    assert_eq!(outcome(&[]), ((200, 400), 1));
    assert_eq!(outcome(&["--strict"]), ((400, 400), 0));
    assert_eq!(outcome(&["--lenient"]), ((200, 200), 2));
    let both = Cli::new(["mock", "--strict", "--lenient"]).run().expect(1);
    assert!(both.stderr.contains("--lenient"), "{both}");
}

#[test]
fn pages_are_uneven_on_request() {
    let pages = |flags: &[&str]| {
        let mock = Standalone::start(flags);
        let url = |path: &str| format!("{}/arize/v2{path}", mock.host);
        for number in 0..12 {
            let made = mock.send(
                Method::POST,
                &url("/organizations"),
                Some(&json!({ "name": format!("o{number}") })),
            );
            assert_eq!(made.0, 201, "{}", made.1);
        }
        let (mut sizes, mut cursor) = (Vec::new(), String::new());
        loop {
            let (_, page) = mock.send(
                Method::GET,
                &url(&format!("/organizations?limit=4{cursor}")),
                None,
            );
            sizes.push(page["organizations"].as_array().unwrap().len());
            match page["pagination"]["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
            assert!(sizes.len() < 50);
        }
        mock.stop();
        sizes
    };
    let (even, uneven) = (pages(&[]), pages(&["--uneven-pages"]));
    assert_eq!(even.iter().sum::<usize>(), uneven.iter().sum::<usize>());
    let full = |sizes: &[usize]| sizes[..sizes.len() - 1].iter().all(|size| *size == 4);
    assert!(full(&even) && !full(&uneven), "{even:?} {uneven:?}");
}

#[test]
fn keys_are_the_one_that_was_chosen_or_anybodys() {
    let mock = Standalone::start(&["--api-key", "of the test"]);
    let status = |key: &str| mock.ask_as(key, Method::GET, "/configs", None).unwrap().0;
    assert_eq!(
        (status("of the test"), status("mock-admin-key")),
        (200, 401)
    );
    let run = mock.stop();
    assert!(run.stdout.contains("API key: of the test"), "{run}");

    let mock = Standalone::start(&["--open"]);
    let body = config("mine");
    let made = mock
        .ask_as("one", Method::POST, "/configs", Some(&body))
        .unwrap();
    assert_eq!(made.0, 200);
    let total =
        |key: &str| mock.ask_as(key, Method::GET, "/configs", None).unwrap().1["total"].clone();
    assert_eq!((total("one"), total("two")), (json!(1), json!(0)));
    mock.stop();
}

#[test]
fn a_seed_and_a_clock_decide_every_byte_of_an_answer() {
    let session = || {
        let mock = Standalone::start(&["--seed", "7", "--clock", "2026-01-01T00:00:00Z"]);
        let mut answers: Vec<Value> = (0..3)
            .map(|number| mock.post("/configs", config(&number.to_string())))
            .collect();
        answers.push(mock.get("/configs"));
        answers.push(mock.get("/_mock/clock"));
        mock.stop();
        answers
    };
    let first = session();
    assert_eq!(first[4]["now"], "2026-01-01T00:00:00.000Z");
    assert_eq!(first, session());
}

#[test]
fn answers_wait_for_the_latency() {
    let mock = Standalone::start(&["--latency", "150ms"]);
    let begun = Instant::now();
    mock.get("/configs");
    // At least as long; how much longer is the machine's affair.
    assert!(begun.elapsed() >= Duration::from_millis(150));
    assert_eq!(mock.get("/_mock/latency"), json!({ "latency": "150ms" }));
    mock.stop();
}

#[test]
fn the_journal_is_as_long_and_as_talkative_as_it_was_told() {
    let journal = |flags: &[&str]| {
        let mock = Standalone::start(flags);
        for number in 0..5 {
            mock.post("/configs", config(&number.to_string()));
        }
        let journal = mock.get("/_mock/requests");
        mock.stop();
        let records = journal["data"].as_array().unwrap();
        let bodies = records.iter().filter(|record| record["body"].is_object());
        (records.len(), bodies.count())
    };
    assert_eq!(journal(&[]), (5, 5));
    assert_eq!(journal(&["--journal", "3"]), (3, 3));
    assert_eq!(journal(&["--no-bodies"]), (5, 0));
}
