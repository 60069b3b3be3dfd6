//! Collections and labels.

use serde_json::{Value, json};

use crate::harness::*;

async fn collection(api: &Api, workspace: &Value, name: &str, parent: Option<&Value>) -> Value {
    let mut body = json!({ "name": name, "workspace_id": workspace["id"] });
    if let Some(parent) = parent {
        body["parent_collection_id"] = parent["slug"].clone();
    }
    let created = api.post("/collections", body).await.ok();
    assert!(text(&created["slug"]).starts_with("co-"), "{created}");
    created
}

#[tokio::test]
async fn every_workspace_has_a_default_collection_that_stays() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    let path = format!("/collections?workspace_id={}", text(&workspace["slug"]));
    let list = api.get(&path).await.ok();
    assert_eq!(list["total"], 1);
    // The live API's flag is a number.
    assert_eq!(list["data"][0]["is_default"], 1);
    assert_eq!(list["data"][0]["workspace_id"], workspace["id"]);
    let own = format!("/collections/{}", text(&list["data"][0]["id"]));
    api.delete(&own).await.refused(404, "AB08");
    assert_eq!(api.get(&own).await.status, 200);
}

#[tokio::test]
async fn collections_are_listed_by_workspace_only() {
    let api = Api::live().await;
    api.get("/collections").await.refused(400, "AB01");
    api.get("/collections?workspace_id=ws-none-000000")
        .await
        .refused(403, "AB03");
    let (one, two) = (api.workspace("One").await, api.workspace("Two").await);
    for (workspace, name) in [(&one, "alpha"), (&two, "beta"), (&one, "gamma")] {
        collection(&api, workspace, name, None).await;
    }
    let path = format!("/collections?workspace_id={}", text(&one["id"]));
    assert_eq!(
        api.listed(&path, "name").await,
        ["Default", "alpha", "gamma"]
    );
    let searched = format!("{path}&search=GAM");
    assert_eq!(api.listed(&searched, "name").await, ["gamma"]);
    let paged = format!("{path}&page_size=2&current_page=1");
    let page = api.get(&paged).await.ok();
    assert_eq!(page["total"], 3);
    assert_eq!(page["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn collections_hold_collections() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    let parent = collection(&api, &workspace, "parent", None).await;
    let child = collection(&api, &workspace, "child", Some(&parent)).await;
    let read = api
        .get(&format!("/collections/{}", text(&child["slug"])))
        .await
        .ok();
    assert_eq!(read["parent_collection_id"], parent["id"]);
    assert_eq!(read["is_default"], 0);
    let read = api
        .get(&format!("/collections/{}", text(&parent["id"])))
        .await
        .ok();
    assert_eq!(read["child_collections"][0]["id"], child["id"]);
    assert_eq!(read["parent_collection_id"], Value::Null);
    // A parent in another workspace is no parent.
    let other = api.workspace("Other").await;
    let body =
        json!({ "name": "x", "workspace_id": other["id"], "parent_collection_id": parent["id"] });
    api.post("/collections", body).await.refused(404, "AB08");
    // The one inside keeps the one around it.
    let path = format!("/collections/{}", text(&parent["slug"]));
    api.delete(&path).await.refused(409, "AB07");
    api.delete(&format!("/collections/{}", text(&child["id"])))
        .await
        .ok();
    api.delete(&path).await.ok();
    api.get(&path).await.refused(404, "AB08");
}

#[tokio::test]
async fn only_the_name_of_a_collection_changes() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    let created = collection(&api, &workspace, "old", None).await;
    let path = format!("/collections/{}", text(&created["id"]));
    let answer = api.put(&path, json!({ "name": "new" })).await.ok();
    assert_eq!(answer, json!({}));
    let read = api.get(&path).await.ok();
    assert_eq!(
        (&read["name"], &read["slug"]),
        (&json!("new"), &created["slug"])
    );
}

#[tokio::test]
async fn universal_labels_are_in_every_workspace() {
    let api = Api::live().await;
    let (one, two) = (api.workspace("One").await, api.workspace("Two").await);
    let body = json!({ "name": "canary", "workspace_id": one["slug"], "color_code": "#3366ff" });
    let created = api.post("/labels", body.clone()).await.ok();
    let universal = ["production", "staging", "development"];
    let names = |workspace: &Value| format!("/labels?workspace_id={}", text(&workspace["id"]));
    assert_eq!(api.listed(&names(&two), "name").await, universal);
    assert_eq!(
        api.listed(&names(&one), "name").await,
        [&universal[..], &["canary"]].concat()
    );
    let read = api
        .get(&format!("/labels/{}", text(&created["id"])))
        .await
        .ok();
    assert_eq!(read["workspace_id"], one["id"]);
    assert_eq!(read["is_universal"], false);
    // Unique in the workspace; another workspace may have its own.
    api.post("/labels", body.clone()).await.refused(409, "AB07");
    api.post(
        "/labels",
        json!({ "name": "staging", "workspace_id": two["id"] }),
    )
    .await
    .refused(409, "AB07");
    api.post(
        "/labels",
        json!({ "name": "canary", "workspace_id": two["id"] }),
    )
    .await
    .ok();
    let list = api.get(&names(&two)).await.ok();
    let production = format!("/labels/{}", text(&list["data"][0]["id"]));
    api.delete(&production).await.refused(403, "AB03");
}

#[tokio::test]
async fn labels_have_names_that_are_no_versions() {
    let api = Api::live().await;
    for name in ["latest", "default", "12", "a b", "a@b"] {
        let body = json!({ "name": name });
        api.post("/labels", body).await.refused(400, "AB01");
    }
    let created = api.post("/labels", json!({ "name": "beta" })).await.ok();
    let path = format!("/labels/{}", text(&created["id"]));
    api.put(&path, json!({ "name": "production" }))
        .await
        .refused(409, "AB07");
    api.put(&path, json!({ "name": "gamma", "description": "d" }))
        .await
        .ok();
    let read = api.get(&path).await.ok();
    assert_eq!(
        (&read["name"], &read["description"]),
        (&json!("gamma"), &json!("d"))
    );
    // The old name is free again.
    api.post("/labels", json!({ "name": "beta" })).await.ok();
    api.delete(&path).await.ok();
    api.get(&path).await.refused(404, "AB08");
}
