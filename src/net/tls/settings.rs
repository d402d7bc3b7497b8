//! What the configuration says of the listener's TLS, and why it cannot be used.

use std::io;
use std::path::PathBuf;

/// Where the listener's TLS state comes from.
#[derive(Debug, Clone)]
pub struct TlsSettings {
    /// PEM file of our certificate chain, end-entity certificate first.
    pub certificate: PathBuf,
    /// PEM file of its private key; mode 0600 or it is refused.
    pub key: PathBuf,
    /// Also speak TLS 1.2. Default: 1.3 only.
    pub tls12: bool,
    /// Who may issue recipients' certificates. At least one.
    pub anchors: Vec<AnchorSettings>,
}

/// `[anchors.NAME]` of tavs.toml.
#[derive(Debug, Clone)]
pub struct AnchorSettings {
    /// The name that policies use.
    pub name: String,
    /// PEM file of one or more CA certificates.
    pub ca: PathBuf,
    /// Files of revocation lists, PEM or DER: one for each CA that issues, root and
    /// intermediates. At least one: without it nobody could be shut out.
    pub crls: Vec<PathBuf>,
}

/// Why no TLS state can be built. The paths are the operator's own.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read `{path}`: {source}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file holds no certificate that can be read.
    #[error("`{path}` holds no readable PEM certificate")]
    NoCertificate {
        /// Which file.
        path: PathBuf,
    },
    /// The file holds no private key that can be read.
    #[error("`{path}` holds no readable PEM private key")]
    NoKey {
        /// Which file.
        path: PathBuf,
    },
    /// Others than the owner can read the private key.
    #[error("`{path}` can be read by others: make it private with `chmod 600 {path}`")]
    KeyNotPrivate {
        /// Which file.
        path: PathBuf,
    },
    /// The key is not the certificate's.
    #[error("the key in `{key}` does not belong to the certificate in `{certificate}`")]
    KeyMismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// The file holds no revocation list that can be read.
    #[error("`{path}` holds no readable certificate revocation list with a next update")]
    NoCrl {
        /// Which file.
        path: PathBuf,
    },
    /// An anchor names no revocation list.
    #[error("anchor `{anchor}` names no revocation list: make an empty one with its CA and name it as `crl`")]
    CrlMissing {
        /// Which anchor.
        anchor: String,
    },
    /// A CA certificate that cannot be a trust anchor.
    #[error("`{path}` holds a certificate that cannot be a trust anchor")]
    BadCa {
        /// Which file.
        path: PathBuf,
    },
    /// Two anchors share a CA certificate: a chain under it would name neither.
    #[error("anchors `{first}` and `{second}` hold the same CA certificate: keep it in one")]
    SharedCa {
        /// The one anchor.
        first: String,
        /// The other.
        second: String,
    },
    /// Two anchors have one name.
    #[error("anchor `{anchor}` is named twice")]
    AnchorTwice {
        /// Which anchor.
        anchor: String,
    },
    /// There is no anchor: nobody could ever connect.
    #[error("there is no trust anchor: name one in `[anchors.NAME]`")]
    NoAnchor,
    /// rustls refuses the configuration.
    #[error("the TLS configuration is refused: {0}")]
    Refused(rustls::Error),
}
