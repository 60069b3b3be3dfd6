//! Applies OpenAPI Overlay 1.0 documents.
//!
//! `update` merges into what the target names: objects key by key at every depth, lists by appending, and
//! anything else is replaced. On a target that is a list, the update is one more item of it. `remove` takes
//! the target away. An action whose target matches nothing is an error: it is a correction of something
//! that is no longer there.

use std::path::Path;

use serde::Deserialize;

use super::jsonpath::{Place, Target, walk};
use super::node::{Map, Node};
use super::{DescriptionError, Profile, read};

/// An overlay file.
#[derive(Debug, Deserialize)]
pub(crate) struct Overlay {
    /// The version of the overlay format.
    pub(crate) overlay: String,
    /// What is done, in this order.
    pub(crate) actions: Vec<Action>,
}

/// One thing to do to a document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Action {
    /// Where.
    pub(crate) target: String,
    /// What to merge in there.
    #[serde(default)]
    pub(crate) update: Option<Node>,
    /// Whether to take it away.
    #[serde(default)]
    pub(crate) remove: bool,
    /// Why the description is changed.
    #[serde(default, rename = "x-reason")]
    pub(crate) reason: Option<String>,
    /// The one profile that the action is for; all if absent.
    #[serde(default, rename = "x-profile")]
    pub(crate) profile: Option<String>,
}

/// Applies the actions of a file that are meant for `profile`.
pub(crate) fn apply_file(
    path: &Path,
    profile: Profile,
    document: &mut Node,
) -> Result<(), DescriptionError> {
    let overlay: Overlay = read(path)?;
    if !overlay.overlay.starts_with("1.") {
        return Err(DescriptionError::Yaml {
            path: path.to_owned(),
            message: format!("overlay version {} is not known here", overlay.overlay),
        });
    }
    for (index, action) in overlay.actions.into_iter().enumerate() {
        let target = action.target.clone();
        apply(action, profile, document).map_err(|problem| DescriptionError::Action {
            path: path.to_owned(),
            position: index + 1,
            target,
            problem,
        })?;
    }
    Ok(())
}

/// Applies one action; the error is a sentence about why it cannot be.
pub(crate) fn apply(action: Action, profile: Profile, document: &mut Node) -> Result<(), String> {
    if let Some(wanted) = &action.profile {
        if !Profile::ALL.iter().any(|known| known.name == wanted) {
            return Err(format!("there is no x-profile {wanted}"));
        }
        if wanted != profile.name {
            return Ok(());
        }
    }
    if action
        .reason
        .as_ref()
        .is_some_and(|reason| reason.trim().is_empty())
    {
        return Err("its x-reason is empty".to_owned());
    }
    let ways = Target::parse(&action.target)?.find(document);
    if ways.is_empty() {
        return Err("it matches nothing".to_owned());
    }
    match (action.update, action.remove) {
        (None, true) => {
            // From the end, so that the removal of a list item does not move one that is still to go.
            ways.iter().rev().try_for_each(|way| remove(document, way))
        }
        (Some(update), false) => ways.iter().try_for_each(|way| match walk(document, way) {
            Some(Node::List(list)) => {
                list.push(update.clone());
                Ok(())
            }
            Some(node @ Node::Map(_)) if matches!(update, Node::Map(_)) => {
                merge(node, update.clone());
                Ok(())
            }
            Some(Node::Map(_)) => Err("an object can only be updated with an object".to_owned()),
            _ => Err("only an object or a list can be updated".to_owned()),
        }),
        _ => Err("it needs either update or remove".to_owned()),
    }
}

/// Merges `update` into `node`.
fn merge(node: &mut Node, update: Node) {
    match (node, update) {
        (Node::Map(map), Node::Map(more)) => {
            for (key, value) in more {
                match map.get_mut(&key) {
                    Some(present) => merge(present, value),
                    None => {
                        map.insert(key, value);
                    }
                }
            }
        }
        (Node::List(list), Node::List(more)) => list.extend(more),
        (node, update) => *node = update,
    }
}

/// Takes away what is at the end of a way.
fn remove(document: &mut Node, way: &[Place]) -> Result<(), String> {
    let Some((last, parents)) = way.split_last() else {
        *document = Node::Map(Map::new());
        return Ok(());
    };
    match (walk(document, parents), last) {
        (Some(Node::Map(map)), Place::Key(key)) => {
            map.shift_remove(key);
            Ok(())
        }
        (Some(Node::List(list)), Place::Index(index)) if *index < list.len() => {
            list.remove(*index);
            Ok(())
        }
        _ => Err("it is gone already".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Node, Profile, apply};

    fn after(action: &str) -> Result<String, String> {
        let mut document: Node =
            serde_json::from_str(r#"{"a": {"b": [1, 2], "c": {"d": "x"}}, "e": 3}"#)
                .expect("valid JSON");
        let action: Action = serde_json::from_str(action).expect("an action");
        apply(action, Profile::LIVE, &mut document)?;
        serde_json::to_string(&document).map_err(|error| error.to_string())
    }

    #[test]
    fn updates_merge_and_append() {
        assert_eq!(
            after(r#"{"target": "$.a", "update": {"b": [3], "c": {"d": ["y"], "f": 1}}}"#)
                .as_deref(),
            Ok(r#"{"a":{"b":[1,2,3],"c":{"d":["y"],"f":1}},"e":3}"#)
        );
        assert_eq!(
            after(r#"{"target": "$.a.b", "update": {"z": 1}}"#).as_deref(),
            Ok(r#"{"a":{"b":[1,2,{"z":1}],"c":{"d":"x"}},"e":3}"#)
        );
    }

    #[test]
    fn removals_take_away_all_that_match() {
        assert_eq!(
            after(r#"{"target": "$.a.b[*]", "remove": true}"#).as_deref(),
            Ok(r#"{"a":{"b":[],"c":{"d":"x"}},"e":3}"#)
        );
        assert_eq!(
            after(r#"{"target": "$.a.c.d", "remove": true}"#).as_deref(),
            Ok(r#"{"a":{"b":[1,2],"c":{}},"e":3}"#)
        );
    }

    #[test]
    fn an_action_that_cannot_be_applied_says_why() {
        assert_eq!(
            after(r#"{"target": "$.z", "remove": true}"#),
            Err("it matches nothing".to_owned())
        );
        assert_eq!(
            after(r#"{"target": "$.e", "update": 4}"#),
            Err("only an object or a list can be updated".to_owned())
        );
        assert_eq!(
            after(r#"{"target": "$.e"}"#),
            Err("it needs either update or remove".to_owned())
        );
        assert!(after(r#"{"target": "$.e", "remove": true, "x-profile": "other"}"#).is_err());
    }

    #[test]
    fn an_action_for_the_other_profile_is_passed_over() {
        let untouched = r#"{"a":{"b":[1,2],"c":{"d":"x"}},"e":3}"#;
        assert_eq!(
            after(r#"{"target": "$.z", "remove": true, "x-profile": "documented"}"#).as_deref(),
            Ok(untouched)
        );
    }
}
