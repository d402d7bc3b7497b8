//! Persons' numbers as small integers and back, so that they can be sealed in few bytes and
//! permuted among themselves.
//!
//! A CPR's rank counts day (01-31, then 61-91 of replacement numbers), month, year and serial:
//! 62 × 12 × 100 × 10,000, which is 744 million. An e-CPR's counts two letters in place of two
//! digits of the serial. Whether a date exists does not matter: 31 February has a rank, too.

/// How many ranks CPRs have.
pub(super) const CPRS: u64 = DAYS * MONTHS * YEARS * 10_000;
/// How many ranks e-CPRs have.
const ECPRS: u64 = DAYS * MONTHS * YEARS * 10 * LETTERS * LETTERS * 10;

const DAYS: u64 = 62;
const MONTHS: u64 = 12;
const YEARS: u64 = 100;
const LETTERS: u64 = 26;

/// The rank of ten digits; `None` if they have no day or month of a CPR.
pub(super) fn of_cpr(canonical: &str) -> Option<u64> {
    let (date, serial) = canonical.split_at_checked(6)?;
    let serial = (serial.len() == 4).then(|| digits(serial))??;
    Some(of_date(date)? * 10_000 + serial)
}

/// The ten digits of a rank, with `raised` added to the month.
pub(super) fn cpr(rank: u64, raised: u64) -> Option<String> {
    if rank >= CPRS {
        return None;
    }
    let date = date(rank / 10_000, raised);
    Some(format!("{date}{:04}", rank % 10_000))
}

/// The rank of an e-CPR in upper case.
pub(super) fn of_ecpr(canonical: &str) -> Option<u64> {
    let (date, rest) = canonical.split_at_checked(6)?;
    let [century, one, two, sex] = rest.as_bytes().try_into().ok()?;
    let digit = |byte: u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    let letter = |byte: u8| byte.is_ascii_uppercase().then(|| u64::from(byte - b'A'));
    let rank = of_date(date)? * 10 + digit(century)?;
    let rank = (rank * LETTERS + letter(one)?) * LETTERS + letter(two)?;
    Some(rank * 10 + digit(sex)?)
}

/// The e-CPR of a rank.
pub(super) fn ecpr(rank: u64) -> Option<String> {
    if rank >= ECPRS {
        return None;
    }
    let letter = |number: u64| char::from(b'A'.saturating_add((number % LETTERS).to_le_bytes()[0]));
    let (rest, sex) = (rank / 10, rank % 10);
    let (rest, two) = (rest / LETTERS, letter(rest));
    let (rest, one) = (rest / LETTERS, letter(rest));
    let date = date(rest / 10, 0);
    Some(format!("{date}{}{one}{two}{sex}", rest % 10))
}

fn of_date(text: &str) -> Option<u64> {
    let day = digits(text.get(..2)?)?;
    let month = digits(text.get(2..4)?)?;
    let year = digits(text.get(4..)?)?;
    let day = match day {
        1..=31 => day - 1,
        61..=91 => day - 30,
        _ => return None,
    };
    let month = month.checked_sub(1).filter(|month| *month < MONTHS)?;
    Some((day * MONTHS + month) * YEARS + year)
}

/// INVARIANT: `rank` is one that [`of_date`] gives.
fn date(rank: u64, raised: u64) -> String {
    let (day, month, year) = (rank / YEARS / MONTHS, rank / YEARS % MONTHS, rank % YEARS);
    let day = if day < 31 { day + 1 } else { day + 30 };
    format!("{day:02}{:02}{year:02}", month + 1 + raised)
}

fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every day, month, year and the ends of the serials; the serial is plain counting.
    #[test]
    fn ranks_of_cprs_are_all_the_numbers_below_their_count() {
        let mut next = 0;
        for day in (1..=31).chain(61..=91) {
            for month in 1..=12 {
                for year in 0..100 {
                    for (serial, step) in [(0, 0), (1, 1), (9_999, 9_998)] {
                        next += step;
                        let number = format!("{day:02}{month:02}{year:02}{serial:04}");
                        assert_eq!(of_cpr(&number), Some(next), "{number}");
                        assert_eq!(cpr(next, 0), Some(number));
                    }
                    next += 1;
                }
            }
        }
        assert_eq!((next, cpr(next, 0)), (CPRS, None));
    }

    #[test]
    fn e_cprs_come_back() {
        for number in ["0101000AA0", "0203291WQ3", "9112999ZZ9", "0703921VJ4"] {
            assert_eq!(of_ecpr(number).and_then(ecpr).as_deref(), Some(number));
        }
        assert_eq!((of_ecpr("9112999ZZ9"), ecpr(ECPRS)), (Some(ECPRS - 1), None));
    }

    #[test]
    fn what_is_no_number_has_no_rank() {
        for wrong in
            ["", "0000000000", "3201000000", "0113000000", "010100000", "01010000000", "0101oo0000", "æøåæøå"]
        {
            assert_eq!(of_cpr(wrong), None, "{wrong}");
        }
        for wrong in ["0101000aa0", "01010001A0", "0101000AAA", "0101000AA", "0001000AA0"] {
            assert_eq!(of_ecpr(wrong), None, "{wrong}");
        }
    }
}
