//! What usage-limit policies have counted, by the values that they group by.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Hook, Target};
use crate::description::Description;
use crate::engine::analytics::{self, metric};
use crate::engine::error::ApiError;
use crate::engine::list::page_of;
use crate::engine::shape::Outcome;
use crate::engine::work::{self, Work};
use crate::store::State;
use crate::store::record::{Object, Record};

/// Where a policy keeps when the usage of a value was reset last.
const RESETS: &str = "^resets";

#[derive(Debug)]
pub(crate) struct UsagePolicy;

impl Hook for UsagePolicy {
    fn view(
        &self,
        description: &'static Description,
        state: &State,
        _step: &str,
        target: &Target<'_>,
    ) -> Result<Outcome, ApiError> {
        let policy = target.record(description, state)?;
        let limit = policy.get("credit_limit").and_then(Value::as_f64);
        let status = target.request.query_text("status");
        let search = target.request.query_text("search").unwrap_or_default();
        let entities = usage(state, &policy)
            .into_iter()
            .filter(|(key, used)| {
                let exhausted = limit.is_some_and(|limit| *used >= limit);
                key.contains(search)
                    && status.is_none_or(|status| (status == "exhausted") == exhausted)
            })
            .map(|(key, used)| {
                let mut fields = Map::new();
                fields.insert("id".to_owned(), Value::from(key.as_str()));
                fields.insert("value_key".to_owned(), Value::from(key));
                fields.insert("current_usage".to_owned(), json!(used));
                Object::new(fields)
            })
            .collect();
        Ok(page_of(
            entities,
            target.operation,
            target.behaviour,
            target.request,
        ))
    }

    /// `reset` begins to count the usage of one value again.
    fn call(
        &self,
        work: &mut Work<'_>,
        _step: &str,
        target: &Target<'_>,
    ) -> Result<Outcome, ApiError> {
        let policy = target.record(work.description, work.state)?;
        let entity = target.request.path.get("entityId").and_then(Value::as_str);
        let entity = entity.unwrap_or_default().to_owned();
        let now = Value::from(work.state.clock.now());
        work.amend("usage-limits-policy", &policy.id, |fields| {
            let resets = fields.entry(RESETS.to_owned()).or_insert_with(|| json!({}));
            resets[entity] = now;
        });
        Ok(Outcome::Empty)
    }
}

/// What was used of a policy's limit, by the values that it groups by.
fn usage(state: &State, policy: &Record) -> BTreeMap<String, f64> {
    let workspace = policy.target("workspace_id");
    let workspace = workspace.and_then(|id| work::find(state, "workspace", id, None));
    let slug = workspace
        .as_ref()
        .and_then(|workspace| workspace.slug.as_deref());
    let list = |field: &str| policy.get(field).and_then(Value::as_array).cloned();
    let (conditions, groups) = (list("conditions"), list("group_by"));
    let mut used: BTreeMap<String, f64> = BTreeMap::new();
    for log in analytics::matching(state, slug, None) {
        let meets = |condition: &Value| {
            let own = value(&log, condition.get("key"));
            let among = match condition.get("value") {
                Some(Value::Array(values)) => values.iter().any(|value| value == &own),
                Some(value) => value == "*" || value.as_str() == Some(&own),
                None => false,
            };
            among != (condition.get("excludes") == Some(&Value::Bool(true)))
        };
        if !conditions.iter().flatten().all(meets) {
            continue;
        }
        let key: Vec<String> = groups
            .iter()
            .flatten()
            .map(|group| {
                let name = group.get("key").and_then(Value::as_str).unwrap_or_default();
                format!("{name}:{}", value(&log, group.get("key")))
            })
            .collect();
        let key = key.join("|");
        let reset = policy
            .get(RESETS)
            .and_then(|resets| resets.get(&key)?.as_str());
        if reset.is_some_and(|reset| log.text("created_at").is_some_and(|made| made <= reset)) {
            continue;
        }
        let amount = match policy.text("type") {
            Some("cost") => metric(&log, "cost").and_then(Value::as_f64),
            Some("tokens") => metric(&log, "total_units").and_then(Value::as_f64),
            _ => Some(1.0),
        };
        *used.entry(key).or_default() += amount.unwrap_or(0.0);
    }
    used
}

/// What a log has under a key of a condition or a group.
fn value(log: &Record, key: Option<&Value>) -> String {
    let key = key.and_then(Value::as_str).unwrap_or_default();
    let found = match key.strip_prefix("metadata.") {
        Some(name) => log.get("metadata").and_then(|metadata| metadata.get(name)),
        None => metric(
            log,
            match key {
                "api_key" => "api_key_id",
                "model" => "ai_model",
                "provider" => "ai_org",
                other => other,
            },
        ),
    };
    found.and_then(Value::as_str).unwrap_or_default().to_owned()
}
