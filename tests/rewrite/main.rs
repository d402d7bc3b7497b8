//! The rewriter against its oracle, the obvious version in memory: on generated policies and
//! documents, on JSONTestSuite, and on Danish FHIR.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::string_slice,
    clippy::wildcard_enum_match_arm,
    clippy::map_err_ignore,
    clippy::panic_in_result_fn,
    reason = "a test stops at the first thing that it did not expect, and its oracle is kept short"
)]

mod build;
mod corpus;
mod difference;
mod generate;
mod links;
mod locations;
mod oracle;
mod parts;
mod persons;
mod planted;
mod properties;
mod urls;
