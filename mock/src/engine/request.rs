//! A request after routing: decoded parameters and a parsed body.

use serde_json::{Map, Value};

use super::caller::Caller;

use crate::description::operation::Operation;

/// A valid request.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// What the path has in the place of its parameters, as text.
    pub(crate) names: Vec<(String, String)>,
    pub(crate) query: Map<String, Value>,
    pub(crate) body: Option<Value>,
    pub(crate) caller: Caller,
    /// Whether pages may be shorter than they could be, or empty.
    pub(crate) uneven_pages: bool,
}

impl Request {
    /// The path parameter that names the object: `by`, or the last one of the path.
    pub(crate) fn subject(&self, operation: &Operation, by: Option<&str>) -> &str {
        by.or_else(|| operation.last_path_parameter())
            .map(|name| self.name(name))
            .unwrap_or_default()
    }

    /// The text in the place of a path parameter, if the path has that.
    pub(crate) fn segment(&self, parameter: &str) -> Option<&str> {
        let mut names = self.names.iter();
        let named = names.find(|(name, _)| name == parameter);
        named.map(|(_, text)| text.as_str())
    }

    /// The text in the place of a path parameter.
    pub(crate) fn name(&self, parameter: &str) -> &str {
        self.segment(parameter).unwrap_or_default()
    }

    /// A query parameter's text.
    pub(crate) fn query_text(&self, name: &str) -> Option<&str> {
        self.query.get(name).and_then(Value::as_str)
    }

    /// A query parameter's whole number.
    pub(crate) fn query_number(&self, name: &str) -> Option<usize> {
        let number = self.query.get(name)?.as_f64()?;
        // Larger pages than there are objects are all the same.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates"
        )]
        (number >= 0.0).then_some(number as usize)
    }

    /// The body's members, which are no longer in the body then.
    pub(crate) fn take_members(&mut self) -> Map<String, Value> {
        match self.body.take() {
            Some(Value::Object(members)) => members,
            _ => Map::new(),
        }
    }

    /// The body's members; none if there is no body.
    pub(crate) fn members(&self) -> Map<String, Value> {
        match &self.body {
            Some(Value::Object(members)) => members.clone(),
            _ => Map::new(),
        }
    }
}
