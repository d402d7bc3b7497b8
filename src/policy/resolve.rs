//! Pseudonyms that a recipient sends, back into what they stand for (G7): where a policy grants it,
//! and of the kind that it grants.
//!
//! Called by the decision for path, query and header fields, and by the rewriter for content. What
//! must never happen here: a word about why a pseudonym does not open (G6); an identifier in clear
//! taken for one.

use std::fmt;

use super::checked::{Kind, Linkability, Sought};
use super::plan::Plan;
use crate::cpr;
use crate::ids::SubjectId;
use crate::pseudonym::{Input, REGIONAL_SYSTEMS, Rows};

/// What one pseudonym stands for. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The whole value that goes to the upstream: `Patient/123`, `system|2512489996`.
    pub(crate) written: String,
    /// The identifier alone: what must not come back in clear.
    pub(crate) identifier: String,
    is_number: bool,
    subject: SubjectId,
}

impl Resolved {
    /// Whom or what it names, as the registry and the ledger know it.
    #[must_use]
    pub const fn subject(&self) -> SubjectId {
        self.subject
    }

    /// Whether it is a person's number, and not a resource's id.
    #[must_use]
    pub const fn is_number(&self) -> bool {
        self.is_number
    }
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolved(…)")
    }
}

/// Why a value cannot be resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unresolved {
    /// An identifier in clear: its sender must know.
    Clear,
    /// Anything else: forged, foreign, of another kind, of a closed key, no pseudonym at all.
    Refused,
}

impl Plan {
    /// What `text` stands for. `rows` is what the store has of the request's pseudonyms, under the scheme
    /// `table`.
    ///
    /// # Errors
    /// [`Unresolved`]. All that does not open takes the same way to its refusal.
    pub fn resolve(&self, sought: &Sought, text: &str, rows: &Rows) -> Result<Resolved, Unresolved> {
        let resolved = match &sought.kind {
            Kind::Cpr => self.person(sought, text, rows),
            Kind::Id { resource_type } => self.id(resource_type, text, "", rows),
            Kind::Reference => self.reference(sought, text, rows),
            Kind::Value(_) => None,
        };
        resolved.ok_or_else(|| {
            let mut finds = Vec::new();
            cpr::search(text, &mut finds);
            if finds.is_empty() { Unresolved::Refused } else { Unresolved::Clear }
        })
    }

    /// `pseudonym`, or `system|pseudonym` where a system is asked for.
    fn person(&self, sought: &Sought, text: &str, rows: &Rows) -> Option<Resolved> {
        let (before, pseudonym) = match &sought.system {
            Some(system) => {
                let rest = text.strip_prefix(system.as_str()).and_then(|rest| rest.strip_prefix('|'));
                (format!("{system}|"), rest.unwrap_or_default())
            }
            None => (String::new(), text),
        };
        let system = sought.system.as_deref().filter(|system| system.starts_with(REGIONAL_SYSTEMS));
        let of = |kind, system| Input { kind, resource_type: "", system, value: "" };
        // Both are tried of each, so that the time says nothing of the kind.
        let cpr = self.open(pseudonym, of("cpr", ""), &before, rows);
        let ecpr = self.open(pseudonym, of("ecpr", system.unwrap_or_default()), &before, rows);
        cpr.or(ecpr)
    }

    fn id(&self, resource_type: &str, pseudonym: &str, before: &str, rows: &Rows) -> Option<Resolved> {
        self.open(pseudonym, Input::id(resource_type, ""), before, rows)
    }

    /// `Type/pseudonym`; or `Type?identifier=system|pseudonym` where a system is asked for (FHIR R4
    /// section 3.1.0.12.1, conditional references). A type is good if something of it was sealed.
    fn reference(&self, sought: &Sought, text: &str, rows: &Rows) -> Option<Resolved> {
        const CONDITION: &str = "?identifier=";
        let is_type = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic());
        if sought.system.is_some()
            && let Some((resource_type, token)) = text.split_once(CONDITION)
        {
            let sought = Sought { kind: Kind::Cpr, system: sought.system.clone() };
            let mut resolved = self.person(&sought, token, rows)?;
            resolved.written = format!("{resource_type}{CONDITION}{}", resolved.written);
            return is_type(resource_type).then_some(resolved);
        }
        let (resource_type, pseudonym) = text.split_once('/').unwrap_or(("", text));
        let resolved = self.id(resource_type, pseudonym, &format!("{resource_type}/"), rows)?;
        is_type(resource_type).then_some(resolved)
    }

    fn open(&self, pseudonym: &str, sought: Input<'_>, before: &str, rows: &Rows) -> Option<Resolved> {
        let salted = self.linkability != Linkability::Domain;
        let identifier = self.pseudonymiser.resolve(pseudonym, sought, salted, rows)?;
        let subject = self.subject_key.id(Input { value: &identifier, ..sought });
        let written = format!("{before}{identifier}");
        Some(Resolved { written, identifier, is_number: sought.kind != "id", subject })
    }
}
