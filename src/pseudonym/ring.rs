//! The key ring: independent random secrets, one for each pseudonymisation domain and version,
//! one for the ledger's subject ids, one for its checkpoints, and one for what the registry seals.
//!
//! ```toml
//! ring = 1
//! [[secret]]
//! use = "domain"
//! name = "sms-reminders"
//! version = 2
//! state = "active"
//! made = "2026-11-25T08:00:00Z"
//! from = "2026-11-26T01:00:00Z"
//! secret = "…64 hexadecimal digits…"
//! ```
//!
//! Of a domain's versions one makes pseudonyms at any instant: the latest whose `from` has come. Those
//! before it still resolve, until they are closed; a destroyed one has no secret any more.

mod error;
mod text;

use hkdf::Hkdf;
use jiff::Timestamp;
use serde::Deserialize;
use sha2::Sha256;
use zeroize::Zeroizing;

pub use self::error::RingError;
pub use self::text::NewVersion;
use super::{CheckpointKey, Pseudonymiser, RegistryKey, Scheme, Shifter, SubjectKey, shifting};
use crate::secret::Secret;

/// The only format that this version reads.
const FORMAT: u32 = 1;
/// A key version stands in every pseudonym; four digits at most, or a run of six could occur.
pub const MAX_VERSION: u32 = 9999;

/// What a secret is for. Secrets of two uses are never derived from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretUse {
    /// Pseudonyms of one domain.
    Domain,
    /// Subject ids of the ledger.
    LedgerSubjects,
    /// Signatures of the ledger's checkpoints.
    Checkpoints,
    /// Persons' numbers beside entries of the registry.
    Registry,
}

impl SecretUse {
    /// The word of the ring file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Domain => "domain",
            Self::LedgerSubjects => "ledger-subjects",
            Self::Checkpoints => "checkpoints",
            Self::Registry => "registry",
        }
    }
}

/// What a key version may do at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its cut-over lies ahead.
    Pending,
    /// Makes pseudonyms, and resolves them.
    Active,
    /// Another has taken its place: resolves what it once made.
    ResolveOnly,
    /// Refused.
    Closed,
    /// Its secret is gone.
    Destroyed,
}

impl Standing {
    /// How listings call it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::ResolveOnly => "resolve-only",
            Self::Closed => "closed",
            Self::Destroyed => "destroyed",
        }
    }
}

/// Secrets by use, name and version, as they stand at one instant.
#[derive(Debug)]
pub struct KeyRing {
    versions: Vec<KeyVersion>,
    backups: Vec<Backup>,
    now: Timestamp,
    /// Where secrets come from that are not listed: only for keys that are thrown away.
    seed: Option<Secret>,
}

/// One secret of a ring.
#[derive(Debug, Clone)]
pub struct KeyVersion {
    /// What it is for.
    pub used: SecretUse,
    /// The domain, if it is for one; else empty.
    pub name: String,
    /// Counts up within a use and name.
    pub version: u32,
    state: State,
    /// When it was made, where that is known.
    pub made: Option<Timestamp>,
    /// From when on it makes pseudonyms; `None` is since ever.
    pub from: Option<Timestamp>,
    /// Who changed it last, and why, as far as it was said; for the ledger.
    pub said: Said,
    secret: Option<Secret>,
}

/// Who changes a ring, and why.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// Who.
    pub who: Option<String>,
    /// Why: the case, never a person.
    pub why: Option<String>,
}

/// A copy of the ring that was made: what it holds cannot be destroyed here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// Names it; the backup itself says the same.
    pub id: String,
    /// When it was made.
    pub made: Timestamp,
    /// Where it was written to.
    pub file: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Active,
    Closed,
    Destroyed,
    /// Destroyed before its cut-over: it made nothing, and never takes over.
    Withdrawn,
}

/// A key version, and the key derived from its secret.
type Derived = (u32, Zeroizing<[u8; 32]>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    ring: u32,
    #[serde(default)]
    secret: Vec<WrittenSecret>,
    #[serde(default)]
    backup: Vec<Backup>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSecret {
    r#use: SecretUse,
    #[serde(default)]
    name: String,
    version: u32,
    state: State,
    made: Option<Timestamp>,
    from: Option<Timestamp>,
    who: Option<String>,
    why: Option<String>,
    secret: Option<Zeroizing<String>>,
}

impl KeyRing {
    /// Reads a ring file's text, as it stands at `now`.
    ///
    /// # Errors
    /// A [`RingError`] that says which secret is wrong, never what it is.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, RingError> {
        let written: Written = toml::from_str(text)
            .map_err(|error| RingError::Syntax { offset: error.span().map_or(0, |span| span.start) })?;
        if written.ring != FORMAT {
            return Err(RingError::Format { found: written.ring });
        }
        let mut ring = Self { versions: Vec::new(), backups: written.backup, now, seed: None };
        for (index, secret) in written.secret.into_iter().enumerate() {
            ring.add(index.saturating_add(1), secret)?;
        }
        Ok(ring)
    }

    fn add(&mut self, number: usize, written: WrittenSecret) -> Result<(), RingError> {
        if !(1..=MAX_VERSION).contains(&written.version) {
            return Err(RingError::Version { number });
        }
        let secret = match (written.state, written.secret) {
            (State::Destroyed | State::Withdrawn, None) => None,
            (State::Active | State::Closed, Some(text)) => Some(read_secret(&text, number)?),
            (State::Destroyed | State::Withdrawn, Some(_)) | (State::Active | State::Closed, None) => {
                return Err(RingError::State { number });
            }
        };
        let repeats = |one: &KeyVersion| match (&one.secret, &secret) {
            (Some(one), Some(other)) => one.expose() == other.expose(),
            (None, _) | (_, None) => false,
        };
        if self.versions.iter().any(repeats) {
            return Err(RingError::Repeated { number });
        }
        if written.made.is_some_and(|made| made > self.now) {
            return Err(RingError::ClockBack { number });
        }
        let new = KeyVersion {
            used: written.r#use,
            name: written.name,
            version: written.version,
            state: written.state,
            made: written.made,
            from: written.from,
            said: Said { who: written.who, why: written.why },
            secret,
        };
        self.fits(number, &new)?;
        self.versions.push(new);
        Ok(())
    }

    /// Versions count up, and each that begins does so after the one before it.
    fn fits(&self, number: usize, new: &KeyVersion) -> Result<(), RingError> {
        for other in self.versions.iter().filter(|one| (one.used, &one.name) == (new.used, &new.name)) {
            if new.used != SecretUse::Domain || other.version == new.version {
                return Err(RingError::Twice { number });
            }
            if [other.state, new.state].contains(&State::Withdrawn) {
                continue;
            }
            if other.from == new.from {
                return Err(RingError::Twice { number });
            }
            if (other.version < new.version) != (other.from < new.from) {
                return Err(RingError::Order { number });
            }
        }
        Ok(())
    }

    /// A ring that has every domain, with secrets derived from `seed`: for `tavs test` and
    /// `tavs rewrite`, whose pseudonyms must be of no use against the live ones.
    #[must_use]
    pub fn throw_away(seed: [u8; 32]) -> Self {
        let now = Timestamp::UNIX_EPOCH;
        Self { versions: Vec::new(), backups: Vec::new(), now, seed: Some(Secret::new(seed)) }
    }

    /// Every version, in the file's order.
    #[must_use]
    pub fn versions(&self) -> &[KeyVersion] {
        &self.versions
    }

    /// The backups that were made of it.
    #[must_use]
    pub fn backups(&self) -> &[Backup] {
        &self.backups
    }

    /// What a version may do now.
    #[must_use]
    pub fn standing(&self, version: &KeyVersion) -> Standing {
        match version.state {
            State::Closed => Standing::Closed,
            State::Destroyed | State::Withdrawn => Standing::Destroyed,
            State::Active if version.from > Some(self.now) => Standing::Pending,
            State::Active => match self.active(version.used, &version.name) {
                Some(active) if active.version == version.version => Standing::Active,
                Some(_) | None => Standing::ResolveOnly,
            },
        }
    }

    /// Versions of domains whose secret is gone: what was made by them cannot be opened any more.
    pub fn destroyed(&self) -> impl Iterator<Item = (&str, u32)> {
        let gone = |one: &&KeyVersion| {
            one.used == SecretUse::Domain && matches!(one.state, State::Destroyed | State::Withdrawn)
        };
        self.versions.iter().filter(gone).map(|one| (one.name.as_str(), one.version))
    }

    /// When the next version takes over, for the ring to be read again then.
    #[must_use]
    pub fn next_cut_over(&self) -> Option<Timestamp> {
        let to_come = self.versions.iter().filter(|one| one.state != State::Withdrawn);
        to_come.filter_map(|one| one.from).filter(|from| *from > self.now).min()
    }

    /// The latest whose time has come. If that is closed or destroyed there is none: an older one
    /// must not come back.
    fn active(&self, used: SecretUse, name: &str) -> Option<&KeyVersion> {
        let begun = |one: &&KeyVersion| {
            one.used == used
                && one.name == name
                && one.state != State::Withdrawn
                && one.from.is_none_or(|from| from <= self.now)
        };
        let latest = self.versions.iter().filter(begun).max_by_key(|one| one.version)?;
        (latest.state == State::Active).then_some(latest)
    }

    /// Whether the domain has a secret that makes pseudonyms now.
    #[must_use]
    pub fn has_domain(&self, domain: &str) -> bool {
        self.seed.is_some() || self.active(SecretUse::Domain, domain).is_some()
    }

    /// The maker of the domain's pseudonyms, which resolves those of its older versions, too.
    ///
    /// # Errors
    /// [`RingError::NoDomain`] if the ring has no secret for it.
    pub fn pseudonymiser(&self, domain: &str, scheme: Scheme) -> Result<Pseudonymiser, RingError> {
        let unknown = || RingError::NoDomain { domain: domain.to_owned() };
        let mut maker = match (self.active(SecretUse::Domain, domain), &self.seed) {
            (Some(active), _) => {
                Pseudonymiser::new(scheme, (domain, active.version), false, |info| active.key(info))?
            }
            (None, Some(seed)) => {
                Pseudonymiser::new(scheme, (domain, 1), true, |info| key_below(seed, info, domain))?
            }
            (None, None) => return Err(unknown()),
        };
        let older = |one: &&KeyVersion| {
            let of_domain = one.used == SecretUse::Domain && one.name == domain;
            of_domain && self.standing(one) == Standing::ResolveOnly
        };
        for one in self.versions.iter().filter(older) {
            let version = (domain, one.version);
            maker.resolves_also(Pseudonymiser::new(scheme, version, false, |info| one.key(info))?);
        }
        Ok(maker)
    }

    /// The maker of one version's pseudonyms, whatever its standing, if its secret is there: to map
    /// those of one version to those of another.
    ///
    /// # Errors
    /// [`RingError::NoVersion`] if there is no such secret.
    pub fn pseudonymiser_of(
        &self,
        domain: &str,
        scheme: Scheme,
        version: u32,
    ) -> Result<Pseudonymiser, RingError> {
        let wanted =
            |one: &&KeyVersion| one.used == SecretUse::Domain && one.name == domain && one.version == version;
        let found = self.versions.iter().find(wanted).filter(|one| one.secret.is_some());
        let found = found.ok_or_else(|| RingError::NoVersion { domain: domain.to_owned(), version })?;
        Pseudonymiser::new(scheme, (domain, version), false, |info| found.key(info))
    }

    /// What draws the shifts of a domain's dates, under the active version of its secret.
    ///
    /// # Errors
    /// [`RingError::NoDomain`] if the ring has no active secret for it.
    pub fn shifter(&self, domain: &str) -> Result<Shifter, RingError> {
        let (version, key) = self
            .derive(SecretUse::Domain, domain, shifting::KEY_INFO)?
            .ok_or_else(|| RingError::NoDomain { domain: domain.to_owned() })?;
        Shifter::new(&key, domain, version)
    }

    /// The maker of the ledger's subject ids.
    ///
    /// # Errors
    /// [`RingError::NoSubjects`] if the ring has no secret for it.
    pub fn subject_key(&self) -> Result<SubjectKey, RingError> {
        let (_version, key) = self
            .derive(SecretUse::LedgerSubjects, "", b"tavs ledger subject")?
            .ok_or(RingError::NoSubjects)?;
        SubjectKey::new(&key)
    }

    /// What signs the ledger's checkpoints.
    ///
    /// # Errors
    /// [`RingError::NoCheckpoints`] if the ring has no secret for it.
    pub fn checkpoint_key(&self) -> Result<CheckpointKey, RingError> {
        let (_version, seed) = self
            .derive(SecretUse::Checkpoints, "", b"tavs ledger checkpoint")?
            .ok_or(RingError::NoCheckpoints)?;
        CheckpointKey::new(&seed)
    }

    /// What seals persons' numbers in the registry.
    ///
    /// # Errors
    /// [`RingError::NoRegistry`] if the ring has no secret for it.
    pub fn registry_key(&self) -> Result<RegistryKey, RingError> {
        let (version, key) =
            self.derive(SecretUse::Registry, "", b"tavs registry")?.ok_or(RingError::NoRegistry)?;
        RegistryKey::new(version, &key)
    }

    fn derive(&self, used: SecretUse, name: &str, info: &[u8]) -> Result<Option<Derived>, RingError> {
        match (self.active(used, name), &self.seed) {
            (Some(active), _) => Ok(Some((active.version, active.key(info)?))),
            (None, Some(seed)) => Ok(Some((1, key_below(seed, info, name)?))),
            (None, None) => Ok(None),
        }
    }
}

impl KeyVersion {
    /// What it is for, in words of the ring file: `domain sms-reminders version 2`.
    #[must_use]
    pub fn label(&self) -> String {
        let name = if self.name.is_empty() { String::new() } else { format!(" {}", self.name) };
        format!("{}{name} version {}", self.used.word(), self.version)
    }

    /// What the file says of it, whatever the time: `active`, `active from INSTANT`, `closed`, `destroyed`.
    #[must_use]
    pub fn state(&self) -> String {
        match (self.state, self.from) {
            (State::Active, None) => "active".to_owned(),
            (State::Active, Some(from)) => format!("active from {from}"),
            (State::Closed, _) => "closed".to_owned(),
            (State::Destroyed | State::Withdrawn, _) => "destroyed".to_owned(),
        }
    }

    /// The key for one use below the secret.
    fn key(&self, info: &[u8]) -> Result<Zeroizing<[u8; 32]>, RingError> {
        key_below(self.secret.as_ref().ok_or(RingError::Derivation)?, info, "")
    }
}

/// HKDF-SHA256 (RFC 5869) below the secret: one use, one key.
fn key_below(secret: &Secret, info: &[u8], name: &str) -> Result<Zeroizing<[u8; 32]>, RingError> {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, secret.expose())
        .expand_multi_info(&[info, b"\0", name.as_bytes()], key.as_mut())
        .map_err(|_length| RingError::Derivation)?;
    Ok(key)
}

fn read_secret(text: &Zeroizing<String>, number: usize) -> Result<Secret, RingError> {
    let bytes = Zeroizing::new(
        data_encoding::HEXLOWER_PERMISSIVE
            .decode(text.as_bytes())
            .map_err(|_not_hex| RingError::Secret { number })?,
    );
    let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_length| RingError::Secret { number })?;
    Ok(Secret::new(bytes))
}

#[cfg(test)]
mod tests;
