//! What is asked of a released document, as a tree over its bytes, to be selected from.
//!
//! What comes in is what the rewriter wrote, so it is valid JSON; were it not, nothing is selected.

use std::borrow::Cow;
use std::ops::Range;

use super::asked::Asked;
use crate::json::{Error, Reader, is_same_value, unescape_into};
use crate::policy::location::{Comparison, Literal, Location, Step};

/// One value, and where it stands.
#[derive(Debug)]
pub(super) struct Node<'b> {
    pub(super) place: Range<usize>,
    pub(super) value: Value<'b>,
}

/// What a value is.
#[derive(Debug)]
pub(super) enum Value<'b> {
    /// Members that are asked for, in their order: names without escapes.
    Object(Vec<(Cow<'b, str>, Node<'b>)>),
    /// All elements, or none where nobody asks for any.
    Array(Vec<Node<'b>>),
    /// A string's content, with its escapes.
    String(&'b str),
    /// A number as it is written.
    Number(&'b str),
    Bool(bool),
    Null,
}

impl<'b> Node<'b> {
    /// Reads what is asked of the document that stands at `start..end` of `text`.
    pub(super) fn read(text: &'b str, asked: &Asked, start: usize, end: usize) -> Result<Self, Error> {
        let mut reader = Reader::within(text, start, end);
        reader.whitespace();
        let node = Asking { nodes: vec![asked], from: 0 }.value(&mut reader, 0)?;
        reader.end()?;
        Ok(node)
    }

    /// Calls `found` for each value at a location below this one, in the document's order.
    pub(super) fn each<'n>(&'n self, location: &[Step], found: &mut impl FnMut(&'n Self)) {
        let Some((step, rest)) = location.split_first() else { return found(self) };
        match (step, &self.value) {
            (Step::Name(name), Value::Object(members)) => {
                if let Some((_, node)) = members.iter().find(|(own, _)| own == name) {
                    node.each(rest, found);
                }
            }
            (Step::Index(index), Value::Array(elements)) => {
                let at = usize::try_from(*index).unwrap_or(usize::MAX);
                if let Some(node) = elements.get(at) {
                    node.each(rest, found);
                }
            }
            (Step::Wildcard, Value::Array(elements)) => elements.iter().for_each(|one| one.each(rest, found)),
            (Step::Wildcard, Value::Object(members)) => {
                members.iter().for_each(|(_, one)| one.each(rest, found));
            }
            (Step::Filter(all), Value::Array(elements)) => {
                elements.iter().filter(|one| one.satisfies(all)).for_each(|one| one.each(rest, found));
            }
            (Step::Filter(all), Value::Object(members)) => {
                let children = members.iter().map(|(_, one)| one);
                children.filter(|one| one.satisfies(all)).for_each(|one| one.each(rest, found));
            }
            (Step::Name(_) | Step::Index(_) | Step::Wildcard | Step::Filter(_), _) => {}
        }
    }

    /// The same of a whole location.
    pub(super) fn at<'n>(&'n self, location: &Location, mut found: impl FnMut(&'n Self)) {
        self.each(&location.steps, &mut found);
    }

    /// The member of this name.
    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        let Value::Object(members) = &self.value else { return None };
        members.iter().find(|(own, _)| own == name).map(|(_, node)| node)
    }

    /// Whether it is what a literal says; numbers by their value.
    pub(super) fn is(&self, literal: &Literal) -> bool {
        match (&self.value, literal) {
            (Value::String(content), Literal::String(text)) => unescaped(content) == text.as_str(),
            (Value::Number(written), Literal::Integer(number)) => is_same_value(written, &number.to_string()),
            (Value::Bool(own), Literal::Bool(other)) => own == other,
            (Value::Null, Literal::Null) => true,
            _ => false,
        }
    }

    fn satisfies(&self, all: &[Comparison]) -> bool {
        let holds = |one: &Comparison| {
            let is = self.member(&one.member).is_some_and(|member| member.is(&one.literal));
            // RFC 9535 section 2.3.5.2.2: `!=` also holds where the member is absent.
            is == one.equal
        };
        matches!(self.value, Value::Object(_)) && all.iter().all(holds)
    }
}

/// A string's content without its escapes.
pub(super) fn unescaped(content: &str) -> Cow<'_, str> {
    if !content.contains('\\') {
        return Cow::Borrowed(content);
    }
    let mut text = String::with_capacity(content.len());
    unescape_into(content, &mut text);
    Cow::Owned(text)
}

/// Who asks of the value that is read, behind those who ask of the containers around it.
struct Asking<'a> {
    nodes: Vec<&'a Asked>,
    from: usize,
}

impl<'a> Asking<'a> {
    /// Turns to a child; gives what to [`turn_back`](Self::turn_back) to, or nothing if nobody asks of it.
    fn turn_to<I: Iterator<Item = &'a Asked>>(&mut self, of_child: impl Fn(&'a Asked) -> I) -> Option<usize> {
        let own = self.nodes.len();
        for at in self.from..own {
            for node in self.nodes.get(at).copied().into_iter().flat_map(&of_child) {
                self.nodes.push(node);
            }
        }
        (self.nodes.len() > own).then(|| std::mem::replace(&mut self.from, own))
    }

    fn turn_back(&mut self, from: usize) {
        self.nodes.truncate(self.from);
        self.from = from;
    }

    fn value<'b>(&mut self, reader: &mut Reader<'b>, depth: u32) -> Result<Node<'b>, Error> {
        let from = reader.at;
        let value = match reader.peek() {
            b'{' => self.object(reader, depth)?,
            b'[' => self.array(reader, depth)?,
            b'"' => {
                let span = reader.string()?;
                Value::String(reader.slice(span.start, span.end))
            }
            b't' | b'f' | b'n' => match reader.literal()? {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => Value::Null,
            },
            _ => Value::Number(reader.number()?),
        };
        Ok(Node { place: from..reader.at, value })
    }

    fn object<'b>(&mut self, reader: &mut Reader<'b>, depth: u32) -> Result<Value<'b>, Error> {
        let inner = reader.open(depth)?;
        let mut members = Vec::new();
        reader.whitespace();
        if reader.peek() == b'}' {
            reader.advance();
            return Ok(Value::Object(members));
        }
        loop {
            let span = reader.name()?;
            let name = unescaped(reader.slice(span.start, span.end));
            match self.turn_to(|asked| asked.of_member(&name)) {
                Some(around) => {
                    members.push((name, self.value(reader, inner)?));
                    self.turn_back(around);
                }
                None => reader.skip_value(inner)?,
            }
            if !reader.comma() {
                reader.expect(b'}')?;
                return Ok(Value::Object(members));
            }
        }
    }

    fn array<'b>(&mut self, reader: &mut Reader<'b>, depth: u32) -> Result<Value<'b>, Error> {
        let inner = reader.open(depth)?;
        let mut elements = Vec::new();
        reader.whitespace();
        if reader.peek() == b']' {
            reader.advance();
            return Ok(Value::Array(elements));
        }
        loop {
            // Of one element as much is asked as of any other: none is missing before another.
            match self.turn_to(|asked| asked.of_element().into_iter()) {
                Some(around) => {
                    elements.push(self.value(reader, inner)?);
                    self.turn_back(around);
                }
                None => reader.skip_value(inner)?,
            }
            if !reader.comma() {
                reader.expect(b']')?;
                return Ok(Value::Array(elements));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked<'l>(locations: impl IntoIterator<Item = &'l Location>) -> Asked {
        let mut asked = Asked::default();
        locations.into_iter().for_each(|one| asked.lead_to(&one.steps));
        asked
    }

    /// What stands at a location, and whether anything below it is read.
    fn found<'t>(text: &'t str, asked: &Asked, location: &Location) -> Vec<&'t str> {
        let root = Node::read(text, asked, 0, text.len()).unwrap();
        let mut found = Vec::new();
        root.at(location, |node| found.push(text.get(node.place.clone()).unwrap()));
        found
    }

    #[test]
    fn what_is_asked_for_is_found_as_in_the_whole_document() {
        let text = r#" {"a":{"x":1,"b":{"c":"1"},"d":[{"s":"k","v":"2"},{"s":"l","v":["3",{"w":"4"}]}]},
            "e\u0061":{"c":"5","b":{"c":"6"}},"f":[["7"],{"c":"8"}],"g":"9","h":[],"i":{}} "#;
        let locations: Vec<Location> = [
            "$",
            "$.a",
            "$.a.b.c",
            "$.a.d[*].v",
            "$.a.d[1].v[1].w",
            "$.a.d[?@.s=='l'].v",
            "$.a.d[?@.s!='l'].v",
            "$[*].b.c",
            "$.*.c",
            "$.ea.c",
            "$.f[0][0]",
            "$.f[?@.c=='8'].c",
            "$.g.h",
            "$[?@.c=='5'].b",
            "$.a[*].c",
            "$.h[*]",
            "$.i.a",
            "$.none",
            "$[?@.none!='1'].none",
        ]
        .iter()
        .map(|one| Location::parse(one).unwrap())
        .collect();
        let everything = Location { steps: vec![Step::Wildcard; 8] };
        let (whole, all) = (asked([&everything]), asked(&locations));
        let mut counts = Vec::new();
        for location in &locations {
            let wanted = found(text, &whole, location);
            assert_eq!(found(text, &all, location), wanted, "{location:?}");
            assert_eq!(found(text, &asked([location]), location), wanted, "{location:?}");
            counts.push(wanted.len());
        }
        assert_eq!(counts, [1, 1, 1, 2, 1, 1, 1, 2, 1, 1, 1, 1, 0, 1, 1, 0, 0, 0, 0]);
    }

    #[test]
    fn nothing_else_is_kept() {
        let text = r#"{"a":{"b":1,"c":[1,2,{"b":3}]},"d":[{"b":4}]}"#;
        let asked = asked([&Location::parse("$.a.b").unwrap()]);
        let root = Node::read(text, &asked, 0, text.len()).unwrap();
        let Value::Object(members) = &root.value else { panic!() };
        let [(name, Node { value: Value::Object(below), .. })] = members.as_slice() else { panic!() };
        assert_eq!((name.as_ref(), below.len()), ("a", 1));
        let wrong = r#"{"a":{"b":1},"d":[{"b":}]}"#;
        assert!(Node::read(wrong, &asked, 0, wrong.len()).is_err(), "what is passed over is read, too");
    }

    #[test]
    fn many_locations_of_names_and_wildcards_ask_no_more_than_they_are() {
        let steps = |step: fn(usize) -> Step| (0..100).map(step).collect::<Vec<_>>();
        let named = Location { steps: steps(|_| Step::Name("a".to_owned())) };
        let each = Location { steps: steps(|_| Step::Wildcard) };
        let text = format!("{}1{}", "{\"a\":".repeat(100), "}".repeat(100));
        assert_eq!(found(&text, &asked([&named, &each]), &named), ["1"]);
    }
}
