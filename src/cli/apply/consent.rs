//! What was agreed to before anything is changed, and the question.

use std::io::BufRead as _;

use crate::cli::exit::Exit;
use crate::cli::output::Printer;
use crate::cli::world::{Failure, interruption};
use crate::diagnostic::Diagnostic;
use crate::plan::{Action, Plan};

/// What was agreed to, and what has to be asked.
pub(super) struct Consent {
    /// Whether no question is needed.
    pub(super) given: bool,
    /// What has to be typed after the yes.
    pub(super) name: Option<String>,
}

impl Consent {
    /// Asks about all plans at once. Only the whole word counts.
    pub(super) async fn ask(&self, plans: &[&Plan], printer: &Printer) -> Result<(), Failure> {
        // What is adopted can be changed and deleted from now on: that wants a yes as well.
        let quiet = |plan: &&Plan| plan.is_empty() && plan.adopted.is_empty();
        if self.given || plans.iter().all(quiet) {
            return Ok(());
        }
        let asked = confirm(plans, self, printer).await;
        asked.map_err(|(exit, problem)| (exit, vec![problem]))
    }
}

async fn confirm(
    plans: &[&Plan],
    consent: &Consent,
    printer: &Printer,
) -> Result<(), (Exit, Diagnostic)> {
    if !printer.can_ask() {
        let problem =
            Diagnostic::error("not-confirmed", "nobody is there to confirm these changes")
                .note("nothing was changed")
                .help(match &consent.name {
                    None => "look at the plan and run again with `--yes`".to_owned(),
                    Some(name) => {
                        format!("look at the plan and run again with `--yes --confirm {name}`")
                    }
                });
        return Err((Exit::Refused, problem));
    }
    let mut places = Vec::new();
    for plan in plans {
        let several = plans.len() > 1;
        let within = plan.environment.as_deref().filter(|_| several);
        let within = within.map(|name| format!(" in {name}")).unwrap_or_default();
        for change in &plan.changes {
            let verb = match change.action {
                Action::Delete => "deletes",
                Action::Replace => "deletes and makes anew",
                Action::Create | Action::Update => continue,
            };
            printer.message(&format!("This {verb} {}{within}.\n", change.address));
        }
        places.extend(plan.systems.values().map(|url| format!("{url}{within}")));
    }
    let place = places.join(" and ");
    printer.message(&format!(
        "Apply these changes to {place}? Only `yes` is taken as a yes: "
    ));
    answered("yes", printer).await?;
    if let Some(name) = &consent.name {
        printer.message(&format!("This cannot be undone. Type `{name}` to go on: "));
        answered(name, printer).await?;
    }
    Ok(())
}

/// Waits for an answer; only the right one is one.
pub(in crate::cli) async fn answered(
    wanted: &str,
    printer: &Printer,
) -> Result<(), (Exit, Diagnostic)> {
    let read = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut answer)
            .map(|_| answer)
    });
    let answer = tokio::select! {
        answer = read => answer,
        () = crate::cli::interrupted() => {
            printer.message("\n");
            return Err((Exit::Interrupted, interruption()));
        }
    };
    match answer {
        Ok(Ok(answer)) if answer.trim() == wanted => Ok(()),
        answer => {
            // The question is still open where nobody ended its line.
            if !matches!(answer, Ok(Ok(text)) if text.ends_with('\n')) {
                printer.message("\n");
            }
            let problem = Diagnostic::error("not-confirmed", "not confirmed");
            Err((Exit::Refused, problem.note("nothing was changed")))
        }
    }
}
