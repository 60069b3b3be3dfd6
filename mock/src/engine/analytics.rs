//! Figures about the logs that the mock keeps: totals, series over time, and groups.
//!
//! The logs are bounded in number, so that every figure is computed when it is asked for.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::log_filters::Feedback;
use crate::description::Description;
use crate::description::node::Node;
use crate::store::State;
use crate::store::record::Record;

/// Up to this many seconds, a series has a point for every hour, above it for every day.
const HOURLY: i64 = 3 * 24 * 60 * 60;

/// Where a log keeps what an answer from the cache would have cost.
pub(crate) const SAVED: &str = "^saved";

/// What tokens sent to and received from a model cost, in USD cents; models without a price cost nothing.
pub(crate) fn cost(description: &Description, model: &str, sent: f64, received: f64) -> f64 {
    let providers = description.document.get("x-model-prices");
    let mut providers = providers.and_then(Node::as_object).into_iter().flatten();
    let prices = providers.find_map(|(_, models)| models.get(model)?.as_array());
    let price = |which: usize| prices.and_then(|prices| prices.get(which)?.as_f64());
    price(0).unwrap_or(0.0) * sent + price(1).unwrap_or(0.0) * received
}

/// One of the figures that a log has.
pub(crate) fn metric<'l>(log: &'l Record, name: &str) -> Option<&'l Value> {
    log.get("metrics")?.get(name)
}

fn figure(log: &Record, name: &str) -> f64 {
    metric(log, name).and_then(Value::as_f64).unwrap_or(0.0)
}

/// A time in the form of the API, in milliseconds.
pub(super) fn second(time: &str) -> Option<i64> {
    let time = time.parse::<Timestamp>().ok()?;
    Some(time.as_millisecond())
}

/// When a log was made.
pub(super) fn made(log: &Record) -> i64 {
    log.text("created_at").and_then(second).unwrap_or(0)
}

/// The figures about a set of logs, under every name that an answer can have for them.
fn figures(logs: &[Arc<Record>], step: &str) -> Map<String, Value> {
    let failed = || {
        logs.iter()
            .filter(|log| metric(log, "is_success") == Some(&Value::Bool(false)))
    };
    let sum = |name: &str| logs.iter().map(|log| figure(log, name)).sum::<f64>();
    let per_log = |sum: f64| match logs.len() {
        0 => 0.0,
        #[expect(clippy::cast_precision_loss, reason = "there are few logs")]
        count => sum / count as f64,
    };
    let user = |log: &Arc<Record>| log.get("metadata").and_then(|m| m.get("_user")).cloned();
    let mut users: Vec<String> = logs
        .iter()
        .filter_map(user)
        .map(|user| user.to_string())
        .collect();
    users.sort_unstable();
    users.dedup();
    #[expect(clippy::cast_precision_loss, reason = "there are few logs")]
    let (count, errors, people) = (
        logs.len() as f64,
        failed().count() as f64,
        users.len() as f64,
    );
    let is_hit = |log: &Record| {
        let status = metric(log, "cache_status").and_then(Value::as_str);
        status.is_some_and(|status| status.ends_with("HIT"))
    };
    let hits = || logs.iter().filter(|log| is_hit(log));
    #[expect(clippy::cast_precision_loss, reason = "there are few logs")]
    let cached = |kind: &str| {
        let of_kind = hits().filter(|log| metric(log, "cache_type") == Some(&Value::from(kind)));
        of_kind.count() as f64
    };
    let hit_count = cached("simple") + cached("semantic");
    let hit_latency = match hit_count > 0.0 {
        true => hits().map(|log| figure(log, "response_time")).sum::<f64>() / hit_count,
        false => 0.0,
    };
    let (total, average) = match step {
        "cost" | "tokens" => {
            let total = sum(if step == "cost" {
                "cost"
            } else {
                "total_units"
            });
            (total, per_log(total))
        }
        "latency" => (count, per_log(sum("response_time"))),
        "users" => (people, 0.0),
        "users-requests" => (count, if people > 0.0 { count / people } else { 0.0 }),
        "errors" | "errors-stacks" => (errors, 0.0),
        "cache-hit-rate" => (hit_count, 0.0),
        "cache-latency" => (count, hit_latency),
        // No provider behind the mock fails, so that nothing is rescued.
        "nothing" => (0.0, 0.0),
        _ => (count, 0.0),
    };
    let mut times: Vec<f64> = logs
        .iter()
        .map(|log| figure(log, "response_time"))
        .collect();
    times.sort_unstable_by(f64::total_cmp);
    let percentile = |percent: usize| {
        let place = (times.len() * percent).div_ceil(100).saturating_sub(1);
        times.get(place).copied().unwrap_or(0.0)
    };
    let mut codes: BTreeMap<i64, u64> = BTreeMap::new();
    for log in failed() {
        let code = metric(log, "response_status_code").and_then(Value::as_i64);
        *codes.entry(code.unwrap_or(0)).or_default() += 1;
    }
    let stats: Vec<Value> = codes
        .iter()
        .map(|(code, count)| json!({ "response_status_code": code, "status_code": code, "count": count }))
        .collect();
    let rate = match step {
        "nothing" => 0.0,
        _ if count == 0.0 => 0.0,
        "cache-hit-rate" => hit_count * 100.0 / count,
        _ => errors * 100.0 / count,
    };
    let figures = json!({
        "total": whole(total), "avg": whole(average), "unique": whole(people), "rate": whole(rate),
        "p50": whole(percentile(50)), "p90": whole(percentile(90)), "p99": whole(percentile(99)),
        "total_errors": whole(errors), "unique_error_codes": codes.len(), "stats": stats,
        "hits": whole(hit_count), "total_requests": logs.len(), "avg_latency": whole(hit_latency),
        "simple_hits": whole(cached("simple")), "semantic_hits": whole(cached("semantic")),
    });
    match figures {
        Value::Object(figures) => figures,
        _ => Map::new(),
    }
}

/// The documents have whole numbers everywhere.
#[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
fn whole(number: f64) -> i64 {
    number.round() as i64
}

/// A summary of logs, and a point of it for every hour or day in which there are some.
pub(crate) fn graph(logs: &[Arc<Record>], step: &str) -> (Map<String, Value>, Vec<Value>) {
    let summary = figures(logs, step);
    if step == "errors-status-codes" {
        let points = summary.get("stats").and_then(Value::as_array).cloned();
        return (summary, points.unwrap_or_default());
    }
    let times = || logs.iter().map(|log| made(log) / 1000);
    let span = times().max().unwrap_or(0) - times().min().unwrap_or(0);
    let width = if span <= HOURLY {
        60 * 60
    } else {
        24 * 60 * 60
    };
    let mut buckets: BTreeMap<i64, Vec<Arc<Record>>> = BTreeMap::new();
    for log in logs {
        let start = made(log) / 1000 / width * width;
        buckets.entry(start).or_default().push(Arc::clone(log));
    }
    let mut saved = [("simple", 0.0), ("semantic", 0.0)];
    let points = buckets.into_iter().map(|(start, logs)| {
        let mut point = figures(&logs, step);
        point.insert("timestamp".to_owned(), Value::from(hour(start)));
        for (kind, saved) in &mut saved {
            let of_kind = |log: &&Arc<Record>| metric(log, "cache_type") == Some(&json!(*kind));
            let saving = |log: &Arc<Record>| log.get(SAVED).and_then(Value::as_f64);
            *saved += logs.iter().filter(of_kind).filter_map(saving).sum::<f64>();
            let name = format!("cumulative_{kind}_cache_savings");
            point.insert(name, Value::from(whole(*saved)));
        }
        Value::Object(point)
    });
    (summary, points.collect())
}

/// Figures about the feedback on logs: all of it, by score, or by model.
pub(crate) fn feedback(
    state: &State,
    logs: &[Arc<Record>],
    by: &str,
) -> (Map<String, Value>, Vec<Value>) {
    let models: HashMap<&str, &Record> = logs
        .iter()
        .filter_map(|log| Some((metric(log, "trace_id")?.as_str()?, &**log)))
        .collect();
    let given = state.collection("feedback");
    let given = given.into_iter().flat_map(|given| {
        let numbers = given.active().iter();
        numbers.filter_map(|number| given.at(*number))
    });
    // Feedback has no place of its own: it belongs to the log whose trace it names.
    let given: Vec<(&Arc<Record>, &Record)> = given
        .filter_map(|one| Some((one, *models.get(one.text("trace_id")?)?)))
        .collect();
    let score = |one: &Record| one.get("value").and_then(Value::as_i64).unwrap_or(0);
    let key = |one: &Record, log: &Record| match by {
        "-scores" => format!("{:+04}", score(one)),
        "-ai-models" => metric(log, "ai_model")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        _ => hour(made(one) / 1000 / 3600 * 3600),
    };
    let mut buckets: BTreeMap<String, Vec<&Record>> = BTreeMap::new();
    for (one, log) in &given {
        buckets.entry(key(one, log)).or_default().push(one);
    }
    let count = |some: &[&Record]| {
        let weight = |one: &Record| one.get("weight").and_then(Value::as_f64).unwrap_or(1.0);
        #[expect(clippy::cast_precision_loss, reason = "scores are small")]
        let sum: f64 = some.iter().map(|one| score(one) as f64 * weight(one)).sum();
        #[expect(clippy::cast_precision_loss, reason = "there is little feedback")]
        let average = if some.is_empty() {
            0.0
        } else {
            sum / some.len() as f64
        };
        let mut figures = Map::new();
        figures.insert("total".to_owned(), Value::from(some.len()));
        figures.insert("avg".to_owned(), Value::from(whole(average)));
        figures.insert(
            "avg_weighted_feedback".to_owned(),
            Value::from(whole(average)),
        );
        figures
    };
    let all: Vec<&Record> = given.iter().map(|(one, _)| &***one).collect();
    let points = buckets.into_iter().map(|(key, some)| {
        let mut point = count(&some);
        let first = some.first().map_or(0, |one| score(one));
        point.insert("score".to_owned(), Value::from(first));
        point.insert("ai_model".to_owned(), Value::from(key.as_str()));
        point.insert("timestamp".to_owned(), Value::from(key));
        Value::Object(point)
    });
    (count(&all), points.collect())
}

fn hour(second: i64) -> String {
    let time = Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{time:.3}")
}

/// Logs in groups, by the text that `key` gives for each; those without are in none.
pub(crate) fn groups(
    state: &State,
    logs: &[Arc<Record>],
    name: &str,
    key: impl Fn(&Record) -> Option<String>,
) -> Vec<Map<String, Value>> {
    let feedback = Feedback::of_all(state);
    let mut groups: BTreeMap<String, Vec<Arc<Record>>> = BTreeMap::new();
    for log in logs {
        if let Some(key) = key(log) {
            groups.entry(key).or_default().push(Arc::clone(log));
        }
    }
    let groups = groups.into_iter().map(|(key, logs)| {
        let cost = figures(&logs, "cost");
        let tokens = figures(&logs, "tokens");
        let mut group = Map::new();
        group.insert(name.to_owned(), Value::from(key));
        group.insert("requests".to_owned(), Value::from(logs.len()));
        let figure = |figures: &Map<String, Value>, name: &str| figures.get(name).cloned();
        group.insert(
            "cost".to_owned(),
            figure(&cost, "total").unwrap_or_default(),
        );
        group.insert(
            "avg_tokens".to_owned(),
            figure(&tokens, "avg").unwrap_or_default(),
        );
        let given: Vec<f64> = logs.iter().filter_map(|log| feedback.of(log)).collect();
        #[expect(clippy::cast_precision_loss, reason = "there are few logs")]
        let average = given.iter().sum::<f64>() / given.len().max(1) as f64;
        let average = Value::from(whole(average));
        group.insert("avg_weighted_feedback".to_owned(), average);
        group.insert(
            "requests_with_feedback".to_owned(),
            Value::from(given.len()),
        );
        let last = logs.last().and_then(|log| log.get("created_at").cloned());
        group.insert("last_seen".to_owned(), last.unwrap_or_default());
        group
    });
    groups.collect()
}
