//! Seals the number of a person beside an entry of the registry, so that a report can name whom
//! it is about. Nothing else needs the number, and nothing else has this key.

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _};
use zeroize::Zeroizing;

use super::ring::RingError;
use crate::ids::SubjectId;

/// What a sealed number begins with.
const FORMAT: u8 = 1;
/// Format, then key version.
const HEAD: usize = 5;
/// 96 bits, random: a few million entries under one key are far from a repetition.
const NONCE: usize = 12;

/// Seals and opens numbers under the key ring's `registry` secret (AES-256-GCM).
#[derive(Clone)]
pub struct RegistryKey {
    cipher: Aes256Gcm,
    version: u32,
}

impl RegistryKey {
    pub(super) fn new(version: u32, key: &[u8; 32]) -> Result<Self, RingError> {
        let cipher = Aes256Gcm::new_from_slice(key).map_err(|_length| RingError::Derivation)?;
        Ok(Self { cipher, version })
    }

    /// The number, sealed for one subject and kind of entry: elsewhere it does not open. `nonce`
    /// is random and used once. `None` cannot happen with a number's few bytes.
    #[must_use]
    pub fn seal(&self, number: &str, subject: SubjectId, kind: &str, nonce: [u8; NONCE]) -> Option<Vec<u8>> {
        let mut sealed = vec![FORMAT];
        sealed.extend_from_slice(&self.version.to_be_bytes());
        let aad = associated(&sealed, subject, kind);
        let payload = Payload { msg: number.as_bytes(), aad: &aad };
        let hidden = self.cipher.encrypt(&nonce.into(), payload).ok()?;
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&hidden);
        Some(sealed)
    }

    /// The number again. `None` if it was sealed under another key, for another subject or kind,
    /// or was changed since.
    #[must_use]
    pub fn open(&self, sealed: &[u8], subject: SubjectId, kind: &str) -> Option<Zeroizing<String>> {
        let (head, rest) = sealed.split_at_checked(HEAD)?;
        let (nonce, hidden) = rest.split_first_chunk::<NONCE>()?;
        let aad = associated(head, subject, kind);
        let payload = Payload { msg: hidden, aad: &aad };
        let number = self.cipher.decrypt(&(*nonce).into(), payload).ok()?;
        String::from_utf8(number).ok().map(Zeroizing::new)
    }
}

/// Head and subject have fixed lengths, so that no two read the same.
fn associated(head: &[u8], subject: SubjectId, kind: &str) -> Vec<u8> {
    [b"tavs-registry", head, &subject.0, kind.as_bytes()].concat()
}

impl std::fmt::Debug for RegistryKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RegistryKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pseudonym::KeyRing;

    #[test]
    fn a_sealed_number_opens_for_its_subject_and_kind_only() {
        let key = KeyRing::throw_away([7; 32]).registry_key().unwrap();
        let (one, other) = (SubjectId([1; 16]), SubjectId([2; 16]));
        let sealed = key.seal("2512489996", one, "erasure", [9; 12]).unwrap();
        assert_eq!(sealed.len(), HEAD + NONCE + 10 + 16);
        assert!(!sealed.windows(4).any(|bytes| bytes == b"2512"));
        assert_eq!(key.open(&sealed, one, "erasure").unwrap().as_str(), "2512489996");
        assert!(key.open(&sealed, other, "erasure").is_none());
        assert!(key.open(&sealed, one, "consent").is_none());
        let foreign = KeyRing::throw_away([8; 32]).registry_key().unwrap();
        assert!(foreign.open(&sealed, one, "erasure").is_none());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open(&changed, one, "erasure").is_none(), "byte {at}");
            assert!(key.open(&sealed[..at], one, "erasure").is_none(), "cut at {at}");
        }
    }
}
