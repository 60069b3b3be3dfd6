//! API keys as objects: types, three-state updates, rotation.

use std::time::Duration;

use gatewright_mock::Profile;
use serde_json::{Value, json};

use crate::harness::*;

/// Makes a key and returns the answer, which has the secret.
async fn key(api: &Api, kind: &str, body: Value) -> Value {
    let mut whole = json!({ "name": "k", "scopes": ["logs.list"] });
    whole
        .as_object_mut()
        .unwrap()
        .extend(body.as_object().unwrap().clone());
    api.post(&format!("/api-keys/{kind}"), whole).await.ok()
}

async fn read(api: &Api, key: &Value) -> Value {
    api.get(&format!("/api-keys/{}", text(&key["id"])))
        .await
        .ok()
}

async fn put(api: &Api, key: &Value, body: Value) -> Answer {
    api.put(&format!("/api-keys/{}", text(&key["id"])), body)
        .await
}

#[tokio::test]
async fn the_secret_is_shown_once_and_the_type_is_joined() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    let created = key(
        &api,
        "workspace/service",
        json!({ "workspace_id": workspace["slug"] }),
    )
    .await;
    assert_eq!(created["object"], "api-key");
    let secret = text(&created["key"]);
    let read = read(&api, &created).await;
    assert_eq!(read["type"], "workspace-service");
    assert_eq!(read["workspace_id"], workspace["id"]);
    assert_eq!(
        read["key"],
        format!("{}*****{}", &secret[..2], &secret[secret.len() - 3..])
    );
    // Never set, and there all the same.
    assert_eq!(
        (&read["rate_limits"], &read["alert_emails"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(read["defaults"]["metadata"], json!({}));
    assert_eq!(read["allow_config_override"], Value::Null);
    assert_eq!(
        (&read["status"], &read["creation_mode"]),
        (&json!("active"), &json!("api"))
    );
    assert!(
        !api.get("/api-keys")
            .await
            .ok()
            .to_string()
            .contains(&secret)
    );
}

#[tokio::test]
async fn a_key_needs_what_its_type_says_and_scopes() {
    let api = Api::live().await;
    let body = json!({ "name": "k", "scopes": ["logs.list"] });
    api.post("/api-keys/workspace/service", body.clone())
        .await
        .refused(400, "AB01");
    let workspace = api.workspace("W").await;
    let with = json!({ "name": "k", "scopes": ["logs.list"], "workspace_id": workspace["id"] });
    api.post("/api-keys/workspace/user", with.clone())
        .await
        .refused(400, "AB01");
    api.post("/api-keys/organisation/user", with)
        .await
        .refused(400, "AB01");
    let none = json!({ "name": "k", "scopes": [] });
    api.post("/api-keys/organisation/service", none)
        .await
        .refused(502, "AB04");
    api.post("/api-keys/organisation/service", json!({ "name": "k" }))
        .await
        .refused(502, "AB04");
    assert_eq!(api.get("/api-keys").await.ok()["total"], 0);
    let user = api.get("/admin/users?role=member").await.ok()["data"][0].clone();
    let body = json!({ "workspace_id": workspace["id"], "user_id": user["id"] });
    let created = key(&api, "workspace/user", body).await;
    let read = read(&api, &created).await;
    assert_eq!(
        (&read["type"], &read["user_id"]),
        (&json!("workspace-user"), &user["id"])
    );
    // The document, to the letter, has the scopes validated.
    let api = Api::start(Profile::Documented).await;
    let answer = api
        .post("/api-keys/organisation/service", json!({ "name": "k" }))
        .await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn keys_are_listed_by_workspace_and_by_id() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    let one = key(&api, "organisation/service", json!({})).await;
    let two = key(
        &api,
        "workspace/service",
        json!({ "workspace_id": workspace["id"] }),
    )
    .await;
    let path = format!("/api-keys?workspace_id={}", text(&workspace["slug"]));
    assert_eq!(api.listed(&path, "id").await, [text(&two["id"])]);
    let path = format!("/api-keys?ids={}", text(&one["id"]));
    assert_eq!(api.listed(&path, "id").await, [text(&one["id"])]);
    let page = api.get("/api-keys?page_size=1&current_page=1").await.ok();
    assert_eq!(
        (&page["total"], &page["data"][0]["id"]),
        (&json!(2), &two["id"])
    );
    // A workspace with a key in it goes by force only.
    let path = format!("/admin/workspaces/{}", text(&workspace["id"]));
    api.delete_with(&path, json!({ "name": "W" }))
        .await
        .refused(409, "AB07");
    api.delete_with(&path, json!({ "name": "W", "force_delete": true }))
        .await
        .ok();
    assert_eq!(api.get("/api-keys").await.ok()["total"], 1);
}

#[tokio::test]
async fn omitted_keeps_null_clears_a_value_sets() {
    let api = Api::live().await;
    let limits = json!({ "credit_limit": 10.0, "alert_threshold": 5 });
    let created = key(
        &api,
        "organisation/service",
        json!({
            "description": "d", "usage_limits": limits, "alert_emails": ["a@example.com"],
            "rate_limits": [{ "type": "requests", "unit": "rpw", "value": 5 }],
            "expires_at": "2999-01-01T00:00:00.000Z",
            "defaults": { "metadata": { "team": "x" }, "allow_config_override": false },
        }),
    )
    .await;
    let before = read(&api, &created).await;
    // Nothing is invented: no type of limit, no reset.
    assert_eq!(before["usage_limits"], limits);
    assert_eq!(before["allow_config_override"], 0);
    assert_eq!(before["defaults"]["allow_config_override"], false);
    put(&api, &created, json!({ "name": "other" })).await.ok();
    let kept = read(&api, &created).await;
    for field in [
        "usage_limits",
        "rate_limits",
        "alert_emails",
        "expires_at",
        "defaults",
        "description",
    ] {
        assert_eq!(kept[field], before[field], "{field}");
    }
    let clear = json!({ "usage_limits": null, "rate_limits": null, "alert_emails": null, "expires_at": null });
    put(&api, &created, clear).await.ok();
    let cleared = read(&api, &created).await;
    assert_eq!(
        (&cleared["usage_limits"], &cleared["expires_at"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        (&cleared["rate_limits"], &cleared["alert_emails"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(cleared["defaults"]["metadata"], json!({ "team": "x" }));
    // A reset leaves its time and nothing else.
    assert_eq!(cleared["last_reset_at"], Value::Null);
    put(&api, &created, json!({ "reset_usage": true }))
        .await
        .ok();
    let reset = read(&api, &created).await;
    assert!(
        reset["last_reset_at"].is_string() && reset["reset_usage"].is_null(),
        "{reset}"
    );
}

#[tokio::test]
async fn a_config_is_kept_by_its_uuid_and_by_the_keys_bound_to_it() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    let config = json!({ "name": "c", "config": {}, "workspace_id": workspace["id"] });
    let config = api.post("/configs", config).await.ok();
    let path = format!("/configs/{}", text(&config["slug"]));
    let bound =
        json!({ "workspace_id": workspace["id"], "defaults": { "config_id": config["slug"] } });
    let created = key(&api, "workspace/service", bound).await;
    assert_eq!(
        read(&api, &created).await["defaults"]["config_id"],
        config["id"]
    );
    api.delete(&path).await.refused(409, "AB07");
    put(&api, &created, json!({ "defaults": { "config_id": null } }))
        .await
        .ok();
    assert_eq!(
        read(&api, &created).await["defaults"]["config_id"],
        Value::Null
    );
    put(
        &api,
        &created,
        json!({ "defaults": { "config_id": "pc-none-000000" } }),
    )
    .await
    .refused(404, "AB08");
    api.delete(&path).await.ok();
}

#[tokio::test]
async fn rotation_policies_are_checked_and_scheduled() {
    let api = Api::live().await;
    let created = key(
        &api,
        "organisation/service",
        json!({ "rotation_policy": { "rotation_period": "weekly" } }),
    )
    .await;
    let first = read(&api, &created).await["rotation_policy"].clone();
    assert_eq!(first["rotation_period"], "weekly");
    tokio::time::sleep(Duration::from_millis(5)).await;
    // The time of the next one is the server's to say, again with every change.
    let policy = json!({ "rotation_period_days": 30, "next_rotation_at": null, "key_transition_period_ms": 1_800_000 });
    put(&api, &created, json!({ "rotation_policy": policy }))
        .await
        .ok();
    let second = read(&api, &created).await["rotation_policy"].clone();
    assert!(
        text(&second["next_rotation_at"]) > text(&first["next_rotation_at"]),
        "{first} {second}"
    );
    assert!(second.get("rotation_period").is_none(), "{second}");
    for wrong in [
        json!({}),
        json!({ "key_transition_period_ms": 1_800_000 }),
        json!({ "rotation_period": "weekly", "next_rotation_at": "2999-01-01T00:00:00Z" }),
        json!({ "rotation_period": "weekly", "rotation_period_days": 3 }),
        json!({ "rotation_period": "daily" }),
        json!({ "rotation_period_days": 366 }),
        json!({ "next_rotation_at": "2001-01-01T00:00:00Z" }),
        json!({ "rotation_period": "weekly", "key_transition_period_ms": 1_799_999 }),
        json!({ "rotation_period_days": 1, "key_transition_period_ms": 86_400_000 }),
    ] {
        let body = json!({ "rotation_policy": wrong });
        put(&api, &created, body).await.refused(400, "AB01");
    }
    assert_eq!(read(&api, &created).await["rotation_policy"], second);
    put(&api, &created, json!({ "rotation_policy": null }))
        .await
        .ok();
    assert_eq!(read(&api, &created).await["rotation_policy"], Value::Null);
}

#[tokio::test]
async fn a_rotation_makes_a_secret_and_a_second_one_waits() {
    let api = Api::live().await;
    let created = key(&api, "organisation/service", json!({})).await;
    let path = format!("/api-keys/{}/rotate", text(&created["id"]));
    api.post(&path, json!({ "key_transition_period_ms": 1_799_999 }))
        .await
        .refused(400, "AB01");
    let rotated = api
        .post(&path, json!({ "key_transition_period_ms": 1_800_000 }))
        .await
        .ok();
    assert_eq!(rotated["id"], created["id"]);
    assert_ne!(rotated["key"], created["key"]);
    assert!(rotated["key_transition_expires_at"].is_string());
    assert!(rotated.get("last_updated_at").is_none(), "{rotated}");
    let masked = text(&read(&api, &created).await["key"]);
    assert!(
        text(&rotated["key"]).ends_with(masked.rsplit('*').next().unwrap()),
        "{masked}"
    );
    api.post(&path, json!({})).await.refused(409, "AB07");
}
