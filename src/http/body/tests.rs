use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn gunzip(coded: Vec<u8>, size: usize) -> Result<Bytes, BodyFault> {
    decode(Coding::Gzip, coded.into(), size)
}

#[test]
fn one_whole_gzip_member_is_decoded() {
    let content = br#"{"appointments":[]}"#;
    assert_eq!(gunzip(gzip(content), 1024).unwrap(), &content[..]);
    assert_eq!(gunzip(gzip(b""), 1024).unwrap(), &b""[..]);
    assert_eq!(gunzip(gzip(content), content.len()).unwrap().len(), content.len());
    assert_eq!(gunzip(gzip(content), content.len() - 1), Err(BodyFault::TooLarge));
    let plain = Bytes::from_static(content);
    assert_eq!(decode(Coding::Identity, plain.clone(), content.len()).unwrap(), plain);
    assert_eq!(decode(Coding::Identity, plain, content.len() - 1), Err(BodyFault::TooLarge));
}

#[test]
fn anything_but_one_whole_member_is_refused() {
    let good = gzip(br#"{"appointments":[1,2,3,4,5,6,7,8,9]}"#);
    for cut in 0..good.len() {
        assert_eq!(gunzip(good[..cut].to_vec(), 1024), Err(BodyFault::Coded), "cut at {cut}");
    }
    assert_eq!(gunzip([&good[..], b"\0"].concat(), 1024), Err(BodyFault::Coded), "a byte after it");
    assert_eq!(gunzip([&good[..], &good[..]].concat(), 1024), Err(BodyFault::Coded), "a second member");
    assert_eq!(gunzip(b"{}".to_vec(), 1024), Err(BodyFault::Coded), "not gzip");
    let mut wrong_checksum = good.clone();
    let at = wrong_checksum.len() - 8;
    wrong_checksum[at] ^= 1;
    assert_eq!(gunzip(wrong_checksum, 1024), Err(BodyFault::Coded), "checksum");
    let twice = gunzip(gzip(&good), 1024).unwrap();
    assert_eq!(twice, good, "a second layer stays, and is no JSON");
}

#[test]
fn a_bomb_stops_at_the_ratio_and_small_documents_do_not() {
    let zeros = vec![b'0'; 32 * 1024 * 1024];
    assert_eq!(gunzip(gzip(&zeros), zeros.len()), Err(BodyFault::Bomb));
    assert_eq!(gunzip(gzip(&zeros), 1024), Err(BodyFault::TooLarge));
    let small = &zeros[..RATIO_FLOOR];
    assert_eq!(gunzip(gzip(small), RATIO_FLOOR).unwrap().len(), RATIO_FLOOR);
}
