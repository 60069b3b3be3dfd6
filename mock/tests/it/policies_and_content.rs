//! Guardrails, configs, policies and secret references.

use gatewright_mock::Profile;
use serde_json::{Value, json};

use crate::harness::*;

const NOBODY: &str = "7b1f5a52-6f0e-4c7e-9d43-0d3cbb0c9d11";

fn guardrail(name: &str, workspace: &Value) -> Value {
    json!({
        "name": name, "workspace_id": workspace["id"],
        "checks": [
            { "id": "portkey.pii", "is_enabled": true, "parameters": { "redact": true } },
            { "id": "default.contains", "is_enabled": false, "parameters": { "words": ["x"], "operator": "any" } },
        ],
        "actions": { "onFail": "block", "message": "no" },
    })
}

#[tokio::test]
async fn guardrails_come_back_as_they_were_sent_but_for_checks_that_are_on() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    let sent = guardrail("No PII", &workspace);
    let created = api.post("/guardrails", sent.clone()).await.ok();
    assert!(
        text(&created["slug"]).starts_with("pg-no-pii-"),
        "{created}"
    );
    for name in [&created["id"], &created["slug"]] {
        let read = api.get(&format!("/guardrails/{}", text(name))).await.ok();
        // A check that is on does not say so; a default that the server added would be a drift.
        assert_eq!(
            read["checks"][0],
            json!({ "id": "portkey.pii", "parameters": { "redact": true } })
        );
        assert_eq!(read["checks"][1], sent["checks"][1]);
        assert_eq!(read["actions"], sent["actions"]);
        assert_eq!(read["workspace_id"], workspace["id"]);
    }
}

#[tokio::test]
async fn a_guardrails_version_moves_with_every_update() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    let created = api
        .post("/guardrails", guardrail("g", &workspace))
        .await
        .ok();
    let path = format!("/guardrails/{}", text(&created["slug"]));
    let before = api.get(&path).await.ok();
    let updated = api.put(&path, json!({ "name": "h" })).await.ok();
    assert_eq!(updated["slug"], created["slug"]);
    assert_ne!(updated["version_id"], created["version_id"]);
    let after = api.get(&path).await.ok();
    assert_eq!(after["name"], "h");
    assert_eq!(after["checks"], before["checks"]);
    assert!(text(&after["last_updated_at"]) > text(&before["last_updated_at"]));
    api.put(&path, json!({ "checks": [{ "id": "default.jwt" }] }))
        .await
        .ok();
    assert_eq!(
        api.get(&path).await.ok()["checks"],
        json!([{ "id": "default.jwt" }])
    );
    api.put(&path, json!({ "checks": [] }))
        .await
        .refused(400, "AB01");
}

#[tokio::test]
async fn guardrails_are_listed_by_workspace_without_their_content() {
    let api = Api::live().await;
    let (one, two) = (api.workspace("One").await, api.workspace("Two").await);
    let mut slugs = Vec::new();
    for (name, workspace) in [("a", &one), ("b", &two), ("c", &one)] {
        slugs.push(text(
            &api.post("/guardrails", guardrail(name, workspace))
                .await
                .ok()["slug"],
        ));
    }
    for spelling in [&one["id"], &one["slug"]] {
        let path = format!("/guardrails?workspace_id={}", text(spelling));
        assert_eq!(api.listed(&path, "name").await, ["a", "c"]);
    }
    let path = format!(
        "/guardrails?page_size=1&current_page=1&workspace_id={}",
        text(&one["id"])
    );
    let page = api.get(&path).await.ok();
    assert_eq!(
        (&page["total"], &page["data"][0]["name"]),
        (&json!(2), &json!("c"))
    );
    assert!(page["data"][0].get("checks").is_none() && page["data"][0].get("actions").is_none());
    api.get("/guardrails?workspace_id=ws-nobody-000000")
        .await
        .refused(403, "AB03");
    let path = format!("/guardrails?ids={},{}", slugs[2], slugs[1]);
    assert_eq!(api.listed(&path, "name").await, ["b", "c"]);
}

#[tokio::test]
async fn a_missing_guardrail_is_forbidden() {
    let api = Api::live().await;
    let path = format!("/guardrails/{NOBODY}");
    api.get(&path).await.refused(403, "AB03");
    api.put(&path, json!({ "name": "x" }))
        .await
        .refused(403, "AB03");
    api.delete(&path).await.refused(403, "AB03");
    let workspace = api.workspace("W").await;
    let created = api
        .post("/guardrails", guardrail("g", &workspace))
        .await
        .ok();
    let path = format!("/guardrails/{}", text(&created["id"]));
    api.delete(&path).await.ok();
    api.get(&path).await.refused(403, "AB03");
}

#[tokio::test]
async fn an_organisations_guardrail_has_no_workspace() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    let mut body = guardrail("g", &workspace);
    let created = api.post("/guardrails", body.clone()).await.ok();
    let read = api
        .get(&format!("/guardrails/{}", text(&created["id"])))
        .await
        .ok();
    body.as_object_mut().unwrap().remove("workspace_id");
    body["organisation_id"] = read["organisation_id"].clone();
    let created = api.post("/guardrails", body.clone()).await.ok();
    let read = api
        .get(&format!("/guardrails/{}", text(&created["id"])))
        .await
        .ok();
    assert_eq!(read["workspace_id"], Value::Null);
    body["organisation_id"] = json!(NOBODY);
    api.post("/guardrails", body).await.refused(403, "AB03");
}

#[tokio::test]
async fn configs_are_flat_with_the_configuration_as_a_string() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    let config = json!({ "retry": { "attempts": 3 }, "targets": [{ "provider": "@p" }] });
    let body = json!({ "name": "pplx config", "config": config, "workspace_id": workspace["slug"], "isDefault": 1 });
    let created = api.post("/configs", body).await.ok();
    let slug = text(&created["slug"]);
    assert!(slug.starts_with("pc-pplx-c-"), "{slug}");
    let read = api.get(&format!("/configs/{slug}")).await.ok();
    let parsed: Value = serde_json::from_str(&text(&read["config"])).unwrap();
    assert_eq!(parsed, config);
    assert_eq!(read["is_default"], 1);
    assert_eq!(read["version_id"], created["version_id"]);
    assert_eq!(
        (&read["format"], &read["type"]),
        (&json!("json"), &json!("ORG_CONFIG"))
    );
    // A slug is taken for a workspace, the UUID comes back.
    assert_eq!(read["workspace_id"], workspace["id"]);
    let path = format!("/configs?workspace_id={}", text(&workspace["slug"]));
    let list = api.get(&path).await.ok();
    assert_eq!(list["object"], "list");
    assert_eq!(list["data"][0]["slug"], created["slug"]);
    assert!(list["data"][0].get("config").is_none());
    api.get(&format!("/configs/{}", "pc-nobody-000000"))
        .await
        .refused(404, "AB08");
}

#[tokio::test]
async fn configs_are_wrapped_in_the_documented_profile() {
    let api = Api::start(Profile::Documented).await;
    let config = json!({ "retry": { "attempts": 3 } });
    let created = api
        .post("/configs", json!({ "name": "c", "config": config }))
        .await
        .ok();
    assert_eq!(created["success"], true);
    let list = api.get("/configs").await.ok();
    assert_eq!(list["success"], true);
    assert_eq!(list["data"][0]["id"], created["data"]["id"]);
    let slug = text(&list["data"][0]["slug"]);
    // An object here, not a string.
    assert_eq!(
        api.get(&format!("/configs/{slug}")).await.ok()["data"]["config"],
        config
    );
}

#[tokio::test]
async fn every_update_of_a_config_is_a_version() {
    let api = Api::live().await;
    let created = api
        .post(
            "/configs",
            json!({ "name": "c", "config": { "a": 1, "b": 2 } }),
        )
        .await
        .ok();
    let path = format!("/configs/{}", text(&created["slug"]));
    let second = api.put(&path, json!({ "config": { "b": 3 } })).await.ok();
    let third = api.put(&path, json!({ "name": "d" })).await.ok();
    let read = api.get(&path).await.ok();
    assert_eq!(
        read["config"], r#"{"b":3}"#,
        "the configuration is replaced, not merged"
    );
    assert_eq!(read["version_id"], third["version_id"]);
    let versions = api.get(&format!("{path}/versions")).await.ok();
    let ids: Vec<&Value> = versions["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| &v["version_id"])
        .collect();
    assert_eq!(
        ids,
        [
            &third["version_id"],
            &second["version_id"],
            &created["version_id"]
        ]
    );
    assert_eq!(versions["data"][2]["config"], r#"{"a":1,"b":2}"#);
    assert_eq!(versions["total"], 3);
    api.delete(&path).await.ok();
    api.get(&path).await.refused(404, "AB08");
    api.get(&format!("{path}/versions"))
        .await
        .refused(404, "AB08");
}

#[tokio::test]
async fn policies_are_archived_when_deleted() {
    for (kind, more) in [
        (
            "usage-limits",
            json!({ "type": "cost", "credit_limit": 10.5 }),
        ),
        (
            "rate-limits",
            json!({ "type": "requests", "unit": "rpm", "value": 60 }),
        ),
    ] {
        let api = Api::live().await;
        let workspace = api.workspace("W").await;
        let mut body = json!({ "name": "p", "workspace_id": workspace["id"],
            "conditions": [{ "key": "api_key", "value": "k" }], "group_by": [{ "key": "api_key" }] });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let list = format!("/policies/{kind}");
        let id = text(&api.post(&list, body.clone()).await.ok()["id"]);
        let path = format!("{list}/{id}");
        let read = api.get(&path).await.ok();
        for (field, value) in body.as_object().unwrap() {
            assert_eq!(&read[field], value, "{field}");
        }

        assert_eq!(
            api.put(&path, json!({})).await.ok(),
            json!({}),
            "an empty update is one"
        );
        api.put(
            &path,
            json!({ "name": "q", "type": "tokens", "conditions": [] }),
        )
        .await
        .ok();
        let after = api.get(&path).await.ok();
        assert_eq!(after["name"], "q");
        assert_eq!(
            after["type"], read["type"],
            "what a policy counts cannot change"
        );
        assert_eq!(after["conditions"], read["conditions"]);

        body["conditions"] = json!([]);
        api.post(&list, body).await.refused(400, "AB01");

        api.delete(&path).await.ok();
        api.get(&path).await.refused(404, "AB08");
        assert_eq!(api.get(&list).await.ok()["total"], 0);
        let archived = api.get(&format!("{list}?status=archived")).await.ok();
        assert_eq!(archived["data"][0]["id"], json!(id));
        assert_eq!(archived["data"][0]["status"], "archived");
        assert_eq!(
            api.get(&format!("{path}?status=archived")).await.ok()["status"],
            "archived"
        );
        // A policy does not keep its workspace.
        let path = format!("/admin/workspaces/{}", text(&workspace["id"]));
        api.delete_with(&path, json!({ "name": "W" })).await.ok();
    }
}

#[tokio::test]
async fn policies_are_filtered_by_workspace_type_and_unit() {
    let api = Api::live().await;
    let (one, two) = (api.workspace("One").await, api.workspace("Two").await);
    for (name, workspace, kind, unit) in [
        ("a", &one, "requests", "rpm"),
        ("b", &one, "tokens", "rpd"),
        ("c", &two, "tokens", "rpm"),
    ] {
        let body = json!({ "name": name, "workspace_id": workspace["id"], "type": kind, "unit": unit,
            "value": 1, "conditions": [{ "key": "k", "value": "v" }], "group_by": [{ "key": "k" }] });
        api.post("/policies/rate-limits", body).await.ok();
    }
    let list = async |query: &str| {
        api.listed(&format!("/policies/rate-limits?{query}"), "name")
            .await
    };
    assert_eq!(list("type=tokens").await, ["b", "c"]);
    assert_eq!(list("unit=rpm").await, ["a", "c"]);
    assert_eq!(
        list(&format!("workspace_id={}", text(&one["slug"]))).await,
        ["a", "b"]
    );
    assert_eq!(
        list(&format!("type=tokens&workspace_id={}", text(&one["id"]))).await,
        ["b"]
    );
}

fn secret(slug: &str) -> Value {
    json!({
        "name": "S", "slug": slug, "manager_type": "hashicorp_vault", "secret_path": "kv/x",
        "auth_config": {
            "vault_auth_type": "token", "vault_addr": "https://vault.example.com",
            "vault_token": "hvs.0123456789abcdef",
        },
        "tags": { "team": "a" },
    })
}

#[tokio::test]
async fn secret_references_mask_their_credentials_under_another_name() {
    let api = Api::live().await;
    let created = api.post("/secret-references", secret("s")).await.ok();
    assert_eq!(
        (&created["slug"], &created["object"]),
        (&json!("s"), &json!("secret-reference"))
    );
    api.post("/secret-references", secret("s"))
        .await
        .refused(409, "AB07");
    let read = api.get("/secret-references/s").await.ok();
    assert_eq!(
        read["auth_config"],
        json!({
            "vault_auth_type": "token", "vault_addr": "https://vault.example.com",
            "masked_vault_token": "hv*****def",
        })
    );
    // Upper case here, a number for the flag, and never the list of workspaces.
    assert_eq!(read["status"], "ACTIVE");
    assert_eq!(read["allow_all_workspaces"], 1);
    assert!(read.get("allowed_workspaces").is_none());
    assert_eq!(
        api.get(&format!("/secret-references/{}", text(&read["id"])))
            .await
            .ok(),
        read
    );
    let summary = &api.get("/secret-references").await.ok()["data"][0];
    for field in ["secret_path", "auth_config", "tags"] {
        assert!(summary.get(field).is_none(), "{field} in {summary}");
    }
}

#[tokio::test]
async fn secret_references_merge_their_credentials_and_keep_their_manager() {
    let api = Api::live().await;
    api.post("/secret-references", secret("s")).await.ok();
    let path = "/secret-references/s";
    let body = json!({ "manager_type": "aws_sm", "secret_key": "k",
        "auth_config": { "vault_token": "hvs.zzzzzzzzzzzzzzzzzz" } });
    assert_eq!(api.put(path, body).await.ok(), json!({}));
    let read = api.get(path).await.ok();
    assert_eq!(
        read["manager_type"], "hashicorp_vault",
        "ignored, not refused"
    );
    assert_eq!(
        read["auth_config"]["vault_addr"],
        "https://vault.example.com"
    );
    assert_eq!(read["auth_config"]["masked_vault_token"], "hv*****zzz");
    assert_eq!(read["secret_key"], "k");
    api.put(path, json!({ "secret_key": null, "tags": null }))
        .await
        .ok();
    let read = api.get(path).await.ok();
    assert_eq!(
        (&read["secret_key"], &read["tags"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(read["secret_path"], "kv/x");
    api.put(path, json!({})).await.ok();
    let mut other = secret("t");
    other["manager_type"] = json!("aws_sm");
    api.post("/secret-references", other)
        .await
        .refused(400, "AB01");
}

#[tokio::test]
async fn secret_references_are_for_all_workspaces_or_for_some() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    let mut body = secret("s");
    body["allowed_workspaces"] = json!([]);
    api.post("/secret-references", body.clone())
        .await
        .refused(400, "AB01");
    body["allowed_workspaces"] = json!(["ws-nobody-000000"]);
    api.post("/secret-references", body.clone())
        .await
        .refused(403, "AB03");
    body["allowed_workspaces"] = json!([workspace["slug"]]);
    api.post("/secret-references", body).await.ok();
    let all = async || api.get("/secret-references/s").await.ok()["allow_all_workspaces"].clone();
    assert_eq!(all().await, 0, "a list closes it to the others");
    api.put(
        "/secret-references/s",
        json!({ "allow_all_workspaces": true }),
    )
    .await
    .ok();
    assert_eq!(all().await, 1);
    api.put(
        "/secret-references/s",
        json!({ "allowed_workspaces": [workspace["id"]] }),
    )
    .await
    .ok();
    assert_eq!(all().await, 0);
}

#[tokio::test]
async fn secret_references_are_paged_by_twenty_and_filtered() {
    let api = Api::live().await;
    for index in 0..21 {
        api.post("/secret-references", secret(&format!("s{index}")))
            .await
            .ok();
    }
    let aws = json!({ "name": "Billing", "manager_type": "aws_sm", "secret_path": "p",
        "auth_config": { "aws_auth_type": "serviceRole" } });
    api.post("/secret-references", aws).await.ok();
    let list = api.get("/secret-references").await.ok();
    assert_eq!(
        (&list["total"], list["data"].as_array().unwrap().len()),
        (&json!(22), 20)
    );
    assert_eq!(
        api.listed("/secret-references?manager_type=aws_sm", "name")
            .await,
        ["Billing"]
    );
    assert_eq!(
        api.listed("/secret-references?search=bill", "name").await,
        ["Billing"]
    );
    api.get("/secret-references?page_size=101")
        .await
        .refused(400, "AB01");
}

#[tokio::test]
async fn a_secret_reference_in_use_cannot_be_deleted() {
    let api = Api::live().await;
    api.get("/secret-references/nobody")
        .await
        .refused(404, "AB08");
    let id = api.post("/secret-references", secret("s")).await.ok()["id"].clone();
    let integration = |slug: &str, mappings: Value| json!({ "name": slug, "slug": slug, "ai_provider_id": "openai", "secret_mappings": mappings });
    let mapping =
        |reference: Value| json!({ "target_field": "key", "secret_reference_id": reference });
    let missing = integration("i", json!([mapping(json!("nobody"))]));
    api.post("/integrations", missing)
        .await
        .refused(404, "AB08");
    let twice = integration("i", json!([mapping(json!("s")), mapping(id.clone())]));
    api.post("/integrations", twice).await.refused(400, "AB01");
    api.post(
        "/integrations",
        integration("i", json!([mapping(id.clone())])),
    )
    .await
    .ok();
    assert_eq!(
        api.get("/integrations/i").await.ok()["secret_mappings"],
        json!([mapping(id)])
    );
    api.delete("/secret-references/s")
        .await
        .refused(400, "AB01");
    // An update that does not mention the mappings keeps them.
    api.put("/integrations/i", json!({ "name": "j" }))
        .await
        .ok();
    api.delete("/secret-references/s")
        .await
        .refused(400, "AB01");
    api.put("/integrations/i", json!({ "secret_mappings": [] }))
        .await
        .ok();
    api.delete("/secret-references/s").await.ok();
    api.get("/secret-references/s").await.refused(404, "AB08");
}
