//! Draws by how much the dates of one subject are moved, in one pseudonymisation domain.
//!
//! The draw is a MAC under the domain's secret: whoever does not have it can only guess within the
//! policy's range. docs/pseudonyms.md specifies it.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::ring::RingError;
use super::{Linkage, field, keyed};
use crate::ids::SubjectId;

/// What the key is derived for.
pub(super) const KEY_INFO: &[u8] = b"tavs pseudonym shift";
/// Format version, first in every MAC input.
const FORMAT: &[u8] = b"tavs-shift-1";

/// The MAC of one domain, keyed, and fed with the fields that never change.
#[derive(Clone)]
pub struct Shifter(Hmac<Sha256>);

impl Shifter {
    pub(super) fn new(key: &[u8; 32], domain: &str, version: u32) -> Result<Self, RingError> {
        let mut mac = keyed(key)?;
        field(&mut mac, FORMAT);
        field(&mut mac, domain.as_bytes());
        field(&mut mac, &version.to_be_bytes());
        Ok(Self(mac))
    }

    /// A number for this subject, to be reduced to the range that is wanted. 64 bits: reduced to some
    /// thousand days it is even to within 2^-50.
    #[must_use]
    pub fn draw(&self, subject: SubjectId, linkage: Linkage<'_>) -> u64 {
        let mut mac = self.0.clone();
        field(&mut mac, &subject.0);
        match linkage {
            Linkage::Domain => field(&mut mac, b""),
            Linkage::Document(salt) => field(&mut mac, salt),
            Linkage::None(salt, number) => {
                field(&mut mac, salt);
                field(&mut mac, &number.to_be_bytes());
            }
        }
        let tag = mac.finalize().into_bytes();
        tag.iter().take(8).fold(0, |draw, byte| draw << 8 | u64::from(*byte))
    }
}

impl std::fmt::Debug for Shifter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shifter(…)")
    }
}
