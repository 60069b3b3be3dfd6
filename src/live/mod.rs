//! What is live: lists first, single objects only where a list does not say enough.
//!
//! Reads never guess. A list that cannot be read is a [`Problem`] and not an empty list, and an
//! object counts as absent only where a complete list lacks it.

mod cache;
mod canonical;
mod confirm;
mod identify;
mod inventory;
mod outside;
mod scoped;

pub use cache::Cache;
pub use inventory::{Found, Gap, Inventory, Which, inventory};

use std::collections::{BTreeMap, HashMap, HashSet};

use futures_util::future::join_all;
use serde_json::Value as Json;

use crate::client::{ApiError, Client, Request, item_path};
use crate::kind::{Detail, Identity, Is, Kind, Paging, Part, System};
use cache::Stamp;
use scoped::Group;

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
#[derive(Clone, Debug, Default)]
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
#[derive(Clone, Debug, Default)]
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

    /// Gives an object another address; what refers to it follows.
    pub fn rename(&mut self, from: &Address, to: &Address) {
        if let Some(object) = self.objects.remove(from) {
            self.objects.insert(to.clone(), object);
        }
        let objects = self.objects.values_mut();
        for object in objects.chain(self.unowned.values_mut().flatten()) {
            for value in object.fields.values_mut() {
                value.rename(from, to);
            }
        }
    }

    /// Lists of several scopes may show one object more than once, and another scope's as well.
    /// Two kinds may share a list.
    fn count_once(&mut self, system: &System, wanted: &[Wanted<'_>]) {
        let directory = &self.directory;
        let is_one = |kind: &'static str, object: &Object| {
            let names = [&object.ident.id, &object.ident.slug];
            let mut names = names.into_iter().flatten();
            names.any(|name| directory.address(kind, name).is_some())
        };
        for kind in system.kinds {
            let Some((other, with)) = kind.listed_with() else {
                continue;
            };
            let theirs = |object: &Object| {
                object
                    .fields
                    .get(with)
                    .is_some_and(|value| !value.is_null())
            };
            let mut own = self.unowned.remove(kind.name).unwrap_or_default();
            own.retain(|object| !theirs(object));
            if let Some(objects) = self.unowned.get_mut(other) {
                objects.retain(|object| !is_one(kind.name, object));
                let (others, more) = std::mem::take(objects).into_iter().partition(theirs);
                *objects = others;
                own.extend::<Vec<_>>(more);
            }
            own.retain(|object| !is_one(other, object));
            if !own.is_empty() {
                self.unowned.insert(kind.name, own);
            }
            // Found by its name, it is still what its entry of the other kind means.
            let found = wanted
                .iter()
                .filter(|want| want.kind.name == kind.name && want.record.is_none());
            for want in found {
                if let Some(object) = self.objects.get(want.address)
                    && is_one(other, object)
                {
                    self.objects.remove(want.address);
                }
            }
        }
        for (kind, objects) in &mut self.unowned {
            let mut seen = HashSet::new();
            objects.retain(|object| match &object.ident.id {
                Some(id) => self.directory.address(kind, id).is_none() && seen.insert(id.clone()),
                None => true,
            });
        }
    }
}

/// Reads everything that a plan for `wanted` needs to know. What `cache` has is not read again.
/// The kinds in `whole` are listed in every scope that is wanted, whether or not anything of them
/// is.
///
/// # Errors
/// Every list and object that could not be read, and every resource whose object is ambiguous.
pub async fn read(
    client: &Client,
    system: &'static System,
    wanted: &[Wanted<'_>],
    whole: &[&str],
    cache: &Cache,
) -> Result<Live, Vec<Problem>> {
    let mut reader = Reader {
        client,
        cache,
        live: Live::default(),
        problems: Vec::new(),
    };
    let of_kind = |kind: &Kind| -> Vec<&Wanted<'_>> {
        wanted
            .iter()
            .filter(|want| std::ptr::eq(want.kind.name, kind.name))
            .collect()
    };
    let groups: Vec<Group<'_, '_>> = system
        .kinds
        .iter()
        .map(|kind| (*kind, of_kind(kind)))
        .filter(|(kind, wants)| !wants.is_empty() || whole.contains(&kind.name))
        .collect();

    // Lists that need nothing first, all at once; then those that are read scope by scope, for
    // which the scopes' own ids must be known.
    let (unlisted, listed): (Vec<_>, Vec<_>) = groups
        .into_iter()
        .partition(|(kind, _)| kind.identity == Identity::Recorded);
    let (scoped, flat): (Vec<_>, Vec<_>) = listed
        .into_iter()
        .partition(|(kind, _)| kind.endpoints.list.per_scope);
    let lists = join_all(
        flat.iter()
            .map(|(kind, _)| client.list(&kind.endpoints.list, &[])),
    )
    .await;
    let hints = scoped::hints(&scoped, lists.iter().filter_map(|list| list.as_ref().ok()));
    let mut fetched: Vec<_> = flat.iter().zip(lists).collect();
    // What has no scope is found by itself; what lives in a scope needs the scope to be found.
    fetched.sort_by_key(|((kind, _), _)| !kind.scope.is_empty());
    let (last, first): (Vec<_>, Vec<_>) = fetched
        .into_iter()
        .partition(|((kind, _), _)| scoped::is_in_listed_by_scope(kind, system));
    reader.identify_all(first);
    if reader.problems.is_empty() {
        reader.read_scoped(&scoped, whole, &hints).await;
        reader.live.count_once(system, wanted);
    }
    reader.identify_all(last);
    if reader.problems.is_empty() {
        reader.confirm(wanted).await;
        reader.read_details(wanted).await;
        reader.name_outside(system, wanted).await;
    }
    for want in unlisted.iter().flat_map(|(_, wants)| wants) {
        if let Some(record) = want.record {
            let object = as_recorded(record);
            reader
                .live
                .directory
                .insert(want.kind, want.address, &object);
            reader.live.objects.insert(want.address.clone(), object);
        }
    }
    if reader.problems.is_empty() {
        Ok(reader.live)
    } else {
        Err(reader.problems)
    }
}

/// What the ledger knows of an object that the API does not show.
fn as_recorded(record: &Record) -> Object {
    let mut fields = record.scope.clone();
    fields.extend(record.applied.clone());
    let name = fields.get("name").and_then(Value::as_str);
    Object {
        ident: record.ident.clone(),
        name: name.map(str::to_owned),
        fields,
    }
}

struct Reader<'c> {
    client: &'c Client,
    cache: &'c Cache,
    live: Live,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    /// Finds what is wanted in lists that show all scopes.
    fn identify_all(&mut self, lists: Vec<(&Group<'_, '_>, Result<Vec<Json>, ApiError>)>) {
        for ((kind, wants), list) in lists {
            match list {
                Ok(items) => self.identify(kind, wants, items, None),
                Err(error) => self.problems.push(Problem {
                    address: None,
                    reason: Reason::Api(error),
                }),
            }
        }
    }

    /// The outermost scope of a wanted resource, or what it says instead, as query parameters;
    /// `None` where it is not there yet.
    fn scope_query(&self, kind: &Kind, scope: Option<&Map>) -> Option<Vec<(String, String)>> {
        let mut said = kind.outer_place().filter_map(|field| {
            let value = scope?.get(field).filter(|value| !value.is_null())?;
            Some(self.scope_text(value).map(|text| (field.to_owned(), text)))
        });
        said.next().into_iter().collect()
    }

    fn scope_text(&self, value: &Value) -> Option<String> {
        match value {
            Value::Reference(reference) => self.live.resolve(reference),
            Value::String(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// The request that reads an object, or something below it; `None` where its name is not known.
    fn item_request(&self, want: &Wanted<'_>, path: &str, ident: &Ident) -> Option<Request> {
        let mut query = Vec::new();
        if want.kind.endpoints.scope_in_query {
            let recorded = want.record.map(|record| &record.scope);
            let place = recorded.filter(|scope| !scope.is_empty());
            query = self
                .scope_query(want.kind, place.or(want.fields))
                .unwrap_or_default();
        }
        let path = item_path(path, ident)?;
        Some(Request {
            query,
            ..Request::get(path)
        })
    }

    /// Reads the single objects and the parts that the declared resources ask for.
    async fn read_details(&mut self, wanted: &[Wanted<'_>]) {
        let before = self.client.server_time();
        let mut jobs: Vec<(&Wanted<'_>, What, Request)> = Vec::new();
        let mut known = Vec::new();
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
            let request = |path: &str| {
                let request = self.item_request(want, path, &object.ident);
                request.unwrap_or_else(|| Request::get(String::new()))
            };
            if defers || (!leaving && needs_detail(kind, fields)) {
                let stamp = match kind.endpoints.detail {
                    Detail::Stamped(fields) => Stamp::of(kind.name, fields, object),
                    _ => None,
                };
                match stamp.as_ref().and_then(|stamp| self.cache.get(stamp)) {
                    Some(json) => known.push((want, json)),
                    None => {
                        let what = What::Object(stamp);
                        jobs.push((want, what, request(kind.endpoints.item)));
                    }
                }
            }
            for part in kind.parts {
                let recorded = want
                    .record
                    .is_some_and(|r| r.parts.contains_key(part.field));
                if !leaving && (fields.contains_key(part.field) || recorded) {
                    jobs.push((
                        want,
                        What::Part(part),
                        request(part.read.unwrap_or(part.path)),
                    ));
                }
            }
        }
        let client = self.client;
        let answers = join_all(jobs.iter().map(|(_, what, request)| {
            let (items, paging) = match what {
                What::Object(_) => ("", Paging::Whole),
                What::Part(part) => (part.items, part.paging),
            };
            client.whole(request, items, paging)
        }))
        .await;
        for (want, json) in known {
            self.take_detail(want, json);
        }
        for ((want, what, _), answer) in jobs.into_iter().zip(answers) {
            match (answer, what) {
                (Ok(json), What::Part(part)) => self.take_part(want, part, json),
                (Ok(json), What::Object(stamp)) => {
                    let copy = stamp.map(|stamp| (stamp, json.clone()));
                    let clean = self.take_detail(want, json);
                    if let (Some((stamp, json)), Detail::Stamped(fields), true) =
                        (copy, want.kind.endpoints.detail, clean)
                    {
                        let text = json.to_string();
                        if self.client.redact(&text) == text {
                            self.cache.put(stamp, fields, before, json);
                        }
                    }
                }
                (Err(error), _) => self.problems.push(Problem {
                    address: Some(want.address.clone()),
                    reason: Reason::Api(error),
                }),
            }
        }
    }

    /// Takes over what an object says of itself, and tells whether no secret stands where one may.
    fn take_detail(&mut self, want: &Wanted<'_>, json: Json) -> bool {
        let Some(object) = self.live.objects.get_mut(want.address) else {
            return false;
        };
        let mut fields = canonical::decode(want.kind, json);
        canonical::members(
            want.kind,
            &Pointer::root(),
            &mut fields,
            &self.live.directory,
        );
        let clean = !cache::has_secret(fields.values());
        object.fields.extend(fields);
        canonical::place(want.kind, &mut object.fields, [].iter());
        clean
    }

    fn take_part(&mut self, want: &Wanted<'_>, part: &Part, json: Json) {
        if let Some(object) = self.live.objects.get_mut(want.address) {
            let mut value = (part.decode)(json);
            let at = Pointer::root().child(part.field);
            canonical::value(want.kind, &at, &mut value, &self.live.directory);
            object.fields.insert(part.field.to_owned(), value);
        }
    }
}

/// What is read of an object by itself.
enum What {
    /// The object, under the stamp that the list shows.
    Object(Option<Stamp>),
    /// A part of it.
    Part(&'static Part),
}

/// Whether the list leaves out something that the entry declares.
fn needs_detail(kind: &Kind, fields: &Map) -> bool {
    match kind.endpoints.detail {
        Detail::Listed => false,
        Detail::Read | Detail::Stamped(_) => true,
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
