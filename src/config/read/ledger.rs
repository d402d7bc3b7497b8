//! `[ledger]`: where the ledger is, its bounds, checkpoints and anchor.

use std::collections::BTreeMap;
use std::time::Duration;

use super::limits::{LARGEST, bound, deadline};
use super::values::{host_name, node_name, retention_span, upstream_url};
use super::{Ledger, Reader};
use crate::ledger::retire::Terms;
use crate::ledger::{self, AnchorSettings};
use crate::net::UpstreamSettings;
use crate::net::upstream::UpstreamCa;
use crate::policy::codes;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::syntax::{At, Table};

/// How often checkpoints may be made: what is recorded in between, a cut end loses unseen.
const OFTENEST: Duration = Duration::from_secs(1);
const SELDOMEST: Duration = Duration::from_hours(1);
/// How often they are made unless the file says.
const CHECKPOINT: Duration = Duration::from_mins(1);

impl Reader<'_> {
    pub(super) fn ledger(&self, mut table: Table<'_>) -> Option<Ledger> {
        let directory = self.path(table.required("directory", "\"ledger\""));
        let node = match table.optional("node") {
            Some(value) => value.parsed(&codes::BAD_VALUE, node_name).map(|at| at.value),
            None => Some(host_name()),
        };
        let mut limits = ledger::Limits::default();
        deadline(&mut table, "wait", &mut limits.wait);
        bound(&mut table, "pending", &mut limits.pending);
        bound(&mut table, "record", &mut limits.record);
        if let Some(segment) = table.optional_size("segment", 1 << 16..=LARGEST) {
            limits.segment = segment.value;
        }
        let checkpoint = table.optional_duration("checkpoint", OFTENEST..=SELDOMEST);
        let checkpoint = checkpoint.map_or(CHECKPOINT, |at| at.value);
        let anchor = match table.optional_table("anchor") {
            Some(anchor) => Some(self.anchor_of_ledger(anchor, directory.as_ref())?),
            None => None,
        };
        let retention = match table.optional_table("retention") {
            Some(retention) => Some(terms(&retention, self.file)?),
            None => None,
        };
        let (retention, retention_names) = retention.unzip();
        let retention_names = retention_names.unwrap_or_default();
        table.finish();
        Some(Ledger {
            directory: directory?,
            node: node?,
            limits,
            checkpoint,
            anchor,
            retention,
            retention_names,
        })
    }

    /// Exactly one of `file`, `syslog` and `http`.
    fn anchor_of_ledger(
        &self,
        mut table: Table<'_>,
        directory: Option<&At<std::path::PathBuf>>,
    ) -> Option<At<AnchorSettings>> {
        let span = table.span();
        let (file, syslog, http) = (table.optional("file"), table.optional("syslog"), table.optional("http"));
        let ca = table.optional("ca");
        let unprotected = table.optional_bool("unprotected").is_some_and(|at| at.value);
        table.finish();
        let one = [&file, &syslog, &http].into_iter().flatten().count() == 1;
        if !one || http.is_none() && ca.is_some() {
            let message = "an anchor is one of `file`, `syslog` and `http`, the last with `ca`";
            let value = [file, syslog, http, ca].into_iter().flatten().next()?;
            value.fault(&codes::BAD_VALUE, message, "here", None);
            return None;
        }
        let settings = if let Some(value) = file {
            let path = self.folder.join(value.string()?.value);
            if directory.is_some_and(|directory| path.starts_with(&directory.value)) {
                let help = "a file on another machine's disk, which tavs can only append to";
                let message = "an anchor beside the ledger is lost or changed with it";
                value.fault(&codes::BAD_VALUE, message, "inside the ledger", Some(help.to_owned()));
                return None;
            }
            AnchorSettings::File(path)
        } else if let Some(value) = syslog {
            AnchorSettings::Syslog(self.folder.join(value.string()?.value))
        } else {
            let url = http?.parsed(&codes::BAD_VALUE, upstream_url)?.value;
            let ca = match ca {
                Some(value) => self.upstream_ca(Some(value))?,
                None => UpstreamCa::System,
            };
            let (server, target) = split_url(&url);
            let server = UpstreamSettings { unprotected, ..UpstreamSettings::new(server, ca) };
            AnchorSettings::Http { server: Box::new(server), target: target.to_owned() }
        };
        Some(At::new(settings, span))
    }
}

/// `default`, and names of purposes and categories with their places.
fn terms(table: &Table<'_>, file: &str) -> Option<(Terms, Vec<At<String>>)> {
    let (mut default, mut named, mut good) = (None, BTreeMap::new(), true);
    let mut names = Vec::new();
    for (name, value) in table.entries() {
        match value.parsed(&codes::BAD_VALUE, retention_span) {
            Some(span) if name.value == "default" => default = Some(span.value),
            Some(span) => {
                names.push(At::new(name.value.to_owned(), name.span.clone()));
                named.insert(name.value.to_owned(), span.value);
            }
            None => good = false,
        }
    }
    if default.is_none() && good {
        let message = "`[ledger.retention]` has no `default`";
        let found = Diagnostic::new(&codes::MISSING_NAME, file, table.span(), message, "here");
        table.report(found.help("add `default = \"5 years\"`: how long records of other purposes are kept"));
    }
    Some((Terms { default: default.filter(|_| good)?, named }, names))
}

/// `https://host` and the path.
fn split_url(url: &str) -> (&str, &str) {
    let authority = url.find("://").map_or(0, |at| at.saturating_add(3));
    let path = url.get(authority..).and_then(|rest| rest.find('/')).map(|at| at.saturating_add(authority));
    path.and_then(|at| url.split_at_checked(at)).unwrap_or((url, "/"))
}
