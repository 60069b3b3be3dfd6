//! Workspaces: the icon in front of the name, and the access that integrations give to everyone.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Hook;
use super::grant::{GLOBAL_ACCESS, give_access};
use crate::engine::error::ApiError;
use crate::engine::work::Work;
use crate::store::record::Record;

/// Where a workspace keeps the id of the collection it began with.
pub(crate) const DEFAULT_COLLECTION: &str = "^collection";

/// The name without the icon; `name` is what answers show.
const PLAIN_NAME: &str = "^name";

#[derive(Debug)]
pub(crate) struct Workspace;

impl Hook for Workspace {
    fn before_create(
        &self,
        _work: &mut Work<'_>,
        input: &mut Map<String, Value>,
        _owner: Option<&Arc<Record>>,
    ) -> Result<(), ApiError> {
        dress(input, None);
        Ok(())
    }

    fn before_update(
        &self,
        _work: &mut Work<'_>,
        record: &Record,
        input: &mut Map<String, Value>,
    ) -> Result<(), ApiError> {
        dress(input, Some(record));
        Ok(())
    }

    /// A new workspace has a collection, and gets every integration that is open to all workspaces.
    fn after_write(
        &self,
        work: &mut Work<'_>,
        former: Option<&Record>,
        record: &Record,
        steering: &Map<String, Value>,
    ) -> Result<(), ApiError> {
        if former.is_some() {
            return Ok(());
        }
        if let Some(Value::Array(users)) = steering.get("users")
            && let Some(workspace) = work.find("workspace", &record.id, None)
        {
            let resource = work.resource("workspace-user")?;
            for user in users {
                let mut member = Map::new();
                member.insert("id".to_owned(), user.clone());
                work.create(resource, member, Some(&workspace))?;
            }
        }
        let resource = work.resource("collection")?;
        let mut input = Map::new();
        input.insert("name".to_owned(), Value::from("Default"));
        input.insert("workspace_id".to_owned(), Value::from(&*record.id));
        input.insert("is_default".to_owned(), Value::Bool(true));
        let collection = work.create(resource, input, None)?;
        work.amend("workspace", &record.id, |fields| {
            fields.insert(DEFAULT_COLLECTION.to_owned(), Value::from(&*collection.id));
        });
        let Some(integrations) = work.state.collection("integration") else {
            return Ok(());
        };
        let open: Vec<Arc<Record>> = integrations
            .active()
            .iter()
            .filter_map(|number| integrations.at(*number))
            .filter(|integration| {
                let access = integration
                    .get(GLOBAL_ACCESS)
                    .and_then(|a| a.get("enabled"));
                access == Some(&Value::Bool(true))
            })
            .cloned()
            .collect();
        for integration in open {
            let access = integration.get(GLOBAL_ACCESS).cloned().unwrap_or_default();
            give_access(work, &integration, &record.id, &access, true)?;
        }
        Ok(())
    }

    /// A deletion is confirmed with the name the user gave, without the icon.
    fn confirms(&self, record: &Record, field: &str, given: &str) -> bool {
        let plain = if field == "name" {
            record.text(PLAIN_NAME)
        } else {
            None
        };
        plain.or_else(|| record.text(field)) == Some(given)
    }
}

/// The live API shows an icon in front of the name, and takes a name that begins with an emoji
/// and a space for an icon and a name.
fn dress(input: &mut Map<String, Value>, record: Option<&Record>) {
    if !input.contains_key("name") && !input.contains_key("icon") {
        return;
    }
    let text = |map: &Map<String, Value>, field: &str| {
        map.get(field).and_then(Value::as_str).map(str::to_owned)
    };
    let former = |field: &str| record.and_then(|record| record.text(field).map(str::to_owned));
    let mut name = text(input, "name")
        .or_else(|| former(PLAIN_NAME))
        .unwrap_or_default();
    let mut icon = match input.get("icon") {
        Some(icon) => icon.as_str().unwrap_or_default().to_owned(),
        None => former("icon").unwrap_or_default(),
    };
    if let Some((start, rest)) = name.split_once(' ')
        && !start.is_empty()
        && start.chars().all(|c| !c.is_ascii() && !c.is_alphanumeric())
    {
        icon = start.to_owned();
        name = rest.to_owned();
    }
    let shown = if icon.is_empty() {
        name.clone()
    } else {
        format!("{icon} {name}")
    };
    let icon = if icon.is_empty() {
        Value::Null
    } else {
        Value::from(icon)
    };
    input.insert("icon".to_owned(), icon);
    input.insert("name".to_owned(), Value::from(shown));
    input.insert(PLAIN_NAME.to_owned(), Value::from(name));
}
