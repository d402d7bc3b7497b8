//! 04 and 05: routes, queries, and policies beside each other.

super::codes! {}
