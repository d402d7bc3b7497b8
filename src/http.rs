//! The gate of an exchange: what a recipient's request must look like before any policy is asked,
//! how the forwarded request is built anew, what an upstream's response must look like before
//! any byte of it is read as JSON, and what tavs says when it refuses.
//!
//! hyper parses; it does not judge. Nothing here copies a field from one side to the other.

pub mod body;
pub mod fields;
pub mod forward;
pub mod problem;
pub mod reply;
pub mod target;
pub mod trace;

pub use problem::Refusal;
pub use target::{OwnNames, Target};

use http_body::Body;

/// Judges a request: framing, fields, then target. The body is looked at, not read.
///
/// # Errors
/// The first reason that refuses it; see [`Refusal`].
pub fn admit<B: Body>(head: &::http::request::Parts, body: &B, own: &OwnNames) -> Result<Target, Refusal> {
    fields::check_request(head)?;
    let target = Target::parse(head, own)?;
    if fields::takes_no_content(target.method()) && !body.is_end_stream() {
        return Err(Refusal::UnexpectedBody);
    }
    Ok(target)
}

#[cfg(test)]
mod tests;
