//! Users, invites, members of workspaces and SCIM mappings.

use gatewright_mock::Profile;
use serde_json::{Value, json};

use crate::harness::*;

/// The user with a role in the organisation from the beginning.
async fn user(api: &Api, role: &str) -> Value {
    let list = api.get(&format!("/admin/users?role={role}")).await.ok();
    assert_eq!(list["total"], 1, "{list}");
    list["data"][0].clone()
}

#[tokio::test]
async fn users_are_listed_by_role_and_by_email() {
    let api = Api::live().await;
    let all = api.get("/admin/users").await.ok();
    assert_eq!((&all["total"], &all["object"]), (&json!(3), &json!("list")));
    let owner = user(&api, "owner").await;
    let path = format!("/admin/users?email={}", text(&owner["email"]));
    assert_eq!(api.listed(&path, "id").await, [text(&owner["id"])]);
    assert!(
        api.listed("/admin/users?email=o@example.com", "id")
            .await
            .is_empty()
    );
    // Counted from zero, in camel case; the total is that of the filter.
    let page = api.get("/admin/users?pageSize=2&currentPage=1").await.ok();
    assert_eq!(
        (&page["total"], page["data"].as_array().unwrap().len()),
        (&json!(3), 1)
    );
    // What the admin key makes belongs to the owner.
    api.post("/configs", json!({ "name": "c", "config": {} }))
        .await
        .ok();
    let config = api.get("/configs").await.ok();
    assert_eq!(config["data"][0]["owner_id"], owner["id"]);
    api.get(&format!("/admin/users/{}", text(&owner["email"])))
        .await
        .refused(404, "AB08");
}

#[tokio::test]
async fn a_role_changes_once() {
    let api = Api::live().await;
    let member = user(&api, "member").await;
    let path = format!("/admin/users/{}", text(&member["id"]));
    api.put(&path, json!({ "role": "member" }))
        .await
        .refused(400, "AB01");
    assert_eq!(
        api.put(&path, json!({ "role": "admin" })).await.ok(),
        json!({})
    );
    assert_eq!(api.get(&path).await.ok()["role"], "admin");
    api.put(&path, json!({ "role": "owner" }))
        .await
        .refused(400, "AB01");
    api.delete(&path).await.ok();
    api.get(&path).await.refused(404, "AB08");
    let owner = user(&api, "owner").await;
    let path = format!("/admin/users/{}", text(&owner["id"]));
    api.delete(&path).await.refused(403, "AB03");
    api.put(&path, json!({ "role": "member" }))
        .await
        .refused(403, "AB03");
}

#[tokio::test]
async fn invites_are_made_resent_and_withdrawn() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    let body = json!({
        "email": "new@example.com", "role": "member",
        "workspaces": [{ "id": workspace["slug"], "role": "manager" }],
        "workspace_api_key_details": { "scopes": ["logs.list"] },
    });
    let created = api.post("/admin/users/invites", body).await.ok();
    assert!(created["invite_link"].is_string(), "{created}");
    let path = format!("/admin/users/invites/{}", text(&created["id"]));
    let read = api.get(&path).await.ok();
    assert_eq!(
        (&read["status"], &read["role"]),
        (&json!("pending"), &json!("member"))
    );
    // In the form of the workspace's id and with the plain role; what the key may do stays unsaid.
    let workspaces = json!([{ "id": workspace["id"], "role": "manager" }]);
    assert_eq!(read["workspaces"], workspaces);
    assert!(!read.to_string().contains("scopes"), "{read}");
    assert!(text(&read["expires_at"]) > text(&read["created_at"]));
    // No update.
    assert_eq!(api.put(&path, json!({ "role": "admin" })).await.status, 405);
    let resent = api.post(&format!("{path}/resend"), json!({})).await.ok();
    assert_ne!(resent["inviteLink"], created["invite_link"]);
    let list = "/admin/users/invites?status=pending&email=new@example.com";
    assert_eq!(api.listed(list, "id").await, [text(&created["id"])]);
    assert!(
        api.listed("/admin/users/invites?role=admin", "id")
            .await
            .is_empty()
    );
    api.delete(&path).await.ok();
    api.get(&path).await.refused(404, "AB08");
    api.post(&format!("{path}/resend"), json!({}))
        .await
        .refused(404, "AB08");
}

#[tokio::test]
async fn who_is_there_already_is_not_invited_and_nobody_to_a_workspace_that_is_not() {
    let api = Api::live().await;
    let body = json!({ "email": "member@example.com", "role": "admin" });
    api.post("/admin/users/invites", body)
        .await
        .refused(409, "AB07");
    let body = json!({ "email": "n@example.com", "role": "admin", "workspaces": [{ "id": "ws-x", "role": "admin" }] });
    api.post("/admin/users/invites", body)
        .await
        .refused(403, "AB03");
    assert_eq!(api.get("/admin/users/invites").await.ok()["total"], 0);
}

#[tokio::test]
async fn members_of_a_workspace_come_from_the_organisation() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    let (member, owner) = (user(&api, "member").await, user(&api, "owner").await);
    let path = format!("/admin/workspaces/{}/users", text(&workspace["slug"]));
    let add = |id: &Value, role: &str| json!({ "users": [{ "id": id, "role": role }] });
    let nobody = json!("7b1f5a52-6f0e-4c7e-9d43-0d3cbb0c9d11");
    api.post(&path, add(&nobody, "member"))
        .await
        .refused(404, "AB08");
    assert_eq!(
        api.post(&path, add(&member["id"], "manager")).await.ok(),
        json!({})
    );
    let own = format!("{path}/{}", text(&member["id"]));
    let read = api.get(&own).await.ok();
    // The live API does not say who it is, and calls the role by another name.
    assert!(read.get("id").is_none(), "{read}");
    assert_eq!(read["role"], "ws-manager");
    assert_eq!(
        (&read["org_role"], &read["email"]),
        (&json!("member"), &member["email"])
    );
    assert_eq!(read["workspace_id"], workspace["id"]);
    api.put(&own, json!({ "role": "member" })).await.ok();
    assert_eq!(api.get(&own).await.ok()["role"], "ws-member");
    // An owner is an admin of every workspace, whatever was asked for.
    api.post(&path, add(&owner["id"], "member")).await.ok();
    let list = api.get(&format!("{path}?role=admin")).await.ok();
    assert_eq!(
        (&list["total"], &list["data"][0]["id"]),
        (&json!(1), &owner["id"])
    );
    let read = api
        .get(&format!("/admin/users/{}", text(&member["id"])))
        .await
        .ok();
    assert_eq!(read["workspace_ids"], json!([workspace["id"]]));
    api.delete(&own).await.ok();
    api.get(&own).await.refused(404, "AB08");
    api.delete(&own).await.refused(404, "AB08");
    let elsewhere = "/admin/workspaces/ws-none-000000/users";
    api.get(elsewhere).await.refused(403, "AB03");
}

#[tokio::test]
async fn a_workspace_can_begin_with_members() {
    let api = Api::start(Profile::Documented).await;
    let member = user(&api, "member").await;
    let body = json!({ "name": "W", "users": [member["id"]] });
    let workspace = api.post("/admin/workspaces", body).await.ok();
    let path = format!("/admin/workspaces/{}/users", text(&workspace["id"]));
    let list = api.get(&path).await.ok();
    assert_eq!(
        (&list["data"][0]["id"], &list["data"][0]["role"]),
        (&member["id"], &json!("member"))
    );
    // Whoever leaves the organisation leaves its workspaces.
    api.delete(&format!("/admin/users/{}", text(&member["id"])))
        .await
        .ok();
    assert_eq!(api.get(&path).await.ok()["total"], 0);
}

#[tokio::test]
async fn groups_are_mapped_once_and_by_id_or_by_name() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    let body = |key: &str, group: &str| json!({ "workspace_id": workspace["slug"], "role": "manager", key: group });
    let by_name = api
        .post("/scim/workspaces", body("scim_group_name", "Engineers"))
        .await
        .ok();
    assert_eq!(by_name["workspace_id"], workspace["id"]);
    assert_eq!(by_name["scim_group"], "Engineers");
    let group = text(&by_name["scim_group_id"]);
    // One role for a group, by either of its names.
    api.post("/scim/workspaces", body("scim_group_name", "Engineers"))
        .await
        .refused(409, "AB07");
    api.post("/scim/workspaces", body("scim_group_id", &group))
        .await
        .refused(409, "AB07");
    let mut both = body("scim_group_id", "x");
    both["scim_group_name"] = json!("y");
    api.post("/scim/workspaces", both)
        .await
        .refused(400, "AB01");
    api.post(
        "/scim/workspaces",
        json!({ "workspace_id": workspace["id"], "role": "admin" }),
    )
    .await
    .refused(400, "AB01");
    api.post(
        "/scim/workspaces",
        body("scim_group_name", "ws-Dev-role-admin"),
    )
    .await
    .refused(400, "AB01");
    api.post("/scim/workspaces", body("scim_group_id", "other"))
        .await
        .ok();
    let list = api.get("/scim/workspaces?page=0&page_size=1").await.ok();
    assert_eq!(
        (
            &list["total_count"],
            list["mappings"].as_array().unwrap().len()
        ),
        (&json!(2), 1)
    );
    // Only the UUID finds a workspace's mappings.
    let within = |name: &Value| format!("/scim/workspaces?workspace_id={}", text(name));
    assert_eq!(
        api.get(&within(&workspace["id"])).await.ok()["total_count"],
        2
    );
    assert_eq!(
        api.get(&within(&workspace["slug"])).await.ok()["total_count"],
        0
    );
    let one = format!("/scim/workspaces?scim_group_id={group}&role=manager");
    assert_eq!(api.get(&one).await.ok()["mappings"][0]["id"], by_name["id"]);
    // A deletion takes the mapping only: the group keeps its id.
    let path = format!("/scim/workspaces/{}", text(&by_name["id"]));
    assert_eq!(api.delete(&path).await.ok(), json!({ "success": true }));
    api.delete(&path).await.refused(404, "AB08");
    let again = api
        .post("/scim/workspaces", body("scim_group_name", "Engineers"))
        .await
        .ok();
    assert_eq!(again["scim_group_id"], by_name["scim_group_id"]);
}
