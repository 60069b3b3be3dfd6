//! `gatewright plan` and `gatewright drift`: what differs, and nothing else.

use std::collections::BTreeSet;

use super::args::{DriftArgs, Global, PlanArgs};
use super::exit::Exit;
use super::output::{Document, Finish, Printer};
use super::world::{Outlook, Patience, World};
use crate::diagnostic::{Diagnostic, Sources};
use crate::diff::{FieldChange, Origin};
use crate::model::Address;
use crate::plan::{Action, Plan};
use crate::render;

/// How many places of one resource a warning lists.
const MOST_PLACES: usize = 5;

pub(super) async fn run(global: &Global, args: &PlanArgs, printer: &Printer) -> Finish {
    let mut world = match World::open(global, printer).await {
        Ok(world) => world,
        Err(finish) => return *finish,
    };
    if args.allow_deletes {
        world.lift_limits();
    }
    if let Err((exit, problems)) = world.ask(&args.once) {
        return close(world, Finish::failed(exit, Sources::default(), problems)).await;
    }
    world.settle(Patience::LookOnce, printer).await;
    let finish = match world.plan().await {
        Ok(outlook) => shown(outlook.plan, args, &world, printer).but(outlook.failure),
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
    diagnostics.extend(reverts(&plan, world));
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

/// The part of a plan that others than the manifest's author are the reason of.
fn drifted(mut plan: Plan, recorded: &BTreeSet<Address>) -> Plan {
    for change in &mut plan.changes {
        if change.action != Action::Create {
            change
                .fields
                .retain(|field| field.origin != Some(Origin::Intended));
        }
    }
    plan.only(|change| match change.action {
        Action::Delete => false,
        Action::Create => recorded.contains(&change.address),
        Action::Update | Action::Replace => {
            recorded.contains(&change.address) && !change.fields.is_empty()
        }
    })
}

/// What a plan refuses, as diagnostics with their lines.
pub(super) fn refusals(plan: &Plan, world: &World) -> Vec<Diagnostic> {
    plan.refusals
        .iter()
        .map(|refusal| {
            let message = match &refusal.address {
                Some(address) => format!("{address}: {}", refusal.message),
                None => refusal.message.clone(),
            };
            let mut problem = Diagnostic::error("refused", message).help(refusal.help.clone());
            if let Some(entry) = refusal.address.as_ref().and_then(|a| world.entry(a)) {
                problem = problem.at(entry.locate(&refusal.pointer), "declared here");
            }
            problem
        })
        .collect()
}

/// What an apply would take back that somebody did since the last one.
fn reverts(plan: &Plan, world: &World) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for change in &plan.changes {
        let somebody =
            |field: &&FieldChange| matches!(field.origin, Some(Origin::Drift | Origin::Conflict));
        let fields: Vec<&FieldChange> = change.fields.iter().filter(somebody).collect();
        let Some(first) = fields.first() else {
            continue;
        };
        let shown = fields.iter().take(MOST_PLACES).map(|field| {
            let (old, new) = (render::value(&field.old), render::value(&field.new));
            format!("`{}` is {old} and would be {new}", field.pointer)
        });
        let mut notes: Vec<String> = shown.collect();
        if fields.len() > MOST_PLACES {
            notes.push(format!("and {} more", fields.len() - MOST_PLACES));
        }
        let message = format!(
            "{}: an apply would take back what somebody changed since the last one",
            change.address
        );
        let mut problem = Diagnostic::warning("reverts", message).help(
            "declare what is live to keep it, or list the place under `lifecycle.ignore`; apply \
             to take it back",
        );
        problem.notes.extend(notes);
        found.push(match world.entry(&change.address) {
            Some(entry) => problem.at(entry.locate(&first.pointer), "declared here"),
            None => problem,
        });
    }
    found
}

/// Drift: of what gatewright made or adopted, what is not as declared any more.
pub(super) async fn drift(global: &Global, args: &DriftArgs, printer: &Printer) -> Finish {
    let world = match World::open(global, printer).await {
        Ok(world) => world,
        Err(finish) => return *finish,
    };
    world.settle(Patience::LookOnce, printer).await;
    let finish = match world.plan().await {
        Ok(Outlook { plan, failure }) => {
            let recorded = world.recorded();
            let refused = refusals(&plan, &world);
            let plan = drifted(plan, &recorded);
            let detail = render::Detail::full_if(args.full);
            printer.result(&render::drift(&plan, detail));
            let exit = if !plan.is_empty() {
                Exit::Changes
            } else if !refused.is_empty() {
                Exit::Refused
            } else {
                Exit::Done
            };
            let mut finish = Finish::failed(exit, Sources::default(), refused);
            finish.document = Document {
                plan: Some(plan),
                ..Document::default()
            };
            finish.but(failure)
        }
        Err((exit, diagnostics)) => Finish::failed(exit, Sources::default(), diagnostics),
    };
    close(world, finish).await
}
