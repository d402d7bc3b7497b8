//! What a walk counts.

/// What is counted as the walk goes; goes back when a record is withheld whole.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::rewrite) struct Tally {
    pub(in crate::rewrite) withheld: u64,
    pub(in crate::rewrite) unfit: u64,
    pub(in crate::rewrite) cpr_in_text: u64,
    pub(super) records: u64,
    pub(in crate::rewrite) records_withheld: u64,
    pub(in crate::rewrite) protected: u64,
}

impl Tally {
    /// Counts what a document within counted.
    pub(in crate::rewrite) fn add(&mut self, other: Self) {
        self.withheld += other.withheld;
        self.unfit += other.unfit;
        self.cpr_in_text += other.cpr_in_text;
        self.records += other.records;
        self.records_withheld += other.records_withheld;
        self.protected += other.protected;
    }

    /// What was counted since then.
    pub(in crate::rewrite) const fn less(self, earlier: Self) -> Self {
        Self {
            withheld: self.withheld.saturating_sub(earlier.withheld),
            unfit: self.unfit.saturating_sub(earlier.unfit),
            cpr_in_text: self.cpr_in_text.saturating_sub(earlier.cpr_in_text),
            records: self.records.saturating_sub(earlier.records),
            records_withheld: self.records_withheld.saturating_sub(earlier.records_withheld),
            protected: self.protected.saturating_sub(earlier.protected),
        }
    }
}
