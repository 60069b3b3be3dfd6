//! Problems for programs.

use schemars::JsonSchema;
use serde::Serialize;

use super::order::sorted;
use crate::diagnostic::{Diagnostic, Location, Severity, Sources};

/// A problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct JsonDiagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable identifier in kebab case.
    pub code: String,
    /// What happened.
    pub message: String,
    /// Where, if it has a place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<JsonLocation>,
    /// A word on that place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Other places that belong to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<JsonLabel>,
    /// Why it matters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// Another place that belongs to a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct JsonLabel {
    /// Where.
    pub location: JsonLocation,
    /// A word on that place.
    pub label: String,
}

/// A stretch of a file. Lines and columns begin at 1; columns count characters. The end is the
/// place behind the last character.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct JsonLocation {
    /// The file, relative to the repository.
    pub file: String,
    /// The line of the first character.
    pub line: usize,
    /// The column of the first character.
    pub column: usize,
    /// The line behind the last character.
    pub end_line: usize,
    /// The column behind the last character.
    pub end_column: usize,
}

/// The problems in order, each once.
pub fn json(diagnostics: &[Diagnostic], sources: &Sources) -> Vec<JsonDiagnostic> {
    sorted(diagnostics, sources)
        .into_iter()
        .map(|diagnostic| one(diagnostic, sources))
        .collect()
}

fn one(diagnostic: &Diagnostic, sources: &Sources) -> JsonDiagnostic {
    let (location, label) = match &diagnostic.primary {
        Some((at, label)) => (Some(location_of(at, sources)), Some(label.clone())),
        None => (None, None),
    };
    let related = diagnostic.related.iter().map(|(at, label)| JsonLabel {
        location: location_of(at, sources),
        label: label.clone(),
    });
    JsonDiagnostic {
        severity: diagnostic.severity,
        code: diagnostic.code.to_owned(),
        message: diagnostic.message.clone(),
        location,
        label: label.filter(|label| !label.is_empty()),
        related: related.collect(),
        notes: diagnostic.notes.clone(),
        help: diagnostic.help.clone(),
    }
}

fn location_of(at: &Location, sources: &Sources) -> JsonLocation {
    let start = sources.position(at);
    let end = sources.end(at);
    JsonLocation {
        file: start.file,
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
    }
}
