//! Who sends a request: the built-in admin key, or a key made through the API with its limits.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::error::ApiError;
use super::find;
use crate::description::Description;
use crate::description::api::{ApiSpec, Tenancy};
use crate::description::node::Node;
use crate::description::operation::Operation;
use crate::description::resource::{OWNER, Resource};
use crate::store::record::Record;
use crate::store::{Account, State};

/// Who sends a request. Without a key it is the built-in one, which may do everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller {
    /// The API that is called; none for a request that is not made yet.
    api: Option<&'static ApiSpec>,
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
pub(crate) fn is_over(state: &State, time: Option<&Value>) -> bool {
    let time = time.and_then(Value::as_str);
    let time = time.and_then(|text| text.parse::<Timestamp>().ok());
    time.is_some_and(|time| time <= state.clock.time().timestamp())
}

impl Caller {
    /// The built-in key, used on an API.
    pub(crate) fn of(api: &'static ApiSpec) -> Caller {
        Caller {
            api: Some(api),
            key: None,
        }
    }

    /// Finds whose secret this is: nobody's, or that of a key, which is refused if it is over.
    pub(crate) fn with_secret(
        api: &'static ApiSpec,
        state: &State,
        secret: &str,
    ) -> Option<Result<Caller, ApiError>> {
        let kinds = api.credentials.as_ref()?;
        let secrets = state.collection(&kinds.secret)?;
        let secret = secrets.by_slug(&digest(secret), "")?;
        let key = secret
            .target("key_id")
            .filter(|_| !is_over(state, secret.get("expires_at")))
            .and_then(|id| find::named(state, &kinds.key, id, None))
            .filter(|key| !is_over(state, key.get("expires_at")));
        Some(key.ok_or_else(ApiError::unauthorised).map(|key| Caller {
            api: Some(api),
            key: Some(key),
        }))
    }

    /// What keys can be confined to.
    pub(crate) fn tenancy(&self) -> Option<&'static Tenancy> {
        self.api?.tenancy.as_ref()
    }

    /// Refuses an operation that the key's scopes or its kind do not allow.
    pub(crate) fn may(
        &self,
        description: &Description,
        operation: &Operation,
        path: &[(&str, &str)],
    ) -> Result<(), ApiError> {
        // A scope may depend on the path, as `{type}_{sub-type}_api_keys.create` does.
        let scopes = operation.scopes.iter().map(|scope| {
            let mut scope = scope.clone();
            for (name, value) in path {
                scope = scope.replace(&format!("{{{name}}}"), value);
            }
            scope
        });
        match operation.scopes.is_empty() || self.key.is_none() {
            true => Ok(()),
            false => self.holds_one(description, scopes),
        }
    }

    /// Refuses a key that has none of the scopes.
    pub(crate) fn holds_one(
        &self,
        description: &Description,
        scopes: impl IntoIterator<Item = String>,
    ) -> Result<(), ApiError> {
        let Some(key) = &self.key else {
            return Ok(());
        };
        let held = |wanted: &str| {
            let scopes = key.get("scopes").and_then(Value::as_array);
            let mut scopes = scopes.into_iter().flatten().filter_map(Value::as_str);
            scopes.any(|scope| scope == wanted) && !is_beyond(description, key, wanted)
        };
        match scopes.into_iter().any(|scope| held(&scope)) {
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
        self.key.as_ref()?.target(&self.tenancy()?.field)
    }

    /// The key, if it was made through the API.
    pub(crate) fn key(&self) -> Option<&Arc<Record>> {
        self.key.as_ref()
    }

    /// The user for whom the key acts.
    pub(crate) fn user<'c>(&'c self, state: &'c State) -> &'c Arc<str> {
        let own = self.key.as_ref().and_then(|key| key.target("user_id"));
        own.unwrap_or_else(|| &self.account(state).user_id)
    }

    /// The account that the key belongs to.
    pub(crate) fn account<'c>(&self, state: &'c State) -> &'c Account {
        state.account(self.api.map_or("", |api| &api.name))
    }

    /// Refuses an object of another workspace than the key's.
    pub(crate) fn may_see(
        &self,
        state: &State,
        resource: &Resource,
        record: &Record,
    ) -> Result<(), ApiError> {
        let (Some(own), Some(tenancy)) = (self.workspace(), self.tenancy()) else {
            return Ok(());
        };
        let workspace = match (&*resource.name, &resource.spec.member) {
            (kind, _) if kind == tenancy.kind => Some(&record.id),
            (_, Some(member)) if member.of == tenancy.kind => record.target(OWNER),
            // A member is where its owner is, and an owner out of sight is refused before.
            (_, Some(member)) => {
                let owner = record.target(OWNER);
                let owner = owner.and_then(|owner| find::named(state, &member.of, owner, None));
                let outside = owner
                    .as_ref()
                    .and_then(|owner| owner.target(&tenancy.field))
                    .is_some_and(|workspace| workspace != own);
                return if outside {
                    Err(ApiError::not_permitted())
                } else {
                    Ok(())
                };
            }
            _ => record.target(&tenancy.field),
        };
        let seen = match workspace {
            Some(workspace) => workspace == own,
            None => !confines(resource, tenancy),
        };
        match seen {
            true => Ok(()),
            false => Err(ApiError::not_permitted()),
        }
    }
}

/// Whether objects of a kind that are in no workspace are out of sight for keys of a workspace.
fn confines(resource: &Resource, tenancy: &Tenancy) -> bool {
    let reference = resource.spec.references.get(&tenancy.field);
    reference.is_some_and(|reference| reference.confines)
}

/// Whether a kind of key can never have a scope.
fn is_beyond(description: &Description, key: &Record, scope: &str) -> bool {
    let limits = description.document.get("x-scope-limits");
    let limits = limits
        .and_then(|limits| limits.get(key.text("type")?))
        .and_then(Node::as_array);
    let mut limits = limits.into_iter().flatten().filter_map(Node::as_str);
    limits.any(|limit| match limit.strip_suffix(".*") {
        Some(group) => scope
            .strip_prefix(group)
            .is_some_and(|rest| rest.starts_with('.')),
        None => limit == scope,
    })
}
