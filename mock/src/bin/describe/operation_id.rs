//! Names the operations that the upstream document leaves without a name.
//!
//! The name follows from the method and the path alone, so that it stays the same as long as they do.

use std::collections::HashSet;

use crate::convert::METHODS;
use crate::description::node::Node;

/// Last segments that are something to do rather than something to have.
const VERBS: [&str; 5] = ["cancel", "download", "resend", "rotate", "start"];

/// Gives a name to every operation that lacks one; the error is a name that two of them have.
pub(crate) fn complete(document: &mut Node) -> Result<(), String> {
    let mut taken = HashSet::new();
    let Node::Map(document) = document else {
        return Ok(());
    };
    let Some(Node::Map(paths)) = document.get_mut("paths") else {
        return Ok(());
    };
    for (path, item) in paths {
        let Node::Map(item) = item else { continue };
        for method in METHODS {
            let Some(Node::Map(operation)) = item.get_mut(method) else {
                continue;
            };
            let name = match operation.get("operationId") {
                Some(Node::Text(name)) => name.clone(),
                _ => {
                    let name = name(method, path);
                    operation.shift_insert(0, "operationId".to_owned(), Node::from(name.as_str()));
                    name
                }
            };
            if !taken.insert(name.clone()) {
                return Err(name);
            }
        }
    }
    Ok(())
}

/// A name such as `listApiKeys` or `updateWorkspaceUser`.
fn name(method: &str, path: &str) -> String {
    let segments: Vec<&str> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    let is_parameter = |index: usize| {
        segments
            .get(index)
            .is_some_and(|segment| segment.starts_with('{'))
    };
    let last = segments.len().saturating_sub(1);
    let of_one = is_parameter(last);
    let action = segments
        .last()
        .copied()
        .filter(|segment| VERBS.contains(segment));
    let mut noun = String::new();
    for (index, segment) in segments.iter().enumerate() {
        // Everything below `admin` is about administration, and so is nearly everything else.
        if is_parameter(index) || *segment == "admin" || (index == last && action.is_some()) {
            continue;
        }
        let before_action = action.is_some() && index + 1 == last;
        let makes_one = method == "post" && index == last;
        let containing = index < last && !is_parameter(index) && segments[0] != "analytics";
        if is_parameter(index + 1) || makes_one || before_action || containing {
            noun.push_str(&camel(&singular(segment)));
        } else {
            noun.push_str(&camel(segment));
        }
    }
    let verb = match (method, action) {
        (_, Some(action)) => action,
        ("get", _) if of_one || segments[0] == "analytics" => "get",
        ("get", _) => "list",
        ("post", _) => "create",
        ("put" | "patch", _) => "update",
        (other, _) => other,
    };
    format!("{verb}{noun}")
}

/// `usage-limits` as `UsageLimits`.
fn camel(segment: &str) -> String {
    segment
        .split(['-', '_'])
        .map(|word| {
            let mut characters = word.chars();
            characters.next().map_or_else(String::new, |first| {
                first.to_uppercase().chain(characters).collect()
            })
        })
        .collect()
}

/// One of many; good enough for the words that paths are made of.
fn singular(segment: &str) -> String {
    match segment.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => segment.strip_suffix('s').unwrap_or(segment).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn names_read_like_the_vendors_own() {
        assert_eq!(name("get", "/api-keys"), "listApiKeys");
        assert_eq!(name("post", "/api-keys/{type}/{sub-type}"), "createApiKey");
        assert_eq!(
            name("put", "/admin/workspaces/{workspaceId}/users/{userId}"),
            "updateWorkspaceUser"
        );
        assert_eq!(
            name("put", "/integrations/{slug}/models"),
            "updateIntegrationModels"
        );
        assert_eq!(
            name("post", "/admin/users/invites/{inviteId}/resend"),
            "resendUserInvite"
        );
        assert_eq!(name("post", "/logs/exports"), "createLogExport");
        assert_eq!(
            name("get", "/logs/exports/{exportId}/download"),
            "downloadLogExport"
        );
        assert_eq!(
            name("get", "/analytics/graphs/errors/status-codes"),
            "getAnalyticsGraphsErrorsStatusCodes"
        );
    }
}
