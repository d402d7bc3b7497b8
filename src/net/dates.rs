//! From when until when certificates and revocation lists count, and whom they name: for whoever looks
//! after them before recipients do. No part of an exchange: what counts there, the handshake decides.
//!
//! SECURITY: names out of certificates are given only if they have the form of host names.

use std::path::Path;

use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::tls::{TlsError, read_certificates, read_lists};

/// From when until when something counts, in seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Its first second.
    pub from: u64,
    /// Its last second.
    pub until: u64,
}

impl Period {
    pub(super) fn of_certificate(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        let validity = certificate.validity();
        let seconds = |timestamp: i64| u64::try_from(timestamp).unwrap_or(0);
        Some(Self {
            from: seconds(validity.not_before.timestamp()),
            until: seconds(validity.not_after.timestamp()),
        })
    }

    /// When both count.
    #[must_use]
    pub fn meet(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), until: self.until.min(other.until) }
    }
}

/// When all certificates of a chain count, PEM.
///
/// # Errors
/// When the file cannot be read, or holds none.
pub fn of_chain(path: &Path) -> Result<Option<Period>, TlsError> {
    let chain = read_certificates(path)?;
    Ok(chain.iter().filter_map(Period::of_certificate).reduce(Period::meet))
}

/// A CA's certificate, or a revocation list: when it counts, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// When it counts; of a list from its making to its next update.
    pub period: Period,
    /// The CA's distinguished name, DER.
    pub name: Vec<u8>,
}

/// The CA certificates of a PEM file.
///
/// # Errors
/// When the file cannot be read, or holds none.
pub fn of_authorities(path: &Path) -> Result<Vec<Issuer>, TlsError> {
    let read = |der: &CertificateDer<'_>| {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let name = certificate.subject().as_raw().to_owned();
        Some(Issuer { period: Period::of_certificate(der)?, name })
    };
    Ok(read_certificates(path)?.iter().filter_map(read).collect())
}

/// The revocation lists of a file.
///
/// # Errors
/// When the file cannot be read, or holds none.
pub fn of_lists(path: &Path) -> Result<Vec<Issuer>, TlsError> {
    let lists = read_lists(path)?;
    let read = |der: &rustls::pki_types::CertificateRevocationListDer<'_>| {
        let (_, list) = x509_parser::parse_x509_crl(der).ok()?;
        let from = u64::try_from(list.last_update().timestamp()).unwrap_or(0);
        let until = u64::try_from(list.next_update()?.timestamp()).unwrap_or(0);
        Some(Issuer { period: Period { from, until }, name: list.issuer().as_raw().to_owned() })
    };
    Ok(lists.iter().filter_map(read).collect())
}

/// Whether the end-entity certificate of a chain is for a host, as clients judge it (RFC 9525).
///
/// # Errors
/// When the file cannot be read, or holds none.
pub fn is_for(path: &Path, host: &str) -> Result<bool, TlsError> {
    let chain = read_certificates(path)?;
    let parsed = chain.first().and_then(|first| ParsedCertificate::try_from(first).ok());
    let name = ServerName::try_from(host.trim_start_matches('[').trim_end_matches(']')).ok();
    Ok(parsed.zip(name).is_some_and(|(parsed, name)| verify_server_name(&parsed, &name).is_ok()))
}

/// The host names that a certificate is for.
pub(super) fn names_of(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return Vec::new() };
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return Vec::new() };
    let names = names.value.general_names.iter().filter_map(|name| {
        #[expect(clippy::wildcard_enum_match_arm, reason = "no other kind names a host")]
        match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => address(bytes),
            _ => None,
        }
    });
    names.filter(|name| is_host(name)).collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(bytes).map(std::net::IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(std::net::IpAddr::from)).ok().map(|ip| ip.to_string())
}

/// Whether a name holds nothing but what names of hosts are made of.
pub(super) fn is_host(name: &str) -> bool {
    let part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'*' | b':');
    !name.is_empty() && name.len() <= 253 && name.bytes().all(part)
}
