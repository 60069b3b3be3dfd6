//! API keys: of the organisation, of a workspace, and of one person in a workspace.
//!
//! Sources: the API's document for paths and fields; the official Terraform provider for `null`
//! clearing limits, expiry, alerts and the config, for `allow_config_override` being read outside
//! of the defaults that it is written in, for limits per second and per week, for the lengths of
//! names and descriptions, and for scopes that cannot be left out; the vendor's own documentation
//! for rotation periods in days. The list has whole objects as far as the document says; that the
//! rotation policy and the override are in it is not known, so that they are read one by one.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::super::limits::{self, RateLimitType, UsageLimit};
use super::super::spec::NotNull;
use super::super::wire;
use crate::kind::{
    Detail, Endpoints, Identity, Impulse, Is, Kind, List, Operation, Paging, Problems, Rotate,
    Rule, Update,
};
use crate::model::{Attribute, Map, Pointer, Value};

/// An API key. The server makes the key itself and shows it once: `lifecycle.sink`, or `sink` in
/// the project file, says where it goes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeySpec {
    /// The name that people see; the entry's key if left out.
    #[serde(default)]
    #[schemars(length(min = 1, max = 100))]
    pub name: NotNull<String>,
    /// Whose key it is. Cannot be changed.
    #[serde(rename = "type")]
    pub kind: ApiKeyType,
    /// What uses it. Cannot be changed.
    pub sub_type: ApiKeySubType,
    /// The workspace that it opens, by key. Cannot be changed.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub workspace_id: NotNull<String>,
    /// The person whose key it is, for `sub_type: user`: the key of an entry under `users`, or a
    /// UUID. Cannot be changed.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub user_id: NotNull<String>,
    /// What it is for.
    #[schemars(length(max = 200))]
    pub description: Option<String>,
    /// What it may do, for example `completions.write`. Their order means nothing.
    #[schemars(length(min = 1))]
    pub scopes: Vec<String>,
    /// What requests with this key start from.
    #[serde(default)]
    pub defaults: NotNull<ApiKeyDefaults>,
    /// The budget of this key.
    pub usage_limits: Option<UsageLimit>,
    /// How much may be asked with this key at once.
    pub rate_limits: Option<Vec<ApiKeyRateLimit>>,
    /// Who is told when the budget reaches its threshold.
    #[schemars(inner(email))]
    pub alert_emails: Option<Vec<String>>,
    /// When it stops working; RFC 3339.
    #[serde(default)]
    #[schemars(schema_with = "super::super::spec::nullable_instant")]
    pub expires_at: Option<String>,
    /// When the server replaces the key by a new one.
    pub rotation_policy: Option<RotationPolicy>,
}

/// Whose an API key is.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum ApiKeyType {
    /// The organisation's.
    Organisation,
    /// A workspace's.
    Workspace,
}

/// What uses an API key.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum ApiKeySubType {
    /// A program.
    Service,
    /// A person; only in a workspace.
    User,
}

/// What requests with a key start from. Members that are left out are not managed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyDefaults {
    /// Metadata that every request carries. Compared as a whole.
    pub metadata: Option<IndexMap<String, Json>>,
    /// The config that requests use, by key.
    #[schemars(length(min = 1))]
    pub config_id: Option<String>,
    /// Whether a request may use another config.
    #[serde(default)]
    pub allow_config_override: NotNull<bool>,
}

/// How much may be asked for in a stretch of time.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyRateLimit {
    /// What is counted.
    #[serde(rename = "type")]
    pub kind: RateLimitType,
    /// The stretch of time.
    pub unit: ApiKeyRateLimitUnit,
    /// How many requests or tokens it allows.
    #[schemars(range(min = 0))]
    pub value: u64,
}

/// The stretch of time of a key's rate limit.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum ApiKeyRateLimitUnit {
    /// A second.
    Rps,
    /// A minute.
    Rpm,
    /// An hour.
    Rph,
    /// A day.
    Rpd,
    /// A week.
    Rpw,
}

/// When the server replaces a key by a new one. One of `rotation_period`, `rotation_period_days`
/// and `next_rotation_at`. Nothing delivers a key that the server makes by itself.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RotationPolicy {
    /// How often.
    pub rotation_period: Option<RotationPeriod>,
    /// After how many days, 1 to 365.
    #[schemars(range(min = 1, max = 365))]
    pub rotation_period_days: Option<u32>,
    /// When next; RFC 3339. The server keeps it where a period is given.
    #[serde(default)]
    #[schemars(schema_with = "super::super::spec::nullable_instant")]
    pub next_rotation_at: Option<String>,
    /// For how many milliseconds the old key still works; at least 1800000, half an hour.
    #[schemars(range(min = 1_800_000))]
    pub key_transition_period_ms: Option<u64>,
}

/// How often a key is replaced.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum RotationPeriod {
    /// Every week.
    Weekly,
    /// Every month.
    Monthly,
}

const YES: fn() -> Value = || Value::Bool(true);

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "portkey",
    name: "api_keys",
    noun: "API key",
    schema: |generator| generator.subschema_for::<ApiKeySpec>(),
    identity: Identity::Name,
    scope: &["workspace_id", "user_id"],
    endpoints: Endpoints {
        list: List {
            path: "/api-keys",
            items: "data",
            paging: Paging::CurrentPage { size: 100 },
            ..List::NONE
        },
        create: "/api-keys/{type}/{sub_type}",
        item: "/api-keys/{id}",
        detail: Detail::ReadFor(&["/rotation_policy", "/defaults/allow_config_override"]),
        update: Update::PUT,
        ..Endpoints::PLAIN
    },
    rules: &[
        Rule::new(
            "/key",
            Is::Issued {
                rotate: Some(Rotate {
                    path: "/api-keys/{id}/rotate",
                    body: &[(
                        "key_transition_period_ms",
                        "/rotation_policy/key_transition_period_ms",
                    )],
                }),
            },
        ),
        Rule::new("/key", Is::Secret),
        Rule::new(
            "/made_automatically",
            Is::ServerMade {
                because: "the server made them by itself",
            },
        ),
        Rule::new("/reset_usage", Is::Impulse(Impulse::Flag)),
        Rule::new("/type", Is::Immutable),
        Rule::new("/sub_type", Is::Immutable),
        Rule::new("/workspace_id", Is::Immutable),
        Rule::new(
            "/workspace_id",
            Is::Reference {
                kind: "workspaces",
                attribute: Attribute::Id,
            },
        ),
        Rule::new("/user_id", Is::Immutable),
        Rule::new(
            "/user_id",
            Is::Reference {
                kind: "users",
                attribute: Attribute::Id,
            },
        ),
        Rule::new("/scopes", Is::Set),
        Rule::new("/alert_emails", Is::Set),
        Rule::new("/defaults", Is::Merge),
        Rule::new(
            "/defaults/config_id",
            Is::Reference {
                kind: "configs",
                attribute: Attribute::Slug,
            },
        ),
        Rule::new("/defaults/allow_config_override", Is::Default(YES)),
        Rule::new("/usage_limits/type", Is::Stays),
        Rule::new("/usage_limits/next_usage_reset_at", Is::ServerOwned),
        Rule::new("/usage_limits/next_usage_reset_at", Is::Instant),
        Rule::new("/expires_at", Is::Instant),
        Rule::new("/rotation_policy/next_rotation_at", Is::ServerOwned),
        Rule::new("/rotation_policy/next_rotation_at", Is::Instant),
    ],
    parts: &[],
    check: Some(check),
    decode: Some(decode),
    encode: Some(encode),
};

fn check(entry: &Map, problems: &mut Problems) {
    let root = Pointer::root();
    let text = |field: &str| entry.get(field).and_then(Value::as_str);
    let (organisation, user) = (
        text("type") == Some("organisation"),
        text("sub_type") == Some("user"),
    );
    let mut conflict = |field: &str, message: &str| {
        problems.error("conflicting-fields", &root.child(field), message);
    };
    if organisation && user {
        conflict("sub_type", "keys of the organisation are `service` keys");
    }
    if organisation && wire::has(entry, "workspace_id") {
        conflict(
            "workspace_id",
            "a key of the organisation is in no workspace",
        );
    }
    if !user && wire::has(entry, "user_id") {
        conflict("user_id", "a `service` key belongs to nobody");
    }
    if user && !organisation && !wire::has(entry, "user_id") {
        problems.error("missing-field", &root, "a `user` key needs `user_id`");
    }
    let at = root.child("usage_limits");
    limits::check(entry.get("usage_limits"), &at, problems);
    if let Some(Value::Map(policy)) = entry.get("rotation_policy") {
        check_rotation(policy, &root.child("rotation_policy"), problems);
    }
}

fn check_rotation(policy: &Map, at: &Pointer, problems: &mut Problems) {
    let ways = [
        "rotation_period",
        "rotation_period_days",
        "next_rotation_at",
    ];
    let named: Vec<&str> = ways
        .into_iter()
        .filter(|way| wire::has(policy, way))
        .collect();
    let all = "one of `rotation_period`, `rotation_period_days` and `next_rotation_at`";
    match named.as_slice() {
        [] => {
            let message = format!("a rotation policy needs {all}");
            problems.error("missing-field", at, message);
        }
        [_] => {}
        [first, others @ ..] => {
            for other in others {
                let message = format!("`{other}` and `{first}` exclude each other");
                problems.error("conflicting-fields", &at.child(other), message);
            }
        }
    }
}

fn decode(live: &mut Map) {
    if live.get("creation_mode").and_then(Value::as_str) == Some("auto") {
        live.insert("made_automatically".to_owned(), Value::Bool(true));
    }
    // A mask that tells nothing, for the key is nobody's to declare.
    live.shift_remove("key");
    // Written as two segments of a path, read as one word.
    if let Some((kind, sub_type)) = live
        .get("type")
        .and_then(Value::as_str)
        .and_then(|joined| joined.split_once('-'))
    {
        let (kind, sub_type) = (Value::text(kind), Value::text(sub_type));
        live.insert("type".to_owned(), kind);
        live.insert("sub_type".to_owned(), sub_type);
    }
    let flag = live.shift_remove("allow_config_override");
    if let Some(flag) = flag.as_ref().and_then(wire::flag) {
        let defaults = live
            .entry("defaults".to_owned())
            .or_insert_with(|| Value::Map(Map::new()));
        if defaults.is_null() {
            *defaults = Value::Map(Map::new());
        }
        if let Value::Map(defaults) = defaults {
            defaults.insert("allow_config_override".to_owned(), Value::Bool(flag));
        }
    }
    if let Some(Value::Map(defaults)) = live.get_mut("defaults") {
        wire::drop_nulls(defaults);
        wire::drop_empty(defaults, &["metadata", "config_id"]);
    }
    if let Some(Value::Map(policy)) = live.get_mut("rotation_policy") {
        wire::drop_nulls(policy);
    }
    limits::tidy(live, &["usage_limits", "rate_limits"]);
    wire::drop_empty(
        live,
        &[
            "description",
            "workspace_id",
            "user_id",
            "alert_emails",
            "expires_at",
            "rotation_policy",
            "defaults",
        ],
    );
}

fn encode(body: &mut Map, operation: Operation) {
    wire::clear_as_text(body, operation, &["description"]);
    wire::clear_empty_lists(body, operation, &["rate_limits", "alert_emails"]);
    // Written as a whole; the document has no null for its members.
    if let Some(Value::Map(policy)) = body.get_mut("rotation_policy") {
        wire::drop_nulls(policy);
    }
    if let Some(Value::Map(defaults)) = body.get_mut("defaults") {
        wire::clear_as_map(defaults, operation, &["metadata"]);
        if operation == Operation::Create {
            wire::drop_nulls(defaults);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::spec::testing::{accepts, decoded, encoded, problems};
    use super::*;
    use serde_json::json;

    fn entry(more: &Json) -> Json {
        let mut entry = json!({ "type": "workspace", "sub_type": "service",
                                "workspace_id": "payments", "scopes": ["completions.write"] });
        for (field, value) in more.as_object().unwrap() {
            entry[field] = value.clone();
        }
        entry
    }

    #[test]
    fn the_schema_knows_types_scopes_and_what_can_be_cleared() {
        let good = [
            json!({}),
            json!({ "description": null, "usage_limits": null, "rate_limits": null,
                    "alert_emails": null, "expires_at": null, "rotation_policy": null }),
            json!({ "rate_limits": [{ "type": "tokens", "unit": "rps", "value": 9 },
                                    { "type": "requests", "unit": "rpw", "value": 9 }] }),
            json!({ "defaults": { "metadata": { "a": 1 }, "config_id": null } }),
            json!({ "rotation_policy": { "rotation_period": "weekly",
                                         "key_transition_period_ms": 1_800_000 } }),
        ];
        for more in &good {
            assert!(accepts::<ApiKeySpec>(&KIND, &entry(more)), "{more}");
        }
        let bad = [
            json!({ "scopes": [] }),
            json!({ "scopes": null }),
            json!({ "type": "workspace-service" }),
            json!({ "key": "pk-1" }),
            json!({ "reset_usage": true }),
            json!({ "description": "x".repeat(201) }),
            json!({ "rotation_policy": { "key_transition_period_ms": 1_000 } }),
            json!({ "defaults": { "allow_config_override": null } }),
        ];
        for more in &bad {
            assert!(!accepts::<ApiKeySpec>(&KIND, &entry(more)), "{more}");
        }
    }

    #[test]
    fn what_excludes_each_other_is_pointed_out() {
        let table = [
            (
                json!({ "type": "organisation" }),
                "error /workspace_id conflicting-fields: a key of the organisation is in no \
                 workspace",
            ),
            (
                json!({ "user_id": "u" }),
                "error /user_id conflicting-fields: a `service` key belongs to nobody",
            ),
            (
                json!({ "sub_type": "user" }),
                "error  missing-field: a `user` key needs `user_id`",
            ),
            (
                json!({ "rotation_policy": { "key_transition_period_ms": 1_800_000 } }),
                "error /rotation_policy missing-field: a rotation policy needs one of \
                 `rotation_period`, `rotation_period_days` and `next_rotation_at`",
            ),
            (
                json!({ "rotation_policy": { "rotation_period": "weekly",
                                             "rotation_period_days": 3 } }),
                "error /rotation_policy/rotation_period_days conflicting-fields: \
                 `rotation_period_days` and `rotation_period` exclude each other",
            ),
        ];
        for (more, expected) in table {
            assert_eq!(problems(&KIND, entry(&more)), [expected]);
        }
    }

    #[test]
    fn a_live_key_reads_like_its_manifest() {
        let live = json!({
            "id": "k", "key": "Xk*******S4", "name": "Reports", "type": "workspace-user",
            "user_id": "u", "scopes": ["logs.list"], "description": null, "rate_limits": [],
            "usage_limits": { "credit_limit": 10.0, "periodic_reset": "" },
            "alert_emails": [], "expires_at": null, "allow_config_override": 0,
            "defaults": { "metadata": {}, "config_id": null },
            "rotation_policy": { "rotation_period": "weekly", "rotation_period_days": null },
        });
        assert_eq!(
            decoded(&KIND, live),
            json!({
                "id": "k", "name": "Reports", "type": "workspace", "sub_type": "user",
                "user_id": "u", "scopes": ["logs.list"],
                "usage_limits": { "credit_limit": 10 },
                "defaults": { "allow_config_override": false },
                "rotation_policy": { "rotation_period": "weekly" },
            })
        );
        let unset = json!({ "allow_config_override": null, "defaults": { "metadata": {} } });
        assert_eq!(decoded(&KIND, unset), json!({}));
    }

    #[test]
    fn clearing_sends_what_each_field_wants() {
        let body = json!({ "description": null, "rate_limits": [], "alert_emails": [],
                           "usage_limits": null, "expires_at": null, "rotation_policy": null,
                           "defaults": { "metadata": null, "config_id": null } });
        assert_eq!(
            encoded(&KIND, body, Operation::Update),
            json!({ "description": "", "rate_limits": null, "alert_emails": null,
                    "usage_limits": null, "expires_at": null, "rotation_policy": null,
                    "defaults": { "metadata": {}, "config_id": null } })
        );
    }
}
