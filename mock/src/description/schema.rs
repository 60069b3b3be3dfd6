//! Questions about a schema that need no validator: which properties, which types, which constant.

use serde_json::Value;

use super::document::{Located, lookup};
use super::node::Node;

/// How deep `allOf`, `anyOf` and `$ref` are followed before giving up on a schema.
const MAX_DEPTH: usize = 24;

/// A set of JSON types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Types(u8);

impl Types {
    pub(crate) const NULL: Types = Types(1);
    pub(crate) const BOOLEAN: Types = Types(2);
    pub(crate) const INTEGER: Types = Types(4);
    pub(crate) const NUMBER: Types = Types(8);
    pub(crate) const STRING: Types = Types(16);
    pub(crate) const ARRAY: Types = Types(32);
    pub(crate) const OBJECT: Types = Types(64);
    /// What a schema that says nothing about types allows.
    pub(crate) const ANY: Types = Types(127);

    pub(crate) fn has(self, other: Types) -> bool {
        self.0 & other.0 != 0
    }

    fn named(name: &str) -> Types {
        match name {
            "null" => Types::NULL,
            "boolean" => Types::BOOLEAN,
            "integer" => Types::INTEGER,
            "number" => Types(Types::NUMBER.0 | Types::INTEGER.0),
            "string" => Types::STRING,
            "array" => Types::ARRAY,
            "object" => Types::OBJECT,
            _ => Types(0),
        }
    }

    pub(crate) fn of(value: &Value) -> Types {
        match value {
            Value::Null => Types::NULL,
            Value::Bool(_) => Types::BOOLEAN,
            Value::Number(number) if number.is_f64() => Types::NUMBER,
            Value::Number(_) => Types::INTEGER,
            Value::String(_) => Types::STRING,
            Value::Array(_) => Types::ARRAY,
            Value::Object(_) => Types::OBJECT,
        }
    }
}

/// The types an instance of `schema` may have.
pub(crate) fn types(document: &'static Node, schema: &Located) -> Types {
    types_within(document, schema, 0)
}

fn types_within(document: &'static Node, schema: &Located, depth: usize) -> Types {
    if depth > MAX_DEPTH {
        return Types::ANY;
    }
    let mut allowed = Types::ANY;
    if let Some(reference) = schema.value.get("$ref").and_then(Node::as_str)
        && let Some(target) = lookup(document, reference)
    {
        allowed.0 &= types_within(document, &target, depth + 1).0;
    }
    match schema.value.get("type") {
        Some(Node::String(name)) => allowed.0 &= Types::named(name).0,
        Some(Node::Array(names)) => {
            let union = names
                .iter()
                .filter_map(Node::as_str)
                .fold(0, |set, n| set | Types::named(n).0);
            allowed.0 &= union;
        }
        _ => {}
    }
    if let Some(constant) = schema.value.get("const") {
        allowed.0 &= Types::of(&constant.into()).0;
    }
    if let Some(Node::Array(values)) = schema.value.get("enum") {
        allowed.0 &= values
            .iter()
            .fold(0, |set, value| set | Types::of(&value.into()).0);
    }
    for keyword in ["anyOf", "oneOf"] {
        let branches = branches(schema, keyword);
        if !branches.is_empty() {
            let union = branches
                .iter()
                .fold(0, |set, b| set | types_within(document, b, depth + 1).0);
            allowed.0 &= union;
        }
    }
    for branch in branches(schema, "allOf") {
        allowed.0 &= types_within(document, &branch, depth + 1).0;
    }
    allowed
}

/// The sub-schemas under `allOf`, `anyOf` or `oneOf`.
pub(crate) fn branches(schema: &Located, keyword: &str) -> Vec<Located> {
    let Some(list) = schema.get(keyword) else {
        return Vec::new();
    };
    (0..list.value.as_array().map_or(0, <[Node]>::len))
        .filter_map(|index| list.item(index))
        .collect()
}

/// One property of an object schema, gathered through `$ref`, `allOf` and the first fitting branch
/// of `anyOf` and `oneOf`.
#[derive(Clone, Debug)]
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) schema: Located,
    pub(crate) required: bool,
}

/// All properties of an object schema in the order in which they are met.
pub(crate) fn properties(document: &'static Node, schema: &Located) -> Vec<Property> {
    let mut found = Vec::new();
    let mut required = Vec::new();
    collect(document, schema, &mut found, &mut required, 0);
    for property in &mut found {
        property.required = required.contains(&property.name.as_str());
    }
    found
}

fn collect(
    document: &'static Node,
    schema: &Located,
    found: &mut Vec<Property>,
    required: &mut Vec<&'static str>,
    depth: usize,
) {
    if depth > MAX_DEPTH {
        return;
    }
    if let Some(reference) = schema.value.get("$ref").and_then(Node::as_str)
        && let Some(target) = lookup(document, reference)
    {
        collect(document, &target, found, required, depth + 1);
    }
    if let Some(names) = schema.value.get("required").and_then(Node::as_array) {
        required.extend(names.iter().filter_map(Node::as_str));
    }
    if let Some(own) = schema.get("properties") {
        for name in own.value.keys() {
            let Some(schema) = own.get(name) else {
                continue;
            };
            let property = Property {
                name: name.to_owned(),
                schema,
                required: false,
            };
            // A later statement about a property replaces an earlier one, as in an overlay.
            match found.iter_mut().find(|known| known.name == *name) {
                Some(known) => *known = property,
                None => found.push(property),
            }
        }
    }
    for branch in branches(schema, "allOf") {
        collect(document, &branch, found, required, depth + 1);
    }
    for keyword in ["anyOf", "oneOf"] {
        let object = branches(schema, keyword)
            .into_iter()
            .find(|branch| types(document, branch).has(Types::OBJECT));
        if let Some(branch) = object {
            collect(document, &branch, found, required, depth + 1);
        }
    }
}

/// The names of all members that an object of a schema can have, whichever branch it takes.
pub(crate) fn names(document: &'static Node, schema: &Located) -> Vec<String> {
    fn gather(document: &'static Node, schema: &Located, found: &mut Vec<String>, depth: usize) {
        let Some(schema) = schema.resolved(document).filter(|_| depth < MAX_DEPTH) else {
            return;
        };
        let own = schema.value.get("properties");
        for name in own.into_iter().flat_map(Node::keys) {
            if !found.iter().any(|known| known == name) {
                found.push(name.to_owned());
            }
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            for branch in branches(&schema, keyword) {
                gather(document, &branch, found, depth + 1);
            }
        }
    }
    let mut found = Vec::new();
    gather(document, schema, &mut found, 0);
    found
}

/// The only value a schema allows, if it names one (`const`, or an `enum` of one).
pub(crate) fn constant(document: &'static Node, schema: &Located) -> Option<&'static Node> {
    let schema = schema.resolved(document)?;
    if let Some(value) = schema.value.get("const") {
        return Some(value);
    }
    match schema.value.get("enum").and_then(Node::as_array) {
        Some([only]) => Some(only),
        _ => None,
    }
}

/// The schema of an array's items, looked for through `$ref` and the branches.
pub(crate) fn items(document: &'static Node, schema: &Located) -> Option<Located> {
    items_within(document, schema, 0)
}

fn items_within(document: &'static Node, schema: &Located, depth: usize) -> Option<Located> {
    if depth > MAX_DEPTH {
        return None;
    }
    let schema = schema.resolved(document)?;
    if let Some(items) = schema.get("items") {
        return Some(items);
    }
    ["allOf", "anyOf", "oneOf"]
        .into_iter()
        .flat_map(|keyword| branches(&schema, keyword))
        .find_map(|branch| items_within(document, &branch, depth + 1))
}
