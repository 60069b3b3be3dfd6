//! Memberships of organizations and spaces: written by the id of a user, never listed.

use std::sync::Arc;

use serde_json::Value;

use crate::description::resource::Resource;
use crate::engine::error::ApiError;
use crate::engine::find;
use crate::engine::shape::Outcome;
use crate::engine::work::Work;
use crate::hooks::{Hook, Target};
use crate::store::record::{Link, Record};

#[derive(Debug)]
pub(crate) struct Membership;

impl Hook for Membership {
    /// `add` makes a user a member or changes the role of one, `remove` ends the membership.
    fn call(
        &self,
        work: &mut Work<'_>,
        step: &str,
        target: &Target<'_>,
    ) -> Result<Outcome, ApiError> {
        let resource = target.behaviour.kind(work.description)?;
        // Each kind of membership has two references: where, and who.
        let Some((place, reference)) = resource.spec.references.first() else {
            return Err(ApiError::invalid("memberships are of nothing"));
        };
        let within = owner(work, target, &reference.to)?;
        if step == "remove" {
            let user = target.request.subject(target.operation, None);
            let member = member(work, resource, place, &within.id, user);
            let member = member.ok_or_else(|| find::nothing(work.description, resource, user))?;
            work.delete(resource, &member, false)?;
            if place == "space_id" {
                unbind(work, user, &within.id)?;
            }
            return Ok(Outcome::Empty);
        }
        let mut input = target.request.members();
        let user = input.get("user_id").and_then(Value::as_str);
        let user = user.unwrap_or_default().to_owned();
        if let Some(organization) = within.text("organization_id") {
            let kind = work.resource("arize-organization-member")?;
            if work.find("arize-user", &user, None).is_some()
                && member(work, kind, "organization_id", organization, &user).is_none()
            {
                return Err(ApiError::invalid(
                    "the user is not a member of the organization of the space",
                ));
            }
        }
        input.insert(place.clone(), Value::from(&*within.id));
        let record = match member(work, resource, place, &within.id, &user) {
            Some(record) => work.update(resource, &record, input)?,
            None => work.create(resource, input, None)?,
        };
        Ok(Outcome::Object(Arc::clone(&record.fields)))
    }
}

/// The organization or space that the path names.
fn owner(work: &Work<'_>, target: &Target<'_>, kind: &str) -> Result<Arc<Record>, ApiError> {
    let resource = work.resource(kind)?;
    let by = target.behaviour.by.as_deref();
    let name = target.request.subject(target.operation, by);
    work.find(kind, name, None)
        .ok_or_else(|| find::nothing(work.description, resource, name))
}

fn member(
    work: &Work<'_>,
    resource: &Resource,
    place: &str,
    within: &str,
    user: &str,
) -> Option<Arc<Record>> {
    let link = Link {
        field: Arc::from(place),
        target: Arc::from(within),
    };
    find::linked(work.state, &resource.name, &link)
        .into_iter()
        .find(|member| member.target("user_id").is_some_and(|id| **id == *user))
}

/// Who leaves a space loses the roles there.
fn unbind(work: &mut Work<'_>, user: &str, space: &str) -> Result<(), ApiError> {
    let resource = work.resource("arize-role-binding")?;
    let link = Link {
        field: Arc::from("user_id"),
        target: Arc::from(user),
    };
    for binding in find::linked(work.state, &resource.name, &link) {
        if binding.text("resource_id") == Some(space) {
            work.delete(resource, &binding, true)?;
        }
    }
    Ok(())
}
