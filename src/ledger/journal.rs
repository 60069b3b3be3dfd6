//! The journal of one run: every write is in it before it is sent.
//!
//! One JSON document per line. In a repository it is a file, appended and flushed to disk; in a
//! store, where nothing can be appended to, it is a row of objects. When a run ends abruptly its
//! journal stays behind; the next run folds what was done into the ledger ([`fold`]), so that
//! objects made in the last second are not orphans.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};

use super::lease::{Lease, LeaseLost};
use super::store::{Store, StoreError};
use super::{Ledger, LedgerError, Record, prepare_folder};
use crate::model::Address;

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    sink: Sink,
    /// Why a line is not in it. Nothing is begun any more then.
    failure: OnceLock<String>,
}

#[derive(Debug)]
enum Sink {
    Memory,
    File(PathBuf, Mutex<File>),
    Store(Box<Row>),
}

/// A journal in a store.
#[derive(Debug)]
struct Row {
    store: Store,
    folder: String,
    lease: Arc<Lease>,
    /// Lines that are in no object yet.
    waiting: Mutex<String>,
    /// The objects so far. Who writes the next one takes along what waits.
    objects: tokio::sync::Mutex<Vec<String>>,
}

/// How a write ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The server did it.
    Done,
    /// The server refused: nothing happened.
    Refused,
    /// The connection was lost: it may have happened.
    Unknown,
}

/// A line of a journal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line {
    Begin {
        at: jiff::Timestamp,
        digest: String,
    },
    Intent {
        at: jiff::Timestamp,
        address: Address,
        method: String,
        path: String,
        /// What the ledger will know of what is created, but for its id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        creates: Option<Box<Record>>,
    },
    Outcome {
        at: jiff::Timestamp,
        address: Address,
        outcome: Outcome,
        message: Option<String>,
    },
    /// The record as it is after a write; none after a deletion.
    Record {
        address: Address,
        record: Option<Box<Record>>,
    },
    /// A record that has another address from now on.
    Move {
        from: Address,
        to: Address,
    },
}

/// A creation that was begun, and of which nobody heard how it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Unanswered {
    /// When it was sent.
    pub at: jiff::Timestamp,
    /// What the ledger would know of the object, but for its id.
    pub record: Record,
}

/// Why nothing may be sent: no write goes unrecorded.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system refused.
    #[error("cannot write the journal: {0}")]
    Io(#[from] std::io::Error),
    /// The store refused.
    #[error("cannot write the journal: {0}")]
    Store(#[from] StoreError),
    /// What was done before could not be written.
    #[error("{0}")]
    Before(String),
    /// Somebody else may write by now.
    #[error(transparent)]
    Lease(#[from] LeaseLost),
}

impl Journal {
    /// Begins a journal beside the ledger of a repository. `digest` is the digest of the plan that
    /// is applied.
    ///
    /// # Errors
    /// Where the file system refuses.
    pub async fn in_folder(ledger: &Path, digest: &str) -> Result<Self, LedgerError> {
        if let Some(folder) = ledger.parent() {
            prepare_folder(folder)?;
        }
        let path = ledger.with_extension(format!("{}.journal", uuid::Uuid::now_v7().simple()));
        let file = File::options().create_new(true).append(true).open(&path);
        let file = file.map_err(|source| super::io("create", &path, source))?;
        Self::begin(Sink::File(path, Mutex::new(file)), digest).await
    }

    /// Begins a journal in a store, for as long as the lease is held. Its objects are in `folder`.
    ///
    /// # Errors
    /// Where the store refuses.
    pub async fn in_store(
        store: &Store,
        folder: String,
        lease: Arc<Lease>,
        digest: &str,
    ) -> Result<Self, LedgerError> {
        let row = Row {
            store: store.clone(),
            folder,
            lease,
            waiting: Mutex::default(),
            objects: tokio::sync::Mutex::default(),
        };
        Self::begin(Sink::Store(Box::new(row)), digest).await
    }

    async fn begin(sink: Sink, digest: &str) -> Result<Self, LedgerError> {
        let journal = Self {
            sink,
            failure: OnceLock::new(),
        };
        let line = Line::Begin {
            at: jiff::Timestamp::now(),
            digest: digest.to_owned(),
        };
        journal.append(&line).await?;
        Ok(journal)
    }

    /// A journal that nobody reads, for runs against the embedded mock.
    pub fn in_memory() -> Self {
        Self {
            sink: Sink::Memory,
            failure: OnceLock::new(),
        }
    }

    /// Says what is about to be sent and, of a creation, what the ledger will know then.
    ///
    /// # Errors
    /// Where it cannot be written, or an earlier line could not, or the lease is lost: then the
    /// request must not be sent.
    pub async fn intent(
        &self,
        address: &Address,
        method: &str,
        path: &str,
        creates: Option<&Record>,
    ) -> Result<(), JournalError> {
        if let Sink::Store(row) = &self.sink {
            row.lease.check()?;
        }
        if let Some(failure) = self.failure.get() {
            return Err(JournalError::Before(failure.clone()));
        }
        let line = Line::Intent {
            at: jiff::Timestamp::now(),
            address: address.clone(),
            method: method.to_owned(),
            path: path.to_owned(),
            creates: creates.cloned().map(Box::new),
        };
        if let Err(error) = self.append(&line).await {
            let _ = self.failure.set(error.to_string());
            return Err(error);
        }
        // Writing may have taken its time.
        if let Sink::Store(row) = &self.sink {
            row.lease.check()?;
        }
        Ok(())
    }

    /// Says how it ended.
    pub async fn outcome(&self, address: &Address, outcome: Outcome, message: Option<String>) {
        let line = Line::Outcome {
            at: jiff::Timestamp::now(),
            address: address.clone(),
            outcome,
            message,
        };
        match (&self.sink, line_of(&line)) {
            // What follows from it has a line of its own; until then nothing is lost without it.
            (Sink::Store(row), Ok(text)) => row.add(&text),
            _ => self.note(&line).await,
        }
    }

    /// Says what the ledger has to know from now on; `None` after a deletion.
    pub async fn record(&self, address: &Address, record: Option<&Record>) {
        let line = Line::Record {
            address: address.clone(),
            record: record.cloned().map(Box::new),
        };
        self.note(&line).await;
    }

    /// Says that the ledger knows a resource by another address from now on.
    pub async fn moved(&self, from: &Address, to: &Address) {
        let line = Line::Move {
            from: from.clone(),
            to: to.clone(),
        };
        self.note(&line).await;
    }

    /// Why a line is not in it, where one is not.
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Ends the journal once the ledger is saved.
    pub async fn finish(self) {
        // What remains would be folded in again by the next run, which changes nothing.
        match self.sink {
            Sink::Memory => {}
            Sink::File(path, _) => {
                let _ = std::fs::remove_file(path);
            }
            Sink::Store(row) => row.store.delete(row.objects.into_inner()).await,
        }
    }

    /// Writes what has happened: it has, whether or not it can be written.
    async fn note(&self, line: &Line) {
        if let Err(error) = self.append(line).await {
            let _ = self.failure.set(error.to_string());
        }
    }

    async fn append(&self, line: &Line) -> Result<(), JournalError> {
        let mut text = line_of(line)?;
        if self.failure.get().is_some() {
            // What failed may have left half a line.
            text.insert(0, '\n');
        }
        match &self.sink {
            Sink::Memory => {}
            Sink::File(_, file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.write_all(text.as_bytes())?;
                file.sync_data()?;
            }
            Sink::Store(row) => {
                row.add(&text);
                row.flush().await?;
            }
        }
        Ok(())
    }
}

impl Row {
    fn add(&self, text: &str) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push_str(text);
    }

    /// Writes what waits, unless somebody else has by now.
    async fn flush(&self) -> Result<(), StoreError> {
        let mut objects = self.objects.lock().await;
        let text = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *waiting)
        };
        if text.is_empty() {
            return Ok(());
        }
        let name = format!("{}/{:012}", self.folder, objects.len() + 1);
        // The name is this run's alone, so that repeating a lost request is safe.
        let written = self.store.write(&name, text.clone()).await;
        match written {
            Ok(()) => objects.push(name),
            Err(_) => {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                waiting.insert_str(0, &text);
            }
        }
        written
    }
}

fn line_of(line: &Line) -> Result<String, JournalError> {
    let text = serde_json::to_string(line).map_err(std::io::Error::from)?;
    Ok(text + "\n")
}

/// Folds the text of a journal that was left behind into a ledger, and notes the creations of
/// which nobody knows how they ended.
///
/// A last line that was cut off by a crash is skipped: its write was not sent.
pub(super) fn fold(
    text: &str,
    ledger: &mut Ledger,
    unanswered: &mut BTreeMap<Address, Unanswered>,
) {
    for line in text.lines() {
        match serde_json::from_str(line) {
            Ok(Line::Record { address, record }) => {
                unanswered.remove(&address);
                match record {
                    Some(record) => ledger.records.insert(address, *record),
                    None => ledger.records.remove(&address),
                };
            }
            Ok(Line::Move { from, to }) => ledger.rename(&from, &to),
            Ok(Line::Intent {
                at,
                address,
                creates: Some(record),
                ..
            }) => {
                let record = *record;
                unanswered.insert(address, Unanswered { at, record });
            }
            Ok(Line::Outcome {
                address,
                outcome: Outcome::Refused,
                ..
            }) => {
                unanswered.remove(&address);
            }
            _ => {}
        }
    }
}

/// The journals that earlier runs left beside a ledger in a repository, oldest first.
pub(super) fn left_in_folder(ledger: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(stem)) = (ledger.parent(), ledger.file_stem().and_then(|s| s.to_str()))
    else {
        return Vec::new();
    };
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let names = entries.filter_map(Result::ok).map(|entry| entry.path());
    let mut left: Vec<PathBuf> = names
        .filter(|path| path.extension().is_some_and(|e| e == "journal"))
        .filter(|path| {
            let name = path.file_name().and_then(|s| s.to_str());
            name.is_some_and(|name| is_of(name, stem))
        })
        .collect();
    // Run ids are ordered by time.
    left.sort();
    left
}

/// Whether `STEM.RUN.journal` is of a stem, which itself has dots.
pub(super) fn is_of(name: &str, stem: &str) -> bool {
    let run = name
        .strip_suffix(".journal")
        .and_then(|name| name.rsplit_once('.'));
    run.is_some_and(|(before, _)| before == stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path, ledger: &mut Ledger) -> BTreeMap<Address, Unanswered> {
        let mut unanswered = BTreeMap::new();
        for journal in left_in_folder(path) {
            fold(
                &std::fs::read_to_string(journal).unwrap(),
                ledger,
                &mut unanswered,
            );
        }
        unanswered
    }

    #[tokio::test]
    async fn what_a_crashed_run_did_is_recovered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("portkey@api.portkey.ai.ledger");
        let other = folder.path().join("staging.portkey@api.portkey.ai.ledger");
        let address: Address = "workspaces.a".parse().unwrap();
        let gone: Address = "workspaces.b".parse().unwrap();
        let lost: Address = "workspaces.c".parse().unwrap();
        let journal = Journal::in_folder(&path, "d").await.unwrap();
        let record = Record {
            protect: true,
            ..Record::default()
        };
        for address in [&address, &lost] {
            let intent = journal.intent(address, "POST", "/admin/workspaces", Some(&record));
            intent.await.unwrap();
        }
        journal.record(&address, Some(&record)).await;
        journal.record(&gone, None).await;
        journal.outcome(&lost, Outcome::Unknown, None).await;
        drop(journal);
        let [file] = left_in_folder(&path).try_into().unwrap();
        // The crash came in the middle of a line.
        let mut text = std::fs::read_to_string(&file).unwrap();
        text.push_str("{\"event\":\"rec");
        std::fs::write(&file, text).unwrap();

        let mut ledger = Ledger::default();
        ledger.records.insert(gone.clone(), Record::default());
        let unanswered = read(&path, &mut ledger);
        assert_eq!(ledger.records.get(&address), Some(&record));
        assert!(!ledger.records.contains_key(&gone));
        assert_eq!(unanswered.keys().collect::<Vec<_>>(), [&lost]);
        assert_eq!(unanswered[&lost].record, record);
        assert!(left_in_folder(&other).is_empty());
    }
}
