//! `tavs rewrite`: one route's rules, on standard input.

use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::policy_files::{self, Stop, count};
use crate::clock::Clock;
use crate::config::private;
use crate::judge::Everyone;
use crate::policy::checked::{MediaType, Policy, Route};
use crate::policy::diagnostic::{Diagnostic, render};
use crate::policy::plan::Plan;
use crate::policy::syntax::nearest;
use crate::pseudonym::{KeyRing, NONE_KNOWN};
use crate::rewrite::{Disclosure, Fault, NO_BASE, NO_ECHOES, Rewriter, Rewritten};
use crate::store::{Store, StoreError};
use crate::table;

/// Put standard input through a route's rules, as the proxy would a response.
///
/// Without --ring, pseudonyms are made with throw-away keys, other ones each time: those of two runs
/// cannot be compared. With it they are those that `tavs serve` makes; under `scheme = "table"` that
/// takes its store, too. Counts go to standard error. With bad input nothing is written to standard
/// output.
///
/// Exit code 0: good; 1: bad input, or a policy that has errors or has lapsed; 2: wrong usage, or a
/// file that cannot be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The policy file.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The route of it.
    #[arg(long, value_name = "NAME")]
    route: String,
    /// Use the keys of this ring: then the output holds real pseudonyms.
    #[arg(long, value_name = "RING")]
    ring: Option<PathBuf>,
    /// The store that goes with the ring, which may be in use: `scheme = "table"` has its pseudonyms there,
    /// and new ones are put there.
    #[arg(long, value_name = "FILE", requires = "ring")]
    store: Option<PathBuf>,
    /// As of this day instead of today, such as 2026-06-01.
    #[arg(long, value_name = "DATE", value_parser = policy_files::day)]
    at: Option<Date>,
    /// What the input is, as the upstream would say; must be one of the route's.
    /// [default: the route's first]
    #[arg(long, value_name = "TYPE", conflicts_with = "lines")]
    content_type: Option<String>,
    /// The input is one JSON document a line. [default: by the content type]
    #[arg(long)]
    lines: bool,
}

pub(crate) fn run(args: &Args) -> u8 {
    match output(args) {
        Ok(Rewritten { released, disclosure, document_withheld }) => {
            super::complain(&counts(&disclosure, document_withheld));
            // A file gets the bytes as the recipient would; a person gets an end of line.
            let end: &[u8] = if io::stdout().is_terminal() { b"\n" } else { b"" };
            super::show_bytes(&[released.body(), end].concat())
        }
        Err(Stop(code, text)) => {
            super::complain(&text);
            code
        }
    }
}

fn output(args: &Args) -> Result<Rewritten, Stop> {
    let policy = checked(&args.policy, args.at)?;
    let route = route(&policy, &args.route)?;
    let lines = is_lines(args, route)?;
    let ring = ring(args.ring.as_deref())?;
    let plan = Plan::compile(&policy, route, &ring).map_err(|errors| {
        let lines = errors.iter().map(|error| format!("error: {error}\n"));
        Stop(super::FINDINGS, lines.collect())
    })?;
    let store = store(args, &plan)?;
    let input = input(policy.limits.response)?;
    let salt = random::<16>()?;
    let faulty = |fault| Stop(super::FINDINGS, show_fault(&fault, &input));
    let rewriter = Rewriter {
        plan: &plan,
        salt: &salt,
        judge: &Everyone,
        echoes: &NO_ECHOES,
        base: NO_BASE,
        known: &NONE_KNOWN,
        lines,
    };
    let Some(store) = store else { return rewriter.run(&input, &mut ()).map_err(faulty) };
    let wanted = rewriter.needs(&input).map_err(faulty)?.wanted;
    let held = table::Held::new(store);
    let known = table::known(&held, plan.pseudonymiser(), &wanted).map_err(|error| unusable(&error))?;
    Rewriter { known: &known, ..rewriter }.run(&input, &mut ()).map_err(faulty)
}

/// Where the plan's pseudonyms stand, if they stand anywhere.
fn store(args: &Args, plan: &Plan) -> Result<Option<Store>, Stop> {
    if plan.pseudonymiser().table().is_none() {
        return Ok(None);
    }
    let Some(path) = &args.store else {
        let text = "error: this policy's pseudonyms stand in the store: give it, too, with `--store tavs.db`, \
                    or leave `--ring` out for throw-away keys\n";
        return Err(Stop(super::USAGE, text.to_owned()));
    };
    Store::open_beside(path).map(Some).map_err(|error| unusable(&error))
}

fn unusable(error: &StoreError) -> Stop {
    Stop(super::USAGE, format!("error: {error}\n"))
}

/// The policy, if it may take effect.
pub(super) fn checked(path: &Path, at: Option<Date>) -> Result<Policy, Stop> {
    let checked = policy_files::load(&[path.to_owned()], at).map_err(|faults| Stop(super::USAGE, faults))?;
    let errors: Vec<Diagnostic> = checked.diagnostics.into_iter().filter(Diagnostic::is_error).collect();
    if !errors.is_empty() {
        return Err(Stop(super::FINDINGS, render(&errors, &checked.files, super::colour())));
    }
    let mut policies = checked.policies.into_iter();
    match (policies.next(), policies.next()) {
        (Some(policy), None) => Ok(policy),
        _ => Err(Stop(super::USAGE, String::from("error: --policy wants one policy file\n"))),
    }
}

/// The route of this name.
pub(super) fn route<'p>(policy: &'p Policy, name: &str) -> Result<&'p Route, Stop> {
    policy.routes.iter().find(|route| route.name == name).ok_or_else(|| {
        let names: Vec<&str> = policy.routes.iter().map(|route| route.name.as_str()).collect();
        let near = nearest(name, names.iter().copied());
        let hint = near.map_or_else(
            || format!("it has `{}`", names.join("`, `")),
            |near| format!("did you mean `{near}`?"),
        );
        Stop(super::USAGE, format!("error: `{}` has no route `{name}`; {hint}\n", policy.file))
    })
}

fn is_lines(args: &Args, route: &Route) -> Result<bool, Stop> {
    let allowed = &route.response.media_types;
    let Some(written) = &args.content_type else {
        return Ok(args.lines || allowed.first().is_some_and(|one| one.is_lines()));
    };
    let known = MediaType::ALL.into_iter().find(|one| one.essence() == written);
    match known.filter(|one| allowed.contains(one)) {
        Some(media_type) => Ok(media_type.is_lines()),
        None => {
            let names: Vec<&str> = allowed.iter().map(|one| one.essence()).collect();
            let text = format!("error: the route does not take `{written}`: only `{}`\n", names.join("`, `"));
            Err(Stop(super::FINDINGS, text))
        }
    }
}

fn ring(path: Option<&Path>) -> Result<KeyRing, Stop> {
    let Some(path) = path else { return Ok(KeyRing::throw_away(random()?)) };
    let text =
        private::read_private(path).map_err(|error| Stop(super::USAGE, format!("error: {error}\n")))?;
    KeyRing::parse(&text, Clock::system().timestamp())
        .map_err(|error| Stop(super::USAGE, format!("error: `{}`: {error}\n", path.display())))
}

/// Random bytes of the system's.
pub(super) fn random<const N: usize>() -> Result<[u8; N], Stop> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Stop(super::USAGE, format!("error: the system gives no random bytes: {error}\n")))?;
    Ok(bytes)
}

/// Standard input, up to what the policy allows a response to have.
fn input(most: usize) -> Result<Vec<u8>, Stop> {
    let room = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(room)
        .read_to_end(&mut bytes)
        .map_err(|error| Stop(super::USAGE, format!("error: cannot read standard input: {error}\n")))?;
    if bytes.len() > most {
        let text =
            format!("error: the input is longer than `response` of the policy's limits: {most} bytes\n");
        return Err(Stop(super::FINDINGS, text));
    }
    Ok(bytes)
}

/// Where the input cannot stand; nothing of what stands there.
fn show_fault(fault: &Fault, input: &[u8]) -> String {
    let before = input.get(..fault.offset).unwrap_or(input);
    let line = before.iter().filter(|byte| **byte == b'\n').count().saturating_add(1);
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at.saturating_add(1));
    let text = String::from_utf8_lossy(before.get(start..).unwrap_or_default());
    let column = text.chars().count().saturating_add(1);
    let (kind, offset) = (fault.kind, fault.offset);
    format!("error: {kind}\n  --> standard input, line {line}, column {column} (byte {offset})\n")
}

fn counts(disclosure: &Disclosure, document_withheld: bool) -> String {
    let released: u64 = disclosure.released_by_rule.iter().map(|count| u64::from(*count)).sum();
    let Disclosure { subjects, withheld, unfit, cpr_in_text, records, records_withheld, .. } = disclosure;
    let address_protected = disclosure.address_protected;
    let subjects = count(subjects.len(), "subject", "subjects");
    let mut text = format!(
        "values: {released} released, {withheld} withheld, {unfit} unfit; \
         records: {records} released of {subjects}, {records_withheld} withheld; \
         CPR numbers in text: {cpr_in_text}\n",
    );
    if address_protected > 0 {
        text += &format!("withheld for name and address protection: {address_protected}\n");
    }
    if document_withheld {
        text += "the document is one record, and it is withheld: the proxy would answer 404\n";
    }
    text
}
