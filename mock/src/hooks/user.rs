//! Users of the organisation, invitations to it, and members of its workspaces.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Hook, Target};
use crate::description::Description;
use crate::description::resource::OWNER;
use crate::engine::error::ApiError;
use crate::engine::find;
use crate::engine::shape::Outcome;
use crate::engine::work::Work;
use crate::store::State;
use crate::store::record::{Link, Object, Record};

/// How long an invitation is good for: a week, in milliseconds.
const INVITED_FOR: i64 = 7 * 24 * 60 * 60 * 1000;

#[derive(Debug)]
pub(crate) struct User;

impl Hook for User {
    /// The live API refuses to set the role that a user has already.
    fn before_update(
        &self,
        _work: &mut Work<'_>,
        record: &Record,
        input: &mut Map<String, Value>,
    ) -> Result<(), ApiError> {
        match input.get("role") {
            Some(_) if record.is_true("^owner") => Err(ApiError::forbidden(
                "The role of an owner cannot be changed",
            )),
            Some(role) if Some(role) == record.get("role") => {
                Err(ApiError::invalid("The user has this role already"))
            }
            _ => Ok(()),
        }
    }

    /// Members of workspaces show the role in the organisation.
    fn after_write(
        &self,
        work: &mut Work<'_>,
        _former: Option<&Record>,
        record: &Record,
        _steering: &Map<String, Value>,
    ) -> Result<(), ApiError> {
        for membership in memberships(work.state, &record.id) {
            let role = record.get("role").cloned().unwrap_or_default();
            work.amend("workspace-user", &membership.id, |fields| {
                fields.insert("org_role".to_owned(), role);
            });
        }
        Ok(())
    }

    fn present(
        &self,
        _description: &'static Description,
        state: &State,
        fields: &mut Map<String, Value>,
    ) {
        let id = fields.get("id").and_then(Value::as_str).unwrap_or_default();
        let workspaces: Vec<Value> = memberships(state, id)
            .iter()
            .filter_map(|membership| membership.target(OWNER))
            .map(|workspace| Value::from(&**workspace))
            .collect();
        fields.insert("workspace_ids".to_owned(), Value::Array(workspaces));
    }
}

fn memberships(state: &State, user: &str) -> Vec<Arc<Record>> {
    let link = Link {
        field: Arc::from("id"),
        target: Arc::from(user),
    };
    find::linked(state, "workspace-user", &link)
}

#[derive(Debug)]
pub(crate) struct Invite;

impl Hook for Invite {
    fn before_create(
        &self,
        work: &mut Work<'_>,
        input: &mut Map<String, Value>,
        _owner: Option<&Arc<Record>>,
    ) -> Result<(), ApiError> {
        let email = input.get("email").and_then(Value::as_str);
        if email.is_some_and(|email| work.find("user", email, None).is_some()) {
            return Err(ApiError::conflict(
                "The user is in the organisation already",
            ));
        }
        let by = Value::from(&**work.caller.user(work.state));
        input.insert("invited_by".to_owned(), by);
        input.append(&mut invitation(work));
        Ok(())
    }

    /// `resend` makes a new link, which is good for as long as the first one was.
    fn call(
        &self,
        work: &mut Work<'_>,
        _step: &str,
        target: &Target<'_>,
    ) -> Result<Outcome, ApiError> {
        let record = target.record(work.description, work.state)?;
        let mut renewed = invitation(work);
        let link = renewed.get("invite_link").cloned().unwrap_or_default();
        work.amend("invite", &record.id, |fields| fields.append(&mut renewed));
        let mut fields = Map::clone(&record.fields);
        fields.insert("inviteLink".to_owned(), link);
        Ok(Outcome::Object(Object::new(fields)))
    }
}

/// What is new about an invitation whenever it is sent.
fn invitation(work: &mut Work<'_>) -> Map<String, Value> {
    let link = format!("https://app.example.com/invite/{}", work.state.ids.id());
    let fields = json!({
        "invite_link": link,
        "expires_at": work.state.clock.later(INVITED_FOR),
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

#[derive(Debug)]
pub(crate) struct WorkspaceUser;

impl Hook for WorkspaceUser {
    fn before_create(
        &self,
        work: &mut Work<'_>,
        input: &mut Map<String, Value>,
        owner: Option<&Arc<Record>>,
    ) -> Result<(), ApiError> {
        if let Some(workspace) = owner {
            let workspace = Value::from(&*workspace.id);
            input.insert("workspace_id".to_owned(), workspace);
        }
        let user = input.get("id").and_then(Value::as_str);
        if let Some(user) = user.and_then(|user| work.find("user", user, None))
            && user.is_true("^owner")
        {
            input.insert("role".to_owned(), Value::from("admin"));
        }
        Ok(())
    }

    /// Whoever owns the organisation is an admin of every workspace, whatever was asked for.
    fn before_update(
        &self,
        _work: &mut Work<'_>,
        record: &Record,
        input: &mut Map<String, Value>,
    ) -> Result<(), ApiError> {
        if record.text("org_role") == Some("owner") {
            input.insert("role".to_owned(), Value::from("admin"));
        }
        Ok(())
    }
}
