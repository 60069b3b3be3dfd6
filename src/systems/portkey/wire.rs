//! Small steps between the API's form and the manifests', shared by the kinds' hooks.

use crate::kind::Operation;
use crate::model::{Map, Value};

pub(super) use crate::systems::forms::has;

/// The boolean behind a value. The live API also says `1`, `"false"` and the like, as the official
/// Terraform provider found.
pub(super) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => number.as_f64().map(|number| number != 0.0),
        Value::String(text) => match text.as_str() {
            "true" | "1" => Some(true),
            "false" | "0" | "" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// Turns whatever stands for a boolean in these fields into one.
pub(super) fn read_flags(live: &mut Map, fields: &[&str]) {
    for field in fields {
        if let Some(value) = live.get_mut(*field)
            && let Some(flag) = flag(value)
        {
            *value = Value::Bool(flag);
        }
    }
}

/// Removes those of the fields that hold nothing: null, an empty text, list or map.
pub(super) fn drop_empty(live: &mut Map, fields: &[&str]) {
    for field in fields {
        if live.get(*field).is_some_and(is_empty) {
            live.shift_remove(*field);
        }
    }
}

/// Removes every member that is null.
pub(super) fn drop_nulls(live: &mut Map) {
    live.retain(|_, value| !value.is_null());
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::List(list) => list.is_empty(),
        Value::Map(map) => map.is_empty(),
        _ => false,
    }
}

/// Gives members named `masked_x` the name `x`, which is how manifests call them.
pub(super) fn unmask(live: &mut Map) {
    let masked = |(field, _): (&String, &Value)| field.strip_prefix("masked_").map(str::to_owned);
    let fields: Vec<String> = live.iter().filter_map(masked).collect();
    for field in fields {
        if let Some(mask) = live.shift_remove(&format!("masked_{field}")) {
            live.insert(field, mask);
        }
    }
}

/// Gives a member another name.
pub(super) fn rename(live: &mut Map, from: &str, to: &str) {
    if let Some(value) = live.shift_remove(from) {
        live.insert(to.to_owned(), value);
    }
}

/// Sends an empty text where these fields are to be cleared: the API's document gives them a type
/// that has no null. A new object simply goes without them.
pub(super) fn clear_as_text(body: &mut Map, operation: Operation, fields: &[&str]) {
    clear_as(body, operation, fields, || Value::text(""));
}

/// Sends an empty list where these fields are to be cleared.
pub(super) fn clear_as_list(body: &mut Map, operation: Operation, fields: &[&str]) {
    clear_as(body, operation, fields, || Value::List(Vec::new()));
}

/// Sends an empty object where these fields are to be cleared.
pub(super) fn clear_as_map(body: &mut Map, operation: Operation, fields: &[&str]) {
    clear_as(body, operation, fields, || Value::Map(Map::new()));
}

fn clear_as(body: &mut Map, operation: Operation, fields: &[&str], empty: fn() -> Value) {
    for field in fields {
        if !body.get(*field).is_some_and(Value::is_null) {
            continue;
        }
        match operation {
            Operation::Create => {
                body.shift_remove(*field);
            }
            Operation::Update => {
                body.insert((*field).to_owned(), empty());
            }
        }
    }
}

/// Sends null where these lists are empty: null is how limits are cleared, an empty list was never
/// seen to work. In a new object there is nothing to clear.
pub(super) fn clear_empty_lists(body: &mut Map, operation: Operation, fields: &[&str]) {
    for field in fields {
        let empty = |value: &Value| value.as_list().is_some_and(<[Value]>::is_empty);
        if body.get(*field).is_some_and(empty) {
            body.insert((*field).to_owned(), Value::Null);
        }
    }
    clear_as(body, operation, fields, || Value::Null);
}

/// Writes a whole number without its fraction: `10.0` becomes `10`.
pub(super) fn make_whole(value: &mut Value) {
    if let Value::Number(number) = value
        && !number.is_i64()
        && !number.is_u64()
        && let Some(float) = number.as_f64()
        && float.fract() == 0.0
        && float.abs() < 9.0e15
    {
        // In range, so the cast is exact.
        *number = serde_json::Number::from(float as i64);
    }
}

/// A number, `None` for everything else.
pub(super) fn number(value: Option<&Value>) -> Option<f64> {
    match value {
        Some(Value::Number(number)) => number.as_f64(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::spec::testing::{json, map};
    use serde_json::json as j;

    #[test]
    fn booleans_come_in_many_spellings() {
        let mut live = map(j!({ "a": 1, "b": "false", "c": "1", "d": null, "e": true, "f": "?" }));
        read_flags(&mut live, &["a", "b", "c", "d", "e", "f"]);
        assert_eq!(
            json(&live),
            j!({ "a": true, "b": false, "c": true, "d": null, "e": true, "f": "?" })
        );
    }

    #[test]
    fn masks_take_the_place_of_what_they_mask() {
        let mut live = map(j!({ "masked_vault_token": "hv*****x", "vault_addr": "https://v" }));
        unmask(&mut live);
        assert_eq!(
            json(&live),
            j!({ "vault_addr": "https://v", "vault_token": "hv*****x" })
        );
    }

    #[test]
    fn whole_numbers_lose_their_fraction() {
        for (from, to) in [(j!(10.0), j!(10)), (j!(0.5), j!(0.5)), (j!(7), j!(7))] {
            let mut value = Value::from(from);
            make_whole(&mut value);
            assert_eq!(serde_json::to_value(&value).unwrap(), to);
        }
    }

    #[test]
    fn clearing_depends_on_the_operation() {
        let body = map(j!({ "description": null, "name": "x" }));
        let mut update = body.clone();
        clear_as_text(&mut update, Operation::Update, &["description"]);
        assert_eq!(json(&update), j!({ "description": "", "name": "x" }));
        let mut create = body;
        clear_as_text(&mut create, Operation::Create, &["description"]);
        assert_eq!(json(&create), j!({ "name": "x" }));
    }
}
