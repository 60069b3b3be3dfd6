//! Finding what is kept, and the answers for what is not there.

use std::sync::Arc;

use super::error::ApiError;
use super::identity;
use crate::description::Description;
use crate::description::resource::Resource;
use crate::store::State;
use crate::store::record::{Link, Record};

/// The definition of a kind of object.
pub(crate) fn resource(
    description: &'static Description,
    name: &str,
) -> Result<&'static Resource, ApiError> {
    // The description was checked when it was read: every name that annotations use is defined.
    description
        .resources
        .get(name)
        .ok_or_else(|| ApiError::invalid(format!("{name} is not described")))
}

/// The active object that `name` names, by id or by slug, inside `within` if that is given.
pub(crate) fn named(
    state: &State,
    resource: &str,
    name: &str,
    within: Option<&str>,
) -> Option<Arc<Record>> {
    let collection = state.collection(resource)?;
    let by_id = collection.by_id(name).filter(|record| !record.archived);
    let found = match (by_id, within) {
        (Some(record), None) => Some(record),
        (Some(record), Some(within)) => {
            let inside = record.links.iter().any(|link| &*link.target == within);
            inside.then_some(record)
        }
        (None, Some(within)) => collection.by_slug(name, within).or_else(|| {
            // A slug of the whole account, of an object that is inside all the same.
            let found = collection.by_slug_anywhere(name)?;
            let inside = found.links.iter().any(|link| &*link.target == within);
            inside.then_some(found)
        }),
        (None, None) => collection.by_slug_anywhere(name),
    };
    found.cloned()
}

/// The active objects that hold a reference, in the order of their creation.
pub(crate) fn linked(state: &State, resource: &str, link: &Link) -> Vec<Arc<Record>> {
    let Some(collection) = state.collection(resource) else {
        return Vec::new();
    };
    collection
        .linked(link)
        .into_iter()
        .flatten()
        .filter_map(|sequence| collection.at(*sequence).cloned())
        .collect()
}

/// The answer for an object that does not exist.
pub(crate) fn missing(resource: &Resource) -> ApiError {
    ApiError::annotated(&resource.spec.missing, || {
        format!("{} not found", resource.spec.noun)
    })
}

/// The answer for a name that leads nowhere: what cannot be an id at all is a mistake.
pub(crate) fn nothing(description: &Description, resource: &Resource, name: &str) -> ApiError {
    match identity::is_possible(description.api.ids, name) {
        true => missing(resource),
        false => ApiError::invalid(format!("This is not the id of any {}", resource.spec.noun)),
    }
}
