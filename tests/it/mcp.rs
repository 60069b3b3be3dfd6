//! What an MCP server can do is found by the server: entries switch it, and make none of it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Fate, Project, Proxy, Seen, Server, text};

const MANIFEST: &str = "workspaces:
  w: { name: W }
mcp_integrations:
  docs:
    url: https://docs.example/mcp
    transport: http
    auth_type: none
    workspaces: { w: { enabled: true } }
    capabilities:
      tool/search: { enabled: true }
      tool/echo: { enabled: false }
mcp_servers:
  docs-w:
    workspace_id: w
    mcp_integration_id: docs
    capabilities:
      tool/search: { enabled: false }
";

/// What may be used, by sort and name.
fn switched(server: &Server, path: &str) -> Vec<(String, bool)> {
    let all = server.get(&format!("{path}/capabilities"))["data"].clone();
    let all = all.as_array().unwrap().iter();
    let named = all.map(|it| {
        let name = format!("{}/{}", text(&it["type"]), text(&it["name"]));
        (name, it["enabled"] == true)
    });
    named.collect()
}

#[test]
fn what_a_server_can_do_is_switched_and_neither_made_nor_taken_away() {
    let (server, project) = (Server::start(), Project::of(MANIFEST));
    let url = server.url();
    project.apply(&url);
    project.assert_converged(&server, &url);
    let id = text(&server.named("/mcp-integrations", "docs")["id"]);
    let integration = format!("/mcp-integrations/{id}");
    let is = |name: &str| {
        let all = switched(&server, &integration);
        all.iter().find(|(it, _)| it == name).unwrap().1
    };
    assert!(is("tool/search") && !is("tool/echo"));
    let own = text(&server.named("/mcp-servers", "docs-w")["id"]);
    let of_server = switched(&server, &format!("/mcp-servers/{own}"));
    assert!(of_server.contains(&("tool/search".to_owned(), false)));

    // Somebody switches one.
    let path = format!("{integration}/capabilities");
    let echo = json!({ "capabilities": [{ "name": "echo", "type": "tool", "enabled": true }] });
    assert_eq!(server.send(Method::PUT, &path, Some(echo)).0, 200);
    let drift = project.at(&url, ["drift"]).run().expect(2);
    let says = "/capabilities/tool~1echo/enabled: true → false";
    assert!(drift.stdout.contains(says), "{drift}");
    let proxy = Proxy::start(&server, |_| Fate::Forward);
    project.apply(&proxy.url());
    let writes: Vec<Seen> = proxy.seen().into_iter().filter(Seen::is_write).collect();
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert!(!is("tool/echo"));
    project.assert_converged(&server, &url);

    // What is no longer declared stays as it is.
    project.edit("      tool/echo: { enabled: false }\n", "");
    project.assert_converged(&server, &url);
    assert!(!is("tool/echo"));

    // What the server has not found is named in every plan, and makes nothing.
    project.edit(
        "tool/search: { enabled: true }",
        "tool/later: { enabled: true }",
    );
    let before = switched(&server, &integration);
    for _ in 0..2 {
        let plan = project.at(&url, ["plan"]).run();
        let all = format!("{}{}", plan.stdout, plan.stderr);
        assert!(all.contains("later"), "{plan}");
    }
    assert_eq!(switched(&server, &integration), before);

    // Templates of resources are listed and cannot be switched.
    project.edit(
        "tool/later: { enabled: true }",
        "resource_template/x: { enabled: true }",
    );
    let validate = project.cli(["validate"]).run().expect(1);
    assert!(
        validate.stderr.contains("resource_template/x"),
        "{validate}"
    );
}

#[test]
fn the_organisation_of_an_integration_is_said_when_it_is_made_and_means_nothing_later() {
    let server = Server::start();
    let manifest = format!(
        "mcp_integrations:\n  docs:\n    organisation_id: {}\n    url: https://docs.example/mcp\n    \
         transport: http\n    auth_type: none\n",
        server.organisation()
    );
    let project = Project::of(&manifest);
    let proxy = Proxy::start(&server, |_| Fate::Forward);
    project.apply(&proxy.url());
    let seen = proxy.seen();
    let made = seen.iter().find(|it| it.creates("/mcp-integrations"));
    let body: Value = serde_json::from_str(&made.unwrap().body).unwrap();
    assert_eq!(body["organisation_id"], server.organisation());
    project.assert_converged(&server, &proxy.url());
    project.edit(
        &format!("    organisation_id: {}\n", server.organisation()),
        "",
    );
    project.assert_converged(&server, &proxy.url());
}
