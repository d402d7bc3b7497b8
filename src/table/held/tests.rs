//! What is held, and under which count.

use super::*;

/// The n-th blind index, spread as a MAC is.
fn blind(n: u64) -> Blind {
    let mut mixed = u128::from(n).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    for shift in [61, 67, 64] {
        mixed ^= mixed >> shift;
        mixed = mixed.wrapping_mul(0xd6e8_feb8_6659_fd93_c2b2_ae3d_27d4_eb4f);
    }
    mixed.to_be_bytes()
}

fn pair(n: u64) -> (Blind, Drawn) {
    (blind(n), u128::from(n).to_be_bytes())
}

fn wanted(n: u64) -> Wanted {
    Wanted {
        by_value: blind(n),
        kind: "cpr".to_owned(),
        resource_type: String::new(),
        system: String::new(),
        value: String::new(),
        subjects: Vec::new(),
    }
}

/// A store that is never asked for anything.
fn held() -> (Held, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Held::new(Store::open_or_make(&folder.path().join("tavs.db")).unwrap()), folder)
}

/// Which of some values are held, of those that have a pseudonym; each must be its own.
fn of(held: &Held, destroyed: u64, values: std::ops::Range<u64>) -> Vec<u64> {
    let all: Vec<Wanted> = values.clone().map(wanted).collect();
    let found = values.zip(held.of(destroyed, &all));
    let own = |(n, drawn): (u64, Option<Drawn>)| drawn.map(|drawn| assert_eq!(drawn, pair(n).1)).map(|()| n);
    found.filter_map(own).collect()
}

#[test]
fn pairs_are_held_under_the_count_that_they_were_read_under() {
    let (held, _folder) = held();
    assert!(of(&held, 0, 0..5).is_empty());
    held.put(0, &[pair(1), pair(2)]);
    assert_eq!(of(&held, 0, 0..5), [1, 2]);
    // Read before a destruction, or after one that is not known here yet.
    held.put(1, &[pair(3)]);
    assert_eq!(of(&held, 0, 0..5), [1, 2]);
    assert!(of(&held, 1, 0..5).is_empty());
    assert!(held.pairs().shards.is_empty(), "nothing of them is kept");
    held.put(0, &[pair(1)]);
    assert!(of(&held, 1, 0..5).is_empty());
    held.put(1, &[pair(4)]);
    assert_eq!(of(&held, 1, 0..5), [4]);
    // Of a snapshot from before: it gets nothing of later, and leaves nothing for later.
    assert!(of(&held, 0, 0..5).is_empty());
    held.put(0, &[pair(1)]);
    assert!(of(&held, 1, 0..5).is_empty());
    assert_eq!(format!("{held:?}"), "Held(…)");
}

#[test]
fn a_full_shard_lets_go_of_a_part_and_does_not_grow() {
    let most = u64::try_from(MOST_OF_SHARD).unwrap();
    let mut shard = Shard::default();
    let put = |shard: &mut Shard, n| {
        let (by_value, drawn) = pair(n);
        shard.put(by_value, drawn);
    };
    (0..most).for_each(|n| put(&mut shard, n));
    let places = shard.pairs.capacity();
    assert_eq!((shard.pairs.len(), places), (MOST_OF_SHARD, MOST_OF_SHARD), "all of its places");
    // What is there already takes no room.
    (0..most).for_each(|n| put(&mut shard, n));
    assert_eq!((shard.pairs.len(), shard.pairs.capacity()), (MOST_OF_SHARD, places));
    let mut least = MOST_OF_SHARD;
    for n in most..10 * most {
        put(&mut shard, n);
        assert!(shard.pairs.len() <= MOST_OF_SHARD && shard.pairs.contains_key(&blind(n)));
        least = least.min(shard.pairs.len());
    }
    assert_eq!(shard.pairs.capacity(), places);
    assert!(least > MOST_OF_SHARD * 2 / 3, "{least}");
    // Nothing stays for ever.
    assert!((0..most).all(|n| !shard.pairs.contains_key(&blind(n))));
}

/// Blind indexes are MACs. Were they not, what is let go of would be more, and the bound the same.
#[test]
fn a_shard_of_one_part_is_bounded_too() {
    let mut shard = Shard::default();
    for n in 0..=u64::try_from(MOST_OF_SHARD).unwrap() {
        let mut by_value = blind(n);
        by_value[14] = 5;
        shard.put(by_value, [0; 16]);
    }
    assert_eq!(shard.pairs.len(), 1);
}
