//! Sub-collections: objects that live inside another one and are written many at a time.
//!
//! A write of members merges: members are matched by their key, and those that a request does not
//! mention stay as they are.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::error::ApiError;
use super::list::{fields_linked, page_of};
use super::request::Request;
use super::shape::Outcome;
use super::work::Work;
use super::{find, naming, references, write};
use crate::description::Description;
use crate::description::behaviour::OperationBehaviour;
use crate::description::operation::Operation;
use crate::description::resource::{OWNER, Resource};
use crate::store::State;
use crate::store::record::{Link, Record};

/// The members of an object.
pub(crate) fn list(
    description: &'static Description,
    state: &State,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Result<Outcome, ApiError> {
    let resource = behaviour.kind(description)?;
    let (_, owner) = owner(description, state, resource, operation, behaviour, request)?;
    let link = Link {
        field: Arc::from(OWNER),
        target: Arc::clone(&owner.id),
    };
    let items = state
        .collection(&resource.name)
        .map(|collection| fields_linked(collection, &link))
        .unwrap_or_default();
    let mut outcome = page_of(items, operation, behaviour, request)?;
    if let Outcome::List { owner: of, .. } = &mut outcome {
        *of = Some(Arc::clone(&owner.fields));
    }
    Ok(outcome)
}

/// Creates or updates members by their keys.
pub(crate) fn merge(
    work: &mut Work<'_>,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Result<Outcome, ApiError> {
    let resource = behaviour.kind(work.description)?;
    let (kind, owner) = owner(
        work.description,
        work.state,
        resource,
        operation,
        behaviour,
        request,
    )?;
    let body = write::described(operation, resource, request.members());
    let Some(member) = &resource.spec.member else {
        return Ok(Outcome::Empty);
    };

    let mut owner_fields = Map::new();
    for (field, target) in &behaviour.owner_fields {
        if let Some(value) = body.get(field) {
            owner_fields.insert(target.clone(), value.clone());
        }
    }
    if !owner_fields.is_empty() {
        work.amend(&kind.name, &owner.id, |fields| {
            fields.append(&mut owner_fields)
        });
    }
    let items = behaviour.items.as_deref().and_then(|field| body.get(field));
    for item in items.and_then(Value::as_array).into_iter().flatten() {
        let Value::Object(item) = item else { continue };
        let mut item = item.clone();
        for field in &behaviour.inherited {
            if let Some(value) = body.get(field) {
                item.entry(field.clone()).or_insert_with(|| value.clone());
            }
        }
        naming::compose_key(member, &mut item);
        // The key may be a reference: members are told apart by the object, not by its spelling.
        references::resolve(work, resource, &mut item, None)?;
        let key = item
            .get(&member.key)
            .and_then(Value::as_str)
            .unwrap_or_default();
        match work.find(&resource.name, key, Some(&owner.id)) {
            Some(record) => work.update(resource, &record, item)?,
            None if behaviour.only_known => continue,
            None => work.create(resource, item, Some(&owner))?,
        };
    }
    Work::hook(resource).after_merge(work, &owner, &body)?;
    Ok(Outcome::Empty)
}

/// Takes members out, by the keys that the query or the body lists.
pub(crate) fn remove(
    work: &mut Work<'_>,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Result<Outcome, ApiError> {
    let resource = behaviour.kind(work.description)?;
    let (_, owner) = owner(
        work.description,
        work.state,
        resource,
        operation,
        behaviour,
        request,
    )?;
    let mut keys: Vec<String> = Vec::new();
    if let Some(text) = behaviour
        .keys
        .as_deref()
        .and_then(|name| request.query_text(name))
    {
        keys.extend(text.split(',').map(|key| key.trim().to_owned()));
    }
    if let Some(field) = &behaviour.items
        && let Some(items) = request
            .body
            .as_ref()
            .and_then(|body| body.get(field)?.as_array())
    {
        keys.extend(items.iter().filter_map(Value::as_str).map(str::to_owned));
    }
    for key in keys {
        if let Some(record) = work.find(&resource.name, &key, Some(&owner.id))
            && Work::hook(resource).removable(&record)
        {
            work.delete(resource, &record, false)?;
        }
    }
    Ok(Outcome::Empty)
}

/// The object whose members a request is about.
fn owner(
    description: &'static Description,
    state: &State,
    resource: &Resource,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Result<(&'static Resource, Arc<Record>), ApiError> {
    let kind = resource
        .spec
        .member
        .as_ref()
        .map_or(&behaviour.resource, |member| &member.of);
    let kind = find::resource(description, kind)?;
    let name = request.subject(operation, behaviour.by.as_deref());
    let owner = find::named(state, &kind.name, name, None).ok_or_else(|| find::missing(kind))?;
    request.caller.may_see(state, kind, &owner)?;
    Ok((kind, owner))
}
