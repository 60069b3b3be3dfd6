//! Values for the fields of any kind, drawn from its published schema and its rules.

use gatewright::kind::{Is, Kind};
use gatewright::model::Pointer;
use proptest::prelude::*;
use proptest::strategy::BoxedStrategy;
use serde_json::{Map, Value, json};

/// How deep values may be.
const DEEPEST: usize = 6;

/// What values are drawn for.
pub(super) struct Places<'a> {
    pub(super) kind: &'static Kind,
    /// The kind's schema, with its definitions.
    pub(super) schema: &'a Value,
    /// The keys of the entries that may be referred to, by kind.
    pub(super) keys: &'a dyn Fn(&str) -> Vec<String>,
}

impl Places<'_> {
    /// The schema without references.
    pub(super) fn resolve<'s>(&'s self, mut schema: &'s Value) -> &'s Value {
        while let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            schema = self.schema.pointer(name.trim_start_matches('#')).unwrap();
        }
        schema
    }

    /// Values for a place, or `None` where none can be drawn: free forms and what only a server
    /// could say.
    pub(super) fn values(&self, schema: &Value, at: &Pointer) -> Option<BoxedStrategy<Value>> {
        if at.segments().len() > DEEPEST {
            return None;
        }
        for rule in self.kind.rules_at(at) {
            match rule {
                Is::Reference { kind, .. } => return self.one_of_keys(kind, ""),
                Is::Mention { kind, prefix } => return self.one_of_keys(kind, prefix),
                Is::Secret | Is::Sensitive => {
                    return Some(Just(json!("${env:LAW_SECRET}")).boxed());
                }
                Is::SecretJson => return Some(Just(json!("${env:LAW_JSON}")).boxed()),
                Is::ServerOwned | Is::InsteadOfScope => return None,
                _ => {}
            }
        }
        let schema = self.resolve(schema);
        if let Some(fixed) = schema.get("const") {
            return Some(Just(fixed.clone()).boxed());
        }
        if let Some(options) = schema.get("enum").and_then(Value::as_array) {
            let options: Vec<Value> = options.iter().filter(|v| !v.is_null()).cloned().collect();
            return Some(proptest::sample::select(options).boxed());
        }
        for keyword in ["anyOf", "oneOf"] {
            if let Some(options) = schema.get(keyword).and_then(Value::as_array) {
                let options: Vec<_> = options.iter().filter_map(|o| self.values(o, at)).collect();
                return (!options.is_empty())
                    .then(|| proptest::strategy::Union::new(options).boxed());
            }
        }
        // What a server knows is more than a pattern says.
        if let Some(known) = schema.get("examples").and_then(Value::as_array) {
            return Some(proptest::sample::select(known.clone()).boxed());
        }
        let types: Vec<&str> = match schema.get("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => return None,
        };
        let number = |name: &str| schema.get(name).and_then(Value::as_f64);
        let options = types.into_iter().filter_map(|name| match name {
            "boolean" => Some(any::<bool>().prop_map(Value::from).boxed()),
            "integer" => {
                let least = number("minimum").unwrap_or(0.0) as i64;
                let most = number("maximum").unwrap_or(least as f64 + 1_000.0) as i64;
                Some((least..=most).prop_map(Value::from).boxed())
            }
            "number" => {
                let least = number("minimum").unwrap_or(0.0);
                let most = number("maximum").unwrap_or(least + 1_000.0);
                // Quarters have no rounding in binary.
                let quarters = (least * 4.0) as i64..=(most * 4.0) as i64;
                Some(quarters.prop_map(|n| json!(n as f64 / 4.0)).boxed())
            }
            "string" => text(schema),
            "array" => self.list(schema, at),
            "object" => self.object(schema, at),
            _ => None,
        });
        let options: Vec<_> = options.collect();
        (!options.is_empty()).then(|| proptest::strategy::Union::new(options).boxed())
    }

    fn one_of_keys(&self, kind: &str, prefix: &str) -> Option<BoxedStrategy<Value>> {
        let keys = (self.keys)(kind);
        let values: Vec<Value> = keys
            .iter()
            .map(|key| json!(format!("{prefix}{key}")))
            .collect();
        (!values.is_empty()).then(|| proptest::sample::select(values).boxed())
    }

    fn list(&self, schema: &Value, at: &Pointer) -> Option<BoxedStrategy<Value>> {
        let items = self.values(schema.get("items")?, &at.child(0))?;
        let size = |name: &str, other| {
            let size = schema.get(name).and_then(Value::as_u64);
            size.map_or(other, |n| usize::try_from(n).unwrap())
        };
        let least = size("minItems", 0);
        let most = size("maxItems", least + 3).min(least + 3);
        let lists = proptest::collection::vec(items, least..=most).prop_map(|items| {
            let mut seen: Vec<Value> = Vec::new();
            for item in items {
                if !seen.contains(&item) {
                    seen.push(item);
                }
            }
            Value::Array(seen)
        });
        Some(lists.boxed())
    }

    fn object(&self, schema: &Value, at: &Pointer) -> Option<BoxedStrategy<Value>> {
        let Some(fields) = schema.get("properties").and_then(Value::as_object) else {
            return self.map(schema, at);
        };
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mut members = Just(Map::new()).boxed();
        for (name, field) in fields {
            let needed = required.contains(&name.as_str());
            let Some(values) = self.values(field, &at.child(name)) else {
                if needed {
                    return None;
                }
                continue;
            };
            let value = match needed {
                true => values.prop_map(Some).boxed(),
                false => proptest::option::weighted(0.3, values).boxed(),
            };
            let name = name.clone();
            members = (members, value)
                .prop_map(move |(mut members, value)| {
                    if let Some(value) = value {
                        members.insert(name.clone(), value);
                    }
                    members
                })
                .boxed();
        }
        Some(members.prop_map(Value::Object).boxed())
    }

    fn map(&self, schema: &Value, at: &Pointer) -> Option<BoxedStrategy<Value>> {
        let free = json!({ "type": "string", "maxLength": 20 });
        let values = match schema.get("additionalProperties") {
            Some(schema @ Value::Object(_)) => schema,
            Some(Value::Bool(false)) => return Some(Just(json!({})).boxed()),
            _ => &free,
        };
        let values = self.values(values, &at.child("*"))?;
        let named = self.kind.rules_at(at).find_map(|rule| match rule {
            Is::ReferenceKeys { kind, .. } => Some((self.keys)(kind)),
            _ => None,
        });
        let keys = match named {
            Some(keys) if keys.is_empty() => return None,
            Some(keys) => proptest::sample::select(keys).boxed(),
            None => "[a-z][a-z0-9_]{0,8}".boxed(),
        };
        let members = proptest::collection::btree_map(keys, values, 0..3);
        Some(
            members
                .prop_map(|map| Value::Object(map.into_iter().collect()))
                .boxed(),
        )
    }
}

/// Texts of a schema: of its form or pattern where it has one, else everything that makes trouble.
fn text(schema: &Value) -> Option<BoxedStrategy<Value>> {
    let strings = match (
        schema.get("format").and_then(Value::as_str),
        schema.get("pattern").and_then(Value::as_str),
    ) {
        (Some("date-time"), _) => (2030..2060i32, 1..13u8, 1..29u8)
            .prop_map(|(year, month, day)| format!("{year}-{month:02}-{day:02}T00:00:00.000Z"))
            .boxed(),
        (Some("email"), _) => "[a-z]{3,8}@example\\.com".boxed(),
        (Some("uri"), _) => "https?://[a-z]{3,8}\\.example/[a-z]{0,5}".boxed(),
        (Some("uuid"), _) => "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}".boxed(),
        (Some(_), _) => return None,
        (None, Some(pattern)) => {
            // Anchors mean nothing to a generator.
            let inner = pattern.trim_start_matches('^').trim_end_matches('$');
            proptest::string::string_regex(inner).ok()?.boxed()
        }
        (None, None) => prop_oneof![
            3 => "[A-Za-z][A-Za-z0-9 ]{0,18}[a-z0-9]",
            1 => proptest::sample::select(vec![
                "no".to_owned(), "1e3".to_owned(), "null".to_owned(), "~".to_owned(), "- a".to_owned(),
                "a: b # c".to_owned(), "é€😀".to_owned(), "line\nline".to_owned(), "\"quoted\" 'twice'".to_owned(),
                "{{mustache}}".to_owned(), "2026-01-01".to_owned(), "0x1F".to_owned(), "<b>&amp;".to_owned(),
            ]),
        ]
        .boxed(),
    };
    let size = |name: &str, other| schema.get(name).and_then(Value::as_u64).unwrap_or(other);
    let (least, most) = (size("minLength", 0), size("maxLength", u64::MAX));
    let fits = strings.prop_filter("a text of the right length", move |text| {
        (least..=most).contains(&(text.chars().count() as u64))
    });
    Some(fits.prop_map(Value::from).boxed())
}
