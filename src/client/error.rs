//! What can go wrong between the client and an API, in words that help.

use std::time::Duration;

use serde_json::Value as Json;

use super::{Request, Target};
use crate::kind::Errors;

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
    /// Where it went.
    pub server: Box<Server>,
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

/// Where a request went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The base URL.
    pub base_url: String,
    /// The base URL of the public service, which shows what one looks like.
    pub public_url: &'static str,
}

impl From<&Target> for Box<Server> {
    fn from(target: &Target) -> Self {
        Self::new(Server {
            base_url: target.base_url.clone(),
            public_url: target.system.default_base_url,
        })
    }
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
    /// Whether the server knows who asks, and does not answer this.
    pub fn is_refusal(&self) -> bool {
        matches!(self.status, Some(400..=499)) && self.kind != ApiErrorKind::Unauthorised
    }

    pub(super) fn from_transport(
        request: &Request,
        target: &Target,
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
        } else if is_not_tls(error) {
            "what answers there does not speak TLS; if that is meant, write http:// and not https://"
                .to_owned()
        } else {
            reason.to_string()
        };
        Self {
            method: request.method,
            path: request.path.as_str().into(),
            server: target.into(),
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
        target: &Target,
        status: u16,
        json: Option<&Json>,
        clean_text: &str,
        request_id: Option<String>,
        retry_after: Option<Duration>,
    ) -> Self {
        // Reading the message from the cleaned text keeps secrets out of it.
        let clean = json.and_then(|_| serde_json::from_str::<Json>(clean_text).ok());
        let said = clean
            .as_ref()
            .map(|json| Said::read(&target.system.errors, json));
        let said = said.unwrap_or_default();
        let request_id = request_id.or(said.request_id);
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
        let message = said
            .message
            .unwrap_or_else(|| match (request.method, status) {
                // What cannot be read may be the answer to a creation, and hold a secret.
                ("POST", 200..300) => "(not shown: it may hold a secret)".to_owned(),
                _ => excerpt(clean_text),
            });
        Self {
            method: request.method,
            path: request.path.as_str().into(),
            server: target.into(),
            kind,
            status: Some(status),
            code: said.code.map(Into::into),
            message: message.into(),
            request_id: request_id.map(Into::into),
            retry_after,
        }
    }

    fn describe(&self) -> String {
        let mut text = match (self.kind, self.status) {
            (ApiErrorKind::Unreachable, _) => {
                format!("cannot reach {}: {}", self.server.base_url, self.message)
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
            ApiErrorKind::NotTheApi => self.check_base_url(),
            _ => return None,
        })
    }

    /// What to do where what has to be there is not: a list, or the API.
    pub fn check_base_url(&self) -> String {
        format!(
            "check that {} is the API's base URL; that of the public service is {}",
            self.server.base_url, self.server.public_url
        )
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

/// What an answer says of an error, by the system's own conventions.
#[derive(Debug, Default)]
struct Said {
    message: Option<String>,
    code: Option<String>,
    request_id: Option<String>,
}

impl Said {
    fn read(errors: &Errors, json: &Json) -> Self {
        let text = |place: &&str| match json.pointer(place)? {
            Json::String(text) => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let first = |places: &[&str]| places.iter().find_map(text);
        let details: Vec<String> = errors
            .details
            .iter()
            .filter_map(|place| {
                let name = place.rsplit('/').next().unwrap_or_default();
                Some(format!("{name} {}", text(place)?))
            })
            .collect();
        let message = first(errors.message).map(|message| match details.as_slice() {
            [] => message,
            details => format!("{message} ({})", details.join(", ")),
        });
        // Of a code that is a URI, the fragment says which it is.
        let code = first(errors.code).map(|code| match code.rsplit_once('#') {
            Some((_, fragment)) => fragment.to_owned(),
            None => code,
        });
        Self {
            message,
            code,
            request_id: first(errors.request_id),
        }
    }
}

/// Whether a connection failed because what was answered to its first words is not TLS.
fn is_not_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let inner = error.downcast_ref::<std::io::Error>();
    let inner = inner.and_then(std::io::Error::get_ref);
    matches!(error.downcast_ref(), Some(rustls::Error::InvalidMessage(_)))
        || inner.is_some_and(|inner| is_not_tls(inner))
        || error.source().is_some_and(is_not_tls)
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
    use crate::model::Secret;
    use crate::systems::SYSTEMS;
    use serde_json::json;

    fn target() -> Target {
        Target {
            system: SYSTEMS[0],
            base_url: "http://h".to_owned(),
            api_key: Secret::declared("k", Vec::new()),
        }
    }

    #[test]
    fn problem_documents_are_read() {
        static ERRORS: Errors = Errors {
            message: &["/detail", "/title"],
            code: &["/error_code", "/type"],
            details: &["/limit", "/required_plan"],
            request_id: &["/request_id"],
            request_id_headers: &[],
        };
        let said = Said::read(
            &ERRORS,
            &json!({ "status": 403, "title": "Forbidden", "detail": "no more of these",
                     "type": "https://h/errors#access-forbidden", "request_id": "req_1",
                     "limit": 5, "required_plan": "PRO" }),
        );
        assert_eq!(
            said.message.as_deref(),
            Some("no more of these (limit 5, required_plan PRO)")
        );
        assert_eq!(said.code.as_deref(), Some("access-forbidden"));
        assert_eq!(said.request_id.as_deref(), Some("req_1"));
        let bare = Said::read(&ERRORS, &json!({ "status": 500, "title": "Broken" }));
        assert_eq!(bare.message.as_deref(), Some("Broken"));
    }

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
            let said = Said::read(&SYSTEMS[0].errors, &body);
            assert_eq!(said.message.as_deref(), Some(message), "{body}");
            assert_eq!(said.code.unwrap_or_default(), code, "{body}");
        }
    }

    #[test]
    fn only_harmless_posts_are_repeated() {
        let request = Request {
            method: "POST",
            ..Request::get("/x")
        };
        let answer =
            |status| ApiError::from_answer(&request, &target(), status, None, "{}", None, None);
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
            &target(),
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
