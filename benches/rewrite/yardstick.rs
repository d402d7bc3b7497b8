//! The yardstick: the same policy on serde_json as one would write it for speed. A
//! `DeserializeSeed` walks a small trie, `IgnoredAny` passes over what is withheld, and `RawValue`
//! hands out what is kept without making a tree of it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use tavs::cpr;
use tavs::policy::location::{Location, Step};
use tavs::pseudonym::{Input, Linkage, Pseudonymiser};

use crate::policy::{BUNDLE, SHAPES, Word};

/// What happens at a place.
enum Node {
    /// Members by name, or every element.
    Inner {
        members: Vec<(String, Self)>,
        elements: Option<Box<Self>>,
    },
    /// A resource: its first member says which of these rules it is under.
    Resource(Vec<(String, Self)>),
    Do(Word),
}

impl Node {
    const fn empty() -> Self {
        Self::Inner { members: Vec::new(), elements: None }
    }

    fn add(&mut self, steps: &[Step], leaf: Self) {
        let Some((first, rest)) = steps.split_first() else {
            *self = leaf;
            return;
        };
        let Self::Inner { members, elements } = self else { return };
        let below = match first {
            Step::Name(name) => {
                if !members.iter().any(|(known, _)| known == name) {
                    members.push((name.clone(), Self::empty()));
                }
                &mut members.iter_mut().find(|(known, _)| known == name).unwrap().1
            }
            _ => elements.get_or_insert_with(|| Box::new(Self::empty())),
        };
        below.add(rest, leaf);
    }
}

/// The plan of the yardstick.
pub(crate) struct Yardstick {
    /// A Bundle, or a single resource.
    bundle: Node,
    resource: Node,
    pseudonyms: Pseudonymiser,
}

impl Yardstick {
    pub(crate) fn new(pseudonyms: Pseudonymiser) -> Self {
        let rules = |rules: &[(&str, Word)]| {
            let mut root = Node::empty();
            for (location, word) in rules {
                root.add(&Location::parse(location).unwrap().steps, Node::Do(*word));
            }
            root
        };
        let resource = || {
            let others = SHAPES.iter().filter(|(kind, _)| *kind != BUNDLE);
            Node::Resource(others.map(|(kind, list)| ((*kind).to_owned(), rules(list))).collect())
        };
        let mut bundle = rules(SHAPES.iter().find(|(kind, _)| *kind == BUNDLE).unwrap().1);
        bundle.add(&Location::parse("$.entry[*].resource").unwrap().steps, resource());
        Self { bundle, resource: resource(), pseudonyms }
    }

    /// The document as the policy lets it out.
    pub(crate) fn rewrite(&self, body: &[u8], is_bundle: bool) -> Result<Vec<u8>, serde_json::Error> {
        let mut out = Vec::with_capacity(body.len() / 2);
        let mut reader = serde_json::Deserializer::from_slice(body);
        let mut finds = Vec::new();
        let node = if is_bundle { &self.bundle } else { &self.resource };
        Walk { node, pseudonyms: &self.pseudonyms, finds: &mut finds, out: &mut out }
            .deserialize(&mut reader)?;
        reader.end()?;
        Ok(out)
    }
}

struct Walk<'a> {
    node: &'a Node,
    pseudonyms: &'a Pseudonymiser,
    finds: &'a mut Vec<cpr::Find>,
    out: &'a mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    /// Whether anything was written.
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(mut self, deserializer: D) -> Result<bool, D::Error> {
        match self.node {
            Node::Inner { .. } | Node::Resource(_) => deserializer.deserialize_any(self),
            Node::Do(word) => {
                let raw: &RawValue = serde::Deserialize::deserialize(deserializer)?;
                self.act(*word, raw.get()).map_err(D::Error::custom)
            }
        }
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let from = self.out.len();
        self.out.push(b'{');
        let mut members = match self.node {
            Node::Inner { members, .. } => members,
            _ => &Vec::new(),
        };
        while let Some(name) = map.next_key::<Name<'de>>()? {
            if let Node::Resource(kinds) = self.node
                && name.0 == "resourceType"
            {
                let kind: &str = map.next_value()?;
                if let Some((_, Node::Inner { members: of_kind, .. })) =
                    kinds.iter().find(|(known, _)| known == kind)
                {
                    members = of_kind;
                    self.out.extend_from_slice(br#""resourceType":""#);
                    self.out.extend_from_slice(kind.as_bytes());
                    self.out.extend_from_slice(b"\",");
                }
                continue;
            }
            let Some((_, node)) = members.iter().find(|(known, _)| *known == name.0) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let before = self.out.len();
            self.out.push(b'"');
            self.out.extend_from_slice(name.0.as_bytes());
            self.out.extend_from_slice(b"\":");
            let walk =
                Walk { node, pseudonyms: self.pseudonyms, finds: &mut *self.finds, out: &mut *self.out };
            if map.next_value_seed(walk)? {
                self.out.push(b',');
            } else {
                self.out.truncate(before);
            }
        }
        Ok(close(self.out, from, b'}'))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<bool, A::Error> {
        let Node::Inner { elements: Some(node), .. } = self.node else {
            while sequence.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(false);
        };
        let from = self.out.len();
        self.out.push(b'[');
        loop {
            let walk =
                Walk { node, pseudonyms: self.pseudonyms, finds: &mut *self.finds, out: &mut *self.out };
            match sequence.next_element_seed(walk)? {
                None => return Ok(close(self.out, from, b']')),
                Some(true) => self.out.push(b','),
                Some(false) => {}
            }
        }
    }

    fn visit_borrowed_str<E>(self, _: &'de str) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }
}

/// Ends a container in place of the last comma; an empty one is taken back.
fn close(out: &mut Vec<u8>, from: usize, end: u8) -> bool {
    match out.last_mut() {
        Some(last) if *last == b',' => {
            *last = end;
            true
        }
        _ => {
            out.truncate(from);
            false
        }
    }
}

impl Walk<'_> {
    fn act(&mut self, word: Word, raw: &str) -> Result<bool, serde_json::Error> {
        match word {
            Word::Keep => self.keep(raw),
            Word::Pseudonymise => {
                let text: &str = serde_json::from_str(raw)?;
                let Some(number) = cpr::parse(text) else { return Ok(false) };
                self.out.push(b'"');
                let input = Input { kind: "cpr", resource_type: "", system: "", value: number.canonical() };
                let written = self.pseudonyms.write(input, Linkage::Domain, self.out);
                self.out.push(b'"');
                Ok(written)
            }
            Word::Year => {
                let year = raw.get(1..5).filter(|year| year.bytes().all(|b| b.is_ascii_digit()));
                let Some(year) = year.filter(|_| raw.len() == 12) else { return Ok(false) };
                self.out.push(b'"');
                self.out.extend_from_slice(year.as_bytes());
                self.out.push(b'"');
                Ok(true)
            }
        }
    }

    /// Copies a value that is known to be valid, without its space, and searches its strings. (The
    /// documents hold no CPR in what is kept; finding one fails, which also fails the comparison.)
    fn keep(&mut self, raw: &str) -> Result<bool, serde_json::Error> {
        let bytes = raw.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => at += 1,
                b'"' => {
                    let from = at + 1;
                    let mut escaped = false;
                    at = from;
                    while bytes[at] != b'"' {
                        let backslash = bytes[at] == b'\\';
                        escaped |= backslash;
                        at += 1 + usize::from(backslash);
                    }
                    at += 1;
                    let verdict = if escaped {
                        let text: String = serde_json::from_str(&raw[from - 1..at])?;
                        cpr::search(&text, self.finds)
                    } else {
                        cpr::search(&raw[from..at - 1], self.finds)
                    };
                    if verdict != cpr::Search::Clean {
                        return Err(serde_json::Error::custom("a CPR in kept text"));
                    }
                    self.out.extend_from_slice(&bytes[from - 1..at]);
                }
                b'-' | b'0'..=b'9' => {
                    let from = at;
                    while bytes
                        .get(at)
                        .is_some_and(|b| matches!(b, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9'))
                    {
                        at += 1;
                    }
                    if cpr::number_could_be_cpr(&bytes[from..at]) {
                        return Err(serde_json::Error::custom("a number that could be a CPR"));
                    }
                    self.out.extend_from_slice(&bytes[from..at]);
                }
                _ => {
                    self.out.push(byte);
                    at += 1;
                }
            }
        }
        Ok(true)
    }
}

/// A member's name, without a copy unless it has escapes.
struct Name<'de>(std::borrow::Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Name(text.into()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(text.to_owned().into()))
            }
        }
        deserializer.deserialize_str(Text)
    }
}
