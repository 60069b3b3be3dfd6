//! What is too special for annotations: one small file per kind, found by the name in `hook`.

mod grant;
mod integration;
mod integration_model;
mod provider;
mod secret_reference;
mod workspace;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::engine::error::ApiError;
use crate::engine::work::Work;
use crate::store::record::Record;

/// The moments at which a kind can add to, change or refuse a write.
///
/// A hook may refuse at any moment: the write happens on a fork of the state, which is dropped.
pub(crate) trait Hook: Sync + std::fmt::Debug {
    /// The references of the request are resolved; nothing is stored yet.
    fn before_create(
        &self,
        _work: &mut Work<'_>,
        _input: &mut Map<String, Value>,
        _owner: Option<&Arc<Record>>,
    ) -> Result<(), ApiError> {
        Ok(())
    }

    /// The references of the request are resolved; the object is still as it was.
    fn before_update(
        &self,
        _work: &mut Work<'_>,
        _record: &Record,
        _input: &mut Map<String, Value>,
    ) -> Result<(), ApiError> {
        Ok(())
    }

    /// The object is stored; `former` is what it was before, if it existed.
    fn after_write(
        &self,
        _work: &mut Work<'_>,
        _former: Option<&Record>,
        _record: &Record,
        _steering: &Map<String, Value>,
    ) -> Result<(), ApiError> {
        Ok(())
    }

    /// All members of a request are stored.
    fn after_merge(
        &self,
        _work: &mut Work<'_>,
        _owner: &Record,
        _body: &Map<String, Value>,
    ) -> Result<(), ApiError> {
        Ok(())
    }

    /// Whether a member can be taken out of its sub-collection.
    fn removable(&self, _record: &Record) -> bool {
        true
    }

    /// Whether the text given to confirm a deletion is the right one.
    fn confirms(&self, record: &Record, field: &str, given: &str) -> bool {
        record.text(field) == Some(given)
    }
}

/// A kind with nothing special about it.
#[derive(Debug)]
pub(crate) struct Plain;

impl Hook for Plain {}

/// The code that an annotation names.
pub(crate) fn named(name: &str) -> Option<&'static dyn Hook> {
    match name {
        "grant" => Some(&grant::Grant),
        "integration" => Some(&integration::Integration),
        "integration-model" => Some(&integration_model::IntegrationModel),
        "provider" => Some(&provider::Provider),
        "secret-reference" => Some(&secret_reference::SecretReference),
        "workspace" => Some(&workspace::Workspace),
        _ => None,
    }
}

/// Whether a steering field is not switched off; absent means on.
fn is_wanted(steering: &Map<String, Value>, field: &str) -> bool {
    steering.get(field) != Some(&Value::Bool(false))
}
