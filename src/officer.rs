//! The data protection officer's hands: subjects' rights are entered, lifted and shown here, and ids
//! of one person tied together (GDPR art. 7, 15 to 21; Sundhedsloven § 41(3)).
//!
//! Stands beside the exchange: it changes what the next exchange asks the registry (G8). The same
//! JSON comes over the Unix socket (`tavs subject …`), over mutual TLS (the clinic's systems), and in
//! the same process while nothing serves.
//!
//! What must never happen here: a change or look-up without its record of who and why; a number of a
//! person in an answer, a log or an error; a name that no policy has, entered as if it protected
//! somebody.

mod api;
mod approval;
mod ask;
mod caller;
mod extract;
mod http;
mod in_force;
mod notices;
mod opening;
pub mod paper;
mod problem;
mod registrar;
mod reidentify;
mod report;
mod roster;
mod show;
mod socket;
mod subject;
#[cfg(test)]
mod tests;
mod told;
mod words;

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::civil::Date;
use serde::Deserialize;
use zeroize::Zeroizing;

pub use self::api::{Api, ApiState, Clients};
pub use self::approval::{
    Approval, Asked, FOR_MORE as APPROVERS, LARGEST as LARGEST_APPROVAL, LONGEST_DAYS as LONGEST_APPROVAL,
    Terms, Unapproved,
};
pub use self::ask::MAX_CHANGES;
use self::ask::{Acknowledged, Alias as AskedAlias, Changes, LookUp, Said, Wanted, json};
use self::caller::Deed;
pub use self::caller::{Caller, Role};
pub use self::extract::MAX_PERSONS as EXTRACT_PERSONS;
pub use self::in_force::InForce;
use self::notices::Made;
pub use self::opening::{NotOpened, Opened};
pub use self::problem::{ALL as PROBLEMS, Kind as ProblemKind, Problem};
use self::problem::{
    CONFIGURATION, FOR_GOOD, INTERNAL, METHOD, NOT_FOUND, NOTHING, ROLE, TIED, UNAVAILABLE, UNRECORDED, VALUE,
};
use self::registrar::blocking;
pub use self::registrar::{EnterError, Entered, Once, Registrar, act_of, ids_in_record};
pub use self::roster::{SigningOfficer, SigningRole};
pub use self::socket::{Socket, own_uid};
pub use self::told::Told;
use self::told::{AcknowledgedTold, Changed, Health, Reloaded, Tied, Volumes};
use crate::clock::Clock;
use crate::ledger::{Act, ActKind};
use crate::pseudonym::Said as KeySaid;
use crate::store::{
    Alias, AliasSource, Change, ErasedPseudonym, NewChange, PseudonymRow, RightKind, StoreError, Window,
};

/// Bytes of who changed a key ring.
const MAX_KEY_WHO: usize = 100;
/// Bytes of why: the record says beside it which key is in which state.
const MAX_KEY_WHY: usize = 300;

/// The parts of a running proxy that an operator may ask for.
pub trait Operated: fmt::Debug + Send + Sync + 'static {
    /// Why the proxy should get no traffic now, a line each; none means ready.
    fn not_ready(&self) -> Vec<String>;

    /// Reads the configuration anew. Blocks.
    ///
    /// # Errors
    /// What is wrong, a line each; then nothing has changed.
    fn reload(&self) -> Result<(), Vec<String>>;
}

/// Answers what is asked, whichever way it came.
#[derive(Debug)]
pub struct Office {
    registrar: Registrar,
    names: Arc<ArcSwap<InForce>>,
    /// Where the ledger's segments lie, to be verified.
    ledger: PathBuf,
    /// None while nothing serves.
    operated: Option<Arc<dyn Operated>>,
}

/// `POST /v1/volumes`: days in Denmark, both with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenWindow {
    from: String,
    to: String,
}

impl Office {
    /// Over one registrar; `names` is replaced by a reload.
    #[must_use]
    pub fn new(
        registrar: Registrar,
        names: Arc<ArcSwap<InForce>>,
        ledger: PathBuf,
        operated: Option<Arc<dyn Operated>>,
    ) -> Self {
        Self { registrar, names, ledger, operated }
    }

    /// Answers one request. What it began is done to its end, also if the caller goes away.
    pub async fn answer(
        self: Arc<Self>,
        caller: Caller,
        method: &str,
        path: &str,
        body: Zeroizing<Vec<u8>>,
    ) -> Told {
        let (method, path) = (method.to_owned(), path.to_owned());
        let done = tokio::spawn(async move { self.act(&caller, &method, &path, &body).await }).await;
        match done {
            Ok(Ok(told)) => told,
            Ok(Err(problem)) => problem.into(),
            Err(_panicked) => Problem::new(&INTERNAL, "").into(),
        }
    }

    async fn act(&self, caller: &Caller, method: &str, path: &str, body: &[u8]) -> Result<Told, Problem> {
        let wanted = match path {
            "/v1/health" => "GET",
            "/v1/changes"
            | "/v1/aliases"
            | "/v1/subjects/show"
            | "/v1/notices/acknowledge"
            | "/v1/reports/subject"
            | "/v1/reports/notify"
            | "/v1/reports/breach"
            | "/v1/reports/supervision"
            | "/v1/volumes"
            | "/v1/reidentifications"
            | "/v1/extracts"
            | "/v1/reload" => "POST",
            _ => return Err(Problem::new(&NOT_FOUND, "")),
        };
        if method != wanted {
            return Err(Problem::new(&METHOD, format!("ask with {wanted}")));
        }
        match path {
            "/v1/changes" => self.change(caller, body).await,
            "/v1/aliases" => self.alias(caller, body).await,
            "/v1/notices/acknowledge" => self.acknowledge(caller, body).await,
            "/v1/subjects/show" => self.show(caller, body).await,
            "/v1/reports/subject" => self.report_subject(caller, body).await,
            "/v1/reports/notify" => self.report_notify(caller, body).await,
            "/v1/reports/breach" => self.report_breach(caller, body).await,
            "/v1/reports/supervision" => self.report_supervision(caller, body).await,
            "/v1/volumes" => self.volumes(caller, body).await,
            "/v1/reidentifications" => self.reidentify(caller, body).await,
            "/v1/extracts" => self.extract(caller, body).await,
            "/v1/reload" => self.reload(caller).await,
            _ => self.health(caller).await,
        }
    }

    async fn change(&self, caller: &Caller, body: &[u8]) -> Result<Told, Problem> {
        let names = self.names.load_full();
        let Changes { said, changes } = Changes::read(body, &names, self.registrar.clock())?;
        for wanted in &changes {
            self.permit(caller, Deed::Enter(wanted.kind)).await?;
        }
        self.something_to_lift(&changes).await?;
        let who = caller.who(said.who.as_deref());
        let at = self.registrar.clock().unix_millis();
        let new: Result<Vec<NewChange>, Problem> =
            changes.into_iter().map(|wanted| new_change(wanted, &names, at, &who, &said)).collect();
        let new = new?;
        let made = new.clone();
        let note = move |change: &NewChange, gone: &[PseudonymRow], before: &[ErasedPseudonym]| {
            names.to_be_told(change, gone, before)
        };
        let entered = self.registrar.enter_noting(new, note).await.map_err(cannot)?;
        tracing::info!(changes = entered.len(), "the registry was changed");
        let made = entered.iter().zip(&made).map(|(one, change)| Made::of(one.change, change)).collect();
        let to_tell = self.settle(made).await;
        Told::good(&Changed::new(&entered, to_tell))
    }

    /// What ends something must find it: else a mistyped number would pass for a lifted right.
    async fn something_to_lift(&self, changes: &[Wanted]) -> Result<(), Problem> {
        let ends: Vec<_> = changes
            .iter()
            .enumerate()
            .filter(|(_, wanted)| !wanted.begun && (wanted.foreign || wanted.kind != RightKind::Consent))
            .map(|(place, wanted)| {
                (
                    place.saturating_add(1),
                    wanted.subject.id(),
                    wanted.kind,
                    wanted.purpose.clone(),
                    wanted.recipient.clone(),
                )
            })
            .collect();
        let registrar = self.registrar.clone();
        let nothing = blocking(move || {
            let now = registrar.clock().unix_millis();
            let mut nothing = Vec::new();
            for (place, id, kind, purpose, recipient) in ends {
                let all = show::changes_of(&registrar, &registrar.store().ids_of(id)?)?;
                let holds = show::holding(&all, now).any(|Change { change, .. }| {
                    (change.kind, &change.purpose, &change.recipient) == (kind, &purpose, &recipient)
                });
                if !holds {
                    nothing.push((place, NOTHING_HOLDS.to_owned()));
                }
            }
            Ok::<_, StoreError>(nothing)
        });
        let nothing = nothing.await.map_err(cannot)?.map_err(|error| cannot(error.into()))?;
        match nothing.as_slice() {
            [] => Ok(()),
            [(_, detail)] if changes.len() == 1 => Err(Problem::new(&NOTHING, detail)),
            _ => Err(Problem::of_entries(nothing)),
        }
    }

    /// What follows from changes that stand; `None` where it could not be done yet.
    async fn settle(&self, made: Vec<Made>) -> Option<BTreeSet<String>> {
        let registrar = self.registrar.clone();
        let settled = blocking(move || notices::settle(&registrar, &made)).await.ok()?;
        settled.unwrap_or_else(|error| {
            tracing::error!(%error, "who must be told of a change could not be noted");
            None
        })
    }

    /// Notes that a recipient has acknowledged what it was told.
    async fn acknowledge(&self, caller: &Caller, body: &[u8]) -> Result<Told, Problem> {
        self.permit(caller, Deed::Notify).await?;
        let Acknowledged { said, subject, recipient } = Acknowledged::read(body, &self.names.load())?;
        let (registrar, id) = (self.registrar.clone(), subject.id());
        let open = blocking(move || notices::open(&registrar, &registrar.store().ids_of(id)?)).await;
        let open = open.map_err(cannot)?.map_err(|error| cannot(error.into()))?;
        if !open.iter().any(|one| one.recipient == recipient) {
            return Err(Problem::new(
                &NOTHING,
                "this recipient has nothing to acknowledge about this person",
            ));
        }
        let who = caller.who(said.who.as_deref());
        let act = Act {
            subjects: vec![id],
            recipient: Some(recipient.clone()),
            ..self.registrar.act(ActKind::Registry, "acknowledged", who.clone(), said.why)
        };
        self.registrar.note(act).await.map_err(|error| cannot(error.into()))?;
        let registrar = self.registrar.clone();
        let noted = blocking(move || notices::acknowledge(&registrar, id, &recipient, &who)).await;
        let acknowledged = noted.map_err(cannot)?.map_err(|error| cannot(error.into()))?;
        Told::good(&AcknowledgedTold { acknowledged })
    }

    async fn alias(&self, caller: &Caller, body: &[u8]) -> Result<Told, Problem> {
        self.permit(caller, Deed::Alias).await?;
        let AskedAlias { said, subject, same_as } = AskedAlias::read(body, &self.names.load())?;
        let subjects = self.registrar.subjects();
        let (one, other) = (subjects.person(subject.id()), subjects.person(same_as.id()));
        if one == other {
            return Told::good(&Tied { record: None });
        }
        // Two numbers may be one person's: that is what an officer says here. An upstream's id that
        // is somebody's already would make one person of two who never were.
        if !subject.is_number() && subjects.is_tied(subject.id()) {
            return Err(Problem::new(&TIED, TIED_ALREADY));
        }
        let alias = Alias {
            subject: subject.id(),
            same_as: same_as.id(),
            source: AliasSource::Imported,
            at: self.registrar.clock().unix_millis(),
        };
        let record = self.registrar.tie(alias, caller.who(said.who.as_deref()), said.why);
        let record = record.await.map_err(cannot)?;
        tracing::info!(record, "two ids were tied together");
        Told::good(&Tied { record: Some(record) })
    }

    async fn show(&self, caller: &Caller, body: &[u8]) -> Result<Told, Problem> {
        self.permit(caller, Deed::Show).await?;
        let LookUp { said, subject } = LookUp::read(body, &self.names.load())?;
        let act = self.registrar.act(ActKind::Lookup, "show", String::new(), String::new());
        self.record(caller, &said, Act { subjects: vec![subject.id()], ..act }).await?;
        let (registrar, names, id) = (self.registrar.clone(), self.names.load_full(), subject.id());
        let shown = blocking(move || show::show(&registrar, &names, id)).await.map_err(cannot)?;
        Told::good(&shown.map_err(|error| cannot(error.into()))?)
    }

    async fn volumes(&self, caller: &Caller, body: &[u8]) -> Result<Told, Problem> {
        self.permit(caller, Deed::Volumes).await?;
        let written: WrittenWindow = json(body)?;
        let window = window(&written, self.registrar.clock()).ok_or_else(|| Problem::new(&VALUE, WINDOW))?;
        let registrar = self.registrar.clone();
        let volumes = blocking(move || registrar.store().volumes(window)).await.map_err(cannot)?;
        let volumes = volumes.map_err(|error| cannot(error.into()))?;
        Told::good(&Volumes { volumes: volumes.into_iter().map(Into::into).collect() })
    }

    async fn health(&self, caller: &Caller) -> Result<Told, Problem> {
        self.permit(caller, Deed::Health).await?;
        let reasons = self.operated()?.not_ready();
        Told::good(&Health { ready: reasons.is_empty(), reasons })
    }

    async fn reload(&self, caller: &Caller) -> Result<Told, Problem> {
        self.permit(caller, Deed::Reload).await?;
        let operated = Arc::clone(self.operated()?);
        let act = self.registrar.act(ActKind::Operation, "reload", caller.who(None), String::new());
        self.registrar.note(act).await.map_err(|error| cannot(error.into()))?;
        let reloaded = blocking(move || operated.reload()).await.map_err(cannot)?;
        reloaded.map_err(|lines| Problem::new(&CONFIGURATION, lines.join("; ")))?;
        Told::good(&Reloaded { reloaded: true })
    }

    fn operated(&self) -> Result<&Arc<dyn Operated>, Problem> {
        self.operated.as_ref().ok_or_else(|| Problem::new(&UNAVAILABLE, "nothing serves"))
    }

    /// Whether the caller may do this. That it may not is logged and on record.
    async fn permit(&self, caller: &Caller, deed: Deed) -> Result<(), Problem> {
        if caller.may(deed) {
            return Ok(());
        }
        let (who, deed) = (caller.who(None), deed.word());
        tracing::warn!(client = who, deed, "refused: not with this role");
        let act = self.registrar.act(ActKind::Operation, "role-refused", who, deed.to_owned());
        if let Err(error) = self.registrar.note(act).await {
            tracing::error!(%error, "a refusal of a role could not be recorded");
        }
        Err(Problem::new(&ROLE, ""))
    }
}

/// Who and why of a changed key ring, if both can be recorded.
///
/// # Errors
/// What cannot stand in a record.
pub fn recordable(said: &KeySaid) -> Result<KeySaid, Problem> {
    let text = |name, text: &Option<String>, most| {
        text.as_deref().map(|text| words::text(name, text, most)).transpose()
    };
    Ok(KeySaid { who: text("who", &said.who, MAX_KEY_WHO)?, why: text("why", &said.why, MAX_KEY_WHY)? })
}

fn new_change(
    wanted: Wanted,
    names: &InForce,
    at: u64,
    who: &str,
    said: &Said,
) -> Result<NewChange, Problem> {
    let sealed = wanted.subject.sealed(names.registry_key(), wanted.kind);
    let sealed_cpr =
        sealed.map_err(|_none| Problem::new(&UNAVAILABLE, "the system gives no random bytes"))?;
    let Wanted { subject, kind, begun, purpose, recipient, until, .. } = wanted;
    Ok(NewChange {
        subject: subject.id(),
        kind,
        purpose,
        recipient,
        begun,
        at,
        until,
        reason: said.why.clone(),
        who: who.to_owned(),
        sealed_cpr,
    })
}

fn window(written: &WrittenWindow, clock: &Clock) -> Option<Window> {
    let (from, to): (Date, Date) = (written.from.parse().ok()?, written.to.parse().ok()?);
    let window = Window { from: clock.begin_of(from)?, to: clock.begin_of(to.tomorrow().ok()?)? };
    (window.from < window.to).then_some(window)
}

/// What went wrong here, for the log in full, and for the caller as far as it can do something.
fn cannot(error: EnterError) -> Problem {
    if let EnterError::Store(StoreError::ForGood) = error {
        return Problem::new(&FOR_GOOD, "it cannot be lifted");
    }
    tracing::error!(%error, "an officer's request failed");
    match error {
        EnterError::Unrecorded { changes, .. } => Problem::new(&UNRECORDED, STANDS).with_changes(changes),
        EnterError::Ledger(_) => {
            Problem::new(&UNAVAILABLE, "the ledger takes no record: nothing was changed or shown")
        }
        EnterError::Store(_) => {
            Problem::new(&UNAVAILABLE, "the store cannot be used: nothing was changed or shown")
        }
        EnterError::Stopped => Problem::new(&UNAVAILABLE, "tavs is stopping"),
    }
}

const NOTHING_HOLDS: &str = "nothing of this kind, purpose and recipient holds for this person";
const TIED_ALREADY: &str = "the upstream's id is tied to another person's number already; if both numbers are one person's, tie the numbers to each other";
const WINDOW: &str = "`from` and `to` are dates such as 2026-03-31, `to` not before `from`";
const STANDS: &str = "the changes stand; those that withhold are in force, the others will be from the next start, which writes their records. Restart tavs once its ledger can be written";
