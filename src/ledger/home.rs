//! Where a ledger is kept: in the repository, or in a store that several machines share.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::journal::{self, Journal, Unanswered};
use super::lease::{Clock, Holder, Lease, Ticket};
use super::store::{Store, StoreError, Version};
use super::{FOLDER, Ledger, LedgerError, Lock, io, prepare_folder, stem};
use crate::model::Address;

/// Where a repository keeps its ledgers.
#[derive(Clone, Debug)]
pub enum Keeper {
    /// In the repository at this path.
    Repository(PathBuf),
    /// In a store.
    Store(Store),
}

/// Where the ledger of one environment and server is. Servers do not share ledgers, so that trying
/// a repository on another server cannot confuse what is owned where.
#[derive(Clone, Debug)]
pub struct Home {
    keeper: Keeper,
    /// What the names of the files begin with.
    stem: String,
    base_url: String,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Kept {
    /// The ledger, with what the journals say.
    pub ledger: Ledger,
    /// The creations of earlier runs of which nobody knows how they ended.
    pub unanswered: BTreeMap<Address, Unanswered>,
    /// The journals of runs that ended abruptly: what they say is in the ledger.
    journals: Vec<String>,
    version: Version,
}

/// What keeps other runs away.
#[derive(Debug)]
pub enum Hold {
    /// The lock of a file.
    Lock(Lock),
    /// The lease of a store.
    Lease(Arc<Lease>),
}

impl Keeper {
    /// The place that the project file names, or the repository.
    ///
    /// # Errors
    /// Where it names no place.
    pub fn open(
        root: &Path,
        setting: Option<&str>,
        variables: &[(String, String)],
    ) -> Result<Self, StoreError> {
        Ok(match setting {
            Some(setting) => Self::Store(Store::open(setting, root, variables)?),
            None => Self::Repository(root.to_owned()),
        })
    }

    /// Whether there is a ledger of a system, of whatever environment and server.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn has(&self, system: &str) -> Result<bool, StoreError> {
        let names = match self {
            Self::Store(store) => store.list("").await?,
            Self::Repository(root) => {
                let entries = std::fs::read_dir(root.join(FOLDER)).into_iter().flatten();
                let names = entries
                    .filter_map(Result::ok)
                    .map(|entry| entry.file_name());
                names
                    .map(|name| name.to_string_lossy().into_owned())
                    .collect()
            }
        };
        let of_system = format!("{system}@");
        let mut names = names.iter();
        Ok(names.any(|name| name.ends_with(".ledger") && name.contains(&of_system)))
    }

    /// The home of one ledger.
    pub fn home(&self, environment: Option<&str>, system: &str, base_url: &str) -> Home {
        Home {
            keeper: self.clone(),
            stem: stem(environment, system, base_url),
            base_url: base_url.to_owned(),
        }
    }
}

impl Home {
    /// What people call the ledger.
    pub fn name(&self) -> String {
        match &self.keeper {
            Keeper::Repository(root) => self.path(root).display().to_string(),
            Keeper::Store(store) => store.name(&self.object()),
        }
    }

    fn object(&self) -> String {
        format!("{}.ledger", self.stem)
    }

    fn path(&self, root: &Path) -> PathBuf {
        root.join(FOLDER).join(self.object())
    }

    /// Reads the ledger, one that is not there as an empty one, and folds in the journals of runs
    /// that ended abruptly.
    ///
    /// # Errors
    /// Where something cannot be read, or the ledger is damaged.
    pub async fn read(&self) -> Result<Kept, LedgerError> {
        let mut kept = Kept::default();
        let mut journals = Vec::new();
        let text = match &self.keeper {
            Keeper::Repository(root) => {
                let path = self.path(root);
                for path in journal::left_in_folder(&path) {
                    let text = std::fs::read_to_string(&path);
                    journals.push(text.map_err(|source| io("read", &path, source))?);
                    kept.journals.push(path.to_string_lossy().into_owned());
                }
                match std::fs::read_to_string(&path) {
                    Ok(text) => Some(text),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                    Err(source) => return Err(io("read", &path, source)),
                }
            }
            Keeper::Store(store) => {
                // First the journals: one that is done with by now is in the ledger.
                for name in store.list("").await? {
                    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
                    if journal::is_of(folder, &self.stem) {
                        journals.extend(store.read(&name).await?.map(|(text, _)| text));
                        kept.journals.push(name);
                    }
                }
                let read = store.read(&self.object()).await?;
                read.map(|(text, version)| {
                    kept.version = version;
                    text
                })
            }
        };
        if let Some(text) = text {
            kept.ledger = Ledger::parse(&text, &self.name(), &self.base_url)?;
        }
        for text in journals {
            journal::fold(&text, &mut kept.ledger, &mut kept.unanswered);
        }
        Ok(kept)
    }

    /// Keeps other runs away.
    ///
    /// # Errors
    /// Where another run is writing, or the file system or the store refuses.
    pub async fn hold(&self, holder: &Holder) -> Result<Hold, LedgerError> {
        match &self.keeper {
            Keeper::Repository(root) => Ok(Hold::Lock(Lock::take(&self.path(root))?)),
            Keeper::Store(store) => {
                let clock: Clock = Arc::new(jiff::Timestamp::now);
                let folder = format!("{}.lease", self.stem);
                let lease = Lease::take(store, &folder, holder, &clock).await?;
                Ok(Hold::Lease(Arc::new(lease)))
            }
        }
    }

    /// Begins the journal of a run. `digest` is the digest of the plan that is applied.
    ///
    /// # Errors
    /// Where the file system or the store refuses.
    pub async fn journal(&self, hold: &Hold, digest: &str) -> Result<Journal, LedgerError> {
        match (&self.keeper, hold) {
            (Keeper::Store(store), Hold::Lease(lease)) => {
                let folder = format!("{}.{}.journal", self.stem, lease.holder().run);
                Journal::in_store(store, folder, Arc::clone(lease), digest).await
            }
            (Keeper::Repository(root), _) => Journal::in_folder(&self.path(root), digest).await,
            // A store is always held by a lease.
            (Keeper::Store(_), Hold::Lock(_)) => Ok(Journal::in_memory()),
        }
    }

    /// Writes the ledger, whole or not at all, in place of the one that was read, and removes the
    /// journals that were folded into it.
    ///
    /// # Errors
    /// Where the file system or the store refuses, another run wrote it meanwhile, or the lease is
    /// lost.
    pub async fn save(&self, ledger: &Ledger, hold: &Hold, read: &Kept) -> Result<(), LedgerError> {
        let text = ledger.to_text(&self.base_url);
        match &self.keeper {
            Keeper::Repository(root) => {
                write(&self.path(root), &text)?;
                for journal in &read.journals {
                    // One that stays is folded in again next time, to the same effect.
                    let _ = std::fs::remove_file(journal);
                }
            }
            Keeper::Store(store) => {
                if let Hold::Lease(lease) = hold {
                    lease.check()?;
                }
                store.replace(&self.object(), text, &read.version).await?;
                store.delete(read.journals.clone()).await;
            }
        }
        Ok(())
    }
}

impl Kept {
    /// Whether earlier runs left something that the ledger does not have yet.
    pub fn has_journals(&self) -> bool {
        !self.journals.is_empty()
    }
}

impl Hold {
    /// Whose lease had ended without being given back.
    pub fn taken_from(&self) -> Option<&Ticket> {
        match self {
            Self::Lock(_) => None,
            Self::Lease(lease) => lease.taken_from(),
        }
    }

    /// Lets others go on at once.
    pub async fn release(self) {
        if let Self::Lease(lease) = self
            && let Some(lease) = Arc::into_inner(lease)
        {
            lease.release().await;
        }
    }
}

/// Writes a file of the repository, whole or not at all.
fn write(path: &Path, text: &str) -> Result<(), LedgerError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    prepare_folder(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)
        .map_err(|source| io("write into", folder, source))?;
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
