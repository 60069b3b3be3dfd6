//! What an account holds before anyone has written to it.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::description::Description;
use crate::engine::caller::Caller;
use crate::engine::error::ApiError;
use crate::engine::identity;
use crate::engine::work::Work;
use crate::store::{Account, State};

/// One organisation with its users, its labels and its shared workspace, which every Portkey account begins with.
pub(crate) fn state(description: &'static Description) -> Result<State, ApiError> {
    let mut state = State::default();
    state.account = Account {
        organisation_id: Arc::from(identity::id()),
        user_id: Arc::from(identity::id()),
        default_workspace: Arc::default(),
    };
    let caller = Caller::default();
    let mut work = Work {
        description,
        state: &mut state,
        caller: &caller,
    };
    for (index, user) in listed(description, "x-users").enumerate() {
        let resource = work.resource("user")?;
        let user = work.create(resource, user, None)?;
        if index == 0 {
            work.state.account.user_id = Arc::clone(&user.id);
        }
    }
    let resource = work.resource("workspace")?;
    if let Value::Object(input) = json!({ "name": "Shared Team Workspace" }) {
        let workspace = work.create(resource, input, None)?;
        work.amend("workspace", &workspace.id, |fields| {
            fields.insert("is_default".to_owned(), Value::Bool(true));
        });
        work.state.account.default_workspace = Arc::clone(&workspace.id);
    }
    let resource = work.resource("label")?;
    for label in listed(description, "x-universal-labels") {
        work.create(resource, label, None)?;
    }
    Ok(state)
}

/// The objects that an annotation at the root of the description lists.
fn listed(
    description: &'static Description,
    annotation: &str,
) -> impl Iterator<Item = Map<String, Value>> {
    let list = description
        .document
        .get(annotation)
        .and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|object| object.as_object().cloned())
}
