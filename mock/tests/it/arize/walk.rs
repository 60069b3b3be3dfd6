//! Every operation of both revisions answers a valid request as the description says.

use gatewright_mock::ArizeRevision;
use reqwest::Method;
use serde_json::{Value, json};

use super::Arize;
use crate::harness::{send, text};
use crate::oracle::{Oracle, escape};

/// The objects that paths and bodies refer to, by the name of the parameter or field.
async fn prepare(arize: &Arize, old: bool) -> Vec<(&'static str, String)> {
    let organization = arize.organization("org").await;
    let space = arize.space("space", &organization).await;
    let project = json!({ "name": "project", "space_id": space });
    let project = text(&arize.made("/v2/projects", project).await["id"]);
    let user = arize.get("/v2/users?email=member").await.ok();
    let user = text(&user["users"][0]["id"]);
    let role = json!({ "name": "role", "permissions": ["SPACE_READ"] });
    let role = text(&arize.made("/v2/roles", role).await["id"]);
    let spare = json!({ "name": "spare", "permissions": ["SPACE_READ"] });
    let spare = text(&arize.made("/v2/roles", spare).await["id"]);
    let binding = json!({ "role_id": role, "user_id": user, "resource_type": "PROJECT", "resource_id": project });
    let binding = text(&arize.made("/v2/role-bindings", binding).await["id"]);
    let (kind, provider) = if old {
        ("llm", "openAI")
    } else {
        ("LLM", "OPEN_AI")
    };
    let config = json!({ "provider": provider, "api_key": "k" });
    let body = json!({ "type": kind, "name": "walk", "config": config });
    let integration = text(&arize.made("/v2/integrations", body).await["id"]);
    let body = json!({ "name": "walk", "provider": provider });
    let ai = text(&arize.made("/v2/ai-integrations", body).await["id"]);
    let continuous = if old { "continuous" } else { "CONTINUOUS" };
    let body = json!({
        "annotation_config_type": continuous, "name": "walk", "space_id": space,
        "minimum_score": 0, "maximum_score": 1,
    });
    let annotation = text(&arize.made("/v2/annotation-configs", body).await["id"]);
    let member = if old {
        ("predefined", "member")
    } else {
        ("PREDEFINED", "MEMBER")
    };
    let body = json!({ "user_id": user, "role": { "type": member.0, "name": member.1 } });
    arize
        .post(
            &format!("/v2/organizations/{organization}/users"),
            body.clone(),
        )
        .await
        .ok();
    arize
        .post(&format!("/v2/spaces/{space}/users"), body)
        .await
        .ok();
    let mut named = vec![
        ("org_id", organization.clone()),
        ("organization_id", organization.clone()),
        ("space_id", space.clone()),
        ("resource_id", space.clone()),
        ("source_id", space.clone()),
        ("project_id", project),
        ("user_id", user),
        ("role_id", spare),
        ("binding_id", binding),
        ("integration_id", integration),
        ("ai_integration_id", ai),
        ("annotation_config_id", annotation),
    ];
    if !old {
        let tag = json!({ "name": "tag", "space_id": space });
        named.push(("tag_id", text(&arize.made("/v2/tags", tag).await["id"])));
        let hook =
            json!({ "organization_id": organization, "name": "h", "url": "https://h.example.com" });
        let hook = text(&arize.made("/v2/webhooks", hook).await["id"]);
        let body = json!({
            "webhook_id": hook, "source_type": "SPACE", "source_id": space, "event": "ONLINE_TASK_RUN_FAILED",
        });
        let made = arize.made("/v2/webhook-subscriptions", body).await;
        named.push(("subscription_id", text(&made["id"])));
        let hook =
            json!({ "organization_id": organization, "name": "i", "url": "https://h.example.com" });
        named.push((
            "webhook_id",
            text(&arize.made("/v2/webhooks", hook).await["id"]),
        ));
    }
    named
}

/// Makes a minimal body one that the rules allow: what it refers to is there, what it must be is so.
fn complete(method: &str, path: &str, named: &[(&str, String)], body: &mut Value) {
    let Value::Object(body) = body else { return };
    if body.contains_key("invite_mode") {
        body.insert("email".to_owned(), json!("walker@example.com"));
    }
    for (field, id) in named {
        if body.contains_key(*field) {
            body.insert((*field).to_owned(), json!(id));
        }
        if *field == "tag_id" && body.contains_key("tag_ids") {
            body.insert("tag_ids".to_owned(), json!([id]));
        }
    }
    if body.get("event").is_some() {
        body.insert("source_type".to_owned(), json!("SPACE"));
        body.insert("event".to_owned(), json!("ONLINE_TASK_RUN_FAILED"));
    }
    if path == "/v2/webhooks" && body.contains_key("url") {
        body.insert("url".to_owned(), json!("https://h.example.com"));
    }
    if method == "patch" && path.ends_with('}') {
        let field = if path.contains("role-bindings") {
            "role_id"
        } else {
            "name"
        };
        let value = match field {
            "role_id" => named
                .iter()
                .find(|(name, _)| *name == field)
                .unwrap()
                .1
                .clone(),
            _ => "changed".to_owned(),
        };
        body.entry(field).or_insert(json!(value));
    }
}

async fn walk(revision: ArizeRevision, expected: usize) {
    let old = revision != ArizeRevision::Current;
    let arize = Arize::of(revision, false).await;
    let document = arize.get("/../_mock/arize/openapi.json").await.ok();
    let oracle = Oracle::new(document);
    let operations = oracle.operations();
    assert_eq!(operations.len(), expected);
    let mut failures = Vec::new();
    for (method, path, pointer) in operations {
        let reset = send(arize.request(Method::POST, "/../_mock/reset")).await;
        assert_eq!(reset.status, 200);
        let named = prepare(&arize, old).await;
        if let Err(problem) = call(&arize, &oracle, &named, method, &path, &pointer).await {
            failures.push(format!("{method} {path}: {problem}"));
        }
    }
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

async fn call(
    arize: &Arize,
    oracle: &Oracle,
    named: &[(&str, String)],
    method: &str,
    path: &str,
    pointer: &str,
) -> Result<(), String> {
    let operation = oracle.document.pointer(pointer).unwrap();
    let kept = operation.get("x-behaviour").is_some();
    let named: &[(&str, String)] = if kept { named } else { &[] };
    let mut url = path.to_owned();
    let mut query: Vec<(String, String)> = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap();
        let known = match path.starts_with("/v2/ai-") && name == "integration_id" {
            true => "ai_integration_id",
            false => name,
        };
        let value = named.iter().find(|(field, _)| *field == known);
        let value = value.map_or("U2FtcGxlOjE6YWJjZA==", |(_, id)| id);
        match parameter["in"].as_str().unwrap() {
            "path" => url = url.replace(&format!("{{{name}}}"), value),
            _ if parameter["required"] == json!(true) => {
                let at = format!("{pointer}/parameters");
                let list = operation["parameters"].as_array().unwrap();
                let index = list.iter().position(|other| other == parameter).unwrap();
                let sample = oracle.minimal(&format!("{at}/{index}/schema")).unwrap();
                let sample = sample
                    .as_str()
                    .map_or_else(|| sample.to_string(), str::to_owned);
                query.push((name.to_owned(), sample));
            }
            _ => {}
        }
    }
    let method_name = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
    let mut request = arize.request(method_name, &url).query(&query);
    if let Some(body) = operation.get("requestBody") {
        let (media_type, _) = body["content"].as_object().unwrap().iter().next().unwrap();
        let schema = format!(
            "{pointer}/requestBody/content/{}/schema",
            escape(media_type)
        );
        let mut value = oracle.minimal(&schema).ok_or("no minimal body")?;
        if kept {
            complete(method, path, named, &mut value);
        }
        let problems = oracle.problems(&schema, &value);
        if !problems.is_empty() {
            return Err(format!(
                "the test's own body is invalid: {value} {problems:?}"
            ));
        }
        request = request.json(&value);
    }
    let answer = send(request).await;
    let documented = &operation["responses"][answer.status.to_string()];
    if !(200..300).contains(&answer.status) || documented.is_null() {
        return Err(format!("{} {}", answer.status, answer.body));
    }
    let Some(contents) = documented.get("content").and_then(Value::as_object) else {
        return match answer.headers.get("content-type") {
            None => Ok(()),
            Some(_) => Err("a body, though none is documented".to_owned()),
        };
    };
    let media_type = answer
        .headers
        .get("content-type")
        .map(|value| value.to_str().unwrap());
    let media_type = media_type.ok_or("no Content-Type")?;
    if !contents.contains_key(media_type) {
        return Err(format!("{media_type} is not documented"));
    }
    let at = format!(
        "{pointer}/responses/{}/content/{}/schema",
        answer.status,
        escape(media_type)
    );
    match oracle.problems(&at, &answer.body) {
        problems if problems.is_empty() => Ok(()),
        problems => Err(format!("{} {problems:?}", answer.body)),
    }
}

#[tokio::test]
async fn every_operation_answers_as_described() {
    walk(ArizeRevision::Current, 160).await;
}

#[tokio::test]
async fn every_operation_of_the_first_revision_answers_as_described() {
    walk(ArizeRevision::Of20260702, 117).await;
}
