//! Prompts and partials: versions, what is published, and what labels do.

use serde_json::{Value, json};

use crate::support::{Fate, Project, Proxy, Server, text};

const MANIFEST: &str = "workspaces:
  w: { name: W }
integrations:
  i:
    name: I
    ai_provider_id: openai
    key: ${env:OPENAI_API_KEY}
    workspaces: { w: { enabled: true } }
providers:
  p: { name: P, workspace_id: w, integration_id: i }
collections:
  folder: { name: Folder, workspace_id: w }
  other: { name: Other, workspace_id: w }
labels:
  canary: { name: canary, workspace_id: w }
partials:
  tone: { name: Tone, workspace_id: w, string: Be kind., version_description: first }
prompts:
  triage:
    name: Triage
    collection_id: folder
    virtual_key: p
    model: gpt-5
    parameters: { max_tokens: 5 }
    string: \"{{>${ref:partials.tone.slug}}} Sort {{ticket}}\"
    tools: [{ type: function, function: { name: route } }]
    label_id: canary
";

fn prompt(server: &Server) -> Value {
    let slug = text(&server.named("/prompts", "Triage")["slug"]);
    server.get(&format!("/prompts/{slug}"))
}

fn partial(server: &Server) -> Value {
    let all = server.get("/prompts/partials");
    let slug = text(&all["data"][0]["slug"]);
    server.get(&format!("/prompts/partials/{slug}"))
}

fn versions(server: &Server, path: &str, slug: &Value) -> usize {
    let all = server.get(&format!("{path}/{}/versions", text(slug)));
    all["data"].as_array().unwrap().len()
}

#[test]
fn changes_of_content_are_published_and_others_make_no_version() {
    let (server, project) = (Server::start(), Project::of(MANIFEST));
    let url = server.url();
    project.apply(&url);
    project.assert_converged(&server, &url);
    let made = prompt(&server);
    let tone = partial(&server);
    assert_eq!(
        made["string"],
        format!("{{{{>{}}}}} Sort {{{{ticket}}}}", text(&tone["slug"]))
    );
    assert_ne!(made["prompt_version_label_id"], Value::Null);

    // A name is no content.
    project.edit("name: Tone,", "name: Our tone,");
    project.apply(&url);
    assert_eq!(versions(&server, "/prompts/partials", &tone["slug"]), 1);
    project.assert_converged(&server, &url);

    // Content is: the version is new, published, complete, and carries the label.
    project.edit("Sort {{ticket}}", "Route {{ticket}}");
    project.edit("Be kind.", "Be brief.");
    project.apply(&url);
    let changed = prompt(&server);
    assert!(text(&changed["string"]).ends_with("Route {{ticket}}"));
    assert_eq!(changed["prompt_version"], 2);
    assert_eq!(
        (&changed["tools"], &changed["virtual_key"]),
        (&made["tools"], &json!("p"))
    );
    assert_eq!(
        changed["prompt_version_label_id"],
        made["prompt_version_label_id"]
    );
    assert_eq!(partial(&server)["string"], "Be brief.");
    project.assert_converged(&server, &url);

    // Moving it to another collection and clearing its tools.
    project.edit("collection_id: folder", "collection_id: other");
    project.edit(
        "tools: [{ type: function, function: { name: route } }]",
        "tools: null",
    );
    project.apply(&url);
    let moved = prompt(&server);
    assert_eq!(moved["slug"], made["slug"]);
    assert_ne!(moved["collection_id"], made["collection_id"]);
    assert!(
        moved["tools"].is_null() || moved["tools"] == json!([]),
        "{moved:#}"
    );
    project.assert_converged(&server, &url);
}

#[test]
fn without_a_ledger_a_prompt_is_known_by_its_name_and_its_collection() {
    let (server, project) = (Server::start(), Project::of(MANIFEST));
    let url = server.url();
    project.apply(&url);
    project.forget();
    let plan = project.plan(&url);
    assert_eq!(plan["summary"]["create"], 0, "{plan:#}");
    assert_eq!(plan["adopted"].as_array().unwrap().len(), 8, "{plan:#}");
}

#[test]
fn what_somebody_publishes_in_the_console_is_drift() {
    let (server, project) = (Server::start(), Project::of(MANIFEST));
    let url = server.url();
    project.apply(&url);
    let path = format!("/prompts/partials/{}", text(&partial(&server)["slug"]));
    // A draft that nobody published changes nothing.
    server.put(&path, json!({ "string": "Be loud." }));
    project.assert_converged(&server, &url);
    server.put(&format!("{path}/makeDefault"), json!({ "version": 2 }));
    let drift = project.at(&url, ["drift"]).run().expect(2);
    assert!(drift.stdout.contains("/string"), "{drift}");
    project.apply(&url);
    let now = partial(&server);
    assert_eq!(
        (&now["string"], &now["version"]),
        (&json!("Be kind."), &json!(3))
    );
    project.assert_converged(&server, &url);
}

#[test]
fn versions_that_others_made_in_between_are_neither_counted_nor_published() {
    let (server, project) = (Server::start(), Project::of(MANIFEST));
    let url = server.url();
    project.apply(&url);
    let path = format!("/prompts/{}", text(&prompt(&server)["slug"]));
    for draft in ["One draft", "Another draft"] {
        server.put(&path, json!({ "patch": true, "string": draft }));
    }
    // A draft that nobody published is no drift.
    project.assert_converged(&server, &url);
    project.edit("max_tokens: 5", "max_tokens: 6");
    project.apply(&url);
    let now = prompt(&server);
    assert_eq!(now["prompt_version"], 4, "{now:#}");
    assert_eq!(now["parameters"]["max_tokens"], 6, "{now:#}");
    assert!(
        text(&now["string"]).ends_with(" Sort {{ticket}}"),
        "{now:#}"
    );
    project.assert_converged(&server, &url);
}

#[test]
fn what_the_console_says_of_a_template_stays_with_the_next_version() {
    let (server, project) = (Server::start(), Project::of(MANIFEST));
    let url = server.url();
    project.apply(&url);
    let path = format!("/prompts/{}", text(&prompt(&server)["slug"]));
    server.put(&path, json!({ "patch": true, "is_raw_template": 1 }));
    server.put(&format!("{path}/makeDefault"), json!({ "version": 2 }));
    project.apply(&url);
    let before = prompt(&server);
    project.edit("max_tokens: 5", "max_tokens: 6");
    project.apply(&url);
    let now = prompt(&server);
    assert_eq!(now["parameters"]["max_tokens"], 6, "{now:#}");
    assert_eq!(
        (&before["is_raw_template"], &now["is_raw_template"]),
        (&json!(1), &json!(1))
    );
}

#[test]
fn a_version_that_was_made_and_not_published_does_not_stay_behind() {
    let (server, project) = (Server::start(), Project::of(MANIFEST));
    project.apply(&server.url());
    project.edit("Be kind.", "Be brief.");
    let proxy = Proxy::start(&server, |request| {
        if request.path.ends_with("/makeDefault") {
            Fate::answer("403 Forbidden", "", "{\"message\":\"no\"}")
        } else {
            Fate::Forward
        }
    });
    let run = project.at(&proxy.url(), ["apply", "--yes"]).run();
    assert_ne!(run.code, 0, "{run}");
    assert_eq!(partial(&server)["string"], "Be kind.");
    project.apply(&server.url());
    assert_eq!(partial(&server)["string"], "Be brief.");
    project.assert_converged(&server, &server.url());
}

#[test]
fn what_does_not_belong_there_is_pointed_out() {
    let project = Project::of(&MANIFEST.replace("max_tokens: 5", "model: gpt-5"));
    let run = project.cli(["validate"]).run().expect(1);
    assert!(
        run.stderr.contains("`model` is a field of the prompt"),
        "{run}"
    );
}
