//! Reading: one object, a page of objects, the versions of an object.

use std::ops::Range;
use std::sync::Arc;

use imbl::Vector;
use jiff::Timestamp;
use serde_json::Value;

use super::editions;
use super::error::ApiError;
use super::request::Request;
use super::shape::Outcome;
use super::work;
use crate::description::Description;
use crate::description::behaviour::{Filter, OperationBehaviour};
use crate::description::operation::Operation;
use crate::description::resource::{OWNER, Resource};
use crate::store::State;
use crate::store::collection::Collection;
use crate::store::record::{Fields, Link, Record};

/// The size of a page when neither the request, the annotation nor the description says.
const PAGE_SIZE: usize = 100;

/// Finds the object that a request's path names; one out of the key's sight is refused.
pub(crate) fn lookup(
    description: &'static Description,
    state: &State,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Result<Arc<Record>, ApiError> {
    let record = find(description, state, operation, behaviour, request)?;
    let resource = work::resource(description, &behaviour.resource)?;
    request.caller.may_see(state, resource, &record)?;
    Ok(record)
}

fn find(
    description: &'static Description,
    state: &State,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Result<Arc<Record>, ApiError> {
    let resource = work::resource(description, &behaviour.resource)?;
    let name = request.subject(operation, behaviour.by.as_deref());
    if let Some(owner) = owner(description, state, resource, behaviour, request)? {
        return work::find(state, &resource.name, name, Some(&owner.id))
            .ok_or_else(|| work::missing(resource));
    }
    let scope = match &behaviour.scope {
        None => None,
        Some(field) => {
            let in_body = request.body.as_ref().and_then(|body| body.get(field));
            let named = request
                .query_text(field)
                .or_else(|| in_body.and_then(Value::as_str));
            match (named, resource.spec.references.get(field)) {
                (Some(named), Some(reference)) if !named.is_empty() => {
                    Some(named_object(description, state, &reference.to, named)?)
                }
                _ => None,
            }
        }
    };
    let within = scope.as_ref().map(|scope| &*scope.id);
    if let Some(record) = work::find(state, &resource.name, name, within) {
        let keyed = resource
            .spec
            .slug
            .as_ref()
            .is_some_and(|slug| slug.from.is_some());
        return match keyed && *record.id != *name {
            true => Err(work::missing(resource)),
            false => Ok(record),
        };
    }
    // An archived object is only visible to who asks for archived ones.
    let wanted = behaviour.filters.iter().any(|(parameter, filter)| {
        matches!(filter, Filter::Status) && request.query_text(parameter) == Some("archived")
    });
    state
        .collection(&resource.name)
        .and_then(|collection| collection.by_id(name))
        .filter(|record| wanted && record.archived)
        .cloned()
        .ok_or_else(|| work::missing(resource))
}

/// One object.
pub(crate) fn get(
    description: &'static Description,
    state: &State,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Result<Outcome, ApiError> {
    let record = lookup(description, state, operation, behaviour, request)?;
    let resource = work::resource(description, &behaviour.resource)?;
    match &resource.spec.editions {
        Some(spec) => editions::get(state, spec, &record, request.query_text("version")),
        None => Ok(Outcome::Object(Arc::clone(&record.fields))),
    }
}

/// The versions of an object, the newest first.
pub(crate) fn versions(
    description: &'static Description,
    state: &State,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Result<Outcome, ApiError> {
    let record = lookup(description, state, operation, behaviour, request)?;
    let versions = std::iter::once(&record.fields)
        .chain(&record.history)
        .cloned()
        .collect();
    Ok(page_of(versions, operation, behaviour, request))
}

/// A page of a kind's objects.
pub(crate) fn list(
    description: &'static Description,
    state: &State,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Result<Outcome, ApiError> {
    let resource = work::resource(description, &behaviour.resource)?;
    let mut tests: Vec<Test> = Vec::new();
    let mut link = owner(description, state, resource, behaviour, request)?.map(|owner| Link {
        field: Arc::from(OWNER),
        target: Arc::clone(&owner.id),
    });
    let mut archived = false;
    let mut active = true;
    for (parameter, filter) in &behaviour.filters {
        let Some(given) = request.query.get(parameter) else {
            continue;
        };
        let text = given
            .as_str()
            .map_or_else(|| given.to_string(), str::to_owned);
        match filter {
            Filter::Status => {
                let wanted: Vec<&str> = text.split(',').collect();
                archived = wanted.contains(&"archived");
                active = wanted.iter().any(|status| *status != "archived");
            }
            Filter::Reference(field) => {
                if text.is_empty() {
                    continue;
                }
                let Some(reference) = resource.spec.references.get(field) else {
                    continue;
                };
                let target = named_object(description, state, &reference.to, &text)?;
                let kind = work::resource(description, &reference.to)?;
                request.caller.may_see(state, kind, &target)?;
                let wanted = Link {
                    field: Arc::from(field.as_str()),
                    target: Arc::clone(&target.id),
                };
                match link {
                    None => link = Some(wanted),
                    Some(_) => tests.push(Test::Link(wanted)),
                }
            }
            Filter::Visible(field) => {
                let Some(reference) = resource.spec.references.get(field) else {
                    continue;
                };
                let target = named_object(description, state, &reference.to, &text)?;
                tests.push(Test::Visible(field, Arc::clone(&target.id)));
            }
            Filter::Equals(field) => tests.push(Test::Equals(field, text)),
            Filter::Unless { field, word } if text != *word => {
                tests.push(Test::Equals(field, text))
            }
            Filter::Unless { .. } => {}
            Filter::Contains(field) => {
                tests.push(Test::Contains(
                    std::slice::from_ref(field),
                    text.to_lowercase(),
                ));
            }
            Filter::Since(field) | Filter::Until(field) => {
                let time = text
                    .parse::<Timestamp>()
                    .map_err(|_| ApiError::invalid(format!("{parameter} is not a time")))?;
                tests.push(match filter {
                    Filter::Since(_) => Test::Between(field, Some(time), None),
                    _ => Test::Between(field, None, Some(time)),
                });
            }
            Filter::Search(fields) => tests.push(Test::Contains(fields, text.to_lowercase())),
            Filter::Ids => tests.push(Test::Named(text.split(',').map(str::to_owned).collect())),
        }
    }
    if let Some(own) = request.caller.workspace() {
        match resource.spec.references.get("workspace_id") {
            _ if &*resource.name == "workspace" => tests.push(Test::Named(vec![own.to_string()])),
            // Objects of the organisation are in sight, too, except for some kinds.
            Some(reference) if !reference.confines => {
                tests.push(Test::Visible("workspace_id", Arc::clone(own)));
            }
            Some(_) if link.is_none() => {
                link = Some(Link {
                    field: Arc::from("workspace_id"),
                    target: Arc::clone(own),
                });
            }
            Some(_) => tests.push(Test::Link(Link {
                field: Arc::from("workspace_id"),
                target: Arc::clone(own),
            })),
            None => {}
        }
    }
    let Some(collection) = state.collection(&resource.name) else {
        return Ok(page_of(Vec::new(), operation, behaviour, request));
    };
    let none = Vector::new();
    if active && !archived && tests.is_empty() {
        // The common case touches only the objects of the page.
        let numbers = match &link {
            Some(link) => collection.linked(link).unwrap_or(&none),
            None => collection.active(),
        };
        let (range, more) = page(numbers.len(), operation, behaviour, request);
        let items = numbers
            .focus()
            .narrow(range)
            .into_iter()
            .filter_map(|number| collection.at(*number))
            .map(|record| Arc::clone(&record.fields))
            .collect();
        return Ok(Outcome::List {
            items,
            total: numbers.len(),
            more,
            owner: None,
        });
    }
    let mut found = Vec::new();
    let mut gather = |numbers: &Vector<u64>, link: Option<&Link>| {
        let records = numbers.iter().filter_map(|number| collection.at(*number));
        found.extend(
            records
                .filter(|record| link.is_none_or(|link| record.links.contains(link)))
                .filter(|record| tests.iter().all(|test| test.passes(record)))
                .map(|record| Arc::clone(&record.fields)),
        );
    };
    if active {
        match &link {
            Some(link) => gather(collection.linked(link).unwrap_or(&none), None),
            None => gather(collection.active(), None),
        }
    }
    if archived {
        gather(collection.archived(), link.as_ref());
    }
    Ok(page_of(found, operation, behaviour, request))
}

/// Something that an object of a filtered list must fulfil.
enum Test<'b> {
    Equals(&'b str, String),
    Contains(&'b [String], String),
    Link(Link),
    Visible(&'b str, Arc<str>),
    Between(&'b str, Option<Timestamp>, Option<Timestamp>),
    Named(Vec<String>),
}

impl Test<'_> {
    fn passes(&self, record: &Record) -> bool {
        match self {
            Test::Equals(field, text) => match record.get(field) {
                Some(Value::String(value)) => value == text,
                Some(Value::Bool(value)) => text.parse() == Ok(*value),
                Some(Value::Number(value)) => text.parse().ok() == value.as_f64(),
                _ => false,
            },
            Test::Contains(fields, text) => fields.iter().any(|field| {
                record
                    .text(field)
                    .is_some_and(|value| value.to_lowercase().contains(text))
            }),
            Test::Link(link) => record.links.contains(link),
            Test::Visible(field, id) => record.target(field).is_none_or(|target| target == id),
            Test::Between(field, least, most) => record
                .text(field)
                .and_then(|time| time.parse::<Timestamp>().ok())
                .is_some_and(|time| {
                    least.is_none_or(|least| time >= least) && most.is_none_or(|most| time <= most)
                }),
            Test::Named(names) => names.iter().any(|name| {
                **name == *record.id || record.slug.as_deref().is_some_and(|slug| slug == name)
            }),
        }
    }
}

/// Puts already gathered objects on a page.
pub(crate) fn page_of(
    mut items: Vec<Fields>,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Outcome {
    let total = items.len();
    let (range, more) = page(total, operation, behaviour, request);
    items.truncate(range.end);
    items.drain(..range.start);
    Outcome::List {
        items,
        total,
        more,
        owner: None,
    }
}

/// Which of `total` objects a request asks for, and whether more follow.
///
/// Pages count from 0 or, in a few places, from 1. The names of the parameters differ between the API's areas, so whichever
/// the operation declares is read.
fn page(
    total: usize,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> (Range<usize>, bool) {
    let declared =
        |names: &[&'static str]| names.iter().copied().find(|name| operation.has_query(name));
    let size_name = declared(&["page_size", "pageSize"]);
    let number_name = declared(&["current_page", "currentPage", "page"]);
    let given = |name: Option<&str>| name.and_then(|name| request.query_number(name));
    let size = match (given(size_name), behaviour.page_size) {
        (Some(size), _) => size,
        (None, _) if behaviour.unpaged || size_name.is_none() => return (0..total, false),
        (None, Some(size)) => size,
        (None, None) => size_name
            .and_then(|name| operation.query_default(name))
            .and_then(Value::as_u64)
            .and_then(|size| usize::try_from(size).ok())
            .unwrap_or(PAGE_SIZE),
    };
    // An area whose first page is 1 says so with the parameter's default.
    let first = number_name.and_then(|name| operation.query_default(name));
    let first = usize::from(first.and_then(Value::as_u64) == Some(1));
    let start = given(number_name)
        .unwrap_or(first)
        .saturating_sub(first)
        .saturating_mul(size)
        .min(total);
    let end = start.saturating_add(size).min(total);
    (start..end, end < total)
}

/// The object whose members an operation is about, if it is about members.
pub(crate) fn owner(
    description: &'static Description,
    state: &State,
    resource: &Resource,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Result<Option<Arc<Record>>, ApiError> {
    let (Some(parameter), Some(member)) = (&behaviour.owner, &resource.spec.member) else {
        return Ok(None);
    };
    let name = request.path.get(parameter).and_then(Value::as_str);
    let owner = named_object(description, state, &member.of, name.unwrap_or_default())?;
    let kind = work::resource(description, &member.of)?;
    request.caller.may_see(state, kind, &owner)?;
    Ok(Some(owner))
}

/// The object of a kind that a request names in passing; missing is answered as that kind does.
fn named_object(
    description: &'static Description,
    state: &State,
    kind: &str,
    name: &str,
) -> Result<Arc<Record>, ApiError> {
    let kind = work::resource(description, kind)?;
    work::find(state, &kind.name, name, None).ok_or_else(|| work::missing(kind))
}

/// The objects of a collection that hold a reference, as fields.
pub(crate) fn fields_linked(collection: &Collection, link: &Link) -> Vec<Fields> {
    collection
        .linked(link)
        .into_iter()
        .flatten()
        .filter_map(|number| collection.at(*number))
        .map(|record| Arc::clone(&record.fields))
        .collect()
}
