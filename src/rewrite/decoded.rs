//! Base64 of text, as FHIR's attachments have it: decoded, handled as free text, and coded again.
//!
//! What must never happen here: bytes on their way out that are no text, for nobody could have searched
//! them.

use data_encoding::BASE64;

use super::names::decode;
use super::walk::Walk;
use super::{Fault, Judge, Watch, scan};
use crate::cpr::{self, Search};
use crate::json::StringSpan;
use crate::policy::checked::Scan;

/// How documents begin that can pass for text and hold it in a code of their own: streams of bytes, or
/// letters and digits as `\'32`.
const BINARY_IN_TEXT: [&str; 3] = ["%PDF", "%!PS", "{\\rtf"];

impl<J: Judge, W: Watch> Walk<'_, '_, '_, J, W> {
    /// Writes the code of the text that stands in `coded`, CPR numbers and what else is wanted taken
    /// out; `false` if it is no code of text.
    pub(super) fn write_decoded(
        &mut self,
        wanted: &Scan,
        coded: &str,
        span: StringSpan,
    ) -> Result<bool, Fault> {
        let Some(text) = text_of(coded) else { return Ok(false) };
        self.finds.clear();
        if cpr::search(&text, &mut self.finds) == Search::Binary || self.echoes.has_id(&text) {
            return Ok(false);
        }
        let others = scan::find(wanted, &text, [self.record_names.as_deref(), self.outer_names.as_deref()]);
        let begin = self.out.len();
        self.without_cprs(&text, others, span)?;
        let json = self.out.split_off(begin);
        let content = json.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or_default();
        let Ok(content) = std::str::from_utf8(content) else { return Ok(false) };
        self.out.push(b'"');
        self.out.extend_from_slice(BASE64.encode(decode(content).as_bytes()).as_bytes());
        self.out.push(b'"');
        Ok(true)
    }
}

/// What stands in a code of UTF-8, in which there may be whitespace (FHIR R4 section 2.24.0.1,
/// `base64Binary`).
pub(super) fn uncoded(coded: &str) -> Option<String> {
    let compact: Vec<u8> = coded.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    String::from_utf8(BASE64.decode(&compact).ok()?).ok()
}

/// The text of a code.
fn text_of(coded: &str) -> Option<String> {
    let text = uncoded(coded)?;
    let is_text = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
    let begin = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let good = !begin.is_empty()
        && text.chars().all(is_text)
        && !BINARY_IN_TEXT.iter().any(|mark| begin.starts_with(mark));
    good.then_some(text)
}
