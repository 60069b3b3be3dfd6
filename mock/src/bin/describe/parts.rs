//! Converts what operations are made of: parameters, headers, bodies, media types and responses.

use crate::convert::{ConvertError, each, object, rebuild};
use crate::description::node::{Map, Node};
use crate::schema;

type Result<T> = std::result::Result<T, ConvertError>;

/// A reference, which stands alone outside schemas.
fn reference(node: &Node) -> Option<Node> {
    let target = node.get("$ref")?;
    Some(Node::Map(Map::from([("$ref".to_owned(), target.clone())])))
}

/// Converts a parameter.
pub(crate) fn parameter(node: &Node, at: &str) -> Result<Node> {
    if let Some(reference) = reference(node) {
        return Ok(reference);
    }
    let keep = [
        "name",
        "in",
        "required",
        "deprecated",
        "allowEmptyValue",
        "style",
        "explode",
        "allowReserved",
        "schema",
        "content",
    ];
    let map = object(node, &keep, &[], at)?;
    rebuild(map, &keep, &mut |key, value| described(key, value, at))
}

/// Converts a header.
pub(crate) fn header(node: &Node, at: &str) -> Result<Node> {
    let keep = [
        "required",
        "deprecated",
        "style",
        "explode",
        "schema",
        "content",
    ];
    let map = object(node, &keep, &[], at)?;
    rebuild(map, &keep, &mut |key, value| described(key, value, at))
}

/// Converts a request body.
pub(crate) fn request_body(node: &Node, at: &str) -> Result<Node> {
    let keep = ["required", "content"];
    let map = object(node, &keep, &[], at)?;
    rebuild(map, &keep, &mut |key, value| described(key, value, at))
}

fn media_type(node: &Node, at: &str) -> Result<Node> {
    let keep = ["schema", "encoding"];
    let map = object(node, &keep, &[], at)?;
    rebuild(map, &keep, &mut |key, value| described(key, value, at))
}

/// What parameters, headers, bodies and media types have in common: a schema or content, and plain values.
fn described(key: &str, value: &Node, at: &str) -> Result<Option<Node>> {
    let at = format!("{at}/{key}");
    match key {
        "schema" => schema::convert(value, &at),
        "content" => each(value, &at, &mut |_, media, at| media_type(media, at)),
        _ => Ok(value.clone()),
    }
    .map(Some)
}

/// Converts a response.
pub(crate) fn response(status: &str, node: &Node, at: &str) -> Result<Node> {
    if let Some(reference) = reference(node) {
        return Ok(reference);
    }
    let keep = ["headers", "content"];
    let map = object(node, &keep, &["links"], at)?;
    let rest = rebuild(map, &keep, &mut |key, value| {
        let at = format!("{at}/{key}");
        if key == "headers" {
            let mut headers = value.clone();
            if let Node::Map(headers) = &mut headers {
                // OpenAPI has the media types for this one and forbids it here.
                headers.retain(|name, _| !name.eq_ignore_ascii_case("content-type"));
                if headers.is_empty() {
                    return Ok(None);
                }
            }
            return each(&headers, &at, &mut |_, value, at| header(value, at)).map(Some);
        }
        described(key, value, &at)
    })?;
    // A response has to have a description; the vendor's is prose, the reason phrase is not.
    let mut out = Map::from([("description".to_owned(), Node::from(reason_phrase(status)))]);
    if let Node::Map(rest) = rest {
        out.extend(rest);
    }
    Ok(Node::Map(out))
}

/// The words that HTTP itself has for a status.
fn reason_phrase(status: &str) -> &'static str {
    match status {
        "101" => "Switching Protocols",
        "200" => "OK",
        "201" => "Created",
        "202" => "Accepted",
        "204" => "No Content",
        "400" => "Bad Request",
        "401" => "Unauthorized",
        "403" => "Forbidden",
        "404" => "Not Found",
        "409" => "Conflict",
        "412" => "Precondition Failed",
        "422" => "Unprocessable Content",
        "429" => "Too Many Requests",
        "500" => "Internal Server Error",
        _ => "Error",
    }
}
