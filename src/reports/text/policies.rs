//! What the reports from policies alone say.

use super::Words;

/// The record of processing activities, the overview of risks and the matrix.
#[derive(Debug)]
pub(in crate::reports) struct Policies {
    pub(in crate::reports) day: &'static str,
    pub(in crate::reports) contact: &'static str,
    pub(in crate::reports) consent: &'static str,
    pub(in crate::reports) consent_required: &'static str,
    pub(in crate::reports) consent_not_required: &'static str,
    pub(in crate::reports) transfer: &'static str,
    pub(in crate::reports) agreement: &'static str,
    pub(in crate::reports) states: Words,
    pub(in crate::reports) subjects: &'static str,
    pub(in crate::reports) subjects_value: &'static str,
    pub(in crate::reports) categories: &'static str,
    pub(in crate::reports) category: &'static str,
    pub(in crate::reports) measures: &'static str,
    pub(in crate::reports) safeguards: &'static str,
    pub(in crate::reports) safeguard: Words,
    pub(in crate::reports) risk_left: &'static str,
    pub(in crate::reports) risk: &'static str,
    pub(in crate::reports) risks: Words,
    pub(in crate::reports) no_risk: &'static str,
    pub(in crate::reports) weights: Words,
    pub(in crate::reports) lapsed: &'static str,
    pub(in crate::reports) member: &'static str,
    pub(in crate::reports) processing_title: &'static str,
    pub(in crate::reports) processing_subtitle: &'static str,
    pub(in crate::reports) processing_intro: &'static str,
    pub(in crate::reports) processing_own: &'static [&'static str],
    pub(in crate::reports) risk_title: &'static str,
    pub(in crate::reports) risk_subtitle: &'static str,
    pub(in crate::reports) risk_intro: &'static str,
    pub(in crate::reports) risk_own: &'static [&'static str],
    pub(in crate::reports) matrix_title: &'static str,
    pub(in crate::reports) matrix_subtitle: &'static str,
    pub(in crate::reports) matrix_intro: &'static str,
    pub(in crate::reports) own_heading: &'static str,
    pub(in crate::reports) own_intro: &'static str,
}
