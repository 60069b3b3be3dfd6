//! The rotation of API keys by their policies: when it is next, and what it has made of a key.
//!
//! Nothing runs in the background. A secret is kept with the time at which its policy ends it, and what a rotation
//! changes of a key follows from the key and the clock, until the next write of the key puts it down.

use jiff::{SignedDuration, Timestamp, ToSpan as _, tz::TimeZone};
use serde_json::{Map, Value};

use crate::engine::caller::digest;
use crate::engine::error::ApiError;
use crate::engine::secrets;
use crate::store::State;

/// When the transition of the last rotation ends.
pub(super) const TRANSITION: &str = "key_transition_expires_at";

/// The shortest time for which the former secret stays good: half an hour, in milliseconds.
const SHORTEST_TRANSITION: i64 = 30 * 60 * 1000;

/// A rotation that a policy has brought about.
#[derive(Debug)]
pub(super) struct Rotation {
    /// What it made; the live API has no answer that shows it.
    pub(super) secret: String,
    at: Timestamp,
    policy: Map<String, Value>,
}

/// The last rotation that was due by now, and has not been written down.
///
/// A rotation waits for the end of the transition before it, as there are two good secrets at most.
pub(super) fn due(state: &State, key: &Map<String, Value>) -> Option<Rotation> {
    let policy = key.get("rotation_policy")?.as_object()?;
    let now = state.clock.time().timestamp();
    let first = time(policy.get("next_rotation_at"))?;
    let mut at = first.max(time(key.get(TRANSITION)).unwrap_or(first));
    if at > now {
        return None;
    }
    // No month is longer than 31 days, so that this is not too many, and only months leave some to go.
    let mut count = now.duration_since(first).as_hours() / (24 * longest_days(policy).unwrap_or(1));
    let mut next = None;
    while let Some(later) = step(policy, first, count) {
        if later > now {
            next = Some(later);
            break;
        }
        at = at.max(later);
        count += 1;
    }
    let mut policy = policy.clone();
    let next = next.map_or(Value::Null, |next| Value::from(format!("{next:.3}")));
    policy.insert("next_rotation_at".to_owned(), next);
    let former = key
        .get("^secret")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut secret = digest(&format!("{former} {at}")) + &digest(&format!("{at} {former}"));
    secret.truncate(40);
    Some(Rotation { secret, at, policy })
}

impl Rotation {
    /// Sets the fields of the key that it changes.
    pub(super) fn show(&self, fields: &mut Map<String, Value>) {
        let policy = Value::Object(self.policy.clone());
        let until = after(self.at, transition(Some(&policy)));
        fields.insert("key".to_owned(), Value::from(secrets::mask(&self.secret)));
        fields.insert(TRANSITION.to_owned(), until);
        fields.insert("rotation_policy".to_owned(), policy);
        let at = Value::from(format!("{:.3}", self.at));
        fields.insert("last_updated_at".to_owned(), at);
    }
}

/// When a policy ends the secret that is a key's own now, after `transition`, the end of the rotation that made it.
/// Null if it does not.
pub(super) fn lasts(policy: &Value, ending: Option<&Value>) -> Value {
    let next = time(policy.get("next_rotation_at"));
    next.map_or(Value::Null, |next| {
        let at = next.max(time(ending).unwrap_or(next));
        after(at, transition(Some(policy)))
    })
}

/// For how many milliseconds a former secret stays good.
pub(super) fn transition(policy: Option<&Value>) -> i64 {
    let period = policy.and_then(|policy| policy.get("key_transition_period_ms"));
    period
        .and_then(Value::as_i64)
        .unwrap_or(SHORTEST_TRANSITION)
}

/// Checks a rotation policy and says when it rotates the key next.
pub(super) fn schedule(policy: &mut Map<String, Value>, now: Timestamp) -> Result<(), ApiError> {
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
    let next = match policy.contains_key("next_rotation_at") {
        true => time(policy.get("next_rotation_at")),
        false => step(policy, now, 1),
    };
    let next =
        next.ok_or_else(|| ApiError::invalid("rotation_policy: next_rotation_at is no time"))?;
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

/// The time `count` periods after another one; none for a policy without a period.
fn step(policy: &Map<String, Value>, from: Timestamp, count: i64) -> Option<Timestamp> {
    match longest_days(policy)? {
        31 if policy.contains_key("rotation_period") => {
            let from = from.to_zoned(TimeZone::UTC);
            let months = i32::try_from(count).ok()?.months();
            from.checked_add(months).ok().map(|then| then.timestamp())
        }
        days => from
            .checked_add(SignedDuration::from_hours(24 * days * count))
            .ok(),
    }
}

/// The longest that a policy's period can be, in days.
fn longest_days(policy: &Map<String, Value>) -> Option<i64> {
    match policy.get("rotation_period").and_then(Value::as_str) {
        Some("monthly") => Some(31),
        Some(_) => Some(7),
        None => policy.get("rotation_period_days")?.as_i64(),
    }
}

fn time(value: Option<&Value>) -> Option<Timestamp> {
    value?.as_str()?.parse().ok()
}

fn after(time: Timestamp, milliseconds: i64) -> Value {
    let then = time.checked_add(SignedDuration::from_millis(milliseconds));
    then.map_or(Value::Null, |then| Value::from(format!("{then:.3}")))
}
