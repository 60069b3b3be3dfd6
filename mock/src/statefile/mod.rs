//! The state file: every change of what the mock remembers, one line each.
//!
//! A change is handed to the operating system before it is answered for, so that nothing that was acknowledged is lost
//! when the process dies, however it dies. Only if the whole machine does may the last changes be missing. A line that
//! was not finished is dropped when the file is read again.

pub(crate) mod event;
mod read;

use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard};

use tokio::sync::Notify;

use self::event::{Event, Header, Line};
use crate::engine::error::ApiError;

/// How much longer than twice what it has to be a file gets before it is written anew, in bytes.
const SLACK: u64 = 1024 * 1024;

/// A state file that is open, and nobody else's.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    header: Header,
    /// Held by many while each changes something and writes it down; held alone while all states are looked at together.
    changing: RwLock<()>,
    writing: Mutex<Writing>,
    /// The file is so long that it should be written anew.
    long: Notify,
    lock: File,
}

#[derive(Debug)]
struct Writing {
    file: File,
    length: u64,
    /// How long it was when it was written anew.
    least: u64,
    /// What came since its being written anew began.
    since: Option<Vec<u8>>,
    /// Why nothing can be written any more.
    broken: Option<String>,
}

impl StateFile {
    /// Opens a file or makes it, and hands each of its lines to `replay`.
    ///
    /// # Errors
    /// If another process has it, if it is no state file of this API or a later version of one, if it cannot be read or
    /// written, and if a line of it, other than an unfinished last one, makes no sense; with the path and the line.
    pub(crate) fn open(
        path: &Path,
        api: &str,
        replay: impl FnMut(Line) -> Result<(), ApiError>,
    ) -> Result<(StateFile, read::Found), String> {
        let told = |error: std::io::Error| format!("{}: {error}", path.display());
        let mut lock = path.as_os_str().to_owned();
        lock.push(".lock");
        let lock = private(Path::new(&lock)).map_err(told)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(format!("{}: another mock has it open", path.display()));
            }
            Err(TryLockError::Error(error)) => return Err(told(error)),
        }
        let file = private(path).map_err(told)?;
        let header = Header::new(api);
        let found = read::read(path, &file, &header, replay)?;
        // What follows an unfinished line would be taken for a part of it.
        file.set_len(found.length).map_err(told)?;
        let mut writing = Writing {
            file,
            length: found.length,
            least: 0,
            since: None,
            broken: None,
        };
        if found.lines == 0 {
            writing.append(&header.text()).map_err(told)?;
        }
        let state_file = StateFile {
            path: path.to_owned(),
            header,
            changing: RwLock::new(()),
            writing: Mutex::new(writing),
            long: Notify::new(),
            lock,
        };
        Ok((state_file, found))
    }

    fn writing(&self) -> MutexGuard<'_, Writing> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, line: &Line) -> Result<(), ApiError> {
        let text = line.text();
        let mut writing = self.writing();
        let written = match &writing.broken {
            None => writing.append(&text).map_err(|error| error.to_string()),
            Some(reason) => Err(reason.clone()),
        };
        written.map_err(|reason| {
            ApiError::new(
                500,
                format!(
                    "The change cannot be written to {}, and so it was not made: {reason}",
                    self.path.display()
                ),
            )
        })?;
        if writing.since.is_none() && writing.length > 2 * writing.least + SLACK {
            self.long.notify_one();
        }
        Ok(())
    }

    /// Writes nothing any more, and lets others have the file. What still goes on is refused.
    pub(crate) fn close(&self) {
        self.writing().broken = Some("the mock has stopped".to_owned());
        // It ends with the process, at the latest.
        let _ = self.lock.unlock();
    }

    /// Waits until the file should be written anew.
    pub(crate) async fn long(&self) {
        self.long.notified().await;
    }

    /// Writes the file anew: what `cut` finds while nothing changes, and what changed since then. Changes go on meanwhile.
    ///
    /// # Errors
    /// If a file beside it cannot be written; the old one goes on then.
    pub(crate) fn rewrite<C>(
        &self,
        cut: impl FnOnce() -> C,
        lines: impl FnOnce(C, &mut dyn FnMut(Line) -> std::io::Result<()>) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        let alone = self
            .changing
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let cut = cut();
        self.writing().since = Some(Vec::new());
        drop(alone);
        let mut beside = self.path.as_os_str().to_owned();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        let written = self.write_beside(&beside, |each| lines(cut, each));
        let mut writing = self.writing();
        let since = writing.since.take().unwrap_or_default();
        if writing.broken.is_some() {
            // It may be somebody else's by now.
            return std::fs::remove_file(&beside);
        }
        let renamed = written.and_then(|(mut file, length)| {
            file.write_all(&since)?;
            std::fs::rename(&beside, &self.path)?;
            Ok((file, length))
        });
        match renamed {
            Ok((file, length)) => {
                writing.file = file;
                writing.length = length + since.len() as u64;
                writing.least = length;
                Ok(())
            }
            Err(error) => {
                // Trying again with every change would cost more than the room it is about.
                writing.least = writing.length;
                let _ = std::fs::remove_file(&beside);
                Err(error)
            }
        }
    }

    fn write_beside(
        &self,
        beside: &Path,
        lines: impl FnOnce(&mut dyn FnMut(Line) -> std::io::Result<()>) -> std::io::Result<()>,
    ) -> std::io::Result<(File, u64)> {
        // What a rewriting that was cut short has left there.
        let _ = std::fs::remove_file(beside);
        let mut file = std::io::BufWriter::new(private(beside)?);
        let header = self.header.text();
        let mut length = header.len() as u64;
        file.write_all(&header)?;
        lines(&mut |line| {
            let text = line.text();
            length += text.len() as u64;
            file.write_all(&text)
        })?;
        let file = file
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)?;
        // It takes the place of one that may have been on the disk for long.
        file.sync_data()?;
        Ok((file, length))
    }
}

impl Writing {
    fn append(&mut self, text: &[u8]) -> std::io::Result<()> {
        if let Err(error) = self.file.write_all(text) {
            // A part of a line may be there; the next one must not be taken for the rest of it.
            if let Err(again) = self.file.set_len(self.length) {
                self.broken = Some(again.to_string());
            }
            return Err(error);
        }
        self.length += text.len() as u64;
        if let Some(since) = &mut self.since {
            since.extend_from_slice(text);
        }
        Ok(())
    }
}

/// Opens a file to append to, or makes it, for the user's own eyes: clients may have sent anything.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.create(true).append(true).read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Where a mock writes its changes down: nowhere until a file is opened, and while it is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keeper(Arc<OnceLock<StateFile>>);

impl Keeper {
    /// Writes changes to this file from now on.
    pub(crate) fn begin(&self, file: StateFile) {
        // There is one file for one mock.
        let _ = self.0.set(file);
    }

    /// The file, if there is one.
    pub(crate) fn file(&self) -> Option<&StateFile> {
        self.0.get()
    }
}

/// Where the changes of one state are written down, and which state that is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book {
    keeper: Keeper,
    /// The organisation, by what is kept of its key; none for the built-in key's.
    tenant: Option<Arc<str>>,
    /// The branch; none for the current state.
    branch: Option<Arc<str>>,
}

impl Book {
    pub(crate) fn new(keeper: &Keeper, tenant: Option<&str>) -> Book {
        Book {
            keeper: keeper.clone(),
            tenant: tenant.map(Arc::from),
            branch: None,
        }
    }

    /// The book of a branch of the same organisation.
    pub(crate) fn branch(&self, name: &str) -> Book {
        Book {
            branch: Some(Arc::from(name)),
            ..self.clone()
        }
    }

    /// To be held from before a change is written down until it is made, and not twice by the same.
    pub(crate) fn changing(&self) -> Option<RwLockReadGuard<'_, ()>> {
        let file = self.keeper.file()?;
        Some(file.changing.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether changes are written down.
    pub(crate) fn is_kept(&self) -> bool {
        self.keeper.file().is_some()
    }

    /// Writes a change down.
    ///
    /// # Errors
    /// If it cannot be written: then it must not be made.
    pub(crate) fn note(&self, event: impl FnOnce() -> Event) -> Result<(), ApiError> {
        match self.keeper.file() {
            None => Ok(()),
            Some(file) => file.append(&self.line(event())),
        }
    }

    /// The line of an event.
    pub(crate) fn line(&self, event: Event) -> Line {
        Line {
            tenant: self.tenant.clone(),
            branch: self.branch.clone(),
            event,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::Arc;

    use super::{Book, Keeper, StateFile};
    use crate::engine::error::ApiError;
    use crate::store::lag::Lag;
    use crate::store::{State, Store};

    #[test]
    fn a_change_that_cannot_be_written_down_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let (file, _) = StateFile::open(&path, "x", |_| Ok(())).unwrap();
        // A file to read from takes no change, as a full disk would not.
        file.writing().file = File::open(&path).unwrap();
        let keeper = Keeper::default();
        keeper.begin(file);
        let store = Store::new(State::default(), Book::new(&keeper, None), &Lag::default());
        for _ in 0..2 {
            let refused = store.write(|state| {
                state.account_mut("x").user_id = Arc::from("somebody");
                Ok::<(), ApiError>(())
            });
            let refused = refused.unwrap_err();
            assert_eq!(refused.status, 500);
            assert!(
                refused.message.contains("and so it was not made"),
                "{}",
                refused.message
            );
            assert!(!store.read().has_account("x"));
        }
        let taken = store.hold(|| super::Event::Start);
        assert!(taken.is_err());
    }
}
