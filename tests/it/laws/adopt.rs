//! A law about `adopt --drift`: whatever others changed, the manifests say it afterwards, but for
//! what is left with a reason; and every comment is where it was.

use serde_json::Value;

use super::edit::Editor;
use super::repository::{self, Sample};
use super::{Outcome, apply, number};
use crate::support::{Project, Server};

/// A tree as manifests have it.
fn node(value: &Value) -> gatewright::yaml::Node {
    use gatewright::yaml::Node;
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Node::plain(value.to_string()),
        Value::String(text) => Node::text(text),
        Value::Array(items) => Node::sequence(items.iter().map(node)),
        Value::Object(members) => Node::mapping(
            members
                .iter()
                .map(|(key, value)| (key.clone(), node(value))),
        ),
    }
}

/// A JSON manifest the way people write it, with a comment over every field.
pub(super) fn with_comments(json: &str) -> String {
    let document: Value = serde_json::from_str(json).unwrap();
    let text = gatewright::yaml::edit::document(&node(&document), 3);
    let mut lines = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        if indent <= 4 && line.contains(':') && !line.trim_start().starts_with('-') {
            lines.push(format!("{:indent$}# {at}", ""));
        }
        lines.push(line.to_owned());
    }
    lines.join("\n") + "\n"
}

fn comments(text: &str) -> Vec<&str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| line.starts_with("# ")).collect()
}

/// Adopts in a repository of the one sample what another one made of the server.
fn check(sample: &Sample, project: &Project, server: &Server) -> Result<usize, String> {
    let before = project.read("org/0.yaml");
    server.clear();
    let adopt = sample.run(
        project,
        server,
        ["adopt", "--drift", "--yes", "--format", "json"],
    );
    if adopt.code != 0 || adopt.codes().iter().any(|code| code == "adopt-differs") {
        return Err(format!("it does not end well\n{adopt}"));
    }
    let adopted = adopt.json()["adopted"].clone();
    let after = project.read("org/0.yaml");
    if comments(&before) != comments(&after) {
        return Err(format!("comments went\n{before}\n{after}\n{adopt}"));
    }
    let plan = sample.run(project, server, ["plan", "--format", "json"]);
    if plan.code != 0 && plan.code != 3 {
        return Err(format!("there is no plan\n{plan}\n{after}"));
    }
    let left: Vec<(&str, &str)> = adopted["left"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["address"].as_str().unwrap(),
                it["place"].as_str().unwrap(),
            )
        })
        .collect();
    for change in plan.json()["plan"]["changes"].as_array().unwrap() {
        for field in change["fields"].as_array().unwrap() {
            let at = field["pointer"].as_str().unwrap();
            let is_left = |(address, place): &(&str, &str)| {
                change["address"] == *address && (at.starts_with(place) || place.starts_with(at))
            };
            if !left.iter().any(is_left) {
                return Err(format!(
                    "{} {field:#} is neither adopted nor left\n{adopt}",
                    change["address"]
                ));
            }
        }
    }
    match server.writes().as_slice() {
        [] => Ok(adopted["entries"].as_array().unwrap().len()),
        writes => Err(format!("it wrote {writes:?}")),
    }
}

#[test]
fn what_others_change_is_adopted_or_left_with_a_reason() {
    let rounds = number("GATEWRIGHT_LAW_ROUNDS", 3);
    for base in repository::samples() {
        let mut editor = Editor::new(&base, number("GATEWRIGHT_LAW_SEED", 2));
        let (server, project) = (Server::of_all(), base.project());
        let mut sample = base.clone();
        let mut done = 0;
        for round in 0..rounds {
            sample.write(&project);
            if round % 2 == 0 {
                let text = with_comments(&project.read("org/0.yaml"));
                project.file("org/0.yaml", &text);
            }
            if let Outcome::Broken(problem) = apply(&sample, &project, &server) {
                panic!("{problem}");
            }
            // Somebody else, with a copy of the repository.
            let edits = editor.draw(&sample);
            let edited = sample.with(&edits);
            let other = edited.project();
            for ledger in project.state_files(".ledger") {
                let name = ledger.strip_prefix(project.path()).unwrap().to_str();
                let name = name.unwrap();
                other.file(name, &project.read(name));
            }
            if !matches!(apply(&edited, &other, &server), Outcome::Done) {
                continue;
            }
            match check(&sample, &project, &server) {
                Ok(entries) => done += entries,
                Err(problem) => {
                    let edits: Vec<String> = edits.iter().map(ToString::to_string).collect();
                    panic!("after\n{}\n{problem}", edits.join("\n"));
                }
            }
            other.forget();
            sample = edited;
        }
        assert!(done > 0, "nothing was ever adopted");
    }
}
