//! Last applied, live and desired: who made a difference, and who is probably whom.

use serde_json::json;

use crate::support::{Project, Run, Server};

const ORG: &str = "workspaces:\n  w:\n    name: W\n    description: One\n    usage_limits: \
                   [{ type: cost, credit_limit: 5 }]\n    defaults: { metadata: { team: pay } }\n";

fn labels(run: &Run) -> Vec<String> {
    let document = run.json();
    let changes = document["plan"]["changes"].as_array().unwrap().clone();
    let fields = changes
        .iter()
        .flat_map(|change| change["fields"].as_array().unwrap());
    fields
        .map(|field| {
            let text = |name: &str| field[name].as_str().unwrap_or("-").to_owned();
            format!("{} {}", text("pointer"), text("origin"))
        })
        .collect()
}

#[test]
fn every_changed_field_says_who_changed_it() {
    let (server, project) = (Server::start(), Project::of(ORG));
    project.apply(&server.url());
    // The manifest alone, somebody else alone, and both.
    project.edit("credit_limit: 5", "credit_limit: 6");
    let path = server.workspace_path("W");
    server.put(
        &path,
        json!({ "description": "Theirs", "defaults": { "metadata": { "team": "theirs" } } }),
    );
    project.edit("team: pay", "team: mine");
    let json = project
        .at(&server.url(), ["plan", "--format", "json"])
        .run()
        .expect(0);
    assert_eq!(
        labels(&json),
        [
            "/description drift",
            "/usage_limits/0/credit_limit intended",
            "/defaults/metadata/team conflict"
        ],
        "{json}"
    );
    let fields = json.json()["plan"]["changes"][0]["fields"].clone();
    assert_eq!(fields[2]["last_applied"], "pay", "{fields:#}");
    assert_eq!(json.codes(), ["reverts"]);

    let plan = project.at(&server.url(), ["plan"]).run().expect(0);
    for said in [
        "~ /description: \"Theirs\" → \"One\" (drift: changed since the last apply)",
        "~ /usage_limits/0/credit_limit: 5 → 6  org",
        "~ /defaults/metadata/team: \"theirs\" → \"mine\" (conflict: it was \"pay\" at the last apply)",
    ] {
        assert!(plan.stdout.contains(said), "no `{said}`\n{plan}");
    }
    assert!(
        plan.stderr.contains("take back what somebody changed"),
        "{plan}"
    );
    assert!(plan.stderr.contains("org/all.yaml:4:5"), "{plan}");

    // Drift is what others did, whatever the manifest is about to change.
    let drift = project.at(&server.url(), ["drift"]).run().expect(2);
    assert!(drift.stdout.contains("/description"), "{drift}");
    assert!(!drift.stdout.contains("credit_limit"), "{drift}");
    project.apply(&server.url());
    project.assert_converged(&server, &server.url());
}

#[test]
fn a_pending_change_of_the_manifest_is_no_drift() {
    let (server, project) = (Server::start(), Project::of(ORG));
    project.apply(&server.url());
    project.edit("description: One", "description: Two");
    let drift = project.at(&server.url(), ["drift"]).run().expect(0);
    assert!(drift.stdout.contains("No drift."), "{drift}");
    let plan = project.at(&server.url(), ["plan"]).run().expect(0);
    assert!(!plan.stderr.contains("take back"), "{plan}");
}

#[test]
fn what_both_changed_to_the_same_is_no_change_and_is_known_from_then_on() {
    let (server, project) = (Server::start(), Project::of(ORG));
    project.apply(&server.url());
    project.edit("description: One", "description: Two");
    server.put(&server.workspace_path("W"), json!({ "description": "Two" }));
    let apply = project.apply(&server.url());
    assert_eq!(apply.changes(), [""; 0], "{apply}");
    server.put(&server.workspace_path("W"), json!({ "description": "One" }));
    let json = project
        .at(&server.url(), ["plan", "--format", "json"])
        .run()
        .expect(0);
    assert_eq!(labels(&json), ["/description drift"], "{json}");
}

#[test]
fn without_a_ledger_there_are_two_ways_and_no_labels() {
    let (server, project) = (Server::start(), Project::of(ORG));
    project.apply(&server.url());
    project.forget();
    project.edit("description: One", "description: Two");
    let json = project
        .at(&server.url(), ["plan", "--format", "json"])
        .run()
        .expect(0);
    assert_eq!(labels(&json), ["/description -"], "{json}");
    assert_eq!(json.codes(), [""; 0]);
}

#[test]
fn drift_shows_what_is_refused() {
    let manifest = format!("{ORG}  p: {{ name: P, lifecycle: {{ protect: true }} }}\n");
    let (server, project) = (Server::start(), Project::of(&manifest));
    project.apply(&server.url());
    project.file("org/all.yaml", ORG);
    let drift = project.at(&server.url(), ["drift"]).run().expect(3);
    assert!(drift.stderr.contains("protected"), "{drift}");
}

#[test]
fn a_probable_rename_is_said_and_not_done() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    project.edit("  monthly:\n", "  per-month:\n");
    let plan = project.at(&server.url(), ["plan"]).run().expect(0);
    assert!(
        plan.stdout.contains(
            "? usage_limits_policies.per-month is probably usage_limits_policies.monthly renamed (100 % alike)"
        ),
        "{plan}"
    );
    let advice = "lifecycle: { moved_from: monthly }";
    assert!(plan.stdout.contains(advice), "{plan}");
    assert_eq!(
        plan.changes(),
        [
            "+ usage_limits_policies.per-month",
            "- usage_limits_policies.monthly"
        ],
        "{plan}"
    );
    let json = project.plan(&server.url());
    assert_eq!(
        json["renames"],
        json!([{ "from": "usage_limits_policies.monthly", "to": "usage_limits_policies.per-month",
                 "alike": 100, "moved_from": "monthly" }])
    );
    // What the line says to write does it.
    project.edit("  per-month:\n", &format!("  per-month:\n    {advice}\n"));
    let plan = project.at(&server.url(), ["plan"]).run().expect(0);
    assert_eq!(plan.changes(), [""; 0], "{plan}");

    // Where the key is the slug, nothing keeps the object, and nothing is promised.
    let text = project.read("org/all.yaml");
    let text = text.replace("openai-payments", "openai-pay");
    let (before, slug) = (
        project.read("org/all.yaml"),
        project.file("org/all.yaml", &text),
    );
    let plan = slug.at(&server.url(), ["plan"]).run().expect(0);
    for said in [
        "? providers.openai-pay is probably providers.openai-payments renamed",
        "Its key is its slug, which cannot change: this makes a new object.",
    ] {
        assert!(plan.stdout.contains(said), "no `{said}`\n{plan}");
    }
    assert!(
        !plan.stdout.contains("moved_from: openai-payments"),
        "{plan}"
    );
    project.file("org/all.yaml", &before);

    // Something else of the same kind is no rename.
    let other = "  other:\n    workspace_id: payments\n    conditions: [{ key: workspace_id, value: x }]\n    \
                 group_by: [{ key: workspace_id }]\n    type: tokens\n    credit_limit: 7\n";
    project.remove_entry("usage_limits_policies", "per-month");
    let text = project.read("org/all.yaml");
    project.file(
        "org/all.yaml",
        &format!("{text}usage_limits_policies:\n{other}"),
    );
    let plan = project.plan(&server.url());
    assert_eq!(plan["renames"], json!(null), "{plan:#}");
}

#[test]
fn moved_from_and_ignore_that_mean_nothing_are_said() {
    let (server, project) = (Server::start(), Project::of(ORG));
    project.apply(&server.url());
    project.file(
        "org/all.yaml",
        &format!(
            "{ORG}  v: {{ name: V, lifecycle: {{ moved_from: vv, ignore: [/descripton] }} }}\n"
        ),
    );
    let plan = project.at(&server.url(), ["plan"]).run().expect(0);
    for said in [
        "`moved_from` names workspaces.vv, which the ledger does not know",
        "`ignore` names `/descripton`, and no workspace has that",
        "did you mean `description`?",
        "org/all.yaml:7",
    ] {
        assert!(plan.stderr.contains(said), "no `{said}`\n{plan}");
    }
    project.file(
        "org/all.yaml",
        &format!("{ORG}  v: {{ name: V, lifecycle: {{ moved_from: w }} }}\n"),
    );
    let plan = project.at(&server.url(), ["plan"]).run().expect(0);
    assert!(plan.stderr.contains("which is still declared"), "{plan}");
}
