//! `tavs subject report`: who received what about a person.

use serde::Serialize;

use super::super::USAGE;
use super::{Common, Said, Stop, input};

/// What every report takes.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Head {
    #[command(flatten)]
    pub(super) common: Common,
    /// The report's form.
    #[arg(long, value_enum, default_value_t = Form::Html)]
    format: Form,
    /// The report's language.
    #[arg(long, value_enum, default_value_t = Language::Da)]
    language: Language,
    /// Who is answerable: the clinic's name and address, as it is to stand in the report.
    #[arg(long, value_name = "TEXT")]
    controller: Option<String>,
    /// The letter or case that it answers, as it is to stand in the report.
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,
}

/// Write who received what about a person, when, why and where (GDPR art. 15). The look-up is recorded.
///
/// On standard input the person's CPR; on further lines, where a guardian asks, the children's. The
/// report goes to standard output: send it into a file that only you can read.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    head: Head,
    /// The identifier system of a regional e-CPR.
    #[arg(long, value_name = "URN")]
    system: Option<String>,
    /// The person's name, as it is to stand in the report.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Who those on further lines are to the person on the first.
    #[arg(long, value_enum, default_value_t = Other::Child)]
    others: Other,
    /// Show the CPRs in the heading.
    #[arg(long)]
    show_cpr: bool,
    /// Name the staff who looked the person up or changed the registry.
    #[arg(long)]
    name_staff: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    /// A page to print.
    Html,
    /// For programs.
    Json,
    /// For a spreadsheet.
    Csv,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli) enum Language {
    /// Danish.
    Da,
    /// English.
    En,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Other {
    /// A child of whom the person has custody.
    Child,
    /// Somebody whom the person may act for.
    Ward,
}

/// The beginning of what is asked.
#[derive(Serialize)]
struct WrittenHead<'a> {
    #[serde(flatten)]
    said: Said<'a>,
    format: Form,
    language: Language,
    controller: Option<&'a str>,
    reference: Option<&'a str>,
}

/// What is asked, of whichever report.
#[derive(Serialize)]
struct Asked<'a, T> {
    head: WrittenHead<'a>,
    #[serde(flatten)]
    rest: &'a T,
}

impl Head {
    /// Asks for a report, and gives it as it came.
    pub(in crate::cli) fn ask<T: Serialize>(&self, path: &str, rest: &T) -> Result<String, Stop> {
        let who = self.common.who();
        let head = WrittenHead {
            said: self.common.said(who.as_deref()),
            format: self.format,
            language: self.language,
            controller: self.controller.as_deref(),
            reference: self.reference.as_deref(),
        };
        let told = self.common.ask(path, &Asked { head, rest })?;
        String::from_utf8(told).map_err(|_not_text| Stop::new(USAGE, "the report is not text"))
    }
}

/// What the subject report is asked with.
#[derive(Serialize)]
struct OfPersons<'a> {
    persons: Vec<Person<'a>>,
    names_staff: bool,
    shows_numbers: bool,
}

#[derive(Serialize)]
struct Person<'a> {
    subject: &'a str,
    system: Option<&'a str>,
    role: Option<Other>,
    name: Option<&'a str>,
}

pub(super) fn run(args: &Args) -> Result<String, Stop> {
    let lines = input::lines("CPR: ")?;
    let persons = lines.lines().enumerate().map(|(place, subject)| {
        let own = place == 0;
        Person {
            subject,
            system: args.system.as_deref().filter(|_| own),
            role: (!own).then_some(args.others),
            name: args.name.as_deref().filter(|_| own),
        }
    });
    let rest =
        OfPersons { persons: persons.collect(), names_staff: args.name_staff, shows_numbers: args.show_cpr };
    args.head.ask("/v1/reports/subject", &rest)
}
