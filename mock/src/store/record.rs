//! One stored object.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use imbl::Vector;
use serde_json::{Map, Value};

/// The fields of an object, shared between the store, its history and the answers being written.
pub(crate) type Fields = Arc<Object>;

/// The fields of an object, and what they look like in the answers that were written so far.
///
/// Fields never change: an update stores new ones. So JSON text made of them stays right, and a
/// list of fifty unchanged objects is fifty copies of bytes rather than five hundred look-ups.
#[derive(Debug)]
pub(crate) struct Object {
    fields: Map<String, Value>,
    /// JSON text by the shape it is in. There are few shapes: a list, a single read, a version.
    written: Mutex<Vec<(usize, Arc<[u8]>)>>,
}

impl Object {
    /// Fixes fields.
    pub(crate) fn new(fields: Map<String, Value>) -> Fields {
        Arc::new(Object {
            fields,
            written: Mutex::default(),
        })
    }

    /// The JSON text of the object in a shape, which `write` makes if it is not there yet.
    pub(crate) fn written<E>(
        &self,
        shape: usize,
        write: impl FnOnce(&Map<String, Value>) -> Result<Vec<u8>, E>,
    ) -> Result<Arc<[u8]>, E> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, text)) = written.iter().find(|(known, _)| *known == shape) {
            return Ok(Arc::clone(text));
        }
        let text: Arc<[u8]> = write(&self.fields)?.into();
        written.push((shape, Arc::clone(&text)));
        Ok(text)
    }
}

impl Deref for Object {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.fields
    }
}

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
