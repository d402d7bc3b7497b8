//! The documents that are written from the code, held to it.
