//! Repositories in, problems out.

mod bad;
mod good;
mod kinds;
mod large;

use std::path::Path;

use super::{Loaded, Options, load};
use crate::diagnostic::render::{Style, text};
use crate::kind::System;

/// A repository in a temporary folder.
pub(super) struct Project {
    folder: tempfile::TempDir,
    environment: Option<&'static str>,
    variables: Vec<(&'static str, &'static str)>,
    placeholders: bool,
    systems: &'static [&'static System],
}

pub(super) fn project(files: &[(&str, &str)]) -> Project {
    let folder = tempfile::tempdir().unwrap();
    let project = Project {
        folder,
        environment: None,
        variables: Vec::new(),
        placeholders: false,
        systems: kinds::SYSTEMS,
    };
    if !files.iter().any(|(name, _)| *name == super::PROJECT_FILE) {
        project.write(super::PROJECT_FILE, b"gatewright: 1\n");
    }
    for (name, text) in files {
        project.write(name, text.as_bytes());
    }
    project
}

/// What is said of one manifest, `a.yaml`.
pub(super) fn said(manifest: &str) -> String {
    project(&[("a.yaml", manifest)]).said()
}

impl Project {
    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.root().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn environment(mut self, name: &'static str) -> Self {
        self.environment = Some(name);
        self
    }

    fn set(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.push((name, value));
        self
    }

    fn load(&self) -> Loaded {
        let find = |name: &str| {
            let mut variables = self.variables.iter();
            variables
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        load(&Options {
            root: self.root(),
            environment: self.environment,
            variables: &find,
            placeholders: self.placeholders,
            may_be_empty: false,
            systems: self.systems,
            texts: &super::Texts::new(),
            defer_secrets: false,
        })
    }

    fn said(&self) -> String {
        let loaded = self.load();
        let text = text(&loaded.diagnostics, &loaded.sources, Style::default());
        assert_eq!(
            loaded.repository.is_none(),
            loaded
                .diagnostics
                .iter()
                .any(crate::diagnostic::Diagnostic::is_error)
        );
        text.replace(&self.root().display().to_string(), "[ROOT]")
    }
}
