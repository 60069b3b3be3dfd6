//! `gatewright apply`: makes it so.

mod consent;
mod several;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::args::{ApplyArgs, DestroyArgs, Global};
use super::exit::Exit;
use super::output::{Applied, Document, Finish, Printer};
use super::plan::{How, Look, close, look};
use super::world::{Aim, Failure, Outlook, Patience, World, Writing, api_error, ledger_error};
use consent::Consent;
pub(super) use consent::answered;
pub(super) use several::run_all;

use crate::apply::{self, Event, Fate, Report, StepError, Tally};
use crate::client::ApiErrorKind;
use crate::diagnostic::Diagnostic;
use crate::diff::{Because, FieldChange};
use crate::kind::{Identity, System};
use crate::ledger::{LeaseError, LedgerError};
use crate::model::Pointer;
use crate::plan::{Action, Plan, Summary};
use crate::render;

/// How often the server is looked at again before it counts as not converged: the live API may
/// show old values for a moment after a write.
const LOOKS: usize = 4;

pub(super) async fn run(global: &Global, args: &ApplyArgs, printer: &Printer) -> Finish {
    let begun = Instant::now();
    let Look { world, outlook } = match look(global, args.into(), printer).await {
        Ok(look) => look,
        Err(finish) => return *finish,
    };
    let consent = Consent {
        given: args.yes || world.is_mock(),
        name: None,
    };
    finished(world, outlook, args.full, &consent, printer, begun).await
}

impl<'a> From<&'a ApplyArgs> for How<'a> {
    fn from(args: &'a ApplyArgs) -> Self {
        Self {
            once: Some(&args.once),
            allow_deletes: args.allow_deletes,
            patience: Patience::Wait,
        }
    }
}

/// `gatewright destroy`: deletes what gatewright made or adopted, and nothing else.
pub(super) async fn destroy(global: &Global, args: &DestroyArgs, printer: &Printer) -> Finish {
    let begun = Instant::now();
    let world = match World::open_for(global, printer, Aim::Nothing).await {
        Ok(world) => world,
        Err(finish) => return *finish,
    };
    let name = world.place();
    if args.confirm.as_ref().is_some_and(|given| *given != name) {
        let message = format!("`--confirm` does not name what would be destroyed: `{name}`");
        let problem = Diagnostic::error("not-confirmed", message).note("nothing was changed");
        return close(world, end(Exit::Refused, vec![problem])).await;
    }
    let consent = Consent {
        given: args.yes || world.is_mock(),
        name: args.confirm.is_none().then_some(name),
    };
    let outlook = match world.settle(Patience::Wait, printer).await {
        Ok(()) => world.plan().await,
        Err(failure) => Err(failure),
    };
    finished(world, outlook, false, &consent, printer, begun).await
}

async fn finished(
    world: World,
    outlook: Result<Outlook, Failure>,
    full: bool,
    consent: &Consent,
    printer: &Printer,
    begun: Instant,
) -> Finish {
    let end = match outlook {
        Ok(outlook) => {
            let plan = &outlook.plan;
            printer.result(&render::plan(plan, render::Detail::full_if(full)));
            let refusals = super::plan::refusals(plan, &world);
            let agreed = match plan.refusals.is_empty() {
                true => consent.ask(&[plan], printer).await,
                false => Err((Exit::Refused, refusals)),
            };
            match agreed {
                Ok(()) => carried_out(&world, outlook, printer, begun).await,
                Err((exit, problems)) => not_applied(outlook, exit, problems),
            }
        }
        Err((exit, diagnostics)) => end(exit, diagnostics),
    };
    close(world, end).await
}

/// The end of a plan that is not applied.
fn not_applied(outlook: Outlook, exit: Exit, problems: Vec<Diagnostic>) -> Finish {
    let Outlook { plan, failure } = outlook;
    let mut end = end(exit, problems);
    end.document.plan = Some(plan);
    end.but(failure)
}

/// Makes it so without a word, and says how many resources there were to make.
pub(super) async fn quietly(world: &World) -> Result<usize, Vec<Diagnostic>> {
    let outlook = world.plan().await.map_err(|(_, diagnostics)| diagnostics)?;
    let plan = outlook.plan;
    if !plan.refusals.is_empty() {
        return Err(super::plan::refusals(&plan, world));
    }
    let writing = world
        .begin(&plan)
        .await
        .map_err(|error| vec![ledger_error(&error)])?;
    let (_go, stop) = watch::channel(false);
    let report = {
        let sessions = world.sessions(&writing);
        apply::apply(&plan, &sessions, world.parallelism(), stop, &|_| {}).await
    };
    let failures = failures(&plan, &report, world);
    match failures.is_empty() && report.is_complete() {
        true => Ok(plan.changes.len()),
        false => Err(failures),
    }
}

/// An end whose sources are still the world's.
fn end(exit: Exit, diagnostics: Vec<Diagnostic>) -> Finish {
    Finish::failed(exit, crate::diagnostic::Sources::default(), diagnostics)
}

/// Carries out a plan that was agreed to, as far as there is one.
async fn carried_out(world: &World, outlook: Outlook, printer: &Printer, begun: Instant) -> Finish {
    let Outlook { plan, failure } = outlook;
    let finish = written(world, plan, printer, begun).await;
    let applied = finish.document.applied.as_ref();
    let some = applied.is_some_and(|applied| applied.steps.done > 0);
    let failure = failure.map(|(exit, found)| match finish.exit {
        Exit::Done if some => (Exit::Partly, found),
        Exit::Done => (exit, found),
        other => (other, found),
    });
    finish.but(failure)
}

async fn written(world: &World, plan: Plan, printer: &Printer, begun: Instant) -> Finish {
    let document = |plan: Plan| Document {
        plan: Some(plan),
        ..Document::default()
    };
    if !world.has_to_write(&plan) {
        // So that it works where nothing can be written.
        return nothing_to_do(world, plan, begun);
    }
    let writing = match world.begin(&plan).await {
        Ok(writing) => writing,
        Err(error) => {
            let exit = match error {
                LedgerError::Locked { .. } | LedgerError::Lease(LeaseError::Held(_)) => {
                    Exit::Refused
                }
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
        apply::apply(
            &plan,
            &sessions,
            world.parallelism(),
            stop.receiver(),
            &on_event,
        )
        .await
    };
    progress.clear();
    let mut diagnostics = failures(&plan, &report, world);
    let warnings: Vec<Diagnostic> = writing.iter().filter_map(Writing::took_over).collect();
    let unwritten = writing
        .iter()
        .find_map(|writing| writing.failure().map(str::to_owned));
    if let Err(error) = world.save(writing).await {
        diagnostics.push(unsaved(&error, unwritten));
    } else if let Some(failure) = unwritten {
        let problem = Diagnostic::error("journal", failure);
        diagnostics.push(
            problem
                .note("the run stopped there; what it did is in the ledger")
                .help("make room, or repair the file system, and run it again"),
        );
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
    let line = summary(&plan, tally);
    let mut text = line.clone();
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
    diagnostics.splice(0..0, warnings);
    Finish {
        text,
        line,
        document,
        ..end(exit, diagnostics)
    }
}

/// The end of an apply that has nothing to send and nothing to note.
fn nothing_to_do(world: &World, plan: Plan, begun: Instant) -> Finish {
    let (requests, seconds) = (world.requests_sent(), begun.elapsed().as_secs_f64());
    let mut end = end(Exit::Done, Vec::new());
    end.line = "Nothing to apply.".to_owned();
    end.text = format!("Nothing to apply. {requests} requests in {seconds:.1} s.\n");
    end.document.plan = Some(plan);
    end.document.applied = Some(Applied {
        steps: Tally::default(),
        verified: true,
    });
    end
}

/// A ledger that could not be saved. What was made is there all the same.
fn unsaved(error: &LedgerError, unwritten: Option<String>) -> Diagnostic {
    let problem = Diagnostic::error("ledger", error.to_string());
    match unwritten {
        // Another run wrote it: there is nothing to repair.
        None if error.is_conflict() => ledger_error(error),
        None => problem
            .note("what was done was done, and the journal has all of it")
            .help("make room, or repair what failed, and run it again: the journal is read then"),
        Some(failure) => problem
            .note("what was done was done, but the journal does not have all of it")
            .note(failure)
            .help(
                "make room, or repair what failed, and run it again: what was made is found by \
                 its slug or name, and taken over",
            ),
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
        replace,
        delete,
        ..
    } = plan.summary;
    if plan.is_empty() {
        return "Nothing to apply.".to_owned();
    }
    if tally.failed + tally.blocked + tally.not_started == 0 {
        let replaced = match replace {
            0 => String::new(),
            count => format!("{count} replaced, "),
        };
        return format!("Applied: {create} created, {update} updated, {replaced}{delete} deleted.");
    }
    format!(
        "Applied in part: {} steps done, {} failed, {} blocked by them, {} not started.",
        tally.done, tally.failed, tally.blocked, tally.not_started
    )
}

/// Listens for Ctrl-C for as long as it is there.
struct Stop {
    receiver: watch::Receiver<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Stop {
    fn receiver(&self) -> watch::Receiver<bool> {
        self.receiver.clone()
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The first Ctrl-C lets what is under way end and starts nothing new; the second one ends the
/// process, and the journal has what was done.
fn stop_on_interrupt(printer: &Printer) -> Stop {
    let (sender, receiver) = watch::channel(false);
    let printer = printer.clone();
    let task = tokio::spawn(async move {
        super::interrupted().await;
        printer.message(
            "\nstopping: what is under way ends, nothing new begins; Ctrl-C again to quit at once\n",
        );
        let _ = sender.send(true);
        super::interrupted().await;
        let problem = Diagnostic::error("interrupted", "interrupted a second time")
            .note("what was under way may have been done or not; what was done before is in the journal")
            .help("run it again: the next run reads the journal, and looks for the rest");
        let exit = printer.finish(end(Exit::Interrupted, vec![problem]));
        std::process::exit(i32::from(exit.code()));
    });
    Stop { receiver, task }
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
                        .help(
                            "remove by hand what gatewright does not manage, or declare it and remove it \
                             together with this: `gatewright import --dry-run` shows what is there, and \
                             what the server made by itself",
                        );
                }
                let identity = world.entry(&step.address).map(|entry| entry.kind.identity);
                if step.action == Action::Create && error.kind == ApiErrorKind::Conflict {
                    problem = match identity {
                        Some(Identity::Recorded) => problem
                            .note("the API has no list of these, so that the other one cannot be found")
                            .help("delete the other one by hand, or give the entry another `name`"),
                        _ => problem
                            .note("somebody made it after the plan, or the API key cannot see it")
                            .help("run again: what is there by then is taken over"),
                    };
                }
                if identity == Some(Identity::Recorded) && error.kind == ApiErrorKind::NotFound {
                    problem = problem
                        .note("it was deleted outside gatewright, and is forgotten now")
                        .help("run again to make it anew");
                }
                problem
            }
            other => {
                let message = format!("{} {}: {other}", step.action.gerund(), step.address);
                let problem = Diagnostic::error("apply", message);
                match other {
                    StepError::Undelivered { .. } => problem
                        .note("nobody has it, and the server does not show it again")
                        .help("repair what was to receive it: the next apply makes a new one"),
                    _ => problem,
                }
            }
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
    let mut rest = Vec::new();
    let waits = std::iter::once(Duration::ZERO).chain(world.waits().doubling());
    for wait in waits.take(LOOKS) {
        tokio::time::sleep(wait).await;
        let planned = |system: &System| plan.systems.contains_key(system.name);
        let second = world.plan_for(planned).await;
        let second = second.map_err(|(_, diagnostics)| diagnostics)?;
        if let Some((_, diagnostics)) = second.failure {
            return Err(diagnostics);
        }
        if second.plan.is_empty() {
            return Ok(());
        }
        rest = second.plan.changes;
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
            Action::Update | Action::Replace => None,
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
