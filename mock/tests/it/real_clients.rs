//! Requests that official clients send although the vendor's document does not have them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::*;

#[tokio::test]
async fn the_live_profile_takes_what_official_clients_send() {
    let api = Api::live().await;
    let body = json!({ "name": "k", "scopes": ["logs.list"] });
    let key = api.post("/api-keys/organisation/service", body).await.ok();
    let key = format!("/api-keys/{}", text(&key["id"]));
    let workspace = api.workspace("W").await;
    let virtual_key =
        json!({ "name": "v", "provider": "openai", "key": "k", "workspace_id": workspace["id"] });
    let virtual_key = api.post("/virtual-keys", virtual_key).await.ok();
    let collection = json!({ "name": "c", "workspace_id": workspace["id"] });
    let collection = api.post("/collections", collection).await.ok();
    let prompt = json!({
        "name": "p", "collection_id": collection["id"], "string": "s", "parameters": {},
        "virtual_key": virtual_key["data"]["slug"],
    });
    let prompt = api.post("/prompts", prompt).await.ok();
    let prompt = format!("/prompts/{}", text(&prompt["slug"]));
    let latest = format!("{prompt}?version=latest");
    let partial = json!({ "name": "p", "string": "s", "workspace_id": workspace["slug"] });
    let partial = api.post("/prompts/partials", partial).await.ok();
    let partial = format!("/prompts/partials/{}?version=1", text(&partial["slug"]));
    let partials = format!(
        "/prompts/partials?workspace_id={}",
        text(&workspace["slug"])
    );
    let requests: [(Method, &str, Value); 12] = [
        // Null clears, on keys and prompts as well.
        (Method::PUT, &key, json!({ "usage_limits": null })),
        (Method::PUT, &key, json!({ "alert_emails": null })),
        (
            Method::PUT,
            &key,
            json!({ "defaults": { "config_id": null } }),
        ),
        (
            Method::PUT,
            &prompt,
            json!({ "name": "n", "parameters": null }),
        ),
        // An invitation to no workspace.
        (
            Method::POST,
            "/admin/users/invites",
            json!({ "email": "a@example.com", "role": "member" }),
        ),
        // Query parameters that the document lacks.
        (Method::GET, &latest, Value::Null),
        (Method::GET, &partial, Value::Null),
        (Method::GET, &partials, Value::Null),
        (
            Method::GET,
            "/scim/workspaces?page=0&page_size=100",
            Value::Null,
        ),
        (Method::GET, "/virtual-keys", Value::Null),
        (Method::GET, "/providers/", Value::Null),
        // A guardrail as all documentation has it.
        (
            Method::POST,
            "/guardrails",
            json!({ "name": "g", "checks": [{ "id": "default.wordCount",
                "parameters": { "minWords": 1, "maxWords": 10 } }],
                "actions": { "onFail": "block", "message": "x" } }),
        ),
    ];
    for (method, path, body) in requests {
        let mut request = api.request(method.clone(), path);
        // The Terraform provider sends a media type with every request, body or none.
        request = match body {
            Value::Null => request.header("content-type", "application/json"),
            body => request.json(&body),
        };
        let answer = send(request).await;
        assert_eq!(answer.status, 200, "{method} {path}: {:#}", answer.body);
    }
}

#[tokio::test]
async fn of_many_creations_with_one_slug_one_succeeds() {
    let api = Api::live().await;
    let body = json!({ "name": "x", "slug": "only", "ai_provider_id": "openai" });
    let all = (0..32).map(|_| api.post("/integrations", body.clone()));
    let answers = futures_util::future::join_all(all).await;
    let count = |status| {
        answers
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    };
    assert_eq!((count(200), count(409)), (1, 31));
    assert_eq!(api.get("/integrations").await.ok()["total"], 1);
}

#[tokio::test]
async fn of_many_creations_without_a_slug_all_succeed() {
    let api = Api::live().await;
    let all = (0..64).map(|_| api.post("/configs", json!({ "name": "same", "config": {} })));
    let answers = futures_util::future::join_all(all).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let list = api.get("/configs").await.ok();
    assert_eq!(list["total"], 64);
    let mut stamps: Vec<&str> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["created_at"].as_str().unwrap())
        .collect();
    let listed = stamps.clone();
    stamps.sort_unstable();
    stamps.dedup();
    assert_eq!(
        stamps, listed,
        "in the order of creation, and no two at the same time"
    );
}
