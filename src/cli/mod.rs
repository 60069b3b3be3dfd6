//! The command line: reads arguments, runs a command, prints, and says how it ended.

mod adopt;
mod apply;
mod args;
mod broken;
mod diff;
mod environments;
mod exit;
mod import;
mod mock;
mod once;
mod output;
mod plan;
mod schema;
mod validate;
mod variables;
mod world;

pub use diff::{Differences, Different, DifferentField};
pub use output::{Adopted, Applied, Document, Imported, OfEnvironment};

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command, Format};
use exit::Exit;
use output::{Finish, Printer};

use crate::diagnostic::{Diagnostic, Sources};

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let name = match &cli.command {
        Command::Validate => "validate",
        Command::Plan(_) => "plan",
        Command::Apply(_) => "apply",
        Command::Destroy(_) => "destroy",
        Command::Drift(_) => "drift",
        Command::Diff(_) => "diff",
        Command::Import(_) => "import",
        Command::Adopt(_) => "adopt",
        Command::Mock(_) => "mock",
        Command::Schema(_) => "schema",
    };
    let printer = Printer::new(cli.global.format, cli.global.color, name);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let finish = match runtime {
        Ok(runtime) => {
            let finish = broken::guarded(|| runtime.block_on(run(&cli, &printer)));
            // A question that nobody answered must not keep the program.
            runtime.shutdown_background();
            finish.unwrap_or_else(|problem| failed(*problem))
        }
        Err(error) => failed(Diagnostic::error(
            "runtime",
            format!("cannot start: {error}"),
        )),
    };
    printer.finish(finish).into()
}

fn failed(problem: Diagnostic) -> Finish {
    Finish::failed(Exit::Error, Sources::default(), vec![problem])
}

async fn run(cli: &Cli, printer: &Printer) -> Finish {
    let global = &cli.global;
    match environments::chosen(global) {
        Ok(Some(all)) => return environments::run(&all, &cli.command, printer).await,
        Ok(None) => {}
        Err(finish) => return *finish,
    }
    match &cli.command {
        Command::Validate => validate::run(global),
        Command::Plan(args) => plan::run(global, args, printer).await,
        Command::Apply(args) => apply::run(global, args, printer).await,
        Command::Destroy(args) => apply::destroy(global, args, printer).await,
        Command::Drift(args) => plan::drift(global, args, printer).await,
        Command::Diff(args) => diff::run(global, args, printer).await,
        Command::Import(args) => import::run(global, args, printer).await,
        Command::Adopt(args) => adopt::run(global, args, printer).await,
        Command::Mock(args) => mock::run(global, args, printer).await,
        Command::Schema(args) => schema::run(args),
    }
}

/// Waits for Ctrl-C, or for the signal with which CI systems and containers stop programs.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => return,
                done = tokio::signal::ctrl_c() => if done.is_ok() { return },
            }
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a handler the signal ends the process by itself.
        std::future::pending::<()>().await;
    }
}

/// Help goes to standard output and ends well; a misspelt command line is an error like any
/// other, also as a JSON document where one was asked for.
fn usage(error: &clap::Error) -> ExitCode {
    let asked_for_help = !error.use_stderr();
    if asked_for_help || given("--format").as_deref() != Some("json") {
        // A closed pipe is the reader's decision.
        let _ = match given("--color").as_deref() {
            Some("never") if !asked_for_help => write!(std::io::stderr(), "{}", error.render()),
            _ => error.print(),
        };
        return if asked_for_help {
            Exit::Done.into()
        } else {
            Exit::Error.into()
        };
    }
    let text = error.render().to_string();
    // What is wrong comes first, and may be a list below its line.
    let message = text.split("\n\n").next().unwrap_or_default();
    let message = message.strip_prefix("error: ").unwrap_or(message);
    let message: Vec<&str> = message.split_whitespace().collect();
    let message = message.join(" ");
    let printer = Printer::new(Format::Json, args::Color::Never, "");
    let tips: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("tip: "))
        .collect();
    let tips = (!tips.is_empty()).then(|| tips.join("; "));
    let problem = Diagnostic::error("usage", message).maybe_help(tips);
    printer
        .finish(Finish::failed(
            Exit::Error,
            Sources::default(),
            vec![problem],
        ))
        .into()
}

/// What the command line says of an option, where it cannot be read as a whole.
fn given(option: &str) -> Option<String> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let at = words.iter().position(|word| word == option);
    let apart = at.and_then(|at| words.get(at + 1).cloned());
    let joined = words.iter().find_map(|word| {
        let rest = word.strip_prefix(option)?;
        rest.strip_prefix('=').map(str::to_owned)
    });
    apart.or(joined)
}
