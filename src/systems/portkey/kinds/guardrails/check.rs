//! What a schema cannot say of a guardrail: which parameters its checks have.

use super::catalogue::{Accepts, CHECKS, COMMON, Check, OTHER_SPELLINGS, Parameter};
use crate::diagnostic::{did_you_mean, nearest};
use crate::kind::Problems;
use crate::model::{Map, Pointer, Value};
use crate::systems::portkey::forms::one_of;
use crate::systems::portkey::wire::has;

pub(super) fn check(entry: &Map, problems: &mut Problems) {
    let root = Pointer::root();
    if has(entry, "workspace_id") && has(entry, "organisation_id") {
        problems
            .error(
                "conflicting-fields",
                &root.child("organisation_id"),
                "`organisation_id` and `workspace_id` exclude each other",
            )
            .help("a guardrail belongs to one workspace or to the whole organisation");
    }
    let checks = entry
        .get("checks")
        .and_then(Value::as_list)
        .unwrap_or_default();
    for (index, check) in checks.iter().enumerate() {
        if let Some(check) = check.as_map() {
            check_one(check, &root.child("checks").child(index), problems);
        }
    }
    if let Some(actions) = entry.get("actions").and_then(Value::as_map) {
        check_actions(actions, &root.child("actions"), problems);
    }
}

/// The older form says what is to happen with `onFail`; the newer one has to say it in full.
fn check_actions(actions: &Map, at: &Pointer, problems: &mut Problems) {
    if has(actions, "onFail") {
        return;
    }
    for field in ["deny", "async"] {
        if !has(actions, field) {
            problems.error("missing-field", at, format!("`actions` needs `{field}`"));
        }
    }
}

fn check_one(check: &Map, at: &Pointer, problems: &mut Problems) {
    let Some(id) = check.get("id").and_then(Value::as_str) else {
        return;
    };
    let Some(known) = CHECKS.iter().find(|known| known.id == id) else {
        let other = OTHER_SPELLINGS.iter().find(|(other, _)| *other == id);
        let help = other.map(|(_, right)| format!("did you mean `{right}`?"));
        let help = help.or_else(|| did_you_mean(id, CHECKS.iter().map(|known| known.id)));
        problems
            .warning(
                "unknown-value",
                &at.child("id"),
                format!("no check `{id}` is known"),
            )
            .help = help;
        return;
    };
    let none = Map::new();
    let parameters = match check.get("parameters") {
        Some(Value::Map(parameters)) => parameters,
        None | Some(Value::Null) => &none,
        Some(_) => return,
    };
    let inside = at.child("parameters");
    for (name, value) in parameters {
        check_parameter(known, name, value, &inside.child(name), problems);
    }
    for parameter in known
        .parameters
        .iter()
        .filter(|parameter| parameter.required)
    {
        let name = parameter.name;
        let misspelt = || {
            parameters
                .keys()
                .any(|key| find(known, key).is_none() && nearest(key, [name]).is_some())
        };
        if !has(parameters, name) && !misspelt() {
            let at = if check.contains_key("parameters") {
                &inside
            } else {
                at
            };
            let message = format!("`{id}` needs the parameter `{name}`");
            problems.error("missing-field", at, message);
        }
    }
}

fn find<'a>(check: &'a Check, name: &str) -> Option<&'a Parameter> {
    check
        .parameters
        .iter()
        .chain(COMMON)
        .find(|parameter| parameter.name == name)
}

fn check_parameter(
    check: &Check,
    name: &str,
    value: &Value,
    at: &Pointer,
    problems: &mut Problems,
) {
    let id = check.id;
    let Some(parameter) = find(check, name) else {
        let names = check
            .parameters
            .iter()
            .chain(COMMON)
            .map(|parameter| parameter.name);
        let message = format!("`{id}` has no parameter `{name}`");
        match did_you_mean(name, names) {
            Some(help) => problems.error("unknown-field", at, message).help(help),
            None => problems
                .warning("unknown-field", at, message)
                .help("it is sent as it is, in case the server knows more"),
        }
        return;
    };
    match (parameter.accepts, value) {
        (Accepts::Words(words), Value::List(list)) => {
            for (index, value) in list.iter().enumerate() {
                expect(
                    Accepts::Word(words),
                    value,
                    name,
                    &at.child(index),
                    problems,
                );
            }
        }
        (Accepts::Texts, Value::List(list)) => {
            for (index, value) in list.iter().enumerate() {
                expect(Accepts::Text, value, name, &at.child(index), problems);
            }
        }
        (accepts, value) => expect(accepts, value, name, at, problems),
    }
}

/// Complains about a value that is not what the parameter accepts.
fn expect(accepts: Accepts, value: &Value, name: &str, at: &Pointer, problems: &mut Problems) {
    let is_text = matches!(
        value,
        Value::String(_) | Value::Template(_) | Value::Secret(_) | Value::Reference(_)
    );
    let (fits, wanted) = match accepts {
        Accepts::Anything => (true, ""),
        Accepts::Flag => (matches!(value, Value::Bool(_)), "a boolean"),
        Accepts::Number => (matches!(value, Value::Number(_)), "a number"),
        Accepts::Share => {
            let within = |number: &serde_json::Number| {
                number
                    .as_f64()
                    .is_some_and(|number| (0.0..=1.0).contains(&number))
            };
            let fits = matches!(value, Value::Number(number) if within(number));
            (fits, "a number from 0 to 1")
        }
        Accepts::Text => (is_text, "a string"),
        Accepts::Word(words) => {
            let Some(word) = value.as_str() else {
                return complain(is_text, "a string", value, name, at, problems);
            };
            if !words.contains(&word) {
                let help = did_you_mean(word, words.iter().copied());
                let help = help.or_else(|| (words.len() <= 12).then(|| one_of(words)));
                problems
                    .error(
                        "unknown-value",
                        at,
                        format!("`{word}` is no value of `{name}`"),
                    )
                    .help = help;
            }
            return;
        }
        Accepts::Texts | Accepts::Words(_) => (false, "a list of strings"),
        Accepts::Object => (matches!(value, Value::Map(_)), "a map"),
        Accepts::Objects => (matches!(value, Value::List(_)), "a list of maps"),
    };
    complain(fits || value.is_null(), wanted, value, name, at, problems);
}

fn complain(
    fits: bool,
    wanted: &str,
    value: &Value,
    name: &str,
    at: &Pointer,
    problems: &mut Problems,
) {
    if !fits {
        let message = format!("`{name}` must be {wanted}, not {}", value.type_name());
        problems.error("invalid-value", at, message);
    }
}

#[cfg(test)]
mod tests {
    use super::super::KIND;
    use super::*;
    use crate::systems::portkey::spec::testing::problems;
    use serde_json::{Value as Json, json};

    fn of(id: &str, parameters: Json) -> Vec<String> {
        problems(
            &KIND,
            json!({ "checks": [{ "id": id, "parameters": parameters }] }),
        )
    }

    #[test]
    fn the_documented_checks_are_all_here() {
        assert_eq!(CHECKS.len(), 46);
        for check in CHECKS {
            let same = CHECKS.iter().filter(|other| other.id == check.id).count();
            assert_eq!(same, 1, "{}", check.id);
        }
    }

    #[test]
    fn good_parameters_are_accepted_without_a_word() {
        for (id, parameters) in [
            (
                "portkey.pii",
                json!({ "categories": ["SSN"], "redact": true, "timeout": 100 }),
            ),
            (
                "default.jwt",
                json!({ "jwksUri": "u", "headerKey": "h", "algorithms": ["ES256"] }),
            ),
            (
                "default.jsonSchema",
                json!({ "schema": { "type": "object" }, "not": true }),
            ),
            (
                "default.webhook",
                json!({ "webhookURL": "u", "headers": { "a": "b" },
                                        "failOnError": true }),
            ),
            (
                "acuvity.scan",
                json!({ "toxic_threshold": 0.7, "secrets_categories": ["github"] }),
            ),
            ("lasso.classify", json!({})),
        ] {
            assert_eq!(of(id, parameters), Vec::<String>::new(), "{id}");
        }
    }

    #[test]
    fn bad_parameters_are_pointed_out() {
        let table: &[(&str, Json, &[&str])] = &[
            (
                "portkey.pi",
                json!({}),
                &[
                    "warning /checks/0/id unknown-value: no check `portkey.pi` is known (did you \
                   mean `portkey.pii`?)",
                ],
            ),
            (
                "acuvity.Acuvity",
                json!({}),
                &[
                    "warning /checks/0/id unknown-value: no check `acuvity.Acuvity` is known (did \
                   you mean `acuvity.scan`?)",
                ],
            ),
            (
                "lakera.guard",
                json!({ "any": 1 }),
                &["warning /checks/0/id unknown-value: no check `lakera.guard` is known"],
            ),
            (
                "portkey.pii",
                json!({ "redacted": true }),
                &[
                    "error /checks/0/parameters/redacted unknown-field: `portkey.pii` has no \
                     parameter `redacted` (did you mean `redact`?)",
                    "error /checks/0/parameters missing-field: `portkey.pii` needs the parameter \
                     `categories`",
                ],
            ),
            (
                "portkey.pii",
                json!({ "category": ["SSN"] }),
                &[
                    "error /checks/0/parameters/category unknown-field: `portkey.pii` has no \
                   parameter `category` (did you mean `categories`?)",
                ],
            ),
            (
                "portkey.pii",
                json!({ "categories": ["EMAIL"], "brandNewOption": 1 }),
                &[
                    "warning /checks/0/parameters/brandNewOption unknown-field: `portkey.pii` has \
                     no parameter `brandNewOption` (it is sent as it is, in case the server knows \
                     more)",
                    "error /checks/0/parameters/categories/0 unknown-value: `EMAIL` is no value of \
                     `categories` (expected one of `EMAIL_ADDRESS`, `PHONE_NUMBER`, \
                     `LOCATION_ADDRESS`, `NAME`, `IP_ADDRESS`, `CREDIT_CARD`, `SSN`)",
                ],
            ),
            (
                "default.contains",
                json!({ "words": "x", "operator": "some" }),
                &[
                    "error /checks/0/parameters/operator unknown-value: `some` is no value of \
                     `operator` (did you mean `none`?)",
                    "error /checks/0/parameters/words invalid-value: `words` must be a list of \
                     strings, not a string",
                ],
            ),
            (
                "sydelabs.sydeguard",
                json!({ "toxicity_threshold": 50, "timeout": "1s" }),
                &[
                    "error /checks/0/parameters/timeout invalid-value: `timeout` must be a number, \
                     not a string",
                    "error /checks/0/parameters/toxicity_threshold invalid-value: \
                     `toxicity_threshold` must be a number from 0 to 1, not a number",
                ],
            ),
        ];
        for (id, parameters, expected) in table {
            assert_eq!(of(id, parameters.clone()), *expected, "{id}");
        }
    }

    #[test]
    fn actions_must_say_what_happens() {
        let entry = json!({ "actions": { "deny": true } });
        assert_eq!(
            problems(&KIND, entry),
            ["error /actions missing-field: `actions` needs `async`"]
        );
        assert!(problems(&KIND, json!({ "actions": { "onFail": "block" } })).is_empty());
    }
}
