//! `tavs keys map`: a recipient's old pseudonyms and the new ones for the same values, side by side.

use std::collections::HashSet;
use std::io::{self, BufRead as _, BufReader};
use std::path::PathBuf;

use clap::ValueEnum;

use super::{KeysError, refused};
use crate::clock::Clock;
use crate::cpr;
use crate::pseudonym::{Input, Linkage, Pseudonymiser, Scheme};

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
    /// The policy's scheme. `sealed` opens the old ones; `keyed` needs the values themselves.
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
    /// What they stand for.
    #[arg(long, default_value = "cpr")]
    kind: KindName,
    /// The resource type of ids, as in the policy.
    #[arg(long, value_name = "TYPE", default_value = "")]
    r#type: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SchemeName {
    Keyed,
    Sealed,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum KindName {
    Cpr,
    Ecpr,
    Id,
}

impl KindName {
    const fn word(self) -> &'static str {
        match self {
            Self::Cpr => "cpr",
            Self::Ecpr => "ecpr",
            Self::Id => "id",
        }
    }
}

/// Bytes of a list: a million pseudonyms.
const LONGEST: u64 = 64 << 20;

pub(super) fn run(args: &Args, clock: &Clock) -> Result<String, KeysError> {
    let ring = super::load(&args.file, clock)?;
    let scheme = match args.scheme {
        SchemeName::Keyed => Scheme::Keyed,
        SchemeName::Sealed => Scheme::Sealed,
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
        Scheme::Keyed | Scheme::Digits => computed(args, &old, &from, &to, &mut text)?,
    };
    if unknown.is_empty() {
        return Ok(text);
    }
    let count = unknown.len();
    let first = unknown.iter().take(10).map(usize::to_string).collect::<Vec<_>>().join(", ");
    refused(format!(
        "{count} of {} lines of the list are no pseudonyms of version {} that can be mapped (lines {first}); nothing is shown",
        old.len(),
        args.from
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
        let value = from.resolve(line, input(args, ""), false);
        match value.and_then(|value| write(to, input(args, &value))) {
            Some(new) => *text += &format!("{line},{new}\n"),
            None => unknown.push(number),
        }
    }
    unknown
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
    let wanted: HashSet<&str> = old.iter().map(String::as_str).collect();
    let mut found = HashSet::new();
    for (number, line) in (1..).zip(&values) {
        let canonical = match args.kind {
            KindName::Id => Some(line.clone()),
            KindName::Cpr | KindName::Ecpr => cpr::parse(line).map(|number| number.canonical().to_owned()),
        };
        let Some(value) = canonical else {
            return refused(format!("line {number} of standard input is no number of a person"));
        };
        let pair = write(from, input(args, &value)).zip(write(to, input(args, &value)));
        if let Some((old, new)) = pair.filter(|(old, _)| wanted.contains(old.as_str())) {
            *text += &format!("{old},{new}\n");
            found.insert(old);
        }
    }
    let missing = (1..).zip(old).filter(|(_, old)| !found.contains(*old));
    Ok(missing.map(|(number, _)| number).collect())
}

fn input<'a>(args: &'a Args, value: &'a str) -> Input<'a> {
    Input { kind: args.kind.word(), resource_type: &args.r#type, system: "", value }
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
