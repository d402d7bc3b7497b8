//! 02: locations and what happens there.

super::codes! {}
