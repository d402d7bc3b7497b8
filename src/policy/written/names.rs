//! Texts with a form of their own, read out of strings: names, locations, identifiers.

use crate::policy::location::Location;
use crate::policy::syntax::Flaw;

/// The longest name: it stands in logs, metrics and every ledger record.
const MAX_NAME: usize = 64;

/// The longest name of a profile, in bytes: such as a file system takes.
const MAX_PATH: usize = 255;

/// A name of the author's choosing: it becomes a metric label, a log word and part of a URL.
pub(super) fn name(text: &str) -> Result<String, Flaw> {
    const HELP: &str = "small letters, digits and `-`, a letter first, 64 at most";
    let odd = text
        .char_indices()
        .find(|(i, c)| !(c.is_ascii_lowercase() || *i > 0 && (c.is_ascii_digit() || *c == '-')));
    match odd {
        Some((at, c)) => Err(Flaw {
            at: Some(at..at.saturating_add(c.len_utf8())),
            message: format!("`{text}` is no name"),
            help: Some(HELP.to_owned()),
        }),
        None if text.len() > MAX_NAME => Err(Flaw::new("this name is too long", HELP)),
        None => Ok(text.to_owned()),
    }
}

/// A word of the author's that only this file uses: the name of a shape, or a resource type.
pub(super) fn word(text: &str) -> Result<String, Flaw> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if text.len() <= MAX_NAME && text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    Err(Flaw::new(format!("`{text}` is no name"), "letters, digits, `-` and `_`, 64 at most"))
}

/// The name of a profile, as `include` writes it: a file in `profiles/` beside the policy, and
/// nothing that could lead elsewhere.
pub(super) fn profile(text: &str) -> Result<String, Flaw> {
    const HELP: &str =
        "such as `profiles/fhir-patient.toml`: a file in the folder `profiles` beside the policies";
    let plain = |part: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !part.starts_with('.') && !part.is_empty() && part.chars().all(inner)
    };
    let below = text.strip_prefix("profiles/").filter(|rest| rest.split('/').all(plain));
    if below.is_some_and(|rest| rest.ends_with(".toml")) && text.len() <= MAX_PATH {
        return Ok(text.to_owned());
    }
    Err(Flaw::new(format!("`{text}` is no name of a profile"), HELP))
}

/// A location.
pub(super) fn location(text: &str) -> Result<Location, Flaw> {
    Location::parse(text).map_err(|error| Flaw {
        at: Some(error.at.start..error.at.end.min(text.len()).max(error.at.start)),
        message: error.message.to_owned(),
        help: error.help.map(str::to_owned),
    })
}

/// A URI subject alternative name: compared as a whole, so all of it counts (RFC 9525).
pub(super) fn uri(text: &str) -> Result<String, Flaw> {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    let good = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        && text.chars().all(|c| c.is_ascii_graphic() && c != '*');
    if good {
        return Ok(text.to_owned());
    }
    Err(Flaw::new(format!("`{text}` is no URI"), "such as `urn:tavs:recipient:sms-reminders`, no wildcard"))
}

/// A DNS subject alternative name, in lower case and without wildcard (RFC 9525 section 6.3).
pub(super) fn dns(text: &str) -> Result<String, Flaw> {
    let label = |label: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.chars().all(inner)
    };
    if text.len() <= 253 && text.split('.').all(label) {
        return Ok(text.to_owned());
    }
    Err(Flaw::new(
        format!("`{text}` is no DNS name"),
        "such as `api.paamind.example`: lower case, no wildcard",
    ))
}

/// A SHA-256 as 64 hex digits.
pub(super) fn sha256(text: &str) -> Result<[u8; 32], Flaw> {
    data_encoding::HEXLOWER_PERMISSIVE
        .decode(text.as_bytes())
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| Flaw::new("this is no SHA-256", "64 hex digits"))
}

/// A country as ISO 3166-1 alpha-2; whether there is such a country, `check` knows.
pub(super) fn country(text: &str) -> Result<String, Flaw> {
    if text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()) {
        return Ok(text.to_owned());
    }
    Err(Flaw::new(format!("`{text}` is no country code"), "two capital letters of ISO 3166-1, such as `DK`"))
}

/// How URLs of an upstream begin: `https://emr.example/fhir`.
pub(super) fn base(text: &str) -> Result<String, Flaw> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/[]".contains(c);
    let good = rest.is_some_and(|rest| {
        !rest.is_empty()
            && rest.chars().all(plain)
            && rest.split('/').all(|part| !matches!(part, "" | "." | ".."))
    });
    let help = "scheme, authority and path, no `/` at the end: `https://emr.example/fhir`";
    if good { Ok(text.to_owned()) } else { Err(Flaw::new("this is not how URLs begin", help)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a form takes, and what it does not.
    fn forms<T>(read: fn(&str) -> Result<T, Flaw>, good: &[&str], bad: &[&str]) {
        for (texts, is_good) in [(good, true), (bad, false)] {
            texts.iter().for_each(|text| assert_eq!(read(text).is_ok(), is_good, "{text}"));
        }
    }

    #[test]
    fn texts_have_their_forms() {
        let long = |of: &str, count: usize| of.repeat(count);
        let (a64, a65) = (long("a", 64), long("a", 65));
        forms(name, &["a", "a-1", &a64], &["A", "1a", "-a", "a_b", "aÅ", "a b", &a65]);
        forms(word, &["a", "A-1_b", "1", &a64], &["a b", "å", "a.b", &a65]);
        let (p255, p256) = (long("a", 241), long("a", 242));
        let [p255, p256] = [p255, p256].map(|name| format!("profiles/{name}.toml"));
        forms(
            profile,
            &["profiles/a.toml", "profiles/a-b/c_d.e.toml", &p255],
            &[
                "profiles/a",
                "a.toml",
                "profiles/.a.toml",
                "profiles//a.toml",
                "profiles/../a.toml",
                "profiles/a b.toml",
                "profiles/å.toml",
                "profiles/a/.toml",
                &p256,
            ],
        );
        forms(
            uri,
            &["urn:a:b", "https://a.example/b", "a+b-c.d:x", "x1:y"],
            &["a", ":a", "1a:b", "a_b:c", "a:*", "a:b c", "a:å"],
        );
        let (d253, d254) = (format!("{}aaa", long("a.", 125)), format!("{}aaaa", long("a.", 125)));
        forms(
            dns,
            &["a", "a-b.c9.example", "9.example", &d253],
            &["", "A.example", "a..b", ".a", "a.", "-a.b", "a-.b", "*.a", "a_b.c", &d254],
        );
        forms(sha256, &[&long("0f", 32), &long("0F", 32)], &["", "0f", &long("0f", 33), &long("0g", 32)]);
        forms(country, &["DK"], &["dk", "D", "DKK", "D1", "Dk"]);
        forms(
            base,
            &["https://a.example", "http://a:8080/b", "https://[::1]/b_c-d.e~f"],
            &[
                "a.example",
                "ftp://a",
                "https://",
                "https://a/",
                "https://a//b",
                "https://a/./b",
                "https://a/../b",
                "https://a@b",
                "https://a?b",
                "https://a b",
            ],
        );
    }

    #[test]
    fn what_is_wrong_in_a_name_is_underlined_alone() {
        let at = |read: Result<String, Flaw>| read.unwrap_err().at;
        assert_eq!(at(name("aÅb")), Some(1..3));
        assert_eq!(at(name("1a")), Some(0..1));
        assert_eq!(location("$.a[-1]").unwrap_err().at, Some(4..5));
        // At the end nothing is left to underline.
        assert_eq!(location("$.a[").unwrap_err().at, Some(4..4));
    }
}
