//! Who must be told that a subject's data were rectified, erased or restricted (GDPR art. 19): every
//! recipient that received data about the person, since when, under which pseudonym, and the letter.

use std::collections::BTreeMap;

use serde::Serialize;

use super::csv::Csv;
use super::html::{Column, Html};
use super::member::Policies;
use super::page::{begin, table};
use super::recipient::{Profile, Under};
use super::text::{self, Text, fill};
use super::{Format, Frame, Language, time};
use crate::ids::SubjectId;
use crate::store::{Given, Millis, Notification, Store, StoreError};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct NotifyAsk {
    /// The head of the report.
    pub frame: Frame,
    /// What happened.
    pub about: About,
    /// Every id of the person, as `Store::ids_of` gives them.
    pub ids: Vec<SubjectId>,
    /// What the caller knows of recipients; those that received nothing are passed over.
    pub addressees: Vec<Addressee>,
}

/// What recipients must be told about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// Art. 16.
    Rectification,
    /// Art. 17.
    Erasure,
    /// Art. 18.
    Restriction,
}

/// What only the caller knows of a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressee {
    /// The recipient's id.
    pub recipient: String,
    /// Where to write to.
    pub contact: Option<String>,
    /// The person's pseudonyms in its domain, one for each key version in use; none if pseudonyms there
    /// last no longer than a response.
    pub pseudonyms: Vec<String>,
}

/// The list, and the letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotifyReport {
    #[serde(flatten)]
    frame: Frame,
    about: About,
    recipients: Vec<ToTell>,
    notices: Vec<Notice>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct ToTell {
    #[serde(flatten)]
    profile: Profile,
    contact: Option<String>,
    pseudonyms: Vec<String>,
    disclosures: u64,
    #[serde(serialize_with = "time::rfc3339")]
    first: Millis,
    #[serde(serialize_with = "time::rfc3339")]
    last: Millis,
    letter: Letter,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Letter {
    da: String,
    en: String,
}

/// A notice that stands in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Notice {
    recipient: String,
    about: String,
    #[serde(serialize_with = "time::rfc3339")]
    at: Millis,
    #[serde(serialize_with = "time::rfc3339_or_none")]
    acknowledged: Option<Millis>,
    acknowledged_by: Option<String>,
}

impl About {
    /// The word in the store's notifications and in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rectification => "rectification",
            Self::Erasure => "erasure",
            Self::Restriction => "restriction",
        }
    }

    /// What a word stands for.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Rectification, Self::Erasure, Self::Restriction].into_iter().find(|one| one.word() == word)
    }
}

impl NotifyReport {
    /// Reads the report's rows. Blocks.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn read(store: &Store, ask: NotifyAsk) -> Result<Self, StoreError> {
        let NotifyAsk { frame, about, ids, addressees } = ask;
        let (mut policies, mut all) = (Policies::default(), BTreeMap::new());
        for given in store.given_about(&ids)? {
            policies.learn(store, given.policy)?;
            let one = all.entry(given.recipient.clone()).or_insert_with(|| ToTell::new(&given, &addressees));
            one.add(&given, &policies);
        }
        let mut recipients: Vec<ToTell> = all.into_values().collect();
        for one in &mut recipients {
            let letter = |language: Language| one.letter(&frame, about, language.text());
            one.letter = Letter { da: letter(Language::Da), en: letter(Language::En) };
        }
        let mut notices = Vec::new();
        for id in &ids {
            notices.extend(store.notifications_of(*id)?.into_iter().map(Notice::new));
        }
        notices.sort_by(|one: &Notice, other| (one.at, &one.recipient).cmp(&(other.at, &other.recipient)));
        Ok(Self { frame, about, recipients, notices })
    }

    /// The recipients to be told: what to put into the store as notifications.
    pub fn recipients(&self) -> impl Iterator<Item = &str> {
        self.recipients.iter().map(|one| one.profile.recipient.as_str())
    }

    /// Writes the list; as HTML with the letters in the language.
    ///
    /// # Errors
    /// When it cannot be written as JSON; that would be a mistake of this program.
    pub fn render(&self, format: Format, language: Language) -> Result<String, serde_json::Error> {
        match format {
            Format::Html => Ok(self.page(language)),
            Format::Json => serde_json::to_string_pretty(self),
            Format::Csv => Ok(self.csv()),
        }
    }

    /// The recipients, one a row.
    fn csv(&self) -> String {
        let mut table = Csv::begin(&[
            "recipient",
            "name",
            "contact",
            "pseudonyms",
            "disclosures",
            "first",
            "last",
            "about",
        ]);
        for one in &self.recipients {
            table.row(&[
                one.profile.recipient.clone(),
                one.profile.name.clone().unwrap_or_default(),
                one.contact.clone().unwrap_or_default(),
                one.pseudonyms.join(" "),
                one.disclosures.to_string(),
                time::utc(one.first),
                time::utc(one.last),
                self.about.word().to_owned(),
            ]);
        }
        table.end()
    }

    fn page(&self, language: Language) -> String {
        let text = language.text();
        let words = &text.notify;
        let facts = [(words.about, vec![text::word(text.words.abouts, self.about.word()).to_owned()])];
        let mut page = begin(&self.frame, words.title, words.subtitle, &facts, text);
        page.paragraph(words.intro);
        if self.recipients.is_empty() {
            page.alert(words.nobody);
        } else {
            self.list(&mut page, text);
        }
        self.state(&mut page, text);
        if !self.recipients.is_empty() {
            page.heading(2, words.letters_heading);
        }
        for one in &self.recipients {
            page.letter(match language {
                Language::Da => &one.letter.da,
                Language::En => &one.letter.en,
            });
        }
        page.end()
    }

    fn list(&self, page: &mut Html, text: &Text) {
        let (words, common) = (&text.notify, &text.common);
        page.heading(2, words.list_heading);
        let columns = [
            Column::Words(common.recipient),
            Column::Words(words.contact),
            Column::Words(words.pseudonym),
            Column::Number(common.count),
            Column::Words(common.first),
            Column::Words(common.last),
        ];
        let row = |one: &ToTell| {
            let pseudonyms = match one.pseudonyms.as_slice() {
                [] => words.no_pseudonym.to_owned(),
                known => known.join(", "),
            };
            vec![
                one.profile.title(text),
                one.contact.clone().unwrap_or_default(),
                pseudonyms,
                one.disclosures.to_string(),
                time::day(one.first, text),
                time::day(one.last, text),
            ]
        };
        table(page, &columns, &self.recipients, row, text);
    }

    fn state(&self, page: &mut Html, text: &Text) {
        let (words, common) = (&text.notify, &text.common);
        if self.notices.is_empty() {
            return;
        }
        page.heading(2, words.state_heading);
        let columns = [
            Column::Words(words.told),
            Column::Words(common.recipient),
            Column::Words(words.about),
            Column::Words(words.state_heading),
        ];
        let row = |one: &Notice| {
            let of = |known: &&ToTell| known.profile.recipient == one.recipient;
            let name = self.recipients.iter().find(of).map(|known| known.profile.title(text));
            vec![
                time::short(one.at),
                name.unwrap_or_else(|| one.recipient.clone()),
                text::word(text.words.abouts, &one.about).to_owned(),
                state(one.acknowledged, text),
            ]
        };
        table(page, &columns, &self.notices, row, text);
    }
}

/// Whether a notice was acknowledged, in words.
pub(super) fn state(acknowledged: Option<Millis>, text: &Text) -> String {
    let common = &text.common;
    acknowledged.map_or_else(
        || common.not_acknowledged.to_owned(),
        |at| fill(common.acknowledged, &[("at", &time::day(at, text))]),
    )
}

impl ToTell {
    fn new(given: &Given, addressees: &[Addressee]) -> Self {
        let known = addressees.iter().find(|known| known.recipient == given.recipient);
        Self {
            profile: Profile::new(&given.recipient),
            contact: known.and_then(|known| known.contact.clone()),
            pseudonyms: known.map(|known| known.pseudonyms.clone()).unwrap_or_default(),
            disclosures: 0,
            first: given.first,
            last: given.last,
            letter: Letter::default(),
        }
    }

    fn add(&mut self, given: &Given, policies: &Policies) {
        let under = Under { policy: given.policy, route: given.route.as_deref(), released: &given.released };
        self.profile.add(under, policies);
        self.disclosures = self.disclosures.saturating_add(given.disclosures);
        self.first = self.first.min(given.first);
        self.last = self.last.max(given.last);
    }

    /// The letter's paragraphs, an empty line between two.
    fn letter(&self, frame: &Frame, about: About, text: &Text) -> String {
        let words = &text.notify;
        let controller = frame.controller.as_deref().unwrap_or(text.common.the_clinic);
        let reference = frame.reference.as_deref().unwrap_or(words.letter_this);
        let name = self.profile.name.as_deref().unwrap_or(&self.profile.recipient);
        let to: Vec<&str> = std::iter::once(name).chain(self.contact.as_deref()).collect();
        let person = match self.pseudonyms.as_slice() {
            [] => words.letter_person_unknown.to_owned(),
            known => fill(words.letter_person, &[("pseudonym", &known.join(", "))]),
        };
        let mut members: Vec<String> = self.profile.members.iter().map(|member| member.words(text)).collect();
        members.sort();
        members.dedup();
        let (first, last, members) =
            (time::day(self.first, text), time::day(self.last, text), members.join("; "));
        let received = match members.as_str() {
            "" => fill(words.letter_received_only, &[("first", &first), ("last", &last)]),
            members => {
                fill(words.letter_received, &[("first", &first), ("last", &last), ("members", members)])
            }
        };
        [
            to.join("\n"),
            time::day(frame.made, text),
            words.letter_subject.to_owned(),
            person,
            received,
            text::word(words.letter_bodies, about.word()).to_owned(),
            fill(words.letter_answer, &[("controller", controller), ("reference", reference)]),
            fill(words.letter_end, &[("controller", controller)]),
        ]
        .join("\n\n")
    }
}

impl Notice {
    fn new(one: Notification) -> Self {
        let (at, by) = one.acknowledged.unzip();
        Self { recipient: one.recipient, about: one.about, at: one.at, acknowledged: at, acknowledged_by: by }
    }
}
