//! Which addresses a repository declares.

use std::collections::{BTreeSet, HashMap};

use super::suggest::Suggestions;
use crate::diagnostic::{Diagnostic, Location};
use crate::kind::{Kind, System};
use crate::model::Address;

/// How many keys a message lists where none is near.
const LISTED: usize = 5;

/// The keys of every kind.
#[derive(Debug, Default)]
pub(super) struct Index(HashMap<String, HashMap<String, BTreeSet<String>>>);

impl Index {
    pub(super) fn insert(&mut self, address: &Address) {
        self.0
            .entry(address.system.clone())
            .or_default()
            .entry(address.kind.clone())
            .or_default()
            .insert(address.key.clone());
    }

    pub(super) fn contains(&self, address: &Address) -> bool {
        self.has(&address.system, &address.kind, &address.key)
    }

    pub(super) fn has(&self, system: &str, kind: &str, key: &str) -> bool {
        self.keys(system, kind)
            .is_some_and(|keys| keys.contains(key))
    }

    /// Whether there are any entries of a kind.
    pub(super) fn has_any(&self, system: &str, kind: &str) -> bool {
        self.keys(system, kind).is_some_and(|keys| !keys.is_empty())
    }

    /// Whether an entry of any kind has that key.
    pub(super) fn has_key(&self, system: &str, key: &str) -> bool {
        let mut kinds = self.0.get(system).into_iter().flatten();
        kinds.any(|(_, keys)| keys.contains(key))
    }

    /// The declared key that `key` was probably meant to be.
    pub(super) fn near<'a>(
        &'a self,
        system: &str,
        kind: &str,
        key: &str,
        suggestions: &mut Suggestions,
    ) -> Option<&'a str> {
        let keys = self.keys(system, kind)?;
        suggestions.nearest(key, keys.iter().map(String::as_str))
    }

    /// A reference to something that is not declared. A key that comes from `outside` the
    /// repository is not repeated.
    pub(super) fn dangling(
        &self,
        address: &Address,
        (system, kind): (&System, &Kind),
        location: Location,
        outside: bool,
        suggestions: &mut Suggestions,
    ) -> Diagnostic {
        let noun = kind.noun;
        let message = match (outside, address.key.as_str()) {
            (true, _) => format!("the value names no {noun} in this repository"),
            (_, "") => format!("the reference to {} is empty", with_article(noun)),
            (_, key) => format!("no {noun} `{key}` in this repository"),
        };
        let mut diagnostic = Diagnostic::error("dangling-reference", message).at(
            location,
            format!("expected the key of an entry of `{}`", kind.name),
        );
        let keys = self.keys(&address.system, &address.kind);
        let near = keys
            .filter(|_| !outside)
            .and_then(|keys| suggestions.nearest(&address.key, keys.iter().map(String::as_str)));
        match (near, keys) {
            (Some(near), _) => diagnostic = diagnostic.help(format!("did you mean `{near}`?")),
            (None, Some(keys)) => {
                let shown: Vec<_> = keys.iter().take(LISTED).map(|k| format!("`{k}`")).collect();
                let more = match keys.len().saturating_sub(LISTED) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                diagnostic = diagnostic.note(format!("there are {}{more}", shown.join(", ")));
            }
            (None, None) => {
                diagnostic = diagnostic.note(format!("no {noun} is declared at all"));
            }
        }
        if diagnostic.help.is_some() {
            return diagnostic;
        }
        diagnostic.help(format!(
            "declare it under `{}:`, or use the {} of {} that is managed elsewhere",
            kind.name,
            system.ids.noun,
            with_article(noun)
        ))
    }

    fn keys(&self, system: &str, kind: &str) -> Option<&BTreeSet<String>> {
        self.0.get(system)?.get(kind)
    }
}

/// `an integration`, `a workspace`.
pub(super) fn with_article(noun: &str) -> String {
    let article = match noun.chars().next() {
        Some('a' | 'e' | 'i' | 'o' | 'A' | 'E' | 'I' | 'O') => "an",
        _ => "a",
    };
    format!("{article} {noun}")
}
