//! Which workspaces may use an integration: a part with an endpoint of its own.
//!
//! Sources: the API's document for the endpoint, where a PUT is a merge by workspace and access is
//! taken away with `enabled: false`. That ids come back as slugs, that null clears limits, and that
//! a grant makes a provider unless told not to was observed by the official Terraform provider.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kind::{Operation, PartRequest};
use crate::model::{Address, Attribute, Map, Reference, Value};
use crate::systems::portkey::limits::{self, RateLimit, UsageLimit};
use crate::systems::portkey::wire;

/// The access of one workspace. Limits that are left out are not managed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Whether the workspace may use the integration.
    pub enabled: bool,
    /// The workspace's budget on this integration: a list of at most one.
    #[schemars(length(max = 1))]
    pub usage_limits: Option<Vec<UsageLimit>>,
    /// How much the workspace may ask for at once: a list of at most one.
    #[schemars(length(max = 1))]
    pub rate_limits: Option<Vec<RateLimit>>,
}

const LIMITS: &[&str] = &["usage_limits", "rate_limits"];

/// `{workspaces: [{id, ...}]}` becomes a map by whatever the server calls the workspace.
pub(in crate::systems::portkey) fn decode(answer: serde_json::Value) -> Value {
    let mut map = Map::new();
    let Value::Map(mut answer) = Value::from(answer) else {
        return Value::Map(map);
    };
    // Newer servers speak of `data`, as all other lists do.
    let grants = answer
        .shift_remove("workspaces")
        .or_else(|| answer.shift_remove("data"));
    let Some(Value::List(grants)) = grants else {
        return Value::Map(map);
    };
    for grant in grants {
        let Value::Map(mut grant) = grant else {
            continue;
        };
        let Some(Value::String(id)) = grant.shift_remove("id") else {
            continue;
        };
        grant.retain(|field, _| field == "enabled" || LIMITS.contains(&field.as_str()));
        wire::read_flags(&mut grant, &["enabled"]);
        limits::tidy(&mut grant, LIMITS);
        map.insert(id, Value::Map(grant));
    }
    Value::Map(map)
}

/// One PUT with the changed workspaces.
pub(super) fn encode(changed: &Map, live: &Map) -> Vec<PartRequest> {
    put(
        changed_grants(changed, live),
        Some(("create_default_provider", Value::Bool(false))),
    )
}

/// One PUT with some workspaces and what else the endpoint wants to hear; none without workspaces.
pub(in crate::systems::portkey) fn put(
    grants: Vec<Value>,
    more: Option<(&str, Value)>,
) -> Vec<PartRequest> {
    if grants.is_empty() {
        return Vec::new();
    }
    let mut body = Map::from([("workspaces".to_owned(), Value::List(grants))]);
    body.extend(more.map(|(field, value)| (field.to_owned(), value)));
    vec![PartRequest {
        method: "PUT",
        below: None,
        query: Vec::new(),
        body: Some(Value::Map(body)),
    }]
}

/// The changed workspaces as a PUT lists them.
pub(in crate::systems::portkey) fn changed_grants(changed: &Map, live: &Map) -> Vec<Value> {
    let mut grants = Vec::new();
    for (key, value) in changed {
        let grant = match value {
            Value::Map(grant) => grant.clone(),
            Value::Null if live.get(key).is_some_and(|grant| !is_absent(grant)) => {
                Map::from([("enabled".to_owned(), Value::Bool(false))])
            }
            _ => continue,
        };
        let enabled = grant
            .get("enabled")
            .or_else(|| live.get(key)?.at(&["enabled"]));
        let enabled = enabled.cloned().unwrap_or(Value::Bool(true));
        let mut body = Map::from([
            ("id".to_owned(), workspace(key)),
            ("enabled".to_owned(), enabled),
        ]);
        body.extend(grant.into_iter().filter(|(field, _)| field != "enabled"));
        wire::clear_empty_lists(&mut body, Operation::Update, LIMITS);
        grants.push(Value::Map(body));
    }
    grants
}

/// The workspace of a key: one of the repository, unless the key is a UUID.
fn workspace(key: &str) -> Value {
    if key.len() == 36 && uuid::Uuid::try_parse(key).is_ok() {
        return Value::text(key);
    }
    Value::Reference(Reference {
        address: Address::new("portkey", "workspaces", key),
        attribute: Attribute::Id,
    })
}

/// What every workspace may do that is there or still to come, from an answer that has it in a field
/// of this name. Without one, there is nothing.
pub(in crate::systems::portkey) fn decode_global(answer: serde_json::Value, field: &str) -> Value {
    let mut answer = Value::from(answer);
    let access = answer.as_map_mut().and_then(|it| it.shift_remove(field));
    let Some(Value::Map(mut access)) = access else {
        return Value::Map(Map::new());
    };
    access.retain(|field, _| field == "enabled" || LIMITS.contains(&field.as_str()));
    wire::read_flags(&mut access, &["enabled"]);
    limits::tidy(&mut access, LIMITS);
    Value::Map(access)
}

/// One PUT with the access of all workspaces. Whether the server merges it is not known, so that it
/// repeats what does not change. It names no workspace, and makes no provider where that is a
/// question.
pub(in crate::systems::portkey) fn encode_global(
    changed: &Map,
    live: &Map,
    more: Option<(&str, Value)>,
) -> Vec<PartRequest> {
    let mut access = live.clone();
    for field in LIMITS {
        if let Some(Value::List(limits)) = access.get_mut(*field) {
            let limits = limits.iter_mut().filter_map(Value::as_map_mut);
            limits.for_each(|limit| drop(limit.shift_remove("next_usage_reset_at")));
        }
    }
    access.extend(changed.clone());
    access
        .entry("enabled".to_owned())
        .or_insert(Value::Bool(false));
    wire::clear_empty_lists(&mut access, Operation::Update, LIMITS);
    let mut body = Map::from([
        ("workspaces".to_owned(), Value::List(Vec::new())),
        ("global_workspace_access".to_owned(), Value::Map(access)),
    ]);
    body.extend(more.map(|(field, value)| (field.to_owned(), value)));
    vec![PartRequest {
        method: "PUT",
        below: None,
        query: Vec::new(),
        body: Some(Value::Map(body)),
    }]
}

/// A workspace without access is as good as one that was never named.
pub(in crate::systems::portkey) fn is_absent(grant: &Value) -> bool {
    grant.at(&["enabled"]).and_then(wire::flag) == Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::portkey::spec::testing::map;
    use serde_json::json;

    #[test]
    fn live_grants_are_keyed_by_workspace() {
        let live = decode(json!({
            "total": 2,
            "workspaces": [
                { "id": "ws-paymen-1a2b3c", "name": "Payments", "enabled": 1, "rate_limits": [],
                  "usage_limits": [{ "type": "cost", "credit_limit": 500.0, "periodic_reset": "" }] },
                { "id": "ws-old-1a2b3c", "enabled": false, "usage_limits": null },
            ],
        }));
        assert_eq!(
            serde_json::to_value(&live).unwrap(),
            json!({
                "ws-paymen-1a2b3c": { "enabled": true,
                                      "usage_limits": [{ "type": "cost", "credit_limit": 500 }] },
                "ws-old-1a2b3c": { "enabled": false },
            })
        );
    }

    #[test]
    fn access_of_all_workspaces_is_written_as_a_whole() {
        let answer = json!({ "slug": "i", "global_workspace_access_settings": {
            "enabled": 1, "rate_limits": [], "usage_limits": [
                { "type": "cost", "credit_limit": 5.0, "next_usage_reset_at": "2030-01-01" }] } });
        let live = decode_global(answer, "global_workspace_access_settings");
        let limit =
            json!({ "type": "cost", "credit_limit": 5, "next_usage_reset_at": "2030-01-01" });
        assert_eq!(
            serde_json::to_value(&live).unwrap(),
            json!({ "enabled": true, "usage_limits": [limit] })
        );
        let changed = map(json!({ "enabled": false, "rate_limits": [] }));
        let live = live.as_map().unwrap();
        let no = Some(("create_default_provider", Value::Bool(false)));
        let requests = encode_global(&changed, live, no);
        let body = requests[0].body.as_ref().unwrap().to_wire(&|_| None);
        assert_eq!(
            body.unwrap(),
            json!({ "workspaces": [], "create_default_provider": false,
                    "global_workspace_access": {
                        "enabled": false, "rate_limits": null,
                        "usage_limits": [{ "type": "cost", "credit_limit": 5 }] } })
        );
        let nothing = decode_global(
            json!({ "global_workspace_access": null }),
            "global_workspace_access",
        );
        assert_eq!(serde_json::to_value(&nothing).unwrap(), json!({}));
    }

    #[test]
    fn grants_are_written_with_references_and_without_a_default_provider() {
        let uuid = "1b6f4a1e-7c55-4a54-9d3e-0d0f3a1c2b4d";
        let changed = map(json!({
            "payments": { "enabled": true, "usage_limits": null, "rate_limits": [] },
            uuid: { "enabled": false },
            "old": null, "older": null, "never": null,
        }));
        let live = map(json!({ "old": { "enabled": true }, "older": { "enabled": false } }));
        let requests = encode(&changed, &live);
        assert_eq!(requests.len(), 1);
        let body = requests[0].body.as_ref().unwrap();
        let wire = body.to_wire(&|reference| Some(format!("id-of-{}", reference.address.key)));
        assert_eq!(
            wire.unwrap(),
            json!({
                "workspaces": [
                    { "id": uuid, "enabled": false },
                    { "id": "id-of-old", "enabled": false },
                    { "id": "id-of-payments", "enabled": true, "usage_limits": null,
                      "rate_limits": null },
                ],
                "create_default_provider": false,
            })
        );
        assert!(encode(&map(json!({ "never": null })), &Map::new()).is_empty());
    }
}
