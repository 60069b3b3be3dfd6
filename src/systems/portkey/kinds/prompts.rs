//! Prompts: templates with their model and settings, in numbered versions of which one is
//! published.
//!
//! Sources: the API's document for paths and fields. That a change of content makes a version which
//! is not published by itself, that it has to bring the whole content, that publishing takes the
//! number and not the id, that numbers may have gaps, that the model shows among the parameters, and
//! that whether the template is raw is a number was observed by the official Terraform provider. The
//! list has summaries.

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value as Json;

use super::super::spec::NotNull;
use super::super::wire;
use crate::kind::{
    Detail, Endpoints, Identity, Is, Kind, List, Operation, Paging, Problems, Rule, Update,
    VersionLabel, Versions,
};
use crate::model::{Attribute, Map, Pointer, Value};

/// A prompt. A change of its content makes a new version and publishes it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PromptSpec {
    /// The name that people see; the entry's key if left out.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    pub name: NotNull<String>,
    /// The collection that it lies in, by key.
    #[schemars(schema_with = "super::super::spec::reference")]
    pub collection_id: String,
    /// The template: a text, or the JSON text of a list of messages. Partials are named by their
    /// slugs: `${ref:partials.KEY.slug}`.
    pub string: String,
    /// What the model is asked with besides the template, for example `max_tokens`; the model
    /// itself is `model`.
    #[serde(default)]
    #[schemars(schema_with = "super::super::spec::object")]
    pub parameters: NotNull<IndexMap<String, Json>>,
    /// The model.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub model: NotNull<String>,
    /// The provider that is asked, by its slug.
    #[schemars(length(min = 1))]
    pub virtual_key: String,
    /// Functions that the model may call, in the older form.
    pub functions: Option<Vec<IndexMap<String, Json>>>,
    /// Tools that the model may call.
    pub tools: Option<Vec<IndexMap<String, Json>>>,
    /// Which of the tools it has to call: a word or an object.
    #[serde(default)]
    #[schemars(schema_with = "choice")]
    pub tool_choice: NotNull<Json>,
    /// What else the console keeps of the template.
    #[serde(default)]
    #[schemars(schema_with = "super::super::spec::object")]
    pub template_metadata: NotNull<IndexMap<String, Json>>,
    /// What is said of the published version.
    pub version_description: Option<String>,
    /// The label that the published version carries, by key. It moves along with new versions; it
    /// cannot be taken away.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub label_id: NotNull<String>,
}

fn choice(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "object"] })
}

const CONTENT: &[&str] = &[
    "string",
    "parameters",
    "model",
    "virtual_key",
    "functions",
    "tools",
    "tool_choice",
    "template_metadata",
    "version_description",
    // Not a field: what the console says of it stays, whichever version follows.
    "is_raw_template",
];

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "portkey",
    name: "prompts",
    noun: "prompt",
    schema: |generator| generator.subschema_for::<PromptSpec>(),
    identity: Identity::Name,
    scope: &["collection_id"],
    endpoints: Endpoints {
        list: List {
            path: "/prompts",
            items: "data",
            paging: Paging::CurrentPage { size: 100 },
            ..List::NONE
        },
        create: "/prompts",
        item: "/prompts/{slug}",
        detail: Detail::Read,
        update: Update::PUT,
        ..Endpoints::PLAIN
    },
    rules: &[
        Rule::new(
            "",
            Is::Versioned(Versions {
                content: CONTENT,
                list: "/prompts/{slug}/versions",
                ids: &["prompt_version_id", "id"],
                number: "prompt_version",
                publish: "/prompts/{slug}/makeDefault",
                label: Some(VersionLabel {
                    field: "label_id",
                    path: "/prompts/{slug}/versions/{version}",
                }),
            }),
        ),
        Rule::new(
            "/collection_id",
            Is::Reference {
                kind: "collections",
                attribute: Attribute::Id,
            },
        ),
        Rule::new(
            "/virtual_key",
            Is::Mention {
                kind: "providers",
                prefix: "",
            },
        ),
        Rule::new(
            "/label_id",
            Is::Reference {
                kind: "labels",
                attribute: Attribute::Id,
            },
        ),
    ],
    parts: &[],
    check: Some(check),
    decode: Some(decode),
    encode: Some(encode),
};

fn check(entry: &Map, problems: &mut Problems) {
    let parameters = entry.get("parameters").and_then(Value::as_map);
    if parameters.is_some_and(|parameters| parameters.contains_key("model")) {
        let at = Pointer::from("/parameters/model");
        problems
            .error(
                "conflicting-fields",
                &at,
                "`model` is a field of the prompt",
            )
            .help("write it beside `parameters`; the server adds it to them by itself");
    }
}

fn decode(live: &mut Map) {
    if let Some(raw) = live.get_mut("is_raw_template")
        && let Some(flag) = wire::flag(raw)
    {
        *raw = Value::from(Json::from(u8::from(flag)));
    }
    if let Some(Value::Map(parameters)) = live.get_mut("parameters") {
        parameters.shift_remove("model");
    }
    wire::rename(live, "prompt_version_description", "version_description");
    wire::rename(live, "prompt_version_label_id", "label_id");
    wire::drop_empty(
        live,
        &[
            "version_description",
            "label_id",
            "functions",
            "tools",
            "tool_choice",
            "template_metadata",
            "parameters",
            "model",
        ],
    );
}

fn encode(body: &mut Map, operation: Operation) {
    wire::clear_as_list(body, operation, &["functions", "tools"]);
    wire::clear_as_text(body, operation, &["version_description"]);
    let content = CONTENT.iter().any(|field| body.contains_key(*field));
    if content {
        body.entry("parameters".to_owned())
            .or_insert_with(|| Value::Map(Map::new()));
        if operation == Operation::Update {
            body.entry("is_raw_template".to_owned())
                .or_insert_with(|| Value::from(Json::from(0)));
            // A creation and an update have different names for it in the API's document.
            wire::rename(body, "template_metadata", "prompt_metadata");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::spec::testing::{accepts, decoded, encoded, problems};
    use super::*;
    use serde_json::json;

    #[test]
    fn the_schema_wants_a_template_a_place_and_a_provider() {
        let least = json!({ "collection_id": "c", "string": "Hello", "virtual_key": "openai" });
        let with = |field: &str, value: Json| {
            let mut entry = least.clone();
            entry[field] = value;
            entry
        };
        let good = [
            least.clone(),
            with("tools", json!([{ "type": "function" }])),
            with("tools", Json::Null),
            with("tool_choice", json!("auto")),
            with("tool_choice", json!({ "type": "function" })),
            with("version_description", Json::Null),
            with("label_id", json!("production")),
        ];
        for entry in &good {
            assert!(accepts::<PromptSpec>(&KIND, entry), "{entry}");
        }
        let bad = [
            json!({ "collection_id": "c", "string": "Hello" }),
            with("string", Json::Null),
            with("label_id", Json::Null),
            with("parameters", json!([])),
            with("template", json!("x")),
        ];
        for entry in &bad {
            assert!(!accepts::<PromptSpec>(&KIND, entry), "{entry}");
        }
        assert_eq!(
            problems(&KIND, with("parameters", json!({ "model": "gpt-5" }))),
            [
                "error /parameters/model conflicting-fields: `model` is a field of the prompt \
                 (write it beside `parameters`; the server adds it to them by itself)"
            ]
        );
    }

    #[test]
    fn a_live_prompt_reads_like_its_manifest() {
        let live = json!({
            "slug": "pp-1", "string": "Hello", "parameters": { "model": "m", "max_tokens": 5 },
            "prompt_version_description": "first", "prompt_version_label_id": "l",
            "functions": [], "tools": null, "template_metadata": {}, "model": "m",
            "is_raw_template": true,
        });
        assert_eq!(
            decoded(&KIND, live),
            json!({ "slug": "pp-1", "string": "Hello", "parameters": { "max_tokens": 5 },
                    "version_description": "first", "label_id": "l", "model": "m",
                    "is_raw_template": 1 })
        );
    }

    #[test]
    fn only_content_brings_what_content_needs() {
        assert_eq!(
            encoded(&KIND, json!({ "name": "N" }), Operation::Update),
            json!({ "name": "N" })
        );
        assert_eq!(
            encoded(
                &KIND,
                json!({ "string": "s", "tools": null }),
                Operation::Update
            ),
            json!({ "string": "s", "tools": [], "parameters": {}, "is_raw_template": 0 })
        );
        let raw = json!({ "string": "s", "is_raw_template": 1, "template_metadata": { "a": 1 } });
        assert_eq!(
            encoded(&KIND, raw, Operation::Update),
            json!({ "string": "s", "is_raw_template": 1, "prompt_metadata": { "a": 1 },
                    "parameters": {} })
        );
        assert_eq!(
            encoded(
                &KIND,
                json!({ "string": "s", "tools": null }),
                Operation::Create
            ),
            json!({ "string": "s", "parameters": {} })
        );
    }
}
