//! The limits on usage and rate that workspaces, providers and grants carry inline, and what they
//! share with the policies.
//!
//! Fields and bounds are those of the API's document. That an unset reset comes back as an empty
//! text, that thresholds are amounts and not percentages, and that numbers may come back as `10.0`
//! was observed by the official Terraform provider.

use schemars::JsonSchema;
use serde::Deserialize;

use super::spec::NotNull;
use super::wire::{drop_empty, has, make_whole, number};
use crate::kind::Problems;
use crate::model::{Map, Pointer, Value};

/// A budget. When it is used up, requests are refused until it is reset.
// `N` is the sort of number that the endpoint takes: the document says whole numbers everywhere,
// and the official Terraform provider met fractions in the budgets of providers and API keys.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UsageLimit")]
pub struct UsageLimit<N: JsonSchema = u64> {
    /// What is counted: US dollars or tokens.
    #[serde(default, rename = "type")]
    pub kind: NotNull<UsageLimitType>,
    /// How much may be used, in dollars or tokens; at least 1.
    #[schemars(range(min = 1))]
    pub credit_limit: N,
    /// At which use alerts go out: an amount in the unit of `credit_limit` and below it, not a
    /// percentage.
    #[schemars(range(min = 1))]
    pub alert_threshold: Option<N>,
    /// When the count begins again. Without a reset the budget is for good. Excludes
    /// `periodic_reset_days`.
    pub periodic_reset: Option<PeriodicReset>,
    /// After how many days the count begins again, 1 to 365. Excludes `periodic_reset`.
    #[schemars(range(min = 1, max = 365))]
    pub periodic_reset_days: Option<u32>,
    /// When the count begins again next. The server keeps it; declare it only to move it.
    #[serde(default)]
    #[schemars(schema_with = "super::spec::nullable_instant")]
    pub next_usage_reset_at: Option<String>,
}

/// What a budget counts.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum UsageLimitType {
    /// US dollars.
    Cost,
    /// Tokens.
    Tokens,
}

/// When a budget begins again.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum PeriodicReset {
    /// Every month.
    Monthly,
    /// Every week.
    Weekly,
}

/// How much may be asked for in a stretch of time.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// What is counted.
    #[serde(rename = "type")]
    pub kind: RateLimitType,
    /// The stretch of time.
    pub unit: InlineRateLimitUnit,
    /// How many requests or tokens it allows.
    #[schemars(range(min = 0))]
    pub value: u64,
}

/// What a rate limit counts.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum RateLimitType {
    /// Requests.
    Requests,
    /// Tokens.
    Tokens,
}

/// The stretch of time of a limit that a workspace, provider or grant carries. Policies know a week
/// as well; nothing says that these do.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum InlineRateLimitUnit {
    /// A minute.
    Rpm,
    /// An hour.
    Rph,
    /// A day.
    Rpd,
}

/// The stretch of time of a rate limits policy.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum RateLimitUnit {
    /// A minute.
    Rpm,
    /// An hour.
    Rph,
    /// A day.
    Rpd,
    /// A week; newer servers only.
    Rpw,
}

/// Removes what live limits, one or a list of them, do not really say, and turns `10.0` into `10`.
pub(super) fn tidy(live: &mut Map, fields: &[&str]) {
    for field in fields {
        match live.get_mut(*field) {
            Some(Value::Map(limit)) => tidy_one(limit),
            Some(Value::List(limits)) => limits
                .iter_mut()
                .filter_map(Value::as_map_mut)
                .for_each(tidy_one),
            _ => {}
        }
    }
    drop_empty(live, fields);
}

/// Like [`tidy`], for one limit or a policy.
pub(super) fn tidy_one(limit: &mut Map) {
    let fields = [
        "type",
        "credit_limit",
        "alert_threshold",
        "periodic_reset",
        "periodic_reset_days",
        "next_usage_reset_at",
        "unit",
        "value",
    ];
    drop_empty(limit, &fields);
    limit.values_mut().for_each(make_whole);
}

/// Checks usage limits, one or a list of them.
pub(super) fn check(limits: Option<&Value>, at: &Pointer, problems: &mut Problems) {
    match limits {
        Some(Value::Map(limit)) => check_one(limit, at, problems),
        Some(Value::List(limits)) => {
            for (index, limit) in limits.iter().enumerate() {
                check(Some(limit), &at.child(index), problems);
            }
        }
        _ => {}
    }
}

/// Checks one usage limit or a usage policy.
pub(super) fn check_one(limit: &Map, at: &Pointer, problems: &mut Problems) {
    let (alert, credit) = ("alert_threshold", "credit_limit");
    if let (Some(threshold), Some(whole)) = (number(limit.get(alert)), number(limit.get(credit)))
        && threshold >= whole
    {
        problems
            .error(
                "invalid-value",
                &at.child(alert),
                format!("`{alert}` must be below `{credit}`, which is {whole}"),
            )
            .help("the threshold is an amount in the unit of the limit, not a percentage");
    }
    if has(limit, "periodic_reset") && has(limit, "periodic_reset_days") {
        problems.error(
            "conflicting-fields",
            &at.child("periodic_reset_days"),
            "`periodic_reset_days` and `periodic_reset` exclude each other",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::spec::testing::{json, map};
    use super::*;
    use serde_json::json as j;

    #[test]
    fn live_limits_lose_what_says_nothing() {
        let mut live = map(j!({
            "usage_limits": [{ "credit_limit": 10.0, "periodic_reset": "", "alert_threshold": null }],
            "rate_limits": [],
        }));
        tidy(&mut live, &["usage_limits", "rate_limits"]);
        assert_eq!(
            json(&live),
            j!({ "usage_limits": [{ "credit_limit": 10 }] })
        );
    }

    #[test]
    fn thresholds_and_resets_are_checked() {
        let limits = Value::from(j!([
            { "credit_limit": 100, "alert_threshold": 100 },
            { "credit_limit": 100, "alert_threshold": 80, "periodic_reset": "weekly",
              "periodic_reset_days": 7 },
            { "credit_limit": 100, "periodic_reset": null, "periodic_reset_days": 7 },
        ]));
        let mut problems = Problems::default();
        check(
            Some(&limits),
            &Pointer::from("/usage_limits"),
            &mut problems,
        );
        let at: Vec<_> = problems.0.iter().map(|p| p.pointer.to_string()).collect();
        assert_eq!(
            at,
            [
                "/usage_limits/0/alert_threshold",
                "/usage_limits/1/periodic_reset_days"
            ]
        );
    }
}
