//! `gatewright plan` and `gatewright drift`: what differs, and nothing else.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::args::{DriftArgs, Global, OnceArgs, PlanArgs};
use super::environments::{One, Parts};
use super::exit::Exit;
use super::output::{Document, Finish, Printer};
use super::world::{Failure, Outlook, Patience, World};
use crate::diagnostic::{Diagnostic, Sources};
use crate::diff::{FieldChange, Origin};
use crate::model::Address;
use crate::plan::{Action, Plan};
use crate::render;

/// How many places of one resource a warning lists.
const MOST_PLACES: usize = 5;

/// A repository, and what is live compared with it.
pub(super) struct Look {
    pub(super) world: World,
    pub(super) outlook: Result<Outlook, Failure>,
}

/// How to look.
#[derive(Clone, Copy)]
pub(super) struct How<'a> {
    pub(super) once: Option<&'a OnceArgs>,
    pub(super) allow_deletes: bool,
    pub(super) patience: Patience,
}

impl<'a> From<&'a PlanArgs> for How<'a> {
    fn from(args: &'a PlanArgs) -> Self {
        Self {
            once: Some(&args.once),
            allow_deletes: args.allow_deletes,
            patience: Patience::LookOnce,
        }
    }
}

const DRIFT: How<'_> = How {
    once: None,
    allow_deletes: false,
    patience: Patience::LookOnce,
};

/// Loads a repository, reads what is live, and compares.
pub(super) async fn look(
    global: &Global,
    how: How<'_>,
    printer: &Printer,
) -> Result<Look, Box<Finish>> {
    let mut world = World::open(global, printer).await?;
    if how.allow_deletes {
        world.lift_limits();
    }
    if let Some(once) = how.once
        && let Err((exit, problems)) = world.ask(once)
    {
        let end = Finish::failed(exit, Sources::default(), problems);
        return Err(Box::new(close(world, end).await));
    }
    let outlook = match world.settle(how.patience, printer).await {
        Ok(()) => world.plan().await,
        Err(failure) => Err(failure),
    };
    Ok(Look { world, outlook })
}

/// Looks at several environments at the same time.
pub(super) async fn look_at_all(
    all: &[One],
    how: How<'_>,
    printer: &Printer,
) -> Vec<Result<Look, Box<Finish>>> {
    join_all(all.iter().map(|one| look(&one.global, how, printer))).await
}

pub(super) async fn run(global: &Global, args: &PlanArgs, printer: &Printer) -> Finish {
    planned(look(global, args.into(), printer).await, args, printer).await
}

/// `gatewright plan` in several environments.
pub(super) async fn run_all(all: &[One], args: &PlanArgs, printer: &Printer) -> Finish {
    let mut parts = Parts::new(printer);
    let looks = look_at_all(all, args.into(), printer).await;
    for (one, look) in all.iter().zip(looks) {
        parts.begin(&one.name);
        parts.end(&one.name, planned(look, args, printer).await);
    }
    parts.finish()
}

async fn planned(look: Result<Look, Box<Finish>>, args: &PlanArgs, printer: &Printer) -> Finish {
    let Look { world, outlook } = match look {
        Ok(look) => look,
        Err(finish) => return *finish,
    };
    let finish = match outlook {
        Ok(outlook) => shown(outlook.plan, args, &world, printer).but(outlook.failure),
        Err((exit, diagnostics)) => Finish::failed(exit, Sources::default(), diagnostics),
    };
    close(world, finish).await
}

/// An end with the sources of its world, whose warnings come first.
pub(super) async fn close(world: World, finish: Finish) -> Finish {
    let (sources, mut diagnostics) = world.close().await;
    diagnostics.extend(finish.diagnostics);
    Finish {
        sources,
        diagnostics,
        ..finish
    }
}

/// The last line of a plan's text, which sums it up.
pub(super) fn last_line(text: &str) -> String {
    let line = text.trim_end().lines().next_back().unwrap_or_default();
    anstream::adapter::strip_str(line).to_string()
}

fn shown(plan: Plan, args: &PlanArgs, world: &World, printer: &Printer) -> Finish {
    let exit = if !plan.refusals.is_empty() {
        Exit::Refused
    } else if args.detailed_exitcode && !plan.is_empty() {
        Exit::Changes
    } else {
        Exit::Done
    };
    let text = render::plan(&plan, render::Detail::full_if(args.full));
    printer.result(&text);
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
    finish.line = last_line(&text);
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
    compared(look(global, DRIFT, printer).await, args, printer).await
}

/// `gatewright drift` in several environments.
pub(super) async fn drift_all(all: &[One], args: &DriftArgs, printer: &Printer) -> Finish {
    let mut parts = Parts::new(printer);
    let looks = look_at_all(all, DRIFT, printer).await;
    for (one, look) in all.iter().zip(looks) {
        parts.begin(&one.name);
        parts.end(&one.name, compared(look, args, printer).await);
    }
    parts.finish()
}

async fn compared(look: Result<Look, Box<Finish>>, args: &DriftArgs, printer: &Printer) -> Finish {
    let Look { world, outlook } = match look {
        Ok(look) => look,
        Err(finish) => return *finish,
    };
    let finish = match outlook {
        Ok(Outlook { plan, failure }) => {
            let recorded = world.recorded();
            let refused = refusals(&plan, &world);
            let plan = drifted(plan, &recorded);
            let text = render::drift(&plan, render::Detail::full_if(args.full));
            printer.result(&text);
            let exit = if !plan.is_empty() {
                Exit::Changes
            } else if !refused.is_empty() {
                Exit::Refused
            } else {
                Exit::Done
            };
            let mut finish = Finish::failed(exit, Sources::default(), refused);
            finish.line = last_line(&text);
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
