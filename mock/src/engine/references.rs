//! Fields that name other objects: finding what they name and writing the name the API would.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::error::ApiError;
use super::identity;
use super::work::Work;
use crate::description::behaviour::Spelling;
use crate::description::resource::{Reference, Resource};
use crate::store::record::{Link, Record};

/// Resolves every reference in `fields` and rewrites it in the spelling that answers carry.
///
/// A name that leads nowhere is refused. `holder` is the object that is being updated.
pub(crate) fn resolve(
    work: &Work<'_>,
    resource: &Resource,
    fields: &mut Map<String, Value>,
    holder: Option<&Record>,
) -> Result<(), ApiError> {
    for reference in &resource.references {
        let within = scope(reference, fields, holder);
        reference.path.visit(fields, &mut |value| {
            each_name(value, &mut |name| {
                let target = named(work, reference, name, within.as_deref())?;
                respell(reference, &target, name);
                Ok(())
            })
        })?;
    }
    Ok(())
}

/// The links of an object: what its references lead to now. What leads nowhere has no link.
pub(crate) fn links(
    work: &Work<'_>,
    resource: &Resource,
    fields: &mut Map<String, Value>,
) -> Vec<Link> {
    let mut links = Vec::new();
    for reference in &resource.references {
        let within = scope(reference, fields, None);
        let _ = reference.path.visit(fields, &mut |value| {
            each_name(value, &mut |name| {
                if let Ok(target) = named(work, reference, name, within.as_deref()) {
                    let link = Link {
                        field: Arc::clone(&reference.field),
                        target: Arc::clone(&target.id),
                    };
                    if !links.contains(&link) {
                        links.push(link);
                    }
                }
                Ok::<(), ApiError>(())
            })
        });
    }
    links
}

/// Calls `visit` with every name in a reference: the text itself, or each text of a list.
fn each_name<E>(
    value: &mut Value,
    visit: &mut impl FnMut(&mut String) -> Result<(), E>,
) -> Result<(), E> {
    match value {
        Value::String(name) => visit(name),
        Value::Array(items) => items.iter_mut().try_for_each(|item| match item {
            Value::String(name) => visit(name),
            _ => Ok(()),
        }),
        _ => Ok(()),
    }
}

/// The id of the object in which a reference has to find what it names; the reference to that
/// object comes first in the annotation, so that it is resolved by now.
fn scope(
    reference: &Reference,
    fields: &Map<String, Value>,
    holder: Option<&Record>,
) -> Option<Arc<str>> {
    let field = reference.spec.within.as_deref()?;
    match fields.get(field).and_then(Value::as_str) {
        Some(name) => Some(Arc::from(name)),
        None => holder?.target(field).cloned(),
    }
}

/// The object that a reference names.
fn named(
    work: &Work<'_>,
    reference: &Reference,
    name: &str,
    within: Option<&str>,
) -> Result<Arc<Record>, ApiError> {
    let target = work.resource(&reference.spec.to)?;
    if let Some(record) = work.find(&target.name, name, within) {
        return Ok(record);
    }
    if !identity::is_possible(work.description.api.ids, name) {
        return Err(ApiError::invalid(format!(
            "{} is not the id of any {}",
            reference.field, target.spec.noun
        )));
    }
    let missing = reference
        .spec
        .missing
        .as_ref()
        .unwrap_or(&target.spec.missing);
    Err(ApiError::annotated(missing, || {
        format!("{} in {} does not exist", target.spec.noun, reference.field)
    }))
}

fn respell(reference: &Reference, target: &Record, name: &mut String) {
    match (reference.spec.spelling, &target.slug) {
        (Spelling::Given, _) => {}
        (Spelling::Slug, Some(slug)) => slug.as_ref().clone_into(name),
        _ => target.id.as_ref().clone_into(name),
    }
}
