//! Whose data may leave: the question that the rewriter asks about each subject of a body, and that
//! the registry answers (G8). Neither knows the other.

use crate::ids::SubjectId;

/// Decides about an identifier at a subject location.
pub trait Judge {
    /// Whose it is. `is_number`: it is a CPR or e-CPR, which is a person's even if it was never
    /// seen; any other identifier is a person's only if somebody tied it to one.
    fn judge(&self, id: SubjectId, is_number: bool) -> Judgement;
}

/// What an identifier comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// A person's, by the id that stands for that person everywhere; the data may leave.
    Person(SubjectId),
    /// Nobody knows whose.
    Unknown,
    /// A person's whose data may not leave: restriction, objection, missing consent, erasure.
    Withheld,
}

/// Takes every identifier for a person's whose data may leave: for tools that have no registry.
#[derive(Debug, Clone, Copy)]
pub struct Everyone;

impl Judge for Everyone {
    fn judge(&self, id: SubjectId, _is_number: bool) -> Judgement {
        Judgement::Person(id)
    }
}

/// Two identifiers of one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Same {
    /// An upstream's id.
    pub alias: SubjectId,
    /// The person's number.
    pub person: SubjectId,
}
