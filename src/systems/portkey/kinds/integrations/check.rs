//! What a schema cannot say of an integration.

use super::catalogue::{ALIASES, KEYLESS, PROVIDERS};
use super::configurations::{ANYWHERE, AZURE_OPENAI_OLD, FORMS, SECRETS};
use crate::diagnostic::did_you_mean;
use crate::kind::Problems;
use crate::model::{Map, Pointer, Value};
use crate::systems::portkey::forms::{Context, Form};
use crate::systems::portkey::wire::has;
use crate::systems::portkey::{limits, mappings};

pub(super) fn check(entry: &Map, problems: &mut Problems) {
    let provider = entry.get("ai_provider_id").and_then(Value::as_str);
    let mapped = mappings(entry, provider, problems);
    if let Some(provider) = provider {
        check_provider(provider, problems);
        let form = FORMS.iter().find(|(name, _)| *name == provider);
        let form = form.map_or(&Form::EMPTY, |(_, form)| form);
        check_configurations(entry, provider, form, &mapped, problems);
        check_key(entry, provider, form, &mapped, problems);
    }
    let at = Pointer::root().child("workspaces");
    for (key, grant) in entry
        .get("workspaces")
        .and_then(Value::as_map)
        .into_iter()
        .flatten()
    {
        let at = at.child(key).child("usage_limits");
        limits::check(grant.at(&["usage_limits"]), &at, problems);
    }
}

fn check_provider(provider: &str, problems: &mut Problems) {
    if PROVIDERS.contains(&provider) {
        return;
    }
    let alias = ALIASES.iter().find(|(wrong, _)| *wrong == provider);
    let help = alias.map(|(_, right)| format!("did you mean `{right}`?"));
    if let Some(help) = help.or_else(|| did_you_mean(provider, PROVIDERS.iter().copied())) {
        let at = Pointer::root().child("ai_provider_id");
        let message = format!("no provider `{provider}` is known");
        problems.warning("unknown-value", &at, message).help(help);
    }
}

/// Checks `secret_mappings`; returns the fields that they fill.
fn mappings<'a>(entry: &'a Map, provider: Option<&str>, problems: &mut Problems) -> Vec<&'a str> {
    let declared = |target: &str| match target.strip_prefix("configurations.") {
        Some(field) => entry.get("configurations").and_then(|all| all.at(&[field])),
        None => entry.get(target),
    };
    let mapped = mappings::check(entry, declared, problems);
    let form = FORMS.iter().find(|(name, _)| Some(*name) == provider);
    for (target, at) in &mapped {
        if let Some((field, (provider, form))) = target.strip_prefix("configurations.").zip(form)
            && !form.knows(field)
            && !ANYWHERE.contains(&field)
            && let Some(help) = did_you_mean(field, form.fields())
        {
            let message = format!("`{field}` is not a field of {provider}");
            problems.error("unknown-field", at, message).help(help);
        }
    }
    mapped.into_iter().map(|(target, _)| target).collect()
}

fn check_configurations(
    entry: &Map,
    provider: &str,
    form: &Form,
    mapped: &[&str],
    problems: &mut Problems,
) {
    let at = Pointer::root().child("configurations");
    let needed = !form.required.is_empty();
    let Some(configurations) = entry.get("configurations").and_then(Value::as_map) else {
        if needed
            && !mapped
                .iter()
                .any(|target| target.starts_with("configurations."))
        {
            let message = format!("{provider} needs `configurations`");
            problems
                .warning("missing-field", &Pointer::root(), message)
                .help(format!("at least `{}`", form.required.join("`, `")));
        }
        return;
    };
    let hint = |field: &str| {
        if provider == "azure-openai"
            && let Some((_, help)) = AZURE_OPENAI_OLD.iter().find(|(old, _)| *old == field)
        {
            return Some((*help).to_owned());
        }
        let others: Vec<&str> = FORMS
            .iter()
            .filter(|(_, form)| form.knows(field))
            .map(|(name, _)| *name)
            .collect();
        (!others.is_empty()).then(|| format!("it is a field of {}", others.join(" and ")))
    };
    let supplied = |field: &str| {
        mapped
            .iter()
            .any(|target| target.strip_prefix("configurations.") == Some(field))
    };
    let context = Context {
        what: provider,
        secrets: SECRETS,
        supplied: &supplied,
        hint: &hint,
    };
    // A server of one's own need not be what the provider's form expects.
    let own_host = has(configurations, "custom_host");
    let fields = configurations
        .iter()
        .filter(|(field, _)| !ANYWHERE.contains(&field.as_str()));
    let fields: Map = fields
        .map(|(field, value)| (field.clone(), value.clone()))
        .collect();
    form.check(&fields, &at, &context, own_host, problems);
    check_deployments(configurations, &at, problems);
}

fn check_deployments(configurations: &Map, at: &Pointer, problems: &mut Problems) {
    let field = "azure_deployment_config";
    let list = configurations
        .get(field)
        .and_then(Value::as_list)
        .unwrap_or_default();
    let mut default = None;
    let mut aliases = Vec::new();
    for (index, deployment) in list.iter().enumerate() {
        let at = at.child(field).child(index);
        if deployment.at(&["is_default"]).and_then(Value::as_bool) == Some(true)
            && let Some(first) = default.replace(index)
        {
            problems.error(
                "duplicate-value",
                &at.child("is_default"),
                format!(
                    "only one deployment can be the default, and number {} is",
                    first + 1
                ),
            );
        }
        if let Some(alias) = deployment.at(&["alias"]).and_then(Value::as_str) {
            if aliases.contains(&alias) {
                let message = format!("the alias `{alias}` is used twice");
                problems.error("duplicate-value", &at.child("alias"), message);
            }
            aliases.push(alias);
        }
    }
}

/// Whether there is a key where the provider cannot do without one.
fn check_key(entry: &Map, provider: &str, form: &Form, mapped: &[&str], problems: &mut Problems) {
    if entry.contains_key("key") || mapped.contains(&"key") || KEYLESS.contains(&provider) {
        return;
    }
    let none = Map::new();
    let configurations = entry
        .get("configurations")
        .and_then(Value::as_map)
        .unwrap_or(&none);
    let own_host = has(configurations, "custom_host");
    let by_key = match form.mode(configurations) {
        Some(mode) => ["default", "basic"].contains(&mode.name),
        None => form.modes.is_none(),
    };
    let optional = configurations
        .get("is_key_required")
        .and_then(Value::as_bool)
        == Some(false);
    if own_host || optional || !by_key || !PROVIDERS.contains(&provider) {
        return;
    }
    problems
        .warning(
            "missing-secret",
            &Pointer::root(),
            format!("{provider} needs a `key`"),
        )
        .help("declare `key`, or map it from a secret reference in `secret_mappings`");
}

#[cfg(test)]
mod tests {
    use super::super::KIND;
    use crate::systems::portkey::spec::testing::problems;
    use serde_json::{Value as Json, json};

    fn bedrock(more: &[(&str, Json)]) -> Json {
        let mut configurations =
            json!({ "aws_auth_type": "accessKey", "aws_region": "eu-central-1" });
        for (field, value) in more {
            configurations[field] = value.clone();
        }
        json!({ "ai_provider_id": "bedrock", "configurations": configurations })
    }

    #[test]
    fn complete_integrations_are_accepted_without_a_word() {
        let deployment = json!({ "azure_deployment_name": "d", "azure_api_version": "v",
                                 "azure_model_slug": "m", "alias": "a", "is_default": true });
        let good = [
            json!({ "ai_provider_id": "openai", "key": "sk",
                    "configurations": { "openai_project": "p", "is_key_required": true } }),
            json!({ "ai_provider_id": "anthropic",
                    "secret_mappings": [{ "target_field": "key", "secret_reference_id": "s" }] }),
            bedrock(&[
                ("aws_access_key_id", json!("a")),
                ("aws_secret_access_key", json!("b")),
            ]),
            json!({ "ai_provider_id": "sagemaker", "configurations": {
                "aws_auth_type": "assumedRole", "aws_region": "r", "aws_role_arn": "arn",
                "amzn_sagemaker_model_name": "m" } }),
            json!({ "ai_provider_id": "azure-openai", "configurations": {
                "azure_auth_mode": "workload", "azure_resource_name": "r",
                "azure_workload_client_id": "w", "azure_deployment_config": [deployment] } }),
            json!({ "ai_provider_id": "vertex-ai", "configurations": {
                "vertex_auth_type": "workload", "vertex_region": "r",
                "vertex_map_metadata": true } }),
            json!({ "ai_provider_id": "vertex-ai", "key": "k", "configurations": {
                "vertex_auth_type": "basic", "vertex_region": "r", "vertex_project_id": "p" } }),
            json!({ "ai_provider_id": "cortex", "configurations": {
                "custom_host": "https://x", "custom_headers": {} } }),
            json!({ "ai_provider_id": "acme-llm", "configurations": { "custom_host": "https://x" } }),
            json!({ "ai_provider_id": "huggingface", "key": "k" }),
            json!({ "ai_provider_id": "azure-ai",
                    "configurations": { "azure_auth_mode": "entra", "azure_foundry_url": "u",
                        "azure_entra_tenant_id": "t", "azure_entra_client_id": "c" },
                    "secret_mappings": [{
                        "target_field": "configurations.azure_entra_client_secret",
                        "secret_reference_id": "s" }] }),
        ];
        for entry in good {
            assert_eq!(
                problems(&KIND, entry.clone()),
                Vec::<String>::new(),
                "{entry}"
            );
        }
    }

    #[test]
    fn what_does_not_fit_the_provider_is_pointed_out() {
        let keyed = |provider: &str, configurations: Json| json!({ "ai_provider_id": provider, "key": "k", "configurations": configurations });
        let azure = |more: Json| {
            let mut all = json!({ "azure_auth_mode": "default" });
            all.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            keyed("azure-openai", all)
        };
        let table: Vec<(Json, Vec<&str>)> = vec![
            (
                keyed("openai", json!({ "openai_projekt": "p" })),
                vec![
                    "error /configurations/openai_projekt unknown-field: `openai_projekt` is not \
                      a field of openai (did you mean `openai_project`?)",
                ],
            ),
            (
                keyed("openai", json!({ "aws_region": "r" })),
                vec![
                    "error /configurations/aws_region unknown-field: `aws_region` is not a field \
                      of openai (it is a field of bedrock and sagemaker)",
                ],
            ),
            (
                keyed("groq", json!({ "something_new": "r" })),
                vec![
                    "warning /configurations/something_new unknown-field: `something_new` is not \
                      a field of groq (it is sent as it is, in case the server knows more)",
                ],
            ),
            (
                bedrock(&[("aws_access_key_id", json!("a"))]),
                vec![
                    "warning /configurations missing-secret: bedrock with `aws_auth_type: \
                      accessKey` needs `aws_secret_access_key` (it can be left out only while the \
                      object exists already)",
                ],
            ),
            (
                bedrock(&[("aws_auth_type", json!("assumedRole"))]),
                vec![
                    "error /configurations missing-field: bedrock with `aws_auth_type: \
                      assumedRole` needs `aws_role_arn`",
                ],
            ),
            (
                azure(json!({ "resource_name": "r", "deployment_id": "d", "api_version": "v" })),
                vec![
                    "error /configurations/api_version unknown-field: `api_version` is not a field \
                     of azure-openai (write `azure_deployment_config: [{ azure_api_version: ... \
                     }]`)",
                    "error /configurations/deployment_id unknown-field: `deployment_id` is not a \
                     field of azure-openai (write `azure_deployment_config: [{ \
                     azure_deployment_name: ... }]`)",
                    "error /configurations/resource_name unknown-field: `resource_name` is not a \
                     field of azure-openai (write `azure_resource_name`)",
                    "error /configurations missing-field: azure-openai needs `azure_resource_name`",
                    "error /configurations missing-field: azure-openai needs \
                     `azure_deployment_config`",
                ],
            ),
            (
                azure(
                    json!({ "azure_resource_name": "r", "azure_deployment_config": [
                    { "alias": "a", "is_default": true }, { "alias": "a", "is_default": true }] }),
                ),
                vec![
                    "error /configurations/azure_deployment_config/1/is_default duplicate-value: \
                     only one deployment can be the default, and number 1 is",
                    "error /configurations/azure_deployment_config/1/alias duplicate-value: the \
                     alias `a` is used twice",
                ],
            ),
            (
                json!({ "ai_provider_id": "cortex", "key": "k" }),
                vec![
                    "warning  missing-field: cortex needs `configurations` (at least \
                      `snowflake_account`)",
                ],
            ),
            (
                json!({ "ai_provider_id": "anthropic" }),
                vec![
                    "warning  missing-secret: anthropic needs a `key` (declare `key`, or map it \
                      from a secret reference in `secret_mappings`)",
                ],
            ),
            (
                keyed("aws-bedrock", json!({})),
                vec![
                    "warning /ai_provider_id unknown-value: no provider `aws-bedrock` is known \
                      (did you mean `bedrock`?)",
                ],
            ),
            (
                keyed("antropic", json!({})),
                vec![
                    "warning /ai_provider_id unknown-value: no provider `antropic` is known (did \
                      you mean `anthropic`?)",
                ],
            ),
            (
                json!({ "ai_provider_id": "openai", "key": "k", "secret_mappings": [
                    { "target_field": "key", "secret_reference_id": "s" },
                    { "target_field": "key", "secret_reference_id": "t" },
                    { "target_field": "configurations.openai_projct",
                      "secret_reference_id": "t" }] }),
                vec![
                    "warning /secret_mappings/0/target_field conflicting-fields: `key` is both \
                     declared and mapped (leave one of them out)",
                    "error /secret_mappings/1/target_field duplicate-value: `key` is mapped twice",
                    "warning /secret_mappings/1/target_field conflicting-fields: `key` is both \
                     declared and mapped (leave one of them out)",
                    "error /secret_mappings/2/target_field unknown-field: `openai_projct` is not a \
                     field of openai (did you mean `openai_project`?)",
                ],
            ),
            (
                json!({ "ai_provider_id": "openai", "key": "k", "workspaces": { "a": {
                    "enabled": true,
                    "usage_limits": [{ "credit_limit": 5, "alert_threshold": 5 }] } } }),
                vec![
                    "error /workspaces/a/usage_limits/0/alert_threshold invalid-value: \
                      `alert_threshold` must be below `credit_limit`, which is 5 (the threshold is \
                      an amount in the unit of the limit, not a percentage)",
                ],
            ),
        ];
        for (entry, expected) in table {
            assert_eq!(problems(&KIND, entry.clone()), expected, "{entry}");
        }
    }
}
