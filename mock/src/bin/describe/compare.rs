//! Says where two descriptions differ, in terms of operations, parameters and schemas.

use std::collections::BTreeSet;

use crate::convert::METHODS;
use crate::description::node::{Map, Node};

/// Every difference between what we have and what upstream has, one line each.
pub(crate) fn documents(ours: &Node, upstream: &Node) -> Vec<String> {
    let mut differences = Vec::new();
    let mut keys: Vec<&String> = Vec::new();
    for document in [ours, upstream] {
        keys.extend(document.as_map().into_iter().flat_map(|map| map.keys()));
    }
    let keys: BTreeSet<&String> = keys.into_iter().filter(|key| *key != "paths").collect();
    paths(
        section(ours, "paths"),
        section(upstream, "paths"),
        &mut differences,
    );
    for key in keys {
        compare(ours.get(key), upstream.get(key), key, &mut differences);
    }
    differences
}

fn section<'a>(document: &'a Node, key: &str) -> Option<&'a Map> {
    document.get(key).and_then(Node::as_map)
}

/// Compares path by path and method by method, so that a whole operation is one line.
fn paths(ours: Option<&Map>, upstream: Option<&Map>, differences: &mut Vec<String>) {
    for (path, ours, upstream) in pairs(ours, upstream) {
        let (our_item, upstream_item) =
            (ours.and_then(Node::as_map), upstream.and_then(Node::as_map));
        for (key, ours, upstream) in pairs(our_item, upstream_item) {
            let name = if METHODS.contains(&key.as_str()) {
                format!("{} {path}", key.to_uppercase())
            } else {
                format!("{path} {key}")
            };
            match (ours, upstream) {
                (Some(ours), Some(upstream)) => compare(
                    Some(&without_tags(ours)),
                    Some(&without_tags(upstream)),
                    &format!("{name} #"),
                    differences,
                ),
                (ours, _) => differences.push(format!("{} {name}", word(ours))),
            }
        }
    }
}

/// Tags are ours: the area that an operation is in.
fn without_tags(operation: &Node) -> Node {
    let mut operation = operation.clone();
    if let Node::Map(operation) = &mut operation {
        operation.shift_remove("tags");
    }
    operation
}

fn word(ours: Option<&Node>) -> &'static str {
    if ours.is_some() { "removed" } else { "added  " }
}

/// The entries of two objects by key: ours in their order, then what only upstream has.
fn pairs<'a>(
    ours: Option<&'a Map>,
    upstream: Option<&'a Map>,
) -> Vec<(&'a String, Option<&'a Node>, Option<&'a Node>)> {
    let ours_first = ours
        .into_iter()
        .flatten()
        .map(|(key, node)| (key, Some(node), upstream.and_then(|map| map.get(key))));
    let only_upstream = upstream
        .into_iter()
        .flatten()
        .filter(|(key, _)| !ours.is_some_and(|map| map.contains_key(*key)))
        .map(|(key, node)| (key, None, Some(node)));
    ours_first.chain(only_upstream).collect()
}

/// Compares two nodes at the same place.
fn compare(ours: Option<&Node>, upstream: Option<&Node>, at: &str, differences: &mut Vec<String>) {
    match (ours, upstream) {
        (None, None) => {}
        (Some(Node::Map(ours)), Some(Node::Map(upstream))) => {
            for (key, ours, upstream) in pairs(Some(ours), Some(upstream)) {
                let step = key.replace('~', "~0").replace('/', "~1");
                compare(ours, upstream, &format!("{at}/{step}"), differences);
            }
        }
        (Some(Node::List(ours)), Some(Node::List(upstream))) => {
            lists(ours, upstream, at, differences)
        }
        (Some(ours), Some(upstream)) if ours == upstream => {}
        (Some(ours), Some(upstream)) if ours.is_scalar() && upstream.is_scalar() => {
            differences.push(format!(
                "changed {at}: {} is now {}",
                brief(ours),
                brief(upstream)
            ));
        }
        (Some(_), Some(_)) => {
            differences.push(format!("changed {at}: it is another kind of thing now"))
        }
        (ours, upstream) => {
            let value = ours
                .or(upstream)
                .filter(|node| node.is_scalar())
                .map(|node| format!(": {}", brief(node)));
            differences.push(format!("{} {at}{}", word(ours), value.unwrap_or_default()));
        }
    }
}

/// Lists of plain values are compared as sets, parameters by name, and others item by item.
fn lists(ours: &[Node], upstream: &[Node], at: &str, differences: &mut Vec<String>) {
    if let (Some(ours), Some(upstream)) = (by_name(ours), by_name(upstream)) {
        return compare(
            Some(&Node::Map(ours)),
            Some(&Node::Map(upstream)),
            at,
            differences,
        );
    }
    if ours.iter().chain(upstream).all(Node::is_scalar) {
        for gone in ours.iter().filter(|item| !upstream.contains(item)) {
            differences.push(format!("removed {at}: {}", brief(gone)));
        }
        for new in upstream.iter().filter(|item| !ours.contains(item)) {
            differences.push(format!("added   {at}: {}", brief(new)));
        }
        return;
    }
    for index in 0..ours.len().max(upstream.len()) {
        compare(
            ours.get(index),
            upstream.get(index),
            &format!("{at}/{index}"),
            differences,
        );
    }
}

/// Parameters as an object, by their place and name or by the component they refer to.
fn by_name(list: &[Node]) -> Option<Map> {
    let mut map = Map::new();
    for item in list {
        let key = match (item.get("in"), item.get("name"), item.get("$ref")) {
            (Some(Node::Text(place)), Some(Node::Text(name)), _) => format!("{place}:{name}"),
            (_, _, Some(Node::Text(reference))) => reference
                .strip_prefix("#/components/parameters/")?
                .to_owned(),
            _ => return None,
        };
        map.insert(key, item.clone());
    }
    (!map.is_empty()).then_some(map)
}

fn brief(node: &Node) -> String {
    serde_json::to_string(node).unwrap_or_default()
}
