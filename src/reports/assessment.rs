//! Could less do? What `tavs assess` found out about one policy, as a page for the file: the clinics' promise to
//! examine whether data can be used in pseudonymised or anonymised form.
//!
//! Made of a policy, its tests and samples; holds no value of them.

use jiff::civil::Date;

use super::document::Document;
use super::text::{self, Text, fill};
use super::{Language, time};

/// What was found out.
#[derive(Debug, Clone)]
pub struct Assessment {
    /// The day.
    pub day: Date,
    /// The recipient's name.
    pub recipient: String,
    /// The policy's file.
    pub policy: String,
    /// Its version.
    pub version: String,
    /// What the recipient uses the data for.
    pub purpose: String,
    /// How many samples were counted in; without one, the inputs of the policy's tests were.
    pub samples: usize,
    /// How pseudonyms can be linked, in the policy language's word.
    pub linkability: &'static str,
    /// Which weaker kinds would do; `None` where no test says what is needed.
    pub weaker_linkability: Option<Vec<&'static str>>,
    /// Each member that leaves.
    pub members: Vec<AssessedMember>,
}

/// One member that leaves.
#[derive(Debug, Clone)]
pub struct AssessedMember {
    /// Where, as policies locate it.
    pub location: String,
    /// Of which route or shape, and where that is written.
    pub place: String,
    /// Its form, in the policy language's words.
    pub form: String,
    /// How many values were seen.
    pub values: u64,
    /// What they probably are: a class of `learn`.
    pub class: Option<&'static str>,
    /// `not-reached`, `not-examined`, `needed` or `weaker-would-do`.
    pub verdict: &'static str,
    /// The weaker forms that would do, the weakest first.
    pub weaker: Vec<String>,
}

impl Assessment {
    /// As one page.
    #[must_use]
    pub fn html(&self, language: Language) -> String {
        let text = language.text();
        let words = &text.assessment;
        let title = fill(words.title, &[("name", &self.recipient)]);
        let mut document = Document::default();
        document.heading(1, title.as_str());
        document.subtitle(words.subtitle);
        let samples = self.samples.to_string();
        let counted = if self.samples == 0 {
            words.in_tests.to_owned()
        } else {
            fill(words.in_samples, &[("count", &samples)])
        };
        document.facts([
            (text.policies.day, vec![time::long_date(self.day, text)]),
            (text.common.purpose, vec![self.purpose.clone()]),
            (words.policy, vec![self.policy.clone()]),
            (words.version, vec![self.version.clone()]),
            (words.counted, vec![counted]),
        ]);
        document.paragraph(words.intro);
        document.table(
            [text.policies.member, words.of, words.form, words.values, words.class, words.verdict]
                .map(str::to_owned)
                .into(),
            self.members.iter().map(|member| member.row(text)).collect(),
        );
        let of = |verdicts: &[&str]| {
            self.members.iter().filter(|member| verdicts.contains(&member.verdict)).count().to_string()
        };
        let (needed, weaker) = (of(&["needed"]), of(&["weaker-would-do"]));
        let unknown = of(&["not-reached", "not-examined"]);
        document
            .paragraph(fill(words.sums, &[("needed", &needed), ("weaker", &weaker), ("unknown", &unknown)]));
        document.paragraph(self.linkability(text));
        document.html(text.tag, &title)
    }

    fn linkability(&self, text: &Text) -> String {
        let words = &text.assessment;
        let kind = |id: &str| text::word(words.linkabilities, id).to_owned();
        let now = kind(self.linkability);
        match &self.weaker_linkability {
            None => fill(words.linkability_unknown, &[("now", &now)]),
            Some(weaker) if weaker.is_empty() => fill(words.linkability_needed, &[("now", &now)]),
            Some(weaker) => {
                let kinds: Vec<String> = weaker.iter().map(|id| kind(id)).collect();
                fill(words.linkability_weaker, &[("now", &now), ("kinds", &kinds.join(", "))])
            }
        }
    }
}

impl AssessedMember {
    fn row(&self, text: &Text) -> Vec<String> {
        let words = &text.assessment;
        let verdict = if self.weaker.is_empty() {
            text::word(words.verdicts, self.verdict).to_owned()
        } else {
            self.weaker.join(", ")
        };
        vec![
            self.location.clone(),
            self.place.clone(),
            self.form.clone(),
            self.values.to_string(),
            self.class.map(|class| text::word(words.classes, class).to_owned()).unwrap_or_default(),
            verdict,
        ]
    }
}
