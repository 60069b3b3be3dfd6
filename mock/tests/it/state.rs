//! The state file: what a mock begins again with.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gatewright_mock::{Api as Apis, ArizeRevision, MockPortkey, MockPortkeyBuilder, StartError};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::*;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("mock.state")
    }
}

fn with_state(file: &Path) -> MockPortkeyBuilder {
    MockPortkey::builder()
        .state(file)
        .api(Apis::Arize(ArizeRevision::Current))
        .open(true)
}

async fn begin(file: &Path) -> Api {
    begin_as(with_state(file)).await
}

async fn begin_as(builder: MockPortkeyBuilder) -> Api {
    Api {
        mock: builder.start().await.unwrap(),
        client: client(),
    }
}

async fn refusal(builder: MockPortkeyBuilder) -> String {
    match builder.start().await {
        Err(StartError::State(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

/// Everything that there is in a state: the objects of all kinds, in full.
async fn everything(api: &Api, headers: &[(&'static str, &str)]) -> Value {
    let ask = async |path: &str| {
        let url = format!("http://{}/_mock{path}", api.mock.address());
        let request = headers
            .iter()
            .fold(api.client.get(url), |request, (name, value)| {
                request.header(*name, *value)
            });
        send(request).await.ok()
    };
    let kinds = ask("/store").await;
    let mut all = serde_json::Map::new();
    for kind in kinds["data"].as_array().unwrap() {
        let name = text(&kind["kind"]);
        let path = format!("/store/{}?page_size=1000", name.replace('/', "%2F"));
        all.insert(name, ask(&path).await);
    }
    Value::Object(all)
}

/// Objects of many kinds in all sorts of states.
async fn populate(api: &Api) -> String {
    let workspace = api.workspace("W").await;
    let path = format!("/admin/workspaces/{}", text(&workspace["id"]));
    api.put(&path, json!({ "description": "changed" }))
        .await
        .ok();
    let gone = api.workspace("gone").await;
    let confirm = json!({ "name": "gone" });
    api.delete_with(&format!("/admin/workspaces/{}", text(&gone["id"])), confirm)
        .await
        .ok();
    let config = json!({ "name": "c", "config": { "retry": { "attempts": 1 } } });
    let config = api.post("/configs", config).await.ok();
    let config = format!("/configs/{}", text(&config["slug"]));
    for attempts in 2..5 {
        let body = json!({ "config": { "retry": { "attempts": attempts } } });
        api.put(&config, body).await.ok();
    }
    api.integration("openai", Some(&workspace)).await;
    let provider = json!({ "name": "p", "slug": "p", "integration_id": "openai",
        "workspace_id": workspace["id"] });
    api.post("/providers", provider).await.ok();
    let collection = json!({ "name": "c", "workspace_id": workspace["id"] });
    let collection = api.post("/collections", collection).await.ok();
    let prompt = json!({ "name": "p", "collection_id": collection["id"], "string": "one",
        "parameters": {}, "virtual_key": "p" });
    let prompt = api.post("/prompts", prompt).await.ok();
    let prompt = format!("/prompts/{}", text(&prompt["slug"]));
    let edition = json!({ "string": "two", "parameters": {}, "virtual_key": "p", "model": "m" });
    api.put(&prompt, edition).await.ok();
    let invite = json!({ "email": "a@example.com", "role": "member" });
    api.post("/admin/users/invites", invite).await.ok();
    let key = json!({ "name": "k", "workspace_id": workspace["id"],
        "scopes": ["completions.write", "configs.list"],
        "usage_limits": { "type": "tokens", "credit_limit": 100_000 } });
    let key = api.post("/api-keys/workspace/service", key).await.ok();
    let (id, secret) = (text(&key["id"]), text(&key["key"]));
    let body =
        json!({ "model": "@p/gpt-4o", "messages": [{ "role": "user", "content": "hello" }] });
    api.with_key(&secret, Method::POST, "/chat/completions", body)
        .await
        .ok();
    // Rotated, with the old secret still good.
    api.post(
        &format!("/api-keys/{id}/rotate"),
        json!({ "key_transition_period_ms": 7_200_000 }),
    )
    .await
    .ok();
    secret
}

#[tokio::test]
async fn a_mock_goes_on_where_the_last_one_ended() {
    let folder = Folder::new();
    let clock = "2026-01-01T00:00:00Z".parse().unwrap();
    let same = || with_state(&folder.file()).seed(7).clock(clock);
    let api = begin_as(same()).await;
    assert_eq!(api.mock.restored(), None);
    let secret = populate(&api).await;
    api.control(Method::POST, "/snapshots/base", Value::Null)
        .await
        .ok();
    api.workspace("after the snapshot").await;
    let branch = [("x-mock-snapshot", "base/mine")];
    let stranger = [("x-portkey-api-key", "stranger")];
    let write = |name: &'static str, value: &'static str| {
        let request = api.request(Method::POST, "/configs");
        let body = json!({ "name": value, "config": {} });
        let request = match name {
            "x-portkey-api-key" => api
                .client
                .post(format!("{}/configs", api.mock.base_url()))
                .header(name, value),
            _ => request.header(name, value),
        };
        request.json(&body)
    };
    for (name, value) in [branch[0], stranger[0]] {
        send(write(name, value)).await.ok();
    }
    // What was taken and forgotten, begun and ended.
    api.control(Method::POST, "/snapshots/other", Value::Null)
        .await
        .ok();
    api.control(Method::DELETE, "/snapshots/other", Value::Null)
        .await
        .ok();
    send(write("x-mock-snapshot", "base/ended")).await.ok();
    let end = format!("http://{}/_mock/reset", api.mock.address());
    send(api.client.post(end).header("x-mock-snapshot", "base/ended"))
        .await
        .ok();
    let space = format!("http://{}/arize/v2/organizations", api.mock.address());
    let space = api.client.post(space).bearer_auth(api.mock.api_key());
    let space = send(space.json(&json!({ "name": "O" }))).await;
    assert_eq!(space.status, 201, "{:#}", space.body);
    api.control(Method::POST, "/clock", json!({ "advance": "1h" }))
        .await
        .ok();

    let sees = async |api: &Api| {
        json!([
            everything(api, &[]).await,
            everything(api, &branch).await,
            everything(api, &stranger).await,
            everything(api, &[("x-mock-snapshot", "initial/new")]).await,
            api.control(Method::GET, "/clock", Value::Null).await.ok(),
            api.get("/admin/workspaces").await.ok(),
            api.get("/api-keys").await.ok(),
        ])
    };
    let before = sees(&api).await;
    let last = text(&before[5]["data"][0]["created_at"]);
    let request_id = |answer: &Answer| answer.headers["x-portkey-request-id"].clone();
    let first = request_id(&api.get("/configs").await);
    api.mock.shutdown().await;

    let api = begin_as(same()).await;
    let restored = api.mock.restored().unwrap();
    assert!(restored.objects > 10 && !restored.seeded && !restored.unfinished);
    assert_ne!(request_id(&api.get("/configs").await), first);
    assert_eq!(sees(&api).await, before);
    let snapshots = api
        .control(Method::GET, "/snapshots", Value::Null)
        .await
        .ok();
    let named = json!([{ "name": "base", "branches": ["base/mine"] },
        { "name": "initial", "branches": ["initial/new"] }]);
    assert_eq!(snapshots["data"], named);
    // The old secret, the one with a transition, is a credential as it was.
    let used = api
        .with_key(&secret, Method::GET, "/configs", Value::Null)
        .await;
    assert_eq!(used.status, 200, "{:#}", used.body);
    // Ids and times go on.
    let made = api.workspace("new").await;
    assert!(text(&made["created_at"]) > last);
    let ids = api.listed("/admin/workspaces", "id").await;
    let distinct: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len());
    // So do snapshots, and the start.
    api.control(Method::POST, "/snapshots/base/restore", Value::Null)
        .await
        .ok();
    let names = api.listed("/admin/workspaces", "name").await;
    assert!(names.contains(&"W".to_owned()) && !names.contains(&"after the snapshot".to_owned()));
    api.mock.reset();
    assert_eq!(api.listed("/admin/workspaces", "name").await.len(), 1);
    let after_reset = everything(&api, &[]).await;
    api.mock.shutdown().await;
    let api = begin_as(same()).await;
    assert_eq!(everything(&api, &[]).await, after_reset);
    let clock = api.control(Method::GET, "/clock", Value::Null).await.ok();
    assert_eq!(clock["now"], "2026-01-01T00:00:00.000Z");
}

#[tokio::test]
async fn a_long_file_is_written_anew_and_says_the_same() {
    let folder = Folder::new();
    let api = begin(&folder.file()).await;
    populate(&api).await;
    api.control(Method::POST, "/snapshots/base", Value::Null)
        .await
        .ok();
    api.mock.start_here();
    let branch = [("x-mock-snapshot", "base/mine")];
    everything(&api, &branch).await;
    let workspace = api.workspace("long").await;
    let path = format!("/admin/workspaces/{}", text(&workspace["id"]));
    let mut written = 0;
    for round in 0..80 {
        let description = format!("{round} {}", "x".repeat(30_000));
        written += description.len();
        api.put(&path, json!({ "description": description }))
            .await
            .ok();
    }
    assert!(written > 2 * 1024 * 1024);
    // It happens beside the requests.
    let length = || std::fs::metadata(folder.file()).unwrap().len();
    for _ in 0..1_000 {
        if length() < 1_100_000 {
            break;
        }
        api.put(&path, json!({ "description": "short" })).await.ok();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(length() < 1_500_000, "{}", length());
    let sees = async |api: &Api| {
        json!([
            everything(api, &[]).await,
            everything(api, &branch).await,
            everything(api, &[("x-mock-snapshot", "initial/x")]).await,
        ])
    };
    let before = sees(&api).await;
    api.mock.shutdown().await;
    assert!(!folder.file().with_extension("state.new").exists());
    let api = begin(&folder.file()).await;
    assert_eq!(sees(&api).await, before);
    assert!(api.mock.restored().unwrap().seeded);
}

#[tokio::test]
async fn an_unfinished_last_line_is_dropped_and_any_other_damage_is_named() {
    let folder = Folder::new();
    let api = begin(&folder.file()).await;
    api.workspace("W").await;
    let before = everything(&api, &[]).await;
    api.mock.shutdown().await;
    let text = std::fs::read_to_string(folder.file()).unwrap();
    for torn in [r#"{"event":{"change":{"next":9"#, "{"] {
        std::fs::write(folder.file(), format!("{text}{torn}")).unwrap();
        let api = begin(&folder.file()).await;
        assert!(api.mock.restored().unwrap().unfinished, "{torn}");
        assert_eq!(everything(&api, &[]).await, before);
        api.workspace("after").await;
        api.mock.shutdown().await;
        let api = begin(&folder.file()).await;
        assert!(!api.mock.restored().unwrap().unfinished);
        assert_eq!(api.listed("/admin/workspaces", "name").await.len(), 3);
    }
    let lines: Vec<&str> = text.lines().collect();
    let damaged = |line: usize, is: &str| {
        let mut lines = lines.clone();
        lines[line - 1] = is;
        let text = lines.join("\n") + "\n";
        std::fs::write(folder.file(), &text).unwrap();
        text
    };
    let file = folder.file().display().to_string();
    for (line, is, says) in [
        (3, r#"{"event":{"cha"#, "this line is damaged"),
        (lines.len(), r#"{"event":"sing"}"#, "this line is damaged"),
        (3, r#"{"event":{"restore":"nothing"}}"#, "no snapshot"),
        (
            3,
            r#"{"tenant":"nobody","event":"start"}"#,
            "no such organisation",
        ),
        (
            1,
            r#"{"gatewright_mock_state":2,"api":"portkey"}"#,
            "has the form 2",
        ),
        (
            1,
            r#"{"gatewright_mock_state":1,"api":"petstore"}"#,
            "the state of petstore",
        ),
        (1, r#"{"some":"file"}"#, "no state file"),
    ] {
        let text = damaged(line, is);
        let reason = refusal(with_state(&folder.file())).await;
        assert!(reason.starts_with(&format!("{file}:{line}: ")), "{reason}");
        assert!(reason.contains(says), "{reason}");
        assert_eq!(
            std::fs::read_to_string(folder.file()).unwrap(),
            text,
            "untouched"
        );
    }
    // Also one that has no line at all.
    std::fs::write(folder.file(), "precious").unwrap();
    let reason = refusal(with_state(&folder.file())).await;
    assert!(reason.contains("no state file"), "{reason}");
    assert_eq!(std::fs::read_to_string(folder.file()).unwrap(), "precious");
    // One in which nothing was written yet, or not even its first line, is new.
    for text in ["", r#"{"gatewright_mock"#, &format!("{}\n", lines[0])] {
        std::fs::write(folder.file(), text).unwrap();
        let api = begin(&folder.file()).await;
        assert_eq!(api.mock.restored(), None, "{text}");
        api.mock.shutdown().await;
        assert!(begin(&folder.file()).await.mock.restored().is_some());
    }
}

#[tokio::test]
async fn one_mock_at_a_time_has_the_file_and_nobody_else_may_read_it() {
    let folder = Folder::new();
    let api = begin(&folder.file()).await;
    let reason = refusal(with_state(&folder.file())).await;
    assert!(reason.contains("another mock has it open"), "{reason}");
    #[cfg(unix)]
    {
        let mode = std::fs::metadata(folder.file()).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&mode.permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
    api.mock.shutdown().await;
    begin(&folder.file()).await;
    let reason = refusal(with_state(&folder.0.path().join("no/such/folder"))).await;
    assert!(reason.contains("no/such/folder"), "{reason}");
}

#[tokio::test]
async fn secrets_that_the_api_only_shows_masked_are_not_in_the_file() {
    let folder = Folder::new();
    let api = begin(&folder.file()).await;
    let body = json!({ "name": "i", "slug": "i", "ai_provider_id": "openai", "key": "sk-canary-91827364" });
    api.post("/integrations", body).await.ok();
    let key = json!({ "name": "k", "scopes": ["logs.list"] });
    let key = api.post("/api-keys/organisation/service", key).await.ok();
    let key = text(&key["key"]);
    let stranger = "a-key-of-somebody-else";
    let listed = api
        .with_key(stranger, Method::GET, "/configs", Value::Null)
        .await;
    assert_eq!(listed.status, 200);
    let written = std::fs::read_to_string(folder.file()).unwrap();
    for secret in ["sk-canary-91827364", &key, stranger, api.mock.api_key()] {
        assert!(!written.contains(secret), "{secret}");
    }
    // They still are credentials.
    api.mock.shutdown().await;
    let api = begin(&folder.file()).await;
    let known = api
        .with_key(&key, Method::GET, "/configs", Value::Null)
        .await;
    assert_eq!(known.status, 403, "{:#}", known.body);
}
