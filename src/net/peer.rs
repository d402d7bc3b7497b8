//! What a recipient's certificate proved, and whether it still does.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::{CertificateDer, UnixTime};
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::anchors::Holds;
use super::failure::HandshakeFailure;
use super::tls::TlsState;

/// The verified certificates of one connection. Only [`TlsState::verify`] makes one, so holding
/// it means that the chain led to the named trust anchor.
///
/// SECURITY: `Debug` shows the anchor only: the names in a certificate are the peer's words.
pub struct PeerCertificates {
    chain: Vec<CertificateDer<'static>>,
    anchor: Arc<str>,
    uris: Vec<String>,
    dns: Vec<String>,
    spki_sha256: [u8; 32],
    looked_at: Mutex<LookedAt>,
}

/// When the chain was last found good, so that an exchange need not verify signatures anew.
#[derive(Debug, Clone, Copy)]
struct LookedAt {
    generation: u64,
    holds: Holds,
}

/// Why a connection's certificate no longer counts (G9: looked at on each exchange).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lapse {
    /// The chain no longer verifies: expired, revoked, revocation list stale, anchor removed.
    Certificate(HandshakeFailure),
    /// It now verifies under an anchor of another name.
    OtherAnchor,
}

impl PeerCertificates {
    /// Reads the names out of a chain that has just been verified. `None` if x509-parser cannot
    /// read what webpki accepted: then it names nobody.
    pub(super) fn read(
        chain: Vec<CertificateDer<'static>>,
        anchor: Arc<str>,
        generation: u64,
        holds: Holds,
    ) -> Option<Self> {
        let (mut uris, mut dns) = (Vec::new(), Vec::new());
        let spki_sha256 = {
            let (rest, certificate) = X509Certificate::from_der(chain.first()?).ok()?;
            if !rest.is_empty() {
                return None;
            }
            // An `Err` is a certificate with two such extensions (RFC 5280 4.2 forbids it).
            if let Some(names) = certificate.subject_alternative_name().ok()? {
                for name in &names.value.general_names {
                    #[expect(clippy::wildcard_enum_match_arm, reason = "no other kind is an identity")]
                    match name {
                        GeneralName::URI(uri) => uris.push((*uri).to_owned()),
                        GeneralName::DNSName(name) => dns.push(name.to_ascii_lowercase()),
                        _ => {}
                    }
                }
            }
            Sha256::digest(certificate.public_key().raw).into()
        };
        uris.sort_unstable();
        uris.dedup();
        dns.sort_unstable();
        dns.dedup();
        let looked_at = Mutex::new(LookedAt { generation, holds });
        Some(Self { chain, anchor, uris, dns, spki_sha256, looked_at })
    }

    /// The chain as presented, end-entity certificate first.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The name of the trust anchor under which the chain verified.
    #[must_use]
    pub fn anchor(&self) -> &str {
        &self.anchor
    }

    /// The URI subject alternative names, byte for byte.
    #[must_use]
    pub fn uris(&self) -> &[String] {
        &self.uris
    }

    /// The DNS subject alternative names, in lower case.
    #[must_use]
    pub fn dns_names(&self) -> &[String] {
        &self.dns
    }

    /// SHA-256 of the end-entity certificate's SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki_sha256(&self) -> &[u8; 32] {
        &self.spki_sha256
    }

    /// Whether the chain still holds under the *current* TLS state at `now` (seconds since the
    /// epoch). Cheap while the state is the one it was last verified under and neither a
    /// certificate nor a revocation list has run out; else the whole chain is verified again.
    ///
    /// # Errors
    ///
    /// [`Lapse`] says what no longer holds: the exchange is refused and the connection closed.
    pub fn check(&self, tls: &TlsState, now: u64) -> Result<(), Lapse> {
        let last = *self.looked_at.lock().unwrap_or_else(PoisonError::into_inner);
        if last.generation == tls.generation() && last.holds.at(now) {
            return Ok(());
        }
        let (end_entity, intermediates) =
            self.chain.split_first().ok_or(Lapse::Certificate(HandshakeFailure::NoCertificate))?;
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now));
        let verified = tls.anchors().verify(end_entity, intermediates, now).map_err(Lapse::Certificate)?;
        if verified.anchor != self.anchor {
            return Err(Lapse::OtherAnchor);
        }
        *self.looked_at.lock().unwrap_or_else(PoisonError::into_inner) =
            LookedAt { generation: tls.generation(), holds: verified.holds };
        Ok(())
    }
}

impl fmt::Debug for PeerCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerCertificates").field("anchor", &self.anchor).finish_non_exhaustive()
    }
}

/// The last second in which a certificate is valid; `None` if it cannot be read.
pub(super) fn not_after(certificate: &CertificateDer<'_>) -> Option<u64> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    u64::try_from(certificate.validity().not_after.timestamp()).ok()
}
