//! Answers made of figures about the logs, and of the prices of models.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Hook, Target};
use crate::description::Description;
use crate::description::document::Located;
use crate::description::node::Node;
use crate::description::schema::{self, Types};
use crate::engine::analytics::{self, metric};
use crate::engine::error::ApiError;
use crate::engine::find;
use crate::engine::list::page_of;
use crate::engine::log_filters;
use crate::engine::shape::Outcome;
use crate::store::State;
use crate::store::record::{Object, Record};

#[derive(Debug)]
pub(crate) struct Analytics;

impl Hook for Analytics {
    fn view(
        &self,
        description: &'static Description,
        state: &State,
        step: &str,
        target: &Target<'_>,
    ) -> Result<Outcome, ApiError> {
        if step == "pricing" {
            return pricing(description, target);
        }
        let logs = selected(description, state, target)?;
        if target.behaviour.lists {
            let metadata = target.request.segment("metadataKey");
            let named = |log: &Record, key: &str| {
                log.get("metadata")?.get(key)?.as_str().map(str::to_owned)
            };
            let place = target.request.segment("groupBy");
            let measured = |log: &Record, name: &str| match metric(log, name)? {
                Value::String(text) => Some(text.clone()),
                Value::Null => None,
                other => Some(other.to_string()),
            };
            let groups = match (step, metadata) {
                ("workspaces", _) => analytics::groups(state, &logs, "workspace", |log| {
                    measured(log, "workspace_slug")
                }),
                ("any", _) => {
                    let by = place.unwrap_or_default();
                    let metric = match by {
                        "ai_service" | "provider" => "ai_org",
                        "model" => "ai_model",
                        "status_code" => "response_status_code",
                        "api_key" => "api_key_id",
                        "workspace" => "workspace_slug",
                        "prompt" => "prompt_slug",
                        other => other,
                    };
                    analytics::groups(state, &logs, by, |log| measured(log, metric))
                }
                ("ai-models", _) => analytics::groups(state, &logs, "ai_model", |log| {
                    metric(log, "ai_model")?.as_str().map(str::to_owned)
                }),
                (_, Some(key)) => {
                    analytics::groups(state, &logs, "metadata_value", |log| named(log, key))
                }
                (_, None) => analytics::groups(state, &logs, "user", |log| named(log, "_user")),
            };
            let groups = groups.into_iter().map(Object::new).collect();
            return page_of(groups, target.operation, target.behaviour, target.request);
        }
        let (summary, points) = match step.strip_prefix("feedbacks") {
            Some(by) => analytics::feedback(state, &logs, by),
            None => analytics::graph(&logs, step),
        };
        let mut fields = Map::new();
        let schema = target
            .operation
            .success()
            .and_then(|success| success.json());
        let Some(schema) = schema.and_then(|content| content.schema.as_ref()) else {
            return Ok(Outcome::Empty);
        };
        for property in schema::properties(description.document, schema) {
            let value = match schema::items(description.document, &property.schema) {
                Some(item) => Value::Array(
                    points
                        .iter()
                        .filter_map(Value::as_object)
                        .map(|point| Value::Object(pick(description, &item, point)))
                        .collect(),
                ),
                None if property.name == "summary" => {
                    Value::Object(pick(description, &property.schema, &summary))
                }
                None => continue,
            };
            fields.insert(property.name, value);
        }
        Ok(Outcome::Object(Object::new(fields)))
    }
}

/// The figures that a schema has a place for; what is not counted here is zero.
fn pick(
    description: &'static Description,
    schema: &Located,
    figures: &Map<String, Value>,
) -> Map<String, Value> {
    let properties = schema::properties(description.document, schema).into_iter();
    let picked = properties.map(|property| {
        let types = schema::types(description.document, &property.schema);
        let value = figures.get(&property.name).cloned();
        let value = value.unwrap_or_else(|| match types.has(Types::ARRAY) {
            true => Value::Array(Vec::new()),
            false => Value::from(0),
        });
        (property.name, value)
    });
    picked.collect()
}

/// The logs that a request is about: those of the workspace that it names, or of all.
fn selected(
    description: &'static Description,
    state: &State,
    target: &Target<'_>,
) -> Result<Vec<Arc<Record>>, ApiError> {
    let own = target.request.caller.workspace();
    let own = own.and_then(|id| find::named(state, "workspace", id, None));
    let named = match target.request.query_text("workspace_slug") {
        Some(slug) => {
            let kind = find::resource(description, "workspace")?;
            let workspace =
                find::named(state, "workspace", slug, None).ok_or_else(|| find::missing(kind))?;
            target.request.caller.may_see(state, kind, &workspace)?;
            Some(workspace)
        }
        None => own,
    };
    let slug = named
        .as_ref()
        .and_then(|workspace| workspace.slug.as_deref());
    Ok(log_filters::matching(
        state,
        slug,
        Some(&target.request.query),
    ))
}

/// What a token of a model costs, in USD cents.
fn pricing(description: &'static Description, target: &Target<'_>) -> Result<Outcome, ApiError> {
    let named = |name: &str| target.request.name(name);
    let prices = description.document.get("x-model-prices");
    let prices = prices.and_then(|prices| prices.get(named("provider"))?.get(named("model")));
    let Some(prices) = prices.and_then(Node::as_array) else {
        return Err(ApiError::not_found("Model not found"));
    };
    let token = |which: usize| {
        let price = prices.get(which).map_or(Value::Null, Value::from);
        serde_json::json!({ "price": price })
    };
    let mut fields = Map::new();
    let mut costs = Map::new();
    costs.insert("request_token".to_owned(), token(0));
    costs.insert("response_token".to_owned(), token(1));
    fields.insert("pay_as_you_go".to_owned(), Value::Object(costs));
    Ok(Outcome::Object(Object::new(fields)))
}
