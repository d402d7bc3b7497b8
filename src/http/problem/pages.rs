//! The page behind each problem type URI, for people who follow it.

use std::fmt::Write as _;

use super::document::TYPES_PATH;
use super::{ProblemType, Refusal, kinds};

/// A page of HTML, without script, style sheet or link to elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The document.
    pub html: String,
}

impl Page {
    /// The media type of every page.
    pub const MEDIA_TYPE: &'static str = "text/html; charset=utf-8";
}

/// The page at `path`: one type's, or the list of all.
pub(super) fn find(path: &str) -> Option<Page> {
    let rest = path.strip_prefix(TYPES_PATH)?;
    match rest.strip_prefix('/') {
        None if rest.is_empty() => Some(Page { html: list() }),
        None => None,
        Some(slug) => kinds::ALL.iter().find(|kind| kind.slug == slug).map(|kind| Page { html: one(kind) }),
    }
}

/// The status codes that come with a type, in order; where the route decides, in words.
pub(super) fn statuses(kind: &ProblemType) -> String {
    if kind == &kinds::REFUSED {
        return "409, 412, 422, or another 4xx".to_owned();
    }
    let of_kind = Refusal::ALL.iter().map(|refusal| refusal.verdict()).filter(|verdict| verdict.kind == kind);
    let mut codes: Vec<String> = of_kind.map(|verdict| verdict.status.to_string()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes.join(", ")
}

fn one(kind: &ProblemType) -> String {
    let mut body = format!("<h1>{}</h1>\n<p>Status {}.</p>\n", html(kind.title), statuses(kind));
    let _infallible = write!(
        body,
        "<h2>What it means</h2>\n<p>{}</p>\n<h2>What to do</h2>\n<p>{}</p>\n<p><a href=\"{TYPES_PATH}\">All problem types</a></p>\n",
        html(kind.meaning),
        html(kind.remedy),
    );
    document(kind.title, &body)
}

fn list() -> String {
    let mut body = String::from("<h1>Problem types</h1>\n<ul>\n");
    for kind in kinds::ALL {
        let _infallible = writeln!(
            body,
            "<li><a href=\"{TYPES_PATH}/{}\">{}</a> ({})</li>",
            kind.slug,
            html(kind.title),
            statuses(kind)
        );
    }
    body.push_str("</ul>\n");
    document("Problem types", &body)
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{}</title></head>\n<body>\n{body}</body>\n</html>\n",
        html(title)
    )
}

/// Escapes text for HTML, and sets what stands in backticks as code.
fn html(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let mut out = String::with_capacity(escaped.len());
    for (number, part) in escaped.split('`').enumerate() {
        if number > 0 {
            out.push_str(if number % 2 == 1 { "<code>" } else { "</code>" });
        }
        out.push_str(part);
    }
    out
}
