//! Values as a line of text.

use crate::model::{Reference, Segment, Value};
use crate::plan::retired_from;

/// The longest text that a line shows of one value.
const LONGEST: usize = 72;

/// How much of what two long values share is shown before their difference.
const SHARED: usize = 12;

/// A value on one line: JSON, with references as addresses and secrets as `(secret)`. Long values
/// are cut.
pub fn value(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    cut(&out, 0)
}

/// Two values on one line. Where they are long and begin alike, what they share is left out, so
/// that the difference shows.
pub(super) fn change(old: &Value, new: &Value) -> String {
    let (mut before, mut after) = (String::new(), String::new());
    write(old, &mut before);
    write(new, &mut after);
    let longest = before.chars().count().max(after.chars().count());
    let alike = before
        .chars()
        .zip(after.chars())
        .take_while(|(a, b)| a == b)
        .count();
    let start = if longest > LONGEST && alike > SHARED {
        alike - SHARED
    } else {
        0
    };
    format!("{} → {}", cut(&before, start), cut(&after, start))
}

/// The characters from `start` on, as many as fit on a line.
fn cut(text: &str, start: usize) -> String {
    let mut rest = text.chars().skip(start);
    let mut out = String::new();
    if start > 0 {
        out.push('…');
    }
    out.extend(rest.by_ref().take(LONGEST));
    if rest.next().is_some() {
        out.push('…');
    }
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => quoted(text, out),
        Value::Secret(_) => out.push_str("(secret)"),
        Value::Reference(reference) => self::reference(reference, out),
        Value::Template(template) => {
            out.push('"');
            for segment in &template.0 {
                match segment {
                    Segment::Text(text) => out.push_str(text),
                    Segment::Reference(reference) => self::reference(reference, out),
                }
            }
            out.push('"');
        }
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Map(members) => {
            out.push('{');
            for (index, (key, member)) in members.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                out.push_str(key);
                out.push_str(": ");
                write(member, out);
            }
            out.push('}');
        }
    }
}

/// A text on one line, without quotes.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::new();
    quoted(text, &mut out);
    let inner = out.strip_prefix('"').and_then(|out| out.strip_suffix('"'));
    cut(inner.unwrap_or(&out), 0)
}

/// JSON's quoting also disarms control characters, so that a name on a server cannot steer the
/// terminal.
fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || turns_text(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Whether a character turns the direction of what follows, so that a line would show otherwise
/// than it reads.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn reference(reference: &Reference, out: &mut String) {
    // An object that is being replaced has an address that nobody wrote.
    let retired = retired_from(&reference.address);
    if retired.is_some() {
        out.push_str("the old ");
    }
    out.push_str(&retired.as_ref().unwrap_or(&reference.address).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    #[test]
    fn values_fit_on_a_line_and_hide_secrets() {
        let json = serde_json::json!({"a": [1, "x\u{1b}[31m"], "b": null});
        assert_eq!(
            value(&Value::from(json)),
            "{a: [1, \"x\\u{1b}[31m\"], b: null}"
        );
        assert_eq!(
            value(&Value::Secret(Secret::declared("sk-1", vec![]))),
            "(secret)"
        );
        assert_eq!(
            value(&Value::text("x".repeat(100))).chars().count(),
            LONGEST + 1
        );
    }

    #[test]
    fn long_values_show_where_they_differ() {
        let text = |end: &str| Value::text(format!("{}{end}", "x".repeat(200)));
        assert_eq!(
            change(&text("one"), &text("two")),
            "…xxxxxxxxxxxxone\" → …xxxxxxxxxxxxtwo\""
        );
        assert_eq!(
            change(&Value::text("a"), &Value::text("b")),
            "\"a\" → \"b\""
        );
    }
}
