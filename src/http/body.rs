//! Takes one layer of gzip (RFC 1952) off content, within bounds of size and ratio. What comes out is all
//! of it, or ends in a fault: a part never passes for the whole.

use std::io::Write as _;

use bytes::Bytes;
use flate2::write::GzDecoder;

use super::fields::Coding;
use crate::http::Refusal;

/// Decoded content may be this many times as large as coded. gzip reaches 1032 at the most, for
/// one byte over and over; repetitive JSON stays under 100.
pub const MAX_RATIO: usize = 200;
/// Below this many decoded bytes the ratio is not looked at: small documents repeat themselves.
pub const RATIO_FLOOR: usize = 64 * 1024;
/// How much is decoded between two looks at the bounds, about.
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
    let mut decoder = Decoder::new(coding, size);
    if decoder.gzip.is_none() {
        return if content.len() > size { Err(BodyFault::TooLarge) } else { Ok(content) };
    }
    let mut decoded = Vec::new();
    decoder.push(&content, |piece| decoded.extend_from_slice(piece))?;
    decoder.finish(|piece| decoded.extend_from_slice(piece))?;
    Ok(decoded.into())
}

/// Takes a coding off content that comes bit by bit.
pub struct Decoder {
    gzip: Option<GzDecoder<Vec<u8>>>,
    size: usize,
    coded: usize,
    decoded: usize,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Decoder({} bytes in, {} bytes out)", self.coded, self.decoded)
    }
}

impl Decoder {
    /// At most `size` bytes come out.
    #[must_use]
    pub fn new(coding: Coding, size: usize) -> Self {
        let gzip = match coding {
            Coding::Identity => None,
            Coding::Gzip => Some(GzDecoder::new(Vec::with_capacity(STEP))),
        };
        Self { gzip, size, coded: 0, decoded: 0 }
    }

    /// Takes what has come, and gives what that decodes to.
    ///
    /// # Errors
    /// `Coded`, `Bomb`, `TooLarge`.
    pub fn push(&mut self, mut coded: &[u8], mut then: impl FnMut(&[u8])) -> Result<(), BodyFault> {
        self.coded = self.coded.saturating_add(coded.len());
        if self.gzip.is_none() {
            self.count(coded.len(), usize::MAX)?;
            then(coded);
            return Ok(());
        }
        while !coded.is_empty() {
            let Some(gzip) = &mut self.gzip else { break };
            // One write decodes no more than its own buffer takes, whatever the ratio.
            let taken = match gzip.write(coded) {
                // a second member, or anything else, would be read by some and not by others
                Ok(0) | Err(_) => return Err(BodyFault::Coded),
                Ok(taken) => taken,
            };
            coded = coded.get(taken..).unwrap_or_default();
            self.hand_on(&mut then)?;
        }
        Ok(())
    }

    /// Nothing more will come.
    ///
    /// # Errors
    /// `Coded` if something is missing, else as [`push`](Self::push).
    pub fn finish(&mut self, mut then: impl FnMut(&[u8])) -> Result<(), BodyFault> {
        let Some(gzip) = &mut self.gzip else { return Ok(()) };
        gzip.try_finish().map_err(|_cut| BodyFault::Coded)?;
        self.hand_on(&mut then)
    }

    fn hand_on(&mut self, then: &mut impl FnMut(&[u8])) -> Result<(), BodyFault> {
        let by_ratio = self.coded.saturating_mul(MAX_RATIO).max(RATIO_FLOOR);
        let came = self.gzip.as_ref().map_or(0, |gzip| gzip.get_ref().len());
        self.count(came, by_ratio)?;
        if let Some(gzip) = &mut self.gzip {
            then(gzip.get_ref());
            gzip.get_mut().clear();
        }
        Ok(())
    }

    fn count(&mut self, more: usize, by_ratio: usize) -> Result<(), BodyFault> {
        self.decoded = self.decoded.saturating_add(more);
        if self.decoded > by_ratio {
            return Err(BodyFault::Bomb);
        }
        if self.decoded > self.size { Err(BodyFault::TooLarge) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
