//! Figures: analytics, usage of policies, prices.

use serde_json::{Value, json};

use crate::harness::*;

const TIMES: &str =
    "time_of_generation_min=2026-01-01T00:00:00Z&time_of_generation_max=2999-01-01T00:00:00Z";

fn log(trace: &str, tokens: u64, status: u16, time: u64) -> Value {
    json!({
        "request": { "url": "https://api.example.com/v1/chat", "body": { "model": "gpt-4o" } },
        "response": { "status": status, "response_time": time, "body": {
            "usage": { "prompt_tokens": tokens, "completion_tokens": 0 } } },
        "metadata": { "trace_id": trace, "_user": if status == 200 { "ada" } else { "bob" }, "team": "x" },
    })
}

/// The slug of the workspace in which the admin key logs.
async fn workspace(api: &Api) -> String {
    text(&api.get("/admin/workspaces").await.ok()["data"][0]["slug"])
}

async fn figures(api: &Api, path: &str) -> Value {
    let slug = workspace(api).await;
    api.get(&format!("/analytics/{path}?workspace_slug={slug}&{TIMES}"))
        .await
        .ok()
}

#[tokio::test]
async fn figures_are_zero_when_nothing_was_logged() {
    let api = Api::live().await;
    for graph in [
        "requests",
        "cost",
        "latency",
        "tokens",
        "users",
        "users/requests",
        "errors",
        "errors/rate",
        "errors/stacks",
        "errors/status-codes",
        "requests/rescued",
        "cache/hit-rate",
        "cache/latency",
        "feedbacks",
        "feedbacks/scores",
        "feedbacks/weighted",
        "feedbacks/ai-models",
    ] {
        let read = figures(&api, &format!("graphs/{graph}")).await;
        assert_eq!(read["data_points"], json!([]), "{graph}");
        let summary = read["summary"].as_object().unwrap();
        assert!(
            summary.values().all(|figure| figure == 0),
            "{graph}: {read}"
        );
    }
    assert_eq!(figures(&api, "summary/cache").await["summary"]["hits"], 0);
    for group in ["users", "ai-models", "metadata/team"] {
        assert_eq!(
            figures(&api, &format!("groups/{group}")).await["total"],
            0,
            "{group}"
        );
    }
}

#[tokio::test]
async fn figures_come_from_what_was_logged() {
    let api = Api::live().await;
    let logs = json!([
        log("a", 1_000_000, 200, 10),
        log("b", 3_000_000, 200, 20),
        log("c", 0, 429, 90)
    ]);
    assert_eq!(api.post("/logs", logs).await.status, 200);
    api.post("/feedback", json!({ "trace_id": "a", "value": 4 }))
        .await
        .ok();
    let summary =
        async |graph: &str| figures(&api, &format!("graphs/{graph}")).await["summary"].clone();
    assert_eq!(summary("requests").await, json!({ "total": 3 }));
    assert_eq!(
        summary("tokens").await,
        json!({ "total": 4_000_000, "avg": 1_333_333 })
    );
    // 0.00025 cents each.
    assert_eq!(summary("cost").await["total"], 1000);
    assert_eq!(
        summary("latency").await,
        json!({ "avg": 40, "p50": 20, "p90": 90, "p99": 90 })
    );
    assert_eq!(summary("errors").await, json!({ "total": 1 }));
    assert_eq!(summary("errors/rate").await, json!({ "rate": 33 }));
    assert_eq!(summary("users").await, json!({ "total": 2 }));
    assert_eq!(summary("feedbacks").await, json!({ "total": 1 }));
    assert_eq!(summary("feedbacks/weighted").await, json!({ "avg": 4 }));
    let codes = figures(&api, "graphs/errors/status-codes").await;
    assert_eq!(
        codes["data_points"],
        json!([{ "status_code": 429, "count": 1 }])
    );
    let points = figures(&api, "graphs/requests").await["data_points"].clone();
    let counted: i64 = points
        .as_array()
        .unwrap()
        .iter()
        .map(|point| point["total"].as_i64().unwrap())
        .sum();
    assert_eq!(counted, 3);
    let users = figures(&api, "groups/users").await;
    assert_eq!(
        (&users["data"][0]["user"], &users["data"][0]["requests"]),
        (&json!("ada"), &json!("2"))
    );
    let teams = figures(&api, "groups/metadata/team").await;
    assert_eq!(
        (
            &teams["data"][0]["metadata_value"],
            &teams["data"][0]["requests"]
        ),
        (&json!("x"), &json!(3))
    );
    // Filters, and another workspace.
    let slug = workspace(&api).await;
    let path = format!("/analytics/graphs/requests?workspace_slug={slug}&{TIMES}&status_code=429");
    assert_eq!(api.get(&path).await.ok()["summary"]["total"], 1);
    let other = text(&api.workspace("Other").await["slug"]);
    assert_eq!(
        api.get(&path.replace(&slug, &other)).await.ok()["summary"]["total"],
        0
    );
    api.get(&path.replace(&slug, "ws-none-000000"))
        .await
        .refused(403, "AB03");
}

#[tokio::test]
async fn a_policy_counts_by_group_until_it_is_reset() {
    let api = Api::live().await;
    let slug = workspace(&api).await;
    let policy = json!({
        "workspace_id": slug, "type": "tokens", "credit_limit": 10,
        "conditions": [{ "key": "metadata.team", "value": "x" }], "group_by": [{ "key": "metadata._user" }],
    });
    let policy = api.post("/policies/usage-limits", policy).await.ok();
    let path = format!("/policies/usage-limits/{}/entities", text(&policy["id"]));
    assert_eq!(api.get(&path).await.ok()["total"], 0);
    api.post(
        "/logs",
        json!([
            log("a", 7, 200, 1),
            log("b", 8, 200, 1),
            log("c", 1, 500, 1)
        ]),
    )
    .await;
    let read = api.get(&path).await.ok();
    assert_eq!(read["total"], 2, "{read}");
    assert_eq!(read["data"][0]["value_key"], "metadata._user:ada");
    assert_eq!(read["data"][0]["current_usage"], 15.0);
    let exhausted = api.get(&format!("{path}?status=exhausted")).await.ok();
    assert_eq!(exhausted["total"], 1);
    let reset = format!("{path}/{}/reset", text(&read["data"][0]["id"]));
    assert_eq!(api.put(&reset, json!({})).await.ok(), json!({}));
    assert_eq!(
        api.get(&format!("{path}?search=:ada")).await.ok()["total"],
        0
    );
    // The entity may be named in the body instead.
    let reset = json!({ "entity_id": "metadata._user:bob" });
    assert_eq!(read["total"], 2);
    api.post(&format!("{path}/reset"), reset).await.ok();
    assert_eq!(api.get(&path).await.ok()["total"], 0);
    let missing = "/policies/usage-limits/7b1f5a52-6f0e-4c7e-9d43-0d3cbb0c9d11/entities";
    api.get(missing).await.refused(404, "AB08");
}

#[tokio::test]
async fn prices_are_public() {
    let api = Api::live().await;
    let url = |model: &str| {
        format!(
            "{}/model-configs/pricing/openai/{model}",
            api.mock.base_url()
        )
    };
    let price = send(api.client.get(url("gpt-4o"))).await.ok();
    assert_eq!(price["pay_as_you_go"]["request_token"]["price"], 0.00025);
    let missing = send(api.client.get(url("none"))).await;
    assert_eq!(missing.status, 404);
    assert!(missing.body["error"].is_string(), "{}", missing.body);
}

#[tokio::test]
async fn figures_are_about_the_logs_that_pass_every_filter() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    let id = text(&workspace["id"]);
    api.integration("i", Some(&workspace)).await;
    let provider = json!({ "name": "p", "slug": "p", "integration_id": "i", "workspace_id": id });
    api.post("/providers", provider).await.ok();
    let config = json!({ "name": "c", "config": { "provider": "@p" }, "workspace_id": id });
    let config = text(&api.post("/configs", config).await.ok()["slug"]);
    let collection = json!({ "name": "c", "workspace_id": id });
    let collection = text(&api.post("/collections", collection).await.ok()["id"]);
    let prompt = json!({ "name": "p", "collection_id": collection, "string": "Hi", "parameters": {},
        "model": "gpt-5", "virtual_key": "p" });
    let prompt = text(&api.post("/prompts", prompt).await.ok()["slug"]);
    let key = json!({ "name": "k", "workspace_id": id, "scopes": ["completions.write"] });
    let key = api.post("/api-keys/workspace/service", key).await.ok();
    let ask = async |path: &str, headers: &[(&str, &str)]| {
        let body = match path.starts_with("/prompts/") {
            true => json!({ "variables": {} }),
            false => {
                json!({ "model": "gpt-4o", "messages": [{ "role": "user", "content": "hi" }] })
            }
        };
        let request = api
            .client
            .post(format!("{}{path}", api.mock.base_url()))
            .header("x-portkey-api-key", text(&key["key"]))
            .json(&body);
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(format!("x-portkey-{name}"), *value)
        });
        send(request).await.ok();
    };
    let chat = "/chat/completions";
    let by_ada = ("metadata", r#"{"_user":"ada","env":"test"}"#);
    ask(chat, &[("virtual-key", "p"), by_ada, ("trace-id", "t1")]).await;
    ask(chat, &[("config", &config), ("trace-id", "t2")]).await;
    ask(&format!("/prompts/{prompt}/completions"), &[]).await;
    api.post("/logs", log("t4", 5, 200, 1)).await;
    for (trace, value) in [("t1", 4), ("t1", 2), ("t2", -6)] {
        let feedback = json!({ "trace_id": trace, "value": value });
        api.post("/feedback", feedback).await.ok();
    }

    let key = text(&key["id"]);
    let nobody = "7b1f5a52-6f0e-4c7e-9d43-0d3cbb0c9d11";
    for (filter, value, expected) in [
        ("status_code", "200", 4),
        ("virtual_keys", "other,p", 3),
        ("virtual_keys", "other", 0),
        ("configs", config.as_str(), 1),
        ("configs", "pc-none-000000", 0),
        ("prompt_slug", prompt.as_str(), 1),
        ("api_key_ids", key.as_str(), 3),
        ("api_key_ids", nobody, 0),
        ("ai_org_model", "openai__gpt-4o", 2),
        ("ai_org_model", "anthropic__gpt-4o", 0),
        ("metadata", r#"{"_user":"ada"}"#, 2),
        ("metadata", r#"{"_user":"ada","env":"test"}"#, 1),
        ("metadata", r#"{"_user":"bob"}"#, 0),
        ("trace_id", "t1,t2", 2),
        ("weighted_feedback_min", "0", 1),
        ("weighted_feedback_max", "0", 1),
        ("weighted_feedback_max", "3", 2),
    ] {
        let path = format!("/analytics/graphs/requests?{TIMES}");
        let read = send(
            api.request(reqwest::Method::GET, &path)
                .query(&[(filter, value)]),
        );
        let read = read.await.ok();
        assert_eq!(read["summary"]["total"], expected, "{filter}={value}");
    }
    let path = format!("/analytics/groups/metadata/_user?{TIMES}");
    let groups = api.get(&path).await.ok();
    assert_eq!(groups["total"], 1, "{groups}");
    let group = &groups["data"][0];
    assert_eq!(group["metadata_value"], "ada", "{groups}");
    assert_eq!(group["requests_with_feedback"], 1, "{groups}");
    assert_eq!(group["avg_weighted_feedback"], 3, "{groups}");
    // An export takes its filters by the same names.
    let export = json!({ "workspace_id": workspace["slug"], "filters": { "virtual_keys": "p", "metadata": { "env": "test" } },
        "requested_data": ["id"] });
    assert_eq!(api.post("/logs/exports", export).await.ok()["total"], 1);
}
