//! Why a connection was refused or ended, as closed sets: fit for a metric label and a log line,
//! since no word of them comes from the peer.

use std::io;

use rustls::{CertificateError, Error};

/// Why a TLS handshake with a recipient failed. Under TLS 1.3 the client may believe that it
/// succeeded (it speaks last), so this is the only place where the reason can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HandshakeFailure {
    /// The client presented no certificate.
    NoCertificate,
    /// The chain leads to none of our trust anchors, or its signatures do not hold.
    UnknownIssuer,
    /// The chain verifies under two of our trust anchors: whose it is would be a guess.
    AmbiguousAnchor,
    /// A certificate of the chain, or its trust anchor, has expired.
    Expired,
    /// A certificate of the chain is not valid yet.
    NotYetValid,
    /// A certificate of the chain is on its issuer's revocation list.
    Revoked,
    /// The revocation list is past its next update: nobody can be let in on it.
    StaleRevocationList,
    /// No usable revocation list covers a certificate of the chain.
    UnknownRevocation,
    /// A certificate of the chain may not be used for this: a server's, or an end-entity
    /// certificate used as a CA.
    WrongUsage,
    /// A certificate cannot be read or breaks another rule.
    BadCertificate,
    /// The client does not prove that it holds the certificate's key.
    BadProof,
    /// The client refused *our* certificate or handshake with an alert.
    PeerRefused,
    /// Nothing in common: version, cipher suite, application protocol.
    Incompatible,
    /// Not TLS, or broken TLS.
    Protocol,
    /// The client broke the connection off.
    BrokeOff,
    /// The handshake took longer than its deadline.
    TimedOut,
}

impl HandshakeFailure {
    /// Every failure, for metrics that start at zero.
    pub const ALL: [Self; 16] = [
        Self::NoCertificate,
        Self::UnknownIssuer,
        Self::AmbiguousAnchor,
        Self::Expired,
        Self::NotYetValid,
        Self::Revoked,
        Self::StaleRevocationList,
        Self::UnknownRevocation,
        Self::WrongUsage,
        Self::BadCertificate,
        Self::BadProof,
        Self::PeerRefused,
        Self::Incompatible,
        Self::Protocol,
        Self::BrokeOff,
        Self::TimedOut,
    ];

    /// The word for log and metric.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoCertificate => "no-certificate",
            Self::UnknownIssuer => "unknown-issuer",
            Self::AmbiguousAnchor => "ambiguous-anchor",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::Revoked => "revoked",
            Self::StaleRevocationList => "stale-revocation-list",
            Self::UnknownRevocation => "unknown-revocation",
            Self::WrongUsage => "wrong-usage",
            Self::BadCertificate => "bad-certificate",
            Self::BadProof => "bad-proof",
            Self::PeerRefused => "peer-refused",
            Self::Incompatible => "incompatible",
            Self::Protocol => "protocol",
            Self::BrokeOff => "broke-off",
            Self::TimedOut => "timed-out",
        }
    }

    /// Sorts what rustls and the socket say into the closed set.
    pub(crate) fn of_io(error: &io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(error) => Self::of_tls(error),
            None if error.kind() == io::ErrorKind::TimedOut => Self::TimedOut,
            None => Self::BrokeOff,
        }
    }

    pub(crate) fn of_tls(error: &Error) -> Self {
        #[expect(clippy::wildcard_enum_match_arm, reason = "rustls's enum is open: the rest is protocol")]
        match error {
            Error::NoCertificatesPresented => Self::NoCertificate,
            Error::InvalidCertificate(error) => Self::of_certificate(error),
            Error::InvalidCertRevocationList(_) => Self::UnknownRevocation,
            Error::AlertReceived(_) => Self::PeerRefused,
            Error::PeerIncompatible(_) | Error::NoApplicationProtocol => Self::Incompatible,
            Error::PeerMisbehaved(rustls::PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme) => {
                Self::BadProof
            }
            _ => Self::Protocol,
        }
    }

    pub(crate) fn of_certificate(error: &CertificateError) -> Self {
        #[expect(clippy::wildcard_enum_match_arm, reason = "rustls's enum is open: the rest is a bad one")]
        match error {
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
            CertificateError::Revoked => Self::Revoked,
            CertificateError::ExpiredRevocationList
            | CertificateError::ExpiredRevocationListContext { .. } => Self::StaleRevocationList,
            CertificateError::UnknownRevocationStatus => Self::UnknownRevocation,
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                Self::WrongUsage
            }
            CertificateError::BadSignature => Self::BadProof,
            CertificateError::Other(other) if other.0.is::<super::anchors::Ambiguous>() => {
                Self::AmbiguousAnchor
            }
            _ => Self::BadCertificate,
        }
    }
}

/// Why a connection was dropped before its first request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shed {
    /// [`Caps::connections`](super::Caps::connections) are open.
    Total,
    /// [`Caps::per_address`](super::Caps::per_address) are open from this address.
    Address,
    /// [`Caps::per_certificate`](super::Caps::per_certificate) are open with this certificate.
    Certificate,
    /// The operating system has no socket left to give.
    System,
}

/// Why an established connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// Either side closed it in order.
    Done,
    /// Idle for longer than its deadline.
    Idle,
    /// Older than the maximum age.
    Age,
    /// The proxy is draining.
    Drain,
    /// The peer did not take a response in time.
    SlowReader,
    /// The peer did not send a header block in time.
    SlowHeader,
    /// The peer broke HTTP or the connection.
    Broke,
    /// The handler closed it: the peer's certificate lapsed.
    Lapsed,
}

impl CloseReason {
    /// The word for log and metric.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Idle => "idle",
            Self::Age => "age",
            Self::Drain => "drain",
            Self::SlowReader => "slow-reader",
            Self::SlowHeader => "slow-header",
            Self::Broke => "broke",
            Self::Lapsed => "lapsed",
        }
    }
}

impl Shed {
    /// The word for log and metric.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Address => "address",
            Self::Certificate => "certificate",
            Self::System => "system",
        }
    }
}
