//! The scheme `sealed`: a value goes along in its pseudonym, under a key that only tavs has, so that
//! it can be resolved without a table.
//!
//! AES-256-GCM-SIV (RFC 8452), a deterministic AEAD: the same value in the same domain has the same
//! pseudonym, and a forged, foreign or damaged one does not open. Domain, key version, kind,
//! resource type and system are associated data. Persons' numbers are packed by rank, so that the
//! length tells nothing, and no pseudonym is longer than the 64 characters of a FHIR id.
//!
//! What must never happen here: a value that opens under another kind or domain; a word about why a
//! pseudonym does not open.

use aes_gcm_siv::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Key, Nonce};
use uuid::Uuid;

use super::{Input, Linkage, letters, rank};

/// Bytes of nonce and sealed value in one pseudonym: 56 letters, which with the longest prefix
/// are 64 characters.
const MOST: usize = 32;
const TAG: usize = 16;
const NONCE: usize = 12;
/// Bytes of the nonce that go along, all random; the last one is zero, so that a person's number fits.
const CARRIED: usize = 11;

/// Seals and opens the values of one domain under one key version.
pub(super) struct Sealed {
    cipher: Aes256GcmSiv,
    /// Format, domain and key version, length-prefixed.
    context: Vec<u8>,
}

/// How a value is packed; stands in the associated data, so that each opens as what it is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Packing {
    /// A CPR or e-CPR by its rank, five bytes.
    Rank,
    /// A UUID in lower case, sixteen bytes.
    Uuid,
    /// The text as it is.
    Text,
}

impl Sealed {
    pub(super) fn new(key: &[u8; 32], context: Vec<u8>) -> Self {
        Self { cipher: Aes256GcmSiv::new(&Key::<Aes256GcmSiv>::from(*key)), context }
    }

    /// Appends the letters of a pseudonym; `false` if the value is too long to go along, or no
    /// number of its kind.
    pub(super) fn write(&self, input: Input<'_>, linkage: Linkage<'_>, out: &mut Vec<u8>) -> bool {
        self.seal(input, linkage).is_some_and(|sealed| {
            letters::write_dense(&sealed, out);
            true
        })
    }

    fn seal(&self, input: Input<'_>, linkage: Linkage<'_>) -> Option<Vec<u8>> {
        let (packing, packed) = pack(input)?;
        let mut sealed = carried_nonce(linkage);
        if sealed.len() + packed.len() + TAG > MOST {
            return None;
        }
        let aad = self.associated(input, packing);
        let payload = Payload { msg: &packed, aad: &aad };
        let hidden = self.cipher.encrypt(&whole_nonce(&sealed), payload).ok()?;
        sealed.extend_from_slice(&hidden);
        Some(sealed)
    }

    /// The value of a pseudonym's letters. `sought` says of what kind, type and system; its value is
    /// not looked at. `salted`: the domain's pseudonyms carry a nonce.
    pub(super) fn open(&self, letters: &[u8], sought: Input<'_>, salted: bool) -> Option<String> {
        let bytes = letters::read_dense(letters)?;
        let (nonce, sealed) = bytes.split_at_checked(if salted { CARRIED } else { 0 })?;
        let nonce = whole_nonce(nonce);
        let is_number = matches!(sought.kind, "cpr" | "ecpr");
        let packings: &[Packing] = if is_number { &[Packing::Rank] } else { &[Packing::Uuid, Packing::Text] };
        packings.iter().find_map(|packing| {
            let aad = self.associated(sought, *packing);
            let payload = Payload { msg: sealed, aad: &aad };
            let packed = self.cipher.decrypt(&nonce, payload).ok()?;
            unpack(sought.kind, *packing, &packed)
        })
    }

    fn associated(&self, input: Input<'_>, packing: Packing) -> Vec<u8> {
        let packing = match packing {
            Packing::Rank => "rank",
            Packing::Uuid => "uuid",
            Packing::Text => "text",
        };
        let mut all = self.context.clone();
        for part in [input.kind, input.resource_type, input.system, packing] {
            super::push_field(&mut all, part.as_bytes());
        }
        all
    }
}

/// What keeps two responses, or two values, apart, and has to go along; nothing where pseudonyms are
/// deterministic.
fn carried_nonce(linkage: Linkage<'_>) -> Vec<u8> {
    let first = |salt: &[u8]| salt.iter().copied().take(CARRIED).collect::<Vec<u8>>();
    match linkage {
        Linkage::Domain => Vec::new(),
        Linkage::Document(salt) => first(salt),
        Linkage::None(salt, number) => {
            let number = number.to_be_bytes().into_iter().chain(std::iter::repeat(0));
            first(salt).into_iter().zip(number).map(|(salt, number)| salt ^ number).collect()
        }
    }
}

fn whole_nonce(carried: &[u8]) -> Nonce {
    let mut nonce = [0; NONCE];
    for (to, from) in nonce.iter_mut().zip(carried) {
        *to = *from;
    }
    nonce.into()
}

fn pack(input: Input<'_>) -> Option<(Packing, Vec<u8>)> {
    let ranked = |rank: u64| (Packing::Rank, rank.to_be_bytes().into_iter().skip(3).collect());
    match input.kind {
        "cpr" => rank::of_cpr(input.value).map(ranked),
        "ecpr" => rank::of_ecpr(input.value).map(ranked),
        _ => {
            let uuid = Uuid::try_parse(input.value).ok().filter(|uuid| uuid.to_string() == input.value);
            let text = || (Packing::Text, input.value.as_bytes().to_vec());
            Some(uuid.map_or_else(text, |uuid| (Packing::Uuid, uuid.as_bytes().to_vec())))
        }
    }
}

fn unpack(kind: &str, packing: Packing, packed: &[u8]) -> Option<String> {
    match packing {
        Packing::Rank => {
            let rank = packed.iter().fold(0, |rank: u64, byte| rank << 8 | u64::from(*byte));
            if kind == "cpr" { rank::cpr(rank, 0) } else { rank::ecpr(rank) }
        }
        Packing::Uuid => Uuid::from_slice(packed).ok().map(|uuid| uuid.to_string()),
        Packing::Text => String::from_utf8(packed.to_vec()).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input<'a>(kind: &'a str, resource_type: &'a str, value: &'a str) -> Input<'a> {
        Input { kind, resource_type, system: "", value }
    }

    fn write(sealed: &Sealed, input: Input<'_>, linkage: Linkage<'_>) -> Option<String> {
        let mut out = Vec::new();
        sealed.write(input, linkage, &mut out).then(|| String::from_utf8(out).unwrap())
    }

    const VALUES: [(&str, &str, &str); 6] = [
        ("cpr", "", "2512489996"),
        ("cpr", "", "6704909995"),
        ("ecpr", "", "0203291WQ3"),
        ("id", "Patient", "3f2b6c1e-8d4a-4c57-9b1e-0a1b2c3d4e5f"),
        ("id", "Patient", "123"),
        ("id", "", "sixteen-letters!"),
    ];

    #[test]
    fn what_is_sealed_opens_as_itself_and_as_nothing_else() {
        let sealed = Sealed::new(&[7; 32], b"a".to_vec());
        let others = [Sealed::new(&[7; 32], b"b".to_vec()), Sealed::new(&[8; 32], b"a".to_vec())];
        let salt = [9; 16];
        for (kind, resource_type, value) in VALUES {
            let whole = input(kind, resource_type, value);
            for linkage in [Linkage::Domain, Linkage::Document(&salt), Linkage::None(&salt, 1)] {
                let salted = !matches!(linkage, Linkage::Domain);
                let Some(text) = write(&sealed, whole, linkage) else {
                    assert!(salted && value.len() > 5, "{value}");
                    continue;
                };
                assert!(text.len() <= 56, "{value}");
                let open = |by: &Sealed, sought, salted| by.open(text.as_bytes(), sought, salted);
                assert_eq!(open(&sealed, whole, salted).as_deref(), Some(value));
                assert_eq!(open(&sealed, whole, !salted), None);
                assert!(others.iter().all(|other| open(other, whole, salted).is_none()));
                for other in [input("ecpr", "", ""), input("cpr", "", ""), input("id", "Other", "")] {
                    let same = other.kind == kind && other.resource_type == resource_type;
                    assert_eq!(open(&sealed, other, salted).is_some(), same, "{kind} as {}", other.kind);
                }
            }
        }
    }

    #[test]
    fn any_letter_changed_does_not_open() {
        let sealed = Sealed::new(&[7; 32], b"a".to_vec());
        let whole = input("cpr", "", "2512489996");
        let text = write(&sealed, whole, Linkage::Domain).unwrap();
        for at in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[at] = if forged[at] == b'q' { b'r' } else { b'q' };
            assert_eq!(sealed.open(&forged, whole, false), None);
        }
        assert_eq!(sealed.open(&text.as_bytes()[1..], whole, false), None);
        assert_eq!(sealed.open(b"", whole, false), None);
    }

    #[test]
    fn linkage_decides_which_are_equal() {
        let sealed = Sealed::new(&[7; 32], b"a".to_vec());
        let of = |linkage| write(&sealed, input("cpr", "", "2512489996"), linkage).unwrap();
        let (one, two) = ([1; 16], [2; 16]);
        assert_eq!(of(Linkage::Domain), of(Linkage::Domain));
        assert_eq!(of(Linkage::Document(&one)), of(Linkage::Document(&one)));
        assert_ne!(of(Linkage::Document(&one)), of(Linkage::Document(&two)));
        assert_ne!(of(Linkage::None(&one, 1)), of(Linkage::None(&one, 2)));
    }

    #[test]
    fn what_is_too_long_does_not_go_along() {
        let sealed = Sealed::new(&[7; 32], b"a".to_vec());
        assert_eq!(write(&sealed, input("id", "", "seventeen-letters"), Linkage::Domain), None);
        assert_eq!(write(&sealed, input("cpr", "", "0000000000"), Linkage::Domain), None);
    }
}
