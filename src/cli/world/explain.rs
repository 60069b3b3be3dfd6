//! What went wrong between the two sides, as diagnostics.

use std::collections::BTreeMap;

use super::{Failure, World};
use crate::cli::exit::Exit;
use crate::client::{ApiError, ApiErrorKind};
use crate::diagnostic::Diagnostic;
use crate::ledger::{LeaseError, LedgerError, StoreError};
use crate::live::{Problem, Reason};
use crate::model::Pointer;

impl World {
    /// Problems of reading as diagnostics, the same cause once.
    pub(in crate::cli) fn explain(&self, systems: Vec<Vec<Problem>>) -> Failure {
        let mut exit = Exit::Error;
        let mut diagnostics = Vec::new();
        for problems in systems {
            diagnostics.extend(self.explain_one(problems, &mut exit));
        }
        (exit, diagnostics)
    }

    /// The problems of one system.
    fn explain_one(&self, problems: Vec<Problem>, exit: &mut Exit) -> Vec<Diagnostic> {
        // One refused key, dead server or wrong URL fails every list alike: it is said once.
        let mut causes: BTreeMap<(ApiErrorKind, Option<u16>, String), (usize, usize)> =
            BTreeMap::new();
        let mut diagnostics: Vec<Diagnostic> = Vec::new();
        for problem in problems {
            let entry = problem
                .address
                .as_ref()
                .and_then(|address| self.entry(address));
            let diagnostic = match &problem.reason {
                Reason::Api(error) => {
                    let denied = [ApiErrorKind::Unauthorised, ApiErrorKind::Forbidden];
                    if denied.contains(&error.kind) {
                        *exit = Exit::NotAuthorised;
                    }
                    let everywhere = [ApiErrorKind::Unauthorised, ApiErrorKind::Unreachable];
                    let cause = match everywhere.contains(&error.kind) {
                        true => (error.kind, None, String::new()),
                        false => (error.kind, error.status, error.message.to_string()),
                    };
                    if let Some((_, more)) = causes.get_mut(&cause).filter(|_| entry.is_none()) {
                        *more += 1;
                        continue;
                    }
                    causes.entry(cause).or_insert((diagnostics.len(), 0));
                    let no_list = entry.is_none() && error.kind == ApiErrorKind::NotFound;
                    match no_list {
                        true => api_error(error).help(error.check_base_url()),
                        false => api_error(error),
                    }
                }
                Reason::Ambiguous { name, candidates } => Diagnostic::error(
                    "ambiguous",
                    format!(
                        "{} live objects are called `{name}`, and nothing says which one is meant",
                        candidates.len()
                    ),
                )
                .note(format!("candidates: {}", candidates.join("; ")))
                .help("rename all but one of them on the server, or give the entry another `name`"),
            };
            diagnostics.push(match entry {
                Some(entry) => diagnostic.at(entry.locate(&Pointer::root()), "for this entry"),
                None => diagnostic,
            });
        }
        for (at, more) in causes.into_values().filter(|(_, more)| *more > 0) {
            let noun = if more == 1 { "request" } else { "requests" };
            diagnostics[at]
                .notes
                .push(format!("{more} more {noun} failed alike"));
        }
        diagnostics
    }
}

/// What a future comes to that writes nothing, unless the user ends the run before.
///
/// # Errors
/// That it was interrupted.
pub(in crate::cli) async fn unless_interrupted<T>(
    reading: impl Future<Output = T>,
) -> Result<T, Failure> {
    tokio::select! {
        // First of all somebody listens for the signal: then nothing that is sent goes without.
        biased;
        () = crate::cli::interrupted() => Err((Exit::Interrupted, vec![interruption()])),
        done = reading => Ok(done),
    }
}

/// That the user ended the run before it wrote anything.
pub(in crate::cli) fn interruption() -> Diagnostic {
    Diagnostic::error("interrupted", "interrupted").note("nothing was changed")
}

/// A problem of a ledger or journal as a diagnostic.
pub(in crate::cli) fn ledger_error(error: &LedgerError) -> Diagnostic {
    let problem = Diagnostic::error("ledger", error.to_string());
    match error {
        LedgerError::Locked { .. } => problem
            .note("two applies at once would create everything twice")
            .help("wait for the other one; a lock ends with the process that holds it"),
        LedgerError::Lease(LeaseError::Held(_)) => problem
            .note("two applies at once would create everything twice")
            .help("wait for the other one; if it died, its lease ends by itself at that time"),
        LedgerError::Changed { .. } => problem.note("nothing was changed").help("run it again"),
        LedgerError::Lost(_) | LedgerError::Store(StoreError::Taken(_)) => problem
            .note("the ledger was not saved; what this run did is in its journal")
            .help("run it again: the next run reads the journal"),
        LedgerError::Store(_) | LedgerError::Lease(_) => problem.help(
            "check `ledger` in gatewright.yaml, and the variables with the credentials of the store",
        ),
        _ => problem
            .note("without its ledger gatewright does not know what is its own, so it stops here"),
    }
}

/// An error of the API as a diagnostic.
pub(in crate::cli) fn api_error(error: &ApiError) -> Diagnostic {
    let code = match error.kind {
        ApiErrorKind::Unreachable | ApiErrorKind::Lost => "unreachable",
        ApiErrorKind::Unauthorised => "unauthorised",
        ApiErrorKind::Forbidden => "forbidden",
        ApiErrorKind::NotTheApi => "not-the-api",
        _ => "api-error",
    };
    Diagnostic::error(code, error.to_string()).maybe_help(error.help())
}
