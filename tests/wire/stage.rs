//! The whole proxy in this process, before a scripted origin: what the tests of exchanges play on.

use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use jiff::civil::{Date, date};
use tavs::app::{self, Running, StartError};
use tavs::clock::Clock;
use tavs::config::Config;
use tavs::ledger::{Disk, FileSystem};
use tavs::net::pki::{Issued, Name, Usage};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use super::lab::{Lab, PATIENCE, days};
use super::origin::{Origin, json};

/// The day that these tests play on.
pub(crate) const TODAY: Date = date(2026, 3, 4);
/// Official test numbers that the origin's answers hold; none may ever reach a recipient.
pub(crate) const PLANTED: [&str; 2] = ["2512489996", "251248-9996"];

/// A good answer of the booking API, and what the policy makes of it.
pub(crate) const GOOD: &str = r#"{"appointments":[{"id":"AFT-KQ7","start":"2026-03-04T09:20:00+01:00","note":"251248-9996 kommer","secret":"x","patient":{"cpr":"2512489996","name":"Nancy Berggren"}}]}"#;
/// The same as it leaves, but for the pseudonym.
pub(crate) const LEAVES: &str =
    r#","start":"2026-03-04T09:20:00+01:00","note":"xxxxxxxxxx kommer","patient":{"name":"Nancy"}}]}"#;

/// What a stage is set with.
pub(crate) struct Setting {
    /// Policies beside `sms`: file name and text.
    pub(crate) policies: Vec<(&'static str, String)>,
    /// The text of `sms`.
    pub(crate) sms: String,
    /// More of tavs.toml.
    pub(crate) more: &'static str,
    /// More of `[upstreams.booking]`.
    pub(crate) booking: &'static str,
    /// More of `[ledger]`. The wait for a record is that of a clinic: a busy disk takes a second for a sync.
    pub(crate) ledger: &'static str,
    /// The ledger's disk.
    pub(crate) disk: Box<dyn Disk>,
    /// Where it listens.
    pub(crate) listen: SocketAddr,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            policies: Vec::new(),
            sms: policy("sms"),
            more: "",
            booking: "",
            ledger: "",
            disk: Box::new(FileSystem),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        }
    }
}

/// The proxy, its origin, and recipients' certificates.
pub(crate) struct Stage {
    pub(crate) lab: Lab,
    pub(crate) origin: Origin,
    pub(crate) clock: Clock,
    pub(crate) running: Running,
}

/// A policy with a route of each kind that the tests ask for.
pub(crate) fn policy(id: &str) -> String {
    POLICY.replace("<id>", id)
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::set(Setting::default()).await
    }

    pub(crate) async fn set(setting: Setting) -> Self {
        Self::try_set(setting).await.map_err(|(error, _)| error).unwrap()
    }

    /// The same, but the proxy may refuse to start.
    pub(crate) async fn try_set(setting: Setting) -> Result<Self, (StartError, Lab)> {
        Self::try_set_spoilt(setting, |_directory| {}).await
    }

    /// The same, after something in the directory has been spoilt.
    pub(crate) async fn try_set_spoilt(
        setting: Setting,
        spoil: impl FnOnce(&Path),
    ) -> Result<Self, (StartError, Lab)> {
        let (lab, origin, config) = ground(&setting).await;
        spoil(&lab.path(""));
        let clock = Clock::fixed_on(TODAY);
        let config = Config::read(&config).map_err(|findings| findings.render(false)).unwrap();
        match app::start_on(config, clock.clone(), setting.disk).await {
            Ok(running) => Ok(Self { lab, origin, clock, running }),
            Err(error) => Err((error, lab)),
        }
    }

    /// Drains the proxy, spoils something in the directory, and starts it anew.
    pub(crate) async fn restarted_after(self, spoil: impl FnOnce(&Path)) -> Result<Self, (StartError, Lab)> {
        let Self { lab, origin, clock, running } = self;
        running.stop().await.ledger.unwrap();
        spoil(&lab.path(""));
        let config = Config::read(&lab.path("tavs.toml")).map_err(|findings| findings.render(false)).unwrap();
        match app::start(config, clock.clone()).await {
            Ok(running) => Ok(Self { lab, origin, clock, running }),
            Err(error) => Err((error, lab)),
        }
    }

    /// Drains the proxy and starts it anew.
    pub(crate) async fn restarted(self) -> Self {
        self.restarted_after(|_directory| {}).await.map_err(|(error, _)| error).unwrap()
    }

    /// A connection over HTTP/1.1 of the recipient `sms`.
    pub(crate) async fn wire(&self) -> Wire {
        self.wire_of(&self.lab.client("sms")).await
    }

    /// A connection over HTTP/1.1 with this certificate.
    pub(crate) async fn wire_of(&self, client: &Issued) -> Wire {
        Wire::open(&self.lab, self.running.address(), client).await
    }

    /// One plain GET by the recipient `sms`, on a connection of its own.
    pub(crate) async fn get(&self, target: &str) -> Reply {
        self.wire().await.get(target).await
    }

    /// One request over HTTP/2 by the recipient `sms`; `None` if the stream is reset.
    pub(crate) async fn get_h2(&self, request: Request<Empty<Bytes>>) -> Option<Response<Bytes>> {
        let client = self.lab.client("sms");
        let stream = self.lab.connect(self.running.address(), Some(&client), &[b"h2"]).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let response = timeout(PATIENCE, sender.send_request(request)).await.unwrap().ok()?;
        let (head, body) = response.into_parts();
        let body = timeout(PATIENCE, body.collect()).await.unwrap();
        connection.abort();
        let body = body.ok()?.to_bytes();
        Some(Response::from_parts(head, body))
    }

    /// A page of the admin listener.
    pub(crate) async fn admin(&self, path: &str) -> Reply {
        self.admin_as(path, "localhost").await
    }

    /// The same, asked for under another name.
    pub(crate) async fn admin_as(&self, path: &str, host: &str) -> Reply {
        admin_page(self.running.admin_address(), path, host).await
    }

    /// All that the ledger holds, as text, without the room behind it.
    pub(crate) fn ledger(&self) -> String {
        let text = std::fs::read_to_string(self.lab.path("ledger/00000001.ledger")).unwrap();
        text.trim_end_matches('\0').to_owned()
    }

    /// The value of a line of the metrics that begins so.
    pub(crate) async fn metric(&self, line: &str) -> Option<f64> {
        let page = self.admin("/metrics").await;
        let text = String::from_utf8(page.body).unwrap();
        text.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok())
    }
}

/// Everything on disk, and the origin, but no proxy; gives the path of tavs.toml.
pub(crate) async fn ground(setting: &Setting) -> (Lab, Origin, PathBuf) {
    let lab = Lab::new();
    let localhost = [Name::Dns("localhost".to_owned())];
    let clinic = lab.clinic.issue("clinic", &localhost, Usage::Server, days(-1, 30)).unwrap();
    lab.write("other.key", &clinic.key);
    let origin = Origin::start(&clinic).await;
    origin.says(json(GOOD));
    let config = write_all(&lab, &origin, setting);
    (lab, origin, config)
}

fn write_all(lab: &Lab, origin: &Origin, setting: &Setting) -> PathBuf {
    for folder in ["policies", "ledger"] {
        std::fs::DirBuilder::new().mode(0o700).create(lab.path(folder)).unwrap();
    }
    lab.write("clinic-ca.pem", lab.clinic.certificate());
    lab.anchor("partners", &lab.partners, &[]);
    lab.write("policies/sms.toml", &setting.sms);
    let mut ring = String::from("ring = 1\n");
    let domains = setting.policies.iter().map(|(name, _)| *name).chain(["sms"]);
    for (number, name) in domains.enumerate() {
        let digits = format!("{number:02x}").repeat(32);
        ring += &format!(
            "[[secret]]\nuse = \"domain\"\nname = \"{name}\"\nversion = 1\nstate = \"active\"\nsecret = \"{digits}\"\n"
        );
    }
    for (used, digits) in [("ledger-subjects", "ab"), ("registry", "cd"), ("checkpoints", "ef")] {
        let digits = digits.repeat(32);
        ring += &format!(
            "[[secret]]\nuse = \"{used}\"\nversion = 1\nstate = \"active\"\nsecret = \"{digits}\"\n"
        );
    }
    lab.write("ring.toml", &ring);
    for (name, text) in &setting.policies {
        lab.write(&format!("policies/{name}.toml"), text);
    }
    let text = CONFIGURATION
        .replace("<origin>", &origin.address.port().to_string())
        .replace("<listen>", &setting.listen.to_string())
        .replace("<more>", setting.more)
        .replace("<ledger>", setting.ledger)
        .replace("<booking>", setting.booking);
    lab.write("tavs.toml", &text)
}

/// A page of an admin listener, asked for under the name `host`.
pub(crate) async fn admin_page(admin: SocketAddr, path: &str, host: &str) -> Reply {
    let mut stream = TcpStream::connect(admin).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
    Reply::parse(&bytes).unwrap().0
}

/// A client's connection, byte by byte.
pub(crate) struct Wire {
    stream: TlsStream<TcpStream>,
    buffer: Vec<u8>,
}

impl Wire {
    /// Connects with this certificate.
    pub(crate) async fn open(lab: &Lab, address: SocketAddr, client: &Issued) -> Self {
        let stream = lab.connect(address, Some(client), &[b"http/1.1"]).await.unwrap();
        Self { stream, buffer: Vec::new() }
    }

    /// A plain GET of our name.
    pub(crate) async fn get(&mut self, target: &str) -> Reply {
        self.ask(format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).await.unwrap()
    }

    /// Sends bytes and reads one answer; `None` if the connection ends instead.
    pub(crate) async fn ask(&mut self, bytes: &[u8]) -> Option<Reply> {
        self.ask_as(bytes, false).await
    }

    /// The same for HEAD, whose answer has no content whatever it says.
    pub(crate) async fn ask_head(&mut self, bytes: &[u8]) -> Option<Reply> {
        self.ask_as(bytes, true).await
    }

    async fn ask_as(&mut self, bytes: &[u8], head: bool) -> Option<Reply> {
        // The proxy may have judged and closed before the last byte is written.
        drop(self.stream.write_all(bytes).await);
        drop(self.stream.flush().await);
        timeout(PATIENCE, self.read(head)).await.unwrap()
    }

    async fn read(&mut self, head: bool) -> Option<Reply> {
        loop {
            let parsed = if head { Reply::parse_head(&self.buffer) } else { Reply::parse(&self.buffer) };
            if let Some((reply, used)) = parsed {
                self.buffer.drain(..used);
                return Some(reply);
            }
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(1..) => {}
                _ => return None,
            }
        }
    }

    /// Sends bytes, says that there are no more, and reads whatever answers come.
    pub(crate) async fn ask_and_close(&mut self, bytes: &[u8]) -> Vec<Reply> {
        drop(self.stream.write_all(bytes).await);
        drop(self.stream.shutdown().await);
        drop(timeout(PATIENCE, self.stream.read_to_end(&mut self.buffer)).await.unwrap());
        let mut replies = Vec::new();
        while let Some((reply, used)) = Reply::parse(&self.buffer) {
            self.buffer.drain(..used);
            replies.push(reply);
        }
        replies
    }

    /// Reads until at least so many bytes have come, or there are no more; gives all that has.
    pub(crate) async fn read_raw(&mut self, least: usize) -> &[u8] {
        while self.buffer.len() < least {
            match timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await.unwrap() {
                Ok(1..) => {}
                _ => break,
            }
        }
        &self.buffer
    }

    /// Whether the answer said that the connection ends.
    pub(crate) fn is_open_after(&self, reply: &Reply) -> bool {
        reply.field("connection") != Some("close") && self.buffer.is_empty()
    }

    /// Whether the proxy closes the connection, and has sent nothing more.
    pub(crate) async fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        let end = timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await;
        drop(end.unwrap());
        self.buffer.is_empty() && rest.is_empty()
    }

    /// Sends bytes and reads nothing.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }
}

/// The same random numbers in every run (xorshift).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(most).unwrap()).unwrap()
    }

    /// The bytes with one to three of them replaced, left out, put in or doubled.
    pub(crate) fn mutated(&mut self, good: &[u8]) -> Vec<u8> {
        const ODD: &[u8] = b"\0\t\n\r \"%&+,-./0129:;=?@AZ[\\_az{|}~\x7f\x80\xc3\xff";
        let mut bytes = good.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len());
            let odd = ODD[self.below(ODD.len())];
            match self.below(4) {
                0 => bytes[at] = odd,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, odd),
                _ => bytes.insert(at, bytes[at]),
            }
        }
        bytes
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Status line and fields.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The first whole answer of the bytes, and how many it takes.
    fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let (mut reply, used) = Self::parse_head(bytes)?;
        let length = reply.field("content-length").map_or(0, |length| length.parse().unwrap());
        reply.body = bytes.get(used..used + length)?.to_vec();
        Some((reply, used + length))
    }

    fn parse_head(bytes: &[u8]) -> Option<(Self, usize)> {
        let end = bytes.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Some((Self { status, head, body: Vec::new() }, end))
    }

    /// The value of a field that stands once.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut found = self.head.lines().filter_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then_some(value.trim())
        });
        let value = found.next();
        assert!(found.next().is_none(), "{name} stands twice");
        value
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Asserts that this is a problem of this reason, in tavs's own words, with nothing planted in
    /// it and every promised field.
    pub(crate) fn is_problem(&self, reason: &str, what: &str) {
        let verdict = tavs::http::Refusal::ALL
            .iter()
            .map(|refusal| refusal.verdict())
            .find(|verdict| verdict.reason == reason)
            .unwrap();
        assert_eq!(self.status, verdict.status, "{what}: wanted {reason}, got {}", self.text());
        assert_eq!(self.field("content-type"), Some("application/problem+json"), "{what}");
        let document: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        let kind = document["type"].as_str().unwrap();
        assert!(kind.ends_with(&format!("/{}", verdict.kind.slug)), "{what}: {kind} for {reason}");
        let instance = document["instance"].as_str().unwrap();
        assert_eq!(Some(instance.trim_start_matches("urn:uuid:")), self.field("tavs-exchange"));
        self.tells_nothing(what);
    }

    /// Asserts that nothing planted is anywhere in it.
    pub(crate) fn tells_nothing(&self, what: &str) {
        let known = [PLANTED[0], PLANTED[1], "Berggren", "x-planted", "planted"];
        for text in [self.head.as_bytes(), &self.body] {
            let found = tavs::absence::find_any(text, &known);
            assert!(found.is_empty(), "{what}: {:?} in {self:?}", found);
        }
    }
}

const CONFIGURATION: &str = r#"
[listen]
address = "<listen>"
certificate = "server.pem"
key = "server.key"
names = ["localhost", "tavs.example", "ported.example:8443"]

[anchors.partners]
ca = "partners-ca.pem"
crl = "partners.crl"

[upstreams.booking]
url = "https://localhost:<origin>"
ca = "clinic-ca.pem"
<booking>

[upstreams.nowhere]
url = "https://localhost:1"
ca = "clinic-ca.pem"

[upstreams.stranger]
url = "https://localhost:<origin>"
ca = "partners-ca.pem"

[policies]
directory = "policies"
[keys]
ring = "ring.toml"
[ledger]
directory = "ledger"
node = "test"
<ledger>
[admin]
address = "127.0.0.1:0"
<more>
"#;

const POLICY: &str = r#"
policy = 1
[recipient]
id = "<id>"
name = "Påmind ApS"
relation = "processor"
contact = "gdpr@paamind.example"
[identity]
anchor = "partners"
certificate = { uri = "urn:tavs:recipient:<id>" }
[agreement]
reference = "DBA-1"
signed = 2026-01-15
review = 2027-01-15
expires = 2028-01-14
[purpose]
id = "appointment-reminders"
category = "service"
basis = ["gdpr-6-1-b", "gdpr-9-2-h"]
consent = "not-required"
retention = "30 days"
[transfer]
country = "DK"
[pseudonyms]
domain = "<id>"
scheme = "keyed"
linkability = "domain"
[limits]
requests = "1000/s"
burst = 5000
concurrency = 64
subjects = "5000/day"
buffer = "64 KiB"
response = "64 KiB"
[free-text]
cpr = "mask"

[[route]]
name = "appointments"
methods = ["GET"]
path = "/appointments"
upstream = "booking"
query = { from = { pattern = "date", selects = "$.appointments[*].start" }, code = { pattern = "word" } }
[route.response]
record = "$.appointments[*]"
subject = ["$.patient.cpr"]
status = { "423" = 409 }
[route.response.members]
"$.appointments[*].id" = { pseudonymise = "id", type = "Appointment" }
"$.appointments[*].start" = "keep"
"$.appointments[*].note" = "keep"
"$.appointments[*].patient.name" = { mask = "first-word" }

[[route]]
name = "appointment"
methods = ["GET"]
path = "/appointments/{id}"
path-members = { id = { keep = true, pattern = "word" } }
upstream = "booking"
[route.response]
subject = ["$.patient.cpr"]
[route.response.members]
"$.start" = "keep"

[[route]]
name = "lines"
methods = ["GET"]
path = "/lines"
upstream = "booking"
[route.response]
no-subject = "opening hours"
content-types = ["application/x-ndjson"]
[route.response.members]
"$.a" = "keep"

[[route]]
name = "nowhere"
methods = ["GET"]
path = "/nowhere"
upstream = "nowhere"
[route.response]
no-subject = "opening hours"
[route.response.members]
"$.a" = "keep"

[[route]]
name = "stranger"
methods = ["GET"]
path = "/stranger"
upstream = "stranger"
[route.response]
no-subject = "opening hours"
[route.response.members]
"$.a" = "keep"
"#;
