//! Values of a resource: JSON with three more leaves, namely secrets, references and templates.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde::de::Error as _;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Address, Exposure, Pointer, Secret};

/// The members of an object, in the order in which they were written.
pub type Map = IndexMap<String, Value>;

/// A value as a manifest declares it or as the API returned it.
///
/// In a [`Map`], a missing member means "not managed", [`Value::Null`] means "clear it" and
/// anything else means "make it so".
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Clear it.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number, as exact as JSON has it.
    Number(serde_json::Number),
    /// A text.
    String(String),
    /// A secret; shows as where it comes from.
    Secret(Secret),
    /// Another resource of the repository.
    Reference(Reference),
    /// A text with references inside.
    Template(Template),
    /// A list.
    List(Vec<Value>),
    /// An object.
    Map(Map),
}

/// What of a resource a reference stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attribute {
    /// The server's identifier, usually a UUID.
    Id,
    /// The slug.
    Slug,
}

/// A reference to another resource, resolved to an id or a slug when it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The resource referred to.
    pub address: Address,
    /// What the endpoint wants to hear of it.
    pub attribute: Attribute,
}

/// A text that mentions other resources, for example `@${ref:providers.a.slug}/gpt-5`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(pub Vec<Segment>);

/// A piece of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Text as it is.
    Text(String),
    /// The id or slug of another resource.
    Reference(Reference),
}

impl Template {
    /// The text, where `resolve` knows every resource that it mentions.
    pub fn render(&self, resolve: &dyn Fn(&Reference) -> Option<String>) -> Option<String> {
        self.0
            .iter()
            .map(|segment| match segment {
                Segment::Text(text) => Some(text.clone()),
                Segment::Reference(reference) => resolve(reference),
            })
            .collect()
    }
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::String(text.into())
    }

    /// The text of a string, `None` for everything else.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, `None` for everything else.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The members of an object, `None` for everything else.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The members of an object, `None` for everything else.
    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The elements of a list, `None` for everything else.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// Whether it is [`Value::Null`].
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The value at a place below this one.
    pub fn at<S: AsRef<str>>(&self, segments: &[S]) -> Option<&Value> {
        segments
            .iter()
            .try_fold(self, |value, segment| match value {
                Self::Map(map) => map.get(segment.as_ref()),
                Self::List(list) => list.get(segment.as_ref().parse::<usize>().ok()?),
                _ => None,
            })
    }

    /// Visits every reference below this value, those inside templates too.
    pub fn for_each_reference(&self, visit: &mut dyn FnMut(&Reference)) {
        match self {
            Self::Reference(reference) => visit(reference),
            Self::Template(template) => {
                for segment in &template.0 {
                    if let Segment::Reference(reference) = segment {
                        visit(reference);
                    }
                }
            }
            Self::List(list) => list
                .iter()
                .for_each(|value| value.for_each_reference(visit)),
            Self::Map(map) => map
                .values()
                .for_each(|value| value.for_each_reference(visit)),
            _ => {}
        }
    }

    /// The resources that this value refers to.
    pub fn references(&self) -> BTreeSet<Address> {
        let mut found = BTreeSet::new();
        self.for_each_reference(&mut |reference| {
            found.insert(reference.address.clone());
        });
        found
    }

    /// Makes references to one resource refer to another one.
    pub fn rename(&mut self, from: &Address, to: &Address) {
        let follow = |reference: &mut Reference| {
            if reference.address == *from {
                reference.address = to.clone();
            }
        };
        match self {
            Self::Reference(reference) => follow(reference),
            Self::Template(template) => {
                for segment in &mut template.0 {
                    if let Segment::Reference(reference) = segment {
                        follow(reference);
                    }
                }
            }
            Self::List(items) => items.iter_mut().for_each(|item| item.rename(from, to)),
            Self::Map(map) => map.values_mut().for_each(|member| member.rename(from, to)),
            _ => {}
        }
    }

    /// Visits every secret below this value.
    pub fn for_each_secret(&self, visit: &mut dyn FnMut(&Secret)) {
        match self {
            Self::Secret(secret) => visit(secret),
            Self::List(list) => list.iter().for_each(|value| value.for_each_secret(visit)),
            Self::Map(map) => map.values().for_each(|value| value.for_each_secret(visit)),
            _ => {}
        }
    }

    /// The noun that messages use for the type of this value.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) | Self::Template(_) => "a string",
            Self::Secret(_) => "a secret",
            Self::Reference(_) => "a reference",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(flag) => Self::Bool(flag),
            serde_json::Value::Number(number) => Self::Number(number),
            serde_json::Value::String(text) => Self::String(text),
            serde_json::Value::Array(list) => {
                Self::List(list.into_iter().map(Self::from).collect())
            }
            serde_json::Value::Object(map) => Self::Map(
                map.into_iter()
                    .map(|(key, value)| (key, Self::from(value)))
                    .collect(),
            ),
        }
    }
}

// What a plan shows of the three special leaves. The keys begin with `$`, which no field of the
// APIs does.
const SECRET: &str = "$secret";
const REFERENCE: &str = "$ref";
const ATTRIBUTE: &str = "$attribute";
const TEMPLATE: &str = "$template";

impl Serialize for Value {
    /// Secrets serialise as the list of their sources, `{"$secret": ["${env:KEY}"]}`, or as an
    /// empty list where the value came from the API; never as their text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Secret(secret) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(SECRET, secret.sources())?;
                map.end()
            }
            Self::Reference(reference) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry(REFERENCE, &reference.address)?;
                map.serialize_entry(ATTRIBUTE, &reference.attribute)?;
                map.end()
            }
            Self::Template(template) => {
                let pieces: Vec<Value> = template
                    .0
                    .iter()
                    .map(|segment| match segment {
                        Segment::Text(text) => Self::String(text.clone()),
                        Segment::Reference(reference) => Self::Reference(reference.clone()),
                    })
                    .collect();
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(TEMPLATE, &pieces)?;
                map.end()
            }
            Self::List(list) => {
                let mut seq = serializer.serialize_seq(Some(list.len()))?;
                for value in list {
                    seq.serialize_element(value)?;
                }
                seq.end()
            }
            Self::Map(map) => {
                // Sorted, so that the order of keys in a manifest never shows in a plan's digest.
                let mut members: Vec<_> = map.iter().collect();
                members.sort_unstable_by_key(|(key, _)| *key);
                let mut out = serializer.serialize_map(Some(map.len()))?;
                for (key, value) in members {
                    out.serialize_entry(key, value)?;
                }
                out.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    /// Reads what [`Serialize`] wrote. A secret comes back without its text: whoever applies a
    /// stored plan binds it again from the repository.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = serde_json::Value::deserialize(deserializer)?;
        revive(json).map_err(D::Error::custom)
    }
}

fn revive(json: serde_json::Value) -> Result<Value, String> {
    Ok(match json {
        serde_json::Value::Array(list) => {
            Value::List(list.into_iter().map(revive).collect::<Result<_, _>>()?)
        }
        serde_json::Value::Object(mut map) => {
            if let Some(sources) = map.remove(SECRET) {
                let sources: Vec<String> =
                    serde_json::from_value(sources).map_err(|error| error.to_string())?;
                return Ok(Value::Secret(if sources.is_empty() {
                    Secret::live("")
                } else {
                    Secret::declared("", sources)
                }));
            }
            if let Some(address) = map.remove(REFERENCE) {
                let read = |value| serde_json::from_value(value).map_err(|e| e.to_string());
                let attribute = map.remove(ATTRIBUTE).unwrap_or_default();
                return Ok(Value::Reference(Reference {
                    address: serde_json::from_value(address).map_err(|e| e.to_string())?,
                    attribute: read(attribute)?,
                }));
            }
            if let Some(serde_json::Value::Array(pieces)) = map.remove(TEMPLATE) {
                let segments = pieces.into_iter().map(|piece| match revive(piece)? {
                    Value::String(text) => Ok(Segment::Text(text)),
                    Value::Reference(reference) => Ok(Segment::Reference(reference)),
                    other => Err(format!("{} inside a template", other.type_name())),
                });
                return Ok(Value::Template(Template(
                    segments.collect::<Result<_, _>>()?,
                )));
            }
            Value::Map(
                map.into_iter()
                    .map(|(key, value)| Ok((key, revive(value)?)))
                    .collect::<Result<_, String>>()?,
            )
        }
        other => Value::from(other),
    })
}

impl Value {
    /// The JSON that goes over the wire, secrets revealed and references resolved.
    ///
    /// # Errors
    /// The first reference that `resolve` does not know, or a JSON secret whose text is not JSON.
    pub fn to_wire(
        &self,
        resolve: &dyn Fn(&Reference) -> Option<String>,
    ) -> Result<serde_json::Value, WireError> {
        let unresolved = |reference: &Reference| WireError::Unresolved(reference.address.clone());
        Ok(match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(flag) => (*flag).into(),
            Self::Number(number) => number.clone().into(),
            Self::String(text) => text.clone().into(),
            Self::Secret(secret) => match secret.exposure() {
                Exposure::Declared { json: true, .. } => {
                    // The parse error could quote the secret: it is not passed on.
                    serde_json::from_str(secret.reveal()).map_err(|_| WireError::SecretNotJson)?
                }
                Exposure::Declared { .. } => secret.reveal().into(),
                Exposure::Live => return Err(WireError::MaskedSecret),
            },
            Self::Reference(reference) => resolve(reference)
                .ok_or_else(|| unresolved(reference))?
                .into(),
            Self::Template(template) => template
                .render(resolve)
                .ok_or_else(|| {
                    let mut missing = None;
                    self.for_each_reference(&mut |reference| {
                        if missing.is_none() && resolve(reference).is_none() {
                            missing = Some(unresolved(reference));
                        }
                    });
                    missing.unwrap_or(WireError::SecretNotJson)
                })?
                .into(),
            Self::List(list) => list
                .iter()
                .map(|value| value.to_wire(resolve))
                .collect::<Result<Vec<_>, _>>()?
                .into(),
            Self::Map(map) => serde_json::Value::Object(
                map.iter()
                    .map(|(key, value)| Ok((key.clone(), value.to_wire(resolve)?)))
                    .collect::<Result<_, WireError>>()?,
            ),
        })
    }
}

/// Visits everything below the members of a map, with its place.
pub fn visit(map: &Map, each: &mut dyn FnMut(&Pointer, &Value)) {
    fn members(map: &Map, at: &mut Pointer, each: &mut dyn FnMut(&Pointer, &Value)) {
        for (key, member) in map {
            at.push(key);
            go(member, at, each);
            at.pop();
        }
    }
    fn go(value: &Value, at: &mut Pointer, each: &mut dyn FnMut(&Pointer, &Value)) {
        each(at, value);
        match value {
            Value::Map(map) => members(map, at, each),
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    at.push(index);
                    go(item, at, each);
                    at.pop();
                }
            }
            _ => {}
        }
    }
    members(map, &mut Pointer::root(), each);
}

/// Why a value cannot be sent.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum WireError {
    /// The resource is not there yet, so that it has neither id nor slug.
    #[error("`{0}` has no id yet")]
    Unresolved(Address),
    /// A secret that must be a JSON document is not one.
    #[error("a secret that must be a JSON document is not valid JSON")]
    SecretNotJson,
    /// A masked value from the API was about to be sent back.
    #[error("a masked secret cannot be sent back")]
    MaskedSecret,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Value {
        let reference = Reference {
            address: "guardrails.no-pii".parse().unwrap(),
            attribute: Attribute::Slug,
        };
        Value::Map(Map::from([
            ("name".to_owned(), Value::text("x")),
            (
                "key".to_owned(),
                Value::Secret(Secret::declared("sk-1", vec!["${env:K}".into()])),
            ),
            ("ref".to_owned(), Value::Reference(reference.clone())),
            (
                "text".to_owned(),
                Value::Template(Template(vec![
                    Segment::Text("@".into()),
                    Segment::Reference(reference),
                ])),
            ),
        ]))
    }

    #[test]
    fn a_serialised_value_holds_sources_and_no_secret() {
        let text = serde_json::to_string(&sample()).unwrap();
        assert!(
            text.contains("${env:K}") && !text.contains("sk-1"),
            "{text}"
        );
        let back: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), text);
    }

    #[test]
    fn the_wire_form_has_everything_in_it() {
        let wire = sample().to_wire(&|_| Some("pg-1".into())).unwrap();
        assert_eq!(
            wire,
            serde_json::json!({ "name": "x", "key": "sk-1", "ref": "pg-1", "text": "@pg-1" })
        );
        let missing = sample().to_wire(&|_| None).unwrap_err();
        assert_eq!(
            missing,
            WireError::Unresolved("guardrails.no-pii".parse().unwrap())
        );
    }
}
