use std::convert::Infallible;
use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body::{Frame, SizeHint};
use http_body_util::Full;

use super::*;

const BOUNDS: Bounds = Bounds { size: 16, whole: Duration::from_secs(60), minimum_per_window: 1 };

/// A body of given frames; then its end, an error, or silence.
struct Scripted {
    frames: Vec<Frame<Bytes>>,
    then: Option<Result<(), std::io::ErrorKind>>,
}

impl Scripted {
    fn new(frames: &[&'static str], then: Option<Result<(), std::io::ErrorKind>>) -> Self {
        let frames =
            frames.iter().rev().map(|text| Frame::data(Bytes::from_static(text.as_bytes()))).collect();
        Self { frames, then }
    }
}

impl Body for Scripted {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        match (self.frames.pop(), self.then) {
            (Some(frame), _) => Poll::Ready(Some(Ok(frame))),
            (None, Some(Ok(()))) => Poll::Ready(None),
            (None, Some(Err(kind))) => Poll::Ready(Some(Err(kind.into()))),
            (None, None) => Poll::Pending,
        }
    }
}

/// Claims a size and never sends.
struct Claiming(u64);

impl Body for Claiming {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0)
    }
}

#[tokio::test]
async fn a_body_is_read_whole_or_not_at_all() {
    assert_eq!(read(Full::new(Bytes::from("0123456789abcdef")), &BOUNDS).await.unwrap(), "0123456789abcdef");
    assert_eq!(read(Full::new(Bytes::from("0123456789abcdefg")), &BOUNDS).await, Err(BodyFault::TooLarge));
    let whole = Scripted::new(&["0123", "", "4567"], Some(Ok(())));
    assert_eq!(read(whole, &BOUNDS).await.unwrap(), "01234567");
    let too_many = Scripted::new(&["0123456789", "abcdef", "g"], Some(Ok(())));
    assert_eq!(read(too_many, &BOUNDS).await, Err(BodyFault::TooLarge));
    let cut = Scripted::new(&["0123"], Some(Err(std::io::ErrorKind::UnexpectedEof)));
    assert_eq!(read(cut, &BOUNDS).await, Err(BodyFault::Broken));
    assert_eq!(read(Claiming(17), &BOUNDS).await, Err(BodyFault::TooLarge));
}

#[tokio::test]
async fn trailers_are_dropped() {
    let mut body = Scripted::new(&["0123"], Some(Ok(())));
    let trailers = ::http::HeaderMap::from_iter([(
        ::http::header::ETAG,
        ::http::HeaderValue::from_static("2512489996"),
    )]);
    body.frames.insert(0, Frame::trailers(trailers));
    assert_eq!(read(body, &BOUNDS).await.unwrap(), "0123");
}

#[tokio::test]
async fn silence_ends_at_the_deadline() {
    let bounds = Bounds { whole: Duration::from_millis(20), ..BOUNDS };
    assert_eq!(read(Scripted::new(&["0123"], None), &bounds).await, Err(BodyFault::TooSlow));
}

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
    assert_eq!(decode(Coding::Identity, Bytes::from_static(content), 1024).unwrap(), &content[..]);
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
