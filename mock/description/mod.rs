//! The mock's own description of the API: how the files in `api/`, `behaviour/` and `live/` become one
//! OpenAPI 3.1 document per API and profile.
//!
//! This module is compiled twice, by the build script and by the `describe` tool, and is therefore no part
//! of the library: whoever uses the mock gets the finished documents.

pub(crate) mod jsonpath;
pub(crate) mod merge;
pub(crate) mod node;
pub(crate) mod overlay;

use std::path::{Path, PathBuf};

use node::Node;

/// Why a description could not be put together.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DescriptionError {
    /// A file or folder could not be read.
    #[error("{}: {source}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    /// A file is not the YAML that it should be.
    #[error("{}: {message}", path.display())]
    Yaml { path: PathBuf, message: String },
    /// Two files say different things about the same name.
    #[error("{}: {what} is already described by another file", path.display())]
    Clash { path: PathBuf, what: String },
    /// A reference leads out of the description.
    #[error("{}: the reference {reference} leads nowhere", path.display())]
    Reference { path: PathBuf, reference: String },
    /// A file outside of the folder of an API.
    #[error("{}: it belongs into the folder of an API beside it", path.display())]
    Stray { path: PathBuf },
    /// References that lead nowhere once everything is applied.
    #[error("the finished document has references that lead nowhere: {0}")]
    Dangling(String),
    /// An overlay action that cannot be applied.
    #[error("{}: action {position}, target {target}: {problem}", path.display())]
    Action {
        path: PathBuf,
        position: usize,
        target: String,
        problem: String,
    },
}

/// One of the documents that the build makes: an API in one of its profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    /// The API.
    pub(crate) system: &'static str,
    /// The name that overlays and file names use.
    pub(crate) name: &'static str,
    /// The folder of `api/` that the document is made of.
    pub(crate) api: &'static str,
    /// The folders with overlays, in the order in which they apply.
    pub(crate) layers: &'static [&'static str],
}

impl Profile {
    /// What Portkey's document says, with the mock's behaviour.
    pub(crate) const DOCUMENTED: Self = Self {
        system: "portkey",
        name: "documented",
        api: "portkey",
        layers: &["behaviour"],
    };

    /// The same, corrected to what the live API does: a correction has the last word.
    pub(crate) const LIVE: Self = Self {
        name: "live",
        layers: &["behaviour", "live"],
        ..Self::DOCUMENTED
    };

    /// Arize's API, as its client of today has it.
    pub(crate) const ARIZE: Self = Self {
        system: "arize",
        name: "current",
        api: "arize",
        layers: &["behaviour", "live"],
    };

    /// The same when it had its first integrations.
    pub(crate) const ARIZE_FIRST: Self = Self {
        name: "2026-07-02",
        api: "arize-2026-07-02",
        ..Self::ARIZE
    };

    /// All, in the order in which they are built.
    pub(crate) const ALL: [Self; 4] =
        [Self::DOCUMENTED, Self::LIVE, Self::ARIZE, Self::ARIZE_FIRST];
}

/// Puts together the document of one profile from the folders below `root`.
pub(crate) fn assemble(root: &Path, profile: Profile) -> Result<Node, DescriptionError> {
    for folder in ["api", "behaviour", "live"] {
        // A file that no profile reads would be lost without a word.
        if let Some(stray) = yaml_files(&root.join(folder))?.into_iter().next() {
            return Err(DescriptionError::Stray { path: stray });
        }
    }
    let mut document = merge::folder(&root.join("api").join(profile.api))?;
    for layer in profile.layers {
        for file in yaml_files(&root.join(layer).join(profile.system))? {
            overlay::apply_file(&file, profile, &mut document)?;
        }
    }
    let dangling = merge::dangling(&document);
    if dangling.is_empty() {
        Ok(document)
    } else {
        Err(DescriptionError::Dangling(dangling.join(", ")))
    }
}

/// The YAML files of a folder, in the order of their names; none if there is no such folder.
pub(crate) fn yaml_files(folder: &Path) -> Result<Vec<PathBuf>, DescriptionError> {
    let failed = |source| DescriptionError::Read {
        path: folder.to_owned(),
        source,
    };
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Reads a YAML (or JSON) file as `T`.
pub(crate) fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, DescriptionError> {
    let text = std::fs::read_to_string(path).map_err(|source| DescriptionError::Read {
        path: path.to_owned(),
        source,
    })?;
    // The limits guard against hostile input; these are files that a developer chose, one of them with
    // thousands of nodes and an alias on every path. Only `true` and `false` are booleans, as in YAML 1.2.
    let options = serde_saphyr::options! {
        budget: None,
        strict_booleans: true,
    };
    serde_saphyr::from_str_with_options(&text, options).map_err(|error| DescriptionError::Yaml {
        path: path.to_owned(),
        message: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Profile, assemble};

    const COMMON: &str = "openapi: 3.1.0\ncomponents: {schemas: {A: {type: string}}}\n";

    /// A folder of descriptions that goes away with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn with(name: &str, files: &[(&str, &str)]) -> Self {
            let root = std::env::temp_dir().join(format!("describe-{}-{name}", std::process::id()));
            for (file, text) in files {
                let path = root.join(file);
                std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
                std::fs::write(path, text).expect("a file");
            }
            Self(root)
        }

        fn error(&self) -> String {
            assemble(&self.0, Profile::LIVE)
                .expect_err("a mistake")
                .to_string()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_correction_of_nothing_names_its_file_and_target() {
        let overlay = "overlay: 1.0.0\nactions:\n  - {target: $.openapi, remove: true}\n  - {target: $.paths.x, remove: true}\n";
        let folder = Folder::with(
            "nothing",
            &[
                ("api/portkey/common.yaml", COMMON),
                ("live/portkey/colours.yaml", overlay),
            ],
        );
        let error = folder.error();
        assert!(
            error.ends_with("colours.yaml: action 2, target $.paths.x: it matches nothing"),
            "{error}"
        );
        assert!(assemble(&folder.0, Profile::DOCUMENTED).is_ok());
    }

    #[test]
    fn two_files_cannot_describe_one_name() {
        let other = "components: {schemas: {A: {type: object}}}\n";
        let folder = Folder::with(
            "clash",
            &[
                ("api/portkey/common.yaml", COMMON),
                ("api/portkey/other.yaml", other),
            ],
        );
        let error = folder.error();
        assert!(
            error.ends_with("other.yaml: schemas/A is already described by another file"),
            "{error}"
        );
    }

    #[test]
    fn references_stay_within_the_description() {
        let outside = "paths: {/x: {$ref: 'elsewhere.yaml#/x'}}\n";
        let folder = Folder::with(
            "outside",
            &[
                ("api/portkey/common.yaml", COMMON),
                ("api/portkey/other.yaml", outside),
            ],
        );
        assert!(
            folder
                .error()
                .ends_with("the reference elsewhere.yaml#/x leads nowhere")
        );

        let lost = "paths: {/x: {$ref: 'common.yaml#/components/schemas/B'}}\n";
        let folder = Folder::with(
            "lost",
            &[
                ("api/portkey/common.yaml", COMMON),
                ("api/portkey/other.yaml", lost),
            ],
        );
        assert!(folder.error().ends_with("#/components/schemas/B"));
    }
}
