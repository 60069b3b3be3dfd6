//! What can go wrong between the client and an API, in words that help.

use std::time::Duration;

use serde_json::Value as Json;

use super::Request;

/// The longest part of an answer that is shown when it is not what was expected.
const EXCERPT: usize = 200;

/// A request that did not succeed.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
#[error("{method} {path}: {}", self.describe())]
pub struct ApiError {
    /// The request's method.
    pub method: &'static str,
    /// The request's path, after the base URL.
    pub path: Box<str>,
    /// The base URL.
    pub base_url: Box<str>,
    /// What went wrong.
    pub kind: ApiErrorKind,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// The API's own error code, for example `AB01`.
    pub code: Option<Box<str>>,
    /// The API's message, cleaned of secrets.
    pub message: Box<str>,
    /// What the server calls the request, for its support.
    pub request_id: Option<Box<str>>,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
}

/// What went wrong, as far as it matters to what happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ApiErrorKind {
    /// No connection was made: the server cannot have acted.
    Unreachable,
    /// The connection was lost or timed out after sending: the server may have acted.
    Lost,
    /// 401: the key is not accepted.
    Unauthorised,
    /// 403: the key may not do this, or the object is not there (the live API answers 403 with
    /// `AB03` for missing workspaces).
    Forbidden,
    /// 404.
    NotFound,
    /// 409.
    Conflict,
    /// 429.
    RateLimited,
    /// Any other 4xx: the request is refused.
    Refused,
    /// 5xx: the server may have acted.
    Server,
    /// The answer is not JSON, or a redirect: this is probably not the API.
    NotTheApi,
    /// The answer contradicts itself.
    Inconsistent,
}

impl ApiError {
    pub(super) fn from_transport(
        request: &Request,
        base_url: &str,
        error: &reqwest::Error,
    ) -> Self {
        let kind = if error.is_connect() {
            ApiErrorKind::Unreachable
        } else {
            ApiErrorKind::Lost
        };
        // reqwest's own text repeats the URL; its innermost source is the reason.
        let mut reason: &dyn std::error::Error = error;
        while let Some(source) = reason.source() {
            reason = source;
        }
        let message = if error.is_timeout() {
            "no answer in time".to_owned()
        } else {
            reason.to_string()
        };
        Self {
            method: request.method,
            path: request.path.as_str().into(),
            base_url: base_url.into(),
            kind,
            status: None,
            code: None,
            message: message.into(),
            request_id: None,
            retry_after: None,
        }
    }

    pub(super) fn from_answer(
        request: &Request,
        base_url: &str,
        status: u16,
        json: Option<&Json>,
        clean_text: &str,
        request_id: Option<String>,
        retry_after: Option<Duration>,
    ) -> Self {
        // Reading the message from the cleaned text keeps secrets out of it.
        let clean = json.and_then(|_| serde_json::from_str::<Json>(clean_text).ok());
        let (message, code) = clean.as_ref().map(read_envelope).unwrap_or_default();
        let kind = match status {
            200..400 => ApiErrorKind::NotTheApi,
            401 => ApiErrorKind::Unauthorised,
            403 => ApiErrorKind::Forbidden,
            404 if json.is_none() => ApiErrorKind::NotTheApi,
            404 => ApiErrorKind::NotFound,
            409 => ApiErrorKind::Conflict,
            429 => ApiErrorKind::RateLimited,
            400..500 => ApiErrorKind::Refused,
            _ => ApiErrorKind::Server,
        };
        let message = message.unwrap_or_else(|| excerpt(clean_text));
        Self {
            method: request.method,
            path: request.path.as_str().into(),
            base_url: base_url.into(),
            kind,
            status: Some(status),
            code: code.map(Into::into),
            message: message.into(),
            request_id: request_id.map(Into::into),
            retry_after,
        }
    }

    fn describe(&self) -> String {
        let mut text = match (self.kind, self.status) {
            (ApiErrorKind::Unreachable, _) => {
                format!("cannot reach {}: {}", self.base_url, self.message)
            }
            (ApiErrorKind::Lost, _) => format!("the connection was lost: {}", self.message),
            (ApiErrorKind::NotTheApi, Some(status)) => {
                format!(
                    "{status}, and the answer is not the API's JSON: {}",
                    self.message
                )
            }
            (_, Some(status)) => format!("{status}: {}", self.message),
            (_, None) => self.message.to_string(),
        };
        if let Some(code) = &self.code {
            text.push_str(" [");
            text.push_str(code);
            text.push(']');
        }
        if let Some(id) = &self.request_id {
            text.push_str(" (request ");
            text.push_str(id);
            text.push(')');
        }
        text
    }

    /// What the user can do about it.
    pub fn help(&self) -> Option<String> {
        Some(match self.kind {
            ApiErrorKind::Unreachable => {
                "check the base URL (`--base-url`, or `base_url` in gatewright.yaml) and the \
                 network; `--mock` runs against the embedded mock instead"
                    .to_owned()
            }
            ApiErrorKind::Unauthorised => {
                "the API key was not accepted: check `api_key` in gatewright.yaml and that the \
                 key belongs to this server"
                    .to_owned()
            }
            ApiErrorKind::Forbidden => {
                "the API key lacks the scope for this request (lists and reads are separate \
                 scopes), or the object belongs to another organisation"
                    .to_owned()
            }
            ApiErrorKind::NotTheApi => format!(
                "check that {} is the API's base URL; it usually ends in `/v1`",
                self.base_url
            ),
            _ => return None,
        })
    }

    /// Whether a write that ended like this may have taken effect.
    pub fn outcome_unknown(&self) -> bool {
        matches!(self.kind, ApiErrorKind::Lost | ApiErrorKind::Server)
            || (self.kind == ApiErrorKind::NotTheApi && self.status.is_some_and(|s| s < 300))
    }

    /// Whether the same request may be sent again.
    pub(super) fn may_retry(&self, method: &str) -> bool {
        match self.kind {
            ApiErrorKind::Unreachable | ApiErrorKind::RateLimited => true,
            ApiErrorKind::Lost => method != "POST",
            ApiErrorKind::Server => method != "POST" && self.status != Some(501),
            _ => false,
        }
    }
}

/// Reads the five error envelopes that the live API uses: `{success, data: {message, errorCode}}`,
/// `{error: {message, code, type}}`, `{status: "failure", message}`, `{success, data: {message}}`
/// and a bare `{message}`; and the flat `{errorCode, message}` that the Terraform provider's tests
/// show.
fn read_envelope(json: &Json) -> (Option<String>, Option<String>) {
    let text = |value: Option<&Json>| {
        value.and_then(|value| match value {
            Json::String(text) => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            _ => None,
        })
    };
    let inner = ["data", "error"]
        .iter()
        .find_map(|key| json.get(key).filter(|v| v.is_object()));
    let find = |names: &[&str]| {
        [inner, Some(json)]
            .into_iter()
            .flatten()
            .find_map(|object| names.iter().find_map(|name| text(object.get(name))))
    };
    (
        find(&["message"]).or_else(|| text(json.get("error"))),
        find(&["errorCode", "code"]),
    )
}

fn excerpt(text: &str) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.is_empty() {
        return "(empty answer)".to_owned();
    }
    match flat.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &flat[..end]),
        None => flat,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_live_envelope_is_read() {
        for (body, message, code) in [
            (
                json!({"success": false, "data": {"message": "m", "errorCode": "AB01"}}),
                "m",
                "AB01",
            ),
            (
                json!({"error": {"message": "m", "code": "x", "type": "t", "param": null}}),
                "m",
                "x",
            ),
            (json!({"status": "failure", "message": "m"}), "m", ""),
            (json!({"success": false, "data": {"message": "m"}}), "m", ""),
            (json!({"message": "m"}), "m", ""),
            (json!({"errorCode": "AB08", "message": "m"}), "m", "AB08"),
            (json!({"error": "m"}), "m", ""),
        ] {
            let (found, found_code) = read_envelope(&body);
            assert_eq!(found.as_deref(), Some(message), "{body}");
            assert_eq!(found_code.unwrap_or_default(), code, "{body}");
        }
    }

    #[test]
    fn only_harmless_posts_are_repeated() {
        let request = Request {
            method: "POST",
            ..Request::get("/x")
        };
        let answer =
            |status| ApiError::from_answer(&request, "http://h", status, None, "{}", None, None);
        assert!(answer(429).may_retry("POST"));
        assert!(!answer(503).may_retry("POST"));
        assert!(answer(503).outcome_unknown());
        assert!(answer(503).may_retry("PUT"));
        assert!(!answer(501).may_retry("PUT"));
        assert!(!answer(400).may_retry("GET"));
    }

    #[test]
    fn html_is_called_what_it_is() {
        let error = ApiError::from_answer(
            &Request::get("/integrations"),
            "http://h",
            200,
            None,
            "<html>\n  <body>Welcome</body></html>",
            None,
            None,
        );
        assert_eq!(
            error.to_string(),
            "GET /integrations: 200, and the answer is not the API's JSON: \
             <html> <body>Welcome</body></html>"
        );
    }
}
