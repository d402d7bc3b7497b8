//! What the tools for policy authors find out from samples and tests: what a policy's tests reach, what
//! they let slip, which weaker forms they accept, what samples are made of.
//!
//! Stands beside an exchange, never in one: no module here is called while one is answered. Reads
//! samples that may be of real people, so what comes out of here names locations, types, classes and
//! counts, and never a value; names of members only where they cannot be data ([`names`]).
pub mod assess;
pub mod classify;
pub mod coverage;
pub mod draft;
pub mod format;
pub mod leaks;
pub mod learn;
pub mod names;
pub mod needs;
