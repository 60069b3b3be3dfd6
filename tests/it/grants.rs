//! Who may use an integration: every workspace, beside those that are named.

use serde_json::{Value, json};

use crate::support::{Project, Server, text};

const MANIFEST: &str = "workspaces:
  one: { name: One }
  two: { name: Two }
integrations:
  everywhere:
    ai_provider_id: openai
    key: ${env:OPENAI_API_KEY}
    global_workspace_access:
      enabled: true
      usage_limits: [{ type: cost, credit_limit: 50, periodic_reset: monthly }]
    workspaces:
      two: { enabled: false }
mcp_integrations:
  docs:
    url: https://docs.example/mcp
    transport: http
    auth_type: none
    global_workspace_access: { enabled: true }
    workspaces:
      two: { enabled: false }
";

/// The workspaces that have access to something, by name.
fn open_to(server: &Server, path: &str) -> Vec<String> {
    let grants = server.get(&format!("{path}/workspaces"));
    let grants = grants["workspaces"].as_array().unwrap().clone();
    let open = grants.iter().filter(|grant| grant["enabled"] == true);
    let ids: Vec<&Value> = open.map(|grant| &grant["id"]).collect();
    let workspaces = server.list("/admin/workspaces").into_iter();
    let named = workspaces.filter(|it| ids.contains(&&it["id"]) || ids.contains(&&it["slug"]));
    let mut names: Vec<String> = named.map(|it| text(&it["name"])).collect();
    names.retain(|name| name == "One" || name == "Two" || name == "Later");
    names.sort();
    names
}

fn said(server: &Server) -> Value {
    server.get("/integrations/everywhere")["global_workspace_access_settings"].clone()
}

#[test]
fn access_of_all_workspaces_is_made_changed_and_taken_away() {
    let (server, project) = (Server::start(), Project::of(MANIFEST));
    let url = server.url();
    project.apply(&url);
    project.assert_converged(&server, &url);
    assert_eq!(said(&server)["enabled"], true);
    assert_eq!(said(&server)["usage_limits"][0]["credit_limit"], 50);
    let mcp = format!(
        "/mcp-integrations/{}",
        text(&server.named("/mcp-integrations", "docs")["id"])
    );
    // What is said of one workspace has the last word.
    let own = "/integrations/everywhere";
    assert_eq!(open_to(&server, own), ["One"]);
    assert_eq!(
        server.get(&format!("{mcp}/workspaces"))["global_workspace_access"]["enabled"],
        true
    );
    // No provider comes along that nobody declares.
    assert_eq!(
        server.list_in("/providers", &server.workspace("One")),
        [] as [Value; 0]
    );
    server.make_workspace("Later");
    assert_eq!(open_to(&server, own), ["Later", "One"]);
    project.assert_converged(&server, &url);

    // Somebody switches it off.
    let off = json!({ "workspaces": [], "global_workspace_access": { "enabled": false } });
    server.put("/integrations/everywhere/workspaces", off);
    let plan = project.at(&url, ["plan"]).run().expect(0);
    assert!(
        plan.stdout
            .contains("/global_workspace_access/enabled: false → true (drift"),
        "{plan}"
    );
    project.apply(&url);
    project.assert_converged(&server, &url);

    project.edit(
        "[{ type: cost, credit_limit: 50, periodic_reset: monthly }]",
        "null",
    );
    project.apply(&url);
    assert_eq!(said(&server)["enabled"], true);
    let limits = &said(&server)["usage_limits"];
    assert!(limits.is_null() || limits == &json!([]), "{limits}");
    project.assert_converged(&server, &url);

    let text = project.read("org/all.yaml");
    project.file(
        "org/all.yaml",
        &text.replace("enabled: true", "enabled: false"),
    );
    project.apply(&url);
    assert_eq!(said(&server)["enabled"], false);
    let mcp = server.get(&format!("{mcp}/workspaces"));
    assert_eq!(mcp["global_workspace_access"]["enabled"], false);
    project.assert_converged(&server, &url);
}

#[test]
fn access_of_all_workspaces_is_imported() {
    let (server, project) = (Server::start(), Project::of(MANIFEST));
    project.apply(&server.url());
    let empty = Project::new();
    let import = empty.at(&server.url(), ["import"]);
    import.without("OPENAI_API_KEY").run().expect(0);
    for (file, times) in [
        ("org/integrations.yaml", 1),
        ("org/mcp-integrations.yaml", 1),
    ] {
        let text = empty.read(file);
        assert_eq!(
            text.matches("global_workspace_access:").count(),
            times,
            "{text}"
        );
    }
    let plan = empty.at(&server.url(), ["plan", "--detailed-exitcode"]);
    plan.without("OPENAI_API_KEY").run().expect(0);
}

#[test]
fn a_provider_that_came_along_stands_in_the_way_until_it_is_declared() {
    let (server, project) = (Server::start(), Project::of(MANIFEST));
    let url = server.url();
    project.apply(&url);
    let later = "workspaces:\n  later: { name: Later, lifecycle: { protect: false } }\n";
    project.file("org/later.yaml", later);
    project.apply(&url);
    let made = server.list_in("/providers", &server.workspace("Later"));
    assert_eq!(made.len(), 1, "{made:?}");
    let slug = text(&made[0]["slug"]);

    project.file("org/later.yaml", "workspaces: {}\n");
    let apply = project.at(&url, ["apply", "--yes"]).run();
    assert_ne!(apply.code, 0, "{apply}");
    let help = "`gatewright import --dry-run` shows what is there";
    assert!(apply.stderr.contains(help), "{apply}");
    let import = project.at(&url, ["import", "--dry-run"]).run().expect(0);
    let reason = "they came with access to an integration";
    assert!(
        import.stdout.contains(reason) || import.stderr.contains(reason),
        "{import}"
    );

    let declared = format!(
        "{later}providers:\n  {slug}: {{ workspace_id: later, integration_id: everywhere }}\n"
    );
    project.file("org/later.yaml", &declared);
    project.apply(&url);
    project.file("org/later.yaml", "workspaces: {}\n");
    project.apply(&url);
    project.assert_converged(&server, &url);
    let names: Vec<String> = server
        .list("/admin/workspaces")
        .iter()
        .map(|it| text(&it["name"]))
        .collect();
    assert!(!names.contains(&"Later".to_owned()), "{names:?}");
}
