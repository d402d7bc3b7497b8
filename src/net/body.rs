//! Reads a message's content whole, under a size and two deadlines.

use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::timeout;

/// How large a body may be and how long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimits {
    /// Most bytes.
    pub size: usize,
    /// For the whole of it.
    pub whole: Duration,
    /// Between two pieces of it.
    pub stall: Duration,
}

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BodyFault {
    /// More bytes than [`BodyLimits::size`], announced or sent.
    #[error("the body is larger than its limit")]
    TooLarge,
    /// It took longer than a deadline.
    #[error("the body took too long")]
    TooSlow,
    /// It broke off, or its framing is wrong.
    #[error("the body broke off")]
    Broke,
}

/// Reads the whole body. Trailers are dropped.
///
/// # Errors
///
/// [`BodyFault`]; nothing of the body is returned with it.
pub async fn read_body<B>(body: B, limits: BodyLimits) -> Result<Bytes, BodyFault>
where
    B: Body<Data = Bytes>,
{
    let announced = body.size_hint().lower();
    if announced > u64::try_from(limits.size).unwrap_or(u64::MAX) {
        return Err(BodyFault::TooLarge);
    }
    timeout(limits.whole, pieces(body, limits)).await.map_err(|_elapsed| BodyFault::TooSlow)?
}

async fn pieces<B: Body<Data = Bytes>>(body: B, limits: BodyLimits) -> Result<Bytes, BodyFault> {
    let mut body = pin!(body);
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let frame = timeout(limits.stall, body.frame()).await.map_err(|_elapsed| BodyFault::TooSlow)?;
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(|_error| BodyFault::Broke)?.into_data() else { continue };
        let length = first.len().saturating_add(rest.len()).saturating_add(data.len());
        if length > limits.size {
            return Err(BodyFault::TooLarge);
        }
        // One piece, the usual case, is handed on without a copy.
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            rest.extend_from_slice(&std::mem::take(&mut first));
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}
