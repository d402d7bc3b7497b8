//! 06: what only `tavs.toml` can have wrong. (Add here, and `pub use self::configuration::*` above.)

super::codes! {}
