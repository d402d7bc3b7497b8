//! What changes for recipients when one set of policies takes the place of another: in words, what
//! widens apart from what narrows.
//!
//! Runs before policies take effect: in `tavs diff`, and where a set must be approved. What must never
//! happen here: something wider that is called narrower. What is not proven to be narrower is
//! [`Direction::Unclear`], and counts as wider.
//!
//! Every struct of the checked policy is taken apart field by field, without `..`: a new field does
//! not compile until somebody has decided what a change of it means.

mod extract;
mod forms;
mod header;
mod members;
mod routes;
mod urls;
mod values;

use sha2::{Digest as _, Sha256};

pub(crate) use self::forms::{at_most, said};
use crate::ids::{PolicySetVersion, RecipientId};
use crate::policy::checked::{Policy, Route, Rule};

/// Whether a change lets out more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// More than before, or for longer, or to somebody else.
    Wider,
    /// Not proven to be narrower; counts as wider.
    Unclear,
    /// Less than before.
    Narrower,
    /// Nothing leaves by it, or because of it.
    Neutral,
}

impl Direction {
    /// The word of the JSON form.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Wider => "wider",
            Self::Unclear => "unclear",
            Self::Narrower => "narrower",
            Self::Neutral => "neutral",
        }
    }

    /// Whether it needs the approval of a widening.
    #[must_use]
    pub const fn counts_as_wider(self) -> bool {
        matches!(self, Self::Wider | Self::Unclear)
    }

    /// The direction of a change that goes the other way: a narrowing undone is a widening.
    const fn reversed(self) -> Self {
        match self {
            Self::Wider => Self::Narrower,
            Self::Narrower => Self::Wider,
            Self::Unclear => Self::Unclear,
            Self::Neutral => Self::Neutral,
        }
    }
}

macro_rules! topics {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)+) => {
        /// What a change is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Topic {
            $($(#[$doc])* $name,)+
        }

        impl Topic {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The word of the JSON form; of what a policy has a word for, that one.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }
        }
    };
}

topics! {
    /// A whole recipient comes or goes.
    Recipient = "recipient",
    /// Its legal name.
    Name = "name",
    /// Where to write to.
    Contact = "contact",
    /// What it is in law.
    Relation = "relation",
    /// The trust anchor of its certificate.
    Anchor = "anchor",
    /// What its certificate presents.
    Certificate = "certificate",
    /// The bearer token.
    Token = "token-sha256",
    /// The agreement's reference.
    Reference = "reference",
    /// The agreement's first day.
    Signed = "signed",
    /// When the agreement is due for review.
    Review = "review",
    /// The agreement's last day.
    Expires = "expires",
    /// The purpose's id.
    Purpose = "purpose",
    /// The purpose's category.
    Category = "category",
    /// Legal bases.
    Basis = "basis",
    /// Whether subjects must have consented.
    Consent = "consent",
    /// How long the recipient may keep data.
    Retention = "retention",
    /// The country.
    Country = "country",
    /// The ground of a transfer.
    Ground = "ground",
    /// The evidence of a ground, and when it was verified.
    Evidence = "evidence",
    /// The pseudonymisation domain.
    Domain = "domain",
    /// How pseudonyms are made.
    Scheme = "scheme",
    /// How long a pseudonym stands for a person.
    Linkability = "linkability",
    /// `[limits]`.
    Limits = "limits",
    /// CPR numbers in kept text.
    FreeText = "free-text",
    /// Where a record tells of name and address protection.
    AddressProtection = "address-protection",
    /// A route comes, goes or is called something else.
    Route = "route",
    /// Methods.
    Methods = "methods",
    /// The path, and what may stand in it.
    Path = "path",
    /// Query parameters.
    Query = "query",
    /// The upstream.
    Upstream = "upstream",
    /// Clear identifiers in requests.
    AcceptClear = "accept-clear",
    /// Header fields that are passed on.
    Fields = "fields",
    /// The content of requests.
    Content = "request",
    /// The most bytes of content.
    RequestLimit = "request-limit",
    /// Content types.
    ContentTypes = "content-types",
    /// The upstream's error status as another.
    Status = "status",
    /// How the upstream begins its URLs.
    Base = "base",
    /// Where what a request made is found.
    Location = "location",
    /// The unit that is withheld whole.
    Record = "record",
    /// Whose data a record is.
    Subject = "subject",
    /// Members, and the form in which they leave.
    Members = "members",
    /// `[extract]`: what leaves as files.
    Extract = "extract",
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whose policy.
    pub recipient: RecipientId,
    /// The route, where it is about one; in the new policy, where that has it.
    pub route: Option<String>,
    /// What it is about.
    pub topic: Topic,
    /// Whether it lets out more.
    pub direction: Direction,
    /// In words; names and forms from the policies only.
    pub words: String,
    /// File and line of what is no more; no line where it is about the whole file.
    pub old: Option<Place>,
    /// File and line of what is new.
    pub new: Option<Place>,
}

/// A place in a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The policy's file.
    pub file: String,
    /// The line, from 1.
    pub line: Option<u32>,
}

/// Which set policies are, in whatever order: by recipients and texts, not by names of files.
#[must_use]
pub fn set_version(policies: &[Policy]) -> PolicySetVersion {
    let mut all: Vec<&Policy> = policies.iter().collect();
    all.sort_by(|a, b| a.recipient.id.cmp(&b.recipient.id));
    let mut hash = Sha256::new();
    hash.update(b"tavs-policy-set-1\n");
    for policy in all {
        // Ids are of small letters, digits and `-`, versions of hexadecimal digits: no two lists read the same.
        hash.update(format!("{} {}\n", policy.recipient.id, policy.version));
    }
    PolicySetVersion(hash.finalize().into())
}

/// Whether any change counts as wider.
#[must_use]
pub fn widens(changes: &[Change]) -> bool {
    changes.iter().any(|change| change.direction.counts_as_wider())
}

/// What changes when `new` takes the place of `old`: by recipient, and of each the wider first.
#[must_use]
pub fn compare(old: &[Policy], new: &[Policy]) -> Vec<Change> {
    let mut changes = Vec::new();
    for policy in old {
        match new.iter().find(|other| other.recipient.id == policy.recipient.id) {
            Some(other) => compare_policies(policy, other, &mut changes),
            None => {
                let words = format!("`{}` may receive nothing any more", policy.recipient.name);
                let mut pair = Pair { old: policy, new: policy, route: None, changes: &mut changes };
                pair.only_old(Topic::Recipient, Direction::Narrower, words, None);
            }
        }
    }
    for policy in new {
        if !old.iter().any(|other| other.recipient.id == policy.recipient.id) {
            let routes: Vec<String> = policy.routes.iter().map(|route| format!("`{}`", route.name)).collect();
            let words = format!(
                "`{}` is a new recipient, with the routes {}",
                policy.recipient.name,
                routes.join(", ")
            );
            let mut pair = Pair { old: policy, new: policy, route: None, changes: &mut changes };
            pair.only_new(Topic::Recipient, Direction::Wider, words, None);
        }
    }
    changes.sort_by(|a, b| a.recipient.cmp(&b.recipient).then(a.direction.cmp(&b.direction)));
    changes
}

fn compare_policies(old: &Policy, new: &Policy, changes: &mut Vec<Change>) {
    let mut pair = Pair { old, new, route: None, changes };
    let Policy {
        // Names of files are the author's own; a version says only that a text is another one.
        file: _,
        profiles: _,
        version: _,
        recipient,
        identity,
        agreement,
        purpose,
        transfer,
        pseudonyms,
        limits,
        cpr_in_text,
        address_markers,
        // What shapes say is compared where routes list them.
        shapes: _,
        routes,
        extract,
        // Nothing leaves by a test.
        tests: _,
    } = new;
    header::recipient(&mut pair, &old.recipient, recipient);
    header::identity(&mut pair, &old.identity, identity);
    header::agreement(&mut pair, &old.agreement, agreement);
    header::purpose(&mut pair, &old.purpose, purpose);
    header::transfer(&mut pair, &old.transfer, transfer);
    header::pseudonyms(&mut pair, &old.pseudonyms, pseudonyms);
    header::limits(&mut pair, &old.limits, limits);
    header::free_text(&mut pair, old.cpr_in_text, *cpr_in_text);
    header::address_protection(&mut pair, &old.address_markers, address_markers);
    routes::compare(&mut pair, &old.routes, routes);
    urls::compare(&mut pair, &old.routes, routes);
    extract::compare(&mut pair, old.extract.as_ref(), extract.as_ref());
}

/// The two policies of one recipient, and what was found so far.
struct Pair<'a> {
    old: &'a Policy,
    new: &'a Policy,
    /// Within these routes.
    route: Option<(&'a Route, &'a Route)>,
    changes: &'a mut Vec<Change>,
}

impl Pair<'_> {
    /// The same within two routes.
    fn within<'b>(&'b mut self, old: &'b Route, new: &'b Route) -> Pair<'b> {
        Pair { old: self.old, new: self.new, route: Some((old, new)), changes: self.changes }
    }

    /// Something is another than before.
    fn changed(&mut self, topic: Topic, direction: Direction, words: String) {
        self.changed_at(topic, direction, words, None, None);
    }

    /// The same by these rules; none is the route's line.
    fn changed_at(
        &mut self,
        topic: Topic,
        direction: Direction,
        words: String,
        old: Option<&Rule>,
        new: Option<&Rule>,
    ) {
        let lines = self.route.map(|(old, new)| (old.line, new.line));
        let at = |rule: Option<&Rule>, file: &str, line| match rule {
            Some(rule) => Place { file: rule.file.to_string(), line: Some(rule.line) },
            None => Place { file: file.to_owned(), line },
        };
        let old = at(old, &self.old.file, lines.map(|(old, _)| old));
        let new = at(new, &self.new.file, lines.map(|(_, new)| new));
        self.add(topic, direction, words, Some(old), Some(new));
    }

    /// Something is no more.
    fn only_old(&mut self, topic: Topic, direction: Direction, words: String, line: Option<u32>) {
        let line = line.or_else(|| self.route.map(|(old, _)| old.line));
        self.add(topic, direction, words, Some(Place { file: self.old.file.clone(), line }), None);
    }

    /// Something was not there before.
    fn only_new(&mut self, topic: Topic, direction: Direction, words: String, line: Option<u32>) {
        let line = line.or_else(|| self.route.map(|(_, new)| new.line));
        self.add(topic, direction, words, None, Some(Place { file: self.new.file.clone(), line }));
    }

    fn add(
        &mut self,
        topic: Topic,
        direction: Direction,
        words: String,
        old: Option<Place>,
        new: Option<Place>,
    ) {
        let recipient = self.new.recipient.id.clone();
        let route = self.route.map(|(_, new)| new.name.clone());
        self.changes.push(Change { recipient, route, topic, direction, words, old, new });
    }

    /// A word became another: by what `direction` says of the two, unless they are one.
    fn words(
        &mut self,
        topic: Topic,
        what: &str,
        old: &str,
        new: &str,
        direction: impl FnOnce() -> Direction,
    ) {
        if old != new {
            self.changed(topic, direction(), format!("{what} `{old}` becomes `{new}`"));
        }
    }
}

/// Of two values in order, the direction of a change in which more is wider.
fn more_is_wider<T: Ord>(old: &T, new: &T) -> Direction {
    if new > old { Direction::Wider } else { Direction::Narrower }
}
