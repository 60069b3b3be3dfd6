//! Compares what a test-suite has reached of the description with the committed figures.
//!
//! `coverage FIGURES REACHED…` reads what mocks wrote while `GATEWRIGHT_MOCK_COVERAGE` named a file,
//! prints the figures and what is not reached, and fails when a figure has fallen. A figure that
//! has risen is to be committed: `coverage --update FIGURES REACHED…` writes it.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a command-line tool"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// The kinds of what can be reached, in the order in which they are told.
const KINDS: [&str; 4] = ["operation", "status", "parameter", "schema"];

/// How many schema branches are listed; all the others are listed in full.
const LISTED: usize = 40;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let update = arguments.first().is_some_and(|first| first == "--update");
    if update {
        arguments.remove(0);
    }
    let mut arguments = arguments.into_iter().map(PathBuf::from);
    let figures = arguments
        .next()
        .ok_or("usage: coverage [--update] FIGURES REACHED…")?;
    let mut reached = BTreeSet::new();
    for file in arguments {
        let text = std::fs::read_to_string(&file)
            .map_err(|error| format!("{}: {error}", file.display()))?;
        reached.extend(text.lines().map(str::to_owned));
    }
    let reachable = gatewright_mock::coverage::reachable()?;
    let before = match std::fs::read_to_string(&figures) {
        Ok(text) => read(&text),
        Err(_) if update => BTreeMap::new(),
        Err(error) => return Err(format!("{}: {error}", figures.display()).into()),
    };
    let mut after = String::new();
    let mut fallen = Vec::new();
    for kind in KINDS {
        let of_kind = |name: &&String| name.split(' ').next() == Some(kind);
        let there: Vec<&String> = reachable.iter().filter(of_kind).collect();
        let missing: Vec<&&String> = there.iter().filter(|n| !reached.contains(**n)).collect();
        let count = there.len() - missing.len();
        let _ = writeln!(after, "{kind} {count} of {}", there.len());
        let least = before.get(kind).copied().unwrap_or(0);
        if count < least {
            fallen.push(format!("{kind}: {count}, was {least}"));
        }
        let listed = if kind == "schema" {
            LISTED
        } else {
            missing.len()
        };
        for name in missing.iter().take(listed) {
            println!("not reached: {name}");
        }
        if missing.len() > listed {
            println!("not reached: {} more of {kind}", missing.len() - listed);
        }
    }
    print!("{after}");
    if update {
        std::fs::write(&figures, after)?;
    } else if !fallen.is_empty() {
        eprintln!(
            "coverage of the description has fallen: {}",
            fallen.join("; ")
        );
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// The figures of a file, by kind.
fn read(text: &str) -> BTreeMap<String, usize> {
    let lines = text.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
    });
    lines.collect()
}
