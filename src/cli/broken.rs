//! When the program itself breaks: it says where, and nothing of what it was working on, since that
//! may hold a secret.

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook};

use crate::diagnostic::Diagnostic;

/// Runs something that may break. The words of a panic are nobody's to see: those of a text that is
/// cut at the wrong place repeat the text.
///
/// # Errors
/// What to tell where it broke.
pub(super) fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, Box<Diagnostic>> {
    set_hook(Box::new(|panic| {
        // Where standard error is closed, there is nobody to tell.
        let _ = std::io::Write::write_all(&mut std::io::stderr(), message(panic).as_bytes());
    }));
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| {
        let problem =
            Diagnostic::error("broken", "gatewright itself broke: this is a mistake in it")
                .note(
                    "what was sent before is in the journal, and the next run takes it from there",
                )
                .help("report it with the place above; `RUST_BACKTRACE=1` says more about it");
        Box::new(problem)
    })
}

fn message(panic: &PanicHookInfo<'_>) -> String {
    let place = panic.location().map(ToString::to_string);
    let place = place.unwrap_or_else(|| "an unknown place".to_owned());
    let trace = std::backtrace::Backtrace::capture();
    match trace.status() {
        std::backtrace::BacktraceStatus::Captured => format!("broken at {place}\n{trace}\n"),
        _ => format!("broken at {place}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The variable that tells the inner process what to break over.
    const SECRET: &str = "GATEWRIGHT_BROKEN_TEST";

    /// Breaks as a slice of a text does, whose words repeat the text; alone, it does nothing.
    #[test]
    fn breaks_when_asked() {
        let Ok(secret) = std::env::var(SECRET) else {
            return;
        };
        let end = guarded(|| secret.get(..1).map(|_| secret[..secret.len() + 1].len()));
        let problem = end.unwrap_err();
        assert_eq!(problem.code, "broken");
        // Also where the run itself goes on.
        let _ = std::thread::spawn(move || panic!("{secret}")).join();
    }

    #[test]
    fn a_panic_says_where_and_not_what() {
        for backtrace in ["0", "1", "full"] {
            let secret = "sk-panic-5J2x/+\u{e9}";
            let run = std::process::Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "cli::broken::tests::breaks_when_asked",
                    "--nocapture",
                ])
                .env(SECRET, secret)
                .env("RUST_BACKTRACE", backtrace)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned();
            assert!(run.status.success(), "{said}");
            assert_eq!(
                said.matches("broken at src/cli/broken.rs:").count(),
                2,
                "{said}"
            );
            assert!(!said.contains("sk-panic"), "{said}");
            assert_eq!(
                said.contains("stack backtrace") || said.contains("  0: "),
                backtrace != "0",
                "{said}"
            );
        }
    }
}
