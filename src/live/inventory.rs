//! Everything that a server shows, whether or not anybody declares it: what imports start from.

use std::collections::HashSet;

use futures_util::future::join_all;

use super::{Problem, Reason, canonical};
use crate::client::{ApiError, ApiErrorKind, Client};
use crate::kind::{Identity, Kind, System};
use crate::model::{Ident, Map, Value};

/// An object that a list shows, in the manifests' form but for references and secrets.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its kind.
    pub kind: &'static Kind,
    /// What the server calls it.
    pub ident: Ident,
    /// What people call it.
    pub name: Option<String>,
    /// What the list says of it, and what the list was asked for.
    pub fields: Map,
}

/// What a server shows.
#[derive(Debug, Default)]
pub struct Inventory {
    /// The objects, by kind in the order of the registry, each once.
    pub objects: Vec<Found>,
    /// What the server does not list.
    pub gaps: Vec<Gap>,
}

/// A list that the server refuses.
#[derive(Debug)]
pub struct Gap {
    /// Of what kind.
    pub kind: &'static Kind,
    /// Of which objects of it.
    pub which: Which,
    /// How it was refused.
    pub error: ApiError,
}

/// Which objects of a kind a list shows.
#[derive(Debug)]
pub enum Which {
    /// All of them.
    All,
    /// Those that are in no scope.
    Outside,
    /// Those of one scope, by what the API calls it.
    Inside(String),
}

impl Found {
    /// Where the object is in its outermost scope, as the list says it.
    pub fn scope(&self) -> Option<&str> {
        self.fields.get(self.kind.outer_scope()?)?.as_str()
    }
}

impl Inventory {
    /// What all objects that have a field say there.
    fn agreed(&self, field: &str) -> Option<String> {
        let mut said = self
            .objects
            .iter()
            .filter_map(|it| it.fields.get(field)?.as_str());
        let first = said.next()?;
        said.all(|text| text == first).then(|| first.to_owned())
    }
}

/// Reads every list. `needs_scope` says of which kinds there are no objects outside of scopes.
///
/// # Errors
/// Every list that could not be read.
pub async fn inventory(
    client: &Client,
    system: &'static System,
    needs_scope: &dyn Fn(&Kind) -> bool,
) -> Result<Inventory, Vec<Problem>> {
    let mut inventory = Inventory::default();
    let mut problems = Vec::new();
    let mut seen = HashSet::new();
    // What is listed scope by scope comes second: its scopes must be known.
    for per_scope in [false, true] {
        let mut asked: Vec<(&'static Kind, Vec<(String, String)>)> = Vec::new();
        for kind in system.kinds {
            if kind.endpoints.list.per_scope != per_scope || kind.identity == Identity::Recorded {
                continue;
            }
            if let (true, Some((scope, attribute)), Some(field)) =
                (per_scope, kind.lives_in(), kind.outer_scope())
            {
                let scopes = inventory.objects.iter().filter(|it| it.kind.name == scope);
                let texts = scopes.filter_map(|it| it.ident.get(attribute));
                asked.extend(texts.map(|text| (*kind, vec![(field.to_owned(), text.to_owned())])));
            }
            let scopes = kind.endpoints.list.scopes;
            if let Some(field) = kind.outer_scope() {
                let query = |scope: &&str| vec![(field.to_owned(), (*scope).to_owned())];
                asked.extend(scopes.iter().map(|scope| (*kind, query(scope))));
            }
            if !per_scope || (scopes.is_empty() && !needs_scope(kind)) {
                let instead = kind.instead_of_scope();
                let query =
                    instead.and_then(|field| Some((field.to_owned(), inventory.agreed(field)?)));
                asked.push((kind, query.into_iter().collect()));
            }
        }
        let lists = asked
            .iter()
            .map(|(kind, query)| client.list(&kind.endpoints.list, query));
        let answers = join_all(lists).await;
        for ((kind, query), answer) in asked.into_iter().zip(answers) {
            match answer {
                Ok(items) => {
                    let found = items.into_iter().map(|item| found(kind, item, &query));
                    let new =
                        found.filter(|it| match it.ident.id.as_ref().or(it.ident.slug.as_ref()) {
                            Some(name) => seen.insert((kind.name, name.clone())),
                            None => true,
                        });
                    inventory.objects.extend(new);
                }
                // Many lists of scopes exist for their scopes alone.
                Err(error) if per_scope && !is_inside(kind, &query) && error.is_refusal() => {
                    if error.status != Some(400) {
                        let which = Which::Outside;
                        inventory.gaps.push(Gap { kind, which, error });
                    }
                }
                // A key need not reach everything, and an account need not have every feature.
                Err(error) if error.kind == ApiErrorKind::Forbidden => {
                    let scope = query
                        .into_iter()
                        .find(|(field, _)| per_scope && Some(&**field) == kind.outer_scope());
                    let which = scope.map_or(Which::All, |(_, text)| Which::Inside(text));
                    inventory.gaps.push(Gap { kind, which, error });
                }
                Err(error) => problems.push(Problem {
                    address: None,
                    reason: Reason::Api(error),
                }),
            }
        }
    }
    for kind in system.kinds {
        if let Some((other, with)) = kind.listed_with() {
            inventory.objects.retain(|it| {
                let theirs = it.fields.get(with).is_some_and(|value| !value.is_null());
                it.kind.name != if theirs { kind.name } else { other }
            });
        }
    }
    // One object may be shown as of two kinds: it is of the first of them.
    let mut ids = HashSet::new();
    let rank = |it: &Found| {
        system
            .kinds
            .iter()
            .position(|kind| kind.name == it.kind.name)
    };
    inventory.objects.sort_by_key(rank);
    inventory.objects.retain(|it| {
        let id = it.ident.id.as_ref().filter(|id| (system.ids.is)(id));
        id.is_none_or(|id| ids.insert(id.clone()))
    });
    // A key that reaches nothing at all is the wrong one.
    if problems.is_empty() && inventory.objects.is_empty() {
        let refused = inventory.gaps.drain(..).map(|gap| Problem {
            address: None,
            reason: Reason::Api(gap.error),
        });
        problems.extend(refused);
    }
    if problems.is_empty() {
        Ok(inventory)
    } else {
        Err(problems)
    }
}

/// Whether a list was asked for one scope.
fn is_inside(kind: &Kind, query: &[(String, String)]) -> bool {
    query
        .iter()
        .any(|(field, _)| Some(&**field) == kind.outer_scope())
}

fn found(kind: &'static Kind, item: serde_json::Value, query: &[(String, String)]) -> Found {
    let mut fields = canonical::decode(kind, item);
    canonical::place(kind, &mut fields, query.iter());
    let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    Found {
        kind,
        ident: Ident {
            id: text("id"),
            slug: text("slug"),
        },
        name: text("name"),
        fields,
    }
}
