//! Whom a change or a look-up is about: the subject id, and the number while it is still needed.

use zeroize::Zeroizing;

use crate::ids::SubjectId;
use crate::pseudonym::RegistryKey;
use crate::rewrite::Identifier;
use crate::store::RightKind;

/// A person, as given. Holds the number, so it has no `Debug` and is not kept.
pub(super) struct Subject {
    id: SubjectId,
    number: Option<Zeroizing<String>>,
}

impl Subject {
    pub(super) fn new(id: SubjectId, identifier: &Identifier<'_>) -> Self {
        let number = match identifier {
            Identifier::Number(number) => Some(Zeroizing::new(number.canonical().to_owned())),
            Identifier::Resource(_) => None,
        };
        Self { id, number }
    }

    pub(super) const fn id(&self) -> SubjectId {
        self.id
    }

    /// Whether it is a person's own number; else an upstream's id.
    pub(super) const fn is_number(&self) -> bool {
        self.number.is_some()
    }

    /// The number, for the heading of a report that is to show it.
    pub(super) fn number(&self) -> Option<&str> {
        self.number.as_ref().map(|number| number.as_str())
    }

    /// The number, sealed for an entry of a kind. `Err` without randomness.
    pub(super) fn sealed(
        &self,
        key: &RegistryKey,
        kind: RightKind,
    ) -> Result<Option<Vec<u8>>, getrandom::Error> {
        let Some(number) = &self.number else { return Ok(None) };
        let mut nonce = [0; 12];
        getrandom::fill(&mut nonce)?;
        Ok(key.seal(number, self.id, kind.word(), nonce))
    }
}
