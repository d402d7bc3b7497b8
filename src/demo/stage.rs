//! Sets the scene in one temporary directory: certificates, a key ring, the shipped policies and
//! `tavs.toml`, as an operator would lay them out. Dropping it removes the directory.

use std::fmt;
use std::fs;
use std::io;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;

use crate::clock::Clock;
use crate::config::{SHIPPED_FOLDERS, SHIPPED_PROFILES};
use crate::net::pki::{Authority, Issued, Name, PkiError, Usage, Validity};

use super::caller::Caller;

/// The shipped policies, each by the name of its recipient.
pub(crate) const POLICIES: [(&str, &str); 5] = [
    ("sms-reminders", include_str!("../../policies/sms-reminders.toml")),
    ("bookkeeping", include_str!("../../policies/bookkeeping.toml")),
    ("research", include_str!("../../policies/research.toml")),
    ("laboratory", include_str!("../../policies/laboratory.toml")),
    ("analytics", include_str!("../../policies/analytics.toml")),
];

/// The recipient whose certificate has been revoked.
pub(crate) const REVOKED: &str = "revoked";
/// The recipient whose agreement has its last day on the day of the play.
pub(crate) const LAPSING: &str = "lapsing";

/// Why the scene cannot be set.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StageError {
    /// A file cannot be written.
    #[error("the temporary directory cannot be written")]
    Write(#[from] io::Error),
    /// A certificate cannot be made.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// A certificate cannot be used.
    #[error("a certificate cannot be used")]
    Tls(#[from] rustls::Error),
    /// A certificate cannot be read back.
    #[error("a certificate cannot be read back")]
    Pem(#[from] rustls_pki_types::pem::Error),
}

/// The demo's directory.
pub(crate) struct Stage {
    directory: TempDir,
    clients: Vec<(String, Issued)>,
    proxy_ca: String,
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl Stage {
    /// Makes certificates, keys and policies; valid for a day around the present.
    pub(crate) fn set(clock: &Clock) -> Result<Self, StageError> {
        let directory = tempfile::Builder::new().prefix("tavs-demo-").tempdir()?;
        let validity = around(clock);
        let root = directory.path();
        for folder in ["certs", "keys", "policies", "ledger"] {
            // The ledger wants its directory closed to others.
            fs::DirBuilder::new().mode(0o700).create(root.join(folder))?;
        }
        let own = Authority::new("tavs demo: proxy", validity)?;
        let clinic = Authority::new("tavs demo: clinic", validity)?;
        let partners = Authority::new("tavs demo: partners", validity)?;
        let localhost = [Name::Dns("localhost".to_owned())];
        write_pair(root, "server", &own.issue("tavs", &localhost, Usage::Server, validity)?)?;
        write_pair(root, "clinic", &clinic.issue("clinic", &localhost, Usage::Server, validity)?)?;
        let mut clients = Vec::new();
        for name in POLICIES.iter().map(|(name, _)| *name).chain([REVOKED, LAPSING]) {
            // The revoked one presents a name that the SMS policy would accept.
            let presented = if name == REVOKED { "sms-reminders" } else { name };
            let uri = [Name::Uri(format!("urn:tavs:recipient:{presented}"))];
            let issued = partners.issue(name, &uri, Usage::Client, validity)?;
            write_pair(root, name, &issued)?;
            clients.push((name.to_owned(), issued));
        }
        let revoked: Vec<_> = clients
            .iter()
            .filter(|(name, _)| name == REVOKED)
            .map(|(_, issued)| issued.serial.clone())
            .collect();
        fs::write(root.join("certs/own-ca.pem"), own.certificate())?;
        fs::write(root.join("certs/clinic-ca.pem"), clinic.certificate())?;
        fs::write(root.join("certs/partners-ca.pem"), partners.certificate())?;
        fs::write(root.join("certs/partners.crl"), partners.revocation_list(1, &revoked, validity)?)?;
        for (name, text) in POLICIES {
            fs::write(root.join(format!("policies/{name}.toml")), text)?;
        }
        for folder in SHIPPED_FOLDERS {
            fs::create_dir(root.join("policies").join(folder))?;
        }
        for (name, text) in SHIPPED_PROFILES {
            fs::write(root.join("policies").join(name), text)?;
        }
        fs::write(root.join("policies/lapsing.toml"), lapsing_policy(clock.today()))?;
        Ok(Self { clients, proxy_ca: own.certificate().to_owned(), directory })
    }

    /// The directory.
    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    /// Writes `tavs.toml` for clinics at these ports, and a key ring with the given text.
    pub(crate) fn configure(
        &self,
        booking: SocketAddr,
        emr: SocketAddr,
        ring: &str,
    ) -> Result<PathBuf, StageError> {
        write_private(&self.root().join("keys/ring.toml"), ring)?;
        let text = CONFIGURATION
            .replace("<booking>", &booking.port().to_string())
            .replace("<emr>", &emr.port().to_string());
        let path = self.root().join("tavs.toml");
        fs::write(&path, text)?;
        Ok(path)
    }

    /// TLS for the clinic APIs.
    pub(crate) fn clinic_tls(&self) -> Result<Arc<rustls::ServerConfig>, StageError> {
        let certificate = CertificateDer::from_pem_file(self.root().join("certs/clinic.pem"))?;
        let key = PrivateKeyDer::from_pem_file(self.root().join("certs/clinic.key"))?;
        let mut config = rustls::ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// A recipient that calls the proxy with its own certificate.
    pub(crate) fn caller(&self, name: &str, proxy: SocketAddr) -> Result<Caller, StageError> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.proxy_ca.as_bytes())?)?;
        let builder = rustls::ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots);
        let mut config = match self.clients.iter().find(|(client, _)| client == name) {
            Some((_, issued)) => builder.with_client_auth_cert(
                vec![CertificateDer::from_pem_slice(issued.certificate.as_bytes())?],
                PrivateKeyDer::from_pem_slice(issued.key.as_bytes())?,
            )?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Caller { proxy, tls: Arc::new(config) })
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// From an hour ago, as clocks differ, to a day from now.
fn around(clock: &Clock) -> Validity {
    let now = clock.unix_millis() / 1000;
    Validity { from: now.saturating_sub(3600), until: now.saturating_add(86_400) }
}

fn write_pair(root: &Path, name: &str, issued: &Issued) -> io::Result<()> {
    fs::write(root.join(format!("certs/{name}.pem")), &issued.certificate)?;
    write_private(&root.join(format!("certs/{name}.key")), &issued.key)
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// The SMS policy for another recipient, whose agreement ends on the day of the play. It has no
/// tests: their files stand elsewhere.
fn lapsing_policy(day: Date) -> String {
    let text = POLICIES[0].1;
    let rules = text.split_once("[[test]]").map_or(text, |(rules, _)| rules);
    rules
        .replace("\"sms-reminders\"", "\"lapsing\"")
        .replace("urn:tavs:recipient:sms-reminders", "urn:tavs:recipient:lapsing")
        .replace("2026-01-15", "2024-03-01")
        .replace("2027-01-15", &day.to_string())
        .replace("2028-01-14", &day.to_string())
}

const CONFIGURATION: &str = r#"# Written by `tavs demo`.
[listen]
address     = "127.0.0.1:0"
certificate = "certs/server.pem"
key         = "certs/server.key"
names       = ["localhost"]

[anchors.partners]
ca  = "certs/partners-ca.pem"
crl = "certs/partners.crl"

[upstreams.booking]
url = "https://localhost:<booking>"
ca  = "certs/clinic-ca.pem"

[upstreams.emr]
url = "https://localhost:<emr>"
ca  = "certs/clinic-ca.pem"

[policies]
directory = "policies"

[keys]
ring = "keys/ring.toml"

[ledger]
directory = "ledger"
node      = "demo"

[admin]
address = "127.0.0.1:0"
"#;
