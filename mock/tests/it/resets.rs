//! Budgets and rates begin anew when the clock says so.

use gatewright_mock::MockPortkey;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::*;

/// A mock on a Thursday.
async fn thursday() -> Api {
    let clock = "2026-01-01T00:00:00Z".parse().unwrap();
    Api {
        mock: MockPortkey::builder().clock(clock).start().await.unwrap(),
        client: client(),
    }
}

impl Api {
    async fn set_clock(&self, time: &str) {
        let body = json!({ "set": time });
        self.control(Method::POST, "/clock", body).await.ok();
    }

    /// What a request to a model is answered with.
    async fn chat(&self, secret: &str) -> u16 {
        let body =
            json!({ "model": "m", "messages": [{ "role": "user", "content": "Hello there" }] });
        let path = "/chat/completions";
        self.with_key(secret, Method::POST, path, body).await.status
    }
}

/// A key with limits, and its path.
async fn limited(api: &Api, limits: Value) -> (String, String) {
    let mut key = json!({ "name": "k", "scopes": ["completions.write"],
        "workspace_id": api.workspace("W").await["id"] });
    let (Value::Object(fields), Value::Object(limits)) = (&mut key, limits) else {
        panic!("objects")
    };
    fields.extend(limits);
    let key = api.post("/api-keys/workspace/service", key).await.ok();
    (text(&key["key"]), format!("/api-keys/{}", text(&key["id"])))
}

#[tokio::test]
async fn a_budget_begins_anew_with_its_period() {
    for (period, last, next) in [
        (
            json!({ "periodic_reset": "monthly" }),
            "2026-01-31T23:59:59.999Z",
            "2026-02-01T00:00:00Z",
        ),
        // The week of a Thursday ends on a Sunday.
        (
            json!({ "periodic_reset": "weekly" }),
            "2026-01-04T23:59:59.999Z",
            "2026-01-05T00:00:00Z",
        ),
    ] {
        let api = thursday().await;
        let mut limits = json!({ "type": "tokens", "credit_limit": 10 });
        let (Value::Object(fields), Value::Object(period)) = (&mut limits, period.clone()) else {
            panic!("objects")
        };
        fields.extend(period.clone());
        let (secret, path) = limited(&api, json!({ "usage_limits": limits })).await;
        let status = async || text(&api.get(&path).await.ok()["status"]);
        assert_eq!(
            (api.chat(&secret).await, api.chat(&secret).await),
            (200, 412)
        );
        assert_eq!(status().await, "exhausted");
        api.set_clock(last).await;
        assert_eq!(api.chat(&secret).await, 412, "{period:?}");
        api.set_clock(next).await;
        assert_eq!(status().await, "active");
        assert_eq!(
            (api.chat(&secret).await, api.chat(&secret).await),
            (200, 412)
        );
    }
}

#[tokio::test]
async fn a_budget_without_a_period_never_does() {
    let api = thursday().await;
    let limits = json!({ "type": "tokens", "credit_limit": 10 });
    let (secret, path) = limited(&api, json!({ "usage_limits": limits })).await;
    assert_eq!(
        (api.chat(&secret).await, api.chat(&secret).await),
        (200, 412)
    );
    api.set_clock("2036-01-01T00:00:00Z").await;
    assert_eq!(api.chat(&secret).await, 412);
    api.put(&path, json!({ "reset_usage": true })).await.ok();
    assert_eq!(api.chat(&secret).await, 200);
}

#[tokio::test]
async fn a_rate_begins_anew_with_its_unit() {
    for (unit, last, next) in [
        ("rps", "2026-01-01T00:00:00.999Z", "2026-01-01T00:00:01Z"),
        ("rpm", "2026-01-01T00:00:59.999Z", "2026-01-01T00:01:00Z"),
        ("rph", "2026-01-01T00:59:59.999Z", "2026-01-01T01:00:00Z"),
        ("rpd", "2026-01-01T23:59:59.999Z", "2026-01-02T00:00:00Z"),
    ] {
        let api = thursday().await;
        let rates = json!({ "rate_limits": [{ "type": "requests", "unit": unit, "value": 2 }] });
        let (secret, _) = limited(&api, rates).await;
        api.set_clock("2026-01-01T00:00:00Z").await;
        let ask = async || api.chat(&secret).await;
        assert_eq!(
            [ask().await, ask().await, ask().await],
            [200, 200, 429],
            "{unit}"
        );
        api.set_clock(last).await;
        assert_eq!(ask().await, 429, "{unit}");
        api.set_clock(next).await;
        assert_eq!(ask().await, 200, "{unit}");
    }
}

#[tokio::test]
async fn policies_count_by_the_clock_too() {
    let api = thursday().await;
    let slug = text(&api.get("/admin/workspaces").await.ok()["data"][0]["slug"]);
    let policy = json!({ "workspace_id": slug, "type": "requests", "credit_limit": 1,
        "conditions": [{ "key": "model", "value": "m" }], "group_by": [{ "key": "model" }],
        "periodic_reset": "monthly" });
    let policy = api.post("/policies/usage-limits", policy).await.ok();
    let key = api.mock.api_key().to_owned();
    assert_eq!((api.chat(&key).await, api.chat(&key).await), (200, 412));
    let entities = format!("/policies/usage-limits/{}/entities", text(&policy["id"]));
    assert_eq!(api.get(&entities).await.ok()["total"], 1);
    api.set_clock("2026-02-01T00:00:00Z").await;
    assert_eq!(api.get(&entities).await.ok()["total"], 0);
    assert_eq!(api.chat(&key).await, 200);
}
