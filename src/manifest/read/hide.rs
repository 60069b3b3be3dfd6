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

/// Hides what follows a name that secrets usually have in a file that cannot be read: the rest of
/// the line, and deeper lines below it that have no name of their own.
pub(in crate::manifest) fn hide_guessed_secrets(sources: &mut Sources, file: FileId) {
    let mut hidden = Vec::new();
    let mut start = 0;
    let mut secret_above = None;
    for line in sources.text(file).split_inclusive('\n') {
        let content = line.trim();
        let depth = line.len() - line.trim_start().len();
        if secret_above.is_some_and(|above| depth <= above) && !content.is_empty() {
            secret_above = None;
        }
        let value = secret_in(line);
        if value.is_some() {
            secret_above = Some(depth);
        }
        let nameless = secret_above.is_some() && value.is_none() && !content.contains(':');
        let from = match value {
            Some(from) => from,
            None if nameless => depth,
            None => line.len(),
        };
        let text = line[from..].trim();
        if !text.is_empty() && !text.starts_with("${") {
            let at = start + from + line[from..].find(text).unwrap_or_default();
            hidden.push(at..at + text.len());
        }
        start += line.len();
    }
    for span in hidden {
        sources.hide(&Location { file, span });
    }
}

/// Where the value of the first name in a line begins that secrets usually have.
fn secret_in(line: &str) -> Option<usize> {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    line.match_indices(':').find_map(|(colon, _)| {
        let before = line[..colon].trim_end_matches(['"', '\'', ' ']);
        let name = before.rsplit(|c| !is_name(c)).next().unwrap_or_default();
        is_secret_name(name).then_some(colon + 1)
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_guide_in_files_that_cannot_be_read() {
        let text = "\
a: { key: sk-1, b: 2 }
key: ${env:K}
private_key: |
  sk-2
    sk-3
  region: x
plain: y
  continued
\"api-token\" : sk-4
";
        let mut sources = Sources::default();
        let file = sources.add("a.yaml", text);
        hide_guessed_secrets(&mut sources, file);
        let hidden = sources.hidden(file, &(0..text.len()));
        let hidden: Vec<_> = hidden.into_iter().map(|span| &text[span]).collect();
        assert_eq!(hidden, ["sk-1, b: 2 }", "|", "sk-2", "sk-3", "sk-4"]);
    }
}
