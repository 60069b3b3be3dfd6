//! What another repository manages is named by its id, whatever the API calls it.

use crate::support::{Fate, Project, Proxy, Server, text};

/// Every way to name a workspace.
const MANIFEST: &str = r#"configs:
  c: { workspace_id: WORKSPACE, config: { retry: { attempts: 3 } } }
guardrails:
  g:
    workspace_id: WORKSPACE
    checks: [{ id: default.wordCount, parameters: { maxWords: 3 } }]
    actions: { deny: true, async: false }
collections:
  l: { workspace_id: WORKSPACE }
partials:
  t: { workspace_id: WORKSPACE, string: hi }
labels:
  b: { workspace_id: WORKSPACE }
api_keys:
  k:
    type: workspace
    sub_type: service
    workspace_id: WORKSPACE
    scopes: [logs.list]
    defaults: { config_id: c }
    lifecycle: { sink: { file: k.txt } }
usage_limits_policies:
  p:
    workspace_id: WORKSPACE
    conditions: [{ key: api_key, value: "*" }]
    group_by: [{ key: api_key }]
    type: cost
    credit_limit: 3
integrations:
  i:
    ai_provider_id: openai
    key: ${env:OPENAI_API_KEY}
    workspaces: { WORKSPACE: { enabled: true, usage_limits: [{ type: cost, credit_limit: 5 }] } }
  own: { ai_provider_id: openai, key: "${env:OPENAI_API_KEY}", workspace_id: WORKSPACE }
providers:
  v: { workspace_id: WORKSPACE, integration_id: i }
mcp_integrations:
  m:
    url: https://mcp.example
    transport: http
    auth_type: none
    workspaces: { WORKSPACE: { enabled: true } }
secret_references:
  s:
    manager_type: aws_sm
    secret_path: p
    auth_config: { aws_auth_type: serviceRole, aws_region: us-east-1 }
    allowed_workspaces: [WORKSPACE]
scim_workspace_mappings:
  f: { workspace_id: WORKSPACE, role: member, scim_group_name: finance }
invites:
  a: { email: a@b.example, role: member, workspaces: [{ id: WORKSPACE, role: member }] }
"#;

#[test]
fn a_workspace_that_is_managed_elsewhere_is_its_id_everywhere() {
    let server = Server::start();
    let id = text(&server.make_workspace("Elsewhere")["id"]);
    let project = Project::of(&MANIFEST.replace("WORKSPACE", &id));
    project.apply(&server.url());
    project.assert_converged(&server, &server.url());

    // A budget of its own is still a change of that and of nothing else.
    project.edit("credit_limit: 5", "credit_limit: 6");
    let plan = project.at(&server.url(), ["plan"]).run().expect(0);
    assert_eq!(plan.changes(), ["~ integrations.i"], "{plan}");
    let place = format!("/workspaces/{id}/usage_limits/0/credit_limit: 5 → 6");
    assert!(plan.stdout.contains(&place), "{plan}");
    server.clear();
    project.apply(&server.url());
    assert_eq!(server.writes().len(), 1, "{:?}", server.writes());
    project.assert_converged(&server, &server.url());

    // Declared after all, it is the same workspace under its key.
    let declared = MANIFEST.replace("WORKSPACE", "e") + "workspaces:\n  e: { name: Elsewhere }\n";
    let declared = declared.replace("credit_limit: 5", "credit_limit: 6");
    project.file("org/all.yaml", &declared);
    let plan = project.at(&server.url(), ["plan"]).run().expect(0);
    assert_eq!(plan.changes(), [""; 0], "{plan}");
}

#[test]
fn who_may_not_list_workspaces_reads_the_rest() {
    let server = Server::start();
    let id = text(&server.make_workspace("Elsewhere")["id"]);
    let (before, _) = MANIFEST.split_once("integrations:").unwrap();
    let project = Project::of(&before.replace("WORKSPACE", &id));
    let refused = r#"{"success":false,"data":{"message":"no","errorCode":"AB03"}}"#;
    let proxy = Proxy::start(&server, move |seen| {
        match seen.path.contains("/admin/workspaces") {
            true => Fate::answer("403 Forbidden", "", refused),
            false => Fate::Forward,
        }
    });
    project.apply(&proxy.url());
    project.assert_converged(&server, &proxy.url());
}
