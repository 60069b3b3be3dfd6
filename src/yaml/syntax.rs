//! The parser's errors in words that say what to do.

use granit_parser::{ErrorKind, ScanError};

use super::MAX_DEPTH;
use crate::diagnostic::{Diagnostic, FileId, Location};

/// What the parser refused, at the place where it did.
pub(super) fn explain(file: FileId, text: &str, error: &ScanError) -> Diagnostic {
    let mut at = error.marker().byte_offset().unwrap_or(text.len());
    if is_tab(error.kind()) {
        // The parser may have gone on to what follows the tab.
        let before = text.get(..at).unwrap_or_default();
        if !text.get(at..).unwrap_or_default().starts_with('\t') && before.ends_with('\t') {
            at = before.trim_end_matches('\t').len();
        }
    }
    let location = Location {
        file,
        span: character_at(text, at),
    };
    match error.kind() {
        ErrorKind::RecursionLimitExceeded => too_deep(location),
        ErrorKind::UnknownAnchor => {
            Diagnostic::error("unknown-anchor", "alias of an anchor that does not exist")
                .at(location, "no `&name` of this name stands before it")
        }
        kind => {
            let (label, help) = words(kind);
            let help = help.or_else(|| unquoted_interpolation(text, location.span.start));
            Diagnostic::error("yaml-syntax", "invalid YAML")
                .at(location, label)
                .maybe_help(help.map(str::to_owned))
        }
    }
}

/// Values nested deeper than [`MAX_DEPTH`].
pub(super) fn too_deep(location: Location) -> Diagnostic {
    Diagnostic::error(
        "yaml-too-deep",
        format!("values are nested more than {MAX_DEPTH} levels deep"),
    )
    .at(location, "one level too many")
}

fn is_tab(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabAtBlockScalarStart
            | ErrorKind::TabInPlainScalar
    )
}

fn words(kind: &ErrorKind) -> (String, Option<&'static str>) {
    let spaces = Some("indent with spaces: YAML does not allow tabs there");
    let (label, help) = match kind {
        kind if is_tab(kind) => ("a tab where only spaces may stand", spaces),
        ErrorKind::InvalidIndentation | ErrorKind::ExpectedBlockMappingKey => (
            "expected a key here",
            Some("align it with the keys of the map it belongs to"),
        ),
        ErrorKind::ExpectedBlockSequenceEntry => ("expected `- ` here", None),
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => (
            "`: ` is not allowed here",
            Some("quote a text that contains `: `, and check the indentation"),
        ),
        ErrorKind::ExpectedFlowMappingSeparator => ("expected `,` or `}` here", None),
        ErrorKind::ExpectedFlowSequenceSeparator => ("expected `,` or `]` here", None),
        ErrorKind::UnclosedQuotedScalar => ("the quoted text is never closed", None),
        ErrorKind::UnclosedFlowCollection { open } => {
            return (format!("this `{open}` is never closed"), None);
        }
        ErrorKind::SimpleKeyExpected => ("expected `:` after this key", None),
        _ => {
            let text = kind.to_string();
            // "while parsing a node, did not find ...": the place already says where.
            let text = match text.split_once(", ") {
                Some((before, after)) if before.starts_with("while ") => after.to_owned(),
                _ => text,
            };
            return (text, None);
        }
    };
    (label.to_owned(), help)
}

/// `{ key: ${env:X} }`: the brace of an unquoted interpolation ends a flow map.
fn unquoted_interpolation(text: &str, at: usize) -> Option<&'static str> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
    let line = text.get(start..)?.lines().next()?;
    let unquoted = line
        .match_indices("${")
        .any(|(found, _)| !line[..found].contains(['"', '\'']));
    (unquoted && line.contains(['{', '[']))
        .then_some("quote interpolations inside `{ }` and `[ ]`: \"${env:NAME}\"")
}

/// The character at a byte, or nothing at the end.
fn character_at(text: &str, at: usize) -> std::ops::Range<usize> {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let length = text[at..]
        .chars()
        .next()
        .filter(|character| !matches!(character, '\n' | '\r'))
        .map_or(0, char::len_utf8);
    at..at + length
}
