//! `tavs certs dev` and `client`: write a whole set of certificates, or nothing that exists already.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use super::{Client, Dev, list};
use crate::config::private::{self, PrivateError};
use crate::net::pki::{Authority, Issued, Name, PkiError, Usage, Validity};

/// Why certificates or a list were not made.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum CertsError {
    /// A file cannot be read or written.
    #[error("cannot {doing} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It exists already.
    #[error("`{}` exists and is not overwritten; give another folder, or move it away", .0.display())]
    Exists(PathBuf),
    /// A key cannot be read or written.
    #[error(transparent)]
    Private(#[from] PrivateError),
    /// A certificate cannot be made.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// No file can be named after the client's URI.
    #[error(
        "`{0}` cannot name a client: a URI that ends in a name of a-z, 0-9 and -, such as `urn:tavs:recipient:sms-reminders`"
    )]
    Client(String),
    /// Two files would have one name.
    #[error("two certificates would be called `{0}`; give the client another URI")]
    Twice(String),
    /// The file is no revocation list.
    #[error("`{}` holds no PEM revocation list", .0.display())]
    NoList(PathBuf),
    /// The file is no certificate.
    #[error("`{}` holds no PEM certificate", .0.display())]
    NoCertificate(PathBuf),
}

/// One file to write.
struct Wanted {
    name: String,
    text: Text,
    what: String,
}

enum Text {
    Public(String),
    Private(zeroize::Zeroizing<String>),
}

/// Makes the set that `certs/README.md` describes. Returns what to say.
pub(super) fn make(dev: &Dev, now: u64) -> Result<String, CertsError> {
    let files = files(dev, now)?;
    let mut said = write(&dev.directory, &files)?;
    said.push_str(&next(dev));
    Ok(said)
}

/// Makes a certificate for one more client. Returns what to say.
pub(super) fn one_more(client: &Client, now: u64) -> Result<String, CertsError> {
    let Client { directory, client: uri, days } = client;
    let path = directory.join(format!("{PARTNERS}.pem"));
    let certificate =
        fs::read_to_string(&path).map_err(|source| CertsError::Io { doing: "read", path, source })?;
    let key = private::read_private(&directory.join(format!("{PARTNERS}.key")))?;
    let partners = Authority::from_pem(&certificate, &key)?;
    let name = name_of(uri)?;
    let mut files = Vec::new();
    let issued = partners.issue(&name, &[Name::Uri(uri.clone())], Usage::Client, lasting(now, *days))?;
    pair(&mut files, &name, issued, &format!("a recipient: {uri}"));
    write(directory, &files)
}

/// Writes all of the files, or none if one of them is there. Returns what each is.
fn write(directory: &Path, files: &[Wanted]) -> Result<String, CertsError> {
    for (index, file) in files.iter().enumerate() {
        if files.iter().take(index).any(|other| other.name == file.name) {
            return Err(CertsError::Twice(file.name.clone()));
        }
        let path = directory.join(&file.name);
        // A link that leads nowhere would be written through.
        if path.symlink_metadata().is_ok() {
            return Err(CertsError::Exists(path));
        }
    }
    if !directory.is_dir() {
        private::create_private_folder(directory)?;
    }
    let mut said = String::new();
    for file in files {
        let path = directory.join(&file.name);
        match &file.text {
            Text::Public(text) => create(&path, text)?,
            Text::Private(text) => private::create_private(&path, text)?,
        }
        // Writing to a `String` cannot fail.
        let _infallible = writeln!(said, "{:<22} {}", file.name, file.what);
    }
    Ok(said)
}

fn files(dev: &Dev, now: u64) -> Result<Vec<Wanted>, CertsError> {
    let validity = lasting(now, dev.days);
    let server_ca = Authority::new("tavs development: servers", validity)?;
    let partners = Authority::new("tavs development: partners", validity)?;
    let clinic = Authority::new("tavs development: clinic", validity)?;
    let here = [
        Name::Dns("localhost".to_owned()),
        Name::Ip(Ipv4Addr::LOCALHOST.into()),
        Name::Ip(Ipv6Addr::LOCALHOST.into()),
    ];
    let mut files = Vec::new();
    authority(&mut files, "server-ca", &server_ca, "the CA of the proxy's certificate: for `curl --cacert`");
    let server = server_ca.issue("localhost", &here, Usage::Server, validity)?;
    pair(&mut files, "server", server, "the proxy's own: localhost, 127.0.0.1, ::1");
    authority(&mut files, PARTNERS, &partners, "the CA of recipients: `ca` of [anchors.partners]");
    for uri in &dev.client {
        let name = name_of(uri)?;
        let names = [Name::Uri(uri.clone())];
        let client = partners.issue(&name, &names, Usage::Client, validity)?;
        pair(&mut files, &name, client, &format!("a recipient: {uri}"));
    }
    let names = [Name::Uri(REVOKED.to_owned())];
    let revoked = partners.issue("revoked", &names, Usage::Client, validity)?;
    let serials = [revoked.serial.clone()];
    pair(&mut files, "revoked", revoked, "a recipient whose certificate is on the list: must be refused");
    let stale = lasting(now, dev.crl_days);
    files.push(Wanted {
        name: list::FILE.to_owned(),
        text: Text::Public(partners.revocation_list(1, &serials, stale)?),
        what: format!(
            "the revocation list: `crl` of [anchors.partners]; stale in {} days, then everyone is refused",
            dev.crl_days
        ),
    });
    authority(&mut files, "clinic-ca", &clinic, "the CA of the clinic's API: `ca` of [upstreams.…]");
    let api = clinic.issue("localhost", &here, Usage::Server, validity)?;
    pair(&mut files, "clinic", api, "the clinic's API: localhost, 127.0.0.1, ::1");
    Ok(files)
}

fn authority(files: &mut Vec<Wanted>, name: &str, authority: &Authority, what: &str) {
    let key = zeroize::Zeroizing::new(authority.key().to_owned());
    both(files, name, authority.certificate().to_owned(), key, what);
}

fn pair(files: &mut Vec<Wanted>, name: &str, issued: Issued, what: &str) {
    both(files, name, issued.certificate, issued.key, what);
}

fn both(
    files: &mut Vec<Wanted>,
    name: &str,
    certificate: String,
    key: zeroize::Zeroizing<String>,
    what: &str,
) {
    let what = what.to_owned();
    files.push(Wanted { name: format!("{name}.pem"), text: Text::Public(certificate), what });
    let what = "its key".to_owned();
    files.push(Wanted { name: format!("{name}.key"), text: Text::Private(key), what });
}

/// From an hour back, for clocks that are slow.
pub(super) fn lasting(now: u64, days: u32) -> Validity {
    let length = u64::from(days).saturating_mul(86_400);
    Validity { from: now.saturating_sub(3600), until: now.saturating_add(length) }
}

fn name_of(uri: &str) -> Result<String, CertsError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    match uri.rsplit_once([':', '/']) {
        Some((before, name))
            if !before.is_empty()
                && !name.is_empty()
                && name.len() <= 64
                && !name.starts_with('-')
                && name.bytes().all(plain) =>
        {
            Ok(name.to_owned())
        }
        _ => Err(CertsError::Client(uri.to_owned())),
    }
}

fn create(path: &Path, text: &str) -> Result<(), CertsError> {
    let failed = |source| CertsError::Io { doing: "write", path: path.to_owned(), source };
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}

fn next(dev: &Dev) -> String {
    let directory = dev.directory.display();
    let name = dev.client.first().and_then(|uri| name_of(uri).ok()).unwrap_or_default();
    format!(
        "\nall in {directory}, valid for {} days, for development only: each CA's key lies beside it. Next:\n\n  \
         tavs serve --config tavs.toml\n  \
         curl --cacert {directory}/server-ca.pem --cert {directory}/{name}.pem --key {directory}/{name}.key \
         https://localhost:8443/\n",
        dev.days
    )
}

/// The files of the CA of recipients.
const PARTNERS: &str = "partners-ca";
/// What the revoked certificate presents.
const REVOKED: &str = "urn:tavs:recipient:revoked";
