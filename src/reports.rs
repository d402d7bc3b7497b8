//! Reports: what the index of the ledger says, as documents that a subject, an officer, an authority
//! or a recipient can read.
//!
//! | report | asked by | GDPR |
//! |---|---|---|
//! | [`SubjectReport`] | a subject: who received what about me | art. 15 |
//! | [`BreachReport`] | the clinic, when a recipient has lost data | art. 33, 34 |
//! | [`SupervisionReport`] | the clinic, each month | art. 5(2), 24, 32(1)(d) |
//! | [`NotifyReport`] | the clinic, when it has rectified, erased or restricted | art. 19 |
//! | [`PolicyReport`] | an authority, an auditor, whoever approves a policy: what may leave | art. 30, 32, 35 |
//! | [`Assessment`] | whoever approves a policy: could less do | art. 5(1)(c), 25 |
//! | [`ControlReport`] | whoever lets an extract go out: can persons be told in it | art. 5(1)(c), 89(1) |
//!
//! Each but the last three, which are made of the policies and of an extract, is read from the [`Store`](crate::store::Store) as plain data (`read`), and rendered from that
//! alone (`render`): HTML to print, JSON, CSV. `officer` stands above: it decides who may ask, records
//! the look-up before anything is read, and hands in what only it knows (the key ring's pseudonyms,
//! opened CPRs, the policies in force).
//!
//! What must never happen here: a CPR in a report that the caller did not hand in for its heading or
//! list; a text that reaches HTML without being escaped; a number that a bounded query cut off without
//! the report saying so. All wording stands in `text`, one file a language, for a lawyer to read.

mod act;
mod assessment;
mod breach;
mod control;
mod csv;
mod document;
mod html;
mod member;
mod notify;
mod page;
mod policies;
mod recipient;
mod subject;
mod supervision;
#[cfg(test)]
mod tests;
mod text;
mod time;

use serde::Serialize;

pub use self::act::ActEntry;
pub use self::assessment::{AssessedMember, Assessment};
pub use self::breach::{BreachAsk, BreachReport, Named};
pub use self::control::{
    ControlReport, Enforced, Examined, LinkedCounts, Rare, Recoded, Size, Small, TableCost, TableCounts,
    Value, Way,
};
pub use self::member::{DataCategory, Member};
pub use self::notify::{About, Addressee, NotifyAsk, NotifyReport};
pub use self::policies::{PolicyReport, PolicyReportFormat, PolicyReportKind};
pub use self::recipient::{Profile, PurposeOf};
pub use self::subject::{Person, Role, SubjectAsk, SubjectReport};
pub use self::supervision::{
    AgreementState, Checkpoint, Condition, SupervisionAsk, SupervisionReport, Verified,
};
pub use self::time::Month;
use crate::store::Millis;

/// Which language a report is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// Danish.
    Da,
    /// English.
    En,
}

/// In which form a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// A page to read and print: one file, nothing outside it, no script. Long tables end early, and
    /// say so.
    Html,
    /// All of it, for programs: the same in every language, times in UTC.
    Json,
    /// The report's main table, all rows (RFC 4180), for a spreadsheet.
    Csv,
}

/// What stands at the head of every report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Frame {
    /// The controller's name and address, as it is to stand in the report.
    pub controller: Option<String>,
    /// When the report was made.
    #[serde(serialize_with = "time::rfc3339")]
    pub made: Millis,
    /// By whom.
    pub by: String,
    /// The case or letter that it answers.
    pub reference: Option<String>,
}

/// Renderings held against files.
#[cfg(test)]
mod golden {
    /// Holds a rendering against its file, or writes the file anew.
    pub(super) fn hold(name: &str, found: &str) {
        let path = format!("tests/golden/reports/{name}");
        if std::env::var_os("TAVS_WRITE_DOCS").is_some() {
            std::fs::write(&path, found).unwrap();
        }
        let wanted = std::fs::read_to_string(&path).unwrap_or_default();
        let stale =
            format!("{path} is stale: TAVS_WRITE_DOCS=1 cargo nextest run --lib -E 'test(reports::)'");
        assert_eq!(found, wanted, "{stale}");
    }
}
