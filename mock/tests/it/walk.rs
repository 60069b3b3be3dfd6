//! Every operation of the description answers a valid request as the description says.

use gatewright_mock::Profile;
use reqwest::Method;
use reqwest::multipart;
use serde_json::{Value, json};

use crate::harness::*;
use crate::oracle::*;

/// How many operations the API has, and how many more its clients call.
const OPERATIONS: [usize; 2] = [231, 13];

/// The objects that paths and bodies refer to.
struct Prepared {
    workspace: Value,
    /// A workspace that nothing depends on.
    empty: Value,
    integration: String,
    provider: String,
    guardrail: String,
    config: String,
    usage: String,
    rate: String,
    secret: String,
    /// Objects of kinds that no other kind here refers to, by the path parameter that names them.
    named: Vec<(String, String)>,
    collection: String,
}

async fn prepare(api: &Api, path: &str) -> Prepared {
    let workspace = api.workspace("Walk").await;
    let empty = api.workspace("Empty").await;
    let integration = api.integration("walk", Some(&workspace)).await;
    let provider = json!({
        "name": "p", "integration_id": integration, "workspace_id": workspace["id"],
    });
    let provider = text(&api.post("/providers", provider).await.ok()["slug"]);
    let feedback = json!({ "feedback": { "value": 1, "weight": 1, "metadata": "" } });
    let guardrail = json!({
        "name": "g",
        "checks": [{ "id": "default.jwt" }],
        "actions": { "deny": true, "async": false, "on_success": feedback, "on_fail": feedback },
    });
    let guardrail = text(&api.post("/guardrails", guardrail).await.ok()["id"]);
    api.post("/configs", json!({ "name": "c", "config": {} }))
        .await
        .ok();
    let config = text(&api.get("/configs").await.ok()["data"][0]["slug"]);
    let policy = json!({
        "conditions": [{ "key": "api_key", "value": "x" }], "group_by": [{ "key": "api_key" }],
        "type": "tokens", "credit_limit": 5, "unit": "rpm", "value": 5,
    });
    let usage = text(
        &api.post("/policies/usage-limits", policy.clone())
            .await
            .ok()["id"],
    );
    let rate = text(&api.post("/policies/rate-limits", policy).await.ok()["id"]);
    let secret = json!({
        "name": "s", "manager_type": "aws_sm", "secret_path": "p",
        "auth_config": { "aws_auth_type": "serviceRole", "aws_region": "us-east-1" },
    });
    let secret = text(&api.post("/secret-references", secret).await.ok()["id"]);
    let collection = json!({ "name": "col", "workspace_id": workspace["id"] });
    let collection = text(&api.post("/collections", collection).await.ok()["id"]);
    let empty_collection = json!({ "name": "empty", "workspace_id": workspace["id"] });
    let empty_collection = text(&api.post("/collections", empty_collection).await.ok()["id"]);
    let label = json!({ "name": "walk", "workspace_id": workspace["id"] });
    let label = api.post("/labels", label).await.ok();
    let prompt = json!({
        "name": "pr", "collection_id": collection, "virtual_key": provider,
        "string": "[{\"role\": \"user\", \"content\": \"{{x}}\"}]", "parameters": {}, "model": "gpt-5",
    });
    let prompt = api.post("/prompts", prompt).await.ok();
    let partial = json!({ "name": "pa", "string": "s", "workspace_id": workspace["id"] });
    let partial = api.post("/prompts/partials", partial).await.ok();
    let user = api.get("/admin/users?role=member").await.ok()["data"][0].clone();
    let members = format!("/admin/workspaces/{}/users", text(&workspace["id"]));
    let body = json!({ "users": [{ "id": user["id"], "role": "member" }] });
    api.post(&members, body).await.ok();
    let body = json!({ "email": "new@example.com", "role": "member", "workspaces": [] });
    let invite = api.post("/admin/users/invites", body).await.ok();
    let body =
        json!({ "workspace_id": workspace["id"], "role": "member", "scim_group_name": "group" });
    let mapping = api.post("/scim/workspaces", body).await.ok();
    let body = json!({ "name": "k", "scopes": ["logs.list"] });
    let key = api.post("/api-keys/organisation/service", body).await.ok();
    let mcp = json!({ "name": "mcp", "url": "https://mcp.example.com", "auth_type": "none", "transport": "http" });
    let mcp = api.post("/mcp-integrations", mcp).await.ok();
    let access = format!("/mcp-integrations/{}/workspaces", text(&mcp["id"]));
    let body = json!({ "workspaces": [{ "id": workspace["id"], "enabled": true }] });
    api.put(&access, body).await.ok();
    let server = json!({ "name": "server", "mcp_integration_id": mcp["id"], "workspace_id": workspace["id"] });
    let server = api.post("/mcp-servers", server).await.ok();
    let log = json!({ "request": { "url": "https://example.com/v1", "body": {} },
        "response": { "body": {} }, "metadata": { "trace_id": "walk-trace" } });
    assert_eq!(api.post("/logs", log).await.status, 200);
    let feedback = json!({ "trace_id": "walk-trace", "value": 1 });
    let feedback = api.post("/feedback", feedback).await.ok();
    let export = json!({ "filters": {}, "requested_data": [], "workspace_id": workspace["id"] });
    let export = api.post("/logs/exports", export).await.ok();
    if path.starts_with("/logs/exports") && path.ends_with("cancel") || path.ends_with("download") {
        let start = format!("/logs/exports/{}/start", text(&export["id"]));
        api.post(&start, json!({})).await.ok();
    }
    if path.ends_with("download") {
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    }
    let named = [
        ("feedback", text(&feedback["feedback_ids"][0])),
        ("exportId", text(&export["id"])),
        ("logId", "walk-trace".to_owned()),
        ("mcpIntegrationId", text(&mcp["id"])),
        ("mcpServerId", text(&server["id"])),
        ("id", text(&key["id"])),
        ("sub-type", "service".to_owned()),
        ("userId", text(&user["id"])),
        ("inviteId", text(&invite["id"])),
        ("scimWorkspaceGroupId", text(&mapping["id"])),
        ("collectionId", empty_collection),
        ("labelId", text(&label["id"])),
        ("promptId", text(&prompt["id"])),
        ("versionId", text(&prompt["version_id"])),
        ("promptPartialId", text(&partial["id"])),
    ];
    let named = named
        .map(|(parameter, name)| (parameter.to_owned(), name))
        .to_vec();
    Prepared {
        named,
        collection,
        workspace,
        empty,
        integration,
        provider,
        guardrail,
        config,
        usage,
        rate,
        secret,
    }
}

impl Prepared {
    /// The value of a path parameter, where it has to name something that exists.
    fn parameter(&self, method: &str, path: &str, name: &str) -> Option<String> {
        let value = match name {
            "workspaceId"
                if method == "delete" && path.ends_with('}') && !path.contains("users") =>
            {
                self.empty["id"].as_str()?
            }
            "workspaceId" => self.workspace["id"].as_str()?,
            "guardrailId" => &self.guardrail,
            "policyUsageLimitsId" => &self.usage,
            "rateLimitsPolicyId" => &self.rate,
            "secretReferenceId" => &self.secret,
            "id" if path.starts_with("/feedback") => {
                return self.parameter(method, path, "feedback");
            }
            "model" if path.starts_with("/model-configs") => "gpt-5",
            "provider" if path.starts_with("/model-configs") => "openai",
            "slug" if path.starts_with("/integrations") => &self.integration,
            "slug" if path.starts_with("/configs") => &self.config,
            "slug" => &self.provider,
            _ => {
                let mut named = self.named.iter();
                &named.find(|(parameter, _)| *parameter == name)?.1
            }
        };
        Some(value.to_owned())
    }

    /// What a minimal body needs on top of what its schema requires.
    fn complete(&self, method: &str, path: &str, body: &mut Value) {
        let more = match (method, path) {
            ("post", "/providers") => {
                json!({ "integration_id": self.integration, "workspace_id": self.workspace["id"] })
            }
            ("delete", "/admin/workspaces/{workspaceId}") => {
                json!({ "name": "Empty" })
            }
            ("post", "/prompts") => {
                json!({ "collection_id": self.collection, "virtual_key": self.provider })
            }
            ("post", "/api-keys/{type}/{sub-type}") => json!({ "scopes": ["logs.list"] }),
            ("post", "/mcp-servers") => json!({
                "workspace_id": self.workspace["id"],
                "mcp_integration_id": self.parameter(method, path, "mcpIntegrationId"),
            }),
            ("put", "/mcp-integrations/{mcpIntegrationId}/workspaces") => {
                json!({ "workspaces": [] })
            }
            ("post", "/scim/workspaces") => json!({ "workspace_id": self.workspace["id"] }),
            ("put", "/prompts/{promptId}/makeDefault")
            | ("put", "/prompts/partials/{promptPartialId}/makeDefault") => json!({ "version": 1 }),
            // An update has to update something.
            ("put", "/secret-references/{secretReferenceId}") => json!({ "name": "t" }),
            _ => return,
        };
        if let (Value::Object(body), Value::Object(more)) = (body, more) {
            body.extend(more);
        }
    }
}

async fn walk(profile: Profile) {
    let api = Api::start(profile).await;
    let document = api.get("/../_mock/openapi.json").await.ok();
    let oracle = Oracle::new(document);
    let operations = oracle.operations();
    let [documented, beyond] = OPERATIONS;
    assert_eq!(
        operations.len(),
        documented + usize::from(profile == Profile::Live) * beyond
    );
    let mut failures = Vec::new();
    for (method, path, pointer) in operations {
        api.post("/../_mock/reset", json!({})).await.ok();
        let mut prepared = prepare(&api, &path).await;
        if KEPT.iter().any(|prefix| path.starts_with(prefix)) {
            prepared.named = kept(&api, &oracle, &path).await;
        }
        if let Err(problem) = call(&api, &oracle, &prepared, method, &path, &pointer).await {
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

/// Where the paths begin of what providers keep for their customers.
const KEPT: [&str; 6] = [
    "/assistants",
    "/batches",
    "/files",
    "/fine_tuning",
    "/threads",
    "/vector_stores",
];

/// Makes the objects that a path names, from the outermost in, with minimal bodies.
async fn kept(api: &Api, oracle: &Oracle, path: &str) -> Vec<(String, String)> {
    let mut named: Vec<(String, String)> = Vec::new();
    let (mut template, mut url) = (String::new(), String::new());
    for segment in path.split('/').skip(1) {
        let parameter = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        let content = format!("/paths/{}/post/requestBody/content", escape(&template));
        let content = parameter.and_then(|_| {
            oracle
                .document
                .pointer(&content)?
                .as_object()?
                .keys()
                .next()
        });
        let segment = match (parameter, content) {
            (Some(parameter), Some(media_type)) => {
                let schema = format!(
                    "/paths/{}/post/requestBody/content/{}/schema",
                    escape(&template),
                    escape(media_type)
                );
                let body = oracle.minimal(&schema).unwrap();
                let request = api.request(Method::POST, &url);
                let request = match media_type.as_str() {
                    "application/json" => request.json(&body),
                    _ => request.multipart(form(&body)),
                };
                let name = text(&send(request).await.ok()["id"]);
                named.push((parameter.to_owned(), name.clone()));
                name
            }
            (Some(_), None) => "sample".to_owned(),
            (None, _) => segment.to_owned(),
        };
        template = format!(
            "{template}/{}",
            path.split('/')
                .nth(1 + template.matches('/').count())
                .unwrap()
        );
        url = format!("{url}/{segment}");
    }
    named
}

/// Sends a minimal valid request to one operation and judges the answer.
async fn call(
    api: &Api,
    oracle: &Oracle,
    prepared: &Prepared,
    method: &str,
    path: &str,
    pointer: &str,
) -> Result<(), String> {
    let operation = oracle.document.pointer(pointer).unwrap();
    let item = pointer.rsplit_once('/').unwrap().0;
    let mut url = path.to_owned();
    let mut query: Vec<(String, String)> = Vec::new();
    for holder in [item, pointer] {
        let count = oracle
            .document
            .pointer(&format!("{holder}/parameters"))
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        for index in 0..count {
            let at = format!("{holder}/parameters/{index}");
            let (at, parameter) = oracle.at(&at).unwrap();
            let name = parameter["name"].as_str().unwrap();
            let sample = || plain(&oracle.minimal(&format!("{at}/schema")).unwrap());
            match parameter["in"].as_str().unwrap() {
                "path" => {
                    let value = prepared
                        .parameter(method, path, name)
                        .unwrap_or_else(sample);
                    url = url.replace(&format!("{{{name}}}"), &value);
                }
                "query" if parameter["required"] == json!(true) => {
                    // A list of one workspace needs one that is there.
                    let value = match name {
                        "workspace_id" => text(&prepared.workspace["id"]),
                        "workspace_slug" => text(&prepared.workspace["slug"]),
                        "start_time" | "end_time" => "2026-01-01T00:00:00Z".to_owned(),
                        _ => sample(),
                    };
                    query.push((name.to_owned(), value));
                }
                _ => {}
            }
        }
    }
    let mut request = api.request(
        Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(),
        &url,
    );
    request = request.query(&query);
    if operation.get("requestBody").is_some() {
        let (body_at, body) = oracle.at(&format!("{pointer}/requestBody")).unwrap();
        let (media_type, _) = body["content"].as_object().unwrap().iter().next().unwrap();
        let schema = format!("{body_at}/content/{}/schema", escape(media_type));
        let mut value = oracle.minimal(&schema).ok_or("no minimal body")?;
        prepared.complete(method, path, &mut value);
        let problems = oracle.problems(&schema, &value);
        if !problems.is_empty() {
            return Err(format!(
                "the test's own body is invalid: {value} {problems:?}"
            ));
        }
        request = if media_type == "application/json" {
            request.json(&value)
        } else {
            request.multipart(form(&value))
        };
    }
    let answer = send(request).await;
    if path == "/realtime" {
        // The one operation without a success: it speaks WebSocket.
        return match answer.status {
            426 => Ok(()),
            status => Err(format!("{status}")),
        };
    }
    let documented = &operation["responses"][answer.status.to_string()];
    if !(200..300).contains(&answer.status) || documented.is_null() {
        return Err(format!("{} {}", answer.status, answer.body));
    }
    let at = format!("{pointer}/responses/{}", answer.status);
    let (at, response) = oracle.at(&at).unwrap();
    let media_type = answer
        .headers
        .get("content-type")
        .map(|value| value.to_str().unwrap());
    let Some(contents) = response.get("content").and_then(Value::as_object) else {
        return match media_type {
            None => Ok(()),
            Some(other) => Err(format!("{other}, though no body is documented")),
        };
    };
    let media_type = media_type.ok_or("no Content-Type")?;
    if !contents.contains_key(media_type) {
        return Err(format!("{media_type} is not documented"));
    }
    if media_type == "application/json" {
        let problems = oracle.problems(
            &format!("{at}/content/{}/schema", escape(media_type)),
            &answer.body,
        );
        if !problems.is_empty() {
            return Err(format!("{} {problems:?}", answer.body));
        }
    }
    Ok(())
}

fn form(value: &Value) -> multipart::Form {
    let mut form = multipart::Form::new();
    for (name, value) in value.as_object().unwrap() {
        form = form.text(name.clone(), plain(value));
    }
    form
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[tokio::test]
async fn every_operation_of_the_live_profile_answers_as_described() {
    walk(Profile::Live).await;
}

#[tokio::test]
async fn every_operation_of_the_documented_profile_answers_as_described() {
    walk(Profile::Documented).await;
}
