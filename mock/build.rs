//! Puts the mock's description of the API together, once per profile, so that a running mock reads one
//! ready document and a mistake in a description is a build error that names the file.

#[expect(dead_code, reason = "the describe tool and the tests use more of it")]
mod description;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use indexmap::IndexMap;

use self::description::node::Node;

fn main() -> Result<(), Box<dyn Error>> {
    for watched in ["api", "behaviour", "live", "description", "defects.yaml"] {
        println!("cargo:rerun-if-changed={watched}");
    }
    let root = std::env::var("CARGO_MANIFEST_DIR")?;
    let out = std::env::var("OUT_DIR")?;
    let mut documents = BTreeMap::new();
    for profile in description::Profile::ALL {
        let document = description::assemble(Path::new(&root), profile)?;
        documents.insert(format!("{}.{}", profile.system, profile.name), document);
    }
    if let Some(published) = documents.get("portkey.documented").cloned()
        && let Some(live) = documents.get_mut("portkey.live")
    {
        mark_departures(live, &published);
    }
    for (name, document) in documents {
        let file = Path::new(&out).join(format!("{name}.json"));
        std::fs::write(file, serde_json::to_vec(&document)?)?;
    }
    let defects = std::fs::read_to_string(Path::new(&root).join("defects.yaml"))?;
    let defects: Vec<serde_json::Value> = serde_saphyr::from_str(&defects)?;
    let list = serde_json::json!({ "object": "list", "total": defects.len(), "data": defects });
    std::fs::write(Path::new(&out).join("defects.json"), list.to_string())?;
    Ok(())
}

/// Marks the operations that take other requests than the published document has them: only for these the mock
/// has to look into both.
fn mark_departures(live: &mut Node, published: &Node) {
    let before = live.clone();
    let Some(paths) = member(live, "paths") else {
        return;
    };
    for (path, item) in paths {
        let (same, other) = (item_of(&before, path), item_of(published, path));
        let Node::Map(operations) = item else {
            continue;
        };
        for (method, operation) in operations {
            if requests(&before, same, method) != requests(published, other, method)
                && let Node::Map(operation) = operation
            {
                operation.insert("x-departs".to_owned(), Node::Bool(true));
            }
        }
    }
}

fn member<'n>(node: &'n mut Node, name: &str) -> Option<&'n mut IndexMap<String, Node>> {
    match node {
        Node::Map(members) => match members.get_mut(name)? {
            Node::Map(members) => Some(members),
            _ => None,
        },
        _ => None,
    }
}

fn item_of<'n>(document: &'n Node, path: &str) -> Option<&'n Node> {
    document.get("paths")?.get(path)
}

/// What decides which requests an operation takes, and everything that this refers to.
fn requests(document: &Node, item: Option<&Node>, method: &str) -> BTreeMap<String, Node> {
    let operation = item.and_then(|item| item.get(method));
    let parts = [
        ("path", item.and_then(|item| item.get("parameters"))),
        (
            "parameters",
            operation.and_then(|operation| operation.get("parameters")),
        ),
        (
            "body",
            operation.and_then(|operation| operation.get("requestBody")),
        ),
    ];
    let mut reached = BTreeMap::new();
    for (name, part) in parts {
        if let Some(part) = part {
            reached.insert(name.to_owned(), part.clone());
            reach(document, part, &mut reached);
        }
    }
    reached
}

fn reach(document: &Node, part: &Node, reached: &mut BTreeMap<String, Node>) {
    part.references(&mut |reference| {
        let mut steps = reference.trim_start_matches("#/").split('/');
        let target = steps.try_fold(document, |node, step| {
            node.get(&step.replace("~1", "/").replace("~0", "~"))
        });
        if let (false, Some(target)) = (reached.contains_key(reference), target) {
            reached.insert(reference.to_owned(), target.clone());
            reach(document, target, reached);
        }
    });
}
