//! The running state, from the configuration and every file that it names: whole, or every
//! mistake.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::declared::{self, Declared};
use crate::clock::Clock;
use crate::config::private::PrivateError;
use crate::config::{
    Api, Config, Findings, KeySourceError, PolicyFiles, check_retention, cross_check, read_policies,
};
use crate::http::OwnNames;
use crate::http::problem::Problems;
use crate::identity::Register;
use crate::ledger::Anchor;
use crate::ledger::checkpoint::Keeping;
use crate::limits::Limits;
use crate::net::tls::ExpiryOf;
use crate::net::{TlsError, TlsState, Upstream, UpstreamSetupError};
use crate::officer::{Clients, InForce};
use crate::policy::check::check_to_serve;
use crate::policy::checked::Policy;
use crate::policy::codes::{self, Code};
use crate::policy::diagnostic::Diagnostic;
use crate::policy::running::{BuildError, PolicySet};
use crate::policy::syntax::SourceFile;
use crate::proxy::{Parts, State};
use crate::pseudonym::{KeyRing, RingError};
use crate::telemetry::Metrics;

/// All that a reload replaces, of one reading.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) state: State,
    /// The texts of its policies.
    pub(super) files: Vec<SourceFile>,
    pub(super) names: InForce,
    /// None without `[api]`.
    pub(super) api: Option<(TlsState, Clients)>,
    /// What the ledger must say of keys and officers before this serves.
    pub(super) declared: Vec<Declared>,
    /// Key versions whose secret is gone, by their domain: the store may forget their pseudonyms.
    pub(super) destroyed: Vec<(String, u32)>,
    /// What was found and does not keep it from taking effect.
    pub(super) warnings: Findings,
}

/// Builds a state; `limits` are those until now.
pub(super) fn state(config: &Config, clock: &Clock, limits: Limits) -> Result<Built, Findings> {
    let read = read_policies(config);
    let (policies, mut found) = check_to_serve(&read.files, clock.today());
    let ring = key_ring(config, clock, &mut found);
    found.extend(read.files.iter().flat_map(|policy| cross_check(config, ring.as_ref(), policy)));
    found.extend(check_retention(config, &read.files));
    let api = match &config.api {
        Some(settings) => api(config, settings, clock, &mut found).map(Some),
        None => Some(None),
    };
    let tls = TlsState::load(&config.tls, clock);
    let tls = tls.map_err(|error| found.push(tls_fault(config, &error))).ok();
    let upstreams = upstreams(config, clock, &mut found);
    let names = OwnNames::new(config.listen.names.iter().map(String::as_str));
    let names = names.map_err(|name| found.push(name_fault(config, name))).ok();
    let identities = policies.iter().map(|policy| {
        let Policy { recipient, identity, .. } = policy;
        (recipient.id.clone(), identity.anchor.clone(), identity.presented.clone())
    });
    let register = Register::new(identities.collect());
    let register = register.map_err(|error| found.push(general(config, error.to_string()))).ok();
    let cut_over = ring.as_ref().and_then(KeyRing::next_cut_over);
    let declared = ring.as_ref().map(|ring| declared::of(ring, &config.officers)).unwrap_or_default();
    let destroyed = ring.iter().flat_map(KeyRing::destroyed);
    let destroyed = destroyed.map(|(domain, version)| (domain.to_owned(), version)).collect();
    let set = compiled(config, policies, &read, ring, &mut found);
    let files = read.files.clone();
    let findings = read.into_findings(config, found);
    match (set, register, tls, upstreams, names, api) {
        (Some((policies, in_force)), Some(register), Some(tls), Some(upstreams), Some(names), Some(api)) => {
            let tls = Arc::new(tls);
            let problems = Problems::at(config.listen.names.first().map_or("localhost", String::as_str));
            let lookups = config.lookups.clone().into_iter().collect();
            let parts =
                Parts { policies, register, limits, upstreams, lookups, tls, names, problems, cut_over };
            let state = State::new(parts);
            Ok(Built { state, files, names: in_force, api, declared, destroyed, warnings: findings })
        }
        _ => Err(findings),
    }
}

/// What officers' words are held against, of policies and keys alone.
///
/// # Errors
/// Every mistake in them.
pub fn names(config: &Config, clock: &Clock) -> Result<InForce, Findings> {
    let read = read_policies(config);
    let (policies, mut found) = check_to_serve(&read.files, clock.today());
    let ring = key_ring(config, clock, &mut found);
    let set = compiled(config, policies, &read, ring, &mut found);
    let findings = read.into_findings(config, found);
    set.map(|(_policies, names)| names).ok_or(findings)
}

/// Only what has no mistakes is compiled: a plan's own errors would repeat them.
fn compiled(
    config: &Config,
    policies: Vec<Policy>,
    read: &PolicyFiles,
    ring: Option<KeyRing>,
    found: &mut Vec<Diagnostic>,
) -> Option<(PolicySet, InForce)> {
    let sound = !found.iter().chain(&read.findings).any(Diagnostic::is_error);
    let ring = ring.filter(|_| sound)?;
    match PolicySet::build(policies, &ring) {
        // `key_ring` has looked whether it has what is needed.
        Ok(set) => {
            let names = InForce::new(&set, &ring, config.officers.clone());
            names.ok().map(|names| (set, names))
        }
        Err(errors) => {
            found.extend(errors.iter().map(|error| plan_fault(&read.files, error)));
            None
        }
    }
}

/// The API's own certificate, and its clients.
fn api(
    config: &Config,
    settings: &Api,
    clock: &Clock,
    found: &mut Vec<Diagnostic>,
) -> Option<(TlsState, Clients)> {
    let tls = TlsState::load(&settings.tls, clock);
    let tls = tls.map_err(|error| found.push(tls_fault(config, &error))).ok();
    let clients = settings.clients.iter();
    let clients = clients.map(|one| (one.name.clone(), one.presented.clone(), one.roles.clone()));
    let clients = Clients::new(&settings.anchor, clients, clock.clone());
    let clients = clients.map_err(|error| {
        let message = format!("in [api], {error}");
        found.push(config.fault(&codes::BAD_VALUE, &settings.address, message));
    });
    Some((tls?, clients.ok()?))
}

/// What checkpoints of the ledger are made with: from the same files as the state.
pub(super) fn keeping(config: &Config, clock: &Clock, metrics: &Metrics) -> Result<Keeping, Findings> {
    let mut found = Vec::new();
    let anchor = config.ledger.anchor.as_ref();
    let anchor = anchor.map(|at| match Anchor::new(&at.value, clock) {
        Ok(anchor) => Some(anchor),
        Err(UpstreamSetupError::Tls(error)) => {
            found.push(tls_fault(config, &error));
            None
        }
        Err(error) => {
            found.push(config.fault(&codes::BAD_VALUE, at, error.to_string()));
            None
        }
    });
    let key = key_ring(config, clock, &mut found).and_then(|ring| ring.checkpoint_key().ok());
    match (key, anchor) {
        (Some(key), anchor) if found.is_empty() => Ok(Keeping {
            key,
            every: config.ledger.checkpoint,
            anchor: anchor.flatten(),
            clock: clock.clone(),
            metrics: metrics.clone(),
        }),
        _ => Err(config.findings(found)),
    }
}

fn key_ring(config: &Config, clock: &Clock, found: &mut Vec<Diagnostic>) -> Option<KeyRing> {
    let source = &config.keys;
    let text = match source.value.read() {
        Ok(text) => text,
        Err(error) => {
            let exposed = matches!(
                error,
                KeySourceError::Private(PrivateError::Exposed { .. } | PrivateError::OpenFolder { .. })
            );
            let code = if exposed { &codes::SECRET_EXPOSED } else { &codes::FILE_UNREADABLE };
            found.push(config.fault(code, source, error.to_string()));
            return None;
        }
    };
    let checked = KeyRing::parse(&text, clock.timestamp()).and_then(|ring| {
        ring.subject_key()?;
        ring.registry_key()?;
        ring.checkpoint_key()?;
        Ok(ring)
    });
    match checked {
        Ok(ring) => Some(ring),
        Err(error) => {
            let lacking =
                matches!(error, RingError::NoSubjects | RingError::NoRegistry | RingError::NoCheckpoints);
            let code = if lacking { &codes::NO_SECRET } else { &codes::RING_UNUSABLE };
            let fault = config.fault(code, source, error.to_string());
            let mend = format!("tavs keys new {} --add", source.value);
            found.push(if lacking { fault.help(mend) } else { fault });
            None
        }
    }
}

fn upstreams(
    config: &Config,
    clock: &Clock,
    found: &mut Vec<Diagnostic>,
) -> Option<HashMap<String, Upstream>> {
    let mut all = Some(HashMap::new());
    for (name, settings) in &config.upstreams {
        match (Upstream::new(settings.value.clone(), clock), &mut all) {
            (Ok(upstream), Some(all)) => drop(all.insert(name.clone(), upstream)),
            (Ok(_), None) => {}
            (Err(UpstreamSetupError::Tls(error)), _) => {
                found.push(tls_fault(config, &error));
                all = None;
            }
            (Err(error), _) => {
                found.push(config.fault(&codes::BAD_VALUE, settings, error.to_string()));
                all = None;
            }
        }
    }
    all
}

/// A fault of a certificate, key or list, shown where tavs.toml names the file.
fn tls_fault(config: &Config, error: &TlsError) -> Diagnostic {
    let (code, path) = match error {
        TlsError::Unreadable { path, .. } => (&codes::FILE_UNREADABLE, Some(path)),
        TlsError::KeyNotPrivate { path } => (&codes::SECRET_EXPOSED, Some(path)),
        TlsError::NoCertificate { path }
        | TlsError::NoKey { path }
        | TlsError::NoCrl { path }
        | TlsError::BadCa { path } => (&codes::CERTIFICATE_UNUSABLE, Some(path)),
        TlsError::KeyMismatch { key, .. } => (&codes::CERTIFICATE_UNUSABLE, Some(key)),
        TlsError::CrlMissing { .. }
        | TlsError::SharedCa { .. }
        | TlsError::AnchorTwice { .. }
        | TlsError::NoAnchor
        | TlsError::Refused(_) => (&codes::CERTIFICATE_UNUSABLE, None),
    };
    config.fault_of_file(code, path.map_or_else(|| Path::new(""), PathBuf::as_path), error.to_string())
}

/// A route that cannot run, shown where it begins.
fn plan_fault(files: &[SourceFile], error: &BuildError) -> Diagnostic {
    let text = SourceFile::find(files, &error.file).map_or("", |file| file.text.as_str());
    let before = usize::try_from(error.line).unwrap_or(usize::MAX).saturating_sub(1);
    let start: usize = text.split_inclusive('\n').take(before).map(str::len).sum();
    let length = text.get(start..).and_then(|rest| rest.lines().next()).map_or(0, str::len);
    let span = start..start.saturating_add(length);
    let message = format!("route `{}` cannot run: {}", error.route, error.error);
    Diagnostic::new(&codes::BAD_VALUE, &error.file, span, message, "this route")
}

fn name_fault(config: &Config, name: &str) -> Diagnostic {
    general_as(config, &codes::BAD_VALUE, format!("`names` holds `{name}`, which is no host name"))
}

fn general(config: &Config, message: String) -> Diagnostic {
    general_as(config, &codes::BAD_VALUE, message)
}

fn general_as(config: &Config, code: &'static Code, message: String) -> Diagnostic {
    config.fault_of_file(code, Path::new(""), message)
}

/// How logs, metrics and health call what can end.
pub(super) fn name_of(what: &ExpiryOf) -> String {
    match what {
        ExpiryOf::ServerCertificate => "listen.certificate".to_owned(),
        ExpiryOf::Ca(anchor) => format!("anchors.{anchor}.ca"),
        ExpiryOf::Crl(anchor) => format!("anchors.{anchor}.crl"),
    }
}
