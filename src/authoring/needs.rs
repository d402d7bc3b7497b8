//! What a test says that the recipient needs of an output: less than an exact output, so that a weaker form may
//! still do. `tavs test` fails where a need is not met, `tavs assess` looks for weaker forms that meet them all.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use crate::policy::checked::{Need, Wants};
use crate::policy::location::{Comparison, Literal, Location, Step};
use crate::rewrite::{Decision, Outcome, Watch};

/// What became of each value of one document. Holds values: of tests only.
#[derive(Debug, Default)]
pub struct Fates {
    /// By RFC 6901 pointer: the value as it came, and as it leaves, in JSON.
    values: BTreeMap<String, (String, Option<String>)>,
}

impl Watch for Fates {
    const ENABLED: bool = true;

    fn decided(&mut self, decision: &Decision<'_>) {
        let text = |json: &[u8]| String::from_utf8_lossy(json).into_owned();
        match decision.outcome {
            Outcome::Kept | Outcome::Changed => {
                let after = (!decision.after.is_empty()).then(|| text(decision.after));
                self.values.insert(decision.pointer.to_owned(), (text(decision.before), after));
            }
            Outcome::Withheld | Outcome::Unfit => {}
            Outcome::RecordWithheld => {
                let below = format!("{}/", decision.pointer);
                let inside = |pointer: &str| pointer == decision.pointer || pointer.starts_with(&below);
                self.values.retain(|pointer, _| !inside(pointer));
            }
        }
    }
}

/// The needs of one test, and the values that they are about.
#[derive(Debug)]
pub struct Examined<'n> {
    needs: &'n [Need],
    /// For each need: a value as it came, as it leaves, and as it leaves in another response.
    values: Vec<Vec<[String; 3]>>,
}

impl<'n> Examined<'n> {
    /// Nothing examined yet.
    #[must_use]
    pub fn new(needs: &'n [Need]) -> Self {
        Self { needs, values: needs.iter().map(|_| Vec::new()).collect() }
    }

    /// Adds a document, with what became of it in two responses.
    pub fn add(&mut self, document: &Value, first: &Fates, second: &Fates) {
        for (need, values) in self.needs.iter().zip(&mut self.values) {
            for pointer in select(&need.location, document) {
                let Some((before, Some(after))) = first.values.get(&pointer) else { continue };
                let other = second.values.get(&pointer).and_then(|(_, after)| after.clone());
                values.push([before.clone(), after.clone(), other.unwrap_or_default()]);
            }
        }
    }

    /// Which needs are not met, in words without values.
    #[must_use]
    pub fn unmet(&self) -> Vec<String> {
        let each = self.needs.iter().zip(&self.values);
        each.filter_map(|(need, values)| {
            let why = why_not(need.wants, values)?;
            Some(format!("`{}` is needed ({}), and {why}", need.location, need.wants.word()))
        })
        .collect()
    }
}

fn why_not(wants: Wants, values: &[[String; 3]]) -> Option<String> {
    if values.is_empty() {
        return Some(String::from("nothing of it is in the output"));
    }
    let bad = |fits: &dyn Fn(&[String; 3]) -> bool, what: &str| {
        let count = values.iter().filter(|value| !fits(value)).count();
        (count > 0).then(|| format!("{count} of {} {what}", values.len()))
    };
    let is_dated = |shape: &'static str| {
        move |[_, after, _]: &[String; 3]| {
            let text: String =
                after.trim_matches('"').chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
            text.starts_with(shape)
        }
    };
    match wants {
        Wants::Present => None,
        Wants::Unchanged => bad(&|[before, after, _]| before == after, "are changed"),
        Wants::Year => bad(&is_dated("0000"), "have no year"),
        Wants::Month => bad(&is_dated("0000-00"), "have no month"),
        Wants::Date => bad(&is_dated("0000-00-00"), "have no day"),
        Wants::Instant => bad(&is_dated("0000-00-00T00:00"), "have no time"),
        Wants::Distinct => are_one(values).then(|| String::from("different values become one")),
        Wants::Linked | Wants::Stable if are_one(values) => Some(String::from("different values become one")),
        Wants::Linked | Wants::Stable if are_parted(values) => {
            Some(String::from("one value becomes several"))
        }
        Wants::Linked => None,
        Wants::Stable => bad(&|[_, after, other]| after == other, "are others in another response"),
    }
}

/// Whether two values become the same.
fn are_one(values: &[[String; 3]]) -> bool {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    values.iter().any(|[before, after, _]| *seen.entry(after).or_insert(before) != before)
}

/// Whether one value becomes two.
fn are_parted(values: &[[String; 3]]) -> bool {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    values.iter().any(|[before, after, _]| *seen.entry(before).or_insert(after) != after)
}

/// The pointers of the values at a location.
fn select(location: &Location, document: &Value) -> HashSet<String> {
    let mut at: Vec<(String, &Value)> = vec![(String::new(), document)];
    for step in &location.steps {
        at = at.iter().flat_map(|(pointer, value)| children(pointer, value, step)).collect();
    }
    at.into_iter().map(|(pointer, _)| pointer).collect()
}

fn children<'v>(pointer: &str, value: &'v Value, step: &Step) -> Vec<(String, &'v Value)> {
    let fits = |name: Option<&str>, index: Option<usize>, child: &Value| match step {
        Step::Name(wanted) => name == Some(wanted),
        Step::Index(wanted) => index.and_then(|index| u32::try_from(index).ok()) == Some(*wanted),
        Step::Wildcard => true,
        Step::Filter(all) => all.iter().all(|one| compares(one, child)),
    };
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(name, child)| fits(Some(name), None, child))
            .map(|(name, child)| (format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")), child))
            .collect(),
        Value::Array(elements) => elements
            .iter()
            .enumerate()
            .filter(|(index, child)| fits(None, Some(*index), child))
            .map(|(index, child)| (format!("{pointer}/{index}"), child))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

fn compares(comparison: &Comparison, child: &Value) -> bool {
    let same = child.get(&comparison.member).is_some_and(|member| match &comparison.literal {
        Literal::String(text) => member.as_str() == Some(text),
        Literal::Integer(number) => member.as_i64() == Some(*number),
        Literal::Bool(value) => member.as_bool() == Some(*value),
        Literal::Null => member.is_null(),
    });
    same == comparison.equal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unmet(wants: Wants, values: &[[&str; 3]]) -> bool {
        let owned: Vec<[String; 3]> = values.iter().map(|value| value.map(str::to_owned)).collect();
        why_not(wants, &owned).is_some()
    }

    #[test]
    fn a_need_is_met_by_what_is_enough_for_it() {
        let day = ["\"1948-12-25\"", "\"1948-12-25\"", "\"1948-12-25\""];
        let year = ["\"1948-12-25\"", "\"1948\"", "\"1948\""];
        let age = ["\"1948-12-25\"", "77", "77"];
        for (wants, met, not) in [
            (Wants::Year, year, age),
            (Wants::Month, day, year),
            (Wants::Date, day, year),
            (Wants::Unchanged, day, year),
        ] {
            assert!(!unmet(wants, &[met]) && unmet(wants, &[met, not]), "{wants:?}");
        }
        assert!(
            unmet(Wants::Instant, &[day]) && unmet(Wants::Present, &[]) && !unmet(Wants::Present, &[age])
        );
    }

    #[test]
    fn needs_of_identity_follow_the_three_kinds_of_linkability() {
        let [none, document, domain] = [
            [["a", "1", "8"], ["a", "2", "9"], ["b", "3", "7"]],
            [["a", "1", "8"], ["a", "1", "8"], ["b", "3", "7"]],
            [["a", "1", "1"], ["a", "1", "1"], ["b", "3", "3"]],
        ];
        for (wants, met) in [
            (Wants::Distinct, [true, true, true]),
            (Wants::Linked, [false, true, true]),
            (Wants::Stable, [false, false, true]),
        ] {
            assert_eq!([none, document, domain].map(|values| !unmet(wants, &values)), met, "{wants:?}");
        }
        assert!(unmet(Wants::Distinct, &[["a", "x", "x"], ["b", "x", "x"]]));
    }

    #[test]
    fn locations_select_in_the_input() {
        let document = serde_json::json!({"a": [{"s": "x", "v": 1}, {"s": "y", "v": 2}], "b/c": 3});
        let selected = |location: &str| {
            let mut all: Vec<String> =
                select(&Location::parse(location).unwrap(), &document).into_iter().collect();
            all.sort();
            all
        };
        assert_eq!(selected("$.a[?@.s=='y'].v"), ["/a/1/v"]);
        assert_eq!(selected("$.a[*].v"), ["/a/0/v", "/a/1/v"]);
        assert_eq!(selected("$['b/c']"), ["/b~1c"]);
        assert_eq!(selected("$.a[0]"), ["/a/0"]);
    }
}
