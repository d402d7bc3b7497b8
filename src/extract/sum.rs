//! The length and SHA-256 of a file, while it is written or read.

use std::io::{self, Read};

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::bundle::Listed;

/// Bytes that are read at a time.
const PIECE: usize = 1 << 18;

/// Of what has come so far.
#[derive(Debug, Default)]
pub(super) struct Sum {
    digest: Sha256,
    bytes: u64,
}

impl Sum {
    /// Of all that a file holds.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn of(mut file: impl Read) -> io::Result<Self> {
        let (mut sum, mut piece) = (Self::default(), vec![0; PIECE]);
        loop {
            let read = file.read(&mut piece)?;
            let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else { return Ok(sum) };
            sum.update(bytes);
        }
    }

    /// Adds what comes next.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
    }

    /// As a manifest lists a file of this name.
    pub(super) fn listed(self, name: String) -> Listed {
        Listed { name, bytes: self.bytes, sha256: HEXLOWER.encode(&self.digest.finalize()) }
    }
}
