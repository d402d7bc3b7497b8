//! Disclosure control of an extract, before any of it is written for the researcher.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::super::policy_files::Stop;
use super::super::subject::report::Language as Asked;
use super::super::{CONTROL, USAGE};
use super::work::{Work, beside};
use super::{Desk, stop};
use crate::clock::Clock;
use crate::extract::control::{self, ControlError, Settings, Table};
use crate::extract::run::Staged;
use crate::reports::{ControlReport, Enforced, Language, Recoded};

/// The rows that may leave, and what was done for it.
#[derive(Debug)]
pub(super) struct Controlled {
    pub(super) tables: Vec<PathBuf>,
    /// None where nothing was examined.
    pub(super) examined: bool,
    pub(super) rows_suppressed: u64,
    pub(super) coarser: Vec<Recoded>,
    /// In a line.
    pub(super) told: String,
}

/// Counts who shares what; where too few do, enforces the policy's rule, or stops.
pub(super) fn control(desk: &Desk<'_>, staged: &Staged, work: &Work) -> Result<Controlled, Stop> {
    let (policy, extract) = (&desk.ground.policy, &desk.ground.extract);
    let as_it_is = |told: String, examined| Controlled {
        tables: staged.tables.clone(),
        examined,
        rows_suppressed: 0,
        coarser: Vec::new(),
        told,
    };
    if extract.tables.is_empty() {
        return Ok(as_it_is(NO_TABLES.to_owned(), false));
    }
    let pairs = extract.tables.iter().zip(&staged.tables);
    let tables: Vec<Table> = pairs.map(|(table, path)| Table::of(table, vec![path.clone()])).collect();
    let settings = Settings::new(extract.k);
    let found = control::examine(&tables, &settings, work.path()).map_err(failed)?;
    let met = found.met;
    let ways =
        if met { Vec::new() } else { control::ways(&tables, &settings, work.path()).map_err(failed)? };
    let mut report = ControlReport {
        recipient: policy.recipient.name.clone(),
        purpose: policy.purpose.id.as_str().to_owned(),
        policy: policy.file.clone(),
        policy_version: policy.version.to_string(),
        extract: desk.id.to_string(),
        made: Clock::system().unix_millis(),
        found,
        ways,
        enforced: None,
    };
    let shown = write(desk, &report)?;
    if met {
        return Ok(as_it_is(format!("k = {} is met; {shown}\n", extract.k), true));
    }
    if !desk.leaving.enforce {
        let text = format!(
            "k = {} is not met, and nothing appears; {shown}; let the policy's rule make it so with --enforce",
            extract.k
        );
        return Err(stop(CONTROL, text));
    }
    let files = (0..tables.len()).map(|number| work.again(&format!("table-{number}.enforced")));
    let files = files.collect::<Result<Vec<_>, _>>()?;
    let enforced: Enforced = control::enforce(&tables, &settings, work.path(), &files).map_err(failed)?;
    let controlled = Controlled {
        tables: files,
        examined: true,
        rows_suppressed: enforced.way.rows_suppressed,
        coarser: enforced.way.coarser.clone(),
        told: format!("k = {} was not met, and is by the policy's rule; {shown}\n", extract.k),
    };
    report.enforced = Some(enforced);
    write(desk, &report)?;
    Ok(controlled)
}

const NO_TABLES: &str = "the policy has no tables: nothing was examined for disclosure control\n";

fn failed(error: ControlError) -> Stop {
    let code = match &error {
        ControlError::Unreachable { .. } | ControlError::NotReached | ControlError::Together { .. } => {
            CONTROL
        }
        ControlError::Staged(_) | ControlError::Work { .. } | ControlError::Tables => USAGE,
    };
    stop(code, error)
}

/// Writes the report beside the extract, as a page and for programs, and says where.
fn write(desk: &Desk<'_>, report: &ControlReport) -> Result<String, Stop> {
    let output = desk.output;
    let language = match desk.leaving.language {
        Asked::Da => Language::Da,
        Asked::En => Language::En,
    };
    let json = report.json().map_err(|error| stop(USAGE, error))?;
    let page = beside(output, ".control.html");
    put(&beside(output, ".control.json"), &json)?;
    put(&page, &report.html(language))?;
    Ok(format!("the report is `{}`", page.display()))
}

/// SECURITY: a combination that one person has points at that person; for the owner alone. Renamed over what stood
/// there, which could be a link, or anybody's to read.
fn put(path: &Path, text: &str) -> Result<(), Stop> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let written = || -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or_else(|| Path::new(".")))?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    written().map_err(|error| stop(USAGE, format!("cannot write `{}`: {error}", path.display())))
}
