//! Runs of the built program.

use std::fmt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::Value;

use super::wait_for;

/// A command line that is being put together.
#[derive(Debug)]
pub(crate) struct Cli {
    pub(super) command: Command,
}

/// A run that ended.
#[derive(Debug)]
pub(crate) struct Run {
    /// The exit code; 128 and the number of the signal where one ended the process, as in shells.
    pub(crate) code: i32,
    /// Whether the process ended by itself and was not ended by a signal.
    pub(crate) exited: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A run that goes on.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    stdout: Stream,
    stderr: Stream,
}

impl Cli {
    /// The program with a clean environment. It does not wait for long before it tries again:
    /// nobody else is on these servers.
    pub(crate) fn new<const N: usize>(arguments: [&str; N]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatewright"));
        command.env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
            .env("HOME", std::env::temp_dir())
            .env("NO_COLOR", "1")
            .env("GATEWRIGHT_RETRY_WAIT", "10ms")
            .env("COLUMNS", "80");
        command.args(arguments);
        Self { command }
    }

    /// Runs it in a folder.
    pub(crate) fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    pub(crate) fn arg(mut self, argument: &str) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Lets no file grow beyond so many blocks of 512 bytes: writing more fails, as on a full disk.
    pub(crate) fn with_small_files(self, blocks: usize) -> Self {
        let mut command = Command::new("sh");
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        command.arg("-c").arg(script);
        command
            .arg(self.command.get_program())
            .args(self.command.get_args());
        command.env_clear();
        for (name, value) in self.command.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        if let Some(folder) = self.command.get_current_dir() {
            command.current_dir(folder);
        }
        Self { command }
    }

    /// Starts it with nobody at the terminal.
    #[track_caller]
    pub(crate) fn start(mut self) -> Process {
        self.command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        let stdout = Stream::read(child.stdout.take().unwrap());
        let stderr = Stream::read(child.stderr.take().unwrap());
        Process {
            child,
            stdout,
            stderr,
        }
    }

    /// Runs it to its end.
    #[track_caller]
    pub(crate) fn run(self) -> Run {
        self.start().wait()
    }
}

/// What came on a stream so far, and who reads it.
#[derive(Debug)]
struct Stream {
    text: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Stream {
    fn read(mut stream: impl std::io::Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let shared = Arc::clone(&text);
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let mut chunk = [0; 8192];
            while let Ok(count @ 1..) = stream.read(&mut chunk) {
                bytes.extend_from_slice(&chunk[..count]);
                *shared.lock().unwrap() = String::from_utf8_lossy(&bytes).into_owned();
            }
        });
        Self {
            text,
            reader: Some(reader),
        }
    }

    fn so_far(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    fn whole(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.so_far()
    }
}

impl Process {
    /// Sends a signal: `INT`, `TERM`.
    #[track_caller]
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill")
            .args(["-s", name, &id])
            .status()
            .unwrap();
        assert!(status.success(), "kill -s {name}");
    }

    /// Ends the process as a crash would.
    pub(crate) fn crash(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it has printed this on standard output or standard error.
    #[track_caller]
    pub(crate) fn wait_until_it_says(&self, words: &str) {
        let said = || self.stdout.so_far().contains(words) || self.stderr.so_far().contains(words);
        wait_for(words, || said().then_some(()));
    }

    /// What it has printed on standard output so far.
    pub(crate) fn stdout_so_far(&self) -> String {
        self.stdout.so_far()
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Run {
        let status = wait_for("the program to end", || self.child.try_wait().unwrap());
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        Run {
            code: status.code().or(signal.map(|signal| 128 + signal)).unwrap(),
            exited: status.code().is_some(),
            stdout: self.stdout.whole(),
            stderr: self.stderr.whole(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Where a test failed before the end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Run {
    /// Wants an exit code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// Standard output as exactly one JSON document, whose exit code is that of the process.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let document: Value = serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("not exactly one JSON document: {error}\n{self}"));
        assert_eq!(document["exit_code"], self.code, "{self}");
        document
    }

    /// The codes of the diagnostics, errors first as they come.
    #[track_caller]
    pub(crate) fn codes(&self) -> Vec<String> {
        let document = self.json();
        let diagnostics = document["diagnostics"].as_array().unwrap();
        diagnostics
            .iter()
            .map(|d| d["code"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The human plan's lines about resources: sign and address.
    pub(crate) fn changes(&self) -> Vec<String> {
        let lines = self.stdout.lines().filter(|line| {
            ["+ ", "~ ", "- ", "± "]
                .iter()
                .any(|sign| line.starts_with(sign))
        });
        lines
            .map(|line| {
                line.split_whitespace()
                    .take(2)
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect()
    }

    /// All that was printed.
    pub(crate) fn output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "exit code {}\n--- stdout\n{}\n--- stderr\n{}\n---",
            self.code, self.stdout, self.stderr
        )
    }
}
