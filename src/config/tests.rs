use std::path::Path;
use std::time::Duration;

use super::*;
use crate::officer::SigningRole;

const GOOD: &str = r#"
[listen]
address = "0.0.0.0:8443"
certificate = "certs/server.pem"
key = "certs/server.key"
names = ["tavs.klinik.example"]

[anchors.partners]
ca = "certs/partners-ca.pem"
crl = "certs/partners.crl"

[upstreams.booking]
url = "https://booking.klinik.example/api/"
ca = "certs/clinic-ca.pem"
[upstreams.booking.deadlines]
first-byte = "3 s"

[policies]
directory = "policies"
[keys]
ring = "keys/ring.toml"
[ledger]
directory = "/var/lib/tavs/ledger"
node = "a"
"#;

fn parse(text: &str) -> Result<Config, Findings> {
    Config::parse(SourceFile::new("tavs.toml", text), Path::new("/etc/tavs"))
}

#[test]
fn paths_are_relative_to_the_file_and_defaults_are_named() {
    let config = parse(GOOD).unwrap();
    assert_eq!(config.keys.value, KeySource::File("/etc/tavs/keys/ring.toml".into()));
    assert_eq!(config.ledger.directory.value, Path::new("/var/lib/tavs/ledger"));
    assert_eq!(config.admin.to_string(), "127.0.0.1:9443");
    assert_eq!(config.store.value, Path::new("/etc/tavs/tavs.db"));
    assert!(!config.tls.tls12);
    let booking = &config.upstreams["booking"].value;
    assert_eq!(booking.url, "https://booking.klinik.example/api");
    assert_eq!(booking.deadlines.first_byte, Duration::from_secs(3));
    assert_eq!(booking.deadlines.connect, Duration::from_secs(2));
    assert_eq!(config.log.level, None);
}

#[test]
fn as_many_connections_are_kept_idle_as_calls_may_go_on_unless_it_is_said() {
    for (caps, kept) in [("", 64), ("concurrency = 200", 200), ("idle = 5\nconcurrency = 200", 5)] {
        let config = parse(&format!("{GOOD}[upstreams.booking.caps]\n{caps}\n")).unwrap();
        assert_eq!(config.upstreams["booking"].value.max_idle, kept, "{caps}");
    }
    assert_eq!(parse(GOOD).unwrap().upstreams["booking"].value.max_idle, 64);
}

#[test]
fn every_mistake_is_found_in_one_run_with_its_place_and_the_mend() {
    let text = GOOD
        .replace("0.0.0.0:8443", "nowhere")
        .replace("key = \"certs/server.key\"\n", "")
        .replace("https://booking", "http://booking")
        .replace("ca = \"certs/clinic-ca.pem\"\n", "")
        .replace("\"3 s\"", "\"3 parsecs\"")
        .replace("ring =", "rnig =")
        .replace("tavs.klinik.example", "https://tavs.klinik.example")
        + "[admin]\naddress = \"0.0.0.0:9443\"\n[store]\npostgres = \"x\"\n";
    let findings = parse(&text).unwrap_err();
    let shown = findings.render(false);
    for wanted in [
        "`nowhere` is no address to listen on",
        "`[listen]` has no `key`",
        "is no name that we could be called by",
        "this upstream is called without TLS",
        "`3 parsecs` is no duration",
        "did you mean `ring`?",
        "the admin listener would be open to others",
        "`postgres` is not in this version",
    ] {
        assert!(shown.contains(wanted), "no `{wanted}` in\n{shown}");
    }
}

#[test]
fn the_brief_form_quotes_nothing_of_the_file() {
    let findings = parse(&GOOD.replace("0.0.0.0:8443", "2512489996")).unwrap_err();
    let brief = findings.brief();
    assert!(brief[0].starts_with("tavs.toml:3: TAVS0105: "), "{brief:?}");
    assert!(!brief.concat().contains("2512489996"));
}

#[test]
fn an_upstream_url_is_scheme_host_port_and_prefix_only() {
    for good in ["https://h", "https://h:8443", "https://h/api/v1", "https://[::1]:1/x"] {
        assert!(parse(&GOOD.replace("https://booking.klinik.example/api/", good)).is_ok(), "{good}");
    }
    for bad in
        ["h", "ftp://h", "https://", "https://u@h", "https://h/?a=b", "https://h/#x", "https://h/a/../b"]
    {
        assert!(parse(&GOOD.replace("https://booking.klinik.example/api/", bad)).is_err(), "{bad}");
    }
}

#[test]
fn a_missing_file_is_one_clear_line() {
    let findings = Config::read(Path::new("/nonexistent/tavs.toml")).unwrap_err();
    assert_eq!(findings.diagnostics.len(), 1);
    assert!(findings.render(false).contains("cannot read `/nonexistent/tavs.toml`"));
}

#[test]
fn a_policy_that_names_what_tavs_toml_lacks_is_told_the_nearest() {
    let config = parse(GOOD).unwrap();
    let policy = SourceFile::new(
        "policies/sms.toml",
        "[identity]\nanchor = \"partner\"\n[pseudonyms]\ndomain = \"sms\"\n[[route]]\nupstream = \"boking\"\n",
    );
    let ring = crate::pseudonym::KeyRing::parse("ring = 1", jiff::Timestamp::UNIX_EPOCH).unwrap();
    let found = cross_check(&config, Some(&ring), &policy);
    let codes: Vec<_> = found.iter().map(|one| one.code).collect();
    assert_eq!(codes, ["TAVS0605", "TAVS0606", "TAVS0607"]);
    assert!(found[0].help.as_deref().unwrap().contains("partners"));
    assert_eq!(policy.text.get(found[1].span.clone()), Some("\"boking\""));
    let ring = crate::pseudonym::KeyRing::throw_away([7; 32]);
    assert_eq!(cross_check(&config, Some(&ring), &policy).len(), 2);
    assert_eq!(cross_check(&config, None, &policy), found[..2]);
}

#[test]
fn retention_names_purposes_and_categories_of_policies() {
    let terms = "[ledger.retention]\ndefault = \"5 years\"\nservice = \"3 years\"\n";
    let config = parse(&format!("{GOOD}{terms}reminders = \"1 year\"\ntreatment = \"10 years\"\n")).unwrap();
    let policy = SourceFile::new("sms.toml", "[purpose]\nid = \"reminder\"\n");
    let found = check_retention(&config, &[policy]);
    let said: Vec<_> = found.iter().map(|one| (one.code, one.help.as_deref().unwrap())).collect();
    let known = "policies have: `service`, `improvement`, `legitimate-interest`, `reminder`; keep the line if the \
                 ledger holds records of it from before";
    assert_eq!(said, [("TAVS0619", "did you mean `reminder`?"), ("TAVS0619", known)]);
    assert_eq!(config.source.text.get(found[1].span.clone()), Some("treatment"));
    assert!(!found[0].is_error());
}

#[test]
fn every_option_that_the_reader_knows_is_documented() {
    let document = include_str!("../../docs/operating.md");
    for name in Config::option_names() {
        let explained =
            [format!("`{name}`"), format!("[{name}]"), format!(".{name}]"), format!("\"{name}\"")];
        assert!(
            explained.iter().any(|form| document.contains(form)),
            "docs/operating.md does not explain `{name}`"
        );
    }
}

#[test]
fn officers_have_a_key_each_and_say_what_they_sign() {
    const ANNA: &str = "tavs-officer-public-1:PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=";
    const BODIL: &str = "tavs-officer-public-1:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    let officer = |name: &str, key: &str, roles: &str| {
        format!("[officers.{name}]\npublic-key = \"{key}\"\nroles = {roles}\n")
    };
    let anna = officer("anna", ANNA, "[\"reidentify-requester\", \"policy-approver\"]");
    let good =
        parse(&format!("{GOOD}{anna}{}", officer("bodil", BODIL, "[\"reidentify-approver\"]"))).unwrap();
    assert_eq!(good.officers.len(), 2);
    assert_eq!(good.officers[0].roles, [SigningRole::Requester, SigningRole::PolicyApprover]);
    assert_eq!(good.officers[0].key.to_string(), ANNA);
    assert!(parse(GOOD).unwrap().officers.is_empty());
    for (bad, said) in [
        (officer("bodil", ANNA, "[\"reidentify-approver\"]"), "`anna` has the same key"),
        (officer("bodil", "tavs-officer-key-1:x", "[\"reidentify-approver\"]"), "no officer's public key"),
        (officer("bodil", BODIL, "[]"), "`roles` is empty"),
        (officer("bodil", BODIL, "[\"reidentify-aprover\"]"), "reidentify-approver"),
        (officer("\"bo dil\"", BODIL, "[\"policy-approver\"]"), "no name of an officer"),
    ] {
        let findings = parse(&format!("{GOOD}{anna}{bad}")).unwrap_err();
        assert!(findings.render(false).contains(said), "{bad}\n{}", findings.render(false));
        assert!(!findings.brief().join("").contains("tavs-officer"), "{findings:?}");
    }
}
