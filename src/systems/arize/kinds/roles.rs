//! Roles: sets of permissions that users get by role bindings.
//!
//! Predefined roles can only be read, so the list leaves them out; bindings name them by their ids.
//! A role cannot go while bindings have it: their references put them first.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::list;
use crate::diagnostic::did_you_mean;
use crate::kind::{Detail, Endpoints, Identity, Is, Kind, Problems, Rule, Update};
use crate::model::{Map, Pointer, Value};
use crate::systems::spec::NotNull;

/// A set of permissions of the account's own making.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleSpec {
    /// The name, which no other role may have; the entry's key if left out.
    #[serde(default)]
    #[schemars(
        length(min = 1, max = 255),
        regex(pattern = r#"^[a-zA-Z0-9 \-_.,()\[\]'"/:\\&@#$%!?+=]+$"#)
    )]
    pub name: NotNull<String>,
    /// What it is for.
    #[schemars(length(max = 1000))]
    pub description: Option<String>,
    /// What it allows, at least one thing; their order means nothing.
    #[schemars(schema_with = "permissions")]
    pub permissions: Vec<String>,
}

/// A list of permissions, with those that are known for editors to offer.
fn permissions(_: &mut SchemaGenerator) -> Schema {
    let known: Vec<&str> = PERMISSIONS.split_whitespace().collect();
    json_schema!({
        "type": "array",
        "minItems": 1,
        "items": { "type": "string", "pattern": "^[A-Z]+(_[A-Z]+)+$", "examples": known },
    })
}

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "arize",
    name: "roles",
    noun: "role",
    schema: |generator| generator.subschema_for::<RoleSpec>(),
    identity: Identity::UniqueName,
    scope: &[],
    endpoints: Endpoints {
        list: list("/v2/roles?is_predefined=false", "roles"),
        create: "/v2/roles",
        item: "/v2/roles/{id}",
        update: Update::PATCH,
        detail: Detail::Listed,
        ..Endpoints::PLAIN
    },
    rules: &[Rule::new("/permissions", Is::Set)],
    parts: &[],
    check: Some(check),
    decode: None,
    encode: None,
};

fn check(entry: &Map, problems: &mut Problems) {
    let permissions = entry.get("permissions").and_then(Value::as_list);
    let at = Pointer::root().child("permissions");
    for (index, permission) in permissions.unwrap_or_default().iter().enumerate() {
        let Some(permission) = permission.as_str() else {
            continue;
        };
        let names = || PERMISSIONS.split_whitespace();
        if names().any(|name| name == permission) {
            continue;
        }
        let message = format!("`{permission}` is no permission that is known here");
        let (at, near) = (at.child(index), did_you_mean(permission, names()));
        match near {
            Some(near) => problems.error("unknown-value", &at, message).help(near),
            None => problems
                .warning("unknown-value", &at, message)
                .help("it is sent as it is, in case the server knows more"),
        }
    }
}

/// Every permission that the API's description has.
const PERMISSIONS: &str = "
    AGENT_ROLE_CREATE AGENT_ROLE_DELETE AGENT_ROLE_READ AGENT_ROLE_UPDATE AI_PROVIDER_READ
    ALYX_RUN ANNOTATION_CONFIG_CREATE ANNOTATION_CONFIG_DELETE ANNOTATION_CONFIG_READ
    ANNOTATION_CONFIG_UPDATE COST_CONFIG_CREATE COST_CONFIG_DELETE COST_CONFIG_READ
    COST_CONFIG_UPDATE CUSTOM_METRIC_CREATE CUSTOM_METRIC_DELETE CUSTOM_METRIC_READ
    CUSTOM_METRIC_UPDATE DASHBOARD_CREATE DASHBOARD_DELETE DASHBOARD_READ DASHBOARD_RESTRICT
    DASHBOARD_TEMPLATE_CREATE DASHBOARD_TEMPLATE_DELETE DASHBOARD_TEMPLATE_READ
    DASHBOARD_TEMPLATE_UPDATE DASHBOARD_UPDATE DATASET_CREATE DATASET_DELETE
    DATASET_EXAMPLE_ANNOTATE DATASET_EXAMPLE_CREATE DATASET_EXAMPLE_DELETE DATASET_EXAMPLE_READ
    DATASET_EXAMPLE_UPDATE DATASET_READ DATASET_UPDATE DATASET_VIEW_CREATE DATASET_VIEW_DELETE
    DATASET_VIEW_READ DATASET_VIEW_UPDATE DATA_FABRIC_CONNECTOR_CREATE
    DATA_FABRIC_CONNECTOR_DELETE DATA_FABRIC_CONNECTOR_READ DATA_FABRIC_CONNECTOR_UPDATE
    EVALUATOR_CREATE EVALUATOR_DELETE EVALUATOR_READ EVALUATOR_UPDATE EXPERIMENT_CREATE
    EXPERIMENT_DELETE EXPERIMENT_EVAL_TASK_CREATE EXPERIMENT_EVAL_TASK_DELETE
    EXPERIMENT_EVAL_TASK_READ EXPERIMENT_EVAL_TASK_UPDATE EXPERIMENT_READ
    EXPERIMENT_RUN_ANNOTATE EXPERIMENT_RUN_READ EXPERIMENT_UPDATE FILE_IMPORT_CREATE
    FILE_IMPORT_DELETE FILE_IMPORT_READ FILE_IMPORT_UPDATE LLM_INTEGRATION_CREATE
    LLM_INTEGRATION_DELETE LLM_INTEGRATION_UPDATE MANAGED_AGENT_CREATE MANAGED_AGENT_DELETE
    MANAGED_AGENT_READ MANAGED_AGENT_UPDATE ML_MODEL_CREATE ML_MODEL_DELETE ML_MODEL_READ
    ML_MODEL_UPDATE MONITOR_CREATE MONITOR_DELETE MONITOR_READ MONITOR_TRIGGER MONITOR_UPDATE
    ORGANIZATION_CREATE ORGANIZATION_DELETE ORGANIZATION_READ ORGANIZATION_UPDATE PLAYGROUND_RUN
    PLAYGROUND_VIEW_CREATE PLAYGROUND_VIEW_DELETE PLAYGROUND_VIEW_READ PLAYGROUND_VIEW_UPDATE
    PROJECT_CREATE PROJECT_DELETE PROJECT_EVAL_TASK_CREATE PROJECT_EVAL_TASK_DELETE
    PROJECT_EVAL_TASK_READ PROJECT_EVAL_TASK_UPDATE PROJECT_READ PROJECT_RESTRICT
    PROJECT_SPAN_ANNOTATE PROJECT_SPAN_CREATE PROJECT_SPAN_DELETE
    PROJECT_SPAN_EVAL_FEEDBACK_UPDATE PROJECT_SPAN_READ PROJECT_SPAN_UPDATE PROJECT_UPDATE
    PROMPT_CREATE PROMPT_DELETE PROMPT_OPTIMIZE_TASK_CREATE PROMPT_OPTIMIZE_TASK_DELETE
    PROMPT_OPTIMIZE_TASK_READ PROMPT_OPTIMIZE_TASK_UPDATE PROMPT_READ PROMPT_RESTRICT
    PROMPT_UPDATE QUEUE_CREATE QUEUE_DELETE QUEUE_READ QUEUE_RECORD_ANNOTATE QUEUE_RECORD_CREATE
    QUEUE_RECORD_DELETE QUEUE_RECORD_READ QUEUE_RECORD_UPDATE QUEUE_UPDATE
    REMOTE_ENDPOINT_INTEGRATION_CREATE REMOTE_ENDPOINT_INTEGRATION_DELETE
    REMOTE_ENDPOINT_INTEGRATION_READ REMOTE_ENDPOINT_INTEGRATION_UPDATE ROLE_BINDING_CREATE
    ROLE_BINDING_DELETE ROLE_BINDING_READ ROLE_CREATE ROLE_DELETE ROLE_READ ROLE_UPDATE
    SERVICE_KEY_CREATE SERVICE_KEY_READ SERVICE_KEY_REVOKE SPACE_CREATE SPACE_DELETE SPACE_READ
    SPACE_UPDATE TAG_CREATE TAG_DELETE TAG_READ TAG_UPDATE TRACE_VIEW_CREATE TRACE_VIEW_DELETE
    TRACE_VIEW_READ TRACE_VIEW_UPDATE USER_CREATE USER_DELETE USER_PERMISSION_UPDATE USER_READ
    USER_UPDATE
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::spec::testing::{accepts, problems};
    use serde_json::json;

    #[test]
    fn permissions_are_checked() {
        assert!(accepts::<RoleSpec>(
            &KIND,
            &json!({ "name": "Prompt editors (EU)", "permissions": ["PROMPT_READ"] })
        ));
        for bad in [
            json!({ "permissions": [] }),
            json!({ "permissions": ["prompt_read"] }),
            json!({ "permissions": ["PROMPT_READ"], "name": "a;b" }),
        ] {
            assert!(!accepts::<RoleSpec>(&KIND, &bad), "{bad}");
        }
        let entry = json!({ "permissions": ["PROMPT_READ", "PROMPT_RAED", "MOON_LANDING_START"] });
        assert_eq!(
            problems(&KIND, entry),
            [
                "error /permissions/1 unknown-value: `PROMPT_RAED` is no permission that is known \
                 here (did you mean `PROMPT_READ`?)",
                "warning /permissions/2 unknown-value: `MOON_LANDING_START` is no permission that \
                 is known here (it is sent as it is, in case the server knows more)",
            ]
        );
        assert_eq!(PERMISSIONS.split_whitespace().count(), 151);
    }
}
