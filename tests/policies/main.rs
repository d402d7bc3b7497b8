//! Policies with mistakes, and the text that each diagnostic underlines.

#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a failed test may panic")]

mod bad;
mod configured;
mod diagnostics;
mod difference;
mod documents;
mod examples;
mod good;
mod included;
mod read;
mod schema;
mod support;
mod syntax;
mod wording;
