//! Where in a document a rule applies: the subset of JSONPath (RFC 9535) that one pass can decide.
//!
//! `$`, names (`.name`, `['name']`), `[*]` and `.*`, indices from the front, and filters that
//! compare members of the element with literals: `[?@.system=='urn:x' && @.use!='old']`.
//! Descendants (`..`), slices, unions, functions and negative indices are refused with the reason.

use std::fmt;
use std::ops::Range;

/// One parsed location.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Location {
    /// The steps after `$`; none means the document itself.
    pub steps: Vec<Step>,
}

/// One step down.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// A member by name, after unescaping.
    Name(String),
    /// Every member and every element.
    Wildcard,
    /// An element, from 0.
    Index(u32),
    /// Every child whose members compare as all of these say; never empty.
    Filter(Vec<Comparison>),
}

/// `@.member == literal`, or `!=`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Comparison {
    /// A member of the child.
    pub member: String,
    /// `==`, or else `!=`; the latter also holds where the member is absent (RFC 9535 2.3.5.2.2).
    pub equal: bool,
    /// What it is compared with.
    pub literal: Literal,
}

/// A value that a member is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Literal {
    /// A string, unescaped.
    String(String),
    /// An integer.
    Integer(i64),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
}

/// Why a text is no location, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocationError {
    /// The offending bytes of the text.
    pub at: Range<usize>,
    /// One line, lower case.
    pub message: &'static str,
    /// What to write instead.
    pub help: Option<&'static str>,
}

/// Rules deeper than this could never apply: documents are refused at depth 128 (G3).
pub const MAX_STEPS: usize = 128;

impl Location {
    /// Reads a location such as `$.entry[*].resource.id`.
    ///
    /// # Errors
    /// A [`LocationError`] that says what is wrong and which bytes to underline.
    pub fn parse(text: &str) -> Result<Self, LocationError> {
        let mut reader = Reader { text, at: 0 };
        if !reader.take("$") {
            return Err(reader.fault(
                0,
                "a location begins with `$`",
                Some("write `$.name` or `$.list[*].name`"),
            ));
        }
        let mut steps = Vec::new();
        while reader.at < text.len() {
            steps.push(reader.step()?);
            if steps.len() > MAX_STEPS {
                return Err(reader.fault(0, "a location has at most 128 steps", None));
            }
        }
        Ok(Self { steps })
    }

    /// This location below another: `$.a` and `$.b` make `$.a.b`.
    #[must_use]
    pub fn join(&self, below: &Self) -> Self {
        Self { steps: self.steps.iter().chain(&below.steps).cloned().collect() }
    }

    /// Whether something may stand at both, or at one and below the other.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        self.steps.iter().zip(&other.steps).all(|(one, other)| one.may_be(other))
    }

    /// The names before `[*]`, where the location is nothing but names and that: `$.entry[*]`.
    #[must_use]
    pub fn names_to_elements(&self) -> Option<Vec<String>> {
        let (Step::Wildcard, names) = self.steps.split_last()? else { return None };
        let name = |step: &Step| match step {
            Step::Name(name) => Some(name.clone()),
            Step::Wildcard | Step::Index(_) | Step::Filter(_) => None,
        };
        names.iter().map(name).collect()
    }

    /// The last name in it, which says what the value is: `cpr` of `$.patients[*].cpr`.
    #[must_use]
    pub fn last_name(&self) -> Option<&str> {
        self.steps.iter().rev().find_map(|step| match step {
            Step::Name(name) => Some(name.as_str()),
            Step::Wildcard | Step::Index(_) | Step::Filter(_) => None,
        })
    }
}

impl Comparison {
    /// Whether nothing can compare as both say: no member is two values at once, or one value and not.
    fn excludes(&self, other: &Self) -> bool {
        let differ = self.literal != other.literal;
        let excluded = match (self.equal, other.equal) {
            (true, true) => differ,
            (true, false) | (false, true) => !differ,
            (false, false) => false,
        };
        excluded && self.member == other.member
    }
}

impl Step {
    /// Whether two steps can lead to one value: `[0]` and `[*]` do.
    #[must_use]
    pub fn may_be(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(_), Self::Name(_)) | (Self::Index(_), Self::Index(_)) => self == other,
            (Self::Name(_), Self::Index(_)) | (Self::Index(_), Self::Name(_)) => false,
            (Self::Filter(some), Self::Filter(others)) => {
                !some.iter().any(|one| others.iter().any(|other| one.excludes(other)))
            }
            (Self::Wildcard | Self::Filter(_), _) | (_, Self::Wildcard | Self::Filter(_)) => true,
        }
    }
}

/// As it is written: a policy's rules are then lines that can be read.
impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        self.steps.iter().try_for_each(|step| write!(f, "{step}"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) if is_shorthand(name) => write!(f, ".{name}"),
            Self::Name(name) => write!(f, "['{}']", quote(name)),
            Self::Wildcard => f.write_str("[*]"),
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Filter(all) => {
                f.write_str("[?")?;
                for (i, one) in all.iter().enumerate() {
                    let and = if i == 0 { "" } else { " && " };
                    write!(f, "{and}{one}")?;
                }
                f.write_str("]")
            }
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let op = if self.equal { "==" } else { "!=" };
        write!(f, "@{}{op}{}", Step::Name(self.member.clone()), self.literal)
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => write!(f, "'{}'", quote(text)),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Null => f.write_str("null"),
        }
    }
}

fn quote(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}

fn is_shorthand(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(is_name_first) && chars.all(is_name_char)
}

fn is_name_first(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

fn is_name_char(c: char) -> bool {
    is_name_first(c) || c.is_ascii_digit()
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at = self.at.saturating_add(token.len());
        }
        found
    }

    fn spaces(&mut self) {
        while self.take(" ") {}
    }

    /// A fault from `from` to the end of the character at the reader's place.
    fn fault(&self, from: usize, message: &'static str, help: Option<&'static str>) -> LocationError {
        let width = self.rest().chars().next().map_or(0, char::len_utf8);
        LocationError { at: from..self.at.saturating_add(width), message, help }
    }

    fn step(&mut self) -> Result<Step, LocationError> {
        let from = self.at;
        if self.take("..") {
            return Err(LocationError {
                at: from..self.at,
                message: "`..` would keep members that nobody listed",
                help: Some("name each step, or use `[*]`"),
            });
        }
        if self.take(".*") {
            return Ok(Step::Wildcard);
        }
        if self.take(".") {
            return self.shorthand().map(Step::Name);
        }
        if self.take("[") {
            self.spaces();
            let step = self.bracketed()?;
            self.spaces();
            if !self.take("]") {
                return Err(self.fault(
                    from,
                    "`[` without its `]`",
                    Some("unions and slices are not supported: write one rule for each"),
                ));
            }
            return Ok(step);
        }
        Err(self.fault(
            from,
            "expected `.name` or `[…]`",
            Some("quote names with other characters: `['my-name']`"),
        ))
    }

    fn shorthand(&mut self) -> Result<String, LocationError> {
        let name: String = self.rest().chars().take_while(|c| is_name_char(*c)).collect();
        if !is_shorthand(&name) {
            return Err(self.fault(
                self.at,
                "expected a name after `.`",
                Some("quote other names: `['my-name']`"),
            ));
        }
        self.at = self.at.saturating_add(name.len());
        Ok(name)
    }

    fn bracketed(&mut self) -> Result<Step, LocationError> {
        if self.take("*") {
            return Ok(Step::Wildcard);
        }
        if self.take("?") {
            return self.filter().map(Step::Filter);
        }
        if self.rest().starts_with(['\'', '"']) {
            return self.quoted().map(Step::Name);
        }
        let from = self.at;
        let digits: String = self.rest().chars().take_while(char::is_ascii_digit).collect();
        self.at = self.at.saturating_add(digits.len());
        let canonical = digits == "0" || !digits.starts_with('0');
        match digits.parse() {
            Ok(index) if canonical => Ok(Step::Index(index)),
            _ => Err(self.fault(
                from,
                "expected a name, `*`, an index from 0, or a filter",
                Some("one pass cannot count from the end of an array"),
            )),
        }
    }

    fn filter(&mut self) -> Result<Vec<Comparison>, LocationError> {
        let mut all = Vec::new();
        loop {
            self.spaces();
            all.push(self.comparison()?);
            self.spaces();
            if !self.take("&&") {
                return Ok(all);
            }
        }
    }

    fn comparison(&mut self) -> Result<Comparison, LocationError> {
        const HELP: Option<&str> =
            Some("compare a member of the element with a literal: `[?@.system=='urn:x']`");
        let from = self.at;
        if !self.take("@") {
            return Err(self.fault(from, "a filter compares a member of `@`", HELP));
        }
        let member = if self.take(".") {
            self.shorthand()?
        } else if self.take("[") {
            let name = self.quoted()?;
            if !self.take("]") {
                return Err(self.fault(from, "`[` without its `]`", HELP));
            }
            name
        } else {
            return Err(self.fault(from, "expected a member after `@`", HELP));
        };
        self.spaces();
        let equal = self.take("==");
        if !equal && !self.take("!=") {
            return Err(self.fault(from, "expected `==` or `!=`", HELP));
        }
        self.spaces();
        Ok(Comparison { member, equal, literal: self.literal()? })
    }

    fn literal(&mut self) -> Result<Literal, LocationError> {
        if self.rest().starts_with(['\'', '"']) {
            return self.quoted().map(Literal::String);
        }
        for (word, literal) in
            [("true", Literal::Bool(true)), ("false", Literal::Bool(false)), ("null", Literal::Null)]
        {
            if self.take(word) {
                return Ok(literal);
            }
        }
        let from = self.at;
        let number: String = self.rest().chars().take_while(|c| c.is_ascii_digit() || *c == '-').collect();
        self.at = self.at.saturating_add(number.len());
        number.parse().map(Literal::Integer).map_err(|_not_a_number| {
            self.fault(from, "expected a quoted string, an integer, `true`, `false` or `null`", None)
        })
    }

    fn quoted(&mut self) -> Result<String, LocationError> {
        let from = self.at;
        let mut chars = self.rest().char_indices();
        let Some((_, quote)) = chars.next().filter(|(_, c)| matches!(c, '\'' | '"')) else {
            return Err(self.fault(from, "expected a quoted name", None));
        };
        let mut name = String::new();
        while let Some((offset, c)) = chars.next() {
            if c == quote {
                self.at = self.at.saturating_add(offset).saturating_add(1);
                return Ok(name);
            }
            match c {
                '\\' => match chars.next() {
                    Some((_, escaped @ ('\\' | '\'' | '"' | '/'))) => name.push(escaped),
                    _ => {
                        return Err(self.fault(
                            from,
                            "only `\\\\`, `\\'`, `\\\"` and `\\/` can be escaped here",
                            None,
                        ));
                    }
                },
                c if c.is_control() => return Err(self.fault(from, "a control character in a name", None)),
                c => name.push(c),
            }
        }
        Err(self.fault(from, "a quote without its end", None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_every_kind_of_step() {
        for text in [
            "$",
            "$.a.b_1.æ",
            "$['with space']['it\\'s'].x",
            "$.list[*].x",
            "$.list[0][12]",
            "$.id[?@.system=='urn:oid:1.2' && @.use!='old'].value",
            "$[?@['a b']==-3][?@.t==true][?@.n==null]",
        ] {
            let location = Location::parse(text).unwrap();
            assert_eq!(location.to_string(), text);
        }
        assert_eq!(Location::parse("$.*").unwrap().to_string(), "$[*]");
        assert_eq!(Location::parse("$[\"a\"]").unwrap().to_string(), "$.a");
    }

    #[test]
    fn refuses_what_one_pass_cannot_decide_or_nobody_meant() {
        for text in [
            "",
            "a",
            "$a",
            "$.",
            "$..a",
            "$.a[",
            "$.a[-1]",
            "$.a[01]",
            "$.a[0:2]",
            "$.a['x','y']",
            "$.a[?@.b]",
            "$.a[?@.b<3]",
            "$.a[?count(@)==1]",
            "$.a['x]",
            "$. a",
            "$.a ",
            "$.1",
            "$.a-b",
            "$[?@.a==1.5]",
            "$['a\tb']",
        ] {
            let error = Location::parse(text).expect_err(text);
            assert!(error.at.end <= text.len() + 1, "{text}: {error:?}");
        }
    }

    #[test]
    fn a_location_has_128_steps_at_most() {
        assert_eq!(Location::parse(&format!("${}", ".a".repeat(128))).unwrap().steps.len(), 128);
        for steps in [129, 130] {
            assert!(Location::parse(&format!("${}", ".a".repeat(steps))).is_err(), "{steps}");
        }
    }

    #[test]
    fn joins_below_another() {
        let at = Location::parse("$.entry[*].resource").unwrap();
        assert_eq!(at.join(&Location::parse("$.id").unwrap()).to_string(), "$.entry[*].resource.id");
    }
}
