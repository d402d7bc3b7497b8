//! What people write beside a change: who, why, until when. Recorded for years, so nothing that names
//! a subject may stand in it.

use jiff::civil::Date;

use super::problem::{Problem, TEXT, VALUE};
use crate::clock::Clock;
use crate::cpr::{self, Search};
use crate::visible::is_hidden;

/// A text of a person's own that is recorded: given, short, on one line, without anybody's number.
pub(super) fn text(name: &str, given: &str, most: usize) -> Result<String, Problem> {
    let given = given.trim();
    let refused = |detail: String| Err(Problem::new(&TEXT, detail));
    if given.is_empty() {
        return refused(format!("`{name}` is empty"));
    }
    if given.len() > most {
        return refused(format!("`{name}` is longer than {most} bytes"));
    }
    if given.chars().any(is_hidden) {
        return refused(format!("`{name}` holds a line break or another character that does not show"));
    }
    match cpr::search(given, &mut Vec::new()) {
        Search::Clean => Ok(given.to_owned()),
        Search::Found => {
            refused(format!("`{name}` holds a number that could be a CPR; name the case, not the person"))
        }
        Search::Binary => refused(format!("`{name}` holds something coded; write it in words")),
    }
}

/// The end of a last day in Copenhagen, which must not be over.
pub(super) fn until(given: &str, clock: &Clock) -> Result<u64, Problem> {
    let refused = |detail: &str| Problem::new(&VALUE, detail);
    let last: Date = given.parse().map_err(|_not_one| refused("`until` is not a date such as 2027-03-31"))?;
    // Jiff reads other forms of ISO 8601, too; one is enough.
    if last.to_string() != given {
        return Err(refused("`until` is not a date such as 2027-03-31"));
    }
    if last < clock.today() {
        return Err(refused("`until` is over already; it is the last day, in Danish time"));
    }
    last.tomorrow().ok().and_then(|day| clock.begin_of(day)).ok_or_else(|| refused("`until` is too far away"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_names_a_person_or_cannot_be_recorded_is_refused_without_repeating_it() {
        for good in [
            "Brev af 4. marts, sag 2026-117",
            "Databeskyttelsesrådgiverens afgørelse",
            "anna.lauridsen",
            "  asked by letter  ",
            "GDPR art. 21, journalnr. 117/26",
        ] {
            assert_eq!(text("why", good, 500).as_deref(), Ok(good.trim()), "{good}");
        }
        for bad in [
            "",
            " ",
            "a\nb",
            "a\u{202e}b",
            "for 251248-9996",
            "2512489996",
            "MjUxMjQ4OTk5Ng==",
            &"x ".repeat(300),
        ] {
            let problem = text("why", bad, 500).unwrap_err();
            assert_eq!(problem.kind(), &TEXT, "{bad}");
            assert!(problem.detail().starts_with("`why` "), "{problem:?}");
            assert!(bad.trim().is_empty() || !problem.detail().contains(bad), "{problem:?}");
        }
    }

    #[test]
    fn a_last_day_ends_at_midnight_and_must_not_be_over() {
        let clock = Clock::fixed_on(Date::constant(2026, 3, 28));
        let end = |last: &str| until(last, &clock).map_err(|problem| problem.detail().to_owned());
        assert_eq!(end("2026-03-28"), Ok(clock.begin_of(Date::constant(2026, 3, 29)).unwrap()));
        assert!(end("2026-03-27").unwrap_err().contains("over"));
        for bad in
            ["", "28-03-2026", "2026-3-28", "2026-03-28T10:00:00", "20260328", "2026-02-30", "2512489996"]
        {
            assert!(end(bad).unwrap_err().contains("not a date"), "{bad}");
        }
    }
}
