//! YAML as a tree that knows where everything stands.
//!
//! The parser's events become [`Node`]s of our own, because messages need the byte span of every
//! value and key, and because a repository must not be readable in two ways: duplicate keys,
//! tags, keys that are not strings and further documents are refused. Files are also bounded in
//! size, depth and alias expansion, so that no input can exhaust the machine.

mod decode;
pub mod edit;
mod emit;
mod merge;
mod parse;
mod scalar;
mod syntax;

pub use decode::{DecodeError, decode};
pub use edit::EditError;
pub use parse::{Parsed, parse};
pub use scalar::{NumberError, Scalar, resolve};

use std::ops::Range;

/// How many bytes a file may have.
pub const MAX_BYTES: usize = 10 * 1024 * 1024;

/// How deep values may be nested.
pub const MAX_DEPTH: usize = 100;

/// How many nodes all aliases of a file may expand to.
pub const MAX_EXPANSION: usize = 100_000;

/// A value and where it stands. What an alias stands for keeps the place of its anchor.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The bytes of the value; empty after the key where a value is left out.
    pub span: Range<usize>,
    /// The value.
    pub value: NodeValue,
}

/// The value of a [`Node`].
#[derive(Clone, Debug, PartialEq)]
pub enum NodeValue {
    /// A text, after unescaping. Only plain ones can mean something else than a string.
    Scalar {
        /// The text.
        text: String,
        /// Whether it is written without quotes and not as a block.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// A map, merge keys applied.
    Mapping(Vec<Member>),
}

/// A member of a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The key.
    pub key: String,
    /// The bytes of the key.
    pub key_span: Range<usize>,
    /// The value.
    pub value: Node,
}

impl Node {
    fn new(value: NodeValue) -> Self {
        Self { span: 0..0, value }
    }

    /// A text that stands nowhere yet, as everything that is made and not read.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(NodeValue::Scalar {
            text: text.into(),
            plain: false,
        })
    }

    /// A number, boolean or null, as YAML spells it.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::new(NodeValue::Scalar {
            text: text.into(),
            plain: true,
        })
    }

    /// Nothing.
    pub fn null() -> Self {
        Self::plain("null")
    }

    /// A list.
    pub fn sequence(items: impl IntoIterator<Item = Self>) -> Self {
        Self::new(NodeValue::Sequence(items.into_iter().collect()))
    }

    /// A map.
    pub fn mapping(members: impl IntoIterator<Item = (String, Self)>) -> Self {
        let member = |(key, value)| Member {
            key,
            key_span: 0..0,
            value,
        };
        Self::new(NodeValue::Mapping(
            members.into_iter().map(member).collect(),
        ))
    }

    /// The members of a map, `None` for everything else.
    pub fn members(&self) -> Option<&[Member]> {
        match &self.value {
            NodeValue::Mapping(members) => Some(members),
            _ => None,
        }
    }

    /// The member of that key, if this is a map that has it.
    pub fn member(&self, key: &str) -> Option<&Member> {
        self.members()?.iter().find(|member| member.key == key)
    }

    /// The elements of a list, none of everything else.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            NodeValue::Sequence(items) => items,
            _ => &[],
        }
    }

    /// Whether this is a plain scalar that means null.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, NodeValue::Scalar { text, plain: true }
            if matches!(resolve(text), Ok(Scalar::Null)))
    }

    /// The noun that messages use for the type of this value.
    pub fn type_name(&self) -> &'static str {
        match &self.value {
            NodeValue::Mapping(_) => "a map",
            NodeValue::Sequence(_) => "a list",
            NodeValue::Scalar { plain: false, .. } => "a string",
            NodeValue::Scalar { text, .. } => match resolve(text) {
                Ok(Scalar::Null) => "null",
                Ok(Scalar::Bool(_)) => "a boolean",
                Ok(Scalar::Number(_)) | Err(_) => "a number",
                Ok(Scalar::Text) => "a string",
            },
        }
    }
}
