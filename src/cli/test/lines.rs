//! JSON laid out in lines, and what differs between two such texts.

/// How many lines of the same text are shown around a difference.
const AROUND: usize = 2;

/// More pairs of lines than this are not compared with each other: the difference is then shown as
/// all the lines of one text, and all of the other.
const MOST_PAIRS: usize = 4_000_000;

/// At most this many lines of a difference are shown.
const MOST_LINES: usize = 60;

/// Compact JSON, one member or element a line; NDJSON stays one document a line.
pub(super) fn laid_out(text: &str, is_lines: bool) -> Vec<String> {
    if is_lines {
        return text.lines().map(str::to_owned).collect();
    }
    let mut lines = Vec::new();
    let mut line = String::new();
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut chars = text.trim_end().chars().peekable();
    while let Some(c) = chars.next() {
        if in_string {
            line.push(c);
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            '{' | '[' if matches!(chars.peek(), Some('}' | ']')) => line.push(c),
            '{' | '[' => {
                line.push(c);
                depth = depth.saturating_add(1);
                end(&mut line, &mut lines, depth);
            }
            '}' | ']' if line.ends_with(['{', '[']) => line.push(c),
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                end(&mut line, &mut lines, depth);
                line.push(c);
            }
            ',' => {
                line.push(c);
                end(&mut line, &mut lines, depth);
            }
            ':' => line.push_str(": "),
            _ => {
                in_string = c == '"';
                line.push(c);
            }
        }
    }
    lines.push(line);
    lines
}

fn end(line: &mut String, lines: &mut Vec<String>, depth: usize) {
    lines.push(std::mem::replace(line, "  ".repeat(depth)));
}

/// The differing lines, `-` of the one and `+` of the other text, below a head that says which is which.
pub(in crate::cli) fn difference(wanted: &[String], got: &[String], head: &str) -> String {
    let same_start = wanted.iter().zip(got).take_while(|(a, b)| a == b).count();
    let shortest = wanted.len().min(got.len()).saturating_sub(same_start);
    let same_end =
        wanted.iter().rev().zip(got.iter().rev()).take(shortest).take_while(|(a, b)| a == b).count();
    let middle = |all: &[String]| {
        let end = all.len().saturating_sub(same_end);
        all.get(same_start..end).unwrap_or_default().to_vec()
    };
    let mut lines = vec![head.to_owned()];
    let before = same_start.saturating_sub(AROUND)..same_start;
    lines.extend(wanted.get(before).unwrap_or_default().iter().map(|line| format!("  {line}")));
    lines.extend(compare(&middle(wanted), &middle(got)));
    let end = wanted.len().saturating_sub(same_end);
    lines.extend(wanted.iter().skip(end).take(AROUND).map(|line| format!("  {line}")));
    let left_out = lines.len().saturating_sub(MOST_LINES);
    lines.truncate(MOST_LINES);
    if left_out > 0 {
        lines.push(format!("… and {left_out} more lines"));
    }
    lines.join("\n")
}

/// By the longest common subsequence of lines.
fn compare(wanted: &[String], got: &[String]) -> Vec<String> {
    let width = got.len().saturating_add(1);
    let pairs = wanted.len().saturating_add(1).saturating_mul(width);
    if pairs > MOST_PAIRS {
        let minus = wanted.iter().map(|line| format!("- {line}"));
        return minus.chain(got.iter().map(|line| format!("+ {line}"))).collect();
    }
    // `common[i * width + j]` is the length for the lines from `i` and `j` on.
    let mut common = vec![0_u32; pairs];
    let at = |i: usize, j: usize| i.saturating_mul(width).saturating_add(j);
    let read = |common: &[u32], i: usize, j: usize| common.get(at(i, j)).copied().unwrap_or_default();
    for (i, a) in wanted.iter().enumerate().rev() {
        for (j, b) in got.iter().enumerate().rev() {
            let (down, right) = (i.saturating_add(1), j.saturating_add(1));
            let length = if a == b {
                read(&common, down, right).saturating_add(1)
            } else {
                read(&common, down, j).max(read(&common, i, right))
            };
            if let Some(cell) = common.get_mut(at(i, j)) {
                *cell = length;
            }
        }
    }
    let (mut i, mut j) = (0_usize, 0_usize);
    let mut lines = Vec::new();
    loop {
        let (down, right) = (i.saturating_add(1), j.saturating_add(1));
        match (wanted.get(i), got.get(j)) {
            (None, None) => return lines,
            (Some(a), Some(b)) if a == b => {
                lines.push(format!("  {a}"));
                (i, j) = (down, right);
            }
            (Some(a), b) if b.is_none() || read(&common, down, j) >= read(&common, i, right) => {
                lines.push(format!("- {a}"));
                i = down;
            }
            (_, b) => {
                lines.extend(b.map(|b| format!("+ {b}")));
                j = right;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lays_out_members_and_elements() {
        let text = r#"{"a":[1,{"b":"x,{\"y"}],"c":{},"d":[]}"#;
        let lines = laid_out(text, false);
        assert_eq!(
            lines,
            [
                "{",
                "  \"a\": [",
                "    1,",
                "    {",
                "      \"b\": \"x,{\\\"y\"",
                "    }",
                "  ],",
                "  \"c\": {},",
                "  \"d\": []",
                "}"
            ]
        );
        assert_eq!(crate::json::compact(&lines.join("\n")).unwrap(), text);
    }

    #[test]
    fn shows_what_differs_and_a_little_around_it() {
        let wanted = laid_out(r#"{"a":1,"b":2,"c":3,"d":4,"e":5}"#, false);
        let got = laid_out(r#"{"a":1,"b":2,"x":3,"d":4,"e":5}"#, false);
        let shown = difference(&wanted, &got, "- expected, + is");
        assert_eq!(
            shown,
            "- expected, + is\n    \"a\": 1,\n    \"b\": 2,\n-   \"c\": 3,\n+   \"x\": 3,\n    \"d\": 4,\n    \"e\": 5"
        );
    }
}
