//! Virtual keys: what others see as providers without an integration.

use serde_json::{Value, json};

use crate::support::{Project, Server, text};

const MANIFEST: &str = "workspaces:
  w: { name: W }
virtual_keys:
  old:
    name: Old
    provider: openai
    key: ${env:OPENAI_API_KEY}
    workspace_id: w
    note: From before
";

fn old(server: &Server) -> Value {
    let slug = server.named("/virtual-keys", "Old")["slug"].clone();
    server.get(&format!("/virtual-keys/{}", text(&slug)))
}

#[test]
fn one_is_made_changed_and_deleted_and_its_entry_is_told_of_providers() {
    let (server, project) = (Server::start(), Project::of(MANIFEST));
    let url = server.url();
    let run = project.at(&url, ["validate"]).run().expect(0);
    assert!(run.stderr.contains("warning[legacy-kind]"), "{run}");
    assert!(run.stderr.contains("org/all.yaml:4:3"), "{run}");
    project.apply(&url);
    project.assert_converged(&server, &url);
    let slug = old(&server)["slug"].clone();

    project.edit(
        "note: From before",
        "note: null\n    usage_limits: { credit_limit: 5 }",
    );
    let run = project.apply(&url);
    assert_eq!(run.changes(), ["~ virtual_keys.old"], "{run}");
    let now = old(&server);
    assert_eq!((&now["slug"], &now["note"]), (&slug, &Value::Null));
    assert_eq!(now["usage_limits"]["credit_limit"], 5);
    project.assert_converged(&server, &url);

    // Another model provider is another virtual key.
    project.edit("provider: openai", "provider: anthropic");
    let run = project.at(&url, ["plan"]).run().expect(0);
    assert_eq!(run.changes(), ["± virtual_keys.old"], "{run}");
    project.apply(&url);
    assert_ne!(old(&server)["slug"], slug);
    project.assert_converged(&server, &url);

    project.remove_entry("virtual_keys", "old");
    project.apply(&url);
    assert!(server.list("/virtual-keys").is_empty());
}

#[test]
fn another_key_is_written_where_its_mask_does_not_fit() {
    let (server, project) = (Server::start(), Project::of(MANIFEST));
    project.apply(&server.url());
    let other = project
        .at(&server.url(), ["plan", "--detailed-exitcode"])
        .env("OPENAI_API_KEY", "sk-another-key-of-openai-9876543210");
    let plan = other.run().expect(2);
    assert!(plan.stdout.contains("~ /key"), "{plan}");
}

#[test]
fn what_providers_are_is_nothing_to_virtual_keys_and_the_other_way_round() {
    let (server, project) = (Server::start(), Project::small());
    let manifest =
        "virtual_keys:\n  old: { name: Old, provider: openai, workspace_id: payments }\n";
    project.file("org/old.yaml", manifest);
    let exclusive =
        "gatewright: 1\nmanifests: [\"org/**/*.yaml\"]\nexclusive: [providers, virtual_keys]\n";
    project.file("gatewright.yaml", exclusive);
    project.apply(&server.url());
    project.assert_converged(&server, &server.url());
    let plan = project.at(&server.url(), ["plan", "--format", "json"]);
    let plan = plan.run().expect(0).json();
    let left: Vec<&Value> = plan["plan"]["left_alone"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|left| left["kind"] == "providers" || left["kind"] == "virtual_keys")
        .collect();
    assert!(left.is_empty(), "{left:?}");

    // A virtual key is not found by the name of a provider that has an entry of its own.
    let same = "virtual_keys:\n  new: { name: OpenAI for payments, provider: openai, workspace_id: payments }\n";
    project.file("org/new.yaml", same);
    let plan = project.at(&server.url(), ["plan"]).run().expect(0);
    assert_eq!(plan.changes(), ["+ virtual_keys.new"], "{plan}");
}

#[test]
fn those_that_nobody_declares_are_counted_and_go_where_they_are_exclusive() {
    let (server, project) = (Server::start(), Project::small());
    let manifest =
        "virtual_keys:\n  old: { name: Old, provider: openai, workspace_id: payments }\n";
    project.file("org/old.yaml", manifest);
    project.apply(&server.url());
    let id = server.workspace("Payments")["id"].clone();
    server.post(
        "/virtual-keys",
        json!({ "name": "By hand", "provider": "openai", "key": "sk-by-hand-1234567890",
                "workspace_id": id }),
    );
    let names = || {
        let mut names: Vec<String> = server
            .list("/virtual-keys")
            .iter()
            .map(|it| text(&it["name"]))
            .collect();
        names.sort();
        names
    };
    let before = names();
    assert!(before.contains(&"By hand".to_owned()), "{before:?}");
    let plan = project.plan(&server.url());
    let left = plan["left_alone"].as_array().unwrap();
    let own = |it: &&Value| it["kind"] == "virtual_keys" && it["because"] == "not_ours";
    assert_eq!(left.iter().filter(own).count(), 1, "{plan:#}");

    // Providers are something else, though one list shows both.
    let project_file = "gatewright: 1\nmanifests: [\"org/**/*.yaml\"]\n";
    let exclusive = |kind: &str| {
        let text = format!("{project_file}exclusive: [{kind}]\n");
        project.file("gatewright.yaml", &text);
        project.apply(&server.url())
    };
    assert_eq!(exclusive("providers").changes(), [""; 0]);
    assert_eq!(names(), before);
    let run = exclusive("virtual_keys");
    assert_eq!(run.changes().len(), 1, "{run}");
    let rest: Vec<String> = before.into_iter().filter(|it| it != "By hand").collect();
    assert_eq!(names(), rest);
    project.assert_converged(&server, &server.url());

    // Whether or not another one is declared.
    project.file("org/old.yaml", "virtual_keys: {}\n");
    project.apply(&server.url());
    server.post(
        "/virtual-keys",
        json!({ "name": "By hand", "provider": "openai", "key": "sk-by-hand-1234567890",
                "workspace_id": id }),
    );
    let run = exclusive("virtual_keys");
    assert_eq!(run.changes().len(), 1, "{run}");
    assert!(run.changes()[0].contains("virtual_keys"), "{run}");
}

#[test]
fn imports_take_each_for_what_it_is() {
    let (server, project) = (Server::start(), Project::small());
    let manifest =
        "virtual_keys:\n  old: { name: Old, provider: openai, workspace_id: payments }\n";
    project.file("org/old.yaml", manifest);
    project.apply(&server.url());
    let empty = Project::new();
    let import = empty.at(&server.url(), ["import", "--format", "json"]);
    let import = import.without("OPENAI_API_KEY").run().expect(0).json();
    let entries: Vec<&str> = import["imported"]["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["address"].as_str())
        .filter(|address| address.starts_with("providers") || address.starts_with("virtual"))
        .collect();
    assert_eq!(entries, ["providers.openai-payments", "virtual_keys.old"]);
}
