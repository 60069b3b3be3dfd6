//! Turns keys that name other entries into references, and collects who names whom.

use super::Entry;
use super::entry::Link;
use super::index::Index;
use super::read::{Origin, Origins};
use super::rules::{Rules, States};
use super::suggest::Suggestions;
use crate::diagnostic::Diagnostic;
use crate::kind::{Is, System};
use crate::model::{Address, Attribute, Map, Pointer, Reference, Segment, Value};

/// What the resolution of all entries shares.
pub(super) struct Resolver<'a> {
    pub(super) systems: &'a [&'static System],
    pub(super) index: &'a Index,
    pub(super) suggestions: &'a mut Suggestions,
    pub(super) diagnostics: &'a mut Vec<Diagnostic>,
}

struct Resolution<'r, 'a> {
    resolver: &'r mut Resolver<'a>,
    entry: &'r Entry,
    rules: &'r Rules,
    origins: &'r Origins,
    pointer: Pointer,
    links: Vec<Link>,
}

impl Resolver<'_> {
    /// Resolves the references of one entry.
    pub(super) fn resolve(&mut self, entry: &mut Entry, rules: &Rules, origins: &Origins) {
        let mut fields = std::mem::take(&mut entry.fields);
        let mut resolution = Resolution {
            resolver: self,
            entry,
            rules,
            origins,
            pointer: Pointer::root(),
            links: Vec::new(),
        };
        resolution.members(&mut fields, &rules.root(), false);
        let links = resolution.links;
        entry.fields = fields;
        entry.links = links;
    }
}

impl Resolution<'_, '_> {
    fn members(&mut self, map: &mut Map, states: &States, deferred: bool) {
        for at in 0..map.len() {
            let Some(key) = map.get_index(at).map(|(key, _)| key.clone()) else {
                break;
            };
            let states = self.rules.step(states, &key);
            let by = self.rules.at(&states).find_map(|is| match is {
                Is::ReferenceBy {
                    field,
                    kinds,
                    attribute,
                } => {
                    let said = map.get(*field)?.as_str()?;
                    let (_, kind) = kinds.iter().find(|(word, _)| *word == said)?;
                    Some((*kind, *attribute))
                }
                _ => None,
            });
            let Some((_, value)) = map.get_index_mut(at) else {
                break;
            };
            self.pointer.push(key);
            if let Some((kind, attribute)) = by {
                self.named(value, kind, attribute);
            }
            self.value(value, &states, deferred);
            self.pointer.pop();
        }
    }

    fn value(&mut self, value: &mut Value, states: &States, deferred: bool) {
        let mut deferred = deferred;
        for is in self.rules.at(states) {
            deferred |= matches!(is, Is::Deferred);
        }
        for is in self.rules.at(states) {
            match is {
                Is::Reference { kind, attribute } => self.named(value, kind, *attribute),
                Is::ReferenceKeys { kind, .. } => self.keys(value, kind, deferred),
                Is::Mention { kind, prefix } => self.mention(value, kind, prefix, deferred),
                _ => {}
            }
        }
        match value {
            Value::Reference(reference) => self.link(&reference.address.clone(), deferred, false),
            Value::Template(template) => {
                for segment in &template.0 {
                    if let Segment::Reference(reference) = segment {
                        self.link(&reference.address.clone(), deferred, false);
                    }
                }
            }
            Value::Map(map) => self.members(map, states, deferred),
            Value::List(list) => {
                for (at, item) in list.iter_mut().enumerate() {
                    let segment = at.to_string();
                    let states = self.rules.step(states, &segment);
                    self.pointer.push(segment);
                    self.value(item, &states, deferred);
                    self.pointer.pop();
                }
            }
            _ => {}
        }
    }

    fn link(&mut self, to: &Address, deferred: bool, soft: bool) {
        self.links.push(Link {
            to: to.clone(),
            at: self.pointer.clone(),
            deferred,
            soft,
        });
    }

    fn address(&self, kind: &str, key: &str) -> Address {
        Address::new(&self.entry.address.system, kind, key)
    }

    fn exists(&self, kind: &str, key: &str) -> bool {
        let Address { system, .. } = &self.entry.address;
        self.resolver.index.has(system, kind, key)
    }

    /// Whether a text names an object outside of the repository.
    fn is_foreign(&self, text: &str) -> bool {
        let mut systems = self.resolver.systems.iter();
        let own = systems.find(|system| system.name == self.entry.address.system);
        own.is_some_and(|system| (system.ids.is)(text))
    }

    /// A value that is the key of another entry.
    fn named(&mut self, value: &mut Value, kind: &'static str, attribute: Attribute) {
        let Value::String(key) = value else {
            return;
        };
        let origin = self.origins.get(&self.pointer.to_string());
        if self.exists(kind, key) {
            *value = Value::Reference(Reference {
                address: self.address(kind, key),
                attribute,
            });
        } else if !self.is_foreign(key) && !matches!(origin, Some(Origin::Opaque | Origin::Failed))
        {
            let outside = origin == Some(&Origin::Outside);
            let location = self.entry.locator.value(&self.pointer);
            self.dangling(kind, &key.clone(), location, outside);
        }
    }

    /// A map whose keys are the keys of other entries.
    fn keys(&mut self, value: &Value, kind: &'static str, deferred: bool) {
        let Value::Map(map) = value else {
            return;
        };
        for key in map.keys() {
            self.pointer.push(key);
            if self.exists(kind, key) {
                self.link(&self.address(kind, key), deferred, false);
            } else if !self.is_foreign(key) {
                let location = self.entry.locator.key(&self.pointer);
                self.dangling(kind, key, location, false);
            }
            self.pointer.pop();
        }
    }

    /// A text that may name another entry.
    fn mention(&mut self, value: &Value, kind: &'static str, prefix: &str, deferred: bool) {
        let Some(rest) = value.as_str().and_then(|text| text.strip_prefix(prefix)) else {
            return;
        };
        let slug = rest.split('/').next().unwrap_or_default();
        if self.exists(kind, slug) {
            self.link(&self.address(kind, slug), deferred, true);
            return;
        }
        if slug.is_empty() || self.origins.contains_key(&self.pointer.to_string()) {
            return;
        }
        let Resolver {
            index, suggestions, ..
        } = self.resolver;
        let system = &self.entry.address.system;
        let near = index.near(system, kind, slug, suggestions);
        // Where the repository has none of them, they are kept elsewhere; and what a model is called
        // may just begin like that.
        let elsewhere = !index.has_any(system, kind) || index.has_key(system, slug);
        if near.is_none() && (elsewhere || slug != rest) {
            return;
        }
        let location = self.entry.locator.value(&self.pointer);
        let diagnostic = Diagnostic::warning(
            "unknown-mention",
            format!("`{prefix}{slug}` is not declared here"),
        )
        .at(
            location,
            format!("no such entry of `{kind}` in this repository"),
        )
        .help(match near {
            Some(near) => format!("did you mean `{prefix}{near}`?"),
            None => format!(
                "declare it under `{kind}`, or see to it that it is there: without it, what names \
                 it fails when it is used"
            ),
        });
        self.resolver.diagnostics.push(diagnostic);
    }

    fn dangling(
        &mut self,
        kind: &'static str,
        key: &str,
        location: crate::diagnostic::Location,
        outside: bool,
    ) {
        let address = self.address(kind, key);
        let Resolver {
            systems,
            index,
            suggestions,
            diagnostics,
        } = self.resolver;
        let Some(system) = systems.iter().find(|s| s.name == address.system) else {
            return;
        };
        let Some(kind) = system.kind(kind) else {
            return;
        };
        let found = index.dangling(&address, (system, kind), location, outside, suggestions);
        diagnostics.push(found);
    }
}
