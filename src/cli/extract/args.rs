//! The options of `tavs extract`, in the groups that its subcommands share.

use std::num::NonZero;
use std::path::PathBuf;

use jiff::civil::Date;

use super::super::policy_files;
use super::super::subject::report::Language;

/// By what an extract is made.
#[derive(Debug, clap::Args)]
pub(super) struct Given {
    /// The configuration: its key ring, store and ledger.
    #[arg(long, value_name = "FILE", default_value = "tavs.toml")]
    pub(super) config: PathBuf,
    /// The policy, as it is in force.
    #[arg(long, value_name = "FILE")]
    pub(super) policy: PathBuf,
    /// Look at the policy as of this day instead of today.
    #[arg(long, value_name = "DATE", value_parser = policy_files::day)]
    pub(super) at: Option<Date>,
    /// Threads that rewrite files and write tables. [default: one for each processor]
    #[arg(long, value_name = "NUMBER")]
    threads: Option<NonZero<usize>>,
}

impl Given {
    pub(super) fn threads(&self) -> usize {
        let processors = || std::thread::available_parallelism().map_or(1, NonZero::get);
        self.threads.map_or_else(processors, NonZero::get)
    }
}

/// What is read, and how.
#[derive(Debug, clap::Args)]
pub(super) struct Reading {
    /// Read standard input instead of files, as what a file with this ending holds.
    #[arg(long, value_enum, value_name = "FORM", conflicts_with_all = ["inputs", "resume"])]
    pub(super) stdin: Option<StdinForm>,
    /// A file that only tells who is who, and is no part of the extract, such as the patients of whom the other
    /// files tell; may be given again.
    #[arg(long, value_name = "FILE")]
    pub(super) who_is_who: Vec<PathBuf>,
    /// The characters of CSV files.
    #[arg(long, value_enum, default_value_t = EncodingName::Utf8)]
    pub(super) encoding: EncodingName,
    /// What stands between the values of CSV files; after `;` numbers have a decimal comma. [default: by the header]
    #[arg(long, value_enum)]
    pub(super) delimiter: Option<DelimiterName>,
    /// What becomes of a line or document that cannot be rewritten.
    #[arg(long, value_enum, default_value_t = OnError::Stop)]
    pub(super) on_error: OnError,
    /// Go on with an extract that was begun and broken off, from its last checkpoint.
    #[arg(long)]
    pub(super) resume: bool,
    /// Bytes of input between checkpoints, such as "16 MiB": about twice as much is read again at most when the machine stops.
    #[arg(long, value_name = "SIZE", default_value = "16 MiB", value_parser = size)]
    pub(super) checkpoint: u64,
    /// The files, in the order in which they are to be read.
    #[arg(required_unless_present = "stdin", value_name = "FILE")]
    pub(super) inputs: Vec<PathBuf>,
}

/// What leaves, and on whose account.
#[derive(Debug, clap::Args)]
pub(super) struct Leaving {
    /// The form of the tables' files, where the policy has tables.
    #[arg(long, value_enum, default_value_t = FormatName::Ndjson)]
    pub(super) format: FormatName,
    /// Which CSV.
    #[arg(long, value_enum, default_value_t = DialectName::International)]
    pub(super) csv: DialectName,
    /// The extract before this one, for the same recipient: `deleted.csv` then lists the pseudonyms that are no
    /// longer in it.
    #[arg(long, value_name = "DIR")]
    pub(super) previous: Option<PathBuf>,
    /// Where too few persons share what the extract tells of each: make it coarser, or leave rows out, by the
    /// policy's rule.
    #[arg(long)]
    pub(super) enforce: bool,
    /// The language of the report of disclosure control.
    #[arg(long, value_enum, default_value_t = Language::Da)]
    pub(super) language: Language,
    /// Do everything but record it and let it appear.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Why: the case, never the person; goes on record.
    #[arg(long, value_name = "TEXT")]
    pub(super) why: String,
    /// Who makes it. [default: the user's name]
    #[arg(long, value_name = "NAME")]
    pub(super) who: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum StdinForm {
    /// One JSON document a line.
    Ndjson,
    /// Rows under a header.
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum FormatName {
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated values.
    Csv,
    /// Typed columns, where tavs was built with them.
    Parquet,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum DialectName {
    /// `;` and a decimal comma, as a Danish spreadsheet opens.
    Danish,
    /// `,` and a decimal point (RFC 4180).
    International,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum EncodingName {
    /// UTF-8.
    #[value(name = "utf-8")]
    Utf8,
    /// ISO-8859-1, and windows-1252.
    #[value(name = "iso-8859-1")]
    Latin1,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum DelimiterName {
    /// `;`
    Semicolon,
    /// `,`
    Comma,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum OnError {
    /// The extract stops, and says where.
    Stop,
    /// It is passed over, counted, and its place written beside the extract.
    Skip,
}

fn size(text: &str) -> Result<u64, String> {
    let size = crate::policy::syntax::parse_size(text).map_err(|_flaw| "such as \"16 MiB\"".to_owned())?;
    if size == 0 { Err("at least 1 byte".to_owned()) } else { Ok(size) }
}
