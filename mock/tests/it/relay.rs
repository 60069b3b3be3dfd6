//! Recording another server, and answering from the recordings.

use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use gatewright_mock::{Dropping, Fault, Latency, MockPortkey, StartError, operation, request};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::*;

const SECRET: &str = "sk-canary/\"0123456789\"";

/// A mock that passes on to another one and writes into a folder.
async fn recorder(upstream: &MockPortkey, folder: &Path) -> Api {
    let mock = MockPortkey::builder()
        .api_key(upstream.api_key())
        .record(upstream.base_url(), folder)
        .start()
        .await
        .unwrap();
    Api {
        mock,
        client: client(),
    }
}

async fn player(folder: &Path) -> Api {
    let mock = MockPortkey::builder().replay(folder).start().await.unwrap();
    Api {
        mock,
        client: client(),
    }
}

fn recordings(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

fn config(name: &str) -> Value {
    json!({ "name": name, "config": { "retry": { "attempts": 3 } } })
}

#[tokio::test]
async fn what_was_recorded_is_answered_again_offline() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = MockPortkey::start().await.unwrap();
    let api = recorder(&upstream, folder.path()).await;
    let before = api.get("/configs").await.ok();
    let created = api.post("/configs", config("a")).await.ok();
    let after = api.get("/configs").await.ok();
    assert_eq!((&before["total"], &after["total"]), (&json!(0), &json!(1)));
    let one = api
        .get(&format!("/configs/{}", text(&created["slug"])))
        .await
        .ok();
    let filtered = api.get("/admin/users?role=owner&pageSize=5").await.ok();
    let refused = api.get("/configs/pc-none-000000").await;
    let streamed =
        json!({ "model": "m", "stream": true, "messages": [{ "role": "user", "content": "x" }] });
    let request = api
        .request(Method::POST, "/chat/completions")
        .json(&streamed);
    let stream = request.send().await.unwrap().text().await.unwrap();
    assert_eq!(
        recordings(folder.path())[..2],
        ["00001-get-configs.json", "00002-post-configs.json"]
    );
    api.mock.shutdown().await;
    upstream.shutdown().await;

    let api = player(folder.path()).await;
    // In the order of the recordings; the last one stays.
    assert_eq!(api.get("/configs").await.ok(), before);
    assert_eq!(api.post("/configs", config("a")).await.ok(), created);
    assert_eq!(api.get("/configs").await.ok(), after);
    assert_eq!(api.get("/configs").await.ok(), after);
    assert_eq!(
        api.get(&format!("/configs/{}", text(&created["slug"])))
            .await
            .ok(),
        one
    );
    // Parameters in another order are the same request.
    assert_eq!(
        api.get("/admin/users?pageSize=5&role=owner").await.ok(),
        filtered
    );
    let again = api.get("/configs/pc-none-000000").await;
    assert_eq!((again.status, again.body), (refused.status, refused.body));
    assert!(again.headers.contains_key("x-portkey-trace-id"));
    let request = api
        .request(Method::POST, "/chat/completions")
        .json(&streamed);
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.text().await.unwrap(), stream);
}

#[tokio::test]
async fn a_miss_names_the_recordings_that_come_nearest() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = MockPortkey::start().await.unwrap();
    let api = recorder(&upstream, folder.path()).await;
    api.post("/configs", config("a")).await.ok();
    api.get("/configs?workspace_id=").await;
    api.mock.shutdown().await;
    let api = player(folder.path()).await;
    let missed = api.post("/configs", config("a-secret-name")).await;
    assert_eq!(missed.status, 404);
    let nearest = &missed.body["nearest"][0];
    assert_eq!(nearest["file"], "00001-post-configs.json");
    assert_eq!(nearest["differs_in"], json!(["body /name"]));
    assert!(
        !missed.body.to_string().contains("a-secret-name"),
        "{}",
        missed.body
    );
    let missed = api.get("/configs?workspace_id=x").await.body;
    assert_eq!(
        missed["nearest"][0]["differs_in"],
        json!(["query parameter workspace_id"])
    );
    assert_eq!(missed["message"], "no recording answers GET /v1/configs");
}

#[tokio::test]
async fn no_secret_is_in_any_byte_of_a_recording() {
    let folder = tempfile::tempdir().unwrap();
    let admin = "pk-admin-canary-0123456789";
    let upstream = MockPortkey::builder().api_key(admin).start().await.unwrap();
    let api = recorder(&upstream, folder.path()).await;
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("user:{SECRET}"));
    let body = json!({
        "name": "i", "slug": "i", "ai_provider_id": "openai", "key": SECRET,
        "description": format!("do not use {SECRET}, nor {encoded}"),
    });
    api.post("/integrations", body).await.ok();
    api.get("/integrations/i").await.ok();
    // The answer has the secret, and a later request uses it in other places.
    let made = json!({ "name": "k", "scopes": ["logs.list"] });
    let made = text(&api.post("/api-keys/organisation/service", made).await.ok()["key"]);
    api.with_key(
        &made,
        Method::GET,
        &format!("/configs/{made}?x={made}"),
        Value::Null,
    )
    .await;
    let inline = json!({ "provider": "openai", "api_key": SECRET }).to_string();
    let chat = json!({ "model": "m", "messages": [{ "role": "user", "content": format!("is {SECRET} safe?") }] });
    let request = api.request(Method::POST, "/chat/completions").json(&chat);
    let request = request.header("x-portkey-config", &inline);
    send(request.header("authorization", "Bearer bearer-canary-0123456789"))
        .await
        .ok();
    let escaped = json!(SECRET).to_string();
    let mut files = 0;
    for name in recordings(folder.path()) {
        files += 1;
        let text = std::fs::read_to_string(folder.path().join(&name)).unwrap();
        for secret in [
            SECRET,
            escaped.trim_matches('"'),
            "canary",
            admin,
            &made,
            &encoded,
        ] {
            assert!(!text.contains(secret), "{secret} in {name}:\n{text}");
        }
        // Whatever in it is base64, or hex, has none either.
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && !"+/-_=".contains(c)) {
            for engine in [
                &base64::engine::general_purpose::STANDARD,
                &base64::engine::general_purpose::URL_SAFE,
            ] {
                let decoded = engine.decode(word).unwrap_or_default();
                let decoded = String::from_utf8_lossy(&decoded);
                assert!(!decoded.contains("canary"), "{word} in {name}");
            }
        }
    }
    assert_eq!(files, 5);

    // A client that sends the same secrets meets the same recordings.
    api.mock.shutdown().await;
    let replayed = player(folder.path()).await;
    let request = replayed
        .request(Method::POST, "/chat/completions")
        .json(&chat);
    send(request.header("x-portkey-config", &inline)).await.ok();
}

#[tokio::test]
async fn what_cannot_be_recorded_or_replayed_is_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let started = MockPortkey::builder().replay(folder.path()).start().await;
    assert!(
        matches!(started, Err(StartError::Recordings(_))),
        "{started:?}"
    );
    std::fs::write(folder.path().join("1.json"), "{}").unwrap();
    let started = MockPortkey::builder().replay(folder.path()).start().await;
    let Err(StartError::Recordings(reason)) = started else {
        panic!("{started:?}");
    };
    assert!(reason.contains("1.json"), "{reason}");
    for upstream in ["ftp://example.com", "nonsense", ""] {
        let started = MockPortkey::builder()
            .record(upstream, folder.path())
            .start()
            .await;
        assert!(
            matches!(started, Err(StartError::Recordings(_))),
            "{upstream}"
        );
    }
    // A server that is not there.
    let unused = tempfile::tempdir().unwrap();
    let builder = MockPortkey::builder().record("http://127.0.0.1:9/v1", unused.path());
    let api = Api {
        mock: builder.start().await.unwrap(),
        client: client(),
    };
    let answer = api.get("/configs").await;
    assert_eq!(answer.status, 502);
    assert!(
        text(&answer.body["message"]).contains("127.0.0.1:9"),
        "{}",
        answer.body
    );
    assert_eq!(recordings(unused.path()).len(), 0);
}

#[tokio::test]
async fn faults_and_latency_strike_what_is_recorded_and_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = MockPortkey::start().await.unwrap();
    let api = recorder(&upstream, folder.path()).await;
    let total = async || api.get("/configs").await.ok()["total"].clone();
    // Before it gets there: the other server knows nothing, and nothing is recorded.
    let before = api
        .mock
        .add_fault(Fault::on(operation("createConfig")).status(503).times(1));
    let refused = api.post("/configs", config("a")).await;
    assert_eq!((refused.status, before.unwrap()), (503, 1));
    assert_eq!(total().await, 0);
    // After it: it has happened there, and is recorded as it was.
    api.mock
        .add_fault(
            Fault::on(operation("createConfig"))
                .status(500)
                .after()
                .times(1),
        )
        .unwrap();
    assert_eq!(api.post("/configs", config("a")).await.status, 500);
    assert_eq!(total().await, 1);
    let dropped = Fault::on(operation("createConfig"))
        .drop_connection(Dropping::After)
        .times(1);
    api.mock.add_fault(dropped).unwrap();
    let cut = api.request(Method::POST, "/configs").json(&config("b"));
    assert!(cut.send().await.is_err());
    assert_eq!(total().await, 2);
    let records = api.mock.journal();
    let struck: Vec<Option<u64>> = records.iter().map(|record| record.fault).collect();
    assert_eq!(struck, [Some(1), None, Some(2), None, Some(3), None]);
    assert_eq!(records[0].operation.as_deref(), Some("createConfig"));
    let names = recordings(folder.path());
    assert_eq!(names.len(), 5, "{names:?}");
    api.mock.shutdown().await;
    upstream.shutdown().await;

    let api = player(folder.path()).await;
    let wait = Duration::from_millis(80);
    api.mock.set_latency(Some(Latency::Fixed(wait)));
    let begun = Instant::now();
    let recorded = api.post("/configs", config("a")).await;
    assert_eq!(
        recorded.status, 200,
        "the recording has what the server answered"
    );
    assert!(begun.elapsed() >= wait);
    api.mock.set_latency(None);
    api.mock
        .add_fault(
            Fault::on(request("POST", "/v1/configs"))
                .malformed()
                .times(1),
        )
        .unwrap();
    let response = api.request(Method::POST, "/configs").json(&config("a"));
    let text = response.send().await.unwrap().text().await.unwrap();
    assert!(
        !text.is_empty() && serde_json::from_str::<Value>(&text).is_err(),
        "{text}"
    );
    assert_eq!(api.post("/configs", config("a")).await.body, recorded.body);
}
