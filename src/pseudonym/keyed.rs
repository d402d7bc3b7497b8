//! The scheme `keyed`: a MAC of what a value stands for. Cannot be resolved; every kind of value has
//! a pseudonym of the same length.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::ring::RingError;
use super::{Input, Linkage, MAC_BYTES, field, keyed, letters};

/// Format version, first in every MAC input.
const FORMAT: &[u8] = b"tavs-pseudonym-1";

/// The MAC of one domain, keyed, and fed with the fields that never change.
#[derive(Clone)]
pub(super) struct Keyed(Hmac<Sha256>);

impl Keyed {
    pub(super) fn new(key: &[u8; 32], domain: &str, version: u32) -> Result<Self, RingError> {
        let mut mac = keyed(key)?;
        field(&mut mac, FORMAT);
        field(&mut mac, domain.as_bytes());
        field(&mut mac, &version.to_be_bytes());
        Ok(Self(mac))
    }

    /// Appends 32 letters.
    pub(super) fn write(&self, input: Input<'_>, linkage: Linkage<'_>, out: &mut Vec<u8>) {
        let mut mac = self.0.clone();
        for part in [input.kind, input.resource_type, input.system, input.value] {
            field(&mut mac, part.as_bytes());
        }
        match linkage {
            Linkage::Domain => field(&mut mac, b""),
            Linkage::Document(salt) => field(&mut mac, salt),
            Linkage::None(salt, number) => {
                field(&mut mac, salt);
                field(&mut mac, &number.to_be_bytes());
            }
        }
        let tag = mac.finalize().into_bytes();
        letters::write_wide(tag.get(..MAC_BYTES).unwrap_or_default(), out);
    }
}
