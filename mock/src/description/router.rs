//! From a request's path and method to an operation.
//!
//! axum's own router pins an older `matchit` and cannot tell an unknown path from an unknown
//! method with an `Allow` header of our own, so one `matchit` table stands behind one handler.

use std::borrow::Cow;

use indexmap::IndexMap;

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
    operations: Vec<Reached>,
    allow: String,
}

/// An operation at the end of a path.
#[derive(Debug)]
struct Reached {
    method: &'static str,
    operation: usize,
    /// What the operation calls the parameters of the path.
    names: Vec<String>,
}

/// A path with its parameters called by their places, and their names.
fn pattern(path: &str) -> (String, Vec<String>) {
    let (mut pattern, mut names) = (String::new(), Vec::new());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        pattern.push_str(before);
        let place = names.len().to_string();
        pattern.extend(["{p", &place, "}"]);
        names.push(name.to_owned());
        rest = after;
    }
    pattern.push_str(rest);
    let slash = pattern.len() > 1 && pattern.ends_with('/');
    (
        pattern[..pattern.len() - usize::from(slash)].to_owned(),
        names,
    )
}

impl Router {
    /// Adds an operation; `finish` makes it reachable. Paths that differ in nothing but the names
    /// of their parameters are one path, where each operation has its own names.
    pub(crate) fn add(
        &mut self,
        path: &str,
        method: &'static str,
        operation: usize,
    ) -> Result<(), String> {
        let (pattern, names) = pattern(path);
        let methods = self.paths.entry(pattern).or_default();
        if methods
            .operations
            .iter()
            .any(|known| known.method == method)
        {
            return Err(format!("{method} {path} is described twice"));
        }
        methods.operations.push(Reached {
            method,
            operation,
            names,
        });
        let allow: Vec<String> = methods
            .operations
            .iter()
            .map(|reached| reached.method.to_ascii_uppercase())
            .collect();
        methods.allow = allow.join(", ");
        Ok(())
    }

    /// Builds the table; the paths that cannot be told from others are what it answers.
    pub(crate) fn finish(&mut self) -> Vec<String> {
        let mut refused = Vec::new();
        for (index, path) in self.paths.keys().enumerate() {
            if let Err(error) = self.table.insert(path.as_str(), index) {
                refused.push(format!("path {path}: {error}"));
            }
        }
        refused
    }

    /// Finds the operation for a path as it stands in the request line.
    ///
    /// A trailing slash is ignored because a published client sends `GET /providers/`.
    pub(crate) fn find<'r>(&'r self, method: &str, path: &'r str) -> Route<'r> {
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
            .find(|reached| reached.method.eq_ignore_ascii_case(method))
        {
            Some(reached) => Route::Found {
                operation: reached.operation,
                parameters: reached
                    .names
                    .iter()
                    .map(String::as_str)
                    .zip(matched.params.iter().map(|(_, value)| value))
                    .collect(),
            },
            None => Route::WrongMethod {
                allow: &methods.allow,
            },
        }
    }
}

/// Decodes a percent-encoded path parameter; `None` when it is not UTF-8.
pub(crate) fn decode(raw: &str) -> Option<Cow<'_, str>> {
    match raw.contains('%') {
        true => percent_encoding::percent_decode_str(raw).decode_utf8().ok(),
        false => Some(Cow::Borrowed(raw)),
    }
}
