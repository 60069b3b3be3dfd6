//! `gatewright adopt --drift`: what others changed live, written into the manifests.

use serde_json::{Value, json};

use crate::support::{Project, Server};

const ORG: &str = r#"# What the platform team runs.
workspaces:
  w:
    name: W   # as on the invoice
    # What it is for.
    description: One
    usage_limits: [{ type: cost, credit_limit: 5 }]
    defaults: { metadata: { team: "${var:team}" } }
  other: { name: Other }

configs:
  standard:
    name: Standard
    workspace_id: w
    config:
      strategy: { mode: fallback }
      targets:
        # The cheap one.
        - { provider: "@cheap", weight: 1 }
        # The good one.
        - { provider: "@good", weight: 2 }
"#;

fn project() -> Project {
    let project = Project::of(ORG);
    project.file(
        "gatewright.yaml",
        "gatewright: 1\nmanifests: [\"org/**/*.yaml\"]\nvars: { team: pay }\n",
    );
    project
}

/// The manifest after an adoption, and what was left: place and reason.
fn adopt(project: &Project, server: &Server, more: &[&str]) -> (String, Vec<(String, String)>) {
    server.clear();
    let mut cli = project.at(
        &server.url(),
        ["adopt", "--drift", "--yes", "--format", "json"],
    );
    for argument in more {
        cli = cli.arg(argument);
    }
    let run = cli.run().expect(0);
    assert_eq!(server.writes(), [""; 0], "adopting wrote to the server");
    let text = |it: &Value| it.as_str().unwrap().to_owned();
    let left = run.json()["adopted"]["left"].clone();
    let left = left.as_array().unwrap().iter();
    let left = left.map(|it| (text(&it["place"]), text(&it["because"])));
    (project.read("org/all.yaml"), left.collect())
}

#[test]
fn what_others_changed_is_shown_and_written_where_it_is_declared() {
    let (server, project) = (Server::start(), project());
    let url = server.url();
    project.apply(&url);
    let path = server.workspace_path("W");
    server.put(&path, json!({ "description": "Theirs: all of it", "usage_limits": [{ "type": "cost", "credit_limit": 9 }] }));

    let dry = project
        .at(&url, ["adopt", "--drift", "--dry-run"])
        .run()
        .expect(0);
    insta::assert_snapshot!(dry.stdout, @r#"
    --- a/org/all.yaml
    +++ b/org/all.yaml
    @@ -4,6 +4,6 @@
         name: W   # as on the invoice
         # What it is for.
    -    description: One
    -    usage_limits: [{ type: cost, credit_limit: 5 }]
    +    description: "Theirs: all of it"
    +    usage_limits: [{ type: cost, credit_limit: 9 }]
         defaults: { metadata: { team: "${var:team}" } }
       other: { name: Other }

    Would adopt 2 changes of 1 entry.
    "#);
    assert_eq!(
        project.read("org/all.yaml"),
        ORG,
        "a dry run wrote something"
    );
    // Nobody is there to ask.
    let asked = project.at(&url, ["adopt", "--drift"]).run().expect(3);
    assert!(
        asked.stderr.contains("nobody is there to confirm"),
        "{asked}"
    );
    assert_eq!(project.read("org/all.yaml"), ORG);

    let (after, left) = adopt(&project, &server, &[]);
    assert_eq!(left, []);
    let expected = ORG
        .replace("description: One", "description: \"Theirs: all of it\"")
        .replace("credit_limit: 5", "credit_limit: 9");
    assert_eq!(after, expected);
    project.assert_converged(&server, &url);
    // The next one finds nothing, and an apply changes nothing and takes note.
    let again = project
        .at(&url, ["adopt", "--drift", "--yes"])
        .run()
        .expect(0);
    assert_eq!(again.stdout, "Nothing to adopt.\n");
    server.clear();
    project.apply(&url);
    assert_eq!(server.writes(), [""; 0]);
}

#[test]
fn what_comes_from_elsewhere_is_left_with_the_place_to_change_it() {
    let (server, project) = (Server::start(), project());
    let url = server.url();
    project.apply(&url);
    let path = server.workspace_path("W");
    server.put(
        &path,
        json!({ "defaults": { "metadata": { "team": "theirs" } } }),
    );
    let run = project
        .at(&url, ["adopt", "--drift", "--yes"])
        .run()
        .expect(0);
    assert_eq!(project.read("org/all.yaml"), ORG);
    assert_eq!(
        run.stdout,
        "Nothing to adopt.\n\nLeft as it is:\n  workspaces.w/defaults/metadata/team  org/all.yaml:8:35\n      \
         it comes from `${var:team}`: change it there\n"
    );
}

#[test]
fn what_others_cleared_is_cleared_and_what_they_deleted_goes() {
    let (server, project) = (Server::start(), project());
    let url = server.url();
    project.apply(&url);
    let path = server.workspace_path("W");
    server.put(&path, json!({ "description": "", "usage_limits": null }));
    let other = server.workspace_path("Other");
    server.send(
        reqwest::Method::DELETE,
        &other,
        Some(json!({ "name": "Other", "force_delete": true })),
    );
    let (after, left) = adopt(&project, &server, &[]);
    assert_eq!(left, []);
    assert!(
        after.contains("    description: null\n    usage_limits: null\n"),
        "{after}"
    );
    assert!(!after.contains("Other"), "{after}");
    project.assert_converged(&server, &url);
    // What others refer to cannot go alone.
    let slug = server.named("/configs", "Standard")["slug"].clone();
    let config = format!("/configs/{}", slug.as_str().unwrap());
    server.delete(&config);
    project.file("org/key.yaml", "api_keys:\n  k: { name: K, type: workspace, sub_type: service, workspace_id: w, scopes: [logs.list], defaults: { config_id: standard } }\n");
    let (same, left) = adopt(&project, &server, &[]);
    assert_eq!(same, after);
    assert_eq!(
        left,
        [(
            String::new(),
            "it is gone, and api_keys.k refers to it".to_owned()
        )]
    );
}

#[test]
fn lists_change_item_by_item_and_texts_keep_their_references() {
    let (server, project) = (Server::start(), project());
    let url = server.url();
    project.apply(&url);
    let slug = server.named("/configs", "Standard")["slug"].clone();
    let config = format!("/configs/{}", slug.as_str().unwrap());
    let put = |targets: Value| {
        let config_of = json!({ "strategy": { "mode": "fallback" }, "targets": targets });
        server.put(&config, json!({ "config": config_of }));
    };
    let (cheap, good) = (
        json!({ "provider": "@cheap", "weight": 1 }),
        json!({ "provider": "@good", "weight": 2 }),
    );
    // Another value in one of them.
    put(json!([cheap, { "provider": "@good", "weight": 7 }]));
    let (one, _) = adopt(&project, &server, &[]);
    assert_eq!(one, ORG.replace("weight: 2", "weight: 7"));
    // One more.
    put(json!([cheap, { "provider": "@good", "weight": 7 }, { "provider": "@more" }]));
    let (two, _) = adopt(&project, &server, &[]);
    assert_eq!(two, format!("{one}        - {{ provider: \"@more\" }}\n"));
    // The first one goes, and the comments of the others stay theirs.
    put(json!([{ "provider": "@good", "weight": 7 }, { "provider": "@more" }]));
    let (three, _) = adopt(&project, &server, &[]);
    assert_eq!(
        three,
        two.replace("        - { provider: \"@cheap\", weight: 1 }\n", "")
    );
    // Others in another order: the list as a whole.
    put(json!([{ "provider": "@more" }, good, { "provider": "@new" }, cheap]));
    let (four, left) = adopt(&project, &server, &[]);
    assert_eq!(left, []);
    assert!(four.contains("@new"), "{four}");
    project.assert_converged(&server, &url);
}

#[test]
fn what_the_manifest_changed_as_well_is_taken_only_when_named() {
    let (server, project) = (Server::start(), project());
    let url = server.url();
    project.apply(&url);
    let path = server.workspace_path("W");
    server.put(&path, json!({ "description": "Theirs" }));
    project.edit("description: One", "description: Mine");
    let mine = project.read("org/all.yaml");
    let (after, left) = adopt(&project, &server, &[]);
    assert_eq!(after, mine);
    assert_eq!(
        left,
        [(
            "/description".to_owned(),
            "the manifest changed it as well: name the entry to take what is live".to_owned()
        )]
    );
    let (after, left) = adopt(&project, &server, &["workspaces.w"]);
    assert_eq!((after, left), (ORG.replace("One", "Theirs"), vec![]));
    let unknown = project
        .at(&url, ["adopt", "--drift", "workspaces.x", "configs.y"])
        .run()
        .expect(1);
    for entry in ["workspaces.x", "configs.y"] {
        let said = format!("there is no entry {entry}");
        assert!(unknown.stderr.contains(&said), "{unknown}");
    }
    let bare = project.at(&url, ["adopt"]).run().expect(1);
    assert!(bare.stderr.contains("--drift"), "{bare}");
}

#[test]
fn secrets_are_never_written_down() {
    let (server, project) = (Server::start(), Project::small());
    let url = server.url();
    project.apply(&url);
    server.put(
        "/integrations/openai-prod",
        json!({ "key": "sk-somebody-else-put-this-here", "description": "Ours" }),
    );
    let (after, left) = adopt(&project, &server, &[]);
    assert!(after.contains("key: ${env:OPENAI_API_KEY}\n"), "{after}");
    assert!(after.contains("description: Ours\n"), "{after}");
    assert_eq!(
        left,
        [("/key".to_owned(), "the API does not show it".to_owned())]
    );
}
