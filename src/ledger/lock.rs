//! One writer at a time.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::{LedgerError, io, prepare_folder};

/// A lock on a ledger. It ends with the process that holds it, however that ends, so that a crashed
/// run never blocks the next one. It holds on one machine; a folder that several machines share has
/// the locking of its file system.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a ledger.
    ///
    /// # Errors
    /// Where another process holds it, or the file system refuses.
    pub fn take(ledger: &Path) -> Result<Self, LedgerError> {
        let path = ledger.with_extension("lock");
        if let Some(folder) = path.parent() {
            prepare_folder(folder)?;
        }
        let file = File::options().create(true).append(true).open(&path);
        let file = file.map_err(|source| io("create", &path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LedgerError::Locked { path }),
            Err(TryLockError::Error(source)) => Err(io("lock", &path, source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_writer_is_refused_until_the_first_one_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("x.ledger");
        let first = Lock::take(&ledger).unwrap();
        assert!(matches!(
            Lock::take(&ledger),
            Err(LedgerError::Locked { .. })
        ));
        drop(first);
        Lock::take(&ledger).unwrap();
    }
}
