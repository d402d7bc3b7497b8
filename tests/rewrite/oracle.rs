//! The rewriter as one would write it without a thought for speed: the whole document as a tree,
//! and for each node a look at every rule of the policy. Shares with the real one what a policy
//! says (`policy::checked`, `Location`), what a CPR is, and how a pseudonym is made; neither the
//! plan nor anything of `rewrite`.
//!
//! Where the description of the language leaves a choice open, the stricter one stands here:
//! a fault inside a record refuses the response even if the record would be withheld, and a name
//! with a CPR under `cpr = "refuse"` refuses it even if nothing of its value would leave.

pub(crate) mod coarse;
pub(crate) mod documents;
pub(crate) mod forms;
pub(crate) mod links;
pub(crate) mod place;
pub(crate) mod subjects;
pub(crate) mod tree;
pub(crate) mod urls;

use std::collections::BTreeSet;
use std::ops::Range;

use data_encoding::BASE64;
use tavs::cpr::{self, Search};
use tavs::ids::SubjectId;
use tavs::judge::Judge;
use tavs::policy::checked::{Action, CprInText, Keep, Kind, Linkability, Policy, Route, Scan, Shift};
use tavs::policy::location::{Literal, Location, Step};
use tavs::policy::protection::names_person;
use tavs::pseudonym::{Input, KeyRing, Linkage, Pseudonymiser, Salt, Shifter, SubjectKey, ValueKind};

use self::place::{Crumb, Key, children, leads, passes};
use self::tree::{Member, NotJson, Tree, quoted};

/// What leaves, and what is counted on the way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) body: Vec<u8>,
    pub(crate) counts: Counts,
}

/// As `Disclosure`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) subjects: Vec<SubjectId>,
    pub(crate) released_by_rule: Vec<u32>,
    pub(crate) withheld: u64,
    pub(crate) unfit: u64,
    pub(crate) address_protected: u64,
    pub(crate) cpr_in_text: u64,
    pub(crate) records: u64,
    pub(crate) records_withheld: u64,
}

/// Why nothing leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    NotJson,
    DuplicateName,
    CprInText,
}

impl From<NotJson> for Refused {
    fn from(NotJson: NotJson) -> Self {
        Self::NotJson
    }
}

/// A rule with its place in the document, not in its shape's element.
struct Located<'p> {
    steps: Vec<Step>,
    /// The shape that it comes from, and how many of the steps lead to the shape's element.
    shape: Option<(usize, usize)>,
    action: &'p Action,
    number: usize,
    system: String,
}

/// What the store has for a value.
type Drawn<'p> = Box<dyn Fn(Input<'_>) -> Option<String> + 'p>;

/// A policy's route, ready to be followed to the letter.
pub(crate) struct Oracle<'p> {
    policy: &'p Policy,
    route: &'p Route,
    rules: Vec<Located<'p>>,
    /// For each rule that decodes documents, the number of the first rule in there.
    documents: Vec<(usize, usize)>,
    /// How many rules there are, those in documents too.
    all_rules: usize,
    subjects: Vec<subjects::Place>,
    /// Where names stand that are taken out of text.
    names: Vec<Vec<Step>>,
    /// Where records tell of address protection.
    markers: Vec<Vec<Step>>,
    pseudonymiser: Pseudonymiser,
    subject_key: SubjectKey,
    shifter: Shifter,
    judge: &'p dyn Judge,
    salt: Salt,
    /// Of the scheme `table`: the pseudonyms that stand in the store.
    drawn: Option<Drawn<'p>>,
}

impl<'p> Oracle<'p> {
    pub(crate) fn new(
        policy: &'p Policy,
        route: &'p Route,
        keys: &KeyRing,
        judge: &'p dyn Judge,
        salt: Salt,
    ) -> Self {
        let made = (
            keys.pseudonymiser(&policy.pseudonyms.domain, policy.pseudonyms.scheme).unwrap(),
            keys.subject_key().unwrap(),
            keys.shifter(&policy.pseudonyms.domain).unwrap(),
        );
        Self::of(policy, route, made, judge, salt)
    }

    fn of(
        policy: &'p Policy,
        route: &'p Route,
        (pseudonymiser, subject_key, shifter): (Pseudonymiser, SubjectKey, Shifter),
        judge: &'p dyn Judge,
        salt: Salt,
    ) -> Self {
        let own = route.response.rules.iter().map(|rule| (rule, None));
        let shaped = route
            .response
            .shapes
            .iter()
            .flat_map(|&index| policy.shapes[index].rules.iter().map(move |rule| (rule, Some(index))));
        let mut rules = Vec::new();
        for (number, (rule, shape)) in own.chain(shaped).enumerate() {
            let whole = [Location::default()];
            let places = shape.map_or(&whole[..], |index| &policy.shapes[index].at);
            rules.extend(places.iter().map(|at| Located {
                steps: at.join(&rule.location).steps,
                shape: shape.map(|index| (index, at.steps.len())),
                action: &rule.action,
                number,
                system: system_of(&rule.location),
            }));
        }
        let record = route.response.record.clone().unwrap_or_default();
        let markers = if policy.is_treatment() { &[][..] } else { &policy.address_markers[..] };
        let names = rules.iter().flat_map(|rule| names_from(rule.action));
        let names = names.map(|location| record.join(location).steps).collect();
        let own: Vec<(usize, &Action)> = rules.iter().map(|rule| (rule.number, rule.action)).collect();
        let own_rules = route.response.rules.len()
            + route.response.shapes.iter().map(|index| policy.shapes[*index].rules.len()).sum::<usize>();
        let (documents, all_rules) = documents::numbers(policy, route, &own, own_rules);
        Self {
            documents,
            all_rules,
            policy,
            route,
            rules,
            names,
            markers: markers.iter().map(|location| record.join(location).steps).collect(),
            subjects: subjects::places(policy, route),
            pseudonymiser,
            subject_key,
            shifter,
            judge,
            salt,
            drawn: None,
        }
    }

    /// With a store that has pseudonyms.
    pub(crate) fn with_drawn(self, drawn: impl Fn(Input<'_>) -> Option<String> + 'p) -> Self {
        Self { drawn: Some(Box::new(drawn)), ..self }
    }

    /// One document. Its root is never removed.
    pub(crate) fn rewrite(&self, body: &[u8]) -> Result<Outcome, Refused> {
        self.counted_twice(|less| self.rewrite_less(body, less))
    }

    /// Once to learn how many records are withheld, and once with that known.
    fn counted_twice(&self, run: impl Fn(u64) -> Result<Outcome, Refused>) -> Result<Outcome, Refused> {
        run(run(0)?.counts.records_withheld)
    }

    fn rewrite_less(&self, body: &[u8], less: u64) -> Result<Outcome, Refused> {
        let root = tree::parse(body)?;
        let mut counts = self.counts();
        let left = self.document(&root, &mut counts, &mut 0, less)?;
        let left = left.unwrap_or(match root {
            Tree::Object(_) => Tree::Object(Vec::new()),
            Tree::Array(_) => Tree::Array(Vec::new()),
            _ => Tree::Null,
        });
        Ok(Outcome { body: written(&left), counts })
    }

    /// NDJSON: a document a line; one of which nothing is left is dropped.
    pub(crate) fn rewrite_lines(&self, body: &[u8]) -> Result<Outcome, Refused> {
        self.counted_twice(|less| self.rewrite_lines_less(body, less))
    }

    fn rewrite_lines_less(&self, body: &[u8], less: u64) -> Result<Outcome, Refused> {
        let mut outcome = Outcome { body: Vec::new(), counts: self.counts() };
        let mut pseudonyms = 0;
        for line in body.split(|byte| *byte == b'\n') {
            if line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
                continue;
            }
            let root = tree::parse(line)?;
            if let Some(left) = self.document(&root, &mut outcome.counts, &mut pseudonyms, less)? {
                outcome.body.extend(written(&left));
                outcome.body.push(b'\n');
            }
        }
        Ok(outcome)
    }

    fn counts(&self) -> Counts {
        Counts { released_by_rule: vec![0; self.all_rules], ..Counts::default() }
    }

    /// `pseudonyms`: how many were made before it; those of this one are added.
    fn document(
        &self,
        root: &Tree,
        counts: &mut Counts,
        pseudonyms: &mut u64,
        less: u64,
    ) -> Result<Option<Tree>, Refused> {
        let mut walk = Walk {
            oracle: self,
            root,
            record: None,
            person: None,
            protected: false,
            names_around: BTreeSet::new(),
            records_less: less,
            pseudonyms: *pseudonyms,
            counts,
        };
        let left = walk.record(root, &mut Vec::new(), false, self.is_record(&[]));
        *pseudonyms = walk.pseudonyms;
        left
    }

    /// Whether the crumbs lead to a record; without a `record`, the document is one.
    fn is_record(&self, crumbs: &[Crumb<'_>]) -> bool {
        leads(self.route.response.record.as_ref().map_or(&[], |location| &location.steps), crumbs)
    }

    /// Whether a record tells that its person's name and address are protected, or a document in it.
    fn is_protected<'t>(&self, root: &'t Tree, record: &'t Tree, crumbs: &mut Vec<Crumb<'t>>) -> bool {
        !self.policy.is_treatment()
            && (self.is_marked(record) || self.has_marked_document(root, record, crumbs))
    }

    /// The same of what stands around the records of a document.
    fn is_protected_around<'t>(
        &self,
        root: &'t Tree,
        document: &'t Tree,
        crumbs: &mut Vec<Crumb<'t>>,
    ) -> bool {
        let location = self.route.response.record.clone().unwrap_or_default();
        !self.policy.is_treatment()
            && (forms::is_marked_but(document, &place::find(&location, document))
                || self.has_marked_document(root, document, crumbs))
    }

    fn is_marked(&self, record: &Tree) -> bool {
        let markers = self.policy.address_markers.iter().flat_map(|marker| place::find(marker, record));
        let mut markers = markers.filter(|node| !matches!(node, Tree::Null | Tree::Bool(false)));
        forms::is_marked(record) || markers.next().is_some()
    }

    /// Whether a record could stand further down.
    fn is_above_record(&self, crumbs: &[Crumb<'_>]) -> bool {
        let steps = self.route.response.record.as_ref().map_or(&[][..], |location| &location.steps);
        crumbs.len() < steps.len() && passes(steps, crumbs)
    }

    /// Whether the element of a shape, if the crumbs reach so far, is of that shape.
    fn in_shape(&self, shape: Option<(usize, usize)>, root: &Tree, crumbs: &[Crumb<'_>]) -> bool {
        let Some((shape, at)) = shape.filter(|(_, at)| crumbs.len() >= *at) else { return true };
        let element = if at == 0 { root } else { crumbs[at - 1].child };
        subjects::is_of_shape(&self.policy.shapes[shape], element)
    }

    /// Every place that the policy speaks of along the crumbs, or below them.
    fn places_through<'s>(
        &'s self,
        root: &'s Tree,
        crumbs: &'s [Crumb<'_>],
    ) -> impl Iterator<Item = &'s [Step]> {
        let rules = self.rules.iter().map(|rule| (&rule.steps[..], rule.shape));
        let subjects = self.subjects.iter().map(|place| (&place.steps[..], place.shape));
        let record = self.route.response.record.iter().map(|record| (&record.steps[..], None));
        let names = self.names.iter().map(|steps| (&steps[..], None));
        let markers = self.markers.iter().map(|steps| (&steps[..], None));
        rules
            .chain(subjects)
            .chain(markers)
            .chain(record)
            .chain(names)
            .filter(|(steps, shape)| passes(steps, crumbs) && self.in_shape(*shape, root, crumbs))
            .map(|(steps, _)| steps)
    }
}

/// The locations within its record whose names a rule takes out of text.
fn names_from(action: &Action) -> &[Location] {
    match action {
        Action::Scan(scan) | Action::Decode(scan) => &scan.names,
        _ => &[],
    }
}

/// The D-eCPR system that a location's filter asks for: numbers of two regions may be equal.
fn system_of(location: &Location) -> String {
    let filters = location.steps.iter().filter_map(|step| match step {
        Step::Filter(all) => Some(all),
        _ => None,
    });
    let literals =
        filters.flatten().filter(|one| one.equal && one.member == "system").map(|one| &one.literal);
    let mut systems = literals.filter_map(|literal| match literal {
        Literal::String(text) if text.starts_with("urn:oid:1.2.208.176.1.6.1.3") => Some(text.clone()),
        _ => None,
    });
    systems.next().unwrap_or_default()
}

fn written(tree: &Tree) -> Vec<u8> {
    let mut out = String::new();
    tree.write(&mut out);
    out.into_bytes()
}

/// Every string value in a value.
fn strings(tree: &Tree) -> Vec<String> {
    match tree {
        Tree::String { text, .. } => vec![text.clone()],
        Tree::Object(members) => members.iter().flat_map(|member| strings(&member.value)).collect(),
        Tree::Array(elements) => elements.iter().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

struct Walk<'o, 't> {
    oracle: &'o Oracle<'o>,
    root: &'t Tree,
    /// The record that the walk is in.
    record: Option<&'t Tree>,
    /// The one person whose record it is.
    person: Option<SubjectId>,
    /// Whose name and address stay.
    protected: bool,
    /// Names of the record around, where this is a document in it.
    names_around: BTreeSet<String>,
    /// How many records the whole body withholds, where that is known.
    records_less: u64,
    /// How many pseudonyms there were: their serial under `linkability = "none"`.
    pseudonyms: u64,
    counts: &'o mut Counts,
}

impl<'o, 't> Walk<'o, 't> {
    /// A record, or the document around them: withheld whole if it does not say whose data it is.
    fn record(
        &mut self,
        node: &'t Tree,
        crumbs: &mut Vec<Crumb<'t>>,
        under: bool,
        is_record: bool,
    ) -> Result<Option<Tree>, Refused> {
        let subjects = subjects::of_record(self.oracle, self.root, node, crumbs, is_record);
        let before = self.counts.clone();
        self.record = is_record.then_some(node);
        let protected_around = self.protected;
        self.protected = match is_record {
            true => self.oracle.is_protected(self.root, node, crumbs),
            false => self.oracle.is_protected_around(self.root, node, crumbs),
        };
        let around = self.person;
        self.person = subjects.as_ref().filter(|all| all.len() == 1).map(|all| all[0]);
        let left = self.inside(node, crumbs, under)?;
        self.person = around;
        self.record = None;
        self.protected = protected_around;
        let Some(subjects) = subjects else {
            *self.counts = before;
            self.counts.records_withheld += 1;
            return Ok(None);
        };
        if left.is_some() {
            self.counts.records += u64::from(is_record);
            for subject in subjects {
                if !self.counts.subjects.contains(&subject) {
                    self.counts.subjects.push(subject);
                }
            }
        }
        Ok(left)
    }

    /// What is left of a value; `None` where it is withheld.
    fn value(
        &mut self,
        node: &'t Tree,
        crumbs: &mut Vec<Crumb<'t>>,
        under: bool,
    ) -> Result<Option<Tree>, Refused> {
        if self.oracle.is_record(crumbs) {
            self.record(node, crumbs, under, true)
        } else {
            self.inside(node, crumbs, under)
        }
    }

    fn inside(
        &mut self,
        node: &'t Tree,
        crumbs: &mut Vec<Crumb<'t>>,
        under: bool,
    ) -> Result<Option<Tree>, Refused> {
        let oracle = self.oracle;
        let mut rules = oracle
            .rules
            .iter()
            .filter(|rule| leads(&rule.steps, crumbs) && oracle.in_shape(rule.shape, self.root, crumbs));
        let Some(rule) = rules.next() else { return self.unruled(node, crumbs, under) };
        assert!(rules.next().is_none(), "two rules decide {}", place::pointer(crumbs));
        let left = match rule.action {
            Action::Withhold => {
                self.counts.withheld += 1;
                None
            }
            Action::Keep(keep) if !node.is_container() => {
                let left = self.kept(node, keep)?;
                self.counts.unfit += u64::from(left.is_none());
                left
            }
            Action::Keep(_) => self.unruled(node, crumbs, true)?,
            Action::DecodeJson(shapes) => self.document(shapes, rule.number, node)?,
            action => {
                let left = self.act(action, &rule.system, node, crumbs)?;
                self.counts.unfit += u64::from(left.is_none());
                left
            }
        };
        if left.is_some() {
            self.counts.released_by_rule[rule.number] += 1;
        }
        Ok(left)
    }

    /// A value without a rule of its own, perhaps in something kept.
    fn unruled(
        &mut self,
        node: &'t Tree,
        crumbs: &mut Vec<Crumb<'t>>,
        under: bool,
    ) -> Result<Option<Tree>, Refused> {
        if !under {
            let below = self.oracle.places_through(self.root, crumbs).any(|steps| steps.len() > crumbs.len());
            if node.is_container() && below {
                return self.container(node, crumbs, false);
            }
            self.counts.withheld += 1;
            return Ok(None);
        }
        if node.is_container() {
            if self.is_unexpected(node, crumbs) {
                self.counts.unfit += 1;
                return Ok(None);
            }
            return self.container(node, crumbs, under);
        }
        let left = self.kept(node, &Keep::default())?;
        self.counts.unfit += u64::from(left.is_none());
        Ok(left)
    }

    /// Rules go on below, and none of them could meet a child of this kind of container.
    fn is_unexpected(&self, node: &Tree, crumbs: &[Crumb<'t>]) -> bool {
        let object = matches!(node, Tree::Object(_));
        let mut next = self
            .oracle
            .places_through(self.root, crumbs)
            .filter_map(|steps| steps.get(crumbs.len()))
            .peekable();
        next.peek().is_some()
            && !next.any(|step| match step {
                Step::Name(_) => object,
                Step::Index(_) => !object,
                Step::Wildcard | Step::Filter(_) => true,
            })
    }

    fn container(
        &mut self,
        node: &'t Tree,
        crumbs: &mut Vec<Crumb<'t>>,
        under: bool,
    ) -> Result<Option<Tree>, Refused> {
        let mut members = Vec::new();
        let mut elements = Vec::new();
        let children = children(node);
        for (at, crumb) in children.iter().enumerate() {
            crumbs.push(*crumb);
            match crumb.key {
                Key::Index(_) => elements.extend(self.value(crumb.child, crumbs, under)?),
                Key::Name(name) => {
                    let Tree::Object(all) = node else { unreachable!("only objects have names") };
                    members.extend(self.member(name, &all[at].raw_name, crumbs, under)?);
                }
            }
            crumbs.pop();
        }
        if members.is_empty() && elements.is_empty() {
            let stays = self.oracle.is_above_record(crumbs) || children.is_empty() && under;
            let empty =
                if matches!(node, Tree::Object(_)) { Tree::Object(members) } else { Tree::Array(elements) };
            return Ok(stays.then_some(empty));
        }
        let Tree::Object(all) = node else { return Ok(Some(Tree::Array(elements))) };
        let unlike = |names: Vec<&str>| names.iter().collect::<BTreeSet<_>>().len() == names.len();
        let came = all.iter().map(|member| member.name.as_str()).collect();
        let leaves = members.iter().map(|member: &Member| member.name.as_str()).collect();
        if !unlike(came) || !unlike(leaves) {
            return Err(Refused::DuplicateName);
        }
        Ok(Some(Tree::Object(members)))
    }

    /// One member. Its name leaves as the policy spells it if the policy does, else as it came,
    /// with CPRs dealt with.
    fn member(
        &mut self,
        name: &str,
        raw: &str,
        crumbs: &mut Vec<Crumb<'t>>,
        under: bool,
    ) -> Result<Option<Member>, Refused> {
        if self.protected && names_person(name) {
            let reached = self.oracle.places_through(self.root, crumbs).next().is_some();
            self.counts.address_protected += u64::from(under || reached);
            self.counts.withheld += 1;
            return Ok(None);
        }
        let (parent, child) = crumbs.split_at(crumbs.len() - 1);
        let spelt = self
            .oracle
            .places_through(self.root, parent)
            .any(|steps| matches!(steps.get(parent.len()), Some(Step::Name(own)) if own == name));
        let reached = self.oracle.places_through(self.root, crumbs).next().is_some();
        let value = child[0].child;
        let (name, raw_name) = if !under && (spelt || !reached) {
            (name.to_owned(), quoted(name))
        } else {
            match self.name(name, raw)? {
                Some(names) => names,
                None => {
                    self.counts.unfit += 1;
                    return Ok(None);
                }
            }
        };
        Ok(self.value(value, crumbs, under)?.map(|value| Member { name, raw_name, value }))
    }

    fn name(&mut self, name: &str, raw: &str) -> Result<Option<(String, String)>, Refused> {
        let mut finds = Vec::new();
        match (cpr::search(name, &mut finds), self.oracle.policy.cpr_in_text) {
            (Search::Clean, _) => Ok(Some((name.to_owned(), raw.to_owned()))),
            (Search::Binary, _) => Ok(None),
            (Search::Found, CprInText::Refuse) => Err(Refused::CprInText),
            (Search::Found, CprInText::Mask) => {
                self.counts.cpr_in_text += 1;
                Ok(None)
            }
            (Search::Found, CprInText::Pseudonymise) => {
                let text = self.without(name, &finds, Vec::new())?;
                Ok(Some((text.clone(), quoted(&text))))
            }
        }
    }

    /// A scalar under `keep`.
    fn kept(&mut self, node: &Tree, keep: &Keep) -> Result<Option<Tree>, Refused> {
        match node {
            Tree::Number(raw) => {
                let clear = keep.clear_cpr.is_some() && cpr::parse_number(raw.as_bytes()).is_some();
                let open = keep.number_not_cpr || clear || !cpr::number_could_be_cpr(raw.as_bytes());
                Ok(open.then(|| node.clone()))
            }
            Tree::String { text, .. } => {
                let ten_digits = text.chars().count() == 10 && text.chars().all(|c| c.is_ascii_digit());
                let clear = keep.clear_cpr.is_some() && cpr::parse(text).is_some();
                if clear || keep.string_not_cpr && ten_digits {
                    return Ok(Some(node.clone()));
                }
                let mut finds = Vec::new();
                if cpr::search(text, &mut finds) == Search::Binary && !keep.unscanned {
                    return Ok(None);
                }
                if finds.is_empty() {
                    return Ok(Some(node.clone()));
                }
                self.without(text, &finds, Vec::new()).map(|text| Some(Tree::string(&text)))
            }
            _ => Ok(Some(node.clone())),
        }
    }

    /// What an action other than `keep` and `withhold` makes of a value; `None`: it cannot take it.
    fn act(
        &mut self,
        action: &Action,
        system: &str,
        node: &Tree,
        crumbs: &[Crumb<'t>],
    ) -> Result<Option<Tree>, Refused> {
        let text = |text: Option<String>| text.map(|text| Tree::string(&text));
        Ok(match (action, node) {
            (Action::Pseudonymise(Kind::Reference), Tree::String { text: from, .. }) => {
                text(self.reference(from, crumbs))
            }
            (Action::Pseudonymise(kind), _) => text(self.pseudonym(kind, system, node)),
            (Action::Url(how), Tree::String { text: from, .. }) => text(self.url(how, from)),
            (Action::Mask(how), Tree::String { text: from, .. }) => text(forms::mask(*how, from)),
            (Action::Mask(how), Tree::Number(raw)) => text(forms::mask_number(*how, raw)),
            (Action::Generalise(how), _) => coarse::generalise(how, node),
            (Action::Round(how), _) => coarse::round(how, node),
            (Action::Shift(how), _) => self.shifted(*how, node),
            (Action::Replace(constant), _) => {
                let constant = tree::parse(constant.as_bytes()).unwrap();
                let fits = matches!(
                    (&constant, node),
                    (Tree::String { .. }, Tree::String { .. })
                        | (Tree::Number(_), Tree::Number(_))
                        | (Tree::Bool(_), Tree::Bool(_))
                );
                fits.then_some(constant)
            }
            (Action::Count, Tree::Number(raw)) => self.counted(raw),
            (Action::Scan(scan), Tree::String { text, .. }) => return self.scanned(scan, text, node),
            (Action::Decode(scan), Tree::String { text, .. }) => {
                let Some(inside) = forms::decoded(text) else { return Ok(None) };
                let left = self.scanned(scan, &inside, &Tree::string(&inside))?;
                left.and_then(|left| match left {
                    Tree::String { text, .. } => Some(Tree::string(&BASE64.encode(text.as_bytes()))),
                    _ => None,
                })
            }
            _ => None,
        })
    }

    /// A number of records, less those that the whole body's rewriting withholds.
    fn counted(&self, raw: &str) -> Option<Tree> {
        let whole = raw.len() < 8 && raw.chars().all(|c| c.is_ascii_digit());
        let number: u64 = raw.parse().ok().filter(|_| whole)?;
        Some(Tree::Number(number.checked_sub(self.records_less)?.to_string()))
    }

    fn scanned(&mut self, scan: &Scan, text: &str, node: &Tree) -> Result<Option<Tree>, Refused> {
        let mut finds = Vec::new();
        if cpr::search(text, &mut finds) == Search::Binary {
            return Ok(None);
        }
        let others = forms::scan(scan, text, &self.names_of_record());
        if finds.is_empty() && others.is_empty() {
            return Ok(Some(node.clone()));
        }
        self.without(text, &finds, others).map(|text| Some(Tree::string(&text)))
    }

    /// Words of the names in this record, for every scan alike.
    fn names_of_record(&self) -> BTreeSet<String> {
        let Some(record) = self.record else { return self.names_around.clone() };
        let sources = self.oracle.rules.iter().flat_map(|rule| names_from(rule.action));
        let nodes = sources.flat_map(|location| place::find(location, record));
        let own = nodes.flat_map(strings).flat_map(|text| forms::name_words(&text));
        own.chain(self.names_around.iter().cloned()).collect()
    }

    /// A text with each find replaced; of finds that overlap, the first stands for all.
    fn without(
        &mut self,
        text: &str,
        cprs: &[cpr::Find],
        others: Vec<(Range<usize>, &'static str)>,
    ) -> Result<String, Refused> {
        self.counts.cpr_in_text += cprs.len() as u64;
        if !cprs.is_empty() && self.oracle.policy.cpr_in_text == CprInText::Refuse {
            return Err(Refused::CprInText);
        }
        let mut parts: Vec<(Range<usize>, Option<&cpr::Find>, &str)> =
            cprs.iter().map(|find| (find.span.clone(), Some(find), forms::MASK)).collect();
        parts.extend(others.into_iter().map(|(span, constant)| (span, None, constant)));
        parts.sort_by_key(|(span, number, _)| (span.start, number.is_none(), std::cmp::Reverse(span.end)));
        let mut out = String::new();
        let mut at = 0;
        for (span, find, constant) in parts {
            if span.start >= at {
                out.push_str(&text[at..span.start]);
                match find {
                    Some(find) if self.oracle.policy.cpr_in_text == CprInText::Pseudonymise => {
                        let pseudonym = self.person(&find.number, "");
                        out.push_str(pseudonym.as_deref().unwrap_or(constant));
                    }
                    _ => out.push_str(constant),
                }
            }
            at = at.max(span.end);
        }
        out.push_str(&text[at..]);
        Ok(out)
    }

    fn pseudonym(&mut self, kind: &Kind, system: &str, node: &Tree) -> Option<String> {
        match (kind, node) {
            (Kind::Cpr, Tree::String { text, .. }) => {
                cpr::parse(text).and_then(|number| self.person(&number, system))
            }
            (Kind::Cpr, Tree::Number(raw)) => {
                cpr::parse_number(raw.as_bytes()).and_then(|number| self.person(&number, system))
            }
            (Kind::Id { resource_type }, Tree::String { text, .. }) if !text.is_empty() => {
                self.made_of(Input { kind: "id", resource_type, system: "", value: text })
            }
            (Kind::Id { resource_type }, Tree::Number(raw)) if raw.chars().all(|c| c.is_ascii_digit()) => {
                self.made_of(Input { kind: "id", resource_type, system: "", value: raw })
            }
            (Kind::Value(kind), Tree::String { text, .. }) => self.value_pseudonym(*kind, text),
            (Kind::Value(kind), Tree::Number(raw)) if raw.chars().all(|c| c.is_ascii_digit()) => {
                self.value_pseudonym(*kind, raw)
            }
            _ => None,
        }
    }

    /// A reference in any of its forms, to the pseudonym that its target has everywhere.
    fn reference(&mut self, text: &str, crumbs: &[Crumb<'t>]) -> Option<String> {
        let id_of = |resource_type, value| Input { kind: "id", resource_type, system: "", value };
        if let Some((resource_type, id)) = forms::reference(text) {
            return Some(format!("{resource_type}/{}", self.made_of(id_of(resource_type, id))?));
        }
        if let Some((resource_type, id, _)) = links::entry(self.root, text) {
            return Some(format!("{resource_type}/{}", self.made_of(id_of(&resource_type, &id))?));
        }
        if text == "#" {
            return Some(text.to_owned());
        }
        if let Some(id) = text.strip_prefix('#') {
            let (_, resource_type) = links::contained(self.root, crumbs, id)?;
            return Some(format!("#{}", self.made_of(id_of(&resource_type, id))?));
        }
        let (resource_type, system, number) = links::conditional(text)?;
        Some(format!("{resource_type}?identifier={system}|{}", self.person(&number, &system)?))
    }

    /// A date moved by the days of the record's one person.
    fn shifted(&mut self, how: Shift, node: &Tree) -> Option<Tree> {
        let person = self.person?;
        coarse::shift(how, node, || {
            let shifter = self.oracle.shifter.clone();
            shifter.draw(person, self.linkage())
        })
    }

    fn value_pseudonym(&mut self, kind: ValueKind, text: &str) -> Option<String> {
        let (kind, value) = match kind {
            ValueKind::Phone => ("phone", forms::phone(text)?),
            ValueKind::Email => ("email", forms::email(text)?),
            ValueKind::Text => ("text", forms::single_spaced(text)?),
        };
        self.made_of(Input { kind, resource_type: "", system: "", value: &value })
    }

    fn person(&mut self, number: &cpr::Number, system: &str) -> Option<String> {
        if number.is_nobody() {
            return self.oracle.policy.pseudonyms.scheme.nobody().map(str::to_owned);
        }
        self.made_of(subjects::number_input(number, system))
    }

    fn linkage(&mut self) -> Linkage<'o> {
        let serial = self.pseudonyms;
        self.pseudonyms += 1;
        let salt = &self.oracle.salt;
        match self.oracle.policy.pseudonyms.linkability {
            Linkability::Domain => Linkage::Domain,
            Linkability::Document => Linkage::Document(salt),
            Linkability::None => Linkage::None(salt, serial),
        }
    }

    /// `None`: the scheme has none for it.
    fn made_of(&mut self, input: Input<'_>) -> Option<String> {
        if let Some(drawn) = &self.oracle.drawn {
            return drawn(input);
        }
        let linkage = self.linkage();
        let mut out = Vec::new();
        let written = self.oracle.pseudonymiser.write(input, linkage, &mut out);
        written.then(|| String::from_utf8(out).unwrap())
    }
}
