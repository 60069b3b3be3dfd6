//! Models of providers: there is one of every name, until it is deleted.

use serde_json::{Map, Value, json};

use super::{Hook, Target};
use crate::description::Description;
use crate::engine::error::ApiError;
use crate::engine::find;
use crate::engine::shape::Outcome;
use crate::engine::work::Work;
use crate::store::State;
use crate::store::record::Object;

/// The kind that says which ones were deleted.
const DELETED: &str = "deleted-model";

#[derive(Debug)]
pub(crate) struct Model;

impl Hook for Model {
    fn view(
        &self,
        description: &'static Description,
        state: &State,
        _step: &str,
        target: &Target<'_>,
    ) -> Result<Outcome, ApiError> {
        let name = asked(description, state, target)?;
        Ok(answer(
            name,
            json!({ "created": 0, "owned_by": "provider" }),
        ))
    }

    /// Deletes a model.
    fn call(
        &self,
        work: &mut Work<'_>,
        _step: &str,
        target: &Target<'_>,
    ) -> Result<Outcome, ApiError> {
        let name = asked(work.description, work.state, target)?;
        let mut input = Map::new();
        input.insert("model".to_owned(), Value::from(name));
        let resource = work.resource(DELETED)?;
        work.create(resource, input, None)?;
        Ok(answer(name, json!({ "deleted": true })))
    }
}

/// The model that the path names, if it was not deleted.
fn asked<'r>(
    description: &'static Description,
    state: &State,
    target: &Target<'r>,
) -> Result<&'r str, ApiError> {
    let name = target.request.name("model");
    let deleted = state.collection(DELETED);
    match deleted.and_then(|deleted| deleted.by_slug(name, "")) {
        Some(_) => Err(find::missing(find::resource(description, DELETED)?)),
        None => Ok(name),
    }
}

fn answer(name: &str, more: Value) -> Outcome {
    let mut fields = Map::new();
    fields.insert("id".to_owned(), Value::from(name));
    fields.insert("object".to_owned(), Value::from("model"));
    if let Value::Object(mut more) = more {
        fields.append(&mut more);
    }
    Outcome::Object(Object::new(fields))
}
