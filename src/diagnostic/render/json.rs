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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<JsonLabel>,
    /// Why it matters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn places_count_from_one_and_empty_parts_are_left_out() {
        let mut sources = Sources::default();
        let file = sources.add("a.yaml", "x: 1\nä: bc\n");
        let at = |span| Location { file, span };
        let problems = [Diagnostic::error("code", "what")
            .at(at(9..11), "word")
            .related(at(0..1), "")
            .help("do it")];
        assert_eq!(
            serde_json::to_value(super::json(&problems, &sources)).unwrap(),
            json!([{
                "severity": "error",
                "code": "code",
                "message": "what",
                "location": {
                    "file": "a.yaml", "line": 2, "column": 4, "end_line": 2, "end_column": 6,
                },
                "label": "word",
                "related": [{
                    "location": {
                        "file": "a.yaml", "line": 1, "column": 1, "end_line": 1, "end_column": 2,
                    },
                    "label": "",
                }],
                "help": "do it",
            }])
        );
    }
}
