//! Whom a change or a look-up is about: the subject id, and the number while it is still needed.

use zeroize::Zeroizing;

use crate::ids::SubjectId;
use crate::pseudonym::{Pseudonymiser, RegistryKey, SubjectKey};
use crate::rewrite::Identifier;
use crate::store::RightKind;

/// A person, as given. Holds the number, so it has no `Debug` and is not kept.
pub(super) struct Subject {
    id: SubjectId,
    is_number: bool,
    /// Canonical, if it is a number.
    text: Zeroizing<String>,
    system: String,
}

impl Subject {
    /// Of what `identifier` was read from.
    pub(super) fn new(text: &str, identifier: &Identifier<'_>, system: &str, key: &SubjectKey) -> Self {
        let (is_number, text) = match identifier {
            Identifier::Number(number) => (true, number.canonical()),
            Identifier::Resource(_) => (false, text),
        };
        let text = Zeroizing::new(text.to_owned());
        Self { id: key.id(identifier.input(system)), is_number, text, system: system.to_owned() }
    }

    pub(super) const fn id(&self) -> SubjectId {
        self.id
    }

    /// Whether it is a person's own number; else an upstream's id.
    pub(super) const fn is_number(&self) -> bool {
        self.is_number
    }

    /// The number, for the heading of a report that is to show it.
    pub(super) fn number(&self) -> Option<&str> {
        self.is_number.then_some(self.text.as_str())
    }

    /// How a recipient may know the person.
    pub(super) fn pseudonyms(&self, maker: &Pseudonymiser) -> Vec<String> {
        let identifier = Identifier::read_canonical(&self.text);
        identifier.map(|identifier| maker.every(identifier.input(&self.system))).unwrap_or_default()
    }

    /// The number, sealed for an entry of a kind.
    ///
    /// # Errors
    /// Without randomness.
    pub(super) fn sealed(
        &self,
        key: &RegistryKey,
        kind: RightKind,
    ) -> Result<Option<Vec<u8>>, getrandom::Error> {
        let Some(number) = self.number() else { return Ok(None) };
        let mut nonce = [0; 12];
        getrandom::fill(&mut nonce)?;
        Ok(key.seal(number, self.id, kind.word(), nonce))
    }
}
