//! Tests of integrations: every form, what is checked, and what goes over the wire.

use serde_json::{Value as Json, json};

use super::{IntegrationSpec, KIND};
use crate::kind::Operation;
use crate::systems::spec::testing::{accepts, decoded, encoded, problems};

fn llm(config: Json) -> Json {
    json!({ "type": "LLM", "config": config })
}

/// A complete config of each provider.
fn complete() -> Vec<Json> {
    vec![
        json!({ "provider": "OPEN_AI", "api_key": "k", "is_function_calling_enabled": true }),
        json!({ "provider": "ANTHROPIC", "api_key": "k", "base_url": "https://x/v1" }),
        json!({ "provider": "GEMINI", "api_key": "k" }),
        json!({ "provider": "AWS_BEDROCK", "is_default_models_enabled": true,
                "auth": { "auth_type": "DEFAULT", "role_arn": "arn", "external_id": null } }),
        json!({ "provider": "AWS_BEDROCK", "model_names": ["m"],
                "auth": { "auth_type": "BEARER_TOKEN", "api_key": "k", "base_url": "https://x" } }),
        json!({ "provider": "AWS_BEDROCK", "model_names": ["m"],
                "auth": { "auth_type": "PROXY_WITH_HEADERS", "base_url": "https://x",
                          "headers": { "X-A": "1" } } }),
        json!({ "provider": "VERTEX_AI", "project_id": "p", "location": "l",
                "project_access_label": "a" }),
        json!({ "provider": "CUSTOM", "base_url": "https://x", "api_key": "k",
                "headers": { "X-A": "1" }, "model_names": ["m"] }),
        json!({ "provider": "CUSTOM", "base_url": "https://x", "model_names": ["m"],
                "auth": { "auth_type": "DEFAULT", "api_key": "k" } }),
        json!({ "provider": "CUSTOM", "base_url": "https://x", "model_names": ["m"],
                "auth": { "auth_type": "OAUTH2_CLIENT_CREDENTIALS", "token_url": "https://t",
                          "client_id": "c", "client_secret": "s", "scopes": "a b" } }),
        json!({ "provider": "NVIDIA_NIM", "is_default_models_enabled": true, "base_url": null }),
        json!({ "provider": "LITELLM", "base_url": "https://x", "api_key": "k" }),
        json!({ "provider": "FIREWORKS", "api_key": "k", "model_names": [] }),
        json!({ "provider": "TOGETHER_AI", "api_key": "k", "is_default_models_enabled": false }),
    ]
}

#[test]
fn every_provider_has_a_form() {
    for config in complete() {
        let entry = llm(config);
        assert!(accepts::<IntegrationSpec>(&KIND, &entry), "{entry}");
        assert_eq!(
            problems(&KIND, entry.clone()),
            Vec::<String>::new(),
            "{entry}"
        );
    }
}

#[test]
fn what_the_server_would_refuse_is_an_error_before() {
    let table = [
        (
            llm(json!({ "provider": "OPEN_AI", "api_key": "k", "model_names": ["m"] })),
            vec![
                "error /config/model_names unknown-field: `model_names` is not a field of OPEN_AI \
                 (it is a field of AWS_BEDROCK, CUSTOM, NVIDIA_NIM, LITELLM, FIREWORKS, \
                 TOGETHER_AI)",
            ],
        ),
        (
            llm(json!({ "provider": "NVIDIA_NIM", "is_default_models_enabled": false })),
            vec![
                "error /config no-models: NVIDIA_NIM needs to know which models it has (set \
                 `is_default_models_enabled: true`, or name at least one in `model_names`)",
            ],
        ),
        (
            llm(
                json!({ "provider": "CUSTOM", "base_url": null, "api_key": "k",
                        "model_names": ["m"],
                        "auth": { "auth_type": "DEFAULT", "role_arn": "arn" } }),
            ),
            vec![
                "error /config missing-field: CUSTOM needs `base_url`",
                "error /config/auth/role_arn unknown-field: `role_arn` is not a field of `auth` \
                 of CUSTOM (remove it)",
                "error /config/auth conflict: `api_key` and `auth` are two ways to say how to \
                 sign in (keep one of them: `auth` with `auth_type: DEFAULT` takes an `api_key` \
                 too)",
                "error /config/base_url invalid-value: `base_url` of CUSTOM cannot be cleared",
            ],
        ),
        (
            llm(json!({ "provider": "AWS_BEDROCK", "model_names": ["m"],
                        "auth": { "auth_type": "BEARER_TOKEN", "api_key": "k",
                                  "external_id": "e" } })),
            vec![
                "error /config/auth/external_id unused-field: `external_id` means nothing with \
                 `auth_type: BEARER_TOKEN`",
            ],
        ),
        (
            llm(json!({ "provider": "GEMINI" })),
            vec![
                "warning /config missing-secret: GEMINI needs `api_key` (it can be left out only \
                 while the object exists already)",
            ],
        ),
        (
            json!({ "type": "LLM", "description": "d", "config": { "api_key": "k" } }),
            vec![
                "error /description unknown-field: an integration of type LLM has no \
                 `description` (remove it; agents and evaluators have one)",
                "error /config missing-field: LLM needs `provider` (expected one of `OPEN_AI`, \
                 `ANTHROPIC`, `GEMINI`, `AWS_BEDROCK`, `VERTEX_AI`, `CUSTOM`, `NVIDIA_NIM`, \
                 `LITELLM`, `FIREWORKS`, `TOGETHER_AI`)",
            ],
        ),
        (
            json!({ "type": "AGENT", "scopings": [{ "space_id": "s" }],
                    "config": { "endpoint": "http://x", "input_schema": { "type": "object" } } }),
            vec![
                "error /scopings/0 missing-field: a scoping with `space_id` needs \
                 `organization_id` as well (name the organization that the space is in)",
                "error /config/endpoint invalid-value: `endpoint` must be an `https://` URL \
                 (Arize calls it from outside, so it also needs a public address)",
            ],
        ),
        (
            json!({ "type": "EVALUATOR", "config": { "endpoint": "https://x",
                    "request_presets": [],
                    "input_schema": { "properties": { "arize_metadata": {} } } } }),
            vec![
                "error /config/request_presets unknown-field: `request_presets` is not a field of \
                 EVALUATOR (it is a field of AGENT)",
                "error /config/input_schema invalid-value: the schema of an evaluator's input \
                 must have `type: object`",
                "error /config/input_schema/properties/arize_metadata invalid-value: \
                 `arize_metadata` is sent by Arize and cannot be in the schema",
            ],
        ),
    ];
    for (entry, expected) in table {
        assert_eq!(problems(&KIND, entry.clone()), expected, "{entry}");
    }
}

#[test]
fn presets_fit_the_schema_but_for_what_is_missing() {
    let entry = |config: Json| {
        json!({ "type": "AGENT", "config": { "endpoint": "https://x",
            "input_schema": { "type": "object", "required": ["question", "depth"],
                              "properties": { "depth": { "type": "integer" } } },
            "request_presets": [{ "name": "a", "config": {} }, { "name": "a", "config": config }] } })
    };
    assert_eq!(
        problems(&KIND, entry(json!({ "depth": 2 }))),
        ["error /config/request_presets/1/name invalid-value: two presets are called `a`"]
    );
    assert_eq!(
        problems(&KIND, entry(json!({ "depth": "deep" })))[1],
        "error /config/request_presets/1/config/depth invalid-value: the `input_schema` does not \
         accept this: `type` is not met"
    );
}

#[test]
fn limits_are_in_the_schema() {
    for bad in [
        json!({ "config": {} }),
        json!({ "type": "llm", "config": {} }),
        json!({ "type": "LLM", "config": { "provider": "openAI" } }),
        json!({ "type": "LLM", "config": { "provider": "AZURE_OPEN_AI" } }),
        json!({ "type": "LLM", "config": { "has_api_key": true } }),
        json!({ "type": "AGENT", "config": { "endpoint": format!("https://{}", "x".repeat(2048)) } }),
        json!({ "type": "AGENT", "config": { "request_presets": [{ "name": "", "config": {} }] } }),
        json!({ "type": "LLM", "config": { "auth": { "auth_type": "DEFAULT", "client_id": "a:b" } } }),
    ] {
        assert!(!accepts::<IntegrationSpec>(&KIND, &bad), "{bad}");
    }
    let large = llm(
        json!({ "provider": "LITELLM", "base_url": "https://x", "api_key": "k",
                            "headers": { "X": "v".repeat(8175) } }),
    );
    assert_eq!(
        problems(&KIND, large),
        [
            "error /config/headers invalid-value: the headers have 8183 bytes as JSON, and 8175 is \
          the most"
        ]
    );
}

#[test]
fn a_live_integration_reads_like_its_manifest() {
    let live = json!({
        "id": "i", "type": "AGENT", "name": "a", "scopings": [{ "organization_id": null }],
        "config": { "endpoint": "https://x", "has_headers": true, "request_presets": [
            { "id": "p", "name": "n", "config": { "a": null }, "created_at": "2026" }] },
    });
    assert_eq!(
        decoded(&KIND, live),
        json!({
            "id": "i", "type": "AGENT", "name": "a", "scopings": [],
            "config": { "endpoint": "https://x", "headers": { "$secret": [] },
                        "request_presets": [{ "name": "n", "config": { "a": null } }] },
        })
    );
}

#[test]
fn a_new_integration_clears_nothing_and_keeps_json_as_it_is() {
    let body = json!({ "type": "AGENT", "config": { "base_url": null, "headers": null,
        "auth": { "external_id": null, "auth_type": "DEFAULT" },
        "request_presets": [{ "name": "n", "config": { "a": null } }] } });
    assert_eq!(
        encoded(&KIND, body.clone(), Operation::Create),
        json!({ "type": "AGENT", "config": { "auth": { "auth_type": "DEFAULT" },
            "request_presets": [{ "name": "n", "config": { "a": null } }] } })
    );
    assert_eq!(
        encoded(&KIND, body, Operation::Update),
        json!({ "type": "AGENT", "config": { "base_url": null, "headers": null,
            "auth": { "auth_type": "DEFAULT" },
            "request_presets": [{ "name": "n", "config": { "a": null } }] } })
    );
}
