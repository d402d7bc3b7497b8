//! What `tavs test` runs.

use crate::policy::location::Location;

/// `[[test]]`.
#[derive(Debug, Clone)]
pub struct PolicyTest {
    /// Which route's rules; an index into [`Policy::routes`](super::Policy::routes).
    pub route: usize,
    /// The upstream's body.
    pub input: TestText,
    /// What must come out, compared without insignificant whitespace.
    pub output: Option<TestText>,
    /// What must not be in the output in any form.
    pub absent: Vec<String>,
    /// What the recipient needs of the output.
    pub needs: Vec<Need>,
    /// Which line of the file the test begins on.
    pub line: u32,
}

/// One line of a test's `needs`: what must be left of the values at a location.
#[derive(Debug, Clone)]
pub struct Need {
    /// Where, in the input.
    pub location: Location,
    /// How much of it.
    pub wants: Wants,
}

/// How much a recipient needs of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// Something.
    Present,
    /// The value as it came.
    Unchanged,
    /// Different values stay different.
    Distinct,
    /// And the same value stays the same, within a response.
    Linked,
    /// And in all responses.
    Stable,
    /// A date's year.
    Year,
    /// And its month.
    Month,
    /// And its day.
    Date,
    /// And the time.
    Instant,
}

impl Wants {
    /// All, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::Present,
        Self::Unchanged,
        Self::Distinct,
        Self::Linked,
        Self::Stable,
        Self::Year,
        Self::Month,
        Self::Date,
        Self::Instant,
    ];

    /// As policies write it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Unchanged => "unchanged",
            Self::Distinct => "distinct",
            Self::Linked => "linked",
            Self::Stable => "stable",
            Self::Year => "year",
            Self::Month => "month",
            Self::Date => "date",
            Self::Instant => "instant",
        }
    }
}

/// A test's body: beside the policy, or in it.
#[derive(Debug, Clone)]
pub enum TestText {
    /// A path relative to the policy file's folder.
    File(String),
    /// The text itself.
    Inline(String),
}
