//! The demo's test patients: three of the nationally published ones and invented ones around them,
//! all with CPR numbers of the test family (serials 99xx), made from a seed so that every run of
//! the demo tells the same story.

/// A patient who does not exist.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) first: &'static str,
    pub(crate) middle: &'static str,
    pub(crate) last: &'static str,
    /// Ten digits.
    pub(crate) cpr: String,
    /// `1948-12-25`.
    pub(crate) birth: String,
    pub(crate) female: bool,
    pub(crate) street: String,
    pub(crate) postcode: &'static str,
    pub(crate) city: &'static str,
    /// Eight digits.
    pub(crate) mobile: u64,
    /// The FHIR API's id.
    pub(crate) id: String,
}

impl Person {
    /// First and middle name, then the last.
    pub(crate) fn name(&self) -> String {
        format!("{} {} {}", self.first, self.middle, self.last)
    }

    /// `251248-9996`.
    pub(crate) fn cpr_with_hyphen(&self) -> String {
        let (date, serial) = self.cpr.split_at_checked(6).unwrap_or((&self.cpr, ""));
        format!("{date}-{serial}")
    }
}

/// How many patients the clinic has.
pub(crate) const PATIENTS: usize = 30;

/// The same numbers for the same seed, on every machine (SplitMix64). Not for secrets.
#[derive(Debug)]
pub(crate) struct Seeded(u64);

impl Seeded {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// At least `low`, less than `high`.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low)
    }

    /// One of a list that is not empty.
    pub(crate) fn one_of<T: Copy>(&mut self, list: &[T; 8]) -> T {
        list[usize::try_from(self.next() % 8).unwrap_or(0)]
    }
}

/// All patients of the clinic.
pub(crate) fn people(seed: u64) -> Vec<Person> {
    let mut random = Seeded::new(seed);
    let mut all: Vec<Person> =
        PUBLISHED.iter().map(|published| published_person(published, &mut random)).collect();
    while all.len() < PATIENTS {
        let number = u64::try_from(all.len()).unwrap_or(0);
        all.push(invented_person(number, &mut random));
    }
    all
}

struct Published {
    first: &'static str,
    middle: &'static str,
    last: &'static str,
    cpr: &'static str,
    birth: &'static str,
    female: bool,
    street: &'static str,
}

/// MedCom's national test patients.
const PUBLISHED: [Published; 3] = [
    Published {
        first: "Nancy",
        middle: "Ann",
        last: "Berggren",
        cpr: "2512489996",
        birth: "1948-12-25",
        female: true,
        street: "Tårnhøjvej 47",
    },
    Published {
        first: "Else",
        middle: "Test",
        last: "Lauridsen",
        cpr: "0201919990",
        birth: "1991-01-02",
        female: true,
        street: "Testgrusgraven 3",
    },
    Published {
        first: "Bruno",
        middle: "Test",
        last: "Elmer",
        cpr: "2509479989",
        birth: "1947-09-25",
        female: false,
        street: "Testparken 12",
    },
];

fn published_person(published: &Published, random: &mut Seeded) -> Person {
    let (postcode, city) = random.one_of(&PLACES);
    Person {
        first: published.first,
        middle: published.middle,
        last: published.last,
        cpr: published.cpr.to_owned(),
        birth: published.birth.to_owned(),
        female: published.female,
        street: published.street.to_owned(),
        postcode,
        city,
        mobile: mobile(random),
        id: id(random),
    }
}

/// Serial 99 and two digits: the first of the two counts up, so that no two are equal; the last is
/// even for women and odd for men.
fn invented_person(number: u64, random: &mut Seeded) -> Person {
    let female = random.between(0, 2) == 0;
    let (day, month, year) =
        (random.between(1, 29), random.between(1, 13), 1937 + (number * 7 + random.between(0, 7)) % 75);
    let last_digit = random.between(0, 5) * 2 + u64::from(!female);
    let (postcode, city) = random.one_of(&PLACES);
    Person {
        first: random.one_of(if female { &WOMEN } else { &MEN }),
        middle: "Test",
        last: random.one_of(&SURNAMES),
        cpr: format!("{day:02}{month:02}{:02}99{}{last_digit}", year % 100, number % 10),
        birth: format!("{year}-{month:02}-{day:02}"),
        female,
        street: format!("{} {}", random.one_of(&STREETS), random.between(1, 90)),
        postcode,
        city,
        mobile: mobile(random),
        id: id(random),
    }
}

fn mobile(random: &mut Seeded) -> u64 {
    random.between(20_304_000, 20_305_000)
}

fn id(random: &mut Seeded) -> String {
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        random.next() & 0xffff_ffff,
        random.next() & 0xffff,
        random.next() & 0xfff,
        random.next() & 0xfff,
        random.next() & 0xffff_ffff_ffff
    )
}

const WOMEN: [&str; 8] = ["Asta", "Birgit", "Dagny", "Esther", "Gudrun", "Karen", "Solveig", "Tove"];
const MEN: [&str; 8] = ["Aksel", "Børge", "Egon", "Frode", "Holger", "Kjeld", "Svend", "Viggo"];
const SURNAMES: [&str; 8] =
    ["Testesen", "Prøvegaard", "Eksempelsen", "Mønsterby", "Skitsholm", "Attrup-Test", "Øvelund", "Modelsen"];
const STREETS: [&str; 8] = [
    "Prøvestien",
    "Eksempelvej",
    "Mønstergade",
    "Attrapvænget",
    "Øvelsesvej",
    "Modelparken",
    "Skitsegade",
    "Testbakken",
];
const PLACES: [(&str, &str); 8] = [
    ("6700", "Esbjerg"),
    ("6705", "Esbjerg Ø"),
    ("6710", "Esbjerg V"),
    ("6720", "Fanø"),
    ("6740", "Bramming"),
    ("6760", "Ribe"),
    ("6800", "Varde"),
    ("6830", "Nørre Nebel"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_patient_has_a_test_number_of_its_own() {
        let all = people(1);
        assert_eq!(all.len(), PATIENTS);
        let numbers: BTreeSet<_> = all.iter().map(|person| person.cpr.as_str()).collect();
        assert_eq!(numbers.len(), PATIENTS);
        for person in &all {
            assert!(
                person.cpr.len() == 10 && person.cpr.get(6..8) == Some("99"),
                "{} is no test number",
                person.cpr
            );
        }
    }

    #[test]
    fn one_seed_makes_one_clinic() {
        let names = |seed| people(seed).iter().map(Person::name).collect::<Vec<_>>();
        assert_eq!(names(7), names(7));
        assert_ne!(names(7), names(8));
    }
}
