//! What the page of `tavs assess` says.

use super::Words;

/// Could less do?
#[derive(Debug)]
pub(in crate::reports) struct Assessment {
    pub(in crate::reports) title: &'static str,
    pub(in crate::reports) subtitle: &'static str,
    pub(in crate::reports) intro: &'static str,
    pub(in crate::reports) policy: &'static str,
    pub(in crate::reports) version: &'static str,
    pub(in crate::reports) counted: &'static str,
    pub(in crate::reports) in_tests: &'static str,
    pub(in crate::reports) in_samples: &'static str,
    pub(in crate::reports) of: &'static str,
    pub(in crate::reports) form: &'static str,
    pub(in crate::reports) values: &'static str,
    pub(in crate::reports) class: &'static str,
    pub(in crate::reports) verdict: &'static str,
    pub(in crate::reports) classes: Words,
    pub(in crate::reports) verdicts: Words,
    pub(in crate::reports) sums: &'static str,
    pub(in crate::reports) linkabilities: Words,
    pub(in crate::reports) linkability_unknown: &'static str,
    pub(in crate::reports) linkability_needed: &'static str,
    pub(in crate::reports) linkability_weaker: &'static str,
}
