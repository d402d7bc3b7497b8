//! What the two sample clinic APIs answer: a flat booking and billing API in Danish, and a FHIR API.
//!
//! The bodies are templates, so that the payloads can be read as what they are. They hold what such
//! APIs hold: far more than a recipient needs, CPR numbers in prose among it.

use super::people::{Person, Seeded};

/// A clinic API's answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

/// Answers a request for the booking API.
pub(crate) fn booking(people: &[Person], path: &str, query: &str) -> Answer {
    match path {
        "/appointments" => json(appointments(people, query)),
        "/invoices" => json(invoices(people)),
        "/events" => events(people),
        _ => missing(),
    }
}

/// Answers a request for the FHIR API. Encounters fail, with a CPR number in the error's text: the
/// demo shows that nothing of it passes.
pub(crate) fn fhir(people: &[Person], path: &str) -> Answer {
    match path {
        "/fhir/Patient" => bundle(people.iter().map(patient)),
        "/fhir/Observation" => bundle(people.iter().enumerate().map(observation)),
        "/fhir/Condition" => bundle(people.iter().take(12).enumerate().map(condition)),
        "/fhir/MedicationStatement" => bundle(people.iter().take(12).enumerate().map(medication)),
        "/fhir/export" => export(people),
        "/fhir/laboratory/requisitions" => requisitions(people),
        "/fhir/Encounter" => Answer {
            status: 500,
            content_type: "application/fhir+json",
            body: fill(OUTCOME, &[("cpr", people.first().map_or("", |person| &person.cpr))]),
        },
        _ => missing(),
    }
}

fn json(body: String) -> Answer {
    Answer { status: 200, content_type: "application/json", body }
}

fn missing() -> Answer {
    Answer { status: 404, content_type: "application/json", body: r#"{"fejl":"findes ikke"}"#.to_owned() }
}

fn bundle(resources: impl Iterator<Item = String>) -> Answer {
    let entries: Vec<String> = resources.map(|resource| fill(ENTRY, &[("resource", &resource)])).collect();
    let total = entries.len().to_string();
    let body = fill(BUNDLE, &[("total", &total), ("entries", &entries.join(","))]);
    Answer { status: 200, content_type: "application/fhir+json", body }
}

fn export(people: &[Person]) -> Answer {
    let lines = people.iter().enumerate().flat_map(|(number, person)| {
        [patient(person), observation((number, person)), condition((number, person))]
    });
    let body = lines.map(|line| line + "\n").collect();
    Answer { status: 200, content_type: "application/fhir+ndjson", body }
}

/// Takes results from a laboratory: a FHIR transaction.
pub(crate) fn results() -> Answer {
    Answer { status: 200, content_type: "application/fhir+json", body: TAKEN.to_owned() }
}

/// Each patient's own number, what is asked for, and the sample: a FHIR transaction.
fn requisitions(people: &[Person]) -> Answer {
    let entries: Vec<String> = people
        .iter()
        .take(8)
        .enumerate()
        .flat_map(|(number, person)| {
            let values: [(&str, &str); 4] = [
                ("number", &number.to_string()),
                ("patient", &person.id),
                ("cpr", &person.cpr),
                ("illness", one_of(&ILLNESSES, number)),
            ];
            [
                fill(ORDERED, &[("type", "Patient"), ("resource", &patient(person))]),
                fill(ORDERED, &[("type", "ServiceRequest"), ("resource", &fill(SERVICE_REQUEST, &values))]),
                fill(ORDERED, &[("type", "Specimen"), ("resource", &fill(SPECIMEN, &values))]),
            ]
        })
        .collect();
    let body = fill(TRANSACTION, &[("entries", &entries.join(","))]);
    Answer { status: 200, content_type: "application/fhir+json", body }
}

/// What patients do on the booking site, one event a line.
fn events(people: &[Person]) -> Answer {
    let event = |(number, person): (usize, &Person)| {
        let second = 1_772_616_060 + u64::try_from(number).unwrap_or(0) * 1_847;
        let values: [(&str, &str); 8] = [
            ("event", ["booking_created", "booking_moved", "page_view", "reminder_opened"][number % 4]),
            ("cpr", &person.cpr),
            ("birth", &person.birth),
            ("gender", if person.female { "K" } else { "M" }),
            ("postcode", person.postcode),
            ("ip", &client_address(number)),
            ("illness", one_of(&ILLNESSES, number)),
            ("ts", &second.to_string()),
        ];
        fill(EVENT, &values) + "\n"
    };
    let body = people.iter().enumerate().map(event).collect();
    Answer { status: 200, content_type: "application/x-ndjson", body }
}

/// Where the n-th event came from (an address for documentation, RFC 5737).
pub(crate) fn client_address(number: usize) -> String {
    format!("203.0.113.{}", 10 + number)
}

/// Puts values where the template has `<name>`.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("<{name}>"), value))
}

fn appointments(people: &[Person], query: &str) -> String {
    let from = query.split('&').find_map(|pair| pair.strip_prefix("from=")).unwrap_or("");
    let all: Vec<String> = people
        .iter()
        .enumerate()
        .map(|(number, person)| (format!("2026-03-{:02}", 2 + number % 5), number, person))
        .filter(|(day, ..)| day.as_str() >= from)
        .map(|(day, number, person)| appointment(&day, number, person))
        .collect();
    let count = all.len().to_string();
    fill(APPOINTMENTS, &[("count", &count), ("all", &all.join(","))])
}

/// The booking API's id of the n-th appointment.
pub(crate) fn appointment_id(number: usize) -> String {
    format!("A-{}", 88_120 + number)
}

fn appointment(day: &str, number: usize, person: &Person) -> String {
    let start = format!("{day}T{:02}:{:02}:00+01:00", 8 + number / 5, number % 3 * 20);
    fill(
        APPOINTMENT,
        &[
            ("id", &appointment_id(number)),
            ("cpr-", &person.cpr_with_hyphen()),
            ("cpr", &person.cpr),
            ("name", &person.name()),
            ("mobile", &person.mobile.to_string()),
            ("address", &format!("{}, {} {}", person.street, person.postcode, person.city)),
            ("start", &start),
            ("reason", one_of(&REASONS, number)),
        ],
    )
}

fn invoices(people: &[Person]) -> String {
    let all: Vec<String> = people.iter().take(12).enumerate().map(invoice).collect();
    fill(INVOICES, &[("all", &all.join(","))])
}

fn invoice((number, person): (usize, &Person)) -> String {
    let mut random = Seeded::new(u64::try_from(number).unwrap_or(0));
    let mobile = person.mobile.to_string();
    fill(
        INVOICE,
        &[
            ("number", &format!("2026-{:06}", 317 + number)),
            ("cpr-", &person.cpr_with_hyphen()),
            ("cpr", &person.cpr),
            ("first", person.first),
            ("name", &person.name()),
            ("street", &person.street),
            ("postcode", person.postcode),
            ("mobile", &mobile),
            // Shaped like a CPR number of the test family, which it is not.
            ("account", &format!("07029199{:02}", random.between(0, 100))),
            ("time", &format!("04032609{:02}", random.between(10, 60))),
            ("illness", one_of(&ILLNESSES, number)),
        ],
    )
}

fn patient(person: &Person) -> String {
    fill(
        PATIENT,
        &[
            ("id", &person.id),
            ("cpr", &person.cpr),
            ("last", person.last),
            ("first", person.first),
            ("middle", person.middle),
            ("mobile", &person.mobile.to_string()),
            ("gender", if person.female { "female" } else { "male" }),
            ("birth", &person.birth),
            ("street", &person.street),
            ("postcode", person.postcode),
            ("city", person.city),
        ],
    )
}

fn observation((number, person): (usize, &Person)) -> String {
    let mut random = Seeded::new(u64::try_from(number).unwrap_or(0));
    fill(
        OBSERVATION,
        &[
            ("number", &format!("{number:012}")),
            ("patient", &person.id),
            ("name", &person.name()),
            ("first", person.first),
            ("cpr-", &person.cpr_with_hyphen()),
            ("birth", &person.birth),
            ("day", &format!("2026-02-{:02}", 2 + number % 26)),
            ("value", &format!("{}.{}0", random.between(4, 9), random.between(0, 10))),
        ],
    )
}

fn condition((number, person): (usize, &Person)) -> String {
    fill(
        CONDITION,
        &[
            ("number", &format!("{number:012}")),
            ("patient", &person.id),
            ("cpr", &person.cpr),
            ("name", &person.name()),
            ("year", &(2012 + number % 13).to_string()),
        ],
    )
}

fn medication((number, person): (usize, &Person)) -> String {
    fill(
        MEDICATION,
        &[("number", &format!("{number:012}")), ("patient", &person.id), ("name", &person.name())],
    )
}

fn one_of<'a>(list: &[&'a str; 4], number: usize) -> &'a str {
    list[number % 4]
}

const REASONS: [&str; 4] = ["Kontrol KOL", "Blodprøve", "Samtale om depression", "Diabeteskontrol"];
const ILLNESSES: [&str; 4] = ["depression", "hypertension", "diabetes", "astma"];

/// What the clinics' answers hold beside patients, and no recipient may see.
pub(crate) const SECRETS: [&str; 6] =
    ["depression", "hypertension", "005ML", "M. Elmer", "1339531000016004", "Kontrol KOL"];

const APPOINTMENTS: &str = r#"{"side":1,"antal":<count>,"aftaler":[<all>]}"#;
const APPOINTMENT: &str = r#"{
"aftaleId":"<id>",
"patient":{"cpr":"<cpr->","navn":"<name>","mobil":45<mobile>,"adresse":"<address>"},
"start":"<start>",
"klinik":{"navn":"Alles Lægehus Esbjerg","sor":"1339531000016004"},
"aarsag":"<reason>, cpr <cpr>",
"laege":{"navn":"M. Elmer","autorisationsId":"005ML"}}"#;

const INVOICES: &str = r#"{"fakturaer":[<all>]}"#;
const INVOICE: &str = r#"{
"fakturanr":"<number>","dato":"2026-03-04",
"patient":{"cpr":"<cpr>","navn":"<name>","adresse":{"vej":"<street>","postnr":"<postcode>"},"mobil":45<mobile>},
"ydernr":"012345","notat":"Egenbetaling, <illness>",
"linjer":[
{"ydelseskode":"0101","tekst":"Konsultation, <illness>","antal":1,"beloeb":156.28},
{"ydelseskode":"2149","tekst":"Attest, <illness>","antal":1,"beloeb":850.00}],
"betaling":{"regnr":"9541","konto":"<account>","besked":"<first>, cpr <cpr->, ring <mobile>"},
"timestamp":"<time>"}"#;

const BUNDLE: &str = r#"{"resourceType":"Bundle","type":"searchset","total":<total>,"entry":[<entries>]}"#;
const ENTRY: &str = r#"{"resource":<resource>,"search":{"mode":"match"}}"#;

const PATIENT: &str = r#"{"resourceType":"Patient","id":"<id>","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><first> <middle> <last>, urn:oid:1.2.208.176.1.2#<cpr></div>"},"identifier":[{"use":"official","system":"urn:oid:1.2.208.176.1.2","value":"<cpr>"}],"name":[{"use":"official","family":"<last>","given":["<first>","<middle>"]}],"telecom":[{"system":"phone","value":"<mobile>","use":"mobile"}],"gender":"<gender>","birthDate":"<birth>","deceasedBoolean":false,"address":[{"line":["<street>"],"city":"<city>","postalCode":"<postcode>"}]}"#;

const OBSERVATION: &str = r#"{"resourceType":"Observation","id":"c3f0c7f5-2a53-4a61-8f0b-<number>","status":"final","code":{"coding":[{"system":"urn:oid:1.2.208.176.2.1","code":"NPU22089","display":"Glukose(kapillærblod); stofk."}]},"subject":{"reference":"Patient/<patient>","display":"<name> (official), DoB <birth>"},"effectiveDateTime":"<day>T08:35:00+01:00","performer":[{"reference":"Practitioner/elmer","display":"M. Elmer"}],"valueQuantity":{"value":<value>,"unit":"mmol/L","system":"http://unitsofmeasure.org","code":"mmol/L"},"note":[{"text":"<first> var fastende, <cpr->"}]}"#;

const CONDITION: &str = r#"{"resourceType":"Condition","id":"d1000000-0000-4000-8000-<number>","code":{"coding":[{"system":"urn:oid:1.2.208.176.2.31","code":"T90","display":"Diabetes type 2"}],"text":"Diabetes"},"subject":{"reference":"Patient/<patient>"},"onsetDateTime":"<year>-05-02","note":[{"text":"<name>, cpr <cpr>"}]}"#;

const MEDICATION: &str = r#"{"resourceType":"MedicationStatement","id":"e1000000-0000-4000-8000-<number>","status":"active","medicationCodeableConcept":{"coding":[{"system":"http://www.whocc.no/atc","code":"A10BA02","display":"Metformin"}]},"subject":{"reference":"Patient/<patient>","display":"<name>"},"effectivePeriod":{"start":"2024-11-19"},"dosage":[{"text":"1 tablet morgen og aften","doseAndRate":[{"doseQuantity":{"value":500,"unit":"mg"}}]}]}"#;

const TRANSACTION: &str = r#"{"resourceType":"Bundle","type":"transaction","entry":[<entries>]}"#;
const ORDERED: &str = r#"{"request":{"method":"POST","url":"<type>"},"resource":<resource>}"#;
const SERVICE_REQUEST: &str = r#"{"resourceType":"ServiceRequest","id":"sr-<number>","status":"active","intent":"order","code":{"coding":[{"system":"urn:oid:1.2.208.176.2.1","code":"NPU22089","display":"Glukose(kapillærblod); stofk."}]},"subject":{"reference":"Patient/<patient>"},"requester":{"reference":"Practitioner/elmer","display":"M. Elmer"},"authoredOn":"2026-03-03T09:40:00+01:00","reasonCode":[{"text":"Træthed, <illness>"}],"note":[{"text":"Rekvisition for <cpr>"}]}"#;
const SPECIMEN: &str = r#"{"resourceType":"Specimen","id":"sp-<number>","accessionIdentifier":{"value":"LP-88-<number>"},"type":{"coding":[{"system":"http://snomed.info/sct","code":"119297000"}]},"subject":{"reference":"Patient/<patient>"},"collection":{"collectedDateTime":"2026-03-03T09:35:00+01:00"}}"#;
const TAKEN: &str = r#"{"resourceType":"Bundle","type":"transaction-response","entry":[{"response":{"status":"201 Created","location":"Observation/9/_history/1"}}]}"#;
const EVENT: &str = r#"{"event":"<event>","patient":{"cpr":"<cpr>","foedselsdato":"<birth>","koen":"<gender>","postnr":"<postcode>"},"ip":"<ip>","url":"/patient/<cpr>/booking?ref=sms","diagnose":"<illness>","ts":<ts>}"#;

const OUTCOME: &str = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"exception","diagnostics":"NullPointerException for patient <cpr>"}]}"#;

#[cfg(test)]
mod tests {
    use super::super::people::people;
    use super::*;

    #[test]
    fn every_answer_is_json_without_a_place_left_empty() {
        let people = people(1);
        for path in ["/appointments", "/invoices"] {
            holds(&booking(&people, path, "").body);
        }
        for path in ["Patient", "Observation", "Condition", "MedicationStatement", "Encounter"] {
            holds(&fhir(&people, &format!("/fhir/{path}")).body);
        }
        holds(&fhir(&people, "/fhir/laboratory/requisitions").body);
        holds(&results().body);
        fhir(&people, "/fhir/export").body.lines().for_each(holds);
        booking(&people, "/events", "").body.lines().for_each(holds);
    }

    fn holds(body: &str) {
        serde_json::from_str::<serde_json::Value>(body).unwrap();
        let without_markup = body.replace("<div xmlns", "").replace("</div>", "");
        assert!(!without_markup.contains('<'), "{body}");
    }
}
