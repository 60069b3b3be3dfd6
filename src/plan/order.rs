//! In what order steps can be carried out.

use std::collections::BTreeSet;

/// Steps that need each other.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cycle(pub(super) Vec<usize>);

/// Sorts items so that each comes after those that it needs. Where there is a choice, the item
/// that came first in the input comes first: equal inputs give equal orders.
pub(super) fn sort(needs: &[BTreeSet<usize>]) -> Result<Vec<usize>, Cycle> {
    let mut open: Vec<usize> = needs.iter().map(BTreeSet::len).collect();
    let mut needed_by = vec![Vec::new(); needs.len()];
    for (item, below) in needs.iter().enumerate() {
        for need in below {
            needed_by[*need].push(item);
        }
    }
    let mut ready: BTreeSet<usize> = (0..needs.len()).filter(|item| open[*item] == 0).collect();
    let mut order = Vec::with_capacity(needs.len());
    while let Some(item) = ready.pop_first() {
        order.push(item);
        for above in &needed_by[item] {
            open[*above] -= 1;
            if open[*above] == 0 {
                ready.insert(*above);
            }
        }
    }
    if order.len() == needs.len() {
        Ok(order)
    } else {
        Err(cycle(needs, &open))
    }
}

/// One cycle among the items that are still open: following needs must come back somewhere.
fn cycle(needs: &[BTreeSet<usize>], open: &[usize]) -> Cycle {
    let mut path = Vec::new();
    let mut at = open.iter().position(|count| *count > 0).unwrap_or_default();
    loop {
        if let Some(start) = path.iter().position(|seen| *seen == at) {
            return Cycle(path.split_off(start));
        }
        path.push(at);
        match needs[at].iter().find(|need| open[**need] > 0) {
            Some(next) => at = *next,
            None => return Cycle(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(lists: &[&[usize]]) -> Vec<BTreeSet<usize>> {
        lists
            .iter()
            .map(|list| list.iter().copied().collect())
            .collect()
    }

    #[test]
    fn the_order_is_stable_and_respects_needs() {
        assert_eq!(sort(&needs(&[&[2], &[], &[1], &[]])), Ok(vec![1, 2, 0, 3]));
        assert_eq!(sort(&needs(&[&[], &[], &[]])), Ok(vec![0, 1, 2]));
    }

    #[test]
    fn a_cycle_is_named() {
        assert_eq!(
            sort(&needs(&[&[], &[2], &[3], &[1]])),
            Err(Cycle(vec![1, 2, 3]))
        );
    }
}
