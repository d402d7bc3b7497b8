//! FHIR as a clinic's system answers it: Patients and Observations in a Bundle, of which the
//! policy withholds two thirds. Seeded: the same documents on every machine.
//!
//! CPR numbers are well formed but coded for births in 1858-1899, so that none can be the number
//! of a living person.

use std::fmt::Write as _;

use data_encoding::BASE64;

/// One Patient of about 2 KB.
pub(crate) fn patient_alone(seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let person = Person::new(&mut random);
    patient(&mut random, &person, 330).into_bytes()
}

/// A searchset of that many resources, Patients and Observations in turn: 2 KB each.
pub(crate) fn bundle(seed: u64, entries: usize) -> Vec<u8> {
    let mut random = Random(seed);
    let mut out = format!(
        r#"{{"resourceType":"Bundle","id":"{}","type":"searchset","total":{entries},"link":[{{"relation":"self","url":"https://ehr.example.invalid/fhir/Patient?_revinclude=Observation:subject"}}],"entry":["#,
        random.uuid()
    );
    let mut person = Person::new(&mut random);
    for number in 0..entries {
        let (kind, resource) = if number.is_multiple_of(2) {
            person = Person::new(&mut random);
            ("Patient", patient(&mut random, &person, 210))
        } else {
            ("Observation", observation(&mut random, &person))
        };
        if number > 0 {
            out.push(',');
        }
        write!(
            out,
            r#"{{"fullUrl":"https://ehr.example.invalid/fhir/{kind}/{}","resource":{resource},"search":{{"mode":"match"}}}}"#,
            random.uuid()
        )
        .unwrap();
    }
    out.push_str("]}");
    out.into_bytes()
}

struct Person {
    cpr: String,
    born: String,
    sex: &'static str,
    given: [&'static str; 2],
    family: &'static str,
}

impl Person {
    fn new(random: &mut Random) -> Self {
        let (year, month, day) = (random.within(1858, 1899), random.within(1, 12), random.within(1, 28));
        let serial = random.within(5000, 8999);
        Self {
            cpr: format!("{day:02}{month:02}{:02}-{serial}", year % 100),
            born: format!("{year}-{month:02}-{day:02}"),
            sex: if serial.is_multiple_of(2) { "female" } else { "male" },
            given: [random.of(GIVEN), random.of(GIVEN)],
            family: random.of(FAMILY),
        }
    }
}

fn patient(random: &mut Random, person: &Person, photo: usize) -> String {
    let Person { cpr, born, sex, given: [one, two], family } = person;
    let (zip, town) = random.of(TOWNS);
    let street = format!("{} {}, {}. tv", random.of(STREETS), random.within(1, 180), random.within(1, 5));
    let phone = format!("+45 {}", random.within(20_000_000, 99_999_999));
    let photo: Vec<u8> = (0..photo).map(|_| random.byte()).collect();
    let photo = BASE64.encode(&photo);
    let id = random.uuid();
    let version = random.within(1, 9);
    let doctor = random.of(TOWNS).1;
    let clinic = random.within(100_000, 999_999);
    [
        format!(r#"{{"resourceType":"Patient","id":"{id}","meta":{{"versionId":"{version}","lastUpdated":"2026-01-14T09:31:22.512+01:00","profile":["http://hl7.dk/fhir/core/StructureDefinition/dk-core-patient"]}},"#),
        format!(r#""text":{{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p><b>{one} {two} {family}</b> \\ CPR {cpr}</p><p>{street}, {zip} {town}</p><p>Tlf. {phone}</p></div>"}},"#),
        format!(r#""identifier":[{{"use":"official","system":"urn:oid:1.2.208.176.1.2","value":"{cpr}"}}],"active":true,"#),
        format!(r#""name":[{{"use":"official","family":"{family}","given":["{one}","{two}"],"text":"{one} {two} {family}"}}],"#),
        format!(r#""telecom":[{{"system":"phone","value":"{phone}","use":"mobile"}},{{"system":"email","value":"{one}.{family}@example.invalid","use":"home"}}],"#),
        format!(r#""gender":"{sex}","birthDate":"{born}","address":[{{"use":"home","line":["{street}"],"city":"{town}","postalCode":"{zip}","country":"DK"}}],"#),
        r#""maritalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-MaritalStatus","code":"M","display":"Married"}],"text":"Gift"},"#.to_owned(),
        format!(r#""photo":[{{"contentType":"image/jpeg","data":"{photo}"}}],"#),
        r#""communication":[{"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"da","display":"Danish"}],"text":"Dansk"},"preferred":true}],"#.to_owned(),
        format!(r#""generalPractitioner":[{{"display":"Lægehuset {doctor}","identifier":{{"system":"urn:oid:1.2.208.176.1.4","value":"{clinic}"}}}}]}}"#),
    ]
    .concat()
}

fn observation(random: &mut Random, person: &Person) -> String {
    let Person { cpr, given: [given, _], family, .. } = person;
    let (code, text, unit, low, high, places) = random.of(LABS);
    let places = usize::from(places);
    #[expect(clippy::cast_precision_loss, reason = "a made-up measurement")]
    let value = low * 0.8 + (high * 1.2 - low * 0.8) * (random.within(0, 9999) as f64) / 9999.0;
    let flag = if value > high {
        "H"
    } else if value < low {
        "L"
    } else {
        "N"
    };
    let when = format!(
        "2025-{:02}-{:02}T{:02}:{:02}:00+01:00",
        random.within(1, 12),
        random.within(1, 28),
        random.within(6, 20),
        random.within(0, 59)
    );
    let quantity = |value: f64| {
        format!(
            r#"{{"value":{value:.places$},"unit":"{unit}","system":"http://unitsofmeasure.org","code":"{unit}"}}"#
        )
    };
    let fasting = random.of(&["fastende", "ikke fastende"]);
    let months = random.within(1, 12);
    let mut id = || random.uuid();
    let (own, source, subject, encounter) = (id(), id(), id(), id());
    let (doctor, laboratory, device) = (id(), id(), id());
    let nurse = format!("{} {}", random.of(GIVEN), random.of(FAMILY));
    let town = random.of(TOWNS).1;
    [
        format!(r#"{{"resourceType":"Observation","id":"{own}","meta":{{"versionId":"1","lastUpdated":"{when}","source":"{source}"}},"#),
        format!(r#""text":{{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>{text}: {value:.places$} {unit}</p><p>Patient {given} {family}, CPR {cpr}</p><p>Svar afgivet {when} af {nurse}, kontrolleret efter lokal instruks.</p></div>"}},"#),
        r#""status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],"#.to_owned(),
        format!(r#""code":{{"coding":[{{"system":"urn:oid:1.2.208.176.2.1","code":"{code}","display":"{text}"}}]}},"#),
        format!(r#""subject":{{"reference":"Patient/{subject}","type":"Patient","identifier":{{"system":"urn:oid:1.2.208.176.1.2","value":"{cpr}"}},"display":"{given} {family}"}},"#),
        format!(r#""encounter":{{"reference":"Encounter/{encounter}","display":"Ambulant besøg, {town}"}},"effectiveDateTime":"{when}","issued":"{when}","#),
        format!(r#""performer":[{{"reference":"Practitioner/{doctor}","display":"{nurse}"}},{{"reference":"Organization/{laboratory}","display":"Klinisk Biokemisk Afdeling"}}],"#),
        format!(r#""valueQuantity":{},"#, quantity(value)),
        format!(r#""interpretation":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation","code":"{flag}"}}]}}],"#),
        format!(r#""note":[{{"text":"Ringet til {given} {family} ({cpr}) \"{fasting}\"; aftalt kontrol om {months} måneder."}}],"#),
        format!(r#""device":{{"reference":"Device/{device}","display":"Analyseudstyr 4"}},"referenceRange":[{{"low":{},"high":{}}}]}}"#, quantity(low), quantity(high)),
    ]
    .concat()
}

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[usize::try_from(self.next() % (list.len() as u64)).unwrap()]
    }

    fn uuid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }
}

const GIVEN: &[&str] = &[
    "Alma", "Asger", "Astrid", "Bertil", "Dagny", "Ejnar", "Elvira", "Folmer", "Gerda", "Hjalmar", "Ingrid",
    "Jørgen", "Kåre", "Laurits", "Målfrid", "Nanna", "Oluf", "Petrea", "Søren", "Thyra", "Valdemar", "Ågot",
];
const FAMILY: &[&str] = &[
    "Agerlund",
    "Bakkegård",
    "Dalsø",
    "Engholm",
    "Fjordbak",
    "Grønmose",
    "Hedelund",
    "Kildevæld",
    "Lyngby",
    "Møllehave",
    "Nørreris",
    "Skovlunde",
    "Tværmose",
    "Vesterå",
];
const STREETS: &[&str] = &[
    "Egevænget",
    "Birkestien",
    "Møllebakken",
    "Åsvinget",
    "Kærhaven",
    "Rønnealle",
    "Søgyden",
    "Hybenkrogen",
];
const TOWNS: &[(&str, &str)] =
    &[("2999", "Prøveby"), ("6999", "Eksempelkøbing"), ("9898", "Testrup"), ("4799", "Mønsterlev")];
/// Code, text, unit, reference range, decimals.
const LABS: &[(&str, &str, &str, f64, f64, u8)] = &[
    ("NPU03568", "Thrombocytter;B", "10^9/L", 145.0, 400.0, 0),
    ("NPU02319", "Hæmoglobin;B", "mmol/L", 7.3, 10.5, 1),
    ("NPU03429", "Natrium;P", "mmol/L", 137.0, 145.0, 0),
    ("NPU03230", "Kalium;P", "mmol/L", 3.5, 4.6, 2),
    ("NPU18016", "Kreatininium;P", "µmol/L", 45.0, 90.0, 0),
    ("NPU27300", "Hæmoglobin A1c;Hb(B)", "mmol/mol", 20.0, 48.0, 0),
    ("NPU01566", "Cholesterol;P", "mmol/L", 2.3, 5.0, 2),
    ("NPU19748", "C-reaktivt protein;P", "mg/L", 0.0, 8.0, 2),
];
