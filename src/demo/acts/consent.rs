//! A purpose that needs consent: nobody's data leaves without one, and one that is withdrawn counts
//! from the next answer on (GDPR art. 7(3)).

use super::super::story::Story;
use super::{ActError, EVENTS, Scene, change, pseudonyms};
use crate::cpr;
use crate::ids::SubjectId;
use crate::pseudonym::Input;
use crate::store::{NewChange, RightKind};

impl Scene<'_> {
    /// Before the play: everybody has consented to the improvement of the booking site.
    pub(super) async fn all_consent(&self) -> Result<(), ActError> {
        let consents: Vec<NewChange> = self.everybody().map(|subject| self.consent(subject, true)).collect();
        self.registrar.enter(consents).await?;
        Ok(())
    }

    pub(super) async fn consent_withdrawn(&self, story: &mut Story) -> Result<(), ActError> {
        let before = self.get("analytics", EVENTS).await?.text();
        let withdrawn = self.everybody().take(1).map(|subject| self.consent(subject, false)).collect();
        self.registrar.enter(withdrawn).await?;
        let after = self.get("analytics", EVENTS).await?.text();
        let (events, left) = (before.lines().count(), after.lines().count());
        story.promise(
            "analytics: a patient who withdraws consent is not in the next answer",
            events == self.people.len() && left.saturating_add(1) == events,
            format!("{events} events before, {left} after"),
        );
        let (before, after) = (pseudonyms(&before), pseudonyms(&after));
        story.promise(
            "analytics: no pseudonym stands twice, in one answer or in two",
            before.len() == events && after.len() == left && before.is_disjoint(&after),
            format!("{} and {} pseudonyms", before.len(), after.len()),
        );
        Ok(())
    }

    fn everybody(&self) -> impl Iterator<Item = SubjectId> {
        let numbers = self.people.iter().filter_map(|person| cpr::parse(&person.cpr));
        numbers.map(|number| self.subject_key.id(Input::number(&number, "")))
    }

    fn consent(&self, subject: SubjectId, begun: bool) -> NewChange {
        let reason = if begun { "consents on the booking site" } else { "withdraws its consent" };
        let consent = change(subject, RightKind::Consent, reason, self.clock.unix_millis());
        NewChange { purpose: Some("product-improvement".to_owned()), begun, ..consent }
    }
}
