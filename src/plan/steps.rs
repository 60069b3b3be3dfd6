//! The steps of a plan and the order in which they can be carried out.

use std::collections::{BTreeMap, BTreeSet};

use super::write::Requests;
use super::{Action, Declared, Refusal, Request, Step, order};
use crate::kind::{Is, Kind};
use crate::model::{Address, Map, Pointer, Value};

/// A step before the steps are in order.
pub(super) struct Node {
    pub(super) step: Step,
    pub(super) uses: BTreeSet<Address>,
}

/// The steps of a plan, and what the live objects still refer to.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) nodes: Vec<Node>,
    pub(super) live_uses: BTreeMap<Address, BTreeSet<Address>>,
}

impl Draft {
    pub(super) fn push(&mut self, entry: &Declared<'_>, action: Action, requests: Requests) {
        let both = [(false, requests.first), (true, requests.second)];
        for (second, requests) in both
            .into_iter()
            .filter(|(_, requests)| !requests.is_empty())
        {
            let mut uses = request_uses(&requests);
            if !second {
                uses.extend(entry.mentions.iter().cloned());
            }
            let address = entry.address.clone();
            let step = Step {
                address,
                action,
                second,
                after: Vec::new(),
                requests,
            };
            self.nodes.push(Node { step, uses });
        }
    }

    /// The resources that the steps are about or refer to in what they send.
    pub(super) fn mentioned(&self) -> BTreeSet<Address> {
        let nodes = self.nodes.iter();
        nodes
            .flat_map(|node| {
                let mut used = request_uses(&node.step.requests);
                used.insert(node.step.address.clone());
                used
            })
            .collect()
    }

    /// Puts the steps in order.
    pub(super) fn steps(self) -> Result<Vec<Step>, Box<Refusal>> {
        let mut first: BTreeMap<&Address, usize> = BTreeMap::new();
        let mut all: BTreeMap<&Address, Vec<usize>> = BTreeMap::new();
        for (index, node) in self.nodes.iter().enumerate() {
            first.entry(&node.step.address).or_insert(index);
            all.entry(&node.step.address).or_default().push(index);
        }
        // Who still refers to a live object, as far as it is about to change.
        let mut users: BTreeMap<&Address, Vec<&Address>> = BTreeMap::new();
        for (user, used) in &self.live_uses {
            for address in used {
                users.entry(address).or_default().push(user);
            }
        }
        let needs: Vec<BTreeSet<usize>> = self
            .nodes
            .iter()
            .enumerate()
            .map(|(index, node)| {
                let mut needs: BTreeSet<usize> = match node.step.action {
                    Action::Delete => users
                        .get(&node.step.address)
                        .into_iter()
                        .flatten()
                        .filter_map(|user| all.get(*user))
                        .flatten()
                        .copied()
                        .collect(),
                    _ => {
                        let used = node.uses.iter().filter_map(|address| first.get(address));
                        used.copied()
                            .filter(|need| self.nodes[*need].step.action != Action::Delete)
                            .collect()
                    }
                };
                needs.extend(
                    node.step
                        .second
                        .then(|| first.get(&node.step.address))
                        .flatten(),
                );
                needs.remove(&index);
                needs
            })
            .collect();
        let order = order::sort(&needs).map_err(|cycle| {
            let names: Vec<String> = cycle
                .0
                .iter()
                .map(|index| self.nodes[*index].step.address.to_string())
                .collect();
            Box::new(Refusal {
                address: self.nodes[cycle.0[0]].step.address.clone(),
                code: "cycle".to_owned(),
                message: format!("these changes need each other: {}", names.join(" → ")),
                help: "apply them in two runs, one side of the cycle first".to_owned(),
                pointer: Pointer::root(),
                source: None,
            })
        })?;
        let mut position = vec![0; order.len()];
        for (at, index) in order.iter().enumerate() {
            position[*index] = at;
        }
        let mut nodes: Vec<Option<Step>> =
            self.nodes.into_iter().map(|node| Some(node.step)).collect();
        let ordered = order.into_iter().filter_map(|index| {
            let mut step = nodes[index].take()?;
            step.after = needs[index].iter().map(|need| position[*need]).collect();
            step.after.sort_unstable();
            Some(step)
        });
        Ok(ordered.collect())
    }
}

/// The resources that some fields refer to, keys of maps included.
pub(super) fn uses(kind: &Kind, fields: &Map) -> BTreeSet<Address> {
    let mut used = BTreeSet::new();
    for (field, value) in fields {
        used.extend(value.references());
        for rule in kind.rules_at(&Pointer::root().child(field)) {
            if let (Is::ReferenceKeys { kind: target, .. }, Value::Map(map)) = (rule, value) {
                used.extend(
                    map.keys()
                        .map(|key| Address::new(kind.system, *target, key)),
                );
            }
        }
    }
    used
}

fn request_uses(requests: &[Request]) -> BTreeSet<Address> {
    let mut used = BTreeSet::new();
    for request in requests {
        let values = request
            .query
            .iter()
            .map(|(_, value)| value)
            .chain(&request.body);
        used.extend(values.flat_map(Value::references));
    }
    used
}
