//! What the reader takes and refuses.

use super::*;

fn read(text: &str) -> Result<(), Error> {
    let mut reader = Reader::new(text);
    reader.whitespace();
    reader.skip_value(0)?;
    reader.end()
}

#[test]
fn takes_every_kind_of_value() {
    for text in [
        "0",
        "-0",
        "1e9",
        "-1.50E+3",
        "true",
        "false",
        "null",
        "\"\"",
        "\"a\\u00e6\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "[]",
        "{}",
        " [ 1 , {\"a\" : [ ] } ] \n",
        "\"\\ud83d\\ude00\"",
        "\"æøå and more than eight bytes\"",
    ] {
        assert_eq!(read(text), Ok(()), "{text}");
    }
}

#[test]
fn refuses_what_is_not_json_at_the_byte_where_it_cannot_go_on() {
    for (text, kind, offset) in [
        ("", ErrorKind::UnexpectedEnd, 0),
        ("[1,]", ErrorKind::Syntax, 3),
        ("{\"a\":1,}", ErrorKind::Syntax, 7),
        ("[1", ErrorKind::UnexpectedEnd, 2),
        ("[1}", ErrorKind::Syntax, 2),
        ("01", ErrorKind::TrailingBytes, 1),
        ("1.", ErrorKind::UnexpectedEnd, 2),
        ("+1", ErrorKind::Syntax, 0),
        ("\"a\u{1}\"", ErrorKind::Syntax, 2),
        ("\"abcdefghijk", ErrorKind::UnexpectedEnd, 12),
        ("\"\\x\"", ErrorKind::Syntax, 2),
        ("\"\\ud800\"", ErrorKind::LoneSurrogate, 1),
        ("\"\\ud800\\u0041\"", ErrorKind::LoneSurrogate, 1),
        ("\"\\udc00\"", ErrorKind::LoneSurrogate, 1),
        ("nul", ErrorKind::UnexpectedEnd, 3),
        ("{}x", ErrorKind::TrailingBytes, 2),
        ("{a:1}", ErrorKind::Syntax, 1),
        ("[\"a\":\"b\"]", ErrorKind::Syntax, 4),
        ("{\"a\",\"b\"}", ErrorKind::Syntax, 4),
        ("{\"a\":\"b\":\"c\"}", ErrorKind::Syntax, 8),
        ("{\"a\":\"b\",\"c\"}", ErrorKind::Syntax, 12),
        ("{\"a\":\"b\",1}", ErrorKind::Syntax, 9),
        ("[\"a\",\"b\"", ErrorKind::UnexpectedEnd, 8),
        ("\u{feff}1", ErrorKind::Syntax, 0),
    ] {
        assert_eq!(read(text), Err(Error { kind, offset }), "{text}");
    }
}

#[test]
fn what_follows_a_string_is_not_passed_over_with_it() {
    for text in ["\"a\",\"b\"", "\"a\":\"b\""] {
        let mut reader = Reader::new(text);
        reader.skip_value(0).unwrap();
        assert_eq!(reader.at, 3, "{text}");
    }
}

/// Blocks of 64 bytes are looked through at once.
#[test]
fn escapes_and_ends_are_found_on_either_side_of_a_block() {
    for before in 50..140 {
        let text = format!("[\"{}\\ud83d\\ude00\\\"\\\\\",\"b\"]", "a".repeat(before));
        assert_eq!(read(&text), Ok(()), "{before}");
        for end in 1..text.len() {
            let mut reader = Reader::within(&text, 0, end);
            let Err(error) = reader.skip_value(0) else { panic!("{before} {end}") };
            let half_a_pair = error.kind == ErrorKind::LoneSurrogate;
            assert!(half_a_pair || error.kind == ErrorKind::UnexpectedEnd, "{before} {end} {error:?}");
            assert!(half_a_pair || error.offset == end, "{before} {end} {error:?}");
        }
        let mut reader = Reader::new(&text);
        reader.at = 1;
        let first = reader.string().unwrap();
        reader.expect(b',').unwrap();
        let second = reader.string().unwrap();
        assert_eq!((first.escaped, second.escaped), (true, false));
        reader.at = 1;
        assert_eq!(reader.string().unwrap(), first);
        assert_eq!(first.end - first.start + "[\"\",\"b\"]".len(), text.len());
    }
}

#[test]
fn takes_128_containers_and_not_one_more() {
    let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
    assert_eq!(read(&nested(128)), Ok(()));
    assert_eq!(read(&nested(129)), Err(Error { kind: ErrorKind::TooDeep, offset: 128 }));
    let objects = "{\"a\":".repeat(128) + "1" + &"}".repeat(128);
    assert_eq!(read(&objects), Ok(()));
}

#[test]
fn compacts_outside_strings_only() {
    assert_eq!(
        compact(" { \"a b\\\" c\" : [ 1.50 , \" x \" , \"\\\\\" ] } ").unwrap(),
        "{\"a b\\\" c\":[1.50,\" x \",\"\\\\\"]}"
    );
}
