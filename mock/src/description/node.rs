//! The tree of a document, small: texts are borrowed from the document's own, and an object takes the room of its
//! members and no more.
//!
//! A description has ten thousand objects of one or two members, and a `serde_json::Value` takes 632 bytes for each.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

/// A member of an object: its name and its value.
pub(crate) type Member = (Cow<'static, str>, Node);

/// A piece of a document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    Number(Number),
    String(Cow<'static, str>),
    Array(Box<[Node]>),
    /// In the order of the names.
    Object(Box<[Member]>),
}

impl Node {
    /// Reads a JSON text.
    pub(crate) fn read(text: &'static str) -> Result<Node, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// The member of an object that has a name.
    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        let members = self.as_object()?;
        let place = members.binary_search_by(|(known, _)| (**known).cmp(name));
        place.ok().map(|place| &members[place].1)
    }

    /// What a JSON pointer leads to.
    pub(crate) fn pointer(&self, pointer: &str) -> Option<&Node> {
        if pointer.is_empty() {
            return Some(self);
        }
        let mut names = pointer.strip_prefix('/')?.split('/');
        names.try_fold(self, |node, name| match node {
            Node::Array(items) => items.get(name.parse::<usize>().ok()?),
            _ => node.get(&name.replace("~1", "/").replace("~0", "~")),
        })
    }

    pub(crate) fn as_object(&self) -> Option<&[Member]> {
        match self {
            Node::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The names of an object's members; none of anything else.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        let members = self.as_object().into_iter().flatten();
        members.map(|(name, _)| &**name)
    }

    pub(crate) fn as_array(&self) -> Option<&[Node]> {
        match self {
            Node::Array(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Node::String(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self {
            Node::Bool(value) => Some(*value),
            _ => None,
        }
    }

    pub(crate) fn as_f64(&self) -> Option<f64> {
        match self {
            Node::Number(number) => number.as_f64(),
            _ => None,
        }
    }

    pub(crate) fn as_u64(&self) -> Option<u64> {
        match self {
            Node::Number(number) => number.as_u64(),
            _ => None,
        }
    }

    /// Whether a member is there and true.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name).and_then(Node::as_bool) == Some(true)
    }
}

impl From<&Node> for Value {
    fn from(node: &Node) -> Value {
        match node {
            Node::Null => Value::Null,
            Node::Bool(value) => Value::Bool(*value),
            Node::Number(number) => Value::Number(number.clone()),
            Node::String(text) => Value::from(&**text),
            Node::Array(items) => items.iter().map(Value::from).collect(),
            Node::Object(members) => {
                let members = members.iter();
                members
                    .map(|(name, value)| (name.to_string(), Value::from(value)))
                    .collect()
            }
        }
    }
}

/// Only texts that stay can be borrowed from.
impl Deserialize<'static> for Node {
    fn deserialize<D: Deserializer<'static>>(from: D) -> Result<Node, D::Error> {
        from.deserialize_any(Reader)
    }
}

struct Reader;

impl Visitor<'static> for Reader {
    type Value = Node;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        Ok(Number::from_f64(value).map_or(Node::Null, Node::Number))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'static str) -> Result<Node, E> {
        Ok(Node::String(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        Ok(Node::String(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'static>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut read = Vec::new();
        while let Some(item) = items.next_element()? {
            read.push(item);
        }
        Ok(Node::Array(read.into_boxed_slice()))
    }

    fn visit_map<A: MapAccess<'static>>(self, mut members: A) -> Result<Node, A::Error> {
        let mut read: Vec<Member> = Vec::new();
        while let Some(name) = members.next_key::<Name>()? {
            read.push((name.0, members.next_value()?));
        }
        read.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(Node::Object(read.into_boxed_slice()))
    }
}

/// The name of a member, borrowed where it can be: serde itself copies into every `Cow`.
struct Name(Cow<'static, str>);

impl Deserialize<'static> for Name {
    fn deserialize<D: Deserializer<'static>>(from: D) -> Result<Name, D::Error> {
        match from.deserialize_str(Reader)? {
            Node::String(name) => Ok(Name(name)),
            _ => Err(D::Error::custom("a name is text")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use serde_json::{Value, json};

    use super::Node;

    fn node(value: &Value) -> Node {
        Node::read(Box::leak(value.to_string().into_boxed_str())).unwrap()
    }

    #[test]
    fn a_tree_says_what_the_text_does() {
        let value = json!({
            "z": [1, -2, 0.1, u64::MAX, true, null, "\u{e9}\n"], "a": { "b/c": { "d~": "plain" } }, "": {},
        });
        let read = node(&value);
        assert_eq!(Value::from(&read), value);
        for pointer in [
            "",
            "/z/3",
            "/a/b~1c/d~0",
            "/a/b~1c",
            "/z/9",
            "/a/x",
            "/",
            "z",
        ] {
            let there = read.pointer(pointer).map(Value::from);
            assert_eq!(there, value.pointer(pointer).cloned(), "{pointer}");
        }
        assert_eq!(read.keys().collect::<Vec<_>>(), ["", "a", "z"]);
        let plain = read.pointer("/a/b~1c/d~0");
        assert!(matches!(plain, Some(Node::String(Cow::Borrowed("plain")))));
        assert!(Node::read("{\"a\":").is_err());
    }
}
