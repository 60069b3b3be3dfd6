//! Usage-limit policies: budgets for whatever matches their conditions.
//!
//! Sources: the API's document for paths, fields and which of them an update takes; `requests` and
//! `periodic_reset_days` come from newer servers.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::limits::{self, PeriodicReset};
use super::super::spec::NotNull;
use super::policies::{self, Condition, GroupBy};
use crate::kind::{
    Detail, Endpoints, Identity, Impulse, Is, Kind, List, Paging, Problems, Rule, Update,
};
use crate::model::{Attribute, Map, Pointer};

/// A budget for all requests that match its conditions. Each value of `group_by` has its own.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageLimitsPolicySpec {
    /// The name that people see; the entry's key if left out.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    pub name: NotNull<String>,
    /// The workspace that it belongs to, by key. Cannot be changed.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub workspace_id: NotNull<String>,
    /// Which requests it applies to: those that match all of these, at least one. Cannot be
    /// changed.
    #[schemars(length(min = 1))]
    pub conditions: Vec<Condition>,
    /// By what use is added up; at least one. Cannot be changed.
    #[schemars(length(min = 1))]
    pub group_by: Vec<GroupBy>,
    /// What is counted. Cannot be changed.
    #[serde(rename = "type")]
    pub kind: UsagePolicyType,
    /// How much may be used: US dollars, tokens or requests.
    #[schemars(range(min = 0))]
    pub credit_limit: f64,
    /// At which use alerts go out: an amount in the unit of `credit_limit` and below it.
    #[schemars(range(min = 0))]
    pub alert_threshold: Option<f64>,
    /// When the count begins again. Without a reset the budget is for good. Excludes
    /// `periodic_reset_days`.
    pub periodic_reset: Option<PeriodicReset>,
    /// After how many days the count begins again, 1 to 365; newer servers only. Excludes
    /// `periodic_reset`.
    #[schemars(range(min = 1, max = 365))]
    pub periodic_reset_days: Option<u32>,
}

/// What a usage policy counts.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum UsagePolicyType {
    /// US dollars.
    Cost,
    /// Tokens.
    Tokens,
    /// Requests; newer servers only.
    Requests,
}

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "portkey",
    name: "usage_limits_policies",
    noun: "usage limits policy",
    schema: |generator| generator.subschema_for::<UsageLimitsPolicySpec>(),
    identity: Identity::Name,
    scope: &["workspace_id"],
    endpoints: Endpoints {
        list: List {
            path: "/policies/usage-limits",
            items: "data",
            paging: Paging::CurrentPage { size: 100 },
            ..List::NONE
        },
        create: "/policies/usage-limits",
        item: "/policies/usage-limits/{id}",
        detail: Detail::Listed,
        update: Update::PUT,
        ..Endpoints::PLAIN
    },
    rules: &[
        Rule::new("/workspace_id", Is::Immutable),
        Rule::new(
            "/workspace_id",
            Is::Reference {
                kind: "workspaces",
                attribute: Attribute::Id,
            },
        ),
        Rule::new("/conditions", Is::Immutable),
        Rule::new(
            "/conditions/*/value",
            Is::Mention {
                kind: "providers",
                prefix: "@",
            },
        ),
        Rule::new("/group_by", Is::Immutable),
        Rule::new("/type", Is::Immutable),
        Rule::new("/reset_usage_for_value", Is::Impulse(Impulse::Value)),
    ],
    parts: &[],
    check: Some(check),
    decode: Some(limits::tidy_one),
    encode: None,
};

fn check(entry: &Map, problems: &mut Problems) {
    limits::check_one(entry, &Pointer::root(), problems);
    policies::check(entry, problems);
}

#[cfg(test)]
mod tests {
    use super::super::super::spec::testing::{accepts, decoded, problems};
    use super::*;
    use serde_json::json;

    #[test]
    fn the_schema_wants_conditions_groups_and_a_limit() {
        let good = json!({
            "workspace_id": "payments", "type": "requests", "credit_limit": 0.5,
            "conditions": [{ "key": "api_key", "value": "*" },
                           { "key": "model", "value": ["a", "b"], "excludes": "c" }],
            "group_by": [{ "key": "api_key" }], "periodic_reset": null, "alert_threshold": null,
        });
        assert!(accepts::<UsageLimitsPolicySpec>(&KIND, &good));
        for (field, value) in [
            ("conditions", json!([])),
            ("group_by", json!(["api_key"])),
            ("type", json!("money")),
            ("credit_limit", json!(null)),
            ("credit_limit", json!("5")),
            ("name", json!(null)),
            ("workspace_id", json!(null)),
            ("periodic_reset_days", json!(366)),
        ] {
            let mut bad = good.clone();
            bad[field] = value;
            assert!(!accepts::<UsageLimitsPolicySpec>(&KIND, &bad), "{bad}");
        }
    }

    #[test]
    fn keys_and_thresholds_are_checked() {
        let entry = json!({
            "credit_limit": 10, "alert_threshold": 12,
            "conditions": [{ "key": "metadata", "value": "x" },
                           { "key": "workspace", "value": "x" },
                           { "key": "metadata.team", "value": "x" }],
            "group_by": [{ "key": "apikey" }],
        });
        assert_eq!(
            problems(&KIND, entry),
            [
                "error /alert_threshold invalid-value: `alert_threshold` must be below \
                 `credit_limit`, which is 10 (the threshold is an amount in the unit of the \
                 limit, not a percentage)",
                "warning /conditions/0/key unknown-value: unknown key `metadata` (metadata is \
                 spelt `metadata.NAME`)",
                "warning /conditions/1/key unknown-value: unknown key `workspace` (did you mean \
                 `workspace_id`?)",
                "warning /group_by/0/key unknown-value: unknown key `apikey` (did you mean \
                 `api_key`?)",
            ]
        );
    }

    #[test]
    fn a_live_policy_reads_like_its_manifest() {
        let live = json!({
            "id": "p", "credit_limit": 10.0, "alert_threshold": null, "periodic_reset": "",
            "type": "cost", "conditions": [{ "key": "api_key", "value": "*" }],
        });
        assert_eq!(
            decoded(&KIND, live),
            json!({
                "id": "p", "credit_limit": 10, "type": "cost",
                "conditions": [{ "key": "api_key", "value": "*" }],
            })
        );
    }
}
