//! What somebody else took away: objects whose entries go as well, members of what is declared, and
//! answers that never came.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Fate, Project, Proxy, Seen, Server, text};

const MANIFEST: &str = "workspaces:
  w: { name: W, users: { mary: { role: member } } }
users:
  mary: { email: member@example.com }
scim_workspace_mappings:
  engineers: { workspace_id: w, role: member, scim_group_name: engineers }
secret_references:
  vault: { manager_type: aws_sm, secret_path: p, auth_config: { aws_auth_type: serviceRole } }
integrations:
  i:
    ai_provider_id: openai
    key: ${env:OPENAI_API_KEY}
    models:
      org/own: { enabled: true, is_custom: true }
      gpt-5: { enabled: true }
    workspaces: { w: { enabled: true, usage_limits: [{ type: cost, credit_limit: 5 }] } }
guardrails:
  g: { workspace_id: w, checks: [{ id: portkey.gibberish }], actions: { deny: true, async: false } }
configs:
  c: { workspace_id: w, config: { retry: { attempts: 1 } } }
partials:
  t: { workspace_id: w, string: A text }
usage_limits_policies:
  u:
    workspace_id: w
    conditions: [{ key: api_key, value: \"*\" }]
    group_by: [{ key: api_key }]
    type: cost
    credit_limit: 5
mcp_integrations:
  m:
    url: https://m.example/mcp
    transport: http
    auth_type: none
    workspaces: { w: { enabled: true } }
";

/// Entries that nothing else needs, and where their objects are.
fn objects(server: &Server) -> Vec<(&'static str, &'static str, String)> {
    let workspace = server.workspace("W");
    let in_workspace = |list: &str, field: &str| {
        let one = server.list_in(list, &workspace).remove(0);
        format!("{list}/{}", text(&one[field]))
    };
    let named =
        |list: &str, name: &str| format!("{list}/{}", text(&server.named(list, name)["id"]));
    let mappings = server.get("/scim/workspaces");
    vec![
        ("guardrails", "g", in_workspace("/guardrails", "slug")),
        ("configs", "c", in_workspace("/configs", "slug")),
        ("partials", "t", in_workspace("/prompts/partials", "slug")),
        (
            "usage_limits_policies",
            "u",
            named("/policies/usage-limits", "u"),
        ),
        ("mcp_integrations", "m", named("/mcp-integrations", "m")),
        (
            "secret_references",
            "vault",
            "/secret-references/vault".to_owned(),
        ),
        (
            "scim_workspace_mappings",
            "engineers",
            format!("/scim/workspaces/{}", text(&mappings["mappings"][0]["id"])),
        ),
    ]
}

#[test]
fn what_is_gone_needs_no_deletion() {
    let (server, project) = (Server::start(), Project::of(MANIFEST));
    let url = server.url();
    project.apply(&url);
    let objects = objects(&server);
    for (kind, key, path) in &objects {
        assert_eq!(server.send(Method::DELETE, path, None).0, 200, "{path}");
        project.remove_entry(kind, key);
    }
    server.clear();
    project.apply(&url);
    assert_eq!(server.writes(), [""; 0]);
    project.assert_converged(&server, &url);
}

#[test]
fn what_goes_between_the_plan_and_its_deletion_is_deleted() {
    let (server, project) = (Server::start(), Project::of(MANIFEST));
    let missing = r#"{"success":false,"data":{"message":"not found","errorCode":"AB08"}}"#;
    let json = "content-type: application/json\r\n";
    let missing = crate::support::response("404 Not Found", json, missing);
    let proxy = Proxy::start(&server, move |seen| match seen.method.as_str() {
        "DELETE" => Fate::ForwardAndAnswer(missing.clone()),
        _ => Fate::Forward,
    });
    project.apply(&proxy.url());
    let objects = objects(&server);
    for (kind, key, _) in &objects {
        project.remove_entry(kind, key);
    }
    proxy.clear();
    project.apply(&proxy.url());
    let seen = proxy.seen();
    let deleted = seen.iter().filter(|it| it.method == "DELETE");
    assert_eq!(deleted.count(), objects.len());
    project.assert_converged(&server, &proxy.url());
}

#[test]
fn what_somebody_takes_out_of_an_object_is_drift_and_comes_back() {
    let (server, project) = (Server::start(), Project::of(MANIFEST));
    let url = server.url();
    project.apply(&url);
    let workspace = server.workspace("W");
    let id = text(&workspace["id"]);
    let mary = server.get("/admin/users?email=member@example.com");
    let mary = text(&mary["data"][0]["id"]);
    let mcp = text(&server.named("/mcp-integrations", "m")["id"]);
    let off = json!({ "workspaces": [{ "id": id, "enabled": false }] });
    let gpt = json!({ "models": [{ "slug": "gpt-5", "enabled": false }] });
    let own = json!({ "models": ["org/own"] });
    let table = [
        (
            Method::DELETE,
            format!("/admin/workspaces/{id}/users/{mary}"),
            None,
            "/users/mary",
        ),
        (
            Method::PUT,
            "/integrations/i/workspaces".to_owned(),
            Some(off.clone()),
            "/workspaces/w/enabled",
        ),
        (
            Method::DELETE,
            "/integrations/i/models".to_owned(),
            Some(own),
            "/models/org~1own",
        ),
        (
            Method::PUT,
            "/integrations/i/models".to_owned(),
            Some(gpt),
            "/models/gpt-5/enabled",
        ),
        (
            Method::PUT,
            format!("/mcp-integrations/{mcp}/workspaces"),
            Some(off),
            "/workspaces/w/enabled",
        ),
    ];
    for (method, path, body, place) in table {
        assert_eq!(server.send(method, &path, body).0, 200, "{path}");
        let drift = project.at(&url, ["drift"]).run().expect(2);
        assert_eq!(drift.changes().len(), 1, "{path}: {drift}");
        assert!(drift.stdout.contains(place), "{path}: {drift}");
        project.apply(&url);
        project.assert_converged(&server, &url);
    }
}

#[test]
fn an_object_that_is_made_and_cannot_be_read_is_known() {
    let (server, project) = (Server::start(), Project::of(MANIFEST));
    let broken = r#"{"success":false,"data":{"message":"no","errorCode":"AB01"}}"#;
    let proxy = Proxy::start(&server, move |seen| {
        let reads = seen.method == "GET" && seen.path.starts_with("/configs/");
        match reads {
            true => {
                let json = "content-type: application/json\r\n";
                Fate::answer("400 Bad Request", json, broken)
            }
            false => Fate::Forward,
        }
    });
    let apply = project.at(&proxy.url(), ["apply", "--yes"]).run();
    assert_ne!(apply.code, 0, "{apply}");
    assert_eq!(server.list_in("/configs", &server.workspace("W")).len(), 1);
    project.apply(&server.url());
    assert_eq!(server.list_in("/configs", &server.workspace("W")).len(), 1);
    project.assert_converged(&server, &server.url());
}

#[test]
fn a_base_url_may_end_in_a_slash() {
    let (server, project) = (Server::start(), Project::small());
    let proxy = Proxy::start(&server, |_| Fate::Forward);
    project.apply(&format!("{}/", proxy.url()));
    let paths: Vec<String> = proxy
        .seen()
        .into_iter()
        .map(|seen: Seen| seen.path)
        .collect();
    assert!(!paths.iter().any(|path| path.contains("//")), "{paths:?}");
    project.assert_converged(&server, &proxy.url());
    let live: Value = server.workspace("Payments");
    assert!(live["id"].is_string());
}
