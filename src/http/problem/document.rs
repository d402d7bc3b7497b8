//! The problem document (RFC 9457) of a refusal.

use std::fmt::Write as _;

use super::{Page, Refusal, pages};
use crate::ids::ExchangeId;

/// Where problem types live under our authority.
pub(super) const TYPES_PATH: &str = "/.well-known/tavs/problems";

/// Writes problem documents; knows the authority under which the type pages are served, so that
/// type URIs are absolute (RFC 9457 section 3.1.1) and the same whatever a request called us.
#[derive(Debug, Clone)]
pub struct Problems {
    base: String,
}

impl Problems {
    /// The media type of every document.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    /// For the service at `authority` (host, and port if it is not 443).
    #[must_use]
    pub fn at(authority: &str) -> Self {
        Self { base: format!("https://{authority}{TYPES_PATH}") }
    }

    /// The document. All its words come from the table of [`Refusal`].
    #[must_use]
    pub fn document(&self, refusal: Refusal, exchange: ExchangeId) -> Vec<u8> {
        let verdict = refusal.verdict();
        let mut text = format!(
            r#"{{"type":"{}/{}","title":"{}","status":{}"#,
            escaped(&self.base),
            verdict.kind.slug,
            escaped(verdict.kind.title),
            verdict.status,
        );
        // writing to a `String` cannot fail
        if !verdict.detail.is_empty() {
            let _infallible = write!(text, r#","detail":"{}""#, escaped(verdict.detail));
        }
        if let Some(quota) = refusal.quota() {
            let _infallible = write!(text, r#","violated-policies":["{quota}"]"#);
        }
        let _infallible = write!(text, r#","instance":"urn:uuid:{exchange}"}}"#);
        text.into_bytes()
    }

    /// The page at `path`, if it is that of a problem type or their list.
    #[must_use]
    pub fn page(path: &str) -> Option<Page> {
        pages::find(path)
    }
}

/// Escapes for a JSON string what our own words and an authority can hold.
fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', "\\\"")
}
