//! Tags on objects: attached, listed and detached below the object.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::description::Description;
use crate::engine::error::ApiError;
use crate::engine::find;
use crate::engine::shape::Outcome;
use crate::engine::work::Work;
use crate::hooks::{Hook, Target};
use crate::store::State;
use crate::store::record::{Fields, Object, Record};

/// The field of an object that holds the ids of its tags.
const TAGS: &str = "^tag_ids";

#[derive(Debug)]
pub(crate) struct Tag;

impl Hook for Tag {
    /// `attach KIND` and `detach KIND`: both can be repeated.
    fn call(
        &self,
        work: &mut Work<'_>,
        step: &str,
        target: &Target<'_>,
    ) -> Result<Outcome, ApiError> {
        let (action, kind) = step.split_once(' ').unwrap_or((step, ""));
        let owner = owner(work.description, work.state, kind, target)?;
        let body = target.request.members();
        let asked: Vec<&str> = body
            .get("tag_ids")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mut held = held(&owner);
        if action == "detach" {
            let (deleted, missing): (Vec<&str>, Vec<&str>) = asked
                .into_iter()
                .partition(|id| held.iter().any(|own| own == id));
            held.retain(|id| !deleted.contains(&id.as_str()));
            let answer = json!({
                "completed": missing.is_empty(), "deleted": deleted, "not_deleted": missing,
            });
            set(work, kind, &owner, &held);
            let fields = answer.as_object().cloned().unwrap_or_default();
            return Ok(Outcome::Object(Object::new(fields)));
        }
        let resource = work.resource("arize-tag")?;
        for id in asked {
            let tag = work
                .find(&resource.name, id, None)
                .ok_or_else(|| find::nothing(work.description, resource, id))?;
            if tag.text("space_id") != owner.text("space_id") {
                return Err(ApiError::unprocessable("the tag is of another space"));
            }
            if !held.iter().any(|own| own == id) {
                held.push(id.to_owned());
            }
        }
        set(work, kind, &owner, &held);
        Ok(listed(work.state, &held))
    }

    /// `list KIND`: the tags of an object, those that changed last first.
    fn view(
        &self,
        description: &'static Description,
        state: &State,
        step: &str,
        target: &Target<'_>,
    ) -> Result<Outcome, ApiError> {
        let (_, kind) = step.split_once(' ').unwrap_or((step, ""));
        let owner = owner(description, state, kind, target)?;
        Ok(listed(state, &held(&owner)))
    }
}

fn owner(
    description: &'static Description,
    state: &State,
    kind: &str,
    target: &Target<'_>,
) -> Result<Arc<Record>, ApiError> {
    let resource = find::resource(description, kind)?;
    let name = target.request.subject(target.operation, None);
    find::named(state, kind, name, None).ok_or_else(|| find::nothing(description, resource, name))
}

fn held(owner: &Record) -> Vec<String> {
    let ids = owner.get(TAGS).and_then(Value::as_array);
    let ids = ids.into_iter().flatten().filter_map(Value::as_str);
    ids.map(str::to_owned).collect()
}

fn set(work: &mut Work<'_>, kind: &str, owner: &Record, held: &[String]) {
    work.amend(kind, &owner.id, |fields| {
        fields.insert(TAGS.to_owned(), json!(held));
    });
}

/// The tags with these ids; one that was deleted is no longer there.
fn listed(state: &State, ids: &[String]) -> Outcome {
    let mut tags: Vec<Arc<Record>> = ids
        .iter()
        .filter_map(|id| find::named(state, "arize-tag", id, None))
        .collect();
    tags.sort_by(|a, b| b.text("updated_at").cmp(&a.text("updated_at")));
    let items: Vec<Fields> = tags.iter().map(|tag| Arc::clone(&tag.fields)).collect();
    Outcome::List {
        total: items.len(),
        items,
        more: false,
        next: None,
        owner: None,
    }
}
