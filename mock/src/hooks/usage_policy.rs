//! What usage-limit policies have counted, by the values that they group by.

use serde_json::{Map, Value, json};

use super::{Hook, Target};
use crate::description::Description;
use crate::engine::error::ApiError;
use crate::engine::list::page_of;
use crate::engine::shape::Outcome;
use crate::engine::work::Work;
use crate::gateway::limits;
use crate::store::State;
use crate::store::record::{Object, Record};

#[derive(Debug)]
pub(crate) struct UsagePolicy;

impl Hook for UsagePolicy {
    fn view(
        &self,
        description: &'static Description,
        state: &State,
        _step: &str,
        target: &Target<'_>,
    ) -> Result<Outcome, ApiError> {
        let policy = target.record(description, state)?;
        let limit = policy.get("credit_limit").and_then(Value::as_f64);
        let status = target.request.query_text("status");
        let search = target.request.query_text("search").unwrap_or_default();
        let entities = limits::counted(state, &policy)
            .into_iter()
            .filter(|(key, used)| {
                let exhausted = limit.is_some_and(|limit| *used >= limit);
                key.contains(search)
                    && status.is_none_or(|status| (status == "exhausted") == exhausted)
            })
            .map(|(key, used)| {
                let mut fields = Map::new();
                fields.insert("id".to_owned(), Value::from(key.as_str()));
                fields.insert("value_key".to_owned(), Value::from(key));
                fields.insert("current_usage".to_owned(), json!(used));
                Object::new(fields)
            })
            .collect();
        page_of(entities, target.operation, target.behaviour, target.request)
    }

    /// An update may begin to count one value again.
    fn after_write(
        &self,
        work: &mut Work<'_>,
        former: Option<&Record>,
        record: &Record,
        steering: &Map<String, Value>,
    ) -> Result<(), ApiError> {
        if let (Some(_), Some(value)) = (former, steering.get("reset_usage_for_value"))
            && let Some(value) = value.as_str()
        {
            work.state.usage.forget(&record.id, Some(value));
        }
        Ok(())
    }

    /// `reset` begins to count the usage of one value again.
    fn call(
        &self,
        work: &mut Work<'_>,
        _step: &str,
        target: &Target<'_>,
    ) -> Result<Outcome, ApiError> {
        let policy = target.record(work.description, work.state)?;
        let members = target.request.members();
        let told = members.get("entity_id").and_then(Value::as_str);
        let entity = match target.request.name("entityId") {
            "" => told.unwrap_or_default(),
            named => named,
        };
        work.state.usage.forget(&policy.id, Some(entity));
        Ok(Outcome::Empty)
    }
}
