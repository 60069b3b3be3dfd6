//! Labels: names for versions of prompts, for example `canary`.
//!
//! Sources: the API's document for paths, fields and which names are taken; the vendor's
//! documentation for the three universal labels that every workspace has from the start.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::spec::NotNull;
use super::super::wire;
use crate::kind::{
    Detail, Endpoints, Identity, Is, Kind, List, Operation, Paging, Problems, Rule, Update,
};
use crate::model::{Attribute, Map, Pointer, Value};

/// A name that versions of prompts can carry: a request for `prompt@label` gets the version that
/// has it. It is on one version of a prompt at a time.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LabelSpec {
    /// The label itself; the entry's key if left out. `latest`, `default` and numbers mean
    /// something else where labels are used and cannot be labels. Requests that still use the old
    /// name fail once it changes.
    #[serde(default)]
    #[schemars(
        length(min = 1),
        regex(pattern = r"^[a-zA-Z0-9_-]*[^@\s]?[a-zA-Z0-9_-]*$")
    )]
    pub name: NotNull<String>,
    /// The workspace that it belongs to, by key; left out, it belongs to the organisation, or to
    /// the workspace of the API key. Cannot be changed.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub workspace_id: NotNull<String>,
    /// What it means.
    pub description: Option<String>,
    /// The colour that people see, for example `#0f766e`.
    pub color_code: Option<String>,
}

/// Labels that the server makes for everybody.
const UNIVERSAL: &[&str] = &["production", "staging", "development"];

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "portkey",
    name: "labels",
    noun: "label",
    schema: |generator| generator.subschema_for::<LabelSpec>(),
    identity: Identity::Name,
    scope: &["workspace_id"],
    endpoints: Endpoints {
        list: List {
            path: "/labels",
            items: "data",
            paging: Paging::CurrentPage { size: 100 },
            per_scope: true,
            ..List::NONE
        },
        create: "/labels",
        item: "/labels/{id}",
        detail: Detail::Listed,
        update: Update::PUT,
        ..Endpoints::PLAIN
    },
    rules: &[
        Rule::new("/workspace_id", Is::Immutable),
        Rule::new(
            "/workspace_id",
            Is::Reference {
                kind: "workspaces",
                attribute: Attribute::Id,
            },
        ),
        Rule::new(
            "/is_universal",
            Is::ServerMade {
                because: "everybody has them from the start",
            },
        ),
    ],
    parts: &[],
    check: Some(check),
    decode: Some(decode),
    encode: Some(encode),
};

fn check(entry: &Map, problems: &mut Problems) {
    let Some(name) = entry.get("name").and_then(Value::as_str) else {
        return;
    };
    let at = Pointer::root().child("name");
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        let message = format!("`{name}` cannot be a label: numbers name versions of prompts");
        problems.error("invalid-value", &at, message);
    } else if ["latest", "default"].contains(&name) {
        let message = format!("`{name}` cannot be a label: it names a version of every prompt");
        problems.error("invalid-value", &at, message);
    } else if UNIVERSAL.contains(&name) {
        problems
            .warning(
                "server-made",
                &at,
                format!("the server has a label `{name}` for everybody already"),
            )
            .help(
                "it can be used without an entry; an entry would take it over, and removing the \
                 entry later would delete it",
            );
    }
}

fn decode(live: &mut Map) {
    wire::read_flags(live, &["is_universal"]);
    wire::drop_empty(live, &["description", "color_code"]);
}

fn encode(body: &mut Map, operation: Operation) {
    wire::clear_as_text(body, operation, &["description", "color_code"]);
}

#[cfg(test)]
mod tests {
    use super::super::super::spec::testing::{accepts, decoded, encoded, problems};
    use super::*;
    use serde_json::json;

    #[test]
    fn the_schema_knows_which_characters_a_label_has() {
        for name in ["canary", "v2-eu", "_", "EU", "ünder"] {
            let entry = json!({ "name": name, "workspace_id": "search", "description": null,
                                "color_code": null });
            let fits = accepts::<LabelSpec>(&KIND, &entry);
            assert!(fits, "{name}");
        }
        assert!(accepts::<LabelSpec>(&KIND, &json!({})));
        for name in ["", "a@b", "two words", "één-twéé"] {
            assert!(
                !accepts::<LabelSpec>(&KIND, &json!({ "name": name })),
                "{name}"
            );
        }
        assert!(!accepts::<LabelSpec>(&KIND, &json!({ "name": null })));
        assert!(!accepts::<LabelSpec>(&KIND, &json!({ "color": "red" })));
    }

    #[test]
    fn taken_names_are_pointed_out() {
        let table = [
            ("canary", None),
            ("v2", None),
            (
                "2024",
                Some(
                    "error /name invalid-value: `2024` cannot be a label: numbers name versions of \
                     prompts",
                ),
            ),
            (
                "latest",
                Some(
                    "error /name invalid-value: `latest` cannot be a label: it names a version of \
                     every prompt",
                ),
            ),
            (
                "staging",
                Some(
                    "warning /name server-made: the server has a label `staging` for everybody \
                     already (it can be used without an entry; an entry would take it over, and \
                     removing the entry later would delete it)",
                ),
            ),
        ];
        for (name, wanted) in table {
            let wanted: Vec<&str> = wanted.into_iter().collect();
            assert_eq!(problems(&KIND, json!({ "name": name })), wanted);
        }
    }

    #[test]
    fn a_live_label_reads_like_its_manifest() {
        let live = json!({ "id": "u", "name": "canary", "description": "", "color_code": null,
                           "workspace_id": "w", "is_universal": 0, "status": "active" });
        assert_eq!(
            decoded(&KIND, live),
            json!({ "id": "u", "name": "canary", "workspace_id": "w", "is_universal": false,
                    "status": "active" })
        );
    }

    #[test]
    fn clearing_sends_empty_texts() {
        let body = json!({ "description": null, "color_code": null, "name": "canary" });
        assert_eq!(
            encoded(&KIND, body.clone(), Operation::Update),
            json!({ "description": "", "color_code": "", "name": "canary" })
        );
        assert_eq!(
            encoded(&KIND, body, Operation::Create),
            json!({ "name": "canary" })
        );
    }
}
