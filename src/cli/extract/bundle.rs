//! What goes with an extract's data: codebook, what is to be deleted, manifest and signature.

use std::path::Path;

use super::super::policy_files::{Stop, count};
use super::super::{FINDINGS, USAGE};
use super::args::{DialectName, FormatName};
use super::control::Controlled;
use super::release::Written;
use super::work::Work;
use super::{Desk, stop};
use crate::extract::bundle::{
    self, Bundle, BundleError, Codebook, Counts, Form, Keyed, PolicyFile, Previous, Protection, deleted,
};
use crate::extract::run::Staged;
use crate::ids::SubjectSet;
use crate::policy::checked::Order;
use crate::reports::Recoded;

/// Writes it beside the data files, and says what of it is to be known.
pub(super) fn write(
    desk: &Desk<'_>,
    staged: &Staged,
    controlled: &Controlled,
    written: &[Written],
    work: &Work,
) -> Result<String, Stop> {
    let (policy, extract) = (&desk.ground.policy, &desk.ground.extract);
    let key = desk.ground.ring.checkpoint_key().map_err(|error| stop(USAGE, error))?;
    let out = work.out();
    let (mut told, mut previous) = (String::new(), None);
    if let Some(directory) = &desk.leaving.previous {
        let now: Vec<Keyed> = written
            .iter()
            .zip(&extract.tables)
            .map(|(one, table)| Keyed {
                staged: one.staged.clone(),
                columns: table.columns.len(),
                keys: table.keys().collect(),
            })
            .collect();
        let of =
            (policy.recipient.id.as_str(), policy.purpose.id.as_str(), policy.pseudonyms.domain.as_str());
        let before = Previous { directory, key: key.public(), of };
        work.fresh_output(bundle::DELETED)?;
        let (id, gone) = deleted(&before, &now, work.path(), &out).map_err(failed)?;
        let gone = count(usize::try_from(gone).unwrap_or(usize::MAX), "pseudonym", "pseudonyms");
        told = format!("{gone} of the extract before to be deleted: deleted.csv\n");
        previous = Some(id);
    }
    let tables = written.iter().map(|one| (one.file.as_str(), &one.counted));
    let codebook = Codebook::of(policy, extract, tables, &controlled.coarser);
    let codebook = match desk.leaving.format {
        FormatName::Parquet => codebook.with_written(),
        FormatName::Ndjson | FormatName::Csv => codebook,
    };
    let persons: SubjectSet = staged.persons.iter().flatten().copied().collect();
    let bundle = Bundle {
        extract: desk.id.to_string(),
        made: desk.made.to_string(),
        recipient: (policy.recipient.id.as_str().to_owned(), policy.recipient.name.clone()),
        purpose: policy.purpose.id.as_str().to_owned(),
        domain: policy.pseudonyms.domain.clone(),
        policy: PolicyFile { file: file_name(&policy.file), version: policy.version.to_string() },
        form: match (desk.leaving.format, desk.leaving.csv) {
            // Records leave as they were released, whatever the form of tables is.
            _ if extract.tables.is_empty() => Form::Ndjson,
            (FormatName::Ndjson, _) => Form::Ndjson,
            (FormatName::Parquet, _) => Form::Parquet,
            (FormatName::Csv, DialectName::Danish) => Form::CsvDanish,
            (FormatName::Csv, DialectName::International) => Form::CsvInternational,
        },
        sorted: extract.order == Order::Pseudonym,
        protection: controlled.examined.then(|| Protection {
            k: extract.k,
            rows_suppressed: controlled.rows_suppressed,
            coarser: controlled.coarser.iter().map(coarser).collect(),
        }),
        counts: Counts {
            records: staged.counts.routes.iter().map(|route| route.records).sum(),
            persons: persons.len() as u64,
            skipped: staged.counts.skipped,
        },
        codebook,
        previous,
    };
    for name in ["codebook.json", "codebook.csv", "README.md", bundle::MANIFEST, bundle::SIGNATURE] {
        work.fresh_output(name)?;
    }
    bundle::write(&out, &bundle, &staged.hashed, &key).map_err(failed)?;
    Ok(told)
}

/// The folders that it stands in say something of this machine, and nothing to the recipient.
fn file_name(path: &str) -> String {
    Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// `patients.birth_year: step = 5`.
fn coarser(one: &Recoded) -> String {
    format!("{}.{}: {}", one.table, one.column, one.to.as_deref().unwrap_or("missing"))
}

fn failed(error: BundleError) -> Stop {
    let code = match &error {
        BundleError::Manifest { .. }
        | BundleError::OtherExtract { .. }
        | BundleError::Changed { .. }
        | BundleError::Data { .. } => FINDINGS,
        BundleError::Io { .. }
        | BundleError::Staged(_)
        | BundleError::Parquet(_)
        | BundleError::Work(_)
        | BundleError::Coding => USAGE,
    };
    stop(code, error)
}
