//! Webhooks: the signing secret that is shown once, and what a subscription is on.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{check_address, word};
use crate::engine::error::ApiError;
use crate::engine::shape::Outcome;
use crate::engine::work::Work;
use crate::engine::write;
use crate::hooks::{Hook, Target};
use crate::store::record::{Object, Record};

#[derive(Debug)]
pub(crate) struct Webhook;

impl Hook for Webhook {
    fn before_create(
        &self,
        _work: &mut Work<'_>,
        input: &mut Map<String, Value>,
        _owner: Option<&Arc<Record>>,
    ) -> Result<(), ApiError> {
        check_address("url", input.get("url").unwrap_or(&Value::Null))
    }

    fn before_update(
        &self,
        _work: &mut Work<'_>,
        _record: &Record,
        input: &mut Map<String, Value>,
    ) -> Result<(), ApiError> {
        check_address("url", input.get("url").unwrap_or(&Value::Null))
    }

    /// `create` shows the signing secret of a webhook that signs, this once.
    fn call(
        &self,
        work: &mut Work<'_>,
        _step: &str,
        target: &Target<'_>,
    ) -> Result<Outcome, ApiError> {
        let resource = target.behaviour.kind(work.description)?;
        let mut input = write::described(target.operation, resource, target.request.members());
        let signs = word(input.get("auth_type")).starts_with("HMAC");
        let secret = format!("whsec_{}", work.state.ids.id().replace('-', ""));
        if signs {
            let end = secret.get(secret.len() - 4..).unwrap_or_default();
            input.insert(
                "signing_secret_hint".to_owned(),
                Value::from(format!("whsec_…{end}")),
            );
        }
        let record = work.create(resource, input, None)?;
        let mut shown = Map::clone(&record.fields);
        if signs {
            shown.insert("signing_secret".to_owned(), Value::from(secret));
        }
        Ok(Outcome::Object(Object::new(shown)))
    }
}

#[derive(Debug)]
pub(crate) struct Subscription;

impl Hook for Subscription {
    fn before_create(
        &self,
        work: &mut Work<'_>,
        input: &mut Map<String, Value>,
        _owner: Option<&Arc<Record>>,
    ) -> Result<(), ApiError> {
        let event = word(input.get("event"));
        let fits = match word(input.get("source_type")).as_str() {
            "PROMPT" => event.starts_with("PROMPT"),
            "EVALUATOR" => event.starts_with("EVALUATOR"),
            _ => event.starts_with("ONLINETASK"),
        };
        if !fits {
            return Err(ApiError::unprocessable(
                "this source has no events of this kind",
            ));
        }
        // Of the possible sources only spaces are kept here; the others are taken as they are.
        if word(input.get("source_type")) == "SPACE" {
            let source = input.get("source_id").and_then(Value::as_str);
            let Some(space) = source.and_then(|id| work.find("arize-space", id, None)) else {
                return Err(ApiError::not_found("there is no such source"));
            };
            input.insert("^space".to_owned(), Value::from(&*space.id));
        }
        Ok(())
    }
}
