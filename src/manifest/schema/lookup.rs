//! Looks up in a schema what messages want to tell: which members there are, and of what type.

use std::collections::BTreeMap;

use serde_json::Value;

/// How many schemas inside schemas are followed.
const DEPTH: usize = 8;

/// The members that the schema around a keyword allows, by their names.
pub(super) fn members<'s>(root: &'s Value, keyword: &str) -> BTreeMap<&'s str, &'s Value> {
    let mut found = BTreeMap::new();
    if let Some((schema, _)) = keyword.rsplit_once('/')
        && let Some(schema) = root.pointer(schema)
    {
        collect(root, schema, DEPTH, &mut found);
    }
    found
}

fn collect<'s>(
    root: &'s Value,
    schema: &'s Value,
    depth: usize,
    found: &mut BTreeMap<&'s str, &'s Value>,
) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        found.extend(
            properties
                .iter()
                .map(|(name, schema)| (name.as_str(), schema)),
        );
    }
    if let Some(target) = referred(root, schema) {
        collect(root, target, depth, found);
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        let parts = schema.get(keyword).and_then(Value::as_array);
        for part in parts.into_iter().flatten() {
            collect(root, part, depth, found);
        }
    }
}

fn referred<'s>(root: &'s Value, schema: &Value) -> Option<&'s Value> {
    root.pointer(schema.get("$ref")?.as_str()?.strip_prefix('#')?)
}

/// What any of several schemas expects, in words: "a string", "one of `a`, `b`".
pub(super) fn describe<'s>(
    root: &Value,
    schemas: impl IntoIterator<Item = &'s Value>,
) -> Option<String> {
    let mut choices = Vec::new();
    let mut types = Vec::new();
    for schema in schemas {
        outline(root, schema, DEPTH, &mut choices, &mut types);
    }
    match (choices.as_slice(), types.as_slice()) {
        ([], []) => None,
        ([only], _) => Some(format!("`{only}`")),
        ([], types) => Some(types.join(" or ")),
        (choices, _) if choices.len() <= 8 => Some(format!("one of `{}`", choices.join("`, `"))),
        _ => Some("a string".to_owned()),
    }
}

fn outline(
    root: &Value,
    schema: &Value,
    depth: usize,
    choices: &mut Vec<String>,
    types: &mut Vec<&'static str>,
) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    let options = schema.get("enum").and_then(Value::as_array);
    for option in options.into_iter().flatten().chain(schema.get("const")) {
        if !option.is_null() {
            choices.push(
                option
                    .as_str()
                    .map_or_else(|| option.to_string(), str::to_owned),
            );
        }
    }
    let names = match schema.get("type") {
        Some(Value::String(name)) => vec![name.as_str()],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    for name in names {
        let noun = match name {
            "string" => "a string",
            "integer" => "an integer",
            "number" => "a number",
            "boolean" => "a boolean",
            "array" => "a list",
            "object" => "a map",
            _ => continue,
        };
        if !types.contains(&noun) {
            types.push(noun);
        }
    }
    if let Some(target) = referred(root, schema) {
        outline(root, target, depth, choices, types);
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        let parts = schema.get(keyword).and_then(Value::as_array);
        for part in parts.into_iter().flatten() {
            outline(root, part, depth, choices, types);
        }
    }
}
