//! Configs: how the gateway routes, retries, caches and guards requests.
//!
//! Sources: the API's document for the paths, and live recordings for the shapes: objects without
//! the documented envelope, `config` as a JSON text, flags as 0 and 1. An update takes no
//! `is_default`, says the document.

mod check;
mod query;
mod spec;

pub use spec::{
    AzureDeploymentEntry, Cache, CacheMode, CircuitBreaker, Condition, GatewayConfig, Hook, Retry,
    Sticky, Strategy, StrategyMode, Target,
};

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::spec::NotNull;
use super::super::wire;
use crate::kind::{Detail, Endpoints, Identity, Is, Kind, List, Operation, Paging, Rule, Update};
use crate::model::{Attribute, Map, Value};

/// How the gateway routes, retries, caches and guards requests.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigSpec {
    /// The name that people see; the entry's key if left out.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    pub name: NotNull<String>,
    /// The workspace that it belongs to, by key. Cannot be changed.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub workspace_id: NotNull<String>,
    /// Whether it is the default of its workspace. Cannot be changed.
    #[serde(default)]
    pub is_default: NotNull<bool>,
    /// The config itself, as the gateway understands it. Providers are named by `@` and their key;
    /// guardrails by `${ref:guardrails.KEY.slug}`.
    pub config: GatewayConfig,
}

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "portkey",
    name: "configs",
    noun: "config",
    schema: |generator| generator.subschema_for::<ConfigSpec>(),
    identity: Identity::Name,
    scope: &["workspace_id"],
    endpoints: Endpoints {
        list: List {
            path: "/configs",
            items: "data",
            paging: Paging::Whole,
            ..List::NONE
        },
        create: "/configs",
        item: "/configs/{slug}",
        detail: Detail::Stamped(&["last_updated_at"]),
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
        Rule::new("/is_default", Is::Immutable),
        Rule::new("/is_default", Is::Default(|| Value::Bool(false))),
        Rule::new(
            "/config/**/provider",
            Is::Mention {
                kind: "providers",
                prefix: "@",
            },
        ),
        Rule::new(
            "/config/**/virtual_key",
            Is::Mention {
                kind: "providers",
                prefix: "",
            },
        ),
        Rule::new(
            "/config/**/model",
            Is::Mention {
                kind: "providers",
                prefix: "@",
            },
        ),
        Rule::new("/config/**/api_key", Is::Secret),
        Rule::new("/config/**/aws_access_key_id", Is::Secret),
        Rule::new("/config/**/aws_secret_access_key", Is::Secret),
        Rule::new("/config/**/aws_session_token", Is::Secret),
        Rule::new("/config/**/azure_ad_token", Is::Secret),
        Rule::new("/config/**/azure_entra_client_secret", Is::Secret),
        Rule::new("/config/**/vertex_service_account_json", Is::SecretJson),
    ],
    parts: &[],
    check: Some(check::check),
    decode: Some(decode),
    encode: Some(encode),
};

fn decode(live: &mut Map) {
    // The document wraps what the live API does not.
    if live.contains_key("success")
        && let Some(Value::Map(data)) = live.get("data")
    {
        *live = data.clone();
    }
    wire::read_flags(live, &["is_default"]);
    if let Some(Value::String(text)) = live.get("config")
        && let Ok(config) = serde_json::from_str::<serde_json::Value>(text)
        && config.is_object()
    {
        live.insert("config".to_owned(), Value::from(config));
    }
}

/// The API calls the flag `isDefault` and wants 0 or 1.
fn encode(body: &mut Map, _: Operation) {
    if let Some(value) = body.shift_remove("is_default")
        && let Some(flag) = wire::flag(&value)
    {
        let number = Value::Number(u8::from(flag).into());
        body.insert("isDefault".to_owned(), number);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::spec::testing::{accepts, decoded, encoded};
    use super::*;
    use serde_json::json;

    #[test]
    fn the_schema_knows_the_gateway_config() {
        let good = [
            json!({ "config": {} }),
            json!({ "workspace_id": "w", "is_default": true, "config": { "provider": "@a" } }),
            json!({ "config": { "brand_new": [1], "retry": { "attempts": 9 } } }),
            json!({ "config": {
                "strategy": { "mode": "fallback", "on_status_codes": [429],
                              "cb_config": { "failure_threshold": 3, "cooldown_interval": 30000 } },
                "targets": [
                    { "name": "a", "weight": 0.5, "provider": "@a", "override_params": { "x": 1 },
                      "strategy": { "mode": "loadbalance", "sticky": { "enabled": true } },
                      "targets": [{ "provider": "@b", "cache": { "mode": "simple" } }] },
                ],
                "input_guardrails": ["pg-1", { "id": "pg-2", "deny": true }],
                "after_request_hooks": [{ "id": "h", "checks": [{ "id": "default.log" }] }],
            } }),
        ];
        for entry in &good {
            assert!(accepts::<ConfigSpec>(&KIND, entry), "{entry}");
        }
        let bad = [
            json!({}),
            json!({ "config": "{}" }),
            json!({ "config": null }),
            json!({ "config": {}, "isDefault": 1 }),
            json!({ "config": { "strategy": { "mode": "failover" } } }),
            json!({ "config": { "strategy": {} } }),
            json!({ "config": { "targets": [{ "weight": -1 }] } }),
            json!({ "config": { "targets": [{ "targets": [{ "retry": { "attempts": "3" } }] }] } }),
            json!({ "config": { "cache": { "mode": "exact" } } }),
            json!({ "config": { "input_guardrails": "pg-1" } }),
            json!({ "config": { "request_timeout": 1.5 } }),
        ];
        for entry in &bad {
            assert!(!accepts::<ConfigSpec>(&KIND, entry), "{entry}");
        }
    }

    #[test]
    fn live_configs_read_like_their_manifest_in_either_shape() {
        let flat = json!({ "slug": "pc-a-1a2b3c", "is_default": 0,
                           "config": "{\"retry\":{\"attempts\":3}}" });
        let expected = json!({ "slug": "pc-a-1a2b3c", "is_default": false,
                               "config": { "retry": { "attempts": 3 } } });
        assert_eq!(decoded(&KIND, flat.clone()), expected);
        assert_eq!(
            decoded(&KIND, json!({ "success": true, "data": flat })),
            expected
        );
        assert_eq!(decoded(&KIND, expected.clone()), expected);
    }

    #[test]
    fn the_flag_is_spelt_as_the_api_has_it() {
        let body = json!({ "name": "x", "is_default": true });
        assert_eq!(
            encoded(&KIND, body, Operation::Create),
            json!({ "name": "x", "isDefault": 1 })
        );
    }
}
