//! The wording of reports. `da` and `en` hold all of it, one file a language, for a lawyer to read and to
//! change: nothing else in this module has a sentence of its own. `{…}` stands for what a report
//! fills in; a test holds that both languages fill in the same, and name the same things.

mod assessment;
pub(super) mod control;
mod da;
mod en;
mod policies;
#[cfg(test)]
mod tests;

use self::assessment::Assessment;
use self::control::Control;
pub(super) use self::da::DA;
pub(super) use self::en::EN;
use self::policies::Policies;
use super::Language;

/// Words of policies, records and the registry, and what they are in the language.
pub(super) type Words = &'static [(&'static str, &'static str)];

/// One language.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) tag: &'static str,
    pub(super) months: [&'static str; 12],
    pub(super) date: &'static str,
    pub(super) date_and_time: &'static str,
    pub(super) common: Common,
    pub(super) subject: Subject,
    pub(super) breach: Breach,
    pub(super) supervision: Supervision,
    pub(super) notify: Notify,
    pub(super) policies: Policies,
    pub(super) control: Control,
    pub(super) assessment: Assessment,
    pub(super) words: Tables,
}

/// What several reports say.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) controller: &'static str,
    pub(super) made: &'static str,
    pub(super) by: &'static str,
    pub(super) reference: &'static str,
    pub(super) times: &'static str,
    pub(super) none: &'static str,
    pub(super) more: &'static str,
    pub(super) unnamed: &'static str,
    pub(super) former_names: &'static str,
    pub(super) unknown_rules: &'static str,
    pub(super) third_country: &'static str,
    pub(super) within_eea: &'static str,
    pub(super) recipient: &'static str,
    pub(super) relation: &'static str,
    pub(super) country: &'static str,
    pub(super) ground: &'static str,
    pub(super) no_ground: &'static str,
    pub(super) purpose: &'static str,
    pub(super) basis: &'static str,
    pub(super) retention: &'static str,
    pub(super) agreement: &'static str,
    pub(super) first: &'static str,
    pub(super) last: &'static str,
    pub(super) count: &'static str,
    pub(super) time: &'static str,
    pub(super) all_recipients: &'static str,
    pub(super) person: &'static str,
    pub(super) what: &'static str,
    pub(super) why: &'static str,
    pub(super) who: &'static str,
    pub(super) until: &'static str,
    pub(super) acknowledged: &'static str,
    pub(super) not_acknowledged: &'static str,
    pub(super) the_clinic: &'static str,
}

/// The subject report.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) title: &'static str,
    pub(super) subtitle: &'static str,
    pub(super) about: &'static str,
    pub(super) roles: Words,
    pub(super) intro: &'static str,
    pub(super) since: &'static str,
    pub(super) nothing: &'static str,
    pub(super) overview: &'static str,
    pub(super) received: &'static str,
    pub(super) exchanges: &'static str,
    pub(super) kind: &'static str,
    pub(super) contents: &'static str,
    pub(super) shared: &'static str,
    pub(super) shared_note: &'static str,
    pub(super) withheld: &'static str,
    pub(super) unfit: &'static str,
    pub(super) cpr_in_text: &'static str,
    pub(super) withheld_heading: &'static str,
    pub(super) withheld_text: &'static str,
    pub(super) rights_heading: &'static str,
    pub(super) rights_none: &'static str,
    pub(super) in_force: &'static str,
    pub(super) lookups_heading: &'static str,
    pub(super) lookups_none: &'static str,
    pub(super) lookups_note: &'static str,
    pub(super) notices_heading: &'static str,
    pub(super) your_rights_heading: &'static str,
    pub(super) your_rights: &'static [&'static str],
    pub(super) complaint: &'static str,
    pub(super) automated_heading: &'static str,
    pub(super) automated: &'static str,
    pub(super) not_covered_heading: &'static str,
    pub(super) not_covered: &'static [&'static str],
}

/// The breach report.
#[derive(Debug)]
pub(super) struct Breach {
    pub(super) title: &'static str,
    pub(super) subtitle: &'static str,
    pub(super) period: &'static str,
    pub(super) period_value: &'static str,
    pub(super) known: &'static str,
    pub(super) deadline: &'static str,
    pub(super) deadline_past: &'static str,
    pub(super) deadline_note: &'static str,
    pub(super) persons: &'static str,
    pub(super) persons_note: &'static str,
    pub(super) exchanges: &'static str,
    pub(super) nothing: &'static str,
    pub(super) facts_heading: &'static str,
    pub(super) data_heading: &'static str,
    pub(super) in_clear: &'static str,
    pub(super) all_pseudonymous: &'static str,
    pub(super) persons_heading: &'static str,
    pub(super) names_note: &'static str,
    pub(super) named_heading: &'static str,
    pub(super) others_heading: &'static str,
    pub(super) subject_id: &'static str,
    pub(super) cpr: &'static str,
    pub(super) own_heading: &'static str,
    pub(super) own: &'static [&'static str],
    pub(super) subjects_told: &'static str,
}

/// The supervision report.
#[derive(Debug)]
pub(super) struct Supervision {
    pub(super) title: &'static str,
    pub(super) subtitle: &'static str,
    pub(super) month: &'static str,
    pub(super) intro: &'static str,
    pub(super) volumes_heading: &'static str,
    pub(super) disclosures: &'static str,
    pub(super) intents: &'static str,
    pub(super) persons: &'static str,
    pub(super) records: &'static str,
    pub(super) records_withheld: &'static str,
    pub(super) withheld_heading: &'static str,
    pub(super) withheld: &'static str,
    pub(super) unfit: &'static str,
    pub(super) cpr_in_text: &'static str,
    pub(super) bytes: &'static str,
    pub(super) refusals: &'static str,
    pub(super) refusals_heading: &'static str,
    pub(super) reason: &'static str,
    pub(super) resolutions: &'static str,
    pub(super) lookups_heading: &'static str,
    pub(super) subjects: &'static str,
    pub(super) changes_heading: &'static str,
    pub(super) operations_heading: &'static str,
    pub(super) policies_heading: &'static str,
    pub(super) policy: &'static str,
    pub(super) approved: &'static str,
    pub(super) approved_by_none: &'static str,
    pub(super) agreements_heading: &'static str,
    pub(super) agreements_fine: &'static str,
    pub(super) review: &'static str,
    pub(super) expires: &'static str,
    pub(super) state: &'static str,
    pub(super) states: Words,
    pub(super) notices_heading: &'static str,
    pub(super) notices: &'static str,
    pub(super) condition_heading: &'static str,
    pub(super) checkpoint: &'static str,
    pub(super) checkpoint_value: &'static str,
    pub(super) checkpoint_none: &'static str,
    pub(super) index: &'static str,
    pub(super) index_value: &'static str,
    pub(super) verified: &'static str,
    pub(super) verified_whole: &'static str,
    pub(super) verified_broken: &'static str,
    pub(super) verified_not: &'static str,
    pub(super) sign_heading: &'static str,
    pub(super) sign: &'static str,
}

/// The list of whom to tell, and the letters.
#[derive(Debug)]
pub(super) struct Notify {
    pub(super) title: &'static str,
    pub(super) subtitle: &'static str,
    pub(super) about: &'static str,
    pub(super) intro: &'static str,
    pub(super) nobody: &'static str,
    pub(super) list_heading: &'static str,
    pub(super) contact: &'static str,
    pub(super) pseudonym: &'static str,
    pub(super) no_pseudonym: &'static str,
    pub(super) letters_heading: &'static str,
    pub(super) state_heading: &'static str,
    pub(super) told: &'static str,
    pub(super) letter_subject: &'static str,
    pub(super) letter_person: &'static str,
    pub(super) letter_person_unknown: &'static str,
    pub(super) letter_received: &'static str,
    pub(super) letter_received_only: &'static str,
    pub(super) letter_bodies: Words,
    pub(super) letter_answer: &'static str,
    pub(super) letter_this: &'static str,
    pub(super) letter_end: &'static str,
}

/// Words of policies, records and the registry.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) abouts: Words,
    pub(super) relations: Words,
    pub(super) purposes: Words,
    pub(super) bases: Words,
    pub(super) grounds: Words,
    pub(super) countries: Words,
    pub(super) kinds: Words,
    pub(super) rights: Words,
    pub(super) begun: Words,
    pub(super) ended: Words,
    pub(super) acts: Words,
    pub(super) categories: Words,
    pub(super) forms: Words,
    pub(super) cpr_grounds: Words,
    pub(super) members: Words,
}

impl Language {
    pub(super) const fn text(self) -> &'static Text {
        match self {
            Self::Da => &DA,
            Self::En => &EN,
        }
    }
}

/// What a word is in the language; itself where the language does not have it.
pub(super) fn word(words: Words, id: &str) -> &str {
    known(words, id).unwrap_or(id)
}

/// What a word is in the language, if it has it.
pub(super) fn known(words: Words, id: &str) -> Option<&'static str> {
    words.iter().find(|(one, _)| *one == id).map(|(_, text)| *text)
}

/// Fills in what `{…}` stands for. What is filled in is not looked through again.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            text.push('{');
            rest = after;
            continue;
        };
        text.push_str(values.iter().find(|(one, _)| *one == name).map_or("", |(_, value)| value));
        rest = after;
    }
    text.push_str(rest);
    text
}
