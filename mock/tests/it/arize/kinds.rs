//! Organizations, spaces, projects, users, roles, annotation configs, tags and webhooks.

use serde_json::{Value, json};

use super::{Arize, refused};
use crate::harness::text;

#[tokio::test]
async fn names_are_unique_where_they_are_and_places_go_with_what_they_are_in() {
    let arize = Arize::start().await;
    let organization = arize.organization("org").await;
    refused(
        &arize
            .post("/v2/organizations", json!({ "name": "org" }))
            .await,
        409,
    );
    let space = arize.space("space", &organization).await;
    let again = json!({ "name": "space", "organization_id": organization });
    refused(&arize.post("/v2/spaces", again).await, 409);
    let other = arize.organization("other").await;
    arize.space("space", &other).await;
    let project = json!({ "name": "project", "space_id": space });
    let project = arize.made("/v2/projects", project).await;
    assert_eq!(project["project_type"], "APPLICATION");
    let listed = arize.get("/v2/projects?space_name=SPAC").await.ok();
    assert_eq!(listed["projects"][0]["id"], project["id"]);
    let own = format!("/v2/organizations/{organization}");
    assert_eq!(arize.delete(&own).await.status, 204);
    refused(&arize.get(&format!("/v2/spaces/{space}")).await, 404);
    refused(
        &arize
            .get(&format!("/v2/projects/{}", text(&project["id"])))
            .await,
        404,
    );
    assert_eq!(
        arize.get("/v2/spaces").await.ok()["spaces"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn an_update_keeps_what_it_omits_and_clears_what_it_nulls() {
    let arize = Arize::start().await;
    let organization = arize.organization("org").await;
    let space = arize.space("space", &organization).await;
    let own = format!("/v2/spaces/{space}");
    let described = arize.patch(&own, json!({ "description": "d" })).await.ok();
    assert_eq!(described["name"], "space");
    let private = arize.patch(&own, json!({ "is_private": true })).await.ok();
    assert_eq!(
        (&private["description"], &private["is_private"]),
        (&json!("d"), &json!(true))
    );
    let cleared = arize.patch(&own, json!({ "description": null })).await.ok();
    assert_eq!(
        (&cleared["description"], &cleared["is_private"]),
        (&json!(""), &json!(true))
    );
    refused(&arize.patch(&own, json!({})).await, 400);
    refused(
        &arize
            .patch(&own, json!({ "organization_id": organization }))
            .await,
        422,
    );
    refused(&arize.patch(&own, json!({ "name": null })).await, 422);
}

#[tokio::test]
async fn roles_are_bound_once_and_stay_while_they_are() {
    let arize = Arize::start().await;
    let organization = arize.organization("org").await;
    let space = arize.space("space", &organization).await;
    let role = json!({ "name": "mine", "permissions": ["SPACE_READ"] });
    let role = arize.made("/v2/roles", role).await;
    let users = arize.get("/v2/users?email=member").await.ok();
    let user = &users["users"][0]["id"];
    let binding = json!({
        "role_id": role["id"], "user_id": user, "resource_type": "SPACE", "resource_id": space,
    });
    let made = arize.made("/v2/role-bindings", binding.clone()).await;
    refused(&arize.post("/v2/role-bindings", binding.clone()).await, 409);
    let own = format!("/v2/roles/{}", text(&role["id"]));
    refused(&arize.delete(&own).await, 409);
    let mut astray = binding.clone();
    astray["resource_id"] = json!("U3BhY2U6OTk6bm9uZQ==");
    refused(&arize.post("/v2/role-bindings", astray).await, 403);
    let path = format!("/v2/role-bindings/{}", text(&made["id"]));
    assert_eq!(arize.get(&path).await.ok(), made);
    // Bindings go with what they are on, and then the role can go.
    assert_eq!(
        arize.delete(&format!("/v2/spaces/{space}")).await.status,
        204
    );
    refused(&arize.get(&path).await, 404);
    assert_eq!(arize.delete(&own).await.status, 204);
    let predefined = arize.get("/v2/roles?is_predefined=true").await.ok();
    let own = format!("/v2/roles/{}", text(&predefined["roles"][0]["id"]));
    refused(&arize.patch(&own, json!({ "name": "x" })).await, 403);
    refused(&arize.delete(&own).await, 403);
}

#[tokio::test]
async fn users_join_an_organization_before_its_spaces() {
    let arize = Arize::start().await;
    let organization = arize.organization("org").await;
    let space = arize.space("space", &organization).await;
    let user = json!({
        "name": "New", "email": "new@example.com", "invite_mode": "NONE",
        "role": { "type": "PREDEFINED", "name": "MEMBER" },
    });
    let user = text(&arize.made("/v2/users", user).await["id"]);
    let member = json!({ "user_id": user, "role": { "type": "PREDEFINED", "name": "MEMBER" } });
    let space = format!("/v2/spaces/{space}/users");
    refused(&arize.post(&space, member.clone()).await, 400);
    let organization = format!("/v2/organizations/{organization}/users");
    let first = arize.post(&organization, member.clone()).await.ok();
    let again = json!({ "user_id": user, "role": { "type": "PREDEFINED", "name": "ADMIN" } });
    let again = arize.post(&organization, again).await.ok();
    assert_eq!(again["id"], first["id"]);
    assert_eq!(again["role"]["name"], "ADMIN");
    arize.post(&space, member).await.ok();
    assert_eq!(arize.delete(&format!("{space}/{user}")).await.status, 204);
    refused(&arize.delete(&format!("{space}/{user}")).await, 404);
}

#[tokio::test]
async fn annotation_configs_keep_their_type() {
    let arize = Arize::start().await;
    let organization = arize.organization("org").await;
    let space = arize.space("space", &organization).await;
    let config = |name: &str| {
        json!({
            "annotation_config_type": "CATEGORICAL", "name": name, "space_id": space,
            "values": [{ "label": "good", "score": 1 }, { "label": "bad" }],
        })
    };
    let made = arize.made("/v2/annotation-configs", config("a")).await;
    assert_eq!(made["type"], "CATEGORICAL");
    assert!(made.get("annotation_config_type").is_none() && made.get("minimum_score").is_none());
    refused(
        &arize.post("/v2/annotation-configs", config("a")).await,
        409,
    );
    let own = format!("/v2/annotation-configs/{}", text(&made["id"]));
    let other = json!({ "annotation_config_type": "FREEFORM", "name": "b" });
    refused(&arize.patch(&own, other).await, 422);
    let renamed = json!({ "annotation_config_type": "CATEGORICAL", "name": "b" });
    let renamed = arize.patch(&own, renamed).await.ok();
    assert_eq!(
        (&renamed["name"], &renamed["values"]),
        (&json!("b"), &made["values"])
    );
}

#[tokio::test]
async fn tags_are_attached_to_what_is_in_their_space() {
    let arize = Arize::start().await;
    let organization = arize.organization("org").await;
    let space = arize.space("space", &organization).await;
    let tag = json!({ "name": "Live", "space_id": space, "color": "GREEN" });
    let tag = arize.made("/v2/tags", tag).await;
    let clash = json!({ "name": "lIVE", "space_id": space });
    refused(&arize.post("/v2/tags", clash).await, 409);
    let project = json!({ "name": "p", "space_id": space });
    let project = text(&arize.made("/v2/projects", project).await["id"]);
    let tags = format!("/v2/projects/{project}/tags");
    let body = json!({ "tag_ids": [tag["id"]] });
    let attached = arize.post(&tags, body.clone()).await.ok();
    assert_eq!(attached["tags"], json!([tag]));
    assert_eq!(arize.get(&tags).await.ok(), attached);
    let elsewhere = arize.space("elsewhere", &organization).await;
    let foreign = json!({ "name": "f", "space_id": elsewhere });
    let foreign = arize.made("/v2/tags", foreign).await;
    refused(
        &arize
            .post(&tags, json!({ "tag_ids": [foreign["id"]] }))
            .await,
        422,
    );
    let request = arize.request(reqwest::Method::DELETE, &tags);
    let both = json!({ "tag_ids": [tag["id"], foreign["id"]] });
    let detached = crate::harness::send(request.json(&both)).await.ok();
    let expected =
        json!({ "completed": false, "deleted": [tag["id"]], "not_deleted": [foreign["id"]] });
    assert_eq!(detached, expected);
    assert_eq!(arize.get(&tags).await.ok()["tags"], json!([]));
    let own = format!("/v2/tags/{}", text(&tag["id"]));
    let cleared = arize.patch(&own, json!({ "color": null })).await.ok();
    assert_eq!(cleared["color"], Value::Null);
}

#[tokio::test]
async fn a_webhook_shows_its_signing_secret_once() {
    let arize = Arize::start().await;
    let organization = arize.organization("org").await;
    let space = arize.space("space", &organization).await;
    let webhook = |name: &str, kind: &str| {
        json!({
            "organization_id": organization, "name": name, "url": "https://hook.example.com",
            "auth_type": kind, "auth_token": "write-only", "headers": { "x": "write-only" },
        })
    };
    let signed = arize
        .made("/v2/webhooks", webhook("signed", "HMAC_SHA256"))
        .await;
    let secret = text(&signed["signing_secret"]);
    let own = format!("/v2/webhooks/{}", text(&signed["id"]));
    let read = arize.get(&own).await.ok();
    assert!(!read.to_string().contains(&secret) && !read.to_string().contains("write-only"));
    assert!(
        read["signing_secret_hint"]
            .as_str()
            .unwrap()
            .ends_with(&secret[secret.len() - 4..])
    );
    let bearer = arize
        .made("/v2/webhooks", webhook("bearer", "BEARER"))
        .await;
    assert!(bearer.get("signing_secret").is_none());
    refused(
        &arize
            .post("/v2/webhooks", webhook("bearer", "BEARER"))
            .await,
        409,
    );
    refused(
        &arize.patch(&own, json!({ "auth_type": "BEARER" })).await,
        422,
    );
    let subscription = json!({
        "webhook_id": signed["id"], "source_type": "SPACE", "source_id": space,
        "event": "ONLINE_TASK_RUN_FAILED",
    });
    let made = arize
        .made("/v2/webhook-subscriptions", subscription.clone())
        .await;
    refused(
        &arize
            .post("/v2/webhook-subscriptions", subscription.clone())
            .await,
        409,
    );
    let mut wrong = subscription;
    wrong["event"] = json!("PROMPT_VERSION_CREATED");
    refused(&arize.post("/v2/webhook-subscriptions", wrong).await, 422);
    assert_eq!(arize.delete(&own).await.status, 204);
    let own = format!("/v2/webhook-subscriptions/{}", text(&made["id"]));
    refused(&arize.get(&own).await, 404);
}

#[tokio::test]
async fn the_older_integrations_change_their_provider() {
    let arize = Arize::start().await;
    let path = "/v2/ai-integrations";
    let body = json!({ "name": "a", "provider": "OPEN_AI", "api_key": "write-only", "headers": { "x": "y" } });
    let made = arize.made(path, body.clone()).await;
    assert_eq!(
        (&made["has_api_key"], &made["headers"]),
        (&json!(true), &json!({ "x": "y" }))
    );
    assert!(!made.to_string().contains("write-only"));
    refused(&arize.post(path, body).await, 409);
    let own = format!("{path}/{}", text(&made["id"]));
    let changed = json!({ "provider": "ANTHROPIC", "api_key": null, "headers": null });
    let changed = arize.patch(&own, changed).await.ok();
    assert_eq!(changed["provider"], "ANTHROPIC");
    assert_eq!(
        (&changed["has_api_key"], &changed["headers"]),
        (&json!(false), &Value::Null)
    );
}
