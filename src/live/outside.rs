//! What manifests name by its id because it is managed elsewhere, and the API by its slug.

use std::collections::{BTreeMap, HashMap};

use super::{Object, Problem, Reader, Reason, Wanted};
use crate::kind::{Is, Kind, System};
use crate::model::Value;

impl Reader<'_> {
    /// Has maps of live objects name what is managed elsewhere as their manifests do: by its id.
    /// Only where something is not there by its id, the list is read that knows both names.
    pub(super) async fn name_outside(&mut self, system: &System, wanted: &[Wanted<'_>]) {
        let mut open: BTreeMap<&'static str, Vec<(&Wanted<'_>, &'static str)>> = BTreeMap::new();
        for want in wanted {
            for rule in want.kind.rules {
                if let (Is::ReferenceKeys { kind, .. }, Some(field)) =
                    (&rule.is, rule.at.0.strip_prefix('/'))
                    && self.is_misnamed(system, want, field)
                {
                    open.entry(kind).or_default().push((want, field));
                }
            }
        }
        for (name, maps) in open {
            let Some(kind) = system.kind(name) else {
                continue;
            };
            let ids = self.ids_by_slug(kind).await;
            for (want, field) in maps {
                let object = self.live.objects.get_mut(want.address);
                if let Some(Value::Map(map)) = object.and_then(|it| it.fields.get_mut(field)) {
                    let named = std::mem::take(map).into_iter();
                    let named = named.map(|(key, it)| (ids.get(&key).cloned().unwrap_or(key), it));
                    *map = named.collect();
                }
            }
        }
    }

    /// Whether something is declared by an id that the live map lacks, while that has other names.
    fn is_misnamed(&self, system: &System, want: &Wanted<'_>, field: &str) -> bool {
        let live = self.live.objects.get(want.address);
        let live = live.and_then(|object| object.fields.get(field)?.as_map());
        let declared = want.fields.and_then(|fields| fields.get(field)?.as_map());
        let (Some(live), Some(declared)) = (live, declared) else {
            return false;
        };
        let is_id = |key: &String| (system.ids.is)(key);
        let mut keys = live.keys();
        keys.any(|key| !is_id(key) && !declared.contains_key(key))
            && declared
                .keys()
                .any(|key| is_id(key) && !live.contains_key(key))
    }

    /// The ids of those objects of a kind that no entry means, by their slugs. Who may not read the
    /// list knows none.
    async fn ids_by_slug(&mut self, kind: &'static Kind) -> HashMap<String, String> {
        let names = |object: &Object| Some((object.ident.slug.clone()?, object.ident.id.clone()?));
        if let Some(objects) = self.live.unowned.get(kind.name) {
            return objects.iter().filter_map(names).collect();
        }
        match self.client.list(&kind.endpoints.list, &[]).await {
            Ok(items) => {
                let objects = items.into_iter().map(|item| self.object(kind, item, None));
                objects.filter_map(|object| names(&object)).collect()
            }
            Err(error) => {
                if !error.is_refusal() {
                    self.problems.push(Problem {
                        address: None,
                        reason: Reason::Api(error),
                    });
                }
                HashMap::new()
            }
        }
    }
}
