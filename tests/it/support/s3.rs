//! An imitation of S3: one bucket, conditional writes, and a look at every request.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};

use super::RUNTIME;
use super::run::Cli;

/// What signs in.
pub(crate) const ACCESS_KEY: &str = "AKIAGATEWRIGHTTEST";
pub(crate) const SECRET_KEY: &str = "s3-secret/9Qz+w==";

/// A request that came: method, key in the bucket, and the answer's status.
pub(crate) type Asked = (String, String, u16);

#[derive(Default)]
struct Bucket {
    objects: BTreeMap<String, (String, u64)>,
    writes: u64,
    asked: Vec<Asked>,
    /// Whether every write is refused as a full or read-only bucket would.
    refuses: bool,
}

/// A running imitation.
pub(crate) struct S3 {
    endpoint: String,
    bucket: Arc<Mutex<Bucket>>,
    task: tokio::task::JoinHandle<()>,
}

impl S3 {
    pub(crate) fn start() -> Self {
        let bucket = Arc::new(Mutex::new(Bucket::default()));
        let listener = RUNTIME
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&bucket));
        let task = RUNTIME.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            endpoint,
            bucket,
            task,
        }
    }

    /// A run with the usual variables of a bucket.
    pub(crate) fn variables(&self, cli: Cli) -> Cli {
        cli.env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    }

    /// The keys and texts of the objects whose keys have this in them.
    pub(crate) fn objects(&self, part: &str) -> Vec<(String, String)> {
        let bucket = self.bucket.lock().unwrap();
        let objects = bucket.objects.iter().filter(|(key, _)| key.contains(part));
        objects
            .map(|(key, (text, _))| (key.clone(), text.clone()))
            .collect()
    }

    /// Writes an object from outside.
    pub(crate) fn put(&self, key: &str, text: &str) {
        let mut bucket = self.bucket.lock().unwrap();
        bucket.writes += 1;
        let version = bucket.writes;
        bucket
            .objects
            .insert(key.to_owned(), (text.to_owned(), version));
    }

    /// Refuses every write from now on.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.bucket.lock().unwrap().refuses = refuses;
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.bucket.lock().unwrap().asked.clone()
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    State(bucket): State<Arc<Mutex<Bucket>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let key = uri
        .path()
        .trim_start_matches("/bucket")
        .trim_start_matches('/');
    let key = percent_encoding::percent_decode_str(key)
        .decode_utf8_lossy()
        .into_owned();
    let mut bucket = bucket.lock().unwrap();
    let header = |name: header::HeaderName| {
        let value = headers.get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    let signed = header(header::AUTHORIZATION).unwrap_or_default();
    let response = if !signed.contains(&format!("AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/")) {
        StatusCode::FORBIDDEN.into_response()
    } else if method == Method::GET && key.is_empty() {
        listed(&bucket, uri.query().unwrap_or_default()).into_response()
    } else if method == Method::GET {
        match bucket.objects.get(&key) {
            Some((text, version)) => {
                let stamp = "Fri, 01 Jan 2027 00:00:00 GMT".to_owned();
                let headers = [
                    (header::ETAG, format!("\"{version}\"")),
                    (header::LAST_MODIFIED, stamp),
                ];
                (headers, text.clone()).into_response()
            }
            None => StatusCode::NOT_FOUND.into_response(),
        }
    } else if bucket.refuses {
        StatusCode::FORBIDDEN.into_response()
    } else if method == Method::PUT {
        let there = bucket
            .objects
            .get(&key)
            .map(|(_, version)| format!("\"{version}\""));
        let create = header(header::IF_NONE_MATCH).is_some();
        let wanted = header(header::IF_MATCH);
        if create && there.is_some() || wanted.is_some() && wanted != there {
            StatusCode::PRECONDITION_FAILED.into_response()
        } else {
            bucket.writes += 1;
            let version = bucket.writes;
            let text = String::from_utf8(body.to_vec()).unwrap();
            bucket.objects.insert(key.clone(), (text, version));
            [(header::ETAG, format!("\"{version}\""))].into_response()
        }
    } else {
        // Several are deleted by one POST that names them.
        let text = String::from_utf8_lossy(&body).into_owned();
        for named in text.split("<Key>").skip(1) {
            bucket.objects.remove(named.split("</Key>").next().unwrap());
        }
        "<DeleteResult></DeleteResult>".into_response()
    };
    let status = response.status().as_u16();
    bucket.asked.push((method.to_string(), key, status));
    response
}

fn listed(bucket: &Bucket, query: &str) -> String {
    let prefix = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("prefix="));
    let prefix = percent_encoding::percent_decode_str(prefix.unwrap_or_default());
    let prefix = prefix.decode_utf8_lossy().into_owned();
    let mut xml = "<ListBucketResult><IsTruncated>false</IsTruncated>".to_owned();
    for (key, (text, version)) in bucket.objects.range(prefix.clone()..) {
        if !key.starts_with(&prefix) {
            break;
        }
        let size = text.len();
        let _ = write!(
            xml,
            "<Contents><Key>{key}</Key><LastModified>2027-01-01T00:00:00.000Z</LastModified>\
             <ETag>\"{version}\"</ETag><Size>{size}</Size></Contents>"
        );
    }
    xml + "</ListBucketResult>"
}
