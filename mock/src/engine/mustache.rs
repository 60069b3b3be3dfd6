//! As much of mustache as prompts use: variables, sections, inverted sections, comments, partials.
//!
//! Text for a model is not HTML, so nothing is escaped. A template that is not well-formed renders
//! as far as it makes sense: an unclosed tag is text, a closing tag without its section is nothing.

use serde_json::Value;

/// How deep sections and partials may be nested. A partial may include itself.
const DEEPEST: usize = 16;

/// How long a rendered text may become: sections inside sections multiply.
const LONGEST: usize = 1 << 20;

/// Renders a template. `partial` gives the template of a partial.
pub(crate) fn render(
    template: &str,
    variables: &Value,
    partial: &impl Fn(&str) -> Option<String>,
) -> String {
    let mut output = String::new();
    write(template, &mut vec![variables], partial, 0, &mut output);
    output
}

fn write(
    template: &str,
    scopes: &mut Vec<&Value>,
    partial: &impl Fn(&str) -> Option<String>,
    depth: usize,
    output: &mut String,
) {
    let mut rest = template;
    while let Some(tag) = next_tag(rest) {
        if output.len() > LONGEST {
            return;
        }
        output.push_str(tag.before);
        rest = tag.after;
        match tag.sigil {
            Some('#' | '^') => {
                let (inner, after) = section(rest, tag.name);
                rest = after;
                if depth >= DEEPEST {
                    continue;
                }
                let value = find(scopes, tag.name);
                let inverted = tag.sigil == Some('^');
                match value {
                    Some(Value::Array(items)) if !items.is_empty() => {
                        for item in items.iter().filter(|_| !inverted) {
                            scopes.push(item);
                            write(inner, scopes, partial, depth + 1, output);
                            scopes.pop();
                        }
                    }
                    Some(value) if is_something(value) && !inverted => {
                        scopes.push(value);
                        write(inner, scopes, partial, depth + 1, output);
                        scopes.pop();
                    }
                    Some(value) if is_something(value) => {}
                    _ if inverted => write(inner, scopes, partial, depth + 1, output),
                    _ => {}
                }
            }
            Some('>') => {
                if depth < DEEPEST
                    && let Some(template) = partial(tag.name)
                {
                    write(&template, scopes, partial, depth + 1, output);
                }
            }
            Some('!' | '/') => {}
            _ => match find(scopes, tag.name) {
                Some(Value::String(text)) => output.push_str(text),
                Some(Value::Null) | None => {}
                Some(value) => output.push_str(&value.to_string()),
            },
        }
    }
    output.push_str(rest);
}

struct Tag<'t> {
    before: &'t str,
    /// What kind of tag it is; a variable has none.
    sigil: Option<char>,
    name: &'t str,
    after: &'t str,
}

fn next_tag(text: &str) -> Option<Tag<'_>> {
    let (before, rest) = text.split_once("{{")?;
    let (inner, after) = match rest.strip_prefix('{') {
        Some(rest) => rest.split_once("}}}")?,
        None => rest.split_once("}}")?,
    };
    let inner = inner.trim();
    let sigil = inner.chars().next().filter(|c| "#^/>!&".contains(*c));
    let name = match sigil {
        Some(_) => inner.get(1..).unwrap_or_default().trim(),
        None => inner,
    };
    Some(Tag {
        before,
        sigil,
        name,
        after,
    })
}

/// What is inside a section and what follows it; one without an end goes to the end of the text.
fn section<'t>(text: &'t str, name: &str) -> (&'t str, &'t str) {
    let mut open = 1_usize;
    let mut rest = text;
    while let Some(tag) = next_tag(rest) {
        let start = text.len() - rest.len() + tag.before.len();
        rest = tag.after;
        match tag.sigil {
            Some('#' | '^') if tag.name == name => open += 1,
            Some('/') if tag.name == name => {
                open -= 1;
                if open == 0 {
                    return (text.get(..start).unwrap_or_default(), rest);
                }
            }
            _ => {}
        }
    }
    (text, "")
}

/// A name's value in the innermost scope that has its first part.
fn find<'v>(scopes: &[&'v Value], name: &str) -> Option<&'v Value> {
    if name == "." {
        return scopes.last().copied();
    }
    let mut parts = name.split('.');
    let first = parts.next()?;
    let start = scopes.iter().rev().find_map(|scope| scope.get(first))?;
    parts.try_fold(start, |value, part| value.get(part))
}

fn is_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::render;

    #[test]
    fn templates_render_as_mustache_says() {
        let variables = json!({
            "name": "Ada", "n": 3, "user": { "city": "Turin" }, "items": [{ "x": 1 }, { "x": 2 }],
            "words": ["a", "b"], "yes": true, "no": false, "none": [], "quote": "\"<&>\"",
        });
        let partial = |name: &str| match name {
            "greeting" => Some("Hello {{name}}".to_owned()),
            "loop" => Some("x{{>loop}}".to_owned()),
            _ => None,
        };
        for (template, expected) in [
            ("Hi {{name}}, {{ n }} {{user.city}}!", "Hi Ada, 3 Turin!"),
            ("{{missing}}{{user.none}}|", "|"),
            (
                "{{quote}} {{{quote}}} {{&quote}}",
                "\"<&>\" \"<&>\" \"<&>\"",
            ),
            ("{{#items}}<{{x}}{{name}}>{{/items}}", "<1Ada><2Ada>"),
            ("{{#words}}{{.}},{{/words}}", "a,b,"),
            ("{{#yes}}y{{/yes}}{{#no}}n{{/no}}{{^no}}!{{/no}}", "y!"),
            ("{{^none}}empty{{/none}}{{^items}}no{{/items}}", "empty"),
            (
                "{{#user}}{{city}}{{#user}}{{city}}{{/user}}{{/user}}",
                "TurinTurin",
            ),
            ("a{{! a comment }}b", "ab"),
            ("{{> greeting}}{{>missing}}.", "Hello Ada."),
            ("open {{name", "open {{name"),
            ("{{/name}}x{{#yes}}y", "xy"),
        ] {
            assert_eq!(
                render(template, &variables, &partial),
                expected,
                "{template}"
            );
        }
        // A partial that includes itself ends.
        assert_eq!(render("{{>loop}}", &variables, &partial), "x".repeat(16));
    }
}
