//! What one state has that another does not, as data.
//!
//! States share what they have in common, so that finding the difference takes as long as what is different is large.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::ordmap::DiffItem;
use imbl::{OrdMap, Vector};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::record::{Fields, Link, Object, Record};
use super::usage::{Tally, Usage};
use super::{Account, State};
use crate::engine::identity::Ids;

/// What makes one state of another.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Delta {
    /// The last insertion number.
    next: u64,
    /// What the state's clock said last, and the setting of the clock that this was under.
    last: i64,
    setting: u64,
    /// Where ids, slugs and secrets come from.
    ids: u64,
    /// Accounts that were opened; none for one that is not there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    accounts: BTreeMap<String, Option<Account>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    kinds: BTreeMap<String, Objects>,
    /// What was used of limits: owner, group, and no tally where counting begins again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    usage: Vec<(Arc<str>, Arc<str>, Option<Tally>)>,
    /// What the gateway's cache knows, and has forgotten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    answered: Vec<(u64, Option<i64>)>,
}

/// The objects of a kind that changed.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Objects {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    put: Vec<Written>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gone: Vec<u64>,
}

/// An object as it is written down.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Written {
    sequence: u64,
    id: Arc<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slug: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    within: Arc<str>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    archived: bool,
    fields: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    links: Vec<(Arc<str>, Arc<str>)>,
    /// How many earlier versions there are, and those that the object did not have before.
    #[serde(default, skip_serializing_if = "is_zero")]
    versions: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    history: Vec<Map<String, Value>>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks with a reference"
)]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Delta {
    /// What makes `after` of `before`.
    pub(crate) fn between(before: &State, after: &State) -> Delta {
        let accounts = before.accounts.keys().chain(after.accounts.keys());
        let accounts = accounts.filter(|api| before.accounts.get(*api) != after.accounts.get(*api));
        let mut kinds = BTreeMap::new();
        let missing = before.collections.iter();
        for (kind, former) in missing.filter(|(kind, _)| !after.collections.contains_key(*kind)) {
            let gone: Vec<u64> = former.records().keys().copied().collect();
            let put = Vec::new();
            kinds.insert(kind.to_string(), Objects { put, gone });
        }
        for (kind, collection) in &after.collections {
            let former = before.collections.get(kind);
            if former.is_some_and(|former| Arc::ptr_eq(former, collection)) {
                continue;
            }
            let none = OrdMap::new();
            let records = former.map_or(&none, |former| former.records());
            let mut objects = Objects::default();
            for item in records.diff(collection.records()) {
                match item {
                    DiffItem::Add(_, record) => objects.put.push(Written::new(record, None)),
                    DiffItem::Update { old, new } => {
                        objects.put.push(Written::new(new.1, Some(old.1)));
                    }
                    DiffItem::Remove(sequence, _) => objects.gone.push(*sequence),
                }
            }
            if objects != Objects::default() {
                kinds.insert(kind.to_string(), objects);
            }
        }
        let answered = before.answered.diff(&after.answered);
        Delta {
            next: after.next,
            last: after.clock.last,
            setting: after.clock.setting,
            ids: after.ids.seed(),
            accounts: accounts
                .map(|api| (api.clone(), after.accounts.get(api).cloned()))
                .collect(),
            kinds,
            usage: Usage::changes(&before.usage, &after.usage),
            answered: answered
                .map(|item| match item {
                    DiffItem::Add(key, then) => (*key, Some(*then)),
                    DiffItem::Update { new, .. } => (*new.0, Some(*new.1)),
                    DiffItem::Remove(key, _) => (*key, None),
                })
                .collect(),
        }
    }

    /// Makes the change.
    pub(crate) fn apply(self, state: &mut State) {
        state.next = self.next;
        state.clock.last = self.last;
        state.clock.setting = self.setting;
        state.ids = Ids::new(Some(self.ids));
        for (api, account) in self.accounts {
            match account {
                Some(account) => state.accounts.insert(api, account),
                None => state.accounts.remove(&api),
            };
        }
        for (kind, objects) in self.kinds {
            for sequence in objects.gone {
                state.remove(&kind, sequence);
            }
            for written in objects.put {
                let collection = state.collection(&kind);
                let former = collection.and_then(|objects| objects.at(written.sequence).cloned());
                state.put(&kind, written.record(former.as_deref()));
            }
        }
        for (owner, group, tally) in self.usage {
            state.usage.set(owner, group, tally);
        }
        for (key, then) in self.answered {
            match then {
                Some(then) => state.answered.insert(key, then),
                None => state.answered.remove(&key),
            };
        }
    }
}

impl Written {
    fn new(record: &Record, former: Option<&Arc<Record>>) -> Written {
        let known = former.and_then(|former| former.history.front());
        let earlier = record.history.iter();
        let earlier =
            earlier.take_while(|fields| known.is_none_or(|known| !Arc::ptr_eq(known, fields)));
        let links = record.links.iter();
        Written {
            sequence: record.sequence,
            id: Arc::clone(&record.id),
            slug: record.slug.clone(),
            within: Arc::clone(&record.within),
            archived: record.archived,
            fields: record.fields.copied(),
            links: links
                .map(|link| (Arc::clone(&link.field), Arc::clone(&link.target)))
                .collect(),
            versions: record.history.len(),
            history: earlier.map(|fields| fields.copied()).collect(),
        }
    }

    fn record(self, former: Option<&Record>) -> Record {
        let known = former.into_iter().flat_map(|former| former.history.iter());
        let earlier = self
            .history
            .into_iter()
            .map(|fields| Object::new(fields).packed());
        let history: Vector<Fields> = earlier.chain(known.cloned()).take(self.versions).collect();
        let links = self.links.into_iter();
        Record {
            sequence: self.sequence,
            id: self.id,
            slug: self.slug,
            within: self.within,
            archived: self.archived,
            fields: Object::new(self.fields),
            links: links
                .map(|(field, target)| Link { field, target })
                .collect(),
            history,
        }
    }
}
