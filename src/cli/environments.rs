//! Several environments in one run: `--env staging,prod`, and `--env all`.

use super::args::{Command, Global};
use super::exit::Exit;
use super::output::{Finish, Printer};
use super::{apply, plan, validate};
use crate::diagnostic::{Diagnostic, Sources};
use crate::manifest;

/// What means every environment.
const ALL: &str = "all";

/// One of several environments.
#[derive(Debug)]
pub(super) struct One {
    pub(super) name: String,
    /// The arguments as if it were the only one.
    pub(super) global: Global,
}

/// The environments that a run is about; `None` where it is about one at most.
pub(super) fn chosen(global: &Global) -> Result<Option<Vec<One>>, Box<Finish>> {
    let Some(text) = &global.environment else {
        return Ok(None);
    };
    let words = text.split(',').map(str::trim);
    let words: Vec<&str> = words.filter(|name| !name.is_empty()).collect();
    let every = words
        .contains(&ALL)
        .then(|| manifest::environments(&global.directory));
    // One that has this name is meant by it.
    let every = every.filter(|declared| !declared.iter().any(|name| name == ALL));
    if every.is_none() && !text.contains(',') {
        return Ok(None);
    }
    let mut names: Vec<String> = Vec::new();
    for word in words {
        let meant = match &every {
            Some(every) if word == ALL => every.clone(),
            _ => vec![word.to_owned()],
        };
        for name in meant {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    if names.is_empty() {
        let problem = Diagnostic::error("unknown-environment", "there are no environments")
            .note(format!("`--env {text}` names none"))
            .help("declare some under `environments` in gatewright.yaml");
        let problems = vec![problem];
        return Err(Box::new(Finish::failed(
            Exit::Error,
            Sources::default(),
            problems,
        )));
    }
    let one = |name: String| One {
        global: Global {
            environment: Some(name.clone()),
            ..global.clone()
        },
        name,
    };
    Ok(Some(names.into_iter().map(one).collect()))
}

/// Runs a command in several environments.
pub(super) async fn run(all: &[One], command: &Command, printer: &Printer) -> Finish {
    match command {
        Command::Validate => {
            let mut parts = Parts::new(printer);
            for one in all {
                parts.begin(&one.name);
                parts.end(&one.name, validate::run(&one.global));
            }
            parts.finish()
        }
        Command::Plan(args) => plan::run_all(all, args, printer).await,
        Command::Drift(args) => plan::drift_all(all, args, printer).await,
        Command::Apply(args) => apply::run_all(all, args, printer).await,
        Command::Adopt(_) | Command::Import(_) => one_at_a_time(
            all,
            "environments share their manifests: what is live in one of them would be declared for all",
        ),
        _ => one_at_a_time(all, "this command is about one environment"),
    }
}

/// A refusal that says how to ask instead.
fn one_at_a_time(all: &[One], because: &str) -> Finish {
    let names: Vec<String> = all
        .iter()
        .map(|it| format!("`--env {}`", it.name))
        .collect();
    let problem = Diagnostic::error("usage", "this command takes one environment at a time")
        .note(because)
        .help(format!("run it with {}", names.join(", then with ")));
    Finish::failed(Exit::Error, Sources::default(), vec![problem])
}

/// The ends of the environments so far, which are shown as they come.
pub(super) struct Parts<'p> {
    printer: &'p Printer,
    parts: Vec<(String, Finish)>,
}

impl<'p> Parts<'p> {
    pub(super) fn new(printer: &'p Printer) -> Self {
        Self {
            printer,
            parts: Vec::new(),
        }
    }

    /// What follows is about this one.
    pub(super) fn begin(&self, name: &str) {
        const STRONG: anstyle::Style = anstyle::Style::new().bold();
        self.printer
            .result(&format!("{STRONG}── {name}{STRONG:#}\n"));
    }

    /// How it ended.
    pub(super) fn end(&mut self, name: &str, finish: Finish) {
        if !finish.diagnostics.is_empty() {
            self.printer.message(&format!("in {name}:\n"));
            self.printer
                .diagnostics(&finish.diagnostics, &finish.sources);
        }
        self.printer.result(&finish.text);
        self.printer.result("\n");
        self.parts.push((name.to_owned(), finish));
    }

    /// The end of the run: as bad as the worst of them.
    pub(super) fn finish(self) -> Finish {
        let exit = Exit::worst(self.parts.iter().map(|(_, finish)| finish.exit));
        let width = self
            .parts
            .iter()
            .map(|(name, _)| name.chars().count())
            .max();
        let width = width.unwrap_or_default();
        let lines = self.parts.iter().map(|(name, finish)| {
            let error = finish.diagnostics.iter().find(|problem| problem.is_error());
            let line = match (finish.line.as_str(), error) {
                ("", Some(error)) => error.message.clone(),
                (line, _) => line.to_owned(),
            };
            let code = match finish.exit {
                Exit::Done => String::new(),
                exit => format!(" (exit code {})", exit.code()),
            };
            format!("{name:width$}  {line}{code}\n")
        });
        Finish {
            text: lines.collect(),
            parts: self.parts,
            ..Finish::new(exit, Sources::default())
        }
    }
}
