//! Annotation configs: what people may say of a trace.
//!
//! The type is `annotation_config_type` in requests, where every update repeats it, and `type` in
//! answers. A config that an active queue uses cannot be deleted.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::wire;
use super::list;
use crate::kind::{Detail, Endpoints, Identity, Is, Kind, Problems, Rule, Update};
use crate::model::{Attribute, Map, Pointer, Value};
use crate::systems::forms::{Context, Form, Mode, Modes};
use crate::systems::spec::NotNull;

/// What people may say of a trace: one of several labels, a number, or anything.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnotationConfigSpec {
    /// The name, which no other one of the space may have; the entry's key if left out.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub name: NotNull<String>,
    /// The space that it is in, by key. Cannot be changed.
    #[schemars(length(min = 1))]
    pub space_id: String,
    /// What an annotation is. Cannot be changed.
    pub annotation_config_type: AnnotationConfigType,
    /// Of `CATEGORICAL`: the labels to choose from, in their order.
    #[serde(default)]
    #[schemars(length(min = 2, max = 500))]
    pub values: NotNull<Vec<Label>>,
    /// Of `CONTINUOUS`: the lowest score.
    #[serde(default)]
    pub minimum_score: NotNull<f64>,
    /// Of `CONTINUOUS`: the highest score.
    #[serde(default)]
    pub maximum_score: NotNull<f64>,
    /// Which scores are better; `FREEFORM` has none.
    #[serde(default)]
    pub optimization_direction: NotNull<Direction>,
}

/// What an annotation is.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AnnotationConfigType {
    /// One of several labels.
    Categorical,
    /// A number between two others.
    Continuous,
    /// Any text.
    Freeform,
}

/// Which scores are better.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Direction {
    /// High ones.
    Maximize,
    /// Low ones.
    Minimize,
    /// Neither.
    None,
}

/// A label to choose.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// What people see.
    #[schemars(length(min = 1))]
    pub label: String,
    /// What it counts.
    pub score: Option<f64>,
}

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "arize",
    name: "annotation_configs",
    noun: "annotation config",
    schema: |generator| generator.subschema_for::<AnnotationConfigSpec>(),
    identity: Identity::UniqueName,
    scope: &["space_id"],
    endpoints: Endpoints {
        list: list("/v2/annotation-configs", "annotation_configs"),
        create: "/v2/annotation-configs",
        item: "/v2/annotation-configs/{id}",
        update: Update {
            repeats: &["annotation_config_type"],
            ..Update::PATCH
        },
        detail: Detail::Listed,
        ..Endpoints::PLAIN
    },
    rules: &[
        Rule::new("/space_id", Is::Immutable),
        Rule::new(
            "/space_id",
            Is::Reference {
                kind: "spaces",
                attribute: Attribute::Id,
            },
        ),
        Rule::new("/annotation_config_type", Is::Immutable),
    ],
    parts: &[],
    check: Some(check),
    decode: Some(decode),
    encode: None,
};

static FORM: Form = Form {
    required: &["space_id"],
    optional: &["name"],
    modes: Some(&Modes {
        field: "annotation_config_type",
        modes: &[
            Mode {
                name: "CATEGORICAL",
                required: &["values"],
                optional: &["optimization_direction"],
            },
            Mode {
                name: "CONTINUOUS",
                required: &["minimum_score", "maximum_score"],
                optional: &["optimization_direction"],
            },
            Mode {
                name: "FREEFORM",
                required: &[],
                optional: &[],
            },
        ],
    }),
};

fn check(entry: &Map, problems: &mut Problems) {
    let root = Pointer::root();
    let context = Context {
        what: "an annotation config",
        secrets: &[],
        supplied: &|_| false,
        hint: &|_| None,
    };
    wire::check_form(&FORM, entry, &root, &context, problems);
    let number = |field: &str| match entry.get(field) {
        Some(Value::Number(number)) => number.as_f64(),
        _ => None,
    };
    if let (Some(least), Some(most)) = (number("minimum_score"), number("maximum_score"))
        && least >= most
    {
        problems.error(
            "invalid-value",
            &root.child("maximum_score"),
            format!("`maximum_score` must be above `minimum_score`, which is {least}"),
        );
    }
    let values = entry.get("values").and_then(Value::as_list);
    let mut seen = std::collections::BTreeSet::new();
    for (index, value) in values.unwrap_or_default().iter().enumerate() {
        let label = value.at(&["label"]).and_then(Value::as_str);
        if let Some(label) = label.filter(|label| !seen.insert(*label)) {
            problems.error(
                "invalid-value",
                &root.child("values").child(index).child("label"),
                format!("the label `{label}` is there twice"),
            );
        }
    }
}

fn decode(live: &mut Map) {
    if let Some(kind) = live.shift_remove("type") {
        live.insert("annotation_config_type".to_owned(), kind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::spec::testing::{accepts, decoded, problems};
    use serde_json::json;

    #[test]
    fn each_type_has_its_fields() {
        let entry = json!({ "space_id": "s", "annotation_config_type": "CONTINUOUS",
                            "minimum_score": 1, "maximum_score": 1, "values": [] });
        assert_eq!(
            problems(&KIND, entry),
            [
                "error /values unused-field: `values` means nothing with \
                 `annotation_config_type: CONTINUOUS`",
                "error /maximum_score invalid-value: `maximum_score` must be above \
                 `minimum_score`, which is 1",
            ]
        );
        let entry = json!({ "space_id": "s", "annotation_config_type": "CATEGORICAL" });
        assert_eq!(
            problems(&KIND, entry),
            [
                "error  missing-field: an annotation config with `annotation_config_type: \
                 CATEGORICAL` needs `values`"
            ]
        );
        let twice = json!({ "space_id": "s", "annotation_config_type": "CATEGORICAL",
                            "values": [{ "label": "a" }, { "label": "a", "score": 1 }] });
        assert!(accepts::<AnnotationConfigSpec>(&KIND, &twice));
        assert_eq!(
            problems(&KIND, twice),
            ["error /values/1/label invalid-value: the label `a` is there twice"]
        );
        assert!(!accepts::<AnnotationConfigSpec>(
            &KIND,
            &json!({ "space_id": "s", "annotation_config_type": "CATEGORICAL",
                     "values": [{ "label": "a" }] })
        ));
    }

    #[test]
    fn the_type_has_another_name_in_answers() {
        assert_eq!(
            decoded(&KIND, json!({ "id": "x", "type": "FREEFORM" })),
            json!({ "id": "x", "annotation_config_type": "FREEFORM" })
        );
    }
}
