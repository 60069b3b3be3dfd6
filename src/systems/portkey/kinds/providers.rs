//! Providers: what a workspace calls models through, on the credentials of an integration.
//!
//! Sources: the API's document for paths and fields; the official Terraform provider for the
//! workspace in the query and in the body of updates. The document makes `rate_limits` an object on
//! writes and a list on reads; like the vendor's own SDKs, gatewright has a list for both.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::limits::{self, RateLimit, UsageLimit};
use super::super::spec::NotNull;
use super::super::wire;
use crate::kind::{
    Detail, Endpoints, Identity, Impulse, Is, Kind, List, Operation, Paging, Problems, Rule, Update,
};
use crate::model::{Attribute, Map, Pointer, Value};

/// What a workspace calls models through: `@key` in configs and requests. It lends the credentials
/// of an integration that the workspace has access to. The key is the slug.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderSpec {
    /// The name that people see; the entry's key if left out.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    pub name: NotNull<String>,
    /// The integration whose credentials it uses, by key. Cannot be changed.
    #[schemars(schema_with = "super::super::spec::reference")]
    pub integration_id: String,
    /// The workspace that it belongs to, by key. Only an API key of a workspace may leave it out.
    /// Cannot be changed.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub workspace_id: NotNull<String>,
    /// A remark for people.
    pub note: Option<String>,
    /// The budget of this provider.
    pub usage_limits: Option<UsageLimit<f64>>,
    /// How much may be asked of this provider at once: a list of at most one.
    #[schemars(length(max = 1))]
    pub rate_limits: Option<Vec<RateLimit>>,
    /// When it stops working; RFC 3339.
    #[serde(default)]
    #[schemars(schema_with = "super::super::spec::nullable_instant")]
    pub expires_at: Option<String>,
}

/// What the server notes on a provider that it makes for a workspace that gets access to an
/// integration; live recordings have it. Whoever takes one over writes a note of their own.
const MADE_ON_GRANT: &str = "Created automatically on integration access grant";

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "portkey",
    name: "providers",
    noun: "provider",
    schema: |generator| generator.subschema_for::<ProviderSpec>(),
    identity: Identity::Slug,
    scope: &["workspace_id"],
    endpoints: Endpoints {
        list: List {
            path: "/providers",
            items: "data",
            paging: Paging::CurrentPage { size: 50 },
            per_scope: true,
            ..List::NONE
        },
        create: "/providers",
        item: "/providers/{slug}",
        detail: Detail::Listed,
        scope_in_query: true,
        update: Update {
            repeats: &["workspace_id"],
            ..Update::PUT
        },
        ..Endpoints::PLAIN
    },
    rules: &[
        Rule::new(
            "/made_on_grant",
            Is::ServerMade {
                because: "they came with access to an integration",
            },
        ),
        Rule::new("/integration_id", Is::Immutable),
        Rule::new(
            "/integration_id",
            Is::Reference {
                kind: "integrations",
                attribute: Attribute::Slug,
            },
        ),
        Rule::new("/workspace_id", Is::Immutable),
        Rule::new(
            "/workspace_id",
            Is::Reference {
                kind: "workspaces",
                attribute: Attribute::Id,
            },
        ),
        Rule::new("/reset_usage", Is::Impulse(Impulse::Flag)),
        Rule::new("/usage_limits/type", Is::Stays),
        Rule::new("/usage_limits/next_usage_reset_at", Is::ServerOwned),
        Rule::new("/usage_limits/next_usage_reset_at", Is::Instant),
        Rule::new("/expires_at", Is::Instant),
    ],
    parts: &[],
    check: Some(check),
    decode: Some(decode),
    encode: Some(encode),
};

fn check(entry: &Map, problems: &mut Problems) {
    let at = Pointer::root().child("usage_limits");
    limits::check(entry.get("usage_limits"), &at, problems);
}

fn decode(live: &mut Map) {
    if live.get("note").and_then(Value::as_str) == Some(MADE_ON_GRANT) {
        live.insert("made_on_grant".to_owned(), Value::Bool(true));
    }
    // Read as one object, but as a list of one where older servers answer.
    if let Some(Value::List(list)) = live.get_mut("usage_limits")
        && list.len() <= 1
    {
        let only = list.pop().unwrap_or(Value::Null);
        live.insert("usage_limits".to_owned(), only);
    }
    if let Some(limit @ Value::Map(_)) = live.get_mut("rate_limits") {
        let only = std::mem::replace(limit, Value::Null);
        *limit = Value::List(vec![only]);
    }
    limits::tidy(live, &["usage_limits", "rate_limits"]);
    wire::drop_empty(live, &["note", "expires_at"]);
}

fn encode(body: &mut Map, operation: Operation) {
    // The document allows null for a new provider's note and not for an update's.
    wire::clear_as_text(body, operation, &["note"]);
    wire::clear_empty_lists(body, operation, &["rate_limits"]);
}

#[cfg(test)]
mod tests {
    use super::super::super::spec::testing::{accepts, decoded, encoded, problems};
    use super::*;
    use serde_json::json;

    #[test]
    fn the_schema_wants_an_integration_and_one_budget() {
        let good = [
            json!({ "integration_id": "openai-prod", "workspace_id": "payments" }),
            json!({ "integration_id": "a", "usage_limits": { "credit_limit": 5 },
                    "rate_limits": [{ "type": "tokens", "unit": "rpm", "value": 9 }] }),
            json!({ "integration_id": "a", "note": null, "usage_limits": null,
                    "rate_limits": null, "expires_at": null }),
        ];
        for entry in &good {
            assert!(accepts::<ProviderSpec>(&KIND, entry), "{entry}");
        }
        let bad = [
            json!({ "workspace_id": "payments" }),
            json!({ "integration_id": null }),
            json!({ "integration_id": "a", "workspace_id": null }),
            json!({ "integration_id": "a", "usage_limits": [{ "credit_limit": 5 }] }),
            json!({ "integration_id": "a", "slug": "b" }),
        ];
        for entry in &bad {
            assert!(!accepts::<ProviderSpec>(&KIND, entry), "{entry}");
        }
    }

    #[test]
    fn budgets_are_checked() {
        let entry = json!({ "usage_limits": { "credit_limit": 5, "alert_threshold": 80 } });
        assert_eq!(
            problems(&KIND, entry),
            [
                "error /usage_limits/alert_threshold invalid-value: `alert_threshold` must be \
                 below `credit_limit`, which is 5 (the threshold is an amount in the unit of the \
                 limit, not a percentage)"
            ]
        );
    }

    #[test]
    fn a_live_provider_reads_like_its_manifest() {
        let live = json!({
            "slug": "openai-payments", "integration_id": "openai-prod", "note": "",
            "usage_limits": { "credit_limit": 10.0, "periodic_reset": "monthly",
                              "alert_threshold": null },
            "rate_limits": null, "expires_at": null, "object": "provider",
        });
        assert_eq!(
            decoded(&KIND, live),
            json!({
                "slug": "openai-payments", "integration_id": "openai-prod",
                "usage_limits": { "credit_limit": 10, "periodic_reset": "monthly" },
                "object": "provider",
            })
        );
        let lists = json!({ "usage_limits": [], "rate_limits": { "type": "requests" } });
        assert_eq!(
            decoded(&KIND, lists),
            json!({ "rate_limits": [{ "type": "requests" }] })
        );
    }

    #[test]
    fn clearing_a_note_sends_an_empty_one() {
        let body = json!({ "note": null, "usage_limits": null, "rate_limits": [] });
        assert_eq!(
            encoded(&KIND, body, Operation::Update),
            json!({ "note": "", "usage_limits": null, "rate_limits": null })
        );
    }
}
