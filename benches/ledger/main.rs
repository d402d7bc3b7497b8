//! What the record before each answer costs: records alone, by how many wait at the same time, and
//! as a share of whole exchanges over TLS.
//!
//! `cargo bench --bench ledger` measures; `cargo test --bench ledger`, or `-- --quick`, only shows
//! that everything runs.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark: its input is its own, and it prints figures to be read"
)]

mod cpu;
#[expect(dead_code, reason = "the rewriter's benchmark has bundles, too")]
#[path = "../rewrite/documents.rs"]
mod documents;
mod exchange;
mod records;

fn main() {
    let given = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    let quick = given("--quick") || !given("--bench");
    records::measure(quick);
    exchange::measure(quick);
}
