//! The configuration of an LLM integration: from what requests write to what answers show.
//!
//! What is kept is the union of what any provider shows. The response schema of the provider
//! decides what an answer carries of it, and the description's `x-llm-providers` which fields a
//! provider has.

use serde_json::{Map, Value, json};

use super::{check_address, header_names, take_object, word};
use crate::description::document;
use crate::description::node::Node;
use crate::engine::error::ApiError;
use crate::engine::work::Work;

/// The configuration after a request: a new one, or `former` with what the request gives.
pub(crate) fn config(
    work: &Work<'_>,
    former: Option<&Map<String, Value>>,
    mut given: Map<String, Value>,
) -> Result<Map<String, Value>, ApiError> {
    let named = former.unwrap_or(&given).get("provider");
    let provider = word(named);
    let spec = spec(work, &provider)?;
    if let Some(stated) = given.get("provider")
        && word(Some(stated)) != provider
    {
        return Err(ApiError::unprocessable("config.provider cannot be changed"));
    }
    let fields: Vec<&str> = listed(spec, "fields").collect();
    for name in given.keys() {
        if name != "provider" && !fields.contains(&name.as_str()) {
            return Err(ApiError::unprocessable(format!(
                "config.{name} does not apply to this provider"
            )));
        }
    }
    if given.contains_key("api_key") && given.contains_key("auth") {
        return Err(ApiError::unprocessable(
            "config.api_key and config.auth exclude each other",
        ));
    }
    let mut config = match former {
        Some(former) => former.clone(),
        None => Map::from_iter([
            ("has_api_key".to_owned(), json!(false)),
            ("base_url".to_owned(), Value::Null),
            ("header_names".to_owned(), json!([])),
            ("is_function_calling_enabled".to_owned(), json!(true)),
            ("is_default_models_enabled".to_owned(), json!(false)),
            ("model_names".to_owned(), json!([])),
        ]),
    };
    let key = given.remove("api_key");
    let authenticates = fields.contains(&"auth");
    if let Some(key) = &key {
        config.insert("has_api_key".to_owned(), json!(!key.is_null()));
    }
    if let Some(headers) = given.remove("headers") {
        config.insert("header_names".to_owned(), header_names(&headers)?.into());
    }
    if let Some(auth) = take_object(&mut given, "auth") {
        let auth = shown_auth(work, spec, auth)?;
        let has_key = auth.get("has_api_key").cloned().unwrap_or(json!(false));
        config.insert("has_api_key".to_owned(), has_key);
        config.insert("auth".to_owned(), Value::Object(auth));
    } else if authenticates && (key.is_some() || !config.contains_key("auth")) {
        // A key of its own is short for the plain way to authenticate.
        let has_key = config.get("has_api_key").cloned().unwrap_or_default();
        config.insert(
            "auth".to_owned(),
            json!({ "auth_type": "DEFAULT", "has_api_key": has_key }),
        );
    }
    if let Some(address) = given.get("base_url") {
        if address.is_null() && listed(spec, "kept").any(|field| field == "base_url") {
            return Err(ApiError::unprocessable("config.base_url cannot be cleared"));
        }
        check_address("config.base_url", address)?;
    }
    config.append(&mut given);
    let models = config.get("model_names").and_then(Value::as_array);
    let has_models = models.is_some_and(|models| !models.is_empty())
        || config.get("is_default_models_enabled") == Some(&Value::Bool(true));
    if spec.get("models").and_then(Node::as_str) == Some("required") && !has_models {
        return Err(ApiError::unprocessable(
            "config needs is_default_models_enabled or at least one of model_names",
        ));
    }
    Ok(config)
}

/// What the description says of a provider.
fn spec(work: &Work<'_>, provider: &str) -> Result<&'static Node, ApiError> {
    let providers = work.description.document.get("x-llm-providers");
    let mut providers = providers.and_then(Node::as_object).into_iter().flatten();
    providers
        .find(|(name, _)| name.replace('_', "") == provider)
        .map(|(_, spec)| spec)
        .ok_or_else(|| ApiError::unprocessable("config.provider is not one that is supported"))
}

fn listed<'s>(spec: &'s Node, list: &str) -> impl Iterator<Item = &'s str> {
    let list = spec.get(list).and_then(Node::as_array);
    list.into_iter().flatten().filter_map(Node::as_str)
}

/// What answers show of a block that says how to authenticate. It replaces the former one whole.
fn shown_auth(
    work: &Work<'_>,
    spec: &Node,
    mut auth: Map<String, Value>,
) -> Result<Map<String, Value>, ApiError> {
    let schema = spec.get("auth").and_then(Node::as_str);
    let schema = schema.and_then(|schema| document::lookup(work.description.document, schema));
    // An update's schema allows the blocks of all providers.
    let validator = schema.and_then(|schema| work.description.validator(&schema));
    if validator.is_some_and(|validator| !validator.is_valid(&Value::Object(auth.clone()))) {
        return Err(ApiError::unprocessable(
            "config.auth is not one that this provider takes",
        ));
    }
    for field in ["base_url", "token_url"] {
        if let Some(address) = auth.get(field) {
            check_address(&format!("config.auth.{field}"), address)?;
        }
    }
    for (secret, presence) in [
        ("api_key", "has_api_key"),
        ("client_secret", "has_client_secret"),
    ] {
        let given = auth.remove(secret);
        let present = given.is_some_and(|secret| !secret.is_null());
        auth.insert(presence.to_owned(), Value::Bool(present));
    }
    let headers = auth.remove("headers").unwrap_or_default();
    auth.insert("header_names".to_owned(), header_names(&headers)?.into());
    for field in ["external_id", "base_url", "scopes", "audience"] {
        auth.entry(field).or_insert(Value::Null);
    }
    Ok(auth)
}
