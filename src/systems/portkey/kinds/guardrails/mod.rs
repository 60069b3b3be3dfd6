//! Guardrails: checks on requests and answers, and what happens when they fail.
//!
//! Sources: the API's document for paths, fields and checks. That `is_enabled` is left out of
//! answers where it is true, that parameters come back as they were sent, and that the older form
//! of `actions` is still accepted was observed by the official Terraform provider.

mod catalogue;
mod check;
pub(super) mod parameters;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::super::spec::NotNull;
use super::super::wire;
use crate::kind::{Detail, Endpoints, Identity, Is, Kind, List, Operation, Paging, Rule, Update};
use crate::model::{Attribute, Map, Value};

/// Checks on requests and answers, and what happens when they fail.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardrailSpec {
    /// The name that people see; the entry's key if left out.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    pub name: NotNull<String>,
    /// The workspace that it belongs to, by key. Cannot be changed.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub workspace_id: NotNull<String>,
    /// The organisation that it belongs to, by its UUID, for a guardrail of the whole organisation:
    /// only an API key of the organisation can make one. Excludes `workspace_id`. Where both are
    /// left out, what the API key belongs to decides. Cannot be changed.
    #[serde(default)]
    #[schemars(schema_with = "super::super::spec::uuid")]
    pub organisation_id: NotNull<String>,
    /// What is checked, in this order; at least one.
    #[schemars(length(min = 1))]
    pub checks: Vec<GuardrailCheck>,
    /// What happens when the checks succeed or fail.
    pub actions: GuardrailActions,
}

/// One check.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = parameters::by_id)]
pub struct GuardrailCheck {
    /// Which check: a plugin and a name, for example `portkey.pii`.
    #[schemars(schema_with = "check_id")]
    pub id: String,
    /// The parameters of the check. Those that are left out have the defaults of the server.
    #[serde(default)]
    #[schemars(schema_with = "parameters::any")]
    pub parameters: NotNull<serde_json::Map<String, serde_json::Value>>,
    /// The name that people see.
    pub name: Option<String>,
    /// Whether the check is done. The server starts from true.
    #[serde(default)]
    pub is_enabled: NotNull<bool>,
}

/// What happens when checks succeed or fail.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardrailActions {
    /// Whether a failure refuses the request, with status 446. Otherwise it is only reported, with
    /// status 246.
    #[serde(default)]
    pub deny: NotNull<bool>,
    /// Whether the request goes on without waiting for the checks. They can then refuse nothing.
    #[serde(default, rename = "async")]
    pub asynchronous: NotNull<bool>,
    /// Whether the checks are done one after the other; newer servers only.
    #[serde(default)]
    pub sequential: NotNull<bool>,
    /// Whether a refusal is answered with status 200; newer servers only.
    #[serde(default)]
    pub soft_deny_200: NotNull<bool>,
    /// What is recorded on success: feedback of 5 if left out.
    #[serde(default)]
    pub on_success: NotNull<Outcome>,
    /// What is recorded on failure: feedback of -5 if left out.
    #[serde(default)]
    pub on_fail: NotNull<Outcome>,
    /// The older form, which needs neither `deny` nor `async`: what happens on failure.
    #[serde(default, rename = "onFail")]
    pub legacy_on_fail: NotNull<String>,
    /// The older form: what a refused request is told.
    #[serde(default)]
    pub message: NotNull<String>,
}

/// What is recorded.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The feedback that the request's log gets.
    pub feedback: Feedback,
}

/// Feedback in the log of a request.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Feedback {
    /// How good it was, usually from -10 to 10.
    pub value: f64,
    /// How much that counts, usually from 0 to 1.
    pub weight: f64,
    /// A remark; may be empty.
    pub metadata: String,
}

fn check_id(_: &mut SchemaGenerator) -> Schema {
    let known: Vec<&str> = catalogue::CHECKS.iter().map(|check| check.id).collect();
    // The list is for editors to complete from; every other id is let through.
    json_schema!({
        "type": "string",
        "minLength": 1,
        "anyOf": [{ "enum": known }, {}],
    })
}

fn feedback(value: i64) -> Value {
    let feedback = Map::from([
        ("value".to_owned(), Value::Number(value.into())),
        ("weight".to_owned(), Value::Number(1.into())),
        ("metadata".to_owned(), Value::text("")),
    ]);
    Value::Map(Map::from([("feedback".to_owned(), Value::Map(feedback))]))
}

fn success() -> Value {
    feedback(5)
}

fn failure() -> Value {
    feedback(-5)
}

const NO: fn() -> Value = || Value::Bool(false);
const YES: fn() -> Value = || Value::Bool(true);
const HALF: fn() -> Value = || Value::from(serde_json::json!(0.5));

/// The kind as data.
///
/// Defaults of parameters are the documented ones, where they are the same in every check that has
/// the parameter. Where they are not, what the server fills in is left alone unless it is declared.
pub static KIND: Kind = Kind {
    system: "portkey",
    name: "guardrails",
    noun: "guardrail",
    schema: |generator| generator.subschema_for::<GuardrailSpec>(),
    identity: Identity::Name,
    scope: &["workspace_id"],
    endpoints: Endpoints {
        list: List {
            path: "/guardrails",
            items: "data",
            paging: Paging::CurrentPage { size: 100 },
            per_scope: true,
            across: Some("organisation_id"),
            ..List::NONE
        },
        create: "/guardrails",
        item: "/guardrails/{slug}",
        detail: Detail::Stamped(&["last_updated_at"]),
        update: Update::PUT,
        ..Endpoints::PLAIN
    },
    rules: &[
        Rule::new("/workspace_id", Is::Immutable),
        Rule::new(
            "/workspace_id",
            Is::Reference {
                kind: "workspaces",
                attribute: Attribute::Id,
            },
        ),
        Rule::new("/organisation_id", Is::Immutable),
        Rule::new("/organisation_id", Is::InsteadOfScope),
        Rule::new("/checks/*/is_enabled", Is::Default(YES)),
        Rule::new(
            "/checks/*/parameters",
            Is::Default(|| Value::Map(Map::new())),
        ),
        Rule::new("/checks/*/parameters/headers/*", Is::Sensitive),
        Rule::new("/checks/*/parameters/timeout", Is::ServerOwned),
        Rule::new("/checks/*/parameters/apiVersion", Is::ServerOwned),
        Rule::new("/checks/*/parameters/not", Is::Default(NO)),
        Rule::new("/checks/*/parameters/redact", Is::Default(NO)),
        Rule::new("/checks/*/parameters/failOnError", Is::Default(NO)),
        Rule::new("/checks/*/parameters/onlyDNS", Is::Default(NO)),
        Rule::new("/checks/*/parameters/pii_redact", Is::Default(NO)),
        Rule::new("/checks/*/parameters/secrets_redact", Is::Default(NO)),
        Rule::new("/checks/*/parameters/prompt_injection", Is::Default(YES)),
        Rule::new("/checks/*/parameters/toxic", Is::Default(YES)),
        Rule::new("/checks/*/parameters/jail_break", Is::Default(YES)),
        Rule::new("/checks/*/parameters/malicious_url", Is::Default(YES)),
        Rule::new("/checks/*/parameters/biased", Is::Default(YES)),
        Rule::new("/checks/*/parameters/harmful", Is::Default(YES)),
        Rule::new("/checks/*/parameters/language", Is::Default(YES)),
        Rule::new("/checks/*/parameters/pii", Is::Default(YES)),
        Rule::new("/checks/*/parameters/secrets", Is::Default(YES)),
        Rule::new(
            "/checks/*/parameters/prompt_injection_threshold",
            Is::Default(HALF),
        ),
        Rule::new("/checks/*/parameters/toxic_threshold", Is::Default(HALF)),
        Rule::new("/checks/*/parameters/toxicity_threshold", Is::Default(HALF)),
        Rule::new("/checks/*/parameters/evasion_threshold", Is::Default(HALF)),
        Rule::new(
            "/checks/*/parameters/jail_break_threshold",
            Is::Default(HALF),
        ),
        Rule::new(
            "/checks/*/parameters/malicious_url_threshold",
            Is::Default(HALF),
        ),
        Rule::new("/checks/*/parameters/biased_threshold", Is::Default(HALF)),
        Rule::new("/checks/*/parameters/harmful_threshold", Is::Default(HALF)),
        Rule::new(
            "/checks/*/parameters/language_values",
            Is::Default(|| Value::text("english")),
        ),
        Rule::new(
            "/checks/*/parameters/minSentences",
            Is::Default(|| Value::Number(0.into())),
        ),
        Rule::new(
            "/checks/*/parameters/maxSentences",
            Is::Default(|| Value::Number(99_999.into())),
        ),
        Rule::new(
            "/checks/*/parameters/minWords",
            Is::Default(|| Value::Number(0.into())),
        ),
        Rule::new(
            "/checks/*/parameters/maxWords",
            Is::Default(|| Value::Number(99_999.into())),
        ),
        Rule::new(
            "/checks/*/parameters/minCharacters",
            Is::Default(|| Value::Number(0.into())),
        ),
        Rule::new(
            "/checks/*/parameters/maxCharacters",
            Is::Default(|| Value::Number(9_999_999.into())),
        ),
        Rule::new(
            "/checks/*/parameters/cacheMaxAge",
            Is::Default(|| Value::Number(86_400.into())),
        ),
        Rule::new(
            "/checks/*/parameters/clockTolerance",
            Is::Default(|| Value::Number(5.into())),
        ),
        Rule::new(
            "/checks/*/parameters/maxTokenAge",
            Is::Default(|| Value::text("1d")),
        ),
        Rule::new(
            "/checks/*/parameters/algorithms",
            Is::Default(|| Value::List(vec![Value::text("RS256")])),
        ),
        Rule::new(
            "/checks/*/parameters/severity",
            Is::Default(|| Value::Number(2.into())),
        ),
        Rule::new(
            "/checks/*/parameters/domain",
            Is::Default(|| Value::text("none")),
        ),
        Rule::new(
            "/checks/*/parameters/modelVersion",
            Is::Default(|| Value::text("latest")),
        ),
        Rule::new("/actions/deny", Is::Default(NO)),
        Rule::new("/actions/async", Is::Default(NO)),
        Rule::new("/actions/sequential", Is::Default(NO)),
        Rule::new("/actions/soft_deny_200", Is::Default(NO)),
        Rule::new("/actions/on_success", Is::Default(success)),
        Rule::new("/actions/on_fail", Is::Default(failure)),
    ],
    parts: &[],
    check: Some(check::check),
    decode: Some(decode),
    encode: Some(encode),
};

fn decode(live: &mut Map) {
    if let Some(Value::List(checks)) = live.get_mut("checks") {
        for check in checks.iter_mut().filter_map(Value::as_map_mut) {
            wire::read_flags(check, &["is_enabled"]);
            wire::drop_empty(check, &["name"]);
            wire::drop_nulls(check);
        }
    }
    if let Some(Value::Map(actions)) = live.get_mut("actions") {
        wire::read_flags(actions, &["deny", "async", "sequential", "soft_deny_200"]);
        wire::drop_nulls(actions);
    }
}

/// The API wants to hear what is recorded in either case, which manifests may leave out.
fn encode(body: &mut Map, _: Operation) {
    if let Some(Value::Map(actions)) = body.get_mut("actions")
        && !actions.contains_key("onFail")
    {
        for (field, outcome) in [
            ("on_success", success as fn() -> Value),
            ("on_fail", failure),
        ] {
            actions.entry(field.to_owned()).or_insert_with(outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::spec::testing::{accepts, decoded, encoded};
    use super::*;
    use serde_json::json;

    #[test]
    fn the_schema_wants_checks_and_actions() {
        let good = json!({
            "workspace_id": "payments", "name": "No PII",
            "checks": [{ "id": "portkey.pii", "name": null, "is_enabled": false,
                         "parameters": { "categories": ["SSN"] } },
                       { "id": "brand.new" }],
            "actions": { "deny": true, "async": false, "on_fail": {
                "feedback": { "value": -5, "weight": 0.5, "metadata": "" } } },
        });
        assert!(accepts::<GuardrailSpec>(&KIND, &good));
        let outcome = json!({ "feedback": { "value": 1, "weight": 1 } });
        for (field, value) in [
            ("checks", json!([])),
            ("checks", json!([{ "parameters": {} }])),
            ("checks", json!([{ "id": "a.b", "parameters": [] }])),
            ("checks", json!([{ "id": "a.b", "is_enabled": null }])),
            ("actions", json!(null)),
            ("actions", json!({ "deny": "yes" })),
            ("actions", json!({ "deny": true, "asynch": true })),
            (
                "actions",
                json!({ "deny": true, "async": true, "on_fail": outcome }),
            ),
            ("organisation_id", json!(null)),
        ] {
            let mut bad = good.clone();
            bad[field] = value;
            assert!(!accepts::<GuardrailSpec>(&KIND, &bad), "{bad}");
        }
    }

    #[test]
    fn a_live_guardrail_reads_like_its_manifest() {
        let live = json!({
            "slug": "pg-no-pii-1a2b3c",
            "checks": [{ "id": "portkey.pii", "name": "", "parameters": { "redact": true } },
                       { "id": "default.contains", "is_enabled": 0, "parameters": null }],
            "actions": { "deny": 1, "async": false, "sequential": null },
        });
        assert_eq!(
            decoded(&KIND, live),
            json!({
                "slug": "pg-no-pii-1a2b3c",
                "checks": [{ "id": "portkey.pii", "parameters": { "redact": true } },
                           { "id": "default.contains", "is_enabled": false }],
                "actions": { "deny": true, "async": false },
            })
        );
    }

    #[test]
    fn outcomes_are_filled_in_for_the_api() {
        let body = json!({ "actions": { "deny": true, "async": false, "on_fail": {
            "feedback": { "value": -9, "weight": 1, "metadata": "x" } } } });
        assert_eq!(
            encoded(&KIND, body, Operation::Create),
            json!({ "actions": {
                "deny": true, "async": false,
                "on_success": { "feedback": { "value": 5, "weight": 1, "metadata": "" } },
                "on_fail": { "feedback": { "value": -9, "weight": 1, "metadata": "x" } },
            } })
        );
        let legacy = json!({ "actions": { "onFail": "block", "message": "no" } });
        assert_eq!(encoded(&KIND, legacy.clone(), Operation::Update), legacy);
    }
}
