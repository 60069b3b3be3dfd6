//! `gatewright apply`: makes it so.

use std::fmt::Write as _;
use std::io::BufRead as _;
use std::time::Instant;

use tokio::sync::watch;

use super::args::{ApplyArgs, Global};
use super::exit::Exit;
use super::output::{Applied, Document, Finish, Printer};
use super::world::{World, api_error, interruption, ledger_error};
use crate::apply::{self, Event, Fate, Report, StepError, Tally};
use crate::client::ApiErrorKind;
use crate::diagnostic::Diagnostic;
use crate::diff::{Because, FieldChange};
use crate::ledger::LedgerError;
use crate::model::Pointer;
use crate::plan::{Action, Plan, Summary};
use crate::render;

/// How often the server is looked at again before it counts as not converged: the live API may
/// show old values for a moment after a write.
const LOOKS: u32 = 4;

pub(super) async fn run(global: &Global, args: &ApplyArgs, printer: &Printer) -> Finish {
    let world = match World::open(global, printer).await {
        Ok(world) => world,
        Err(finish) => return *finish,
    };
    let end = in_world(&world, args, printer).await;
    let (sources, mut diagnostics) = world.close().await;
    diagnostics.extend(end.diagnostics);
    Finish {
        sources,
        diagnostics,
        ..end
    }
}

/// An end whose sources are still the world's.
fn end(exit: Exit, diagnostics: Vec<Diagnostic>) -> Finish {
    Finish::failed(exit, crate::diagnostic::Sources::default(), diagnostics)
}

async fn in_world(world: &World, args: &ApplyArgs, printer: &Printer) -> Finish {
    let begun = Instant::now();
    let plan = match world.plan().await {
        Ok(plan) => plan,
        Err((exit, diagnostics)) => return end(exit, diagnostics),
    };
    let detail = render::Detail::full_if(args.full);
    printer.result(&render::plan(&plan, detail));
    let document = |plan: Plan| Document {
        plan: Some(plan),
        ..Document::default()
    };
    if !plan.refusals.is_empty() {
        let diagnostics = super::plan::refusals(&plan, world);
        return Finish {
            document: document(plan),
            ..end(Exit::Refused, diagnostics)
        };
    }
    // What is adopted can be changed and deleted from now on: that wants a yes as well.
    let quiet = plan.is_empty() && plan.adopted.is_empty();
    let asks = !quiet && !args.yes && !world.is_mock();
    if asks && let Err((exit, problem)) = confirm(&plan, printer).await {
        return Finish {
            document: document(plan),
            ..end(exit, vec![problem])
        };
    }
    let writing = match world.begin(&plan) {
        Ok(writing) => writing,
        Err(error) => {
            let exit = match error {
                LedgerError::Locked { .. } => Exit::Refused,
                LedgerError::Changed { .. } => Exit::Stale,
                _ => Exit::Error,
            };
            let document = document(plan);
            return Finish {
                document,
                ..end(exit, vec![ledger_error(&error)])
            };
        }
    };
    let stop = stop_on_interrupt(printer);
    let progress = Progress::new(printer, plan.steps.len());
    let report = {
        let sessions = world.sessions(&writing);
        let on_event = |event: Event<'_>| progress.show(event);
        apply::apply(&plan, &sessions, world.parallelism(), stop, &on_event).await
    };
    progress.clear();
    let mut diagnostics = failures(&plan, &report, world);
    if let Err(error) = world.save(writing) {
        diagnostics.push(ledger_error(&error).help(
            "the journal beside the ledger has everything: repair the file system and run again",
        ));
    }
    let tally = report.tally();
    let verified = if report.is_complete() && diagnostics.is_empty() {
        match verify(world, &plan).await {
            Ok(()) => true,
            Err(found) => {
                diagnostics.extend(found);
                false
            }
        }
    } else {
        false
    };
    let exit = exit(&report, tally, verified, &diagnostics);
    let mut text = summary(&plan, tally);
    let (requests, seconds) = (world.requests_sent(), begun.elapsed().as_secs_f64());
    // Writing into a string cannot fail.
    let _ = writeln!(text, " {requests} requests in {seconds:.1} s.");
    if verified && !plan.is_empty() {
        text.push_str("Verified: a second plan finds nothing to do.\n");
    }
    let applied = Some(Applied {
        steps: tally,
        verified,
    });
    let document = Document {
        applied,
        ..document(plan)
    };
    Finish {
        text,
        document,
        ..end(exit, diagnostics)
    }
}

fn exit(report: &Report, tally: Tally, verified: bool, diagnostics: &[Diagnostic]) -> Exit {
    let denied = report.fates.iter().any(|fate| match fate {
        Fate::Failed(StepError::Api(error)) => {
            matches!(
                error.kind,
                ApiErrorKind::Unauthorised | ApiErrorKind::Forbidden
            )
        }
        _ => false,
    });
    if report.interrupted && tally.not_started > 0 {
        Exit::Interrupted
    } else if report.is_complete() && verified && diagnostics.is_empty() {
        Exit::Done
    } else if tally.done > 0 && !report.is_complete() {
        Exit::Partly
    } else if denied {
        Exit::NotAuthorised
    } else {
        Exit::Error
    }
}

fn summary(plan: &Plan, tally: Tally) -> String {
    let Summary {
        create,
        update,
        delete,
        ..
    } = plan.summary;
    if plan.is_empty() {
        return "Nothing to apply.".to_owned();
    }
    if tally.failed + tally.blocked + tally.not_started == 0 {
        return format!("Applied: {create} created, {update} updated, {delete} deleted.");
    }
    format!(
        "Applied in part: {} steps done, {} failed, {} blocked by them, {} not started.",
        tally.done, tally.failed, tally.blocked, tally.not_started
    )
}

/// Asks. Only the whole word counts.
async fn confirm(plan: &Plan, printer: &Printer) -> Result<(), (Exit, Diagnostic)> {
    if !printer.can_ask() {
        let problem =
            Diagnostic::error("not-confirmed", "nobody is there to confirm these changes")
                .note("nothing was changed")
                .help("look at the plan and run again with `--yes`");
        return Err((Exit::Refused, problem));
    }
    let deleted = plan
        .changes
        .iter()
        .filter(|change| change.action == Action::Delete);
    for change in deleted {
        printer.message(&format!("This deletes {}.\n", change.address));
    }
    let place = plan
        .systems
        .values()
        .cloned()
        .collect::<Vec<_>>()
        .join(" and ");
    printer.message(&format!(
        "Apply these changes to {place}? Only `yes` is taken as a yes: "
    ));
    let read = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut answer)
            .map(|_| answer)
    });
    let answer = tokio::select! {
        answer = read => answer,
        () = super::interrupted() => return Err((Exit::Interrupted, interruption())),
    };
    match answer {
        Ok(Ok(answer)) if answer.trim() == "yes" => Ok(()),
        _ => {
            let problem = Diagnostic::error("not-confirmed", "not confirmed");
            Err((Exit::Refused, problem.note("nothing was changed")))
        }
    }
}

/// The first Ctrl-C lets what is under way end and starts nothing new; the second one ends the
/// process, and the journal has what was done.
fn stop_on_interrupt(printer: &Printer) -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    let human = printer.is_human();
    tokio::spawn(async move {
        super::interrupted().await;
        if human {
            anstream::eprintln!(
                "\nstopping: what is under way ends, nothing new begins; Ctrl-C again to quit at once"
            );
        }
        let _ = sender.send(true);
        super::interrupted().await;
        std::process::exit(i32::from(Exit::Interrupted.code()));
    });
    receiver
}

/// A line on the terminal that says how far the run is.
struct Progress<'p> {
    printer: &'p Printer,
    total: usize,
    done: std::cell::Cell<usize>,
}

impl<'p> Progress<'p> {
    fn new(printer: &'p Printer, total: usize) -> Self {
        Self {
            printer,
            total,
            done: std::cell::Cell::new(0),
        }
    }

    fn show(&self, event: Event<'_>) {
        let step = match event {
            Event::Started(step) => step,
            Event::Done(_) | Event::Failed(_) => {
                self.done.set(self.done.get() + 1);
                return;
            }
        };
        if self.printer.has_live_line() {
            let (done, total) = (self.done.get(), self.total);
            let text = format!("[{done}/{total}] {} {}", step.action.gerund(), step.address);
            let text: String = text.chars().take(78).collect();
            self.printer.message(&format!("\r\x1b[2K{text}"));
        }
    }

    fn clear(&self) {
        if self.printer.has_live_line() {
            self.printer.message("\r\x1b[2K");
        }
    }
}

/// The failed steps as diagnostics; a permission that is missing everywhere shows everywhere.
fn failures(plan: &Plan, report: &Report, world: &World) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for (step, fate) in plan.steps.iter().zip(&report.fates) {
        let Fate::Failed(error) = fate else { continue };
        let mut problem = match error {
            StepError::Api(error) => {
                let text = error.to_string();
                let mut problem = api_error(error);
                problem.message = format!("{} {}: {text}", step.action.gerund(), step.address);
                if step.action == Action::Delete && error.kind == ApiErrorKind::Conflict {
                    problem = problem
                        .note("it still has something inside, or something uses it")
                        .help("remove by hand what gatewright does not manage, and run again");
                }
                problem
            }
            other => Diagnostic::error(
                "apply",
                format!("{} {}: {other}", step.action.gerund(), step.address),
            ),
        };
        let blocked = report
            .fates
            .iter()
            .filter(|fate| matches!(fate, Fate::Blocked { by } if *by == step.address));
        let blocked = blocked.count();
        if blocked > 0 {
            problem = problem.note(format!(
                "{blocked} further steps waited for it and were not tried"
            ));
        }
        diagnostics.push(match world.entry(&step.address) {
            Some(entry) => problem.at(entry.locate(&Pointer::root()), "for this entry"),
            None => problem,
        });
    }
    diagnostics
}

/// Looks again: what was written must be what is read.
async fn verify(world: &World, plan: &Plan) -> Result<(), Vec<Diagnostic>> {
    if plan.is_empty() {
        return Ok(());
    }
    let mut wait = std::time::Duration::from_millis(250);
    let mut rest = Vec::new();
    for look in 0..LOOKS {
        if look > 0 {
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        let second = world.plan().await.map_err(|(_, diagnostics)| diagnostics)?;
        if second.is_empty() {
            return Ok(());
        }
        rest = second.changes;
    }
    let differences = rest.iter().flat_map(|change| {
        let shown = |field: &FieldChange| {
            let (old, new) = (render::value(&field.old), render::value(&field.new));
            (
                change,
                format!("`{}` is {old} and should be {new}", field.pointer),
                field.because,
            )
        };
        let whole = match change.action {
            Action::Create => Some("it is not there"),
            Action::Delete => Some("it is still there"),
            Action::Update => None,
        };
        let fields = change.fields.iter().filter(|_| whole.is_none()).map(shown);
        let whole = whole.map(|text| (change, text.to_owned(), None));
        fields.chain(whole).collect::<Vec<_>>()
    });
    Err(differences
        .map(|(change, difference, because)| {
            let message = format!("{}: after the apply {difference}", change.address);
            let problem = Diagnostic::error("not-converged", message);
            let problem = if because == Some(Because::NotFound) {
                problem
                    .note("the server finds things of this sort by itself, and has not found it")
                    .help(
                        "look for a typing error; if there is none, run `gatewright apply` again \
                         once the server has found it",
                    )
            } else {
                problem
                    .note("the server normalised the value, ignored it, or has not caught up yet")
                    .help(
                        "run `gatewright plan` again; if it stays, declare the value as the \
                         server has it or list it under `lifecycle.ignore`",
                    )
            };
            match world.entry(&change.address) {
                Some(entry) => problem.at(entry.locate(&Pointer::root()), "for this entry"),
                None => problem,
            }
        })
        .collect())
}
