//! A policy file as its author wrote it: every part optional, every value with its place.
//!
//! Reading reports what is wrong with one value by itself; what is wrong between values is
//! `check`'s. A part that could not be read is `None` or left out here, and has been reported.

mod actions;
mod extract;
mod header;
mod names;
mod routes;
mod shapes;
mod urls;

use std::ops::Range;

pub(crate) use self::extract::{Column, Enforcing, Extract, OneTable};
pub(crate) use self::header::presented;
pub(crate) use self::shapes::resource_type;

use jiff::civil::Date;

use crate::identity::Presented;
use crate::policy::checked::{
    Action, Basis, Category, Consent, CprInText, Linkability, MediaType, Method, Need, NoveltyAnswer,
    PathSegment, Relation, TestText, TransferKind, Wanted,
};
use crate::policy::codes;
use crate::policy::location::{Literal, Location};
use crate::policy::syntax::{self, At, Reading, SourceFile, Table, Trace};
use crate::pseudonym::Scheme;

/// One policy file.
#[derive(Debug, Default)]
pub(crate) struct Policy {
    pub(crate) includes: Includes,
    pub(crate) recipient: Recipient,
    pub(crate) identity: Identity,
    pub(crate) agreement: Agreement,
    pub(crate) purpose: Purpose,
    pub(crate) transfer: Transfer,
    pub(crate) pseudonyms: Pseudonyms,
    pub(crate) limits: Limits,
    pub(crate) cpr_in_text: Option<At<CprInText>>,
    pub(crate) address_markers: Vec<Location>,
    pub(crate) shapes: Vec<Shape>,
    /// The names of all shapes that it includes, used or not; filled by `check`.
    pub(crate) offered: Vec<String>,
    pub(crate) routes: Vec<Route>,
    pub(crate) extract: Option<Extract>,
    pub(crate) tests: Vec<Test>,
}

/// One profile: shapes that policies include.
#[derive(Debug, Default)]
pub(crate) struct Profile {
    pub(crate) includes: Includes,
    pub(crate) shapes: Vec<Shape>,
}

/// `include`.
#[derive(Debug, Default)]
pub(crate) struct Includes {
    /// The names of profiles.
    pub(crate) names: Vec<At<String>>,
    /// Whether some could not be read.
    pub(crate) has_unread: bool,
}

/// `[recipient]`.
#[derive(Debug, Default)]
pub(crate) struct Recipient {
    pub(crate) id: Option<At<String>>,
    pub(crate) name: Option<At<String>>,
    pub(crate) relation: Option<At<Relation>>,
    pub(crate) contact: Option<At<String>>,
}

/// `[identity]`.
#[derive(Debug, Default)]
pub(crate) struct Identity {
    pub(crate) anchor: Option<At<String>>,
    pub(crate) presented: Option<At<Presented>>,
    pub(crate) token_sha256: Option<At<[u8; 32]>>,
}

/// `[agreement]`.
#[derive(Debug, Default)]
pub(crate) struct Agreement {
    pub(crate) reference: Option<At<String>>,
    pub(crate) signed: Option<At<Date>>,
    pub(crate) review: Option<At<Date>>,
    pub(crate) expires: Option<At<Date>>,
}

/// `[purpose]`.
#[derive(Debug, Default)]
pub(crate) struct Purpose {
    pub(crate) id: Option<At<String>>,
    pub(crate) category: Option<At<Category>>,
    /// Where the list of bases stands, if it could be read as one.
    pub(crate) basis_at: Option<Range<usize>>,
    pub(crate) basis: Vec<At<Basis>>,
    pub(crate) consent: Option<At<Consent>>,
    pub(crate) retention: Option<At<String>>,
}

/// `[transfer]`.
#[derive(Debug, Default)]
pub(crate) struct Transfer {
    pub(crate) country: Option<At<String>>,
    /// Whether a ground is written, readable or not.
    pub(crate) has_ground: bool,
    pub(crate) ground: Option<At<TransferKind>>,
    pub(crate) has_evidence: bool,
    pub(crate) evidence: Option<At<String>>,
    pub(crate) has_verified: bool,
    pub(crate) verified: Option<At<Date>>,
    pub(crate) expires: Option<At<Date>>,
    pub(crate) has_permit: bool,
}

/// `[pseudonyms]`.
#[derive(Debug, Default)]
pub(crate) struct Pseudonyms {
    pub(crate) domain: Option<At<String>>,
    pub(crate) scheme: Option<At<Scheme>>,
    pub(crate) linkability: Option<At<Linkability>>,
}

/// `[limits]`.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    pub(crate) requests: Option<At<u32>>,
    pub(crate) burst: Option<At<u32>>,
    pub(crate) concurrency: Option<At<u32>>,
    pub(crate) subjects: Option<At<u32>>,
    pub(crate) novelty: Option<At<u32>>,
    pub(crate) novelty_answer: Option<At<NoveltyAnswer>>,
    pub(crate) absent: Option<At<u32>>,
    pub(crate) buffer: Option<At<u64>>,
    pub(crate) response: Option<At<u64>>,
}

/// `[[shape]]`.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) header: Range<usize>,
    pub(crate) name: Option<At<String>>,
    /// The shape that it begins with; then `at`, `when`, `subject` and `alias` are that one's.
    pub(crate) like: Option<Like>,
    pub(crate) at: Vec<Location>,
    pub(crate) when: Vec<(String, Literal)>,
    pub(crate) subject: Subject,
    pub(crate) alias: Vec<Location>,
    pub(crate) rules: Vec<Rule>,
    /// Whether lines of `members` could not be read.
    pub(crate) has_unread: bool,
}

/// `like` and `without`.
#[derive(Debug, Clone)]
pub(crate) struct Like {
    /// None where it could not be read.
    pub(crate) shape: Option<At<String>>,
    /// Rules at these locations, and below, are not taken over.
    pub(crate) without: Vec<At<Location>>,
}

/// `subject`, `no-subject`, or neither.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    At(Vec<Location>),
    Nobody(String),
    Unsaid,
    /// Written, but not readable: reported already.
    Unread,
}

/// `[[route]]`.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) header: Range<usize>,
    pub(crate) name: Option<At<String>>,
    pub(crate) methods: Vec<At<Method>>,
    pub(crate) path: Option<At<Vec<PathSegment>>>,
    pub(crate) path_text: String,
    pub(crate) upstream: Option<At<String>>,
    pub(crate) query: Vec<Query>,
    pub(crate) accept_clear: Option<At<&'static str>>,
    pub(crate) request: Option<Request>,
    pub(crate) response: Response,
}

/// `[route.request]`.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) header: Range<usize>,
    pub(crate) fields: Vec<Query>,
    pub(crate) form: Option<Vec<Query>>,
    /// `None` where there is no `members`.
    pub(crate) members: Option<Vec<Rule>>,
    pub(crate) no_body: bool,
    pub(crate) media_types: Vec<MediaType>,
    pub(crate) limit: Option<At<u64>>,
}

/// One parameter of `query` or `form`, or one of `fields`.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) name: At<String>,
    pub(crate) wanted: At<Wanted>,
    pub(crate) selects: Option<At<Location>>,
}

/// `[route.response]`.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) header: Range<usize>,
    pub(crate) record: Option<At<Location>>,
    pub(crate) subject: Subject,
    pub(crate) media_types: Vec<MediaType>,
    pub(crate) shapes: Vec<At<String>>,
    pub(crate) status_map: Vec<(u16, u16)>,
    pub(crate) base: Vec<At<String>>,
    pub(crate) location: Option<At<bool>>,
    pub(crate) rules: Vec<Rule>,
    /// Whether lines of `members` could not be read.
    pub(crate) has_unread: bool,
}

/// One line of `members`.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// The location, and where its name stands.
    pub(crate) location: At<Location>,
    pub(crate) action: At<Action>,
    /// The names of the shapes that it lists, with their places.
    pub(crate) shapes: Vec<At<String>>,
}

/// `[[test]]`.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) header: Range<usize>,
    pub(crate) route: Option<At<String>>,
    pub(crate) input: Option<At<TestText>>,
    pub(crate) output: Option<At<TestText>>,
    pub(crate) absent: Vec<At<String>>,
    pub(crate) needs: Vec<Need>,
    /// Whether an output, absent values or needs are written, readable or not.
    pub(crate) says_more: bool,
}

/// Reads a policy file, with all that is wrong in it taken by itself.
pub(crate) fn read(file: &SourceFile) -> Reading<Policy> {
    syntax::read(file, policy)
}

/// What reading a policy file asks of it.
pub(crate) fn trace(file: &SourceFile) -> Trace {
    syntax::trace(file, |root| drop(policy(root)))
}

/// What reading a profile asks of it.
pub(crate) fn trace_profile(file: &SourceFile) -> Trace {
    syntax::trace(file, |root| drop(profile(root)))
}

fn policy(mut root: Table<'_>) -> Policy {
    read_language(&mut root, "policy");
    let policy = Policy {
        includes: shapes::includes(&mut root),
        recipient: header::recipient(&mut root),
        identity: header::identity(&mut root),
        agreement: header::agreement(&mut root),
        purpose: header::purpose(&mut root),
        transfer: header::transfer(&mut root),
        pseudonyms: header::pseudonyms(&mut root),
        limits: header::limits(&mut root),
        cpr_in_text: header::free_text(&mut root),
        address_markers: header::address_protection(&mut root),
        shapes: shapes::read(&mut root),
        offered: Vec::new(),
        routes: routes::read(&mut root),
        extract: extract::read(&mut root),
        tests: routes::tests(&mut root),
    };
    root.not_yet(&["push"]);
    root.finish();
    policy
}

/// Reads a profile, as [`read`] does a policy.
pub(crate) fn read_profile(file: &SourceFile) -> Reading<Profile> {
    syntax::read(file, profile)
}

fn profile(mut root: Table<'_>) -> Profile {
    read_language(&mut root, "profile");
    let profile = Profile { includes: shapes::includes(&mut root), shapes: shapes::read_some(&mut root) };
    root.finish();
    profile
}

/// `policy = 1` or `profile = 1`: what the file is, and in which version of the language.
fn read_language(root: &mut Table<'_>, kind: &'static str) {
    let Some(version) = root.required(kind, "1") else { return };
    if version.integer(0..=u64::from(u32::MAX)).is_some_and(|number| number.value != 1) {
        let help = format!("this version of tavs reads `{kind} = 1`");
        version.fault(
            &codes::LANGUAGE_VERSION,
            "unknown version of the policy language",
            "not 1",
            Some(help),
        );
    }
}
