//! The language of a conditional router's queries.
//!
//! Source: the open-source gateway's router, which refuses an operator that it does not know, looks
//! at nothing else in an object that has `$and`, `$or` or `$regex`, and reads both sides of an
//! ordering as numbers.

use crate::diagnostic::did_you_mean;
use crate::kind::Problems;
use crate::model::{Map, Pointer, Value};
use crate::systems::portkey::forms::one_of;

const OPERATORS: &[&str] = &[
    "$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$regex",
];

const COMBINATIONS: &[&str] = &["$and", "$or"];

/// Checks a query and those that it is made of.
pub(super) fn check(query: &Map, at: &Pointer, problems: &mut Problems) {
    for (key, value) in query {
        let at = at.child(key);
        if COMBINATIONS.contains(&key.as_str()) {
            combination(key, value, query, &at, problems);
        } else if key.starts_with('$') {
            let message = format!("`{key}` cannot stand here");
            let all = COMBINATIONS.iter().chain(OPERATORS).copied();
            let help = if OPERATORS.contains(&key.as_str()) {
                Some(format!("write `metadata.NAME: {{ {key}: ... }}`"))
            } else {
                did_you_mean(key, all).or_else(|| Some(one_of(COMBINATIONS)))
            };
            problems.error("unknown-value", &at, message).help = help;
        } else {
            let known = key == "url.pathname"
                || ["metadata.", "params."]
                    .iter()
                    .any(|start| key.strip_prefix(start).is_some_and(|name| !name.is_empty()));
            if !known {
                problems
                    .warning("unknown-value", &at, format!("nothing is known of `{key}`"))
                    .help("queries are about `metadata.NAME`, `params.NAME` and `url.pathname`");
            }
            if let Value::Map(operators) = value {
                comparison(operators, &at, problems);
            }
        }
    }
}

fn combination(key: &str, value: &Value, query: &Map, at: &Pointer, problems: &mut Problems) {
    let Some(parts) = value.as_list() else {
        let message = format!("`{key}` needs a list of queries, not {}", value.type_name());
        problems.error("invalid-value", at, message);
        return;
    };
    if query.len() > 1 {
        let message = format!("what stands beside `{key}` is ignored");
        problems
            .warning("unused-field", at, message)
            .help("put everything into the list of one `$and`");
    }
    for (index, part) in parts.iter().enumerate() {
        if let Some(part) = part.as_map() {
            check(part, &at.child(index), problems);
        }
    }
}

fn comparison(operators: &Map, at: &Pointer, problems: &mut Problems) {
    for (operator, operand) in operators {
        let at = at.child(operator);
        if !OPERATORS.contains(&operator.as_str()) {
            let help = did_you_mean(operator, OPERATORS.iter().copied());
            problems
                .error(
                    "unknown-value",
                    &at,
                    format!("unknown operator `{operator}`"),
                )
                .help(help.unwrap_or_else(|| one_of(OPERATORS)));
            continue;
        }
        let wanted = match operator.as_str() {
            "$in" | "$nin" if operand.as_list().is_none() => "a list",
            "$gt" | "$gte" | "$lt" | "$lte" if !numeric(operand) => "a number",
            "$regex" if matches!(operand, Value::Number(_) | Value::Bool(_) | Value::List(_)) => {
                "a string"
            }
            _ => continue,
        };
        let message = format!("`{operator}` needs {wanted}, not {}", operand.type_name());
        problems.error("invalid-value", &at, message);
    }
    if operators.contains_key("$regex") && operators.len() > 1 {
        problems.warning("unused-field", at, "what stands beside `$regex` is ignored");
    }
}

fn numeric(operand: &Value) -> bool {
    match operand {
        Value::Number(_) | Value::Template(_) => true,
        Value::String(text) => text.trim().parse::<f64>().is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::portkey::spec::testing::map;
    use serde_json::{Value as Json, json};

    fn of(query: Json) -> Vec<String> {
        let mut problems = Problems::default();
        check(&map(query), &Pointer::root(), &mut problems);
        let line = |problem: &crate::kind::Problem| {
            let help = problem.help.as_ref();
            let help = help.map_or(String::new(), |help| format!(" ({help})"));
            format!("{}: {}{help}", problem.pointer, problem.message)
        };
        problems.0.iter().map(line).collect()
    }

    #[test]
    fn good_queries_are_accepted_without_a_word() {
        for query in [
            json!({ "metadata.plan": "paid", "params.max_tokens": { "$gt": 100, "$lte": "200" } }),
            json!({ "$or": [{ "url.pathname": { "$regex": "/v1/chat" } },
                            { "$and": [{ "metadata.a": { "$in": ["x"] } }] }] }),
        ] {
            assert_eq!(of(query.clone()), Vec::<String>::new(), "{query}");
        }
    }

    #[test]
    fn bad_queries_are_pointed_out() {
        let table: &[(Json, &[&str])] = &[
            (
                json!({ "metadata.plan": { "$equals": "x" } }),
                &[
                    "/metadata.plan/$equals: unknown operator `$equals` (expected one of `$eq`, \
                   `$ne`, `$gt`, `$gte`, `$lt`, `$lte`, `$in`, `$nin`, `$regex`)",
                ],
            ),
            (
                json!({ "metadata.plan": { "$regx": "x" } }),
                &["/metadata.plan/$regx: unknown operator `$regx` (did you mean `$regex`?)"],
            ),
            (
                json!({ "metadata.n": { "$in": "x", "$gt": "many", "$regex": 5 } }),
                &[
                    "/metadata.n/$gt: `$gt` needs a number, not a string",
                    "/metadata.n/$in: `$in` needs a list, not a string",
                    "/metadata.n/$regex: `$regex` needs a string, not a number",
                    "/metadata.n: what stands beside `$regex` is ignored",
                ],
            ),
            (
                json!({ "$and": {}, "$nor": [], "$eq": 1 }),
                &[
                    "/$and: `$and` needs a list of queries, not a map",
                    "/$eq: `$eq` cannot stand here (write `metadata.NAME: { $eq: ... }`)",
                    "/$nor: `$nor` cannot stand here (did you mean `$or`?)",
                ],
            ),
            (
                json!({ "$or": [{ "meta.plan": "x" }], "metadata.a": "b" }),
                &[
                    "/$or: what stands beside `$or` is ignored (put everything into the list of \
                     one `$and`)",
                    "/$or/0/meta.plan: nothing is known of `meta.plan` (queries are about \
                     `metadata.NAME`, `params.NAME` and `url.pathname`)",
                ],
            ),
        ];
        for (query, expected) in table {
            assert_eq!(of(query.clone()), *expected, "{query}");
        }
    }
}
