//! What model providers and secret managers need, in each of its forms: made, shown, changed.

use serde_json::Value;

use crate::support::{Project, Server, text};

/// Integrations: `ai_provider_id`, whether it has a key, and its configurations. What says `old` is
/// changed.
const INTEGRATIONS: &[(&str, bool, &str)] = &[
    (
        "openai",
        true,
        "{ openai_organization: o, openai_project: old }",
    ),
    (
        "azure-openai",
        true,
        "{ azure_auth_mode: default, azure_resource_name: old, azure_deployment_config: [{ alias: a, \
         azure_api_version: 2024-10-21, azure_deployment_name: d, azure_model_slug: gpt-4o, is_default: true }] }",
    ),
    (
        "azure-openai",
        false,
        "{ azure_auth_mode: entra, azure_resource_name: r, azure_entra_tenant_id: t, azure_entra_client_id: old, \
         azure_entra_client_secret: \"${env:OPENAI_API_KEY}\", azure_deployment_config: [{ azure_api_version: v, \
         azure_deployment_name: old, azure_model_slug: m }] }",
    ),
    (
        "azure-openai",
        false,
        "{ azure_auth_mode: managed, azure_resource_name: r, azure_managed_client_id: old, \
         azure_deployment_config: [{ azure_api_version: v, azure_deployment_name: d, azure_model_slug: m }] }",
    ),
    (
        "azure-openai",
        false,
        "{ azure_auth_mode: workload, azure_resource_name: r, azure_entra_tenant_id: old, azure_entra_client_id: c, \
         azure_deployment_config: [{ azure_api_version: v, azure_deployment_name: d, azure_model_slug: m }] }",
    ),
    (
        "azure-ai",
        true,
        "{ azure_auth_mode: default, azure_foundry_url: \"https://old.example\", azure_api_version: v, \
         azure_deployment_name: d }",
    ),
    (
        "azure-ai",
        false,
        "{ azure_auth_mode: entraFederated, azure_foundry_url: \"https://x.example\", azure_entra_tenant_id: old, \
         azure_entra_client_id: c }",
    ),
    (
        "bedrock",
        false,
        "{ aws_auth_type: accessKey, aws_region: old, aws_access_key_id: \"${env:OPENAI_API_KEY}\", \
         aws_secret_access_key: \"${env:OPENAI_API_KEY}\" }",
    ),
    (
        "bedrock",
        false,
        "{ aws_auth_type: assumedRole, aws_region: r, aws_role_arn: \"arn:aws:iam::1:role/x\", aws_external_id: old }",
    ),
    (
        "sagemaker",
        false,
        "{ aws_auth_type: assumedRole, aws_region: r, aws_role_arn: \"arn:aws:iam::1:role/x\", \
         amzn_sagemaker_custom_attributes: a, amzn_sagemaker_target_model: b, amzn_sagemaker_target_variant: c, \
         amzn_sagemaker_target_container_hostname: d, amzn_sagemaker_inference_id: e, \
         amzn_sagemaker_enable_explanations: f, amzn_sagemaker_inference_component: g, amzn_sagemaker_session_id: h, \
         amzn_sagemaker_model_name: old }",
    ),
    (
        "vertex-ai",
        true,
        "{ vertex_auth_type: basic, vertex_region: old, vertex_project_id: p }",
    ),
    (
        "vertex-ai",
        false,
        "{ vertex_auth_type: serviceAccount, vertex_region: old, \
         vertex_service_account_json: \"${file:account.json}\" }",
    ),
    (
        "vertex-ai",
        false,
        "{ vertex_auth_type: workload, vertex_region: old, vertex_map_metadata: true }",
    ),
    ("workers-ai", true, "{ workers_ai_account_id: old }"),
    (
        "huggingface",
        true,
        "{ huggingface_base_url: \"https://old.example\" }",
    ),
    ("cortex", true, "{ snowflake_account: old }"),
    (
        "openai",
        true,
        "{ custom_host: \"https://old.example/v1\", custom_headers: { X-Team: a } }",
    ),
];

/// Secret references: `manager_type` and `auth_config`.
const REFERENCES: &[(&str, &str)] = &[
    (
        "aws_sm",
        "{ aws_auth_type: accessKey, aws_region: old, aws_access_key_id: \"${env:OPENAI_API_KEY}\", \
         aws_secret_access_key: \"${env:OPENAI_API_KEY}\" }",
    ),
    (
        "aws_sm",
        "{ aws_auth_type: assumedRole, aws_region: r, aws_role_arn: \"arn:aws:iam::1:role/x\", aws_external_id: old }",
    ),
    ("aws_sm", "{ aws_auth_type: serviceRole, aws_region: old }"),
    (
        "azure_kv",
        "{ azure_auth_mode: entra, azure_vault_url: \"https://old.example\", azure_entra_tenant_id: t, \
         azure_entra_client_id: c, azure_entra_client_secret: \"${env:OPENAI_API_KEY}\" }",
    ),
    (
        "azure_kv",
        "{ azure_auth_mode: managed, azure_vault_url: \"https://x.example\", azure_managed_client_id: old }",
    ),
    (
        "azure_kv",
        "{ azure_auth_mode: default, azure_vault_url: \"https://old.example\" }",
    ),
    (
        "hashicorp_vault",
        "{ vault_auth_type: token, vault_addr: \"https://v.example\", vault_namespace: old, \
         vault_token: \"${env:OPENAI_API_KEY}\" }",
    ),
    (
        "hashicorp_vault",
        "{ vault_auth_type: approle, vault_addr: \"https://v.example\", vault_role_id: old, \
         vault_secret_id: \"${env:OPENAI_API_KEY}\" }",
    ),
    (
        "hashicorp_vault",
        "{ vault_auth_type: kubernetes, vault_addr: \"https://v.example\", vault_role: old }",
    ),
];

/// Each form as an entry, and what of it the server has to show.
fn manifest() -> (String, Vec<(String, &'static str, String)>) {
    let (mut lines, mut shown) = (vec!["integrations:".to_owned()], Vec::new());
    for (at, (provider, keyed, form)) in INTEGRATIONS.iter().enumerate() {
        let key = match *keyed {
            true => "key: \"${env:OPENAI_API_KEY}\", ",
            false => "",
        };
        let entry =
            format!("  i-{at}: {{ ai_provider_id: {provider}, {key}configurations: {form} }}");
        lines.push(entry);
        let path = format!("/integrations/i-{at}");
        shown.push((path, "configurations", (*form).to_owned()));
    }
    lines.push("secret_references:".to_owned());
    for (at, (manager, form)) in REFERENCES.iter().enumerate() {
        let entry =
            format!("  s-{at}: {{ manager_type: {manager}, secret_path: p, auth_config: {form} }}");
        lines.push(entry);
        let path = format!("/secret-references/s-{at}");
        shown.push((path, "auth_config", (*form).to_owned()));
    }
    (lines.join("\n") + "\n", shown)
}

#[track_caller]
fn assert_shown(server: &Server, shown: &[(String, &str, String)], now: &str) {
    for (path, field, form) in shown {
        let form: Value = serde_saphyr::from_str(&form.replace("old", now)).unwrap();
        let live = server.get(path)[*field].clone();
        for (name, value) in form.as_object().unwrap() {
            // Headers may be secrets, so the server shows none of them.
            if !value.to_string().contains("${") && name != "custom_headers" {
                assert_eq!(&live[name], value, "{path} {name}: {live}");
            }
        }
    }
}

#[test]
fn every_form_is_made_shown_and_changed() {
    let (manifest, shown) = manifest();
    let (server, project) = (Server::start(), Project::of(&manifest));
    project.file(
        "org/account.json",
        "{ \"type\": \"service_account\", \"private_key\": \"the-private-key\" }",
    );
    let url = server.url();
    project.apply(&url);
    assert_shown(&server, &shown, "old");
    project.assert_converged(&server, &url);

    project.file("org/all.yaml", &manifest.replace("old", "new"));
    let plan = project.at(&url, ["plan"]).run().expect(0);
    assert_eq!(plan.changes().len(), shown.len(), "{plan}");
    project.apply(&url);
    assert_shown(&server, &shown, "new");
    project.assert_converged(&server, &url);

    let empty = Project::new();
    let import = empty.at(&url, ["import"]).without("OPENAI_API_KEY");
    import.run().expect(0);
    let plan = empty.at(&url, ["plan", "--detailed-exitcode"]);
    plan.without("OPENAI_API_KEY").run().expect(0);
    let imported = empty.read("org/integrations.yaml");
    assert!(!imported.contains("the-private-key"), "{imported}");
    assert_eq!(text(&server.get("/integrations/i-0")["slug"]), "i-0");
}
