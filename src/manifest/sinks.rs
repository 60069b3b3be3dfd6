//! Refuses sinks in which one secret would take the place of another: what a server shows once is
//! lost then.

use std::collections::HashMap;

use super::Entry;
use crate::diagnostic::{Diagnostic, FileId, Location};
use crate::model::Sink;
use crate::yaml::Node;

/// What the project file says beside its sink.
pub(super) struct Surroundings {
    /// The environment of this run.
    pub(super) environment: Option<String>,
    /// Whether other environments have the same manifests.
    several: bool,
    /// Whether other environments have the same sink of the project file.
    shared: bool,
    /// Where the project file says it.
    at: Option<Location>,
}

impl Surroundings {
    /// Reads the tree of the project file.
    pub(super) fn of(root: &Node, file: FileId, environment: Option<&str>) -> Self {
        let all = root.member("environments").map(|all| &all.value);
        let all = all.and_then(Node::members).unwrap_or_default();
        let own = |name: &str| {
            let one = all.iter().find(|one| one.key == name);
            one.is_some_and(|one| one.value.member("sink").is_some())
        };
        let sharing = all.iter().filter(|one| !own(&one.key)).count();
        Self {
            environment: environment.map(str::to_owned),
            several: environment.is_some() && all.len() > 1,
            shared: sharing > 1 && environment.is_some_and(|name| !own(name)),
            at: root.member("sink").map(|member| Location {
                file,
                span: member.key_span.clone(),
            }),
        }
    }
}

/// Reports every entry whose secret goes to where that of another one goes, or that of the same
/// entry in another environment. A program gets to know whose secret it is, and may serve many.
pub(super) fn check(
    of_project: Option<&Sink>,
    around: &Surroundings,
    entries: &[Entry],
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut seen: HashMap<Sink, &Entry> = HashMap::new();
    let mut said = false;
    for entry in entries.iter().filter(|entry| entry.kind.issued().is_some()) {
        let own = entry.lifecycle.sink.as_ref();
        let Some(sink) = own.or(of_project) else {
            continue;
        };
        let mixed = !sink.tells_environments_apart()
            && match own {
                Some(_) => around.several,
                // Once for all that go there.
                None => around.shared && !std::mem::replace(&mut said, true),
            };
        if mixed {
            let at = around.at.clone().filter(|_| own.is_none());
            let at = at.unwrap_or_else(|| entry.locate_lifecycle("sink"));
            let message = "secrets of several environments would go to one place";
            diagnostics.push(
                Diagnostic::error("same-sink", message)
                    .at(at, "")
                    .note("one would replace another, which the server does not show again")
                    .help(
                        "put `{env}` into it, for example `sink: { file: \"keys/{env}/{key}\" }`",
                    ),
            );
        }
        if matches!(sink, Sink::Command(_)) {
            continue;
        }
        let sink = sink.of(&entry.address, around.environment.as_deref());
        let Some(first) = seen.get(&sink) else {
            seen.insert(sink, entry);
            continue;
        };
        let message = format!(
            "the secrets of {} and {} both go to {sink}",
            first.address, entry.address
        );
        diagnostics.push(
            Diagnostic::error("same-sink", message)
                .at(entry.locate_lifecycle("sink"), "this one")
                .related(first.locate_lifecycle("sink"), "and this one")
                .note("the second would replace the first, which the server does not show again")
                .help("put `{key}` into `sink`, or give each entry a `lifecycle.sink` of its own"),
        );
    }
}
