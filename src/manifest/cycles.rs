//! Refuses references that go in a circle: no order of requests could write them.

use std::collections::{HashMap, HashSet, VecDeque};

use super::Entry;
use crate::diagnostic::Diagnostic;

/// Reports every group of entries that need each other, and defers mentions that would close a
/// circle: the API does without them.
pub(super) fn check(entries: &mut [Entry], diagnostics: &mut Vec<Diagnostic>) {
    let targets = resolve(entries);
    let hard = edges(entries, &targets, false);
    for group in groups(&hard) {
        if let Some(circle) = shortest_circle(&hard, &group) {
            diagnostics.push(report(entries, &targets, &circle));
        }
    }
    let all = edges(entries, &targets, true);
    let mut group_of = HashMap::new();
    for (number, group) in groups(&all).into_iter().enumerate() {
        group_of.extend(group.into_iter().map(|node| (node, number)));
    }
    for from in 0..entries.len() {
        let Some(own) = group_of.get(&from) else {
            continue;
        };
        for (link, target) in entries[from].links.iter_mut().zip(&targets[from]) {
            let within = target.is_some_and(|to| group_of.get(&to) == Some(own));
            link.deferred |= link.soft && within;
        }
    }
}

/// The position of the entry that each link leads to.
fn resolve(entries: &[Entry]) -> Vec<Vec<Option<usize>>> {
    let positions: HashMap<_, _> = entries
        .iter()
        .enumerate()
        .map(|(at, entry)| (&entry.address, at))
        .collect();
    entries
        .iter()
        .map(|entry| {
            let position = |link: &super::Link| positions.get(&link.to).copied();
            entry.links.iter().map(position).collect()
        })
        .collect()
}

fn edges(entries: &[Entry], targets: &[Vec<Option<usize>>], soft: bool) -> Vec<Vec<usize>> {
    entries
        .iter()
        .zip(targets)
        .map(|(entry, targets)| {
            entry
                .links
                .iter()
                .zip(targets)
                .filter(|(link, _)| !link.deferred && (soft || !link.soft))
                .filter_map(|(_, target)| *target)
                .collect()
        })
        .collect()
}

/// The strongly connected groups with a circle in them (Tarjan's algorithm, with a stack of our
/// own so that long chains cannot overflow the program's).
fn groups(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    const UNSEEN: usize = usize::MAX;
    let mut order = vec![UNSEEN; edges.len()];
    let mut low = vec![0; edges.len()];
    let mut open = vec![false; edges.len()];
    let mut stack = Vec::new();
    let mut groups = Vec::new();
    let mut count = 0;
    for start in 0..edges.len() {
        if order[start] != UNSEEN {
            continue;
        }
        let mut walk = vec![(start, 0)];
        while let Some((node, next)) = walk.pop() {
            if next == 0 {
                order[node] = count;
                low[node] = count;
                count += 1;
                open[node] = true;
                stack.push(node);
            }
            match edges[node].get(next) {
                Some(&to) => {
                    walk.push((node, next + 1));
                    if order[to] == UNSEEN {
                        walk.push((to, 0));
                    } else if open[to] {
                        low[node] = low[node].min(order[to]);
                    }
                }
                None => {
                    if let Some(&(above, _)) = walk.last() {
                        low[above] = low[above].min(low[node]);
                    }
                    if low[node] == order[node] {
                        let at = stack.iter().rposition(|it| *it == node).unwrap_or(0);
                        let group = stack.split_off(at);
                        group.iter().for_each(|it| open[*it] = false);
                        if group.len() > 1 || edges[node].contains(&node) {
                            groups.push(group);
                        }
                    }
                }
            }
        }
    }
    groups
}

/// The shortest way from the first entry of a group back to itself.
fn shortest_circle(edges: &[Vec<usize>], group: &[usize]) -> Option<Vec<usize>> {
    let start = *group.iter().min()?;
    let group: HashSet<_> = group.iter().copied().collect();
    let mut came_from = HashMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for &to in &edges[node] {
            if to == start {
                let mut circle = vec![node];
                let mut at = node;
                while let Some(before) = came_from.get(&at) {
                    circle.push(*before);
                    at = *before;
                }
                circle.reverse();
                return Some(circle);
            }
            if group.contains(&to) && !came_from.contains_key(&to) {
                came_from.insert(to, node);
                queue.push_back(to);
            }
        }
    }
    None
}

fn report(entries: &[Entry], targets: &[Vec<Option<usize>>], circle: &[usize]) -> Diagnostic {
    let mut names: Vec<_> = circle
        .iter()
        .map(|at| format!("`{}`", entries[*at].address))
        .collect();
    names.push(names[0].clone());
    let mut diagnostic = Diagnostic::error("reference-cycle", "references that go in a circle")
        .note(names.join(" → "))
        .note("each would have to be created before the other");
    for (step, &from) in circle.iter().enumerate() {
        let to = circle[(step + 1) % circle.len()];
        let mut links = entries[from].links.iter().zip(&targets[from]);
        let link =
            links.find(|(link, target)| **target == Some(to) && !link.deferred && !link.soft);
        let Some((link, _)) = link else { continue };
        let location = entries[from].locator.value(&link.at);
        let label = format!("`{}` needs `{}`", entries[from].address, link.to);
        diagnostic = match step {
            0 => diagnostic.at(location, label),
            _ => diagnostic.related(location, label),
        };
    }
    diagnostic
}
