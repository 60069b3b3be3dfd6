//! Lists that show one scope each.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::Value as Json;

use super::identify::Pool;
use super::{Problem, Reader, Reason, Wanted};
use crate::kind::{Is, Kind, System};
use crate::model::Pointer;

/// The wanted resources of one kind.
pub(super) type Group<'w, 'a> = (&'static Kind, Vec<&'w Wanted<'a>>);
/// Query parameters.
type Query = Vec<(String, String)>;

/// The wanted resources that one list may show.
#[derive(Default)]
struct Scoped<'w, 'a> {
    /// Those that are declared there.
    here: Vec<&'w Wanted<'a>>,
    /// Those that the ledger knows to be there, while they are declared elsewhere or not at all.
    left: Vec<&'w Wanted<'a>>,
}

impl Scoped<'_, '_> {
    fn is_empty(&self) -> bool {
        self.here.is_empty() && self.left.is_empty()
    }
}

/// Whether objects of a kind live in what is listed scope by scope, so that they can be told apart
/// only after that.
pub(super) fn is_in_listed_by_scope(kind: &Kind, system: &System) -> bool {
    let by_scope = |name: &str| {
        let kind = system.kind(name);
        kind.is_some_and(|kind| kind.endpoints.list.per_scope)
    };
    kind.scope.iter().any(|field| {
        let at = Pointer::root().child(field);
        kind.rules_at(&at)
            .any(|is| matches!(is, Is::Reference { kind, .. } if by_scope(kind)))
    })
}

/// What the objects of other lists say about what the lists of these kinds can be asked for
/// across scopes. Where they do not agree, they say nothing.
pub(super) fn hints<'l>(
    groups: &[Group<'_, '_>],
    lists: impl Iterator<Item = &'l Vec<Json>>,
) -> BTreeMap<&'static str, String> {
    let items: Vec<&Json> = lists.flatten().collect();
    let fields = groups
        .iter()
        .filter_map(|(kind, _)| kind.endpoints.list.across);
    let agreed = fields.filter_map(|field| {
        let mut said = items.iter().filter_map(|item| item.get(field)?.as_str());
        let first = said.next()?;
        said.all(|text| text == first)
            .then(|| (field, first.to_owned()))
    });
    agreed.collect()
}

impl Reader<'_> {
    /// Reads the lists that show one scope each. A scope that does not exist yet has no objects.
    ///
    /// What the ledger knows to be in another scope than the one that is declared now is looked for
    /// there first: it has not gone, it would have to move.
    pub(super) async fn read_scoped(
        &mut self,
        groups: &[Group<'_, '_>],
        whole: &[&str],
        hints: &BTreeMap<&'static str, String>,
    ) {
        let mut lists: BTreeMap<(&'static str, Query), (&'static Kind, Scoped<'_, '_>)> =
            BTreeMap::new();
        for (kind, wants) in groups {
            let instead = kind.instead_of_scope();
            let outside = instead.and_then(|field| {
                let text = hints.get(field)?.clone();
                Some(vec![(field.to_owned(), text)])
            });
            for query in self
                .every_scope(kind)
                .chain(outside)
                .filter(|_| whole.contains(&kind.name))
            {
                lists
                    .entry((kind.name, query))
                    .or_insert_with(|| (*kind, Scoped::default()));
            }
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
        let mut across = self.read_across(groups, hints, lists.len()).await;
        lists.retain(|(name, _), (_, wants)| {
            across
                .get_mut(name)
                .is_none_or(|pool| !self.take_all(wants, pool))
        });
        for (name, pool) in across {
            self.live
                .unowned
                .entry(name)
                .or_default()
                .extend(pool.rest());
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
                // Nothing is expected there, and a key of a workspace may not even ask.
                Err(error)
                    if wants.is_empty()
                        && !query
                            .iter()
                            .any(|(field, _)| Some(&**field) == kind.outer_scope())
                        && error.is_refusal() => {}
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

    /// The queries of a kind's lists, one for each of the resources in which objects of it may be.
    fn every_scope(&self, kind: &'static Kind) -> impl Iterator<Item = Query> {
        let field = kind.outer_scope().unwrap_or_default();
        let place = kind.lives_in();
        let named = kind.endpoints.list.scopes.iter();
        let named = named.map(move |scope| vec![(field.to_owned(), (*scope).to_owned())]);
        let objects = self.live.objects.iter();
        let live = objects.filter_map(move |(address, object)| {
            let (kind, attribute) = place?;
            let ident = object
                .ident
                .get(attribute)
                .filter(|_| address.kind == kind)?;
            Some(vec![(field.to_owned(), ident.to_owned())])
        });
        named.chain(live)
    }

    /// Asks for all scopes of a kind at once, where that can be asked and is worth a request. A
    /// server that refuses is asked scope by scope.
    async fn read_across(
        &self,
        groups: &[Group<'_, '_>],
        hints: &BTreeMap<&'static str, String>,
        lists: usize,
    ) -> BTreeMap<&'static str, Pool> {
        let asked: Vec<(&'static Kind, Query)> = groups
            .iter()
            .filter(|_| lists > 1)
            .filter(|(_, wants)| wants.iter().any(|want| want.record.is_some()))
            .filter_map(|(kind, _)| {
                let field = kind.endpoints.list.across?;
                Some((*kind, vec![(field.to_owned(), hints.get(field)?.clone())]))
            })
            .collect();
        let answers = asked
            .iter()
            .map(|(kind, query)| self.client.list(&kind.endpoints.list, query));
        let answers = join_all(answers).await;
        let pools = asked.iter().zip(answers).filter_map(|((kind, _), answer)| {
            Some((kind.name, self.pool(kind, answer.ok()?, None)))
        });
        pools.collect()
    }

    /// Takes the resources of one scope out of a list of all scopes, where the ledger knows every
    /// one of them and the list shows it and says where it lives. Only a scope's own list can tell
    /// that something is not there.
    fn take_all(&mut self, wants: &Scoped<'_, '_>, pool: &mut Pool) -> bool {
        let wants = || wants.here.iter().chain(&wants.left);
        let shown = wants().all(|want| {
            let found = self.live.objects.get(want.address);
            let found = found.or_else(|| pool.peek(want.record?));
            found.is_some_and(|object| {
                let says = |field| object.fields.get(field).is_some_and(|v| !v.is_null());
                want.kind.outer_place().any(says)
            })
        });
        if shown {
            for want in wants() {
                self.take_recorded(&[want], pool);
            }
        }
        shown
    }
}
