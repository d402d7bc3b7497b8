//! A released document as a tree over its bytes, to be selected from.
//!
//! What comes in is what the rewriter wrote, so it is valid JSON; were it not, nothing is selected.

use std::borrow::Cow;
use std::ops::Range;

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
    /// Members in their order: names without escapes.
    Object(Vec<(Cow<'b, str>, Node<'b>)>),
    Array(Vec<Node<'b>>),
    /// A string's content, with its escapes.
    String(&'b str),
    /// A number as it is written.
    Number(&'b str),
    Bool(bool),
    Null,
}

impl<'b> Node<'b> {
    /// Reads the document that stands at `start..end` of `text`.
    pub(super) fn read(text: &'b str, start: usize, end: usize) -> Result<Self, Error> {
        let mut reader = Reader::within(text, start, end);
        reader.whitespace();
        let node = value(&mut reader, 0)?;
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

fn value<'b>(reader: &mut Reader<'b>, depth: u32) -> Result<Node<'b>, Error> {
    let from = reader.at;
    let value = match reader.peek() {
        b'{' => object(reader, depth)?,
        b'[' => array(reader, depth)?,
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

fn object<'b>(reader: &mut Reader<'b>, depth: u32) -> Result<Value<'b>, Error> {
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
        members.push((name, value(reader, inner)?));
        reader.whitespace();
        if reader.peek() != b',' {
            reader.expect(b'}')?;
            return Ok(Value::Object(members));
        }
        reader.advance();
        reader.whitespace();
    }
}

fn array<'b>(reader: &mut Reader<'b>, depth: u32) -> Result<Value<'b>, Error> {
    let inner = reader.open(depth)?;
    let mut elements = Vec::new();
    reader.whitespace();
    if reader.peek() == b']' {
        reader.advance();
        return Ok(Value::Array(elements));
    }
    loop {
        elements.push(value(reader, inner)?);
        reader.whitespace();
        if reader.peek() != b',' {
            reader.expect(b']')?;
            return Ok(Value::Array(elements));
        }
        reader.advance();
        reader.whitespace();
    }
}
