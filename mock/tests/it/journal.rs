//! The request journal, and what can be expected of it.

use gatewright_mock::{JournalLimits, MockPortkey, RequestPattern, operation, request};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::*;

impl Api {
    /// Asks the mock's own surface.
    pub(crate) async fn control(&self, method: Method, path: &str, body: Value) -> Answer {
        let url = format!("http://{}/_mock{path}", self.mock.address());
        let request = self.client.request(method, url);
        send(match body {
            Value::Null => request,
            body => request.json(&body),
        })
        .await
    }
}

#[tokio::test]
async fn a_record_says_everything_but_the_secrets() {
    let api = Api::live().await;
    let key = json!({ "name": "K", "scopes": ["workspaces.list"] });
    let key = api.post("/api-keys/organisation/service", key).await.ok();
    let (secret, id) = (text(&key["key"]), text(&key["id"]));
    let body = json!({
        "name": "x", "ai_provider_id": "openai", "key": "sk-very-secret",
        "configurations": { "custom_headers": { "authorization": "Bearer hidden" } },
    });
    api.post("/integrations?api_key=in-the-query", body.clone())
        .await
        .ok();
    api.with_key(&secret, Method::GET, "/admin/workspaces", Value::Null)
        .await
        .ok();
    api.with_key("who-is-this", Method::GET, "/integrations", Value::Null)
        .await
        .refused(401, "AB05");
    send(
        api.client
            .get(format!("{}/integrations", api.mock.base_url())),
    )
    .await
    .refused(401, "AB05");
    api.post("/integrations", json!({ "name": 1, "key": "sk-refused" }))
        .await
        .refused(400, "AB01");
    let answered = send(api.request(Method::GET, "/integrations")).await;

    let served = api
        .control(Method::GET, "/requests", Value::Null)
        .await
        .ok();
    let records = served["data"].as_array().unwrap();
    assert_eq!(served["total"], 7);
    let created = &records[1];
    assert_eq!(created["number"], 2);
    assert_eq!(created["operation"], "createIntegration");
    assert_eq!(
        (&created["method"], &created["status"]),
        (&json!("POST"), &json!(200))
    );
    assert_eq!(
        created["request_bytes"],
        serde_json::to_vec(&body).unwrap().len()
    );
    assert!(
        created["response_bytes"].as_u64().unwrap() > 20,
        "{created:#}"
    );
    assert!(created["duration_us"].as_u64().unwrap() > 0, "{created:#}");
    assert!(
        created["time"].as_str().unwrap().starts_with("20"),
        "{created:#}"
    );
    assert_eq!(created["body"]["name"], "x");
    assert_eq!(created["body"]["key"], "*****");
    assert_eq!(created["query"], "api_key=*****");
    let keys: Vec<&Value> = records.iter().map(|record| &record["key"]).collect();
    assert_eq!(keys[1], "admin");
    assert_eq!(*keys[2], json!(format!("key {id}")));
    assert!(
        keys[3].as_str().unwrap().starts_with("unknown "),
        "{}",
        keys[3]
    );
    assert_eq!(*keys[4], Value::Null);
    assert_eq!(records[5]["body"], json!({ "name": 1, "key": "*****" }));
    let own = answered.headers["x-portkey-request-id"].to_str().unwrap();
    assert_eq!(records[6]["request_id"], own);
    let whole = served.to_string();
    let secrets = [
        "sk-very-secret",
        "hidden",
        "in-the-query",
        &secret,
        "who-is-this",
        "sk-refused",
        api.mock.api_key(),
    ];
    for secret in secrets {
        assert!(!whole.contains(secret), "{secret}: {whole}");
    }
}

#[tokio::test]
async fn filters_let_some_through() {
    let api = Api::live().await;
    for name in ["one", "two", "three"] {
        api.workspace(name).await;
    }
    let second = text(
        &api.control(Method::GET, "/requests", Value::Null)
            .await
            .ok()["data"][1]["time"],
    );
    api.get("/admin/workspaces?page_size=5").await.ok();
    api.get("/admin/workspaces/none").await;
    for (query, expected) in [
        ("operation=createWorkspace", vec![1, 2, 3]),
        ("method=get", vec![4, 5]),
        ("path=/admin/workspaces/*", vec![5]),
        ("path=/v1/admin/workspaces", vec![1, 2, 3, 4]),
        ("status=200&method=GET", vec![4]),
        ("body=two", vec![2]),
        ("key=admin&limit=2", vec![4, 5]),
        ("since=3", vec![4, 5]),
        ("key=nobody", vec![]),
        ("snapshot=base", vec![]),
    ] {
        let found = api
            .control(Method::GET, &format!("/requests?{query}"), Value::Null)
            .await
            .ok();
        let numbers: Vec<u64> = found["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r["number"].as_u64().unwrap())
            .collect();
        assert_eq!(numbers, expected, "{query}");
    }
    let since = api
        .control(
            Method::GET,
            &format!("/requests?since={second}"),
            Value::Null,
        )
        .await
        .ok();
    assert!(
        (4..=5).contains(&since["total"].as_u64().unwrap()),
        "{since:#}"
    );
    for (query, says) in [
        ("since=yesterday", "`since` is no time"),
        ("status=ok", "`status` is no status"),
        ("colour=red", "no filter `colour`"),
    ] {
        let refused = api
            .control(Method::GET, &format!("/requests?{query}"), Value::Null)
            .await;
        assert_eq!(refused.status, 400);
        assert!(
            refused.body["message"].as_str().unwrap().contains(says),
            "{:#}",
            refused.body
        );
    }
    api.control(Method::DELETE, "/requests", Value::Null)
        .await
        .ok();
    assert!(api.mock.journal().is_empty());
    api.get("/integrations").await.ok();
    assert_eq!(api.mock.journal()[0].number, 6, "numbers go on");
}

#[tokio::test]
async fn the_journal_is_bounded_in_bytes_and_bodies_can_be_left_out() {
    let start = |limits| async move {
        let mock = MockPortkey::builder()
            .journal(limits)
            .start()
            .await
            .unwrap();
        Api {
            mock,
            client: client(),
        }
    };
    let api = start(JournalLimits {
        bytes: 50_000,
        ..JournalLimits::default()
    })
    .await;
    for n in 0..40 {
        let long = format!("{n}{}", "x".repeat(5_000));
        api.post("/configs", json!({ "name": long, "config": {} }))
            .await;
    }
    let kept = api.mock.journal();
    assert!((5..10).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept.last().unwrap().number, 40, "the oldest go first");
    let huge = json!({ "name": "y".repeat(20_000), "config": {} });
    api.post("/configs", huge).await;
    let last = api.mock.journal().pop().unwrap();
    assert_eq!(last.body, None);
    assert_eq!(last.notes, ["the body is too large to be kept"]);
    let served = api
        .control(Method::GET, "/requests", Value::Null)
        .await
        .ok();
    assert_eq!(served["count"], 41);
    assert!(
        served["forgotten"].as_u64().unwrap() > 30,
        "{}",
        served["forgotten"]
    );

    let api = start(JournalLimits {
        bodies: false,
        requests: 3,
        ..JournalLimits::default()
    })
    .await;
    for n in 0..5 {
        api.workspace(&format!("W{n}")).await;
    }
    let kept = api.mock.journal();
    assert_eq!(
        kept.iter().map(|record| record.number).collect::<Vec<_>>(),
        [3, 4, 5]
    );
    assert!(
        kept.iter()
            .all(|record| record.body.is_none() && record.request_bytes > 0)
    );
}

#[tokio::test]
async fn expectations_hold_or_show_what_came_nearest() {
    let api = Api::live().await;
    api.workspace("before").await;
    let twice = || operation("createWorkspace").body_contains(json!({ "name": "x" }));
    api.mock.expect(twice().times(2));
    api.mock
        .expect(request("get", "/admin/workspaces").query("page_size", "5"));
    api.mock.expect(operation("deleteWorkspace").never());
    let unmet = api.mock.verify().unwrap_err().to_string();
    assert_eq!(
        unmet,
        "expected createWorkspace with a body that contains {\"name\":\"x\"} 2 times, and it came never\n\
         expected GET /admin/workspaces with page_size=5 at least once, and it came never"
            .replace("GET", "get"),
        "what came before does not count"
    );
    api.workspace("x").await;
    api.workspace("y").await;
    api.get("/admin/workspaces?page_size=5").await.ok();
    let unmet = api.mock.verify().unwrap_err().to_string();
    assert_eq!(
        unmet,
        "expected createWorkspace with a body that contains {\"name\":\"x\"} 2 times, and it came once\n  \
         near miss: request 3, POST /v1/admin/workspaces → 200: /name in the body is \"y\""
    );
    api.workspace("x").await;
    api.mock.verify().unwrap();
    api.mock
        .expect(RequestPattern::any().status(500).at_most(0));
    api.mock.verify().unwrap();
}

#[tokio::test]
async fn expectations_that_do_not_hold_fail_where_the_mock_is_dropped() {
    let mock = MockPortkey::start().await.unwrap();
    mock.expect(operation("createConfig").at_least(2));
    let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(mock)));
    let message = dropped.unwrap_err();
    let message = message.downcast_ref::<String>().unwrap();
    assert!(
        message.contains("expected createConfig at least 2 times, and it came never"),
        "{message}"
    );
    // One that is forgotten does not.
    let mock = MockPortkey::start().await.unwrap();
    mock.expect(operation("createConfig"));
    mock.forget_expectations();
}

#[tokio::test]
async fn expectations_are_checked_over_http_as_well() {
    let api = Api::live().await;
    for _ in 0..2 {
        api.workspace("x").await;
    }
    let part = json!({ "name": "x" });
    let holds = json!({ "operation": "createWorkspace", "body_contains": part, "times": 2 });
    let answer = api
        .control(Method::POST, "/verify", holds.clone())
        .await
        .ok();
    assert_eq!(
        answer,
        json!({ "ok": true, "expectations": [{ "ok": true, "matched": 2 }] })
    );
    let fails = json!({ "method": "POST", "path": "/admin/*", "status": 200, "at_most": 1 });
    let answer = api
        .control(Method::POST, "/verify", json!([holds, fails]))
        .await;
    assert_eq!(answer.status, 409);
    assert_eq!(answer.body["ok"], false);
    let message = answer.body["expectations"][1]["message"].as_str().unwrap();
    assert_eq!(
        message,
        "expected POST /admin/* answered with 200 at most once, and it came 2 times"
    );
    for (wrong, says) in [
        (json!({ "opreation": "x" }), "unknown field `opreation`"),
        (json!({ "times": "two" }), "invalid type"),
        (json!("x"), "is an object"),
    ] {
        let answer = api.control(Method::POST, "/verify", wrong).await;
        assert_eq!(answer.status, 400);
        assert!(
            answer.body["message"].as_str().unwrap().contains(says),
            "{:#}",
            answer.body
        );
    }
}
