//! Writes a document as YAML that a person likes to read: blocks, except for short lists of plain values.

use crate::description::node::Node;

/// What each derived file begins with.
fn header(source: &str) -> String {
    format!(
        "\
# Derived from {source} by `cargo run -p gatewright-mock --bin describe`.
# Not edited by hand: corrections belong in ../../live, behaviour in ../../behaviour.
"
    )
}

/// The longest line that a list may make.
const WIDTH: usize = 110;

/// A whole file.
pub(crate) fn document(source: &str, node: &Node) -> String {
    let mut out = header(source);
    block(node, 0, &mut out);
    out
}

/// Writes the lines of a node at a depth; the caller has ended the line before.
fn block(node: &Node, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    match node {
        Node::Map(map) => {
            for (key, value) in map {
                out.push_str(&indent);
                out.push_str(&text(key, false));
                out.push(':');
                after(value, depth + 1, out);
            }
        }
        Node::List(list) => {
            for item in list {
                let start = out.len();
                block_or_line(item, depth + 1, out);
                // The item's first line begins with the dash instead of two spaces of its indent.
                let dash = start + indent.len();
                out.replace_range(dash..dash + 1, "-");
            }
        }
        scalar => {
            out.push_str(&indent);
            out.push_str(&inline(scalar, false));
            out.push('\n');
        }
    }
}

/// Writes a list item, which begins a line of its own.
fn block_or_line(item: &Node, depth: usize, out: &mut String) {
    match line(item, depth * 2) {
        Some(line) => {
            out.push_str(&"  ".repeat(depth));
            out.push_str(&line);
            out.push('\n');
        }
        None => block(item, depth, out),
    }
}

/// Writes what follows `key:`.
fn after(value: &Node, depth: usize, out: &mut String) {
    let column = out.len() - out.rfind('\n').map_or(0, |newline| newline + 1);
    match line(value, column + 1) {
        Some(line) => {
            out.push(' ');
            out.push_str(&line);
            out.push('\n');
        }
        None => {
            out.push('\n');
            block(value, depth, out);
        }
    }
}

/// The node on one line, if that is how it is written.
fn line(node: &Node, column: usize) -> Option<String> {
    match node {
        Node::Map(map) if !map.is_empty() => None,
        Node::List(list) if !list.iter().all(Node::is_scalar) => None,
        Node::List(_) => {
            let line = inline(node, true);
            (column + line.len() <= WIDTH).then_some(line)
        }
        _ => Some(inline(node, false)),
    }
}

/// A scalar, an empty collection or a list of scalars.
fn inline(node: &Node, in_flow: bool) -> String {
    match node {
        Node::Null => "null".to_owned(),
        Node::Bool(value) => value.to_string(),
        Node::Number(number) => number.to_string(),
        Node::Text(value) => text(value, in_flow),
        Node::List(list) => {
            let items: Vec<String> = list.iter().map(|item| inline(item, true)).collect();
            format!("[{}]", items.join(", "))
        }
        Node::Map(_) => "{}".to_owned(),
    }
}

/// A text, in quotes unless it cannot be taken for anything else.
fn text(value: &str, in_flow: bool) -> String {
    const RESERVED: [&str; 12] = [
        "null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf", "infinity",
    ];
    let first_is_plain = value.starts_with(|first: char| {
        first.is_ascii_alphabetic() || first == '_' || first == '/' || first == '$'
    });
    let rest_is_plain = value.chars().all(|character| {
        character.is_ascii_alphanumeric()
            || "_./$-+#".contains(character)
            || (!in_flow && "{}@ ".contains(character))
    });
    let reserved = RESERVED.contains(&value.to_ascii_lowercase().as_str());
    if first_is_plain
        && rest_is_plain
        && !reserved
        && !value.contains(" #")
        && !value.ends_with(' ')
    {
        value.to_owned()
    } else if value.chars().any(char::is_control) {
        // JSON's way of quoting is one of YAML's.
        serde_json::Value::from(value).to_string()
    } else {
        format!("'{}'", value.replace('\'', "''"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Node, document};

    #[test]
    fn what_is_written_is_read_back() {
        let source = r##"{
            "paths": {"/a/{b}": {"get": {"tags": ["x", "null", "1", "-", "#", "a b", "a: b", "it's"]}}},
            "200": "on", "empty": {}, "none": [], "y": 1.5, "deep": [[1, {"a": ["b", {}]}], {"c": null, "d": [true]}],
            "text": ["two\nlines", "", " ", "!x", "^(?!latest$)\\d+$", "common.yaml#/components/schemas/A", "é"]
        }"##;
        let node: Node = serde_json::from_str(source).expect("valid JSON");
        let written = document("a test", &node);
        let read: Node =
            serde_saphyr::from_str(&written).unwrap_or_else(|error| panic!("{error}\n{written}"));
        assert_eq!(read, node, "{written}");
    }
}
