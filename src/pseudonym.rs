//! Makes pseudonyms of what values stand for, in one pseudonymisation domain (EDPB Guidelines
//! 01/2025), by one of several schemes.
//!
//! Called by the rewriter for each value that a policy pseudonymises. Pure computation: no file,
//! no clock, no randomness of its own. No secret and no value may be printed, logged or compared
//! in variable time here. `docs/pseudonyms.md` has the derivation in words.

mod canonical;
mod digits;
mod keyed;
mod letters;
mod officer_key;
mod rank;
mod ring;
mod sealed;
mod sealing;
mod shifting;
mod signing;
mod table;

pub use canonical::ValueKind;
pub use officer_key::{OfficerKey, OfficerPublicKey, SigningContext};
pub use ring::{Backup, KeyRing, KeyVersion, MAX_VERSION, NewVersion, RingError, Said, SecretUse, Standing};
pub use sealing::RegistryKey;
pub use shifting::Shifter;
pub use signing::{CheckpointKey, PublicKey, Signature};
pub use table::{
    Blind, ByBlind, Drawn, Known, NONE_KNOWN, Random, Rows, SealedPseudonym, SealedValue, Table, Wanted,
};

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use self::digits::Digits;
use self::keyed::Keyed;
use self::sealed::Sealed;
use crate::cpr::{Kind, Number};
use crate::ids::SubjectId;

/// 128 bits.
const MAC_BYTES: usize = 16;

/// What the identifier systems of D-eCPRs begin with: these numbers are unique within a region.
pub const REGIONAL_SYSTEMS: &str = "urn:oid:1.2.208.176.1.6.1.3";

/// Random bytes of one response, for pseudonyms that must not be linkable to another's.
pub type Salt = [u8; 16];

/// What a pseudonym stands for: the canonical form of the value, and what kind it is.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// `cpr`, `ecpr`, `id`, `phone`, `email` or `text`.
    pub kind: &'a str,
    /// FHIR resource type of an id; empty for persons' numbers.
    pub resource_type: &'a str,
    /// The identifier system, where numbers of two systems may collide (D-eCPR); else empty.
    pub system: &'a str,
    /// Canonical: a CPR is ten digits without separator, an e-CPR in upper case, others as
    /// [`ValueKind::canonical`] has them.
    pub value: &'a str,
}

impl<'a> Input<'a> {
    /// A person's number. Only an e-CPR takes its identifier system along, and only where that is
    /// a region's: those of two regions may be equal.
    #[must_use]
    pub fn number(number: &'a Number, system: &'a str) -> Self {
        let ecpr = number.kind == Kind::Ecpr;
        Self {
            kind: if ecpr { "ecpr" } else { "cpr" },
            resource_type: "",
            system: if ecpr && system.starts_with(REGIONAL_SYSTEMS) { system } else { "" },
            value: number.canonical(),
        }
    }

    /// An upstream's id.
    #[must_use]
    pub const fn id(resource_type: &'a str, id: &'a str) -> Self {
        Self { kind: "id", resource_type, system: "", value: id }
    }

    /// A telephone number, an e-mail address or a text, in its canonical form.
    #[must_use]
    pub const fn value(kind: ValueKind, canonical: &'a str) -> Self {
        Self { kind: kind.word(), resource_type: "", system: "", value: canonical }
    }
}

/// What a pseudonym is salted with (ENISA's three policies).
#[derive(Debug, Clone, Copy)]
pub enum Linkage<'a> {
    /// Deterministic: stable inside the domain.
    Domain,
    /// Document-randomised: stable inside one response.
    Document(&'a Salt),
    /// Fully randomised: the salt and a number that is never used twice with it.
    None(&'a Salt, u64),
}

/// How pseudonyms are made; docs/pseudonyms.md compares them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheme {
    /// A keyed MAC: cannot be resolved.
    #[default]
    Keyed,
    /// The value itself, sealed: can be resolved where a policy grants it.
    Sealed,
    /// Random, in the store beside its value: can be resolved, and destroyed for one person.
    Table,
    /// Ten digits that are nobody's CPR.
    Digits,
}

impl Scheme {
    /// What its pseudonyms begin with, before key version and `-`; `digits` have no prefix.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Keyed => "tvk",
            Self::Sealed => "tvs",
            Self::Table => "tvt",
            Self::Digits => "",
        }
    }

    /// What stands for `0000000000`, which is no person: one constant, or all unknowns would be
    /// linked to each other as if they were one. `None`: it is withheld.
    #[must_use]
    pub const fn nobody(self) -> Option<&'static str> {
        match self {
            Self::Keyed => Some("tvk-nobody"),
            Self::Sealed => Some("tvs-nobody"),
            Self::Table => Some("tvt-nobody"),
            Self::Digits => None,
        }
    }

    /// Whether its pseudonyms can be resolved, where a policy grants it.
    #[must_use]
    pub const fn resolves(self) -> bool {
        matches!(self, Self::Sealed | Self::Table)
    }

    /// Whether a text begins as the pseudonyms of a scheme do that can be resolved.
    #[must_use]
    pub fn could_be_resolved(text: &str) -> bool {
        [Self::Sealed, Self::Table].iter().any(|scheme| {
            let begin = text.get(..scheme.prefix().len());
            begin.is_some_and(|begin| begin.eq_ignore_ascii_case(scheme.prefix()))
        })
    }

    /// What the key is derived for: no two schemes share one.
    const fn key_info(self) -> &'static [u8] {
        match self {
            Self::Keyed => b"tavs pseudonym keyed",
            Self::Sealed => b"tavs pseudonym sealed",
            Self::Table => b"tavs pseudonym table index",
            Self::Digits => b"tavs pseudonym digits",
        }
    }
}

/// The second key of `table`.
const TABLE_SEALING: &[u8] = b"tavs pseudonym table sealing";

/// Makes the pseudonyms of one domain, under the active version of its secret.
#[derive(Clone)]
pub struct Pseudonymiser {
    prefix: String,
    nobody: Option<&'static str>,
    made: Made,
    /// Key versions that resolve and make no pseudonyms any more.
    older: Vec<Self>,
}

#[derive(Clone)]
enum Made {
    Keyed(Keyed),
    Sealed(Arc<Sealed>),
    Table(Arc<Table>),
    Digits(Arc<Digits>),
}

impl Pseudonymiser {
    /// `derive` gives the domain's key for a use. `throw_away`: of keys that are of no other use.
    fn new(
        scheme: Scheme,
        (domain, version): (&str, u32),
        throw_away: bool,
        derive: impl Fn(&[u8]) -> Result<Zeroizing<[u8; 32]>, RingError>,
    ) -> Result<Self, RingError> {
        let key = &*derive(scheme.key_info())?;
        let made = match scheme {
            Scheme::Keyed => Made::Keyed(Keyed::new(key, domain, version)?),
            Scheme::Sealed => {
                Made::Sealed(Arc::new(Sealed::new(key, context(b"tavs-sealed-1", domain, version))))
            }
            Scheme::Table => {
                let sealing = derive(TABLE_SEALING)?;
                Made::Table(Arc::new(Table::new(key, &sealing, (domain, version), throw_away)?))
            }
            Scheme::Digits => {
                let digits = Digits::new(key, context(b"tavs-digits-1", domain, version));
                Made::Digits(Arc::new(digits.ok_or(RingError::Derivation)?))
            }
        };
        let prefix = match scheme.prefix() {
            "" => String::new(),
            prefix => format!("{prefix}{version}-"),
        };
        Ok(Self { prefix, nobody: scheme.nobody(), made, older: Vec::new() })
    }

    fn resolves_also(&mut self, older: Self) {
        self.older.push(older);
    }

    /// Appends the pseudonym of `input`. `false`, and nothing appended, if the scheme has none for it:
    /// an id that is too long to be sealed, what is no CPR as digits. Those of `table` stand in the store,
    /// and are written with [`write_drawn`](Self::write_drawn).
    #[must_use]
    pub fn write(&self, input: Input<'_>, linkage: Linkage<'_>, out: &mut Vec<u8>) -> bool {
        let begin = out.len();
        out.extend_from_slice(self.prefix.as_bytes());
        let written = match &self.made {
            Made::Keyed(keyed) => {
                keyed.write(input, linkage, out);
                true
            }
            Made::Sealed(sealed) => sealed.write(input, linkage, out),
            Made::Table(table) if table.is_stand_in() => {
                table::write(&table.stand_in(input), out);
                true
            }
            Made::Table(_) => false,
            Made::Digits(digits) => digits.write(input, out),
        };
        if !written {
            out.truncate(begin);
        }
        written
    }

    /// The value of a pseudonym of this domain and scheme, of the key version that is active or of an
    /// older one that is not closed. `sought` says of what kind,
    /// type and system it should be; its value is not looked at. `salted`: pseudonyms of the domain
    /// change with each response.
    ///
    /// `None` for whatever does not open, without a word about why: forged, foreign, of another kind
    /// (G6); and for schemes that cannot be resolved. `rows` holds what `table` has in the store of the
    /// pseudonyms of this request.
    #[must_use]
    pub fn resolve(&self, pseudonym: &str, sought: Input<'_>, salted: bool, rows: &Rows) -> Option<String> {
        let mut known = self.versions().filter_map(|version| Some((version, version.letters(pseudonym)?)));
        // SECURITY: one of a closed version, or of none, costs the same work as a forged one: the time would
        // tell them apart.
        let rest = || pseudonym.split_once('-').map_or(pseudonym, |(_prefix, letters)| letters);
        let (version, letters, own) = match known.next() {
            Some((version, letters)) => (version, letters, true),
            None => (self, rest().as_bytes(), false),
        };
        let opened = match &version.made {
            Made::Sealed(sealed) => sealed.open(letters, sought, salted),
            Made::Table(table) => table.resolve(&table::read(letters).unwrap_or_default(), sought, rows),
            Made::Keyed(_) | Made::Digits(_) => None,
        };
        std::hint::black_box(opened).filter(|_| own)
    }

    /// The pseudonyms of a value that a recipient may hold: under the active key version, and under
    /// older ones that are not closed.
    #[must_use]
    pub fn every(&self, input: Input<'_>) -> Vec<String> {
        let one = |version: &Self| {
            let mut out = Vec::new();
            version.write(input, Linkage::Domain, &mut out).then_some(out)
        };
        self.versions().filter_map(one).filter_map(|out| String::from_utf8(out).ok()).collect()
    }

    /// The table that new pseudonyms stand in; `None` for schemes that need none, and under keys that are
    /// thrown away.
    #[must_use]
    pub fn table(&self) -> Option<&Table> {
        match &self.made {
            Made::Table(table) if !table.is_stand_in() => Some(table),
            Made::Table(_) | Made::Keyed(_) | Made::Sealed(_) | Made::Digits(_) => None,
        }
    }

    /// The tables of the key version that is active and of those that only resolve.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.versions().filter_map(Self::table)
    }

    /// In which table to look for a pseudonym, and for which: of one that could be one of this scheme,
    /// whatever its version and letters, so that all are looked for alike.
    #[must_use]
    pub fn table_of(&self, pseudonym: &str) -> Option<(&Table, Drawn)> {
        let own = self.table()?;
        let begin = pseudonym.get(..Scheme::Table.prefix().len())?;
        begin.eq_ignore_ascii_case(Scheme::Table.prefix()).then_some(())?;
        let found = self
            .versions()
            .find_map(|version| Some((version.table()?, table::read(version.letters(pseudonym)?)?)));
        Some(found.unwrap_or((own, [0; MAC_BYTES])))
    }

    /// Appends a pseudonym of `table` that was drawn.
    pub fn write_drawn(&self, drawn: &Drawn, out: &mut Vec<u8>) {
        out.extend_from_slice(self.prefix.as_bytes());
        table::write(drawn, out);
    }

    /// A row's pseudonym as it is written; `None` if it is none of this domain and its versions.
    #[must_use]
    pub fn written(&self, row: &SealedPseudonym) -> Option<String> {
        self.versions().find_map(|version| {
            let drawn = version.table()?.pseudonym_of(row)?;
            let mut out = Vec::new();
            version.write_drawn(&drawn, &mut out);
            String::from_utf8(out).ok()
        })
    }

    fn versions(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.older)
    }

    /// What stands behind this version's prefix.
    fn letters<'t>(&self, pseudonym: &'t str) -> Option<&'t [u8]> {
        let (prefix, letters) = pseudonym.split_at_checked(self.prefix.len())?;
        prefix.eq_ignore_ascii_case(&self.prefix).then_some(letters.as_bytes())
    }

    /// Appends what stands for nobody; `false` if the scheme has nothing for that.
    #[must_use]
    pub fn write_nobody(&self, out: &mut Vec<u8>) -> bool {
        self.nobody.is_some_and(|nobody| {
            out.extend_from_slice(nobody.as_bytes());
            true
        })
    }
}

/// What tells the values of two domains, key versions and formats apart.
fn context(format: &[u8], domain: &str, version: u32) -> Vec<u8> {
    let mut all = Vec::new();
    for part in [format, domain.as_bytes(), &version.to_be_bytes()] {
        push_field(&mut all, part);
    }
    all
}

impl std::fmt::Debug for Pseudonymiser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pseudonymiser(…)")
    }
}

/// Turns a person's identifiers into the ledger's subject ids, under the ledger's own secret:
/// no recipient's pseudonym can be compared with one.
#[derive(Clone)]
pub struct SubjectKey(Hmac<Sha256>);

impl SubjectKey {
    fn new(key: &[u8; 32]) -> Result<Self, RingError> {
        let mut mac = keyed(key)?;
        field(&mut mac, b"tavs-subject-1");
        Ok(Self(mac))
    }

    /// The subject id of an identifier.
    #[must_use]
    pub fn id(&self, input: Input<'_>) -> SubjectId {
        let mut mac = self.0.clone();
        for part in [input.kind, input.resource_type, input.system, input.value] {
            field(&mut mac, part.as_bytes());
        }
        let mut id = [0; MAC_BYTES];
        for (to, from) in id.iter_mut().zip(mac.finalize().into_bytes()) {
            *to = from;
        }
        SubjectId(id)
    }
}

impl std::fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SubjectKey(…)")
    }
}

fn keyed(key: &[u8; 32]) -> Result<Hmac<Sha256>, RingError> {
    Hmac::new_from_slice(key).map_err(|_length| RingError::Derivation)
}

/// Bytes as letters, fourteen for each eight: nothing in them looks like a number.
#[must_use]
pub fn letters_of(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    letters::write_dense(bytes, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// Length-prefixed, so that no two lists of fields read the same.
fn field(mac: &mut Hmac<Sha256>, bytes: &[u8]) {
    mac.update(&(bytes.len() as u64).to_be_bytes());
    mac.update(bytes);
}

/// The same as bytes.
fn push_field(all: &mut Vec<u8>, bytes: &[u8]) {
    all.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    all.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests;
