//! API keys: secrets that are shown once, rotation, and what a key can pass on.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::rotation::{self, TRANSITION};
use super::{Hook, Target};
use crate::description::Description;
use crate::engine::caller::{digest, is_over};
use crate::engine::error::ApiError;
use crate::engine::shape::Outcome;
use crate::engine::work::Work;
use crate::engine::{secrets, write};
use crate::gateway::limits;
use crate::store::State;
use crate::store::record::{Object, Record};

/// The kind that holds the digests of secrets.
const SECRET: &str = "api-key-secret";

/// The field that names the secret which is the key's own now.
const CURRENT: &str = "^secret";

#[derive(Debug)]
pub(crate) struct ApiKey;

impl Hook for ApiKey {
    fn before_create(
        &self,
        work: &mut Work<'_>,
        input: &mut Map<String, Value>,
        _owner: Option<&Arc<Record>>,
    ) -> Result<(), ApiError> {
        let has = |field: &str| input.get(field).is_some_and(Value::is_string);
        match input
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default()
        {
            "organisation-service" => {}
            "workspace-service" | "workspace-user" if !has("workspace_id") => {
                return Err(ApiError::invalid(
                    "workspace_id is required for this type of key",
                ));
            }
            "workspace-user" if !has("user_id") => {
                return Err(ApiError::invalid(
                    "user_id is required for this type of key",
                ));
            }
            "workspace-service" | "workspace-user" => {}
            _ => return Err(ApiError::invalid("There is no such type of key")),
        }
        let scopes = input.get("scopes").and_then(Value::as_array);
        if scopes.is_none_or(Vec::is_empty) {
            return Err(ApiError::bad_gateway());
        }
        if let Some(Value::Object(defaults)) = input.get_mut("defaults") {
            defaults
                .entry("metadata".to_owned())
                .or_insert_with(|| Value::Object(Map::new()));
        }
        settle(work, input)
    }

    fn before_update(
        &self,
        work: &mut Work<'_>,
        record: &Record,
        input: &mut Map<String, Value>,
    ) -> Result<(), ApiError> {
        if input.get("reset_usage") == Some(&Value::Bool(true)) {
            let now = Value::from(work.state.clock.now());
            input.insert("last_reset_at".to_owned(), now);
            work.state.usage.forget(&record.id, Some(limits::ALL));
        }
        settle(work, input)?;
        for (field, value) in catch_up(work, record)? {
            input.entry(field).or_insert(value);
        }
        if let Some(policy) = input.get("rotation_policy").cloned() {
            let current = input.get(CURRENT).or(record.get(CURRENT));
            let current = current
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
            let transition = input.get(TRANSITION).or(record.get(TRANSITION)).cloned();
            let until = rotation::lasts(&policy, transition.as_ref());
            work.amend(SECRET, &current, |fields| {
                fields.insert("expires_at".to_owned(), until);
            });
        }
        Ok(())
    }

    /// A key whose budget or time is over says so, and one that was rotated by its policy shows that.
    fn present(
        &self,
        _description: &'static Description,
        state: &State,
        fields: &mut Map<String, Value>,
    ) {
        limits::present(state, fields);
        if let Some(rotation) = rotation::due(state, fields) {
            rotation.show(fields);
        }
        if is_over(state, fields.get("expires_at")) {
            fields.insert("status".to_owned(), Value::from("expired"));
        }
    }

    fn call(
        &self,
        work: &mut Work<'_>,
        step: &str,
        target: &Target<'_>,
    ) -> Result<Outcome, ApiError> {
        match step {
            "rotate" => rotate(work, target),
            _ => create(work, target),
        }
    }
}

/// Makes a key and its secret, which no later answer has.
fn create(work: &mut Work<'_>, target: &Target<'_>) -> Result<Outcome, ApiError> {
    let resource = work.resource("api-key")?;
    let mut input = write::described(target.operation, resource, target.request.members());
    write::confine(work, resource, target.request, &mut input)?;
    let kind = target.request.name("type");
    let sub_kind = target.request.name("sub-type");
    input.insert("type".to_owned(), Value::from(format!("{kind}-{sub_kind}")));
    if kind == "organisation" {
        input.remove("workspace_id");
    }
    if sub_kind == "service" {
        input.remove("user_id");
    }
    let secret = new_secret(work);
    input.insert("key".to_owned(), Value::from(secrets::mask(&secret)));
    let record = work.create(resource, input, None)?;
    keep(work, &record.id, &secret, &record.fields)?;
    Ok(reveal(&record, secret, None))
}

/// Gives a key another secret; the former one stays good for a while.
fn rotate(work: &mut Work<'_>, target: &Target<'_>) -> Result<Outcome, ApiError> {
    let record = target.record(work.description, work.state)?;
    let mut fields = record.fields.copied();
    fields.extend(catch_up(work, &record)?);
    let transition = fields.get(TRANSITION);
    if transition.is_some() && !is_over(work.state, transition) {
        return Err(ApiError::conflict(
            "The key is in the transition of a rotation",
        ));
    }
    let asked = target.request.members();
    let asked = asked
        .get("key_transition_period_ms")
        .and_then(Value::as_i64);
    let period = asked.unwrap_or_else(|| rotation::transition(fields.get("rotation_policy")));
    let until = work.state.clock.later(period);
    if let Some(former) = fields.get(CURRENT).and_then(Value::as_str) {
        let until = Value::from(until.as_str());
        work.amend(SECRET, former, |fields| {
            fields.insert("expires_at".to_owned(), until);
        });
    }
    let secret = new_secret(work);
    fields.insert("key".to_owned(), Value::from(secrets::mask(&secret)));
    fields.insert(TRANSITION.to_owned(), Value::from(until.as_str()));
    let now = Value::from(work.state.clock.now());
    fields.insert("last_updated_at".to_owned(), now);
    let kept = keep(work, &record.id, &secret, &fields)?;
    fields.insert(CURRENT.to_owned(), kept);
    work.amend("api-key", &record.id, |stored| *stored = fields);
    Ok(reveal(&record, secret, Some(until)))
}

/// Writes down the rotation that the key's policy has come to, and returns what it changes of the key.
fn catch_up(work: &mut Work<'_>, record: &Record) -> Result<Map<String, Value>, ApiError> {
    let mut changed = Map::new();
    if let Some(rotation) = rotation::due(work.state, &record.fields) {
        rotation.show(&mut changed);
        let kept = keep(work, &record.id, &rotation.secret, &changed)?;
        changed.insert(CURRENT.to_owned(), kept);
    }
    Ok(changed)
}

fn reveal(record: &Record, secret: String, until: Option<String>) -> Outcome {
    let mut fields = Map::clone(&record.fields);
    fields.insert("key".to_owned(), Value::from(secret));
    if let Some(until) = until {
        fields.insert(TRANSITION.to_owned(), Value::from(until));
    }
    Outcome::Object(Object::new(fields))
}

/// Keeps what is needed to recognise the secret of a key with these fields, and returns the id of that.
fn keep(
    work: &mut Work<'_>,
    key: &str,
    secret: &str,
    fields: &Map<String, Value>,
) -> Result<Value, ApiError> {
    let policy = fields.get("rotation_policy").unwrap_or(&Value::Null);
    let until = rotation::lasts(policy, fields.get(TRANSITION));
    let resource = work.resource(SECRET)?;
    let mut input = Map::new();
    input.insert("digest".to_owned(), Value::from(digest(secret)));
    input.insert("key_id".to_owned(), Value::from(key));
    input.insert("expires_at".to_owned(), until);
    let kept = Value::from(&*work.create(resource, input, None)?.id);
    work.amend("api-key", key, |fields| {
        fields.insert(CURRENT.to_owned(), kept.clone());
    });
    Ok(kept)
}

fn new_secret(work: &mut Work<'_>) -> String {
    let ids = &mut work.state.ids;
    let random = format!("{}{}", ids.id(), ids.id()).replace('-', "");
    random.chars().take(40).collect()
}

/// What creations and updates have in common.
fn settle(work: &Work<'_>, input: &mut Map<String, Value>) -> Result<(), ApiError> {
    work.caller.may_grant(input.get("scopes"))?;
    // What was cleared reads like what was never set.
    for list in ["rate_limits", "alert_emails"] {
        if input.get(list) == Some(&Value::Null) {
            input.insert(list.to_owned(), Value::Array(Vec::new()));
        }
    }
    let overriding = input
        .get("defaults")
        .and_then(|defaults| defaults.get("allow_config_override"));
    if let Some(overriding) = overriding.cloned() {
        input.insert("allow_config_override".to_owned(), overriding);
    }
    if let Some(Value::Object(policy)) = input.get_mut("rotation_policy") {
        rotation::schedule(policy, work.state.clock.time().timestamp())?;
    }
    Ok(())
}
