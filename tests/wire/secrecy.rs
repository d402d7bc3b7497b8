//! The built binary at the highest log level, through everything that becomes of an exchange: nothing that it
//! logs, counts, records or says to whom it refuses holds a person, a pseudonym or a key (G10).

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use data_encoding::{BASE64, BASE64URL, HEXLOWER, HEXLOWER_PERMISSIVE, HEXUPPER};
use serde_json::Value;

use super::lab::Lab;
use super::origin::{Origin, Step, answer, json};
use super::process::{Process, current};
use super::resolving::{ID, MORE, NANCY, SYSTEM, post, request};
use super::stage::{GOOD, Reply, Setting, Wire, admin_page, ground, policy};

const OTHER: &str = "0201609995";
/// The sample: persons with all that a clinic's API knows of them.
const PATIENTS: &str = r#"{"entry":[
    {"id":"AFT-KQ7","cpr":"251248-9996","name":"Nancy Ann Berggren","mobil":4520304050,"email":"nancy@planted.example","note":"251248-9996 er hos Nancy","number":2512489996},
    {"id":"AFT-KQ8","cpr":"0201609995","name":"Else Test Lauridsen","mobil":"+45 20 30 40 52","adresse":"Tårnhøjvej 47","note":"ring 20304052"}
]}"#;
/// What may stand nowhere, in whatever form: persons of the samples, and whatever else is planted.
const PERSONAL: [&str; 16] = [
    NANCY,
    OTHER,
    "Nancy",
    "Berggren",
    "Else Test",
    "Lauridsen",
    "20304050",
    "20304052",
    "Tårnhøjvej",
    "kommer",
    "AFT-KQ7",
    "AFT-KQ8",
    "sekret",
    "planted",
    "2019-08-07",
    "09:20:00+01",
];

/// Everything that was said to others than the recipient whose data it is, by what it is.
struct Told(Vec<(String, Vec<u8>)>);

impl Told {
    /// A refusal's head and document; what was released is the recipient's own.
    fn refusal(&mut self, what: &str, reply: &Reply) {
        if reply.status >= 400 {
            self.0.push((what.to_owned(), [reply.head.as_bytes(), &reply.body].concat()));
        }
    }

    fn folder(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let mut bytes = fs::read(&path).unwrap();
            // The room behind the last record, in zeros.
            bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
            self.0.push((path.display().to_string(), bytes));
        }
    }

    /// What `tavs` says on the command line.
    fn tavs(&mut self, lab: &Lab, words: &str, input: &str) -> String {
        let input = lab.write("line", input);
        let output = Command::new(env!("CARGO_BIN_EXE_tavs"))
            .args(words.split(' '))
            .current_dir(lab.path(""))
            .stdin(Stdio::from(fs::File::open(input).unwrap()))
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(said.clone()).unwrap();
        assert!(output.status.success(), "{words}: {text}");
        self.0.push((words.to_owned(), said));
        text
    }
}

/// Any sixteen bytes of a secret, in each form in which a program writes bytes.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let bytes = HEXLOWER_PERMISSIVE.decode(secret.as_bytes()).unwrap();
    let mut all = Vec::new();
    for half in bytes.chunks(16) {
        let listed = half.iter().map(u8::to_string).collect::<Vec<_>>();
        all.extend([half.to_vec(), HEXLOWER.encode(half).into_bytes(), HEXUPPER.encode(half).into_bytes()]);
        all.extend([listed.join(", ").into_bytes(), listed.join(",").into_bytes()]);
        // Base64 has three ways to begin, by what stands before.
        for begin in 0..3 {
            let whole = &half[begin..begin + 12];
            all.extend([BASE64.encode(whole).into_bytes(), BASE64URL.encode(whole).into_bytes()]);
        }
    }
    all
}

fn holds(text: &[u8], forms: &[Vec<u8>]) -> bool {
    forms.iter().any(|form| memchr::memmem::find(text, form).is_some())
}

/// Of every secret of the rings.
fn secrets(rings: &str) -> Vec<Vec<u8>> {
    let secrets = rings.lines().filter_map(|line| line.strip_prefix("secret = \"")?.strip_suffix('"'));
    let secrets: HashSet<&str> = secrets.collect();
    secrets.into_iter().flat_map(forms).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_logged_counted_recorded_or_refused_holds_a_person_or_a_key() {
    let of =
        |id: &str, scheme: &str| current(&policy(id)).replace("\"keyed\"", &format!("\"{scheme}\"")) + MORE;
    let policies = vec![("stored", of("stored", "table"))];
    let setting = Setting { sms: of("sms", "sealed"), policies, ..Setting::default() };
    let (lab, origin, config) = ground(&setting).await;
    let mut told = Told(Vec::new());
    fs::remove_file(lab.path("ring.toml")).unwrap();
    told.tavs(&lab, "keys new ring.toml --domain sms --domain stored", "");
    let first = fs::read_to_string(lab.path("ring.toml")).unwrap();

    let mut process = Process::start_with(&config, lab.path("log"), &[("TAVS_LOG", "trace")]);
    let address = process.told_address("address").await;
    for recipient in ["sms", "stored"] {
        let client = lab.client(recipient);
        let mut ask = async |what: &str, bytes: Vec<u8>| {
            let reply = Wire::open(&lab, address, &client).await.ask(&bytes).await;
            reply.inspect(|reply| told.refusal(&format!("{recipient}: {what}"), reply))
        };
        let pseudonyms = resolved(&origin, &mut ask).await;
        refused(&origin, &mut ask, &pseudonyms).await;
        faulty(&origin, &mut ask).await;
    }
    let mut stranger = Wire::open(&lab, address, &lab.client("sekret-2512489996")).await;
    told.refusal("a stranger", &stranger.ask(&request("GET", "/appointments", "", "")).await.unwrap());

    // Erased, rotated, and a reading of the configuration that fails.
    told.tavs(&lab, "subject erase --yes --why letter", NANCY);
    told.tavs(&lab, "keys rotate ring.toml --domain stored --why yearly", "");
    told.tavs(&lab, "keys list ring.toml", "");
    told.tavs(&lab, "keys backup ring.toml --to ring.backup --key backup.key", "");
    process.signal("-HUP");
    process.says("\"reloaded\"", 1).await;
    origin.says(json(PATIENTS));
    for recipient in ["sms", "stored"] {
        let mut wire = Wire::open(&lab, address, &lab.client(recipient)).await;
        let listed = wire.get("/fhir/Patient").await;
        assert_eq!((listed.status, entries(&listed).len()), (200, 1), "she is erased");
        told.refusal("erased", &wire.get(&format!("/fhir/Patient?identifier={SYSTEM}%7C{NANCY}")).await);
    }
    let admin = process.told_address("admin").await;
    for page in ["/metrics", "/readyz", "/livez"] {
        let reply = admin_page(admin, page, "localhost").await;
        told.0.push((page.to_owned(), [reply.head.as_bytes(), &reply.body].concat()));
    }
    lab.write("policies/sms.toml", &policy("sms").replace("keep", "sekret-word 2512489996"));
    process.signal("-HUP");
    process.says("not reloaded", 1).await;
    process.signal("-TERM");
    assert_eq!(process.ends().await, 0);

    let log = process.log();
    assert!(log.lines().count() > 120 && log.contains("\"DEBUG\""), "{log}");
    told.0.push(("the log".to_owned(), log.into_bytes()));
    told.folder(&lab.path("ledger"));
    let ring = fs::read_to_string(lab.path("ring.toml")).unwrap();
    let keys = secrets(&(first + &ring));
    assert!(holds(ring.as_bytes(), &keys) && keys.len() > 100, "what is not looked for is not found");
    assert_tells_nothing(&told, &keys);
    // The store has what is sealed, and index rows, and no key or number either.
    for name in ["tavs.db", "tavs.db-wal", "ring.backup"] {
        let file = fs::read(lab.path(name)).unwrap_or_default();
        assert!(!holds(&file, &keys), "a key in {name}");
        assert!(!holds(&file, &[NANCY.into(), OTHER.into(), "Berggren".into()]), "a person in {name}");
    }
}

fn assert_tells_nothing(told: &Told, keys: &[Vec<u8>]) {
    for (what, text) in &told.0 {
        assert!(!holds(text, keys), "a key in {what}");
        for line in text.split(|byte| *byte == b'\n') {
            let found = tavs::absence::find_any(line, &PERSONAL);
            let found: Vec<_> = found.into_iter().map(|at| PERSONAL[at]).collect();
            assert!(found.is_empty(), "{found:?} in {what}: {}", String::from_utf8_lossy(line));
        }
        for prefix in ["tvk1-", "tvs1-", "tvt1-", "tvt2-"] {
            assert!(!holds(text, &[prefix.into()]), "a pseudonym in {what}");
        }
    }
}

fn entries(reply: &Reply) -> Vec<Value> {
    let list: Value = serde_json::from_slice(&reply.body).unwrap();
    list["entry"].as_array().cloned().unwrap_or_default()
}

/// Lists, and asks by each way back in; gives the first person's pseudonyms, of id and number.
async fn resolved(
    origin: &Origin,
    ask: &mut impl AsyncFnMut(&str, Vec<u8>) -> Option<Reply>,
) -> (String, String) {
    origin.says(json(PATIENTS));
    let listed = ask("list", request("GET", "/fhir/Patient", "", "")).await.unwrap();
    let entries = entries(&listed);
    assert_eq!((listed.status, entries.len()), (200, 2));
    let word = |name: &str| entries[0][name].as_str().unwrap().to_owned();
    let (id, cpr) = (word("id"), word("cpr"));
    let by_query = request("GET", &format!("/fhir/Patient?identifier={SYSTEM}%7C{cpr}"), "", "");
    assert_eq!(ask("by query", by_query).await.unwrap().status, 200);
    origin.says(json(&format!(r#"{{"id":"{ID}","cpr":"{NANCY}","note":"til Nancy, {ID}"}}"#)));
    for method in ["GET", "DELETE"] {
        let by_path = request(method, &format!("/fhir/Patient/{id}"), "", "");
        assert_eq!(ask(method, by_path).await.unwrap().status, 200);
    }
    origin.says(json(&format!(r#"{{"status":"final","text":"til Nancy {NANCY}"}}"#)));
    let content = format!(
        r#"{{"resourceType":"Observation","subject":{{"reference":"Patient/{id}","identifier":{{"value":"{cpr}"}}}},"valueQuantity":5.4}}"#
    );
    assert_eq!(ask("post", post("/fhir/Observation", &content)).await.unwrap().status, 200);
    (id, cpr)
}

/// Whatever is refused before the origin is asked.
async fn refused(
    origin: &Origin,
    ask: &mut impl AsyncFnMut(&str, Vec<u8>) -> Option<Reply>,
    (id, cpr): &(String, String),
) {
    origin.says(json(PATIENTS));
    let forged = |text: &str| {
        let (begin, last) = text.split_at(text.len() - 1);
        begin.to_owned() + if last == "q" { "r" } else { "q" }
    };
    for target in [
        format!("/fhir/Patient/{}", forged(id)),
        format!("/fhir/Patient/{cpr}"),
        format!("/fhir/Patient/{NANCY}"),
        format!("/fhir/Patient?identifier={SYSTEM}%7C{}", forged(cpr)),
        format!("/fhir/Patient?identifier={SYSTEM}%7C251248-9996"),
        "/fhir/Patient?name=Berggren".to_owned(),
        "/appointments?from=2019-08-07&from=2019-08-07".to_owned(),
        "/appointments/a2512489996b".to_owned(),
        "/sekret/2512489996?sekret=251248-9996".to_owned(),
        "/a/../2512489996".to_owned(),
    ] {
        let reply = ask(&target, request("GET", &target, "cookie: sekret=2512489996\r\n", "")).await.unwrap();
        assert!(reply.status >= 400, "{target}");
    }
    for (target, content) in [
        ("/fhir/Observation", format!(r#"{{"subject":{{"reference":"Patient/{NANCY}"}}}}"#)),
        ("/fhir/Observation", format!(r#"{{"subject":{{"reference":"Patient/{}"}}}}"#, forged(id))),
        ("/fhir/Observation", r#"{"sekret":"Nancy Berggren","2512489996":1}"#.to_owned()),
        ("/fhir/Observation", r#"{"resourceType":"Nancy"#.to_owned()),
        ("/fhir/Patient/_search", "identifier=2512489996&sekret=Berggren".to_owned()),
    ] {
        let reply = ask(&content, post(target, &content)).await.unwrap();
        assert!(reply.status >= 400, "{content}");
    }
    for raw in [
        "GET /appointments?code=sekret-code HTTP/1.1\r\nhost: sekret.example\r\n\r\n",
        "SEKRET /appointments HTTP/1.1\r\nhost: localhost\r\nx-sekret: 2512489996\r\n\r\n",
        "GET /appointments HTTP/1.1\r\nhost: localhost\r\ntraceparent: 00-25124899962512489996251248999625-2512489996251248-01\r\n\r\n",
        "GET /2512489996 SEKRET/1.1\r\nhost: localhost\r\n\r\n",
    ] {
        ask(raw, raw.as_bytes().to_vec()).await;
    }
}

/// Upstreams that fail, with something planted wherever it can stand.
async fn faulty(origin: &Origin, ask: &mut impl AsyncFnMut(&str, Vec<u8>) -> Option<Reply>) {
    let json_type = "content-type: application/json\r\n";
    let good = &GOOD.replace("secret", "sekret");
    for said in [
        json(good),
        json(&good.replace("AFT-KQ7", "AFT-KQ7\\u0000")),
        json(&good.replace("}}]}", "")),
        json(&good.replace("\"id\"", "\"2512489996\"")),
        answer("500 sekret-reason", json_type, good.as_bytes()),
        answer("404 sekret-reason", json_type, good.as_bytes()),
        answer("302 Found", "location: https://sekret.example/2512489996\r\n", b""),
        answer("200 OK", "content-type: sekret/planted\r\n", good.as_bytes()),
        answer("200 OK", "content-type: application/json\r\nx-2512489996: sekret\r\n", good.as_bytes()),
        b"HTTP/1.1 200 OK\r\ncontent-length: planted\r\n\r\n{}".to_vec(),
        b"planted 2512489996\r\n\r\n".to_vec(),
    ] {
        origin.says(said);
        ask("a faulty upstream", request("GET", "/appointments?from=2019-08-07", "", "")).await.unwrap();
    }
    origin.plays(vec![Step::Break]);
    ask("an upstream that breaks off", request("GET", "/appointments", "", "")).await.unwrap();
    for target in ["/nowhere", "/stranger"] {
        ask(target, request("GET", target, "", "")).await.unwrap();
    }
}
