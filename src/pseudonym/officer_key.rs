//! What officers sign with (Ed25519, RFC 8032): a request to know whose a pseudonym is, its approval, and
//! the approval of policies. Each officer has a key pair; `tavs.toml` has the public half.
//!
//! What must never happen here: a signature for one purpose that is good for another.

use std::fmt;

use data_encoding::BASE64;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::signing::{CheckpointKey, PublicKey, Signature};
use crate::secret::Secret;

/// What the text of a private key begins with.
const PRIVATE: &str = "tavs-officer-key-1:";
/// What the text of a public key begins with.
const PUBLIC: &str = "tavs-officer-public-1:";

/// What is signed: no signature is good for anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningContext {
    /// That a pseudonym should become the identifier again.
    ReidentifyRequest,
    /// That a second person agrees to that.
    ReidentifyApproval,
    /// That policies may serve.
    PolicyApproval,
}

impl SigningContext {
    /// The words before what is signed.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::ReidentifyRequest => "tavs-reidentify-request-1",
            Self::ReidentifyApproval => "tavs-reidentify-approval-1",
            Self::PolicyApproval => "tavs-policy-approval-1",
        }
    }

    /// What goes under the signature: length-prefixed, so that no two pairs read the same.
    fn bytes(self, document: &[u8]) -> Vec<u8> {
        let mut all = Vec::new();
        super::push_field(&mut all, self.word().as_bytes());
        super::push_field(&mut all, document);
        all
    }
}

/// An officer's private key: theirs alone, never on the machine that serves.
pub struct OfficerKey(CheckpointKey);

/// The half that `[officers.NAME] public-key` has.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct OfficerPublicKey(PublicKey);

impl OfficerKey {
    /// The text of the file that keeps it, out of a random seed.
    #[must_use]
    pub fn text(seed: &Secret) -> Zeroizing<String> {
        let encoded = Zeroizing::new(BASE64.encode(seed.expose()));
        Zeroizing::new([PRIVATE, &encoded, "\n"].concat())
    }

    /// Reads what [`Self::text`] writes; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let encoded = text.trim().strip_prefix(PRIVATE)?;
        let seed = Zeroizing::new(BASE64.decode(encoded.as_bytes()).ok()?);
        CheckpointKey::new(seed.as_slice().try_into().ok()?).ok().map(Self)
    }

    /// The half to be given away.
    #[must_use]
    pub const fn public(&self) -> OfficerPublicKey {
        OfficerPublicKey(self.0.public())
    }

    /// The signature of a document; `None` cannot happen with a whole key.
    #[must_use]
    pub fn sign(&self, context: SigningContext, document: &[u8]) -> Option<Signature> {
        self.0.sign(&context.bytes(document))
    }
}

impl fmt::Debug for OfficerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OfficerKey(…)")
    }
}

impl OfficerPublicKey {
    /// Reads what `Display` writes; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text.strip_prefix(PUBLIC)?.as_bytes()).ok()?;
        bytes.try_into().ok().map(PublicKey::of).map(Self)
    }

    /// Tells it from others' in a record: letters, so that nothing in it looks like a number of a person.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(self.0.bytes());
        super::letters_of(digest.get(..16).unwrap_or_default())
    }

    /// Whether the document was signed with this key's other half, for this purpose.
    #[must_use]
    pub fn verifies(&self, context: SigningContext, document: &[u8], signature: &Signature) -> bool {
        self.0.verifies(&context.bytes(document), signature)
    }
}

impl fmt::Display for OfficerPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC}{}", BASE64.encode(self.0.bytes()))
    }
}

impl fmt::Debug for OfficerPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_and_signs_for_one_purpose() {
        let key = OfficerKey::parse(&OfficerKey::text(&Secret::new([7; 32]))).unwrap();
        let public = OfficerPublicKey::parse(&key.public().to_string()).unwrap();
        assert_eq!(public, key.public());
        let signature = key.sign(SigningContext::ReidentifyRequest, b"document").unwrap();
        assert!(public.verifies(SigningContext::ReidentifyRequest, b"document", &signature));
        assert!(!public.verifies(SigningContext::ReidentifyRequest, b"documents", &signature));
        for other in [SigningContext::ReidentifyApproval, SigningContext::PolicyApproval] {
            assert!(!public.verifies(other, b"document", &signature));
        }
        let other = OfficerKey::parse(&OfficerKey::text(&Secret::new([8; 32]))).unwrap();
        assert!(!other.public().verifies(SigningContext::ReidentifyRequest, b"document", &signature));
    }

    #[test]
    fn what_is_no_key_is_none_and_a_key_is_not_printed() {
        let text = OfficerKey::text(&Secret::new([7; 32]));
        let key = OfficerKey::parse(&text).unwrap();
        assert_eq!(format!("{key:?}"), "OfficerKey(…)");
        let public = key.public().to_string();
        for bad in
            ["", "tavs-officer-key-1:", "tavs-officer-key-1:AAAA", &public, &text.replace("-1:", "-2:")]
        {
            assert!(OfficerKey::parse(bad).is_none(), "{bad}");
        }
        for bad in ["", "tavs-officer-public-1:AAAA", text.trim(), &format!("{public}=")] {
            assert!(OfficerPublicKey::parse(bad).is_none(), "{bad}");
        }
    }
}
