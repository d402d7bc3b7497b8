//! tavs: a TLS reverse proxy that minimises and pseudonymises what a recipient receives.
//!
//! One *exchange* is one request and its response:
//!
//! ```text
//! recipient ──mTLS──▶ listener ▶ identify ▶ limit ▶ decide ──TLS──▶ upstream
//!           ◀── release ◀── record ◀── rewrite ◀── read ◀──
//! ```
//!
//! A module imports only from rows below its own; `tests/architecture.rs` holds this table.
//!
//! | row | modules |
//! |---|---|
//! | 9 | `cli`: one file per subcommand |
//! | 8 | `demo`: clinics, certificates, policies and the proxy in one process |
//! | 7 | `app`: builds every part from the configuration; reload and drain |
//! | 6 | `config`: file, as written, checked |
//! | 5 | `proxy`: one exchange; `admin`: health, metrics; `officer`: rights, reports, approvals, re-identification; `authoring`: what tools find out from samples and tests; `extract`: the same over files |
//! | 4 | `rewrite`: JSON in, JSON out, under a plan; `http`: targets, fields, problems; `ledger`; `subjects`: aliases, registry; `reports`: documents for officers |
//! | 3 | `policy`: text, checked policy, plan; diagnostics; `table`: pseudonyms that stand in the store |
//! | 2 | `pseudonym`: schemes, key ring; `identity`; `limits`; `store`: SQL tables |
//! | 1 | `json`, `uri`, `cpr`, `absence`, `judge`, `net`, `telemetry` |
//! | 0 | `ids`, `secret`, `clock`, `random`, `visible` |
//!
//! Two rules outrank the rest: personal data leaves only through the rewriter, and when in
//! doubt, refuse.

pub mod absence;
pub mod admin;
pub mod app;
pub mod authoring;
pub mod cli;
pub mod clock;
pub mod config;
pub mod cpr;
pub mod demo;
pub mod extract;
pub mod http;
pub mod identity;
pub mod ids;
pub mod json;
pub mod judge;
pub mod ledger;
pub mod limits;
pub mod net;
pub mod officer;
pub mod policy;
pub mod proxy;
pub mod pseudonym;
pub mod random;
pub mod reports;
pub mod rewrite;
pub mod secret;
pub mod store;
pub mod subjects;
pub mod table;
pub mod telemetry;
pub mod uri;
pub mod visible;
