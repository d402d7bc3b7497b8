//! Clinics, certificates, policies and the proxy in one process and one temporary directory: tavs
//! seen at work.
//!
//! Five recipients call two sample clinic APIs through the real proxy over real TLS. What is
//! printed is test data that this module made itself, and nothing else may come near it.

mod acts;
mod caller;
mod clinics;
mod origin;
mod people;
mod stage;
pub(crate) mod story;
mod tell;
pub(crate) mod trace;
pub(crate) mod view;

use std::cell::OnceCell;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use data_encoding::HEXLOWER;
use jiff::civil::Date;
use tokio::signal::unix::{SignalKind, signal};

use self::acts::{ActError, Scene};
use self::origin::{Asked, Origin};
use self::stage::{Stage, StageError};
use self::view::Page;
use crate::app::{self, Running, StartError};
use crate::clock::Clock;
use crate::config::{Config, Findings};
use crate::officer::Registrar;
use crate::pseudonym::KeyRing;

/// What the demo is asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The day that the demo plays on, so that no agreement lapses by calendar.
    pub day: Date,
    /// The seed of patients and their numbers.
    pub seed: u64,
    /// One JSON document instead of pages.
    pub json: bool,
    /// Colours; only for a terminal.
    pub colour: bool,
    /// How long to keep running afterwards; ends earlier on ctrl-c.
    pub hold: Option<Duration>,
}

/// Why the demo could not be played. A promise that is broken is none of these.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Nothing can be printed.
    #[error("standard output cannot be written")]
    Output(#[source] io::Error),
    /// Directory, certificates or clinics.
    #[error("the scene cannot be set")]
    Scene(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The proxy did not start.
    #[error("the proxy does not start:\n{0}")]
    Proxy(String),
    /// Ctrl-c, before the end.
    #[error("interrupted")]
    Interrupted,
    /// A call or the ledger.
    #[error("the play broke off")]
    Play(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<StageError> for DemoError {
    fn from(cause: StageError) -> Self {
        Self::Scene(Box::new(cause))
    }
}

impl From<ActError> for DemoError {
    fn from(cause: ActError) -> Self {
        Self::Play(Box::new(cause))
    }
}

/// Plays the demo; gives whether all promises held.
///
/// # Errors
/// [`DemoError`] if it could not be played to its end.
pub async fn run(options: &Options, out: &mut dyn Write) -> Result<bool, DemoError> {
    let verdict = OnceCell::new();
    tokio::select! {
        played = play(options, out, &verdict) => played?,
        // Dropping the play removes its directory.
        () = interrupted() => {}
    }
    // Interrupted while it is held, it has told all that it had to.
    verdict.into_inner().ok_or(DemoError::Interrupted)
}

async fn play(options: &Options, out: &mut dyn Write, verdict: &OnceCell<bool>) -> Result<(), DemoError> {
    let clock = Clock::fixed_on(options.day);
    let people = Arc::new(people::people(options.seed));
    let stage = Stage::set(&clock)?;
    let taken = Taken::default();
    let (booking, emr) = clinics(&stage, &people, &taken).await?;
    let (ring, keys) = key_ring(&clock)?;
    let configuration = stage.configure(booking.address, emr.address, &ring)?;
    let proxy = start(&configuration, clock.clone()).await?;
    let records = proxy.records().clone();
    let registrar =
        Registrar::new(records.ledger, records.store, records.subjects, records.indexer, records.clock);
    let subject_key = keys.subject_key().map_err(|cause| DemoError::Scene(Box::new(cause)))?;
    let scene = Scene {
        stage: &stage,
        proxy: proxy.address(),
        keys: &keys,
        people: &people,
        taken: &taken,
        registrar: &registrar,
        subject_key: &subject_key,
        clock: &clock,
        day: options.day,
    };
    let story = scene.play().await?;
    let mut page = Page { out, colour: options.colour };
    if options.json {
        tell::as_json(&story, page.out).map_err(DemoError::Output)?;
    } else {
        tell::as_page(&story, &mut page).map_err(DemoError::Output)?;
        curl(&stage, proxy.address(), options.hold, &mut page).map_err(DemoError::Output)?;
    }
    verdict.get_or_init(|| story.promises.iter().all(|promise| promise.held));
    if let Some(longest) = options.hold {
        tokio::time::sleep(longest).await;
    }
    // The play is over and its directory goes, however the drain went.
    let _drained = proxy.stop().await;
    Ok(())
}

/// Ends on ctrl-c or SIGTERM.
async fn interrupted() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_cannot_listen) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

/// The last request that brought something to a clinic.
type Taken = Arc<Mutex<Option<Asked>>>;

async fn clinics(
    stage: &Stage,
    people: &Arc<Vec<people::Person>>,
    taken: &Taken,
) -> Result<(Origin, Origin), DemoError> {
    let tls = stage.clinic_tls()?;
    let at_booking = Arc::clone(people);
    let booking = Origin::start(
        Arc::clone(&tls),
        Arc::new(move |asked| clinics::booking(&at_booking, &asked.path, &asked.query)),
    );
    let at_emr = Arc::clone(people);
    let taken = Arc::clone(taken);
    let answer = move |asked: &Asked| {
        if asked.is_post {
            *taken.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked.clone());
            return clinics::results();
        }
        clinics::fhir(&at_emr, &asked.path)
    };
    let emr = Origin::start(tls, Arc::new(answer));
    let cannot = |cause| DemoError::Scene(Box::new(cause));
    Ok((booking.await.map_err(cannot)?, emr.await.map_err(cannot)?))
}

/// A ring with a secret for each domain, made for this run: as a file's text, and read.
fn key_ring(clock: &Clock) -> Result<(String, KeyRing), DemoError> {
    let mut text = "ring = 1\n".to_owned();
    for (purpose, name) in [
        ("domain", "sms-reminders"),
        ("domain", "bookkeeping"),
        ("domain", "glucose-study"),
        ("domain", "laboratory"),
        ("domain", "analytics"),
        ("domain", "lapsing"),
        ("ledger-subjects", ""),
        ("registry", ""),
        ("checkpoints", ""),
    ] {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|cause| DemoError::Scene(Box::new(cause)))?;
        let secret = HEXLOWER.encode(&secret);
        text.push_str(&format!(
            "\n[[secret]]\nuse = \"{purpose}\"\nname = \"{name}\"\nversion = 1\nstate = \"active\"\nsecret = \"{secret}\"\n"
        ));
    }
    let keys = KeyRing::parse(&text, clock.timestamp()).map_err(|cause| DemoError::Scene(Box::new(cause)))?;
    Ok((text, keys))
}

async fn start(configuration: &Path, clock: Clock) -> Result<Running, DemoError> {
    let broken = |findings: &Findings| DemoError::Proxy(findings.render(false));
    let config = Config::read(configuration).map_err(|findings| broken(&findings))?;
    app::start(config, clock).await.map_err(|fault| match &fault {
        StartError::Findings(findings) => broken(findings),
        StartError::Ledger(_)
        | StartError::Store(_)
        | StartError::Indexing(_)
        | StartError::Noting(_)
        | StartError::Approval(_)
        | StartError::IndexStands { .. }
        | StartError::ClockBack { .. }
        | StartError::Stopped
        | StartError::Listen { .. }
        | StartError::Socket { .. }
        | StartError::Thread(_)
        | StartError::Random => DemoError::Proxy(fault.to_string()),
    })
}

/// Commands to call the proxy with, while it is held.
fn curl(stage: &Stage, proxy: SocketAddr, hold: Option<Duration>, page: &mut Page<'_>) -> io::Result<()> {
    let Some(longest) = hold else {
        return page.line("\nTo call it yourself: ./demo.sh --hold");
    };
    let certs = stage.root().join("certs");
    page.heading(&format!("Call it yourself, for {} minutes or until ctrl-c", longest.as_secs() / 60))?;
    for (recipient, target) in [
        ("sms-reminders", "/appointments?from=2026-03-04"),
        ("bookkeeping", "/invoices"),
        ("research", "/fhir/Patient"),
        ("laboratory", "/fhir/laboratory/requisitions"),
        ("analytics", "/events"),
    ] {
        page.line(&format!(
            "curl --cacert {0}/own-ca.pem --cert {0}/{recipient}.pem --key {0}/{recipient}.key 'https://localhost:{1}{target}'",
            certs.display(),
            proxy.port()
        ))?;
    }
    page.line(
        "\nRefused: with --cert and --key of `revoked`, or of `lapsing`, whose agreement ended yesterday.",
    )
}
