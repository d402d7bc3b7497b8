//! What requests bring: that it is said, that it can be judged, and that it can be resolved.

use std::ops::Range;

use super::Findings;
use super::members;
use crate::cpr;
use crate::policy::checked::{Action, Keep, Kind, Linkability, PathSegment, Pattern, Sought, Url, Wanted};
use crate::policy::codes;
use crate::policy::syntax::At;
use crate::policy::written::{Policy, Query, Route, Rule};
use crate::pseudonym::Scheme;

pub(super) fn check(policy: &Policy, findings: &mut Findings<'_>) {
    for rule in members::rules(policy) {
        if matches!(rule.action.value, Action::Resolve(_)) {
            let message = "`resolve` in a response would undo pseudonyms";
            let help = "write `\"pseudonymise\"`; `resolve` belongs to requests";
            findings.add(&codes::REQUEST_ACTION, &rule.location.span, message, "not in a response", help);
        }
        // What leaves in a URL in clear needs no less.
        if let Action::Url(Url::Templates(templates)) = &rule.action.value
            && templates.query.iter().any(|one| holds_cpr(&one.wanted))
        {
            let help = "take the word out";
            findings.add(&codes::CLEAR_WORD, &rule.action.span, A_CPR, "would leave in clear", help);
        }
    }
    for route in &policy.routes {
        content(route, findings);
        path(route, findings);
        words(route, findings);
        for rule in rules(route) {
            action(rule, findings);
        }
        for (sought, span) in sought(route) {
            can_be_resolved(policy, sought, &span, findings);
        }
    }
}

fn rules(route: &Route) -> &[Rule] {
    route.request.as_ref().and_then(|request| request.members.as_deref()).unwrap_or_default()
}

/// A method that brings something says what, in one way.
fn content(route: &Route, findings: &mut Findings<'_>) {
    const HELP: &str = "add `[route.request]` with `members`, `form`, or `no-body = true`";
    let unsafe_method = route.methods.iter().find(|method| !method.value.is_safe());
    let Some(request) = &route.request else {
        if let Some(method) = unsafe_method {
            let message = format!("what a {} brings is not said", method.value.as_str());
            findings.add(&codes::REQUEST_CONTENT, &method.span, message, "no `[route.request]`", HELP);
        }
        return;
    };
    let ways = [request.members.is_some(), request.form.is_some(), request.no_body];
    let ways = ways.into_iter().filter(|way| *way).count();
    if unsafe_method.is_some() && ways != 1 {
        let message = "the content of a request is said in exactly one way";
        findings.add(&codes::REQUEST_CONTENT, &request.header, message, format!("{ways} ways"), HELP);
    }
    if unsafe_method.is_none() && !route.methods.is_empty() && ways > 0 {
        let message = "GET brings no content";
        let help = "add the method that does to `methods`, or leave only `fields` here";
        findings.add(&codes::REQUEST_CONTENT, &request.header, message, "has no effect", help);
    }
}

/// What stands in a path is one segment.
fn path(route: &Route, findings: &mut Findings<'_>) {
    let Some(path) = &route.path else { return };
    let whole = |wanted: &Wanted| match wanted {
        Wanted::Pseudonym(Sought { kind, system }) => *kind != Kind::Reference && system.is_none(),
        Wanted::Pattern(_) => true,
    };
    for segment in &path.value {
        if let PathSegment::Named { name, wanted } = segment
            && !whole(wanted)
        {
            let message = format!("`{{{name}}}` is one segment, and this has more than an identifier");
            let help = "write `{ resolve = \"id\", type = \"Patient\" }`, without `system`";
            findings.add(&codes::PATH_MEMBER, &path.span, message, "a segment of this path", help);
        }
    }
}

const A_CPR: &str = "one of these words holds a CPR number";

/// The policy's own words are not searched in requests: nobody's number is among them.
fn words(route: &Route, findings: &mut Findings<'_>) {
    if route.accept_clear.is_some() {
        return;
    }
    let help = "write `{ resolve = \"cpr\" }`: the recipient sends the pseudonym";
    let request = route.request.as_ref();
    let fields = request.map_or(&[][..], |request| &request.fields);
    let form = request.and_then(|request| request.form.as_deref()).unwrap_or_default();
    for one in route.query.iter().chain(fields).chain(form) {
        if holds_cpr(&one.wanted.value) {
            findings.add(&codes::CLEAR_WORD, &one.wanted.span, A_CPR, "could be asked in clear", help);
        }
    }
    let Some(At { value: segments, span }) = &route.path else { return };
    let is_clear = |segment: &PathSegment| match segment {
        PathSegment::Literal(text) => is_cpr(text),
        PathSegment::Named { wanted, .. } => holds_cpr(wanted),
    };
    if segments.iter().any(is_clear) {
        let message = "a segment of this path holds a CPR number";
        findings.add(&codes::CLEAR_WORD, span, message, "could be asked in clear", help);
    }
}

fn holds_cpr(wanted: &Wanted) -> bool {
    match wanted {
        Wanted::Pattern(Pattern::OneOf(words)) => words.iter().any(|word| is_cpr(word)),
        Wanted::Pattern(_) | Wanted::Pseudonym(_) => false,
    }
}

fn is_cpr(word: &str) -> bool {
    cpr::search(word, &mut Vec::new()) != cpr::Search::Clean
}

fn action(rule: &Rule, findings: &mut Findings<'_>) {
    let why = match &rule.action.value {
        Action::Keep(Keep { clear_cpr: Some(_), .. }) => "an identifier in clear does not pass in content",
        Action::Keep(Keep { unscanned: true, .. }) => "what cannot be searched does not pass in a request",
        Action::Keep(_) | Action::Withhold | Action::Resolve(_) => return,
        Action::Pseudonymise(_)
        | Action::Mask(_)
        | Action::Generalise(_)
        | Action::Round(_)
        | Action::Shift(_)
        | Action::Replace(_)
        | Action::Scan(_)
        | Action::Count
        | Action::Decode(_)
        | Action::DecodeJson(_)
        | Action::Url(_) => "a request is passed on as it came or not at all",
    };
    let help = "write `\"keep\"`, `\"resolve\"`, or leave the line out";
    findings.add(&codes::REQUEST_ACTION, &rule.location.span, why, "not in a request", help);
}

/// All that a route resolves, and where it says so.
fn sought(route: &Route) -> Vec<(&Sought, Range<usize>)> {
    let request = route.request.as_ref();
    let fields = request.map_or(&[][..], |request| &request.fields);
    let form = request.and_then(|request| request.form.as_deref()).unwrap_or_default();
    let of_query = |query: &'_ Query| query.wanted.span.clone();
    let mut all: Vec<(&Sought, Range<usize>)> = Vec::new();
    for query in route.query.iter().chain(fields).chain(form) {
        if let Wanted::Pseudonym(sought) = &query.wanted.value {
            all.push((sought, of_query(query)));
        }
    }
    if let Some(At { value: segments, span }) = &route.path {
        for segment in segments {
            if let PathSegment::Named { wanted: Wanted::Pseudonym(sought), .. } = segment {
                all.push((sought, span.clone()));
            }
        }
    }
    for rule in rules(route) {
        if let Action::Resolve(sought) = &rule.action.value {
            all.push((sought, rule.location.span.clone()));
        }
    }
    all
}

fn can_be_resolved(policy: &Policy, sought: &Sought, span: &Range<usize>, findings: &mut Findings<'_>) {
    let scheme = policy.pseudonyms.scheme.as_ref().map_or(Scheme::Keyed, |scheme| scheme.value);
    let linkability = policy.pseudonyms.linkability.as_ref().map_or(Linkability::Domain, |one| one.value);
    let (message, help) = if !scheme.resolves() {
        (
            "pseudonyms of this scheme cannot be resolved",
            "write `scheme = \"sealed\"` or `scheme = \"table\"` under `[pseudonyms]`",
        )
    } else if sought.kind != Kind::Cpr && linkability != Linkability::Domain {
        (
            "ids have no pseudonym that changes, so that there is none to resolve",
            "write `linkability = \"domain\"`, or `resolve = \"cpr\"`",
        )
    } else {
        return;
    };
    findings.add(&codes::SCHEME_CANNOT, span, message, "would refuse every request", help);
}
