//! URLs of an upstream, as the recipient may have them: those of its own routes, at the proxy and with
//! pseudonyms, or no more than the policy's own words for their path.
//!
//! What must never happen here: a segment or parameter on its way out that neither a route or template
//! spells out, nor a listed pattern admits, nor became a pseudonym.

use super::links::is_local;
use super::reference;
use super::walk::Walk;
use super::{Judge, Watch};
use crate::cpr;
use crate::json::escape_into;
use crate::policy::checked::{Kind, PathSegment, Pattern, Sought, Template, Templates, Url, Wanted};
use crate::policy::plan::UrlRoute;
use crate::pseudonym::Input;
use crate::uri;

/// A URL, taken apart.
struct Parts<'a> {
    form: Form,
    /// The path after the upstream's base, as it came.
    path: &'a str,
    /// Decoded.
    segments: Vec<String>,
    query: Vec<(String, String)>,
}

impl Parts<'_> {
    /// Takes `/_history/2` off: the version of a resource, as in what a FHIR server answers to a
    /// creation (R4 section 3.1.0.8).
    fn drop_version(&mut self) -> bool {
        let cut = match self.segments.as_slice() {
            [rest @ .., history, version] if history == "_history" && reference::is_id(version) => rest.len(),
            _ => return false,
        };
        let path = self.path.rsplit_once("/_history/").map(|(before, _)| before);
        self.segments.truncate(cut);
        self.path = path.unwrap_or_default();
        self.query.is_empty() && cut > 0
    }
}

/// How a URL is written, and so how it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `https://…`
    Whole,
    /// `/Patient/1`
    FromRoot,
    /// `Patient/1`: below whatever base
    Relative,
}

/// A route resolves something in a URL, and it has no pseudonym: the URL does not leave by any other route.
struct Withheld;

/// A route whose path a URL fits, whatever its query.
struct Fitting<'a> {
    route: &'a UrlRoute,
    /// What of the path stands before the URL.
    above: &'a [PathSegment],
    /// As many segments as the URL has.
    own: &'a [PathSegment],
}

impl<'a> Fitting<'a> {
    fn of(route: &'a UrlRoute, parts: &Parts<'_>) -> Option<Self> {
        let before = route.path.len().checked_sub(parts.segments.len())?;
        if before > 0 && (parts.form != Form::Relative || parts.segments.is_empty()) {
            return None;
        }
        let (above, own) = route.path.split_at_checked(before)?;
        let fits = |(segment, came): (&PathSegment, &String)| match segment {
            PathSegment::Literal(text) => text == came,
            PathSegment::Named { wanted: Wanted::Pattern(pattern), .. } => pattern.fits(came),
            PathSegment::Named { wanted: Wanted::Pseudonym(_), .. } => true,
        };
        own.iter().zip(&parts.segments).all(fits).then_some(Self { route, above, own })
    }

    fn parameter(&self, name: &str) -> Option<&'a Wanted> {
        self.route.query.iter().find(|parameter| parameter.name == name).map(|parameter| &parameter.wanted)
    }

    /// Whether it may say what leaves: not where another resolves what it takes as it is, or as something
    /// else. A literal is the policy's own word, and is nobody's id.
    fn is_admitted(&self, all: &[Self], parts: &Parts<'_>) -> bool {
        let at = |one: &Self, place: usize| one.own.get(place).map(said);
        let segments = (0..self.own.len()).all(|place| {
            let others = || all.iter().filter_map(|one| at(one, place));
            at(self, place).is_none_or(|own| own.stands_among(others))
        });
        let parameters = parts.query.iter().all(|(name, _)| {
            let others = || all.iter().filter_map(|one| one.parameter(name)).map(Said::Wanted);
            self.parameter(name).is_none_or(|own| Said::Wanted(own).stands_among(others))
        });
        segments && parameters
    }
}

/// What a route says of one place.
#[derive(Clone, Copy, PartialEq)]
enum Said<'a> {
    Literal,
    Wanted(&'a Wanted),
}

const fn said(segment: &PathSegment) -> Said<'_> {
    match segment {
        PathSegment::Literal(_) => Said::Literal,
        PathSegment::Named { wanted, .. } => Said::Wanted(wanted),
    }
}

impl Said<'_> {
    /// Among what all routes that fit say of the place, this one's own among them.
    fn stands_among<'b, I: Iterator<Item = Said<'b>>>(self, all: impl Fn() -> I) -> bool {
        let resolves = |other: &Said<'_>| matches!(other, Said::Wanted(Wanted::Pseudonym(_)));
        match self {
            Self::Literal => true,
            Self::Wanted(Wanted::Pattern(_)) => !all().any(|other| resolves(&other)),
            Self::Wanted(Wanted::Pseudonym(_)) => {
                all().filter(resolves).all(|other| other == self)
                    && !all().any(|other| other == Said::Literal)
            }
        }
    }
}

impl<J: Judge, W: Watch> Walk<'_, '_, '_, J, W> {
    /// Writes the content of a URL as the rule has it; `false` if it cannot leave.
    pub(super) fn write_url(&mut self, how: &Url, text: &str) -> bool {
        let url = match how {
            Url::Route => self.url_of_route(text),
            Url::Templates(templates) => self.url_of_template(templates, text),
        };
        if let Some(url) = &url {
            escape_into(url, &mut self.out);
        }
        url.is_some()
    }

    /// The URL by which the recipient would ask for the same.
    pub(super) fn url_of_route(&mut self, text: &str) -> Option<String> {
        let since = self.wanted();
        let url = self.made_of_routes(text);
        if url.is_none() {
            self.unwant(since);
        }
        url
    }

    fn made_of_routes(&mut self, text: &str) -> Option<String> {
        let plan = self.plan;
        if is_local(text) {
            let resource = self.links.entry(text)?;
            let path = format!("/{}/{}", resource.resource_type, resource.id);
            let segments = uri::decode_path(&path).ok()?;
            let parts = Parts { form: Form::Relative, path: &path, segments, query: Vec::new() };
            let (_, path) = self.of_routes(&plan.urls.routes, &parts).ok()??;
            return Some(format!("{}{path}", self.base));
        }
        let mut parts = take_apart(text, &plan.urls.bases)?;
        let mut found = self.of_routes(&plan.urls.routes, &parts).ok()?;
        if found.is_none() && parts.drop_version() {
            found = self.of_routes(&plan.urls.routes, &parts).ok()?;
        }
        let (tail, whole) = found?;
        Some(match parts.form {
            Form::Whole => format!("{}{whole}", self.base),
            Form::FromRoot => whole,
            Form::Relative => tail,
        })
    }

    /// The same as of the routes that it fits, in whatever order they stand and whatever their methods: from
    /// where the URL begins, and from the root.
    ///
    /// INVARIANT: what any of them resolves leaves as its pseudonym or not at all, though another takes the
    /// same as it is.
    fn of_routes(
        &mut self,
        routes: &[UrlRoute],
        parts: &Parts<'_>,
    ) -> Result<Option<(String, String)>, Withheld> {
        let fitting: Vec<Fitting<'_>> = routes.iter().filter_map(|route| Fitting::of(route, parts)).collect();
        let mut found: Option<(String, String)> = None;
        let mut is_barred = false;
        for one in &fitting {
            if !one.is_admitted(&fitting, parts) {
                is_barred = true;
                continue;
            }
            let made = self.of_route(one, parts)?;
            // Where only what stands before it differs, any is the recipient's own.
            found = [found, made].into_iter().flatten().min();
        }
        if found.is_none() && is_barred { Err(Withheld) } else { Ok(found) }
    }

    fn of_route(
        &mut self,
        fitting: &Fitting<'_>,
        parts: &Parts<'_>,
    ) -> Result<Option<(String, String)>, Withheld> {
        // `123` alone could be the end of any path.
        if parts.form == Form::Relative && !matches!(fitting.own.first(), Some(PathSegment::Literal(_))) {
            return Ok(None);
        }
        let mut root = String::new();
        for segment in fitting.above {
            let PathSegment::Literal(text) = segment else { return Ok(None) };
            root.push('/');
            root.push_str(text);
        }
        let mut path = String::new();
        let raw = parts.path.strip_prefix('/').unwrap_or(parts.path).split('/');
        for ((segment, came), raw) in fitting.own.iter().zip(&parts.segments).zip(raw) {
            path.push('/');
            match segment {
                PathSegment::Literal(_) => path.push_str(raw),
                PathSegment::Named { wanted: Wanted::Pattern(pattern), .. } => {
                    if !self.fits(pattern, came) {
                        return Ok(None);
                    }
                    path.push_str(raw);
                }
                PathSegment::Named { wanted: Wanted::Pseudonym(sought), .. } => {
                    path.push_str(&self.as_pseudonym(sought, came).ok_or(Withheld)?);
                }
            }
        }
        if path.is_empty() {
            path.push('/');
        }
        let mut query = Vec::with_capacity(parts.query.len());
        for (name, value) in &parts.query {
            let value = match fitting.parameter(name) {
                None => return Ok(None),
                Some(Wanted::Pattern(pattern)) if self.fits(pattern, value) => value.clone(),
                Some(Wanted::Pattern(_)) => return Ok(None),
                Some(Wanted::Pseudonym(sought)) => self.as_pseudonym(sought, value).ok_or(Withheld)?,
            };
            query.push((name.clone(), value));
        }
        let query = query_text(&uri::encode_query(&query));
        let tail = path.strip_prefix('/').unwrap_or_default();
        Ok(Some((format!("{tail}{query}"), format!("{root}{path}{query}"))))
    }

    /// What may leave as it came: of the pattern, no person's number in any form, nothing that the
    /// recipient knows by its pseudonym only.
    fn fits(&self, pattern: &Pattern, value: &str) -> bool {
        let could_be_cpr = pattern.can_hold_cpr() && cpr::could_be_in_request(value);
        let is_echo = self.echoes.has_id(value) || self.echoes.has_number(value);
        pattern.fits(value) && !could_be_cpr && !is_echo
    }

    /// What the recipient would send where a route resolves.
    fn as_pseudonym(&mut self, sought: &Sought, value: &str) -> Option<String> {
        let begin = self.out.len();
        let written = match &sought.kind {
            Kind::Cpr => self.person_as_pseudonym(sought.system.as_deref(), value),
            Kind::Id { resource_type } => {
                Pattern::Word.fits(value) && self.write_pseudonym(Input::id(resource_type, value))
            }
            Kind::Reference => {
                let known = match reference::conditional(value) {
                    Some(one) => sought.system.as_deref() == Some(one.system.as_str()),
                    None => reference::parse(value).is_some(),
                };
                known && self.write_reference(value, 0)
            }
            // None of these is resolved by any route.
            Kind::Value(_) => false,
        };
        let text = String::from_utf8(self.out.split_off(begin)).ok()?;
        written.then_some(text)
    }

    fn person_as_pseudonym(&mut self, system: Option<&str>, value: &str) -> bool {
        let number = match system {
            Some(system) => {
                let number = value.strip_prefix(system).and_then(|rest| rest.strip_prefix('|'));
                self.out.extend_from_slice(format!("{system}|").as_bytes());
                number
            }
            None => Some(value),
        };
        let number = number.and_then(cpr::parse);
        number.is_some_and(|number| self.write_person_of(&number, system.unwrap_or_default()))
    }

    /// The first template that the path fits, in its own words, and the parameters that it lists.
    fn url_of_template(&self, templates: &Templates, text: &str) -> Option<String> {
        let parts = take_apart(text, &[])?;
        let template = templates.paths.iter().find(|template| is_of(template, &parts.segments))?;
        let listed = |(name, value): &&(String, String)| {
            templates.query.iter().any(|parameter| match &parameter.wanted {
                Wanted::Pattern(pattern) => parameter.name == *name && self.fits(pattern, value),
                Wanted::Pseudonym(_) => false,
            })
        };
        let query: Vec<(String, String)> = parts.query.iter().filter(listed).cloned().collect();
        Some(format!("{}{}", template.text, query_text(&uri::encode_query(&query))))
    }
}

fn query_text(encoded: &str) -> String {
    if encoded.is_empty() { String::new() } else { format!("?{encoded}") }
}

fn is_of(template: &Template, segments: &[String]) -> bool {
    template.segments.len() == segments.len()
        && template
            .segments
            .iter()
            .zip(segments)
            .all(|(wanted, segment)| wanted.as_ref().is_none_or(|literal| literal == segment))
}

/// Takes a URL apart, read as strictly as a request's target: no fragment, no userinfo, nothing that is
/// coded twice. A whole one begins with one of the bases, if any are named.
fn take_apart<'a>(text: &'a str, bases: &[String]) -> Option<Parts<'a>> {
    let (before, query) = match text.split_once('?') {
        Some((before, query)) => (before, uri::decode_query(query).ok()?),
        None => (text, Vec::new()),
    };
    let whole = before.strip_prefix("https://").or_else(|| before.strip_prefix("http://"));
    let (form, path) = if let Some(rest) = whole {
        let path = if bases.is_empty() {
            let (authority, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len()))?;
            is_authority(authority).then_some(path)?
        } else {
            below(before, bases.iter().map(String::as_str))?
        };
        (Form::Whole, if path.is_empty() { "/" } else { path })
    } else if before.starts_with('/') {
        let roots = bases.iter().map(|base| path_of(base));
        (Form::FromRoot, if bases.is_empty() { before } else { below(before, roots)? })
    } else {
        return relative(before, query);
    };
    let segments = uri::decode_path(path).ok()?;
    Some(Parts { form, path, segments, query })
}

/// A first segment with a colon would be a scheme (RFC 3986 section 4.2).
fn relative(before: &str, query: Vec<(String, String)>) -> Option<Parts<'_>> {
    let first = before.split('/').next().unwrap_or_default();
    let segments: Option<Vec<String>> = before
        .split('/')
        .map(|segment| {
            let one = uri::decode_path(&format!("/{segment}")).ok()?;
            one.into_iter().next()
        })
        .collect();
    let good = !first.contains(':') && before.len() <= uri::MAX_PATH;
    Some(Parts { form: Form::Relative, path: before, segments: segments.filter(|_| good)?, query })
}

/// What comes after the first base that the text begins with, up to a segment's end.
fn below<'a, 'b>(text: &'a str, mut bases: impl Iterator<Item = &'b str>) -> Option<&'a str> {
    bases.find_map(|base| text.strip_prefix(base).filter(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// `/fhir` of `https://emr.example/fhir`.
fn path_of(base: &str) -> &str {
    let rest = base.split_once("://").map_or(base, |(_, rest)| rest);
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default()
}

/// A host and perhaps a port, without userinfo.
fn is_authority(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte))
}
