//! The order in which a repository is read.

use std::path::{Path, PathBuf};

use super::check::Kinds;
use super::document::{self, Seen};
use super::entry::Entry;
use super::files::{self, Found, Glob, PROJECT_FILE, Texts};
use super::project::{self, Project};
use super::read::{Reader, Scope, hide_guessed_secrets};
use super::references::Resolver;
use super::{Loaded, Options, Repository, cycles, encrypted, gates, names, scopes, sinks};
use crate::diagnostic::{Diagnostic, FileId, Location, Sources};
use crate::model::{Pointer, SecretSet, Value, visit};
use crate::yaml::{self, Node};

/// Reads a repository and checks everything that can be checked without the API.
pub fn load(options: &Options<'_>) -> Loaded {
    let mut sources = Sources::default();
    let mut diagnostics = Vec::new();
    let repository = read(options, &mut sources, &mut diagnostics);
    let failed = diagnostics.iter().any(Diagnostic::is_error);
    if let Some(repository) = &repository {
        // Messages do not repeat values from outside; this is for those that a kind words itself.
        for diagnostic in &mut diagnostics {
            redact(diagnostic, &|text| repository.secrets.redact(text));
        }
    }
    diagnostics.sort_by_key(|diagnostic| {
        let place =
            |location: &Location| (sources.name(location.file).to_owned(), location.span.start);
        diagnostic
            .primary
            .as_ref()
            .map(|(location, _)| place(location))
    });
    Loaded {
        sources,
        diagnostics,
        repository: repository.filter(|_| !failed),
    }
}

/// The names of the environments that a project file declares, in its order. What is wrong with
/// the file is for [`load`] to say.
pub fn environments(root: &Path) -> Vec<String> {
    let found = Found {
        name: PROJECT_FILE.to_owned(),
        path: root.join(PROJECT_FILE),
    };
    let mut problems = Vec::new();
    let parsed = parse(
        &found,
        &Texts::new(),
        &mut Sources::default(),
        &mut problems,
    );
    let environments = parsed.and_then(|(_, node)| {
        let environments = node.member("environments")?;
        let names = environments.value.members()?.iter();
        Some(names.map(|member| member.key.clone()).collect())
    });
    environments.unwrap_or_default()
}

fn read(
    options: &Options<'_>,
    sources: &mut Sources,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Repository> {
    let (file, root) = project_file(options, sources, diagnostics)?;
    let scope = Scope::new(file, options.root.to_owned());
    let mut reader = Reader::new(options, sources, scope);
    let Some(root) = encrypted::open(file, PROJECT_FILE, options.root, root, &mut reader) else {
        diagnostics.append(&mut reader.diagnostics);
        return None;
    };
    let around = sinks::Surroundings::of(&root, file, options.environment);
    let (project, globs, within) = project::read(file, root, &mut reader);
    let mut entries = manifests(options.root, globs.as_deref(), &mut reader);
    if !options.may_be_empty {
        gates::check(&within, &mut reader);
    }
    sinks::check(
        project.sink.as_ref(),
        &around,
        &entries,
        &mut reader.diagnostics,
    );
    let failed = |found: &[Diagnostic]| found.iter().any(Diagnostic::is_error);
    let stops = failed(&reader.diagnostics) || failed(diagnostics) || reader.lacks_variables();
    if stops || !options.defer_secrets {
        for unset in entries.iter().flat_map(|entry| &entry.unset) {
            reader.need(unset);
        }
    }
    let unset = reader.take_unset();
    diagnostics.append(&mut reader.diagnostics);
    diagnostics.extend(unset);
    let secrets = collect_secrets(&mut reader, &project);
    entries
        .iter_mut()
        .for_each(|entry| seal_known(entry, &secrets));
    Some(Repository {
        root: options.root.to_owned(),
        secrets,
        project,
        environment: options.environment.map(str::to_owned),
        entries,
    })
}

fn collect_secrets(reader: &mut Reader<'_>, project: &Project) -> SecretSet {
    let secrets = std::mem::take(&mut reader.secrets);
    let keys = project.systems.values();
    let keys = keys.filter_map(|system| system.api_key.as_ref()?.as_ref().ok());
    for secret in keys.chain(&project.fingerprint_key) {
        secrets.insert(secret);
    }
    secrets
}

/// Seals the texts of an entry that repeat what is a secret in another place: what an interpolation
/// brings here is no secret to the API, and one all the same.
fn seal_known(entry: &mut Entry, secrets: &SecretSet) {
    if entry.taken_from(&Pointer::root()).is_none() {
        return;
    }
    let mut found = Vec::new();
    visit(&entry.fields, &mut |at, value| {
        if let Value::String(text) = value
            && !entry.sealed.contains_key(at)
            && let Some((source, _)) = entry.taken_from(at)
            && secrets.redact(text) != *text
        {
            found.push((at.clone(), source));
        }
    });
    entry.sealed.extend(found);
}

/// The project file's tree; `None` where there is nothing to go on with.
fn project_file(
    options: &Options<'_>,
    sources: &mut Sources,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<(FileId, Node)> {
    let path = options.root.join(PROJECT_FILE);
    if !path.exists() && !options.texts.contains_key(PROJECT_FILE) {
        let message = format!("no `{PROJECT_FILE}` in `{}`", options.root.display());
        diagnostics.push(
            Diagnostic::error("no-project", message)
                .note("this file says which files are manifests and where the API is")
                .help("write one that begins with `gatewright: 1`, or name another folder with `-C DIR`"),
        );
        return None;
    }
    let found = Found {
        name: PROJECT_FILE.to_owned(),
        path,
    };
    let (file, node) = parse(&found, options.texts, sources, diagnostics)?;
    if node.members().is_some() {
        return Some((file, node));
    }
    diagnostics.push(
        Diagnostic::error("wrong-type", "the project file must be a map")
            .at(Location { file, span: 0..0 }, "expected `gatewright: 1`")
            .help("begin the file with `gatewright: 1`"),
    );
    None
}

/// Reads and parses a file; an empty one counts as null.
fn parse(
    found: &Found,
    texts: &Texts,
    sources: &mut Sources,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<(FileId, Node)> {
    let file = match files::read(found, texts, sources) {
        Ok(file) => file,
        Err(problem) => {
            diagnostics.push(*problem);
            return None;
        }
    };
    let parsed = yaml::parse(file, sources.text(file));
    let readable = parsed.diagnostics.is_empty();
    if !readable {
        hide_guessed_secrets(sources, file);
        diagnostics.extend(parsed.diagnostics);
    }
    let empty = || Node {
        span: 0..0,
        value: yaml::NodeValue::Scalar {
            text: String::new(),
            plain: true,
        },
    };
    let root = parsed.root.or_else(|| readable.then(empty))?;
    Some((file, root))
}

fn manifests(root: &Path, globs: Option<&[Glob]>, reader: &mut Reader<'_>) -> Vec<Entry> {
    let before = reader.diagnostics.len();
    let texts = reader.options.texts;
    let found = files::find(root, globs, texts, &mut reader.diagnostics);
    let mut seen = Seen::new();
    let mut raw = Vec::new();
    for found in &found {
        let Some((file, node)) = parse(found, texts, reader.sources, &mut reader.diagnostics)
        else {
            continue;
        };
        let folder = found
            .path
            .parent()
            .map_or_else(PathBuf::new, Path::to_owned);
        let Some(node) = encrypted::open(file, &found.name, &folder, node, reader) else {
            continue;
        };
        raw.extend(document::entries(file, folder, node, &mut seen, reader));
    }
    if reader.options.may_be_empty {
        reader.diagnostics.retain(|one| one.code != "no-manifests");
    } else if seen.is_empty() && reader.diagnostics.len() == before {
        reader.diagnostics.push(empty(&found));
    }
    raw.sort_by(|a, b| a.address.cmp(&b.address));
    let mut kinds = Kinds::default();
    let mut entries = Vec::with_capacity(raw.len());
    let mut origins = Vec::with_capacity(raw.len());
    for raw in raw {
        if let Some((entry, of)) = kinds.entry(raw, reader) {
            entries.push(entry);
            origins.push(of);
        }
    }
    let mut resolver = Resolver {
        systems: reader.options.systems,
        index: &reader.index,
        suggestions: &mut reader.suggestions,
        diagnostics: &mut reader.diagnostics,
    };
    for (entry, origins) in entries.iter_mut().zip(&origins) {
        if let Some(rules) = kinds.rules(entry.kind) {
            resolver.resolve(entry, rules, origins);
        }
    }
    cycles::check(&mut entries, &mut reader.diagnostics);
    names::check(&entries, &mut reader.diagnostics);
    scopes::check(reader.options.systems, &entries, &mut reader.diagnostics);
    entries
}

fn empty(found: &[Found]) -> Diagnostic {
    let diagnostic = Diagnostic::error("empty-project", "nothing is declared").note(
        "an empty repository is more often a wrong folder or pattern than a wish; \
             `gatewright destroy` deletes what gatewright made",
    );
    match found {
        [] => {
            diagnostic.help("write a first manifest, or correct `manifests:` in the project file")
        }
        found => {
            let names: Vec<_> = found
                .iter()
                .take(3)
                .map(|it| format!("`{}`", it.name))
                .collect();
            let more = if found.len() > 3 { ", ..." } else { "" };
            diagnostic.help(format!("write an entry into {}{more}", names.join(", ")))
        }
    }
}

fn redact(diagnostic: &mut Diagnostic, clean: &dyn Fn(&str) -> String) {
    let texts = std::iter::once(&mut diagnostic.message)
        .chain(diagnostic.primary.iter_mut().map(|(_, label)| label))
        .chain(diagnostic.related.iter_mut().map(|(_, label)| label))
        .chain(&mut diagnostic.notes)
        .chain(&mut diagnostic.help);
    for text in texts {
        *text = clean(text);
    }
}
