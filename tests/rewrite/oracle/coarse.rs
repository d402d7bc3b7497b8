//! Values made coarser, written out once more: numbers as lists of digits.

use jiff::civil::Date;
use tavs::cpr;
use tavs::policy::checked::{CodeSystem, Epoch, EpochUnit, Generalise, Precision, Round, Shift};
use tavs::policy::regions::region;

use super::forms;
use super::tree::Tree;

/// A coarser value; `None`: unfit.
pub(crate) fn generalise(how: &Generalise, node: &Tree) -> Option<Tree> {
    let is_text = matches!(node, Tree::String { .. });
    let (Tree::String { text, .. } | Tree::Number(text)) = node else { return None };
    match how {
        Generalise::Step(step) => {
            let (value, step, places) =
                (scaled(text)?, scaled(&step.to_string())?, places(&step.to_string()));
            let below = value.rem_euclid(step);
            of_number(is_text, text, plain(value - below, places))
        }
        Generalise::Bands(bounds) => {
            let value = scaled(text)?;
            let bounds: Vec<String> = bounds.iter().map(ToString::to_string).collect();
            let lower = bounds.iter().rfind(|bound| scaled(bound).unwrap() <= value);
            let upper = bounds.iter().find(|bound| scaled(bound).unwrap() > value);
            let band = match (lower, upper) {
                (None, Some(upper)) => format!("<{upper}"),
                (Some(lower), None) => format!("{lower}+"),
                (Some(lower), Some(upper)) => format!("{lower}-<{upper}"),
                (None, None) => unreachable!("there are bounds"),
            };
            of_number(true, text, band)
        }
        Generalise::PostcodeRegion { reference } => match postcode(text)? {
            faroese if faroese < 1000 => Some(Tree::string("FO")),
            number => region(number, *reference).map(Tree::string),
        },
        Generalise::Postcode2 => match postcode(text)? {
            faroese if faroese < 1000 => Some(Tree::string("FO")),
            number => Some(Tree::string(&number.to_string()[..2])),
        },
        Generalise::CodePrefix { system, length } if is_text => {
            let code = text.to_ascii_uppercase();
            let code = without_point(*system, &code)?;
            is_code(*system, &code).then(|| Tree::string(&code[..code.len().min(usize::from(*length))]))
        }
        _ if is_text => forms::coarser_date(how, text),
        _ => None,
    }
}

/// A rounded value; `None`: unfit.
pub(crate) fn round(how: &Round, node: &Tree) -> Option<Tree> {
    match (how, node) {
        (Round::Instant { to, epoch: None }, Tree::String { text, .. }) => {
            if !forms::is_date(text) {
                return None;
            }
            let Some((date, time)) = text.split_once('T') else { return Some(Tree::string(text)) };
            let hour = if *to == Precision::Hour { &time[..2] } else { "00" };
            let zone = time.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':' || c == '.');
            Some(Tree::string(&format!("{date}T{hour}:00:00{zone}")))
        }
        (Round::Instant { to, epoch: Some(epoch) }, Tree::Number(raw)) => round_epoch(*to, *epoch, raw),
        (Round::Digits(digits), Tree::String { text: raw, .. } | Tree::Number(raw)) => {
            let value = scaled(raw)?;
            let is_text = matches!(node, Tree::String { .. });
            if places(raw) <= usize::from(*digits) {
                return of_number(is_text, raw, raw.clone());
            }
            let unit = 10_i128.pow(18 - u32::from(*digits));
            let away = (value.abs() + unit / 2) / unit * unit * value.signum();
            of_number(is_text, raw, plain(away, usize::from(*digits)))
        }
        _ => None,
    }
}

fn round_epoch(to: Precision, epoch: Epoch, raw: &str) -> Option<Tree> {
    let second: i128 = if epoch.unit == EpochUnit::Seconds { 1 } else { 1000 };
    let value = scaled(raw)?;
    let whole = value.div_euclid(10_i128.pow(18));
    let step = second * if to == Precision::Hour { 3600 } else { 86_400 };
    // whatever is past the last thousandth of the year 9999 is past its last second too
    let last = 253_402_300_799 * second + second - 1;
    let in_time = value >= 0 && (whole < last || value == last * 10_i128.pow(18));
    let rounded = (whole / step * step).to_string();
    let free = |raw: &str| epoch.number_not_cpr || !cpr::number_could_be_cpr(raw.as_bytes());
    (in_time && free(raw) && free(&rounded)).then_some(Tree::Number(rounded))
}

/// A date moved by what is drawn; `None`: unfit.
pub(crate) fn shift(how: Shift, node: &Tree, draw: impl FnOnce() -> u64) -> Option<Tree> {
    match (how.epoch, node) {
        (None, Tree::String { text, .. }) => {
            let (day, time) =
                text.split_once('T').map_or((text.as_str(), None), |(day, time)| (day, Some(time)));
            let mut day: Date = day.parse().ok().filter(|_| day.len() == 10 && forms::is_date(text))?;
            if cpr::search(text, &mut Vec::new()) != cpr::Search::Clean {
                return None;
            }
            let by = days(how, draw());
            for _ in 0..by.abs() {
                day = if by > 0 { day.tomorrow() } else { day.yesterday() }.ok()?;
            }
            let time = time.map(|time| {
                let zone = time.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':' || c == '.');
                if how.time_of_day { format!("T{time}") } else { format!("T00:00:00{zone}") }
            });
            (day.year() >= 1).then(|| Tree::string(&format!("{day}{}", time.unwrap_or_default())))
        }
        (Some(epoch), Tree::Number(raw)) => {
            let second: i128 = if epoch.unit == EpochUnit::Seconds { 1 } else { 1000 };
            let (one, last) = (10_i128.pow(18), 253_402_300_799 * second + second - 1);
            let in_time = |value: i128| (0..=last * one).contains(&value);
            let free = |raw: &str| epoch.number_not_cpr || !cpr::number_could_be_cpr(raw.as_bytes());
            let value = scaled(raw).filter(|value| in_time(*value) && free(raw))?;
            let day = 86_400 * second * one;
            let (value, places) =
                if how.time_of_day { (value, places(raw)) } else { (value - value % day, 0) };
            if !how.time_of_day && !free(&plain(value, 0)) {
                return None;
            }
            let moved = value + i128::from(days(how, draw())) * day;
            let text = plain(moved, places);
            (in_time(moved) && free(&text)).then_some(Tree::Number(text))
        }
        _ => None,
    }
}

/// The days of a number that was drawn: all there are in a row, and nought left out.
fn days(how: Shift, draw: u64) -> i32 {
    let most = i32::from(how.days);
    let all: Vec<i32> = (-most..=most).filter(|day| *day != 0 && (!how.weekday || day % 7 == 0)).collect();
    all[usize::try_from(draw % all.len() as u64).unwrap()]
}

fn of_number(is_text: bool, before: &str, after: String) -> Option<Tree> {
    let could_be = |text: &str| cpr::number_could_be_cpr(text.as_bytes());
    let free = !could_be(before) && !could_be(&after);
    free.then(|| if is_text { Tree::string(&after) } else { Tree::Number(after) })
}

/// Whole digits, digits after the point and exponent of a JSON number.
fn parts(text: &str) -> Option<(bool, String, i32)> {
    let number: serde_json::Value = serde_json::from_str(text).ok().filter(|_| text.trim() == text)?;
    // without it `serde_json` would take a number for infinity
    let finite = number.is_number() || text.contains(['e', 'E']);
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: i32 = exponent.parse().ok()?;
    let digits = format!("{}{fraction}", whole.trim_start_matches('-'));
    let point = i32::try_from(fraction.len()).ok()? - exponent;
    finite.then(|| (whole.starts_with('-'), digits, point))
}

/// How many digits stand after the point once the exponent is reckoned in.
fn places(text: &str) -> usize {
    parts(text).map_or(0, |(_, _, point)| usize::try_from(point.max(0)).unwrap())
}

/// A number times 10^18, if it has few enough digits.
fn scaled(text: &str) -> Option<i128> {
    let (negative, digits, point) = parts(text)?;
    let zeros = usize::try_from(18 - point).ok().filter(|zeros| *zeros <= 60)?;
    let all = format!("{digits}{}", "0".repeat(zeros));
    let all = all.trim_start_matches('0');
    if all.len() > 36 {
        return None;
    }
    let size: i128 = if all.is_empty() { 0 } else { all.parse().unwrap() };
    Some(if negative { -size } else { size })
}

fn plain(value: i128, places: usize) -> String {
    let digits = format!("{:037}", value.abs());
    let (whole, fraction) = digits.split_at(19);
    let whole = whole.trim_start_matches('0');
    let sign = if value < 0 { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if places > 0 { "." } else { "" };
    format!("{sign}{whole}{point}{}", &fraction[..places])
}

/// The digits of a postcode.
fn postcode(text: &str) -> Option<u16> {
    let text = text.trim();
    let (country, digits) = match text.get(..2).map(str::to_ascii_uppercase).as_deref() {
        Some(country @ ("DK" | "GL" | "FO")) => {
            (country.to_owned(), text[2..].trim_start_matches([' ', '-']))
        }
        _ => (String::new(), text),
    };
    let number: u16 = digits.parse().ok().filter(|_| digits.chars().all(|c| c.is_ascii_digit()))?;
    let fits = match country.as_str() {
        "FO" => digits.len() == 3,
        "DK" => digits.len() == 4,
        "GL" => digits.len() == 4 && digits.starts_with("39"),
        _ => digits.len() == 3 || digits.len() == 4,
    };
    (fits && !digits.starts_with('0')).then_some(number)
}

fn without_point(system: CodeSystem, code: &str) -> Option<String> {
    let Some(at) = code.find('.') else { return Some(code.to_owned()) };
    let wanted = match system {
        CodeSystem::Icd10 | CodeSystem::Icpc2 => 3,
        CodeSystem::Sks => 4,
        CodeSystem::Atc => 7,
    };
    (at == wanted && at + 1 < code.len() && !code[at + 1..].contains('.')).then(|| code.replace('.', ""))
}

fn is_code(system: CodeSystem, code: &str) -> bool {
    let form: String = code
        .chars()
        .map(|c| match c {
            'A'..='Z' => 'A',
            '0'..='9' => '0',
            other => other,
        })
        .collect();
    match system {
        CodeSystem::Icd10 => ["A00", "A000", "A0000"].contains(&form.as_str()),
        CodeSystem::Sks => {
            let rest = form.strip_prefix("AA00");
            code.starts_with('D')
                && rest.is_some_and(|rest| rest.len() <= 4 && rest.chars().all(|c| c == 'A' || c == '0'))
        }
        CodeSystem::Icpc2 => {
            ["A00", "A000", "A0000"].contains(&form.as_str())
                && code.starts_with([
                    'A', 'B', 'D', 'F', 'H', 'K', 'L', 'N', 'P', 'R', 'S', 'T', 'U', 'W', 'X', 'Y', 'Z',
                ])
        }
        CodeSystem::Atc => {
            ["A", "A00", "A00A", "A00AA", "A00AA00"].contains(&form.as_str())
                && code.starts_with(['A', 'B', 'C', 'D', 'G', 'H', 'J', 'L', 'M', 'N', 'P', 'R', 'S', 'V'])
        }
    }
}
