//! CPR numbers that travel as JSON numbers: without their leading zero, with an exponent, or
//! with a decimal point for the dash.

use super::Number;
use super::run;

/// Whether a JSON number could be a CPR number: its integer part has nine or ten digits in
/// whatever notation, or it is written `ddmmyy.ssss`.
#[must_use]
pub fn number_could_be_cpr(json_number: &[u8]) -> bool {
    json_number.iter().filter(|byte| byte.is_ascii_digit()).count() >= 9
}

/// The number that a JSON number stands for, its leading zero put back.
#[must_use]
pub fn parse_number(json_number: &[u8]) -> Option<Number> {
    let mut digits = [b'0'; 10];
    let pad = 10_usize.checked_sub(json_number.len()).filter(|pad| *pad <= 1)?;
    digits.get_mut(pad..)?.copy_from_slice(json_number);
    digits.iter().all(u8::is_ascii_digit).then(|| run::number(digits))?
}
