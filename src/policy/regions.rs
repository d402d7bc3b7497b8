//! Which region a Danish postcode lies in, on a day. The table is data, `regions.txt`: it says where
//! it is from, and how to read it.

use std::sync::LazyLock;

use jiff::civil::Date;

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("regions.txt")));

/// The region of a postcode as it is on `day`, such as `DK-82`; `None` if it lies in none.
#[must_use]
pub fn region(postcode: u16, day: Date) -> Option<&'static str> {
    let table = &*TABLE;
    let range = table.ranges.iter().find(|range| (range.from..=range.to).contains(&postcode))?;
    let merged = table.merges.iter().rfind(|merge| merge.region == range.region && merge.day <= day);
    Some(merged.map_or(range.region, |merge| merge.new))
}

#[derive(Debug, Default)]
struct Table {
    ranges: Vec<Range>,
    merges: Vec<Merge>,
}

#[derive(Debug)]
struct Range {
    from: u16,
    to: u16,
    region: &'static str,
}

#[derive(Debug)]
struct Merge {
    day: Date,
    region: &'static str,
    new: &'static str,
}

impl Table {
    /// A line that says neither is left out; a test sees to it that there is none.
    fn read(text: &'static str) -> Self {
        let mut table = Self::default();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match (words.next(), words.next(), words.next(), words.next()) {
                (Some("range"), Some(from), Some(to), Some(region)) => {
                    if let (Ok(from), Ok(to)) = (from.parse(), to.parse()) {
                        table.ranges.push(Range { from, to, region });
                    }
                }
                (Some("merge"), Some(day), Some(region), Some(new)) => {
                    if let Ok(day) = day.parse() {
                        table.merges.push(Merge { day, region, new });
                    }
                }
                _ => {}
            }
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn every_line_is_read_and_no_postcode_stands_twice() {
        let table = &*TABLE;
        let lines =
            |first: &str| include_str!("regions.txt").lines().filter(|line| line.starts_with(first)).count();
        assert_eq!((table.ranges.len(), table.merges.len()), (lines("range"), lines("merge")));
        assert_eq!(lines(""), lines("range") + lines("merge") + lines("#") + 1, "one blank line");
        assert!(table.ranges.iter().all(|range| range.from <= range.to));
        assert!(table.ranges.windows(2).all(|pair| pair[0].to < pair[1].from));
    }

    #[test]
    fn a_postcode_lies_in_its_region_of_the_day() {
        let (before, after) = (date(2026, 12, 31), date(2027, 1, 1));
        for (postcode, region_before, region_after) in [
            (2100, Some("DK-84"), Some("Østdanmark")),
            (3700, Some("DK-84"), Some("Østdanmark")),
            (4000, Some("DK-85"), Some("Østdanmark")),
            (4050, Some("DK-84"), Some("Østdanmark")),
            (2670, Some("DK-85"), Some("Østdanmark")),
            (5000, Some("DK-83"), Some("DK-83")),
            (7100, Some("DK-83"), Some("DK-83")),
            (8000, Some("DK-82"), Some("DK-82")),
            (7160, Some("DK-82"), Some("DK-82")),
            (9000, Some("DK-81"), Some("DK-81")),
            (7700, Some("DK-81"), Some("DK-81")),
            (3900, Some("GL"), Some("GL")),
            (800, None, None),
            (9999, None, None),
        ] {
            assert_eq!(
                (region(postcode, before), region(postcode, after)),
                (region_before, region_after),
                "{postcode}"
            );
        }
    }
}
