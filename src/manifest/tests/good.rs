//! What a repository becomes.

use super::project;
use crate::diagnostic::Position;
use crate::model::{Pointer, Value};
use serde_json::json;

fn plain(value: &Value) -> serde_json::Value {
    serde_json::to_value(value).unwrap()
}

#[test]
fn the_largest_part_of_the_language_at_once() {
    let project = project(&[
        (
            "gatewright.yaml",
            "\
gatewright: 1
manifests: [\"org/**/*.yaml\"]
systems:
  portkey: { api_key: \"${env:KEY}\", base_url: \"https://${var:region}.example\" }
vars:
  region: us
  size: 3
  version: 1.10
  nested: [\"${var:region}\", { deep: \"${env:KEY}\" }]
environments:
  staging:
    vars: { region: eu }
    systems: { portkey: { api_key: \"${env:UNSET_ELSEWHERE}\" } }
",
        ),
        (
            "org/teams.yaml",
            "teams:\n  core: { name: Core, favourite: small }\n  edge: { name: Edge }\n",
        ),
        ("org/deep/token.txt", "file-secret\n"),
        (
            "org/deep/boxes.yaml",
            "\
boxes:
  small:
    name: small in ${var:region} ${var:version} $${literal}
    size: ${var:size}
    key: ${file:token.txt}
    account: '{\"user\": 1}${var:empty}'
    headers: { plain: text, auth: \"Bearer ${env:KEY}\" }
    team: core
    teams: { edge: { enabled: true }, 2f8a1c06-5d3e-4b7a-9c41-6e0d7b52a913: { enabled: false } }
    inside: 2f8a1c06-5d3e-4b7a-9c41-6e0d7b52a913
    model: '@small/gpt-5'
    mark: null
    free:
      text: see ${ref:teams.edge.slug} in ${var:region}
      id: ${ref:teams.edge.id}
      list: ${var:nested}
      deep: [{ team: core }]
    lifecycle: { protect: true, ignore: [/free/text], adopt: false, moved_from: tiny }
",
        ),
    ]);
    let project = project.set("KEY", "env-secret");
    // A literal piece and no interpolation from outside: this one is wrong on purpose.
    assert!(project.said().contains("error[unknown-variable]"));
    project.write(
        "org/deep/boxes.yaml",
        std::fs::read_to_string(project.root().join("org/deep/boxes.yaml"))
            .unwrap()
            .replace("'{\"user\": 1}${var:empty}'", "${env:ACCOUNT}")
            .as_bytes(),
    );
    let project = project.set("ACCOUNT", "{\"user\": 1}");
    assert_eq!(project.said(), "");
    let loaded = project.load();
    let repository = loaded.repository.unwrap();
    let names: Vec<_> = repository
        .entries
        .iter()
        .map(|entry| entry.address.to_string())
        .collect();
    assert_eq!(names, ["boxes.small", "teams.core", "teams.edge"]);
    let entry = &repository.entries[0];
    assert_eq!(
        serde_json::to_value(&entry.fields).unwrap(),
        json!({
            "name": "small in us 1.10 ${literal}",
            "size": 3,
            "key": { "$secret": ["${file:token.txt}"] },
            "account": { "$secret": ["${env:ACCOUNT}"] },
            "headers": { "plain": "text", "auth": { "$secret": ["${env:KEY}"] } },
            "team": { "$ref": "teams.core", "$attribute": "id" },
            "teams": {
                "edge": { "enabled": true },
                "2f8a1c06-5d3e-4b7a-9c41-6e0d7b52a913": { "enabled": false },
            },
            "inside": "2f8a1c06-5d3e-4b7a-9c41-6e0d7b52a913",
            "model": "@small/gpt-5",
            "mark": null,
            "free": {
                "text": { "$template": [
                    "see ", { "$ref": "teams.edge", "$attribute": "slug" }, " in us",
                ] },
                "id": { "$ref": "teams.edge", "$attribute": "id" },
                "list": ["us", { "deep": "env-secret" }],
                "deep": [{ "team": { "$ref": "teams.core", "$attribute": "id" } }],
            },
        })
    );
    let wire = entry.fields["key"].to_wire(&|_| None).unwrap();
    assert_eq!(wire, json!("file-secret"));
    let wire = entry.fields["account"].to_wire(&|_| None).unwrap();
    assert_eq!(wire, json!({ "user": 1 }));
    assert_eq!(repository.secrets.redact("a file-secret"), "a (secret)");
    assert!(entry.lifecycle.protect && !entry.lifecycle.adopt);
    assert_eq!(entry.lifecycle.ignore, [Pointer::from("/free/text")]);
    let moved = entry.lifecycle.moved_from.as_ref().unwrap();
    assert_eq!(moved.to_string(), "boxes.tiny");

    let links: Vec<_> = entry
        .links()
        .iter()
        .map(|link| {
            format!(
                "{} -> {}{}",
                link.at,
                link.to,
                if link.deferred { " later" } else { "" }
            )
        })
        .collect();
    assert_eq!(
        links,
        [
            "/team -> teams.core",
            "/teams/edge -> teams.edge",
            "/model -> boxes.small later",
            "/free/text -> teams.edge",
            "/free/id -> teams.edge",
            "/free/deep/0/team -> teams.core",
        ]
    );
    assert!(repository.entries[1].links()[0].deferred);

    let place = |pointer: &str| {
        let Position { line, column, .. } = loaded
            .sources
            .position(&entry.locate(&Pointer::from(pointer)));
        (line, column)
    };
    assert_eq!(place(""), (2, 3));
    assert_eq!(place("/size"), (4, 5));
    assert_eq!(place("/free/deep/0/team"), (17, 16));
    assert_eq!(place("/free/list/1/deep"), (16, 13));
    assert_eq!(place("/no/such/place"), (2, 3));

    let settings = &repository.project.systems["portkey"];
    assert_eq!(settings.base_url.as_deref(), Some("https://us.example"));
    let key = settings.api_key.as_ref().unwrap().as_ref().unwrap();
    assert_eq!(key.reveal(), "env-secret");
    assert_eq!(plain(&repository.project.vars["version"]), json!(1.1));
}

#[test]
fn environments_overlay_and_an_unset_api_key_waits() {
    let project = project(&[
        (
            "gatewright.yaml",
            "\
gatewright: 1
systems: { portkey: { api_key: \"${env:A}\", base_url: https://one.example } }
vars: { region: us, other: kept }
environments:
  staging:
    vars: { region: eu }
    systems: { portkey: { api_key: \"${env:B}\" } }
  empty:
",
        ),
        (
            "a.yaml",
            "teams: { a: { name: \"${var:region} ${var:other}\" } }",
        ),
    ])
    .environment("staging");
    assert_eq!(project.said(), "");
    let repository = project.load().repository.unwrap();
    assert_eq!(repository.entries[0].fields["name"], Value::text("eu kept"));
    let settings = &repository.project.systems["portkey"];
    assert_eq!(settings.base_url.as_deref(), Some("https://one.example"));
    let problem = settings.api_key.as_ref().unwrap().as_ref().unwrap_err();
    assert_eq!(problem.message, "environment variable `B` is not set");
    assert_eq!(project.environment("empty").said(), "");
}

#[test]
fn a_mock_run_needs_no_variables() {
    let mut project = project(&[
        (
            "gatewright.yaml",
            "gatewright: 1\nsystems: { portkey: { api_key: \"${env:A}\" } }\nvars: { v: \"${env:B}\" }\n",
        ),
        (
            "a.yaml",
            "boxes:\n  a:\n    name: ${env:N}\n    shade: ${env:S}\n    mark: ${var:v}\n    \
             key: ${file:none.txt}\n    account: ${env:J}\n",
        ),
    ]);
    project.placeholders = true;
    assert_eq!(project.said(), "");
    let repository = project.load().repository.unwrap();
    let fields = &repository.entries[0].fields;
    assert_eq!(fields["name"], Value::text("placeholder-N"));
    let account = fields["account"].to_wire(&|_| None).unwrap();
    assert_eq!(account, json!({ "placeholder": "J" }));
    assert!(
        repository.project.systems["portkey"]
            .api_key
            .as_ref()
            .unwrap()
            .is_ok()
    );
}

#[test]
fn literal_secrets_can_be_allowed() {
    let project = project(&[
        (
            "gatewright.yaml",
            "gatewright: 1\nallow_literal_secrets: true\n",
        ),
        (
            "a.yaml",
            "boxes: { a: { name: x, key: sk-abc, account: { user: 1 } } }",
        ),
    ]);
    assert_eq!(project.said(), "");
    let repository = project.load().repository.unwrap();
    let wire = Value::Map(repository.entries[0].fields.clone()).to_wire(&|_| None);
    assert_eq!(
        wire.unwrap(),
        json!({ "name": "x", "key": "sk-abc", "account": { "user": 1 } })
    );
}

#[test]
fn byte_order_marks_windows_line_ends_and_empty_files_are_fine() {
    let project = project(&[
        ("a.yaml", "\u{feff}teams:\r\n  a:\r\n    name: A\r\n"),
        ("empty.yaml", ""),
        ("comments.yml", "# nothing yet\n"),
        ("kind.yaml", "boxes:\n"),
    ]);
    assert_eq!(project.said(), "");
    let repository = project.load().repository.unwrap();
    assert_eq!(repository.entries[0].fields["name"], Value::text("A"));
}
