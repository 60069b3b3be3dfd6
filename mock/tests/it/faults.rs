//! What goes wrong on purpose.

use std::time::{Duration, Instant};

use gatewright_mock::{Dropping, Fault, Latency, MockPortkey, operation, request};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::*;

/// Sends one POST and returns everything that comes back.
async fn raw(api: &Api, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(api.mock.address()).await.unwrap();
    let request = format!(
        "POST /v1{path} HTTP/1.1\r\nhost: x\r\nx-portkey-api-key: {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        api.mock.api_key(),
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

async fn workspaces(api: &Api) -> Value {
    api.get("/admin/workspaces").await.ok()["total"].clone()
}

#[tokio::test]
async fn a_status_is_answered_in_the_apis_own_shape_and_without_effect() {
    let api = Api::live().await;
    for (status, code) in [
        (400, "AB01"),
        (401, "AB05"),
        (403, "AB03"),
        (404, "AB08"),
        (409, "AB07"),
        (500, "AB04"),
        (503, "AB04"),
    ] {
        let fault = Fault::on(operation("createWorkspace"))
            .status(status)
            .times(1);
        api.mock.add_fault(fault).unwrap();
        api.post("/admin/workspaces", json!({ "name": "x" }))
            .await
            .refused(status, code);
    }
    assert_eq!(workspaces(&api).await, 1);
    let own = Fault::on(operation("createWorkspace"))
        .status(418)
        .body(json!({ "tea": true }));
    api.mock.add_fault(own).unwrap();
    let answer = api.post("/admin/workspaces", json!({ "name": "x" })).await;
    assert_eq!(
        (answer.status, &answer.body),
        (418, &json!({ "tea": true }))
    );
    api.mock.clear_faults();
    api.workspace("x").await;
    let records = api.mock.journal();
    assert_eq!(records[0].fault, Some(1));
    assert_eq!(records.last().unwrap().fault, None);
}

#[tokio::test]
async fn too_many_requests_say_when_to_come_back() {
    let api = Api::live().await;
    let fault = Fault::on(request("GET", "/configs*"))
        .status(429)
        .retry_after(7)
        .times(2);
    api.mock.add_fault(fault).unwrap();
    for _ in 0..2 {
        let answer = api.get("/configs").await;
        assert_eq!(answer.headers["retry-after"], "7");
        answer.refused(429, "AB06");
    }
    api.get("/configs").await.ok();
}

#[tokio::test]
async fn an_error_after_the_effect_leaves_the_effect() {
    let api = Api::live().await;
    let fault = Fault::on(operation("createWorkspace"))
        .status(502)
        .after()
        .nth(1);
    api.mock.add_fault(fault).unwrap();
    api.post("/admin/workspaces", json!({ "name": "x" }))
        .await
        .refused(502, "AB04");
    assert_eq!(workspaces(&api).await, 2);
}

#[tokio::test]
async fn connections_are_dropped_before_after_and_during() {
    let api = Api::live().await;
    let body = r#"{"name":"x"}"#;
    for (when, expected) in [
        (Dropping::Before, 1),
        (Dropping::After, 2),
        (Dropping::During, 3),
    ] {
        let fault = Fault::on(operation("createWorkspace"))
            .drop_connection(when)
            .times(1);
        api.mock.add_fault(fault).unwrap();
        let answer = raw(&api, "/admin/workspaces", body).await;
        match when {
            Dropping::During => {
                let (head, rest) = answer.split_once("\r\n\r\n").unwrap();
                assert!(head.starts_with("HTTP/1.1 200"), "{head}");
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.unwrap().parse().unwrap();
                assert!(rest.len() < length, "{} of {length}", rest.len());
            }
            _ => assert_eq!(answer, "", "{when:?}"),
        }
        assert_eq!(workspaces(&api).await, expected, "{when:?}");
    }
    let dropped = api.mock.journal();
    assert_eq!(
        (dropped[0].status, dropped[2].status, dropped[4].status),
        (0, 0, 200)
    );
    // A client sees an error of the connection, and the next request is served as ever.
    let fault = Fault::on(request("GET", "*"))
        .drop_connection(Dropping::Before)
        .times(1);
    api.mock.add_fault(fault).unwrap();
    assert!(api.request(Method::GET, "/configs").send().await.is_err());
    api.get("/configs").await.ok();
}

#[tokio::test]
async fn a_malformed_body_is_half_of_one() {
    let api = Api::live().await;
    api.mock
        .add_fault(Fault::on(operation("listConfigs")).malformed())
        .unwrap();
    let response = api.request(Method::GET, "/configs").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    let body = response.bytes().await.unwrap();
    assert!(!body.is_empty() && serde_json::from_slice::<Value>(&body).is_err());
}

#[tokio::test]
async fn rules_count_the_requests_that_they_are_meant_for() {
    let api = Api::live().await;
    let statuses = |count: usize| {
        let api = &api;
        async move {
            let mut statuses = Vec::new();
            for _ in 0..count {
                statuses.push(api.get("/configs").await.status);
                api.get("/guardrails").await.ok();
            }
            statuses
        }
    };
    let fault = || Fault::on(operation("listConfigs")).status(500);
    let third = api.mock.add_fault(fault().nth(3)).unwrap();
    assert_eq!(statuses(5).await, [200, 200, 500, 200, 200]);
    assert!(api.mock.remove_fault(third) && !api.mock.remove_fault(third));
    let two = api.mock.add_fault(fault().skip(1).times(2)).unwrap();
    assert_eq!(statuses(5).await, [200, 500, 500, 200, 200]);
    api.mock.remove_fault(two);
    // Of two rules that are due, the first one strikes.
    api.mock.add_fault(fault().times(1)).unwrap();
    api.mock
        .add_fault(Fault::on(operation("listConfigs")).status(503).times(1))
        .unwrap();
    assert_eq!(statuses(3).await, [500, 503, 200]);
}

#[tokio::test]
async fn chance_follows_the_seed() {
    let run = |seed| async move {
        let fault = Fault::on(operation("listConfigs"))
            .status(500)
            .probability(0.3);
        let mock = MockPortkey::builder()
            .seed(seed)
            .fault(fault)
            .start()
            .await
            .unwrap();
        let api = Api {
            mock,
            client: client(),
        };
        let mut statuses = Vec::new();
        for _ in 0..60 {
            statuses.push(api.get("/configs").await.status);
        }
        statuses
    };
    let (one, again, other) = (run(1).await, run(1).await, run(2).await);
    assert_eq!(one, again);
    assert_ne!(one, other);
    let struck = one.iter().filter(|status| **status == 500).count();
    assert!((8..30).contains(&struck), "{struck} of 60");
}

#[tokio::test]
async fn faults_are_added_shown_and_taken_away_over_http() {
    let api = Api::live().await;
    let fault =
        json!({ "operation": "listConfigs", "status": 503, "message": "Come back", "times": 1 });
    let added = api.control(Method::POST, "/faults", fault).await.ok();
    assert_eq!(added, json!({ "number": 1 }));
    let answer = api.get("/configs").await;
    assert_eq!(answer.body["data"]["message"], "Come back");
    answer.refused(503, "AB04");
    api.get("/configs").await.ok();
    let listed = api.control(Method::GET, "/faults", Value::Null).await.ok();
    let expected = json!({
        "number": 1, "seen": 2, "struck": 1,
        "operation": "listConfigs", "status": 503, "message": "Come back", "times": 1,
    });
    assert_eq!(listed["data"], json!([expected]));
    api.control(Method::DELETE, "/faults/1", Value::Null)
        .await
        .ok();
    assert_eq!(
        api.control(Method::DELETE, "/faults/1", Value::Null)
            .await
            .status,
        404
    );
    assert_eq!(
        api.control(Method::PUT, "/faults", Value::Null)
            .await
            .status,
        405
    );
    let refused = api
        .control(Method::POST, "/faults", json!({ "operation": "x" }))
        .await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.body["message"]
            .as_str()
            .unwrap()
            .contains("needs an effect"),
        "{:#}",
        refused.body
    );

    // A name that no operation has would never strike.
    for (name, help) in [("listconfigs", "did you mean `listConfigs`"), ("x", "`x`")] {
        let fault = json!({ "operation": name, "status": 500 });
        let refused = api.control(Method::POST, "/faults", fault).await;
        assert_eq!(refused.status, 400);
        let message = text(&refused.body["message"]);
        assert!(message.contains(help), "{message}");
        let expected = json!({ "operation": name, "times": 0 });
        let refused = api.control(Method::POST, "/verify", expected).await;
        assert_eq!(refused.status, 400, "{:#}", refused.body);
        let fault = Fault::on(operation(name)).status(500);
        assert!(api.mock.add_fault(fault.clone()).is_err());
        assert!(MockPortkey::builder().fault(fault).start().await.is_err());
    }
    let fault = json!({ "path": "/configs", "drop": "before" });
    api.control(Method::POST, "/faults", fault).await.ok();
    assert!(api.request(Method::GET, "/configs").send().await.is_err());
    api.control(Method::DELETE, "/faults", Value::Null)
        .await
        .ok();
    api.get("/configs").await.ok();
}

#[tokio::test]
async fn answers_wait_as_long_as_they_are_told_to() {
    let slow = "60ms".parse::<Latency>().unwrap();
    let mock = MockPortkey::builder().latency(slow).start().await.unwrap();
    let api = Api {
        mock,
        client: client(),
    };
    let timed = || async {
        let begun = Instant::now();
        api.get("/configs").await.ok();
        begun.elapsed()
    };
    assert!(timed().await >= Duration::from_millis(60));
    let shown = api
        .control(Method::POST, "/latency", json!({ "latency": "1ms..2ms" }))
        .await
        .ok();
    assert_eq!(shown, json!({ "latency": "1ms..2ms" }));
    let wrong = api
        .control(Method::POST, "/latency", json!({ "latency": "slow" }))
        .await;
    assert_eq!(wrong.status, 400);
    api.control(Method::DELETE, "/latency", Value::Null)
        .await
        .ok();
    api.mock
        .add_fault(
            Fault::on(operation("listConfigs"))
                .delay(Latency::Fixed(Duration::from_millis(80)))
                .nth(2),
        )
        .unwrap();
    api.get("/configs").await.ok();
    assert!(timed().await >= Duration::from_millis(80));
    // A reset goes back to how the mock was started.
    api.control(Method::POST, "/reset", Value::Null).await.ok();
    let shown = api.control(Method::GET, "/latency", Value::Null).await.ok();
    assert_eq!(shown, json!({ "latency": "60ms" }));
    assert_eq!(
        api.control(Method::GET, "/faults", Value::Null).await.ok()["total"],
        0
    );
}
