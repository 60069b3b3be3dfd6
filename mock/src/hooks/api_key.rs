//! API keys: secrets that are shown once, rotation, and what a key can pass on.

use std::sync::Arc;

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use serde_json::{Map, Value};

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

/// The shortest time for which the former secret stays good: half an hour, in milliseconds.
const SHORTEST_TRANSITION: i64 = 30 * 60 * 1000;

/// When the transition of the last rotation ends.
const TRANSITION: &str = "key_transition_expires_at";

/// The kind that holds the digests of secrets.
const SECRET: &str = "api-key-secret";

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
        settle(work, input)
    }

    /// A key whose budget or time is over says so.
    fn present(
        &self,
        _description: &'static Description,
        state: &State,
        fields: &mut Map<String, Value>,
    ) {
        limits::present(state, fields);
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
    let mut input = write::described(target.operation, resource, target.request);
    write::confine(work, resource, target.request, &mut input)?;
    let segment = |name: &str| target.request.path.get(name).and_then(Value::as_str);
    let kind = segment("type").unwrap_or_default();
    let sub_kind = segment("sub-type").unwrap_or_default();
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
    keep(work, &record, &secret)?;
    Ok(reveal(&record, secret, None))
}

/// Gives a key another secret; the former one stays good for a while.
fn rotate(work: &mut Work<'_>, target: &Target<'_>) -> Result<Outcome, ApiError> {
    let record = target.record(work.description, work.state)?;
    if record.get(TRANSITION).is_some() && !is_over(work.state, record.get(TRANSITION)) {
        return Err(ApiError::conflict(
            "The key is in the transition of a rotation",
        ));
    }
    let asked = target.request.members();
    let asked = asked.get("key_transition_period_ms");
    let policy = record
        .get("rotation_policy")
        .and_then(|policy| policy.get("key_transition_period_ms"));
    let period = asked.or(policy).and_then(Value::as_i64);
    let until = work
        .state
        .clock
        .later(period.unwrap_or(SHORTEST_TRANSITION));
    if let Some(former) = record
        .text("^secret")
        .and_then(|id| work.find(SECRET, id, None))
    {
        let until = Value::from(until.as_str());
        work.amend(SECRET, &former.id, |fields| {
            fields.insert("expires_at".to_owned(), until);
        });
    }
    let secret = new_secret(work);
    keep(work, &record, &secret)?;
    let now = Value::from(work.state.clock.now());
    let mask = Value::from(secrets::mask(&secret));
    work.amend("api-key", &record.id, |fields| {
        fields.insert("key".to_owned(), mask);
        fields.insert(TRANSITION.to_owned(), Value::from(until.as_str()));
        fields.insert("last_updated_at".to_owned(), now);
    });
    Ok(reveal(&record, secret, Some(until)))
}

fn reveal(record: &Record, secret: String, until: Option<String>) -> Outcome {
    let mut fields = Map::clone(&record.fields);
    fields.insert("key".to_owned(), Value::from(secret));
    if let Some(until) = until {
        fields.insert(TRANSITION.to_owned(), Value::from(until));
    }
    Outcome::Object(Object::new(fields))
}

/// Keeps what is needed to recognise a secret.
fn keep(work: &mut Work<'_>, record: &Record, secret: &str) -> Result<(), ApiError> {
    let resource = work.resource(SECRET)?;
    let mut input = Map::new();
    input.insert("digest".to_owned(), Value::from(digest(secret)));
    input.insert("key_id".to_owned(), Value::from(&*record.id));
    let kept = work.create(resource, input, None)?;
    work.amend("api-key", &record.id, |fields| {
        fields.insert("^secret".to_owned(), Value::from(&*kept.id));
    });
    Ok(())
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
        schedule(policy, work.state.clock.time().timestamp())?;
    }
    Ok(())
}

/// Checks a rotation policy and says when it rotates the key next.
fn schedule(policy: &mut Map<String, Value>, now: Timestamp) -> Result<(), ApiError> {
    policy.retain(|_, value| !value.is_null());
    let rules = [
        "rotation_period",
        "rotation_period_days",
        "next_rotation_at",
    ];
    if rules
        .iter()
        .filter(|rule| policy.contains_key(**rule))
        .count()
        != 1
    {
        return Err(ApiError::invalid(
            "rotation_policy: exactly one of a period and next_rotation_at is required",
        ));
    }
    let next = match (
        policy.get("rotation_period"),
        policy.get("rotation_period_days"),
    ) {
        (Some(period), _) if period == "monthly" => now
            .to_zoned(TimeZone::UTC)
            .checked_add(1.month())
            .map(|next| next.timestamp()),
        (Some(_), _) => now.checked_add((7 * 24).hours()),
        (None, Some(days)) => now.checked_add((days.as_i64().unwrap_or(1) * 24).hours()),
        (None, None) => {
            let next = policy.get("next_rotation_at").and_then(Value::as_str);
            next.unwrap_or_default().parse::<Timestamp>()
        }
    };
    let next =
        next.map_err(|_| ApiError::invalid("rotation_policy: next_rotation_at is no time"))?;
    if next <= now {
        return Err(ApiError::invalid(
            "rotation_policy: next_rotation_at is over",
        ));
    }
    let transition = policy
        .get("key_transition_period_ms")
        .and_then(Value::as_i64);
    let until_next = next.as_millisecond() - now.as_millisecond();
    if transition.is_some_and(|transition| transition >= until_next) {
        return Err(ApiError::invalid(
            "rotation_policy: key_transition_period_ms must be less than the time between rotations",
        ));
    }
    policy.insert(
        "next_rotation_at".to_owned(),
        Value::from(format!("{next:.3}")),
    );
    Ok(())
}
