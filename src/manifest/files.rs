//! Finds and reads the files of a repository.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use walkdir::WalkDir;

use crate::diagnostic::FileId;
use crate::diagnostic::{Diagnostic, Location, Sources};
use crate::yaml::{self, DecodeError};

/// The name of the project file.
pub const PROJECT_FILE: &str = "gatewright.yaml";

/// The manifests of a project that does not say which files they are.
const DEFAULT_GLOBS: [&str; 2] = ["**/*.yaml", "**/*.yml"];

/// Texts by the names of files, relative to the root, with `/` on every platform.
pub type Texts = BTreeMap<String, String>;

/// A pattern of the project file and where it stands there.
#[derive(Debug)]
pub(super) struct Glob {
    pub(super) text: String,
    pub(super) place: Location,
}

/// A file that a pattern names.
#[derive(Debug)]
pub(super) struct Found {
    /// Relative to the root, with `/` on every platform.
    pub(super) name: String,
    pub(super) path: PathBuf,
}

/// The manifests below `root`, sorted by name. `globs` is `None` where the project file does not
/// say which they are.
pub(super) fn find(
    root: &Path,
    globs: Option<&[Glob]>,
    texts: &Texts,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Found> {
    let mut matchers: Vec<(GlobMatcher, Option<&Glob>, bool)> = Vec::new();
    match globs {
        Some(globs) => {
            for glob in globs {
                match compile(&glob.text) {
                    Ok(matcher) => matchers.push((matcher, Some(glob), false)),
                    Err(reason) => diagnostics.push(
                        Diagnostic::error("bad-glob", format!("invalid pattern `{}`", glob.text))
                            .at(glob.place.clone(), reason),
                    ),
                }
            }
        }
        None => matchers.extend(
            DEFAULT_GLOBS
                .iter()
                .filter_map(|glob| compile(glob).ok())
                .map(|matcher| (matcher, None, false)),
        ),
    }
    let mut found = Vec::new();
    let walk = WalkDir::new(root)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry.file_name()));
    for entry in walk {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                diagnostics.push(unreadable_folder(root, &error));
                continue;
            }
        };
        let Ok(relative) = entry.path().strip_prefix(root) else {
            continue;
        };
        let name = relative.to_string_lossy().replace('\\', "/");
        if name.is_empty() || name == PROJECT_FILE {
            continue;
        }
        let mut wanted = false;
        for (matcher, _, used) in &mut matchers {
            if matcher.is_match(&name) {
                *used = true;
                wanted = true;
            }
        }
        // A folder that looks like a manifest is reported when it is read.
        let is_folder = entry.file_type().is_dir();
        if wanted && (!is_folder || name.ends_with(".yaml") || name.ends_with(".yml")) {
            found.push(Found {
                name,
                path: entry.path().to_owned(),
            });
        }
    }
    for name in texts.keys().filter(|name| *name != PROJECT_FILE) {
        let mut wanted = false;
        for (matcher, _, used) in &mut matchers {
            if matcher.is_match(name) {
                *used = true;
                wanted = true;
            }
        }
        if wanted && !found.iter().any(|known| known.name == *name) {
            found.push(Found {
                name: name.clone(),
                path: root.join(name),
            });
        }
    }
    for (_, glob, used) in matchers {
        if let (Some(glob), false) = (glob, used) {
            let message = format!("no file matches `{}`", glob.text);
            diagnostics.push(
                Diagnostic::error("no-manifests", message)
                    .at(glob.place.clone(), "matches nothing")
                    .note(
                        "patterns are relative to the folder of the project file; folders whose \
                           name begins with a dot are skipped",
                    ),
            );
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// Reads a file into `sources`.
///
/// # Errors
/// A problem that says why the file cannot be read.
pub(super) fn read(
    found: &Found,
    texts: &Texts,
    sources: &mut Sources,
) -> Result<FileId, Box<Diagnostic>> {
    if let Some(text) = texts.get(&found.name) {
        return Ok(sources.add(&found.name, text));
    }
    let fail = |reason: String| {
        let message = format!("cannot read `{}`: {reason}", found.name);
        Box::new(Diagnostic::error("unreadable-file", message))
    };
    if found.path.is_dir() {
        let hint = "rename the folder, or change the patterns under `manifests:`";
        return Err(Box::new(fail("it is a folder".to_owned()).help(hint)));
    }
    let bytes = bytes(&found.path, yaml::MAX_BYTES).map_err(|error| fail(reason(&error)))?;
    match yaml::decode(bytes) {
        Ok(text) => Ok(sources.add(&found.name, text)),
        Err(error) => {
            let help = match error {
                DecodeError::NotUtf8 { .. } => "save it as UTF-8",
                DecodeError::TooLarge(_) => "split it into several files",
            };
            Err(Box::new(fail(error.to_string()).help(help)))
        }
    }
}

/// The bytes of a file, at most one more than `limit`: devices and pipes have no size to ask for.
pub(super) fn bytes(path: &Path, limit: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Why something could not be read, in the words of messages.
pub(super) fn reason(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    }
}

fn compile(glob: &str) -> Result<GlobMatcher, String> {
    let outside = glob.split('/').any(|part| part == "..");
    if glob.starts_with('/') || outside {
        return Err("must stay below the folder of the project file".to_owned());
    }
    let glob = glob.strip_prefix("./").unwrap_or(glob);
    GlobBuilder::new(glob)
        .literal_separator(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| error.kind().to_string())
}

fn is_hidden(name: &std::ffi::OsStr) -> bool {
    name.to_string_lossy().starts_with('.')
}

fn unreadable_folder(root: &Path, error: &walkdir::Error) -> Diagnostic {
    let path = error.path().unwrap_or(root);
    let name = path.strip_prefix(root).unwrap_or(path).display();
    let reason = match error.io_error() {
        Some(error) => reason(error),
        None => error.to_string(),
    };
    Diagnostic::error("unreadable-file", format!("cannot read `{name}`: {reason}"))
}
