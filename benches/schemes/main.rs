//! What a pseudonym costs by each scheme, beside the bare primitive under it: HMAC-SHA256 of the same
//! input for `keyed`, AES-256-GCM-SIV of the same bytes for `sealed`, AES-256-GCM for comparison.
//!
//! `cargo bench --bench schemes` reports nanoseconds, the least of interleaved rounds (others' work on the
//! machine only adds), and ratios, the median of those round by round. For instructions,
//! `valgrind --tool=callgrind <binary> --one NAME --times N` with two values of N: the difference is what
//! N more cost, without the start. `cargo test --bench schemes` shows that all of it runs; nothing asserts a time.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark: its input is its own, it reads the time, and it prints"
)]

use std::hint::black_box;
use std::time::Instant;

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm_siv::Aes256GcmSiv;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use tavs::pseudonym::{Input, KeyRing, Linkage, Pseudonymiser, Scheme};

/// Rounds of a measurement; in each, every subject has its turn.
const ROUNDS: usize = 41;
/// Pseudonyms of a round: long enough that reading the time costs nothing.
const TURN: usize = 5_000;
/// Different persons, so that no predictor learns one by heart.
const PERSONS: usize = 512;

/// One way of treating a number, and what it is beside.
struct Way {
    name: &'static str,
    beside: &'static str,
    run: Run,
}

/// Appends what it makes of a number.
type Run = Box<dyn Fn(&str, &mut Vec<u8>)>;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at.saturating_add(1))
    };
    let persons = persons();
    let ways = ways();
    if let Some(one) = after("--one") {
        let times = after("--times").and_then(|times| times.parse().ok()).unwrap_or(TURN);
        let way = ways.iter().find(|way| way.name == one).expect("no such way");
        turn(way, &persons, times);
        return;
    }
    let quick = arguments.iter().any(|argument| argument == "--quick" || argument == "--test");
    let (rounds, times) = if quick { (1, 50) } else { (ROUNDS, TURN) };
    let mut nanos: Vec<Vec<f64>> = vec![Vec::new(); ways.len()];
    for _ in 0..rounds {
        for (way, all) in ways.iter().zip(&mut nanos) {
            all.push(turn(way, &persons, times));
        }
    }
    println!("{:<22} {:>8}  {:>6}  beside", "way", "ns", "ratio");
    for (way, own) in ways.iter().zip(&nanos) {
        let other = ways.iter().position(|other| other.name == way.beside).and_then(|at| nanos.get(at));
        let ratios = other.map(|other| own.iter().zip(other).map(|(own, other)| own / other).collect());
        let ratio = ratios.map_or_else(String::new, |ratios: Vec<f64>| format!("{:.2}", median(ratios)));
        let least = own.iter().copied().fold(f64::INFINITY, f64::min);
        println!("{:<22} {least:>8.0}  {ratio:>6}  {}", way.name, way.beside);
    }
}

/// Nanoseconds a pseudonym.
fn turn(way: &Way, persons: &[String], times: usize) -> f64 {
    let mut out = Vec::with_capacity(64);
    let began = Instant::now();
    for person in persons.iter().cycle().take(times) {
        out.clear();
        (way.run)(black_box(person), &mut out);
        black_box(&out);
    }
    let times = u32::try_from(times).unwrap_or(u32::MAX);
    began.elapsed().as_secs_f64() * 1e9 / f64::from(times)
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or_default()
}

/// Test numbers in the form of CPRs: nobody's, by a month that no number has.
fn persons() -> Vec<String> {
    let one = |n: usize| format!("{:02}{:02}{:02}99{:02}", n % 28 + 1, n / 28 % 12 + 1, n / 5 % 100, n % 100);
    (0..PERSONS).map(one).collect()
}

fn ways() -> Vec<Way> {
    let ring = KeyRing::throw_away([7; 32]);
    let scheme = |name, beside, scheme: Scheme, salt: Option<[u8; 16]>| {
        let maker = ring.pseudonymiser("research", scheme).unwrap();
        Way { name, beside, run: Box::new(move |person, out| write(&maker, person, salt, out)) }
    };
    let mac = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
    let gcm = Aes256Gcm::new(&[7; 32].into());
    let siv = Aes256GcmSiv::new(&[7; 32].into());
    let aad = associated();
    vec![
        Way {
            name: "hmac",
            beside: "",
            run: Box::new(move |person, out| {
                let mut mac = mac.clone();
                mac.update(&mac_input(person));
                out.extend_from_slice(&mac.finalize().into_bytes());
            }),
        },
        scheme("keyed", "hmac", Scheme::Keyed, None),
        scheme("keyed, document", "hmac", Scheme::Keyed, Some([9; 16])),
        Way {
            name: "aes-gcm-siv",
            beside: "",
            run: Box::new(move |person, out| {
                let payload = Payload { msg: number(person), aad: &aad };
                out.extend_from_slice(&siv.encrypt(&[0; 12].into(), payload).unwrap());
            }),
        },
        Way {
            name: "aes-gcm",
            beside: "aes-gcm-siv",
            run: Box::new(move |person, out| {
                let payload = Payload { msg: number(person), aad: &aad };
                out.extend_from_slice(&gcm.encrypt(&[0; 12].into(), payload).unwrap());
            }),
        },
        scheme("sealed", "aes-gcm-siv", Scheme::Sealed, None),
        scheme("sealed, document", "aes-gcm-siv", Scheme::Sealed, Some([9; 16])),
        scheme("digits", "aes-gcm-siv", Scheme::Digits, None),
    ]
}

fn write(maker: &Pseudonymiser, person: &str, salt: Option<[u8; 16]>, out: &mut Vec<u8>) {
    let input = Input { kind: "cpr", resource_type: "", system: "", value: person };
    let linkage = salt.as_ref().map_or(Linkage::Domain, Linkage::Document);
    assert!(maker.write(input, linkage, out));
}

/// All that `keyed` puts under its MAC, as docs/pseudonyms.md has it, in one piece.
fn mac_input(person: &str) -> [u8; 105] {
    in_one_piece([b"tavs-pseudonym-1", DOMAIN, &VERSION, b"cpr", b"", b"", person.as_bytes(), b""])
}

/// The associated data of `sealed` for a CPR, as docs/pseudonyms.md has them.
fn associated() -> [u8; 88] {
    in_one_piece([b"tavs-sealed-1", DOMAIN, &VERSION, b"cpr", b"", b"", b"rank"])
}

const DOMAIN: &[u8] = b"research";
const VERSION: [u8; 4] = 1_u32.to_be_bytes();

/// Each field after its length, of eight bytes; `LENGTH` is that of all of it.
fn in_one_piece<const FIELDS: usize, const LENGTH: usize>(fields: [&[u8]; FIELDS]) -> [u8; LENGTH] {
    assert_eq!(fields.iter().map(|field| field.len() + 8).sum::<usize>(), LENGTH);
    let mut all = [0; LENGTH];
    let mut at = all.iter_mut();
    for field in fields {
        let length = u64::try_from(field.len()).unwrap().to_be_bytes();
        length.iter().chain(field).zip(at.by_ref()).for_each(|(from, to)| *to = *from);
    }
    all
}

/// As many bytes as a packed CPR.
fn number(person: &str) -> &[u8] {
    person.as_bytes().get(..5).unwrap_or_default()
}
