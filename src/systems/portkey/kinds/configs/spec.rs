//! The gateway config as types.
//!
//! Sources: the JSON schema that the vendor publishes for it, and the open-source gateway for what
//! that schema lacks. Both are behind the hosted gateway, so unknown members are let through; the
//! check warns of them.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::systems::portkey::kinds::guardrails::parameters;
use crate::systems::portkey::spec::{NotNull, for_editors};

/// A gateway config, or one target of it: what is said here holds for all targets below, unless
/// they say otherwise.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct GatewayConfig {
    /// How one of the targets is chosen.
    #[serde(default)]
    pub strategy: NotNull<Strategy>,
    /// What to choose from.
    #[serde(default)]
    pub targets: NotNull<Vec<Target>>,
    /// The provider that requests go to: `@` and its key, or the id of a model provider.
    #[serde(default)]
    pub provider: NotNull<String>,
    /// The older name of a provider: its slug without `@`.
    #[serde(default)]
    pub virtual_key: NotNull<String>,
    /// The model provider's key, where no provider holds it. A secret.
    #[serde(default)]
    pub api_key: NotNull<String>,
    /// The base URL of a server of your own.
    #[serde(default)]
    pub custom_host: NotNull<String>,
    /// The prompt that requests are made from.
    #[serde(default)]
    pub prompt_id: NotNull<String>,
    /// What happens when a request fails.
    #[serde(default)]
    pub retry: NotNull<Retry>,
    /// Whether answers are kept and given again.
    #[serde(default)]
    pub cache: NotNull<Cache>,
    /// When a target that fails is left out for a while.
    #[serde(default)]
    pub cb_config: NotNull<CircuitBreaker>,
    /// After how many milliseconds a request is given up, with status 408.
    #[serde(default)]
    pub request_timeout: NotNull<u32>,
    /// Parameters that requests get in any case. Applied after `default_params`.
    #[serde(default)]
    #[schemars(schema_with = "crate::systems::portkey::spec::object")]
    pub override_params: NotNull<Map<String, Value>>,
    /// Parameters that requests get where they have none. Applied first.
    #[serde(default)]
    #[schemars(schema_with = "crate::systems::portkey::spec::object")]
    pub default_params: NotNull<Map<String, Value>>,
    /// Parameters that are taken out of requests: paths with dots, `[0]` and `[*]`. Applied last.
    #[serde(default)]
    pub drop_params: NotNull<Vec<String>>,
    /// Headers of the request that are passed on to the provider.
    #[serde(default)]
    pub forward_headers: NotNull<Vec<String>>,
    /// Whether requests are passed on untouched. Excludes most other members.
    #[serde(default)]
    pub passthrough: NotNull<bool>,
    /// Whether answers have nothing that OpenAI's would not have.
    #[serde(default)]
    pub strict_open_ai_compliance: NotNull<bool>,
    /// Guardrails on requests: their slugs, or objects with settings.
    #[serde(default)]
    #[schemars(schema_with = "guardrails")]
    pub input_guardrails: NotNull<Vec<Value>>,
    /// Guardrails on answers: their slugs, or objects with settings.
    #[serde(default)]
    #[schemars(schema_with = "guardrails")]
    pub output_guardrails: NotNull<Vec<Value>>,
    /// Guardrails on requests, in the longer form.
    #[serde(default)]
    pub before_request_hooks: NotNull<Vec<Hook>>,
    /// Guardrails on answers, in the longer form.
    #[serde(default)]
    pub after_request_hooks: NotNull<Vec<Hook>>,
    /// Deployments of Azure OpenAI, where no provider holds them.
    #[serde(default)]
    pub deployments: NotNull<Vec<AzureDeploymentEntry>>,
}

/// A target: a gateway config of its own, with a name and a weight.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct Target(pub Map<String, Value>);

impl JsonSchema for Target {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Target".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let config = generator.subschema_for::<GatewayConfig>();
        json_schema!({
            "description": "A target: a gateway config of its own, with a name and a weight.",
            "type": "object",
            "properties": {
                "name": {
                    "description": "The name by which conditions choose it.",
                    "type": "string",
                },
                "weight": {
                    "description": "Its share of the requests with `loadbalance`, beside those of \
                        the other targets. 1 if left out.",
                    "type": "number",
                    "minimum": 0,
                },
            },
            "allOf": [config],
        })
    }
}

/// How one of several targets is chosen.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[schemars(transform = by_mode)]
pub struct Strategy {
    /// How to choose.
    pub mode: StrategyMode,
    /// The answers that count as a failure with `fallback`; every status that is not 2xx if left
    /// out.
    #[serde(default)]
    #[schemars(inner(range(min = 100, max = 599)))]
    pub on_status_codes: NotNull<Vec<u16>>,
    /// With `conditional`: the first that a request meets decides.
    #[serde(default)]
    pub conditions: NotNull<Vec<Condition>>,
    /// With `conditional`: the target of requests that meet no condition.
    #[serde(default)]
    pub default: NotNull<String>,
    /// When a target that fails is left out for a while.
    #[serde(default)]
    pub cb_config: NotNull<CircuitBreaker>,
    /// With `loadbalance`: whether similar requests go to the same target.
    #[serde(default)]
    pub sticky: NotNull<Sticky>,
}

/// How one of several targets is chosen.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum StrategyMode {
    /// There is one.
    Single,
    /// By weight.
    Loadbalance,
    /// The first that does not fail.
    Fallback,
    /// By conditions on the request.
    Conditional,
}

/// A condition on requests.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Condition {
    /// What must hold, by `metadata.NAME`, `params.NAME` or `url.pathname`: a value, or an object
    /// with `$eq`, `$ne`, `$gt`, `$gte`, `$lt`, `$lte`, `$in`, `$nin` or `$regex`. `$and` and `$or`
    /// combine several.
    #[schemars(schema_with = "query")]
    pub query: Map<String, Value>,
    /// The name of the target that it chooses.
    pub then: String,
}

/// Whether similar requests go to the same target.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Sticky {
    /// Whether they do.
    #[serde(default)]
    pub enabled: NotNull<bool>,
    /// The fields of a request by which requests are similar.
    #[serde(default)]
    pub hash_fields: NotNull<Vec<String>>,
    /// For how many seconds; 3600 if left out.
    #[serde(default)]
    pub ttl: NotNull<u32>,
}

/// What happens when a request fails.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Retry {
    /// How often it is tried again; the gateway stops at 5.
    pub attempts: u32,
    /// The answers that count as a failure.
    #[serde(default)]
    #[schemars(inner(range(min = 100, max = 599)))]
    pub on_status_codes: NotNull<Vec<u16>>,
    /// Whether the provider's `Retry-After` is heeded. The open-source gateway spells it
    /// `use_retry_after_header`.
    #[serde(default)]
    pub use_retry_after_headers: NotNull<bool>,
    /// See `use_retry_after_headers`.
    #[serde(default)]
    pub use_retry_after_header: NotNull<bool>,
}

/// Whether answers are kept and given again.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Cache {
    /// When a kept answer is given.
    pub mode: CacheMode,
    /// For how many seconds answers are kept: 60 to 7776000; 604800 if left out.
    #[serde(default)]
    pub max_age: NotNull<u32>,
}

/// When a kept answer is given.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum CacheMode {
    /// To the same request.
    Simple,
    /// To requests of much the same meaning.
    Semantic,
}

/// When a target that fails is left out for a while.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CircuitBreaker {
    /// After how many failures; at least 1.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub failure_threshold: NotNull<u32>,
    /// After which share of failures, in percent.
    #[serde(default)]
    pub failure_threshold_percentage: NotNull<f64>,
    /// How many requests there must be before failures count.
    #[serde(default)]
    pub minimum_requests: NotNull<u32>,
    /// For how many milliseconds; at least 30000.
    #[serde(default)]
    #[schemars(range(min = 30000))]
    pub cooldown_interval: NotNull<u32>,
    /// The answers that count as a failure.
    #[serde(default)]
    pub failure_status_codes: NotNull<Vec<u16>>,
}

/// A guardrail in the longer form.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Hook {
    /// A name of your own.
    pub id: String,
    /// What it does: `guardrail`, or `mutator` to change the request.
    #[serde(default, rename = "type")]
    pub kind: NotNull<String>,
    /// Whether the request goes on without waiting for it.
    #[serde(default, rename = "async")]
    pub asynchronous: NotNull<bool>,
    /// Whether a failure refuses the request.
    #[serde(default)]
    pub deny: NotNull<bool>,
    /// What is checked.
    #[serde(default)]
    #[schemars(schema_with = "checks")]
    pub checks: NotNull<Vec<Value>>,
    /// What is recorded on success.
    #[serde(default)]
    #[schemars(schema_with = "crate::systems::portkey::spec::object")]
    pub on_success: NotNull<Map<String, Value>>,
    /// What is recorded on failure.
    #[serde(default)]
    #[schemars(schema_with = "crate::systems::portkey::spec::object")]
    pub on_fail: NotNull<Map<String, Value>>,
}

/// A deployment of Azure OpenAI.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct AzureDeploymentEntry {
    /// The name of the deployment in Azure.
    pub deployment_id: String,
    /// The name that requests use for it.
    pub alias: String,
    /// The version of the API.
    pub api_version: String,
    /// Whether requests that name no deployment go here.
    #[serde(default)]
    pub is_default: NotNull<bool>,
}

fn guardrails(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "items": { "type": ["string", "object"] },
    })
}

fn checks(generator: &mut SchemaGenerator) -> Schema {
    let mut parameters = parameters::any(generator);
    parameters.insert(
        "description".to_owned(),
        "The parameters of the check.".into(),
    );
    let mut check = json_schema!({
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": {
                "description": "Which check: a plugin and a name, for example `portkey.pii`.",
                "type": "string",
            },
            "parameters": parameters,
        },
    });
    parameters::by_id(&mut check);
    json_schema!({ "type": "array", "items": check })
}

/// What of a strategy is needed with which mode.
fn by_mode(strategy: &mut Schema) {
    let conditional = json!({
        "if": { "required": ["mode"], "properties": { "mode": { "const": "conditional" } } },
        "then": { "required": ["conditions", "default"] },
    });
    strategy.insert("allOf".to_owned(), json!([conditional]));
}

/// The language of conditions.
fn query(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<Query>();
    json_schema!({ "type": "object", "allOf": [{ "$ref": "#/$defs/Query" }] })
}

/// What must hold, for editors.
struct Query;

impl JsonSchema for Query {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Query".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let list = |text: &str| {
            json!({
                "description": text,
                "type": "array",
                "items": { "type": "object", "allOf": [{ "$ref": "#/$defs/Query" }] },
            })
        };
        let any = |text: &str| json!({ "description": text });
        let number = |text: &str| json!({ "description": text, "type": ["number", "string"] });
        let values = |text: &str| json!({ "description": text, "type": "array" });
        let about = |text: &str| {
            json!({
                "description": text,
                "anyOf": [
                    { "type": ["string", "number", "boolean", "null"] },
                    {
                        "type": "object",
                        "additionalProperties": false,
                        "properties": {
                            "$eq": any("It is this."),
                            "$ne": any("It is not this."),
                            "$gt": number("It is a greater number."),
                            "$gte": number("It is a greater number, or this one."),
                            "$lt": number("It is a smaller number."),
                            "$lte": number("It is a smaller number, or this one."),
                            "$in": values("It is one of these."),
                            "$nin": values("It is none of these."),
                            "$regex": { "description": "It fits this regular expression.",
                                        "type": "string" },
                        },
                    },
                ],
            })
        };
        for_editors(json!({
            "properties": {
                "$and": list("All of these hold. What stands beside it is ignored."),
                "$or": list("One of these holds. What stands beside it is ignored."),
                "url.pathname": about("The path of the request."),
            },
            "patternProperties": {
                r"^metadata\..": about("Something of the request's metadata."),
                r"^params\..": about("Something of the request's body."),
            },
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::portkey::spec::testing::problems;

    #[test]
    fn the_published_schema_says_of_strategies_what_the_kind_says() {
        let schema = crate::schema::manifest_schema(&crate::systems::portkey::SYSTEM);
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let conditional = |query: Value| {
            json!({
                "strategy": { "mode": "conditional", "default": "a",
                              "conditions": [{ "query": query, "then": "a" }] },
                "targets": [{ "name": "a", "provider": "@p" }],
            })
        };
        let hook = |parameters: Value| {
            let checks = json!([{ "id": "default.regexMatch", "parameters": parameters }]);
            json!({ "before_request_hooks": [{ "id": "h", "type": "guardrail", "checks": checks }] })
        };
        let table = [
            (conditional(json!({ "metadata.plan": "paid" })), true),
            (
                conditional(json!({ "params.n": { "$gt": 1, "$lte": "5" } })),
                true,
            ),
            (
                conditional(json!({ "metadata.a": { "$in": ["x"], "$nin": ["y"] } })),
                true,
            ),
            (
                conditional(json!({ "$or": [{ "url.pathname": { "$regex": "x" } },
                                         { "$and": [{ "metadata.a": { "$ne": null } }] }] })),
                true,
            ),
            (
                conditional(json!({ "metadata.a": { "$like": "x" } })),
                false,
            ),
            (conditional(json!({ "metadata.a": { "$in": "x" } })), false),
            (
                conditional(json!({ "$and": [{ "$or": [{ "params.n": { "$gt": true } }] }] })),
                false,
            ),
            (conditional(json!({ "$or": {} })), false),
            (
                json!({ "strategy": { "mode": "conditional" }, "targets": [{ "provider": "@p" }] }),
                false,
            ),
            (
                json!({ "strategy": { "mode": "single" }, "targets": [{ "provider": "@p" }] }),
                true,
            ),
        ];
        for (config, good) in table {
            let entry = json!({ "name": "c", "workspace_id": "w", "config": config });
            let file = json!({ "configs": { "c": entry } });
            assert_eq!(validator.is_valid(&file), good, "{file}");
            let found = problems(&super::super::KIND, entry);
            let wrong = found.iter().any(|line| line.starts_with("error"));
            assert_eq!(!wrong, good, "{file} {found:?}");
        }
        for (config, good) in [
            (hook(json!({ "rule": "x" })), true),
            (hook(json!({})), false),
        ] {
            let file = json!({ "configs": { "c": { "workspace_id": "w", "config": config } } });
            assert_eq!(validator.is_valid(&file), good, "{file}");
        }
    }
}
