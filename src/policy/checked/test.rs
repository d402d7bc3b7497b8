//! What `tavs test` runs.

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
    /// Which line of the file the test begins on.
    pub line: u32,
}

/// A test's body: beside the policy, or in it.
#[derive(Debug, Clone)]
pub enum TestText {
    /// A path relative to the policy file's folder.
    File(String),
    /// The text itself.
    Inline(String),
}
