//! The commands of README.md run.

use std::path::Path;

use crate::support::{Cli, Process, Project, wait_for};

/// The commands between `<!-- main job -->` and the end of that part: `<!-- /main job -->`, or the
/// next heading where there is no such mark.
fn commands(readme: &str) -> Vec<String> {
    let (_, part) = readme
        .split_once("<!-- main job -->")
        .expect("README.md has no `<!-- main job -->`");
    let part = match part.split_once("<!-- /main job -->") {
        Some((part, _)) => part,
        None => part.split("\n## ").next().unwrap_or(part),
    };
    let mut commands = Vec::new();
    let mut inside = false;
    let mut pending = String::new();
    for line in part.lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            inside = !inside && ["sh", "bash", "console", "shell"].contains(&language.trim());
            continue;
        }
        if !inside {
            continue;
        }
        let line = line.trim();
        let line = line.strip_prefix("$ ").unwrap_or(line);
        if let Some(start) = line.strip_suffix('\\') {
            pending.push_str(start);
            continue;
        }
        let command = std::mem::take(&mut pending) + line;
        let command = command
            .split(" #")
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned();
        if !command.is_empty() && !command.starts_with('#') {
            commands.push(command);
        }
    }
    commands
}

fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in command.chars() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, c) if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            (_, c) => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[test]
fn the_main_job_of_the_readme_works_as_it_stands_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).expect("README.md");
    let commands = commands(&readme);
    assert!(
        !commands.is_empty(),
        "README.md has no command below `<!-- main job -->`"
    );

    // A copy, so that ledgers do not end in the repository.
    let copy = tempfile::tempdir().unwrap();
    let acme = Project::acme();
    let examples = copy.path().join("examples");
    std::fs::create_dir_all(&examples).unwrap();
    std::fs::rename(acme.path(), examples.join("acme")).unwrap();

    // Other tests and programs may have the port that the README names.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut environment: Vec<(String, String)> = Vec::new();
    let mut servers: Vec<Process> = Vec::new();
    let mut ran = 0;
    for command in commands {
        let command = command.replace(":8787", &format!(":{free}"));
        let mut words = words(&command);
        if words.first().is_some_and(|word| word == "export") {
            for word in &words[1..] {
                let (name, value) = word.split_once('=').expect("export NAME=VALUE");
                environment.push((name.to_owned(), value.to_owned()));
            }
            continue;
        }
        let mut own = Vec::new();
        while let Some((name, value)) = words.first().and_then(|word| word.split_once('=')) {
            own.push((name.to_owned(), value.to_owned()));
            words.remove(0);
        }
        let background = words.last().is_some_and(|word| word == "&");
        if background {
            words.pop();
        }
        // What builds and installs is what built this test.
        if words.len() >= 2
            && words[0] == "cargo"
            && ["build", "install"].contains(&words[1].as_str())
        {
            continue;
        }
        let begin = match words[0].rsplit('/').next().unwrap() {
            "gatewright" => 1,
            "cargo" if words[1] == "run" => {
                1 + words
                    .iter()
                    .position(|word| word == "--")
                    .expect("cargo run ... --")
            }
            _ => panic!("a command that this test does not know: {command}"),
        };
        let mut cli = Cli::new([]).folder(copy.path());
        for (name, value) in environment.iter().chain(&own) {
            cli = cli.env(name, value);
        }
        let is_mock = words.get(begin).is_some_and(|word| word == "mock");
        for word in &words[begin..] {
            cli = cli.arg(word);
        }
        ran += 1;
        if background || is_mock {
            servers.push(cli.start());
            wait_for("the mock to listen", || {
                std::net::TcpStream::connect(("127.0.0.1", free)).ok()
            });
            continue;
        }
        let run = cli.run();
        assert_eq!(run.code, 0, "{command}\n{run}");
    }
    assert!(ran > 0, "README.md runs nothing");
    for server in servers {
        server.signal("TERM");
        server.wait().expect(0);
    }
}

#[test]
fn commands_are_found_where_they_stand() {
    let text = "x\n<!-- main job -->\n## Run it\n\n```sh\n$ cargo build --release\ngatewright plan \\\n  --mock   # look\n```\n\n\
                ```yaml\nnot: this\n```\n<!-- /main job -->\n```sh\nnor this\n```\n";
    assert_eq!(
        commands(text),
        ["cargo build --release", "gatewright plan --mock"]
    );
    assert_eq!(words("a 'b c'  \"d\"e"), ["a", "b c", "de"]);
}
