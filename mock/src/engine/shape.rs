//! From stored objects to answers.
//!
//! An operation's response schema decides what an answer looks like: which of an object's fields
//! it carries, inside which envelope, and whether a flag is `true` or `1`. The schema is compiled
//! once into a `Shape`. An object's JSON text in a shape is made once, too, and kept beside its fields.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::generate;
use crate::description::Description;
use crate::description::behaviour::{Action, OperationBehaviour};
use crate::description::document::Located;
use crate::description::schema::{self, Types};
use crate::store::record::Fields;

/// What an operation did, before it is put into words.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Nothing to tell.
    Empty,
    /// One object.
    Object(Fields),
    /// The body itself.
    Whole(Fields),
    /// Several objects, out of `total`; `owner` is what a sub-collection belongs to.
    List {
        items: Vec<Fields>,
        total: usize,
        more: bool,
        owner: Option<Fields>,
    },
}

/// How an outcome becomes a body.
#[derive(Debug)]
pub(crate) enum Shape {
    /// The fields of the object, or an object around other shapes.
    Object(Vec<Member>),
    /// The objects of the list, each in this shape.
    Items(Vec<Member>),
}

/// One member of an object in an answer.
#[derive(Debug)]
pub(crate) struct Member {
    name: String,
    source: Source,
    types: Types,
    /// What stands in for a value that the object lacks and the schema requires.
    fallback: Option<Value>,
    spelling: Option<Spelling>,
}

#[derive(Debug)]
enum Source {
    Constant(Value),
    Field,
    OwnerField,
    Nested(Shape),
    Total,
    More,
}

/// How a value is written where the live API reads one thing and writes another.
#[derive(Debug)]
enum Spelling {
    Flag {
        when_true: Value,
        when_false: Value,
    },
    /// Other words for some words.
    Words(Map<String, Value>),
}

impl Shape {
    /// Compiles the shape of an operation's success answer.
    pub(crate) fn compile(
        description: &Description,
        schema: Option<&Located>,
        behaviour: &OperationBehaviour,
    ) -> Shape {
        let Some(schema) = schema else {
            return Shape::Object(Vec::new());
        };
        let mut shape = match behaviour.action {
            Action::List | Action::ListVersions | Action::ListMembers | Action::ListEditions => {
                list(description, schema)
            }
            Action::View if behaviour.lists => list(description, schema),
            _ => object(description, schema),
        };
        shape.hide(&behaviour.hides);
        shape
    }
}

impl Shape {
    fn hide(&mut self, names: &[String]) {
        let (Shape::Object(members) | Shape::Items(members)) = self;
        members.retain(|member| !names.contains(&member.name));
    }
}

fn object(description: &Description, schema: &Located) -> Shape {
    let properties = schema::properties(description.document, schema);
    let wrapped = properties.iter().any(|p| p.name == "success")
        && properties.iter().any(|p| p.name == "data");
    if !wrapped {
        return Shape::Object(fields(description, schema));
    }
    let members = properties.into_iter().filter_map(|property| {
        let source = match property.name.as_str() {
            "success" => Source::Constant(Value::Bool(true)),
            "data" => Source::Nested(Shape::Object(fields(description, &property.schema))),
            _ => return None,
        };
        Some(envelope(property.name, source))
    });
    Shape::Object(members.collect())
}

fn list(description: &Description, schema: &Located) -> Shape {
    let document = description.document;
    if let Some(items) = schema::items(document, schema) {
        return Shape::Items(fields(description, &items));
    }
    let mut members = Vec::new();
    for property in schema::properties(document, schema) {
        let source = match property.name.as_str() {
            "success" => Source::Constant(Value::Bool(true)),
            "total" | "total_count" => Source::Total,
            "has_more" => Source::More,
            _ => match schema::items(document, &property.schema) {
                Some(items) => Source::Nested(Shape::Items(fields(description, &items))),
                None => match schema::constant(document, &property.schema) {
                    Some(constant) => Source::Constant(constant.clone()),
                    // The one text that lists carry everywhere; some documents do not fix it.
                    None if property.name == "object" => Source::Constant(Value::from("list")),
                    None => {
                        members.push(field(description, property, true));
                        continue;
                    }
                },
            },
        };
        members.push(envelope(property.name, source));
    }
    Shape::Object(members)
}

fn envelope(name: String, source: Source) -> Member {
    Member {
        name,
        source,
        types: Types::ANY,
        fallback: None,
        spelling: None,
    }
}

fn fields(description: &Description, schema: &Located) -> Vec<Member> {
    schema::properties(description.document, schema)
        .into_iter()
        .map(|property| field(description, property, false))
        .collect()
}

fn field(description: &Description, property: schema::Property, owner: bool) -> Member {
    let document = description.document;
    let source = match schema::constant(document, &property.schema) {
        Some(constant) => Source::Constant(constant.clone()),
        None if owner => Source::OwnerField,
        None => Source::Field,
    };
    let types = schema::types(document, &property.schema);
    let success = property.name == "success" && types.has(Types::BOOLEAN);
    let fallback = success
        .then_some(Value::Bool(true))
        .or_else(|| match property.required {
            true => generate::value(description, &property.schema),
            false => None,
        });
    let spelling = property
        .schema
        .value
        .get("x-spelling")
        .and_then(|spelling| match spelling.get("words") {
            Some(words) => words.as_object().cloned().map(Spelling::Words),
            None => Some(Spelling::Flag {
                when_true: spelling.get("when_true")?.clone(),
                when_false: spelling.get("when_false")?.clone(),
            }),
        });
    Member {
        types,
        name: property.name,
        source,
        fallback,
        spelling,
    }
}

impl Member {
    /// Whether the object alone decides the value.
    fn is_own(&self) -> bool {
        matches!(self.source, Source::Constant(_) | Source::Field)
    }

    /// The value this member has for an object, if it has one.
    fn value<'v>(&'v self, fields: &'v Map<String, Value>) -> Option<Cow<'v, Value>> {
        fields
            .get(&self.name)
            .and_then(|value| self.written(value))
            .or_else(|| self.fallback.as_ref().map(Cow::Borrowed))
    }

    /// A stored value in the type that the schema asks for.
    fn written<'v>(&'v self, value: &'v Value) -> Option<Cow<'v, Value>> {
        let spelt = match (value, &self.spelling) {
            (Value::Bool(true), Some(Spelling::Flag { when_true, .. })) => Some(when_true),
            (Value::Bool(false), Some(Spelling::Flag { when_false, .. })) => Some(when_false),
            (Value::String(word), Some(Spelling::Words(words))) => words.get(word),
            _ => None,
        };
        if let Some(spelt) = spelt
            && self.types.has(Types::of(spelt))
        {
            return Some(Cow::Borrowed(spelt));
        }
        if self.types.has(Types::of(value)) {
            return Some(Cow::Borrowed(value));
        }
        let converted = match value {
            Value::Null => return None,
            Value::Bool(flag) if self.types.has(Types::INTEGER) => Value::from(u8::from(*flag)),
            Value::Object(_) if self.types.has(Types::ARRAY) => Value::from(vec![value.clone()]),
            Value::Array(items) if self.types.has(Types::OBJECT) => items.first()?.clone(),
            Value::Object(_) | Value::Array(_) if self.types.has(Types::STRING) => {
                Value::from(value.to_string())
            }
            Value::String(text) if self.types.has(Types::OBJECT) => {
                serde_json::from_str(text).ok()?
            }
            Value::Number(number) if self.types.has(Types::BOOLEAN) => {
                Value::from(number.as_f64() != Some(0.0))
            }
            Value::Number(number) if self.types.has(Types::STRING) => {
                Value::from(number.to_string())
            }
            // Better a value of an unexpected type than one that is silently missing.
            _ => return Some(Cow::Borrowed(value)),
        };
        Some(Cow::Owned(converted))
    }
}

impl Shape {
    /// Writes an outcome as JSON.
    pub(crate) fn write(&self, outcome: &Outcome, to: &mut Vec<u8>) -> serde_json::Result<()> {
        if let Outcome::Whole(body) = outcome {
            return serde_json::to_writer(to, &**body as &Map<String, Value>);
        }
        match self {
            Shape::Items(members) => {
                let items: &[Fields] = match outcome {
                    Outcome::List { items, .. } => items,
                    Outcome::Object(fields) => std::slice::from_ref(fields),
                    Outcome::Empty | Outcome::Whole(_) => &[],
                };
                to.push(b'[');
                for (index, fields) in items.iter().enumerate() {
                    if index > 0 {
                        to.push(b',');
                    }
                    write_object(members, fields, to)?;
                }
                to.push(b']');
            }
            Shape::Object(members) => match outcome {
                Outcome::Object(fields) if members.iter().all(Member::is_own) => {
                    write_object(members, fields, to)?;
                }
                _ => write_envelope(members, outcome, to)?,
            },
        }
        Ok(())
    }
}

/// Writes an object in the shape of the members, from earlier text if there is one.
fn write_object(members: &[Member], fields: &Fields, to: &mut Vec<u8>) -> serde_json::Result<()> {
    // Shapes are compiled once and live as long as the process, so an address identifies one.
    let shape = members.as_ptr().addr();
    let text = fields.written(shape, |fields| {
        let mut text = Vec::with_capacity(512);
        let mut entries = Entries::open(&mut text);
        for member in members {
            let value = match &member.source {
                Source::Constant(value) => Some(Cow::Borrowed(value)),
                _ => member.value(fields),
            };
            if let Some(value) = value {
                entries.entry(&member.name)?;
                serde_json::to_writer(&mut *entries.to, &*value)?;
            }
        }
        entries.close();
        Ok(text)
    })?;
    to.extend_from_slice(&text);
    Ok(())
}

/// Writes what stands around objects.
fn write_envelope(
    members: &[Member],
    outcome: &Outcome,
    to: &mut Vec<u8>,
) -> serde_json::Result<()> {
    let nothing = Map::new();
    let (own, owner, total, more): (&Map<String, Value>, _, _, _) = match outcome {
        Outcome::Empty | Outcome::Whole(_) => (&nothing, &nothing, 0, false),
        Outcome::Object(fields) => (fields, &nothing, 1, false),
        Outcome::List {
            owner, total, more, ..
        } => (
            &nothing,
            owner.as_deref().map_or(&nothing, |owner| owner),
            *total,
            *more,
        ),
    };
    let mut entries = Entries::open(to);
    for member in members {
        let name = &member.name;
        match &member.source {
            Source::Nested(shape) => {
                entries.entry(name)?;
                shape.write(outcome, entries.to)?;
            }
            Source::Constant(value) => entries.value(name, value)?,
            Source::Total => entries.value(name, &Value::from(total))?,
            Source::More => entries.value(name, &Value::Bool(more))?,
            Source::Field | Source::OwnerField => {
                let own = if matches!(member.source, Source::OwnerField) {
                    owner
                } else {
                    own
                };
                if let Some(value) = member.value(own) {
                    entries.value(name, &value)?;
                }
            }
        }
    }
    entries.close();
    Ok(())
}

/// The members of a JSON object being written.
struct Entries<'t> {
    to: &'t mut Vec<u8>,
    empty: bool,
}

impl<'t> Entries<'t> {
    fn open(to: &'t mut Vec<u8>) -> Self {
        to.push(b'{');
        Entries { to, empty: true }
    }

    /// Begins a member; its value is written next.
    fn entry(&mut self, name: &str) -> serde_json::Result<()> {
        if !self.empty {
            self.to.push(b',');
        }
        self.empty = false;
        serde_json::to_writer(&mut *self.to, name)?;
        self.to.push(b':');
        Ok(())
    }

    fn value(&mut self, name: &str, value: &Value) -> serde_json::Result<()> {
        self.entry(name)?;
        serde_json::to_writer(&mut *self.to, value)
    }

    fn close(self) {
        self.to.push(b'}');
    }
}
