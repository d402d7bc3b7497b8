//! Edits of a good policy that leave it good: what looks like a mistake and is none.

use crate::bad::SEALED;
use crate::support::{EXTRACT, EXTRACT_OF_PATIENTS, edited, found, page};

/// A basis that is none for health data, and nothing that needs one.
const NO_HEALTH: (&str, &str) = (", \"gdpr-9-2-h\"", "");
const NO_QUANTITY: (&str, &str) = ("members.\"$.valueQuantity\" = \"keep\"", "");

/// A shape of elements that are no resources.
const OF_NO_RESOURCE: (&str, &str) = ("{ resourceType = \"Observation\" }", "{ kind = \"Observation\" }");
const NO_TYPE: (&str, &str) = ("members.\"$.resourceType\"  = \"keep\"", "");

const GOOD: &[&[(&str, &str)]] = &[
    // What stands beside a code that is decoded, and what stands elsewhere.
    &[("\"$.source\" ", "\"$.a.data\" = { decode = \"text\" }\n\"$.b.hash\" = \"keep\"\n\"$.source\" ")],
    &[("\"$.source\" ", "\"$.a.data\" = { decode = \"text\" }\n\"$.a.b.hash\" = \"keep\"\n\"$.source\" ")],
    &[("\"$.source\" ", "\"$.a.data\" = { decode = \"text\" }\n\"$.a.hash\" = \"withhold\"\n\"$.source\" ")],
    // A route's member at which no shape of its own stands.
    &[
        ("\"$.source\" ", "\"$.photo[*].hash\" = \"keep\"\n\"$.source\" "),
        ("members.\"$.id\" ", "members.\"$.photo[*].data\" = { decode = \"text\" }\nmembers.\"$.id\" "),
    ],
    // Nothing of health leaves.
    &[NO_HEALTH, NO_QUANTITY],
    &[NO_HEALTH, NO_QUANTITY, ("members.\"$.id\" ", "members.\"$.birthDate\" = \"keep\"\nmembers.\"$.id\" ")],
    &[NO_HEALTH, NO_QUANTITY, ("\"$.source\" ", "\"$.diagnose\" = { replace = \"x\" }\n\"$.source\" ")],
    &[NO_HEALTH, NO_QUANTITY, ("\"$.source\" ", "\"$.diagnose\" = \"withhold\"\n\"$.source\" ")],
    &[NO_HEALTH, OF_NO_RESOURCE, NO_TYPE],
    // Siblings are FHIR's: of resources.
    &[
        OF_NO_RESOURCE,
        NO_TYPE,
        (
            "members.\"$.valueQuantity\" ",
            "members.\"$._born\" = \"keep\"\nmembers.\"$.born\" = { generalise = \"year\" }\nmembers.\"$.valueQuantity\" ",
        ),
    ],
    // A subject that is a reference is an id.
    &[
        ("no-subject = \"found through its Patient\"", "subject = [\"$.subject.reference\"]"),
        (
            "members.\"$.valueQuantity\" ",
            "members.\"$.subject.reference\" = \"keep\"\nmembers.\"$.valueQuantity\" ",
        ),
    ],
    // The last day of what is still good.
    &[("signed    = 2026-01-15", "signed    = 2026-06-01")],
    &[("country = \"DK\"", "country = \"US\"\nground = \"dpf\"\nevidence = \"T-12\"\nverified = 2025-06-01")],
    // Ids have a pseudonym to resolve, where it does not change.
    &[SEALED, ("{ keep = true, pattern = \"uuid\" }", "{ resolve = \"id\" }")],
    &[("absent = [", "output = \"tests/x..y.json\"\nabsent = [")],
    // A shape's elements are a table's rows, if it says that they are.
    &[
        EXTRACT_OF_PATIENTS,
        ("members.\"$.resourceType\"  = \"keep\"", "members.\"$.resourceType\" = { replace = \"Patient\" }"),
    ],
    &[("input  = '{", "input  = '''{\n\t"), ("}}]}'", "}}]}\r\n'''")],
    &[("burst       = 100", "burst       = 100\nnovelty = \"5000/hour\"")],
    // Columns of what their values are.
    &[
        EXTRACT,
        ("{ mask = \"first-word\" }", "{ replace = true }"),
        (
            "path        = \"$.patient.navn\"\ntype        = \"text\"",
            "path = \"$.patient.navn\"\ntype = \"boolean\"",
        ),
    ],
    &[
        EXTRACT,
        ("{ mask = \"first-word\" }", "\"shift\""),
        (
            "path        = \"$.patient.navn\"\ntype        = \"text\"",
            "path = \"$.patient.navn\"\ntype = \"date\"",
        ),
    ],
    // Ladders of texts.
    &[EXTRACT, ("{ prefix = 3 }", "{ prefix = 3 }, { prefix = 2 }")],
];

#[test]
fn what_is_no_mistake_is_not_told() {
    for edits in GOOD {
        let text = edited(edits);
        assert_eq!(page(&text, &found(&text)), "", "{edits:?}");
    }
}

#[test]
fn bands_have_a_hundred_bounds_at_most() {
    let codes = |count: u32| -> Vec<&str> {
        let bounds = (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
        let bands = format!("{{ generalise = \"bands\", bands = [{bounds}] }}");
        found(&edited(&[("{ mask = \"first-word\" }", &bands)])).iter().map(|one| one.code).collect()
    };
    assert_eq!(codes(100), Vec::<&str>::new());
    assert_eq!(codes(101), ["TAVS0106"]);
    assert_eq!(codes(102), ["TAVS0106"]);
}
