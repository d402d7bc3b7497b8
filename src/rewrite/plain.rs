//! The short way for a kept string or container of which every byte may leave as it stands: compact, no
//! escapes, nothing that reads as a person's number, no two members of one name. Nearly all are.
//!
//! It decides nothing: whatever is not so is left to the walk, from the value's start.

use super::names::SeenName;
use super::walk::Walk;
use super::{Judge, Watch};
use crate::cpr::{self, Search};
use crate::json::{Error, Reader};
use crate::policy::plan::name_hash;

impl<'b, J: Judge, W: Watch> Walk<'_, 'b, '_, J, W> {
    /// Copies the container at the reader's place, if all of it may leave as it stands; else
    /// leaves everything as it was.
    ///
    /// PERF: a fifth of a whole rewrite of FHIR less than member by member.
    pub(super) fn keep_container_as_it_stands(&mut self, rule: u32, depth: u32) -> bool {
        let from = self.reader.at;
        if let Some(len) = self.repeats.find(rule, depth, &self.reader) {
            self.reader.at += len;
            self.copy(from);
            return true;
        }
        let first_name = self.names.len();
        let mut ahead = self.reader.clone();
        let plain = self.is_plain(&mut ahead, depth).unwrap_or(false);
        self.names.truncate(first_name);
        if plain {
            self.reader = ahead;
            self.copy(from);
            self.repeats.note(rule, depth, self.reader.slice(from, self.reader.at));
        }
        plain
    }

    /// Copies the string at the reader's place, if one stands there that may leave as it stands; else leaves everything
    /// as it was.
    pub(super) fn keep_string_as_it_stands(&mut self) -> bool {
        if W::ENABLED || self.reader.peek() != b'"' || !self.echoes.is_empty() {
            return false;
        }
        let from = self.reader.at;
        let Ok(span) = self.reader.string() else { return false };
        let plain = !span.escaped && self.is_plain_text(self.reader.slice(span.start, span.end));
        if plain {
            self.copy(from);
        } else {
            self.reader.at = from;
        }
        plain
    }

    /// Goes through a container as long as it is plain. An error is the walk's to tell.
    ///
    /// INVARIANT: the answer depends on the container's bytes and its depth alone; [`repeats`](super::repeats) relies
    /// on it.
    fn is_plain(&mut self, reader: &mut Reader<'b>, depth: u32) -> Result<bool, Error> {
        let object = reader.peek() == b'{';
        let closing = if object { b'}' } else { b']' };
        let inner = reader.open(depth)?;
        if reader.peek() == closing {
            reader.advance();
            return Ok(true);
        }
        let first_name = self.names.len();
        loop {
            if object && !self.is_plain_name(reader)? {
                return Ok(false);
            }
            let plain = match reader.peek() {
                b'"' => {
                    let span = reader.string()?;
                    !span.escaped && self.is_plain_text(reader.slice(span.start, span.end))
                }
                b'-' | b'0'..=b'9' => !cpr::number_could_be_cpr(reader.number()?.as_bytes()),
                b't' | b'f' | b'n' => reader.literal().map(|_word| true)?,
                b'{' | b'[' => self.is_plain(reader, inner)?,
                _ => false,
            };
            let next = reader.peek();
            reader.advance();
            if !plain || next != b',' && next != closing {
                return Ok(false);
            }
            if next == closing {
                break;
            }
        }
        let unlike = !object || self.refuse_duplicates(first_name).is_ok();
        self.names.truncate(first_name);
        Ok(unlike)
    }

    fn is_plain_name(&mut self, reader: &mut Reader<'b>) -> Result<bool, Error> {
        let span = reader.string()?;
        let colon = reader.peek() == b':';
        reader.advance();
        let name = reader.slice(span.start, span.end);
        self.names.push(SeenName {
            hash: name_hash(name.as_bytes()),
            start: span.start,
            end: span.end,
            renamed: None,
        });
        Ok(colon && !span.escaped && self.is_plain_text(name))
    }

    fn is_plain_text(&mut self, text: &'b str) -> bool {
        // PERF: nearly all names, and half of all codes: 2 to 3 % of a rewrite.
        cpr::is_too_short(text) || self.clean.search(text, &mut self.finds) == Search::Clean
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::checked::{Action, CprInText, Keep};
    use crate::policy::plan::Plan;
    use crate::pseudonym::KeyRing;
    use crate::rewrite::rewrite;
    use crate::rewrite::tests::policy;

    /// What comes of a kept value by the short way and by the long one.
    fn both_ways(cpr_in_text: CprInText, value: &str) -> [String; 2] {
        let mut policy = policy(&[("$.a", Action::Keep(Keep::default()))]);
        policy.cpr_in_text = cpr_in_text;
        [false, true].map(|long| {
            let mut plan = Plan::compile(&policy, &policy.routes[0], &KeyRing::throw_away([1; 32])).unwrap();
            let short = plan.states.iter_mut().filter_map(|state| state.only_kept.take_if(|_| long)).count();
            assert_eq!(short, usize::from(long), "the state of `a`, and no other");
            let done = rewrite(&plan, format!("{{\"a\":{value}}}").as_bytes(), &[0; 16], &mut ());
            format!("{:?}", done.map(|done| (done.disclosure, done.released.into_body())))
        })
    }

    #[test]
    fn the_short_way_ends_where_the_long_one_does() {
        for value in [
            r#""plain""#,
            r#""""#,
            r#""more than ten bytes""#,
            r#""an \"escape\"""#,
            r#""\u0032512489996""#,
            r#""ring 251248-9996""#,
            r#""2512489996""#,
            r#""iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ""#,
            "2512489996",
            "1.50",
            "true",
            "null",
            r#"{"b":"251248-9996","c":"d"}"#,
            r#"["a",["251248-9996"]]"#,
            r#"{"b":1,"b":2}"#,
            "\"a\u{1}\"",
            r#""\ud800""#,
            "\"cut",
        ] {
            for cpr_in_text in [CprInText::Mask, CprInText::Pseudonymise, CprInText::Refuse] {
                let [short, long] = both_ways(cpr_in_text, value);
                assert_eq!(short, long, "{value} {cpr_in_text:?}");
            }
        }
    }
}
