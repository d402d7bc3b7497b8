//! What policies include: which file a mistake is shown in, what a profile may hold, and that no
//! include stops the check.

use std::sync::Arc;

use tavs::policy::check::{check, check_profiles};
use tavs::policy::checked::{Policy, Subject};
use tavs::policy::codes;
use tavs::policy::diagnostic::{Diagnostic, render};
use tavs::policy::syntax::{Profiles, SourceFile};

use crate::support::{BASE, TODAY, edited};

const PATIENT: &str = "profile = 1

[[shape]]
name    = \"Patient\"
when    = { resourceType = \"Patient\" }
subject = [\"$.identifier[?@.system=='urn:oid:1.2.208.176.1.2'].value\"]
alias   = [\"$.id\"]
[shape.members]
\"$.resourceType\" = \"keep\"
\"$.id\"           = { pseudonymise = \"id\" }
\"$.birthDate\"    = { generalise = \"year\" }
\"$.address\"      = \"keep\"
\"$.address[*].line\" = \"withhold\"
\"$.address[*]._line\" = \"withhold\"
\"$.identifier[?@.system=='urn:oid:1.2.208.176.1.2'].value\" = \"pseudonymise\"
";

/// Profiles by name; the path in diagnostics is the same.
fn shelf(files: &[(&str, &str)]) -> Arc<Profiles> {
    let mut profiles = Profiles::default();
    for (name, text) in files {
        profiles.add(*name, Ok(SourceFile::new(*name, *text)));
    }
    Arc::new(profiles)
}

/// The base without its own `Patient`, with `include` and more edits.
fn including(names: &str, edits: &[(&str, &str)]) -> String {
    let from = BASE.find("[[shape]]\nname    = \"Patient\"").unwrap();
    let to = BASE.find("[[shape]]\nname    = \"Observation\"").unwrap();
    let base = format!("{}{}", &BASE[..from], &BASE[to..]);
    let text = base.replacen("policy = 1", &format!("policy = 1\ninclude = [{names}]"), 1);
    edits.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "the base has no {from:?}");
        text.replacen(from, to, 1)
    })
}

fn checked(text: &str, profiles: &Arc<Profiles>) -> (Vec<Policy>, Vec<Diagnostic>, String) {
    let files = [SourceFile::new("policy.toml", text).with(profiles)];
    let (policies, found) = check(&files, TODAY);
    let page = render(&found, &files, false);
    (policies, found, page)
}

/// Code, file and underlined text of the main, the second and the including place.
type Places<'t> = (&'static str, (&'t str, &'t str), Option<(&'t str, &'t str)>, Option<(&'t str, &'t str)>);

fn places<'t>(policy: &'t str, profiles: &'t Profiles, found: &'t [Diagnostic]) -> Vec<Places<'t>> {
    let text = |file: &str| {
        let profile = profiles.get(file).and_then(|one| one.as_ref().ok());
        profile.map_or(policy, |one| one.text.as_str())
    };
    let place = |file: &'t str, span: &std::ops::Range<usize>| (file, &text(file)[span.clone()]);
    found
        .iter()
        .map(|one| {
            let second = |at: &'t Option<tavs::policy::diagnostic::Place>| {
                at.as_ref().map(|at| place(&at.file, &at.span))
            };
            (one.code, place(&one.file, &one.span), second(&one.other), second(&one.included))
        })
        .collect()
}

#[test]
fn a_policy_takes_the_shapes_that_it_lists() {
    let profiles = shelf(&[("profiles/patient.toml", PATIENT)]);
    let text = including("\"profiles/patient.toml\"", &[]);
    let (policies, _, page) = checked(&text, &profiles);
    assert_eq!(page, "");
    let names: Vec<&str> = policies[0].shapes.iter().map(|shape| shape.name.as_str()).collect();
    assert_eq!(names, ["Observation", "Patient"]);
    let birth = &policies[0].shapes[1].rules[2];
    assert_eq!((&*birth.file, birth.line), ("profiles/patient.toml", 11));
    let own = &policies[0].shapes[0].rules[0];
    assert_eq!((&*own.file, own.line), ("policy.toml", 87));
    assert_eq!(policies[0].profiles, ["profiles/patient.toml"]);
}

#[test]
fn a_policy_takes_the_shapes_that_its_rules_decode_documents_by() {
    let letter = "profile = 1\ninclude = [\"profiles/patient.toml\"]\n\n[[shape]]\nname = \"Letter\"\n\
                  when = { resourceType = \"DocumentReference\" }\nno-subject = \"x\"\n[shape.members]\n\
                  \"$.content[*].attachment.data\" = { decode = \"json\", shapes = [\"Patient\"] }\n";
    let profiles = shelf(&[("profiles/letter.toml", letter), ("profiles/patient.toml", PATIENT)]);
    // Listed by a shape that a route lists, and by a rule of a route.
    let listed = ("[\"Patient\",", "[\"Letter\",");
    let direct = "{ decode = \"json\", shapes = [\"Patient\"] }";
    for edits in [[listed].as_slice(), &[("[\"Patient\",", "["), ("{ replace = \"booking\" }", direct)]] {
        let (policies, _, page) = checked(&including("\"profiles/letter.toml\"", edits), &profiles);
        assert_eq!(page, "");
        assert!(policies[0].shapes.iter().any(|shape| shape.name.contains("Patient")));
    }
    // A name that leads nowhere is underlined where it stands.
    let lost = letter.replace("[\"Patient\"] }", "[\"Patiend\"] }");
    let profiles = shelf(&[("profiles/letter.toml", &lost), ("profiles/patient.toml", PATIENT)]);
    let text = including("\"profiles/letter.toml\"", &[listed]);
    let (_, found, page) = checked(&text, &profiles);
    let found = places(&text, &profiles, &found);
    let (code, place, ..) = found[0];
    assert_eq!((code, place), ("TAVS0403", ("profiles/letter.toml", "\"Patiend\"")), "{page}");
}

#[test]
fn the_version_covers_what_is_included() {
    let text = including("\"profiles/patient.toml\"", &[]);
    let version = |profile: &str| {
        let (policies, ..) = checked(&text, &shelf(&[("profiles/patient.toml", profile)]));
        policies[0].version
    };
    let changed = PATIENT.replace("\"year\"", "\"month\"");
    assert_ne!(version(PATIENT), version(&changed));
    assert_eq!(version(PATIENT), version(PATIENT));
    // As `(sha256sum < policy.toml | cut -c -64; sha256sum profiles/patient.toml) | sha256sum` has it.
    let digest = |text: &str| {
        use sha2::Digest as _;
        data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(text))
    };
    let lines = format!("{}\n{}  profiles/patient.toml\n", digest(&text), digest(PATIENT));
    assert_eq!(version(PATIENT).to_string(), digest(&lines));
}

#[test]
fn a_shape_begins_with_another_without_some_rules_and_adds_its_own() {
    let profiles = shelf(&[("profiles/patient.toml", PATIENT)]);
    let own = "[[shape]]\nname = \"Patient-month\"\nlike = \"Patient\"\nwithout = [\"$.birthDate\", \"$.address\"]\n\
               [shape.members]\n\"$.birthDate\" = { generalise = \"month\" }\n\"$.link[*].id\" = { pseudonymise = \"id\" }\n\n\
               [[shape]]\nname    = \"Observation\"";
    let edits = [("[[shape]]\nname    = \"Observation\"", own), ("[\"Patient\",", "[\"Patient-month\",")];
    let (policies, _, page) = checked(&including("\"profiles/patient.toml\"", &edits), &profiles);
    assert_eq!(page, "");
    let shape = &policies[0].shapes[0];
    let rules: Vec<(String, &str)> = shape
        .rules
        .iter()
        .map(|rule| (format!("{} {:?}", rule.location, rule.action), &*rule.file))
        .collect();
    let wanted = [
        ("$.resourceType Keep", "profiles/patient.toml"),
        ("$.id Pseudonymise(Id { resource_type: \"Patient\" })", "profiles/patient.toml"),
        ("$.address[*].line Withhold", "profiles/patient.toml"),
        ("$.address[*]._line Withhold", "profiles/patient.toml"),
        ("$.identifier[?@.system=='urn:oid:1.2.208.176.1.2'].value Pseudonymise", "profiles/patient.toml"),
        ("$.birthDate Generalise(Month)", "policy.toml"),
        ("$.link[*].id Pseudonymise(Id { resource_type: \"Patient\" })", "policy.toml"),
    ];
    assert_eq!(rules.len(), wanted.len(), "{rules:?}");
    for ((rule, file), (begins, in_file)) in rules.iter().zip(wanted) {
        assert!(rule.starts_with(begins) && *file == in_file, "{rule} in {file}");
    }
    assert_eq!((shape.alias.len(), shape.at.len(), shape.when.len()), (1, 4, 1));
    let Subject::At(subject) = &shape.subject else { panic!("{:?}", shape.subject) };
    assert_eq!(subject[0].to_string(), "$.identifier[?@.system=='urn:oid:1.2.208.176.1.2'].value");
    assert_eq!(policies[0].shapes.len(), 2, "the included one itself is listed by no route");
}

#[test]
fn a_mistake_in_a_profile_is_shown_there_and_told_once() {
    let bad = PATIENT
        .replace("\"year\"", "\"yaer\"")
        .replace("].value\" = \"pseudonymise\"", "].value\" = \"keep\"");
    let profiles = shelf(&[("profiles/patient.toml", &bad)]);
    let text = including("\"profiles/patient.toml\"", &[]);
    let second = text
        .replace("\"sms-reminders\"", "\"other\"")
        .replace("urn:tavs:recipient:sms-reminders", "urn:tavs:recipient:other");
    let files = [
        SourceFile::new("policy.toml", &*text).with(&profiles),
        SourceFile::new("other.toml", second).with(&profiles),
    ];
    let (policies, found) = check(&files, TODAY);
    assert!(policies.is_empty());
    let line = Some(("policy.toml", "\"profiles/patient.toml\""));
    let file = "profiles/patient.toml";
    let number = "\"$.identifier[?@.system=='urn:oid:1.2.208.176.1.2'].value\"";
    assert_eq!(
        places(&text, &profiles, &found),
        [("TAVS0104", (file, "\"yaer\""), None, line), ("TAVS0204", (file, number), None, line)]
    );
    // A policy's own come first.
    let worse = text.replace("\"processor\"", "\"procesor\"");
    let (_, of_both, _) = checked(&worse, &profiles);
    let files_of: Vec<&str> = of_both.iter().map(|one| one.file.as_str()).collect();
    assert_eq!(files_of, ["policy.toml", file, file]);
    let page = render(&found, &files, false);
    assert!(page.contains("--> profiles/patient.toml:11:35\n"), "{page}");
    assert!(page.contains("::: policy.toml:3:12\n") && page.contains("included here"), "{page}");
}

#[test]
fn what_a_policy_makes_of_a_profile_names_both_places() {
    let profiles = shelf(&[("profiles/patient.toml", PATIENT)]);
    let profile = "profiles/patient.toml";
    let line = Some(("policy.toml", "\"profiles/patient.toml\""));
    let add = "[[shape]]\nname    = \"Observation\"";
    for (edits, wanted) in [
        // Two shapes with one name: there is no precedence.
        (
            &[
                ("name    = \"Observation\"", "name    = \"Patient\""),
                ("\"Patient\", \"Observation\"", "\"Patient\""),
            ][..],
            (codes::DUPLICATE_NAME.id, ("policy.toml", "\"Patient\""), Some((profile, "\"Patient\"")), line),
        ),
        // Rules for one location, one in each file.
        (
            &[
                (
                    add,
                    "[[shape]]\nname = \"More\"\nlike = \"Patient\"\nmembers.\"$.birthDate\" = \"keep\"\n\n[[shape]]\nname    = \"Observation\"",
                ),
                ("\"Patient\", \"Observation\"", "\"More\", \"Observation\""),
            ],
            (
                codes::CONFLICT.id,
                ("policy.toml", "\"$.birthDate\""),
                Some((profile, "\"$.birthDate\"")),
                line,
            ),
        ),
        // Pseudonyms of ten digits, and ids in a profile.
        (
            &[
                ("\"keyed\"", "\"digits\""),
                ("{ pseudonymise = \"id\", type = \"Appointment\" }", "\"withhold\""),
            ],
            (codes::SCHEME_CANNOT.id, (profile, "\"$.id\""), Some(("policy.toml", "\"digits\"")), line),
        ),
        // A profile of which nothing is used.
        (
            &[("[\"Patient\", \"Observation\"]", "[\"Observation\"]")],
            (codes::UNUSED_SHAPE.id, ("policy.toml", "\"profiles/patient.toml\""), None, None),
        ),
    ] {
        let text = including("\"profiles/patient.toml\"", edits);
        let (_, found, page) = checked(&text, &profiles);
        let got = places(&text, &profiles, &found);
        assert_eq!(got.len(), 1, "{page}");
        assert_eq!((got[0].0, got[0].1), (wanted.0, wanted.1), "{page}");
        assert_eq!((got[0].2, got[0].3), (wanted.2, wanted.3), "{page}");
    }
}

/// A line of `include`, or a shape that begins with one, and what is said of it.
#[test]
fn includes_that_lead_nowhere_are_underlined() {
    let mut profiles = Profiles::default();
    profiles.add("profiles/patient.toml", Ok(SourceFile::new("profiles/patient.toml", PATIENT)));
    profiles.add("profiles/latin.toml", Err("line 3 is not UTF-8".into()));
    let profiles = Arc::new(profiles);
    for (include, code, underlined, help) in [
        (
            "\"profiles/pateint.toml\"",
            "TAVS0109",
            "\"profiles/pateint.toml\"",
            "did you mean `profiles/patient.toml`?",
        ),
        ("\"profiles/latin.toml\"", "TAVS0109", "\"profiles/latin.toml\"", "put the profile there"),
        ("\"profiles/nothing-like.toml\"", "TAVS0109", "\"profiles/nothing-like.toml\"", "`ls profiles`"),
        ("\"../x.toml\"", "TAVS0109", "\"../x.toml\"", "such as `profiles/"),
        ("\"profiles/../research.toml\"", "TAVS0109", "\"profiles/../research.toml\"", "such as `profiles/"),
        ("\"/etc/passwd\"", "TAVS0109", "\"/etc/passwd\"", "such as `profiles/"),
        ("\"profiles/.hidden.toml\"", "TAVS0109", "\"profiles/.hidden.toml\"", "such as `profiles/"),
        ("\"profiles/a\\u0000.toml\"", "TAVS0105", "\"profiles/a\\u0000.toml\"", "take it out"),
        ("\"profiles\"", "TAVS0109", "\"profiles\"", "such as `profiles/"),
        ("\"research.toml\"", "TAVS0109", "\"research.toml\"", "such as `profiles/"),
        ("3", "TAVS0103", "3", ""),
    ] {
        let text = including(include, &[]);
        let (policies, found, page) = checked(&text, &profiles);
        assert!(policies.is_empty(), "{include}");
        // That no shape `Patient` is there follows from it, and is not said.
        assert_eq!(
            places(&text, &profiles, &found),
            [(code, ("policy.toml", underlined), None, None)],
            "{page}"
        );
        assert!(found[0].help.as_deref().unwrap_or_default().starts_with(help), "{page}");
    }
    // Nothing at all beside it.
    let (_, found, page) = checked(&including("\"profiles/patient.toml\"", &[]), &Arc::default());
    assert!(found[0].help.as_deref().unwrap().contains("no folder `profiles`"), "{page}");
}

#[test]
fn a_like_that_is_none_and_a_without_without_effect_are_underlined() {
    let profiles = shelf(&[("profiles/patient.toml", PATIENT)]);
    for (like, without, code, underlined, help) in [
        ("Pateint", "$.birthDate", codes::UNKNOWN_SHAPE.id, "\"Pateint\"", "did you mean `Patient`?"),
        ("Patient", "$.birthdate", "TAVS0215", "\"$.birthdate\"", "did you mean `$.birthDate`?"),
        ("Patient", "$.address[*].line", "TAVS0215", "\"$.address[*].line\"", "name the `keep`"),
        ("Patient", "birthDate", "TAVS0201", "b", ""),
    ] {
        let own = format!(
            "[[shape]]\nname = \"Own\"\nlike = \"{like}\"\nwithout = [\"{without}\"]\n\n[[shape]]\nname    = \"Observation\""
        );
        let edits =
            [("[[shape]]\nname    = \"Observation\"", &*own), ("[\"Patient\",", "[\"Own\", \"Patient\",")];
        let edits: Vec<(&str, &str)> = edits.into_iter().collect();
        let text = including("\"profiles/patient.toml\"", &edits);
        let (_, found, page) = checked(&text, &profiles);
        let one = found.iter().find(|one| one.code != "TAVS0202").unwrap();
        let underlines = places(&text, &profiles, std::slice::from_ref(one))[0].1;
        assert_eq!(underlines, ("policy.toml", underlined), "{page}");
        assert_eq!(one.code, code, "{page}");
        assert!(one.help.as_deref().unwrap_or_default().starts_with(help), "{page}");
    }
}

#[test]
fn profiles_include_each_other_but_never_themselves_and_not_too_deep() {
    let all = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| format!("\"profiles/{name}.toml\"")).collect();
        format!("profile = 1\ninclude = [{}]\n", names.join(", "))
    };
    let text = including("\"profiles/all.toml\"", &[]);
    // Twice the same, over two ways, is once.
    let profiles = shelf(&[
        ("profiles/all.toml", &all(&["a", "b"])),
        ("profiles/a.toml", &all(&["patient"])),
        ("profiles/b.toml", &all(&["patient"])),
        ("profiles/patient.toml", PATIENT),
    ]);
    let (policies, _, page) = checked(&text, &profiles);
    assert_eq!(page, "");
    assert_eq!(policies[0].profiles.len(), 4);

    let profiles = shelf(&[
        ("profiles/all.toml", &all(&["a"])),
        ("profiles/a.toml", &all(&["patient", "b"])),
        ("profiles/b.toml", &all(&["all"])),
        ("profiles/patient.toml", PATIENT),
    ]);
    let (policies, found, page) = checked(&text, &profiles);
    assert!(policies.is_empty());
    let got = places(&text, &profiles, &found);
    assert_eq!(got.len(), 1, "{page}");
    assert_eq!((got[0].0, got[0].3), ("TAVS0110", Some(("policy.toml", "\"profiles/all.toml\""))), "{page}");

    let chain: Vec<(String, String)> = (0..12)
        .map(|n| {
            (
                format!("profiles/c{n:02}.toml"),
                if n == 11 { PATIENT.to_owned() } else { all(&[&format!("c{:02}", n + 1)]) },
            )
        })
        .collect();
    let chain: Vec<(&str, &str)> = chain.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let (profiles, text) = (shelf(&chain), including("\"profiles/c00.toml\"", &[]));
    let (_, found, page) = checked(&text, &profiles);
    let got = places(&text, &profiles, &found);
    assert!(got.iter().any(|one| one.0 == "TAVS0110" && one.1.0 == "profiles/c03.toml"), "{page}");
    let (_, _, page) = checked(&including("\"profiles/c05.toml\"", &[]), &profiles);
    assert_eq!(page, "");
}

#[test]
fn a_profile_has_shapes_and_nothing_else() {
    let recipient = format!("{PATIENT}\n[recipient]\nid = \"x\"\n");
    for (text, code, underlined) in [
        (&*recipient, "TAVS0102", "recipient"),
        ("policy = 1\n", "TAVS0102", "policy"),
        ("profile = 2\n[[shape]]\nname = \"A\"\nwhen = { a = 1 }\n", "TAVS0003", "2"),
        ("profile = 1\n", "TAVS0101", "profile = 1"),
        (
            "profile = 1\n[[shape]]\nname = \"A\"\nwhen = { a = 1 }\nmembers.\"$\" = \"keep\"\n",
            "TAVS0203",
            "\"$\"",
        ),
        (
            "profile = 1\n[[shape]]\nname = \"A\"\nwhen = { a = 1 }\nmembers.\"$.b\" = \"keep\"\nmembers.\"$.b.c\" = \"keep\"\n",
            "TAVS0202",
            "\"$.b.c\"",
        ),
        (
            "profile = 1\n[[shape]]\nname = \"A\"\nwhen = { a = 1 }\nmembers.\"$.b\" = \"resolve\"\n",
            codes::REQUEST_ACTION.id,
            "\"$.b\"",
        ),
    ] {
        let profiles = shelf(&[("profiles/a.toml", text)]);
        let found = check_profiles(&profiles, None);
        assert!(
            places("", &profiles, &found).iter().any(|one| (one.0, one.1.1) == (code, underlined)),
            "{code} {underlined}: {found:?}"
        );
        assert!(check_profiles(&profiles, Some(&["profiles/b.toml".to_owned()].into())).is_empty());
    }
    assert!(check_profiles(&shelf(&[("profiles/a.toml", PATIENT)]), None).is_empty());
}

/// A shape that begins with one of another profile, and that cannot be read, wholly or in part.
#[test]
fn what_may_stand_in_what_cannot_be_read_is_not_missed() {
    let own = |include: &str, more: &str| {
        format!("profile = 1\ninclude = [{include}]\n{more}[[shape]]\nname = \"A\"\nlike = \"B\"\n")
    };
    let person = "\"profiles/patient.toml\"";
    let broken = format!("{PATIENT}\"$.x\" = \n");
    for (own, patient, wanted) in [
        (own(person, ""), PATIENT, &["profiles/a.toml TAVS0403"][..]),
        (own("3", ""), PATIENT, &["profiles/a.toml TAVS0103"]),
        (own(person, "x = \n"), PATIENT, &["profiles/a.toml TAVS0001"]),
        (own(person, ""), &broken, &["profiles/patient.toml TAVS0001"]),
        (own("\"profiles/lost.toml\"", ""), PATIENT, &["profiles/a.toml TAVS0109"]),
        (own("\"profiles/a.toml\"", ""), PATIENT, &["profiles/a.toml TAVS0110"]),
    ] {
        let profiles = shelf(&[("profiles/a.toml", &own), ("profiles/patient.toml", patient)]);
        let found = check_profiles(&profiles, None);
        let found: Vec<String> = found.iter().map(|one| format!("{} {}", one.file, one.code)).collect();
        assert_eq!(found, wanted, "{own}");
    }
}

/// Nor is it said that nothing leaves, where what leaves may stand in what cannot be read.
#[test]
fn a_shape_that_cannot_be_read_may_disclose_something() {
    let bare =
        "[[shape]]\nname = \"Bare\"\nwhen = { a = 1 }\nno-subject = \"x\"\nmembers.\"$.a\" = \"withhold\"\n";
    let profile =
        format!("profile = 1\n{bare}{}", bare.replace("Bare", "Odd").replace("withhold", "withold"));
    let profiles = shelf(&[("profiles/patient.toml", &profile)]);
    for (own, code, is_told) in [
        ("like = \"Bare\"", "TAVS0210", true),
        ("like = 3", "TAVS0103", false),
        ("like = \"Bear\"", "TAVS0403", false),
        ("like = \"Bare\"\nmembers.\"$..b\" = \"keep\"", "TAVS0201", false),
        ("like = \"Odd\"", "TAVS0104", false),
    ] {
        let shape = format!("[[shape]]\nname = \"Own\"\n{own}\n\n[[shape]]\nname    = \"Observation\"");
        let edits = [
            ("[[shape]]\nname    = \"Observation\"", &*shape),
            ("[\"Patient\", \"Observation\"]", "[\"Own\"]"),
        ];
        let (_, found, page) = checked(&including("\"profiles/patient.toml\"", &edits), &profiles);
        let codes: Vec<&str> = found.iter().map(|one| one.code).collect();
        assert_eq!((codes.contains(&code), codes.contains(&"TAVS0210")), (true, is_told), "{page}");
    }
}

#[test]
fn no_profile_that_an_author_can_write_stops_the_check() {
    let policy = including("\"profiles/patient.toml\"", &[]);
    let based = edited(&[("[[test]]", "[[shape]]\nname = \"X\"\nlike = \"Patient\"\n[[test]]")]);
    for at in (0..PATIENT.len()).step_by(3).filter(|at| PATIENT.is_char_boundary(*at)) {
        let profiles = shelf(&[("profiles/patient.toml", &PATIENT[..at])]);
        let (_, found, _) = checked(&policy, &profiles);
        places(&policy, &profiles, &found);
        let alone = check_profiles(&profiles, None);
        places("", &profiles, &alone);
    }
    let (_, found, page) = checked(&based, &Arc::default());
    assert!(found.iter().any(|one| one.code == codes::UNKNOWN_SHAPE.id), "{page}");
}
