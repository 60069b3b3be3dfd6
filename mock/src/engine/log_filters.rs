//! Which logs a question about figures, or an export, is about.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::analytics::{made, metric, second};
use crate::store::State;
use crate::store::record::Record;

/// The logs of a workspace that pass filters, in the spelling of the query parameters.
pub(crate) fn matching(
    state: &State,
    workspace: Option<&str>,
    filters: Option<&Map<String, Value>>,
) -> Vec<Arc<Record>> {
    let Some(logs) = state.collection("log") else {
        return Vec::new();
    };
    let asks_for_feedback = filters
        .into_iter()
        .flat_map(Map::keys)
        .any(|name| name.starts_with("weighted_feedback_"));
    let feedback = match asks_for_feedback {
        true => Feedback::of_all(state),
        false => Feedback::default(),
    };
    logs.active()
        .iter()
        .filter_map(|number| logs.at(*number))
        .filter(|log| {
            workspace.is_none_or(|slug| metric(log, "workspace_slug") == Some(&json!(slug)))
                && filters
                    .into_iter()
                    .flatten()
                    .all(|(name, wanted)| passes(&feedback, log, name, wanted))
        })
        .cloned()
        .collect()
}

/// Whether a log passes one filter. What is no filter, such as a page, lets all pass.
fn passes(feedback: &Feedback<'_>, log: &Record, name: &str, wanted: &Value) -> bool {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let number = |field: &str| metric(log, field).and_then(Value::as_f64).unwrap_or(0.0);
    let bound = || wanted.as_f64().or_else(|| text(wanted).parse().ok());
    let at_least = |number: f64| bound().is_none_or(|least| number >= least);
    let at_most = |number: f64| bound().is_none_or(|most| number <= most);
    let is_among = |own: &str| text(wanted).split(',').any(|one| one.trim() == own);
    let among = |field: &str| is_among(&metric(log, field).map(text).unwrap_or_default());
    match name {
        "time_of_generation_min" => second(&text(wanted)).is_none_or(|least| made(log) >= least),
        "time_of_generation_max" => second(&text(wanted)).is_none_or(|most| made(log) <= most),
        "total_units_min" => at_least(number("total_units")),
        "total_units_max" => at_most(number("total_units")),
        "cost_min" => at_least(number("cost")),
        "cost_max" => at_most(number("cost")),
        "prompt_token_min" => at_least(number("req_units")),
        "prompt_token_max" => at_most(number("req_units")),
        "completion_token_min" => at_least(number("res_units")),
        "completion_token_max" => at_most(number("res_units")),
        // A log without feedback has no score to compare.
        "weighted_feedback_min" => feedback.of(log).is_some_and(at_least),
        "weighted_feedback_max" => feedback.of(log).is_some_and(at_most),
        "status_code" => among("response_status_code"),
        "ai_model" => among("ai_model"),
        "ai_org_model" => {
            let part = |field: &str| metric(log, field).map(text).unwrap_or_default();
            is_among(&format!("{}__{}", part("ai_org"), part("ai_model")))
        }
        "trace_id" => among("trace_id"),
        "span_id" => among("span_id"),
        "virtual_keys" => among("virtual_key"),
        "configs" => among("config"),
        "api_key_ids" => among("api_key_id"),
        "prompt_slug" => among("prompt_slug"),
        "metadata" => {
            let wanted = match wanted {
                Value::String(written) => serde_json::from_str(written).unwrap_or_default(),
                other => other.clone(),
            };
            let own = |key: &str| log.get("metadata").and_then(|own| own.get(key));
            let Value::Object(pairs) = wanted else {
                return true;
            };
            pairs
                .iter()
                .all(|(key, value)| own(key).is_some_and(|own| text(own) == text(value)))
        }
        _ => true,
    }
}

/// The weighted scores that logs were given, by their traces.
#[derive(Debug, Default)]
pub(super) struct Feedback<'s>(HashMap<&'s str, (f64, f64)>);

impl<'s> Feedback<'s> {
    pub(super) fn of_all(state: &'s State) -> Feedback<'s> {
        let mut scores: HashMap<&str, (f64, f64)> = HashMap::new();
        let given = state.collection("feedback");
        let given = given.into_iter().flat_map(|given| {
            let numbers = given.active().iter();
            numbers.filter_map(|number| given.at(*number))
        });
        for one in given {
            let number = |field: &str| one.get(field).and_then(Value::as_f64);
            if let Some(trace) = one.text("trace_id") {
                let (sum, count) = scores.entry(trace).or_default();
                *sum += number("value").unwrap_or(0.0) * number("weight").unwrap_or(1.0);
                *count += 1.0;
            }
        }
        Feedback(scores)
    }

    /// The average of what a log was given, if it was given any.
    pub(super) fn of(&self, log: &Record) -> Option<f64> {
        let trace = metric(log, "trace_id")?.as_str()?;
        self.0.get(trace).map(|(sum, count)| sum / count)
    }
}
