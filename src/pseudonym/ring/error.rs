//! Why a key ring cannot be used.

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
    /// A secret where its state has none, or none where it has one.
    #[error(
        "secret {number} of the key ring: only a destroyed one has no `secret`, and every other one has it"
    )]
    State {
        /// Its place in the file, from 1.
        number: usize,
    },
    /// Two secrets that could be active at the same time.
    #[error(
        "secret {number} of the key ring is a second one for its use, name and instant; only a domain has several versions, each with its own `version` and `from`"
    )]
    Twice {
        /// Its place in the file, from 1.
        number: usize,
    },
    /// A newer version that begins before an older one.
    #[error("secret {number} of the key ring: a higher version must have a later `from`")]
    Order {
        /// Its place in the file, from 1.
        number: usize,
    },
    /// The ring has a secret from the future.
    #[error(
        "secret {number} of the key ring was made after the time that this machine's clock shows; set the clock: an older key version would come back"
    )]
    ClockBack {
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
        "the key ring has no secret for domain `{domain}`; add one with `tavs keys new RING --add --domain {domain}`, RING being the file that tavs.toml names"
    )]
    NoDomain {
        /// The policy's domain.
        domain: String,
    },
    /// No such version, or its secret is destroyed.
    #[error("the key ring has no secret of version {version} for domain `{domain}`")]
    NoVersion {
        /// The domain.
        domain: String,
        /// The version.
        version: u32,
    },
    /// No secret for subject ids.
    #[error("the key ring has no secret for `ledger-subjects`; make one with `tavs keys new`")]
    NoSubjects,
    /// No secret for checkpoints.
    #[error("the key ring has no secret for `checkpoints`")]
    NoCheckpoints,
    /// No secret for the registry.
    #[error("the key ring has no secret for `registry`")]
    NoRegistry,
    /// Key derivation failed; cannot happen with secrets of 32 bytes.
    #[error("a key could not be derived")]
    Derivation,
}
