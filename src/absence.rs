//! Looks for known values in bytes, in any form: the check that is independent of the rewriter.
