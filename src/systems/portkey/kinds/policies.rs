//! What the two kinds of policies share: whom they apply to and whose use they add up.
//!
//! Sources: the API's document for fields; that conditions can exclude, hold several values and
//! speak of more than keys, workspaces and metadata is documented on the vendor's pages.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::spec::NotNull;
use crate::diagnostic::{did_you_mean, nearest};
use crate::kind::Problems;
use crate::model::{Map, Pointer, Value};

/// A test that a request must pass for the policy to apply to it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// What is tested: `api_key`, `workspace_id`, `virtual_key`, `provider`, `config`, `prompt`,
    /// `model` or `metadata.` and a name.
    #[schemars(length(min = 1))]
    pub key: String,
    /// The value to have, or several of which one must be had; `*` for any.
    #[schemars(schema_with = "super::super::spec::text_or_texts")]
    pub value: serde_json::Value,
    /// The value or values to exempt.
    #[serde(default)]
    #[schemars(schema_with = "super::super::spec::text_or_texts")]
    pub excludes: NotNull<serde_json::Value>,
}

/// By what use is added up: each value has a count of its own.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupBy {
    /// The same keys as in conditions.
    #[schemars(length(min = 1))]
    pub key: String,
}

const KEYS: &[&str] = &[
    "api_key",
    "organisation_id",
    "workspace_id",
    "virtual_key",
    "provider",
    "config",
    "prompt",
    "model",
    "endpoint_type",
];

/// Checks the keys of `conditions` and `group_by`. The server may know more of them than we do, so
/// that an unknown one is a warning.
pub(super) fn check(entry: &Map, problems: &mut Problems) {
    for field in ["conditions", "group_by"] {
        let list = entry
            .get(field)
            .and_then(Value::as_list)
            .unwrap_or_default();
        for (index, element) in list.iter().enumerate() {
            let Some(key) = element.as_map().and_then(|map| map.get("key")?.as_str()) else {
                continue;
            };
            let metadata = key.strip_prefix("metadata.");
            if KEYS.contains(&key) || metadata.is_some_and(|name| !name.is_empty()) {
                continue;
            }
            let at = Pointer::root().child(field).child(index).child("key");
            let problem = problems.warning("unknown-value", &at, format!("unknown key `{key}`"));
            problem.help = if key == "metadata" || nearest(key, ["metadata"]).is_some() {
                Some("metadata is spelt `metadata.NAME`".to_owned())
            } else {
                did_you_mean(key, KEYS.iter().copied())
            };
        }
    }
}
