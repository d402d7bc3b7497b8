//! Disclosure control of an extract: may it go out? What was counted, what would reach k and at which
//! cost, and what k does not protect from (GDPR art. 5(1)(c), 25, 89(1)).
//!
//! SECURITY: a combination that one person has is shown to the officer who decides, and so the report is
//! itself personal data: it never goes with the extract.

mod counted;

pub use self::counted::{
    Enforced, Examined, LinkedCounts, Rare, Recoded, Size, Small, TableCost, TableCounts, Value, Way,
};
