//! Opens a connection to one upstream, and to nothing else: host, port and trust anchors come
//! from the configuration, never from a request.

use std::fmt;
use std::sync::Arc;

use http::{HeaderValue, Uri};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{UpstreamCa, UpstreamError, UpstreamSettings, UpstreamSetupError};
use crate::clock::Clock;
use crate::net::tls::{ClockTime, TlsError, read_certificates, read_key};

/// A connected stream, protected or (to loopback only) not.
pub(super) type Stream = Box<dyn Duplex>;

/// Bytes both ways.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {
    /// Bytes, the end or a fault wait in the socket, whatever the runtime knows of it yet.
    fn has_news(&self) -> bool;
}

impl Duplex for TcpStream {
    fn has_news(&self) -> bool {
        recv(self, &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT).err() != Some(Errno::WOULDBLOCK)
    }
}

impl Duplex for TlsStream<TcpStream> {
    fn has_news(&self) -> bool {
        self.get_ref().0.has_news()
    }
}

/// Where and how to connect.
pub(super) struct Connector {
    host: String,
    port: u16,
    authority: HeaderValue,
    prefix: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Connector {
    pub(super) fn new(settings: &UpstreamSettings, clock: &Clock) -> Result<Self, UpstreamSetupError> {
        let url: Uri = settings.url.parse().map_err(|_error| UpstreamSetupError::Url)?;
        let authority = url.authority().ok_or(UpstreamSetupError::Url)?;
        if url.query().is_some() || settings.url.contains(['#', '@', '?']) || authority.host().is_empty() {
            return Err(UpstreamSetupError::Url);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = match url.scheme_str() {
            Some("https") => {
                let name = ServerName::try_from(host.clone()).map_err(|_error| UpstreamSetupError::Url)?;
                let config = client_config(settings, clock)?;
                Some((TlsConnector::from(Arc::new(config)), name))
            }
            Some("http") if settings.unprotected && is_loopback(&host) => None,
            Some("http") => return Err(UpstreamSetupError::Unprotected),
            _ => return Err(UpstreamSetupError::Url),
        };
        let default_port = if tls.is_some() { 443 } else { 80 };
        let port = authority.port_u16().unwrap_or(default_port);
        let authority =
            HeaderValue::from_str(authority.as_str()).map_err(|_error| UpstreamSetupError::Url)?;
        let prefix = url.path().trim_end_matches('/').to_owned();
        Ok(Self { host, port, authority, prefix, tls })
    }

    /// What goes before every request's path.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What `Host` says.
    pub(super) fn authority(&self) -> &HeaderValue {
        &self.authority
    }

    /// Resolves, connects and shakes hands. Its deadline is the caller's.
    pub(super) async fn connect(&self) -> Result<Stream, UpstreamError> {
        let socket = self.socket().await?;
        match &self.tls {
            None => Ok(Box::new(socket)),
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), socket).await;
                Ok(Box::new(stream.map_err(|_error| UpstreamError::Tls)?))
            }
        }
    }

    /// With what to shake hands, and whose name its certificate must have; none for `http://`.
    pub(super) fn tls(&self) -> Option<&(TlsConnector, ServerName<'static>)> {
        self.tls.as_ref()
    }

    /// Resolves and connects: the first of its addresses that takes the connection.
    pub(super) async fn socket(&self) -> Result<TcpStream, UpstreamError> {
        let addresses = tokio::net::lookup_host((self.host.as_str(), self.port))
            .await
            .map_err(|_error| UpstreamError::Resolve)?;
        let mut failure = UpstreamError::Resolve;
        for address in addresses {
            // SECURITY: `localhost` is what the resolver says it is; without TLS only a real
            // loopback address will do.
            if self.tls.is_none() && !address.ip().is_loopback() {
                continue;
            }
            let Ok(socket) = TcpStream::connect(address).await else {
                failure = UpstreamError::Connect;
                continue;
            };
            // A request is written whole, so waiting for more (Nagle) only delays it.
            socket.set_nodelay(true).map_err(|_error| UpstreamError::Connect)?;
            return Ok(socket);
        }
        Err(failure)
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn client_config(settings: &UpstreamSettings, clock: &Clock) -> Result<ClientConfig, UpstreamSetupError> {
    let time = Arc::new(ClockTime(clock.clone()));
    let config = ClientConfig::builder_with_details(crate::net::provider(), time)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Refused)?
        .with_root_certificates(roots(&settings.ca)?);
    let mut config = match &settings.client_certificate {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => config
            .with_client_auth_cert(read_certificates(certificate)?, read_key(key)?)
            .map_err(|error| {
                if !matches!(error, rustls::Error::InconsistentKeys(_)) {
                    return TlsError::Refused(error);
                }
                TlsError::KeyMismatch { certificate: certificate.clone(), key: key.clone() }
            })?,
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Connections are pooled, so a resumed session saves little and would skip the judging of
    // the upstream's certificate.
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn roots(ca: &UpstreamCa) -> Result<RootCertStore, UpstreamSetupError> {
    let mut roots = RootCertStore::empty();
    match ca {
        UpstreamCa::File(path) => {
            for certificate in read_certificates(path)? {
                roots.add(certificate).map_err(|_error| TlsError::BadCa { path: path.clone() })?;
            }
        }
        UpstreamCa::System => {
            // Single certificates that cannot be read are left out, as every client does.
            let (_, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(UpstreamSetupError::NoSystemAnchors);
            }
        }
    }
    Ok(roots)
}
