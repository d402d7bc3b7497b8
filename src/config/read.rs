//! The tables and options of `tavs.toml`, one function a table.

mod api;
mod ledger;
mod limits;
mod officers;
mod policies;
mod values;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use self::limits::{listen_caps, listen_deadlines, upstream_limits};
use self::values::{address, names, subject_lookup, upstream_url};
use super::{Api, Approvals, Config, Findings, KeySource, Ledger, Listen, Log};
use crate::net;
use crate::net::upstream::UpstreamCa;
use crate::net::{AnchorSettings, TlsSettings, UpstreamSettings};
use crate::officer::SigningOfficer;
use crate::policy::codes;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::syntax::{self, At, SourceFile, Table, Value};
use crate::proxy::SubjectLookup;

/// Where the admin listener is unless the file says.
const ADMIN: &str = "127.0.0.1:9443";
/// Where the admin socket is unless the file says.
const SOCKET: &str = "admin.sock";
/// Where the store is unless the file says.
const STORE: &str = "tavs.db";

pub(super) fn config(source: SourceFile, folder: &Path) -> Result<Config, Findings> {
    let reading = syntax::read(&source, |root| {
        Reader { folder, file: &source.path, paths: RefCell::default() }.root(root)
    });
    let broken = reading.diagnostics.iter().any(Diagnostic::is_error);
    match reading.value {
        Some(written) if !broken => Ok(written.with(source)),
        _ => Err(Findings { diagnostics: reading.diagnostics, files: vec![source] }),
    }
}

/// The names that the reader asks for, found by reading a file that has every table.
pub(super) fn option_names() -> Vec<&'static str> {
    let text = "[listen.deadlines]\n[listen.caps]\n[anchors.a]\n[upstreams.a.subject-lookup]\n[upstreams.a.deadlines]\n\
                [upstreams.a.caps]\n[policies]\n[keys]\n[ledger.anchor]\n[store]\n[admin]\n[[api.client]]\n[officers.a]\n[log]\n";
    let file = SourceFile::new("tavs.toml", text);
    let reading = syntax::read(&file, |root| {
        Reader { folder: Path::new(""), file: "", paths: RefCell::default() }.root(root)
    });
    reading.known.into_iter().collect()
}

/// All but the text itself.
struct Written {
    listen: Listen,
    tls: TlsSettings,
    upstreams: BTreeMap<String, At<UpstreamSettings>>,
    lookups: BTreeMap<String, SubjectLookup>,
    policies: At<PathBuf>,
    approvals: Option<Approvals>,
    keys: At<KeySource>,
    ledger: Ledger,
    store: At<PathBuf>,
    admin: SocketAddr,
    socket: PathBuf,
    api: Option<Api>,
    officers: Vec<SigningOfficer>,
    log: Log,
    paths: Vec<At<PathBuf>>,
}

impl Written {
    fn with(self, source: SourceFile) -> Config {
        let Self { listen, tls, upstreams, lookups, policies, keys, ledger, store, .. } = self;
        let Self { approvals, admin, socket, api, officers, log, paths, .. } = self;
        Config {
            source,
            listen,
            tls,
            upstreams,
            lookups,
            policies,
            approvals,
            keys,
            ledger,
            store,
            admin,
            socket,
            api,
            officers,
            log,
            paths,
        }
    }
}

struct Reader<'f> {
    folder: &'f Path,
    file: &'f str,
    paths: RefCell<Vec<At<PathBuf>>>,
}

impl Reader<'_> {
    fn root(&self, mut root: Table<'_>) -> Option<Written> {
        let listen = root.required_table("listen", "address = \"0.0.0.0:8443\"").and_then(|t| self.listen(t));
        let anchors = named(root.required_table("anchors", "partners = { ca = \"…\" }"), |name, table| {
            self.anchor(name, table)
        });
        let upstreams =
            named(root.required_table("upstreams", "booking = { url = \"…\" }"), |name, table| {
                self.upstream(name, table)
            });
        let policies = root.required_table("policies", "directory = \"policies\"");
        let policies = policies.and_then(|table| self.policies(table));
        let keys = self.keys(root.required_table("keys", "ring = \"keys/ring.toml\""));
        let ledger = root.required_table("ledger", "directory = \"ledger\"").and_then(|t| self.ledger(t));
        let store = self.store(root.optional_table("store"));
        let admin = self.admin(root.optional_table("admin"));
        let anchors: Option<Vec<AnchorSettings>> = anchors.map(|all| all.into_values().collect());
        let api = match root.optional_table("api") {
            Some(table) => self.api(table, anchors.as_deref()).map(Some),
            None => Some(None),
        };
        let officers = self.officers(root.optional_table("officers"));
        let log = log(root.optional_table("log"));
        if let (Some((_, Some(approvals))), Some(officers)) = (&policies, &officers) {
            self.enough_officers(&root, approvals, officers);
        }
        root.not_yet(&["sources"]);
        root.finish();
        let (listen, tls) = listen?;
        let (admin, socket) = admin?;
        let (policies, approvals) = policies?;
        let (upstreams, lookups) = upstreams?
            .into_iter()
            .map(|(name, (settings, lookup))| ((name.clone(), settings), lookup.map(|lookup| (name, lookup))))
            .unzip::<_, _, Vec<_>, Vec<_>>();
        Some(Written {
            listen,
            tls: TlsSettings { anchors: anchors?, ..tls },
            upstreams: upstreams.into_iter().collect(),
            lookups: lookups.into_iter().flatten().collect(),
            policies,
            approvals: approvals.map(|at| at.value),
            keys: keys?,
            ledger: ledger?,
            store: store?,
            admin,
            socket,
            api: api?,
            officers: officers?,
            log: log?,
            paths: self.paths.take(),
        })
    }

    fn listen(&self, mut table: Table<'_>) -> Option<(Listen, TlsSettings)> {
        let address = table.required("address", "\"0.0.0.0:8443\"").and_then(|v| address(&v));
        let certificate = self.path(table.required("certificate", "\"certs/server.pem\""));
        let key = self.path(table.required("key", "\"certs/server.key\""));
        let names = table.required("names", "[\"tavs.klinik.example\"]").map(|v| names(&v));
        let tls12 = table.optional_word("tls", &[("1.3", false), ("1.2", true)], &[]);
        let mut limits = net::Limits::default();
        if let Some(table) = table.optional_table("deadlines") {
            listen_deadlines(table, &mut limits.deadlines);
        }
        if let Some(table) = table.optional_table("caps") {
            listen_caps(table, &mut limits);
        }
        table.finish();
        let tls = TlsSettings {
            certificate: certificate?.value,
            key: key?.value,
            tls12: tls12.is_some_and(|tls12| tls12.value),
            anchors: Vec::new(),
        };
        Some((Listen { address: address?, names: names?, limits }, tls))
    }

    fn anchor(&self, name: &str, mut table: Table<'_>) -> Option<AnchorSettings> {
        let ca = self.path(table.required("ca", "\"certs/partners-ca.pem\""));
        let crl = self.path(table.required("crl", "\"certs/partners.crl\""));
        table.finish();
        Some(AnchorSettings { name: name.to_owned(), ca: ca?.value, crls: vec![crl?.value] })
    }

    fn upstream(
        &self,
        _name: &str,
        mut table: Table<'_>,
    ) -> Option<(At<UpstreamSettings>, Option<SubjectLookup>)> {
        let span = table.span();
        let url = table
            .required("url", "\"https://booking.klinik.example\"")
            .and_then(|v| v.parsed(&codes::BAD_VALUE, upstream_url));
        let unprotected = table.optional_bool("unprotected").is_some_and(|at| at.value);
        let clear = url.as_ref().is_some_and(|url| url.value.starts_with("http:"));
        let ca = if clear {
            self.unprotected(&table, url.as_ref(), unprotected);
            table.optional("ca").map_or(Some(UpstreamCa::System), |v| {
                v.fault(&codes::BAD_VALUE, "`ca` has no meaning with an `http:` URL", "here", None);
                None
            })
        } else {
            self.upstream_ca(table.required("ca", "\"system\""))
        };
        let certificate = self.path(table.optional("client-certificate"));
        let key = self.path(table.optional("client-key"));
        if certificate.is_some() != key.is_some() {
            let message = "`client-certificate` and `client-key` belong together";
            table.report(Diagnostic::new(
                &codes::MISSING_NAME,
                self.file,
                span.clone(),
                message,
                "one is missing",
            ));
        }
        let mut settings = UpstreamSettings::new("", UpstreamCa::System);
        upstream_limits(&mut table, &mut settings);
        let lookup = table.optional_table("subject-lookup").map(subject_lookup);
        table.finish();
        let client_certificate =
            certificate.zip(key).map(|(certificate, key)| (certificate.value, key.value));
        let settings =
            UpstreamSettings { url: url?.value, ca: ca?, client_certificate, unprotected, ..settings };
        let lookup = match lookup {
            Some(lookup) => Some(lookup?),
            None => None,
        };
        Some((At::new(settings, span), lookup))
    }

    fn unprotected(&self, table: &Table<'_>, url: Option<&At<String>>, said: bool) {
        if let (Some(url), false) = (url, said) {
            let message = "this upstream is called without TLS";
            table.report(
                Diagnostic::new(&codes::UPSTREAM_UNPROTECTED, self.file, url.span.clone(), message, "no TLS")
                    .help("use `https:`; or, on this very machine, add `unprotected = true`"),
            );
        }
    }

    fn upstream_ca(&self, value: Option<Value<'_>>) -> Option<UpstreamCa> {
        let value = value?;
        if value.as_str() == Some("system") {
            return Some(UpstreamCa::System);
        }
        self.path(Some(value)).map(|path| UpstreamCa::File(path.value))
    }

    fn store(&self, table: Option<Table<'_>>) -> Option<At<PathBuf>> {
        let Some(mut table) = table else { return Some(At::new(self.folder.join(STORE), 0..0)) };
        let span = table.span();
        let sqlite = match table.optional("sqlite") {
            Some(value) => self.path(Some(value)),
            None => Some(At::new(self.folder.join(STORE), span)),
        };
        table.not_yet(&["postgres"]);
        table.finish();
        sqlite
    }

    /// Address and socket.
    fn admin(&self, table: Option<Table<'_>>) -> Option<(SocketAddr, PathBuf)> {
        let Some(mut table) = table else { return Some((ADMIN.parse().ok()?, self.folder.join(SOCKET))) };
        let value = table.optional("address");
        let socket = table.optional("socket");
        let unprotected = table.optional_bool("unprotected").is_some_and(|at| at.value);
        table.finish();
        // Not among the paths: tavs makes it.
        let socket = match socket {
            Some(value) => self.folder.join(value.string()?.value),
            None => self.folder.join(SOCKET),
        };
        let Some(value) = value else { return Some((ADMIN.parse().ok()?, socket)) };
        let address = address(&value)?;
        if !address.ip().is_loopback() && !unprotected {
            let help = "use 127.0.0.1; or, on a guarded network, add `unprotected = true`";
            let message = "the admin listener would be open to others";
            value.fault(&codes::ADMIN_EXPOSED, message, "not a loopback address", Some(help.to_owned()));
            return None;
        }
        Some((address, socket))
    }

    /// One of `ring`, `credential` and `command`.
    fn keys(&self, table: Option<Table<'_>>) -> Option<At<KeySource>> {
        let mut table = table?;
        let credential = table.optional_str("credential");
        let commanded = table.has("command");
        let command = table.strings("command");
        let ring = if credential.is_none() && !commanded {
            table.required("ring", "\"keys/ring.toml\"")
        } else {
            table.optional("ring")
        };
        let span = table.span();
        if usize::from(credential.is_some()) + usize::from(commanded) + usize::from(ring.is_some()) > 1 {
            let message = "the key ring comes from several places";
            let help = "keep one of `ring`, `credential` and `command`";
            table.report(
                Diagnostic::new(&codes::BAD_VALUE, self.file, span.clone(), message, "one too many")
                    .help(help),
            );
        }
        table.finish();
        if let Some(name) = credential {
            // systemd.exec(5): a folder that only the service can read.
            let folder = std::env::var_os("CREDENTIALS_DIRECTORY")
                .map_or_else(|| "/run/credentials".into(), PathBuf::from);
            return Some(name.map(|name| KeySource::File(folder.join(name))));
        }
        if commanded {
            let words: Vec<String> = command.into_iter().map(|word| word.value).collect();
            return Some(At::new(KeySource::Command(words), span));
        }
        Some(self.path(ring)?.map(KeySource::File))
    }

    fn path(&self, value: Option<Value<'_>>) -> Option<At<PathBuf>> {
        let path = value?.string()?.map(|text| self.folder.join(text));
        self.paths.borrow_mut().push(path.clone());
        Some(path)
    }
}

/// Tables whose names are free: `[anchors.partners]`.
fn named<T>(
    table: Option<Table<'_>>,
    read: impl Fn(&str, Table<'_>) -> Option<T>,
) -> Option<BTreeMap<String, T>> {
    let mut all = Some(BTreeMap::new());
    for (name, value) in table?.entries() {
        match (value.table().and_then(|table| read(name.value, table)), &mut all) {
            (Some(one), Some(all)) => drop(all.insert(name.value.to_owned(), one)),
            (None, _) => all = None,
            (Some(_), None) => {}
        }
    }
    all
}

fn log(table: Option<Table<'_>>) -> Option<Log> {
    let Some(mut table) = table else { return Some(Log { level: None }) };
    let words = ["error", "warn", "info", "debug"].map(|word| (word, word));
    let level = table.optional_word("level", &words, &[]);
    table.finish();
    Some(Log { level: level.map(|level| level.value) })
}
