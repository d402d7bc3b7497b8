//! One edit of a good policy, one diagnostic: its code and what it underlines.

use std::collections::BTreeSet;

use tavs::policy::codes;

use crate::support::{EXTRACT, EXTRACT_OF_PATIENTS, edited, found, page, underlined};

/// Code, edits of the base, underlined text.
pub(crate) type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str);

pub(crate) const SEALED: (&str, &str) = ("scheme      = \"keyed\"", "scheme      = \"sealed\"");

pub(crate) const CASES: &[Case] = &[
    // 00, 01: any file.
    ("TAVS0001", &[("2026-01-15", "2026-13-15")], "2026-13-15"),
    ("TAVS0001", &[("[free-text]", "[free-text")], "t"),
    ("TAVS0001", &[("contact  = \"gdpr@paamind.example\"", "contact  =")], "="),
    ("TAVS0002", &[("[free-text]", "[push]\n[free-text]")], "push"),
    ("TAVS0003", &[("policy = 1", "policy = 2")], "2"),
    ("TAVS0101", &[("expires   = 2028-01-14\n", "")], "[agreement]"),
    ("TAVS0101", &[("policy = 1", "")], "#:schema ../../docs/policy.schema.json"),
    ("TAVS0101", &[("retention = \"30 days\"", "")], "[purpose]"),
    ("TAVS0101", &[("[transfer]\ncountry = \"DK\"\n", "")], "#:schema ../../docs/policy.schema.json"),
    ("TAVS0102", &[("retention = \"30 days\"", "retention = \"30 days\"\nretension = \"1\"")], "retension"),
    ("TAVS0102", &[("{ mask = \"first-word\" }", "{ mask = \"first-word\", type = \"X\" }")], "type"),
    ("TAVS0102", &[("{ mask = \"first-word\" }", "{ maks = \"first-word\" }")], "maks"),
    ("TAVS0103", &[("expires   = 2028-01-14", "expires   = \"2028-01-14\"")], "\"2028-01-14\""),
    ("TAVS0103", &[("expires   = 2028-01-14", "expires   = 2028-01-14T10:00:00Z")], "2028-01-14T10:00:00Z"),
    ("TAVS0103", &[("expires   = 2028-01-14", "expires   = 2028-01-14T10:00:00")], "2028-01-14T10:00:00"),
    ("TAVS0103", &[("burst       = 100", "burst       = \"100\"")], "\"100\""),
    ("TAVS0105", &[("input  = '{", "input  = '{\"\u{202e}\":1,")], "\u{202e}"),
    ("TAVS0105", &[("input  = '{", "input  = '''{\n\"\u{202e}\":1,"), ("}}]}'", "}}]}'''")], "\u{202e}"),
    ("TAVS0103", &[("{ mask = \"first-word\" }", "3")], "3"),
    ("TAVS0103", &[("{ replace = \"booking\" }", "{ replace = [] }")], "[]"),
    ("TAVS0104", &[("\"processor\"", "\"procesor\"")], "\"procesor\""),
    ("TAVS0104", &[("\"gdpr-6-1-b\"", "\"gdpr-6-1-x\"")], "\"gdpr-6-1-x\""),
    ("TAVS0104", &[("\"phone\"", "\"fax\"")], "\"fax\""),
    ("TAVS0105", &[("\"50/s\"", "\"50 per second\"")], "\"50 per second\""),
    ("TAVS0105", &[("\"1 MiB\"", "\"1 MB\"")], "\"1 MB\""),
    ("TAVS0105", &[("id       = \"sms-reminders\"", "id       = \"SMS-reminders\"")], "S"),
    ("TAVS0105", &[("country = \"DK\"", "country = \"dk\"")], "\"dk\""),
    ("TAVS0105", &[("uri = \"urn:tavs:recipient:sms-reminders\"", "dns = \"*.example\"")], "\"*.example\""),
    ("TAVS0105", &[("\"Påmind ApS\"", "\" \"")], "\" \""),
    ("TAVS0105", &[("\"Påmind ApS\"", "\"Påmind\u{202e} ApS\"")], "\u{202e}"),
    ("TAVS0105", &[("\"Påmind ApS\"", "\"Påmind\\u001b[2K ApS\"")], "\"Påmind\\u001b[2K ApS\""),
    ("TAVS0105", &[("\"DBA-2026-007\"", "\"DBA\\n-2026-007\"")], "\"DBA\\n-2026-007\""),
    (
        "TAVS0105",
        &[("page = { pattern = \"integer\" }", "page = { one-of = [\"a\", \"b\u{200b}\"] }")],
        "\u{200b}",
    ),
    (
        "TAVS0105",
        &[("{ uri =", "{ dns = \"a.example\", uri =")],
        "{ dns = \"a.example\", uri = \"urn:tavs:recipient:sms-reminders\" }",
    ),
    ("TAVS0105", &[("{ replace = \"booking\" }", "{ replace = \"251248-9996\" }")], "\"251248-9996\""),
    ("TAVS0105", &[("{ replace = \"booking\" }", "{ replace = \"504909995\" }")], "\"504909995\""),
    ("TAVS0105", &[("{ replace = \"booking\" }", "{ replace = \" 2512489996 \" }")], "\" 2512489996 \""),
    (
        "TAVS0105",
        &[("{ replace = \"booking\" }", "{ replace = \"cpr=251248-9996\" }")],
        "\"cpr=251248-9996\"",
    ),
    ("TAVS0105", &[("{ replace = \"booking\" }", "{ replace = 2512489996 }")], "2512489996"),
    ("TAVS0105", &[("{ replace = \"booking\" }", "{ replace = 504909995 }")], "504909995"),
    ("TAVS0105", &[("{ replace = \"booking\" }", "{ replace = 504909995.0 }")], "504909995.0"),
    ("TAVS0105", &[("{ replace = \"booking\" }", "{ replace = 251248.9996 }")], "251248.9996"),
    ("TAVS0105", &[("{ replace = \"booking\" }", "{ replace = 0x7FFFFFFF }")], "0x7FFFFFFF"),
    ("TAVS0101", &[("burst       = 100", "burst       = 100\nnovelty-answer = \"refuse\"")], "\"refuse\""),
    (
        "TAVS0104",
        &[("burst       = 100", "burst       = 100\nnovelty = \"9/hour\"\nnovelty-answer = \"refuze\"")],
        "\"refuze\"",
    ),
    ("TAVS0105", &[("burst       = 100", "burst       = 100\nabsent = \"30/s\"")], "\"30/s\""),
    // Options of actions that make coarser.
    ("TAVS0101", &[("{ mask = \"first-word\" }", "{ generalise = \"step\" }")], "{ generalise = \"step\" }"),
    ("TAVS0101", &[("{ mask = \"first-word\" }", "{ round = \"digits\" }")], "{ round = \"digits\" }"),
    ("TAVS0102", &[("{ mask = \"first-word\" }", "{ generalise = \"month\", step = 5 }")], "step"),
    ("TAVS0103", &[("{ mask = \"first-word\" }", "{ generalise = \"step\", step = \"5\" }")], "\"5\""),
    ("TAVS0103", &[("{ mask = \"first-word\" }", "{ generalise = \"step\", step = 0x10 }")], "0x10"),
    ("TAVS0104", &[("{ mask = \"first-word\" }", "{ generalise = \"regoin\" }")], "\"regoin\""),
    ("TAVS0104", &[("{ mask = \"first-word\" }", "{ round = \"minute\" }")], "\"minute\""),
    (
        "TAVS0104",
        &[(
            "{ mask = \"first-word\" }",
            "{ generalise = \"code-prefix\", classification = \"icd10\", length = 3 }",
        )],
        "\"icd10\"",
    ),
    ("TAVS0105", &[("{ mask = \"first-word\" }", "{ generalise = \"step\", step = -5 }")], "-5"),
    ("TAVS0105", &[("{ mask = \"first-word\" }", "{ generalise = \"step\", step = inf }")], "inf"),
    ("TAVS0105", &[("{ mask = \"first-word\" }", "{ generalise = \"step\", step = 1e-19 }")], "1e-19"),
    ("TAVS0105", &[("{ mask = \"first-word\" }", "{ generalise = \"bands\", bands = [] }")], "[]"),
    (
        "TAVS0105",
        &[("{ mask = \"first-word\" }", "{ generalise = \"bands\", bands = [18, 65, 65.0] }")],
        "65.0",
    ),
    (
        "TAVS0105",
        &[("{ mask = \"first-word\" }", "{ generalise = \"bands\", bands = [2512489996] }")],
        "2512489996",
    ),
    (
        "TAVS0103",
        &[("{ mask = \"first-word\" }", "{ generalise = \"bands\", bands = [\"x\", 5, 3] }")],
        "\"x\"",
    ),
    ("TAVS0104", &[("{ mask = \"first-word\" }", "{ round = \"hour\", unit = \"days\" }")], "\"days\""),
    (
        "TAVS0105",
        &[(
            "{ mask = \"first-word\" }",
            "{ generalise = \"code-prefix\", classification = \"atc\", length = 2 }",
        )],
        "2",
    ),
    (
        "TAVS0106",
        &[(
            "{ mask = \"first-word\" }",
            "{ generalise = \"code-prefix\", classification = \"icpc-2\", length = 4 }",
        )],
        "4",
    ),
    ("TAVS0106", &[("{ mask = \"first-word\" }", "{ round = \"digits\", digits = 18 }")], "18"),
    ("TAVS0104", &[("{ mask = \"first-word\" }", "{ pseudonymise = \"fax\" }")], "\"fax\""),
    ("TAVS0106", &[("burst       = 100", "burst       = 100\nnovelty = \"5001/hour\"")], "\"5001/hour\""),
    ("TAVS0106", &[("\"50/s\"", "\"500000/s\"")], "\"500000/s\""),
    ("TAVS0106", &[("\"1 MiB\"", "\"1 GiB\"")], "\"1 GiB\""),
    ("TAVS0106", &[("\"64 MiB\"", "\"512 KiB\"")], "\"512 KiB\""),
    ("TAVS0106", &[("\"423\" = 409", "\"423\" = 200")], "200"),
    ("TAVS0107", &[("burst       = 100", "burst       = 100\nburst = 5")], "burst"),
    ("TAVS0107", &[("name     = \"patients\"", "name     = \"appointments\"")], "\"appointments\""),
    (
        "TAVS0107",
        &[
            ("name    = \"Observation\"", "name    = \"Patient\""),
            ("[\"Patient\", \"Observation\"]", "[\"Patient\"]"),
        ],
        "\"Patient\"",
    ),
    ("TAVS0108", &[("review    = 2027-01-15", "review    = 2029-01-15")], "2028-01-14"),
    ("TAVS0107", &[("[agreement]", "[recipient]\n[agreement]")], "recipient"),
    ("TAVS0104", &[("status = {", "location = \"keep\"\nstatus = {")], "\"keep\""),
    (
        "TAVS0105",
        &[("status = {", "base = [\"https://emr.example/\"]\nstatus = {")],
        "\"https://emr.example/\"",
    ),
    (
        "TAVS0105",
        &[("status = {", "base = [\"https://a@emr.example\"]\nstatus = {")],
        "\"https://a@emr.example\"",
    ),
    ("TAVS0105", &[("{ replace = \"booking\" }", "{ url = [] }")], "[]"),
    ("TAVS0405", &[("{ replace = \"booking\" }", "{ url = [\"patient/{id}\"] }")], "\"patient/{id}\""),
    (
        "TAVS0405",
        &[("{ replace = \"booking\" }", "{ url = [\"/patient/2512489996\"] }")],
        "\"/patient/2512489996\"",
    ),
    (
        "TAVS0208",
        &[("{ replace = \"booking\" }", "{ url = [\"/a\"], query = { b = { resolve = \"cpr\" } } }")],
        "{ resolve = \"cpr\" }",
    ),
    // 02: locations and rules.
    ("TAVS0101", &[("marker = [\"$.patient.beskyttet\"]\n", "")], "[address-protection]"),
    ("TAVS0103", &[("[\"$.patient.beskyttet\"]", "\"$.patient.beskyttet\"")], "\"$.patient.beskyttet\""),
    ("TAVS0201", &[("[\"$.patient.beskyttet\"]", "[\"$..beskyttet\"]")], ".."),
    ("TAVS0201", &[("\"$.source\"", "\"$..source\"")], ".."),
    ("TAVS0201", &[("\"$.source\"", "'$.source[-1]'")], "-"),
    ("TAVS0201", &[("[\"$.patient.cpr\"]", "[\"patient.cpr\"]")], "p"),
    ("TAVS0201", &[("\"$.source\"", "source")], "source"),
    // What could not be read may be what leaves.
    (
        "TAVS0201",
        &[
            (
                "response = { shapes = [\"Patient\", \"Observation\"],",
                "response = { no-subject = \"x\", members = { \"$..a\" = \"keep\" },",
            ),
            (
                "[[test]]",
                "[[route]]\nname = \"x\"\nmethods = [\"GET\"]\npath = \"/x\"\nupstream = \"emr\"\nresponse = { shapes = [\"Patient\", \"Observation\"] }\n[[test]]",
            ),
        ],
        "..",
    ),
    ("TAVS0202", &[("\"$.source\"", "\"$.source\" = \"keep\"\n\"$.source\"")], "\"$.source\""),
    ("TAVS0202", &[("\"$.source\"", "\"$['source']\" = \"keep\"\n\"$.source\"")], "\"$.source\""),
    (
        "TAVS0202",
        &[("\"$.source\"", "\"$.appointments[*].klinik\" = \"keep\"\n\"$.source\"")],
        "\"$.appointments[*].klinik\"",
    ),
    (
        "TAVS0202",
        &[("members.\"$.id\" ", "members.\"$.contained\" = \"keep\"\nmembers.\"$.id\" ")],
        "\"$.contained\"",
    ),
    (
        "TAVS0203",
        &[("\"$.source\"                        = { replace = \"booking\" }", "\"$\" = \"keep\"")],
        "\"$\"",
    ),
    (
        "TAVS0204",
        &[("patient.cpr\"   = \"pseudonymise\"", "patient.cpr\"   = \"keep\"")],
        "\"$.appointments[*].patient.cpr\"",
    ),
    (
        "TAVS0204",
        &[("].value\" = \"pseudonymise\"", "].value\" = \"keep\"")],
        "\"$.identifier[?@.system=='urn:oid:1.2.208.176.1.2'].value\"",
    ),
    (
        "TAVS0221",
        &[(
            "members.\"$.resourceType\" = \"keep\"\nmembers.\"$.id\" ",
            "members.\"$.resourceType\" = \"keep\"\nmembers.\"$._birthDate\" = \"keep\"\nmembers.\"$.birthDate\" = { generalise = \"year\" }\nmembers.\"$.id\" ",
        )],
        "\"$._birthDate\"",
    ),
    (
        "TAVS0221",
        &[(
            "members.\"$.id\" ",
            "members.\"$._birthDate.extension[*].valueDateTime\" = \"keep\"\nmembers.\"$.birthDate\" = { generalise = \"year\" }\nmembers.\"$.id\" ",
        )],
        "\"$._birthDate.extension[*].valueDateTime\"",
    ),
    (
        "TAVS0221",
        &[(
            "members.\"$.id\" ",
            "members.\"$.contact\" = \"keep\"\nmembers.\"$.contact.name.text\" = \"withhold\"\nmembers.\"$.id\" ",
        )],
        "\"$.contact.name.text\"",
    ),
    (
        "TAVS0221",
        &[
            ("members.\"$.id\" ", "members.\"$.birthDate\" = { generalise = \"year\" }\nmembers.\"$.id\" "),
            (
                "content-types = [\"application/fhir+json\"] }",
                "members = { \"$.entry[*].resource._birthDate\" = \"keep\" }, content-types = [\"application/fhir+json\"] }",
            ),
        ],
        "\"$.entry[*].resource._birthDate\"",
    ),
    (
        "TAVS0222",
        &[("\"$.source\" ", "\"$.a.data\" = { decode = \"text\" }\n\"$.a.hash\" = \"keep\"\n\"$.source\" ")],
        "\"$.a.hash\"",
    ),
    (
        "TAVS0222",
        &[(
            "\"$.source\" ",
            "\"$.a[*].data\" = { decode = \"text\" }\n\"$.a[0].hash\" = \"keep\"\n\"$.source\" ",
        )],
        "\"$.a[0].hash\"",
    ),
    // In a shape, and of the route whose members stand around it.
    (
        "TAVS0222",
        &[
            (
                "response = { shapes",
                "response = { members = { \"$.entry[*].resource.photo[*].hash\" = \"keep\" }, shapes",
            ),
            ("members.\"$.id\" ", "members.\"$.photo[*].data\" = { decode = \"text\" }\nmembers.\"$.id\" "),
        ],
        "\"$.entry[*].resource.photo[*].hash\"",
    ),
    (
        "TAVS0224",
        &[("\"$.source\" ", "\"$.a[?@.cpr=='2512489996'].b\" = \"keep\"\n\"$.source\" ")],
        "\"$.a[?@.cpr=='2512489996'].b\"",
    ),
    ("TAVS0105", &[("\"$.source\" ", "# so\u{202e} it\n\"$.source\" ")], "\u{202e}"),
    // Documents in base64.
    (
        "TAVS0222",
        &[(
            "\"$.source\" ",
            "\"$.a.data\" = { decode = \"json\", shapes = [\"Patient\"] }\n\"$.a.size\" = \"keep\"\n\"$.source\" ",
        )],
        "\"$.a.size\"",
    ),
    ("TAVS0101", &[("{ mask = \"first-word\" }", "{ decode = \"json\" }")], "{ decode = \"json\" }"),
    ("TAVS0105", &[("{ mask = \"first-word\" }", "{ decode = \"json\", shapes = [] }")], "[]"),
    (
        "TAVS0403",
        &[("{ mask = \"first-word\" }", "{ decode = \"json\", shapes = [\"Patiend\"] }")],
        "\"Patiend\"",
    ),
    (
        "TAVS0208",
        &[("{ mask = \"first-word\" }", "{ decode = \"json\", shapes = [\"Patient\"], scan = [\"email\"] }")],
        "[\"email\"]",
    ),
    (
        "TAVS0204",
        &[(
            "patient.cpr\"   = \"pseudonymise\"",
            "patient.cpr\"   = { decode = \"json\", shapes = [\"Patient\"] }",
        )],
        "\"$.appointments[*].patient.cpr\"",
    ),
    // In a shape that a rule of another lists, and in one that lists itself.
    (
        "TAVS0223",
        &[
            ("{ mask = \"first-word\" }", "{ decode = \"json\", shapes = [\"Letter\"] }"),
            (
                "[[test]]",
                "[[shape]]\nname = \"Letter\"\nwhen = { resourceType = \"DocumentReference\" }\nno-subject = \"x\"\n\
                 members = { \"$.content[*].attachment.data\" = { decode = \"json\", shapes = [\"Patient\"] } }\n\n[[test]]",
            ),
        ],
        "\"Letter\"",
    ),
    (
        "TAVS0223",
        &[(
            "members.\"$.id\" ",
            "members.\"$.photo[*].data\" = { decode = \"json\", shapes = [\"Patient\"] }\nmembers.\"$.id\" ",
        )],
        "\"Patient\"",
    ),
    // Rules of documents meet each other, and not what is around.
    (
        "TAVS0202",
        &[
            ("{ mask = \"first-word\" }", "{ decode = \"json\", shapes = [\"Patient\", \"Other\"] }"),
            (
                "[[test]]",
                "[[shape]]\nname = \"Other\"\nwhen = { resourceType = \"Patient\" }\nno-subject = \"x\"\n\
                 members = { \"$.id\" = \"keep\" }\n\n[[test]]",
            ),
        ],
        "\"$.id\"",
    ),
    // A document's shape says whose it is, where the response does not.
    (
        "TAVS0209",
        &[
            (
                "members.\"$.id\" ",
                "members.\"$.photo[*].data\" = { decode = \"json\", shapes = [\"Letter\"] }\nmembers.\"$.id\" ",
            ),
            (
                "[[test]]",
                "[[shape]]\nname = \"Letter\"\nwhen = { resourceType = \"Communication\" }\nmembers = { \"$.status\" = \"keep\" }\n\n[[test]]",
            ),
        ],
        "[[shape]]",
    ),
    ("TAVS0208", &[("{ mask = \"first-word\" }", "\"decode\"")], "\"decode\""),
    (
        "TAVS0204",
        &[("patient.cpr\"   = \"pseudonymise\"", "patient.cpr\"   = { decode = \"text\" }")],
        "\"$.appointments[*].patient.cpr\"",
    ),
    // Every action that lets a part of a CPR number out.
    (
        "TAVS0204",
        &[("patient.cpr\"   = \"pseudonymise\"", "patient.cpr\"   = { mask = \"last-4\" }")],
        "\"$.appointments[*].patient.cpr\"",
    ),
    (
        "TAVS0204",
        &[("patient.cpr\"   = \"pseudonymise\"", "patient.cpr\"   = { mask = \"first-word\" }")],
        "\"$.appointments[*].patient.cpr\"",
    ),
    (
        "TAVS0204",
        &[("patient.cpr\"   = \"pseudonymise\"", "patient.cpr\"   = { mask = \"initials\" }")],
        "\"$.appointments[*].patient.cpr\"",
    ),
    (
        "TAVS0204",
        &[("patient.cpr\"   = \"pseudonymise\"", "patient.cpr\"   = { mask = \"email\" }")],
        "\"$.appointments[*].patient.cpr\"",
    ),
    (
        "TAVS0204",
        &[("patient.cpr\"   = \"pseudonymise\"", "patient.cpr\"   = \"scan\"")],
        "\"$.appointments[*].patient.cpr\"",
    ),
    (
        "TAVS0204",
        &[("patient.cpr\"   = \"pseudonymise\"", "patient.cpr\"   = { scan = [\"phone\"] }")],
        "\"$.appointments[*].patient.cpr\"",
    ),
    (
        "TAVS0204",
        &[("patient.cpr\"   = \"pseudonymise\"", "patient.cpr\"   = \"count\"")],
        "\"$.appointments[*].patient.cpr\"",
    ),
    (
        "TAVS0204",
        &[("patient.cpr\"   = \"pseudonymise\"", "patient.cpr\"   = { generalise = \"year\" }")],
        "\"$.appointments[*].patient.cpr\"",
    ),
    (
        "TAVS0204",
        &[("patient.cpr\"   = \"pseudonymise\"", "patient.cpr\"   = { round = \"digits\", digits = 0 }")],
        "\"$.appointments[*].patient.cpr\"",
    ),
    (
        "TAVS0204",
        &[(
            "patient.cpr\"   = \"pseudonymise\"",
            "patient.cpr\"   = { keep = true, unscanned = true, reason = \"x\" }",
        )],
        "\"$.appointments[*].patient.cpr\"",
    ),
    (
        "TAVS0204",
        &[("patient.cpr\"   = \"pseudonymise\"", "patient.cpr\"   = { keep = true, text = \"not-cpr\" }")],
        "\"$.appointments[*].patient.cpr\"",
    ),
    (
        "TAVS0204",
        &[(
            "patient.cpr\"   = \"pseudonymise\"",
            "patient.cpr\"   = { keep = true, number = \"not-cpr\", cpr = \"clear\", cpr-ground = \"dbl-11-2-1\" }",
        )],
        "\"$.appointments[*].patient.cpr\"",
    ),
    // Other places that say by themselves what they hold.
    (
        "TAVS0204",
        &[("\"$.source\" ", "\"$.mor.personnummer\" = { mask = \"last-4\" }\n\"$.source\" ")],
        "\"$.mor.personnummer\"",
    ),
    (
        "TAVS0204",
        &[("\"$.source\" ", "\"$.patients[*]['CPR-No']\" = \"scan\"\n\"$.source\" ")],
        "\"$.patients[*]['CPR-No']\"",
    ),
    (
        "TAVS0204",
        &[("\"$.source\" ", "\"$.ids[?@.type=='CPR'].number\" = \"keep\"\n\"$.source\" ")],
        "\"$.ids[?@.type=='CPR'].number\"",
    ),
    (
        "TAVS0204",
        &[("].value\" = \"pseudonymise\"", "].value\" = { mask = \"last-4\" }")],
        "\"$.identifier[?@.system=='urn:oid:1.2.208.176.1.2'].value\"",
    ),
    (
        "TAVS0204",
        &[("].value\" = \"pseudonymise\"", "].value\" = \"scan\"")],
        "\"$.identifier[?@.system=='urn:oid:1.2.208.176.1.2'].value\"",
    ),
    // `subject` says that a CPR number stands there, whatever the member is called.
    (
        "TAVS0204",
        &[
            ("[\"$.patient.cpr\"]", "[\"$.patient.key\"]"),
            ("patient.cpr\"   = \"pseudonymise\"", "patient.key\"   = { mask = \"last-4\" }"),
        ],
        "\"$.appointments[*].patient.key\"",
    ),
    (
        "TAVS0204",
        &[
            ("[\"$.patient.cpr\"]", "[\"$.patient.key\"]"),
            ("patient.cpr\"   = \"pseudonymise\"", "key\"   = { keep = true, number = \"not-cpr\" }"),
            ("[\"$.patient.key\"]", "[\"$.key\"]"),
        ],
        "\"$.appointments[*].key\"",
    ),
    (
        "TAVS0204",
        &[
            ("].value\" = \"pseudonymise\"", "].use\" = \"keep\""),
            ("members.\"$.id\" ", "members.\"$.identifier[*].value\" = \"keep\"\nmembers.\"$.id\" "),
        ],
        "\"$.identifier[*].value\"",
    ),
    (
        "TAVS0204",
        &[
            ("no-subject = \"found through its Patient\"", "subject = [\"$.subject.reference\"]"),
            (
                "members.\"$.valueQuantity\" ",
                "members.\"$.subject.reference\" = { keep = true, text = \"not-cpr\" }\nmembers.\"$.valueQuantity\" ",
            ),
        ],
        "\"$.subject.reference\"",
    ),
    // One is told whatever else is.
    (
        "TAVS0204",
        &[
            ("[\"$.patient.cpr\"]", "[\"$.patient.key\"]"),
            (
                "patient.cpr\"   = \"pseudonymise\"",
                "patient.key\" = { mask = \"last-4\" }\n\"$.mor.cpr\" = \"keep\"",
            ),
        ],
        "\"$.appointments[*].patient.key\"",
    ),
    // `not-cpr` of every identifier there is.
    (
        "TAVS0204",
        &[(
            "\"$.source\" ",
            "\"$.participants[*].identifier[*].value\" = { keep = true, text = \"not-cpr\" }\n\"$.source\" ",
        )],
        "\"$.participants[*].identifier[*].value\"",
    ),
    (
        "TAVS0204",
        &[(
            "\"$.source\" ",
            "\"$.organisation.identifier[0].value\" = { keep = true, text = \"not-cpr\" }\n\"$.source\" ",
        )],
        "\"$.organisation.identifier[0].value\"",
    ),
    (
        "TAVS0204",
        &[(
            "\"$.source\" ",
            "\"$.author.identifier.value\" = { keep = true, text = \"not-cpr\" }\n\"$.source\" ",
        )],
        "\"$.author.identifier.value\"",
    ),
    (
        "TAVS0204",
        &[(
            "\"$.source\" ",
            "\"$.identifier[?@.use=='official'].value\" = { keep = true, text = \"not-cpr\" }\n\"$.source\" ",
        )],
        "\"$.identifier[?@.use=='official'].value\"",
    ),
    (
        "TAVS0205",
        &[("patient.cpr\"   = \"pseudonymise\"", "patient.cpr\"   = { keep = true, cpr = \"clear\" }")],
        "{ keep = true, cpr = \"clear\" }",
    ),
    ("TAVS0206", &[("number = \"not-cpr\"", "unscanned = true")], "{ keep = true, unscanned = true }"),
    (
        "TAVS0207",
        &[("{ generalise = \"age\", reference = 2026-01-01 }", "{ generalise = \"age-band-5\" }")],
        "\"age-band-5\"",
    ),
    (
        "TAVS0207",
        &[("{ mask = \"first-word\" }", "{ generalise = \"postcode-region\" }")],
        "\"postcode-region\"",
    ),
    ("TAVS0208", &[("{ mask = \"first-word\" }", "\"round\"")], "\"round\""),
    ("TAVS0208", &[("{ mask = \"first-word\" }", "{ round = \"hour\", number = \"not-cpr\" }")], "\"hour\""),
    (
        "TAVS0208",
        &[("{ mask = \"first-word\" }", "{ mask = \"first-word\", keep = true }")],
        "{ mask = \"first-word\", keep = true }",
    ),
    ("TAVS0208", &[("{ mask = \"first-word\" }", "\"mask\"")], "\"mask\""),
    ("TAVS0208", &[("{ keep = true, number = \"not-cpr\" }", "{ keep = false }")], "false"),
    ("TAVS0208", &[("{ mask = \"first-word\" }", "{ days = 30 }")], "{ days = 30 }"),
    (
        "TAVS0208",
        &[("{ mask = \"first-word\" }", "{ keep = true, cpr-ground = \"dbl-11-1\" }")],
        "{ keep = true, cpr-ground = \"dbl-11-1\" }",
    ),
    ("TAVS0208", &[(", names-from = [\"$.patient.navn\"]", "")], "[\"phone\", \"names\"]"),
    ("TAVS0209", &[("subject = [\"$.patient.cpr\"]\n", "")], "[route.response]"),
    ("TAVS0209", &[("no-subject = \"found through its Patient\"\n", "")], "[[shape]]"),
    (
        "TAVS0210",
        &[
            (
                "{ shapes = [\"Patient\", \"Observation\"], content-types = [\"application/fhir+json\"] }",
                "{ no-subject = \"opening hours\" }",
            ),
            (
                "[[shape]]",
                "[[route]]\nname = \"x\"\nmethods = [\"GET\"]\npath = \"/x\"\nupstream = \"emr\"\nresponse = { shapes = [\"Patient\", \"Observation\"] }\n[[shape]]",
            ),
        ],
        "{ no-subject = \"opening hours\" }",
    ),
    (
        "TAVS0213",
        &[
            ("{ generalise = \"age\", reference = 2026-01-01 }", "\"shift\""),
            ("{ mask = \"first-word\" }", "{ shift = true, days = 30 }"),
        ],
        "{ shift = true, days = 30 }",
    ),
    (
        "TAVS0213",
        &[
            ("{ generalise = \"age\", reference = 2026-01-01 }", "{ shift = true, weekday = true }"),
            ("{ mask = \"first-word\" }", "{ shift = true, time-of-day = true }"),
        ],
        "{ shift = true, time-of-day = true }",
    ),
    (
        "TAVS0214",
        &[
            ("subject = [\"$.patient.cpr\"]", "no-subject = \"nobody\""),
            ("{ mask = \"first-word\" }", "\"shift\""),
        ],
        "\"shift\"",
    ),
    ("TAVS0208", &[("{ mask = \"first-word\" }", "{ shift = false }")], "false"),
    ("TAVS0102", &[("{ mask = \"first-word\" }", "{ shift = true, weekdays = true }")], "weekdays"),
    ("TAVS0103", &[("{ mask = \"first-word\" }", "{ shift = 30 }")], "30"),
    ("TAVS0106", &[("{ mask = \"first-word\" }", "{ shift = true, days = 0 }")], "0"),
    ("TAVS0106", &[("{ mask = \"first-word\" }", "{ shift = true, weekday = true, days = 6 }")], "6"),
    ("TAVS0106", &[("{ mask = \"first-word\" }", "{ shift = true, days = 4000 }")], "4000"),
    ("TAVS0402", &[("start\"         = \"keep\"", "start\" = \"shift\"")], "\"$.appointments[*].start\""),
    (
        "TAVS0402",
        &[("start\"         = \"keep\"", "start\" = { round = \"hour\" }")],
        "\"$.appointments[*].start\"",
    ),
    (
        "TAVS0402",
        &[("start\"         = \"keep\"", "start\" = { generalise = \"step\", step = 5 }")],
        "\"$.appointments[*].start\"",
    ),
    (
        "TAVS0204",
        &[("patient.cpr\"   = \"pseudonymise\"", "patient.cpr\"   = \"shift\"")],
        "\"$.appointments[*].patient.cpr\"",
    ),
    (
        "TAVS0212",
        &[(
            "\"$.source\" ",
            "\"$.telecom\" = \"keep\"\n\"$.telecom[?@.system=='phone'].value\" = \"withhold\"\n\"$.source\" ",
        )],
        "\"$.telecom[?@.system=='phone'].value\"",
    ),
    (
        "TAVS0212",
        &[(
            "\"$.source\" ",
            "\"$.telecom[*]\" = \"keep\"\n\"$.telecom[?@.system=='phone'].value\" = \"withhold\"\n\"$.source\" ",
        )],
        "\"$.telecom[?@.system=='phone'].value\"",
    ),
    (
        "TAVS0212",
        &[(
            "\"$.source\" ",
            "\"$.telecom[0].value\" = \"withhold\"\n\"$.telecom\" = \"keep\"\n\"$.source\" ",
        )],
        "\"$.telecom[0].value\"",
    ),
    (
        "TAVS0212",
        &[
            ("response = { shapes", "response = { members = { \"$.entry[*].resource\" = \"keep\" }, shapes"),
            ("members.\"$.valueQuantity\" = \"keep\"", "members.\"$.note\" = \"withhold\""),
            ("members.\"$.resourceType\"  = \"keep\"", ""),
            ("members.\"$.resourceType\" = \"keep\"\n", ""),
            ("members.\"$.id\"           = { pseudonymise = \"id\" }\n", ""),
            (
                "members.\"$.identifier[?@.system=='urn:oid:1.2.208.176.1.2'].value\" = \"pseudonymise\"",
                "at = [\"$\"]",
            ),
        ],
        "\"$.note\"",
    ),
    // 03: the law.
    (
        "TAVS0301",
        &[
            (
                "signed    = 2026-01-15\nreview    = 2027-01-15\nexpires   = 2028-01-14",
                "signed    = 2025-01-15\nreview    = 2026-06-01\nexpires   = 2026-05-31",
            ),
            ("review    = 2026-06-01", "review    = 2026-05-31"),
        ],
        "2026-05-31",
    ),
    ("TAVS0302", &[("review    = 2027-01-15", "review    = 2026-05-31")], "2026-05-31"),
    (
        "TAVS0303",
        &[("country = \"DK\"", "country = \"US\"\nground = \"privacy-shield\"")],
        "\"privacy-shield\"",
    ),
    (
        "TAVS0303",
        &[(
            "country = \"DK\"",
            "country = \"US\"\nground = \"scc\"\nevidence = \"EU-US PRIVACY_SHIELD list\"\nverified = 2026-05-01",
        )],
        "\"EU-US PRIVACY_SHIELD list\"",
    ),
    ("TAVS0304", &[("country = \"DK\"", "country = \"US\"")], "\"US\""),
    ("TAVS0304", &[("country = \"DK\"", "country = \"CH\"")], "\"CH\""),
    ("TAVS0304", &[("country = \"DK\"", "country = \"IN\"")], "\"IN\""),
    (
        "TAVS0305",
        &[("country = \"DK\"", "country = \"US\"\nground = \"dpf\"\nevidence = \"T-12\"")],
        "\"dpf\"",
    ),
    ("TAVS0305", &[("country = \"DK\"", "country = \"US\"\nground = \"scc\"")], "\"scc\""),
    (
        "TAVS0306",
        &[(
            "country = \"DK\"",
            "country = \"IN\"\nground = \"adequacy\"\nevidence = \"T-12\"\nverified = 2026-05-01",
        )],
        "\"adequacy\"",
    ),
    (
        "TAVS0306",
        &[(
            "country = \"DK\"",
            "country = \"CH\"\nground = \"dpf\"\nevidence = \"T-12\"\nverified = 2026-05-01",
        )],
        "\"dpf\"",
    ),
    (
        "TAVS0307",
        &[(
            "country = \"DK\"",
            "country = \"US\"\nground = \"dpf\"\nevidence = \"T-12\"\nverified = 2025-05-31",
        )],
        "2025-05-31",
    ),
    (
        "TAVS0317",
        &[(
            "country = \"DK\"",
            "country = \"US\"\nground = \"dpf\"\nevidence = \"T-12\"\nverified = 2026-05-01\nexpires = 2026-05-31",
        )],
        "2026-05-31",
    ),
    (
        "TAVS0308",
        &[
            ("\"service\"", "\"improvement\""),
            ("\"domain\"", "\"document\""),
            (".mobil\" = { keep = true, number = \"not-cpr\" }", ".mobil\" = \"withhold\""),
        ],
        "\"not-required\"",
    ),
    (
        "TAVS0309",
        &[
            ("\"processor\"", "\"controller\""),
            (
                "country = \"DK\"",
                "country = \"US\"\nground = \"scc\"\nevidence = \"T-12\"\nverified = 2026-05-01",
            ),
        ],
        "\"not-required\"",
    ),
    ("TAVS0310", &[("\"service\"", "\"improvement\""), ("\"not-required\"", "\"required\"")], "\"domain\""),
    (
        "TAVS0310",
        &[
            ("\"service\"", "\"improvement\""),
            ("\"not-required\"", "\"required\""),
            ("linkability = \"domain\"\n", ""),
        ],
        "\"improvement\"",
    ),
    ("TAVS0311", &[(", \"gdpr-9-2-h\"", "")], "\"$.valueQuantity\""),
    (
        "TAVS0311",
        &[
            (", \"gdpr-9-2-h\"", ""),
            ("\"$.source\" ", "\"$.diagnoseKode\" = \"keep\"\n\"$.source\" "),
            ("members.\"$.valueQuantity\" = \"keep\"", ""),
        ],
        "\"$.diagnoseKode\"",
    ),
    (
        "TAVS0312",
        &[
            ("\"domain\"", "\"none\""),
            (".mobil\" = { keep = true, number = \"not-cpr\" }", ".mobil\" = \"withhold\""),
            (
                "members.\"$.valueQuantity\" ",
                "members.\"$.name\" = \"keep\"\nmembers.\"$.id\" = \"keep\"\nmembers.\"$.valueQuantity\" ",
            ),
        ],
        "\"$.id\"",
    ),
    ("TAVS0312", &[("\"domain\"", "\"none\"")], "\"$.appointments[*].patient.mobil\""),
    // A person's name, whatever else the shape compares.
    (
        "TAVS0312",
        &[
            ("\"domain\"", "\"none\""),
            (".mobil\" = { keep = true, number = \"not-cpr\" }", ".mobil\" = \"withhold\""),
            ("{ resourceType = \"Patient\" }", "{ resourceType = \"Patient\", kind = \"x\" }"),
            ("members.\"$.id\" ", "members.\"$.name\" = \"keep\"\nmembers.\"$.id\" "),
        ],
        "\"$.name\"",
    ),
    (
        "TAVS0313",
        &[
            ("\"processor\"", "\"research\""),
            (
                "country = \"DK\"",
                "country = \"CH\"\nground = \"adequacy\"\nevidence = \"T-12\"\nverified = 2026-05-01",
            ),
        ],
        "\"CH\"",
    ),
    ("TAVS0314", &[("signed    = 2026-01-15", "signed    = 2026-06-02")], "2026-06-02"),
    ("TAVS0315", &[("country = \"DK\"", "country = \"UK\"")], "\"UK\""),
    ("TAVS0316", &[("scheme      = \"keyed\"", "scheme      = \"digits\"")], "\"$.appointments[*].id\""),
    (
        "TAVS0316",
        &[
            ("scheme      = \"keyed\"", "scheme      = \"digits\""),
            ("{ pseudonymise = \"id\", type = \"Appointment\" }", "\"withhold\""),
            ("{ pseudonymise = \"id\" }", "\"withhold\""),
            (
                "\"$.source\" ",
                "\"$.ids[?@.system=='urn:oid:1.2.208.176.1.6.1.3.177'].value\" = \"pseudonymise\"\n\"$.source\" ",
            ),
        ],
        "\"$.ids[?@.system=='urn:oid:1.2.208.176.1.6.1.3.177'].value\"",
    ),
    (
        "TAVS0316",
        &[
            SEALED,
            ("linkability = \"domain\"", "linkability = \"document\""),
            ("{ pseudonymise = \"id\", type = \"Appointment\" }", "\"withhold\""),
            ("{ pseudonymise = \"id\" }", "\"withhold\""),
            (".mobil\" = { keep = true, number = \"not-cpr\" }", ".mobil\" = \"withhold\""),
            ("{ keep = true, pattern = \"uuid\" }", "{ resolve = \"id\" }"),
        ],
        "\"/appointments/{id}\"",
    ),
    (
        "TAVS0316",
        &[SEALED, ("{ mask = \"first-word\" }", "{ pseudonymise = \"email\" }")],
        "\"$.appointments[*].patient.navn\"",
    ),
    (
        "TAVS0316",
        &[SEALED, ("{ mask = \"first-word\" }", "{ pseudonymise = \"text\" }")],
        "\"$.appointments[*].patient.navn\"",
    ),
    (
        "TAVS0316",
        &[
            SEALED,
            ("linkability = \"domain\"", "linkability = \"document\""),
            ("{ pseudonymise = \"id\", type = \"Appointment\" }", "\"withhold\""),
            ("{ pseudonymise = \"id\" }", "\"withhold\""),
            ("{ keep = true, number = \"not-cpr\" }", "{ pseudonymise = \"phone\" }"),
        ],
        "\"$.appointments[*].patient.mobil\"",
    ),
    (
        "TAVS0316",
        &[
            ("scheme      = \"keyed\"", "scheme      = \"digits\""),
            ("{ pseudonymise = \"id\", type = \"Appointment\" }", "\"withhold\""),
            ("{ pseudonymise = \"id\" }", "\"withhold\""),
            ("{ keep = true, number = \"not-cpr\" }", "{ pseudonymise = \"phone\" }"),
        ],
        "\"$.appointments[*].patient.mobil\"",
    ),
    (
        "TAVS0316",
        &[
            ("scheme      = \"keyed\"", "scheme      = \"digits\""),
            ("linkability = \"domain\"", "linkability = \"none\""),
            ("{ pseudonymise = \"id\", type = \"Appointment\" }", "\"withhold\""),
            (".mobil\" = { keep = true, number = \"not-cpr\" }", ".mobil\" = \"withhold\""),
        ],
        "\"none\"",
    ),
    (
        "TAVS0316",
        &[
            ("scheme      = \"keyed\"", "scheme      = \"sealed\""),
            ("linkability = \"domain\"", "linkability = \"none\""),
            (".mobil\" = { keep = true, number = \"not-cpr\" }", ".mobil\" = \"withhold\""),
        ],
        "\"$.appointments[*].id\"",
    ),
    (
        "TAVS0316",
        &[
            ("scheme      = \"keyed\"", "scheme      = \"table\""),
            ("linkability = \"domain\"", "linkability = \"document\""),
            (".mobil\" = { keep = true, number = \"not-cpr\" }", ".mobil\" = \"withhold\""),
        ],
        "\"document\"",
    ),
    // 04: routes, queries, tests.
    (
        "TAVS0401",
        &[(
            "\"/fhir/Patient\"",
            "\"/appointments/{key}\"\npath-members = { key = { keep = true, pattern = \"word\" } }",
        )],
        "\"/appointments/{key}\"",
    ),
    (
        "TAVS0402",
        &[("selects = \"$.appointments[*].start\"", "selects = \"$.appointments[*].born\"")],
        "\"$.appointments[*].born\"",
    ),
    (
        "TAVS0402",
        &[("selects = \"$.appointments[*].start\"", "selects = \"$.appointments[*].laege\"")],
        "\"$.appointments[*].laege\"",
    ),
    (
        "TAVS0402",
        &[(
            "upstream = \"emr\"",
            "upstream = \"emr\"\nquery = { id = { pattern = \"word\", selects = \"$.entry[*].resource.id\" } }",
        )],
        "\"$.entry[*].resource.id\"",
    ),
    (
        "TAVS0403",
        &[("[\"Patient\", \"Observation\"]", "[\"Patient\", \"Observation\", \"Patent\"]")],
        "\"Patent\"",
    ),
    ("TAVS0403", &[("[\"Patient\", \"Observation\"]", "[\"Patient\", \"Observation\", \"Z\"]")], "\"Z\""),
    (
        "TAVS0403",
        &[
            ("[[test]]", "[[shape]]\nname = \"X\"\nlike = \"Patent\"\n\n[[test]]"),
            ("[\"Patient\", \"Observation\"]", "[\"Patient\", \"Observation\", \"X\"]"),
        ],
        "\"Patent\"",
    ),
    (
        "TAVS0403",
        &[(
            "[[test]]",
            "[[route]]\nname = \"x\"\nmethods = [\"GET\"]\npath = \"/x\"\nupstream = \"emr\"\nresponse = { no-subject = \"x\", shapes = [\"Patent\"] }\n[[test]]",
        )],
        "\"Patent\"",
    ),
    ("TAVS0404", &[("[\"Patient\", \"Observation\"]", "[\"Patient\"]")], "\"Observation\""),
    ("TAVS0405", &[("\"/fhir/Patient\"", "\"/fhir/../Patient\"")], ".."),
    ("TAVS0405", &[("\"/fhir/Patient\"", "\"/fhir/Pa%74ient\"")], "Pa%74ient"),
    ("TAVS0405", &[("\"/fhir/Patient\"", "\"fhir/Patient\"")], "\"fhir/Patient\""),
    ("TAVS0405", &[("\"/fhir/Patient\"", "\"/fhir/{b c}\"")], "{b c}"),
    ("TAVS0405", &[("\"/fhir/Patient\"", "\"/fhir/{}\"")], "{}"),
    ("TAVS0105", &[("absent = [", "output = \"/x.json\"\nabsent = [")], "\"/x.json\""),
    ("TAVS0105", &[("absent = [", "output = \"a/../../x.json\"\nabsent = [")], "\"a/../../x.json\""),
    ("TAVS0105", &[("absent = [", "output = 'a\\x.json'\nabsent = [")], "'a\\x.json'"),
    (
        "TAVS0406",
        &[("path-members = { id = { keep = true, pattern = \"uuid\" } }\n", "")],
        "\"/appointments/{id}\"",
    ),
    (
        "TAVS0406",
        &[("path-members = { id =", "path-members = { key = { keep = true, pattern = \"uuid\" }, id =")],
        "key",
    ),
    (
        "TAVS0406",
        &[(
            "path-members = { id = { keep = true, pattern = \"uuid\" } }",
            "path-members = { id = \"keep\" }",
        )],
        "\"keep\"",
    ),
    ("TAVS0407", &[("route  = \"appointments\"", "route  = \"appointment\"")], "\"appointment\""),
    (
        "TAVS0408",
        &[("absent = [\"2512489996\"]\nneeds  = { \"$.appointments[*].start\" = \"instant\" }\n", "")],
        "[[test]]",
    ),
    // Requests.
    (
        "TAVS0102",
        &[("{ pattern = \"integer\" }", "{ resolve = \"cpr\", selects = \"$.a\" }"), SEALED],
        "selects",
    ),
    ("TAVS0104", &[("{ pattern = \"integer\" }", "{ resolve = \"crp\" }")], "\"crp\""),
    (
        "TAVS0105",
        &[(
            "[route.response]",
            "[route.request]\nfields = { x-forwarded-for = { pattern = \"word\" } }\n[route.response]",
        )],
        "x-forwarded-for",
    ),
    (
        "TAVS0105",
        &[(
            "[route.response]",
            "[route.request]\nfields = { X-A = { pattern = \"word\" } }\n[route.response]",
        )],
        "X-A",
    ),
    (
        "TAVS0105",
        &[(
            "[route.response]",
            "[route.request]\nfields = { \"\" = { pattern = \"word\" } }\n[route.response]",
        )],
        "\"\"",
    ),
    (
        "TAVS0316",
        &[("{ keep = true, pattern = \"uuid\" }", "{ resolve = \"id\" }")],
        "\"/appointments/{id}\"",
    ),
    ("TAVS0316", &[("{ pattern = \"integer\" }", "{ resolve = \"cpr\" }")], "{ resolve = \"cpr\" }"),
    (
        "TAVS0316",
        &[
            ("[\"GET\"]", "[\"POST\"]"),
            ("[route.response]", "[route.request]\nmembers = { \"$.a\" = \"resolve\" }\n[route.response]"),
        ],
        "\"$.a\"",
    ),
    (
        "TAVS0406",
        &[("{ keep = true, pattern = \"uuid\" }", "{ resolve = \"reference\" }"), SEALED],
        "\"/appointments/{id}\"",
    ),
    (
        "TAVS0202",
        &[
            ("[\"GET\"]", "[\"POST\"]"),
            (
                "[route.response]",
                "[route.request]\nmembers = { \"$.a\" = \"keep\", \"$.a.b\" = \"resolve\" }\n[route.response]",
            ),
            SEALED,
        ],
        "\"$.a.b\"",
    ),
    ("TAVS0409", &[("[\"GET\"]", "[\"POST\"]")], "\"POST\""),
    (
        "TAVS0409",
        &[("[route.response]", "[route.request]\nno-body = true\n[route.response]")],
        "[route.request]",
    ),
    (
        "TAVS0409",
        &[
            ("[\"GET\"]", "[\"DELETE\"]"),
            (
                "[route.response]",
                "[route.request]\nfields = { x = { pattern = \"word\" } }\n[route.response]",
            ),
        ],
        "[route.request]",
    ),
    (
        "TAVS0409",
        &[
            ("[\"GET\"]", "[\"GET\", \"PUT\"]"),
            (
                "[route.response]",
                "[route.request]\nno-body = true\nform = { x = { pattern = \"word\" } }\n[route.response]",
            ),
        ],
        "[route.request]",
    ),
    (
        "TAVS0411",
        &[("page = { pattern = \"integer\" }", "page = { one-of = [\"1\", \"2512489996\"] }")],
        "{ one-of = [\"1\", \"2512489996\"] }",
    ),
    (
        "TAVS0411",
        &[(
            "page = { pattern = \"integer\" }",
            "page = { one-of = [\"urn:oid:1.2.208.176.1.2|251248-9996\"] }",
        )],
        "{ one-of = [\"urn:oid:1.2.208.176.1.2|251248-9996\"] }",
    ),
    (
        "TAVS0411",
        &[(
            "[route.response]",
            "[route.request]\nfields = { x = { one-of = [\"MjUxMjQ4OTk5Ng==\"] } }\n[route.response]",
        )],
        "{ one-of = [\"MjUxMjQ4OTk5Ng==\"] }",
    ),
    (
        "TAVS0411",
        &[("keep = true, pattern = \"uuid\"", "keep = true, one-of = [\"2512489996\"]")],
        "\"/appointments/{id}\"",
    ),
    ("TAVS0411", &[("\"/fhir/Patient\"", "\"/fhir/Patient/2512489996\"")], "\"/fhir/Patient/2512489996\""),
    (
        "TAVS0411",
        &[("{ replace = \"booking\" }", "{ url = [\"/a\"], query = { b = { one-of = [\"2512489996\"] } } }")],
        "{ url = [\"/a\"], query = { b = { one-of = [\"2512489996\"] } } }",
    ),
    (
        "TAVS0410",
        &[("{ mask = \"first-word\" }", "{ resolve = \"cpr\" }")],
        "\"$.appointments[*].patient.navn\"",
    ),
    (
        "TAVS0410",
        &[
            ("[\"GET\"]", "[\"POST\"]"),
            (
                "[route.response]",
                "[route.request]\nmembers = { \"$.a\" = \"pseudonymise\" }\n[route.response]",
            ),
        ],
        "\"$.a\"",
    ),
    (
        "TAVS0410",
        &[
            ("[\"GET\"]", "[\"POST\"]"),
            (
                "[route.response]",
                "[route.request]\nmembers = { \"$.a\" = { keep = true, cpr = \"clear\", cpr-ground = \"dbl-11-1\" } }\n[route.response]",
            ),
        ],
        "\"$.a\"",
    ),
    // Extracts.
    (
        "TAVS0407",
        &[EXTRACT, ("routes = [\"appointments\"]", "routes = [\"appointment\"]")],
        "\"appointment\"",
    ),
    ("TAVS0106", &[EXTRACT, ("k      = 5", "k      = 1")], "1"),
    ("TAVS0105", &[EXTRACT, ("\"5 %\"", "\"0.05\"")], "\"0.05\""),
    ("TAVS0101", &[EXTRACT, ("most-suppressed = \"5 %\"", "")], "[[extract.table]]"),
    ("TAVS0105", &[EXTRACT, ("{ prefix = 3 }", "{ prefix = 3, step = 3 }")], "{ prefix = 3, step = 3 }"),
    ("TAVS0107", &[EXTRACT, ("name        = \"note\"", "name        = \"clinic\"")], "\"clinic\""),
    (
        "TAVS0701",
        &[EXTRACT, ("routes = [\"appointments\"]", "routes = [\"appointments\", \"patients\"]")],
        "\"patients\"",
    ),
    ("TAVS0702", &[EXTRACT, ("path             = \"$.born\"", "path = \"$.burn\"")], "\"$.burn\""),
    // What a table's rows are not has no column.
    ("TAVS0702", &[EXTRACT_OF_PATIENTS], "\"$.valueQuantity.value\""),
    (
        "TAVS0702",
        &[
            EXTRACT_OF_PATIENTS,
            (
                "members.\"$.valueQuantity\" ",
                "members.\"$.status\" = { replace = \"x\" }\nmembers.\"$.valueQuantity\" ",
            ),
        ],
        "\"$.valueQuantity.value\"",
    ),
    // A container is no value.
    ("TAVS0702", &[EXTRACT, ("path             = \"$.klinik.navn\"", "path = \"$.klinik\"")], "\"$.klinik\""),
    ("TAVS0702", &[EXTRACT, ("rows            = \"$\"", "when = { kind = \"visit\" }")], "[[extract.table]]"),
    ("TAVS0703", &[EXTRACT, ("type        = \"text\"", "type = \"integer\"")], "\"integer\""),
    (
        "TAVS0703",
        &[
            EXTRACT,
            ("{ mask = \"first-word\" }", "{ replace = true }"),
            (
                "path        = \"$.patient.navn\"\ntype        = \"text\"",
                "path = \"$.patient.navn\"\ntype = \"date\"",
            ),
        ],
        "\"date\"",
    ),
    (
        "TAVS0703",
        &[
            EXTRACT,
            ("{ mask = \"first-word\" }", "\"shift\""),
            (
                "path        = \"$.patient.navn\"\ntype        = \"text\"",
                "path = \"$.patient.navn\"\ntype = \"boolean\"",
            ),
        ],
        "\"boolean\"",
    ),
    (
        "TAVS0703",
        &[EXTRACT, ("{ generalise = \"age\", reference = 2026-01-01 }", "{ generalise = \"month\" }")],
        "\"integer\"",
    ),
    ("TAVS0704", &[EXTRACT, ("key         = true", "")], "[[extract.table]]"),
    (
        "TAVS0704",
        &[("[[test]]", "[extract]\nroutes = [\"appointments\"]\norder = \"pseudonym\"\n\n[[test]]")],
        "\"pseudonym\"",
    ),
    ("TAVS0316", &[EXTRACT, ("scheme      = \"keyed\"", "scheme      = \"table\"")], "\"table\""),
    ("TAVS0705", &[EXTRACT, ("path        = \"$.patient.cpr\"", "path = \"$.klinik.navn\"")], "true"),
    (
        "TAVS0705",
        &[EXTRACT, ("key         = true", "key = true\nquasi-identifier = true\ncoarsen = [{ prefix = 1 }]")],
        "true",
    ),
    (
        "TAVS0705",
        &[
            EXTRACT,
            ("linkability = \"domain\"", "linkability = \"none\""),
            ("{ keep = true, number = \"not-cpr\" }", "\"withhold\""),
        ],
        "true",
    ),
    ("TAVS0706", &[EXTRACT, ("coarsen          = [{ prefix = 3 }]", "")], "true"),
    ("TAVS0706", &[EXTRACT, ("{ step = 10 }", "{ step = 7 }")], "{ step = 7 }"),
    ("TAVS0706", &[EXTRACT, ("{ step = 10 }", "{ step =  5 }")], "{ step =  5 }"),
    ("TAVS0706", &[EXTRACT, ("{ prefix = 3 }", "{ prefix = 3 }, { prefix =  3 }")], "{ prefix =  3 }"),
    ("TAVS0706", &[EXTRACT, ("{ prefix = 3 }", "{ prefix = 3 }, { prefix = 4 }")], "{ prefix = 4 }"),
    ("TAVS0706", &[EXTRACT, ("{ prefix = 3 }", "{ step = 3 }")], "{ step = 3 }"),
    (
        "TAVS0706",
        &[
            EXTRACT,
            ("description = \"First name\"", "description = \"First name\"\ncoarsen = [{ prefix = 3 }]"),
        ],
        "{ prefix = 3 }",
    ),
    ("TAVS0707", &[EXTRACT, ("path        = \"$.patient.navn\"", "path = \"$.text\"")], "\"$.text\""),
    (
        "TAVS0708",
        &[
            EXTRACT,
            ("quasi-identifier = true\ncoarsen          = [{ step = 5 }, { step = 10 }]", ""),
            ("quasi-identifier = true\ncoarsen          = [{ prefix = 3 }]", ""),
        ],
        "[extract]",
    ),
];

#[test]
fn each_mistake_is_found_and_underlined() {
    let mut failed = 0;
    for (code, edits, wanted) in CASES {
        let text = edited(edits);
        let found = found(&text);
        let got = underlined(&text, &found);
        if !got.contains(&(*code, *wanted)) || got.iter().any(|(other, _)| other != code) {
            eprintln!("{code} {wanted:?}, got {got:?}\n{}", page(&text, &found));
            failed += 1;
        }
    }
    assert_eq!(failed, 0, "of {}", CASES.len());
}

#[test]
fn every_code_of_policies_has_a_case() {
    let elsewhere = ["TAVS0109", "TAVS0110", "TAVS0211", "TAVS0215", "TAVS0501", "TAVS0502", "TAVS0503"];
    let cases: BTreeSet<&str> = CASES.iter().map(|(code, _, _)| *code).chain(elsewhere).collect();
    let all: BTreeSet<&str> =
        codes::all().map(|code| code.id).filter(|id| !id.starts_with("TAVS06")).collect();
    assert_eq!(cases, all);
}

#[test]
fn what_stands_where_a_cpr_does_may_say_nothing_of_it() {
    let good = [
        "\"pseudonymise\"",
        "{ pseudonymise = \"id\", type = \"Person\" }",
        "{ mask = \"cpr\" }",
        "{ mask = \"all\" }",
        "{ replace = \"urn:tavs:withheld\" }",
        "\"withhold\"",
        "{ keep = true, cpr = \"clear\", cpr-ground = \"dbl-11-2-1\" }",
    ];
    for action in good {
        let text = edited(&[("patient.cpr\"   = \"pseudonymise\"", &format!("patient.cpr\" = {action}"))]);
        assert_eq!(page(&text, &found(&text)), "", "{action}");
    }
    // What says little of a value may stand beside it, and what has a rule of its own.
    for rules in [
        "members.\"$.birthDate\" = { generalise = \"year\" }\nmembers.\"$._birthDate.extension[*].valueCode\" = \"keep\"",
        "members.\"$.birthDate\" = { generalise = \"year\" }\nmembers.\"$._birthDate.extension[*].valueDateTime\" = { generalise = \"year\" }",
        "members.\"$.name\" = \"keep\"\nmembers.\"$.name[*].text\" = \"withhold\"\nmembers.\"$.name[*]._text\" = \"withhold\"",
        "members.\"$.birthDate\" = \"keep\"\nmembers.\"$._birthDate\" = \"keep\"",
    ] {
        let text = edited(&[("members.\"$.id\" ", &format!("{rules}\nmembers.\"$.id\" "))]);
        assert_eq!(page(&text, &found(&text)), "", "{rules}");
    }
    // An id is no number, and an exception that asks no more than its `keep` hangs on nothing.
    for rules in [
        "\"$.subject.reference\" = \"keep\"",
        "\"$.identifier[?@.system=='urn:x'].value\" = { keep = true, text = \"not-cpr\" }",
        "\"$.telecom[?@.system=='email']\" = \"keep\"\n\"$.telecom[?@.system=='email'].note\" = \"withhold\"",
        "\"$.telecom[*]\" = \"keep\"\n\"$.telecom[*].note\" = \"withhold\"",
        "\"$.a\" = \"keep\"\n\"$.a[*].b.c\" = \"withhold\"",
        "\"$.b\" = { replace = 12345678 }",
        "\"$.b\" = { replace = 12.5 }",
    ] {
        let text = edited(&[("\"$.source\" ", &format!("{rules}\n\"$.source\" "))]);
        assert_eq!(page(&text, &found(&text)), "", "{rules}");
    }
}
