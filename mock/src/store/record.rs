//! One stored object.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use imbl::Vector;
use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

/// The room that the text of most objects fits into, in bytes.
pub(crate) const USUAL: usize = 1_024;

/// The fields of an object, shared between the store, its history and the answers being written.
pub(crate) type Fields = Arc<Object>;

/// The fields of an object, and what they look like in the answers that were written so far.
///
/// Fields never change: an update stores new ones. So JSON text made of them stays right, and a
/// list of fifty unchanged objects is fifty copies of bytes rather than five hundred look-ups.
///
/// A tree of values takes several times the room of its text. What is stored is text therefore, until somebody asks
/// for a field; most objects are only ever asked for as a whole.
#[derive(Debug)]
pub(crate) struct Object {
    /// The fields as JSON; none while the tree alone is there.
    text: Option<Box<[u8]>>,
    fields: OnceLock<Box<Map<String, Value>>>,
    /// JSON text by the shape it is in. There are few shapes: a list, a single read, a version.
    written: Mutex<Vec<(usize, Arc<[u8]>)>>,
}

impl Object {
    /// Fixes fields.
    pub(crate) fn new(fields: Map<String, Value>) -> Fields {
        Arc::new(Object {
            text: None,
            fields: OnceLock::from(Box::new(fields)),
            written: Mutex::default(),
        })
    }

    /// Fixes fields that are JSON text already.
    pub(crate) fn of_text(text: Vec<u8>) -> Fields {
        Arc::new(Object {
            text: Some(text.into_boxed_slice()),
            fields: OnceLock::new(),
            written: Mutex::default(),
        })
    }

    /// The same fields as a tree alone, of which nothing is kept in what is stored.
    pub(crate) fn unpacked(self: &Arc<Self>) -> Fields {
        match self.text {
            None => Arc::clone(self),
            Some(_) => Object::new(self.copied()),
        }
    }

    /// The same fields as text, if they are not text already.
    pub(crate) fn packed(self: &Arc<Self>) -> Fields {
        if self.text.is_some() {
            return Arc::clone(self);
        }
        // A tree of values has nothing that JSON cannot say.
        let mut text = Vec::with_capacity(USUAL);
        match serde_json::to_writer(&mut text, &**self as &Map<String, Value>) {
            Ok(()) => Object::of_text(text),
            Err(_) => Arc::clone(self),
        }
    }

    /// Whether the fields are there as text alone.
    #[cfg(test)]
    pub(crate) fn is_packed(&self) -> bool {
        self.text.is_some() && self.fields.get().is_none()
    }

    fn parsed(&self) -> Map<String, Value> {
        let text = self.text.as_deref().unwrap_or_default();
        serde_json::from_slice(text).unwrap_or_default()
    }

    /// A copy of the fields to work on, which leaves the object packed.
    pub(crate) fn copied(&self) -> Map<String, Value> {
        match self.fields.get() {
            Some(fields) => Map::clone(fields),
            None => self.parsed(),
        }
    }

    /// A field's value, which leaves the object packed: what looks at many objects must not make a tree of each.
    pub(crate) fn peek(&self, field: &str) -> Option<Cow<'_, Value>> {
        match (self.fields.get(), &self.text) {
            (Some(fields), _) => fields.get(field).map(Cow::Borrowed),
            (None, Some(text)) => {
                let mut text = serde_json::Deserializer::from_slice(text);
                let found = text.deserialize_map(Member(field));
                found.ok().flatten().map(Cow::Owned)
            }
            (None, None) => None,
        }
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
        let text: Arc<[u8]> = match self.fields.get() {
            Some(fields) => write(fields)?.into(),
            None => write(&self.parsed())?.into(),
        };
        // Most objects are shown in one shape only.
        written.reserve_exact(1);
        written.push((shape, Arc::clone(&text)));
        Ok(text)
    }
}

/// Finds the member of a JSON object that has this name.
struct Member<'n>(&'n str);

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<Value>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = members.next_key::<Cow<'_, str>>()? {
            match *name == *self.0 {
                true => found = Some(members.next_value()?),
                false => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }
}

impl Deref for Object {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        self.fields.get_or_init(|| Box::new(self.parsed()))
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

/// A record never changes, so that one is another's equal only if it is the same.
impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Record {}

impl Record {
    /// A field's value.
    pub(crate) fn get(&self, field: &str) -> Option<&Value> {
        self.fields.get(field)
    }

    /// A field's value, if it is text, without unpacking the object.
    pub(crate) fn peek_text(&self, field: &str) -> Option<Cow<'_, str>> {
        match self.fields.peek(field)? {
            Cow::Borrowed(value) => value.as_str().map(Cow::Borrowed),
            Cow::Owned(Value::String(text)) => Some(Cow::Owned(text)),
            Cow::Owned(_) => None,
        }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Map, Value, json};

    use super::Object;

    #[test]
    fn packed_fields_are_the_same_to_the_last_digit() {
        let Value::Object(fields) = json!({
            "z": "first", "a": [null, true, "\u{1f980} \"\\"], "small": 0.1, "third": 1.0 / 3.0, "tiny": 5e-324,
            "large": u64::MAX, "least": i64::MIN, "whole": 10.0, "million": 1e22,
        }) else {
            panic!("an object");
        };
        let packed = Object::new(fields.clone()).packed();
        assert!(packed.is_packed());
        assert_eq!(packed.copied(), fields);
        let text = packed.written(1, serde_json::to_vec).unwrap();
        assert_eq!(*text, *serde_json::to_vec(&fields).unwrap());
        for (name, value) in &fields {
            assert_eq!(packed.peek(name).as_deref(), Some(value));
        }
        assert_eq!(packed.peek("absent"), None);
        assert!(
            packed.is_packed(),
            "neither reading it as a whole nor looking at a field unpacks"
        );
        assert!(Arc::ptr_eq(&packed, &packed.packed()));
        // Borrowing a field does.
        assert_eq!(packed.get("large"), Some(&json!(u64::MAX)));
        assert_eq!(Map::clone(&packed), fields);
        assert!(!packed.is_packed());
    }
}
