//! A tree of plain data that keeps the order of its keys.
//!
//! `serde_json::Value` sorts them here (keeping their order is a feature of that crate that would then
//! hold for the whole workspace), and a description whose paths and properties stand in alphabetical
//! order is neither pleasant to read nor easy to compare with where it came from.

use std::fmt;

use indexmap::IndexMap;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::Number;

/// The keys and values of an object, in the order of the file.
pub(crate) type Map = IndexMap<String, Node>;

/// One piece of data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Map),
}

impl Node {
    /// The value of a key, if this is an object that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.get(key)
    }

    /// The object, if it is one.
    pub(crate) fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The list, if it is one.
    pub(crate) fn as_list(&self) -> Option<&[Node]> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is neither a list nor an object.
    pub(crate) fn is_scalar(&self) -> bool {
        !matches!(self, Self::List(_) | Self::Map(_))
    }

    /// Calls `visit` for every reference below this node: `$ref` and the values of a discriminator's mapping.
    pub(crate) fn references(&self, visit: &mut dyn FnMut(&str)) {
        match self {
            Self::List(list) => list.iter().for_each(|item| item.references(visit)),
            Self::Map(map) => {
                for (key, value) in map {
                    match (key.as_str(), value) {
                        ("$ref", Self::Text(reference)) => visit(reference),
                        ("discriminator", Self::Map(discriminator)) => {
                            let mapping = discriminator.get("mapping").and_then(Self::as_map);
                            mapping
                                .into_iter()
                                .flat_map(|targets| targets.values())
                                .filter_map(Self::as_text)
                                .for_each(&mut *visit);
                        }
                        _ => value.references(visit),
                    }
                }
            }
            _ => {}
        }
    }

    /// Replaces every reference below this node.
    pub(crate) fn rewrite_references<E>(
        &mut self,
        rewrite: &mut dyn FnMut(&str) -> Result<String, E>,
    ) -> Result<(), E> {
        match self {
            Self::List(list) => list
                .iter_mut()
                .try_for_each(|item| item.rewrite_references(rewrite)),
            Self::Map(map) => {
                for (key, value) in map.iter_mut() {
                    match (key.as_str(), value) {
                        ("$ref", Self::Text(reference)) => *reference = rewrite(reference)?,
                        ("discriminator", Self::Map(discriminator)) => {
                            if let Some(Self::Map(mapping)) = discriminator.get_mut("mapping") {
                                for target in mapping.values_mut() {
                                    if let Self::Text(reference) = target {
                                        *reference = rewrite(reference)?;
                                    }
                                }
                            }
                        }
                        (_, value) => value.rewrite_references(rewrite)?,
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(list) => serializer.collect_seq(list),
            Self::Map(map) => serializer.collect_map(map),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("plain data")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        Number::from_f64(value)
            .map(Node::Number)
            .ok_or_else(|| E::custom("a number must be finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = access.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut map = Map::new();
        // A key is always text: `200` and `y` are names here, whatever they look like.
        while let Some((key, value)) = access.next_entry::<String, Node>()? {
            map.insert(key, value);
        }
        Ok(Node::Map(map))
    }
}
