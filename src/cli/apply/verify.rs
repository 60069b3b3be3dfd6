//! Looking again after an apply.

use std::time::Duration;

use crate::cli::world::World;
use crate::diagnostic::Diagnostic;
use crate::diff::{Because, FieldChange};
use crate::kind::System;
use crate::model::Pointer;
use crate::plan::{Action, Plan};
use crate::render;

/// How often the server is looked at again before it counts as not converged: the live API may
/// show old values for a moment after a write.
const LOOKS: usize = 4;

/// Looks again: what was written must be what is read.
pub(super) async fn verify(world: &World, plan: &Plan) -> Result<(), Vec<Diagnostic>> {
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
