//! Prompts and partials: the model among the parameters, and rendering.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::workspace::DEFAULT_COLLECTION;
use super::{Hook, Target};
use crate::description::Description;
use crate::engine::error::ApiError;
use crate::engine::shape::Outcome;
use crate::engine::work::Work;
use crate::engine::{editions, mustache};
use crate::store::State;
use crate::store::record::{Object, Record};

#[derive(Debug)]
pub(crate) struct Prompt;

impl Hook for Prompt {
    /// The live API adds the model to the parameters.
    fn before_edition(&self, content: &mut Map<String, Value>) {
        let model = content.get("model").cloned();
        if let (Some(model), Some(Value::Object(parameters))) =
            (model, content.get_mut("parameters"))
        {
            parameters.entry("model".to_owned()).or_insert(model);
        }
    }

    /// `render` fills in the variables: what it answers is the request that would go to a model.
    fn view(
        &self,
        description: &'static Description,
        state: &State,
        _step: &str,
        target: &Target<'_>,
    ) -> Result<Outcome, ApiError> {
        let reference = target
            .request
            .subject(target.operation, target.behaviour.by.as_deref());
        let rendered = render(description, state, reference, &target.request.members())?.body;
        let mut fields = Map::new();
        fields.insert("success".to_owned(), Value::Bool(true));
        fields.insert("data".to_owned(), Value::Object(rendered));
        Ok(Outcome::Whole(Object::new(fields)))
    }
}

/// A prompt with its variables filled in.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) prompt: Arc<Record>,
    pub(crate) edition: Arc<Record>,
    /// The request that would go to a model.
    pub(crate) body: Map<String, Value>,
}

/// Fills in the variables that a request brings.
pub(crate) fn render(
    description: &'static Description,
    state: &State,
    reference: &str,
    body: &Map<String, Value>,
) -> Result<Rendered, ApiError> {
    let (prompt, edition) = editions::referred(description, state, "prompt", reference)?;
    let nothing = Value::Object(Map::new());
    let variables = body.get("variables").unwrap_or(&nothing);
    let partial = |name: &str| {
        let (_, edition) = editions::referred(description, state, "partial", name).ok()?;
        edition.text("string").map(str::to_owned)
    };
    let template = edition.text("string").unwrap_or_default();
    let mut rendered = match edition.get("parameters") {
        Some(Value::Object(parameters)) => parameters.clone(),
        _ => Map::new(),
    };
    // A chat is kept as the JSON of its messages. Their texts are templates, not the JSON, so
    // that a quotation mark in a variable breaks nothing.
    match serde_json::from_str(template) {
        Ok(Value::Array(messages)) => {
            let mut messages = Value::Array(messages);
            fill(&mut messages, &|text| {
                mustache::render(text, variables, &partial)
            });
            rendered.insert("messages".to_owned(), messages);
        }
        _ => {
            let text = mustache::render(template, variables, &partial);
            rendered.insert("prompt".to_owned(), Value::from(text));
        }
    }
    for field in ["model", "functions", "tools", "tool_choice"] {
        if let Some(value) = edition.get(field) {
            rendered.insert(field.to_owned(), value.clone());
        }
    }
    // What a request gives beside the variables goes over the stored parameters.
    let hyperparameters = body.get("hyperparameters").and_then(Value::as_object);
    for (name, value) in body.iter().chain(hyperparameters.into_iter().flatten()) {
        if !["variables", "hyperparameters", "stream"].contains(&name.as_str()) {
            rendered.insert(name.clone(), value.clone());
        }
    }
    Ok(Rendered {
        prompt,
        edition,
        body: rendered,
    })
}

/// Renders every text inside a value.
fn fill(value: &mut Value, render: &impl Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = render(text),
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, render)),
        Value::Object(members) => members.values_mut().for_each(|member| fill(member, render)),
        _ => {}
    }
}

#[derive(Debug)]
pub(crate) struct Partial;

impl Hook for Partial {
    /// No request says which collection a partial belongs to: it is the workspace's first one.
    fn before_create(
        &self,
        work: &mut Work<'_>,
        input: &mut Map<String, Value>,
        _owner: Option<&Arc<Record>>,
    ) -> Result<(), ApiError> {
        let workspace = input.get("workspace_id").and_then(Value::as_str);
        let workspace = workspace.and_then(|id| work.find("workspace", id, None));
        if let Some(collection) = workspace.and_then(|w| w.get(DEFAULT_COLLECTION).cloned()) {
            input.insert("collection_id".to_owned(), collection);
        }
        Ok(())
    }
}
