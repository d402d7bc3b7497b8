//! The breach report: what a recipient that has lost data had received between two instants (GDPR art.
//! 33, 34).
//!
//! The records know persons by keyed ids. Names come from the clinic's own lists, or, for those whose
//! number the registry has sealed, from the caller, who opens them and says so.

use std::collections::BTreeMap;
use std::fmt;

use data_encoding::HEXLOWER;
use serde::{Serialize, Serializer};

use super::csv::Csv;
use super::html::{Column, Html};
use super::member::Policies;
use super::page::{begin, table};
use super::recipient::{Profile, Under};
use super::text::{Text, fill};
use super::{Format, Frame, Language, time};
use crate::ids::SubjectId;
use crate::store::{Affected, Millis, Store, StoreError, Window};

/// Art. 33(1): from when the controller has become aware. The hours are clock hours: Regulation
/// 1182/71 art. 3(4) moves the end of other periods past a weekend, not of those in hours.
const TIME_TO_NOTIFY: Millis = 72 * 3_600_000;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct BreachAsk {
    /// The head of the report.
    pub frame: Frame,
    /// Whose data were lost.
    pub recipient: String,
    /// What it received in this stretch of time counts.
    pub window: Window,
    /// When the clinic became aware of the breach.
    pub known_at: Millis,
}

/// A person whom the registry can name.
#[derive(Clone, PartialEq, Eq)]
pub struct Named {
    /// The person's id, one of [`BreachReport::subjects`].
    pub subject: SubjectId,
    /// The CPR, opened, as it is to stand in the report.
    pub cpr: String,
}

/// SECURITY: no log shows who it is (G10).
impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Named").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// The report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BreachReport {
    #[serde(flatten)]
    frame: Frame,
    #[serde(serialize_with = "time::rfc3339")]
    from: Millis,
    #[serde(serialize_with = "time::rfc3339")]
    to: Millis,
    #[serde(serialize_with = "time::rfc3339")]
    known_at: Millis,
    #[serde(serialize_with = "time::rfc3339")]
    notify_by: Millis,
    #[serde(flatten)]
    profile: Profile,
    disclosures: u64,
    /// Whether anything that points to a person directly left; `null` where that is not on record.
    points_to_persons: Option<bool>,
    persons: Vec<Concerned>,
}

#[derive(Clone, PartialEq, Eq, Serialize)]
struct Concerned {
    #[serde(serialize_with = "hex")]
    subject: SubjectId,
    disclosures: u64,
    #[serde(serialize_with = "time::rfc3339")]
    first: Millis,
    #[serde(serialize_with = "time::rfc3339")]
    last: Millis,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpr: Option<String>,
}

/// SECURITY: no log shows who it is (G10).
impl fmt::Debug for Concerned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Concerned").field("subject", &self.subject).finish_non_exhaustive()
    }
}

fn hex<S: Serializer>(subject: &SubjectId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&HEXLOWER.encode(&subject.0))
}

impl BreachReport {
    /// Reads the report's rows. `person` gives the id that stands for the person whom an id names
    /// (`Subjects::person`), so that who has several counts once. Blocks.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn read(
        store: &Store,
        ask: BreachAsk,
        person: impl Fn(SubjectId) -> SubjectId,
    ) -> Result<Self, StoreError> {
        let BreachAsk { frame, recipient, window, known_at } = ask;
        let mut profile = Profile::new(&recipient);
        let (mut policies, mut disclosures) = (Policies::default(), 0_u64);
        for given in store.given_to(&recipient, window)? {
            policies.learn(store, given.policy)?;
            let under =
                Under { policy: given.policy, route: given.route.as_deref(), released: &given.released };
            profile.add(under, &policies);
            disclosures = disclosures.saturating_add(given.disclosures);
        }
        let mut persons: BTreeMap<SubjectId, Concerned> = BTreeMap::new();
        store.each_affected(&recipient, window, |one| {
            let subject = person(one.subject);
            persons.entry(subject).or_insert_with(|| Concerned::new(subject, &one)).add(&one);
        })?;
        let points = profile.members.iter().any(super::Member::points_to_a_person);
        Ok(Self {
            frame,
            from: window.from,
            to: window.to,
            known_at,
            notify_by: known_at.saturating_add(TIME_TO_NOTIFY),
            points_to_persons: if profile.rules_unknown && !points { None } else { Some(points) },
            profile,
            disclosures,
            persons: persons.into_values().collect(),
        })
    }

    /// The persons concerned: whom to look up in the registry for a sealed number.
    pub fn subjects(&self) -> impl Iterator<Item = SubjectId> {
        self.persons.iter().map(|one| one.subject)
    }

    /// Names persons. Who is not concerned is passed over.
    pub fn name(&mut self, named: Vec<Named>) {
        for Named { subject, cpr } in named {
            if let Ok(at) = self.persons.binary_search_by_key(&subject, |one| one.subject)
                && let Some(one) = self.persons.get_mut(at)
            {
                one.cpr = Some(cpr);
            }
        }
    }

    /// Writes the report.
    ///
    /// # Errors
    /// When it cannot be written as JSON; that would be a mistake of this program.
    pub fn render(&self, format: Format, language: Language) -> Result<String, serde_json::Error> {
        match format {
            Format::Html => Ok(self.page(language.text())),
            Format::Json => serde_json::to_string_pretty(self),
            Format::Csv => Ok(self.csv()),
        }
    }

    /// The persons concerned, one a row.
    fn csv(&self) -> String {
        let mut table = Csv::begin(&["subject", "cpr", "disclosures", "first", "last"]);
        for one in &self.persons {
            table.row(&[
                HEXLOWER.encode(&one.subject.0),
                one.cpr.clone().unwrap_or_default(),
                one.disclosures.to_string(),
                time::utc(one.first),
                time::utc(one.last),
            ]);
        }
        table.end()
    }

    fn page(&self, text: &Text) -> String {
        let (words, common) = (&text.breach, &text.common);
        let (from, to) = (time::long(self.from, text), time::long(self.to, text));
        let facts = [
            (common.recipient, vec![self.profile.title(text)]),
            (words.period, vec![fill(words.period_value, &[("from", &from), ("to", &to)])]),
            (words.known, vec![time::long(self.known_at, text)]),
            (words.deadline, vec![time::long(self.notify_by, text)]),
        ];
        let mut page = begin(&self.frame, words.title, words.subtitle, &facts, text);
        if self.notify_by < self.frame.made {
            page.alert(words.deadline_past);
        }
        page.note(words.deadline_note);
        self.extent(&mut page, text);
        self.concerned(&mut page, text);
        page.heading(2, words.own_heading);
        page.list(words.own);
        page.paragraph(words.subjects_told);
        page.end()
    }

    fn extent(&self, page: &mut Html, text: &Text) {
        let words = &text.breach;
        page.heading(2, words.facts_heading);
        if self.disclosures == 0 {
            page.alert(words.nothing);
            return;
        }
        page.facts(&[
            (words.persons, vec![self.persons.len().to_string()]),
            (words.exchanges, vec![self.disclosures.to_string()]),
        ]);
        page.note(words.persons_note);
        self.profile.facts(page, text);
        page.heading(2, words.data_heading);
        match self.points_to_persons {
            Some(true) => page.alert(words.in_clear),
            Some(false) => page.paragraph(words.all_pseudonymous),
            None => {}
        }
        self.profile.member_list(page, text);
    }

    fn concerned(&self, page: &mut Html, text: &Text) {
        let (words, common) = (&text.breach, &text.common);
        if self.persons.is_empty() {
            return;
        }
        page.heading(2, words.persons_heading);
        let (named, others): (Vec<&Concerned>, Vec<&Concerned>) =
            self.persons.iter().partition(|one| one.cpr.is_some());
        let (known, all) = (named.len().to_string(), self.persons.len().to_string());
        page.paragraph(&fill(words.names_note, &[("named", &known), ("persons", &all)]));
        let tail =
            |one: &Concerned| [one.disclosures.to_string(), time::short(one.first), time::short(one.last)];
        let columns = |first| {
            [
                Column::Words(first),
                Column::Number(words.exchanges),
                Column::Words(common.first),
                Column::Words(common.last),
            ]
        };
        if !named.is_empty() {
            page.heading(3, words.named_heading);
            let row = |one: &&Concerned| {
                let [count, first, last] = tail(one);
                vec![one.cpr.clone().unwrap_or_default(), count, first, last]
            };
            table(page, &columns(words.cpr), &named, row, text);
        }
        if !others.is_empty() {
            page.heading(3, words.others_heading);
            let row = |one: &&Concerned| {
                let [count, first, last] = tail(one);
                vec![HEXLOWER.encode(&one.subject.0), count, first, last]
            };
            table(page, &columns(words.subject_id), &others, row, text);
        }
    }
}

impl Concerned {
    const fn new(subject: SubjectId, one: &Affected) -> Self {
        Self { subject, disclosures: 0, first: one.first, last: one.last, cpr: None }
    }

    fn add(&mut self, one: &Affected) {
        self.disclosures = self.disclosures.saturating_add(one.disclosures);
        self.first = self.first.min(one.first);
        self.last = self.last.max(one.last);
    }
}
