//! Workspaces.

use gatewright_mock::Profile;
use serde_json::{Value, json};

use crate::harness::*;

fn path(workspace: &Value) -> String {
    format!("/admin/workspaces/{}", text(&workspace["id"]))
}

#[tokio::test]
async fn an_account_begins_with_one_workspace_that_cannot_be_deleted() {
    let api = Api::live().await;
    let list = api.get("/admin/workspaces").await.ok();
    assert_eq!(list["total"], 1);
    let shared = &list["data"][0];
    assert_eq!(shared["name"], "Shared Team Workspace");
    // Flags are numbers on the live API.
    assert_eq!(shared["is_default"], 1);
    let body = json!({ "name": "Shared Team Workspace", "force_delete": true });
    api.delete_with(&path(shared), body)
        .await
        .refused(403, "AB03");
}

#[tokio::test]
async fn a_new_workspace_is_answered_whole_with_a_server_made_slug() {
    let api = Api::live().await;
    let body =
        json!({ "name": "Test A", "description": "d", "defaults": { "metadata": { "a": "b" } } });
    let created = api.post("/admin/workspaces", body).await.ok();
    let slug = text(&created["slug"]);
    let (start, hex) = slug.rsplit_once('-').unwrap();
    assert_eq!(start, "ws-test-a");
    assert!(
        hex.len() == 6 && hex.chars().all(|c| c.is_ascii_hexdigit()),
        "{slug}"
    );
    assert!(uuid::Uuid::parse_str(&text(&created["id"])).is_ok());
    assert_eq!(created["defaults"]["metadata"], json!({ "a": "b" }));
    // RFC 3339 with milliseconds in UTC.
    let at = text(&created["created_at"]);
    assert!(
        at.len() == 24 && at.ends_with('Z') && &at[19..20] == ".",
        "{at}"
    );
    for name in [text(&created["id"]), slug] {
        let read = api.get(&format!("/admin/workspaces/{name}")).await.ok();
        assert_eq!(read["id"], created["id"]);
        assert_eq!(read["description"], "d");
    }
}

#[tokio::test]
async fn names_are_not_unique() {
    let api = Api::live().await;
    let (one, two) = (api.workspace("Same").await, api.workspace("Same").await);
    assert_ne!(one["id"], two["id"]);
    assert_ne!(one["slug"], two["slug"]);
}

#[tokio::test]
async fn a_missing_workspace_is_forbidden_rather_than_missing() {
    let api = Api::live().await;
    for name in ["ws-nobody-000000", "7b1f5a52-6f0e-4c7e-9d43-0d3cbb0c9d11"] {
        let path = format!("/admin/workspaces/{name}");
        api.get(&path).await.refused(403, "AB03");
        api.put(&path, json!({ "name": "n" }))
            .await
            .refused(403, "AB03");
        api.delete_with(&path, json!({ "name": "n" }))
            .await
            .refused(403, "AB03");
    }
    let config = json!({ "name": "c", "config": {}, "workspace_id": "ws-nobody-000000" });
    api.post("/configs", config).await.refused(403, "AB03");
}

#[tokio::test]
async fn an_update_keeps_what_it_omits_and_clears_what_it_nulls() {
    let api = Api::live().await;
    let mut limits = json!([{ "type": "cost", "credit_limit": 10 }]);
    let body = json!({ "name": "Limits", "description": "d", "usage_limits": limits,
        "defaults": { "metadata": { "a": "b" } } });
    let created = api.post("/admin/workspaces", body).await.ok();
    let path = path(&created);

    assert_eq!(
        api.put(&path, json!({ "name": "Renamed" })).await.ok(),
        json!({})
    );
    let read = api.get(&path).await.ok();
    assert_eq!(read["name"], "Renamed");
    assert_eq!(read["slug"], created["slug"], "slugs survive a rename");
    assert_eq!(read["description"], "d");
    // A period that is not set comes back as an empty text.
    limits[0]["periodic_reset"] = json!("");
    assert_eq!(read["usage_limits"], limits);
    assert_eq!(read["created_at"], created["created_at"]);
    assert!(text(&read["last_updated_at"]) > text(&created["last_updated_at"]));

    api.put(&path, json!({ "usage_limits": null })).await.ok();
    let read = api.get(&path).await.ok();
    assert_eq!(read["usage_limits"], Value::Null);
    assert_eq!(read["name"], "Renamed");
    assert_eq!(read["defaults"]["metadata"], json!({ "a": "b" }));
}

#[tokio::test]
async fn fields_that_only_the_server_writes_cannot_be_sent() {
    let api = Api::live().await;
    let body =
        json!({ "name": "W", "id": "mine", "slug": "mine", "created_at": "x", "is_default": true });
    let created = api.post("/admin/workspaces", body).await.ok();
    assert_ne!(created["id"], "mine");
    assert_ne!(created["slug"], "mine");
    assert_ne!(created["created_at"], "x");
    assert_eq!(created["is_default"], 0);
}

#[tokio::test]
async fn an_icon_stands_in_front_of_the_name() {
    let api = Api::live().await;
    let created = api
        .post("/admin/workspaces", json!({ "name": "Ship", "icon": "🚀" }))
        .await
        .ok();
    assert_eq!(
        (&created["name"], &created["icon"]),
        (&json!("🚀 Ship"), &json!("🚀"))
    );
    let path = path(&created);
    api.put(&path, json!({ "name": "Boat" })).await.ok();
    assert_eq!(api.get(&path).await.ok()["name"], "🚀 Boat");
    // An empty icon clears it.
    api.put(&path, json!({ "icon": "" })).await.ok();
    let read = api.get(&path).await.ok();
    assert_eq!(
        (&read["name"], &read["icon"]),
        (&json!("Boat"), &Value::Null)
    );
    // An emoji and a space at the start of a name are taken for an icon.
    api.put(&path, json!({ "name": "🎯 Aim" })).await.ok();
    assert_eq!(api.get(&path).await.ok()["icon"], "🎯");
    // A deletion is confirmed with the name as the user gave it.
    api.delete_with(&path, json!({ "name": "🎯 Aim" }))
        .await
        .refused(400, "AB01");
    api.delete_with(&path, json!({ "name": "Aim" })).await.ok();
}

#[tokio::test]
async fn lists_are_paged_from_zero_in_the_order_of_creation() {
    let api = Api::live().await;
    for index in 0..7 {
        api.workspace(&format!("W{index}")).await;
    }
    let names = api
        .listed("/admin/workspaces?page_size=3&current_page=1", "name")
        .await;
    assert_eq!(names, ["W2", "W3", "W4"]);
    let last = api
        .get("/admin/workspaces?page_size=3&current_page=2")
        .await
        .ok();
    assert_eq!(last["total"], 8, "the total counts all pages");
    assert_eq!(last["data"].as_array().unwrap().len(), 2);
    let beyond = api
        .get("/admin/workspaces?page_size=3&current_page=9")
        .await
        .ok();
    assert_eq!((&beyond["total"], &beyond["data"]), (&json!(8), &json!([])));
    let huge = "/admin/workspaces?page_size=9007199254740993&current_page=9007199254740993";
    assert_eq!(api.get(huge).await.ok()["data"], json!([]));
}

#[tokio::test]
async fn lists_are_filtered_by_name_and_status() {
    let api = Api::live().await;
    for name in ["Payments EU", "Payments US", "Search"] {
        api.workspace(name).await;
    }
    let gone = api.workspace("Payments old").await;
    api.delete_with(&path(&gone), json!({ "name": "Payments old" }))
        .await
        .ok();
    let list = async |query: &str| {
        api.listed(&format!("/admin/workspaces?{query}"), "name")
            .await
    };
    assert_eq!(list("name=payments").await, ["Payments EU", "Payments US"]);
    assert_eq!(list("exact_name=Payments%20US").await, ["Payments US"]);
    assert_eq!(list("exact_name=Payments").await, [""; 0]);
    assert_eq!(list("status=archived").await, ["Payments old"]);
    assert_eq!(list("status=active,archived&name=Payments").await.len(), 3);
    let page = api
        .get("/admin/workspaces?name=payments&page_size=1&current_page=1")
        .await
        .ok();
    assert_eq!(
        (&page["total"], &page["data"][0]["name"]),
        (&json!(2), &json!("Payments US"))
    );
}

#[tokio::test]
async fn deletion_has_to_be_confirmed_with_the_current_name() {
    let api = Api::live().await;
    let created = api.workspace("Old").await;
    let path = path(&created);
    api.put(&path, json!({ "name": "New" })).await.ok();
    api.delete(&path).await.refused(400, "AB01");
    api.delete_with(&path, json!({})).await.refused(400, "AB01");
    api.delete_with(&path, json!({ "name": "Old" }))
        .await
        .refused(400, "AB01");
    assert_eq!(api.get(&path).await.ok()["status"], "active");
    assert_eq!(
        api.delete_with(&path, json!({ "name": "New" })).await.ok(),
        json!({})
    );
    let archived = api.get("/admin/workspaces?status=archived").await.ok();
    assert_eq!(
        (&archived["data"][0]["id"], &archived["data"][0]["status"]),
        (&created["id"], &json!("archived"))
    );
    api.get(&path).await.refused(403, "AB03");
    api.delete_with(&path, json!({ "name": "New" }))
        .await
        .refused(403, "AB03");
}

#[tokio::test]
async fn a_workspace_with_dependants_only_goes_by_force_and_takes_them_along() {
    let api = Api::live().await;
    let workspace = api.workspace("Full").await;
    api.integration("openai", Some(&workspace)).await;
    let scoped = json!({ "name": "x", "workspace_id": workspace["id"] });
    let with = |more: Value| {
        let mut body = scoped.clone();
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    api.post(
        "/providers",
        with(json!({ "slug": "p", "integration_id": "openai" })),
    )
    .await
    .ok();
    let config = api
        .post("/configs", with(json!({ "config": {} })))
        .await
        .ok();
    let path = path(&workspace);
    let confirmed = json!({ "name": "Full" });
    api.delete_with(&path, confirmed.clone())
        .await
        .refused(409, "AB07");
    api.get(&path).await.ok();
    api.get("/providers/p").await.ok();

    api.delete_with(&path, json!({ "name": "Full", "force_delete": true }))
        .await
        .ok();
    api.get("/providers/p").await.refused(404, "AB08");
    api.get(&format!("/configs/{}", text(&config["slug"])))
        .await
        .refused(404, "AB08");
    // The organisation's integration stays, without the grant.
    assert_eq!(
        api.get("/integrations/openai/workspaces").await.ok()["workspaces"],
        json!([])
    );
}

#[tokio::test]
async fn defaults_name_guardrails_and_a_config_that_exist() {
    let api = Api::live().await;
    let workspace = api.workspace("D").await;
    let path = path(&workspace);
    let guardrail = json!({ "name": "g", "workspace_id": workspace["id"],
        "checks": [{ "id": "portkey.pii" }], "actions": {} });
    let guardrail = text(&api.post("/guardrails", guardrail).await.ok()["slug"]);
    let config = json!({ "name": "c", "config": {}, "workspace_id": workspace["id"] });
    let config = api.post("/configs", config).await.ok();

    for (defaults, status, code) in [
        (
            json!({ "input_guardrails": ["pg-nobody-000000"] }),
            403,
            "AB03",
        ),
        (
            json!({ "output_guardrails": [guardrail, "pg-nobody-000000"] }),
            403,
            "AB03",
        ),
        (
            json!({ "user_api_key_config": "pc-nobody-000000" }),
            404,
            "AB08",
        ),
    ] {
        api.put(&path, json!({ "defaults": defaults }))
            .await
            .refused(status, code);
    }
    let defaults = json!({ "input_guardrails": [guardrail], "user_api_key_config": config["id"] });
    api.put(&path, json!({ "defaults": defaults })).await.ok();
    let read = api.get(&path).await.ok();
    assert_eq!(read["defaults"]["input_guardrails"], json!([guardrail]));
    // Id or slug is taken, the slug comes back.
    assert_eq!(read["defaults"]["user_api_key_config"], config["slug"]);
    // A config that keys get by default cannot be deleted.
    let config = format!("/configs/{}", text(&config["slug"]));
    api.delete(&config).await.refused(409, "AB07");
    api.put(
        &path,
        json!({ "defaults": { "user_api_key_config": null } }),
    )
    .await
    .ok();
    api.delete(&config).await.ok();
}

#[tokio::test]
async fn the_documented_profile_deletes_without_a_body() {
    let api = Api::start(Profile::Documented).await;
    let workspace = api.workspace("Plain").await;
    let answer = api.delete(&path(&workspace)).await;
    assert_eq!((answer.status, answer.body), (200, Value::Null));
    assert!(
        !answer.headers.contains_key("content-type"),
        "no body, no media type"
    );
}
