//! What was used of limits: one tally for each limit and each group of requests that it counts apart.

use std::sync::Arc;

use imbl::OrdMap;
use imbl::ordmap::DiffItem;
use serde::{Deserialize, Serialize};

/// The tallies of all limits, by the object that has the limit and by group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usage {
    tallies: OrdMap<(Arc<str>, Arc<str>), Tally>,
}

/// What was used in the window of time that began at a millisecond; other windows do not matter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tally {
    window: i64,
    amount: f64,
}

impl Usage {
    /// What was used in a window.
    pub(crate) fn amount(&self, owner: &Arc<str>, group: &Arc<str>, window: i64) -> f64 {
        let key = (Arc::clone(owner), Arc::clone(group));
        let tally = self.tallies.get(&key);
        tally
            .filter(|tally| tally.window == window)
            .map_or(0.0, |tally| tally.amount)
    }

    /// Adds to what was used in a window.
    pub(crate) fn add(&mut self, owner: &Arc<str>, group: &Arc<str>, window: i64, amount: f64) {
        let key = (Arc::clone(owner), Arc::clone(group));
        let amount = self.amount(owner, group, window) + amount;
        self.tallies.insert(key, Tally { window, amount });
    }

    /// The groups of an owner's limit and what each used in a window.
    pub(crate) fn groups(
        &self,
        owner: &Arc<str>,
        window: i64,
    ) -> impl Iterator<Item = (&str, f64)> {
        let first = (Arc::clone(owner), Arc::default());
        self.tallies
            .range(first..)
            .take_while(move |((other, _), _)| other == owner)
            .filter(move |(_, tally)| tally.window == window)
            .map(|((_, group), tally)| (&**group, tally.amount))
    }

    /// The tallies that one has otherwise than another: owner, group, and what the other one has.
    pub(crate) fn changes(
        before: &Usage,
        after: &Usage,
    ) -> Vec<(Arc<str>, Arc<str>, Option<Tally>)> {
        let changes = before.tallies.diff(&after.tallies);
        let changes = changes.map(|item| match item {
            DiffItem::Add(key, tally) => (key, Some(*tally)),
            DiffItem::Update { new, .. } => (new.0, Some(*new.1)),
            DiffItem::Remove(key, _) => (key, None),
        });
        changes
            .map(|((owner, group), tally)| (Arc::clone(owner), Arc::clone(group), tally))
            .collect()
    }

    /// Puts a tally in place of another, or takes it away.
    pub(crate) fn set(&mut self, owner: Arc<str>, group: Arc<str>, tally: Option<Tally>) {
        match tally {
            Some(tally) => self.tallies.insert((owner, group), tally),
            None => self.tallies.remove(&(owner, group)),
        };
    }

    /// Begins to count a group again, or all groups of an owner.
    pub(crate) fn forget(&mut self, owner: &Arc<str>, group: Option<&str>) {
        let first = (Arc::clone(owner), Arc::from(group.unwrap_or_default()));
        let gone: Vec<_> = self
            .tallies
            .range(first..)
            .map(|(key, _)| key)
            .take_while(|(other, name)| {
                other == owner && group.is_none_or(|group| **name == *group)
            })
            .cloned()
            .collect();
        for key in gone {
            self.tallies.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Usage;

    #[test]
    fn windows_and_groups_are_counted_apart() {
        let mut usage = Usage::default();
        let [key, other]: [Arc<str>; 2] = [Arc::from("key"), Arc::from("other")];
        let [a, b]: [Arc<str>; 2] = [Arc::from("a"), Arc::from("b")];
        usage.add(&key, &a, 1, 2.0);
        usage.add(&key, &a, 1, 3.0);
        usage.add(&key, &b, 1, 1.0);
        usage.add(&other, &a, 1, 7.0);
        assert_eq!(usage.amount(&key, &a, 1), 5.0);
        assert_eq!(usage.amount(&key, &a, 2), 0.0);
        assert_eq!(
            usage.groups(&key, 1).collect::<Vec<_>>(),
            [("a", 5.0), ("b", 1.0)]
        );
        usage.add(&key, &a, 2, 1.0);
        assert_eq!(usage.amount(&key, &a, 2), 1.0);
        usage.forget(&key, Some("a"));
        assert_eq!(usage.groups(&key, 1).collect::<Vec<_>>(), [("b", 1.0)]);
        usage.forget(&key, None);
        assert_eq!(usage.groups(&key, 1).count(), 0);
        assert_eq!(usage.amount(&other, &a, 1), 7.0);
    }
}
