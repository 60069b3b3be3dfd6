//! Logs, their exports, feedback and audit logs.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::*;

fn log(trace: &str, model: &str, tokens: u64, status: u16) -> Value {
    json!({
        "request": { "url": "https://api.example.com/v1/chat", "body": { "model": model } },
        "response": { "status": status, "response_time": 20, "body": {
            "usage": { "prompt_tokens": tokens, "completion_tokens": tokens } } },
        "metadata": { "trace_id": trace, "_user": "ada" },
    })
}

#[tokio::test]
async fn what_is_logged_can_be_read() {
    let api = Api::live().await;
    // One, and several at once.
    assert_eq!(
        api.post("/logs", log("t1", "gpt-5", 10, 200)).await.status,
        200
    );
    let more = json!([log("t2", "gpt-5", 5, 500), log("t3", "other", 1, 200)]);
    assert_eq!(api.post("/logs", more).await.status, 200);
    let read = api.get("/logs/t1").await.ok();
    assert_eq!(read["request"]["body"]["model"], "gpt-5");
    assert_eq!(
        (
            &read["response"]["status"],
            &read["response"]["responseTime"]
        ),
        (&json!(200), &json!(20))
    );
    assert_eq!(read["metrics"]["total_units"], 20.0);
    assert_eq!(read["metrics"]["trace_id"], "t1");
    let by_id = api.get(&format!("/logs/{}", text(&read["_id"]))).await.ok();
    assert_eq!(by_id, read);
    assert_eq!(
        api.get("/logs/t2").await.ok()["metrics"]["is_success"],
        false
    );
    api.get("/logs/t4").await.refused(404, "AB08");
    api.post("/logs", json!({ "request": {} }))
        .await
        .refused(400, "AB01");
}

#[tokio::test]
async fn exports_are_drafted_started_and_fetched() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    api.post("/logs", log("t1", "gpt-5", 10, 200)).await;
    let body = json!({ "filters": { "ai_model": "gpt-5" }, "workspace_id": workspace["id"], "requested_data": ["id"] });
    let created = api.post("/logs/exports", body).await.ok();
    // The log is in another workspace.
    assert_eq!(
        (&created["object"], &created["total"]),
        (&json!("export"), &json!(0))
    );
    let path = format!("/logs/exports/{}", text(&created["id"]));
    let status = async || text(&api.get(&path).await.ok()["status"]);
    assert_eq!(status().await, "draft");
    api.get(&format!("{path}/download"))
        .await
        .refused(409, "AB07");
    api.post(&format!("{path}/cancel"), json!({}))
        .await
        .refused(409, "AB07");
    api.post(&format!("{path}/start"), json!({})).await.ok();
    assert_eq!(status().await, "in_progress");
    api.post(&format!("{path}/start"), json!({}))
        .await
        .refused(409, "AB07");
    api.post(&format!("{path}/cancel"), json!({})).await.ok();
    assert_eq!(status().await, "stopped");
    api.put(&path, json!({ "filters": {} })).await.ok();
    api.post(&format!("{path}/start"), json!({})).await.ok();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(status().await, "success");
    assert!(api.get(&format!("{path}/download")).await.ok()["signed_url"].is_string());
    let list = format!("/logs/exports?workspace_id={}", text(&workspace["slug"]));
    assert_eq!(api.listed(&list, "id").await, [text(&created["id"])]);
}

#[tokio::test]
async fn feedback_is_given_and_changed() {
    let api = Api::live().await;
    let one = json!({ "trace_id": "t", "value": 5 });
    let given = api.post("/feedback", one.clone()).await.ok();
    assert_eq!(given["feedback_ids"].as_array().unwrap().len(), 1);
    let several = api.post("/feedback", json!([one, one])).await.ok();
    assert_eq!(several["feedback_ids"].as_array().unwrap().len(), 2);
    let path = format!("/feedback/{}", text(&given["feedback_ids"][0]));
    let changed = api
        .put(&path, json!({ "value": -5, "weight": 0.5 }))
        .await
        .ok();
    assert_eq!(changed["feedback_ids"], given["feedback_ids"]);
    api.post("/feedback", json!({ "trace_id": "t", "value": 11 }))
        .await
        .refused(400, "AB01");
    let nothing = "/feedback/7b1f5a52-6f0e-4c7e-9d43-0d3cbb0c9d11";
    api.put(nothing, json!({ "value": 1 }))
        .await
        .refused(404, "AB08");
}

#[tokio::test]
async fn audit_logs_are_the_writes_that_were_served() {
    let api = Api::live().await;
    let owner = api.get("/admin/users?role=owner").await.ok()["data"][0].clone();
    let workspace = api.workspace("W").await;
    let organisation = text(&api.get("/labels").await.ok()["data"][0]["organisation_id"]);
    let path = format!("/admin/workspaces/{}", text(&workspace["id"]));
    let answer = api
        .put(&path, json!({ "name": "X", "description": "hidden-text" }))
        .await;
    let request_id = answer.headers["x-portkey-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    api.delete("/configs/pc-none-000000")
        .await
        .refused(404, "AB08");
    let base = format!("/audit-logs?organisation_id={organisation}&end_time=2999-01-01T00:00:00Z");
    let all = api
        .get(&format!("{base}&start_time=2026-01-01T00:00:00Z"))
        .await
        .ok();
    assert_eq!(all["total"], 3, "{all}");
    let records = all["records"].as_array().unwrap();
    assert_eq!(
        (&records[0]["method"], &records[0]["action"]),
        (&json!("POST"), &json!("create"))
    );
    assert_eq!(records[0]["resource_type"], "workspace");
    assert_eq!(records[1]["user_id"], owner["id"]);
    assert_eq!(records[2]["response_status_code"], 404);
    assert!(!all.to_string().contains("hidden-text"), "{all}");
    let base = format!("{base}&start_time=2026-01-01T00:00:00Z");
    let one = api
        .get(&format!("{base}&request_id={request_id}"))
        .await
        .ok();
    assert_eq!(
        (&one["total"], &one["records"][0]["method"]),
        (&json!(1), &json!("PUT"))
    );
    let some = api.get(&format!("{base}&method=DELETE")).await.ok();
    assert_eq!(some["total"], 1);
    let page = api
        .get(&format!("{base}&page_size=2&current_page=1"))
        .await
        .ok();
    assert_eq!(
        (&page["total"], page["records"].as_array().unwrap().len()),
        (&json!(3), 1)
    );
    let past = base.replace("end_time=2999", "end_time=2001");
    assert_eq!(api.get(&past).await.ok()["total"], 0);
    api.get("/audit-logs").await.refused(400, "AB01");
    // Keys of the organisation only.
    let key =
        json!({ "name": "k", "scopes": ["audit_logs.list"], "workspace_id": workspace["id"] });
    let key = api.post("/api-keys/workspace/service", key).await.ok();
    api.with_key(&text(&key["key"]), Method::GET, &base, Value::Null)
        .await
        .refused(403, "AB03");
}
