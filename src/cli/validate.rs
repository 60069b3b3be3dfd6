//! `gatewright validate`: checks a repository without talking to anybody.

use super::args::Global;
use super::exit::Exit;
use super::output::{Document, Finish};
use super::world;

pub(super) fn run(global: &Global) -> Finish {
    let opening = world::Opening::default();
    let loaded =
        world::variables(global).and_then(|variables| world::load(global, &variables, &opening));
    let (repository, sources, diagnostics) = match loaded {
        Ok(loaded) => loaded,
        Err(finish) => return *finish,
    };
    let count = repository.entries.len();
    let noun = if count == 1 {
        "resource is"
    } else {
        "resources are"
    };
    let line = format!("{count} {noun} declared, and all is well.");
    Finish {
        text: format!("{line}\n"),
        line,
        document: Document {
            declared: Some(count),
            ..Document::default()
        },
        ..Finish::failed(Exit::Done, sources, diagnostics)
    }
}
