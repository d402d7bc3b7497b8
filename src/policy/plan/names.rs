//! Finds a member's name among those that a policy lists.

use super::Slot;

/// Names and what applies to their members: open addressing with at most half of the places
/// taken.
#[derive(Debug, Default)]
pub(crate) struct NameTable {
    places: Vec<Option<NameEntry>>,
}

/// A listed name.
#[derive(Debug, Clone)]
pub(crate) struct NameEntry {
    hash: u64,
    name: Box<str>,
    /// `,"name":`, as it is written.
    pub(crate) json: Box<[u8]>,
    pub(crate) slot: Slot,
}

impl NameTable {
    pub(crate) fn new(entries: impl Iterator<Item = (String, Slot)>) -> Self {
        let entries: Vec<_> = entries.map(|(name, slot)| NameEntry::new(&name, slot)).collect();
        let size = entries.len().saturating_mul(2).next_power_of_two();
        let mut places: Vec<Option<NameEntry>> = vec![None; size];
        for entry in entries {
            let start = place_of(entry.hash, size);
            let free = (start..size).chain(0..start).find(|at| places.get(*at).is_some_and(Option::is_none));
            if let Some(place) = free.and_then(|at| places.get_mut(at)) {
                *place = Some(entry);
            }
        }
        Self { places }
    }

    /// The listed names, in no order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.places.iter().flatten().map(|entry| &*entry.name)
    }

    /// What applies to the member of a listed name.
    pub(crate) fn slot(&self, name: &str) -> Option<Slot> {
        self.find(name_hash(name.as_bytes()), name).map(|entry| entry.slot)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.iter().all(Option::is_none)
    }

    #[inline]
    pub(crate) fn find(&self, hash: u64, name: &str) -> Option<&NameEntry> {
        let size = self.places.len();
        let mut at = place_of(hash, size);
        while let Some(Some(entry)) = self.places.get(at) {
            if entry.hash == hash && *entry.name == *name {
                return Some(entry);
            }
            at = (at + 1) & (size - 1);
        }
        None
    }
}

impl NameEntry {
    fn new(name: &str, slot: Slot) -> Self {
        let mut json = b",\"".to_vec();
        crate::json::escape_into(name, &mut json);
        json.extend_from_slice(b"\":");
        Self { hash: name_hash(name.as_bytes()), name: name.into(), json: json.into(), slot }
    }
}

/// The size is a power of two.
#[inline]
fn place_of(hash: u64, size: usize) -> usize {
    // The upper half, since multiplication mixes upwards.
    (hash >> 40) as usize & size.wrapping_sub(1)
}

/// A hash of a name, also used to tell duplicates apart. Not keyed: whoever makes names collide
/// gets comparisons of bytes, never a wrong answer.
///
/// PERF: eight bytes a step, the last ones read again; names are 8 bytes long on average.
#[inline]
pub(crate) fn name_hash(name: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash.rotate_left(29) ^ word).wrapping_mul(FACTOR);
    let mut hash = name.len() as u64;
    let (words, _) = name.as_chunks::<8>();
    for word in words {
        hash = mix(hash, u64::from_le_bytes(*word));
    }
    let last = if let Some(word) = name.last_chunk::<8>() {
        u64::from_le_bytes(*word)
    } else if let (Some(first), Some(last)) = (name.first_chunk::<4>(), name.last_chunk::<4>()) {
        u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
    } else {
        name.iter().fold(0, |word, byte| word << 8 | u64::from(*byte))
    };
    mix(hash, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_listed_name_and_no_other() {
        for count in [0, 1, 2, 3, 9, 1000] {
            let table = NameTable::new((0..count).map(|n| (format!("member{n}"), Slot::State(n))));
            for n in 0..count {
                let name = format!("member{n}");
                let entry = table.find(name_hash(name.as_bytes()), &name).unwrap();
                assert_eq!(entry.slot, Slot::State(n));
                assert_eq!(*entry.json, *format!(",\"member{n}\":").as_bytes());
            }
            assert!(table.find(name_hash(b"other"), "other").is_none());
            // Another name of the same hash is another name.
            assert!(table.find(name_hash(b"member0"), "other").is_none());
        }
    }
}
