//! Where the content of a response ends (RFC 9112 section 6.3), and what of it has come.
//!
//! What must never happen: content that broke off taken for whole; a byte taken that is not its own.

use bytes::{Buf as _, Bytes};
use httparse::{EMPTY_HEADER, Status};

use super::UpstreamError;

/// Fields after the last chunk at most, which are dropped: a server that sends any has one or two.
const MAX_TRAILERS: usize = 32;
/// Their bytes at most: as much as servers take for all of a head.
const MAX_TRAILER_BYTES: usize = 8 * 1024;
/// Bytes of the line that a chunk begins with at most: 16 digits, and an extension that nobody has a use for.
const MAX_SIZE_LINE: usize = 256;
const CRLF: &[u8] = b"\r\n";

/// How the end of content is told, and how much is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes are left.
    Length(u64),
    /// Chunks (RFC 9112 7.1).
    Chunked(Chunk),
    /// Until the connection ends.
    Open,
}

/// What comes next of chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunk {
    /// The line with the size of one.
    Size,
    /// So many bytes of one, and CRLF.
    Data(u64),
    /// The fields after the last.
    Trailers,
}

/// What was found in what came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A part of the content.
    Piece(Bytes),
    /// Nothing yet: more has to come.
    More,
    /// The end.
    Over,
}

impl Framing {
    pub(super) const OVER: Self = Self::Length(0);
    pub(super) const CHUNKED: Self = Self::Chunked(Chunk::Size);

    /// No content is left.
    pub(super) fn is_over(self) -> bool {
        self == Self::OVER
    }

    /// How many bytes will come at least.
    pub(super) const fn announced(self) -> u64 {
        match self {
            Self::Length(left) | Self::Chunked(Chunk::Data(left)) => left,
            Self::Chunked(_) | Self::Open => 0,
        }
    }

    /// Takes what is next from what came.
    ///
    /// # Errors
    /// `Broke` where what came is no chunked coding, or a line of it is too long.
    pub(super) fn step(&mut self, came: &mut Bytes) -> Result<Step, UpstreamError> {
        loop {
            match self {
                Self::Length(0) => return Ok(Step::Over),
                _ if came.is_empty() => return Ok(Step::More),
                Self::Open => return Ok(Step::Piece(std::mem::take(came))),
                Self::Length(left) => return Ok(Step::Piece(take(came, left))),
                Self::Chunked(Chunk::Data(left)) if *left > 0 => return Ok(Step::Piece(take(came, left))),
                Self::Chunked(chunk) => match chunk.after(came)? {
                    Some(next) => *self = next,
                    None => return Ok(Step::More),
                },
            }
        }
    }
}

impl Chunk {
    /// What follows, once what stands before it has come whole.
    fn after(self, came: &mut Bytes) -> Result<Option<Framing>, UpstreamError> {
        let (read, most) = match self {
            Self::Size => (size(came)?, MAX_SIZE_LINE),
            Self::Data(_) if came.len() < CRLF.len() => (None, CRLF.len()),
            Self::Data(_) if came.starts_with(CRLF) => (Some((CRLF.len(), Framing::CHUNKED)), CRLF.len()),
            Self::Data(_) => return Err(UpstreamError::Broke),
            Self::Trailers => (trailers(came)?.map(|length| (length, Framing::OVER)), MAX_TRAILER_BYTES),
        };
        match read {
            Some((length, next)) if length <= most => {
                came.advance(length);
                Ok(Some(next))
            }
            None if came.len() < most => Ok(None),
            Some(_) | None => Err(UpstreamError::Broke),
        }
    }
}

/// The line that a chunk begins with: how long it is, and what follows; `None` where more of it has to come.
/// Stricter than `httparse`, for which a line without a digit is the last chunk's, and a line feed a part of an
/// extension.
fn size(came: &[u8]) -> Result<Option<(usize, Framing)>, UpstreamError> {
    if !came.first().is_some_and(u8::is_ascii_hexdigit) {
        return Err(UpstreamError::Broke);
    }
    let read = httparse::parse_chunk_size(came).map_err(|_none| UpstreamError::Broke)?;
    let Status::Complete((length, size)) = read else { return Ok(None) };
    let line = came.get(..length).unwrap_or_default();
    if line.iter().filter(|byte| **byte == b'\n').count() != 1 {
        return Err(UpstreamError::Broke);
    }
    let next = if size == 0 { Chunk::Trailers } else { Chunk::Data(size) };
    Ok(Some((length, Framing::Chunked(next))))
}

/// How long the fields after the last chunk are, with the empty line.
fn trailers(came: &[u8]) -> Result<Option<usize>, UpstreamError> {
    let mut room = [EMPTY_HEADER; MAX_TRAILERS];
    let read = httparse::parse_headers(came, &mut room).map_err(|_none| UpstreamError::Broke)?;
    let Status::Complete((length, _dropped)) = read else { return Ok(None) };
    if are_lines(came.get(..length).unwrap_or_default()) {
        Ok(Some(length))
    } else {
        Err(UpstreamError::Broke)
    }
}

/// All of it lines that end in CRLF. For `httparse` a line may end in a line feed alone, as RFC 9112 section 2.2
/// permits; where others would find another end, we take none.
pub(super) fn are_lines(bytes: &[u8]) -> bool {
    bytes.split_inclusive(|byte| *byte == b'\n').all(|line| line.ends_with(CRLF))
}

/// As much as came of what is left.
fn take(came: &mut Bytes, left: &mut u64) -> Bytes {
    let most = usize::try_from(*left).unwrap_or(usize::MAX).min(came.len());
    *left = left.saturating_sub(u64::try_from(most).unwrap_or(u64::MAX));
    came.split_to(most)
}
