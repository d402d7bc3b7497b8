//! Certificates and keys out of files.

use std::path::Path;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use super::settings::TlsError;

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })
}

/// All certificates of a PEM file, at least one.
pub(in crate::net) fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let none = || TlsError::NoCertificate { path: path.to_owned() };
    let found = CertificateDer::pem_slice_iter(&read(path)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_error| none())?;
    if found.is_empty() { Err(none()) } else { Ok(found) }
}

/// All revocation lists of a file, PEM or DER, at least one.
pub(in crate::net) fn read_lists(
    path: &Path,
) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    let bytes = read(path)?;
    let none = || TlsError::NoCrl { path: path.to_owned() };
    let found = if bytes.starts_with(DER_SEQUENCE) {
        vec![CertificateRevocationListDer::from(bytes)]
    } else {
        CertificateRevocationListDer::pem_slice_iter(&bytes)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_error| none())?
    };
    if found.is_empty() { Err(none()) } else { Ok(found) }
}

/// What every DER certificate revocation list begins with.
const DER_SEQUENCE: &[u8] = &[0x30];

/// The private key of a PEM file that only its owner may read.
pub(in crate::net) fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    use std::os::unix::fs::PermissionsExt as _;
    let unreadable = |source| TlsError::Unreadable { path: path.to_owned(), source };
    let mode = std::fs::metadata(path).map_err(unreadable)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(TlsError::KeyNotPrivate { path: path.to_owned() });
    }
    let bytes = zeroize::Zeroizing::new(read(path)?);
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_error| TlsError::NoKey { path: path.to_owned() })
}
