//! Loads a repository: from the project file and the manifests to checked entries.
//!
//! Loading goes on after a problem as long as there is something to look at, so that one run
//! reports everything. It never prints, and it touches nothing outside the file system.

mod check;
mod cycles;
mod document;
mod encrypted;
mod entry;
mod files;
mod gates;
mod holes;
mod index;
mod lifecycle;
mod load;
mod locate;
mod names;
mod project;
mod read;
mod references;
mod rules;
mod schema;
mod scopes;
mod sinks;
mod suggest;

pub use encrypted::is_encrypted;
pub use entry::{Entry, Link, Unset};
pub use files::{PROJECT_FILE, Texts};
pub use lifecycle::{Lifecycle, LifecycleForm};
pub use load::{environments, load};
pub use project::{Project, SystemSettings};
pub use read::unset_secrets;

use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Sources};
use crate::kind::System;
use crate::model::{Address, Pointer, SecretSet};

/// What to load, and from where values may come.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// The folder of the project file.
    pub root: &'a Path,
    /// The environment to lay over the project.
    pub environment: Option<&'a str>,
    /// The environment variables.
    pub variables: &'a dyn Fn(&str) -> Option<String>,
    /// Whether unset variables and unreadable files get stand-ins, as runs against the mock want.
    pub placeholders: bool,
    /// Whether a repository that declares nothing is right.
    pub may_be_empty: bool,
    /// The systems that manifests can speak of, the default one first.
    pub systems: &'a [&'static System],
    /// Texts that take the place of files, or stand for files that are not there yet.
    pub texts: &'a Texts,
    /// Whether the entries' secrets may be unset for now: [`Entry::unset`] says which are, and the
    /// caller decides which of them it needs.
    pub defer_secrets: bool,
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("root", &self.root)
            .field("environment", &self.environment)
            .field("placeholders", &self.placeholders)
            .finish_non_exhaustive()
    }
}

/// What came of loading.
#[derive(Debug)]
pub struct Loaded {
    /// The texts of all files, for messages.
    pub sources: Sources,
    /// What is wrong, sorted by place.
    pub diagnostics: Vec<Diagnostic>,
    /// The repository; `None` where an error stops the run.
    pub repository: Option<Repository>,
}

/// A repository without errors.
#[derive(Debug)]
pub struct Repository {
    /// The folder of the project file.
    pub root: PathBuf,
    /// What the project file says.
    pub project: Project,
    /// The environment that was laid over it.
    pub environment: Option<String>,
    /// Everything that is declared, sorted by address.
    pub entries: Vec<Entry>,
    /// Every secret that was read.
    pub secrets: SecretSet,
}

impl Repository {
    /// Leaves unset secrets alone where `covered` says that they are not needed, as if they were
    /// under `lifecycle.ignore`.
    ///
    /// # Errors
    /// One problem for each variable that the other ones need.
    pub fn leave_unset(
        &mut self,
        covered: &dyn Fn(&Address, &Pointer) -> bool,
    ) -> Result<(), Vec<Diagnostic>> {
        let mut needed = Vec::new();
        for entry in &mut self.entries {
            for unset in &entry.unset {
                if covered(&entry.address, &unset.at) {
                    entry.lifecycle.ignore.push(unset.at.clone());
                } else {
                    needed.push(unset);
                }
            }
        }
        match needed.is_empty() {
            true => Ok(()),
            false => Err(unset_secrets(needed)),
        }
    }

    /// The entry of that address.
    pub fn entry(&self, address: &Address) -> Option<&Entry> {
        let at = self
            .entries
            .binary_search_by(|entry| entry.address.cmp(address));
        at.ok().map(|at| &self.entries[at])
    }
}

#[cfg(test)]
mod tests;
