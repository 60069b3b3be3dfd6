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

#[path = "../../../description/mod.rs"]
#[allow(dead_code, reason = "the build script and the tests use more of it")]
mod description;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use description::node::Node;
use description::{DescriptionError, Profile, merge};

const USAGE: &str = "usage: describe check|derive UPSTREAM.yaml

check    say where the upstream document and mock/api differ; exit status 1 if they do
derive   rewrite mock/api from the upstream document";

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
    let outcome = match arguments.as_slice() {
        ["check", upstream] => check(root, Path::new(upstream)),
        ["derive", upstream] => derive(root, Path::new(upstream)),
        ["--help" | "-h"] => {
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
fn check(root: &Path, upstream: &Path) -> Result<ExitCode, ToolError> {
    let upstream = convert::document(&description::read(upstream)?)?;
    let ours = merge::folder(&root.join("api"))?;
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
fn derive(root: &Path, upstream: &Path) -> Result<ExitCode, ToolError> {
    let upstream = convert::document(&description::read(upstream)?)?;
    let folder = root.join("api");
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| ToolError::Write { path, source }
    };
    let documents = areas::split(&upstream)?;
    std::fs::create_dir_all(&folder).map_err(failed(&folder))?;
    for stale in description::yaml_files(&folder)? {
        std::fs::remove_file(&stale).map_err(failed(&stale))?;
    }
    for (name, document) in &documents {
        let path = folder.join(format!("{name}.yaml"));
        std::fs::write(&path, emit::document(document)).map_err(failed(&path))?;
    }
    println!("{} documents, {} paths", documents.len(), count(&upstream));
    let mut code = ExitCode::SUCCESS;
    for profile in Profile::ALL {
        if let Err(error) = description::assemble(root, profile) {
            println!("{}: {error}", profile.name());
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
