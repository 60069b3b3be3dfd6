//! Bringing a secret that a server has just made to where its user wants it.
//!
//! Whether that place can be written is found out before the server is asked: a secret that
//! nobody can receive is not made. It is on no path back into the program.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::model::{Address, Secret, SecretSet, Sink};

/// How long a program may take to receive a secret.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much of what a program says about its failure is shown.
const EXCERPT: usize = 400;

/// How the secrets of a run are delivered.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The folder that paths are relative to and programs run in.
    pub root: PathBuf,
    /// Throw them away: they are the embedded mock's, and open nothing.
    pub discard: bool,
    /// What must not be in what a program says.
    pub secrets: SecretSet,
}

/// A place that cannot receive a secret.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The file system refused.
    #[error("cannot write {path}: {source}", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// Not inside a workflow of GitHub's.
    #[error("{0} is not set, so this is no step of a GitHub workflow")]
    NoWorkflow(&'static str),
    /// Not a name that a step's output or variable can have.
    #[error("`{0}` cannot be the name of an output or a variable")]
    Name(String),
    /// The program is not there or cannot be run.
    #[error("cannot run {program}: {source}")]
    Program {
        /// The program.
        program: String,
        /// The reason.
        source: std::io::Error,
    },
    /// The program said no.
    #[error("{program} ended with {status}{said}")]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: String,
        /// What it said, after a colon, cleaned of secrets.
        said: String,
    },
}

/// A place that is ready to receive a secret.
#[derive(Debug)]
pub(super) enum Place {
    Nowhere,
    File(NamedTempFile, PathBuf),
    Program(Vec<String>),
    Lines(File, PathBuf, String),
}

impl Delivery {
    /// Makes sure that a sink can be written.
    pub(super) fn prepare(&self, sink: &Sink) -> Result<Place, DeliveryError> {
        if self.discard {
            return Ok(Place::Nowhere);
        }
        match sink {
            Sink::File(path) => {
                let path = self.root.join(path);
                let folder = path.parent().unwrap_or(Path::new("."));
                let io = |source| DeliveryError::Io {
                    path: path.clone(),
                    source,
                };
                std::fs::create_dir_all(folder).map_err(|source| match source.kind() {
                    std::io::ErrorKind::AlreadyExists => {
                        io(std::io::ErrorKind::NotADirectory.into())
                    }
                    _ => io(source),
                })?;
                if path.is_dir() {
                    return Err(io(std::io::ErrorKind::IsADirectory.into()));
                }
                // Only its owner can read or write a temporary file, and renaming keeps that.
                let file = NamedTempFile::new_in(folder).map_err(io)?;
                Ok(Place::File(file, path))
            }
            Sink::Command(words) => {
                let program = words.first().map_or("", String::as_str);
                match self.find(program) {
                    Ok(()) => Ok(Place::Program(words.clone())),
                    Err(source) => Err(DeliveryError::Program {
                        program: program.to_owned(),
                        source,
                    }),
                }
            }
            Sink::GithubOutput(name) => lines("GITHUB_OUTPUT", name),
            Sink::GithubEnv(name) => lines("GITHUB_ENV", name),
        }
    }

    /// Looks whether a program is there and may be run.
    fn find(&self, program: &str) -> std::io::Result<()> {
        let of_path = !program.contains(std::path::MAIN_SEPARATOR);
        let files: Vec<PathBuf> = match of_path {
            true => {
                let path = std::env::var_os("PATH").unwrap_or_default();
                let folders = std::env::split_paths(&path);
                folders.map(|folder| folder.join(program)).collect()
            }
            false => vec![self.root.join(program)],
        };
        let mut there = files.iter().filter(|file| file.is_file()).peekable();
        let found = !program.is_empty() && there.peek().is_some();
        match (found, of_path) {
            (true, _) if there.any(|file| may_run(file)) => Ok(()),
            (true, _) => Err(std::io::ErrorKind::PermissionDenied.into()),
            (false, true) => Err(std::io::Error::other("no folder of PATH has it")),
            (false, false) => Err(std::io::Error::other("there is no such file")),
        }
    }

    /// Hands a secret over.
    pub(super) async fn deliver(
        &self,
        place: Place,
        address: &Address,
        secret: &Secret,
    ) -> Result<(), DeliveryError> {
        match place {
            Place::Nowhere => Ok(()),
            Place::File(mut file, path) => {
                let written = file
                    .write_all(secret.reveal().as_bytes())
                    .and_then(|()| file.as_file().sync_all())
                    .and_then(|()| file.persist(&path).map_err(|error| error.error));
                let written = written.map(drop);
                written.map_err(|source| DeliveryError::Io { path, source })
            }
            Place::Lines(mut file, path, name) => {
                // The form for any text: what ends it cannot be in it.
                let end = uuid::Uuid::now_v7().simple();
                let text = format!("{name}<<{end}\n{}\n{end}\n", secret.reveal());
                let written = file.write_all(text.as_bytes());
                written.map_err(|source| DeliveryError::Io { path, source })
            }
            Place::Program(words) => self.run(&words, address, secret).await,
        }
    }

    async fn run(
        &self,
        words: &[String],
        address: &Address,
        secret: &Secret,
    ) -> Result<(), DeliveryError> {
        let Some((program, arguments)) = words.split_first() else {
            return Ok(());
        };
        let fail = |source| DeliveryError::Program {
            program: program.clone(),
            source,
        };
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(&self.root)
            .env("GATEWRIGHT_ADDRESS", address.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(fail)?;
        let input = child.stdin.take();
        let exchange = async {
            let feed = async {
                if let Some(mut input) = input {
                    // A program that does not read it all says by its status whether that is well.
                    let _ = input.write_all(secret.reveal().as_bytes()).await;
                }
            };
            let ((), output) = tokio::join!(feed, child.wait_with_output());
            output
        };
        let output = tokio::time::timeout(PATIENCE, exchange)
            .await
            .map_err(|_| fail(std::io::ErrorKind::TimedOut.into()))?
            .map_err(fail)?;
        if output.status.success() {
            return Ok(());
        }
        let said = self
            .secrets
            .redact(&String::from_utf8_lossy(&output.stderr));
        let said: String = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let said: String = said.chars().take(EXCERPT).collect();
        Err(DeliveryError::Failed {
            program: program.clone(),
            status: output.status.to_string(),
            said: if said.is_empty() {
                said
            } else {
                format!(": {said}")
            },
        })
    }
}

/// Whether somebody may run a file.
fn may_run(file: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(file).is_ok_and(|about| about.permissions().mode() & 0o111 != 0)
    }
    #[cfg(not(unix))]
    {
        file.is_file()
    }
}

/// A file that GitHub's runner reads after the step.
fn lines(variable: &'static str, name: &str) -> Result<Place, DeliveryError> {
    if name.is_empty() || !name.chars().all(Sink::may_name) {
        return Err(DeliveryError::Name(name.to_owned()));
    }
    let path = std::env::var_os(variable).filter(|path| !path.is_empty());
    let path = PathBuf::from(path.ok_or(DeliveryError::NoWorkflow(variable))?);
    match File::options().append(true).create(true).open(&path) {
        Ok(file) => Ok(Place::Lines(file, path, name.to_owned())),
        Err(source) => Err(DeliveryError::Io { path, source }),
    }
}
