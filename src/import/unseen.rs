//! What the API does not show of an object, so that no entry can have it.

use crate::kind::{Is, Kind, Rule};
use crate::model::{Map, Pattern, Pointer, Value};

/// The places of a kind that are written and not read back, and of which `fields` have nothing.
/// Places inside of what is not there are not there either.
pub fn unseen(kind: &Kind, fields: &Map) -> Vec<&'static str> {
    let mut places = vec![Pointer::root()];
    for (field, value) in fields {
        collect(value, &mut Pointer::root().child(field), &mut places);
    }
    let shows = |pattern: &'static str| places.iter().any(|at| Pattern(pattern).matches(at));
    let written = kind.rules.iter();
    let written = written.filter(|rule| matches!(rule.is, Is::WriteOnly));
    let hidden = written.filter(|rule| {
        // Of some, the API says whether they are there.
        let told = |other: &Rule| matches!(other.is, Is::Presence) && other.at == rule.at;
        let above = rule.at.0.rsplit_once('/').map_or("", |(above, _)| above);
        shows(above) && !shows(rule.at.0) && !kind.rules.iter().any(told)
    });
    hidden.map(|rule| rule.at.0).collect()
}

/// Every place where something is.
fn collect(value: &Value, at: &mut Pointer, places: &mut Vec<Pointer>) {
    if super::spell::is_blank(value) {
        return;
    }
    places.push(at.clone());
    let below: Vec<(String, &Value)> = match value {
        Value::Map(map) => map.iter().map(|(key, it)| (key.clone(), it)).collect(),
        Value::List(items) => {
            let items = items.iter().enumerate();
            items.map(|(index, it)| (index.to_string(), it)).collect()
        }
        _ => Vec::new(),
    };
    for (key, value) in below {
        at.push(key);
        collect(value, at, places);
        at.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::portkey::kinds;
    use serde_json::json;

    #[test]
    fn what_is_not_shown_is_named_once_and_what_is_shown_is_not() {
        let fields = |json: serde_json::Value| match Value::from(json) {
            Value::Map(map) => map,
            _ => Map::new(),
        };
        let kind = &kinds::invites::KIND;
        let invite = fields(json!({ "email": "a@b.example", "workspaces": [] }));
        assert_eq!(
            unseen(kind, &invite),
            ["/workspaces", "/workspace_api_key_details"]
        );
        let kind = &kinds::integrations::KIND;
        assert_eq!(unseen(kind, &fields(json!({ "models": {} }))), [""; 0]);
        let model = fields(json!({ "models": { "m": { "enabled": true } } }));
        assert_eq!(unseen(kind, &model), ["/models/*/configurations"]);
        let shown = fields(json!({ "models": { "m": { "configurations": { "a": 1 } } } }));
        assert_eq!(unseen(kind, &shown), [""; 0]);
    }
}
