//! The journal of one run: every write is in it before it is sent.
//!
//! One JSON document per line, appended and flushed to disk. When a run ends abruptly its journal
//! stays behind; the next run folds what was done into the ledger ([`recover`]), so that objects
//! made in the last second are not orphans.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::{Ledger, LedgerError, Record, prepare_folder};
use crate::model::Address;

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    sink: Mutex<Sink>,
    path: Option<PathBuf>,
}

#[derive(Debug)]
enum Sink {
    File(File),
    Memory(Vec<u8>),
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
        record: Option<Record>,
    },
    /// A record that has another address from now on.
    Move {
        from: Address,
        to: Address,
    },
}

/// A journal that cannot be written: the run must stop, for no write goes unrecorded.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the journal: {0}")]
pub struct JournalError(#[from] pub std::io::Error);

impl Journal {
    /// Begins a journal beside the ledger. `digest` is the digest of the plan that is applied.
    ///
    /// # Errors
    /// Where the file system refuses.
    pub fn begin(ledger: &Path, digest: &str) -> Result<Self, LedgerError> {
        if let Some(folder) = ledger.parent() {
            prepare_folder(folder)?;
        }
        let path = ledger.with_extension(format!("{}.journal", uuid::Uuid::now_v7().simple()));
        let file = File::options().create_new(true).append(true).open(&path);
        let file = file.map_err(|source| super::io("create", &path, source))?;
        let journal = Self {
            sink: Mutex::new(Sink::File(file)),
            path: Some(path.clone()),
        };
        journal
            .append(&Line::Begin {
                at: jiff::Timestamp::now(),
                digest: digest.to_owned(),
            })
            .map_err(|error| super::io("write", &path, error.0))?;
        Ok(journal)
    }

    /// A journal that lasts as long as the process, for runs against the embedded mock.
    pub fn in_memory() -> Self {
        Self {
            sink: Mutex::new(Sink::Memory(Vec::new())),
            path: None,
        }
    }

    /// Says what is about to be sent.
    ///
    /// # Errors
    /// Where it cannot be written: then the request must not be sent.
    pub fn intent(&self, address: &Address, method: &str, path: &str) -> Result<(), JournalError> {
        self.append(&Line::Intent {
            at: jiff::Timestamp::now(),
            address: address.clone(),
            method: method.to_owned(),
            path: path.to_owned(),
        })
    }

    /// Says how it ended.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn outcome(
        &self,
        address: &Address,
        outcome: Outcome,
        message: Option<String>,
    ) -> Result<(), JournalError> {
        let at = jiff::Timestamp::now();
        self.append(&Line::Outcome {
            at,
            address: address.clone(),
            outcome,
            message,
        })
    }

    /// Says what the ledger has to know from now on; `None` after a deletion.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn record(&self, address: &Address, record: Option<&Record>) -> Result<(), JournalError> {
        self.append(&Line::Record {
            address: address.clone(),
            record: record.cloned(),
        })
    }

    /// Says that the ledger knows a resource by another address from now on.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn moved(&self, from: &Address, to: &Address) -> Result<(), JournalError> {
        self.append(&Line::Move {
            from: from.clone(),
            to: to.clone(),
        })
    }

    /// Ends the journal once the ledger is saved. A journal without open questions is removed.
    pub fn finish(self) {
        if let Some(path) = self.path {
            // What remains would be folded in again by the next run, which changes nothing.
            let _ = std::fs::remove_file(path);
        }
    }

    fn append(&self, line: &Line) -> Result<(), JournalError> {
        let mut text = serde_json::to_vec(line).map_err(std::io::Error::from)?;
        text.push(b'\n');
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *sink {
            Sink::File(file) => {
                file.write_all(&text)?;
                file.sync_data()?;
            }
            Sink::Memory(bytes) => bytes.extend_from_slice(&text),
        }
        Ok(())
    }
}

/// Folds the journals that earlier runs left beside a ledger into it, and returns their paths, to
/// be removed once the ledger is saved.
///
/// A last line that was cut off by a crash is skipped: its write is found by looking at the server.
///
/// # Errors
/// Where a journal cannot be read.
pub fn recover(path: &Path, ledger: &mut Ledger) -> Result<Vec<PathBuf>, LedgerError> {
    let (Some(folder), Some(stem)) = (path.parent(), path.file_stem().and_then(|s| s.to_str()))
    else {
        return Ok(Vec::new());
    };
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(Vec::new());
    };
    let mut left: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "journal"))
        .filter(|path| {
            // STEM.RUN.journal, where STEM itself has dots.
            let name = path
                .file_stem()
                .and_then(|s| s.to_str())
                .unwrap_or_default();
            name.rsplit_once('.')
                .is_some_and(|(before, _)| before == stem)
        })
        .collect();
    // Run ids are ordered by time.
    left.sort();
    for path in &left {
        let text =
            std::fs::read_to_string(path).map_err(|source| super::io("read", path, source))?;
        for line in text.lines() {
            match serde_json::from_str(line) {
                Ok(Line::Record { address, record }) => {
                    match record {
                        Some(record) => ledger.records.insert(address, record),
                        None => ledger.records.remove(&address),
                    };
                }
                Ok(Line::Move { from, to }) => ledger.rename(&from, &to),
                _ => {}
            }
        }
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_crashed_run_did_is_recovered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("portkey@api.portkey.ai.ledger");
        let other = folder.path().join("staging.portkey@api.portkey.ai.ledger");
        let address: Address = "workspaces.a".parse().unwrap();
        let gone: Address = "workspaces.b".parse().unwrap();
        let journal = Journal::begin(&path, "d").unwrap();
        journal
            .intent(&address, "POST", "/admin/workspaces")
            .unwrap();
        let record = Record {
            protect: true,
            ..Record::default()
        };
        journal.record(&address, Some(&record)).unwrap();
        journal.record(&gone, None).unwrap();
        let file = journal.path.clone().unwrap();
        drop(journal);
        // The crash came in the middle of a line.
        let mut text = std::fs::read_to_string(&file).unwrap();
        text.push_str("{\"event\":\"rec");
        std::fs::write(&file, text).unwrap();

        let mut ledger = Ledger::default();
        ledger.records.insert(gone.clone(), Record::default());
        assert_eq!(recover(&path, &mut ledger).unwrap(), [file]);
        assert_eq!(ledger.records.get(&address), Some(&record));
        assert!(!ledger.records.contains_key(&gone));
        assert!(recover(&other, &mut ledger).unwrap().is_empty());
    }
}
