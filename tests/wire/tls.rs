//! Who may connect: client certificates, trust anchors, revocation, application protocols.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tavs::clock::Clock;
use tavs::identity::{Presented, Register, Unidentified};
use tavs::ids::RecipientId;
use tavs::net::pki::{Authority, Issued, Name, Usage};
use tavs::net::{CloseReason, Event, HandshakeFailure, Lapse, Limits, Protocol, TlsError, TlsState};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use super::lab::{Lab, PATIENCE, Served, days, now, uri};

/// One HTTP/1.1 exchange; what came back, head and content.
pub(crate) async fn get(stream: &mut TlsStream<TcpStream>, path: &str) -> std::io::Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut seen = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let length = timeout(PATIENCE, stream.read(&mut piece)).await.unwrap()?;
        seen.extend_from_slice(&piece[..length]);
        let text = String::from_utf8_lossy(&seen);
        if length == 0 || is_whole(&text) {
            return Ok(text.into_owned());
        }
    }
}

fn is_whole(text: &str) -> bool {
    let Some((head, content)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
    content.len() >= length.parse().unwrap()
}

fn chain(issued: &Issued) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(issued.certificate.as_bytes()).collect::<Result<_, _>>().unwrap()
}

/// Connects with `client` and says how the listener judged it.
async fn refusal(lab: &Lab, served: &mut Served, client: Option<&Issued>) -> HandshakeFailure {
    if let Ok(mut stream) = lab.connect(served.address, client, &[b"http/1.1"]).await {
        let answer = get(&mut stream, "/").await;
        assert!(answer.map_or(true, |text| text.is_empty()), "nothing may be answered");
    }
    served.refusal().await
}

#[tokio::test]
async fn a_known_client_is_served_over_http1() {
    let lab = Lab::new();
    let mut served = lab.listen(&[]).await;
    let mut stream = lab.connect(served.address, Some(&lab.client("sms")), &[b"http/1.1"]).await.unwrap();
    let answer = get(&mut stream, "/").await.unwrap();
    assert!(answer.ends_with(r#"partners ["urn:tavs:recipient:sms"] []"#), "{answer}");
    assert_eq!(served.event().await, Event::Opened(Protocol::Http1));
    drop(stream);
    assert_eq!(served.event().await, Event::Closed(Protocol::Http1, CloseReason::Done));
}

#[tokio::test]
async fn a_client_without_alpn_gets_http1() {
    let lab = Lab::new();
    let mut served = lab.listen(&[]).await;
    let mut stream = lab.connect(served.address, Some(&lab.client("sms")), &[]).await.unwrap();
    assert!(get(&mut stream, "/").await.unwrap().starts_with("HTTP/1.1 200"));
    assert_eq!(served.event().await, Event::Opened(Protocol::Http1));
}

#[tokio::test]
async fn a_known_client_is_served_over_http2() {
    let lab = Lab::new();
    let mut served = lab.listen(&[]).await;
    let stream = lab.connect(served.address, Some(&lab.client("sms")), &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    for path in ["/", "/panic", "/"] {
        let request =
            http::Request::get(format!("https://localhost{path}")).body(Empty::<Bytes>::new()).unwrap();
        let response = timeout(PATIENCE, sender.send_request(request)).await.unwrap().unwrap();
        assert_eq!(response.status(), if path == "/" { 200 } else { 500 });
        response.into_body().collect().await.unwrap();
    }
    assert_eq!(served.event().await, Event::Opened(Protocol::Http2));
}

#[tokio::test]
async fn a_panic_ends_one_exchange_only() {
    let lab = Lab::new();
    let served = lab.listen(&[]).await;
    let mut stream = lab.connect(served.address, Some(&lab.client("sms")), &[b"http/1.1"]).await.unwrap();
    assert!(get(&mut stream, "/panic").await.unwrap().starts_with("HTTP/1.1 500"));
    assert!(get(&mut stream, "/").await.unwrap().starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn who_may_not_connect_is_told_apart() {
    let lab = Lab::new();
    let stranger = Authority::new("Stranger CA", days(-1, 30)).unwrap();
    let namesake = Authority::new("Partners CA", days(-1, 30)).unwrap();
    let names = [uri("sms")];
    let revoked = lab.client("revoked");
    let issue = |ca: &Authority, usage, validity| ca.issue("sms", &names, usage, validity).unwrap();
    let cases = [
        (None, HandshakeFailure::NoCertificate),
        (Some(issue(&stranger, Usage::Client, days(-1, 1))), HandshakeFailure::UnknownIssuer),
        (Some(issue(&namesake, Usage::Client, days(-1, 1))), HandshakeFailure::UnknownIssuer),
        (Some(issue(&lab.partners, Usage::Client, days(-3, -1))), HandshakeFailure::Expired),
        (Some(issue(&lab.partners, Usage::Client, days(1, 3))), HandshakeFailure::NotYetValid),
        (Some(issue(&lab.partners, Usage::Server, days(-1, 1))), HandshakeFailure::WrongUsage),
        (Some(revoked), HandshakeFailure::Revoked),
    ];
    let mut served = lab.listen(&[cases[6].0.as_ref().unwrap()]).await;
    for (client, expected) in &cases {
        assert_eq!(refusal(&lab, &mut served, client.as_ref()).await, *expected);
    }
}

#[tokio::test]
async fn an_end_entity_certificate_is_no_ca() {
    let lab = Lab::new();
    let mut served = lab.listen(&[]).await;
    let end_entity = lab.client("sms");
    // An issuer made of the end entity's certificate and key: what a thief of it would try.
    let forger = Authority::from_pem(&end_entity.certificate, &end_entity.key).unwrap();
    let mut forged = forger.issue("other", &[uri("other")], Usage::Client, days(-1, 1)).unwrap();
    forged.certificate.push_str(&end_entity.certificate);
    let judged = refusal(&lab, &mut served, Some(&forged)).await;
    assert!(
        matches!(judged, HandshakeFailure::BadCertificate | HandshakeFailure::UnknownIssuer),
        "{judged:?}"
    );
}

#[tokio::test]
async fn a_stale_revocation_list_lets_nobody_in() {
    let lab = Lab::new();
    let anchor = lab.anchor_until("partners", &lab.partners, &[], days(-3, -1));
    let mut served = Served::start(lab.tls(vec![anchor]), Limits::default()).await;
    let judged = refusal(&lab, &mut served, Some(&lab.client("sms"))).await;
    assert_eq!(judged, HandshakeFailure::StaleRevocationList);
}

#[tokio::test]
async fn another_cas_revocation_list_does_not_count() {
    let lab = Lab::new();
    let other = Authority::new("Other CA", days(-1, 30)).unwrap();
    let namesake = Authority::new("Partners CA", days(-1, 30)).unwrap();
    for list_of in [&other, &namesake] {
        let mut anchor = lab.anchor("partners", &lab.partners, &[]);
        anchor.crls = lab.anchor("list", list_of, &[]).crls;
        let mut served = Served::start(lab.tls(vec![anchor]), Limits::default()).await;
        let judged = refusal(&lab, &mut served, Some(&lab.client("sms"))).await;
        assert_eq!(judged, HandshakeFailure::UnknownRevocation);
    }
}

#[tokio::test]
async fn an_expired_ca_lets_nobody_in() {
    let mut lab = Lab::new();
    lab.partners = Authority::new("Partners CA", days(-3, -1)).unwrap();
    let mut served = lab.listen(&[]).await;
    let judged = refusal(&lab, &mut served, Some(&lab.client("sms"))).await;
    assert_eq!(judged, HandshakeFailure::Expired);
}

#[tokio::test]
async fn bytes_that_are_no_tls_are_refused() {
    let lab = Lab::new();
    let mut served = lab.listen(&[]).await;
    let mut socket = TcpStream::connect(served.address).await.unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    assert_eq!(served.refusal().await, HandshakeFailure::Protocol);
}

#[tokio::test]
async fn an_unknown_application_protocol_is_refused() {
    let lab = Lab::new();
    let mut served = lab.listen(&[]).await;
    let refused = lab.connect(served.address, Some(&lab.client("sms")), &[b"smtp"]).await;
    assert!(refused.is_err());
    assert_eq!(served.refusal().await, HandshakeFailure::Incompatible);
}

#[tokio::test]
async fn tls_12_needs_its_option_and_nothing_is_resumed() {
    let lab = Lab::new();
    let client = lab.client("sms");
    let anchors = vec![lab.anchor("partners", &lab.partners, &[])];
    for allowed in [false, true] {
        let mut settings = lab.settings(anchors.clone());
        settings.tls12 = allowed;
        let tls = TlsState::load(&settings, &Clock::system()).unwrap();
        let served = Served::start(tls, Limits::default()).await;
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let mut config = lab.client_config(Some(&client), &[b"http/1.1"]);
            let base = rustls::ClientConfig::builder_with_protocol_versions(&[version]);
            let mut only = base
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(rustls_accept::Anyone))
                .with_client_cert_resolver(Arc::clone(&config.client_auth_cert_resolver));
            only.alpn_protocols = std::mem::take(&mut config.alpn_protocols);
            let connector = tokio_rustls::TlsConnector::from(Arc::new(only));
            // Twice with one configuration: the second would resume if it could.
            for _ in 0..2 {
                let socket = TcpStream::connect(served.address).await.unwrap();
                let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
                let connected = timeout(PATIENCE, connector.connect(name, socket)).await.unwrap();
                let is_13 = version.version == rustls::ProtocolVersion::TLSv1_3;
                assert_eq!(connected.is_ok(), allowed || is_13);
                if let Ok(mut stream) = connected {
                    get(&mut stream, "/").await.unwrap();
                    let kind = stream.get_ref().1.handshake_kind().unwrap();
                    assert_ne!(kind, rustls::HandshakeKind::Resumed);
                }
            }
        }
    }
}

/// A client that trusts any server: the server is ours, and these tests are about the client.
mod rustls_accept {
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{DigitallySignedStruct, Error, SignatureScheme};

    #[derive(Debug)]
    pub(super) struct Anyone;

    impl ServerCertVerifier for Anyone {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            vec![SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::RSA_PSS_SHA256]
        }
    }
}

#[tokio::test]
async fn the_anchor_is_told_by_signature_not_by_name() {
    let lab = Lab::new();
    let namesake = Authority::new("Partners CA", days(-1, 30)).unwrap();
    let anchors = vec![lab.anchor("partners", &lab.partners, &[]), lab.anchor("research", &namesake, &[])];
    let served = Served::start(lab.tls(anchors), Limits::default()).await;
    let theirs = namesake.issue("sms", &[uri("sms")], Usage::Client, days(-1, 1)).unwrap();
    for (client, anchor) in [(lab.client("sms"), "partners"), (theirs, "research")] {
        let mut stream = lab.connect(served.address, Some(&client), &[b"http/1.1"]).await.unwrap();
        let answer = get(&mut stream, "/").await.unwrap();
        assert!(answer.ends_with(&format!(r#"{anchor} ["urn:tavs:recipient:sms"] []"#)), "{answer}");
    }
}

#[test]
fn every_certificate_below_the_anchor_needs_a_list_and_none_may_be_on_it() {
    let lab = Lab::new();
    let (issuing, issuing_serial) = lab.partners.subordinate("Issuing CA", days(-1, 20)).unwrap();
    let client = issuing.issue("sms", &[uri("sms")], Usage::Client, days(-1, 10)).unwrap();
    let mut presented = chain(&client);
    presented.push(CertificateDer::from_pem_slice(issuing.certificate().as_bytes()).unwrap());
    let of_issuing = |serials: &[Vec<u8>]| {
        lab.write("issuing.crl", &issuing.revocation_list(1, serials, days(-1, 5)).unwrap())
    };
    let judged = |crls: Vec<std::path::PathBuf>| {
        let mut anchor = lab.anchor("partners", &lab.partners, &[]);
        anchor.crls.extend(crls);
        lab.tls(vec![anchor]).verify(&presented, now()).map(|_| ())
    };
    assert_eq!(judged(vec![]), Err(HandshakeFailure::UnknownRevocation));
    assert_eq!(judged(vec![of_issuing(&[])]), Ok(()));
    assert_eq!(
        judged(vec![of_issuing(std::slice::from_ref(&client.serial))]),
        Err(HandshakeFailure::Revoked)
    );
    // The issuing CA itself, by its own issuer.
    let mut anchor = lab.anchor("partners", &lab.partners, &[]);
    let list = lab.partners.revocation_list(2, &[issuing_serial], days(-1, 5)).unwrap();
    anchor.crls = vec![lab.write("partners.crl", &list), of_issuing(&[])];
    let judged = lab.tls(vec![anchor]).verify(&presented, now()).map(|_| ());
    assert_eq!(judged, Err(HandshakeFailure::Revoked));
}

#[tokio::test]
async fn a_chain_under_two_anchors_is_nobodys() {
    let lab = Lab::new();
    let (issuing, _) = lab.partners.subordinate("Issuing CA", days(-1, 20)).unwrap();
    let mut client = issuing.issue("sms", &[uri("sms")], Usage::Client, days(-1, 10)).unwrap();
    client.certificate.push_str(issuing.certificate());
    let mut root = lab.anchor("root", &lab.partners, &[]);
    let direct = lab.anchor("direct", &issuing, &[]);
    root.crls.extend(direct.crls.clone());
    let tls = lab.tls(vec![root.clone()]);
    assert_eq!(tls.verify(&chain(&client), now()).unwrap().anchor(), "root");
    let mut served = Served::start(lab.tls(vec![root, direct]), Limits::default()).await;
    let judged = refusal(&lab, &mut served, Some(&client)).await;
    assert_eq!(judged, HandshakeFailure::AmbiguousAnchor);
}

#[test]
fn exactly_one_registered_identity_is_a_recipient() {
    let lab = Lab::new();
    let other = Authority::new("Other CA", days(-1, 30)).unwrap();
    let anchors = vec![lab.anchor("partners", &lab.partners, &[]), lab.anchor("other", &other, &[])];
    let tls = lab.tls(anchors);
    let pinned = lab.partners.issue("pinned", &[], Usage::Client, days(-1, 1)).unwrap();
    let pin = *tls.verify(&chain(&pinned), now()).unwrap().spki_sha256();
    let entry = |id: &str, presented| (RecipientId::new(id), "partners".to_owned(), presented);
    let sms = "urn:tavs:recipient:sms";
    let register = Register::new(vec![
        entry("sms", Presented::Uri(sms.to_owned())),
        entry("books", Presented::Dns("books.example".to_owned())),
        entry("pinned", Presented::SpkiSha256(pin)),
    ])
    .unwrap();
    let dns = |name: &str| Name::Dns(name.to_owned());
    let url = |name: &str| Name::Uri(name.to_owned());
    let cases: [(&str, Vec<Name>, Result<&str, Unidentified>); 12] = [
        ("x", vec![url(sms)], Ok("sms")),
        ("x", vec![url(sms), url("urn:else")], Ok("sms")),
        ("x", vec![url(sms), url(sms)], Ok("sms")),
        ("x", vec![dns("books.example")], Ok("books")),
        ("x", vec![dns("BOOKS.Example")], Ok("books")),
        ("x", vec![url(sms), dns("books.example")], Err(Unidentified::Ambiguous)),
        (sms, vec![], Err(Unidentified::Unknown)),
        ("books.example", vec![url("urn:else")], Err(Unidentified::Unknown)),
        ("x", vec![url("urn:tavs:recipient:sms2")], Err(Unidentified::Unknown)),
        ("x", vec![url("URN:tavs:recipient:sms")], Err(Unidentified::Unknown)),
        ("x", vec![dns("*.example")], Err(Unidentified::Unknown)),
        ("x", vec![dns("books.example.evil.test")], Err(Unidentified::Unknown)),
    ];
    for (common_name, names, expected) in cases {
        let issued = lab.partners.issue(common_name, &names, Usage::Client, days(-1, 1)).unwrap();
        let peer = tls.verify(&chain(&issued), now()).unwrap();
        let found = register.identify(&peer);
        assert_eq!(found.as_ref().map(|it| it.id().as_str()).map_err(|e| *e), expected, "{names:?}");
    }
    let peer = tls.verify(&chain(&pinned), now()).unwrap();
    assert_eq!(register.identify(&peer).unwrap().id().as_str(), "pinned");
    // The right name under the wrong anchor is nobody's.
    let issued = other.issue("x", &[url(sms)], Usage::Client, days(-1, 1)).unwrap();
    let peer = tls.verify(&chain(&issued), now()).unwrap();
    assert_eq!(register.identify(&peer).unwrap_err(), Unidentified::Unknown);
}

#[tokio::test]
async fn a_reload_reaches_connections_that_are_open() {
    let lab = Lab::new();
    let client = lab.client("sms");
    let mut served = lab.listen(&[]).await;
    let mut stream = lab.connect(served.address, Some(&client), &[b"http/1.1"]).await.unwrap();
    assert!(get(&mut stream, "/").await.unwrap().starts_with("HTTP/1.1 200"));
    // The same again: verified anew under the new state, and still good.
    served.tls.store(Arc::new(lab.tls(vec![lab.anchor("partners", &lab.partners, &[])])));
    assert!(get(&mut stream, "/").await.unwrap().starts_with("HTTP/1.1 200"));
    // Revoked meanwhile.
    served.tls.store(Arc::new(lab.tls(vec![lab.anchor("partners", &lab.partners, &[&client])])));
    assert!(get(&mut stream, "/").await.unwrap().starts_with("HTTP/1.1 403"));
    assert_eq!(served.event().await, Event::Opened(Protocol::Http1));
    assert_eq!(served.event().await, Event::Closed(Protocol::Http1, CloseReason::Lapsed));
}

#[test]
fn what_runs_out_while_a_connection_is_open_is_seen() {
    let lab = Lab::new();
    let client = lab.client("sms");
    let tls = lab.tls(vec![lab.anchor("partners", &lab.partners, &[])]);
    let peer = tls.verify(&chain(&client), now()).unwrap();
    assert_eq!(peer.check(&tls, now()), Ok(()));
    let days = |days: u64| now() + days * 86_400;
    assert_eq!(peer.check(&tls, days(8)), Err(Lapse::Certificate(HandshakeFailure::StaleRevocationList)));
    assert_eq!(peer.check(&tls, days(31)), Err(Lapse::Certificate(HandshakeFailure::Expired)));
    let before = now() - 2 * 86_400;
    assert_eq!(peer.check(&tls, before), Err(Lapse::Certificate(HandshakeFailure::NotYetValid)));
    let renamed = lab.tls(vec![lab.anchor("renamed", &lab.partners, &[])]);
    assert_eq!(peer.check(&renamed, now()), Err(Lapse::OtherAnchor));
    let other = Authority::new("Other CA", super::lab::days(-1, 30)).unwrap();
    let gone = lab.tls(vec![lab.anchor("partners", &other, &[])]);
    assert_eq!(peer.check(&gone, now()), Err(Lapse::Certificate(HandshakeFailure::UnknownIssuer)));
    assert_eq!(peer.check(&tls, now()), Ok(()));
}

#[test]
fn a_chain_that_was_good_is_judged_again_at_its_bounds_and_as_another_chain() {
    let lab = Lab::new();
    let (issuing, _) = lab.partners.subordinate("Issuing CA", days(-1, 20)).unwrap();
    let client = issuing.issue("sms", &[uri("sms")], Usage::Client, days(-1, 10)).unwrap();
    let issuer = CertificateDer::from_pem_slice(issuing.certificate().as_bytes()).unwrap();
    let mut anchor = lab.anchor("partners", &lab.partners, &[]);
    anchor.crls.push(lab.write("issuing.crl", &issuing.revocation_list(1, &[], days(-1, 30)).unwrap()));
    let tls = lab.tls(vec![anchor.clone()]);
    let alone = chain(&client);
    let whole = [alone.clone(), vec![issuer]].concat();
    let day = |days: i64| now().checked_add_signed(days * 86_400).unwrap();
    let judged = |chain: &[CertificateDer<'_>], at| tls.verify(chain, at).map(|_| ());
    for _ in 0..2 {
        assert_eq!(judged(&whole, now()), Ok(()));
        assert_eq!(judged(&alone, now()), Err(HandshakeFailure::UnknownIssuer));
        assert_eq!(judged(&whole, day(-2)), Err(HandshakeFailure::NotYetValid));
        assert_eq!(judged(&whole, day(8)), Err(HandshakeFailure::StaleRevocationList));
        assert_eq!(judged(&whole, day(11)), Err(HandshakeFailure::Expired));
    }
    // Files that were read anew know nothing of it.
    let list = issuing.revocation_list(2, std::slice::from_ref(&client.serial), days(-1, 30)).unwrap();
    lab.write("issuing.crl", &list);
    let judged = lab.tls(vec![anchor]).verify(&whole, now()).map(|_| ());
    assert_eq!(judged, Err(HandshakeFailure::Revoked));
}

#[test]
fn a_state_that_could_let_in_the_wrong_or_nobody_is_not_built() {
    use std::os::unix::fs::PermissionsExt as _;
    let lab = Lab::new();
    let load = |settings| TlsState::load(&settings, &Clock::system());
    let anchor = lab.anchor("partners", &lab.partners, &[]);
    let with = |anchors| load(lab.settings(anchors)).unwrap_err();

    assert!(matches!(with(vec![]), TlsError::NoAnchor));
    assert!(matches!(with(vec![anchor.clone(), anchor.clone()]), TlsError::AnchorTwice { .. }));
    let mut twin = anchor.clone();
    twin.name = "twin".to_owned();
    assert!(matches!(with(vec![anchor.clone(), twin]), TlsError::SharedCa { .. }));
    let mut unlisted = anchor.clone();
    unlisted.crls.clear();
    assert!(matches!(with(vec![unlisted]), TlsError::CrlMissing { .. }));
    let mut broken = anchor.clone();
    broken.crls = vec![lab.write("broken.crl", "not a list")];
    assert!(matches!(with(vec![broken.clone()]), TlsError::NoCrl { .. }));
    broken.crls = vec![lab.path("absent.crl")];
    assert!(matches!(with(vec![broken]), TlsError::Unreadable { .. }));

    let mut settings = lab.settings(vec![anchor]);
    let other = lab.client("other");
    settings.key = lab.write("other.key", &other.key);
    assert!(matches!(load(settings.clone()).unwrap_err(), TlsError::KeyMismatch { .. }));
    std::fs::set_permissions(&settings.key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let fault = load(settings.clone()).unwrap_err();
    assert!(fault.to_string().contains("chmod 600"), "{fault}");
    settings.certificate = lab.write("empty.pem", "");
    assert!(matches!(load(settings).unwrap_err(), TlsError::NoCertificate { .. }));
}
