//! Signs checkpoints of the ledger and manifests of extracts (Ed25519, RFC 8032), so that whoever holds the
//! public key can tell them from others'. Nothing else is signed under this key, and neither passes for the
//! other: a checkpoint is a JSON object, and what is signed of a manifest begins with [`EXTRACT`].

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use data_encoding::HEXLOWER;

use super::ring::RingError;

/// Bytes of a signature.
pub type Signature = [u8; 64];

/// Before a manifest's bytes, under its signature.
const EXTRACT: &[u8] = b"tavs-extract-manifest-1\n";

/// Signs under the key ring's `checkpoints` secret.
pub struct CheckpointKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

/// What a checkpoint's signature is held against: fit to be shown, and given to an auditor.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 32]);

impl CheckpointKey {
    pub(super) fn new(seed: &[u8; 32]) -> Result<Self, RingError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_rejected| RingError::Derivation)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_length| RingError::Derivation)?;
        Ok(Self { pair, public: PublicKey(public) })
    }

    /// The signature of some bytes; `None` cannot happen with a whole key.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> Option<Signature> {
        self.pair.sign(bytes).as_ref().try_into().ok()
    }

    /// The signature of an extract's manifest; `None` cannot happen with a whole key.
    #[must_use]
    pub fn sign_extract(&self, manifest: &[u8]) -> Option<Signature> {
        self.sign(&[EXTRACT, manifest].concat())
    }

    /// The key that the signatures are held against.
    #[must_use]
    pub const fn public(&self) -> PublicKey {
        self.public
    }
}

impl fmt::Debug for CheckpointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckpointKey(…)")
    }
}

impl PublicKey {
    pub(super) const fn of(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(super) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(digits: &str) -> Option<Self> {
        let bytes = HEXLOWER.decode(digits.as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// Whether an extract's manifest was signed with this key's other half.
    #[must_use]
    pub fn verifies_extract(&self, manifest: &[u8], signature: &Signature) -> bool {
        self.verifies(&[EXTRACT, manifest].concat(), signature)
    }

    /// Whether the bytes were signed with this key's other half.
    #[must_use]
    pub fn verifies(&self, bytes: &[u8], signature: &Signature) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(bytes, signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, section 7.1, test 2.
    #[test]
    fn signatures_are_those_of_the_rfc() {
        let seed = HEXLOWER.decode(b"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        let key = CheckpointKey::new(&seed.unwrap().try_into().unwrap()).unwrap();
        let public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
        assert_eq!(PublicKey::parse(public), Some(key.public()));
        let signature = key.sign(&[0x72]).unwrap();
        assert_eq!(
            HEXLOWER.encode(&signature),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
        assert!(key.public().verifies(&[0x72], &signature));
        assert!(!key.public().verifies(&[0x73], &signature));
    }
}
