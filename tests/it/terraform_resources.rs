//! The resources of the official Terraform provider for Portkey (0.2.28): what it asks of the API
//! for each of them, and what gatewright asks instead. What cannot change there cannot change here.

use std::collections::BTreeSet;

use gatewright::kind::{Identity, Is};
use gatewright::model::Pointer;
use gatewright::systems::portkey;
use serde_json::Value;

use crate::support::{Fate, Project, Proxy, Seen, Server};

/// What replaces a resource there when it changes, by gatewright's kinds and fields.
const FORCES_NEW: &[(&str, &[&str])] = &[
    ("invites", &["email", "role", "workspaces"]),
    ("integrations", &["ai_provider_id", "slug", "workspace_id"]),
    ("api_keys", &["type", "sub_type", "workspace_id", "user_id"]),
    ("providers", &["workspace_id", "integration_id", "slug"]),
    ("configs", &["workspace_id"]),
    ("partials", &["workspace_id"]),
    ("collections", &["workspace_id", "parent_collection_id"]),
    ("guardrails", &["workspace_id"]),
    (
        "usage_limits_policies",
        &["workspace_id", "conditions", "group_by", "type"],
    ),
    (
        "rate_limits_policies",
        &["workspace_id", "conditions", "group_by", "type"],
    ),
    ("mcp_integrations", &["slug", "workspace_id"]),
    ("secret_references", &["manager_type", "slug"]),
    (
        "scim_workspace_mappings",
        &["workspace_id", "role", "scim_group_id", "scim_group_name"],
    ),
];

/// What replaces a resource there and is a plain change here, because the API's document has it
/// among what updates take.
const CHANGES: &[(&str, &str)] = &[
    ("usage_limits_policies", "periodic_reset"),
    ("prompts", "collection_id"),
];

#[test]
fn what_forces_a_new_resource_there_does_so_here() {
    let kind = |name: &str| portkey::SYSTEM.kind(name).unwrap();
    let is_immutable = |name: &str, field: &str| {
        let at = Pointer::root().child(field);
        let key = field == "slug" && kind(name).identity == Identity::Slug;
        key || kind(name).has(&at, |is| matches!(is, Is::Immutable))
    };
    for (name, fields) in FORCES_NEW {
        for field in *fields {
            assert!(is_immutable(name, field), "{name} {field}");
        }
    }
    for (name, field) in CHANGES {
        assert!(!is_immutable(name, field), "{name} {field}");
    }
}

const MANIFEST: &str = "workspaces:
  w: { name: W, description: old, users: { mary: { role: member } } }
  v: { name: V }
users:
  mary: { email: member@example.com }
invites:
  new: { email: new@example.com, role: member, workspaces: [{ id: w, role: member }], lifecycle: { protect: false } }
scim_workspace_mappings:
  engineers: { workspace_id: w, role: member, scim_group_name: engineers }
secret_references:
  vault:
    manager_type: aws_sm
    secret_path: p
    description: old
    auth_config: { aws_auth_type: serviceRole, aws_region: us-east-1 }
    allowed_workspaces: [w]
integrations:
  i:
    ai_provider_id: openai
    key: ${env:OPENAI_API_KEY}
    description: old
    models:
      allow_all_models: false
      gpt-5: { enabled: true }
      org/own: { enabled: true, is_custom: true }
    workspaces:
      w: { enabled: true }
providers:
  p: { workspace_id: w, integration_id: i, note: old }
guardrails:
  g: { workspace_id: w, name: Old guardrail, checks: [{ id: portkey.gibberish }], actions: { deny: true, async: false } }
configs:
  c: { workspace_id: w, config: { retry: { attempts: 1 } } }
api_keys:
  k:
    type: workspace
    sub_type: service
    workspace_id: w
    scopes: [logs.list]
    description: old
    lifecycle: { sink: { file: k.txt }, protect: false }
collections:
  f: { workspace_id: w, name: Old collection }
partials:
  t: { workspace_id: w, string: Old text }
prompts:
  q: { collection_id: f, virtual_key: p, model: gpt-5, parameters: {}, string: Old prompt }
usage_limits_policies:
  u:
    workspace_id: w
    name: Old budget
    conditions: [{ key: api_key, value: \"*\" }]
    group_by: [{ key: api_key }]
    type: cost
    credit_limit: 5
rate_limits_policies:
  r:
    workspace_id: w
    name: Old rate
    conditions: [{ key: api_key, value: \"*\" }]
    group_by: [{ key: api_key }]
    type: requests
    unit: rpm
    value: 5
mcp_integrations:
  m:
    url: https://m.example/mcp
    transport: http
    auth_type: none
    description: old
    workspaces: { w: { enabled: true } }
";

/// A write without the ids that the server made: method, path, and the fields of the body.
fn line(seen: &Seen) -> String {
    let made = |segment: &str| {
        let dashes = segment.bytes().filter(|byte| *byte == b'-').count();
        let ends = segment.rsplit('-').next().unwrap_or_default();
        let hex = ends.len() >= 6 && ends.bytes().all(|byte| byte.is_ascii_hexdigit());
        dashes >= 2 && hex || dashes == 4 && segment.len() == 36
    };
    let (path, query) = match seen.path.split_once('?') {
        Some((path, query)) => (path, format!("?{}", query.split('=').next().unwrap())),
        None => (seen.path.as_str(), String::new()),
    };
    let path: Vec<&str> = path
        .split('/')
        .map(|segment| if made(segment) { "*" } else { segment })
        .collect();
    let body: Value = serde_json::from_str(&seen.body).unwrap_or_default();
    let fields = body.as_object().map(|body| {
        let fields: BTreeSet<&str> = body.keys().map(String::as_str).collect();
        fields.into_iter().collect::<Vec<_>>().join(" ")
    });
    let line = format!(
        "{} {}{query} {}",
        seen.method,
        path.join("/"),
        fields.unwrap_or_default()
    );
    line.trim_end().to_owned()
}

#[test]
fn every_resource_is_made_changed_and_deleted_by_what_the_api_has_for_it() {
    let (server, project) = (Server::start(), Project::of(MANIFEST));
    let proxy = Proxy::start(&server, |_| Fate::Forward);
    let writes = || -> Vec<String> {
        proxy.clear();
        project.apply(&proxy.url());
        proxy
            .seen()
            .iter()
            .filter(|seen| seen.is_write())
            .map(line)
            .collect()
    };
    let mut first = writes();
    first.sort();
    let made: &[&str] = &[
        "POST /admin/users/invites email role workspaces",
        "POST /admin/workspaces description name",
        "POST /admin/workspaces name",
        "POST /admin/workspaces/*/users users",
        "POST /api-keys/workspace/service description name scopes workspace_id",
        "POST /collections name workspace_id",
        "POST /configs config name workspace_id",
        "POST /guardrails actions checks name workspace_id",
        "POST /integrations ai_provider_id create_default_provider description key name slug",
        "POST /mcp-integrations auth_type description name slug transport url",
        "POST /policies/rate-limits conditions group_by name type unit value workspace_id",
        "POST /policies/usage-limits conditions credit_limit group_by name type workspace_id",
        "POST /prompts collection_id model name parameters string virtual_key",
        "POST /prompts/partials name string workspace_id",
        "POST /providers integration_id name note slug workspace_id",
        "POST /scim/workspaces role scim_group_name workspace_id",
        "POST /secret-references allowed_workspaces auth_config description manager_type name secret_path slug",
        "PUT /integrations/i/models allow_all_models models",
        "PUT /integrations/i/workspaces create_default_provider workspaces",
        "PUT /mcp-integrations/*/workspaces workspaces",
    ];
    assert_eq!(first, made);
    project.assert_converged(&server, &proxy.url());

    let edits: &[(&str, &str, &[&str])] = &[
        (
            "description: old, users",
            "description: new, users",
            &["PUT /admin/workspaces/* description"],
        ),
        (
            "mary: { role: member }",
            "mary: { role: manager }",
            &["PUT /admin/workspaces/*/users/* role"],
        ),
        (
            "users: { mary: { role: manager } }",
            "users: {}",
            &["DELETE /admin/workspaces/*/users/*"],
        ),
        (
            "    secret_path: p\n    description: old",
            "    secret_path: p\n    description: new",
            &["PUT /secret-references/vault description"],
        ),
        (
            "    description: old\n    models",
            "    description: new\n    models",
            &["PUT /integrations/i description"],
        ),
        (
            "gpt-5: { enabled: true }",
            "gpt-5: { enabled: false }",
            &["PUT /integrations/i/models models"],
        ),
        (
            "      org/own: { enabled: true, is_custom: true }\n",
            "",
            &["DELETE /integrations/i/models?slugs"],
        ),
        (
            "note: old",
            "note: new",
            &["PUT /providers/p?workspace_id note workspace_id"],
        ),
        (
            "Old guardrail",
            "New guardrail",
            &["PUT /guardrails/* name"],
        ),
        ("attempts: 1", "attempts: 2", &["PUT /configs/* config"]),
        (
            "scopes: [logs.list]\n    description: old",
            "scopes: [logs.list]\n    description: new",
            &["PUT /api-keys/* description"],
        ),
        (
            "Old collection",
            "New collection",
            &["PUT /collections/* name"],
        ),
        (
            "Old text",
            "New text",
            &[
                "PUT /prompts/partials/* string",
                "PUT /prompts/partials/*/makeDefault version",
            ],
        ),
        (
            "Old prompt",
            "New prompt",
            &[
                "PUT /prompts/* is_raw_template model parameters string virtual_key",
                "PUT /prompts/*/makeDefault version",
            ],
        ),
        (
            "Old budget",
            "New budget",
            &["PUT /policies/usage-limits/* name"],
        ),
        (
            "Old rate",
            "New rate",
            &["PUT /policies/rate-limits/* name"],
        ),
        (
            "auth_type: none\n    description: old",
            "auth_type: none\n    description: new",
            &["PUT /mcp-integrations/* description"],
        ),
        (
            "    workspaces: { w: { enabled: true } }\n",
            "    workspaces: {}\n",
            &["PUT /mcp-integrations/*/workspaces workspaces"],
        ),
    ];
    for (old, new, wanted) in edits {
        project.edit(old, new);
        assert_eq!(writes(), *wanted, "{old} → {new}");
        project.assert_converged(&server, &proxy.url());
    }

    let removed = [
        ("mcp_integrations", "m", "DELETE /mcp-integrations/*"),
        (
            "rate_limits_policies",
            "r",
            "DELETE /policies/rate-limits/*",
        ),
        (
            "usage_limits_policies",
            "u",
            "DELETE /policies/usage-limits/*",
        ),
        ("prompts", "q", "DELETE /prompts/*"),
        ("partials", "t", "DELETE /prompts/partials/*"),
        ("collections", "f", "DELETE /collections/*"),
        ("api_keys", "k", "DELETE /api-keys/*"),
        ("configs", "c", "DELETE /configs/*"),
        ("guardrails", "g", "DELETE /guardrails/*"),
        ("providers", "p", "DELETE /providers/p?workspace_id"),
        ("integrations", "i", "DELETE /integrations/i"),
        (
            "secret_references",
            "vault",
            "DELETE /secret-references/vault",
        ),
        (
            "scim_workspace_mappings",
            "engineers",
            "DELETE /scim/workspaces/*",
        ),
        ("invites", "new", "DELETE /admin/users/invites/*"),
    ];
    for (kind, key, wanted) in removed {
        project.remove_entry(kind, key);
        assert_eq!(writes(), [wanted], "{kind}");
    }
    // Its name is the confirmation that the API wants. What is inside has gone before: nothing is
    // forced.
    project.edit(
        "  w: { name: W, description: new, users: {}",
        "  w: { name: W, lifecycle: { protect: false }",
    );
    writes();
    project.remove_entry("workspaces", "w");
    assert_eq!(writes(), ["DELETE /admin/workspaces/* name"]);
}
