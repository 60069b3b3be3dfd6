//! Counts of what was used, which begin again once and when asked: they have no state that a manifest
//! could declare.

use serde_json::{Value, json};

use crate::support::{Fate, Project, Proxy, Seen, Server, text};

const MANIFEST: &str = "workspaces:
  payments: { name: Payments }
  search: { name: Search }
integrations:
  openai:
    ai_provider_id: openai
    key: ${env:OPENAI_API_KEY}
    workspaces:
      payments: { enabled: true, usage_limits: [{ type: cost, credit_limit: 5 }] }
      search: { enabled: false, usage_limits: [{ type: cost, credit_limit: 5 }] }
providers:
  openai-payments:
    workspace_id: payments
    integration_id: openai
    usage_limits: { type: cost, credit_limit: 5 }
api_keys:
  reports:
    type: workspace
    sub_type: service
    workspace_id: payments
    scopes: [logs.list]
    usage_limits: { type: cost, credit_limit: 5 }
    lifecycle: { sink: { file: key.txt } }
usage_limits_policies:
  budget:
    workspace_id: payments
    conditions: [{ key: metadata.team, value: \"*\" }]
    group_by: [{ key: metadata.team }]
    type: cost
    credit_limit: 5
";

/// The only write of a run that resets something, without the ids that the server made.
fn reset(project: &Project, proxy: &Proxy, what: &str, says: &str) -> (String, Value) {
    proxy.clear();
    let plan = project.at(&proxy.url(), ["plan", "--reset-usage", what]);
    let plan = plan.run().expect(0);
    assert!(plan.stdout.contains(says), "{says}: {plan}");
    let seen = proxy.seen();
    assert!(!seen.iter().any(Seen::is_write), "a plan wrote");
    let apply = project.at(&proxy.url(), ["apply", "--yes", "--reset-usage", what]);
    apply.run().expect(0);
    let writes: Vec<Seen> = proxy.seen().into_iter().filter(Seen::is_write).collect();
    let [write] = writes.as_slice() else {
        panic!("{what}: {writes:?}");
    };
    let body = serde_json::from_str(&write.body).unwrap();
    (format!("{} {}", write.method, write.path), body)
}

#[test]
fn what_was_used_counts_from_nothing_once_and_when_asked() {
    let (server, project) = (Server::start(), Project::of(MANIFEST));
    project.apply(&server.url());
    let proxy = Proxy::start(&server, |_| Fate::Forward);
    project.apply(&proxy.url());
    let id = |kind: &str, name: &str| text(&server.named(kind, name)["id"]);
    let payments = id("/admin/workspaces", "Payments");
    let key = id("/api-keys", "reports");
    let policy = id("/policies/usage-limits", "budget");
    let table = [
        (
            "api_keys/reports",
            "~ /reset_usage: once, as asked",
            format!("PUT /api-keys/{key}"),
            json!({ "reset_usage": true }),
        ),
        (
            "providers/openai-payments",
            "~ /reset_usage: once, as asked",
            format!("PUT /providers/openai-payments?workspace_id={payments}"),
            json!({ "reset_usage": true, "workspace_id": payments }),
        ),
        // Access that is switched off stays so, and no provider comes along.
        (
            "integrations/openai#search",
            "~ /workspaces/search/reset_usage: once, as asked",
            "PUT /integrations/openai/workspaces".to_owned(),
            json!({ "create_default_provider": false, "workspaces": [
                { "id": id("/admin/workspaces", "Search"), "enabled": false, "reset_usage": true },
            ] }),
        ),
        (
            "usage_limits_policies/budget#blue team",
            "~ /reset_usage_for_value: once for `blue team`, as asked",
            format!("PUT /policies/usage-limits/{policy}"),
            json!({ "reset_usage_for_value": "blue team" }),
        ),
    ];
    for (what, says, path, body) in table {
        let sent = reset(&project, &proxy, what, says);
        assert_eq!(sent, (path, body), "{what}");
        project.assert_converged(&server, &proxy.url());
    }
    assert_ne!(
        server.get(&format!("/api-keys/{key}"))["last_reset_at"],
        Value::Null
    );
}

#[test]
fn resets_go_along_with_changes_and_several_values_are_several_requests() {
    let (server, project) = (Server::start(), Project::of(MANIFEST));
    project.apply(&server.url());
    let proxy = Proxy::start(&server, |_| Fate::Forward);
    project.edit(
        "type: cost\n    credit_limit: 5\n",
        "type: cost\n    credit_limit: 6\n",
    );
    let both = [
        "apply",
        "--yes",
        "--reset-usage=usage_limits_policies/budget#a",
        "--reset-usage=usage_limits_policies/budget#b",
        "--reset-usage=usage_limits_policies/budget#a",
    ];
    project.at(&proxy.url(), both).run().expect(0);
    let writes = proxy.seen().into_iter().filter(Seen::is_write);
    let bodies: Vec<Value> = writes
        .map(|seen| serde_json::from_str(&seen.body).unwrap())
        .collect();
    assert_eq!(
        bodies,
        [
            json!({ "credit_limit": 6, "reset_usage_for_value": "a" }),
            json!({ "reset_usage_for_value": "b" }),
        ]
    );
    project.assert_converged(&server, &proxy.url());
}

#[test]
fn what_has_no_count_or_several_says_so() {
    let (server, project) = (Server::start(), Project::of(MANIFEST));
    project.apply(&server.url());
    server.clear();
    for (what, says) in [
        (
            "workspaces/payments",
            "the use of `workspaces.payments` cannot be reset",
        ),
        (
            "integrations/openai",
            "say whose it is, for example `integrations/openai#payments`",
        ),
        ("integrations/openai#serach", "did you mean `search`?"),
        (
            "usage_limits_policies/budget",
            "`usage_limits_policies/budget#VALUE`",
        ),
        (
            "providers/openai-payments#blue",
            "write `providers/openai-payments`",
        ),
        ("providers/openai-payment", "did you mean"),
    ] {
        let run = project.at(&server.url(), ["apply", "--yes", "--reset-usage", what]);
        let run = run.run().expect(1);
        assert!(run.stderr.contains(says), "{what}: {run}");
    }
    assert_eq!(server.writes(), [""; 0]);
}
