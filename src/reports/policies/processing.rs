//! The record of processing activities (GDPR art. 30(1)): one activity a recipient.

use super::super::document::Document;
use super::super::text::{self, Text, fill};
use super::risk::safeguards;
use super::terms::Terms;

pub(super) fn write(document: &mut Document, recipients: &[Terms], text: &Text) {
    let words = &text.policies;
    document.paragraph(words.processing_intro);
    for terms in recipients {
        document.heading(2, terms.name.as_str());
        document.facts(terms.facts(text));
        document.facts([
            (words.subjects, vec![words.subjects_value.to_owned()]),
            (words.categories, categories(terms, text)),
            (words.measures, safeguards(terms, text)),
        ]);
    }
    document.heading(2, words.own_heading);
    document.paragraph(words.own_intro);
    document.list(words.processing_own.iter().map(|own| (*own).to_owned()).collect());
}

/// Each category of data with what leaves of it.
pub(super) fn categories(terms: &Terms, text: &Text) -> Vec<String> {
    let of = |category| {
        let members = terms.members.iter().filter(move |member| member.category == category);
        let mut told: Vec<String> = members.map(|member| member.words(text)).collect();
        told.sort();
        told.dedup();
        told.join("; ")
    };
    let categories = terms.categories().into_iter();
    let line = |category: super::super::member::DataCategory| {
        let name = text::word(text.words.categories, category.id());
        fill(text.policies.category, &[("category", name), ("members", &of(category))])
    };
    categories.map(line).collect()
}
