//! `tavs subject report`: who received what about a person.

use serde::Serialize;

use super::{Common, Said, Stop, input};

/// Write who received what about a person, when, why and where (GDPR art. 15). The look-up is recorded.
///
/// On standard input the person's CPR; on further lines, where a guardian asks, the children's. The
/// report goes to standard output: send it into a file that only you can read.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// The identifier system of a regional e-CPR.
    #[arg(long, value_name = "URN")]
    system: Option<String>,
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
pub(super) enum Form {
    /// A page to print.
    Html,
    /// For programs.
    Json,
    /// For a spreadsheet.
    Csv,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Language {
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

/// The content of `POST /v1/reports/subject`.
#[derive(Serialize)]
struct Asked<'a> {
    #[serde(flatten)]
    said: Said<'a>,
    format: Form,
    language: Language,
    controller: Option<&'a str>,
    reference: Option<&'a str>,
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
    let who = args.common.who();
    let asked = Asked {
        said: args.common.said(who.as_deref()),
        format: args.format,
        language: args.language,
        controller: args.controller.as_deref(),
        reference: args.reference.as_deref(),
        persons: persons.collect(),
        names_staff: args.name_staff,
        shows_numbers: args.show_cpr,
    };
    let told = args.common.ask("/v1/reports/subject", &asked)?;
    String::from_utf8(told).map_err(|_not_text| Stop::new(super::USAGE, "the report is not text"))
}
