//! Refuses references to what lives in another workspace: the API answers as if nothing were there
//! (the official Terraform provider met 403 for what is gone and for what is elsewhere alike).

use std::collections::{HashMap, HashSet};

use super::Entry;
use crate::diagnostic::Diagnostic;
use crate::kind::{Is, Rule, System};
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
    let kinds = kinds(systems);
    let places: HashMap<&Address, Place<'_>> = entries
        .iter()
        .filter_map(|entry| Some((&entry.address, place(&kinds, &index, entry)?)))
        .collect();
    let names = |is: &Is| matches!(is, Is::Reference { .. } | Is::ReferenceBy { .. });
    for entry in entries {
        let Some(own) = places.get(&entry.address) else {
            continue;
        };
        for link in entry.links() {
            let target = index.get(&link.to).zip(places.get(&link.to));
            // A place itself may be named from another one, as access to it is.
            let target = target.filter(|(_, theirs)| **theirs != Place::Entry(&link.to));
            let Some((target, theirs)) = target else {
                continue;
            };
            let known = std::mem::discriminant(own) == std::mem::discriminant(theirs);
            if !known || own == theirs || !(link.soft || entry.kind.has(&link.at, names)) {
                continue;
            }
            let (noun, kind) = (entry.kind.noun, target.kind.noun);
            let message = format!("`{}` lives in {theirs}, and this {noun} in {own}", link.to);
            // Whether the API looks at what it is told of a workspace's defaults is not known.
            let found = match link.soft || *own == Place::Entry(&entry.address) {
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

/// What there is to know of a kind to find its entries' places.
#[derive(Clone, Copy, Default)]
struct Known {
    /// The field that says in what an entry lives: its outermost scope or, where names are unique
    /// everywhere, the field that names something others live in.
    field: Option<&'static str>,
    /// Whether others live in it.
    is_scope: bool,
}

/// By system and name.
type Kinds = HashMap<(&'static str, &'static str), Known>;

fn kinds(systems: &[&'static System]) -> Kinds {
    let mut kinds = Kinds::new();
    for system in systems {
        let scopes: HashSet<&str> = system
            .kinds
            .iter()
            .filter_map(|kind| Some(kind.lives_in()?.0))
            .collect();
        for kind in system.kinds {
            let names_a_scope = |rule: &&Rule| match rule.is {
                Is::Reference { kind, .. } => scopes.contains(kind),
                _ => false,
            };
            let field = |rule: &'static Rule| {
                let field = rule.at.0.strip_prefix('/')?;
                (!field.contains('/')).then_some(field)
            };
            let mut named = kind.rules.iter().filter(names_a_scope).filter_map(field);
            let known = Known {
                field: kind.outer_scope().or_else(|| named.next()),
                is_scope: scopes.contains(kind.name),
            };
            kinds.insert((kind.system, kind.name), known);
        }
    }
    kinds
}

fn place<'a>(
    kinds: &Kinds,
    index: &HashMap<&'a Address, &'a Entry>,
    mut entry: &'a Entry,
) -> Option<Place<'a>> {
    // No chain of places is longer than there are entries; circles have been reported.
    for _ in 0..=index.len() {
        let kind = (entry.kind.system, entry.kind.name);
        let known = kinds.get(&kind).copied().unwrap_or_default();
        let Some(field) = known.field else {
            return known.is_scope.then_some(Place::Entry(&entry.address));
        };
        entry = match entry.fields.get(field)? {
            Value::Reference(reference) => index.get(&reference.address)?,
            Value::String(id) => return Some(Place::Id(id)),
            _ => return None,
        };
    }
    None
}
