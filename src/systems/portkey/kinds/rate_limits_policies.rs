//! Rate-limit policies: how much whatever matches their conditions may ask for at once.
//!
//! Sources: the API's document for paths, fields and which of them an update takes; `rpw` and
//! `target` come from newer servers.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::limits::{self, RateLimitType, RateLimitUnit};
use super::super::spec::NotNull;
use super::policies::{self, Condition, GroupBy};
use crate::kind::{Detail, Endpoints, Identity, Is, Kind, List, Paging, Rule, Update};
use crate::model::{Attribute, Value};

/// How much all requests that match its conditions may ask for at once. Each value of `group_by`
/// has its own count.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimitsPolicySpec {
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
    pub kind: RateLimitType,
    /// The stretch of time.
    pub unit: RateLimitUnit,
    /// How many requests or tokens it allows.
    #[schemars(range(min = 0))]
    pub value: f64,
    /// What the limit is on; newer servers only. Cannot be changed.
    #[serde(default)]
    pub target: NotNull<Target>,
}

/// What a rate policy is on.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Target {
    /// Calls of models.
    Llm,
    /// Calls of MCP tools.
    McpTools,
}

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "portkey",
    name: "rate_limits_policies",
    noun: "rate limits policy",
    schema: |generator| generator.subschema_for::<RateLimitsPolicySpec>(),
    identity: Identity::Name,
    scope: &["workspace_id"],
    endpoints: Endpoints {
        list: List {
            path: "/policies/rate-limits",
            items: "data",
            paging: Paging::CurrentPage { size: 100 },
            ..List::NONE
        },
        create: "/policies/rate-limits",
        item: "/policies/rate-limits/{id}",
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
        Rule::new("/target", Is::Immutable),
        Rule::new("/target", Is::Default(|| Value::text("llm"))),
    ],
    parts: &[],
    check: Some(policies::check),
    decode: Some(limits::tidy_one),
    encode: None,
};

#[cfg(test)]
mod tests {
    use super::super::super::spec::testing::{accepts, decoded, problems};
    use super::*;
    use serde_json::json;

    #[test]
    fn the_schema_wants_a_type_a_unit_and_a_value() {
        let good = json!({
            "type": "requests", "unit": "rpw", "value": 5, "target": "mcp_tools",
            "conditions": [{ "key": "endpoint_type", "value": "chat" }],
            "group_by": [{ "key": "metadata.user" }],
        });
        assert!(accepts::<RateLimitsPolicySpec>(&KIND, &good));
        assert!(problems(&KIND, good.clone()).is_empty());
        for (field, value) in [
            ("type", json!("cost")),
            ("unit", json!("rps")),
            ("value", json!(null)),
            ("value", json!(-1)),
            ("target", json!(null)),
            ("credit_limit", json!(5)),
        ] {
            let mut bad = good.clone();
            bad[field] = value;
            assert!(!accepts::<RateLimitsPolicySpec>(&KIND, &bad), "{bad}");
        }
    }

    #[test]
    fn a_live_policy_reads_like_its_manifest() {
        let live = json!({ "id": "p", "value": 100.0, "unit": "rpm", "name": null });
        assert_eq!(
            decoded(&KIND, live),
            json!({ "id": "p", "value": 100, "unit": "rpm", "name": null })
        );
    }
}
