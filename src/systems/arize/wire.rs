//! What the kinds share: scopings, secrets of which only the presence is told, and URLs.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diagnostic::Severity;
use crate::kind::Problems;
use crate::model::{Map, Pointer, Secret, Value};
use crate::systems::forms::{Context, Form, has};

/// Who sees an integration: an organization, or one space of it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scoping {
    /// The organization, by key.
    #[schemars(length(min = 1))]
    pub organization_id: Option<String>,
    /// The space, by key; all of the organization if left out.
    #[schemars(length(min = 1))]
    pub space_id: Option<String>,
}

/// The most bytes that headers may have as JSON.
const MAX_HEADERS: usize = 8175;

/// Account-wide reads as one scoping of nothing or as no scoping at all: the latter is kept.
pub(super) fn read_scopings(live: &mut Map) {
    if let Some(Value::List(scopings)) = live.get_mut("scopings") {
        scopings.retain(|scoping| {
            scoping
                .as_map()
                .is_some_and(|map| has(map, "organization_id") || has(map, "space_id"))
        });
    }
}

/// Checks scopings. A scoping of nothing means everything, so nothing can stand beside it.
pub(super) fn check_scopings(entry: &Map, space_needs_organization: bool, problems: &mut Problems) {
    let at = Pointer::root().child("scopings");
    let scopings = entry.get("scopings").and_then(Value::as_list);
    let scopings = scopings.unwrap_or_default();
    for (index, scoping) in scopings.iter().enumerate() {
        let Some(scoping) = scoping.as_map() else {
            continue;
        };
        let (organization, space) = (has(scoping, "organization_id"), has(scoping, "space_id"));
        if !organization && !space && scopings.len() > 1 {
            problems
                .error(
                    "invalid-value",
                    &at.child(index),
                    "a scoping of nothing means the whole account, so the others mean nothing",
                )
                .help("remove it, or write `scopings: []` for the whole account");
        }
        if space && !organization && space_needs_organization {
            problems
                .error(
                    "missing-field",
                    &at.child(index),
                    "a scoping with `space_id` needs `organization_id` as well",
                )
                .help("name the organization that the space is in");
        }
    }
}

/// Puts what is not shown into the place of what says whether it is there: `has_api_key: true`
/// becomes an `api_key` that hides its text.
pub(super) fn read_presence(live: &mut Map, flag: &str, field: &str) {
    if let Some(flag) = live.shift_remove(flag) {
        let shown = flag == Value::Bool(true);
        let value = if shown { hidden() } else { Value::Null };
        live.insert(field.to_owned(), value);
    }
}

/// Puts headers that hide their values into the place of their names.
pub(super) fn read_header_names(live: &mut Map) {
    if let Some(names) = live.shift_remove("header_names") {
        let names = names.as_list().unwrap_or_default().iter();
        let headers: Map = names
            .filter_map(|name| Some((name.as_str()?.to_owned(), hidden())))
            .collect();
        live.insert("headers".to_owned(), Value::Map(headers));
    }
}

fn hidden() -> Value {
    Value::Secret(Secret::live(""))
}

/// Checks a form. The server refuses what does not belong to it, so that is an error here.
pub(super) fn check_form(
    form: &Form,
    object: &Map,
    at: &Pointer,
    context: &Context<'_>,
    problems: &mut Problems,
) {
    let mut found = Problems::default();
    form.check(object, at, context, false, &mut found);
    for mut problem in found.0 {
        if problem.code == "unused-field" {
            problem.severity = Severity::Error;
        }
        problems.0.push(problem);
    }
}

/// Checks that a field, if it is a text that is known, is an address that the server will use.
pub(super) fn check_https(entry: &Map, at: &Pointer, field: &str, problems: &mut Problems) {
    let Some(url) = entry.get(field).and_then(Value::as_str) else {
        return;
    };
    let host = url.strip_prefix("https://").unwrap_or_default();
    if host.is_empty() || host.starts_with('/') {
        problems
            .error(
                "invalid-value",
                &at.child(field),
                format!("`{field}` must be an `https://` URL"),
            )
            .help("Arize calls it from outside, so it also needs a public address");
    }
}

/// Checks the size of headers, as far as their values are known.
pub(super) fn check_headers(entry: &Map, at: &Pointer, problems: &mut Problems) {
    let Some(headers) = entry.get("headers").and_then(Value::as_map) else {
        return;
    };
    let texts: serde_json::Map<_, _> = headers
        .iter()
        .map(|(name, value)| {
            let text = match value {
                Value::Secret(secret) => secret.reveal(),
                value => value.as_str().unwrap_or_default(),
            };
            (name.clone(), text.into())
        })
        .collect();
    let size = serde_json::Value::Object(texts).to_string().len();
    if size > MAX_HEADERS {
        problems.error(
            "invalid-value",
            &at.child("headers"),
            format!("the headers have {size} bytes as JSON, and {MAX_HEADERS} is the most"),
        );
    }
}

/// Takes out members that are null: a new object has nothing to clear.
pub(super) fn drop_nulls(map: &mut Map) {
    map.retain(|_, value| !value.is_null());
    for value in map.values_mut() {
        if let Value::Map(below) = value {
            drop_nulls(below);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::systems::spec::testing::map;

    #[test]
    fn account_wide_has_one_spelling() {
        for scopings in [
            json!([]),
            json!([{ "organization_id": null, "space_id": null }]),
            json!([{}]),
        ] {
            let mut live = map(json!({ "scopings": scopings }));
            read_scopings(&mut live);
            assert_eq!(live["scopings"], Value::List(Vec::new()));
        }
    }

    #[test]
    fn what_is_hidden_shows_as_there_or_not_there() {
        let mut live = map(json!({ "has_api_key": true, "header_names": ["X-A"] }));
        read_presence(&mut live, "has_api_key", "api_key");
        read_presence(&mut live, "has_client_secret", "client_secret");
        read_header_names(&mut live);
        assert_eq!(live.len(), 2);
        assert_eq!(live["api_key"], hidden());
        assert_eq!(live["headers"].at(&["X-A"]), Some(&hidden()));
        let mut live = map(json!({ "has_headers": false }));
        read_presence(&mut live, "has_headers", "headers");
        assert_eq!(live["headers"], Value::Null);
    }
}
