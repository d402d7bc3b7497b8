//! How diagnostics come together: all at once, in order, across files, as text and JSON.

use tavs::policy::check::{check, check_to_serve};
use tavs::policy::codes;
use tavs::policy::diagnostic::{render, to_json};
use tavs::policy::syntax::SourceFile;

use crate::support::{BASE, TODAY, edited, file, found, page, underlined};

#[test]
fn the_base_is_good() {
    let (policies, diagnostics) = check(&[file(BASE)], TODAY);
    assert_eq!(page(BASE, &diagnostics), "");
    assert_eq!(policies.len(), 1);
}

#[test]
fn all_mistakes_of_a_file_come_in_one_run_and_in_order() {
    let text = edited(&[
        ("relation = \"processor\"", "relation = \"procesor\""),
        ("signed    = 2026-01-15", "signed    = 2026-13-15"),
        ("country = \"DK\"", "country = \"US\"\nground = \"Privacy Shield\""),
        ("basis     = [\"gdpr-6-1-b\", \"gdpr-9-2-h\"]", "basis     = [\"gdpr-6-1-b\"]"),
        ("requests    = \"50/s\"", "requests    = 50"),
        ("selects = \"$.appointments[*].start\"", "selects = \"$.appointments[*].born\""),
        ("\"$.source\"", "\"$..source\""),
    ]);
    let found = found(&text);
    let wanted = [
        ("TAVS0104", "\"procesor\""),
        ("TAVS0001", "2026-13-15"),
        ("TAVS0303", "\"Privacy Shield\""),
        ("TAVS0103", "50"),
        ("TAVS0201", ".."),
    ];
    let got = underlined(&text, &found);
    assert_eq!(got, wanted, "{}", page(&text, &found));
    // What is wrong only because something is absent waits until the file can be read.
    let text = text.replace("2026-13-15", "2026-01-15");
    let codes: Vec<&str> = crate::support::found(&text).iter().map(|one| one.code).collect();
    assert_eq!(
        codes,
        ["TAVS0104", "TAVS0303", "TAVS0103", "TAVS0402", "TAVS0201", "TAVS0311"],
        "{}",
        page(&text, &crate::support::found(&text))
    );
}

#[test]
fn a_misspelt_name_is_answered_with_the_nearest() {
    for (edit, help) in [
        (("relation =", "relaton ="), "did you mean `relation`?"),
        (("\"processor\"", "\"Processer\""), "did you mean `processor`?"),
        (("{ mask =", "{ maskk ="), "did you mean `mask`?"),
        (("[free-text]", "[free_text]"), "did you mean `free-text`?"),
        (("[\"GET\"]", "\"GET\""), "write `[\"GET\"]`, with square brackets"),
        (("[[test]]", "[test]"), "write `[[test]]`, with two brackets"),
        (("2027-01-15", "\"2027-01-15\""), "write it as 2026-01-31, without quotes"),
        (("\"gdpr-9-2-h\"", "\"gdpr-9.2.h\""), "did you mean `gdpr-9-2-h`?"),
        (("\"patients\"", "\"patients\"\nzzz = 1"), "known here: `name`, `methods`,"),
    ] {
        let found = found(&edited(&[edit]));
        let helps: Vec<&str> = found.iter().filter_map(|one| one.help.as_deref()).collect();
        assert!(helps.iter().any(|one| one.starts_with(help)), "{help}: {helps:?}");
    }
}

#[test]
fn a_misspelt_name_is_not_missing_too_and_what_hangs_on_it_waits() {
    let text =
        edited(&[("name    = \"Observation\"", "nam = \"Observation\""), ("route  = \"app", "rout = \"app")]);
    let found = found(&text);
    assert_eq!(
        underlined(&text, &found),
        [("TAVS0102", "nam"), ("TAVS0102", "rout")],
        "{}",
        page(&text, &found)
    );
}

#[test]
fn a_file_that_is_no_toml_at_all_is_answered_briefly() {
    let noise: String = (0..20_000_u32).map(|n| format!("{}\n", n.wrapping_mul(2_654_435_761))).collect();
    let found = found(&noise);
    assert_eq!(found.len(), 100);
    assert!(found.iter().all(|one| one.code == "TAVS0001"));
}

#[test]
fn policies_are_compared_with_each_other() {
    let other = |edits: &[(&str, &str)]| SourceFile::new("other.toml", edited(edits));
    let own = [
        ("\"sms-reminders\"", "\"other\""),
        ("urn:tavs:recipient:sms-reminders", "urn:tavs:recipient:other"),
        ("domain      = \"sms-reminders\"", "domain      = \"other\""),
    ];
    let [id, identity, domain] = own;
    for (edits, code, wanted, label) in [
        (
            &[id, domain][..],
            "TAVS0501",
            "{ uri = \"urn:tavs:recipient:sms-reminders\" }",
            "also claimed at policy.toml:12",
        ),
        (&[identity, domain], "TAVS0502", "\"sms-reminders\"", "also at policy.toml:5"),
        (&[id, identity], "TAVS0503", "\"sms-reminders\"", "shared with policy.toml:31"),
    ] {
        let files = [file(BASE), other(edits)];
        let (policies, diagnostics) = check(&files, TODAY);
        assert_eq!(underlined(&files[1].text, &diagnostics), [(code, wanted)]);
        assert_eq!(diagnostics[0].label, label);
        let warns = code == "TAVS0503";
        assert_eq!(policies.len(), if warns { 2 } else { 1 }, "{code}");
    }
    assert!(check(&[file(BASE), other(&own)], TODAY).1.is_empty());
    // Another anchor makes the same identifier another identity.
    let apart = [id, domain, ("anchor      = \"partners\"", "anchor      = \"labs\"")];
    assert!(check(&[file(BASE), other(&apart)], TODAY).1.is_empty());
}

#[test]
fn too_many_filters_on_one_element_are_refused() {
    let rule = |n: u32| {
        let compared: Vec<String> = (0..3).map(|m| format!("@.m{n}x{m}=={n}")).collect();
        format!("\"$.list[?{}].v{n}\" = \"keep\"\n", compared.join(" && "))
    };
    let rules: String = (0..40).map(rule).collect();
    let text = edited(&[("\"$.source\" ", &format!("{rules}\"$.source\" "))]);
    let found = found(&text);
    assert!(found.iter().all(|one| one.code == codes::TOO_MANY_FILTERS.id), "{}", page(&text, &found));
    assert!(
        underlined(&text, &found).iter().all(|(_, at)| at.starts_with("\"$.list[?")),
        "{}",
        page(&text, &found)
    );
    assert!(!found.is_empty());
}

/// Of what meets the rule above it, each is told once, at its own line.
#[test]
fn a_rule_below_another_is_told_once_and_where_it_stands() {
    let underlined_of = |lines: &str| {
        let text = edited(&[("\"$.source\" ", &format!("{lines}\"$.source\" "))]);
        let found = found(&text);
        underlined(&text, &found).into_iter().map(|(code, at)| (code, at.to_owned())).collect::<Vec<_>>()
    };
    // Only below a `keep` may something be withheld.
    let below = "\"$.a\" = { mask = \"all\" }\n\"$.a.b\" = \"withhold\"\n";
    assert_eq!(underlined_of(below), [("TAVS0202", "\"$.a.b\"".to_owned())]);
    assert_eq!(underlined_of(&below.replace("{ mask = \"all\" }", "\"keep\"")), []);
    // What stands in the document meets nothing else.
    let decoded =
        "\"$.letter\" = \"keep\"\n\"$.letter.data\" = { decode = \"json\", shapes = [\"Patient\"] }\n";
    assert_eq!(underlined_of(decoded), [("TAVS0202", "\"$.letter.data\"".to_owned())]);
}

#[test]
fn lapse_depends_on_the_day_alone() {
    let on = |day: &str| {
        let (policies, found) = check(&[file(BASE)], day.parse().unwrap());
        (policies.len(), found.iter().map(|one| one.code).collect::<Vec<_>>())
    };
    assert_eq!(on("2027-01-15"), (1, vec![]));
    assert_eq!(on("2027-01-16"), (1, vec!["TAVS0302"]));
    assert_eq!(on("2028-01-14"), (1, vec!["TAVS0302"]));
    assert_eq!(on("2028-01-15"), (0, vec!["TAVS0301"]));
    assert_eq!(on("2026-01-14"), (1, vec!["TAVS0314"]));
}

#[test]
fn a_transfer_lapses_by_itself_and_is_then_served_to_be_refused() {
    let text = edited(&[("country = \"DK\"", "country = \"DK\"\nexpires = 2026-09-30")]);
    let on = |day: &str| {
        let (policies, found) = check_to_serve(&[file(&*text)], day.parse().unwrap());
        let found: Vec<_> = found.iter().map(|one| (one.code, one.is_error())).collect();
        (policies.len(), found)
    };
    assert_eq!(on("2026-09-30"), (1, vec![]));
    assert_eq!(on("2026-10-01"), (1, vec![("TAVS0317", false)]));
    assert_eq!(on("2028-01-15"), (1, vec![("TAVS0301", false), ("TAVS0317", false)]));
    assert_eq!(check(&[file(&*text)], "2026-10-01".parse().unwrap()).0.len(), 0);
    // What else is wrong keeps it from taking effect.
    let text = text.replace("\"processor\"", "\"procesor\"");
    let (policies, found) = check_to_serve(&[file(&*text)], "2026-10-01".parse().unwrap());
    let found: Vec<_> = found.iter().map(|one| (one.code, one.is_error())).collect();
    assert_eq!((policies.len(), found), (0, vec![("TAVS0104", true), ("TAVS0317", false)]));
}

#[test]
fn a_page_shows_the_line_the_label_and_the_help() {
    let text = edited(&[("\"$.source\"", "\"$.source[-1]\"")]);
    let shown = render(&found(&text), &[file(&*text)], false);
    let line = text.lines().position(|line| line.contains("[-1]")).unwrap() + 1;
    let wanted = format!(
        "error[TAVS0201]: expected a name, `*`, an index from 0, or a filter\n\
         \x20 --> policy.toml:{line}:11\n   |\n{line} | \"$.source[-1]\"                        = {{ replace = \"booking\" }}\n\
         \x20  |           ^ here\n   |\n   = help: one pass cannot count from the end of an array\n\n"
    );
    assert_eq!(shown, wanted);
}

#[test]
fn json_has_places_in_bytes_lines_and_columns() {
    let text = edited(&[("\"$.source\" ", "\"$.ærø\" = { maks = \"all\" }\n\"$.source\" ")]);
    let value: serde_json::Value = serde_json::from_str(&to_json(&found(&text), &[file(&*text)])).unwrap();
    let start = text.find("maks").unwrap();
    let line = text.lines().position(|line| line.contains("maks")).unwrap() + 1;
    assert_eq!(
        value,
        serde_json::json!([{
            "severity": "error",
            "code": "TAVS0102",
            "message": "`$.ærø` has no place for `maks`",
            "file": "policy.toml",
            "line": line,
            "column": 13,
            "start": start,
            "end": start + 4,
            "label": "unknown name",
            "other": null,
            "included": null,
            "help": "did you mean `mask`?",
        }])
    );
}

#[test]
fn nothing_that_an_author_can_write_stops_the_check() {
    let mut texts: Vec<String> =
        BASE.char_indices().step_by(3).map(|(at, _)| BASE[..at].to_owned()).collect();
    texts.extend(BASE.char_indices().step_by(5).map(|(at, c)| {
        let rest = &BASE[at + c.len_utf8()..];
        format!("{}{}{rest}", &BASE[..at], if c == '"' { '[' } else { '"' })
    }));
    for text in texts {
        let found = found(&text);
        for one in &found {
            assert!(text.get(one.span.clone()).is_some(), "{:?} in {text}", one.span);
        }
        page(&text, &found);
    }
}

#[test]
fn a_route_that_takes_clear_numbers_may_list_one() {
    let text = edited(&[
        ("page = { pattern = \"integer\" }", "page = { one-of = [\"2512489996\"] }"),
        ("upstream = \"booking\"", "upstream = \"booking\"\naccept-clear = \"dbl-11-2-2\""),
    ]);
    assert_eq!(page(&text, &found(&text)), "");
}
