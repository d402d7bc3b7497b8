//! Looks whether a ledger can be used, and leaves no trace: nothing is made, locked or set aside.

use std::path::Path;

use super::error::LedgerError;
use super::read::Tail;
use super::segment::{self, present_path_of};
use super::writer::{check_directory, check_segment};

/// The number of a ledger's last record, and when it was made; none where there is no record yet. Its last
/// segment is verified, and who can get at it. It may be written meanwhile.
///
/// # Errors
/// Why a start would refuse it.
pub fn look(directory: &Path) -> Result<Option<(u64, u64)>, LedgerError> {
    check_directory(directory)?;
    let Some(last) = segment::list(directory)?.pop() else { return Ok(None) };
    check_segment(&present_path_of(directory, last))?;
    let mut tail = Tail::before_end(directory, 1)?;
    Ok(tail.advance()?.map(|record| (record.sequence, record.event.unix_millis())))
}
