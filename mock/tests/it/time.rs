//! The virtual clock, and answers that follow from a seed.

use std::time::Duration;

use gatewright_mock::{Fault, MockPortkey, RequestPattern, RequestRecord};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::*;

async fn fixed(seed: u64) -> Api {
    let clock = "2026-01-01T00:00:00Z".parse().unwrap();
    let builder = MockPortkey::builder().clock(clock).seed(seed);
    let mock = builder.start().await.unwrap();
    Api {
        mock,
        client: client(),
    }
}

#[tokio::test]
async fn timestamps_go_by_the_clock() {
    let api = fixed(1).await;
    let made = api.workspace("x").await;
    let time = text(&made["created_at"]);
    assert!(time.starts_with("2026-01-01T00:00:00."), "{time}");
    let moved = api
        .control(Method::POST, "/clock", json!({ "advance": "1h 30m" }))
        .await
        .ok();
    assert_eq!(
        moved,
        json!({ "now": "2026-01-01T01:30:00.000Z", "running": false })
    );
    let made = api.workspace("y").await;
    assert_eq!(made["created_at"], "2026-01-01T01:30:00.000Z");
    // What is written after the clock is set back is as old as the clock says.
    api.control(
        Method::POST,
        "/clock",
        json!({ "set": "2025-06-01T12:00:00Z" }),
    )
    .await
    .ok();
    assert_eq!(
        api.workspace("z").await["created_at"],
        "2025-06-01T12:00:00.000Z"
    );
    assert_eq!(
        api.mock.journal().last().unwrap().time,
        "2025-06-01T12:00:00.000Z"
    );
    let answer = api.get("/configs").await;
    assert_eq!(answer.headers["date"], "Sun, 01 Jun 2025 12:00:00 GMT");
    let resumed = api
        .control(Method::POST, "/clock", json!({ "resume": true }))
        .await
        .ok();
    assert_eq!(resumed["running"], true);
    let (one, two) = (api.mock.clock().now(), api.workspace("v").await);
    assert!(one >= "2025-06-01T12:00:00Z".parse().unwrap(), "{one}");
    assert!(
        text(&two["created_at"]).starts_with("2025-06-01T12:0"),
        "{two:#}"
    );
    api.control(Method::POST, "/clock", json!({ "reset": true }))
        .await
        .ok();
    assert!(text(&api.workspace("w").await["created_at"]).as_str() > "2026-06-01");
    api.control(Method::POST, "/reset", Value::Null).await.ok();
    let shown = api.control(Method::GET, "/clock", Value::Null).await.ok();
    assert_eq!(
        shown["now"], "2026-01-01T00:00:00.000Z",
        "as it was started"
    );
    for wrong in [
        json!({}),
        json!({ "set": "tomorrow" }),
        json!({ "advance": "a while" }),
        json!({ "advance": "1h", "resume": true }),
        json!({ "resume": false }),
    ] {
        let refused = api.control(Method::POST, "/clock", wrong).await;
        assert_eq!(refused.status, 400, "{:#}", refused.body);
    }
}

#[tokio::test]
async fn keys_expire_when_the_clock_says_so() {
    let api = fixed(1).await;
    let key = json!({ "name": "K", "scopes": ["workspaces.list"], "expires_at": "2026-02-01T00:00:00.000Z" });
    let key = api.post("/api-keys/organisation/service", key).await.ok();
    let secret = text(&key["key"]);
    let list = || api.with_key(&secret, Method::GET, "/admin/workspaces", Value::Null);
    list().await.ok();
    api.control(Method::POST, "/clock", json!({ "advance": "30d" }))
        .await
        .ok();
    list().await.ok();
    api.control(Method::POST, "/clock", json!({ "advance": "1d" }))
        .await
        .ok();
    list().await.refused(401, "AB05");
    let shown = api
        .get(&format!("/api-keys/{}", text(&key["id"])))
        .await
        .ok();
    assert_eq!(shown["status"], "expired");
}

#[tokio::test]
async fn the_former_secret_of_a_rotated_key_ends_with_its_transition() {
    let api = fixed(1).await;
    let key = json!({ "name": "K", "scopes": ["workspaces.list"] });
    let key = api.post("/api-keys/organisation/service", key).await.ok();
    let former = text(&key["key"]);
    let path = format!("/api-keys/{}/rotate", text(&key["id"]));
    let rotated = api
        .post(&path, json!({ "key_transition_period_ms": 3_600_000 }))
        .await
        .ok();
    let (former, latter) = (former.as_str(), text(&rotated["key"]));
    let status = |secret: String| {
        let api = &api;
        async move {
            api.with_key(&secret, Method::GET, "/admin/workspaces", Value::Null)
                .await
                .status
        }
    };
    api.mock.clock().advance(Duration::from_secs(59 * 60));
    assert_eq!(
        (
            status(former.to_owned()).await,
            status(latter.clone()).await
        ),
        (200, 200)
    );
    api.post(&path, json!({})).await.refused(409, "AB07");
    api.mock.clock().advance(Duration::from_secs(2 * 60));
    assert_eq!(
        (status(former.to_owned()).await, status(latter).await),
        (401, 200)
    );
    api.post(&path, json!({})).await.ok();
}

#[tokio::test]
async fn a_policy_rotates_a_key_when_its_time_comes() {
    let api = fixed(1).await;
    let key = json!({ "name": "K", "scopes": ["workspaces.list"],
        "rotation_policy": { "rotation_period": "monthly", "key_transition_period_ms": 3_600_000 } });
    let key = api.post("/api-keys/organisation/service", key).await.ok();
    let (path, secret) = (format!("/api-keys/{}", text(&key["id"])), text(&key["key"]));
    let rotate = format!("{path}/rotate");
    let shown = async || api.get(&path).await.ok();
    let status = async |secret: &str| {
        let list = api.with_key(secret, Method::GET, "/admin/workspaces", Value::Null);
        list.await.status
    };
    let go = async |time: &str| {
        let set = json!({ "set": time });
        api.control(Method::POST, "/clock", set).await.ok();
    };
    let first = shown().await;
    let due = text(&first["rotation_policy"]["next_rotation_at"]);
    assert!(due.starts_with("2026-02-01T00:00:00."), "{due}");
    go("2026-01-31T23:59:59Z").await;
    assert_eq!(shown().await, first);

    // The time comes: there is another secret, and the former one is good for the transition, in which there is no
    // room for a third.
    go("2026-02-01T00:00:01Z").await;
    let second = shown().await;
    assert_ne!(second["key"], first["key"]);
    let next = text(&second["rotation_policy"]["next_rotation_at"]);
    assert!(next.starts_with("2026-03-01T00:00:00."), "{next}");
    assert_eq!(second["last_updated_at"], due, "a change like any other");
    assert_eq!(api.get("/api-keys").await.ok()["data"][0], second);
    assert_eq!(status(&secret).await, 200);
    api.post(&rotate, json!({})).await.refused(409, "AB07");
    // A write puts down what was shown.
    api.put(&path, json!({ "description": "d" })).await.ok();
    let mut third = shown().await;
    assert_eq!(third["description"], "d");
    for field in ["description", "last_updated_at"] {
        third[field] = second[field].clone();
    }
    assert_eq!(third, second);
    assert_eq!(status(&secret).await, 200);
    go("2026-02-01T01:00:01Z").await;
    assert_eq!(status(&secret).await, 401);

    // A secret that somebody has comes from a rotation by hand. It is good until the policy's next one and its transition.
    let mine = text(&api.post(&rotate, json!({})).await.ok()["key"]);
    go("2026-03-01T00:59:59Z").await;
    assert_eq!(status(&mine).await, 200);
    go("2026-03-01T01:00:01Z").await;
    assert_eq!(status(&mine).await, 401);
    // What came due meanwhile came due in its turn.
    go("2027-01-15T00:00:00Z").await;
    let later = shown().await;
    let next = text(&later["rotation_policy"]["next_rotation_at"]);
    assert!(next.starts_with("2027-02-01T00:00:00."), "{next}");

    // Without a policy a secret stays, and a single rotation is the last one.
    let mine = text(&api.post(&rotate, json!({})).await.ok()["key"]);
    let once = json!({ "rotation_policy": { "next_rotation_at": "2027-03-01T00:00:00Z" } });
    api.put(&path, once.clone()).await.ok();
    api.put(&path, json!({ "rotation_policy": null }))
        .await
        .ok();
    go("2027-03-02T00:00:00Z").await;
    assert_eq!(status(&mine).await, 200);
    assert_eq!(shown().await["rotation_policy"], Value::Null);
    api.put(&path, once).await.refused(400, "AB01");
    let once = json!({ "rotation_policy": { "next_rotation_at": "2027-04-01T00:00:00Z" } });
    api.put(&path, once).await.ok();
    go("2027-04-01T00:29:59Z").await;
    assert_eq!(status(&mine).await, 200, "half an hour, if nothing is said");
    go("2037-04-01T00:30:01Z").await;
    assert_eq!(status(&mine).await, 401);
    let last = shown().await;
    assert_eq!(last["rotation_policy"]["next_rotation_at"], Value::Null);
}

#[tokio::test]
async fn a_rotation_that_comes_due_in_a_transition_waits_for_its_end() {
    let api = fixed(1).await;
    let key = json!({ "name": "K", "scopes": ["workspaces.list"], "rotation_policy": { "rotation_period_days": 1 } });
    let key = api.post("/api-keys/organisation/service", key).await.ok();
    let path = format!("/api-keys/{}", text(&key["id"]));
    let day: i64 = 24 * 60 * 60 * 1000;
    let set = json!({ "set": "2026-01-01T12:00:00Z" });
    api.control(Method::POST, "/clock", set).await.ok();
    let transition = json!({ "key_transition_period_ms": day });
    let rotated = api.post(&format!("{path}/rotate"), transition).await.ok();
    let (former, latter) = (text(&key["key"]), text(&rotated["key"]));
    for (time, statuses) in [
        // A day after the creation the policy would rotate; the transition takes until noon.
        ("2026-01-02T06:00:00Z", (200, 200)),
        ("2026-01-02T12:00:01Z", (401, 200)),
        ("2026-01-02T12:29:59Z", (401, 200)),
        ("2026-01-02T12:30:01Z", (401, 401)),
    ] {
        api.control(Method::POST, "/clock", json!({ "set": time }))
            .await
            .ok();
        let status = async |secret: &str| {
            let list = api.with_key(secret, Method::GET, "/admin/workspaces", Value::Null);
            list.await.status
        };
        assert_eq!(
            (status(&former).await, status(&latter).await),
            statuses,
            "{time}"
        );
    }
    let shown = api.get(&path).await.ok();
    let next = text(&shown["rotation_policy"]["next_rotation_at"]);
    assert!(next.starts_with("2026-01-03T00:00:00."), "{next}");
}

/// What a mock answers to a session that makes ids, slugs, secrets, versions and times, byte by byte.
async fn session(api: &Api) -> Vec<(u16, String, String)> {
    let mut answers = Vec::new();
    let mut made: Vec<String> = Vec::new();
    let requests = [
        ("POST", "/admin/workspaces", json!({ "name": "Payments" })),
        (
            "POST",
            "/integrations",
            json!({ "name": "I", "ai_provider_id": "openai", "key": "sk-1234567890abcdef" }),
        ),
        (
            "POST",
            "/configs",
            json!({ "name": "C", "config": { "retry": { "attempts": 1 } } }),
        ),
        (
            "PUT",
            "/configs/{2}",
            json!({ "config": { "retry": { "attempts": 2 } } }),
        ),
        (
            "POST",
            "/api-keys/organisation/service",
            json!({ "name": "K", "scopes": ["logs.list"] }),
        ),
        (
            "POST",
            "/prompts",
            json!({ "name": "P", "collection_id": "none" }),
        ),
        (
            "POST",
            "/logs",
            json!({ "request": { "body": { "model": "gpt-5" } }, "response": { "body": {} } }),
        ),
        ("GET", "/configs/{2}/versions", Value::Null),
        ("GET", "/admin/workspaces", Value::Null),
        ("GET", "/audit-logs", Value::Null),
        ("GET", "/no/such/thing", Value::Null),
    ];
    for (method, path, body) in requests {
        let path = match path.find('{') {
            Some(_) => path.replace("{2}", &made[2]),
            None => path.to_owned(),
        };
        let request = api.request(method.parse().unwrap(), &path);
        let request = match body {
            Value::Null => request,
            body => request.json(&body),
        };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let mut headers: Vec<String> = response
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        headers.sort();
        let body = response.text().await.unwrap();
        let value: Value = serde_json::from_str(&body).unwrap_or_default();
        let slug = value["data"]["slug"].as_str().or(value["slug"].as_str());
        made.push(slug.unwrap_or_default().to_owned());
        answers.push((status, headers.join("\n"), body));
    }
    answers
}

#[tokio::test]
async fn the_same_seed_and_requests_give_the_same_bytes() {
    let (one, again, other) = (fixed(42).await, fixed(42).await, fixed(43).await);
    let (first, second) = (session(&one).await, session(&again).await);
    assert!(
        first.iter().take(5).all(|(status, _, _)| *status == 200),
        "{first:#?}"
    );
    assert!(first[4].2.contains("\"key\""));
    for (first, second) in first.iter().zip(&second) {
        assert_eq!(first, second);
    }
    assert_ne!(first, session(&other).await);
    // A mock that is put back to its start does the same once more, but for the ids of requests.
    one.control(Method::POST, "/reset", Value::Null).await.ok();
    let third = session(&one).await;
    let bodies = |answers: &[(u16, String, String)]| {
        answers[..5].iter().map(|a| a.2.clone()).collect::<Vec<_>>()
    };
    assert_eq!(bodies(&first), bodies(&third));
    // So do the journals.
    let journal = |api: &Api| -> Vec<String> {
        let records = api.mock.journal().into_iter();
        records
            .map(|r| {
                format!(
                    "{} {} {} {} {:?}",
                    r.time, r.path, r.status, r.request_id, r.body
                )
            })
            .collect()
    };
    let other = fixed(42).await;
    session(&other).await;
    assert_eq!(journal(&again), journal(&other));
}

/// What a mock answers to what another one's journal has, byte by byte.
async fn replayed(api: &Api, journal: &[RequestRecord]) -> Vec<(u16, String, String)> {
    let mut answers = Vec::new();
    for record in journal {
        let mut url = format!("http://{}{}", api.mock.address(), record.path);
        if !record.query.is_empty() {
            url = format!("{url}?{}", record.query);
        }
        let request = api
            .client
            .request(record.method.parse().unwrap(), url)
            .header("x-portkey-api-key", api.mock.api_key());
        let request = match &record.body {
            Some(body) => request.json(body),
            None => request,
        };
        // A connection that a fault cuts has no status.
        let Ok(response) = request.send().await else {
            answers.push((0, String::new(), String::new()));
            continue;
        };
        let status = response.status().as_u16();
        let headers = response.headers().iter();
        let mut headers: Vec<String> = headers
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        headers.sort();
        let body = response.text().await.unwrap_or_default();
        answers.push((status, headers.join("\n"), body));
    }
    answers
}

#[tokio::test]
async fn the_same_seed_and_journal_give_the_same_bytes() {
    // A session of every kind: the control plane, models with and without streams, mistakes.
    let api = fixed(11).await;
    session(&api).await;
    let slug = text(&api.get("/configs").await.ok()["data"][0]["slug"]);
    for (path, body) in [
        (
            "/chat/completions",
            json!({ "model": "m", "messages": [{ "role": "user", "content": "hi" }] }),
        ),
        (
            "/chat/completions",
            json!({ "model": "m", "stream": true, "messages": [{ "role": "user", "content": "hi" }] }),
        ),
        ("/embeddings", json!({ "model": "m", "input": "hi" })),
        ("/configs", json!({ "no": "config" })),
        (
            "/admin/users/invites",
            json!({ "email": "a@example.com", "role": "member" }),
        ),
    ] {
        send(api.request(Method::POST, path).json(&body)).await;
    }
    api.get(&format!("/configs/{slug}")).await.ok();
    api.get("/configs?current_page=0&page_size=1").await.ok();
    api.delete(&format!("/configs/{slug}")).await.ok();
    let journal = api.mock.journal();
    assert!(journal.len() > 15);

    // Chance is in it as well: which requests a fault strikes.
    let again = async || {
        let api = fixed(11).await;
        let chance = Fault::on(RequestPattern::any())
            .status(503)
            .probability(0.3);
        api.mock.add_fault(chance).unwrap();
        let answers = replayed(&api, &journal).await;
        (answers, api.mock.journal())
    };
    let (first, first_journal) = again().await;
    let (second, second_journal) = again().await;
    assert_eq!(first.len(), journal.len());
    for (one, other) in first.iter().zip(&second) {
        assert_eq!(one, other);
    }
    let count = first.iter().filter(|(status, ..)| *status == 503).count();
    assert!((1..journal.len()).contains(&count), "{count}");
    // The journals say the same, but for how long it took.
    let same = |records: Vec<RequestRecord>| {
        let records = records.into_iter();
        let records = records.map(|mut record| {
            record.duration_us = 0;
            record
        });
        serde_json::to_string(&records.collect::<Vec<_>>()).unwrap()
    };
    assert_eq!(same(first_journal), same(second_journal));
    // Without the faults it is what was answered the first time, as far as no secret was masked.
    let api = fixed(11).await;
    let plain = replayed(&api, &journal).await;
    for (answer, record) in plain.iter().zip(&journal) {
        assert_eq!(answer.0, record.status, "{} {}", record.method, record.path);
    }
}
