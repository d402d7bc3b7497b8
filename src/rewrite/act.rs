//! What rules do to scalars. A value that its action cannot take is withheld and counted `unfit`.

use std::borrow::Cow;

use super::coarse::Scalar;
use super::names::decode;
use super::subjects::system_of;
use super::text::Replacement;
use super::walk::Walk;
use super::{Fault, Outcome, Watch, mask, scan};
use crate::cpr::{self, Number, Search};
use crate::json::{StringSpan, escape_into};
use crate::judge::Judge;
use crate::policy::checked::{Keep, Linkability, Sought};
use crate::policy::plan::Act;
use crate::policy::resolve::Unresolved;
use crate::pseudonym::{Input, Linkage, ValueKind};

impl<'p, 'b, J: Judge, W: Watch> Walk<'p, 'b, '_, J, W> {
    /// A scalar under a rule that changes it.
    pub(super) fn act(&mut self, number: u32, act: &Act, depth: u32) -> Result<bool, Fault> {
        let from = self.reader.at;
        let written = self.out.len();
        let fits = match self.reader.peek() {
            b'"' => {
                let span = self.reader.string()?;
                self.act_on_string(act, span)?
            }
            b'-' | b'0'..=b'9' => {
                let json = self.reader.number()?;
                self.act_on_number(act, json)
            }
            b't' | b'f' => {
                self.reader.literal()?;
                self.replace(act, |json| json == "true" || json == "false")
            }
            _ => {
                self.reader.skip_value(depth)?;
                false
            }
        };
        self.settle(number, fits, from, written);
        Ok(fits)
    }

    /// A scalar under `keep`. The rule's exceptions are for a scalar at its `own` location: for one
    /// somewhere below they would be exceptions for what nobody listed.
    pub(super) fn keep_scalar(&mut self, number: u32, own: bool) -> Result<bool, Fault> {
        let from = self.reader.at;
        let written = self.out.len();
        let rule = usize::try_from(number).ok().and_then(|at| self.plan.rules.get(at));
        let Some(Act::Keep(keep)) = rule.map(|rule| &rule.act) else {
            return self.withhold(None, 0);
        };
        let keep = if own { keep } else { &NO_EXCEPTIONS };
        let fits = match self.reader.peek() {
            b'"' => {
                let span = self.reader.string()?;
                self.keep_string(keep, span)?
            }
            b'-' | b'0'..=b'9' => {
                let json = self.reader.number()?;
                let allowed = keep.number_not_cpr
                    || !cpr::number_could_be_cpr(json.as_bytes())
                    || keep.clear_cpr.is_some() && cpr::parse_number(json.as_bytes()).is_some();
                let fits = allowed && !self.echoes.is_number(json);
                if fits {
                    self.out.extend_from_slice(json.as_bytes());
                }
                fits
            }
            _ => {
                let word = self.reader.literal()?;
                self.out.extend_from_slice(word.as_bytes());
                true
            }
        };
        self.settle(number, fits, from, written);
        Ok(fits)
    }

    /// Counts and tells how a scalar ended, and takes back what was written of an unfit one.
    pub(super) fn settle(&mut self, number: u32, fits: bool, from: usize, written: usize) {
        if !fits {
            self.out.truncate(written);
            self.counts.unfit += 1;
        }
        if W::ENABLED {
            let same = self.out.get(written..) == Some(self.reader.slice(from, self.reader.at).as_bytes());
            let outcome = match (fits, same) {
                (false, _) => Outcome::Unfit,
                (true, true) => Outcome::Kept,
                (true, false) => Outcome::Changed,
            };
            self.tell(Some(number), outcome, from, written);
        }
    }

    /// The text of a string, out of its escapes.
    pub(super) fn text(&self, span: StringSpan) -> Cow<'b, str> {
        let content = self.reader.slice(span.start, span.end);
        if span.escaped { decode(content) } else { Cow::Borrowed(content) }
    }

    fn keep_string(&mut self, keep: &Keep, span: StringSpan) -> Result<bool, Fault> {
        let text = self.text(span);
        let exempt = keep.clear_cpr.is_some() && cpr::parse(&text).is_some()
            || keep.string_not_cpr && is_ten_digits(&text);
        self.finds.clear();
        let search = match &text {
            _ if exempt => Search::Clean,
            Cow::Borrowed(text) => self.clean.search(text, &mut self.finds),
            Cow::Owned(text) => cpr::search(text, &mut self.finds),
        };
        if search == Search::Binary && !keep.unscanned {
            return Ok(false);
        }
        let unsearched = exempt || search == Search::Binary;
        if self.echoes.has_id(&text) || unsearched && self.echoes.has_number(&text) {
            return Ok(false);
        }
        if self.finds.is_empty() {
            self.copy(span.start.saturating_sub(1));
            return Ok(true);
        }
        self.without_cprs(&text, Vec::new(), span)?;
        Ok(true)
    }

    fn act_on_string(&mut self, act: &Act, span: StringSpan) -> Result<bool, Fault> {
        let text = self.text(span);
        match act {
            Act::Cpr { system } => {
                let Some(number) = cpr::parse(&text) else { return Ok(false) };
                return Ok(self.quoted(|walk| walk.write_person(&number, *system)));
            }
            Act::Id { resource_type } => {
                let input = Input::id(resource_type, &text);
                return Ok(!text.is_empty() && self.quoted(|walk| walk.write_pseudonym(input)));
            }
            Act::Reference => {
                return Ok(self.quoted(|walk| walk.write_reference(&text, span.start)));
            }
            Act::Value(kind) => return Ok(self.write_value(*kind, &text)),
            // Some masks leave a part, and of an id a part may be all that tells.
            Act::Mask(_) if self.echoes.has_id(&text) => return Ok(false),
            Act::Mask(how) => return Ok(self.write_masked(mask::mask(*how, &text))),
            Act::Generalise(how) => return Ok(self.write_generalised(how, Scalar::Text(&text))),
            Act::Round(how) => return Ok(self.write_rounded(*how, Scalar::Text(&text))),
            Act::Shift(how) => return Ok(self.write_shifted(*how, Scalar::Text(&text))),
            Act::Replace(_) => return Ok(self.replace(act, |json| json.starts_with('"'))),
            Act::Scan(wanted) => {
                self.finds.clear();
                let binary = cpr::search(&text, &mut self.finds) == Search::Binary;
                if binary || self.echoes.has_id(&text) {
                    return Ok(false);
                }
                let others =
                    scan::find(wanted, &text, [self.record_names.as_deref(), self.outer_names.as_deref()]);
                if self.finds.is_empty() && others.is_empty() {
                    self.copy(span.start.saturating_sub(1));
                } else {
                    self.without_cprs(&text, others, span)?;
                }
            }
            Act::Resolve(sought) => return Ok(self.write_resolved(sought, &text)),
            Act::Decode(wanted) => return self.write_decoded(wanted, &text, span),
            Act::Url(how) => return Ok(self.quoted(|walk| walk.write_url(how, &text))),
            Act::Withhold | Act::Keep(_) | Act::Count | Act::DecodeJson => return Ok(false),
        }
        Ok(true)
    }

    fn act_on_number(&mut self, act: &Act, json: &str) -> bool {
        match act {
            Act::Cpr { system } => {
                let Some(number) = cpr::parse_number(json.as_bytes()) else { return false };
                self.quoted(|walk| walk.write_person(&number, *system))
            }
            Act::Id { resource_type } => {
                let plain = json.bytes().all(|byte| byte.is_ascii_digit());
                let input = Input::id(resource_type, json);
                plain && self.quoted(|walk| walk.write_pseudonym(input))
            }
            Act::Value(ValueKind::Email) => false,
            Act::Value(kind @ (ValueKind::Phone | ValueKind::Text)) => {
                json.bytes().all(|byte| byte.is_ascii_digit()) && self.write_value(*kind, json)
            }
            Act::Count => self.write_count(json),
            Act::Mask(_) if self.echoes.is_number(json) => false,
            Act::Mask(how) => self.write_masked(mask::mask_number(*how, json)),
            Act::Replace(_) => {
                self.replace(act, |constant| constant.starts_with(|c: char| c == '-' || c.is_ascii_digit()))
            }
            Act::Generalise(how) => self.write_generalised(how, Scalar::Number(json)),
            Act::Round(how) => self.write_rounded(*how, Scalar::Number(json)),
            Act::Shift(how) => self.write_shifted(*how, Scalar::Number(json)),
            Act::Withhold
            | Act::Keep(_)
            | Act::Reference
            | Act::Scan(_)
            | Act::Resolve(_)
            | Act::Decode(_)
            | Act::DecodeJson
            | Act::Url(_) => false,
        }
    }

    /// Writes a number of records, less those that are withheld whole. Of a document that is judged in
    /// parts nobody knows yet how many that are.
    fn write_count(&mut self, json: &str) -> bool {
        if self.parted_at.is_some() {
            return false;
        }
        let number: Option<u64> = json.parse().ok().filter(|number| *number <= MAX_COUNT);
        let Some(left) = number.and_then(|number| number.checked_sub(self.records_less)) else {
            return false;
        };
        if self.echoes.is_number(json) {
            return false;
        }
        self.out.extend_from_slice(left.to_string().as_bytes());
        true
    }

    /// Writes the rule's constant, if it is of the value's own type.
    fn replace(&mut self, act: &Act, same_type: impl Fn(&str) -> bool) -> bool {
        let Act::Replace(json) = act else { return false };
        let fits = same_type(json);
        if fits {
            self.out.extend_from_slice(json.as_bytes());
        }
        fits
    }

    fn write_masked(&mut self, masked: Option<String>) -> bool {
        let Some(masked) = masked else { return false };
        self.quoted(|walk| {
            escape_into(&masked, &mut walk.out);
            true
        })
    }

    /// What the pseudonym in a request stands for; never in a response, whatever its rules say.
    fn write_resolved(&mut self, sought: &Sought, text: &str) -> bool {
        if !self.plan.is_request {
            return false;
        }
        let Some(rows) = self.rows else { return false };
        match self.plan.resolve(sought, text, rows) {
            Ok(resolved) => {
                let written = self.quoted(|walk| {
                    escape_into(&resolved.written, &mut walk.out);
                    true
                });
                self.resolved.push(resolved);
                written
            }
            Err(unresolved) => {
                if self.unresolved != Some(Unresolved::Clear) {
                    self.unresolved = Some(unresolved);
                }
                false
            }
        }
    }

    /// A string; taken back if there turns out to be nothing to write.
    fn quoted(&mut self, write: impl FnOnce(&mut Self) -> bool) -> bool {
        let begin = self.out.len();
        self.out.push(b'"');
        let written = write(self);
        if written {
            self.out.push(b'"');
        } else {
            self.out.truncate(begin);
        }
        written
    }

    /// `false`, and nothing written, if the domain's scheme has no pseudonym for it.
    pub(super) fn write_person(&mut self, number: &Number, system: u32) -> bool {
        if let Some(pseudonym) = self.last_person.pseudonym(number, system) {
            self.out.extend_from_slice(pseudonym);
            return true;
        }
        let from = self.out.len();
        let written = self.write_person_of(number, system_of(self.plan, system));
        // What a table has is asked for once for each place.
        let alike = self.plan.linkability != Linkability::None && self.plan.pseudonymiser.table().is_none();
        if written && alike {
            self.last_person.keep(number, system, self.out.get(from..).unwrap_or_default());
        }
        written
    }

    pub(super) fn write_person_of(&mut self, number: &Number, system: &str) -> bool {
        if number.is_nobody() {
            return self.plan.pseudonymiser.write_nobody(&mut self.out);
        }
        self.write_pseudonym(Input::number(number, system))
    }

    /// What the next pseudonym, or shift, is salted with.
    pub(super) fn next_linkage(&mut self) -> Linkage<'p> {
        let serial = self.serial;
        self.serial = serial.wrapping_add(1);
        match self.plan.linkability {
            Linkability::Domain => Linkage::Domain,
            Linkability::Document => Linkage::Document(self.salt),
            Linkability::None => Linkage::None(self.salt, serial),
        }
    }

    fn write_value(&mut self, kind: ValueKind, text: &str) -> bool {
        let Some(canonical) = kind.canonical(text) else { return false };
        self.quoted(|walk| walk.write_pseudonym(Input::value(kind, &canonical)))
    }

    pub(super) fn write_pseudonym(&mut self, input: Input<'_>) -> bool {
        if let Some(table) = self.plan.pseudonymiser.table() {
            return self.write_from_table(table, input);
        }
        let linkage = self.next_linkage();
        self.plan.pseudonymiser.write(input, linkage, &mut self.out)
    }

    /// Writes a text with its CPRs, and what else was found, replaced.
    pub(super) fn without_cprs(
        &mut self,
        text: &str,
        others: Vec<(std::ops::Range<usize>, &'static str)>,
        span: StringSpan,
    ) -> Result<(), Fault> {
        let finds = std::mem::take(&mut self.finds);
        let mut replacements: Vec<Replacement<'_>> = finds.iter().map(Replacement::cpr).collect();
        replacements.extend(others.into_iter().map(|(at, constant)| Replacement {
            at,
            number: None,
            constant,
        }));
        self.out.push(b'"');
        self.write_replaced(text, replacements, span.start)?;
        self.out.push(b'"');
        self.finds = finds;
        Ok(())
    }
}

const NO_EXCEPTIONS: Keep =
    Keep { number_not_cpr: false, unscanned: false, clear_cpr: None, string_not_cpr: false };

/// Numbers of records have few digits; more of them could be anything.
const MAX_COUNT: u64 = 9_999_999;

fn is_ten_digits(text: &str) -> bool {
    text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit())
}
