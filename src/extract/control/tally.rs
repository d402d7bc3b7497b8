//! How many classes are shared by how many persons.

use crate::reports::{Size, Small};

use super::classes::Class;
use super::reduced::Unit;

/// One class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) class: Class,
    pub(super) persons: u64,
    pub(super) rows: u64,
    /// Of a set of combinations, one person who has it.
    pub(super) holder: Unit,
}

/// The fewest persons of each stretch of sizes. The first is for classes whose rows are about nobody
/// who is known.
const FROM: [u64; 8] = [0, 1, 2, 5, 10, 20, 50, 100];

/// Counts of classes.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) classes: u64,
    pub(super) smallest: Option<u64>,
    pub(super) small: Small,
    /// Classes and persons of each stretch.
    sizes: [(u64, u64); FROM.len()],
}

impl Tally {
    pub(super) fn add(&mut self, group: &Group, k: u64) {
        self.classes = self.classes.saturating_add(1);
        self.smallest = Some(self.smallest.map_or(group.persons, |least| least.min(group.persons)));
        if group.persons < k {
            self.small.combinations = self.small.combinations.saturating_add(1);
            self.small.persons = self.small.persons.saturating_add(group.persons);
            self.small.rows = self.small.rows.saturating_add(group.rows);
        }
        let stretch = FROM.iter().rposition(|from| group.persons >= *from);
        if let Some((classes, persons)) = stretch.and_then(|at| self.sizes.get_mut(at)) {
            *classes = classes.saturating_add(1);
            *persons = persons.saturating_add(group.persons);
        }
    }

    /// The stretches in which there is something.
    pub(super) fn sizes(&self) -> Vec<Size> {
        let stretches = FROM.iter().enumerate().zip(&self.sizes);
        stretches
            .filter(|(_, (classes, _))| *classes > 0)
            .map(|((at, from), (classes, persons))| Size {
                from: *from,
                to: at.checked_add(1).and_then(|next| FROM.get(next)).map(|next| next.saturating_sub(1)),
                combinations: *classes,
                persons: *persons,
            })
            .collect()
    }
}

/// Keeps the rarest classes, the rarest first; among equals those with the least hash, which says nothing
/// of their values.
pub(super) fn keep_rarest(rarest: &mut Vec<Group>, group: Group, most: usize) {
    let rank = |group: &Group| (group.persons, group.class);
    let at = rarest.partition_point(|kept| rank(kept) < rank(&group));
    if at < most {
        rarest.insert(at, group);
        rarest.truncate(most);
    }
}
