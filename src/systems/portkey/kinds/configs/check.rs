//! What a schema cannot say of a gateway config.
//!
//! Whatever the gateway would ignore or might just know better than we do is a warning: the
//! published schema of configs is behind the hosted gateway.

use super::query;
use crate::diagnostic::did_you_mean;
use crate::kind::Problems;
use crate::model::{Map, Pointer, Value};
use crate::systems::portkey::wire::{has, number};

/// The members of a config and of a target.
const MEMBERS: &[&str] = &[
    "strategy",
    "targets",
    "name",
    "weight",
    "provider",
    "virtual_key",
    "api_key",
    "prompt_id",
    "custom_host",
    "retry",
    "cache",
    "cb_config",
    "request_timeout",
    "on_status_codes",
    "override_params",
    "default_params",
    "drop_params",
    "forward_headers",
    "passthrough",
    "strict_open_ai_compliance",
    "input_guardrails",
    "output_guardrails",
    "before_request_hooks",
    "after_request_hooks",
    "input_mutators",
    "output_mutators",
    "deployments",
    "resource_name",
    "deployment_id",
    "api_version",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_region",
    "aws_auth_type",
    "aws_role_arn",
    "aws_external_id",
    "openai_organization",
    "openai_project",
    "vertex_project_id",
    "vertex_region",
    "vertex_service_account_json",
    "azure_region",
    "azure_deployment_name",
    "azure_deployment_type",
    "azure_endpoint_name",
    "azure_api_version",
    "azure_auth_mode",
    "azure_ad_token",
    "azure_managed_client_id",
    "azure_entra_client_id",
    "azure_entra_client_secret",
    "azure_entra_tenant_id",
    "azure_entra_scope",
    "azure_foundry_url",
    "anthropic_beta",
    "anthropic_version",
    "fetch_integrated_models",
    "workers_ai_account_id",
    "snowflake_account",
    "huggingface_base_url",
    "metadata",
    "trace_id",
];

/// The members that `passthrough` cannot stand beside.
const NOT_WITH_PASSTHROUGH: &[&str] = &[
    "targets",
    "strategy",
    "override_params",
    "input_guardrails",
    "output_guardrails",
];

pub(super) fn check(entry: &Map, problems: &mut Problems) {
    if let Some(config) = entry.get("config").and_then(Value::as_map) {
        level(config, &Pointer::root().child("config"), true, problems);
    }
}

/// Checks a config or a target, and its targets.
fn level(config: &Map, at: &Pointer, root: bool, problems: &mut Problems) {
    for member in config
        .keys()
        .filter(|member| !MEMBERS.contains(&member.as_str()))
    {
        let what = if root { "configs" } else { "targets" };
        let message = format!("`{member}` is not a known member of {what}");
        problems
            .warning("unknown-field", &at.child(member), message)
            .help = did_you_mean(member, MEMBERS.iter().copied());
    }
    let targets = config
        .get("targets")
        .and_then(Value::as_list)
        .unwrap_or_default();
    if let Some(strategy) = config.get("strategy").and_then(Value::as_map) {
        check_strategy(strategy, targets, at, problems);
    } else if targets.len() > 1 {
        problems
            .warning(
                "missing-field",
                at,
                "several `targets` without a `strategy`",
            )
            .help("say how one is chosen, for example `strategy: { mode: fallback }`");
    }
    check_targets(config, targets, at, root, problems);
    check_retry_and_cache(config, at, problems);
    for field in ["input_guardrails", "output_guardrails"] {
        let list = config
            .get(field)
            .and_then(Value::as_list)
            .unwrap_or_default();
        let objects = list.iter().filter(|value| value.as_map().is_some()).count();
        if objects != 0 && objects != list.len() {
            problems.warning(
                "invalid-value",
                &at.child(field),
                format!("`{field}` should be all texts or all objects"),
            );
        }
    }
    if root && config.get("passthrough").and_then(Value::as_bool) == Some(true) {
        for field in NOT_WITH_PASSTHROUGH
            .iter()
            .filter(|field| has(config, field))
        {
            problems.warning(
                "conflicting-fields",
                &at.child(field),
                format!("`{field}` does nothing beside `passthrough: true`"),
            );
        }
    }
    for (index, target) in targets.iter().enumerate() {
        if let Some(target) = target.as_map() {
            level(target, &at.child("targets").child(index), false, problems);
        }
    }
}

fn check_strategy(strategy: &Map, targets: &[Value], at: &Pointer, problems: &mut Problems) {
    let inside = at.child("strategy");
    let mode = strategy
        .get("mode")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if matches!(mode, "loadbalance" | "fallback" | "conditional") && targets.is_empty() {
        let message = format!("`mode: {mode}` needs `targets`");
        problems.error("missing-field", at, message);
        return;
    }
    if mode != "conditional" {
        for field in ["conditions", "default"]
            .iter()
            .filter(|field| has(strategy, field))
        {
            let message = format!("`{field}` means nothing with `mode: {mode}`");
            problems.warning("unused-field", &inside.child(field), message);
        }
        return;
    }
    let names: Vec<&str> = targets
        .iter()
        .filter_map(|target| target.at(&["name"])?.as_str())
        .collect();
    let names_target = |value: &Value, at: &Pointer, problems: &mut Problems| {
        if let Some(name) = value.as_str()
            && !names.contains(&name)
        {
            let help = match did_you_mean(name, names.iter().copied()) {
                None if names.is_empty() => Some("give the targets a `name`".to_owned()),
                None => Some(format!("the targets here are `{}`", names.join("`, `"))),
                some => some,
            };
            problems
                .error("unknown-value", at, format!("no target is named `{name}`"))
                .help = help;
        }
    };
    for field in ["conditions", "default"]
        .iter()
        .filter(|field| !has(strategy, field))
    {
        let message = format!("`mode: conditional` needs `{field}`");
        problems.error("missing-field", &inside, message);
    }
    if let Some(default) = strategy.get("default") {
        names_target(default, &inside.child("default"), problems);
    }
    let conditions = strategy
        .get("conditions")
        .and_then(Value::as_list)
        .unwrap_or_default();
    for (index, condition) in conditions.iter().enumerate() {
        let at = inside.child("conditions").child(index);
        if let Some(query) = condition.at(&["query"]).and_then(Value::as_map) {
            query::check(query, &at.child("query"), problems);
        }
        if let Some(then) = condition.at(&["then"]) {
            names_target(then, &at.child("then"), problems);
        }
    }
}

fn check_targets(
    config: &Map,
    targets: &[Value],
    at: &Pointer,
    root: bool,
    problems: &mut Problems,
) {
    let mode = config
        .get("strategy")
        .and_then(|all| all.at(&["mode"])?.as_str());
    // How many the service stores.
    let most = match (root, mode) {
        (true, Some("conditional")) => 1000,
        (true, _) => 100,
        (false, _) => 50,
    };
    let inside = at.child("targets");
    if targets.len() > most {
        let message = format!(
            "{} targets, of which the service takes {most}",
            targets.len()
        );
        problems.warning("too-many", &inside, message);
    }
    let mut names = Vec::new();
    for (index, target) in targets.iter().enumerate() {
        let Some(name) = target.at(&["name"]).and_then(Value::as_str) else {
            continue;
        };
        if names.contains(&name) {
            let at = inside.child(index).child("name");
            let message = format!("another target is named `{name}` as well");
            problems.warning("duplicate-value", &at, message);
        }
        names.push(name);
    }
    if mode == Some("loadbalance")
        && !targets.is_empty()
        && targets
            .iter()
            .all(|target| number(target.at(&["weight"])) == Some(0.0))
    {
        problems.error("invalid-value", &inside, "all targets have the weight 0");
    }
}

fn check_retry_and_cache(config: &Map, at: &Pointer, problems: &mut Problems) {
    let member = |field: &str, below: &str| config.get(field).and_then(|value| value.at(&[below]));
    if let Some(attempts) = number(member("retry", "attempts"))
        && attempts > 5.0
    {
        problems.warning(
            "invalid-value",
            &at.child("retry").child("attempts"),
            format!("the gateway tries at most 5 times, not {attempts}"),
        );
    }
    if let Some(age) = number(member("cache", "max_age"))
        && !(60.0..=7_776_000.0).contains(&age)
    {
        problems.warning(
            "invalid-value",
            &at.child("cache").child("max_age"),
            format!("answers are kept for 60 to 7776000 seconds, not {age}"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::KIND;
    use crate::systems::portkey::spec::testing::problems;
    use serde_json::{Value as Json, json};

    fn of(config: Json) -> Vec<String> {
        problems(&KIND, json!({ "config": config }))
    }

    #[test]
    fn good_configs_are_accepted_without_a_word() {
        for config in [
            json!({}),
            json!({ "provider": "@a", "cache": { "mode": "simple", "max_age": 60 } }),
            json!({ "strategy": { "mode": "single" }, "targets": [{ "provider": "@a" }] }),
            json!({ "strategy": { "mode": "conditional", "default": "b", "conditions": [
                        { "query": { "metadata.plan": "paid" }, "then": "a" }] },
                    "targets": [{ "name": "a", "provider": "@a" }, { "name": "b",
                        "strategy": { "mode": "fallback" }, "targets": [{}, {}] }] }),
        ] {
            assert_eq!(of(config.clone()), Vec::<String>::new(), "{config}");
        }
    }

    #[test]
    fn routing_that_leads_nowhere_is_an_error() {
        let table: &[(Json, &[&str])] = &[
            (
                json!({ "strategy": { "mode": "fallback" } }),
                &["error /config missing-field: `mode: fallback` needs `targets`"],
            ),
            (
                json!({ "strategy": { "mode": "conditional" }, "targets": [{}] }),
                &[
                    "error /config/strategy missing-field: `mode: conditional` needs `conditions`",
                    "error /config/strategy missing-field: `mode: conditional` needs `default`",
                ],
            ),
            (
                json!({ "strategy": { "mode": "conditional", "default": "chep", "conditions": [
                            { "query": { "params.model": "m" }, "then": "gone" }] },
                        "targets": [{ "name": "cheap" }, { "name": "good" }] }),
                &[
                    "error /config/strategy/default unknown-value: no target is named `chep` (did \
                     you mean `cheap`?)",
                    "error /config/strategy/conditions/0/then unknown-value: no target is named \
                     `gone` (did you mean `good`?)",
                ],
            ),
            (
                json!({ "strategy": { "mode": "loadbalance" },
                        "targets": [{ "weight": 0 }, { "weight": 0.0 }] }),
                &["error /config/targets invalid-value: all targets have the weight 0"],
            ),
        ];
        for (config, expected) in table {
            assert_eq!(of(config.clone()), *expected, "{config}");
        }
    }

    #[test]
    fn what_the_gateway_ignores_is_a_warning() {
        let table: &[(Json, &[&str])] = &[
            (
                json!({ "request_timout": 5, "targets": [{ "wieght": 1 }] }),
                &[
                    "warning /config/request_timout unknown-field: `request_timout` is not a known \
                     member of configs (did you mean `request_timeout`?)",
                    "warning /config/targets/0/wieght unknown-field: `wieght` is not a known \
                     member of targets (did you mean `weight`?)",
                ],
            ),
            (
                json!({ "retry": { "attempts": 9 }, "cache": { "max_age": 5 } }),
                &[
                    "warning /config/retry/attempts invalid-value: the gateway tries at most 5 \
                     times, not 9",
                    "warning /config/cache/max_age invalid-value: answers are kept for 60 to \
                     7776000 seconds, not 5",
                ],
            ),
            (
                json!({ "targets": [{ "name": "a" }, { "name": "a" }] }),
                &[
                    "warning /config missing-field: several `targets` without a `strategy` (say \
                     how one is chosen, for example `strategy: { mode: fallback }`)",
                    "warning /config/targets/1/name duplicate-value: another target is named `a` \
                     as well",
                ],
            ),
            (
                json!({ "passthrough": true, "override_params": { "a": 1 },
                        "input_guardrails": [] }),
                &[
                    "warning /config/override_params conflicting-fields: `override_params` does \
                     nothing beside `passthrough: true`",
                    "warning /config/input_guardrails conflicting-fields: `input_guardrails` does \
                     nothing beside `passthrough: true`",
                ],
            ),
            (
                json!({ "input_guardrails": ["a", { "id": "b" }] }),
                &[
                    "warning /config/input_guardrails invalid-value: `input_guardrails` should be \
                   all texts or all objects",
                ],
            ),
            (
                json!({ "strategy": { "mode": "single", "default": "a" } }),
                &[
                    "warning /config/strategy/default unused-field: `default` means nothing with \
                   `mode: single`",
                ],
            ),
        ];
        for (config, expected) in table {
            assert_eq!(of(config.clone()), *expected, "{config}");
        }
    }
}
