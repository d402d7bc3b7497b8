//! A response that is larger than what is judged whole, as it comes: its coding taken off, cut into pieces
//! that can be judged on their own.
//!
//! Stands between reading and rewriting, on routes whose records can be judged one by one. What must never
//! happen here: more held than the policy's `buffer` and a batch; a body that broke off taken for a whole one.

use bytes::Bytes;

use super::exchange::fault_of;
use crate::http::Refusal;
use crate::http::body::{BodyFault, Decoder};
use crate::http::fields::{Accepted, Coding};
use crate::net::UpstreamBody;
use crate::policy::decide::Permit;
use crate::policy::plan::Plan;
use crate::rewrite::{Piece, Pieces};

/// Bytes without coding that are taken between two looks at how much is held, which is gone through anew for
/// each piece.
const PLAIN_STEP: usize = 256 * 1024;
/// Coded bytes that are decoded between two looks at how much is held: the worst of codings makes four
/// megabytes of them.
const CODED_STEP: usize = 4 * 1024;

/// What is needed to take a response in pieces.
#[derive(Debug)]
pub(super) struct Arriving<B = UpstreamBody> {
    pieces: Pieces,
    decoder: Decoder,
    /// How much is decoded at once.
    step: usize,
    /// What has come and is not decoded yet.
    pending: Bytes,
    body: B,
    ended: bool,
}

impl Arriving<()> {
    /// `None` where the policy or the route takes responses whole only.
    pub(super) fn of(permit: &Permit, accepted: Accepted) -> Option<Self> {
        let limits = &permit.policy().checked().limits;
        let lines = accepted.media_type.is_lines();
        let pieces = Pieces::new(permit.route().plan(), lines, limits.buffer);
        // What a request has made is told in one answer.
        let may = permit.method().is_safe() && limits.response > limits.buffer;
        let pieces = pieces.filter(|_| may)?;
        let step = match accepted.coding {
            Coding::Identity => PLAIN_STEP,
            Coding::Gzip => CODED_STEP,
        };
        let decoder = Decoder::new(accepted.coding, limits.response);
        Some(Self { pieces, decoder, step, pending: Bytes::new(), body: (), ended: false })
    }

    /// So much of it has come.
    pub(super) fn begun(self, pending: Bytes, body: UpstreamBody) -> Arriving {
        let Self { pieces, decoder, step, ended, .. } = self;
        Arriving { pieces, decoder, step, pending, body, ended }
    }
}

impl Arriving {
    /// The next piece; `None` once there is none. What has come is used up before more is read.
    pub(super) async fn next(&mut self, plan: &Plan) -> Result<Option<Piece>, Refusal> {
        self.body.renew();
        loop {
            if self.ended || self.pieces.is_due() {
                let piece = self.pieces.next(plan, self.ended).map_err(super::disclose::refusal_of)?;
                if piece.is_some() || self.ended {
                    return Ok(piece);
                }
            }
            self.more().await?;
        }
    }

    /// A part with records in it has left.
    pub(super) fn records_left(&mut self) {
        self.pieces.records_left();
    }

    async fn more(&mut self) -> Result<(), Refusal> {
        let Self { pieces, decoder, .. } = self;
        let then = |decoded: &[u8]| pieces.push(decoded);
        if self.pending.is_empty() {
            match self.body.next().await.map_err(fault_of)? {
                Some(content) => self.pending = content,
                None => {
                    self.ended = true;
                    return decoder.finish(then).map_err(BodyFault::of_upstream);
                }
            }
        }
        let coded = self.pending.split_to(self.step.min(self.pending.len()));
        decoder.push(&coded, then).map_err(BodyFault::of_upstream)
    }
}
