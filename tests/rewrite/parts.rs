//! A bundle in parts comes to what it comes to whole.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use jiff::civil::date;

use tavs::config::shipped_profiles;
use tavs::extract::input::Input;
use tavs::extract::row::{Cell, Row};
use tavs::extract::run::{Ruled, Run, RunError, Settings, Staged};
use tavs::extract::source::Rows;
use tavs::extract::staged::Reader;
use tavs::judge::Everyone;
use tavs::policy::check::check;
use tavs::policy::checked::Policy;
use tavs::policy::checked::extract::Extract;
use tavs::policy::location::Literal;
use tavs::policy::plan::Plan;
use tavs::policy::syntax::SourceFile;
use tavs::pseudonym::KeyRing;
use tavs::pseudonym::NONE_KNOWN;
use tavs::rewrite::{FaultKind, NO_ECHOES, Pieces, Rewriter, survey};
use tavs::subjects::Subjects;

/// The document is larger than this, and no record is.
const FEW: usize = 2000;
const MANY: usize = 8 << 20;

fn policy() -> Policy {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/research.toml");
    let file = SourceFile::new("research.toml", fs::read_to_string(path).unwrap());
    let (mut policies, _) = check(&[file.with(&shipped_profiles())], date(2026, 6, 1));
    policies.remove(0)
}

/// Patients behind their observations, and what nobody kept around them; with official test numbers' serials.
fn bundle() -> String {
    let mut entries = Vec::new();
    for n in 0..40 {
        entries.push(format!(
            r#"{{"resource":{{"resourceType":"Observation","id":"o{n}","subject":{{"reference":"Patient/p{n}"}},
"effectiveDateTime":"2026-02-17","note":[{{"text":"æ]"}}],"valueQuantity":{{"value":{n}.50,"unit":"mmol/L"}}}}}}"#
        ));
    }
    // One in seven is of nobody who is known.
    for n in (0..40).filter(|n| n % 7 != 0) {
        entries.push(format!(
            r#"{{"resource":{{"resourceType":"Patient","id":"p{n}","gender":"female","birthDate":"19{:02}-12-25",
"identifier":[{{"system":"urn:oid:1.2.208.176.1.2","value":"251248{:04}"}}]}}}}"#,
            30 + n,
            9900 + n
        ));
    }
    let mut text = String::from("{\"resourceType\":\"Bundle\",\n\"type\":\"collection\",\"entry\":[\n");
    write!(text, "{}],\n\"signature\":{{\"who\":1}}}}\n", entries.join(" ,\n ")).unwrap();
    text
}

/// Stages a document, whole where it is no larger than `most`.
fn staged(
    extract: &Extract,
    text: &str,
    (most, skips): (usize, bool),
) -> Result<(Staged, Vec<String>), RunError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.json");
    fs::write(&path, text).unwrap();
    let (policy, keys) = (policy(), KeyRing::throw_away([7; 32]));
    let routes: Vec<_> = extract.routes.iter().map(|route| &policy.routes[*route]).collect();
    let plans: Vec<Plan> = routes.iter().map(|route| Plan::compile(&policy, route, &keys).unwrap()).collect();
    let media = |at: usize| routes[at].response.media_types.as_slice();
    let ruled = plans.iter().enumerate().map(|(at, plan)| Ruled { plan, media_types: media(at) });
    let ruled: Vec<Ruled<'_>> = ruled.collect();
    let settings = Settings { threads: 3, skips, resumes: false, checkpoint: 1, piece: 1 << 20, most };
    let subjects = Subjects::default();
    let work = folder.path().join("work");
    fs::create_dir(&work).unwrap();
    let run = Run {
        policy: &policy,
        extract,
        plans: &ruled,
        subjects: &subjects,
        now: 1,
        salt: [7; 16],
        settings,
        work: work.clone(),
    };
    let input = Input::open(&path, &Rows::default()).unwrap();
    let staged = run.stage(&[input], &[], &mut |_| {})?;
    let mut written = Vec::new();
    for (table, path) in extract.tables.iter().zip(&staged.tables) {
        let (mut rows, mut row) = (Reader::open(path, table.columns.len()).unwrap(), Row::default());
        while rows.read(&mut row).unwrap() {
            let cells = row.cells.iter().map(|cell| match cell {
                Cell::Text(text) | Cell::Number(text) => text,
                _ => "-",
            });
            written.push(format!("{} {:?} {:?}", table.name, cells.collect::<Vec<_>>(), row.persons));
        }
    }
    if extract.tables.is_empty() {
        written.push(fs::read_to_string(work.join("out/records-00001.json")).unwrap());
    }
    Ok((staged, written))
}

#[test]
fn a_bundle_in_parts_comes_to_what_it_comes_to_whole() {
    let with_tables = policy().extract.unwrap();
    let without = Extract { tables: Vec::new(), ..with_tables.clone() };
    let text = bundle();
    // Bundles of which the first records, and of which all, are withheld.
    let nobody = text.replace("\"identifier\"", "\"nothing\"");
    let space = " ".repeat(FEW / 2);
    let empty = format!("{{\"resourceType\":\"Bundle\",\"entry\":[{space}],\"type\":\"x\"}}{space}");
    for extract in [&with_tables, &without] {
        for text in [&text, &nobody, &empty] {
            assert!(text.len() > FEW);
            let (whole, written) = staged(extract, text, (MANY, false)).unwrap();
            let (parts, parted) = staged(extract, text, (FEW, true)).unwrap();
            assert_eq!(written, parted);
            assert_eq!((whole.counts, whole.persons), (parts.counts, parts.persons));
            assert_eq!(whole.ties.same, parts.ties.same);
        }
    }
    let (_, written) = staged(&with_tables, &text, (FEW, false)).unwrap();
    assert_eq!(written.len(), 34 * 2, "patients and what was measured of them");
}

/// Over HTTP its first records leave before the last have come: nothing that the shipped profiles allow beside the
/// entries of a Bundle stands in the way.
#[test]
fn a_bundle_leaves_in_parts_by_the_shipped_profiles() {
    let (policy, keys) = (policy(), KeyRing::throw_away([7; 32]));
    let text = bundle();
    let mut routes = 0;
    for route in policy.routes.iter().filter(|route| route.response.record.is_some()) {
        let plan = Plan::compile(&policy, route, &keys).unwrap();
        let (salt, echoes, base, known) = (&[0; 16], &NO_ECHOES, "", &NONE_KNOWN);
        let rewriter = Rewriter { plan: &plan, salt, judge: &Everyone, echoes, base, known, lines: false };
        let whole = rewriter.run(text.as_bytes(), &mut ()).unwrap();
        let mut pieces = Pieces::new(&plan, false, FEW).unwrap();
        let (mut left, mut parts, mut same) = (Vec::new(), 0, BTreeSet::new());
        for came in text.as_bytes().chunks(100).chain([&b""[..]]) {
            pieces.push(came);
            while let Some(piece) = pieces.next(&plan, came.is_empty()).unwrap() {
                let parting = piece.parting.unwrap();
                let document = piece.into_document();
                let part = rewriter.part(&document, parting).unwrap();
                let (heard, survey) = rewriter.part_and_survey(&document, parting).unwrap();
                assert_eq!(heard.rewritten.released.body(), part.rewritten.released.body());
                assert_eq!(heard.rewritten.disclosure, part.rewritten.disclosure);
                same.extend(survey.same.iter().map(|same| (same.alias, same.person)));
                if part.has_records {
                    pieces.records_left();
                }
                left.extend_from_slice(part.rewritten.released.body());
                parts += 1;
            }
        }
        assert_eq!(String::from_utf8_lossy(&left), String::from_utf8_lossy(whole.released.body()));
        let heard = survey(&plan, text.as_bytes(), false).unwrap().same;
        assert!(!heard.is_empty());
        assert_eq!(
            same,
            heard.iter().map(|same| (same.alias, same.person)).collect(),
            "who is who, once each"
        );
        assert!(whole.disclosure.records > 0 && parts > 3, "{}: {parts} parts", route.name);
        routes += 1;
    }
    assert_eq!(routes, 7);
}

#[test]
fn what_is_wrong_with_a_bundle_in_parts_stops_and_says_where() {
    let extract = policy().extract.unwrap();
    let text = bundle();
    let fault = |text: &str| match staged(&extract, text, (FEW, true)) {
        Err(RunError::Part { line, kind, .. }) => (line, kind),
        other => panic!("{other:?}"),
    };
    let broken = text.replace("\"o39\"", "o39");
    let line = broken.lines().position(|line| line.contains("o39")).unwrap();
    assert_eq!(fault(&broken), (line as u64 + 1, FaultKind::Syntax));
    assert_eq!(fault(&text[..text.len() / 2]).1, FaultKind::UnexpectedEnd);
    // Whose type comes behind its records: by which rules they leave is not known when they come.
    let late =
        text.replacen("{\"resourceType\":\"Bundle\",", "{", 1).replace("\"signature\"", "\"resourceType\"");
    assert_eq!(fault(&late).1, FaultKind::NotParted);
    // A row of what stands around the records would be in every part.
    let mut around = extract.clone();
    for table in &mut around.tables {
        table.when = vec![("resourceType".into(), Literal::String("Bundle".into()))];
    }
    let refused = staged(&around, &text, (FEW, false));
    assert!(matches!(refused, Err(RunError::Part { kind: FaultKind::NotParted, .. })), "{refused:?}");
    // A record that is larger than what is judged at once.
    let large = text.replace("æ]", &"x".repeat(FEW));
    let refused = staged(&extract, &large, (FEW, false));
    assert!(matches!(refused, Err(RunError::Input(_))), "{refused:?}");
}
