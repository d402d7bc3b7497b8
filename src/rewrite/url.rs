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
        let plan = self.plan;
        if is_local(text) {
            let resource = self.links.entry(text)?;
            let path = format!("/{}/{}", resource.resource_type, resource.id);
            let segments = uri::decode_path(&path).ok()?;
            let parts = Parts { form: Form::Relative, path: &path, segments, query: Vec::new() };
            let url = plan.urls.routes.iter().find_map(|route| self.of_route(route, &parts));
            return url.map(|(_, path)| format!("{}{path}", self.base));
        }
        let mut parts = take_apart(text, &plan.urls.bases)?;
        let mut found = plan.urls.routes.iter().find_map(|route| self.of_route(route, &parts));
        if found.is_none() && parts.drop_version() {
            found = plan.urls.routes.iter().find_map(|route| self.of_route(route, &parts));
        }
        let (tail, whole) = found?;
        Some(match parts.form {
            Form::Whole => format!("{}{whole}", self.base),
            Form::FromRoot => whole,
            Form::Relative => tail,
        })
    }

    /// The same as of one route, from where the URL begins and from the root.
    fn of_route(&mut self, route: &UrlRoute, parts: &Parts<'_>) -> Option<(String, String)> {
        let since = self.wanted();
        let found = self.made_of_route(route, parts);
        if found.is_none() {
            self.unwant(since);
        }
        found
    }

    fn made_of_route(&mut self, route: &UrlRoute, parts: &Parts<'_>) -> Option<(String, String)> {
        let before = route.path.len().checked_sub(parts.segments.len())?;
        if before > 0 && (parts.form != Form::Relative || parts.segments.is_empty()) {
            return None;
        }
        let (above, own) = route.path.split_at_checked(before)?;
        // `123` alone could be the end of any path.
        if parts.form == Form::Relative && !matches!(own.first(), Some(PathSegment::Literal(_))) {
            return None;
        }
        let mut root = String::new();
        for segment in above {
            let PathSegment::Literal(text) = segment else { return None };
            root.push('/');
            root.push_str(text);
        }
        let mut path = String::new();
        let raw = parts.path.strip_prefix('/').unwrap_or(parts.path).split('/');
        for ((segment, came), raw) in own.iter().zip(&parts.segments).zip(raw) {
            path.push('/');
            match segment {
                PathSegment::Literal(text) if text == came => path.push_str(raw),
                PathSegment::Literal(_) => return None,
                PathSegment::Named { wanted: Wanted::Pattern(pattern), .. } => {
                    path.push_str(self.fits(pattern, came).then_some(raw)?);
                }
                PathSegment::Named { wanted: Wanted::Pseudonym(sought), .. } => {
                    path.push_str(&self.as_pseudonym(sought, came)?);
                }
            }
        }
        if path.is_empty() {
            path.push('/');
        }
        let mut query = Vec::with_capacity(parts.query.len());
        for (name, value) in &parts.query {
            let parameter = route.query.iter().find(|parameter| parameter.name == *name)?;
            let value = match &parameter.wanted {
                Wanted::Pattern(pattern) => self.fits(pattern, value).then(|| value.clone())?,
                Wanted::Pseudonym(sought) => self.as_pseudonym(sought, value)?,
            };
            query.push((name.clone(), value));
        }
        let query = query_text(&uri::encode_query(&query));
        let tail = path.strip_prefix('/').unwrap_or_default();
        Some((format!("{tail}{query}"), format!("{root}{path}{query}")))
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
