//! `tavs certs dev`, `client` and `crl`.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tavs::clock::Clock;
use tavs::net::{AnchorSettings, HandshakeFailure, TlsSettings, TlsState};

use super::tavs;

/// What the listener says of a client's certificate, with the folder's CA and list.
fn judge(folder: &Path, client: &str) -> Result<Vec<String>, HandshakeFailure> {
    let anchor = AnchorSettings {
        name: "partners".to_owned(),
        ca: folder.join("partners-ca.pem"),
        crls: vec![folder.join("partners.crl")],
    };
    let settings = TlsSettings {
        certificate: folder.join("server.pem"),
        key: folder.join("server.key"),
        tls12: false,
        anchors: vec![anchor],
    };
    let tls = TlsState::load(&settings, &Clock::system()).unwrap();
    let chain = [CertificateDer::from_pem_file(folder.join(client)).unwrap()];
    tls.verify(&chain, Clock::system().unix_millis() / 1000).map(|peer| peer.uris().to_vec())
}

#[test]
#[expect(clippy::cognitive_complexity, reason = "one story, told in its order")]
fn a_set_is_made_once_and_its_keys_are_private() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["certs", "dev", "c", "--client", "urn:tavs:recipient:a", "--client", "urn:tavs:recipient:b"];
    let said = tavs(folder.path(), args);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(said.out.contains("curl --cacert c/server-ca.pem --cert c/a.pem --key c/a.key"), "{}", said.out);
    let made = folder.path().join("c");
    for entry in fs::read_dir(&made).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        assert!(said.out.contains(&name), "{name} is not told");
        let is_key = fs::read_to_string(entry.path()).unwrap().contains("PRIVATE KEY");
        assert_eq!(is_key, name.ends_with(".key"));
        assert!(!is_key || entry.metadata().unwrap().mode() & 0o077 == 0, "{name} can be read by others");
    }
    assert_eq!(judge(&made, "a.pem").unwrap(), ["urn:tavs:recipient:a"]);
    assert_eq!(judge(&made, "b.pem").unwrap(), ["urn:tavs:recipient:b"]);
    assert_eq!(judge(&made, "revoked.pem").unwrap_err(), HandshakeFailure::Revoked);
    for server in ["clinic.pem", "server.pem"] {
        assert!(judge(&made, server).is_err(), "{server} lets a client in");
    }

    // One more, of the same CA; as before, nothing is overwritten.
    let one_more = ["certs", "client", "c", "--client", "urn:tavs:recipient:c", "--days", "30"];
    let said = tavs(folder.path(), one_more);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    assert!(said.out.contains("c.pem ") && said.out.contains("c.key "), "{}", said.out);
    assert_eq!(judge(&made, "c.pem").unwrap(), ["urn:tavs:recipient:c"]);
    assert!(fs::metadata(made.join("c.key")).unwrap().mode() & 0o077 == 0);
    let again = tavs(folder.path(), one_more);
    assert!(again.code == 2 && again.err.contains("exists and is not overwritten"), "{}", again.err);
    let elsewhere = tavs(folder.path(), ["certs", "client", ".", "--client", "urn:tavs:recipient:c"]);
    assert!(
        elsewhere.code == 2 && elsewhere.err.contains("cannot read `./partners-ca.pem`"),
        "{}",
        elsewhere.err
    );

    let before = fs::read(made.join("a.key")).unwrap();
    let again = tavs(folder.path(), args);
    assert_eq!(again.code, 2);
    assert!(again.err.contains("exists and is not overwritten"), "{}", again.err);
    assert_eq!(fs::read(made.join("a.key")).unwrap(), before);
}

#[test]
fn a_renewed_list_keeps_who_is_on_it_and_takes_more() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(tavs(folder.path(), ["certs", "dev", "c"]).code, 0);
    let made = folder.path().join("c");
    assert!(judge(&made, "sms-reminders.pem").is_ok());
    assert_eq!(tavs(folder.path(), ["certs", "crl", "c"]).code, 0);
    assert!(judge(&made, "sms-reminders.pem").is_ok());
    let said = tavs(folder.path(), ["certs", "crl", "c", "--revoke", "c/sms-reminders.pem"]);
    assert_eq!(said.code, 0);
    assert!(said.out.contains("2 revoked"), "{}", said.out);
    for client in ["sms-reminders.pem", "revoked.pem"] {
        assert_eq!(judge(&made, client).unwrap_err(), HandshakeFailure::Revoked);
    }
    let wrong = tavs(folder.path(), ["certs", "crl", "c", "--revoke", "c/server.key"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("holds no PEM certificate"), "{}", wrong.err);
}

#[test]
fn a_client_that_names_no_file_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for uri in ["plain", "urn:x:", "urn:x:..", "urn:x:a.b", "urn:x:Æ", "urn:x:server", "urn:x:-rf"] {
        let said = tavs(folder.path(), ["certs", "dev", "c", &format!("--client={uri}")]);
        assert_eq!(said.code, 2, "{uri}");
        assert!(!folder.path().join("c").exists(), "{uri}");
    }
}
