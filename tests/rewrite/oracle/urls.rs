//! URLs, taken apart one character at a time.

use std::collections::{BTreeMap, BTreeSet};

use tavs::cpr;
use tavs::policy::checked::{Kind, Parameter, PathSegment, Sought, Templates, Url, Wanted};
use tavs::pseudonym::Input;

use super::{Walk, forms, links};

/// How a URL was written: with scheme, from the root, or below some base.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Whole,
    FromRoot,
    Relative,
}

/// What routes make of a URL.
enum Found {
    No,
    /// One of them resolves a part of it, which has no pseudonym.
    Withheld,
    Url(String),
}

fn missing(wanted: &Wanted) -> Found {
    match wanted {
        Wanted::Pattern(_) => Found::No,
        Wanted::Pseudonym(_) => Found::Withheld,
    }
}

struct Parts {
    form: Form,
    segments: Vec<String>,
    query: Vec<(String, String)>,
}

impl Walk<'_, '_> {
    pub(super) fn url(&mut self, how: &Url, text: &str) -> Option<String> {
        match how {
            Url::Route => self.url_of_routes(text),
            Url::Templates(templates) => of_template(templates, text),
        }
    }

    fn url_of_routes(&mut self, text: &str) -> Option<String> {
        let own = self.oracle.route;
        let entry = links::entry(self.root, text);
        let parts = match &entry {
            Some((resource_type, id, _)) => Parts {
                form: Form::Relative,
                segments: vec![resource_type.clone(), id.clone()],
                query: Vec::new(),
            },
            None => take_apart(text, &own.response.base)?,
        };
        match self.of_routes(&parts, entry.is_some()) {
            Found::No => {}
            Found::Withheld => return None,
            Found::Url(url) => return Some(url),
        }
        let (last, rest) = parts.segments.split_last()?;
        let (history, rest) = rest.split_last()?;
        let id = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        let version =
            history == "_history" && last.chars().all(id) && last.len() < 65 && parts.query.is_empty();
        let unversioned = Parts { segments: rest.to_vec(), ..parts };
        let again = version && !unversioned.segments.is_empty();
        match again.then(|| self.of_routes(&unversioned, false)) {
            Some(Found::Url(url)) => Some(url),
            Some(Found::No | Found::Withheld) | None => None,
        }
    }

    fn of_routes(&mut self, parts: &Parts, is_entry: bool) -> Found {
        let policy = self.oracle.policy;
        let upstream = &self.oracle.route.upstream;
        let mut fitting: Vec<(&[PathSegment], &[PathSegment], &[Parameter])> = Vec::new();
        for route in policy.routes.iter().filter(|route| route.upstream == *upstream) {
            let Some(above) = route.path.len().checked_sub(parts.segments.len()) else { continue };
            let whole = above == 0 || parts.form == Form::Relative;
            let (above, own) = route.path.split_at(above);
            let fits = own.iter().zip(&parts.segments).all(|(segment, came)| match segment {
                PathSegment::Literal(text) => text == came,
                PathSegment::Named { wanted: Wanted::Pattern(pattern), .. } => pattern.fits(came),
                PathSegment::Named { wanted: Wanted::Pseudonym(_), .. } => true,
            });
            if whole && fits {
                fitting.push((above, own, &route.query));
            }
        }
        // What the routes that fit say of each place, by its number or its name.
        let mut kept = BTreeSet::new();
        let mut spelled = BTreeSet::new();
        let mut resolved: BTreeMap<String, Vec<&Sought>> = BTreeMap::new();
        for (_, own, query) in &fitting {
            let named = query.iter().map(|one| (format!("?{}", one.name), &one.wanted));
            let numbered = own.iter().enumerate().filter_map(|(at, segment)| match segment {
                PathSegment::Literal(_) => {
                    spelled.insert(at.to_string());
                    None
                }
                PathSegment::Named { wanted, .. } => Some((at.to_string(), wanted)),
            });
            for (place, wanted) in named.chain(numbered) {
                match wanted {
                    Wanted::Pattern(_) => drop(kept.insert(place)),
                    Wanted::Pseudonym(sought) => {
                        let all = resolved.entry(place).or_default();
                        if !all.contains(&sought) {
                            all.push(sought);
                        }
                    }
                }
            }
        }
        let mut urls = BTreeSet::new();
        let mut barred = false;
        for (above, own, query) in &fitting {
            let asked = parts.query.iter().filter_map(|(name, _)| {
                let one = query.iter().find(|one| one.name == *name)?;
                Some((format!("?{name}"), &one.wanted))
            });
            let segments = own.iter().enumerate().filter_map(|(at, segment)| match segment {
                PathSegment::Literal(_) => None,
                PathSegment::Named { wanted, .. } => Some((at.to_string(), wanted)),
            });
            let bad = asked.chain(segments).any(|(place, wanted)| match wanted {
                Wanted::Pattern(_) => resolved.contains_key(&place),
                Wanted::Pseudonym(_) => resolved[&place].len() > 1 || spelled.contains(&place),
            });
            if bad {
                barred = true;
                continue;
            }
            match self.of_one(parts, is_entry, above, own, query) {
                Found::No => {}
                Found::Withheld => return Found::Withheld,
                Found::Url(url) => drop(urls.insert(url)),
            }
        }
        match urls.pop_first() {
            Some(url) => Found::Url(url),
            None if barred => Found::Withheld,
            None => Found::No,
        }
    }

    fn of_one(
        &mut self,
        parts: &Parts,
        is_entry: bool,
        above: &[PathSegment],
        own: &[PathSegment],
        listed: &[Parameter],
    ) -> Found {
        if parts.form == Form::Relative && matches!(own.first(), Some(PathSegment::Named { .. })) {
            return Found::No;
        }
        let mut segments = Vec::new();
        for segment in above {
            let PathSegment::Literal(text) = segment else { return Found::No };
            segments.push(text.clone());
        }
        let begin = segments.len();
        for (segment, came) in own.iter().zip(&parts.segments) {
            match segment {
                PathSegment::Literal(text) => segments.push(text.clone()),
                PathSegment::Named { wanted, .. } => match self.wanted(wanted, came) {
                    Some(text) => segments.push(text),
                    None => return missing(wanted),
                },
            }
        }
        let mut query = Vec::new();
        for (name, value) in &parts.query {
            let Some(one) = listed.iter().find(|one| one.name == *name) else { return Found::No };
            match self.wanted(&one.wanted, value) {
                Some(value) => query.push((name.clone(), value)),
                None => return missing(&one.wanted),
            }
        }
        let path =
            |all: &[String]| all.iter().map(|one| coded(one, IN_SEGMENT)).collect::<Vec<_>>().join("/");
        let query = written(&query);
        Found::Url(match parts.form {
            Form::Relative if !is_entry => format!("{}{query}", path(&segments[begin..])),
            Form::FromRoot => format!("/{}{query}", path(&segments)),
            Form::Whole | Form::Relative => format!("https://proxy.invalid/{}{query}", path(&segments)),
        })
    }

    fn wanted(&mut self, wanted: &Wanted, value: &str) -> Option<String> {
        match wanted {
            Wanted::Pattern(_) => fits(wanted, value).then(|| value.to_owned()),
            Wanted::Pseudonym(Sought { kind: Kind::Cpr, system }) => {
                let system = system.as_deref();
                let before = system.map_or_else(String::new, |system| format!("{system}|"));
                let number = cpr::parse(value.strip_prefix(&before)?)?;
                Some(format!("{before}{}", self.person(&number, system.unwrap_or_default())?))
            }
            Wanted::Pseudonym(Sought { kind: Kind::Id { resource_type }, .. }) => {
                let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
                let good = (1..=64).contains(&value.len()) && value.chars().all(plain);
                let input = Input { kind: "id", resource_type, system: "", value };
                good.then(|| self.made_of(input)).flatten()
            }
            Wanted::Pseudonym(Sought { kind: Kind::Value(_), .. }) => None,
            Wanted::Pseudonym(Sought { kind: Kind::Reference, system }) => {
                if let Some((resource_type, id)) = forms::reference(value) {
                    let id = self.made_of(Input { kind: "id", resource_type, system: "", value: id })?;
                    return Some(format!("{resource_type}/{id}"));
                }
                let (resource_type, of, number) = links::conditional(value)?;
                let number = (Some(&of) == system.as_ref()).then(|| self.person(&number, &of)).flatten()?;
                Some(format!("{resource_type}?identifier={of}|{number}"))
            }
        }
    }
}

fn fits(wanted: &Wanted, value: &str) -> bool {
    let Wanted::Pattern(pattern) = wanted else { return false };
    pattern.fits(value) && !(pattern.can_hold_cpr() && cpr::could_be_in_request(value))
}

fn of_template(templates: &Templates, text: &str) -> Option<String> {
    let parts = take_apart(text, &[])?;
    let template = templates.paths.iter().find(|template| {
        template.segments.len() == parts.segments.len()
            && template.segments.iter().zip(&parts.segments).all(|(wanted, came)| match wanted {
                Some(literal) => literal == came,
                None => true,
            })
    })?;
    let mut query = parts.query;
    query.retain(|(name, value)| {
        templates.query.iter().any(|listed| listed.name == *name && fits(&listed.wanted, value))
    });
    Some(format!("{}{}", template.text, written(&query)))
}

fn take_apart(text: &str, bases: &[String]) -> Option<Parts> {
    if text.contains('#') {
        return None;
    }
    let (path, query) = text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
    let query = query.map_or(Some(Vec::new()), pairs)?;
    let mut path = path.to_owned();
    let mut form = if path.starts_with('/') { Form::FromRoot } else { Form::Relative };
    if let Some((scheme, rest)) = path.split_once("://") {
        if !["http", "https"].contains(&scheme) {
            return None;
        }
        form = Form::Whole;
        let (authority, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        if authority.is_empty() || !authority.chars().all(host) {
            return None;
        }
        if bases.is_empty() {
            path = rest.to_owned();
        }
    }
    if !bases.is_empty() && form != Form::Relative {
        let rest = bases.iter().find_map(|base| {
            let (_, after) = base.split_once("://").unwrap();
            let root = &after[after.find('/').unwrap_or(after.len())..];
            let base = if form == Form::Whole { base.as_str() } else { root };
            path.strip_prefix(base).filter(|rest| rest.is_empty() || rest.starts_with('/'))
        })?;
        path = rest.to_owned();
    }
    if form == Form::Relative {
        if path.split('/').next().unwrap().contains(':') {
            return None;
        }
        path = format!("/{path}");
    } else if path.is_empty() {
        path = "/".to_owned();
    }
    let segments: Option<Vec<String>> = match path.as_str() {
        "/" if form != Form::Relative => Some(Vec::new()),
        path => path.split('/').skip(1).map(segment).collect(),
    };
    Some(Parts { form, segments: segments?, query })
}

const IN_SEGMENT: &str = "-._~!$&'()*+,=:@";

/// Good only in the one way in which it can be written.
fn segment(text: &str) -> Option<String> {
    let decoded = decoded(text)?;
    let bad = |c: char| c.is_control() || "/\\%?#;".contains(c);
    let good = !decoded.is_empty() && decoded != "." && decoded != ".." && !decoded.contains(bad);
    (good && coded(&decoded, IN_SEGMENT) == text).then_some(decoded)
}

fn pairs(query: &str) -> Option<Vec<(String, String)>> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for pair in query.split('&') {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~!$'()*,=:@/?|+%".contains(c);
        let (name, value) = pair.chars().all(plain).then(|| pair.split_once('='))??;
        let (name, value) = (decoded(&name.replace('+', " "))?, decoded(&value.replace('+', " "))?);
        let bad = |text: &str| text.contains('%') || text.contains(char::is_control);
        if name.is_empty() || bad(&name) || bad(&value) || pairs.iter().any(|(other, _)| *other == name) {
            return None;
        }
        pairs.push((name, value));
    }
    Some(pairs)
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '%' {
            let digits = rest.get(1..3)?;
            bytes.push(u8::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?);
            rest = &rest[3..];
        } else {
            bytes.extend(c.to_string().into_bytes());
            rest = &rest[c.len_utf8()..];
        }
    }
    String::from_utf8(bytes).ok()
}

fn coded(text: &str, plain: &str) -> String {
    let one = |byte: u8| match char::from(byte) {
        c if c.is_ascii_alphanumeric() || plain.contains(c) => c.to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

fn written(query: &[(String, String)]) -> String {
    let one = |(name, value): &(String, String)| format!("{}={}", coded(name, "-._~"), coded(value, "-._~"));
    let all: Vec<String> = query.iter().map(one).collect();
    if all.is_empty() { String::new() } else { format!("?{}", all.join("&")) }
}
