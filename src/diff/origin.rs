//! Where a difference comes from: last applied, live and desired side by side.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::equal::{Resolve, deep};
use super::{Because, FieldChange, as_recorded};
use crate::kind::{Is, Kind};
use crate::model::{Map, Pointer, Secret, Value};

/// Who made live and desired differ, judged by what was applied last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The manifest changed; live is as it was applied.
    Intended,
    /// Somebody changed it live; the manifest is as it was applied.
    Drift,
    /// Both changed, and not to the same.
    Conflict,
}

/// Three ways of seeing one resource.
pub(super) struct Ways<'a> {
    pub(super) kind: &'a Kind,
    /// What was applied last.
    pub(super) base: &'a Map,
    pub(super) desired: &'a Map,
    pub(super) resolve: Resolve<'a>,
    /// Whether a text is another one than the fingerprint in the ledger is of.
    pub(super) fingerprint_differs: &'a dyn Fn(&Pointer, &Secret) -> Option<bool>,
}

impl Ways<'_> {
    /// Labels a change.
    pub(super) fn label(&self, change: &mut FieldChange) {
        change.origin = self.origin(change);
        if change.origin == Some(Origin::Conflict) {
            change.last_applied = at(self.base, &change.pointer).cloned();
        }
    }

    fn origin(&self, change: &FieldChange) -> Option<Origin> {
        match change.because {
            Some(Because::Fingerprint | Because::NeverWritten | Because::Asked) => {
                return Some(Origin::Intended);
            }
            // A mask that does not fit says that they differ, and not who changed.
            Some(Because::Mask | Because::NotFound) => return None,
            Some(Because::Absent) | None => {}
        }
        let above = above(&change.pointer);
        if self.kind.has(&above, |rule| matches!(rule, Is::Set)) {
            return self.of_set(&above, change);
        }
        let Some(base) = at(self.base, &change.pointer) else {
            return Some(self.of_unknown(&above, change));
        };
        // What the manifest says now and what it said then are both as manifests say it; a secret
        // of then has nothing left but its sources.
        let mut texts = Vec::new();
        let new = as_recorded(&change.new, base, &change.pointer, &mut texts);
        if deep(&new, base, self.resolve) && self.are_recorded(&texts)? {
            return Some(Origin::Drift);
        }
        texts.clear();
        let old = as_recorded(&change.old, base, &change.pointer, &mut texts);
        if deep(base, &old, self.resolve) && self.are_recorded(&texts)? {
            return Some(Origin::Intended);
        }
        Some(Origin::Conflict)
    }

    /// Whether texts are the ones of which the ledger has fingerprints; `None` where it has none that
    /// could tell.
    fn are_recorded(&self, texts: &[(Pointer, Secret)]) -> Option<bool> {
        let differ = texts
            .iter()
            .map(|(at, text)| (self.fingerprint_differs)(at, text));
        let differ: Vec<Option<bool>> = differ.collect();
        // One that differs is enough to know.
        if differ.contains(&Some(true)) {
            return Some(false);
        }
        (!differ.contains(&None)).then_some(true)
    }

    /// An element came or went: whether it was there says who did it.
    fn of_set(&self, set: &Pointer, change: &FieldChange) -> Option<Origin> {
        let base = at(self.base, set).and_then(Value::as_list);
        // Of texts that the ledger does not show nobody knows which of them an element is.
        if base
            .unwrap_or_default()
            .iter()
            .any(|item| matches!(item, Value::Secret(_)))
        {
            return None;
        }
        let known = |item: &Value| {
            let mut items = base.unwrap_or_default().iter();
            items.any(|base| deep(base, item, self.resolve) || deep(item, base, self.resolve))
        };
        let by_somebody = match (&change.old, &change.new) {
            (Value::Null, new) => known(new),
            (old, _) => !known(old),
        };
        Some(match by_somebody {
            true => Origin::Drift,
            false => Origin::Intended,
        })
    }

    /// A place that was not applied.
    fn of_unknown(&self, above: &Pointer, change: &FieldChange) -> Origin {
        let declared = at(self.desired, &change.pointer).is_some();
        if !declared {
            // What surrounds it is declared as a whole, and somebody put something into that.
            return Origin::Drift;
        }
        let depth = above.segments().len();
        let part = above.field().is_some_and(|f| self.kind.part(f).is_some());
        let partial = self
            .kind
            .has(above, |rule| matches!(rule, Is::Merge | Is::Patch));
        let newly_managed =
            above.is_root() || partial || (part && depth < 3) || at(self.base, above).is_none();
        if change.old.is_null() || newly_managed {
            Origin::Intended
        } else {
            Origin::Conflict
        }
    }
}

fn above(pointer: &Pointer) -> Pointer {
    let mut above = pointer.clone();
    above.pop();
    above
}

fn at<'m>(map: &'m Map, pointer: &Pointer) -> Option<&'m Value> {
    let (first, rest) = pointer.segments().split_first()?;
    map.get(first)?.at(rest)
}
