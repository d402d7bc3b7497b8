//! `tavs keys map`: a recipient's old pseudonyms and the new ones for the same values, side by side.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead as _, BufReader};
use std::path::PathBuf;

use clap::ValueEnum;

use super::{KeysError, refused};
use crate::clock::Clock;
use crate::cpr;
use crate::pseudonym::{Input, Linkage, Pseudonymiser, Rows, Scheme, ValueKind, Wanted};
use crate::store::{PseudonymKey, Store};
use crate::table;

/// Show the pseudonyms of two key versions for the same values, for a recipient to carry its own
/// records over. CSV on standard output; only of pseudonyms that the recipient already has.
///
/// Not after a compromise: whoever has the old ones would have the new ones, too.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The key ring.
    file: PathBuf,
    /// The pseudonymisation domain.
    #[arg(long, value_name = "NAME")]
    domain: String,
    /// The policy's scheme. `sealed` opens the old ones; `keyed` needs the values themselves, on standard
    /// input; `table` needs the store, and draws new ones that are not there yet.
    #[arg(long)]
    scheme: SchemeName,
    /// The key version of the old ones.
    #[arg(long, value_name = "NUMBER")]
    from: u32,
    /// The key version of the new ones.
    #[arg(long, value_name = "NUMBER")]
    to: u32,
    /// The recipient's list: one old pseudonym a line.
    #[arg(long, value_name = "FILE")]
    old: PathBuf,
    /// The store, with `--scheme table`. It may be in use.
    #[arg(long, value_name = "FILE", required_if_eq("scheme", "table"))]
    store: Option<PathBuf>,
    /// What they stand for. A reference of the policy is an id of its resource type.
    #[arg(long, default_value = "cpr")]
    kind: KindName,
    /// The resource type of ids, as in the policy.
    #[arg(long, value_name = "TYPE", default_value = "")]
    r#type: String,
    /// The identifier system of regional e-CPRs, where the policy's location names one.
    #[arg(long, value_name = "SYSTEM", default_value = "")]
    system: String,
    /// Show the others where some lines of the list cannot be mapped; which, is told on standard error.
    #[arg(long)]
    skip_unknown: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SchemeName {
    Keyed,
    Sealed,
    Table,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum KindName {
    Cpr,
    Ecpr,
    Id,
    Phone,
    Email,
    Text,
}

impl KindName {
    const fn word(self) -> &'static str {
        match self {
            Self::Cpr => "cpr",
            Self::Ecpr => "ecpr",
            Self::Id => "id",
            Self::Phone => ValueKind::Phone.word(),
            Self::Email => ValueKind::Email.word(),
            Self::Text => ValueKind::Text.word(),
        }
    }

    /// What the pseudonym of a value is made of; `None` if it is none of this kind.
    fn canonical(self, value: &str) -> Option<String> {
        match self {
            Self::Cpr | Self::Ecpr => cpr::parse(value).map(|number| number.canonical().to_owned()),
            Self::Id => Some(value.to_owned()),
            Self::Phone => ValueKind::Phone.canonical(value),
            Self::Email => ValueKind::Email.canonical(value),
            Self::Text => ValueKind::Text.canonical(value),
        }
    }

    const fn noun_of_many(self) -> &'static str {
        match self {
            Self::Cpr => "CPR numbers",
            Self::Ecpr => "e-CPRs",
            Self::Id => "ids",
            Self::Phone => "telephone numbers",
            Self::Email => "e-mail addresses",
            Self::Text => "texts",
        }
    }

    const fn noun(self) -> &'static str {
        match self {
            Self::Cpr | Self::Ecpr => "number of a person",
            Self::Id => "id",
            Self::Phone => "telephone number",
            Self::Email => "e-mail address",
            Self::Text => "text",
        }
    }
}

/// Bytes of a list: a million pseudonyms.
const LONGEST: u64 = 64 << 20;
/// Lines that a refusal names.
const MOST_TOLD: usize = 10;
/// Lines that are looked up at once.
const BATCH: usize = 1000;

pub(super) fn run(args: &Args, clock: &Clock) -> Result<String, KeysError> {
    let ring = super::load(&args.file, clock)?;
    let scheme = match args.scheme {
        SchemeName::Keyed => Scheme::Keyed,
        SchemeName::Sealed => Scheme::Sealed,
        SchemeName::Table => Scheme::Table,
    };
    let maker = |version| {
        let made = ring.pseudonymiser_of(&args.domain, scheme, version);
        made.map_err(|source| KeysError::Ring { path: args.file.clone(), source })
    };
    let (from, to) = (maker(args.from)?, maker(args.to)?);
    let file = std::fs::File::open(&args.old)
        .map_err(|source| KeysError::Read { path: args.old.clone(), source })?;
    let old = lines(file).map_err(|source| KeysError::Read { path: args.old.clone(), source })?;
    let mut text = "old,new\n".to_owned();
    let unknown = match scheme {
        Scheme::Sealed => opened(args, &old, &from, &to, &mut text),
        Scheme::Table => looked_up(args, &old, &from, &to, &mut text)?,
        Scheme::Keyed | Scheme::Digits => computed(args, &old, &from, &to, &mut text)?,
    };
    if unknown.is_empty() {
        return Ok(text);
    }
    // Whoever leaves them out needs all of their numbers; whoever mistook an option, a few.
    let told = if args.skip_unknown { unknown.len() } else { MOST_TOLD };
    let numbers: Vec<String> = unknown.iter().take(told).map(usize::to_string).collect();
    let more = if unknown.len() > told { ", …" } else { "" };
    let what = format!(
        "{} of {} lines of the list are no pseudonyms of version {} of {} that can be mapped (lines {}{more})",
        unknown.len(),
        old.len(),
        args.from,
        args.kind.noun_of_many(),
        numbers.join(", ")
    );
    if args.skip_unknown && unknown.len() < old.len() {
        crate::cli::complain(&format!("{what}: left out\n"));
        return Ok(text);
    }
    refused(format!(
        "{what}: look at --from, --domain, --kind and --type, or leave them out with --skip-unknown; nothing is shown"
    ))
}

/// Opens each; gives the lines that do not.
fn opened(
    args: &Args,
    old: &[String],
    from: &Pseudonymiser,
    to: &Pseudonymiser,
    text: &mut String,
) -> Vec<usize> {
    let mut unknown = Vec::new();
    for (number, line) in (1..).zip(old) {
        let value = from.resolve(line, input(args, ""), false, &Rows::default());
        match value.and_then(|value| write(to, input(args, &value))) {
            Some(new) => *text += &format!("{line},{new}\n"),
            None => unknown.push(number),
        }
    }
    unknown
}

/// Looks each up, and the new one of its value, which goes with the same persons; gives the lines that
/// stand for nothing.
fn looked_up(
    args: &Args,
    old: &[String],
    from: &Pseudonymiser,
    to: &Pseudonymiser,
    text: &mut String,
) -> Result<Vec<usize>, KeysError> {
    let path = args.store.clone().unwrap_or_default();
    let cannot = |source| KeysError::Store { source };
    let store = Store::open_beside(&path).map_err(cannot)?;
    let held = table::Held::new(store.clone());
    let Some(new) = to.table() else { return Ok(Vec::new()) };
    let mut unknown = Vec::new();
    for (numbers, batch) in (1..).step_by(BATCH).zip(old.chunks(BATCH)) {
        let rows = table::rows(&store, from, batch.iter().map(String::as_str)).map_err(cannot)?;
        let mut wanted = Vec::new();
        for (number, line) in (numbers..).zip(batch) {
            let Some(value) = from.resolve(line, input(args, ""), false, &rows) else {
                unknown.push(number);
                continue;
            };
            let own = from
                .table()
                .map(|table| (table.domain(), table.version(), table.by_value(input(args, &value))));
            let (domain, version, index) = own.unwrap_or_default();
            let subjects = store.subjects_of(PseudonymKey { domain, version, index }).map_err(cannot)?;
            let Input { kind, resource_type, system, value } = input(args, &value);
            let (kind, resource_type, system) =
                (kind.to_owned(), resource_type.to_owned(), system.to_owned());
            let by_value = new.by_value(input(args, value));
            let value = value.to_owned();
            wanted.push((number, line, Wanted { by_value, kind, resource_type, system, value, subjects }));
        }
        let values: Vec<Wanted> = wanted.iter().map(|(_, _, one)| one.clone()).collect();
        let known = table::known(&held, to, &values).map_err(cannot)?;
        for (number, line, one) in wanted {
            match known.of(&one.by_value) {
                Some(drawn) => {
                    let mut out = Vec::new();
                    to.write_drawn(drawn, &mut out);
                    *text += &format!("{line},{}\n", String::from_utf8_lossy(&out));
                }
                None => unknown.push(number),
            }
        }
    }
    Ok(unknown)
}

/// Makes both for each value of standard input, and shows those that the recipient has.
fn computed(
    args: &Args,
    old: &[String],
    from: &Pseudonymiser,
    to: &Pseudonymiser,
    text: &mut String,
) -> Result<Vec<usize>, KeysError> {
    let values = lines(io::stdin().lock());
    let values =
        values.map_err(|source| KeysError::Read { path: PathBuf::from("standard input"), source })?;
    // Case carries no meaning in a pseudonym.
    let wanted: HashMap<String, &String> = old.iter().map(|line| (line.to_ascii_lowercase(), line)).collect();
    let mut found = HashSet::new();
    for (number, line) in (1..).zip(&values) {
        let Some(value) = args.kind.canonical(line) else {
            return refused(format!("line {number} of standard input is no {}", args.kind.noun()));
        };
        let pair = write(from, input(args, &value)).zip(write(to, input(args, &value)));
        if let Some((old, new)) = pair.and_then(|(old, new)| Some((*wanted.get(&old)?, new)))
            && found.insert(old)
        {
            *text += &format!("{old},{new}\n");
        }
    }
    let missing = (1..).zip(old).filter(|(_, old)| !found.contains(old));
    Ok(missing.map(|(number, _)| number).collect())
}

fn input<'a>(args: &'a Args, value: &'a str) -> Input<'a> {
    Input { kind: args.kind.word(), resource_type: &args.r#type, system: &args.system, value }
}

fn write(maker: &Pseudonymiser, input: Input<'_>) -> Option<String> {
    let mut out = Vec::new();
    maker.write(input, Linkage::Domain, &mut out).then(|| String::from_utf8(out).ok())?
}

fn lines(from: impl io::Read) -> io::Result<Vec<String>> {
    let lines = BufReader::new(from.take(LONGEST)).lines();
    let trimmed = lines.map(|line| line.map(|line| line.trim().to_owned()));
    trimmed.filter(|line| line.as_ref().map_or(true, |line| !line.is_empty())).collect()
}
