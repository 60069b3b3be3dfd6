//! From a tree to text, the way people write it: short things on one line, long texts as blocks,
//! and quotes only where something would read differently without them.
//!
//! Texts are quoted for readers of YAML 1.1 as well: a plain `no` or `12:30` is a text here and
//! something else in the tools that also look at such files.

use std::fmt::Write as _;

use super::{Node, NodeValue, Scalar, resolve};

/// How many columns a list or a map may take to stay on one line.
const WIDTH: usize = 96;

/// How many scalars a nested list or map may have to stay on one line.
const CROWD: usize = 6;

/// Words that YAML 1.1 reads as booleans.
const WORDS: &[&str] = &["y", "n", "yes", "no", "on", "off"];

/// A member of a block map, from the column at which its key stands: lines without the last
/// line's end. `blocks` levels of maps are written as blocks however short they are.
pub(super) fn member(key: &str, value: &Node, column: usize, blocks: usize) -> String {
    format!(
        "{:column$}{}:{}",
        "",
        scalar(key, false),
        after_key(value, column, blocks)
    )
}

/// What follows the colon of a key at a column.
pub(super) fn after_key(value: &Node, column: usize, blocks: usize) -> String {
    if let Some(line) = inline(value, column, blocks) {
        return format!(" {line}");
    }
    let below = column + 2;
    let mut text = String::new();
    match &value.value {
        NodeValue::Mapping(members) => {
            for it in members {
                text.push('\n');
                text += &member(&it.key, &it.value, below, blocks.saturating_sub(1));
            }
        }
        NodeValue::Sequence(items) => {
            for it in items {
                text.push('\n');
                text += &item(it, below);
            }
        }
        NodeValue::Scalar { .. } => {}
    }
    text
}

/// An element of a block list whose dash stands at a column.
pub(super) fn item(value: &Node, column: usize) -> String {
    format!("{:column$}-{}", "", after_dash(value, column))
}

/// What follows the dash of an element.
pub(super) fn after_dash(value: &Node, column: usize) -> String {
    match (&value.value, inline(value, column, 0)) {
        (_, Some(line)) => format!(" {line}"),
        (NodeValue::Mapping(members), None) => {
            let lines: Vec<_> = members
                .iter()
                .map(|it| member(&it.key, &it.value, column + 2, 0))
                .collect();
            // The first key stands behind the dash.
            format!(" {}", lines.join("\n").trim_start_matches(' '))
        }
        _ => after_key(value, column, 0),
    }
}

/// A value that stands on the line of its key, block texts included; `None` where it takes lines
/// of its own.
fn inline(value: &Node, column: usize, blocks: usize) -> Option<String> {
    match &value.value {
        NodeValue::Scalar { text, plain: true } => Some(text.clone()),
        NodeValue::Scalar { text, plain: false } => {
            Some(block(text, column).unwrap_or_else(|| scalar(text, false)))
        }
        _ => {
            let line = flow(value);
            let short = blocks == 0 && column + line.chars().count() < WIDTH && !is_crowded(value);
            (is_empty(value) || short).then_some(line)
        }
    }
}

/// A value on one line.
pub(super) fn flow(value: &Node) -> String {
    match &value.value {
        NodeValue::Scalar { text, plain: true } => text.clone(),
        NodeValue::Scalar { text, plain: false } => scalar(text, true),
        NodeValue::Sequence(items) => {
            let items: Vec<_> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        NodeValue::Mapping(members) if members.is_empty() => "{}".to_owned(),
        NodeValue::Mapping(members) => {
            let members: Vec<_> = members
                .iter()
                .map(|it| flow_member(&it.key, &it.value))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
    }
}

/// A member of a map on one line.
pub(super) fn flow_member(key: &str, value: &Node) -> String {
    format!("{}: {}", scalar(key, true), flow(value))
}

fn is_empty(value: &Node) -> bool {
    match &value.value {
        NodeValue::Mapping(members) => members.is_empty(),
        NodeValue::Sequence(items) => items.is_empty(),
        NodeValue::Scalar { .. } => false,
    }
}

/// Whether a collection has too much in it for one line: texts of several lines, or many things
/// at several levels.
fn is_crowded(value: &Node) -> bool {
    fn count(value: &Node, depth: usize, deepest: &mut usize, lines: &mut bool) -> usize {
        *deepest = depth.max(*deepest);
        match &value.value {
            NodeValue::Scalar { text, .. } => {
                *lines |= text.contains('\n');
                1
            }
            NodeValue::Sequence(items) => items
                .iter()
                .map(|item| count(item, depth + 1, deepest, lines))
                .sum(),
            NodeValue::Mapping(members) => members
                .iter()
                .map(|member| count(&member.value, depth + 1, deepest, lines))
                .sum(),
        }
    }
    let (mut deepest, mut lines) = (0, false);
    let scalars = count(value, 0, &mut deepest, &mut lines);
    lines || deepest > 3 || (deepest > 1 && scalars > CROWD)
}

/// A text of several lines as a block; `None` for what a block cannot hold or would not help.
fn block(text: &str, column: usize) -> Option<String> {
    let body = text.trim_end_matches('\n');
    let ends = text.len() - body.len();
    let printable = |c: char| c == '\n' || c == '\t' || is_printable(c);
    if !body.contains('\n') && ends == 0 || body.is_empty() || !text.chars().all(printable) {
        return None;
    }
    let hollow = |line: &str| !line.is_empty() && line.trim().is_empty();
    if body.lines().any(hollow) || body.starts_with('\t') {
        return None;
    }
    // Where the text itself begins with a space, the reader has to be told what the indent is.
    let indicator = if body.starts_with([' ', '\n']) {
        "2"
    } else {
        ""
    };
    let chomp = match ends {
        0 => "-",
        1 => "",
        _ => "+",
    };
    let mut block = format!("|{indicator}{chomp}");
    let below = column + 2;
    for line in body.split('\n') {
        block.push('\n');
        if !line.is_empty() {
            block.extend(std::iter::repeat_n(' ', below));
            block.push_str(line);
        }
    }
    // The line end of the last line comes from whoever places the block.
    block.extend(std::iter::repeat_n('\n', ends.saturating_sub(1)));
    Some(block)
}

/// A text on one line, plain where that reads the same.
fn scalar(text: &str, in_flow: bool) -> String {
    if is_plain(text, in_flow) {
        return text.to_owned();
    }
    // Patterns are easier to read without doubled backslashes.
    let awkward = text.contains('\\') || text.contains('"');
    if awkward && !text.contains('\'') && text.chars().all(is_printable) {
        return format!("'{text}'");
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if is_printable(c) => quoted.push(c),
            // Writing to a text cannot fail.
            c if (c as u32) <= 0xffff => _ = write!(quoted, "\\u{:04X}", c as u32),
            c => _ = write!(quoted, "\\U{:08X}", c as u32),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether a character can be written as it is: visible, and neither a line's end nor one that
/// turns or joins what is around it.
fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(c as u32,
            0xad | 0x61c | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f
            | 0xfeff | 0xfff0..=0xffff | 0xe0000..=0xe0fff)
        && !matches!(c as u32, 0xe000..=0xf8ff)
}

fn is_plain(text: &str, in_flow: bool) -> bool {
    let begins = |c: char| c.is_alphanumeric() || matches!(c, '$' | '/' | '_' | '.' | '(');
    let goes_on = |c: char| {
        c.is_alphanumeric()
            || matches!(
                c,
                ' ' | '-'
                    | '_'
                    | '.'
                    | '/'
                    | '+'
                    | '$'
                    | '@'
                    | '='
                    | '('
                    | ')'
                    | ';'
                    | '~'
                    | '^'
                    | '%'
                    | '!'
                    | '?'
                    | '&'
                    | '*'
                    | '<'
                    | '>'
                    | '|'
            )
            || (!in_flow && matches!(c, ',' | '{' | '}' | '[' | ']' | '\''))
            || c == ':'
    };
    let hole = text.starts_with("${") && !in_flow;
    let first = text.chars().next().is_some_and(begins);
    let meaning = matches!(resolve(text), Ok(Scalar::Text));
    let word = WORDS.contains(&text.to_lowercase().as_str());
    // Dates, times, grouped numbers: what begins with a digit is plain only if it looks like a
    // name.
    let number = text.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && !text
            .chars()
            .any(|c| c.is_alphabetic() && !matches!(c, 'e' | 'E' | 'x' | 'o' | 'b'));
    let numeric = number || (text.starts_with(|c: char| c.is_numeric()) && text.contains(':'));
    (first || hole)
        && meaning
        && !word
        && !numeric
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.starts_with("...")
        && !text.starts_with("$$")
        && text.chars().all(goes_on)
        && !(in_flow && text.contains(':'))
}
