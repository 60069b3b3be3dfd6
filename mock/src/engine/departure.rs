//! How strictly requests are judged, and where one departs from what the vendor has published.

use serde_json::Value;

use super::error::ApiError;
use super::parameters::{self, Leeway, Raw};
use crate::description::Description;
use crate::description::members::Members;
use crate::description::operation::Operation;
use crate::description::router::Route;

/// How strictly a mock judges requests. What is accepted although it is not in the published document is said in the
/// notes of the journal; what a request to a model brings is not looked into for that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Validation {
    /// As the published document has them and no other: what it forbids is refused, and members and parameters that it
    /// does not know, whoever sends them.
    Strict,
    /// As the profile that is served does; the live one takes what real clients send.
    #[default]
    Normal,
    /// Everything is taken that can be read and stored.
    Lenient,
}

/// Where a request departs from a published document: what the document refuses, and what it does not know.
pub(crate) fn departures(
    published: &'static Description,
    method: &str,
    path: &str,
    raw: &Raw<'_>,
) -> Vec<String> {
    let Route::Found {
        operation,
        parameters,
    } = published.router.find(method, path)
    else {
        return vec![format!("{method} {path}: no such operation")];
    };
    let Some(operation) = published.operations.get(operation) else {
        return Vec::new();
    };
    let raw = Raw {
        path: &parameters,
        ..*raw
    };
    let mut leeway = Leeway::lenient();
    let read = parameters::decode(published, operation, &raw, &mut leeway);
    let mut found = leeway.notes;
    match read {
        Ok(request) => {
            found.extend(unknown_parameters(operation, &raw));
            found.extend(unknown_members(
                published,
                operation,
                &raw,
                request.body.as_ref(),
            ));
        }
        Err(ApiError { message, .. }) => found.push(message),
    }
    found
}

/// The parameters and the members of a body that a document does not know.
pub(crate) fn unknown(
    published: &'static Description,
    operation: &Operation,
    raw: &Raw<'_>,
    body: Option<&Value>,
) -> Vec<String> {
    let mut found = unknown_parameters(operation, raw);
    found.extend(unknown_members(published, operation, raw, body));
    found
}

fn unknown_parameters(operation: &Operation, raw: &Raw<'_>) -> Vec<String> {
    let pairs = parameters::pairs(raw.query).unwrap_or_default();
    let unknown = pairs.into_iter().filter(|(name, _)| {
        let known = operation.parameters.iter();
        !known.clone().any(|known| known.name == *name)
    });
    unknown
        .map(|(name, _)| format!("{name}: no such parameter"))
        .collect()
}

fn unknown_members(
    published: &'static Description,
    operation: &Operation,
    raw: &Raw<'_>,
    body: Option<&Value>,
) -> Vec<String> {
    let Some(body) = body else {
        return Vec::new();
    };
    let unknown = match &operation.body {
        // Clients send an empty object where nothing is expected.
        None => match body.as_object() {
            Some(members) => members.keys().map(|name| format!("/{name}")).collect(),
            None => vec![String::new()],
        },
        Some(expected) => {
            let essence = parameters::essence(raw);
            let content = expected.contents.iter().find(|c| c.media_type == essence);
            let Some((content, schema)) = content.and_then(|c| Some((c, c.schema.as_ref()?)))
            else {
                return Vec::new();
            };
            let members = content
                .members
                .get_or_init(|| Members::of(published.document, schema));
            members.unknown(body)
        }
    };
    unknown
        .into_iter()
        .map(|pointer| format!("{pointer}: no such member"))
        .collect()
}
