//! The key ring: independent random secrets, one for each pseudonymisation domain and version,
//! one for the ledger's subject ids, one for its checkpoints, and one for what the registry seals.
//!
//! ```toml
//! ring = 1
//! [[secret]]
//! use = "domain"
//! name = "sms-reminders"
//! version = 1
//! state = "active"
//! secret = "…64 hexadecimal digits…"
//! ```

use std::collections::BTreeMap;

use hkdf::Hkdf;
use serde::Deserialize;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{CheckpointKey, Pseudonymiser, RegistryKey, Scheme, SubjectKey};
use crate::secret::Secret;

/// The only format that this version reads.
const FORMAT: u32 = 1;
/// A key version stands in every pseudonym; four digits at most, or a run of six could occur.
const MAX_VERSION: u32 = 9999;

/// What a secret is for. Secrets of two uses are never derived from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretUse {
    /// Pseudonyms of one domain.
    Domain,
    /// Subject ids of the ledger.
    LedgerSubjects,
    /// Persons' numbers beside entries of the registry.
    Registry,
    /// Signatures of the ledger's checkpoints.
    Checkpoints,
}

/// Secrets by use and name.
#[derive(Debug)]
pub struct KeyRing {
    secrets: BTreeMap<(SecretUse, String), Entry>,
    /// Where secrets come from that are not listed: only for keys that are thrown away.
    seed: Option<Secret>,
}

#[derive(Debug)]
struct Entry {
    version: u32,
    secret: Secret,
}

/// A key version, and the key derived from its secret.
type Derived = (u32, Zeroizing<[u8; 32]>);

/// Why a key ring cannot be used. Never holds what stands in the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// Not the TOML that a ring is.
    #[error(
        "the key ring is not readable TOML of the expected form, at byte {offset}; make one with `tavs keys new`"
    )]
    Syntax {
        /// Where the reader stopped.
        offset: usize,
    },
    /// Another format.
    #[error("the key ring has format {found}; this version reads format 1")]
    Format {
        /// The number in the file.
        found: u32,
    },
    /// A secret that is not 64 hexadecimal digits.
    #[error("secret {number} of the key ring is not 64 hexadecimal digits")]
    Secret {
        /// Its place in the file, from 1.
        number: usize,
    },
    /// A key version outside 1 to 9999.
    #[error("secret {number} of the key ring has a version outside 1 to 9999")]
    Version {
        /// Its place in the file, from 1.
        number: usize,
    },
    /// Two active secrets for one use and name.
    #[error("secret {number} of the key ring is a second active one for its use and name")]
    Twice {
        /// Its place in the file, from 1.
        number: usize,
    },
    /// Two uses share one secret.
    #[error("secret {number} of the key ring repeats another: secrets must be independent")]
    Repeated {
        /// Its place in the file, from 1.
        number: usize,
    },
    /// No secret for a domain that a policy names.
    #[error(
        "the key ring has no secret for domain `{domain}`; add one with `tavs keys new --add --domain {domain}`"
    )]
    NoDomain {
        /// The policy's domain.
        domain: String,
    },
    /// No secret for subject ids.
    #[error("the key ring has no secret for `ledger-subjects`; make one with `tavs keys new`")]
    NoSubjects,
    /// No secret for the registry.
    #[error("the key ring has no secret for `registry`")]
    NoRegistry,
    /// No secret for checkpoints.
    #[error("the key ring has no secret for `checkpoints`")]
    NoCheckpoints,
    /// Key derivation failed; cannot happen with secrets of 32 bytes.
    #[error("a key could not be derived")]
    Derivation,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    ring: u32,
    #[serde(default)]
    secret: Vec<WrittenSecret>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSecret {
    r#use: SecretUse,
    #[serde(default)]
    name: String,
    version: u32,
    state: State,
    secret: Zeroizing<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Active,
}

impl KeyRing {
    /// Reads a ring file's text.
    ///
    /// # Errors
    /// A [`RingError`] that says which secret is wrong, never what it is.
    pub fn parse(text: &str) -> Result<Self, RingError> {
        let written: Written = toml::from_str(text)
            .map_err(|error| RingError::Syntax { offset: error.span().map_or(0, |span| span.start) })?;
        if written.ring != FORMAT {
            return Err(RingError::Format { found: written.ring });
        }
        let mut ring = Self { secrets: BTreeMap::new(), seed: None };
        for (index, secret) in written.secret.into_iter().enumerate() {
            ring.add(index.saturating_add(1), secret)?;
        }
        Ok(ring)
    }

    fn add(&mut self, number: usize, written: WrittenSecret) -> Result<(), RingError> {
        let State::Active = written.state;
        if !(1..=MAX_VERSION).contains(&written.version) {
            return Err(RingError::Version { number });
        }
        let bytes = Zeroizing::new(
            data_encoding::HEXLOWER_PERMISSIVE
                .decode(written.secret.as_bytes())
                .map_err(|_not_hex| RingError::Secret { number })?,
        );
        let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_length| RingError::Secret { number })?;
        if self.secrets.values().any(|other| other.secret.expose() == &bytes) {
            return Err(RingError::Repeated { number });
        }
        let entry = Entry { version: written.version, secret: Secret::new(bytes) };
        match self.secrets.insert((written.r#use, written.name), entry) {
            None => Ok(()),
            Some(_) => Err(RingError::Twice { number }),
        }
    }

    /// A ring that has every domain, with secrets derived from `seed`: for `tavs test` and
    /// `tavs rewrite`, whose pseudonyms must be of no use against the live ones.
    #[must_use]
    pub fn throw_away(seed: [u8; 32]) -> Self {
        Self { secrets: BTreeMap::new(), seed: Some(Secret::new(seed)) }
    }

    /// Whether the domain has a secret.
    #[must_use]
    pub fn has_domain(&self, domain: &str) -> bool {
        self.seed.is_some() || self.secrets.contains_key(&(SecretUse::Domain, domain.to_owned()))
    }

    /// The maker of the domain's pseudonyms.
    ///
    /// # Errors
    /// [`RingError::NoDomain`] if the ring has no secret for it.
    pub fn pseudonymiser(&self, domain: &str, scheme: Scheme) -> Result<Pseudonymiser, RingError> {
        let (version, key) = self
            .derive(SecretUse::Domain, domain, scheme.key_info())?
            .ok_or_else(|| RingError::NoDomain { domain: domain.to_owned() })?;
        Pseudonymiser::new(scheme, domain, version, &key)
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

    /// What seals persons' numbers in the registry.
    ///
    /// # Errors
    /// [`RingError::NoRegistry`] if the ring has no secret for it.
    pub fn registry_key(&self) -> Result<RegistryKey, RingError> {
        let (version, key) =
            self.derive(SecretUse::Registry, "", b"tavs registry")?.ok_or(RingError::NoRegistry)?;
        RegistryKey::new(version, &key)
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

    /// HKDF-SHA256 (RFC 5869) below the secret: one use, one key.
    fn derive(&self, used: SecretUse, name: &str, info: &[u8]) -> Result<Option<Derived>, RingError> {
        let entry = self.secrets.get(&(used, name.to_owned()));
        let (version, secret, name) = match (entry, &self.seed) {
            (Some(entry), _) => (entry.version, &entry.secret, ""),
            (None, Some(seed)) => (1, seed, name),
            (None, None) => return Ok(None),
        };
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(None, secret.expose())
            .expand_multi_info(&[info, b"\0", name.as_bytes()], key.as_mut())
            .map_err(|_length| RingError::Derivation)?;
        Ok(Some((version, key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(secrets: &[(&str, &str, u32, char)]) -> String {
        let mut text = String::from("ring = 1\n");
        for (used, name, version, digit) in secrets {
            let secret: String = std::iter::repeat_n(*digit, 64).collect();
            text += &format!(
                "[[secret]]\nuse = \"{used}\"\nname = \"{name}\"\nversion = {version}\nstate = \"active\"\nsecret = \"{secret}\"\n"
            );
        }
        text
    }

    #[test]
    fn a_ring_gives_the_keys_that_it_lists_and_no_others() {
        let ring =
            KeyRing::parse(&ring(&[("domain", "a", 2, 'a'), ("ledger-subjects", "", 1, 'b')])).unwrap();
        assert!(ring.has_domain("a") && !ring.has_domain("b"));
        assert!(ring.subject_key().is_ok());
        assert_eq!(ring.registry_key().unwrap_err(), RingError::NoRegistry);
        assert_eq!(ring.checkpoint_key().unwrap_err(), RingError::NoCheckpoints);
        assert_eq!(
            ring.pseudonymiser("b", Scheme::Keyed).unwrap_err(),
            RingError::NoDomain { domain: "b".into() }
        );
    }

    #[test]
    fn mistakes_in_a_ring_are_named_by_place_and_never_quoted() {
        for (text, wanted) in [
            ("ring = 2".to_owned(), RingError::Format { found: 2 }),
            (ring(&[("domain", "a", 0, 'a')]), RingError::Version { number: 1 }),
            (ring(&[("domain", "a", 10000, 'a')]), RingError::Version { number: 1 }),
            (ring(&[("domain", "a", 1, 'x')]), RingError::Secret { number: 1 }),
            (ring(&[("domain", "a", 1, 'a'), ("domain", "b", 1, 'a')]), RingError::Repeated { number: 2 }),
            (ring(&[("domain", "a", 1, 'a'), ("domain", "a", 2, 'b')]), RingError::Twice { number: 2 }),
        ] {
            assert_eq!(KeyRing::parse(&text).unwrap_err(), wanted);
        }
        assert!(matches!(KeyRing::parse("secret = 5"), Err(RingError::Syntax { .. })));
    }
}
