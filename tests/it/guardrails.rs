//! Guardrails of the whole organisation, beside those of workspaces.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Project, Server, Standalone};

/// Two guardrails of one name, one in a workspace and one of the organisation.
fn manifest(organisation: &str) -> String {
    format!(
        "workspaces:
  payments: {{ name: Payments }}
guardrails:
  here:
    name: No PII
    workspace_id: payments
    checks: [{{ id: portkey.pii, parameters: {{ categories: [SSN] }} }}]
    actions: {{ deny: true, async: false }}
  everywhere:
    name: No PII
    organisation_id: {organisation}
    checks: [{{ id: portkey.pii, parameters: {{ categories: [NAME] }} }}]
    actions: {{ deny: true, async: false }}
"
    )
}

/// The guardrails of the organisation that are in no workspace.
fn outside(server: &Server, organisation: &str) -> Vec<Value> {
    let mut all = server.list(&format!("/guardrails?organisation_id={organisation}"));
    all.retain(|one| one["workspace_id"].is_null());
    all
}

#[test]
fn one_of_the_organisation_is_made_changed_replaced_and_deleted() {
    let server = Server::start();
    let organisation = server.organisation();
    let project = Project::of(&manifest(&organisation));
    let url = server.url();
    project.apply(&url);
    project.assert_converged(&server, &url);
    let payments = server.workspace("Payments");
    assert_eq!(outside(&server, &organisation).len(), 1);
    assert_eq!(server.list_in("/guardrails", &payments).len(), 1);

    project.edit("categories: [NAME]", "categories: [NAME, SSN]");
    let run = project.apply(&url);
    assert_eq!(run.changes(), ["~ guardrails.everywhere"], "{run}");
    project.assert_converged(&server, &url);

    // A lost ledger is no loss: each is found where it is, though both have one name.
    project.forget();
    let plan = project.plan(&url);
    assert_eq!(plan["changes"], json!([]), "{plan:#}");
    assert_eq!(plan["adopted"].as_array().unwrap().len(), 3, "{plan:#}");
    project.apply(&url);

    // What is somebody else's now is another object.
    let before = outside(&server, &organisation)[0]["id"].clone();
    project.edit(
        &format!("    organisation_id: {organisation}\n"),
        "    workspace_id: payments\n",
    );
    project.edit(
        "  everywhere:\n    name: No PII",
        "  everywhere:\n    name: No names",
    );
    let run = project.apply(&url);
    assert_eq!(run.changes(), ["± guardrails.everywhere"], "{run}");
    assert_eq!(outside(&server, &organisation), [] as [Value; 0]);
    assert_eq!(server.list_in("/guardrails", &payments).len(), 2);
    project.assert_converged(&server, &url);
    project.edit(
        "No names\n    workspace_id: payments\n",
        &format!("No names\n    organisation_id: {organisation}\n"),
    );
    project.apply(&url);
    let after = outside(&server, &organisation);
    assert_eq!(after.len(), 1);
    assert_ne!(after[0]["id"], before);
    project.assert_converged(&server, &url);

    project.remove_entry("guardrails", "everywhere");
    project.apply(&url);
    assert_eq!(outside(&server, &organisation), [] as [Value; 0]);
    assert_eq!(server.list_in("/guardrails", &payments).len(), 1);
}

#[test]
fn imports_write_where_each_belongs_and_the_plan_is_empty() {
    let server = Server::start();
    let organisation = server.organisation();
    let project = Project::of(&manifest(&organisation));
    project.apply(&server.url());
    let empty = Project::new();
    empty.at(&server.url(), ["import"]).run().expect(0);
    let files = walkdir::WalkDir::new(empty.path().join("org")).into_iter();
    let texts: String = files
        .filter_map(|file| std::fs::read_to_string(file.unwrap().path()).ok())
        .collect();
    let said = format!("organisation_id: {organisation}");
    assert_eq!(texts.matches(&said).count(), 1, "{texts}");
    assert_eq!(texts.matches("organisation_id:").count(), 1, "{texts}");
    empty.assert_converged(&server, &server.url());
}

#[test]
fn an_exclusive_organisation_has_no_other_guardrails() {
    let server = Server::start();
    let organisation = server.organisation();
    let project = Project::of(&manifest(&organisation));
    let exclusive = "gatewright: 1\nmanifests: [\"org/**/*.yaml\"]\nexclusive: [guardrails]\n";
    project.file("gatewright.yaml", exclusive);
    project.apply(&server.url());
    server.post(
        "/guardrails",
        json!({ "name": "By hand", "organisation_id": organisation,
                "checks": [{ "id": "portkey.gibberish" }],
                "actions": { "deny": false, "async": false } }),
    );
    // Whether or not an entry is about the organisation.
    for removed in [None, Some("everywhere")] {
        if let Some(key) = removed {
            project.remove_entry("guardrails", key);
        }
        let plan = project.plan(&server.url());
        let doomed: Vec<&Value> = plan["changes"].as_array().unwrap().iter().collect();
        let names: Vec<&str> = doomed.iter().filter_map(|it| it["name"].as_str()).collect();
        assert!(names.contains(&"By hand"), "{removed:?} {plan:#}");
        assert_eq!(names.len(), 1 + usize::from(removed.is_some()), "{plan:#}");
    }
    project.apply(&server.url());
    assert_eq!(outside(&server, &organisation), [] as [Value; 0]);
}

#[test]
fn a_guardrail_belongs_to_one_of_both() {
    let id = "0b7f1a52-6a1e-4a6c-9a55-3f0b7c2d1e90";
    let project = Project::of(&manifest(id));
    project.cli(["validate"]).run().expect(0);
    let own = format!("    organisation_id: {id}\n");
    project.edit(&own, &format!("{own}    workspace_id: payments\n"));
    project.edit(
        "  everywhere:\n    name: No PII",
        "  everywhere:\n    name: No names",
    );
    let run = project.cli(["validate"]).run().expect(1);
    assert!(
        run.stderr
            .contains("`organisation_id` and `workspace_id` exclude each other"),
        "{run}"
    );
    assert!(run.stderr.contains("org/all.yaml:11:5"), "{run}");
    project.edit(id, "acme");
    let run = project.cli(["validate"]).run().expect(1);
    assert!(run.stderr.contains("org/all.yaml:11:22"), "{run}");
}

#[test]
fn a_mock_is_of_the_organisation_that_the_repository_names() {
    let id = "0b7f1a52-6a1e-4a6c-9a55-3f0b7c2d1e90";
    let project = Project::of(&manifest(id));
    let apply = project.cli(["apply", "--mock", "--yes"]).run().expect(0);
    assert_eq!(apply.changes().len(), 3, "{apply}");
    let folder = project.path().to_string_lossy().into_owned();
    let mock = Standalone::start(&["--seed-from", &folder]);
    let path = format!("/guardrails?organisation_id={id}");
    let (status, list) = mock.ask(Method::GET, &path, None).unwrap();
    assert_eq!((status, &list["total"]), (200, &json!(2)), "{list}");
}
