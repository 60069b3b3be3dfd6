//! Merge keys: `<<: *base` and `<<: [*first, *second]`.

use std::collections::HashSet;
use std::ops::Range;

use super::{Member, Node, NodeValue};

/// The members that the value of a merge key brings, earlier maps first.
///
/// # Errors
/// The place of a value that is not a map.
pub(super) fn merged(value: Node) -> Result<Vec<Member>, Range<usize>> {
    match value.value {
        NodeValue::Mapping(members) => Ok(members),
        NodeValue::Sequence(maps) => {
            let mut all = Vec::new();
            for map in maps {
                match map.value {
                    NodeValue::Mapping(members) => all.extend(members),
                    _ => return Err(map.span),
                }
            }
            Ok(all)
        }
        NodeValue::Scalar { .. } => Err(value.span),
    }
}

/// Adds merged members to a map's own: what the map itself says wins, then the earlier of the
/// merged maps.
pub(super) fn apply(own: &mut Vec<Member>, merged: Vec<Member>) {
    if merged.is_empty() {
        return;
    }
    let mut known: HashSet<String> = own.iter().map(|member| member.key.clone()).collect();
    own.extend(
        merged
            .into_iter()
            .filter(|member| known.insert(member.key.clone())),
    );
}
