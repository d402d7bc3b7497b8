//! Which weaker forms there are for a value. Whether one would do, the policy's tests decide; what a form cannot
//! take is withheld by it, which a trial shows.

use jiff::civil::Date;

use crate::authoring::classify::Class;
use crate::json::Decimal;
use crate::policy::checked::{
    Action, CodeSystem, Generalise, Kind, Mask, Precision, Round, Scan, Shift, Url,
};
use crate::policy::difference::at_most;
use crate::pseudonym::ValueKind;

/// What is known of the values of a rule.
#[derive(Debug, Clone, Copy)]
pub struct Value {
    /// What most of them are.
    pub class: Class,
    /// The day of the report: regions are as they are then.
    pub day: Date,
}

/// Forms that tell less of such a value than `action` does, the weakest first.
#[must_use]
pub fn weaker(action: &Action, value: Value) -> Vec<Action> {
    let mut forms = vec![Action::Withhold, Action::Mask(Mask::All)];
    forms.extend(coarser(action));
    forms.extend(of_class(action, value));
    let mut told: Vec<Action> = Vec::new();
    for form in forms {
        if at_most(&form, action) && !at_most(action, &form) && !told.contains(&form) {
            told.push(form);
        }
    }
    told
}

/// The next steps of the form itself.
fn coarser(action: &Action) -> Vec<Action> {
    match action {
        Action::Generalise(Generalise::Age { reference } | Generalise::AgeBand { reference, .. }) => {
            let band = |width| Action::Generalise(Generalise::AgeBand { width, reference: *reference });
            vec![band(10), band(5)]
        }
        Action::Generalise(Generalise::CodePrefix { system, .. }) => prefixes(*system),
        // Of a keep, the class says which; of a day, there is none coarser.
        Action::Round(Round::Instant { epoch, .. }) => {
            vec![Action::Round(Round::Instant { to: Precision::Day, epoch: *epoch })]
        }
        Action::Decode(_) => vec![Action::Decode(SEARCHED)],
        Action::Withhold
        | Action::Keep(_)
        | Action::Pseudonymise(_)
        | Action::Mask(_)
        | Action::Generalise(_)
        | Action::Round(Round::Digits(_))
        | Action::Shift(_)
        | Action::Replace(_)
        | Action::Scan(_)
        | Action::Count
        | Action::Resolve(_)
        | Action::DecodeJson(_)
        | Action::Url(_) => Vec::new(),
    }
}

/// What there is for values of the class.
fn of_class(action: &Action, Value { class, day }: Value) -> Vec<Action> {
    let pseudonym = |kind| vec![Action::Pseudonymise(Kind::Value(kind))];
    match class {
        Class::Cpr => vec![Action::Pseudonymise(Kind::Cpr)],
        Class::Date => dates(action),
        Class::Instant => {
            let rounded = [Precision::Day, Precision::Hour];
            let rounded = rounded.map(|to| Action::Round(Round::Instant { to, epoch: None }));
            dates(action).into_iter().chain(rounded).collect()
        }
        Class::Name => {
            let masks = [Mask::Initials, Mask::FirstWord].map(Action::Mask);
            masks.into_iter().chain(pseudonym(ValueKind::Text)).collect()
        }
        Class::Phone => {
            std::iter::once(Action::Mask(Mask::Last4)).chain(pseudonym(ValueKind::Phone)).collect()
        }
        Class::Email => {
            std::iter::once(Action::Mask(Mask::Email)).chain(pseudonym(ValueKind::Email)).collect()
        }
        Class::Id | Class::Uuid => vec![
            Action::Pseudonymise(Kind::Reference),
            Action::Pseudonymise(Kind::Id { resource_type: String::new() }),
        ],
        Class::Encoded => vec![Action::Decode(SEARCHED)],
        Class::FreeText | Class::TextWithCpr | Class::Address => vec![Action::Scan(SEARCHED)],
        Class::Postcode => [Generalise::PostcodeRegion { reference: day }, Generalise::Postcode2]
            .map(Action::Generalise)
            .into(),
        Class::Code => CodeSystem::ALL.into_iter().flat_map(|(_, system)| prefixes(system)).collect(),
        Class::Number => {
            let steps = STEPS.iter().filter_map(|step| Decimal::parse(step));
            let steps = steps.map(|step| Action::Generalise(Generalise::Step(step)));
            steps.chain([0, 1].map(|digits| Action::Round(Round::Digits(digits)))).collect()
        }
        Class::Url => vec![Action::Url(Url::Route)],
        Class::CodedDocument | Class::CodeSystem | Class::Boolean | Class::Nothing => Vec::new(),
    }
}

/// Coarser dates, then those that are moved: intervals stay, and no day does.
fn dates(action: &Action) -> Vec<Action> {
    let mut reference = None;
    if let Action::Generalise(Generalise::Year { reference: at } | Generalise::Decade { reference: at }) =
        action
    {
        reference = *at;
    }
    let coarse = [
        Generalise::Decade { reference },
        Generalise::Year { reference },
        Generalise::Month,
        Generalise::Week,
    ];
    coarse.map(Action::Generalise).into_iter().chain([Action::Shift(Shift::DEFAULT)]).collect()
}

/// The two coarsest levels of a classification: a longer prefix of a short code is the code.
fn prefixes(system: CodeSystem) -> Vec<Action> {
    let lengths = system.lengths().iter().take(2);
    lengths.map(|length| Action::Generalise(Generalise::CodePrefix { system, length: *length })).collect()
}

/// Multiples of these: what people count in.
const STEPS: [&str; 3] = ["100", "10", "5"];

/// What `scan` finds by itself; names it needs to be told.
const SEARCHED: Scan = Scan { phone: true, email: true, names: Vec::new() };

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::policy::checked::Keep;
    use crate::policy::words::form;

    #[test]
    fn each_class_has_its_weaker_forms_the_weakest_first() {
        let keep = Action::Keep(Keep::default());
        let week = Action::Generalise(Generalise::Month);
        let hour = Action::Round(Round::Instant { to: Precision::Hour, epoch: None });
        let prefix = Action::Generalise(Generalise::CodePrefix { system: CodeSystem::Atc, length: 5 });
        for (action, class, wanted) in [
            (
                &keep,
                Class::Date,
                "withhold, mask all, generalise decade, generalise year, generalise month, generalise week, shift",
            ),
            (
                &keep,
                Class::Instant,
                "withhold, mask all, generalise decade, generalise year, generalise month, generalise week, shift, round day, round hour",
            ),
            (&week, Class::Date, "withhold, generalise decade, generalise year"),
            (&hour, Class::Instant, "withhold, round day"),
            (&keep, Class::Postcode, "withhold, mask all, generalise postcode-region, generalise postcode-2"),
            (&keep, Class::Url, "withhold, mask all, url"),
            (&keep, Class::Phone, "withhold, mask all, mask last-4, pseudonymise phone"),
            (&prefix, Class::Code, "withhold, generalise code-prefix, generalise code-prefix"),
            (
                &keep,
                Class::Number,
                "withhold, mask all, generalise step, generalise step, generalise step, round digits, round digits",
            ),
            (&keep, Class::Boolean, "withhold, mask all"),
        ] {
            let forms = weaker(action, Value { class, day: date(2026, 6, 1) });
            let words: Vec<String> = forms.iter().map(form).collect();
            assert_eq!(words.join(", "), wanted, "{} of {class:?}", form(action));
        }
    }
}
