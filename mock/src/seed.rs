//! What an account holds before anyone has written to it.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::description::Description;
use crate::engine::error::ApiError;
use crate::engine::identity;
use crate::engine::work::Work;
use crate::store::{Account, State};

/// One organisation with its shared workspace, which every Portkey account begins with.
pub(crate) fn state(description: &'static Description) -> Result<State, ApiError> {
    let mut state = State::default();
    state.account = Account {
        organisation_id: Arc::from(identity::id()),
        user_id: Arc::from(identity::id()),
        default_workspace: Arc::default(),
    };
    let mut work = Work {
        description,
        state: &mut state,
    };
    if !description.resources.contains_key("workspace") {
        return Ok(state);
    }
    let resource = work.resource("workspace")?;
    if let Value::Object(input) = json!({ "name": "Shared Team Workspace" }) {
        let workspace = work.create(resource, input, None)?;
        work.amend("workspace", &workspace.id, |fields| {
            fields.insert("is_default".to_owned(), Value::Bool(true));
        });
        work.state.account.default_workspace = Arc::clone(&workspace.id);
    }
    let labels = description.document.get("x-universal-labels");
    let labels = labels.and_then(Value::as_array).into_iter().flatten();
    let resource = work.resource("label")?;
    for label in labels {
        if let Value::Object(input) = label {
            work.create(resource, input.clone(), None)?;
        }
    }
    Ok(state)
}
