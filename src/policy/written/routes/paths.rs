//! A route's path: literal segments, and `{name}` for one segment of a pattern.

use super::requests::wanted;
use crate::policy::checked::{PathSegment, Wanted};
use crate::policy::codes;
use crate::policy::syntax::{At, Flaw, Value};

/// Reads `path` together with `path-members`.
pub(super) fn read(path: &Value<'_>, members: Option<&Value<'_>>) -> Option<At<Vec<PathSegment>>> {
    let patterns = members.map(path_members).unwrap_or_default();
    let parts = path.parsed(&codes::BAD_PATH, split)?;
    let mut segments = Vec::new();
    let mut used = Vec::new();
    for part in &parts.value {
        let Part::Named(name) = part else {
            segments.extend(part.literal());
            continue;
        };
        used.push(name.as_str());
        match patterns.iter().find(|(member, _)| member.value == *name) {
            Some((_, Some(wanted))) => {
                segments.push(PathSegment::Named { name: name.clone(), wanted: wanted.clone() });
            }
            Some((_, None)) => return None,
            None => {
                let help =
                    format!("add `path-members = {{ {name} = {{ keep = true, pattern = \"uuid\" }} }}`");
                let message = format!("`{{{name}}}` has no line in `path-members`");
                path.fault(&codes::PATH_MEMBER, message, "what may stand here?", Some(help));
                return None;
            }
        }
    }
    for (member, _) in patterns.iter().filter(|(member, _)| !used.contains(&member.value.as_str())) {
        let flaw = Flaw::new(
            format!("`{}` does not stand in the path", member.value),
            format!("write `{{{}}}` in `path`, or take this out", member.value),
        );
        path.flaw(&codes::PATH_MEMBER, member.span.clone(), &flaw);
    }
    Some(At::new(segments, parts.span))
}

/// `{ id = { keep = true, pattern = "uuid" } }`, `{ id = { resolve = "id" } }`; `None` where what is wanted
/// could not be read.
fn path_members(members: &Value<'_>) -> Vec<(At<String>, Option<Wanted>)> {
    let Some(table) = members.table() else { return Vec::new() };
    let one = |value: &Value<'_>| {
        if value.as_str() == Some("keep") {
            let help = Some(String::from("write `{ keep = true, pattern = \"uuid\" }`"));
            value.fault(&codes::PATH_MEMBER, "`keep` here needs a pattern", "anything would pass", help);
            return None;
        }
        let mut table = value.table()?;
        let resolves = table.has("resolve");
        let keep = if resolves { None } else { table.optional_bool("keep") };
        let read = wanted(&mut table, value);
        table.finish();
        if !resolves && keep.as_ref().is_none_or(|keep| !keep.value) {
            let help = Some(String::from("write `{ keep = true, pattern = \"uuid\" }`"));
            value.fault(&codes::PATH_MEMBER, "a member of the path has no action", "add `keep = true`", help);
            return None;
        }
        read
    };
    table
        .entries()
        .into_iter()
        .map(|(name, value)| (At::new(name.value.to_owned(), name.span), one(&value)))
        .collect()
}

/// The segments of a path that stands alone; `None` for a `{name}`.
pub(in crate::policy::written) fn segments(text: &str) -> Result<Vec<Option<String>>, Flaw> {
    let parts = split(text)?.into_iter();
    Ok(parts
        .map(|part| match part {
            Part::Literal(text) => Some(text),
            Part::Named(_) => None,
        })
        .collect())
}

#[derive(Debug)]
enum Part {
    Literal(String),
    Named(String),
}

impl Part {
    fn literal(&self) -> Option<PathSegment> {
        match self {
            Self::Literal(text) => Some(PathSegment::Literal(text.clone())),
            Self::Named(_) => None,
        }
    }
}

/// Splits a path; what the request gate would refuse in a target cannot stand in a route either.
fn split(text: &str) -> Result<Vec<Part>, Flaw> {
    let Some(rest) = text.strip_prefix('/') else {
        return Err(Flaw::new("a path begins with `/`", format!("write `/{text}`")));
    };
    if rest.is_empty() {
        return Ok(Vec::new());
    }
    let mut parts = Vec::new();
    let mut at = 1_usize;
    for segment in rest.split('/') {
        let end = at.saturating_add(segment.len());
        let flaw = |message: &str, help: &str| Flaw {
            at: Some(at..end),
            message: message.to_owned(),
            help: Some(help.to_owned()),
        };
        let part = match segment.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
            Some(name) if is_word(name) => Part::Named(name.to_owned()),
            Some(_) => return Err(flaw("this is no name of a path member", "letters, digits, `-` and `_`")),
            None if segment.is_empty() => {
                return Err(flaw("an empty segment", "no `//`, and no `/` at the end"));
            }
            None if segment == "." || segment == ".." => {
                return Err(flaw("a dot segment", "write the path as it is after resolving"));
            }
            None if !segment.chars().all(is_plain) => {
                let help = "letters, digits and `-._~$!*+,@:`; a `{name}` is a whole segment";
                return Err(flaw("a character that cannot stand in a path here", help));
            }
            None => Part::Literal(segment.to_owned()),
        };
        if let Part::Named(name) = &part
            && parts.iter().any(|other| matches!(other, Part::Named(same) if same == name))
        {
            return Err(flaw("a path member stands twice", "give each its own name"));
        }
        parts.push(part);
        at = end.saturating_add(1);
    }
    Ok(parts)
}

fn is_word(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '$' | '!' | '*' | '+' | ',' | '@' | ':')
}
