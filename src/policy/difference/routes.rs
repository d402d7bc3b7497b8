//! What a recipient may call, and what may come back but for members.

use super::{Direction, Pair, Topic, members, more_is_wider, values};
use crate::policy::checked::{Content, MediaType, Method, PathSegment, Request, Response, Route};

use Direction::{Narrower, Neutral, Unclear, Wider};

/// Routes that have one name, or else one path and a method in common, are the same route. No two
/// routes of a policy fit one request, so that what a route loses falls to no other; what it bars in URLs
/// does ([`urls`](super::urls)).
pub(super) fn compare(pair: &mut Pair<'_>, old: &[Route], new: &[Route]) {
    let renamed = |route: &Route| {
        let free = |other: &&Route| !new.iter().any(|one| one.name == other.name);
        old.iter().filter(free).find(|other| {
            other.path_text == route.path_text && other.methods.iter().any(|one| route.methods.contains(one))
        })
    };
    let mut known: Vec<&str> = Vec::new();
    for route in new {
        let before = old.iter().find(|other| other.name == route.name).or_else(|| renamed(route));
        match before.filter(|before| !known.contains(&before.name.as_str())) {
            Some(before) => {
                known.push(&before.name);
                compare_routes(&mut pair.within(before, route), before, route);
            }
            None => {
                let words = format!("route `{}` is new: {}", route.name, called(route));
                pair.only_new(Topic::Route, Wider, words, Some(route.line));
            }
        }
    }
    for route in old.iter().filter(|route| !known.contains(&route.name.as_str())) {
        let words = format!("route `{}` is gone: {}", route.name, called(route));
        pair.only_old(Topic::Route, Narrower, words, Some(route.line));
    }
}

fn called(route: &Route) -> String {
    format!("{} {}", methods(&route.methods), route.path_text)
}

fn methods(methods: &[Method]) -> String {
    methods.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(", ")
}

fn compare_routes(pair: &mut Pair<'_>, old: &Route, new: &Route) {
    let Route {
        name,
        methods: allowed,
        path,
        path_text: _,
        query,
        upstream,
        accept_clear,
        request,
        response,
        line: _,
    } = new;
    pair.words(Topic::Route, "its name", &old.name, name, || Neutral);
    for method in allowed.iter().filter(|one| !old.methods.contains(one)) {
        pair.changed(Topic::Methods, Wider, format!("{} may be asked", method.as_str()));
    }
    for method in old.methods.iter().filter(|one| !allowed.contains(one)) {
        pair.changed(Topic::Methods, Narrower, format!("{} is refused", method.as_str()));
    }
    compare_paths(pair, old, (path, new));
    values::parameters(pair, Topic::Query, "query parameter", &old.query, query);
    pair.words(Topic::Upstream, "the upstream", &old.upstream, upstream, || Wider);
    match (&old.accept_clear, accept_clear) {
        (None, Some(ground)) => {
            let words = format!("a clear CPR number may be sent (`{ground}`)");
            pair.changed(Topic::AcceptClear, Wider, words);
        }
        (Some(_), None) => {
            pair.changed(Topic::AcceptClear, Narrower, "a clear CPR number is refused".to_owned());
        }
        (Some(before), Some(after)) => {
            pair.words(Topic::AcceptClear, "the ground of clear CPR numbers", before, after, || Unclear);
        }
        (None, None) => {}
    }
    compare_requests(pair, old.request.as_ref(), request.as_ref());
    compare_responses(pair, &old.response, response);
}

fn compare_paths(pair: &mut Pair<'_>, old: &Route, (path, new): (&[PathSegment], &Route)) {
    let same_form = old.path.len() == path.len()
        && old.path.iter().zip(path).all(|(before, after)| match (before, after) {
            (PathSegment::Literal(before), PathSegment::Literal(after)) => before == after,
            (PathSegment::Named { .. }, PathSegment::Named { .. }) => true,
            (PathSegment::Literal(_), PathSegment::Named { .. })
            | (PathSegment::Named { .. }, PathSegment::Literal(_)) => false,
        });
    if !same_form {
        pair.words(Topic::Path, "the path", &old.path_text, &new.path_text, || Unclear);
        return;
    }
    for (before, after) in old.path.iter().zip(path) {
        if let (PathSegment::Named { name: _, wanted: before }, PathSegment::Named { name, wanted }) =
            (before, after)
        {
            values::compare(pair, Topic::Path, &format!("`{{{name}}}` of the path"), before, wanted);
        }
    }
}

fn compare_requests(pair: &mut Pair<'_>, old: Option<&Request>, new: Option<&Request>) {
    let (before, after) = match (old, new) {
        (None, None) => return,
        (None, Some(Request { fields, content, limit: _ })) => {
            values::parameters(pair, Topic::Fields, "header field", &[], fields);
            if !matches!(content, Content::Nothing) {
                pair.changed(Topic::Content, Wider, format!("{} may be sent", content_word(content)));
            }
            return;
        }
        (Some(Request { fields, content, limit: _ }), None) => {
            values::parameters(pair, Topic::Fields, "header field", fields, &[]);
            if !matches!(content, Content::Nothing) {
                let words = format!("{} is refused", content_word(content));
                pair.changed(Topic::Content, Narrower, words);
            }
            return;
        }
        (Some(before), Some(after)) => (before, after),
    };
    let Request { fields, content, limit } = after;
    values::parameters(pair, Topic::Fields, "header field", &before.fields, fields);
    if before.limit != *limit {
        let words = format!("bytes of content: {} becomes {limit}", before.limit);
        pair.changed(Topic::RequestLimit, more_is_wider(&before.limit, limit), words);
    }
    match (&before.content, content) {
        (Content::Json { media_types: old_types, rules: before }, Content::Json { media_types, rules }) => {
            compare_types(pair, "content", old_types, media_types);
            members::requests(pair, before, rules);
        }
        (Content::Form(before), Content::Form(after)) => {
            values::parameters(pair, Topic::Content, "form parameter", before, after);
        }
        (Content::Nothing, Content::Nothing) => {}
        (Content::Nothing | Content::Json { .. } | Content::Form(_), after) => {
            let direction = if matches!(after, Content::Nothing) { Narrower } else { Wider };
            let (before, after) = (content_word(&before.content), content_word(after));
            pair.words(Topic::Content, "what may be sent:", before, after, || direction);
        }
    }
}

const fn content_word(content: &Content) -> &'static str {
    match content {
        Content::Nothing => "nothing",
        Content::Json { .. } => "JSON",
        Content::Form(_) => "a form",
    }
}

fn compare_types(pair: &mut Pair<'_>, what: &str, old: &[MediaType], new: &[MediaType]) {
    for one in new.iter().filter(|one| !old.contains(one)) {
        let words = format!("{what} of the type {} is taken", one.essence());
        pair.changed(Topic::ContentTypes, Wider, words);
    }
    for one in old.iter().filter(|one| !new.contains(one)) {
        let words = format!("{what} of the type {} is refused", one.essence());
        pair.changed(Topic::ContentTypes, Narrower, words);
    }
}

fn compare_responses(pair: &mut Pair<'_>, old: &Response, new: &Response) {
    let Response {
        // These three are compared place by place, with the members.
        record: _,
        subject: _,
        shapes: _,
        rules: _,
        media_types,
        status_map,
        base,
        location,
    } = new;
    compare_types(pair, "a response", &old.media_types, media_types);
    let mut maps = (old.status_map.clone(), status_map.clone());
    maps.0.sort_unstable();
    maps.1.sort_unstable();
    if maps.0 != maps.1 {
        let said = |map: &[(u16, u16)]| {
            let all: Vec<String> = map.iter().map(|(from, to)| format!("{from} as {to}")).collect();
            if all.is_empty() { "by default".to_owned() } else { all.join(", ") }
        };
        // A status tells something of what is not released.
        pair.words(Topic::Status, "an upstream's error is answered", &said(&maps.0), &said(&maps.1), || {
            Unclear
        });
    }
    if old.base != *base {
        let said = |bases: &[String]| if bases.is_empty() { "anything".to_owned() } else { bases.join(", ") };
        pair.words(Topic::Base, "URLs of the upstream begin with", &said(&old.base), &said(base), || Unclear);
    }
    match (old.location, *location) {
        (false, true) => pair.changed(Topic::Location, Wider, "`Location` is answered".to_owned()),
        (true, false) => pair.changed(Topic::Location, Narrower, "`Location` is dropped".to_owned()),
        (true, true) | (false, false) => {}
    }
    members::responses(pair);
}
