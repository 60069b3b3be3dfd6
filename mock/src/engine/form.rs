//! Just enough `multipart/form-data` to validate the uploads of the description.

use serde_json::{Map, Value};

use super::error::ApiError;
use crate::description::Description;
use crate::description::document::Located;
use crate::description::operation::Content;
use crate::description::schema::{self, Types};

/// Reads a form into an object: text parts by their schema's type, files as placeholder text.
pub(crate) fn parse(
    description: &Description,
    content: &Content,
    media_type: &str,
    body: &[u8],
) -> Result<Value, ApiError> {
    let boundary = media_type
        .split(';')
        .filter_map(|parameter| parameter.trim().split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case("boundary"))
        .map(|(_, value)| value.trim_matches('"'))
        .filter(|boundary| !boundary.is_empty() && boundary.len() <= 70)
        .ok_or_else(|| ApiError::invalid("The form has no boundary"))?;
    let delimiter = format!("--{boundary}");
    let properties = content
        .schema
        .as_ref()
        .map(|schema| schema::properties(description.document, schema))
        .unwrap_or_default();
    let mut form = Map::new();
    let mut parts = split(body, delimiter.as_bytes()).into_iter();
    parts.next();
    for part in parts {
        if part.starts_with(b"--") {
            return Ok(Value::Object(form));
        }
        let (head, data) = find(part, b"\r\n\r\n")
            .map(|at| (&part[..at], &part[at + 4..]))
            .ok_or_else(|| ApiError::invalid("Malformed form part"))?;
        let head = String::from_utf8_lossy(head);
        let Some(name) = parameter(&head, "name") else {
            return Err(ApiError::invalid("A form part has no name"));
        };
        let data = data.strip_suffix(b"\r\n").unwrap_or(data);
        let key = name.trim_end_matches("[]");
        let property = properties.iter().find(|p| p.name == key || p.name == name);
        let types = |schema: Option<&Located>| {
            schema.map_or(Types::ANY, |schema| {
                schema::types(description.document, schema)
            })
        };
        let whole = types(property.map(|property| &property.schema));
        let several = whole != Types::ANY && whole.has(Types::ARRAY);
        let value = match parameter(&head, "filename") {
            // What a file holds is checked by nobody; that it is there is what counts.
            Some(file) => Value::String(file),
            None if several => {
                let items = property.and_then(|p| schema::items(description.document, &p.schema));
                typed(types(items.as_ref()), &String::from_utf8_lossy(data))
            }
            None => typed(whole, &String::from_utf8_lossy(data)),
        };
        match form.get_mut(&name) {
            // A part for each item is how forms carry lists; where no list is expected, a second
            // part makes a value that the schema refuses.
            Some(Value::Array(items)) => items.push(value),
            Some(first) => *first = Value::from(vec![first.take(), value]),
            None if several => _ = form.insert(name, Value::from(vec![value])),
            None => _ = form.insert(name, value),
        }
    }
    Err(ApiError::invalid("The form does not end with its boundary"))
}

fn typed(types: Types, text: &str) -> Value {
    if text == "null" && types != Types::ANY && types.has(Types::NULL) {
        return Value::Null;
    }
    if types.has(Types::STRING) {
        return Value::from(text);
    }
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

/// A parameter of the `Content-Disposition` header among a part's headers.
fn parameter(head: &str, name: &str) -> Option<String> {
    let line = head.lines().find(|line| {
        line.get(..20)
            .is_some_and(|start| start.eq_ignore_ascii_case("content-disposition:"))
    })?;
    line.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.trim().split_once('=')?;
        (key == name).then(|| value.trim_matches('"').to_owned())
    })
}

fn split<'b>(body: &'b [u8], delimiter: &[u8]) -> Vec<&'b [u8]> {
    let mut parts = Vec::new();
    let mut rest = body;
    while let Some(at) = find(rest, delimiter) {
        parts.push(&rest[..at]);
        rest = &rest[at + delimiter.len()..];
    }
    parts.push(rest);
    parts
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
