//! Reads that lag behind writes.

use std::time::Duration;

use gatewright_mock::{MockPortkey, MockPortkeyBuilder};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::*;

/// A mock whose clock stands still, so that a lag ends when the test says.
async fn lagging(more: impl FnOnce(MockPortkeyBuilder) -> MockPortkeyBuilder) -> Api {
    let clock = "2026-01-01T00:00:00Z".parse().unwrap();
    let builder = MockPortkey::builder().clock(clock);
    let builder = more(builder.lag(Duration::from_millis(500)));
    Api {
        mock: builder.start().await.unwrap(),
        client: client(),
    }
}

impl Api {
    fn later(&self, milliseconds: u64) {
        self.mock
            .clock()
            .advance(Duration::from_millis(milliseconds));
    }
}

#[tokio::test]
async fn lists_and_details_are_as_they_were() {
    let api = lagging(|builder| builder).await;
    let names = async || api.listed("/configs", "name").await;
    let made = api
        .post(
            "/configs",
            json!({ "name": "a", "config": { "retry": { "attempts": 1 } } }),
        )
        .await
        .ok();
    let path = format!("/configs/{}", text(&made["slug"]));
    let attempts = async || {
        let config = api.get(&path).await.ok();
        let config: Value = serde_json::from_str(&text(&config["config"])).unwrap();
        config["retry"]["attempts"].clone()
    };
    // A list misses what is new; whoever knows its name finds it.
    assert!(names().await.is_empty());
    assert_eq!(attempts().await, 1);
    api.later(300);
    let change = json!({ "config": { "retry": { "attempts": 2 } } });
    api.put(&path, change).await.ok();
    assert!(names().await.is_empty());
    assert_eq!(attempts().await, 1);
    api.later(200);
    assert_eq!(names().await, ["a"]);
    assert_eq!(attempts().await, 1, "the change is younger");
    api.later(299);
    assert_eq!(attempts().await, 1);
    api.later(1);
    assert_eq!(attempts().await, 2);

    // What is deleted is there a while longer, for reads; a write knows.
    api.delete(&path).await.ok();
    assert_eq!(names().await, ["a"]);
    assert_eq!(attempts().await, 2);
    assert_ne!(api.put(&path, json!({ "name": "b" })).await.status, 200);
    api.later(500);
    assert!(names().await.is_empty());
    assert_ne!(api.get(&path).await.status, 200);
}

#[tokio::test]
async fn writes_work_on_what_there_is() {
    let api = lagging(|builder| builder).await;
    api.integration("openai", None).await;
    let again = json!({ "name": "x", "slug": "openai", "ai_provider_id": "openai" });
    api.post("/integrations", again).await.refused(409, "AB07");
    assert!(api.listed("/integrations", "slug").await.is_empty());
    // A key is a credential at once.
    let key = json!({ "name": "k", "scopes": ["configs.list"] });
    let key = api.post("/api-keys/organisation/service", key).await.ok();
    let secret = text(&key["key"]);
    let used = api
        .with_key(&secret, Method::GET, "/configs", Value::Null)
        .await;
    assert_eq!(used.status, 200);
    // Without a lag again, everything is to be seen, and with one from then on what was.
    let none = api.control(Method::DELETE, "/lag", Value::Null).await.ok();
    assert_eq!(none, json!({ "lag": null }));
    assert_eq!(api.listed("/integrations", "slug").await, ["openai"]);
    let set = api
        .control(Method::POST, "/lag", json!({ "lag": "2s" }))
        .await
        .ok();
    assert_eq!(set, json!({ "lag": "2s" }));
    api.later(500);
    api.integration("other", None).await;
    api.later(1_999);
    assert_eq!(api.listed("/integrations", "slug").await, ["openai"]);
    api.later(1);
    assert_eq!(
        api.listed("/integrations", "slug").await,
        ["openai", "other"]
    );
    for body in [
        json!({ "lag": "slowly" }),
        json!({ "log": "2s" }),
        json!({ "lag": 5 }),
    ] {
        assert_eq!(api.control(Method::POST, "/lag", body).await.status, 400);
    }
    api.mock.set_lag(None);
    api.integration("third", None).await;
    assert_eq!(api.listed("/integrations", "slug").await.len(), 3);
    // A reset goes back to the lag of the start.
    api.mock.reset();
    let reset = api.control(Method::GET, "/lag", Value::Null).await.ok();
    assert_eq!(reset, json!({ "lag": "500ms" }));
}

#[tokio::test]
async fn what_a_test_begins_with_was_always_there() {
    let api = lagging(|builder| builder).await;
    api.mock
        .seed([("/configs", json!({ "name": "a", "config": {} }))])
        .await
        .unwrap();
    assert_eq!(api.listed("/configs", "name").await, ["a"]);
    let seed = json!({ "requests": [{ "request": "POST /configs", "body": { "name": "b", "config": {} } }] });
    api.control(Method::POST, "/seed", seed).await.ok();
    assert_eq!(api.listed("/configs", "name").await, ["a", "b"]);
    api.control(Method::POST, "/snapshots/two", Value::Null)
        .await
        .ok();
    api.post("/configs", json!({ "name": "c", "config": {} }))
        .await
        .ok();
    api.mock.start_here();
    assert_eq!(api.listed("/configs", "name").await, ["a", "b", "c"]);
    api.control(Method::POST, "/snapshots/two/restore", Value::Null)
        .await
        .ok();
    assert_eq!(api.listed("/configs", "name").await, ["a", "b"]);
    // A branch lags by itself.
    let branch = |request: reqwest::RequestBuilder| send(request.header("x-mock-snapshot", "two"));
    let made = api.request(Method::POST, "/configs");
    branch(made.json(&json!({ "name": "d", "config": {} })))
        .await
        .ok();
    let list = async || branch(api.request(Method::GET, "/configs")).await.ok()["total"].clone();
    assert_eq!(list().await, 2);
    api.later(500);
    assert_eq!(list().await, 3);
    // A clock that is set back has no past.
    branch(
        api.request(Method::POST, "/configs")
            .json(&json!({ "name": "e", "config": {} })),
    )
    .await
    .ok();
    api.mock
        .clock()
        .set("2025-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(list().await, 4);
}
