//! The HTTP client: authentication, retries, and answers turned into values or [`ApiError`]s.

mod error;
mod page;
mod waits;

pub use error::{ApiError, ApiErrorKind, Server};
pub use waits::Waits;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Once, PoisonError, RwLock};
use std::time::Duration;

use backon::Retryable;
use reqwest::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT};
use serde_json::Value as Json;
use tokio::sync::Semaphore;

use crate::kind::System;
use crate::model::{Attribute, Ident, Secret, SecretSet};

/// How long one attempt may take. The official Terraform provider allows the same.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The longest wait that a server may ask for with `Retry-After`.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);
/// How many requests are under way at once unless the user says otherwise.
pub const DEFAULT_PARALLELISM: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// A request to the API.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: &'static str,
    /// The path after the base URL, escaped: see [`escape`].
    pub path: String,
    /// Query parameters, not escaped.
    pub query: Vec<(String, String)>,
    /// The JSON body.
    pub body: Option<Json>,
}

impl Request {
    /// A GET without parameters.
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: "GET",
            path: path.into(),
            query: Vec::new(),
            body: None,
        }
    }

    /// Adds a query parameter.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl ToString) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }
}

/// Where a system is and with what key, resolved from flags, project file and environment.
#[derive(Clone, Debug)]
pub struct Target {
    /// The system.
    pub system: &'static System,
    /// The base URL without a slash at its end.
    pub base_url: String,
    /// The API key.
    pub api_key: Secret,
}

/// A connection to one system. Clones share the connection pool and the counters.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    target: Target,
    secrets: SecretSet,
    slots: Arc<Semaphore>,
    sent: Arc<AtomicUsize>,
    waits: Waits,
    /// The latest `Date` of the server, in seconds since 1970; 0 before the first.
    clock: Arc<AtomicI64>,
    hooks: Arc<RwLock<Hooks>>,
}

/// Whether a write may be sent again.
pub type Fence = Arc<dyn Fn() -> bool + Send + Sync>;
/// What is told of the first repetition of a request: why, and after what wait.
pub type OnRetry = Arc<dyn Fn(&ApiError, Duration) + Send + Sync>;

/// What others have to do with repeated requests.
#[derive(Clone, Default)]
struct Hooks {
    fence: Option<Fence>,
    on_retry: Option<OnRetry>,
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hooks").finish_non_exhaustive()
    }
}

/// Makes the process-wide choice of cryptography that rustls needs before the first HTTP client.
pub(crate) fn choose_cryptography() {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // An error means that the embedding program has already chosen.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// A client that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The key has characters that no HTTP header may have.
    #[error("the API key has characters that cannot stand in an HTTP header")]
    KeyNotAHeader,
    /// The base URL is not one.
    #[error("`{0}` is not an http(s) URL without query and fragment")]
    BaseUrl(String),
    /// The base URL has a user name or password in it, which would show wherever the URL does.
    #[error("the base URL must not have a user name or password in it")]
    Credentials,
    /// The HTTP library refused its configuration.
    #[error("cannot set up HTTP: {0}")]
    Http(#[from] reqwest::Error),
}

impl Client {
    /// A client for `target`. Texts from the server are cleaned of `secrets` before they can
    /// reach a message.
    ///
    /// # Errors
    /// Where the key or the base URL cannot be used.
    pub fn new(
        target: Target,
        secrets: SecretSet,
        parallelism: usize,
    ) -> Result<Self, ClientError> {
        choose_cryptography();
        let url = reqwest::Url::parse(&target.base_url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .filter(|url| url.query().is_none() && url.fragment().is_none());
        match url {
            None => return Err(ClientError::BaseUrl(target.base_url)),
            Some(url) if !url.username().is_empty() || url.password().is_some() => {
                return Err(ClientError::Credentials);
            }
            Some(_) => {}
        }
        let mut headers = HeaderMap::new();
        let key = format!("{}{}", target.system.auth_prefix, target.api_key.reveal());
        let mut key = HeaderValue::from_str(&key).map_err(|_| ClientError::KeyNotAHeader)?;
        key.set_sensitive(true);
        headers.insert(target.system.auth_header, key);
        headers.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("gatewright/", env!("CARGO_PKG_VERSION"))),
        );
        secrets.insert(&target.api_key);
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self {
            http,
            target,
            secrets,
            slots: Arc::new(Semaphore::new(parallelism.max(1))),
            sent: Arc::default(),
            waits: Waits::default(),
            clock: Arc::default(),
            hooks: Arc::default(),
        })
    }

    /// The same with other waits between the attempts of a request.
    #[must_use]
    pub fn with_waits(self, waits: Waits) -> Self {
        Self { waits, ..self }
    }

    /// How long to wait before something is tried or looked for again.
    pub fn waits(&self) -> Waits {
        self.waits
    }

    /// Where this client talks to.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Every secret of the run, to be hidden from whatever is shown; what is added is hidden from
    /// then on.
    pub fn secrets(&self) -> &SecretSet {
        &self.secrets
    }

    /// From now on, writes are repeated only where `fence` lets them; none lifts it.
    pub fn set_fence(&self, fence: Option<Fence>) {
        let mut hooks = self.hooks.write().unwrap_or_else(PoisonError::into_inner);
        hooks.fence = fence;
    }

    /// From now on, tells of requests that are repeated, once each.
    pub fn set_on_retry(&self, on_retry: OnRetry) {
        let mut hooks = self.hooks.write().unwrap_or_else(PoisonError::into_inner);
        hooks.on_retry = Some(on_retry);
    }

    fn hooks(&self) -> Hooks {
        let hooks = self.hooks.read().unwrap_or_else(PoisonError::into_inner);
        hooks.clone()
    }

    /// How many requests were sent, retries included.
    pub fn requests_sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    /// The text without the secrets that this client knows of.
    pub fn redact(&self, text: &str) -> String {
        self.secrets.redact(text)
    }

    /// What time it was on the server when it last said so, in its `Date` header.
    pub fn server_time(&self) -> Option<jiff::Timestamp> {
        match self.clock.load(Ordering::Relaxed) {
            0 => None,
            seconds => jiff::Timestamp::from_second(seconds).ok(),
        }
    }

    /// Sends a request, repeating it where that is safe, and reads the JSON answer. An answer
    /// without a body reads as `null`.
    ///
    /// Reads, PUT, PATCH and DELETE are repeated after 429, 5xx (but 501) and lost connections: what
    /// a PATCH says is how things shall be, so saying it twice is saying it once. A POST
    /// is repeated only where the server cannot have acted on it: no connection was made, or the
    /// answer was 429. Everything else would risk a second object.
    ///
    /// # Errors
    /// Whatever the last attempt met.
    pub async fn send(&self, request: &Request) -> Result<Json, ApiError> {
        let hooks = self.hooks();
        let allowed = || request.method == "GET" || hooks.fence.as_ref().is_none_or(|may| may());
        let mut told = false;
        (|| self.attempt(request))
            .retry(self.waits.of_a_request())
            .when(|error| error.may_retry(request.method) && allowed())
            .notify(|error, wait| {
                if let (false, Some(tell)) = (told, &hooks.on_retry) {
                    tell(error, wait);
                }
                told = true;
            })
            .adjust(|error, wait| {
                // `None` ends the retries, so it must stay `None`.
                wait.map(|wait| {
                    error
                        .retry_after
                        .map_or(wait, |asked| asked.min(LONGEST_RETRY_AFTER).max(wait))
                })
            })
            .await
    }

    async fn attempt(&self, request: &Request) -> Result<Json, ApiError> {
        // The semaphore is never closed, so this cannot fail; without a slot we would only be
        // less polite.
        let _slot = self.slots.acquire().await.ok();
        self.sent.fetch_add(1, Ordering::Relaxed);
        let url = format!("{}{}", self.target.base_url, request.path);
        let method = match request.method {
            "POST" => reqwest::Method::POST,
            "PUT" => reqwest::Method::PUT,
            "PATCH" => reqwest::Method::PATCH,
            "DELETE" => reqwest::Method::DELETE,
            _ => reqwest::Method::GET,
        };
        let mut builder = self.http.request(method, url).query(&request.query);
        if let Some(body) = &request.body {
            builder = builder.json(body);
        }
        let response = builder
            .send()
            .await
            .map_err(|error| self.lost(request, &error))?;
        let status = response.status().as_u16();
        let header = |name: &str| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let names = self.target.system.errors.request_id_headers;
        let request_id = names.iter().find_map(|name| header(name));
        let request_id = request_id.map(|id| self.secrets.redact(&id));
        let retry_after = header(RETRY_AFTER.as_str()).and_then(|text| wait_until(&text));
        if let Some(date) = header(DATE.as_str()).and_then(|text| http_date(&text)) {
            self.clock.fetch_max(date.as_second(), Ordering::Relaxed);
        }
        let text = response
            .text()
            .await
            .map_err(|error| self.lost(request, &error))?;
        let json = if text.trim().is_empty() {
            Ok(Json::Null)
        } else {
            serde_json::from_str(&text)
        };
        match json {
            Ok(json) if (200..300).contains(&status) => Ok(json),
            parsed => Err(ApiError::from_answer(
                request,
                &self.target,
                status,
                parsed.ok().as_ref(),
                &self.secrets.redact(&text),
                request_id,
                retry_after,
            )),
        }
    }

    fn lost(&self, request: &Request, error: &reqwest::Error) -> ApiError {
        ApiError::from_transport(request, &self.target, error)
    }
}

/// Reads `Retry-After`: seconds, or a date.
fn wait_until(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = http_date(text)?;
    Duration::try_from(date.duration_since(jiff::Timestamp::now())).ok()
}

/// Reads the date of a header.
fn http_date(text: &str) -> Option<jiff::Timestamp> {
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    parser.parse_timestamp(text.trim()).ok()
}

/// Escapes a text for use as one segment of a path.
pub fn escape(segment: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'~');
    utf8_percent_encode(segment, KEPT).to_string()
}

/// Fills `{id}` and `{slug}` of a path with what the server calls the object; `None` where it is
/// not called anything yet.
pub fn item_path(path: &str, ident: &Ident) -> Option<String> {
    let mut filled = path.to_owned();
    for (place, attribute) in [("{id}", Attribute::Id), ("{slug}", Attribute::Slug)] {
        if filled.contains(place) {
            filled = filled.replace(place, &escape(ident.get(attribute)?));
        }
    }
    Some(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(wait_until(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(wait_until("Wed, 21 Oct 2015 07:28:00 GMT"), None);
        let later = wait_until("Wed, 21 Oct 2099 07:28:00 GMT");
        assert!(
            later.is_some_and(|wait| wait > Duration::from_secs(3600)),
            "{later:?}"
        );
        assert_eq!(wait_until("soon"), None);
    }

    #[tokio::test]
    async fn a_write_is_repeated_only_where_the_fence_lets_it() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 4096]).await;
                let busy = "HTTP/1.1 503 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                let _ = stream.write_all(busy.as_bytes()).await;
            }
        });
        let target = Target {
            system: crate::systems::SYSTEMS[0],
            base_url,
            api_key: Secret::declared("k", Vec::new()),
        };
        let client = Client::new(target, SecretSet::default(), 1).unwrap();
        let client = client.with_waits(Waits::beginning_with(Duration::from_millis(1)));
        let left = Arc::new(AtomicUsize::new(1));
        let shared = Arc::clone(&left);
        let lets = move || shared.swap(0, Ordering::SeqCst) > 0;
        client.set_fence(Some(Arc::new(lets)));
        let told = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&told);
        client.set_on_retry(Arc::new(move |_, _| {
            count.fetch_add(1, Ordering::SeqCst);
        }));
        let put = Request {
            method: "PUT",
            ..Request::get("/x")
        };
        assert_eq!(client.send(&put).await.unwrap_err().status, Some(503));
        assert_eq!(client.requests_sent(), 2);
        assert_eq!(client.send(&put).await.unwrap_err().status, Some(503));
        assert_eq!(client.requests_sent(), 3);
        assert_eq!(told.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn segments_cannot_leave_their_place_in_a_path() {
        assert_eq!(escape("a-b_c.d"), "a-b_c.d");
        assert_eq!(escape("a/../b?c#d e%"), "a%2F..%2Fb%3Fc%23d%20e%25");
    }
}
