//! `gatewright apply` in several environments: all plans first, one question, then one after the
//! other until one fails.

use std::time::Instant;

use super::{Consent, carried_out, end, not_applied};
use crate::cli::args::ApplyArgs;
use crate::cli::environments::{One, Parts};
use crate::cli::exit::Exit;
use crate::cli::output::{Finish, Printer};
use crate::cli::plan::{Look, close, last_line, look_at_all, refusals};
use crate::cli::world::{Outlook, World};
use crate::diagnostic::{Diagnostic, Sources};
use crate::render;

/// An environment whose plan can be applied.
struct Ready<'a> {
    name: &'a str,
    world: World,
    outlook: Outlook,
    /// The plan in one line.
    line: String,
}

pub(in crate::cli) async fn run_all(all: &[One], args: &ApplyArgs, printer: &Printer) -> Finish {
    let begun = Instant::now();
    let looks = look_at_all(all, args.into(), printer).await;
    let mut parts = Parts::new(printer);
    let mut ready: Vec<Ready<'_>> = Vec::new();
    let mut failed: Option<&str> = None;
    let mut ends: Vec<(&str, Finish)> = Vec::new();
    for (one, look) in all.iter().zip(looks) {
        let name = one.name.as_str();
        parts.begin(name);
        match look {
            Ok(Look {
                world,
                outlook: Ok(outlook),
            }) => {
                let plan = &outlook.plan;
                let text = render::plan(plan, render::Detail::full_if(args.full));
                printer.result(&format!("{text}\n"));
                if plan.refusals.is_empty() {
                    ready.push(Ready {
                        name,
                        line: last_line(&text),
                        world,
                        outlook,
                    });
                    continue;
                }
                let problems = refusals(plan, &world);
                let finish = not_applied(outlook, Exit::Refused, problems);
                ends.push((name, close(world, finish).await));
            }
            Ok(Look {
                world,
                outlook: Err((exit, problems)),
            }) => ends.push((name, close(world, end(exit, problems)).await)),
            Err(finish) => ends.push((name, *finish)),
        }
        failed = failed.or(Some(name));
    }
    // A plan that cannot be applied anywhere stops all of them: nobody wants half a promotion.
    let consent = Consent {
        given: args.yes || ready.iter().all(|one| one.world.is_mock()),
        name: None,
    };
    let plans: Vec<_> = ready.iter().map(|one| &one.outlook.plan).collect();
    let mut refused = None;
    if failed.is_none()
        && let Err((exit, problems)) = consent.ask(&plans, printer).await
    {
        refused = Some(Finish::failed(exit, Sources::default(), problems));
    }
    let mut ready = ready.into_iter().peekable();
    for one in all {
        let name = one.name.as_str();
        let at = ends.iter().position(|(known, _)| *known == name);
        if let Some(at) = at {
            let (_, finish) = ends.swap_remove(at);
            parts.end(name, finish);
            continue;
        }
        let Some(one) = ready.next_if(|one| one.name == name) else {
            continue;
        };
        let Ready {
            world,
            outlook,
            line,
            ..
        } = one;
        let finish = if refused.is_some() {
            let finish = not_applied(outlook, Exit::Done, Vec::new());
            Finish { line, ..finish }
        } else if let Some(other) = failed {
            let problem = Diagnostic::error("not-run", format!("{name} was not applied"))
                .note(format!("{other} has to succeed first"));
            not_applied(outlook, Exit::Refused, vec![problem])
        } else {
            parts.begin(name);
            carried_out(&world, outlook, printer, begun).await
        };
        let finish = close(world, finish).await;
        if finish.exit != Exit::Done && refused.is_none() {
            failed = failed.or(Some(name));
        }
        parts.end(name, finish);
    }
    let mut finish = parts.finish();
    if let Some(refused) = refused {
        finish.exit = Exit::worst([finish.exit, refused.exit]);
        finish.diagnostics = refused.diagnostics;
    }
    finish
}
