//! `tavs certs crl`: renews the revocation list of development certificates.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::CertsError;
use super::make::lasting;
use crate::config::private;
use crate::net::pki::Authority;

/// Renew the revocation list that `tavs certs dev` made: who is on it stays on it.
///
/// The list is put in place at once, so that a proxy that reads it meanwhile finds it whole.
#[derive(Debug, clap::Args)]
pub(super) struct Renew {
    /// The folder that `tavs certs dev` wrote to.
    directory: PathBuf,
    /// A certificate to put on the list; may be given again.
    #[arg(long, value_name = "FILE")]
    revoke: Vec<PathBuf>,
    /// When the list is stale: from then on everyone is refused.
    #[arg(long, value_name = "DAYS", default_value_t = DAYS, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
}

/// Makes the new list. Returns what to say.
pub(super) fn renew(args: &Renew, now: u64) -> Result<String, CertsError> {
    let path = args.directory.join(FILE);
    let (number, mut serials) = revoked(&path)?;
    for certificate in &args.revoke {
        let serial = serial(certificate)?;
        if !serials.contains(&serial) {
            serials.push(serial);
        }
    }
    let ca = read(&args.directory.join("partners-ca.pem"))?;
    let key = private::read_private(&args.directory.join("partners-ca.key"))?;
    let list = Authority::from_pem(&ca, &key)?.revocation_list(
        number.saturating_add(1),
        &serials,
        lasting(now, args.days),
    )?;
    replace(&path, &list)?;
    Ok(format!(
        "{}: {} revoked, stale in {} days. A running proxy takes it up by itself, or on SIGHUP.\n",
        path.display(),
        serials.len(),
        args.days
    ))
}

/// The number of the list at hand and the serial numbers on it.
fn revoked(path: &Path) -> Result<(u64, Vec<Vec<u8>>), CertsError> {
    let no_list = || CertsError::NoList(path.to_owned());
    let der =
        CertificateRevocationListDer::from_pem_slice(read(path)?.as_bytes()).map_err(|_error| no_list())?;
    let (_, list) = x509_parser::parse_x509_crl(&der).map_err(|_error| no_list())?;
    let number = list.crl_number().and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
    Ok((number, list.iter_revoked_certificates().map(|entry| entry.raw_serial().to_vec()).collect()))
}

fn serial(path: &Path) -> Result<Vec<u8>, CertsError> {
    let none = || CertsError::NoCertificate(path.to_owned());
    let der = CertificateDer::from_pem_slice(read(path)?.as_bytes()).map_err(|_error| none())?;
    let (_, certificate) = X509Certificate::from_der(&der).map_err(|_error| none())?;
    Ok(certificate.raw_serial().to_vec())
}

fn read(path: &Path) -> Result<String, CertsError> {
    fs::read_to_string(path).map_err(|source| CertsError::Io { doing: "read", path: path.to_owned(), source })
}

fn replace(path: &Path, text: &str) -> Result<(), CertsError> {
    let failed = |source| CertsError::Io { doing: "write", path: path.to_owned(), source };
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    // Public, and perhaps read by another user than the one who renews it.
    let public = fs::Permissions::from_mode(0o644);
    let mut new = tempfile::Builder::new().permissions(public).tempfile_in(folder).map_err(failed)?;
    new.write_all(text.as_bytes()).map_err(failed)?;
    new.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// What the list is called.
pub(super) const FILE: &str = "partners.crl";

/// When a new list is stale: a month, so that a development setup meets a renewal now and then.
pub(super) const DAYS: u32 = 30;
