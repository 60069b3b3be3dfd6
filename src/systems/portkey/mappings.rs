//! What is common to the `secret_mappings` of integrations, MCP integrations and virtual keys.

use crate::kind::Problems;
use crate::model::{Map, Pointer, Value};

/// Checks the mappings of an entry: each field is mapped once, and not declared as well, which is
/// what `declared` knows. Returns the fields with the places that name them.
pub(super) fn check<'a>(
    entry: &'a Map,
    declared: impl Fn(&str) -> Option<&'a Value>,
    problems: &mut Problems,
) -> Vec<(&'a str, Pointer)> {
    let mut mapped: Vec<(&str, Pointer)> = Vec::new();
    let list = entry.get("secret_mappings").and_then(Value::as_list);
    for (index, mapping) in list.unwrap_or_default().iter().enumerate() {
        let Some(target) = mapping.at(&["target_field"]).and_then(Value::as_str) else {
            continue;
        };
        let at = Pointer::from("/secret_mappings").child(index);
        let at = at.child("target_field");
        if mapped.iter().any(|(other, _)| *other == target) {
            let message = format!("`{target}` is mapped twice");
            problems.error("duplicate-value", &at, message);
        }
        if declared(target).is_some_and(|value| !value.is_null()) {
            let message = format!("`{target}` is both declared and mapped");
            problems
                .warning("conflicting-fields", &at, message)
                .help("leave one of them out");
        }
        mapped.push((target, at));
    }
    mapped
}
