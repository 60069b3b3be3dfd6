//! Splits the converted document into one document per area of the API.
//!
//! A component belongs to the area that uses it; what several use, or nobody, is common.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use crate::convert::METHODS;
use crate::description::merge::{self, COMMON};
use crate::description::node::{Map, Node};
use crate::upstream::{Area, Upstream};

/// The document cannot be split.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AreaError {
    /// A path that the table of areas does not cover.
    #[error("the path {0} belongs to no area: add its beginning to the table of areas")]
    Homeless(String),
}

const COMMON_AREA: Area = "common";

/// The documents by name, the common one among them.
pub(crate) fn split(
    upstream: &Upstream,
    document: &Node,
) -> Result<BTreeMap<Area, Node>, AreaError> {
    let empty = Map::new();
    let paths = document
        .get("paths")
        .and_then(Node::as_map)
        .unwrap_or(&empty);
    let mut by_area: BTreeMap<Area, Map> = BTreeMap::new();
    for (path, item) in paths {
        let area = upstream
            .area_of(path)
            .ok_or_else(|| AreaError::Homeless(path.clone()))?;
        let mut item = item.clone();
        tag(&mut item, area);
        by_area.entry(area).or_default().insert(path.clone(), item);
    }
    let homes = homes(document, &by_area);
    let mut documents = BTreeMap::new();
    for area in by_area.keys().copied().chain([COMMON_AREA]) {
        documents.insert(
            area,
            area_document(upstream, document, area, by_area.get(area), &homes),
        );
    }
    Ok(documents)
}

/// Tags the operations of a path with their area, which the upstream tags do only roughly.
fn tag(item: &mut Node, area: Area) {
    let Node::Map(item) = item else { return };
    for method in METHODS {
        if let Some(Node::Map(operation)) = item.get_mut(method) {
            operation.shift_insert(1, "tags".to_owned(), Node::List(vec![Node::from(area)]));
        }
    }
}

/// Where each component lives, by reference.
fn homes(document: &Node, by_area: &BTreeMap<Area, Map>) -> BTreeMap<String, Area> {
    let mut users: BTreeMap<String, BTreeSet<Area>> = BTreeMap::new();
    for (area, paths) in by_area {
        for item in paths.values() {
            reach(document, item, area, &mut users);
        }
    }
    let empty = Map::new();
    let kinds = document
        .get("components")
        .and_then(Node::as_map)
        .unwrap_or(&empty);
    let all = kinds
        .iter()
        .filter(|(kind, _)| *kind != "securitySchemes")
        .flat_map(|(kind, components)| {
            components
                .as_map()
                .into_iter()
                .flatten()
                .map(move |(name, component)| (format!("#/components/{kind}/{name}"), component))
        });
    // What nothing refers to (the events of streams, mostly) stays with the one area whose components it
    // is made of, if there is one such area.
    for (reference, component) in all {
        if users.contains_key(&reference) {
            continue;
        }
        let mut made_of: BTreeMap<String, BTreeSet<Area>> = BTreeMap::new();
        reach(document, component, COMMON_AREA, &mut made_of);
        let areas: BTreeSet<Area> = made_of
            .keys()
            .filter_map(|part| users.get(part))
            .flatten()
            .copied()
            .collect();
        let home = match areas.iter().next() {
            Some(area) if areas.len() == 1 => area,
            _ => COMMON_AREA,
        };
        users.entry(reference).or_default().insert(home);
        reach(document, component, home, &mut users);
    }
    users
        .into_iter()
        .map(|(reference, areas)| {
            let only = areas.iter().next().copied().filter(|_| areas.len() == 1);
            (reference, only.unwrap_or(COMMON_AREA))
        })
        .collect()
}

/// Notes that `area` uses every component that `node` refers to, directly or through others.
fn reach(document: &Node, node: &Node, area: Area, users: &mut BTreeMap<String, BTreeSet<Area>>) {
    let mut next = Vec::new();
    node.references(&mut |reference| {
        if users.entry(reference.to_owned()).or_default().insert(area) {
            next.push(reference.to_owned());
        }
    });
    for reference in next {
        if let Some(component) = merge::resolve(document, &reference) {
            reach(document, component, area, users);
        }
    }
}

/// Builds the document of one area.
fn area_document(
    upstream: &Upstream,
    document: &Node,
    area: Area,
    paths: Option<&Map>,
    homes: &BTreeMap<String, Area>,
) -> Node {
    let mut out = Map::new();
    for key in ["openapi", "info", "servers", "security"] {
        if let Some(value) = document.get(key) {
            out.insert(key.to_owned(), value.clone());
        }
    }
    if let Some(Node::Map(info)) = out.get_mut("info")
        && area != COMMON_AREA
    {
        info.insert(
            "title".to_owned(),
            Node::from(format!("{}: {area}", upstream.title)),
        );
    }
    out.insert(
        "paths".to_owned(),
        Node::Map(paths.cloned().unwrap_or_default()),
    );
    let mut components = Map::new();
    for (kind, all) in document
        .get("components")
        .and_then(Node::as_map)
        .into_iter()
        .flatten()
    {
        let mut own = Map::new();
        for (name, component) in all.as_map().into_iter().flatten() {
            let reference = format!("#/components/{kind}/{name}");
            if kind == "securitySchemes" && area != COMMON_AREA {
                own.insert(
                    name.clone(),
                    Node::Map(Map::from([(
                        "$ref".to_owned(),
                        Node::from(format!("{COMMON}{reference}")),
                    )])),
                );
            } else if kind == "securitySchemes" || homes.get(&reference) == Some(&area) {
                own.insert(name.clone(), component.clone());
            }
        }
        if !own.is_empty() {
            components.insert(kind.clone(), Node::Map(own));
        }
    }
    out.insert("components".to_owned(), Node::Map(components));
    let mut out = Node::Map(out);
    let Ok(()) = out.rewrite_references::<Infallible>(&mut |reference| {
        let elsewhere = area != COMMON_AREA && homes.get(reference) == Some(&COMMON_AREA);
        Ok(if elsewhere {
            format!("{COMMON}{reference}")
        } else {
            reference.to_owned()
        })
    });
    out
}
