//! Content in numbered editions, of which one is published: what prompts and partials are made of.
//!
//! An object keeps the content of its published edition, so that lists show it without a look at
//! the editions. An edition never changes; which labels point to it is kept in the object.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::error::ApiError;
use super::list::page_of;
use super::request::Request;
use super::shape::Outcome;
use super::work::Work;
use super::{find, list, references};
use crate::description::Description;
use crate::description::behaviour::{EditionsSpec, OperationBehaviour};
use crate::description::operation::Operation;
use crate::description::resource::{OWNER, Resource};
use crate::store::State;
use crate::store::record::{Fields, Link, Object, Record};

/// The number of an edition as text, by which it is found inside its object.
const KEY: &str = "^key";
/// The number of an object's latest edition.
const LATEST: &str = "^latest";
/// The number of an object's published edition.
const PUBLISHED: &str = "^published";
/// Labels and the editions they are on: `[[label, number]]`, in the order of their attachment.
const LABELS: &str = "^labels";

/// Creates an object; its first edition is published at once.
pub(crate) fn create(
    work: &mut Work<'_>,
    resource: &'static Resource,
    spec: &EditionsSpec,
    mut input: Map<String, Value>,
) -> Result<Outcome, ApiError> {
    let (content, description) = split(spec, &mut input);
    let owner = work.create(resource, input, None)?;
    let edition = add(work, resource, spec, &owner, content, description)?;
    publish_edition(work, resource, spec, &owner, &edition);
    let owner = again(work, resource, &owner)?;
    let mut fields = Map::clone(&owner.fields);
    fields.insert("version_id".to_owned(), Value::from(&*edition.id));
    Ok(Outcome::Object(Object::new(fields)))
}

/// Updates an object. Content makes a new edition, which is not published; a request without any
/// leaves the editions alone.
pub(crate) fn update(
    work: &mut Work<'_>,
    resource: &'static Resource,
    spec: &EditionsSpec,
    record: &Arc<Record>,
    mut input: Map<String, Value>,
) -> Result<Outcome, ApiError> {
    for (spelling, field) in &resource.spec.aliases {
        if let Some(value) = input.remove(spelling) {
            input.entry(field.clone()).or_insert(value);
        }
    }
    let patch = spec
        .patch
        .as_ref()
        .and_then(|field| input.remove(field))
        .is_some_and(|value| value == Value::Bool(true));
    let (mut content, mut description) = split(spec, &mut input);
    let record = match input.is_empty() {
        true => Arc::clone(record),
        false => work.update(resource, record, input)?,
    };
    if content.is_empty() && !(patch && description.is_some()) {
        return Ok(Outcome::Empty);
    }
    if patch {
        let latest = edition(work.state, spec, &record, LATEST)?;
        for field in &spec.content {
            if let (None, Some(value)) = (content.get(field), latest.get(field)) {
                content.insert(field.clone(), value.clone());
            }
        }
        description = description.or_else(|| shown(&latest, &spec.names.description));
    } else if let Some(field) = spec
        .required
        .iter()
        .find(|field| !content.contains_key(*field))
    {
        return Err(ApiError::invalid(format!(
            "{field} is required for a new version of a {}",
            resource.spec.noun
        )));
    }
    let edition = add(work, resource, spec, &record, content, description)?;
    let record = again(work, resource, &record)?;
    let mut fields = Map::clone(&record.fields);
    put_all(&mut fields, &spec.names.id, &Value::from(&*edition.id), 1);
    Ok(Outcome::Object(Object::new(fields)))
}

/// An object with the content of an edition: by number, the `latest`, or the published one.
pub(crate) fn get(
    state: &State,
    spec: &EditionsSpec,
    record: &Record,
    version: Option<&str>,
) -> Result<Outcome, ApiError> {
    let edition = match version {
        None | Some("" | "default") => edition(state, spec, record, PUBLISHED)?,
        Some("latest") => edition(state, spec, record, LATEST)?,
        Some(number) => numbered(state, spec, record, number)?,
    };
    Ok(Outcome::Object(together(state, spec, record, &edition)))
}

/// The editions of an object, the newest first.
pub(crate) fn list(
    description: &'static Description,
    state: &State,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Result<Outcome, ApiError> {
    let (_, spec, record) = subject(description, state, operation, behaviour, request)?;
    let link = Link {
        field: Arc::from(OWNER),
        target: Arc::clone(&record.id),
    };
    let editions = find::linked(state, &spec.kind, &link);
    let items = editions
        .iter()
        .rev()
        .map(|edition| labelled(state, spec, &record, edition))
        .collect();
    page_of(items, operation, behaviour, request)
}

/// An object with the content of the edition that the path names by its id.
pub(crate) fn get_edition(
    description: &'static Description,
    state: &State,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Result<Outcome, ApiError> {
    let (_, spec, record) = subject(description, state, operation, behaviour, request)?;
    let name = request.subject(operation, None);
    let edition = find::named(state, &spec.kind, name, Some(&record.id));
    let edition = edition
        .filter(|edition| *edition.id == *name)
        .ok_or_else(missing)?;
    Ok(Outcome::Object(together(state, spec, &record, &edition)))
}

/// Puts a label on an edition, and takes it from the one that had it.
pub(crate) fn label(
    work: &mut Work<'_>,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Result<Outcome, ApiError> {
    let (resource, spec, record) =
        subject(work.description, work.state, operation, behaviour, request)?;
    let name = request.subject(operation, None);
    let edition = work
        .find(&spec.kind, name, Some(&record.id))
        .ok_or_else(missing)?;
    let body = request.members();
    let (Some(kind), Some(label)) = (&spec.labels, body.get("label_id").and_then(Value::as_str))
    else {
        return Ok(Outcome::Empty);
    };
    let labels = work.resource(kind)?;
    let label = work
        .find(kind, label, None)
        .filter(|found| is_visible(found, &record))
        .ok_or_else(|| find::missing(labels))?;
    let number = number_of(&edition, KEY);
    let now = Value::from(work.state.clock.now());
    work.amend(&resource.name, &record.id, |fields| {
        let mut pairs = match fields.remove(LABELS) {
            Some(Value::Array(pairs)) => pairs,
            _ => Vec::new(),
        };
        pairs.retain(|pair| pair.get(0).and_then(Value::as_str) != Some(&*label.id));
        pairs.push(Value::from(vec![
            Value::from(&*label.id),
            Value::from(number),
        ]));
        fields.insert(LABELS.to_owned(), Value::Array(pairs));
        fields.insert("last_updated_at".to_owned(), now);
    });
    Ok(Outcome::Empty)
}

/// Publishes the edition whose number the request gives.
pub(crate) fn publish(
    work: &mut Work<'_>,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Result<Outcome, ApiError> {
    let (resource, spec, record) =
        subject(work.description, work.state, operation, behaviour, request)?;
    let body = request.members();
    let number = body.get("version").and_then(Value::as_f64).unwrap_or(0.0);
    let edition = numbered(work.state, spec, &record, &number.to_string())?;
    publish_edition(work, resource, spec, &record, &edition);
    Ok(Outcome::Empty)
}

/// The edition that a reference like `slug@12`, `slug@latest` or `slug@label` means.
pub(crate) fn referred(
    description: &'static Description,
    state: &State,
    kind: &str,
    reference: &str,
) -> Result<(Arc<Record>, Arc<Record>), ApiError> {
    let resource = find::resource(description, kind)?;
    let Some(spec) = &resource.spec.editions else {
        return Err(find::missing(resource));
    };
    let (name, version) = match reference.rsplit_once('@') {
        Some((name, version)) => (name, version),
        None => (reference, "default"),
    };
    let record = find::named(state, kind, name, None).ok_or_else(|| find::missing(resource))?;
    let edition = match version {
        "default" => edition(state, spec, &record, PUBLISHED)?,
        "latest" => edition(state, spec, &record, LATEST)?,
        number if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            numbered(state, spec, &record, number)?
        }
        label => {
            let labels = spec.labels.as_deref().ok_or_else(missing)?;
            let number = pairs(&record)
                .find(|(id, _)| {
                    find::named(state, labels, id, None)
                        .is_some_and(|found| found.text("name") == Some(label))
                })
                .map(|(_, number)| number.to_string())
                .ok_or_else(missing)?;
            numbered(state, spec, &record, &number)?
        }
    };
    Ok((record, edition))
}

/// Takes the content and the description of an edition out of a request. A null is no content.
fn split(
    spec: &EditionsSpec,
    input: &mut Map<String, Value>,
) -> (Map<String, Value>, Option<Value>) {
    let content = spec
        .content
        .iter()
        .filter_map(|name| input.remove_entry(name))
        .filter(|(_, value)| !value.is_null())
        .collect();
    (content, input.remove(&spec.described_by))
}

/// Adds an edition after the latest one.
fn add(
    work: &mut Work<'_>,
    resource: &'static Resource,
    spec: &EditionsSpec,
    owner: &Arc<Record>,
    mut content: Map<String, Value>,
    description: Option<Value>,
) -> Result<Arc<Record>, ApiError> {
    references::resolve(work, resource, &mut content, Some(owner))?;
    Work::hook(resource).before_edition(&mut content);
    let kind = work.resource(&spec.kind)?;
    let number = number_of(owner, LATEST) + 1;
    if let Some(bundle) = &spec.bundle {
        content.insert(bundle.clone(), Value::Object(content.clone()));
    }
    content.insert(KEY.to_owned(), Value::from(number.to_string()));
    content.insert(spec.owner.clone(), Value::from(&*owner.id));
    let description = description.unwrap_or_default();
    put_all(&mut content, &spec.names.number, &Value::from(number), 2);
    put_all(&mut content, &spec.names.description, &description, 2);
    put_all(&mut content, &spec.names.status, &Value::from("active"), 2);
    if let Some(slug) = &owner.slug {
        content.insert("slug".to_owned(), Value::from(&**slug));
    }
    let edition = work.create(kind, content, Some(owner))?;
    work.amend(&kind.name, &edition.id, |fields| {
        put_all(fields, &spec.names.id, &Value::from(&*edition.id), 2);
    });
    let now = Value::from(work.state.clock.now());
    work.amend(&resource.name, &owner.id, |fields| {
        fields.insert(LATEST.to_owned(), Value::from(number));
        fields.insert("last_updated_at".to_owned(), now);
    });
    work.find(&kind.name, &edition.id, None).ok_or_else(missing)
}

fn publish_edition(
    work: &mut Work<'_>,
    resource: &Resource,
    spec: &EditionsSpec,
    owner: &Record,
    edition: &Record,
) {
    let now = Value::from(work.state.clock.now());
    work.amend(&resource.name, &owner.id, |fields| {
        show(spec, edition, fields);
        fields.insert(PUBLISHED.to_owned(), Value::from(number_of(edition, KEY)));
        fields.insert("last_updated_at".to_owned(), now);
    });
}

/// Lays the content of an edition over the fields of its object.
fn show(spec: &EditionsSpec, edition: &Record, fields: &mut Map<String, Value>) {
    for name in &spec.content {
        match edition.get(name) {
            Some(value) => fields.insert(name.clone(), value.clone()),
            None => fields.remove(name),
        };
    }
    let names = &spec.names;
    for names in [&names.id, &names.number, &names.description, &names.status] {
        if let (Some(name), Some(value)) = (names.first(), shown(edition, names)) {
            fields.insert(name.clone(), value);
        }
    }
}

fn together(state: &State, spec: &EditionsSpec, record: &Record, edition: &Record) -> Fields {
    let mut fields = Map::clone(&record.fields);
    show(spec, edition, &mut fields);
    put_all(
        &mut fields,
        &spec.names.label,
        &on(state, spec, record, edition),
        1,
    );
    Object::new(fields)
}

fn labelled(state: &State, spec: &EditionsSpec, record: &Record, edition: &Record) -> Fields {
    let label = on(state, spec, record, edition);
    if label.is_null() {
        return Arc::clone(&edition.fields);
    }
    let mut fields = Map::clone(&edition.fields);
    put_all(&mut fields, &spec.names.label, &label, 2);
    Object::new(fields)
}

/// The label that was put on an edition last; null if it has none that still exists.
fn on(state: &State, spec: &EditionsSpec, record: &Record, edition: &Record) -> Value {
    let number = number_of(edition, KEY);
    let Some(kind) = &spec.labels else {
        return Value::Null;
    };
    let on_it = pairs(record).filter(|(_, labelled)| *labelled == number);
    on_it
        .filter(|(id, _)| find::named(state, kind, id, None).is_some())
        .last()
        .map_or(Value::Null, |(id, _)| Value::from(id))
}

fn pairs(record: &Record) -> impl Iterator<Item = (&str, u64)> {
    let pairs = record.get(LABELS).and_then(Value::as_array);
    pairs
        .into_iter()
        .flatten()
        .filter_map(|pair| Some((pair.get(0)?.as_str()?, pair.get(1)?.as_u64()?)))
}

/// A label of another workspace is none; those of the organisation are everywhere.
fn is_visible(label: &Record, record: &Record) -> bool {
    let field = "workspace_id";
    label
        .target(field)
        .is_none_or(|workspace| record.target(field) == Some(workspace))
}

/// The first of the names is for the object, the others are for the edition.
fn put_all(fields: &mut Map<String, Value>, names: &[String], value: &Value, most: usize) {
    for name in names.iter().take(most) {
        fields.insert(name.clone(), value.clone());
    }
}

fn shown(edition: &Record, names: &[String]) -> Option<Value> {
    edition.get(names.first()?).cloned()
}

fn number_of(record: &Record, field: &str) -> u64 {
    match record.get(field) {
        Some(Value::String(text)) => text.parse().unwrap_or(0),
        Some(value) => value.as_u64().unwrap_or(0),
        None => 0,
    }
}

fn edition(
    state: &State,
    spec: &EditionsSpec,
    record: &Record,
    which: &str,
) -> Result<Arc<Record>, ApiError> {
    numbered(state, spec, record, &number_of(record, which).to_string())
}

fn numbered(
    state: &State,
    spec: &EditionsSpec,
    record: &Record,
    number: &str,
) -> Result<Arc<Record>, ApiError> {
    state
        .collection(&spec.kind)
        .and_then(|editions| editions.by_slug(number, &record.id).cloned())
        .ok_or_else(missing)
}

fn again(work: &Work<'_>, resource: &Resource, record: &Record) -> Result<Arc<Record>, ApiError> {
    work.find(&resource.name, &record.id, None)
        .ok_or_else(|| find::missing(resource))
}

/// The object whose editions an operation is about.
fn subject(
    description: &'static Description,
    state: &State,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Result<(&'static Resource, &'static EditionsSpec, Arc<Record>), ApiError> {
    let resource = behaviour.kind(description)?;
    let record = list::lookup(description, state, operation, behaviour, request)?;
    match &resource.spec.editions {
        Some(spec) => Ok((resource, spec, record)),
        None => Err(find::missing(resource)),
    }
}

fn missing() -> ApiError {
    ApiError::not_found("Version not found")
}
