//! What is known of a recipient from its disclosures and its policy versions.

use std::collections::BTreeSet;

use serde::Serialize;

use super::html::Html;
use super::member::{DataCategory, Member, Policies};
use super::text::{self, Text, fill};
use crate::ids::PolicyVersion;
use crate::policy::words::is_third_country;
use crate::store::Millis;

/// A recipient, as it was over all the disclosures of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// Its id in policies.
    pub recipient: String,
    /// Its legal name, the latest; `None` where no record tells it.
    pub name: Option<String>,
    /// Names that it had before.
    pub former_names: BTreeSet<String>,
    /// What it is in law, in policies' words.
    pub relations: BTreeSet<String>,
    /// Where it is: ISO 3166-1 alpha-2.
    pub countries: BTreeSet<String>,
    /// On which grounds data may go there.
    pub grounds: BTreeSet<String>,
    /// Why it receives.
    pub purposes: BTreeSet<PurposeOf>,
    /// How long it may keep the data, in the policy's words (art. 15(1)(d)).
    pub retention: BTreeSet<String>,
    /// References of the agreements.
    pub agreements: BTreeSet<String>,
    /// What it received.
    pub members: BTreeSet<Member>,
    /// Whether some disclosure's rules stand in no record, so that `members` lacks them.
    pub rules_unknown: bool,
    #[serde(skip)]
    named_at: Millis,
}

/// A purpose and its legal bases.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PurposeOf {
    /// Its id in policies.
    pub id: String,
    /// Which of the clinics' categories of purposes.
    pub category: Option<String>,
    /// The bases, as policies word them.
    pub basis: Vec<String>,
}

/// What one or more disclosures under one policy version and route let out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Under<'a> {
    pub(super) policy: PolicyVersion,
    pub(super) route: Option<&'a str>,
    pub(super) released: &'a [(u32, u64)],
}

impl Profile {
    pub(super) fn new(recipient: &str) -> Self {
        Self {
            recipient: recipient.to_owned(),
            name: None,
            former_names: BTreeSet::new(),
            relations: BTreeSet::new(),
            countries: BTreeSet::new(),
            grounds: BTreeSet::new(),
            purposes: BTreeSet::new(),
            retention: BTreeSet::new(),
            agreements: BTreeSet::new(),
            members: BTreeSet::new(),
            rules_unknown: false,
            named_at: 0,
        }
    }

    /// Adds what a policy version says of the recipient, and which members left under it.
    pub(super) fn add(&mut self, under: Under<'_>, policies: &Policies) {
        for (rule, _) in under.released {
            match policies.member(under.policy, under.route, *rule) {
                Some(member) => drop(self.members.insert(member.clone())),
                None => self.rules_unknown = true,
            }
        }
        let Some(policy) = policies.get(under.policy) else { return };
        if policy.at >= self.named_at {
            let former = self.name.replace(policy.name.clone());
            self.former_names.extend(former);
            self.named_at = policy.at;
        } else {
            self.former_names.insert(policy.name.clone());
        }
        if let Some(name) = &self.name {
            self.former_names.remove(name);
        }
        self.relations.insert(policy.relation.clone());
        self.countries.insert(policy.country.clone());
        self.grounds.extend(policy.ground.clone());
        self.retention.extend(policy.retention.clone());
        self.agreements.insert(policy.agreement.clone());
        self.purposes.insert(PurposeOf {
            id: policy.purpose.clone(),
            category: Some(policy.category.clone()),
            basis: policy.basis.clone(),
        });
    }

    /// Adds what a disclosure says by itself, where no policy version says more.
    pub(super) fn add_grounds(&mut self, purpose: &str, basis: &[String], country: &str) {
        self.countries.insert(country.to_owned());
        if !self.purposes.iter().any(|known| known.id == purpose) {
            let basis = basis.to_vec();
            self.purposes.insert(PurposeOf { id: purpose.to_owned(), category: None, basis });
        }
    }

    /// Its name for readers.
    pub(super) fn title(&self, text: &Text) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None => format!("{} {}", self.recipient, text.common.unnamed),
        }
    }

    pub(super) fn country_words(&self, text: &Text) -> Vec<String> {
        self.countries.iter().map(|code| country(code, text)).collect()
    }

    pub(super) fn purpose_words(&self, text: &Text) -> Vec<String> {
        let words = |purpose: &PurposeOf| match &purpose.category {
            Some(category) => {
                format!("{} ({})", plain(&purpose.id), text::word(text.words.purposes, category))
            }
            None => plain(&purpose.id),
        };
        self.purposes.iter().map(words).collect()
    }

    /// Who it is, why and on which grounds it receives.
    pub(super) fn facts(&self, page: &mut Html, text: &Text) {
        let common = &text.common;
        let words = |table, ids: &BTreeSet<String>| -> Vec<String> {
            ids.iter().map(|id| text::word(table, id).to_owned()).collect()
        };
        let bases: BTreeSet<&String> = self.purposes.iter().flat_map(|purpose| &purpose.basis).collect();
        let mut grounds = words(text.words.grounds, &self.grounds);
        if grounds.is_empty() {
            let third = self.countries.iter().any(|code| is_third_country(code));
            grounds.push(if third { common.no_ground } else { common.within_eea }.to_owned());
        }
        page.facts(&[
            (common.former_names, self.former_names.iter().cloned().collect()),
            (common.relation, words(text.words.relations, &self.relations)),
            (common.country, self.country_words(text)),
            (common.ground, grounds),
            (common.purpose, self.purpose_words(text)),
            (common.basis, bases.iter().map(|id| text::word(text.words.bases, id).to_owned()).collect()),
            (common.retention, self.retention.iter().cloned().collect()),
            (common.agreement, self.agreements.iter().cloned().collect()),
        ]);
    }

    /// What it received, by category.
    pub(super) fn member_list(&self, page: &mut Html, text: &Text) {
        let categories: BTreeSet<DataCategory> = self.members.iter().map(|member| member.category).collect();
        let facts: Vec<(&str, Vec<String>)> = categories
            .into_iter()
            .map(|category| {
                let of_it = self.members.iter().filter(|member| member.category == category);
                let words: BTreeSet<String> = of_it.map(|member| member.words(text)).collect();
                (text::word(text.words.categories, category.id()), words.into_iter().collect())
            })
            .collect();
        if !facts.is_empty() {
            page.facts(&facts);
        }
        if self.rules_unknown {
            page.note(text.common.unknown_rules);
        }
    }
}

/// A country in words, and whether it is a third country.
pub(super) fn country(code: &str, text: &Text) -> String {
    let name = text::word(text.words.countries, code);
    if is_third_country(code) {
        fill(text.common.third_country, &[("country", name)])
    } else {
        name.to_owned()
    }
}

/// A name of the policy language, as words.
pub(super) fn plain(id: &str) -> String {
    id.replace('-', " ")
}
