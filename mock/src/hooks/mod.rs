//! What is too special for annotations: one small file per kind, found by the name in `hook`.

mod analytics;
mod api_key;
mod arize;
mod collection;
mod grant;
mod integration;
mod integration_model;
pub(crate) mod log;
mod mcp_integration;
mod mcp_server;
mod message;
mod model;
pub(crate) mod prompt;
mod provider;
mod rotation;
mod scim;
mod secret_reference;
mod usage_policy;
mod user;
mod workspace;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::description::Description;
use crate::description::behaviour::OperationBehaviour;
use crate::description::operation::Operation;
use crate::engine::error::ApiError;
use crate::engine::list;
use crate::engine::request::Request;
use crate::engine::shape::Outcome;
use crate::engine::work::Work;
use crate::store::State;
use crate::store::record::Record;

/// What a step of a kind's own is about.
#[derive(Debug)]
pub(crate) struct Target<'r> {
    pub(crate) operation: &'r Operation,
    pub(crate) behaviour: &'r OperationBehaviour,
    pub(crate) request: &'r Request,
}

impl Target<'_> {
    /// The object that the path names.
    pub(crate) fn record(
        &self,
        description: &'static Description,
        state: &State,
    ) -> Result<Arc<Record>, ApiError> {
        list::lookup(
            description,
            state,
            self.operation,
            self.behaviour,
            self.request,
        )
    }
}

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

    /// The content of a new edition, with its references resolved.
    fn before_edition(&self, _content: &mut Map<String, Value>) {}

    /// Adds to what answers show of an object.
    fn present(
        &self,
        _description: &'static Description,
        _state: &State,
        _fields: &mut Map<String, Value>,
    ) {
    }

    /// A write of the kind's own, by the name in `step`.
    fn call(
        &self,
        _work: &mut Work<'_>,
        step: &str,
        _target: &Target<'_>,
    ) -> Result<Outcome, ApiError> {
        Err(ApiError::invalid(format!("{step} is not implemented")))
    }

    /// A read of the kind's own, by the name in `step`.
    fn view(
        &self,
        _description: &'static Description,
        _state: &State,
        step: &str,
        _target: &Target<'_>,
    ) -> Result<Outcome, ApiError> {
        Err(ApiError::invalid(format!("{step} is not implemented")))
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
        "analytics" => Some(&analytics::Analytics),
        "api-key" => Some(&api_key::ApiKey),
        "arize-integration" => Some(&arize::integration::Integration),
        "arize-membership" => Some(&arize::membership::Membership),
        "arize-role-binding" => Some(&arize::role_binding::RoleBinding),
        "arize-tag" => Some(&arize::tag::Tag),
        "arize-webhook" => Some(&arize::webhook::Webhook),
        "arize-webhook-subscription" => Some(&arize::webhook::Subscription),
        "collection" => Some(&collection::Collection),
        "feedback" => Some(&log::Feedback),
        "grant" => Some(&grant::Grant),
        "integration" => Some(&integration::Integration),
        "integration-model" => Some(&integration_model::IntegrationModel),
        "invite" => Some(&user::Invite),
        "log" => Some(&log::Log),
        "log-export" => Some(&log::LogExport),
        "mcp-access" => Some(&mcp_integration::McpAccess),
        "mcp-capability" => Some(&mcp_integration::McpCapability),
        "mcp-integration" => Some(&mcp_integration::McpIntegration),
        "mcp-server" => Some(&mcp_server::McpServer),
        "message" => Some(&message::Message),
        "model" => Some(&model::Model),
        "partial" => Some(&prompt::Partial),
        "prompt" => Some(&prompt::Prompt),
        "provider" => Some(&provider::Provider),
        "scim-mapping" => Some(&scim::ScimMapping),
        "secret-reference" => Some(&secret_reference::SecretReference),
        "usage-policy" => Some(&usage_policy::UsagePolicy),
        "user" => Some(&user::User),
        "workspace" => Some(&workspace::Workspace),
        "workspace-user" => Some(&user::WorkspaceUser),
        _ => None,
    }
}

/// Whether a steering field is not switched off; absent means on.
fn is_wanted(steering: &Map<String, Value>, field: &str) -> bool {
    steering.get(field) != Some(&Value::Bool(false))
}
