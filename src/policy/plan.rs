//! The compiled form of a route's rules.
