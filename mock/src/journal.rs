//! What the mock was asked: a bounded record of the last requests.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// How many requests are remembered. A journal without a bound is how mock servers run out of
/// memory under load.
const CAPACITY: usize = 10_000;

/// How much of a path and of a query is remembered, in bytes.
const LONGEST: usize = 2_048;

/// One request and how it was answered. Headers and bodies are left out: they hold secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RequestRecord {
    /// The HTTP method.
    pub method: String,
    /// The path as it was sent, without the query; at most 2,048 bytes of it.
    pub path: String,
    /// The query string as it was sent, without the question mark; at most 2,048 bytes of it.
    pub query: String,
    /// The operation that the request reached: its `operationId`, or `METHOD /path` where the
    /// description has none. `None` for requests that reached no operation.
    pub operation: Option<String>,
    /// The status of the answer.
    pub status: u16,
}

/// The last requests, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: Mutex<VecDeque<RequestRecord>>,
}

impl Journal {
    pub(crate) fn record(&self, mut entry: RequestRecord) {
        for text in [&mut entry.path, &mut entry.query] {
            text.truncate(text.floor_char_boundary(LONGEST));
        }
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() == CAPACITY {
            entries.pop_front();
        }
        entries.push_back(entry);
    }

    pub(crate) fn entries(&self) -> Vec<RequestRecord> {
        self.entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }

    pub(crate) fn clear(&self) {
        self.entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}
