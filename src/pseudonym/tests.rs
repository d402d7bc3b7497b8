//! Schemes, linkabilities and written forms, and that no key is shown.

use super::*;

fn write(ring: &KeyRing, domain: &str, input: Input<'_>, linkage: Linkage<'_>) -> String {
    let mut out = Vec::new();
    assert!(ring.pseudonymiser(domain, Scheme::Keyed).unwrap().write(input, linkage, &mut out));
    String::from_utf8(out).unwrap()
}

const NANCY: Input<'_> = Input { kind: "cpr", resource_type: "", system: "", value: "2512489996" };

#[test]
fn a_pseudonym_is_stable_in_its_domain_and_different_elsewhere() {
    let ring = KeyRing::throw_away([7; 32]);
    let one = write(&ring, "a", NANCY, Linkage::Domain);
    assert_eq!(one, write(&ring, "a", NANCY, Linkage::Domain));
    let mut all = vec![
        one,
        write(&ring, "b", NANCY, Linkage::Domain),
        write(&KeyRing::throw_away([8; 32]), "a", NANCY, Linkage::Domain),
        write(&ring, "a", Input { kind: "id", ..NANCY }, Linkage::Domain),
        write(&ring, "a", Input { resource_type: "Patient", ..NANCY }, Linkage::Domain),
        write(&ring, "a", Input { system: "Patient", ..NANCY }, Linkage::Domain),
        write(&ring, "a", NANCY, Linkage::Document(&[1; 16])),
        write(&ring, "a", NANCY, Linkage::Document(&[2; 16])),
        write(&ring, "a", NANCY, Linkage::None(&[1; 16], 0)),
        write(&ring, "a", NANCY, Linkage::None(&[1; 16], 1)),
    ];
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count);
}

#[test]
fn a_pseudonym_is_a_legal_fhir_id_without_a_run_of_digits() {
    let text = write(&KeyRing::throw_away([7; 32]), "a", NANCY, Linkage::Domain);
    assert!(text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
    assert!(text.bytes().filter(u8::is_ascii_digit).count() < 6);
    assert!(text.starts_with("tvk1-"));
}

/// Whatever holds a key prints nothing of it.
#[test]
fn no_debug_print_shows_a_key() {
    let rest_of_it = "c7".repeat(31);
    let secret = |used: &str, rest: &str| {
        format!("[[secret]]\nuse = \"{used}\"\n{rest}version = 1\nstate = \"active\"\n")
    };
    let mut text = "ring = 1\n".to_owned();
    for (number, (used, rest)) in
        [("domain", "name = \"a\"\n"), ("ledger-subjects", ""), ("checkpoints", ""), ("registry", "")]
            .into_iter()
            .enumerate()
    {
        text += &secret(used, rest);
        text += &format!("secret = \"{number}a{rest_of_it}\"\n");
    }
    let ring = KeyRing::parse(&text, jiff::Timestamp::UNIX_EPOCH).unwrap();
    let mut printed = format!("{ring:?} {:?}", ring.versions());
    for scheme in [Scheme::Keyed, Scheme::Sealed, Scheme::Digits] {
        printed += &format!("{:?}", ring.pseudonymiser("a", scheme).unwrap());
    }
    printed += &format!("{:?}{:?}", ring.subject_key(), ring.registry_key());
    printed += &format!("{:?}", ring.checkpoint_key());
    let officer = crate::secret::Secret::new([0xc7; 32]);
    printed += &format!("{officer:?}{:?}", OfficerKey::parse(&OfficerKey::text(&officer)));
    // In hexadecimal, in decimal, in base64.
    for form in ["c7c7", "C7C7", "199, 199", "x8fHx"] {
        assert!(!printed.contains(form), "{form} in {printed}");
    }
}

#[test]
fn what_another_key_version_made_does_not_open_though_it_is_tried() {
    let ring = KeyRing::throw_away([7; 32]);
    let maker = ring.pseudonymiser("a", Scheme::Sealed).unwrap();
    let mut out = Vec::new();
    assert!(maker.write(NANCY, Linkage::Domain, &mut out));
    let written = String::from_utf8(out).unwrap();
    assert_eq!(maker.resolve(&written, NANCY, false, &Rows::default()).as_deref(), Some(NANCY.value));
    for other in ["tvs2-", "tvk1-", "tvs11-", "tvs-", "-", ""] {
        assert_eq!(
            maker.resolve(&written.replacen("tvs1-", other, 1), NANCY, false, &Rows::default()),
            None,
            "{other}"
        );
    }
}

/// `tests/vectors/pseudonyms.py` makes the same from docs/pseudonyms.md alone.
#[test]
fn the_vectors_are_what_is_made_and_open_again() {
    let vectors = include_str!("../../tests/vectors/pseudonyms.txt");
    let ring = |secret: &str, version: &str| {
        let text = format!(
            "ring = 1\n[[secret]]\nuse = \"domain\"\nname = \"research\"\nversion = {version}\nstate = \"active\"\nsecret = \"{secret}\"\n"
        );
        KeyRing::parse(&text, jiff::Timestamp::UNIX_EPOCH).unwrap()
    };
    let mut count = 0;
    for line in vectors.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('|').map(str::trim).collect();
        let [scheme, version, secret, linkability, salt, kind, resource_type, system, value, wanted] =
            fields.try_into().unwrap();
        let all = [Scheme::Keyed, Scheme::Sealed, Scheme::Table, Scheme::Digits];
        let scheme = all.into_iter().find(|one| format!("{one:?}").to_lowercase() == scheme).unwrap();
        let maker = ring(secret, version).pseudonymiser("research", scheme).unwrap();
        let salt = data_encoding::HEXLOWER.decode(salt.as_bytes()).unwrap();
        if scheme == Scheme::Table {
            let input = Input { kind, resource_type, system, value };
            assert_eq!(row_and_pseudonym(&maker, input, &salt), wanted, "{line}");
            count += 1;
            continue;
        }
        let salt: Salt = salt.try_into().unwrap_or_default();
        let linkage = match linkability {
            "domain" => Linkage::Domain,
            "document" => Linkage::Document(&salt),
            number => Linkage::None(&salt, number.strip_prefix("none ").unwrap().parse().unwrap()),
        };
        let input = Input { kind, resource_type, system, value };
        let mut out = Vec::new();
        let written = maker.write(input, linkage, &mut out).then(|| String::from_utf8(out).unwrap());
        assert_eq!(written.as_deref().unwrap_or("-"), wanted, "{line}");
        if let (Scheme::Sealed, Some(written)) = (scheme, written) {
            let sought = Input { value: "", ..input };
            let salted = linkability != "domain";
            assert_eq!(
                maker.resolve(&written, sought, salted, &Rows::default()).as_deref(),
                Some(value),
                "{line}"
            );
            let upper = maker.resolve(&written.to_uppercase(), sought, salted, &Rows::default());
            assert_eq!(upper.as_deref(), Some(value));
        }
        count += 1;
    }
    assert!(count > 20);
}

/// As a line of the vectors has them; the pseudonym opens again, in either case.
fn row_and_pseudonym(maker: &Pseudonymiser, input: Input<'_>, random: &[u8]) -> String {
    let part = |from: usize, to: usize| &random[from..to];
    let nonces = [part(16, 28).try_into().unwrap(), part(28, 40).try_into().unwrap()];
    let random = Random { pseudonym: part(0, 16).try_into().unwrap(), nonces };
    let (row, value) = maker.table().unwrap().draw(input, &random).unwrap();
    let written = maker.written(&row).unwrap();
    let rows: Rows = [value.clone()].into_iter().collect();
    let sought = Input { value: "", ..input };
    for text in [&written, &written.to_uppercase()] {
        assert_eq!(maker.resolve(text, sought, false, &rows).as_deref(), Some(input.value));
        assert_eq!(maker.resolve(text, sought, false, &Rows::default()), None);
        assert_eq!(maker.table_of(text).unwrap().1, random.pseudonym);
    }
    let columns = [row.by_value.to_vec(), row.by_pseudonym.to_vec(), row.sealed, value.sealed];
    let columns = columns.map(|column| data_encoding::HEXLOWER.encode(&column));
    format!("{written} {}", columns.join(" "))
}

/// The document's were made by another program, so that the two hold each other.
#[test]
fn the_document_has_the_vectors_that_are_made() {
    let secret = |begin: u8| data_encoding::HEXLOWER.encode(&(begin..begin + 32).collect::<Vec<_>>());
    let ring = format!(
        "ring = 1\n\
         [[secret]]\nuse = \"domain\"\nname = \"research\"\nversion = 7\nstate = \"active\"\nsecret = \"{}\"\n\
         [[secret]]\nuse = \"ledger-subjects\"\nversion = 1\nstate = \"active\"\nsecret = \"{}\"\n",
        secret(0),
        secret(32)
    );
    let ring = KeyRing::parse(&ring, jiff::Timestamp::UNIX_EPOCH).unwrap();
    let document = include_str!("../../docs/pseudonyms.md");
    let has = |row: String| assert!(document.contains(&row), "docs/pseudonyms.md has no row\n{row}");
    let of = |kind, resource_type, system, value| Input { kind, resource_type, system, value };
    let inputs = [
        of("cpr", "", "", "2512489996"),
        of("cpr", "", "", "0504909995"),
        of("ecpr", "", "", "0203291WQ3"),
        of("ecpr", "", "urn:oid:1.2.208.176.1.6.1.3.38", "0703921VJ4"),
        of("id", "Patient", "", "123"),
        of("id", "", "", "A-88120"),
    ];
    for input in inputs {
        let Input { kind, resource_type, system, value } = input;
        let row = format!("| {kind} | {resource_type} | {system} | {value} |");
        has(format!("{row} domain | `{}` |", write(&ring, "research", input, Linkage::Domain)));
        has(format!("{row} `{:?}` |", ring.subject_key().unwrap().id(input)));
    }
    let row = "| cpr |  |  | 2512489996 |";
    let salt = [0xaa; 16];
    for (word, linkage) in
        [("document", Linkage::Document(&salt)), ("none, number 1", Linkage::None(&salt, 1))]
    {
        has(format!("{row} {word} | `{}` |", write(&ring, "research", inputs[0], linkage)));
    }
}
