//! The vectors of `tests/vectors/cpr.txt`, and what holds of every text.

use super::*;

const VECTORS: &str = include_str!("../../tests/vectors/cpr.txt");

struct Vector {
    line: usize,
    verdict: &'static str,
    canonical: &'static str,
    text: String,
    spans: Vec<Range<usize>>,
}

/// Reads the file; the brackets around what a find covers are taken out of the text.
fn vectors() -> Vec<Vector> {
    let mut all = Vec::new();
    for (index, line) in VECTORS.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (head, json) = line.split_once(" \"").unwrap();
        let (verdict, canonical) = head.split_once(' ').unwrap_or((head, ""));
        let marked: String = serde_json::from_str(&format!("\"{json}")).unwrap();
        let (mut text, mut spans) = (String::new(), Vec::new());
        for c in marked.chars() {
            match c {
                '⟦' => spans.push(text.len()..text.len()),
                '⟧' => spans.last_mut().unwrap().end = text.len(),
                c => text.push(c),
            }
        }
        all.push(Vector { line: index + 1, verdict, canonical, text, spans });
    }
    all
}

#[test]
fn every_vector_gets_its_verdict() {
    let mut wrong = Vec::new();
    for Vector { line, verdict, canonical, text, spans } in vectors() {
        let mut finds = Vec::new();
        let search = search(&text, &mut finds);
        let found: Vec<_> = finds.iter().map(|find| find.span.clone()).collect();
        let right = match verdict {
            "find" => {
                search == Search::Found
                    && found == spans
                    && finds.iter().all(|find| find.number.canonical() == canonical)
            }
            "clean" => search == Search::Clean && finds.is_empty(),
            "binary" => search == Search::Binary,
            "parse" => parse(&text).is_some_and(|number| number.canonical() == canonical),
            "no-number" => parse(&text).is_none(),
            _ => false,
        };
        if !right {
            let numbers: Vec<_> = finds.iter().map(|find| find.number.canonical()).collect();
            wrong.push(format!(
                "line {line}: {verdict} {canonical} {text:?} {spans:?}: {search:?} {found:?} {numbers:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}\n{} wrong", wrong.join("\n"), wrong.len());
}
