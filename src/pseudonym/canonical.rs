//! Canonical forms of telephone numbers, e-mail addresses and texts: what is one and the same to
//! whoever writes it has one pseudonym. docs/pseudonyms.md has them in words.

use unicode_normalization::UnicodeNormalization as _;

/// What a value is that is neither a person's number nor an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// A telephone number.
    Phone,
    /// An e-mail address.
    Email,
    /// Any text.
    Text,
}

impl ValueKind {
    /// The word of the policy language, and the kind in what is MACed or sealed.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Text => "text",
        }
    }

    /// The canonical form of a value; `None` if it is none of this kind.
    #[must_use]
    pub fn canonical(self, value: &str) -> Option<String> {
        match self {
            Self::Phone => phone(value),
            Self::Email => email(value),
            Self::Text => text(value),
        }
    }
}

/// Digits of a telephone number with its country code (ITU-T E.164).
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// Bytes of an e-mail address (RFC 5321 section 4.5.3.1, erratum 1690).
const MAX_EMAIL: usize = 254;
/// The country code of a number that has none.
const DENMARK: &str = "45";
/// Digits of a Danish number.
const DANISH: usize = 8;

/// `+4520123456` of any way to write that number; `None` if it is no telephone number.
fn phone(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(|c| !is_separator(*c)).collect();
    let international = plain.strip_prefix('+').or_else(|| plain.strip_prefix("00"));
    let digits = international.unwrap_or(&plain);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let national = match (international, digits.strip_prefix(DENMARK)) {
        (Some(_), Some(danish)) => Some(danish),
        (Some(_), None) => None,
        // A number that lost its plus sign, as JSON numbers do.
        (None, Some(danish)) if danish.len() == DANISH => Some(danish),
        (None, _) => Some(digits),
    };
    let known = match national {
        Some(danish) => danish.len() == DANISH && !danish.starts_with('0'),
        None => PHONE_DIGITS.contains(&digits.len()) && !digits.starts_with('0'),
    };
    known.then(|| match national {
        Some(danish) => format!("+{DENMARK}{danish}"),
        None => format!("+{digits}"),
    })
}

const fn is_separator(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t'
            | '\u{a0}'
            | '\u{202f}'
            | '-'
            | '\u{2010}'
            | '\u{2011}'
            | '\u{2013}'
            | '.'
            | '/'
            | '('
            | ')'
    )
}

/// An e-mail address with its ASCII letters in lower case: no provider tells two persons apart by
/// them. `None` if it is none.
fn email(text: &str) -> Option<String> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@')?;
    let is_local =
        |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '@' | '<' | '>' | ',' | ';');
    let is_domain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let good = text.len() <= MAX_EMAIL
        && !local.is_empty()
        && local.chars().all(is_local)
        && !domain.is_empty()
        && domain.bytes().all(is_domain);
    good.then(|| text.to_ascii_lowercase())
}

/// A text in Unicode's form NFC, its white space single and none around it; `None` if nothing is
/// left.
fn text(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" ").nfc().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_has_one_form() {
        for written in [
            "20123456",
            "20 12 34 56",
            "+45 20 12 34 56",
            "+4520123456",
            "0045 20-12-34-56",
            "4520123456",
            "(+45) 20.12.34.56",
        ] {
            assert_eq!(phone(written).as_deref(), Some("+4520123456"), "{written}");
        }
        for (written, wanted) in [
            ("+298 123456", Some("+298123456")),
            ("+46 70 123 45 67", Some("+46701234567")),
            ("45201234", Some("+4545201234")),
            ("45 20 12 34 5", None),
            ("2012345", None),
            ("+45 2012345", None),
            ("2512489996", None),
            ("00000000", None),
            ("+", None),
            ("ring", None),
            ("20123456 (mor)", None),
            ("", None),
        ] {
            assert_eq!(phone(written).as_deref(), wanted, "{written}");
        }
    }

    #[test]
    fn one_address_has_one_form() {
        for (written, wanted) in [
            (" Nancy.Berggren@Klinik.Example ", Some("nancy.berggren@klinik.example")),
            ("æ@x.example", Some("æ@x.example")),
            ("nancy", None),
            ("a@b@c", None),
            ("@x.example", None),
            ("a@", None),
            ("Nancy <a@x.example>", None),
            ("a@x.example;b@x.example", None),
            ("a@b_c", None),
        ] {
            assert_eq!(email(written).as_deref(), wanted, "{written}");
        }
        assert_eq!(email(&format!("{}@x.example", "a".repeat(250))), None);
    }

    #[test]
    fn one_text_has_one_form() {
        assert_eq!(text("  Nancy \u{a0} Ann ").as_deref(), Some("Nancy Ann"));
        assert_eq!(text("A\u{30a}ge"), text("Åge"));
        assert_ne!(text("Åge"), text("åge"));
        assert_eq!(text(" \n"), None);
    }
}
