//! How strictly requests are judged, and what the journal says of those that depart from the document.

use gatewright_mock::{MockPortkey, Validation};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::*;

async fn of(validation: Validation) -> Api {
    Api {
        mock: MockPortkey::builder()
            .validation(validation)
            .start()
            .await
            .unwrap(),
        client: client(),
    }
}

/// What the journal says of the last request.
fn notes(api: &Api) -> Vec<String> {
    let notes = api.mock.journal().pop().unwrap().notes;
    let notes = notes.iter().map(|note| {
        let note = note.strip_prefix("not in the published document: ");
        note.unwrap().to_owned()
    });
    notes.collect()
}

#[tokio::test]
async fn what_real_clients_send_beyond_the_document_is_taken_and_noted() {
    let api = Api::live().await;
    let workspace = api
        .post("/admin/workspaces", json!({ "name": "W", "icon": "x" }))
        .await
        .ok();
    assert_eq!(notes(&api), ["/icon: no such member"]);
    let path = format!("/admin/workspaces/{}", text(&workspace["id"]));
    api.put(&path, json!({ "usage_limits": null })).await.ok();
    let noted = notes(&api);
    assert!(
        noted.len() == 1 && noted[0].starts_with("/usage_limits: "),
        "{noted:?}"
    );
    let limits = json!({ "usage_limits": [{ "type": "cost", "credit_limit": 5, "every": "day" }] });
    api.put(&path, limits).await.ok();
    assert_eq!(notes(&api), ["/usage_limits/0/every: no such member"]);
    let slug = text(&workspace["slug"]);
    api.get(&format!("/configs?workspace_id={slug}&colour=red"))
        .await
        .ok();
    assert!(
        notes(&api).contains(&"colour: no such parameter".to_owned()),
        "{:?}",
        notes(&api)
    );
    api.delete_with(&path, json!({ "name": "W" })).await.ok();
    assert_eq!(notes(&api), ["/name: no such member"]);
    // What the document has is not worth a word; what models take is their affair.
    api.post(
        "/configs",
        json!({ "name": "c", "config": { "any": { "thing": 1 } } }),
    )
    .await
    .ok();
    assert!(notes(&api).is_empty(), "{:?}", notes(&api));
    let chat =
        json!({ "model": "m", "messages": [{ "role": "user", "content": "x" }], "min_p": 0.1 });
    api.post("/chat/completions", chat).await.ok();
    assert!(notes(&api).is_empty());
    // Also over HTTP; and never the value.
    let secret =
        json!({ "name": "i", "ai_provider_id": "openai", "key": "sk-x", "token": "sk-canary" });
    api.post("/integrations", secret).await.ok();
    let journal = api
        .control(Method::GET, "/requests?limit=1", Value::Null)
        .await
        .ok();
    assert_eq!(
        journal["data"][0]["notes"],
        json!(["not in the published document: /token: no such member"])
    );
}

#[tokio::test]
async fn a_strict_mock_has_the_document_and_nothing_else() {
    let api = of(Validation::Strict).await;
    let refused = async |answer: Answer, says: &str| {
        assert_eq!(answer.status, 400, "{:#}", answer.body);
        let message = answer.body.to_string();
        assert!(message.contains(says), "{message}");
    };
    let workspaces = "/admin/workspaces";
    let icon = json!({ "name": "W", "icon": "x", "defaults": { "metadata": { "any": "x" } } });
    refused(api.post(workspaces, icon).await, "/icon: no such member").await;
    let made = api
        .post(workspaces, json!({ "name": "W", "description": "d" }))
        .await
        .ok();
    let path = format!("{workspaces}/{}", text(&made["id"]));
    refused(
        api.put(&path, json!({ "usage_limits": null })).await,
        "/usage_limits: ",
    )
    .await;
    refused(
        api.get("/configs?colour=red").await,
        "colour: no such parameter",
    )
    .await;
    // All at once.
    let several = json!({ "naem": "W", "icon": "x" });
    for says in ["/naem: no such member", "/icon: no such member"] {
        refused(api.post(workspaces, several.clone()).await, says).await;
    }
    // Its answers are the document's as well.
    let config = json!({ "name": "c", "config": { "any": "thing" } });
    assert!(api.post("/configs", config).await.ok()["data"]["id"].is_string());
    assert_eq!(
        api.get("/configs").await.ok()["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // Also what models take.
    let chat =
        json!({ "model": "m", "messages": [{ "role": "user", "content": "x" }], "min_p": 0.1 });
    refused(
        api.post("/chat/completions", chat).await,
        "/min_p: no such member",
    )
    .await;
    assert_eq!(
        api.get(workspaces).await.ok()["total"],
        2,
        "the default one, and one"
    );
}

#[tokio::test]
async fn a_lenient_mock_takes_what_can_be_stored_and_says_what_is_wrong() {
    let api = of(Validation::Lenient).await;
    let strange = json!({ "name": "c", "config": { "a": 1 }, "is_default": "perhaps", "extra": 5 });
    Api::live()
        .await
        .post("/configs", strange.clone())
        .await
        .refused(400, "AB01");
    let made = api.post("/configs", strange).await.ok();
    let noted = notes(&api);
    assert!(
        noted
            .iter()
            .any(|note| note.starts_with("/extra: ") || note.contains("extra")),
        "{noted:?}"
    );
    let path = format!("/configs/{}", text(&made["slug"]));
    assert_eq!(api.get(&path).await.ok()["name"], "c");
    // A parameter that makes no sense is not there; one that is needed is not missed.
    assert_eq!(api.get("/admin/users?pageSize=many").await.status, 200);
    assert!(!notes(&api).is_empty());
    let collection = json!({ "name": 5, "workspace_id": text(&api.workspace("W").await["id"]) });
    assert_eq!(api.post("/collections", collection).await.status, 200);
    // JSON by another name.
    let request = api
        .request(Method::POST, "/configs")
        .header("content-type", "text/plain");
    let body = r#"{"name":"plain","config":{}}"#;
    send(request.body(body)).await.ok();
    assert!(notes(&api)[0].contains("Content-Type"), "{:?}", notes(&api));
    // What cannot be read is refused as ever.
    let request = api
        .request(Method::POST, "/configs")
        .header("content-type", "application/json");
    assert_eq!(send(request.body("{")).await.status, 400);
}

#[tokio::test]
async fn leniency_never_ends_in_a_500() {
    let api = of(Validation::Lenient).await;
    let description = api
        .control(Method::GET, "/openapi.json", Value::Null)
        .await
        .ok();
    let nested = json!({ "name": { "name": {} }, "slug": [], "id": -1, "config": [[]], "workspace_id": 7,
        "models": "x", "workspaces": [5], "users": {}, "checks": {}, "actions": [], "string": 1, "key": {},
        "configurations": "x", "usage_limits": "x", "rate_limits": {}, "scopes": [{}], "template": 3 });
    let bodies = [json!({}), json!("x"), nested];
    let mut seen = 0;
    for (round, methods) in [&["post", "put", "delete"][..], &["get"]]
        .iter()
        .enumerate()
    {
        for (path, item) in description["paths"].as_object().unwrap() {
            let path: Vec<&str> = path
                .split('/')
                .map(|part| if part.starts_with('{') { "x" } else { part })
                .collect();
            let path = path.join("/");
            for method in *methods {
                if item.get(method).is_none() || path == "/realtime" {
                    continue;
                }
                // What was stored is read afterwards.
                for body in &bodies[round..] {
                    let request = api.request(method.to_uppercase().parse().unwrap(), &path);
                    let answer = send(request.json(body)).await;
                    seen += 1;
                    // A key without scopes is a 502 on the live API.
                    assert!(
                        answer.status < 500
                            || answer.status == 502 && path.starts_with("/api-keys"),
                        "{method} {path} {body}: {} {:#}",
                        answer.status,
                        answer.body
                    );
                }
            }
        }
    }
    assert!(seen > 500, "{seen}");
    api.control(Method::GET, "/health", Value::Null).await.ok();
}

#[tokio::test]
async fn updates_and_pages_of_the_wrong_type_are_refused() {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    let id = workspace["id"].clone();
    api.integration("i", Some(&workspace)).await;
    let make = async |path: &str, body: Value| {
        let made = api.post(path, body).await.ok();
        format!("{path}/{}", text(&made["id"]))
    };
    let named = json!({ "name": "n", "workspace_id": id });
    let provider = json!({ "name": "p", "slug": "p", "integration_id": "i", "workspace_id": id });
    api.post("/providers", provider).await.ok();
    let collection = make("/collections", named.clone()).await;
    let label = make("/labels", named).await;
    let of = collection.rsplit('/').next().unwrap();
    let prompt = json!({ "name": "p", "collection_id": of, "string": "s", "parameters": {}, "model": "m",
        "virtual_key": "p" });
    let prompt = make("/prompts", prompt).await;
    let versions = api.get(&format!("{prompt}/versions")).await.ok();
    let version = format!("{prompt}/versions/{}", text(&versions["data"][0]["id"]));
    let partial = json!({ "name": "p", "string": "s", "workspace_id": id });
    let partial = make("/prompts/partials", partial).await;
    let policy = json!({ "workspace_id": id, "conditions": [{ "key": "model", "value": "x" }],
        "group_by": [{ "key": "model" }], "type": "tokens", "credit_limit": 5, "unit": "rpm", "value": 5 });
    let usage = make("/policies/usage-limits", policy.clone()).await;
    let rate = make("/policies/rate-limits", policy).await;
    for (path, body) in [
        (&collection, json!({ "name": 5 })),
        (&label, json!({ "name": 5 })),
        (&prompt, json!({ "name": 5 })),
        (&format!("{prompt}/makeDefault"), json!({ "version": "x" })),
        (&version, json!({ "label_id": 5 })),
        (&partial, json!({ "name": 5 })),
        (&format!("{partial}/makeDefault"), json!({ "version": "x" })),
        (&usage, json!({ "credit_limit": "x" })),
        (&rate, json!({ "value": "x" })),
    ] {
        api.put(path, body).await.refused(400, "AB01");
    }
    for path in ["/collections", "/prompts/partials"] {
        let wrong = json!({ "name": 5, "string": 5 });
        api.post(path, wrong).await.refused(400, "AB01");
    }
    for path in [
        "/labels",
        "/prompts",
        "/policies/usage-limits",
        "/policies/rate-limits",
        &format!("{usage}/entities"),
    ] {
        let answer = api.get(&format!("{path}?page_size=x")).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_parameter_with_one_value_is_refused_when_it_is_given_twice() {
    let api = Api::live().await;
    for path in [
        "/vector_stores?limit=x&limit=1",
        "/vector_stores?limit=1&limit=2",
        "/configs?workspace_id=a&workspace_id=b",
    ] {
        api.get(path).await.refused(400, "AB01");
    }
    // One that is a list is given as often as it has values.
    let answer = api
        .get("/responses/resp_1?include=file_search_call.results&include=message.input_image.image_url")
        .await;
    assert_ne!(answer.status, 400, "{}", answer.body);
}
