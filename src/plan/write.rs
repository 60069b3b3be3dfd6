//! From a change to the requests that bring it about.

use super::{Impulse, Request, Version};
use crate::client::escape;
use crate::diff::FieldChange;
use crate::kind::{Identity, Is, Kind, Operation, PartRequest};
use crate::live::Object;
use crate::model::{Exposure, Map, Pointer, Value};

/// The requests of one resource: those of its first step and those of its second.
#[derive(Debug, Default)]
pub(super) struct Requests {
    pub(super) first: Vec<Request>,
    pub(super) second: Vec<Request>,
}

/// The requests that make a new object: the object, its parts, and then what had to wait.
pub(super) fn create(kind: &Kind, key: &str, desired: &Map) -> Requests {
    let mut body = Map::new();
    let mut deferred = Map::new();
    for (field, value) in desired {
        // There is nothing to clear in a new object.
        if value.is_null() || kind.part(field).is_some() || is_label(kind, field) {
            continue;
        }
        let at = Pointer::root().child(field);
        if kind.has(&at, |rule| matches!(rule, Is::UpdateOnly)) {
            deferred.insert(field.clone(), value.clone());
            continue;
        }
        let now = without_deferred(kind, &at, value);
        if now.as_ref() != Some(value) {
            deferred.insert(field.clone(), value.clone());
        }
        if let Some(now) = now {
            body.insert(field.clone(), now);
        }
    }
    if kind.identity == Identity::Slug {
        body.insert("slug".to_owned(), Value::text(key));
    }
    if kind.identity.has_name() {
        body.entry("name".to_owned())
            .or_insert_with(|| Value::text(key));
    }
    let mut requests = Requests::default();
    let mut body = encoded(kind, body, Operation::Create);
    let path = in_path(kind.endpoints.create, &mut body);
    requests.first.push(request("POST", &path, body));
    requests.first.extend(label(kind, desired));
    for part in kind.parts {
        let Some(Value::Map(members)) = desired.get(part.field) else {
            continue;
        };
        let wanted: Map = members
            .iter()
            .filter(|(_, v)| !v.is_null())
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        if !wanted.is_empty() {
            let written = (part.encode)(&wanted, &Map::new());
            requests
                .first
                .extend(written.into_iter().map(|r| part_request(part.path, r)));
        }
    }
    if !deferred.is_empty() {
        requests
            .second
            .push(update_request(kind, desired, deferred));
    }
    requests
}

fn is_label(kind: &Kind, field: &str) -> bool {
    let versions = kind.versions();
    versions.is_some_and(|v| v.label.as_ref().is_some_and(|label| label.field == field))
}

/// Completes an update that makes a new version of the content, and says how that is published.
fn complete_version(kind: &Kind, desired: &Map, live: &Object, body: &mut Map) -> Option<Request> {
    let versions = kind.versions()?;
    if !versions
        .content
        .iter()
        .any(|field| body.contains_key(*field))
    {
        return None;
    }
    for field in versions.content {
        let value = desired.get(*field).or_else(|| live.fields.get(*field));
        if let (false, Some(value)) = (body.contains_key(*field), value) {
            body.insert((*field).to_owned(), value.clone());
        }
    }
    let mut publish = request("PUT", versions.publish, Map::new());
    publish.version = Some(Version::Made {
        list: versions.list.to_owned(),
        ids: texts(versions.ids),
        number: versions.number.to_owned(),
    });
    Some(publish)
}

/// The request that labels the published version.
fn label(kind: &Kind, desired: &Map) -> Option<Request> {
    let versions = kind.versions()?;
    let label = versions.label.as_ref()?;
    let value = desired.get(label.field).filter(|value| !value.is_null())?;
    let body = Map::from([(label.field.to_owned(), value.clone())]);
    let mut request = request("PUT", label.path, body);
    request.version = Some(Version::Published {
        item: kind.endpoints.item.to_owned(),
        ids: texts(versions.ids),
    });
    Some(request)
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Adds a field that only does something to the update of an object, or makes one for it.
pub(super) fn add_impulse(
    requests: &mut Requests,
    kind: &Kind,
    desired: &Map,
    live: &Object,
    impulse: &Impulse,
) {
    let value = impulse.value.as_ref();
    let value = value.map_or(Value::Bool(true), Value::text);
    let (field, of_member) = match impulse.pointer.segments() {
        [field] => (field, None),
        [field, member, flag] => (field, Some((member, flag))),
        _ => return,
    };
    if let (Some((member, flag)), Some(part)) = (of_member, kind.part(field)) {
        let asked = Map::from([(flag.clone(), value)]);
        let asked = Map::from([(member.clone(), Value::Map(asked))]);
        let none = Map::new();
        let now = live.fields.get(field).and_then(Value::as_map);
        let written = (part.encode)(&asked, now.unwrap_or(&none));
        let written = written.into_iter().map(|it| part_request(part.path, it));
        requests.first.extend(written);
        return;
    }
    let update =
        |request: &&mut Request| request.method == "PUT" && request.path == kind.endpoints.item;
    let mut updates = requests.first.iter_mut().filter(update);
    let body = updates.find_map(|request| match &mut request.body {
        Some(Value::Map(body)) if !body.contains_key(field) => Some(body),
        _ => None,
    });
    if let Some(body) = body {
        body.insert(field.clone(), value);
        return;
    }
    let request = update_request(kind, desired, Map::from([(field.clone(), value)]));
    requests.first.push(request);
}

/// A path with the fields that it names, `{field}`, taken out of a body.
fn in_path(path: &str, body: &mut Map) -> String {
    let mut filled = path.to_owned();
    let fields = path.split('{').skip(1);
    for field in fields.filter_map(|rest| rest.split_once('}')) {
        if let Some(Value::String(text)) = body.shift_remove(field.0) {
            filled = filled.replace(&format!("{{{}}}", field.0), &escape(&text));
        }
    }
    filled
}

/// The requests that bring an existing object from `live` to `desired` in the changed places.
pub(super) fn update(
    kind: &Kind,
    desired: &Map,
    live: &Object,
    changes: &[FieldChange],
) -> Requests {
    let mut body = Map::new();
    let mut deferred = Map::new();
    let mut requests = Requests::default();
    let mut fields: Vec<&str> = changes
        .iter()
        .filter_map(|change| change.pointer.field())
        .collect();
    fields.dedup();
    for field in fields {
        let elsewhere = kind.part(field).is_some() || is_label(kind, field);
        if elsewhere || body.contains_key(field) || deferred.contains_key(field) {
            continue;
        }
        let at = Pointer::root().child(field);
        let Some(value) = desired.get(field) else {
            continue;
        };
        let old = live.fields.get(field);
        let whole = overlay(kind, &at, value, old);
        let changed = || {
            changes
                .iter()
                .filter(|change| change.pointer.field() == Some(field))
        };
        let now = without_deferred(kind, &at, value);
        // A change above deferred places concerns them as well where the value fills them.
        let fills = now.as_ref() != Some(value);
        let waits = |change: &FieldChange| {
            is_deferred(kind, &change.pointer) || (fills && holds_deferred(kind, &change.pointer))
        };
        if changed().any(waits) {
            deferred.insert(field.to_owned(), whole);
            let now = now.filter(|_| changed().any(|change| !is_deferred(kind, &change.pointer)));
            if let Some(now) = now {
                body.insert(field.to_owned(), overlay(kind, &at, &now, old));
            }
        } else {
            body.insert(field.to_owned(), whole);
        }
    }
    let publishing = complete_version(kind, desired, live, &mut body);
    if !body.is_empty() {
        requests.first.push(update_request(kind, desired, body));
    }
    let relabels = changes
        .iter()
        .filter_map(|change| change.pointer.field())
        .any(|field| is_label(kind, field));
    // A new version carries no label yet.
    if relabels || publishing.is_some() {
        requests.first.extend(publishing);
        requests.first.extend(label(kind, desired));
    }
    for part in kind.parts {
        let Some(Value::Map(members)) = desired.get(part.field) else {
            continue;
        };
        let changed: Map = members
            .iter()
            .filter(|(key, _)| {
                changes.iter().any(|change| {
                    let path = change.pointer.segments();
                    path.first().is_some_and(|field| field == part.field)
                        && path.get(1).is_none_or(|member| member == *key)
                })
            })
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if changed.is_empty() {
            continue;
        }
        let none = Map::new();
        let now = live
            .fields
            .get(part.field)
            .and_then(Value::as_map)
            .unwrap_or(&none);
        let written = (part.encode)(&changed, now);
        requests
            .first
            .extend(written.into_iter().map(|r| part_request(part.path, r)));
    }
    if !deferred.is_empty() {
        requests
            .second
            .push(update_request(kind, desired, deferred));
    }
    requests
}

/// The request that clears the deferred places of an object that is about to go, if anything is
/// in them.
pub(super) fn clear_deferred(kind: &Kind, scope: &Map, live: &Object) -> Option<Request> {
    let mut body = Map::new();
    for rule in kind
        .rules
        .iter()
        .filter(|rule| matches!(rule.is, Is::Deferred))
    {
        let place = Pointer::from(rule.at.0);
        let Some((field, below)) = place.segments().split_first() else {
            continue;
        };
        let now = live.fields.get(field).and_then(|value| value.at(below));
        if now.is_none_or(|value| value.references().is_empty()) {
            continue;
        }
        let slot = body
            .entry(field.clone())
            .or_insert_with(|| Value::Map(Map::new()));
        let mut slot = slot;
        for segment in below {
            let Value::Map(members) = slot else { break };
            slot = members
                .entry(segment.clone())
                .or_insert_with(|| Value::Map(Map::new()));
        }
        *slot = Value::Null;
    }
    if body.is_empty() {
        return None;
    }
    let whole = body.into_iter().map(|(field, value)| {
        let at = Pointer::root().child(&field);
        let whole = overlay(kind, &at, &value, live.fields.get(&field));
        (field, whole)
    });
    Some(update_request(kind, scope, whole.collect()))
}

/// The request that removes an object.
pub(super) fn delete(kind: &Kind, scope: &Map, live: &Object) -> Request {
    let confirmed = kind
        .endpoints
        .delete_body
        .iter()
        .filter_map(|field| Some(((*field).to_owned(), live.fields.get(*field)?.clone())));
    let body: Map = confirmed.collect();
    Request {
        method: "DELETE".to_owned(),
        path: kind.endpoints.item.to_owned(),
        query: scope_query(kind, scope),
        below: None,
        version: None,
        body: (!body.is_empty()).then_some(Value::Map(body)),
    }
}

fn update_request(kind: &Kind, desired: &Map, body: Map) -> Request {
    let mut body = encoded(kind, body, Operation::Update);
    let update = kind.endpoints.update;
    for field in update.repeats {
        if let Some(value) = desired.get(*field).filter(|value| !value.is_null()) {
            body.insert((*field).to_owned(), value.clone());
        }
    }
    let mut request = request(update.method, kind.endpoints.item, body);
    request.query = scope_query(kind, desired);
    request
}

fn scope_query(kind: &Kind, fields: &Map) -> Vec<(String, Value)> {
    if !kind.endpoints.scope_in_query {
        return Vec::new();
    }
    let scope = kind.outer_scope().into_iter().filter_map(|field| {
        let value = fields.get(field).filter(|value| !value.is_null())?;
        Some((field.to_owned(), value.clone()))
    });
    scope.collect()
}

fn encoded(kind: &Kind, mut body: Map, operation: Operation) -> Map {
    if let Some(encode) = kind.encode {
        encode(&mut body, operation);
    }
    body
}

pub(super) fn request(method: &str, path: &str, body: Map) -> Request {
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: Vec::new(),
        below: None,
        version: None,
        body: Some(Value::Map(body)),
    }
}

fn part_request(path: &str, request: PartRequest) -> Request {
    let query = request.query.into_iter();
    Request {
        method: request.method.to_owned(),
        path: path.to_owned(),
        query: query
            .map(|(name, text)| (name.to_owned(), Value::text(text)))
            .collect(),
        below: request.below,
        version: None,
        body: request.body,
    }
}

/// Whether a place has to wait for the second step.
pub(super) fn is_deferred(kind: &Kind, at: &Pointer) -> bool {
    (1..=at.segments().len()).any(|depth| {
        let mut above = Pointer::root();
        for segment in &at.segments()[..depth] {
            above.push(segment);
        }
        kind.has(&above, |rule| matches!(rule, Is::Deferred))
    })
}

/// Whether a place has deferred places below it.
fn holds_deferred(kind: &Kind, at: &Pointer) -> bool {
    kind.rules
        .iter()
        .any(|rule| matches!(rule.is, Is::Deferred) && at.contains(&Pointer::from(rule.at.0)))
}

/// A value without its deferred places; `None` if nothing remains.
fn without_deferred(kind: &Kind, at: &Pointer, value: &Value) -> Option<Value> {
    if kind.has(at, |rule| matches!(rule, Is::Deferred)) {
        return None;
    }
    let Value::Map(members) = value else {
        return Some(value.clone());
    };
    let kept: Map = members
        .iter()
        .filter_map(|(key, member)| {
            Some((key.clone(), without_deferred(kind, &at.child(key), member)?))
        })
        .collect();
    (!kept.is_empty() || members.is_empty()).then_some(Value::Map(kept))
}

/// The undeclared members of merged objects that an update would have to repeat and cannot, for
/// the API shows only masks of them: a server that replaces the object would lose them.
pub(super) fn unrepeatable(kind: &Kind, desired: &Map, live: &Object, field: &str) -> Vec<Pointer> {
    let at = Pointer::root().child(field);
    let merge = kind.has(&at, |rule| matches!(rule, Is::Merge));
    let (true, Some(Value::Map(want)), Some(Value::Map(have))) =
        (merge, desired.get(field), live.fields.get(field))
    else {
        // What is left as it is live cannot be sent with the rest.
        let left = desired.get(field).filter(|_| kind.part(field).is_none());
        let lost = left.is_some_and(is_masked);
        return lost.then_some(at).into_iter().collect();
    };
    let lost = have.iter().filter(|(key, value)| {
        let told = want.get(*key).is_some_and(|value| !is_masked(value));
        !told && is_masked(value)
    });
    lost.map(|(key, _)| at.child(key)).collect()
}

/// Whether there is something in a value of which only a mask is known.
fn is_masked(value: &Value) -> bool {
    let mut masked = false;
    value.for_each_secret(&mut |secret| {
        masked |= *secret.exposure() == Exposure::Live && !secret.reveal().is_empty();
    });
    masked
}

/// What to send for an object of which only some members are declared: the others as they are,
/// so that it does not matter whether the server merges or replaces. Secrets are never sent back,
/// for what the API shows of them is a mask.
fn overlay(kind: &Kind, at: &Pointer, desired: &Value, live: Option<&Value>) -> Value {
    let merge = kind.has(at, |rule| matches!(rule, Is::Merge));
    let (true, Value::Map(want), Some(Value::Map(have))) = (merge, desired, live) else {
        return desired.clone();
    };
    let kept = have.iter().filter(|(key, value)| {
        let mut masked = false;
        value.for_each_secret(&mut |_| masked = true);
        let server_owned = kind.has(&at.child(key), |rule| {
            matches!(rule, Is::ServerOwned | Is::Stays)
        });
        !masked && !server_owned && !value.is_null()
    });
    let mut whole: Map = kept
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    for (key, value) in want {
        let below = overlay(kind, &at.child(key), value, have.get(key));
        whole.insert(key.clone(), below);
    }
    Value::Map(whole)
}
