//! Turns the upstream OpenAPI 3.0 document into a 3.1 one that carries facts and no prose.
//!
//! Every kind of object has the list of the keys that are kept, in the order in which they are written.
//! A key that is on neither that list nor the list of what is left out stops the conversion: something new
//! in the upstream document should be decided about, not lost.

use crate::description::node::{Map, Node};
use crate::operation_id;
use crate::parts::{header, parameter, request_body, response};
use crate::schema;

/// The upstream document has something that the conversion does not know.
#[derive(Debug, thiserror::Error)]
#[error("{at}: {problem}")]
pub(crate) struct ConvertError {
    at: String,
    problem: String,
}

impl ConvertError {
    pub(crate) fn new(at: &str, problem: impl Into<String>) -> Self {
        Self {
            at: at.to_owned(),
            problem: problem.into(),
        }
    }
}

type Result<T> = std::result::Result<T, ConvertError>;

/// The methods of a path, in the order in which they are written.
pub(crate) const METHODS: [&str; 8] = [
    "get", "post", "put", "patch", "delete", "head", "options", "trace",
];

/// What is prose, or an illustration, wherever it stands.
const PROSE: [&str; 6] = [
    "description",
    "summary",
    "title",
    "example",
    "examples",
    "externalDocs",
];

/// The object at `node`, once every key of it is known: kept ones are in `keep`, prose and extensions are left out.
pub(crate) fn object<'a>(
    node: &'a Node,
    keep: &[&str],
    drop: &[&str],
    at: &str,
) -> Result<&'a Map> {
    let map = node
        .as_map()
        .ok_or_else(|| ConvertError::new(at, "an object was expected"))?;
    match map.keys().find(|key| {
        let key = key.as_str();
        !(keep.contains(&key)
            || drop.contains(&key)
            || PROSE.contains(&key)
            || key.starts_with("x-"))
    }) {
        Some(key) => Err(ConvertError::new(at, format!("the key {key} is not known"))),
        None => Ok(map),
    }
}

/// Converts each kept key that is there, in the order of `keep`.
pub(crate) fn rebuild(
    map: &Map,
    keep: &[&str],
    convert: &mut dyn FnMut(&str, &Node) -> Result<Option<Node>>,
) -> Result<Node> {
    let mut out = Map::new();
    for key in keep {
        if let Some(value) = map.get(*key)
            && let Some(value) = convert(key, value)?
        {
            out.insert((*key).to_owned(), value);
        }
    }
    Ok(Node::Map(out))
}

/// Converts each value of an object whose keys are names.
pub(crate) fn each(
    node: &Node,
    at: &str,
    convert: &mut dyn FnMut(&str, &Node, &str) -> Result<Node>,
) -> Result<Node> {
    let map = node
        .as_map()
        .ok_or_else(|| ConvertError::new(at, "an object was expected"))?;
    let mut out = Map::new();
    for (name, value) in map {
        out.insert(name.clone(), convert(name, value, &format!("{at}/{name}"))?);
    }
    Ok(Node::Map(out))
}

/// Converts each item of a list.
pub(crate) fn items(
    node: &Node,
    at: &str,
    convert: &mut dyn FnMut(&Node, &str) -> Result<Node>,
) -> Result<Node> {
    let list = node
        .as_list()
        .ok_or_else(|| ConvertError::new(at, "a list was expected"))?;
    let converted: Result<Vec<Node>> = list
        .iter()
        .enumerate()
        .map(|(index, item)| convert(item, &format!("{at}/{index}")))
        .collect();
    Ok(Node::List(converted?))
}

/// Converts a whole document.
pub(crate) fn document(title: &str, upstream: &Node) -> Result<Node> {
    let keep = [
        "openapi",
        "info",
        "servers",
        "security",
        "paths",
        "components",
    ];
    let map = object(upstream, &keep, &["tags"], "")?;
    let mut converted = rebuild(map, &keep, &mut |key, value| {
        Ok(Some(match key {
            "openapi" => Node::from("3.1.0"),
            "info" => {
                let version = value.get("version").and_then(Node::as_text).unwrap_or("0");
                Node::Map(Map::from([
                    ("title".to_owned(), Node::from(title)),
                    ("version".to_owned(), Node::from(version)),
                ]))
            }
            "servers" => servers(value, "/servers")?,
            "paths" => each(value, "/paths", &mut |_, item, at| path_item(item, at))?,
            "components" => components(value)?,
            _ => value.clone(),
        }))
    })?;
    operation_id::complete(&mut converted)
        .map_err(|name| ConvertError::new("/paths", format!("two operations are called {name}")))?;
    Ok(converted)
}

fn components(node: &Node) -> Result<Node> {
    let keep = [
        "securitySchemes",
        "parameters",
        "responses",
        "requestBodies",
        "headers",
        "schemas",
    ];
    let map = object(node, &keep, &[], "/components")?;
    rebuild(map, &keep, &mut |kind, value| {
        each(
            value,
            &format!("/components/{kind}"),
            &mut |_, component, at| match kind {
                "securitySchemes" => {
                    let keep = ["type", "in", "name", "scheme", "bearerFormat"];
                    rebuild(
                        object(component, &keep, &[], at)?,
                        &keep,
                        &mut |_, value| Ok(Some(value.clone())),
                    )
                }
                "parameters" => parameter(component, at),
                "responses" => response("default", component, at),
                "requestBodies" => request_body(component, at),
                "headers" => header(component, at),
                _ => schema::convert(component, at),
            },
        )
        .map(Some)
    })
}

fn servers(node: &Node, at: &str) -> Result<Node> {
    items(node, at, &mut |server, at| {
        let keep = ["url"];
        rebuild(object(server, &keep, &[], at)?, &keep, &mut |_, url| {
            Ok(Some(url.clone()))
        })
    })
}

fn path_item(node: &Node, at: &str) -> Result<Node> {
    let mut keep = vec!["servers", "parameters"];
    keep.extend(METHODS);
    let map = object(node, &keep, &[], at)?;
    rebuild(map, &keep, &mut |key, value| {
        let at = format!("{at}/{key}");
        match key {
            "servers" => servers(value, &at),
            "parameters" => items(value, &at, &mut parameter),
            _ => operation(value, &at),
        }
        .map(Some)
    })
}

fn operation(node: &Node, at: &str) -> Result<Node> {
    let keep = [
        "operationId",
        "deprecated",
        "servers",
        "security",
        "parameters",
        "requestBody",
        "responses",
    ];
    let map = object(node, &keep, &["tags"], at)?;
    rebuild(map, &keep, &mut |key, value| {
        let at = format!("{at}/{key}");
        match key {
            "servers" => servers(value, &at),
            "parameters" => items(value, &at, &mut parameter),
            "requestBody" => request_body(value, &at),
            "responses" => each(value, &at, &mut response),
            _ => Ok(value.clone()),
        }
        .map(Some)
    })
}
