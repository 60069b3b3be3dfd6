//! The order in which problems are shown: by file and place, each once.

use crate::diagnostic::{Diagnostic, Sources};

/// Every problem once, by file, place, severity and words. Those without a place come first.
pub(super) fn sorted<'a>(
    diagnostics: &'a [Diagnostic],
    sources: &'a Sources,
) -> Vec<&'a Diagnostic> {
    let key = |diagnostic: &'a Diagnostic| {
        let place = diagnostic.primary.as_ref();
        let place = place.map(|(at, _)| (sources.name(at.file), at.span.start, at.span.end));
        (
            place,
            diagnostic.severity,
            diagnostic.code,
            &diagnostic.message,
        )
    };
    let mut sorted: Vec<_> = diagnostics.iter().collect();
    sorted.sort_by(|a, b| key(a).cmp(&key(b)));
    sorted.dedup_by(|a, b| a == b);
    sorted
}
