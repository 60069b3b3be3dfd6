//! Which live object belongs to which wanted resource.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value as Json;

use super::{Live, Object, Problem, Reader, Reason, Wanted, canonical};
use crate::kind::{Fate, Identity, Kind};
use crate::ledger::Record;
use crate::model::{Address, Ident, Map, Pointer, Value};

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
        let pool = self.pool(kind, items, scope);
        self.identify_in(kind, wants, pool, scope);
    }

    /// The objects of a list, decoded and ready to be found.
    pub(super) fn pool(
        &self,
        kind: &'static Kind,
        items: Vec<Json>,
        scope: Option<&Vec<(String, String)>>,
    ) -> Pool {
        let mut pool = Pool::default();
        for item in items {
            let object = self.object(kind, item, scope);
            if kind.fate(&object.fields) == Fate::Over {
                continue;
            }
            let at = pool.objects.len();
            pool.index.insert(at, &object);
            pool.objects.push(Some(object));
        }
        pool
    }

    /// Takes out of a pool what the ledger knows to be in it: then nobody else can mean it.
    pub(super) fn take_recorded(&mut self, wants: &[&Wanted<'_>], pool: &mut Pool) {
        for want in wants {
            if let Some(object) = want.record.and_then(|record| pool.recorded(record)) {
                self.take(want, object);
            }
        }
    }

    /// [`Self::identify`], in a pool from which others may have taken what is theirs.
    pub(super) fn identify_in(
        &mut self,
        kind: &'static Kind,
        wants: &[&Wanted<'_>],
        mut pool: Pool,
        scope: Option<&Vec<(String, String)>>,
    ) {
        self.take_recorded(wants, &mut pool);
        let Pool { mut objects, index } = pool;
        // A list that was asked for without a scope may show the objects of all of them.
        let is_outer = |(field, _): &(String, String)| Some(&**field) == kind.outer_scope();
        let known = scope.is_some_and(|scope| scope.iter().any(is_outer));
        let open_scope = kind.scope.get(usize::from(known)..).unwrap_or_default();
        let found = |want: &&&Wanted<'_>| self.live.objects.contains_key(want.address);
        let open = wants.iter().filter(|want| !found(want)).copied().collect();
        let mut places: HashMap<&str, HashMap<String, Vec<usize>>> = HashMap::new();
        for want in outermost_first(kind, open) {
            // What is only recorded and no longer there needs no deletion.
            let Some(fields) = want.fields else { continue };
            let name = fields
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or(&want.address.key);
            let fits = |at: &usize| {
                objects[*at].as_ref().is_some_and(|object| {
                    kind.identity == Identity::Slug
                        || self.same_scope(kind, open_scope, fields, object)
                })
            };
            let found: Vec<usize> = match kind.identity {
                Identity::Slug => index
                    .by_slug
                    .get(&want.address.key)
                    .copied()
                    .into_iter()
                    .collect(),
                Identity::Place => {
                    let mut said = open_scope.iter();
                    match said.find_map(|field| Some((*field, fields.get(*field)?.as_str()?))) {
                        Some((field, text)) => {
                            let places = places.entry(field);
                            let places = places.or_insert_with(|| by_text(&objects, field));
                            places.get(text).cloned().unwrap_or_default()
                        }
                        None => (0..objects.len()).collect(),
                    }
                }
                Identity::Name | Identity::UniqueName => {
                    index.by_name.get(name).cloned().unwrap_or_default()
                }
                // There is no list to find it in.
                Identity::Recorded => Vec::new(),
            };
            let mut found: Vec<usize> = found.into_iter().filter(fits).collect();
            // Of several, what is done and over does not count; and if all are, any of them says it.
            let is_open = |at: &usize| {
                let object = objects[*at].as_ref();
                object.is_some_and(|object| kind.fate(&object.fields) == Fate::Open)
            };
            if found.iter().any(is_open) {
                found.retain(is_open);
            } else if found.len() > 1 {
                found.truncate(1);
            }
            match found.as_slice() {
                [] => {}
                [at] => {
                    if let Some(object) = objects[*at].take() {
                        self.take(want, object);
                    }
                }
                several => {
                    let candidates = several
                        .iter()
                        .filter_map(|at| objects[*at].as_ref().map(label))
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
        if kind.refers_to_itself() {
            // Only now is it known what those references mean.
            let Live {
                objects, directory, ..
            } = &mut self.live;
            for want in wants {
                if let Some(object) = objects.get_mut(want.address) {
                    canonical::members(kind, &Pointer::root(), &mut object.fields, directory);
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
    pub(super) fn object(
        &self,
        kind: &'static Kind,
        item: Json,
        scope: Option<&Vec<(String, String)>>,
    ) -> Object {
        let mut fields = canonical::decode(kind, item);
        canonical::place(kind, &mut fields, scope.into_iter().flatten());
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        let ident = Ident {
            id: text("id"),
            slug: text("slug"),
        };
        let name = text("name");
        canonical::members(kind, &Pointer::root(), &mut fields, &self.live.directory);
        Object {
            ident,
            name,
            fields,
        }
    }

    pub(super) fn take(&mut self, want: &Wanted<'_>, object: Object) {
        self.live.directory.insert(want.kind, want.address, &object);
        self.live.objects.insert(want.address.clone(), object);
    }

    /// Whether a live object lives where an entry says it should, as far as these fields go.
    fn same_scope(&self, kind: &Kind, scope: &[&str], fields: &Map, object: &Object) -> bool {
        scope.iter().all(
            |field| match (fields.get(*field), object.fields.get(*field)) {
                (None | Some(Value::Null), _) if kind.has_another_name(field) => true,
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

/// Where the objects of a list are, by the text that they have in a field.
fn by_text(objects: &[Option<Object>], field: &str) -> HashMap<String, Vec<usize>> {
    let mut found: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, object) in objects.iter().enumerate() {
        let text = object
            .as_ref()
            .and_then(|it| it.fields.get(field)?.as_str());
        if let Some(text) = text {
            found.entry(text.to_owned()).or_default().push(at);
        }
    }
    found
}

/// The wanted resources in an order in which what lives in another one of its kind, as a folder
/// does in its parent, comes after that.
fn outermost_first<'w, 'a>(kind: &Kind, mut open: Vec<&'w Wanted<'a>>) -> Vec<&'w Wanted<'a>> {
    let inner = kind.scope.get(1..).unwrap_or_default();
    let mut ordered = Vec::with_capacity(open.len());
    while !inner.is_empty() && !open.is_empty() {
        let waiting: BTreeSet<&Address> = open.iter().map(|want| want.address).collect();
        let (later, now): (Vec<_>, Vec<_>) = open.iter().partition(|want| {
            inner
                .iter()
                .filter_map(|field| want.fields?.get(*field))
                .any(|value| value.references().iter().any(|of| waiting.contains(of)))
        });
        // A circle has no outermost one; the manifest has reported it.
        if now.is_empty() {
            break;
        }
        ordered.extend(now);
        open = later;
    }
    ordered.extend(open);
    ordered
}

/// The objects of a list that nobody has taken yet.
#[derive(Default)]
pub(super) struct Pool {
    objects: Vec<Option<Object>>,
    index: Index,
}

impl Pool {
    /// The object that a record means, if nobody has taken it.
    pub(super) fn peek(&self, record: &Record) -> Option<&Object> {
        self.objects[self.index.ident(&record.ident)?].as_ref()
    }

    /// What nobody has taken.
    pub(super) fn rest(self) -> impl Iterator<Item = Object> {
        self.objects.into_iter().flatten()
    }

    fn recorded(&mut self, record: &Record) -> Option<Object> {
        let at = self.index.ident(&record.ident)?;
        self.objects[at].take()
    }
}

/// Where the objects of a list are, by what they are called.
#[derive(Default)]
struct Index {
    by_id: HashMap<String, usize>,
    by_slug: HashMap<String, usize>,
    by_name: HashMap<String, Vec<usize>>,
}

impl Index {
    fn insert(&mut self, at: usize, object: &Object) {
        if let Some(id) = &object.ident.id {
            self.by_id.insert(id.clone(), at);
        }
        if let Some(slug) = &object.ident.slug {
            self.by_slug.insert(slug.clone(), at);
        }
        if let Some(name) = &object.name {
            self.by_name.entry(name.clone()).or_default().push(at);
        }
    }

    /// The object that the ledger means: by id where it has one.
    fn ident(&self, ident: &Ident) -> Option<usize> {
        match (&ident.id, &ident.slug) {
            (Some(id), _) => self.by_id.get(id).copied(),
            (None, Some(slug)) => self.by_slug.get(slug).copied(),
            (None, None) => None,
        }
    }
}

/// What tells an object apart from others of the same name.
fn label(object: &Object) -> String {
    let slug = object
        .ident
        .slug
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

#[cfg(test)]
mod tests;
