//! A row as bytes.

use super::super::row::{Cell, Row};
use crate::ids::SubjectId;

const MISSING: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const NUMBER: u8 = 3;
const TEXT: u8 = 4;
/// Bytes of a subject id.
const PERSON: usize = 16;

pub(super) fn write(row: &Row, out: &mut Vec<u8>) {
    write_length(row.persons.len(), out);
    for person in &row.persons {
        out.extend_from_slice(&person.0);
    }
    for cell in &row.cells {
        write_cell(cell, out);
    }
}

/// A cell in a form that no other cell has, and that no other begins with.
pub(in crate::extract) fn write_cell(cell: &Cell, out: &mut Vec<u8>) {
    match cell {
        Cell::Missing => out.push(MISSING),
        Cell::Boolean(false) => out.push(FALSE),
        Cell::Boolean(true) => out.push(TRUE),
        Cell::Number(text) => write_text(NUMBER, text, out),
        Cell::Text(text) => write_text(TEXT, text, out),
    }
}

fn write_text(kind: u8, text: &str, out: &mut Vec<u8>) {
    out.push(kind);
    write_length(text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

/// LEB128.
fn write_length(mut length: usize, out: &mut Vec<u8>) {
    loop {
        let low = u8::try_from(length & 0x7f).unwrap_or_default();
        length >>= 7;
        if length == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Reads one row, of whose cells only those of `wanted` columns, the others are missing; gives what follows. `None` if
/// the bytes are no row.
pub(super) fn read<'a>(bytes: &'a [u8], wanted: &[bool], row: &mut Row) -> Option<&'a [u8]> {
    row.persons.clear();
    row.cells.clear();
    let (persons, rest) = read_length(bytes)?;
    let (ids, mut rest) = rest.split_at_checked(persons.checked_mul(PERSON)?)?;
    let ids = ids.chunks_exact(PERSON).filter_map(|id| id.try_into().ok());
    row.persons.extend(ids.map(SubjectId));
    for is_wanted in wanted {
        let (cell, after) = if *is_wanted { read_cell(rest)? } else { (Cell::Missing, pass_over(rest)?) };
        row.cells.push(cell);
        rest = after;
    }
    Some(rest)
}

/// What follows a cell.
fn pass_over(bytes: &[u8]) -> Option<&[u8]> {
    let (kind, rest) = bytes.split_first()?;
    match *kind {
        MISSING | FALSE | TRUE => Some(rest),
        NUMBER | TEXT => {
            let (length, rest) = read_length(rest)?;
            rest.get(length..)
        }
        _ => None,
    }
}

/// Reads one cell, and gives what follows.
fn read_cell(bytes: &[u8]) -> Option<(Cell, &[u8])> {
    let (kind, rest) = bytes.split_first()?;
    Some(match *kind {
        MISSING => (Cell::Missing, rest),
        FALSE => (Cell::Boolean(false), rest),
        TRUE => (Cell::Boolean(true), rest),
        NUMBER => {
            let (text, rest) = read_text(rest)?;
            (Cell::Number(text), rest)
        }
        TEXT => {
            let (text, rest) = read_text(rest)?;
            (Cell::Text(text), rest)
        }
        _ => return None,
    })
}

fn read_text(bytes: &[u8]) -> Option<(Box<str>, &[u8])> {
    let (length, rest) = read_length(bytes)?;
    let (text, rest) = rest.split_at_checked(length)?;
    Some((Box::from(std::str::from_utf8(text).ok()?), rest))
}

fn read_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut length = 0_usize;
    for (at, byte) in bytes.iter().enumerate() {
        let shift = u32::try_from(at).ok()?.checked_mul(7)?;
        // Bits shifted out of the number would be lost unseen.
        let part = usize::from(byte & 0x7f);
        let shifted = part.checked_shl(shift)?;
        if shifted >> shift != part {
            return None;
        }
        length |= shifted;
        if byte & 0x80 == 0 {
            return Some((length, bytes.get(at.checked_add(1)?..)?));
        }
    }
    None
}
