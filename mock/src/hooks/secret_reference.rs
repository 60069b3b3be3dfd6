//! Secret references: all workspaces or some of them, and credentials that fit the manager.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Hook;
use crate::engine::error::ApiError;
use crate::engine::work::Work;
use crate::store::record::Record;

#[derive(Debug)]
pub(crate) struct SecretReference;

impl Hook for SecretReference {
    fn before_create(
        &self,
        _work: &mut Work<'_>,
        input: &mut Map<String, Value>,
        _owner: Option<&Arc<Record>>,
    ) -> Result<(), ApiError> {
        let manager = input
            .get("manager_type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let kind = match manager {
            "aws_sm" => "aws_auth_type",
            "azure_kv" => "azure_auth_mode",
            _ => "vault_auth_type",
        };
        let fits = input
            .get("auth_config")
            .is_some_and(|config| config.get(kind).is_some());
        if !fits {
            return Err(ApiError::invalid(format!(
                "auth_config.{kind} is required for {manager}"
            )));
        }
        share(input)
    }

    fn before_update(
        &self,
        _work: &mut Work<'_>,
        _record: &Record,
        input: &mut Map<String, Value>,
    ) -> Result<(), ApiError> {
        share(input)
    }
}

/// A list of workspaces takes the reference away from all others; opening it to all of them
/// empties the list.
fn share(input: &mut Map<String, Value>) -> Result<(), ApiError> {
    let listed = input
        .get("allowed_workspaces")
        .and_then(Value::as_array)
        .map(Vec::len);
    let all = input.get("allow_all_workspaces") == Some(&Value::Bool(true));
    match listed {
        Some(0) => Err(ApiError::invalid("allowed_workspaces must not be empty")),
        Some(_) if !all => {
            input.insert("allow_all_workspaces".to_owned(), Value::Bool(false));
            Ok(())
        }
        _ => {
            if all {
                input.insert("allowed_workspaces".to_owned(), Value::Array(Vec::new()));
            }
            Ok(())
        }
    }
}
