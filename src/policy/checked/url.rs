//! What is left of a URL.

use super::Parameter;

/// What takes the place of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Url {
    /// The URL by which the recipient would ask for the same, by its own routes.
    Route,
    /// The template that its path fits.
    Templates(Templates),
}

/// What may be left of URLs that nobody is to follow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Templates {
    /// In order: the first that a path fits leaves in its place.
    pub paths: Vec<Template>,
    /// Parameters that leave with it, where they fit; all others do not.
    pub query: Vec<Parameter>,
}

/// A path such as `/patient/{id}/booking`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// As written.
    pub text: String,
    /// Its segments; `None` for a `{name}`.
    pub segments: Vec<Option<String>>,
}
