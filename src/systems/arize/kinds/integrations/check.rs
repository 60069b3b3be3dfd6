//! Whether an integration's `config` is one that the server takes.

use std::collections::BTreeSet;

use super::super::super::wire;
use super::config::{PROVIDERS, Shape, TYPES};
use crate::kind::Problems;
use crate::model::{Map, Pointer, Value};
use crate::systems::forms::{Context, Form, has};

/// What the server does not show, and a manifest may therefore leave to the console.
const SECRETS: &[&str] = &["api_key", "client_secret"];
/// The most bytes that the schema of an evaluator's input may have.
const MAX_SCHEMA: usize = 64 * 1024;

pub(super) fn check(entry: &Map, problems: &mut Problems) {
    let root = Pointer::root();
    let Some(kind) = entry.get("type").and_then(Value::as_str) else {
        return;
    };
    wire::check_scopings(entry, kind != "LLM", problems);
    if kind == "LLM" && entry.contains_key("description") {
        problems
            .error(
                "unknown-field",
                &root.child("description"),
                "an integration of type LLM has no `description`",
            )
            .help("remove it; agents and evaluators have one");
    }
    let Some(config) = entry.get("config").and_then(Value::as_map) else {
        return;
    };
    let at = root.child("config");
    let provider = config.get("provider").and_then(Value::as_str);
    let shape = match (kind, provider) {
        ("LLM", Some(provider)) => find(PROVIDERS, provider),
        ("LLM", None) => {
            let names: Vec<&str> = PROVIDERS.iter().map(|shape| shape.name).collect();
            problems
                .error("missing-field", &at, "LLM needs `provider`")
                .help(crate::systems::forms::one_of(&names));
            None
        }
        (kind, _) => find(TYPES, kind),
    };
    let Some(shape) = shape else { return };
    check_shape(shape, config, &at, problems);
    for field in ["base_url", "endpoint"] {
        wire::check_https(config, &at, field, problems);
    }
    wire::check_headers(config, &at, problems);
    check_input(kind, config, &at, problems);
}

fn find(shapes: &'static [Shape], name: &str) -> Option<&'static Shape> {
    shapes.iter().find(|shape| shape.name == name)
}

fn check_shape(shape: &'static Shape, config: &Map, at: &Pointer, problems: &mut Problems) {
    check_form(&shape.form, shape.name, config, at, problems);
    if let (Some(form), Some(auth)) = (&shape.auth, config.get("auth").and_then(Value::as_map)) {
        let at = at.child("auth");
        let what = format!("`auth` of {}", shape.name);
        check_form(form, &what, auth, &at, problems);
        for field in ["base_url", "token_url"] {
            wire::check_https(auth, &at, field, problems);
        }
        wire::check_headers(auth, &at, problems);
        if has(config, "api_key") && shape.form.knows("api_key") {
            problems
                .error(
                    "conflict",
                    &at,
                    "`api_key` and `auth` are two ways to say how to sign in",
                )
                .help("keep one of them: `auth` with `auth_type: DEFAULT` takes an `api_key` too");
        }
    }
    for field in shape.kept {
        if config.get(*field).is_some_and(Value::is_null) {
            let message = format!("`{field}` of {} cannot be cleared", shape.name);
            problems.error("invalid-value", &at.child(field), message);
        }
    }
    let default = config.get("is_default_models_enabled");
    let default = default.is_some_and(|value| *value != Value::Bool(false));
    let named = config.get("model_names").and_then(Value::as_list);
    if shape.names_models && !default && named.is_none_or(<[Value]>::is_empty) {
        problems
            .error(
                "no-models",
                at,
                format!("{} needs to know which models it has", shape.name),
            )
            .help("set `is_default_models_enabled: true`, or name at least one in `model_names`");
    }
}

/// Checks a form, and says whose fields those are that do not belong to it.
fn check_form(form: &Form, what: &str, object: &Map, at: &Pointer, problems: &mut Problems) {
    let owners = |field: &str| {
        let all = PROVIDERS.iter().chain(TYPES);
        let owners: Vec<&str> = all
            .filter(|shape| shape.form.knows(field))
            .map(|shape| shape.name)
            .collect();
        match owners.as_slice() {
            [] => Some("remove it".to_owned()),
            owners => Some(format!("it is a field of {}", owners.join(", "))),
        }
    };
    let context = Context {
        what,
        secrets: SECRETS,
        supplied: &|_| false,
        hint: &owners,
    };
    wire::check_form(form, object, at, &context, problems);
}

/// Checks the schema of what an agent or evaluator takes, and the presets against it.
fn check_input(kind: &str, config: &Map, at: &Pointer, problems: &mut Problems) {
    let Some(schema) = config.get("input_schema").and_then(literal) else {
        return;
    };
    let place = at.child("input_schema");
    if !jsonschema::draft7::meta::is_valid(&schema) {
        problems.error(
            "invalid-value",
            &place,
            "`input_schema` is no JSON Schema of draft 7",
        );
        return;
    }
    if kind == "EVALUATOR" {
        if schema.get("type").and_then(serde_json::Value::as_str) != Some("object") {
            let message = "the schema of an evaluator's input must have `type: object`";
            problems.error("invalid-value", &place, message);
        }
        if schema.pointer("/properties/arize_metadata").is_some() {
            let message = "`arize_metadata` is sent by Arize and cannot be in the schema";
            let place = place.child("properties").child("arize_metadata");
            problems.error("invalid-value", &place, message);
        }
        let size = schema.to_string().len();
        if size > MAX_SCHEMA {
            let message = format!("the schema has {size} bytes, and {MAX_SCHEMA} is the most");
            problems.error("invalid-value", &place, message);
        }
    }
    let presets = config.get("request_presets").and_then(Value::as_list);
    check_presets(presets.unwrap_or_default(), schema, at, problems);
}

fn check_presets(
    presets: &[Value],
    mut schema: serde_json::Value,
    at: &Pointer,
    problems: &mut Problems,
) {
    // A preset fills in some of what the agent takes, and people the rest.
    drop_required(&mut schema);
    let validator = jsonschema::draft7::new(&schema).ok();
    let mut names = BTreeSet::new();
    for (index, preset) in presets.iter().enumerate() {
        let at = at.child("request_presets").child(index);
        let name = preset.at(&["name"]).and_then(Value::as_str);
        if let Some(name) = name.filter(|name| !names.insert(*name)) {
            let message = format!("two presets are called `{name}`");
            problems.error("invalid-value", &at.child("name"), message);
        }
        let Some(config) = preset.at(&["config"]).and_then(literal) else {
            continue;
        };
        let faults = validator.iter().flat_map(|v| v.iter_errors(&config));
        for fault in faults {
            let mut place = at.child("config");
            for segment in Pointer::from(fault.instance_path().as_str()).segments() {
                place.push(segment);
            }
            problems.error(
                "invalid-value",
                &place,
                format!(
                    "the `input_schema` does not accept this: `{}` is not met",
                    fault.kind().keyword()
                ),
            );
        }
    }
}

fn drop_required(schema: &mut serde_json::Value) {
    match schema {
        serde_json::Value::Object(members) => {
            if members
                .get("required")
                .is_some_and(serde_json::Value::is_array)
            {
                members.remove("required");
            }
            members.values_mut().for_each(drop_required);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(drop_required),
        _ => {}
    }
}

/// A value as JSON, if all of it is known.
fn literal(value: &Value) -> Option<serde_json::Value> {
    let mut hidden = false;
    value.for_each_secret(&mut |_| hidden = true);
    value.for_each_reference(&mut |_| hidden = true);
    if hidden {
        return None;
    }
    value.to_wire(&|_| None).ok()
}
