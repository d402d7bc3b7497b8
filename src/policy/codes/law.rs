//! 03: what the law does not permit.

super::codes! {}
