//! Passing requests on to another server and writing down what it answers.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::http::Head;
use axum::body::Bytes;
use reqwest::Url;
use reqwest::redirect::Policy;
use serde_json::json;

use super::Relayed;
use super::exchange::{Answered, Asked, Exchange};
use super::redact::Redactor;

/// Headers that belong to one connection and not to the message
/// (<https://www.rfc-editor.org/rfc/rfc9110#name-connection>), and those that the client writes itself.
const OWN: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "host",
    "content-length",
];

/// The most characters of a path in the name of a file.
const NAMED: usize = 60;

/// Passes requests on and writes exchanges down.
#[derive(Debug)]
pub(crate) struct Recorder {
    client: reqwest::Client,
    upstream: Url,
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    redactor: Redactor,
    /// The number of the next exchange.
    next: usize,
}

impl Recorder {
    /// Prepares the folder; recordings that are there stay, and new ones come after them.
    pub(crate) fn new(upstream: &str, folder: &Path) -> Result<Recorder, String> {
        let upstream = Url::parse(upstream).map_err(|error| format!("{upstream}: {error}"))?;
        if !matches!(upstream.scheme(), "http" | "https") || upstream.host().is_none() {
            return Err(format!("{upstream} is no URL of a server"));
        }
        // reqwest has no cryptography of its own here; another part of the process may have chosen one before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .build()
            .map_err(|error| error.to_string())?;
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        let numbers = super::replay::files(folder)?;
        let last = numbers.last().and_then(|file| {
            let name = file.file_name()?.to_str()?;
            name.split('-').next()?.parse::<usize>().ok()
        });
        Ok(Recorder {
            client,
            upstream,
            folder: folder.to_owned(),
            state: Mutex::new(State {
                redactor: Redactor::default(),
                next: last.unwrap_or(0) + 1,
            }),
        })
    }

    /// Passes a request on, writes the exchange down and hands the answer back.
    pub(crate) async fn answer(&self, head: &Head<'_>, body: Bytes) -> Relayed {
        let relayed = match self.forward(head, body.clone()).await {
            Ok(relayed) => relayed,
            Err(error) => {
                let message = format!("no answer from {}: {error}", self.upstream);
                return Relayed::own(502, &json!({ "message": message }));
            }
        };
        match self.write(head, &body, &relayed) {
            Ok(()) => relayed,
            Err(error) => {
                let message = format!("the request was answered, but not recorded: {error}");
                Relayed::own(502, &json!({ "message": message }))
            }
        }
    }

    async fn forward(&self, head: &Head<'_>, body: Bytes) -> Result<Relayed, String> {
        let path = head.path;
        let base = self.upstream.path().trim_end_matches('/');
        // A base URL ends in the version that every path begins with.
        let path = match base.ends_with("/v1") {
            true => path.strip_prefix("/v1").unwrap_or(path),
            false => path,
        };
        let mut url = self.upstream.clone();
        url.set_path(&format!("{base}{path}"));
        url.set_query((!head.query.is_empty()).then_some(head.query));
        let mut headers = head.headers.clone();
        for name in OWN {
            headers.remove(name);
        }
        // What is written down has to be readable.
        headers.remove("accept-encoding");
        let request = self.client.request(head.method.clone(), url);
        let response = request.headers(headers).body(body).send().await;
        // The error's text would repeat the URL, which may hold a secret.
        let response = response.map_err(|error| told(&error))?;
        let status = response.status().as_u16();
        let headers = response.headers().iter().filter_map(|(name, value)| {
            let name = name.as_str();
            let value = value.to_str().ok()?;
            (!OWN.contains(&name)).then(|| (name.to_owned(), value.to_owned()))
        });
        let headers = headers.collect();
        let body = response.bytes().await.map_err(|error| told(&error))?;
        Ok(Relayed {
            status,
            headers,
            body,
        })
    }

    fn write(&self, head: &Head<'_>, body: &[u8], relayed: &Relayed) -> Result<(), String> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let query = head.query;
        let method = head.method.as_str();
        let path = head.path;
        let redactor = &mut state.redactor;
        // The answer may say what is secret about the request, so it is read first.
        redactor.learn_headers(head.headers);
        let response = Answered::new(redactor, relayed.status, &relayed.headers, &relayed.body);
        let request = Asked::new(redactor, method, path, query, head.headers, body);
        let name = name(state.next, &request);
        let exchange = Exchange { request, response };
        let mut text =
            serde_json::to_string_pretty(&exchange).map_err(|error| error.to_string())?;
        text.push('\n');
        let file = self.folder.join(name);
        std::fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
        state.next += 1;
        Ok(())
    }
}

/// What went wrong, without the URL.
fn told(error: &reqwest::Error) -> String {
    let mut source: &dyn std::error::Error = error;
    while let Some(deeper) = source.source() {
        source = deeper;
    }
    match std::ptr::eq(source, std::ptr::from_ref(error)) {
        true => "the request failed".to_owned(),
        false => source.to_string(),
    }
}

/// The name of an exchange's file.
fn name(number: usize, request: &Asked) -> String {
    let path = request.path.strip_prefix("/v1").unwrap_or(&request.path);
    let mut readable = String::new();
    for character in path.chars().take(NAMED) {
        match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' => readable.push(character),
            _ if readable.is_empty() || readable.ends_with('-') => {}
            _ => readable.push('-'),
        }
    }
    let readable = readable.trim_end_matches('-');
    format!(
        "{number:05}-{}-{readable}.json",
        request.method.to_lowercase()
    )
}
