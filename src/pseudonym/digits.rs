//! The scheme `digits`: a CPR becomes ten other digits, for recipients whose systems take nothing
//! else.
//!
//! FF1 (NIST SP 800-38G) over nine decimal digits, walked on until the result is the rank of a CPR,
//! permutes the ranks. It is written with 20 added to the month: no real, replacement or test
//! CPR has such a month, so that nobody takes a pseudonym for a person. It cannot be resolved here,
//! and one key version has one permutation.

use aes::Aes256;
use fpe::ff1::{FF1, FlexibleNumeralString};

use super::{Input, rank};

/// Ranks are below 10^9.
const NUMERALS: u32 = 9;
/// Each step has three chances of four to be a rank; after so many the number is given up, which
/// happens once in 10^38.
const MOST_STEPS: usize = 64;
/// What a month is raised by.
const RAISED: u64 = 20;

/// One domain's permutation of the CPRs.
pub(super) struct Digits {
    cipher: FF1<Aes256>,
    tweak: Vec<u8>,
}

impl Digits {
    /// `context` tells domain and key version apart.
    pub(super) fn new(key: &[u8; 32], context: Vec<u8>) -> Option<Self> {
        Some(Self { cipher: FF1::new(key, 10).ok()?, tweak: context })
    }

    /// Appends ten digits; `false` if the input is no CPR.
    pub(super) fn write(&self, input: Input<'_>, out: &mut Vec<u8>) -> bool {
        let written = (input.kind == "cpr").then(|| self.permuted(rank::of_cpr(input.value)?));
        match written.flatten().and_then(|permuted| rank::cpr(permuted, RAISED)) {
            Some(digits) => {
                out.extend_from_slice(digits.as_bytes());
                true
            }
            None => false,
        }
    }

    fn permuted(&self, rank: u64) -> Option<u64> {
        let mut numerals = numerals_of(rank);
        for _ in 0..MOST_STEPS {
            let next = self.cipher.encrypt(&self.tweak, &FlexibleNumeralString::from(numerals)).ok()?;
            numerals = next.into();
            let value = numerals.iter().fold(0, |value, digit| value * 10 + u64::from(*digit));
            if value < rank::CPRS {
                return Some(value);
            }
        }
        None
    }
}

fn numerals_of(rank: u64) -> Vec<u16> {
    let digit = |place: u32| u16::try_from(rank / 10_u64.pow(place) % 10).unwrap_or_default();
    (0..NUMERALS).rev().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn write(digits: &Digits, value: &str) -> Option<String> {
        let mut out = Vec::new();
        let input = Input { kind: "cpr", resource_type: "", system: "", value };
        digits.write(input, &mut out).then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_pseudonym_is_ten_digits_that_are_nobodys() {
        let digits = Digits::new(&[7; 32], b"a".to_vec()).unwrap();
        let other = Digits::new(&[7; 32], b"b".to_vec()).unwrap();
        let mut seen = HashSet::new();
        for number in 0..500_u64 {
            let cpr = rank::cpr(number * 1_487_999, 0).unwrap();
            let written = write(&digits, &cpr).unwrap();
            assert_eq!(written.len(), 10);
            assert!((21..=32).contains(&written.get(2..4).unwrap().parse::<u8>().unwrap()), "{written}");
            assert_eq!(crate::cpr::parse(&written), None);
            assert_ne!(write(&other, &cpr).unwrap(), written);
            assert!(seen.insert(written));
        }
        assert_eq!(write(&digits, "0000000000"), None);
        assert_eq!(write(&digits, "0203291WQ3"), None);
    }

    /// The nine samples of NIST for AES-256 FF1 in radix 10 and 36 are the library's; one here holds
    /// that it is that algorithm that is called.
    #[test]
    fn it_is_ff1_of_sp_800_38g() {
        let key: Vec<u8> = data_encoding::HEXUPPER
            .decode(b"2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94")
            .unwrap();
        let ff1 = FF1::<Aes256>::new(&key, 10).unwrap();
        for (tweak, wanted) in [("", "6657667009"), ("39383736353433323130", "1001623463")] {
            let tweak = data_encoding::HEXUPPER.decode(tweak.as_bytes()).unwrap();
            let plain: Vec<u16> = (0..10).collect();
            let coded: Vec<u16> = ff1.encrypt(&tweak, &FlexibleNumeralString::from(plain)).unwrap().into();
            let coded: String = coded.iter().map(u16::to_string).collect();
            assert_eq!(coded, wanted);
        }
    }
}
