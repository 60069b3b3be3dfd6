//! Slugs, and the keys that take their place.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::error::ApiError;
use super::work::Work;
use crate::description::behaviour::MemberSpec;
use crate::description::resource::Resource;
use crate::store::State;

impl Work<'_> {
    /// The value that takes the place of a slug, if the kind has one.
    pub(super) fn key(&self, resource: &Resource, fields: &Map<String, Value>) -> Option<Arc<str>> {
        if let Some(unique) = &resource.spec.unique {
            // The separator is no part of a name, so that no path names an object by its key.
            let mut key = String::new();
            for field in &unique.fields {
                key.push('\u{1f}');
                match fields.get(field) {
                    Some(Value::String(text)) if unique.folded => {
                        key.push_str(&text.to_lowercase())
                    }
                    Some(Value::String(text)) => key.push_str(text),
                    Some(other) => key.push_str(&other.to_string()),
                    None => {}
                }
            }
            return Some(Arc::from(key));
        }
        let field = resource.spec.slug.as_ref()?.from.as_deref()?;
        fields.get(field).and_then(Value::as_str).map(Arc::from)
    }

    pub(super) fn slug(
        &mut self,
        resource: &Resource,
        chosen: Option<&Value>,
        fields: &Map<String, Value>,
        within: &str,
    ) -> Result<Option<Arc<str>>, ApiError> {
        let taken = |state: &State, slug: &str| {
            let collection = state.collection(&resource.name);
            collection.is_some_and(|collection| collection.by_slug(slug, within).is_some())
        };
        if let Some(identity) = &resource.spec.identity {
            let key = match fields.get(&identity.field) {
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
                None => String::new(),
            };
            return match taken(self.state, &key) {
                true => Err(ApiError::conflict(format!(
                    "Another {} has this {} already",
                    resource.spec.noun, identity.field
                ))),
                false => Ok(Some(Arc::from(key))),
            };
        }
        if let Some(member) = &resource.spec.member {
            let key = fields
                .get(&member.key)
                .and_then(Value::as_str)
                .unwrap_or_default();
            return Ok(Some(Arc::from(key)));
        }
        if is_keyed(resource) {
            let key = self.key(resource, fields);
            // What is there for the whole account is there inside of everything, too.
            let collection = self.state.collection(&resource.name);
            let clash = |key: &str, within: &str| {
                collection.is_some_and(|collection| collection.by_slug(key, within).is_some())
            };
            return match key {
                Some(key) if clash(&key, within) || clash(&key, "") => Err(ApiError::conflict(
                    format!("This {} exists already", resource.spec.noun),
                )),
                key => Ok(key),
            };
        }
        let Some(spec) = &resource.spec.slug else {
            return Ok(None);
        };
        if let Some(slug) = chosen
            .and_then(Value::as_str)
            .filter(|slug| !slug.is_empty())
        {
            return match taken(self.state, slug) {
                true => Err(ApiError::conflict(format!(
                    "{} with slug {slug} already exists",
                    resource.spec.noun
                ))),
                false => Ok(Some(Arc::from(slug))),
            };
        }
        let name = fields
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        loop {
            let slug = self.state.ids.slug(spec, name);
            if !taken(self.state, &slug) {
                return Ok(Some(Arc::from(slug)));
            }
        }
    }
}

/// Whether objects of a kind have a key that is made of their fields.
pub(crate) fn is_keyed(resource: &Resource) -> bool {
    let slug = resource.spec.slug.as_ref();
    resource.spec.unique.is_some()
        || resource.spec.identity.is_some()
        || slug.is_some_and(|slug| slug.from.is_some())
}

/// Makes the key of a member from the fields that it consists of.
pub(crate) fn compose_key(member: &MemberSpec, fields: &mut Map<String, Value>) {
    let parts: Vec<&str> = member
        .parts
        .iter()
        .filter_map(|part| fields.get(part).and_then(Value::as_str))
        .collect();
    if !parts.is_empty() {
        let key = Value::from(parts.join("/"));
        fields.insert(member.key.clone(), key);
    }
}
