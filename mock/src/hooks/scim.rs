//! Mappings from groups of an identity provider to roles in workspaces.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Hook;
use crate::engine::error::ApiError;
use crate::engine::work::Work;
use crate::store::record::Record;

#[derive(Debug)]
pub(crate) struct ScimMapping;

impl Hook for ScimMapping {
    /// A group is named by its id or by its name; a name that is not known yet makes the group.
    fn before_create(
        &self,
        work: &mut Work<'_>,
        input: &mut Map<String, Value>,
        _owner: Option<&Arc<Record>>,
    ) -> Result<(), ApiError> {
        let Some(Value::String(name)) = input.remove("scim_group_name") else {
            // The identity provider knows more groups than the mock does.
            let id = input.get("scim_group_id").cloned().unwrap_or_default();
            let known = work.find("scim-group", id.as_str().unwrap_or_default(), None);
            let name = known.and_then(|group| group.get("name").cloned());
            input.insert("scim_group".to_owned(), name.unwrap_or(id));
            return Ok(());
        };
        if is_automatic(&name) {
            return Err(ApiError::invalid(
                "scim_group_name: groups of this form are mapped automatically",
            ));
        }
        let group = match work.find("scim-group", &name, None) {
            Some(group) => group,
            None => {
                let resource = work.resource("scim-group")?;
                let mut group = Map::new();
                group.insert("name".to_owned(), Value::from(name.as_str()));
                work.create(resource, group, None)?
            }
        };
        input.insert("scim_group_id".to_owned(), Value::from(&*group.id));
        input.insert("scim_group".to_owned(), Value::from(name));
        Ok(())
    }
}

/// Whether a group's name says by itself which role it has in which workspace.
fn is_automatic(name: &str) -> bool {
    let parts = name
        .strip_prefix("ws-")
        .and_then(|rest| rest.rsplit_once("-role-"));
    parts.is_some_and(|(workspace, role)| {
        !workspace.is_empty() && ["admin", "member", "manager"].contains(&role)
    })
}
