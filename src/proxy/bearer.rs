//! The second factor: a bearer token (RFC 6750) of which the policy holds the SHA-256.

use hyper::header::{AUTHORIZATION, HeaderMap};
use sha2::{Digest as _, Sha256};

/// Whether exactly one `Authorization` field bears the token of this hash. Compared by hash and
/// without an early end, so that timing tells nothing of how much of it fits.
pub(super) fn bears(fields: &HeaderMap, wanted: &[u8; 32]) -> bool {
    let mut values = fields.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let bytes = value.as_bytes();
    let Some((scheme, token)) = bytes.split_at_checked(SCHEME.len()) else { return false };
    if !scheme.eq_ignore_ascii_case(SCHEME) || token.is_empty() {
        return false;
    }
    let found: [u8; 32] = Sha256::digest(token).into();
    found.iter().zip(wanted).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

const SCHEME: &[u8] = b"Bearer ";

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn one_field_with_the_token_and_nothing_else_counts() {
        let wanted: [u8; 32] = Sha256::digest(b"s3cret").into();
        for (values, counts) in [
            (&["Bearer s3cret"][..], true),
            (&["bearer s3cret"][..], true),
            (&["Bearer s3cret "][..], false),
            (&["Bearer  s3cret"][..], false),
            (&["Bearer s3cre"][..], false),
            (&["Bearer "][..], false),
            (&["Basic s3cret"][..], false),
            (&["Bearer s3cret", "Bearer s3cret"][..], false),
            (&[][..], false),
        ] {
            let mut fields = HeaderMap::new();
            for value in values {
                fields.append(AUTHORIZATION, HeaderValue::from_static(value));
            }
            assert_eq!(bears(&fields, &wanted), counts, "{values:?}");
        }
    }
}
