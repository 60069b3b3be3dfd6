//! The tests' own reading of the description: requests that fit it and judgements of answers.
//!
//! It reads the document that the mock serves and shares no code with the mock, so that a mistake
//! in the mock's reading shows.

use jsonschema::{Draft, Registry, Validator};
use serde_json::{Map, Value, json};

const BASE: &str = "urn:test:api";

/// The methods an OpenAPI path item can have operations for.
pub(crate) const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The description of a profile.
pub(crate) struct Oracle {
    pub(crate) document: Value,
    registry: Registry<'static>,
}

impl Oracle {
    pub(crate) fn new(document: Value) -> Oracle {
        let registry = Registry::new()
            .draft(Draft::Draft202012)
            .add(BASE, document.clone())
            .unwrap()
            .prepare()
            .unwrap();
        Oracle { document, registry }
    }

    /// Every operation as method, path and JSON pointer.
    pub(crate) fn operations(&self) -> Vec<(&'static str, String, String)> {
        let paths = self.document["paths"].as_object().unwrap();
        let mut operations = Vec::new();
        for (path, item) in paths {
            for method in METHODS {
                if item.get(method).is_some() {
                    let pointer = format!("/paths/{}/{method}", escape(path));
                    operations.push((method, path.clone(), pointer));
                }
            }
        }
        operations
    }

    /// The value at a pointer with `$ref` followed, and the pointer where that ended.
    pub(crate) fn at(&self, pointer: &str) -> Option<(String, &Value)> {
        let mut pointer = pointer.to_owned();
        loop {
            let value = self.document.pointer(&pointer)?;
            match value.get("$ref").and_then(Value::as_str) {
                Some(reference) => reference.trim_start_matches('#').clone_into(&mut pointer),
                None => return Some((pointer, value)),
            }
        }
    }

    fn validator(&self, pointer: &str) -> Validator {
        let fragment: String = pointer
            .chars()
            .map(|c| match c {
                '{' => "%7B".to_owned(),
                '}' => "%7D".to_owned(),
                c => c.to_string(),
            })
            .collect();
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_registry(&self.registry)
            .should_validate_formats(true)
            .build(&json!({ "$ref": format!("{BASE}#{fragment}") }))
            .unwrap_or_else(|error| panic!("{pointer}: {error}"))
    }

    /// What is wrong with `value` as an instance of the schema at `pointer`.
    pub(crate) fn problems(&self, pointer: &str, value: &Value) -> Vec<String> {
        self.validator(pointer)
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    }

    /// The smallest instance of the schema at `pointer` that can be found.
    pub(crate) fn minimal(&self, pointer: &str) -> Option<Value> {
        self.instance(pointer, 0)
    }

    fn instance(&self, pointer: &str, depth: usize) -> Option<Value> {
        if depth > 12 {
            return None;
        }
        let (pointer, schema) = self.at(pointer)?;
        if let Some(value) = schema.get("const") {
            return Some(value.clone());
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            return values.first().cloned();
        }
        let alone = schema.get("allOf").and_then(Value::as_array);
        if alone.is_some_and(|parts| parts.len() == 1) && schema.get("properties").is_none() {
            return self.instance(&format!("{pointer}/allOf/0"), depth + 1);
        }
        let mut candidates = Vec::new();
        for keyword in ["oneOf", "anyOf"] {
            for index in 0..schema
                .get(keyword)
                .and_then(Value::as_array)
                .map_or(0, Vec::len)
            {
                if let Some(mut value) =
                    self.instance(&format!("{pointer}/{keyword}/{index}"), depth + 1)
                {
                    if let (Value::Object(value), Some(Value::Object(base))) =
                        (&mut value, self.object(&pointer, schema, depth))
                    {
                        for (name, member) in base {
                            value.entry(name).or_insert(member);
                        }
                    }
                    candidates.push(value);
                }
            }
        }
        candidates.extend(self.typed(&pointer, schema, depth));
        let validator = self.validator(&pointer);
        let fitting = candidates
            .iter()
            .position(|value| validator.is_valid(value));
        match fitting {
            Some(index) => Some(candidates.swap_remove(index)),
            None => candidates.into_iter().next(),
        }
    }

    fn typed(&self, pointer: &str, schema: &Value, depth: usize) -> Vec<Value> {
        let mut names: Vec<&str> = match &schema["type"] {
            Value::String(name) => vec![name],
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            _ if schema.get("properties").is_some() || schema.get("allOf").is_some() => {
                vec!["object"]
            }
            _ => vec!["object", "string"],
        };
        names.sort_by_key(|name| *name == "null");
        names
            .iter()
            .flat_map(|name| self.of_type(name, pointer, schema, depth))
            .collect()
    }

    fn of_type(&self, name: &str, pointer: &str, schema: &Value, depth: usize) -> Vec<Value> {
        match name {
            "object" => self.object(pointer, schema, depth).into_iter().collect(),
            "array" => {
                let least = schema["minItems"].as_u64().unwrap_or(0);
                let item = self.instance(&format!("{pointer}/items"), depth + 1);
                let count = usize::try_from(least).unwrap();
                vec![Value::Array(
                    std::iter::repeat_n(item.unwrap_or(json!({})), count).collect(),
                )]
            }
            "integer" | "number" => [1, 0, 5, 30, 100, 2_000_000]
                .into_iter()
                .map(Value::from)
                .chain(schema.get("minimum").cloned())
                .collect(),
            "boolean" => vec![json!(false), json!(true)],
            "null" => vec![Value::Null],
            _ => match schema["format"].as_str().unwrap_or_default() {
                "uuid" | "UUID" => vec![json!("7b1f5a52-6f0e-4c7e-9d43-0d3cbb0c9d11")],
                "date-time" => vec![json!("2030-01-01T00:00:00Z")],
                "email" => vec![json!("someone@example.com")],
                "uri" => vec![json!("https://example.com/x")],
                _ => ["x", "one", "a-long-enough-text", "#aabbcc", "2030-01-01"]
                    .into_iter()
                    .map(Value::from)
                    .collect(),
            },
        }
    }

    fn object(&self, pointer: &str, schema: &Value, depth: usize) -> Option<Value> {
        let mut members = Map::new();
        for name in self.required(pointer) {
            let member = match self.property(pointer, &name) {
                Some(property) => self.instance(&property, depth + 1)?,
                None => json!("x"),
            };
            members.insert(name, member);
        }
        if schema
            .get("minProperties")
            .is_some_and(|least| least != &json!(0))
            && members.is_empty()
        {
            let (name, _) = schema["properties"].as_object()?.iter().next()?;
            let property = format!("{pointer}/properties/{}", escape(name));
            members.insert(name.clone(), self.instance(&property, depth + 1)?);
        }
        Some(Value::Object(members))
    }

    /// The names that an object schema requires, itself or in a part of its `allOf`.
    fn required(&self, pointer: &str) -> Vec<String> {
        let Some((pointer, schema)) = self.at(pointer) else {
            return Vec::new();
        };
        let own = schema["required"].as_array().into_iter().flatten();
        let mut names: Vec<String> = own.filter_map(Value::as_str).map(str::to_owned).collect();
        for index in 0..schema
            .get("allOf")
            .and_then(Value::as_array)
            .map_or(0, Vec::len)
        {
            names.extend(self.required(&format!("{pointer}/allOf/{index}")));
        }
        names
    }

    /// Where a property of an object schema is described, if necessary in a part of its `allOf`.
    fn property(&self, pointer: &str, name: &str) -> Option<String> {
        let (pointer, schema) = self.at(pointer)?;
        let own = format!("{pointer}/properties/{}", escape(name));
        if self.document.pointer(&own).is_some() {
            return Some(own);
        }
        let parts = schema
            .get("allOf")
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        (0..parts).find_map(|index| self.property(&format!("{pointer}/allOf/{index}"), name))
    }
}

/// A key as a step of a JSON pointer.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
