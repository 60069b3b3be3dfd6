//! The audit log: the administrative writes that the mock has served, a bounded number of them.

use std::sync::Arc;

use serde::Serialize;

use super::caller::Caller;
use crate::description::api::{ApiSpec, AuditSpec};
use crate::description::behaviour::{Action, OperationBehaviour};
use crate::description::operation::Operation;
use crate::store::record::{Object, Record, USUAL};
use crate::store::{State, Store};

/// How many writes are remembered.
const KEPT: usize = 1_000;

/// What was sent, as far as it can be shown: bodies and headers hold secrets.
#[derive(Debug, Default)]
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

/// What the audit log has to say about a request.
#[derive(Debug)]
pub(crate) struct Audit<'r> {
    api: &'r ApiSpec,
    spec: &'r AuditSpec,
    operation: &'r Operation,
    behaviour: &'r OperationBehaviour,
    sent: &'r Sent<'r>,
}

impl<'r> Audit<'r> {
    /// `None` for a request that does not belong into the audit log: reads, and what goes through the data plane.
    pub(crate) fn of(
        api: &'r ApiSpec,
        operation: &'r Operation,
        behaviour: &'r OperationBehaviour,
        sent: &'r Sent<'r>,
    ) -> Option<Audit<'r>> {
        let spec = api.audit.as_ref()?;
        let mut scopes = operation.scopes.iter();
        let administrative = scopes.any(|scope| !spec.data_plane.contains(scope));
        let changes = operation.method != "get" && behaviour.action != Action::View;
        (administrative && changes).then_some(Audit {
            api,
            spec,
            operation,
            behaviour,
            sent,
        })
    }

    /// Enters a request that was answered with this status, and changed nothing else.
    pub(crate) fn alone(&self, store: &Store, caller: &Caller, status: u16) {
        // It can only fail to be written down, and what it is about was written down.
        let _ = store.write(|state| {
            self.enter(state, caller, status);
            Ok(())
        });
    }

    /// Enters a request as part of the write that it is.
    pub(crate) fn enter(&self, state: &mut State, caller: &Caller, status: u16) {
        let kind = &self.spec.kind;
        let action = match self.operation.method {
            "post" => "create",
            "delete" => "delete",
            _ => "update",
        };
        let fields = Entry {
            timestamp: &state.clock.now(),
            method: &self.operation.method.to_uppercase(),
            uri: self.sent.uri,
            request_id: self.sent.request_id,
            query_params: self.sent.query,
            user_id: caller.user(state),
            user_type: "api_key",
            organisation_id: &state.account(&self.api.name).organisation_id,
            workspace_id: caller.workspace().map(|id| &**id),
            response_status_code: status,
            resource_type: &self.behaviour.resource,
            action: self.behaviour.step.as_deref().unwrap_or(action),
        };
        // Text is what is kept, and nothing in here cannot be text.
        let mut text = Vec::with_capacity(USUAL);
        let _ = serde_json::to_writer(&mut text, &fields);
        let entry = Record {
            sequence: state.next_sequence(),
            id: Arc::from(state.ids.id()),
            slug: None,
            within: Arc::default(),
            archived: false,
            fields: Object::of_text(text),
            links: Vec::new(),
            history: imbl::Vector::new(),
        };
        state.put(kind, entry);
        if let Some(entries) = state.collection(kind)
            && entries.active().len() > KEPT
            && let Some(oldest) = entries.active().front().copied()
        {
            state.remove(kind, oldest);
        }
    }
}
