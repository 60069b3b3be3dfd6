//! Which live object belongs to which wanted resource.

use serde_json::Value as Json;

use super::{Object, Problem, Reader, Reason, Wanted, canonical};
use crate::kind::{Identity, Kind};
use crate::model::{Attribute, Ident, Map, Pointer, Value};

impl Reader<'_> {
    /// Finds the objects of one complete list that `wants` mean. `scope` is what the list was
    /// asked for; without it, the objects say themselves where they live.
    ///
    /// The ledger's id decides. Without one, slugs decide where users choose them, and names
    /// within a scope elsewhere; objects that the ledger knows as somebody else's do not count.
    pub(super) fn identify(
        &mut self,
        kind: &'static Kind,
        wants: &[&Wanted<'_>],
        items: Vec<Json>,
        scope: Option<&Vec<(String, String)>>,
    ) {
        let mut objects: Vec<Option<Object>> = items
            .into_iter()
            .map(|item| Some(self.object(kind, item, scope)))
            .collect();
        let mut open = Vec::new();
        for want in wants {
            let recorded = |object: &Object| {
                want.record
                    .is_some_and(|record| match (&record.ident.id, &object.ident.id) {
                        (Some(recorded), Some(id)) => recorded == id,
                        _ => record.ident.slug.is_some() && record.ident.slug == object.ident.slug,
                    })
            };
            let found = objects
                .iter_mut()
                .find(|o| o.as_ref().is_some_and(recorded));
            match found.and_then(Option::take) {
                Some(object) => self.take(want, object),
                // What is only recorded and no longer there needs no deletion.
                None if want.fields.is_some() => open.push(*want),
                None => {}
            }
        }
        for want in open {
            let Some(fields) = want.fields else { continue };
            let name = fields
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or(&want.address.key);
            let fits = |object: &Object| match kind.identity {
                Identity::Slug => object.ident.slug.as_deref() == Some(want.address.key.as_str()),
                Identity::Name => {
                    object.name.as_deref() == Some(name)
                        && (scope.is_some() || self.same_scope(kind, fields, object))
                }
            };
            let found: Vec<usize> = (0..objects.len())
                .filter(|index| objects[*index].as_ref().is_some_and(fits))
                .collect();
            match found.as_slice() {
                [] => self.note_shared(kind, want, name),
                [index] => {
                    if let Some(object) = objects[*index].take() {
                        self.take(want, object);
                    }
                }
                several => {
                    let candidates = several
                        .iter()
                        .filter_map(|index| objects[*index].as_ref().map(label))
                        .collect();
                    self.problems.push(Problem {
                        address: Some(want.address.clone()),
                        reason: Reason::Ambiguous {
                            name: name.to_owned(),
                            candidates,
                        },
                    });
                }
            }
        }
        self.live
            .unowned
            .entry(kind.name)
            .or_default()
            .extend(objects.into_iter().flatten());
    }

    /// An object of a list, decoded. Lists of one scope do not all repeat that scope in their
    /// objects (the live list of providers does not).
    fn object(
        &self,
        kind: &'static Kind,
        item: Json,
        scope: Option<&Vec<(String, String)>>,
    ) -> Object {
        let mut fields = canonical::decode(kind, item);
        for (field, text) in scope.into_iter().flatten() {
            fields.entry(field.clone()).or_insert_with(|| Value::text(text));
        }
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        let ident = Ident { id: text("id"), slug: text("slug") };
        let name = text("name");
        canonical::members(kind, &Pointer::root(), &mut fields, &self.live.directory);
        Object { ident, name, fields }
    }

    fn take(&mut self, want: &Wanted<'_>, object: Object) {
        if let Some(ident) = object.ident.get(Attribute::Id) {
            self.taken
                .insert((want.kind.name, ident.to_owned()), want.address.clone());
        }
        self.live.directory.insert(want.kind, want.address, &object);
        self.live.objects.insert(want.address.clone(), object);
    }

    /// Two entries with one name in one scope mean one object: that is a mistake in the
    /// repository, and creating a second object of the same name would hide it.
    fn note_shared(&mut self, kind: &'static Kind, want: &Wanted<'_>, name: &str) {
        if kind.identity != Identity::Name || want.record.is_some() {
            return;
        }
        let Some(fields) = want.fields else { return };
        let other = self.live.objects.iter().find(|(address, object)| {
            address.kind == kind.name
                && object.name.as_deref() == Some(name)
                && self.same_scope(kind, fields, object)
        });
        if let Some((with, object)) = other {
            let reason = Reason::Shared {
                with: with.clone(),
                object: label(object),
            };
            self.problems.push(Problem {
                address: Some(want.address.clone()),
                reason,
            });
        }
    }

    /// Whether a live object lives where an entry says it should.
    fn same_scope(&self, kind: &Kind, fields: &Map, object: &Object) -> bool {
        kind.scope.iter().all(
            |field| match (fields.get(*field), object.fields.get(*field)) {
                (None | Some(Value::Null), None | Some(Value::Null)) => true,
                (Some(Value::Reference(want)), Some(Value::Reference(have))) => {
                    want.address == have.address
                }
                (Some(want), Some(Value::String(have))) => {
                    self.scope_text(want).is_some_and(|want| want == *have)
                }
                (want, have) => want == have,
            },
        )
    }
}

/// What tells an object apart from others of the same name.
fn label(object: &Object) -> String {
    let slug = object
        .ident.slug
        .as_deref()
        .filter(|slug| Some(*slug) != object.ident.id.as_deref());
    let created = object.fields.get("created_at").and_then(Value::as_str);
    let mut label = object.ident.id.clone().unwrap_or_default();
    for (word, text) in [("slug", slug), ("created", created)] {
        if let Some(text) = text {
            let comma = if label.is_empty() { "" } else { ", " };
            label = format!("{label}{comma}{word} {text}");
        }
    }
    label
}
