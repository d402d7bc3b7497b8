//! Reads content whole, within bounds of size and time, and takes off one layer of gzip, within
//! bounds of size and ratio. What comes out is all of it, or a fault: never a part.

mod gzip;

use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt as _;
use tokio::time::{sleep, timeout};

use super::fields::Coding;
use crate::http::Refusal;

/// Bounds within which content is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The most bytes, as sent and again when decoded.
    pub size: usize,
    /// How long the whole may take.
    pub whole: Duration,
    /// The least bytes in each [`Bounds::WINDOW`].
    pub minimum_per_window: usize,
}

impl Bounds {
    /// How often the minimum rate is looked at: long enough for a pause of an honest sender.
    pub const WINDOW: Duration = Duration::from_secs(5);
}

/// Decoded content may be this many times as large as coded: gzip's best for JSON is about 100,
/// for zeros 1032.
pub const MAX_RATIO: usize = 200;
/// Below this many decoded bytes the ratio is not looked at: small documents repeat themselves.
pub const RATIO_FLOOR: usize = 64 * 1024;

/// Why content could not be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyFault {
    /// More than [`Bounds::size`], as sent or decoded.
    #[error("the content is larger than the limit")]
    TooLarge,
    /// Past [`Bounds::whole`], or below the minimum rate.
    #[error("the content came too slowly")]
    TooSlow,
    /// The connection or its framing broke.
    #[error("the content broke off")]
    Broken,
    /// No gzip, cut gzip, a wrong checksum, or bytes after its end.
    #[error("the content is not one whole gzip member")]
    Coded,
    /// Grows more than [`MAX_RATIO`].
    #[error("the content grows too much when decoded")]
    Bomb,
}

impl BodyFault {
    /// The refusal, if an upstream sent it.
    #[must_use]
    pub const fn of_upstream(self) -> Refusal {
        match self {
            Self::TooLarge => Refusal::UpstreamTooLarge,
            Self::TooSlow => Refusal::UpstreamSlow,
            Self::Broken => Refusal::UpstreamBroken,
            Self::Coded => Refusal::UpstreamCoded,
            Self::Bomb => Refusal::UpstreamBomb,
        }
    }

    /// The refusal, if a recipient sent it.
    #[must_use]
    pub const fn of_recipient(self) -> Refusal {
        match self {
            Self::TooLarge | Self::Bomb => Refusal::BodyTooLarge,
            Self::TooSlow => Refusal::BodySlow,
            Self::Broken => Refusal::BodyBroken,
            Self::Coded => Refusal::BodyType,
        }
    }
}

/// Reads a body to its end. Trailers are dropped.
///
/// # Errors
/// `TooLarge`, `TooSlow`, `Broken`. The rest of the body is then not read: the connection is to
/// be dropped.
pub async fn read<B: Body<Data = Bytes>>(body: B, bounds: &Bounds) -> Result<Bytes, BodyFault> {
    if body.size_hint().lower() > u64::try_from(bounds.size).unwrap_or(u64::MAX) {
        return Err(BodyFault::TooLarge);
    }
    timeout(bounds.whole, collect(body, bounds)).await.map_err(|_elapsed| BodyFault::TooSlow)?
}

async fn collect<B: Body<Data = Bytes>>(body: B, bounds: &Bounds) -> Result<Bytes, BodyFault> {
    let mut body = pin!(body);
    let mut window = pin!(sleep(Bounds::WINDOW));
    let mut in_window = 0_usize;
    let mut content = BytesMut::new();
    loop {
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            () = &mut window => {
                if in_window < bounds.minimum_per_window {
                    return Err(BodyFault::TooSlow);
                }
                in_window = 0;
                let next = window.deadline() + Bounds::WINDOW;
                window.as_mut().reset(next);
                continue;
            }
        };
        let Some(frame) = frame else { return Ok(content.freeze()) };
        let Ok(data) = frame.map_err(|_broken| BodyFault::Broken)?.into_data() else { continue };
        let room = bounds.size.saturating_sub(content.len());
        if data.len() > room {
            return Err(BodyFault::TooLarge);
        }
        in_window = in_window.saturating_add(data.len());
        content.extend_from_slice(&data);
    }
}

/// Takes off the coding that the head names.
///
/// # Errors
/// `Coded`, `Bomb`, `TooLarge` (more than `size` bytes decoded).
pub fn decode(coding: Coding, content: Bytes, size: usize) -> Result<Bytes, BodyFault> {
    match coding {
        Coding::Identity => Ok(content),
        Coding::Gzip => gzip::decode(&content, size),
    }
}

#[cfg(test)]
mod tests;
