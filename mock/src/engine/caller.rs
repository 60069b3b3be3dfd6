//! Who sends a request: the built-in admin key, or a key made through the API with its limits.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::error::ApiError;
use super::work;
use crate::description::Description;
use crate::description::operation::Operation;
use crate::description::resource::{OWNER, Resource};
use crate::store::State;
use crate::store::record::Record;

/// The kind that holds the digests of secrets.
pub(crate) const SECRET: &str = "api-key-secret";

/// The reference to the workspace that an object is in.
const WORKSPACE: &str = "workspace_id";

/// Who sends a request. Without a key it is the built-in one, which may do everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller {
    key: Option<Arc<Record>>,
}

/// What is kept of a secret: enough to recognise it. It keeps the store free of secrets; it is
/// not meant to withstand an attack.
pub(crate) fn digest(secret: &str) -> String {
    let half = |salt: &str| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        secret.hash(&mut hasher);
        hasher.finish()
    };
    format!("{:016x}{:016x}", half("first"), half("second"))
}

/// Whether a time in the form of the API is over. What is no time never is.
pub(crate) fn is_over(time: Option<&Value>) -> bool {
    let time = time.and_then(Value::as_str);
    let time = time.and_then(|text| text.parse::<Timestamp>().ok());
    time.is_some_and(|time| time <= Timestamp::now())
}

impl Caller {
    /// Finds whose secret this is; a secret that is unknown or over is refused.
    pub(crate) fn with_secret(state: &State, secret: &str) -> Result<Caller, ApiError> {
        let found = state
            .collection(SECRET)
            .and_then(|secrets| secrets.by_slug(&digest(secret), ""))
            .filter(|secret| !is_over(secret.get("expires_at")))
            .and_then(|secret| work::find(state, "api-key", secret.target("key_id")?, None))
            .filter(|key| !is_over(key.get("expires_at")));
        match found {
            Some(key) => Ok(Caller { key: Some(key) }),
            None => Err(ApiError::unauthorised()),
        }
    }

    /// Refuses an operation that the key's scopes or its kind do not allow.
    pub(crate) fn may(
        &self,
        description: &Description,
        operation: &Operation,
        path: &[(&str, &str)],
    ) -> Result<(), ApiError> {
        let Some(key) = &self.key else {
            return Ok(());
        };
        if operation.scopes.is_empty() {
            return Ok(());
        }
        let held = |wanted: &str| {
            let scopes = key.get("scopes").and_then(Value::as_array);
            let mut scopes = scopes.into_iter().flatten().filter_map(Value::as_str);
            scopes.any(|scope| scope == wanted) && !is_beyond(description, key, wanted)
        };
        let allowed = operation.scopes.iter().any(|scope| {
            // A scope may depend on the path, as `{type}_{sub-type}_api_keys.create` does.
            let mut scope = scope.clone();
            for (name, value) in path {
                scope = scope.replace(&format!("{{{name}}}"), value);
            }
            held(&scope)
        });
        match allowed {
            true => Ok(()),
            false => Err(ApiError::not_permitted()),
        }
    }

    /// Refuses scopes that the key does not have itself.
    pub(crate) fn may_grant(&self, scopes: Option<&Value>) -> Result<(), ApiError> {
        let Some(key) = &self.key else {
            return Ok(());
        };
        let own = key.get("scopes").and_then(Value::as_array);
        let scopes = scopes.and_then(Value::as_array);
        let has = |scope: &Value| own.is_some_and(|own| own.contains(scope));
        match scopes.into_iter().flatten().all(has) {
            true => Ok(()),
            false => Err(ApiError::not_permitted()),
        }
    }

    /// The workspace that the key is confined to.
    pub(crate) fn workspace(&self) -> Option<&Arc<str>> {
        self.key.as_ref()?.target(WORKSPACE)
    }

    /// The id of the key, if it was made through the API.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.key.as_ref().map(|key| &*key.id)
    }

    /// The user for whom the key acts.
    pub(crate) fn user<'c>(&'c self, state: &'c State) -> &'c Arc<str> {
        let own = self.key.as_ref().and_then(|key| key.target("user_id"));
        own.unwrap_or(&state.account.user_id)
    }

    /// Refuses an object of another workspace than the key's.
    pub(crate) fn may_see(
        &self,
        state: &State,
        resource: &Resource,
        record: &Record,
    ) -> Result<(), ApiError> {
        let Some(own) = self.workspace() else {
            return Ok(());
        };
        let workspace = match (&*resource.name, &resource.spec.member) {
            ("workspace", _) => Some(&record.id),
            (_, Some(member)) if member.of == "workspace" => record.target(OWNER),
            // A member is where its owner is, and an owner out of sight is refused before.
            (_, Some(member)) => {
                let owner = record.target(OWNER);
                let owner = owner.and_then(|owner| work::find(state, &member.of, owner, None));
                let outside = owner
                    .as_ref()
                    .and_then(|owner| owner.target(WORKSPACE))
                    .is_some_and(|workspace| workspace != own);
                return if outside {
                    Err(ApiError::not_permitted())
                } else {
                    Ok(())
                };
            }
            _ => record.target(WORKSPACE),
        };
        let seen = match workspace {
            Some(workspace) => workspace == own,
            None => !confines(resource),
        };
        match seen {
            true => Ok(()),
            false => Err(ApiError::not_permitted()),
        }
    }
}

/// Whether objects of a kind that are in no workspace are out of sight for keys of a workspace.
pub(crate) fn confines(resource: &Resource) -> bool {
    let reference = resource.spec.references.get(WORKSPACE);
    reference.is_some_and(|reference| reference.confines)
}

/// Whether a kind of key can never have a scope.
fn is_beyond(description: &Description, key: &Record, scope: &str) -> bool {
    let limits = description.document.get("x-scope-limits");
    let limits = limits
        .and_then(|limits| limits.get(key.text("type")?))
        .and_then(Value::as_array);
    let mut limits = limits.into_iter().flatten().filter_map(Value::as_str);
    limits.any(|limit| match limit.strip_suffix(".*") {
        Some(group) => scope
            .strip_prefix(group)
            .is_some_and(|rest| rest.starts_with('.')),
        None => limit == scope,
    })
}
