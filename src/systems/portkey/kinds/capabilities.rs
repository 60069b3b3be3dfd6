//! Which capabilities of an MCP server may be used: a part of MCP integrations and of MCP servers,
//! with endpoints of the same form.
//!
//! Sources: the API's document for the endpoints, whose pages count from 1, unlike those of all
//! other lists, as the official Terraform provider found too. The server asks the MCP server what
//! it can do; nothing else makes a capability. Resource templates are listed but cannot be switched.
//! Whether a PUT merges or replaces is not known for sure, so that what is switched off is sent
//! along.

use std::borrow::Cow;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::kind::{Members, Paging, Part, PartRequest};
use crate::model::{Map, Value};
use crate::systems::portkey::wire;

/// The sorts of capabilities that can be switched.
const SWITCHABLE: &[&str] = &["tool", "prompt", "resource"];

/// Which capabilities may be used, each under its sort and name: `tool/search_issues`,
/// `prompt/review` or `resource/file:///readme`. Those that are left out are not managed. The
/// server asks the MCP server for its capabilities; one that it has not found is named in every
/// plan until it has.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct Capabilities(pub IndexMap<String, Capability>);

impl JsonSchema for Capabilities {
    fn schema_name() -> Cow<'static, str> {
        "Capabilities".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let capability = generator.subschema_for::<Capability>();
        json_schema!({
            "type": "object",
            "patternProperties": { "^(tool|prompt|resource)/.": capability },
            "additionalProperties": false,
        })
    }
}

/// A capability, under its sort and name.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capability {
    /// Whether it may be used.
    pub enabled: bool,
}

/// The part at this path.
pub(super) const fn part(path: &'static str) -> Part {
    Part {
        field: "capabilities",
        path,
        read: None,
        items: "data",
        paging: Paging::Page { size: 500 },
        members: Members::Found,
        decode,
        encode,
        is_absent: |_| false,
    }
}

/// `{data: [{type, name, enabled, ...}]}` becomes a map by sort and name.
fn decode(answer: serde_json::Value) -> Value {
    let mut map = Map::new();
    let Value::Map(mut answer) = Value::from(answer) else {
        return Value::Map(map);
    };
    let Some(Value::List(capabilities)) = answer.shift_remove("data") else {
        return Value::Map(map);
    };
    for capability in capabilities {
        let text = |field: &str| capability.at(&[field])?.as_str();
        let (Some(sort), Some(name)) = (text("type"), text("name")) else {
            continue;
        };
        let key = format!("{sort}/{name}");
        let Value::Map(mut capability) = capability else {
            continue;
        };
        capability.retain(|field, _| ["enabled", "integration_enabled"].contains(&field.as_str()));
        wire::drop_nulls(&mut capability);
        wire::read_flags(&mut capability, &["enabled", "integration_enabled"]);
        map.insert(key, Value::Map(capability));
    }
    Value::Map(map)
}

/// One PUT with what changes and with what is off and stays off.
fn encode(changed: &Map, live: &Map) -> Vec<PartRequest> {
    // What the integration switches off is not this server's to say.
    let stays_off = |value: &Value| {
        let flag = |field: &str| value.at(&[field]).and_then(wire::flag);
        flag("enabled") == Some(false) && flag("integration_enabled") != Some(false)
    };
    let kept = live
        .iter()
        .filter(|(key, value)| !changed.contains_key(*key) && stays_off(value))
        .filter_map(|(key, _)| switch(key, Value::Bool(false)));
    let wanted = changed.iter().filter_map(|(key, value)| {
        let enabled = value.at(&["enabled"])?;
        switch(key, enabled.clone())
    });
    let wanted: Vec<Value> = wanted.collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let all = kept.chain(wanted).collect();
    vec![PartRequest {
        method: "PUT",
        below: None,
        query: Vec::new(),
        body: Some(Value::Map(Map::from([(
            "capabilities".to_owned(),
            Value::List(all),
        )]))),
    }]
}

fn switch(key: &str, enabled: Value) -> Option<Value> {
    let (sort, name) = key.split_once('/')?;
    let fields = [
        ("name", Value::text(name)),
        ("type", Value::text(sort)),
        ("enabled", enabled),
    ];
    let fields = fields.map(|(field, value)| (field.to_owned(), value));
    SWITCHABLE
        .contains(&sort)
        .then(|| Value::Map(Map::from(fields)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::portkey::spec::testing::map;
    use serde_json::json;

    fn json_of(value: &Value) -> serde_json::Value {
        serde_json::to_value(value).unwrap()
    }

    #[test]
    fn live_capabilities_are_keyed_by_sort_and_name() {
        let live = decode(json!({
            "total": 4, "has_more": false, "counts": {},
            "data": [
                { "name": "search", "type": "tool", "enabled": 1, "title": "Search",
                  "input_schema": { "type": "object" }, "integration_enabled": null },
                { "name": "file:///a/b", "type": "resource", "enabled": false,
                  "integration_enabled": true },
                { "name": "file:///{path}", "type": "resource_template", "enabled": true },
                { "name": "nameless" },
            ],
        }));
        assert_eq!(
            json_of(&live),
            json!({
                "tool/search": { "enabled": true },
                "resource/file:///a/b": { "enabled": false, "integration_enabled": true },
                "resource_template/file:///{path}": { "enabled": true },
            })
        );
        assert_eq!(json_of(&decode(json!(null))), json!({}));
    }

    #[test]
    fn what_is_off_stays_off_whatever_a_put_means() {
        let changed = map(json!({
            "tool/search": { "enabled": false }, "prompt/review/code": { "enabled": true },
        }));
        let live = map(json!({
            "tool/search": { "enabled": true },
            "tool/list": { "enabled": true },
            "tool/delete": { "enabled": false },
            "tool/elsewhere": { "enabled": false, "integration_enabled": false },
            "resource_template/file:///{path}": { "enabled": false },
        }));
        let requests = encode(&changed, &live);
        assert_eq!(requests.len(), 1);
        assert_eq!(
            json_of(requests[0].body.as_ref().unwrap()),
            json!({ "capabilities": [
                { "name": "delete", "type": "tool", "enabled": false },
                { "name": "review/code", "type": "prompt", "enabled": true },
                { "name": "search", "type": "tool", "enabled": false },
            ] })
        );
        assert!(encode(&Map::new(), &live).is_empty());
    }
}
