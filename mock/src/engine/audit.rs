//! The audit log: the administrative writes that the mock has served, a bounded number of them.

use std::sync::Arc;

use serde::Serialize;

use super::Reply;
use super::error::ApiError;
use super::request::Request;
use crate::description::api::ApiSpec;
use crate::description::behaviour::Action;
use crate::description::operation::Operation;
use crate::store::Store;
use crate::store::record::{Object, Record};

/// How many writes are remembered.
const KEPT: usize = 1_000;

/// What was sent, as far as it can be shown: bodies and headers hold secrets.
#[derive(Debug)]
pub(crate) struct Sent<'r> {
    pub(crate) uri: &'r str,
    pub(crate) query: &'r str,
    pub(crate) request_id: &'r str,
}

/// A write as it is kept, by the names of the API.
#[derive(Serialize)]
struct Entry<'r> {
    timestamp: &'r str,
    method: &'r str,
    uri: &'r str,
    request_id: &'r str,
    query_params: &'r str,
    user_id: &'r str,
    user_type: &'static str,
    organisation_id: &'r str,
    workspace_id: Option<&'r str>,
    response_status_code: u16,
    resource_type: &'r str,
    action: &'r str,
}

/// Remembers a write that an operation with a behaviour has served or refused.
pub(crate) fn record(
    api: &ApiSpec,
    store: &Store,
    operation: &Operation,
    request: &Request,
    sent: &Sent<'_>,
    answer: &Result<Reply, ApiError>,
) {
    let (Some(behaviour), Some(spec)) = (&operation.behaviour, &api.audit) else {
        return;
    };
    // What goes through the data plane is a log, not an audit log.
    let data_plane = &spec.data_plane;
    let administrative = operation
        .scopes
        .iter()
        .any(|scope| !data_plane.contains(scope));
    if operation.method == "get" || behaviour.action == Action::View || !administrative {
        return;
    }
    let status = match answer {
        Ok(reply) => reply.status,
        Err(error) => error.status,
    };
    let action = match operation.method {
        "post" => "create",
        "delete" => "delete",
        _ => "update",
    };
    let written = store.write(|state| {
        let timestamp = state.clock.now();
        let fields = Entry {
            timestamp: &timestamp,
            method: &operation.method.to_uppercase(),
            uri: sent.uri,
            request_id: sent.request_id,
            query_params: sent.query,
            user_id: request.caller.user(state),
            user_type: "api_key",
            organisation_id: &state.account(&api.name).organisation_id,
            workspace_id: request.caller.workspace().map(|id| &**id),
            response_status_code: status,
            resource_type: &behaviour.resource,
            action: behaviour.step.as_deref().unwrap_or(action),
        };
        // Text is what is kept, and nothing in here cannot be text.
        let fields = serde_json::to_vec(&fields).unwrap_or_default();
        let entry = Record {
            sequence: state.next_sequence(),
            id: Arc::from(state.ids.id()),
            slug: None,
            within: Arc::default(),
            archived: false,
            fields: Object::of_text(fields),
            links: Vec::new(),
            history: imbl::Vector::new(),
        };
        state.put(&spec.kind, entry);
        if let Some(entries) = state.collection(&spec.kind)
            && entries.active().len() > KEPT
            && let Some(oldest) = entries.active().front().copied()
        {
            state.remove(&spec.kind, oldest);
        }
        Ok(())
    });
    // It can only fail to be written down, and what it is about was written down.
    let _ = written;
}
