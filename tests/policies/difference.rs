//! What changes for a recipient when a policy is edited: each edit with what it is about and whether
//! it widens; undone, it is the opposite.

use std::collections::BTreeSet;

use tavs::policy::check::check_to_serve;
use tavs::policy::checked::Policy;
use tavs::policy::diagnostic::Diagnostic;
use tavs::policy::difference::{Change, Direction, Topic, compare, widens};

use crate::support::{BASE, EXTRACT, TODAY, edited, file, page};

use Direction::{Narrower, Neutral, Unclear, Wider};

fn checked(text: &str) -> Result<Vec<Policy>, String> {
    let (policies, found) = check_to_serve(&[file(text)], TODAY);
    if found.iter().any(Diagnostic::is_error) { Err(page(text, &found)) } else { Ok(policies) }
}

fn policies(text: &str) -> Vec<Policy> {
    checked(text).unwrap()
}

fn between(old: &str, new: &str) -> Vec<Change> {
    compare(&policies(old), &policies(new))
}

/// The edits of the base, what each is about, its direction, and that of its undoing.
type Row = (&'static [(&'static str, &'static str)], Topic, Direction, Direction);

const HEADER: &[Row] = &[
    (&[("\"Påmind ApS\"", "\"Påmind A/S\"")], Topic::Name, Neutral, Neutral),
    (&[("gdpr@paamind", "dpo@paamind")], Topic::Contact, Neutral, Neutral),
    (&[("\"processor\"", "\"controller\"")], Topic::Relation, Unclear, Unclear),
    (&[("\"partners\"", "\"others\"")], Topic::Anchor, Wider, Wider),
    (&[("recipient:sms-reminders", "recipient:sms")], Topic::Certificate, Wider, Wider),
    (&[("[agreement]", TOKEN)], Topic::Token, Narrower, Wider),
    (&[("DBA-2026-007", "DBA-2026-008")], Topic::Reference, Neutral, Neutral),
    (&[("2026-01-15", "2026-01-14")], Topic::Signed, Wider, Narrower),
    (&[("2027-01-15", "2027-01-14")], Topic::Review, Neutral, Neutral),
    (&[("2028-01-14", "2028-01-15")], Topic::Expires, Wider, Narrower),
    (&[("\"appointment-reminders\"", "\"reminders\"")], Topic::Purpose, Wider, Wider),
    (&[("\"service\"", "\"legitimate-interest\"")], Topic::Category, Unclear, Unclear),
    (&[("[\"gdpr-6-1-b\", ", "[\"gdpr-6-1-b\", \"gdpr-6-1-f\", ")], Topic::Basis, Unclear, Narrower),
    (&[("\"not-required\"", "\"required\"")], Topic::Consent, Narrower, Wider),
    (&[("\"30 days\"", "\"31 days\"")], Topic::Retention, Unclear, Unclear),
    (&[("\"DK\"", "\"SE\"")], Topic::Country, Wider, Wider),
    (&[("\"DK\"", "\"DK\"\nexpires = 2026-09-30")], Topic::Expires, Narrower, Wider),
    (
        &[("\"DK\"", "\"US\"\nground = \"scc\"\nevidence = \"a\"\nverified = 2026-05-01")],
        Topic::Ground,
        Unclear,
        Unclear,
    ),
    (&[("domain      = \"sms-reminders\"", "domain = \"shared\"")], Topic::Domain, Wider, Wider),
    (&[("\"keyed\"", "\"sealed\"")], Topic::Scheme, Unclear, Unclear),
    (
        &[
            ("linkability = \"domain\"", "linkability = \"document\""),
            ("{ keep = true, number = \"not-cpr\" }", "\"withhold\""),
        ],
        Topic::Linkability,
        Narrower,
        Wider,
    ),
    (&[("\"50/s\"", "\"51/s\"")], Topic::Limits, Wider, Narrower),
    (&[("burst       = 100", "burst = 101")], Topic::Limits, Wider, Narrower),
    (&[("concurrency = 64", "concurrency = 65")], Topic::Limits, Wider, Narrower),
    (&[("\"5000/day\"", "\"5001/day\"")], Topic::Limits, Wider, Narrower),
    (&[("buffer ", "novelty = \"20/hour\"\nbuffer ")], Topic::Limits, Narrower, Wider),
    (&[("buffer ", "absent = \"30/min\"\nbuffer ")], Topic::Limits, Narrower, Wider),
    (&[("\"1 MiB\"", "\"2 MiB\"")], Topic::Limits, Wider, Narrower),
    (&[("\"64 MiB\"", "\"65 MiB\"")], Topic::Limits, Wider, Narrower),
    (
        &[("marker = [\"$.patient.beskyttet\"]", "marker = [\"$.patient.beskyttet\", \"$.beskyttet\"]")],
        Topic::AddressProtection,
        Narrower,
        Wider,
    ),
    (&[EXTRACT], Topic::Extract, Wider, Narrower),
    (&[("cpr = \"mask\"", "cpr = \"refuse\"")], Topic::FreeText, Narrower, Wider),
    (&[("cpr = \"mask\"", "cpr = \"pseudonymise\"")], Topic::FreeText, Wider, Narrower),
];

const TOKEN: &str =
    "token-sha256 = \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"\n\n[agreement]";
const POST: &str = "methods = [\"GET\", \"POST\"]\nrequest = { no-body = true }";
const JSON: &str = "request = { members = { \"$.a\" = \"keep\" } }\nmethods = [\"POST\"]";
const FIRST: &str = "methods  = [\"GET\"]";

const ROUTES: &[Row] = &[
    (&[("name     = \"patients\"", "name = \"people\"")], Topic::Route, Neutral, Neutral),
    (&[(FIRST, POST)], Topic::Methods, Wider, Narrower),
    (&[("pattern = \"uuid\"", "pattern = \"word\"")], Topic::Path, Wider, Narrower),
    (&[("\"/fhir/Patient\"", "\"/fhir/Observation\"")], Topic::Path, Unclear, Unclear),
    (&[(", page = { pattern = \"integer\" }", "")], Topic::Query, Narrower, Wider),
    (
        &[("page = { pattern = \"integer\" }", "page = { pattern = \"token\" }")],
        Topic::Query,
        Wider,
        Narrower,
    ),
    (
        &[("page = { pattern = \"integer\" }", "page = { pattern = \"date\" }")],
        Topic::Query,
        Unclear,
        Unclear,
    ),
    (&[(", selects = \"$.appointments[*].start\"", "")], Topic::Query, Unclear, Neutral),
    (&[("upstream = \"emr\"", "upstream = \"booking\"")], Topic::Upstream, Wider, Wider),
    (
        &[("upstream = \"booking\"", "upstream = \"booking\"\naccept-clear = \"dbl-11-2-2\"")],
        Topic::AcceptClear,
        Wider,
        Narrower,
    ),
    (
        &[(FIRST, "methods = [\"GET\"]\nrequest = { fields = { x-a = { pattern = \"date\" } } }")],
        Topic::Fields,
        Wider,
        Narrower,
    ),
    (&[(FIRST, JSON)], Topic::Content, Wider, Narrower),
    (
        &[(
            "content-types = [\"application/json\"]",
            "content-types = [\"application/json\", \"application/fhir+json\"]",
        )],
        Topic::ContentTypes,
        Wider,
        Narrower,
    ),
    (&[("{ \"423\" = 409 }", "{ \"423\" = 410 }")], Topic::Status, Unclear, Unclear),
    (&[("status = {", "base = [\"https://a.example\"]\nstatus = {")], Topic::Base, Unclear, Unclear),
    (&[("status = {", "location = \"url\"\nstatus = {")], Topic::Location, Wider, Narrower),
    (
        &[
            (
                "record  = \"$.appointments[*]\"\nsubject = [\"$.patient.cpr\"]",
                "subject = [\"$.appointments[*].patient.cpr\"]",
            ),
            ("[\"$.patient.navn\"]", "[\"$.appointments[*].patient.navn\"]"),
        ],
        Topic::Record,
        Unclear,
        Unclear,
    ),
    (
        &[("subject = [\"$.patient.cpr\"]", "no-subject = \"nobody\"")],
        Topic::Subject,
        Wider,
        // The shapes of another route have subjects.
        Narrower,
    ),
    (
        &[("subject = [\"$.patient.cpr\"]", "subject = [\"$.patient.cpr\", \"$.klinik.cpr\"]")],
        Topic::Subject,
        Unclear,
        Wider,
    ),
    (&[("alias   = [\"$.id\"]\n", "")], Topic::Subject, Unclear, Unclear),
];

const MEMBERS: &[Row] = &[
    (
        &[
            ("\"$.appointments[*].start\"         = \"keep\"\n", ""),
            (", selects = \"$.appointments[*].start\"", ""),
        ],
        Topic::Members,
        Narrower,
        Wider,
    ),
    (
        &[("\"$.appointments[*].klinik.navn\" ", "\"$.appointments[*].klinik\" ")],
        Topic::Members,
        Wider,
        Narrower,
    ),
    // The same place in other words is no change; a part of it is.
    (
        &[("\"$.appointments[*].klinik.navn\" ", "\"$.appointments[0].klinik.navn\" ")],
        Topic::Members,
        Narrower,
        Wider,
    ),
    (
        &[("\"$.appointments[*].klinik.navn\" ", "\"$.appointments[?@.kind=='a'].klinik.navn\" ")],
        Topic::Members,
        Narrower,
        Wider,
    ),
    (
        &[(
            "\"$.appointments[*].klinik.navn\"   = \"keep\"",
            "\"$.appointments[*].klinik\" = \"keep\"\n\"$.appointments[*].klinik.cvr\" = \"withhold\"",
        )],
        Topic::Members,
        Wider,
        Narrower,
    ),
    (&[("{ keep = true, number = \"not-cpr\" }", "\"keep\"")], Topic::Members, Narrower, Wider),
    (&[("{ mask = \"first-word\" }", "\"keep\"")], Topic::Members, Wider, Narrower),
    (&[("{ mask = \"first-word\" }", "{ mask = \"initials\" }")], Topic::Members, Unclear, Unclear),
    (&[("generalise = \"age\"", "generalise = \"age-band-5\"")], Topic::Members, Narrower, Wider),
    (&[("{ replace = \"booking\" }", "{ replace = \"other\" }")], Topic::Members, Unclear, Unclear),
    (
        &[("scan = [\"phone\", \"names\"]", "scan = [\"phone\", \"email\", \"names\"]")],
        Topic::Members,
        Narrower,
        Wider,
    ),
    (
        &[("names-from = [\"$.patient.navn\"]", "names-from = [\"$.patient.navn\", \"$.klinik.navn\"]")],
        Topic::Members,
        Narrower,
        Wider,
    ),
    (
        &[("members.\"$.valueQuantity\" = \"keep\"", "members.\"$.valueQuantity.value\" = \"keep\"")],
        Topic::Members,
        Narrower,
        Wider,
    ),
    (
        &[("members.\"$.id\"           = { pseudonymise = \"id\" }", "members.\"$.id\" = \"keep\"")],
        Topic::Members,
        Wider,
        Narrower,
    ),
    // What leaves of the document is new; of the code as it stood nobody can say how much it told.
    (&[("{ mask = \"first-word\" }", DOCUMENT)], Topic::Members, Wider, Unclear),
    (
        &[("\"$.source\"                        = { replace = \"booking\" }", SOURCE)],
        Topic::Members,
        Wider,
        // A mark of address protection in the document protects the record around it no more.
        Unclear,
    ),
];

/// Without it the member is withheld.
const SOURCE: &str =
    "\"$.source\" = { replace = \"booking\" }\n\"$.letter\" = { decode = \"json\", shapes = [\"Patient\"] }";
const DOCUMENT: &str = "{ decode = \"json\", shapes = [\"Patient\"] }";

#[test]
fn each_edit_has_the_direction_that_the_table_says() {
    let mut wrong = String::new();
    for (edits, topic, there, back) in HEADER.iter().chain(ROUTES).chain(MEMBERS) {
        let text = edited(edits);
        if let Err(page) = checked(&text) {
            wrong += &page;
            continue;
        }
        for (old, new, wanted) in [(BASE, text.as_str(), there), (text.as_str(), BASE, back)] {
            let changes = between(old, new);
            // What is about another topic may come along; the worst of this one counts.
            let worst = changes.iter().filter(|one| one.topic == *topic).map(|one| one.direction).min();
            if worst != Some(*wanted) {
                wrong += &format!("{edits:?}: wanted {wanted:?} of {topic:?}, got {changes:#?}\n");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Edits of an extract, the direction of each, and of its undoing.
const EXTRACTS: &[(&str, &str, Direction, Direction)] = &[
    ("k      = 5", "k = 4", Wider, Narrower),
    ("order  = \"pseudonym\"", "order = \"input\"", Wider, Narrower),
    ("numbers = [\"vaerdi\"]", "", Unclear, Unclear),
    ("rows            = \"$\"", "when = { start = \"x\" }", Unclear, Unclear),
    ("\"5 %\"", "\"6 %\"", Unclear, Unclear),
    ("from             = \"element\"", "from = \"row\"", Unclear, Unclear),
    ("name        = \"note\"", "name = \"word\"", Wider, Wider),
    ("type             = \"integer\"", "type = \"number\"", Unclear, Unclear),
    ("path        = \"$.patient.navn\"", "path = \"$.start\"", Unclear, Unclear),
    ("\"First name\"", "\"Given name\"", Neutral, Neutral),
    (", { step = 10 }", "", Unclear, Unclear),
    ("name            = \"visits\"", "name = \"all\"", Wider, Wider),
    ("quasi-identifier = true\ncoarsen          = [{ prefix = 3 }]", "", Wider, Narrower),
    ("routes = [\"appointments\"]", "routes = [\"appointments\", \"lines\"]", Wider, Unclear),
];

#[test]
fn what_an_extract_selects_is_compared_place_by_place() {
    const LINES: (&str, &str) = (
        "[[shape]]",
        "[[route]]\nname = \"lines\"\nmethods = [\"GET\"]\npath = \"/lines\"\nupstream = \"emr\"\n\
         response = { shapes = [\"Patient\"], content-types = [\"application/x-ndjson\"] }\n\n[[shape]]",
    );
    let old = edited(&[EXTRACT, LINES]);
    for (from, to, there, back) in EXTRACTS {
        let new = edited(&[EXTRACT, LINES, (from, to)]);
        for (old, new, wanted) in [(&old, &new, there), (&new, &old, back)] {
            let changes = between(old, new);
            assert!(changes.iter().all(|one| one.topic == Topic::Extract), "{from}: {changes:#?}");
            let worst = changes.iter().map(|one| one.direction).min();
            assert_eq!(worst, Some(*wanted), "{from}: {changes:#?}");
        }
    }
    let whole = edited(&[("[[test]]", "[extract]\nroutes = [\"appointments\"]\n\n[[test]]")]);
    let tables =
        edited(&[EXTRACT, ("order  = \"pseudonym\"", ""), ("[extract.csv]\nnumbers = [\"vaerdi\"]", "")]);
    let worst = |old, new| between(old, new).iter().map(|one| one.direction).min();
    assert_eq!(worst(&whole, &tables), Some(Narrower));
    assert_eq!(worst(&tables, &whole), Some(Wider));
}

/// Edits before and after, and something that must be told of the step.
type Step<'t> = (&'t [(&'t str, &'t str)], &'t [(&'t str, &'t str)], Direction, &'t str);

#[test]
fn what_changes_is_told_by_its_own_words() {
    const OTHER_TOKEN: &str =
        "token-sha256 = \"1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"\n\n[agreement]";
    const ALL: &str = "$.patient.identifier[*].value";
    const REGIONAL: &str = "$.patient.identifier[?@.system=='urn:oid:1.2.208.176.1.6.1.3.177'].value";
    let subject = |location: &str| format!("subject = [\"$.patient.cpr\", \"{location}\"]");
    let pseudonym = |location: &str| {
        let location = location.replace("$.", "$.appointments[*].");
        format!("\"{location}\" = \"pseudonymise\"\n\"$.source\" ")
    };
    let (all_subjects, regional_subjects) = (subject(ALL), subject(REGIONAL));
    let (all, regional) = (pseudonym(ALL), pseudonym(REGIONAL));
    let sent = "methods = [\"POST\"]\nrequest = { members = { \"$.a\" = \"keep\", \"$.b\" = \"keep\" } }";
    let less = "methods = [\"POST\"]\nrequest = { members = { \"$.a\" = \"keep\" } }";
    let steps: &[Step<'_>] = &[
        (&[("[agreement]", TOKEN)], &[("[agreement]", OTHER_TOKEN)], Wider, "another bearer token is wanted"),
        (
            &[],
            &[("subject = [\"$.patient.cpr\"]", "no-subject = \"nobody\"")],
            Wider,
            "whose data a record is: `said by the record` becomes `nobody`",
        ),
        (
            &[("subject = [\"$.patient.cpr\"]", &all_subjects)],
            &[("subject = [\"$.patient.cpr\"]", &regional_subjects)],
            Unclear,
            "names persons of another identifier system",
        ),
        (
            &[("\"$.source\" ", &all)],
            &[("\"$.source\" ", &regional)],
            Unclear,
            "has pseudonyms of another system",
        ),
        (&[], &[(", page = { pattern = \"integer\" }", "")], Narrower, "query parameter `page` is refused"),
        (&[(FIRST, less)], &[(FIRST, sent)], Wider, "`$.b` may be sent: `keep`"),
        (&[(FIRST, sent)], &[(FIRST, less)], Narrower, "`$.b` is refused"),
        (
            &[],
            &[("members.\"$.valueQuantity\" = \"keep\"", "members.\"$.valueQuantity.value\" = \"keep\"")],
            Narrower,
            "leaves only as rules below it say, was `keep`",
        ),
        // Neither its name nor its path: another route.
        (
            &[],
            &[("name     = \"patients\"", "name = \"people\""), ("\"/fhir/Patient\"", "\"/fhir/Person\"")],
            Wider,
            "route `people` is new: GET /fhir/Person",
        ),
    ];
    for (before, after, direction, words) in steps {
        let changes = between(&edited(before), &edited(after));
        let told = changes.iter().any(|one| one.direction == *direction && one.words.contains(words));
        assert!(told, "{words}: {changes:#?}");
        assert_eq!(widens(&changes), changes.iter().any(|one| matches!(one.direction, Wider | Unclear)));
        assert!(!widens(&between(&edited(before), &edited(before))));
    }
    // Each member by itself, though all widen alike.
    let two = edited(&[("\"$.source\" ", "\"$.one\" = \"keep\"\n\"$.two\" = \"keep\"\n\"$.source\" ")]);
    let words = |old: &str, new: &str| between(old, new).into_iter().map(|one| one.words).collect::<Vec<_>>();
    assert_eq!(words(BASE, &two), ["`$.one` leaves: `keep`", "`$.two` leaves: `keep`"]);
    assert_eq!(words(&two, BASE), ["`$.one` is withheld, was `keep`", "`$.two` is withheld, was `keep`"]);
    // Of a document that comes or goes only what leaves of it is told.
    let letter = edited(&[("\"$.source\"                        = { replace = \"booking\" }", SOURCE)]);
    for changes in [between(BASE, &letter), between(&letter, BASE)] {
        assert!(changes.iter().all(|one| one.topic == Topic::Members), "{changes:#?}");
    }
    // What is the same on both sides has no other system.
    assert_eq!(
        between(&edited(&[("\"$.source\" ", &regional)]), &edited(&[("\"$.source\" ", &regional)])),
        []
    );
}

#[test]
fn more_filters_than_can_be_compared_are_not_proven_narrower() {
    // Ten members on either side, none in common: what both make of an element has 2^20 combinations.
    let filtered = |letter: char| {
        let lines = (0..10).map(|n| format!("\"$.list[?@.{letter}{n}=='x'].v{n}\" = \"keep\"\n"));
        edited(&[("\"$.source\" ", &format!("{}\"$.source\" ", lines.collect::<String>()))])
    };
    let changes = between(&filtered('a'), &filtered('b'));
    let told =
        changes.iter().any(|one| one.direction == Unclear && one.words.contains("too many filters at"));
    assert!(told, "{changes:#?}");
}

#[test]
fn every_topic_stands_in_the_table() {
    let shown: BTreeSet<Topic> =
        HEADER.iter().chain(ROUTES).chain(MEMBERS).map(|(_, topic, ..)| *topic).collect();
    let elsewhere = [Topic::Recipient, Topic::Evidence, Topic::RequestLimit];
    let missing: Vec<_> =
        Topic::ALL.iter().filter(|topic| !shown.contains(topic) && !elsewhere.contains(topic)).collect();
    assert!(missing.is_empty(), "no edit shows {missing:?}");
}

#[test]
fn nothing_changes_where_the_same_is_said_otherwise() {
    for edits in [
        &[("$.appointments[*].klinik.navn", "$['appointments'][*]['klinik'].navn")][..],
        &[("name    = \"Observation\"", "name    = \"Measured\""), ("\"Observation\"]", "\"Measured\"]")],
        &[("\"$.source\" ", "# why\n\"$.source\" ")],
        &[("absent = [\"2512489996\"]", "absent = [\"2512489996\", \"251248\"]")],
    ] {
        assert_eq!(between(BASE, &edited(edits)), [], "{edits:?}");
    }
}

#[test]
fn what_comes_and_goes_is_told_whole() {
    let other = edited(&[
        ("\"sms-reminders\"", "\"other\""),
        ("recipient:sms-reminders", "recipient:other"),
        ("domain      = \"sms-reminders\"", "domain = \"other\""),
    ]);
    let both = [policies(BASE), policies(&other)].concat();
    let one = |changes: Vec<Change>| {
        let [change] = changes.try_into().unwrap();
        (change.topic, change.direction, change.words)
    };
    assert_eq!(
        one(compare(&policies(BASE), &both)),
        (
            Topic::Recipient,
            Wider,
            "`Påmind ApS` is a new recipient, with the routes `appointments`, `patients`".to_owned()
        )
    );
    let gone = one(compare(&both, &policies(BASE)));
    assert_eq!((gone.0, gone.1), (Topic::Recipient, Narrower));
    // A route that comes beside a change of its like.
    let start = BASE.find("[[route]]\nname     = \"patients\"").unwrap();
    let end = BASE.find("[[shape]]\nname    = \"Patient\"").unwrap();
    let less = BASE[..start].to_owned() + &BASE[BASE.find("[[test]]").unwrap()..];
    assert!(start < end);
    let changes = between(&less, BASE);
    assert_eq!(one(changes), (Topic::Route, Wider, "route `patients` is new: GET /fhir/Patient".to_owned()));
}

#[test]
fn changes_are_told_in_words_with_their_places() {
    let text = edited(&[("{ mask = \"first-word\" }", "\"keep\"")]);
    let [change] = between(BASE, &text).try_into().unwrap();
    assert_eq!(change.words, "`$.appointments[*].patient.navn`: `mask first-word` becomes `keep`");
    assert_eq!(change.route.as_deref(), Some("appointments"));
    let line = BASE.lines().position(|line| line.contains("first-word")).unwrap() + 1;
    assert_eq!(change.old.unwrap().line, u32::try_from(line).ok());
}

#[test]
fn what_a_document_in_base64_lets_out_is_compared_place_by_place() {
    let with = |shapes: &str, letter: &str| {
        edited(&[
            (
                "\"$.source\" ",
                &format!("\"$.letter.data\" = {{ decode = \"json\", shapes = [{shapes}] }}\n\"$.source\" "),
            ),
            (
                "[[test]]",
                &format!(
                    "[[shape]]\nname = \"Letter\"\nwhen = {{ kind = \"letter\" }}\nno-subject = \"x\"\n{letter}\n\n[[test]]"
                ),
            ),
        ])
    };
    let less = with("\"Letter\"", "members = { \"$.title\" = { mask = \"initials\" } }");
    let words = |new: &str| {
        let changes = between(&less, new);
        changes.into_iter().map(|one| (one.direction, one.words)).collect::<Vec<_>>()
    };
    let more =
        with("\"Letter\"", "members = { \"$.title\" = { mask = \"initials\" }, \"$.date\" = \"keep\" }");
    assert_eq!(words(&more), [(Wider, "`$.letter.data → Letter $.date` leaves: `keep`".to_owned())]);
    assert_eq!(
        between(&more, &less).into_iter().map(|one| (one.direction, one.words)).collect::<Vec<_>>(),
        [(Narrower, "`$.letter.data → Letter $.date` is withheld, was `keep`".to_owned())]
    );
    let kept = with("\"Letter\"", "members = { \"$.title\" = \"keep\" }");
    assert_eq!(
        words(&kept),
        [(Wider, "`$.letter.data → Letter $.title`: `mask initials` becomes `keep`".to_owned())]
    );
    // A shape that the policy has elsewhere is one more that a document may have.
    let other =
        words(&with("\"Letter\", \"Patient\"", "members = { \"$.title\" = { mask = \"initials\" } }"));
    let id = "`$.letter.data → Patient $.id` leaves: `pseudonymise id` (of Patient)".to_owned();
    assert!(other.contains(&(Wider, id)), "{other:?}");
}

/// Where a document goes, less is asked of what stands in it than of the same outside.
#[test]
fn what_a_document_shows_first_is_compared_outside_all_the_same() {
    let subjects = |more: &str| format!("subject = [{more}\"$.patient.cpr\", \"$.z.cpr\"]");
    let old = edited(&[
        ("subject = [\"$.patient.cpr\"]", &subjects("\"$.patientCpr\", ")),
        (
            "\"$.source\" ",
            "\"$.appointments[*].letter\" = { decode = \"json\", shapes = [\"Letter\"] }\n\"$.source\" ",
        ),
        (
            "[[test]]",
            "[[shape]]\nname = \"Letter\"\nwhen = { kind = \"letter\" }\nsubject = [\"$.cpr\"]\nmembers = { \"$.title\" = \"keep\" }\n\n[[test]]",
        ),
    ]);
    let new = edited(&[("subject = [\"$.patient.cpr\"]", &subjects(""))]);
    let changes = between(&old, &new);
    let lost = "`$.appointments[*].patientCpr` no longer says whose data a record is";
    assert!(changes.iter().any(|one| one.direction == Wider && one.words == lost), "{changes:#?}");
}

#[test]
fn what_may_be_sent_is_compared_place_by_place() {
    let with = |members: &str, limit: &str| {
        let request =
            format!("methods = [\"POST\"]\nrequest = {{ limit = \"{limit}\", members = {{ {members} }} }}");
        edited(&[(FIRST, &request)])
    };
    let less = with("\"$.a[0]\" = \"keep\"", "1 KiB");
    for (members, limit, topic, wanted) in [
        ("\"$.a[*]\" = \"keep\"", "1 KiB", Topic::Content, Wider),
        ("\"$.a[0].b\" = \"keep\"", "1 KiB", Topic::Content, Narrower),
        ("\"$.a[0]\" = \"keep\"", "2 KiB", Topic::RequestLimit, Wider),
    ] {
        let changes = between(&less, &with(members, limit));
        let found: Vec<_> = changes.iter().map(|one| (one.topic, one.direction)).collect();
        assert_eq!(found, [(topic, wanted)], "{members} {limit}");
    }
}

/// A route of the upstream `emr`.
fn emr(name: &str, method: &str, path: &str, taken: &str) -> String {
    let request = if method == "PUT" { "request = { no-body = true }\n" } else { "" };
    format!(
        "[[route]]\nname = \"{name}\"\nmethods = [\"{method}\"]\npath = \"{path}\"\nupstream = \"emr\"\n\
         {request}{taken}response = {{ shapes = [\"Patient\"], content-types = [\"application/json\"] }}\n\n"
    )
}

/// Whether ids that routes resolved may leave once others take their place, where URLs leave, or none do.
fn opens(old: &[&String], new: &[&String], urls: bool) -> bool {
    let members = if urls { "\"$.link[*].url\" = \"url\"\nmembers.\"$.id\" =" } else { "\"$.id\" =" };
    let with = |routes: &[&String]| {
        let routes: String = routes.iter().map(|route| route.as_str()).collect();
        policies(&edited(&[
            ("\"keyed\"", "\"sealed\""),
            ("\"$.id\"           =", members),
            ("[[shape]]\nname    = \"Patient\"", &(routes + "[[shape]]\nname    = \"Patient\"")),
        ]))
    };
    let changes = compare(&with(old), &with(new));
    changes.iter().any(|one| one.direction == Unclear && one.words.contains("may leave with ids"))
}

#[test]
fn a_route_that_kept_ids_out_of_urls_does_not_go_unnoticed() {
    let resolved = "path-members = { id = { resolve = \"id\", type = \"Patient\" } }\n";
    let person = "path-members = { id = { resolve = \"id\", type = \"Person\" } }\n";
    let kept = "path-members = { id = { keep = true, pattern = \"word\" } }\n";
    let by_query = "query = { patient = { resolve = \"id\", type = \"Patient\" } }\n";
    let in_query = "query = { patient = { pattern = \"word\" }, page = { pattern = \"integer\" } }\n";
    let only = "query = { patient = { pattern = \"word\" } }\n";
    let resolves = emr("resolves", "GET", "/fhir/Patient/{id}", resolved);
    let keeps = emr("keeps", "PUT", "/fhir/Patient/{id}", kept);
    for (what, old, new, wanted) in [
        ("it goes", &[&resolves, &keeps][..], &[&keeps][..], true),
        ("it goes, and nothing else explains the URL", &[&resolves], &[], false),
        ("both go", &[&resolves, &keeps], &[], false),
        ("the other goes", &[&resolves, &keeps], &[&resolves], false),
        ("order means nothing", &[&resolves, &keeps], &[&keeps, &resolves], false),
        (
            "another stands for it",
            &[&resolves, &keeps],
            &[&keeps, &emr("second", "GET", "/fhir/Patient/{id}", resolved)],
            false,
        ),
        (
            "of another type",
            &[&resolves, &keeps],
            &[&keeps, &emr("resolves", "GET", "/fhir/Patient/{id}", person)],
            true,
        ),
        (
            "it moves",
            &[&resolves, &keeps],
            &[&keeps, &emr("resolves", "GET", "/r4/Patient/{id}", resolved)],
            true,
        ),
        (
            "the other is called by a part of its path",
            &[&resolves, &emr("keeps", "PUT", "/Patient/{id}", kept)],
            &[&emr("keeps", "PUT", "/Patient/{id}", kept)],
            true,
        ),
        (
            "the other stands elsewhere",
            &[&resolves, &emr("keeps", "PUT", "/fhir/Observation/{id}", kept)],
            &[&emr("keeps", "PUT", "/fhir/Observation/{id}", kept)],
            false,
        ),
        (
            "a version's route goes",
            &[&emr("version", "GET", "/fhir/Patient/{id}/_history/1", resolved), &keeps],
            &[&keeps],
            true,
        ),
        (
            "a parameter",
            &[
                &emr("resolves", "GET", "/fhir/Visit", by_query),
                &emr("keeps", "PUT", "/fhir/Visit", in_query),
            ],
            &[&emr("keeps", "PUT", "/fhir/Visit", in_query)],
            true,
        ),
        (
            "a parameter, the only one",
            &[&emr("resolves", "GET", "/fhir/Visit", by_query), &emr("keeps", "PUT", "/fhir/Visit", only)],
            &[&emr("keeps", "PUT", "/fhir/Visit", only)],
            true,
        ),
    ] {
        assert_eq!(opens(old, new, true), wanted, "{what}");
        assert!(!opens(old, new, false), "{what}, and nothing uses URLs");
    }
}

#[test]
fn evidence_of_a_ground_is_neither_more_nor_less() {
    let ground = |evidence: &str, verified: &str| {
        let text = format!("\"US\"\nground = \"scc\"\nevidence = \"{evidence}\"\nverified = {verified}");
        edited(&[("\"DK\"", &text)])
    };
    for changes in [
        between(&ground("a", "2026-05-01"), &ground("b", "2026-05-01")),
        between(&ground("a", "2026-05-01"), &ground("a", "2026-05-02")),
    ] {
        let found: Vec<_> = changes.iter().map(|one| (one.topic, one.direction)).collect();
        assert_eq!(found, [(Topic::Evidence, Neutral)]);
    }
}
