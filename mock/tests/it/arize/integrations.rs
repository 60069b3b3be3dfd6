//! Integrations of all types, providers and ways to authenticate.

use gatewright_mock::ArizeRevision;
use serde_json::{Value, json};

use super::{Arize, refused};
use crate::harness::text;

const PATH: &str = "/v2/integrations";

fn llm(name: &str, config: Value) -> Value {
    json!({ "type": "LLM", "name": name, "config": config })
}

/// A configuration of each provider and way to authenticate, and what is read of it.
fn forms() -> Vec<(Value, Value)> {
    let key = "sk-write-only";
    vec![
        (
            json!({ "provider": "OPEN_AI", "api_key": key }),
            json!({ "provider": "OPEN_AI", "has_api_key": true, "is_function_calling_enabled": true }),
        ),
        (
            json!({ "provider": "ANTHROPIC", "api_key": key, "base_url": "https://llm.example.com/v1" }),
            json!({
                "provider": "ANTHROPIC", "has_api_key": true, "is_function_calling_enabled": true,
                "base_url": "https://llm.example.com/v1",
            }),
        ),
        (
            json!({ "provider": "GEMINI", "api_key": key, "is_function_calling_enabled": false }),
            json!({ "provider": "GEMINI", "has_api_key": true, "is_function_calling_enabled": false }),
        ),
        (
            json!({
                "provider": "AWS_BEDROCK", "model_names": ["m"],
                "auth": { "auth_type": "DEFAULT", "role_arn": "arn:aws:iam::1:role/r" },
            }),
            json!({
                "provider": "AWS_BEDROCK", "model_names": ["m"], "is_default_models_enabled": false,
                "auth": {
                    "auth_type": "DEFAULT", "role_arn": "arn:aws:iam::1:role/r",
                    "external_id": null, "base_url": null,
                },
            }),
        ),
        (
            json!({
                "provider": "AWS_BEDROCK", "is_default_models_enabled": true,
                "auth": { "auth_type": "BEARER_TOKEN", "api_key": key },
            }),
            json!({
                "provider": "AWS_BEDROCK", "model_names": [], "is_default_models_enabled": true,
                "auth": { "auth_type": "BEARER_TOKEN", "has_api_key": true, "base_url": null },
            }),
        ),
        (
            json!({
                "provider": "AWS_BEDROCK", "is_default_models_enabled": true,
                "auth": {
                    "auth_type": "PROXY_WITH_HEADERS", "base_url": "https://proxy.example.com",
                    "headers": { "x-a": key },
                },
            }),
            json!({
                "provider": "AWS_BEDROCK", "model_names": [], "is_default_models_enabled": true,
                "auth": {
                    "auth_type": "PROXY_WITH_HEADERS", "base_url": "https://proxy.example.com",
                    "header_names": ["x-a"],
                },
            }),
        ),
        (
            json!({
                "provider": "VERTEX_AI", "project_id": "p", "location": "l", "project_access_label": "a",
            }),
            json!({
                "provider": "VERTEX_AI", "project_id": "p", "location": "l", "project_access_label": "a",
            }),
        ),
        (
            json!({
                "provider": "CUSTOM", "base_url": "https://llm.example.com", "api_key": key,
                "headers": { "x-a": key, "x-b": key }, "model_names": ["m"],
            }),
            json!({
                "provider": "CUSTOM", "base_url": "https://llm.example.com", "has_api_key": true,
                "header_names": ["x-a", "x-b"], "model_names": ["m"], "is_default_models_enabled": false,
                "is_function_calling_enabled": true,
                "auth": { "auth_type": "DEFAULT", "has_api_key": true },
            }),
        ),
        (
            json!({
                "provider": "CUSTOM", "base_url": "https://llm.example.com", "model_names": ["m"],
                "auth": {
                    "auth_type": "OAUTH2_CLIENT_CREDENTIALS", "token_url": "https://id.example.com/t",
                    "client_id": "c", "client_secret": key,
                },
            }),
            json!({
                "provider": "CUSTOM", "base_url": "https://llm.example.com", "has_api_key": false,
                "header_names": [], "model_names": ["m"], "is_default_models_enabled": false,
                "is_function_calling_enabled": true,
                "auth": {
                    "auth_type": "OAUTH2_CLIENT_CREDENTIALS", "token_url": "https://id.example.com/t",
                    "client_id": "c", "has_client_secret": true, "scopes": null, "audience": null,
                },
            }),
        ),
        (
            json!({ "provider": "NVIDIA_NIM", "is_default_models_enabled": true }),
            json!({
                "provider": "NVIDIA_NIM", "has_api_key": false, "base_url": null, "header_names": [],
                "is_function_calling_enabled": true, "is_default_models_enabled": true, "model_names": [],
            }),
        ),
        (
            json!({ "provider": "LITELLM", "base_url": "https://llm.example.com", "api_key": key }),
            json!({
                "provider": "LITELLM", "has_api_key": true, "base_url": "https://llm.example.com",
                "header_names": [], "is_function_calling_enabled": true, "model_names": [],
            }),
        ),
        (
            json!({ "provider": "FIREWORKS", "api_key": key }),
            json!({
                "provider": "FIREWORKS", "has_api_key": true, "is_function_calling_enabled": true,
                "is_default_models_enabled": false, "model_names": [],
            }),
        ),
        (
            json!({ "provider": "TOGETHER_AI", "api_key": key, "model_names": ["m"] }),
            json!({
                "provider": "TOGETHER_AI", "has_api_key": true, "is_function_calling_enabled": true,
                "is_default_models_enabled": false, "model_names": ["m"],
            }),
        ),
    ]
}

#[tokio::test]
async fn every_provider_is_read_as_it_was_written_but_for_its_secrets() {
    let arize = Arize::start().await;
    for (index, (written, read)) in forms().into_iter().enumerate() {
        let made = arize.made(PATH, llm(&format!("i{index}"), written)).await;
        assert_eq!(made["config"], read);
        let own = format!("{PATH}/{}", text(&made["id"]));
        assert_eq!(arize.get(&own).await.ok(), made);
        assert!(!made.to_string().contains("write-only"));
        assert_eq!(
            made["scopings"],
            json!([{ "organization_id": null, "space_id": null }])
        );
        let renamed = arize
            .patch(&own, json!({ "type": "LLM", "name": format!("r{index}") }))
            .await;
        assert_eq!(renamed.ok()["config"], read);
        assert_eq!(arize.delete(&own).await.status, 204);
        refused(&arize.get(&own).await, 404);
    }
}

#[tokio::test]
async fn the_four_payloads_of_the_page_have_the_outcomes_that_it_states() {
    // The page that documents the creation of an integration, in its revision of 2026-07-02, shows
    // one valid payload and three that lack something: the configuration, its provider, its key.
    let arize = Arize::of(ArizeRevision::Of20260702, false).await;
    let body = |config: Value| json!({ "type": "llm", "name": "Main", "config": config });
    let made = arize
        .made(
            PATH,
            body(json!({ "provider": "openAI", "api_key": "sk-x" })),
        )
        .await;
    assert_eq!(made["type"], "llm");
    assert_eq!(
        made["config"],
        json!({
            "provider": "openAI", "has_api_key": true, "is_default_models_enabled": false,
            "is_function_calling_enabled": true,
        })
    );
    let bare = json!({ "type": "llm", "name": "Other" });
    refused(&arize.post(PATH, bare).await, 422);
    refused(&arize.post(PATH, body(json!({}))).await, 422);
    refused(
        &arize
            .post(PATH, body(json!({ "provider": "openAI" })))
            .await,
        422,
    );
    assert_eq!(
        arize.get(PATH).await.ok()["integrations"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // The spellings of today are not those of that time, and the other way round.
    let new =
        json!({ "type": "LLM", "name": "n", "config": { "provider": "OPEN_AI", "api_key": "k" } });
    refused(&arize.post(PATH, new.clone()).await, 422);
    let today = Arize::start().await;
    today.made(PATH, new).await;
    let old = body(json!({ "provider": "openAI", "api_key": "k" }));
    refused(&today.post(PATH, old).await, 422);
}

#[tokio::test]
async fn names_are_unique_among_llms_and_among_all_others_together() {
    let arize = Arize::start().await;
    let config = json!({ "provider": "OPEN_AI", "api_key": "k" });
    let remote = |kind: &str, name: &str| {
        let config =
            json!({ "endpoint": "https://a.example.com", "input_schema": { "type": "object" } });
        json!({ "type": kind, "name": name, "config": config })
    };
    let first = arize.made(PATH, llm("same", config.clone())).await;
    refused(&arize.post(PATH, llm("same", config.clone())).await, 409);
    let agent = arize.made(PATH, remote("AGENT", "same")).await;
    refused(&arize.post(PATH, remote("EVALUATOR", "same")).await, 409);
    let evaluator = arize.made(PATH, remote("EVALUATOR", "other")).await;
    let own = format!("{PATH}/{}", text(&evaluator["id"]));
    refused(
        &arize
            .patch(&own, json!({ "type": "EVALUATOR", "name": "same" }))
            .await,
        409,
    );
    // Evaluators are only listed where they are asked for.
    let ids = |list: Value| -> Vec<String> {
        let items = list["integrations"].as_array().unwrap();
        items.iter().map(|item| text(&item["id"])).collect()
    };
    assert_eq!(
        ids(arize.get(PATH).await.ok()),
        [text(&agent["id"]), text(&first["id"])]
    );
    let evaluators = arize.get(&format!("{PATH}?type=EVALUATOR")).await.ok();
    assert_eq!(ids(evaluators), [text(&evaluator["id"])]);
    refused(&arize.get(&format!("{PATH}?type=OTHER")).await, 400);
}

#[tokio::test]
async fn what_cannot_change_and_what_does_not_belong_is_refused() {
    let arize = Arize::start().await;
    let made = arize
        .made(
            PATH,
            llm("a", json!({ "provider": "OPEN_AI", "api_key": "k" })),
        )
        .await;
    let own = format!("{PATH}/{}", text(&made["id"]));
    let patched = async |config: Value| {
        let body = json!({ "type": "LLM", "config": config });
        arize.patch(&own, body).await
    };
    refused(&patched(json!({ "provider": "GEMINI" })).await, 422);
    refused(
        &patched(json!({ "base_url": "https://a.example.com" })).await,
        422,
    );
    refused(
        &arize
            .patch(&own, json!({ "type": "AGENT", "name": "b" }))
            .await,
        422,
    );
    refused(&arize.patch(&own, json!({ "type": "LLM" })).await, 422);
    refused(
        &arize.patch(&own, json!({ "type": "LLM", "id": "x" })).await,
        422,
    );
    refused(&arize.patch(&own, json!({ "name": "b" })).await, 422);
    let unknown = json!({ "provider": "OPEN_AI", "api_key": "k", "colour": "red" });
    refused(&arize.post(PATH, llm("b", unknown)).await, 422);
    let described = json!({
        "type": "LLM", "name": "b", "description": "d", "config": { "provider": "OPEN_AI", "api_key": "k" },
    });
    refused(&arize.post(PATH, described).await, 422);
    assert_eq!(arize.get(&own).await.ok(), made);
    // Null clears the key, and nothing else.
    assert_eq!(
        patched(json!({ "api_key": null })).await.ok()["config"]["has_api_key"],
        false
    );
    assert_eq!(
        patched(json!({ "api_key": "n" })).await.ok()["config"]["has_api_key"],
        true
    );
}

#[tokio::test]
async fn models_have_to_come_from_somewhere() {
    let arize = Arize::start().await;
    let custom = |more: Value| {
        let mut config = json!({ "provider": "CUSTOM", "base_url": "https://a.example.com" });
        config
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        llm("custom", config)
    };
    refused(&arize.post(PATH, custom(json!({}))).await, 422);
    refused(
        &arize.post(PATH, custom(json!({ "model_names": [] }))).await,
        422,
    );
    let made = arize
        .made(PATH, custom(json!({ "model_names": ["m"] })))
        .await;
    let own = format!("{PATH}/{}", text(&made["id"]));
    let patch = |config: Value| json!({ "type": "LLM", "config": config });
    refused(
        &arize.patch(&own, patch(json!({ "model_names": [] }))).await,
        422,
    );
    let moved = patch(json!({ "model_names": [], "is_default_models_enabled": true }));
    assert_eq!(arize.patch(&own, moved).await.status, 200);
    // One way to authenticate at a time, and what a block omits is gone.
    let both = json!({ "api_key": "k", "auth": { "auth_type": "DEFAULT", "api_key": "k" } });
    refused(&arize.patch(&own, patch(both)).await, 422);
    let keyed = arize
        .patch(&own, patch(json!({ "api_key": "k" })))
        .await
        .ok();
    assert_eq!(
        keyed["config"]["auth"],
        json!({ "auth_type": "DEFAULT", "has_api_key": true })
    );
    let bare = patch(json!({ "auth": { "auth_type": "DEFAULT" } }));
    assert_eq!(
        arize.patch(&own, bare).await.ok()["config"]["has_api_key"],
        false
    );
    let foreign = patch(json!({ "auth": { "auth_type": "DEFAULT", "role_arn": "arn:x" } }));
    refused(&arize.patch(&own, foreign).await, 422);
    refused(
        &arize.patch(&own, patch(json!({ "base_url": null }))).await,
        422,
    );
    refused(
        &arize
            .patch(&own, patch(json!({ "base_url": "http://a.example.com" })))
            .await,
        422,
    );
    let headers = patch(json!({ "headers": { "x": "y".repeat(9_000) } }));
    refused(&arize.patch(&own, headers).await, 422);
}

#[tokio::test]
async fn presets_of_an_agent_are_matched_by_name() {
    let arize = Arize::start().await;
    let schema = json!({
        "type": "object", "required": ["q", "n"],
        "properties": { "q": { "type": "string" }, "n": { "type": "integer" } },
    });
    let config = json!({
        "endpoint": "https://a.example.com", "input_schema": schema, "headers": { "x": "secret" },
        "request_presets": [{ "name": "a", "config": { "q": "x" } }, { "name": "b", "config": {} }],
    });
    let body = json!({ "type": "AGENT", "name": "agent", "description": "d", "config": config });
    let made = arize.made(PATH, body).await;
    assert_eq!(made["config"]["has_headers"], true);
    assert_eq!(made["description"], "d");
    assert!(!made.to_string().contains("secret"));
    let own = format!("{PATH}/{}", text(&made["id"]));
    let patch = |config: Value| json!({ "type": "AGENT", "config": config });
    let presets = json!([{ "name": "c", "config": {} }, { "name": "a", "config": { "q": "y" } }]);
    let after = arize
        .patch(&own, patch(json!({ "request_presets": presets })))
        .await
        .ok();
    let (old, new) = (
        &made["config"]["request_presets"],
        &after["config"]["request_presets"],
    );
    assert_eq!(new.as_array().unwrap().len(), 2);
    assert_eq!(new[1]["id"], old[0]["id"]);
    assert_eq!(new[1]["created_at"], old[0]["created_at"]);
    assert_ne!(new[1]["updated_at"], old[0]["updated_at"]);
    assert_eq!(after["config"]["has_headers"], true);
    let wrong = json!([{ "name": "a", "config": { "q": 1 } }]);
    refused(
        &arize
            .patch(&own, patch(json!({ "request_presets": wrong })))
            .await,
        422,
    );
    let twice = json!([{ "name": "a", "config": {} }, { "name": "a", "config": {} }]);
    refused(
        &arize
            .patch(&own, patch(json!({ "request_presets": twice })))
            .await,
        422,
    );
    let cleared = arize
        .patch(&own, patch(json!({ "headers": null })))
        .await
        .ok();
    assert_eq!(cleared["config"]["has_headers"], false);
    let evaluator = |schema: Value| {
        let config = json!({ "endpoint": "https://a.example.com", "input_schema": schema });
        json!({ "type": "EVALUATOR", "name": "e", "config": config })
    };
    refused(
        &arize
            .post(PATH, evaluator(json!({ "type": "array" })))
            .await,
        422,
    );
    let reserved = json!({ "type": "object", "properties": { "arize_metadata": {} } });
    refused(&arize.post(PATH, evaluator(reserved)).await, 422);
}

#[tokio::test]
async fn scopings_say_who_sees_an_integration() {
    let arize = Arize::start().await;
    let organization = arize.organization("org").await;
    let other = arize.organization("other").await;
    let (a, b) = (
        arize.space("a", &organization).await,
        arize.space("b", &other).await,
    );
    let scoped = |name: &str, scoping: Value| {
        let mut body = llm(name, json!({ "provider": "OPEN_AI", "api_key": "k" }));
        body["scopings"] = json!([scoping]);
        body
    };
    arize.made(PATH, scoped("everybody", json!({}))).await;
    arize
        .made(
            PATH,
            scoped("organization", json!({ "organization_id": organization })),
        )
        .await;
    let one = json!({ "organization_id": organization, "space_id": a });
    arize.made(PATH, scoped("space", one)).await;
    let listed = async |query: String| -> Vec<String> {
        let list = arize.get(&format!("{PATH}?{query}")).await.ok();
        let items = list["integrations"].as_array().unwrap();
        items.iter().map(|item| text(&item["name"])).collect()
    };
    assert_eq!(
        listed(format!("space_id={a}")).await,
        ["space", "organization", "everybody"]
    );
    assert_eq!(listed(format!("space_id={b}")).await, ["everybody"]);
    assert_eq!(listed("name=SPA".to_owned()).await, ["space"]);
    let astray = json!({ "organization_id": organization, "space_id": b });
    refused(&arize.post(PATH, scoped("astray", astray)).await, 422);
    let nowhere = json!({ "organization_id": "QWNjb3VudE9yZzo5OTpub25l" });
    refused(&arize.post(PATH, scoped("nowhere", nowhere)).await, 404);
}
