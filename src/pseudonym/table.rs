//! The scheme `table`: a pseudonym is 128 random bits and stands in the store beside its value, so
//! that one person's can be destroyed for good (GDPR art. 17).
//!
//! The store finds a row by keyed *blind indexes* only, of the value and of the pseudonym, and both
//! columns are sealed (AES-256-GCM): who has the database and no key learns how many rows there are.
//! Here rows are made and opened; where they stand is not known here, and no row is looked for.
//!
//! What must never happen here: a value that opens under another kind, domain, key version or row; a
//! word about why a row does not open.

use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasherDefault;

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::ring::RingError;
use super::{Input, MAC_BYTES, field, keyed, letters, push_field};
use crate::ids::{OwnBytes, SubjectId};

/// First in every MAC input and all associated data.
const FORMAT: &[u8] = b"tavs-table-1";
/// Bytes of a nonce.
const NONCE: usize = 12;

/// What a row is found by: a MAC of a value, or of a pseudonym.
pub type Blind = [u8; MAC_BYTES];

/// The pseudonym itself: random, but under keys that are thrown away.
pub type Drawn = [u8; MAC_BYTES];

/// What is kept by blind index.
pub type ByBlind<V> = HashMap<Blind, V, BuildHasherDefault<OwnBytes>>;

/// Makes, opens and finds the rows of one domain under one key version.
pub struct Table {
    /// Keyed, and fed with the fields that never change.
    index: Hmac<Sha256>,
    cipher: Aes256Gcm,
    /// Format, domain and key version, length-prefixed.
    context: Vec<u8>,
    domain: String,
    version: u32,
    /// Under keys that are thrown away there is no store: pseudonyms are made of the value.
    stand_in: bool,
}

/// A pseudonym, as the store has it: found by its value. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedPseudonym {
    /// Finds it.
    pub by_value: Blind,
    /// Finds its value.
    pub by_pseudonym: Blind,
    /// What kind of value it stands for: `cpr`, `ecpr`, `id`, ….
    pub kind: String,
    /// The pseudonym, sealed.
    pub sealed: Vec<u8>,
}

/// A value, as the store has it: found by its pseudonym. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedValue {
    /// Finds its pseudonym.
    pub by_value: Blind,
    /// Finds it.
    pub by_pseudonym: Blind,
    /// The value, sealed.
    pub sealed: Vec<u8>,
}

/// What a new pair takes: 128 bits for the pseudonym, and two nonces. All random.
#[derive(Clone, Copy)]
pub struct Random {
    /// The pseudonym.
    pub pseudonym: Drawn,
    /// Used once: for the pseudonym, and for the value.
    pub nonces: [[u8; NONCE]; 2],
}

/// A value that leaves and has to have a pseudonym before that. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Finds its row.
    pub by_value: Blind,
    /// As of [`Input`].
    pub kind: String,
    /// As of [`Input`].
    pub resource_type: String,
    /// As of [`Input`].
    pub system: String,
    /// As of [`Input`].
    pub value: String,
    /// With whom the row goes when a person is erased: the value's own subject id, and for what names
    /// no resource the persons of the record in which it was met.
    pub subjects: Vec<SubjectId>,
}

impl Wanted {
    /// What the pseudonym stands for.
    #[must_use]
    pub fn input(&self) -> Input<'_> {
        Input {
            kind: &self.kind,
            resource_type: &self.resource_type,
            system: &self.system,
            value: &self.value,
        }
    }

    /// Whether the value names one person or resource by itself, so that it is nobody else's.
    #[must_use]
    pub fn identifies(&self) -> bool {
        matches!(self.kind.as_str(), "cpr" | "ecpr" | "id")
    }
}

/// The pseudonyms that one body needs, as they were looked up: the rewriter waits for nothing, and
/// what is not here has none.
#[derive(Default, Clone)]
pub struct Known(ByBlind<Drawn>);

/// No pseudonyms: for schemes that need no store.
pub static NONE_KNOWN: std::sync::LazyLock<Known> = std::sync::LazyLock::new(Known::default);

impl Known {
    /// The pseudonym of a value.
    #[must_use]
    pub fn of(&self, by_value: &Blind) -> Option<&Drawn> {
        self.0.get(by_value)
    }
}

impl Extend<(Blind, Drawn)> for Known {
    fn extend<T: IntoIterator<Item = (Blind, Drawn)>>(&mut self, pairs: T) {
        self.0.extend(pairs);
    }
}

impl FromIterator<(Blind, Drawn)> for Known {
    fn from_iter<T: IntoIterator<Item = (Blind, Drawn)>>(pairs: T) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// The values of the pseudonyms that one request holds, as they were looked up; those that are not here
/// stand for nothing.
#[derive(Default, Clone)]
pub struct Rows(ByBlind<SealedValue>);

impl Rows {
    /// Whether none of them stands in the store.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<SealedValue> for Rows {
    fn from_iter<T: IntoIterator<Item = SealedValue>>(rows: T) -> Self {
        Self(rows.into_iter().map(|row| (row.by_pseudonym, row)).collect())
    }
}

impl Table {
    pub(super) fn new(
        index: &[u8; 32],
        sealing: &[u8; 32],
        (domain, version): (&str, u32),
        stand_in: bool,
    ) -> Result<Self, RingError> {
        let mut mac = keyed(index)?;
        for part in [FORMAT, domain.as_bytes(), &version.to_be_bytes()] {
            field(&mut mac, part);
        }
        let cipher = Aes256Gcm::new_from_slice(sealing).map_err(|_length| RingError::Derivation)?;
        let context = super::context(FORMAT, domain, version);
        Ok(Self { index: mac, cipher, context, domain: domain.to_owned(), version, stand_in })
    }

    /// The domain whose pseudonyms these are.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The key version.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    pub(super) const fn is_stand_in(&self) -> bool {
        self.stand_in
    }

    /// What finds the row of a value.
    #[must_use]
    pub fn by_value(&self, input: Input<'_>) -> Blind {
        self.blind(b"value", input)
    }

    /// What finds the row of a pseudonym.
    #[must_use]
    pub fn by_pseudonym(&self, pseudonym: &Drawn) -> Blind {
        let mut mac = self.index.clone();
        field(&mut mac, b"pseudonym");
        field(&mut mac, pseudonym);
        first(&mac.finalize().into_bytes())
    }

    /// In place of what is random, under keys that are thrown away: the same for a value each time.
    pub(super) fn stand_in(&self, input: Input<'_>) -> Drawn {
        self.blind(b"stand-in", input)
    }

    fn blind(&self, column: &[u8], input: Input<'_>) -> Blind {
        let mut mac = self.index.clone();
        field(&mut mac, column);
        for part in [input.kind, input.resource_type, input.system, input.value] {
            field(&mut mac, part.as_bytes());
        }
        first(&mac.finalize().into_bytes())
    }

    /// A new pseudonym and its value. `None` cannot happen with a value's few bytes.
    #[must_use]
    pub fn draw(&self, input: Input<'_>, random: &Random) -> Option<(SealedPseudonym, SealedValue)> {
        let Random { pseudonym, nonces: [one, other] } = random;
        let blind = [self.by_value(input), self.by_pseudonym(pseudonym)];
        let seal = |column, nonce, message| self.seal(&blind, input.kind, column, nonce, message);
        let [by_value, by_pseudonym] = blind;
        let sealed = seal(b"value".as_slice(), other, input.value.as_bytes())?;
        let value = SealedValue { by_value, by_pseudonym, sealed };
        let sealed = seal(b"pseudonym".as_slice(), one, pseudonym)?;
        Some((SealedPseudonym { by_value, by_pseudonym, kind: input.kind.to_owned(), sealed }, value))
    }

    /// The pseudonym of a row; `None` if it is none of this domain and key version, or was changed.
    #[must_use]
    pub fn pseudonym_of(&self, row: &SealedPseudonym) -> Option<Drawn> {
        let drawn = self.open(&[row.by_value, row.by_pseudonym], &row.kind, b"pseudonym", &row.sealed)?;
        Drawn::try_from(drawn.as_slice()).ok().filter(|drawn| self.by_pseudonym(drawn) == row.by_pseudonym)
    }

    /// The value of a row, if it is one of the kind, type and system that are sought; its value is not
    /// looked at.
    #[must_use]
    pub fn value_of(&self, row: &SealedValue, sought: Input<'_>) -> Option<String> {
        let value = self.open(&[row.by_value, row.by_pseudonym], sought.kind, b"value", &row.sealed)?;
        let value = String::from_utf8(value).ok()?;
        (self.by_value(Input { value: &value, ..sought }) == row.by_value).then_some(value)
    }

    /// The value of a pseudonym of a request, out of the rows that were looked up. One that has no row
    /// is taken the same way to its end, so that the time tells nothing.
    pub(super) fn resolve(&self, pseudonym: &Drawn, sought: Input<'_>, rows: &Rows) -> Option<String> {
        let by_pseudonym = self.by_pseudonym(pseudonym);
        let found = rows.0.get(&by_pseudonym);
        let nothing =
            || SealedValue { by_value: by_pseudonym, by_pseudonym, sealed: vec![0; NONCE + 10 + 16] };
        self.value_of(&found.cloned().unwrap_or_else(nothing), sought)
    }

    fn seal(
        &self,
        blind: &[Blind; 2],
        kind: &str,
        column: &[u8],
        nonce: &[u8; NONCE],
        message: &[u8],
    ) -> Option<Vec<u8>> {
        let aad = self.associated(blind, kind, column);
        let hidden = self.cipher.encrypt(&(*nonce).into(), Payload { msg: message, aad: &aad }).ok()?;
        Some([nonce.as_slice(), &hidden].concat())
    }

    fn open(&self, blind: &[Blind; 2], kind: &str, column: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, hidden) = sealed.split_first_chunk::<NONCE>()?;
        let aad = self.associated(blind, kind, column);
        self.cipher.decrypt(&(*nonce).into(), Payload { msg: hidden, aad: &aad }).ok()
    }

    /// Of the indexes, by value comes first.
    fn associated(&self, [by_value, by_pseudonym]: &[Blind; 2], kind: &str, column: &[u8]) -> Vec<u8> {
        let mut all = self.context.clone();
        for part in [column, kind.as_bytes(), by_value, by_pseudonym] {
            push_field(&mut all, part);
        }
        all
    }
}

/// Appends the letters of a pseudonym.
pub(super) fn write(drawn: &Drawn, out: &mut Vec<u8>) {
    letters::write_dense(drawn, out);
}

/// The pseudonym that letters stand for.
pub(super) fn read(letters: &[u8]) -> Option<Drawn> {
    letters::read_dense(letters)?.try_into().ok()
}

fn first(mac: &[u8]) -> Blind {
    let mut blind = [0; MAC_BYTES];
    for (to, from) in blind.iter_mut().zip(mac) {
        *to = *from;
    }
    blind
}

macro_rules! shows_nothing {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}

shows_nothing!(Table, SealedPseudonym, SealedValue, Random, Wanted, Known, Rows);

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: Random = Random { pseudonym: [1; 16], nonces: [[2; 12], [3; 12]] };

    fn table(key: u8, domain: &str, version: u32) -> Table {
        Table::new(&[key; 32], &[key ^ 0xff; 32], (domain, version), false).unwrap()
    }

    fn input<'a>(kind: &'a str, resource_type: &'a str, value: &'a str) -> Input<'a> {
        Input { kind, resource_type, system: "", value }
    }

    #[test]
    fn a_row_opens_as_itself_and_as_nothing_else() {
        let own = table(7, "a", 1);
        let others = [table(8, "a", 1), table(7, "b", 1), table(7, "a", 2)];
        for (kind, resource_type, value) in [
            ("cpr", "", "2512489996"),
            ("id", "Patient", "123"),
            ("id", "", "a long id of an upstream, longer than any"),
        ] {
            let sought = input(kind, resource_type, "");
            let (row, sealed) = own.draw(input(kind, resource_type, value), &RANDOM).unwrap();
            assert_eq!(row.by_value, own.by_value(input(kind, resource_type, value)));
            assert_eq!((sealed.by_value, sealed.by_pseudonym), (row.by_value, row.by_pseudonym));
            assert_eq!(own.pseudonym_of(&row), Some(RANDOM.pseudonym));
            assert_eq!(own.value_of(&sealed, sought).as_deref(), Some(value));
            for other in &others {
                assert_eq!(other.pseudonym_of(&row), None);
                assert_eq!(other.value_of(&sealed, sought), None);
                assert_ne!(other.by_value(input(kind, resource_type, value)), row.by_value);
                assert_ne!(other.by_pseudonym(&RANDOM.pseudonym), row.by_pseudonym);
            }
            for wrong in [input("ecpr", resource_type, ""), input(kind, "Other", "")] {
                assert_eq!(own.value_of(&sealed, wrong), None);
            }
        }
    }

    /// Whoever can write to the database cannot make one pseudonym stand for another's value.
    #[test]
    fn columns_moved_between_rows_do_not_open() {
        let table = table(7, "a", 1);
        let (row, one) = table.draw(input("cpr", "", "2512489996"), &RANDOM).unwrap();
        let random = Random { pseudonym: [9; 16], nonces: [[8; 12], [7; 12]] };
        let (other_row, other) = table.draw(input("cpr", "", "0504909995"), &random).unwrap();
        for moved in [
            SealedValue { by_pseudonym: other.by_pseudonym, ..one.clone() },
            SealedValue { by_value: other.by_value, ..one.clone() },
            SealedValue { sealed: other.sealed.clone(), ..one.clone() },
            SealedValue { sealed: row.sealed.clone(), ..one },
        ] {
            assert_eq!(table.value_of(&moved, input("cpr", "", "")), None);
        }
        for moved in [
            SealedPseudonym { by_pseudonym: other.by_pseudonym, ..row.clone() },
            SealedPseudonym { by_value: other.by_value, ..row.clone() },
            SealedPseudonym { sealed: other_row.sealed, ..row.clone() },
            SealedPseudonym { sealed: one.sealed.clone(), ..row.clone() },
            SealedPseudonym { kind: "ecpr".to_owned(), ..row },
        ] {
            assert_eq!(table.pseudonym_of(&moved), None);
        }
        for at in 0..one.sealed.len() {
            let mut changed = one.clone();
            changed.sealed[at] ^= 1;
            assert_eq!(table.value_of(&changed, input("cpr", "", "")), None, "byte {at}");
            changed.sealed.truncate(at);
            assert_eq!(table.value_of(&changed, input("cpr", "", "")), None, "cut at {at}");
        }
    }

    #[test]
    fn neither_value_nor_pseudonym_stands_in_a_row() {
        let (row, value) = table(7, "a", 1).draw(input("cpr", "", "2512489996"), &RANDOM).unwrap();
        let all = [&row.by_value, &row.by_pseudonym, row.sealed.as_slice(), &value.sealed].concat();
        assert!(!all.windows(10).any(|bytes| bytes == b"2512489996"));
        assert!(!all.windows(16).any(|bytes| bytes == RANDOM.pseudonym));
        assert_eq!(format!("{row:?} {value:?}"), "SealedPseudonym(…) SealedValue(…)");
    }

    #[test]
    fn letters_are_read_as_they_are_written() {
        let mut out = Vec::new();
        write(&[0xff; 16], &mut out);
        assert_eq!(out.len(), 28);
        assert_eq!(read(&out), Some([0xff; 16]));
        for wrong in [&out[..27], &out[..14], b"".as_slice(), b"tvk1-"] {
            assert_eq!(read(wrong), None);
        }
    }
}
