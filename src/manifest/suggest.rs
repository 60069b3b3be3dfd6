//! `did you mean ...?` among many names, without a quadratic cost when everything is wrong.

use crate::diagnostic::nearest;

/// How many comparisons a run spends on suggestions; beyond it, messages go without.
const BUDGET: usize = 300_000;

/// The comparisons that are left.
#[derive(Debug)]
pub(super) struct Suggestions(usize);

impl Default for Suggestions {
    fn default() -> Self {
        Self(BUDGET)
    }
}

impl Suggestions {
    /// The candidate that `word` was probably meant to be.
    pub(super) fn nearest<'a>(
        &mut self,
        word: &str,
        candidates: impl ExactSizeIterator<Item = &'a str>,
    ) -> Option<&'a str> {
        self.0 = self.0.checked_sub(candidates.len())?;
        nearest(word, candidates)
    }
}
