//! From places in a resource back to the bytes of the file that declares it.

use std::ops::Range;
use std::sync::Arc;

use super::holes::{self, Piece, Scheme};
use crate::diagnostic::{FileId, Location};
use crate::model::Pointer;
use crate::yaml::{Node, NodeValue};

/// Where a resource stands.
#[derive(Clone, Debug)]
pub(super) struct Locator {
    /// The file that declares it.
    pub(super) file: FileId,
    /// Its key.
    pub(super) key: Range<usize>,
    /// Its value.
    pub(super) node: Arc<Node>,
}

impl Locator {
    /// The key that leads to a place, or the deepest one on the way that exists. Elements of
    /// lists have no key: they stand for themselves.
    pub(super) fn key(&self, pointer: &Pointer) -> Location {
        self.find(pointer).0
    }

    /// The value at a place, or the key of the deepest one on the way that exists.
    pub(super) fn value(&self, pointer: &Pointer) -> Location {
        let (key, value) = self.find(pointer);
        match value {
            Some(node) if !node.span.is_empty() && !pointer.is_root() => self.at(&node.span),
            _ => key,
        }
    }

    /// The node at a place, where there is one.
    pub(super) fn node(&self, pointer: &Pointer) -> Option<&Node> {
        self.find(pointer).1
    }

    /// The first interpolation that is no reference, at a place, below it, or in its stead.
    pub(super) fn taken_from(&self, pointer: &Pointer) -> Option<(&Node, String)> {
        let mut node: &Node = &self.node;
        for segment in pointer.segments() {
            node = match &node.value {
                NodeValue::Mapping(_) => &node.member(segment)?.value,
                NodeValue::Sequence(items) => items.get(segment.parse::<usize>().ok()?)?,
                NodeValue::Scalar { .. } => break,
            };
        }
        interpolated(node)
    }

    pub(super) fn at(&self, span: &Range<usize>) -> Location {
        Location {
            file: self.file,
            span: span.clone(),
        }
    }

    fn find(&self, pointer: &Pointer) -> (Location, Option<&Node>) {
        let mut key = &self.key;
        let mut node: &Node = &self.node;
        for segment in pointer.segments() {
            match &node.value {
                NodeValue::Mapping(_) => {
                    let Some(member) = node.member(segment) else {
                        return (self.at(key), None);
                    };
                    key = &member.key_span;
                    node = &member.value;
                }
                NodeValue::Sequence(items) => {
                    let item = segment.parse().ok().and_then(|at: usize| items.get(at));
                    let Some(item) = item else {
                        return (self.at(key), None);
                    };
                    key = &item.span;
                    node = item;
                }
                // A variable stands here, and the place is inside its value.
                NodeValue::Scalar { .. } => return (self.at(&node.span), None),
            }
        }
        (self.at(key), Some(node))
    }
}

fn interpolated(node: &Node) -> Option<(&Node, String)> {
    match &node.value {
        NodeValue::Mapping(members) => members.iter().find_map(|it| interpolated(&it.value)),
        NodeValue::Sequence(items) => items.iter().find_map(interpolated),
        NodeValue::Scalar { text, .. } => {
            let pieces = holes::scan(text).unwrap_or_default();
            let hole = pieces.into_iter().find_map(|piece| match piece {
                Piece::Hole(hole) if hole.scheme != Scheme::Ref => Some(hole),
                _ => None,
            })?;
            Some((node, text.get(hole.range)?.to_owned()))
        }
    }
}
