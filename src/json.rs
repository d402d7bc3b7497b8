//! Strict JSON (RFC 8259): the tokeniser and the writer. Knows nothing of policy.
