//! Requests to models: what they answer, and that logs, analytics and limits are figures about them.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::harness::*;
use crate::oracle::Oracle;

const TIMES: &str =
    "time_of_generation_min=2026-01-01T00:00:00Z&time_of_generation_max=2999-01-01T00:00:00Z";

fn chat(question: &str) -> Value {
    json!({ "model": "gpt-4o", "messages": [{ "role": "user", "content": question }] })
}

/// A request to a model, with headers.
fn ask(api: &Api, path: &str, headers: &[(&str, &str)], body: &Value) -> RequestBuilder {
    let request = api.request(Method::POST, path).json(body);
    headers.iter().fold(request, |request, (name, value)| {
        request.header(format!("x-portkey-{name}"), *value)
    })
}

/// The events of a stream: their names, if they have any, and their data.
async fn events(request: RequestBuilder) -> Vec<(String, String)> {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let body = response.text().await.unwrap();
    assert!(body.ends_with("\n\n"), "{body}");
    let events = body.trim_end().split("\n\n").map(|event| {
        let field = |name: &str| {
            let line = event.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default().to_owned()
        };
        (field("event: "), field("data: "))
    });
    events.collect()
}

/// The chunks of a stream in OpenAI's manner, without its last word.
async fn chunks(request: RequestBuilder) -> Vec<Value> {
    let mut events = events(request).await;
    assert_eq!(events.pop().unwrap().1, "[DONE]");
    let chunks = events.iter();
    chunks
        .map(|(_, data)| serde_json::from_str(data).unwrap())
        .collect()
}

async fn oracle(api: &Api) -> Oracle {
    let url = format!("http://{}/_mock/openapi.json", api.mock.address());
    Oracle::new(send(api.client.get(url)).await.ok())
}

#[tokio::test]
async fn a_chat_is_answered_alike_every_time_and_logged() {
    let api = Api::live().await;
    let headers = [
        ("trace-id", "t-1"),
        ("span-id", "s-1"),
        ("metadata", r#"{"_user":"ada","team":"x"}"#),
        ("provider", "openai"),
    ];
    let first = send(ask(&api, "/chat/completions", &headers, &chat("Hello?"))).await;
    assert_eq!(first.headers["x-portkey-trace-id"], "t-1");
    assert_eq!(first.headers["x-portkey-provider"], "openai");
    assert_eq!(first.headers["x-portkey-retry-attempt-count"], "0");
    assert_eq!(first.headers["x-portkey-cache-status"], "DISABLED");
    let first = first.ok();
    let said = text(&first["choices"][0]["message"]["content"]);
    assert!(said.contains("gpt-4o") && said.contains("Hello?"), "{said}");
    let again = api.post("/chat/completions", chat("Hello?")).await.ok();
    assert_eq!(first["choices"], again["choices"]);
    assert_eq!(first["usage"], again["usage"]);

    let log = api.get("/logs/t-1").await.ok();
    assert_eq!(log["request"]["body"], chat("Hello?"));
    assert_eq!(log["response"]["body"], first);
    let metrics = &log["metrics"];
    for (name, value) in [
        ("ai_model", json!("gpt-4o")),
        ("ai_org", json!("openai")),
        ("virtual_key", Value::Null),
        ("trace_id", json!("t-1")),
        ("span_id", json!("s-1")),
        ("is_success", json!(true)),
        ("response_status_code", json!(200)),
        ("request_method", json!("POST")),
        (
            "request_url",
            json!("https://api.portkey.ai/v1/chat/completions"),
        ),
        ("is_proxy_call", json!(false)),
        ("cache_status", json!("DISABLED")),
        ("metadata.key", json!(["_user", "team"])),
        ("metadata.value", json!(["ada", "x"])),
    ] {
        assert_eq!(metrics[name], value, "{name} of {metrics:#}");
    }
    let usage = &first["usage"];
    assert_eq!(
        metrics["req_units"].as_f64(),
        usage["prompt_tokens"].as_f64()
    );
    assert_eq!(
        metrics["res_units"].as_f64(),
        usage["completion_tokens"].as_f64()
    );
    // The prices that the mock itself names, in cents.
    let price = api.get("/model-configs/pricing/openai/gpt-4o").await.ok();
    let price = |which: &str| price["pay_as_you_go"][which]["price"].as_f64().unwrap();
    let cost = price("request_token") * metrics["req_units"].as_f64().unwrap()
        + price("response_token") * metrics["res_units"].as_f64().unwrap();
    assert!(
        (metrics["cost"].as_f64().unwrap() - cost).abs() < 1e-12,
        "{metrics}"
    );
}

#[tokio::test]
async fn every_answer_fits_the_description() {
    let api = Api::live().await;
    let oracle = oracle(&api).await;
    let tool = json!({ "type": "function", "function": { "name": "weather", "parameters": {
        "type": "object", "required": ["city"], "properties": { "city": { "type": "string" } } } } });
    let mut called = chat("x");
    called["tools"] = json!([tool]);
    called["tool_choice"] = json!({ "type": "function", "function": { "name": "weather" } });
    for (path, body) in [
        ("/chat/completions", chat("x")),
        ("/chat/completions", called),
        (
            "/completions",
            json!({ "model": "m", "prompt": "x", "n": 2, "max_tokens": 2 }),
        ),
        (
            "/embeddings",
            json!({ "model": "m", "input": ["a", "b"], "dimensions": 3 }),
        ),
        (
            "/responses",
            json!({ "model": "gpt-5", "input": "x", "instructions": "Be brief." }),
        ),
        (
            "/responses",
            json!({ "model": "gpt-5", "input": [{ "role": "user", "content": "x" }], "max_output_tokens": 1 }),
        ),
    ] {
        let pointer = format!(
            "/paths/{}/post/responses/200/content",
            path.replace('/', "~1")
        );
        let answer = api.post(path, body.clone()).await.ok();
        let schema = format!("{pointer}/application~1json/schema");
        assert_eq!(
            oracle.problems(&schema, &answer),
            [""; 0],
            "{path}: {answer:#}"
        );
        if path == "/embeddings" {
            continue;
        }
        let mut streamed = body;
        streamed["stream"] = json!(true);
        let schema = format!("{pointer}/text~1event-stream/schema");
        for (name, data) in events(ask(&api, path, &[], &streamed)).await {
            let data = serde_json::from_str(&data).unwrap_or(Value::from(data));
            assert_eq!(
                oracle.problems(&schema, &data),
                [""; 0],
                "{path} {name}: {data:#}"
            );
        }
    }
}

#[tokio::test]
async fn a_streamed_chat_says_what_the_whole_one_says() {
    let api = Api::live().await;
    let whole = api
        .post("/chat/completions", chat("Why is that so?"))
        .await
        .ok();
    let mut body = chat("Why is that so?");
    body["stream"] = json!(true);
    let plain = chunks(ask(&api, "/chat/completions", &[], &body)).await;
    assert_eq!(plain[0]["choices"][0]["delta"]["role"], "assistant");
    assert!(plain.len() > 5, "the answer comes in pieces");
    assert!(plain.iter().all(|chunk| chunk["object"] == "chat.completion.chunk" && chunk.get("usage").is_none()));
    assert!(plain.iter().all(|chunk| chunk["id"] == plain[0]["id"]));
    let said: String = plain
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(whole["choices"][0]["message"]["content"], json!(said));
    assert_eq!(plain.last().unwrap()["choices"][0]["finish_reason"], "stop");

    body["stream_options"] = json!({ "include_usage": true });
    let with_usage = chunks(ask(&api, "/chat/completions", &[("trace-id", "s")], &body)).await;
    let (last, others) = with_usage.split_last().unwrap();
    assert_eq!(
        (&last["choices"], &last["usage"]),
        (&json!([]), &whole["usage"])
    );
    assert!(
        others
            .iter()
            .all(|chunk| chunk["usage"].is_null() && chunk.get("usage").is_some())
    );
    let log = api.get("/logs/s").await.ok();
    assert_eq!(log["metrics"]["stream_mode"], 1);
    assert_eq!(
        log["metrics"]["total_units"].as_f64(),
        whole["usage"]["total_tokens"].as_f64()
    );

    // Tools that the model is told to call, and a limit on what it says.
    let mut called = chat("x");
    called["tools"] = json!([{ "type": "function", "function": { "name": "go", "parameters": {
        "type": "object", "properties": { "to": { "type": "string" } } } } }]);
    called["tool_choice"] = json!("required");
    called["stream"] = json!(true);
    let called = chunks(ask(&api, "/chat/completions", &[], &called)).await;
    let arguments: String = called
        .iter()
        .filter_map(|chunk| {
            chunk["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].as_str()
        })
        .collect();
    assert_eq!(
        serde_json::from_str::<Value>(&arguments).unwrap(),
        json!({ "to": "sample" })
    );
    assert_eq!(
        called.last().unwrap()["choices"][0]["finish_reason"],
        "tool_calls"
    );
    let mut short = chat("x");
    short["max_tokens"] = json!(2);
    let short = api.post("/chat/completions", short).await.ok();
    assert_eq!(short["choices"][0]["finish_reason"], "length");
    assert_eq!(short["usage"]["completion_tokens"], 2);
}

#[tokio::test]
async fn a_streamed_response_is_a_counted_sequence_of_events() {
    let api = Api::live().await;
    let body = json!({ "model": "gpt-5", "input": "Why?", "stream": true });
    let events = events(ask(&api, "/responses", &[], &body)).await;
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names[..4],
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added"
        ]
    );
    assert_eq!(names.last(), Some(&"response.completed"));
    let mut said = String::new();
    for (number, (name, data)) in events.iter().enumerate() {
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(
            (&data["type"], &data["sequence_number"]),
            (&json!(name), &json!(number))
        );
        said.push_str(data["delta"].as_str().unwrap_or_default());
        if name == "response.completed" {
            assert_eq!(
                data["response"]["output"][0]["content"][0]["text"],
                json!(said)
            );
        }
    }
}

#[tokio::test]
async fn equal_inputs_have_equal_embeddings_in_both_encodings() {
    use base64::Engine as _;
    let api = Api::live().await;
    let body = json!({ "model": "text-embedding-3-small", "input": ["a", "b", "a"] });
    let plain = api.post("/embeddings", body.clone()).await.ok();
    let vector = |answer: &Value, index: usize| answer["data"][index]["embedding"].clone();
    assert_eq!(vector(&plain, 0), vector(&plain, 2));
    assert_ne!(vector(&plain, 0), vector(&plain, 1));
    let numbers: Vec<f64> = serde_json::from_value(vector(&plain, 0)).unwrap();
    assert_eq!(numbers.len(), 1536);
    let length: f64 = numbers.iter().map(|number| number * number).sum();
    assert!((length - 1.0).abs() < 1e-3, "{length}");
    // The official Python client asks for this.
    let mut encoded = body;
    encoded["encoding_format"] = json!("base64");
    let encoded = api.post("/embeddings", encoded).await.ok();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(text(&vector(&encoded, 0)))
        .unwrap();
    let first = f32::from_le_bytes(bytes[..4].try_into().unwrap());
    assert!((f64::from(first) - numbers[0]).abs() < 1e-6);
}

#[tokio::test]
async fn provider_model_and_config_are_found_by_all_their_names() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    let integration = api.integration("anthropic-main", Some(&workspace)).await;
    let provider = json!({ "name": "p", "slug": "main", "integration_id": integration, "workspace_id": workspace["id"] });
    api.post("/providers", provider).await.ok();
    let config = json!({ "strategy": { "mode": "fallback" }, "targets": [
        { "provider": "@main", "override_params": { "model": "gpt-5" } }, { "provider": "anthropic" } ] });
    let config = json!({ "name": "c", "workspace_id": workspace["id"], "config": config });
    let config = text(&api.post("/configs", config).await.ok()["slug"]);
    let inline = json!({ "virtual_key": "main", "api_key": "sk-very-secret" }).to_string();
    let asked = [
        ("gpt-4o", vec![("virtual-key", "main")], "gpt-4o"),
        ("gpt-4o", vec![("provider", "@main")], "gpt-4o"),
        ("@main/gpt-4o", vec![], "gpt-4o"),
        ("gpt-4o", vec![("config", config.as_str())], "gpt-5"),
        ("gpt-4o", vec![("config", inline.as_str())], "gpt-4o"),
    ];
    for (index, (model, mut headers, served)) in asked.into_iter().enumerate() {
        let trace = format!("t{index}");
        headers.push(("trace-id", &trace));
        let mut body = chat("x");
        body["model"] = json!(model);
        let answer = send(ask(&api, "/chat/completions", &headers, &body)).await;
        assert_eq!(
            answer.headers["x-portkey-provider"], "openai",
            "{headers:?}"
        );
        assert_eq!(answer.body["model"], served);
        let log = api.get(&format!("/logs/{trace}")).await.ok();
        assert_eq!(log["metrics"]["virtual_key"], "main", "{headers:?}");
        assert_eq!(log["metrics"]["ai_model"], served);
        assert_eq!(log["metrics"]["workspace_slug"], workspace["slug"]);
        assert!(!log.to_string().contains("sk-very-secret"), "{log}");
        if headers[0].1 == config {
            assert_eq!(log["metrics"]["config"], json!(config));
            assert_eq!(log["metrics"]["mode"], "fallback");
            assert_eq!(
                log["response"]["lastUsedOptionJsonPath"],
                "config.targets[0]"
            );
            assert_eq!(
                answer.headers["x-portkey-last-used-option-index"],
                "config.targets[0]"
            );
        }
    }
}

#[tokio::test]
async fn a_stored_prompt_is_filled_in_and_answered() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    let integration = api.integration("i", Some(&workspace)).await;
    let provider = json!({ "name": "p", "slug": "p", "integration_id": integration, "workspace_id": workspace["id"] });
    api.post("/providers", provider).await.ok();
    let collection = json!({ "name": "c", "workspace_id": workspace["id"] });
    let collection = api.post("/collections", collection).await.ok();
    let prompt = json!({
        "name": "pr", "collection_id": collection["id"], "virtual_key": "p", "model": "gpt-5", "parameters": {},
        "string": "[{\"role\": \"user\", \"content\": \"What is {{what}}?\"}]",
    });
    let prompt = api.post("/prompts", prompt).await.ok();
    let path = format!("/prompts/{}/completions", text(&prompt["slug"]));
    let body = json!({ "variables": { "what": "love" } });
    let answer = send(ask(&api, &path, &[("trace-id", "p")], &body))
        .await
        .ok();
    assert_eq!(answer["model"], "gpt-5");
    assert!(text(&answer["choices"][0]["message"]["content"]).ends_with("What is love?"));
    let metrics = api.get("/logs/p").await.ok()["metrics"].clone();
    assert_eq!(
        (&metrics["prompt_id"], &metrics["prompt_slug"]),
        (&prompt["id"], &prompt["slug"])
    );
    assert_eq!(metrics["ai_org"], "openai");
    let streamed = json!({ "variables": { "what": "love" }, "stream": true });
    assert!(chunks(ask(&api, &path, &[], &streamed)).await.len() > 3);
    api.post("/prompts/pp-none-000000/completions", body)
        .await
        .refused(404, "AB08");
}

#[tokio::test]
async fn any_path_of_a_provider_is_passed_on() {
    let api = Api::live().await;
    let host = format!("http://{}", api.mock.address());
    for (method, path, shown) in [
        (Method::GET, "/v1/collections?limit=3", "/collections"),
        (
            Method::PUT,
            "/v1/collections/c/points",
            "/collections/c/points",
        ),
        (Method::DELETE, "/v1/no/such/thing", "/no/such/thing"),
        (Method::POST, "/v1/proxy/listen", "/listen"),
        (Method::PATCH, "/v1/guardrails/g", "/guardrails/g"),
    ] {
        let trace = format!("{method}{path}").replace(['/', '?'], "-");
        let url = format!("{host}{path}");
        let request = api.client.request(method.clone(), url);
        let request = request.header("x-portkey-api-key", api.mock.api_key());
        let request = request.header("x-portkey-trace-id", &trace);
        let answer = send(
            request
                .header("x-portkey-provider", "qdrant")
                .json(&json!({ "x": 1 })),
        )
        .await
        .ok();
        assert_eq!(answer["path"], shown);
        assert_eq!(answer["method"], method.as_str());
        assert_eq!(answer["body"], json!({ "x": 1 }));
        let metrics = api.get(&format!("/logs/{trace}")).await.ok()["metrics"].clone();
        assert_eq!(
            (&metrics["is_proxy_call"], &metrics["ai_org"]),
            (&json!(true), &json!("qdrant"))
        );
        assert_eq!(metrics["request_method"], method.as_str());
    }
    // Without a provider these are the gateway's own paths, or none.
    api.get("/collections").await.refused(400, "AB01");
    assert_eq!(api.get("/no/such/thing").await.status, 404);
    // A key is needed, with the scope of the data plane.
    let unknown = api
        .client
        .get(format!("{host}/v1/no"))
        .header("x-portkey-provider", "qdrant");
    assert_eq!(send(unknown).await.status, 401);
    let key = json!({ "name": "k", "scopes": ["logs.list"] });
    let key = text(&api.post("/api-keys/organisation/service", key).await.ok()["key"]);
    let request = api
        .client
        .get(format!("{host}/v1/no"))
        .header("x-portkey-api-key", key);
    send(request.header("x-portkey-provider", "qdrant"))
        .await
        .refused(403, "AB03");
}

#[tokio::test]
async fn analytics_and_exports_are_about_what_was_served() {
    let api = Api::live().await;
    let slug = text(&api.get("/admin/workspaces").await.ok()["data"][0]["slug"]);
    for (user, model) in [("ada", "gpt-4o"), ("ada", "gpt-5"), ("bob", "gpt-5")] {
        let metadata = json!({ "_user": user }).to_string();
        let mut body = chat("How many?");
        body["model"] = json!(model);
        send(ask(
            &api,
            "/chat/completions",
            &[("metadata", &metadata)],
            &body,
        ))
        .await
        .ok();
    }
    api.post("/images/generations", json!({ "prompt": "a cat" }))
        .await
        .ok();
    // Neither reads of the control plane nor requests that never reached a provider are logged.
    api.get("/configs").await.ok();
    api.post("/chat/completions", json!({}))
        .await
        .refused(400, "AB01");
    let read = async |path: &str| {
        api.get(&format!("/analytics/{path}?workspace_slug={slug}&{TIMES}"))
            .await
            .ok()
    };
    assert_eq!(read("graphs/requests").await["summary"]["total"], 4);
    assert_eq!(read("graphs/errors").await["summary"]["total"], 0);
    assert_eq!(read("graphs/users").await["summary"]["total"], 2);
    let models = read("groups/ai-models").await;
    let of = |model: &str| {
        let groups = models["data"].as_array().unwrap().iter();
        let group = groups.clone().find(|group| group["ai_model"] == model);
        group.map(|group| group["requests"].clone())
    };
    assert_eq!(of("gpt-4o"), Some(json!("1")), "{models:#}");
    assert_eq!(of("gpt-5"), Some(json!("2")));
    let export = json!({ "filters": { "ai_model": "gpt-5" }, "workspace_id": slug, "requested_data": ["id"] });
    assert_eq!(api.post("/logs/exports", export).await.ok()["total"], 2);
}

#[tokio::test]
async fn answers_come_from_the_cache_when_a_request_wants_that() {
    let api = Api::live().await;
    let slug = text(&api.get("/admin/workspaces").await.ok()["data"][0]["slug"]);
    let status = async |headers: &[(&str, &str)], question: &str| {
        let answer = send(ask(&api, "/chat/completions", headers, &chat(question))).await;
        answer.headers["x-portkey-cache-status"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    let simple = ("cache", "simple");
    assert_eq!(status(&[], "q").await, "DISABLED");
    assert_eq!(status(&[simple], "q").await, "MISS");
    assert_eq!(status(&[simple, ("trace-id", "hit")], "q").await, "HIT");
    assert_eq!(status(&[simple], "another").await, "MISS");
    assert_eq!(
        status(&[simple, ("cache-namespace", "n")], "q").await,
        "MISS"
    );
    assert_eq!(
        status(&[simple, ("cache-force-refresh", "true")], "q").await,
        "REFRESH"
    );
    assert_eq!(status(&[("cache", "semantic")], "q").await, "SEMANTIC HIT");
    let config = r#"{"cache":{"mode":"semantic","max_age":0}}"#;
    assert_eq!(status(&[("config", config)], "old").await, "SEMANTIC MISS");
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    assert_eq!(status(&[("config", config)], "old").await, "SEMANTIC MISS");
    let metrics = api.get("/logs/hit").await.ok()["metrics"].clone();
    assert_eq!(
        (&metrics["cost"], &metrics["cache_type"]),
        (&json!(0.0), &json!("simple"))
    );
    let read = async |path: &str| {
        let path = format!("/analytics/{path}?workspace_slug={slug}&{TIMES}");
        api.get(&path).await.ok()
    };
    let rate = read("graphs/cache/hit-rate").await;
    assert_eq!(rate["summary"], json!({ "total": 2, "rate": 22 }));
    assert_eq!(rate["data_points"][0]["simple_hits"], 1);
    assert_eq!(rate["data_points"][0]["semantic_hits"], 1);
    let summary = read("summary/cache").await;
    assert_eq!(
        (
            &summary["summary"]["hits"],
            &summary["summary"]["total_requests"]
        ),
        (&json!(2), &json!(9))
    );
}

#[tokio::test]
async fn budgets_and_rates_are_counted_and_enforced() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    let key = json!({
        "name": "k", "workspace_id": workspace["id"], "scopes": ["completions.write"],
        "usage_limits": { "type": "tokens", "credit_limit": 10 },
        "rate_limits": [{ "type": "requests", "unit": "rpd", "value": 3 }],
    });
    let key = api.post("/api-keys/workspace/service", key).await.ok();
    let (secret, id) = (text(&key["key"]), text(&key["id"]));
    let ask = async || {
        api.with_key(
            &secret,
            Method::POST,
            "/chat/completions",
            chat("Hello there"),
        )
        .await
    };
    ask().await.ok();
    let refused = ask().await;
    // What a client of the live gateway has printed.
    let body = json!({ "status": "failure", "message": "Portkey Error: Portkey API Key Usage Limit Exceeded. Error Code: 04" });
    assert_eq!((refused.status, &refused.body), (412, &body));
    assert!(refused.headers.contains_key("x-portkey-trace-id"));
    let path = format!("/api-keys/{id}");
    assert_eq!(api.get(&path).await.ok()["status"], "exhausted");
    api.put(&path, json!({ "reset_usage": true })).await.ok();
    assert_eq!(api.get(&path).await.ok()["status"], "active");
    ask().await.ok();
    // Three in a day: refused ones count as requests, too.
    api.put(&path, json!({ "usage_limits": null })).await.ok();
    let limited = ask().await;
    assert_eq!(
        (limited.status, &limited.body["status"]),
        (429, &json!("failure"))
    );
    let slug = text(&workspace["slug"]);
    let errors = format!("/analytics/graphs/errors/status-codes?workspace_slug={slug}&{TIMES}");
    let codes = api.get(&errors).await.ok()["data_points"].clone();
    assert_eq!(
        codes,
        json!([{ "status_code": 412, "count": 1 }, { "status_code": 429, "count": 1 }])
    );
}

#[tokio::test]
async fn policies_count_what_meets_their_conditions() {
    let api = Api::live().await;
    let slug = text(&api.get("/admin/workspaces").await.ok()["data"][0]["slug"]);
    let usage = json!({
        "workspace_id": slug, "type": "requests", "credit_limit": 2,
        "conditions": [{ "key": "model", "value": "gpt-*" }], "group_by": [{ "key": "metadata._user" }],
    });
    let usage = api.post("/policies/usage-limits", usage).await.ok();
    let rate = json!({
        "workspace_id": slug, "type": "requests", "unit": "rpd", "value": 1,
        "conditions": [{ "key": "model", "value": "o1" }], "group_by": [{ "key": "model" }],
    });
    api.post("/policies/rate-limits", rate).await.ok();
    let ask = async |user: &str, model: &str| {
        let mut body = chat("x");
        body["model"] = json!(model);
        let metadata = json!({ "_user": user }).to_string();
        send(ask(
            &api,
            "/chat/completions",
            &[("metadata", &metadata)],
            &body,
        ))
        .await
        .status
    };
    assert_eq!(
        (ask("ada", "gpt-5").await, ask("ada", "gpt-4o").await),
        (200, 200)
    );
    assert_eq!(ask("ada", "gpt-5").await, 412);
    assert_eq!(
        (ask("bob", "gpt-5").await, ask("ada", "claude").await),
        (200, 200)
    );
    assert_eq!((ask("ada", "o1").await, ask("bob", "o1").await), (200, 429));
    let path = format!("/policies/usage-limits/{}/entities", text(&usage["id"]));
    let entities = api.get(&path).await.ok();
    assert_eq!(entities["total"], 2, "{entities}");
    assert_eq!(entities["data"][0]["value_key"], "metadata._user:ada");
    let reset = format!("{path}/{}/reset", text(&entities["data"][0]["id"]));
    api.put(&reset, json!({})).await.ok();
    assert_eq!(ask("ada", "gpt-5").await, 200);
}

#[tokio::test]
async fn no_credential_of_a_request_is_logged() {
    let api = Api::live().await;
    let secret = "sk-canary-0123456789";
    let config = json!({ "provider": "openai", "api_key": secret }).to_string();
    let headers = [
        ("config", config.as_str()),
        ("trace-id", "t"),
        ("aws-secret-access-key", secret),
    ];
    let request = ask(&api, "/chat/completions", &headers, &chat("x"));
    send(request.header("authorization", format!("Bearer {secret}")))
        .await
        .ok();
    let log = api.get("/logs/t").await.ok().to_string();
    assert!(
        !log.contains(secret) && !log.contains(api.mock.api_key()),
        "{log}"
    );
    // A request may keep its bodies to itself.
    let discreet = [("debug", "false"), ("trace-id", "d")];
    send(ask(&api, "/chat/completions", &discreet, &chat("my-diary")))
        .await
        .ok();
    assert!(
        !api.get("/logs/d")
            .await
            .ok()
            .to_string()
            .contains("my-diary")
    );
}
