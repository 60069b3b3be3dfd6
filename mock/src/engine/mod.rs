//! The engine: it turns a request and the description's annotations into an answer.

pub(crate) mod error;
pub(crate) mod form;
pub(crate) mod generate;
pub(crate) mod identity;
pub(crate) mod list;
pub(crate) mod members;
pub(crate) mod parameters;
pub(crate) mod references;
pub(crate) mod request;
pub(crate) mod secrets;
pub(crate) mod shape;
pub(crate) mod work;
pub(crate) mod write;

use serde_json::Value;

use self::error::ApiError;
use self::request::Request;
use self::shape::{Outcome, Shape};
use self::work::Work;
use crate::description::Description;
use crate::description::behaviour::{Action, OperationBehaviour};
use crate::description::operation::Operation;
use crate::store::Store;

/// The success answer of an operation.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The media type; `None` for an answer without a body.
    pub(crate) media_type: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// Answers a request that was found to be valid.
pub(crate) fn answer(
    description: &'static Description,
    store: &Store,
    operation: &'static Operation,
    request: &Request,
) -> Result<Reply, ApiError> {
    let Some(behaviour) = &operation.behaviour else {
        return generated(description, operation);
    };
    let outcome = perform(description, store, operation, behaviour, request)?;
    let Some(success) = operation.success() else {
        return generated(description, operation);
    };
    let status = success.status.unwrap_or(200);
    let Some(content) = success.json() else {
        return Ok(Reply {
            status,
            media_type: None,
            body: Vec::new(),
        });
    };
    let shape = operation
        .shape
        .get_or_init(|| Shape::compile(description, content.schema.as_ref(), behaviour.action));
    let mut body = Vec::with_capacity(1024);
    shape
        .write(&outcome, &mut body)
        .map_err(|error| ApiError::invalid(error.to_string()))?;
    Ok(Reply {
        status,
        media_type: Some("application/json".to_owned()),
        body,
    })
}

fn perform(
    description: &'static Description,
    store: &Store,
    operation: &'static Operation,
    behaviour: &'static OperationBehaviour,
    request: &Request,
) -> Result<Outcome, ApiError> {
    match behaviour.action {
        Action::Get => list::get(description, &store.read(), operation, behaviour, request),
        Action::List => list::list(description, &store.read(), operation, behaviour, request),
        Action::ListVersions => {
            list::versions(description, &store.read(), operation, behaviour, request)
        }
        Action::ListMembers => {
            members::list(description, &store.read(), operation, behaviour, request)
        }
        writing => store.write(|state| {
            let mut work = Work { description, state };
            match writing {
                Action::Create => write::create(&mut work, operation, behaviour, request),
                Action::Update => write::update(&mut work, operation, behaviour, request),
                Action::Delete => write::delete(&mut work, operation, behaviour, request),
                Action::RemoveMembers => members::remove(&mut work, operation, behaviour, request),
                _ => members::merge(&mut work, operation, behaviour, request),
            }
        }),
    }
}

/// The answer of an operation that keeps no state: an instance of its response schema.
fn generated(
    description: &'static Description,
    operation: &'static Operation,
) -> Result<Reply, ApiError> {
    let Some(response) = operation.success() else {
        // Only an operation that changes protocols documents no success.
        return Err(ApiError::upgrade_required());
    };
    let status = response.status.unwrap_or(200);
    let Some(content) = response.json().or_else(|| response.contents.first()) else {
        return Ok(Reply {
            status,
            media_type: None,
            body: Vec::new(),
        });
    };
    let body = operation.generated.get_or_init(|| {
        if content.media_type != "application/json" {
            return b"sample".to_vec();
        }
        let value = content
            .schema
            .as_ref()
            .and_then(|s| generate::value(description, s));
        serde_json::to_vec(&value.unwrap_or_else(|| Value::Object(serde_json::Map::new())))
            .unwrap_or_default()
    });
    Ok(Reply {
        status,
        media_type: Some(content.media_type.clone()),
        body: body.clone(),
    })
}
