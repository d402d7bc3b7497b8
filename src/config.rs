//! The configuration: file, as written, checked.

pub mod private;
