//! The content of strings: out of JSON's escapes, and into them.

/// Appends the text that the content of a valid string stands for. `content` has been read by a
/// [`Reader`](super::Reader); what is no escape after all is left out.
pub fn unescape_into(content: &str, out: &mut String) {
    let mut rest = content;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut chars = escaped.chars();
        match chars.next() {
            Some('u') => {
                let (character, after) = unicode(chars.as_str());
                out.extend(character);
                rest = after;
                continue;
            }
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some(itself) => out.push(itself),
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
}

/// The character of `XXXX`, or of `XXXX\uYYYY` where the first is half a pair; and what follows.
fn unicode(text: &str) -> (Option<char>, &str) {
    let Some((first, rest)) = four_hex(text) else { return (None, text) };
    if let Some(character) = char::from_u32(first) {
        return (Some(character), rest);
    }
    let Some((second, after)) = rest.strip_prefix("\\u").and_then(four_hex) else { return (None, rest) };
    let high = first.wrapping_sub(0xd800) & 0x3ff;
    let low = second.wrapping_sub(0xdc00) & 0x3ff;
    (char::from_u32(0x1_0000 + (high << 10 | low)), after)
}

fn four_hex(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    Some((u32::from_str_radix(digits, 16).ok()?, rest))
}

/// Bytes that are looked at together for characters that need an escape.
const BLOCK: usize = 32;

/// Appends `text` as the content of a JSON string, with no more escapes than RFC 8259 section 7
/// asks for.
pub fn escape_into(text: &str, out: &mut Vec<u8>) {
    for block in text.as_bytes().chunks(BLOCK) {
        // Looked through without a branch: nearly all blocks are copied as they stand.
        let is_special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
        if block.iter().fold(false, |any, byte| any | is_special(*byte)) {
            escape_block(block, out);
        } else {
            out.extend_from_slice(block);
        }
    }
}

fn escape_block(block: &[u8], out: &mut Vec<u8>) {
    for &byte in block {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x8 => out.extend_from_slice(b"\\b"),
            0xc => out.extend_from_slice(b"\\f"),
            0..=0x1f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_come_back_as_serde_json_reads_and_writes_them() {
        let long = format!("a{}\"{}\\{}\u{1}", "æ".repeat(40), "b".repeat(31), "😀".repeat(30));
        for text in
            ["", "plain", &long, "a\"b\\c/d", "\u{0}\u{1}\u{8}\u{c}\n\r\t\u{1f}\u{7f}", "æ😀", "\\u0041"]
        {
            let written = serde_json::to_string(text).unwrap();
            let mut ours = Vec::new();
            escape_into(text, &mut ours);
            assert_eq!(written, format!("\"{}\"", String::from_utf8(ours).unwrap()));
        }
        for content in ["a\\u00e6\\ud83d\\ude00\\/\\b\\f\\n\\r\\t\\\"\\\\x", "\\u0032512489996"] {
            let mut ours = String::new();
            unescape_into(content, &mut ours);
            assert_eq!(ours, serde_json::from_str::<String>(&format!("\"{content}\"")).unwrap());
        }
    }
}
