//! Who a verified client certificate belongs to. The only maker of [`Recipient`].

use std::collections::HashMap;

use crate::ids::RecipientId;
use crate::net::PeerCertificates;

/// The identifier that a certificate must present, compared as a whole (RFC 9525); never text
/// in a distinguished name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Presented {
    /// A URI subject alternative name.
    Uri(String),
    /// A DNS subject alternative name, without wildcard, in lower case.
    Dns(String),
    /// SHA-256 of the SubjectPublicKeyInfo.
    SpkiSha256([u8; 32]),
}

/// A recipient that has proved who it is. Made only by [`Register::identify`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Recipient {
    id: RecipientId,
}

impl Recipient {
    /// Which recipient of the policies it is.
    #[must_use]
    pub fn id(&self) -> &RecipientId {
        &self.id
    }
}

/// Why a verified certificate is nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unidentified {
    /// No policy names an identifier that it presents, under the anchor that it verified under.
    #[error("no policy names this certificate")]
    Unknown,
    /// It presents the identifiers of two policies.
    #[error("two policies name this certificate")]
    Ambiguous,
}

/// Why a register cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// Two policies claim one identity.
    #[error("recipients `{first}` and `{second}` claim the same certificate identity")]
    Claimed {
        /// The one.
        first: RecipientId,
        /// The other.
        second: RecipientId,
    },
    /// The identifier cannot be compared as a whole.
    #[error("recipient `{0}` has an empty, wildcard or upper-case certificate identity")]
    Unusable(RecipientId),
}

/// The identities that the policies name.
#[derive(Debug, Default)]
pub struct Register {
    /// By anchor, then by identifier.
    anchors: HashMap<String, HashMap<Presented, RecipientId>>,
}

impl Register {
    /// Takes (recipient, anchor, identifier) of every policy.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] if an identity is claimed twice or could never match.
    pub fn new(identities: Vec<(RecipientId, String, Presented)>) -> Result<Self, RegisterError> {
        let mut register = Self::default();
        for (id, anchor, presented) in identities {
            if !is_comparable(&presented) {
                return Err(RegisterError::Unusable(id));
            }
            let under = register.anchors.entry(anchor).or_default();
            if let Some(first) = under.get(&presented) {
                return Err(RegisterError::Claimed { first: first.clone(), second: id });
            }
            under.insert(presented, id);
        }
        Ok(register)
    }

    /// Finds whose certificate this is: exactly one registered identifier, under the anchor that
    /// the chain verified under.
    ///
    /// # Errors
    ///
    /// [`Unidentified`] if none or more than one of its identifiers is registered.
    pub fn identify(&self, peer: &PeerCertificates) -> Result<Recipient, Unidentified> {
        let under = self.anchors.get(peer.anchor()).ok_or(Unidentified::Unknown)?;
        let uris = peer.uris().iter().map(|uri| Presented::Uri(uri.clone()));
        let dns = peer.dns_names().iter().map(|name| Presented::Dns(name.clone()));
        let key = std::iter::once(Presented::SpkiSha256(*peer.spki_sha256()));
        let mut found = uris.chain(dns).chain(key).filter_map(|presented| under.get(&presented));
        let id = found.next().ok_or(Unidentified::Unknown)?.clone();
        match found.next() {
            None => Ok(Recipient { id }),
            Some(_) => Err(Unidentified::Ambiguous),
        }
    }
}

/// A wildcard would match many, an upper-case DNS name never (RFC 9525 6.3).
fn is_comparable(presented: &Presented) -> bool {
    match presented {
        Presented::Uri(uri) => !uri.is_empty(),
        Presented::Dns(name) => {
            !name.is_empty() && !name.contains('*') && !name.bytes().any(|byte| byte.is_ascii_uppercase())
        }
        Presented::SpkiSha256(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_claimed_once_and_can_be_compared_as_a_whole() {
        let uri = |text: &str| Presented::Uri(text.to_owned());
        let dns = |text: &str| Presented::Dns(text.to_owned());
        let entry = |id: &str, anchor: &str, presented: &Presented| {
            (RecipientId::new(id), anchor.to_owned(), presented.clone())
        };
        for presented in [uri("urn:x:a"), dns("a.example"), Presented::SpkiSha256([7; 32])] {
            let twice = vec![entry("a", "partners", &presented), entry("b", "partners", &presented)];
            let (first, second) = (RecipientId::new("a"), RecipientId::new("b"));
            assert_eq!(Register::new(twice).unwrap_err(), RegisterError::Claimed { first, second });
            // Another anchor's certificates are other ones, whatever they are called.
            let apart = vec![entry("a", "partners", &presented), entry("b", "research", &presented)];
            assert!(Register::new(apart).is_ok());
        }
        for presented in [uri(""), dns(""), dns("*.example"), dns("A.example")] {
            let refused = Register::new(vec![entry("a", "partners", &presented)]).unwrap_err();
            assert_eq!(refused, RegisterError::Unusable(RecipientId::new("a")));
        }
    }
}
