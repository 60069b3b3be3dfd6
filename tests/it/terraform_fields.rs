//! The attributes of the official Terraform provider for Portkey (0.2.28), and where each of them is
//! in manifests; what the API has beyond them; and what of it no manifest can say, and why.
//!
//! That every field is written, shown, changed by others and set back is shown by `laws/fields.rs`
//! and `laws/states.rs`, which take the fields from the kinds.

use gatewright::systems::portkey;
use serde_json::Value;

use crate::support::assert_tests_exist;

/// Resources, the place that is theirs, and the attributes that have the same name there.
const SAME: &[(&str, &str, &[&str])] = &[
    (
        "workspace",
        "workspaces",
        &["name", "icon", "description", "usage_limits", "rate_limits"],
    ),
    ("workspace_member", "workspaces/users/*", &["role"]),
    ("user_invite", "invites", &["email", "role", "workspaces"]),
    (
        "integration",
        "integrations",
        &[
            "name",
            "ai_provider_id",
            "workspace_id",
            "key",
            "configurations",
            "description",
            "secret_mappings",
        ],
    ),
    (
        "integration.secret_mappings",
        "integrations/secret_mappings/*",
        &["target_field", "secret_reference_id", "secret_key"],
    ),
    (
        "integration_workspace_access",
        "integrations/workspaces/*",
        &["enabled", "usage_limits", "rate_limits"],
    ),
    (
        "integration_model_access",
        "integrations/models/*",
        &[
            "enabled",
            "is_custom",
            "is_finetune",
            "base_model_slug",
            "pricing_config",
        ],
    ),
    (
        "api_key",
        "api_keys",
        &[
            "name",
            "type",
            "sub_type",
            "workspace_id",
            "user_id",
            "description",
            "scopes",
            "usage_limits",
            "rate_limits",
            "alert_emails",
            "expires_at",
            "rotation_policy",
        ],
    ),
    (
        "provider",
        "providers",
        &["name", "workspace_id", "integration_id", "note"],
    ),
    (
        "config",
        "configs",
        &["name", "config", "workspace_id", "is_default"],
    ),
    (
        "prompt",
        "prompts",
        &[
            "name",
            "collection_id",
            "model",
            "virtual_key",
            "parameters",
            "version_description",
        ],
    ),
    (
        "prompt_partial",
        "partials",
        &["name", "workspace_id", "version_description"],
    ),
    (
        "prompt_collection",
        "collections",
        &["name", "workspace_id", "parent_collection_id"],
    ),
    (
        "guardrail",
        "guardrails",
        &["name", "workspace_id", "checks", "actions"],
    ),
    (
        "usage_limits_policy",
        "usage_limits_policies",
        &[
            "workspace_id",
            "conditions",
            "group_by",
            "type",
            "credit_limit",
            "alert_threshold",
            "periodic_reset",
            "name",
        ],
    ),
    (
        "rate_limits_policy",
        "rate_limits_policies",
        &[
            "workspace_id",
            "conditions",
            "group_by",
            "type",
            "unit",
            "value",
            "name",
        ],
    ),
    (
        "mcp_integration",
        "mcp_integrations",
        &[
            "name",
            "url",
            "auth_type",
            "transport",
            "workspace_id",
            "description",
            "configurations",
        ],
    ),
    (
        "mcp_integration_workspace_access",
        "mcp_integrations/workspaces/*",
        &["enabled"],
    ),
    (
        "mcp_integration_capabilities",
        "mcp_integrations/capabilities/tool~1search",
        &["enabled"],
    ),
    (
        "secret_reference",
        "secret_references",
        &[
            "name",
            "manager_type",
            "secret_path",
            "secret_key",
            "description",
            "allow_all_workspaces",
            "allowed_workspaces",
            "tags",
        ],
    ),
    (
        "scim_workspace_mapping",
        "scim_workspace_mappings",
        &["workspace_id", "role", "scim_group_id", "scim_group_name"],
    ),
];

/// Attributes that the API, and with it a manifest, has under another name.
const RENAMED: &[(&str, &str)] = &[
    ("workspace.metadata", "workspaces/defaults/metadata"),
    (
        "user_invite.scopes",
        "invites/workspace_api_key_details/scopes",
    ),
    (
        "integration.allow_all_models",
        "integrations/models/allow_all_models",
    ),
    ("api_key.metadata", "api_keys/defaults/metadata"),
    ("api_key.config_id", "api_keys/defaults/config_id"),
    (
        "api_key.allow_config_override",
        "api_keys/defaults/allow_config_override",
    ),
    (
        "api_key.rotate_transition_period_ms",
        "api_keys/rotation_policy/key_transition_period_ms",
    ),
    ("prompt.template", "prompts/string"),
    ("prompt_partial.content", "partials/string"),
    ("secret_reference.aws_…", "secret_references/auth_config"),
    ("secret_reference.azure_…", "secret_references/auth_config"),
    ("secret_reference.vault_…", "secret_references/auth_config"),
];

/// Attributes that are no field here, what does the same, and the tests that show it.
const OTHERWISE: &[(&str, &[&str])] = &[
    (
        "slug of integrations, providers, secret references and MCP integrations: the key",
        &["replace.rs another_key_of_a_kind_whose_keys_are_slugs_is_a_replacement"],
    ),
    (
        "workspace_id and user_id of members, integration_id, model_slug and mcp_integration_id of \
         what belongs to an integration: where it stands",
        &[
            "terraform_resources.rs every_resource_is_made_changed_and_deleted_by_what_the_api_has_for_it",
        ],
    ),
    (
        "key_wo, key_version, auth_version and the write-only twins: no secret is kept, and one that \
         changed is seen",
        &["secrets.rs secrets_that_only_differ_inside_are_told_apart_by_their_fingerprints_alone"],
    ),
    (
        "key of an API key: it goes to its sink",
        &["api_keys.rs a_new_key_goes_to_its_file_and_nowhere_else"],
    ),
    (
        "rotate_trigger: --rotate",
        &["api_keys.rs rotation_happens_once_and_when_asked"],
    ),
    (
        "reset_usage: --reset-usage",
        &["resets.rs what_was_used_counts_from_nothing_once_and_when_asked"],
    ),
    (
        "import ids: import finds everything by itself, or what is named",
        &[
            "import.rs what_acme_applied_is_imported_into_an_empty_folder",
            "import.rs what_is_asked_for_is_imported_and_the_rest_is_not",
        ],
    ),
    (
        "data sources: what is outside of the repository is named by its id",
        &["outside.rs a_workspace_that_is_managed_elsewhere_is_its_id_everywhere"],
    ),
];

/// What the API has and the provider has no attribute or resource for.
const MORE: &[&str] = &[
    "users/role",
    "labels/color_code",
    "virtual_keys/key",
    "mcp_servers/capabilities",
    "mcp_servers/user_access/default_user_access",
    "providers/usage_limits",
    "providers/rate_limits",
    "providers/expires_at",
    "integrations/create_default_provider",
    "integrations/default_provider_slug",
    "integrations/pricing_adjustments",
    "integrations/secret_mappings/*/value_format",
    "integrations/global_workspace_access/usage_limits",
    "integrations/models/*/configurations/custom_host",
    "workspaces/usage_limits/*/periodic_reset_days",
    "workspaces/usage_limits/*/next_usage_reset_at",
    "workspaces/users",
    "workspaces/defaults/input_guardrails",
    "workspaces/defaults/output_guardrails",
    "workspaces/defaults/user_api_key_config",
    "integrations/workspaces/*/usage_limits/*/periodic_reset_days",
    "integrations/workspaces/*/usage_limits/*/next_usage_reset_at",
    "usage_limits_policies/periodic_reset_days",
    "guardrails/organisation_id",
    "guardrails/checks/*/name",
    "mcp_integrations/secret_mappings",
    "mcp_integrations/global_workspace_access",
    "mcp_integrations/organisation_id",
    "prompts/functions",
    "prompts/tools",
    "prompts/tool_choice",
    "prompts/template_metadata",
    "prompts/label_id",
];

/// What bodies of requests can have and no manifest has, and why.
const NOWHERE: &[(&str, &str)] = &[
    (
        "integrations/override_existing_workspace_access",
        "it does something once, to what nobody declares; access that is declared has the last word",
    ),
    (
        "mcp_integrations/override_existing_workspace_access",
        "the same",
    ),
    (
        "integrations/workspaces/*/create_default_provider",
        "providers are entries of their own, so access always says no",
    ),
    (
        "integrations/workspaces/*/default_provider_slug",
        "the same",
    ),
    (
        "integrations/workspaces/*/reset_usage",
        "no state: --reset-usage integrations/KEY#WORKSPACE",
    ),
    (
        "usage_limits_policies/reset_usage_for_value",
        "no state: --reset-usage usage_limits_policies/KEY#VALUE",
    ),
    (
        "providers/reset_usage",
        "no state: --reset-usage providers/KEY",
    ),
    (
        "api_keys/reset_usage",
        "no state: --reset-usage api_keys/KEY",
    ),
    (
        "configs/status",
        "its values are not documented, and an entry that goes deletes",
    ),
    ("partials/status", "the same"),
    (
        "prompts/patch",
        "whether updates fill in what they leave out: gatewright's leave nothing out",
    ),
    (
        "prompts/is_raw_template",
        "creations do not take it: what the console says of a template stays",
    ),
    (
        "api_keys/organisation_id",
        "the API key that gatewright has says it",
    ),
    ("labels/organisation_id", "the same"),
    ("usage_limits_policies/organisation_id", "the same"),
    ("rate_limits_policies/organisation_id", "the same"),
    ("secret_references/organisation_id", "the same"),
];

/// Whether a manifest can have something at a place: a kind, and fields below it with `*` for any
/// member.
fn can_be_said(place: &str) -> bool {
    let (kind, path) = place.split_once('/').unwrap_or((place, ""));
    let schema = gatewright::schema::kind_schema(portkey::SYSTEM.kind(kind).unwrap());
    let path: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| segment.replace("~1", "/"))
        .collect();
    leads(&schema, &schema, &path)
}

fn leads(root: &Value, schema: &Value, path: &[String]) -> bool {
    if let Some(name) = schema["$ref"].as_str() {
        let target = root.pointer(name.trim_start_matches('#')).unwrap();
        return leads(root, target, path);
    }
    let mut several = ["anyOf", "oneOf", "allOf"].iter();
    if let Some(all) = several.find_map(|word| schema[*word].as_array()) {
        return all.iter().any(|one| leads(root, one, path));
    }
    let Some((name, rest)) = path.split_first() else {
        return true;
    };
    let any = [&schema["items"], &schema["additionalProperties"]];
    let any = any.into_iter().find(|one| one.is_object());
    let pattern = schema["patternProperties"].as_object();
    let pattern = pattern.and_then(|all| all.values().next());
    let below = match name.as_str() {
        "*" => any,
        name => schema["properties"].get(name).or(pattern),
    };
    below.is_some_and(|below| leads(root, below, rest))
}

#[test]
fn every_attribute_has_its_place() {
    for (resource, place, attributes) in SAME {
        assert!(can_be_said(place), "{resource}");
        for attribute in *attributes {
            let place = format!("{place}/{attribute}");
            assert!(can_be_said(&place), "{resource}.{attribute}: {place}");
        }
    }
    for (attribute, place) in RENAMED {
        assert!(can_be_said(place), "{attribute}: {place}");
    }
    assert_tests_exist(OTHERWISE);
}

#[test]
fn what_the_api_has_beyond_them_has_its_place_or_a_reason() {
    for place in MORE {
        assert!(can_be_said(place), "{place}");
    }
    for (place, why) in NOWHERE {
        assert!(
            !can_be_said(place),
            "{place} can be said, in spite of: {why}"
        );
    }
}
