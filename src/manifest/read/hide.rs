//! Keeps literal secrets out of the snippets that messages show.
//!
//! Where the schema says what is a secret, exactly that is hidden. In parts of a file that no
//! schema describes (a syntax error, an unknown kind, a misspelt field), names have to do.

use super::secret::is_one_hole;
use crate::diagnostic::{FileId, Location, Sources};
use crate::yaml::{Node, NodeValue};

/// Hides every scalar at or below a node, except those that are one interpolation.
pub(in crate::manifest) fn hide_literals(sources: &mut Sources, file: FileId, node: &Node) {
    match &node.value {
        NodeValue::Scalar { .. } if is_one_hole(node) => {}
        NodeValue::Scalar { .. } => sources.hide(&Location {
            file,
            span: node.span.clone(),
        }),
        NodeValue::Sequence(items) => items
            .iter()
            .for_each(|item| hide_literals(sources, file, item)),
        NodeValue::Mapping(members) => members
            .iter()
            .for_each(|member| hide_literals(sources, file, &member.value)),
    }
}

/// Hides what stands under names that secrets usually have, anywhere below a node.
pub(in crate::manifest) fn hide_secret_names(sources: &mut Sources, file: FileId, node: &Node) {
    match &node.value {
        NodeValue::Scalar { .. } => {}
        NodeValue::Sequence(items) => items
            .iter()
            .for_each(|item| hide_secret_names(sources, file, item)),
        NodeValue::Mapping(members) => {
            for member in members {
                if is_secret_name(&member.key) {
                    hide_literals(sources, file, &member.value);
                } else {
                    hide_secret_names(sources, file, &member.value);
                }
            }
        }
    }
}

/// Hides the rest of every line of a file that cannot be read after a name that secrets usually
/// have.
pub(in crate::manifest) fn hide_guessed_secrets(sources: &mut Sources, file: FileId) {
    let mut hidden = Vec::new();
    let mut start = 0;
    for line in sources.text(file).split_inclusive('\n') {
        let end = line.trim_end().len();
        for (colon, _) in line.match_indices(':') {
            let key = line[..colon].trim_end_matches(['"', '\'', ' ']);
            let from = key
                .rfind(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-'))
                .map_or(0, |at| {
                    at + key[at..].chars().next().map_or(1, char::len_utf8)
                });
            let value = line[colon + 1..end].trim_start();
            if is_secret_name(&key[from..]) && !value.is_empty() && !value.starts_with("${") {
                hidden.push(start + end - value.len()..start + end);
                break;
            }
        }
        start += line.len();
    }
    for span in hidden {
        sources.hide(&Location { file, span });
    }
}

/// Whether a field of this name usually holds a secret.
pub(in crate::manifest) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let parts = [
        "key",
        "secret",
        "token",
        "password",
        "passwd",
        "credential",
        "auth",
        "private",
    ];
    parts.iter().any(|part| name.contains(part))
}
