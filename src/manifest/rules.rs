//! A kind's rules, matched step by step while a value is walked.
//!
//! Matching every pattern against every place would dominate the loading of a large repository.
//! Instead a walk carries [`States`]: how far each pattern has matched on the way down.

use crate::kind::{Is, Rule};

/// The rules of one kind, split into segments once.
#[derive(Debug)]
pub(super) struct Rules {
    rules: Vec<(Vec<&'static str>, &'static Is)>,
}

/// How far the rules have matched at a place.
#[derive(Clone, Debug, Default)]
pub(super) struct States(Vec<(usize, usize)>);

impl Rules {
    pub(super) fn new(rules: &'static [Rule]) -> Self {
        let split = |rule: &'static Rule| (rule.at.0.split('/').skip(1).collect(), &rule.is);
        Self {
            rules: rules.iter().map(split).collect(),
        }
    }

    /// The resource itself.
    pub(super) fn root(&self) -> States {
        let mut states = States::default();
        for rule in 0..self.rules.len() {
            self.reach(&mut states, rule, 0);
        }
        states
    }

    /// One segment further down.
    pub(super) fn step(&self, from: &States, segment: &str) -> States {
        let mut states = States::default();
        for &(rule, position) in &from.0 {
            match self.rules[rule].0.get(position) {
                Some(&"**") => self.reach(&mut states, rule, position),
                Some(&part) if part == "*" || part == segment => {
                    self.reach(&mut states, rule, position + 1);
                }
                _ => {}
            }
        }
        states
    }

    /// What the rules say of this place.
    pub(super) fn at(&self, states: &States) -> impl Iterator<Item = &'static Is> {
        states.0.iter().filter_map(|&(rule, position)| {
            let (parts, is) = &self.rules[rule];
            (parts.len() == position).then_some(*is)
        })
    }

    /// Adds a state, and the one behind a `**`, which may stand for nothing.
    fn reach(&self, states: &mut States, rule: usize, position: usize) {
        if states.0.contains(&(rule, position)) {
            return;
        }
        states.0.push((rule, position));
        if self.rules[rule].0.get(position) == Some(&"**") {
            self.reach(states, rule, position + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Pointer;

    static RULES: &[Rule] = &[
        Rule::new("/key", Is::Secret),
        Rule::new("/a/*/b", Is::Set),
        Rule::new("/a/**/c/*", Is::Merge),
        Rule::new("/**/d", Is::Immutable),
        Rule::new("", Is::WriteOnly),
    ];

    #[test]
    fn stepping_agrees_with_matching_whole_pointers() {
        let rules = Rules::new(RULES);
        for text in [
            "",
            "/key",
            "/a",
            "/a/x/b",
            "/a/x/y/b",
            "/a/c/x",
            "/a/x/y/c/z",
            "/a/c/c/c",
            "/d",
            "/a/d",
            "/a/x/d",
            "/a/d/c/d",
        ] {
            let pointer = Pointer::from(text);
            let states = pointer
                .segments()
                .iter()
                .fold(rules.root(), |states, segment| rules.step(&states, segment));
            let mut stepped: Vec<_> = rules.at(&states).map(|is| format!("{is:?}")).collect();
            let mut matched: Vec<_> = RULES
                .iter()
                .filter(|rule| rule.at.matches(&pointer))
                .map(|rule| format!("{:?}", rule.is))
                .collect();
            stepped.sort();
            matched.sort();
            assert_eq!(stepped, matched, "{text}");
        }
    }
}
