//! One piece of input through the rewriter, and what is selected of it: what the threads of a run do.
//!
//! What must never happen here: a line that cannot be rewritten passed over unsaid; anything but what the rewriter
//! released in what comes out.

use sha2::{Digest as _, Sha256};

use super::input::{Form, Input, Place};
use super::parts::fault_in;
use super::rest::Rest;
use super::run::{Ruled, RunError, by_form};
use super::select::{SelectError, Selected, Selection};
use super::tally::{Skipped, Tally};
use crate::ids::SubjectId;
use crate::policy::checked::Linkability;
use crate::policy::plan::Plan;
use crate::pseudonym::{NONE_KNOWN, Salt};
use crate::rewrite::{
    self, Fault, FaultKind, NO_BASE, NO_ECHOES, Part, Parting, RecordAt, Rewriter, Rewritten,
};
use crate::subjects::{Circumstances, Subjects, Weighed};

/// What all pieces of a run share.
#[derive(Debug)]
pub(super) struct Desk<'a> {
    /// Of the extract's routes, in their order.
    pub(super) plans: &'a [Ruled<'a>],
    pub(super) inputs: &'a [Input],
    pub(super) selection: Selection<'a>,
    pub(super) linkability: Linkability,
    pub(super) subjects: &'a Subjects,
    pub(super) circumstances: Circumstances<'a>,
    pub(super) weighed: &'a Weighed,
    pub(super) salt: &'a Salt,
    /// Whether lines and documents that cannot be rewritten are passed over, and said.
    pub(super) skips: bool,
    /// Bytes of a line or document, or of a record of a document in parts.
    pub(super) most: usize,
}

impl Desk<'_> {
    /// Whether what is released leaves as it is: the policy has no tables.
    const fn selects_nothing(&self) -> bool {
        self.selection.tables.is_empty()
    }
}

/// A piece of input.
#[derive(Debug)]
pub(super) struct Piece {
    /// From 0, over all files.
    pub(super) number: u64,
    /// Which file.
    pub(super) input: usize,
    pub(super) form: Form,
    /// Where it begins; of a part where it ends.
    pub(super) at: Place,
    /// Where the next one begins.
    pub(super) end: Place,
    pub(super) bytes: Vec<u8>,
    /// Bytes of the file that it stands for.
    pub(super) length: u64,
    /// What it is of a document in parts.
    pub(super) parted: Option<Parted>,
}

/// A part of a document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parted {
    pub(super) parting: Parting,
    /// Where its records stand.
    pub(super) place: rewrite::Place,
}

/// What came of a piece.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) number: u64,
    pub(super) input: usize,
    /// By which of the extract's routes.
    pub(super) route: usize,
    pub(super) form: Form,
    /// Of a document in parts: which, and whether some record is in what is released.
    pub(super) part: Option<(Part, bool)>,
    /// Where the next piece begins.
    pub(super) end: Place,
    /// Bytes read.
    pub(super) length: u64,
    /// What leaves as it was released; empty where tables select from it.
    pub(super) released: Vec<u8>,
    pub(super) selected: Selected,
    pub(super) tally: Tally,
    pub(super) subjects: Vec<SubjectId>,
    pub(super) skipped: Vec<Skipped>,
}

/// Rewrites a piece, and selects from what is released.
pub(super) fn work(desk: &Desk<'_>, piece: Piece) -> Result<Done, RunError> {
    if piece.parted.is_some() {
        return part(desk, piece);
    }
    let Piece { number, input, form, at, end, bytes, length, parted: _ } = piece;
    let mut done = Done {
        number,
        input,
        route: 0,
        form,
        part: None,
        end,
        length,
        released: Vec::new(),
        selected: Selected::new(desk.selection.tables),
        tally: Tally::default(),
        subjects: Vec::new(),
        skipped: Vec::new(),
    };
    let Some((route, plan)) = by_form(desk.plans, form) else { return Ok(done) };
    done.route = route;
    let salts = Salts { desk, number };
    let (mut rest, mut at, mut part) = (Rest::of(&bytes, form), at, 0_u64);
    loop {
        let tried = rest.next();
        let Some(fault) = part_of(desk, plan, form, &salts.of(part), tried, &mut done)? else {
            if !rest.went_well(tried) {
                return Ok(done);
            }
            at = at.after(tried);
            part = part.saturating_add(1);
            continue;
        };
        let place = |offset: usize| at.after(tried.get(..offset).unwrap_or(tried));
        if !desk.skips {
            let Place { offset, line } = place(fault.offset);
            return Err(fault_at(desk, input, Place { offset, line }, fault.kind));
        }
        if form == Form::Document {
            done.skipped.push(Skipped {
                input,
                offset: at.offset,
                line: at.line,
                why: why(form, fault.kind),
            });
            return Ok(done);
        }
        let (before, broken) = rest.without(tried, fault.offset);
        if part_of(desk, plan, form, &salts.of(part), before, &mut done)?.is_some() {
            // What came before the first fault has none.
            return Err(fault_at(desk, input, at, fault.kind));
        }
        let line = at.after(before);
        done.skipped.push(Skipped {
            input,
            offset: line.offset,
            line: line_of(form, line),
            why: why(form, fault.kind),
        });
        at = line.after(broken);
        part = part.saturating_add(1);
    }
}

/// Rewrites a part of a document, and selects from it.
fn part(desk: &Desk<'_>, piece: Piece) -> Result<Done, RunError> {
    let Piece { number, input, form, at: _, end, bytes, length, parted } = piece;
    let (Some((route, plan)), Some(parted), Some(own)) =
        (by_form(desk.plans, form), parted, desk.inputs.get(input))
    else {
        return Err(RunError::Released);
    };
    let salt = Salts { desk, number }.of(0);
    let judge = desk.subjects.judge(desk.circumstances, desk.weighed);
    let rewriter = rewriter(plan, &salt, &judge, false);
    let fault = |fault: Fault| fault_in(own, parted.place.of(fault), desk.most);
    let mut selected = Selected::new(desk.selection.tables);
    // Whether a record has left before, only who takes the parts in their order knows.
    let parting = Parting { after_records: true, ..parted.parting };
    let (done, document, records) = rewriter.part_held_back(&bytes, parting).map_err(fault)?;
    let rewrite::Parted { rewritten, has_records } = done;
    let text = utf8(document.body())?;
    if !desk.selects_nothing() {
        match selected.document(&desk.selection, (text, 0, text.len()), (&records, plan.record_path())) {
            Err(SelectError::Around) => return Err(fault(Fault { kind: FaultKind::NotParted, offset: 0 })),
            selected => selected?,
        }
    }
    let mut tally = Tally::default();
    tally.add(&rewritten.disclosure);
    let released = if desk.selects_nothing() { rewritten.released.into_body() } else { Vec::new() };
    Ok(Done {
        number,
        input,
        route,
        form,
        part: Some((parted.parting.part, has_records)),
        end,
        length,
        released,
        selected,
        tally,
        subjects: rewritten.disclosure.subjects,
        skipped: Vec::new(),
    })
}

fn rewriter<'a, J>(plan: &'a Plan, salt: &'a Salt, judge: &'a J, lines: bool) -> Rewriter<'a, J> {
    Rewriter { plan, salt, judge, echoes: &NO_ECHOES, base: NO_BASE, known: &NONE_KNOWN, lines }
}

fn fault_at(desk: &Desk<'_>, input: usize, at: Place, kind: FaultKind) -> RunError {
    let Some(input) = desk.inputs.get(input) else { return RunError::Released };
    let (path, line) = (input.path.clone(), line_of(input.form, at));
    match input.form {
        Form::Csv => RunError::Row { path, line, why: why(input.form, kind) },
        Form::Lines | Form::Document => RunError::Fault { path, line, offset: at.offset, kind },
    }
}

/// The line of the file. Rows come after a header, each on its own line as far as can be told.
const fn line_of(form: Form, at: Place) -> u64 {
    match form {
        Form::Csv => at.line.saturating_add(1),
        Form::Lines | Form::Document => at.line,
    }
}

/// What is wrong, for a person.
fn why(form: Form, kind: FaultKind) -> String {
    match (form, kind) {
        (Form::Csv, FaultKind::Syntax | FaultKind::UnexpectedEnd) => {
            "the row has another number of values than the header".to_owned()
        }
        (Form::Csv, FaultKind::NotUtf8) => {
            "the row is not UTF-8; say `--encoding iso-8859-1` if it is that".to_owned()
        }
        (_, kind) => kind.to_string(),
    }
}

/// Rewrites lines or a document that may be without a fault; gives the fault if not, and takes nothing over.
fn part_of(
    desk: &Desk<'_>,
    plan: &Plan,
    form: Form,
    salt: &Salt,
    bytes: &[u8],
    done: &mut Done,
) -> Result<Option<Fault>, RunError> {
    let judge = desk.subjects.judge(desk.circumstances, desk.weighed);
    let rewriter = rewriter(plan, salt, &judge, form.is_lines());
    let (rewritten, records) = if desk.selects_nothing() {
        match rewriter.run(bytes, &mut ()) {
            Ok(rewritten) => (rewritten, Vec::new()),
            Err(fault) => return Ok(Some(fault)),
        }
    } else {
        match rewriter.run_by_record(bytes) {
            Ok(both) => both,
            Err(fault) => return Ok(Some(fault)),
        }
    };
    let Rewritten { released, disclosure, document_withheld } = rewritten;
    done.tally.add(&disclosure);
    done.subjects.extend_from_slice(&disclosure.subjects);
    if document_withheld {
        return Ok(None);
    }
    if desk.selects_nothing() {
        // Copied only where a fault split the piece.
        if done.released.is_empty() {
            done.released = released.into_body();
        } else {
            done.released.extend_from_slice(released.body());
        }
        return Ok(None);
    }
    let text = utf8(released.body())?;
    select(&desk.selection, form, text, &records, &mut done.selected)?;
    Ok(None)
}

fn select(
    selection: &Selection<'_>,
    form: Form,
    text: &str,
    records: &[RecordAt],
    selected: &mut Selected,
) -> Result<(), SelectError> {
    if form == Form::Document {
        return selected.document(selection, (text, 0, text.len()), (records, None));
    }
    let (mut start, mut rest) = (0_usize, records);
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at.saturating_add(1));
    let unended = (!text.is_empty() && !text.ends_with('\n')).then_some(text.len());
    for end in ends.chain(unended) {
        let (own, later) = rest.split_at(rest.partition_point(|record| record.place.end <= end));
        rest = later;
        selected.document(selection, (text, start, end), (own, None))?;
        start = end;
    }
    Ok(())
}

fn utf8(body: &[u8]) -> Result<&str, SelectError> {
    simdutf8::basic::from_utf8(body).map_err(|_not_as_the_rewriter_writes| SelectError::Released)
}

/// The salts of a run: one for all where pseudonyms are those of a document, for the extract is one; another for
/// each part that is rewritten by itself where no two may be alike.
struct Salts<'a> {
    desk: &'a Desk<'a>,
    number: u64,
}

impl Salts<'_> {
    fn of(&self, part: u64) -> Salt {
        if self.desk.linkability != Linkability::None {
            return *self.desk.salt;
        }
        let mut hash = Sha256::new();
        hash.update(b"tavs-extract-salt-1\n");
        hash.update(self.desk.salt);
        hash.update(self.number.to_le_bytes());
        hash.update(part.to_le_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        digest.first_chunk().copied().unwrap_or(*self.desk.salt)
    }
}

impl Form {
    /// Whether a piece is one document a line.
    pub(super) const fn is_lines(self) -> bool {
        matches!(self, Self::Lines | Self::Csv)
    }
}
