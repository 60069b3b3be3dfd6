//! Which members objects of a schema have, at every depth: JSON Schema itself lets objects have any others, and says
//! nothing of them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::document::Located;
use super::node::Node;
use super::schema::{Types, branches, types};

/// How deep objects are looked into; some schemas contain themselves.
const DEEPEST: usize = 8;

/// The members of an object and of the items of an array.
#[derive(Debug, Default)]
pub(crate) struct Members {
    /// Whether the schema lists members at all.
    listed: bool,
    /// Whether it lets others in, in so many words or with a choice that lists none.
    open: bool,
    known: BTreeMap<String, Members>,
    items: Option<Box<Members>>,
}

impl Members {
    pub(crate) fn of(document: &'static Node, schema: &Located) -> Members {
        let mut members = Members::default();
        members.gather(document, schema, 0);
        members
    }

    fn gather(&mut self, document: &'static Node, schema: &Located, depth: usize) {
        if depth > DEEPEST {
            self.open = true;
            return;
        }
        let Some(schema) = schema.resolved(document) else {
            return;
        };
        if let Some(own) = schema.get("properties") {
            self.listed = true;
            for name in own.value.keys() {
                if let Some(property) = own.get(name) {
                    let known = self.known.entry(name.to_owned()).or_default();
                    known.gather(document, &property, depth + 1);
                }
            }
        }
        let others = schema.value.get("additionalProperties");
        self.open |= others.is_some_and(|others| *others != Node::Bool(false));
        if let Some(items) = schema.get("items") {
            let known = self.items.get_or_insert_default();
            known.gather(document, &items, depth + 1);
        }
        for part in branches(&schema, "allOf") {
            self.gather(document, &part, depth);
        }
        for choice in ["anyOf", "oneOf"]
            .into_iter()
            .flat_map(|keyword| branches(&schema, keyword))
        {
            let mut other = Members::default();
            other.gather(document, &choice, depth);
            let object = types(document, &choice).has(Types::OBJECT);
            self.open |= object && !other.listed;
            self.take(other);
        }
    }

    fn take(&mut self, other: Members) {
        self.listed |= other.listed;
        self.open |= other.open;
        for (name, members) in other.known {
            self.known.entry(name).or_default().take(members);
        }
        if let Some(items) = other.items {
            self.items.get_or_insert_default().take(*items);
        }
    }

    /// The pointers of all members of a value that the schema does not have.
    pub(crate) fn unknown(&self, value: &Value) -> Vec<String> {
        let mut found = Vec::new();
        self.find(value, &mut String::new(), &mut found);
        found
    }

    fn find(&self, value: &Value, at: &mut String, found: &mut Vec<String>) {
        let length = at.len();
        match value {
            Value::Object(members) if self.listed => {
                for (name, value) in members {
                    at.push('/');
                    at.push_str(&name.replace('~', "~0").replace('/', "~1"));
                    match self.known.get(name) {
                        Some(known) => known.find(value, at, found),
                        None if self.open => {}
                        None => found.push(at.clone()),
                    }
                    at.truncate(length);
                }
            }
            Value::Array(values) => {
                let Some(items) = &self.items else {
                    return;
                };
                for (index, value) in values.iter().enumerate() {
                    at.push('/');
                    at.push_str(&index.to_string());
                    items.find(value, at, found);
                    at.truncate(length);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Members;
    use crate::description::document::Located;
    use crate::description::node::Node;

    fn unknown(schema: Value, value: Value) -> Vec<String> {
        let text = Box::leak(schema.to_string().into_boxed_str());
        let document: &'static Node = Box::leak(Box::new(Node::read(text).unwrap()));
        Members::of(document, &Located::root(document)).unknown(&value)
    }

    #[test]
    fn members_are_those_of_all_parts_and_choices() {
        let schema = json!({
            "allOf": [
                { "properties": { "a": {}, "list": { "items": { "$ref": "#/$defs/item" } } } },
                { "required": ["a"] },
            ],
            "oneOf": [{ "properties": { "b": {} } }, { "type": "object", "properties": { "c": {} } }, { "type": "null" }],
            "$defs": { "item": { "properties": {
                "d": {}, "self": { "$ref": "#/$defs/item" }, "free": { "type": "object" },
                "map": { "properties": { "e": {} }, "additionalProperties": { "type": "string" } },
            } } },
        });
        let value = json!({
            "a": { "any": 1 }, "b": 1, "c": 1, "x/y": 1,
            "list": [{ "d": 1 }, { "z~": 1, "self": { "q": 1 }, "free": { "any": 1 }, "map": { "any": "x" } }, 5],
        });
        let mut found = unknown(schema, value);
        found.sort();
        assert_eq!(found, ["/list/1/self/q", "/list/1/z~0", "/x~1y"]);
    }

    #[test]
    fn a_choice_without_members_lets_any_in() {
        let schema = json!({ "anyOf": [{ "properties": { "a": {} } }, { "type": "object" }] });
        assert!(unknown(schema, json!({ "b": 1 })).is_empty());
        assert!(unknown(json!({}), json!({ "b": { "c": 1 } })).is_empty());
    }
}
