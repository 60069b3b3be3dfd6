//! The tool for the day on which the vendor publishes a new document.
//!
//! `check` says where it differs from the mock's description, `derive` rewrites the description. Neither
//! is part of the mock: a running mock knows only what the build put together.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a command-line tool"
)]

mod areas;
mod compare;
mod convert;
mod emit;
mod operation_id;
mod parts;
mod schema;
mod upstream;

#[path = "../../../description/mod.rs"]
#[allow(dead_code, reason = "the build script and the tests use more of it")]
mod description;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use description::node::Node;
use description::{DescriptionError, Profile, merge};
use upstream::{UPSTREAMS, Upstream};

const USAGE: &str = "usage: describe [--api NAME] check|derive UPSTREAM

check    say where the upstream document and mock/api/NAME differ; exit status 1 if they do
derive   rewrite mock/api/NAME from the upstream document

NAME is portkey (the default), arize or arize-2026-07-02.";

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
enum ToolError {
    #[error(transparent)]
    Description(#[from] DescriptionError),
    #[error(transparent)]
    Convert(#[from] convert::ConvertError),
    #[error(transparent)]
    Area(#[from] areas::AreaError),
    #[error("{}: {source}", path.display())]
    Write {
        path: PathBuf,
        source: std::io::Error,
    },
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (name, rest) = match arguments.as_slice() {
        ["--api", name, rest @ ..] => (Some(*name), rest),
        rest => (None, rest),
    };
    let api = UPSTREAMS
        .iter()
        .find(|api| name.is_none_or(|name| api.name == name));
    let outcome = match (api, rest) {
        (Some(api), ["check", upstream]) => check(root, api, Path::new(upstream)),
        (Some(api), ["derive", upstream]) => derive(root, api, Path::new(upstream)),
        (_, ["--help" | "-h"]) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("describe: {error}");
        ExitCode::from(2)
    })
}

/// Prints every difference, one a line.
fn check(root: &Path, api: &Upstream, upstream: &Path) -> Result<ExitCode, ToolError> {
    let upstream = convert::document(api.title, &description::read(upstream)?)?;
    let ours = merge::folder(&root.join("api").join(api.name))?;
    let differences = compare::documents(&ours, &upstream);
    for difference in &differences {
        println!("{difference}");
    }
    if differences.is_empty() {
        println!("no difference in {} paths", count(&ours));
        Ok(ExitCode::SUCCESS)
    } else {
        Ok(ExitCode::FAILURE)
    }
}

/// Rewrites the description, then says which overlay no longer fits it.
fn derive(root: &Path, api: &Upstream, upstream: &Path) -> Result<ExitCode, ToolError> {
    let upstream = convert::document(api.title, &description::read(upstream)?)?;
    let folder = root.join("api").join(api.name);
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| ToolError::Write { path, source }
    };
    let documents = areas::split(api, &upstream)?;
    std::fs::create_dir_all(&folder).map_err(failed(&folder))?;
    for stale in description::yaml_files(&folder)? {
        std::fs::remove_file(&stale).map_err(failed(&stale))?;
    }
    for (name, document) in &documents {
        let path = folder.join(format!("{name}.yaml"));
        std::fs::write(&path, emit::document(api.source, document)).map_err(failed(&path))?;
    }
    println!("{} documents, {} paths", documents.len(), count(&upstream));
    let mut code = ExitCode::SUCCESS;
    for profile in Profile::ALL {
        if let Err(error) = description::assemble(root, profile) {
            println!("{} {}: {error}", profile.system, profile.name);
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

/// How many paths a document has.
fn count(document: &Node) -> usize {
    document
        .get("paths")
        .and_then(Node::as_map)
        .map_or(0, |paths| paths.len())
}
