//! Budgets and rates: which limits a request counts against, and whether one is used up.
//!
//! Limits are of the key, the provider, the provider's grant and the workspace, and of policies whose conditions a
//! request meets. A budget that is used up is answered with 412 and a rate with 429
//! (<https://portkey.ai/docs/api-reference/inference-api/error-codes>), in the envelope of the gateway's own
//! errors, whose messages begin with "Portkey Error"
//! (<https://portkey.ai/docs/support/common-errors-and-resolutions>). That of a key's budget is known from a
//! client that printed it; the others are formed after it.

use crate::engine::find;
use std::sync::Arc;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Map, Value};

use crate::store::State;
use crate::store::record::{Link, Record};

/// A day in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// The group of limits that count all requests together.
pub(crate) const ALL: &str = "";

/// A request as limits see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'r> {
    pub(crate) metrics: &'r Map<String, Value>,
    pub(crate) metadata: &'r Map<String, Value>,
    pub(crate) key: Option<&'r Arc<Record>>,
    pub(crate) provider: Option<&'r Arc<Record>>,
    pub(crate) workspace: Option<&'r Arc<Record>>,
}

/// One limit that a request counts against.
#[derive(Debug)]
struct Limit {
    /// What has the limit, in the words of the answer that says so.
    noun: &'static str,
    owner: Arc<str>,
    group: Arc<str>,
    /// `requests`, `tokens` or `cost`.
    measure: String,
    most: f64,
    window: i64,
    is_rate: bool,
}

/// The answer to a request that a limit does not let through.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) message: String,
}

/// The first limit that is used up.
pub(crate) fn exceeded(state: &State, subject: Subject<'_>) -> Option<Refusal> {
    let is_full =
        |limit: &Limit| state.usage.amount(&limit.owner, &limit.group, limit.window) >= limit.most;
    let limit = limits(state, subject).into_iter().find(is_full)?;
    let noun = limit.noun;
    Some(match limit.is_rate {
        true => Refusal {
            status: 429,
            message: format!("Portkey Error: {noun} Rate Limit Exceeded."),
        },
        false => Refusal {
            status: 412,
            message: format!("Portkey Error: {noun} Usage Limit Exceeded. Error Code: 04"),
        },
    })
}

/// Adds a request to everything that counts it.
pub(crate) fn count(state: &mut State, subject: Subject<'_>) {
    let figure = |name: &str| subject.metrics.get(name).and_then(Value::as_f64);
    for limit in limits(state, subject) {
        let amount = match limit.measure.as_str() {
            // Costs are counted in cents and limited in dollars.
            "cost" => figure("cost").unwrap_or(0.0) / 100.0,
            "tokens" => figure("total_units").unwrap_or(0.0),
            _ => 1.0,
        };
        state
            .usage
            .add(&limit.owner, &limit.group, limit.window, amount);
    }
}

/// Has an object whose own budget is used up say so.
pub(crate) fn present(state: &State, fields: &mut Map<String, Value>) {
    let Some(owner) = fields.get("id").and_then(Value::as_str).map(Arc::from) else {
        return;
    };
    let mut limits = Vec::new();
    own(state, &mut limits, "", &owner, fields);
    let exhausted = limits.iter().any(|limit| {
        let used = state.usage.amount(&limit.owner, &limit.group, limit.window);
        !limit.is_rate && used >= limit.most
    });
    if exhausted {
        fields.insert("status".to_owned(), Value::from("exhausted"));
    }
}

/// What a policy has counted, by group.
pub(crate) fn counted(state: &State, policy: &Record) -> Vec<(String, f64)> {
    let window = period(state, &policy.fields);
    let groups = state.usage.groups(&policy.id, window);
    groups
        .map(|(group, used)| (group.to_owned(), used))
        .collect()
}

fn limits(state: &State, subject: Subject<'_>) -> Vec<Limit> {
    let mut limits = Vec::new();
    let grant = subject.provider.zip(subject.workspace);
    let grant = grant.and_then(|(provider, workspace)| {
        let integration = provider.target("integration_id")?;
        let name = workspace.slug.as_deref()?;
        find::named(state, "integration-workspace", name, Some(integration))
    });
    let holders = [
        ("Portkey API Key", subject.key),
        ("Virtual Key", subject.provider),
        ("Integration", grant.as_ref()),
        ("Workspace", subject.workspace),
    ];
    for (noun, holder) in holders {
        if let Some(holder) = holder {
            own(state, &mut limits, noun, &holder.id, &holder.fields);
        }
    }
    for kind in ["usage-limits-policy", "rate-limits-policy"] {
        for policy in policies(state, kind, subject.workspace) {
            if !meets(&policy, subject) {
                continue;
            }
            let is_rate = kind.starts_with("rate");
            let most = policy.get(if is_rate { "value" } else { "credit_limit" });
            let Some(most) = most.and_then(Value::as_f64) else {
                continue;
            };
            limits.push(Limit {
                noun: "Policy",
                owner: Arc::clone(&policy.id),
                group: Arc::from(group(&policy, subject)),
                measure: policy.text("type").unwrap_or("requests").to_owned(),
                most,
                window: match is_rate {
                    true => unit(state, policy.text("unit")),
                    false => period(state, &policy.fields),
                },
                is_rate,
            });
        }
    }
    limits
}

/// The limits that stand in an object itself: a budget or a list of them, and rates.
fn own(
    state: &State,
    limits: &mut Vec<Limit>,
    noun: &'static str,
    owner: &Arc<str>,
    fields: &Map<String, Value>,
) {
    let several = |name: &str| match fields.get(name) {
        Some(Value::Array(limits)) => limits.iter().collect::<Vec<_>>(),
        Some(limit @ Value::Object(_)) => vec![limit],
        _ => Vec::new(),
    };
    for (name, most, is_rate) in [
        ("usage_limits", "credit_limit", false),
        ("rate_limits", "value", true),
    ] {
        for limit in several(name) {
            let text = |name: &str| limit.get(name).and_then(Value::as_str);
            let (Some(most), Value::Object(terms)) =
                (limit.get(most).and_then(Value::as_f64), limit)
            else {
                continue;
            };
            let measure = text("type").unwrap_or("cost").to_owned();
            let (group, window) = match is_rate {
                true => {
                    let name = text("unit").unwrap_or_default();
                    (
                        Arc::from(format!("{measure} {name}")),
                        unit(state, Some(name)),
                    )
                }
                false => (Arc::from(ALL), period(state, terms)),
            };
            limits.push(Limit {
                noun,
                owner: Arc::clone(owner),
                group,
                measure,
                most,
                window,
                is_rate,
            });
        }
    }
}

/// The policies of a workspace and those of the organisation.
fn policies(state: &State, kind: &str, workspace: Option<&Arc<Record>>) -> Vec<Arc<Record>> {
    let Some(collection) = state.collection(kind) else {
        return Vec::new();
    };
    let mut policies = workspace.map_or_else(Vec::new, |workspace| {
        let link = Link {
            field: Arc::from("workspace_id"),
            target: Arc::clone(&workspace.id),
        };
        find::linked(state, kind, &link)
    });
    let everywhere = collection
        .active()
        .iter()
        .filter_map(|number| collection.at(*number));
    policies.extend(
        everywhere
            .filter(|policy| policy.target("workspace_id").is_none())
            .cloned(),
    );
    // What tools of MCP servers are called with is no request to a model.
    policies.retain(|policy| policy.text("target") != Some("mcp_tools"));
    policies
}

fn terms<'p>(policy: &'p Record, field: &str) -> impl Iterator<Item = &'p Value> {
    policy
        .get(field)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn meets(policy: &Record, subject: Subject<'_>) -> bool {
    terms(policy, "conditions").all(|condition| {
        let names = names(condition.get("key"), subject);
        let fits = |wanted: &Value| {
            let wanted = wanted.as_str().unwrap_or_default();
            // A value that stands for any needs one that is there.
            names
                .iter()
                .any(|name| !name.is_empty() && glob(wanted, name))
        };
        let among = match condition.get("value") {
            Some(Value::Array(values)) => values.iter().any(fits),
            Some(value) => fits(value),
            None => false,
        };
        among != (condition.get("excludes") == Some(&Value::Bool(true)))
    })
}

/// The name of the group that a policy counts a request in.
fn group(policy: &Record, subject: Subject<'_>) -> String {
    let parts = terms(policy, "group_by").map(|group| {
        let key = group.get("key").and_then(Value::as_str).unwrap_or_default();
        let name = names(group.get("key"), subject).into_iter().next();
        format!("{key}:{}", name.unwrap_or_default())
    });
    parts.collect::<Vec<String>>().join("|")
}

/// What a request has under the key of a condition or a group, under all names that it goes by.
fn names(key: Option<&Value>, subject: Subject<'_>) -> Vec<String> {
    let key = key.and_then(Value::as_str).unwrap_or_default();
    let fields: &[&str] = match key {
        "api_key" => &["api_key_id"],
        "model" => &["ai_model"],
        "provider" => &["ai_org"],
        "virtual_key" => &["virtual_key"],
        "config" => &["config", "config_id"],
        "prompt" => &["prompt_slug", "prompt_id"],
        "workspace_id" => &["workspace_slug"],
        other => &[other],
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(name) = key.strip_prefix("metadata.") {
        return subject
            .metadata
            .get(name)
            .and_then(text)
            .into_iter()
            .collect();
    }
    let found = fields
        .iter()
        .filter_map(|field| subject.metrics.get(*field));
    let mut names: Vec<String> = found.filter_map(text).collect();
    let record = match key {
        "api_key" => subject.key,
        "virtual_key" => subject.provider,
        "workspace_id" => subject.workspace,
        _ => None,
    };
    if let Some(record) = record {
        names.push(record.id.to_string());
    }
    match key {
        "provider" => names.extend(
            subject
                .provider
                .iter()
                .filter_map(|provider| provider.slug.as_ref().map(|slug| format!("@{slug}"))),
        ),
        "model" => {
            // `@slug/model` is a model of one provider.
            let slug = subject.provider.and_then(|provider| provider.slug.clone());
            let full = slug.zip(names.first().cloned());
            names.extend(full.map(|(slug, model)| format!("@{slug}/{model}")));
        }
        _ => {}
    }
    names
}

/// Whether text fits a pattern in which `*` stands for anything.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let (between, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut text) = text
        .strip_prefix(start)
        .and_then(|text| text.strip_suffix(end))
    else {
        return false;
    };
    // The earliest place for each part leaves the most room for the next.
    between.split('*').all(|part| match text.split_once(part) {
        Some((_, after)) => {
            text = after;
            true
        }
        None => false,
    })
}

/// The beginning of the window of a rate.
fn unit(state: &State, unit: Option<&str>) -> i64 {
    let length = match unit {
        Some("rps") => 1_000,
        Some("rph") => 60 * 60 * 1_000,
        Some("rpd") => DAY,
        Some("rpw") => 7 * DAY,
        _ => 60 * 1_000,
    };
    let now = state.clock.millisecond();
    now - now.rem_euclid(length)
}

/// The beginning of the window of a budget. Where the vendor's documentation names a day for weeks to begin, it
/// names two; here it is Monday.
fn period(state: &State, terms: &Map<String, Value>) -> i64 {
    let now = state.clock.millisecond();
    let day = Timestamp::from_millisecond(now).unwrap_or(Timestamp::UNIX_EPOCH);
    let day = day.to_zoned(TimeZone::UTC).date();
    let first = match terms.get("periodic_reset").and_then(Value::as_str) {
        Some("monthly") => day.first_of_month(),
        Some("weekly") => {
            let days = day.weekday().since(Weekday::Monday);
            day.checked_sub(i64::from(days).days()).unwrap_or(day)
        }
        _ => {
            let days = terms.get("periodic_reset_days").and_then(Value::as_i64);
            return days
                .filter(|days| *days > 0)
                .map_or(0, |days| now - now.rem_euclid(days * DAY));
        }
    };
    let first = first
        .to_zoned(TimeZone::UTC)
        .map(|first| first.timestamp().as_millisecond());
    first.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text, fits) in [
            ("*", "x", true),
            ("gpt-*", "gpt-5", true),
            ("gpt-*", "o1", false),
            ("@openai/*", "@openai/gpt-5", true),
            ("*-mini", "gpt-5-mini", true),
            ("*-mini", "gpt-5-minimal", false),
            ("a*b*c", "aXbYc", true),
            ("gpt-5", "gpt-5", true),
            ("gpt-5", "gpt-5-mini", false),
        ] {
            assert_eq!(glob(pattern, text), fits, "{pattern} {text}");
        }
    }
}
