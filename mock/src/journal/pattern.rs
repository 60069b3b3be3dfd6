//! Which requests are meant: by operation, method, path, query, answer and body.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::Entry;

/// Which requests are meant. What is not said does not matter.
///
/// ```
/// use gatewright_mock::operation;
/// use serde_json::json;
///
/// let pattern = operation("createConfig").status(200).body_contains(json!({ "name": "x" }));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[must_use]
pub struct RequestPattern {
    pub(crate) operation: Option<String>,
    pub(crate) method: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) snapshot: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) body_contains: Option<Value>,
}

/// Requests that reach an operation, by its `operationId`.
pub fn operation(id: impl Into<String>) -> RequestPattern {
    RequestPattern {
        operation: Some(id.into()),
        ..RequestPattern::default()
    }
}

/// Requests with a method and a path. `*` in the path stands for any text, and the path counts with
/// and without `/v1`.
pub fn request(method: impl Into<String>, path: impl Into<String>) -> RequestPattern {
    RequestPattern {
        method: Some(method.into()),
        path: Some(path.into()),
        ..RequestPattern::default()
    }
}

impl RequestPattern {
    /// Any request at all.
    pub fn any() -> Self {
        RequestPattern::default()
    }

    /// With this parameter in the query.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.insert(name.into(), value.into());
        self
    }

    /// That worked on this state, chosen with `x-mock-snapshot`.
    pub fn snapshot(mut self, name: impl Into<String>) -> Self {
        self.snapshot = Some(name.into());
        self
    }

    /// From this sender, as the journal calls it: `admin`, `key <id>`, `unknown <fingerprint>`.
    pub fn key(mut self, label: impl Into<String>) -> Self {
        self.key = Some(label.into());
        self
    }

    /// Answered with this status.
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// With a body that has at least these members and values, at any depth; a list contains
    /// another if each item of the other is contained in one of its own. Text is contained in the
    /// text of the body. Secrets are masked before they are compared.
    pub fn body_contains(mut self, part: impl Into<Value>) -> Self {
        self.body_contains = Some(part.into());
        self
    }

    /// Whether the request is one of those that are meant.
    pub(crate) fn matches(&self, entry: &Entry) -> bool {
        self.differences(entry).is_empty()
    }

    /// What keeps the request from being one of those that are meant.
    pub(crate) fn differences(&self, entry: &Entry) -> Vec<String> {
        let mut found = Vec::new();
        let mut compare = |what: &str, wanted: Option<&str>, is: Option<&str>| {
            if let Some(wanted) = wanted
                && is != Some(wanted)
            {
                found.push(match is {
                    Some(is) => format!("{what} is {is}"),
                    None => format!("it has no {what}"),
                });
            }
        };
        compare("operation", self.operation.as_deref(), entry.operation());
        let method = self.method.as_ref().map(|method| method.to_uppercase());
        compare("method", method.as_deref(), Some(entry.method.as_str()));
        compare(
            "snapshot",
            self.snapshot.as_deref(),
            entry.snapshot.as_deref(),
        );
        if self.key.is_some() {
            compare("key", self.key.as_deref(), entry.who.label().as_deref());
        }
        if let Some(path) = &self.path
            && !path_matches(path, &entry.path)
        {
            found.push(format!("path is {}", entry.path));
        }
        let query = match self.query.is_empty() {
            true => Cow::Borrowed(""),
            false => entry.query(),
        };
        for (name, value) in &self.query {
            let own: Vec<_> = pairs(&query).filter(|(own, _)| own == name).collect();
            match own.first() {
                None => found.push(format!("the query has no {name}")),
                Some(_) if own.iter().any(|(_, own)| own == value) => {}
                Some((_, own)) => found.push(format!("{name} in the query is {own}")),
            }
        }
        if let Some(status) = self.status
            && status != entry.status
        {
            found.push(format!("status is {}", entry.status));
        }
        if let Some(part) = &self.body_contains {
            match (entry.body(), part) {
                (None, _) => found.push("no body was kept".to_owned()),
                (Some(body), Value::String(text)) if body.to_string().contains(text) => {}
                (Some(_), Value::String(_)) => found.push("the body has no such text".to_owned()),
                (Some(body), part) => found.extend(missing(part, &body, "")),
            }
        }
        found
    }

    /// How many things the pattern asks for.
    pub(crate) fn weight(&self) -> usize {
        let asked = [
            self.operation.is_some(),
            self.method.is_some(),
            self.path.is_some(),
            self.snapshot.is_some(),
            self.key.is_some(),
            self.status.is_some(),
            self.body_contains.is_some(),
        ];
        asked.iter().filter(|asked| **asked).count() + self.query.len()
    }
}

impl std::fmt::Display for RequestPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let named = [
            ("", &self.operation),
            ("", &self.method),
            ("", &self.path),
            ("in snapshot ", &self.snapshot),
            ("from ", &self.key),
        ];
        let mut words: Vec<String> = named
            .iter()
            .filter_map(|(before, word)| Some(format!("{before}{}", word.as_ref()?)))
            .collect();
        for (name, value) in &self.query {
            words.push(format!("with {name}={value}"));
        }
        if let Some(status) = self.status {
            words.push(format!("answered with {status}"));
        }
        if let Some(part) = &self.body_contains {
            words.push(format!("with a body that contains {part}"));
        }
        match words.is_empty() {
            true => f.write_str("any request"),
            false => f.write_str(&words.join(" ")),
        }
    }
}

/// Whether a path fits a pattern in which `*` stands for any text.
pub(crate) fn path_matches(pattern: &str, path: &str) -> bool {
    let bare = |path: &'_ str| -> String {
        let rest = path
            .strip_prefix("/v1")
            .filter(|rest| rest.starts_with('/'));
        rest.unwrap_or(path).to_owned()
    };
    glob(&bare(pattern), &bare(path))
}

fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The decoded pairs of a query.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced)
            .decode_utf8_lossy()
            .into_owned()
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(move |pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
}

/// The first place at which `whole` lacks what `part` has.
fn missing(part: &Value, whole: &Value, at: &str) -> Option<String> {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => part.iter().find_map(|(name, part)| {
            let at = format!("{at}/{name}");
            match whole.get(name) {
                Some(whole) => missing(part, whole, &at),
                None => Some(format!("the body has no {at}")),
            }
        }),
        (Value::Array(part), Value::Array(whole)) => {
            part.iter().enumerate().find_map(|(n, part)| {
                let there = whole.iter().any(|whole| missing(part, whole, at).is_none());
                (!there).then(|| format!("{at} in the body contains no {part} (item {n})"))
            })
        }
        (part, whole) if alike(part, whole) => None,
        (_, whole) => {
            let shown: String = whole.to_string().chars().take(80).collect();
            let at = if at.is_empty() { "all" } else { at };
            Some(format!("{at} in the body is {shown}"))
        }
    }
}

/// 1 and 1.0 are one number.
fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{missing, path_matches};

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, path, fits) in [
            ("/configs/*", "/v1/configs/pc-1", true),
            ("/v1/configs/*", "/configs/pc-1", true),
            ("/configs/*", "/configs", false),
            ("/configs", "/v1/configs", true),
            ("*", "/anything", true),
            ("/a/*/b/*", "/a/1/2/b/3", true),
            ("/a/*/b", "/a/1/c", false),
            ("/a*a", "/a", false),
        ] {
            assert_eq!(path_matches(pattern, path), fits, "{pattern} {path}");
        }
    }

    #[test]
    fn a_body_contains_what_is_somewhere_in_it() {
        let body = json!({ "a": { "b": [1, { "c": true, "d": null }] }, "e": "x" });
        for part in [
            json!({}),
            json!({ "e": "x" }),
            json!({ "a": { "b": [{ "c": true }] } }),
            json!({ "a": { "b": [1.0] } }),
        ] {
            assert_eq!(missing(&part, &body, ""), None, "{part}");
        }
        for (part, says) in [
            (json!({ "f": 1 }), "the body has no /f"),
            (json!({ "e": "y" }), "/e in the body is \"x\""),
            (
                json!({ "a": { "b": [2] } }),
                "/a/b in the body contains no 2 (item 0)",
            ),
            (
                json!([]),
                "all in the body is {\"a\":{\"b\":[1,{\"c\":true,\"d\":null}]},\"e\":\"x\"}",
            ),
        ] {
            assert_eq!(missing(&part, &body, "").as_deref(), Some(says));
        }
    }
}
