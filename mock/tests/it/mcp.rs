//! MCP integrations and servers.

use serde_json::{Value, json};

use crate::harness::*;

async fn integration(api: &Api, slug: &str) -> Value {
    let body = json!({
        "name": "Docs", "slug": slug, "url": "https://mcp.example.com/", "auth_type": "headers", "transport": "http",
        "configurations": { "custom_headers": { "authorization": "Bearer very-secret-value" } },
    });
    api.post("/mcp-integrations", body).await.ok()
}

async fn grant(api: &Api, slug: &str, workspace: &Value, enabled: bool) {
    let path = format!("/mcp-integrations/{slug}/workspaces");
    let body = json!({ "workspaces": [{ "id": workspace["slug"], "enabled": enabled }] });
    assert_eq!(api.put(&path, body).await.ok(), json!({}));
}

fn server(workspace: &Value) -> Value {
    json!({ "name": "S", "slug": "docs-server", "mcp_integration_id": "docs", "workspace_id": workspace["slug"] })
}

#[tokio::test]
async fn integrations_are_found_by_slug_and_hide_their_headers() {
    let api = Api::live().await;
    let created = integration(&api, "docs").await;
    assert_eq!(created["slug"], "docs");
    api.post("/mcp-integrations", json!({
        "name": "x", "slug": "docs", "url": "https://x.example.com/", "auth_type": "none", "transport": "sse",
    })).await.refused(409, "AB07");
    for name in ["docs", &text(&created["id"])] {
        let read = api.get(&format!("/mcp-integrations/{name}")).await.ok();
        assert_eq!(
            (&read["type"], &read["status"]),
            (&json!("organisation"), &json!("active"))
        );
        assert!(!read.to_string().contains("very-secret"), "{read}");
        assert!(read["configurations"]["custom_headers"]["authorization"].is_string());
    }
    let path = "/mcp-integrations/docs";
    api.put(path, json!({ "description": "d" })).await.ok();
    api.put(path, json!({ "name": "Other" })).await.ok();
    let read = api.get(path).await.ok();
    assert_eq!(
        (&read["name"], &read["description"]),
        (&json!("Other"), &json!("d"))
    );
    api.put(path, json!({ "description": null })).await.ok();
    assert_eq!(api.get(path).await.ok()["description"], Value::Null);
    let metadata = api.get(&format!("{path}/metadata")).await.ok();
    assert_eq!(
        (&metadata["server_name"], &metadata["sync_error"]),
        (&json!("Docs"), &Value::Null)
    );
    let list = api.get("/mcp-integrations?type=workspace").await.ok();
    assert_eq!(
        (&list["total"], &list["has_more"]),
        (&json!(0), &json!(false))
    );
    assert_eq!(
        api.listed("/mcp-integrations?search=oth", "slug").await,
        ["docs"]
    );
    api.delete(path).await.ok();
    api.get(path).await.refused(404, "AB08");
}

#[tokio::test]
async fn workspaces_are_granted_access_in_either_shape() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    integration(&api, "docs").await;
    grant(&api, "docs", &workspace, true).await;
    let path = "/mcp-integrations/docs/workspaces";
    // In the form of the workspace's id.
    let older = api.get(path).await.ok();
    assert_eq!(older["workspaces"][0]["id"], workspace["id"]);
    assert_eq!(older["workspaces"][0]["enabled"], true);
    assert!(older.get("data").is_none(), "{older}");
    let newer = api.get(&format!("{path}?version=2")).await.ok();
    assert_eq!(
        (&newer["total"], &newer["data"][0]["id"]),
        (&json!(1), &workspace["id"])
    );
    assert!(newer.get("workspaces").is_none(), "{newer}");
    // Nothing takes an access away; it is disabled.
    grant(&api, "docs", &workspace, false).await;
    let body = json!({ "workspaces": [], "global_workspace_access": { "enabled": true } });
    api.put(path, body.clone()).await.ok();
    let read = api.get(path).await.ok();
    assert_eq!(read["workspaces"][0]["enabled"], false);
    assert_eq!(read["global_workspace_access"], json!({ "enabled": true }));
    let mut replacing = body;
    replacing["override_existing_workspace_access"] = json!(true);
    api.put(path, replacing).await.ok();
    assert_eq!(api.get(path).await.ok()["workspaces"][0]["enabled"], true);
    let unknown = json!({ "workspaces": [{ "id": "ws-none-000000", "enabled": true }] });
    api.put(path, unknown).await.refused(403, "AB03");
}

#[tokio::test]
async fn capabilities_are_counted_and_paged_from_one() {
    let api = Api::live().await;
    integration(&api, "docs").await;
    let path = "/mcp-integrations/docs/capabilities";
    let all = api.get(path).await.ok();
    assert_eq!(
        (&all["total"], &all["has_more"]),
        (&json!(4), &json!(false))
    );
    assert_eq!(all["counts"]["tools"], json!({ "total": 2, "enabled": 2 }));
    let first = api.get(&format!("{path}?page=1&page_size=3")).await.ok();
    assert_eq!(
        (first["data"].as_array().unwrap().len(), &first["has_more"]),
        (3, &json!(true))
    );
    let second = api.get(&format!("{path}?page=2&page_size=3")).await.ok();
    assert_eq!(second["data"][0]["name"], all["data"][3]["name"]);
    api.get(&format!("{path}?page=0"))
        .await
        .refused(400, "AB01");
    // What was not discovered is not there afterwards, either.
    let body = json!({ "capabilities": [
        { "name": "echo", "type": "tool", "enabled": false },
        { "name": "echo", "type": "prompt", "enabled": false },
    ] });
    assert_eq!(api.put(path, body).await.ok(), json!({ "success": true }));
    let tools = api.get(&format!("{path}?type=tool")).await.ok();
    assert_eq!(
        (&tools["total"], &tools["data"][0]["enabled"]),
        (&json!(2), &json!(false))
    );
    assert_eq!(
        tools["counts"]["tools"],
        json!({ "total": 2, "enabled": 1 })
    );
    assert_eq!(
        tools["counts"]["prompts"],
        json!({ "total": 1, "enabled": 1 })
    );
}

#[tokio::test]
async fn servers_need_an_integration_that_their_workspace_may_use() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    api.post("/mcp-servers", server(&workspace))
        .await
        .refused(404, "AB08");
    integration(&api, "docs").await;
    api.post("/mcp-servers", server(&workspace))
        .await
        .refused(403, "AB03");
    grant(&api, "docs", &workspace, true).await;
    let created = api.post("/mcp-servers", server(&workspace)).await.ok();
    assert_eq!(created["slug"], "docs-server");
    let path = format!("/mcp-servers/{}", text(&created["id"]));
    let read = api.get(&path).await.ok();
    assert_eq!(read["mcp_integration_details"]["slug"], "docs");
    assert_eq!(read["workspace_id"], workspace["id"]);
    let within = format!("/mcp-servers?workspace_id={}", text(&workspace["id"]));
    let list = api.get(&within).await.ok();
    assert_eq!(list["data"][0]["workspace_slug"], workspace["slug"]);
    assert_eq!(list["data"][0]["mcp_integration_slug"], "docs");
    assert!(
        api.listed(&format!("{within}&id=other"), "id")
            .await
            .is_empty()
    );
    api.put(&path, json!({})).await.refused(400, "AB01");
    api.put("/mcp-servers/docs-server", json!({ "description": "d" }))
        .await
        .ok();
    assert_eq!(api.get(&path).await.ok()["description"], "d");
    let test = api.post(&format!("{path}/test"), json!({})).await.ok();
    assert_eq!(
        (&test["success"], &test["server_name"]),
        (&json!(true), &json!("S"))
    );
    let connections = format!("{path}/connections");
    assert_eq!(api.get(&connections).await.ok()["total"], 0);
    assert_eq!(
        api.delete(&connections).await.ok(),
        json!({ "success": true })
    );
    api.delete("/mcp-integrations/docs").await.ok();
    api.get(&path).await.refused(404, "AB08");
}

#[tokio::test]
async fn a_server_switches_off_capabilities_and_users_of_its_own() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    integration(&api, "docs").await;
    grant(&api, "docs", &workspace, true).await;
    let created = api.post("/mcp-servers", server(&workspace)).await.ok();
    let path = format!("/mcp-servers/{}", text(&created["slug"]));
    let body = json!({ "capabilities": [{ "name": "search", "type": "tool", "enabled": false }] });
    api.put(&format!("{path}/capabilities"), body).await.ok();
    let read = api
        .get(&format!("{path}/capabilities?type=tool"))
        .await
        .ok();
    assert_eq!(
        (
            &read["data"][1]["enabled"],
            &read["data"][1]["integration_enabled"]
        ),
        (&json!(false), &json!(true))
    );
    // The integration is as it was.
    let above = api.get("/mcp-integrations/docs/capabilities").await.ok();
    assert_eq!(above["counts"]["tools"]["enabled"], 2);
    let user = api.get("/admin/users?role=member").await.ok()["data"][0].clone();
    let members = format!("/admin/workspaces/{}/users", text(&workspace["id"]));
    api.post(
        &members,
        json!({ "users": [{ "id": user["id"], "role": "member" }] }),
    )
    .await
    .ok();
    let access = format!("{path}/user-access");
    let read = api.get(&access).await.ok();
    assert_eq!(
        (&read["default_user_access"], &read["total"]),
        (&json!("allow"), &json!(1))
    );
    assert_eq!(
        (
            &read["data"][0]["enabled"],
            &read["data"][0]["has_override"]
        ),
        (&json!(true), &json!(false))
    );
    api.put(&access, json!({ "default_user_access": "deny" }))
        .await
        .ok();
    assert_eq!(api.get(&access).await.ok()["data"][0]["enabled"], false);
    let own = json!({ "user_access": [{ "user_id": user["id"], "enabled": true }] });
    assert_eq!(api.put(&access, own).await.ok(), json!({ "success": true }));
    let read = api.get(&format!("{access}?page=1&search=mary")).await.ok();
    assert_eq!(
        (
            &read["data"][0]["enabled"],
            &read["data"][0]["has_override"]
        ),
        (&json!(true), &json!(true))
    );
    assert_eq!(read["default_user_access"], "deny");
}
