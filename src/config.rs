//! The configuration: `tavs.toml`, as written, checked. Alone knows the option names.
//!
//! Every mistake of the file and of the files that it names is found in one run, with its place
//! and the mend. What comes out is plain data; `app` builds the running parts from it.

mod cross;
mod files;
mod keys;
pub mod private;
mod profiles;
mod read;
mod shipped;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::identity::Presented;
use crate::ledger::retire::Terms;
use crate::ledger::{self, AnchorSettings};
use crate::net::{self, TlsSettings, UpstreamSettings};
use crate::officer::{Role, SigningOfficer};
use crate::policy::codes::{self, Code};
use crate::policy::diagnostic::{Diagnostic, render};
use crate::policy::syntax::{At, SourceFile};
use crate::proxy::SubjectLookup;

pub use self::cross::{check_retention, cross_check};
pub(crate) use self::files::{LARGEST_POLICY, is_key_ring, read_text, unreadable};
pub use self::files::{PolicyFiles, policy_domains, policy_paths, read_policies};
pub use self::keys::{KeySource, KeySourceError};
pub(crate) use self::profiles::PROFILES;
pub use self::profiles::{ProfilePaths, profile_paths, read_profiles};
pub use self::shipped::{SHIPPED_FOLDERS, SHIPPED_PROFILES, shipped_profiles};

/// `tavs.toml`, checked. Paths are resolved against its folder.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file itself, for diagnostics.
    pub source: SourceFile,
    /// `[listen]`.
    pub listen: Listen,
    /// `[listen]` and `[anchors.*]`: our certificate, and who may issue recipients'.
    pub tls: TlsSettings,
    /// `[upstreams.*]`: the clinics' APIs, by name.
    pub upstreams: BTreeMap<String, At<UpstreamSettings>>,
    /// `[upstreams.*] subject-lookup`, by the upstream's name.
    pub lookups: BTreeMap<String, SubjectLookup>,
    /// `[policies] directory`.
    pub policies: At<PathBuf>,
    /// `[policies] approval`: none where policies take effect by themselves.
    pub approvals: Option<Approvals>,
    /// `[keys]`: where the key ring comes from.
    pub keys: At<KeySource>,
    /// `[ledger]`.
    pub ledger: Ledger,
    /// `[store] sqlite`.
    pub store: At<PathBuf>,
    /// `[admin] address`.
    pub admin: SocketAddr,
    /// `[admin] socket`: where `tavs subject` asks while tavs serves.
    pub socket: PathBuf,
    /// `[api]`: where the clinic's own systems ask; none unless the file has it.
    pub api: Option<Api>,
    /// `[officers.*]`: who may sign, by name; no two have the same key.
    pub officers: Vec<SigningOfficer>,
    /// `[log]`.
    pub log: Log,
    /// Every path that the file names, with its place: faults of files are shown there.
    pub paths: Vec<At<PathBuf>>,
}

/// `[listen]`.
#[derive(Debug, Clone)]
pub struct Listen {
    /// Where recipients connect to.
    pub address: SocketAddr,
    /// Names that recipients call us by; any other authority is answered 421.
    pub names: Vec<String>,
    /// Deadlines and caps of connections.
    pub limits: net::Limits,
}

/// `[policies] approval = "required"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approvals {
    /// Where an approval is looked for.
    pub file: PathBuf,
}

/// `[ledger]`.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// Where its segments lie.
    pub directory: At<PathBuf>,
    /// Which node writes.
    pub node: String,
    /// Bounds.
    pub limits: ledger::Limits,
    /// How often a checkpoint is made.
    pub checkpoint: Duration,
    /// Where checkpoints are kept elsewhere.
    pub anchor: Option<At<AnchorSettings>>,
    /// How long records are kept; without it, for ever.
    pub retention: Option<Terms>,
    /// The purposes and categories that it names, where it does.
    pub retention_names: Vec<At<String>>,
}

/// `[api]`.
#[derive(Debug, Clone)]
pub struct Api {
    /// Where clients connect to, and where that is written.
    pub address: At<SocketAddr>,
    /// Our certificate there, and the one anchor of clients'.
    pub tls: TlsSettings,
    /// That anchor's name.
    pub anchor: String,
    /// Who may ask.
    pub clients: Vec<ApiClient>,
}

/// `[[api.client]]`.
#[derive(Debug, Clone)]
pub struct ApiClient {
    /// What records call it.
    pub name: String,
    /// How its certificate tells it.
    pub presented: Presented,
    /// What it may ask.
    pub roles: Vec<Role>,
}

/// `[log]`.
#[derive(Debug, Clone)]
pub struct Log {
    /// The least level that is written: `error`, `warn`, `info` or `debug`. Else the environment
    /// decides.
    pub level: Option<&'static str>,
}

/// Mistakes, and the texts that they are about.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// What was found, errors and warnings.
    pub diagnostics: Vec<Diagnostic>,
    /// The files, for the lines to be shown.
    pub files: Vec<SourceFile>,
}

impl Findings {
    /// Whether anything keeps the configuration from taking effect.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// As a compiler would show them.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        render(&self.diagnostics, &self.files, colour)
    }

    /// One line each: file, line, code and what the code means. Nothing of what stands in the
    /// files, so fit for a log (G10).
    #[must_use]
    pub fn brief(&self) -> Vec<String> {
        self.diagnostics.iter().map(|one| self.brief_of(one)).collect()
    }

    fn brief_of(&self, one: &Diagnostic) -> String {
        let title = codes::find(one.code).map_or("", |code| code.title);
        let text = SourceFile::find(&self.files, &one.file).map(|file| &file.text);
        text.map_or_else(
            || format!("{}: {}: {title}", one.file, one.code),
            |text| {
                let line = crate::policy::syntax::line_of(text, one.span.start);
                format!("{}:{line}: {}: {title}", one.file, one.code)
            },
        )
    }

    /// Takes over what another run found.
    pub fn merge(&mut self, other: Self) {
        self.diagnostics.extend(other.diagnostics);
        self.files.extend(other.files);
    }
}

impl Config {
    /// Reads `tavs.toml`.
    ///
    /// # Errors
    /// Every mistake in it. Files that it names are read by the parts that need them.
    pub fn read(path: &Path) -> Result<Self, Findings> {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let folder = path.parent().unwrap_or_else(|| Path::new(""));
                Self::parse(SourceFile::new(name, text), folder)
            }
            Err(error) => Err(Findings {
                diagnostics: vec![
                    Diagnostic::new(
                        &codes::FILE_UNREADABLE,
                        &name,
                        0..0,
                        format!("cannot read `{name}`: {error}"),
                        "",
                    )
                    .help("`tavs init DIR` makes a working configuration"),
                ],
                files: Vec::new(),
            }),
        }
    }

    /// Reads a configuration's text; `folder` is what its paths are relative to.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn parse(source: SourceFile, folder: &Path) -> Result<Self, Findings> {
        read::config(source, folder)
    }

    /// Every option name that the reader knows.
    #[must_use]
    pub fn option_names() -> Vec<&'static str> {
        read::option_names()
    }

    /// A mistake at a place of this file.
    #[must_use]
    pub fn fault<T>(&self, code: &'static Code, at: &At<T>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, &self.source.path, at.span.clone(), message, "named here")
    }

    /// A mistake in a file that this one names: shown where it is named.
    #[must_use]
    pub fn fault_of_file(&self, code: &'static Code, path: &Path, message: impl Into<String>) -> Diagnostic {
        let span = self.paths.iter().find(|at| at.value == path).map_or(0..0, |at| at.span.clone());
        Diagnostic::new(code, &self.source.path, span, message, "named here")
    }

    /// Findings about this file.
    #[must_use]
    pub fn findings(&self, diagnostics: Vec<Diagnostic>) -> Findings {
        Findings { diagnostics, files: vec![self.source.clone()] }
    }
}

#[cfg(test)]
mod tests;
