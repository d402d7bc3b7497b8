//! A document as a tree that forgets nothing: texts as they stood, order, duplicates.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// One value. `raw` is the text as it stood, quotes included.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    Object(Vec<Member>),
    Array(Vec<Self>),
    String { text: String, raw: String },
    Number(String),
    Bool(bool),
    Null,
}

/// One member of an object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) raw_name: String,
    pub(crate) value: Tree,
}

/// The input is no document that may be rewritten (G3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotJson;

const MAX_DEPTH: usize = 128;

/// Reads one document, strictly.
pub(crate) fn parse(body: &[u8]) -> Result<Tree, NotJson> {
    let text = std::str::from_utf8(body).map_err(|_| NotJson)?;
    let raw: &RawValue = serde_json::from_str(text).map_err(|_| NotJson)?;
    level(raw, 0)
}

fn level(raw: &RawValue, depth: usize) -> Result<Tree, NotJson> {
    let text = raw.get();
    let inside = depth + 1;
    match text.as_bytes().first() {
        Some(b'{' | b'[') if inside > MAX_DEPTH => Err(NotJson),
        Some(b'{') => {
            let Members(members) = serde_json::from_str(text).map_err(|_| NotJson)?;
            let read = |(raw_name, value): (&RawValue, &RawValue)| {
                Ok(Member {
                    name: unescaped(raw_name.get())?,
                    raw_name: raw_name.get().to_owned(),
                    value: level(value, inside)?,
                })
            };
            members.into_iter().map(read).collect::<Result<_, _>>().map(Tree::Object)
        }
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| NotJson)?;
            elements.into_iter().map(|e| level(e, inside)).collect::<Result<_, _>>().map(Tree::Array)
        }
        Some(b'"') => Ok(Tree::String { text: unescaped(text)?, raw: text.to_owned() }),
        Some(b't') => Ok(Tree::Bool(true)),
        Some(b'f') => Ok(Tree::Bool(false)),
        Some(b'n') => Ok(Tree::Null),
        _ => Ok(Tree::Number(text.to_owned())),
    }
}

fn unescaped(raw: &str) -> Result<String, NotJson> {
    serde_json::from_str(raw).map_err(|_| NotJson)
}

/// Members in order, duplicates and all, names still escaped.
struct Members<'de>(Vec<(&'de RawValue, &'de RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

impl Tree {
    /// Compact JSON: strings, names and numbers as they are held, no space between.
    pub(crate) fn write(&self, out: &mut String) {
        match self {
            Self::Object(members) => {
                out.push('{');
                for (i, member) in members.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    out.push_str(&member.raw_name);
                    out.push(':');
                    member.value.write(out);
                }
                out.push('}');
            }
            Self::Array(elements) => {
                out.push('[');
                for (i, element) in elements.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    element.write(out);
                }
                out.push(']');
            }
            Self::String { raw, .. } | Self::Number(raw) => out.push_str(raw),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Null => out.push_str("null"),
        }
    }

    /// A string that was made here.
    pub(crate) fn string(text: &str) -> Self {
        Self::String { text: text.to_owned(), raw: quoted(text) }
    }

    /// The first member of that name.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|m| m.name == name).map(|m| &m.value),
            _ => None,
        }
    }

    /// The value at an RFC 6901 pointer; of members with one name, the last.
    pub(crate) fn at_mut(&mut self, pointer: &str) -> Option<&mut Self> {
        let mut node = self;
        for part in pointer.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            node = match node {
                Self::Object(members) => &mut members.iter_mut().rfind(|member| member.name == part)?.value,
                Self::Array(elements) => elements.get_mut(part.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(node)
    }

    pub(crate) fn is_container(&self) -> bool {
        matches!(self, Self::Object(_) | Self::Array(_))
    }
}

/// A string as JSON, with no more escapes than RFC 8259 section 7 asks for.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string is always JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgets_nothing_but_space() {
        let text = r#"{"\u0061":[1.50,-0,1e+5],"a":{"æ\/":"\u00e6"},"":null,"t":[true,false,{},[]]}"#;
        let spaced = text.replace(',', " ,\n").replace(':', "\t: ");
        let tree = parse(spaced.as_bytes()).unwrap();
        let mut out = String::new();
        tree.write(&mut out);
        assert_eq!(out, text);
        assert_eq!(tree.member("a"), Some(&parse(b"[1.50,-0,1e+5]").unwrap()));
    }

    #[test]
    fn refuses_what_g3_refuses() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(nested(128).as_bytes()).is_ok());
        assert!(parse(nested(129).as_bytes()).is_err());
        for bad in ["", " ", "\u{feff}{}", "{} x", "[1,]", r#""\ud800""#, r#"{"\udc00":1}"#, "01", "nul"] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(parse(b"\"\xff\"").is_err());
    }
}
