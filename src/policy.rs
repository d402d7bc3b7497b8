//! Policy files: text, checked policy, plan; diagnostics with spans.
pub mod checked;
pub mod diagnostic;
pub mod location;
pub mod plan;
