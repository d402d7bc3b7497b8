//! Pseudonymisation schemes and the key ring.
