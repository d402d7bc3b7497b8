//! Policy files: text, checked policy, plan; diagnostics with spans.
pub mod check;
pub mod checked;
pub mod codes;
pub mod decide;
pub mod diagnostic;
pub mod difference;
pub mod location;
pub mod plan;
pub mod protection;
pub mod regions;
pub mod resolve;
pub mod running;
pub mod schema;
pub mod sources;
pub mod syntax;
pub mod words;
mod written;

pub(crate) use self::written::presented;
