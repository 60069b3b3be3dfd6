//! Which models of an integration may be used: a part with an endpoint of its own.
//!
//! Sources: the API's document for the endpoint, where a PUT is a merge by slug, a DELETE takes
//! custom models away and built-in ones can only be disabled. That flags come back as `1` or
//! `"false"`, and that `allow_all_models` is part of the answer, was observed by the official
//! Terraform provider. The custom host of a model and its headers are never returned.

use std::borrow::Cow;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::kind::PartRequest;
use crate::model::{Map, Value};
use crate::systems::portkey::spec::NotNull;
use crate::systems::portkey::wire;

const ALL: &str = "allow_all_models";

/// Which models may be used: by slug, and `allow_all_models`.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct Models(pub IndexMap<String, serde_json::Value>);

impl JsonSchema for Models {
    fn schema_name() -> Cow<'static, str> {
        "Models".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let model = generator.subschema_for::<Option<Model>>();
        json_schema!({
            "type": "object",
            "properties": {
                ALL: {
                    "description": "Whether models that are not listed may be used as well, those \
                        that the provider adds later included. The server starts from true.",
                    "type": "boolean",
                },
            },
            "additionalProperties": model,
        })
    }
}

/// A model, under its slug. Fields that are left out are not managed. Null removes a custom model
/// and disables any other.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Whether it may be used.
    pub enabled: bool,
    /// Whether the model is one that the provider's catalogue does not have.
    #[serde(default)]
    pub is_custom: NotNull<bool>,
    /// Whether the model is a fine-tuned one.
    #[serde(default)]
    pub is_finetune: NotNull<bool>,
    /// The model of the catalogue that this one is made from, for its abilities and prices.
    pub base_model_slug: Option<String>,
    /// Where the model is. The API never returns this.
    #[serde(default)]
    pub configurations: NotNull<ModelConfigurations>,
    /// What the model costs, where the catalogue does not say.
    #[serde(default)]
    pub pricing_config: NotNull<ModelPricing>,
}

/// Where a custom model is.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelConfigurations {
    /// The base URL of the server that has it.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub custom_host: NotNull<String>,
    /// Headers for that server, by name.
    #[serde(default)]
    pub custom_headers: NotNull<IndexMap<String, String>>,
}

/// What a model costs.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelPricing {
    /// How the price is made; `static` is all there is.
    #[serde(rename = "type")]
    #[schemars(regex(pattern = "^static$"))]
    pub kind: String,
    /// The prices.
    #[serde(default)]
    pub pay_as_you_go: NotNull<PayAsYouGo>,
}

/// Prices by use.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PayAsYouGo {
    /// The price of requests.
    #[serde(default)]
    pub request_token: NotNull<TokenPrice>,
    /// The price of answers.
    #[serde(default)]
    pub response_token: NotNull<TokenPrice>,
}

/// The price of a token.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenPrice {
    /// The price of one token in cents of a US dollar.
    #[schemars(range(min = 0))]
    pub price: f64,
}

/// `{allow_all_models, models: [{slug, ...}]}` becomes a map by slug.
pub(super) fn decode(answer: serde_json::Value) -> Value {
    let mut map = Map::new();
    let Value::Map(mut answer) = Value::from(answer) else {
        return Value::Map(map);
    };
    if let Some(all) = answer.get(ALL).and_then(wire::flag) {
        map.insert(ALL.to_owned(), Value::Bool(all));
    }
    let Some(Value::List(models)) = answer.shift_remove("models") else {
        return Value::Map(map);
    };
    for model in models {
        let Value::Map(mut model) = model else {
            continue;
        };
        let Some(Value::String(slug)) = model.shift_remove("slug") else {
            continue;
        };
        wire::read_flags(&mut model, &["enabled", "is_custom", "is_finetune"]);
        model.shift_remove("name");
        wire::drop_empty(&mut model, &["base_model_slug", "pricing_config"]);
        wire::drop_nulls(&mut model);
        map.insert(slug, Value::Map(model));
    }
    Value::Map(map)
}

/// One PUT for everything that is to be there, and one DELETE for custom models that are to go.
pub(super) fn encode(changed: &Map, live: &Map) -> Vec<PartRequest> {
    let mut body = Map::new();
    let mut models = Vec::new();
    let mut gone = Vec::new();
    for (slug, value) in changed {
        match value {
            value if slug == ALL => {
                body.insert(ALL.to_owned(), value.clone());
            }
            Value::Null => match live.get(slug) {
                Some(model) if is_custom(model) => gone.push(slug.as_str()),
                Some(_) => models.push(named(slug, [("enabled".to_owned(), Value::Bool(false))])),
                None => {}
            },
            Value::Map(model) => {
                let enabled = model
                    .get("enabled")
                    .or_else(|| live.get(slug)?.at(&["enabled"]));
                let enabled = enabled.cloned().unwrap_or(Value::Bool(true));
                let rest = model.iter().filter(|(field, _)| *field != "enabled");
                let rest = rest.map(|(field, value)| (field.clone(), value.clone()));
                models.push(named(
                    slug,
                    [("enabled".to_owned(), enabled)].into_iter().chain(rest),
                ));
            }
            _ => {}
        }
    }
    let mut requests = Vec::new();
    if !body.is_empty() || !models.is_empty() {
        // The list is required even where only `allow_all_models` changes.
        body.insert("models".to_owned(), Value::List(models));
        requests.push(PartRequest {
            method: "PUT",
            below: None,
            query: Vec::new(),
            body: Some(Value::Map(body)),
        });
    }
    if !gone.is_empty() {
        requests.push(PartRequest {
            method: "DELETE",
            below: None,
            query: vec![("slugs", gone.join(","))],
            body: None,
        });
    }
    requests
}

fn named(slug: &str, fields: impl IntoIterator<Item = (String, Value)>) -> Value {
    let slug = ("slug".to_owned(), Value::text(slug));
    Value::Map([slug].into_iter().chain(fields).collect())
}

fn is_custom(model: &Value) -> bool {
    model.at(&["is_custom"]).and_then(wire::flag) == Some(true)
}

/// A built-in model is never gone, only disabled; a custom one that is disabled is still there.
pub(super) fn is_absent(model: &Value) -> bool {
    let enabled = model.at(&["enabled"]).and_then(wire::flag);
    enabled == Some(false) && !is_custom(model)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::portkey::spec::testing::map;
    use serde_json::json;

    fn json_of(value: &Value) -> serde_json::Value {
        serde_json::to_value(value).unwrap()
    }

    #[test]
    fn flags_of_any_spelling_are_read() {
        let live = decode(json!({
            "allow_all_models": 1, "total": 2,
            "models": [
                { "slug": "gpt-5", "name": "GPT-5", "enabled": true, "is_custom": "false",
                  "is_finetune": null, "base_model_slug": null },
                { "slug": "ft:a/b", "enabled": 0, "is_custom": 1, "is_finetune": 1,
                  "base_model_slug": "gpt-5", "pricing_config": { "type": "static" } },
            ],
        }));
        assert_eq!(
            json_of(&live),
            json!({
                "allow_all_models": true,
                "gpt-5": { "enabled": true, "is_custom": false },
                "ft:a/b": { "enabled": false, "is_custom": true, "is_finetune": true,
                            "base_model_slug": "gpt-5", "pricing_config": { "type": "static" } },
            })
        );
        assert_eq!(json_of(&decode(json!(null))), json!({}));
    }

    #[test]
    fn one_put_and_one_delete_do_everything() {
        let changed = map(json!({
            "allow_all_models": false,
            "gpt-5": { "enabled": true },
            "ft:a": { "is_custom": true, "enabled": false, "base_model_slug": "gpt-5" },
            "old-custom": null, "older-custom": null, "built-in": null, "never-there": null,
        }));
        let live = map(json!({
            "old-custom": { "enabled": true, "is_custom": true },
            "older-custom": { "enabled": false, "is_custom": true },
            "built-in": { "enabled": true, "is_custom": false },
        }));
        let requests = encode(&changed, &live);
        assert_eq!(requests.len(), 2);
        assert_eq!(requests[0].method, "PUT");
        assert_eq!(
            json_of(requests[0].body.as_ref().unwrap()),
            json!({
                "allow_all_models": false,
                "models": [
                    { "slug": "built-in", "enabled": false },
                    { "slug": "ft:a", "enabled": false, "is_custom": true,
                      "base_model_slug": "gpt-5" },
                    { "slug": "gpt-5", "enabled": true },
                ],
            })
        );
        assert_eq!(requests[1].method, "DELETE");
        assert_eq!(
            requests[1].query,
            [("slugs", "old-custom,older-custom".to_owned())]
        );
        assert_eq!(requests[1].body, None);
    }

    #[test]
    fn a_lone_switch_still_sends_the_list() {
        let requests = encode(&map(json!({ "allow_all_models": true })), &Map::new());
        assert_eq!(
            json_of(requests[0].body.as_ref().unwrap()),
            json!({ "allow_all_models": true, "models": [] })
        );
        assert!(encode(&map(json!({ "x": null })), &Map::new()).is_empty());
    }

    #[test]
    fn disabled_means_absent_for_built_in_models_only() {
        assert!(is_absent(&Value::from(json!({ "enabled": false }))));
        assert!(!is_absent(&Value::from(json!({ "enabled": true }))));
        assert!(!is_absent(&Value::from(
            json!({ "enabled": false, "is_custom": true })
        )));
        assert!(!is_absent(&Value::Bool(false)));
    }
}
