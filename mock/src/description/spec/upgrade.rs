//! Turns what OpenAPI 3.0 says in its own way into JSON Schema 2020-12, and leaves the rest alone.

use serde_json::{Map, Value, json};

/// Where no schemas are: values that only look like them.
const VALUES: [&str; 6] = ["example", "examples", "default", "enum", "const", "x-enum"];

/// How deep a document is looked into.
const MAX_DEPTH: usize = 200;

/// Brings a whole document into the form of 3.1.
pub(crate) fn document(document: &mut Value) {
    for place in ["paths", "components"] {
        if let Some(part) = document.get_mut(place) {
            walk(part, 0);
        }
    }
}

fn walk(node: &mut Value, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    match node {
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, depth + 1)),
        Value::Object(members) => {
            for (key, member) in members.iter_mut() {
                // A property may well be called `default`: then its value is an object.
                if !VALUES.contains(&key.as_str()) || member.is_object() && key != "example" {
                    walk(member, depth + 1);
                }
            }
            limits(members);
            types(members);
            if members.get("nullable").is_some_and(Value::is_boolean) {
                nullable(members);
            }
        }
        _ => {}
    }
}

/// In 3.0 these are switches that make the limit beside them exclusive.
fn limits(schema: &mut Map<String, Value>) {
    for (switch, limit) in [
        ("exclusiveMinimum", "minimum"),
        ("exclusiveMaximum", "maximum"),
    ] {
        match schema.get(switch) {
            Some(Value::Bool(true)) => match schema.remove(limit) {
                Some(number) => {
                    schema.insert(switch.to_owned(), number);
                }
                None => {
                    schema.remove(switch);
                }
            },
            Some(Value::Bool(false)) => {
                schema.remove(switch);
            }
            _ => {}
        }
    }
}

/// Types that JSON Schema does not have would make the whole schema unusable.
fn types(schema: &mut Map<String, Value>) {
    const KNOWN: [&str; 7] = [
        "null", "boolean", "integer", "number", "string", "array", "object",
    ];
    let replacement = match schema.get("type").and_then(Value::as_str) {
        Some("file") => Some("string"),
        Some(name) if schema.contains_key("in") || KNOWN.contains(&name) => return,
        Some(_) => None,
        None => return,
    };
    // A security scheme has a type, too.
    if schema.contains_key("scheme") || schema.contains_key("flows") {
        return;
    }
    match replacement {
        Some(name) => schema.insert("type".to_owned(), json!(name)),
        None if schema.contains_key("openIdConnectUrl") => None,
        None => schema.remove("type"),
    };
}

fn nullable(schema: &mut Map<String, Value>) {
    if schema.remove("nullable") != Some(Value::Bool(true)) {
        return;
    }
    let choice = ["$ref", "allOf", "anyOf", "oneOf"]
        .iter()
        .any(|keyword| schema.contains_key(*keyword));
    if choice {
        let own = Value::Object(std::mem::take(schema));
        schema.insert("anyOf".to_owned(), json!([own, { "type": "null" }]));
        return;
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    if let Some(name) = schema.get("type").and_then(Value::as_str) {
        let both = json!([name, "null"]);
        schema.insert("type".to_owned(), both);
    }
}
