//! The TLS state of the listener: our certificate, the trust anchors and their revocation lists.
//! Built whole from files and swapped whole on reload (G11).

mod files;
mod settings;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::{NoServerSessionStorage, ServerConfig};
use rustls::time_provider::TimeProvider;
use tokio_rustls::TlsAcceptor;

pub(super) use self::files::{read_certificates, read_key, read_lists};
pub use self::settings::{AnchorSettings, TlsError, TlsSettings};
use super::anchors::{AnchorFault, Anchors};
use super::failure::HandshakeFailure;
use super::peer::{self, PeerCertificates};
use crate::clock::Clock;

/// The listener's TLS, ready to accept. Immutable; a reload builds another.
pub struct TlsState {
    generation: u64,
    acceptor: TlsAcceptor,
    anchors: Arc<Anchors>,
    expiries: Vec<Expiry>,
}

/// When something that the state rests on runs out, for metrics and `check`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// What: our certificate, an anchor's CA certificate, an anchor's revocation list.
    pub what: ExpiryOf,
    /// Seconds since the epoch.
    pub at: u64,
}

/// What an [`Expiry`] is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpiryOf {
    /// The listener's own certificate.
    ServerCertificate,
    /// A CA certificate of the named anchor.
    Ca(String),
    /// A revocation list of the named anchor.
    Crl(String),
}

impl TlsState {
    /// Reads all files and builds the state. A revocation list that is already stale does not
    /// stop it: everyone under that anchor is refused until it is renewed.
    ///
    /// # Errors
    ///
    /// [`TlsError`] names the file and what to do.
    pub fn load(settings: &TlsSettings, clock: &Clock) -> Result<Self, TlsError> {
        let chain = read_certificates(&settings.certificate)?;
        let key = read_key(&settings.key)?;
        let mut expiries = Vec::new();
        if let Some(at) = chain.iter().filter_map(peer::not_after).min() {
            expiries.push(Expiry { what: ExpiryOf::ServerCertificate, at });
        }
        let anchors = Arc::new(load_anchors(&settings.anchors, &mut expiries)?);
        let versions: &[&rustls::SupportedProtocolVersion] = if settings.tls12 {
            &[&rustls::version::TLS13, &rustls::version::TLS12]
        } else {
            &[&rustls::version::TLS13]
        };
        let time = Arc::new(ClockTime(clock.clone()));
        let mut config = ServerConfig::builder_with_details(super::provider(), time)
            .with_protocol_versions(versions)
            .map_err(TlsError::Refused)?
            .with_client_cert_verifier(Arc::<Anchors>::clone(&anchors))
            .with_single_cert(chain, key)
            .map_err(|error| {
                if !matches!(error, rustls::Error::InconsistentKeys(_)) {
                    return TlsError::Refused(error);
                }
                let (certificate, key) = (settings.certificate.clone(), settings.key.clone());
                TlsError::KeyMismatch { certificate, key }
            })?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // SECURITY: no resumption, so that every connection's certificate is judged anew, and no
        // early data, which can be replayed.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        Ok(Self {
            generation: GENERATION.fetch_add(1, Ordering::Relaxed),
            acceptor: TlsAcceptor::from(Arc::new(config)),
            anchors,
            expiries,
        })
    }

    /// Verifies a chain (end-entity certificate first) at `now`, seconds since the epoch. The
    /// only maker of [`PeerCertificates`].
    ///
    /// # Errors
    ///
    /// [`HandshakeFailure`], as the handshake would have it.
    pub fn verify(
        &self,
        chain: &[CertificateDer<'_>],
        now: u64,
    ) -> Result<PeerCertificates, HandshakeFailure> {
        let (end_entity, intermediates) = chain.split_first().ok_or(HandshakeFailure::NoCertificate)?;
        let time = UnixTime::since_unix_epoch(Duration::from_secs(now));
        let verified = self.anchors.verify(end_entity, intermediates, time)?;
        let owned = chain.iter().map(|certificate| certificate.clone().into_owned()).collect();
        PeerCertificates::read(owned, verified.anchor, self.generation, verified.holds)
            .ok_or(HandshakeFailure::BadCertificate)
    }

    /// Which state this is: every one that is built has a number of its own.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// What runs out when.
    #[must_use]
    pub fn expiries(&self) -> &[Expiry] {
        &self.expiries
    }

    pub(super) fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    pub(super) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }
}

impl std::fmt::Debug for TlsState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsState").field("generation", &self.generation).finish_non_exhaustive()
    }
}

/// Lets rustls judge certificates by the same clock as everything else.
#[derive(Debug)]
pub(super) struct ClockTime(pub(super) Clock);

impl TimeProvider for ClockTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis(self.0.unix_millis())))
    }
}

fn load_anchors(settings: &[AnchorSettings], expiries: &mut Vec<Expiry>) -> Result<Anchors, TlsError> {
    let mut anchors = Anchors::new();
    let mut seen: Vec<(CertificateDer<'static>, &str)> = Vec::new();
    for (index, anchor) in settings.iter().enumerate() {
        if settings.iter().take(index).any(|other| other.name == anchor.name) {
            return Err(TlsError::AnchorTwice { anchor: anchor.name.clone() });
        }
        let (crls, next_update) = load_crls(anchor)?;
        expiries.push(Expiry { what: ExpiryOf::Crl(anchor.name.clone()), at: next_update });
        let name: Arc<str> = Arc::from(anchor.name.as_str());
        for ca in read_certificates(&anchor.ca)? {
            if let Some((_, first)) = seen.iter().find(|(known, _)| *known == ca) {
                if *first == anchor.name {
                    continue;
                }
                let (first, second) = ((*first).to_owned(), anchor.name.clone());
                return Err(TlsError::SharedCa { first, second });
            }
            if let Some(at) = peer::not_after(&ca) {
                expiries.push(Expiry { what: ExpiryOf::Ca(anchor.name.clone()), at });
            }
            seen.push((ca.clone(), &anchor.name));
            anchors.add(&name, ca, &crls, next_update).map_err(|fault| match fault {
                AnchorFault::BadCa => TlsError::BadCa { path: anchor.ca.clone() },
                AnchorFault::BadCrl => {
                    TlsError::NoCrl { path: anchor.crls.first().cloned().unwrap_or_default() }
                }
            })?;
        }
    }
    if seen.is_empty() { Err(TlsError::NoAnchor) } else { Ok(anchors) }
}

/// The lists of one anchor, and the earliest next update among them.
fn load_crls(anchor: &AnchorSettings) -> Result<(Vec<CertificateRevocationListDer<'static>>, u64), TlsError> {
    let mut lists = Vec::new();
    let mut earliest: Option<u64> = None;
    for path in &anchor.crls {
        let no_crl = || TlsError::NoCrl { path: path.clone() };
        for list in read_lists(path)? {
            let next = next_update(&list).ok_or_else(no_crl)?;
            earliest = Some(earliest.map_or(next, |known| known.min(next)));
            lists.push(list);
        }
    }
    let earliest = earliest.ok_or_else(|| TlsError::CrlMissing { anchor: anchor.name.clone() })?;
    Ok((lists, earliest))
}

fn next_update(list: &CertificateRevocationListDer<'_>) -> Option<u64> {
    let (_, list) = x509_parser::parse_x509_crl(list).ok()?;
    u64::try_from(list.next_update()?.timestamp()).ok()
}

/// Numbers the states of this process.
static GENERATION: AtomicU64 = AtomicU64::new(1);
