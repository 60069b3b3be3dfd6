//! Refuses sinks in which one secret would take the place of another: what a server shows once is
//! lost then.

use std::collections::HashMap;

use super::Entry;
use crate::diagnostic::Diagnostic;
use crate::model::Sink;

/// Reports every entry whose secret goes to where that of another one goes. A program gets to know
/// whose secret it is, and may serve many.
pub(super) fn check(shared: Option<&Sink>, entries: &[Entry], diagnostics: &mut Vec<Diagnostic>) {
    let mut seen: HashMap<Sink, &Entry> = HashMap::new();
    for entry in entries.iter().filter(|entry| entry.kind.issued().is_some()) {
        let sink = entry.lifecycle.sink.as_ref().or(shared);
        let Some(sink) = sink.map(|sink| sink.of(&entry.address)) else {
            continue;
        };
        if matches!(sink, Sink::Command(_)) {
            continue;
        }
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
