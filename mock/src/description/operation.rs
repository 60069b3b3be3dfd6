//! The operations of the description, read once into a form the engine works with.

use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::Value;

use super::api::{ApiSpec, Paging};
use super::behaviour::OperationBehaviour;
use super::document::Located;
use super::members::Members;
use super::node::Node;
use super::schema::{Types, names, types};
use crate::engine::shape::Shape;
use crate::gateway::Answer;

/// The methods the description may use, in the order an `Allow` header lists them.
pub(crate) const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Where a parameter travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParameterIn {
    Path,
    Query,
    Header,
}

/// One parameter of an operation.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) place: ParameterIn,
    pub(crate) required: bool,
    pub(crate) schema: Option<Located>,
    pub(crate) types: Types,
    pub(crate) validator: OnceLock<Option<Box<Validator>>>,
}

/// The body an operation takes.
#[derive(Debug)]
pub(crate) struct RequestBody {
    pub(crate) required: bool,
    pub(crate) contents: Vec<Content>,
    /// The names of the members that the body's schema describes.
    pub(crate) declared: Vec<String>,
}

/// One media type of a request or a response and the schema of what it carries.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) media_type: String,
    pub(crate) schema: Option<Located>,
    pub(crate) validator: OnceLock<Option<Box<Validator>>>,
    /// Which members its objects have.
    pub(crate) members: OnceLock<Members>,
}

/// Whether a media type is JSON or something that is written in it.
pub(crate) fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    essence == "application/json" || essence.ends_with("+json")
}

/// A documented answer.
#[derive(Debug)]
pub(crate) struct Response {
    /// `None` is the answer documented as `default`.
    pub(crate) status: Option<u16>,
    pub(crate) contents: Vec<Content>,
}

impl Response {
    /// The JSON content, if the answer has one.
    pub(crate) fn json(&self) -> Option<&Content> {
        self.contents
            .iter()
            .find(|content| is_json(&content.media_type))
    }
}

/// The paging parameters that an operation declares.
#[derive(Debug)]
pub(crate) struct PagingNames {
    pub(crate) size: Option<String>,
    pub(crate) number: Option<String>,
    pub(crate) cursor: Option<String>,
    pub(crate) offset: Option<String>,
    /// How many objects a page has when nothing says it.
    pub(crate) default: usize,
}

impl PagingNames {
    fn among(parameters: &[Parameter], paging: &Paging) -> PagingNames {
        let declared = |names: &[String]| {
            let is = |name: &&String| {
                let mut queries = parameters.iter().filter(|p| p.place == ParameterIn::Query);
                queries.any(|parameter| parameter.name == **name)
            };
            names.iter().find(is).cloned()
        };
        PagingNames {
            size: declared(&paging.size),
            number: declared(&paging.number),
            cursor: declared(&paging.cursor),
            offset: declared(&paging.offset),
            default: paging.default,
        }
    }
}

/// One operation: a method on a path.
#[derive(Debug)]
pub(crate) struct Operation {
    /// The `operationId`, or `METHOD /path` for the operations that have none.
    pub(crate) id: String,
    pub(crate) method: &'static str,
    /// Whether the operation takes requests without a key.
    pub(crate) public: bool,
    /// The scopes of which a key needs one; none are needed if there are none.
    pub(crate) scopes: Vec<String>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<RequestBody>,
    pub(crate) responses: Vec<Response>,
    pub(crate) behaviour: Option<OperationBehaviour>,
    /// The paging parameters that the operation declares.
    pub(crate) paging: PagingNames,
    /// How the data plane answers it, if it belongs there.
    pub(crate) gateway: Option<Answer>,
    /// Whether it is passed on to a provider that the request's headers name.
    pub(crate) passed_on: bool,
    /// Whether it takes other requests than the vendor has published.
    pub(crate) departs: bool,
    /// How a stored object becomes the body of the success answer.
    pub(crate) shape: OnceLock<Shape>,
    /// The generated success answer of an operation without behaviour.
    pub(crate) generated: OnceLock<Vec<u8>>,
}

impl Operation {
    /// Reads the operation `method` from its path item.
    pub(crate) fn read(
        document: &'static Node,
        api: &ApiSpec,
        path: &str,
        item: &Located,
        method: &'static str,
    ) -> Result<Option<Operation>, String> {
        let Some(operation) = item.get(method) else {
            return Ok(None);
        };
        let id = operation
            .value
            .get("operationId")
            .and_then(Node::as_str)
            .map_or_else(
                || format!("{} {path}", method.to_ascii_uppercase()),
                str::to_owned,
            );
        let behaviour = match operation.value.get("x-behaviour") {
            None => None,
            Some(behaviour) => Some(
                serde_json::from_value::<OperationBehaviour>(Value::from(behaviour))
                    .map_err(|error| format!("x-behaviour of {method} {path}: {error}"))?,
            ),
        };
        let parameters = parameters(document, item, &operation);
        let scopes: Vec<String> = operation
            .value
            .get("x-scope")
            .and_then(Node::as_str)
            .map(|scopes| {
                scopes
                    .split('|')
                    .map(|scope| scope.trim().to_owned())
                    .collect()
            })
            .unwrap_or_default();
        let gateway = match operation.value.get("x-gateway") {
            Some(answer) => Some(
                serde_json::from_value::<Answer>(Value::from(answer))
                    .map_err(|error| format!("x-gateway of {method} {path}: {error}"))?,
            ),
            // What needs the scope of the data plane alone belongs to it.
            None => (behaviour.is_none()
                && api
                    .gateway
                    .as_ref()
                    .is_some_and(|gateway| scopes == [gateway.scope.as_str()]))
            .then_some(Answer::Instance),
        };
        Ok(Some(Operation {
            id,
            method,
            public: is_public(document, &operation),
            scopes,
            gateway,
            passed_on: operation.value.is_true("x-passed-on"),
            departs: operation.value.is_true("x-departs"),
            paging: PagingNames::among(&parameters, &api.paging),
            parameters,
            body: request_body(document, &operation),
            responses: responses(document, &operation),
            behaviour,
            shape: OnceLock::new(),
            generated: OnceLock::new(),
        }))
    }

    /// The first documented 2xx answer.
    pub(crate) fn success(&self) -> Option<&Response> {
        self.responses
            .iter()
            .find(|r| r.status.is_some_and(|status| (200..300).contains(&status)))
    }

    /// The answer documented for `status`, else the one documented as `default`.
    pub(crate) fn response(&self, status: u16) -> Option<&Response> {
        self.responses
            .iter()
            .find(|response| response.status == Some(status))
            .or_else(|| {
                self.responses
                    .iter()
                    .find(|response| response.status.is_none())
            })
    }

    /// The default that the description gives for the query parameter `name`.
    pub(crate) fn query_default(&self, name: &str) -> Option<&'static Node> {
        self.parameters
            .iter()
            .find(|p| p.place == ParameterIn::Query && p.name == name)
            .and_then(|p| p.schema.as_ref()?.value.get("default"))
    }

    /// The name of the last path parameter: the one that names the object itself.
    pub(crate) fn last_path_parameter(&self) -> Option<&str> {
        self.parameters
            .iter()
            .rfind(|p| p.place == ParameterIn::Path)
            .map(|p| p.name.as_str())
    }
}

fn is_public(document: &'static Node, operation: &Located) -> bool {
    let security = operation
        .value
        .get("security")
        .or_else(|| document.get("security"));
    match security.and_then(Node::as_array) {
        None => false,
        // `security: []` and an alternative `{}` both mean that no key is needed.
        Some(alternatives) => {
            alternatives.is_empty()
                || alternatives
                    .iter()
                    .any(|a| a.as_object().is_some_and(<[_]>::is_empty))
        }
    }
}

fn parameters(document: &'static Node, item: &Located, operation: &Located) -> Vec<Parameter> {
    let mut found: Vec<Parameter> = Vec::new();
    for holder in [item, operation] {
        let Some(list) = holder.get("parameters") else {
            continue;
        };
        for index in 0..list.value.as_array().map_or(0, <[Node]>::len) {
            let Some(located) = list.item(index).and_then(|p| p.resolved(document)) else {
                continue;
            };
            let text = |key: &str| located.value.get(key).and_then(Node::as_str);
            let place = match text("in") {
                Some("path") => ParameterIn::Path,
                Some("query") => ParameterIn::Query,
                Some("header") => ParameterIn::Header,
                _ => continue,
            };
            let Some(name) = text("name").map(str::to_owned) else {
                continue;
            };
            // A parameter with `content` is text in that media type: JSON, in all descriptions known.
            let schema = located.get("schema").or_else(|| {
                let content = located.get("content")?;
                content.get("application/json")?.get("schema")
            });
            let parameter = Parameter {
                place,
                required: located.value.is_true("required"),
                types: schema
                    .as_ref()
                    .map_or(Types::ANY, |schema| types(document, schema)),
                schema,
                name,
                validator: OnceLock::new(),
            };
            // An operation's parameter replaces the path item's one of the same name and place.
            found.retain(|known| (known.place, &known.name) != (place, &parameter.name));
            found.push(parameter);
        }
    }
    found
}

fn request_body(document: &'static Node, operation: &Located) -> Option<RequestBody> {
    let body = operation.get("requestBody")?.resolved(document)?;
    let contents = contents(&body);
    let declared = contents
        .iter()
        .filter_map(|content| content.schema.as_ref())
        .flat_map(|schema| names(document, schema))
        .collect();
    Some(RequestBody {
        required: body.value.is_true("required"),
        contents,
        declared,
    })
}

fn responses(document: &'static Node, operation: &Located) -> Vec<Response> {
    let Some(list) = operation.get("responses") else {
        return Vec::new();
    };
    let mut found: Vec<Response> = list
        .value
        .keys()
        .filter_map(|status| {
            let response = list.get(status)?.resolved(document)?;
            Some(Response {
                status: status.parse().ok(),
                contents: contents(&response),
            })
        })
        .collect();
    found.sort_by_key(|response| response.status.unwrap_or(u16::MAX));
    found
}

fn contents(holder: &Located) -> Vec<Content> {
    let Some(content) = holder.get("content") else {
        return Vec::new();
    };
    content
        .value
        .keys()
        .filter_map(|media_type| {
            let schema = content.get(media_type)?.get("schema");
            Some(Content {
                media_type: media_type.to_ascii_lowercase(),
                schema,
                validator: OnceLock::new(),
                members: OnceLock::new(),
            })
        })
        .collect()
}
