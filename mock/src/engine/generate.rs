//! An instance of a schema, for the operations whose answers do not come from the store.
//!
//! The same schema always gives the same instance. It has the required properties and, near the
//! root, the optional ones, so that a client finds the fields it reads.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use serde_json::{Map, Number, Value, json};

use crate::description::Description;
use crate::description::document::Located;
use crate::description::node::Node;
use crate::description::schema::{self, Types};

/// Below this depth only required properties are generated.
const OPTIONAL_DEPTH: usize = 4;

/// Below this depth nothing more is generated.
const MAX_DEPTH: usize = 16;

/// Texts tried, in this order, where a schema has a `pattern` or a bound on the length.
const CANDIDATES: [&str; 8] = [
    "sample",
    "sample-1",
    "a",
    "1",
    "/sample",
    "sample@example.com",
    "0.1.0",
    "#3366ff",
];

/// Generates an instance of the schema; `None` when the schema allows none that can be found.
pub(crate) fn value(description: &Description, schema: &Located) -> Option<Value> {
    Generator {
        description,
        open: Vec::new(),
    }
    .any(schema, "", 0)
}

struct Generator<'d> {
    description: &'d Description,
    /// The references being expanded, to notice that a schema contains itself.
    open: Vec<String>,
}

impl Generator<'_> {
    fn any(&mut self, schema: &Located, name: &str, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH || schema.value == &Node::Bool(false) {
            return None;
        }
        for keyword in ["const", "default"] {
            if let Some(value) = schema.value.get(keyword).map(Value::from)
                && (keyword == "const" || self.fits(schema, &value))
            {
                return Some(value);
            }
        }
        if let Some(values) = schema.value.get("enum").and_then(Node::as_array)
            && let mut values = values.iter().map(Value::from)
            && let Some(value) = values.find(|value| self.fits(schema, value))
        {
            return Some(value);
        }
        if schema.value.get("$ref").is_some() {
            return self.referenced(schema, name, depth);
        }
        // A lone `allOf` is how a reference gets company.
        if let [only] = schema::branches(schema, "allOf").as_slice()
            && schema.value.get("properties").is_none()
        {
            return self.any(only, name, depth + 1);
        }
        for keyword in ["oneOf", "anyOf"] {
            let branches = schema::branches(schema, keyword);
            if branches.is_empty() {
                continue;
            }
            if let Some(value) = self.branch(schema, &branches, name, depth) {
                return Some(value);
            }
        }
        let types = schema::types(self.description.document, schema);
        self.typed(schema, types, name, depth)
    }

    fn referenced(&mut self, schema: &Located, name: &str, depth: usize) -> Option<Value> {
        let target = schema.resolved(self.description.document)?;
        if self.open.contains(&target.pointer) {
            return None;
        }
        self.open.push(target.pointer.clone());
        let value = self.any(&target, name, depth + 1);
        self.open.pop();
        value
    }

    /// Tries the branches of a choice, with the properties that stand beside the choice laid under.
    fn branch(
        &mut self,
        schema: &Located,
        branches: &[Located],
        name: &str,
        depth: usize,
    ) -> Option<Value> {
        let mut first = None;
        for branch in branches {
            let Some(mut value) = self.any(branch, name, depth + 1) else {
                continue;
            };
            if let Value::Object(members) = &mut value
                && (schema.value.get("properties").is_some() || schema.value.get("allOf").is_some())
            {
                let mut whole = self.object_members(schema, depth)?;
                whole.append(members);
                value = Value::Object(whole);
            }
            if self.fits(schema, &value) {
                return Some(value);
            }
            first.get_or_insert(value);
        }
        // The optional properties may be what makes two branches overlap.
        for branch in branches {
            let Some(value) = self.any(branch, name, OPTIONAL_DEPTH + 1) else {
                continue;
            };
            if self.fits(schema, &value) {
                return Some(value);
            }
        }
        first
    }

    fn typed(&mut self, schema: &Located, types: Types, name: &str, depth: usize) -> Option<Value> {
        if types == Types::ANY {
            let keyword = |keyword: &str| schema.value.get(keyword).is_some();
            return match () {
                () if keyword("properties") || keyword("allOf") => self.object(schema, depth),
                () if keyword("items") => self.array(schema, name, depth),
                () => Some(json!({})),
            };
        }
        if types.has(Types::OBJECT) {
            self.object(schema, depth)
        } else if types.has(Types::ARRAY) {
            self.array(schema, name, depth)
        } else if types.has(Types::STRING) {
            self.text(schema, name)
        } else if types.has(Types::INTEGER) || types.has(Types::NUMBER) {
            self.number(schema, types)
        } else if types.has(Types::BOOLEAN) {
            Some(Value::Bool(false))
        } else if types.has(Types::NULL) {
            Some(Value::Null)
        } else {
            None
        }
    }

    fn object(&mut self, schema: &Located, depth: usize) -> Option<Value> {
        self.object_members(schema, depth).map(Value::Object)
    }

    fn object_members(&mut self, schema: &Located, depth: usize) -> Option<Map<String, Value>> {
        let mut members = Map::new();
        for property in schema::properties(self.description.document, schema) {
            if !property.required && depth > OPTIONAL_DEPTH {
                continue;
            }
            match self.any(&property.schema, &property.name, depth + 1) {
                Some(value) => {
                    members.insert(property.name, value);
                }
                None if property.required => return None,
                None => {}
            }
        }
        // A few schemas require names that they do not describe.
        if let Some(required) = schema.value.get("required").and_then(Node::as_array) {
            for name in required.iter().filter_map(Node::as_str) {
                if !members.contains_key(name) {
                    members.insert(name.to_owned(), Value::from(name));
                }
            }
        }
        let least = schema
            .value
            .get("minProperties")
            .and_then(Node::as_u64)
            .unwrap_or(0);
        if (members.len() as u64) < least
            && let Some(additional) = schema.get("additionalProperties")
            && let Some(value) = self.any(&additional, "", depth + 1)
        {
            members.insert("key".to_owned(), value);
        }
        Some(members)
    }

    fn array(&mut self, schema: &Located, name: &str, depth: usize) -> Option<Value> {
        let least = schema
            .value
            .get("minItems")
            .and_then(Node::as_u64)
            .unwrap_or(0)
            .min(64);
        let wanted = if depth > OPTIONAL_DEPTH {
            least
        } else {
            least.max(1)
        };
        let mut values = Vec::new();
        if wanted > 0
            && let Some(items) = schema::items(self.description.document, schema)
            && let Some(value) = self.any(&items, name, depth + 1)
        {
            values.push(value);
        }
        while (values.len() as u64) < least {
            values.push(values.first()?.clone());
        }
        Some(Value::Array(values))
    }

    fn text(&mut self, schema: &Located, name: &str) -> Option<Value> {
        let keyword = |keyword: &str| schema.value.get(keyword);
        let format = keyword("format").and_then(Node::as_str).unwrap_or_default();
        let formatted = match format.to_ascii_lowercase().as_str() {
            "uuid" => Some(uuid(&schema.pointer)),
            "date-time" => Some("2026-01-01T00:00:00.000Z".to_owned()),
            "date" => Some("2026-01-01".to_owned()),
            "time" => Some("00:00:00Z".to_owned()),
            "email" => Some("sample@example.com".to_owned()),
            "uri" | "url" => Some("https://example.com/".to_owned()),
            "hostname" => Some("example.com".to_owned()),
            "ipv4" => Some("192.0.2.1".to_owned()),
            _ if name == "id" => Some(uuid(&schema.pointer)),
            _ => None,
        };
        if let Some(formatted) = &formatted
            && schema
                .value
                .keys()
                .all(|name| matches!(name, "type" | "format"))
        {
            return Some(Value::from(formatted.as_str()));
        }
        let least = keyword("minLength")
            .and_then(Node::as_u64)
            .unwrap_or(0)
            .min(4096);
        let padding = "sample-".repeat(usize::try_from(least / 7 + 1).ok()?);
        let named = if name.is_empty() { "sample" } else { name };
        formatted
            .iter()
            .map(String::as_str)
            .chain([named])
            .chain(CANDIDATES)
            .chain([padding.as_str()])
            .map(Value::from)
            .find(|candidate| self.fits(schema, candidate))
    }

    fn number(&mut self, schema: &Located, types: Types) -> Option<Value> {
        let bound = |keyword: &str| schema.value.get(keyword).and_then(Node::as_f64);
        let lowest = bound("minimum").or(bound("exclusiveMinimum").map(|bound| bound + 1.0));
        let highest = bound("maximum").or(bound("exclusiveMaximum").map(|bound| bound - 1.0));
        let step = bound("multipleOf").unwrap_or(1.0);
        let between = lowest
            .zip(highest)
            .map(|(lowest, highest)| f64::midpoint(lowest, highest));
        [
            Some(1.0),
            lowest.map(f64::ceil),
            highest.map(f64::floor),
            Some(step),
            lowest,
            between,
        ]
        .into_iter()
        .flatten()
        .filter_map(|number| {
            if types.has(Types::INTEGER) && number.fract() == 0.0 {
                // Exact for every bound a schema can state: they are small.
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "the number is whole and small"
                )]
                return Some(Value::from(number as i64));
            }
            Number::from_f64(number).map(Value::Number)
        })
        .find(|candidate| self.fits(schema, candidate))
    }

    fn fits(&self, schema: &Located, value: &Value) -> bool {
        let document = self.description.document;
        if let Some(allowed) = simple(schema) {
            return schema::types(document, schema).has(Types::of(value))
                && allowed
                    .is_none_or(|allowed| allowed.iter().any(|one| Value::from(one) == *value));
        }
        self.description
            .validator(schema)
            .is_none_or(|validator| validator.is_valid(value))
    }
}

/// The values of a schema's enum, if it has one, where nothing but types and that decides: most schemas need no
/// validator, and the first one that is made takes more room and time than all else that an idle mock does.
fn simple(schema: &Located) -> Option<Option<&'static [Node]>> {
    let known = [
        "type",
        "enum",
        "default",
        "title",
        "description",
        "readOnly",
    ];
    let simple = schema
        .value
        .keys()
        .all(|name| known.contains(&name) || name.starts_with("x-"));
    simple.then(|| schema.value.get("enum").and_then(Node::as_array))
}

/// A UUID that depends only on where the schema stands.
fn uuid(pointer: &str) -> String {
    let mut hasher = DefaultHasher::new();
    pointer.hash(&mut hasher);
    let low = hasher.finish();
    "gatewright".hash(&mut hasher);
    let high = hasher.finish();
    uuid::Builder::from_random_bytes(((u128::from(high) << 64) | u128::from(low)).to_be_bytes())
        .into_uuid()
        .to_string()
}
