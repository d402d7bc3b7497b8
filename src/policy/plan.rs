//! The compiled form of a route's rules: a flat table of states addressed by small integers.
//!
//! A plan is made once, when policies are loaded, and cannot fail afterwards: names, keys and
//! patterns are resolved here, and at run time only the input can be wrong.

mod compile;
mod names;
mod pattern;
mod urls;

pub(crate) use compile::Scalar;
pub(crate) use names::{NameEntry, NameTable, name_hash};
pub(crate) use urls::{UrlRoute, Urls};

use sha2::{Digest as _, Sha256};

use self::pattern::Patterns;
use crate::policy::checked::{
    Action, CprInText, Generalise, Keep, Kind, Linkability, Mask, Policy, Round, Route, Rule, Scan, Shift,
    Sought, Subject, Url,
};
use crate::policy::location::{Literal, Location};
use crate::pseudonym::{Input, KeyRing, Linkage, Pseudonymiser, RingError, Shifter, SubjectKey, ValueKind};

/// A rule of a policy: a line of a route's `members`, or of a shape's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleRef {
    /// The shape, as an index into the policy's; `None` for the route's own members.
    pub shape: Option<usize>,
    /// The rule, as an index into the shape's or the route's.
    pub rule: usize,
}

/// Two rules that could decide the same value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// The one that comes first in the policy.
    pub first: RuleRef,
    /// The other.
    pub second: RuleRef,
    /// How they meet.
    pub how: Meeting,
}

/// How two rules can decide the same value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meeting {
    /// At one location.
    Same,
    /// One below the other.
    Below,
    /// A `withhold` below a `keep`, as may be, but at a place that only some documents have: a
    /// filter, an index, or a shape's `when`. In others the `keep` would let out what it holds back.
    Hanging,
}

/// Why a route has no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Two rules could decide the same value; there is no precedence.
    #[error("two rules can decide the same location")]
    Conflict(Conflict),
    /// The filters on one element compare so many members that their combinations exceed a bound.
    #[error("the filters at one location have more than {limit} combinations")]
    TooManyCombinations {
        /// One of the rules with such a filter.
        rule: RuleRef,
        /// The bound.
        limit: usize,
    },
    /// A key is missing.
    #[error(transparent)]
    Key(#[from] RingError),
}

/// A route's rules, compiled.
#[derive(Debug)]
pub struct Plan {
    /// What applies to the document itself.
    pub(crate) root: Slot,
    pub(crate) states: Vec<State>,
    pub(crate) choices: Vec<Choice>,
    /// By rule number, which is what ledger records hold.
    pub(crate) rules: Vec<CompiledRule>,
    /// Identifier systems whose numbers collide with other systems', by number.
    pub(crate) systems: Vec<String>,
    /// Types that aliases are ids of, by number.
    pub(crate) id_types: Vec<String>,
    /// Which URLs mean something to the recipient.
    pub(crate) urls: Urls,
    pub(crate) pseudonymiser: Pseudonymiser,
    pub(crate) subject_key: SubjectKey,
    /// Where some rule moves dates.
    pub(crate) shifter: Option<Shifter>,
    pub(crate) linkability: Linkability,
    pub(crate) cpr_in_text: CprInText,
    /// Each record must have a subject, as the route says.
    pub(crate) route_wants_subject: bool,
    /// The record is a part of the document, not the whole.
    pub(crate) has_record: bool,
    /// Where records are the elements of one array: the names on the way to that.
    record_path: Option<Vec<String>>,
    /// Some location says whose data a record is.
    pub(crate) has_subjects: bool,
    /// Some location names the same person as a subject.
    pub(crate) has_aliases: bool,
    /// Some rule writes a number of records.
    pub(crate) has_counts: bool,
    /// Some rule decodes documents.
    pub(crate) has_documents: bool,
    /// Some rule takes names from its record out of text.
    pub(crate) has_name_sources: bool,
    /// The names and addresses of protected persons stay: the recipient does not treat them.
    pub(crate) protects_addresses: bool,
    /// The policy says where else than in FHIR's own place that is told.
    pub(crate) has_markers: bool,
    /// Content of requests: pseudonyms are resolved, and nothing is left out unsaid.
    pub(crate) is_request: bool,
}

/// What applies to a value before it has been looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) enum Slot {
    /// Nothing: no rule can apply here or below.
    #[default]
    Withheld,
    /// One state.
    State(u32),
    /// Depends on the value's members.
    Choice(u32),
}

/// What applies to a value.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// The rule whose location this is.
    pub(crate) rule: Option<u32>,
    /// The value says whose data the record is; the number of its identifier system.
    pub(crate) subject: Option<u32>,
    /// The value names the same person as the subject of the element around it; the number of
    /// the type that it is an id of.
    pub(crate) alias: Option<u32>,
    /// The element around aliases.
    pub(crate) alias_scope: bool,
    /// The record that this value belongs to must have a subject.
    pub(crate) wants_subject: bool,
    /// The value is a record.
    pub(crate) record: bool,
    /// A record may be below: the container stays though nothing is left in it.
    pub(crate) above_record: bool,
    /// The value is a name to be taken out of text of the same record.
    pub(crate) name_source: bool,
    /// The value tells that the record's person has name and address protection.
    pub(crate) marker: bool,
    /// What applies to its members and elements, where any rule does.
    pub(crate) node: Option<Node>,
    /// The value is the code of a document: what applies to that.
    pub(crate) decoded: Slot,
    /// The rule, where that keeps the value without an exception, and nothing else is said of the value.
    pub(crate) only_kept: Option<u32>,
}

impl State {
    /// Whether nothing is said of the value but which rule decides it.
    fn is_only_ruled(&self) -> bool {
        matches!(
            self,
            Self {
                rule: Some(_),
                subject: None,
                alias: None,
                alias_scope: false,
                wants_subject: false,
                record: false,
                above_record: false,
                name_source: false,
                marker: false,
                node: None,
                decoded: Slot::Withheld,
                only_kept: _,
            }
        )
    }
}

/// What applies to the members and elements of a container.
#[derive(Debug)]
pub(crate) struct Node {
    /// Counts the plan's nodes: a walk remembers by it what came in their objects.
    pub(crate) number: usize,
    pub(crate) names: NameTable,
    pub(crate) other_names: Slot,
    pub(crate) indices: Vec<(u32, Slot)>,
    pub(crate) other_indices: Slot,
}

impl Node {
    /// Whether some rule below is about members.
    pub(crate) fn expects_object(&self) -> bool {
        self.other_names != Slot::Withheld || !self.names.is_empty()
    }

    /// Whether some rule below is about elements.
    pub(crate) fn expects_array(&self) -> bool {
        self.other_indices != Slot::Withheld || !self.indices.is_empty()
    }
}

/// Which state applies, by the values of some members. The values' numbers, in mixed radix, are
/// an index into the table.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) members: Vec<ChoiceMember>,
    pub(crate) table: Vec<Slot>,
}

/// A member that filters or `when` compare.
#[derive(Debug)]
pub(crate) struct ChoiceMember {
    pub(crate) name: String,
    /// Number 0 is any other value, or none; number n is the literal at n - 1.
    pub(crate) literals: Vec<Literal>,
    /// What one step of this member's number adds to the index.
    pub(crate) stride: usize,
}

/// A rule, ready to run.
#[derive(Debug)]
pub(crate) struct CompiledRule {
    pub(crate) reference: RuleRef,
    pub(crate) act: Act,
    /// The number of the rule that decodes the document in which this one applies.
    pub(crate) decoded_by: Option<u32>,
}

/// An action, ready to run.
#[derive(Debug)]
pub(crate) enum Act {
    Withhold,
    Keep(Keep),
    Cpr { system: u32 },
    Id { resource_type: String },
    Reference,
    Value(ValueKind),
    Mask(Mask),
    Generalise(Generalise),
    Round(Round),
    Shift(Shift),
    Replace(String),
    Scan(Scan),
    Count,
    Resolve(Sought),
    Decode(Scan),
    DecodeJson,
    Url(Url),
}

impl Plan {
    /// Compiles what a route makes of responses.
    ///
    /// # Errors
    /// All [`PlanError`]s of the route: rules in conflict, and missing keys.
    pub fn compile(policy: &Policy, route: &Route, keys: &KeyRing) -> Result<Self, Vec<PlanError>> {
        let plan = Self::of(policy, pattern::of_route(policy, route), keys)?;
        Ok(Self {
            route_wants_subject: matches!(route.response.subject, Subject::At(_)),
            has_record: pattern::record_below_root(route).is_some(),
            record_path: pattern::record_below_root(route).and_then(Location::names_to_elements),
            urls: Urls::of(policy, route),
            protects_addresses: !policy.is_treatment(),
            ..plan
        })
    }

    /// Compiles what a route makes of the content of requests: in this plan whatever no rule lets
    /// through is for [`rewrite`](crate::rewrite) to refuse.
    ///
    /// # Errors
    /// As [`Plan::compile`].
    pub fn compile_request(policy: &Policy, rules: &[Rule], keys: &KeyRing) -> Result<Self, Vec<PlanError>> {
        let plan = Self::of(policy, pattern::of_request(rules), keys)?;
        Ok(Self { is_request: true, cpr_in_text: CprInText::Mask, ..plan })
    }

    fn of(policy: &Policy, patterns: Patterns, keys: &KeyRing) -> Result<Self, Vec<PlanError>> {
        let keyed = keys
            .pseudonymiser(&policy.pseudonyms.domain, policy.pseudonyms.scheme)
            .and_then(|pseudonymiser| Ok((pseudonymiser, keys.subject_key()?)));
        let (pseudonymiser, subject_key) = keyed.map_err(|error| vec![PlanError::Key(error)])?;
        let has_shifts = patterns.rules.iter().any(|rule| matches!(rule.act, Act::Shift(_)));
        let shifter = has_shifts.then(|| keys.shifter(&policy.pseudonyms.domain)).transpose();
        let shifter = shifter.map_err(|error| vec![PlanError::Key(error)])?;
        let table = compile::compile(&patterns)?;
        let has_aliases = table.states.iter().any(|state| state.alias.is_some());
        let has_markers = table.states.iter().any(|state| state.marker);
        let has_counts = patterns.rules.iter().any(|rule| matches!(rule.act, Act::Count));
        let has_documents = patterns.rules.iter().any(|rule| matches!(rule.act, Act::DecodeJson));
        Ok(Self {
            root: table.root,
            states: table.states,
            choices: table.choices,
            rules: patterns.rules,
            systems: patterns.systems,
            id_types: patterns.id_types,
            urls: Urls::default(),
            pseudonymiser,
            subject_key,
            shifter,
            linkability: policy.pseudonyms.linkability,
            cpr_in_text: policy.cpr_in_text,
            route_wants_subject: false,
            has_record: false,
            record_path: None,
            has_subjects: patterns.has_subjects,
            has_aliases,
            has_counts,
            has_documents,
            has_name_sources: patterns.has_name_sources,
            protects_addresses: false,
            has_markers,
            is_request: false,
        })
    }

    /// What makes the domain's pseudonyms.
    #[must_use]
    pub fn pseudonymiser(&self) -> &Pseudonymiser {
        &self.pseudonymiser
    }

    /// Whether responses can be about anybody: if not, there is nothing to survey or to judge.
    #[must_use]
    pub fn has_subjects(&self) -> bool {
        self.has_subjects
    }

    /// Whether a body can tie an upstream's ids to persons: if not, surveying it learns nothing.
    #[must_use]
    pub fn has_aliases(&self) -> bool {
        self.has_aliases
    }

    /// The names on the way to the one array whose elements are the records, if there is one: then a
    /// large response can be judged record by record.
    #[must_use]
    pub fn record_path(&self) -> Option<&[String]> {
        self.record_path.as_deref()
    }

    /// The same for two plans of one policy under the same keys, and another under others. Says nothing of the keys.
    #[must_use]
    pub fn keys(&self) -> [u8; 32] {
        let nobody = Input { kind: "cpr", resource_type: "", system: "", value: "0101000000" };
        let subject = self.subject_key.id(nobody);
        let mut made = Vec::new();
        // A table's are drawn; what remains says enough of its domain's secret.
        let _none = self.pseudonymiser.write(nobody, Linkage::Domain, &mut made);
        let moved = self.shifter.as_ref().map(|shifter| shifter.draw(subject, Linkage::Domain));
        let mut hash = Sha256::new_with_prefix(b"tavs-plan-keys-1\n");
        hash.update(subject.0);
        hash.update(moved.unwrap_or_default().to_be_bytes());
        hash.update(made);
        hash.finalize().into()
    }

    /// The rule behind a rule number of a disclosure.
    #[must_use]
    pub fn rule(&self, number: usize) -> Option<RuleRef> {
        self.rules.get(number).map(|rule| rule.reference)
    }

    /// The rule that decodes the document in which a rule of this number applies; `None` where it
    /// applies to the response itself. A shape that is used in both has a number for each.
    #[must_use]
    pub fn decoded_by(&self, number: usize) -> Option<RuleRef> {
        self.rule(usize::try_from(self.rules.get(number)?.decoded_by?).ok()?)
    }

    /// The identifier system under which a rule makes pseudonyms of CPRs; empty where it has none.
    pub(crate) fn system_of(&self, rule: u32) -> Option<&str> {
        match usize::try_from(rule).ok().and_then(|at| self.rules.get(at))?.act {
            Act::Cpr { system } => self.systems.get(usize::try_from(system).ok()?).map(String::as_str),
            Act::Withhold
            | Act::Keep(_)
            | Act::Id { .. }
            | Act::Reference
            | Act::Value(_)
            | Act::Mask(_)
            | Act::Generalise(_)
            | Act::Round(_)
            | Act::Shift(_)
            | Act::Replace(_)
            | Act::Scan(_)
            | Act::Count
            | Act::Resolve(_)
            | Act::Decode(_)
            | Act::DecodeJson
            | Act::Url(_) => None,
        }
    }

    pub(crate) fn state(&self, number: u32) -> Option<&State> {
        self.states.get(usize::try_from(number).ok()?)
    }
}

/// The mistakes that compiling would find, without keys: for `tavs check`.
#[must_use]
pub fn mistakes(policy: &Policy, route: &Route) -> Vec<PlanError> {
    compile::compile(&pattern::of_route(policy, route)).err().unwrap_or_default()
}

/// The same of the rules of a request.
#[must_use]
pub fn mistakes_of_request(rules: &[Rule]) -> Vec<PlanError> {
    compile::compile(&pattern::of_request(rules)).err().unwrap_or_default()
}

/// The rules that can decide a value at a location of `subject`; none while there are mistakes.
#[must_use]
pub(crate) fn rules_at_subjects(policy: &Policy, route: &Route) -> Vec<RuleRef> {
    let patterns = pattern::of_route(policy, route);
    let Ok(table) = compile::compile(&patterns) else { return Vec::new() };
    let at_subjects = table.states.iter().filter(|state| state.subject.is_some());
    let numbers = at_subjects.filter_map(|state| usize::try_from(state.rule?).ok());
    numbers.filter_map(|number| patterns.rules.get(number)).map(|rule| rule.reference).collect()
}

impl Act {
    fn of(action: &Action, system: u32) -> Self {
        match action {
            Action::Withhold => Self::Withhold,
            Action::Keep(keep) => Self::Keep(keep.clone()),
            Action::Pseudonymise(Kind::Cpr) => Self::Cpr { system },
            Action::Pseudonymise(Kind::Id { resource_type }) => {
                Self::Id { resource_type: resource_type.clone() }
            }
            Action::Pseudonymise(Kind::Reference) => Self::Reference,
            Action::Pseudonymise(Kind::Value(kind)) => Self::Value(*kind),
            Action::Mask(mask) => Self::Mask(*mask),
            Action::Generalise(generalise) => Self::Generalise(generalise.clone()),
            Action::Round(round) => Self::Round(*round),
            Action::Shift(shift) => Self::Shift(*shift),
            Action::Replace(json) => Self::Replace(json.clone()),
            Action::Scan(scan) => Self::Scan(scan.clone()),
            Action::Count => Self::Count,
            Action::Resolve(sought) => Self::Resolve(sought.clone()),
            Action::Decode(scan) => Self::Decode(scan.clone()),
            Action::DecodeJson(_) => Self::DecodeJson,
            Action::Url(url) => Self::Url(url.clone()),
        }
    }
}
