//! Merges the documents of a folder, one per area, into a single self-contained one.

use std::path::Path;

use super::node::{Map, Node};
use super::{DescriptionError, read, yaml_files};

/// The file that holds what two or more areas use.
pub(crate) const COMMON: &str = "common.yaml";

/// Merges all documents of a folder. The common one comes first: it has the title, the servers and the security.
pub(crate) fn folder(folder: &Path) -> Result<Node, DescriptionError> {
    let mut merged = Map::new();
    let common = folder.join(COMMON);
    let mut files = yaml_files(folder)?;
    files.retain(|file| *file != common);
    files.insert(0, common);
    for path in files {
        let mut document: Node = read(&path)?;
        document.rewrite_references(&mut |reference| internal(&path, reference))?;
        add(&path, &mut merged, document)?;
    }
    Ok(Node::Map(merged))
}

/// A reference as it reads once everything is one document.
fn internal(path: &Path, reference: &str) -> Result<String, DescriptionError> {
    let inside = reference.strip_prefix(COMMON).unwrap_or(reference);
    if inside.starts_with("#/") {
        Ok(inside.to_owned())
    } else {
        Err(DescriptionError::Reference {
            path: path.to_owned(),
            reference: reference.to_owned(),
        })
    }
}

/// Adds one document to what is merged so far.
fn add(path: &Path, merged: &mut Map, document: Node) -> Result<(), DescriptionError> {
    let clash = |what: String| DescriptionError::Clash {
        path: path.to_owned(),
        what,
    };
    let Node::Map(document) = document else {
        return Err(DescriptionError::Yaml {
            path: path.to_owned(),
            message: "a document is an object".to_owned(),
        });
    };
    for (key, value) in document {
        match (key.as_str(), value) {
            ("paths", Node::Map(paths)) => {
                let all = section(merged, "paths");
                for (name, item) in paths {
                    if all.contains_key(&name) {
                        return Err(clash(name));
                    }
                    all.insert(name, item);
                }
            }
            ("components", Node::Map(kinds)) => {
                for (kind, components) in kinds {
                    let Node::Map(components) = components else {
                        continue;
                    };
                    let all = section(section(merged, "components"), &kind);
                    for (name, component) in components {
                        // An area repeats the name of a shared component (a security scheme, say) as a
                        // reference to it, which in one document would be a reference to itself.
                        let itself = format!("#/components/{kind}/{name}");
                        if component.get("$ref").and_then(Node::as_text) == Some(&itself) {
                            continue;
                        }
                        if all.contains_key(&name) {
                            return Err(clash(format!("{kind}/{name}")));
                        }
                        all.insert(name, component);
                    }
                }
            }
            // Each area has its own title; the document has that of the common file.
            ("info", value) => {
                merged.entry(key).or_insert(value);
            }
            (_, value) => match merged.get(&key) {
                None => {
                    merged.insert(key, value);
                }
                Some(present) if *present == value => {}
                Some(_) => return Err(clash(key)),
            },
        }
    }
    Ok(())
}

/// The object under a key, made if it is not there.
fn section<'a>(map: &'a mut Map, key: &str) -> &'a mut Map {
    let node = map
        .entry(key.to_owned())
        .or_insert_with(|| Node::Map(Map::new()));
    if !matches!(node, Node::Map(_)) {
        *node = Node::Map(Map::new());
    }
    match node {
        Node::Map(map) => map,
        _ => unreachable!("it was made an object above"),
    }
}

/// The references of a document that lead nowhere.
pub(crate) fn dangling(document: &Node) -> Vec<String> {
    let mut lost = Vec::new();
    document.references(&mut |reference| {
        if resolve(document, reference).is_none() && !lost.iter().any(|known| known == reference) {
            lost.push(reference.to_owned());
        }
    });
    lost
}

/// What a reference into the same document names.
pub(crate) fn resolve<'a>(document: &'a Node, reference: &str) -> Option<&'a Node> {
    reference
        .strip_prefix("#/")?
        .split('/')
        .try_fold(document, |node, step| {
            let name = step.replace("~1", "/").replace("~0", "~");
            match node {
                Node::Map(map) => map.get(&name),
                Node::List(list) => list.get(name.parse::<usize>().ok()?),
                _ => None,
            }
        })
}
