//! The engine: it turns a request and the description's annotations into an answer.

pub(crate) mod analytics;
pub(crate) mod audit;
pub(crate) mod caller;
pub(crate) mod departure;
pub(crate) mod editions;
pub(crate) mod error;
pub(crate) mod find;
pub(crate) mod form;
pub(crate) mod generate;
pub(crate) mod identity;
pub(crate) mod list;
pub(crate) mod log_filters;
pub(crate) mod members;
pub(crate) mod mustache;
pub(crate) mod naming;
pub(crate) mod paging;
pub(crate) mod parameters;
pub(crate) mod references;
pub(crate) mod request;
pub(crate) mod secrets;
pub(crate) mod shape;
pub(crate) mod work;
pub(crate) mod write;

use serde_json::{Map, Value};

use self::audit::{Audit, Sent};
use self::caller::Caller;
use self::error::ApiError;
use self::request::Request;
use self::shape::{Outcome, Shape};
use self::work::Work;
use crate::description::Description;
use crate::description::behaviour::{Action, OperationBehaviour};
use crate::description::operation::{Operation, is_json};
use crate::description::resource::Resource;
use crate::hooks::Target;
use crate::store::record::{Fields, Object};
use crate::store::{State, Store};

/// The success answer of an operation.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The media type; `None` for an answer without a body.
    pub(crate) media_type: Option<&'static str>,
    pub(crate) body: Vec<u8>,
    /// Headers beside the media type, by their names.
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// Answers a request that was found to be valid, and enters it into the audit log if it belongs there.
pub(crate) async fn answer(
    description: &'static Description,
    store: &Store,
    operation: &'static Operation,
    request: &mut Request,
    sent: &Sent<'_>,
) -> Result<Reply, ApiError> {
    let Some(behaviour) = &operation.behaviour else {
        return generated(description, operation);
    };
    // Where one answer is for what is new and another for what was there, this is the first.
    let created = operation.responses.iter().find(|r| r.status == Some(201));
    let created = created.filter(|_| behaviour.action == Action::Create);
    let success = created.or(operation.success());
    let status = success.and_then(|success| success.status).unwrap_or(200);

    let audit = Audit::of(&description.api, operation, behaviour, sent);
    let outcome = match reading(behaviour.action) {
        Some(read) => {
            let outcome = look(description, store, operation, behaviour, request, read);
            if let Some(audit) = audit {
                let status = outcome
                    .as_ref()
                    .map_or_else(|error| error.status, |_| status);
                audit.alone(store, &request.caller, status);
            }
            outcome?
        }
        None => {
            let enter = |state: &mut State, caller: &Caller| {
                if let Some(audit) = &audit {
                    audit.enter(state, caller, status);
                }
            };
            store.turn().await;
            let outcome = write(description, store, operation, behaviour, request, enter);
            if let (Some(audit), Err(error)) = (&audit, &outcome) {
                audit.alone(store, &request.caller, error.status);
            }
            outcome?
        }
    };
    if behaviour.action == Action::Existing {
        return generated(description, operation);
    }
    let Some(success) = success else {
        return generated(description, operation);
    };
    let Some(content) = success.json() else {
        return Ok(Reply {
            status,
            media_type: None,
            body: Vec::new(),
            headers: Vec::new(),
        });
    };
    let shape = operation
        .shape
        .get_or_init(|| Shape::compile(description, content.schema.as_ref(), behaviour));
    let mut body = Vec::with_capacity(1024);
    shape
        .write(&outcome, &mut body)
        .map_err(|error| ApiError::invalid(error.to_string()))?;
    Ok(Reply {
        status,
        media_type: Some(&content.media_type),
        body,
        headers: Vec::new(),
    })
}

/// A read of the state.
type Read = fn(
    &'static Description,
    &State,
    &Operation,
    &OperationBehaviour,
    &Request,
) -> Result<Outcome, ApiError>;

/// How an action reads, if it is not a write.
fn reading(action: Action) -> Option<Read> {
    Some(match action {
        Action::Get | Action::Existing => list::get,
        Action::List => list::list,
        Action::ListVersions => list::versions,
        Action::ListMembers => members::list,
        Action::ListEditions => editions::list,
        Action::GetEdition => editions::get_edition,
        Action::View => view,
        _ => return None,
    })
}

fn look(
    description: &'static Description,
    store: &Store,
    operation: &'static Operation,
    behaviour: &'static OperationBehaviour,
    request: &Request,
    read: Read,
) -> Result<Outcome, ApiError> {
    store.read_late(|state| {
        let outcome = read(description, state, operation, behaviour, request)?;
        let resource = behaviour.kind(description)?;
        Ok(match resource.spec.presented {
            true => present(description, state, resource, outcome),
            false => outcome,
        })
    })
}

/// Writes, and enters what was written: both or neither are kept.
fn write(
    description: &'static Description,
    store: &Store,
    operation: &'static Operation,
    behaviour: &'static OperationBehaviour,
    request: &mut Request,
    enter: impl FnOnce(&mut State, &Caller),
) -> Result<Outcome, ApiError> {
    // What is created is made of the body, which is not copied for it.
    let input = match behaviour.action {
        Action::Create => request.take_members(),
        _ => Map::new(),
    };
    let request = &*request;
    store.write(|state| {
        let mut work = Work {
            description,
            state,
            caller: &request.caller,
        };
        let work = &mut work;
        let outcome = match behaviour.action {
            Action::Create => write::create(work, operation, behaviour, request, input)?,
            Action::Update => write::update(work, operation, behaviour, request)?,
            Action::Delete => write::delete(work, operation, behaviour, request)?,
            Action::RemoveMembers => members::remove(work, operation, behaviour, request)?,
            Action::LabelEdition => editions::label(work, operation, behaviour, request)?,
            Action::Publish => editions::publish(work, operation, behaviour, request)?,
            Action::Call => call(work, operation, behaviour, request)?,
            _ => members::merge(work, operation, behaviour, request)?,
        };
        enter(work.state, &request.caller);
        Ok(outcome.unkept())
    })
}

/// Has the kind's hook do a read of its own.
fn view(
    description: &'static Description,
    state: &State,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Result<Outcome, ApiError> {
    let resource = behaviour.kind(description)?;
    let step = behaviour.step.as_deref().unwrap_or_default();
    let target = Target {
        operation,
        behaviour,
        request,
    };
    Work::hook(resource).view(description, state, step, &target)
}

/// Has the kind's hook do a write of its own.
fn call(
    work: &mut Work<'_>,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Result<Outcome, ApiError> {
    let resource = behaviour.kind(work.description)?;
    let step = behaviour.step.as_deref().unwrap_or_default();
    let target = Target {
        operation,
        behaviour,
        request,
    };
    Work::hook(resource).call(work, step, &target)
}

/// Has the kind's hook add to every object of an outcome.
fn present(
    description: &'static Description,
    state: &State,
    resource: &Resource,
    outcome: Outcome,
) -> Outcome {
    let hook = Work::hook(resource);
    let presented = |fields: &Fields| {
        let mut fields = fields.copied();
        hook.present(description, state, &mut fields);
        Object::new(fields)
    };
    match outcome {
        whole @ (Outcome::Empty | Outcome::Whole(_)) => whole,
        Outcome::Object(fields) => Outcome::Object(presented(&fields)),
        Outcome::List {
            items,
            total,
            more,
            next,
            owner,
        } => Outcome::List {
            items: items.iter().map(presented).collect(),
            total,
            more,
            next,
            owner,
        },
    }
}

/// The answer of an operation that keeps no state: an instance of its response schema.
pub(crate) fn generated(
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
            headers: Vec::new(),
        });
    };
    let body = operation.generated.get_or_init(|| {
        if !is_json(&content.media_type) {
            return b"sample".to_vec();
        }
        let value = content
            .schema
            .as_ref()
            .and_then(|s| generate::value(description, s));
        serde_json::to_vec(&value.unwrap_or_else(|| Value::Object(Map::new()))).unwrap_or_default()
    });
    Ok(Reply {
        status,
        media_type: Some(&content.media_type),
        body: body.clone(),
        headers: Vec::new(),
    })
}
