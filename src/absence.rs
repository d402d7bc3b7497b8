//! Looks for known values in bytes, in any form: the check that is independent of the rewriter.

/// Which of the known values occur in the output, in whatever form: their indices, in order.
#[must_use]
pub fn find_any(output: &[u8], known: &[&str]) -> Vec<usize> {
    let text = String::from_utf8_lossy(output).to_lowercase();
    let occurs = |value: &str| !value.is_empty() && text.contains(&value.to_lowercase());
    known.iter().enumerate().filter(|(_, value)| occurs(value)).map(|(index, _)| index).collect()
}
