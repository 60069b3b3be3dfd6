//! Everything that is printed, and the one JSON document.

mod wrap;

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
#[cfg(unix)]
use std::os::fd::AsFd as Stream;
#[cfg(windows)]
use std::os::windows::io::AsHandle as Stream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use schemars::JsonSchema;
use serde::Serialize;

use super::args::{Color, Format};
use super::diff::Differences;
use super::exit::Exit;
use crate::apply::Tally;
use crate::diagnostic::render::{self, JsonDiagnostic};
use crate::diagnostic::{Diagnostic, Sources};
use crate::model::{Address, Ident, Pointer, SecretSet, Value};
use crate::plan::Plan;

/// The JSON document that every command writes with `--format json`.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(title = "gatewright output")]
pub struct Document {
    /// The version of gatewright.
    pub gatewright: String,
    /// The command.
    pub command: String,
    /// The exit code of the process.
    pub exit_code: u8,
    /// Every problem that was found.
    pub diagnostics: Vec<JsonDiagnostic>,
    /// How many resources the repository declares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared: Option<usize>,
    /// The names of the published schemas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schemas: Option<Vec<String>>,
    /// What would change or was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// What became of the plan's steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<Applied>,
    /// What was imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imported: Option<Imported>,
    /// What was taken over into the manifests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adopted: Option<Adopted>,
    /// What differs between two environments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub differences: Option<Differences>,
    /// Where a run was about several environments, how it went in each, in the order in which they
    /// were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environments: Option<Vec<OfEnvironment>>,
}

/// What of the live changes of others was written into manifests, or would be.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Adopted {
    /// Whether nothing was written.
    pub dry_run: bool,
    /// The entries that changed.
    pub entries: Vec<AdoptedEntry>,
    /// The differences that were left as they are, and why.
    pub left: Vec<LeftPlace>,
    /// The files that were written, or would be, with their texts in a dry run.
    pub files: BTreeMap<String, Option<String>>,
}

/// An entry that says what is live.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AdoptedEntry {
    /// Its address.
    pub address: Address,
    /// The file that it is in.
    pub file: String,
    /// The places that changed; the empty one where the entry went, as its object had.
    pub places: Vec<Pointer>,
}

/// A difference that was left.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct LeftPlace {
    /// The entry.
    pub address: Address,
    /// The place in it.
    pub place: Pointer,
    /// Where it is declared.
    pub source: String,
    /// Why.
    pub because: String,
}

/// How a run went in one of several environments.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct OfEnvironment {
    /// The environment.
    pub environment: String,
    /// The exit code that a run in this environment alone would have had.
    pub exit_code: u8,
    /// Every problem that was found.
    pub diagnostics: Vec<JsonDiagnostic>,
    /// How many resources it declares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared: Option<usize>,
    /// What would change or was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// What became of the plan's steps; nothing where it was not applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<Applied>,
}

/// What an import wrote, or would write.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Imported {
    /// Whether nothing was written.
    pub dry_run: bool,
    /// The new entries.
    pub entries: Vec<ImportedEntry>,
    /// The environment variables that have the secrets of the new entries.
    pub variables: Vec<ImportedVariable>,
    /// The objects without a new entry, and why; without those that had one already.
    pub left_out: Vec<LeftOut>,
    /// What the API does not show, so that the new entries do not have it.
    pub unseen: Vec<Unseen>,
    /// The files that were written, or would be, with their texts in a dry run.
    pub files: BTreeMap<String, Option<String>>,
}

/// A new entry.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ImportedEntry {
    /// Its address.
    pub address: Address,
    /// What the server calls the object.
    pub ident: Ident,
    /// The file that it is in.
    pub file: String,
}

/// A variable to set.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ImportedVariable {
    /// Its name.
    pub name: String,
    /// The entry that needs it.
    pub address: Address,
    /// The place of the secret.
    pub pointer: Pointer,
}

/// An object that was left out.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LeftOut {
    /// Its kind.
    pub kind: String,
    /// What the server calls it.
    pub ident: Ident,
    /// What people call it.
    pub name: Option<String>,
    /// Why.
    pub because: String,
}

/// What the API does not show.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Unseen {
    /// The kind.
    pub kind: String,
    /// The place in its entries, with `*` for any member; nothing where no object is shown at all.
    pub place: Option<String>,
    /// How many of the new entries this is about.
    pub entries: usize,
}

/// What became of a plan.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Applied {
    /// How many steps ended how.
    pub steps: Tally,
    /// Whether a second look found everything as declared.
    pub verified: bool,
}

/// Who prints. Whatever it is, the secrets of the run are taken out of it: a text on a server may
/// hold a secret that nobody expects there.
#[derive(Clone, Debug)]
pub(super) struct Printer {
    format: Format,
    color: anstream::ColorChoice,
    command: &'static str,
    secrets: Arc<Mutex<Vec<SecretSet>>>,
    /// Whether a result could not be written.
    lost: Arc<AtomicBool>,
    /// Whether the last words were said.
    ended: Arc<AtomicBool>,
}

/// How a command ended, and what it has to say.
#[derive(Debug)]
pub(super) struct Finish {
    pub(super) exit: Exit,
    pub(super) sources: Sources,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// What the document has of the command's own.
    pub(super) document: Document,
    /// The last words on standard output for people.
    pub(super) text: String,
    /// The same in one line, for a summary of several.
    pub(super) line: String,
    /// How it ended in each of several environments, by name.
    pub(super) parts: Vec<(String, Finish)>,
    /// A JSON Schema that was asked for: it is the whole output, in every format.
    pub(super) schema: Option<serde_json::Value>,
}

impl Finish {
    /// An end with nothing to say yet.
    pub(super) fn new(exit: Exit, sources: Sources) -> Self {
        Self {
            exit,
            sources,
            diagnostics: Vec::new(),
            document: Document::default(),
            text: String::new(),
            line: String::new(),
            parts: Vec::new(),
            schema: None,
        }
    }

    /// The same end, unless something else failed: then that is how it ends, short of a refusal.
    pub(super) fn but(mut self, failure: Option<(Exit, Vec<Diagnostic>)>) -> Self {
        if let Some((exit, diagnostics)) = failure {
            if self.exit != Exit::Refused {
                self.exit = exit;
            }
            self.diagnostics.extend(diagnostics);
        }
        self
    }

    /// An end because of problems.
    pub(super) fn failed(exit: Exit, sources: Sources, diagnostics: Vec<Diagnostic>) -> Self {
        Self {
            diagnostics,
            ..Self::new(exit, sources)
        }
    }
}

/// How many columns a stream has that is a terminal.
fn columns(stream: &impl Stream) -> Option<usize> {
    let (terminal_size::Width(columns), _) = terminal_size::terminal_size_of(stream)?;
    (columns > 0).then_some(columns.into())
}

impl Printer {
    pub(super) fn new(format: Format, color: Color, command: &'static str) -> Self {
        let color = match color {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        };
        Self {
            format,
            color,
            command,
            secrets: Arc::default(),
            lost: Arc::default(),
            ended: Arc::default(),
        }
    }

    /// Tells which secrets must never be printed from now on, beside those that were told before.
    pub(super) fn hide(&self, secrets: SecretSet) {
        let mut all = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(secrets);
    }

    /// The same, for a run within this one whose secrets this one need not hide.
    pub(super) fn apart(&self) -> Self {
        Self {
            secrets: Arc::default(),
            ..self.clone()
        }
    }

    /// Puts secrets in place of the texts of a value that hold one which must not be printed.
    pub(super) fn hide_in(&self, value: &mut Value) {
        let all = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().for_each(|secrets| secrets.hide_in(value));
    }

    fn clean(&self, text: &str) -> String {
        let all = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        SecretSet::redact_all(&all, text)
    }

    /// Whether people read the output.
    pub(super) fn is_human(&self) -> bool {
        self.format == Format::Human
    }

    /// Whether somebody can answer a question.
    pub(super) fn can_ask(&self) -> bool {
        self.is_human() && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Whether progress can be shown on a line that changes.
    pub(super) fn has_live_line(&self) -> bool {
        self.is_human() && std::io::stderr().is_terminal()
    }

    /// Writes a part of the result for people.
    pub(super) fn result(&self, text: &str) {
        if self.is_human() {
            self.stdout(text, columns(&std::io::stdout()));
        }
    }

    /// Writes a part of the result for people whose lines mean something, such as a file.
    pub(super) fn verbatim(&self, text: &str) {
        if self.is_human() {
            self.stdout(text, None);
        }
    }

    /// Writes a message about the run for people.
    pub(super) fn message(&self, text: &str) {
        if self.is_human() {
            self.stderr(text);
        }
    }

    fn stdout(&self, text: &str, columns: Option<usize>) {
        self.write(&self.laid_out(text, columns));
    }

    /// Writes what has no secrets any more.
    fn write(&self, text: &str) {
        let mut stream = anstream::AutoStream::new(std::io::stdout().lock(), self.color);
        let written = stream
            .write_all(text.as_bytes())
            .and_then(|()| stream.flush());
        match written {
            // A closed pipe is the reader's decision and no error of ours.
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                self.lost.store(true, Ordering::Relaxed);
                self.stderr(&format!("error: cannot write the output: {error}\n"));
            }
            _ => {}
        }
    }

    fn json(&self, value: &impl Serialize) {
        // All keys are strings, so that serialising cannot fail.
        let text = serde_json::to_string_pretty(value).unwrap_or_default() + "\n";
        let mut clean = self.clean(&text);
        // A secret that reads like a number may have been one's digits.
        if clean != text && serde_json::from_str::<serde::de::IgnoredAny>(&clean).is_err() {
            let mut value = serde_json::to_value(value).unwrap_or_default();
            self.clean_json(&mut value);
            clean = serde_json::to_string_pretty(&value).unwrap_or_default() + "\n";
        }
        self.write(&clean);
    }

    /// Takes secrets out of a document so that it stays one: what is no text becomes one.
    fn clean_json(&self, value: &mut serde_json::Value) {
        use serde_json::Value;
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => {
                let text = number.to_string();
                let clean = self.clean(&text);
                if clean != text {
                    *value = Value::String(clean);
                }
            }
            Value::String(text) => *text = self.clean(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.clean_json(item)),
            Value::Object(members) => {
                let all = std::mem::take(members).into_iter();
                members.extend(all.map(|(name, mut member)| {
                    self.clean_json(&mut member);
                    (self.clean(&name), member)
                }));
            }
        }
    }

    fn stderr(&self, text: &str) {
        let mut stream = anstream::AutoStream::new(std::io::stderr().lock(), self.color);
        let _ = stream
            .write_all(self.laid_out(text, columns(&std::io::stderr())).as_bytes())
            .and_then(|()| stream.flush());
    }

    /// A text as it is written: a secret is taken out before a line break could hide it.
    fn laid_out(&self, text: &str, columns: Option<usize>) -> String {
        let clean = self.clean(text);
        match columns {
            Some(columns) => wrap::wrapped(&clean, columns),
            None => clean,
        }
    }

    /// Writes problems for people.
    pub(super) fn diagnostics(&self, diagnostics: &[Diagnostic], sources: &Sources) {
        if self.is_human() && !diagnostics.is_empty() {
            // Colours are always rendered; the stream takes them out where they are not wanted.
            let default = render::Style::default();
            let style = render::Style {
                colour: true,
                width: columns(&std::io::stderr()).unwrap_or(default.width),
            };
            self.stderr(&render::text(diagnostics, sources, style));
        }
    }

    /// Ends a run: the last words, or the document, once. Output that nobody got is no success.
    pub(super) fn finish(&self, finish: Finish) -> Exit {
        if self.ended.swap(true, Ordering::SeqCst) {
            return finish.exit;
        }
        let exit = self.last_words(finish);
        let lost = self.lost.load(Ordering::Relaxed);
        if lost && exit == Exit::Done {
            Exit::Error
        } else {
            exit
        }
    }

    fn last_words(&self, finish: Finish) -> Exit {
        if let Some(schema) = finish.schema {
            self.json(&schema);
            return finish.exit;
        }
        match self.format {
            Format::Human => {
                self.diagnostics(&finish.diagnostics, &finish.sources);
                self.result(&finish.text);
            }
            Format::Json => {
                let parts = finish
                    .parts
                    .into_iter()
                    .map(|(environment, part)| OfEnvironment {
                        environment,
                        exit_code: part.exit.code(),
                        diagnostics: render::json(&part.diagnostics, &part.sources),
                        declared: part.document.declared,
                        plan: part.document.plan,
                        applied: part.document.applied,
                    });
                let parts: Vec<OfEnvironment> = parts.collect();
                let document = Document {
                    environments: (!parts.is_empty()).then_some(parts),
                    gatewright: env!("CARGO_PKG_VERSION").to_owned(),
                    command: self.command.to_owned(),
                    exit_code: finish.exit.code(),
                    diagnostics: render::json(&finish.diagnostics, &finish.sources),
                    ..finish.document
                };
                self.json(&document);
            }
        }
        finish.exit
    }
}
