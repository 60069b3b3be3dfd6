//! What stands on a terminal of 80 columns: no line that is longer, no word that is broken.

use crate::support::{Cli, Project, Server};

const COLUMNS: usize = 80;

/// A text without colours, and of a line that was written over again only what stayed.
fn plain(text: &str) -> Vec<String> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        plain.push_str(before);
        let end = after.find(|c: char| c.is_ascii_alphabetic()).unwrap();
        rest = &after[end + 1..];
    }
    plain.push_str(rest);
    let last = |line: &str| line.rsplit('\r').next().unwrap().to_owned();
    plain.lines().map(last).collect()
}

/// Runs a command at a terminal and in pipes, and asserts that the terminal shows the same words
/// on lines that fit.
#[track_caller]
fn assert_fits(cli: impl Fn() -> Cli, code: i32) -> String {
    let (ended, screen) = cli().run_at_terminal(80);
    let piped = cli().run();
    assert_eq!((ended, piped.code), (code, code), "{screen}\n{piped}");
    assert!(screen.contains("\x1b["), "no colours: {screen}");
    let lines = plain(&screen);
    for line in &lines {
        let long = line.chars().count() > COLUMNS;
        // What is longer than that and one word has no place to be broken.
        assert!(
            !long || line.trim().split(' ').count() <= 1,
            "{line}\n{screen}"
        );
    }
    // The gutter beside an excerpt is no word.
    let words = |text: &str| -> Vec<String> {
        let words = text.split_whitespace().filter(|word| *word != "|");
        words.map(str::to_owned).collect()
    };
    let mut shown = words(&lines.join("\n"));
    let mut whole = words(&format!("{}\n{}", piped.stderr, piped.stdout));
    shown.sort();
    whole.sort();
    assert_eq!(shown, whole, "{screen}\n{piped}");
    let escapes = format!("{}{}", piped.stdout, piped.stderr);
    assert!(!escapes.contains('\x1b'), "{piped}");
    lines.join("\n")
}

/// An organisation with long names and long lists in it.
fn project() -> Project {
    let project = Project::small();
    project.edit(
        "name: OpenAI production",
        "name: OpenAI production of the whole company with a name that goes on and on",
    );
    project.edit(
        "    description: The account of the company\n",
        "    description: The account of the company, which finance asked about in March and again in May\n",
    );
    project
}

#[test]
fn plans_and_problems_fit_on_a_terminal() {
    let (server, project) = (Server::start(), project());
    let url = server.url();
    let plan = assert_fits(|| project.at(&url, ["plan"]), 0);
    assert!(plan.contains("+ workspaces.payments"), "{plan}");
    let piped = project.at(&url, ["plan"]).run().expect(0);
    let long = |line: &str| line.chars().count() > COLUMNS;
    assert!(piped.stdout.lines().any(long), "nothing to break: {piped}");
    project.apply(&url);
    let path = server.workspace_path("Payments");
    server.put(
        &path,
        serde_json::json!({ "description": "Somebody else wrote a text here that is as long as a text can be on one line" }),
    );
    let drift = assert_fits(|| project.at(&url, ["drift"]), 2);
    assert!(drift.contains("workspaces.payments"), "{drift}");
    project.edit(
        "ai_provider_id: openai\n",
        "ai_provider_id: openai\n    nmae: x\n",
    );
    project.edit(
        "key: ${env:OPENAI_API_KEY}",
        "key: \"${env:OPENAI_API_KEYS}\"",
    );
    project.edit(
        "workspace_id: payments\n    integration_id: openai-prod",
        "workspace_id: paymnets\n    integration_id: openai-prod",
    );
    let wrong = assert_fits(|| project.cli(["validate"]), 1);
    assert!(wrong.contains("= help: "), "{wrong}");
    assert_fits(|| project.at("http://127.0.0.1:9/v1", ["plan"]), 1);
}

#[test]
fn an_apply_at_a_terminal_ends_with_lines_that_fit() {
    let (server, project) = (Server::start(), project());
    let (code, screen) = project
        .at(&server.url(), ["apply", "--yes"])
        .run_at_terminal(80);
    assert_eq!(code, 0, "{screen}");
    let lines = plain(&screen);
    let long: Vec<&String> = lines
        .iter()
        .filter(|line| line.chars().count() > COLUMNS)
        .collect();
    assert!(long.is_empty(), "{long:#?}");
    // A line that is written over must never have been longer than the terminal is wide.
    for part in screen.split(['\r', '\n']) {
        let width = plain(part).concat().chars().count();
        assert!(width <= COLUMNS, "{part:?}");
    }
    assert!(
        lines.iter().any(|line| line.contains("Applied: ")),
        "{screen}"
    );
}

#[test]
fn what_is_copied_from_a_terminal_is_not_broken() {
    let (server, project) = (Server::start(), project());
    project.apply(&server.url());
    let other = Project::new();
    let import = || other.at(&server.url(), ["import", "--dry-run"]);
    let (_, screen) = import().run_at_terminal(40);
    let piped = import().run().expect(0);
    let line = "    description: The account of the company, which finance asked about in March and again in May";
    assert!(piped.stdout.contains(line), "{piped}");
    assert!(screen.contains(line), "{screen}");
    let json = || project.at(&server.url(), ["plan", "--format", "json"]);
    let (_, screen) = json().run_at_terminal(40);
    serde_json::from_str::<serde_json::Value>(&screen).unwrap();
}

#[test]
fn a_misspelt_command_line_has_the_colours_that_were_asked_for() {
    for (color, coloured) in [("--color=auto", true), ("--color=never", false)] {
        let (ended, screen) = Cli::new(["plna", color]).run_at_terminal(80);
        assert_eq!((ended, screen.contains('\x1b')), (1, coloured), "{screen}");
        assert!(screen.contains("plna"), "{screen}");
    }
}
