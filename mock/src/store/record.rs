//! One stored object.

use std::sync::Arc;

use imbl::Vector;
use serde_json::{Map, Value};

/// The fields of an object, shared between the store, its history and the answers being written.
pub(crate) type Fields = Arc<Map<String, Value>>;

/// One stored object.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// The insertion number: lists are in this order.
    pub(crate) sequence: u64,
    pub(crate) id: Arc<str>,
    pub(crate) slug: Option<Arc<str>>,
    /// The id of the object inside which the slug is unique; empty for the whole account.
    pub(crate) within: Arc<str>,
    pub(crate) archived: bool,
    pub(crate) fields: Fields,
    pub(crate) links: Vec<Link>,
    /// Earlier versions, the newest first.
    pub(crate) history: Vector<Fields>,
}

/// A reference that an object holds, resolved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Link {
    /// The path of the field in the resource's annotation.
    pub(crate) field: Arc<str>,
    /// The id of the object that is named.
    pub(crate) target: Arc<str>,
}

impl Record {
    /// A field's value.
    pub(crate) fn get(&self, field: &str) -> Option<&Value> {
        self.fields.get(field)
    }

    /// A field's value, if it is text.
    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.get(field).and_then(Value::as_str)
    }

    /// Whether a field is true.
    pub(crate) fn is_true(&self, field: &str) -> bool {
        self.get(field) == Some(&Value::Bool(true))
    }

    /// The object that the reference `field` names.
    pub(crate) fn target(&self, field: &str) -> Option<&Arc<str>> {
        self.links
            .iter()
            .find(|link| &*link.field == field)
            .map(|link| &link.target)
    }
}
