//! What is special about kinds of Arize's API.

pub(crate) mod integration;
mod llm;
pub(crate) mod membership;
mod remote;
pub(crate) mod role_binding;
pub(crate) mod tag;
pub(crate) mod webhook;

use serde_json::{Map, Value};

use crate::engine::error::ApiError;

/// How long the headers of an integration can be, written as JSON.
const HEADERS: usize = 8_175;

/// The names of headers; their values are secrets.
fn header_names(headers: &Value) -> Result<Vec<Value>, ApiError> {
    if headers.to_string().len() > HEADERS {
        return Err(ApiError::unprocessable(format!(
            "headers are longer than {HEADERS} bytes"
        )));
    }
    let members = headers.as_object().into_iter().flatten();
    Ok(members
        .map(|(name, _)| Value::from(name.as_str()))
        .collect())
}

/// Refuses an address that is not HTTPS or that is clearly not public.
fn check_address(field: &str, value: &Value) -> Result<(), ApiError> {
    let Some(text) = value.as_str() else {
        return Ok(());
    };
    let host = text.strip_prefix("https://").map(|rest| {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let host = rest.get(..end).unwrap_or_default();
        match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
            Some((host, _)) => host,
            None => host.split(':').next().unwrap_or_default(),
        }
    });
    let public = host.is_some_and(|host| match host.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(address)) => {
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_unspecified())
        }
        Ok(std::net::IpAddr::V6(address)) => !(address.is_loopback() || address.is_unspecified()),
        Err(_) => !host.is_empty() && host != "localhost",
    });
    match public {
        true => Ok(()),
        false => Err(ApiError::unprocessable(format!(
            "{field} must be an https address that is public"
        ))),
    }
}

/// A word without what spellings of different revisions differ in: `openAI` and `OPEN_AI` are one.
fn word(value: Option<&Value>) -> String {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    text.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|character| character.to_ascii_uppercase())
        .collect()
}

/// Takes an object out of a request.
fn take_object(input: &mut Map<String, Value>, field: &str) -> Option<Map<String, Value>> {
    match input.remove(field)? {
        Value::Object(members) => Some(members),
        _ => None,
    }
}
