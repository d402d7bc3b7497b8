//! Whose data what was written is, record by record: for files, of which rows are counted by persons.

use std::ops::Range;

use super::Walk;
use crate::ids::SubjectId;
use crate::judge::Judge;
use crate::rewrite::Watch;

/// A record that leaves: where it stands in the released bytes, and whose data it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordAt {
    /// In the released bytes.
    pub place: Range<usize>,
    /// Each once. The document around records is one, too, where it has subjects of its own.
    pub subjects: Vec<SubjectId>,
}

/// Records so far.
#[derive(Debug, Default)]
pub(in crate::rewrite) struct Whose {
    pub(in crate::rewrite) records: Vec<RecordAt>,
    /// Persons of documents that were decoded in the open record.
    also: Vec<SubjectId>,
}

impl<J: Judge, W: Watch> Walk<'_, '_, '_, J, W> {
    /// The open record leaves; it began at `written`.
    pub(super) fn note_whose(&mut self, written: usize) {
        let Some(whose) = &mut self.whose else { return };
        let mut subjects = self.judged.persons(&self.subjects, &self.reader);
        subjects.append(&mut whose.also);
        subjects.sort_unstable();
        subjects.dedup();
        if !subjects.is_empty() {
            whose.records.push(RecordAt { place: written..self.out.len(), subjects });
        }
    }

    /// What was written since then does not leave.
    pub(super) fn forget_whose(&mut self, written: usize) {
        if let Some(whose) = &mut self.whose {
            whose.also.clear();
            let kept = whose.records.partition_point(|record| record.place.end <= written);
            whose.records.truncate(kept);
        }
    }

    /// A document in the open record leaves, which is about these.
    pub(in crate::rewrite) fn note_also(&mut self, subjects: &[SubjectId]) {
        if let Some(whose) = &mut self.whose {
            whose.also.extend_from_slice(subjects);
        }
    }
}
