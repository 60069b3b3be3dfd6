//! What the tests share: repositories, runs of the program, servers, and proxies that misbehave.

mod bucket;
mod leaks;
mod project;
mod proxy;
mod run;
mod server;
mod standalone;
mod terminal;

pub(crate) use bucket::{Bucket, CLOUDS, Cloud, STORE_SECRET};
pub(crate) use leaks::{assert_no_leak, base64_of};
pub(crate) use project::{Project, program};
pub(crate) use proxy::{Fate, Gate, Proxy, Seen, response};
pub(crate) use run::{Cli, Process, Run};
pub(crate) use server::{HTTP, KEY, Server, text};
pub(crate) use standalone::Standalone;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// How long a test waits for something that should have happened long ago. Only what hangs takes so
/// long: a busy machine decides no test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// The runtime of all servers and proxies of the process.
pub(crate) static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
});

/// Waits until `condition` gives something.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Checks several cases at the same time: most of a run is waiting.
pub(crate) fn at_once<T: Send>(
    cases: impl IntoIterator<Item = T>,
    check: impl Fn(T) + Send + Sync,
) {
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| check(case));
        }
    });
}

/// The environment variables that the small organisation and the example read, with values that
/// no output may contain.
pub(crate) const OPENAI_KEY: &str = "sk-small-9f3A/+x==\"quote\\back";

/// Asserts that there are the tests that show gatewright without what goes wrong elsewhere, in files
/// of this folder or of `src/`.
#[track_caller]
pub(crate) fn assert_tests_exist(problems: &[(&str, &[&str])]) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for (problem, tests) in problems {
        assert!(!tests.is_empty(), "nothing shows that not `{problem}`");
        for test in *tests {
            let (file, name) = test.split_once(' ').unwrap();
            let folder = match file.starts_with("src/") {
                true => root.to_owned(),
                false => root.join("tests/it"),
            };
            let source = std::fs::read_to_string(folder.join(file)).unwrap();
            let source: Vec<&str> = source.lines().map(str::trim).collect();
            let source = source.join("\n");
            let wanted = format!("#[test]\nfn {name}() {{");
            let only_unix = format!("#[test]\n#[cfg(unix)]\nfn {name}() {{");
            let found = source.contains(&wanted) || source.contains(&only_unix);
            assert!(found, "{file} has no test {name}");
        }
    }
}
