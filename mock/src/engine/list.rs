//! Reading: one object, a page of objects, the versions of an object.

use std::sync::Arc;

use imbl::Vector;
use jiff::Timestamp;
use serde_json::Value;

use super::error::ApiError;
use super::paging::{self, Paged};
use super::request::Request;
use super::shape::Outcome;
use super::{editions, find, naming};
use crate::description::Description;
use crate::description::behaviour::{Filter, OperationBehaviour};
use crate::description::operation::Operation;
use crate::description::resource::{OWNER, Resource};
use crate::store::State;
use crate::store::collection::Collection;
use crate::store::record::{Fields, Link, Record};

/// Finds the object that a request's path names; one out of the key's sight is refused.
pub(crate) fn lookup(
    description: &'static Description,
    state: &State,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Result<Arc<Record>, ApiError> {
    let record = record(description, state, operation, behaviour, request)?;
    let resource = behaviour.kind(description)?;
    request.caller.may_see(state, resource, &record)?;
    Ok(record)
}

fn record(
    description: &'static Description,
    state: &State,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Result<Arc<Record>, ApiError> {
    let resource = behaviour.kind(description)?;
    let in_body = behaviour.by_body.as_deref().map(|field| {
        let named = request.body.as_ref().and_then(|body| body.get(field));
        match named {
            Some(Value::String(name)) => name.clone(),
            Some(name) => name.to_string(),
            None => String::new(),
        }
    });
    let name = match &in_body {
        Some(name) => name,
        None => request.subject(operation, behaviour.by.as_deref()),
    };
    if let Some(owner) = owner(description, state, resource, behaviour, request)? {
        return find::named(state, &resource.name, name, Some(&owner.id))
            .ok_or_else(|| find::missing(resource));
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
    if let Some(record) = find::named(state, &resource.name, name, within) {
        // A kind with an identity is named by it, other keys name nothing.
        let hidden = naming::is_keyed(resource) && resource.spec.identity.is_none();
        return match hidden && *record.id != *name {
            true => Err(find::missing(resource)),
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
        .ok_or_else(|| find::nothing(description, resource, name))
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
    let resource = behaviour.kind(description)?;
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
    page_of(versions, operation, behaviour, request)
}

/// A page of a kind's objects.
pub(crate) fn list(
    description: &'static Description,
    state: &State,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Result<Outcome, ApiError> {
    let resource = behaviour.kind(description)?;
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
                let kind = find::resource(description, &reference.to)?;
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
            Filter::NameOf(field) => {
                let Some(reference) = resource.spec.references.get(field) else {
                    continue;
                };
                let wanted = text.to_lowercase();
                let named = state.collection(&reference.to).map(|collection| {
                    let active = collection.active().iter();
                    let records = active.filter_map(|number| collection.at(*number));
                    let fits = |record: &&Arc<Record>| {
                        let name = record.peek_text("name").unwrap_or_default();
                        name.to_lowercase().contains(&wanted)
                    };
                    records
                        .filter(fits)
                        .map(|record| Arc::clone(&record.id))
                        .collect()
                });
                tests.push(Test::LinkAmong(field, named.unwrap_or_default()));
            }
            Filter::Scoped {
                list,
                field,
                around,
            } => {
                let path = format!("{list}[*].{field}");
                let Some(reference) = resource.spec.references.get(&path) else {
                    continue;
                };
                let target = named_object(description, state, &reference.to, &text)?;
                tests.push(Test::Scoped {
                    list,
                    field,
                    around,
                    target,
                });
            }
            Filter::Search(fields) => tests.push(Test::Contains(fields, text.to_lowercase())),
            Filter::Ids => tests.push(Test::Named(text.split(',').map(str::to_owned).collect())),
        }
    }
    if let (Some(own), Some(tenancy)) = (request.caller.workspace(), request.caller.tenancy()) {
        let inside = Link {
            field: Arc::from(tenancy.field.as_str()),
            target: Arc::clone(own),
        };
        match resource.spec.references.get(&tenancy.field) {
            _ if *resource.name == *tenancy.kind => tests.push(Test::Named(vec![own.to_string()])),
            // Objects of the organisation are in sight, too, except for some kinds.
            Some(reference) if !reference.confines => {
                tests.push(Test::Visible(&tenancy.field, Arc::clone(own)));
            }
            Some(_) if link.is_none() => link = Some(inside),
            Some(_) => tests.push(Test::Link(inside)),
            None => {}
        }
    }
    for (field, word) in &behaviour.on_request {
        if !request.query.contains_key(field) {
            tests.push(Test::Not(field, word));
        }
    }
    let Some(collection) = state.collection(&resource.name) else {
        return page_of(Vec::new(), operation, behaviour, request);
    };
    let none = Vector::new();
    if active && !archived && tests.is_empty() {
        // The common case touches only the objects of the page.
        let numbers = match &link {
            Some(link) => collection.linked(link).unwrap_or(&none),
            None => collection.active(),
        };
        return page_of_numbers(collection, numbers, operation, behaviour, request);
    }
    let mut found: Vector<u64> = Vector::new();
    let mut gather = |numbers: &Vector<u64>, link: Option<&Link>| {
        let records = numbers.iter().filter_map(|number| collection.at(*number));
        found.extend(
            records
                .filter(|record| link.is_none_or(|link| record.links.contains(link)))
                .filter(|record| tests.iter().all(|test| test.passes(record)))
                .map(|record| record.sequence),
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
    page_of_numbers(collection, &found, operation, behaviour, request)
}

/// Something that an object of a filtered list must fulfil.
enum Test<'b> {
    Equals(&'b str, String),
    Contains(&'b [String], String),
    Link(Link),
    LinkAmong(&'b str, Vec<Arc<str>>),
    Scoped {
        list: &'b str,
        field: &'b str,
        around: &'b str,
        target: Arc<Record>,
    },
    Not(&'b str, &'b str),
    Visible(&'b str, Arc<str>),
    Between(&'b str, Option<Timestamp>, Option<Timestamp>),
    Named(Vec<String>),
}

impl Test<'_> {
    fn passes(&self, record: &Record) -> bool {
        match self {
            Test::Equals(field, text) => match record.fields.peek(field).as_deref() {
                Some(Value::String(value)) => value == text,
                Some(Value::Bool(value)) => text.parse() == Ok(*value),
                Some(Value::Number(value)) => text.parse().ok() == value.as_f64(),
                _ => false,
            },
            Test::Contains(fields, text) => fields.iter().any(|field| {
                record
                    .peek_text(field)
                    .is_some_and(|value| value.to_lowercase().contains(text))
            }),
            Test::Link(link) => record.links.contains(link),
            Test::LinkAmong(field, ids) => record.target(field).is_some_and(|id| ids.contains(id)),
            Test::Not(field, text) => record.peek_text(field).as_deref() != Some(*text),
            Test::Scoped {
                list,
                field,
                around,
                target,
            } => {
                let items = record.fields.peek(list);
                let items = items.as_deref().and_then(Value::as_array);
                let items = items.map(Vec::as_slice).unwrap_or_default();
                let outer = target.text(around);
                items.is_empty()
                    || items.iter().any(|item| {
                        let text = |field: &str| item.get(field).and_then(Value::as_str);
                        match (text(field), text(around)) {
                            (Some(named), _) => *named == *target.id,
                            (None, Some(named)) => outer == Some(named),
                            (None, None) => true,
                        }
                    })
            }
            Test::Visible(field, id) => record.target(field).is_none_or(|target| target == id),
            Test::Between(field, least, most) => record
                .peek_text(field)
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
) -> Result<Outcome, ApiError> {
    let total = items.len();
    let page = paging::page(&total, operation, behaviour, request)?;
    items.truncate(page.range.end);
    items.drain(..page.range.start);
    Ok(Outcome::List {
        items,
        total,
        more: page.more,
        next: page.next,
        owner: None,
    })
}

/// Objects of a collection by their numbers, in the order in which a list shows them.
struct Numbered<N> {
    numbers: N,
    total: usize,
    newest_first: bool,
}

impl<N: Fn(usize) -> u64> Numbered<N> {
    /// The index in the list, as an index in the order of creation.
    fn place(&self, index: usize) -> usize {
        match self.newest_first {
            true => self.total - 1 - index,
            false => index,
        }
    }
}

impl<N: Fn(usize) -> u64> Paged for Numbered<N> {
    fn total(&self) -> usize {
        self.total
    }

    fn name(&self, index: usize) -> u64 {
        (self.numbers)(self.place(index))
    }

    fn after(&self, name: u64) -> usize {
        // Numbers grow with the order of creation.
        let (mut low, mut high) = (0, self.total);
        while low < high {
            let middle = usize::midpoint(low, high);
            let shown = match self.newest_first {
                true => self.name(middle) >= name,
                false => self.name(middle) <= name,
            };
            match shown {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        low
    }
}

/// A page of objects that are given by their numbers, in the order of creation.
fn page_of_numbers(
    collection: &Collection,
    numbers: &Vector<u64>,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Result<Outcome, ApiError> {
    let total = numbers.len();
    let list = Numbered {
        numbers: |index| numbers.get(index).copied().unwrap_or_default(),
        total,
        newest_first: behaviour.newest_first,
    };
    let page = paging::page(&list, operation, behaviour, request)?;
    let fields = |number: &u64| {
        collection
            .at(*number)
            .map(|record| Arc::clone(&record.fields))
    };
    let items: Vec<Fields> = match behaviour.newest_first {
        false => {
            let focus = numbers.focus();
            focus
                .narrow(page.range)
                .into_iter()
                .filter_map(fields)
                .collect()
        }
        true => {
            let range = total - page.range.end..total - page.range.start;
            let focus = numbers.focus().narrow(range);
            focus.into_iter().rev().filter_map(fields).collect()
        }
    };
    Ok(Outcome::List {
        items,
        total,
        more: page.more,
        next: page.next,
        owner: None,
    })
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
    let owner = named_object(description, state, &member.of, request.name(parameter))?;
    let kind = find::resource(description, &member.of)?;
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
    let kind = find::resource(description, kind)?;
    find::named(state, &kind.name, name, None).ok_or_else(|| find::nothing(description, kind, name))
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Map, Value, json};

    use crate::description::Description;
    use crate::description::behaviour::{Action, Filter, OperationBehaviour};
    use crate::description::operation::Operation;
    use crate::engine::audit::Sent;
    use crate::engine::caller::Caller;
    use crate::engine::identity::Ids;
    use crate::engine::{self, Request};
    use crate::statefile::Book;
    use crate::store::lag::Lag;
    use crate::store::record::{Object, Record};
    use crate::store::{State, Store};
    use crate::{Api, Profile, seed};

    /// A store with an account and so many bare objects of a kind.
    fn store(description: &'static Description, kind: &str, count: usize) -> Store {
        let mut state = State::new(Arc::default(), Ids::new(Some(1)));
        seed::open(&mut state, description).unwrap();
        for number in 0..count {
            let record = Record {
                sequence: state.next_sequence(),
                id: Arc::from(format!("id-{number}")),
                slug: Some(Arc::from(format!("slug-{number}"))),
                within: Arc::default(),
                archived: false,
                fields: Object::new(Map::new()),
                links: Vec::new(),
                history: imbl::Vector::new(),
            };
            state.put(kind, record);
        }
        Store::new(state, Book::default(), &Lag::default())
    }

    /// How many objects of a kind an operation looks at.
    fn visits(
        description: &'static Description,
        store: &Store,
        kind: &str,
        operation: &'static Operation,
        request: Request,
    ) -> usize {
        let visits = || store.read().collection(kind).map_or(0, |c| c.take_visits());
        visits();
        let mut request = Request {
            caller: Caller::of(&description.api),
            ..request
        };
        let sent = Sent::default();
        let answer = engine::answer(description, store, operation, &mut request, &sent);
        // Nobody else writes, so nothing is waited for.
        futures_util::FutureExt::now_or_never(answer)
            .unwrap()
            .unwrap_or_else(|error| panic!("{}: {}", operation.id, error.message));
        visits()
    }

    /// How many objects of a kind take the room of a tree.
    fn unpacked(store: &Store, kind: &str) -> usize {
        let state = store.read();
        let things = state.collection(kind).unwrap();
        let records = things.active().iter().filter_map(|n| things.at(*n));
        records.filter(|record| !record.fields.is_packed()).count()
    }

    /// The operations with an action on a kind of its own, rather than on members.
    fn operations(
        description: &'static Description,
        action: Action,
    ) -> impl Iterator<Item = (&'static Operation, &'static OperationBehaviour)> {
        let operations = description.operations.iter();
        operations.filter_map(move |operation| {
            let behaviour = operation.behaviour.as_ref()?;
            (behaviour.action == action && behaviour.owner.is_none())
                .then_some((operation, behaviour))
        })
    }

    #[test]
    fn a_page_costs_the_objects_on_it_however_many_there_are() {
        let apis = Api::BESIDE.iter().copied();
        let mut looked_at = 0;
        for api in apis.chain([Api::Portkey(Profile::Live)]) {
            let description = api.description().unwrap();
            for (operation, behaviour) in operations(description, Action::List) {
                // A list that leaves something out unless it is asked for has to look.
                if !behaviour.on_request.is_empty() {
                    continue;
                }
                let kind = &behaviour.resource;
                let size = operation.paging.size.clone().unwrap_or_default();
                let request = || Request {
                    query: Map::from_iter([(size.clone(), json!(20))]),
                    ..Request::default()
                };
                let store = store(description, kind, 2_000);
                let visits = visits(description, &store, kind, operation, request());
                assert_eq!(unpacked(&store, kind), 0, "{} made trees", operation.id);
                if operation.paging.size.is_some() {
                    assert!(visits <= 20, "{}: {visits} objects", operation.id);
                    looked_at += 1;
                }
            }
        }
        assert!(looked_at > 15, "only {looked_at} lists have pages");
    }

    #[test]
    fn looking_through_a_list_makes_no_trees() {
        let description = Description::portkey(Profile::Live).unwrap();
        let mut filtered = 0;
        for (operation, behaviour) in operations(description, Action::List) {
            for (parameter, filter) in &behaviour.filters {
                let text = match filter {
                    Filter::Since(_) | Filter::Until(_) => "2026-01-01T00:00:00Z",
                    Filter::Status
                    | Filter::Equals(_)
                    | Filter::Contains(_)
                    | Filter::Search(_)
                    | Filter::Unless { .. }
                    | Filter::Ids => "x",
                    _ => continue,
                };
                let kind = &behaviour.resource;
                let store = store(description, kind, 10);
                let request = Request {
                    query: Map::from_iter([(parameter.clone(), json!(text))]),
                    ..Request::default()
                };
                let visits = visits(description, &store, kind, operation, request);
                assert!(visits >= 10, "{}: {visits} objects", operation.id);
                assert_eq!(unpacked(&store, kind), 0, "{}: {parameter}", operation.id);
                filtered += 1;
            }
        }
        assert!(filtered > 10, "only {filtered} filters");
    }

    #[test]
    fn one_object_is_found_and_another_made_without_looking_at_the_rest() {
        let description = Description::portkey(Profile::Live).unwrap();
        let visits_of = |id: &str, count: usize, body: Option<Value>| {
            let named = |operation: &&Operation| operation.id == id;
            let operation = description.operations.iter().find(named).unwrap();
            let store = store(description, "config", count);
            let request = Request {
                names: vec![("slug".to_owned(), "slug-7".to_owned())],
                body,
                ..Request::default()
            };
            visits(description, &store, "config", operation, request)
        };
        let body = || Some(json!({ "name": "c", "config": { "retry": { "attempts": 3 } } }));
        for (id, body) in [("getConfig", None), ("createConfig", body())] {
            let (few, many) = (
                visits_of(id, 10, body.clone()),
                visits_of(id, 2_000, body.clone()),
            );
            assert!(few > 0 && few == many, "{id}: {few} and {many} objects");
        }
    }
}
