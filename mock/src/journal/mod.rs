//! What the mock was asked: a record of the last requests, bounded in number and in bytes.

mod entry;
pub(crate) mod expectation;
pub(crate) mod pattern;
pub(crate) mod redact;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde_json::Value;

pub(crate) use self::entry::{Arrived, Entry, Purpose, cut};

/// How much is remembered. A journal without a bound is how mock servers run out of memory under
/// load, so both bounds hold, and the oldest requests go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalLimits {
    /// How many requests.
    pub requests: usize,
    /// How many bytes they take together, roughly.
    pub bytes: usize,
    /// Whether bodies are remembered, with their secrets taken out.
    pub bodies: bool,
}

impl Default for JournalLimits {
    fn default() -> Self {
        JournalLimits {
            requests: 10_000,
            bytes: 16 * 1024 * 1024,
            bodies: true,
        }
    }
}

/// One request and how it was answered. Headers are left out, and of a body the secrets: what is
/// here can be shown to anybody.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RequestRecord {
    /// The how-manieth request of this mock it is, counted from 1.
    pub number: u64,
    /// When it came, by the mock's clock.
    pub time: String,
    /// The HTTP method.
    pub method: String,
    /// The path as it was sent, without the query; at most 2,048 bytes of it.
    pub path: String,
    /// The query string as it was sent, without the question mark; at most 2,048 bytes of it.
    /// Values of parameters whose name says that they are secret are masked.
    pub query: String,
    /// The operation that the request reached: its `operationId`, or `METHOD /path` where the
    /// description has none. `None` for requests that reached no operation.
    pub operation: Option<String>,
    /// The status of the answer; 0 if the connection was closed without one.
    pub status: u16,
    /// The `x-portkey-request-id` of the answer.
    pub request_id: String,
    /// Who sent it: `admin`, `key <id>` for a key made through the API, `unknown <fingerprint>` for
    /// any other key, `None` without one. Never the key.
    pub key: Option<String>,
    /// The state that it worked on, where it chose one with `x-mock-snapshot`.
    pub snapshot: Option<String>,
    /// How long the answer took, in microseconds.
    pub duration_us: u64,
    /// The size of the body that came, in bytes.
    pub request_bytes: usize,
    /// The size of the body of the answer, in bytes.
    pub response_bytes: usize,
    /// The number of the fault rule that struck.
    pub fault: Option<u64>,
    /// What is worth knowing about a request that was accepted all the same.
    pub notes: Vec<String>,
    /// The body, if it was JSON of at most 16 KiB, with its secrets masked.
    pub body: Option<Value>,
}

/// Who sent a request, without the key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Who {
    #[default]
    Nobody,
    Admin,
    Key(Arc<str>),
    Unknown(u32),
}

impl Who {
    pub(crate) fn label(&self) -> Option<String> {
        match self {
            Who::Nobody => None,
            Who::Admin => Some("admin".to_owned()),
            Who::Key(id) => Some(format!("key {id}")),
            Who::Unknown(fingerprint) => Some(format!("unknown {fingerprint:06x}")),
        }
    }
}

/// The last requests, the oldest first.
#[derive(Debug)]
pub(crate) struct Journal {
    limits: JournalLimits,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    /// How many requests there were.
    count: u64,
    /// The number of the last request that is no longer kept because of the limits.
    forgotten: u64,
}

impl Journal {
    pub(crate) fn new(limits: JournalLimits) -> Journal {
        Journal {
            limits,
            kept: Mutex::default(),
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether bodies are remembered.
    pub(crate) fn keeps_bodies(&self) -> bool {
        self.limits.bodies
    }

    /// Remembers a request.
    pub(crate) fn record(&self, mut entry: Entry) {
        // Dropped when nobody waits for the lock any more.
        let mut forgotten = Vec::new();
        let mut kept = self.kept();
        kept.count += 1;
        entry.number = kept.count;
        kept.bytes += entry.size();
        kept.entries.push_back(Arc::new(entry));
        while kept.entries.len() > self.limits.requests || kept.bytes > self.limits.bytes {
            let Some(oldest) = kept.entries.pop_front() else {
                break;
            };
            kept.bytes -= oldest.size();
            kept.forgotten = oldest.number;
            forgotten.push(oldest);
        }
        drop(kept);
    }

    /// The requests, the oldest first.
    pub(crate) fn entries(&self) -> Vec<Arc<Entry>> {
        // Looking at them takes long, and requests that are being served do not wait for it.
        self.kept().entries.iter().cloned().collect()
    }

    /// How many requests there were, and the number of the last one that the limits took away.
    pub(crate) fn count(&self) -> (u64, u64) {
        let kept = self.kept();
        (kept.count, kept.forgotten)
    }

    /// Forgets the requests so far, on purpose.
    pub(crate) fn clear(&self) {
        let mut kept = self.kept();
        kept.entries.clear();
        kept.bytes = 0;
    }
}
