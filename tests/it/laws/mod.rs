//! Laws that hold for every kind, whatever is declared: what is applied is what is there, a second
//! run finds nothing to do, and how the files are arranged says nothing.
//!
//! Entries come from the examples, edits of them from the kinds' own schemas, so that a new kind is
//! covered by being registered and exemplified. The draws are the same in every run;
//! `GATEWRIGHT_LAW_SEED` and `GATEWRIGHT_LAW_ROUNDS` look further.

mod adopt;
mod edit;
mod fields;
mod generate;
mod gone;
mod import;
mod repository;
mod states;

use edit::{Edit, Editor};
use repository::Sample;
use serde_json::Value;

use crate::support::{Project, Server};

fn number(variable: &str, other: u64) -> u64 {
    std::env::var(variable).map_or(other, |text| text.parse().unwrap())
}

/// What became of an apply.
enum Outcome {
    /// It did what was declared, and then there was nothing to do.
    Done,
    /// It could have lost something, and did nothing.
    Refused,
    /// It broke a law.
    Broken(String),
}

/// Applies, and looks again.
fn apply(sample: &Sample, project: &Project, server: &Server) -> Outcome {
    server.clear();
    let apply = sample.run(project, server, ["apply", "--yes"]);
    if apply.code == 3 && apply.stderr.contains("error[refused]") {
        return match server.writes().as_slice() {
            [] => Outcome::Refused,
            writes => Outcome::Broken(format!("a refused plan wrote {writes:?}\n{apply}")),
        };
    }
    if apply.code != 0 {
        return Outcome::Broken(format!("apply does not end well\n{apply}"));
    }
    let plan = sample.run(project, server, ["plan", "--detailed-exitcode"]);
    match plan.code {
        0 => Outcome::Done,
        _ => Outcome::Broken(format!(
            "a second plan is not empty\n{plan}\nafter\n{apply}"
        )),
    }
}

/// Applies the sample, then the edits, on a server of their own.
fn afresh(sample: &Sample, edits: &[Edit]) -> Outcome {
    let (server, project) = (Server::of_all(), sample.project());
    match apply(sample, &project, &server) {
        Outcome::Done => {
            let edited = sample.with(edits);
            edited.write(&project);
            apply(&edited, &project, &server)
        }
        Outcome::Refused => panic!("a first apply is refused"),
        Outcome::Broken(problem) => Outcome::Broken(format!(
            "what was reached by edits cannot be made afresh\n{problem}"
        )),
    }
}

/// Says what went wrong with which edits, alone where one suffices.
#[track_caller]
fn fail(sample: &Sample, edits: &[Edit], what: &str) -> ! {
    for edit in edits {
        if let Outcome::Broken(problem) = afresh(sample, std::slice::from_ref(edit)) {
            panic!("{edit}\n{problem}");
        }
    }
    let all: Vec<String> = edits.iter().map(ToString::to_string).collect();
    panic!("only together:\n{}\n{what}", all.join("\n"))
}

#[test]
fn any_edit_of_any_field_is_applied_and_then_there_is_nothing_to_do() {
    let rounds = number("GATEWRIGHT_LAW_ROUNDS", 4);
    for base in repository::samples() {
        let mut editor = Editor::new(&base, number("GATEWRIGHT_LAW_SEED", 1));
        let (server, project) = (Server::of_all(), base.project());
        if let Outcome::Broken(problem) = apply(&base, &project, &server) {
            panic!("{problem}");
        }
        let mut sample = base.clone();
        let mut done = 0;
        for _ in 0..rounds {
            let edits = editor.draw(&sample);
            let edited = sample.with(&edits);
            edited.write(&project);
            match apply(&edited, &project, &server) {
                Outcome::Done => {
                    done += edits.len();
                    sample = edited;
                }
                // Those that can be done alone are tried again in later rounds.
                Outcome::Refused => sample.write(&project),
                Outcome::Broken(problem) => fail(&sample, &edits, &problem),
            }
        }
        assert!(done > 0, "every round was refused");
        let untouched = editor.untouched();
        assert!(
            rounds < 100 || untouched.is_empty(),
            "never edited: {untouched:?}"
        );
    }
}

#[test]
fn how_files_are_arranged_says_nothing() {
    for sample in repository::samples() {
        let server = Server::of_all();
        let digests: Vec<Value> = (0..4)
            .map(|seed| {
                let project = sample.project();
                sample.arranged(seed).write(&project);
                let plan = sample.run(&project, &server, ["plan", "--format", "json"]);
                let plan = plan.expect(0).json()["plan"].clone();
                // The plan is a value: reading and writing it changes nothing.
                let read: gatewright::plan::Plan = serde_json::from_value(plan.clone()).unwrap();
                assert_eq!(serde_json::to_value(&read).unwrap(), plan);
                plan["digest"].clone()
            })
            .collect();
        assert!(digests[0].is_string());
        assert!(
            digests.iter().all(|digest| *digest == digests[0]),
            "{digests:?}"
        );
    }
}
