//! The description of the API is complete, self-contained and free of prose.

#![expect(clippy::expect_used, reason = "a test that cannot go on should stop")]

mod upstream;

use std::collections::HashSet;
use std::path::Path;

use jsonschema::Registry;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

const DOCUMENTED: &str = include_str!(concat!(env!("OUT_DIR"), "/portkey.documented.json"));
const LIVE: &str = include_str!(concat!(env!("OUT_DIR"), "/portkey.live.json"));

const METHODS: [&str; 8] = [
    "get", "post", "put", "patch", "delete", "head", "options", "trace",
];

fn documents() -> [(&'static str, Value); 2] {
    [("documented", DOCUMENTED), ("live", LIVE)].map(|(name, text)| {
        (
            name,
            serde_json::from_str(text).expect("the build writes JSON"),
        )
    })
}

/// Every operation as method, path and object.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                operations.push((method, path.as_str(), operation));
            }
        }
    }
    operations
}

/// What a reference within the document names.
fn resolve<'a>(document: &'a Value, reference: &str) -> Option<&'a Value> {
    document.pointer(reference.strip_prefix('#')?)
}

#[test]
fn both_profiles_have_every_operation() {
    for (name, document) in documents() {
        assert_eq!(document["openapi"], "3.1.0", "{name}");
        // The live profile has some that clients call and the document lacks.
        let beyond = usize::from(name == "live");
        assert_eq!(
            document["paths"].as_object().expect("paths").len(),
            144 + 11 * beyond,
            "{name}"
        );
        let operations = operations(&document);
        let count = 231 + 13 * beyond;
        assert_eq!(operations.len(), count, "{name}");
        let ids: HashSet<&str> = operations
            .iter()
            .filter_map(|(_, _, operation)| operation["operationId"].as_str())
            .collect();
        assert_eq!(
            ids.len(),
            count,
            "{name}: operationIds are there and differ"
        );
    }
}

#[test]
fn path_parameters_are_those_of_the_path() {
    for (name, document) in documents() {
        for (method, path, operation) in operations(&document) {
            let item = &document["paths"][path];
            let declared: HashSet<String> = [&item["parameters"], &operation["parameters"]]
                .into_iter()
                .filter_map(Value::as_array)
                .flatten()
                .map(|parameter| match parameter["$ref"].as_str() {
                    Some(reference) => {
                        resolve(&document, reference).expect("no dangling reference")
                    }
                    None => parameter,
                })
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str().expect("a name").to_owned())
                .collect();
            let in_path: HashSet<String> = path
                .split('/')
                .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
                .map(str::to_owned)
                .collect();
            assert_eq!(declared, in_path, "{name}: {method} {path}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(document: &Value, node: &Value, lost: &mut Vec<String>) {
        match node {
            Value::Object(map) => {
                if let Some(reference) = map.get("$ref").and_then(Value::as_str)
                    && resolve(document, reference).is_none()
                {
                    lost.push(reference.to_owned());
                }
                map.values().for_each(|child| walk(document, child, lost));
            }
            Value::Array(list) => list.iter().for_each(|child| walk(document, child, lost)),
            _ => {}
        }
    }
    for (name, document) in documents() {
        let mut lost = Vec::new();
        walk(&document, &document, &mut lost);
        assert!(lost.is_empty(), "{name}: {lost:?}");
    }
}

/// Whether the keys of the object under `key` are names that somebody chose, rather than keywords.
fn holds_names(key: &str, parent_holds_names: bool) -> bool {
    const NAMED: [&str; 14] = [
        "properties",
        "schemas",
        "parameters",
        "responses",
        "headers",
        "content",
        "paths",
        "securitySchemes",
        "mapping",
        "patternProperties",
        "$defs",
        "encoding",
        "requestBodies",
        "default",
    ];
    !parent_holds_names && NAMED.contains(&key)
}

#[test]
fn there_is_no_prose() {
    fn walk(node: &Value, at: &str, names: bool, found: &mut Vec<String>) {
        const PROSE: [&str; 6] = [
            "description",
            "summary",
            "title",
            "example",
            "examples",
            "externalDocs",
        ];
        match node {
            Value::Object(map) => {
                for (key, child) in map {
                    let here = format!("{at}/{key}");
                    // A response must have a description. Ours is never more than a reason phrase.
                    let is_response = key == "description"
                        && (at.contains("/responses/")
                            && child.as_str().is_some_and(|text| text.len() < 24));
                    let is_title = here == "/info/title";
                    // What the engine reads is under x- keys and for its author to write.
                    if key.starts_with("x-") {
                        continue;
                    }
                    if !names && PROSE.contains(&key.as_str()) && !is_response && !is_title {
                        found.push(here.clone());
                    }
                    walk(child, &here, holds_names(key, names), found);
                }
            }
            Value::Array(list) => {
                for (index, child) in list.iter().enumerate() {
                    walk(child, &format!("{at}/{index}"), false, found);
                }
            }
            _ => {}
        }
    }
    for (name, document) in documents() {
        let mut found = Vec::new();
        walk(&document, "", false, &mut found);
        assert!(found.is_empty(), "{name}: {found:#?}");
    }
}

/// The pointers of all schemas that requests, responses and parameters use, and of all components.
fn schema_pointers(node: &Value, at: &str, found: &mut Vec<String>) {
    match node {
        Value::Object(map) => {
            for (key, child) in map {
                let here = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                if (key == "schema" && child.is_object()) || at == "/components/schemas" {
                    found.push(here);
                } else if !key.starts_with("x-") {
                    schema_pointers(child, &here, found);
                }
            }
        }
        Value::Array(list) => {
            for (index, child) in list.iter().enumerate() {
                schema_pointers(child, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn every_schema_compiles() {
    for (name, document) in documents() {
        let mut pointers = Vec::new();
        schema_pointers(&document, "", &mut pointers);
        assert!(
            pointers.len() > 1000,
            "{name}: only {} schemas",
            pointers.len()
        );
        let registry = Registry::new()
            .add("urn:description", &document)
            .expect("a document")
            .prepare()
            .expect("a registry");
        for pointer in pointers {
            let schema = document.pointer(&pointer).expect("found above");
            if let Err(error) = jsonschema::draft202012::meta::validate(schema) {
                panic!("{name}: {pointer} is no schema: {error}");
            }
            let fragment: String = pointer
                .split('/')
                .map(|step| utf8_percent_encode(step, NON_ALPHANUMERIC).to_string())
                .collect::<Vec<_>>()
                .join("/");
            let entry = json!({ "$ref": format!("urn:description#{fragment}") });
            let built = jsonschema::draft202012::options()
                .with_registry(&registry)
                .build(&entry);
            if let Err(error) = built {
                panic!("{name}: {pointer} does not compile: {error}");
            }
        }
    }
}

#[test]
fn every_operation_of_the_live_profile_can_fail() {
    let [_, (_, live)] = documents();
    for (method, path, operation) in operations(&live) {
        let responses = &operation["responses"];
        assert!(responses["default"].is_object(), "{method} {path}");
        let open = operation["security"].as_array().is_some_and(Vec::is_empty);
        for status in ["401", "403"] {
            assert_eq!(
                responses[status].is_object(),
                !open,
                "{method} {path} {status}"
            );
        }
    }
}

#[test]
fn every_correction_has_a_reason() {
    let live = Path::new(env!("CARGO_MANIFEST_DIR")).join("live");
    let mut actions = 0;
    let entries = ["portkey", "arize"].map(|api| std::fs::read_dir(live.join(api)));
    for entry in entries
        .into_iter()
        .flat_map(|folder| folder.expect("corrections"))
    {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a text file");
        let overlay: Value = serde_saphyr::from_str(&text).expect("YAML");
        assert_eq!(overlay["overlay"], "1.0.0", "{}", path.display());
        assert!(overlay["info"]["title"].is_string() && overlay["info"]["version"].is_string());
        for action in overlay["actions"].as_array().expect("actions") {
            let reason = action["x-reason"].as_str().unwrap_or_default();
            // That the target matches something is an error of the build if it is not so.
            assert!(
                reason.len() > 20,
                "{}: {}",
                path.display(),
                action["target"]
            );
            actions += 1;
        }
    }
    assert!(actions > 100, "only {actions} corrections");
}
