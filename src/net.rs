//! Connections and bytes: the TLS listener, who the peer proved to be, and the pooled client
//! towards the upstreams. It stands first and last in an exchange and knows neither policy nor
//! recipient.
//!
//! SECURITY: nothing here trusts a peer. Both sides get deadlines and caps, and no text of a
//! peer (names in certificates, reasons, addresses in errors) reaches an error or a log.

mod anchors;
mod caps;
pub mod dates;
pub mod failure;
mod gather;
pub(crate) mod length;
pub mod listener;
pub mod peer;
pub mod pki;
pub mod settings;
mod stall;
pub mod tls;
pub mod upstream;
mod watch;

pub use failure::{CloseReason, HandshakeFailure, Shed};
pub use listener::{Connection, Drained, Event, Handler, Listener, Protocol};
pub use peer::{Lapse, PeerCertificates};
pub use settings::{Caps, Deadlines, Http2Limits, Limits};
pub use tls::{AnchorSettings, Expiry, ExpiryOf, TlsError, TlsSettings, TlsState};
pub use upstream::{
    ProbeError, Probed, Stage, Upstream, UpstreamBody, UpstreamCa, UpstreamDeadlines, UpstreamError,
    UpstreamSettings, UpstreamSetupError,
};

/// Makes aws-lc-rs the process's only source of TLS cryptography. Called first in `main` and in
/// every test that opens a connection; later calls change nothing.
pub fn install_crypto() {
    // An `Err` only says that a provider is installed already, which can be no other than this.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
}

/// The provider as every configuration of this crate names it, so that none depends on the
/// process-wide default.
pub(crate) fn provider() -> std::sync::Arc<rustls::crypto::CryptoProvider> {
    std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
