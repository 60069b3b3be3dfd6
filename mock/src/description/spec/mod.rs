//! Any other OpenAPI document: read, brought into the form of the mock's own descriptions, and
//! annotated with what its shape tells about resources.
//!
//! The engine knows nothing of this: what is recognised becomes the same annotations that the
//! mock's own descriptions carry.

mod infer;
mod upgrade;

use std::path::Path;

use serde_json::{Value, json};

use super::Description;
use super::node::Node;

/// Reads the document of a file and makes it one that can be served.
pub(crate) fn load(path: &Path) -> Result<&'static Description, String> {
    let at = |problem: String| format!("{}: {problem}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| at(error.to_string()))?;
    let mut document = parse(&text).map_err(at)?;
    let version = document.get("openapi").and_then(Value::as_str);
    if !version.is_some_and(|version| version.starts_with("3.")) {
        return Err(at("this is not an OpenAPI 3.0 or 3.1 document".to_owned()));
    }
    if !document.get("paths").is_some_and(Value::is_object) {
        return Err(at("the document has no paths".to_owned()));
    }
    upgrade::document(&mut document);
    let (_, plain) = stay(&document).map_err(at)?;
    infer::annotate(&mut document, plain);
    let (text, tree) = stay(&document).map_err(at)?;
    let description = Description::read(text, tree).map_err(at)?;
    Ok(Box::leak(Box::new(description)))
}

/// A document's text and tree for the rest of the process: there is one for each start of a mock.
fn stay(document: &Value) -> Result<(&'static str, &'static Node), String> {
    let text: &'static str = Box::leak(document.to_string().into_boxed_str());
    Ok((text, Box::leak(Box::new(Node::read(text)?))))
}

/// JSON is tried first: it is read faster, and not all of it is YAML.
fn parse(text: &str) -> Result<Value, String> {
    if let Ok(document) = serde_json::from_str(text) {
        return Ok(document);
    }
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
}

/// What the mock keeps of an API, for people and programs to read.
pub(crate) fn summary(description: &Description) -> Value {
    let mut names: Vec<&String> = description.resources.keys().collect();
    names.sort();
    let resources: Vec<Value> =
        names
            .into_iter()
            .filter_map(|name| {
                let resource = description.resources.get(name)?;
                let spec = &resource.spec;
                let operations: Vec<Value> = description
                    .operations
                    .iter()
                    .filter_map(|operation| {
                        let behaviour = operation.behaviour.as_ref()?;
                        (behaviour.resource == *name).then(|| {
                            let action = format!("{:?}", behaviour.action).to_lowercase();
                            json!({ "operation": operation.id, "does": action })
                        })
                    })
                    .collect();
                let links: Vec<Value> =
                    spec.links
                        .iter()
                        .map(|(field, to)| json!({ "field": field, "to": to }))
                        .chain(spec.references.iter().map(
                            |(field, reference)| json!({ "field": field, "to": reference.to }),
                        ))
                        .collect();
                Some(json!({
                    "name": name,
                    "identity": spec.identity.as_ref().map_or("id", |identity| &identity.field),
                    "inside": spec.member.as_ref().map(|member| &member.of),
                    "links": links,
                    "operations": operations,
                }))
            })
            .collect();
    json!({ "api": description.api.name, "resources": resources, "not_served": description.not_served })
}
