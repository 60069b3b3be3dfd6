//! `users` of workspaces: who is in one, and in which role.
//!
//! Sources: the API's document for paths and fields. That roles are read as `ws-admin` and the like
//! was observed by the official Terraform provider, which makes a resource of every membership; here
//! they are a part of their workspace, and new members join with one request.

use schemars::JsonSchema;
use serde::Deserialize;

use super::invites::WorkspaceRole;
use crate::kind::PartRequest;
use crate::model::{Address, Attribute, Map, Reference, Value};

/// A person in a workspace, under the key of an entry of `users` or under the person's id. People
/// that are left out are not managed; null, or taking an entry away again, removes them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// What the person may do there. Owners of the organisation always are `admin`.
    pub role: WorkspaceRole,
}

/// The list of members becomes a map by person.
pub(super) fn decode(answer: serde_json::Value) -> Value {
    let mut members = Map::new();
    if let Value::Map(mut answer) = Value::from(answer)
        && let Some(Value::List(items)) = answer.shift_remove("data")
    {
        for item in items {
            let text = |field: &str| item.at(&[field]).and_then(Value::as_str);
            if let (Some(id), Some(role)) = (text("id"), text("role")) {
                let role = Value::text(role.strip_prefix("ws-").unwrap_or(role));
                let member = Map::from([("role".to_owned(), role)]);
                members.insert(id.to_owned(), Value::Map(member));
            }
        }
    }
    Value::Map(members)
}

/// One request for all who join, and one for each whose role changes or who leaves.
pub(super) fn encode(changed: &Map, live: &Map) -> Vec<PartRequest> {
    let mut joining = Vec::new();
    let mut others = Vec::new();
    for (key, value) in changed {
        let below = |method, body| PartRequest {
            method,
            below: Some(user(key)),
            query: Vec::new(),
            body,
        };
        match value {
            Value::Map(member) if live.contains_key(key) => {
                others.push(below("PUT", Some(Value::Map(member.clone()))));
            }
            Value::Map(member) => {
                let mut body = Map::from([("id".to_owned(), user(key))]);
                body.extend(member.clone());
                joining.push(Value::Map(body));
            }
            _ if live.contains_key(key) => others.push(below("DELETE", None)),
            _ => {}
        }
    }
    if !joining.is_empty() {
        let body = Map::from([("users".to_owned(), Value::List(joining))]);
        others.insert(
            0,
            PartRequest {
                method: "POST",
                below: None,
                query: Vec::new(),
                body: Some(Value::Map(body)),
            },
        );
    }
    others
}

/// The person of a key: an entry of `users`, unless the key is a UUID.
fn user(key: &str) -> Value {
    if key.len() == 36 && uuid::Uuid::try_parse(key).is_ok() {
        return Value::text(key);
    }
    Value::Reference(Reference {
        address: Address::new("portkey", "users", key),
        attribute: Attribute::Id,
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::spec::testing::{json, map};
    use super::*;
    use serde_json::json as j;

    #[test]
    fn roles_are_read_with_and_without_their_prefix() {
        let answer = j!({ "total": 2, "data": [{ "id": "a", "role": "ws-admin", "email": "x" },
                                               { "id": "b", "role": "member" }] });
        assert_eq!(
            serde_json::to_value(decode(answer)).unwrap(),
            j!({ "a": { "role": "admin" }, "b": { "role": "member" } })
        );
    }

    #[test]
    fn who_joins_joins_at_once() {
        let changed = map(
            j!({ "ann": { "role": "admin" }, "bob": { "role": "member" },
                               "eve": { "role": "manager" }, "kim": null, "lee": null }),
        );
        let live = map(j!({ "eve": { "role": "member" }, "kim": { "role": "member" } }));
        let requests = encode(&changed, &live);
        let told: Vec<_> = requests
            .iter()
            .map(|request| {
                let below = request.below.as_ref().map(Value::references);
                let below = below.and_then(|of| of.into_iter().next());
                (request.method, below.map(|address| address.key))
            })
            .collect();
        let named = |key: &str| Some(key.to_owned());
        assert_eq!(
            told,
            [
                ("POST", None),
                ("PUT", named("eve")),
                ("DELETE", named("kim"))
            ]
        );
        let Some(Value::Map(body)) = &requests[0].body else {
            panic!("no body");
        };
        assert_eq!(json(body)["users"].as_array().unwrap().len(), 2);
    }
}
