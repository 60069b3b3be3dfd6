//! When two spellings of a value are the same to the API.

use crate::model::{Reference, Value};

/// Resolves a reference to an id or slug.
pub(crate) type Resolve<'a> = &'a dyn Fn(&Reference) -> Option<String>;

/// Whether a value says as much as its absence.
pub(crate) fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(members) => members.values().all(is_blank),
        _ => false,
    }
}

/// Whether two leaves are the same. What the live API is known to do is forgiven: booleans come
/// as 0/1 or as texts, numbers as texts, and instants in several spellings.
pub(super) fn leaves(desired: &Value, live: &Value, instant: bool, resolve: Resolve<'_>) -> bool {
    match (desired, live) {
        (Value::Bool(want), live) => as_bool(live) == Some(*want),
        (Value::Number(want), Value::Number(have)) => numbers(want, have),
        (Value::Number(want), Value::String(have)) => have
            .trim()
            .parse()
            .is_ok_and(|have: f64| Some(have) == want.as_f64()),
        (Value::String(want), Value::String(have)) => {
            want == have || (instant && same_instant(want, have))
        }
        (Value::Reference(want), Value::Reference(have)) => want.address == have.address,
        (Value::Reference(want), Value::String(have)) => {
            resolve(want).is_some_and(|want| want == *have)
        }
        (Value::Template(want), Value::String(have)) => {
            want.render(resolve).is_some_and(|want| want == *have)
        }
        // What a ledger remembers of a secret is where it came from; whether its value changed is
        // for fingerprints to say.
        (Value::Secret(want), Value::Secret(have)) if have.reveal().is_empty() => {
            want.sources() == have.sources()
        }
        (want, have) => want == have,
    }
}

/// Whether two values are the same all the way down.
pub(crate) fn deep(desired: &Value, live: &Value, resolve: Resolve<'_>) -> bool {
    match (desired, live) {
        (Value::Map(want), Value::Map(have)) => {
            let blank = |value: Option<&Value>| value.is_none_or(is_blank);
            want.iter().all(|(key, want)| match have.get(key) {
                Some(have) => deep(want, have, resolve),
                None => is_blank(want),
            }) && have
                .iter()
                .all(|(key, have)| want.contains_key(key) || blank(Some(have)))
        }
        (Value::List(want), Value::List(have)) => {
            want.len() == have.len() && want.iter().zip(have).all(|(a, b)| deep(a, b, resolve))
        }
        (want, have) => (is_blank(want) && is_blank(have)) || leaves(want, have, false, resolve),
    }
}

/// Whole numbers are compared as such: beyond 2^53 different ones are the same as floats.
fn numbers(want: &serde_json::Number, have: &serde_json::Number) -> bool {
    let whole = |number: &serde_json::Number| !number.is_f64();
    want == have || (!(whole(want) && whole(have)) && want.as_f64() == have.as_f64())
}

fn as_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Value::String(text) => match text.as_str() {
            "true" | "1" => Some(true),
            "false" | "0" | "" => Some(false),
            _ => None,
        },
        // Never set reads as null and means no.
        Value::Null => Some(false),
        _ => None,
    }
}

fn same_instant(a: &str, b: &str) -> bool {
    match (a.parse::<jiff::Timestamp>(), b.parse::<jiff::Timestamp>()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
