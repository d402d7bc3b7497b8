//! Extracts: the same policies, engine, registry and ledger over files instead of exchanges, for
//! researchers who receive a pseudonymised extract (GDPR art. 89).
//!
//! A run works in a directory beside the one that it makes, and gives that its name at the very end, so
//! that nothing half written looks whole. What the rewriter released of each record becomes rows of the
//! policy's tables ([`row`]), which wait on disk ([`staged`]) until the whole extract has been examined
//! ([`control`]).
//!
//! What must never happen here: a value in an output that the rewriter did not release; a subject id in
//! any output; an extract that appears before it is examined, whole and on record.

mod asked;
pub mod bundle;
mod checkpoint;
pub mod control;
mod growing;
pub mod input;
pub mod order;
mod outputs;
pub mod parquet;
pub mod partition;
mod parts;
mod pool;
mod reading;
mod rest;
pub mod row;
pub mod run;
pub mod select;
mod sort;
pub mod source;
pub mod staged;
mod sum;
mod survey;
pub mod tally;
#[cfg(test)]
mod tests;
mod tree;
mod work;
pub mod write;
