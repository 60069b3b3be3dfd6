//! API keys as credentials: what a key made through the API can do.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::*;

const CHAT: &str = "/chat/completions";

fn chat() -> Value {
    json!({ "model": "m", "messages": [{ "role": "user", "content": "hi" }] })
}

/// Makes a key and returns its secret and id.
async fn key(
    api: &Api,
    kind: &str,
    workspace: Option<&Value>,
    scopes: &[&str],
) -> (String, String) {
    let mut body = json!({ "name": "k", "scopes": scopes });
    if let Some(workspace) = workspace {
        body["workspace_id"] = workspace["id"].clone();
    }
    let created = api.post(&format!("/api-keys/{kind}"), body).await.ok();
    (text(&created["key"]), text(&created["id"]))
}

#[tokio::test]
async fn a_key_authenticates_until_it_is_deleted() {
    let api = Api::live().await;
    let (secret, id) = key(&api, "organisation/service", None, &["configs.list"]).await;
    api.with_key(&secret, Method::GET, "/configs", Value::Null)
        .await
        .ok();
    let bearer = api.client.get(format!("{}/configs", api.mock.base_url()));
    send(bearer.bearer_auth(&secret)).await.ok();
    // The mask is no key.
    let mask = text(&api.get(&format!("/api-keys/{id}")).await.ok()["key"]);
    api.with_key(&mask, Method::GET, "/configs", Value::Null)
        .await
        .refused(401, "AB05");
    api.delete(&format!("/api-keys/{id}")).await.ok();
    api.with_key(&secret, Method::GET, "/configs", Value::Null)
        .await
        .refused(401, "AB05");
}

#[tokio::test]
async fn scopes_decide_and_reading_is_not_listing() {
    let api = Api::live().await;
    let config = api
        .post("/configs", json!({ "name": "c", "config": {} }))
        .await
        .ok();
    let path = format!("/configs/{}", text(&config["slug"]));
    let (secret, _) = key(&api, "organisation/service", None, &["configs.list"]).await;
    api.with_key(&secret, Method::GET, "/configs", Value::Null)
        .await
        .ok();
    let refused = api.with_key(&secret, Method::GET, &path, Value::Null).await;
    // As the live API says it.
    let body = json!({ "success": false, "data": {
        "message": "You do not have enough permissions to execute this request", "errorCode": "AB03" } });
    assert_eq!((refused.status, &refused.body), (403, &body));
    api.with_key(&secret, Method::DELETE, &path, Value::Null)
        .await
        .refused(403, "AB03");
    api.with_key(
        &secret,
        Method::POST,
        "/configs",
        json!({ "name": "c", "config": {} }),
    )
    .await
    .refused(403, "AB03");
    api.get(&path).await.ok();
}

#[tokio::test]
async fn keys_of_the_organisation_do_no_inference_and_keys_of_a_workspace_no_administration() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    let scopes = [
        "completions.write",
        "workspaces.create",
        "audit_logs.list",
        "organisation_users.list",
    ];
    let (admin, _) = key(&api, "organisation/service", None, &scopes).await;
    let (service, _) = key(&api, "workspace/service", Some(&workspace), &scopes).await;
    api.with_key(&admin, Method::POST, CHAT, chat())
        .await
        .refused(403, "AB03");
    api.with_key(&service, Method::POST, CHAT, chat())
        .await
        .ok();
    api.with_key(&admin, Method::GET, "/admin/users", Value::Null)
        .await
        .ok();
    api.with_key(&service, Method::GET, "/admin/users", Value::Null)
        .await
        .refused(403, "AB03");
    let new = json!({ "name": "X" });
    api.with_key(&admin, Method::POST, "/admin/workspaces", new.clone())
        .await
        .ok();
    api.with_key(&service, Method::POST, "/admin/workspaces", new)
        .await
        .refused(403, "AB03");
}

#[tokio::test]
async fn a_key_of_a_workspace_stays_in_it() {
    let api = Api::live().await;
    let (own, other) = (api.workspace("Own").await, api.workspace("Other").await);
    let mut slugs = Vec::new();
    for workspace in [&own, &other] {
        let body = json!({ "name": "c", "config": {}, "workspace_id": workspace["id"] });
        slugs.push(text(&api.post("/configs", body).await.ok()["slug"]));
    }
    let scopes = [
        "configs.list",
        "configs.read",
        "configs.create",
        "configs.update",
        "workspaces.list",
        "workspaces.read",
        "workspace_users.list",
        "guardrails.list",
        "workspace_service_api_keys.list",
    ];
    let (secret, id) = key(&api, "workspace/service", Some(&own), &scopes).await;
    let (_, _) = key(&api, "organisation/service", None, &["logs.list"]).await;
    let get = async |path: &str| api.with_key(&secret, Method::GET, path, Value::Null).await;
    let list = get("/configs").await.ok();
    assert_eq!(
        (&list["total"], &list["data"][0]["slug"]),
        (&json!(1), &json!(slugs[0]))
    );
    get(&format!("/configs/{}", slugs[0])).await.ok();
    get(&format!("/configs/{}", slugs[1]))
        .await
        .refused(403, "AB03");
    let foreign = format!("/configs/{}", slugs[1]);
    api.with_key(&secret, Method::PUT, &foreign, json!({ "name": "x" }))
        .await
        .refused(403, "AB03");
    get(&format!("/configs?workspace_id={}", text(&other["id"])))
        .await
        .refused(403, "AB03");
    get(&format!("/guardrails?workspace_id={}", text(&other["id"])))
        .await
        .refused(403, "AB03");
    // What it makes is in its workspace, named or not.
    let made = json!({ "name": "made", "config": {} });
    let made = api
        .with_key(&secret, Method::POST, "/configs", made)
        .await
        .ok();
    let path = format!("/configs/{}", text(&made["slug"]));
    assert_eq!(get(&path).await.ok()["workspace_id"], own["id"]);
    let made = json!({ "name": "made", "config": {}, "workspace_id": other["id"] });
    api.with_key(&secret, Method::POST, "/configs", made)
        .await
        .refused(403, "AB03");
    // The same for the workspace itself, its members and its keys.
    let list = get("/admin/workspaces").await.ok();
    assert_eq!(
        (&list["total"], &list["data"][0]["id"]),
        (&json!(1), &own["id"])
    );
    get(&format!("/admin/workspaces/{}", text(&other["slug"])))
        .await
        .refused(403, "AB03");
    get(&format!("/admin/workspaces/{}/users", text(&other["slug"])))
        .await
        .refused(403, "AB03");
    let list = get("/api-keys").await.ok();
    assert_eq!(
        (&list["total"], &list["data"][0]["id"]),
        (&json!(1), &json!(id))
    );
}

#[tokio::test]
async fn a_key_passes_on_no_scope_that_it_lacks() {
    let api = Api::live().await;
    let own = ["organisation_service_api_keys.create", "logs.list"];
    let (secret, _) = key(&api, "organisation/service", None, &own).await;
    let make = async |kind: &str, scope: &str| {
        let body = json!({ "name": "k", "scopes": [scope] });
        api.with_key(&secret, Method::POST, &format!("/api-keys/{kind}"), body)
            .await
    };
    make("organisation/service", "logs.list").await.ok();
    make("organisation/service", "configs.list")
        .await
        .refused(403, "AB03");
    // The scope is that of the type of key.
    make("workspace/service", "logs.list")
        .await
        .refused(403, "AB03");
}

#[tokio::test]
async fn expired_keys_are_refused_and_say_so() {
    let api = Api::live().await;
    let (secret, id) = key(&api, "organisation/service", None, &["configs.list"]).await;
    let path = format!("/api-keys/{id}");
    api.put(&path, json!({ "expires_at": "2001-01-01T00:00:00Z" }))
        .await
        .ok();
    api.with_key(&secret, Method::GET, "/configs", Value::Null)
        .await
        .refused(401, "AB05");
    assert_eq!(api.get(&path).await.ok()["status"], "expired");
    api.put(&path, json!({ "expires_at": null })).await.ok();
    api.with_key(&secret, Method::GET, "/configs", Value::Null)
        .await
        .ok();
    assert_eq!(api.get(&path).await.ok()["status"], "active");
}

#[tokio::test]
async fn both_secrets_are_good_during_a_transition() {
    let api = Api::live().await;
    let (old, id) = key(&api, "organisation/service", None, &["configs.list"]).await;
    let new = api
        .post(&format!("/api-keys/{id}/rotate"), json!({}))
        .await
        .ok();
    for secret in [old, text(&new["key"])] {
        api.with_key(&secret, Method::GET, "/configs", Value::Null)
            .await
            .ok();
    }
}

#[tokio::test]
async fn every_operation_names_its_scope() {
    let api = Api::live().await;
    let document = api.get("/../_mock/openapi.json").await.ok();
    let mut without = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in crate::oracle::METHODS {
            if item
                .get(method)
                .is_some_and(|operation| operation.get("x-scope").is_none())
            {
                without.push(format!("{method} {path}"));
            }
        }
    }
    // Prices are public; no scope is documented for feedback.
    let free = [
        "post /feedback",
        "put /feedback/{id}",
        "get /model-configs/pricing/{provider}/{model}",
    ];
    assert_eq!(without.len(), free.len(), "{without:?}");
    assert!(
        free.iter()
            .all(|free| without.iter().any(|found| found == free)),
        "{without:?}"
    );
}
