//! Who may use an MCP server: a part with an endpoint of its own.
//!
//! Sources: the API's document for the endpoint. The list has every user of the workspace; those
//! that have something of their own say `has_override`. There is no way to take that back but to
//! set it to what everybody else has. Whether a PUT merges or replaces its list is not known for
//! sure, so that what others have is sent along.

use std::borrow::Cow;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::kind::{PartRequest, Problems};
use crate::model::{Map, Pointer, Value};
use crate::systems::portkey::wire;

const DEFAULT: &str = "default_user_access";
/// Marks live users whose access is what everybody else has.
const AS_OTHERS: &str = "as_others";

/// Who may use an MCP server: `default_user_access`, and users by their ids.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct UserAccess(pub IndexMap<String, serde_json::Value>);

impl JsonSchema for UserAccess {
    fn schema_name() -> Cow<'static, str> {
        "UserAccess".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let switch = generator.subschema_for::<Option<UserSwitch>>();
        json_schema!({
            "type": "object",
            "properties": {
                DEFAULT: {
                    "description": "Whether users that are not listed may use it.",
                    "type": "string",
                    "enum": ["allow", "deny"],
                },
            },
            "additionalProperties": switch,
        })
    }
}

/// The access of one user, under the user's id. Users that are left out are not managed; null, or
/// taking an entry away again, gives them what everybody else has.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserSwitch {
    /// Whether the user may use it.
    pub enabled: bool,
}

pub(super) fn check(entry: &Map, problems: &mut Problems) {
    let at = Pointer::root().child("user_access");
    let access = entry.get("user_access").and_then(Value::as_map);
    for user in access.into_iter().flat_map(Map::keys) {
        if user.contains('@') {
            problems
                .error(
                    "invalid-value",
                    &at.child(user),
                    format!("`{user}` is an e-mail address"),
                )
                .help("users are named by their ids here");
        }
    }
}

/// `{default_user_access, data: [{user_id, enabled, has_override, ...}]}` becomes a map by user.
pub(super) fn decode(answer: serde_json::Value) -> Value {
    let mut map = Map::new();
    let Value::Map(mut answer) = Value::from(answer) else {
        return Value::Map(map);
    };
    let default = answer.shift_remove(DEFAULT);
    let others = allows(default.as_ref());
    map.extend(default.map(|default| (DEFAULT.to_owned(), default)));
    let Some(Value::List(users)) = answer.shift_remove("data") else {
        return Value::Map(map);
    };
    for user in users {
        let flag = |field: &str| user.at(&[field]).and_then(wire::flag);
        let (Some(id), Some(enabled)) = (user.at(&["user_id"]), flag("enabled")) else {
            continue;
        };
        let Some(id) = id.as_str().filter(|_| flag("has_override") != Some(false)) else {
            continue;
        };
        let mut fields = Map::from([("enabled".to_owned(), Value::Bool(enabled))]);
        if enabled == others {
            fields.insert(AS_OTHERS.to_owned(), Value::Bool(true));
        }
        map.insert(id.to_owned(), Value::Map(fields));
    }
    Value::Map(map)
}

/// One PUT with what changes, and with what other users have.
pub(super) fn encode(changed: &Map, live: &Map) -> Vec<PartRequest> {
    let others = allows(changed.get(DEFAULT).or_else(|| live.get(DEFAULT)));
    let mut body = Map::new();
    if let Some(default) = changed.get(DEFAULT) {
        body.insert(DEFAULT.to_owned(), default.clone());
    }
    let wanted = changed.iter().filter_map(|(user, value)| match value {
        Value::Map(access) => Some((user, access.get("enabled")?.clone())),
        Value::Null => live.contains_key(user).then(|| (user, Value::Bool(others))),
        _ => None,
    });
    let wanted: Vec<_> = wanted.collect();
    if !wanted.is_empty() {
        let kept = live.iter().filter_map(|(user, access)| {
            let kept = !changed.contains_key(user);
            kept.then_some((user, access.at(&["enabled"])?.clone()))
        });
        let all = kept.chain(wanted).map(|(user, enabled)| {
            Value::Map(Map::from([
                ("user_id".to_owned(), Value::text(user)),
                ("enabled".to_owned(), enabled),
            ]))
        });
        body.insert("user_access".to_owned(), Value::List(all.collect()));
    }
    if body.is_empty() {
        return Vec::new();
    }
    vec![PartRequest {
        method: "PUT",
        below: None,
        query: Vec::new(),
        body: Some(Value::Map(body)),
    }]
}

/// A user with the access of everybody else is as good as one that was never named.
pub(super) fn is_absent(user: &Value) -> bool {
    user.at(&[AS_OTHERS]).and_then(Value::as_bool) == Some(true)
}

/// Whether everybody may; nobody, where the server does not say.
fn allows(default: Option<&Value>) -> bool {
    default.and_then(Value::as_str) == Some("allow")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::portkey::spec::testing::map;
    use serde_json::json;

    fn live() -> serde_json::Value {
        json!({
            "default_user_access": "deny", "total": 4, "has_more": false,
            "data": [
                { "user_id": "u-1", "first_name": "Ada", "enabled": 1, "has_override": true },
                { "user_id": "u-2", "enabled": false, "has_override": 1 },
                { "user_id": "u-3", "enabled": false, "has_override": false },
                { "user_id": "u-4", "enabled": true },
            ],
        })
    }

    #[test]
    fn only_users_with_something_of_their_own_are_read() {
        assert_eq!(
            serde_json::to_value(decode(live())).unwrap(),
            json!({
                "default_user_access": "deny",
                "u-1": { "enabled": true },
                "u-2": { "enabled": false, "as_others": true },
                "u-4": { "enabled": true },
            })
        );
        assert_eq!(decode(json!(null)), Value::Map(Map::new()));
    }

    #[test]
    fn a_put_takes_back_what_is_gone_and_keeps_what_is_not_managed() {
        let Value::Map(live) = decode(live()) else {
            panic!("not a map")
        };
        let body = |changed: serde_json::Value| {
            let requests = encode(&map(changed), &live);
            let body = requests.into_iter().next().and_then(|request| request.body);
            serde_json::to_value(body).unwrap()
        };
        assert_eq!(
            body(json!({ "default_user_access": "allow" })),
            json!({ "default_user_access": "allow" })
        );
        assert_eq!(
            body(json!({ "u-1": null, "u-5": { "enabled": true }, "u-6": null })),
            json!({ "user_access": [
                { "user_id": "u-2", "enabled": false },
                { "user_id": "u-4", "enabled": true },
                { "user_id": "u-1", "enabled": false },
                { "user_id": "u-5", "enabled": true },
            ] })
        );
        assert_eq!(body(json!({ "u-6": null })), json!(null));
        assert!(is_absent(&live["u-2"]) && !is_absent(&live["u-1"]));
        assert!(!is_absent(&Value::from(json!({ "enabled": false }))));
    }
}
