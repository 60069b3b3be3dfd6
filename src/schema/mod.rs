//! JSON Schemas: one for each kind, with which manifests are checked, and the published files in
//! `schemas/`, with which editors complete and check as the user types.
//!
//! All of them are made from the kinds' typed specs. The published form differs in that it knows
//! what surrounds an entry and that `${...}` may stand wherever a number, a boolean or one of
//! several words is expected, for it is read before interpolation.

mod keywords;
mod project;

pub use project::project_schema;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::cli::Document;
use crate::kind::{Identity, Kind, System};
use crate::manifest::LifecycleForm;
use keywords::{
    allow_interpolation, definition_name, drop_conditions, resolved, set, simplify, simplify_all,
};

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
