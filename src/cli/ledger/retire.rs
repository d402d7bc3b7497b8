//! `tavs ledger retire`: let go of segments whose records are all past their retention.

use std::borrow::Cow;
use std::path::PathBuf;

use jiff::civil::Date;

use super::super::{FINDINGS, GOOD, USAGE, complain, keys, show};
use super::{read_config, refuse};
use crate::clock::Clock;
use crate::config::Config;
use crate::cpr::{self, Search};
use crate::ledger::retire::{Plan, Terms, announce, plan, remove};
use crate::ledger::{Act, ActKind, Anchor, Ledger, Note, Settings};
use crate::store::Store;

/// Retire the oldest segments whose records are all past their retention (`[ledger.retention]`). The
/// proxy must not be running.
///
/// Each is said to be retired by a signed checkpoint, which the anchor gets too; what is left still
/// verifies as one chain. Policy versions and changes of the registry are recorded again before their
/// segment goes. The index lets go of the same records. They cannot be had back: look at --dry-run first.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "tavs.toml")]
    config: PathBuf,
    /// The day by which retention must have ended instead of today, such as 2026-06-01; not after today.
    #[arg(long, value_name = "DATE", value_parser = crate::cli::policy_files::day)]
    at: Option<Date>,
    /// Only say what would go.
    #[arg(long)]
    dry_run: bool,
    /// Who retires them; stands in the ledger.
    #[arg(long, value_name = "NAME", required_unless_present = "dry_run")]
    who: Option<String>,
    /// Why; stands in the ledger.
    #[arg(long, value_name = "TEXT", default_value = "retention")]
    why: String,
}

pub(crate) fn run(args: &Args) -> u8 {
    match try_run(args) {
        Ok(code) | Err(code) => code,
    }
}

fn fail(told: &str) -> u8 {
    complain(&format!("tavs ledger retire: {told}\n"));
    USAGE
}

fn try_run(args: &Args) -> Result<u8, u8> {
    let config = read_config(&args.config)?;
    let clock = Clock::system();
    let at = args.at.unwrap_or_else(|| clock.today());
    if at > clock.today() {
        return Err(fail("`--at` is a day that has not come yet"));
    }
    let who = args.who.as_deref().unwrap_or_default();
    if [who, &args.why].iter().any(|text| cpr::search(text, &mut Vec::new()) != Search::Clean) {
        return Err(fail("`--who` and `--why` stand in the ledger and may not hold a CPR"));
    }
    let Some(terms) = &config.ledger.retention else {
        return Err(fail(
            "tavs.toml says nothing of retention: add `[ledger.retention]` with `default = \"5 years\"`",
        ));
    };
    if args.dry_run {
        let store = Store::open_beside(&config.store.value).map_err(|error| fail(&error.to_string()))?;
        let plan = look(&config, terms, at, &store)?;
        return Ok(show(&tell(&plan, at, "would be")));
    }
    retire(&config, terms, at, args, &clock)
}

fn look(config: &Config, terms: &Terms, at: Date, store: &Store) -> Result<Plan, u8> {
    let category = |policy| store.policy(policy).ok().flatten().map(|policy| policy.category);
    plan(&config.ledger.directory.value, terms, at, category).map_err(|error| refuse("retire", &error))
}

fn retire(config: &Config, terms: &Terms, at: Date, args: &Args, clock: &Clock) -> Result<u8, u8> {
    let directory = &config.ledger.directory.value;
    let settings = Settings {
        directory: directory.clone(),
        node: config.ledger.node.clone(),
        new_log: [0; 16],
        limits: config.ledger.limits,
    };
    if crate::ledger::index::log_of(directory).map_err(|error| refuse("retire", &error))?.is_none() {
        return Err(fail("there is no ledger yet"));
    }
    // Taken for this process, so that nothing is written meanwhile.
    let (ledger, found) = Ledger::open(settings).map_err(|error| refuse("retire", &error))?;
    if let Some((path, bytes)) = found.set_aside {
        complain(&format!("an incomplete last write ({bytes} bytes) is set aside in `{}`\n", path.display()));
    }
    // Only now: to open it may bring its schema up to date, under whoever served from it.
    let store = Store::open(&config.store.value).map_err(|error| fail(&error.to_string()))?;
    // Before anything is announced.
    store.bind(ledger.log()).map_err(|error| fail(&error.to_string()))?;
    let plan = look(config, terms, at, &store)?;
    let Some(upto) = plan.segments.last().map(|ended| ended.tip.0) else {
        return Ok(show(&tell(&plan, at, "was")));
    };
    let indexed = store.position(ledger.log()).map_err(|error| fail(&error.to_string()))?;
    if indexed.is_none_or(|position| position.sequence < upto) {
        return Err(fail("the index has not come so far; run `tavs ledger reindex` first"));
    }
    let key = keys::checkpoint_key(&config.keys.value).map_err(|error| fail(&error.to_string()))?;
    let anchor = config.ledger.anchor.as_ref().map(|anchor| Anchor::new(&anchor.value, clock));
    crate::net::install_crypto();
    let anchor = anchor.transpose().map_err(|error| fail(&error.to_string()))?;
    let act = Note::Act(Act {
        unix_millis: clock.unix_millis(),
        kind: ActKind::Operation,
        what: Cow::Borrowed("retire"),
        begun: None,
        who: args.who.clone().unwrap_or_default(),
        why: format!("{}: records up to {upto}, at {at}", args.why),
        subjects: Vec::new(),
        purpose: None,
        recipient: None,
        policy: None,
        change: None,
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| fail(&format!("cannot start: {error}")))?;
    let announced = runtime.block_on(async {
        announce(&ledger, &plan, act, &key, anchor.as_ref(), clock.unix_millis()).await?;
        Ok::<_, crate::ledger::retire::RetireError>(ledger.close().await?)
    });
    announced.map_err(|error| fail(&error.to_string()))?;
    // Before the segments: what is left of a retirement that is cut short can be retired again.
    store.forget_index(ledger.log(), upto).map_err(|error| fail(&error.to_string()))?;
    remove(directory, &plan).map_err(|error| fail(&error.to_string()))?;
    match show(&tell(&plan, at, "was")) {
        GOOD => Ok(GOOD),
        _closed => Ok(FINDINGS),
    }
}

fn tell(plan: &Plan, at: Date, tense: &str) -> String {
    let (first, last) = (plan.segments.first(), plan.segments.last());
    let mut text = match (first, last) {
        (Some(first), Some(last)) => format!(
            "segments {} to {}, records up to {}: {tense} retired at {at}\n{} policy versions and registry changes: recorded again\n",
            first.segment,
            last.segment,
            last.tip.0,
            plan.carried.len()
        ),
        _ => format!("nothing {tense} retired at {at}\n"),
    };
    if let Some(day) = plan.kept_until {
        text.push_str(&format!("the next segment is kept until {day} at least\n"));
    }
    text
}
