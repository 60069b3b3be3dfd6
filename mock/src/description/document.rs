//! Walking the description's JSON: JSON pointers and `$ref`.
//!
//! A value keeps the pointer it was found at, because a validator is compiled from a pointer into
//! the whole document and never from a copy of a piece of it.

use std::fmt::Write as _;

use super::node::Node;

/// The name under which the whole document is registered for JSON Schema.
pub(crate) const BASE_URI: &str = "urn:gatewright:api";

/// How many `$ref` hops are followed before a chain counts as circular.
const MAX_HOPS: usize = 32;

/// A piece of the document and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    pub(crate) pointer: String,
    pub(crate) value: &'static Node,
}

impl Located {
    /// The document itself.
    pub(crate) fn root(document: &'static Node) -> Self {
        Located {
            pointer: String::new(),
            value: document,
        }
    }

    /// The member `key`, if this is an object that has it.
    pub(crate) fn get(&self, key: &str) -> Option<Located> {
        let value = self.value.get(key)?;
        Some(Located {
            pointer: join(&self.pointer, key),
            value,
        })
    }

    /// The item `index`, if this is an array that has it.
    pub(crate) fn item(&self, index: usize) -> Option<Located> {
        let value = self.value.as_array()?.get(index)?;
        Some(Located {
            pointer: join(&self.pointer, &index.to_string()),
            value,
        })
    }

    /// Follows `$ref` until something else is found; a broken or circular reference yields `None`.
    pub(crate) fn resolved(&self, document: &'static Node) -> Option<Located> {
        let mut here = self.clone();
        for _ in 0..MAX_HOPS {
            let Some(reference) = here.value.get("$ref").and_then(Node::as_str) else {
                return Some(here);
            };
            here = lookup(document, reference)?;
        }
        None
    }

    /// The URI a validator refers to this place by.
    pub(crate) fn uri(&self) -> String {
        let mut uri = format!("{BASE_URI}#");
        for byte in self.pointer.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'~' | b'-' | b'_' | b'.' => {
                    uri.push(char::from(byte));
                }
                // Braces of path templates are not allowed in a URI fragment.
                other => {
                    let _ = write!(uri, "%{other:02X}");
                }
            }
        }
        uri
    }
}

/// Resolves a local reference such as `#/components/schemas/Guardrail`.
pub(crate) fn lookup(document: &'static Node, reference: &str) -> Option<Located> {
    let pointer = reference.strip_prefix('#')?;
    let value = document.pointer(pointer)?;
    Some(Located {
        pointer: pointer.to_owned(),
        value,
    })
}

fn join(pointer: &str, key: &str) -> String {
    let key = key.replace('~', "~0").replace('/', "~1");
    format!("{pointer}/{key}")
}
