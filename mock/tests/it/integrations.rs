//! Integrations, their models, the workspaces they are granted to, and the providers made of them.

use serde_json::{Value, json};

use crate::harness::*;

#[tokio::test]
async fn a_slug_is_chosen_or_made_and_unique() {
    let api = Api::live().await;
    let create = async |slug: Option<&str>| {
        let mut body = json!({ "name": "Open AI", "ai_provider_id": "openai" });
        if let Some(slug) = slug {
            body["slug"] = json!(slug);
        }
        api.post("/integrations", body).await
    };
    assert_eq!(create(Some("mine")).await.ok()["slug"], "mine");
    create(Some("mine")).await.refused(409, "AB07");
    let made = text(&create(None).await.ok()["slug"]);
    assert!(made.starts_with("open-ai-"), "{made}");
    assert_eq!(api.get("/integrations").await.ok()["total"], 2);
}

#[tokio::test]
async fn secrets_are_masked_and_never_come_back() {
    let api = Api::live().await;
    let secrets = [
        "sk-0123456789abcdefghij",
        "aws-secret-0123456789abcdef",
        "short",
    ];
    let body = json!({
        "name": "b", "slug": "b", "ai_provider_id": "bedrock", "key": secrets[0],
        "configurations": {
            "aws_auth_type": "accessKey", "aws_region": "us-east-1",
            "aws_access_key_id": "AKIA", "aws_secret_access_key": secrets[1],
        },
    });
    let mut seen = api.post("/integrations", body).await.ok().to_string();
    let read = api.get("/integrations/b").await.ok();
    assert_eq!(read["masked_key"], "sk*****hij");
    assert_eq!(read["configurations"]["aws_region"], "us-east-1");
    assert!(read["configurations"]["aws_secret_access_key"].is_string());
    assert!(read.get("key").is_none());
    seen += &read.to_string();
    api.put("/integrations/b", json!({ "key": secrets[2] }))
        .await
        .ok();
    let read = api.get("/integrations/b").await.ok();
    assert_eq!(
        read["masked_key"], "*****",
        "the ends of a short secret are most of it"
    );
    seen += &read.to_string();
    seen += &api.get("/integrations").await.ok().to_string();
    for secret in secrets {
        assert!(!seen.contains(secret), "{secret} in {seen}");
    }
}

#[tokio::test]
async fn lists_have_summaries_and_reads_have_everything() {
    let api = Api::live().await;
    api.integration("i", None).await;
    let summary = &api.get("/integrations").await.ok()["data"][0];
    let whole = api.get("/integrations/i").await.ok();
    for field in [
        "id",
        "slug",
        "name",
        "status",
        "ai_provider_id",
        "last_updated_at",
    ] {
        assert_eq!(summary[field], whole[field], "{field}");
        assert!(!whole[field].is_null(), "{field}");
    }
    for field in ["configurations", "masked_key", "secret_mappings", "type"] {
        assert!(summary.get(field).is_none(), "{field} in {summary}");
    }
    assert_eq!(whole["type"], "organisation");
    assert_eq!(whole["secret_mappings"], json!([]));
}

#[tokio::test]
async fn an_update_keeps_slug_and_provider_whatever_it_says() {
    let api = Api::live().await;
    api.integration("i", None).await;
    let before = api.get("/integrations/i").await.ok();
    let body = json!({ "name": "New", "slug": "j", "ai_provider_id": "anthropic" });
    assert_eq!(api.put("/integrations/i", body).await.ok(), json!({}));
    let after = api.get("/integrations/i").await.ok();
    assert_eq!(after["name"], "New");
    assert_eq!(after["slug"], "i");
    assert_eq!(after["ai_provider_id"], "openai");
    assert!(text(&after["last_updated_at"]) > text(&before["last_updated_at"]));
    api.put("/integrations/j", json!({ "name": "x" }))
        .await
        .refused(404, "AB08");
    // The UUID is as good as the slug.
    assert_eq!(
        api.get(&format!("/integrations/{}", text(&after["id"])))
            .await
            .ok(),
        after
    );
}

#[tokio::test]
async fn the_list_is_filtered_by_type_and_workspace() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    api.integration("org", None).await;
    let body = json!({ "name": "w", "slug": "own", "ai_provider_id": "openai",
        "workspace_id": workspace["slug"] });
    api.post("/integrations", body).await.ok();
    assert_eq!(
        api.listed("/integrations?type=organisation", "slug").await,
        ["org"]
    );
    assert_eq!(
        api.listed("/integrations?type=workspace", "slug").await,
        ["own"]
    );
    assert_eq!(
        api.listed("/integrations?type=all", "slug").await,
        ["org", "own"]
    );
    let path = format!("/integrations?workspace_id={}", text(&workspace["id"]));
    assert_eq!(api.listed(&path, "slug").await, ["own"]);
    // Its own workspace can use it at once, through a provider made for it.
    assert_eq!(api.listed("/providers", "integration_id").await, ["own"]);
}

#[tokio::test]
async fn models_are_merged_by_slug() {
    let api = Api::live().await;
    api.integration("i", None).await;
    let path = "/integrations/i/models";
    let before = api.get(path).await.ok();
    assert_eq!(before["allow_all_models"], true);
    let known = before["models"].as_array().unwrap().len();
    assert!(known >= 3);

    let body = json!({ "models": [
        { "slug": "gpt-5", "enabled": false },
        { "slug": "ft:gpt-4o:my-org:x/y", "enabled": true, "is_custom": true, "base_model_slug": "gpt-4o" },
    ] });
    assert_eq!(api.put(path, body).await.ok(), json!({}));
    let after = api.get(path).await.ok();
    assert_eq!(after["total"], known + 1);
    let find = |list: &Value, slug: &str| -> Value {
        let models = list["models"].as_array().unwrap();
        models
            .iter()
            .find(|model| model["slug"] == slug)
            .cloned()
            .unwrap_or_default()
    };
    assert_eq!(
        find(&after, "gpt-5")["enabled"],
        false,
        "switched off, and still listed"
    );
    assert_eq!(
        find(&after, "gpt-4o"),
        find(&before, "gpt-4o"),
        "not mentioned, not touched"
    );
    let custom = find(&after, "ft:gpt-4o:my-org:x/y");
    // Yes is a number and no is a text.
    assert_eq!(custom["is_custom"], 1);
    assert_eq!(find(&after, "gpt-4o")["is_custom"], "false");
    assert_eq!(custom["base_model_slug"], "gpt-4o");

    api.put(path, json!({ "allow_all_models": false, "models": [] }))
        .await
        .ok();
    let toggled = api.get(path).await.ok();
    assert_eq!(toggled["allow_all_models"], false);
    assert_eq!(toggled["total"], known + 1);
}

#[tokio::test]
async fn only_custom_models_can_be_removed_by_query_or_by_body() {
    let api = Api::live().await;
    api.integration("i", None).await;
    let path = "/integrations/i/models";
    let custom = |slug: &str| json!({ "slug": slug, "enabled": true, "is_custom": true });
    api.put(
        path,
        json!({ "models": [custom("a"), custom("b"), custom("c")] }),
    )
    .await
    .ok();
    let slugs = async || -> Vec<String> {
        let models = api.get(path).await.ok();
        models["models"]
            .as_array()
            .unwrap()
            .iter()
            .map(|model| text(&model["slug"]))
            .collect()
    };
    let all = slugs().await;
    api.delete(&format!("{path}?slugs=a,gpt-5")).await.ok();
    api.delete_with(path, json!({ "models": ["b", "gpt-5", "unknown"] }))
        .await
        .ok();
    let left = slugs().await;
    let expected: Vec<String> = all
        .into_iter()
        .filter(|slug| !["a", "b"].contains(&&**slug))
        .collect();
    assert_eq!(left, expected);
}

#[tokio::test]
async fn workspaces_are_granted_by_id_or_slug_and_listed_by_slug() {
    let api = Api::live().await;
    let (one, two) = (api.workspace("One").await, api.workspace("Two").await);
    api.integration("i", None).await;
    let path = "/integrations/i/workspaces";
    let grant = |id: &Value, enabled: bool| json!({ "workspaces": [{ "id": id, "enabled": enabled }], "create_default_provider": false });
    api.put(path, grant(&one["id"], true)).await.ok();
    api.put(path, grant(&two["slug"], true)).await.ok();
    let list = api.get(path).await.ok();
    assert_eq!(list["total"], 2);
    assert_eq!(list["workspaces"][0]["id"], one["slug"]);

    // The same workspace in its other spelling: a merge, not a second grant.
    let limited = json!({ "workspaces": [{ "id": one["slug"], "enabled": true,
        "usage_limits": [{ "type": "cost", "credit_limit": 5 }] }], "create_default_provider": false });
    api.put(path, limited).await.ok();
    api.put(path, grant(&two["id"], false)).await.ok();
    let list = api.get(path).await.ok();
    assert_eq!(list["total"], 2);
    assert_eq!(list["workspaces"][0]["usage_limits"][0]["credit_limit"], 5);
    assert_eq!(list["workspaces"][1]["enabled"], false);

    // Omitted limits stay, null clears them.
    api.put(path, grant(&one["id"], true)).await.ok();
    assert_eq!(
        api.get(path).await.ok()["workspaces"][0]["usage_limits"][0]["credit_limit"],
        5
    );
    let cleared =
        json!({ "workspaces": [{ "id": one["id"], "enabled": true, "usage_limits": null }] });
    api.put(path, cleared).await.ok();
    assert_eq!(
        api.get(path).await.ok()["workspaces"][0]["usage_limits"],
        Value::Null
    );
}

#[tokio::test]
async fn a_refused_grant_leaves_the_others_of_its_request_undone() {
    let api = Api::live().await;
    let workspace = api.workspace("One").await;
    api.integration("i", None).await;
    let body = json!({ "workspaces": [
        { "id": workspace["id"], "enabled": true }, { "id": "ws-nobody-000000", "enabled": true },
    ] });
    api.put("/integrations/i/workspaces", body)
        .await
        .refused(403, "AB03");
    assert_eq!(api.get("/integrations/i/workspaces").await.ok()["total"], 0);
    assert_eq!(api.get("/providers").await.ok()["total"], 0);
}

#[tokio::test]
async fn a_grant_makes_a_provider_unless_told_not_to() {
    let api = Api::live().await;
    let (one, two) = (api.workspace("One").await, api.workspace("Two").await);
    api.integration("i", None).await;
    let path = "/integrations/i/workspaces";
    let grant = json!({ "workspaces": [{ "id": one["id"], "enabled": true }] });
    api.put(path, grant.clone()).await.ok();
    let providers = api.get("/providers").await.ok();
    assert_eq!(providers["total"], 1);
    assert_eq!(providers["data"][0]["integration_id"], "i");
    assert_eq!(providers["data"][0]["slug"], "i");
    let note = "Created automatically on integration access grant";
    assert_eq!(providers["data"][0]["note"], note);
    // Once is enough.
    api.put(path, grant).await.ok();
    let declined = json!({ "workspaces": [{ "id": two["id"], "enabled": true }],
        "create_default_provider": false });
    api.put(path, declined).await.ok();
    assert_eq!(api.get("/providers").await.ok()["total"], 1);
    // A taken slug for it is refused, and so is the grant.
    api.integration("j", None).await;
    let taken = json!({ "workspaces": [{ "id": one["id"], "enabled": true }],
        "default_provider_slug": "i" });
    api.put("/integrations/j/workspaces", taken)
        .await
        .refused(409, "AB07");
    assert_eq!(api.get("/integrations/j/workspaces").await.ok()["total"], 0);
}

#[tokio::test]
async fn global_access_reaches_present_and_future_workspaces() {
    let api = Api::live().await;
    let one = api.workspace("One").await;
    api.integration("i", None).await;
    let body = json!({ "global_workspace_access": { "enabled": true } });
    api.put("/integrations/i/workspaces", body).await.ok();
    let later = api.workspace("Later").await;
    let list = api.get("/integrations/i/workspaces").await.ok();
    let slugs: Vec<&Value> = list["workspaces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| &w["id"])
        .collect();
    assert!(
        slugs.contains(&&one["slug"]) && slugs.contains(&&later["slug"]),
        "{list:#}"
    );
    // A fresh workspace comes with a provider it did not ask for.
    let path = format!("/providers?workspace_id={}", text(&later["id"]));
    assert_eq!(api.listed(&path, "slug").await, ["i"]);
}

#[tokio::test]
async fn a_provider_needs_an_integration_that_its_workspace_may_use() {
    let api = Api::live().await;
    let (one, two) = (api.workspace("One").await, api.workspace("Two").await);
    api.integration("i", Some(&one)).await;
    let body = |workspace: &Value, integration: &str| json!({ "name": "p", "slug": "p", "integration_id": integration, "workspace_id": workspace });
    api.post("/providers", body(&two["id"], "i"))
        .await
        .refused(403, "AB03");
    api.post("/providers", body(&one["id"], "nobody"))
        .await
        .refused(404, "AB08");
    api.post("/providers", body(&json!("ws-nobody-000000"), "i"))
        .await
        .refused(403, "AB03");
    let created = api.post("/providers", body(&one["slug"], "i")).await.ok();
    assert_eq!(
        created.as_object().unwrap().len(),
        2,
        "id and slug: {created}"
    );
    api.post("/providers", body(&one["id"], "i"))
        .await
        .refused(409, "AB07");
    // The integration comes back by its slug, whatever named it.
    let integration = text(&api.get("/integrations/i").await.ok()["id"]);
    let mut other = body(&one["id"], &integration);
    other["slug"] = json!("q");
    api.post("/providers", other).await.ok();
    assert_eq!(api.get("/providers/q").await.ok()["integration_id"], "i");
}

#[tokio::test]
async fn provider_slugs_are_told_apart_by_workspace() {
    let api = Api::live().await;
    let (one, two) = (api.workspace("One").await, api.workspace("Two").await);
    api.integration("i", None).await;
    let mut ids = Vec::new();
    for workspace in [&one, &two] {
        let grant = json!({ "workspaces": [{ "id": workspace["id"], "enabled": true }],
            "create_default_provider": false });
        api.put("/integrations/i/workspaces", grant).await.ok();
        let body = json!({ "name": "p", "slug": "same", "integration_id": "i",
            "workspace_id": workspace["id"] });
        ids.push(api.post("/providers", body).await.ok()["id"].clone());
    }
    let at = |workspace: &Value| format!("/providers/same?workspace_id={}", text(&workspace["id"]));
    assert_eq!(api.get(&at(&one)).await.ok()["id"], ids[0]);
    assert_eq!(api.get(&at(&two)).await.ok()["id"], ids[1]);
    api.delete(&at(&one)).await.ok();
    api.get(&at(&one)).await.refused(404, "AB08");
    api.get(&at(&two)).await.ok();
    // An update names the workspace in its body.
    let body = json!({ "name": "renamed", "workspace_id": two["id"] });
    api.put("/providers/same", body).await.ok();
    assert_eq!(api.get(&at(&two)).await.ok()["name"], "renamed");
    let id = text(&ids[1]);
    api.get(&format!(
        "/providers/{id}?workspace_id={}",
        text(&one["id"])
    ))
    .await
    .refused(404, "AB08");
}

#[tokio::test]
async fn a_providers_limits_are_three_state() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    api.integration("i", Some(&workspace)).await;
    let body = json!({ "name": "p", "slug": "p", "integration_id": "i", "workspace_id": workspace["id"],
        "note": "n", "usage_limits": { "type": "cost", "credit_limit": 10.5 } });
    api.post("/providers", body).await.ok();
    let limit = async || api.get("/providers/p").await.ok()["usage_limits"]["credit_limit"].clone();
    assert_eq!(limit().await, 10.5);
    let updated = api.put("/providers/p", json!({ "name": "q" })).await.ok();
    assert_eq!(updated["slug"], "p");
    assert_eq!(limit().await, 10.5);
    api.put(
        "/providers/p",
        json!({ "usage_limits": { "type": "tokens", "credit_limit": 7 } }),
    )
    .await
    .ok();
    let read = api.get("/providers/p").await.ok();
    assert_eq!(
        read["usage_limits"],
        json!({ "type": "tokens", "credit_limit": 7 }),
        "replaced whole"
    );
    assert_eq!(read["note"], "n");
}

#[tokio::test]
async fn virtual_keys_are_the_same_objects_by_their_older_name() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    api.integration("i", Some(&workspace)).await;
    let body =
        json!({ "name": "p", "slug": "p", "integration_id": "i", "workspace_id": workspace["id"] });
    api.post("/providers", body).await.ok();
    assert_eq!(
        api.get("/virtual-keys/p").await.ok()["object"],
        "virtual-key"
    );
    let body = json!({ "name": "Legacy", "provider": "azure-openai", "key": "azure-0123456789abcdef",
        "apiVersion": "2024-06-01", "workspace_id": workspace["id"] });
    let created = api.post("/virtual-keys", body).await.ok();
    assert_eq!(created["success"], true);
    let slug = text(&created["data"]["slug"]);
    let read = api.get(&format!("/virtual-keys/{slug}")).await.ok();
    assert_eq!(read["masked_api_key"], "az*****def");
    assert_eq!(read["key"], "");
    assert_eq!(read["model_config"]["apiVersion"], "2024-06-01");
    assert_eq!(
        api.get(&format!("/providers/{slug}")).await.ok()["name"],
        "Legacy"
    );
    api.delete(&format!("/virtual-keys/{slug}")).await.ok();
    api.get(&format!("/providers/{slug}"))
        .await
        .refused(404, "AB08");
}

#[tokio::test]
async fn deleting_an_integration_takes_what_is_made_of_it() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    api.integration("i", Some(&workspace)).await;
    let body =
        json!({ "name": "p", "slug": "p", "integration_id": "i", "workspace_id": workspace["id"] });
    api.post("/providers", body).await.ok();
    assert_eq!(api.delete("/integrations/i").await.ok(), json!({}));
    for path in [
        "/integrations/i",
        "/integrations/i/models",
        "/integrations/i/workspaces",
        "/providers/p",
    ] {
        api.get(path).await.refused(404, "AB08");
    }
    // The slug is free again, and nothing of the old object comes back with it.
    api.integration("i", None).await;
    assert_eq!(api.get("/integrations/i/workspaces").await.ok()["total"], 0);
}

#[tokio::test]
async fn what_a_provider_cannot_do_without_is_required() {
    let api = Api::live().await;
    let create = async |provider: &str, configurations: Value| {
        let body =
            json!({ "name": "i", "ai_provider_id": provider, "configurations": configurations });
        api.post("/integrations", body).await
    };
    let flat = json!({ "resource_name": "r", "deployment_id": "d", "api_version": "v" });
    create("azure-openai", flat.clone())
        .await
        .refused(400, "AB01");
    assert_eq!(api.get("/integrations").await.ok()["total"], 0);
    let deployment = json!({ "azure_api_version": "v", "azure_deployment_name": "d", "azure_model_slug": "gpt-5" });
    let whole = json!({ "azure_auth_mode": "default", "azure_resource_name": "r",
        "azure_deployment_config": [deployment] });
    let made = create("azure-openai", whole.clone()).await.ok();
    let path = format!("/integrations/{}", text(&made["slug"]));
    api.put(&path, json!({ "configurations": flat }))
        .await
        .refused(400, "AB01");
    assert_eq!(api.get(&path).await.ok()["configurations"], whole);
    api.put(&path, json!({ "name": "j" })).await.ok();
    // Of other providers nothing is known that they cannot do without.
    create("openai", flat).await.ok();
}

#[tokio::test]
async fn deployments_of_virtual_keys_are_spelt_in_two_ways() {
    let api = Api::live().await;
    let deployment = json!([{ "apiVersion": "1", "deploymentName": "d" }]);
    for (version, name, list) in [
        ("apiVersion", "deploymentName", "deploymentConfig"),
        ("api_version", "deployment_name", "deployment_config"),
    ] {
        let body = json!({ "name": "v", "provider": "azure-openai", "key": "k", version: "1", name: "d", list: deployment });
        let slug = text(&api.post("/virtual-keys", body).await.ok()["data"]["slug"]);
        let path = format!("/virtual-keys/{slug}");
        let mut expected =
            json!({ "apiVersion": "1", "deploymentName": "d", "deploymentConfig": deployment });
        assert_eq!(api.get(&path).await.ok()["model_config"], expected);
        api.put(&path, json!({ version: "2" })).await.ok();
        expected["apiVersion"] = json!("2");
        assert_eq!(
            api.get(&path).await.ok()["model_config"],
            expected,
            "what is left out stays"
        );
    }
}
