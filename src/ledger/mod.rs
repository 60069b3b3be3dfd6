//! The ledger: what gatewright knows to be its own.
//!
//! A small text file in the repository, one line per resource, sorted: it shows well in diffs and
//! merges line by line. It holds ids, slugs and keyed fingerprints of secrets, and no secret. The
//! journal beside it is for one run; the ledger is what runs hand to each other.

mod journal;
mod lock;

pub use journal::{Journal, JournalError, Outcome, recover};
pub use lock::Lock;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::{Address, Ident, Map, Pointer};

/// The folder in a repository that holds ledgers and journals.
pub const FOLDER: &str = ".gatewright";
/// The version of the file's form.
const VERSION: u32 = 1;

/// What gatewright created or adopted on one server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    /// The records by address.
    pub records: BTreeMap<Address, Record>,
}

/// What is known of one resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What the server calls it.
    pub ident: Ident,
    /// The scope fields as they were written, to find the object again once its entry is gone.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub scope: Map,
    /// The members of the resource's parts that were written, by field.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, BTreeSet<String>>,
    /// Keyed fingerprints of the secrets that were written, by place.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fingerprints: BTreeMap<Pointer, String>,
    /// What was applied last, as the manifest had it: secrets as the names of their sources. It
    /// tells who made a difference, and stands in for what the API does not read back.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub applied: Map,
    /// Whether the server made a secret for it that did not reach its sink, so that nobody has it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undelivered: bool,
    /// Whether deleting it is refused, also after its entry is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    gatewright_ledger: u32,
    base_url: String,
}

#[derive(Serialize, Deserialize)]
struct Line {
    address: Address,
    #[serde(flatten)]
    record: Record,
}

/// A ledger that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file system refused.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// Another run is writing.
    #[error("another apply is under way: {path} is locked", path = path.display())]
    Locked {
        /// The lock.
        path: PathBuf,
    },
    /// Another run has written since this one read it.
    #[error("another apply changed {path} since this plan was made", path = path.display())]
    Changed {
        /// The ledger.
        path: PathBuf,
    },
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A line is not what it should be, for example after a merge conflict.
    #[error("{path}:{line}: {message}", path = path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
}

/// Where the cache of what was read lies, beside the ledger and out of version control.
pub fn cache_path(root: &Path, environment: Option<&str>, system: &str, base_url: &str) -> PathBuf {
    let name = format!("{}.json", stem(environment, system, base_url));
    root.join(FOLDER).join("cache").join(name)
}

/// Where the ledger of a repository, environment and server is: servers do not share ledgers, so
/// that trying a repository on another server cannot confuse what is owned where.
pub fn path(root: &Path, environment: Option<&str>, system: &str, base_url: &str) -> PathBuf {
    root.join(FOLDER)
        .join(format!("{}.ledger", stem(environment, system, base_url)))
}

/// Whether a repository has a ledger of a system, on whatever server.
pub fn exists(root: &Path, system: &str) -> bool {
    let Ok(entries) = std::fs::read_dir(root.join(FOLDER)) else {
        return false;
    };
    entries.filter_map(Result::ok).any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.ends_with(".ledger") && name.contains(&format!("{system}@"))
    })
}

/// What the files about one environment and server begin with.
fn stem(environment: Option<&str>, system: &str, base_url: &str) -> String {
    let host = base_url
        .split_once("://")
        .map_or(base_url, |(_, rest)| rest);
    let host = host.strip_suffix("/v1").unwrap_or(host);
    let plain = |text: &str| {
        text.chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') {
                    c
                } else {
                    '_'
                }
            })
            .collect::<String>()
    };
    let environment = environment
        .map(|name| format!("{}.", plain(name)))
        .unwrap_or_default();
    format!("{environment}{system}@{}", plain(host))
}

impl Ledger {
    /// Gives a record another address; what refers to it follows.
    pub fn rename(&mut self, from: &Address, to: &Address) {
        let Some(record) = self.records.remove(from) else {
            return;
        };
        self.records.insert(to.clone(), record);
        for record in self.records.values_mut() {
            let values = record.scope.values_mut().chain(record.applied.values_mut());
            values.for_each(|value| value.rename(from, to));
        }
    }

    /// Reads the ledger of one server; one that is not there is empty.
    ///
    /// # Errors
    /// Where the file cannot be read, is of another server, or is not whole: taking a damaged
    /// ledger for an empty one would disown everything in it.
    pub fn load(path: &Path, base_url: &str) -> Result<Self, LedgerError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(source) => return Err(io("read", path, source)),
        };
        let fail = |line: usize, message: String| LedgerError::Line {
            path: path.to_owned(),
            line: line + 1,
            message,
        };
        let mut ledger = Self::default();
        let text = text.trim_start_matches('\u{feff}');
        let lines = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty());
        let mut lines = lines.peekable();
        let (at, header) = lines
            .next()
            .ok_or_else(|| fail(0, "the file is empty".to_owned()))?;
        let header: Header = parse(header).map_err(|message| fail(at, message))?;
        if header.gatewright_ledger != VERSION {
            let version = header.gatewright_ledger;
            return Err(fail(at, format!("written by another version ({version})")));
        }
        if header.base_url != base_url {
            let other = header.base_url;
            return Err(fail(
                at,
                format!("this is the ledger of {other}, not of {base_url}"),
            ));
        }
        for (at, line) in lines {
            let Line { address, record } = parse(line).map_err(|message| fail(at, message))?;
            let name = address.to_string();
            if ledger.records.insert(address, record).is_some() {
                return Err(fail(
                    at,
                    format!("`{name}` is in here twice: keep the right one"),
                ));
            }
        }
        Ok(ledger)
    }

    /// Writes the ledger, whole or not at all.
    ///
    /// # Errors
    /// Where the file system refuses.
    pub fn save(&self, path: &Path, base_url: &str) -> Result<(), LedgerError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        prepare_folder(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)
            .map_err(|source| io("write into", folder, source))?;
        let text = self.to_text(base_url);
        file.write_all(text.as_bytes())
            .and_then(|()| file.as_file().sync_data())
            .map_err(|source| io("write", path, source))?;
        // A temporary file is readable by its owner alone; a file in a repository is not secret.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::Permissions::from_mode(0o644);
            file.as_file()
                .set_permissions(mode)
                .map_err(|source| io("write", path, source))?;
        }
        file.persist(path)
            .map_err(|error| io("write", path, error.error))?;
        Ok(())
    }

    fn to_text(&self, base_url: &str) -> String {
        let header = Header {
            gatewright_ledger: VERSION,
            base_url: base_url.to_owned(),
        };
        // Serialising into a string cannot fail: all keys are strings and nothing is generic.
        let line = |json: Result<String, serde_json::Error>| json.unwrap_or_default() + "\n";
        let mut text = line(serde_json::to_string(&header));
        for (address, record) in &self.records {
            let entry = Line {
                address: address.clone(),
                record: record.clone(),
            };
            text.push_str(&line(serde_json::to_string(&entry)));
        }
        text
    }
}

/// Makes the folder for ledgers and journals and keeps journals out of version control.
fn prepare_folder(folder: &Path) -> Result<(), LedgerError> {
    std::fs::create_dir_all(folder).map_err(|source| io("create", folder, source))?;
    let ignore = folder.join(".gitignore");
    if folder.file_name().is_some_and(|name| name == FOLDER) && !ignore.exists() {
        std::fs::write(
            &ignore,
            "# Ledgers belong into version control, journals and locks do not.\n*.journal\n*.lock\n",
        )
        .map_err(|source| io("write", &ignore, source))?;
    }
    Ok(())
}

/// Reads a line, in words for people who merged it by hand.
fn parse<T: serde::de::DeserializeOwned>(line: &str) -> Result<T, String> {
    serde_json::from_str(line).map_err(|error| {
        if ["<<<<<<<", "=======", ">>>>>>>"]
            .iter()
            .any(|mark| line.starts_with(mark))
        {
            return "a merge conflict: keep the records of both sides, each once".to_owned();
        }
        format!(
            "not a record at column {}: restore the file from version control",
            error.column()
        )
    })
}

fn io(action: &'static str, path: &Path, source: std::io::Error) -> LedgerError {
    LedgerError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_round_trips_sorted_by_address() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(
            folder.path(),
            Some("prod"),
            "portkey",
            "https://api.portkey.ai/v1",
        );
        assert!(
            path.ends_with(".gatewright/prod.portkey@api.portkey.ai.ledger"),
            "{path:?}"
        );
        let mut ledger = Ledger::default();
        for key in ["b", "a"] {
            let record = Record {
                ident: Ident {
                    id: Some(format!("id-{key}")),
                    slug: None,
                },
                parts: BTreeMap::from([("models".into(), BTreeSet::from(["gpt-5".into()]))]),
                ..Record::default()
            };
            ledger
                .records
                .insert(Address::new("portkey", "integrations", key), record);
        }
        ledger.save(&path, "https://api.portkey.ai/v1").unwrap();
        assert_eq!(
            Ledger::load(&path, "https://api.portkey.ai/v1").unwrap(),
            ledger
        );
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.find("integrations.a").unwrap() < text.find("integrations.b").unwrap());
        assert!(path.with_file_name(".gitignore").exists());
    }

    #[test]
    fn a_missing_ledger_is_empty_and_a_merge_conflict_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.ledger");
        assert_eq!(
            Ledger::load(&path, "https://api.portkey.ai/v1").unwrap(),
            Ledger::default()
        );
        std::fs::write(
            &path,
            "{\"gatewright_ledger\":1,\"base_url\":\"u\"}\n<<<<<<< HEAD\n",
        )
        .unwrap();
        let error = || Ledger::load(&path, "u").unwrap_err().to_string();
        assert!(error().contains(":2: a merge conflict"), "{}", error());
        let header = "{\"gatewright_ledger\":1,\"base_url\":\"u\"}\n";
        let record = "{\"address\":\"workspaces.a\",\"ident\":{}}\n";
        for (text, message) in [
            (String::new(), "the file is empty"),
            (
                format!("{header}{record}\n{record}"),
                ":4: `workspaces.a` is in here twice",
            ),
            (format!("{header}{{\"addr"), ":2: not a record"),
            (
                header.replace("\"u\"", "\"v\""),
                "this is the ledger of v, not of u",
            ),
        ] {
            std::fs::write(&path, &text).unwrap();
            assert!(error().contains(message), "{}", error());
        }
    }

    #[test]
    fn servers_and_environments_do_not_share_ledgers() {
        let at = |env, url| path(Path::new("."), env, "portkey", url);
        let all = [
            at(None, "https://api.portkey.ai/v1"),
            at(Some("staging"), "https://api.portkey.ai/v1"),
            at(None, "http://127.0.0.1:8787/v1"),
            at(None, "http://127.0.0.1:8788/v1"),
        ];
        let distinct: BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}
