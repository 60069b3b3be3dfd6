//! The ledger: what gatewright knows to be its own.
//!
//! A small text file in the repository, one line per resource, sorted: it shows well in diffs and
//! merges line by line. It holds ids, slugs and keyed fingerprints of secrets, and no secret. The
//! journal beside it is for one run; the ledger is what runs hand to each other. Where the project
//! file says so, both are in object storage or in a shared folder instead ([`Home`]).

mod home;
mod journal;
mod lease;
mod lock;
mod store;

pub use home::{Hold, Home, Keeper, Kept};
pub use journal::{Journal, JournalError, Outcome, Unanswered};
pub use lease::{Holder, LEASE, Lease, LeaseError, LeaseLost, Ticket};
pub use lock::Lock;
pub use store::{Store, StoreError, VARIABLES as STORE_VARIABLES, check as check_place};

use std::collections::{BTreeMap, BTreeSet};
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
    /// The address that the fingerprints are bound to, where the record has moved since they were
    /// made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound_to: Option<Address>,
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

impl Record {
    /// Whether a ledger has the same line for both. Of a secret it has the source alone.
    pub fn reads_as(&self, other: &Self) -> bool {
        // Serialising cannot fail: all keys are texts.
        let line = |record: &Self| serde_json::to_value(record).unwrap_or_default();
        self == other || line(self) == line(other)
    }
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
    #[error("another apply changed {name} since this plan was made")]
    Changed {
        /// The ledger.
        name: String,
    },
    /// Another machine is writing, or was.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// The lease was lost before the ledger was saved.
    #[error(transparent)]
    Lost(#[from] LeaseLost),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A line is not what it should be, for example after a merge conflict.
    #[error("{name}:{line}: {message}")]
    Line {
        /// The file.
        name: String,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
}

impl LedgerError {
    /// Whether somebody else was there meanwhile.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Store(StoreError::Taken(_)))
    }
}

/// Where the cache of what was read lies, beside the ledger and out of version control.
pub fn cache_path(root: &Path, environment: Option<&str>, system: &str, base_url: &str) -> PathBuf {
    let name = format!("{}.json", stem(environment, system, base_url));
    root.join(FOLDER).join("cache").join(name)
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
        let Some(mut record) = self.records.remove(from) else {
            return;
        };
        // Fingerprints cannot be made anew without the secrets; they stay bound to where they are from.
        if !record.fingerprints.is_empty() {
            let bound_to = record.bound_to.take().unwrap_or_else(|| from.clone());
            record.bound_to = Some(bound_to).filter(|bound_to| bound_to != to);
        }
        self.records.insert(to.clone(), record);
        for record in self.records.values_mut() {
            let values = record.scope.values_mut().chain(record.applied.values_mut());
            values.for_each(|value| value.rename(from, to));
        }
    }

    /// Reads the text of the ledger of one server. `name` is what people call the file.
    ///
    /// # Errors
    /// Where it is of another server, or is not whole: taking a damaged ledger for an empty one
    /// would disown everything in it.
    pub fn parse(text: &str, name: &str, base_url: &str) -> Result<Self, LedgerError> {
        let fail = |line: usize, message: String| LedgerError::Line {
            name: name.to_owned(),
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
            let same = record.clone();
            // A merge may keep the same line of both sides.
            if let Some(other) = ledger.records.insert(address, record)
                && other != same
            {
                return Err(fail(
                    at,
                    format!("`{name}` is in here twice: keep the right one"),
                ));
            }
        }
        Ok(ledger)
    }

    /// The text of a ledger: one line per record, sorted by address.
    pub fn to_text(&self, base_url: &str) -> String {
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

/// What is in the folder besides: what version control has to know of it.
const FOR_GIT: [(&str, &str); 2] = [
    (
        ".gitignore",
        "# Ledgers belong into version control, journals and locks do not.\n*.journal\n*.lock\n",
    ),
    (
        ".gitattributes",
        "# One line is one resource: what both sides of a merge know is kept.\n*.ledger merge=union\n",
    ),
];

/// Makes the folder for ledgers and journals and tells version control about them.
fn prepare_folder(folder: &Path) -> Result<(), LedgerError> {
    std::fs::create_dir_all(folder).map_err(|source| io("create", folder, source))?;
    for (name, text) in FOR_GIT {
        let path = folder.join(name);
        if folder.file_name().is_some_and(|name| name == FOLDER) && !path.exists() {
            std::fs::write(&path, text).map_err(|source| io("write", &path, source))?;
        }
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

    const URL: &str = "https://api.portkey.ai/v1";

    fn home(root: &Path) -> Home {
        let keeper = Keeper::open(root, None, &[]).unwrap();
        keeper.home(Some("prod"), "portkey", URL)
    }

    #[tokio::test]
    async fn a_ledger_round_trips_sorted_by_address() {
        let folder = tempfile::tempdir().unwrap();
        let store = Keeper::Store(Store::in_memory());
        let shared = Keeper::open(folder.path(), Some("shared"), &[]).unwrap();
        let homes = [store, shared].map(|keeper| keeper.home(Some("prod"), "portkey", URL));
        for home in homes.into_iter().chain([home(folder.path())]) {
            assert!(
                home.name().ends_with("/prod.portkey@api.portkey.ai.ledger"),
                "{home:?}"
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
                let address = Address::new("portkey", "integrations", key);
                ledger.records.insert(address, record);
            }
            let holder = Holder::this(&|_| None);
            for _ in 0..2 {
                let hold = home.hold(&holder).await.unwrap();
                let read = home.read().await.unwrap();
                home.save(&ledger, &hold, &read).await.unwrap();
                hold.release().await;
                assert_eq!(home.read().await.unwrap().ledger, ledger);
            }
            let text = ledger.to_text(URL);
            assert!(text.find("integrations.a").unwrap() < text.find("integrations.b").unwrap());
        }
        assert!(folder.path().join(FOLDER).join(".gitignore").exists());
    }

    #[tokio::test]
    async fn what_a_run_on_another_machine_did_is_recovered_from_a_store() {
        let keeper = Keeper::Store(Store::in_memory());
        let home = keeper.home(None, "portkey", URL);
        let other = keeper.home(Some("staging"), "portkey", URL);
        let address: Address = "workspaces.a".parse().unwrap();
        let lost: Address = "workspaces.b".parse().unwrap();
        let hold = home.hold(&Holder::this(&|_| None)).await.unwrap();
        let journal = home.journal(&hold, "d").await.unwrap();
        for address in [&address, &lost] {
            let record = Record::default();
            let intent = journal.intent(address, "POST", "/x", Some(&record));
            intent.await.unwrap();
        }
        journal.outcome(&address, Outcome::Done, None).await;
        let record = Record {
            protect: true,
            ..Record::default()
        };
        journal.record(&address, Some(&record)).await;
        // It dies here: nothing is finished, saved or released.
        let kept = home.read().await.unwrap();
        assert_eq!(kept.ledger.records, BTreeMap::from([(address, record)]));
        assert_eq!(kept.unanswered.into_keys().collect::<Vec<_>>(), [lost]);
        assert!(!other.read().await.unwrap().has_journals());
        journal.finish().await;
        assert!(!home.read().await.unwrap().has_journals());
    }

    #[tokio::test]
    async fn a_ledger_that_was_written_meanwhile_is_not_overwritten() {
        let keeper = Keeper::Store(Store::in_memory());
        let home = keeper.home(None, "portkey", URL);
        let hold = home.hold(&Holder::this(&|_| None)).await.unwrap();
        let read = home.read().await.unwrap();
        home.save(&Ledger::default(), &hold, &read).await.unwrap();
        let late = home
            .save(&Ledger::default(), &hold, &read)
            .await
            .unwrap_err();
        assert!(
            late.to_string()
                .contains("somebody else wrote memory://team/"),
            "{late}"
        );
    }

    #[tokio::test]
    async fn a_missing_ledger_is_empty_and_a_merge_conflict_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(folder.path());
        assert_eq!(home.read().await.unwrap().ledger, Ledger::default());
        let error = |text: &str| Ledger::parse(text, "x", "u").unwrap_err().to_string();
        let header = "{\"gatewright_ledger\":1,\"base_url\":\"u\"}\n";
        let conflict = error(&format!("{header}<<<<<<< HEAD\n"));
        assert!(conflict.contains("x:2: a merge conflict"), "{conflict}");
        let record = "{\"address\":\"workspaces.a\",\"ident\":{}}\n";
        for (text, message) in [
            (String::new(), "the file is empty"),
            (
                format!(
                    "{header}{record}\n{}",
                    record.replace("{}", "{\"id\":\"i\"}")
                ),
                ":4: `workspaces.a` is in here twice",
            ),
            (format!("{header}{{\"addr"), ":2: not a record"),
            (
                header.replace("\"u\"", "\"v\""),
                "this is the ledger of v, not of u",
            ),
        ] {
            assert!(error(&text).contains(message), "{}", error(&text));
        }
        let merged = Ledger::parse(&format!("{header}{record}{record}"), "x", "u").unwrap();
        assert_eq!(merged.records.len(), 1);
    }

    #[test]
    fn a_record_that_moves_says_what_its_fingerprints_are_bound_to_as_long_as_that_is_elsewhere() {
        let [a, b, c] = ["a", "b", "c"].map(|key| Address::new("portkey", "configs", key));
        let record = |line: &str| {
            let line = format!("{{\"address\":\"configs.a\",\"ident\":{{}}{line}}}\n");
            let header = "{\"gatewright_ledger\":1,\"base_url\":\"u\"}\n";
            Ledger::parse(&format!("{header}{line}"), "x", "u").unwrap()
        };
        // As ledgers were written before there was such a field.
        let mut ledger = record(",\"fingerprints\":{\"/key\":\"c.1\"}");
        let before = ledger.to_text("u");
        assert!(!before.contains("bound_to"), "{before}");
        for (from, to, bound_to) in [(&a, &b, Some(&a)), (&b, &c, Some(&a)), (&c, &a, None)] {
            ledger.rename(from, to);
            let text = ledger.to_text("u");
            let read = Ledger::parse(&text, "x", "u").unwrap();
            assert_eq!(read.records[to].bound_to.as_ref(), bound_to, "{text}");
        }
        assert_eq!(ledger.to_text("u"), before);
        let mut without = record("");
        without.rename(&a, &b);
        assert_eq!(without.records[&b].bound_to, None);
    }

    #[test]
    fn servers_and_environments_do_not_share_ledgers() {
        let at = |env, url| stem(env, "portkey", url);
        let all = [
            at(None, URL),
            at(Some("staging"), URL),
            at(None, "http://127.0.0.1:8787/v1"),
            at(None, "http://127.0.0.1:8788/v1"),
        ];
        let distinct: BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}
