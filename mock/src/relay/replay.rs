//! Answering from recordings.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::http::Head;
use axum::body::Bytes;
use serde_json::{Value, json};

use super::Relayed;
use super::exchange::{Asked, Exchange};
use super::redact::Redactor;

/// How many recordings a miss names.
const NAMED: usize = 3;

/// Recordings, ready to answer from.
#[derive(Debug)]
pub(crate) struct Player {
    exchanges: Vec<(String, Exchange)>,
    /// How often each request was answered, by the first recording of it.
    played: Mutex<HashMap<usize, usize>>,
}

/// The recordings of a folder, in their order.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let told = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(told)? {
        let path = entry.map_err(told)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}

impl Player {
    /// Reads the recordings of a folder.
    pub(crate) fn new(folder: &Path) -> Result<Player, String> {
        let mut exchanges = Vec::new();
        for file in files(folder)? {
            let told = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
            let text = std::fs::read(&file).map_err(|error| told(&error))?;
            let exchange = serde_json::from_slice(&text).map_err(|error| told(&error))?;
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            exchanges.push((name.into_owned(), exchange));
        }
        if exchanges.is_empty() {
            return Err(format!(
                "{}: there are no recordings here",
                folder.display()
            ));
        }
        Ok(Player {
            exchanges,
            played: Mutex::default(),
        })
    }

    /// Answers a request with its recording: the first time with the first, and so on; the last one stays.
    pub(crate) fn answer(&self, head: &Head<'_>, body: &[u8]) -> Relayed {
        let mut redactor = Redactor::default();
        let query = head.query;
        let asked = Asked::new(
            &mut redactor,
            head.method.as_str(),
            head.path,
            query,
            head.headers,
            body,
        );
        let alike: Vec<usize> = (0..self.exchanges.len())
            .filter(|index| self.exchanges[*index].1.request == asked)
            .collect();
        let Some(first) = alike.first() else {
            return self.miss(&asked);
        };
        let mut played = self.played.lock().unwrap_or_else(PoisonError::into_inner);
        let times = played.entry(*first).or_default();
        let index = alike[(*times).min(alike.len() - 1)];
        *times += 1;
        let response = &self.exchanges[index].1.response;
        let headers = response.headers.iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        Relayed {
            status: response.status,
            headers: headers.collect(),
            body: Bytes::from(response.bytes()),
        }
    }

    /// Says that there is no recording, and which come nearest.
    fn miss(&self, asked: &Asked) -> Relayed {
        let mut near: Vec<(usize, &str, Vec<String>)> = self
            .exchanges
            .iter()
            .map(|(name, exchange)| {
                let found = asked.differences(&exchange.request);
                // Another path is further away than any other body.
                let route = found
                    .iter()
                    .filter(|one| *one == "path" || *one == "method");
                (found.len() + 100 * route.count(), name.as_str(), found)
            })
            .collect();
        near.sort_unstable();
        let near: Vec<Value> = near
            .into_iter()
            .take(NAMED)
            .map(|(_, file, differs)| json!({ "file": file, "differs_in": differs }))
            .collect();
        let message = format!("no recording answers {} {}", asked.method, asked.path);
        Relayed::own(
            404,
            &json!({ "message": message, "ok": false, "nearest": near }),
        )
    }
}
