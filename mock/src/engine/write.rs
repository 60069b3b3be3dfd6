//! Creation, update and deletion of one object.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::editions;
use super::error::ApiError;
use super::list::{self, lookup};
use super::request::Request;
use super::shape::Outcome;
use super::work::Work;
use crate::description::behaviour::OperationBehaviour;
use crate::description::operation::Operation;
use crate::description::resource::Resource;
use crate::store::record::Object;

/// Creates an object of the members of a body.
pub(crate) fn create(
    work: &mut Work<'_>,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
    members: Map<String, Value>,
) -> Result<Outcome, ApiError> {
    let resource = behaviour.kind(work.description)?;
    let mut input = described(operation, resource, members);
    confine(work, resource, request, &mut input)?;
    if let Some(spec) = &resource.spec.editions {
        return editions::create(work, resource, spec, input);
    }
    let owner = list::owner(work.description, work.state, resource, behaviour, request)?;
    if resource.spec.identity.is_some()
        && let (Some(field), Some(owner)) = (&behaviour.owner, &owner)
    {
        // The path says it as well as a field would.
        input.insert(field.clone(), Value::from(&*owner.id));
    }
    let record = work.create(resource, input, owner.as_ref())?;
    Ok(Outcome::Object(Arc::clone(&record.fields)))
}

/// Keeps a creation inside the organisation and, if the key is of a workspace, inside that.
pub(crate) fn confine(
    work: &Work<'_>,
    resource: &Resource,
    request: &Request,
    input: &mut Map<String, Value>,
) -> Result<(), ApiError> {
    if let Some(field) = &work.description.api.stamps.organisation
        && let Some(Value::String(organisation)) = input.get(field)
        && **organisation != *work.account().organisation_id
    {
        return Err(ApiError::forbidden(
            "The key does not belong to this organisation",
        ));
    }
    let (Some(own), Some(tenancy)) = (request.caller.workspace(), request.caller.tenancy()) else {
        return Ok(());
    };
    let field = &tenancy.field;
    if !resource.spec.references.contains_key(field) || resource.spec.derived.contains_key(field) {
        return Ok(());
    }
    let given = input.get(field).and_then(Value::as_str);
    match given.filter(|name| !name.is_empty()) {
        Some(name) => match work.find(&tenancy.kind, name, None) {
            Some(workspace) if workspace.id == *own => Ok(()),
            _ => Err(ApiError::not_permitted()),
        },
        None => {
            input.insert(field.clone(), Value::from(&**own));
            Ok(())
        }
    }
}

/// Updates an object.
pub(crate) fn update(
    work: &mut Work<'_>,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Result<Outcome, ApiError> {
    let resource = behaviour.kind(work.description)?;
    let record = lookup(work.description, work.state, operation, behaviour, request)?;
    let mut input = described(operation, resource, request.members());
    if behaviour.replaces {
        // Left out is as good as null; what the server sets is no part of a request.
        let stamps = &work.description.api.stamps;
        for field in record.fields.keys() {
            if *field != stamps.created && *field != stamps.updated && !field.starts_with('^') {
                input.entry(field.clone()).or_insert(Value::Null);
            }
        }
    }
    let locked = resource.spec.locked.as_deref();
    if locked.is_some_and(|field| record.is_true(field)) {
        let noun = &resource.spec.noun;
        return Err(ApiError::forbidden(format!(
            "This {noun} cannot be changed"
        )));
    }
    if work.description.api.refuses_empty_updates && input.is_empty() {
        return Err(ApiError::invalid("There is nothing to update"));
    }
    if let Some(spec) = &resource.spec.editions {
        return editions::update(work, resource, spec, &record, input);
    }
    let updated = work.update(resource, &record, input)?;
    Ok(Outcome::Object(Arc::clone(&updated.fields)))
}

/// Deletes an object.
pub(crate) fn delete(
    work: &mut Work<'_>,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Result<Outcome, ApiError> {
    let resource = behaviour.kind(work.description)?;
    let record = lookup(work.description, work.state, operation, behaviour, request)?;
    let rules = &resource.spec.delete;
    if let Some(field) = &rules.protected
        && record.is_true(field)
    {
        let message = || format!("This {} cannot be deleted", resource.spec.noun);
        return Err(match &rules.protection {
            Some(spec) => ApiError::annotated(spec, message),
            None => ApiError::forbidden(message()),
        });
    }
    let body = request.members();
    if let Some(field) = &rules.confirm {
        // The description kept to the letter asks for no body, so only a body is compared there.
        let given = body.get(field).and_then(Value::as_str);
        let confirmed = Work::hook(resource).confirms(&record, field, given.unwrap_or_default());
        if !confirmed && (given.is_some() || operation.body.is_some()) {
            return Err(ApiError::invalid(format!(
                "Deletion must be confirmed with the {}'s current {field}",
                resource.spec.noun
            )));
        }
    }
    let force = rules
        .force
        .as_deref()
        .is_some_and(|field| body.get(field) == Some(&Value::Bool(true)));
    work.delete(resource, &record, force)?;
    let Some(identity) = &resource.spec.identity else {
        return Ok(Outcome::Empty);
    };
    // Where the answer to a deletion has fields, they say what was deleted.
    let mut told = Map::from_iter([("deleted".to_owned(), Value::Bool(true))]);
    if let Some(name) = record.fields.get(&identity.field) {
        told.insert(identity.field.clone(), name.clone());
    }
    Ok(Outcome::Object(Object::new(told)))
}

/// The members of a body that the operation describes. A real server ignores the others, and a
/// client must not be able to write `created_at` by sending it.
pub(crate) fn described(
    operation: &Operation,
    resource: &Resource,
    mut input: Map<String, Value>,
) -> Map<String, Value> {
    if let Some(body) = &operation.body
        && !body.declared.is_empty()
    {
        input.retain(|name, _| {
            body.declared.contains(name)
                || resource.spec.aliases.values().any(|field| field == name)
        });
    }
    input
}
