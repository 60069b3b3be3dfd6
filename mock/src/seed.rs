//! What an account holds before anyone has written to it.

use std::sync::Arc;

use serde_json::Map;

use crate::description::Description;
use crate::description::api::Part;
use crate::engine::caller::Caller;
use crate::engine::error::ApiError;
use crate::engine::work::Work;
use crate::store::{State, Store};

/// Opens the account of an API unless it is there. Accounts come into being when they are first used, so that an API which
/// nobody asks for costs nothing.
pub(crate) fn ensure(store: &Store, description: &'static Description) -> Result<(), ApiError> {
    if store.read().has_account(&description.api.name) {
        return Ok(());
    }
    store.write(|state| match state.has_account(&description.api.name) {
        true => Ok(()),
        false => open(state, description),
    })?;
    // An account was always there as far as anybody can tell.
    store.settle();
    Ok(())
}

/// Puts into the state what the description's `x-seed` lists.
pub(crate) fn open(state: &mut State, description: &'static Description) -> Result<(), ApiError> {
    open_as(state, description, None)
}

/// [`open`], in the organisation of this id.
pub(crate) fn open_as(
    state: &mut State,
    description: &'static Description,
    organisation: Option<&str>,
) -> Result<(), ApiError> {
    let api = description.api.name.as_str();
    let (made, user) = (state.ids.id(), state.ids.id());
    let account = state.account_mut(api);
    account.organisation_id = organisation.map_or_else(|| Arc::from(made), Arc::from);
    account.user_id = Arc::from(user);
    let caller = Caller::of(&description.api);
    let mut work = Work {
        description,
        state,
        caller: &caller,
    };
    for seed in &description.seed {
        let resource = work.resource(&seed.kind)?;
        let object =
            work.create_as(resource, Map::clone(&seed.fields), None, seed.id.as_deref())?;
        if !seed.amended.is_empty() {
            work.amend(&seed.kind, &object.id, |fields| {
                fields.extend(seed.amended.clone());
            });
        }
        let id = Arc::clone(&object.id);
        match seed.part {
            Some(Part::User) => work.state.account_mut(api).user_id = id,
            Some(Part::DefaultWorkspace) => work.state.account_mut(api).default_workspace = id,
            None => {}
        }
    }
    Ok(())
}
