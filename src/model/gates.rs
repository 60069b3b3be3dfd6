//! What a project allows plans to delete, beside what gatewright made or adopted.

use std::collections::BTreeMap;

use super::Address;

/// How far plans may go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gates {
    /// Where what is not declared is to go, whoever made it.
    pub exclusive: Vec<Exclusive>,
    /// How much of a kind one plan may delete.
    pub limits: Limits,
    /// Whether all of it is to go, whatever the manifests say.
    pub destroys: bool,
}

/// A kind of which nothing is to be but what is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusive {
    /// The name of the kind.
    pub kind: String,
    /// Of this system alone; without it, of every system that has a kind of that name.
    pub system: Option<String>,
    /// In these resources alone; without it, in all that are declared and outside of any.
    pub within: Option<Vec<Address>>,
}

/// How much of a kind one plan may delete.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// Of kinds that have no limit of their own.
    pub default: Limit,
    /// By the names of kinds.
    pub kinds: BTreeMap<String, Limit>,
}

/// How many deletions are too many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// This share of the objects that there are, in percent.
    Percent(f64),
    /// This number.
    Count(usize),
}

/// A percentage says nothing about a handful of objects: so many may always go.
const HANDFUL: usize = 3;

impl Default for Limit {
    fn default() -> Self {
        Self::Percent(30.0)
    }
}

impl Gates {
    /// Nothing is exclusive, and everything goes at once.
    pub fn destroying() -> Self {
        Self {
            exclusive: Vec::new(),
            limits: Limits::none(),
            destroys: true,
        }
    }
}

impl Limits {
    /// Everything may go at once.
    pub fn none() -> Self {
        Self {
            default: Limit::Percent(100.0),
            kinds: BTreeMap::new(),
        }
    }

    /// The limit of a kind.
    pub fn of(&self, kind: &str) -> Limit {
        self.kinds.get(kind).copied().unwrap_or(self.default)
    }
}

impl Limit {
    /// Whether deleting `doomed` of `all` objects is too much.
    pub fn is_exceeded(self, doomed: usize, all: usize) -> bool {
        match self {
            // None is none, whatever else a percentage says.
            Self::Percent(percent) if percent <= 0.0 => doomed > 0,
            Self::Percent(percent) => {
                doomed > HANDFUL && doomed as f64 * 100.0 > percent * all as f64
            }
            Self::Count(count) => doomed > count,
        }
    }

    /// Reads `20%` or `5`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_suffix('%') {
            Some(percent) => {
                let percent: f64 = percent.trim().parse().ok()?;
                (0.0..=100.0)
                    .contains(&percent)
                    .then_some(Self::Percent(percent))
            }
            None => text.parse().ok().map(Self::Count),
        }
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Count(count) => write!(f, "{count}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_leave_a_handful_alone_and_numbers_do_not() {
        let percent = Limit::parse("20%").unwrap();
        assert!(!percent.is_exceeded(3, 3));
        assert!(!percent.is_exceeded(20, 100));
        assert!(percent.is_exceeded(21, 100));
        assert!(Limit::parse("0%").unwrap().is_exceeded(1, 100));
        assert!(!Limit::parse("0%").unwrap().is_exceeded(0, 100));
        assert!(Limit::parse("0").unwrap().is_exceeded(1, 100));
        assert!(!Limit::parse("5").unwrap().is_exceeded(5, 5));
        assert_eq!((Limit::parse("120%"), Limit::parse("many")), (None, None));
    }
}
