//! What is live: lists first, single objects only where a list does not say enough.
//!
//! Reads never guess. A list that cannot be read is a [`Problem`] and not an empty list, and an
//! object counts as absent only where a complete list lacks it.

mod canonical;
mod identify;

use std::collections::{BTreeMap, HashMap, HashSet};

use futures_util::future::join_all;
use serde_json::Value as Json;

use crate::client::{ApiError, Client, Request, item_path};
use crate::kind::{Detail, Is, Kind, Paging, System};
use crate::ledger::Record;
use crate::model::{Address, Ident, Map, Pointer, Reference, Value};

/// A resource to look for: declared, or only recorded in the ledger.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// Its address.
    pub address: &'a Address,
    /// Its kind.
    pub kind: &'static Kind,
    /// What the manifest declares; `None` once its entry is gone.
    pub fields: Option<&'a Map>,
    /// What the ledger knows.
    pub record: Option<&'a Record>,
}

/// A live object, in the form in which manifests declare it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    /// What the server calls it.
    pub ident: Ident,
    /// The name, for messages.
    pub name: Option<String>,
    /// Its fields, references and secrets recognised, parts included.
    pub fields: Map,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Live {
    /// The objects that belong to a wanted resource.
    pub objects: BTreeMap<Address, Object>,
    /// The objects that belong to none, by kind: gatewright leaves them alone.
    pub unowned: BTreeMap<&'static str, Vec<Object>>,
    directory: Directory,
}

/// Something that could not be read or told apart.
#[derive(Debug)]
pub struct Problem {
    /// The resource, where it is about one.
    pub address: Option<Address>,
    /// What is wrong.
    pub reason: Reason,
}

/// Why a [`Problem`] is one.
#[derive(Debug)]
pub enum Reason {
    /// A request failed.
    Api(ApiError),
    /// Several live objects fit one entry.
    Ambiguous {
        /// The name that they share.
        name: String,
        /// What tells them apart.
        candidates: Vec<String>,
    },
}

/// Which ids and slugs belong to which address.
#[derive(Debug, Default)]
struct Directory {
    by_ident: HashMap<(&'static str, String), Address>,
}

impl Directory {
    fn insert(&mut self, kind: &'static Kind, address: &Address, object: &Object) {
        for ident in [&object.ident.id, &object.ident.slug].into_iter().flatten() {
            self.by_ident
                .insert((kind.name, ident.clone()), address.clone());
        }
    }

    fn address(&self, kind: &'static str, ident: &str) -> Option<&Address> {
        self.by_ident.get(&(kind, ident.to_owned()))
    }
}

impl Live {
    /// The id or slug that a reference stands for, where the object exists.
    pub fn resolve(&self, reference: &Reference) -> Option<String> {
        self.objects
            .get(&reference.address)?
            .ident
            .get(reference.attribute)
            .map(str::to_owned)
    }
}

impl Live {
    /// Lists of several scopes may show one object more than once, and another scope's as well.
    fn count_once(&mut self) {
        for (kind, objects) in &mut self.unowned {
            let mut seen = HashSet::new();
            objects.retain(|object| match &object.ident.id {
                Some(id) => self.directory.address(kind, id).is_none() && seen.insert(id.clone()),
                None => true,
            });
        }
    }
}

/// Reads everything that a plan for `wanted` needs to know.
///
/// # Errors
/// Every list and object that could not be read, and every resource whose object is ambiguous.
pub async fn read(
    client: &Client,
    system: &'static System,
    wanted: &[Wanted<'_>],
) -> Result<Live, Vec<Problem>> {
    let mut reader = Reader {
        client,
        live: Live::default(),
        problems: Vec::new(),
    };
    let of_kind = |kind: &Kind| -> Vec<&Wanted<'_>> {
        wanted
            .iter()
            .filter(|want| std::ptr::eq(want.kind.name, kind.name))
            .collect()
    };
    let groups: Vec<(&'static Kind, Vec<&Wanted<'_>>)> = system
        .kinds
        .iter()
        .map(|kind| (*kind, of_kind(kind)))
        .filter(|(_, wants)| !wants.is_empty())
        .collect();

    // Lists that need nothing first, all at once; then those that are read scope by scope, for
    // which the scopes' own ids must be known.
    let (scoped, flat): (Vec<_>, Vec<_>) = groups
        .into_iter()
        .partition(|(kind, _)| kind.endpoints.list.per_scope);
    let lists = join_all(
        flat.iter()
            .map(|(kind, _)| client.list(&kind.endpoints.list, &[])),
    )
    .await;
    let mut fetched: Vec<_> = flat.iter().zip(lists).collect();
    // What has no scope is found by itself; what lives in a scope needs the scope to be found.
    fetched.sort_by_key(|((kind, _), _)| !kind.scope.is_empty());
    for ((kind, wants), list) in fetched {
        match list {
            Ok(items) => reader.identify(kind, wants, items, None),
            Err(error) => reader.problems.push(Problem {
                address: None,
                reason: Reason::Api(error),
            }),
        }
    }
    if reader.problems.is_empty() {
        reader.read_scoped(&scoped).await;
        reader.live.count_once();
    }
    if reader.problems.is_empty() {
        reader.read_details(wanted).await;
    }
    if reader.problems.is_empty() {
        Ok(reader.live)
    } else {
        Err(reader.problems)
    }
}

/// The wanted resources that one list may show.
#[derive(Default)]
struct Scoped<'w, 'a> {
    /// Those that are declared there.
    here: Vec<&'w Wanted<'a>>,
    /// Those that the ledger knows to be there, while they are declared elsewhere or not at all.
    left: Vec<&'w Wanted<'a>>,
}

struct Reader<'c> {
    client: &'c Client,
    live: Live,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    /// Reads the lists that show one scope each. A scope that does not exist yet has no objects.
    ///
    /// What the ledger knows to be in another scope than the one that is declared now is looked for
    /// there first: it has not gone, it would have to move.
    async fn read_scoped(&mut self, groups: &[(&'static Kind, Vec<&Wanted<'_>>)]) {
        type Query = Vec<(String, String)>;
        let mut lists: BTreeMap<(&'static str, Query), (&'static Kind, Scoped<'_, '_>)> =
            BTreeMap::new();
        for (kind, wants) in groups {
            for want in wants {
                let declared = self.scope_query(kind, want.fields);
                let recorded = self.scope_query(kind, want.record.map(|record| &record.scope));
                let elsewhere = recorded.filter(|_| want.record.is_some());
                let elsewhere = elsewhere.filter(|query| Some(query) != declared.as_ref());
                let new = || (*kind, Scoped::default());
                if let Some(query) = declared.filter(|_| want.fields.is_some()) {
                    let (_, wants) = lists.entry((kind.name, query)).or_insert_with(new);
                    wants.here.push(want);
                }
                if let Some(query) = elsewhere {
                    let (_, wants) = lists.entry((kind.name, query)).or_insert_with(new);
                    wants.left.push(want);
                }
            }
        }
        let client = self.client;
        let answers = join_all(
            lists
                .iter()
                .map(|((_, query), (kind, _))| client.list(&kind.endpoints.list, query)),
        )
        .await;
        let mut read = Vec::new();
        for (((_, query), (kind, wants)), answer) in lists.into_iter().zip(answers) {
            match answer {
                Ok(items) => {
                    let pool = self.pool(kind, items, Some(&query));
                    read.push((kind, query, wants, pool));
                }
                Err(error) => self.problems.push(Problem {
                    address: None,
                    reason: Reason::Api(error),
                }),
            }
        }
        for (_, _, wants, pool) in &mut read {
            self.take_recorded(&wants.left, pool);
        }
        for (kind, query, wants, pool) in read {
            self.identify_in(kind, &wants.here, pool, Some(&query));
        }
    }

    /// The outermost scope of a wanted resource as query parameters; `None` where it is not there
    /// yet.
    fn scope_query(&self, kind: &Kind, scope: Option<&Map>) -> Option<Vec<(String, String)>> {
        kind.outer_scope()
            .into_iter()
            .filter_map(|field| {
                let value = scope?.get(field).filter(|value| !value.is_null())?;
                Some(self.scope_text(value).map(|text| (field.to_owned(), text)))
            })
            .collect()
    }

    fn scope_text(&self, value: &Value) -> Option<String> {
        match value {
            Value::Reference(reference) => self.live.resolve(reference),
            Value::String(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// Reads the single objects and the parts that the declared resources ask for.
    async fn read_details(&mut self, wanted: &[Wanted<'_>]) {
        let mut jobs: Vec<(&Wanted<'_>, Option<&'static str>, Request)> = Vec::new();
        for want in wanted {
            let Some(object) = self.live.objects.get(want.address) else {
                continue;
            };
            let kind = want.kind;
            // Of what is about to be deleted, what it refers to has to be known: that must end
            // first.
            let empty = Map::new();
            let leaving = want.fields.is_none();
            let defers = leaving && kind.rules.iter().any(|r| matches!(r.is, Is::Deferred));
            let fields = want.fields.unwrap_or(&empty);
            let mut scope = Vec::new();
            if kind.endpoints.scope_in_query {
                let place = want
                    .record
                    .map(|record| &record.scope)
                    .filter(|scope| !scope.is_empty());
                scope = self
                    .scope_query(kind, place.or(want.fields))
                    .unwrap_or_default();
            }
            let request = |path: &str| Request {
                query: scope.clone(),
                ..Request::get(item_path(path, &object.ident).unwrap_or_default())
            };
            if defers || (!leaving && needs_detail(kind, fields)) {
                jobs.push((want, None, request(kind.endpoints.item)));
            }
            for part in kind.parts {
                let recorded = want
                    .record
                    .is_some_and(|r| r.parts.contains_key(part.field));
                if !leaving && (fields.contains_key(part.field) || recorded) {
                    jobs.push((want, Some(part.field), request(part.path)));
                }
            }
        }
        let client = self.client;
        let answers = join_all(jobs.iter().map(|(want, part, request)| {
            let part = part.and_then(|field| want.kind.part(field));
            let (items, paging) = part.map_or(("", Paging::Whole), |p| (p.items, p.paging));
            client.whole(request, items, paging)
        }))
        .await;
        for ((want, part, _), answer) in jobs.into_iter().zip(answers) {
            match answer {
                Ok(json) => self.take_detail(want, part, json),
                Err(error) => self.problems.push(Problem {
                    address: Some(want.address.clone()),
                    reason: Reason::Api(error),
                }),
            }
        }
    }

    fn take_detail(&mut self, want: &Wanted<'_>, part: Option<&'static str>, json: Json) {
        let Some(object) = self.live.objects.get_mut(want.address) else {
            return;
        };
        let directory = &self.live.directory;
        match part.and_then(|field| want.kind.part(field)) {
            Some(part) => {
                let mut value = (part.decode)(json);
                let at = Pointer::root().child(part.field);
                canonical::value(want.kind, &at, &mut value, directory);
                object.fields.insert(part.field.to_owned(), value);
            }
            None => {
                let mut fields = canonical::decode(want.kind, json);
                canonical::members(want.kind, &Pointer::root(), &mut fields, directory);
                object.fields.extend(fields);
            }
        }
    }
}

/// Whether the list leaves out something that the entry declares.
fn needs_detail(kind: &Kind, fields: &Map) -> bool {
    match kind.endpoints.detail {
        Detail::Listed => false,
        Detail::Read => true,
        Detail::ReadFor(places) => places.iter().any(|place| {
            let pointer = Pointer::from(*place);
            let (first, rest) = match pointer.segments().split_first() {
                Some(split) => split,
                None => return false,
            };
            fields
                .get(first)
                .is_some_and(|value| value.at(rest).is_some())
        }),
    }
}
