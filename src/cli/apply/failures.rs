//! What went wrong in an apply, as diagnostics.

use crate::apply::{Fate, Report, StepError};
use crate::cli::world::{World, api_error, ledger_error};
use crate::client::ApiErrorKind;
use crate::diagnostic::Diagnostic;
use crate::kind::Identity;
use crate::ledger::LedgerError;
use crate::model::Pointer;
use crate::plan::{Action, Plan};

/// A ledger that could not be saved. What was made is there all the same.
pub(super) fn unsaved(error: &LedgerError, unwritten: Option<String>) -> Diagnostic {
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

/// The failed steps as diagnostics; a permission that is missing everywhere shows everywhere.
pub(super) fn failures(plan: &Plan, report: &Report, world: &World) -> Vec<Diagnostic> {
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
                let renews = step.action == Action::Update && step.issues.is_some();
                if renews && error.kind == ApiErrorKind::Conflict {
                    problem = problem
                        .note("the server makes no other secret while the last one takes over")
                        .help(
                            "run again once that is over; where nobody has the last one either, \
                             deleting the object by hand makes the next apply create another",
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
