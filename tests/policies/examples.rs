//! The examples of `--explain`, put into a policy: the wrong one has its mistake, the right one has not.

use tavs::config::shipped_profiles;
use tavs::policy::check::{check, check_profiles};
use tavs::policy::codes::{self, Code};
use tavs::policy::diagnostic::{Diagnostic, render};
use tavs::policy::syntax::{Profiles, SourceFile};

use crate::support::{EXTRACT, TODAY, edited, page};

/// A policy that says no more than it must.
const HOST: &str = "policy = 1
[recipient]
id = \"sms\"
name = \"Påmind ApS\"
relation = \"processor\"
contact = \"gdpr@paamind.example\"
[identity]
anchor = \"partners\"
certificate = { uri = \"urn:tavs:recipient:own\" }
[agreement]
reference = \"DBA-2026-007\"
signed = 2026-01-15
review = 2027-01-15
expires = 2028-01-14
[purpose]
id = \"reminders\"
category = \"service\"
basis = [\"gdpr-6-1-b\", \"gdpr-9-2-h\"]
consent = \"not-required\"
retention = \"30 days\"
[transfer]
country = \"DK\"
[pseudonyms]
domain = \"own\"
[limits]
requests = \"10/s\"
[[route]]
name = \"appointments\"
methods = [\"GET\"]
path = \"/appointments\"
upstream = \"booking\"
[route.response]
no-subject = \"an example\"
[route.response.members]
\"$.ok\" = \"keep\"
";

/// Where a line stands that an example shows without its table.
fn table_of(key: &str) -> &'static str {
    match key {
        "policy" | "include" => "",
        "relation" => "[recipient]",
        "certificate" => "[identity]",
        "signed" | "review" | "expires" => "[agreement]",
        "category" | "basis" | "consent" => "[purpose]",
        "country" | "ground" | "evidence" | "verified" | "permit" => "[transfer]",
        "scheme" | "linkability" => "[pseudonyms]",
        "requests" | "buffer" => "[limits]",
        "methods" | "path" | "path-members" | "query" => "[[route]]",
        "shapes" => "[route.response]",
        location if location.starts_with("\"$") => "[route.response.members]",
        // A test that ends here says so: there is no such table.
        _ => "nowhere",
    }
}

/// The host's tables, in order, each with its lines by key.
pub(crate) type Tables = Vec<(String, Vec<(String, String)>)>;

pub(crate) fn key_of(line: &str) -> String {
    let end = if line.starts_with('"') { line.find("\" =").map(|at| at + 1) } else { line.find('=') };
    line[..end.unwrap_or(line.len())].trim().to_owned()
}

pub(crate) fn tables(text: &str) -> Tables {
    let mut tables: Tables = vec![(String::new(), Vec::new())];
    for line in text.lines() {
        if line.starts_with('[') {
            tables.push((line.to_owned(), Vec::new()));
        } else {
            tables.last_mut().unwrap().1.push((key_of(line), line.to_owned()));
        }
    }
    tables
}

/// The host with an example in it: a table that it shows stands in the place of the host's, a line
/// in the place of the same.
pub(crate) fn with(example: &str) -> String {
    let mut host = tables(HOST);
    let mut current: Option<usize> = None;
    let mut routes = 0;
    let mut members = 0;
    for line in example.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let line = line.split("   #").next().unwrap();
        if line.starts_with('[') {
            routes += usize::from(line == "[[route]]");
            let known = host.iter().position(|(header, _)| header == line);
            current = known.filter(|_| line != "[[route]]" || routes == 1).or(Some(host.len()));
            match known {
                Some(at) if current == known && line != "[[route]]" => host[at].1.clear(),
                Some(_) if current == known => {}
                _ => host.push((line.to_owned(), Vec::new())),
            }
            if line == "[route.response]" {
                host.iter_mut()
                    .filter(|(header, _)| header == "[route.response.members]")
                    .for_each(|one| one.1.clear());
            }
            continue;
        }
        let key = key_of(line);
        let at =
            current.unwrap_or_else(|| host.iter().position(|(header, _)| header == table_of(&key)).unwrap());
        if current.is_none() && key.starts_with("\"$") {
            members += 1;
            if members == 1 {
                host[at].1.clear();
            }
        }
        let lines = &mut host[at].1;
        match lines.iter_mut().find(|(other, _)| *other == key) {
            Some(same) => line.clone_into(&mut same.1),
            None => lines.push((key, line.to_owned())),
        }
    }
    if example.contains("[route.request.members]") {
        let route = host.iter_mut().find(|(header, _)| header == "[[route]]").unwrap();
        route.1.retain(|(key, _)| key != "methods");
        route.1.push(("methods".into(), "methods = [\"POST\"]".into()));
    }
    if example.contains("shapes = ") || example.contains("like = ") {
        host[0].1.push(("include".into(), "include = [\"profiles/fhir.toml\"]".into()));
    }
    let inline = host
        .iter()
        .any(|(header, lines)| header == "[route.response]" && lines.iter().any(|(key, _)| key == "members"));
    host.retain(|(header, lines)| header != "[route.response.members]" || !(inline && lines.is_empty()));
    host.iter().fold(String::new(), |text, (header, lines)| {
        let lines: String = lines.iter().map(|(_, line)| format!("{line}\n")).collect();
        if header.is_empty() { text + &lines } else { format!("{text}{header}\n{lines}") }
    })
}

/// What is found in an example, and the page that shows it.
fn found(code: &Code, example: &str) -> (Vec<Diagnostic>, String) {
    if example.contains("# profiles/") {
        let mut profiles = Profiles::default();
        for part in example.split("# ").skip(1) {
            let (name, text) = part.split_once('\n').unwrap();
            profiles.add(name, Ok(SourceFile::new(name, text)));
        }
        let found = check_profiles(&profiles, None);
        return (found.clone(), format!("{found:#?}"));
    }
    let mut profiles = (*shipped_profiles()).clone();
    profiles.add("profiles/fhir-patient.toml", Ok(SourceFile::new("p.toml", "profile = 1\n")));
    let profiles = profiles.into();
    let file = |name: &str, text: &str| SourceFile::new(name, with(text)).with(&profiles);
    let files = match code.id {
        // Between two files: the wrong example stands in the first.
        "TAVS0501" | "TAVS0502" | "TAVS0503" => {
            let mut other = file("b.toml", example);
            if code.id == "TAVS0503" {
                other.text = other.text.replace("id = \"sms\"", "id = \"other\"");
            }
            vec![file("a.toml", code.bad), other]
        }
        // Siblings of primitives are FHIR's.
        "TAVS0221" => {
            let mut fhir = file("policy.toml", example);
            let response = "[route.response]\n";
            fhir.text = fhir
                .text
                .replace(response, &format!("{response}content-types = [\"application/fhir+json\"]\n"));
            vec![fhir]
        }
        _ => vec![file("policy.toml", example)],
    };
    let found = check(&files, TODAY).1;
    let page = format!("{}\n{}", files.last().unwrap().text, render(&found, &files, false));
    (found, page)
}

#[test]
fn every_wrong_example_has_its_mistake_and_no_right_one_has() {
    let mut failed = Vec::new();
    for code in codes::all().filter(|code| code.id < "TAVS0600") {
        for (example, wanted) in [(code.bad, true), (code.good, false)] {
            let (found, page) = found(code, example);
            if found.iter().any(|one| one.code == code.id) != wanted {
                eprintln!("{} {}:\n{page}", code.id, if wanted { "bad" } else { "good" });
                failed.push(code.id);
            }
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

/// The base and its extract, with each line of an example in the place of the same: of the extract, or of the column
/// that has the name.
fn extracting(example: &str) -> String {
    let mut host = tables(&edited(&[EXTRACT]));
    let named = |lines: &[(String, String)]| {
        let name = lines.iter().find(|(key, _)| key == "name");
        name.map(|(_, line)| line.split('"').nth(1).unwrap().to_owned())
    };
    for (header, lines) in tables(example).into_iter().filter(|(header, _)| !header.is_empty()) {
        let is_one = header.starts_with("[[");
        let own = |(other, own): &&mut (String, Vec<_>)| {
            *other == header && (!is_one || named(own) == named(&lines))
        };
        let (_, own) = host.iter_mut().find(own).unwrap();
        for (key, line) in lines.into_iter().filter(|(key, _)| !key.is_empty()) {
            own.iter_mut().find(|(other, _)| *other == key).unwrap().1 = line;
        }
    }
    host.iter().fold(String::new(), |text, (header, lines)| {
        let lines: String = lines.iter().map(|(_, line)| format!("{line}\n")).collect();
        if header.is_empty() { text + &lines } else { format!("{text}{header}\n{lines}") }
    })
}

#[test]
fn so_have_those_of_extracts() {
    let mut failed = Vec::new();
    for code in codes::all().filter(|code| code.id.starts_with("TAVS07")) {
        for (example, wanted) in [(code.bad, true), (code.good, false)] {
            let text = extracting(example);
            let found = crate::support::found(&text);
            if found.iter().any(|one| one.code == code.id) != wanted {
                eprintln!("{} {}:\n{}", code.id, if wanted { "bad" } else { "good" }, page(&text, &found));
                failed.push(code.id);
            }
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn the_host_of_the_examples_is_good() {
    let (found, page) = found(&codes::SYNTAX, "");
    assert!(found.is_empty(), "{page}");
}
