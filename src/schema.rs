//! JSON Schemas: one for each kind, with which manifests are checked, and the published files in
//! `schemas/`, with which editors complete and check as the user types.
//!
//! All of them are made from the kinds' typed specs. The published form differs in that it knows
//! what surrounds an entry and that `${...}` may stand wherever a number, a boolean or one of
//! several words is expected, for it is read before interpolation.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::cli::Document;
use crate::kind::{Identity, Kind, System};
use crate::manifest::LifecycleForm;
use crate::model::Sink;

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// What makes a schema.
pub type Generator = Box<dyn Fn() -> Value>;

/// The published files: name in `schemas/`, and what makes them.
pub fn files() -> Vec<(String, Generator)> {
    let manifests = crate::systems::SYSTEMS.iter().map(|system| {
        let make: Generator = Box::new(|| manifest_schema(system));
        (format!("{}.manifest.schema.json", system.name), make)
    });
    manifests
        .chain([
            (
                "project.schema.json".to_owned(),
                Box::new(project_schema) as Generator,
            ),
            ("output.schema.json".to_owned(), Box::new(output_schema)),
        ])
        .collect()
}

/// The schema of one entry of a kind, after interpolation and without `lifecycle`.
pub fn kind_schema(kind: &Kind) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let root = (kind.schema)(&mut generator).to_value();
    let mut definitions = generator.take_definitions(false);
    drop_conditions(&mut definitions);
    simplify_all(&mut definitions);
    let mut schema = resolved(root, &definitions);
    simplify(&mut schema, &definitions);
    set(&mut schema, "$schema", json!(DRAFT));
    set(&mut schema, "title", json!(kind.noun));
    set(&mut schema, "$defs", Value::Object(definitions));
    schema
}

/// The fields that an entry of a kind may declare.
pub fn fields(kind: &Kind) -> std::collections::BTreeSet<String> {
    let schema = kind_schema(kind);
    let fields = schema.get("properties").and_then(Value::as_object);
    fields.into_iter().flat_map(Map::keys).cloned().collect()
}

/// The schema of a manifest file of one system, as its author sees it.
pub fn manifest_schema(system: &System) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let roots: Vec<(&Kind, Value)> = system
        .kinds
        .iter()
        .map(|kind| (*kind, (kind.schema)(&mut generator).to_value()))
        .collect();
    let lifecycle = generator.subschema_for::<LifecycleForm>().to_value();
    let mut definitions = generator.take_definitions(false);
    simplify_all(&mut definitions);
    let mut properties = Map::new();
    properties.insert(
        "system".to_owned(),
        json!({
            "description": "The system that this file is about; portkey if left out.",
            "const": system.name,
        }),
    );
    for (kind, root) in roots {
        // An entry takes `lifecycle` besides the fields of its spec.
        if let Some(name) = definition_name(&root)
            && let Some(entry) = definitions.get_mut(name)
            && let Some(fields) = entry.get_mut("properties").and_then(Value::as_object_mut)
        {
            fields.insert("lifecycle".to_owned(), lifecycle.clone());
        }
        properties.insert(kind.name.to_owned(), entries(kind, root));
    }
    let mut schema = json!({
        "$schema": DRAFT,
        "title": format!("gatewright manifest for {}", system.name),
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "$defs": definitions,
    });
    if system.name != crate::systems::SYSTEMS[0].name {
        set(&mut schema, "required", json!(["system"]));
    }
    allow_interpolation(&mut schema);
    schema
}

/// The schema of the project file, `gatewright.yaml`, as its author sees it.
pub fn project_schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let sink = Sink::setting(&mut generator).to_value();
    let mut schema = json!({
        "$schema": DRAFT,
        "title": "gatewright project",
        "type": "object",
        "required": ["gatewright"],
        "additionalProperties": false,
        "properties": {
            "gatewright": {
                "description": "The version of the file format.",
                "const": 1,
            },
            "manifests": { "$ref": "#/$defs/Manifests" },
            "systems": { "$ref": "#/$defs/Systems" },
            "vars": { "$ref": "#/$defs/Vars" },
            "environments": {
                "description": "What `--env NAME` lays over the rest of this file.",
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {
                        "manifests": { "$ref": "#/$defs/Manifests" },
                        "systems": { "$ref": "#/$defs/Systems" },
                        "vars": { "$ref": "#/$defs/Vars" },
                        "exclusive": { "$ref": "#/$defs/Exclusive" },
                        "limits": { "$ref": "#/$defs/Limits" },
                        "sink": { "$ref": "#/$defs/Sink" },
                        "ledger": { "$ref": "#/$defs/Ledger" },
                    },
                },
            },
            "exclusive": { "$ref": "#/$defs/Exclusive" },
            "limits": { "$ref": "#/$defs/Limits" },
            "fingerprint_key": {
                "description": "The key of the fingerprints by which changed secrets are \
                    recognised, for example `${env:GATEWRIGHT_KEY}`.",
                "type": "string",
                "minLength": 1,
            },
            "sink": { "$ref": "#/$defs/Sink" },
            "ledger": { "$ref": "#/$defs/Ledger" },
            "allow_exec": {
                "description": "Whether the repository may name programs to be run: `${exec:...}` \
                    and sinks that are commands. Whoever can change a manifest can then run \
                    anything where it is planned or applied.",
                "type": "boolean",
                "default": false,
            },
            "allow_literal_secrets": {
                "description": "Whether secrets may stand in manifests as they are. They should \
                    not.",
                "type": "boolean",
                "default": false,
            },
        },
        "$defs": {
            "Manifests": {
                "description": "Patterns of the manifest files, relative to this file; `**` \
                    stands for any number of folders.",
                "type": "array",
                "items": { "type": "string", "minLength": 1 },
            },
            "Systems": {
                "description": "Where the managed systems are and how to sign in.",
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {
                        "base_url": {
                            "description": "Where the system is; the public service if left out.",
                            "type": "string",
                            "minLength": 1,
                        },
                        "region": {
                            "description": "In which of the system's regions, where it has \
                                regions and `base_url` is left out.",
                            "type": "string",
                            "pattern": "^[a-z0-9-]+$",
                        },
                        "api_key": {
                            "description": "The key to sign in with, for example \
                                `${env:PORTKEY_API_KEY}`.",
                            "type": "string",
                            "minLength": 1,
                        },
                    },
                },
            },
            "Exclusive": {
                "description": "Kinds of which nothing is to be but what is declared: what anybody \
                    else made of them, at the organisation's level and in declared workspaces, is \
                    deleted. A map names the workspaces to which that is limited. Where two \
                    systems have a kind of that name, `SYSTEM:KIND` is that of one.",
                "type": "array",
                "items": {
                    "type": ["string", "object"],
                    "required": ["kind"],
                    "additionalProperties": false,
                    "properties": {
                        "kind": { "description": "The kind.", "type": "string" },
                        "workspaces": {
                            "description": "The workspaces, by key.",
                            "type": "array",
                            "items": { "type": "string" },
                        },
                    },
                },
            },
            "Limits": {
                "description": "How much one plan may delete or replace.",
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "delete": { "$ref": "#/$defs/Limit" },
                    "kinds": {
                        "description": "Limits of single kinds.",
                        "type": "object",
                        "additionalProperties": { "$ref": "#/$defs/Limit" },
                    },
                },
            },
            "Limit": {
                "description": "A number of objects of one kind, or a share such as `20%`, which \
                    counts from the fourth object on unless it is `0%`. Without any: `30%`.",
                "type": ["integer", "string"],
                "minimum": 0,
                "maximum": 999_999_999,
                "pattern": r"^([0-9]{1,9}|([0-9]{1,2}([.][0-9]+)?|100)%)$",
            },
            "Sink": sink,
            "Ledger": {
                "description": "Where the ledgers are, if not in the repository: \
                    `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`, or the \
                    path of a folder that several machines share. Credentials come from the \
                    environment.",
                "type": "string",
                "minLength": 1,
            },
            "Vars": {
                "description": "Values for `${var:NAME}`.",
                "type": "object",
            },
        },
    });
    allow_interpolation(&mut schema);
    schema
}

/// The schema of what every command writes with `--format json`, plans included.
pub fn output_schema() -> Value {
    of_type::<Document>("gatewright output")
}

fn of_type<T: schemars::JsonSchema>(title: &str) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let root = generator.subschema_for::<T>().to_value();
    let mut definitions = generator.take_definitions(false);
    simplify_all(&mut definitions);
    let mut schema = resolved(root, &definitions);
    set(&mut schema, "$schema", json!(DRAFT));
    set(&mut schema, "title", json!(title));
    set(&mut schema, "$defs", Value::Object(definitions));
    schema
}

/// The map of a kind's entries.
fn entries(kind: &Kind, entry: Value) -> Value {
    let mut map = json!({
        "type": ["object", "null"],
        "additionalProperties": entry,
    });
    if kind.identity == Identity::Slug {
        let slug = json!({ "pattern": "^[a-zA-Z0-9_-]+$", "maxLength": 255 });
        set(&mut map, "propertyNames", slug);
    }
    map
}

/// The text of a published file.
pub fn render(schema: &Value) -> String {
    format!("{schema:#}\n")
}

fn set(schema: &mut Value, keyword: &str, value: Value) {
    if let Some(object) = schema.as_object_mut() {
        object.insert(keyword.to_owned(), value);
    }
}

fn definition_name(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")
}

/// The schema that a reference stands for, what stands beside the reference laid over it.
fn resolved(schema: Value, definitions: &Map<String, Value>) -> Value {
    let Some(target) = definition_name(&schema).and_then(|name| definitions.get(name)) else {
        return schema;
    };
    let mut target = target.clone();
    if let Value::Object(beside) = schema {
        for (keyword, value) in beside {
            if keyword != "$ref" {
                set(&mut target, &keyword, value);
            }
        }
    }
    target
}

/// Calls `visit` with every schema directly below this one.
fn for_each_below(schema: &mut Value, visit: &mut dyn FnMut(&mut Value)) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    for (keyword, value) in object {
        match keyword.as_str() {
            "properties" | "patternProperties" | "$defs" => {
                value
                    .as_object_mut()
                    .into_iter()
                    .flatten()
                    .for_each(|(_, below)| visit(below));
            }
            "anyOf" | "allOf" | "oneOf" | "prefixItems" => {
                value
                    .as_array_mut()
                    .into_iter()
                    .flatten()
                    .for_each(&mut *visit);
            }
            "items" | "additionalProperties" | "then" if value.is_object() => visit(value),
            _ => {}
        }
    }
}

/// Drops what holds under a condition, and definitions of nothing else: that is for editors, see
/// [`crate::systems::spec::for_editors`].
fn drop_conditions(definitions: &mut Map<String, Value>) {
    fn drop_in(schema: &mut Value, conditional: &[String]) {
        for_each_below(schema, &mut |below| drop_in(below, conditional));
        if let Some(object) = schema.as_object_mut()
            && let Some(Value::Array(all)) = object.get_mut("allOf")
        {
            all.retain(|one| {
                let gone = definition_name(one)
                    .is_some_and(|name| conditional.iter().any(|it| it == name));
                one.get("if").is_none() && !gone
            });
            if all.is_empty() {
                object.remove("allOf");
            }
        }
    }
    definitions
        .values_mut()
        .for_each(|schema| drop_in(schema, &[]));
    let says_nothing = |schema: &Value| schema.as_object().is_some_and(Map::is_empty);
    let empty = definitions
        .iter()
        .filter(|(_, schema)| says_nothing(schema));
    let conditional: Vec<String> = empty.map(|(name, _)| name.clone()).collect();
    definitions.retain(|name, _| !conditional.contains(name));
    definitions
        .values_mut()
        .for_each(|schema| drop_in(schema, &conditional));
}

fn simplify_all(definitions: &mut Map<String, Value>) {
    // Later definitions may refer to earlier ones and the other way round: what is inlined into a
    // nullable field is simplified there once more, so one look at the originals is enough.
    let originals = definitions.clone();
    for schema in definitions.values_mut() {
        simplify(schema, &originals);
    }
}

/// Rewrites what schemars makes of enums and options into plain keywords, because problems with
/// `oneOf` and `anyOf` cannot be told in a sentence, and drops the formats of Rust's number types.
fn simplify(schema: &mut Value, definitions: &Map<String, Value>) {
    for_each_below(schema, &mut |below| simplify(below, definitions));
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    if let Some(format) = object.get("format").and_then(Value::as_str)
        && (format.starts_with("int") || format.starts_with("uint") || format == "double")
    {
        object.remove("format");
    }
    if let Some(Value::String(text)) = object.get_mut("description") {
        *text = unwrapped(text);
    }
    // What serde falls back to for an option says nothing to a user.
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
    if let Some(words) = object.get("oneOf").and_then(words) {
        let names: Vec<&String> = words.iter().map(|(name, _)| name).collect();
        let meanings: Vec<String> = words
            .iter()
            .filter_map(|(name, meaning)| Some(format!("- `{name}`: {}", meaning.as_ref()?)))
            .collect();
        let own = object.get("description").and_then(Value::as_str);
        let text = match own {
            Some(own) => format!("{own}\n\n{}", meanings.join("\n")),
            None => meanings.join("\n"),
        };
        let names = json!(names);
        object.remove("oneOf");
        object.insert("type".to_owned(), json!("string"));
        object.insert("enum".to_owned(), names);
        object.insert("description".to_owned(), json!(text));
    }
    if let Some([option, Value::Object(null)]) = object
        .get("anyOf")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        && null.get("type") == Some(&json!("null"))
    {
        let mut option = resolved(option.clone(), definitions);
        simplify(&mut option, definitions);
        if add_null(&mut option) {
            object.remove("anyOf");
            let beside = std::mem::take(object);
            merge_description(&mut option, &beside);
            for (keyword, value) in beside {
                if keyword != "description" {
                    set(&mut option, &keyword, value);
                }
            }
            *schema = option;
        }
    }
}

/// A doc comment without the line breaks of its source.
fn unwrapped(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| {
        if paragraph.starts_with("- ") {
            paragraph.to_owned()
        } else {
            paragraph.replace('\n', " ")
        }
    });
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// Puts the description of a field over that of its type; the list of words stays below it.
fn merge_description(option: &mut Value, beside: &Map<String, Value>) {
    let Some(field) = beside.get("description").and_then(Value::as_str) else {
        return;
    };
    let own = option.get("description").and_then(Value::as_str);
    let list = own.filter(|_| option.get("enum").is_some());
    let list = list.and_then(|own| own.find("- `").map(|at| &own[at..]));
    let text = match list {
        Some(list) => format!("{field}\n\n{list}"),
        None => field.to_owned(),
    };
    set(option, "description", json!(text));
}

/// The words of an enum and what they mean, if every alternative is a word.
fn words(alternatives: &Value) -> Option<Vec<(String, Option<String>)>> {
    let word = |alternative: &Value| {
        let name = alternative.get("const")?.as_str()?.to_owned();
        let meaning = alternative.get("description").and_then(Value::as_str);
        Some((name, meaning.map(str::to_owned)))
    };
    alternatives.as_array()?.iter().map(word).collect()
}

/// Lets a schema accept null as well, if it says what it accepts by a single type.
fn add_null(schema: &mut Value) -> bool {
    let Some(object) = schema.as_object_mut() else {
        return false;
    };
    if ["anyOf", "oneOf", "allOf", "$ref", "const"]
        .iter()
        .any(|keyword| object.contains_key(*keyword))
    {
        return false;
    }
    let Some(Value::String(kind)) = object.get("type") else {
        return false;
    };
    let kinds = json!([kind, "null"]);
    object.insert("type".to_owned(), kinds);
    if let Some(Value::Array(words)) = object.get_mut("enum") {
        words.push(Value::Null);
    }
    true
}

/// Lets a text that begins with `${` stand where a number, a boolean or certain texts are expected.
fn allow_interpolation(schema: &mut Value) {
    for_each_below(schema, &mut allow_interpolation);
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    let is = |kind: &str| match object.get("type") {
        Some(Value::String(only)) => only == kind,
        Some(Value::Array(kinds)) => kinds.iter().any(|one| one == kind),
        _ => false,
    };
    let picky = ["enum", "pattern", "format"]
        .iter()
        .any(|keyword| object.contains_key(*keyword));
    let scalar = is("integer") || is("number") || is("boolean");
    if !(scalar && !is("string") || is("string") && picky) {
        return;
    }
    let mut inner = std::mem::take(object);
    for keyword in ["description", "default"] {
        if let Some(value) = inner.remove(keyword) {
            object.insert(keyword.to_owned(), value);
        }
    }
    object.insert(
        "anyOf".to_owned(),
        json!([inner, { "type": "string", "pattern": r"^\$\{" }]),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_published_files_are_up_to_date() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
        let update = std::env::var_os("GATEWRIGHT_UPDATE").is_some();
        let mut stale = Vec::new();
        for (name, make) in files() {
            let path = folder.join(&name);
            let text = render(&make());
            if std::fs::read_to_string(&path).ok().as_deref() == Some(&text) {
                continue;
            }
            if update {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(&path, text).unwrap();
            } else {
                stale.push(name);
            }
        }
        assert!(
            stale.is_empty(),
            "{} in schemas/ no longer match the kinds' specs: run the tests once with \
             GATEWRIGHT_UPDATE=1 and commit what changed",
            stale.join(", ")
        );
    }

    #[test]
    fn every_schema_is_one() {
        for system in crate::systems::SYSTEMS {
            for kind in system.kinds {
                let schema = kind_schema(kind);
                assert!(
                    jsonschema::draft202012::meta::is_valid(&schema),
                    "{}",
                    kind.name
                );
                assert!(schema.get("$ref").is_none(), "{}", kind.name);
            }
        }
        for (name, make) in files() {
            assert!(jsonschema::draft202012::meta::is_valid(&make()), "{name}");
        }
    }

    #[test]
    fn every_field_is_described() {
        fn look(schema: &Value, path: &str, missing: &mut Vec<String>) {
            let fields = schema.get("properties").and_then(Value::as_object);
            for (name, field) in fields.into_iter().flatten() {
                if field.get("description").is_none() {
                    missing.push(format!("{path}.{name}"));
                }
            }
        }
        let mut missing = Vec::new();
        for system in crate::systems::SYSTEMS {
            for kind in system.kinds {
                let schema = kind_schema(kind);
                look(&schema, kind.name, &mut missing);
                for (name, definition) in schema["$defs"].as_object().unwrap() {
                    look(definition, name, &mut missing);
                }
            }
        }
        assert_eq!(missing, Vec::<String>::new());
    }

    #[test]
    fn options_and_enums_become_plain_keywords() {
        let kind = crate::systems::portkey::SYSTEM.kind("workspaces").unwrap();
        let schema = kind_schema(kind);
        let limit = &schema["properties"]["usage_limits"];
        assert_eq!(limit["type"], json!(["array", "null"]));
        let reset = &schema["$defs"]["UsageLimit"]["properties"]["periodic_reset"];
        assert_eq!(reset["type"], json!(["string", "null"]));
        assert_eq!(reset["enum"], json!(["monthly", "weekly", null]));
    }

    #[test]
    fn the_published_form_knows_interpolation_and_lifecycle() {
        let schema = manifest_schema(&crate::systems::portkey::SYSTEM);
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let manifest = |entry: Value| json!({ "workspaces": { "a": entry } });
        for entry in [
            json!({ "usage_limits": [{ "credit_limit": "${var:budget}", "type": "${var:t}" }] }),
            json!({ "lifecycle": { "protect": true, "ignore": ["/name"], "adopt": "${var:a}" } }),
            json!({ "usage_limits": [{ "credit_limit": 5, "periodic_reset": null }] }),
        ] {
            let errors: Vec<_> = validator
                .iter_errors(&manifest(entry.clone()))
                .map(|e| e.to_string())
                .collect();
            assert_eq!(errors, Vec::<String>::new(), "{entry}");
        }
        for entry in [
            json!({ "usage_limits": [{ "credit_limit": "many" }] }),
            json!({ "lifecycle": { "protected": true } }),
            json!({ "nmae": "x" }),
        ] {
            assert!(!validator.is_valid(&manifest(entry.clone())), "{entry}");
        }
        assert!(!validator.is_valid(&json!({ "providers": { "a b": { "integration_id": "x" } } })));
    }

    #[test]
    fn the_project_file_of_the_design_is_valid() {
        let validator = jsonschema::draft202012::new(&project_schema()).unwrap();
        let project = json!({
            "gatewright": 1,
            "manifests": ["org/**/*.yaml"],
            "systems": { "portkey": { "api_key": "${env:PORTKEY_API_KEY}" } },
            "vars": { "region": "us-east-1", "list": [1, 2] },
            "environments": { "staging": { "vars": { "region": "us-west-2" } } },
            "fingerprint_key": "${env:KEY}",
            "allow_literal_secrets": false,
        });
        assert!(validator.is_valid(&project));
        assert!(!validator.is_valid(&json!({ "manifests": [] })));
        assert!(!validator.is_valid(&json!({ "gatewright": 2 })));
    }
}
