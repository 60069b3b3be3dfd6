//! Imitations of S3, Google Cloud Storage and Azure Blob Storage: one bucket with conditional
//! writes, spoken to as each of them is, and a look at every request.
//!
//! Sources: the stores' public documentation. S3 and Azure compare ETags (`If-Match`, and
//! `If-None-Match: *` for what must not be there, which Azure answers with 409), Google compares
//! generations (`x-goog-if-generation-match`, 0 for what must not be there).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::percent_decode_str;

use super::RUNTIME;
use super::run::Cli;

/// Who signs in.
const ACCESS_KEY: &str = "AKIAGATEWRIGHTTEST";
/// What signs in: the key of S3, the token of Google, and in base64 the key of Azure.
pub(crate) const STORE_SECRET: &str = "c3RvcmUtc2VjcmV0LzlRei93PT0=";

/// When everything was written.
const WRITTEN: &str = "Fri, 01 Jan 2027 00:00:00 GMT";

/// Whose store is imitated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cloud {
    S3,
    Google,
    Azure,
}

/// All of them.
pub(crate) const CLOUDS: [Cloud; 3] = [Cloud::S3, Cloud::Google, Cloud::Azure];

/// A request that came: method, key in the bucket, and the answer's status.
pub(crate) type Asked = (String, String, u16);

struct Objects {
    cloud: Cloud,
    objects: BTreeMap<String, (String, u64)>,
    writes: u64,
    asked: Vec<Asked>,
    /// Whether every write is refused as a full or read-only bucket would.
    refuses: bool,
}

/// A running imitation.
pub(crate) struct Bucket {
    cloud: Cloud,
    address: String,
    objects: Arc<Mutex<Objects>>,
    task: tokio::task::JoinHandle<()>,
}

impl Bucket {
    pub(crate) fn start(cloud: Cloud) -> Self {
        let objects = Arc::new(Mutex::new(Objects {
            cloud,
            objects: BTreeMap::new(),
            writes: 0,
            asked: Vec::new(),
            refuses: false,
        }));
        let listener = RUNTIME
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let app = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&objects));
        let task = RUNTIME.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            cloud,
            address,
            objects,
            task,
        }
    }

    /// What a project file calls a folder of it.
    pub(crate) fn place(&self, folder: &str) -> String {
        let scheme = match self.cloud {
            Cloud::S3 => "s3",
            Cloud::Google => "gs",
            Cloud::Azure => "az",
        };
        format!("{scheme}://bucket{folder}")
    }

    /// A run with the usual variables of a bucket.
    pub(crate) fn variables(&self, cli: Cli) -> Cli {
        let endpoint = format!("http://{}", self.address);
        match self.cloud {
            Cloud::S3 => cli
                .env("AWS_ENDPOINT_URL", &endpoint)
                .env("AWS_REGION", "eu-west-1")
                .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
                .env("AWS_SECRET_ACCESS_KEY", STORE_SECRET),
            // As a machine of Google's, which asks the machine beside it who it is.
            Cloud::Google => cli
                .env("GOOGLE_BASE_URL", &endpoint)
                .env("GCE_METADATA_HOST", &self.address)
                .env("GCE_METADATA_IP", &self.address),
            Cloud::Azure => cli
                .env("AZURE_STORAGE_ENDPOINT", &endpoint)
                .env("AZURE_STORAGE_ACCOUNT_NAME", ACCESS_KEY)
                .env("AZURE_STORAGE_ACCOUNT_KEY", STORE_SECRET),
        }
    }

    /// The same as somebody whom the store does not know.
    pub(crate) fn variables_of_a_stranger(&self, cli: Cli) -> Cli {
        let cli = self.variables(cli);
        match self.cloud {
            Cloud::S3 => cli.env("AWS_ACCESS_KEY_ID", "x"),
            Cloud::Google => cli.env("GOOGLE_SKIP_SIGNATURE", "true"),
            Cloud::Azure => cli.env("AZURE_STORAGE_ACCOUNT_NAME", "x"),
        }
    }

    /// The keys and texts of the objects whose keys have this in them.
    pub(crate) fn objects(&self, part: &str) -> Vec<(String, String)> {
        let bucket = self.objects.lock().unwrap();
        let objects = bucket.objects.iter().filter(|(key, _)| key.contains(part));
        objects
            .map(|(key, (text, _))| (key.clone(), text.clone()))
            .collect()
    }

    /// Writes an object from outside.
    pub(crate) fn put(&self, key: &str, text: &str) {
        self.objects.lock().unwrap().write(key, text.to_owned());
    }

    /// Refuses every write from now on.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.objects.lock().unwrap().refuses = refuses;
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.objects.lock().unwrap().asked.clone()
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// On what condition an object is written.
enum Condition {
    Always,
    Absent,
    Is(String),
}

async fn answer(
    State(objects): State<Arc<Mutex<Objects>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut bucket = objects.lock().unwrap();
    let path = percent_decode_str(uri.path()).decode_utf8_lossy();
    if bucket.cloud == Cloud::Google && path.starts_with("/computeMetadata/") {
        let token = serde_json::json!({ "access_token": STORE_SECRET, "expires_in": 3600 });
        return token.to_string().into_response();
    }
    let key = path
        .trim_start_matches("/bucket")
        .trim_start_matches('/')
        .to_owned();
    let response = bucket.answer(&method, &key, &uri, &headers, &body);
    let status = response.status().as_u16();
    bucket.asked.push((method.to_string(), key, status));
    response
}

impl Objects {
    fn answer(
        &mut self,
        method: &Method,
        key: &str,
        uri: &Uri,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Response {
        if !self.is_signed(headers) {
            return StatusCode::FORBIDDEN.into_response();
        }
        if *method == Method::GET && key.is_empty() {
            return self.listed(uri.query().unwrap_or_default()).into_response();
        }
        if *method == Method::GET {
            return match self.objects.get(key) {
                Some((text, version)) => (self.stamps(*version), text.clone()).into_response(),
                None => StatusCode::NOT_FOUND.into_response(),
            };
        }
        if self.refuses {
            return StatusCode::FORBIDDEN.into_response();
        }
        if *method == Method::PUT {
            let there = self.objects.get(key).map(|(_, version)| *version);
            return match (self.condition(headers), there) {
                (Condition::Absent, Some(_)) if self.cloud == Cloud::Azure => {
                    StatusCode::CONFLICT.into_response()
                }
                (Condition::Absent, Some(_)) => StatusCode::PRECONDITION_FAILED.into_response(),
                (Condition::Is(wanted), there)
                    if there.is_none_or(|version| wanted != self.spelled(version)) =>
                {
                    StatusCode::PRECONDITION_FAILED.into_response()
                }
                _ => {
                    let text = String::from_utf8(body.to_vec()).unwrap();
                    let version = self.write(key, text);
                    self.stamps(version).into_response()
                }
            };
        }
        if *method == Method::DELETE {
            let gone = self.objects.remove(key).is_some();
            let status = if gone {
                StatusCode::NO_CONTENT
            } else {
                StatusCode::NOT_FOUND
            };
            return status.into_response();
        }
        self.delete_several(&String::from_utf8_lossy(body))
    }

    fn write(&mut self, key: &str, text: String) -> u64 {
        self.writes += 1;
        self.objects.insert(key.to_owned(), (text, self.writes));
        self.writes
    }

    fn is_signed(&self, headers: &HeaderMap) -> bool {
        let signed = text(headers, "authorization").unwrap_or_default();
        let begins = match self.cloud {
            Cloud::S3 => format!("AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/"),
            Cloud::Google => format!("Bearer {STORE_SECRET}"),
            Cloud::Azure => format!("SharedKey {ACCESS_KEY}:"),
        };
        signed.starts_with(&begins)
    }

    fn condition(&self, headers: &HeaderMap) -> Condition {
        let (absent, is) = match self.cloud {
            Cloud::Google => {
                let generation = text(headers, "x-goog-if-generation-match");
                let absent = generation.as_deref() == Some("0");
                (absent, generation.filter(|_| !absent))
            }
            Cloud::S3 | Cloud::Azure => (
                text(headers, "if-none-match").is_some(),
                text(headers, "if-match"),
            ),
        };
        match (absent, is) {
            (true, _) => Condition::Absent,
            (false, Some(version)) => Condition::Is(version),
            (false, None) => Condition::Always,
        }
    }

    /// A version as conditions name it.
    fn spelled(&self, version: u64) -> String {
        match self.cloud {
            Cloud::Google => version.to_string(),
            Cloud::S3 | Cloud::Azure => format!("\"{version}\""),
        }
    }

    /// What headers say of an object. Of Google's, the ETag is none that could be compared.
    fn stamps(&self, version: u64) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut say = |name: &'static str, text: &str| headers.insert(name, text.parse().unwrap());
        say("last-modified", WRITTEN);
        match self.cloud {
            Cloud::Google => {
                say("etag", "\"same-for-all\"");
                say("x-goog-generation", &version.to_string());
            }
            Cloud::S3 | Cloud::Azure => drop(say("etag", &format!("\"{version}\""))),
        }
        headers
    }

    fn listed(&self, query: &str) -> String {
        let mut pairs = query.split('&');
        let prefix = pairs.find_map(|pair| pair.strip_prefix("prefix="));
        let prefix = percent_decode_str(prefix.unwrap_or_default()).decode_utf8_lossy();
        let found = self.objects.range(prefix.to_string()..);
        let found = found.take_while(|(key, _)| key.starts_with(&*prefix));
        let mut xml = String::new();
        for (key, (text, version)) in found {
            let size = text.len();
            let _ = match self.cloud {
                Cloud::S3 | Cloud::Google => write!(
                    xml,
                    "<Contents><Key>{key}</Key><LastModified>2027-01-01T00:00:00.000Z</LastModified>\
                     <ETag>\"{version}\"</ETag><Size>{size}</Size></Contents>"
                ),
                Cloud::Azure => write!(
                    xml,
                    "<Blob><Name>{key}</Name><Properties><Last-Modified>{WRITTEN}</Last-Modified>\
                     <Etag>{version}</Etag><Content-Length>{size}</Content-Length>\
                     <Content-Type>text/plain</Content-Type></Properties></Blob>"
                ),
            };
        }
        match self.cloud {
            Cloud::S3 | Cloud::Google => format!(
                "<ListBucketResult><IsTruncated>false</IsTruncated>{xml}</ListBucketResult>"
            ),
            Cloud::Azure => format!(
                "<EnumerationResults><Blobs>{xml}</Blobs><NextMarker/></EnumerationResults>"
            ),
        }
    }

    /// Several objects are deleted by one POST: S3's names them, Azure's has a request for each.
    fn delete_several(&mut self, body: &str) -> Response {
        if self.cloud == Cloud::S3 {
            for named in body.split("<Key>").skip(1) {
                self.objects.remove(named.split("</Key>").next().unwrap());
            }
            return "<DeleteResult></DeleteResult>".into_response();
        }
        let mut parts = String::new();
        for (at, part) in body.split("DELETE ").skip(1).enumerate() {
            let path = part.split(" HTTP/").next().unwrap();
            let path = percent_decode_str(path.trim_start_matches('/')).decode_utf8_lossy();
            let gone = self.objects.remove(path.trim_start_matches("bucket/"));
            let status = if gone.is_some() {
                "202 Accepted"
            } else {
                "404 Not Found"
            };
            let _ = write!(
                parts,
                "--part\r\nContent-Type: application/http\r\nContent-ID: {at}\r\n\r\n\
                 HTTP/1.1 {status}\r\nx-ms-version: 2023-11-03\r\n\r\n\r\n"
            );
        }
        let body = format!("{parts}--part--\r\n");
        ([("content-type", "multipart/mixed; boundary=part")], body).into_response()
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}
