//! Forms in which a value leaves, in order: what one form tells, a wider one tells, too.
//!
//! Three exceptions, stated in docs/policy.md: a response that is refused for a CPR number in a kept text
//! leaves where the text does not (G2 needs the refusal for what leaves only); a value that a kept form would withhold because it cannot
//! be searched may leave as a constant or as a pseudonym; and a date without month or day may leave by
//! a coarser form that takes it, where a finer one does not.

use jiff::civil::Date;

use super::Direction;
use crate::policy::checked::{
    Action, Epoch, EpochUnit, Generalise, Keep, Kind, Mask, Precision, Round, Scan, Shift, Templates, Url,
};
use crate::policy::words;

/// The direction of a change from one form to another.
pub(super) fn direction(old: &Action, new: &Action) -> Direction {
    match (at_most(new, old), at_most(old, new)) {
        (true, true) => Direction::Neutral,
        (true, false) => Direction::Narrower,
        (false, true) => Direction::Wider,
        (false, false) => Direction::Unclear,
    }
}

/// Whether `less` surely tells no more of any value than `more` does.
pub(crate) fn at_most(less: &Action, more: &Action) -> bool {
    if less == more {
        return true;
    }
    // A new action must be given its place here: it does not compile until then.
    match less {
        Action::Withhold => true,
        Action::Keep(less) => matches!(more, Action::Keep(more) if keeps_at_most(less, more)),
        // A CPR in clear is kept on its own ground only; else `keep` writes a constant over it.
        Action::Pseudonymise(Kind::Cpr) => {
            matches!(more, Action::Keep(Keep { clear_cpr: Some(_), .. }))
        }
        Action::Pseudonymise(Kind::Id { .. } | Kind::Reference | Kind::Value(_)) => is_kept(more),
        Action::Mask(less) => {
            is_kept(more) || matches!(more, Action::Mask(more) if masks_at_most(*less, *more))
        }
        Action::Generalise(less) => {
            is_kept(more) || matches!(more, Action::Generalise(more) if is_coarser(less, more))
        }
        Action::Round(less @ Round::Instant { epoch, .. }) => {
            keeps_epoch(*epoch, more) || matches!(more, Action::Round(more) if rounds_at_most(*less, *more))
        }
        Action::Round(Round::Digits(_)) => is_kept(more),
        Action::Shift(Shift { epoch, .. }) => keeps_epoch(*epoch, more),
        Action::Scan(less) => {
            is_kept(more) || matches!(more, Action::Scan(more) if scans_at_most(less, more))
        }
        // Which routes there are is compared by itself.
        Action::Replace(_) | Action::Count | Action::Url(_) => is_kept(more),
        // `keep` masks the whole of a code in which there is a CPR number.
        Action::Decode(less) => matches!(more, Action::Decode(more) if scans_at_most(less, more)),
        // What leaves of the document is compared place by place.
        Action::DecodeJson(_) => matches!(more, Action::DecodeJson(_)),
        Action::Resolve(_) => false,
    }
}

const fn is_kept(action: &Action) -> bool {
    matches!(action, Action::Keep(_))
}

fn keeps_at_most(less: &Keep, more: &Keep) -> bool {
    let Keep { number_not_cpr, unscanned, clear_cpr, string_not_cpr } = less;
    (!number_not_cpr || more.number_not_cpr)
        && (!unscanned || more.unscanned)
        && (clear_cpr.is_none() || *clear_cpr == more.clear_cpr)
        && (!string_not_cpr || more.string_not_cpr)
}

const fn masks_at_most(less: Mask, more: Mask) -> bool {
    match less {
        // One constant for every value that `last-4` takes.
        Mask::All | Mask::Cpr => matches!(more, Mask::All | Mask::Cpr | Mask::Last4),
        Mask::FirstWord | Mask::Initials | Mask::Last4 | Mask::Email => false,
    }
}

/// Whether the coarser form follows from the finer one.
fn is_coarser(coarse: &Generalise, fine: &Generalise) -> bool {
    match coarse {
        Generalise::Year { reference } => {
            *fine == Generalise::Month
                || matches!(fine, Generalise::Year { reference: other } if top(*reference) >= top(*other))
        }
        Generalise::Decade { reference } => {
            *fine == Generalise::Month
                || matches!(fine, Generalise::Year { reference: other } | Generalise::Decade { reference: other }
                    if top(*reference) >= top(*other))
        }
        Generalise::AgeBand { width, reference } => {
            matches!(fine, Generalise::Age { reference: other } if reference == other)
                || matches!(fine, Generalise::AgeBand { width: other_width, reference: other }
                    if reference == other && width.checked_rem(*other_width) == Some(0))
        }
        Generalise::CodePrefix { system, length } => {
            matches!(fine, Generalise::CodePrefix { system: other, length: more } if system == other && length <= more)
        }
        Generalise::Month
        | Generalise::Week
        | Generalise::Age { .. }
        | Generalise::Step(_)
        | Generalise::Bands(_)
        | Generalise::PostcodeRegion { .. }
        | Generalise::Postcode2 => false,
    }
}

/// Whether one rounding tells no more than another.
const fn rounds_at_most(less: Round, more: Round) -> bool {
    matches!(
        (less, more),
        (
            Round::Instant { to: Precision::Day, epoch: None },
            Round::Instant { to: Precision::Hour, epoch: None }
        )
    )
}

/// Whether a `keep` lets out the numbers that an exception for instants is for.
fn keeps_epoch(epoch: Option<Epoch>, more: &Action) -> bool {
    let excepted = epoch.is_some_and(|epoch| epoch.number_not_cpr);
    matches!(more, Action::Keep(keep) if keep.number_not_cpr || !excepted)
}

/// The year that the oldest are counted in: the later, the more of them are one.
fn top(reference: Option<Date>) -> i16 {
    reference.map_or(i16::MIN, Date::year)
}

fn scans_at_most(less: &Scan, more: &Scan) -> bool {
    // Where names are taken from is compared place by place.
    let Scan { phone, email, names } = less;
    (*phone || !more.phone) && (*email || !more.email) && (!names.is_empty() || more.names.is_empty())
}

fn epoch_words(epoch: &Epoch) -> Vec<String> {
    let unit = match epoch.unit {
        EpochUnit::Seconds => "seconds",
        EpochUnit::Milliseconds => "milliseconds",
    };
    let excepted = epoch.number_not_cpr.then(|| "numbers are no CPR".to_owned());
    [unit.to_owned()].into_iter().chain(excepted).collect()
}

/// A form in the policy language's words, with what distinguishes it.
pub(crate) fn said(action: &Action) -> String {
    let word = words::form(action);
    let with = match action {
        Action::Keep(Keep { number_not_cpr, unscanned, clear_cpr: _, string_not_cpr }) => {
            let all = [
                (number_not_cpr, "numbers are no CPR"),
                (string_not_cpr, "text is no CPR"),
                (unscanned, "unscanned"),
            ];
            all.iter().filter(|(on, _)| **on).map(|(_, word)| (*word).to_owned()).collect::<Vec<_>>()
        }
        Action::Pseudonymise(Kind::Id { resource_type }) if !resource_type.is_empty() => {
            vec![format!("of {resource_type}")]
        }
        Action::Generalise(
            Generalise::Year { reference: Some(at) }
            | Generalise::Decade { reference: Some(at) }
            | Generalise::Age { reference: at }
            | Generalise::AgeBand { reference: at, .. }
            | Generalise::PostcodeRegion { reference: at },
        ) => vec![format!("at {at}")],
        Action::Generalise(Generalise::Step(step)) => vec![step.to_string()],
        Action::Generalise(Generalise::Bands(bounds)) => bounds.iter().map(ToString::to_string).collect(),
        Action::Generalise(Generalise::CodePrefix { system, length }) => {
            vec![format!("{length} characters of {}", system.word())]
        }
        Action::Round(Round::Digits(digits)) => vec![format!("{digits} after the point")],
        Action::Round(Round::Instant { epoch, .. }) => epoch.iter().flat_map(epoch_words).collect(),
        Action::Shift(Shift { days, weekday, time_of_day, epoch }) => {
            let all = [(weekday, "whole weeks"), (time_of_day, "with the time of day")];
            let words = all.iter().filter(|(on, _)| **on).map(|(_, word)| (*word).to_owned());
            let days = [format!("up to {days} days")].into_iter();
            days.chain(words).chain(epoch.iter().flat_map(epoch_words)).collect()
        }
        Action::Resolve(sought) => vec![super::values::sought_words(sought)],
        Action::Url(Url::Templates(Templates { paths, query })) => {
            let paths = paths.iter().map(|template| format!("`{}`", template.text));
            paths
                .chain(
                    query.iter().map(|one| format!("`{}`: {}", one.name, super::values::said(&one.wanted))),
                )
                .collect()
        }
        Action::Withhold
        | Action::Pseudonymise(_)
        | Action::Mask(_)
        | Action::Generalise(_)
        | Action::Replace(_)
        | Action::Scan(_)
        | Action::Decode(_)
        | Action::DecodeJson(_)
        | Action::Count
        | Action::Url(Url::Route) => Vec::new(),
    };
    if with.is_empty() { format!("`{word}`") } else { format!("`{word}` ({})", with.join(", ")) }
}

#[cfg(test)]
mod tests;
