//! The steps of a plan and the order in which they can be carried out.

use std::collections::{BTreeMap, BTreeSet};

use super::write::Requests;
use super::{Action, Declared, Issue, Order, Refusal, Request, Step, order};
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
    pub(super) live_uses: BTreeMap<Address, Uses>,
    pub(super) pairs: Vec<Pair>,
}

/// An object that takes the place of another one.
pub(super) struct Pair {
    pub(super) new: Address,
    pub(super) old: Address,
    pub(super) order: Order,
}

/// The resources that an object refers to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Uses {
    /// As long as it exists.
    pub(super) firm: BTreeSet<Address>,
    /// In deferred places, which can be cleared before the object goes.
    pub(super) deferred: BTreeSet<Address>,
}

impl Draft {
    pub(super) fn push(
        &mut self,
        entry: &Declared<'_>,
        action: Action,
        requests: Requests,
        issues: Option<&Issue>,
    ) {
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
                issues: issues.filter(|_| !second).cloned(),
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

    /// The resources whose steps refer to another one.
    pub(super) fn users(&self, address: &Address) -> impl Iterator<Item = &Address> {
        let nodes = self.nodes.iter();
        nodes
            .filter(move |node| node.uses.contains(address))
            .map(|node| &node.step.address)
    }

    /// The steps that must have succeeded before a step of a replacement.
    fn before(&self, index: usize) -> BTreeSet<usize> {
        let step = &self.nodes[index].step;
        let nodes = self.nodes.iter().enumerate();
        let all = |wanted: &dyn Fn(&Node) -> bool| -> BTreeSet<usize> {
            let found = nodes.clone().filter(|(_, node)| wanted(node));
            found.map(|(at, _)| at).collect()
        };
        for pair in &self.pairs {
            // The old one stays until the new one is there and everybody has it.
            if pair.order == Order::CreateFirst && step.address == pair.old {
                return all(&|node| node.step.address == pair.new || node.uses.contains(&pair.new));
            }
            if pair.order == Order::DeleteFirst && step.address == pair.new && !step.second {
                return all(&|node| node.step.address == pair.old);
            }
        }
        BTreeSet::new()
    }

    /// Puts the steps in order.
    pub(super) fn steps(self) -> Result<Vec<Step>, Box<Refusal>> {
        // What others wait for is a resource's first step; a second one may wait for them in turn.
        let mut first: BTreeMap<&Address, usize> = BTreeMap::new();
        let mut all: BTreeMap<&Address, Vec<usize>> = BTreeMap::new();
        for (index, node) in self.nodes.iter().enumerate() {
            if !node.step.second && node.step.action != Action::Delete {
                first.entry(&node.step.address).or_insert(index);
            }
            all.entry(&node.step.address).or_default().push(index);
        }
        // The steps that end the references to a live object.
        let mut ending: BTreeMap<&Address, BTreeSet<usize>> = BTreeMap::new();
        for (user, uses) in &self.live_uses {
            let steps = all.get(user).map(Vec::as_slice).unwrap_or_default();
            for address in &uses.firm {
                ending.entry(address).or_default().extend(steps);
            }
            let clearing = steps
                .iter()
                .filter(|at| self.nodes[**at].step.action != Action::Delete);
            for address in &uses.deferred {
                ending.entry(address).or_default().extend(clearing.clone());
            }
        }
        let needs: Vec<BTreeSet<usize>> = self
            .nodes
            .iter()
            .enumerate()
            .map(|(index, node)| {
                let address = &node.step.address;
                let mut needs: BTreeSet<usize> = match node.step.action {
                    Action::Delete => ending.get(address).cloned().unwrap_or_default(),
                    _ => node
                        .uses
                        .iter()
                        .filter_map(|used| first.get(used))
                        .copied()
                        .collect(),
                };
                if node.step.second {
                    needs.extend(first.get(address));
                }
                if !self.pairs.is_empty() {
                    needs.extend(self.before(index));
                }
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
                address: Some(self.nodes[cycle.0[0]].step.address.clone()),
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
pub(super) fn uses(kind: &Kind, fields: &Map) -> Uses {
    let mut uses = Uses::default();
    let mut at = Pointer::root();
    for (field, value) in fields {
        at.push(field);
        collect(kind, &mut at, value, &mut uses);
        at.pop();
    }
    uses
}

fn collect(kind: &Kind, at: &mut Pointer, value: &Value, uses: &mut Uses) {
    if kind.has(at, |rule| matches!(rule, Is::Deferred)) {
        uses.deferred.extend(value.references());
        return;
    }
    match value {
        Value::Map(members) => {
            for rule in kind.rules_at(at) {
                if let Is::ReferenceKeys { kind: target, .. } = rule {
                    let keys = members.keys();
                    uses.firm
                        .extend(keys.map(|key| Address::new(kind.system, *target, key)));
                }
            }
            for (key, member) in members {
                at.push(key);
                collect(kind, at, member, uses);
                at.pop();
            }
        }
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                at.push(index);
                collect(kind, at, item, uses);
                at.pop();
            }
        }
        leaf => uses.firm.extend(leaf.references()),
    }
}

fn request_uses(requests: &[Request]) -> BTreeSet<Address> {
    let mut used = BTreeSet::new();
    for request in requests {
        let values = request
            .query
            .iter()
            .map(|(_, value)| value)
            .chain(&request.below)
            .chain(&request.body);
        used.extend(values.flat_map(Value::references));
    }
    used
}
