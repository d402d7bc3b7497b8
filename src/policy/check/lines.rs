//! Where the lines of a text begin.

/// The lines of one text.
#[derive(Debug)]
pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        Self(memchr::memchr_iter(b'\n', text.as_bytes()).collect())
    }

    /// The line, from 1, that byte `offset` stands on.
    pub(super) fn at(&self, offset: usize) -> u32 {
        let before = self.0.partition_point(|end| *end < offset);
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::syntax::line_of;

    #[test]
    fn lines_are_counted_as_by_counting() {
        let text = "a\nbc\n\nd";
        let lines = Lines::of(text);
        for at in 0..=text.len() {
            assert_eq!(lines.at(at), line_of(text, at), "{at}");
        }
    }
}
