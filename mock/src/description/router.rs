//! From a request's path and method to an operation.
//!
//! axum's own router pins an older `matchit` and cannot tell an unknown path from an unknown
//! method with an `Allow` header of our own, so one `matchit` table stands behind one handler.

use indexmap::IndexMap;
use serde_json::Value;

/// What a path and a method lead to.
#[derive(Debug)]
pub(crate) enum Route<'r> {
    /// An operation, by its index, and the raw (still percent-encoded) path parameters.
    Found {
        operation: usize,
        parameters: Vec<(&'r str, &'r str)>,
    },
    /// The path exists, the method does not; the value is the `Allow` header.
    WrongMethod { allow: &'r str },
    /// No such path.
    Unknown,
}

/// The paths of the description.
#[derive(Debug, Default)]
pub(crate) struct Router {
    paths: IndexMap<String, Methods>,
    table: matchit::Router<usize>,
}

#[derive(Debug, Default)]
struct Methods {
    operations: Vec<(&'static str, usize)>,
    allow: String,
}

impl Router {
    /// Adds an operation; `finish` makes it reachable.
    pub(crate) fn add(
        &mut self,
        path: &str,
        method: &'static str,
        operation: usize,
    ) -> Result<(), String> {
        let methods = self.paths.entry(path.to_owned()).or_default();
        if methods.operations.iter().any(|(known, _)| *known == method) {
            return Err(format!("{method} {path} is described twice"));
        }
        methods.operations.push((method, operation));
        let allow: Vec<String> = methods
            .operations
            .iter()
            .map(|(method, _)| method.to_ascii_uppercase())
            .collect();
        methods.allow = allow.join(", ");
        Ok(())
    }

    /// Builds the table.
    pub(crate) fn finish(&mut self) -> Result<(), String> {
        for (index, path) in self.paths.keys().enumerate() {
            self.table
                .insert(path.as_str(), index)
                .map_err(|error| format!("path {path}: {error}"))?;
        }
        Ok(())
    }

    /// Finds the operation for a path as it stands in the request line.
    ///
    /// Every path is mounted with and without `/v1`: the pricing operation's own server has no
    /// version prefix, and a client whose base URL lacks it means the same mock. A trailing slash
    /// is ignored because a published client sends `GET /providers/`.
    pub(crate) fn find<'r>(&'r self, method: &str, path: &'r str) -> Route<'r> {
        let path = match path.strip_prefix("/v1") {
            Some(rest) if rest.starts_with('/') => rest,
            _ => path,
        };
        let path = if path.len() > 1 {
            path.strip_suffix('/').unwrap_or(path)
        } else {
            path
        };
        let Ok(matched) = self.table.at(path) else {
            return Route::Unknown;
        };
        let Some((_, methods)) = self.paths.get_index(*matched.value) else {
            return Route::Unknown;
        };
        match methods
            .operations
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(method))
        {
            Some((_, operation)) => Route::Found {
                operation: *operation,
                parameters: matched.params.iter().collect(),
            },
            None => Route::WrongMethod {
                allow: &methods.allow,
            },
        }
    }
}

/// Decodes a percent-encoded path parameter; `None` when it is not UTF-8.
pub(crate) fn decode(raw: &str) -> Option<Value> {
    let decoded = percent_encoding::percent_decode_str(raw)
        .decode_utf8()
        .ok()?;
    Some(Value::String(decoded.into_owned()))
}
