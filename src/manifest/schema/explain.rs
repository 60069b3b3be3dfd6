//! From faults to problems with places, reasons and advice.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Subject;
use super::faults::{Fault, What};
use super::lookup;
use crate::diagnostic::{Diagnostic, Location, Sources, did_you_mean, nearest};
use crate::manifest::index::with_article;
use crate::manifest::read::{Origin, hide_literals, hide_secret_names, is_secret_name};
use crate::model::Pointer;
use crate::yaml::{Node, NodeValue};

/// How many names a message lists.
const LISTED: usize = 12;

/// A missing member, and the schema's places that say so.
type Missing = (String, Vec<String>);

pub(super) fn explain(
    schema: &Value,
    subject: &Subject<'_>,
    faults: Vec<Fault>,
    sources: &mut Sources,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut missing: Vec<(String, Vec<Missing>)> = Vec::new();
    for fault in faults {
        let pointer = Pointer::from(fault.at.as_str());
        let origin = subject.origins.get(&fault.at).copied();
        match (origin, fault.what) {
            (Some(Origin::Failed), _) => {}
            (_, What::Unknown(names, place)) => {
                for name in names {
                    found.push(unknown(schema, subject, &pointer, &name, &place, sources));
                }
            }
            (_, What::Missing(name, places)) => {
                match missing.iter_mut().find(|(at, _)| *at == fault.at) {
                    Some((_, names)) => names.push((name, places)),
                    None => missing.push((fault.at, vec![(name, places)])),
                }
            }
            (_, What::Type(expected)) => {
                found.push(wrong_type(subject, &pointer, expected, origin));
            }
            (Some(Origin::Opaque | Origin::Key), _) => {}
            (origin, What::Choice(options)) => {
                found.push(not_a_choice(subject, &pointer, &options, origin));
            }
            (_, What::Limit(words) | What::Other(words)) => {
                let message = format!("invalid value for `{}`", field(&pointer));
                let location = subject.locator.value(&pointer);
                found.push(
                    Diagnostic::error("bad-value", message).at(location, format!("must {words}")),
                );
            }
        }
    }
    let missing = missing.into_iter().map(|(at, names)| {
        let pointer = Pointer::from(at.as_str());
        missing_fields(schema, subject, &pointer, names)
    });
    found.extend(missing);
    found
}

fn unknown(
    schema: &Value,
    subject: &Subject<'_>,
    above: &Pointer,
    name: &str,
    place: &str,
    sources: &mut Sources,
) -> Diagnostic {
    let pointer = above.child(name);
    let allowed = lookup::members(schema, place);
    let near = nearest(name, allowed.keys().copied());
    // It may be a misspelt secret: no schema says so.
    if let Some(node) = subject.locator.node(&pointer) {
        let file = subject.locator.file;
        if is_secret_name(name) || near.is_some_and(is_secret_name) {
            hide_literals(sources, file, node);
        } else {
            hide_secret_names(sources, file, node);
        }
    }
    let owner = match above.is_root() {
        true => with_article(subject.noun),
        false => format!("`{}`", field(above)),
    };
    let diagnostic = Diagnostic::error("unknown-field", format!("unknown field `{name}`")).at(
        subject.locator.key(&pointer),
        format!("{owner} has no such field"),
    );
    if let Some(near) = near {
        return diagnostic.help(format!("did you mean `{near}`?"));
    }
    let present = subject.json.pointer(&above.to_string());
    let free: Vec<_> = allowed
        .keys()
        .filter(|name| present.is_none_or(|value| value.get(name).is_none()))
        .take(LISTED + 1)
        .map(|name| format!("`{name}`"))
        .collect();
    match free.len() {
        0 => diagnostic,
        1..=LISTED => diagnostic.note(format!("also allowed here: {}", free.join(", "))),
        _ => diagnostic.note(format!(
            "also allowed here: {}, ...",
            free[..LISTED].join(", ")
        )),
    }
}

fn missing_fields(
    schema: &Value,
    subject: &Subject<'_>,
    pointer: &Pointer,
    names: Vec<Missing>,
) -> Diagnostic {
    let quoted: Vec<_> = names.iter().map(|(name, _)| format!("`{name}`")).collect();
    let plural = if names.len() == 1 { "" } else { "s" };
    let owner = match pointer.is_root() {
        true => with_article(subject.noun),
        false => format!("`{}`", field(pointer)),
    };
    let wanted: Vec<_> = names
        .iter()
        .map(|(name, places)| {
            let wanted = places
                .iter()
                .filter_map(|place| lookup::members(schema, place).get(name.as_str()).copied());
            match lookup::describe(schema, wanted) {
                Some(words) => format!("`{name}` is {words}"),
                None => format!("`{name}` is required"),
            }
        })
        .collect();
    Diagnostic::error(
        "missing-field",
        format!("missing field{plural} {}", quoted.join(", ")),
    )
    .at(
        subject.locator.key(pointer),
        format!("{owner} needs {}", join(&quoted, "and")),
    )
    .note(wanted.join("; "))
}

fn wrong_type(
    subject: &Subject<'_>,
    pointer: &Pointer,
    mut expected: BTreeSet<&'static str>,
    origin: Option<Origin>,
) -> Diagnostic {
    let value = subject.json.pointer(&pointer.to_string());
    let found = value.map_or("nothing", type_name);
    if expected.len() > 1 {
        expected.remove("null");
    }
    if expected.contains("a number") {
        expected.remove("an integer");
    }
    let words: Vec<_> = expected.iter().map(|noun| (*noun).to_owned()).collect();
    let label = format!("expected {}, found {found}", join(&words, "or"));
    let message = match pointer.is_root() {
        true => format!("wrong type for {}", with_article(subject.noun)),
        false => format!("wrong type for `{}`", field(pointer)),
    };
    let diagnostic =
        Diagnostic::error("wrong-type", message).at(subject.locator.value(pointer), label);
    if origin == Some(Origin::Outside) {
        return diagnostic
            .note("what comes from the environment or a file is always a string")
            .help("declare numbers and booleans under `vars:` in the project file");
    }
    let node = subject.locator.node(pointer);
    match node.and_then(|node| advice(node, value?, &expected)) {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

/// What to do about a scalar of the wrong type.
fn advice(node: &Node, value: &Value, expected: &BTreeSet<&'static str>) -> Option<String> {
    let NodeValue::Scalar { text, plain } = &node.value else {
        return None;
    };
    if text.contains("${") {
        return None;
    }
    match value {
        Value::Null => Some("null clears a field, and this one cannot be cleared: leave it out to leave it as it is".into()),
        Value::Bool(_) | Value::Number(_) if expected.contains("a string") => {
            Some(format!("quote it: \"{text}\""))
        }
        Value::Number(number) if expected.contains("an integer") && number.is_f64() => {
            Some("write it without a fraction".into())
        }
        Value::String(_) => {
            let meant = crate::yaml::resolve(text).ok()?;
            let fits = match meant {
                crate::yaml::Scalar::Number(number) => {
                    expected.contains("a number")
                        || (expected.contains("an integer") && !number.is_f64())
                }
                crate::yaml::Scalar::Bool(_) => expected.contains("a boolean"),
                crate::yaml::Scalar::Null | crate::yaml::Scalar::Text => false,
            };
            if fits && !plain {
                return Some(format!("remove the quotes: {text}"));
            }
            let flag = match text.to_ascii_lowercase().as_str() {
                "yes" | "on" | "y" => "true",
                "no" | "off" | "n" => "false",
                _ => return None,
            };
            expected
                .contains("a boolean")
                .then(|| format!("write `{flag}`: in YAML 1.2 `{text}` is a string"))
        }
        _ => None,
    }
}

fn not_a_choice(
    subject: &Subject<'_>,
    pointer: &Pointer,
    options: &[Value],
    origin: Option<Origin>,
) -> Diagnostic {
    let shown = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let names: Vec<_> = options
        .iter()
        .filter(|it| !it.is_null())
        .map(shown)
        .collect();
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    let value = subject.json.pointer(&pointer.to_string());
    let location: Location = subject.locator.value(pointer);
    let message = format!("invalid value for `{}`", field(pointer));
    let mut diagnostic = Diagnostic::error("bad-value", message);
    diagnostic = match quoted.as_slice() {
        [only] => diagnostic.at(location, format!("expected {only}")),
        few if few.len() <= LISTED / 2 => {
            diagnostic.at(location, format!("expected one of {}", few.join(", ")))
        }
        many => diagnostic
            .at(location, "not one of the allowed values")
            .note(format!("allowed are {}", many.join(", "))),
    };
    // A value from outside the repository is not repeated, and neither is what it is near to.
    let text = value.and_then(Value::as_str).filter(|_| origin.is_none());
    diagnostic.maybe_help(text.and_then(|text| {
        let exact = names.iter().find(|name| name.eq_ignore_ascii_case(text));
        match exact {
            Some(name) => Some(format!("did you mean `{name}`?")),
            None => did_you_mean(text, names.iter().map(String::as_str)),
        }
    }))
}

/// The last field on the way to a place, with the positions below it: `usage_limits[0]`.
fn field(pointer: &Pointer) -> String {
    let mut name = String::new();
    for segment in pointer.segments().iter().rev() {
        if segment.bytes().all(|byte| byte.is_ascii_digit()) {
            name = format!("[{segment}]{name}");
        } else {
            return format!("{segment}{name}");
        }
    }
    name
}

fn join(words: &[String], last: &str) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [first, second] => format!("{first} {last} {second}"),
        [init @ .., end] => format!("{}, {last} {end}", init.join(", ")),
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}
