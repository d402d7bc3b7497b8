//! Reports that the policies alone answer, before anything has been disclosed: the record of processing
//! activities (GDPR art. 30), an overview of risks (art. 32, 35) and who gets which member in which form.
//!
//! They say what the policies of a day allow, not what happened: that the other reports say, from the
//! records.

mod matrix;
mod processing;
mod risk;
mod terms;

use jiff::civil::Date;
use serde::Serialize;

use self::matrix::Row;
use self::risk::Assessed;
use self::terms::Terms;
use super::document::Document;
use super::text::Text;
use super::{Frame, Language, time};
use crate::policy::running::RunningPolicy;

/// Which report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyReportKind {
    /// The record of processing activities, art. 30(1).
    Processing,
    /// Categories, grounds, transfers, safeguards and what risk is left, by recipient: art. 32, 35.
    Risk,
    /// Recipients by members, the form in each cell.
    Matrix,
}

/// In which form a report from policies is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyReportFormat {
    /// A page to read and print.
    Html,
    /// CommonMark with tables, for a wiki or a review.
    Markdown,
    /// For programs: the same in every language.
    Json,
}

/// A report from the policies of one day.
#[derive(Debug, Clone, Serialize)]
pub struct PolicyReport {
    #[serde(flatten)]
    frame: Frame,
    #[serde(serialize_with = "time::date")]
    day: Date,
    #[serde(flatten)]
    content: Content,
}

#[derive(Debug, Clone, Serialize)]
#[serde(tag = "report", rename_all = "kebab-case")]
enum Content {
    Processing { recipients: Vec<Terms> },
    Risk { recipients: Vec<Assessed> },
    Matrix { recipients: Vec<String>, members: Vec<Row> },
}

impl PolicyReport {
    /// Reads the policies as they stand on a day; recipients in the order of their names.
    #[must_use]
    pub fn of<'a>(
        kind: PolicyReportKind,
        frame: Frame,
        day: Date,
        policies: impl IntoIterator<Item = &'a RunningPolicy>,
    ) -> Self {
        let mut all: Vec<Terms> = policies.into_iter().map(|policy| Terms::of(policy, day)).collect();
        all.sort_by(|one, other| (&one.name, &one.recipient).cmp(&(&other.name, &other.recipient)));
        let content = match kind {
            PolicyReportKind::Processing => Content::Processing { recipients: all },
            PolicyReportKind::Risk => Content::Risk { recipients: risk::assess(all) },
            PolicyReportKind::Matrix => Content::Matrix {
                members: matrix::rows(&all),
                recipients: all.into_iter().map(|terms| terms.name).collect(),
            },
        };
        Self { frame, day, content }
    }

    /// Writes the report.
    ///
    /// # Errors
    /// None that is known: JSON of plain data.
    pub fn render(
        &self,
        format: PolicyReportFormat,
        language: Language,
    ) -> Result<String, serde_json::Error> {
        if format == PolicyReportFormat::Json {
            return Ok(serde_json::to_string_pretty(self)? + "\n");
        }
        let text = language.text();
        let words = &text.policies;
        let (title, subtitle) = match self.content {
            Content::Processing { .. } => (words.processing_title, words.processing_subtitle),
            Content::Risk { .. } => (words.risk_title, words.risk_subtitle),
            Content::Matrix { .. } => (words.matrix_title, words.matrix_subtitle),
        };
        let mut document = self.begin(title, subtitle, text);
        match &self.content {
            Content::Processing { recipients } => processing::write(&mut document, recipients, text),
            Content::Risk { recipients } => risk::write(&mut document, recipients, text),
            Content::Matrix { recipients, members } => {
                matrix::write(&mut document, recipients, members, text);
            }
        }
        Ok(match format {
            PolicyReportFormat::Markdown => document.markdown(),
            PolicyReportFormat::Html | PolicyReportFormat::Json => document.html(text.tag, title),
        })
    }

    fn begin(&self, title: &str, subtitle: &str, text: &Text) -> Document {
        let (frame, common) = (&self.frame, &text.common);
        let mut document = Document::default();
        document.heading(1, title);
        document.subtitle(subtitle);
        document.facts([
            (text.policies.day, vec![time::long_date(self.day, text)]),
            (common.controller, frame.controller.iter().cloned().collect()),
            (common.made, vec![format!("{} {}", time::long(frame.made, text), common.times)]),
            (common.by, vec![frame.by.clone()]),
            (common.reference, frame.reference.iter().cloned().collect()),
        ]);
        document
    }
}
