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
use crate::description::node::Node;
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
        /// The cursor of the next page.
        next: Option<String>,
        owner: Option<Fields>,
    },
}

impl Outcome {
    /// The same outcome, of which no text is kept: what a write answers is asked for once.
    pub(crate) fn unkept(self) -> Outcome {
        match self {
            Outcome::Object(fields) => Outcome::Object(fields.unpacked()),
            other => other,
        }
    }
}

/// How an outcome becomes a body.
#[derive(Debug)]
pub(crate) enum Shape {
    /// The fields of the object, or an object around other shapes.
    Object(Forms),
    /// The objects of the list, each in this shape.
    Items(Forms),
}

/// The forms that an object can have in an answer: one, or one for each branch of a choice of
/// which an object's own fields say which it is.
#[derive(Debug)]
pub(crate) struct Forms(Vec<Vec<Member>>);

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
    /// A field with an object whose own fields say which of several forms it has.
    Choice(Forms),
    OwnerField,
    Nested(Shape),
    Total,
    More,
    Next,
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
            return Shape::Object(Forms(Vec::new()));
        };
        let mut shape = match behaviour.action {
            Action::List | Action::ListVersions | Action::ListMembers | Action::ListEditions => {
                list(description, schema)
            }
            Action::View | Action::Call if behaviour.lists => list(description, schema),
            _ => match wrapper(description, schema, behaviour) {
                Some(shape) => shape,
                None => object(description, schema),
            },
        };
        shape.hide(&behaviour.hides);
        shape
    }
}

impl Shape {
    fn hide(&mut self, names: &[String]) {
        let (Shape::Object(forms) | Shape::Items(forms)) = self;
        for members in &mut forms.0 {
            members.retain(|member| !names.contains(&member.name));
        }
    }
}

/// The shape of an answer that holds the object in one of its members, if that is what it does:
/// the object's identity is in there and not beside it.
fn wrapper(
    description: &Description,
    schema: &Located,
    behaviour: &OperationBehaviour,
) -> Option<Shape> {
    let document = description.document;
    let resource = description.resources.get(&behaviour.resource)?;
    let identity = resource.spec.identity.as_ref()?.field.as_str();
    let named = |schema: &Located| {
        schema::names(document, schema)
            .iter()
            .any(|n| n == identity)
    };
    if named(schema) {
        return None;
    }
    let properties = schema::properties(document, schema);
    let holder = properties
        .iter()
        .position(|property| named(&property.schema))?;
    let members =
        properties
            .into_iter()
            .enumerate()
            .map(|(index, property)| match index == holder {
                true => {
                    let inner = Shape::Object(forms(description, &property.schema, 0));
                    envelope(Source::Nested(inner), property.name)
                }
                false => field(description, property, true, 0),
            });
    Some(Shape::Object(Forms(vec![members.collect()])))
}

fn object(description: &Description, schema: &Located) -> Shape {
    let properties = schema::properties(description.document, schema);
    let wrapped = properties.iter().any(|p| p.name == "success")
        && properties.iter().any(|p| p.name == "data");
    if !wrapped {
        return Shape::Object(forms(description, schema, 0));
    }
    let members = properties.into_iter().filter_map(|property| {
        let source = match property.name.as_str() {
            "success" => Source::Constant(Value::Bool(true)),
            "data" => Source::Nested(Shape::Object(forms(description, &property.schema, 0))),
            _ => return None,
        };
        Some(envelope(source, property.name))
    });
    Shape::Object(Forms(vec![members.collect()]))
}

/// What a list says about itself, by the name of the field.
fn told(description: &Description, name: &str) -> Option<Source> {
    let paging = &description.api.paging;
    let among = |names: &[String]| names.iter().any(|known| known == name);
    match () {
        () if among(&paging.total) => Some(Source::Total),
        () if among(&paging.more) => Some(Source::More),
        () if among(&paging.next) => Some(Source::Next),
        () => None,
    }
}

/// The object in which a list tells about its pages, if that is all that the schema describes.
fn about_pages(description: &Description, schema: &Located) -> Option<Shape> {
    let properties = schema::properties(description.document, schema);
    let members: Vec<Member> = properties
        .into_iter()
        .map(|property| Some(envelope(told(description, &property.name)?, property.name)))
        .collect::<Option<_>>()?;
    (!members.is_empty()).then(|| Shape::Object(Forms(vec![members])))
}

fn list(description: &Description, schema: &Located) -> Shape {
    let document = description.document;
    if let Some(items) = schema::items(document, schema) {
        return Shape::Items(forms(description, &items, 0));
    }
    let mut members = Vec::new();
    for property in schema::properties(document, schema) {
        if let Some(source) = told(description, &property.name) {
            members.push(envelope(source, property.name));
            continue;
        }
        let source = match property.name.as_str() {
            "success" => Source::Constant(Value::Bool(true)),
            _ => match schema::items(document, &property.schema) {
                Some(items) => Source::Nested(Shape::Items(forms(description, &items, 0))),
                None => match schema::constant(document, &property.schema) {
                    Some(constant) => Source::Constant(Value::from(constant)),
                    // The one text that lists carry everywhere; some documents do not fix it.
                    None if property.name == "object" => Source::Constant(Value::from("list")),
                    None => match about_pages(description, &property.schema) {
                        Some(pages) => Source::Nested(pages),
                        None => {
                            members.push(field(description, property, true, 0));
                            continue;
                        }
                    },
                },
            },
        };
        members.push(envelope(source, property.name));
    }
    Shape::Object(Forms(vec![members]))
}

/// How deep an answer's objects are looked into for choices.
const CHOICES: usize = 6;

/// The forms of an object: those of a choice, else what all of the schema says.
fn forms(description: &Description, schema: &Located, depth: usize) -> Forms {
    choice(description, schema, depth)
        .unwrap_or_else(|| Forms(vec![fields(description, schema, depth)]))
}

/// The branches of a choice, if a field with a value of its own in each branch tells them apart.
fn choice(description: &Description, schema: &Located, depth: usize) -> Option<Forms> {
    let document = description.document;
    let schema = schema.resolved(document).filter(|_| depth < CHOICES)?;
    // A lone `allOf` is how a reference gets company.
    if let [only] = schema::branches(&schema, "allOf").as_slice() {
        return choice(description, only, depth + 1);
    }
    // Nothing can be shown that a closed schema does not describe.
    if schema.value.get("additionalProperties") == Some(&Node::Bool(false))
        && schema.value.get("properties").is_some()
    {
        return Some(Forms(vec![fields(description, &schema, depth + 1)]));
    }
    let branches: Vec<Located> = ["oneOf", "anyOf"]
        .into_iter()
        .flat_map(|keyword| schema::branches(&schema, keyword))
        .filter(|branch| schema::types(document, branch).has(Types::OBJECT))
        .collect();
    let constants: Vec<Vec<(String, &Node)>> = branches
        .iter()
        .map(|branch| {
            let properties = schema::properties(document, branch).into_iter();
            properties
                .filter_map(|property| {
                    let constant = schema::constant(document, &property.schema)?;
                    Some((property.name, constant))
                })
                .collect()
        })
        .collect();
    let (first, _) = constants
        .split_first()
        .filter(|(_, rest)| !rest.is_empty())?;
    let told_apart = first.iter().any(|(name, _)| {
        let mut seen: Vec<&Node> = Vec::new();
        constants.iter().all(|constants| {
            let own = constants.iter().find(|(known, _)| known == name);
            let fresh = own.is_some_and(|(_, value)| !seen.contains(value));
            seen.extend(own.map(|(_, value)| *value));
            fresh
        })
    });
    told_apart.then(|| {
        let forms = branches.iter();
        Forms(
            forms
                .map(|branch| fields(description, branch, depth + 1))
                .collect(),
        )
    })
}

impl Forms {
    /// What the form of an object shows of it.
    fn only(&self, fields: &Map<String, Value>) -> Value {
        let mut shown = Map::new();
        for member in self.of(fields) {
            let value = match &member.source {
                Source::Constant(value) => Some(Cow::Borrowed(value)),
                _ => member.value(fields),
            };
            if let Some(value) = value {
                shown.insert(member.name.clone(), value.into_owned());
            }
        }
        Value::Object(shown)
    }

    /// The form of an object: the first whose constants are what the object has.
    fn of(&self, fields: &Map<String, Value>) -> &[Member] {
        let fits = |members: &&Vec<Member>| {
            members.iter().all(|member| match &member.source {
                Source::Constant(value) => fields.get(&member.name).is_none_or(|own| own == value),
                _ => true,
            })
        };
        match self.0.as_slice() {
            [only] => only,
            several => several
                .iter()
                .find(fits)
                .or(several.first())
                .map_or(&[], Vec::as_slice),
        }
    }
}

fn envelope(source: Source, name: String) -> Member {
    Member {
        name,
        source,
        types: Types::ANY,
        fallback: None,
        spelling: None,
    }
}

fn fields(description: &Description, schema: &Located, depth: usize) -> Vec<Member> {
    schema::properties(description.document, schema)
        .into_iter()
        .map(|property| field(description, property, false, depth))
        .collect()
}

fn field(
    description: &Description,
    property: schema::Property,
    owner: bool,
    depth: usize,
) -> Member {
    let document = description.document;
    let source = match schema::constant(document, &property.schema) {
        Some(constant) => Source::Constant(Value::from(constant)),
        None if owner => Source::OwnerField,
        None => match choice(description, &property.schema, depth) {
            Some(forms) => Source::Choice(forms),
            None => Source::Field,
        },
    };
    let types = schema::types(document, &property.schema);
    let success = property.name == "success" && types.has(Types::BOOLEAN);
    let fallback = success
        .then_some(Value::Bool(true))
        .or_else(|| match property.required {
            true if types.has(Types::NULL) && types != Types::ANY => Some(Value::Null),
            true => generate::value(description, &property.schema),
            false => None,
        });
    let spelling = property
        .schema
        .value
        .get("x-spelling")
        .and_then(|spelling| match spelling.get("words") {
            Some(words) => match Value::from(words) {
                Value::Object(words) => Some(Spelling::Words(words)),
                _ => None,
            },
            None => Some(Spelling::Flag {
                when_true: spelling.get("when_true")?.into(),
                when_false: spelling.get("when_false")?.into(),
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
        matches!(
            self.source,
            Source::Constant(_) | Source::Field | Source::Choice(_)
        )
    }

    /// The value this member has for an object, if it has one.
    fn value<'v>(&'v self, fields: &'v Map<String, Value>) -> Option<Cow<'v, Value>> {
        fields
            .get(&self.name)
            .and_then(|value| match (&self.source, value) {
                (Source::Choice(forms), Value::Object(inner)) => {
                    Some(Cow::Owned(forms.only(inner)))
                }
                _ => self.written(value),
            })
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
                // What formatting does is the same, and takes twice as long.
                Value::from(serde_json::to_string(value).ok()?)
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
            // Times are kept as text; some documents count seconds.
            Value::String(text) if self.types.has(Types::INTEGER) => {
                match text.parse::<jiff::Timestamp>() {
                    Ok(time) => Value::from(time.as_second()),
                    Err(_) => return Some(Cow::Borrowed(value)),
                }
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
            Shape::Items(forms) => {
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
                    write_object(forms, fields, to)?;
                }
                to.push(b']');
            }
            Shape::Object(forms) => match outcome {
                Outcome::Object(fields) => match forms.0.iter().flatten().all(Member::is_own) {
                    true => write_object(forms, fields, to)?,
                    false => write_envelope(forms.of(fields), outcome, to)?,
                },
                _ => write_envelope(forms.0.first().map_or(&[], Vec::as_slice), outcome, to)?,
            },
        }
        Ok(())
    }
}

/// Writes an object in the form that is its own, from earlier text if there is one.
fn write_object(forms: &Forms, fields: &Fields, to: &mut Vec<u8>) -> serde_json::Result<()> {
    // Shapes are compiled once and live as long as the process, so an address identifies one.
    let shape = forms.0.as_ptr().addr();
    let text = fields.written(shape, |fields| {
        let mut text = Vec::with_capacity(512);
        let mut entries = Entries::open(&mut text);
        for member in forms.of(fields) {
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
    let (own, owner, total, more, next): (&Map<String, Value>, _, _, _, _) = match outcome {
        Outcome::Empty | Outcome::Whole(_) => (&nothing, &nothing, 0, false, None),
        Outcome::Object(fields) => (fields, &nothing, 1, false, None),
        Outcome::List {
            owner,
            total,
            more,
            next,
            ..
        } => (
            &nothing,
            owner.as_deref().map_or(&nothing, |owner| owner),
            *total,
            *more,
            next.as_deref(),
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
            // Where there is no next page, there is no cursor either.
            Source::Next => {
                if let Some(next) = next {
                    entries.value(name, &Value::from(next))?;
                }
            }
            Source::Field | Source::OwnerField | Source::Choice(_) => {
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
