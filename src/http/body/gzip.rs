//! One gzip member (RFC 1952), whole, and nothing after it.

use std::io::{ErrorKind, Read as _};

use bytes::Bytes;
use flate2::bufread::GzDecoder;

use super::{BodyFault, MAX_RATIO, RATIO_FLOOR};

/// How much is decoded between two looks at the bounds.
const STEP: usize = 32 * 1024;

/// Decodes `coded`, at most to `size` bytes.
pub(super) fn decode(coded: &[u8], size: usize) -> Result<Bytes, BodyFault> {
    let by_ratio = coded.len().saturating_mul(MAX_RATIO).max(RATIO_FLOOR);
    let mut decoder = GzDecoder::new(coded);
    let mut content = Vec::new();
    let mut step = vec![0_u8; STEP];
    loop {
        let read = match decoder.read(&mut step) {
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return Err(BodyFault::Coded),
        };
        if read == 0 {
            break;
        }
        content.extend_from_slice(step.get(..read).unwrap_or_default());
        if content.len() > by_ratio {
            return Err(BodyFault::Bomb);
        }
        if content.len() > size {
            return Err(BodyFault::TooLarge);
        }
    }
    // a second member, or anything else, would be read by some and not by others
    if decoder.into_inner().is_empty() { Ok(content.into()) } else { Err(BodyFault::Coded) }
}
