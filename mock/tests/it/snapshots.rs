//! States that have names, branches of them, and organisations of their own for unknown keys.

use gatewright_mock::MockPortkey;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::*;

async fn branch(api: &Api, method: Method, path: &str, branch: &str, body: Value) -> Answer {
    let request = api.request(method, path).header("x-mock-snapshot", branch);
    send(match body {
        Value::Null => request,
        body => request.json(&body),
    })
    .await
}

async fn names(api: &Api, at: &str) -> Vec<String> {
    let answer = match at {
        "" => api.get("/admin/workspaces").await,
        at => branch(api, Method::GET, "/admin/workspaces", at, Value::Null).await,
    };
    let body = answer.ok();
    let mut names: Vec<String> = body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| text(&item["name"]))
        .collect();
    names.sort();
    names.retain(|name| name != "Shared Team Workspace");
    names
}

#[tokio::test]
async fn a_state_is_kept_under_a_name_and_restored() {
    let api = Api::live().await;
    api.workspace("one").await;
    api.control(Method::POST, "/snapshots/base", Value::Null)
        .await
        .ok();
    api.workspace("two").await;
    assert_eq!(names(&api, "").await, ["one", "two"]);
    api.control(Method::POST, "/snapshots/base/restore", Value::Null)
        .await
        .ok();
    assert_eq!(names(&api, "").await, ["one"]);
    api.control(Method::POST, "/snapshots/initial/restore", Value::Null)
        .await
        .ok();
    assert!(names(&api, "").await.is_empty());
    let listed = api
        .control(Method::GET, "/snapshots", Value::Null)
        .await
        .ok();
    let expected =
        json!([{ "name": "base", "branches": [] }, { "name": "initial", "branches": [] }]);
    assert_eq!(listed["data"], expected);
    api.control(Method::DELETE, "/snapshots/base", Value::Null)
        .await
        .ok();
    for (method, path, status) in [
        (Method::DELETE, "/snapshots/base", 404),
        (Method::POST, "/snapshots/base/restore", 404),
        (Method::POST, "/snapshots/initial", 400),
        (Method::DELETE, "/snapshots/initial", 400),
        (Method::POST, "/snapshots/a%2Fb", 400),
        (Method::GET, "/snapshots/base", 405),
    ] {
        let answer = api.control(method, path, Value::Null).await;
        assert_eq!(answer.status, status, "{path}: {:#}", answer.body);
    }
}

#[tokio::test]
async fn requests_choose_a_branch_that_no_other_sees() {
    let api = Api::live().await;
    api.workspace("base").await;
    api.control(Method::POST, "/snapshots/base", Value::Null)
        .await
        .ok();
    api.workspace("later").await;
    let create = |at: &'static str, name: &'static str| {
        let api = &api;
        async move {
            let body = json!({ "name": name });
            branch(api, Method::POST, "/admin/workspaces", at, body)
                .await
                .ok()
        }
    };
    create("base/one", "of one").await;
    create("base/two", "of two").await;
    create("base", "of base").await;
    assert_eq!(names(&api, "base/one").await, ["base", "of one"]);
    assert_eq!(names(&api, "base/two").await, ["base", "of two"]);
    assert_eq!(names(&api, "base").await, ["base", "of base"]);
    assert_eq!(names(&api, "base/three").await, ["base"]);
    assert_eq!(names(&api, "initial/x").await, Vec::<String>::new());
    assert_eq!(names(&api, "").await, ["base", "later"]);
    let listed = api
        .control(Method::GET, "/snapshots", Value::Null)
        .await
        .ok();
    assert_eq!(
        listed["data"][0]["branches"],
        json!(["base", "base/one", "base/three", "base/two"])
    );
    // The journal knows who worked where.
    let seen = api
        .control(Method::GET, "/requests?snapshot=base/one", Value::Null)
        .await
        .ok();
    assert_eq!(seen["total"], 2);
    // The control surface acts on the branch that is named.
    let at = |path: &str| format!("http://{}/_mock{path}", api.mock.address());
    let named =
        |request: reqwest::RequestBuilder| send(request.header("x-mock-snapshot", "base/one"));
    named(api.client.post(at("/snapshots/second"))).await.ok();
    assert_eq!(names(&api, "second/x").await, ["base", "of one"]);
    named(api.client.post(at("/reset"))).await.ok();
    assert_eq!(names(&api, "base/one").await, ["base"]);
    assert_eq!(names(&api, "base/two").await, ["base", "of two"]);
    api.control(Method::DELETE, "/snapshots/base", Value::Null)
        .await
        .ok();
    let gone = branch(&api, Method::GET, "/configs", "base/two", Value::Null).await;
    let message = text(&gone.body["data"]["message"]);
    assert!(message.ends_with("there are: initial, second"), "{message}");
    gone.refused(404, "AB08");
    // A key that was made on a branch is known there alone.
    let body = json!({ "name": "K", "scopes": ["workspaces.list"] });
    let key = branch(
        &api,
        Method::POST,
        "/api-keys/organisation/service",
        "initial/k",
        body,
    )
    .await
    .ok();
    let list = |snapshot: &'static str| {
        let request = api
            .client
            .get(format!("{}/admin/workspaces", api.mock.base_url()));
        send(
            request
                .header("x-portkey-api-key", text(&key["key"]))
                .header("x-mock-snapshot", snapshot),
        )
    };
    list("initial/k").await.ok();
    list("initial/l").await.refused(401, "AB05");
}

#[tokio::test]
async fn two_hundred_branches_of_a_large_state_cost_little() {
    let api = Api::live().await;
    for batch in 0..20 {
        let made = (0..50).map(|n| {
            let body = json!({ "name": format!("C{batch}-{n}"), "config": { "retry": { "attempts": 1 } } });
            api.post("/configs", body)
        });
        for answer in futures_util::future::join_all(made).await {
            answer.ok();
        }
    }
    api.control(Method::POST, "/snapshots/large", Value::Null)
        .await
        .ok();
    let begun = std::time::Instant::now();
    for n in 0..200 {
        let at = format!("large/{n}");
        let body = json!({ "name": format!("own {n}"), "config": {} });
        branch(&api, Method::POST, "/configs", &at, body).await.ok();
    }
    let each = begun.elapsed() / 200;
    // A copy of a thousand objects would take longer than this even on a busy machine.
    assert!(
        each < std::time::Duration::from_millis(20),
        "{each:?} a branch"
    );
    let listed = branch(
        &api,
        Method::GET,
        "/configs?page_size=1",
        "large/7",
        Value::Null,
    )
    .await
    .ok();
    assert_eq!(listed["total"], 1001);
    assert_eq!(api.get("/configs?page_size=1").await.ok()["total"], 1000);
}

#[tokio::test]
async fn open_keys_have_organisations_of_their_own() {
    let mock = MockPortkey::builder().open(true).start().await.unwrap();
    let api = Api {
        mock,
        client: client(),
    };
    let create = |key: &'static str| {
        api.with_key(
            key,
            Method::POST,
            "/admin/workspaces",
            json!({ "name": key }),
        )
    };
    let one = create("one").await.ok();
    let two = create("two").await.ok();
    api.workspace("of the admin").await;
    assert_ne!(one["id"], two["id"]);
    let listed = |key: String| {
        let api = &api;
        async move {
            let body = api
                .with_key(&key, Method::GET, "/admin/workspaces", Value::Null)
                .await
                .ok();
            let names: Vec<String> = body["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| text(&item["name"]))
                .collect();
            names
                .into_iter()
                .filter(|name| name != "Shared Team Workspace")
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(listed("one".to_owned()).await, ["one"]);
    assert_eq!(listed("two".to_owned()).await, ["two"]);
    assert_eq!(listed("three".to_owned()).await, Vec::<String>::new());
    assert_eq!(names(&api, "").await, ["of the admin"]);
    // A key made in an organisation works in it, with its limits.
    let key = json!({ "name": "K", "scopes": ["workspaces.list"] });
    let key = api
        .with_key("one", Method::POST, "/api-keys/organisation/service", key)
        .await
        .ok();
    let secret = text(&key["key"]);
    assert_eq!(listed(secret.clone()).await, ["one"]);
    api.with_key(
        &secret,
        Method::POST,
        "/admin/workspaces",
        json!({ "name": "no" }),
    )
    .await
    .refused(403, "AB03");
    // Without any key nobody is let in, and snapshots belong to one organisation.
    send(api.client.get(format!("{}/configs", api.mock.base_url())))
        .await
        .refused(401, "AB05");
    api.with_key("", Method::GET, "/configs", Value::Null)
        .await
        .refused(401, "AB05");
    let url = format!("http://{}/_mock/snapshots/mine", api.mock.address());
    send(api.client.post(url).header("x-portkey-api-key", "two"))
        .await
        .ok();
    let at = |key: &'static str| {
        let request = api.client.get(format!("{}/configs", api.mock.base_url()));
        send(
            request
                .header("x-portkey-api-key", key)
                .header("x-mock-snapshot", "mine"),
        )
    };
    at("two").await.ok();
    at("one").await.refused(404, "AB08");
    api.control(Method::POST, "/reset", Value::Null).await.ok();
    assert_eq!(listed("one".to_owned()).await, Vec::<String>::new());
}

#[tokio::test]
async fn with_a_seed_an_open_key_gets_the_same_organisation_again() {
    let organisation = |others: &'static [&'static str]| async move {
        let mock = MockPortkey::builder()
            .open(true)
            .seed(5)
            .start()
            .await
            .unwrap();
        let api = Api {
            mock,
            client: client(),
        };
        for other in others {
            api.with_key(other, Method::GET, "/configs", Value::Null)
                .await
                .ok();
        }
        let made = api
            .with_key(
                "mine",
                Method::POST,
                "/admin/workspaces",
                json!({ "name": "x" }),
            )
            .await
            .ok();
        (made["slug"].clone(), made["id"].clone())
    };
    assert_eq!(organisation(&[]).await, organisation(&["a", "b"]).await);
}

#[tokio::test]
async fn seeds_are_plain_requests_that_leave_no_trace() {
    use gatewright_mock::{Fault, RequestPattern};

    let everything = Fault::on(RequestPattern::any()).status(500);
    let mock = MockPortkey::builder()
        .fault(everything)
        .start()
        .await
        .unwrap();
    let made = mock
        .seed([
            ("/admin/workspaces", json!({ "name": "Payments" })),
            (
                "POST /v1/integrations",
                json!({ "name": "I", "slug": "i", "ai_provider_id": "openai" }),
            ),
            ("PUT /integrations/i", json!({ "description": "Ours" })),
            ("GET /integrations/i", Value::Null),
        ])
        .await
        .unwrap();
    assert_eq!(
        (&made[0]["name"], &made[3]["description"]),
        (&json!("Payments"), &json!("Ours"))
    );
    assert!(mock.journal().is_empty());
    let refused = mock
        .seed([("/configs", json!({ "name": 1 }))])
        .await
        .unwrap_err();
    assert_eq!(
        (refused.request.as_str(), refused.status),
        ("POST /configs", 400)
    );
    let api = Api {
        mock,
        client: client(),
    };
    let over_http =
        json!({ "requests": [{ "request": "/admin/workspaces", "body": { "name": "Second" } }] });
    let sown = api.control(Method::POST, "/seed", over_http).await.ok();
    assert_eq!(sown["data"][0]["name"], "Second");
    let wrong = json!({ "requests": [{ "request": "GET /none" }] });
    let wrong = api.control(Method::POST, "/seed", wrong).await;
    assert_eq!(wrong.status, 400);
    assert!(
        wrong.body["message"]
            .as_str()
            .unwrap()
            .starts_with("GET /none was answered with 404"),
        "{:#}",
        wrong.body
    );
    api.mock.clear_faults();
    assert_eq!(names(&api, "").await, ["Payments", "Second"]);
    // A reset goes back to what was declared to be the start, with the faults of then.
    api.mock.start_here();
    api.mock.clear_faults();
    api.workspace("Third").await;
    api.mock.reset();
    assert_eq!(api.get("/configs").await.status, 500);
    api.mock.clear_faults();
    assert_eq!(names(&api, "").await, ["Payments", "Second"]);
}
