//! From the tree of a manifest to its entries, still unread.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::locate::Locator;
use super::read::{Reader, Scope, hide_literals, hide_secret_names};
use crate::diagnostic::{Diagnostic, FileId, Location, did_you_mean};
use crate::kind::{Identity, Kind, System};
use crate::model::Address;
use crate::yaml::{Member, Node, NodeValue};

/// How long a slug may be.
const MAX_SLUG: usize = 255;

/// An entry as it stands in its file.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) address: Address,
    pub(super) kind: &'static Kind,
    pub(super) scope: Scope,
    pub(super) locator: Locator,
}

/// Where the addresses that were seen so far stand.
pub(super) type Seen = HashMap<Address, Location>;

/// Takes a manifest apart into its entries.
pub(super) fn entries(
    file: FileId,
    folder: PathBuf,
    root: Node,
    seen: &mut Seen,
    reader: &mut Reader<'_>,
) -> Vec<Raw> {
    let at = |span: &Range<usize>| Location {
        file,
        span: span.clone(),
    };
    if root.is_null() {
        return Vec::new();
    }
    let found = root.type_name();
    let span = root.span.clone();
    let NodeValue::Mapping(members) = root.value else {
        reader.diagnostics.push(
            Diagnostic::error("wrong-type", "a manifest must be a map")
                .at(
                    at(&(span.start..span.start)),
                    format!("expected kinds, found {found}"),
                )
                .help("write a kind such as `integrations:`, and entries below it"),
        );
        return Vec::new();
    };
    let Some(system) = system(file, &members, reader) else {
        return Vec::new();
    };
    let scope = Scope::new(file, folder);
    let mut entries = Vec::new();
    for member in members {
        if member.key == "system" {
            continue;
        }
        let Some(kind) = system.kind(&member.key) else {
            hide_secret_names(reader.sources, file, &member.value);
            let names = || system.kinds.iter().map(|kind| kind.name);
            let known: Vec<_> = names().map(|name| format!("`{name}`")).collect();
            let message = format!("unknown kind `{}`", member.key);
            let mut diagnostic = Diagnostic::error("unknown-kind", message).at(
                at(&member.key_span),
                format!("{} has no such kind", system.name),
            );
            diagnostic = match did_you_mean(&member.key, names()) {
                Some(help) => diagnostic.help(help),
                None if known.is_empty() => diagnostic.note("it has no kinds at all yet"),
                None => diagnostic.note(format!("the kinds are {}", known.join(", "))),
            };
            reader.diagnostics.push(diagnostic);
            continue;
        };
        if member.value.is_null() {
            continue;
        }
        let found = member.value.type_name();
        let NodeValue::Mapping(below) = member.value.value else {
            let message = format!("`{}` must be a map", member.key);
            let label = format!("expected entries by their keys, found {found}");
            reader
                .diagnostics
                .push(Diagnostic::error("wrong-type", message).at(at(&member.key_span), label));
            continue;
        };
        for entry in below {
            entries.extend(raw(entry, kind, &scope, seen, reader));
        }
    }
    entries
}

/// The system that a manifest speaks of.
fn system(file: FileId, members: &[Member], reader: &mut Reader<'_>) -> Option<&'static System> {
    let systems = reader.options.systems;
    let Some(member) = members.iter().find(|member| member.key == "system") else {
        return systems.first().copied();
    };
    let name = match &member.value.value {
        NodeValue::Scalar { text, .. } => text.as_str(),
        _ => "",
    };
    let found = systems.iter().copied().find(|system| system.name == name);
    if found.is_none() {
        let names = || systems.iter().map(|system| system.name);
        let known: Vec<_> = names().map(|name| format!("`{name}`")).collect();
        let location = Location {
            file,
            span: member.value.span.clone(),
        };
        reader.diagnostics.push(
            Diagnostic::error("unknown-system", format!("unknown system `{name}`"))
                .at(location, "")
                .note(format!("the systems are {}", known.join(" and ")))
                .maybe_help(did_you_mean(name, names())),
        );
    }
    found
}

fn raw(
    entry: Member,
    kind: &'static Kind,
    scope: &Scope,
    seen: &mut Seen,
    reader: &mut Reader<'_>,
) -> Option<Raw> {
    let location = Location {
        file: scope.file,
        span: entry.key_span.clone(),
    };
    if let Some(problem) = check_key(&entry.key, kind) {
        reader.diagnostics.push(problem.at(location.clone(), ""));
    }
    let address = Address::new(kind.system, kind.name, &entry.key);
    if let Some(first) = seen.get(&address) {
        reader.diagnostics.push(
            Diagnostic::error("declared-twice", format!("`{address}` is declared twice"))
                .at(location, "again here")
                .related(first.clone(), "first here")
                .note("one object has one place, so that nobody wonders which one counts"),
        );
        return None;
    }
    seen.insert(address.clone(), location.clone());
    reader.index.insert(&address);
    if entry.value.members().is_none() {
        let found = entry.value.type_name();
        hide_literals(reader.sources, scope.file, &entry.value);
        reader.diagnostics.push(
            Diagnostic::error("wrong-type", format!("`{address}` must be a map"))
                .at(location, format!("expected fields, found {found}")),
        );
        return None;
    }
    Some(Raw {
        address,
        kind,
        scope: scope.clone(),
        locator: Locator {
            file: scope.file,
            key: entry.key_span,
            node: Arc::new(entry.value),
        },
    })
}

/// Slugs are the user's choice within the API's limits; other keys keep to the same characters,
/// because `${ref:kind.key.slug}` splits at dots.
fn check_key(key: &str, kind: &Kind) -> Option<Diagnostic> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let is_slug = kind.identity == Identity::Slug;
    let (code, what) = match is_slug {
        true => ("invalid-slug", "slug"),
        false => ("invalid-key", "key"),
    };
    if is_slug && key.len() > MAX_SLUG {
        let message = format!("slug with more than {MAX_SLUG} characters");
        return Some(Diagnostic::error(code, message).help("choose a shorter one"));
    }
    if !key.is_empty() && key.chars().all(allowed) {
        return None;
    }
    let proposal: String = key
        .chars()
        .map(|c| if allowed(c) { c } else { '-' })
        .collect();
    let mut diagnostic = Diagnostic::error(code, format!("`{key}` is not a valid {what}"))
        .note("allowed are letters without accents, digits, `-` and `_`");
    if proposal.chars().any(|c| c.is_ascii_alphanumeric()) {
        diagnostic = diagnostic.help(format!("for example `{}`", proposal.trim_matches('-')));
    }
    Some(diagnostic)
}
