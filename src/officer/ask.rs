//! What is asked: JSON as written, then checked against what is in force. A mistake is told by its
//! place; nothing that was given is repeated.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::in_force::InForce;
use super::problem::{FOR_GOOD, MALFORMED, Problem, VALUE};
use super::subject::Subject;
use super::words;
use crate::clock::Clock;
use crate::ledger::MAX_WHY;
use crate::store::RightKind;

/// Bytes of `who`: what is recorded holds the client's name or the user's id, too.
const MAX_WHO_GIVEN: usize = 100;
/// Changes of one request: a clinic's consents of a year in a few files. All are on disk together.
pub const MAX_CHANGES: usize = 5_000;

/// `POST /v1/changes`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenChanges {
    who: Option<String>,
    why: String,
    changes: Vec<WrittenChange>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenChange {
    subject: Zeroizing<String>,
    system: Option<String>,
    kind: String,
    begun: bool,
    purpose: Option<String>,
    recipient: Option<String>,
    until: Option<String>,
}

/// `POST /v1/aliases`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAlias {
    who: Option<String>,
    why: String,
    subject: Zeroizing<String>,
    system: Option<String>,
    same_as: Zeroizing<String>,
    same_as_system: Option<String>,
}

/// `POST /v1/subjects/show`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLookUp {
    who: Option<String>,
    why: String,
    subject: Zeroizing<String>,
    system: Option<String>,
}

/// `POST /v1/notices/acknowledge`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAcknowledged {
    who: Option<String>,
    why: String,
    subject: Zeroizing<String>,
    system: Option<String>,
    recipient: String,
}

/// Who says so, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) who: Option<String>,
    pub(super) why: String,
}

/// Changes that may be made, as far as their words go.
pub(super) struct Changes {
    pub(super) said: Said,
    pub(super) changes: Vec<Wanted>,
}

/// One change.
pub(super) struct Wanted {
    pub(super) subject: Subject,
    pub(super) kind: RightKind,
    pub(super) begun: bool,
    pub(super) purpose: Option<String>,
    pub(super) recipient: Option<String>,
    pub(super) until: Option<u64>,
    /// Its names are not those of policies in force: it can only end what was once begun.
    pub(super) foreign: bool,
}

/// Two ids of one person.
pub(super) struct Alias {
    pub(super) said: Said,
    pub(super) subject: Subject,
    pub(super) same_as: Subject,
}

/// That a recipient was told about a person, and says so. The recipient need not be in force any more.
pub(super) struct Acknowledged {
    pub(super) said: Said,
    pub(super) subject: Subject,
    pub(super) recipient: String,
}

/// Whom to look up.
pub(super) struct LookUp {
    pub(super) said: Said,
    pub(super) subject: Subject,
}

impl Changes {
    pub(super) fn read(body: &[u8], names: &InForce, clock: &Clock) -> Result<Self, Problem> {
        let written: WrittenChanges = json(body)?;
        let said = Said::read(written.who, &written.why)?;
        if written.changes.is_empty() || written.changes.len() > MAX_CHANGES {
            return Err(Problem::new(&VALUE, format!("`changes` holds 1 to {MAX_CHANGES} of them")));
        }
        let single = written.changes.len() == 1;
        let (mut changes, mut wrong) = (Vec::new(), Vec::new());
        for (place, one) in (1..).zip(written.changes) {
            match Wanted::read(one, names, clock) {
                Ok(wanted) => changes.push(wanted),
                Err(problem) if single => return Err(problem),
                Err(problem) => wrong.push((place, problem.detail().to_owned())),
            }
        }
        if wrong.is_empty() { Ok(Self { said, changes }) } else { Err(Problem::of_entries(wrong)) }
    }
}

impl Wanted {
    fn read(written: WrittenChange, names: &InForce, clock: &Clock) -> Result<Self, Problem> {
        let WrittenChange { subject, system, kind, begun, purpose, recipient, until } = written;
        let kind = RightKind::of_word(&kind).ok_or_else(|| Problem::new(&VALUE, KINDS))?;
        fits(kind, begun, purpose.is_some(), recipient.is_some(), until.is_some())?;
        let known = purpose.as_deref().map_or(Ok(()), |purpose| names.purpose(purpose));
        let known = known.and_then(|()| recipient.as_deref().map_or(Ok(()), |one| names.recipient(one)));
        // What an earlier policy was about can still be lifted, and nothing else.
        let foreign = match known {
            Ok(()) => false,
            Err(_) if !begun => true,
            Err(problem) => return Err(problem),
        };
        let until = until.map(|until| words::until(&until, clock)).transpose()?;
        let subject = names.subject(&subject, system.as_deref())?;
        Ok(Self { subject, kind, begun, purpose, recipient, until, foreign })
    }
}

/// Whether a change of a kind says what it must, and nothing that would have no meaning.
fn fits(kind: RightKind, begun: bool, purpose: bool, recipient: bool, until: bool) -> Result<(), Problem> {
    let refused = |detail: &str| Err(Problem::new(&VALUE, detail));
    let by_purpose = matches!(kind, RightKind::Objection | RightKind::Consent);
    if kind == RightKind::Erasure && !begun {
        return Err(Problem::new(&FOR_GOOD, "it cannot be lifted"));
    }
    if by_purpose && !purpose {
        return refused("an objection or a consent is about a `purpose`");
    }
    if !by_purpose && purpose {
        return refused("only an objection or a consent is about a `purpose`");
    }
    if recipient && kind != RightKind::Frabedt {
        return refused("only `frabedt` is about a `recipient`");
    }
    if until && (!begun || kind == RightKind::Erasure) {
        return refused("`until` belongs to what is begun, and an erasure has no end");
    }
    Ok(())
}

impl Alias {
    pub(super) fn read(body: &[u8], names: &InForce) -> Result<Self, Problem> {
        let written: WrittenAlias = json(body)?;
        let said = Said::read(written.who, &written.why)?;
        let subject = names.subject(&written.subject, written.system.as_deref())?;
        let same_as = names.subject(&written.same_as, written.same_as_system.as_deref())?;
        if !same_as.is_number() {
            return Err(Problem::new(&VALUE, "`same_as` is the person's number, not an upstream's id"));
        }
        if subject.id() == same_as.id() {
            return Err(Problem::new(&VALUE, "both are the same number"));
        }
        Ok(Self { said, subject, same_as })
    }
}

impl Acknowledged {
    pub(super) fn read(body: &[u8], names: &InForce) -> Result<Self, Problem> {
        let written: WrittenAcknowledged = json(body)?;
        let said = Said::read(written.who, &written.why)?;
        let subject = names.subject(&written.subject, written.system.as_deref())?;
        Ok(Self { said, subject, recipient: written.recipient })
    }
}

impl LookUp {
    pub(super) fn read(body: &[u8], names: &InForce) -> Result<Self, Problem> {
        let written: WrittenLookUp = json(body)?;
        let said = Said::read(written.who, &written.why)?;
        Ok(Self { said, subject: names.subject(&written.subject, written.system.as_deref())? })
    }
}

impl Said {
    pub(super) fn read(who: Option<String>, why: &str) -> Result<Self, Problem> {
        let who = who.map(|who| words::text("who", &who, MAX_WHO_GIVEN)).transpose()?;
        Ok(Self { who, why: words::text("why", why, MAX_WHY)? })
    }
}

/// SECURITY: serde's own words quote what it read; only the place is told.
pub(super) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let what = match error.classify() {
            serde_json::error::Category::Data => {
                "a member is missing, unknown, given twice or of another type"
            }
            serde_json::error::Category::Syntax
            | serde_json::error::Category::Eof
            | serde_json::error::Category::Io => "not JSON",
        };
        Problem::new(&MALFORMED, format!("line {line}, column {column}: {what}"))
    })
}

const KINDS: &str = "`kind` is `restriction`, `objection`, `consent`, `frabedt` or `erasure`";

#[cfg(test)]
mod tests {
    use super::super::in_force::tests::in_force;
    use super::*;

    fn change(members: &str) -> String {
        format!(r#"{{"why":"letter","changes":[{{"subject":"2512489996",{members}}}]}}"#)
    }

    fn read(body: &str) -> Result<Changes, Problem> {
        Changes::read(body.as_bytes(), &in_force(), &Clock::system())
    }

    #[test]
    fn a_change_says_what_it_must_and_nothing_without_meaning() {
        for good in [
            r#""kind":"restriction","begun":true"#,
            r#""kind":"restriction","begun":true,"until":"2199-12-31""#,
            r#""kind":"restriction","begun":false"#,
            r#""kind":"objection","begun":true,"purpose":"improvement""#,
            r#""kind":"consent","begun":false,"purpose":"improvement""#,
            r#""kind":"frabedt","begun":true"#,
            r#""kind":"frabedt","begun":true,"recipient":"sms-reminders""#,
            r#""kind":"frabedt","begun":false,"recipient":"gone""#,
            r#""kind":"erasure","begun":true"#,
        ] {
            let read = read(&change(good)).map(|changes| changes.changes.len());
            assert_eq!(read.map_err(|problem| problem.detail().to_owned()), Ok(1), "{good}");
        }
        for (bad, said) in [
            (r#""kind":"erasure","begun":false"#, "cannot be lifted"),
            (r#""kind":"erasure","begun":true,"until":"2199-12-31""#, "no end"),
            (r#""kind":"objection","begun":true"#, "about a `purpose`"),
            (r#""kind":"restriction","begun":true,"purpose":"improvement""#, "about a `purpose`"),
            (r#""kind":"consent","begun":true,"purpose":"improvement","recipient":"x""#, "`recipient`"),
            (r#""kind":"consent","begun":true,"purpose":"gone""#, "no policy in force"),
            (r#""kind":"frabedt","begun":true,"recipient":"gone""#, "no policy in force"),
            (r#""kind":"restriction","begun":false,"until":"2199-12-31""#, "`until`"),
            (r#""kind":"restriction","begun":true,"until":"1999-12-31""#, "over"),
            (r#""kind":"2512489996","begun":true"#, "`kind` is"),
        ] {
            let problem = read(&change(bad)).err().unwrap();
            assert!(problem.detail().contains(said), "{bad}: {problem:?}");
        }
    }

    #[test]
    fn json_is_read_strictly_and_never_quoted() {
        for bad in [
            "",
            "2512489996",
            r#"{"why":"x","changes":[],"2512489996":1}"#,
            r#"{"why":"x","why":"2512489996","changes":[]}"#,
            r#"{"why":"x","changes":[{"subject":2512489996,"kind":"restriction","begun":true}]}"#,
            r#"{"why":"x","changes":[{"subject":"2512489996","kind":"restriction","begun":"2512489996"}]}"#,
            r#"{"why":"x","changes":[]} 2512489996"#,
        ] {
            let problem = read(bad).err().unwrap();
            assert!(!problem.detail().contains("2512489996"), "{problem:?}");
            assert!(problem.kind() == &MALFORMED || problem.kind() == &VALUE, "{problem:?}");
        }
    }

    #[test]
    fn of_a_list_every_wrong_entry_is_told_by_its_place() {
        let one = |subject: &str| format!(r#"{{"subject":"{subject}","kind":"restriction","begun":true}}"#);
        let all = ["2512489996", "251248999", "0201609995", "0000000000"].map(one).join(",");
        let problem = read(&format!(r#"{{"why":"x","changes":[{all}]}}"#)).err().unwrap();
        let document = String::from_utf8(problem.document()).unwrap();
        assert!(
            document.contains(r#""entries":[{"entry":2,"#) && document.contains(r#"{"entry":4,"#),
            "{document}"
        );
        assert!(!document.contains("251248"), "{document}");
    }
}
