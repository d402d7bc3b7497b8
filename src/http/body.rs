//! Takes one layer of gzip (RFC 1952) off content that `net` has read whole, within bounds of
//! size and ratio. What comes out is all of it, or a fault: never a part.

use std::io::{ErrorKind, Read as _};

use bytes::Bytes;
use flate2::bufread::GzDecoder;

use super::fields::Coding;
use crate::http::Refusal;

/// Decoded content may be this many times as large as coded. gzip reaches 1032 at the most, for
/// one byte over and over; repetitive JSON stays under 100.
pub const MAX_RATIO: usize = 200;
/// Below this many decoded bytes the ratio is not looked at: small documents repeat themselves.
pub const RATIO_FLOOR: usize = 64 * 1024;
/// How much is decoded between two looks at the bounds.
const STEP: usize = 32 * 1024;

/// Why content could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyFault {
    /// More decoded bytes than the limit.
    #[error("the content is larger than the limit")]
    TooLarge,
    /// No gzip, cut gzip, a wrong checksum, or bytes after its end.
    #[error("the content is not one whole gzip member")]
    Coded,
    /// Grows more than [`MAX_RATIO`].
    #[error("the content grows too much when decoded")]
    Bomb,
}

impl BodyFault {
    /// The refusal, for an upstream's content.
    #[must_use]
    pub const fn of_upstream(self) -> Refusal {
        match self {
            Self::TooLarge => Refusal::UpstreamTooLarge,
            Self::Coded => Refusal::UpstreamCoded,
            Self::Bomb => Refusal::UpstreamBomb,
        }
    }
}

/// Takes off the coding that the head names; at most `size` bytes come out.
///
/// # Errors
/// `Coded`, `Bomb`, `TooLarge`.
pub fn decode(coding: Coding, content: Bytes, size: usize) -> Result<Bytes, BodyFault> {
    match coding {
        Coding::Identity if content.len() > size => Err(BodyFault::TooLarge),
        Coding::Identity => Ok(content),
        Coding::Gzip => gunzip(&content, size),
    }
}

/// Decodes one gzip member, whole, with nothing after it.
fn gunzip(coded: &[u8], size: usize) -> Result<Bytes, BodyFault> {
    let by_ratio = coded.len().saturating_mul(MAX_RATIO).max(RATIO_FLOOR);
    let mut decoder = GzDecoder::new(coded);
    let mut content = Vec::new();
    let mut step = vec![0_u8; STEP];
    loop {
        let read = match decoder.read(&mut step) {
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_corrupt) => return Err(BodyFault::Coded),
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

#[cfg(test)]
mod tests;
