//! `gatewright mock`.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::support::{Cli, Project, Server, Standalone, wait_for};

#[test]
fn it_says_where_it_listens_serves_its_description_and_stops_cleanly() {
    for signal in ["INT", "TERM"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gatewright"))
            .args(["mock", "--listen", "127.0.0.1:0"])
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map(Result::unwrap);
        let url = lines.find_map(|line| {
            line.split_whitespace()
                .find(|word| word.starts_with("http://"))
                .map(str::to_owned)
        });
        let url = url.expect("it does not say where it listens");
        assert!(url.ends_with("/v1"), "{url}");
        let key = lines
            .find_map(|line| line.strip_prefix("API key: ").map(str::to_owned))
            .unwrap();

        let host = url.strip_suffix("/v1").unwrap();
        let description = get(&format!("{host}/_mock/openapi.json"));
        assert!(
            description["openapi"].as_str().unwrap().starts_with("3.1"),
            "{}",
            description["openapi"]
        );
        assert!(description["paths"]["/admin/workspaces"]["post"].is_object());

        let project = Project::small();
        let run = |arguments: [&str; 2]| {
            project
                .at(&url, arguments)
                .env("PORTKEY_API_KEY", &key)
                .run()
        };
        run(["apply", "--yes"]).expect(0);
        run(["plan", "--detailed-exitcode"]).expect(0);
        project
            .at(&url, ["plan"])
            .env("PORTKEY_API_KEY", "wrong")
            .run()
            .expect(6);

        let status = Command::new("kill")
            .args(["-s", signal, &child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
        let status = wait_for("the mock to stop", || child.try_wait().unwrap());
        assert_eq!(status.code(), Some(0), "SIG{signal}");
        assert!(
            std::net::TcpStream::connect(host.strip_prefix("http://").unwrap()).is_err(),
            "it still listens"
        );
    }
}

#[test]
fn its_output_says_what_is_needed_to_use_it() {
    let process = Cli::new(["mock", "--listen", "127.0.0.1:0"]).start();
    process.wait_until_it_says("Stop it with Ctrl-C");
    process.signal("TERM");
    let run = process.wait().expect(0);
    let port = run
        .stdout
        .split("127.0.0.1:")
        .nth(1)
        .unwrap()
        .split('/')
        .next()
        .unwrap();
    let text = run.stdout.replace(port, "PORT");
    insta::assert_snapshot!(text, @r#"
    The mock listens on http://127.0.0.1:PORT/v1
    Arize API: http://127.0.0.1:PORT/arize
    API key: mock-admin-key
    Its description: http://127.0.0.1:PORT/_mock/openapi.json
    Stop it with Ctrl-C.
    "#);
    assert_eq!(run.stderr, "", "{run}");
}

fn get(url: &str) -> serde_json::Value {
    let (host, path) = url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut stream, &mut text).unwrap();
    serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[test]
fn a_repository_is_what_it_begins_with() {
    let acme = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/acme");
    let faults = [
        "--seed-from",
        acme,
        "--fault",
        "operation=listWorkspaces,status=503",
    ];
    let mock = Standalone::start(&faults);
    let requests = mock.get("/_mock/requests");
    assert_eq!(requests["total"], 0, "the journal is the clients'");
    let faults = mock.get("/_mock/faults");
    assert_eq!(
        (&faults["data"][0]["seen"], &faults["data"][0]["status"]),
        (&0.into(), &503.into())
    );
    let run = mock.stop();
    assert!(run.stderr.contains(" resources from "), "{run}");
    // Whoever starts it needs its key.
    assert!(run.stdout.contains("API key: mock-admin-key\n"), "{run}");

    let project = Project::small();
    let folder = project.path().to_str().unwrap();
    let mock = Standalone::start(&[
        "--seed-from",
        folder,
        "--clock",
        "2026-01-01T00:00:00Z",
        "--seed",
        "1",
    ]);
    // What the repository declares is there: another checkout of it finds everything.
    let other = Project::small();
    let plan = other
        .at(&mock.url, ["plan"])
        .env("PORTKEY_API_KEY", "mock-admin-key")
        .run();
    assert!(!plan.stdout.contains("8 to create"), "{plan}");
    mock.stop();

    let nowhere = Cli::new(["mock", "--listen", "127.0.0.1:0", "--seed-from", "/nowhere"])
        .run()
        .expect(1);
    assert!(nowhere.stderr.contains("gatewright.yaml"), "{nowhere}");
}

#[test]
fn flags_that_say_nothing_sensible_are_refused() {
    for (flags, says) in [
        (["--fault", "operation=x"], "needs an effect"),
        (["--fault", "stauts=503"], "unknown field"),
        (["--latency", "slow"], "no length of time"),
        (["--clock", "tomorrow"], "--clock"),
        (["--seed", "x"], "--seed"),
    ] {
        let run = Cli::new(["mock"])
            .arg(flags[0])
            .arg(flags[1])
            .run()
            .expect(1);
        assert!(run.stderr.contains(says), "{run}");
    }
}

#[test]
fn an_address_that_cannot_be_listened_on_says_why() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (flag, value, said) in [
        ("--listen", taken.as_str(), "in use"),
        (
            "--listen",
            "8787",
            "write ADDRESS:PORT, such as 127.0.0.1:8787",
        ),
        ("--clock", "noon", "write one such as 2026-01-01T00:00:00Z"),
    ] {
        let run = Cli::new(["mock", flag, value]).run().expect(1);
        assert!(run.stderr.contains(said), "{run}");
    }
}

#[test]
fn a_list_that_is_not_there_is_a_matter_of_the_base_url() {
    let (server, project) = (Server::start(), Project::small());
    let url = format!("{}/nothing", server.url());
    let run = project.at(&url, ["plan"]).run().expect(1);
    assert!(run.stderr.contains("404"), "{run}");
    let said = format!("check that {url} is the API's base URL");
    assert!(run.stderr.contains(&said), "{run}");
}
