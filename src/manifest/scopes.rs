//! Refuses references to what lives in another workspace: the API answers as if nothing were there
//! (the official Terraform provider met 403 for what is gone and for what is elsewhere alike).

use std::collections::HashMap;

use super::Entry;
use crate::diagnostic::Diagnostic;
use crate::kind::{Is, Kind, Rule, System};
use crate::model::{Address, Pointer, Value};

/// In what an entry lives, from inside to outside until nothing is around it.
#[derive(PartialEq, Eq)]
enum Place<'a> {
    /// An entry.
    Entry(&'a Address),
    /// What is not in the repository, by its id.
    Id(&'a str),
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Entry(address) => write!(f, "{address}"),
            Self::Id(id) => f.write_str(id),
        }
    }
}

/// Reports every reference from one place into another. What lives in no place at all, because it is
/// the organisation's, may be named from everywhere. Of a mention in a text it is only warned: another
/// object may have that slug in the right place, as providers have that come with access.
pub(super) fn check(
    systems: &[&'static System],
    entries: &[Entry],
    diagnostics: &mut Vec<Diagnostic>,
) {
    let index: HashMap<&Address, &Entry> = entries.iter().map(|it| (&it.address, it)).collect();
    for entry in entries {
        let Some(own) = place(systems, &index, entry) else {
            continue;
        };
        for link in entry.links() {
            let names = |is: &Is| matches!(is, Is::Reference { .. } | Is::ReferenceBy { .. });
            let names = link.soft || entry.kind.has(&link.at, names);
            let Some(target) = index.get(&link.to).copied() else {
                continue;
            };
            // A place itself may be named from another one, as access to it is.
            let theirs = place(systems, &index, target).filter(|it| *it != Place::Entry(&link.to));
            let Some(theirs) = theirs.filter(|_| names) else {
                continue;
            };
            let known = std::mem::discriminant(&own) == std::mem::discriminant(&theirs);
            if !known || own == theirs {
                continue;
            }
            let (noun, kind) = (entry.kind.noun, target.kind.noun);
            let message = format!("`{}` lives in {theirs}, and this {noun} in {own}", link.to);
            // Whether the API looks at what it is told of a workspace's defaults is not known.
            let found = match link.soft || own == Place::Entry(&entry.address) {
                true => Diagnostic::warning("out-of-reach", message),
                false => Diagnostic::error("out-of-reach", message),
            };
            diagnostics.push(
                found
                    .at(
                        entry.locator.value(&link.at),
                        format!("this {kind} cannot be used here"),
                    )
                    .related(target.locate(&Pointer::root()), "declared here")
                    .note("the API finds nothing that lives elsewhere")
                    .help(format!(
                        "name one that lives in {own} or belongs to everybody"
                    )),
            );
        }
    }
}

fn place<'a>(
    systems: &[&'static System],
    index: &HashMap<&'a Address, &'a Entry>,
    mut entry: &'a Entry,
) -> Option<Place<'a>> {
    // No chain of places is longer than there are kinds; circles have been reported.
    for _ in 0..=systems.iter().map(|system| system.kinds.len()).sum() {
        let is_scope = |kind: &Kind| systems.iter().any(|system| system.is_scope(kind));
        let Some(field) = place_field(systems, entry.kind) else {
            return is_scope(entry.kind).then_some(Place::Entry(&entry.address));
        };
        entry = match entry.fields.get(field)? {
            Value::Reference(reference) => index.get(&reference.address)?,
            Value::String(id) => return Some(Place::Id(id)),
            _ => return None,
        };
    }
    None
}

/// The field that says in what an entry lives: its outermost scope or, where names are unique
/// everywhere, the field that names something others live in.
fn place_field(systems: &[&'static System], kind: &Kind) -> Option<&'static str> {
    let system = systems.iter().find(|system| system.name == kind.system)?;
    let names_a_scope = |rule: &&Rule| match rule.is {
        Is::Reference { kind, .. } => system.kind(kind).is_some_and(|kind| system.is_scope(kind)),
        _ => false,
    };
    let field = |rule: &Rule| {
        let field = rule.at.0.strip_prefix('/')?;
        (!field.contains('/')).then_some(field)
    };
    let mut named = kind.rules.iter().filter(names_a_scope).filter_map(field);
    kind.outer_scope().or_else(|| named.next())
}
