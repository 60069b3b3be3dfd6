//! Turns a schema of OpenAPI 3.0 into one of 3.1, which is JSON Schema 2020-12.

use crate::convert::{ConvertError, items, object, rebuild};
use crate::description::node::{Map, Node};

type Result<T> = std::result::Result<T, ConvertError>;

/// The keywords that are kept, in the order in which they are written.
const KEEP: [&str; 34] = [
    "$ref",
    "type",
    "format",
    "enum",
    "default",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "deprecated",
    "readOnly",
    "writeOnly",
    "nullable",
    "required",
    "properties",
    "additionalProperties",
    "items",
    "not",
    "allOf",
    "anyOf",
    "oneOf",
    "discriminator",
    "const",
    "contentEncoding",
    "contentMediaType",
];

/// Converts a schema and all that is in it.
pub(crate) fn convert(node: &Node, at: &str) -> Result<Node> {
    if let Node::Bool(_) = node {
        return Ok(node.clone());
    }
    let map = object(node, &KEEP, &["xml"], at)?;
    let nullable = map.get("nullable") == Some(&Node::Bool(true));
    if let Some(target) = map.get("$ref") {
        // In 3.0 whatever stands beside a reference is ignored; `nullable` is clearly meant, though.
        let reference = Node::Map(Map::from([("$ref".to_owned(), target.clone())]));
        return Ok(if nullable {
            or_null(reference)
        } else {
            reference
        });
    }
    let converted = rebuild(map, &KEEP, &mut |key, value| {
        keyword(map, key, value, &format!("{at}/{key}"))
    })?;
    Ok(if nullable {
        with_null(converted)
    } else {
        converted
    })
}

/// Converts the value of one keyword; none if it has no place in 3.1.
fn keyword(map: &Map, key: &str, value: &Node, at: &str) -> Result<Option<Node>> {
    let is_true = |key: &str| map.get(key) == Some(&Node::Bool(true));
    Ok(match key {
        "nullable" => None,
        // No default at all: null would not be valid here.
        "default" if *value == Node::Null && !is_true("nullable") && map.contains_key("type") => {
            None
        }
        "properties" => {
            let properties = value
                .as_map()
                .ok_or_else(|| ConvertError::new(at, "an object was expected"))?;
            let mut out = Map::new();
            for (name, property) in properties {
                out.insert(name.clone(), convert(property, &format!("{at}/{name}"))?);
            }
            Some(Node::Map(out))
        }
        "additionalProperties" | "items" | "not" => Some(convert(value, at)?),
        "allOf" | "anyOf" | "oneOf" => Some(items(value, at, &mut convert)?),
        "discriminator" => {
            let keep = ["propertyName", "mapping"];
            let discriminator = object(value, &keep, &[], at)?;
            Some(rebuild(discriminator, &keep, &mut |_, value| {
                Ok(Some(value.clone()))
            })?)
        }
        // In 3.0 these are switches that make the limit beside them exclusive.
        "minimum" if is_true("exclusiveMinimum") => None,
        "maximum" if is_true("exclusiveMaximum") => None,
        "exclusiveMinimum" => exclusive(value, map.get("minimum")),
        "exclusiveMaximum" => exclusive(value, map.get("maximum")),
        // One format is spelt in two ways, and `string` is none.
        "format" => match value.as_text() {
            Some("UUID") => Some(Node::from("uuid")),
            Some("string") => None,
            _ => Some(value.clone()),
        },
        _ => Some(value.clone()),
    })
}

/// An exclusive limit: the limit itself in 3.1, a switch in 3.0.
fn exclusive(value: &Node, limit: Option<&Node>) -> Option<Node> {
    match value {
        Node::Bool(true) => limit.cloned(),
        Node::Bool(false) => None,
        number => Some(number.clone()),
    }
}

/// Lets a converted schema also accept null.
fn with_null(schema: Node) -> Node {
    let Node::Map(mut map) = schema else {
        return schema;
    };
    if let Some(Node::List(values)) = map.get_mut("enum")
        && !values.contains(&Node::Null)
    {
        values.push(Node::Null);
    }
    let composed = ["allOf", "anyOf", "oneOf"]
        .iter()
        .any(|key| map.contains_key(*key));
    match map.get_mut("type") {
        _ if composed => {
            let fallback = map.shift_remove("default");
            let mut outer = match (map.len(), map.get_mut("anyOf")) {
                (1, Some(Node::List(branches))) => {
                    branches.push(null());
                    map
                }
                _ => match or_null(Node::Map(map)) {
                    Node::Map(map) => map,
                    _ => Map::new(),
                },
            };
            if let Some(fallback) = fallback {
                outer.shift_insert(0, "default".to_owned(), fallback);
            }
            Node::Map(outer)
        }
        Some(kind @ Node::Text(_)) => {
            *kind = Node::List(vec![kind.clone(), Node::from("null")]);
            Node::Map(map)
        }
        // Without a type nothing forbids null in the first place.
        _ => Node::Map(map),
    }
}

/// Either what the schema says or null.
fn or_null(schema: Node) -> Node {
    Node::Map(Map::from([(
        "anyOf".to_owned(),
        Node::List(vec![schema, null()]),
    )]))
}

fn null() -> Node {
    Node::Map(Map::from([("type".to_owned(), Node::from("null"))]))
}

#[cfg(test)]
mod tests {
    use super::{Node, convert};

    fn converted(source: &str) -> String {
        let node: Node = serde_json::from_str(source).expect("valid JSON");
        serde_json::to_string(&convert(&node, "#").expect("a schema")).expect("JSON")
    }

    #[test]
    fn nullable_becomes_a_type() {
        assert_eq!(
            converted(r#"{"nullable": true, "type": "string", "enum": ["a"]}"#),
            r#"{"type":["string","null"],"enum":["a",null]}"#
        );
        assert_eq!(
            converted(r##"{"nullable": true, "$ref": "#/a", "type": "object"}"##),
            r##"{"anyOf":[{"$ref":"#/a"},{"type":"null"}]}"##
        );
        assert_eq!(
            converted(r#"{"nullable": true, "oneOf": [{"type": "string"}], "default": null}"#),
            r#"{"default":null,"anyOf":[{"oneOf":[{"type":"string"}]},{"type":"null"}]}"#
        );
        assert_eq!(
            converted(r#"{"nullable": true, "anyOf": [{"type": "string"}]}"#),
            r#"{"anyOf":[{"type":"string"},{"type":"null"}]}"#
        );
    }

    #[test]
    fn exclusive_limits_become_numbers() {
        assert_eq!(
            converted(
                r#"{"type": "number", "minimum": 0, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": false}"#
            ),
            r#"{"type":"number","exclusiveMinimum":0,"maximum":9}"#
        );
    }

    #[test]
    fn prose_goes_and_names_stay() {
        assert_eq!(
            converted(
                r#"{"description": "d", "x-y": 1, "properties": {"description": {"type": "string", "example": "e"}}}"#
            ),
            r#"{"properties":{"description":{"type":"string"}}}"#
        );
    }

    #[test]
    fn an_unknown_keyword_is_an_error() {
        let node: Node = serde_json::from_str(r#"{"properties": {"a": {"frobnicate": 1}}}"#)
            .expect("valid JSON");
        let error = convert(&node, "#").expect_err("unknown").to_string();
        assert_eq!(error, "#/properties/a: the key frobnicate is not known");
    }
}
