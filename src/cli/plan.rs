//! `gatewright plan` and `gatewright drift`: what differs, and nothing else.

use super::args::{DriftArgs, Global, PlanArgs};
use super::exit::Exit;
use super::output::{Document, Finish, Printer};
use super::world::World;
use crate::diagnostic::{Diagnostic, Sources};
use crate::plan::{Action, Plan};
use crate::render;

pub(super) async fn run(global: &Global, args: &PlanArgs, printer: &Printer) -> Finish {
    let world = match World::open(global, printer).await {
        Ok(world) => world,
        Err(finish) => return *finish,
    };
    let finish = match world.plan().await {
        Ok(plan) => shown(plan, args, &world, printer),
        Err((exit, diagnostics)) => Finish::failed(exit, Sources::default(), diagnostics),
    };
    close(world, finish).await
}

async fn close(world: World, finish: Finish) -> Finish {
    let (sources, mut diagnostics) = world.close().await;
    diagnostics.extend(finish.diagnostics);
    Finish {
        sources,
        diagnostics,
        ..finish
    }
}

fn shown(plan: Plan, args: &PlanArgs, world: &World, printer: &Printer) -> Finish {
    let exit = if !plan.refusals.is_empty() {
        Exit::Refused
    } else if args.detailed_exitcode && !plan.is_empty() {
        Exit::Changes
    } else {
        Exit::Done
    };
    let detail = render::Detail::full_if(args.full);
    printer.result(&render::plan(&plan, detail));
    let mut diagnostics = refusals(&plan, world);
    if world.lacks_fingerprint_key() && !world.is_mock() {
        diagnostics.push(
            Diagnostic::warning(
                "no-fingerprint-key",
                "a changed secret is noticed only where the API shows a mask that does not fit it",
            )
            .help(
                "set GATEWRIGHT_FINGERPRINT_KEY to a long random text, the same in every run, so \
                 that the ledger can keep keyed fingerprints of secrets",
            ),
        );
    }
    let mut finish = Finish::failed(exit, Sources::default(), diagnostics);
    finish.document = Document {
        plan: Some(plan),
        ..Document::default()
    };
    finish
}

/// What a plan refuses, as diagnostics with their lines.
pub(super) fn refusals(plan: &Plan, world: &World) -> Vec<Diagnostic> {
    plan.refusals
        .iter()
        .map(|refusal| {
            let message = format!("{}: {}", refusal.address, refusal.message);
            let mut problem = Diagnostic::error("refused", message).help(refusal.help.clone());
            if let Some(entry) = world.entry(&refusal.address) {
                problem = problem.at(entry.locate(&refusal.pointer), "declared here");
            }
            problem
        })
        .collect()
}

/// Drift: of what gatewright made or adopted, what is not as declared any more.
pub(super) async fn drift(global: &Global, args: &DriftArgs, printer: &Printer) -> Finish {
    let world = match World::open(global, printer).await {
        Ok(world) => world,
        Err(finish) => return *finish,
    };
    let finish = match world.plan().await {
        Ok(plan) => {
            let recorded = world.recorded();
            let plan = plan.only(|change| {
                change.action != Action::Delete && recorded.contains(&change.address)
            });
            let detail = render::Detail::full_if(args.full);
            printer.result(&render::drift(&plan, detail));
            let exit = if plan.is_empty() {
                Exit::Done
            } else {
                Exit::Changes
            };
            let mut finish = Finish::new(exit, Sources::default());
            finish.document = Document {
                plan: Some(plan),
                ..Document::default()
            };
            finish
        }
        Err((exit, diagnostics)) => Finish::failed(exit, Sources::default(), diagnostics),
    };
    close(world, finish).await
}
