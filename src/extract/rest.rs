//! Lines of which some may be broken, taken a stretch at a time: all of a piece, as long as nothing is wrong with
//! it; behind a broken line the next one by itself, and then twice as much each time that it goes well. Were all that
//! is left tried anew behind each broken line, the work would grow with the square of a piece.

use super::input::Form;

/// What of a piece is not done with.
#[derive(Debug)]
pub(super) struct Rest<'b> {
    rest: &'b [u8],
    /// Lines that begin within so many bytes are tried at once.
    reach: usize,
    form: Form,
}

impl<'b> Rest<'b> {
    pub(super) const fn of(piece: &'b [u8], form: Form) -> Self {
        Self { rest: piece, reach: usize::MAX, form }
    }

    /// What is to be tried next: whole lines, or the document.
    pub(super) fn next(&self) -> &'b [u8] {
        let behind = self.rest.get(self.reach..).filter(|_| self.form.is_lines());
        let end = behind.and_then(|behind| memchr::memchr(b'\n', behind));
        let end = end.map_or(self.rest.len(), |at| self.reach.saturating_add(at).saturating_add(1));
        self.rest.get(..end).unwrap_or(self.rest)
    }

    /// Nothing was wrong with it; says whether anything is left.
    pub(super) fn went_well(&mut self, tried: &[u8]) -> bool {
        self.rest = self.rest.get(tried.len()..).unwrap_or_default();
        self.reach = tried.len().saturating_mul(2);
        !self.rest.is_empty()
    }

    /// Something was wrong with it, first at `offset`: the lines before the one with that, and that line. Both are
    /// done with.
    pub(super) fn without(&mut self, tried: &'b [u8], offset: usize) -> (&'b [u8], &'b [u8]) {
        let offset = offset.min(tried.len().saturating_sub(1));
        let (head, tail) = tried.split_at(offset);
        let start = memchr::memrchr(b'\n', head).map_or(0, |at| at.saturating_add(1));
        let end =
            memchr::memchr(b'\n', tail).map_or(tried.len(), |at| offset.saturating_add(at).saturating_add(1));
        let (before, rest) = tried.split_at(start);
        let broken = rest.get(..end.saturating_sub(start)).unwrap_or(rest);
        self.rest = self.rest.get(end..).unwrap_or_default();
        self.reach = 0;
        (before, broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goes through lines, of which those with an `x` are broken; gives the good and the broken ones, and how many
    /// bytes were tried.
    fn through(lines: &[u8]) -> (Vec<u8>, Vec<u8>, usize) {
        let (mut rest, mut good, mut bad, mut tried) = (Rest::of(lines, Form::Lines), vec![], vec![], 0);
        loop {
            let next = rest.next();
            tried += next.len();
            match memchr::memchr(b'x', next) {
                None => {
                    good.extend_from_slice(next);
                    if !rest.went_well(next) {
                        return (good, bad, tried);
                    }
                }
                Some(at) => {
                    let (before, broken) = rest.without(next, at);
                    good.extend_from_slice(before);
                    bad.extend_from_slice(broken);
                }
            }
        }
    }

    #[test]
    fn each_line_is_taken_once_and_tried_a_few_times() {
        let all_broken = "x\n".repeat(50_000);
        let every_other = "{}\n-x-\n".repeat(50_000);
        let last = format!("{}x", "{}\n".repeat(50_000));
        for lines in
            [all_broken.as_str(), &every_other, &last, "x", "", "{}", "x\n{}", "\n\nx\n\n", "{}\nx\n"]
        {
            let (good, bad, tried) = through(lines.as_bytes());
            let of = |broken: bool| -> Vec<u8> {
                let lines = lines.split_inclusive('\n').filter(|line| line.contains('x') == broken);
                lines.collect::<String>().into_bytes()
            };
            assert!(good == of(false) && bad == of(true), "{} bytes", lines.len());
            assert!(tried <= lines.len() * 4, "{tried} bytes of {}", lines.len());
        }
    }

    #[test]
    fn a_line_is_found_around_a_byte() {
        let lines = b"ab\ncd\nef";
        let parts = |offset| {
            let mut rest = Rest::of(lines, Form::Lines);
            let (before, broken) = rest.without(lines, offset);
            (before, broken, rest.rest)
        };
        let (bad, good): (&[u8], &[u8]) = (b"cd\n", b"ab\n");
        for offset in 3..6 {
            assert_eq!(parts(offset), (good, bad, &b"ef"[..]));
        }
        assert_eq!(parts(0), (&b""[..], good, &b"cd\nef"[..]));
        assert_eq!(parts(99), (&b"ab\ncd\n"[..], &b"ef"[..], &b""[..]));
        assert_eq!(Rest::of(b"", Form::Lines).without(b"", 0), (&b""[..], &b""[..]));
    }
}
