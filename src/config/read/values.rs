//! Single values that have a form of their own.

use std::net::SocketAddr;

use jiff::Span;

use crate::http::OwnNames;
use crate::policy::codes;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::location::Location;
use crate::policy::syntax::{Flaw, Table, Value};
use crate::proxy::{self, SubjectLookup};

pub(super) fn address(value: &Value<'_>) -> Option<SocketAddr> {
    let parse = |text: &str| {
        text.parse().map_err(|_not_one| {
            Flaw::new(
                format!("`{text}` is no address to listen on"),
                "an IP address and a port: `0.0.0.0:8443`, `[::1]:8443`",
            )
        })
    };
    value.parsed(&codes::BAD_VALUE, parse).map(|at| at.value)
}

pub(super) fn names(value: &Value<'_>) -> Vec<String> {
    let list = value.strings();
    if list.is_empty() {
        value.fault(&codes::BAD_VALUE, "`names` is empty", "nobody could call us", None);
    }
    for name in &list {
        if OwnNames::new([name.value.as_str()]).is_err() {
            let message = format!("`{}` is no name that we could be called by", name.value);
            value.report(
                Diagnostic::new(&codes::BAD_VALUE, value.file(), name.span.clone(), message, "no host name")
                    .help("a host name or address, with a port if only that one counts"),
            );
        }
    }
    list.into_iter().map(|name| name.value.to_ascii_lowercase()).collect()
}

/// `https://host[:port][/prefix]`: no userinfo, query or fragment.
pub(super) fn upstream_url(text: &str) -> Result<String, Flaw> {
    let flaw = || {
        Flaw::new(
            format!("`{text}` is no URL of an upstream"),
            "`https://host`, with a port and a path before every route's path if need be",
        )
    };
    let uri: hyper::Uri = text.parse().map_err(|_not_one| flaw())?;
    let scheme_fits = matches!(uri.scheme_str(), Some("https" | "http"));
    let plain = uri.query().is_none() && !text.contains(['@', '#', '%', '\\', ';']);
    let prefix = uri.path().trim_matches('/');
    let segments_fit = prefix.is_empty() || prefix.split('/').all(|s| !matches!(s, "" | "." | ".."));
    if scheme_fits && plain && segments_fit && uri.host().is_some_and(|host| !host.is_empty()) {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err(flaw())
    }
}

/// `"5 years"`, `"18 months"`, `"30 days"`: a calendar's years and months, at most a hundred years.
pub(super) fn retention_span(text: &str) -> Result<Span, Flaw> {
    let flaw = || {
        Flaw::new(
            format!("`{text}` is no time for records to be kept"),
            "a whole number and a unit: `5 years`, `18 months`, `30 days`",
        )
    };
    let (number, unit) = text.split_once(' ').ok_or_else(flaw)?;
    let number: i64 = number.parse().map_err(|_no_number| flaw())?;
    let (span, most) = match unit {
        "year" | "years" => (Span::new().try_years(number), 100),
        "month" | "months" => (Span::new().try_months(number), 1200),
        "day" | "days" => (Span::new().try_days(number), 36_500),
        _ => return Err(flaw()),
    };
    span.ok().filter(|_| (1..=most).contains(&number)).ok_or_else(flaw)
}

/// `{ path = "/patients/{id}", cpr = "$.cpr" }`.
pub(super) fn subject_lookup(mut table: Table<'_>) -> Option<SubjectLookup> {
    let whole = |text: &str| {
        let lookup = SubjectLookup::new(text, Location::default(), String::new(), 1);
        lookup.map(|_good| text.to_owned()).ok_or_else(|| {
            let help = "such as `/patients/{id}`: plain segments, one of which is `{id}`";
            Flaw::new(format!("`{text}` is no path to ask for a person by"), help)
        })
    };
    let location = |text: &str| {
        Location::parse(text).map_err(|error| Flaw {
            at: Some(error.at.start..error.at.end.min(text.len()).max(error.at.start)),
            message: error.message.to_owned(),
            help: error.help.map(str::to_owned),
        })
    };
    let path =
        table.required("path", "\"/patients/{id}\"").and_then(|value| value.parsed(&codes::BAD_VALUE, whole));
    let cpr = table.required("cpr", "\"$.cpr\"").and_then(|value| value.parsed(&codes::BAD_VALUE, location));
    let resource_type = table.optional_str("type").map_or_else(|| "Patient".to_owned(), |at| at.value);
    let most = table.optional_integer("most", 1..=MOST_LOOKUPS).and_then(|at| u32::try_from(at.value).ok());
    table.finish();
    SubjectLookup::new(&path?.value, cpr?.value, resource_type, most.unwrap_or(proxy::DEFAULT_LOOKUPS))
}

/// More would let one page of a recipient's cost an upstream minutes.
const MOST_LOOKUPS: u64 = 256;

pub(super) fn node_name(text: &str) -> Result<String, Flaw> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if text.len() <= 64 && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err(Flaw::new(format!("`{text}` is no name of a node"), "1 to 64 letters, digits, `-`, `.` or `_`"))
    }
}

/// The machine's name, where the file does not name the node.
pub(super) fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .and_then(|name| node_name(name.trim()).ok())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "node".to_owned())
}
