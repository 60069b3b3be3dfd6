//! What programs know: `${exec:...}`, `${sops:file#place}`, and files that are encrypted with sops.
//!
//! A program is run without a shell, in the folder of the file that names it, with nothing on its
//! standard input. What it says when it fails is shown without what it had printed by then, which
//! may be a part of the secret.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::hole::MAX_FILE_BYTES;
use super::{Guard, Reader, Reading, Scope};
use crate::diagnostic::Diagnostic;
use crate::manifest::holes::Hole;
use crate::model::{Secret, SecretSet};
use crate::yaml::Node;

/// How long a program may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is asked whether it has ended.
const TICK: Duration = Duration::from_millis(5);
/// How much of what a program says about its failure is shown.
const EXCERPT: usize = 300;

impl Reading<'_, '_> {
    /// What a program prints.
    pub(super) fn program(
        &mut self,
        hole: &Hole,
        node: &Node,
        scope: &Scope,
        guard: Guard,
    ) -> Option<String> {
        self.outside.push(format!("${{exec:{}}}", hole.name));
        let location = self.hole_place(hole, node, scope);
        if !self.reader.allow_exec {
            let message = "this repository may not name programs to be run";
            let diagnostic = Diagnostic::error("exec-not-allowed", message)
                .at(location, "this names one")
                .note("whoever can change a manifest could run anything where it is planned")
                .help("write `allow_exec: true` in the project file if that is as it should be");
            self.report(diagnostic, scope);
            return None;
        }
        // A run against the mock needs nothing that is not in the repository.
        if self.reader.options.placeholders {
            return Some(self.stand_in("exec", guard));
        }
        let words = shlex::split(&hole.name).filter(|words| !words.is_empty());
        let printed = match words {
            None => Err("its quotes do not match".to_owned()),
            Some(words) => self.reader.printed(&words, &scope.folder),
        };
        match printed {
            Ok(text) => Some(text.to_string()),
            Err(reason) => {
                let program = hole.name.split_whitespace().next().unwrap_or_default();
                let message = format!("the program `{program}` gave no value");
                let diagnostic = Diagnostic::error("exec-failed", message).at(location, reason);
                self.report(diagnostic, scope);
                None
            }
        }
    }

    /// A value of a file that is encrypted with sops, or the whole of it.
    pub(super) fn sops(
        &mut self,
        hole: &Hole,
        node: &Node,
        scope: &Scope,
        guard: Guard,
    ) -> Option<String> {
        self.outside.push(format!("${{sops:{}}}", hole.name));
        if self.reader.options.placeholders {
            return Some(self.stand_in("sops", guard));
        }
        let (file, place) = match hole.name.split_once('#') {
            Some((file, place)) => (file, Some(place)),
            None => (hole.name.as_str(), None),
        };
        let mut words = vec!["sops", "--decrypt"];
        if place.is_some() {
            words.extend(["--output-type", "json"]);
        }
        // A name that begins with a dash is no option.
        let path = format!("./{file}");
        words.push(if Path::new(file).is_absolute() {
            file
        } else {
            &path
        });
        let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        let found = self
            .reader
            .printed(&words, &scope.folder)
            .and_then(|text| match place {
                Some(place) => pick(&text, place),
                None => Ok(text.to_string()),
            });
        match found {
            Ok(text) => {
                // Whoever encrypts a value does not want to read it anywhere.
                let secret = Secret::declared(text.as_str(), Vec::new());
                self.reader.secrets.insert(&secret);
                self.sealed_part = self.outside.last().map(|source| source.as_str().into());
                Some(text)
            }
            Err(reason) => {
                let message = format!("cannot decrypt `{file}`");
                let location = self.hole_place(hole, node, scope);
                let diagnostic = Diagnostic::error("sops", message)
                    .at(location, reason)
                    .note("the path is relative to the folder of the file that names it")
                    .help(
                        "`sops --decrypt` has to work in this place; gatewright runs nothing else",
                    );
                self.report(diagnostic, scope);
                None
            }
        }
    }
}

impl Reader<'_> {
    /// What a program prints, run once for each run of gatewright.
    ///
    /// # Errors
    /// Why it prints nothing.
    pub(in crate::manifest) fn printed(
        &mut self,
        words: &[String],
        folder: &Path,
    ) -> Result<Rc<str>, String> {
        let key = (words.to_vec(), folder.to_owned());
        if let Some(known) = self.printed.get(&key) {
            return known.clone();
        }
        let printed = run(words, folder, &self.secrets);
        self.printed.insert(key, printed.clone());
        printed
    }
}

/// The text at a place, members and positions apart by `/`.
fn pick(text: &str, place: &str) -> Result<String, String> {
    // The parser's own words could quote the text.
    let json: serde_json::Value =
        serde_json::from_str(text).map_err(|_| "what `sops` printed is not JSON".to_owned())?;
    let pointer = format!("/{}", place.trim_start_matches('/'));
    match json.pointer(&pointer) {
        None | Some(serde_json::Value::Null) => Err(format!("it has nothing at `{place}`")),
        Some(serde_json::Value::String(text)) => Ok(text.clone()),
        Some(other) => Ok(other.to_string()),
    }
}

/// Runs a program to its end and returns what it printed, without the last line break.
fn run(words: &[String], folder: &Path, secrets: &SecretSet) -> Result<Rc<str>, String> {
    let Some((program, arguments)) = words.split_first() else {
        return Err("it is empty".to_owned());
    };
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => format!("there is no program `{program}` on the PATH"),
            _ => format!("cannot run `{program}`: {error}"),
        })?;
    let reader = |pipe: Option<Box<dyn std::io::Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(pipe) = pipe {
                let most = u64::try_from(MAX_FILE_BYTES).unwrap_or(u64::MAX);
                // What cannot be read is missing from the text, which then fits nothing.
                let _ = pipe.take(most + 1).read_to_end(&mut bytes);
            }
            bytes
        })
    };
    let output = reader(child.stdout.take().map(|pipe| Box::new(pipe) as _));
    let errors = reader(child.stderr.take().map(|pipe| Box::new(pipe) as _));
    let begun = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if begun.elapsed() < PATIENCE => std::thread::sleep(TICK),
            ended => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(match ended {
                    Err(error) => format!("cannot wait for `{program}`: {error}"),
                    _ => format!("`{program}` did not end within {} s", PATIENCE.as_secs()),
                });
            }
        }
    };
    let bytes = output.join().unwrap_or_default();
    let text = String::from_utf8(bytes);
    if !status.success() {
        let known = SecretSet::default();
        known.extend(secrets);
        for line in text.iter().flat_map(|text| text.lines()) {
            known.insert(&Secret::declared(line.trim(), Vec::new()));
        }
        let said = errors.join().unwrap_or_default();
        let said = known.redact(&String::from_utf8_lossy(&said));
        let said: String = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let said: String = said.chars().take(EXCERPT).collect();
        let colon = if said.is_empty() { "" } else { ": " };
        return Err(format!("`{program}` ended with {status}{colon}{said}"));
    }
    let text = text.map_err(|_| format!("`{program}` printed no UTF-8 text"))?;
    if text.len() > MAX_FILE_BYTES {
        return Err(format!(
            "`{program}` printed more than {MAX_FILE_BYTES} bytes"
        ));
    }
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(format!("`{program}` printed nothing"));
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_in_what_was_decrypted() {
        let text = r#"{"openai": {"keys": ["a", "b"]}, "port": 5}"#;
        assert_eq!(pick(text, "openai/keys/1").as_deref(), Ok("b"));
        assert_eq!(pick(text, "/port").as_deref(), Ok("5"));
        assert!(pick(text, "openai/key").is_err());
        assert_eq!(
            pick("sk-1: x", "a"),
            Err("what `sops` printed is not JSON".to_owned())
        );
    }

    #[test]
    #[cfg(unix)]
    fn what_a_failing_program_had_printed_is_not_in_its_error() {
        let words = |script: &str| ["sh", "-c", script].map(str::to_owned);
        let folder = std::env::temp_dir();
        let none = SecretSet::default();
        let ran = |script: &str| run(&words(script), &folder, &none);
        assert_eq!(ran("echo sk-1234").as_deref(), Ok("sk-1234"));
        let error = ran("echo sk-1234; echo had sk-1234 >&2; exit 3").unwrap_err();
        assert!(error.contains("had (secret)"), "{error}");
        assert!(ran("true").unwrap_err().contains("printed nothing"));
        let missing = run(&["no-such-program-here".to_owned()], &folder, &none);
        assert!(missing.unwrap_err().contains("on the PATH"));
    }
}
