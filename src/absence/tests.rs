//! What is found of a value that should be gone.

use super::*;

const VECTORS: &str = include_str!("../../tests/vectors/cpr.txt");

#[test]
fn a_known_number_is_found_in_every_form_of_the_vectors() {
    let mut missed = Vec::new();
    for line in VECTORS.lines().filter(|line| line.starts_with("find ")) {
        let (head, json) = line.split_once(" \"").unwrap();
        let canonical = head.strip_prefix("find ").unwrap();
        let json = format!("{{\"a\":\"{}}}", json.replace(['⟦', '⟧'], ""));
        if !canonical.contains('x') && find_any(json.as_bytes(), &["other", canonical]) != [1] {
            missed.push(line);
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn a_known_number_is_found_as_a_json_number_and_in_names() {
    for json in [
        "2512489996",
        "[-2512489996]",
        "2512489996.0",
        "2.512489996e9",
        "25124899960e-1",
        "251248.9996",
        "{\"a\":2512489996.5}",
        "{\"2512489996\":1}",
        "{\"x\":{\"251248-9996\":[]}}",
        "{\"a\":1}\n{\"b\":2512489996}\n",
        "not json 251248-9996",
        "25124899.96",
        "2.512489996",
        "25124899960",
        "\"{\\\"cpr\\\":2512489996e-3}\"",
        "\"25121948-9996\"",
        "\"=32512489996\"",
    ] {
        assert_eq!(find_any(json.as_bytes(), &["2512489996"]), [0], "{json}");
        assert_eq!(find_any(json.as_bytes(), &["251248-9996"]), [0], "{json}");
    }
    for json in ["504909995", "504909995.0", "5.04909995e8", "50490.9995", "\"0504909995\""] {
        assert_eq!(find_any(json.as_bytes(), &["0504909995"]), [0], "{json}");
    }
}

#[test]
fn words_are_found_in_any_form() {
    let known = ["Tårnhøjvej 47", "nancy@example.dk", "Berggren", "20304050", "absent", ""];
    for (json, found) in [
        (r#"{"a":"TÅRNHØJVEJ 47"}"#, vec![0]),
        (r#"{"a":"Ta\u030Arnh\u00f8jvej\u00a047"}"#, vec![0]),
        (r#"{"a":"T%C3%A5rnh%C3%B8jvej%2047"}"#, vec![0]),
        (r#"{"a":"T&#229;rnh&#xF8;jvej&nbsp;47"}"#, vec![0]),
        (r#"{"bmFuY3lAZXhhbXBsZS5kaw==":1}"#, vec![1]),
        (r#"{"a":"Ber\u00adggren","b":4520304050}"#, vec![2, 3]),
        (r#"{"a":"+45 20 30 40 50"}"#, vec![3]),
        (r#"{"a":"{\"navn\":\"B\\u0065rggren\"}"}"#, vec![2]),
        (r#"{"a":"Berg gren","b":"2030"}"#, vec![]),
        ("", vec![]),
    ] {
        assert_eq!(find_any(json.as_bytes(), &known), found, "{json}");
    }
}

/// serde_json reads a number with a long fraction and an exponent as its neighbour.
#[test]
fn a_number_that_is_all_of_a_text_is_read_exactly() {
    for number in ["0308239999", "0201609995", "2512489996"] {
        let (first, rest) = number.trim_start_matches('0').split_at(1);
        for (exponent, zeros) in (-12..=12).flat_map(|exponent| (0..4).map(move |zeros| (exponent, zeros))) {
            let text = format!("{first}.{rest}{}e{exponent}", "0".repeat(zeros));
            assert_eq!(find_any(text.as_bytes(), &[number]), [0], "{text}");
        }
    }
}
