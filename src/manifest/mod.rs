//! Loads a repository: from the project file and the manifests to checked entries.
//!
//! Loading goes on after a problem as long as there is something to look at, so that one run
//! reports everything. It never prints, and it touches nothing outside the file system.

mod check;
mod cycles;
mod document;
mod entry;
mod files;
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
mod suggest;

pub use entry::{Entry, Link};
pub use files::PROJECT_FILE;
pub use lifecycle::{Lifecycle, LifecycleForm};
pub use load::load;
pub use project::{Project, SystemSettings};

use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Sources};
use crate::kind::System;
use crate::model::{Address, SecretSet};

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
    /// The systems that manifests can speak of, the default one first.
    pub systems: &'a [&'static System],
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
