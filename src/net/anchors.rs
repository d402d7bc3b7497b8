//! Which trust anchor a client certificate chains to.
//!
//! Each CA certificate of each anchor gets a verifier of its own, and a chain is tried under all
//! of them: so two CAs of one name are told apart by their signatures, and it is known
//! *under which* anchor a chain holds. A policy names its anchor, and a certificate of another
//! partner's CA must not count for it.
//!
//! Signatures are verified once for each chain: what was found good stays so until something of it runs out,
//! or files are read anew, which makes other anchors. That the peer has the key is proven in every handshake.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore,
    SignatureScheme,
};

use sha2::{Digest, Sha256};

use super::failure::HandshakeFailure;
use super::peer;

/// Chains that are remembered as good: more than a clinic has recipients with their renewals. Only whoever has a
/// certificate of an anchor, or a copy of one, adds one; past it all are forgotten and verified again.
const MOST_GOOD: usize = 1024;

/// The trust anchors of one TLS state, by name.
#[derive(Debug)]
pub(super) struct Anchors {
    roots: Vec<Root>,
    hints: Vec<DistinguishedName>,
    /// By the digest of all their bytes.
    good: Mutex<HashMap<[u8; 32], Verified>>,
}

/// One CA certificate of an anchor.
#[derive(Debug)]
struct Root {
    anchor: Arc<str>,
    verifier: Arc<dyn ClientCertVerifier>,
    /// Seconds since the epoch. webpki does not look at an anchor's own dates.
    not_after: u64,
    /// The earliest next update among the anchor's revocation lists.
    next_update: u64,
}

/// What is known of a chain that holds.
#[derive(Debug, Clone)]
pub(super) struct Verified {
    pub(super) anchor: Arc<str>,
    /// When nothing about it can change but by a new TLS state.
    pub(super) holds: Holds,
}

/// From when and until when something holds, in seconds since the epoch. Before it was verified it may not have been
/// valid yet: clocks are set back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Holds {
    since: u64,
    until: u64,
}

impl Holds {
    pub(super) const fn at(self, now: u64) -> bool {
        self.since <= now && now < self.until
    }
}

/// Why a CA file cannot serve as an anchor.
#[derive(Debug)]
pub(super) enum AnchorFault {
    BadCa,
    BadCrl,
}

impl Anchors {
    pub(super) fn new() -> Self {
        Self { roots: Vec::new(), hints: Vec::new(), good: Mutex::default() }
    }

    /// Adds one CA certificate under `anchor`, with all the anchor's revocation lists.
    pub(super) fn add(
        &mut self,
        anchor: &Arc<str>,
        ca: CertificateDer<'static>,
        crls: &[CertificateRevocationListDer<'static>],
        next_update: u64,
    ) -> Result<(), AnchorFault> {
        let not_after = peer::not_after(&ca).ok_or(AnchorFault::BadCa)?;
        let mut store = RootCertStore::empty();
        store.add(ca).map_err(|_error| AnchorFault::BadCa)?;
        self.hints.extend(store.subjects());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(store), super::provider())
            .with_crls(crls.iter().cloned())
            .enforce_revocation_expiration()
            .build()
            .map_err(|_error| AnchorFault::BadCrl)?;
        self.roots.push(Root { anchor: Arc::clone(anchor), verifier, not_after, next_update });
        Ok(())
    }

    /// Verifies a chain under every anchor: exactly one must hold, and none may have revoked it.
    pub(super) fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Verified, HandshakeFailure> {
        let chain = digest_of(end_entity, intermediates);
        if let Some(verified) = self.known_good(&chain, now.as_secs()) {
            return Ok(verified);
        }
        let (verified, is_settled) = self.verify_anew(end_entity, intermediates, now)?;
        if is_settled {
            // PERF: of a handshake's six signatures four are spared, of its processor time two fifths.
            let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
            if good.len() >= MOST_GOOD {
                good.clear();
            }
            good.insert(chain, verified.clone());
        }
        Ok(verified)
    }

    /// What is known of a chain that was verified before `now`, and of which nothing has run out since.
    fn known_good(&self, chain: &[u8; 32], now: u64) -> Option<Verified> {
        let good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        good.get(chain).filter(|known| known.holds.at(now)).cloned()
    }

    /// Also says whether no other anchor could come to hold in its time: one that knows the chain and finds it not valid
    /// yet might.
    fn verify_anew(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(Verified, bool), HandshakeFailure> {
        let since = now.as_secs();
        let mut found: Option<Verified> = None;
        let mut failure = HandshakeFailure::UnknownIssuer;
        for root in &self.roots {
            match root.verify(end_entity, intermediates, now) {
                Ok(until) => match &mut found {
                    None => {
                        let anchor = Arc::clone(&root.anchor);
                        found = Some(Verified { anchor, holds: Holds { since, until } });
                    }
                    // Two CA certificates of one anchor may both hold while a CA renews its own.
                    Some(known) if known.anchor == root.anchor => {
                        known.holds.until = known.holds.until.min(until);
                    }
                    Some(_) => return Err(HandshakeFailure::AmbiguousAnchor),
                },
                // The issuer has spoken, whatever a cross-signed path might say.
                Err(HandshakeFailure::Revoked) => return Err(HandshakeFailure::Revoked),
                Err(HandshakeFailure::UnknownIssuer) => {}
                Err(other) => failure = other,
            }
        }
        let is_settled = failure == HandshakeFailure::UnknownIssuer;
        found.map(|verified| (verified, is_settled)).ok_or(failure)
    }
}

/// The digest of a chain: each certificate behind its length, so that no two chains are alike.
fn digest_of(end_entity: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for certificate in std::iter::once(end_entity).chain(intermediates) {
        digest.update(certificate.len().to_le_bytes());
        digest.update(certificate);
    }
    digest.finalize().into()
}

impl Root {
    fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<u64, HandshakeFailure> {
        self.verifier.verify_client_cert(end_entity, intermediates, now).map_err(|error| {
            let failure = HandshakeFailure::of_tls(&error);
            // A chain whose signatures do not hold under a CA of this name is another CA's.
            if failure == HandshakeFailure::BadProof { HandshakeFailure::UnknownIssuer } else { failure }
        })?;
        if now.as_secs() > self.not_after {
            return Err(HandshakeFailure::Expired);
        }
        let mut until = self.not_after.min(self.next_update);
        for certificate in std::iter::once(end_entity).chain(intermediates) {
            until = until.min(peer::not_after(certificate).ok_or(HandshakeFailure::BadCertificate)?);
        }
        Ok(until)
    }

    /// The cryptography is the same under every root.
    fn any(roots: &[Self]) -> Result<&dyn ClientCertVerifier, Error> {
        roots.first().map(|root| root.verifier.as_ref()).ok_or_else(|| Error::General("no anchor".to_owned()))
    }
}

impl ClientCertVerifier for Anchors {
    fn client_auth_mandatory(&self) -> bool {
        true
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match self.verify(end_entity, intermediates, now) {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            Err(failure) => Err(Error::InvalidCertificate(certificate_error(failure))),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Root::any(&self.roots)?.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Root::any(&self.roots)?.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        Root::any(&self.roots).map(ClientCertVerifier::supported_verify_schemes).unwrap_or_default()
    }
}

/// What rustls is told, so that the alert is the right one (RFC 8446 6.2); the class comes back
/// out of [`HandshakeFailure::of_tls`].
fn certificate_error(failure: HandshakeFailure) -> CertificateError {
    match failure {
        HandshakeFailure::UnknownIssuer => CertificateError::UnknownIssuer,
        HandshakeFailure::Expired => CertificateError::Expired,
        HandshakeFailure::NotYetValid => CertificateError::NotValidYet,
        HandshakeFailure::Revoked => CertificateError::Revoked,
        HandshakeFailure::StaleRevocationList => CertificateError::ExpiredRevocationList,
        HandshakeFailure::UnknownRevocation => CertificateError::UnknownRevocationStatus,
        HandshakeFailure::WrongUsage => CertificateError::InvalidPurpose,
        HandshakeFailure::AmbiguousAnchor => CertificateError::Other(OtherError(Arc::new(Ambiguous))),
        HandshakeFailure::NoCertificate
        | HandshakeFailure::BadCertificate
        | HandshakeFailure::BadProof
        | HandshakeFailure::PeerRefused
        | HandshakeFailure::Incompatible
        | HandshakeFailure::Protocol
        | HandshakeFailure::BrokeOff
        | HandshakeFailure::TimedOut => CertificateError::BadEncoding,
    }
}

/// Marks [`HandshakeFailure::AmbiguousAnchor`] on its way through rustls.
#[derive(Debug, thiserror::Error)]
#[error("the chain verifies under two trust anchors")]
pub(super) struct Ambiguous;
