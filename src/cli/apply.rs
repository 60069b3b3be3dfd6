//! `gatewright apply`: makes it so.

mod consent;
mod failures;
mod progress;
mod several;
mod verify;

use std::fmt::Write as _;
use std::time::Instant;

use tokio::sync::watch;

use super::args::{ApplyArgs, DestroyArgs, Global};
use super::exit::Exit;
use super::output::{Applied, Document, Finish, Printer};
use super::plan::{How, Look, close, look};
use super::world::{Aim, Failure, Outlook, Patience, World, Writing, ledger_error};
use consent::Consent;
pub(super) use consent::answered;
use failures::{failures, unsaved};
use progress::{Progress, stop_on_interrupt};
pub(super) use several::run_all;
use verify::verify;

use crate::apply::{self, Event, Fate, Report, StepError, Tally};
use crate::client::ApiErrorKind;
use crate::diagnostic::Diagnostic;
use crate::ledger::{LeaseError, LedgerError};
use crate::plan::{Plan, Summary};
use crate::render;

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
    let how = if tally.done == 0 {
        "Not applied"
    } else {
        "Applied in part"
    };
    format!(
        "{how}: {} steps done, {} failed, {} blocked by them, {} not started.",
        tally.done, tally.failed, tally.blocked, tally.not_started
    )
}
