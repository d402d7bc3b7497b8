//! Whose number stands at one location of a document: for the answer to a question that an upstream
//! was asked about one of its ids. Nothing else of the document is looked at, and nothing of it kept.

use super::names::decode;
use super::{Fault, utf8};
use crate::cpr::{self, Kind};
use crate::ids::SubjectId;
use crate::json::Reader;
use crate::policy::location::{Comparison, Literal, Location, Step};
use crate::policy::plan::Plan;
use crate::pseudonym::Input;

/// The one person whose CPR or replacement CPR stands at `location`. `None` if none stands there, or
/// several that differ, or something that is no number: who it is, is never guessed.
///
/// # Errors
/// A [`Fault`] if the body is not strict JSON.
pub fn person_at(plan: &Plan, body: &[u8], location: &Location) -> Result<Option<SubjectId>, Fault> {
    let mut search = Search { reader: Reader::new(utf8(body)?), found: Vec::new() };
    search.reader.whitespace();
    search.value(&location.steps, 0)?;
    search.reader.end()?;
    let mut persons = search.found.into_iter().map(|json| person(plan, json));
    let Some(Some(first)) = persons.next() else { return Ok(None) };
    Ok(persons.all(|other| other == Some(first)).then_some(first))
}

/// An e-CPR is not taken: without its region's system it could be that of another.
fn person(plan: &Plan, json: &str) -> Option<SubjectId> {
    let text = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).map(decode);
    let number = match text {
        Some(text) => cpr::parse(&text),
        None => cpr::parse_number(json.as_bytes()),
    }?;
    let good = number.kind != Kind::Ecpr && !number.is_nobody();
    good.then(|| plan.subject_key.id(Input::number(&number, "")))
}

struct Search<'b> {
    reader: Reader<'b>,
    found: Vec<&'b str>,
}

impl Search<'_> {
    fn value(&mut self, steps: &[Step], depth: u32) -> Result<(), Fault> {
        let from = self.reader.at;
        match (steps.split_first(), self.reader.peek()) {
            (Some((step, rest)), b'{') => self.members(step, rest, depth),
            (Some((step, rest)), b'[') => self.elements(step, rest, depth),
            (Some(_), _) => Ok(self.reader.skip_value(depth)?),
            (None, _) => {
                self.reader.skip_value(depth)?;
                self.found.push(self.reader.slice(from, self.reader.at));
                Ok(())
            }
        }
    }

    fn members(&mut self, step: &Step, rest: &[Step], depth: u32) -> Result<(), Fault> {
        let depth = self.reader.open(depth)?;
        self.reader.whitespace();
        let mut more = self.reader.peek() != b'}';
        while more {
            let span = self.reader.name()?;
            let name = decode(self.reader.slice(span.start, span.end));
            let fits = match step {
                Step::Name(wanted) => *wanted == name,
                Step::Wildcard => true,
                Step::Index(_) => false,
                Step::Filter(all) => fits(all, &self.reader, depth)?,
            };
            more = self.child(fits, rest, depth)?;
        }
        Ok(self.reader.expect(b'}')?)
    }

    fn elements(&mut self, step: &Step, rest: &[Step], depth: u32) -> Result<(), Fault> {
        let depth = self.reader.open(depth)?;
        self.reader.whitespace();
        let (mut more, mut index) = (self.reader.peek() != b']', 0_u32);
        while more {
            let fits = match step {
                Step::Name(_) => false,
                Step::Wildcard => true,
                Step::Index(wanted) => *wanted == index,
                Step::Filter(all) => fits(all, &self.reader, depth)?,
            };
            more = self.child(fits, rest, depth)?;
            index = index.saturating_add(1);
        }
        Ok(self.reader.expect(b']')?)
    }

    /// One child; says whether another must follow.
    fn child(&mut self, fits: bool, rest: &[Step], depth: u32) -> Result<bool, Fault> {
        if fits {
            self.value(rest, depth)?;
        } else {
            self.reader.skip_value(depth)?;
        }
        Ok(self.reader.comma())
    }
}

/// Whether the value at the reader's place has members as a filter wants them. With two members of
/// one name nobody can say.
fn fits(all: &[Comparison], reader: &Reader<'_>, depth: u32) -> Result<bool, Fault> {
    if reader.peek() != b'{' {
        return Ok(false);
    }
    for wanted in all {
        let mut search = Search { reader: reader.clone(), found: Vec::new() };
        search.value(&[Step::Name(wanted.member.clone())], depth)?;
        let is = match *search.found {
            [] => false,
            [json] => equals(&wanted.literal, json),
            _ => return Ok(false),
        };
        if is != wanted.equal {
            return Ok(false);
        }
    }
    Ok(true)
}

fn equals(literal: &Literal, json: &str) -> bool {
    let text = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match (literal, text) {
        (Literal::String(wanted), Some(text)) => *wanted == decode(text),
        (Literal::Integer(wanted), None) => json.parse() == Ok(*wanted),
        (Literal::Bool(wanted), None) => json.parse() == Ok(*wanted),
        (Literal::Null, None) => json == "null",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{plan, policy};
    use super::*;

    #[test]
    fn one_persons_number_at_the_location_is_found_and_nothing_else() {
        let plan = plan(&policy(&[])).unwrap();
        let (flat, fhir) =
            ("$.cpr", "$.identifier[?@.system=='urn:oid:1.2.208.176.1.2' && @.use!='old'].value");
        let (cpr, local) =
            (r#"{"system":"urn:oid:1.2.208.176.1.2","value":"2512489996"}"#, r#"{"value":"7"}"#);
        let old = cpr.replace("2512489996\"", "0201609995\",\"use\":\"old\"");
        for (location, body, found) in [
            (flat, r#"{"cpr":"2512489996"}"#.to_owned(), true),
            (flat, r#" {"x":{"cpr":"0201609995"},"c\u0070r":"251248-9996"} "#.to_owned(), true),
            (flat, r#"{"cpr":2512489996}"#.to_owned(), true),
            (flat, r#"{"cpr":"2512489996","cpr":"2512489996"}"#.to_owned(), true),
            (flat, r#"{"cpr":"2512489996","cpr":"0201609995"}"#.to_owned(), false),
            (flat, r#"{"cpr":"2512489996","cpr":null}"#.to_owned(), false),
            (flat, r#"{"cpr":"0000000000"}"#.to_owned(), false),
            (flat, r#"{"cpr":"25124"}"#.to_owned(), false),
            (flat, r#"{"cpr":["2512489996"]}"#.to_owned(), false),
            (flat, r#"["2512489996"]"#.to_owned(), false),
            (flat, "{}".to_owned(), false),
            ("$", r#""2512489996""#.to_owned(), true),
            ("$[1]", r#"["0201609995","2512489996"]"#.to_owned(), true),
            (fhir, format!(r#"{{"identifier":[{local},{old},{cpr}]}}"#), true),
            (fhir, format!(r#"{{"identifier":[{local},{old}]}}"#), false),
            (fhir, r#"{"identifier":{"value":"2512489996"}}"#.to_owned(), false),
        ] {
            let location = Location::parse(location).unwrap();
            let person = person_at(&plan, body.as_bytes(), &location).unwrap();
            let wanted = plan.subject_key.id(Input {
                kind: "cpr",
                resource_type: "",
                system: "",
                value: "2512489996",
            });
            assert_eq!(person, found.then_some(wanted), "{body}");
        }
        for broken in
            ["{\"cpr\":\"2512489996\"", "{\"cpr\":\"2512489996\"} x", "{\"cpr\":\"2512489996\",}", ""]
        {
            assert!(person_at(&plan, broken.as_bytes(), &Location::parse("$.cpr").unwrap()).is_err());
        }
    }
}
